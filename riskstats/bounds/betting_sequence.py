"""Betting on the mean without a fixed number of units: bounds, and the state of a bet that goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.betting_kernels import (
    Moments,
    accumulated,
    capped,
    gains,
    highest,
    moments,
    row_blocks,
    solved,
    start_of,
)
from riskstats.bounds.roots import rising_root
from riskstats.bounds.sequence import MeanSequence
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["BettingSequence", "BettingWealth", "anytime_stakes", "betting_sequence"]

CAP = 0.5
ELEMENTS = 2**18  # elements of one block of times


@dataclass(frozen=True)
class BettingSequence(MeanSequence):
    """`Betting` with stakes that need no number of units, so that the bound holds at all times at once.

    `K_t(mu) = sum_(i<=t) log(1 - s_i (x_i - mu))`,
    `s_i = min(sqrt(2 log(1/delta) / (s2_(i-1) i log(1+i))), (1/2) / (1 - mu))`, running mean and variance as
    in `Betting`. Upper bound: the mu where `max_t K_t(mu)` reaches `log(1/delta)`; p-value of `mean >= r`:
    `exp(-max(0, max_t K_t(r)))`. By Ville's inequality the wealth of a true mean ever reaches 1/delta with
    probability at most delta.

    One-sided; units need only a constant conditional mean.
    Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting.
    """

    def mean_upper(self, losses: Floats, delta: float) -> Floats:
        goal = -math.log(delta)
        return np.concatenate([solved(x, _stakes(x, goal), goal, CAP) for x in row_blocks(losses)])

    def mean_p_value(self, losses: Floats, risk_limit: float, delta: float) -> Floats:
        goal = -math.log(delta)
        peaks = [highest(x, _stakes(x, goal), risk_limit, CAP) for x in row_blocks(losses)]
        return np.exp(-np.maximum(np.concatenate(peaks), 0.0))

    def running(self, losses: Floats, delta: float) -> Floats:
        """(n,) bounds after each unit. Takes time proportional to n squared."""
        goal, n = -math.log(delta), len(losses)
        stakes = _stakes(losses[np.newaxis], goal)[0]
        rows = max(1, ELEMENTS // n)
        parts = [np.arange(start, min(start + rows, n)) for start in range(0, n, rows)]
        bounds = np.concatenate([_solved_at(times, losses, stakes, goal) for times in parts])
        return np.minimum.accumulate(bounds)


def anytime_stakes(variance: Floats, counts: Floats, log_inverse: float) -> Floats:
    """`sqrt(2 log(1/delta) / (s2_(i-1) i log(1+i)))` for the units `counts` = i."""
    return np.sqrt(2.0 * log_inverse / (variance * counts * np.log1p(counts)))


def _stakes(losses: Floats, log_inverse: float) -> Floats:
    variance, _ = moments(losses, start_of(len(losses)), np)
    return anytime_stakes(variance, np.arange(1.0, losses.shape[1] + 1.0), log_inverse)


def _solved_at(times: Any, losses: Floats, stakes: Floats, log_inverse: float) -> Floats:
    """Bounds after the units `times` (from 0): each time is one row, cut off there."""
    x, s = losses[: times[-1] + 1], stakes[: times[-1] + 1]
    seen = np.arange(len(x)) <= times[:, np.newaxis]
    slope = np.cumsum(s)[times]
    guess = (np.cumsum(s * x)[times] + 2.0 * log_inverse) / slope
    return rising_root(
        lambda mu: highest(x, np.where(seen, s, 0.0), mu, CAP), log_inverse, np.minimum(guess, 1.0), slope
    )


@dataclass(frozen=True)
class BettingWealth:
    """A bettor against `mean >= risk_limit`, after some units: the wealth, and what the next stake needs.

    Fed one by one, in batches, or after storing and reading back, it holds the same numbers to the last bit.

    Attributes
    ----------
    risk_limit : in (0, 1), on the scale of the losses.
    delta : error that the stakes aim at; fixed before the first loss.
    count, total, deviation : units seen, their sum, `sum (x_j - mean_j)^2`.
    log_wealth, peak : log of the wealth now, and of the highest so far (0 at the start).
    crossed_at : units after which the wealth first reached 1/delta; None while it has not.
    """

    risk_limit: float
    delta: float
    count: int = 0
    total: float = 0.0
    deviation: float = 0.0
    log_wealth: float = 0.0
    peak: float = 0.0
    crossed_at: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.risk_limit < 1.0:
            raise InvalidInput(
                f"`risk_limit` must lie inside the support of the losses; got {self.risk_limit!r} on "
                "the scale (0, 1). At its ends there is nothing to test."
            )

    @property
    def p_value(self) -> float:
        """p-value of `mean >= risk_limit`, valid whenever the bettor stops."""
        return math.exp(-self.peak)

    def update(self, losses: Floats) -> BettingWealth:
        """The state after more losses (k,) in [0, 1]."""
        x = np.ascontiguousarray(losses, dtype=np.float64)
        if x.size == 0:
            return self
        variance, after = moments(x, Moments(self.count, self.total, self.deviation), np)
        path = self._path(x, anytime_stakes(variance, self._counts(x), -math.log(self.delta)))
        return replace(
            self,
            count=int(after.count),
            total=float(after.total),
            deviation=float(after.deviation),
            log_wealth=float(path[-1]),
            peak=max(self.peak, float(path.max())),
            crossed_at=self._crossing(path),
        )

    def _counts(self, losses: Floats) -> Floats:
        return self.count + np.arange(1.0, len(losses) + 1.0)

    def _path(self, losses: Floats, stakes: Floats) -> Floats:
        terms = gains(losses, capped(stakes, self.risk_limit, CAP, np), self.risk_limit, np)
        return accumulated(terms, self.log_wealth, np)

    def _crossing(self, path: Floats) -> int | None:
        reached = path >= -math.log(self.delta)
        if self.crossed_at is not None or not reached.any():
            return self.crossed_at
        return self.count + int(reached.argmax()) + 1


def betting_sequence(
    losses: Any, *, confidence_level: float = 0.95, support: tuple[float, float] = (0.0, 1.0)
) -> RiskBound:
    """Upper bound on the mean by `BettingSequence`; see there for the formula."""
    return BettingSequence()(losses, confidence_level=confidence_level, support=support)
