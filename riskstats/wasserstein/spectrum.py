"""The norm of a spectrum: how much a spectral measure moves when its law moves.

    ||phi||_q = ( int_0^1 phi(u)^q du )^(1/q),   1/p + 1/q = 1;     for p = 1 the supremum of phi

    CVaR, mean of quantiles from a to b     (b - a)^(-1/p)
    steps of width w and share s            ( sum s^q w^(1-q) )^(1/q)
    Wang, shift a >= 0                      exp((q - 1) a^2 / 2)
    proportional hazard, r >= 1             (1 / r) (1 - q (1 - 1/r))^(-1/q), inf where q (1 - 1/r) >= 1
    dual power, k >= 1                      k (q (k - 1) + 1)^(-1/q)
    exponential, k > 0                      k / (1 - e^-k) ((1 - e^(-q k)) / (q k))^(1/q)

A spectrum given as a function has no norm that finitely many values prove.
"""

from __future__ import annotations

import math

import numpy as np

from riskstats._validation import Floats
from riskstats.measures.base import SpectralMeasure
from riskstats.measures.cvar import CVaR
from riskstats.measures.dual_power import DualPower
from riskstats.measures.exponential_distortion import ExponentialDistortion
from riskstats.measures.mean import Mean
from riskstats.measures.proportional_hazard import ProportionalHazard
from riskstats.measures.spectral import Spectral, Steps
from riskstats.measures.var_interval import VaRInterval
from riskstats.measures.wang import Wang

__all__ = ["cell_norm", "dual_order", "spectrum_cells", "spectrum_norm"]

_CELLS = 3000
_FINEST = 2.0**-52


def dual_order(order: float) -> float:
    """q of p."""
    return math.inf if order == 1 else order / (order - 1.0)


def spectrum_norm(measure: SpectralMeasure, order: float) -> float | None:
    """``||phi||_q``, inf where it is, None where it is not known."""
    q = dual_order(order)
    if isinstance(measure, Mean):
        return 1.0
    if isinstance(measure, (CVaR, VaRInterval)):
        low, high = (measure.level, 1.0) if isinstance(measure, CVaR) else measure.levels
        return float((high - low) ** (-1.0 / order))
    if isinstance(measure, Spectral) and isinstance(measure.integrated, Steps):
        widths, shares = np.diff(measure.integrated.levels), np.array(measure.integrated.shares)
        return cell_norm(shares / widths, widths, q)
    if isinstance(measure, Wang):
        return math.exp((q - 1.0) * measure.shift**2 / 2.0) if measure.shift else 1.0
    if isinstance(measure, ProportionalHazard):
        return _hazard(measure.r, q)
    if isinstance(measure, DualPower) and measure.k >= 1:
        return measure.k if q == math.inf else measure.k * (q * (measure.k - 1.0) + 1.0) ** (-1.0 / q)
    if isinstance(measure, ExponentialDistortion):
        return _exponential(measure.k, q)
    return None


def _hazard(r: float, q: float) -> float:
    bend = 1.0 - 1.0 / r
    if bend == 0:
        return 1.0
    if q * bend >= 1:
        return math.inf
    return (1.0 - q * bend) ** (-1.0 / q) / r


def _exponential(k: float, q: float) -> float:
    if k < 1e-12:
        return 1.0
    top = k / -math.expm1(-k)
    return top if q == math.inf else top * (-math.expm1(-q * k) / (q * k)) ** (1.0 / q)


def cell_norm(heights: Floats, widths: Floats, q: float) -> float:
    """The norm of a spectrum that is constant on cells."""
    top = float(heights.max())
    return top if q == math.inf else top * float(widths @ (heights / top) ** q) ** (1.0 / q)


def spectrum_cells(measure: SpectralMeasure, cumulative: Floats) -> tuple[Floats, Floats]:
    """(levels (K + 1,) from 0 to 1, average heights (K,) of the spectrum between them).

    Levels are the cumulative weights of a law, those at which the spectrum jumps, and for a spectrum that is
    not flat a grid that is fine near 1.
    """
    jumps = list(measure.levels)
    if isinstance(measure, Spectral) and isinstance(measure.integrated, Steps):
        jumps += list(measure.integrated.levels)
        fine = np.empty(0)
    elif measure.flat:
        fine = np.empty(0)
    else:
        fine = np.append(np.linspace(0.0, 1.0, _CELLS), 1.0 - np.geomspace(_FINEST, 0.5, _CELLS))
    levels = np.unique(np.concatenate([[0.0, 1.0], cumulative, jumps, fine]))
    widths = np.diff(levels)
    return levels, np.maximum(measure.weights(levels[1:]), 0.0) / widths
