"""Answers of risk control: frozen, and each says in words what it promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.results import Result, Status, as_percent, frame, plain

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["CertifiedRisk", "CertifiedSet", "GroupReport", "SampleSizePlan"]


@dataclass(frozen=True, eq=False)
class CertifiedRisk(Result):
    """What the losses of m candidates say about one requirement.

    Attributes
    ----------
    measure, bound : what is limited, and by which method.
    risk_limit : the limit.
    p_values : (m,) of `risk > risk_limit`.
    estimates : (m,) the measure of each sample.
    upper_bounds : (m,) all of them hold at once, those of the other requirements included.
    n_units, support : number of independent units; (lowest, highest) possible loss.
    name : of what the losses measure; "" where the measure says enough.
    """

    measure: str
    bound: str
    risk_limit: float
    p_values: Floats
    estimates: Floats
    upper_bounds: Floats
    n_units: int
    support: tuple[float, float]
    name: str = ""

    def __post_init__(self) -> None:
        _read_only(self, "p_values", "estimates", "upper_bounds")

    @property
    def claim(self) -> str:
        """What is shown of a certified candidate, in words."""
        of = f" of {self.name}" if self.name else ""
        return f"{self.measure}{of} at most {self.risk_limit:g}"


@dataclass(frozen=True, eq=False)
class CertifiedSet(Result):
    """Candidates whose risk is shown to be within the limit, all at once, with the stated confidence.

    Attributes
    ----------
    certified : indices of the candidates that are certified, increasing.
    selected : the certified candidate with the smallest objective, None if none is certified.
    p_values : (m,) of `risk > risk_limit`; with several requirements the largest over them.
    upper_bounds : (m,) risks that hold for all candidates at once, each at `delta / m`.
    estimates : (m,) the measure of each sample.
    risk_limit : the limit.
    procedure : name of the multiple test.
    measure, bound : what is limited, and by which method.
    confidence_level : probability that no candidate is certified wrongly.
    n_units, support : number of independent units; (lowest, highest) possible loss.
    names : of the candidates.
    status : CERTIFIED or NOT_CERTIFIED.
    notes : what a reader must know besides.
    risks : with several requirements one entry for each; the fields above then are those of the first, except
        `p_values`.
    unit : word for what was sampled independently.
    """

    certified: tuple[int, ...]
    selected: int | None
    p_values: Floats
    upper_bounds: Floats
    estimates: Floats
    risk_limit: float
    procedure: str
    measure: str
    bound: str
    confidence_level: float
    n_units: int
    support: tuple[float, float]
    names: tuple[str, ...]
    status: Status
    notes: tuple[str, ...] = ()
    risks: tuple[CertifiedRisk, ...] = ()
    unit: str = "units"

    def __post_init__(self) -> None:
        _read_only(self, "p_values", "estimates", "upper_bounds")

    @property
    def certified_names(self) -> tuple[str, ...]:
        """Names of the certified candidates."""
        return tuple(self.names[index] for index in self.certified)

    @property
    def selected_name(self) -> str | None:
        """Name of the selected candidate."""
        return None if self.selected is None else self.names[self.selected]

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, and the names of the certified and of the selected candidates."""
        named = {"certified_names": list(self.certified_names), "selected_name": self.selected_name}
        return {**super().to_dict(), **named}

    def summary(self) -> str:
        """The guarantee in one sentence, what was selected, and how to read the upper bounds."""
        lines = [self._guarantee(), self._choice(), self._reading(), *self.notes]
        return "\n".join(line for line in lines if line)

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per candidate; needs the extra `frames`."""
        columns = {
            "name": self.names,
            "estimate": self.estimates,
            "p_value": self.p_values,
            "upper_bound": self.upper_bounds,
            "certified": [index in set(self.certified) for index in range(len(self.names))],
            "selected": [index == self.selected for index in range(len(self.names))],
        }
        return frame(
            [dict(zip(columns, plain(row), strict=True)) for row in zip(*columns.values(), strict=True)]
        )

    def plot(self, ax: Any = None) -> Figure:
        """Estimate and upper bound of every candidate beside the limit."""
        from riskstats.plotting import plot_certified

        return plot_certified(self, ax)

    def _claims(self) -> str:
        return (
            " and ".join(risk.claim for risk in self.risks) or f"{self.measure} at most {self.risk_limit:g}"
        )

    def _methods(self) -> str:
        return " and ".join(dict.fromkeys(risk.bound for risk in self.risks)) or self.bound

    def _sizes(self) -> str:
        sizes = [risk.n_units for risk in self.risks] or [self.n_units]
        return " and ".join(dict.fromkeys(f"{size} {self.unit}" for size in sizes))

    def _guarantee(self) -> str:
        m, level = len(self.names), as_percent(self.confidence_level)
        how = f"{self.procedure} over {_count(m, 'candidate')}, {self._methods()}, {self._sizes()}"
        if not self.certified:
            return (
                f"None of {_count(m, 'candidate')} is certified to keep {self._claims()} with {level} "
                f"confidence ({how}): smallest p-value {self.p_values.min():.3g}."
            )
        cover = ", and choosing among them after looking is covered" if m > 1 else ""
        return (
            f"{len(self.certified)} of {_count(m, 'candidate')} certified: with {level} confidence every one "
            f"of them keeps {self._claims()} ({how}){cover}."
        )

    def _choice(self) -> str:
        if self.selected is None:
            return ""
        return f"Selected: {self.selected_name!r}, estimate {self.estimates[self.selected]:.6g}."

    def _reading(self) -> str:
        statements = len(self.names) * max(len(self.risks), 1)
        if statements == 1:
            return ""
        text = f"The {statements} upper bounds hold together, each at 1/{statements} of the error."
        if self.procedure == "bonferroni" and not self.risks:
            return text
        exceed = int((self.upper_bounds[list(self.certified)] > self.risk_limit).sum())
        here = f", as that of {exceed} does here" if exceed else ""
        return (
            f"{text} That of a certified candidate may exceed the limit{here}: the test promises the limit, "
            "not less."
        )


@dataclass(frozen=True, eq=False)
class GroupReport(Result):
    """Risk of each group, with upper bounds that hold for all groups at once.

    Attributes
    ----------
    upper : by group, each at `delta / G`; together with `max_upper` they hold with the stated confidence.
    estimates, n_units : by group; the estimate of an empty group is NaN.
    max_upper : upper bound on the largest risk of a group.
    gap_upper : upper bound on the largest minus the smallest risk of a group.
    ratio_upper : upper bound on the largest over the smallest; inf where the smallest may be 0.
    measure, bound : what is bounded, and by which method.
    confidence_level : of `upper` and `max_upper` together; of `gap_upper` and `ratio_upper` together, which
        rest on 2 G bounds at `delta / 2G`. All four at once hold with twice the error.
    support : (lowest, highest) possible loss.
    notes : what a reader must know besides.
    """

    upper: dict[str, float]
    estimates: dict[str, float]
    n_units: dict[str, int]
    max_upper: float
    gap_upper: float
    ratio_upper: float
    measure: str
    bound: str
    confidence_level: float
    support: tuple[float, float]
    notes: tuple[str, ...] = field(default=())

    def summary(self) -> str:
        """The joint statement, one line for each group, the spread, and the notes."""
        level, count = as_percent(self.confidence_level), len(self.upper)
        head = (
            f"With {level} confidence {self.measure} is at most {self.max_upper:.6g} in every one of "
            f"{_count(count, 'group')}, and each group is within its own bound ({self.bound})."
        )
        width = max(map(len, self.upper))
        rows = [
            f"  {name:<{width}}  n = {self.n_units[name]:>6}  estimate {self.estimates[name]:.6g}  "
            f"upper {bound:.6g}"
            for name, bound in self.upper.items()
        ]
        spread = (
            f"With {level} confidence, as a statement of its own, groups differ by at most "
            f"{self.gap_upper:.6g} and by a factor of at most {self.ratio_upper:.6g}."
        )
        return "\n".join([head, *rows, *([spread] if count > 1 else []), *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def plot(self, ax: Any = None) -> Figure:
        """Estimate and joint upper bound of every group."""
        from riskstats.plotting import plot_groups

        return plot_groups(self, ax)

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per group; needs the extra `frames`."""
        return frame(
            [
                {
                    "group": name,
                    "n_units": self.n_units[name],
                    "estimate": self.estimates[name],
                    "upper": bound,
                }
                for name, bound in self.upper.items()
            ]
        )


@dataclass(frozen=True)
class SampleSizePlan(Result):
    """How many units to measure so that a candidate of the assumed risk is certified.

    Attributes
    ----------
    n_units : the smallest number of units from which on the power is kept.
    first_reached : the smallest number with the power; for counts the power is a sawtooth in n, and falls
        below again.
    power : probability of a certificate at `n_units`.
    target_power : what was asked for.
    risk : the assumed risk. risk_limit : the limit.
    measure, bound : what is limited, and by which method.
    confidence_level : of the certificate.
    n_candidates : candidates tested at once, each at `delta / n_candidates`.
    monte_carlo_error : standard error of `power`; 0 if it is exact.
    method : "exact" or "simulation".
    notes : what a reader must know besides.
    """

    n_units: int
    first_reached: int
    power: float
    target_power: float
    risk: float
    risk_limit: float
    measure: str
    bound: str
    confidence_level: float
    n_candidates: int = 1
    monte_carlo_error: float = 0.0
    method: str = "exact"
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """How many units, for what, and how sure."""
        error = f" +- {self.monte_carlo_error:.2g}" if self.monte_carlo_error else ""
        text = (
            f"{self.n_units} units certify {self.measure} at most {self.risk_limit:g} with power "
            f"{self.power:.4g}{error} ({as_percent(self.confidence_level)} confidence, {self.bound}, assumed "
            f"risk {self.risk:.4g}, {_count(self.n_candidates, 'candidate')}, {self.method})."
        )
        if self.first_reached < self.n_units and self.method == "exact":
            text += f"\nThe power is first reached at {self.first_reached} units, and lost again after it."
        return "\n".join([text, *self.notes])

    def __str__(self) -> str:
        return self.summary()


def _read_only(result: Result, *names: str) -> None:
    for name in names:
        array = np.array(getattr(result, name), dtype=np.float64)
        array.setflags(write=False)
        object.__setattr__(result, name, array)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
