"""Seeded harm-benefit trees with planted weights, for tests and benchmarks."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstats.harm.aggregation_kernels import Layout, log_likelihood_terms, scores
from riskstats.harm.aggregation_tree import ACTIONS, EFFECTS, EXTENTS, LIKELIHOODS, cells_of, read_trees

__all__ = ["planted", "random_tree"]


def random_tree(
    rng: np.random.Generator, harmful: float = 1.0, benefits: bool = True
) -> list[dict[str, Any]]:
    """One to three stakeholders, each with some harms and benefits."""
    return [
        {
            "stakeholder": f"stakeholder {k}",
            "harms": [action(rng, str(rng.choice(ACTIONS))) for _ in range(rng.poisson(harmful))],
            "benefits": [action(rng, "helps") for _ in range(rng.poisson(1.0) if benefits else 0)],
        }
        for k in range(rng.integers(1, 4))
    ]


def action(rng: np.random.Generator, name: str) -> dict[str, Any]:
    """An action with one to three effects."""
    effects = [
        {
            "effect": str(rng.choice(EFFECTS)),
            "extent": str(rng.choice(EXTENTS)),
            "likelihood": str(rng.choice(LIKELIHOODS)),
            "immediacy": bool(rng.integers(2)),
        }
        for _ in range(rng.integers(1, 4))
    ]
    return {"action": name, "effects": effects}


def planted(
    n: int, rng: np.random.Generator, layout: Layout | None = None, tail: tuple[float, ...] = ()
) -> tuple[list[Any], np.ndarray, np.ndarray, Layout]:
    """(trees, labels, parameters, layout): labels drawn from the model at random weights.

    tail : scale and intercept, where the layout has them.
    """
    layout = layout or Layout("both", ACTIONS, EFFECTS, False, False, False)
    trees = [random_tree(rng, rng.uniform(0, 3), layout.kind != "harms") for _ in range(n)]
    parameters = np.append(rng.uniform(0.1, 1.0, layout.bounded), tail)
    cells = cells_of(
        read_trees(trees, ACTIONS, EFFECTS),
        lambda effect: layout.kind == "both" or effect.benefit == (layout.kind == "benefits"),
    )
    logits = layout.logit(parameters, scores(layout.tables(parameters), *cells))
    yes, _ = log_likelihood_terms(layout.kind, logits)
    return trees, (rng.random(n) < np.exp(yes)).astype(int), parameters, layout
