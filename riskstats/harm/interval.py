"""The range of expected harm, or of the ratio of two, over everything that is left open."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, same_length, sample_weights
from riskstats.exceptions import InvalidInput
from riskstats.harm.dominance import level_harm, ratio_range, step
from riskstats.harm.graded_prompts import (
    COST_LEVELS,
    SEVERITY_SCALE,
    Levels,
    checked_success,
    graded_prompts,
)
from riskstats.harm.linear_range import (
    Extreme,
    Polyhedron,
    largest,
    largest_ratio,
    smallest,
    smallest_ratio,
)
from riskstats.harm.map_sets import DecreasingMaps
from riskstats.harm.weights import HarmWeights
from riskstats.results import Result, Status, frame
from riskstats.tail.inputs import inside, matrix_and_names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HarmInterval", "harm_interval", "range_over_maps", "ratio_over_maps"]

PROVEN = 1e-9  # relative, of a gap and of what a point misses


@dataclass(frozen=True, eq=False)
class HarmInterval(Result):
    """The range of a harm over a set of maps or weights; each end is attained.

    Attributes
    ----------
    quantity : "expected harm", or "ratio of expected harms".
    over : the set, in words. names : of its coordinates: cost levels, or components.
    lower, upper : the ends; upper inf with status UNBOUNDED, both None where the ratio is 0 / 0 throughout.
    lower_at, upper_at : (K,) maps or weights that attain them; None where there is none.
    lower_bound, upper_bound : what no point passes, from the multipliers of the linear program.
    gap : the larger absolute distance between an end and what bounds it.
    status : OPTIMAL; GAP where the proof or a constraint is off by more than rounding; UNBOUNDED; NO_BOUND.
    """

    quantity: str
    over: str
    names: tuple[str, ...]
    lower: float | None
    upper: float | None
    lower_at: Floats | None = field(repr=False)
    upper_at: Floats | None = field(repr=False)
    lower_bound: float | None
    upper_bound: float | None
    gap: float
    status: Status

    def summary(self) -> str:
        """The interval, and what attains each end."""
        head = f"{self.quantity[0].upper()}{self.quantity[1:]} over {self.over}"
        if self.lower is None or self.upper is None:
            return f"{head}: undefined, both harms are 0 throughout."
        if math.isinf(self.upper):
            low = "it" if math.isinf(self.lower) else f"at least {self.lower:.6g}, and"
            lines = [f"{head}: {low} has no upper end, as the second harm is 0 for some of them (x / 0)."]
        else:
            told = f"{self.lower:.6g} to {self.upper:.6g} (gap {self.gap:.2g}). {self.status.sentence}"
            lines = [f"{head}: {told}"]
        ends = (("smallest", self.lower_at), ("largest", self.upper_at))
        lines += [f"  {which} at {self._point(at)}" for which, at in ends if at is not None]
        return "\n".join(lines)

    def _point(self, at: Floats) -> str:
        return ", ".join(f"{name}: {value:.4g}" for name, value in zip(self.names, at, strict=True))

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per end; needs the extra `frames`."""
        ends = (("lower", self.lower, self.lower_at), ("upper", self.upper, self.upper_at))
        return frame([{"end": end, "value": value, **self._columns(at)} for end, value, at in ends])

    def _columns(self, at: Floats | None) -> dict[str, float | None]:
        values = [None] * len(self.names) if at is None else at.tolist()
        return dict(zip(self.names, values, strict=True))


def harm_interval(
    success: Any,
    severity: Any,
    cost: Any = None,
    *,
    weights: DecreasingMaps | HarmWeights | None = None,
    against: Any = None,
    sample_weight: npt.ArrayLike | None = None,
    levels: Levels = COST_LEVELS,
    severity_scale: tuple[float, float] = SEVERITY_SCALE,
    scale_id: str | None = None,
) -> HarmInterval:
    """Expected harm over all maps, or all weights, that are compatible with what is known.

    With `DecreasingMaps` the harm is `sum w s f(c) a / sum w` over decreasing f with f(1) = 1: it fills
    [G(1), G(K)], G(j) the harm of the prompts of cost at most j, or less with further knowledge. With
    `HarmWeights` it is `sum w a (omega . x) / sum w` over the weights omega of components x. With `against`
    it is the ratio of two such harms on the same prompts, `success` over `against`.

    Parameters
    ----------
    success : (n,) in [0, 1].
    severity : (n,) on `severity_scale`; with `HarmWeights` (n, m) components >= 0, a frame or a dict.
    cost : (n,) levels; None with `HarmWeights`.
    weights : the set; None is `DecreasingMaps()`.
    against : (n,) success of a second model.
    sample_weight : (n,) numbers >= 0. levels, severity_scale, scale_id : as in `expected_harm`.

    `InvalidInput`: as in `expected_harm`. `Infeasible`: no map, or no weights, with these properties.
    """
    values, _ = checked_success(success, scale_id)
    other = None if against is None else checked_success(against, scale_id)[0]
    if other is not None:
        same_length(success=values, against=other)
    if isinstance(weights, HarmWeights):
        if cost is not None:
            raise InvalidInput("`cost` has no place beside `HarmWeights`; put its likelihood in a component.")
        return _over_weights(values, other, severity, weights, sample_weight)
    maps = DecreasingMaps() if weights is None else weights
    if not isinstance(maps, DecreasingMaps):
        raise InvalidInput(f"`weights` must be `DecreasingMaps` or `HarmWeights`; got {weights!r}.")
    if cost is None:
        raise InvalidInput("`cost` is missing: decreasing maps are of the cost. Give one level per prompt.")
    given: dict[str, Any] = {
        "sample_weight": sample_weight,
        "levels": levels,
        "severity_scale": severity_scale,
    }
    prompts = graded_prompts(severity, cost, len(values), **given)
    if other is None:
        return range_over_maps(level_harm(prompts, values), prompts.levels, maps)
    return ratio_over_maps(level_harm(prompts, values), level_harm(prompts, other), prompts.levels, maps)


def range_over_maps(harm: Floats, levels: tuple[str, ...], maps: DecreasingMaps) -> HarmInterval:
    """The range of `sum_c f(c) harm_c` from the harms (K,) of the levels; any signs."""
    if maps.plain:
        cumulative = np.cumsum(harm)
        ends = [_step(cumulative, int(cumulative.argmin())), _step(cumulative, int(cumulative.argmax()))]
    else:
        over = maps.polyhedron(len(harm))
        ends = [smallest(harm, over), largest(harm, over)]
    return _interval("expected harm", str(maps), levels, *ends)


def ratio_over_maps(
    first: Floats, second: Floats, levels: tuple[str, ...], maps: DecreasingMaps
) -> HarmInterval:
    """The range of the ratio of two harms from the harms >= 0 (K,) of the levels."""
    if maps.plain:
        found = ratio_range(np.cumsum(first), np.cumsum(second))
        ends = [
            _ratio_step(found.lower, found.lower_at, len(first)),
            _ratio_step(found.upper, found.upper_at, len(first)),
        ]
    else:
        over = maps.polyhedron(len(first))
        ends = [smallest_ratio(first, second, over), largest_ratio(first, second, over)]
    return _interval("ratio of expected harms", str(maps), levels, *ends)


def _step(cumulative: Floats, j: int) -> Extreme:
    return Extreme(float(cumulative[j]), float(cumulative[j]), step(j, len(cumulative)))


def _ratio_step(value: float | None, j: int | None, levels: int) -> Extreme:
    if value is None or j is None:
        return Extreme(math.nan, math.nan, None)
    return Extreme(value, value, step(j, levels))


def _over_weights(
    success: Floats, against: Floats | None, components: Any, weights: HarmWeights, sample_weight: Any
) -> HarmInterval:
    table, names = matrix_and_names(components, None, "severity", what="components")
    same_length(success=success, severity=table)
    if table.shape[1:] != (len(weights.names),):
        raise InvalidInput(
            f"`severity` has shape {table.shape}; `weights` needs one column for each of "
            f"{', '.join(weights.names)}."
        )
    named = hasattr(components, "keys") or hasattr(components, "columns")
    if named and names != weights.names:
        raise InvalidInput(f"the columns are {', '.join(names)}, the weights {', '.join(weights.names)}.")
    inside(table, (0.0, math.inf), "severity")
    shares = sample_weights(sample_weight, len(success))
    shares = shares / shares.sum()
    over, first = weights.polyhedron(), (shares * success) @ table
    if against is None:
        ends = [smallest(first, over), largest(first, over)]
        return _interval("expected harm", str(weights), weights.names, *ends)
    return _ratio_over(over, first, (shares * against) @ table, weights)


def _ratio_over(over: Polyhedron, first: Floats, second: Floats, weights: HarmWeights) -> HarmInterval:
    ends = [smallest_ratio(first, second, over), largest_ratio(first, second, over)]
    return _interval("ratio of expected harms", str(weights), weights.names, *ends)


def _interval(quantity: str, over: str, names: tuple[str, ...], low: Extreme, high: Extreme) -> HarmInterval:
    undefined = math.isnan(high.value)
    return HarmInterval(
        quantity=quantity,
        over=over,
        names=names,
        lower=None if undefined else low.value,
        upper=None if undefined else high.value,
        lower_at=low.at,
        upper_at=high.at,
        lower_bound=None if undefined else low.bound,
        upper_bound=None if undefined else high.bound,
        gap=max(low.gap, high.gap),
        status=_status(low, high),
    )


def _status(low: Extreme, high: Extreme) -> Status:
    if math.isnan(high.value):
        return Status.NO_BOUND
    if math.isinf(high.value):
        return Status.UNBOUNDED
    scale = max(abs(low.value), abs(high.value), 1e-300)
    off = max(low.gap, high.gap) > PROVEN * scale or max(low.violation, high.violation) > PROVEN
    return Status.GAP if off else Status.OPTIMAL
