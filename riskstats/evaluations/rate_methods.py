"""How the limits of a rate are found: exact for counts, by bets for bounded losses, by the score for large n.

Bets need an order of the units. It is drawn from the sorted values, so that it does not depend on the order
of the rows: sorting and then drawing a uniform order is a uniform order of the sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskstats._random import generator
from riskstats._samples import Support
from riskstats._validation import Floats, Integers, choice
from riskstats.bounds.base import MeanBound
from riskstats.bounds.betting import Betting
from riskstats.bounds.clopper_pearson import ClopperPearson
from riskstats.bounds.hoeffding_bentkus import HoeffdingBentkus
from riskstats.bounds.sample import Sample
from riskstats.evaluations.clustering import ratio, t_quantile, unit_sums
from riskstats.evaluations.proportions import Rate, wilson_limits
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.mean import Mean

__all__ = [
    "METHODS",
    "RateSample",
    "binary_losses",
    "chosen_method",
    "mean_limits",
    "needs_binary",
    "shuffled",
]

METHODS = ("betting", "clopper-pearson", "hoeffding-bentkus", "wilson")
UNIT = (0.0, 1.0)
_BOUNDS: dict[str, MeanBound] = {
    "betting": Betting(device="numpy"),
    "clopper-pearson": ClopperPearson(),
    "hoeffding-bentkus": HoeffdingBentkus(),
}


def binary_losses(losses: Floats) -> bool:
    """Whether every loss is 0 or 1."""
    return bool(((losses == 0) | (losses == 1)).all())


def needs_binary(losses: Floats, name: str) -> None:
    """`InvalidInput` where a loss is not 0 or 1."""
    if not binary_losses(losses):
        raise InvalidInput(
            f"`{name}` must be 0 or 1; got {losses[(losses != 0) & (losses != 1)][0]:g}. Apply a threshold, "
            "or pass every judge and repeat as a row of its own with `cluster=`."
        )


def shuffled(values: Floats, seed: int) -> Floats:
    """The values in an order drawn by a seed, the same for every order in which they come."""
    return generator(seed).permutation(np.sort(values))


def mean_limits(values: Floats, support: Support, delta: float, seed: int) -> tuple[float, float]:
    """Guaranteed limits of a mean by `Betting`, each wrong with probability at most delta."""
    sample = Sample(shuffled(np.clip(values, *support), seed)[np.newaxis], support)
    bound = _BOUNDS["betting"]
    return float(bound.lower(sample, Mean(), delta)[0]), float(bound.upper(sample, Mean(), delta)[0])


def chosen_method(
    method: str | None, *, binary: bool, clustered: bool, weighted: bool, name: str = "losses"
) -> str:
    """The method that was named, or the exact one for independent 0/1 losses and `betting` for others.

    `InvalidInput`: an unknown method, fractional losses with one for counts. `IncompatibleBound`: clusters or
    weights with a method that has no statement for them.
    """
    known = choice(method, METHODS, "method") if method is not None else None
    if known is None:
        known = "clopper-pearson" if binary and not clustered else "betting"
    if known in ("clopper-pearson", "wilson") and not binary:
        raise InvalidInput(
            f"`method` {known!r} counts losses that are 0 or 1; `{name}` has fractions, whose mean is not a "
            "count over n. Use method='betting'."
        )
    if known == "clopper-pearson" and clustered:
        raise IncompatibleBound(
            "`clopper-pearson` counts independent items and has no statement with `cluster`. Use 'betting', "
            "guaranteed for the mean over clusters, or 'wilson', approximate for the mean over items."
        )
    if weighted and known != "wilson":
        raise IncompatibleBound(
            f"`{known}` has no statement with `sample_weight` that differs between rows. Use method='wilson'."
        )
    return known


@dataclass(frozen=True, eq=False)
class RateSample:
    """Losses in [0, 1] of one category, and how the limits of their mean are found.

    losses : (n,). codes : (n,) of clusters, or None. weights : (n,), or None. method : one of `METHODS`.
    seed : of the order of the bets.
    """

    losses: Floats
    codes: Integers | None = None
    weights: Floats | None = None
    method: str = "betting"
    seed: int = 0

    @property
    def guaranteed(self) -> bool:
        return self.method != "wilson"

    @property
    def n_units(self) -> int:
        return len(self.losses) if self.codes is None else len(np.unique(self.codes))

    @property
    def events(self) -> int | None:
        return int(self.losses.sum()) if binary_losses(self.losses) else None

    @cached_property
    def estimate(self) -> float:
        """The mean over items, or over clusters where the bound is on that."""
        if self.guaranteed:
            return float(self._sample.values[0].mean())
        return ratio(self.losses, self._own_codes, self.weights).value

    @cached_property
    def _own_codes(self) -> Integers | None:
        """Codes without gaps."""
        return None if self.codes is None else np.unique(self.codes, return_inverse=True)[1].reshape(-1)

    @cached_property
    def _units(self) -> Floats:
        """(u,) losses, or means of clusters."""
        codes = self._own_codes
        if codes is None:
            return self.losses
        return np.clip(unit_sums(self.losses, codes) / np.bincount(codes), 0.0, 1.0)

    @cached_property
    def _sample(self) -> Sample:
        return Sample(shuffled(self._units, self.seed)[np.newaxis], UNIT)

    @cached_property
    def _score(self) -> tuple[float, float, int]:
        """(share, effective number of items, units) of the Wilson limits.

        The effective number is that of independent items with the same variance, at most n; without
        an event, or without an item that is none, it is the number of units.
        """
        share, error, units = ratio(self.losses, self._own_codes, self.weights)
        if self._own_codes is None and self.weights is None:
            return share, float(len(self.losses)), units
        spread = share * (1.0 - share)
        if spread == 0.0 or error == 0.0:
            return share, float(units), units
        return share, min(spread / error**2, float(len(self.losses))), units

    @property
    def effective_n(self) -> float:
        """Number of independent items with the variance of the mean, at most n."""
        return self._score[1]

    def reach(self, delta: float) -> float:
        """Upper normal quantile, or Student's over the clusters."""
        from statistics import NormalDist

        if self._own_codes is None:
            return NormalDist().inv_cdf(1.0 - delta)
        return t_quantile(self._score[2], delta)

    def rate(self, name: str, delta: float, side: str = "two-sided") -> Rate:
        """The mean with its limits; two sides take half of delta each."""
        each = delta / 2 if side == "two-sided" else delta
        return Rate(
            name=name,
            estimate=self.estimate,
            lower=0.0 if side == "upper" else self.lower(each),
            upper=1.0 if side == "lower" else self.upper(each),
            one_sided_upper=self.upper(delta),
            n=len(self.losses),
            n_units=self.n_units,
            events=self.events,
            method=self.method,
            guaranteed=self.guaranteed,
            confidence_level=1.0 - delta,
        )

    def upper(self, delta: float) -> float:
        """The mean is above it with probability at most delta."""
        return self._end("upper", delta)

    def lower(self, delta: float) -> float:
        """The mean is below it with probability at most delta."""
        return self._end("lower", delta)

    def _end(self, side: str, delta: float) -> float:
        if self.method == "wilson":
            z = self.reach(delta)
            ends = UNIT if np.isinf(z) else wilson_limits(self._score[0], self._score[1], z)
            return ends[side == "upper"]
        return float(getattr(_BOUNDS[self.method], side)(self._sample, Mean(), delta)[0])

    def p_value(self, risk_limit: float, delta: float) -> float:
        """Of `mean >= risk_limit`; `delta` fixes the bets."""
        if self.method != "wilson":
            return float(_BOUNDS[self.method].p_value(self._sample, Mean(), risk_limit, delta)[0])
        from scipy.special import ndtr, stdtr

        share, n, units = self._score
        score = (share - risk_limit) / np.sqrt(risk_limit * (1.0 - risk_limit) / n)
        if self._own_codes is None:
            return float(ndtr(score))
        return float(stdtr(units - 1, score)) if units > 1 else 1.0
