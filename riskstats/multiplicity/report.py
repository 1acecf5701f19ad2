"""Every answer about some rows in one record: how far predictions reach, and what hangs on the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, choice, sample_weights
from riskstats._validation import time_limit as checked_time_limit
from riskstats.exceptions import InvalidInput
from riskstats.losses import sigmoid
from riskstats.multiplicity.abstain import Abstentions, abstentions
from riskstats.multiplicity.ambiguity import ambiguity
from riskstats.multiplicity.capacity import CapacityResult, rashomon_capacity
from riskstats.multiplicity.convex import ConvexModels
from riskstats.multiplicity.deviations import checked_deviations, discrepancies
from riskstats.multiplicity.disagreement import label_ambiguity
from riskstats.multiplicity.groups import GroupRates, group_rates, widths_of
from riskstats.multiplicity.inputs import checked_threshold, read_only
from riskstats.multiplicity.known_rows import on_rows
from riskstats.multiplicity.prediction_range import PredictionRange
from riskstats.multiplicity.result import MultiplicityRate
from riskstats.multiplicity.stamps import MultiplicityStamps, stamps_of
from riskstats.multiplicity.wording import between, counted, percent
from riskstats.results import Result, frame
from riskstats.tail.inputs import labelled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["MultiplicityReport", "multiplicity_report"]

PLOTS = ("ranges", "ambiguity", "discrepancy", "groups")
_PER_BIT = "{:.3g}".format


@dataclass(frozen=True, eq=False)
class MultiplicityReport(Result):
    """What hangs on the choice of the model, for n rows.

    Attributes
    ----------
    stamps : objective, penalty, epsilon, comparison, version, hashes, seed.
    prediction_range : of every row. baseline : (n,) predictions of the best model.
    sample_weight : (n,) weights of the rows in every share and mean.
    deviations : (D,) ascending. ambiguity, discrepancy : the rates at each of them. The first lets every row
        call on a model of its own, the second asks one model to differ on all rows it counts; the first is
        never the smaller and often several times the other, so neither stands for the other.
    decision_threshold : None for responses without one; then so are the two below.
    label_ambiguity : share of rows that members of the set decide either way.
    abstain : these rows, each with a model on either side; open rows apart.
    capacity : bits that the choice of the model carries about each prediction; None for responses.
    groups : rates within groups, one entry for each way of grouping.
    """

    stamps: MultiplicityStamps
    prediction_range: PredictionRange
    baseline: Floats
    sample_weight: Floats
    deviations: tuple[float, ...]
    ambiguity: tuple[MultiplicityRate, ...]
    discrepancy: tuple[MultiplicityRate, ...]
    decision_threshold: float | None
    label_ambiguity: MultiplicityRate | None
    abstain: Abstentions | None
    capacity: CapacityResult | None
    groups: tuple[GroupRates, ...]

    def __post_init__(self) -> None:
        read_only(self, "baseline", "sample_weight")

    @property
    def kind(self) -> str:
        """The kind of all ranges in one word, "exact", "outer" or "inner"."""
        return self.prediction_range.overall_kind

    @property
    def mean_width(self) -> tuple[float, float | None]:
        """Weighted mean width of the ranges: between attained ends, and between safe ends or None."""
        attained, safe = widths_of(self.prediction_range)
        return self._mean(attained), None if safe is None else self._mean(safe)

    def _mean(self, values: Floats) -> float:
        counted_rows = self.sample_weight > 0.0
        weights = self.sample_weight[counted_rows]
        return float(weights @ values[counted_rows] / weights.sum())

    def summary(self) -> str:
        """The set, the widths, both rates at every deviation, decisions, capacity, groups: one screen."""
        words = {"exact": "exact", "outer": "certified, not all exact", "inner": "from below only"}[self.kind]
        lines = [f"Predictive multiplicity of {counted(len(self.baseline))}: {words}"]
        lines += [f"  {line}" for line in [*self.stamps.lines(), *self._widths()]]
        lines += self._rates()
        lines += [self.abstain.summary()] if self.abstain is not None else []
        lines += self._capacity()
        lines += [each.summary() for each in self.groups]
        if self.kind == "inner":
            lines.append(
                "Only models that were found are counted: every 'at least' may be far below the truth."
            )
        return "\n".join([*lines, self.stamps.last_line()])

    def _widths(self) -> list[str]:
        attained, safe = widths_of(self.prediction_range)
        row = int(np.argmax(np.where(self.sample_weight > 0.0, attained, -1.0)))
        largest = between(float(attained[row]), None if safe is None else float(safe[row]), _PER_BIT)
        mean = between(*self.mean_width, _PER_BIT)
        exact = int((self.prediction_range.kind == "exact").sum())
        certified = "" if self.kind == "inner" else f"; {exact} of {len(self.baseline)} rows exact"
        return [f"width of the range of a row: mean {mean}, row {row} {largest}{certified}"]

    def _rates(self) -> list[str]:
        """Both rates side by side."""
        unit = "probability" if self.stamps.scale == "probability" else "prediction"
        head = (
            f"{unit} differs by",
            "ambiguity: a model for each row",
            "discrepancy: one model for all rows",
        )
        cells = [head]
        for amount, a, d in zip(self.deviations, self.ambiguity, self.discrepancy, strict=True):
            cells.append((f">= {amount:g}", self._share(a), self._share(d)))
        widths = [max(len(row[j]) for row in cells) for j in range(3)]
        return ["  " + "   ".join(map(str.ljust, row, widths)).rstrip() for row in cells]

    @staticmethod
    def _share(rate: MultiplicityRate) -> str:
        opened = f", {rate.n_open} open" if rate.n_open and rate.bound is not None else ""
        return f"{between(rate.value, rate.bound, percent)} ({counted(rate.n_conflict)}{opened})"

    def _capacity(self) -> list[str]:
        if self.capacity is None:
            return []
        of = self.capacity
        row = int(np.argmax(np.where(self.sample_weight > 0.0, of.value, -1.0)))
        mean = between(self._mean(of.value), None if of.bound is None else self._mean(of.bound), _PER_BIT)
        largest = between(float(of.value[row]), None if of.bound is None else float(of.bound[row]), _PER_BIT)
        most = np.log2(of.n_classes)
        return [f"Rashomon capacity: mean {mean}, row {row} {largest}, of {most:.3g} bit"]

    def __str__(self) -> str:
        return self.summary()

    def columns(self) -> dict[str, list[Any]]:
        """What is known of each row, by name, in plain Python values.

        `differs_0.1` is "conflict" where a model that was found differs from the baseline by 0.1 or more,
        "clear" where none does, "open" otherwise; an inner range clears no row.
        """
        of = self.prediction_range
        columns: dict[str, Any] = {"baseline": self.baseline, "lower": of.lower, "upper": of.upper}
        columns |= {"width": of.width, "kind": of.kind, "gap": of.gap, "status": of.status}
        for rate in self.ambiguity:
            columns[f"differs_{rate.deviation:g}"] = _judged(rate)
        if self.label_ambiguity is not None:
            columns["either_way"] = _judged(self.label_ambiguity)
        if self.capacity is not None:
            columns["capacity"] = self.capacity.value
            columns["capacity_bound"] = (
                [None] * len(of) if self.capacity.bound is None else self.capacity.bound
            )
        columns |= {each.by: each.labels() for each in self.groups}
        columns["sample_weight"] = self.sample_weight
        return {
            name: column if isinstance(column, list) else column.tolist() for name, column in columns.items()
        }

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame of the `columns`, with one row per row; needs the extra `frames`."""
        columns = self.columns()
        return frame([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])

    def plot(self, kind: str = "ranges", ax: Any = None, *, deviation: float | None = None) -> Figure:
        """Draw "ranges", "ambiguity" and "discrepancy" (both in one picture), or "groups".

        deviation : of the groups; None is the smallest.
        """
        from riskstats.plotting_multiplicity import plot_group_rates, plot_ranges, plot_rates

        choice(kind, PLOTS, "kind")
        if kind == "ranges":
            return plot_ranges(self.prediction_range, ax, decision_threshold=self.decision_threshold)
        if kind == "groups":
            return plot_group_rates(self, ax, deviation=deviation)
        return plot_rates(self, ax)


def _judged(rate: MultiplicityRate) -> np.ndarray:
    """(n,) "conflict", "open" or "clear"; rows of weight 0, which no rate counts, are "clear"."""
    unknown: Any = np.ones(len(rate.rows), dtype=bool) if rate.bound is None else rate.open_rows
    return np.where(rate.rows, "conflict", np.where(unknown, "open", "clear"))


def multiplicity_report(
    rashomon_set: Any,
    X: Any,
    *,
    deviations: Sequence[float] | None = None,
    groups: Any = None,
    decision_threshold: float | None = None,
    sample_weight: npt.ArrayLike | None = None,
    time_limit: float | None = 60.0,
    label: Any = None,
) -> MultiplicityReport:
    """Every answer of a fitted `RashomonSet` for the rows of X.

    Parameters
    ----------
    rashomon_set : fitted.
    X : (n, columns), any rows.
    deviations : differences from the baseline that count, `>=`. None is 0.05, 0.1, 0.2, 0.3; a regressor
        needs them, in units of y.
    groups : labels (n,), or {what they say: labels}, or a frame of labels.
    decision_threshold : a model decides for the second class where it gives it this probability or more.
        None is 0.5; for a regressor it leaves decisions out.
    sample_weight : (n,) weights of the rows in shares and means, >= 0.
    time_limit : seconds for the discrepancies of all deviations, None for no limit. What runs out of time
        keeps a value and a bound that hold.
    label : whose probability, where there are more than two classes.

    `InvalidInput`: other rows, deviations, thresholds, weights; missing labels or another number of them.
    """
    rows = rashomon_set._rows(X)
    models = rashomon_set._models(label)
    amounts = checked_deviations(deviations, models.scale)
    threshold = _threshold(decision_threshold, models.scale)
    seconds, n = checked_time_limit(time_limit), _length(rows)
    weights, labels = sample_weights(sample_weight, n), labelled(groups, n, "groups", "group")
    models = on_rows(models, rows)
    found = models.range(rows)
    ambiguities = tuple(ambiguity(None, found, deviation=d, sample_weight=weights) for d in amounts)
    decided = None if threshold is None else label_ambiguity(found, threshold, sample_weight=weights)
    abstain = None
    if decided is not None:
        names, decisions = _names(rashomon_set, models), _decisions(rashomon_set, decided, label)
        abstain = abstentions(models, rows, found, decided, names=names, decisions=decisions)
    asked = (rows, weights, *(part for by, each in labels.items() for part in (by, *each)))
    return MultiplicityReport(
        stamps=stamps_of(models, found, *asked, random_state=rashomon_set.random_state, label=label),
        prediction_range=found,
        baseline=_baseline(found),
        sample_weight=weights,
        deviations=amounts,
        ambiguity=ambiguities,
        discrepancy=discrepancies(models, rows, amounts, weights, seconds, found),
        decision_threshold=threshold,
        label_ambiguity=decided,
        abstain=abstain,
        capacity=_capacity(rashomon_set, X, found),
        groups=tuple(
            group_rates(by, each, found, weights, ambiguities, decided) for by, each in labels.items()
        ),
    )


def _baseline(found: PredictionRange) -> Floats:
    assert found.baseline is not None
    return sigmoid(found.baseline) if found.scale == "probability" else found.baseline


def _threshold(threshold: Any, scale: str) -> float | None:
    """The decision threshold; None leaves decisions out on the scale of the response."""
    if threshold is None:
        return 0.5 if scale == "probability" else None
    return checked_threshold(threshold, scale)


def _length(rows: Any) -> int:
    n = int(rows.shape[0]) if hasattr(rows, "shape") else len(rows)
    if n == 0:
        raise InvalidInput("`X` has no rows. Pass at least one.")
    return n


def _names(rashomon_set: Any, models: Any) -> tuple[str, ...]:
    """Names of the coefficients of a convex set, the intercept first."""
    if not isinstance(models, ConvexModels):
        return ()
    problem = models.level_set.problem
    columns = problem.p - int(problem.intercept)
    own = getattr(rashomon_set, "feature_names_in_", None)
    if rashomon_set.transform_ is not None:
        try:
            own = rashomon_set.transform_.get_feature_names_out(own)
        except (AttributeError, ValueError):
            own = None
    names = [f"x{j}" for j in range(columns)] if own is None else list(map(str, own))
    return ("intercept", *names)


def _decisions(rashomon_set: Any, decided: MultiplicityRate, label: Any) -> tuple[str, str]:
    """What is decided below the threshold, and at or above it."""
    classes = getattr(rashomon_set, "classes_", None)
    if classes is None:
        return f"below {decided.decision_threshold:g}", f"{decided.decision_threshold:g} or more"
    return (str(classes[0]), str(classes[1])) if len(classes) == 2 else (f"not {label}", str(label))


def _capacity(rashomon_set: Any, X: Any, found: PredictionRange) -> CapacityResult | None:
    """The capacity over all classes, or None for responses."""
    if found.scale != "probability":
        return None
    if len(getattr(rashomon_set, "classes_", ())) > 2:
        return rashomon_set.rashomon_capacity(X)
    return rashomon_capacity(found)
