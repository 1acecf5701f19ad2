"""Systems on the same prompts, compared in pairs, by category, with one error for all comparisons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, Integers, choice, probability, quoted, sample_weights, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.multiple_testing import holm_adjusted
from riskstats.bounds.notes import SCOPE
from riskstats.evaluations.clustering import cluster_codes, unit_sums
from riskstats.evaluations.paired_bootstrap import Sums, resampled_pairs
from riskstats.evaluations.paired_inputs import PairedLosses, paired_losses
from riskstats.evaluations.proportions import mcnemar_p
from riskstats.evaluations.rate_methods import binary_losses
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.results import Result, as_percent, frame
from riskstats.tail.limit_methods import checked_resamples
from riskstats.tail.resampled_ranks import differences

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PairedComparison", "PairedDifference", "paired_comparison"]

ALL = "all"


@dataclass(frozen=True)
class PairedDifference(Result):
    """Two systems on the prompts that both have.

    Attributes
    ----------
    first, second : their names. category : of the prompts, or "all".
    difference : mean loss of the first less that of the second.
    lower, upper : limits that hold for all comparisons at once; -1 and 1 where the losses show no error.
    standard_error : over the sampled units.
    n, n_units : common prompts of positive weight; what was sampled independently among them.
    only_first, only_second : prompts that one failed and not the other; None for fractional losses.
    p_value : two-sided, of this comparison alone. p_holm, p_max_t : adjusted for all comparisons.
    detectable : the smallest difference that is told apart with the stated power at this n; None where the
        losses show no error to compute it from.
    """

    first: str
    second: str
    category: str
    difference: float
    lower: float
    upper: float
    standard_error: float
    n: int
    n_units: int
    only_first: int | None
    only_second: int | None
    p_value: float
    p_holm: float
    p_max_t: float
    detectable: float | None


@dataclass(frozen=True)
class PairedComparison(Result):
    """All pairs of systems, on all prompts and in each category.

    Attributes
    ----------
    pairs : one for each pair and category; "all" is a category of its own.
    names : of the systems. test : "mcnemar" or "bootstrap". multiplicity : "holm" or "max-t".
    confidence_level : of all statements together. power : of `detectable`.
    resamples : of the units. dropped : prompts left out because some model lacks them.
    notes : what a reader must know besides.
    """

    pairs: tuple[PairedDifference, ...]
    names: tuple[str, ...]
    test: str
    multiplicity: str
    confidence_level: float
    power: float
    resamples: int
    dropped: int
    notes: tuple[str, ...] = ()

    def p_adjusted(self, pair: PairedDifference) -> float:
        """The p-value adjusted by the multiplicity that was asked for."""
        return pair.p_holm if self.multiplicity == "holm" else pair.p_max_t

    @property
    def separated(self) -> tuple[PairedDifference, ...]:
        """Comparisons that are told apart, with one error for all."""
        delta = 1.0 - self.confidence_level
        return tuple(pair for pair in self.pairs if self.p_adjusted(pair) <= delta)

    def summary(self) -> str:
        """One line for each comparison with the prompts it used, and the notes."""
        sure = as_percent(self.confidence_level)
        head = (
            f"{len(self.names)} systems in pairs, {len(self.pairs)} comparisons at once ({self.test}, "
            f"{self.multiplicity}, {sure} confidence): {len(self.separated)} told apart."
        )
        return "\n".join([head, *(f"  {self._line(pair)}" for pair in self.pairs), *self.notes])

    def _line(self, pair: PairedDifference) -> str:
        where = "" if pair.category == ALL else f", {pair.category}"
        counts = "" if pair.only_first is None else f", {pair.only_first} : {pair.only_second} discordant"
        units = "" if pair.n_units == pair.n else f" in {pair.n_units} clusters"
        least = "" if pair.detectable is None else f"; {self.power:.0%} power from {pair.detectable:.3g}"
        return (
            f"{pair.first} - {pair.second}{where}: {pair.difference:+.4f} [{pair.lower:+.4f}, "
            f"{pair.upper:+.4f}], {pair.n} prompts{units}{counts}, p = {self.p_adjusted(pair):.3g} "
            f"({pair.p_value:.3g} alone){least}"
        )

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per comparison; needs the extra `frames`."""
        return frame([pair.to_dict() for pair in self.pairs])

    def plot(self, ax: Axes | None = None) -> Figure:
        """Differences with their intervals; see `plot_differences`."""
        from riskstats.plotting_evaluations import plot_differences

        return plot_differences(self, ax)


def paired_comparison(
    losses: Any,
    *,
    names: Sequence[Any] | None = None,
    category: Any = None,
    cluster: Any = None,
    sample_weight: npt.ArrayLike | None = None,
    on: Literal["intersection", "pairwise"] | None = None,
    test: Literal["mcnemar", "bootstrap"] | None = None,
    multiplicity: Literal["holm", "max-t"] | None = None,
    pairs: Sequence[tuple[Any, Any]] | None = None,
    power: float = 0.8,
    confidence_level: float = 0.95,
    resamples: int = 1999,
    random_state: RandomState = 0,
) -> PairedComparison:
    """Differences in mean loss of all pairs of systems, on the prompts that both have.

    The comparisons are all pairs, or those of `pairs`, on all prompts and in every category; multiplicity is
    over all of them.
    Intervals are studentised by a bootstrap of the units and hold at once (the largest statistic). p-values
    are those of McNemar's exact test for independent 0/1 losses, and of the bootstrap for others; "holm"
    needs nothing of their dependence, "max-t" is that of the bootstrap.

    `detectable` is `(z_(1 - delta / 2K) + z_power) se` for K comparisons, with `se = sqrt(b + c) / n` for
    McNemar; and at least the difference at which, all discordant prompts being of one kind, the exact test
    rejects with that power.

    Parameters
    ----------
    losses : (models, prompts) in [0, 1]; or a frame or dict with a column per model; or
        {model: {prompt: loss}}, also with series that have an index of prompts.
    names : of the models, where the losses do not name them.
    category : (prompts,) labels, or {prompt: label}.
    cluster : (prompts,) labels of what was sampled independently, or {prompt: label}.
    sample_weight : (prompts,) numbers >= 0, or {prompt: weight}.
    on : "intersection" keeps the prompts that all models have, "pairwise" those that both models of a pair
        have (NaN is missing then); None refuses different prompts.
    test : None is "mcnemar" where every loss is 0 or 1, without clusters and weights, else "bootstrap".
    multiplicity : "holm" or "max-t", for `separated`; both p-values are given. None is "holm" for McNemar's
        test and "max-t" for the bootstrap, whose p-values are at least `1 / (R + 1)`.
    pairs : (name, name) of the models to compare, decided before looking; None is all pairs.
    power : in (0, 1), of `detectable`.
    resamples : R, at least `2 / (1 - confidence_level) - 1`. random_state : of them; an integer repeats.

    Raises
    ------
    InvalidInput : fewer than two models, different prompts without `on`, NaN, losses outside [0, 1], pairs
        of models that are not there, or the same pair twice.
    IncompatibleBound : McNemar's test with clusters, weights or fractional losses.

    Source: McNemar (1947); Holm (1979); Romano and Wolf (2005), Exact and approximate stepdown methods for
    multiple hypothesis testing, in its single-step form.
    """
    delta = 1.0 - checked_confidence(confidence_level)
    checked_resamples(whole_number(resamples, "resamples", low=1), delta / 2)
    strength = probability(power, "power")
    given = paired_losses(losses, names, on, sample_weight, cluster, category)
    weights = sample_weights(given.weights, given.losses.shape[1])
    codes = cluster_codes(given.cluster, len(weights))
    used = _test(test, given, weights, codes)
    shared = _multiplicity(multiplicity, used)
    cells = _cells(given, weights, codes, *_which(pairs, given.names))
    if not cells.kept.any():
        raise InvalidInput("no two models share a prompt: there is nothing to compare. Check the prompt ids.")
    found = _compared(given, cells, used, delta, strength, resamples, generator(random_state))
    return PairedComparison(
        pairs=tuple(found),
        names=given.names,
        test=used,
        multiplicity=shared,
        confidence_level=1.0 - delta,
        power=strength,
        resamples=resamples,
        dropped=given.dropped,
        notes=(*_coarse(shared, used, len(found), resamples, delta), *_notes(given, cells, used)),
    )


def _multiplicity(named: str | None, test: str) -> str:
    if named is None:
        return "holm" if test == "mcnemar" else "max-t"
    return choice(named, ("holm", "max-t"), "multiplicity")


def _coarse(multiplicity: str, test: str, count: int, resamples: int, delta: float) -> tuple[str, ...]:
    """A warning where no bootstrap p-value can pass Holm's first step."""
    if multiplicity != "holm" or test != "bootstrap" or count <= delta * (resamples + 1):
        return ()
    return (
        (
            f"With {resamples} resamples no p-value is small enough for Holm's first step among {count} "
            f"comparisons. Use multiplicity='max-t', or resamples >= {math.ceil(count / delta)}."
        ),
    )


def _test(test: str | None, given: PairedLosses, weights: Floats, codes: Integers | None) -> str:
    """The test that was named, or McNemar's where it has a statement."""
    binary = binary_losses(given.losses[np.isfinite(given.losses)])
    plain = codes is None and bool((weights == weights[0]).all())
    if test is None:
        return "mcnemar" if binary and plain else "bootstrap"
    if choice(test, ("mcnemar", "bootstrap"), "test") == "mcnemar" and not (binary and plain):
        what = "`cluster` or `sample_weight`" if binary else "fractional losses"
        raise IncompatibleBound(f"`mcnemar` counts independent prompts, and has no statement with {what}. "
                                "Use test='bootstrap'.")  # fmt: skip
    return test


class _Cells(NamedTuple):
    """K comparisons: models, category, sums in the units, and counts (K,).

    kept : which of them have a prompt. only : (2, K) prompts that one failed and not the other.
    """

    first: Integers
    second: Integers
    category: list[str]
    sums: Sums
    n: Integers
    n_units: Integers
    only: Integers
    kept: npt.NDArray[np.bool_]


def _which(pairs: Sequence[tuple[Any, Any]] | None, names: tuple[str, ...]) -> tuple[Integers, Integers]:
    """(first, second) the models of every pair."""
    if pairs is None:
        first, second = np.triu_indices(len(names), 1)
        return first, second
    named = [tuple(map(str, pair)) if isinstance(pair, (tuple, list)) else (pair,) for pair in pairs]
    if not named or any(len(set(pair)) != 2 or len(pair) != 2 for pair in named):
        raise InvalidInput(f"`pairs` must be pairs (name, name) of different models; got {pairs!r}.")
    unknown = sorted({name for pair in named for name in pair} - set(names))
    if unknown:
        raise InvalidInput(f"`pairs` names {quoted(unknown)}; the models are {quoted(names)}.")
    if len({frozenset(pair) for pair in named}) < len(named):
        raise InvalidInput("`pairs` has a pair twice. Name each pair once, in either order.")
    places = np.array([[names.index(name) for name in pair] for pair in named])
    return places[:, 0], places[:, 1]


def _cells(
    given: PairedLosses, weights: Floats, codes: Integers | None, first: Integers, second: Integers
) -> _Cells:
    """All comparisons: pairs within all prompts, then within each category."""
    groups = _groups(given, weights)
    both = np.isfinite(given.losses[first]) & np.isfinite(given.losses[second])
    apart = np.where(both, given.losses[first] - given.losses[second], 0.0)
    columns = [(rows * both[k], apart[k]) for rows in groups.values() for k in range(len(first))]
    masks = np.column_stack([mask for mask, _ in columns])
    moved = np.column_stack([difference for _, difference in columns])
    mass = weights[:, np.newaxis] * masks
    sums = Sums(unit_sums(mass * moved, codes), unit_sums(mass, codes))
    size = len(groups)
    return _Cells(
        first=np.tile(first, size),
        second=np.tile(second, size),
        category=[name for name in groups for _ in first],
        sums=sums,
        n=masks.sum(axis=0).astype(np.int64),
        n_units=(sums.weights > 0).sum(axis=0),
        only=np.array([((moved > 0) & masks).sum(axis=0), ((moved < 0) & masks).sum(axis=0)]),
        kept=np.asarray(masks.any(axis=0)),
    )


def _groups(given: PairedLosses, weights: Floats) -> dict[str, npt.NDArray[np.bool_]]:
    """Rows of all prompts of positive weight, and of each category."""
    some = weights > 0
    groups = {ALL: some}
    if given.labels is not None:
        if ALL in given.labels.names:
            raise InvalidInput(f"`category` has a label {ALL!r}, the name of all prompts. Rename it.")
        groups |= {name: some & (given.labels.codes == c) for c, name in enumerate(given.labels.names)}
    return groups


def _compared(
    given: PairedLosses, cells: _Cells, test: str, delta: float, power: float, resamples: int, rng: Any
) -> list[PairedDifference]:
    kept = np.flatnonzero(cells.kept)
    sums = Sums(*(part[:, kept] for part in cells.sums))
    pairs = resampled_pairs(sums, cells.first[kept], cells.second[kept], resamples, rng)
    found = differences(pairs, delta)
    binary = binary_losses(given.losses[np.isfinite(given.losses)])
    exact = test == "mcnemar"
    only = cells.only[:, kept]
    p = mcnemar_p(*only) if exact else found.p
    adjusted = holm_adjusted(p)
    null_error = np.sqrt(only.sum(axis=0)) / cells.n[kept] if exact else pairs.error
    least = _detectable(null_error, cells.n[kept], delta / len(kept), power, exact)
    return [
        PairedDifference(
            first=given.names[cells.first[k]],
            second=given.names[cells.second[k]],
            category=cells.category[k],
            difference=float(pairs.value[j]),
            lower=max(float(found.lower[j]), -1.0),
            upper=min(float(found.upper[j]), 1.0),
            standard_error=float(pairs.error[j]),
            n=int(cells.n[k]),
            n_units=int(cells.n_units[k]),
            only_first=int(only[0, j]) if binary else None,
            only_second=int(only[1, j]) if binary else None,
            p_value=float(p[j]),
            p_holm=float(adjusted[j]),
            p_max_t=float(found.p_max[j]),
            detectable=None if np.isnan(least[j]) else float(least[j]),
        )
        for j, k in enumerate(kept.tolist())
    ]


def _detectable(error: Floats, n: Integers, delta: float, power: float, exact: bool) -> Floats:
    """(K,) smallest differences told apart at error delta each with a power; NaN where nothing is known."""
    from scipy.special import betaincinv

    reach = NormalDist().inv_cdf(1.0 - delta / 2.0) + NormalDist().inv_cdf(power)
    least = np.minimum(np.where(error > 0, reach * error, np.nan), 1.0)
    if not exact:
        return least
    needed = math.ceil(math.log2(2.0 / delta) - 1e-9)  # discordant prompts of one kind that reject
    alone = np.array([betaincinv(needed, m - needed + 1, power) if m >= needed else np.nan for m in n])
    return np.where(np.isnan(alone), np.nan, np.fmax(least, alone))


def _notes(given: PairedLosses, cells: _Cells, test: str) -> tuple[str, ...]:
    notes = []
    if given.dropped:
        notes.append(f"{given.dropped} prompts that some model lacks are left out.")
    empty = [
        f"{given.names[cells.first[k]]} - {given.names[cells.second[k]]} in {cells.category[k]}"
        for k in np.flatnonzero(~cells.kept)
    ]
    if empty:
        notes.append(f"No common prompt: {', '.join(empty[:5])}{', ...' if len(empty) > 5 else ''}.")
    notes.append(
        "p-values are exact; intervals are by the bootstrap, approximate."
        if test == "mcnemar"
        else "Approximate: holds as the number of units grows."
    )
    return (*notes, SCOPE)
