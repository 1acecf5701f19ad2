"""What a bound is: a number above the true risk with a stated probability, from n measured losses.

To add a bound on the mean, write one file with a frozen subclass of `MeanBound`; to add a band, a subclass of
`Band` in `bounds/band.py`. Every measure that the bound can carry, the coverage tests, `certify`, the command
line and the benchmarks then pick it up through the table in `bounds/__init__.py`.

`delta` is the probability of error, 1 - confidence_level. A bound is a function of one sample: of many, each
row is treated alone.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.sample import Sample
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.base import RiskMeasure
from riskstats.measures.mean import Mean

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["Assumptions", "Bound", "MeanBound"]


@dataclass(frozen=True)
class Assumptions:
    """What must be true for the statement to hold.

    Attributes
    ----------
    independent : units are independent draws of one law; False: a constant conditional mean is enough.
    bounded : losses lie in a known finite support.
    binary : losses are 0 or 1.
    anytime : holds at every number of units at once, so that looking and stopping are free.
    minimum_units : smallest n with a statement.
    """

    independent: bool = True
    bounded: bool = True
    binary: bool = False
    anytime: bool = False
    minimum_units: int = 1


class Bound(ABC):
    """Upper and lower bounds, and p-values, for one measure on every row of a sample.

    Subclasses are frozen dataclasses. The public methods check the pairing; subclasses give `_upper`,
    `_lower` and `_p_value`.
    """

    requires: ClassVar[Assumptions] = Assumptions()

    @abstractmethod
    def carries(self, measure: RiskMeasure) -> bool:
        """Whether there is a statement for this measure."""

    @abstractmethod
    def _upper(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats: ...

    @abstractmethod
    def _lower(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats: ...

    @abstractmethod
    def _p_value(self, sample: Sample, measure: RiskMeasure, risk_limit: float, delta: float) -> Floats: ...

    @property
    def name(self) -> str:
        """The name that messages print."""
        return type(self).__name__

    def __str__(self) -> str:
        """The name with the parameters that differ from their defaults: what results print."""
        stated = dataclasses.fields(self)  # type: ignore[arg-type]
        values = {item.name: getattr(self, item.name) for item in stated if item.repr}
        usual = {item.name: item.default for item in stated}
        shown = ", ".join(f"{name}={value!r}" for name, value in values.items() if value != usual[name])
        return f"{self.name}({shown})" if shown else self.name

    def upper(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        """(m,) numbers with P(risk > number) <= delta for each row alone, in the units of the losses."""
        self.check(sample, measure)
        return np.concatenate([self._upper(part, measure, delta) for _, part in sample.blocks()])

    def lower(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        """(m,) numbers with P(risk < number) <= delta for each row alone."""
        self.check(sample, measure)
        return np.concatenate([self._lower(part, measure, delta) for _, part in sample.blocks()])

    def p_value(self, sample: Sample, measure: RiskMeasure, risk_limit: float, delta: float) -> Floats:
        """(m,) p-values of the hypothesis `risk > risk_limit`, valid at every threshold.

        Rejecting it says `risk <= risk_limit`. `delta` fixes the choices inside the bound (bets, ranks) in
        advance: where the bound at `delta` is at most the limit, the p-value is at most `delta`. At the top
        of the support or above it the hypothesis is impossible, and p = 0.
        """
        self.check(sample, measure)
        if risk_limit >= sample.support[1] and measure.equivariant:
            return np.zeros(sample.n_candidates)
        parts = (self._p_value(part, measure, risk_limit, delta) for _, part in sample.blocks())
        return np.minimum(np.concatenate(list(parts)), 1.0)

    def check(self, sample: Sample, measure: RiskMeasure) -> None:
        """`IncompatibleBound` or `InvalidInput` where this bound has no statement for the measure here."""
        if not self.carries(measure):
            raise IncompatibleBound(self._refusal(measure))
        if sample.n_units < self.requires.minimum_units:
            raise InvalidInput(
                f"`{self.name}` needs at least {self.requires.minimum_units} units; got {sample.n_units}."
            )
        if self.requires.bounded:
            sample.needs_top(self.name)
        if self.requires.binary:
            self._check_binary(sample)
        measure.check_support(sample.support)

    def _check_binary(self, sample: Sample) -> None:
        other = (sample.values != 0) & (sample.values != 1)
        if other.any():
            raise InvalidInput(
                f"`{self.name}` needs losses 0 or 1; got {sample.values[other][0]:g}. Use `Betting`."
            )
        if sample.support != (0.0, 1.0):
            raise InvalidInput(f"`{self.name}` needs support (0, 1); got {sample.support}.")

    def _refusal(self, measure: RiskMeasure) -> str:
        return f"`{self.name}` has no statement for `{measure}`."

    def __call__(
        self,
        losses: Any,
        measure: RiskMeasure | None = None,
        *,
        confidence_level: float = 0.95,
        support: tuple[float, float] = (0.0, 1.0),
    ) -> RiskBound:
        """Upper bound from one sample; see `upper_bound`."""
        from riskstats.bounds.api import upper_bound

        measure = Mean() if measure is None else measure
        return upper_bound(losses, measure, self, confidence_level=confidence_level, support=support)


class MeanBound(Bound):
    """A bound on the mean of losses in [0, 1], mapped to any finite support.

    Subclasses give `mean_upper` and `mean_p_value` for losses (m, n) in [0, 1]. The lower bound is the
    reflection `lower(x) = a + b - upper(a + b - x)`.
    """

    def carries(self, measure: RiskMeasure) -> bool:
        return isinstance(measure, Mean)

    @abstractmethod
    def mean_upper(self, losses: Floats, delta: float) -> Floats:
        """(m,) upper bounds in [0, 1] from losses (m, n) in [0, 1]."""

    @abstractmethod
    def mean_p_value(self, losses: Floats, risk_limit: float, delta: float) -> Floats:
        """(m,) p-values of `mean > risk_limit` from losses (m, n) in [0, 1], 0 < risk_limit < 1."""

    def _upper(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        return sample.from_scale(self.mean_upper(sample.scaled(self.name), delta))

    def _lower(self, sample: Sample, measure: RiskMeasure, delta: float) -> Floats:
        return sum(sample.support) - self._upper(sample.reflected(), measure, delta)

    def _p_value(self, sample: Sample, measure: RiskMeasure, risk_limit: float, delta: float) -> Floats:
        limit = sample.to_scale(risk_limit)
        if limit <= 0.0:
            return np.ones(sample.n_candidates)
        return self.mean_p_value(sample.scaled(self.name), limit, delta)

    def _refusal(self, measure: RiskMeasure) -> str:
        return (
            f"`{self.name}` bounds a mean; `{measure}` needs a CDF band such as `BerkJones`, or for CVaR "
            "`RockafellarUryasev`."
        )
