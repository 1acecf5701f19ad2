"""The stored values of the worst cases, and the models they belong to."""

import json
from pathlib import Path

import numpy as np

from riskstats.wasserstein.ball import OverlappingBalls, WassersteinBall

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "wasserstein.json").read_text(encoding="utf-8"))


def overlapping(reference, order, budgets, covariate_weight=1.0):
    """`OverlappingBalls` of a stored reference."""
    weights = reference.get("a1"), reference.get("a0")
    treated, control = (
        WassersteinBall(
            np.column_stack([reference[f"y{arm}"], reference[f"x{arm}"]]),
            budget=budget,
            order=order,
            weights=weight,
        )
        for arm, budget, weight in ((1, budgets[0], weights[0]), (0, budgets[1], weights[1]))
    )
    return OverlappingBalls(treated, control, covariate_weight)


def budgets(row):
    """(budget of treated, budget of control) of a stored row."""
    return row["delta1"], row["delta0"]
