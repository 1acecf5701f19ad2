"""`riskstats verify`: true claims pass, false ones fail, unproven ones are told apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from riskstats.cli import main
from riskstats.datasets import planted_scores
from riskstats.scores.scorecard import ScoreCard


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data.csv, card.json and card.proof.npz."""
    folder = tmp_path_factory.mktemp("fitted")
    data = planted_scores(150, 5, n_nonzero=3, random_state=2)
    data.to_frame().to_csv(folder / "data.csv", index=False)
    words = ["fit", str(folder / "data.csv"), "--target", "y", "-o", str(folder / "card.json")]
    assert main([*words, "--multiplier", "1", "--max-features", "2", "--quiet"]) == 0
    return folder


@pytest.fixture
def folder(fitted: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed, where the commands run."""
    shutil.copytree(fitted, tmp_path, dirs_exist_ok=True)
    return tmp_path


VERIFY = ("verify", "card.json", "data.csv", "--target", "y")


def test_a_fitted_card_verifies(run: Callable[..., Any], folder: Path) -> None:
    result = run(*VERIFY)
    assert result.code == 0
    assert result.err == ""
    assert "objective" in result.out


def test_as_a_process(process: Callable[..., Any], folder: Path) -> None:
    assert process(*VERIFY).returncode == 0
    (folder / "card.proof.npz").unlink()
    assert process(*VERIFY).returncode == 3


def test_json(run: Callable[..., Any], folder: Path) -> None:
    content = json.loads(run(*VERIFY, "--json").out)
    assert content["ok"] is True
    assert len(content["checks"]) >= 2


def test_without_a_proof_nothing_is_false_but_nothing_proven(run: Callable[..., Any], folder: Path) -> None:
    (folder / "card.proof.npz").rename(folder / "moved.npz")
    assert run(*VERIFY).code == 3
    assert run(*VERIFY, "--proof", "moved.npz").code == 0


def test_a_binned_card_without_a_proof_is_told_apart_too(run: Callable[..., Any], folder: Path) -> None:
    """With bins or without: a missing proof is exit code 3, not bad input."""
    data = planted_scores(150, 3, n_nonzero=2, levels=40, multiplier=20, random_state=2)
    data.to_frame().to_csv("bins.csv", index=False)
    words = ("--target", "y", "--multiplier", "1", "--max-features", "2", "--quiet", "--no-proof")
    assert run("fit", "bins.csv", *words, "-o", "bins.json").code == 0
    assert any(" >= " in rule.label for rule, _ in ScoreCard.load("bins.json").lines)
    assert run("verify", "bins.json", "bins.csv", "--target", "y").code == 3


def test_a_better_objective_than_the_true_one_is_false(run: Callable[..., Any], folder: Path) -> None:
    card = ScoreCard.load("card.json")
    assert card.certificate is not None
    claim = replace(card.certificate, objective=card.certificate.objective - 1e-4)
    replace(card, certificate=claim).save("card.json")
    assert run(*VERIFY).code == 1


def test_a_worse_card_with_the_same_claims_is_false(run: Callable[..., Any], folder: Path) -> None:
    card = ScoreCard.load("card.json")
    replace(card, intercept=card.intercept + 1).save("card.json")
    assert run(*VERIFY).code == 1


def test_other_data_are_refused(bad: Callable[..., str], folder: Path) -> None:
    lines = (folder / "data.csv").read_text().splitlines()
    (folder / "data.csv").write_text("\n".join(lines[:-1]) + "\n")
    bad(*VERIFY)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "z"), "'z'"),
        (("--target", "y", "--weight", "w"), "'w'"),
        (("--target", "y", "--positive", "maybe"), "maybe"),
        (("--target", "y", "--proof", "none.npz"), "none.npz"),
        (("--target", "y", "--proof", "data.csv"), "data.csv"),
    ],
)
def test_bad_input(bad: Callable[..., str], folder: Path, options: tuple[str, ...], words: str) -> None:
    assert words in bad("verify", "card.json", "data.csv", *options)


def test_a_damaged_proof_is_bad_input(bad: Callable[..., str], folder: Path) -> None:
    content = (folder / "card.proof.npz").read_bytes()
    (folder / "card.proof.npz").write_bytes(content[: len(content) // 2])
    assert "card.proof.npz" in bad(*VERIFY)
