"""The Atkinson index: the share of the mean that inequality aversion would give up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, positive_number
from riskstats.envelope import Rows
from riskstats.exceptions import InvalidInput
from riskstats.measures._inequality import refuse_negative
from riskstats.measures._log_mean_exp import log_mean_exp
from riskstats.measures.base import AtomMeasure, evaluated

__all__ = ["Atkinson", "atkinson"]


@dataclass(frozen=True)
class Atkinson(AtomMeasure):
    """`1 - M_q / E X` with q = 1 - epsilon and the power mean `M_q = (E X^q)^(1/q)`, geometric at q = 0.

    For losses >= 0, from 0 (all equal) to 1. With epsilon >= 1 a single loss of 0 makes it 1. Losses that
    are all zero are equal: 0.

    Not monotone. Power means and the mean are, so that for a law between the edges of a band

        1 - M_q(worst) / E(best)  <=  Atkinson  <=  1 - M_q(best) / E(worst).

    With epsilon >= 1 and a support that starts at 0 that is no more than [0, 1]: `InvalidInput`.

    Parameters
    ----------
    epsilon : > 0, the aversion to inequality.

    Source: Atkinson (1970), On the measurement of inequality.
    """

    two_sided: ClassVar[bool] = True
    equivariant: ClassVar[bool] = False

    epsilon: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "epsilon", positive_number(self.epsilon, "epsilon"))

    def check_support(self, support: tuple[float, float]) -> None:
        refuse_negative(support[0], self)
        if support[0] == 0 and self.epsilon >= 1:
            raise InvalidInput(
                f"`{self}` has no bound below 1 where a loss can be 0: with epsilon >= 1 one such loss makes "
                f"it 1. Use `epsilon` < 1, or a support that starts above 0; got ({support[0]:g}, "
                f"{support[1]:g})."
            )

    def of_atoms(self, atoms: Floats, mass: Floats) -> Floats:
        refuse_negative(float(atoms[:, 0].min()), self)
        return _shortfall(power_mean(atoms, mass, 1.0 - self.epsilon), atoms @ mass)

    def upper_rows(self, worst: Rows, best: Rows | None) -> Floats:
        worst, best = self.needs_both(worst, best)
        return _shortfall(self._power_mean(best), _mean(worst))

    def lower_rows(self, worst: Rows | None, best: Rows) -> Floats:
        worst, best = self.needs_both(worst, best)
        return _shortfall(self._power_mean(worst), _mean(best))

    def _power_mean(self, rows: Rows) -> Floats:
        mass = np.diff(rows.cumulative, prepend=0.0)
        return power_mean(rows.atoms[:, mass > 0], mass[mass > 0], 1.0 - self.epsilon)


def atkinson(losses: Any, epsilon: float, *, sample_weight: npt.ArrayLike | None = None) -> float | Floats:
    """Atkinson index of losses >= 0: (n,), rows of (m, n), or a `Distribution`."""
    return evaluated(Atkinson(epsilon), losses, sample_weight)


def power_mean(atoms: Floats, mass: Floats, power: float) -> Floats:
    """(m,) `(E X^power)^(1/power)` of rows of (m, k) increasing atoms >= 0, of which the last may be inf."""
    scale = atoms[:, -1] if power >= 0 else atoms[:, 0]
    inner = (scale > 0) & (np.isfinite(atoms[:, -1]) if power >= 0 else True)
    means = scale.copy()
    with np.errstate(divide="ignore", over="ignore"):
        logs = np.log(atoms[inner] / scale[inner, np.newaxis])
    means[inner] *= np.exp(logs @ mass if power == 0 else log_mean_exp(power * logs, mass) / power)
    return means


def _mean(rows: Rows) -> Floats:
    return rows.atoms @ np.diff(rows.cumulative, prepend=0.0)


def _shortfall(power_means: Floats, means: Floats) -> Floats:
    """`1 - power_means / means` cut to [0, 1]; 0 where the mean is 0 or the power mean infinite."""
    comparable = (means > 0) & np.isfinite(power_means)
    with np.errstate(over="ignore"):
        ratio = np.divide(power_means, means, out=np.ones_like(means), where=comparable)
    return np.clip(1.0 - ratio, 0.0, 1.0)
