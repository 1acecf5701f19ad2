"""The smallest CVaR over a ball: how far the tail can be pulled in.

    inf CVaR(S') = sup over xi of  E xi S - R ||xi||_q,      0 <= xi <= 1 / (1 - level),  E xi = 1

(minimax: the left side is a convex program in S', because CVaR is convex and splitting an atom costs more
than moving it to the mean of the parts). The best S' cuts what exceeds v, at most by t: ``S - min((S -
v)_+, t)``, and xi is in the ratio ``d^(p - 1)`` of the cuts d, which fixes v by ``E d^(p-1) = (1 - level)
t^(p-1)``. For p = 1 S' is S cut at c with ``E (S - c)_+ = R``. Of two marginals the antithetic coupling is
best: its sum is smallest in convex order, and conditioning keeps distances. Both sides are computed anew:
S' and xi are all that is used.
"""

from __future__ import annotations

import math

import numpy as np

from riskstats._validation import Floats
from riskstats.measures.cvar import CVaR
from riskstats.wasserstein.aggregate import Reduced
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.coupled import antithetic_chain
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.risk_law import risk_case

__all__ = ["smallest_cvar"]

_HALVINGS = 120


def smallest_cvar(asked: Asked, whole: Reduced, measure: CVaR) -> WorstCase:
    """The smallest CVaR of a weighted sum; for three or more balls an enclosure."""
    mass, rows = antithetic_chain(whole.terms, whole.weights)
    sums, p, R, share = whole.sums(rows), whole.order, whole.radius, 1.0 - measure.level
    reference = float(-CVaR(measure.level)(sums, mass))
    if R == 0:
        bound = reference
        cuts = np.zeros_like(sums)
    elif p == 1:
        cuts, bound = _capped(sums, mass, share, R)
    else:
        cuts, bound = _pulled(sums, mass, share, R, p)
    if len(asked.balls) > 2:
        bound = R - float(sum(w @ x for w, x in zip(whole.weights, whole.terms, strict=True)))
    route = "antithetic tail pulled in" if len(asked.balls) == 2 else "tail pulled in"
    return risk_case(asked, whole, (mass, rows, -cuts), bound, route, reference=reference)


def _capped(sums: Floats, mass: Floats, share: float, R: float) -> tuple[Floats, float]:
    """(cuts, minus the dual value) for p = 1."""
    order = np.argsort(-sums, kind="stable")
    v, w = sums[order], mass[order]
    top = np.cumsum(w)
    saved = np.cumsum(w * v) - top * v
    count = int(np.searchsorted(saved, R, side="right"))
    cap = float((w[:count] @ v[:count] - R) / top[count - 1])
    knots, areas = np.append(0.0, top), np.append(0.0, np.cumsum(w * v))
    candidates = np.unique(np.clip(np.append(top, share), share, 1.0))
    best = float(((np.interp(candidates, knots, areas) - R) / candidates).max())
    return np.maximum(sums - cap, 0.0), -best


def _pulled(sums: Floats, mass: Floats, share: float, R: float, p: float) -> tuple[Floats, float]:
    """(cuts, minus the dual value) for p > 1."""
    spread = float(np.ptp(sums)) + R
    low, high = float(sums.min()) - 2.0 * R - spread / share, float(sums.max())

    def cuts_at(v: float) -> tuple[Floats, float]:
        excess = np.maximum(sums - v, 0.0)
        t = _longest(excess, mass, R, p)
        return np.minimum(excess, t), t

    for _ in range(_HALVINGS):
        v = 0.5 * (low + high)
        cuts, t = cuts_at(v)
        many = t < math.inf and float(mass @ cuts ** (p - 1.0)) >= share * t ** (p - 1.0)
        low, high = (v, high) if many else (low, v)
    cuts, _ = cuts_at(low)
    return cuts, -_dual(sums, mass, cuts, share, R, p)


def _longest(excess: Floats, mass: Floats, R: float, p: float) -> float:
    """The t with ``E min(excess, t)^p = R^p``; inf where the whole excess costs less."""
    if float(mass @ excess**p) <= R**p:
        return math.inf
    low, high = 0.0, float(excess.max())
    for _ in range(_HALVINGS):
        t = 0.5 * (low + high)
        low, high = (t, high) if float(mass @ np.minimum(excess, t) ** p) <= R**p else (low, t)
    return low


def _dual(sums: Floats, mass: Floats, cuts: Floats, share: float, R: float, p: float) -> float:
    """``E xi S - R ||xi||_q`` at the xi that the cuts suggest, made feasible."""
    powers = cuts ** (p - 1.0)
    if not powers.any():
        return -math.inf
    low, high = 0.0, 1.0 / (share * float(powers[powers > 0].min()))
    for _ in range(_HALVINGS):
        scale = 0.5 * (low + high)
        low, high = (
            (scale, high) if float(mass @ np.minimum(scale * powers, 1.0 / share)) <= 1.0 else (low, scale)
        )
    xi = np.minimum(low * powers, 1.0 / share)
    xi = xi + (1.0 - float(mass @ xi)) * (1.0 / share - xi) / max(float(mass @ (1.0 / share - xi)), 1e-300)
    q = p / (p - 1.0)
    return float(mass @ (xi * sums)) - R * float(mass @ xi**q) ** (1.0 / q)
