"""What an outcome table promises: one row per key, honest missingness, one scale, nested stages, pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import quoted
from riskstats.evaluations.factor import Codes, Factor, as_word, dense, joint_codes
from riskstats.evaluations.scale import declare
from riskstats.evaluations.table_columns import STATUSES
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats.evaluations.table import OutcomeTable

__all__ = ["KEY", "Unused", "check", "codes_of"]

KEY = ("model", "prompt_id", "epoch", "judge", "dimension", "stage", "turn", "chunk")
"""What tells rows apart, with the conditions: answer, judge, dimension, stage, place in a trace."""
UNGRADED = ("error", "ungraded")
TWINS = ("", "unsafe", "safe", "benign")


Unused = Callable[[], Mapping[str, Any]]
"""The columns of the source that play no part, looked at only for a message."""


def check(table: OutcomeTable, unused: Unused | None = None) -> None:
    """`InvalidInput` where a promise is broken."""
    _check_words(table)
    _check_losses(table)
    _check_numbers(table)
    _check_scales(table)
    _check_keys(table, unused)
    _check_weights(table)
    _check_stages(table)
    _check_twins(table)


def codes_of(table: OutcomeTable, name: str) -> tuple[Codes, int]:
    """(codes of a column, number of values); one value for a column that was not given."""
    column = table.columns.get(name)
    if column is None:
        return np.zeros(len(table), dtype=np.int64), 1
    return (column.codes, len(column.words)) if isinstance(column, Factor) else dense(column)


def _error(table: OutcomeTable, row: int, message: str) -> InvalidInput:
    return InvalidInput(f"{table.places.label}, {table.places.of(row)}: {message}")


def _check_words(table: OutcomeTable) -> None:
    for name in ("model", "prompt_id"):
        blank = table.factor(name).mask([""])
        if blank.any():
            raise _error(table, int(blank.argmax()), f"column '{name}' has no name. Fill it in.")
    for name, allowed in (("status", STATUSES), ("twin", TWINS)):
        if name in table.columns:
            wrong = [word for word in table.factor(name).words if word not in allowed]
            if wrong:
                row = int(table.factor(name).mask(wrong).argmax())
                known = quoted(word for word in allowed if word)
                raise _error(table, row, f"`{name}` must be one of {known}; got {wrong[0]!r}.")
    _check_order(table)


def _check_order(table: OutcomeTable) -> None:
    stage = table.columns.get("stage")
    if isinstance(stage, Factor) and not stage.ordered and len(stage.words) > 1:
        raise InvalidInput(
            f"`stage` holds {quoted(stage.words)} and no order. Pass `orders={{'stage': [...]}}`, "
            "the stage that "
            "the others imply first: an intention comes before its completion."
        )


def _check_losses(table: OutcomeTable) -> None:
    loss = np.asarray(table.columns["loss"])
    outside = (loss < 0) | (loss > 1)
    if outside.any():
        row = int(outside.argmax())
        raise _error(
            table,
            row,
            f"`loss` must lie in [0, 1], 1 = harmful; got {loss[row]:g}. {declare(loss)}",
        )
    absent, told = np.isnan(loss), table.factor("status").mask(UNGRADED)
    silent = absent & ~told
    if silent.any():
        row = int(silent.argmax())
        raise _error(
            table,
            row,
            f"`loss` is missing in {int(silent.sum())} rows while `status` says "
            f"'{table.status[row]}'. A missing "
            "loss is not a zero loss: set `status` to 'error' or 'ungraded', or grade them.",
        )
    graded = ~absent & told
    if graded.any():
        row = int(graded.argmax())
        raise _error(
            table,
            row,
            f"`status` says '{table.status[row]}' but `loss` is {loss[row]:g}. Leave the loss "
            "empty, or say 'ok'.",
        )


def _check_numbers(table: OutcomeTable) -> None:
    limits = {"weight": (0.0, np.inf), "human_label": (0.0, 1.0), "ordinal": (1.0, np.inf)}
    for name, (low, high) in limits.items():
        if name not in table.columns:
            continue
        values = np.asarray(table.columns[name])
        wrong = (values < low) | (values > high)
        if name == "ordinal":
            wrong |= ~np.isnan(values) & (values != np.floor(values))
        if wrong.any():
            row = int(wrong.argmax())
            ends = {"weight": ">= 0", "human_label": "in [0, 1]", "ordinal": "an integer >= 1"}[name]
            raise _error(table, row, f"`{name}` must be {ends}; got {values[row]:g}.")


def _check_scales(table: OutcomeTable) -> None:
    if "scale_id" not in table.columns:
        return
    scales, dimensions = table.factor("scale_id"), table.factor("dimension")
    pairs = np.unique(dimensions.codes * len(scales.words) + scales.codes)
    found, counts = np.unique(pairs // len(scales.words), return_counts=True)
    if counts.max() > 1:
        mixed = found[counts > 1][0]
        names = [
            scales.words[pair % len(scales.words)] for pair in pairs if pair // len(scales.words) == mixed
        ]
        told = " and ".join(f"`{name}`" for name in names[:2])
        word = dimensions.words[mixed]
        raise InvalidInput(
            f"{f'dimension `{word}`' if word else 'the loss'} mixes scale_id {told}. Convert one, or use two "
            "dimensions."
        )


def _check_keys(table: OutcomeTable, unused: Unused | None) -> None:
    names = [name for name in (*KEY, *table.conditions) if name in table.columns]
    codes, size = joint_codes([codes_of(table, name) for name in names], len(table))
    n = len(table)
    counts = np.bincount(codes, minlength=1) if size <= 8 * n else None
    if (counts is not None and counts.max() <= 1) or (counts is None and len(np.unique(codes)) == n):
        return
    _, first, times = np.unique(codes, return_index=True, return_counts=True)
    row = int(first[times > 1].min())
    rows = np.flatnonzero(codes == codes[row])
    told = ", ".join(_said(table, name, row) for name in names if _said(table, name, row))
    raise InvalidInput(
        f"{table.places.label}: {len(rows)} rows share ({told}); first at {table.places.of(row)}. "
        f"{_hint({} if unused is None else unused(), rows)}"
    )


def _said(table: OutcomeTable, name: str, row: int) -> str:
    word = as_word(table[name][row])
    plain = name in ("model", "prompt_id", "dimension")
    return word if plain or not word else f"{name} {word}"


def _hint(unused: Mapping[str, Any], rows: np.ndarray) -> str:
    """What tells the rows apart in the source, if anything does."""
    for name, cells in unused.items():
        if len({str(cells[row]) for row in rows}) > 1:
            return f"Is `{name}` missing? Name it in `conditions=`, or as `epoch` or `judge` in `columns=`."
    return "Drop the copies, or number them in `epoch`."


def _check_weights(table: OutcomeTable) -> None:
    if "weight" not in table.columns:
        return
    weight, prompts = table["weight"], table.factor("prompt_id")
    first = np.zeros(len(prompts.words))
    first[prompts.codes[::-1]] = weight[::-1]
    differ = weight != first[prompts.codes]
    if differ.any():
        row = int(differ.argmax())
        raise _error(
            table,
            row,
            f"prompt '{prompts.words[prompts.codes[row]]}' has weight {weight[row]:g}, and before "
            f"{first[prompts.codes[row]]:g}. A prompt has one weight.",
        )


def _check_stages(table: OutcomeTable) -> None:
    """A later stage implies the earlier ones: its loss is never larger."""
    stage = table.columns.get("stage")
    if not isinstance(stage, Factor) or len(stage.words) < 2:
        return
    names = [name for name in (*KEY, *table.conditions) if name != "stage"]
    seen = np.flatnonzero(~np.isnan(table["loss"]))
    group = joint_codes([codes_of(table, name) for name in names], len(table))[0][seen]
    order = seen[np.lexsort((stage.codes[seen], group))]
    same = np.diff(joint_codes([codes_of(table, name) for name in names], len(table))[0][order]) == 0
    loss = table["loss"][order]
    broken = np.flatnonzero(same & (loss[1:] > loss[:-1]))
    if len(broken):
        earlier, later = order[broken[0]], order[broken[0] + 1]
        raise InvalidInput(
            f"`stage` {stage.words[stage.codes[later]]} is {table['loss'][later]:g} while "
            f"{stage.words[stage.codes[earlier]]} is {table['loss'][earlier]:g} for "
            f"{table.prompt_id[later]}. A later "
            "stage implies the earlier one: check the grades, or the order of the stages."
        )


def _check_twins(table: OutcomeTable) -> None:
    """Every pair has both twins wherever it has one."""
    if "pair_id" not in table.columns and "twin" not in table.columns:
        return
    pair, twin = table.factor("pair_id"), table.factor("twin")
    sides, named = twin.mask(["unsafe", "safe"]), ~pair.mask([""])
    alone = sides & ~named
    if alone.any():
        row = int(alone.argmax())
        raise _error(table, row, f"`twin` is '{table.twin[row]}' without a `pair_id`. Name the pair.")
    rows = np.flatnonzero(named & sides)
    names = [name for name in (*KEY, *table.conditions) if name != "prompt_id"]
    parts = [(pair.codes, len(pair.words)), *(codes_of(table, name) for name in names)]
    groups, size = dense(joint_codes(parts, len(table))[0][rows])
    unsafe = np.bincount(groups, weights=twin.mask(["unsafe"])[rows], minlength=size)
    safe = np.bincount(groups, weights=twin.mask(["safe"])[rows], minlength=size)
    single = np.flatnonzero((unsafe == 0) | (safe == 0))
    if len(single):
        row = int(rows[np.isin(groups, single).argmax()])
        other = "safe" if table.twin[row] == "unsafe" else "unsafe"
        raise _error(
            table,
            row,
            f"pair '{table.pair_id[row]}' has no {other} twin for model '{table.model[row]}' "
            f"({len(single)} such "
            "pairs). Add it, with status 'ungraded' if it has no loss, or drop the pair.",
        )
