"""`riskstats fit --pool`: the pool is saved beside the card, with the outcome and classes of the file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskstats.datasets import load_csv
from riskstats.scores import CardPool, Pool, RiskScoreClassifier
from riskstats.scores.scorecard import ScoreCard

FAST = ("--multiplier", "1", "--max-features", "2", "--points", "-3", "3", "--quiet")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """100 patients: age, smoking, outcome."""
    rng = np.random.default_rng(4)
    age, smoker = rng.integers(20, 80, 100), rng.integers(0, 2, 100)
    died = rng.random(100) < 1 / (1 + np.exp(-((age - 50) / 10 + smoker)))
    lines = [f"{a},{s},{'yes' if d else 'no'}" for a, s, d in zip(age, smoker, died, strict=True)]
    path = tmp_path / "data.csv"
    path.write_text("\n".join(["age,smoker,died", *lines]) + "\n")
    return path


def test_the_pool_lies_beside_the_card(run: Callable[..., Any], data: Path) -> None:
    result = run("fit", data, "--target", "died", "-o", "card.json", "--pool", "0.05", *FAST)
    assert result.code == 0
    assert sorted(os.listdir()) == ["card.json", "card.pool.json", "card.proof.npz", "data.csv"]
    card, pool = ScoreCard.load("card.json"), CardPool.load("card.pool.json")
    assert pool.summary() in result.out
    assert pool.complete
    assert (pool.outcome, pool.classes) == ("died = yes", ("no", "yes"))
    assert pool[0].lines == card.lines
    table = load_csv(data, target="died")
    np.testing.assert_allclose(pool.predictions(table.X)[0], card.predict_proba(table.X)[:, 1], atol=1e-15)


def test_the_pool_is_that_of_the_estimator(run: Callable[..., Any], data: Path) -> None:
    options = ("--pool", "0.02", "--pool-kind", "additive", "--pool-max", "500", "--pool-out", "other.json")
    assert run("fit", data, "--target", "died", *options, *FAST).code == 0
    assert sorted(os.listdir()) == ["data.csv", "other.json"]
    pool, table = CardPool.load("other.json"), load_csv(data, target="died")
    model = RiskScoreClassifier(
        max_features=2, coefficient_range=(-3, 3), multiplier=1.0, pool=Pool(0.02, 500, "additive")
    ).fit(table.X, table.y)
    np.testing.assert_array_equal(pool.coefficients, model.pool_.coefficients)
    np.testing.assert_array_equal(pool.losses, model.pool_.losses)
    assert (pool.epsilon, pool.epsilon_kind) == (0.02, "additive")


def test_without_the_option_there_is_no_pool(run: Callable[..., Any], data: Path) -> None:
    assert run("fit", data, "--target", "died", "-o", "card.json", *FAST).code == 0
    assert sorted(os.listdir()) == ["card.json", "card.proof.npz", "data.csv"]


def test_a_full_pool_is_told_in_options(run: Callable[..., Any], data: Path) -> None:
    words = [word for word in FAST if word != "--quiet"]
    result = run("fit", data, "--target", "died", "-o", "c.json", "--pool", "0.2", "--pool-max", "2", *words)
    assert result.code == 0
    assert "More than 2 cards belong to the pool" in result.err
    assert "--pool-max" in result.err
    assert not CardPool.load("c.pool.json").complete


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--pool -1", "--pool"),
        ("--pool all", "expected a number >= 0"),
        ("--pool 0.1 --pool-max 0", "expected a whole number >= 1"),
        ("--pool 0.1 --pool-kind share", "--pool-kind"),
        ("--pool 0.1 --pool-out nowhere/p.json", "no folder"),
        ("--pool 0.1 --pool-out -", "Give the name of a file"),
        ("--pool-max 5", "--pool-max goes with --pool EPSILON"),
        ("--pool-out p.json", "--pool-out goes with --pool EPSILON"),
        ("--pool-kind additive", "--pool-kind goes with --pool EPSILON"),
    ],
)
def test_bad_input(bad: Callable[..., str], data: Path, options: str, words: str) -> None:
    assert words in bad("fit", data, "--target", "died", "-o", "c.json", *FAST, *options.split())
    assert os.listdir() == ["data.csv"]
