"""`riskstats demo`: the files it promises, and the commands it prints work as printed."""

from __future__ import annotations

import csv
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from riskstats.scores.scorecard import ScoreCard

FILES = ["card.html", "card.json", "card.png", "card.proof.npz", "scores.csv", "test.csv", "train.csv"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder where the demo ran, once for all tests here, and what it printed."""
    import os

    import riskstats

    where = tmp_path_factory.mktemp("demo")
    words = [sys.executable, "-m", "riskstats", "demo", "--output", "my demo", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(Path(riskstats.__file__).parents[1])}
    done = subprocess.run(words, cwd=where, env=environment, capture_output=True, timeout=120, check=False)
    assert done.stderr == b""
    assert done.returncode == 0
    return where, done.stdout.decode()


def test_files(demo: tuple[Path, str]) -> None:
    folder = demo[0] / "my demo"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert all(path.stat().st_size > 500 for path in folder.iterdir())


def test_words(demo: tuple[Path, str]) -> None:
    folder, text = demo
    card = ScoreCard.load(folder / "my demo" / "card.json")
    assert card.outcome == "diagnosis = malignant"
    assert card.text().rstrip() in text
    for words in (
        "212 of them malignant",
        "AUC 0.",
        "95 % interval",
        "log loss",
        "base rate",
        "slope",
        "Try next",
    ):
        assert words in text


def test_the_card_tells_malignant_tumours_apart(demo: tuple[Path, str]) -> None:
    """On rows it never saw malignant ones get the larger risks; scores.csv holds those of the card."""
    folder = demo[0] / "my demo"
    with (folder / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 171
    risk = np.array([float(row["risk"]) for row in rows])
    malignant = np.array([row["diagnosis"] == "malignant" for row in rows])
    assert risk[malignant].mean() > 0.8
    assert risk[~malignant].mean() < 0.2
    totals = np.array([int(row["score"]) for row in rows])
    assert np.array_equal(ScoreCard.load(folder / "card.json").risk(totals), risk)


def test_printed_commands_work(demo: tuple[Path, str], environment: dict[str, str]) -> None:
    where, text = demo
    printed = [line.strip() for line in text.split("Try next:")[1].splitlines() if "my demo" in line]
    assert len(printed) == 3
    for line in printed:
        words = shlex.split(line.split("|")[0])
        assert words.pop(0) == "riskstats"
        done = subprocess.run(
            [sys.executable, "-m", "riskstats", *words],
            cwd=where,
            env=environment,
            capture_output=True,
            check=False,
        )
        proven = ScoreCard.load(where / "my demo" / "card.json").certificate.optimal  # type: ignore[union-attr]
        assert done.returncode == (0 if proven or words[0] != "verify" else 3)
        assert done.stderr == b""
        assert done.stdout
