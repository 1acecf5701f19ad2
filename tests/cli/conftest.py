"""A small card, tables to score with it, and two ways to run the command: in this process, or in its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import riskstats
from riskstats._validation import Table
from riskstats.cli import main
from riskstats.scores.binning import Binning
from riskstats.scores.rules import AtLeast, Equals, Missing, Value
from riskstats.scores.scorecard import ScoreCard


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Outcome]:
    """Run one command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*argv: str | Path) -> Outcome:
        code = main([str(word) for word in argv])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def bad(run: Callable[..., Outcome]) -> Callable[..., str]:
    """Run a command that must fail as bad input: exit code 2, one line on stderr, nothing on stdout."""

    def call(*argv: str | Path) -> str:
        result = run(*argv)
        assert result.code == 2
        assert result.out == ""
        assert result.err.count("\n") == 1
        assert result.err.startswith(f"riskstats {argv[0]}: error: ")
        return result.err

    return call


@pytest.fixture
def environment() -> dict[str, str]:
    """Variables with which a process finds the package that is tested here, wherever it runs."""
    return {**os.environ, "PYTHONPATH": str(Path(riskstats.__file__).parents[1])}


@pytest.fixture
def process(tmp_path: Path, environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run one command as a process of its own, in an empty folder."""

    def call(*argv: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        words = [sys.executable, "-m", "riskstats", *map(str, argv)]
        return subprocess.run(
            words, input=stdin, capture_output=True, cwd=tmp_path, env=environment, timeout=120, check=False
        )

    return call


TRAINING = Table(
    ("age", "job", "smoker", "sugar"),
    (
        np.array([30.0, 40.0, 50.0, 60.0, 70.0, 80.0] * 10),
        np.array(["clerk", "driver", "clerk", "nurse", "driver", "clerk"] * 10, dtype=object),
        np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0] * 10),
        np.array([90.0, 110.0, np.nan, 130.0, 150.0, 170.0] * 10),
    ),
)


@pytest.fixture
def card() -> ScoreCard:
    """Age from 45 and 60, job, smoking, and a measurement that may be missing."""
    binning = Binning(edges={"age": [45, 60], "sugar": [120]}, units={"age": "years", "sugar": "mg/dL"})
    coding = binning.fit(TRAINING)
    return ScoreCard(
        outcome="died = yes",
        classes=("no", "yes"),
        lines=(
            (AtLeast("age", 45, "years"), 2),
            (AtLeast("age", 60, "years"), 1),
            (Equals("job", "driver"), -1),
            (Value("smoker"), 3),
            (Missing("sugar"), 1),
        ),
        columns=coding.columns,
        input_names=TRAINING.names,
        intercept=-4,
        multiplier=1.5,
    )


@pytest.fixture
def card_path(card: ScoreCard, tmp_path: Path) -> Path:
    """The card as a file."""
    path = tmp_path / "card.json"
    card.save(path)
    return path


ROWS = """\
id,age,note,job,smoker,sugar
a1,44,"first, quoted",clerk,0,90
a2,45, blank ,driver,1,
a3,60,,nurse,1,130.50
"""


@pytest.fixture
def rows_path(tmp_path: Path) -> Path:
    """Three rows: totals 0, 2 - 1 + 3 + 1 = 5 and 2 + 1 + 3 = 6."""
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return path
