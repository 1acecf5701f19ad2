"""From a file to a set of near-optimal models and the rows it is asked, for `riskstats multiplicity`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._frames import quoted
from riskstats._tables import read_table, stream_tables
from riskstats._validation import Table, sample_weights
from riskstats.cli._losses import name_list
from riskstats.cli.fit import column_list, pool_beside
from riskstats.datasets import Dataset, dataset_from, label_text
from riskstats.exceptions import InvalidInput
from riskstats.multiplicity.estimator import RashomonSet

if TYPE_CHECKING:
    from riskstats.scores.pool_result import CardPool

__all__ = ["Asked", "asked_set"]

MISSING = "(missing)"


@dataclass(frozen=True, eq=False)
class Asked:
    """A fitted set, the rows it is asked about, and how to speak of them.

    Attributes
    ----------
    found : the set. rows : as its questions take them.
    about : one line: the models and what their probability is of.
    classes : (negative, positive), in words.
    columns : names of the coefficients without the intercept; empty for a pool.
    groups, ids : labels of the rows by column, and the columns that only name them.
    weights : of the rows in shares and means, or None.
    """

    found: RashomonSet
    rows: Any
    about: str
    classes: tuple[str, str]
    columns: tuple[str, ...] = ()
    groups: dict[str, list[str]] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)
    weights: np.ndarray | None = None


def asked_set(args: argparse.Namespace) -> Asked:
    """The set that the options describe: a pool of cards, or models of the table at hand."""
    if args.card is not None or args.pool is not None:
        return _of_cards(args)
    if args.target is None:
        raise InvalidInput(
            "nothing says which models are meant. Pass --target COLUMN for models of this table, or --card "
            "card.json for the pool that `riskstats fit --pool` wrote beside a card."
        )
    return _of_table(args)


# Models of the table


def _of_table(args: argparse.Namespace) -> Asked:
    table = read_table(args.data)
    labels = _label_columns(args)
    data = _dataset(args, table, labels)
    rows = _numbers(data.X, args.data)
    found = RashomonSet(
        _estimator(args),
        epsilon=0.01 if args.epsilon is None else args.epsilon,
        epsilon_kind=args.epsilon_kind or "relative",
        refits=_refits(args),
        random_state=args.seed or 0,
    )
    found.fit(rows, data.y, sample_weight=data.sample_weight)
    return Asked(
        found,
        rows,
        about=f"{_described(args, len(data.X.names))}; probability of {data.outcome}",
        classes=(label_text(data.classes[0]), label_text(data.classes[1])),
        columns=data.X.names,
        groups=_groups(table, args),
        ids=_ids(table, args),
        weights=data.sample_weight,
    )


def _dataset(args: argparse.Namespace, table: Table, labels: Sequence[str]) -> Dataset:
    """Features, outcome and weights; columns of labels are features only where --features names them."""
    features = None if args.features is None else column_list(args.features, table)
    drop = column_list(args.drop or (), table)
    if features is None:
        drop = [*drop, *(name for name in labels if name not in (args.target, args.weight))]
    return dataset_from(
        table,
        target=args.target,
        positive=args.positive,
        features=features,
        drop=drop,
        weight=args.weight,
    )


def _numbers(table: Table, source: str) -> np.ndarray:
    """(n, columns) finite numbers; `InvalidInput` names the columns of text and those with gaps."""
    text = [name for name, column in zip(table.names, table.columns, strict=True) if column.dtype == object]
    if text:
        raise InvalidInput(
            f"{source}: text in {_columns(text)}, and these models take numbers. Name them in --drop or "
            "--group, or write a column of 0 and 1 for each word. A pool of cards takes text as it is: "
            "riskstats fit --pool."
        )
    gaps = {
        name: int(np.isnan(column).sum())
        for name, column in zip(table.names, table.columns, strict=True)
        if np.isnan(column).any()
    }
    if gaps:
        row = int(min(np.isnan(table.column(name)).argmax() for name in gaps))
        raise InvalidInput(
            f"{source}: {sum(gaps.values())} missing values in {_columns(list(gaps))}, first in row {row} "
            "(rows count from 0). Fill them in, leave the columns out with --drop, or use a pool of cards, "
            "which has bins for them: riskstats fit --pool."
        )
    return table.values()


def _columns(names: Sequence[str]) -> str:
    return f"column{'' if len(names) == 1 else 's'} {quoted(names)}"


def _estimator(args: argparse.Namespace) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = LogisticRegression(C=_inverse(args), max_iter=1000)
    return make_pipeline(StandardScaler(), model) if args.standardize else model


def _inverse(args: argparse.Namespace) -> float:
    return 1.0 if args.C is None else args.C


def _refits(args: argparse.Namespace) -> Any:
    if args.refits is None:
        return None
    from riskstats.multiplicity.refits import Refits

    return Refits(args.refits)


def _described(args: argparse.Namespace, columns: int) -> str:
    penalty = "no penalty" if np.isinf(_inverse(args)) else f"C = {_inverse(args):g}"
    scaled = ", standardized" if args.standardize else ""
    return f"Logistic regression on {columns} column{'' if columns == 1 else 's'}{scaled}, {penalty}"


# Labels of the rows


def _label_columns(args: argparse.Namespace) -> list[str]:
    """The columns that say something about the rows, each once."""
    return list(dict.fromkeys([*(name_list(args.group) or ()), *([args.id] if args.id else ())]))


def _groups(table: Table, args: argparse.Namespace) -> dict[str, list[str]]:
    return {name: _words(table.column(name)) for name in name_list(args.group) or ()}


def _ids(table: Table, args: argparse.Namespace) -> dict[str, list[str]]:
    return {args.id: _words(table.column(args.id))} if args.id else {}


def _words(column: np.ndarray) -> list[str]:
    """Labels as text, whole numbers without a decimal point; what is missing has a label of its own."""
    return [MISSING if value is None or value != value else label_text(value) for value in column.tolist()]


# A pool of cards


_OF_MODELS = ("target", "positive", "features", "drop", "C", "standardize", "refits", "seed")


def _of_cards(args: argparse.Namespace) -> Asked:
    for option in _OF_MODELS:
        if getattr(args, option) not in (None, False):
            raise InvalidInput(
                f"--{option} is about models of the table, and --{'pool' if args.pool else 'card'} names "
                "finished ones. Leave one of them out."
            )
    pool = _pool(args)
    proven = "proven to be all" if pool.complete else "others may exist"
    about = f"{len(pool)} card{'' if len(pool) == 1 else 's'}, {proven}; risk of {pool.outcome}"
    if args.card is not None:
        about += f"; {_place(args.card, pool)}"
    found = RashomonSet.of_pool(pool, epsilon=args.epsilon, epsilon_kind=args.epsilon_kind)
    table = _read(args, pool)
    weights = None if args.weight is None else table.column(args.weight)
    return Asked(
        found,
        _by_position(table, pool),
        about=about,
        classes=(label_text(pool.classes[0]), label_text(pool.classes[1])),
        groups=_groups(table, args),
        ids=_ids(table, args),
        weights=None if weights is None else sample_weights(weights, table.n_rows, name=args.weight),
    )


def _pool(args: argparse.Namespace) -> CardPool:
    from riskstats.scores.pool_result import CardPool

    path = args.pool or pool_beside(args.card)
    if path is None or (args.pool is None and not Path(path).is_file()):
        raise InvalidInput(
            f"there is no pool '{path}' beside {args.card}. Name it with --pool, or make it with "
            "riskstats fit --pool EPSILON -o card.json."
        )
    return CardPool.load(path)


def _place(path: str, pool: CardPool) -> str:
    """Where the card of a file is in the pool, in words."""
    from riskstats.scores.scorecard import ScoreCard

    card = ScoreCard.load(path)
    alike = (pool.intercepts == card.intercept) & np.isclose(pool.multipliers, card.multiplier, rtol=1e-9)
    for place in np.flatnonzero(alike).tolist():
        if dict(pool[place].lines) == dict(card.lines):
            return f"{path} is the best of them" if place == 0 else f"{path} is number {place + 1} by loss"
    raise InvalidInput(
        f"the card {path} is not in the pool: they come from two fits. Pass the pool that "
        "riskstats fit --pool wrote beside the card."
    )


def _read(args: argparse.Namespace, pool: CardPool) -> Table:
    """The columns that some card reads, as in training, and those of labels and weights."""
    used = {
        pool.coding.rules[feature].column for feature in np.flatnonzero((pool.coefficients != 0).any(axis=0))
    }
    kinds = {column.column: column.kind for column in pool.coding.columns if column.column in used}
    numeric = [name for name, kind in kinds.items() if kind == "numeric"]
    text = [name for name, kind in kinds.items() if kind != "numeric"]
    if args.weight is not None and args.weight not in kinds:
        numeric.append(args.weight)
    text += [name for name in _label_columns(args) if name not in (*numeric, *text)]
    chunks = [chunk.table for chunk in stream_tables(args.data, numeric=numeric, text=text)]
    names = chunks[0].names
    return Table(names, tuple(np.concatenate([chunk.column(name) for chunk in chunks]) for name in names))


def _by_position(table: Table, pool: CardPool) -> np.ndarray:
    """(n, columns of training) cells; columns that no card reads stay empty."""
    rows = np.full((table.n_rows, len(pool.input_names)), None, dtype=object)
    for place, name in enumerate(pool.input_names):
        if name in table:
            rows[:, place] = table.column(name)
    return rows
