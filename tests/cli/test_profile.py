"""`riskstats profile`: the numbers of the library from every form of log, and one line where a log is bad."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskstats.tail.limits import BootstrapT, SplitBetting, cvar_interval
from riskstats.tail.profile import risk_profile
from riskstats.tail.ranking import compare_models
from riskstats.tail.repeats import repeated_tail

DIMENSIONS = ("toxicity", "bias", "privacy")
MODELS = ("alpha", "beta")
HEAD = ("model", "prompt", "dimension", "score", "category", "group", "weight")
MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
N = 160


@pytest.fixture
def scores() -> dict[str, np.ndarray]:
    """(prompts, dimensions) of each model, many of them 0."""
    rng = np.random.default_rng(5)
    return {name: (rng.beta(0.5, 4, (N, 3)) * (rng.random((N, 3)) < 0.6)).round(3) for name in MODELS}


def rows(scores: dict[str, np.ndarray], **labels: Callable[[int], Any]) -> list[dict[str, Any]]:
    return [
        {
            "model": name,
            "prompt": f"p{i}",
            "dimension": dimension,
            "score": float(array[i, j]),
            **{label: value(i) for label, value in labels.items()},
        }
        for name, array in scores.items()
        for i in range(len(array))
        for j, dimension in enumerate(DIMENSIONS)
    ]


def save(path: Path, table: list[dict[str, Any]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, table)))
    elif path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(table), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
    return path


@pytest.fixture
def log(scores: dict[str, np.ndarray], tmp_path: Path) -> Path:
    labels = {"category": lambda i: f"c{i % 3}", "group": lambda i: "en" if i % 4 else "de"}
    return save(tmp_path / "log.csv", rows(scores, **labels))


@pytest.fixture
def single(scores: dict[str, np.ndarray], tmp_path: Path) -> Path:
    return save(tmp_path / "single.csv", rows({"alpha": scores["alpha"]}))


@pytest.fixture
def stdin_of() -> Iterator[Callable[[Path], Any]]:
    """A file as standard input, closed at the end."""
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(path.open())


def expected(array: np.ndarray, **asked: Any) -> Any:
    return risk_profile(array, dimensions=DIMENSIONS, limit=BootstrapT(), random_state=0, **asked)


def test_one_model_in_words(run: Callable[..., Any], scores: dict[str, np.ndarray], single: Path) -> None:
    result = run("profile", single)
    found = expected(scores["alpha"])
    assert result.code == 0
    assert result.err == ""
    assert f"Model alpha: {N} prompts, n_tail = 8 at level 0.95 (the tail is the worst 5 %)" in result.out
    assert f"CVaR {found.cvar:.4g}, at most {found.interval.upper:.4g} with 95 % confidence" in result.out
    assert "(lower)" in result.out or "(both sides)" in result.out
    assert f"CVaR {found.log_risk.cvar:.4g}" in result.out
    for word in ("mean", "CVaR / value at risk", "part of CVaR", "without independence", *DIMENSIONS):
        assert word in result.out


@pytest.mark.parametrize("form", ["csv", "tsv-wide", "jsonl", "parquet", "stdin"])
def test_every_form_gives_the_numbers_of_the_library(
    run: Callable[..., Any],
    scores: dict[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    form: str,
) -> None:
    table = rows(scores)
    path: Path | str = tmp_path / f"again.{form}"
    if form == "tsv-wide":
        path = tmp_path / "wide.csv"
        wide = [
            {"model": name, "prompt": f"p{i}", **dict(zip(DIMENSIONS, array[i].tolist(), strict=True))}
            for name, array in scores.items()
            for i in range(N)
        ]
        save(path, wide)
    elif form == "stdin":
        source = save(tmp_path / "source.csv", table)
        stream = request.getfixturevalue("stdin_of")(source)
        monkeypatch.setattr("sys.stdin", stream)
        path = "-"
    else:
        save(path, table)
    content = json.loads(run("profile", path, "--json").out)
    for name in MODELS:
        found = expected(scores[name])
        told = content["profiles"][name]
        assert told["union"]["cvar"] == pytest.approx(found.cvar, abs=1e-12)
        assert told["union"]["interval"]["upper"] == pytest.approx(found.interval.upper, abs=1e-12)
        assert told["log_risk"]["cvar"] == pytest.approx(found.log_risk.cvar, abs=1e-12)
        assert told["attribution"]["parts"][0]["names"] == list(DIMENSIONS)


def test_several_models_are_compared_with_intervals(
    run: Callable[..., Any], scores: dict[str, np.ndarray], log: Path
) -> None:
    union = {name: 1.0 - np.prod(1.0 - array, axis=1) for name, array in scores.items()}
    found = compare_models(union, 0.95, support=(0, 1), random_state=0)
    result = run("profile", log)
    assert "\n".join(found.summary().splitlines()[:4]) in result.out
    assert "rank 1" in result.out
    assert "Each limit holds alone" in result.out
    assert result.out.index("2 models") < result.out.index("Model alpha")


def test_rows_of_the_log_in_any_order(
    run: Callable[..., Any], scores: dict[str, np.ndarray], log: Path
) -> None:
    table = rows(scores)
    np.random.default_rng(0).shuffle(table)
    shuffled = save(log.with_name("shuffled.csv"), table)
    told = json.loads(run("profile", shuffled, "--json", "--union-only").out)["profiles"]["alpha"]["union"]
    assert told["cvar"] == pytest.approx(expected(scores["alpha"]).cvar, abs=1e-12)


def test_names_of_columns(run: Callable[..., Any], scores: dict[str, np.ndarray], tmp_path: Path) -> None:
    names = {"model": "system", "prompt": "id", "dimension": "hazard", "score": "grade"}
    table = [{names[key]: value for key, value in row.items()} for row in rows(scores)]
    path = save(tmp_path / "named.csv", table)
    options = [word for role, name in names.items() for word in (f"--{role}", name)]
    told = json.loads(run("profile", path, *options, "--json").out)["profiles"]
    assert list(told) == list(MODELS)


def test_groups_and_categories(run: Callable[..., Any], scores: dict[str, np.ndarray], log: Path) -> None:
    group = np.array(["en" if i % 4 else "de" for i in range(N)])
    found = expected(scores["alpha"], groups=group)
    told = json.loads(run("profile", log, "--json").out)["profiles"]["alpha"]["groups"]
    assert [each["by"] for each in told] == ["group", "category"]
    assert told[0]["cvar"] == pytest.approx(found.groups[0].cvar)
    text = run("profile", log).out
    assert "largest / smallest CVaR by group" in text
    assert "c2" in text


def test_small_groups_stand_in_brackets(
    run: Callable[..., Any], scores: dict[str, np.ndarray], tmp_path: Path
) -> None:
    one = {"alpha": scores["alpha"]}
    path = save(tmp_path / "few.csv", rows(one, group=lambda i: "rare" if i < 5 else "common"))
    text = run("profile", path).out
    assert re.search(r"^  rare .* \(\S+\)  +5  +0\.25$", text, re.MULTILINE)
    assert "(without those in brackets, whose n_tail is below 1)" in text


def test_a_tail_without_ties_has_no_ranges(run: Callable[..., Any], tmp_path: Path) -> None:
    smooth = np.random.default_rng(3).random((N, len(DIMENSIONS)))
    text = run("profile", save(tmp_path / "smooth.csv", rows({"alpha": smooth}))).out
    assert "part of CVaR" in text
    assert "range at the tie" not in text


def test_weights(run: Callable[..., Any], scores: dict[str, np.ndarray], tmp_path: Path) -> None:
    weights = np.arange(N) % 3
    path = save(tmp_path / "weighted.csv", rows(scores, weight=lambda i: int(i % 3)))
    told = json.loads(run("profile", path, "--json").out)
    found = expected(scores["beta"], sample_weight=weights)
    assert told["profiles"]["beta"]["union"]["cvar"] == pytest.approx(found.cvar, abs=1e-12)
    assert told["comparison"]["models"][1]["cvar"] == pytest.approx(found.cvar, abs=1e-12)


@pytest.mark.parametrize("limit", ["bootstrap-t", "asymptotic", "split-betting", "berk-jones"])
def test_limits(run: Callable[..., Any], single: Path, limit: str) -> None:
    told = json.loads(run("profile", single, "--limit", limit, "--json", "--union-only", "--seed", 3).out)
    interval = told["profiles"]["alpha"]["union"]["interval"]
    assert interval["guaranteed"] == (limit in ("split-betting", "berk-jones"))
    assert interval["upper"] >= interval["estimate"]


def test_split_betting_is_that_of_the_library(
    run: Callable[..., Any], scores: dict[str, np.ndarray], single: Path
) -> None:
    union = 1.0 - np.prod(1.0 - scores["alpha"], axis=1)
    found = cvar_interval(union, 0.9, 0.99, limit=SplitBetting(), support=(0, 1), random_state=3)
    options = ("--level", 0.9, "--confidence-level", 0.99, "--limit", "split-betting", "--seed", 3)
    told = json.loads(run("profile", single, *options, "--union-only", "--json").out)
    assert told["profiles"]["alpha"]["union"]["interval"]["upper"] == pytest.approx(found.upper)


def test_gate(run: Callable[..., Any], scores: dict[str, np.ndarray], single: Path) -> None:
    upper = expected(scores["alpha"]).interval.upper
    above = run("profile", single, "--risk-limit", upper - 1e-6)
    assert above.code == 3
    assert above.err == (f"riskstats profile: 'alpha' is not shown to keep --risk-limit {upper - 1e-6:g}\n")
    assert re.search(r"NOT shown to be kept; [\d.]+ % of the prompts have a risk above it", above.out)
    assert run("profile", single, "--risk-limit", upper + 1e-6).code == 0


def test_gate_counts_models(run: Callable[..., Any], log: Path) -> None:
    assert "'alpha' and 1 more are not shown" in run("profile", log, "--risk-limit", 0.01).err


def test_table(run: Callable[..., Any], scores: dict[str, np.ndarray], log: Path) -> None:
    assert run("profile", log, "-o", "table.csv").code == 0
    with open("table.csv", newline="") as file:
        table = list(csv.DictReader(file))
    whole = next(row for row in table if row["model"] == "beta" and row["name"] == "union")
    found = expected(scores["beta"])
    assert float(whole["cvar"]) == pytest.approx(found.cvar, abs=1e-12)
    assert float(whole["limit"]) == pytest.approx(found.interval.upper, abs=1e-12)
    for part in ("dimension", "group", "category"):
        pieces = [
            float(row["contribution"]) for row in table if row["model"] == "beta" and row["part"] == part
        ]
        assert sum(pieces) == pytest.approx(found.cvar, abs=1e-9)


def test_table_on_standard_output(run: Callable[..., Any], single: Path) -> None:
    assert run("profile", single, "-o", "-").out.startswith("model,part,name,")


@pytest.mark.parametrize("kind", list(MAGIC))
@pytest.mark.parametrize("which", ["log", "single"])
def test_pictures(run: Callable[..., Any], request: pytest.FixtureRequest, kind: str, which: str) -> None:
    assert run("profile", request.getfixturevalue(which), "--plot", f"p.{kind}").code == 0
    assert Path(f"p.{kind}").read_bytes().startswith(MAGIC[kind])


# Epochs and judges


@pytest.fixture
def epochs(tmp_path: Path) -> tuple[Path, np.ndarray]:
    rng = np.random.default_rng(6)
    failures = rng.random((N, 6)) < rng.beta(0.3, 2.0, N)[:, np.newaxis]
    table = [
        {"prompt": f"p{i}", "epoch": k, "score": int(failures[i, k])} for i in range(N) for k in range(6)
    ]
    return save(tmp_path / "epochs.csv", table), failures.astype(float)


def test_epochs_need_an_estimand(bad: Callable[..., str], epochs: tuple[Path, np.ndarray]) -> None:
    assert "each prompt has 6 epochs" in bad("profile", epochs[0], "--union-only")


def test_prompt_risk_stands_between(run: Callable[..., Any], epochs: tuple[Path, np.ndarray]) -> None:
    path, failures = epochs
    found = repeated_tail(failures, 0.9, estimand="prompt_risk", random_state=0)
    result = run("profile", path, "--estimand", "prompt_risk", "--union-only", "--level", 0.9)
    assert found.summary() in result.out
    assert "on the safe side" in result.out


def test_attempts_are_clustered(run: Callable[..., Any], epochs: tuple[Path, np.ndarray]) -> None:
    path, failures = epochs
    result = run("profile", path, "--estimand", "attempt", "--union-only", "--level", 0.5, "--json")
    told = json.loads(result.out)["profiles"][str(path)]
    assert told["n"] == 6 * N
    assert told["union"]["interval"]["n_units"] == N
    assert told["union"]["cvar"] == pytest.approx(2 * failures.mean())


def test_epoch_mean(run: Callable[..., Any], epochs: tuple[Path, np.ndarray]) -> None:
    path, failures = epochs
    result = run("profile", path, "--estimand", "epoch_mean", "--union-only", "--level", 0.0, "--json")
    told = json.loads(result.out)["profiles"][str(path)]
    assert told["union"]["cvar"] == pytest.approx(failures.mean())
    assert told["provenance"]["estimand"] == "epoch_mean"


def test_guaranteed_limits_refuse_attempts(bad: Callable[..., str], epochs: tuple[Path, np.ndarray]) -> None:
    options = ("--estimand", "attempt", "--union-only", "--limit", "split-betting")
    assert "--limit split-betting has no statement with --estimand attempt" in bad(
        "profile", epochs[0], *options
    )


def test_judges_are_pooled_and_their_noise_is_shown(run: Callable[..., Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    given = np.clip(rng.beta(0.5, 4, (N, 1)) + 0.05 * rng.standard_normal((N, 3)), 0, 0.95)
    table = [{"prompt": f"p{i}", "judge": f"j{k}", "score": given[i, k]} for i in range(N) for k in range(3)]
    path = save(tmp_path / "judges.csv", table)
    content = json.loads(run("profile", path, "--json", "--pooling", "max").out)
    ((_, told),) = content["profiles"].items()
    assert told["pooling"] == told["provenance"]["pooling"] == "max"
    assert told["union"]["mean"] == pytest.approx(given.max(axis=1).mean())
    assert content["judge_noise"][str(path)]["n_judges"] == 3
    assert "pooled within" in run("profile", path).out


def test_an_assumed_judge_noise_says_so(run: Callable[..., Any], single: Path) -> None:
    assert "ASSUMED" in run("profile", single, "--judge-sd", 0.1).out


# Bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--level", "95"), "--level must lie in [0, 1); got 95.0. Write 0.95."),
        (("--level", "1"), "--level must lie in [0, 1); got 1.0. The worst loss is"),
        (("--confidence-level", "0.05"), "Did you mean 0.95?"),
        (("--clip", "2"), "--clip must be in (0, 1)"),
        (("--score", "grade"), "no column 'grade'; the columns are 'model', 'prompt'"),
        (("--dimensions", "score"), "column 'score' cannot hold"),
        (("--dimensions", "nope"), "no column 'nope'"),
        (("--plot", "p.gif"), "the suffix of 'p.gif' is none of"),
        (("-o", "t.xls"), "neither .csv nor .tsv"),
        (("-o", "-", "--json"), "both write to standard output"),
        (("--clip", "0.1", "--union-only"), "--clip belongs to log-risk"),
    ],
)
def test_bad_options(bad: Callable[..., str], log: Path, options: tuple[str, ...], message: str) -> None:
    assert message in bad("profile", log, *options)


def edited(
    scores: dict[str, np.ndarray], change: Callable[[list[dict[str, Any]]], Any]
) -> list[dict[str, Any]]:
    table = rows(scores, weight=lambda i: 1 + i % 2, group=lambda i: "en")
    change(table)
    return table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[4].update(score=1.7), "line 6, column 'score': 1.7 lies outside [0, 1]"),
        (lambda t: t[4].update(score=""), "there is 1 missing score in line 6"),
        (lambda t: t[4].update(score="high"), "line 6, column 'score': 'high' is not a number"),
        (
            lambda t: t.pop(4),
            "ragged: 1 scores are missing, first for model 'alpha', prompt 'p1', dimension 'bias'",
        ),
        (lambda t: t.append(dict(t[4])), "a second score for model 'alpha', prompt 'p1', dimension 'bias'"),
        (lambda t: t[4].update(group="de"), "prompt 'p1' has group 'de', and before 'en'"),
        (lambda t: t[4].update(weight=9), "prompt 'p1' has weight 9, and before 2"),
        (lambda t: t[4].update(weight=-1), "a weight must be a number >= 0; got -1"),
        (lambda t: t[4].update(prompt=""), "the prompt has no name"),
        (lambda t: t[4].update(score=1.0), "log-risk is infinite for 1 score equal to 1. Pass --clip"),
        (
            lambda t: [t.remove(row) for row in list(t) if row["model"] == "beta" and row["prompt"] == "p7"],
            "is paired: model beta lacks 1 prompts of model alpha. Pass --on intersection to use the 159",
        ),
    ],
)
def test_bad_logs(
    bad: Callable[..., str],
    scores: dict[str, np.ndarray],
    tmp_path: Path,
    change: Callable[[list[dict[str, Any]]], Any],
    message: str,
) -> None:
    assert message in bad("profile", save(tmp_path / "bad.csv", edited(scores, change)))


def test_common_prompts_on_request(
    run: Callable[..., Any], scores: dict[str, np.ndarray], tmp_path: Path
) -> None:
    table = [row for row in rows(scores) if row["model"] == "alpha" or row["prompt"] != "p7"]
    path = save(tmp_path / "less.csv", table)
    content = json.loads(run("profile", path, "--on", "intersection", "--json").out)
    assert content["comparison"]["dropped"] == 1
    assert content["profiles"]["alpha"]["n"] == N


def test_scores_of_one_with_a_clip_or_without_log_risk(run: Callable[..., Any], tmp_path: Path) -> None:
    table = [{"prompt": f"p{i}", "score": i % 2} for i in range(40)]
    path = save(tmp_path / "binary.csv", table)
    assert run("profile", path, "--union-only").code == 0
    clipped = run("profile", path, "--clip", "0.001")
    assert clipped.code == 0
    assert "clip = 0.001 changed 20 scores of 20 prompts" in clipped.out
    assert "touches the clip" in clipped.err


def test_guaranteed_limits_refuse_weights(bad: Callable[..., str], scores: Any, tmp_path: Path) -> None:
    path = save(tmp_path / "weighted.csv", rows(scores, weight=lambda i: 1 + i % 2))
    assert "--limit berk-jones has no statement with --weight" in bad(
        "profile", path, "--limit", "berk-jones"
    )


def test_no_prompts(bad: Callable[..., str], tmp_path: Path) -> None:
    path = save(tmp_path / "none.csv", [{"id": "a", "score": 0.1}])
    assert "has no column 'prompt'; the columns are 'id', 'score'. Name the one of ids with --prompt" in bad(
        "profile", path
    )


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from riskstats.cli import main\n"
        "assert main(['profile', '--help']) == 0\n"
        "assert not {'numpy', 'scipy', 'matplotlib', 'pandas', 'jax'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "prompt_risk" in result.stdout
