"""Where to cut a numeric column: weighted quantiles, supervised splits, and readable edges.

A column is reduced to its distinct values u_0 < ... < u_{D-1} with their weights. Boundary b (1 <= b < D)
separates u_{b-1} from u_b; every number in the gap (u_{b-1}, u_b] makes that boundary through
``value >= edge``. Weights equal repetition, rows of weight 0 must be left out before, and the order of rows
does not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

DECIMALS = 12  # shares are rounded, so that the order of summation decides no tie
SLACK = 1e-11  # and compared with this slack
LEAST_GAIN = 1e-9  # nats per unit of weight below which a supervised split is no split
NEGLIGIBLE = 1e-4  # nats per unit of weight that a rounder edge may always cost


@dataclass(frozen=True)
class Profile:
    """The distinct values of a column, shape (D,), and cumulative shares of weight, shape (D + 1,).

    ``weight[b]`` is the share of the table's weight left of boundary b, ``positive[b]`` the part of it in the
    positive class. ``weight[D]`` is below 1 when some rows are missing or hold a special code.
    """

    values: np.ndarray
    weight: np.ndarray
    positive: np.ndarray


@dataclass(frozen=True)
class Cut:
    """A boundary, and the boundaries from ``low`` to ``high`` to which rounding may move it."""

    boundary: int
    low: int
    high: int


def profile(values: np.ndarray, positive: np.ndarray, share: np.ndarray) -> Profile:
    """Return the profile of n values with their targets, 0 or 1, and their shares of the table's weight."""
    distinct, inverse = np.unique(values, return_inverse=True)
    return Profile(
        distinct + 0.0,
        _cumulative(np.bincount(inverse, share, len(distinct))),
        _cumulative(np.bincount(inverse, share * positive, len(distinct))),
    )


def _cumulative(shares: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(shares)]).round(DECIMALS)


# the two searches


def quantile_cuts(column: Profile, max_bins: int, min_share: float, tolerance: float) -> list[Cut]:
    """Return at most ``max_bins - 1`` boundaries, the nearest ones to equal weight in every bin.

    Each bin keeps ``min_share`` of the table's weight; equal boundaries are kept once. A column with at most
    ``max_bins`` distinct values is cut between all of them.
    """
    first, last = _allowed(column, 0, len(column.values), min_share)
    candidates = np.arange(first, last)
    if len(column.values) > max_bins and len(candidates):
        targets = column.weight[-1] * np.arange(1, max_bins) / max_bins
        candidates = np.unique([first + _nearest(column.weight[first:last], target) for target in targets])
    boundaries = _spaced(column.weight, candidates, min_share)
    return [Cut(b, *_reach(column.weight, b, tolerance)) for b in boundaries]


def tree_cuts(column: Profile, max_bins: int, min_share: float, tolerance: float) -> list[Cut]:
    """Return at most ``max_bins - 1`` boundaries, each the split that lowers the log loss most.

    With P and N the positive and negative weight of a bin and W = P + N, its loss is
    W log W - P log P - N log N. The bin whose best split gains most is split first; each bin keeps
    ``min_share`` of the table's weight.
    """
    splits = [_best_split(column, 0, len(column.values), min_share, tolerance)]
    ends = [(0, len(column.values))]
    cuts: list[Cut] = []
    while len(cuts) < max_bins - 1:
        best = int(np.argmax([gain for gain, _ in splits]))
        gain, cut = splits[best]
        if cut is None or gain < LEAST_GAIN:
            break
        cuts.append(cut)
        start, stop = ends[best]
        ends[best : best + 1] = [(start, cut.boundary), (cut.boundary, stop)]
        splits[best : best + 1] = [
            _best_split(column, *part, min_share, tolerance) for part in ends[best : best + 2]
        ]
    return sorted(cuts, key=lambda cut: cut.boundary)


def _best_split(
    column: Profile, start: int, stop: int, min_share: float, tolerance: float
) -> tuple[float, Cut | None]:
    """Return the gain and the cut of the best split of the distinct values ``start:stop``."""
    first, last = _allowed(column, start, stop, min_share)
    if first >= last:
        return 0.0, None
    weight, positive = column.weight, column.positive
    inner = slice(first, last)
    left = _log_loss(weight[inner] - weight[start], positive[inner] - positive[start])
    right = _log_loss(weight[stop] - weight[inner], positive[stop] - positive[inner])
    whole = _log_loss(weight[stop] - weight[start], positive[stop] - positive[start])
    gains = (whole - left - right).round(DECIMALS - 2)
    best = int(gains.argmax())
    near = _run(gains >= gains[best] - max(tolerance * gains[best], NEGLIGIBLE), best)
    low, high = _reach(weight, first + best, tolerance)
    return float(gains[best]), Cut(first + best, max(low, first + near[0]), min(high, first + near[1]))


def _log_loss(weight: np.ndarray, positive: np.ndarray) -> np.ndarray:
    return _xlogx(weight) - _xlogx(positive) - _xlogx(weight - positive)


def _xlogx(x: np.ndarray) -> np.ndarray:
    return x * np.log(np.maximum(x, np.finfo(np.float64).tiny))


def _allowed(column: Profile, start: int, stop: int, min_share: float) -> tuple[int, int]:
    """Return the range first:last of boundaries in ``start:stop`` that leave ``min_share`` on both sides."""
    weight = column.weight[start + 1 : stop]
    first = np.searchsorted(weight, column.weight[start] + min_share - SLACK, side="left")
    last = np.searchsorted(weight, column.weight[stop] - min_share + SLACK, side="right")
    return start + 1 + int(first), start + 1 + int(last)


def _nearest(weight: np.ndarray, target: float) -> int:
    return int(np.abs(weight - target).round(DECIMALS - 1).argmin())


def _spaced(weight: np.ndarray, boundaries: np.ndarray, min_share: float) -> list[int]:
    """Keep, from left to right, the boundaries that leave ``min_share`` behind them."""
    kept: list[int] = []
    for boundary in boundaries.tolist():
        if not kept or weight[boundary] - weight[kept[-1]] >= min_share - SLACK:
            kept.append(boundary)
    return kept


def _reach(weight: np.ndarray, boundary: int, tolerance: float) -> tuple[int, int]:
    """Return the lowest and the highest boundary within ``tolerance`` of weight of this one."""
    if tolerance == 0:
        return boundary, boundary
    low = np.searchsorted(weight, weight[boundary] - tolerance - SLACK, side="left")
    high = np.searchsorted(weight, weight[boundary] + tolerance + SLACK, side="right") - 1
    return min(max(int(low), 1), boundary), max(min(int(high), len(weight) - 2), boundary)


def _run(met: np.ndarray, position: int) -> tuple[int, int]:
    """Return the ends of the run of True around ``position``."""
    gaps = np.flatnonzero(~met)
    after = int(np.searchsorted(gaps, position))
    low = int(gaps[after - 1]) + 1 if after else 0
    high = int(gaps[after]) - 1 if after < len(gaps) else len(met) - 1
    return low, high


# readable edges


def readable_edges(column: Profile, cuts: list[Cut], min_share: float) -> list[float]:
    """Return one rising edge per cut: the roundest number that its reach and ``min_share`` permit."""
    edges: list[float] = []
    before = 0
    for position, cut in enumerate(cuts):
        after = cuts[position + 1].boundary if position + 1 < len(cuts) else len(column.values)
        first, last = _allowed(column, before, after, min_share)
        low, high = min(max(cut.low, first), cut.boundary), max(min(cut.high, last - 1), cut.boundary)
        edges.append(_edge(column.values, cut.boundary, low, high))
        before = int(np.searchsorted(column.values, edges[-1], side="left"))
    return edges


def _edge(values: np.ndarray, boundary: int, low: int, high: int) -> float:
    middle = float(values[boundary - 1] / 2 + values[boundary] / 2)
    return roundest(float(values[low - 1]), float(values[high]), middle)


def roundest(low: float, high: float, near: float) -> float:
    """Return the roundest number c with low < c <= high; among equally round ones the nearest to ``near``.

    Multiples of 10^e come first, then of 5 * 10^(e-1), for e from the size of the numbers downwards; 0 is the
    roundest number of all. The result is the float of its own shortest text, so printing it loses nothing.
    """
    if low < 0.0 <= high:
        return 0.0
    largest = math.floor(math.log10(max(abs(low), abs(high))))
    for exponent in range(largest, largest - 18, -1):
        for digit, power in ((1, exponent), (5, exponent - 1)):
            found = [c for c in _multiples(low, high, near, digit, power) if low < c <= high]
            if found:
                return min(found, key=lambda c: (abs(c - near), c))
    return high


def _multiples(low: float, high: float, near: float, digit: int, power: int) -> list[float]:
    """Return the multiples of digit * 10^power around ``near`` and the ends, each correctly rounded."""
    counts: set[int] = set()
    for end in (low, near, high):
        count = math.floor(end / 10.0**power / digit) if power > -300 else 0
        counts.update(range(count - 1, count + 3))
    return [float(f"{count * digit}e{power}") for count in counts]
