"""The interval of the expected shortfall beyond a threshold by its likelihood.

The shape, the scale and the share p of losses above the threshold have a joint log-likelihood l; the interval
is the range of the shortfall over all of them with

    2 (max l - l) <= chi^2_1 quantile of the confidence level,

which is the profile-likelihood interval; the range is that of the part which holds the fit. For given
theta = shape / scale the deviance of scale = z times its best value is `2 n_u (log z + 1/z - 1)`, which
Lambert's W inverts, and the shortfall grows with z and with p. So the range is found over theta and over how
the deviance that theta leaves is shared between z and p: a search of two numbers, by a grid that closes in.
Source: the likelihood is that of Davison and Smith (1990), Models for exceedances over high thresholds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from riskstats._validation import Floats
from riskstats.tail.generalized_pareto import ParetoFit, mean_excess_beyond

__all__ = ["Excesses", "shortfall_interval"]

GRID = (17, 9)  # thetas by shares
ROUNDS = 10  # each closes in by a factor of 16 / 3
REACH = (-25.0, 60.0)  # of tau, where 1 + theta max y = exp(tau)


class Excesses(NamedTuple):
    """Excesses y (n_u,) of n losses over the threshold, the tail mass of the level, the longest excess."""

    y: Floats
    n: int
    mass: float
    longest: float


def shortfall_interval(data: Excesses, fit: ParetoFit, delta: float) -> tuple[float, float]:
    """(lower, upper) mean excess in the tail at confidence 1 - delta; upper is inf where shape may reach 1.

    An upper end never passes the longest excess.
    """
    from scipy.special import chdtri

    allowed = float(chdtri(1.0, delta))
    search = _Search(data, fit, allowed)
    return search.end(-1.0), min(search.end(1.0), data.longest)


class _Search:
    """The range of the mean excess over parameters whose deviance is at most `allowed`."""

    def __init__(self, data: Excesses, fit: ParetoFit, allowed: float) -> None:
        self.data, self.fit, self.allowed = data, fit, allowed
        self.unit = float(data.y.mean())
        self.s = data.y / self.unit
        self.top = float(self.s.max())
        self.best = fit.nll / len(self.s) - math.log(self.unit)
        self.start = math.log1p(max(fit.shape / fit.scale * self.unit * self.top, math.expm1(REACH[0])))
        high = -self.unit / data.longest * self.top if math.isfinite(data.longest) else math.inf
        self.last = math.log1p(max(high, math.expm1(REACH[0]))) if high < math.inf else REACH[1]

    def end(self, sign: float) -> float:
        """The largest (sign 1) or smallest (sign -1) mean excess."""
        taus, angles = (self._reach(-1.0), self._reach(1.0)), (0.0, math.pi / 2)
        limits, best = (taus, angles), -math.inf
        for _ in range(ROUNDS):
            tau, angle = np.linspace(*taus, GRID[0]), np.linspace(*angles, GRID[1])
            value = sign * self._extreme(tau, angle, sign)
            value = np.where(np.isnan(value), -np.inf, value)
            i, j = np.unravel_index(int(value.argmax()), value.shape)
            best = max(best, float(value[i, j]))
            taus, angles = _closer(tau, int(i), limits[0]), _closer(angle, int(j), limits[1])
        return sign * best

    def _reach(self, sign: float) -> float:
        """The first tau on one side of the fit, by growing steps, whose theta leaves no deviance."""
        step = 1e-3
        while REACH[0] < (tau := self.start + sign * step) < self.last:
            if np.isnan(self._extreme(np.array([tau]), np.array([0.0]), -1.0)).all():
                return tau
            step *= 1.25
        return float(np.clip(tau, REACH[0], self.last))

    def _extreme(self, tau: Floats, angle: Floats, sign: float) -> Floats:
        """(len(tau), len(angle)) mean excess at the end of what is allowed; NaN where nothing is."""
        scale, shape, left = self._profile(tau)
        scale, shape, left = scale[:, np.newaxis], shape[:, np.newaxis], left[:, np.newaxis]
        size, most = len(self.s), 1.0 / np.maximum(-shape, 1e-300)  # shape z stays at -1 or above
        spent = np.where(most < 1, np.log(most) + 1.0 / most - 1.0, 0.0)
        left = left - 2.0 * size * spent
        z = np.minimum(_stretch(spent + left * np.cos(angle) ** 2 / (2.0 * size), sign), most)
        share = _share(left * np.sin(angle) ** 2, size, self.data.n, sign)
        excess = self.unit * mean_excess_beyond(z * shape, z * scale, share / self.data.mass)
        return np.where(left >= 0, excess, np.nan)

    def _profile(self, tau: Floats) -> tuple[Floats, Floats, Floats]:
        """Per tau: the best scale and shape, and the deviance that is left."""
        theta = np.expm1(tau) / self.top
        theta = np.where(theta == 0, 1e-12, theta)
        log = np.log1p(np.maximum(theta[:, np.newaxis] * self.s, -1.0 + 2.0**-53)).mean(axis=1)
        value = np.log(log / theta) + 1.0 + log
        return log / theta, log, self.allowed - 2.0 * len(self.s) * (value - self.best)


def _closer(grid: Floats, at: int, limits: tuple[float, float]) -> tuple[float, float]:
    """One and a half cells on both sides of a grid point, within the limits."""
    width = 1.5 * float(grid[1] - grid[0])
    return max(float(grid[at]) - width, limits[0]), min(float(grid[at]) + width, limits[1])


def _stretch(k: Floats, sign: float) -> Floats:
    """The z >= 1 (sign 1) or z <= 1 (sign -1) with `log z + 1/z - 1 = k`; 1 where k < 0."""
    from scipy.special import lambertw

    root = sign * np.sqrt(2.0 * np.maximum(k, 0.0))
    with np.errstate(divide="ignore"):
        z = -1.0 / lambertw(-np.exp(-1.0 - np.maximum(k, 1e-8)), 0 if sign > 0 else -1).real
    return np.where(k > 1e-8, z, 1.0 + root + 2.0 / 3.0 * root**2)


def _share(deviance: Floats, successes: int, n: int, sign: float) -> Floats:
    """The binomial share above or below successes / n with the given deviance, by bisection."""
    from scipy.special import xlog1py, xlogy

    def log_likelihood(p: Floats) -> Floats:
        return xlogy(successes, p) + xlog1py(n - successes, -p)

    best = successes / n
    inner, outer = np.full_like(deviance, best), np.full_like(deviance, 1.0 if sign > 0 else 0.0)
    level = log_likelihood(np.full_like(deviance, best))
    for _ in range(52):
        middle = 0.5 * (inner + outer)
        within = 2.0 * (level - log_likelihood(middle)) <= deviance
        inner, outer = np.where(within, middle, inner), np.where(within, outer, middle)
    return inner
