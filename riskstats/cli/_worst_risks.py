"""The worst case of a risk of one column, or of a sum of columns with any dependence."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from riskstats.cli import _losses as losses
from riskstats.cli._output import STDOUT
from riskstats.cli._worst_text import (
    Row,
    case_content,
    curve_of,
    curve_rows,
    curve_table,
    row_of,
    sampling,
    sizes_of,
)
from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.scores.wording import clean
from riskstats.wasserstein.ball import MarginalBalls, WassersteinBall
from riskstats.wasserstein.breakdown import Breakdown, Claim, breakdown_radius
from riskstats.wasserstein.inference import ConfidenceBounds, bounds_interval
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.sensitivity import SensitivityCurve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from riskstats._records import LossTable
    from riskstats.measures.base import RiskMeasure

__all__ = ["RiskAnswer", "risk_answer"]

_ANY = (-math.inf, math.inf)


@dataclass(frozen=True, eq=False)
class RiskAnswer:
    """The worst case of a risk of one column, or of a weighted sum of columns."""

    label: str
    names: tuple[str, ...]
    weights: tuple[float, ...]
    case: WorstCase
    breakdown: Breakdown | None
    curve: SensitivityCurve | None
    limits: ConfidenceBounds | None
    risk_limit: float | None

    @property
    def kept(self) -> bool | None:
        """Whether the limit is shown to be kept; None without one."""
        return None if self.risk_limit is None else bool(self.case.value <= self.risk_limit)

    def complaint(self) -> str:
        """Why the gate is not met."""
        radii = ", ".join(f"{radius:.6g}" for radius in self.case.radius)
        most = f"up to {self.case.value:.6g}" if math.isfinite(self.case.value) else "without limit"
        return (
            f"{self.case.question} is {most} within radius {radii}; not shown to keep "
            f"--risk-limit {self.risk_limit:g}"
        )

    def text(self) -> str:
        """The answer in words."""
        lines = [f"{self.label}:", self.case.summary().replace("A larger order", "A larger --order")]
        if self.limits is not None:
            lines.append(sampling(self.limits, "this worst case"))
        if self.breakdown is not None:
            lines.append(self.breakdown.summary())
        if self.curve is not None:
            lines.append(curve_table(self.curve))
        return "\n".join(lines)

    def content(self) -> dict[str, Any]:
        """What is written as JSON; the law by its size."""
        return {
            "columns": list(self.names),
            "weights": list(self.weights),
            "worst_case": case_content(self.case),
            "limits": None if self.limits is None else self.limits.to_dict(),
            "risk_limit": self.risk_limit,
            "kept": self.kept,
            "breakdown": None if self.breakdown is None else self.breakdown.to_dict(),
            "sensitivity": None if self.curve is None else self.curve.to_dict()["rows"],
        }

    def rows(self) -> Iterator[Row]:
        """The worst case, then the curve."""
        yield row_of(self.case)
        yield from curve_rows(self.curve)

    def plot(self) -> Figure:
        """The curve where there is one, else the law."""
        if self.curve is not None:
            return self.curve.plot(breakdown=self.breakdown)
        return self.case.plot()


def risk_answer(args: argparse.Namespace) -> RiskAnswer:
    """The worst case of the columns that the options name."""
    from riskstats.measures.parse import parse_measure

    measure = parse_measure(args.measure)
    table = _loss_table(args)
    weights = args.weights or (1.0,) * len(table.names)
    if len(weights) != len(table.names):
        raise InvalidInput(
            f"`weights` has {len(weights)} numbers for {len(table.names)} columns. Pass one for each."
        )
    if not any(weights):
        raise InvalidInput("`weights` are all 0; the sum is then always 0. Pass one that is not 0.")
    model = _model(
        [
            WassersteinBall(row, **size)
            for row, size in zip(table.values, sizes_of(args, len(weights)), strict=True)
        ]
    )
    ask = _risk_question(args, measure, table.names, weights)
    claim = None if args.risk_limit is None else Claim(ask, below=args.risk_limit)
    case = ask(model)
    if case.reference_value is None and case.status is not Status.INFEASIBLE:
        case = replace(case, reference_value=ask(model.at(0.0)).value)
    return RiskAnswer(
        "standard input" if args.data == STDOUT else args.data,
        table.names,
        tuple(weights),
        case,
        None if claim is None else breakdown_radius(claim, model),
        curve_of(args, ask, model),
        _risk_limits(args, ask, model),
        args.risk_limit,
    )


def _loss_table(args: argparse.Namespace) -> LossTable:
    """The columns, each with a warning where it is named like a gain."""
    from riskstats._samples import loss_vector

    table = losses.clustered(losses.read(args))
    if args.columns is None and len(table.names) > 1:
        shown = ", ".join([*map(clean, table.names[:8]), *(["..."] if len(table.names) > 8 else [])])
        raise InvalidInput(
            f"{args.data} has {len(table.names)} columns of losses ({shown}). "
            "Name one with --column, or those whose sum is asked with --columns A,B."
        )
    if args.direction == "upper":
        for name, values in zip(table.names, table.values, strict=True):
            loss_vector({name: values}, _ANY)
    return table


def _risk_question(
    args: argparse.Namespace, measure: RiskMeasure, names: Sequence[str], weights: Sequence[float]
) -> Callable[[Any], WorstCase]:
    from riskstats.wasserstein.worst_risk import worst_case_risk

    words = f"{measure} of {_sum_in_words(names, weights)}"

    def ask(model: Any) -> WorstCase:
        found = worst_case_risk(
            measure, model, weights=weights, direction=args.direction, support=args.support
        )
        return replace(found, question=words)

    return ask


def _sum_in_words(names: Sequence[str], weights: Sequence[float]) -> str:
    words = ""
    for name, a in zip(names, weights, strict=True):
        sign = (" - " if a < 0 else " + ") if words else "-" * (a < 0)
        words += f"{sign}{'' if abs(a) == 1 else f'{abs(a):g} '}{clean(name)}"
    return words


def _risk_limits(
    args: argparse.Namespace, ask: Callable[[Any], WorstCase], model: Any
) -> ConfidenceBounds | None:
    if args.confidence_level is None:
        return None
    if not isinstance(model, WassersteinBall):
        raise InvalidInput(
            "--confidence-level is answered for one column: columns of the same rows are not independent "
            "samples. Leave it out."
        )
    return bounds_interval(
        lambda values: ask(WassersteinBall(values, radius=model.radius, order=model.order)),
        model.points[:, 0],
        confidence_level=args.confidence_level,
        random_state=args.seed,
    )


def _model(balls: list[WassersteinBall]) -> WassersteinBall | MarginalBalls:
    return balls[0] if len(balls) == 1 else MarginalBalls(*balls)
