"""Wealth of a bettor against a mean: running moments, stakes, log-wealth, and its highest point.

The bettor plays against `mean >= mu` with stakes fixed before each loss is seen:

    K_t(mu) = sum_(i <= t) log(1 - s_i (x_i - mu)),    s_i = min(stake_i, cap / (1 - mu))

Each term increases in mu, so K_t does, and so does its maximum over t, which is taken over this one sum.
Functions are written against an array namespace `xp` (numpy or jax.numpy); units run along the last axis,
other axes are samples. A state carries what one chunk of units must know of those before it, so that results
do not depend on how the units are cut into chunks.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from riskstats._jit import Compiled, pad_to
from riskstats._validation import Floats
from riskstats.bounds.roots import rising_root

__all__ = ["Moments", "capped", "fixed_horizon_stakes", "gains", "highest", "moments", "p_values", "uppers"]

BLOCK = 2**16  # elements of one block of rows in NumPy: temporaries stay in the cache
CHUNK = 4096  # units per step of the compiled scan
NO_CAP = math.inf


class Moments(NamedTuple):
    """count of losses, their sum, and the sum of `(x_j - mean_j)^2`, before the next loss."""

    count: Any
    total: Any
    deviation: Any


def moments(losses: Any, before: Moments, xp: Any) -> tuple[Any, Moments]:
    """Variance (..., k) known before each loss, and the state after the last.

    `mean_i = (1/2 + sum_(j<=i) x_j) / (i + 1)`, `s2_i = (1/4 + sum_(j<=i) (x_j - mean_j)^2) / (i + 1)`; the
    i-th answer is `s2_(i-1)`.
    """
    counts = before.count + xp.arange(1, losses.shape[-1] + 1)
    totals = accumulated(losses, before.total, xp)
    deviations = accumulated((losses - (0.5 + totals) / (counts + 1)) ** 2, before.deviation, xp)
    first = xp.broadcast_to(before.deviation, totals.shape[:-1])[..., None]
    earlier = xp.concatenate([first, deviations[..., :-1]], axis=-1)
    return (0.25 + earlier) / counts, Moments(counts[-1], totals[..., -1], deviations[..., -1])


def accumulated(terms: Any, before: Any, xp: Any) -> Any:
    """`before + cumsum(terms)` along the last axis, added one term after the other."""
    first = terms[..., :1] + xp.broadcast_to(before, terms.shape[:-1])[..., None]
    return xp.cumsum(xp.concatenate([first, terms[..., 1:]], axis=-1), axis=-1)


def fixed_horizon_stakes(variance: Any, n_units: Any, log_inverse: Any, xp: Any) -> Any:
    """`min(1, sqrt(2 log(1/delta) / (n s2)))`, which aims at the level at the last of n units."""
    return xp.minimum(1.0, xp.sqrt(2.0 * log_inverse / (n_units * variance)))


def capped(stakes: Any, mu: Any, cap: float, xp: Any) -> Any:
    """`min(stake, cap / (1 - mu))`, which keeps wealth above a share `1 - cap` after every loss."""
    return stakes if cap == NO_CAP else xp.minimum(stakes, cap / xp.maximum(1.0 - mu, 1e-300))


def gains(losses: Any, stakes: Any, mu: Any, xp: Any) -> Any:
    """`log(1 - stake (x - mu))` of every unit; `-inf` where all is lost."""
    return xp.log1p(stakes * (mu - losses))


def highest(losses: Any, stakes: Any, mu: Any, cap: float = NO_CAP) -> Floats:
    """(m,) `max_t K_t(mu)` with NumPy. losses, stakes : (m, n). mu : (m,) or a number."""
    mu = np.asarray(mu, dtype=np.float64)[..., np.newaxis]
    with np.errstate(divide="ignore"):
        terms = gains(losses, capped(stakes, mu, cap, np), mu, np)
    return np.cumsum(terms, axis=1, out=terms).max(axis=1)


def solved(losses: Floats, stakes: Floats, log_inverse: float, cap: float = NO_CAP) -> Floats:
    """(m,) the mu where `max_t K_t(mu)` reaches `log_inverse`; 1 where it never does."""
    slope = stakes.sum(axis=1)
    guess = ((stakes * losses).sum(axis=1) + 2.0 * log_inverse) / slope
    return rising_root(lambda mu: highest(losses, stakes, mu, cap), log_inverse, guess, slope)


def start_of(rows: int) -> Moments:
    """The state before the first loss."""
    return Moments(0, np.zeros(rows), np.zeros(rows))


def _stakes(losses: Floats, delta: float) -> Floats:
    variance, _ = moments(losses, start_of(len(losses)), np)
    return fixed_horizon_stakes(variance, losses.shape[1], -math.log(delta), np)


def row_blocks(losses: Floats, elements: int = BLOCK) -> list[Floats]:
    """Rows in blocks of about `elements` numbers."""
    rows = max(1, elements // losses.shape[1])
    return [losses[start : start + rows] for start in range(0, len(losses), rows)]


def uppers(losses: Floats, delta: float, *, compiled: bool = False) -> Floats:
    """(m,) bounds of the bettor with fixed-horizon stakes; losses (m, n) in [0, 1]."""
    if compiled:
        return _answers(losses, delta, _UPPERS)
    goal = -math.log(delta)
    return np.concatenate([solved(part, _stakes(part, delta), goal) for part in row_blocks(losses)])


def p_values(losses: Floats, risk_limit: float, delta: float, *, compiled: bool = False) -> Floats:
    """(m,) `exp(-max(0, max_t K_t(risk_limit)))` with the stakes of `delta`."""
    if compiled:
        peaks = _answers(losses, delta, _PEAKS, risk_limit)
    else:
        parts = [highest(part, _stakes(part, delta), risk_limit) for part in row_blocks(losses)]
        peaks = np.concatenate(parts)
    return np.exp(-np.maximum(peaks, 0.0))


# compiled: one row at a time, scanned over chunks of units, vmapped over rows


def _answers(losses: Floats, delta: float, kernel: Compiled, *more: float) -> Floats:
    """Run a kernel on rows padded to whole chunks; units beyond n get no stake."""
    n = losses.shape[1]
    chunk = min(CHUNK, 1 << max(0, n - 1).bit_length())
    padded = pad_to(losses, -(-n // chunk) * chunk, axis=1)
    chunks = padded.reshape(len(losses), -1, chunk)
    return kernel(chunks, np.float64(n), np.float64(-math.log(delta)), *map(np.float64, more))


def _row_stakes(chunks: Any, n_units: Any, log_inverse: Any) -> Any:
    """Stakes (c, k) of one sample in c chunks of k units."""
    import jax
    import jax.numpy as jnp

    def step(state: Moments, part: Any) -> tuple[Moments, Any]:
        variance, after = moments(part, state, jnp)
        within = state.count + jnp.arange(part.shape[0]) < n_units
        stakes = fixed_horizon_stakes(variance, n_units, log_inverse, jnp)
        return Moments(*map(jnp.float64, after)), jnp.where(within, stakes, 0.0)

    start = Moments(jnp.float64(0), jnp.float64(0), jnp.float64(0))
    return jax.lax.scan(step, start, chunks)[1]


def _row_peak(chunks: Any, stakes: Any, mu: Any) -> Any:
    """`max_t K_t(mu)` of one sample; the scan carries (K, max K)."""
    import jax
    import jax.numpy as jnp

    def step(state: tuple[Any, Any], part: tuple[Any, Any]) -> tuple[tuple[Any, Any], None]:
        wealth, peak = state
        path = wealth + jnp.cumsum(gains(*part, mu, jnp))
        return (path[-1], jnp.maximum(peak, path.max())), None

    return jax.lax.scan(step, (jnp.float64(0), jnp.float64(-jnp.inf)), (chunks, stakes))[0][1]


def _peaks(chunks: Any, n_units: Any, log_inverse: Any, mu: Any) -> Any:
    import jax

    def peak(row: Any) -> Any:
        return _row_peak(row, _row_stakes(row, n_units, log_inverse), mu)

    return jax.vmap(peak)(chunks)


def _uppers(chunks: Any, n_units: Any, log_inverse: Any) -> Any:
    import jax
    import jax.numpy as jnp

    stakes = jax.vmap(_row_stakes, (0, None, None))(chunks, n_units, log_inverse)
    slope = stakes.sum(axis=(1, 2))
    guess = ((stakes * chunks).sum(axis=(1, 2)) + 2.0 * log_inverse) / slope
    peaks = jax.vmap(_row_peak)
    return rising_root(lambda mu: peaks(chunks, stakes, mu), log_inverse, guess, slope, xp=jnp)


_UPPERS, _PEAKS = Compiled(_uppers), Compiled(_peaks)
