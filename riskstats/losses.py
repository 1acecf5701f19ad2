"""Losses of a score: value, slope and curvature, written once for NumPy and JAX.

The logistic loss of a label y in {-1, +1} at a score z (in logits) is ``softplus(-y z)``. With
``softplus(-z) = softplus(z) - z`` every weighted sample with repeated rows takes the form

    sum_r (a_r + c_r) softplus(z_r) - a_r z_r                a = weight of the positives, c = of the
    negatives,

so the functions below are all that the logistic model needs. They are 1-Lipschitz in z, with curvature at
most 1/4. Each accepts an array of any shape of either library and returns the same kind.
"""

from __future__ import annotations

from typing import Any

from riskstats._jit import namespace

__all__ = [
    "binary_entropy",
    "chord_interpolant",
    "chord_slope",
    "chord_support",
    "sigmoid",
    "softplus",
    "softplus_curvature",
    "softplus_tangent",
    "softplus_terms",
]


def softplus(z: Any) -> Any:
    """Return log(1 + exp(z)), computed as max(z, 0) + log1p(exp(-|z|)): no overflow, full relative
    precision."""
    xp = namespace(z)
    return xp.maximum(z, 0.0) + xp.log1p(xp.exp(-xp.abs(z)))


def sigmoid(z: Any) -> Any:
    """Return 1 / (1 + exp(-z)), the slope of `softplus`, accurate in both tails."""
    xp = namespace(z)
    small = xp.exp(-xp.abs(z))
    return xp.where(z >= 0, 1.0, small) / (1.0 + small)


def softplus_curvature(z: Any) -> Any:
    """Return the second derivative of `softplus`: sigmoid(z) sigmoid(-z), in (0, 1/4]."""
    xp = namespace(z)
    small = xp.exp(-xp.abs(z))
    return small / ((1.0 + small) * (1.0 + small))


def softplus_terms(z: Any) -> tuple[Any, Any, Any]:
    """Return `softplus`, `sigmoid` and `softplus_curvature` at z for the price of one exponential."""
    xp = namespace(z)
    small = xp.exp(-xp.abs(z))
    whole = 1.0 + small
    inverse = 1.0 / whole
    value = xp.maximum(z, 0.0) + xp.log1p(small)
    return value, xp.where(z >= 0, inverse, small * inverse), small * inverse * inverse


def binary_entropy(z: Any) -> Any:
    """Return softplus(z) - z sigmoid(z), the intercept at 0 of the tangent of `softplus` at z.

    It is the entropy, in nats, of a coin with probability sigmoid(z); even in z, so it is formed at -|z|,
    where the two terms do not cancel.
    """
    xp = namespace(z)
    low = -xp.abs(z)
    small = xp.exp(low)
    return xp.log1p(small) - low * small / (1.0 + small)


def softplus_tangent(z: Any) -> tuple[Any, Any, Any]:
    """Return `softplus`, `sigmoid` and `binary_entropy` at z for the price of one exponential and one
    logarithm."""
    xp = namespace(z)
    size = xp.abs(z)
    small = xp.exp(-size)
    inverse = 1.0 / (1.0 + small)
    logarithm = xp.log1p(small)
    other = small * inverse
    return (
        xp.maximum(z, 0.0) + logarithm,
        xp.where(z >= 0, inverse, other),
        logarithm + size * other,
    )


def chord_interpolant(z: Any, spacing: float) -> Any:
    """Return the piecewise linear function that equals `softplus` at every multiple of `spacing`.

    It is convex, never below `softplus`, and above it by at most spacing**2 / 32 between the multiples.
    """
    xp = namespace(z)
    left = xp.floor(z / spacing) * spacing
    return softplus(left) + (z - left) * chord_slope(left, spacing)


def chord_slope(z: Any, spacing: Any) -> Any:
    """Return (softplus(z + spacing) - softplus(z)) / spacing to full relative precision.

    The difference equals log(1 + sigmoid(z) (exp(spacing) - 1)), in which nothing cancels; for z >= 0 it is
    taken as spacing + log(1 + sigmoid(-z) (exp(-spacing) - 1)), in which nothing overflows.
    """
    xp = namespace(z)
    growth = xp.minimum(z + spacing + xp.log(-xp.expm1(-spacing)), 700.0)
    below = xp.log1p(sigmoid(-z) * xp.exp(growth)) / spacing
    above = 1.0 + xp.log1p(sigmoid(-xp.maximum(z, 0.0)) * xp.expm1(-spacing)) / spacing
    return xp.clip(xp.where(z < 0, below, above), 0.0, 1.0)


def chord_support(z: Any, spacing: float, window: float) -> tuple[Any, Any, Any, Any]:
    """Return (value, slope, curvature, intercept) of the chord interpolant with its kinks rounded off.

    Within `window` (0 < window <= spacing / 2) of a multiple of `spacing` the slope runs linearly from the
    chord on the left to the chord on the right; `value` is the integral of that slope. Outside the windows
    `curvature` is a tenth of its average, which keeps Newton's method from running off. The line
    ``intercept + slope * x`` passes through the nearest knot with a slope between its two chords, hence
    lies below the interpolant everywhere and below `softplus` at every multiple of `spacing`: a valid bound
    whatever the window.
    """
    xp = namespace(z)
    knot = xp.round(z / spacing) * spacing
    at_knot = softplus(knot)
    left, right = chord_slope(knot - spacing, spacing), chord_slope(knot, spacing)
    offset = z - knot
    share = xp.clip((offset + window) / (2.0 * window), 0.0, 1.0)
    slope = left + (right - left) * share
    inside = xp.abs(offset) < window
    curvature = (right - left) * xp.where(inside, 0.5 / window, 0.1 / spacing)
    outside = at_knot + xp.where(offset < 0, left, right) * offset
    lift = xp.where(inside, (right - left) * (window - xp.abs(offset)) ** 2 / (4.0 * window), 0.0)
    return outside + lift, slope, curvature, at_knot - slope * knot
