import json
import math
import subprocess
import sys

import numpy as np
import pytest

from riskstats.multiplicity.ambiguity import ambiguity
from riskstats.multiplicity.literals import logit
from riskstats.multiplicity.pool import viable_prediction_range
from riskstats.multiplicity.prediction_range import range_of_ends
from riskstats.multiplicity.result import weighted_share


def test_more_rows_never_weigh_less(rng):
    for _ in range(200):
        weights = rng.uniform(0, 1, 40) * 10.0 ** rng.integers(-12, 12, 40)
        fewer = rng.random(40) < 0.4
        more = fewer | (rng.random(40) < 0.1)
        assert weighted_share(fewer, weights) <= weighted_share(more, weights)
    assert weighted_share(np.ones(40, dtype=bool), weights) == 1.0


def test_rates_are_plain_data_and_read_only():
    ends = logit([[0.3, 0.7], [0.5, 0.5]])
    rate = ambiguity(
        [0.5, 0.5],
        range_of_ends(ends, ends, source="convex", epsilon=0.01, epsilon_kind="relative"),
        deviation=0.1,
    )
    data = rate.to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["rows"] == [True, False]
    assert data["gap"] == 0.0
    assert (data["epsilon"], data["epsilon_kind"], data["source"]) == (0.01, "relative", "convex")
    with pytest.raises(ValueError, match="read-only"):
        rate.rows[0] = False
    assert str(rate) == rate.summary()
    assert "within relative epsilon 0.01 of the best loss (convex)" in rate.summary()
    assert len(rate.to_frame()) == 1


def test_without_a_bound_the_gap_is_infinite():
    assert ambiguity([0.5], viable_prediction_range([[0.5]]), deviation=0.1).gap == math.inf


def test_the_import_loads_no_solver():
    code = (
        "import sys, riskstats.multiplicity as m; m.ambiguity, m.rashomon_capacity, m.discrepancy;"
        "heavy = ('jax', 'cvxpy', 'pyscipopt', 'sklearn', 'matplotlib', 'pandas');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
