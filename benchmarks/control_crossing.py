"""Crossing probabilities and Berk-Jones calibration: `python -m benchmarks.control_crossing`.

The package against the O(n^2) recursion of the tests, vectorised by rows; whole calibrations, cold and
remembered. One thread. Answers are compared, not only times.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.recording import Column, Table, one_thread, repeat, spend
from riskstats.bounds import berk_jones_boundary, calibration
from riskstats.bounds.berk_jones_boundary import ActiveRanks
from riskstats.bounds.calibration import calibrate, crossing_of_level
from riskstats.bounds.crossing import crossing_probability
from tests.reference.crossing import crossing_by_sweep, stirling_error, sweep_row

__all__ = ["calibrations", "crossings", "main"]

LEVEL = 1e-3
SIZES = (1000, 5000, 20_000, 100_000)
CALIBRATED = (50, 1000, 5000, 20_000, 100_000, 1_000_000)
_WHOLE_SWEEP = 20_000
_ROWS = 400


def main() -> None:
    """Print the tables."""
    one_thread()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RISKSTATS_CACHE_DIR"] = folder
        for table in (crossings(), calibrations()):
            print(f"## {table.name}\n\n{table.markdown()}\n")


def crossings(sizes: tuple[int, ...] = SIZES) -> Table:
    """One crossing probability of the Berk-Jones boundary with c = 1e-3."""
    return Table(
        "crossing",
        [
            Column("n", "n", ",d"),
            Column("recursion, s", "sweep", ".3g"),
            Column("boundary given, s", "given", ".3g"),
            Column("ratio", "given_ratio", ",.0f"),
            Column("level given, cold, s", "cold", ".3g"),
            Column("ratio", "cold_ratio", ",.0f"),
            Column("level given, again, s", "again", ".3g"),
            Column("ratio", "again_ratio", ",.0f"),
            Column("relative difference", "difference", ".1e"),
        ],
        [_crossing(n) for n in sizes],
        f"Above n = {_WHOLE_SWEEP:,d} the recursion is timed on {_ROWS} rows spread evenly, and the "
        "difference is that of the two ways of the package.",
    )


def _crossing(n: int) -> dict[str, Any]:
    ranks = ActiveRanks(1, n)
    boundary = berk_jones_boundary.berk_jones_boundary(n, LEVEL)
    value, sweep = _sweep(boundary)
    given = crossing_probability(boundary)
    row: dict[str, Any] = {
        "n": n,
        "sweep": sweep,
        "given": repeat(lambda: crossing_probability(boundary), 0.3),
        "cold": _cold(lambda: crossing_of_level(n, LEVEL, ranks)),
        "again": repeat(lambda: crossing_of_level(n, LEVEL, ranks), 0.3),
        "difference": abs(crossing_of_level(n, LEVEL, ranks) / (value or given) - 1),
    }
    return row | {f"{way}_ratio": sweep / row[way] for way in ("given", "cold", "again")}


def _sweep(boundary: np.ndarray) -> tuple[float | None, float]:
    """The recursion's answer, if all of it is run, and its seconds."""
    n = len(boundary)
    if n <= _WHOLE_SWEEP:
        spent = spend(crossing_by_sweep, boundary)
        return spent.answer, spent.seconds
    f, stirling = np.zeros(n + 1), stirling_error(np.arange(n + 1.0))
    rows = np.linspace(1, n, _ROWS).astype(int).tolist()
    seconds = spend(lambda: [sweep_row(i, boundary, f, stirling) for i in rows]).seconds
    return None, seconds * n / _ROWS


def calibrations(sizes: tuple[int, ...] = CALIBRATED, delta: float = 0.05) -> Table:
    """A whole calibration: cold, from disk, from memory; of all ranks and of parts."""
    return Table(
        "calibration",
        [
            Column("n", "n", ",d"),
            Column("cold, ms", "cold", ".3g"),
            Column("levels (.9, 1), ms", "top", ".3g"),
            Column("levels (.5, .9), ms", "middle", ".3g"),
            Column("from disk, ms", "disk", ".3g"),
            Column("from memory, ms", "memory", ".2g"),
            Column("the band itself, ms", "band", ".3g"),
        ],
        [_calibration(n, delta) for n in sizes],
        f"delta = {delta:g}. Smaller n than {calibration.STORED_FROM} are not kept on disk.",
    )


def _calibration(n: int, delta: float) -> dict[str, Any]:
    def cold(levels: tuple[float, float]) -> float:
        found = [
            _cold(lambda turn=turn: calibrate(n, delta * (1 - 1e-4 * turn), levels)) for turn in range(1, 6)
        ]
        return 1e3 * float(np.median(found))

    level = calibrate(n, delta).level_c
    return {
        "n": n,
        "cold": cold((0.0, 1.0)),
        "top": cold((0.9, 1.0)),
        "middle": cold((0.5, 0.9)),
        "disk": 1e3 * _cold(lambda: calibrate(n, delta)) if n >= calibration.STORED_FROM else None,
        "memory": 1e3 * repeat(lambda: calibrate(n, delta), 0.02),
        "band": 1e3 * repeat(lambda: berk_jones_boundary.berk_jones_boundary(n, level), 0.1),
    }


def _cold(function: Callable[[], Any]) -> float:
    """Seconds of a call that finds nothing in memory."""
    calibration._calibrated.cache_clear()
    berk_jones_boundary.band_layout.cache_clear()
    return spend(function).seconds


if __name__ == "__main__":
    main()
