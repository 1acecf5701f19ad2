"""`riskstats multiplicity`: the report of the library for a file, as text, rows, JSON and picture."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from riskstats.cli._output import json_text
from riskstats.datasets import load_csv
from riskstats.multiplicity.estimator import RashomonSet
from riskstats.multiplicity.refits import Refits
from riskstats.scores.pool_result import CardPool

COLUMNS = ("age", "dose", "weight")
MODELS = ("--target", "died", "--features", "age,dose", "--standardize", "--time-limit", "0.5")
ASKED = ("--deviation", "0.02", "0.1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 patients: a name, a ward (one unknown), age, dose, a weight of 1 or 2, the outcome."""
    rng = np.random.default_rng(5)
    age, dose = rng.integers(20, 90, 90), rng.normal(0.0, 1.0, 90).round(3)
    died = rng.random(90) < 1 / (1 + np.exp(-((age - 55) / 12 + dose)))
    ward = rng.choice(["north", "south"], 90)
    ward[4] = ""
    path = tmp_path_factory.mktemp("data") / "data.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["name", "ward", *COLUMNS, "died"])
        for i in range(90):
            table.writerow([f"p{i}", ward[i], age[i], dose[i], 1 + i % 2, "yes" if died[i] else "no"])
    return path


@pytest.fixture(scope="module")
def found(data: Path) -> tuple[np.ndarray, np.ndarray, RashomonSet]:
    """The rows, their outcome and the set that the command is about."""
    table = load_csv(data, target="died", features=["age", "dose"])
    model = make_pipeline(StandardScaler(), LogisticRegression())
    rows = table.X.values()
    return rows, table.y, RashomonSet(model, epsilon=0.02).fit(rows, table.y)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_table_of_rows_is_that_of_the_library(
    run: Callable[..., Any], data: Path, found: tuple[np.ndarray, np.ndarray, RashomonSet]
) -> None:
    X, _, near = found
    names = ("--id", "name", "--group", "ward", "-o", "-")
    result = run("multiplicity", data, *MODELS, *ASKED, "--epsilon", "0.02", *names)
    assert (result.code, result.err) == (0, "")
    rows = rows_of(result.out)
    expected = near.viable_prediction_range(X)
    np.testing.assert_allclose([float(row["lower"]) for row in rows], expected.lower, rtol=1e-12)
    np.testing.assert_allclose([float(row["upper"]) for row in rows], expected.upper, rtol=1e-12)
    assert {row["kind"] for row in rows} == {"exact"}
    assert [row["row"] for row in rows] == [str(i) for i in range(90)]
    assert [row["name"] for row in rows] == [f"p{i}" for i in range(90)]
    assert rows[4]["ward"] == "(missing)"
    straddles = (expected.lower < 0.5) & (expected.upper >= 0.5)
    assert 0 < straddles.sum() < 90
    assert [row["either_way"] == "conflict" for row in rows] == straddles.tolist()


def test_json_is_strict_and_names_both_models_of_a_row(
    run: Callable[..., Any], data: Path, found: tuple[np.ndarray, np.ndarray, RashomonSet]
) -> None:
    X, y, near = found
    options = ("--epsilon", "0.02", "--json", "all.json", "--positive", "yes", "--plot", "r.svg")
    result = run("multiplicity", data, *MODELS, *ASKED, *options)
    assert (result.code, result.err) == (0, "")
    content = json.loads(Path("all.json").read_text(), parse_constant=pytest.fail)
    abstain = content["abstain"]
    assert abstain["names"] == ["intercept", "age", "dose"]
    assert abstain["decisions"] == ["no", "yes"]
    assert abstain["confirmed"] == [True] * len(abstain["rows"])
    scaled = near.transform_.transform(X)
    for side, sign in (("lower", -1.0), ("upper", 1.0)):
        models = np.array(abstain[f"{side}_model"])
        logits = np.sum(models[:, 1:] * scaled[abstain["rows"]], axis=1) + models[:, 0]
        assert (sign * logits > 0).all()
        np.testing.assert_allclose(abstain[f"{side}_prediction"], 1 / (1 + np.exp(-logits)), rtol=1e-9)
        margins = (2 * y - 1) * (models[:, :1] + models[:, 1:] @ scaled.T)
        losses = np.log1p(np.exp(-margins)).mean(axis=1) + (models[:, 1:] ** 2).sum(axis=1) / 180
        assert (losses <= 1.02 * near.loss_ * (1 + 1e-12)).all()
    assert Path("r.svg").read_text().startswith("<?xml")


def test_text_says_what_the_models_are(run: Callable[..., Any], data: Path) -> None:
    options = ("--C", "0.5", "--weight", "weight", "--group", "ward", "--deviation", "0.1")
    result = run("multiplicity", data, *MODELS, *options)
    assert (result.code, result.err) == (0, "")
    about, head, *rest = result.out.splitlines()
    assert about == ("Logistic regression on 2 columns, standardized, C = 0.5; probability of died = yes")
    assert head == "Predictive multiplicity of 90 rows: exact"
    assert any(line.startswith("By ward") for line in rest)
    assert any(line.startswith("  (missing)") for line in rest)
    assert any("'no' or 'yes'" in line for line in rest)
    assert rest[-1] == "rows count from 0, the first below the header"


def test_positive_turns_probabilities_around(run: Callable[..., Any], data: Path) -> None:
    given = ("multiplicity", data, *MODELS, *ASKED, "-o", "-")
    risen = rows_of(run(*given).out)
    fallen = rows_of(run(*given, "--positive", "no").out)
    lower = np.array([float(row["lower"]) for row in risen])
    upper = np.array([float(row["upper"]) for row in fallen])
    np.testing.assert_allclose(lower, 1.0 - upper, atol=1e-9)


def test_refits_give_a_part_of_the_range(
    run: Callable[..., Any], data: Path, found: tuple[np.ndarray, np.ndarray, RashomonSet]
) -> None:
    X, y, near = found
    options = ("--epsilon", "0.02", "--refits", "40", "--seed", "3")
    result = run("multiplicity", data, *MODELS, *ASKED, *options, "-o", "-")
    assert result.code == 0
    rows = rows_of(result.out)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    refits = RashomonSet(model, epsilon=0.02, refits=Refits(40), random_state=3).fit(X, y)
    expected, exact = refits.viable_prediction_range(X), near.viable_prediction_range(X)
    np.testing.assert_array_equal([float(row["lower"]) for row in rows], expected.lower)
    assert {(row["kind"], row["gap"]) for row in rows} == {("inner", "inf")}
    assert (expected.lower >= exact.lower - 1e-4).all()
    assert expected.width.mean() < exact.width.mean()


@pytest.mark.parametrize(
    ("limit", "extra", "code", "words"),
    [
        ("1", (), 0, ""),
        ("0", (), 3, "% of the rows may be decided either way; not shown to keep --share-limit 0"),
        ("0.9", ("--refits", "10", "--epsilon", "0.2"), 3, "any share of the rows may be decided"),
    ],
)
def test_the_gate(
    run: Callable[..., Any], data: Path, limit: str, extra: tuple[str, ...], code: int, words: str
) -> None:
    result = run("multiplicity", data, *MODELS, "--deviation", "0.1", "--share-limit", limit, *extra)
    assert result.code == code
    assert words in result.err
    assert "Predictive multiplicity of 90 rows" in result.out


@pytest.fixture(scope="module")
def cards(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card with its pool, from text, gaps and a fixed multiplier."""
    from riskstats.cli import main

    card = tmp_path_factory.mktemp("cards") / "card.json"
    words = ["fit", data, "--target", "died", "--features", "ward,age,dose", "--max-bins", "3", "--points"]
    words += ["-3", "3", "--multiplier", "1", "--max-features", "2", "--pool", "0.1", "-o", card, "--quiet"]
    assert main([str(word) for word in words]) == 0
    return card


def test_a_pool_answers_for_its_cards(run: Callable[..., Any], data: Path, cards: Path) -> None:
    result = run("multiplicity", "--card", cards, data, "--group", "ward", "-o", "rows.csv", "--json")
    assert (result.code, result.err) == (0, "")
    content, rows = json.loads(result.out), rows_of(Path("rows.csv").read_text())
    pool, table = CardPool.load(cards.with_suffix(".pool.json")), load_csv(data, target="died")
    assert pool.complete
    assert len(pool) > 1
    predictions = pool.predictions(table.X)
    np.testing.assert_allclose([float(row["lower"]) for row in rows], predictions.min(axis=0), rtol=1e-12)
    np.testing.assert_allclose([float(row["upper"]) for row in rows], predictions.max(axis=0), rtol=1e-12)
    assert {row["kind"] for row in rows} == {"exact"}
    assert content["stamps"]["n_members"] == len(pool)
    assert content["stamps"]["epsilon"] == 0.1
    for row, low in zip(content["abstain"]["rows"], content["abstain"]["lower_model"], strict=True):
        assert predictions[low, row] < 0.5


def test_a_pool_reads_one_new_row_and_a_smaller_epsilon(
    run: Callable[..., Any], cards: Path, tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text("dose,age,ward\n0.3,61,north\n")
    result = run("multiplicity", "--card", cards, "new.csv", "--epsilon", "0.02")
    assert (result.code, result.err) == (0, "")
    about, head, limit = result.out.splitlines()[:3]
    assert "proven to be all; risk of died = yes" in about
    assert about.endswith("card.json is the best of them")
    assert head == "Predictive multiplicity of 1 row: exact"
    assert "relative epsilon 0.02" in limit


def test_a_card_of_another_fit_is_refused(bad: Callable[..., str], data: Path, cards: Path) -> None:
    content = CardPool.load(cards.with_suffix(".pool.json"))
    replace(content[0], intercept=content[0].intercept + 40).save("other.json")
    message = bad("multiplicity", "--card", "other.json", "--pool", cards.with_suffix(".pool.json"), data)
    assert "they come from two fits" in message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("", "nothing says which models are meant. Pass --target COLUMN"),
        ("--target died", "text in columns 'name', 'ward', and these models take numbers"),
        ("--target died --drop name --group nothing", "no column 'nothing'"),
        ("--target died --id name --group ward --epsilon 0", "--epsilon must be finite and > 0"),
        ("--target died --id name --group ward --deviation 10", "Did you mean 0.10?"),
        ("--target died --id name --group ward --threshold 1.5", "--threshold must be in (0, 1)"),
        ("--target died --C 0", "expected a number > 0, or inf for no penalty"),
        ("--target died --plot-kind rates", "--plot-kind goes with --plot FILE"),
        ("--target died --plot r.png --plot-kind groups", "--plot-kind groups needs --group"),
        ("--target died --plot r.gif", "none of .png, .svg, .pdf"),
        ("--target died -o rows.xlsx", "neither .csv nor .tsv"),
        ("--target died -o - --json", "both write to standard output"),
        ("--target died --json nowhere/a.json", "no folder"),
        ("--card nocard.json", "there is no pool 'nocard.pool.json' beside nocard.json"),
        ("--pool nopool.json", "cannot be read"),
        ("--pool p.json --target died", "--target is about models of the table"),
        ("--card c.json --standardize", "--standardize is about models of the table"),
    ],
)
def test_bad_input(bad: Callable[..., str], data: Path, options: str, words: str) -> None:
    assert words in bad("multiplicity", data, *options.split())
    assert os.listdir() == []


def test_missing_values_are_named(bad: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "gaps.csv").write_text("a,b,y\n1,2,0\n3,,1\n,4,0\n5,,1\n")
    message = bad("multiplicity", "gaps.csv", "--target", "y")
    assert "3 missing values in columns 'a', 'b', first in row 1 (rows count from 0)" in message
    assert "--drop" in message


def test_a_separable_table_needs_a_penalty(bad: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "apart.csv").write_text("a,y\n1,0\n2,0\n3,1\n4,1\n")
    message = bad("multiplicity", "apart.csv", "--target", "y", "--C", "inf")
    assert "a linear rule separates the classes" in message
    assert "Set a finite --C." in message


def test_labels_with_the_name_of_an_answer_are_refused(bad: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "clash.csv").write_text("a,lower,y\n1,2,0\n3,5,1\n2,1,1\n")
    message = bad("multiplicity", "clash.csv", "--target", "y", "--group", "lower", "-o", "rows.csv")
    assert "a column 'lower' of its own" in message


def test_no_refit_inside_the_set_is_a_failure(run: Callable[..., Any], data: Path) -> None:
    result = run("multiplicity", data, *MODELS, "--refits", "5", "--epsilon", "1e-9")
    assert (result.code, result.out) == (1, "")
    assert "0 of 5 refits" in result.err
    assert "Raise --epsilon" in result.err
    assert result.err.count("\n") == 1


def test_the_json_of_a_file_is_that_of_standard_output(run: Callable[..., Any], data: Path) -> None:
    given = ("multiplicity", data, *MODELS, "--deviation", "0.3", "--time-limit", "20")
    shown = run(*given, "--json").out
    run(*given, "--json", "a.json")
    assert Path("a.json").read_text() == shown
    assert json_text(json.loads(shown)) + "\n" == shown
