"""What a measure of risk is: a functional of the law of the losses.

To add a measure, write one file with a frozen dataclass that gives `of`; every band then bounds it. A measure
that is a weighted average of quantiles gives `integrated_spectrum` instead and is fast on many samples.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar, overload

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, as_table, finite_vector, sample_weights
from riskstats.distribution import Distribution
from riskstats.envelope import Rows
from riskstats.exceptions import IncompatibleBound, InvalidInput

__all__ = ["AtomMeasure", "RiskMeasure", "SpectralMeasure", "evaluated"]

BLOCK = 2**24  # losses handled at once: 128 MiB in float64
LARGEST = 1e300  # sums and differences of smaller losses do not overflow


class RiskMeasure(ABC):
    """A law-invariant measure; subclasses are frozen dataclasses whose fields are its parameters.

    Attributes
    ----------
    two_sided : whether it is not monotone in the losses, so that a bound needs both edges of a band.
    equivariant : whether `R(a + b X) = a + b R(X)` for b > 0.
    """

    two_sided: ClassVar[bool] = False
    equivariant: ClassVar[bool] = True

    def __call__(self, losses: Any, sample_weight: Any = None) -> Any:
        """A float for a `Distribution` or a sample (n,), an array (m,) for the rows of (m, n)."""
        return evaluated(self, losses, sample_weight)

    def __str__(self) -> str:
        given: list[str] = [each.name for each in fields(self) if each.init] if is_dataclass(self) else []
        shown = [_shown(name, getattr(self, name)) for name in given]
        inside = ", ".join(filter(None, shown))
        return f"{type(self).__name__}({inside})" if inside else type(self).__name__

    @abstractmethod
    def of(self, law: Distribution) -> float:
        """The measure of a law."""

    @property
    def levels(self) -> tuple[float, float]:
        """(lowest, highest) level of the quantiles that the measure looks at."""
        return (0.0, 1.0)

    @property
    def coherent(self) -> bool:
        """Whether it is monotone, translation equivariant, positively homogeneous and subadditive."""
        return False

    def check_support(self, support: tuple[float, float]) -> None:  # noqa: B027
        """`InvalidInput` where the measure has no meaning, or no bound, on losses in `support`."""

    def of_samples(self, samples: Floats) -> Floats:
        """(m,) the measure of every row of (m, n) finite, equally weighted losses in any order."""
        return self.of_rows(Rows(np.sort(samples, axis=1), steps(samples.shape[1])))

    def of_weighted(self, sample: Floats, weights: Floats) -> float:
        """The measure of (n,) finite losses with weights >= 0."""
        return self.of(Distribution(sample, weights))

    def of_rows(self, rows: Rows) -> Floats:
        """The measure of every row; cumulative probabilities are taken exactly, without slack."""
        finite = np.isfinite(rows.atoms[:, -1])
        laws = (Distribution.from_cumulative(atoms, rows.cumulative) for atoms in rows.atoms[finite])
        values = np.full(len(finite), np.inf)
        values[finite] = [self.of(law) for law in laws]
        return values

    def first_atom(self, cumulative: Floats) -> int:
        """How many of the smallest atoms may be merged into the next without changing the measure."""
        return 0

    def upper_rows(self, worst: Rows, best: Rows | None) -> Floats:
        """The largest value over laws between `best` and `worst`; two-sided measures override this."""
        return self.of_rows(worst)

    def lower_rows(self, worst: Rows | None, best: Rows) -> Floats:
        """The smallest value over laws between `best` and `worst`; two-sided measures override this."""
        return self.of_rows(best)

    def needs_both(self, worst: Rows | None, best: Rows | None) -> tuple[Rows, Rows]:
        """Both edges of a band; `IncompatibleBound` where one is missing."""
        if worst is None or best is None:
            side = "lower" if best is None else "upper"
            raise IncompatibleBound(f"`{self}` needs both sides of the band; got side='{side}'.")
        return worst, best


class SpectralMeasure(RiskMeasure):
    """A weighted average of quantiles: `R = int_0^1 q(u) psi(u) du` with psi >= 0 and integral 1.

    `R = sum_k x_(k) [Psi(F_k) - Psi(F_(k-1))]`, `Psi(p) = int_0^p psi`.

    Attributes
    ----------
    flat : whether psi is constant between `levels` and 0 outside, so that the losses there need no order.
    """

    flat: ClassVar[bool] = False

    @abstractmethod
    def integrated_spectrum(self, p: Floats) -> Floats:
        """`Psi(p)`, increasing from 0 to 1; elementwise."""

    def weights(self, cumulative: Floats) -> Floats:
        """Weight of each atom, sum 1: its share in the average."""
        return np.maximum(np.diff(self.integrated_spectrum(cumulative), prepend=0.0), 0.0)

    def rank_weights(self, first: int, last: int, n: int) -> Floats:
        """Weights of the order statistics first ... last (from 0) of n equal ones; those before have none."""
        return self.weights(np.arange(first + 1, last + 2) / n)

    def of(self, law: Distribution) -> float:
        return float(average(law.atoms, self.weights(law.cumulative)))

    def of_samples(self, samples: Floats) -> Floats:
        n = samples.shape[1]
        start = max(math.floor(self.levels[0] * n) - 1, 0)
        weights = self.rank_weights(start, min(math.ceil(self.levels[1] * n), n - 1), n)
        first, last = np.flatnonzero(weights)[[0, -1]]
        weights = weights[first : last + 1]
        tail = window(samples, start + first, start + last)
        if self.flat and len(weights) > 2:
            weights[1:-1] = weights[1:-1].mean()
        if not self.flat or (start + last == n - 1 and self.levels[1] < 1.0):
            tail = np.sort(tail, axis=1)
        return average(tail, weights)

    def of_rows(self, rows: Rows) -> Floats:
        weights = self.weights(rows.cumulative)
        first, last = np.flatnonzero(weights)[[0, -1]]
        return average(rows.atoms[:, first : last + 1], weights[first : last + 1])

    def first_atom(self, cumulative: Floats) -> int:
        return int(np.flatnonzero(self.weights(cumulative))[0])


class AtomMeasure(RiskMeasure):
    """A measure given by a kernel on atoms and their probabilities, for many laws at once."""

    @abstractmethod
    def of_atoms(self, atoms: Floats, mass: Floats) -> Floats:
        """(m,) the measure of finite atoms (m, k), rows nondecreasing, with probabilities (k,) > 0, sum 1."""

    def of(self, law: Distribution) -> float:
        return float(self.of_atoms(law.atoms[np.newaxis], law.weights)[0])  # type: ignore[arg-type]

    def of_samples(self, samples: Floats) -> Floats:
        n = samples.shape[1]
        return self.of_atoms(np.sort(samples, axis=1), np.full(n, 1.0 / n))

    def of_rows(self, rows: Rows) -> Floats:
        values = np.full(len(rows.atoms), np.inf)
        finite = np.isfinite(rows.atoms[:, -1])
        mass = np.diff(rows.cumulative, prepend=0.0)
        values[finite] = self.of_atoms(rows.atoms[finite][:, mass > 0], mass[mass > 0])
        return values


def average(atoms: Floats, weights: Floats) -> Floats:
    """`atoms @ weights` along the last axis for weights of sum 1, kept between the extreme atoms."""
    return np.clip(atoms @ weights, atoms.min(axis=-1), atoms.max(axis=-1))


def steps(n: int) -> Floats:
    """(n,) the cumulative probabilities `k / n` of n equal weights."""
    return np.arange(1, n + 1) / n


def window(samples: Floats, first: int, last: int) -> Floats:
    """(m, last - first + 1) the order statistics first ... last (from 0) of every row.

    The first is in its place, and so is the last unless it is the maximum; those between are in any order.
    """
    if last < samples.shape[1] - 1:
        samples = np.partition(samples, last, axis=1)[:, : last + 1]
    return np.partition(samples, first, axis=1)[:, first:] if first > 0 or last > 0 else samples


@overload
def evaluated(
    measure: RiskMeasure, losses: Distribution, sample_weight: npt.ArrayLike | None = None
) -> float: ...
@overload
def evaluated(
    measure: RiskMeasure, losses: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
) -> float | Floats: ...
def evaluated(
    measure: RiskMeasure, losses: Any, sample_weight: npt.ArrayLike | None = None
) -> float | Floats:
    """The measure of one sample (n,), or of every row of (m, n); weights (n,) belong to the units.

    The columns of a frame or of a dict are samples, its rows are units. `InvalidInput`: empty, text, NaN,
    infinite or larger than 1e300; weights that are negative, all zero or do not match.
    """
    if isinstance(losses, Distribution):
        if sample_weight is not None:
            raise InvalidInput("a `Distribution` has its own weights; got `sample_weight` too. Drop it.")
        return measure.of(losses)
    samples, single = _samples(losses)
    values = _of_each(measure, samples, sample_weight)
    return float(values[0]) if single else values


def _of_each(measure: RiskMeasure, samples: Floats, sample_weight: Any) -> Floats:
    if sample_weight is None:
        return np.concatenate([measure.of_samples(block) for block in _blocks(samples)])
    weights = sample_weights(sample_weight, samples.shape[1])
    return np.array([measure.of_weighted(row, weights) for row in samples])


def _blocks(samples: Floats) -> Iterator[Floats]:
    rows = max(1, BLOCK // samples.shape[1])
    return (samples[start : start + rows] for start in range(0, len(samples), rows))


def _samples(losses: Any) -> tuple[Floats, bool]:
    """Losses as ((m, n) finite float64, whether there was one sample without a row axis)."""
    if isinstance(losses, Mapping) or hasattr(losses, "columns"):
        losses = as_table(losses, name="losses").values().T
    try:
        array = np.asarray(losses, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`losses` must be numbers, (n,) or (m, n); {error}.") from error
    if array.ndim != 2:
        if array.ndim != 1 or array.size == 0:
            finite_vector(array, "losses")
        return _finite(array[np.newaxis]), True
    if array.size == 0:
        raise InvalidInput("`losses` is empty; at least one loss is needed.")
    return _finite(array), False


def _finite(samples: Floats) -> Floats:
    """The samples, unless one of them is missing or too large to be summed."""
    low, high = float(samples.min()), float(samples.max())
    if math.isfinite(low) and math.isfinite(high):
        if max(-low, high) > LARGEST:
            raise InvalidInput(f"`losses` reach {max(-low, high):.3g} in size. Rescale them.")
        return samples
    if len(samples) == 1:
        finite_vector(samples[0], "losses")
    bad = ~np.isfinite(samples)
    row, column = np.unravel_index(int(bad.argmax()), bad.shape)
    raise InvalidInput(
        f"`losses` has {int(np.isnan(samples).sum())} NaN and {int(np.isinf(samples).sum())} infinite "
        f"values, first at ({row}, {column}). Drop them or model missingness; they are not zeros."
    )


def _shown(name: str, value: Any) -> str:
    """A parameter as people write it: 0.9, lower, the name of a function; a flag only where it is set."""
    if isinstance(value, bool):
        return name if value else ""
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return getattr(value, "__name__", None) or str(value)
