"""`riskstats fit`: options arrive, files appear, bad input is one line."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskstats.datasets import load_csv
from riskstats.scores import estimator
from riskstats.scores.estimator import RiskScoreClassifier
from riskstats.scores.rules import Rule
from riskstats.scores.scorecard import ScoreCard

FAST = ("--multiplier", "1", "--max-features", "3", "--quiet")


def write(path: Path, columns: dict[str, Any]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


@pytest.fixture
def columns() -> dict[str, Any]:
    """120 patients: risk rises with age and smoking, falls for drivers; income has a special code."""
    rng = np.random.default_rng(12)
    age, smoker = rng.integers(20, 80, 120), rng.integers(0, 2, 120)
    job = rng.choice(["clerk", "driver"], 120)
    logits = (age - 50) / 10 + 2 * smoker - 1.5 * (job == "driver") - 0.5
    died = np.where(rng.random(120) < 1 / (1 + np.exp(-logits)), "yes", "no")
    income = np.where(rng.random(120) < 0.2, -9, rng.integers(10, 99, 120))
    weight = rng.integers(0, 3, 120)
    return {"age": age, "smoker": smoker, "job": job, "income": income, "w": weight, "died": died}


@pytest.fixture
def data(tmp_path: Path, columns: dict[str, Any]) -> Path:
    return write(tmp_path / "data.csv", columns)


def rules(card: ScoreCard) -> list[Rule]:
    return [rule for rule, _ in card.lines]


def test_card_proof_and_text(run: Callable[..., Any], data: Path) -> None:
    result = run("fit", data, "--target", "died", "--drop", "w", "-o", "card.json", *FAST)
    assert result.code == 0
    assert result.err == ""
    card = ScoreCard.load("card.json")
    assert card.text().rstrip() in result.out
    assert card.certificate is not None
    assert card.certificate.summary().rstrip() in result.out
    assert (card.outcome, card.classes) == ("died = yes", ("no", "yes"))
    assert card.input_names == ("age", "smoker", "job", "income")
    assert 1 <= len(card.lines) <= 3
    assert card.multiplier == 1.0
    assert sorted(os.listdir()) == ["card.json", "card.proof.npz", "data.csv"]


def test_the_card_is_that_of_the_estimator(run: Callable[..., Any], data: Path) -> None:
    assert run("fit", data, "--target", "died", "--drop", "w", "-o", "card.json", *FAST).code == 0
    table = load_csv(data, target="died", drop=["w"])
    model = RiskScoreClassifier(max_features=3, multiplier=1.0).fit(table.X, table.y)
    card = ScoreCard.load("card.json")
    assert card.lines == model.scorecard_.lines
    assert card.intercept == model.scorecard_.intercept
    assert set(card.predict(table.X)) <= {"no", "yes"}


def test_positive_names_the_class_of_the_risk(run: Callable[..., Any], data: Path) -> None:
    common = ("fit", data, "--target", "died", "--drop", "w", *FAST, "-o")
    assert run(*common, "yes.json").code == 0
    assert run(*common, "no.json", "--positive", "no").code == 0
    yes, no = ScoreCard.load("yes.json"), ScoreCard.load("no.json")
    assert (no.outcome, no.classes) == ("died = no", ("yes", "no"))
    risks = [card.predict_proba(load_csv(data, target="died").X)[:, 1].mean() for card in (yes, no)]
    assert sum(risks) == pytest.approx(1.0, abs=0.05)


def test_json_and_standard_output(run: Callable[..., Any], data: Path) -> None:
    common = ("fit", data, "--target", "died", *FAST)
    printed = json.loads(run(*common, "--json").out)
    assert printed["outcome"] == "died = yes"
    assert printed["certificate"]["gap"] >= 0
    piped = ScoreCard.from_json(run(*common, "-o", "-").out)
    assert piped.to_dict()["lines"] == printed["lines"]
    assert os.listdir() == ["data.csv"]


def test_a_card_that_is_not_saved_says_so(run: Callable[..., Any], data: Path) -> None:
    result = run("fit", data, "--target", "died", "--multiplier", "1", "--max-features", "1")
    assert result.code == 0
    assert "pass -o card.json" in result.err


def test_where_the_proof_goes(run: Callable[..., Any], data: Path) -> None:
    common = ("fit", data, "--target", "died", *FAST, "-o", "card.json")
    assert run(*common, "--no-proof").code == 0
    assert sorted(os.listdir()) == ["card.json", "data.csv"]
    assert run(*common, "--proof", "elsewhere.npz").code == 0
    assert sorted(os.listdir()) == ["card.json", "data.csv", "elsewhere.npz"]


def test_choice_of_columns(run: Callable[..., Any], data: Path, columns: dict[str, Any]) -> None:
    assert run("fit", data, "--target", "died", "--features", "smoker,age", *FAST, "-o", "a.json").code == 0
    assert ScoreCard.load("a.json").input_names == ("smoker", "age")
    assert run("fit", data, "--target", "died", "--drop", "w", "job", *FAST, "-o", "a.json").code == 0
    assert ScoreCard.load("a.json").input_names == ("age", "smoker", "income")
    write(data, {"a,b": columns["age"], "c": columns["smoker"], "died": columns["died"]})
    assert run("fit", data, "--target", "died", "--features", "a,b", *FAST, "-o", "a.json").code == 0
    assert ScoreCard.load("a.json").input_names == ("a,b",)


def test_a_weight_is_a_repetition(run: Callable[..., Any], data: Path, columns: dict[str, Any]) -> None:
    times = columns["w"]
    write(Path("many.csv"), {name: np.repeat(values, times) for name, values in columns.items()})
    assert run("fit", data, "--target", "died", "--weight", "w", *FAST, "-o", "a.json").code == 0
    assert run("fit", "many.csv", "--target", "died", "--drop", "w", *FAST, "-o", "b.json").code == 0
    first, second = ScoreCard.load("a.json"), ScoreCard.load("b.json")
    assert first.certificate is not None
    assert second.certificate is not None
    assert first.certificate.objective == pytest.approx(second.certificate.objective, abs=1e-9)
    assert first.lines == second.lines


def test_signs_and_ranges_arrive(run: Callable[..., Any], data: Path) -> None:
    common = ("fit", data, "--target", "died", "--features", "age,smoker", *FAST, "-o", "a.json")
    assert run(*common, "--sign", "age=-1", "smoker=+1").code == 0
    points = {rule.column: value for rule, value in ScoreCard.load("a.json").lines}
    assert points.get("age", -1) < 0 < points.get("smoker", 1)
    assert run(*common, "--points", "-1", "1").code == 0
    assert {abs(value) for _, value in ScoreCard.load("a.json").lines} == {1}
    assert run(*common, "--feature-range", "smoker=0:0").code == 0
    assert "smoker" not in {rule.column for rule in rules(ScoreCard.load("a.json"))}


def test_binning_options_arrive(run: Callable[..., Any], data: Path) -> None:
    common = ("fit", data, "--target", "died", "--features", "age", *FAST, "-o", "a.json")
    assert run(*common, "--unit", "age=years", "--max-bins", "2").code == 0
    labels = [rule.label for rule in rules(ScoreCard.load("a.json"))]
    assert len(labels) == 1
    assert labels[0].endswith(" years")
    assert run(*common, "--no-binning").code == 0
    assert [rule.label for rule in rules(ScoreCard.load("a.json"))] in (["age"], [])
    common = ("fit", data, "--target", "died", "--features", "income", *FAST, "-o", "a.json")
    assert run(*common, "--special", "income=-9", "--bin-method", "tree").code == 0
    assert ScoreCard.load("a.json").columns[0].special_values == (-9.0,)


def test_every_option_reaches_the_estimator(
    run: Callable[..., Any], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    class Stop(RiskScoreClassifier):
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            seen.update(self.get_params(), weight=sample_weight)
            raise KeyboardInterrupt

    monkeypatch.setattr(estimator, "RiskScoreClassifier", Stop)
    options = (
        "--weight w --max-features 7 --points -3 4 --penalty 0.001 --multiplier certified "
        "--multiplier-range 2 9 --sign age=+1 --feature-range smoker=0:2 --max-bins 4 --bin-method tree "
        "--special job=x,y income=-9,-8 --unit age=years --engine scip --time-limit 3 --gap 0.01 --seed 5"
    )
    result = run("fit", data, "--target", "died", "-o", "a.json", *options.split())
    assert (result.code, result.err) == (130, "riskstats fit: interrupted\n")
    assert os.listdir() == ["data.csv"]
    binning = seen["binning"]
    assert (binning.max_bins, binning.method, dict(binning.units)) == (4, "tree", {"age": "years"})
    assert {name: list(codes) for name, codes in binning.special_values.items()} == {
        "job": ["x", "y"],
        "income": [-9.0, -8.0],
    }
    assert seen["weight"] is not None
    expected = {
        "max_features": 7,
        "coefficient_range": (-3, 4),
        "coefficient_penalty": 0.001,
        "multiplier": "certified",
        "multiplier_range": (2.0, 9.0),
        "sign": {"age": 1},
        "feature_ranges": {"smoker": (0, 2)},
        "solver": "scip",
        "time_limit": 3.0,
        "gap": 0.01,
        "random_state": 5,
    }
    assert {name: seen[name] for name in expected} == expected


def test_a_gap_that_is_required_and_not_met(run: Callable[..., Any], data: Path) -> None:
    common = ("fit", data, "--target", "died", *FAST, "-o", "a.json")
    assert run(*common, "--required-gap", "0").code == 0
    result = run(*common, "--required-gap", "0", "--engine", "beam")
    assert result.code == 3
    assert "above the required 0 %" in result.err
    assert ScoreCard.load("a.json").certificate is not None


def test_a_proof_is_asked_of_an_engine_that_has_none(bad: Callable[..., str], data: Path) -> None:
    message = bad(
        "fit", data, "--target", "died", "--engine", "beam", *FAST, "-o", "a.json", "--proof", "p.npz"
    )
    assert "--engine bnb" in message


def test_parquet_and_standard_input(run: Callable[..., Any], process: Callable[..., Any], data: Path) -> None:
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    parquet.write_table(arrow_csv.read_csv(data), "data.parquet")
    common = ("--target", "died", *FAST, "-o")
    assert run("fit", data, *common, "a.json").code == 0
    assert run("fit", "data.parquet", *common, "b.json").code == 0
    piped = process("fit", "-", *common, "-", stdin=data.read_bytes())
    assert piped.returncode == 0
    first = ScoreCard.load("a.json")
    assert ScoreCard.load("b.json").lines == first.lines
    assert ScoreCard.from_json(piped.stdout).lines == first.lines


# bad input

HEAD, LINES = "x,z,y\n", "1,5,0\n2,6,1\n3,7,0\n4,8,1\n"


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (HEAD + LINES, "--target died", "'died'"),
        (HEAD + LINES, "--target y --weight w", "'w'"),
        (HEAD + LINES, "--target y --features x,q", "'q'"),
        (HEAD + LINES, "--target y --drop q", "'q'"),
        (HEAD + LINES, "--target y --drop x,z", "No feature column"),
        (HEAD + LINES, "--target y --features x,y", "cannot be a feature"),
        (HEAD + LINES, "--target y --positive 7", "7"),
        (HEAD + LINES, "--target y --sign q=+1", "--sign"),
        (HEAD + LINES, "--target y --sign x=+1 x=-1", "twice"),
        (HEAD + LINES, "--target y --feature-range q=0:3", "--feature-range"),
        (HEAD + LINES, "--target y --special x=a", "--special"),
        (HEAD + LINES, "--target y --unit q=kg", "--unit"),
        (HEAD + LINES, "--target y --no-binning --max-bins 3", "--no-binning"),
        (HEAD + LINES, "--target y --points 1 5", "low <= 0 <= high"),
        (HEAD + LINES, "--target y --multiplier 0", "--multiplier must be"),
        (HEAD + LINES, "--target y --multiplier best", "multiplier"),
        (HEAD + LINES, "--target y --multiplier-range 0 5", "--multiplier-range"),
        (HEAD + LINES, "--target y --sign x=+1 --feature-range x=-5:-1", "x"),
        (HEAD + LINES, "--target y --engine beam", "beam"),
        (HEAD + LINES, "--target x", "4 classes"),
        (HEAD + "1,5,0\n2,6,0\n", "--target y", "1 class"),
        (HEAD + "1,5,0\n2,6,1\n3,7,\n", "--target y", "missing"),
        (HEAD + LINES + ",9,1\n", "--target y --no-binning", "missing"),
        (HEAD + LINES + "inf,9,1\n", "--target y", "infinite"),
        (HEAD + LINES + "a,9,1\n", "--target y --no-binning", "text"),
        (HEAD + LINES + "1,9\n", "--target y", "line 6"),
        ("", "--target y", "empty"),
        (HEAD, "--target y", "no rows"),
        ("x,x,y\n" + LINES, "--target y", "'x'"),
        ("x,z,y\n1,-1,0\n2,1,1\n", "--target y --weight z", "z"),
    ],
)
def test_bad_input(bad: Callable[..., str], tmp_path: Path, content: str, options: str, words: str) -> None:
    (tmp_path / "data.csv").write_text(content)
    (tmp_path / "card.json").write_text("precious")
    message = bad("fit", "data.csv", "-o", "card.json", *options.split())
    assert words in message
    assert Path("card.json").read_text() == "precious"
    assert sorted(os.listdir()) == ["card.json", "data.csv"]


def test_places_that_cannot_be_written_are_refused_before_the_fit(
    bad: Callable[..., str], data: Path
) -> None:
    assert "no folder" in bad("fit", data, "--target", "died", "-o", "nowhere/card.json")
    assert "no folder" in bad("fit", data, "--target", "died", "-o", "card.json", "--proof", "nowhere/p.npz")
    assert "is a folder" in bad("fit", data, "--target", "died", "-o", ".")
    assert "none.csv" in bad("fit", "none.csv", "--target", "died")
    assert "neither CSV nor Parquet" in bad("fit", data.rename("data.xlsx"), "--target", "died")
