"""Tails of groups beside the tail of all: who bears the risk, and how unequal it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.measures.cvar import cvar
from riskstats.results import Result, frame
from riskstats.tail.inputs import Labels
from riskstats.tail.weights import TailWeights, weigh

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GroupTails", "group_tails"]

ROUNDING = 1e-9  # of t n_g, so that 20 prompts at level 0.95 are one in the tail


@dataclass(frozen=True, eq=False)
class GroupTails(Result):
    """CVaR within each of G groups; arrays are (G,), ranked groups first, by CVaR from the largest.

    Attributes
    ----------
    by : what the labels say, such as "group" or "category".
    level : share not in the tail, of all and of each group.
    names, n, mass : labels, rows of positive weight, share of the weight.
    n_tail : `t n_g`.
    ranked : whether `t n_g >= 1`; the other groups are listed, not ranked.
    mean, value_at_risk, cvar : within the group.
    excess : `CVaR_g - CVaR`.
    overall : CVaR of all.
    ratio : largest over smallest CVaR of the ranked groups; None with `ratio_reason` where it is undefined.
    cvar_of_means : CVaR at `level` over groups, by mass, of their mean losses.
    """

    by: str
    level: float
    names: tuple[str, ...]
    n: npt.NDArray[np.int64]
    mass: Floats
    n_tail: Floats
    ranked: npt.NDArray[np.bool_]
    mean: Floats
    value_at_risk: Floats
    cvar: Floats
    excess: Floats
    overall: float
    ratio: float | None
    ratio_reason: str
    cvar_of_means: float

    def summary(self) -> str:
        """One line per group, then the ratio and the CVaR over groups of the means."""
        width = max(map(len, self.names))
        lines = [self._line(i, width) for i in range(len(self.names))]
        ratio = f"undefined ({self.ratio_reason})" if self.ratio is None else f"{self.ratio:.4g}"
        last = f"  largest / smallest CVaR {ratio}; CVaR over groups of the means {self.cvar_of_means:.6g}"
        return "\n".join([f"By {self.by}, CVaR at level {self.level:g}", *lines, last])

    def _line(self, i: int, width: int) -> str:
        mark = "" if self.ranked[i] else ", too few to rank"
        return (
            f"  {self.names[i]:<{width}}  {self.cvar[i]:.6g} ({self.excess[i]:+.4g}), "
            f"mean {self.mean[i]:.4g}, n = {self.n[i]}, n_tail = {self.n_tail[i]:.4g}{mark}"
        )

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per group; needs the extra `frames`."""
        columns = ("n", "mass", "n_tail", "ranked", "mean", "value_at_risk", "cvar", "excess")
        rows = [{name: getattr(self, name)[i].item() for name in columns} for i in range(len(self.names))]
        return frame([{self.by: name, **row} for name, row in zip(self.names, rows, strict=True)])


def group_tails(losses: Floats, overall: TailWeights, labels: Labels, by: str) -> GroupTails:
    """The tail of each group of finite losses (n,), beside the tail of all of them.

    A group whose weights are all 0 does not exist.
    """
    level, weights = overall.level, overall.probabilities
    found = _members(labels, weights)
    tails = [weigh(losses[rows], weights[rows], level) for _, rows in found]
    means = np.array([_mean(tail, losses[rows]) for tail, (_, rows) in zip(tails, found, strict=True)])
    mass = np.array([weights[rows].sum() for _, rows in found])
    n_tail = np.array([tail.n_tail for tail in tails])
    risks = np.array([tail.cvar for tail in tails])
    ranked = n_tail >= 1.0 - ROUNDING
    order = np.lexsort((-risks, ~ranked))
    ratio, reason = _ratio(risks[ranked])
    return GroupTails(
        by=by,
        level=level,
        names=tuple(found[i][0] for i in order),
        n=np.array([tail.n for tail in tails])[order],
        mass=mass[order],
        n_tail=n_tail[order],
        ranked=ranked[order],
        mean=means[order],
        value_at_risk=np.array([tail.value_at_risk for tail in tails])[order],
        cvar=risks[order],
        excess=risks[order] - overall.cvar,
        overall=overall.cvar,
        ratio=ratio,
        ratio_reason=reason,
        cvar_of_means=float(cvar(means, level, sample_weight=mass)),
    )


def _members(labels: Labels, weights: Floats) -> list[tuple[str, npt.NDArray[Any]]]:
    """(label, rows) of every group of positive weight."""
    order = np.argsort(labels.codes, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(labels.codes, minlength=len(labels.names)))[:-1])
    return [(name, part) for name, part in zip(labels.names, rows, strict=True) if weights[part].any()]


def _mean(tail: TailWeights, losses: Floats) -> float:
    return float(np.dot(tail.probabilities, losses))


def _ratio(risks: Floats) -> tuple[float | None, str]:
    """Largest over smallest, or None and why there is no such number."""
    if len(risks) < 2:
        return None, "fewer than two groups have n_tail >= 1"
    if risks.min() <= 0.0:
        return None, f"the smallest CVaR is {risks.min():g}"
    return float(risks.max() / risks.min()), ""
