"""Linear probes on supplied hidden states, with control tasks under the same rule.

A probe that reads a target from hidden states may read it because it is there, or because it can learn any
answers for these rows. So the same probe, with its penalty chosen by the same rule, is fitted to control
tasks with the same values, and the target counts by how far it exceeds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riskstats._jit import one_blas_thread, resolve_device
from riskstats._random import RandomState, generator
from riskstats._validation import (
    Floats,
    Integers,
    as_table,
    finite_vector,
    positive_number,
    quoted,
    whole_number,
)
from riskstats._validation import confidence_level as checked_confidence
from riskstats.exceptions import InvalidInput
from riskstats.harm.probe_controls import control_orders, control_word
from riskstats.harm.probe_kernels import (
    factors,
    left_out_errors,
    mean_errors,
    penalty_path,
    ridge_scores,
)
from riskstats.harm.probe_logistic import balanced_weights, fold_losses
from riskstats.harm.probe_report import ProbeDifference, ProbeReport, TargetProbe, half_width
from riskstats.tail.inputs import label_codes

__all__ = ["ProbeDifference", "ProbeReport", "TargetProbe", "linear_probe", "residualised"]

_PENALTIES, _LABEL_PENALTIES, _FOLDS = 13, 5, 5


def linear_probe(
    hidden_states: Any,
    targets: Any,
    *,
    groups: Any = None,
    n_controls: int = 100,
    penalties: npt.ArrayLike | None = None,
    confidence_level: float = 0.95,
    device: str = "numpy",
    random_state: RandomState = None,
) -> ProbeReport:
    """Probe every layer for every target, and for control tasks, on rows or groups left out.

    Parameters
    ----------
    hidden_states : (n_layers, n, d), one layer (n, d), or a list of (n, d_l).
    targets : {name: (n,)}, a frame, or one (n,). Numbers are graded (ridge regression); text and booleans are
        labels (logistic regression, classes balanced by weights, one against the rest).
        For cost beyond severity pass `residualised(cost, severity)`.
    groups : (n,) labels such as prompt templates, left out whole; None leaves out rows.
    n_controls : control tasks per target, see `probe_controls`.
    penalties : ridge penalties to choose from; None is a path over the eigenvalues of each layer.
    confidence_level : of the intervals, which hold for all layers of a target together.
    device : "numpy", "cpu", "gpu" or "auto", for ridge without groups.
    random_state : of the controls and of the folds.

    Graded targets are left out one row (or group) at a time, exactly, by one eigendecomposition per layer;
    labels in 5 folds, of whole groups where given. The penalty with the best left-out score is chosen for
    each target and each control by itself, so its optimism is the same on both sides. Intervals take left-out
    losses of different rows (groups) as independent, given the fitted probes. Cost per layer: O(n^2 d + n^3)
    for the decomposition, O(n^2) for each penalty, target and control.

    `InvalidInput`: unequal rows, missing or infinite values, a constant target or layer, fewer than two
    groups or classes.
    Source: Hewitt and Liang (2019), Designing and Interpreting Probes with Control Tasks, for control tasks
    and selectivity.
    """
    states = _states(hidden_states)
    columns = _targets(targets, len(states[0]))
    blocks = _blocks(groups, len(states[0]))
    sure, chosen = checked_confidence(confidence_level), resolve_device(device)
    rng, size = generator(random_state), whole_number(n_controls, "n_controls", low=1)
    tasks = [_task(name, values, blocks, size, rng) for name, values in columns.items()]
    setting = _Setting(blocks, _folds(len(states[0]), blocks, rng), _penalties(penalties), chosen)
    with one_blas_thread():
        layers = [_layer(layer, number, tasks, setting) for number, layer in enumerate(states)]
    found = [_target(task, [layer[k] for layer in layers], blocks, sure) for k, task in enumerate(tasks)]
    return ProbeReport(
        targets=tuple(found),
        n=len(states[0]),
        n_groups=None if blocks is None else len(blocks),
        n_layers=len(states),
        n_controls=size,
        confidence_level=sure,
    )


def residualised(values: npt.ArrayLike, on: npt.ArrayLike) -> Floats:
    """`values` less their mean at each level of `on`, (n,): what the levels of `on` do not tell."""
    numbers = finite_vector(values, "values")
    codes = label_codes(on, len(numbers), "on").codes
    means = np.bincount(codes, numbers) / np.bincount(codes)
    rest = numbers - means[codes]
    if np.ptp(rest) <= 1e-12 * np.abs(numbers).max():
        raise InvalidInput("`values` are constant at every level of `on`; nothing is left to probe.")
    return np.asarray(rest)


@dataclass(frozen=True, eq=False)
class _Task:
    """A target with its controls: columns (n, (1 + controls) classes), the classes of a control together."""

    name: str
    columns: Floats
    control: str
    classes: int

    @property
    def is_label(self) -> bool:
        return self.classes > 0

    def by_task(self, scores: Floats) -> Floats:
        """Mean over classes: (p, columns) to (p, 1 + controls)."""
        return scores.reshape(len(scores), -1, max(self.classes, 1)).mean(axis=2)


class _Setting(NamedTuple):
    blocks: list[np.ndarray] | None
    folds: Integers
    penalties: Floats | None
    device: str


class _Found(NamedTuple):
    """One target in one layer: scores (1 + controls,), penalty, moves of the score by row (n,)."""

    scores: Floats
    penalty: float
    moves: Floats


def _task(
    name: str, values: np.ndarray, blocks: list[np.ndarray] | None, size: int, rng: np.random.Generator
) -> _Task:
    word = control_word(values, blocks)
    orders = np.vstack([np.arange(len(values)), control_orders(word, len(values), blocks, size, rng)])
    if values.dtype == np.float64:
        return _Task(name, values[orders].T, word, 0)
    classes, codes = np.unique(values, return_inverse=True)
    kinds = 1 if len(classes) == 2 else len(classes)
    shown = np.arange(1, 2) if kinds == 1 else np.arange(kinds)
    one_hot = (codes[orders][..., np.newaxis] == shown).astype(np.float64)
    return _Task(name, np.moveaxis(one_hot, 0, 1).reshape(len(values), -1), word, kinds)


def _layer(states: Floats, number: int, tasks: Sequence[_Task], setting: _Setting) -> list[_Found]:
    """Every task in one layer; graded ones share one pass."""
    basis, eigenvalues = factors(np.asarray(states, dtype=np.float64))
    if not eigenvalues.max() > 0:
        raise InvalidInput(f"`hidden_states` of layer {number} are the same in every row. Drop the layer.")
    graded = [task for task in tasks if not task.is_label]
    path = setting.penalties
    if path is None:
        path = penalty_path(eigenvalues, len(basis), _PENALTIES)
    table = np.empty((len(path), 0))
    if graded:
        wide = np.hstack([task.columns for task in graded])
        compiled = setting.device in ("cpu", "gpu")
        table = ridge_scores(basis, eigenvalues, wide, path, setting.blocks, compiled)
    ends = np.cumsum([0, *(task.columns.shape[1] for task in graded)])
    spans = dict(zip((task.name for task in graded), pairwise(ends.tolist()), strict=True))
    found = []
    for task in tasks:
        if task.is_label:
            found.append(_label(task, basis, eigenvalues, setting))
        else:
            own = table[:, slice(*spans[task.name])]
            found.append(_graded(task, own, basis, eigenvalues, path, setting.blocks))
    return found


def _graded(
    task: _Task,
    scores: Floats,
    basis: Floats,
    eigenvalues: Floats,
    path: Floats,
    blocks: list[np.ndarray] | None,
) -> _Found:
    penalty = float(path[scores[:, 0].argmax()])
    target = task.columns[:, :1]
    losses = left_out_errors(basis, eigenvalues, target, penalty, blocks)[:, 0] ** 2
    return _Found(scores.max(axis=0), penalty, _moves(losses, mean_errors(target, blocks)[:, 0] ** 2))


def _label(task: _Task, basis: Floats, eigenvalues: Floats, setting: _Setting) -> _Found:
    path = setting.penalties
    if path is None:
        path = penalty_path(0.25 * eigenvalues, len(basis), _LABEL_PENALTIES, 0.05)
    weights = balanced_weights(task.columns, np.ones_like(task.columns))
    losses = fold_losses(basis, eigenvalues, task.columns, setting.folds, path) * weights
    scores = task.by_task(1.0 - losses.sum(axis=1) / (np.log(2.0) * weights.sum(axis=0)))
    best = int(scores[:, 0].argmax())
    own = slice(0, task.classes)
    moves = [_moves(losses[best, :, k], np.log(2.0) * weights[:, k]) for k in range(own.start, own.stop)]
    return _Found(scores.max(axis=0), float(path[best]), np.mean(moves, axis=0))


def _moves(losses: Floats, base: Floats) -> Floats:
    """(n,) linearised moves of 1 - sum losses / sum base by each row; they sum to 0."""
    ratio = losses.sum() / base.sum()
    return np.asarray(-(losses - ratio * base) / base.sum())


def _target(
    task: _Task, layers: Sequence[_Found], blocks: list[np.ndarray] | None, confidence_level: float
) -> TargetProbe:
    scores = np.array([layer.scores for layer in layers])
    controls, own = scores[:, 1:], scores[:, 0]
    moves = np.array([layer.moves for layer in layers])
    if blocks is not None:
        moves = np.stack([moves[:, rows].sum(axis=1) for rows in blocks], axis=1)
    reach = half_width(moves, confidence_level, len(layers))
    selectivity = own - controls.mean(axis=1)
    size = 1.0 + controls.shape[1]
    return TargetProbe(
        name=task.name,
        probe="logistic" if task.is_label else "ridge",
        control=task.control,
        score=own,
        control_mean=controls.mean(axis=1),
        control_sd=controls.std(axis=1),
        lower=selectivity - reach,
        upper=selectivity + reach,
        p_value=(1.0 + (controls >= own[:, np.newaxis]).sum(axis=1)) / size,
        p_corrected=(1.0 + (controls.max(axis=0) >= own[:, np.newaxis]).sum(axis=1)) / size,
        penalty=np.array([layer.penalty for layer in layers]),
        rows=moves,
    )


# Gates


def _states(hidden_states: Any) -> list[np.ndarray]:
    """Layers (n, d) of finite numbers with the same rows."""
    given = hidden_states if isinstance(hidden_states, (list, tuple)) else np.asarray(hidden_states)
    if isinstance(given, np.ndarray):
        if given.ndim not in (2, 3):
            raise InvalidInput(
                f"`hidden_states` must be (n_layers, n, d) or (n, d); got shape {given.shape}."
            )
        given = list(given) if given.ndim == 3 else [given]
    layers = [np.asarray(layer) for layer in given]
    if not layers or any(layer.ndim != 2 or layer.size == 0 for layer in layers):
        raise InvalidInput("`hidden_states` needs at least one layer (n, d) with rows and columns.")
    for number, layer in enumerate(layers):
        if layer.dtype.kind not in "fiu" or not np.isfinite(layer).all():
            raise InvalidInput(f"`hidden_states` must be finite numbers; layer {number} is not.")
    rows = {len(layer) for layer in layers}
    if len(rows) > 1 or min(rows) < 3:
        raise InvalidInput(
            f"`hidden_states` needs the same rows, 3 or more, in every layer; got {sorted(rows)}."
        )
    return layers


def _targets(targets: Any, n: int) -> dict[str, np.ndarray]:
    """Float64 columns for graded targets, text for labels."""
    if isinstance(targets, Mapping) or hasattr(targets, "columns"):
        given = dict(targets.items()) if isinstance(targets, Mapping) else None
        if given is None:
            table = as_table(targets, name="targets")
            given = dict(zip(table.names, table.columns, strict=True))
    else:
        given = {"target": targets}
    if not given:
        raise InvalidInput("`targets` is empty; pass at least one, such as {'severity': severity}.")
    return {str(name): _column(values, str(name), n) for name, values in given.items()}


def _column(values: Any, name: str, n: int) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or len(array) != n:
        got = len(array) if array.ndim == 1 else f"shape {array.shape}"
        raise InvalidInput(
            f"`hidden_states` has {n} rows, `targets` {got} ('{name}'). Pass one value per row."
        )
    if array.dtype.kind in "iuf":
        numbers = finite_vector(array, name)
        if np.ptp(numbers) == 0.0:
            raise InvalidInput(f"target '{name}' is {numbers[0]:g} in every row; there is nothing to decode.")
        return numbers
    labels = label_codes(array, n, name)
    counts = np.bincount(labels.codes)
    if len(counts) < 2 or counts.min() < 2:
        raise InvalidInput(
            f"target '{name}' needs two classes of two rows or more; got {quoted(labels.names)}."
        )
    return np.array(labels.names)[labels.codes]


def _blocks(groups: Any, n: int) -> list[np.ndarray] | None:
    if groups is None:
        return None
    labels = label_codes(groups, n, "groups")
    if len(labels.names) < 2:
        raise InvalidInput(f"`groups` must name at least two groups; got only '{labels.names[0]}'.")
    return [np.flatnonzero(labels.codes == code) for code in range(len(labels.names))]


def _folds(n: int, blocks: list[np.ndarray] | None, rng: np.random.Generator) -> Integers:
    """(n,) folds of nearly equal size, of whole groups where there are groups."""
    if blocks is None:
        return rng.permutation(np.arange(n) % min(_FOLDS, n))
    folds, filled = np.zeros(n, dtype=np.int64), np.zeros(min(_FOLDS, len(blocks)))
    order = rng.permutation(len(blocks))
    for block in sorted(order.tolist(), key=lambda g: -len(blocks[g])):
        fold = int(filled.argmin())
        folds[blocks[block]] = fold
        filled[fold] += len(blocks[block])
    return folds


def _penalties(penalties: Any) -> Floats | None:
    if penalties is None:
        return None
    values = finite_vector(np.atleast_1d(penalties), "penalties")
    return np.array([positive_number(value, "penalties") for value in values.tolist()])
