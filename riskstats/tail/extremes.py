"""Peaks over a threshold: the tail beyond the data, within the support."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._samples import Support, checked_support
from riskstats._validation import Floats, finite_vector, number, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats._validation import level as checked_level
from riskstats.distribution import LEVEL_SLACK, TIE, Distribution, rank_of_level
from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.results import Status
from riskstats.tail.generalized_pareto import (
    ParetoFit,
    excess_quantile,
    fit_excesses,
    fit_resamples,
    mean_excess_beyond,
)
from riskstats.tail.inputs import inside
from riskstats.tail.provenance import provenance
from riskstats.tail.shortfall_interval import Excesses, shortfall_interval
from riskstats.tail.tail_fit import TailFit, ThresholdRow

__all__ = ["peaks_over_threshold"]

FEWEST = 10  # exceedances, and distinct ones
TABLE = 12  # thresholds in the table
BLOCK = 2**22  # counts of resamples held at once


def peaks_over_threshold(
    losses: Any,
    level: float,
    *,
    threshold: float | None = None,
    support: Support | None = None,
    confidence_level: float = 0.95,
    n_resamples: int = 200,
    random_state: RandomState = None,
) -> TailFit:
    """Value at risk and expected shortfall from a generalised Pareto law of the excesses over a threshold.

    With n losses, n_u of them above u, and t = 1 - level,

        VaR = u + beta/xi ((t n / n_u)^(-xi) - 1),    ES = (VaR + beta - xi u) / (1 - xi),

    and their limits at xi = 0; ES is inf at xi >= 1. n counts all losses, zeros and negative ones too.

    Parameters
    ----------
    losses : (n,) independent losses, larger is worse; ties are no harm where they are few.
    level : share not in the tail, at least 1 - n_u/n.
    threshold : u; losses strictly above it are fitted. None takes a tenth of the losses, more where the
        level or a small n asks for it.
    support : (lowest, highest) possible loss. With a finite highest the fitted law ends there or before, and
        nothing above it is returned.
    confidence_level : of the two-sided interval of ES from the likelihood of (xi, beta, n_u/n); approximate.
    n_resamples : bootstrap samples of all n losses at fixed u, a check of the interval; 0 leaves it out.
    random_state : of the resamples.

    `InvalidInput`: fewer than 10 exceedances, or 10 distinct ones; a level below the threshold; NaN or
    infinite losses; losses outside `support`, or at its top. Cost: a sort, and about 1000 passes over the
    exceedances.
    Source: McNeil, Frey and Embrechts, Quantitative Risk Management, peaks over threshold.
    """
    sample, share = finite_vector(losses, "losses"), checked_level(level)
    confidence = checked_confidence(confidence_level)
    draws, rng = whole_number(n_resamples, "n_resamples", low=0), generator(random_state)
    ends = None if support is None else checked_support(support)
    if ends is not None:
        inside(sample, ends, "losses")
    law, top = Distribution(sample), math.inf if ends is None else ends[1]
    u = _default_threshold(law, len(sample), share) if threshold is None else number(threshold, "threshold")
    data = _excesses(sample, u, share, top)
    _refuse(data, law, u, share)
    fit, delta = fit_excesses(data.y, data.longest), 1.0 - confidence
    check = _resampled(data, fit, draws, delta, rng) if draws else None
    settings = {"limit": "profile likelihood", "status": _status(fit)}
    return TailFit(
        level=share,
        confidence_level=confidence,
        support=ends,
        empirical_shortfall=CVaR(share).of(law),
        thresholds=_table(law, sample, share, top, u),
        provenance=provenance(sample, level=share, random_state=random_state, **settings),
        **_said(data, fit, u, shortfall_interval(data, fit, delta), check),
    )


def _default_threshold(law: Distribution, n: int, level: float) -> float:
    """The largest atom with enough losses above it: a tenth, twice the tail, or 50 where n is small."""
    wanted = min(max(n / 10, 2 * (1.0 - level) * n, min(50.0, n / 4)), n / 2)
    above = 1.0 - law.cumulative
    enough = np.flatnonzero(above >= max(wanted / n, 1.0 - level) - LEVEL_SLACK)
    return float(law.atoms[enough[-1]] if len(enough) else law.atoms[0])


def _excesses(sample: Floats, u: float, level: float, top: float) -> Excesses:
    """The losses above u, by how much; a loss within rounding of u is at u."""
    y = sample - u
    kept = y > TIE * np.maximum(np.abs(sample), abs(u))
    return Excesses(y[kept], len(sample), 1.0 - level, top - u)


def _refuse(data: Excesses, law: Distribution, u: float, level: float) -> None:
    """`InvalidInput` where no generalised Pareto law can be fitted, or none reaches down to the level."""
    count, n = len(data.y), data.n
    if count < FEWEST:
        raise InvalidInput(
            f"`peaks_over_threshold` needs {FEWEST} losses above `threshold` {u:g}; got {count} of {n}. "
            "Lower `threshold`, or use `cvar_interval`."
        )
    distinct = law.atoms[law.atoms > u + TIE * abs(u)]
    if len(distinct) < FEWEST:
        raise InvalidInput(
            f"`peaks_over_threshold` needs {FEWEST} distinct losses above `threshold` {u:g}; got "
            f"{len(distinct)} ({', '.join(f'{x:g}' for x in distinct)}). Scores on a few steps have no "
            "generalised Pareto tail: use `cvar_interval`."
        )
    if level < 1.0 - count / n - LEVEL_SLACK:
        raise InvalidInput(
            f"`level` must be at least {1.0 - count / n:g}: {count} of {n} losses are above `threshold` "
            f"{u:g}; got {level:g}. Lower `threshold`."
        )
    at_top = int((data.y >= data.longest * (1.0 - TIE)).sum())
    if at_top:
        raise InvalidInput(
            f"`losses` has {at_top} values at the top of `support`, {u + data.longest:g}: a generalised "
            "Pareto tail has no mass at its end. Widen `support`, or use `cvar_interval`."
        )


def _status(fit: ParetoFit) -> Status:
    return Status.NONFINITE if fit.shape >= 1.0 else Status.OPTIMAL


def _said(
    data: Excesses,
    fit: ParetoFit,
    u: float,
    limits: tuple[float, float],
    check: tuple[float, float] | None,
) -> dict[str, Any]:
    """The fields of `TailFit` that follow from one fit; none of them lies above the support."""
    top = u + data.longest
    quantile, shortfall = _at_level(fit, len(data.y) / data.n / data.mass)
    return {
        "threshold": u,
        "n": data.n,
        "n_exceedances": len(data.y),
        "shape": fit.shape,
        "scale": fit.scale,
        "negative_log_likelihood": fit.nll,
        "endpoint": min(u - fit.scale / fit.shape if fit.shape < 0 else math.inf, top),
        "value_at_risk": min(u + quantile, top),
        "expected_shortfall": min(u + shortfall, top),
        "lower": min(u + limits[0], top),
        "upper": min(u + limits[1], top),
        "bootstrap_lower": None if check is None else min(u + check[0], top),
        "bootstrap_upper": None if check is None else min(u + check[1], top),
        "edge": fit.edge,
        "status": _status(fit),
        "notes": _notes(fit, limits, check),
    }


def _at_level(fit: ParetoFit, ratio: float) -> tuple[float, float]:
    """(quantile, mean excess beyond it) where the tail holds 1 / ratio of the exceedances."""
    law = np.array([fit.shape]), np.array([fit.scale]), np.array([ratio])
    return float(excess_quantile(*law)[0]), float(mean_excess_beyond(*law)[0])


def _notes(fit: ParetoFit, limits: tuple[float, float], check: tuple[float, float] | None) -> tuple[str, ...]:
    said = {
        "At shape >= 1 the mean of the tail is infinite: no expected shortfall exists.": fit.shape >= 1.0,
        "Shape 1 is not excluded, so the shortfall has no finite upper limit. Pass `support` if the losses "
        "cannot pass a largest value.": fit.shape < 1.0 and math.isinf(limits[1]),
        "The end of the law is held at the top of the support.": fit.edge == "support",
        "The likelihood is largest at its edge, shape -1: a uniform tail that ends at the largest loss. Do "
        "not read it beyond the data.": fit.edge == "shape",
        "Shape below -1/2: the likelihood interval is not regular; read the bootstrap too.": fit.shape < -0.5,
        "Bootstrap and likelihood interval differ in length by more than a factor of 2; try another "
        "threshold.": check is not None and _disagree(limits, check),
    }
    return tuple(text for text, holds in said.items() if holds)


def _disagree(limits: tuple[float, float], check: tuple[float, float]) -> bool:
    one, other = limits[1] - limits[0], check[1] - check[0]
    return math.isfinite(one) != math.isfinite(other) or one > 2 * other or other > 2 * one


def _resampled(
    data: Excesses, fit: ParetoFit, draws: int, delta: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Percentile interval of the mean excess in the tail, over samples of n losses drawn with replacement."""
    size, found = len(data.y), []
    at_once = max(1, BLOCK // size)
    for first in range(0, draws, at_once):
        several = min(at_once, draws - first)
        drawn = np.maximum(rng.binomial(data.n, size / data.n, several), 1)
        counts = rng.multinomial(drawn, np.full(size, 1.0 / size)).astype(np.float64)
        shapes, scales = fit_resamples(data.y, counts, fit, data.longest)
        found.append(mean_excess_beyond(shapes, scales, drawn / data.n / data.mass))
    values = np.sort(np.concatenate(found))
    low = rank_of_level(delta / 2, draws)
    return float(values[low - 1]), float(values[draws - low])


def _table(law: Distribution, sample: Floats, level: float, top: float, u: float) -> tuple[ThresholdRow, ...]:
    """The fit over thresholds from half of the losses down to the fewest that can be fitted."""
    counts = np.geomspace(max(FEWEST, 0.02 * len(sample)), 0.5 * len(sample), TABLE)
    grid = {float(law.quantile(max(0.0, 1.0 - k / len(sample)))) for k in counts} | {u}
    rows = []
    for threshold in sorted(grid):
        data = _excesses(sample, threshold, level, top)
        if (law.atoms > threshold + TIE * abs(threshold)).sum() >= FEWEST:
            rows.append(_row(data, fit_excesses(data.y, data.longest), threshold))
    return tuple(rows)


def _row(data: Excesses, fit: ParetoFit, u: float) -> ThresholdRow:
    ratio = len(data.y) / data.n / data.mass
    reaches = ratio >= 1.0 - LEVEL_SLACK
    return ThresholdRow(
        threshold=u,
        n_exceedances=len(data.y),
        shape=fit.shape,
        shape_error=(1.0 + fit.shape) / math.sqrt(len(data.y)) if fit.shape > -0.5 else None,
        modified_scale=fit.scale - fit.shape * u,
        mean_excess=float(data.y.mean()),
        expected_shortfall=min(u + _at_level(fit, ratio)[1], u + data.longest) if reaches else None,
    )
