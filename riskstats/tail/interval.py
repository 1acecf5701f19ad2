"""A confidence limit for CVaR with everything that its reading needs."""

from __future__ import annotations

from dataclasses import dataclass

from riskstats.results import Result, Status, as_percent
from riskstats.tail.provenance import Provenance

__all__ = ["CVaRInterval"]


@dataclass(frozen=True)
class CVaRInterval(Result):
    """Limits between which the CVaR of the law lies with probability `confidence_level`.

    Attributes
    ----------
    estimate : CVaR of the sample.
    lower, upper : limits in the units of the losses; None on a side that was not asked for, infinite where
        nothing can be said and there is no `support`.
    side : "upper", "lower" or "two-sided"; each of two limits is wrong with half the error.
    level : share not in the tail. confidence_level : 1 - probability of error, over the sampling of units.
    limit : the method. guaranteed : whether the statement holds at this n, or only as n grows.
    value_at_risk : the lower quantile of the sample at `level`.
    n, n_tail, n_eff : rows of positive weight; `t n`; how many losses carry the tail (Kish).
    n_units : what was sampled independently: rows, or clusters.
    tied_share : share of the tail at the value at risk.
    support : (lowest, highest) possible loss, None where it was not declared.
    standard_error : of the estimate; None for a guaranteed limit.
    resamples : how many were drawn; None without a bootstrap.
    degenerate_share : share of resamples whose tail is one atom, so that they have no standard error.
    status : BOUND, or NO_BOUND where a limit is infinite.
    provenance : version, hash of the input, seed and settings.
    notes : assumptions, and why a limit says little where it does.
    """

    estimate: float
    lower: float | None
    upper: float | None
    side: str
    level: float
    confidence_level: float
    limit: str
    guaranteed: bool
    value_at_risk: float
    n: int
    n_tail: float
    n_eff: float
    n_units: int
    tied_share: float
    support: tuple[float, float] | None
    standard_error: float | None
    resamples: int | None
    degenerate_share: float | None
    status: Status
    provenance: Provenance
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """The statement in one sentence, what it rests on, and the notes."""
        return "\n".join([self._statement(), self._basis(), *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def _statement(self) -> str:
        kind = "" if self.guaranteed else ", approximate"
        sure = as_percent(self.confidence_level)
        how = f"with {sure} confidence ({self.limit}{kind})."
        if self.status is Status.NO_BOUND:
            return f"CVaR at level {self.level:g}: no limit {how}"
        return f"CVaR at level {self.level:g} is {self._range()} {how}"

    def _range(self) -> str:
        if self.lower is None:
            return f"at most {self.upper:.6g}"
        if self.upper is None:
            return f"at least {self.lower:.6g}"
        return f"between {self.lower:.6g} and {self.upper:.6g}"

    def _basis(self) -> str:
        units = "" if self.n_units == self.n else f" in {self.n_units} clusters"
        support = "not declared" if self.support is None else f"({self.support[0]:g}, {self.support[1]:g})"
        return (
            f"Estimate {self.estimate:.6g}; value at risk {self.value_at_risk:.6g} (lower); "
            f"n = {self.n}{units}, n_tail = {self.n_tail:.4g}, n_eff = {self.n_eff:.4g}; "
            f"{100 * self.tied_share:.3g} % of the tail is tied at the value at risk; support {support}."
        )
