"""Do dimensions fail together? Tail dependence of scores with ties, and what a t-copula would give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, Integers, number, positive_number, sample_weights
from riskstats._validation import level as checked_level
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, frame
from riskstats.tail.inputs import matrix_and_names
from riskstats.tail.weights import weigh

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TailDependence", "dependence", "t_copula_tail_dependence", "tail_dependence"]

EXACT = 1024  # distinct scores of one dimension up to which Kendall's tau is exact
CLASSES = 256  # into which more of them are put


@dataclass(frozen=True, eq=False)
class TailDependence(Result):
    """Dependence of K dimensions in their upper tails of mass `t = 1 - level`; matrices are (K, K).

    Attributes
    ----------
    names : of the dimensions.
    level : share not in the tail of each dimension.
    chi : `P(both in the tail) / t`: t if independent, 1 if they fail together.
    chi_bar : `2 log t / log P(both in the tail) - 1`: -1 if never together, 0 if independent, 1 if always;
        None at level 0.
    correlation : `sin(pi tau / 2)` with Kendall's tau-b, the correlation of a t-copula.
    degrees_of_freedom : of the t-copula; assumed, not fitted.
    t_copula : the limit of chi at level 1 under that t-copula.
    constant : dimensions of one value, for which correlation and t-copula are 0.
    """

    names: tuple[str, ...]
    level: float
    chi: Floats
    chi_bar: Floats | None
    correlation: Floats
    degrees_of_freedom: float
    t_copula: Floats
    constant: tuple[str, ...] = ()

    @property
    def pairs(self) -> list[dict[str, Any]]:
        """One dictionary per pair of dimensions, the most dependent first."""
        rows = [self._pair(i, j) for i, j in combinations(range(len(self.names)), 2)]
        return sorted(rows, key=lambda row: -row["chi"])

    def _pair(self, i: int, j: int) -> dict[str, Any]:
        return {
            "first": self.names[i],
            "second": self.names[j],
            "chi": float(self.chi[i, j]),
            "chi_bar": None if self.chi_bar is None else float(self.chi_bar[i, j]),
            "correlation": float(self.correlation[i, j]),
            "t_copula": float(self.t_copula[i, j]),
        }

    def summary(self) -> str:
        """The pairs with the largest chi beside what independence would give."""
        head = f"Tail dependence at level {self.level:g} (independent: chi = {1 - self.level:.3g})"
        shown = self.pairs[:6]
        lines = [f"  {p['first']} and {p['second']}: chi {p['chi']:.3f}{_bar(p['chi_bar'])}" for p in shown]
        rest = len(self.pairs) - len(shown)
        return "\n".join([head, *lines, *([f"  and {rest} more pairs"] if rest else [])])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per pair; needs the extra `frames`."""
        return frame(self.pairs)


def _bar(chi_bar: float | None) -> str:
    return "" if chi_bar is None else f", chi-bar {chi_bar:.3f}"


# Public functions


def tail_dependence(
    scores: Any,
    level: float,
    *,
    dimensions: Sequence[Any] | None = None,
    sample_weight: npt.ArrayLike | None = None,
    degrees_of_freedom: float = 4.0,
) -> TailDependence:
    """Upper tail dependence of every pair of columns of (n, K).

    Each row is in the tail of a dimension by its membership m: 1 above the quantile, the same part
    `(t - P(X > v)) / P(X = v)` for every row at it, 0 below. `chi = sum_i p_i m_i m'_i / t`, so ties count by
    expectation, independently in each margin; with equal weights and `k = t n` this is the rank form
    `#{both among the k largest} / k`.

    Tau is exact for up to 1024 distinct values of a dimension; beyond, values are put into 256
    classes of about equal count.

    Source: Coles, Heffernan and Tawn (1999), Dependence measures for extreme value analyses.
    """
    array, names = matrix_and_names(scores, dimensions, "scores")
    if array.ndim != 2:
        raise InvalidInput(f"`scores` must have shape (n, K); got {array.shape}. Pool judges first.")
    weights = sample_weights(sample_weight, len(array))
    return dependence(array, names, weights, checked_level(level), _degrees(degrees_of_freedom))


def t_copula_tail_dependence(correlation: float, degrees_of_freedom: float) -> float:
    """`2 T_{nu+1}(-sqrt((nu + 1) (1 - rho) / (1 + rho)))`, the limit of chi of a t-copula.

    correlation : rho in [-1, 1]. degrees_of_freedom : nu > 0.
    Source: Embrechts, McNeil and Straumann (2002), Correlation and dependence in risk management.
    """
    rho = number(correlation, "correlation")
    if not -1.0 <= rho <= 1.0:
        raise InvalidInput(f"`correlation` must lie in [-1, 1]; got {rho:g}.")
    return float(_t_lambda(np.array(rho), _degrees(degrees_of_freedom)))


def _degrees(value: float) -> float:
    return positive_number(value, "degrees_of_freedom")


# Kernels


def dependence(
    scores: Floats, names: tuple[str, ...], weights: Floats, level: float, degrees_of_freedom: float
) -> TailDependence:
    """Tail dependence of finite scores (n, K) with weights >= 0."""
    tails = [weigh(column, weights, level) for column in scores.T]
    members = np.column_stack([tail.membership for tail in tails])
    p = tails[0].probabilities
    joint = np.minimum((p[:, np.newaxis] * members).T @ members, 1.0 - level)
    classes = [_classes(column[weights > 0]) for column in scores.T]
    flat = np.array([codes.max() == 0 for codes in classes])
    rho = _correlations(classes, p[weights > 0])
    lam = np.where(flat[:, np.newaxis] | flat, 0.0, _t_lambda(rho, degrees_of_freedom))
    return TailDependence(
        names=names,
        level=level,
        chi=_with_ones(joint / (1.0 - level)),
        chi_bar=None if level == 0.0 else _with_ones(_chi_bar(joint, 1.0 - level)),
        correlation=rho,
        degrees_of_freedom=degrees_of_freedom,
        t_copula=_with_ones(lam),
        constant=tuple(name for name, is_flat in zip(names, flat, strict=True) if is_flat),
    )


def _with_ones(matrix: Floats) -> Floats:
    """The matrix with ones on the diagonal: every dimension fails together with itself."""
    matrix = matrix.copy()
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _chi_bar(joint: Floats, t: float) -> Floats:
    """`2 log t / log joint - 1`, in [-1, 1]; -1 where nothing is in both tails."""
    with np.errstate(divide="ignore"):
        return np.clip(2.0 * math.log(t) / np.log(joint) - 1.0, -1.0, 1.0)


def _t_lambda(rho: Floats, nu: float) -> Floats:
    from scipy.special import stdtr

    with np.errstate(divide="ignore"):
        return 2.0 * stdtr(nu + 1.0, -np.sqrt((nu + 1.0) * (1.0 - rho) / (1.0 + rho)))


def _classes(values: Floats) -> Integers:
    """Ordered codes of the distinct values, or of `CLASSES` classes of about equal count if they are many."""
    _, codes = np.unique(values, return_inverse=True)
    if codes.max() < EXACT:
        return codes
    below = np.cumsum(np.bincount(codes))[codes]
    return (below - 1) * CLASSES // len(values)


def _correlations(classes: list[Integers], p: Floats) -> Floats:
    """(K, K) `sin(pi tau_b / 2)` of every pair; 0 beside a constant, 1 on the diagonal."""
    rho = np.eye(len(classes))
    for i, j in combinations(range(len(classes)), 2):
        rho[i, j] = rho[j, i] = math.sin(math.pi / 2.0 * _kendall_tau(classes[i], classes[j], p))
    return rho


def _kendall_tau(first: Integers, second: Integers, p: Floats) -> float:
    """Weighted tau-b from the table of two columns of codes; 0 where one is constant."""
    shape = int(first.max()) + 1, int(second.max()) + 1
    cells = np.bincount(first * shape[1] + second, p, shape[0] * shape[1])
    table = cells.astype(np.float64, copy=False).reshape(shape)
    pairs = [_differing(table.sum(axis=axis)) for axis in (0, 1)]
    if min(pairs) == 0.0:
        return 0.0
    below = np.zeros((shape[0] + 1, shape[1] + 1))
    np.cumsum(np.cumsum(table, axis=0), axis=1, out=below[1:, 1:])
    concordant = 2.0 * float(np.dot(p, below[first, second]))
    untied = pairs[0] + pairs[1] - _differing(table[table > 0])
    return float(np.clip((2.0 * concordant - untied) / math.sqrt(pairs[0] * pairs[1]), -1.0, 1.0))


def _differing(mass: Floats) -> float:
    """Probability `1 - sum mass^2` that two draws differ, without cancellation."""
    return 2.0 * float(np.dot(mass[1:], np.cumsum(mass)[:-1]))
