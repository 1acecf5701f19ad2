"""The Berk-Jones boundary b_i = I^-1(c; i, n - i + 1) for all ranks, from few values of the beta quantile.

b_i is the c-quantile of the i-th of n uniform order statistics. Its `depth` below the diagonal, in standard
deviations, is a smooth function of the rank: it is interpolated on the panels that also carry the crossing
probability, so a calibrated level and the band drawn from it belong to the same boundary.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from riskstats._validation import Floats, probability, whole_number
from riskstats.bounds.crossing_recursion import (
    Boundary,
    Curve,
    Layout,
    boundary_at_depth,
    depth_of_boundary,
    panel_layout,
    rank_probabilities,
)
from riskstats.bounds.panels import Panel, Piece
from riskstats.exceptions import InvalidInput

__all__ = ["SMALLEST_LEVEL", "ActiveRanks", "band_layout", "berk_jones_boundary", "berk_jones_curve"]

SMALLEST_LEVEL = 1e-120
"""A smaller c is taken as this one, which can only enlarge a probability."""
DEGREE = 14


@dataclass(frozen=True)
class ActiveRanks:
    """Ranks on which a band is calibrated: b = 0 below `first`, flat from `plateau` on; both count from 1."""

    first: int
    plateau: int

    def within(self, n: int) -> ActiveRanks:
        """Itself; `InvalidInput` unless 1 <= first <= plateau <= n."""
        if not 1 <= self.first <= self.plateau <= n:
            raise InvalidInput(f"`ranks` must satisfy 1 <= first <= plateau <= n = {n}; got {self}.")
        return self


def berk_jones_boundary(n: int, level_c: float, ranks: ActiveRanks | None = None) -> Floats:
    """b_i = I^-1(c; i, n - i + 1) for i = 1..n: (n,), nondecreasing; 0 and flat outside the active ranks.

    c = 0 gives 0 everywhere. Each b_i stands for a level within about 1e-12 of c, relative, as far as b_i
    itself has the digits. Cost: O(n), with some hundred beta quantiles.
    `InvalidInput`: n < 1, c outside [0, 1], ranks outside 1..n.
    """
    n, level = whole_number(n, "n", low=1), probability(level_c, "level_c", closed=True)
    active = ActiveRanks(1, n) if ranks is None else ranks.within(n)
    answer = np.zeros(n)
    if level == 0:
        return answer
    curve = berk_jones_curve(band_layout(n, active), level)
    answer[active.plateau - 1 :] = curve.flat.below
    for panel in band_layout(n, active).panels:
        inside = slice(panel.low - 1, panel.high)
        answer[inside] = curve.at_nodes.below[panel.place] if panel.kept else _inside(n, panel, curve)
    return answer


def _inside(n: int, panel: Panel, curve: Curve) -> Floats:
    """b at every rank of a panel by Chebyshev polynomials of the depth."""
    from numpy.polynomial import chebyshev

    half = (panel.high - panel.low) / 2
    unit = (panel.nodes - panel.low) / half - 1
    basis = chebyshev.chebvander(unit, len(unit) - 1)
    coefficients = np.linalg.solve(basis, curve.depth[panel.place])
    ranks = np.arange(panel.low, panel.high + 1.0)
    depth = chebyshev.chebval((ranks - panel.low) / half - 1, coefficients)
    return boundary_at_depth(n, ranks, depth).below


@lru_cache(maxsize=8)
def band_layout(n: int, ranks: ActiveRanks) -> Layout:
    """Panels for a band on these ranks. b continues smoothly to the left of `first`, so only rank 0 and
    the plateau are singular."""
    first, plateau = ranks.first, ranks.plateau
    pieces = [Piece(first, plateau - 1, 0, plateau)] if first < plateau else []
    return panel_layout(n, plateau, pieces, DEGREE)


def berk_jones_curve(layout: Layout, level: float) -> Curve:
    """The boundary of level c > 0 at the nodes of a layout."""
    ranks = np.append(layout.nodes, layout.plateau)
    depth = _depth(layout.n, ranks, max(level, SMALLEST_LEVEL))
    values = boundary_at_depth(layout.n, ranks, depth)
    return Curve(layout.n, values[:-1], depth[:-1], values[-1:])


def _depth(n: int, ranks: Floats, level: float) -> Floats:
    """Beta quantiles as depth, polished by a Newton step: `betainc` is more accurate than its inverse."""
    from scipy.special import betainc, betaincinv

    below = np.clip(betaincinv(ranks, n - ranks + 1, level), 1e-305, np.nextafter(1.0, 0.0))
    at_ranks = Boundary(below, 1 - below, n * below - ranks)
    slope = rank_probabilities(n, ranks, at_ranks) * ranks * at_ranks.above
    with np.errstate(divide="ignore", invalid="ignore"):
        step = (level - betainc(ranks, n - ranks + 1, below)) / slope
    t = ranks / (n + 1)
    shift = np.clip(np.where(np.isfinite(step), step, 0.0), -0.01, 0.01) * np.sqrt(n * t * (1 - t))
    return depth_of_boundary(n, ranks, below) - shift
