"""P(some U_(i) < b_i) by a backward recursion that needs no difference of large numbers.

N(t) counts n independent uniform numbers below t, and

    r_i = P(N(b_j) < j for all j > i | N(b_i) = i) = 1 - sum_{j > i} P(N(b_j) = j | N(b_i) = i) r_j,
    P(some U_(i) < b_i) = sum_i P(N(b_i) = i) r_i,

because the last rank i with N(b_i) >= i has N(b_i) = i. From the rank k on where b is flat, r = 1 and the sum
over j is the tail of a binomial. Every r lies in [0, 1]; small answers keep their relative accuracy.

Both conditional laws are binomial: N(b_j) - i given N(b_i) = i has n - i trials and the success probability
(b_j - b_i) / (1 - b_i). Their logarithm is written with the deviations D_i = n b_i - i,

    ln Bin(d; M, p) = T_M - T_d - T_m - ln(2 pi) / 2 + d ln(1 + e/d) + m ln(1 - e/m),
    M = n - i, m = n - j, d = j - i, e = M p - d = (M D_j - m D_i) / (n (1 - b_i)),
    T_k = ln k! - k ln k + k - ln(2 pi) / 2,

which loses no digits for large n (C. Loader, Fast and accurate computation of binomial probabilities, 2000).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import lgamma, log, pi
from typing import Any

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.bounds.panels import Panel, Piece, every_rank, panels, sub_points

__all__ = [
    "Boundary",
    "Curve",
    "Layout",
    "boundary_at_depth",
    "crossing_sum",
    "depth_of_boundary",
    "exact_layout",
    "no_later_crossing",
    "panel_layout",
    "rank_probabilities",
]

_ROWS = 2048
"""Most targets of one block of the kernel."""
_REMEMBERED = 4_000_000
"""Most kernel constants that a layout holds; a larger one makes them anew in every evaluation."""
_PARTS = 4
"""Parts into which a panel is cut for the final sum, whose terms vary more than r does."""


# ---- the binomial kernel


@dataclass(frozen=True, eq=False)
class Boundary:
    """Values at some ranks: `below` = b, `above` = 1 - b, `deviation` = n b - rank."""

    below: Floats
    above: Floats
    deviation: Floats

    def __getitem__(self, index: Any) -> Boundary:
        return Boundary(self.below[index], self.above[index], self.deviation[index])


@lru_cache(maxsize=1)
def _small_logs() -> Floats:
    """T_k for k < 16; T_0 = -ln(2 pi) / 2 as the other two parts of ln 0! are 0 and ln(2 pi) / 2."""
    exact = [lgamma(k + 1) - k * log(k) + k - log(2 * pi) / 2 for k in range(1, 16)]
    return np.array([-log(2 * pi) / 2, *exact])


def log_excess(count: Floats) -> Floats:
    """T_k = ln k! - k ln k + k - ln(2 pi) / 2: whole numbers k >= 0, or real k >= 16 (Stirling's series)."""
    large = np.maximum(count, 16.0)
    inverse = 1.0 / large
    square = inverse * inverse
    series = 1 / 12 - square * (
        1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square * (1 / 1188 - square * 691 / 360360)))
    )
    answer = 0.5 * np.log(large) + inverse * series
    small = count < 16
    if small.any():
        answer[small] = _small_logs()[count[small].astype(np.int64)]
    return answer


def _constants(n: int, target: Floats, rank: Floats) -> Floats:
    """The part of the log kernel that does not depend on the boundary; target < rank, broadcast."""
    of_target, of_rank = log_excess(n - target), log_excess(n - rank)
    return of_target - of_rank - 0.5 * log(2 * pi) - log_excess(rank - target)


def _kernel(n: int, block: Block, at_target: Boundary, at_rank: Boundary) -> Floats:
    """P(N(b_j) = j | N(b_i) = i) for targets i and ranks j > i that broadcast; rank 0 is no condition."""
    scale = 1.0 / (n * at_target.above)
    trials, left, distance = n - block.target, n - block.rank, block.rank - block.target
    room = np.maximum(left, 1.0)
    excess = (trials * scale) * at_rank.deviation - (at_target.deviation * scale) * left
    gain = excess / distance
    loss = excess / room
    log_gain = np.log1p(np.maximum(gain, -0.5))
    log_loss = np.log1p(np.maximum(-loss, -0.5))
    if (low := gain < -0.5).any():
        ratio = (trials * (at_rank.below - at_target.below)) / (distance * at_target.above)
        log_gain[low] = np.log(np.maximum(ratio[low], 0.0))
    if (low := loss > 0.5).any():
        ratio = (trials * at_rank.above) / (room * at_target.above)
        log_loss[low] = np.log(np.maximum(ratio[low], 0.0))
    return np.exp(block.constant + distance * log_gain + left * log_loss)


def _plateau_tail(n: int, target: Floats, at_target: Boundary, rank: int, at_rank: Boundary) -> Floats:
    """P(N(b_k) >= k | N(b_i) = i) for targets i < k."""
    from scipy.special import betainc

    success = (at_rank.below - at_target.below) / at_target.above
    return betainc(rank - target, n - rank + 1.0, np.clip(success, 0.0, 1.0))


# ---- what does not depend on the boundary


@dataclass(frozen=True, eq=False)
class Block:
    """Kernel arguments between targets i (a column, or one per point) and ranks j that replace a sum."""

    target: Floats
    rank: Floats
    constant: Floats

    @staticmethod
    def between(n: int, target: Floats, rank: Floats) -> Block:
        """The block with its constants, for targets < ranks that broadcast."""
        return Block(target, rank, _constants(n, target, rank))


@dataclass(frozen=True, eq=False)
class Near:
    """Sums over the ranks of one panel above the targets in it and shortly before it.

    `place` (S,) of the target of each point among all nodes, `offsets` (R,) where the points of a target
    begin, `first` the place of the first target, `interpolation` (S, nodes) to the points.
    """

    block: Block
    place: Integers
    offsets: Integers
    first: int
    weights: Floats
    interpolation: Floats

    def coefficients(self, kernel: Floats) -> Floats:
        """What each target (R,) takes from the value at each node: (R, nodes)."""
        return np.add.reduceat(self.interpolation * (self.weights * kernel)[:, None], self.offsets, axis=0)


@dataclass(frozen=True, eq=False)
class Layout:
    """Panels over the ranks below `plateau`, from which b is flat, and all that is fixed before b is known.

    `nodes` (N,) ranks; `far` (P,) number of leading nodes for which the nodes of a panel represent its ranks;
    `near` (P,) the finer sums for the later ones, None if the panel keeps every rank.
    """

    n: int
    plateau: int
    degree: int
    panels: list[Panel]
    nodes: Floats
    far: list[int]
    near: list[Near | None]
    blocks: dict[int, Block]

    def far_block(self, index: int, low: int, high: int) -> Block:
        """Targets at places low..high - 1 against the nodes of a panel."""
        if low == 0 and (known := self.blocks.get(index)) is not None:
            return known
        return Block.between(self.n, self.nodes[low:high, None], self.panels[index].nodes)


def exact_layout(n: int, first: int, plateau: int) -> Layout:
    """Every rank of `first..plateau - 1` is a node: the answer is exact, in O(n^2) steps."""
    return _layout(n, plateau, every_rank(first, plateau - 1), degree=2)


def panel_layout(n: int, plateau: int, pieces: list[Piece], degree: int) -> Layout:
    """Few nodes on each of the smooth pieces."""
    return _layout(n, plateau, panels(pieces, degree), degree)


def _layout(n: int, plateau: int, cut: list[Panel], degree: int) -> Layout:
    nodes = np.concatenate([panel.nodes for panel in cut]) if cut else np.empty(0)
    far = [_far_stop(panel, nodes) for panel in cut]
    near = [_near_sums(n, panel, nodes, stop, degree) for panel, stop in zip(cut, far, strict=True)]
    layout = Layout(n, plateau, degree, cut, nodes, far, near, {})
    if sum(stop * len(panel.nodes) for stop, panel in zip(far, cut, strict=True)) <= _REMEMBERED:
        layout.blocks.update({k: layout.far_block(k, 0, stop) for k, stop in enumerate(far) if stop <= _ROWS})
    return layout


def _far_stop(panel: Panel, nodes: Floats) -> int:
    """Targets are far that lie a panel's length before it, or just before it if it keeps every rank."""
    if panel.kept:
        return panel.start
    return int(np.searchsorted(nodes, panel.low - (panel.high - panel.low + 1), "right"))


def _near_sums(n: int, panel: Panel, nodes: Floats, far: int, degree: int) -> Near | None:
    if panel.kept:
        return None
    points = sub_points(nodes[far : panel.stop], panel.low, panel.high, degree)
    offsets = np.flatnonzero(np.diff(points.target, prepend=-1))
    place = points.target + far
    block = Block.between(n, nodes[place], points.points)
    return Near(block, place, offsets, far, points.weights, panel.interpolation(points.points))


# ---- the recursion

_START = Boundary(np.zeros(1), np.ones(1), np.zeros(1))
"""The boundary at rank 0, where nothing is known: N(0) = 0."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A boundary at the nodes of a layout, and how far it lies below the diagonal between them.

    `depth` is (logit t - logit b) sqrt(n t (1 - t)), t = rank / (n + 1): smooth, and of order 1 to 10 for
    bands. `flat` is the boundary at the plateau, an array of length 1.
    """

    n: int
    at_nodes: Boundary
    depth: Floats
    flat: Boundary

    def between(self, panel: Panel, points: Floats, interpolation: Floats) -> Boundary:
        """The boundary at real points of a panel; on a plateau, exactly the same value."""
        below = self.at_nodes.below[panel.place]
        if below[0] == below[-1]:
            flat = np.full(len(points), below[0])
            return Boundary(flat, 1 - flat, self.n * flat - points)
        return boundary_at_depth(self.n, points, interpolation @ self.depth[panel.place])


def depth_of_boundary(n: int, rank: Floats, below: Floats) -> Floats:
    """The `depth` of a boundary with values in (0, 1)."""
    t = rank / (n + 1)
    distance = np.log(t) - np.log1p(-t) - np.log(below) + np.log1p(-below)
    return distance * np.sqrt(n * t * (1 - t))


def boundary_at_depth(n: int, rank: Floats, depth: Floats) -> Boundary:
    """The boundary with this `depth`; no digits are lost in 1 - b and n b - rank."""
    t = rank / (n + 1)
    growth = np.expm1(np.minimum(depth / np.sqrt(n * t * (1 - t)), 700.0))
    share = 1 + (1 - t) * growth
    return Boundary(t / share, (1 - t) * (1 + growth) / share, -n * t * (1 - t) * growth / share - t)


def no_later_crossing(layout: Layout, curve: Curve) -> Floats:
    """r at the nodes (N,), from the last panel to the first."""
    nodes, at_nodes = layout.nodes, curve.at_nodes
    with np.errstate(divide="ignore"):
        answer = 1.0 - _plateau_tail(layout.n, nodes, at_nodes, layout.plateau, curve.flat)
        for index in range(len(layout.panels) - 1, -1, -1):
            panel, near = layout.panels[index], layout.near[index]
            before = 0 if near is None else panel.start - near.first
            own = _own(layout.n, panel, at_nodes) if near is None else _near(layout.n, panel, near, curve)
            inside = np.eye(len(panel.nodes))
            inside[: len(own) - before] += own[before:]
            answer[panel.place] = np.linalg.solve(inside, answer[panel.place])
            answer[panel.start - before : panel.start] -= own[:before] @ answer[panel.place]
            _take_far(layout, index, at_nodes, answer)
    return answer


def _own(n: int, panel: Panel, at_nodes: Boundary) -> Floats:
    """The kernel among the ranks of a panel that keeps them all."""
    matrix = np.zeros((len(panel.nodes), len(panel.nodes)))
    row, column = np.triu_indices(len(panel.nodes), 1)
    values = at_nodes[panel.place]
    block = Block.between(n, panel.nodes[row], panel.nodes[column])
    matrix[row, column] = _kernel(n, block, values[row], values[column])
    return matrix


def _near(n: int, panel: Panel, near: Near, curve: Curve) -> Floats:
    at_points = curve.between(panel, near.block.rank, near.interpolation)
    return near.coefficients(_kernel(n, near.block, curve.at_nodes[near.place], at_points))


def _take_far(layout: Layout, index: int, at_nodes: Boundary, answer: Floats) -> None:
    """Subtract from the far targets what the ranks of one panel contribute."""
    panel, stop = layout.panels[index], layout.far[index]
    weighted = panel.weights * answer[panel.place]
    at_ranks = at_nodes[panel.place]
    for low in range(0, stop, _ROWS):
        high = min(low + _ROWS, stop)
        block = layout.far_block(index, low, high)
        answer[low:high] -= _kernel(layout.n, block, at_nodes[low:high, None], at_ranks) @ weighted


def crossing_sum(layout: Layout, curve: Curve, no_later: Floats, first: int) -> float:
    """P(some U_(i) < b_i, i >= first) from r at the nodes; `first` is at most the plateau."""
    with np.errstate(divide="ignore"):
        total = float(_plateau_tail(layout.n, np.zeros(1), _START, layout.plateau, curve.flat)[0])
        for panel in reversed(layout.panels):
            if panel.high >= first:
                total += _panel_sum(layout, panel, curve, no_later[panel.place], first)
    return min(total, 1.0)


def _panel_sum(layout: Layout, panel: Panel, curve: Curve, no_later: Floats, first: int) -> float:
    """Sum over the ranks of a panel, from `first` on, of P(N(b_i) = i) r_i."""
    low = max(panel.low, first)
    if panel.kept:
        inside = slice(low - panel.low, None)
        points, weighted = panel.nodes[inside], no_later[inside]
        boundary = curve.at_nodes[panel.start + low - panel.low : panel.stop]
    else:
        points, weights = panel.parts(low, _PARTS, layout.degree + 2)
        matrix = panel.interpolation(points)
        boundary, weighted = curve.between(panel, points, matrix), weights * (matrix @ no_later)
    return float(rank_probabilities(layout.n, points, boundary) @ weighted)


def rank_probabilities(n: int, ranks: Floats, boundary: Boundary) -> Floats:
    """P(N(b_i) = i) at ranks i < n, and at n; elementwise."""
    return _kernel(n, Block.between(n, np.zeros(1), ranks), _START, boundary)
