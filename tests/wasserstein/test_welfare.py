"""Robust welfare: stored values on the line and on a grid, the ranking of rules, what a rule may not be."""

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.wasserstein.ball import MarginalBalls, WassersteinBall
from riskstats.wasserstein.overlap_finite import OverlapFinite
from riskstats.wasserstein.program import solve_program
from riskstats.wasserstein.welfare import rank_rules, robust_welfare
from tests.wasserstein.golden import GOLDEN, budgets, overlapping

STORED = GOLDEN["F_welfare_cheap_x"]
RULES = {
    "treat_if_x>=0.5": lambda x: x[:, 0] >= 0.5,
    "treat_if_x<0.5": lambda x: x[:, 0] < 0.5,
    "treat_if_x=1": lambda x: x[:, 0] >= 1.0,
    "treat_all": lambda x: np.ones(len(x), dtype=bool),
    "treat_none": lambda x: np.zeros(len(x), dtype=bool),
}


@pytest.mark.parametrize("place", range(len(STORED["rows"])))
def test_stored_welfare_on_the_line(place):
    row = STORED["rows"][place]
    reference = STORED["references"][row["reference"]]
    model = overlapping(reference, row["p"], budgets(row), STORED["covariate_weight"])
    for name, stored in row["welfare_inf_real"].items():
        found = robust_welfare(RULES[name], model, admissible=np.array(reference["gx"])[:, None], gap=1e-8)
        if stored == "infeasible":
            assert found.status is Status.INFEASIBLE
            continue
        assert found.value == pytest.approx(stored, abs=1e-7), (row, name)
        assert found.value <= found.upper + 1e-12
        law = found.worst_case_distribution
        treats = RULES[name](law.targets[0][:, 1:])
        value = law.weights @ np.where(treats, law.targets[0][:, 0], law.targets[1][:, 0])
        if found.attained:
            assert value == pytest.approx(found.upper, abs=1e-9)


@pytest.mark.slow
def test_stored_welfare_on_a_grid():
    for row in STORED["rows"]:
        reference = STORED["references"][row["reference"]]
        for weight, key in ((0.2, "welfare_inf_grid"), (np.inf, "welfare_inf_frozen_x_grid")):
            model = overlapping(reference, row["p"], budgets(row), weight)
            for name, stored in row[key].items():
                question = OverlapFinite(
                    model,
                    np.array(STORED["gy"]),
                    np.array(STORED["gy"]),
                    np.array(reference["gx"])[:, None],
                    lambda a, b, x, rule=RULES[name]: -np.where(rule(x), a, b),
                )
                found = solve_program(question, gap=1e-9)
                if stored == "infeasible":
                    assert found.status is Status.INFEASIBLE
                else:
                    assert -found.enclosure.upper == pytest.approx(stored, abs=1e-7), (row, key, name)


def test_the_ranking_turns_as_covariates_become_cheap():
    reference = STORED["references"]["different_x"]
    grid = np.array(reference["gx"])[:, None]
    first = {}
    for budget in (0.012, 0.03):
        model = overlapping(reference, 1, (budget, budget), 0.2)
        ranking = rank_rules(
            {name: RULES[name] for name in ("treat_if_x>=0.5", "treat_all")}, model, admissible=grid
        )
        first[budget] = ranking.names[0]
        assert ranking.ties[0] == ranking.names[0]
        assert "robust welfare" in ranking.summary()
    assert first == {0.012: "treat_if_x>=0.5", 0.03: "treat_all"}


def test_what_is_no_rule():
    model = overlapping(STORED["references"]["common_x"], 1, (0.1, 0.1))
    with pytest.raises(InvalidInput, match="True or False"):
        robust_welfare(lambda x: x[:, 0], model)
    with pytest.raises(InvalidInput, match="maps covariates"):
        robust_welfare("x > 1", model)
    ball = WassersteinBall([0.0, 1.0], radius=0.1)
    with pytest.raises(InvalidInput, match="OverlappingBalls"):
        robust_welfare(RULES["treat_all"], MarginalBalls(ball, ball))
    with pytest.raises(InvalidInput, match="dict of named rules"):
        rank_rules([RULES["treat_all"]], model)
