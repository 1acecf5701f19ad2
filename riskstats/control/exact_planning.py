"""Power of the exact binomial test of a risk limit, and the sizes at which it is reached and kept."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.exceptions import InvalidInput

__all__ = ["exact_detectable", "exact_power", "exact_sizes"]

CHUNK = 2**16
LARGEST = 2**26  # units beyond which no plan is made


def exact_power(sizes: Integers, risk: float, risk_limit: float, delta: float) -> Floats:
    """`P(S <= s*(n))` for S of Bin(n, risk); s*(n) is the largest s with `P(Bin(n, limit) <= s) <= delta`.

    0 where even s = 0 does not suffice. Elementwise in `sizes`.
    """
    from scipy.special import bdtr

    critical = _critical(sizes, risk_limit, delta)
    return np.where(critical < 0, 0.0, bdtr(np.maximum(critical, 0), sizes, risk))


def exact_sizes(risk: float, risk_limit: float, delta: float, power: float) -> tuple[int, int, float]:
    """(first n with the power, first n from which on it is kept, power there), 0 <= risk < risk_limit < 1.

    Every n up to `_horizon` is tried; beyond it the power is proved to hold.
    """
    most = _horizon(risk, risk_limit, delta, power)
    if most > LARGEST:
        raise InvalidInput(
            f"the risk {risk:g} is too close to `risk_limit` {risk_limit:g}: about {most:.2g} units would be "
            "needed. Raise `risk_limit`."
        )

    def enough(sizes: Integers) -> np.ndarray:
        return exact_power(sizes, risk, risk_limit, delta) >= power

    first = next(int(part[held.argmax()]) for part in _parts(most) if (held := enough(part)).any())
    kept = first
    for part in reversed(list(_parts(most))):
        if (short := ~enough(part)).any():
            kept = max(first, int(part[np.flatnonzero(short)[-1]]) + 1)
            break
    return first, kept, float(exact_power(np.array([kept]), risk, risk_limit, delta)[0])


def exact_detectable(n: int, risk: float, delta: float, power: float) -> float:
    """The upper bound of `ClopperPearson` at the smallest count s with `P(Bin(n, risk) <= s) >= power`."""
    from scipy.special import bdtr, betainccinv

    counts = np.arange(n + 1)
    s = int(np.searchsorted(bdtr(counts, n, risk), power))
    return 1.0 if s >= n else float(betainccinv(s + 1, n - s, delta))


def _critical(sizes: Integers, risk_limit: float, delta: float) -> Integers:
    """(k,) the largest s with `P(Bin(n, limit) <= s) <= delta`, -1 if there is none."""
    from scipy.special import bdtr
    from scipy.stats import binom

    guess = binom.ppf(delta, sizes, risk_limit).astype(np.int64) + 1
    guess = np.minimum(guess, sizes)
    while (above := (guess >= 0) & (bdtr(np.maximum(guess, 0), sizes, risk_limit) > delta)).any():
        guess = np.where(above, guess - 1, guess)
    return guess


def _horizon(risk: float, risk_limit: float, delta: float, power: float) -> int:
    """An n beyond which the power is kept for certain.

    For any c between risk and limit, `S <= cn` has probability at least `1 - exp(-n kl(c, risk))`, and
    certifies if `exp(-n kl(c, limit)) <= delta` (Chernoff). Bisection finds the c of the smallest n.
    """
    from scipy.special import rel_entr

    def units(c: float) -> tuple[float, float]:
        to_limit, to_risk = (float(rel_entr(c, q) + rel_entr(1 - c, 1 - q)) for q in (risk_limit, risk))
        return _ratio(-math.log(delta), to_limit), _ratio(-math.log1p(-power), to_risk)

    low, high = risk, risk_limit
    for _ in range(60):
        middle = 0.5 * (low + high)
        certify, hold = units(middle)
        low, high = (low, middle) if certify > hold else (middle, high)
    worst = max(units(0.5 * (low + high)))
    return math.ceil(worst) + 1 if math.isfinite(worst) and worst < 1e18 else LARGEST + 1


def _ratio(goal: float, rate: float) -> float:
    return goal / rate if rate > 0 else math.inf


def _parts(most: int) -> Iterator[Integers]:
    """1, ..., most in pieces."""
    return (np.arange(start, min(start + CHUNK, most + 1)) for start in range(1, most + 1, CHUNK))
