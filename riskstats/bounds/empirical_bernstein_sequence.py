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
    y = 1.0 - losses
    counts = np.arange(1.0, y.shape[1] + 1.0)
    variance, _ = moments(losses, start_of(len(losses)), np)
    stakes = np.minimum(anytime_stakes(variance, counts, -math.log(delta)), LARGEST_STAKE)
    centre = np.zeros_like(y)
    centre[:, 1:] = np.cumsum(y, axis=1)[:, :-1] / counts[:-1]
    price = (y - centre) ** 2 * (-np.log1p(-stakes) - stakes)
    return np.cumsum(stakes, axis=1), np.cumsum(stakes * y, axis=1), np.cumsum(price, axis=1)


def _paths(losses: Floats, delta: float) -> Floats:
    """(m, n) the bound from each time alone, in [0, 1]."""
    staked, won, paid = _sums(losses, delta)
    return np.clip(1.0 - (won + math.log(delta) - paid) / staked, 0.0, 1.0)


def _peaks(losses: Floats, risk_limit: float, delta: float) -> Floats:
    """(m,) highest log of the process against `mean >= risk_limit`."""
    staked, won, paid = _sums(losses, delta)
    return (won - (1.0 - risk_limit) * staked - paid).max(axis=1)


def empirical_bernstein_sequence(
    losses: Any, *, confidence_level: float = 0.95, support: tuple[float, float] = (0.0, 1.0)
) -> RiskBound:
    """Upper bound on the mean by `EmpiricalBernsteinSequence`; see there for the formula."""
    return EmpiricalBernsteinSequence()(losses, confidence_level=confidence_level, support=support)
