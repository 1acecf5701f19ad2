"""Partial knowledge of the weights of severity, extent and likelihood: an order, or an interval for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from riskstats._validation import finite_vector, positive_number
from riskstats.exceptions import Infeasible, InvalidInput
from riskstats.harm.linear_range import Polyhedron, smallest

__all__ = ["HarmWeights"]


@dataclass(frozen=True)
class HarmWeights:
    """The set of weights `omega >= 0` that are compatible with what is known.

    `HarmWeights.simplex` and `HarmWeights.intervals` are the two common sets; here both can be joined.

    Parameters
    ----------
    names : m different names, one per component.
    order : pairs (a, b): the weight of a is at least that of b.
    lower, upper : (m,) ends, `0 <= lower <= upper`; None is 0 and `total`.
    total : what the weights sum to; None leaves the sum free, and needs `upper`.
    """

    names: tuple[str, ...]
    order: tuple[tuple[str, str], ...] = ()
    lower: tuple[float, ...] | None = None
    upper: tuple[float, ...] | None = None
    total: float | None = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", _names(self.names))
        object.__setattr__(self, "order", tuple((str(a), str(b)) for a, b in self.order))
        for a, b in self.order:
            unknown = [name for name in (a, b) if name not in self.names]
            if unknown:
                raise InvalidInput(f"`order` names {unknown[0]!r}; the weights are {', '.join(self.names)}.")
        if self.total is not None:
            positive_number(self.total, "total")
        self._check_ends()
        self._check_feasible()

    @classmethod
    def simplex(cls, names: Sequence[str], order: Sequence[Any] = ()) -> HarmWeights:
        """Weights >= 0 of sum 1; `order` holds pairs (a, b), or is a chain of names from the heaviest.

        In `("severity", "extent", "likelihood")` each weighs at least as much as the next.
        """
        chain = len(order) > 1 and all(isinstance(name, str) for name in order)
        pairs = tuple(pairwise(order)) if chain else tuple(order)
        return cls(tuple(names), order=pairs)

    @classmethod
    def intervals(
        cls,
        lower: Sequence[float],
        upper: Sequence[float],
        names: Sequence[str] | None = None,
        *,
        total: float | None = None,
    ) -> HarmWeights:
        """Weights between `lower` and `upper`, one by one; with `total` their sum is known too."""
        named = tuple(f"w{k + 1}" for k in range(len(lower))) if names is None else tuple(names)
        return cls(named, lower=tuple(lower), upper=tuple(upper), total=total)

    def __str__(self) -> str:
        told = [] if self.total is None else [f"of sum {self.total:g}"]
        told += [f"{a} >= {b}" for a, b in self.order]
        told += ["in intervals"] if self.lower is not None or self.upper is not None else []
        return f"weights of {', '.join(self.names)} ({', '.join(told)})" if told else ", ".join(self.names)

    def polyhedron(self) -> Polyhedron:
        """The weights as points (omega_1, ..., omega_m)."""
        size = len(self.names)
        top = math.inf if self.total is None else self.total
        high = np.full(size, top) if self.upper is None else np.minimum(self.upper, top)
        low = np.zeros(size) if self.lower is None else np.array(self.lower, dtype=np.float64)
        rows = np.zeros((len(self.order), size))
        for row, (a, b) in zip(rows, self.order, strict=True):
            row[self.names.index(a)], row[self.names.index(b)] = -1.0, 1.0
        if self.total is None:
            return Polyhedron(low, high, rows, np.zeros(len(rows)))
        total = np.array([float(self.total)])
        return Polyhedron(low, high, rows, np.zeros(len(rows)), np.ones((1, size)), total)

    def _check_ends(self) -> None:
        for name in ("lower", "upper"):
            given = getattr(self, name)
            if given is None:
                continue
            values = finite_vector(given, name)
            if len(values) != len(self.names) or values.min() < 0:
                raise InvalidInput(f"`{name}` must be {len(self.names)} numbers >= 0; got {given!r}.")
            object.__setattr__(self, name, tuple(values.tolist()))
        if self.total is None and self.upper is None:
            raise InvalidInput("weights without `total` need `upper`: nothing bounds them else.")

    def _check_feasible(self) -> None:
        over = self.polyhedron()
        if (over.lower > over.upper).any():
            k = int((over.lower > over.upper).argmax())
            raise Infeasible(
                f"no weights: that of {self.names[k]} would be at least {over.lower[k]:g} and at most "
                f"{over.upper[k]:g}."
            )
        try:
            smallest(np.ones(over.size), over)
        except Infeasible:
            total = "" if self.total is None else f" and sum {self.total:g}"
            raise Infeasible(f"no weights satisfy the order, the intervals{total} together.") from None


def _names(names: Any) -> tuple[str, ...]:
    known = () if isinstance(names, str) else tuple(map(str, names))
    if not known or len(set(known)) < len(known):
        raise InvalidInput(f"`names` must be different names, one per weight; got {names!r}.")
    return known
