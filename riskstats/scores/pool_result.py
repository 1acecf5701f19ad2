"""The pool of a fitted card: every card nearly as good, and whether that is proven to be all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats import losses
from riskstats._validation import Table
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, frame, plain
from riskstats.scores._types import FloatArray, IntArray
from riskstats.scores.card_rows import used_table
from riskstats.scores.coding import Coding
from riskstats.scores.pool import FoundPool, Pool, PoolStatus
from riskstats.scores.pool_groups import equal_predictions
from riskstats.scores.scorecard import Label, ScoreCard

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd

__all__ = ["CardPool"]

_ARRAYS = {
    "coefficients": np.int64,
    "intercepts": np.int64,
    "multipliers": np.float64,
    "losses": np.float64,
    "group": np.int64,
}
_SHOWN = 5
_CHUNK = 1 << 22


@dataclass(frozen=True, eq=False)
class CardPool(Result):
    """Every card whose objective is within epsilon of the best one, best first.

    The objective is what `fit` minimises: mean logistic loss, weights included, + penalty x number of
    features. A card is a vector of whole numbers, at its own best multiplier where that is free. Equal
    objectives (to 1e-12) come in the order: fewer features, smaller points, columns.

    Attributes
    ----------
    coefficients : (cards, features) points, int64. intercepts : (cards,) int64. multipliers : (cards,).
    losses : (cards,) objective of each card, in nats.
    group : (cards,) number of the group of each card; the cards of a group give all training rows the same
        risks.
    loss_limit : objective up to which cards belong to the pool: (1 + epsilon) x `best_loss`, or `best_loss` +
        epsilon, + an allowance for rounding (1e-9 nats, more on very large data), so that rounding loses no
        card.
    best_loss : least objective in the pool; where the pool is complete, of all cards of the problem. After a
        fit that stopped early it may be below the objective of the fitted card.
    epsilon, epsilon_kind : as asked for.
    status : "COMPLETE": every card of the problem with an objective up to `loss_limit` is here. "MAX_CARDS":
        there are more, these are the best of them. "TIME_LIMIT": the search was stopped, others may exist.
    proven_limit : every card of smaller objective is here; `loss_limit` if complete.
    coding, input_names, named : from columns to features, as in training.
    outcome, classes : what the risk is about, and the (negative, positive) class.
    problem : ranges of intercept and points, limit on features, penalty and range of multipliers: the cards
        that were looked for. An intercept range "auto" stands for every integer: the range given here holds
        all intercepts that a card of the pool can have.
    data_hash : SHA-256 of the compressed training data (`scores.compression.data_hash`).
    nodes, seconds : size and time of the search.
    """

    coefficients: IntArray
    intercepts: IntArray
    multipliers: FloatArray
    losses: FloatArray
    group: IntArray
    loss_limit: float
    best_loss: float
    epsilon: float
    epsilon_kind: str
    status: PoolStatus
    proven_limit: float
    coding: Coding
    outcome: str
    classes: tuple[Label, Label]
    input_names: tuple[str, ...]
    named: bool
    problem: dict[str, Any] = field(default_factory=dict)
    data_hash: str = ""
    nodes: int = 0
    seconds: float = 0.0
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in _ARRAYS.items():
            array = _array(getattr(self, name), name, kind)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "status", PoolStatus(self.status))
        object.__setattr__(self, "classes", tuple(self.classes))
        object.__setattr__(self, "input_names", tuple(self.input_names))
        _check(self)

    @classmethod
    def of(
        cls,
        found: FoundPool,
        request: Pool,
        *,
        coding: Coding,
        outcome: str,
        classes: tuple[Label, Label],
        input_names: tuple[str, ...],
        named: bool,
        statement: Mapping[str, Any],
        provenance: Mapping[str, Any],
    ) -> CardPool:
        """Return what a search found as cards of a coding; `statement` goes with the problem."""
        return cls(
            coefficients=found.coefficients[:, 1:],
            intercepts=found.coefficients[:, 0],
            multipliers=1.0 / found.scales,
            losses=found.objectives,
            group=equal_predictions(found.problem.design, found.coefficients, found.scales),
            loss_limit=found.limit,
            best_loss=found.best,
            epsilon=float(request.epsilon),
            epsilon_kind=request.epsilon_kind,
            status=found.status,
            proven_limit=found.proven_limit,
            coding=coding,
            outcome=outcome,
            classes=classes,
            input_names=input_names,
            named=named,
            problem={**found.problem.to_dict(), **statement},
            data_hash=str(statement.get("data_hash", "")),
            nodes=found.nodes,
            seconds=found.seconds,
            provenance=plain(provenance),
        )

    def __len__(self) -> int:
        return len(self.losses)

    def __getitem__(self, place: int) -> ScoreCard:
        """The card at a place, 0 being the best, as a `ScoreCard`."""
        used = np.flatnonzero(self.coefficients[place])
        rules = self.coding.rules
        lines = tuple((rules[feature], int(self.coefficients[place, feature])) for feature in used)
        columns = {rule.column for rule, _ in lines}
        return ScoreCard(
            outcome=self.outcome,
            classes=self.classes,
            lines=lines,
            columns=tuple(column for column in self.coding.columns if column.column in columns),
            input_names=self.input_names,
            intercept=int(self.intercepts[place]),
            multiplier=float(self.multipliers[place]),
            named=self.named,
            provenance={**self.provenance, "objective": float(self.losses[place])},
        )

    @cached_property
    def cards(self) -> tuple[ScoreCard, ...]:
        """Every card as a `ScoreCard`, made on first use."""
        return tuple(self[place] for place in range(len(self)))

    @property
    def complete(self) -> bool:
        """Whether no card of the problem with an objective up to `loss_limit` is missing."""
        return self.status is PoolStatus.COMPLETE

    @property
    def groups(self) -> tuple[IntArray, ...]:
        """Places of the cards of each group, best group first."""
        order = np.argsort(self.group, kind="stable")
        return tuple(np.split(order, np.flatnonzero(np.diff(self.group[order])) + 1))

    def logits(self, X: Any) -> FloatArray:
        """Return the log-odds of the positive class of every row under every card, shape (cards, n).

        X is read as by a `ScoreCard`: frames by name, bare arrays by position. Only the columns that some
        card uses are looked at.
        """
        features, used = self._features(X)
        totals = self.coefficients[:, used].astype(np.float64) @ features.T
        totals += self.intercepts[:, None]
        totals /= self.multipliers[:, None]
        return totals

    def predictions(self, X: Any) -> FloatArray:
        """Return the probability of the positive class of every row under every card, shape (cards, n)."""
        values = self.logits(X)
        size = max(1, _CHUNK // max(values.shape[1], 1))
        for start in range(0, len(values), size):
            values[start : start + size] = losses.sigmoid(values[start : start + size])
        return values

    def _features(self, X: Any) -> tuple[FloatArray, IntArray]:
        """Return the features that some card uses, (n, used), and their places."""
        used = np.flatnonzero(np.any(self.coefficients != 0, axis=0))
        rules = self.coding.rules
        names = {rules[feature].column for feature in used}
        columns = tuple(column for column in self.coding.columns if column.column in names)
        table = used_table(X, [column.column for column in columns], self.input_names, self.named)
        if not columns:
            return np.zeros((table.n_rows, 0)), used
        part = Coding(columns)
        features = part.transform(Table(part.input_names, table.columns))
        place = {rule: position for position, rule in enumerate(part.rules)}
        return features[:, [place[rules[feature]] for feature in used]], used

    # ---- reading

    def summary(self) -> str:
        """Say how many cards there are, whether that is all, and list the best of them."""
        kind = f"{100 * self.epsilon:g} %" if self.epsilon_kind == "relative" else f"{self.epsilon:g} nats"
        groups, first = self.groups, f"{len(self)} card{'s' * (len(self) != 1)}"
        lines = [
            f"{first} within {kind} of the best objective {self.best_loss:.6f} (limit {self.loss_limit:.6f})",
            self._verdict(),
            f"{len(groups)} different prediction{'s' * (len(groups) != 1)} of the training rows",
        ]
        for members in groups[:_SHOWN]:
            alike = f"  ({len(members)} cards alike)" if len(members) > 1 else ""
            lines.append(f"  {self.losses[members[0]]:.6f}  {self._card_text(int(members[0]))}{alike}")
        rest = len(groups) - _SHOWN
        return "\n".join([*lines, *([f"  and {rest} more"] if rest > 0 else [])])

    def _verdict(self) -> str:
        if self.complete:
            return "complete: proven to be every such card of the problem"
        why = {
            PoolStatus.MAX_CARDS: "there are more; these are the best of them",
            PoolStatus.TIME_LIMIT: "the search was stopped; others may exist",
        }[self.status]
        if self.proven_limit <= self.best_loss:
            return f"not complete: {why}"
        return f"not complete: {why}; none of objective below {self.proven_limit:.6f} is missing"

    def _card_text(self, place: int) -> str:
        points = self.coefficients[place]
        labels = [rule.label for rule in self.coding.rules]
        terms = [f"{points[feature]:+d} {labels[feature]}" for feature in np.flatnonzero(points)]
        terms.append(f"intercept {self.intercepts[place]:+d}")
        return f"{', '.join(terms)}; multiplier {self.multipliers[place]:g}"

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per card: loss, group, multiplier, intercept, and the points of
        every feature that some card uses."""
        rules = self.coding.rules
        used = np.flatnonzero(np.any(self.coefficients != 0, axis=0))
        rows = [
            {
                "loss": float(self.losses[place]),
                "group": int(self.group[place]),
                "features": int(np.count_nonzero(self.coefficients[place])),
                "multiplier": float(self.multipliers[place]),
                "intercept": int(self.intercepts[place]),
                **{rules[feature].label: int(self.coefficients[place, feature]) for feature in used},
            }
            for place in range(len(self))
        ]
        return frame(rows)

    # ---- keeping

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, in plain JSON values, and `complete`; `from_dict` gives an equal pool."""
        return {**super().to_dict(), "provenance": plain(self.provenance), "complete": self.complete}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> CardPool:
        """Return the pool that `to_dict` wrote. Raises `CertificateError` if parts are missing or wrong."""
        from riskstats.scores import pool_file

        return pool_file.pool_from_dict(content)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the pool as JSON; an existing file is replaced only once the new one is complete."""
        from riskstats.scores import pool_file

        pool_file.save(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> CardPool:
        """Return the pool that `save` wrote.

        Raises `InvalidInput` if there is no such file, and `CertificateError` for a file that is damaged,
        edited, of a newer schema, or no pool.
        """
        from riskstats.scores import pool_file

        return pool_file.load(path)


def _array(values: Any, name: str, kind: type) -> np.ndarray:
    try:
        array = np.array(values)
    except ValueError:
        array = np.empty(0, dtype=object)
    whole = kind is np.int64
    if array.dtype.kind not in ("iu" if whole else "iuf") or not np.isfinite(array).all():
        raise InvalidInput(f"the {name} of a pool must be {'whole' if whole else 'finite'} numbers.")
    return array.astype(kind)


def _check(pool: CardPool) -> None:
    """Raise `InvalidInput` when the parts of a pool do not fit together."""
    cards, features = len(pool.losses), len(pool.coding.rules)
    shapes = {name: getattr(pool, name).shape for name in _ARRAYS}
    wanted = {name: (cards, features) if name == "coefficients" else (cards,) for name in _ARRAYS}
    if cards == 0 or shapes != wanted:
        raise InvalidInput(
            f"a pool of {cards} cards and {features} features needs arrays of the shapes {wanted}; "
            f"got {shapes}."
        )
    if pool.multipliers.min() <= 0:
        raise InvalidInput(f"the multipliers of a pool must be > 0; got {pool.multipliers.min():g}.")
    if not pool.best_loss <= pool.losses.min() or not pool.losses.max() <= pool.loss_limit:
        raise InvalidInput(
            f"the losses of a pool must lie between best_loss {pool.best_loss!r} and loss_limit "
            f"{pool.loss_limit!r}; got {pool.losses.min():g} to {pool.losses.max():g}."
        )
    if not np.array_equal(np.unique(pool.group), np.arange(pool.group.max() + 1)):
        raise InvalidInput("the groups of a pool must be numbered 0, 1, 2, ... without a gap.")
