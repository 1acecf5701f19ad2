"""Spectral measures over balls: the value of the references, and what transport adds.

    sup rho(S') = sum_j rho(a_j'Y_j) + R ||phi||_q            phi nondecreasing, 1/p + 1/q = 1

Proof. For any S' let xi = phi(U) with U a uniform rank of S'. Then ``rho(S') = E xi S' <= E xi S + ||xi||_q
||S' - S||_p <= rho(S) + R ||phi||_q``, because no coupling of S with xi has a larger mean than the sorted
one; and rho of a sum is at most the sum of the rho, with equality for the comonotone coupling. The law that
moves the u-quantile of S by ``R (phi(u) / ||phi||_q)^(q - 1)`` stays sorted, costs R^p, and has that value;
for p = 1 the mass where phi is near its supremum moves. If the norm is infinite so is the worst case.

From below, and for spectra that are not monotone, the same inequality on sorted quantiles bounds rho from
both sides by ``rho(S) -+ R ||phi||_q``, which need not be reached: moves in the same ratio, made monotone,
are a law. CVaR from below is exact (`cvar_route`).
"""

from __future__ import annotations

import math

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import IncompatibleBound
from riskstats.measures.base import SpectralMeasure
from riskstats.measures.mean import Mean
from riskstats.measures.spectral import Steps
from riskstats.results import Status
from riskstats.wasserstein.aggregate import Reduced
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.coupled import antithetic_chain, comonotone
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.risk_law import line_law, risk_case
from riskstats.wasserstein.spectrum import cell_norm, dual_order, spectrum_cells, spectrum_norm
from riskstats.wasserstein.verified import unbounded_case

__all__ = ["spectral_case"]

_HALVINGS = 80


def spectral_case(asked: Asked, whole: Reduced, measure: SpectralMeasure) -> WorstCase:
    """The worst spectral risk of a weighted sum."""
    if not measure.coherent and len(asked.balls) > 1:
        raise IncompatibleBound(
            f"`{measure}` is not coherent and `MarginalBalls` leave the dependence open: no bound is "
            "known for the "
            "two together. Use a coherent measure such as `CVaR`, or one ball around the total."
        )
    norm = spectrum_norm(measure, whole.order)
    if norm is None:
        norm, known = _estimated(measure, whole.order), False
    else:
        known = True
    if math.isinf(norm) and asked.sign > 0 and whole.radius > 0 and measure.coherent:
        return unbounded_case(asked)
    worst = isinstance(measure, Mean) or (measure.coherent and asked.sign > 0)
    mass, rows = comonotone(whole.terms, whole.weights) if worst else _least_spread(asked, whole)
    sums = whole.sums(rows)
    order = np.argsort(sums, kind="stable")
    mass, rows, sums = mass[order], rows[order], sums[order]
    return _moved(asked, whole, measure, (mass, rows, sums), norm, worst, known)


def _least_spread(asked: Asked, whole: Reduced) -> tuple[Floats, np.ndarray]:
    if len(asked.balls) == 1:
        return asked.balls[0].weights, np.arange(len(asked.balls[0].weights))[:, np.newaxis]
    return antithetic_chain(whole.terms, whole.weights)


def _moved(
    asked: Asked,
    whole: Reduced,
    measure: SpectralMeasure,
    law: tuple[Floats, np.ndarray, Floats],
    norm: float,
    exact: bool,
    known: bool,
) -> WorstCase:
    mass, rows, sums = law
    cumulative = np.minimum(np.cumsum(mass), 1.0)
    cumulative[-1] = 1.0
    levels, heights = spectrum_cells(measure, cumulative)
    widths, p, R = np.diff(levels), whole.order, whole.radius
    push = _push(heights, widths, p, R)
    places = np.minimum(np.searchsorted(cumulative, 0.5 * (levels[1:] + levels[:-1])), len(mass) - 1)
    still = sums[places]
    shape = still + asked.sign * push if exact else _monotone(still, asked.sign * push, widths, p, R)
    weights, cells, moves = line_law(mass, sums, levels, lambda _: shape)
    base = float(widths * heights @ still)
    if not known:
        norm = max(norm, cell_norm(heights, widths, dual_order(p)))
    upper = asked.sign * base + (R * norm if R > 0 else 0.0)
    if not exact and len(asked.balls) > 2:
        upper = -float(sum(w @ x for w, x in zip(whole.weights, whole.terms, strict=True))) + R
    kappa = norm * R ** (1.0 - p) / p if exact and R > 0 and math.isfinite(norm) else None
    attained = exact and (measure.flat or R == 0 or isinstance(getattr(measure, "integrated", None), Steps))
    status = None if known else Status.HEURISTIC
    return risk_case(
        asked,
        whole,
        (weights, rows[cells], moves),
        upper,
        "comonotone spectral risk" if exact else "quantiles moved with the spectrum",
        kappa=kappa,
        attained=attained,
        reference=asked.sign * base,
        status=status,
    )


def _push(heights: Floats, widths: Floats, p: float, R: float) -> Floats:
    """Moves in the ratio ``phi^(q - 1)`` that cost R^p."""
    if p == 1:
        top = heights >= heights.max() * (1.0 - 1e-12)
        return np.where(top, R / float(widths[top].sum()), 0.0)
    ratio = (heights / heights.max()) ** (dual_order(p) - 1.0)
    return ratio * (R / float(widths @ ratio**p) ** (1.0 / p))


def _monotone(still: Floats, push: Floats, widths: Floats, p: float, R: float) -> Floats:
    """Quantiles ``still + t push`` made monotone, with the largest t that the budget allows."""
    from scipy.optimize import isotonic_regression

    def at(t: float) -> Floats:
        return np.asarray(isotonic_regression(still + t * push, weights=widths).x)

    def cost(t: float) -> float:
        return float(widths @ np.abs(at(t) - still) ** p)

    low, high = 0.0, 1.0
    while cost(high) <= R**p and high < 1e6 and R > 0:
        low, high = high, 2.0 * high
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if cost(middle) <= R**p else (low, middle)
    return at(low)


def _estimated(measure: SpectralMeasure, p: float) -> float:
    """The norm of a spectrum given as a function, from cells that shrink towards 1."""
    halvings = 0.5 ** np.arange(1, 31)
    finer = [np.linspace(1.0 - 2.0 * h, 1.0 - h, 33) for h in halvings]
    edges = np.unique(np.concatenate([np.linspace(0.0, 0.5, 1025), *finer, [1.0]]))
    values = measure.integrated_spectrum(edges)
    widths, heights = np.diff(edges), np.diff(values) / np.diff(edges)
    if p == 1:
        return float(heights[:-1].max())
    parts = widths * np.maximum(heights, 0.0) ** dual_order(p)
    return float(parts.sum()) ** (1.0 / dual_order(p))
