"""Slow twins of the bounds on a mean and on CVaR: scalars, loops and bisection, word for word."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Bettor = Callable[[float], float]


def least(reaches: Callable[[float], bool], low: float = 0.0, high: float = 1.0) -> float:
    """The smallest x in [low, high] with `reaches(x)`, an increasing property; `high` if there is none."""
    if not reaches(high):
        return high
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def entropy(p: float, q: float) -> float:
    """kl(p, q), 0 log 0 = 0."""
    first = p * math.log(p / q) if p > 0 else 0.0
    return first + ((1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0)


def chernoff_upper(x: Sequence[float], delta: float) -> float:
    p, goal = math.fsum(x) / len(x), -math.log(delta) / len(x)
    return least(lambda mu: mu >= 1 or (mu > p and entropy(p, mu) >= goal))


def binomial_cdf(k: int, n: int, p: float) -> float:
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def binomial_upper(k: int, n: int, delta: float) -> float:
    return least(lambda mu: mu >= 1 or binomial_cdf(k, n, mu) <= delta)


def wealth_peak(x: Sequence[float], stakes: Sequence[float], mu: float, cap: float = math.inf) -> float:
    """The highest log-wealth against `mean >= mu`, one unit after the other."""
    wealth, peak = 0.0, -math.inf
    for loss, stake in zip(x, stakes, strict=True):
        share = min(stake, cap / (1 - mu)) if mu < 1 else stake
        factor = 1 - share * (loss - mu)
        wealth += math.log(factor) if factor > 0 else -math.inf
        peak = max(peak, wealth)
    return peak


def running_variances(x: Sequence[float]) -> list[float]:
    """s2_(i-1) for i = 1..n, from mean 1/2 and variance 1/4."""
    total, deviation, known = 0.0, 0.0, []
    for i, loss in enumerate(x, start=1):
        known.append((0.25 + deviation) / i)
        total += loss
        deviation += (loss - (0.5 + total) / (i + 1)) ** 2
    return known


def fixed_horizon_stakes(x: Sequence[float], delta: float) -> list[float]:
    goal = -math.log(delta)
    return [min(1.0, math.sqrt(2 * goal / (len(x) * v))) for v in running_variances(x)]


def anytime_stakes(x: Sequence[float], delta: float) -> list[float]:
    goal = -math.log(delta)
    return [math.sqrt(2 * goal / (v * i * math.log(1 + i))) for i, v in enumerate(running_variances(x), 1)]


def betting_upper(x: Sequence[float], delta: float, *, anytime: bool = False) -> float:
    stakes = (anytime_stakes if anytime else fixed_horizon_stakes)(x, delta)
    cap = 0.5 if anytime else math.inf
    return least(lambda mu: wealth_peak(x, stakes, mu, cap) >= -math.log(delta))


def empirical_bernstein_upper(x: Sequence[float], delta: float) -> float:
    n, mean = len(x), math.fsum(x) / len(x)
    variance = math.fsum((v - mean) ** 2 for v in x) / (n - 1)
    goal = math.log(2 / delta)
    return min(1.0, mean + math.sqrt(2 * variance * goal / n) + 7 * goal / (3 * (n - 1)))


def empirical_bernstein_sequence_upper(x: Sequence[float], delta: float) -> float:
    staked = won = paid = total = 0.0
    best, goal = 0.0, -math.log(delta)
    for i, (loss, stake) in enumerate(zip(x, anytime_stakes(x, delta), strict=True)):
        y, s = 1 - loss, min(stake, 0.5)
        centre = total / i if i else 0.0
        staked, won = staked + s, won + s * y
        paid += (y - centre) ** 2 * (-math.log(1 - s) - s)
        total += y
        best = max(best, (won - goal - paid) / staked)
    return 1 - best


def excess_stakes(y: Sequence[float], delta: float) -> list[float]:
    total = deviation = 0.0
    stakes = []
    for i, value in enumerate(y, start=1):
        variance = (0.02 + deviation) / i
        stakes.append(math.sqrt(-2 * math.log(delta) / (len(y) * variance)))
        deviation += (value - (0.05 + total) / i) ** 2
        total += value
    return stakes


def fixed_threshold_upper(x: Sequence[float], t: float, level: float, delta: float) -> float:
    """CVaR <= t + (1 - t) U[(x - t)+ / (1 - t)] / (1 - level)."""
    y = [max(v - t, 0.0) / (1 - t) for v in x]
    stakes = excess_stakes(y, delta)
    mean = least(lambda m: wealth_peak(y, stakes, m, 0.8) >= -math.log(delta))
    return min(1.0, t + (1 - t) * mean / (1 - level))


def mixture_upper(x: Sequence[float], grid: Sequence[float], level: float, delta: float) -> float:
    bets = []
    for t in grid:
        y = [max(v - t, 0.0) / (1 - t) for v in x]
        bets.append((t, y, excess_stakes(y, delta)))

    def peak(r: float) -> float:
        wealth, best = [1.0] * len(bets), 0.0
        means = [max((r - t) * (1 - level) / (1 - t), 0.0) for t, _, _ in bets]
        for i in range(len(x)):
            for k, ((_, y, stakes), m) in enumerate(zip(bets, means, strict=True)):
                share = min(stakes[i], 0.8 / (1 - m)) if m < 1 else stakes[i]
                wealth[k] *= 1 - share * (y[i] - m)
            best = max(best, sum(wealth) / len(wealth))
        return best

    return least(lambda r: peak(r) >= 1 / delta)


def predictable_upper(x: Sequence[float], level: float, delta: float) -> float:
    """Thresholds and stakes from the losses before each run of units."""
    n, goal = len(x), -math.log(delta)
    lag = min(level * math.sqrt(3 * n) / (2 * math.sqrt(2 * goal * (1 - level))), n / 4)
    shares = [max(1 - lag / i, 0.0) for i in range(1, n + 1)]
    squares = math.fsum(share**2 for share in shares)
    bets: list[tuple[float, float, float]] = []
    while len(bets) < n:
        start = len(bets)
        t, variance = seen(x[:start], level)
        span = (1 - t) / (1 - level)
        for i in range(start, min(n, start + 1 + start // 16)):
            payoff = t + max(x[i] - t, 0.0) / (1 - level)
            bets.append((payoff, t + span, shares[i] * math.sqrt(2 * goal / (squares * variance)) / span))

    def peak(r: float) -> float:
        wealth, best = 0.0, 0.0
        for payoff, top, stake in bets:
            share = min(stake, 0.8 / (top - r)) if r < top else stake
            wealth += math.log(1 - share * (payoff - r))
            best = max(best, wealth)
        return best

    return least(lambda r: peak(r) >= goal)


def seen(past: Sequence[float], level: float) -> tuple[float, float]:
    """Quantile of the losses seen, and the variance of the excess over it."""
    if not past:
        return 0.0, 0.25
    t = sorted(past)[max(math.ceil(level * len(past)) - 1, 0)]
    y = [max(v - t, 0.0) / (1 - t) for v in past]
    mean = (0.05 + math.fsum(y)) / (len(y) + 1)
    return t, (0.02 + math.fsum((v - mean) ** 2 for v in y)) / (len(y) + 1)
