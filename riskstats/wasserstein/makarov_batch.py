"""Bounds of the law of a sum for many pairs of samples, points and radii at once.

For n equal weights on both sides the transport that brings the share k / n of a sum to z or below is

    T_k = (1 / n) sum_{i < k} ( v1_(i) + v2_(k-1-i) - z )_+^p

nondecreasing in k, and linear in between (`sum_quantiles`). A bisection over whole k finds the last one with
T_k <= R^p for all samples, points and radii together. The partial sums are one kernel for NumPy and JAX;
samples are sorted in NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._jit import Compiled, namespace, resolve_device, while_loop
from riskstats._validation import Floats
from riskstats.wasserstein.exact_order import scaled
from riskstats.wasserstein.makarov import makarov_bounds
from riskstats.wasserstein.makarov_inputs import coefficients, radii_of
from riskstats.wasserstein.result import DistributionBounds
from riskstats.wasserstein.transforms import over_blocks

__all__ = ["MakarovQuestion", "batched_bounds", "batched_shares"]

_TERMS = 2**16
"""Terms of partial sums that are added at a time; on a device 2^26."""
_COMPILED = 2e7  # terms of all partial sums that repay a compilation
_SHORT = 500  # rows up to which NumPy is faster on all samples than on one after the other


def partial_means(first: Any, second: Any, points: Any, radii: Any, counts: Any, order: float) -> Any:
    """(r, k) ``T_c / R^p`` of sorted samples (r, n) for counts c (r, k), points (k,) and radii (k,)."""
    xp = namespace(first, counts)
    n = first.shape[1]
    places = xp.arange(n)
    partner = xp.clip(counts[:, :, np.newaxis] - 1 - places, 0, n - 1)
    sums = first[:, np.newaxis] + xp.take_along_axis(second[:, np.newaxis], partner, axis=2)
    excess = xp.maximum(sums - points[:, np.newaxis], 0.0) / radii[:, np.newaxis]
    taken = xp.where(places < counts[:, :, np.newaxis], excess if order == 1 else excess**order, 0.0)
    return taken.sum(axis=2) / n


def shares_of(first: Any, second: Any, points: Any, radii: Any, order: float) -> Any:
    """(r, k) the last q in [0, 1] with ``T(q) <= R^p``."""
    xp, n = namespace(first, points), first.shape[1]
    shape = (len(first), len(points))

    def halved(state: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        count, low, high = state
        middle = (low + high + 1) // 2
        fits = partial_means(first, second, points, radii, middle, order) <= 1.0
        return count + 1, xp.where(fits, middle, low), xp.where(fits, high, middle - 1)

    start = (0, xp.zeros(shape, dtype=np.int64), xp.full(shape, n, dtype=np.int64))
    k = while_loop(lambda state: state[0] < n.bit_length(), halved, start, xp)[1]
    here = partial_means(first, second, points, radii, k, order)
    ahead = partial_means(first, second, points, radii, xp.minimum(k + 1, n), order)
    rise = xp.where(k < n, ahead - here, 1.0)
    return xp.where(k < n, xp.minimum((k + (1.0 - here) / rise) / n, 1.0), 1.0)


def batched_shares(
    first: Floats, second: Floats, points: Floats, radii: Floats, order: float, device: str = "numpy"
) -> Floats:
    """(r, k) the largest ``P(S <= z)`` for each pair of sorted samples, rows of (r, n), and each (z, R > 0).

    device : "numpy", or "cpu" and "gpu" for compiled code.
    """
    per_pair = first.shape[1] * len(points)
    block = max(1, (2**26 if device == "gpu" else _TERMS) // per_pair)

    def over(first: Any, second: Any, points: Any, radii: Any) -> Any:
        return over_blocks(lambda a, b: shares_of(a, b, points, radii, order), (first, second), block)

    if device == "numpy":
        with np.errstate(over="ignore"):
            return np.asarray(over(first, second, points, radii))
    kernel = _KERNELS.setdefault((order, block), Compiled(over))
    return np.asarray(kernel(first, second, points, radii))


_KERNELS: dict[tuple[float, int], Compiled] = {}


def batched_bounds(
    first: Floats, second: Floats, points: Floats, radii: Floats, order: float, device: str = "numpy"
) -> tuple[Floats, Floats]:
    """(inf P(S <= z), sup P(S <= z)), each (r, k), for unsorted samples (r, n) of equal weights, R > 0."""
    upper = batched_shares(np.sort(first, axis=1), np.sort(second, axis=1), points, radii, order, device)
    low, other = np.sort(-first, axis=1), np.sort(-second, axis=1)
    return 1.0 - batched_shares(low, other, -points, radii, order, device), upper


@dataclass(frozen=True, eq=False)
class MakarovQuestion:
    """`makarov_bounds` as a question for `bounds_interval`, which then asks all resamples at once.

    points, weights, radius, budget, order : as in `makarov_bounds`. device : "numpy", "cpu", "gpu", or
    "auto": an accelerator if there is one, else NumPy, and compiled code where that is repaid.

    Resamples are asked together where both have the same number of rows and R > 0, one by one elsewhere; the
    answers agree to rounding.
    """

    points: npt.ArrayLike
    weights: Any = (1, 1)
    radius: Any = None
    budget: Any = None
    order: float = 1
    device: str = "auto"

    def __call__(self, first: Any, second: Any) -> DistributionBounds:
        """The bounds at two references."""
        return makarov_bounds(
            first,
            second,
            self.points,
            weights=self.weights,
            radius=self.radius,
            budget=self.budget,
            order=self.order,
        )

    def batched(self, samples: list[Floats]) -> tuple[Floats, Floats] | None:
        """(lower, upper), each (r, k), at r pairs of samples (r, n) and (r, m).

        None where there is no kernel, or where one after the other is as fast.
        """
        if len(samples) != 2 or samples[0].shape != samples[1].shape or samples[0].ndim != 2:
            return None
        factors = coefficients(self.weights, 2)
        _, _, distance, order = radii_of((None, None), factors, self.radius, self.budget, self.order)
        if distance == 0.0:
            return None
        points = np.atleast_1d(np.asarray(self.points, dtype=np.float64))
        draws, n = samples[0].shape
        device = _chosen(resolve_device(self.device), draws, n, len(points))
        if device is None:
            return None
        first, second = (scaled(sample, a) for sample, a in zip(samples, factors, strict=True))
        return batched_bounds(first, second, points, np.full(len(points), distance), order, device)


def _chosen(device: str, draws: int, n: int, points: int) -> str | None:
    """Where to run: what is "adaptive" compiles for many terms, and leaves long samples to be asked alone."""
    if device != "adaptive":
        return device
    if draws * points * n * n.bit_length() >= _COMPILED:
        return "cpu"
    return "numpy" if n <= _SHORT else None
