"""Comparing models by expected harm on the same prompts, for one map and for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.notes import SCOPE
from riskstats.bounds.units import unit_codes
from riskstats.exceptions import InvalidInput
from riskstats.harm.cost_maps import cost_map_of, likelihoods
from riskstats.harm.dominance import ROUNDING, dominance, level_harm
from riskstats.harm.graded_prompts import (
    COST_LEVELS,
    SEVERITY_SCALE,
    GradedPrompts,
    Levels,
    graded_prompts,
)
from riskstats.harm.harm_comparison import HarmComparison, HarmPair, ModelHarm, Ranking
from riskstats.harm.interval import range_over_maps, ratio_over_maps
from riskstats.harm.linear_range import Polyhedron, smallest
from riskstats.harm.map_sets import DecreasingMaps
from riskstats.harm.paired_levels import PairedMeans, paired_means, simultaneous
from riskstats.harm.paired_prompts import paired_success
from riskstats.tail.limit_methods import checked_resamples
from riskstats.tail.provenance import provenance
from riskstats.tail.resampled_ranks import Differences

__all__ = ["HarmComparison", "HarmPair", "ModelHarm", "compare_harm"]

FEW = 10  # prompts that differ, below which the resamples are too coarse
SURE = 1e-9  # relative, of a sign from a linear program


def compare_harm(
    success: Any,
    severity: Any,
    cost: Any,
    *,
    cost_map: Any,
    maps: DecreasingMaps | None = None,
    names: Sequence[Any] | None = None,
    on: str | None = None,
    sample_weight: npt.ArrayLike | None = None,
    cluster: Any = None,
    confidence_level: float = 0.95,
    levels: Levels = COST_LEVELS,
    severity_scale: tuple[float, float] = SEVERITY_SCALE,
    scale_id: str | None = None,
    resamples: int = 1999,
    random_state: RandomState = None,
) -> HarmComparison:
    """Which of several models does less harm: for the chosen map, and for every decreasing map.

    Model A is no worse than B for every decreasing map exactly where G_A(j) <= G_B(j) at all cost levels j,
    with G(j) the harm `sum w s a / sum w` of the prompts of cost at most j. One set of resamples of prompts,
    or clusters, gives limits of G_A - G_B that hold for all levels and pairs at once (the largest studentised
    deviation), which turn the verdict of the sample into one at the confidence level. Approximate: they hold
    as the number of prompts that differ grows.

    Parameters
    ----------
    success : (models, prompts) in [0, 1]; a frame or dict with a column per model, `GradedSuccess` among
        them; or {model: {prompt: success}}.
    severity, cost : (prompts,), or {prompt: value}. cost_map : as in `expected_harm`.
    maps : the set that ratios and rankings range over; None is all decreasing maps.
    names : of the models. on : "intersection" compares on the prompts that all models have.
    sample_weight, cluster : (prompts,), or {prompt: value}.
    levels, severity_scale, scale_id : as in `expected_harm`.
    resamples : R, at least `1 / (1 - confidence_level) - 1`. random_state : an integer repeats them.

    Raises
    ------
    InvalidInput : fewer than two models, success on different scales, different prompts without `on`, and as
        in `expected_harm`.
    """
    delta = 1.0 - checked_confidence(confidence_level)
    checked_resamples(whole_number(resamples, "resamples", low=1), delta)
    given = paired_success(success, names, on, scale_id)
    n = given.success.shape[1]
    weight, label = given.aligned(sample_weight, "sample_weight"), given.aligned(cluster, "cluster")
    prompts = graded_prompts(
        given.aligned(severity, "severity"),
        given.aligned(cost, "cost"),
        n,
        sample_weight=weight,
        levels=levels,
        severity_scale=severity_scale,
    )
    among = DecreasingMaps() if maps is None else maps
    if not isinstance(among, DecreasingMaps):
        raise InvalidInput(f"`maps` must be `DecreasingMaps`; got {maps!r}.")
    chosen = cost_map_of(cost_map, prompts.n_levels)
    likelihood = likelihoods(chosen, prompts.n_levels)
    codes = None if label is None else unit_codes(label, n, "cluster")[1]
    columns = _columns(given.success, prompts, likelihood)
    means = paired_means(columns, prompts.weights, codes, resamples, generator(random_state))
    found = _Comparison(given.names, given.success, prompts, likelihood, among, means, delta)
    return HarmComparison(
        models=found.models(),
        pairs=found.pairs(),
        cost_map=str(chosen),
        maps=str(among),
        levels=prompts.levels,
        likelihood=likelihood,
        confidence_level=1.0 - delta,
        n=int((prompts.weights > 0).sum()),
        n_units=means.units,
        resamples=resamples,
        dropped=given.dropped,
        scale_id=given.scale_id,
        provenance=provenance(
            *(given.success, given.names, prompts.severity, prompts.cost, prompts.weights, codes),
            level=0.0,
            random_state=random_state,
            limit="BootstrapT",
        ),
        notes=(*found.blind_spots(), *_dropped(given.dropped), SCOPE),
    )


def _columns(success: Floats, prompts: GradedPrompts, likelihood: Floats) -> Floats:
    """(n, pairs (K + 1)) what the means are of: s (a_A - a_B) up to each cost level, then under the map."""
    reach = prompts.cost[:, np.newaxis] <= np.arange(prompts.n_levels)
    parts = np.column_stack([reach, likelihood[prompts.cost]]) * prompts.severity[:, np.newaxis]
    pairs = combinations(range(len(success)), 2)
    return np.concatenate([(success[i] - success[j])[:, np.newaxis] * parts for i, j in pairs], axis=1)


def _dropped(count: int) -> tuple[str, ...]:
    return (f"{count} prompts that some model lacks are left out.",) if count else ()


@dataclass(frozen=True, eq=False)
class _Comparison:
    """The statements about m models from one set of resamples."""

    names: tuple[str, ...]
    success: Floats
    prompts: GradedPrompts
    likelihood: Floats
    maps: DecreasingMaps
    means: PairedMeans
    delta: float

    @cached_property
    def harm(self) -> list[Floats]:
        return [level_harm(self.prompts, success) for success in self.success]

    @cached_property
    def which(self) -> list[tuple[int, int]]:
        return list(combinations(range(len(self.names)), 2))

    @property
    def width(self) -> int:
        return self.prompts.n_levels + 1

    @cached_property
    def empty(self) -> npt.NDArray[np.bool_]:
        """(K,) whether there is no prompt of at most this cost, so that every G is 0 here."""
        return np.cumsum(self.prompts.by_level(self.prompts.shares)) == 0

    @cached_property
    def level_limits(self) -> Differences:
        """Of G_A - G_B, for all levels and pairs at once, pair by pair; cut to the severity scale."""
        places = np.arange(self.width * len(self.which)).reshape(-1, self.width)[:, :-1].ravel()
        found = simultaneous(self.means, places, np.tile(self.empty, len(self.which)), self.delta)
        return self._cut(found, self.prompts.severity_scale[1])

    @cached_property
    def map_limits(self) -> Differences:
        """Of EH_A - EH_B, for all pairs at once."""
        places = np.arange(len(self.which)) * self.width + self.width - 1
        found = simultaneous(self.means, places, np.zeros(len(places), dtype=bool), self.delta)
        return self._cut(found, self.prompts.severity_scale[1] * float(self.likelihood[0]))

    def _cut(self, found: Differences, most: float) -> Differences:
        return found._replace(lower=np.maximum(found.lower, -most), upper=np.minimum(found.upper, most))

    def models(self) -> tuple[ModelHarm, ...]:
        answers = []
        for index, name in enumerate(self.names):
            cumulative = np.cumsum(self.harm[index])
            answers.append(
                ModelHarm(
                    name=name,
                    expected_harm=float(self.likelihood @ self.harm[index]),
                    cumulative=cumulative,
                    interval=(float(cumulative[0]), float(cumulative[-1])),
                    lowest=self._lowest(index),
                )
            )
        return tuple(answers)

    def pairs(self) -> tuple[HarmPair, ...]:
        return tuple(self._pair(place, i, j) for place, (i, j) in enumerate(self.which))

    def _pair(self, place: int, i: int, j: int) -> HarmPair:
        first, second, limits = self.harm[i], self.harm[j], self.map_limits
        k = self.prompts.n_levels
        part = slice(place * k, (place + 1) * k)
        lower, upper = self.level_limits.lower[part], self.level_limits.upper[part]
        return HarmPair(
            first=self.names[i],
            second=self.names[j],
            verdict=dominance(np.cumsum(first), np.cumsum(second)),
            confident_verdict=self._confident(lower, upper),
            order=self._order(first, second),
            difference=float(self.likelihood @ (first - second)),
            lower=float(limits.lower[place]),
            upper=float(limits.upper[place]),
            p_value=float(limits.p[place]),
            p_max_t=float(limits.p_max[place]),
            cumulative=np.cumsum(first - second),
            cumulative_lower=lower,
            cumulative_upper=upper,
            ratio=ratio_over_maps(first, second, self.prompts.levels, self.maps),
        )

    def _confident(self, lower: Floats, upper: Floats) -> str:
        below, above = upper[~self.empty] <= 0, lower[~self.empty] >= 0
        if below.all() and not above.all():
            return "a_lower"
        return "b_lower" if above.all() and not below.all() else "undecided"

    # over the set of maps

    @property
    def scale(self) -> float:
        return max(float(np.abs(harm).sum()) for harm in self.harm)

    def _order(self, first: Floats, second: Floats) -> Ranking:
        """Whether `sum f (harm_A - harm_B) <= 0` for every map of the set, for none, or for some."""
        found = range_over_maps(first - second, self.prompts.levels, self.maps)
        assert found.lower is not None
        assert found.upper is not None
        slack = (ROUNDING if self.maps.plain else SURE) * self.scale
        if found.upper <= slack:
            return "always"
        return "never" if found.lower > slack else "depends"

    def _lowest(self, index: int) -> Ranking:
        """Whether no other model is below: for every map, for none, or for some.

        For some map exactly where the smallest `t` with `f . (harm - harm of each other) <= t` is at most 0.
        """
        others = [harm for j, harm in enumerate(self.harm) if j != index]
        if all(self._order(self.harm[index], other) == "always" for other in others):
            return "always"
        if self.scale == 0.0:
            return "always"
        over, gaps = (
            self.maps.polyhedron(self.prompts.n_levels),
            np.array([(self.harm[index] - other) / self.scale for other in others]),
        )
        wide = Polyhedron(
            np.append(over.lower, -2.0),
            np.append(over.upper, 2.0),
            np.block([[over.rows, np.zeros((len(over.rows), 1))], [gaps, -np.ones((len(gaps), 1))]]),
            np.append(over.limits, np.zeros(len(gaps))),
        )
        least = smallest(np.append(np.zeros(over.size), 1.0), wide).value
        return "depends" if least <= SURE else "never"

    # what the resamples cannot see

    def blind_spots(self) -> list[str]:
        told = []
        if self.empty.any():
            told.append(f"No prompt has cost at most {self.prompts.levels[int(self.empty.sum()) - 1]}.")
        present = self.prompts.weights > 0
        for i, j in self.which:
            differ = present & (self.success[i] != self.success[j])
            counts = np.cumsum(np.bincount(self.prompts.cost[differ], minlength=self.prompts.n_levels))
            pair = f"{self.names[i]} and {self.names[j]}"
            blind = ~self.empty & (counts == 0)
            if blind.any():
                last = self.prompts.levels[int(np.flatnonzero(blind)[-1])]
                told.append(
                    f"{pair} never differ on prompts of cost at most {last}: nothing is known of the error "
                    "there, and no dominance is shown."
                )
            elif counts[-1] > 0 and counts[~self.empty][0] < FEW:
                told.append(
                    f"{pair} differ on {counts[~self.empty][0]} of the easiest prompts: the stated "
                    "confidence may not be reached there."
                )
        return told
