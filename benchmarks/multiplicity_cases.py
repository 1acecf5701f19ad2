"""What `benchmarks.multiplicity` measures, one function per side of a comparison."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.recording import spend
from riskstats._jit import one_blas_thread
from riskstats.levelset.baseline import fit_baseline
from riskstats.levelset.conic import conic_support
from riskstats.levelset.epsilon_path import support_path
from riskstats.levelset.level_set import LevelSet
from riskstats.levelset.problem import ConvexProblem
from riskstats.losses import sigmoid

__all__ = [
    "breast_cancer",
    "capacities",
    "certified_ranges",
    "conic_ranges",
    "epsilon_path",
    "kernel",
    "proven_discrepancy",
    "random_problem",
    "scip_discrepancy",
]

EPSILON = 0.01


@lru_cache(maxsize=2)
def random_problem(n: int, d: int) -> tuple[ConvexProblem, np.ndarray]:
    """A logistic problem with standard normal columns, C = 1, and its rows as directions."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d))
    target = 2.0 * (rng.random(n) < sigmoid(X @ rng.normal(size=d) * 0.5)) - 1.0
    problem = ConvexProblem.of(X, target, penalty=1.0 / n)
    return problem, problem.augmented(X)


@lru_cache(maxsize=1)
def breast_cancer() -> tuple[ConvexProblem, np.ndarray]:
    """Standardised breast_cancer, C = 1, and its rows as directions."""
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    problem = ConvexProblem.of(X, 2.0 * y - 1.0, penalty=1.0 / len(y))
    return problem, problem.augmented(X)


def _level_set(problem: ConvexProblem, epsilon: float = EPSILON, device: str = "numpy") -> LevelSet:
    with one_blas_thread():
        return LevelSet.near_optimal(problem, fit_baseline(problem), epsilon, relative=True, device=device)


def _median(function: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """(answer, median seconds)."""
    found = [spend(function) for _ in range(repeats)]
    return found[-1].answer, statistics.median(each.seconds for each in found)


def certified_ranges(n: int, d: int, asked: int, repeats: int) -> dict[str, Any]:
    """Both ends of the first rows."""
    problem, q = random_problem(n, d)
    q = q[:asked]
    both = np.concatenate([-q, q])
    found, seconds = _median(lambda: _level_set(problem).support(both), repeats)
    return {"seconds": seconds, "gap": float(found.gap.max())}


def conic_ranges(n: int, d: int, solved: int, solver: str) -> dict[str, Any]:
    """Both ends of the first rows by one solver; seconds are the mean of a solve."""
    problem, q = random_problem(n, d)
    both = np.concatenate([-q[:solved], q[:solved]])
    level_set = _level_set(problem)
    own = level_set.support(both)
    options = {"eps": 1e-6} if solver == "SCS" else {}
    found = conic_support(problem, level_set.inner_limit, both, solver, **options)
    apart = np.abs(sigmoid(found.value) - sigmoid(own.inner))[found.solved]
    return {
        "seconds": float(np.mean(found.seconds)),
        "solved": int(found.solved.sum()),
        "asked": len(both),
        "difference": float(apart.max()) if len(apart) else None,
    }


def epsilon_path(name: str, n: int, repeats: int) -> dict[str, Any]:
    """20 values of epsilon from 1e-3 to .1 beside the last of them alone."""
    problem, q = breast_cancer() if name == "breast_cancer" else random_problem(n, 20)
    both = np.concatenate([-q, q])
    epsilons = np.geomspace(1e-3, 0.1, 20)
    _, one = _median(lambda: _level_set(problem, 0.1).support(both), repeats)
    found, many = _median(
        lambda: support_path(_level_set(problem), both, epsilons.tolist(), relative=True), repeats
    )
    gap = max(float(each.gap.max()) for each in found)
    return {"one": one, "many": many, "ratio": many / one, "gap": gap}


def capacities(iterations: int, repeats: int) -> dict[str, Any]:
    """The closed form and the plain iteration, on the ranges of breast_cancer."""
    from riskstats.multiplicity.capacity import binary_capacity

    problem, q = breast_cancer()
    found = _level_set(problem).support(np.concatenate([-q, q]))
    low, high = -found.inner[: len(q)], found.inner[len(q) :]
    own, seconds = _median(lambda: binary_capacity(low, high), max(repeats, 20))
    started = time.perf_counter()
    lower, upper = blahut_arimoto(np.stack([sigmoid(low), sigmoid(high)]), iterations)
    other = time.perf_counter() - started
    inside = bool(((own >= lower - 1e-12) & (own <= upper + 1e-12)).all())
    return {
        "rows": len(q),
        "own_ms": 1e3 * seconds,
        "other": other,
        "other_gap": float((upper - lower).max()),
        "ratio": other / seconds,
        "inside": "yes" if inside else "NO",
    }


def blahut_arimoto(p: np.ndarray, iterations: int) -> tuple[np.ndarray, np.ndarray]:
    """(lower, upper) bits of the capacity of two models (2, n), for all rows at once."""
    both = np.stack([1.0 - p, p], axis=-1)
    share = np.full(p.shape, 0.5)
    for _ in range(iterations):
        mean = np.einsum("jn,jnc->nc", share, both)
        with np.errstate(divide="ignore", invalid="ignore"):
            divergence = np.where(both > 0, both * np.log(both / mean), 0.0).sum(axis=-1)
        lower, upper = (share * divergence).sum(axis=0), divergence.max(axis=0)
        weight = share * np.exp(divergence)
        share = weight / weight.sum(axis=0)
    return lower / np.log(2.0), upper / np.log(2.0)


def proven_discrepancy(epsilon: float, deviation: float, time_limit: float) -> dict[str, Any]:
    """The certified search on breast_cancer, ranges included in the clock."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression

    from riskstats.multiplicity.estimator import RashomonSet

    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    models = RashomonSet(LogisticRegression(), epsilon=epsilon).fit(X, y)
    done = spend(lambda: models.discrepancy(X, deviation=deviation, time_limit=time_limit))
    answer = done.answer
    found = f"{answer.n_conflict}"
    if answer.bound > answer.value:
        found += f" to {round(answer.bound * len(y))}"
    return {"seconds": done.seconds, "found": found, "status": answer.status}


def scip_discrepancy(epsilon: float, deviation: float, formulation: str, time_limit: float) -> dict[str, Any]:
    """SCIP on the same question: "gradient cuts" alone, or with "conflict edges"."""
    from benchmarks.multiplicity_discrepancy import scip_seconds

    problem, q = breast_cancer()
    return scip_seconds(
        _level_set(problem, epsilon),
        q,
        deviation,
        edges=formulation == "conflict edges",
        time_limit=time_limit,
    )


def kernel(n: int, d: int, asked: int, device: str, repeats: int) -> dict[str, Any]:
    """Both ends of the first rows on one device; compilation apart."""
    problem, q = random_problem(n, d)
    both = np.concatenate([-q[:asked], q[:asked]])
    level_set = _level_set(problem, device=device)
    level_set.support(both)
    found, seconds = _median(lambda: level_set.support(both), repeats)
    return {
        "seconds": seconds,
        "compile_seconds": level_set.kernel.compile_seconds,
        "gap": float(found.gap.max()),
        "device": _device() if device == "gpu" else "CPU",
    }


def _device() -> str:
    import jax

    return str(jax.devices()[0].device_kind)
