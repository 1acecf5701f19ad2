"""The answers of `riskstats harm`: a report on every model, their comparison, the calibration of refusals."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from riskstats.cli._harm_table import GradedRows, graded_rows
from riskstats.exceptions import InvalidInput
from riskstats.harm.calibration import CalibrationReport, risk_calibration
from riskstats.harm.comparison import HarmComparison, compare_harm
from riskstats.harm.expected import HarmReport, expected_harm
from riskstats.results import Status
from riskstats.tail.models import named_limit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from riskstats.harm.harm_comparison import HarmPair

__all__ = ["HarmAnswer", "harm_answer"]

Row = tuple[str, str, str, str, Any, Any, Any, Any]


@dataclass(frozen=True, eq=False)
class HarmAnswer:
    """What is printed, written and drawn.

    Attributes
    ----------
    reports, calibrations : by model. comparison : of two models or more, else None.
    named : whether the table names the models.
    """

    HEAD: ClassVar = ("model", "against", "quantity", "cost", "value", "lower", "upper", "n")

    reports: dict[str, HarmReport]
    comparison: HarmComparison | None
    calibrations: dict[str, CalibrationReport]
    named: bool

    @property
    def risk_limit(self) -> float | None:
        """The expected harm that is acceptable."""
        return next(iter(self.reports.values())).risk_limit

    def above(self) -> list[str]:
        """The models whose upper limit is above the risk limit."""
        return [name for name, report in self.reports.items() if report.status is Status.ABOVE_LIMIT]

    def content(self) -> dict[str, Any]:
        """What is written as JSON, in plain Python types."""
        return {
            "reports": {name: report.to_dict() for name, report in self.reports.items()},
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "calibrations": {name: report.to_dict() for name, report in self.calibrations.items()},
        }

    # Text

    def text(self) -> str:
        """The comparison first, then each model; a note that several of them share stands once."""
        parts = [] if self.comparison is None else [replace(self.comparison, notes=()).summary()]
        parts += [self._model_text(name) for name in self.reports]
        every = [self.comparison, *self.reports.values(), *self.calibrations.values()]
        notes = dict.fromkeys(note for each in every if each is not None for note in each.notes)
        return "\n\n".join([*parts, "\n".join(notes)])

    def _model_text(self, name: str) -> str:
        lines = [f"Model {name}:" if self.named else f"{name}:"]
        lines.append(replace(self.reports[name], notes=()).summary())
        if name in self.calibrations:
            lines.append(replace(self.calibrations[name], notes=()).summary())
        return "\n".join(lines)

    # Numbers

    def rows(self) -> Iterator[Row]:
        """One row per number, under `HEAD`."""
        for name, report in self.reports.items():
            yield from _report_rows(name, report)
        for name, calibration in self.calibrations.items():
            yield from _calibration_rows(name, calibration)
        if self.comparison is not None:
            for pair in self.comparison.pairs:
                yield from _pair_rows(pair, self.comparison)

    # Pictures

    def plot(self, kind: str | None) -> Figure:
        """Harm by cost level, models against each other, or refusals."""
        kind = kind or self._kind()
        if kind == "steps":
            if self.comparison is None:
                raise InvalidInput("--plot-kind steps needs two models or more. Leave it out, or use levels.")
            return self.comparison.plot()
        reports = self.calibrations if kind == "refusals" else self.reports
        return _panels({name: report.plot for name, report in reports.items()})

    def _kind(self) -> str:
        if self.calibrations:
            return "refusals"
        return "levels" if self.comparison is None else "steps"


def _panels(draw: dict[str, Callable[..., Figure]]) -> Figure:
    """One picture, or one below the other, each with the name of its model."""
    if len(draw) == 1:
        return next(iter(draw.values()))()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as NewFigure

    from riskstats.plotting_rows import short
    from riskstats.scores.sheet import PAPER

    figure = NewFigure(figsize=(8.0, 4.3 * len(draw)), dpi=150, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    for place, (name, plot) in enumerate(draw.items(), start=1):
        axes = figure.add_subplot(len(draw), 1, place, facecolor=PAPER)
        plot(axes)
        axes.set_ylabel(f"{short(name)}\n{axes.get_ylabel()}", parse_math=False)
    return figure


# Rows of the table


def _report_rows(name: str, report: HarmReport) -> Iterator[Row]:
    harm, tail, success, n = report.expected_harm, report.tail, report.attack_success, report.n
    yield name, "", "expected harm", "", harm.estimate, harm.lower, harm.upper, n
    yield name, "", "expected harm over all decreasing maps", "", None, *report.interval, n
    cvar = f"cvar of severity x success at {report.level:g}"
    yield name, "", cvar, "", tail.estimate, tail.lower, tail.upper, n
    if success is not None:
        yield name, "", "weighted attack success", "", success.estimate, success.lower, success.upper, n
    for level in report.levels:
        for what, value in (
            ("likelihood", level.likelihood),
            ("success", level.success),
            ("severity x success", level.burden),
            ("part of expected harm", level.harm),
            ("harm up to this cost", level.cumulative),
        ):
            yield name, "", what, level.cost, value, None, None, level.n


def _calibration_rows(name: str, report: CalibrationReport) -> Iterator[Row]:
    n = report.n
    for what, found in (("tau-b", report.tau), ("auc", report.auc)):
        yield name, "", f"{what} of refusal and cost", "", found.value, found.lower, found.upper, n
    slope = report.slope
    by = "" if slope.adjusted_for == "nothing" else f", adjusted for {slope.adjusted_for}"
    what = f"slope of refusal on cost ({slope.status}{by})"
    yield name, "", what, "", slope.slope, slope.lower, slope.upper, slope.n_informative
    yield name, "", "regret", "", report.regret, 0.0, report.calibrated.largest_regret, n
    for row in report.curve:
        yield name, "", "refused", row.cost, row.rate, row.lower, row.upper, row.n
    for cost, value in zip(report.levels, report.calibrated.calibrated.tolist(), strict=True):
        if value == value:
            yield name, "", "refused if calibrated", cost, value, None, None, None


def _pair_rows(pair: HarmPair, comparison: HarmComparison) -> Iterator[Row]:
    names, n = (pair.first, pair.second), comparison.n
    yield *names, "difference of expected harm", "", pair.difference, pair.lower, pair.upper, n
    ratio = "ratio of expected harm over all decreasing maps"
    yield *names, ratio, "", None, pair.ratio.lower, pair.ratio.upper, n
    columns = (pair.cumulative, pair.cumulative_lower, pair.cumulative_upper)
    for cost, *numbers in zip(comparison.levels, *(column.tolist() for column in columns), strict=True):
        yield *names, "difference of harm up to this cost", cost, *numbers, n


# Computing


def harm_answer(args: argparse.Namespace) -> HarmAnswer:
    """Read the table and answer; `InvalidInput` and `IncompatibleBound` as the library raises them."""
    rows = graded_rows(args)
    limit, tail_limit = _limits(args)
    shared = {
        "cost_map": args.cost_map,
        "confidence_level": args.confidence_level,
        "levels": args.levels,
        "severity_scale": args.severity_scale,
        "random_state": args.seed,
    }
    reports, calibrations = {}, {}
    for name in rows.models:
        with rows.placed(name):
            reports[name] = _report(rows, name, args, limit, tail_limit, shared)
            if rows.refused is not None:
                calibrations[name] = _calibration(rows, name, shared)
    return HarmAnswer(reports, _comparison(rows, args, shared), calibrations, "model" in rows.names)


def _report(
    rows: GradedRows, name: str, args: argparse.Namespace, limit: Any, tail_limit: Any, shared: dict[str, Any]
) -> HarmReport:
    own = rows.of(name)
    return expected_harm(
        own["success"],
        own["severity"],
        own["cost"],
        sample_weight=own["weight"],
        cluster=own["cluster"],
        level=args.level,
        limit=limit,
        tail_limit=tail_limit,
        scale_id=rows.scale_id,
        prompts=own["prompts"],
        risk_limit=args.risk_limit,
        **shared,
    )


def _calibration(rows: GradedRows, name: str, shared: dict[str, Any]) -> CalibrationReport:
    own = rows.of(name)
    assert rows.refused is not None
    return risk_calibration(
        rows.refused[rows.models[name]],
        own["cost"],
        own["severity"],
        sample_weight=own["weight"],
        cluster=own["cluster"],
        **shared,
    )


def _comparison(rows: GradedRows, args: argparse.Namespace, shared: dict[str, Any]) -> HarmComparison | None:
    if len(rows.models) < 2:
        return None
    given: Any = {
        "sample_weight": rows.by_prompt("weight"),
        "cluster": rows.by_prompt("cluster"),
        **shared,
    }
    success = {
        name: {rows.prompts[row]: float(rows.success[row]) for row in at.tolist()}
        for name, at in rows.models.items()
    }
    return compare_harm(
        success,
        rows.by_prompt("severity"),
        rows.by_prompt("cost"),
        on=args.on,
        scale_id=rows.scale_id,
        **given,
    )


def _limits(args: argparse.Namespace) -> tuple[Any, Any]:
    """The methods of the two limits, of expected harm and of CVaR; None of CVaR is what follows from that."""
    both = args.limit if args.limit in ("split-betting", "berk-jones") else None
    tail = args.tail_limit or both
    return _mean_limit(args.limit), None if tail is None else named_limit(tail, args.level)


def _mean_limit(name: str) -> Any:
    from riskstats.bounds.parse import parse_bound
    from riskstats.measures.mean import Mean
    from riskstats.tail.limit_methods import Asymptotic, BootstrapT

    if name in ("bootstrap-t", "asymptotic"):
        return BootstrapT() if name == "bootstrap-t" else Asymptotic()
    return parse_bound("betting" if name == "split-betting" else name, Mean())
