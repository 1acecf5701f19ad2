"""`riskstats report`, and `riskstats profile` of the same logs: the numbers of the library, and refusals."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskstats.evaluations.readers.log import FORMATS, read_log
from riskstats.evaluations.report import evaluation_report
from riskstats.evaluations.report_result import COLUMNS
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from tests.evaluations.logs import garak, inspect_ai, others

Run = Callable[..., Any]
HIGH = Scale(0, 1, worse="high")
MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


def inspect(folder: Path, *, prompts: int = 40, epochs: int = 1, **more: Any) -> Path:
    """A log of one dict score with two keys."""
    return inspect_ai.write(folder, inspect_ai.summaries(inspect_ai.scores_of(0, prompts, epochs)), **more)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Outcomes of two models on 120 prompts."""
    rng = np.random.default_rng(1)
    columns = {
        "model": [name for name in ("alpha", "beta") for _ in range(120)],
        "prompt_id": [f"q{i}" for _ in range(2) for i in range(120)],
        "loss": np.concatenate([rng.random(120) < 0.08, rng.random(120) < 0.5]).astype(float),
        "category": [f"c{i % 3}/x" for _ in range(2) for i in range(120)],
        "severity": [1 + i % 5 for _ in range(2) for i in range(120)],
        "cost": [1 + i % 5 for _ in range(2) for i in range(120)],
    }
    path = tmp_path / "outcomes.csv"
    OutcomeTable.of(columns).write(path)
    return path


def logs(folder: Path, name: str) -> Path:
    """A small log of each tool."""
    if name == "inspect_ai":
        return inspect(folder)
    if name == "garak":
        return garak.write(folder, {"probe.A": {"det.X": [[1.0], [0.0], [0.0], [1.0]]}})
    return {
        "lm_eval": lambda: others.lm_eval(folder, [0.0, 1.0, 0.0, 1.0]),
        "helm": lambda: others.helm(folder, [{"a": 1.0, "b": 0.0}, {"a": 0.5, "b": 1.0}]),
        "harmbench": lambda: others.harmbench(folder, {"b1": [1, 0], "b2": [0, 0]}),
        "modelbench": lambda: others.modelbench(folder, {"t": {"p": 1.0, "q": 0.0, "r": 1.0}}),
        "promptfoo": lambda: others.promptfoo(folder, [{"test": i, "score": i % 2} for i in range(4)]),
        "deepeval": lambda: others.deepeval(
            folder, [{"Bias": (0.9, True)}, {"Bias": (0.2, False)}, {"Bias": (0.8, True)}]
        ),
    }[name]()


# Reports


@pytest.mark.parametrize("name", FORMATS)
def test_a_log_of_every_tool_goes_straight_to_a_report(run: Run, tmp_path: Path, name: str) -> None:
    path = logs(tmp_path, name)
    worse = "low" if name == "deepeval" else "high"
    declared = ["--scale", f"0:1:{worse}"] if name in ("inspect_ai", "lm_eval", "deepeval") else []
    model = "own" if name == "deepeval" else None
    declared += ["--model", model] if model else []
    result = run("report", path, *declared, "--part", "rates", "--seed", "3")
    assert result.code == 0
    scale = Scale(0, 1, worse=worse) if "--scale" in declared else None
    found = evaluation_report(read_log(path, scale=scale, model=model), parts=("rates",), random_state=3)
    assert result.out.startswith("Report on an evaluation: ")
    assert f"  {found.origin.sources[0]}\n" in result.out
    for models in found.findings.rates.values():
        for model, rates in models.items():
            assert f"  {model}: {rates.overall.summary().removeprefix('all: ')}\n" in result.out


def test_json_and_table_hold_the_numbers_of_the_library(run: Run, table: Path, tmp_path: Path) -> None:
    found = evaluation_report(OutcomeTable.read(table), level=0.5, zones=(0.2, 0.8))
    result = run("report", table, "--level", "0.5", "--zones", "0.2:0.8", "--json", "-o", "rates.tsv")
    assert result.code == 0
    content = json.loads(result.out)
    told = json.loads(json.dumps(found.to_dict()))
    for part in ("rates", "contrasts", "zones", "grades"):
        assert content["cases"]["all"][part] == told["cases"]["all"][part]
    assert content["comparisons"] == told["comparisons"]
    assert content["cases"]["all"]["harms"]["loss"]["beta"]["expected_harm"]["estimate"] > 0
    assert content["origin"]["sources"][0].startswith("table; outcomes.csv; sha256:")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "rates.tsv").read_text()), delimiter="\t"))
    assert tuple(lines[0]) == COLUMNS
    rate = next(line for line in lines if line["part"] == "rate" and line["model"] == "beta")
    assert float(rate["estimate"]) == found.rate("beta").estimate
    stdout = run("report", table, "--level", "0.5", "--zones", "0.2:0.8", "-o", "-")
    assert stdout.out == (tmp_path / "rates.tsv").read_text().replace("\t", ",")


def test_several_logs_are_one_evaluation(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        inspect(tmp_path, name=f"{name}.eval", model=f"model-{name}")
    result = run("report", "a.eval", "b.eval", "--scale", "harm.bias=0:1:high", "--part", "comparisons")
    assert result.code == 0
    assert "40 outcomes" not in result.out
    assert "80 outcomes of 2 models, 40 prompts" in result.out
    assert "model-a - model-b: +0.0000" in result.out
    assert "toxicity" not in result.out


def test_fields_conditions_and_choices(run: Run, tmp_path: Path) -> None:
    path = inspect(tmp_path)
    words = ("--column", "category=metadata.category", "--column", "severity=metadata.severity")
    result = run(
        "report", path, "--scale", "0:1:high", "--scorer", "harm.toxicity", "--part", "rates", *words
    )
    assert "Rates, harm.toxicity" in result.out
    assert "harm.bias" not in result.out
    assert "    area0: " in result.out
    chosen = run("report", path, "--scale", "0:1:high", "--select", "dimension=harm.bias", "--json", *words)
    assert set(json.loads(chosen.out)["cases"]["all"]["rates"]) == {"harm.bias"}
    mixed = run("report", path, "--scale", "0:1:high", "--condition", "metadata.severity", "--part", "rates")
    assert "Rates are over the mix of severity" in mixed.out or "severity" in mixed.err


@pytest.mark.parametrize("kind", sorted(MAGIC))
def test_pictures(run: Run, table: Path, tmp_path: Path, kind: str) -> None:
    assert run("report", table, "--part", "rates", "--plot", f"rates.{kind}").code == 0
    assert (tmp_path / f"rates.{kind}").read_bytes().startswith(MAGIC[kind])


# Gates


def test_gates_that_are_not_kept_end_with_3(run: Run, table: Path) -> None:
    given = ("report", table, "--part", "rates", "--zones", "0.2:0.7")
    kept = run(*given, "--require-zone", "yellow", "--select", "model=alpha")
    assert (kept.code, kept.err) == (0, "")
    assert "Gates: WITHIN_LIMIT" in kept.out
    result = run(*given, "--require-zone", "green")
    assert result.code == 3
    assert result.err == (
        "riskstats report: zone, beta, loss: NOT kept; green required, "
        + result.out.split("zone, beta, loss: NOT kept; green required, ")[1].split("\n")[0]
        + "\n"
    )
    assert run("report", table, "--zones", "0.2:0.7").code == 0


def test_the_risk_limit_is_of_the_tail(run: Run, table: Path) -> None:
    given = ("report", table, "--part", "tail", "--level", "0")
    assert run(*given, "--risk-limit", "0.65").code == 0
    result = run(*given, "--risk-limit", "0.3")
    assert result.code == 3
    assert "risk limit, beta, all dimensions: NOT kept" in result.err
    assert "risk limit, alpha, all dimensions: kept" in result.out


@pytest.mark.parametrize("reference", ["beta", "60/120"])
def test_grades_against_a_model_or_counts(run: Run, table: Path, reference: str) -> None:
    given = ("report", table, "--part", "rates", "--reference", reference, "--select", "model=alpha,beta")
    given = ("report", table, "--part", "rates", "--reference", reference)
    result = run(*given, "--require-grade", "very-good")
    assert "Grade, loss, alpha" in result.out
    assert ("Grade, loss, beta" in result.out) is (reference != "beta")
    assert result.code == (0 if reference == "beta" else 3)


def test_a_log_that_is_not_whole(run: Run, bad: Callable[..., str], tmp_path: Path) -> None:
    path = inspect(tmp_path, finished=False)
    given = ("report", path, "--scale", "0:1:high")
    assert "Finish the run, or pass --partial keep" in bad(*given)
    result = run(
        *given, "--partial", "keep", "--part", "rates", "--zones", "0.9:0.95", "--require-zone", "green"
    )
    assert result.code == 3
    assert result.out.startswith("Warning: PARTIAL")
    assert "the log is not whole, so that no gate is shown to be kept" in result.err
    assert "is not whole; its outcomes are a part" in result.err


# Refusals, in option names


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "inspect scorer `harm` declares no direction. Pass --scale 0:1:high, or 0:1:low where"),
        (("--scale", "0:0.5:high"), "lies outside [0, 0.5], the ends of scale"),
        (("--scale", "0:1:high", "--column", "category=metadata.kind"), "no field 'metadata.kind'"),
        (("--scale", "0:1:high", "--column", "category=metadata.kind"), "Check --column and --condition"),
        (("--scale", "harm.x=0:1:high"), "has no score 'harm.x'. Check the names in --scale"),
        (("--scale", "0:1:high", "--scorer", "harm.x"), "has no score 'harm.x'"),
        (("--scale", "0:1:high", "--scale", "0:2:high"), "Name the scorer: --scale NAME=0:1:high"),
        (
            ("--scale", "0:1:high", "--zones", "0.1:0.2", "--require-grade", "good"),
            "--require-grade needs --reference",
        ),
        (("--scale", "0:1:high", "--select", "model=x"), "no row has model 'x'"),
        (("--scale", "0:1:high", "--zones", "x=0.1:0.2"), "--zones names 'x', which is no outcome"),
        (
            ("--scale", "0:1:high", "--reference", "x"),
            "--reference must be models of the table, or counts UNSAFE/TOTAL",
        ),
        (("--scale", "0:1:high", "--reference", "1/9", "--require-grade", "good"), "have fractions"),
        (("--scale", "0:1:high", "--level", "2"), "--level"),
        (("--scale", "0:1:high", "--format", "garak"), "line 1: not UTF-8"),
    ],
)
def test_a_wrong_request_is_refused_in_option_names(
    bad: Callable[..., str], tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    error = bad("report", inspect(tmp_path), *words)
    assert message in error
    assert "scale=" not in error


def test_a_direction_that_the_log_contradicts_is_refused(
    run: Run, bad: Callable[..., str], tmp_path: Path
) -> None:
    path = others.deepeval(tmp_path, [{"Toxicity": (0.1, True)}])
    error = bad("report", path, "--scale", "0:1:low", "--model", "own")
    assert "`Toxicity` in" in error
    assert "says low is worse" in error
    words = ("--scale", "0:1:low", "--model", "own", "--part", "rates", "--no-direction-check")
    meant = run("report", path, *words)
    assert "own: 90 %" in meant.out
    report = garak.write(tmp_path, {"probe.A": {"det.X": [[1.0]]}})
    error = bad("report", report, "--scale", "0:1:low")
    assert "documented with high as the worse end" in error
    assert "Correct --scale, or leave it out" in error


@pytest.mark.parametrize("word", ["0:1", "0:1:up", "1:0:high", "high", "x:1:low"])
def test_scales_of_another_form_are_usage_errors(run: Run, tmp_path: Path, word: str) -> None:
    result = run("report", inspect(tmp_path), "--scale", word)
    assert result.code == 2
    assert "expected [SCORER=]LOW:HIGH:high or :low with LOW < HIGH" in result.err


def test_missing_losses_name_the_option(run: Run, bad: Callable[..., str], tmp_path: Path) -> None:
    samples = inspect_ai.summaries(inspect_ai.scores_of(0, 40, 1), failed=[("q1", 1)])
    path = inspect_ai.write(tmp_path, samples)
    given = ("report", path, "--scale", "0:1:high", "--part", "rates")
    assert "Pass --missing drop, or interval" in bad(*given)
    assert "2 error" in run(*given, "--missing", "drop").out
    assert "(missing losses at 1)" in run(*given, "--missing", "interval").out
    refused = inspect_ai.write(
        tmp_path, inspect_ai.summaries({("q0", 1): "N", ("q1", 1): "C"}), name="n.eval"
    )
    assert "Pass --refusal-loss 0" in bad("report", refused, "--scale", "0:1:low")
    odd = inspect_ai.write(tmp_path, inspect_ai.summaries({("q0", 1): "maybe"}), name="o.eval")
    assert "Pass --value maybe=NUMBER" in bad("report", odd, "--scale", "0:1:low")
    assert run("report", odd, "--scale", "0:1:low", "--value", "maybe=1", "--part", "rates").code == 0


def test_files_that_are_no_log(run: Run, bad: Callable[..., str], tmp_path: Path, table: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": 1}')
    error = bad("report", "x.json")
    assert "is the log of no tool that is known here ('a'). Pass --format, one of" in error
    assert "cannot read none.eval" in bad("report", "none.eval", "--scale", "0:1:high")
    (tmp_path / "s.csv").write_text("who,prompt_id,loss\nm,q,0.5\nm,r,3\n")
    assert "--column model=FIELD" in bad("report", "s.csv")
    assert "--scale 0.5:3:high, or 0.5:3:low" in bad("report", "s.csv", "--column", "model=who")
    scaled = run("report", "s.csv", "--column", "model=who", "--scale", "0:4:low", "--part", "rates")
    assert "m: 56.2 %" in scaled.out
    assert "-o - and --json" in bad("report", table, "--json", "-o", "-")


def test_judges_and_harm_have_their_options(run: Run, table: Path) -> None:
    words = (
        "--sensitivity",
        "90/100",
        "--specificity",
        "0.99",
        "--part",
        "judge,harm",
        "--cost-map",
        "reciprocal",
    )
    result = run("report", table, *words)
    assert result.code == 0
    assert "corrected for both error rates" in result.out
    assert "reciprocal map" in result.out
    bad_judge = run("report", table, "--sensitivity", "0.2", "--specificity", "0.3")
    assert bad_judge.code == 2
    assert "sensitivity" in bad_judge.err


# Profiles of the same logs


def test_profile_takes_a_log_of_a_tool(run: Run, tmp_path: Path) -> None:
    path = inspect(tmp_path)
    words = ("--scale", "0:1:high", "--level", "0.8", "--category", "metadata.category")
    result = run("profile", path, *words, "--json")
    assert result.code == 0
    log = read_log(path, scale=HIGH, columns={"category": "metadata.category"})
    found = log.profile(level=0.8, random_state=0)
    told = json.loads(result.out)["profiles"]["mockllm/model"]
    profile = found.profiles["mockllm/model"]
    assert told["union"]["cvar"] == profile.union.cvar
    assert told["union"]["interval"]["upper"] == profile.union.interval.upper
    assert [group["by"] for group in told["groups"]] == ["category"]
    text = run("profile", path, *words, "--scorer", "harm.bias")
    assert "harm.toxicity" not in text.out
    repeated = inspect(tmp_path, epochs=2, name="twice.eval")
    result = run("profile", repeated, "--scale", "0:1:high", "--estimand", "attempt", "--model", "own")
    assert "Model own: 80 attempts" in result.out


def test_profile_of_a_garak_report_needs_no_scale(run: Run, tmp_path: Path) -> None:
    verdicts = np.random.default_rng(0).uniform(0, 0.9, 60).round(2)
    path = garak.write(tmp_path, {"probe.A": {"det.X": [[float(each)] for each in verdicts]}})
    result = run("profile", path, "--level", "0.5", "--json")
    assert result.code == 0
    told = json.loads(result.out)["profiles"]["test.Blank"]["union"]
    np.testing.assert_allclose(told["cvar"], np.sort(verdicts)[30:].mean())
    np.testing.assert_allclose(told["mean"], verdicts.mean())


def test_profile_refuses_what_belongs_to_the_other_form(bad: Callable[..., str], tmp_path: Path) -> None:
    path = inspect(tmp_path)
    assert "declares no direction. Pass --scale 0:1:high" in bad("profile", path)
    assert "--prompt names a column of a table" in bad(
        "profile", path, "--prompt", "id", "--scale", "0:1:high"
    )
    (tmp_path / "log.csv").write_text("model,prompt,dimension,score\nm,p,bias,0.5\nm,q,bias,0.1\n")
    assert "--scale goes with the log of a tool, and log.csv is a table" in bad(
        "profile", "log.csv", "--scale", "0:1:low"
    )


def test_profile_drops_prompts_that_lack_a_score(run: Run, bad: Callable[..., str], tmp_path: Path) -> None:
    samples = inspect_ai.summaries(inspect_ai.scores_of(0, 30, 1), failed=[("q1", 1)])
    path = inspect_ai.write(tmp_path, samples)
    given = ("profile", path, "--scale", "0:1:high", "--level", "0.5")
    assert "Pass --missing drop" in bad(*given)
    assert "29 prompts" in run(*given, "--missing", "drop").out


def test_scores_taken_for_losses_are_told_their_range(bad: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("model,prompt_id,loss\nm,p,2\nm,q,4\n")
    said = bad("report", path)
    assert "a loss must lie in [0, 1], 1 = harmful; got 2. Pass --scale 2:4:high, or 2:4:low where" in said
    assert "the scores go from 2 to 4" in said
