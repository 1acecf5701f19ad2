import numpy as np
import pytest

from riskstats.levelset.baseline import fit_baseline
from tests.levelset.cases import both_ends, golden_problem, level_set, sigmoid

NAMES = ["breast_cancer", "synthetic_cosine", "synthetic_cosine_logloss_only"]


@pytest.mark.parametrize("name", NAMES)
def test_the_minimiser(name):
    problem, golden, _ = golden_problem(name)
    baseline = fit_baseline(problem)
    best = golden.get("F_star", golden.get("L_star"))
    assert baseline.below - 1e-15 <= best <= baseline.above + 1e-15
    assert baseline.gap < 1e-14
    np.testing.assert_allclose(baseline.theta, [golden["intercept"], *golden["coef"]], atol=1e-8)


@pytest.mark.parametrize(("epsilon", "device"), [("0.01", "numpy"), ("0.05", "numpy"), ("0.01", "cpu")])
@pytest.mark.parametrize("name", NAMES)
def test_ends_of_the_rows(name, epsilon, device):
    problem, golden, X = golden_problem(name)
    values = golden["eps"][epsilon]
    rows = problem.augmented(X)[golden["idx"]]
    models = level_set(problem, float(epsilon), device=device)
    inner, outer = both_ends(models, rows)
    if "logit_lo" in values:
        np.testing.assert_allclose(inner, np.stack([values["logit_lo"], values["logit_hi"]], 1), atol=1e-8)
    np.testing.assert_allclose(
        sigmoid(inner), np.stack([values["vpr_lo"], values["vpr_hi"]], axis=1), atol=1e-8
    )
    assert np.abs(outer - inner).max() <= 1e-9
    assert models.inner_limit == pytest.approx(values["tau"], abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_counts_of_rows_in_conflict(name):
    problem, golden, X = golden_problem(name)
    rows = problem.augmented(X)
    chance = sigmoid(rows @ fit_baseline(problem).theta)
    inner, outer = both_ends(level_set(problem, 0.01), rows)
    for ends in (inner, outer):
        change = np.maximum(sigmoid(ends[:, 1]) - chance, chance - sigmoid(ends[:, 0]))
        for deviation, expected in golden["eps"]["0.01"]["ambiguity"].items():
            assert (change >= float(deviation)).sum() == expected["count"]
