"""What the answers of a multiplicity report are checked against: plain loops and textbook formulas."""

from dataclasses import replace

import numpy as np

from riskstats.losses import sigmoid
from riskstats.multiplicity.ambiguity import ambiguity
from riskstats.multiplicity.convex import ConvexModels
from riskstats.multiplicity.pool_discrepancy import discrepancy
from riskstats.multiplicity.set_discrepancy import set_discrepancy


def extreme_models_discrepancy(models, rows, *, deviation, sample_weight, prediction_range, **rest):
    """Of a convex set: from the models at the ends of the ranges, bounded by the ambiguity."""
    if not isinstance(models, ConvexModels):
        return set_discrepancy(models, rows, deviation=deviation, sample_weight=sample_weight, **rest)
    found = prediction_range
    theta = np.concatenate([found.witness_lower, found.witness_upper])
    logits = theta @ np.column_stack([np.ones(len(rows)), rows]).T
    show = sigmoid if found.scale == "probability" else np.asarray
    rate = discrepancy(
        show(found.baseline),
        show(logits),
        deviation=deviation,
        sample_weight=sample_weight,
        scale=found.scale,
    )
    most = ambiguity(None, found, deviation=deviation, sample_weight=sample_weight).bound
    kind = "exact" if rate.value == most else "outer"
    stamps = {"epsilon": found.epsilon, "epsilon_kind": found.epsilon_kind, "source": found.source}
    return replace(rate, bound=most, kind=kind, witness=theta[rate.witness], **stamps)


def logistic_objective(theta, X, y, penalty):
    """Mean log loss + penalty / 2 ||w||^2 of one model, the intercept first; y is 0 or 1."""
    logits = theta[0] + X @ theta[1:]
    losses = np.logaddexp(0.0, np.where(y == 1, -logits, logits))
    return losses.mean() + penalty / 2 * np.sum(np.square(theta[1:]))


def rate_of_group(values, labels, weights):
    """{label: weighted share of the rows of the group for which `values` is true}, by loops."""
    shares = {}
    for label in set(labels):
        rows = [i for i in range(len(labels)) if labels[i] == label and weights[i] > 0]
        if rows:
            total = sum(weights[i] for i in rows)
            shares[str(label)] = sum(weights[i] * float(values[i]) for i in rows) / total
    return shares
