"""The risk that anything goes wrong: union, log-risk, Frechet bounds, and the shares of each dimension.

For scores r_k in [0, 1] of K dimensions, taken as probabilities of independent failures,

    R = 1 - prod_k (1 - r_k)          L = -sum_k log(1 - r_k) >= 0          R = 1 - exp(-L)

R and L have the same order; L is additive. Without independence, `max_k r_k <= P(any) <= min(1, sum_k r_k)`.
Every function here takes scores (..., K) and works along the last axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import Floats, probability
from riskstats.distribution import TIE
from riskstats.exceptions import InvalidInput
from riskstats.results import Result
from riskstats.tail.inputs import checked_array, inside
from riskstats.tail.weights import TailWeights

__all__ = [
    "ClipAudit",
    "FrechetBounds",
    "audit",
    "checked_clip",
    "frechet",
    "frechet_bounds",
    "log_risk",
    "log_terms",
    "shapley",
    "shapley_of_union",
    "union",
    "union_risk",
]


class FrechetBounds(NamedTuple):
    """What the probability of any failure can be, whatever the dependence."""

    lower: Any
    upper: Any


@dataclass(frozen=True)
class ClipAudit(Result):
    """What a clip of log-risk at `-log clip` has changed.

    Attributes
    ----------
    clip : eps; every term of log-risk is at most `-log eps`.
    n_scores, n_prompts : clipped scores, and prompts with at least one, of positive weight.
    tail_mass : share of the tail of log-risk on prompts with a clipped score.
    per_tenfold : how much CVaR of log-risk grows, to first order, when the clip is ten times smaller:
        `log(10) E_q [clipped scores of a prompt]`.
    """

    clip: float
    n_scores: int
    n_prompts: int
    tail_mass: float
    per_tenfold: float

    @property
    def touches_tail(self) -> bool:
        """Whether a clipped score lies in the tail, so that CVaR of log-risk depends on the clip."""
        return self.tail_mass > 0

    def summary(self) -> str:
        """How much was clipped, and what hangs on it."""
        if self.n_scores == 0:
            return f"clip = {self.clip:g} changed no score."
        text = f"clip = {self.clip:g} changed {self.n_scores} scores of {self.n_prompts} prompts"
        if not self.touches_tail:
            return f"{text}, none of them in the tail."
        return (
            f"{text}, which hold {100 * self.tail_mass:.3g} % of the tail: CVaR of log-risk grows by about "
            f"{self.per_tenfold:.3g} when the clip is ten times smaller. Read the union scale beside it."
        )


# Public functions


def union_risk(scores: Any) -> Any:
    """`1 - prod (1 - r)` along the last axis, in full precision for small scores; (..., K) -> (...).

    `InvalidInput`: scores outside [0, 1], NaN.
    """
    return _plain(union(log_terms(_scores(scores))))


def log_risk(scores: Any, *, clip: float | None = None) -> Any:
    """`sum_k min(-log(1 - r_k), -log clip)` along the last axis; (..., K) -> (...).

    clip : in (0, 1), applied on the log scale; None leaves every term as it is.
    `InvalidInput`: a score of 1 without `clip`, whose log-risk is infinite.
    """
    array, eps = _scores(scores), checked_clip(clip)
    if eps is None:
        refuse_infinite(array)
    return _plain(log_terms(array, eps).sum(axis=-1))


def frechet_bounds(scores: Any) -> FrechetBounds:
    """`(max_k r_k, min(1, sum_k r_k))`: all that can be said of P(any) without independence."""
    return FrechetBounds(*map(_plain, frechet(_scores(scores))))


def shapley_of_union(scores: Any) -> Floats:
    """(..., K) the Shapley values of `v(S) = 1 - prod_{k in S} (1 - r_k)`; they sum to the union."""
    return shapley(_scores(scores))


def checked_clip(clip: Any) -> float | None:
    """A clip in (0, 1), or None."""
    return None if clip is None else probability(clip, "clip")


def refuse_infinite(scores: Floats) -> None:
    """`InvalidInput` where a score is 1 and log-risk infinite."""
    ones = int((scores >= 1.0).sum())
    if ones:
        many = f"{ones} scores" if ones > 1 else "1 score"
        raise InvalidInput(
            f"log-risk is infinite for {many} equal to 1. Pass `clip=` or use the union scale "
            "(`log_scale=False`)."
        )


def _scores(scores: Any) -> Floats:
    array = checked_array(scores, "scores")
    inside(array, (0.0, 1.0), "scores")
    return np.atleast_1d(array)


def _plain(array: Floats) -> Any:
    return float(array) if np.ndim(array) == 0 else array


# Kernels


def log_terms(scores: Floats, clip: float | None = None) -> Floats:
    """`min(-log(1 - r), -log clip)`, elementwise; inf at 1 without a clip."""
    with np.errstate(divide="ignore"):
        terms = -np.log1p(-scores)
    return terms if clip is None else np.minimum(terms, -math.log(clip))


def union(terms: Floats) -> Floats:
    """`1 - exp(-sum of terms)` along the last axis."""
    return -np.expm1(-terms.sum(axis=-1))


def frechet(scores: Floats) -> tuple[Floats, Floats]:
    """(max, min(1, sum)) along the last axis."""
    return scores.max(axis=-1), np.minimum(scores.sum(axis=-1), 1.0)


def shapley(scores: Floats) -> Floats:
    """Shapley values of the union along the last axis.

    Averaged over subsets with the Shapley weights, `prod_{j in S} (1 - r_j)` is an integral over [0, 1]:

        phi_k = r_k int_0^1 prod_{j != k} (1 - u r_j) du

    The integrand has degree K - 1, so ceil(K / 2) Gauss-Legendre nodes are exact; every term is positive and
    nothing cancels. Cost O(K^2) per prompt, for any K.
    """
    nodes, node_weights = _gauss_legendre((scores.shape[-1] + 1) // 2)
    values = np.zeros_like(scores)
    for node, weight in zip(nodes, node_weights, strict=True):
        left = 1.0 - node * scores
        values += weight * left.prod(axis=-1, keepdims=True) / left
    return values * scores


@lru_cache(maxsize=64)
def _gauss_legendre(count: int) -> tuple[Floats, Floats]:
    """Nodes and weights on [0, 1]."""
    nodes, node_weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, node_weights / 2.0


def audit(scores: Floats, clip: float, tail: TailWeights) -> ClipAudit:
    """What the clip did to scores (n, K); `tail` is that of the clipped log-risk."""
    clipped = log_terms(scores) > -math.log(clip) * (1.0 + TIE)
    counts = clipped.sum(axis=-1) * (tail.probabilities > 0)
    return ClipAudit(
        clip=clip,
        n_scores=int(counts.sum()),
        n_prompts=int((counts > 0).sum()),
        tail_mass=float(tail.weights[counts > 0].sum()),
        per_tenfold=math.log(10.0) * float(np.dot(tail.weights, counts)),
    )
