"""P(each grade) when the rate and the reference are known from counts: quadrature over their posteriors.

With independent laws of the rate u and of the reference r,

    P(grade) = integral P(u in the band of the grade at r) dP(r),

and the band has ends max(cut r, excellent), so the inner probability is a difference of two values of the
distribution function of u. The reference may be the minimum of several rates: the minimum lies at rate j with
density f_j(r) prod_{i != j} P(r_i > r). Each integral runs over the normal score of r, in panels that follow
both laws, by Gauss-Legendre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from riskstats._validation import Floats
from riskstats.harm.grade_scale import GradeScale

__all__ = ["BetaRate", "KnownRate", "RateLaw", "TabulatedRate", "grade_probabilities", "mean_rate"]

_REACH = 8.5  # normal scores beyond which nothing is left
_NODES, _CELLS = 16, 32_768


class RateLaw(Protocol):
    """A law on [0, 1]: distribution function, its complement, and quantiles at normal scores."""

    def cdf(self, x: Floats) -> Floats: ...

    def sf(self, x: Floats) -> Floats: ...

    def at_score(self, z: Floats) -> Floats: ...


@dataclass(frozen=True)
class BetaRate:
    """Beta(a, b), the posterior of a rate."""

    a: float
    b: float

    def cdf(self, x: Floats) -> Floats:
        from scipy.special import betainc

        return np.asarray(betainc(self.a, self.b, np.clip(x, 0.0, 1.0)))

    def sf(self, x: Floats) -> Floats:
        from scipy.special import betaincc

        return np.asarray(betaincc(self.a, self.b, np.clip(x, 0.0, 1.0)))

    def at_score(self, z: Floats) -> Floats:
        from scipy.special import betainccinv, betaincinv, ndtr

        low = betaincinv(self.a, self.b, ndtr(np.minimum(z, 0.0)))
        return np.where(z < 0.0, low, betainccinv(self.a, self.b, ndtr(-np.maximum(z, 0.0))))


@dataclass(frozen=True, eq=False)
class TabulatedRate:
    """A law by its distribution function at points (k,), linear between them."""

    points: Floats
    below: Floats

    def cdf(self, x: Floats) -> Floats:
        return np.interp(x, self.points, self.below, left=0.0, right=1.0)

    def sf(self, x: Floats) -> Floats:
        return 1.0 - self.cdf(x)

    def at_score(self, z: Floats) -> Floats:
        from scipy.special import ndtr

        return np.interp(ndtr(z), self.below, self.points)


@dataclass(frozen=True)
class KnownRate:
    """A rate without error."""

    value: float


def mean_rate(laws: Sequence[BetaRate]) -> BetaRate | TabulatedRate:
    """The law of the unweighted mean of independent rates, by convolution on a common grid."""
    if len(laws) == 1:
        return laws[0]
    ends = np.array([law.at_score(np.array([-_REACH, _REACH])) for law in laws])
    step = float((ends[:, 1] - ends[:, 0]).sum()) / _CELLS
    mass = np.ones(1)
    for law, (low, high) in zip(laws, ends, strict=True):
        edges = low + step * np.arange(np.ceil((high - low) / step) + 1)
        mass = _convolved(mass, np.diff(law.cdf(edges)))
    below = np.concatenate([[0.0], np.cumsum(mass)])
    start = ends[:, 0].sum() + 0.5 * step * (len(laws) - 1)
    points = (start + step * np.arange(len(below))) / len(laws)
    return TabulatedRate(points, below / below[-1])


def _convolved(left: Floats, right: Floats) -> Floats:
    """The full convolution, by fast Fourier transform; rounding below 0 is cut off."""
    size = len(left) + len(right) - 1
    padded = 1 << (size - 1).bit_length()
    product = np.fft.rfft(left, padded) * np.fft.rfft(right, padded)
    return np.maximum(np.fft.irfft(product, padded)[:size], 0.0)


def grade_probabilities(
    rate: RateLaw, references: Sequence[RateLaw] | KnownRate, scale: GradeScale
) -> Floats:
    """(5,) the probability of each grade, in the order of `GRADES`; several references mean their minimum."""
    if isinstance(references, KnownRate):
        found = _bands(rate, np.array([references.value]), scale)[:, 0]
    else:
        parts = [_integral(rate, references, own, scale) for own in range(len(references))]
        found = np.sum(parts, axis=0)
    return np.clip(found / found.sum(), 0.0, 1.0)


def _bands(rate: RateLaw, reference: Floats, scale: GradeScale) -> Floats:
    """(5, k) probability of each grade at each reference rate."""
    first = np.full_like(reference, float(scale.excellent))
    cuts = [np.maximum(float(cut) * reference, first) for cut in (scale.very_good, scale.fair, scale.poor)]
    below = [rate.cdf(cut) for cut in (first, *cuts)]
    return np.stack(
        [rate.sf(cuts[2]), below[3] - below[2], below[2] - below[1], below[1] - below[0], below[0]]
    )


def _integral(rate: RateLaw, references: Sequence[RateLaw], own: int, scale: GradeScale) -> Floats:
    """(5,) the part of each probability where the reference numbered `own` is the smallest."""
    law, others = references[own], [each for i, each in enumerate(references) if i != own]
    z, weights = _panels(_breaks(rate, law, others, scale))
    at = law.at_score(z)
    for other in others:
        weights = weights * other.sf(at)
    return _bands(rate, at, scale) @ weights


def _breaks(rate: RateLaw, law: RateLaw, others: Sequence[RateLaw], scale: GradeScale) -> Floats:
    """Sorted normal scores of `law` at which an integrand bends or moves."""
    from scipy.special import ndtri

    regular = np.arange(-8.0, 9.0)
    cuts = np.array([float(cut) for cut in (scale.very_good, scale.fair, scale.poor)])
    places = [float(scale.excellent) / cuts, (rate.at_score(regular) / cuts[:, np.newaxis]).ravel()]
    places += [other.at_score(regular) for other in others]
    at = np.concatenate(places)
    with np.errstate(divide="ignore"):
        scores = np.where(law.cdf(at) < 0.5, ndtri(law.cdf(at)), -ndtri(law.sf(at)))
    inside = scores[np.abs(scores) < _REACH]
    return np.unique(np.concatenate([[-_REACH, _REACH], regular, inside]))


def _panels(breaks: Floats) -> tuple[Floats, Floats]:
    """Nodes between consecutive breaks, and weights that hold the normal density."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half = 0.5 * np.diff(breaks)[:, np.newaxis]
    z = (breaks[:-1, np.newaxis] + half * (1.0 + nodes)).ravel()
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    return z, (half * weights).ravel() * density
