"""MAPIE on the same samples: its Hoeffding-Bentkus p-values, and the error of its betting bound."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compare import PeerMissing
from benchmarks.control_cases import DELTA, in_turn
from benchmarks.recording import HERE, Column, Table
from riskstats.bounds.betting import Betting
from riskstats.bounds.hoeffding_bentkus import HoeffdingBentkus

__all__ = ["errors", "peer", "times"]

LIMIT = 0.25
SHARES = (0.05, 0.1, 0.3, 0.5)
UNITS, WRONG = 200, 0.1


def peer(python: str | None, what: str, losses: np.ndarray, limit: float, more: float) -> dict[str, Any]:
    """The answer of `peer_mapie.py` in MAPIE's environment. Raises `PeerMissing` where there is none."""
    if not python or not Path(python).is_file():
        raise PeerMissing(
            f"MAPIE is not compared: --peer-python is {python or 'not given'}"
            f"{', and there is no such file' if python else ''}. Make an environment with "
            "`pip install mapie==1.6.0` and pass its python."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "losses.npy"
        np.save(path, losses)
        command = [python, str(HERE / "peer_mapie.py"), what, str(path), repr(limit), repr(more)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PeerMissing(f"MAPIE is not compared: '{python}' could not run it ({reason}).")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def times(python: str | None, candidates: int, units: int, repeats: int, seed: int = 0) -> Table:
    """Hoeffding-Bentkus p-values of many candidates."""
    rows = [_time(python, candidates, units, repeats, binary, seed) for binary in (True, False)]
    return Table("control-mapie", _TIMES, rows, _TIMES_NOTE)


def _time(
    python: str | None, candidates: int, units: int, repeats: int, binary: bool, seed: int
) -> dict[str, Any]:
    """Hoeffding-Bentkus p-values of `mean > 1/4` for candidates with means from .15 to .35."""
    means = np.linspace(0.15, 0.35, candidates)[:, np.newaxis]
    drawn = np.random.default_rng(seed).random((candidates, units))
    losses = (drawn < means).astype(float) if binary else drawn ** (1.0 / means - 1.0)
    theirs = peer(python, "p-values", losses, LIMIT, repeats)
    found = np.array(theirs["p_values"])
    (ours,) = in_turn(repeats, lambda: HoeffdingBentkus().mean_p_value(losses, LIMIT, DELTA))
    gap = np.abs(ours.answer - found) / np.maximum(found, 1e-300)
    above = (ours.answer > 1e-12) | (found > 1e-12)
    return {
        "peer": f"MAPIE {theirs['version']}",
        "losses": "0 or 1" if binary else "continuous",
        "candidates": candidates,
        "units": units,
        "peer_seconds": theirs["seconds"],
        "seconds": ours.seconds,
        "ratio": theirs["seconds"] / ours.seconds,
        "median_difference": float(np.median(gap[above])),
        "apart": int((gap[above] > 1e-6).sum()),
        "compared": int(above.sum()),
    }


_TIMES = (
    Column("losses", "losses"),
    Column("candidates", "candidates", ",d"),
    Column("units", "units", ",d"),
    Column("MAPIE s", "peer_seconds", ".4f"),
    Column("riskstats s", "seconds", ".4f"),
    Column("ratio", "ratio", ".2f"),
    Column("p-values above 1e-12", "compared"),
    Column("of them more than 1e-6 apart", "apart"),
)


def errors(python: str | None, repetitions: int, seed: int = 0) -> Table:
    """How often a bound on a mean is not above it."""
    rows = [_error(python, share, repetitions, seed) for share in SHARES]
    return Table("control-mapie-error", _ERRORS, rows, _ERRORS_NOTE)


def _error(python: str | None, share: float, repetitions: int, seed: int) -> dict[str, Any]:
    """How often the bound on the mean of Bernoulli(share) is not above it: MAPIE's `wsr` and `Betting`."""
    drawn = np.random.default_rng(seed).random((repetitions, UNITS))
    losses = np.where(drawn < share, 1.0, 0.0)
    theirs = peer(python, "wsr", losses, share, WRONG)
    losses = losses[: theirs["samples"]]
    ours = Betting(device="numpy").mean_p_value(losses, share, WRONG) <= WRONG
    return {
        "peer": f"MAPIE {theirs['version']}",
        "share": share,
        "units": UNITS,
        "samples": len(losses),
        "allowed": WRONG,
        "peer_error": theirs["refused"] / len(losses),
        "error": float(ours.mean()),
    }


_ERRORS = (
    Column("losses", "share", lambda p: f"Bernoulli({p:g})"),
    Column("units", "units", ",d"),
    Column("samples", "samples", ",d"),
    Column("allowed", "allowed", ".3f"),
    Column("MAPIE `wsr`", "peer_error", ".3f"),
    Column("`Betting`", "error", ".3f"),
)
_ERRORS_NOTE = (
    "How often the bound on the mean is not above the true mean, at confidence .9. MAPIE adds the highest "
    "wealth of two half-samples, which is no wealth that anybody can have; the proof needs one maximum of "
    "one running sum."
)
_TIMES_NOTE = (
    "From the matrix of losses, means included; limit .25. Both take the ceiling of the sum; this package "
    "reads the losses again where a rounded sum lies next to a whole number, so that the ceiling is exact."
)
