"""The generalised Pareto law of excesses, fitted exactly by its profile likelihood.

`P(Y > y) = (1 + shape y / scale)^(-1/shape)`, with the exponential law at shape 0. With theta = shape / scale
and p the weights of the excesses, sum 1, the likelihood is largest at `shape(theta) = E_p log(1 + theta y)`,
and what remains is a function of theta alone,

    NLL / n = g(theta) = log(shape(theta) / theta) + 1 + shape(theta),    theta > -1 / max y.

Below shape -1 the likelihood has no maximum, so the fit is the best one with shape >= -1: a minimum of g, or
the edge shape = -1, which is the uniform law up to the largest excess. Excesses that cannot pass `longest`
keep `-1 / theta <= longest` too.
Source: Grimshaw (1993), Computing maximum likelihood estimates for the generalized Pareto distribution.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from riskstats._validation import Floats

__all__ = ["ParetoFit", "fit_excesses", "fit_resamples", "log_ratio", "mean_excess_beyond", "profile"]

NEAR_ZERO = 0.01  # where the closed forms of the derivatives cancel and a series takes over
TERMS = np.arange(9)
STEPS = 100
FULL_SEARCH = 4000  # excesses from which every k-th one is enough to see where the minimum lies


class ParetoFit(NamedTuple):
    """`theta = shape / scale`; nll : negative log-likelihood; edge : "", "support" or "shape", what binds."""

    shape: float
    scale: float
    nll: float
    edge: str


def log_ratio(x: Floats) -> tuple[Floats, Floats, Floats]:
    """`log(1 + x) / x` for x > -1 and its first two derivatives, without cancellation."""
    small = np.abs(x) < NEAR_ZERO
    z = np.where(small, 1.0, x)
    log, part = np.log1p(z) / z, 1.0 / (1.0 + z)
    first = (part - log) / z
    second = (-(part**2) - 2.0 * first) / z
    if small.any():
        near = x[small]
        sign = (-1.0) ** TERMS
        log[small] = np.polynomial.polynomial.polyval(near, sign / (TERMS + 1))
        first[small] = np.polynomial.polynomial.polyval(near, -sign * (TERMS + 1) / (TERMS + 2))
        second[small] = np.polynomial.polynomial.polyval(near, sign * (TERMS + 1) * (TERMS + 2) / (TERMS + 3))
    return log, first, second


class Profile(NamedTuple):
    """Per theta: `scale = shape / theta`, shape, g and its first two derivatives, all (R,)."""

    scale: Floats
    shape: Floats
    value: Floats
    slope: Floats
    curvature: Floats


def profile(theta: Floats, y: Floats, p: Floats) -> Profile:
    """The profile likelihood at theta (R,), excesses y (n,), weights p (n,) or (R, n) with sum 1."""
    x = np.maximum(theta[:, np.newaxis] * y, -1.0 + 2.0**-53)  # binds only where p is 0
    terms = zip(log_ratio(x), (y, y**2, y**3), strict=True)
    share = np.broadcast_to(p, x.shape)
    scale, first, second = (np.einsum("rn,rn->r", ratio * power, share) for ratio, power in terms)
    shape = theta * scale
    return Profile(
        scale=scale,
        shape=shape,
        value=np.log(scale) + 1.0 + shape,
        slope=first / scale + scale + theta * first,
        curvature=second / scale - (first / scale) ** 2 + 2.0 * first + theta * second,
    )


def mean_excess_beyond(shape: Floats, scale: Floats, ratio: Floats) -> Floats:
    """`E[Y | Y > y]` for `P(Y > y) = 1 / ratio`: `scale / (1 - shape) (1 + (ratio^shape - 1) / shape)`.

    Elementwise; inf at shape >= 1.
    """
    finite = np.where(shape < 1.0, shape, 0.0)
    return np.where(shape < 1.0, (scale + excess_quantile(finite, scale, ratio)) / (1.0 - finite), np.inf)


def excess_quantile(shape: Floats, scale: Floats, ratio: Floats) -> Floats:
    """The y with `P(Y > y) = 1 / ratio`: `scale (ratio^shape - 1) / shape`, and `scale log ratio` at 0."""
    log, flat = np.log(ratio), shape == 0.0
    safe = np.where(flat, 1.0, shape)
    return scale * np.where(flat, log, np.expm1(safe * log) / safe)


# one sample


def fit_excesses(y: Floats, longest: float = math.inf) -> ParetoFit:
    """Maximum likelihood over shape >= -1 and, where `longest` is finite, an endpoint of at most `longest`.

    y : (n,) excesses > 0, all below `longest`. A minimum inside has gradient 0 to rounding.
    """
    unit = float(y.mean())
    s = y / unit
    top, p = float(s.max()), np.full((1, len(s)), 1.0 / len(s))
    high = -unit / longest if math.isfinite(longest) else math.inf
    found = [(math.log(top), -1.0, top, "shape")]
    found += _candidate(high, s, p, "support") if high < math.inf else []
    for start in _starts(_thinned(s), top, high):
        theta = float(newton(np.array([start]), s, p, np.array([-1.0 / top]))[0])
        found += _candidate(theta, s, p, "") if theta < high else []
    value, shape, scale, edge = min(found)
    return ParetoFit(shape, scale * unit, len(y) * (value + math.log(unit)), edge)


def _candidate(theta: float, s: Floats, p: Floats, edge: str) -> list[tuple[float, float, float, str]]:
    at = profile(np.array([theta]), s, p)
    shape = float(at.shape[0])
    return [(float(at.value[0]), shape, float(at.scale[0]), edge)] if shape >= -1.0 else []


def _thinned(s: Floats) -> Floats:
    """Every k-th order statistic and the largest: the same tail, few enough to look at many thetas."""
    if len(s) <= FULL_SEARCH:
        return s
    return np.append(np.sort(s)[:: len(s) // 1000], s.max())


def _starts(s: Floats, top: float, high: float) -> list[float]:
    """Where a grid sees the lowest minimum of g up to `high` among shapes >= -1: one theta, or none."""
    last = math.log1p(max(high * top, 1e-15 - 1.0)) if high < math.inf else 60.25
    tau = np.append(np.arange(-24.75, min(last, 60.25), 0.5), last)  # 1 + theta max y = exp(tau)
    theta = np.expm1(tau) / top
    shape = np.log1p(np.maximum(theta[:, np.newaxis] * s, -1.0 + 2.0**-53)).mean(axis=1)
    value = np.where(shape < -1.0, np.inf, np.log(shape / theta) + 1.0 + shape)
    below = np.minimum(np.append(np.inf, value[:-1]), np.append(value[1:], np.inf))
    inner = np.flatnonzero((value <= below) & np.isfinite(value))
    return [float(theta[inner[value[inner].argmin()]])] if len(inner) else []


def newton(theta: Floats, s: Floats, p: Floats, low: Floats, tolerance: float = 4e-16) -> Floats:
    """(R,) a stationary point of g above `low` near each start, by Newton's method within a bracket.

    s : (n,). p : (R, n). The bracket holds a point where g falls on its left and one where g rises on its
    right; a step that leaves it is replaced by its geometric middle, counted from `low`.
    """
    left, right = np.array(low), np.full_like(theta, np.inf)
    theta = np.array(theta)
    active = np.arange(len(theta))
    for _ in range(STEPS):
        now = theta[active]
        at = profile(now, s, p[active])
        falls = at.slope < 0
        left[active] = np.where(falls, now, left[active])
        right[active] = np.where(falls, right[active], now)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = now - at.slope / at.curvature
        inside = (at.curvature > 0) & (step > left[active]) & (step < right[active])
        new = np.where(inside, step, _middle(left[active], right[active], low[active]))
        theta[active] = np.where(at.slope == 0, now, new)
        active = active[np.abs(theta[active] - now) > tolerance * (np.abs(now) + 1e-3)]
        if len(active) == 0:
            break
    return theta


def _middle(left: Floats, right: Floats, low: Floats) -> Floats:
    near = np.where(left > low, left - low, np.minimum(right - low, -low) * 1e-4)
    far = np.where(np.isfinite(right), right - low, 1e2 * near + 1.0)
    return low + np.sqrt(near * far)


# many resamples of one sample


def fit_resamples(
    y: Floats, counts: Floats, start: ParetoFit, longest: float = math.inf
) -> tuple[Floats, Floats]:
    """(shapes, scales), each (R,), of resamples that hold excess y_i counts[r, i] times.

    Newton's method for all rows at once, from the fit of the whole sample; a row where it does not end in a
    minimum with shape >= -1 is searched by itself.
    """
    unit = float(y.mean())
    s, p = y / unit, counts / counts.sum(axis=1, keepdims=True)
    top = np.where(counts > 0, s, 0.0).max(axis=1)
    high = -unit / longest if math.isfinite(longest) else math.inf
    begin = np.full(len(p), start.shape / start.scale * unit)
    theta = newton(np.maximum(begin, -(1.0 - 1e-9) / top), s, p, -1.0 / top, 1e-9)
    at = profile(np.minimum(theta, high), s, p)
    shapes, scales = at.shape, at.scale * unit
    settled = (np.abs(at.slope) <= 1e-8) & (at.curvature > 0) | (theta >= high)
    for row in np.flatnonzero(~settled | (shapes < -1.0) | (at.value > np.log(top))):
        fit = fit_excesses(np.repeat(y, counts[row].astype(np.int64)), longest)
        shapes[row], scales[row] = fit.shape, fit.scale
    return shapes, scales
