"""The ends of a level set by a general conic solver: a reference for small problems, never a certificate.

cvxpy states ``maximise q'theta subject to F(theta) <= limit`` once, with q as a parameter, and a solver
answers one direction at a time. Its answers are floating-point numbers with the accuracy the solver claims,
so their status is "solver bound".
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import Unavailable
from riskstats.levelset.problem import ConvexProblem
from riskstats.levelset.smooth_losses import LogisticLoss, SquaredLoss

__all__ = ["ConicProgram", "ConicSupport", "conic_support"]


@dataclass(frozen=True, eq=False)
class ConicSupport:
    """What a solver says about ``max q'theta``, for k directions.

    value : (k,), NaN where the solver failed. theta : (k, p). solved : (k,) whether it claims its accuracy.
    seconds : (k,), each solve by itself, without the compilation.
    """

    value: Floats
    theta: Floats
    solved: Any
    seconds: Floats
    status: str = "solver bound"


class ConicProgram:
    """The program for one problem and limit, compiled at the first direction.

    solver : a name that cvxpy knows, such as "CLARABEL", "ECOS" or "SCS"; None leaves the choice to cvxpy.
    options : passed on to the solver. `Unavailable`: cvxpy is missing.
    """

    def __init__(
        self, problem: ConvexProblem, limit: float, solver: str | None = None, **options: Any
    ) -> None:
        cp = _cvxpy()
        self.solver, self.options = solver, options
        self._q, self._theta = cp.Parameter(problem.p), cp.Variable(problem.p)
        constraint = _objective(cp, problem, self._theta) <= limit
        self._program = cp.Problem(cp.Maximize(self._q @ self._theta), [constraint])

    def solve(self, q: Floats) -> tuple[float, Floats, bool]:
        """(q'theta, theta, whether the solver claims its accuracy); NaN where it found nothing."""
        cp = _cvxpy()
        self._q.value = np.asarray(q, dtype=np.float64)
        self._theta.value = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._program.solve(solver=self.solver, **self.options)
            except cp.error.SolverError:
                self._theta.value = None
        if self._theta.value is None:
            return float("nan"), np.full(self._theta.size, np.nan), False
        theta = np.asarray(self._theta.value, dtype=np.float64)
        return float(q @ theta), theta, self._program.status == cp.OPTIMAL


def conic_support(
    problem: ConvexProblem, limit: float, directions: Floats, solver: str | None = None, **options: Any
) -> ConicSupport:
    """``max q'theta`` subject to ``F(theta) <= limit`` for every row q of `directions` (k, p), by cvxpy.

    The first direction is solved twice, so that no time holds the compilation.
    """
    program = ConicProgram(problem, limit, solver, **options)
    program.solve(directions[0])
    answers, seconds = [], []
    for q in directions:
        start = time.perf_counter()
        answers.append(program.solve(q))
        seconds.append(time.perf_counter() - start)
    value, theta, solved = zip(*answers, strict=True)
    return ConicSupport(np.array(value), np.stack(theta), np.array(solved), np.array(seconds))


def _objective(cp: Any, problem: ConvexProblem, theta: Any) -> Any:
    """F as cvxpy writes it; rows without weight are left out."""
    rows = problem.weight > 0
    weight, target, design = problem.weight[rows], problem.target[rows], problem.design[rows]
    if isinstance(problem.loss, LogisticLoss):
        data = weight @ cp.logistic(cp.multiply(-target, design @ theta))
    elif isinstance(problem.loss, SquaredLoss):
        data = 0.5 * cp.sum_squares(cp.multiply(np.sqrt(weight), design @ theta - target))
    else:
        raise TypeError(f"no conic form of {problem.loss.name}")
    penalised = problem.ridge > 0
    if not penalised.any():
        return data
    return data + 0.5 * problem.penalty * cp.sum_squares(theta[np.flatnonzero(penalised)])


def _cvxpy() -> Any:
    try:
        import cvxpy
    except ImportError as error:
        raise Unavailable("The conic reference needs cvxpy. Install it with: pip install cvxpy") from error
    return cvxpy
