"""Rows that near-optimal models decide either way, with a model for each side, evaluated once more.

A decision that hangs on which of several equally good models was picked is one to take with care: by a
person, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.levelset.certificate import objective_above
from riskstats.losses import sigmoid
from riskstats.multiplicity.convex import ConvexModels
from riskstats.multiplicity.inputs import read_only
from riskstats.multiplicity.literals import Booleans, logit
from riskstats.multiplicity.model_set import PoolModels
from riskstats.multiplicity.prediction_range import PredictionRange
from riskstats.multiplicity.result import MultiplicityRate
from riskstats.multiplicity.wording import between, counted, percent
from riskstats.results import Result, frame, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Abstentions", "abstentions"]

MOST_LINES = 5
_MARGINS = 1 << 22


@dataclass(frozen=True, eq=False)
class Abstentions(Result):
    """k rows whose range straddles a decision threshold, and one model on either side of it.

    Attributes
    ----------
    decision_threshold : a model decides for `decisions[1]` where it predicts this much or more.
    decisions : what is decided below the threshold, and at or above it.
    rows : (k,) positions of rows of positive weight. baseline : (k,) predictions of the baseline.
    lower_prediction, upper_prediction : (k,) what the two models say about the row.
    lower_loss, upper_loss : (k,) their losses, upper bounds where the set is convex.
    lower_model, upper_model : (k, d + 1) coefficients, the intercept first, or (k,) positions in the pool.
    names : of the coefficients; empty for a pool.
    loss_limit : largest loss of a member.
    confirmed : (k,) both losses are within the limit, and the models decide as they should.
    open_rows : positions of rows which may straddle the threshold and for which no such pair was found.
    share, share_bound : weighted share of the rows that are listed, and with the open ones; None where more
        rows may straddle than are known.
    kind : "exact", "outer" where rows are open, "inner" where more rows may straddle.
    """

    decision_threshold: float
    decisions: tuple[str, str]
    rows: Integers
    baseline: Floats
    lower_prediction: Floats
    upper_prediction: Floats
    lower_loss: Floats
    upper_loss: Floats
    lower_model: Any
    upper_model: Any
    names: tuple[str, ...]
    loss_limit: float
    confirmed: Booleans
    open_rows: Integers
    share: float
    share_bound: float | None
    kind: str

    def __post_init__(self) -> None:
        read_only(self, "baseline", "lower_prediction", "upper_prediction", "lower_loss", "upper_loss")
        read_only(self, "rows", "open_rows", dtype=np.int64)
        read_only(self, "lower_model", "upper_model", dtype=None)
        read_only(self, "confirmed", dtype=bool)

    def __len__(self) -> int:
        return len(self.rows)

    def witnesses(self, row: int) -> dict[str, Any]:
        """The two models of a row, each with its decision, prediction, loss and coefficients or position.

        `KeyError` where the row is not among `rows`.
        """
        found = np.flatnonzero(self.rows == row)
        if len(found) == 0:
            raise KeyError(f"row {row} is not among the {len(self)} rows that models decide either way.")
        i = int(found[0])
        sides = {side: self._witness(side, i) for side in ("lower", "upper")}
        return {
            "row": int(row),
            "baseline": float(self.baseline[i]),
            **sides,
            "confirmed": bool(self.confirmed[i]),
        }

    def _witness(self, side: str, i: int) -> dict[str, Any]:
        model = plain(getattr(self, f"{side}_model")[i])
        return {
            "decision": self.decisions[side == "upper"],
            "prediction": float(getattr(self, f"{side}_prediction")[i]),
            "loss": float(getattr(self, f"{side}_loss")[i]),
            "model": dict(zip(self.names, model, strict=True)) if self.names else model,
        }

    def summary(self) -> str:
        """How many rows, the first of them with what either model says, and those that stay open."""
        share = between(self.share, self.share_bound, percent)
        head = (
            f"At threshold {self.decision_threshold:g} models decide {share} of the rows either way "
            f"({counted(len(self))}): '{self.decisions[0]}' or '{self.decisions[1]}'"
        )
        shown = [self._line(i) for i in range(min(len(self), MOST_LINES))]
        rest = len(self) - len(shown)
        more = [f"  and {counted(rest, 'more row')}"] if rest > 0 else []
        return "\n".join([head, *shown, *more, *self._checked(), *self._open()])

    def _line(self, i: int) -> str:
        return (
            f"  row {self.rows[i]}: one model says {self.lower_prediction[i]:.4g}, another "
            f"{self.upper_prediction[i]:.4g}; baseline {self.baseline[i]:.4g}"
        )

    def _checked(self) -> list[str]:
        if len(self) == 0:
            return []
        if self.confirmed.all():
            return [f"  every pair evaluated again: losses within {self.loss_limit:.8g}, decisions as stated"]
        wrong = self.rows[~self.confirmed]
        return [f"  NOT CONFIRMED when evaluated again: rows {_listed(wrong)}"]

    def _open(self) -> list[str]:
        if len(self.open_rows) == 0:
            return []
        return [f"  open, neither shown nor ruled out: {_listed(self.open_rows)}"]

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per straddling row; needs the extra `frames`."""
        columns = [
            "baseline",
            "lower_prediction",
            "upper_prediction",
            "lower_loss",
            "upper_loss",
            "confirmed",
        ]
        lists = {"row": self.rows.tolist(), **{name: getattr(self, name).tolist() for name in columns}}
        for side in ("lower", "upper"):
            model = getattr(self, f"{side}_model")
            if self.names:
                lists |= {f"{side}_{name}": model[:, j].tolist() for j, name in enumerate(self.names)}
            else:
                lists[f"{side}_model"] = model.tolist()
        return frame([dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)])


def _listed(rows: Integers, most: int = 12) -> str:
    rest = len(rows) - most
    return ", ".join(map(str, rows[:most].tolist())) + (f" and {rest} more" if rest > 0 else "")


def abstentions(
    models: ConvexModels | PoolModels,
    rows: Any,
    found: PredictionRange,
    rate: MultiplicityRate,
    *,
    names: tuple[str, ...],
    decisions: tuple[str, str],
) -> Abstentions:
    """The rows that `rate`, a label ambiguity of `found`, counts, with their models.

    names : of the coefficients, the intercept first; left out for a pool.
    """
    assert rate.decision_threshold is not None
    chosen = np.flatnonzero(rate.rows)
    threshold = rate.decision_threshold
    cut = float(logit(threshold)) if found.scale == "probability" else threshold
    models_of = [np.asarray(end)[chosen] for end in (found.witness_lower, found.witness_upper)]
    low, high = (_evaluated(models, rows, chosen, witness) for witness in models_of)
    losses = [_losses(models, witness) for witness in models_of]
    within = (losses[0] <= models.loss_limit) & (losses[1] <= models.loss_limit)
    show = sigmoid if found.scale == "probability" else np.asarray
    assert found.baseline is not None
    return Abstentions(
        decision_threshold=threshold,
        decisions=decisions,
        rows=chosen,
        baseline=show(found.baseline[chosen]),
        lower_prediction=show(low),
        upper_prediction=show(high),
        lower_loss=losses[0],
        upper_loss=losses[1],
        lower_model=models_of[0],
        upper_model=models_of[1],
        names=names if isinstance(models, ConvexModels) else (),
        loss_limit=models.loss_limit,
        confirmed=within & (low < cut) & (cut <= high),
        open_rows=_open_rows(rate),
        share=rate.value,
        share_bound=rate.bound,
        kind=rate.kind,
    )


def _open_rows(rate: MultiplicityRate) -> Integers:
    """Rows not ruled out; none where nothing is certified, as every row would be one."""
    if rate.bound is None or rate.open_rows is None:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(rate.open_rows)


def _evaluated(models: ConvexModels | PoolModels, rows: Any, chosen: Integers, witness: Any) -> Floats:
    """(k,) logits, or responses, of one model for each of the chosen rows."""
    if isinstance(models, ConvexModels):
        return np.asarray((models.directions(rows)[chosen] * _free(models, witness)).sum(axis=1))
    return models.logits(rows)[np.searchsorted(models.kept, witness), chosen]


def _losses(models: ConvexModels | PoolModels, witness: Any) -> Floats:
    """(k,) losses of models: of a convex set upper bounds, with more digits where float64 leaves doubt."""
    if not isinstance(models, ConvexModels):
        return models.losses[witness]
    theta, problem = _free(models, witness), models.level_set.problem
    above = _objective_in_parts(problem, theta)
    doubt = np.flatnonzero(~(above <= models.loss_limit))
    if len(doubt):
        above[doubt] = np.minimum(above[doubt], _objective_in_parts(problem.precise, theta[doubt]))
    return above


def _objective_in_parts(problem: Any, theta: Floats) -> Floats:
    """Upper bounds of the objective at (k, p) points, a few at a time."""
    size = max(1, _MARGINS // problem.n)
    parts = [
        np.asarray(objective_above(problem, theta[first : first + size]), dtype=np.float64)
        for first in range(0, len(theta), size)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _free(models: ConvexModels, witness: Floats) -> Floats:
    """Coefficients as the objective takes them: without an intercept where there is none."""
    return witness if models.level_set.problem.intercept else witness[:, 1:]
