"""The unit of a statement is what was sampled independently: the prompt or the conversation, not the answer.

Several losses of one unit become one loss before any bound sees them; n is then the number of units.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from riskstats._frames import is_missing
from riskstats._samples import loss_matrix
from riskstats._validation import Floats, Integers, choice
from riskstats.exceptions import InvalidInput

__all__ = ["Reduce", "failure_at_k", "unit_codes", "unit_losses"]

Reduce: TypeAlias = Literal["mean", "max"] | Callable[[Floats], float]

ANY_LOSS = (-math.inf, math.inf)


def unit_losses(losses: Any, unit: Any, *, reduce: Reduce = "mean") -> tuple[np.ndarray, Floats]:
    """(units, their losses): one loss per independent unit, in the order in which units first appear.

    Parameters
    ----------
    losses : (n,), or (m, n) candidates x rows, or a frame or dict with one column per candidate.
    unit : (n,) labels of what was sampled independently; paraphrases of one prompt share a label.
    reduce : "mean" answers "a random answer to a random unit", "max" "the worst answer to a random unit";
        or a function from the losses (k,) of one unit to a number.

    Returns
    -------
    units : (u,) labels. losses : (u,) or (m, u).

    `InvalidInput`: NaN, missing labels, a number of labels that differs from that of losses.
    """
    if hasattr(losses, "reset_index"):
        losses = losses.reset_index(drop=True)
    matrix, _, names = loss_matrix(losses, ANY_LOSS)
    units, codes = unit_codes(unit, matrix.shape[1])
    reduced = _reduced(matrix, codes, len(units), reduce)
    single = names is None and np.ndim(losses) == 1
    return units, reduced[0] if single else reduced


def unit_codes(unit: Any, n: int, name: str = "unit") -> tuple[np.ndarray, Integers]:
    """(labels in the order of their first appearance, (n,) which of them each row has)."""
    labels = np.asarray(unit)
    if labels.ndim != 1 or len(labels) != n:
        raise InvalidInput(f"`{name}` must be one label per loss, {n} of them; got shape {labels.shape}.")
    absent = [row for row, label in enumerate(labels.tolist()) if is_missing(label)]
    if absent:
        raise InvalidInput(
            f"`{name}` has {len(absent)} missing labels, first at {absent[0]}. Name every unit."
        )
    try:
        values, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    except TypeError:
        raise InvalidInput(f"`{name}` mixes types that have no order. Make every label text.") from None
    appearance = np.argsort(first)
    rank = np.empty(len(first), dtype=np.int64)
    rank[appearance] = np.arange(len(first))
    return values[appearance], rank[codes]


def _reduced(matrix: Floats, codes: Integers, count: int, reduce: Reduce) -> Floats:
    """(m, count) one number per unit of losses (m, n)."""
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes, minlength=count)
    starts = np.cumsum(sizes) - sizes
    grouped = matrix[:, order]
    if callable(reduce):
        return _by_function(grouped, starts, sizes, reduce)
    highest = np.maximum.reduceat(grouped, starts, axis=1)
    if choice(reduce, ("mean", "max"), "reduce") == "max":
        return highest
    mean = np.add.reduceat(grouped, starts, axis=1) / sizes
    return np.clip(mean, np.minimum.reduceat(grouped, starts, axis=1), highest)  # rounding stays in the range


def _by_function(
    grouped: Floats, starts: Integers, sizes: Integers, reduce: Callable[[Floats], float]
) -> Floats:
    parts = [slice(start, start + size) for start, size in zip(starts, sizes, strict=True)]
    values = [[np.asarray(reduce(row[part])) for part in parts] for row in grouped]
    wrong = next((value for row in values for value in row if value.shape or not np.isfinite(value)), None)
    if wrong is not None:
        raise InvalidInput(f"`reduce` must return one finite number per unit; got {wrong!r}.")
    return np.array(values, dtype=np.float64)


def failure_at_k(n_samples: npt.ArrayLike, n_correct: npt.ArrayLike, k: npt.ArrayLike) -> float | Floats:
    """Probability that k answers, drawn without repetition from N of which c are correct, are all wrong.

    `C(N - c, k) / C(N, k)`, 1 minus "pass at k". Unbiased for `(1 - p)^k` when answers are independent with
    probability p of being correct. Exact integers, rounded once; elementwise.

    n_samples : N >= 1. n_correct : 0 <= c <= N. k : 1 <= k <= N.
    Source: Chen et al. (2021), Evaluating large language models trained on code.
    """
    counts = [_counts(value, name) for value, name in
              ((n_samples, "n_samples"), (n_correct, "n_correct"), (k, "k"))]  # fmt: skip
    try:
        samples, correct, draws = np.broadcast_arrays(*counts)
    except ValueError as error:
        raise InvalidInput(f"`n_samples`, `n_correct` and `k` differ in shape; {error}.") from None
    _check_counts(samples, correct, draws)
    triples, place = np.unique(
        np.stack([samples.ravel(), correct.ravel(), draws.ravel()]), axis=1, return_inverse=True
    )
    values = np.array([_all_wrong(*triple) for triple in triples.T.tolist()])
    result = values[place.reshape(-1)].reshape(samples.shape)
    return float(result) if result.ndim == 0 else result


def _all_wrong(samples: int, correct: int, draws: int) -> float:
    """By `C(N - c, k) / C(N, k) = C(N - k, c) / C(N, c)`, the shorter of the two products."""
    few, many = min(correct, draws), max(correct, draws)
    return math.comb(samples - many, few) / math.comb(samples, few)


def _counts(value: npt.ArrayLike, name: str) -> Integers:
    array = np.asarray(value)
    if array.dtype.kind == "f" and (array == np.floor(array)).all() and np.isfinite(array).all():
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu" or array.size == 0:
        raise InvalidInput(f"`{name}` must be whole numbers; got {value!r}.")
    return array.astype(np.int64)


def _check_counts(samples: Integers, correct: Integers, draws: Integers) -> None:
    if (samples < 1).any():
        raise InvalidInput(f"`n_samples` must be >= 1; got {samples.min()}.")
    if (bad := (correct < 0) | (correct > samples)).any():
        where = int(bad.argmax())
        raise InvalidInput(
            f"`n_correct` must lie in 0..n_samples; got {correct.flat[where]} of {samples.flat[where]}."
        )
    if (bad := (draws < 1) | (draws > samples)).any():
        where = int(bad.argmax())
        raise InvalidInput(
            f"`k` must lie in 1..n_samples; got {draws.flat[where]} with {samples.flat[where]} samples. "
            "More draws than samples have no unbiased estimate."
        )
