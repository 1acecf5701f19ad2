"""The score card: integer points, the scale that turns their total into a risk, and what is known of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from riskstats import losses
from riskstats._validation import positive_number, whole_number
from riskstats.exceptions import InvalidInput
from riskstats.results import plain
from riskstats.scores import card_file, card_rows, wording
from riskstats.scores._types import FloatArray, IntArray
from riskstats.scores.coding import ColumnCoding
from riskstats.scores.risk_table import RiskTable, whole_numbers
from riskstats.scores.rules import Rule

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from riskstats.scores.certificate import Certificate

__all__ = ["Label", "ScoreCard"]

Label: TypeAlias = bool | int | float | str


@dataclass(frozen=True)
class ScoreCard:
    """An integer risk score that needs neither its training data nor an optimiser to be read or applied.

        total = sum over lines of points * rule(row)
        risk = 1 / (1 + exp(-(intercept + total) / multiplier))

    Attributes
    ----------
    outcome : what the risk is about, in words, such as ``"Over50K = 1"``.
    classes : the (negative, positive) class labels; the risk is that of the positive one.
    lines : the (rule, points) pairs, points being nonzero whole numbers.
    columns : how each used column is read, so that missing values and categories are treated as in training.
    input_names : all training columns in order; bare arrays are read by position.
    intercept, multiplier : whole number of points, and points per unit of log-odds (> 0).
    named : False if the card was trained on a bare array.
    table : rows per total with observed rates and exact intervals, or None.
    certificate : how good the card is proven to be, or None.
    provenance : version, rows, hash, parameters; plain JSON values.

    Raises `InvalidInput` when the parts do not fit together.
    """

    outcome: str
    classes: tuple[Label, Label]
    lines: tuple[tuple[Rule, int], ...]
    columns: tuple[ColumnCoding, ...]
    input_names: tuple[str, ...]
    intercept: int
    multiplier: float
    named: bool = True
    table: RiskTable | None = None
    certificate: Certificate | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = {
            "outcome": str(self.outcome),
            "classes": _labels(self.classes),
            "lines": tuple((rule, _points(points, rule.label)) for rule, points in self.lines),
            "columns": tuple(self.columns),
            "input_names": tuple(str(name) for name in self.input_names),
            "intercept": whole_number(self.intercept, "intercept"),
            "multiplier": positive_number(self.multiplier, "multiplier"),
            "named": bool(self.named),
            "provenance": plain(self.provenance),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        _check_columns(self)

    # ---- scoring

    def contributions(self, X: Any, *, first_row: int = 0) -> np.ndarray:
        """Return the points of every row on every line, shape (n, number of lines), in the order of `lines`.

        Rows sum to `predict_score`. int64; float64 if a column counted per unit holds fractions.

        Parameters
        ----------
        X : array (read by position; as many columns as in training), dict of columns, or pandas, polars or
            pyarrow frame (read by name; other columns are ignored).
        first_row : number of the first row, for messages about a part of a longer table.

        Raises `InvalidInput` for a missing column, and for missing values or categories new since training.
        """
        table = card_rows.used_table(
            X, [column.column for column in self.columns], self.input_names, self.named
        )
        values = dict(zip((column.column for column in self.columns), table.columns, strict=False))
        for column in self.columns:
            column.check(values[column.column], first_row=first_row)
        points = np.zeros((table.n_rows, len(self.lines)))
        for place, (rule, weight) in enumerate(self.lines):
            points[:, place] = weight * rule.evaluate(values[rule.column])
        return whole_numbers(points)

    def predict_score(self, X: Any, *, first_row: int = 0) -> np.ndarray:
        """Return the total points of every row, without the intercept, shape (n,). As `contributions`."""
        return self.contributions(X, first_row=first_row).sum(axis=1)

    def logit(self, total: ArrayLike) -> FloatArray:
        """Return the log-odds of the positive class at any total, seen in training or not."""
        return np.asarray((self.intercept + np.asarray(total)) / self.multiplier, dtype=np.float64)

    def risk(self, total: ArrayLike) -> FloatArray:
        """Return the risk at any total, seen in training or not: 1 / (1 + exp(-logit))."""
        return np.asarray(losses.sigmoid(self.logit(total)), dtype=np.float64)

    def decision_function(self, X: Any) -> FloatArray:
        """Return the log-odds of the positive class, (intercept + total) / multiplier, shape (n,)."""
        return self.logit(self.predict_score(X))

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probabilities of the negative and the positive class, shape (n, 2)."""
        logit = self.decision_function(X)
        return np.column_stack([losses.sigmoid(-logit), losses.sigmoid(logit)])

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of every row: the positive one where the risk is above 1/2, not at 1/2 itself."""
        mixed = type(self.classes[0]) is not type(self.classes[1])
        labels = np.array(self.classes, dtype=object if mixed else None)
        return labels[(self.decision_function(X) > 0).astype(np.int64)]

    def risk_table(
        self,
        X: Any,
        y: ArrayLike,
        confidence_level: float = 0.95,
        sample_weight: ArrayLike | None = None,
        *,
        data: str = "given data",
    ) -> RiskTable:
        """Return rows, events and observed rate at every total, with exact intervals.

        Parameters
        ----------
        y : labels, each one of `classes`; one class alone is allowed.
        sample_weight : enters `n`, `events` and `observed`; the interval is about plain counts of rows.
        data : which data these are, in words; printed with the table.
        """
        totals = self.predict_score(X)
        positive = card_rows.positive_rows(y, self.classes, len(totals))
        return RiskTable.from_rows(
            totals,
            positive,
            self.risk,
            sample_weight=sample_weight,
            confidence_level=confidence_level,
            data=data,
        )

    def possible_totals(self) -> IntArray | None:
        """Return every total that a row can have, rising; columns counted per unit keep their training range.

        None if a column counted per unit held fractions, or its range is unknown or too long to list. Rules
        on one column are taken together (age >= 60 implies age >= 45), columns as free of each other.
        """
        from riskstats.scores.reach import possible_totals

        return possible_totals(self)

    def coding(self, column: str) -> ColumnCoding:
        """Return how a used column is read."""
        return next(coding for coding in self.columns if coding.column == column)

    @property
    def whole(self) -> bool:
        """True if every total of the training table is a whole number (also if there is no table)."""
        return self.table is None or self.table.total.dtype.kind == "i"

    # ---- reading

    def text(self, width: int = 100) -> str:
        """Return the card as monospaced text of at most `width` columns."""
        from riskstats.scores.render_text import render_text

        return render_text(self, width)

    def markdown(self) -> str:
        """Return the card as Markdown tables."""
        from riskstats.scores.render_markdown import render_markdown

        return render_markdown(self)

    def html(self, *, document: bool = True) -> str:
        """Return the card as one self-contained HTML document, or as a fragment to place in another page."""
        from riskstats.scores.render_html import render_html

        return render_html(self, document=document)

    def plot(self, ax: Axes | None = None) -> Figure:
        """Return the card as a matplotlib figure: points on the left, risk with observed rates on the right.

        With `ax`, only the chart of the risk is drawn, into it. Raises `Unavailable` without matplotlib.
        """
        from riskstats.scores.render_picture import draw_card, draw_chart

        return draw_card(self) if ax is None else draw_chart(self, ax)

    def _repr_html_(self) -> str:
        return self.html(document=False)

    def __repr__(self) -> str:
        return f"<ScoreCard: {wording.title(self)}, {wording.size(self)}, {wording.proof(self)}>"

    def __str__(self) -> str:
        return self.text()

    # ---- keeping

    def to_dict(self) -> dict[str, Any]:
        """Return the card in plain JSON values, from which `from_dict` gives an equal card."""
        return card_file.card_to_dict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ScoreCard:
        """Return the card that `to_dict` wrote. Raises `CertificateError` if parts are missing or wrong."""
        return card_file.card_from_dict(content)

    @property
    def checksum(self) -> str:
        """SHA-256 of the card as canonical JSON; equal cards have equal checksums."""
        return card_file.checksum(self.to_dict())

    def to_json(self) -> str:
        """Return the card as JSON text: schema, version, card and checksum. Floats are written in full."""
        return card_file.dumps(self)

    @classmethod
    def from_json(cls, text: str | bytes, *, source: str = "the text") -> ScoreCard:
        """Return the card in JSON text; `CertificateError` if it is damaged, edited, newer or no card."""
        return card_file.loads(text, source)

    def save(self, path: str | Path) -> None:
        """Write the card as JSON; an existing file is replaced only once the new one is complete."""
        card_file.save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> ScoreCard:
        """Return the card that `save` wrote; `InvalidInput` if there is no such file, else as `from_json`."""
        return card_file.load(path)

    def __hash__(self) -> int:
        return hash(self.checksum)


def _labels(classes: Iterable[Any]) -> tuple[Label, Label]:
    labels = [label.item() if isinstance(label, np.generic) else label for label in classes]
    for label in labels:
        if not isinstance(label, bool | int | float | str) or label != label:
            raise InvalidInput(f"a class label must be an int, float, bool or str; got {label!r}.")
    if len(labels) != 2 or labels[0] == labels[1]:
        raise InvalidInput(f"a score card has two different classes (negative, positive); got {labels!r}.")
    return labels[0], labels[1]


def _points(value: Any, label: str) -> int:
    points = whole_number(value, f"points of {label}")
    if points == 0:
        raise InvalidInput(f"the line '{label}' has 0 points. Leave it out of the card.")
    return points


def _check_columns(card: ScoreCard) -> None:
    coded = [column.column for column in card.columns]
    if len(set(coded)) < len(coded) or len(set(card.input_names)) < len(card.input_names):
        raise InvalidInput("a score card lists each column once; a name appears twice.")
    unknown = [name for name in coded if name not in card.input_names]
    unread = [rule.column for rule, _ in card.lines if rule.column not in coded]
    if unknown or unread:
        raise InvalidInput(
            f"the column '{(unknown + unread)[0]}' of a line is not among the columns of the card."
        )
