"""Ordinal levels: cumulative shares, agreement with a reference, and how often a high level is missed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._random import RandomState, seed
from riskstats._validation import Floats, Integers, same_length, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.notes import SCOPE
from riskstats.evaluations.agreement_tables import (
    kappa,
    kappa_weights,
    levels_of,
    resampled_tables,
    somers_d,
    spread,
    table_of,
)
from riskstats.evaluations.clustering import cluster_codes
from riskstats.evaluations.proportions import Rate, percent
from riskstats.evaluations.rate_methods import RateSample
from riskstats.results import Result, as_percent, frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Estimate", "OrdinalSummary", "ordinal_summary"]


@dataclass(frozen=True)
class Estimate(Result):
    """A number with limits by a bootstrap; NaN where it is undefined.

    value : on the sample. lower, upper : approximate limits, at the confidence level alone.
    """

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "undefined, as all items are on one level"
        return f"{self.value:.3f} [{self.lower:.3f}, {self.upper:.3f}]"


@dataclass(frozen=True)
class OrdinalSummary(Result):
    """Levels 1 ... K of n items, larger is worse, and how they agree with reference levels.

    Attributes
    ----------
    n_levels : K.
    at_least : K - 1 shares of items with a level of at least 2, ..., K, with limits that hold at once.
    reference_at_least : the same of the reference; empty without one.
    accuracy : share of items on the level of the reference. kappa : unweighted. linear_kappa,
        quadratic_kappa : with disagreement by distance and its square.
    somers_d : of the levels given the reference: 1 for a perfect order, even where all levels are shifted.
    miss_rate : of items whose reference is at least `high`, the share rated below it; None without a
        reference or such items.
    high : from which level on a level is high. table : (K, K) counts, rows the reference.
    """

    n_levels: int
    at_least: tuple[Rate, ...]
    reference_at_least: tuple[Rate, ...]
    accuracy: Rate | None
    kappa: Estimate | None
    linear_kappa: Estimate | None
    quadratic_kappa: Estimate | None
    somers_d: Estimate | None
    miss_rate: Rate | None
    high: int
    table: tuple[tuple[int, ...], ...]
    confidence_level: float
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """The cumulative shares, the agreement, and the misses on high levels with their upper bound."""
        sure = as_percent(self.confidence_level)
        lines = [f"Levels 1 to {self.n_levels}; {sure} confidence.", *(f"  {r}" for r in self.at_least)]
        if self.accuracy is not None:
            lines.append(f"  {self.accuracy}")
            named = (
                ("kappa", self.kappa),
                ("linear kappa", self.linear_kappa),
                ("quadratic kappa", self.quadratic_kappa),
                ("Somers' D given the reference", self.somers_d),
            )
            lines += [f"  {name}: {value}" for name, value in named]
        if self.miss_rate is not None:
            lines.append(
                f"  levels from {self.high} on rated lower: {percent(self.miss_rate.estimate)}, at most "
                f"{percent(self.miss_rate.upper)} ({self.miss_rate.events}/{self.miss_rate.n})"
            )
        return "\n".join([*lines, *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row for each rate and each measure; needs the extra `frames`."""
        rates = [*self.at_least, *(rate for rate in (self.accuracy, self.miss_rate) if rate is not None)]
        rows = [{"name": r.name, "value": r.estimate, "lower": r.lower, "upper": r.upper} for r in rates]
        for name in ("kappa", "linear_kappa", "quadratic_kappa", "somers_d"):
            found = getattr(self, name)
            if found is not None:
                rows.append({"name": name, "value": found.value, "lower": found.lower, "upper": found.upper})
        return frame(rows)


def ordinal_summary(
    ordinal: Any,
    reference: Any = None,
    *,
    n_levels: int | None = None,
    high: int | None = None,
    cluster: Any = None,
    confidence_level: float = 0.95,
    resamples: int = 1999,
    random_state: RandomState = 0,
) -> OrdinalSummary:
    """Cumulative shares of ordinal levels, their agreement with a reference, misses on high levels.

    Parameters
    ----------
    ordinal : (n,) levels 1 ... K, larger is worse. reference : (n,) levels of a human or an expert.
    n_levels : K; None takes the largest level that occurs, at least 2.
    high : levels from here on are high, 2 <= high <= K; None is K.
    cluster : (n,) labels of what was sampled independently.
    resamples : of items or clusters, for kappa and Somers' D; random_state : of them and of bets.

    Shares have exact limits, or bets on the mean over clusters; the K - 1 cumulative ones hold at once. The
    miss rate has a one-sided upper limit. Kappa and D have bootstrap limits, approximate and each alone; a
    sample without disagreement shows no error and its limits have no width.

    `InvalidInput`: levels that are not whole numbers from 1 to K, different numbers of items.
    Source: Cohen (1968), Weighted kappa; Somers (1962), A new asymmetric measure of association for ordinal
    variables.
    """
    delta = 1.0 - checked_confidence(confidence_level)
    given = None if n_levels is None else whole_number(n_levels, "n_levels", low=2)
    levels = levels_of(ordinal, "ordinal", given)
    known = None if reference is None else levels_of(reference, "reference", given)
    if known is not None:
        same_length(ordinal=levels, reference=known)
    k = given or max(2, int(levels.max()), 0 if known is None else int(known.max()))
    cut = k if high is None else whole_number(high, "high", low=2, high=k)
    codes, order = cluster_codes(cluster, len(levels)), seed(random_state)
    case = _Case(k, codes, order, delta)
    notes = ("With clusters every cluster counts once in a share.",) if codes is not None else ()
    if known is None:
        return OrdinalSummary(
            k, case.cumulative(levels, "level"), (), None, None, None, None, None, None, cut, (),
            1.0 - delta, (*notes, SCOPE),
        )  # fmt: skip
    size = whole_number(resamples, "resamples", low=2)
    table = table_of(known - 1, levels - 1, k)
    tables = resampled_tables(known - 1, levels - 1, k, codes, size, order)
    return OrdinalSummary(
        n_levels=k,
        at_least=case.cumulative(levels, "level"),
        reference_at_least=case.cumulative(known, "reference"),
        accuracy=case.rate("same level", levels == known),
        kappa=case.estimate(kappa(table, kappa_weights(k, "none")), kappa(tables, kappa_weights(k, "none"))),
        linear_kappa=case.weighted(table, tables, "linear"),
        quadratic_kappa=case.weighted(table, tables, "quadratic"),
        somers_d=case.estimate(somers_d(table), somers_d(tables)),
        miss_rate=case.misses(levels, known, cut),
        high=cut,
        table=tuple(tuple(int(cell) for cell in row) for row in table),
        confidence_level=1.0 - delta,
        notes=(*notes, *_blind(table), SCOPE),
    )


def _blind(table: Floats) -> tuple[str, ...]:
    if np.count_nonzero(table - np.diag(np.diagonal(table))):
        return ()
    return ("No disagreement was seen: the limits of kappa have no width and say nothing of its error.",)


@dataclass(frozen=True, eq=False)
class _Case:
    """How rates and measures of this sample get their limits."""

    n_levels: int
    codes: Integers | None
    seed: int
    delta: float

    def _sample(self, happened: np.ndarray, rows: Any = slice(None)) -> RateSample:
        codes = None if self.codes is None else self.codes[rows]
        method = "clopper-pearson" if self.codes is None else "betting"
        return RateSample(happened[rows].astype(np.float64), codes, None, method, self.seed)

    def rate(self, name: str, happened: np.ndarray) -> Rate:
        return self._sample(happened).rate(name, self.delta)

    def cumulative(self, levels: Integers, what: str) -> tuple[Rate, ...]:
        each = self.delta / (self.n_levels - 1)
        return tuple(
            self._sample(levels >= level).rate(f"{what} >= {level}", each)
            for level in range(2, self.n_levels + 1)
        )

    def misses(self, levels: Integers, known: Integers, cut: int) -> Rate | None:
        rows = np.flatnonzero(known >= cut)
        if len(rows) == 0:
            return None
        return self._sample(levels < cut, rows).rate(f"missed, from {cut}", self.delta, "upper")

    def estimate(self, value: Any, resampled: Floats) -> Estimate:
        return Estimate(float(value), *spread(resampled, self.delta))

    def weighted(self, table: Floats, tables: Floats, kind: str) -> Estimate:
        weights = kappa_weights(self.n_levels, kind)
        return self.estimate(kappa(table, weights), kappa(tables, weights))
