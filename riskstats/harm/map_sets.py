"""What is known of the map from cost to likelihood: that it decreases, and what one is willing to add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from riskstats._validation import Floats, finite_vector, probability
from riskstats.exceptions import Infeasible, InvalidInput
from riskstats.harm.linear_range import Polyhedron, smallest

__all__ = ["DecreasingMaps"]

Constraint = tuple[Sequence[float], float]


@dataclass(frozen=True)
class DecreasingMaps:
    """All maps `1 = f(1) >= f(2) >= ... >= f(K) >= 0`, or those of them with more properties.

    Parameters
    ----------
    lower, upper : (K,) ends of f level by level, in [0, 1]; None is no end.
    convex : whether f falls by less and less, `f(c) - f(c+1) >= f(c+1) - f(c+2)`.
    floor : f(K) is at least this, in [0, 1].
    constraints : further pairs (a, b) with `a . f <= b`, a of length K.

    A map that is 0 somewhere stands for the positive maps near it.
    """

    lower: tuple[float, ...] | None = None
    upper: tuple[float, ...] | None = None
    convex: bool = False
    floor: float = 0.0
    constraints: tuple[Constraint, ...] = ()

    def __post_init__(self) -> None:
        probability(self.floor, "floor", closed=True)
        for name in ("lower", "upper"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, _ends(given, name))
        pairs = tuple(
            (tuple(finite_vector(a, "constraints").tolist()), float(b)) for a, b in self.constraints
        )
        object.__setattr__(self, "constraints", pairs)

    @property
    def plain(self) -> bool:
        """Whether nothing is known but that f decreases."""
        return self == DecreasingMaps()

    def __str__(self) -> str:
        parts = {
            "bounded level by level": self.lower is not None or self.upper is not None,
            "convex": self.convex,
            f"at least {self.floor:g}": self.floor > 0,
            f"with {len(self.constraints)} more constraints": bool(self.constraints),
        }
        told = ", ".join(word for word, holds in parts.items() if holds)
        return f"decreasing maps ({told})" if told else "all decreasing maps"

    def polyhedron(self, levels: int) -> Polyhedron:
        """The maps of K levels as points (f(1), ..., f(K)); `Infeasible` names what contradicts."""
        found = self._polyhedron(levels)
        try:
            smallest(np.ones(levels), found)
        except Infeasible:
            raise Infeasible(self._conflict(levels)) from None
        return found

    def _polyhedron(self, levels: int) -> Polyhedron:
        low, high = np.full(levels, self.floor), np.ones(levels)
        for name, given in (("lower", self.lower), ("upper", self.upper)):
            if given is not None and len(given) != levels:
                raise InvalidInput(f"`{name}` has {len(given)} values for {levels} cost levels.")
        low = low if self.lower is None else np.maximum(low, self.lower)
        high = high if self.upper is None else np.minimum(high, self.upper)
        low[0] = 1.0
        if (low > high).any():
            c = int((low > high).argmax()) + 1
            raise Infeasible(
                f"no decreasing map: f({c}) would be at least {low[c - 1]:g} and at most {high[c - 1]:g}. "
                "Widen `lower`, `upper` or `floor`; f(1) is 1."
            )
        rows, limits = self._rows(levels)
        return Polyhedron(low, high, rows, limits)

    def _rows(self, levels: int) -> tuple[Floats, Floats]:
        falls = np.eye(levels, k=1)[:-1] - np.eye(levels)[:-1]
        bends = falls[:-1] - falls[1:] if self.convex else falls[:0]
        wrong = next((a for a, _ in self.constraints if len(a) != levels), None)
        if wrong is not None:
            raise InvalidInput(f"`constraints` has {len(wrong)} coefficients for {levels} cost levels.")
        more = np.array([a for a, _ in self.constraints]).reshape(-1, levels)
        limits = np.concatenate([np.zeros(len(falls) + len(bends)), [b for _, b in self.constraints]])
        return np.vstack([falls, bends, more]), limits

    def _conflict(self, levels: int) -> str:
        """Which property contradicts the others: without it there are maps."""
        weaker = {
            "`lower`": replace(self, lower=None),
            "`upper`": replace(self, upper=None),
            "`convex`": replace(self, convex=False),
            "`floor`": replace(self, floor=0.0),
            "`constraints`": replace(self, constraints=()),
        }
        blamed = [name for name, other in weaker.items() if other != self and _has_points(other, levels)]
        told = " or ".join(blamed) or "several of them together"
        return f"no decreasing map has all of these properties; in conflict: {told}."


def _ends(given: Sequence[float], name: str) -> tuple[float, ...]:
    values = finite_vector(given, name)
    if values.min() < 0 or values.max() > 1:
        raise InvalidInput(f"`{name}` must lie in [0, 1], where f(1) = 1; got {values.tolist()}.")
    return tuple(values.tolist())


def _has_points(maps: DecreasingMaps, levels: int) -> bool:
    try:
        smallest(np.ones(levels), maps._polyhedron(levels))
    except Infeasible:
        return False
    return True
