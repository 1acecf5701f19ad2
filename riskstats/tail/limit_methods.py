"""Approximate limits for CVaR, and the adapter of a guaranteed one: methods without a front door."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, whole_number
from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev
from riskstats.distribution import rank_of_level
from riskstats.exceptions import InvalidInput
from riskstats.tail import bootstrap
from riskstats.tail.bootstrap import Series

__all__ = [
    "Asymptotic",
    "BootstrapT",
    "Ends",
    "Limit",
    "SplitBetting",
    "checked_resamples",
    "studentised_ends",
]

FLAT_TAIL = "The tail of the sample is one atom and shows no error"


class Ends(NamedTuple):
    """The limits of one estimate; a side that was not asked for is computed like the other."""

    lower: float
    upper: float
    standard_error: float | None = None
    degenerate_share: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit(ABC):
    """An approximate limit: it takes weights and clusters, and needs no support."""

    @abstractmethod
    def ends(self, series: Series, delta: float, sides: tuple[str, ...], random_state: RandomState) -> Ends:
        """Limits, each wrong with probability about `delta`, of a single series."""


@dataclass(frozen=True)
class Asymptotic(Limit):
    """`C +- z_(1 - delta) se` with `se = sd((x - v)+) / (t sqrt n)`, v the lower quantile, ddof 1.

    Approximate. With few losses in the tail it covers too rarely: .92 for .95 at 45 of 901.
    Weights and clusters enter through the sums over the sampled units (`tail_moments`).
    """

    def ends(self, series: Series, delta: float, sides: tuple[str, ...], random_state: RandomState) -> Ends:
        from statistics import NormalDist

        known = bootstrap.point(series)
        estimate, error = _single(known)
        if error == 0.0:
            told = (f"{FLAT_TAIL}: the limit is the end of the support.",)
            return Ends(-math.inf, math.inf, error, None, told)
        reach = NormalDist().inv_cdf(1.0 - delta) * error
        return Ends(estimate - reach, estimate + reach, error)


@dataclass(frozen=True)
class BootstrapT(Limit):
    """`C - q_(1 - delta)(T*) se` to `C - q_delta(T*) se`, `T* = (C* - C) / se*` over resamples of the units.

    Every resample has its own quantile and standard error. A resample whose tail is one atom has se* = 0 and
    counts as the worst on either side; where such resamples are more than the probability of error, the limit
    is the end of the support, with a warning. Approximate: coverage .94 to .97 for .95 at 45 of 901 in the
    tail. Rank `floor((R + 1) delta)` of the sorted T*.

    Parameters
    ----------
    resamples : R; at least `1 / delta - 1`, twice as many for two sides.

    Source: Efron (1981), Nonparametric standard errors and confidence intervals, for the studentised
    bootstrap.
    """

    resamples: int = 999

    def __post_init__(self) -> None:
        whole_number(self.resamples, "resamples", low=1)

    def ends(self, series: Series, delta: float, sides: tuple[str, ...], random_state: RandomState) -> Ends:
        checked_resamples(self.resamples, delta)
        drawn = bootstrap.resample(series, self.resamples, generator(random_state), errors="series")
        assert drawn.error is not None
        estimate, error = _single(bootstrap.point(series))
        return studentised_ends(estimate, error, drawn.cvar[:, 0], drawn.error[:, 0], delta, sides)


@dataclass(frozen=True)
class SplitBetting:
    """A guaranteed upper limit by betting: `RockafellarUryasev("split")`, its draw by `random_state`.

    An eighth of the units, drawn by their places in the file, gives the threshold v; the others bet on the
    mean of `(x - v)+`. Independent draws of one law on a finite `support`.
    """

    def bound(self, random_state: int) -> RockafellarUryasev:
        """The bound whose draw is fixed by a seed."""
        return RockafellarUryasev("split", random_state=random_state)


def _single(known: bootstrap.Resamples) -> tuple[float, float]:
    assert known.error is not None
    return float(known.cvar[0, 0]), float(known.error[0, 0])


def checked_resamples(resamples: int, delta: float) -> None:
    """`InvalidInput` where R resamples have no quantile at `delta`."""
    if _rank(resamples, delta) < 1:
        raise InvalidInput(
            f"`resamples` must be at least {math.ceil(1.0 / delta - 1.0)} for a limit with error {delta:g}; "
            f"got {resamples}."
        )


def _rank(resamples: int, delta: float) -> int:
    """`floor((R + 1) delta)`, the safe side of the quantile."""
    return int(rank_of_level(delta, resamples + 1, "upper")) - 1


def studentised_ends(
    estimate: float, error: float, cvars: Floats, errors: Floats, delta: float, sides: tuple[str, ...]
) -> Ends:
    """Limits from an estimate and R resamples (R,), each with its standard error."""
    flat = errors == 0.0
    share = float(flat.mean())
    told = tuple(
        f"{100 * share:.3g} % of the resamples have a tail of one atom: the {side} limit is the end of the "
        "support."
        for side in sides
        if int(flat.sum()) >= _rank(len(cvars), delta)
    )
    t = np.divide(cvars - estimate, errors, out=np.full_like(cvars, np.nan), where=~flat)
    below, above = _quantile(t, delta), -_quantile(-t, delta)
    return Ends(_shifted(estimate, above, error), _shifted(estimate, below, error), error, share, told)


def _shifted(estimate: float, t: float, error: float) -> float:
    return -t if math.isinf(t) else estimate - t * error


def _quantile(t: Floats, delta: float) -> float:
    """The T* of rank `floor((R + 1) delta)`; those that do not exist come first."""
    rank = _rank(len(t), delta)
    return float(np.partition(np.where(np.isnan(t), -np.inf, t), rank - 1)[rank - 1])
