"""Whether a linear rule separates two classes: then the unpenalised logistic loss has no minimiser.

The data are separable, perhaps with rows on the boundary, exactly when

    max  sum_i w_i y_i x_i'theta    subject to    y_i x_i'theta >= 0,  |theta_j| <= 1

is positive; every level set is then unbounded, along the optimal theta. Source: Albert and Anderson, "On
the existence of maximum likelihood estimates in logistic regression models", Biometrika 71 (1984).
"""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats
from riskstats.levelset.problem import ConvexProblem

__all__ = ["full_column_rank", "separating_direction"]

_POSITIVE = 1e-9


def full_column_rank(problem: ConvexProblem) -> bool:
    """Whether the columns, the intercept included, are linearly independent on rows of positive weight."""
    rows = problem.design[problem.weight > 0]
    size = np.sqrt((rows**2).mean(axis=0))
    if (size == 0).any() or len(rows) < problem.p:
        return False
    return bool(np.linalg.matrix_rank(rows / size) == problem.p)


def separating_direction(problem: ConvexProblem) -> Floats | None:
    """A direction (p,) along which no row gets worse and some row gets better; None if there is none.

    Columns are scaled to root mean square 1 first, which changes no sign. The direction is checked: it is
    only returned if it separates up to 1e-9 of its largest margin.
    """
    from scipy.optimize import linprog

    keep = problem.weight > 0
    size = np.where(problem.column_rms > 0, problem.column_rms, 1.0)
    signed = problem.target[keep, None] * problem.design[keep] / size
    answer = linprog(
        -(problem.weight[keep] @ signed),
        A_ub=-signed,
        b_ub=np.zeros(len(signed)),
        bounds=[(-1.0, 1.0)] * problem.p,
        method="highs",
    )
    if answer.x is None or -answer.fun <= _POSITIVE:
        return None
    margins = signed @ answer.x
    if margins.max() <= 0 or margins.min() < -1e-7 * margins.max():
        return None
    return np.asarray(answer.x / size)
