"""Which model is best, from one set of resamples of all of them: ranks, differences, the confidence set.

`estimates` (m,) are the CVaR of m models, `resampled` (R, m) those of R resamples; smaller is better.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, Integers
from riskstats.distribution import rank_of_level

__all__ = [
    "Differences",
    "Pairs",
    "confidence_set",
    "differences",
    "rank_intervals",
    "rank_shares",
    "studentised_pairs",
]

LEAST_ERROR = 0.5  # of a resample, as a share of the error of the sample
TIE = 1e-12  # relative: a sum over other rows of the same losses differs by less


def rank_shares(resampled: Floats) -> Floats:
    """(m, m) share of the resamples in which model j has rank k; tied models share their ranks equally."""
    count, m = resampled.shape
    low, high = _tied_ranks(resampled)
    part = 1.0 / (high - low + 1)
    cells = (m + 1) * np.arange(m)
    starts = np.bincount((cells + low).ravel(), part.ravel(), minlength=m * (m + 1))
    ends = np.bincount((cells + high + 1).ravel(), part.ravel(), minlength=m * (m + 1))
    shares = np.cumsum((starts - ends).reshape(m, m + 1), axis=1)[:, :-1] / count
    return np.clip(shares, 0.0, 1.0)


def _tied_ranks(values: Floats) -> tuple[Integers, Integers]:
    """(R, m) the first and the last rank, from 0, of the run of tied values that each is in."""
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    gap = TIE * np.maximum(np.abs(ordered[:, 1:]), np.abs(ordered[:, :-1]))
    new = np.diff(ordered, axis=1) > gap
    places = np.arange(values.shape[1])
    edge = np.ones((len(values), 1), dtype=bool)
    first = np.maximum.accumulate(np.where(np.hstack([edge, new]), places, 0), axis=1)
    ends = np.where(np.hstack([new, edge]), places, values.shape[1])
    last = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    low, high = np.empty_like(order), np.empty_like(order)
    np.put_along_axis(low, order, first, axis=1)
    np.put_along_axis(high, order, last, axis=1)
    return low, high


class Pairs(NamedTuple):
    """All pairs of models (first, second), first < second, each (pairs,).

    value : `CVaR_first - CVaR_second`. error : its standard error. statistic : `value / error`.
    deviations : (R, pairs) `|d* - d| / se*` of the resamples. blind : whether nothing is known of the error,
    so that the interval has no ends; None where that is so of no pair.
    """

    first: Integers
    second: Integers
    value: Floats
    error: Floats
    statistic: Floats
    deviations: Floats
    blind: npt.NDArray[np.bool_] | None = None


def studentised_pairs(
    estimates: Floats,
    errors: Floats,
    resampled: Floats,
    resampled_errors: Floats,
    flat: npt.NDArray[np.bool_] | None = None,
) -> Pairs:
    """Differences over their standard errors: errors (pairs,), resampled_errors (R, pairs).

    flat : (m,) whether the tail of a model is one atom, which says nothing of its error; None is of none.

    A resample that shows less than half the error of the sample is taken at half of it, since a tail of few
    atoms may show none. A pair without error has no deviations: of two flat tails nothing is known, statistic
    0; else its losses differ by a constant, statistic 0 where d = 0 and an infinite one where not.
    """
    first, second = np.triu_indices(len(estimates), 1)
    value = estimates[first] - estimates[second]
    value[np.abs(value) <= TIE * np.abs(estimates[first])] = 0.0
    moved = np.abs(resampled[:, first] - resampled[:, second] - value)
    shown = errors > 0
    blind = ~shown & (np.zeros_like(shown) if flat is None else flat[first] & flat[second])
    unbounded = np.where(blind | (value == 0), 0.0, np.copysign(np.inf, value))
    least = np.maximum(resampled_errors, LEAST_ERROR * errors)
    where = np.broadcast_to(shown, moved.shape)
    return Pairs(
        first,
        second,
        value,
        errors,
        np.divide(value, errors, out=unbounded, where=shown),
        np.divide(moved, least, out=np.zeros_like(moved), where=where),
        blind,
    )


class Differences(NamedTuple):
    """What holds for all pairs, each (pairs,).

    lower, upper : intervals that hold at once, infinite for a blind pair. p : of each pair alone, two-sided.
    p_max : adjusted for all pairs by the largest statistic.
    """

    lower: Floats
    upper: Floats
    p: Floats
    p_max: Floats


def differences(pairs: Pairs, delta: float) -> Differences:
    """Intervals and p-values of all pairs, each wrong anywhere with probability about `delta`.

    With c the value of rank `floor((R + 1) delta)` from above of `max over pairs |d* - d| / se*`, the
    intervals are `d +- c se`; `p_max = (1 + #{max >= |d| / se}) / (R + 1)`, so that it is at most delta
    exactly where the interval excludes 0.

    Source: Romano and Wolf (2005), Exact and approximate stepdown methods for multiple hypothesis testing,
    in its single-step form.
    """
    largest = np.sort(pairs.deviations.max(axis=1))
    size, count = np.abs(pairs.statistic), len(largest)
    reach = largest[-(int(rank_of_level(delta, count + 1, "upper")) - 1)] * pairs.error
    reach = reach if pairs.blind is None else np.where(pairs.blind, np.inf, reach)
    return Differences(
        pairs.value - reach,
        pairs.value + reach,
        (1.0 + (pairs.deviations >= size).sum(axis=0)) / (count + 1),
        (1.0 + count - np.searchsorted(largest, size, "left")) / (count + 1),
    )


def rank_intervals(pairs: Pairs, limits: Differences, m: int) -> tuple[Integers, Integers]:
    """(m,) lowest and highest rank that each model can have, for all models at once.

    A model is below those that its simultaneous intervals show to be better, and above those shown worse.
    Source: Mogstad, Romano, Shaikh and Wilhelm (2024), Inference for ranks with applications to mobility
    across neighbourhoods and academic achievement across countries.
    """
    better = limits.upper < 0
    worse = limits.lower > 0
    wins = np.bincount(np.concatenate([pairs.first[better], pairs.second[worse]]), minlength=m)
    defeats = np.bincount(np.concatenate([pairs.second[better], pairs.first[worse]]), minlength=m)
    return 1 + defeats, m - wins


def confidence_set(pairs: Pairs, m: int) -> Floats:
    """(m,) p-values of the model confidence set: the models with p > delta hold the best, with confidence.

    While models remain, the largest `|d| / se` among them is tested against the largest `|d* - d| / se*` of
    the resamples, and the model with the largest d / se above another one leaves. The p-value of a model is
    the largest of the tests up to its leaving; the last has 1.

    Source: Hansen, Lunde and Nason (2011), The model confidence set, with the range statistic.
    """
    table = np.full((m, m), -np.inf)
    table[pairs.first, pairs.second], table[pairs.second, pairs.first] = pairs.statistic, -pairs.statistic
    p, reached, count = np.ones(m), 0.0, len(pairs.deviations)
    left = np.ones(m, dtype=bool)
    while left.sum() > 1:
        among = left[pairs.first] & left[pairs.second]
        largest = pairs.deviations[:, among].max(axis=1)
        above = np.where(left, table[:, left].max(axis=1), -np.inf)
        worst = int(above.argmax())
        reached = max(reached, float(1 + (largest >= above[worst]).sum()) / (count + 1))
        p[worst], left[worst] = reached, False
    return p
