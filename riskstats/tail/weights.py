"""Tail weights: how much of each loss is in the tail. CVaR is the mean under them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, finite_vector, sample_weights
from riskstats._validation import level as checked_level
from riskstats.distribution import TIE, Distribution
from riskstats.measures.base import average
from riskstats.measures.cvar import CVaR
from riskstats.results import Result, frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TailWeights", "moments", "tail_weights", "weigh"]


@dataclass(frozen=True, eq=False)
class TailWeights(Result):
    """The tail of one sample of losses, of mass `t = 1 - level`.

    Attributes
    ----------
    level : share not in the tail.
    value_at_risk, value_at_risk_upper : lower and upper quantile at `level`.
    cvar : mean of the losses under `weights`.
    n : rows of positive weight. n_tail : `t n`.
    n_eff : `1 / sum q^2` (Kish), how many losses carry the tail.
    mass_at_quantile : `P(X = value_at_risk)`.
    tied_share : share of the tail at the value at risk, split pro rata among its rows.
    weights : (n,) q, sum 1.
    probabilities : (n,) p, sum 1.
    at_quantile : (n,) whether a row of positive weight lies at the value at risk.
    """

    level: float
    value_at_risk: float
    value_at_risk_upper: float
    cvar: float
    n: int
    n_tail: float
    n_eff: float
    mass_at_quantile: float
    tied_share: float
    weights: Floats = field(repr=False)
    probabilities: Floats = field(repr=False)
    at_quantile: npt.NDArray[np.bool_] = field(repr=False)

    @property
    def mass(self) -> float:
        """`t`, the mass of the tail."""
        return 1.0 - self.level

    @property
    def membership(self) -> Floats:
        """(n,) the part of each row that is in the tail, `q t / p`: 1 above the quantile, 0 below it."""
        p = self.probabilities
        part = np.divide(self.weights * self.mass, p, out=np.zeros_like(p), where=p > 0)
        return np.minimum(part, 1.0)

    def summary(self) -> str:
        """The two quantiles, CVaR, and how many losses they rest on."""
        return (
            f"CVaR at level {self.level:g} is {self.cvar:.6g}. Value at risk: {self.quantiles}.\n"
            f"n = {self.n}, n_tail = {self.n_tail:.4g}, n_eff = {self.n_eff:.4g}; "
            f"{100 * self.tied_share:.3g} % of the tail is tied at the value at risk."
        )

    def __str__(self) -> str:
        return self.summary()

    @property
    def quantiles(self) -> str:
        """The value at risk with its side."""
        low, high = self.value_at_risk, self.value_at_risk_upper
        return f"{low:.6g} (both sides)" if low == high else f"{low:.6g} (lower), {high:.6g} (upper)"

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per loss; needs the extra `frames`."""
        columns = zip(self.probabilities, self.weights, self.membership, self.at_quantile, strict=True)
        names = ("probability", "tail_weight", "membership", "at_quantile")
        return frame([dict(zip(names, (x.item() for x in row), strict=True)) for row in columns])


def tail_weights(losses: Any, level: float, *, sample_weight: npt.ArrayLike | None = None) -> TailWeights:
    """How the tail of mass `t = 1 - level` is made up of a sample of losses (n,).

    `q_i = p_i / t` above the lower quantile v, `q_i = p_i (t - P(X > v)) / (t P(X = v))` at v, 0 below.
    Then `E_q X` is CVaR. The pro-rata share at the tie is the only rule that does not depend on row order.

    Parameters
    ----------
    losses : (n,) finite, larger is worse.
    level : share not in the tail, in [0, 1).
    sample_weight : (n,) numbers >= 0; rows of weight 0 do not exist, None is one each.

    `InvalidInput`: empty, NaN or infinite losses; a level outside [0, 1); bad weights. Cost: one sort.
    """
    sample = finite_vector(losses, "losses")
    return weigh(sample, sample_weights(sample_weight, len(sample)), checked_level(level))


def weigh(sample: Floats, weights: Floats, level: float) -> TailWeights:
    """The tail of finite losses (n,) with weights >= 0 of positive sum."""
    law = Distribution(sample, weights)
    low, high = law.quantile(level), law.quantile(level, "upper")
    shares, at = _shares(law, level, high), int(np.searchsorted(law.atoms, low))
    mass = np.asarray(law.weights)
    scaled = weights / weights.max()
    p = scaled / scaled.sum()
    atom = np.minimum(np.searchsorted(law.atoms, sample), len(law) - 1)
    q = np.divide(shares, mass, out=np.zeros(len(law)), where=mass > 0)[atom] * p
    present = weights > 0
    n = int(present.sum())
    return TailWeights(
        level=level,
        value_at_risk=low,
        value_at_risk_upper=high,
        cvar=float(average(law.atoms, shares)),
        n=n,
        n_tail=(1.0 - level) * n,
        n_eff=1.0 / float(np.square(q).sum()),
        mass_at_quantile=float(mass[at]),
        tied_share=float(shares[at]),
        weights=q,
        probabilities=p,
        at_quantile=present & (atom == at),
    )


def moments(sample: Floats, tail: TailWeights) -> tuple[float, float]:
    """(mean, variance) of the sample, the variance without a correction for n; 0 if it is one atom."""
    present = sample[tail.probabilities > 0]
    low, high = float(present.min()), float(present.max())
    if high - low <= TIE * max(abs(low), abs(high)):
        return high, 0.0
    mean = min(max(float(np.dot(tail.probabilities, sample)), low), high)
    return mean, float(np.dot(tail.probabilities, np.square(sample - mean)))


def _shares(law: Distribution, level: float, upper: float) -> Floats:
    """(m,) the share of the tail at each atom, sum 1; none below the upper quantile."""
    shares = CVaR(level).weights(law.cumulative)
    kept = np.where(law.atoms >= upper, shares, 0.0)
    return kept / kept.sum() if kept.any() else shares / shares.sum()
