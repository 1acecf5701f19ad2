"""The optimisation problem behind a risk score, and the answer that every solver gives.

    minimise   F(b, t) = sum_i w_i log(1 + exp(-y_i t s_i)) + C0 |{j >= 1 : b_j != 0}|        s_i = b_0 +
    sum_j b_j x_ij over       integers lower_j <= b_j <= upper_j, at most k of b_1 .. b_d nonzero, t in
    [1/m_high, 1/m_low]

with weights w that sum to 1 and t = 1/m for the multiplier m in risk = sigmoid(score / m).

Source: Ustun and Rudin, "Learning Optimized Risk Scores", JMLR 20 (2019), for fixed t; here t is a variable
too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from riskstats.exceptions import Infeasible, InvalidInput
from riskstats.losses import softplus
from riskstats.results import Solution, Status
from riskstats.scores._types import BoolArray, FloatArray, IntArray
from riskstats.scores.compression import ScoreData, compress

__all__ = ["TOLERANCE", "IntegerScoreProblem", "ScoreSolution", "SolveOptions", "intercept_range"]

TOLERANCE = 1e-9
"""A card is called optimal when its lower bound is within this many nats of its objective."""


@dataclass(frozen=True)
class IntegerScoreProblem:
    """Distinct weighted rows, an integer box, a limit on features, an L0 penalty and a range of scales t =
    1/m."""

    rows: FloatArray
    positive: FloatArray
    negative: FloatArray
    lower: IntArray
    upper: IntArray
    max_features: int
    penalty: float = 0.0
    scale_range: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def from_data(
        cls,
        X: FloatArray,
        y: IntArray,
        sample_weight: FloatArray | None = None,
        *,
        lower: IntArray,
        upper: IntArray,
        max_features: int | None = None,
        penalty: float = 0.0,
        multiplier_range: tuple[float, float] = (1.0, 1.0),
        intercept: tuple[int, int] | None = None,
    ) -> IntegerScoreProblem:
        """Compress (X, y in {0, 1}, weights), normalise the weights, fix constant columns at 0, bound the
        intercept.

        `lower` and `upper` have one entry per column of X; `intercept=None` takes the provably sufficient
        range.
        """
        X = np.asarray(X, dtype=np.float64)
        weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        weight = weight / weight.sum()
        rows, positive, negative = compress(X, weight * (y == 1), weight * (y != 1))
        if positive.sum() <= 0 or negative.sum() <= 0:
            raise InvalidInput("each class needs positive weight; one class has none.")
        constant = np.ptp(rows, axis=0) == 0
        lower, upper = np.where(constant, 0, lower), np.where(constant, 0, upper)
        limit = X.shape[1] if max_features is None else min(int(max_features), X.shape[1])
        scales = (1.0 / multiplier_range[1], 1.0 / multiplier_range[0])
        if intercept is None:
            intercept = intercept_range(
                rows, _log_odds(positive, negative), lower, upper, limit, multiplier_range
            )
        lower = np.concatenate([[intercept[0]], lower]).astype(np.int64)
        upper = np.concatenate([[intercept[1]], upper]).astype(np.int64)
        return cls(rows, positive, negative, lower, upper, limit, float(penalty), scales)

    @cached_property
    def design(self) -> FloatArray:
        """(rows, 1 + d) distinct rows with a leading 1."""
        return np.column_stack([np.ones(len(self.rows)), self.rows])

    @cached_property
    def weight(self) -> FloatArray:
        """(rows,) weight of both classes together."""
        return self.positive + self.negative

    @cached_property
    def target(self) -> FloatArray:
        """(1 + d,) sum_r a_r u_r, the linear part of the loss."""
        return self.positive @ self.design

    @cached_property
    def data(self) -> ScoreData:
        """Design, weight and target as the kernels take them."""
        return ScoreData(self.design, self.weight, self.target)

    @cached_property
    def spread(self) -> FloatArray:
        """(1 + d,) weighted standard deviation of every column."""
        mean = self.weight @ self.design
        return np.sqrt(np.maximum(self.weight @ (self.design - mean) ** 2, 0.0))

    @cached_property
    def magnitude(self) -> FloatArray:
        """(1 + d,) weighted root mean square of every column: what one point of a coefficient moves the
        scores by."""
        return np.sqrt(self.weight @ self.design**2)

    @cached_property
    def mean_magnitude(self) -> FloatArray:
        """(1 + d,) weighted mean of the absolute values of every column."""
        return self.weight @ np.abs(self.design)

    @cached_property
    def required(self) -> BoolArray:
        """(1 + d,) columns, the intercept apart, whose range leaves out 0."""
        required = (self.lower > 0) | (self.upper < 0)
        required[0] = False
        return required

    def require_a_card(self) -> None:
        """Raise `Infeasible` if more features must be used than may be."""
        count = int(np.count_nonzero(self.required))
        if count > self.max_features:
            raise Infeasible(
                f"{count} features have ranges without 0, a card has at most {self.max_features} features. "
                "Raise `max_features`, or let these ranges hold 0."
            )

    @cached_property
    def step(self) -> float:
        """Greatest step of which every feature is a multiple, or 0 when some feature is not an integer."""
        if not np.array_equal(self.rows, np.round(self.rows)) or np.abs(self.rows).max(initial=0) > 2**31:
            return 0.0
        return 1.0

    @property
    def fixed_scale(self) -> bool:
        """Whether the multiplier is given."""
        return self.scale_range[0] == self.scale_range[1]

    def loss(self, coefficients: IntArray, scale: float) -> float:
        """Return the mean logistic loss, in nats, of intercept and coefficients at t = `scale`."""
        scores = scale * (self.design @ np.asarray(coefficients, dtype=np.float64))
        return float(self.weight @ softplus(scores) - self.positive @ scores)

    def objective(self, coefficients: IntArray, scale: float) -> float:
        """Return loss + penalty x number of features."""
        return self.loss(coefficients, scale) + self.penalty * int(np.count_nonzero(coefficients[1:]))

    def admits(self, coefficients: IntArray) -> bool:
        """Whether the coefficients lie in the box and use few enough features."""
        inside = np.all(coefficients >= self.lower) and np.all(coefficients <= self.upper)
        return bool(inside and np.count_nonzero(coefficients[1:]) <= self.max_features)

    def to_dict(self) -> dict[str, Any]:
        """Return what states the problem, without the data."""
        return {
            "lower": self.lower.tolist(),
            "upper": self.upper.tolist(),
            "max_features": self.max_features,
            "penalty": self.penalty,
            "multiplier_range": [1.0 / self.scale_range[1], 1.0 / self.scale_range[0]],
        }


def intercept_range(
    rows: FloatArray,
    log_odds: float,
    lower: IntArray,
    upper: IntArray,
    max_features: int,
    multiplier_range: tuple[float, float],
) -> tuple[int, int]:
    """Return an interval that holds an optimal intercept for every choice of the other coefficients.

    With S the total without the intercept, the loss is convex in b_0 and its slope is the weighted mean of
    sigmoid((b_0 + S_r) / m) minus the share of positives. It is >= 0 once every b_0 + S_r >= m logit(share),
    and <= 0 once every b_0 + S_r <= m logit(share); so some best integer lies between the two.
    """
    highest = _largest_total(np.maximum(np.maximum(rows * lower, rows * upper), 0.0), max_features)
    lowest = -_largest_total(np.maximum(np.maximum(-rows * lower, -rows * upper), 0.0), max_features)
    ends = [m * log_odds for m in multiplier_range]
    return int(np.floor(min(ends) - highest)), int(np.ceil(max(ends) - lowest))


def _log_odds(positive: FloatArray, negative: FloatArray) -> float:
    return float(np.log(positive.sum()) - np.log(negative.sum()))


def _largest_total(effects: FloatArray, count: int) -> float:
    """Return the largest row sum of the `count` largest effects of a row."""
    if count == 0:
        return 0.0
    if effects.shape[1] > count:
        effects = np.partition(effects, effects.shape[1] - count, axis=1)[:, effects.shape[1] - count :]
    return float(effects.sum(axis=1).max(initial=0.0))


@dataclass(frozen=True)
class SolveOptions:
    """What a solver may spend, and how it reports.

    `gap` is relative; `progress` is called with a dict of seconds, nodes, objective, lower_bound and gap.
    """

    time_limit: float = 60.0
    gap: float = 0.0
    max_nodes: int | None = None
    device: str = "auto"
    lattice: bool | None = None
    keep_proof: bool = True
    start: tuple[IntArray, float] | None = None
    progress: Callable[[dict[str, float]], None] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ScoreSolution(Solution):
    """Best card found, with the bound that was proven.

    `value` is its objective, `bound` the lower bound, `coefficients` start with the intercept, `scale` is
    1/m.
    """

    coefficients: IntArray = field(kw_only=True)
    scale: float = field(kw_only=True)
    loss: float = field(kw_only=True)
    engine: str = field(kw_only=True)
    nodes: int = field(kw_only=True, default=0)
    seconds: float = field(kw_only=True, default=0.0)
    compile_seconds: float = field(kw_only=True, default=0.0)
    proof: Any = field(kw_only=True, default=None, repr=False)

    @property
    def multiplier(self) -> float:
        """The multiplier 1/t."""
        return 1.0 / self.scale

    @property
    def proven(self) -> bool:
        """Whether the bound meets the value."""
        return self.status is Status.OPTIMAL
