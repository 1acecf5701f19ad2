"""Random level sets and a judge of their certified ends, for the search for false certificates."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from unittest.mock import patch

import mpmath
import numpy as np

from riskstats._jit import one_blas_thread
from riskstats.exceptions import NotConverged
from riskstats.levelset import ConvexProblem, LevelSet, LogisticLoss, SquaredLoss
from riskstats.levelset.baseline import fit_baseline
from riskstats.levelset.separability import full_column_rank, separating_direction
from tests.reference import levelset as reference

LONG = float(np.finfo(np.longdouble).eps)


@dataclass
class Tally:
    """What a run of the search saw."""

    problems: int = 0
    ends: int = 0
    finite: int = 0
    wide: int = 0
    unknown: int = 0
    judged_outer: int = 0
    in_many_digits: int = 0
    unbounded: int = 0
    false: list = field(default_factory=list)

    def __str__(self):
        counts = {name: value for name, value in vars(self).items() if name != "false"}
        return f"{counts}, {len(self.false)} false: {self.false[:5]}"


def random_problem(rng):
    """A problem, an epsilon and its kind, all of them at the edge of what floats can bear."""
    n, d = int(rng.integers(5, 61)), int(rng.integers(1, 9))
    X = rng.normal(size=(n, d)) * 10 ** rng.uniform(-3, 3, size=d)
    if d > 1 and rng.random() < 0.25:
        X[:, -1] = X[:, 0]
    if rng.random() < 0.2:
        X += 10 ** rng.uniform(-1, 3) * X.std(axis=0)
    if rng.random() < 0.2:
        X = np.round(X / X.std(axis=0))
    weight = rng.choice([None, 0, 1, 2])
    if weight is not None:
        weight = [rng.integers(0, 4, size=n), rng.random(n), 10 ** rng.uniform(-4, 4, size=n)][weight]
        weight = np.asarray(weight, dtype=float)
    squared = rng.random() < 0.15
    logit = X / np.maximum(X.std(axis=0), 1e-9) @ rng.normal(size=d) * rng.choice([0.0, 0.5, 3.0])
    target = logit + rng.normal(size=n) if squared else np.where(rng.logistic(size=n) < logit, 1.0, -1.0)
    if not squared:
        sides = rng.choice(n, size=2, replace=False)
        target[sides] = [1.0, -1.0]
        if weight is not None:
            weight[sides] = np.maximum(weight[sides], 0.5)
    total = n if weight is None else max(weight.sum(), 1.0)
    if weight is not None and not weight.any():
        weight[0] = 1.0
    penalty = 0.0 if rng.random() < 0.15 else 1 / (10 ** rng.uniform(-2, 4) * total)
    problem = ConvexProblem.of(
        X,
        target,
        sample_weight=weight,
        penalty=penalty,
        loss=SquaredLoss() if squared else LogisticLoss(),
        intercept=bool(rng.random() < 0.85),
    )
    return problem, 10 ** rng.uniform(-6, np.log10(5)), bool(rng.random() < 0.7)


def random_directions(problem, rng, k):
    """Rows of the data and 10 times as far, coefficients, and noise, each with its negative."""
    rows = problem.design[rng.integers(0, problem.n, size=k)].copy()
    for place in range(k):
        kind = rng.integers(0, 4)
        columns = slice(1, None) if problem.intercept else slice(None)
        if kind == 1:
            rows[place, columns] *= 10
        elif kind == 2:
            rows[place] = np.eye(problem.p)[rng.integers(0, problem.p)]
        elif kind == 3:
            rows[place, columns] = rng.normal(size=problem.p)[columns] * problem.column_rms[columns]
    return np.concatenate([rows, -rows])


def search(seed, problems, lanes=2, every=200):
    """Judge the ends of `problems` random problems, each `every`-th in 50 digits throughout."""
    tally = Tally()
    with one_blas_thread(), patch("riskstats.levelset.level_set.one_blas_thread", nullcontext):
        for place in range(problems):
            rng = np.random.default_rng([seed, place])
            problem, epsilon, relative = random_problem(rng)
            judge(problem, epsilon, relative, rng, lanes, tally, (seed, place), place % every == 0)
    return tally


def judge(problem, epsilon, relative, rng, lanes, tally, name, many_digits):
    """Solve and judge one problem; false ends are noted under `name`."""
    tally.problems += 1
    baseline = fit_baseline(problem)
    least, at = reference.long_minimum(problem, baseline.theta)
    if not baseline.below <= least + rounding_of(problem, at[None], least)[0]:
        tally.false.append((name, "least loss from below"))
    try:
        level_set = LevelSet.near_optimal(problem, baseline, epsilon, relative=relative, device="numpy")
    except NotConverged:
        tally.unknown += 1
        return
    directions = random_directions(problem, rng, lanes)
    found = level_set.support(directions, max_iter=100 if many_digits else 12)
    tally.ends += len(directions)
    tally.finite += int(np.isfinite(found.outer).sum())
    tally.wide += int((found.gap > 1e-6).sum())
    limit = (1 + np.longdouble(epsilon)) * least if relative else least + np.longdouble(epsilon)
    judge_inner(problem, limit, epsilon, relative, directions, found, tally, name, many_digits, at)
    judge_outer(problem, limit, directions, found, tally, name)
    if problem.penalty == 0 and unbounded(problem):
        tally.unbounded += 1
        if np.isfinite(level_set.reach).all():
            tally.false.append((name, "reach of an unbounded set"))


def unbounded(problem):
    if not full_column_rank(problem):
        return True
    return problem.loss.name == "log loss" and separating_direction(problem) is not None


def rounding_of(problem, theta, objective):
    """(k,) what rounding in long doubles can make of F: the sum over the rows, and that of the margins."""
    sums = np.abs(theta) @ problem.column_rms
    return LONG * (
        (problem.n + 30) * objective + (problem.p + 4) * sums * (np.sqrt(2 * objective) + sums * LONG)
    )


def judge_inner(problem, limit, epsilon, relative, directions, found, tally, name, many_digits, at):
    objective, _, _, _ = reference.long_terms(problem, found.theta)
    product = (directions.astype(np.longdouble) * found.theta).sum(axis=1)
    if (product < found.inner).any():
        tally.false.append((name, "inner end above its model"))
    rounding = rounding_of(problem, found.theta, objective) + 100 * LONG * limit
    close = np.flatnonzero((objective > limit - rounding) | many_digits)
    if len(close) == 0:
        return
    tally.in_many_digits += len(close)
    with mpmath.workdps(50):
        best = reference.exact_minimum(problem, at)
        exact = (1 + mpmath.mpf(epsilon)) * best if relative else best + mpmath.mpf(epsilon)
        for lane in close:
            if reference.exact_objective(problem, found.theta[lane]) > exact:
                tally.false.append((name, "model outside", int(lane)))


def judge_outer(problem, limit, directions, found, tally, name):
    """No model in hand lies beyond an outer end: neither a polished optimum nor the models of other lanes."""
    attained = directions.astype(np.longdouble) @ found.theta.T
    value, excess, rest = reference.long_support(problem, limit, directions, found.theta, found.t)
    with np.errstate(all="ignore"):
        solved = (np.abs(excess) <= 1e-15 * limit) & (rest <= 1e-12)
        safe = value - 2 * np.abs(excess) / found.t - 200 * LONG * np.abs(value)
    tally.judged_outer += int(solved.sum())
    if (attained.max(axis=1) * (1 - 1e-18) > found.outer + 1e-18 * np.abs(found.outer)).any():
        tally.false.append((name, "model of another lane beyond the outer end"))
    if (safe[solved] > found.outer[solved]).any():
        tally.false.append((name, "optimum beyond the outer end"))
