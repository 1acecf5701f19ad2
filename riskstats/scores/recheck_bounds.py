"""Bounds of a proof, from the raw data: lines below the loss, and their exact minima over sets of cards.

Convexity gives ``loss >= constant + gradient . (t b)`` for every card b at every scale t. Two kinds of line:

* a tangent of softplus at any score lies below it;
* with integer features and a fixed scale t every score is a multiple of t, and there so does any line through
  a multiple of t whose slope lies between the slopes of the two chords that meet at it.

For fixed b a line is linear in t, so its minimum over a set of cards is concave in t: over an interval of
scales the smaller of the values at the two ends is a bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from riskstats.scores._types import BoolArray, FloatArray, IntArray

__all__ = [
    "EPS",
    "FREE",
    "IN",
    "INTERCEPT",
    "OUT",
    "Bounds",
    "CardSets",
    "Lines",
    "Sample",
    "least_over_scales",
    "lines_at",
]

OUT, FREE, IN, INTERCEPT = 0, 1, 2, 3
"""Roles: fixed at 0; 0 allowed, counted when used; 0 excluded and counted; the intercept, never counted."""

EPS = float(np.finfo(np.float64).eps)
_ROW_BLOCK = 128
_NEWTON_STEPS = 60
_FLAT = 1e-13


@dataclass(frozen=True)
class Sample:
    """Rows with a leading 1 and their positive and negative weights, which sum to 1."""

    design: FloatArray
    positive: FloatArray
    negative: FloatArray

    @classmethod
    def of(cls, rows: FloatArray, positive: FloatArray, negative: FloatArray) -> Sample:
        """Return the sample of `rows` (n, d) with the weight of each class at each row, in any unit."""
        total = math.fsum(positive) + math.fsum(negative)
        design = np.column_stack([np.ones(len(rows)), np.asarray(rows, dtype=np.float64)])
        return cls(design, np.asarray(positive) / total, np.asarray(negative) / total)

    @cached_property
    def weight(self) -> FloatArray:
        """(n,) weight of both classes."""
        return self.positive + self.negative

    @cached_property
    def target(self) -> FloatArray:
        """(1 + d,) sum of the positive rows, added pairwise."""
        return np.asarray((np.ascontiguousarray(self.design.T) * self.positive).sum(axis=1))

    @cached_property
    def magnitude(self) -> FloatArray:
        """(1 + d,) weighted mean of the absolute values of every column."""
        return np.asarray((np.ascontiguousarray(np.abs(self.design.T)) * self.weight).sum(axis=1))

    @cached_property
    def whole(self) -> bool:
        """Whether every feature is an integer, exactly, so that all scores are multiples of the scale."""
        small = np.abs(self.design).max() <= 2.0**31
        return bool(small and np.array_equal(self.design, np.rint(self.design)))

    def loss(self, coefficients: IntArray, scale: float) -> float:
        """Return the mean logistic loss of one card: terms that are all positive, summed without rounding."""
        scores = scale * (self.design @ np.asarray(coefficients, dtype=np.float64))
        terms = self.positive * _softplus(-scores), self.negative * _softplus(scores)
        return math.fsum(terms[0]) + math.fsum(terms[1])


class CardSets(NamedTuple):
    """Sets of cards, one per entry: box and roles (entries, 1 + d), first and last scale (entries,)."""

    lower: FloatArray
    upper: FloatArray
    role: FloatArray
    first: FloatArray
    last: FloatArray

    def take(self, entries: IntArray) -> CardSets:
        """Return some of the sets."""
        return CardSets(*(array[entries] for array in self))

    def required(self) -> IntArray:
        """Return the number of columns that every card of a set uses."""
        return np.count_nonzero(self.role == IN, axis=1)

    def settled(self, limit: int) -> tuple[CardSets, BoolArray]:
        """Cut 0 off the ends of required columns, fix what can only be 0; and say which sets are empty."""
        inside, required = self.role == IN, self.required()
        lower = np.where(inside & (self.lower == 0), 1.0, self.lower)
        upper = np.where(inside & (self.upper == 0), -1.0, self.upper)
        empty = (required > limit) | (lower > upper).any(axis=1)
        out = (self.role == FREE) & ((lower >= upper) | (required >= limit)[:, None])
        lower, upper = np.where(out, 0.0, lower), np.where(out, 0.0, upper)
        return CardSets(lower, upper, np.where(out, OUT, self.role), self.first, self.last), empty


class Lines(NamedTuple):
    """Lines constant + gradient . (t b) below the loss, one per entry; `size` is that of their scores."""

    constant: FloatArray
    gradient: FloatArray
    size: FloatArray

    def take(self, entries: IntArray) -> Lines:
        """Return some of the lines."""
        return Lines(*(array[entries] for array in self))


def lines_at(sample: Sample, points: FloatArray, spacing: FloatArray, window: FloatArray) -> Lines:
    """Return the lines at `points` (entries, 1 + d): tangents, or lattice lines where `spacing` is not 0."""
    constant, gradient = np.zeros(len(points)), np.zeros(points.shape)
    lattice = spacing > 0
    for start in range(0, len(sample.design), _ROW_BLOCK):
        rows = slice(start, start + _ROW_BLOCK)
        scores = points @ sample.design[rows].T
        slope, intercept = np.empty_like(scores), np.empty_like(scores)
        slope[~lattice], intercept[~lattice] = _tangent(scores[~lattice])
        knots = scores[lattice], spacing[lattice, None], window[lattice, None]
        slope[lattice], intercept[lattice] = _between_chords(*knots)
        constant += (intercept * sample.weight[rows]).sum(axis=1)
        gradient += (slope * sample.weight[rows]) @ sample.design[rows]
    size = 2.0 * (np.abs(points) @ sample.magnitude) + spacing
    return Lines(constant, gradient - sample.target, size)


def _tangent(scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the slope p of softplus, and the entropy of p, which is the tangent's value at 0."""
    size = np.abs(scores)
    small = np.exp(-size)
    minor = small / (1.0 + small)
    return np.where(scores < 0, minor, 1.0 / (1.0 + small)), np.log1p(small) + size * minor


def _between_chords(
    scores: FloatArray, spacing: FloatArray, window: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return a slope between the chords that meet at the nearest knot, and that line's value at 0."""
    knot = np.rint(scores / spacing) * spacing
    before, after = _chord_slope(knot - spacing, spacing), _chord_slope(knot, spacing)
    share = np.clip(0.5 + 0.5 * (scores - knot) / np.maximum(np.abs(window), 1e-300), 0.0, 1.0)
    slope = np.clip(before + (after - before) * share, before, after)
    return slope, _softplus(-np.abs(knot)) + np.where(knot > 0, 1.0 - slope, -slope) * knot


def _chord_slope(left: FloatArray, spacing: FloatArray) -> FloatArray:
    """Return (softplus(left + spacing) - softplus(left)) / spacing, without cancellation."""
    return np.asarray(np.log1p(np.expm1(spacing) * _tangent(left)[0]) / spacing)


def _softplus(z: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z))))


class Bounds:
    """Exact minima of lines plus penalty over sets of cards, one line per set, less a margin for rounding.

    With effects e_j = t min(g_j lower_j, g_j upper_j) and slots = limit - |IN| the minimum over a set is

        constant + penalty |IN| + sum_{not free} e_j + sum of slots smallest min(0, e_j + penalty), free j.

    The margin: a sum over rows is rounded at most _ROW_BLOCK times inside a block and once per block, a sum
    over columns once per column, a slope or an intercept a few times; each time by EPS of at most
    1 + 2 max |weighted mean score| over the set + 2 |weighted mean score| at the line's point.
    """

    def __init__(self, lines: Lines, sets: CardSets, sample: Sample, limit: int, penalty: float) -> None:
        self.lines, self.sets, self.limit, self.penalty = lines, sets, limit, penalty
        self.free = sets.role == FREE
        self.slots = np.clip(limit - sets.required(), 0, sets.role.shape[1])
        self.base = lines.constant + penalty * sets.required()
        reach = np.maximum(np.abs(sets.lower), np.abs(sets.upper)) @ sample.magnitude * sets.last
        roundings = 2 * _ROW_BLOCK + len(sample.design) / _ROW_BLOCK + 2 * sets.role.shape[1] + 32
        self.margin = roundings * EPS * (1.0 + 2.0 * reach + lines.size)

    def least(self) -> FloatArray:
        """Return the bounds over the whole sets."""
        return np.minimum(self._at(self.sets.first), self._at(self.sets.last))

    def dropped(self, left: CardSets) -> FloatArray:
        """Return the least bounds over values, roles and scales not `left`; inf where all are left."""
        first, last = self._at(left.first), self._at(left.last)
        early = np.where(left.first > self.sets.first, np.minimum(self._at(self.sets.first), first), np.inf)
        late = np.where(left.last < self.sets.last, np.minimum(last, self._at(self.sets.last)), np.inf)
        values = [self._dropped_values(left, scale) for scale in (left.first, left.last)]
        return np.minimum(np.minimum(early, late), np.minimum(*values))

    def _at(self, scale: FloatArray) -> FloatArray:
        """Return the bounds over the sets at one scale each."""
        fixed, gains = self._effects(scale)
        used = np.arange(gains.shape[1]) < self.slots[:, None]
        gained = np.where(used, np.sort(gains, axis=1), 0.0).sum(axis=1)
        return _or_nothing(self.base + fixed.sum(axis=1) + gained - self.margin)

    def _effects(self, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the effects of columns that are not free, and what free columns gain when used."""
        gradient = self.lines.gradient * scale[:, None]
        effect = np.minimum(gradient * self.sets.lower, gradient * self.sets.upper)
        gains = np.where(self.free, np.minimum(effect + self.penalty, 0.0), 0.0)
        return np.where(self.free, 0.0, effect), gains

    def _dropped_values(self, left: CardSets, scale: FloatArray) -> FloatArray:
        """Bound the values and roles not left, at one scale; a line is least at an end of a run of values.

        Nothing is asked for free columns that are out because the required ones use every slot.
        """
        used, unused = self._without_each(scale)
        gradient = self.lines.gradient * scale[:, None]
        excused = self.free & (left.role == OUT) & (left.required() >= self.limit)[:, None]
        counted = self.sets.role != INTERCEPT
        answer = np.where(self.free & (left.role == IN), unused, np.inf)
        for low, high in ((self.sets.lower, left.lower - 1.0), (left.upper + 1.0, self.sets.upper)):
            low, high = low + (counted & (low == 0)), high - (counted & (high == 0))  # 0 is a matter of roles
            ends = used + np.minimum(gradient * low, gradient * high)
            answer = np.where((low <= high) & ~excused, np.minimum(answer, ends), answer)
        return _or_nothing(answer.min(axis=1) - self.margin)

    def _without_each(self, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return, per column, the bound less its own effect if it is used, and the bound if it is 0."""
        fixed, gains = self._effects(scale)
        order = np.argsort(gains, axis=1, kind="stable")
        ranked = np.pad(np.take_along_axis(gains, order, axis=1), ((0, 0), (0, 1)))
        place = np.argsort(order, axis=1, kind="stable")
        slots = self.slots[:, None]
        gained = np.where(np.arange(ranked.shape[1]) < slots, ranked, 0.0).sum(axis=1)
        total = (self.base + fixed.sum(axis=1) + gained)[:, None]
        last, following = (np.take_along_axis(ranked, at, axis=1) for at in (np.maximum(slots - 1, 0), slots))
        chosen = place < slots
        used = np.where(slots > 0, total - np.where(chosen, gains, last) + self.penalty, np.inf)
        return np.where(self.free, used, total - fixed), total - np.where(chosen, gains - following, 0.0)


def least_over_scales(sample: Sample, cards: FloatArray, first: FloatArray, last: FloatArray) -> FloatArray:
    """Return a lower bound, tight to rounding, on the least loss of each card over its interval of scales.

    The loss of a card is convex in t, so its tangent at any t is a bound; Newton's method finds a flat one.
    """
    scores = cards @ sample.design.T
    t, low, high, tested = first, first, last, first == last
    for step in range(_NEWTON_STEPS):
        up, down = _tangent(scores * t[:, None])[0], _tangent(-scores * t[:, None])[0]
        slope = (scores * (sample.negative * up - sample.positive * down)).sum(axis=1)
        fall = np.maximum(slope * (t - first), -slope * (last - t))
        if fall.max() < _FLAT or step == _NEWTON_STEPS - 1:
            break
        low, high = np.where(slope < 0, t, low), np.where(slope < 0, high, t)
        curvature = (scores**2 * (sample.weight * up * down)).sum(axis=1)
        newton = t - slope / np.maximum(curvature, 1e-300)
        beyond = (newton >= high) & ~tested
        inner = (newton > low) & (newton < high)
        new = np.where(inner, newton, np.where(beyond, last, 0.5 * (low + high)))
        t, tested = np.where(fall < _FLAT, t, new), tested | (beyond & ~inner)
    loss = sample.positive * _softplus(-scores * t[:, None]) + sample.negative * _softplus(
        scores * t[:, None]
    )
    size = (np.abs(scores) * sample.weight).sum(axis=1) * last
    return _or_nothing(loss.sum(axis=1) - fall - (2 * _ROW_BLOCK + 32) * EPS * (1.0 + 3.0 * size))


def _or_nothing(bounds: FloatArray) -> FloatArray:
    """No bound where numbers overflowed."""
    return np.where(np.isnan(bounds), -np.inf, bounds)
