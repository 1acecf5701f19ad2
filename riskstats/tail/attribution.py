"""What a tail is made of: Euler components of an additive loss, Shapley values of a union, ranges at ties.

For a total `L = sum_k l_k` and the tail weights q, `C_k = E_q l_k` and `sum_k C_k = CVaR(L)`, ties included.
The same q attributes the tail to prompts, categories and groups. At a tie CVaR has a kink, and every way of
sharing the tied mass is as good as another: the range of each component is the smallest and largest over all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, Integers, choice, sample_weights
from riskstats._validation import level as checked_level
from riskstats.distribution import TIE
from riskstats.exceptions import InvalidInput
from riskstats.tail.inputs import Labels, inside, labelled, matrix_and_names
from riskstats.tail.provenance import provenance
from riskstats.tail.result import Contributions, TailAttribution
from riskstats.tail.union import log_terms, shapley, union
from riskstats.tail.weights import TailWeights, weigh

__all__ = ["attribute", "by_label", "by_prompt", "components", "row_ids", "tail_attribution", "tie_range"]


def tail_attribution(
    losses: Any,
    level: float,
    *,
    total: Literal["sum", "union"] = "sum",
    dimensions: Sequence[Any] | None = None,
    by: Any = None,
    prompts: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
) -> TailAttribution:
    """Attribute CVaR of a total loss to its dimensions, and to labels of the rows.

    Parameters
    ----------
    losses : (n, K), the loss of each row in each dimension, or (n,); a frame names the dimensions.
    level : share not in the tail, in [0, 1).
    total : "sum" adds the dimensions (Euler components); "union" takes scores in [0, 1] as probabilities of
        independent failures, with total `1 - prod (1 - r_k)` (Shapley value per row, averaged over the tail).
    dimensions : K names.
    by : labels of the rows (n,), or {what they say: labels}, such as {"category": ..., "group": ...}.
    prompts : (n,) ids, to list the rows of the tail; None numbers them from 0.
    sample_weight : (n,) numbers >= 0; None is one each.

    Every part sums to CVaR of the total. `InvalidInput`: empty, NaN or infinite losses, scores of a union
    outside [0, 1], labels that are missing or do not match.
    Source: Tasche (1999), Risk contributions and performance measurement, for the Euler components.
    """
    choice(total, ("sum", "union"), "total")
    array, names = matrix_and_names(losses, dimensions, "losses")
    if array.ndim != 2:
        raise InvalidInput(f"`losses` must have shape (n,) or (n, K); got {array.shape}.")
    if total == "union":
        inside(array, (0.0, 1.0), "losses")
    weights = sample_weights(sample_weight, len(array))
    labels = labelled(by, len(array), "by", "label")
    ids = row_ids(prompts, len(array))
    sums = union(log_terms(array)) if total == "union" else _row_sums(array)
    tail = weigh(sums, weights, checked_level(level))
    origin = provenance(array, sample_weight, by, level=tail.level, side="lower")
    method = "shapley" if total == "union" else "euler"
    return attribute(array, sums, tail, method, names, labels, ids, origin)


def _row_sums(array: Floats) -> Floats:
    with np.errstate(over="ignore"):
        sums = array.sum(axis=1)
    if not np.isfinite(sums).all():
        raise InvalidInput("`losses` add up beyond the largest float. Rescale them.")
    return sums if array.shape[1] == 1 or array.min() >= 0 else _snapped(sums, np.abs(array).sum(axis=1))


def _snapped(sums: Floats, sizes: Floats) -> Floats:
    """Sums of terms of both signs, equal where they differ by no more than their terms were rounded.

    sizes : (n,) sums of the absolute terms.
    """
    order = np.argsort(sums, kind="stable")
    ranked, size = sums[order], sizes[order]
    last = np.append(np.diff(ranked) > TIE * np.maximum(size[1:], size[:-1]), True)
    ends = np.flatnonzero(last)
    snapped = np.empty_like(sums)
    snapped[order] = ranked[ends[np.searchsorted(ends, np.arange(len(sums)))]]
    return snapped


def row_ids(prompts: Any, n: int) -> npt.NDArray[Any]:
    """One id for each of n rows; None numbers them from 0."""
    ids = np.arange(n) if prompts is None else np.asarray(prompts)
    if ids.shape != (n,):
        raise InvalidInput(f"`prompts` must be one id for each of {n} rows; got shape {ids.shape}.")
    return ids


def attribute(
    array: Floats,
    sums: Floats,
    tail: TailWeights,
    method: str,
    names: tuple[str, ...],
    labels: Mapping[str, Labels],
    ids: npt.NDArray[Any],
    origin: Any,
) -> TailAttribution:
    """The attribution of the tail of `sums` (n,) to the columns of `array` (n, K), to labels and to rows."""
    parts = shapley(array) if method == "shapley" else array
    return TailAttribution(
        method=method,
        total=tail.cvar,
        level=tail.level,
        value_at_risk=tail.value_at_risk,
        n=tail.n,
        n_tail=tail.n_tail,
        tied_share=tail.tied_share,
        parts=(
            components(parts, tail, names),
            *(by_label(sums, parts, tail, each, what, names) for what, each in labels.items()),
            by_prompt(sums, tail, ids),
        ),
        provenance=origin,
    )


# Kernels


def components(parts: Floats, tail: TailWeights, names: tuple[str, ...]) -> Contributions:
    """`E_q parts_k` of every column of (n, K), with its range over the ways of sharing the tie."""
    lower, upper = tie_range(parts, tail)
    values = tail.weights @ parts
    return Contributions("dimension", names, values, np.minimum(lower, values), np.maximum(upper, values))


def tie_range(parts: Floats, tail: TailWeights) -> tuple[Floats, Floats]:
    """(lowest, highest) `E_q parts_k` over all allocations of the tied mass; parts (n, K) -> (K,), (K,).

    The tied atom, of mass `P(X = v)`, gives the tail `t - P(X > v)`: filled from its smallest parts, or from
    its largest. Each column has its own best allocation, so the ends do not sum to CVaR.
    """
    tied = tail.at_quantile
    above = np.where(tied, 0.0, tail.weights) @ parts
    order = np.argsort(parts[tied], axis=0)
    values = np.take_along_axis(parts[tied], order, axis=0)
    mass = tail.probabilities[tied][order]
    room = tail.tied_share * tail.mass
    ends = (_filled(values, mass, room), _filled(values[::-1], mass[::-1], room))
    return above + ends[0] / tail.mass, above + ends[1] / tail.mass


def _filled(values: Floats, mass: Floats, room: float) -> Floats:
    """(K,) `sum mass values` of the first rows of (m, K) whose mass makes up `room`."""
    before = np.cumsum(mass, axis=0) - mass
    return (np.clip(room - before, 0.0, mass) * values).sum(axis=0)


def by_label(
    sums: Floats, parts: Floats, tail: TailWeights, labels: Labels, what: str, dimensions: tuple[str, ...]
) -> Contributions:
    """The part of the tail of `sums` (n,) that carries each label, also by dimension."""
    codes, size = labels.codes, len(labels.names)
    cells = (tail.weights[:, np.newaxis] * parts).T
    table = np.column_stack([_sums(codes, cell, size) for cell in cells])
    lower, upper = _label_range(sums, tail, labels)
    values = _sums(codes, tail.weights * sums, size)
    return Contributions(
        by=what,
        names=labels.names,
        values=values,
        lower=np.minimum(lower, values),
        upper=np.maximum(upper, values),
        mass=_sums(codes, tail.probabilities, size),
        tail_mass=_sums(codes, tail.weights, size),
        dimensions=dimensions,
        by_dimension=table,
    )


def _label_range(sums: Floats, tail: TailWeights, labels: Labels) -> tuple[Floats, Floats]:
    """(lowest, highest) contribution of each label: its rows at the tie come last, or first."""
    codes, size, tied = labels.codes, len(labels.names), tail.at_quantile
    above = _sums(codes, np.where(tied, 0.0, tail.weights) * sums, size)
    own = _sums(codes[tied], tail.probabilities[tied], size)
    room = tail.tied_share * tail.mass
    least = np.maximum(room - (own.sum() - own), 0.0)
    most = np.minimum(own, room)
    ends = tail.value_at_risk / tail.mass * np.array([least, most])
    return above + ends.min(axis=0), above + ends.max(axis=0)


def by_prompt(sums: Floats, tail: TailWeights, ids: npt.NDArray[Any]) -> Contributions:
    """The rows that can be in the tail with a loss that is not 0, the largest contribution first."""
    rows = np.flatnonzero(((tail.weights > 0) | tail.at_quantile & (tail.tied_share > 0)) & (sums != 0))
    lower, upper = _row_range(sums, tail, rows)
    values = tail.weights[rows] * sums[rows]
    order = np.argsort(-values, kind="stable")
    return Contributions(
        by="prompt",
        names=tuple(map(str, ids[rows][order].tolist())),
        values=values[order],
        lower=np.minimum(lower, values)[order],
        upper=np.maximum(upper, values)[order],
        mass=tail.probabilities[rows][order],
        tail_mass=tail.weights[rows][order],
    )


def _row_range(sums: Floats, tail: TailWeights, rows: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """(lowest, highest) contribution of single rows."""
    p, tied = tail.probabilities[rows], tail.at_quantile[rows]
    room = tail.tied_share * tail.mass
    least = np.where(
        tied, np.maximum(room - (tail.mass_at_quantile - p), 0.0) / tail.mass, tail.weights[rows]
    )
    most = np.where(tied, np.minimum(p, room) / tail.mass, tail.weights[rows])
    ends = np.array([least, most]) * sums[rows]
    return ends.min(axis=0), ends.max(axis=0)


def _sums(codes: Integers, values: Floats, size: int) -> Floats:
    """(size,) the sum of the values of each code."""
    return np.bincount(codes, values, size).astype(np.float64, copy=False)
