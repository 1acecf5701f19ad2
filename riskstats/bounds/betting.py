"""Betting on the mean (Waudby-Smith and Ramdas): the tightest bound here for losses that are not 0/1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from riskstats._jit import resolve_device
from riskstats._validation import Floats
from riskstats.bounds.base import Assumptions, MeanBound
from riskstats.bounds.betting_kernels import p_values, uppers

if TYPE_CHECKING:
    from riskstats.bounds.result import RiskBound

__all__ = ["Betting", "betting"]

SMALL = 2**13  # elements below which an accelerator is not asked


@dataclass(frozen=True)
class Betting(MeanBound):
    """The mean at which a bettor against it would have multiplied the stake by 1/delta at some time.

    `K_t(mu) = sum_(i<=t) log(1 - nu_i (x_i - mu))`, `nu_i = min(1, sqrt(2 log(1/delta) / (n s2_(i-1))))`
    with running mean and variance that start from 1/2 and 1/4. Upper bound: the mu where `max_t K_t(mu)`
    reaches `log(1/delta)`, at most 1e-13 too large, 1 where it never does. p-value of `mean >= r`:
    `exp(-max(0, max_t K_t(r)))`, valid at every threshold as delta in the stakes is fixed beforehand.

    One-sided, n fixed beforehand. Units need only a constant conditional mean. The result depends on the
    order of the units: use that of the file, or one drawn at random and on record.

    Parameters
    ----------
    device : "auto" is NumPy, or an accelerator where there is one and the batch is not small; "numpy",
        "cpu" (compiled) or "gpu". Answers agree to 1e-12.

    Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting; as an
    upper bound for risk control, Bates et al. (2021), Distribution-free, risk-controlling prediction sets.
    """

    device: str = field(default="auto", compare=False, repr=False)

    requires: ClassVar[Assumptions] = Assumptions(independent=False)

    def mean_upper(self, losses: Floats, delta: float) -> Floats:
        return uppers(losses, delta, compiled=self._compiled(losses))

    def mean_p_value(self, losses: Floats, risk_limit: float, delta: float) -> Floats:
        return p_values(losses, risk_limit, delta, compiled=self._compiled(losses))

    def _compiled(self, losses: Floats) -> bool:
        if self.device == "auto" and losses.size < SMALL:
            return False
        return resolve_device(self.device) in ("cpu", "gpu")


def betting(
    losses: Any, *, confidence_level: float = 0.95, support: tuple[float, float] = (0.0, 1.0)
) -> RiskBound:
    """Upper bound on the mean by `Betting`; see there for the formula."""
    return Betting()(losses, confidence_level=confidence_level, support=support)
