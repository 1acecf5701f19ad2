"""Proportions from counts: exact and score limits, and the exact test of discordant pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from riskstats._validation import Floats, Integers, choice, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.bentkus import binomial_upper
from riskstats.results import Result, as_percent

__all__ = ["Rate", "RateSide", "exact_limits", "mcnemar_p", "percent", "proportion_interval", "wilson_limits"]

RateSide: TypeAlias = Literal["two-sided", "upper", "lower"]
SIDES = ("two-sided", "upper", "lower")


@dataclass(frozen=True)
class Rate(Result):
    """A mean loss in [0, 1] between its limits.

    Attributes
    ----------
    name : of the category, or of what was rated.
    estimate : of the mean. lower, upper : limits; 0 or 1 on a side that was not asked for.
    one_sided_upper : the upper limit as a statement of its own, at the whole error; what to quote where no
        event was seen. It does not hold together with `lower`.
    n, n_units : items; what was sampled independently, items or clusters.
    events : number of losses 1 where all are 0 or 1, else None.
    method : of the limits. guaranteed : whether they hold at this n, or only as n grows.
    confidence_level : of these limits alone, after sharing the error among categories.
    p_value, p_adjusted : of `mean >= risk_limit`, alone and among the categories; None without a limit.
    below_limit : whether the mean is shown to be below the limit, by the adjusted p-value.
    """

    name: str
    estimate: float
    lower: float
    upper: float
    one_sided_upper: float
    n: int
    n_units: int
    events: int | None
    method: str
    guaranteed: bool
    confidence_level: float
    p_value: float | None = None
    p_adjusted: float | None = None
    below_limit: bool | None = None

    def summary(self) -> str:
        """The rate and its limits in one line."""
        count = "" if self.events is None else f"{self.events}/"
        units = "" if self.n_units == self.n else f" in {self.n_units} clusters"
        tail = "" if self.p_adjusted is None else f", p = {self.p_adjusted:.3g}{self._verdict()}"
        return (
            f"{self.name}: {percent(self.estimate)} [{percent(self.lower)}, {percent(self.upper)}], "
            f"{count}{self.n}{units}{self._zero()}{tail}"
        )

    def _zero(self) -> str:
        if self.events != 0:
            return ""
        sure = as_percent(self.confidence_level)
        return f"; none seen: at most {percent(self.one_sided_upper)} ({sure}, one-sided)"

    def _verdict(self) -> str:
        return ", below the limit" if self.below_limit else ""

    def __str__(self) -> str:
        return self.summary()


def percent(share: float) -> str:
    """0.00863 as '0.863 %'."""
    return f"{100 * share:.3g} %"


def proportion_interval(
    events: int,
    n: int,
    *,
    method: Literal["clopper-pearson", "wilson"] = "clopper-pearson",
    side: RateSide = "two-sided",
    confidence_level: float = 0.95,
) -> Rate:
    """Limits of a proportion from counts of independent items.

    Clopper-Pearson: the p with `P(Bin(n, p) <= s) = delta` and `P(Bin(n, p) >= s) = delta`; guaranteed.
    Wilson: the p with `|s/n - p| = z sqrt(p (1 - p) / n)`; approximate, nearer to the stated confidence.
    Two sides take `delta / 2` each. Whether the interval is one- or two-sided is to be chosen before the
    count is seen: taking the one-sided limit only when s = 0 errs with probability up to `1.5 delta`.

    Parameters
    ----------
    events, n : integers 0 <= events <= n, n >= 1. A share of averaged losses is no count: use
        `rate_interval`.

    `InvalidInput`: counts that are not integers or out of order, an unknown method.
    Source: Clopper and Pearson (1934), The use of confidence or fiducial limits illustrated in the case of
    the binomial; Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    size = whole_number(n, "n", low=1)
    count = whole_number(events, "events", low=0, high=size)
    kind = choice(method, ("clopper-pearson", "wilson"), "method")
    delta = 1.0 - checked_confidence(confidence_level)
    limits = exact_limits if kind == "clopper-pearson" else _wilson_of_counts
    each = delta / 2 if choice(side, SIDES, "side") == "two-sided" else delta
    lower, upper = (float(end) for end in limits(count, size, each))
    return Rate(
        name="rate",
        estimate=count / size,
        lower=0.0 if side == "upper" else lower,
        upper=1.0 if side == "lower" else upper,
        one_sided_upper=float(limits(count, size, delta)[1]),
        n=size,
        n_units=size,
        events=count,
        method=kind,
        guaranteed=kind == "clopper-pearson",
        confidence_level=1.0 - delta,
    )


def exact_limits(count: Any, n: Any, delta: float) -> tuple[Floats, Floats]:
    """Clopper-Pearson limits of arrays of counts, each wrong with probability at most delta."""
    events, size = np.asarray(count, dtype=np.float64), np.asarray(n, dtype=np.float64)
    return 1.0 - binomial_upper(size - events, size, delta), binomial_upper(events, size, delta)  # type: ignore[arg-type]


def _wilson_of_counts(count: int, n: int, delta: float) -> tuple[float, float]:
    from statistics import NormalDist

    return wilson_limits(count / n, n, NormalDist().inv_cdf(1.0 - delta))


def wilson_limits(share: float, n: float, z: float) -> tuple[float, float]:
    """The two p with `|share - p| = z sqrt(p (1 - p) / n)`."""
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2) / (1 + z**2 / n)
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


def mcnemar_p(first: Integers, second: Integers) -> Floats:
    """Exact two-sided p-values of McNemar's test: `min(1, 2 P(Bin(b + c, 1/2) <= min(b, c)))`.

    first, second : how many pairs only the first, and only the second, of two systems failed (b and c). Pairs
    on which both agree say nothing; b = c gives 1.
    Source: McNemar (1947), Note on the sampling error of the difference between correlated proportions or
    percentages.
    """
    from scipy.special import bdtr

    fewer, both = np.minimum(first, second), np.asarray(first) + np.asarray(second)
    return np.minimum(2.0 * bdtr(fewer, both, 0.5), 1.0)
