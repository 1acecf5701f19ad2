"""Risk per item when items come in clusters of unequal size, by betting on `T_c - r S_c`.

The default of this package counts each cluster once. This counts each item once: the risk is the total loss
of a random cluster over its expected size.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from riskstats._samples import checked_support, loss_vector
from riskstats._validation import Floats, choice, number, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.result import RiskBound
from riskstats.bounds.units import unit_codes
from riskstats.exceptions import IncompatibleBound, InvalidInput

__all__ = ["per_item_bound", "per_item_p_value"]

ORDER_NOTE = "Betting takes clusters in the order of the rows, which must not depend on the losses."


def per_item_bound(
    losses: Any,
    cluster: Any,
    *,
    max_size: int,
    side: Literal["upper", "lower"] = "upper",
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
) -> RiskBound:
    r"""Bound on the risk of a random item, from independent clusters of unequal size.

    Cluster c has S_c items with total loss T_c in [0, S_c] (losses scaled to [0, 1]); the risk per item is
    `R = E T / E S`. Then `E[T - r S] >= 0` for every r <= R, and for bets `0 <= nu_c <= 1` that depend on
    earlier clusters alone

        W_t(r) = prod_{c<=t} (1 - nu_c (T_c - r S_c) / S_max)

    is a nonnegative supermartingale at r = R: its factors are positive since `T_c - r S_c <= (1 - r) S_max`,
    and have conditional mean at most 1. By Ville's inequality `P(max_t W_t(R) >= 1/delta) <= delta`. W_t
    increases in r, so the r at which its running maximum meets 1/delta is an upper bound. The bets are those
    of `Betting` with the plug-in risk `(S_max/2 + sum T) / (S_max + sum S)`; with clusters of one size it is
    `Betting` on their means.

    Parameters
    ----------
    losses : (n,) one loss per item, in `support`.
    cluster : (n,) labels; clusters are independent draws of one law, items within one need not be.
    max_size : the largest size that a cluster can have, known in advance and not read off the sample.
    side : "upper", or "lower" by reflection.

    One-sided, any dependence within clusters, number of clusters fixed. Cost: one pass for each of about 50
    trial values.
    """
    totals, sizes, ends = _clusters(losses, cluster, max_size, support)
    delta = 1.0 - checked_confidence(confidence_level)
    upper = choice(side, ("upper", "lower"), "side") == "upper"
    value = _root(_Game(totals if upper else sizes - totals, sizes, max_size, delta))
    width = ends[1] - ends[0]
    return RiskBound(
        value=ends[0] + width * (value if upper else 1.0 - value),
        estimate=ends[0] + width * float(totals.sum() / sizes.sum()),
        side=side,
        measure="Mean per item",
        bound="Betting on T - r S",
        confidence_level=1.0 - delta,
        n_units=len(sizes),
        support=ends,
        notes=(f"{int(sizes.sum())} items in {len(sizes)} clusters of at most {max_size}.", ORDER_NOTE),
    )


def per_item_p_value(
    losses: Any,
    cluster: Any,
    *,
    risk_limit: float,
    max_size: int,
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
) -> float:
    """p-value of `risk per item >= risk_limit`: `1 / max_t W_t(risk_limit)`, at most 1; see `per_item_bound`.

    Valid at every threshold. `confidence_level` fixes the bets; at that level test and bound agree.
    """
    totals, sizes, ends = _clusters(losses, cluster, max_size, support)
    delta = 1.0 - checked_confidence(confidence_level)
    limit = (number(risk_limit, "risk_limit") - ends[0]) / (ends[1] - ends[0])
    if limit >= 1.0 or limit <= 0.0:
        return float(limit <= 0.0)
    return math.exp(-max(_Game(totals, sizes, max_size, delta).log_wealth(limit), 0.0))


class _Game:
    """The bets of one sample of clusters, and the largest log wealth against a risk r."""

    def __init__(self, totals: Floats, sizes: Floats, max_size: int, delta: float) -> None:
        self.totals, self.sizes = totals / max_size, sizes / max_size
        self.target = math.log(1.0 / delta)
        self.bets = _bets(self.totals, self.sizes, self.target)

    def log_wealth(self, risk: float) -> float:
        steps = np.log1p(-self.bets * (self.totals - risk * self.sizes))
        return float(np.cumsum(steps).max())


def _bets(totals: Floats, sizes: Floats, target: float) -> Floats:
    """(n,) `min(1, sqrt(2 target / (n s2_{c-1})))`, s2 the mean square of T - r S at the plug-in r."""
    counts = np.arange(2, len(totals) + 2)
    plug_in = (0.5 + np.cumsum(totals)) / (1.0 + np.cumsum(sizes))
    squares = (0.25 + np.cumsum((totals - plug_in * sizes) ** 2)) / counts
    before = np.concatenate(([0.25], squares[:-1]))
    return np.minimum(1.0, np.sqrt(2.0 * target / (len(totals) * before)))


def _root(game: _Game) -> float:
    """The smallest risk known to be refuted, by bisection; 1 if none is."""
    low, high = 0.0, 1.0
    while high - low > 1e-14:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if game.log_wealth(middle) >= game.target else (middle, high)
    return high


def _clusters(
    losses: Any, cluster: Any, max_size: int, support: Any
) -> tuple[Floats, Floats, tuple[float, float]]:
    """(totals, sizes, support) with losses scaled to [0, 1]."""
    ends = checked_support(support)
    if math.isinf(ends[1]):
        raise IncompatibleBound("betting on clusters needs bounded losses; pass `support=(low, high)`.")
    if hasattr(losses, "reset_index"):
        losses = losses.reset_index(drop=True)
    vector, _ = loss_vector(losses, ends)
    units, codes = unit_codes(cluster, len(vector), "cluster")
    sizes = np.bincount(codes, minlength=len(units)).astype(np.float64)
    largest = whole_number(max_size, "max_size", low=1)
    if sizes.max() > largest:
        raise InvalidInput(
            f"`max_size` must bound every cluster; got {largest} and a cluster of "
            f"{int(sizes.max())} items ({str(units[sizes.argmax()])!r}). Pass the largest possible size."
        )
    scaled = np.bincount(codes, weights=(vector - ends[0]) / (ends[1] - ends[0]), minlength=len(units))
    return np.minimum(scaled, sizes), sizes, ends
