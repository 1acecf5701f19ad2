"""A grade with its probability, and what would have to be known to be certain of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from riskstats._validation import Integers, choice, positive_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.exceptions import InvalidInput
from riskstats.harm.grade_intervals import SmallestTotals, minimum_interval, rate_interval, settling_totals
from riskstats.harm.grade_probability import (
    BetaRate,
    KnownRate,
    grade_probabilities,
    mean_rate,
)
from riskstats.harm.grade_scale import AILUMINATE_0_5, AILUMINATE_1_0, GRADES, GradeScale
from riskstats.results import Result, as_percent, frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["AILUMINATE_0_5", "AILUMINATE_1_0", "GRADES", "Grade", "GradeScale", "grade"]

Average = Literal["pooled", "mean"]
Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Grade(Result):
    """A grade against a reference, with everything that the counts leave open.

    Attributes
    ----------
    scale : the `GradeScale`, with its name and version.
    grade : at the observed fractions, compared exactly.
    rate, reference_rate : observed unsafe fractions; the reference is the smallest over its systems.
    unsafe, total : counts of the system, over all hazards.
    n_references, reference_known : systems of the reference; whether its rate has no error.
    average : "pooled" items or unweighted "mean" over hazards; "" with one hazard.
    averages : {"pooled": ..., "mean": ...}, each (rate, reference rate, grade), with several hazards.
    probabilities : P(grade) under independent Beta posteriors, worst grade first; they sum to 1.
    interval, reference_interval : each holds its rate except with half of the error.
    reachable : grades of some pair of rates in both intervals.
    confidence_level : with at least which the true grade is among the reachable ones.
    n_to_settle : smallest total at which the same rates would leave one grade, with the reference as it is;
        None where its error alone, or a rate on a border, leaves more.
    n_to_settle_both : the same where the reference grows in proportion.
    """

    scale: GradeScale
    grade: str
    rate: float
    reference_rate: float
    unsafe: int
    total: int
    n_references: int
    reference_known: bool
    average: str
    averages: dict[str, tuple[float, float, str]]
    probabilities: dict[str, float]
    interval: tuple[float, float]
    reference_interval: tuple[float, float]
    reachable: tuple[str, ...]
    confidence_level: float
    n_to_settle: int | None
    n_to_settle_both: int | None

    @property
    def certain(self) -> bool:
        """Whether one grade is reachable: wrong in at most 1 - confidence_level of samples."""
        return len(self.reachable) == 1

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, and whether the grade is certain."""
        return {**super().to_dict(), "certain": self.certain}

    def summary(self) -> str:
        """The grade, how sure it is, which others are reachable, and what would settle it."""
        sure = as_percent(self.confidence_level)
        word = "certain" if self.certain else "not certain"
        known = " known" if self.reference_known else ""
        lines = [
            f"{self.grade} ({word} at {sure}), scale {self.scale.name}",
            f"  unsafe {self.unsafe} of {self.total}: {_rate(self.rate, self.interval)}",
            f"  reference{known}: {_rate(self.reference_rate, self.reference_interval)}"
            + (f", smallest of {self.n_references} systems" if self.n_references > 1 else ""),
            "  P(grade): " + ", ".join(f"{n} {_chance(p)}" for n, p in self.probabilities.items()),
            f"  reachable at {sure}: {', '.join(self.reachable)}",
            f"  {self._settled()}",
        ]
        for name, (rate, reference, graded) in self.averages.items():
            used = ", in use" if name == self.average else ""
            lines.append(f"  {_AVERAGES[name]}: {rate:.4g} against {reference:.4g}, {graded}{used}")
        return "\n".join(lines)

    def _settled(self) -> str:
        if self.n_to_settle is not None:
            return f"one grade is left from n = {self.n_to_settle} on, at these rates and this reference"
        if self.n_to_settle_both is not None:
            return (
                f"no n settles it against this reference; n = {self.n_to_settle_both} would, with the "
                "reference grown in proportion"
            )
        return "no n settles it: the rates lie on a border, or next to it"

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per grade."""
        return frame(
            [
                {
                    "scale": self.scale.name,
                    "grade": name,
                    "probability": share,
                    "reachable": name in self.reachable,
                    "point": name == self.grade,
                }
                for name, share in self.probabilities.items()
            ]
        )

    def plot(self, ax: Any = None) -> Figure:
        """P(grade) as one stacked bar."""
        from riskstats.plotting_grades import plot_grades

        return plot_grades({self.scale.name: self}, ax)


_AVERAGES = {"pooled": "pooled items", "mean": "unweighted mean over hazards"}


def _rate(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.4g} ({interval[0]:.4g} to {interval[1]:.4g})"


class _Counts(NamedTuple):
    """Counts (systems, hazards)."""

    unsafe: Numbers
    total: Numbers

    def rates(self, average: Average) -> list[Fraction]:
        """The exact rate of every system."""
        rows = zip(self.unsafe.tolist(), self.total.tolist(), strict=True)
        if average == "pooled":
            return [Fraction(sum(unsafe), sum(total)) for unsafe, total in rows]
        return [
            sum((Fraction(s, n) for s, n in zip(unsafe, total, strict=True)), Fraction(0)) / len(total)
            for unsafe, total in rows
        ]

    def laws(self, average: Average, prior: tuple[float, float]) -> list[Any]:
        """The posterior of every system."""
        if average == "pooled":
            sums = zip(self.unsafe.sum(axis=1).tolist(), self.total.sum(axis=1).tolist(), strict=True)
            return [_posterior(s, n, prior) for s, n in sums]
        return [
            mean_rate([_posterior(s, n, prior) for s, n in zip(unsafe, total, strict=True)])
            for unsafe, total in zip(self.unsafe.tolist(), self.total.tolist(), strict=True)
        ]


def _posterior(unsafe: int, total: int, prior: tuple[float, float]) -> BetaRate:
    return BetaRate(prior[0] + unsafe, prior[1] + total - unsafe)


def _chance(share: float) -> str:
    """A probability in words; digits of a tiny one say nothing of the answers."""
    return f"{share:.3g}" if share >= 0.001 or share == 0.0 else "< 0.001"


def grade(
    unsafe: npt.ArrayLike,
    total: npt.ArrayLike,
    *,
    reference_unsafe: npt.ArrayLike,
    reference_total: npt.ArrayLike,
    scale: GradeScale = AILUMINATE_1_0,
    confidence_level: float = 0.95,
    average: Average | None = None,
    reference_known: bool = False,
    prior: tuple[float, float] = (0.5, 0.5),
) -> Grade:
    """Grade the unsafe answers of a system against a reference, with P(grade) and the reachable grades.

    Parameters
    ----------
    unsafe, total : counts of unsafe answers and of answers; numbers, or (H,) one per hazard.
    reference_unsafe, reference_total : the same of the reference; with one axis more in front, of several
        systems, of which the one with the smallest rate is the reference: (J,) or (J, H).
    scale : the cuts; `AILUMINATE_1_0`, `AILUMINATE_0_5` or a `GradeScale`.
    confidence_level : with which the true grade is among the reachable ones.
    average : with several hazards, "pooled" (every item counts the same) or "mean" (every hazard does).
    reference_known : True takes the fraction of the reference as exact.
    prior : (a, b) of the Beta prior of every rate; (0.5, 0.5) is Jeffreys'.

    The point grade compares integers. P(grade) integrates the independent posteriors Beta(a + unsafe,
    b + total - unsafe), of a minimum as a minimum and of a mean over hazards as a mean. The reachable grades
    come from exact binomial intervals (Clopper-Pearson), each with half of the error. For a minimum of J
    rates the lower limits need no correction, as only the one of the smallest rate can fail, and the upper
    ones share theirs. Independent items; those of different hazards may have different rates.

    `InvalidInput`: counts that are fractional, negative, missing or unsafe > total; a total of 0; several
    hazards without `average`.
    """
    if not isinstance(scale, GradeScale):
        raise InvalidInput(f"`scale` must be a `GradeScale` such as `AILUMINATE_1_0`; got {scale!r}.")
    counts = _counts(unsafe, total, "unsafe", "total", hazards=None)
    reference = _counts(
        reference_unsafe, reference_total, "reference_unsafe", "reference_total", hazards=np.ndim(unsafe) > 0
    )
    how, delta = _average(counts, reference, average), 1.0 - checked_confidence(confidence_level)
    start = (positive_number(prior[0], "prior"), positive_number(prior[1], "prior"))
    own, best = counts.rates(how)[0], min(reference.rates(how))
    known = KnownRate(float(best)) if reference_known else None
    shares = grade_probabilities(counts.laws(how, start)[0], known or reference.laws(how, start), scale)
    limits, ends = _limits(counts, reference, how, delta, known)
    point = scale.grade(own, best)
    reachable = scale.reachable(*(np.array([end]) for end in (*limits, *ends)))[0]
    settled = _settling(counts, reference, how, delta, scale, known)
    return Grade(
        scale=scale,
        grade=point,
        rate=float(own),
        reference_rate=float(best),
        unsafe=int(counts.unsafe.sum()),
        total=int(counts.total.sum()),
        n_references=len(reference.total),
        reference_known=bool(reference_known),
        average=how if counts.total.shape[1] > 1 else "",
        averages=_averages(counts, reference, scale),
        probabilities=dict(zip(GRADES, shares.tolist(), strict=True)),
        interval=limits,
        reference_interval=ends,
        reachable=tuple(
            name for name, met in zip(GRADES, reachable.tolist(), strict=True) if met or name == point
        ),
        confidence_level=1.0 - delta,
        n_to_settle=settled.alone,
        n_to_settle_both=settled.both,
    )


def _averages(counts: _Counts, reference: _Counts, scale: GradeScale) -> dict[str, tuple[float, float, str]]:
    if counts.total.shape[1] == 1:
        return {}
    found = {}
    for how in ("pooled", "mean"):
        own, best = counts.rates(how)[0], min(reference.rates(how))
        found[how] = (float(own), float(best), scale.grade(own, best))
    return found


def _limits(
    counts: _Counts, reference: _Counts, how: Average, delta: float, known: KnownRate | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Intervals of the rate and of the reference; a reference without error leaves all of it to the rate."""
    share = delta if known else 0.5 * delta
    low, high = rate_interval(counts.unsafe[0], counts.total[0], how, share, share)
    if known:
        return (low, high), (known.value, known.value)
    return (low, high), minimum_interval(reference.unsafe, reference.total, how, share)


def _settling(
    counts: _Counts,
    reference: _Counts,
    how: Average,
    delta: float,
    scale: GradeScale,
    known: KnownRate | None,
) -> SmallestTotals:
    def left(own_factor: float, reference_factor: float) -> int:
        own = _Counts(counts.unsafe * own_factor, counts.total * own_factor)
        other = _Counts(reference.unsafe * reference_factor, reference.total * reference_factor)
        limits, ends = _limits(own, other, how, delta, known)
        return int(scale.reachable(*(np.array([end]) for end in (*limits, *ends))).sum())

    return settling_totals(left, int(counts.total.sum()))


# Gates


def _average(counts: _Counts, reference: _Counts, average: Any) -> Average:
    if counts.total.shape[1] != reference.total.shape[1]:
        raise InvalidInput(
            f"`unsafe` has {counts.total.shape[1]} hazards, `reference_unsafe` {reference.total.shape[1]}. "
            "Pass both over the same hazards."
        )
    if counts.total.shape[1] == 1:
        return "pooled"
    if average is None:
        raise InvalidInput(
            f"`average` must be named with {counts.total.shape[1]} hazards: 'pooled' lets every item count "
            "the same, 'mean' every hazard; they are two different numbers."
        )
    return "pooled" if choice(average, ("pooled", "mean"), "average") == "pooled" else "mean"


def _counts(unsafe: Any, total: Any, unsafe_name: str, total_name: str, *, hazards: bool | None) -> _Counts:
    """Counts as (systems, hazards); `hazards` says whether the last axis is one, None that it is the only."""
    totals = _whole(total, total_name, "an integer >= 1")
    if totals.min() < 1:
        raise InvalidInput(f"`{total_name}` must be an integer >= 1; got {totals.min()}.")
    counts = _whole(unsafe, unsafe_name, "an integer in 0..total")
    if counts.shape != totals.shape:
        raise InvalidInput(
            f"`{unsafe_name}` has shape {counts.shape} and `{total_name}` {totals.shape}. Pass one total per "
            "count."
        )
    wrong = (counts < 0) | (counts > totals)
    if wrong.any():
        raise InvalidInput(
            f"`{unsafe_name}` must be an integer in 0..total; got {counts[wrong][0]} of {totals[wrong][0]}."
        )
    most = 1 if hazards is None else 1 + bool(hazards)
    if counts.ndim > most:
        raise InvalidInput(f"`{unsafe_name}` may have {most} axes here; got shape {counts.shape}.")
    if hazards is False:
        return _Counts(np.atleast_1d(counts)[:, np.newaxis], np.atleast_1d(totals)[:, np.newaxis])
    return _Counts(np.atleast_2d(counts), np.atleast_2d(totals))


def _whole(values: Any, name: str, wanted: str) -> Integers:
    """Integers of any shape, not empty."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`{name}` must be {wanted}; {error}.") from error
    if array.size == 0:
        raise InvalidInput(f"`{name}` is empty; at least one count is needed.")
    broken = ~(array == np.floor(array)) | (np.abs(array) > 2.0**53)
    if broken.any():
        raise InvalidInput(
            f"`{name}` must be {wanted}; got {array[broken].ravel()[0]:g}. Grades need counts; average "
            "judgements before with a declared rule."
        )
    return array.astype(np.int64)
