"""Bets against `CVaR >= r`: four ways to choose the thresholds before the losses they meet.

For every threshold t, `CVaR <= t + E (X - t)+ / (1 - level)` (Rockafellar and Uryasev). Under `CVaR >= r` the
right side is at least r, so a bettor who fixes t and stakes before each loss holds a nonnegative
supermartingale, and by Ville's inequality multiplies the start by 1/delta with probability at most delta.

A wager knows its highest log-wealth as a function of r. Stakes that depend on r do so only through a cap
under which every term `log(1 - s(r) (Y - r))` still increases in r; so does the highest wealth, and the
thresholds r that are not rejected form an interval [0, bound). Losses and r are on the scale [0, 1]; m
samples, n units.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from riskstats._random import generator
from riskstats._validation import Floats
from riskstats.bounds.betting_kernels import capped, gains, highest
from riskstats.bounds.roots import rising_root

__all__ = ["FixedThreshold", "Mixture", "Predictable", "Wager", "bound", "p_values", "split_off"]

CAP = 0.8
START_MEAN, START_VARIANCE = 0.05, 0.02  # of the excess, as a share of its range
REFRESH = 16  # a threshold is renewed when the losses seen grow by 1/16
SMALLEST = 1e-100


class Wager(Protocol):
    """m bettors; `peak(r)` is their highest log-wealth (m,), nondecreasing in r (m,)."""

    def peak(self, risk: Floats) -> Floats: ...

    def start(self, goal: float) -> tuple[Floats, Floats]:
        """(m,) a guess of where `peak` reaches `goal`, and the slope there."""


def bound(wager: Wager, goal: float) -> Floats:
    """(m,) the r where the highest wealth reaches `goal`; 1 where it never does."""
    guess, slope = wager.start(goal)
    return rising_root(wager.peak, goal, np.clip(guess, 0.0, 1.0), _positive(slope))


def p_values(wager: Wager, risk_limit: float, rows: int) -> Floats:
    """(m,) p-values of `CVaR >= risk_limit`: one over the highest wealth."""
    return np.exp(-np.maximum(wager.peak(np.full(rows, risk_limit)), 0.0))


def _positive(values: Floats) -> Floats:
    """Values to divide by."""
    return np.maximum(values, SMALLEST)


def excess(losses: Floats, threshold: Floats) -> Floats:
    """`(x - t)+ / (1 - t)`; 0 for t = 1."""
    return np.maximum(losses - threshold, 0.0) / _positive(1.0 - threshold)


def excess_stakes(y: Floats, goal: float) -> Floats:
    """(m, n) `sqrt(2 log(1/delta) / (n s2_i))`, `s2_i = (.02 + sum_(j<i) (y_j - mean_j)^2) / i`,
    `mean_i = (.05 + sum_(j<i) y_j) / i`."""
    n = y.shape[1]
    counts = np.arange(1.0, n + 1.0)
    means = (START_MEAN + _before(y)) / counts
    variance = (START_VARIANCE + _before((y - means) ** 2)) / counts
    return np.sqrt(2.0 * goal / (n * variance))


def _before(terms: Floats) -> Floats:
    """Sums of the terms before each one."""
    sums = np.zeros_like(terms)
    np.cumsum(terms[:, :-1], axis=1, out=sums[:, 1:])
    return sums


@dataclass(frozen=True, eq=False)
class FixedThreshold:
    """One threshold (m, 1), fixed beforehand: bets on the mean of `y = (x - t)+ / (1 - t)`, which is at least
    `(r - t) (1 - level) / (1 - t)` where `CVaR >= r`."""

    y: Floats
    threshold: Floats
    stakes: Floats
    level: float

    @classmethod
    def of(cls, losses: Floats, threshold: Floats, level: float, goal: float) -> FixedThreshold:
        y = excess(losses, threshold)
        return cls(y, threshold, excess_stakes(y, goal), level)

    def mean(self, risk: Floats) -> Floats:
        """(m,) smallest mean of y under `CVaR >= risk`."""
        t = self.threshold[:, 0]
        return np.maximum((risk - t) * (1.0 - self.level) / _positive(1.0 - t), 0.0)

    def peak(self, risk: Floats) -> Floats:
        return highest(self.y, self.stakes, self.mean(risk), CAP)

    def start(self, goal: float) -> tuple[Floats, Floats]:
        t = self.threshold[:, 0]
        staked = self.stakes.sum(axis=1)
        mean = ((self.stakes * self.y).sum(axis=1) + 2.0 * goal) / staked
        return t + mean * (1.0 - t) / (1.0 - self.level), staked * (1.0 - self.level) / _positive(1.0 - t)


def split_off(losses: Floats, level: float, random_state: int) -> tuple[Floats, Floats]:
    """(thresholds (m, 1), other losses): the quantile of ceil(n/8) units drawn at random, and the rest in
    random order.

    The draw is of places in the file, not of ranks: were losses sorted first, one seed used for many samples
    would pick the same ranks in each. A single unit is left to the bound, with threshold 0.
    """
    m, n = losses.shape
    if n == 1:
        return np.zeros((m, 1)), losses
    first = -(-n // 8)
    mixed = losses[:, generator(random_state).permutation(n)]
    rank = max(math.ceil(level * first) - 1, 0)
    return np.partition(mixed[:, :first], rank, axis=1)[:, rank : rank + 1], mixed[:, first:]


@dataclass(frozen=True, eq=False)
class Mixture:
    """The mean of the wealths of several fixed thresholds, one running maximum over the mean."""

    wagers: tuple[FixedThreshold, ...]

    @classmethod
    def of(cls, losses: Floats, grid: tuple[float, ...], level: float, goal: float) -> Mixture:
        columns = (np.full((len(losses), 1), t) for t in grid)
        return cls(tuple(FixedThreshold.of(losses, column, level, goal) for column in columns))

    def peak(self, risk: Floats) -> Floats:
        total = np.full(self.wagers[0].y.shape, -np.inf)
        for wager in self.wagers:
            np.logaddexp(total, _path(wager, risk), out=total)
        return total.max(axis=1) - math.log(len(self.wagers))

    def start(self, goal: float) -> tuple[Floats, Floats]:
        guesses, slopes = zip(*(wager.start(goal) for wager in self.wagers), strict=True)
        best = np.argmin(guesses, axis=0)
        return np.min(guesses, axis=0), np.take_along_axis(np.array(slopes), best[np.newaxis], axis=0)[0]


def _path(wager: FixedThreshold, risk: Floats) -> Floats:
    """(m, n) log-wealth after every unit."""
    mu = wager.mean(risk)[:, np.newaxis]
    return np.cumsum(gains(wager.y, capped(wager.stakes, mu, CAP, np), mu, np), axis=1)


@dataclass(frozen=True, eq=False)
class Predictable:
    """Thresholds that follow the losses seen so far: bets on `Y_i = t_i + (x_i - t_i)+ / (1 - level)`.

    t_i is the empirical quantile, and the stake comes from the variance of `(x_j - t_i)+`, of losses before i
    only. The mean of `Y_i` exceeds CVaR by about `level / (2 i f)`, f the density at the quantile. A stake in
    proportion to what is left of the edge, `(1 - c/i)+`, is best; c follows from n, level and delta as for a
    tail of even density: `c = level sqrt(3 n) / (2 sqrt(2 log(1/delta) (1 - level)))`.
    """

    payoffs: Floats
    tops: Floats
    stakes: Floats

    @classmethod
    def of(cls, losses: Floats, level: float, goal: float) -> Predictable:
        n = losses.shape[1]
        shares = _shares(n, level, goal)
        squares = (shares**2).sum()
        payoffs, tops, stakes = (np.empty_like(losses) for _ in range(3))
        for start, stop in _renewals(n):
            now = slice(start, stop)
            threshold, variance = _seen(losses[:, :start], level)
            top = threshold + (1.0 - threshold) / (1.0 - level)
            payoffs[:, now] = threshold + np.maximum(losses[:, now] - threshold, 0.0) / (1.0 - level)
            tops[:, now] = top
            stakes[:, now] = (
                shares[now] * np.sqrt(2.0 * goal / (squares * variance)) / _positive(top - threshold)
            )
        return cls(payoffs, tops, stakes)

    def peak(self, risk: Floats) -> Floats:
        risk = risk[:, np.newaxis]
        stakes = np.minimum(self.stakes, CAP / _positive(self.tops - risk))
        return np.cumsum(gains(self.payoffs, stakes, risk, np), axis=1).max(axis=1)

    def start(self, goal: float) -> tuple[Floats, Floats]:
        staked = _positive(self.stakes.sum(axis=1))
        return ((self.stakes * self.payoffs).sum(axis=1) + 2.0 * goal) / staked, staked


def _shares(n: int, level: float, goal: float) -> Floats:
    """(n,) stakes relative to the last ones: `(1 - c/i)+`, with at least three quarters of the units used."""
    lag = level * math.sqrt(3 * n) / (2 * math.sqrt(2 * goal * (1 - level)))
    return np.maximum(1.0 - min(lag, n / 4) / np.arange(1.0, n + 1.0), 0.0)


def _renewals(n: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of the runs of units that share a threshold."""
    start = 0
    while start < n:
        stop = min(n, start + 1 + start // REFRESH)
        yield start, stop
        start = stop


def _seen(past: Floats, level: float) -> tuple[Floats, Floats]:
    """((m, 1) quantile, (m, 1) variance of the excess over it as a share of its range) of the losses seen."""
    m, count = past.shape
    if count == 0:
        return np.zeros((m, 1)), np.full((m, 1), 0.25)
    rank = max(math.ceil(level * count) - 1, 0)
    ordered = np.partition(past, rank, axis=1)
    threshold = ordered[:, rank : rank + 1]
    y = excess(ordered[:, rank:], threshold)
    total = y.sum(axis=1, keepdims=True)
    mean = (START_MEAN + total) / (count + 1)
    squares = (y**2).sum(axis=1, keepdims=True) - 2 * mean * total + count * mean**2
    return threshold, (START_VARIANCE + np.maximum(squares, 0.0)) / (count + 1)
