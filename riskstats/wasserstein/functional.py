"""What is averaged: a function of the outcomes, with what is known of it.

A functional says how fast it grows, which coupling of two outcomes is worst for it, and how a pair of atoms
is best moved at given prices. It proves no more than it declares: a plain function has no inner supremum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from riskstats._jit import namespace
from riskstats._validation import Floats, choice, finite_vector, non_negative_number
from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.cost import dual_norm, vector_norm
from riskstats.wasserstein.exact_order import comparable, scaled
from riskstats.wasserstein.shapes import Shape

__all__ = ["Aggregate", "Declared", "Functional", "PairInner", "as_functional"]

SHAPES = ("convex", "concave", "supermodular", "submodular")


class PairInner(NamedTuple):
    """value : the inner supremum of every pair. first, second : where the pair is sent."""

    value: Floats
    first: Floats
    second: Floats


class Functional(ABC):
    """A function of d outcomes, each a row of its own array."""

    @abstractmethod
    def __call__(self, *targets: Floats) -> Floats:
        """(N,) values at d arrays (N, k_j)."""

    @abstractmethod
    def growth(self, sign: int, moving: tuple[bool, ...]) -> float:
        """The power of a distance with which ``sign f`` grows where the `moving` outcomes go to infinity."""

    @abstractmethod
    def check(self, balls: tuple[WassersteinBall, ...]) -> None:
        """`InvalidInput` where the balls do not fit."""

    def expectation(self, weights: Floats, values: Floats) -> float:
        """E f from the values of the rows of a law."""
        return float(weights @ values)

    def coupling(self, sign: int) -> int:
        """1 where the comonotone coupling of two is worst for ``sign f`` at any prices, -1 the antithetic."""
        return 0

    def pair(
        self,
        sign: int,
        v: tuple[Floats, Floats],
        prices: tuple[float, float],
        order: float,
        within: tuple[tuple[float, float], tuple[float, float]],
    ) -> PairInner | None:
        """``sup sign f(s1, s2) - sum_j prices_j |s_j - v_j|^order`` over intervals; None where unknown."""
        return None

    def rays(
        self, sign: int, order: float, moving: tuple[bool, ...]
    ) -> list[tuple[float, tuple[float, ...]]]:
        """(gain, costs) of vanishing mass sent to infinity, per unit."""
        return []

    def lipschitz_within(self, within: tuple[tuple[float, float], ...]) -> tuple[float, ...] | None:
        """(d,) Lipschitz constants of f in each outcome on intervals, or None."""
        return None

    @abstractmethod
    def describe(self) -> str:
        """The expectation in words."""


@dataclass(frozen=True)
class Aggregate(Functional):
    """``g(a_1'y_1 + ... + a_d'y_d)``: a function of one weighted sum.

    Parameters
    ----------
    g : a shape such as `Call(strike)` or `AtMost(z)`.
    weights : one a_j for each ball, a number or a vector as long as its outcomes; None is 1 each.
    """

    g: Shape
    weights: tuple[Any, ...] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.g, Shape):
            raise InvalidInput(
                f"`g` must be a declared shape such as `Call(1.0)` or `AtMost(0.0)`; got {self.g!r}. For "
                "your own "
                "function of the outcomes use `Declared(function, growth=, lipschitz=)`."
            )
        if self.weights is not None:
            vectors = [finite_vector(np.atleast_1d(a), "weights") for a in np.atleast_1d(_rows(self.weights))]
            object.__setattr__(self, "weights", tuple(tuple(vector.tolist()) for vector in vectors))

    def vectors(self, balls: tuple[WassersteinBall, ...]) -> tuple[Floats, ...]:
        """The a_j as arrays (k_j,)."""
        if self.weights is None:
            return tuple(np.ones(1) for _ in balls)
        return tuple(np.array(a) for a in self.weights)

    def numbers(self, d: int) -> tuple[float, ...]:
        """The weights as d numbers; () where they are not."""
        weights = self.weights or ((1.0,),) * d
        return tuple(a[0] for a in weights) if all(len(a) == 1 for a in weights) else ()

    def check(self, balls: tuple[WassersteinBall, ...]) -> None:
        vectors = self.vectors(balls)
        if len(vectors) != len(balls):
            raise InvalidInput(
                f"the aggregate has {len(vectors)} weights and the model {len(balls)} balls; pass one weight "
                "for each ball."
            )
        for j, (vector, ball) in enumerate(zip(vectors, balls, strict=True)):
            if len(vector) != ball.dimension:
                raise InvalidInput(
                    f"weight {j + 1} has {len(vector)} entries and the outcomes of ball {j + 1} have "
                    f"{ball.dimension}; pass a vector as long as the outcomes."
                )

    def norms(self, balls: tuple[WassersteinBall, ...]) -> Floats:
        """(d,) dual norms of the a_j: what a unit of distance moves the sum."""
        return np.array(
            [
                float(vector_norm(a, dual_norm(ball.cost.norm)))
                for a, ball in zip(self.vectors(balls), balls, strict=True)
            ]
        )

    def terms(self, targets: tuple[Floats, ...]) -> list[Floats]:
        """d arrays (N,): a_j'y_j."""
        weights = self.weights or ((1.0,),) * len(targets)
        return [
            scaled(y[:, 0], a[0]) if len(a) == 1 else y @ np.array(a)
            for a, y in zip(weights, targets, strict=True)
        ]

    def __call__(self, *targets: Floats) -> Floats:
        return self.g(self.total(self.terms(targets)))

    def total(self, terms: list[Floats]) -> Floats:
        """The sum of the terms; for events that of the decimals meant."""
        return decimal_sum(terms) if self.g.event else sum(terms[1:], start=terms[0])

    def growth(self, sign: int, moving: tuple[bool, ...]) -> float:
        weights = self.weights or ((1.0,),) * len(moving)
        moves = any(move and any(a) for move, a in zip(moving, weights, strict=True))
        return self.g.growth(sign) if moves else 0.0

    def coupling(self, sign: int) -> int:
        weights = self.weights or ((1.0,), (1.0,))
        if not self.g.convex or len(weights) != 2 or any(len(a) != 1 for a in weights):
            return 0
        return -sign if weights[0][0] * weights[1][0] < 0 else sign

    def pair(
        self,
        sign: int,
        v: tuple[Floats, Floats],
        prices: tuple[float, float],
        order: float,
        within: tuple[tuple[float, float], tuple[float, float]],
    ) -> PairInner | None:
        from riskstats.wasserstein.aggregate_pair import aggregate_pair

        weights = self.weights or ((1.0,), (1.0,))
        return aggregate_pair(self.g, sign, (weights[0][0], weights[1][0]), v, prices, order, within)

    def lipschitz_within(self, within: tuple[tuple[float, float], ...]) -> tuple[float, ...] | None:
        weights = self.weights or ((1.0,),) * len(within)
        if self.g.event:
            return None
        sizes = [max(abs(low), abs(high)) for low, high in within]
        reach = sum(abs(a[0]) * size for a, size in zip(weights, sizes, strict=True))
        slope = max(self.g.slope(1), self.g.slope(-1))
        if self.g.growth(1) == 2:
            slope = 2.0 * (reach + abs(getattr(self.g, "center", 0.0)))
        return tuple(slope * abs(a[0]) for a in weights)

    def describe(self) -> str:
        return self.g.describe(self.variable())

    def variable(self) -> str:
        """The weighted sum in words."""
        if self.weights is None:
            return "S"
        if any(len(a) > 1 for a in self.weights):
            return "S"
        names = ["Y"] if len(self.weights) == 1 else [f"Y{j + 1}" for j in range(len(self.weights))]
        text = ""
        for (a,), name in zip(self.weights, names, strict=True):
            size = name if abs(a) == 1 else f"{abs(a):g} {name}"
            text += (f" {'-' if a < 0 else '+'} " if text else "-" * (a < 0)) + size
        return text


@dataclass(frozen=True)
class Declared(Functional):
    """A function of the user, with what the user knows of it.

    Parameters
    ----------
    function : takes one array per ball, (N,) for numbers and (N, k) for vectors, and returns (N,).
    growth : the power of the distance with which it grows, 0 where it is bounded.
    lipschitz : Lipschitz constant in the norm of each ball, one number or one per ball.
    shape : "convex", "concave", "supermodular" or "submodular", or None.
    """

    function: Callable[..., Any]
    growth_order: float | None = None
    lipschitz: Any = None
    shape: str | None = None

    def __init__(
        self, function: Callable[..., Any], *, growth: Any = None, lipschitz: Any = None, shape: Any = None
    ) -> None:
        if not callable(function):
            raise InvalidInput(
                f"the functional must be declared, such as `Aggregate(Call(1.0))`, or a function of the "
                f"outcomes; got {function!r}."
            )
        if growth is not None:
            growth = non_negative_number(growth, "growth")
        if lipschitz is not None:
            constants = np.atleast_1d(lipschitz)
            lipschitz = tuple(non_negative_number(value, "lipschitz") for value in constants.tolist())
            growth = (1.0 if any(lipschitz) else 0.0) if growth is None else growth
        if shape is not None:
            choice(shape, SHAPES, "shape")
        for name, value in (
            ("function", function),
            ("growth_order", growth),
            ("lipschitz", lipschitz),
            ("shape", shape),
        ):
            object.__setattr__(self, name, value)

    def __call__(self, *targets: Floats) -> Floats:
        arguments = [target[:, 0] if target.shape[1] == 1 else target for target in targets]
        try:
            values = np.asarray(self.function(*arguments), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"the functional must take {len(targets)} arrays, one for each ball, and return numbers; "
                f"{error}."
            ) from error
        if values.shape != (len(targets[0]),) or not np.isfinite(values).all():
            raise InvalidInput(
                f"the functional must return one finite number for each row; got shape {values.shape} and "
                f"{int((~np.isfinite(values)).sum())} values that are not finite for {len(targets[0])} rows."
            )
        return values

    def growth(self, sign: int, moving: tuple[bool, ...]) -> float:
        if self.growth_order is None:
            raise InvalidInput(
                "nothing is known of the functional far from the data. Declare `growth=` (and "
                "`lipschitz=`), or "
                "pass `support=`."
            )
        return self.growth_order if any(moving) else 0.0

    def constants(self, d: int) -> tuple[float, ...] | None:
        """(d,) Lipschitz constants, or None."""
        if self.lipschitz is None or len(self.lipschitz) == d:
            return self.lipschitz
        if len(self.lipschitz) == 1:
            return tuple(self.lipschitz) * d
        raise InvalidInput(f"`lipschitz` has {len(self.lipschitz)} numbers for {d} balls; pass one for each.")

    def check(self, balls: tuple[WassersteinBall, ...]) -> None:
        if len(balls) > 2:
            raise InvalidInput(
                f"three or more balls are answered for an `Aggregate` only; got {len(balls)} and a function."
            )
        self.constants(len(balls))

    def coupling(self, sign: int) -> int:
        return {"supermodular": sign, "submodular": -sign}.get(self.shape or "", 0)

    def lipschitz_within(self, within: tuple[tuple[float, float], ...]) -> tuple[float, ...] | None:
        return self.constants(len(within))

    def describe(self) -> str:
        return f"E {getattr(self.function, '__name__', 'f')}"


def decimal_sum(terms: list[Floats]) -> Floats:
    """The sum of arrays; of decimals in NumPy, the float nearest to the sum of the decimals."""
    if namespace(*terms) is not np:
        return sum(terms[1:], start=terms[0])
    total = terms[0]
    for term in terms[1:]:
        whole, other, unit = comparable(total, term, np.ones(1))
        total = total + term if unit[0] == 1.0 else (whole + other) / unit[0]
    return total


def as_functional(functional: Any, balls: int) -> Functional:
    """A `Functional` from one, from a shape for a single ball, or from a plain function."""
    if isinstance(functional, Functional):
        return functional
    if isinstance(functional, Shape):
        if balls > 1:
            name = type(functional).__name__
            raise InvalidInput(
                f"`{name}` is a function of one number and the model has {balls} balls; say of which sum "
                "with "
                f"`Aggregate({name}(...), weights)`."
            )
        return Aggregate(functional, (1.0,))
    return Declared(functional)


def _rows(weights: Any) -> np.ndarray:
    """Weights as an array of objects, one for each ball."""
    if not isinstance(weights, (list, tuple, np.ndarray)):
        weights = (weights,)
    rows = np.empty(len(weights), dtype=object)
    rows[:] = [np.asarray(a, dtype=np.float64) if not isinstance(a, str) else a for a in weights]
    return rows
