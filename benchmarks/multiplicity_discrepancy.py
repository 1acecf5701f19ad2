"""SCIP on the discrepancy of a convex level set, for the tables of `benchmarks.multiplicity`.

It runs with gradient cuts alone, or with the conflicts of pairs as well, whose seconds count, as do the
ranges of the rows. Either way it starts from the heaviest extreme model.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from riskstats._jit import one_blas_thread
from riskstats.levelset import LevelSet
from riskstats.multiplicity.discrepancy_literals import conditions_of
from riskstats.multiplicity.discrepancy_models import Models
from riskstats.multiplicity.discrepancy_oracle import Oracle
from riskstats.multiplicity.discrepancy_scip import pair_conflicts, solve_with_scip
from riskstats.multiplicity.literals import literals_of

__all__ = ["scip_seconds"]


def scip_seconds(
    level_set: LevelSet, directions: np.ndarray, deviation: float, *, edges: bool, time_limit: float
) -> dict[str, Any]:
    """Rows of SCIP's best point, its bound in rows, how it ended, and the seconds of it all.

    The reference is the baseline of the level set; every row counts one.
    """
    start, n = time.perf_counter(), len(directions)
    found = level_set.support(np.concatenate([-directions, directions]))
    outer = np.stack([-found.outer[:n], found.outer[n:]], axis=1)
    literals = literals_of(directions @ level_set.baseline.theta, deviation)
    conditions = conditions_of(directions, literals, outer, np.ones(n))
    models = Models(conditions, level_set.baseline.theta)
    models.offer(found.theta)
    with one_blas_thread():
        pairs = pair_conflicts(Oracle(level_set, conditions), models) if edges else []
        left = time_limit - (time.perf_counter() - start)
        answer = solve_with_scip(level_set, conditions, edges=pairs, start=models.theta, time_limit=left)
    return {
        "seconds": time.perf_counter() - start,
        "value": len(answer.places),
        "bound": answer.bound,
        "nodes": answer.nodes,
        "ended": answer.ended,
    }
