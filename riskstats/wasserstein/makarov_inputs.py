"""The gate of the bounds on a sum of two: references, coefficients and one total distance.

Around ``S = a1 Y1 + a2 Y2`` two balls of radii r1 and r2 with any dependence act as one ball of radius

    R = |a1| r1 + |a2| r2

so only R matters. A single number given as `radius` is R itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, finite_vector, number, sample_weights
from riskstats.distribution import Distribution
from riskstats.exceptions import InvalidInput
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.continuous_sum import ContinuousLaw, ContinuousSum
from riskstats.wasserstein.cost import checked_order, radius_and_budget
from riskstats.wasserstein.exact_order import scaled
from riskstats.wasserstein.step_quantiles import StepLaw, step_law
from riskstats.wasserstein.sum_quantiles import StepSum

__all__ = [
    "Aggregate",
    "aggregate",
    "coefficients",
    "is_continuous",
    "open_level",
    "radii_of",
    "sample_of",
    "samples_of",
    "sum_in_words",
]


@dataclass(frozen=True, eq=False)
class Aggregate:
    """A question about ``a1 Y1 + a2 Y2``.

    total : the sum of the two scaled laws. factors : (a1, a2). distance : R. order : p.
    radius, budget : one entry for each ball, or R and R^p alone where one number was given.
    """

    total: StepSum | ContinuousSum
    factors: tuple[float, float]
    radius: tuple[float, ...]
    budget: tuple[float, ...]
    distance: float
    order: float


def aggregate(
    first: Any,
    second: Any,
    *,
    weights: Any,
    radius: Any,
    budget: Any,
    order: Any,
    sample_weight: Any,
) -> Aggregate:
    """The checked question; `InvalidInput` says what cannot be used."""
    factors = coefficients(weights, 2)
    radii, budgets, distance, order = radii_of((first, second), factors, radius, budget, order)
    pair = sample_weight if sample_weight is not None else (None, None)
    continuous = [is_continuous(reference) for reference in (first, second)]
    total: StepSum | ContinuousSum
    if all(continuous):
        if sample_weight is not None:
            raise InvalidInput("`sample_weight` goes with samples; a law given by `ppf` has none. Drop it.")
        total = ContinuousSum(ContinuousLaw(first, factors[0]), ContinuousLaw(second, factors[1]))
    elif any(continuous):
        raise InvalidInput(
            "one reference is a sample and the other a law with `ppf`; pass two of a kind. A sample of the "
            "law is `law.ppf((np.arange(n) + 0.5) / n)`."
        )
    else:
        laws = samples_of((first, second), pair, factors)
        total = StepSum(laws[0], laws[1])
    return Aggregate(total, (factors[0], factors[1]), radii, budgets, distance, order)


def coefficients(weights: Any, d: int) -> tuple[float, ...]:
    """d finite coefficients, not all 0; None is one each."""
    if weights is None:
        return (1.0,) * d
    vector = finite_vector(weights, "weights")
    if len(vector) != d:
        raise InvalidInput(f"`weights` has {len(vector)} coefficients for {d} references. Pass one for each.")
    if not vector.any():
        raise InvalidInput("`weights` are all 0; the sum is then always 0. Pass a coefficient that is not 0.")
    return tuple(vector.tolist())


def radii_of(
    references: tuple[Any, ...], factors: tuple[float, ...], radius: Any, budget: Any, order: Any
) -> tuple[tuple[float, ...], tuple[float, ...], float, float]:
    """(radii, budgets, total distance R, order), from the arguments or from the balls."""
    balls = [reference for reference in references if isinstance(reference, WassersteinBall)]
    power = checked_order(order)
    if balls:
        power = _order_of(balls, power)
        if radius is not None or budget is not None:
            raise InvalidInput("a `WassersteinBall` has its own radius; drop `radius` and `budget`.")
        radius = [getattr(reference, "radius", 0.0) for reference in references]
    name, given = ("budget", budget) if budget is not None else ("radius", radius)
    if not isinstance(given, (tuple, list, np.ndarray)) or (radius is not None and budget is not None):
        one = radius_and_budget(radius, budget, power, default=0.0)
        return (one[0],), (one[1],), one[0], power
    if np.shape(given)[:1] != (len(references),):
        raise InvalidInput(
            f"`{name}` must be one number, the total distance, or {len(references)} numbers, one for each "
            f"reference; got {given!r}."
        )
    each = [radius_and_budget(*_by_name(name, value), power) for value in given]
    radii = tuple(one[0] for one in each)
    distance = sum(abs(a) * r for a, r in zip(factors, radii, strict=True))
    return radii, tuple(one[1] for one in each), distance, power


def _by_name(name: str, value: float) -> tuple[Any, Any]:
    return (value, None) if name == "radius" else (None, value)


def _order_of(balls: list[WassersteinBall], order: float) -> float:
    orders = {ball.order for ball in balls} | ({order} if order != 1 else set())
    if len(orders) > 1:
        raise InvalidInput(f"`order` differs between the balls: {sorted(orders)}; one sum needs one order.")
    return float(balls[0].order)


def is_continuous(reference: Any) -> bool:
    """Whether a reference is a law given by its quantile function."""
    if hasattr(reference, "pmf"):
        raise InvalidInput("a law of integers has a step quantile; pass its atoms as a `Distribution`.")
    return hasattr(reference, "ppf")


def samples_of(
    references: tuple[Any, ...], weights: Any, factors: tuple[float, ...], *, ordered: bool = False
) -> list[StepLaw]:
    """The scaled laws of references that are samples, `Distribution` or `WassersteinBall`."""
    if len(weights) != len(references):
        raise InvalidInput(
            f"`sample_weight` must hold the weights of each of {len(references)} references, or None for "
            f"equal ones; got {len(weights)} entries."
        )
    laws = []
    for j, (reference, mass, factor) in enumerate(zip(references, weights, factors, strict=True)):
        name = ("first", "second")[j] if len(references) == 2 else f"reference {j + 1}"
        values, own = sample_of(reference, mass, name)
        laws.append(step_law(scaled(values, factor), own, ordered=ordered))
    return laws


def sample_of(reference: Any, weights: npt.ArrayLike | None, name: str) -> tuple[Floats, Floats | None]:
    """(values, weights) of one reference."""
    if is_continuous(reference):
        raise InvalidInput(f"`{name}` is a law with `ppf`; pass a sample of it here.")
    if isinstance(reference, (Distribution, WassersteinBall)):
        if weights is not None:
            raise InvalidInput(f"`{name}` has its own weights; got `sample_weight` too. Drop them.")
        if isinstance(reference, Distribution):
            return np.array(reference.atoms), np.array(reference.weights)
        if reference.dimension != 1:
            raise InvalidInput(
                f"`{name}` has outcomes of {reference.dimension} numbers; the distribution function of a "
                "sum needs outcomes on the line. Project them first."
            )
        return np.array(reference.points[:, 0]), np.array(reference.weights)
    values = finite_vector(reference, name)
    if weights is not None and np.ndim(weights) == 0:
        raise InvalidInput(
            f"`sample_weight` of `{name}` must be one weight per row, or None; got {weights!r}."
        )
    return values, None if weights is None else sample_weights(weights, len(values), name="sample_weight")


def open_level(value: Any, name: str = "level") -> float:
    """A number in (0, 1)."""
    found = number(value, name)
    if not 0 < found < 1:
        raise InvalidInput(
            f"`{name}` must lie in (0, 1); got {found:g}. It is the share not in the tail: for the worst 5 % "
            "pass 0.95."
        )
    return found


def sum_in_words(factors: tuple[float, ...]) -> str:
    """The sum in words, such as Y1 - 2 Y2."""
    words = ""
    for j, a in enumerate(factors):
        sign = (" - " if a < 0 else " + ") if j else ("-" if a < 0 else "")
        words += f"{sign}{'' if abs(a) == 1 else f'{abs(a):g} '}Y{j + 1}"
    return words
