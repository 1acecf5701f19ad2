"""How far two judges agree: kappa for classes, quadratic kappa for ordinal levels, and each class alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._random import RandomState, seed
from riskstats._validation import Floats, Integers, class_labels, same_length, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.evaluations.agreement_tables import (
    kappa,
    kappa_weights,
    levels_of,
    resampled_tables,
    spread,
    table_of,
)
from riskstats.evaluations.clustering import cluster_codes
from riskstats.evaluations.ordinal import Estimate
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, as_percent, frame
from riskstats.tail.judge_noise import JudgeNoise, judge_noise_sensitivity

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ClassAgreement", "JudgeAgreement", "judge_agreement"]


@dataclass(frozen=True)
class ClassAgreement(Result):
    """One class against all others.

    name : of the class. first, second : items that each judge puts in it. both : that both do.
    kappa : of "in the class or not". agreement : `2 both / (first + second)`, the specific agreement.
    """

    name: str
    first: int
    second: int
    both: int
    kappa: Estimate
    agreement: Estimate


@dataclass(frozen=True)
class JudgeAgreement(Result):
    """Two judges on the same items.

    Attributes
    ----------
    agreement : share of items with the same label. kappa : unweighted. quadratic_kappa : for ordinal levels,
        else None. All with bootstrap limits, each alone.
    classes : each class alone. table : (K, K) counts, rows the first judge. labels : of rows and columns.
    n, n_units : items; what was sampled independently. noise : what the noise of the two judges does to a
        tail, for ordinal levels where a `level` was given, else None.
    """

    agreement: Estimate
    kappa: Estimate
    quadratic_kappa: Estimate | None
    classes: tuple[ClassAgreement, ...]
    table: tuple[tuple[int, ...], ...]
    labels: tuple[str, ...]
    n: int
    n_units: int
    confidence_level: float
    noise: JudgeNoise | None
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """Agreement, kappa, each class, and the noise."""
        units = "" if self.n_units == self.n else f" in {self.n_units} clusters"
        sure = as_percent(self.confidence_level)
        lines = [
            f"Two judges on {self.n} items{units}; {sure} bootstrap limits, each alone.",
            f"  same label: {self.agreement}",
            f"  kappa: {self.kappa}",
        ]
        if self.quadratic_kappa is not None:
            lines.append(f"  quadratic kappa: {self.quadratic_kappa}")
        lines += [
            f"  {each.name}: kappa {each.kappa}, specific agreement {each.agreement}, {each.first} and "
            f"{each.second} items, {each.both} of them shared"
            for each in self.classes
        ]
        if self.noise is not None:
            lines.append(self.noise.summary())
        return "\n".join([*lines, *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row for each class; needs the extra `frames`."""
        return frame(
            [
                {
                    "class": each.name,
                    "first": each.first,
                    "second": each.second,
                    "both": each.both,
                    "kappa": each.kappa.value,
                    "kappa_lower": each.kappa.lower,
                    "kappa_upper": each.kappa.upper,
                    "agreement": each.agreement.value,
                }
                for each in self.classes
            ]
        )


def judge_agreement(
    first: Any,
    second: Any,
    *,
    ordinal: bool = False,
    n_levels: int | None = None,
    cluster: Any = None,
    level: float | None = None,
    confidence_level: float = 0.95,
    resamples: int = 1999,
    random_state: RandomState = 0,
) -> JudgeAgreement:
    """Kappa of two judges, quadratic for ordinal levels, and of each class against all others.

    `kappa = 1 - sum w o / sum w e`: observed disagreement over that of independent judges with the same
    shares, with w = 1 for different labels, and the squared distance for the quadratic one.

    Parameters
    ----------
    first, second : (n,) labels of the same items in the same order; levels 1 ... K if `ordinal`.
    ordinal : whether labels are levels; also gives quadratic kappa.
    n_levels : K of ordinal levels; None takes the largest that occurs.
    cluster : (n,) labels of what was sampled independently.
    level : share not in the tail; for ordinal levels, mapped to [0, 1], also says what the noise of the
        judges does to a CVaR (`judge_noise_sensitivity`), since noise inflates a tail more than a mean.
    resamples : of items or clusters; random_state : of them.

    Limits are quantiles of the resamples, approximate; judges that never disagree show no error.
    `InvalidInput`: missing labels, different numbers of items, a single class, `level` for classes.
    Source: Cohen (1960), A coefficient of agreement for nominal scales; Cohen (1968), Weighted kappa.
    """
    delta = 1.0 - checked_confidence(confidence_level)
    a, b, labels = _codes(first, second, ordinal, n_levels)
    codes, k = cluster_codes(cluster, len(a)), len(labels)
    table = table_of(a, b, k)
    size = whole_number(resamples, "resamples", low=2)
    tables = resampled_tables(a, b, k, codes, size, seed(random_state))
    case = _Tables(table, tables, delta)
    return JudgeAgreement(
        agreement=case.of(lambda t: np.trace(t, axis1=-2, axis2=-1) / t.sum(axis=(-2, -1))),
        kappa=case.of(lambda t: kappa(t, kappa_weights(k, "none"))),
        quadratic_kappa=case.of(lambda t: kappa(t, kappa_weights(k, "quadratic"))) if ordinal else None,
        classes=tuple(case.of_class(index, name) for index, name in enumerate(labels)),
        table=tuple(tuple(int(cell) for cell in row) for row in table),
        labels=labels,
        n=len(a),
        n_units=len(a) if codes is None else int(codes.max()) + 1,
        confidence_level=1.0 - delta,
        noise=_noise(a, b, k, ordinal, level, random_state),
        notes=() if np.any(a != b) else ("No disagreement was seen: the limits say nothing of the error.",),
    )


def _codes(
    first: Any, second: Any, ordinal: bool, k: int | None
) -> tuple[Integers, Integers, tuple[str, ...]]:
    """(codes of the first, of the second, labels)."""
    if ordinal:
        top = None if k is None else whole_number(k, "n_levels", low=2)
        a, b = levels_of(first, "first", top), levels_of(second, "second", top)
        same_length(first=a, second=b)
        most = top or max(2, int(a.max()), int(b.max()))
        return a - 1, b - 1, tuple(str(level) for level in range(1, most + 1))
    one, other = class_labels(first, name="first"), class_labels(second, name="second")
    same_length(first=one, second=other)
    try:
        labels, codes = np.unique(np.concatenate([one, other]), return_inverse=True)
    except TypeError:
        raise InvalidInput("`first` and `second` mix types without an order. Make labels text.") from None
    if len(labels) < 2:
        raise InvalidInput(
            f"both judges give every item the label {str(labels[0])!r}: agreement beyond chance is "
            "undefined. Judge items of two classes."
        )
    codes = codes.reshape(-1).astype(np.int64)
    return codes[: len(one)], codes[len(one) :], tuple(map(str, labels.tolist()))


def _noise(
    a: Integers, b: Integers, k: int, ordinal: bool, level: float | None, random_state: RandomState
) -> JudgeNoise | None:
    if level is None:
        return None
    if not ordinal:
        raise InvalidInput("`level` is about a tail of ordinal levels; classes have none. Pass ordinal=True.")
    scores = np.column_stack([a, b]) / (k - 1.0)
    return judge_noise_sensitivity(scores, level, random_state=random_state)


@dataclass(frozen=True, eq=False)
class _Tables:
    """The table of the sample (K, K), and those of the resamples (R, K, K)."""

    table: Floats
    tables: Floats
    delta: float

    def of(self, function: Any) -> Estimate:
        return Estimate(float(function(self.table)), *spread(function(self.tables), self.delta))

    def of_class(self, index: int, name: str) -> ClassAgreement:
        own, drawn = _collapsed(self.table, index), _collapsed(self.tables, index)
        case = _Tables(own, drawn, self.delta)
        return ClassAgreement(
            name=name,
            first=int(own[1].sum()),
            second=int(own[:, 1].sum()),
            both=int(own[1, 1]),
            kappa=case.of(lambda t: kappa(t, kappa_weights(2, "none"))),
            agreement=case.of(_specific),
        )


def _collapsed(tables: Floats, index: int) -> Floats:
    """(..., 2, 2) tables of "not in the class" and "in it"."""
    both = tables[..., index, index]
    first, second = tables[..., index, :].sum(axis=-1) - both, tables[..., :, index].sum(axis=-1) - both
    neither = tables.sum(axis=(-2, -1)) - both - first - second
    return np.stack([np.stack([neither, second], axis=-1), np.stack([first, both], axis=-1)], axis=-2)


def _specific(tables: Floats) -> Floats:
    total = 2.0 * tables[..., 1, 1] + tables[..., 0, 1] + tables[..., 1, 0]
    return np.divide(2.0 * tables[..., 1, 1], total, out=np.full_like(total, np.nan), where=total > 0)
