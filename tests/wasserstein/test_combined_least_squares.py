"""Two samples without a common row: golden values, the transport program, slopes that never pay."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from riskstats.exceptions import AssumptionWarning, InvalidInput
from riskstats.wasserstein.combined_least_squares import CombinedLeastSquares

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "wasserstein.json").read_text(encoding="utf-8"))
ROWS, INPUTS = GOLDEN["G_data_combination_LS"]["rows"], GOLDEN["inputs"]
TOLERANCE = GOLDEN["meta"]["tolerance"]["real"]


def fitted(X, y, predictor_weight=None, target_weight=None, **settings):
    with pytest.warns(AssumptionWarning, match="no covariates are shared"):
        return CombinedLeastSquares(**settings).fit(
            np.reshape(X, (len(X), -1)), y, predictor_weight=predictor_weight, target_weight=target_weight
        )


@pytest.mark.parametrize("row", ROWS)
def test_golden_values(row):
    samples = (INPUTS[name] for name in ("v2", "v1", "a2", "a1"))
    model = fitted(*samples, radius=(row["r1"], row["r0"]))
    for theta, value in row["values"].items():
        assert model.worst_case_error(float(theta), row["c"]) == pytest.approx(value, abs=TOLERANCE)
    assert model.coef_.tolist() == [row["argmin_theta"]]
    assert model.intercept_ == pytest.approx(row["argmin_c"], abs=TOLERANCE)
    assert model.objective_ == pytest.approx(row["min"], abs=TOLERANCE)
    assert model.bound_ == model.objective_


def test_the_worst_coupling_is_that_of_the_transport_program(rng):
    from scipy.optimize import linprog

    X, y = rng.normal(size=(5, 2)), rng.normal(size=4)
    mass, other = rng.random(5), rng.random(4)
    model = fitted(X, y, mass, other, radius=0.0)
    for theta in rng.normal(size=(10, 2)):
        gain = (y[:, None] - X @ theta - 0.3) ** 2
        rows = np.vstack([np.kron(np.eye(4), np.ones(5)), np.kron(np.ones(4), np.eye(5))])
        limits = np.concatenate([other / other.sum(), mass / mass.sum()])
        answer = linprog(-gain.ravel(), A_eq=rows, b_eq=limits, method="highs")
        assert model.worst_case_error(theta, 0.3) == pytest.approx(-answer.fun, rel=1e-9)


def test_no_slope_beats_zero(rng):
    for norm in (1, 2, math.inf):
        X, y = rng.normal(size=(30, 3)), rng.standard_t(3, size=20)
        model = fitted(X, y, radius=(0.1, 0.3), norm=norm)
        assert model.objective_ == pytest.approx((y.std() + 0.1) ** 2, rel=1e-12)
        for theta in rng.normal(size=(50, 3)):
            assert model.worst_case_error(theta) > model.objective_
            best = model.worst_case_error(theta)
            assert best <= model.worst_case_error(theta, float(rng.normal())) + 1e-12


def test_laws_in_the_balls_approach_the_value(rng):
    """Shift both marginals along the residual of the worst coupling: the value is attained."""
    X, y = rng.normal(size=12), rng.normal(size=12)
    model = fitted(X, y, radius=(0.2, 0.1))
    theta, c = 0.7, 0.4
    first, second = np.sort(y), np.sort(X)[::-1]
    residual = first - theta * second - c
    size = math.sqrt(np.mean(residual**2))
    moved = residual + residual / size * (0.2 + theta * 0.1)
    assert np.mean(moved**2) == pytest.approx(model.worst_case_error(theta, c), rel=1e-12)


def test_radius_or_budget():
    X, y = [[0.0], [1.0]], [1.0, 2.0, 3.0]
    assert fitted(X, y, radius=0.5).radius_ == (0.5, 0.5)
    assert fitted(X, y, budget=(0.04, 0.09)).radius_ == pytest.approx((0.2, 0.3))
    assert fitted(X, y, radius=0.5).predict([[7.0]]) == pytest.approx([2.0])
    for settings in ({}, {"radius": 0.1, "budget": 0.1}):
        with pytest.raises(InvalidInput, match="exactly one of `radius`"):
            CombinedLeastSquares(**settings).fit(X, y)
    with pytest.raises(InvalidInput, match="got 3 numbers"):
        CombinedLeastSquares(radius=(1, 2, 3)).fit(X, y)
    with pytest.raises(InvalidInput, match="2 entries for 1 columns"):
        fitted(X, y, radius=0.5).worst_case_error([1.0, 2.0])
