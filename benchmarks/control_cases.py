"""The measurements on risk control, one function each: sizes in, rows of figures out.

Each can run in a process of its own (`recording.in_own_process`). The batch and the loop over candidates
(`plain_loops`) take turns, so that both meet the same machine, and their answers are compared.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special  # noqa: F401 (imported before a clock starts)

from benchmarks import control_crossing
from benchmarks import plain_loops as plain
from benchmarks.recording import Spent, spend, start_jax
from riskstats.bounds import betting_kernels
from riskstats.bounds.base import Bound
from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.berk_jones_boundary import ActiveRanks, berk_jones_boundary
from riskstats.bounds.betting import Betting
from riskstats.bounds.calibration import calibrate
from riskstats.bounds.choose import recommend
from riskstats.bounds.multiple_testing import holm
from riskstats.bounds.sample import Sample
from riskstats.control.api import certify
from riskstats.measures.base import RiskMeasure, evaluated
from riskstats.measures.cvar import CVaR
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.measures.var_interval import VaRInterval

__all__ = [
    "DELTA",
    "LIMITS",
    "averages",
    "betting",
    "calibrations",
    "crossings",
    "large",
    "powers",
    "whole",
]

DELTA = 0.05
LEVEL = 0.9
ONE_RECURSION = 100_000
"""Number of units at which a whole calibration is compared to a single recursion."""
LONG = 5.0
"""Seconds after which a call is not repeated."""
LIMITS: tuple[tuple[RiskMeasure, float], ...] = (
    (Mean(), 0.35),
    (ValueAtRisk(LEVEL), 0.8),
    (CVaR(LEVEL), 0.88),
    (VaRInterval(0.5, LEVEL), 0.5),
    (Gini(), 0.5),
)
"""Measures of the whole run with their limits, which some of the candidates of `powers` keep."""


def powers(candidates: int, units: int, seed: int = 0) -> np.ndarray:
    """(m, n) losses U^e, U uniform, with exponents e from 1 to 4: means .5 to .2, Gini 1/3 to 2/3."""
    losses = np.random.default_rng(seed).random((candidates, units))
    for row, exponent in zip(losses, np.linspace(1.0, 4.0, candidates), strict=True):
        row **= exponent
    return losses


def in_turn(repeats: int, *functions: Callable[[], Any]) -> list[Spent]:
    """First answers and median seconds of functions called in turn; slow ones are not called again."""
    runs = [[spend(function)] for function in functions]
    for _ in range(repeats - 1):
        for function, own in zip(functions, runs, strict=True):
            if own[0].seconds < LONG:
                own.append(spend(function))
    return [
        Spent(
            own[0].answer,
            statistics.median(run.seconds for run in own),
            statistics.median(run.cpu_seconds for run in own),
        )
        for own in runs
    ]


def apart(found: Any, expected: Any) -> float:
    """The largest relative difference of two answers; 0 for equal numbers, 0 among them."""
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    scale = np.maximum(np.abs(expected), np.finfo(float).tiny)
    return float((np.abs(found - expected) / scale).max())


# ---- one crossing probability, one calibration


@contextlib.contextmanager
def _store_of_its_own() -> Iterator[None]:
    """An empty folder for calibrated levels, so that nothing is known from elsewhere."""
    before = os.environ.get("RISKSTATS_CACHE_DIR")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RISKSTATS_CACHE_DIR"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["RISKSTATS_CACHE_DIR"]
            else:
                os.environ["RISKSTATS_CACHE_DIR"] = before


def crossings(sizes: tuple[int, ...], whole: bool = False) -> list[dict[str, Any]]:
    """One crossing probability against the recursion; `whole` runs the recursion to its end at every n."""
    rows = [dict(row) for row in control_crossing.crossings(sizes).rows]
    for row in rows:
        row["recursion_measured"] = row["n"] <= control_crossing._WHOLE_SWEEP or whole
        if whole and row["n"] > control_crossing._WHOLE_SWEEP:
            _run_to_its_end(row)
    return rows


def _run_to_its_end(row: dict[str, Any]) -> None:
    edge = berk_jones_boundary(row["n"], control_crossing.LEVEL)
    spent = spend(plain.recursion, edge)
    found = control_crossing.crossing_probability(edge)
    row |= {"sweep": spent.seconds, "difference": abs(found / spent.answer - 1)}
    row |= {f"{way}_ratio": spent.seconds / row[way] for way in ("given", "cold", "again")}


def calibrations(
    sizes: tuple[int, ...], plain_up_to: int = 5000, truncated_up_to: int = 1000
) -> list[dict[str, Any]]:
    """Whole calibrations, beside root finding on the recursion up to some n."""
    with _store_of_its_own():
        rows = [dict(row) for row in control_crossing.calibrations(sizes, DELTA).rows]
        for row in rows:
            n = row["n"]
            row["memory_share"] = row["memory"] / row["cold"]
            if n == ONE_RECURSION:
                edge = berk_jones_boundary(n, control_crossing.LEVEL)
                row["recursion_share"] = 1e-3 * row["cold"] / control_crossing._sweep(edge)[1]
            row["growth"] = next((row["cold"] / r["cold"] for r in rows if 10 * r["n"] == n), None)
            if n <= plain_up_to:
                row |= _beside_plain(row, "cold", calibrate(n, DELTA).level_c, _plain_level(n))
            if n <= truncated_up_to:
                ours = calibrate(n, DELTA, (LEVEL, 1.0))
                spent = spend(plain.truncated_level, n, DELTA, LEVEL)
                level, first = spent.answer
                row |= _beside_plain(row, "top", ours.level_c, Spent(level, spent.seconds, spent.cpu_seconds))
                row["same_ranks"] = ours.ranks == ActiveRanks(first, n)
    return rows


def _plain_level(n: int) -> Spent:
    return spend(plain.berk_jones_level, n, DELTA)


def _beside_plain(row: dict[str, Any], way: str, level: float, spent: Spent) -> dict[str, float]:
    return {
        f"{way}_plain": 1e3 * spent.seconds,
        f"{way}_ratio": 1e3 * spent.seconds / row[way],
        f"{way}_difference": apart(level, spent.answer),
    }


# ---- averages of quantiles of many candidates


def averages(candidates: int, units: int, repeats: int, device: str = "cpu") -> list[dict[str, Any]]:
    """CVaR of every candidate: the bound of one calibrated band, and the estimate."""
    losses, measure = powers(candidates, units), CVaR(LEVEL)
    sample, band = Sample(losses, (0.0, 1.0)), BerkJones(levels=(LEVEL, 1.0))
    edge = band.boundary(units, DELTA).values
    first = spend(band.upper, sample, measure, DELTA).seconds
    bounds = in_turn(
        repeats,
        lambda: [plain.band_average(row, edge, LEVEL, 1.0) for row in losses],
        lambda: band.upper(sample, measure, DELTA),
    )
    estimates = in_turn(
        repeats,
        lambda: [plain.average_of_quantiles(row, LEVEL, 1.0) for row in losses],
        lambda: evaluated(measure, losses),
    )
    shared = {"candidates": candidates, "units": units}
    compiled = {"device": device, "compile_seconds": max(first - bounds[1].seconds, 0.0)}
    return [
        {**shared, "what": "bound", **_ratio(*bounds), **(compiled if device == "gpu" else {})},
        {**shared, "what": "estimate", **_ratio(*estimates)},
    ]


def _ratio(loop: Spent, batch: Spent) -> dict[str, Any]:
    return {
        "plain_seconds": loop.seconds,
        "seconds": batch.seconds,
        "ratio": loop.seconds / batch.seconds,
        "difference": apart(batch.answer, loop.answer),
    }


# ---- betting for many candidates


def betting(candidates: int, units: int, repeats: int, device: str = "numpy") -> list[dict[str, Any]]:
    """p-values and bounds by betting: batch on a device against one candidate at a time."""
    losses, (_, limit) = powers(candidates, units), LIMITS[0]
    bound = Betting(device=device)
    compiling = 0.0
    if device != "numpy":
        start_jax()
        before = _compiled_so_far()
        bound.mean_p_value(losses, limit, DELTA)
        bound.mean_upper(losses, DELTA)
        compiling = _compiled_so_far() - before
    p_loop, p_batch = in_turn(
        repeats,
        lambda: [plain.p_value(plain.betting_bets(row, DELTA), limit) for row in losses],
        lambda: bound.mean_p_value(losses, limit, DELTA),
    )
    loop, batch = in_turn(
        repeats,
        lambda: [plain.upper(plain.betting_bets(row, DELTA), DELTA) for row in losses],
        lambda: bound.mean_upper(losses, DELTA),
    )
    shared = {"candidates": candidates, "units": units, "device": device, "compile_seconds": compiling}
    p, bounds = _ratio(p_loop, p_batch), _ratio(loop, batch)
    decided = p | {"plain_seconds": loop.seconds, "ratio": loop.seconds / p_batch.seconds}
    decided["difference"] = float(np.sum((p_batch.answer <= DELTA) != (np.array(loop.answer) <= limit)))
    return [
        {**shared, "what": "decisions: p-values, the loop solves for bounds", **decided},
        {**shared, "what": "p-values", **p},
        {**shared, "what": "bounds", **bounds},
    ]


def _compiled_so_far() -> float:
    return betting_kernels._PEAKS.compile_seconds + betting_kernels._UPPERS.compile_seconds


# ---- the whole


@dataclass(frozen=True)
class _Alone:
    """One measure of the whole run, one candidate at a time."""

    measure: RiskMeasure
    limit: float
    bound: Bound
    delta: float

    def calls(self, losses: np.ndarray) -> tuple[list[float], ...]:
        """(p-values, bounds, estimates) by the package, called for one row after the other."""
        found = [self._call(row) for row in losses[:, np.newaxis]]
        return tuple(map(list, zip(*found, strict=True)))

    def _call(self, row: np.ndarray) -> tuple[float, float, float]:
        sample = Sample(row, (0.0, 1.0))
        p = self.bound.p_value(sample, self.measure, self.limit, self.delta)
        value = self.bound.upper(sample, self.measure, self.delta)
        return float(p[0]), float(value[0]), float(evaluated(self.measure, row[0]))

    def loop(self, losses: np.ndarray) -> tuple[list[float], ...]:
        """The same by `plain_loops`."""
        found = [self._plain(row) for row in losses]
        return tuple(map(list, zip(*found, strict=True)))

    def _plain(self, row: np.ndarray) -> tuple[float, float, float]:
        measure = self.measure
        if isinstance(measure, Mean):
            return *self._bets(plain.betting_bets(row, self.delta)), float(row.mean())
        if isinstance(measure, ValueAtRisk):
            p = plain.quantile_p_value(row, measure.level, self.limit)
            ordered = np.sort(row)
            estimate = ordered[math.ceil(measure.level * len(row) - 1e-9) - 1]
            return p, plain.quantile_upper(row, measure.level, self.delta), float(estimate)
        if isinstance(measure, Gini):
            return *self._gini(row), plain.gini(row)
        low, high = measure.levels
        estimate = plain.average_of_quantiles(row, low, high)
        if isinstance(self.bound, BerkJones):
            return *self._average(row, low, high), estimate
        return *self._bets(plain.tail_bets(row, low, self.delta)), estimate

    def _bets(self, bets: plain.Bets) -> tuple[float, float]:
        return plain.p_value(bets, self.limit), plain.upper(bets, self.delta)

    def _average(self, row: np.ndarray, low: float, high: float) -> tuple[float, float]:
        n, known = len(row), calibrate(len(row), self.delta, (low, high))
        ordered = np.sort(row)
        p = plain.band_p_value(
            lambda edge: plain.band_average(ordered, edge, low, high), n, known.ranks, self.limit
        )
        return p, plain.band_average(row, berk_jones_boundary(n, known.level_c, known.ranks), low, high)

    def _gini(self, row: np.ndarray) -> tuple[float, float]:
        n, known = len(row), calibrate(len(row), self.delta / 2)
        ordered = np.sort(row)
        p = plain.band_p_value(lambda edge: plain.band_gini(ordered, edge), n, known.ranks, self.limit)
        return min(1.0, 2.0 * p), plain.band_gini(row, berk_jones_boundary(n, known.level_c, known.ranks))


def whole(candidates: int, units: int, looped: int) -> list[dict[str, Any]]:
    """Estimates, p-values, joint bounds and Holm for every measure of `LIMITS`, calibration included.

    The loops run on `looped` candidates spread over all, and their seconds are scaled to all of them.
    """
    losses = powers(candidates, units)
    some = losses[np.linspace(0, candidates - 1, looped).astype(int)]
    with _store_of_its_own():
        rows = [_certified(losses, some, measure, limit, candidates / looped) for measure, limit in LIMITS]
    sums = ("seconds", "calls_seconds", "loop_seconds")
    total: dict[str, Any] = {key: sum(row[key] for row in rows) for key in sums}
    total |= {"measure": "all", "bound": "", "certified": None, "goal": 10.0, "bar": 5.0}
    for key in ("p_difference", "difference"):
        total[key] = max(row[key] for row in rows)
    rows.append(total)
    shared = {"candidates": candidates, "units": units, "looped": looped}
    return [shared | row | _whole_ratios(row) for row in rows]


def _certified(
    losses: np.ndarray, some: np.ndarray, measure: RiskMeasure, limit: float, scale: float
) -> dict[str, Any]:
    m, n = losses.shape
    alone = _Alone(measure, limit, recommend(measure, n), DELTA / m)
    batch = spend(lambda: certify(losses, measure, risk_limit=limit))
    calls, loop = spend(alone.calls, some), spend(alone.loop, some)
    found = batch.answer
    places = np.linspace(0, m - 1, len(some)).astype(int)
    ours = [found.p_values[places], found.upper_bounds[places], found.estimates[places]]
    rejected = holm(found.p_values, 1 - DELTA).tolist()
    return {
        "measure": str(measure),
        "limit": limit,
        "bound": alone.bound.name,
        "certified": len(found.certified),
        "holm_agrees": list(found.certified) == rejected == plain.holm(found.p_values.tolist(), DELTA),
        "seconds": batch.seconds,
        "calls_seconds": calls.seconds * scale,
        "loop_seconds": loop.seconds * scale,
        "calls_difference": max(map(apart, ours, calls.answer)),
        "p_difference": _apart_p(ours[0], loop.answer[0]),
        "difference": max(map(apart, ours[1:], loop.answer[1:])),
    }


def _apart_p(found: Any, expected: Any) -> float:
    """The largest relative difference of p-values that a decision can turn on: those above 1e-12."""
    found, expected = np.asarray(found), np.asarray(expected)
    kept = np.maximum(found, expected) > 1e-12
    return apart(found[kept], expected[kept]) if kept.any() else 0.0


def _whole_ratios(row: dict[str, Any]) -> dict[str, float]:
    return {f"{way}_ratio": row[f"{way}_seconds"] / row["seconds"] for way in ("calls", "loop")}


# ---- memory


def large(candidates: int, units: int, names: Sequence[str] = ("cvar", "var")) -> list[dict[str, Any]]:
    """`certify` on a large matrix: seconds of each measure, and the peak of this process, losses included.

    The peak is that of the process since it began, so this needs a process of its own.
    """
    losses = powers(candidates, units)
    rows = []
    for name in names:
        measure, limit = LIMITS[2] if name == "cvar" else LIMITS[1]
        before = peak_memory()
        spent = spend(lambda measure=measure, limit=limit: certify(losses, measure, risk_limit=limit))
        rows.append(
            {
                "candidates": candidates,
                "units": units,
                "measure": str(measure),
                "bound": recommend(measure, units).name,
                "certified": len(spent.answer.certified),
                "seconds": spent.seconds,
                "losses_gib": losses.nbytes / 2**30,
                "before_gib": before / 2**30,
                "peak_gib": peak_memory() / 2**30,
            }
        )
    return [*rows, _both(rows)]


def _both(rows: list[dict[str, Any]]) -> dict[str, Any]:
    together = {"measure": "both", "bound": "", "certified": None, "seconds_goal": 60.0, "gib_goal": 4.0}
    seconds, peak = sum(row["seconds"] for row in rows), max(row["peak_gib"] for row in rows)
    return rows[0] | together | {"seconds": seconds, "peak_gib": peak}


def peak_memory() -> int:
    """Bytes that this process has held at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
