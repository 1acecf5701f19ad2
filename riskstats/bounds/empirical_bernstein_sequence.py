"""An empirical Bernstein bound that holds at all times at once, in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats
from riskstats.bounds.betting_kernels import moments, row_blocks, start_of
from riskstats.bounds.betting_sequence import anytime_stakes
from riskstats.bounds.sequence import MeanSequence

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["EmpiricalBernsteinSequence", "empirical_bernstein_sequence"]

LARGEST_STAKE = 0.5


@dataclass(frozen=True)
class EmpiricalBernsteinSequence(MeanSequence):
    """`1 - L`, `L = max_t (sum s y - log(1/delta) - sum (y_i - ybar_(i-1))^2 psi(s_i)) / sum s` with
    `y = 1 - x`, `psi(s) = -log(1-s) - s`, `ybar_0 = 0`, and the stakes s of `BettingSequence` cut at 1/2.

    p-value of `mean >= r`: `exp(-max(0, max_t (sum s (y - 1 + r) - sum (y_i - ybar_(i-1))^2 psi(s_i))))`.
    One-sided; units need only a constant conditional mean. `BettingSequence` is tighter; this one takes time
    proportional to n for the bounds at all times together.
    Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting.
    """

    def mean_upper(self, losses: Floats, delta: float) -> Floats:
        return np.concatenate([_paths(part, delta).min(axis=1) for part in row_blocks(losses)])

    def mean_p_value(self, losses: Floats, risk_limit: float, delta: float) -> Floats:
        parts = [_peaks(part, risk_limit, delta) for part in row_blocks(losses)]
        return np.exp(-np.maximum(np.concatenate(parts), 0.0))

    def running(self, losses: Floats, delta: float) -> Floats:
        return np.minimum.accumulate(_paths(losses[np.newaxis], delta)[0])


def _sums(losses: Floats, delta: float) -> tuple[Floats, Floats, Floats]:
    """(m, n) running sums of `s`, of `s y` and of `(y_i - ybar_(i-1))^2 psi(s_i)`."""
    counts = np.arange(1.0, losses.shape[1] + 1.0)
    variance, _ = moments(losses, start_of(len(losses)), np)
    earlier = np.pad(np.cumsum(1.0 - losses, axis=1)[:, :-1], ((0, 0), (1, 0)))
    terms = process_terms(losses, counts, variance, earlier, delta)
    staked, won, paid = (np.cumsum(each, axis=1) for each in terms)
    return staked, won, paid


def process_terms(
    losses: Floats, counts: Floats, variance: Floats, earlier: Floats, delta: float
) -> tuple[Floats, Floats, Floats]:
    """`s`, `s y` and `(y_i - ybar_(i-1))^2 psi(s_i)` of each loss, along the last axis.

    counts : 1, 2, ... of the losses. variance, earlier : `s2_(i-1)` and the sum of y before each loss.
    """
    y = 1.0 - losses
    stakes = np.minimum(anytime_stakes(variance, counts, -math.log(delta)), LARGEST_STAKE)
    centre = earlier / np.maximum(counts - 1.0, 1.0)
    return stakes, stakes * y, (y - centre) ** 2 * (-np.log1p(-stakes) - stakes)


def bound_of_process(staked: Floats, won: Floats, paid: Floats, delta: float) -> Floats:
    """`1 - (sum s y - log(1/delta) - sum (y_i - ybar_(i-1))^2 psi(s_i)) / sum s`, not cut."""
    return 1.0 - (won + math.log(delta) - paid) / staked


def _paths(losses: Floats, delta: float) -> Floats:
    """(m, n) the bound from each time alone, in [0, 1]."""
    return np.clip(bound_of_process(*_sums(losses, delta), delta), 0.0, 1.0)


def _peaks(losses: Floats, risk_limit: float, delta: float) -> Floats:
    """(m,) highest log of the process against `mean >= risk_limit`."""
    staked, won, paid = _sums(losses, delta)
    return (won - (1.0 - risk_limit) * staked - paid).max(axis=1)


def empirical_bernstein_sequence(
    losses: Any, *, confidence_level: float = 0.95, support: tuple[float, float] = (0.0, 1.0)
) -> RiskBound:
    """Upper bound on the mean by `EmpiricalBernsteinSequence`; see there for the formula."""
    return EmpiricalBernsteinSequence()(losses, confidence_level=confidence_level, support=support)
