"""Small level sets for the tests of discrepancy."""

import numpy as np

from riskstats.levelset import ConvexProblem, LevelSet, SquaredLoss
from riskstats.levelset.baseline import fit_baseline
from riskstats.multiplicity.prediction_range import range_of_ends


def level_set(seed, n=40, d=3, epsilon=0.05, penalty=0.02, squared=False, scale=1.0, intercept=True):
    """A level set of random data, relative epsilon."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    score = X @ rng.normal(size=d) + rng.normal(size=n)
    target = score if squared else np.where(score > 0.0, 1.0, -1.0)
    problem = ConvexProblem.of(
        X * scale, target, penalty=penalty, loss=SquaredLoss() if squared else None, intercept=intercept
    )
    return LevelSet.near_optimal(problem, fit_baseline(problem), epsilon, relative=True, device="numpy")


def range_over(levels, directions):
    """The certified range of some rows."""
    found = levels.support(np.concatenate([-directions, directions]))
    k = len(directions)
    coefficients = found.theta
    if not levels.problem.intercept:
        coefficients = np.column_stack([np.zeros(2 * k), coefficients])
    return range_of_ends(
        np.stack([-found.inner[:k], found.inner[k:]], axis=1),
        np.stack([-found.outer[:k], found.outer[k:]], axis=1),
        witness_lower=coefficients[:k],
        witness_upper=coefficients[k:],
        baseline=directions @ levels.baseline.theta,
        scale="response" if levels.problem.loss.name == "squared loss" else "probability",
        source="convex",
    )
