"""Likelihood-ratio tests of the hits I_t = 1[x_t > v_t]: their number, and whether they come one by one.

Under the model hits are independent with probability t. With l(n0, n1; p) = n0 log(1 - p) + n1 log p and
0 log 0 = 0:

    Kupiec (1995)          -2 [l(t) - l(x / T)],  chi^2_1
    Christoffersen (1998)  -2 [l(all; p) - l(after no hit; p0) - l(after a hit; p1)],  chi^2_1, on the T - 1
                           transitions, p, p0, p1 the shares of hits among them
    conditional coverage   their sum, chi^2_2
"""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats, Integers

__all__ = ["chi_squared_tail", "exact_kupiec", "independence", "kupiec", "transitions"]


def kupiec(hits: Floats, periods: int, mass: float) -> Floats:
    """The statistic for numbers of hits in `periods`; elementwise."""
    found, expected = _binomial(periods - hits, hits, hits / periods), _binomial(periods - hits, hits, mass)
    return np.maximum(2.0 * (found - expected), 0.0)


def exact_kupiec(hits: int, periods: int, mass: float) -> float:
    """Probability, under the binomial law, of a statistic at least as large as that of `hits`."""
    from scipy.special import gammaln

    counts = np.arange(periods + 1.0)
    ways = gammaln(periods + 1.0) - gammaln(counts + 1.0) - gammaln(periods - counts + 1.0)
    chances = np.exp(ways + _binomial(periods - counts, counts, mass))
    statistics = kupiec(counts, periods, mass)
    return min(float(chances[statistics >= statistics[hits] * (1.0 - 1e-12)].sum()), 1.0)


def transitions(hits: np.ndarray) -> Integers:
    """(..., 2, 2) numbers of steps from no hit or hit to no hit or hit, of hits (..., T)."""
    before, after = hits[..., :-1].astype(bool), hits[..., 1:].astype(bool)
    cells = [[(~before & ~after), (~before & after)], [(before & ~after), (before & after)]]
    return np.moveaxis(np.array([[cell.sum(axis=-1) for cell in row] for row in cells]), (0, 1), (-2, -1))


def independence(counts: Integers) -> Floats:
    """The statistic of Christoffersen for transitions (..., 2, 2)."""
    none, some = counts[..., 0].astype(np.float64), counts[..., 1].astype(np.float64)
    apart = _binomial(none, some, _share(some, none + some)).sum(axis=-1)
    none, some = none.sum(axis=-1), some.sum(axis=-1)
    return np.maximum(2.0 * (apart - _binomial(none, some, _share(some, none + some))), 0.0)


def chi_squared_tail(statistic: float, degrees: int) -> float:
    """P(chi^2 >= statistic)."""
    from scipy.special import chdtrc

    return float(chdtrc(degrees, statistic))


def _binomial(none: Floats, some: Floats, p: Floats | float) -> Floats:
    from scipy.special import xlog1py, xlogy

    return xlog1py(none, -np.asarray(p)) + xlogy(some, p)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
