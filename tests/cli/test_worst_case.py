"""`riskstats worst-case`: the numbers of the library, gates, tables, pictures, and bad input in one line."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.wasserstein import (
    MarginalBalls,
    OverlappingBalls,
    WassersteinBall,
    average_effect_bounds,
    makarov_bounds,
)
from riskstats.wasserstein.worst_risk import worst_case_risk

MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
EFFECT = ("--outcome", "y", "--treatment", "arm")


@pytest.fixture
def lines() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {
        "fire": rng.lognormal(0.0, 1.0, 80).round(3),
        "flood": rng.gamma(0.5, 2.0, 80).round(3),
        "wind": rng.gamma(2.0, 0.5, 80).round(3),
    }


@pytest.fixture
def table(lines: dict[str, np.ndarray], tmp_path: Path) -> Path:
    """Eighty years, three lines of business."""
    return written(tmp_path / "lines.csv", list(lines), zip(*lines.values(), strict=True))


@pytest.fixture
def arms() -> tuple[np.ndarray, np.ndarray]:
    """Rows (outcome, covariate) of the treated and of the others."""
    rng = np.random.default_rng(4)
    return tuple(
        np.column_stack([rng.normal(mean, 1.0, n).round(2), rng.integers(0, 3, n)])
        for mean, n in ((0.8, 30), (0.0, 40))
    )


@pytest.fixture
def trial(arms: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> Path:
    rows = [
        (f"p{i}", arm, y, int(x), 1 + i % 2)
        for arm, part in zip(("new", "base"), arms, strict=True)
        for i, (y, x) in enumerate(part.tolist())
    ]
    return written(tmp_path / "trial.csv", ["id", "arm", "y", "x", "w"], rows)


def written(path: Path, head: list[str], rows: Any) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    return path


def content(out: str) -> dict[str, Any]:
    return dict(json.loads(out))


# risks


def test_one_column_in_words(run: Callable[..., Any], lines: dict[str, np.ndarray], table: Path) -> None:
    result = run("worst-case", table, "--column", "fire", "--measure", "cvar:0.9", "--radius", "0.05")
    value = worst_case_risk(CVaR(0.9), WassersteinBall(lines["fire"], radius=0.05)).value
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"{table}:\nCVaR(0.9) of fire: largest value {value:.6g} within ")
    assert f"at the reference  {CVaR(0.9)(lines['fire']):.6g}" in result.out


@pytest.mark.parametrize("direction", ["upper", "lower"])
@pytest.mark.parametrize(
    ("word", "measure"), [("mean", Mean()), ("cvar:0.9", CVaR(0.9)), ("value-at-risk:0.9", ValueAtRisk(0.9))]
)
def test_json_has_the_numbers_of_the_library(
    run: Callable[..., Any],
    lines: dict[str, np.ndarray],
    table: Path,
    word: str,
    measure: Any,
    direction: str,
) -> None:
    words = ("--columns", "fire,flood", "--weights", "1,0.5", "--radius", "0.1,0.2", "--order", "2")
    result = run("worst-case", table, *words, "--measure", word, "--direction", direction, "--json")
    model = MarginalBalls(
        WassersteinBall(lines["fire"], radius=0.1, order=2),
        WassersteinBall(lines["flood"], radius=0.2, order=2),
    )
    expected = worst_case_risk(measure, model, weights=(1, 0.5), direction=direction)
    found = content(result.out)
    assert result.code == 0
    assert (found["columns"], found["weights"]) == (["fire", "flood"], [1.0, 0.5])
    for name in ("value", "lower", "upper", "status", "direction", "route", "radius", "budget", "multiplier"):
        assert found["worst_case"][name] == json.loads(json.dumps(expected.to_dict()[name])), name
    assert found["worst_case"]["question"] == f"{measure} of fire + 0.5 flood"


def test_one_radius_is_that_of_every_column_and_a_budget_its_power(
    run: Callable[..., Any], table: Path
) -> None:
    words = ("worst-case", table, "--columns", "fire,wind", "--measure", "cvar:0.9", "--order", "2", "--json")
    each = content(run(*words, "--radius", "0.2,0.2").out)
    assert content(run(*words, "--radius", "0.2").out) == each
    assert content(run(*words, "--budget", "0.04").out)["worst_case"]["value"] == pytest.approx(
        each["worst_case"]["value"]
    )


def test_the_limit_is_a_gate_with_its_breakdown(
    run: Callable[..., Any], lines: dict[str, np.ndarray], table: Path
) -> None:
    """The worst mean at radius r is the mean + r, so the breakdown is the limit less the mean."""
    words = ("worst-case", table, "--column", "fire", "--radius", "0.25", "--json")
    mean = float(lines["fire"].mean())
    kept = run(*words, "--risk-limit", repr(mean + 0.3))
    assert kept.code == 0
    assert content(kept.out)["kept"] is True
    assert content(kept.out)["breakdown"]["radius"] == pytest.approx(0.3, abs=1e-8)
    broken = run(*words, "--risk-limit", repr(mean + 0.2))
    assert broken.code == 3
    assert content(broken.out)["kept"] is False
    assert broken.err.startswith("riskstats worst-case: Mean of fire is up to ")
    assert broken.err.endswith(f"not shown to keep --risk-limit {mean + 0.2:g}\n")
    assert broken.err.count("\n") == 1


def test_a_limit_equal_to_the_worst_case_is_kept(run: Callable[..., Any], table: Path) -> None:
    words = ("worst-case", table, "--column", "fire", "--radius", "0.25", "--json")
    value = content(run(*words).out)["worst_case"]["value"]
    assert run(*words, "--risk-limit", repr(value)).code == 0
    assert run(*words, "--risk-limit", repr(np.nextafter(value, 0.0).item())).code == 3


def test_infinite_is_a_word_and_breaks_every_limit(run: Callable[..., Any], table: Path) -> None:
    words = ("worst-case", table, "--column", "fire", "--measure", "entropic:1", "--radius", "0.1")
    found = content(run(*words, "--json").out)
    assert (found["worst_case"]["value"], found["worst_case"]["status"]) == ("inf", "UNBOUNDED")
    result = run(*words, "--risk-limit", "100")
    assert result.code == 3
    assert "without limit" in result.err
    assert "no order bounds" in result.out
    assert "support makes it finite" not in result.out


def test_radii_make_a_table(run: Callable[..., Any], lines: dict[str, np.ndarray], table: Path) -> None:
    words = ("worst-case", table, "--column", "fire", "--radius", "0.1", "--radii", "0.2,0,0.1")
    rows = content(run(*words, "--json").out)["sensitivity"]
    mean = float(lines["fire"].mean())
    assert [row["radius"] for row in rows] == [0.0, 0.1, 0.2]
    assert [row["value"] for row in rows] == pytest.approx([mean, mean + 0.1, mean + 0.2])
    text = run(*words).out.splitlines()
    at = text.index("Mean of fire as the radius grows")
    assert text[at + 1].split() == ["total", "radius", "largest", "per", "unit"]
    assert len(text) == at + 5


def test_the_table_reads_back_exactly(run: Callable[..., Any], table: Path) -> None:
    words = ("worst-case", table, "--column", "fire", "--radius", "0.1", "--radii", "0,0.3")
    found = content(run(*words, "--json").out)
    printed = run(*words, "-o", "-").out
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["quantity"] for row in rows] == ["Mean of fire"] * 3
    assert float(rows[0]["value"]) == found["worst_case"]["value"]
    assert [float(row["value"]) for row in rows[1:]] == [row["value"] for row in found["sensitivity"]]
    assert run(*words, "-o", "rows.tsv").code == 0
    assert Path("rows.tsv").read_text().replace("\t", ",") == printed


def test_sampling_error_stands_apart(run: Callable[..., Any], table: Path) -> None:
    words = ("worst-case", table, "--column", "fire", "--radius", "0.1")
    found = content(run(*words, "--confidence-level", "0.9", "--json").out)
    value = found["worst_case"]["value"]
    assert found["limits"]["lower_limit"][0] < value < found["limits"]["upper_limit"][0]
    assert found["worst_case"] == content(run(*words, "--json").out)["worst_case"]
    again = run(*words, "--confidence-level", "0.9", "--seed", "1").out
    assert "90 % limits of this worst case" in again
    assert f"{found['limits']['upper_limit'][0]:.6g}" not in again


def test_long_tables_and_clusters(run: Callable[..., Any]) -> None:
    rows = [("a", f"q{i}", i % 5, f"g{i // 2}") for i in range(20)]
    written(Path("long.csv"), ["model", "prompt", "loss", "group"], rows)
    words = ("--candidate", "model", "--unit", "prompt", "--loss", "loss", "--cluster", "group")
    found = content(
        run("worst-case", "long.csv", *words, "--radius", "0", "--measure", "cvar:0.8", "--json").out
    )
    means = np.array([(i % 5 + (i + 1) % 5) / 2 for i in range(0, 20, 2)])
    assert found["worst_case"]["value"] == pytest.approx(CVaR(0.8)(means))


def test_a_support_caps_the_worst_case(run: Callable[..., Any]) -> None:
    losses = np.random.default_rng(5).beta(1, 6, 50).round(3)
    written(Path("harm.csv"), ["harm"], [[x] for x in losses])
    words = ("worst-case", "harm.csv", "--measure", "cvar:0.9", "--radius", "0.2", "--json")
    free, capped = (content(run(*words, *more).out)["worst_case"] for more in ((), ("--support", "0:1")))
    expected = worst_case_risk(CVaR(0.9), WassersteinBall(losses, radius=0.2), support=(0.0, 1.0))
    assert capped["value"] == expected.value <= 1.0 < free["value"]
    never = content(run(*words, "--support", "0:1", "--risk-limit", "1.5").out)
    assert (never["kept"], never["breakdown"]["radius"]) == (True, "inf")


def test_names_of_gains_warn_where_the_largest_is_asked(run: Callable[..., Any]) -> None:
    Path("a.csv").write_text("accuracy\n0.5\n0.6\n")
    assert "named 'accuracy'" in run("worst-case", "a.csv", "--radius", "0.1").err
    assert run("worst-case", "a.csv", "--radius", "0.1", "--direction", "lower").err == ""
    assert run("worst-case", "a.csv", "--radius", "0.1", "--quiet").err == ""


# effects


def test_effects_have_the_numbers_of_the_library(
    run: Callable[..., Any], arms: tuple[np.ndarray, np.ndarray], trial: Path
) -> None:
    result = run("worst-case", trial, *EFFECT, "--radius", "0.2,0.1", "--points=1,-1,0", "--json")
    first, second = (WassersteinBall(part[:, 0], radius=r) for part, r in zip(arms, (0.2, 0.1), strict=True))
    found, average = content(result.out), average_effect_bounds(MarginalBalls(first, second))
    band = makarov_bounds(first, second, [-1.0, 0.0, 1.0], weights=(1, -1))
    assert (result.code, result.err) == (0, "")
    assert (found["treated"], found["control"]) == ("new", "base")
    assert (found["treated_rows"], found["control_rows"]) == (30, 40)
    assert found["average_effect"]["lower"]["value"] == average.lower.value
    assert found["average_effect"]["upper"]["value"] == average.upper.value
    for name in ("points", "lower", "upper", "classical_lower", "classical_upper"):
        assert found["distribution"][name] == getattr(band, name).tolist()
    assert found["breakdown"]["radius"] == pytest.approx(average.reference, abs=1e-8)
    assert found["kept"] is None


def test_the_other_arm_turns_the_effect(run: Callable[..., Any], trial: Path) -> None:
    words = ("worst-case", trial, *EFFECT, "--radius", "0.1", "--json")
    new, base = (content(run(*words, "--treated", arm).out) for arm in ("new", "base"))
    assert base["average_effect"]["reference"] == pytest.approx(-new["average_effect"]["reference"])
    assert (new["claim"], base["claim"]) == ("above 0", "below 0")
    assert base["breakdown"]["radius"] == pytest.approx(new["breakdown"]["radius"])


def test_a_stated_claim_is_a_gate(
    run: Callable[..., Any], arms: tuple[np.ndarray, np.ndarray], trial: Path
) -> None:
    effect = float(arms[0][:, 0].mean() - arms[1][:, 0].mean())
    words = ("worst-case", trial, *EFFECT, "--radius", "0.1")
    assert run(*words, "--effect-above", repr(effect - 0.21)).code == 0
    result = run(*words, "--effect-above", repr(effect - 0.19))
    assert result.code == 3
    assert "the average effect may be down to" in result.err
    assert f"--effect-above {effect - 0.19:g}" in result.err
    assert run(*words, "--effect-below", repr(effect + 0.21)).code == 0
    assert "may be up to" in run(*words, "--effect-below", repr(effect + 0.19)).err
    assert run(*words, "--effect-above", "5").out.count("does not follow even at radius 0") == 1


def test_every_point_is_shown_with_dependence_alone(run: Callable[..., Any], trial: Path) -> None:
    points = ",".join(f"{z:g}" for z in np.arange(-4, 5) / 2)
    words = ("worst-case", trial, *EFFECT, "--radius", "0.1", f"--points={points}")
    text = run(*words).out
    head = next(line for line in text.splitlines() if line.split()[:1] == ["z"])
    assert head.split() == ["z", "bounds", "dependence", "alone"]
    assert [line.split()[0] for line in text.splitlines()[-9:]] == [
        "-2",
        "-1.5",
        "-1",
        "-0.5",
        "0",
        "0.5",
        "1",
        "1.5",
        "2",
    ]
    rows = list(csv.DictReader(io.StringIO(run(*words, "-o", "-").out)))
    assert len(rows) == 2 + 4 * 9
    assert {row["total_radius"] for row in rows} == {"0.0", "0.2"}
    assert [row["status"] for row in rows] == ["OPTIMAL"] * len(rows)


def test_weights_of_rows(run: Callable[..., Any], arms: tuple[np.ndarray, np.ndarray], trial: Path) -> None:
    found = content(run("worst-case", trial, *EFFECT, "--sample-weight", "w", "--radius", "0", "--json").out)
    means = [np.average(part[:, 0], weights=1 + np.arange(len(part)) % 2) for part in arms]
    assert found["average_effect"]["reference"] == pytest.approx(means[0] - means[1])


def test_shared_covariates_may_leave_no_law(
    run: Callable[..., Any], arms: tuple[np.ndarray, np.ndarray], trial: Path
) -> None:
    words = ("worst-case", trial, *EFFECT, "--covariates", "x", "--effect-above", "0", "--radii", "0,3")
    result = run(*words, "--radius", "0.001", "--json")
    found = content(result.out)
    assert result.code == 3
    assert found["average_effect"]["upper"]["value"] == "infeasible"
    assert [row["value"] for row in found["sensitivity"]][::2] == ["infeasible"] * 2
    assert result.err == "riskstats worst-case: no law lies within the radius; the claim is not shown\n"
    needed = found["average_effect"]["upper"]["feasible_radius"]
    model = OverlappingBalls(*(WassersteinBall(part, radius=needed) for part in arms))
    wide = content(run(*words, "--radius", repr(needed), "--json").out)
    assert wide["average_effect"]["upper"]["value"] == average_effect_bounds(model).upper.value
    text = run(*words, "--radius", "0.001").out
    assert "No law lies within" in text
    far = run(*words, "--radius", "2").out
    for shown in (text, far):
        assert f"below {needed:.6g} no law shares the covariates" in shown
        assert "covariates, left out here" in shown
        assert "nan" not in shown


def test_sampling_error_of_an_effect(run: Callable[..., Any], trial: Path) -> None:
    words = ("worst-case", trial, *EFFECT, "--radius", "0.1", "--confidence-level", "0.95")
    result = run(*words)
    assert "95 % limits of these bounds" in result.out
    assert "95 % limits of the bounds" in result.out.splitlines()[-2]
    mean, share = content(run(*words, "--json").out)["limits"]
    assert mean["lower_limit"][0] < mean["lower"][0] < mean["upper"][0] < mean["upper_limit"][0]
    assert (
        0 <= share["lower_limit"][0] <= share["lower"][0] <= share["upper"][0] <= share["upper_limit"][0] <= 1
    )


# pictures


@pytest.mark.parametrize("kind", sorted(MAGIC))
def test_pictures(run: Callable[..., Any], table: Path, kind: str) -> None:
    words = ("--column", "fire", "--measure", "cvar:0.9", "--radius", "0.1", "--plot", f"a.{kind}")
    assert run("worst-case", table, *words).code == 0
    assert Path(f"a.{kind}").read_bytes().startswith(MAGIC[kind])


@pytest.mark.parametrize(
    "words",
    [
        ("--columns", "fire,wind", "--measure", "var:0.9"),
        ("--column", "fire", "--radii", "0,0.1,0.2", "--risk-limit", "2"),
        ("--column", "fire", "--radii", "0,0.1", "--risk-limit", "0.1"),
        ("--column", "fire", "--measure", "entropic:1", "--radii", "0,0.1"),
    ],
)
def test_every_risk_has_a_picture(run: Callable[..., Any], table: Path, words: tuple[str, ...]) -> None:
    assert run("worst-case", table, *words, "--radius", "0.05", "--plot", "a.png").code in (0, 3)
    assert Path("a.png").read_bytes().startswith(MAGIC["png"])


@pytest.mark.parametrize("words", [(), ("--radii", "0,0.5,1"), ("--covariates", "x", "--radii", "0,0.5,1")])
def test_every_effect_has_a_picture(run: Callable[..., Any], trial: Path, words: tuple[str, ...]) -> None:
    assert run("worst-case", trial, *EFFECT, *words, "--radius", "0.05", "--plot", "a.png").code == 0
    assert Path("a.png").read_bytes().startswith(MAGIC["png"])


# bad input


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "has 3 columns of losses (fire, flood, wind). Name one with --column"),
        (("--columns", "nope"), "no column 'nope'"),
        (("--column", "fire", "--measure", "cvar:90"), "got 90.0. Write 0.9"),
        (("--column", "fire", "--measure", "cvarr:0.9"), "Did you mean 'cvar:0.9'?"),
        (("--column", "fire", "--measure", "gini"), "`Gini` and a radius above 0 have no proven worst case"),
        (("--column", "fire", "--order", "0.5"), "order"),
        (("--column", "fire", "--weights", "1,2"), "--weights has 2 numbers for 1 columns"),
        (("--columns", "fire,wind", "--weights", "0,0"), "--weights are all 0"),
        (("--column", "fire", "--risk-limit", "nan"), "--risk-limit must be a finite number; got nan"),
        (
            ("--column", "fire", "--direction", "lower", "--risk-limit", "1"),
            "--risk-limit needs the largest risk; got --direction lower",
        ),
        (("--column", "fire", "--confidence-level", "95"), "Write 0.95."),
        (
            ("--columns", "fire,wind", "--confidence-level", "0.9"),
            "answered for one column",
        ),
        (("--column", "fire", "--support", "0:2"), "lies outside the support (0, 2)"),
        (("--column", "fire", "--support", "0:99", "--measure", "var:0.9"), "--support"),
        (("--columns", "fire,wind", "--support", "0:99", "--measure", "cvar:0.9"), "--support"),
        (("--column", "fire", "--treated", "new"), "--treated goes with --treatment, which is not given"),
        (("--column", "fire", "--points", "1"), "--points goes with --treatment"),
        (("--outcome", "fire"), "--treatment is not given"),
        (("--treatment", "fire"), "--outcome is not given"),
        (("--column", "fire", "--plot", "a.jpg"), "none of .png, .svg, .pdf"),
        (("--column", "fire", "--plot", "nowhere/a.png"), "no folder"),
        (("--column", "fire", "-o", "a.xlsx"), "neither .csv nor .tsv"),
        (("--column", "fire", "-o", "-", "--json"), "both write to standard output"),
        (("--column", "fire", "--measure", "entropic:1", "--plot", "a.png"), "no law to draw (UNBOUNDED"),
    ],
)
def test_bad_input(bad: Callable[..., str], table: Path, words: tuple[str, ...], said: str) -> None:
    assert said in bad("worst-case", table, "--radius", "0.1", *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--columns", "y"), "--columns does not go with --treatment"),
        (("--weights", "1,1"), "--weights does not go with --treatment"),
        (("--risk-limit", "1"), "--risk-limit does not go with --treatment"),
        (("--measure", "cvar:0.9"), "leave out --measure and --direction"),
        (("--treated", "old"), "--treated 'old' is no value of column 'arm', which has 'base' and 'new'"),
        (("--covariates", "y"), "must be different columns"),
        (("--covariates", "id"), "'p0'"),
        (("--effect-above", "0", "--effect-below", "1"), "are two claims"),
        (("--effect-above", "inf"), "--effect-above must be a finite number"),
        (("--covariates", "x", "--confidence-level", "0.9"), "without --covariates"),
        (("--radius", "1,2,3"), "--radius must be one number for all, or 2; got 3"),
    ],
)
def test_bad_effects(bad: Callable[..., str], trial: Path, words: tuple[str, ...], said: str) -> None:
    size = () if "--radius" in words else ("--radius", "0.1")
    assert said in bad("worst-case", trial, *EFFECT, *size, *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "one of the arguments --radius --budget is required"),
        (("--radius", "1", "--budget", "1"), "not allowed with argument --radius"),
        (("--radius", "-1"), "--radius: expected"),
        (("--radius=-1",), "argument --radius: expected numbers >= 0 such as 0.1 or 0.1,0.2; got '-1'"),
        (("--radius", "nan"), "expected numbers >= 0"),
        (("--radius", "1", "--radii", "0,x"), "argument --radii: expected numbers >= 0"),
        (("--radius", "1", "--points", "0,inf"), "argument --points: expected numbers such as 0.5 or -1,0,1"),
        (("--radius", "1", "--points", "-1,0"), "one that begins with - is written --points=VALUE"),
        (("--radius", "1", "--direction", "both"), "argument --direction: invalid choice: 'both'"),
    ],
)
def test_bad_usage(run: Callable[..., Any], words: tuple[str, ...], said: str) -> None:
    result = run("worst-case", "losses.csv", *words)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("arm,y\n1,0.1\n2,0.2\n3,0.3\n", ["column 'arm' has 3 values (1, 2, 3)", "Keep the rows of two"]),
        ("arm,y\n1,0.1\n1,0.2\n", ["column 'arm' has 1 values"]),
        ("arm,y\n1,0.1\n,0.2\n", ["line 3", "the treatment has no name"]),
        ("arm,y\n1,0.1\n0,\n", ["1 missing", "line 3", "'y'"]),
        ("arm,y\n1,0.1\n0,x\n", ["line 3", "'x' is not a number"]),
    ],
)
def test_bad_tables(bad: Callable[..., str], text: str, words: list[str]) -> None:
    Path("trial.csv").write_text(text)
    message = bad("worst-case", "trial.csv", *EFFECT, "--radius", "0.1")
    for word in ["trial.csv", *words]:
        assert word in message


def test_standard_input(process: Callable[..., subprocess.CompletedProcess[bytes]], table: Path) -> None:
    done = process("worst-case", "-", "--column", "fire", "--radius", "0.1", stdin=table.read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"standard input:\nMean of fire: largest value ")


def test_help_names_every_question(run: Callable[..., Any]) -> None:
    text = run("worst-case", "--help").out
    for word in (
        "--outcome",
        "--radius",
        "--risk-limit",
        "--radii",
        "--effect-above",
        "exit codes:",
        "examples:",
    ):
        assert word in text
