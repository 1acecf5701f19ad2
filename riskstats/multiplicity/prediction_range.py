"""How far the predictions of near-optimal models reach, row by row: attained ends and safe ends.

An inner end is reached by a named model, an outer end is passed by none; where they meet the range is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.losses import sigmoid
from riskstats.multiplicity.inputs import read_only
from riskstats.results import Result, Status, frame, plain

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["GAP_TOLERANCE", "PredictionRange", "described_set", "range_of_ends"]

GAP_TOLERANCE = 1e-9
ROUNDING = 1e-12  # by which an inner end may pass an outer one, relative to 1 + |end|, before it is refused
_STATUS = {"exact": Status.OPTIMAL, "inner": Status.HEURISTIC, "outer": Status.GAP}
_STAMPS = ("epsilon", "epsilon_kind", "source", "scale", "set_hash")
_SETS = {"pool": "a pool of models", "these models": "these models", "refits": "refitted models"}


@dataclass(frozen=True, eq=False)
class PredictionRange(Result):
    """The range of predictions over a set of models, for n rows.

    Attributes
    ----------
    lower, upper : (n,) predictions on the scale of the response: the attained ends where `kind` is "exact" or
        "inner", the safe ends where it is "outer".
    inner : (n, 2) attained ends, lower and upper, in logits.
    outer : (n, 2) ends that no model of the set passes, in logits; infinite where nothing is certified.
    kind : (n,) "exact" (the ends agree within the tolerance), "inner" (attained, nothing certified) or
        "outer" (certified, not attained).
    gap : (n,) from the inner to the outer end in logits, at the wider end; inf without a certificate.
    status : (n,) how the search of the row ended.
    witness_lower, witness_upper : models that attain the inner ends: (n, d + 1) coefficients, the intercept
        first, or (n,) positions in the pool.
    baseline : (n,) logits of the reference model, or None.
    scale : "probability", or "response" where predictions are not probabilities; every "logit" above is then
        the prediction itself.
    epsilon, epsilon_kind : how much worse than the best a model of the set may be; None where unknown.
    source : where the ends come from: "convex", "score pool", "refits" or "pool".
    set_hash : 16 hexadecimal digits that tell one set from another; None where unknown.
    """

    lower: Floats
    upper: Floats
    inner: Floats
    outer: Floats
    kind: npt.NDArray[np.str_]
    gap: Floats
    status: npt.NDArray[np.str_]
    witness_lower: npt.NDArray[Any] | None = None
    witness_upper: npt.NDArray[Any] | None = None
    baseline: Floats | None = None
    scale: str = "probability"
    epsilon: float | None = None
    epsilon_kind: str | None = None
    source: str = "pool"
    set_hash: str | None = None

    def __post_init__(self) -> None:
        read_only(self, "lower", "upper", "inner", "outer", "gap", "baseline")
        read_only(self, "kind", "status", dtype=np.str_)
        read_only(self, "witness_lower", "witness_upper", dtype=None)

    def __len__(self) -> int:
        return len(self.lower)

    @property
    def width(self) -> Floats:
        """(n,) `upper - lower`: the true width is at least this where "inner", at most this where "outer"."""
        return self.upper - self.lower

    @property
    def overall_kind(self) -> str:
        """One word for all rows: "inner" if any row is, else "outer" if any is, else "exact"."""
        return next((kind for kind in ("inner", "outer") if (self.kind == kind).any()), "exact")

    @property
    def certified(self) -> bool:
        """Whether every row has safe ends, possibly those that always hold."""
        return self.overall_kind != "inner"

    def rows(self, indices: Any) -> PredictionRange:
        """The range of some rows: positions, a boolean mask or a slice."""
        chosen: Any = indices
        if not isinstance(indices, slice):
            chosen = np.atleast_1d(np.asarray(indices))
            chosen = chosen if chosen.size else chosen.astype(np.intp)
        return replace(self, **{name: column[chosen] for name, column in self._columns().items()})

    def combine(self, other: PredictionRange) -> PredictionRange:
        """The rows of both, in order; `PredictionRange.combine(a, b)` reads the same.

        `IncompatibleBound` where kind, epsilon, its kind, source or scale differ: the two answer other
        questions. For a range that mixes exact and outer rows ask for all rows in one call.
        """
        self._compatible(other)
        mine, others = self._columns(), other._columns()
        if mine.keys() != others.keys():
            unlike = ", ".join(sorted(mine.keys() ^ others.keys()))
            raise IncompatibleBound(
                f"Only one of the two ranges has {unlike}. Give it to both or to neither."
            )
        joined: dict[str, Any] = {name: np.concatenate([mine[name], others[name]]) for name in mine}
        return replace(self, **joined)

    def _columns(self) -> dict[str, Any]:
        every = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in every.items() if isinstance(value, np.ndarray)}

    def _compatible(self, other: PredictionRange) -> None:
        kinds = (self.overall_kind, other.overall_kind)
        if kinds[0] != kinds[1]:
            one, two = (f"{_article(r.overall_kind)} '{r.overall_kind}'" for r in (self, other))
            raise IncompatibleBound(
                f"Cannot combine {one} range ({self.source}) with {two} one ({other.source}). "
                "Report them side by side."
            )
        if any(getattr(self, name) != getattr(other, name) for name in _STAMPS):
            one, two = described_set(self), described_set(other)
            if one == two:
                two = f"another set that reads the same ({self.set_hash} and {other.set_hash})"
            raise IncompatibleBound(
                f"Cannot combine a {self.scale} range over {one} with a {other.scale} range over {two}. "
                "Report them side by side."
            )

    def to_dict(self) -> dict[str, Any]:
        """Every field by name in plain Python types; a number that is not finite is None."""
        data = super().to_dict()
        return {**data, **{name: _finite(data[name]) for name in ("inner", "outer", "gap", "baseline")}}

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per row; needs the extra `frames`."""
        columns: dict[str, Any] = {"lower": self.lower, "upper": self.upper, "width": self.width}
        for name, ends in (("inner", self.inner), ("outer", self.outer)):
            columns |= {f"{name}_lower": ends[:, 0], f"{name}_upper": ends[:, 1]}
        columns |= {"kind": self.kind, "gap": self.gap, "status": self.status}
        if self.baseline is not None:
            columns["baseline"] = self.baseline
        return frame(
            [dict(zip(columns, plain(row), strict=True)) for row in zip(*columns.values(), strict=True)]
        )

    def summary(self) -> str:
        """What the range is over, its widths, and how many rows are exact."""
        n, kind = len(self), self.overall_kind
        if n == 0:
            return f"Prediction range of no rows over {described_set(self)}"
        more = {"inner": "at least ", "outer": "at most ", "exact": ""}[kind]
        widest = int(np.argmax(self.width))
        mean, largest = (f"{more}{width:.4g}" for width in (self.width.mean(), self.width[widest]))
        lines = [
            f"Prediction range of {n} row{'' if n == 1 else 's'} over {described_set(self)}: {kind}",
            f"  width: mean {mean}, largest {largest} at row {widest}",
        ]
        if kind == "inner":
            lines.append(
                "  The ends are attained; models beyond them may exist, so widths are at least these."
            )
        if kind == "outer":
            exact = int((self.kind == "exact").sum())
            lines.append(
                f"  {exact} of {n} rows are exact; the others have safe ends, widest gap {self.gap.max():.3g}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def plot(self, ax: Any = None, *, decision_threshold: float | None = None) -> Figure:
        """Draw every range as a bar, sorted by the baseline; rows on both sides of a threshold stand out."""
        from riskstats.plotting_multiplicity import plot_ranges

        return plot_ranges(self, ax, decision_threshold=decision_threshold)


def _article(kind: str) -> str:
    return "an" if kind[0] in "aeiou" else "a"


def _finite(value: Any) -> Any:
    """Lists of numbers with None for what is not finite."""
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def described_set(answer: Any) -> str:
    """The set of models behind an answer, in words."""
    if answer.epsilon is None:
        return _SETS.get(answer.source, f"a set of models ({answer.source})")
    kind = f"{answer.epsilon_kind} " if answer.epsilon_kind else ""
    return f"the models within {kind}epsilon {answer.epsilon:g} of the best loss ({answer.source})"


def range_of_ends(
    inner: npt.ArrayLike,
    outer: npt.ArrayLike | None = None,
    *,
    gap_tolerance: float = GAP_TOLERANCE,
    values: npt.ArrayLike | None = None,
    status: Any = None,
    witness_lower: Any = None,
    witness_upper: Any = None,
    baseline: Any = None,
    scale: str = "probability",
    epsilon: float | None = None,
    epsilon_kind: str | None = None,
    source: str = "pool",
    set_hash: str | None = None,
) -> PredictionRange:
    """The range with these ends: the one rule for kind, gap and the ends that are shown.

    Parameters
    ----------
    inner : (n, 2) attained ends, in logits (in units of the response with `scale="response"`).
    outer : (n, 2) safe ends, infinite where one is missing; None where no end is certified, which makes every
        row "inner".
    gap_tolerance : a row is "exact" where both gaps are at most this, else "outer".
    values : (n, 2) the inner ends on the scale of the response, where they are known more exactly.
    status : (n,) words; None says "OPTIMAL", "HEURISTIC" or "GAP" after the kind.

    Other arguments as in `PredictionRange`. `InvalidInput`: NaN, ends in the wrong order, inner ends that
    pass outer ends by more than rounding.
    """
    attained = _ends(inner, "inner")
    beyond = np.array([-np.inf, np.inf]) + np.zeros_like(attained) if outer is None else _ends(outer, "outer")
    if beyond.shape != attained.shape:
        raise InvalidInput(f"`inner` and `outer` differ in shape: {attained.shape} and {beyond.shape}.")
    beyond, gap = _gaps(attained, beyond)
    gap = np.full_like(gap, np.inf) if outer is None else gap
    exact = gap <= gap_tolerance
    kind = np.full(len(gap), "inner") if outer is None else np.where(exact, "exact", "outer")
    ends = np.where((kind == "outer")[:, np.newaxis], beyond, attained)
    shown = sigmoid(ends) if scale == "probability" else ends
    if values is not None:
        shown = np.where(ends == attained, values, shown)
    words = [str(_STATUS[word]) for word in kind.tolist()] if status is None else status
    return PredictionRange(
        lower=shown[:, 0],
        upper=shown[:, 1],
        inner=attained,
        outer=beyond,
        kind=kind,
        gap=gap,
        status=np.asarray(words, dtype=np.str_),
        witness_lower=witness_lower,
        witness_upper=witness_upper,
        baseline=baseline,
        scale=scale,
        epsilon=epsilon,
        epsilon_kind=epsilon_kind,
        source=source,
        set_hash=set_hash,
    )


def _ends(ends: npt.ArrayLike, name: str) -> Floats:
    """(n, 2) ends without NaN, the lower not above the upper."""
    array = np.asarray(ends, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise InvalidInput(f"`{name}` must have shape (n, 2), lower and upper; got {array.shape}.")
    wrong = ~(array[:, 0] <= array[:, 1])
    if wrong.any():
        row = int(wrong.argmax())
        low, high = array[row]
        raise InvalidInput(
            f"`{name}` has ends that are NaN or not in order: ({low:g}, {high:g}) at row {row}."
        )
    return array


def _gaps(inner: Floats, outer: Floats) -> tuple[Floats, Floats]:
    """(outer ends not inside the inner ones, (n,) the wider gap)."""
    same = inner == outer
    distance = np.where(
        same, 0.0, np.array([-1.0, 1.0]) * (np.where(same, 0.0, outer) - np.where(same, 0.0, inner))
    )
    passed = distance < -ROUNDING * (1.0 + np.abs(np.where(np.isfinite(inner), inner, 0.0)))
    if passed.any():
        row = int(passed.any(axis=1).argmax())
        raise InvalidInput(
            f"an inner end passes the outer end of row {row} by {-distance[row].min():.3g}; "
            "one of the two certificates is wrong."
        )
    return np.where(distance < 0, inner, outer), np.maximum(distance, 0.0).max(axis=1)
