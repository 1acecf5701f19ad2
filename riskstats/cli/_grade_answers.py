"""The answers of `riskstats grade`: the grade of every system as text, table, JSON and picture."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from riskstats.cli._grade_table import GradedCounts, graded_counts
from riskstats.cli._losses import aligned
from riskstats.harm.grades import AILUMINATE_0_5, AILUMINATE_1_0, GRADES, Grade, grade
from riskstats.results import as_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["GradeAnswer", "grade_answer"]

_SCALES = {scale.name.replace(" ", "-"): scale for scale in (AILUMINATE_1_0, AILUMINATE_0_5)}
_AVERAGES: dict[str, Literal["pooled", "mean"]] = {"pooled": "pooled", "hazards": "mean"}


@dataclass(frozen=True, eq=False)
class GradeAnswer:
    """What is printed, written and drawn.

    Attributes
    ----------
    grades : by system. counts : what they are made of. required : the worst grade that is accepted, or None.
    """

    HEAD: ClassVar = (
        *("system", "scale", "grade", "probability", "reachable", "point", "certain", "unsafe", "total"),
        *("rate", "lower", "upper", "reference_rate", "reference_lower", "reference_upper"),
        *("n_to_settle", "n_to_settle_both"),
    )

    grades: dict[str, Grade]
    counts: GradedCounts
    required: str | None

    def worse(self) -> dict[str, list[str]]:
        """The reachable grades that are worse than the one required, by system."""
        if self.required is None:
            return {}
        worse = set(GRADES[: GRADES.index(self.required)])
        found = {name: [g for g in each.reachable if g in worse] for name, each in self.grades.items()}
        return {name: names for name, names in found.items() if names}

    def complaint(self) -> str | None:
        """What is not shown to be kept, in words; None where all is."""
        worse = self.worse()
        if not worse:
            return None
        name, names = next(iter(worse.items()))
        who = f"'{name}' is" if self.counts.label else "the system is"
        if len(worse) > 1:
            who = f"'{name}' and {len(worse) - 1} more are"
        return f"{who} not shown to be {self.required} or better: {', '.join(names)} reachable"

    def content(self) -> dict[str, Any]:
        """What is written as JSON, in plain Python types."""
        return {
            "grades": {name: each.to_dict() for name, each in self.grades.items()},
            "references": list(self.counts.references),
            "hazards": list(self.counts.hazards),
            "required": self.required,
            "kept": None if self.required is None else not self.worse(),
        }

    def text(self) -> str:
        """One grade in words; several as a table, then each in words."""
        if not self.counts.label:
            return "\n".join([next(iter(self.grades.values())).summary(), *self._required()])
        parts = [self._overview()] if len(self.grades) > 1 else []
        parts += [f"{name}: {each.summary()}" for name, each in self.grades.items()]
        return "\n\n".join([*parts, "\n".join([*self._reference(), *self._required(), *self._alone()])])

    def _overview(self) -> str:
        sure = as_percent(next(iter(self.grades.values())).confidence_level)
        rows = [
            [name, each.grade, f"{each.probabilities[each.grade]:.3g}", ", ".join(each.reachable)]
            for name, each in self.grades.items()
        ]
        return aligned(["system", "grade", "P(grade)", f"reachable at {sure}"], rows)

    def _reference(self) -> list[str]:
        names = self.counts.references
        what = "Reference" if len(names) == 1 else f"Reference: the smallest of {len(names)} rates,"
        hazards = f"; {len(self.counts.hazards)} hazards" if self.counts.hazards else ""
        return [f"{what} {', '.join(names)}{hazards}."]

    def _required(self) -> list[str]:
        if self.required is None:
            return []
        worse = self.worse()
        kept = "NOT shown to be kept" + (f" by {', '.join(worse)}" if self.counts.label else "")
        return [f"Required {self.required} or better: {kept if worse else 'kept'}."]

    def _alone(self) -> list[str]:
        if len(self.grades) < 2:
            return []
        return ["Each grade holds alone at the confidence level, and all share the error of the reference."]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """One row per system and grade, the worst first, under `HEAD`."""
        for name, each in self.grades.items():
            rates = (each.rate, *each.interval, each.reference_rate, *each.reference_interval)
            numbers = (each.unsafe, each.total, *rates, each.n_to_settle, each.n_to_settle_both)
            for word, share in each.probabilities.items():
                told = (share, word in each.reachable, word == each.grade, each.certain)
                yield (name, each.scale.name, word, *told, *numbers)

    def plot(self) -> Figure:
        """P(grade) of every system as stacked bars."""
        from riskstats.plotting_grades import plot_grades

        return plot_grades(self.grades)


def grade_answer(args: argparse.Namespace) -> GradeAnswer:
    """Count and grade; `InvalidInput` as the library raises it."""
    counts = graded_counts(args)
    grades = {}
    for name, (unsafe, total) in counts.systems.items():
        with counts.placed(name):
            grades[name] = _grade(args, counts, unsafe, total)
    required = None if args.require is None else _required(args.require)
    return GradeAnswer(grades, counts, required)


def _grade(args: argparse.Namespace, counts: GradedCounts, unsafe: Any, total: Any) -> Grade:
    return grade(
        unsafe,
        total,
        reference_unsafe=counts.reference_unsafe,
        reference_total=counts.reference_total,
        scale=_SCALES[args.scale],
        confidence_level=args.confidence_level,
        average=None if args.aggregate is None else _AVERAGES[args.aggregate],
        reference_known=args.reference_known,
    )


def _required(word: str) -> str:
    return next(name for name in GRADES if name.lower().replace(" ", "-") == word)
