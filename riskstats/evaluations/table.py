"""The outcome table: who, what prompt, how bad. One row per model, prompt, epoch, judge and dimension."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from riskstats._record_files import PathLike
from riskstats._validation import Floats, choice, quoted, unknown_columns
from riskstats.evaluations.factor import Factor, as_word
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table_checks import Unused, check
from riskstats.evaluations.table_columns import (
    COLUMNS,
    NUMBERS,
    WHOLE,
    Column,
    Places,
    checked_conditions,
    columns_of,
)
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

    from riskstats.evaluations.missingness import Missingness
    from riskstats.evaluations.table_uses import Tensor
    from riskstats.harm.comparison import HarmComparison
    from riskstats.harm.expected import HarmReport
    from riskstats.tail.models_report import ModelsReport

__all__ = ["MISSING", "Losses", "OutcomeTable"]

MISSING = ("raise", "drop", "interval")


class Losses(NamedTuple):
    """Losses of the rows that count, under the best and the worst case of what is missing.

    Attributes
    ----------
    best, worst : (n,) losses with every missing one at 0, and at 1; the same array where none is missing.
    rows : (n,) positions in the table.
    """

    best: Floats
    worst: Floats
    rows: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class OutcomeTable:
    """Outcomes of models on prompts, as columns.

    Make one with `from_frame`, `read`, `concatenated` or `read_log`; these check everything. A column is read
    as `table.loss` or `table["loss"]`, an array (n,); one that was not given has its default in every row.

    Columns
    -------
    model, prompt_id, loss : required; losses in [0, 1], 1 = harmful, NaN only where `status` says so.
    epoch, judge, dimension : repeats (1), raters (""), dimensions of harm ("").
    category : path "L1/L2"; several as "a/b; c", with shares as "a/b=0.7; c=0.3".
    group, cluster : who is affected; what depends on each other (template, scenario, event).
    severity, cost, ordinal : levels of harm, of execution, of behaviour or risk (1..K).
    weight : deployment mix, >= 0, one per prompt.
    status : ok, refused, error or ungraded; the last two have no loss.
    pair_id, twin : contrast pairs with the twins unsafe and safe; benign marks what should be answered.
    stage : nested outcomes, the implied one first. human_label : human judgement in [0, 1].
    turn, chunk : place in a dialogue or trace. scale_id, source : declared scale; tool, version, file, hash.
    and the conditions: columns that the caller names, text or numbers.

    Attributes
    ----------
    columns : what was given, by name: `Factor` for text, arrays for numbers.
    conditions : names of the columns of conditions.
    places : where the rows stand in their source, for messages.
    """

    columns: Mapping[str, Column]
    conditions: tuple[str, ...] = ()
    places: Places = field(default_factory=Places)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        for column in self.columns.values():
            array = column.codes if isinstance(column, Factor) else column
            array.flags.writeable = False

    # Making

    @classmethod
    def of(
        cls,
        given: Mapping[str, Any],
        *,
        conditions: Iterable[str] = (),
        orders: Mapping[str, Sequence[Any]] | None = None,
        places: Places | None = None,
        unused: Unused | None = None,
    ) -> OutcomeTable:
        """A checked table of columns by name: cells, arrays or one value for all rows."""
        named = checked_conditions(conditions)
        columns = columns_of(given, named, orders, places)
        table = cls(columns, named, places or Places())
        check(table, unused)
        return table

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        columns: Mapping[str, str] | None = None,
        conditions: Iterable[str] = (),
        orders: Mapping[str, Sequence[Any]] | None = None,
        scale: Scale | Mapping[str, Scale] | None = None,
    ) -> OutcomeTable:
        """A table from a frame (pandas, polars, Arrow, anything narwhals knows) or a dict of columns.

        Parameters
        ----------
        frame : a row per outcome; columns that play no part are left out.
        columns : {column of the table: column of the frame}, where it is called otherwise.
        conditions : columns of the frame that are conditions.
        orders : {"stage" or condition: levels}, the lowest first; needed for several stages.
        scale : of the scores in the column `loss`, or {dimension: scale}; None if they are losses.

        Raises
        ------
        InvalidInput : a key that appears twice, losses outside [0, 1] or missing without a status, mixed
            scales, weights that vary within a prompt, stages that are not nested, pairs without a twin.
        """
        from riskstats.evaluations.table_io import frame_table

        return frame_table(frame, columns or {}, tuple(conditions), orders, scale)

    @classmethod
    def read(
        cls,
        path: PathLike,
        *,
        columns: Mapping[str, str] | None = None,
        conditions: Iterable[str] = (),
        orders: Mapping[str, Sequence[Any]] | None = None,
        scale: Scale | Mapping[str, Scale] | None = None,
    ) -> OutcomeTable:
        """A table from CSV, TSV, JSON lines (each also `.gz`) or Parquet; arguments as in `from_frame`."""
        from riskstats.evaluations.table_io import file_table

        return file_table(path, columns or {}, tuple(conditions), orders, scale)

    @classmethod
    def concatenated(cls, tables: Iterable[OutcomeTable]) -> OutcomeTable:
        """The rows of several tables, such as one per model, checked as a whole."""
        parts = list(tables)
        if not parts:
            raise InvalidInput("`tables` is empty; at least one table is needed.")
        conditions = tuple(dict.fromkeys(name for part in parts for name in part.conditions))
        names = dict.fromkeys(name for part in parts for name in part.columns)
        columns = {name: _joined(name, [part.column(name) for part in parts]) for name in names}
        table = cls(columns, conditions, Places("the tables together"))
        check(table)
        return table

    def write(self, path: PathLike) -> None:
        """Write CSV, TSV, JSON lines (each also `.gz`) or Parquet, from which `read` makes an equal table."""
        from riskstats.evaluations.table_io import write_table

        write_table(self, path)

    # Columns

    def __len__(self) -> int:
        return len(self.columns["loss"])

    def __getitem__(self, name: str) -> np.ndarray:
        column = self.column(name)
        return column.values if isinstance(column, Factor) else column

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("_") or (name not in COLUMNS and name not in self.conditions):
            raise AttributeError(f"an outcome table has no column or attribute {name!r}")
        return self[name]

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *COLUMNS, *self.conditions})

    def __repr__(self) -> str:
        shape = f"{len(self.models)} models, {len(self.prompts)} prompts"
        return f"<OutcomeTable of {len(self):,} rows: {shape}; columns {', '.join(self.columns)}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OutcomeTable):
            return NotImplemented
        return (
            set(self.columns) == set(other.columns)
            and set(self.conditions) == set(other.conditions)
            and len(self) == len(other)
            and all(_same(self.columns[name], other.columns[name]) for name in self.columns)
        )

    __hash__ = None  # type: ignore[assignment]

    def column(self, name: str) -> Column:
        """A column as it is held: a `Factor` for text, an array for numbers."""
        if name in self.columns:
            return self.columns[name]
        if name not in COLUMNS:
            raise unknown_columns([name], [*self.columns])
        if name in NUMBERS or name in WHOLE:
            return np.full(len(self), COLUMNS[name])
        return Factor.constant(COLUMNS[name], len(self))

    def factor(self, name: str) -> Factor:
        """A column of text, or any other one as text."""
        column = self.column(name)
        return column if isinstance(column, Factor) else Factor.of(column.tolist())

    @property
    def models(self) -> tuple[str, ...]:
        """The models, in order of appearance."""
        return self.factor("model").words

    @property
    def prompts(self) -> tuple[str, ...]:
        """The ids of the prompts."""
        return self.factor("prompt_id").words

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions of harm."""
        return self.factor("dimension").words

    @property
    def judges(self) -> tuple[str, ...]:
        """The judges."""
        return self.factor("judge").words

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages, the implied one first."""
        return self.factor("stage").words

    @property
    def epochs(self) -> tuple[int, ...]:
        """The numbers of the repeats, in increasing order."""
        return tuple(np.unique(self["epoch"]).tolist())

    @property
    def partial(self) -> bool:
        """Whether a log behind the table was not finished, or not whole."""
        return any(word.endswith("(partial)") for word in self.factor("source").words)

    # Rows

    def take(self, rows: Any) -> OutcomeTable:
        """The rows of `rows`: positions or a boolean mask."""
        at = np.asarray(rows)
        at = np.flatnonzero(at) if at.dtype == bool else at
        if not len(at):
            raise InvalidInput(f"no row of {self.places.label} is left. Ask for rows that the table has.")
        columns = {
            name: column.take(at) if isinstance(column, Factor) else column[at]
            for name, column in self.columns.items()
        }
        return OutcomeTable(columns, self.conditions, self.places.take(at))

    def select(self, **wanted: Any) -> OutcomeTable:
        """The rows with these values: `select(model="m1", dimension=["bias", "toxicity"])`.

        `InvalidInput` names a value that no row has.
        """
        keep = np.ones(len(self), dtype=bool)
        for name, values in wanted.items():
            words = [as_word(v) for v in (values if isinstance(values, (list, tuple, set)) else [values])]
            factor = self.factor(name)
            absent = [word for word in words if word not in factor.words]
            if absent:
                raise InvalidInput(
                    f"no row has {name} {quoted(absent)}; there are {quoted(factor.words)}. Check "
                    "the spelling."
                )
            keep &= factor.mask(words)
        return self.take(keep)

    def assign(self, **columns: Any) -> OutcomeTable:
        """The table with more columns, or others: arrays (n,), one value, or {prompt id: value}."""
        prompts = self.factor("prompt_id")
        given: dict[str, Any] = dict(self.columns)
        for name, values in columns.items():
            if isinstance(values, Mapping):
                values = _by_prompt(values, prompts, name)
            given[name] = values
        named = (*self.conditions, *(n for n in columns if n not in COLUMNS and n not in self.conditions))
        return OutcomeTable.of(given, conditions=named, places=self.places)

    # Missing losses

    def missingness(self) -> Missingness:
        """Counts by status, per model and per judge, and a warning where models lack different shares."""
        from riskstats.evaluations.missingness import missingness

        return missingness(self)

    def losses(self, missing: str = "raise") -> Losses:
        """The losses with what is missing refused, dropped, or put at both ends.

        `missing` is "raise" (`InvalidInput` with the counts by status), "drop", or "interval": every missing
        loss at 0 in `best` and at 1 in `worst`.
        """
        choice(missing, MISSING, "missing")
        loss, rows = self["loss"], np.arange(len(self))
        absent = np.isnan(loss)
        if not absent.any():
            return Losses(loss, loss, rows)
        if missing == "raise":
            raise InvalidInput(
                f"{int(absent.sum())} of {len(self)} losses are missing "
                f"({self.missingness().counted()}). Pass "
                "`missing='drop'`, or 'interval' for the results at all best and all worst."
            )
        if missing == "drop":
            known = loss[~absent]
            return Losses(known, known, rows[~absent])
        return Losses(np.where(absent, 0.0, loss), np.where(absent, 1.0, loss), rows)

    def imputations(self, missing: str = "raise") -> dict[str, OutcomeTable]:
        """The complete tables to compute on: {"all": table}, or {"best": ..., "worst": ...}."""
        found = self.losses(missing)
        if found.best is found.worst:
            return {"all": self if len(found.rows) == len(self) else self.take(found.rows)}
        return {"best": self._imputed(found.best), "worst": self._imputed(found.worst)}

    def _imputed(self, loss: Floats) -> OutcomeTable:
        columns = {name: column for name, column in self.columns.items() if name != "status"}
        return OutcomeTable({**columns, "loss": loss}, self.conditions, self.places)

    # Uses

    def to_tensor(self) -> Tensor:
        """(models, prompts, dimensions, epochs, judges) losses and a mask of those that are there."""
        from riskstats.evaluations.table_uses import to_tensor

        return to_tensor(self)

    def unit_losses(self, *, reduce: str | None = None, missing: str = "raise") -> dict[str, Floats]:
        """{model: (n,) losses} on the `common_prompts` and in their order, ready for `certify`.

        reduce : "mean" or "max" of several rows of a model on a prompt (epochs, judges); None refuses them.
            Several dimensions or stages are never mixed: `select` one.
        missing : "raise", or "drop" the prompts on which a model lacks a loss.
        """
        from riskstats.evaluations.table_uses import unit_losses

        return unit_losses(self, reduce, missing)

    def common_prompts(self, *, missing: str = "raise") -> tuple[str, ...]:
        """The (n,) prompts that `unit_losses` is on, in its order: those with losses of every model.

        `missing` is "raise", or "drop" the prompts on which a model lacks a loss.
        """
        from riskstats.evaluations.table_uses import common_prompts

        return common_prompts(self, missing)

    def profile(self, **options: Any) -> ModelsReport:
        """`riskstats.tail.profile_models` of the table: the tail of the union of its dimensions."""
        from riskstats.evaluations.table_uses import profile

        return profile(self, **options)

    def expected_harm(self, *, cost_map: Any, model: str | None = None, **options: Any) -> HarmReport:
        """`riskstats.harm.expected_harm` of one model: losses as success, with severity, cost and weight."""
        from riskstats.evaluations.table_uses import expected_harm_of

        return expected_harm_of(self, cost_map, model, options)

    def compare_harm(
        self, *, cost_map: Any, reduce: str | None = None, missing: str = "raise", **options: Any
    ) -> HarmComparison:
        """`riskstats.harm.compare_harm` of the models on their `common_prompts`.

        Losses are those of `unit_losses`; severity, cost, weight and cluster those of the prompts.
        """
        from riskstats.evaluations.table_uses import compare_harm_of

        return compare_harm_of(self, cost_map, reduce, missing, options)

    def to_dict(self) -> dict[str, np.ndarray]:
        """The columns by name as arrays (n,)."""
        return {name: self[name] for name in self.columns}

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with a row per outcome; `Unavailable` where pandas is not installed."""
        from riskstats.results import frame

        return frame(self.to_dict())  # type: ignore[arg-type]


def _joined(name: str, parts: Sequence[Column]) -> Column:
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)  # type: ignore[arg-type]
    factors = [part if isinstance(part, Factor) else Factor.of(part.tolist()) for part in parts]
    return Factor.concatenated(factors, name)


def _same(one: Column, other: Column) -> bool:
    if isinstance(one, Factor) and isinstance(other, Factor):
        ordered = one.ordered == other.ordered and (not one.ordered or one.words == other.words)
        return ordered and bool(np.array_equal(one.values, other.values))
    if isinstance(one, Factor) or isinstance(other, Factor):
        return False
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


def _by_prompt(values: Mapping[Any, Any], prompts: Factor, name: str) -> list[Any]:
    known = {as_word(prompt): value for prompt, value in values.items()}
    absent = [word for word in prompts.words if word not in known]
    if absent:
        raise InvalidInput(f"`{name}` lacks {len(absent)} prompts, first {absent[0]!r}. Give each a value.")
    per_word = [known[word] for word in prompts.words]
    return [per_word[code] for code in prompts.codes.tolist()]
