"""How an answer changes with the radius: a curve of worst cases, each with its own certificate.

The value is nondecreasing in the radius for a supremum. Its derivative in a budget is the multiplier; where
that is known the curve carries the slope ``sum over balls of multiplier p r^(p-1) (r / R)`` along radii in a
fixed ratio.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, finite_vector
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, Status, frame
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.result import Bounds, WorstCase, worded

if TYPE_CHECKING:
    import pandas as pd

    from riskstats.wasserstein.breakdown import Breakdown

__all__ = ["Model", "Question", "SensitivityCurve", "sensitivity_curve", "total_radius"]

Model = WassersteinBall | MarginalBalls | OverlappingBalls


@dataclass(frozen=True, eq=False)
class Question:
    """A question about a set of laws whose size may change.

    ask : set of laws -> `WorstCase` or `Bounds`, such as
        ``lambda balls: worst_case_risk(CVaR(0.95), balls)`` or `average_effect_bounds`.
    model : the set; its radii keep their ratio while their sum varies. Balls of radius 0 count as equal.
    """

    ask: Callable[[Any], WorstCase | Bounds]
    model: Model

    def __post_init__(self) -> None:
        if not callable(self.ask):
            raise InvalidInput(f"`ask` must be a function of a set of laws; got {self.ask!r}.")
        if not isinstance(self.model, Model):
            raise InvalidInput(
                "`model` must be a `WassersteinBall`, `MarginalBalls` or `OverlappingBalls`; got "
                f"{type(self.model).__name__}."
            )

    def at(self, total: float) -> WorstCase | Bounds:
        """The answer where the radii sum to `total`."""
        answer = self.ask(self.model.at(total))
        if not isinstance(answer, WorstCase | Bounds):
            raise InvalidInput(f"`ask` must return a `WorstCase` or `Bounds`; got {type(answer).__name__}.")
        return answer


def total_radius(model: Model) -> float:
    """The sum of the radii."""
    radius = model.radius
    return float(sum(radius)) if isinstance(radius, tuple) else float(radius)


def sensitivity_curve(question: Question, radii: npt.ArrayLike) -> SensitivityCurve:
    """The answer at every total radius, increasing.

    radii : (k,) finite numbers >= 0. Radii at which no law exists answer `INFEASIBLE`.
    """
    if not isinstance(question, Question):
        raise InvalidInput(f"`question` must be a `Question(ask, model)`; got {question!r}.")
    totals = np.unique(finite_vector(np.atleast_1d(radii), "radii"))
    if totals[0] < 0:
        raise InvalidInput(f"`radii` must be >= 0; got {totals[0]:g}.")
    answers = tuple(question.at(float(total)) for total in totals)
    return SensitivityCurve(totals, answers)


@dataclass(frozen=True, eq=False)
class SensitivityCurve(Result):
    """Answers along the radius.

    radii : (k,) sums of radii. answers : the `WorstCase` or `Bounds` at each.
    """

    radii: Floats
    answers: tuple[WorstCase | Bounds, ...]

    @property
    def question(self) -> str:
        """What was asked, in words."""
        first = self.answers[0]
        return first.name if isinstance(first, Bounds) else first.question

    @property
    def sides(self) -> tuple[str, ...]:
        """("lower", "upper") of bounds, or the one direction."""
        first = self.answers[0]
        return ("lower", "upper") if isinstance(first, Bounds) else (first.direction,)

    def side(self, name: str) -> tuple[WorstCase, ...]:
        """The worst cases of one side along the radii."""
        if name not in self.sides:
            raise InvalidInput(f"`side` must be one of {', '.join(map(repr, self.sides))}; got {name!r}.")
        return tuple(
            getattr(answer, name) if isinstance(answer, Bounds) else answer for answer in self.answers
        )

    def values(self, name: str) -> Floats:
        """(k,) values of one side; NaN where no law exists."""
        return np.array([case.value for case in self.side(name)])

    def slopes(self, name: str) -> Floats:
        """(k,) d value / d total radius of one side, NaN where it is not known."""
        return np.array([_slope(case) for case in self.side(name)])

    def _rows(self) -> Iterator[dict[str, Any]]:
        for name in self.sides:
            for radius, case in zip(self.radii, self.side(name), strict=True):
                yield {
                    "radius": float(radius),
                    "side": name,
                    "value": worded(case.value, case.status),
                    "gap": worded(case.duality_gap, case.status),
                    "slope": worded(_slope(case), case.status),
                    "status": case.status.value,
                }

    def to_frame(self) -> pd.DataFrame:
        """One row per radius and side."""
        return frame(list(self._rows()))

    def to_dict(self) -> dict[str, Any]:
        """The question and its rows."""
        return {"question": self.question, "rows": list(self._rows())}

    def summary(self) -> str:
        """A table of at most nine radii."""
        chosen = np.unique(np.linspace(0, len(self.radii) - 1, min(9, len(self.radii))).round().astype(int))
        head = f"  {'radius':>10}" + "".join(f"  {side:>12}" for side in self.sides)
        lines = [f"{self.question} as the radius grows", head]
        for k in chosen:
            cases = [self.side(name)[k] for name in self.sides]
            lines.append(f"  {self.radii[k]:>10.5g}" + "".join(f"  {_shown(case):>12}" for case in cases))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def plot(self, ax: Any = None, *, breakdown: float | Breakdown | None = None) -> Any:
        """Value against radius, with a mark where a claim breaks down; needs matplotlib."""
        from riskstats.plotting_wasserstein import draw_sensitivity

        return draw_sensitivity(self, ax, breakdown=breakdown)


def _slope(case: WorstCase) -> float:
    """The slope along radii in a fixed ratio."""
    if case.slope is None or case.status is Status.INFEASIBLE:
        return math.nan
    total = sum(case.radius)
    if total == 0:
        return math.nan
    return sum(s * r for s, r in zip(case.slope, case.radius, strict=True)) / total


def _shown(case: WorstCase) -> str:
    if case.status is Status.INFEASIBLE:
        return "infeasible"
    mark = "" if case.status in (Status.OPTIMAL, Status.UNBOUNDED) else "*"
    return f"{case.value:.6g}{mark}"
