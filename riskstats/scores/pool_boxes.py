"""Every card of a small node, written out, and the least loss of each over an interval of scales.

For a fixed card the loss is convex in t, so its tangent at any t bounds it from below over the whole
interval: a card leaves as soon as such a bound lies above what is asked, and stays once its loss is flat.
"""

from __future__ import annotations

import numpy as np

from riskstats.losses import sigmoid, softplus, softplus_curvature
from riskstats.scores._types import BoolArray, FloatArray
from riskstats.scores.candidates import candidate_losses
from riskstats.scores.compression import ScoreData
from riskstats.scores.node import FREE, IN, Node

__all__ = ["cards_in", "count_cards", "least_losses"]

_FLAT = 1e-11
"""A scale is best when no scale of the interval can have a loss smaller by more than this, in nats."""
_NEWTON_STEPS = 100


def count_cards(node: Node, max_features: int) -> float:
    """Return how many cards a node holds, whatever their scale; `inf` where that overflows."""
    certain = float(np.prod(_widths(node, node.role > FREE)))
    ways = np.zeros(1 + max(max_features - node.required, 0))  # by number of free columns in use
    ways[0] = 1.0
    with np.errstate(over="ignore"):
        for width in _widths(node, node.free):
            ways[1:] = ways[1:] + width * ways[:-1]
        return certain * float(ways.sum())


def _widths(node: Node, columns: BoolArray) -> FloatArray:
    """Return the number of values of each of these columns, 0 left out where it is a matter of roles."""
    zero = (node.lower <= 0) & (node.upper >= 0) & (node.free | (node.role == IN))
    return np.asarray((node.upper - node.lower + 1 - zero)[columns], dtype=np.float64)


def cards_in(node: Node, max_features: int) -> FloatArray:
    """Return every card of a node over its active columns, shape (cards, active columns).

    Each occurs once. Columns that must be used are not 0, and no more free columns are used than are left.
    """
    slots = max_features - node.required
    cards, used = np.zeros((1, len(node.active))), np.zeros(1, dtype=np.int64)
    for place, column in enumerate(node.active):
        values = np.arange(node.lower[column], node.upper[column] + 1)
        if node.role[column] == IN:
            values = values[values != 0]
        cards = np.repeat(cards, len(values), axis=0)
        cards[:, place] = np.tile(values, len(used))
        used = np.repeat(used, len(values)) + ((node.role[column] == FREE) & (cards[:, place] != 0))
        cards, used = cards[used <= slots], used[used <= slots]
    return cards


def least_losses(
    data: ScoreData, cards: FloatArray, scales: tuple[float, float], most: FloatArray
) -> FloatArray:
    """Return the least loss of each card over the scales, or `inf` for cards that stay above `most`.

    `cards` is (cards, columns of `data`), `most` (cards,). Right to 1e-11 nats; a card in doubt is kept.
    """
    if scales[0] == scales[1]:
        losses = candidate_losses(data, scales[0] * cards, "numpy")
        return np.where(losses <= most, losses, np.inf)
    return _over_scales(data, cards, scales, most)


def _over_scales(
    data: ScoreData, cards: FloatArray, scales: tuple[float, float], most: FloatArray
) -> FloatArray:
    """Newton's method in t for all cards at once, each in its own bracket; ends are tried before halving."""
    first, last = scales
    answer, place = np.full(len(cards), np.inf), np.arange(len(cards))
    scores, linear = data.design @ cards.T, cards @ data.target
    low, high = np.full(len(cards), first), np.full(len(cards), last)
    t, ends = np.full(len(cards), np.sqrt(first * last)), np.zeros((2, len(cards)), dtype=bool)
    for step in range(_NEWTON_STEPS):
        logits = scores * t
        loss = data.weight @ softplus(logits) - t * linear
        slope = data.weight @ (sigmoid(logits) * scores) - linear
        fall = np.maximum(slope * (t - low), slope * (t - high))
        settled = (fall <= _FLAT) | (step == _NEWTON_STEPS - 1)
        answer[place[settled]] = loss[settled] - fall[settled]
        kept = ~settled & (loss - fall <= most)
        if not kept.any():
            break
        place, scores, linear, most = place[kept], scores[:, kept], linear[kept], most[kept]
        t, slope, low, high, ends = t[kept], slope[kept], low[kept], high[kept], ends[:, kept]
        low, high = np.where(slope < 0, t, low), np.where(slope > 0, t, high)
        curvature = data.weight @ (softplus_curvature(logits[:, kept]) * scores**2)
        t, ends = _next_scale(t - slope / np.maximum(curvature, 1e-300), low, high, ends)
    return np.where(answer <= np.inf, answer, -np.inf)


def _next_scale(
    newton: FloatArray, low: FloatArray, high: FloatArray, ends: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return Newton's point where it lies in the bracket, else the end beyond which it lies, once, else the
    middle."""
    below, above = newton <= low, newton >= high
    to_low, to_high = below & ~ends[0], above & ~ends[1]
    middle = np.where(below | above, 0.5 * (low + high), newton)
    t = np.where(to_low, low, np.where(to_high, high, middle))
    return t, np.stack([ends[0] | to_low, ends[1] | to_high])
