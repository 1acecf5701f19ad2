"""Refusal by cost level: with bands, and brought into the order that a calibrated model would have.

The calibrated curve is the decreasing fit q of the refusals r by least squares with weights v, the sum of w s
on a level. The sums of v (q - r) over the easier levels are never negative, so that moving refusals from r
to q lowers expected harm for every decreasing map f:

    regret = sum_c f(c) v_c (q_c - r_c) / sum w = sum_j (f(j) - f(j+1)) D_j,
    D_j = sum_{c <= j} v_c (q_c - r_c) / sum w >= 0.

Over all decreasing f with f(1) = 1 it fills [0, max D_j].

Sources: Wilson (1927), Probable inference, the law of succession, and statistical inference; Barlow et al.
(1972), Statistical inference under order restrictions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.results import Result

__all__ = ["CalibratedRefusals", "RefusalRate", "calibrated_refusals", "refusal_rates", "wilson_band"]


@dataclass(frozen=True)
class RefusalRate(Result):
    """The refusals of one cost level.

    Attributes
    ----------
    cost : the level. severity : of the prompts; None for all. n : prompts of positive weight.
    n_eff : how many independent prompts of one weight have this standard error.
    rate, lower, upper : share refused with its Wilson limits, for this level alone.
    """

    cost: str
    severity: float | None
    n: int
    n_eff: float
    rate: float
    lower: float
    upper: float


def wilson_band(rate: Floats, n_eff: Floats, confidence_level: float) -> tuple[Floats, Floats]:
    """(lower, upper) of shares p out of n_eff prompts.

    `(p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)`.
    Two-sided, approximate, within [0, 1] and never of width 0.
    """
    from scipy.special import ndtri

    part = float(ndtri(0.5 + 0.5 * confidence_level)) ** 2 / n_eff
    reach = np.sqrt(part * (rate * (1.0 - rate) + 0.25 * part))
    low, high = (rate + 0.5 * part - reach) / (1.0 + part), (rate + 0.5 * part + reach) / (1.0 + part)
    return np.where(rate == 0.0, 0.0, np.maximum(low, 0.0)), np.where(rate == 1.0, 1.0, np.minimum(high, 1.0))


def refusal_rates(
    refused: Floats,
    cost: Integers,
    weights: Floats,
    codes: Integers | None,
    levels: tuple[str, ...],
    confidence_level: float,
    severity: float | None = None,
) -> tuple[RefusalRate, ...]:
    """One row per cost level that has prompts, from refusals (n,) in [0, 1] and weights (n,) > 0."""
    found = []
    for c in np.unique(cost).tolist():
        rows = cost == c
        own = None if codes is None else codes[rows]
        rate, n_eff = _rate(refused[rows], weights[rows], own)
        low, high = wilson_band(np.array([rate]), np.array([n_eff]), confidence_level)
        found.append(
            RefusalRate(levels[c], severity, int(rows.sum()), n_eff, rate, float(low[0]), float(high[0]))
        )
    return tuple(found)


def _rate(refused: Floats, weights: Floats, codes: Integers | None) -> tuple[float, float]:
    """(share, effective number of prompts): Kish's for weights; for clusters by the variance that they show,
    and where they show none as many as there are clusters."""
    p = weights / weights.sum()
    rate = float(np.clip(p @ refused, refused.min(), refused.max()))
    kish = 1.0 / float(p @ p)
    if codes is None:
        return rate, kish
    unit = np.unique(codes, return_inverse=True)[1].reshape(-1)
    moved, mass = np.bincount(unit, p * (refused - rate)), np.bincount(unit, p)
    units = len(moved)
    variance = float(moved @ moved) * (units / (units - 1.0) if units > 1 else 0.0)
    if variance <= 0.0 or rate in (0.0, 1.0):
        return rate, 1.0 / float(mass @ mass)
    return rate, min(rate * (1.0 - rate) / variance, kish)


@dataclass(frozen=True, eq=False)
class CalibratedRefusals(Result):
    """The refusals that a calibrated model would have, with as much severity refused.

    Attributes
    ----------
    curve : (K,) share of w s refused by cost level; NaN where a level has no prompts or no severity.
    calibrated : (K,) its decreasing fit.
    regret : EH of the refusals less EH of the calibrated ones, under the chosen map, >= 0.
    largest_regret : over all decreasing maps with f(1) = 1; the smallest is 0.
    """

    curve: Floats
    calibrated: Floats
    regret: float
    largest_regret: float


def calibrated_refusals(
    refused: Floats, cost: Integers, weights: Floats, severity: Floats, likelihood: Floats
) -> CalibratedRefusals:
    """The decreasing fit of refusal on cost with weights w s, and what it saves."""
    from scipy.optimize import isotonic_regression

    v = np.bincount(cost, weights * severity, len(likelihood))
    share = np.bincount(cost, weights * severity * refused, len(likelihood))
    known = v > 0
    curve, calibrated = np.full(len(v), np.nan), np.full(len(v), np.nan)
    curve[known] = np.clip(share[known] / v[known], 0.0, 1.0)
    moved = np.zeros(len(v))
    if known.any():
        fitted = isotonic_regression(curve[known], weights=v[known], increasing=False)
        calibrated[known] = np.asarray(fitted.x)
        moved[known] = v[known] * (calibrated[known] - curve[known]) / weights.sum()
    saved = np.maximum(np.cumsum(moved), 0.0)
    saved[np.abs(saved) <= 1e-14 * v.sum() / weights.sum()] = 0.0
    saved[-1] = 0.0
    regret = float(-np.diff(likelihood) @ saved[:-1])
    return CalibratedRefusals(curve, calibrated, regret, float(saved.max()))
