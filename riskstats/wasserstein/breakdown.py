"""How much the world must shift before a conclusion no longer follows.

A claim about a quantity holds at a radius where every law of the set supports it: "above 0" while the
certified lower end is above 0. The end that matters is monotone in the radius, so the breakdown radius is
found by bisection, between a radius at which the claim is proven and one at which it is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import number, positive_number, real_array
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, Status, frame, plain
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.result import Bounds, WorstCase, worded
from riskstats.wasserstein.sensitivity import Model, Question

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Breakdown", "Claim", "Frontier", "breakdown_frontier", "breakdown_radius"]

_DOUBLINGS = 60


@dataclass(frozen=True, eq=False)
class Claim:
    """That a quantity stays above, or below, a number.

    ask : set of laws -> `WorstCase` or `Bounds` of the quantity. above, below : exactly one of them.
    """

    ask: Callable[[Any], WorstCase | Bounds]
    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        if not callable(self.ask):
            raise InvalidInput(f"`ask` must be a function of a set of laws; got {self.ask!r}.")
        if (self.above is None) == (self.below is None):
            raise InvalidInput("a claim is either `above` a number or `below` one; pass exactly one.")
        number(self.line, "above" if self.below is None else "below")

    @property
    def line(self) -> float:
        """The number."""
        return float(self.above if self.above is not None else self.below)  # type: ignore[arg-type]

    @property
    def words(self) -> str:
        """The claim in words, without the quantity."""
        return f"{'above' if self.above is not None else 'below'} {self.line:g}"

    def end(self, answer: WorstCase | Bounds) -> WorstCase:
        """The worst case that decides."""
        needed = "lower" if self.above is not None else "upper"
        case = getattr(answer, needed) if isinstance(answer, Bounds) else answer
        if case.direction != needed:
            raise InvalidInput(
                f"a claim {self.words} is decided by the {needed} end; `ask` gave "
                f"direction={case.direction!r}."
            )
        return case

    def verdict(self, case: WorstCase) -> bool | None:
        """True where proven, False where a law refutes it, None where the enclosure holds the line.

        On an empty set every claim holds.
        """
        if case.status is Status.INFEASIBLE:
            return True
        if self.above is not None:
            return True if case.lower > self.line else False if case.upper <= self.line else None
        return True if case.upper < self.line else False if case.lower >= self.line else None


@dataclass(frozen=True, eq=False)
class Breakdown(Result):
    """The radius at which a claim stops to follow.

    radius : the sum of radii, inf where the claim never breaks down, 0 where it does not hold without any
        shift.
    proven : the largest radius at which the claim was proven. refuted : the smallest at which it was not.
    question, claim : in words. at_reference : the deciding end at radius 0.
    """

    radius: float
    proven: float
    refuted: float
    question: str
    claim: str
    at_reference: float

    def summary(self) -> str:
        """The breakdown in words."""
        head, alone = f"{self.question} {self.claim}", f"{self.at_reference:.6g} without any shift"
        if math.isnan(self.at_reference):
            alone = "no law without any shift"
        if self.radius == 0.0:
            return f"{head}: does not follow even at radius 0 ({alone})."
        if math.isinf(self.radius):
            return f"{head}: holds at every radius that was tried, up to {self.proven:.6g}."
        return f"{head}: follows up to a total radius of {self.radius:.6g} ({alone})."

    def to_dict(self) -> dict[str, Any]:
        """Every field by name; an infinite number is "inf" or "-inf", `at_reference` None without a law."""
        return {
            name: worded(value, Status.OPTIMAL) if isinstance(value, float) else value
            for name, value in super().to_dict().items()
        }

    def __str__(self) -> str:
        return self.summary()

    def plot(self, ax: Any = None, *, scales: Mapping[str, float] | None = None) -> Any:
        """The radius on a line, beside `scales` such as an observed shift, by name; needs matplotlib."""
        from riskstats.plotting_breakdown import draw_breakdown

        return draw_breakdown(self, ax, scales=scales)


@dataclass(frozen=True, eq=False)
class Frontier(Result):
    """Breakdown radii of two balls in several ratios: the contour of the claim in the (r1, r2) plane.

    ratios : r1 : r2, inf for the second ball frozen. breakdowns : one `Breakdown` each.
    """

    ratios: tuple[float, ...]
    breakdowns: tuple[Breakdown, ...]

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """(r1, r2) at every breakdown."""
        return tuple(
            _split(found.radius, ratio) for ratio, found in zip(self.ratios, self.breakdowns, strict=True)
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per ratio."""
        return frame(
            [
                {"ratio": ratio, "radius_1": first, "radius_2": second, "radius": found.radius}
                for ratio, (first, second), found in zip(
                    self.ratios, self.points, self.breakdowns, strict=True
                )
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Ratios, points and breakdowns."""
        return {
            "ratios": [plain(ratio) if math.isfinite(ratio) else "inf" for ratio in self.ratios],
            "breakdowns": [found.to_dict() for found in self.breakdowns],
        }

    def summary(self) -> str:
        """A table of the contour."""
        first = self.breakdowns[0]
        lines = [
            f"{first.question} {first.claim}: where it stops to follow",
            "       r1 : r2          r1          r2",
        ]
        for ratio, (one, two) in zip(self.ratios, self.points, strict=True):
            lines.append(f"  {ratio:>12.5g}  {one:>10.5g}  {two:>10.5g}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def plot(self, ax: Any = None) -> Any:
        """The contour in the plane of the two radii; needs matplotlib."""
        from riskstats.plotting_breakdown import draw_frontier

        return draw_frontier(self, ax)


def breakdown_radius(
    claim: Claim, model: Model, *, tolerance: float = 1e-9, largest: float = 1e6
) -> Breakdown:
    """The largest total radius up to which the claim follows, radii in the ratio of the model.

    tolerance : of the radius, absolute below 1 and relative above. largest : where to give up.
    """
    if not isinstance(claim, Claim):
        raise InvalidInput(f"`claim` must be a `Claim`, such as `Claim(ask, above=0.0)`; got {claim!r}.")
    precision, limit = positive_number(tolerance, "tolerance"), positive_number(largest, "largest")
    question = Question(claim.ask, model)

    def judge(total: float) -> tuple[bool | None, WorstCase]:
        case = claim.end(question.at(total))
        return claim.verdict(case), case

    verdict, start = judge(0.0)

    def found(radius: float, proven: float, refuted: float) -> Breakdown:
        return Breakdown(radius, proven, refuted, start.question, claim.words, start.value)

    if verdict is not True:
        return found(0.0, 0.0, 0.0)
    proven, refuted = 0.0, _first_guess(model)
    for _ in range(_DOUBLINGS):
        verdict, _case = judge(refuted)
        if verdict is not True:
            break
        proven, refuted = refuted, 2.0 * refuted
        if refuted > limit:
            return found(math.inf, proven, math.inf)
    else:
        return found(math.inf, proven, math.inf)
    while refuted - proven > precision * max(1.0, refuted):
        middle = 0.5 * (proven + refuted)
        if not proven < middle < refuted:
            break
        verdict, _case = judge(middle)
        proven, refuted = (middle, refuted) if verdict is True else (proven, middle)
    return found(0.5 * (proven + refuted), proven, refuted)


def breakdown_frontier(
    claim: Claim, model: MarginalBalls | OverlappingBalls, ratios: Sequence[float], *, tolerance: float = 1e-6
) -> Frontier:
    """The breakdown radius of two balls for every ratio r1 : r2; 0 freezes the first ball, inf the second."""
    two = isinstance(model, MarginalBalls) and len(model.balls) == 2
    if not (two or isinstance(model, OverlappingBalls)):
        raise InvalidInput("a frontier needs two balls: `MarginalBalls` of two, or `OverlappingBalls`.")
    found = []
    wanted = real_array(np.atleast_1d(np.asarray(ratios)), "ratios")
    if wanted.ndim != 1 or not len(wanted):
        raise InvalidInput(f"`ratios` must be one or more numbers r1 / r2; got shape {wanted.shape}.")
    for ratio in wanted.tolist():
        if math.isnan(ratio) or ratio < 0:
            raise InvalidInput(f"`ratios` must be numbers >= 0, or inf; got {ratio!r}.")
        first, second = _split(1.0, float(ratio))
        found.append(breakdown_radius(claim, _in_ratio(model, first, second), tolerance=tolerance))
    return Frontier(tuple(wanted.tolist()), tuple(found))


def _split(total: float, ratio: float) -> tuple[float, float]:
    if math.isinf(ratio):
        return total, 0.0
    return total * ratio / (1.0 + ratio), total / (1.0 + ratio)


def _in_ratio(
    model: MarginalBalls | OverlappingBalls, first: float, second: float
) -> MarginalBalls | OverlappingBalls:
    if isinstance(model, MarginalBalls):
        one, two = model.balls
        return MarginalBalls(one.at(first), two.at(second))
    return OverlappingBalls(model.treated.at(first), model.control.at(second), model.covariate_weight)


def _first_guess(model: Model) -> float:
    """A hundredth of the spread of the first reference, or 1 where it has none."""
    ball = model
    if isinstance(model, MarginalBalls):
        ball = model.balls[0]
    elif isinstance(model, OverlappingBalls):
        ball = model.treated
    assert isinstance(ball, WassersteinBall)
    spread = float(ball.points[:, 0].max() - ball.points[:, 0].min())
    return 0.01 * spread if spread > 0 else 1.0
