"""What a report is held against: lines of zones, a reference for grades, a limit for the tail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._validation import choice, number, quoted
from riskstats.evaluations.report_result import Findings, Gate
from riskstats.evaluations.report_rows import Cell
from riskstats.evaluations.zones import ZONES, Zone, zone
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.harm.grades import GRADES, Grade, GradeScale, grade
from riskstats.results import Status

__all__ = [
    "Lines",
    "Reference",
    "checked_requirements",
    "gates_of",
    "lines_of",
    "reference_of",
    "status_of",
    "zones_of",
]

Lines = Mapping[str, tuple[float, float]]
"""(yellow, red) by outcome; the key "" is of every outcome."""


def lines_of(zones: Any, outcomes: Sequence[str]) -> Lines:
    """The lines of zones as they were given: (yellow, red), or {outcome: (yellow, red)}."""
    if zones is None:
        return {}
    given = dict(zones) if isinstance(zones, Mapping) else {"": zones}
    unknown = [name for name in given if name and name not in outcomes]
    if unknown:
        raise InvalidInput(
            f"`zones` names {quoted(unknown)}, which is no outcome; there are {quoted(outcomes)}."
        )
    return {name: _pair(each) for name, each in given.items()}


def _pair(given: Any) -> tuple[float, float]:
    try:
        yellow, red = given
    except (TypeError, ValueError):
        raise InvalidInput(f"`zones` must be (yellow, red), yellow < red; got {given!r}.") from None
    yellow, red = number(yellow, "zones"), number(red, "zones")
    if not yellow < red:
        raise InvalidInput(f"`zones` must be (yellow, red) with yellow < red; got ({yellow:g}, {red:g}).")
    return yellow, red


@dataclass(frozen=True)
class Reference:
    """What answers are graded against: models of the table, or counts.

    Attributes
    ----------
    models : names. unsafe, total : counts of each system, where they were given as such.
    """

    models: tuple[str, ...] = ()
    unsafe: tuple[int, ...] = ()
    total: tuple[int, ...] = ()

    def graded(
        self, cells: Mapping[str, Cell], scale: GradeScale, confidence_level: float
    ) -> dict[str, Grade]:
        """The grade of every model that is no reference.

        `IncompatibleBound` where answers are not independent, `InvalidInput` where losses are no counts.
        """
        counts = {model: _counts(cell) for model, cell in cells.items()}
        references = [counts[name] for name in self.models if name in counts]
        unsafe = [*self.unsafe, *(own[0] for own in references)]
        total = [*self.total, *(own[1] for own in references)]
        if not total:
            raise InvalidInput(f"the reference {quoted(self.models)} has no answers in this outcome.")
        return {
            model: grade(
                *own,
                reference_unsafe=unsafe,
                reference_total=total,
                scale=scale,
                confidence_level=confidence_level,
            )
            for model, own in counts.items()
            if model not in self.models
        }


def _counts(cell: Cell) -> tuple[int, int]:
    if cell.units is not None:
        raise IncompatibleBound(
            f"a grade counts independent answers, and the {len(cell.rows)} outcomes of '{cell.model}' come "
            f"from {int(cell.units.max()) + 1} prompts or clusters. Choose one of each with "
            "`select(epoch=1)` or `select(judge=...)`, or leave out `reference`."
        )
    if not cell.binary or cell.weights is not None:
        what = "fractions" if not cell.binary else "weights that differ"
        raise InvalidInput(
            f"a grade counts unsafe answers, and the losses of '{cell.model}' have {what}. Apply a threshold "
            "that was declared before, or leave out `reference`."
        )
    return int(cell.losses.sum()), len(cell.losses)


def reference_of(given: Any, models: Sequence[str]) -> Reference | None:
    """A reference as it was given: names of models, (unsafe, total), or several of these."""
    if given is None:
        return None
    several = [given] if isinstance(given, str) or _is_pair(given) else list(given)
    names = tuple(each for each in several if isinstance(each, str))
    pairs = [each for each in several if not isinstance(each, str)]
    wrong = [name for name in names if name not in models]
    if wrong or not several or not all(map(_is_pair, pairs)):
        told = (
            f"no model is called {quoted(wrong)}; there are {quoted(models)}" if wrong else f"got {given!r}"
        )
        raise InvalidInput(
            f"`reference` must be models of the table, or counts (unsafe, total) of other systems; {told}."
        )
    if set(models) == set(names):
        raise InvalidInput("every model is a reference; none is left to grade. Name fewer in `reference`.")
    return Reference(names, tuple(int(pair[0]) for pair in pairs), tuple(int(pair[1]) for pair in pairs))


def _is_pair(each: Any) -> bool:
    return (
        isinstance(each, (tuple, list))
        and len(each) == 2
        and all(isinstance(part, (int, np.integer)) and not isinstance(part, bool) for part in each)
    )


def zones_of(findings: Findings, lines: Lines) -> dict[str, dict[str, Zone]]:
    """The zone of every rate that has lines, by outcome and model."""
    return {
        outcome: {
            model: zone(
                report.overall.estimate,
                (
                    min(report.overall.lower, report.overall.estimate),
                    max(report.overall.upper, report.overall.estimate),
                ),
                *lines.get(outcome, lines.get("", (0.0, 1.0))),
            )
            for model, report in models.items()
        }
        for outcome, models in findings.rates.items()
        if outcome in lines or "" in lines
    }


# Gates


def checked_requirements(
    required_zone: str | None, required_grade: str | None, zones: Any, reference: Any
) -> None:
    """`InvalidInput` for an unknown zone or grade, or one without lines or a reference."""
    for word, known, name, needs, given in (
        (required_zone, ZONES[:2], "required_zone", "zones", zones),
        (required_grade, GRADES, "required_grade", "reference", reference),
    ):
        if word is not None:
            choice(word, known, name)
            if given is None:
                raise InvalidInput(f"`{name}` needs `{needs}`, which is not given. Pass both.")


def gates_of(
    findings: Findings, risk_limit: float | None, required_zone: str | None, required_grade: str | None
) -> Iterator[Gate]:
    """Every requirement, model by model."""
    if risk_limit is not None:
        if not findings.tails:
            raise InvalidInput(
                "`risk_limit` is about the tail, which could not be computed: "
                f"{findings.left_out.get('tail', 'there is none')}"
            )
        yield from _tail_gates(findings, risk_limit)
    if required_zone is not None:
        for outcome, zones in findings.zones.items():
            for model, each in zones.items():
                kept = ZONES.index(each.worst) <= ZONES.index(required_zone)
                yield Gate("zone", outcome, model, kept, f"{required_zone} required, {each.summary()}")
    if required_grade is not None:
        for outcome, grades in findings.grades.items():
            for model, graded in grades.items():
                worst = min(graded.reachable, key=GRADES.index)
                kept = GRADES.index(worst) >= GRADES.index(required_grade)
                told = f"{required_grade} required, reachable {', '.join(graded.reachable)}"
                yield Gate("grade", outcome, model, kept, told)


def _tail_gates(findings: Findings, risk_limit: float) -> Iterator[Gate]:
    for stage, report in findings.tails.items():
        above = report.above(risk_limit)
        for model, profile in report.profiles.items():
            upper = getattr(profile.union.interval, "upper", None)
            told = "no limit" if upper is None else f"CVaR at most {upper:.4g}"
            yield Gate(
                "risk limit",
                stage or "all dimensions",
                model,
                model not in above,
                f"{told}, limit {risk_limit:g}",
            )


def status_of(gates: Sequence[Gate], partial: bool) -> Status:
    """The weakest of the gates; a log that is not whole keeps none for sure."""
    if not gates:
        return Status.BOUND
    if not all(gate.kept for gate in gates):
        return Status.ABOVE_LIMIT
    return Status.UNDECIDED if partial else Status.WITHIN_LIMIT
