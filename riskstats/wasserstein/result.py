"""Answers about a set of laws: a certified enclosure, the law that attains it, or why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.results import Result, Status, frame, plain

if TYPE_CHECKING:
    import pandas as pd

    from riskstats.wasserstein.inference import ConfidenceBounds

__all__ = ["EVERY_ORDER", "Bounds", "DistributionBounds", "Interval", "WorstCase", "WorstCaseLaw"]


EVERY_ORDER = "exponential growth"
"""The route of an answer that is infinite whatever the order."""
_EXPONENTIAL = "It looks at exponential moments, which no order bounds; CVaR is finite."
_NOT_CLOSED = "Safe, but not proven to be sharp: the worst case may be less bad, within the certified gap."
_REMEDY = "A larger order or a bounded support makes it finite."


@dataclass(frozen=True, eq=False)
class WorstCaseLaw(Result):
    """A joint law with the transport plans that prove it is inside every ball.

    Attributes
    ----------
    weights : (K,) of sum 1.
    sources : (K, d) the atom of each reference that row k comes from: its place among the `points` of the
        ball, those of positive weight.
    targets : d arrays (K, k_j), where each marginal of row k goes to. Balls that share covariates have
        targets (y1, x) and (y0, x) with the same x.
    costs : (d,) transport cost of each ball, recomputed from the rows.
    origins : d arrays (K, k_j), the atoms of `sources` themselves, or None where they were not kept.
    """

    weights: Floats
    sources: np.ndarray
    targets: tuple[Floats, ...]
    costs: Floats
    origins: tuple[Floats, ...] | None = None

    def __len__(self) -> int:
        return len(self.weights)

    def to_frame(self) -> pd.DataFrame:
        """One row per atom of the joint law: weight, sources and targets."""
        rows = []
        for k in range(len(self)):
            row: dict[str, Any] = {"weight": float(self.weights[k])}
            for j, target in enumerate(self.targets):
                row[f"source_{j + 1}"] = int(self.sources[k, j])
                names = (
                    [f"y{j + 1}"]
                    if target.shape[1] == 1
                    else [f"y{j + 1}_{c + 1}" for c in range(target.shape[1])]
                )
                row |= dict(zip(names, target[k].tolist(), strict=True))
            rows.append(row)
        return frame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, in plain Python types."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}


@dataclass(frozen=True, eq=False)
class WorstCase(Result):
    """The worst value of a functional over a set of laws.

    Attributes
    ----------
    value : the safe end: `upper` for a supremum, `lower` for an infimum; inf or -inf where `UNBOUNDED`, NaN
        where `INFEASIBLE`.
    lower, upper : certified enclosure: one side is the value of a verified law of the set, the other a
        recomputed dual value.
    status : `OPTIMAL` (enclosure within `gap`), `GAP`, `TIME_LIMIT`, `INFEASIBLE` (the set is empty),
        `UNBOUNDED`, `NONFINITE`.
    direction : "upper" for the supremum, "lower" for the infimum.
    question : the functional, in words. route : the method that answered.
    order, radius, budget : of the balls, one entry each.
    multiplier : d value / d budget of each ball, or None where it is not known.
    attained : whether `worst_case_distribution` has the value exactly; else laws only approach the value. The
        law is then near it, except over balls that share covariates and for order 1: there the mass that goes
        far, ever less of it ever further, is left out.
    worst_case_distribution : a `WorstCaseLaw` inside every ball, or None.
    feasible_radius : where `INFEASIBLE`, the sum of radii from which the set is not empty; else None.
    """

    value: float
    lower: float
    upper: float
    status: Status
    direction: str
    question: str
    route: str
    order: float
    radius: tuple[float, ...]
    budget: tuple[float, ...]
    multiplier: tuple[float, ...] | None = None
    attained: bool | None = None
    worst_case_distribution: WorstCaseLaw | None = None
    feasible_radius: float | None = None
    reference_value: float | None = None

    @property
    def duality_gap(self) -> float:
        """`upper - lower`, inf where a side is unknown."""
        gap = self.upper - self.lower
        return gap if math.isfinite(gap) else math.inf

    @property
    def slope(self) -> tuple[float, ...] | None:
        """d value / d radius of each ball: ``multiplier p radius^(p - 1)``; NaN where the multiplier is
        infinite at radius 0."""
        if self.multiplier is None:
            return None
        p = self.order
        return tuple(m * p * r ** (p - 1) for m, r in zip(self.multiplier, self.radius, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Every field by name; infinite values are "inf" and "-inf", an empty set "infeasible"."""
        data = super().to_dict()
        for name in ("value", "lower", "upper"):
            data[name] = worded(getattr(self, name), self.status)
        data["duality_gap"] = worded(self.duality_gap, self.status)
        data["feasible_radius"] = _of_json(self.feasible_radius)
        for name in ("multiplier", "slope"):
            each = getattr(self, name)
            data[name] = None if each is None else [_of_json(x) for x in each]
        return data

    def summary(self) -> str:
        """The worst case with its proof, in words."""
        side = "largest" if self.direction == "upper" else "smallest"
        radii = ", ".join(f"{radius:.6g}" for radius in self.radius)
        within = f"within transport distance {radii} (order {self.order:g})"
        if self.status is Status.INFEASIBLE:
            return f"No law lies {within}{self._needed()}."
        head = f"{self.question}: {side} value {self.value:.6g} {within}"
        if self.status is Status.UNBOUNDED:
            remedy = _EXPONENTIAL if self.route == EVERY_ORDER else _REMEDY
            return f"{head}. {self.status.sentence} {remedy}"
        if self.status is Status.NONFINITE:
            return f"{self.question}: no answer {within}; the law that was found did not hold. {self.route}."
        lines = [f"{head}. {_NOT_CLOSED if self.status is Status.GAP else self.status.sentence}"]
        if self.reference_value is not None:
            lines.append(f"  at the reference  {self.reference_value:.6g}")
        lines.append(f"  certified         [{self.lower:.10g}, {self.upper:.10g}], by {self.route}")
        if self.slope is not None:
            lines.append(
                "  per unit radius   "
                + ", ".join("unknown" if math.isnan(s) else f"{s:.6g}" for s in self.slope)
            )
        if self.worst_case_distribution is not None:
            how = "attains it" if self.attained else "stands for those that approach it"
            lines.append(f"  worst case        a law of {len(self.worst_case_distribution)} atoms {how}")
        return "\n".join(lines)

    def _needed(self) -> str:
        """What would make the set hold a law."""
        if self.feasible_radius is None:
            return ""
        if math.isinf(self.feasible_radius):
            return "; no radius would do, because what would have to move is frozen"
        return f"; a total radius of {self.feasible_radius:.6g} would do"

    def __str__(self) -> str:
        return self.summary()

    def plot(self, ax: Any = None) -> Any:
        """The worst-case law against the reference; needs matplotlib."""
        from riskstats.plotting_wasserstein import draw_worst_case

        return draw_worst_case(self, ax)


@dataclass(frozen=True)
class Interval:
    """[lower, upper]."""

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """upper - lower."""
        return self.upper - self.lower


@dataclass(frozen=True, eq=False)
class Bounds(Result):
    """Both ends of a quantity over a set of laws, each a `WorstCase`.

    name : the quantity in words. reference : its value where the references fix it, or None.
    """

    name: str
    lower: WorstCase
    upper: WorstCase
    reference: float | None = None

    @property
    def interval(self) -> Interval:
        """The safe ends."""
        return Interval(self.lower.value, self.upper.value)

    @property
    def status(self) -> Status:
        """The weaker of the two statuses; `INFEASIBLE` where the set is empty."""
        order = (Status.INFEASIBLE, Status.NONFINITE, Status.UNBOUNDED, Status.TIME_LIMIT, Status.GAP)
        both = (self.lower.status, self.upper.status)
        return next((status for status in order if status in both), Status.OPTIMAL)

    def to_dict(self) -> dict[str, Any]:
        """Both ends and the interval."""
        return {
            "name": self.name,
            "lower": self.lower.to_dict(),
            "upper": self.upper.to_dict(),
            "reference": self.reference,
            "status": self.status.value,
        }

    def summary(self) -> str:
        """The interval in words."""
        if self.status is Status.INFEASIBLE:
            return f"{self.name}: {self.lower.summary()}"
        low, high = self.lower.value, self.upper.value
        known = "" if self.reference is None else f"; {self.reference:.6g} at the reference"
        radii = ", ".join(f"{radius:.6g}" for radius in self.lower.radius)
        between = f"{self.name}: between {low:.6g} and {high:.6g} within radius {radii}{known}"
        return f"{between}. {_NOT_CLOSED if self.status is Status.GAP else self.status.sentence}"

    def __str__(self) -> str:
        return self.summary()

    def plot(self, ax: Any = None, *, limits: ConfidenceBounds | None = None) -> Any:
        """The interval around the reference; `limits` for sampling error apart from it. Needs matplotlib."""
        from riskstats.plotting_breakdown import draw_bounds

        return draw_bounds(self, ax, limits=limits)


@dataclass(frozen=True, eq=False)
class DistributionBounds(Result):
    """Bounds of a distribution function, or of a quantile function, at several points.

    Attributes
    ----------
    name : what is bounded, in words. kind : "cdf" or "quantile".
    points : (k,) where, or (k, 2) for a joint distribution function.
    lower, upper : (k,) sharp bounds over the set; NaN where it is empty.
    classical_lower, classical_upper : (k,) the same at radius 0: dependence alone. Two samples whose
        covariates differ share no law at radius 0; the bounds are NaN then.
    order, radius, budget : as in `WorstCase`. total_radius : all that the answer depends on, where it does.
    """

    name: str
    kind: str
    points: Floats
    lower: Floats
    upper: Floats
    classical_lower: Floats
    classical_upper: Floats
    order: float
    radius: tuple[float, ...]
    budget: tuple[float, ...]
    total_radius: float | None = None
    status: Status = Status.OPTIMAL

    def to_dict(self) -> dict[str, Any]:
        """Every field; bounds over an empty set are "infeasible"."""
        found = super().to_dict()
        for name in ("lower", "upper", "classical_lower", "classical_upper"):
            found[name] = ["infeasible" if math.isnan(end) else end for end in found[name]]
        return found

    def to_frame(self) -> pd.DataFrame:
        """One row per point; bounds over an empty set are NaN."""
        names = ("points", "lower", "upper", "classical_lower", "classical_upper")
        columns = [getattr(self, name).tolist() for name in names]
        return frame(
            [dict(zip(("point", *names[1:]), row, strict=True)) for row in zip(*columns, strict=True)]
        )

    def summary(self) -> str:
        """The bounds at up to seven points, beside the classical ones."""
        radii = ", ".join(f"{radius:.6g}" for radius in self.radius)
        lines = [f"{self.name}, any dependence, transport distance at most {radii} (order {self.order:g})"]
        chosen = np.unique(np.linspace(0, len(self.points) - 1, min(7, len(self.points))).round().astype(int))
        lines.append(f"  {'at':>10}  {'bounds':>21}  {'dependence alone':>21}")
        for k in chosen:
            own = _ends(self.lower[k], self.upper[k])
            old = _ends(self.classical_lower[k], self.classical_upper[k])
            at = ", ".join(f"{x:.5g}" for x in np.atleast_1d(self.points[k]))
            lines.append(f"  {at:>10}  {own:>21}  {old:>21}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def plot(self, ax: Any = None, *, limits: ConfidenceBounds | None = None) -> Any:
        """The band around the classical band; `limits` for sampling error apart from it. Needs matplotlib."""
        from riskstats.plotting_wasserstein import draw_band

        return draw_band(self, ax, limits=limits)


def _ends(lower: float, upper: float) -> str:
    """Two ends in words; there are none over an empty set."""
    return "no law" if math.isnan(lower + upper) else f"{lower:.4f} to {upper:.4f}"


def _of_json(value: float | None) -> Any:
    """A number that JSON can hold, or its word."""
    return None if value is None else worded(value, Status.OPTIMAL)


def worded(value: float, status: Status) -> Any:
    """A number, or "infeasible", "inf", "-inf" for JSON."""
    if status is Status.INFEASIBLE:
        return "infeasible"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return None if math.isnan(value) else value
