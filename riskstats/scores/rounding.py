"""Rounding of a real solution to integers, one coordinate at a time, cheapest first."""

from __future__ import annotations

import numpy as np

from riskstats.losses import softplus
from riskstats.scores._types import FloatArray, IntArray
from riskstats.scores.compression import restrict
from riskstats.scores.problem import IntegerScoreProblem

__all__ = ["round_to_card"]


def round_to_card(problem: IntegerScoreProblem, point: FloatArray, scale: float) -> IntArray:
    """Return integers near `point` / `scale`: the features of largest effect, each rounded where the loss
    rises least.

    `point` is in logits (lambda = t b). In every round all directions of all coordinates that are still
    real are tried, and the least loss wins.
    """
    real = np.clip(np.asarray(point, dtype=np.float64) / scale, problem.lower, problem.upper)
    effect = np.abs(real) * problem.spread
    effect[problem.required] = np.inf
    effect[0] = 0.0
    keep = np.argsort(-effect, kind="stable")[: problem.max_features]
    keep = np.sort(np.concatenate([[0], keep[effect[keep] > 0]]))
    data = restrict(problem.data, keep)
    values = real[keep]
    open_positions = [i for i in range(len(keep)) if values[i] != np.round(values[i])]
    while open_positions:
        trials = np.repeat(values[None, :], 2 * len(open_positions), axis=0)
        for row, position in enumerate(open_positions):
            trials[2 * row, position] = np.floor(values[position])
            trials[2 * row + 1, position] = np.ceil(values[position])
        scores = scale * (data.design @ trials.T)
        losses = data.weight @ softplus(scores) - scale * (trials @ data.target)
        best = int(np.argmin(losses))
        values = trials[best]
        open_positions.pop(best // 2)
    answer = np.zeros_like(problem.lower)
    answer[keep] = values.astype(np.int64)
    return answer
