"""The exact probability that a uniform sample crosses a boundary: P(some U_(i) < b_i), any nondecreasing b.

Short boundaries are summed rank by rank. In long ones the smooth pieces are found by interpolation: a panel
whose nodes do not give b at every one of its ranks is cut, down to the ranks of a kink. The answer of the
panels is taken only if it does not depend on the number of nodes; otherwise every rank is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise

import numpy as np

from riskstats._validation import Floats, finite_vector, whole_number
from riskstats.bounds.crossing_recursion import (
    Boundary,
    Curve,
    Layout,
    boundary_at_depth,
    crossing_sum,
    depth_of_boundary,
    exact_layout,
    no_later_crossing,
    panel_layout,
)
from riskstats.bounds.panels import SHORT, Piece, interpolation, panels, rounded_nodes, shortest_panel
from riskstats.exceptions import InvalidInput

__all__ = ["crossing_probability"]

SUMMED_BY_RANK = 400
"""Up to this many ranks nothing is gained by panels."""
MOST_KINKS = 40
SMOOTH = (5e-11, 1e-8)
"""Largest mean and maximal error of interpolation, in standard deviations of the uniform empirical process.
The answer moves by a panel's mean, times the depth of the boundary and the panel's share; single ranks carry
the noise of quantile functions, which grows with n."""
AGREEMENT = 2e-11
"""Relative difference between two numbers of nodes, above which every rank is kept."""


def crossing_probability(boundary: Floats, *, nodes: int = 14) -> float:
    """P(some U_(i) < b_i) for the order statistics of n independent uniform numbers.

    Parameters
    ----------
    boundary : (n,) nondecreasing, in [0, 1]. Zeros are ranks without a condition; equal values and jumps are
        allowed.
    nodes : whole number from 8 to 24, points per smooth panel.

    Relative accuracy about 1e-12, also of tiny probabilities, as no `1 - P` is formed; beyond n = 1e5 the
    rounding of b may cost two digits. Cost: O(n) if b is smooth up to a few kinks, else O(n^2), half a second
    at n = 5000.
    `InvalidInput`: empty, NaN, decreasing or outside [0, 1].

    Source: a recursion over the last crossing, of the kind that Shorack and Wellner (Empirical Processes with
    Applications to Statistics, 1986) give for one-sided boundaries; see `crossing_recursion`.
    """
    below = _checked(boundary)
    degree = whole_number(nodes, "nodes", low=8, high=24)
    if below[-1] in (0.0, 1.0):
        return float(below[-1])
    first, plateau = int(np.argmax(below > 0)) + 1, int(np.argmax(below == below[-1])) + 1
    if plateau - first > SUMMED_BY_RANK:
        answer = _by_panels(below, first, plateau, degree)
        if answer is not None:
            return answer
    return _probability(exact_layout(len(below), first, plateau), below)


def _checked(boundary: Floats) -> Floats:
    below = finite_vector(boundary, "boundary")
    outside = (below < 0) | (below > 1)
    if outside.any():
        place = int(outside.argmax())
        raise InvalidInput(f"`boundary` must lie in [0, 1]; got {below[place]:g} at rank {place + 1}.")
    falls = np.diff(below) < 0
    if falls.any():
        place = int(falls.argmax()) + 1
        raise InvalidInput(
            f"`boundary` must be nondecreasing; it falls from {below[place - 1]:g} to {below[place]:g} at "
            f"rank {place + 1}. Pass np.maximum.accumulate(boundary): the sample crosses both or neither."
        )
    return below


def _probability(layout: Layout, below: Floats) -> float:
    curve = _curve(layout, below)
    first = int(layout.nodes[0]) if len(layout.nodes) else layout.plateau
    return crossing_sum(layout, curve, no_later_crossing(layout, curve), first)


def _curve(layout: Layout, below: Floats) -> Curve:
    """The boundary at the nodes, as given."""
    n, plateau = layout.n, layout.plateau
    at_nodes = below[layout.nodes.astype(np.int64) - 1]
    values = Boundary(at_nodes, 1 - at_nodes, n * at_nodes - layout.nodes)
    last = below[plateau - 1 : plateau]
    flat = Boundary(last, 1 - last, n * last - plateau)
    return Curve(n, values, depth_of_boundary(n, layout.nodes, at_nodes), flat)


# ---- smooth pieces


def _by_panels(below: Floats, first: int, plateau: int, degree: int) -> float | None:
    """The probability by panels of two numbers of nodes; None if the boundary is not smooth enough."""
    pieces = _pieces(below, first, plateau, degree)
    if pieces is None:
        return None
    rough, fine = (
        _probability(panel_layout(len(below), plateau, pieces, count), below)
        for count in (degree, degree + 4)
    )
    return fine if abs(rough - fine) <= AGREEMENT * _noise(len(below)) * fine else None


def _noise(n: int) -> float:
    """How much noise a boundary may have: beyond n = 1e5 its rounding counts more, and O(n^2) takes hours."""
    return max(1.0, n / 1e5)


def _pieces(below: Floats, first: int, plateau: int, degree: int) -> list[Piece] | None:
    """Smooth pieces of the ranks below the plateau, each kink as a short piece of its own.

    None if there are too many kinks, or if a piece cannot be interpolated even after the cuts.
    """
    whole = Piece(first, plateau - 1, first - 1, plateau)
    kinks: list[tuple[int, int]] = []
    for low, high in _stretches(whole, degree):
        if not _smooth(below, low, high, degree):
            kinks.extend(islice(_kinks(below, low, high, degree), MOST_KINKS))
        if len(kinks) > MOST_KINKS:
            return None
    cut = _cut(whole, kinks)
    stretches = (stretch for piece in cut for stretch in _stretches(piece, degree))
    return cut if all(_smooth(below, low, high, degree) for low, high in stretches) else None


def _stretches(piece: Piece, degree: int) -> Iterator[tuple[int, int]]:
    """The ranges on which b has to be smooth: panels, and from the middle of one to that of the next."""
    cut = panels([piece], degree)
    for panel in cut:
        if not panel.kept:
            yield panel.low, panel.high
    for panel, after in pairwise(cut):
        low, high = (panel.low + panel.high) // 2, (after.low + after.high) // 2
        if not panel.kept and high - low >= shortest_panel(degree):
            yield low, high


def _smooth(below: Floats, low: int, high: int, degree: int) -> bool:
    """Whether few ranks give b at all ranks of a range, up to an error that moves no digit of the answer."""
    if high - low + 1 < shortest_panel(degree):
        return False
    n, ranks = len(below), np.arange(low, high + 1.0)
    nodes = rounded_nodes(low, high, degree)
    values = below[low - 1 : high]
    depth = depth_of_boundary(n, nodes, below[nodes.astype(np.int64) - 1])
    found = boundary_at_depth(n, ranks, interpolation(nodes, ranks) @ depth).below
    error = np.maximum(np.abs(found - values) - 8 * np.spacing(values), 0.0)
    error /= np.sqrt(values * (1 - values) / n)
    return bool(error.mean() <= SMOOTH[0] * _noise(n) and error.max() <= SMOOTH[1] * _noise(n))


def _kinks(below: Floats, low: int, high: int, degree: int) -> Iterator[tuple[int, int]]:
    """Short ranges inside one that is not smooth, so that it is smooth without them."""
    if high - low < SHORT:
        yield low, high
        return
    middle = (low + high) // 2
    halves = [(a, b) for a, b in ((low, middle), (middle + 1, high)) if not _smooth(below, a, b, degree)]
    if not halves:
        yield middle, middle + 1
    for half in halves:
        yield from _kinks(below, *half, degree)


def _cut(whole: Piece, kinks: list[tuple[int, int]]) -> list[Piece]:
    """The pieces between the kinks, and the kinks."""
    pieces, start = [], whole.first
    for low, high in sorted(set(kinks)):
        if low > start:
            pieces.append(Piece(start, low - 1, start - 1, low))
        if high >= start:
            pieces.append(Piece(max(low, start), high, max(low, start) - 1, high + 1))
            start = high + 1
    if start <= whole.last:
        pieces.append(Piece(start, whole.last, start - 1, whole.right))
    return pieces
