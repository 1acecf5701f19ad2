"""The tail of a stream or of many shards, exactly: merge in any order and grouping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, Integers, finite_vector, sample_weights, whole_number
from riskstats._validation import level as checked_level
from riskstats.distribution import LEVEL_SLACK, Distribution, Side
from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.results import Result
from riskstats.tail.exact_sum import ExactSum

__all__ = ["MergeableTail"]

FORMAT = "riskstats mergeable tail"


class Rows(NamedTuple):
    """Losses (k,), their weights, and how many rows each stands for."""

    atoms: Floats
    weights: Floats
    counts: Integers

    def where(self, kept: np.ndarray) -> Rows:
        return Rows(self.atoms[kept], self.weights[kept], self.counts[kept])

    def followed_by(self, more: Rows) -> Rows:
        counts = np.concatenate([self.counts, more.counts])
        return Rows(np.append(self.atoms, more.atoms), np.append(self.weights, more.weights), counts)


@dataclass(frozen=True, eq=False)
class MergeableTail(Result):
    """The largest `capacity` distinct losses with their weights, the total weight and the exact sum.

    `MergeableTail(capacity)` is empty; `update` and `merge` give new ones. Both are associative and
    commutative: a loss that is among the largest of the whole is among the largest of every part. With at
    most `capacity` distinct losses every level is exact; with more, a level is exact as long as its tail fits
    in what is kept, and an error beyond that.

    Attributes
    ----------
    capacity : distinct losses that are kept.
    n : rows of positive weight.
    atoms, weights, counts : (k,) kept losses, increasing, their summed weights, and how many rows they hold.
    total, weighted_sum : exact sums of the weights and of weight times loss, dropped losses included.
    lightest : smallest positive weight of a row; inf if empty.

    Whole-number weights with a sum below 2^53 give the same bits in any grouping; so do the mean and the
    total of any weights. Memory: 24 bytes for each kept loss.
    """

    capacity: int
    n: int = field(default=0, init=False)
    atoms: Floats = field(default_factory=lambda: np.empty(0), init=False, repr=False)
    weights: Floats = field(default_factory=lambda: np.empty(0), init=False, repr=False)
    counts: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64), init=False, repr=False)
    total: ExactSum = field(default=ExactSum(), init=False, repr=False)
    weighted_sum: ExactSum = field(default=ExactSum(), init=False, repr=False)
    lightest: float = field(default=math.inf, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "capacity", whole_number(self.capacity, "capacity", low=1))

    # building

    def update(self, losses: Any, sample_weight: npt.ArrayLike | None = None) -> MergeableTail:
        """This tail with more losses (n,), each of weight 1 or of `sample_weight`; none is no change.

        `InvalidInput`: NaN or infinite losses, negative weights or only zeros.
        """
        if np.size(losses) == 0:
            return self
        x = finite_vector(losses, "losses")
        w = sample_weights(sample_weight, len(x))
        x, w = x[w > 0], w[w > 0]
        part = self._of(
            n=len(x),
            total=ExactSum.of(w),
            weighted_sum=ExactSum.of(x) if sample_weight is None else ExactSum.of_products(x, w),
            lightest=float(w.min()),
            rows=self._worth_keeping(Rows(x, w, np.ones(len(x), dtype=np.int64))),
        )
        return self.merge(part)

    def merge(self, other: MergeableTail) -> MergeableTail:
        """The tail of both; `InvalidInput` where capacities differ."""
        if not isinstance(other, MergeableTail) or other.capacity != self.capacity:
            got = getattr(other, "capacity", type(other).__name__)
            raise InvalidInput(f"`merge` needs a MergeableTail of capacity {self.capacity}; got {got}.")
        return self._of(
            n=self.n + other.n,
            total=self.total + other.total,
            weighted_sum=self.weighted_sum + other.weighted_sum,
            lightest=min(self.lightest, other.lightest),
            rows=self._rows.followed_by(other._rows),
        )

    @property
    def _rows(self) -> Rows:
        return Rows(self.atoms, self.weights, self.counts)

    def _of(self, *, rows: Rows, **fields: Any) -> MergeableTail:
        made = MergeableTail(self.capacity)
        for name, value in {**fields, **_largest(rows, self.capacity)._asdict()}.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(made, name, value)
        return made

    def _worth_keeping(self, rows: Rows) -> Rows:
        """The rows that can be kept: where the tail is full, those not below its smallest atom."""
        return rows if len(self.atoms) < self.capacity else rows.where(rows.atoms >= self.atoms[0])

    # reading

    @property
    def complete(self) -> bool:
        """Whether no loss was dropped, so that every level is exact."""
        return int(self.counts.sum()) == self.n

    @property
    def lowest_level(self) -> float:
        """Share of the weight that was dropped: levels above it are exact, and CVaR at it."""
        if self.complete:
            return 0.0
        return max(0.0, 1.0 - ExactSum.of(self.weights).over(self.total))

    def mean(self) -> float:
        """The weighted mean of all losses, correctly rounded."""
        self._not_empty()
        return self.weighted_sum.over(self.total)

    def value_at_risk(self, level: float, *, side: Side = "lower") -> float:
        """Quantile at `level`; `InvalidInput` where it lies among the dropped losses."""
        law = self._law()
        found = law.quantile(checked_level(level), side)
        if found < self.atoms[0]:
            raise self._beyond(level)
        return found

    def cvar(self, level: float) -> float:
        """Mean of the worst `1 - level`; `InvalidInput` where that tail is not all kept."""
        measure, law = CVaR(level), self._law()
        if measure.level == 0.0:
            return self.mean()
        if self.lowest_level > measure.level + LEVEL_SLACK:
            raise self._beyond(level)
        return measure.of(law)

    def _law(self) -> Distribution:
        """The kept losses and, for all that was dropped, one stand-in below them."""
        self._not_empty()
        if self.complete:
            return Distribution(self.atoms, self.weights)
        rest = max(0, self.total.units - ExactSum.of(self.weights).units)
        stand_in = float(self.atoms[0]) - max(1.0, abs(float(self.atoms[0])))
        return Distribution(np.append(stand_in, self.atoms), np.append(float(ExactSum(rest)), self.weights))

    def _not_empty(self) -> None:
        if self.n == 0:
            raise InvalidInput("the tail is empty; call `update` with losses first.")

    def _beyond(self, level: float) -> InvalidInput:
        """Each further atom weighs at least as much as the lightest row, so this many more are enough."""
        missing = (self.lowest_level - level) * float(self.total)
        more = math.floor(missing / self.lightest * (1.0 + 4 * LEVEL_SLACK)) + 1
        needed = self.capacity + min(max(more, 1), self.n - int(self.counts.sum()))
        return InvalidInput(
            f"`level` {level:g} reaches below the {self.capacity} distinct losses that are kept, which "
            f"answer levels above {self.lowest_level:.6g}. Build the tail with `capacity={needed}`, which is "
            "always enough for it."
        )

    # writing

    def summary(self) -> str:
        """How much is kept, and which levels it answers."""
        if self.n == 0:
            return f"An empty tail of capacity {self.capacity}."
        answers = "every level" if self.complete else f"levels above {self.lowest_level:.6g}"
        return (
            f"{len(self.atoms)} distinct losses kept of {self.n} rows, total weight "
            f"{float(self.total):.10g}, mean {self.mean():.6g}, largest {self.atoms[-1]:.6g}; "
            f"{answers} exact."
        )

    def __str__(self) -> str:
        return self.summary()

    def to_dict(self) -> dict[str, Any]:
        """Everything, in plain Python types: `MergeableTail.from_dict` gives the same tail, bit for bit."""
        return {
            "format": FORMAT,
            "version": 1,
            "capacity": self.capacity,
            "n": self.n,
            "atoms": self.atoms.tolist(),
            "weights": self.weights.tolist(),
            "counts": self.counts.tolist(),
            "total": self.total.to_dict(),
            "weighted_sum": self.weighted_sum.to_dict(),
            "lightest": None if math.isinf(self.lightest) else self.lightest,
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> MergeableTail:
        """The tail that `to_dict` wrote; `InvalidInput` if it is of another format or damaged."""
        if not isinstance(written, Mapping) or written.get("format") != FORMAT or written.get("version") != 1:
            raise InvalidInput(f"this is not a '{FORMAT}' of version 1. Write one with `to_dict`.")
        try:
            tail, n, lightest = cls(written["capacity"]), int(written["n"]), written["lightest"]
            atoms, weights = (np.array(written[name], dtype=np.float64) for name in ("atoms", "weights"))
            rows = Rows(atoms, weights, np.array(written["counts"], dtype=np.int64))
            sums = {name: ExactSum.from_dict(written[name]) for name in ("total", "weighted_sum")}
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InvalidInput(f"the tail is damaged: {error!r}. Write it again with `to_dict`.") from error
        if not _sound(rows, sums["total"], tail.capacity, n):
            raise InvalidInput("the tail is damaged: its losses, weights and total do not fit together.")
        return tail._of(n=n, lightest=math.inf if lightest is None else float(lightest), rows=rows, **sums)


def _largest(rows: Rows, capacity: int) -> Rows:
    """The largest distinct losses, increasing, with summed weights and counts."""
    rows = _upper_part(rows, capacity)
    order = np.argsort(rows.atoms, kind="stable")
    x = rows.atoms[order] + 0.0  # -0 is 0
    if len(x) == 0:
        return rows
    first = np.flatnonzero(np.append(True, x[1:] > x[:-1]))[-capacity:]
    weights, counts = (np.add.reduceat(column[order], first) for column in rows[1:])
    return Rows(x[first], weights, counts)


def _upper_part(rows: Rows, capacity: int) -> Rows:
    """Fewer rows with the same largest losses, where they are easy to find."""
    rank = len(rows.atoms) - 4 * capacity
    if rank <= len(rows.atoms) // 2:
        return rows
    upper = rows.where(rows.atoms >= np.partition(rows.atoms, rank)[rank])
    return upper if len(np.unique(upper.atoms)) >= capacity else rows


def _sound(rows: Rows, total: ExactSum, capacity: int, n: int) -> bool:
    """Whether what was read can be a tail."""
    atoms, weights, counts = rows
    return (
        atoms.ndim == 1
        and atoms.shape == weights.shape == counts.shape
        and len(atoms) <= capacity
        and (n > 0) == (len(atoms) > 0) == (total.units > 0)
        and bool(np.isfinite(atoms).all() and np.isfinite(weights).all() and (np.diff(atoms) > 0).all())
        and bool((weights > 0).all() and (counts > 0).all())
        and int(counts.sum()) <= n
    )
