"""Sets of laws: a ball around one law, balls around marginals with a free copula, balls sharing covariates.

    W_p(mu, nu) = inf over couplings of (E ||V - Y||^p)^(1/p) <= radius    <=>    transport cost <= budget

`radius` is a distance, `budget = radius ** order` a cost; every set takes exactly one of them by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, finite_vector, real_array, sample_weights
from riskstats.distribution import Distribution
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.wasserstein.cost import Cost, as_cost, checked_order, radius_and_budget

__all__ = ["MarginalBalls", "OverlappingBalls", "WassersteinBall"]

SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class WassersteinBall:
    """Laws within a transport distance of a reference.

    Parameters
    ----------
    reference : (n,) numbers, (n, k) vectors, or a `Distribution`.
    radius, budget : exactly one, >= 0; 0 is the reference alone.
    order : p >= 1 of the distance. cost : a norm (1, 2, inf) or a `Cost`; None is the Euclidean norm.
    weights : (n,) >= 0 of the atoms; None is one each.

    Attributes
    ----------
    points : (n, k) atoms of positive weight. weights : (n,) of sum 1. radius, budget, order, cost.

    `InvalidInput`: both or neither of radius and budget, atoms that are not finite, no weight.
    """

    reference: Any
    radius: Any = None
    budget: Any = None
    order: Any = 1
    cost: Any = None
    weights: Any = None
    points: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        order = checked_order(self.order)
        radius, budget = radius_and_budget(self.radius, self.budget, order)
        if radius > 0 and budget < SMALLEST:
            raise InvalidInput(
                f"`radius` ** order is too small for a number; got {radius:g} ** {order:g}. Rescale the "
                "outcomes."
            )
        points, weights = _atoms(self.reference, self.weights, "reference")
        _set(
            self,
            order=order,
            radius=radius,
            budget=budget,
            cost=as_cost(self.cost),
            points=points,
            weights=weights,
        )

    def __repr__(self) -> str:
        n, k = self.points.shape
        size = f"{n} atoms" if k == 1 else f"{n} atoms in {k} dimensions"
        return f"WassersteinBall({size}, radius={self.radius:.6g}, order={self.order:g})"

    @property
    def dimension(self) -> int:
        """Length of an atom."""
        return self.points.shape[1]

    def at(self, radius: float) -> WassersteinBall:
        """The ball of another radius around the same reference."""
        return WassersteinBall(
            self.points, radius=radius, order=self.order, cost=self.cost, weights=self.weights
        )


@dataclass(frozen=True, eq=False, init=False)
class MarginalBalls:
    """Joint laws whose marginals lie in given balls; nothing is known of their dependence.

    Parameters
    ----------
    balls : two or more `WassersteinBall` of one order.
    """

    balls: tuple[WassersteinBall, ...]

    def __init__(self, *balls: WassersteinBall) -> None:
        if len(balls) < 2 or not all(isinstance(ball, WassersteinBall) for ball in balls):
            raise InvalidInput(
                f"`MarginalBalls` takes two or more `WassersteinBall`; got {len(balls)} arguments "
                f"({', '.join(type(ball).__name__ for ball in balls)})."
            )
        orders = {ball.order for ball in balls}
        if len(orders) > 1:
            raise InvalidInput(
                f"the balls have orders {sorted(orders)}; one joint answer needs one order. Choose one."
            )
        _set(self, balls=tuple(balls))

    @property
    def order(self) -> float:
        """The common order p."""
        return self.balls[0].order

    @property
    def radius(self) -> tuple[float, ...]:
        """The radius of each ball."""
        return tuple(ball.radius for ball in self.balls)

    @property
    def budget(self) -> tuple[float, ...]:
        """The budget of each ball."""
        return tuple(ball.budget for ball in self.balls)

    def at(self, total: float) -> MarginalBalls:
        """The same balls with radii in the same ratio and the given sum; equal radii where all are 0."""
        return MarginalBalls(
            *(ball.at(r) for ball, r in zip(self.balls, _scaled(self.radius, total), strict=True))
        )


@dataclass(frozen=True, eq=False)
class OverlappingBalls:
    """Laws of (Y1, Y0, X) whose marginals (Y1, X) and (Y0, X) lie in balls; one X is shared.

    Parameters
    ----------
    treated, control : `WassersteinBall` around rows (y, x_1, ..., x_k): the outcome first.
    covariate_weight : cost of a unit of ``||x - x'||^p`` against a unit of ``|y - y'|^p``; inf freezes X.

    `InvalidInput` where the covariates differ in number, or there are none.
    """

    treated: WassersteinBall
    control: WassersteinBall
    covariate_weight: float = 1.0

    def __post_init__(self) -> None:
        first, second = self.treated, self.control
        if not (isinstance(first, WassersteinBall) and isinstance(second, WassersteinBall)):
            raise InvalidInput(
                "`OverlappingBalls` takes two `WassersteinBall` of rows (outcome, covariates); got "
                f"{type(first).__name__} and {type(second).__name__}."
            )
        if first.order != second.order:
            raise InvalidInput(f"the balls have orders {first.order:g} and {second.order:g}; choose one.")
        if first.dimension != second.dimension or first.dimension < 2:
            raise InvalidInput(
                f"`treated` has rows of {first.dimension} numbers and `control` of {second.dimension}; both "
                "need the outcome and the same covariates. To ignore covariates use `MarginalBalls`."
            )
        if first.cost.norm != second.cost.norm:
            raise IncompatibleBound("`treated` and `control` measure covariates in different norms.")
        Cost(covariate_weight=self.covariate_weight)

    @property
    def order(self) -> float:
        """The common order p."""
        return self.treated.order

    @property
    def radius(self) -> tuple[float, float]:
        """(radius of treated, radius of control)."""
        return self.treated.radius, self.control.radius

    @property
    def budget(self) -> tuple[float, float]:
        """(budget of treated, budget of control)."""
        return self.treated.budget, self.control.budget

    def at(self, total: float) -> OverlappingBalls:
        """The same balls with radii in the same ratio and the given sum; equal radii where both are 0."""
        first, second = _scaled(self.radius, total)
        return OverlappingBalls(self.treated.at(first), self.control.at(second), self.covariate_weight)

    @property
    def outcomes(self) -> tuple[Floats, Floats]:
        """(outcomes of treated, outcomes of control)."""
        return self.treated.points[:, 0], self.control.points[:, 0]

    @property
    def covariates(self) -> tuple[Floats, Floats]:
        """(covariates of treated (n, k), covariates of control (m, k))."""
        return self.treated.points[:, 1:], self.control.points[:, 1:]


def _set(owner: Any, **values: Any) -> None:
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
        object.__setattr__(owner, name, value)


def _scaled(radii: tuple[float, ...], total: float) -> tuple[float, ...]:
    whole = sum(radii)
    if whole == 0:
        return tuple(total / len(radii) for _ in radii)
    return tuple(total * radius / whole for radius in radii)


def _atoms(reference: Any, weights: npt.ArrayLike | None, name: str) -> tuple[Floats, Floats]:
    """(points (n, k), weights (n,) of sum 1) with positive weight."""
    if isinstance(reference, Distribution):
        if weights is not None:
            raise InvalidInput("a `Distribution` has its own weights; got `weights` too. Drop them.")
        return np.array(reference.atoms)[:, np.newaxis], np.array(reference.weights)
    points = real_array(reference, name)
    if points.ndim not in (1, 2) or points.size == 0:
        raise InvalidInput(f"`{name}` must have shape (n,) or (n, k) and not be empty; got {points.shape}.")
    points = points.reshape(len(points), -1)
    bad = ~np.isfinite(points).all(axis=1)
    if bad.any():
        raise InvalidInput(
            f"`{name}` has {int(bad.sum())} atoms that are not finite, first at row {int(bad.argmax())}. "
            "Drop or impute them."
        )
    mass = sample_weights(weights, len(points), name="weights")
    points, mass = points[mass > 0], mass[mass > 0]
    return points, finite_vector(mass / mass.sum(), "weights")
