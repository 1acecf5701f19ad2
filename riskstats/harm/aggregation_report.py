"""What a fitted aggregation says: its weights with their intervals, and why a prompt has its score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, quoted
from riskstats.results import Result, as_percent, frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AggregationWeights", "EffectTerm", "HarmExplanation"]


@dataclass(frozen=True)
class EffectTerm(Result):
    """One effect and what it adds to the harm score.

    Attributes
    ----------
    value : its signed part of H; negative for a benefit.
    path : of its node in the tree.
    stakeholder, kind, action, effect, extent, likelihood, immediate : what the node says.
    """

    value: float
    path: str
    stakeholder: str
    kind: str
    action: str
    effect: str
    extent: str
    likelihood: str
    immediate: bool


@dataclass(frozen=True)
class HarmExplanation(Result):
    """Why one prompt has its probability of being harmful.

    Attributes
    ----------
    harm : H, the sum of the values of the terms.
    logit, probability : H scaled and shifted by the fit, and the probability.
    terms : every effect, the largest in size first.
    """

    harm: float
    logit: float
    probability: float
    terms: tuple[EffectTerm, ...]

    def summary(self) -> str:
        """Probability and the signed effects."""
        head = f"P(harmful) = {self.probability:.4g}, H = {self.harm:.4g} from {len(self.terms)} effects"
        return "\n".join([head, *(f"  {_term(term)}" for term in self.terms)])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per effect."""
        return frame([term.to_dict() for term in self.terms])


def _term(term: EffectTerm) -> str:
    when = "immediate" if term.immediate else "downstream"
    return (
        f"{term.value:+.4g}  {term.kind[:-1]} to {term.stakeholder}: {term.action}, {term.effect}, "
        f"{term.extent}, {term.likelihood} likelihood, {when}"
    )


@dataclass(frozen=True, eq=False)
class AggregationWeights(Result):
    """The parameters of a fitted `HarmBenefitModel`; arrays are (p,).

    Attributes
    ----------
    names, values : ratios are those of a word to the next higher one.
    lower, upper : profile-likelihood limits; None until they are asked for, nan for parameters left out.
    at_bound : whether the value is 0 or 1; limits are conservative where the truth is.
    effects : weighted number of effects that a parameter enters; with 0 its value is 1 and says nothing.
    loss : negative log-likelihood. n : prompts.
    start_losses : of every start; how often the best was found again tells how far to trust it.
    confidence_level : of the limits.
    """

    names: tuple[str, ...]
    values: Floats
    lower: Floats | None
    upper: Floats | None
    at_bound: npt.NDArray[np.bool_]
    effects: Floats
    loss: float
    n: int
    start_losses: Floats
    confidence_level: float | None

    def __getitem__(self, name: str) -> float:
        """The value of the parameter with this name."""
        if name not in self.names:
            raise KeyError(f"{name!r}; the parameters are {quoted(self.names, 40)}")
        return float(self.values[self.names.index(name)])

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary per parameter."""
        return [
            {
                "name": name,
                "value": float(self.values[i]),
                "lower": _known(self.lower, i),
                "upper": _known(self.upper, i),
                "at_bound": bool(self.at_bound[i]),
                "effects": float(self.effects[i]),
            }
            for i, name in enumerate(self.names)
        ]

    def summary(self) -> str:
        """One line per parameter, with limits, bounds and those that no effect informs."""
        again = int((self.start_losses <= self.loss + 1e-3).sum())
        bounds = int(self.at_bound.sum())
        head = (
            f"Harm-benefit weights: {len(self.names)} parameters, n = {self.n}, negative log-likelihood "
            f"{self.loss:.6g} (found by {again} of {len(self.start_losses)} starts), {bounds} at a bound"
        )
        width = max(len(name) for name in self.names)
        return "\n".join([head, *(self._line(row, width) for row in self.rows())])

    def _line(self, row: dict[str, Any], width: int) -> str:
        if row["effects"] == 0:
            return f"  {row['name']:<{width}}  not informed: no effect"
        limits = ""
        if row["lower"] is not None and self.confidence_level is not None:
            limits = f"  ({row['lower']:.3f} to {row['upper']:.3f} at {as_percent(self.confidence_level)})"
        return (
            f"  {row['name']:<{width}}  {row['value']:.4f}{limits}{'  at a bound' if row['at_bound'] else ''}"
        )

    def __str__(self) -> str:
        return self.summary()

    def to_dict(self) -> dict[str, Any]:
        """Every field by name; limits that were not asked for are None."""
        limits = {
            name: None if ends is None else [_known(ends, i) for i in range(len(ends))]
            for name, ends in (("lower", self.lower), ("upper", self.upper))
        }
        return {**super().to_dict(), **limits}

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per parameter."""
        return frame(self.rows())


def _known(limits: Floats | None, place: int) -> float | None:
    return None if limits is None or np.isnan(limits[place]) else float(limits[place])
