"""Predictive multiplicity by enumeration, in whole numbers and in many digits."""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations

import numpy as np


def blahut_arimoto(channel, steps):
    """(lower, upper) end of the capacity in bits of one channel (inputs, outputs), by the plain iteration."""
    r = np.full(len(channel), 1 / len(channel))
    for _ in range(steps):
        q = r @ channel
        kl = np.array(
            [sum(p * np.log(p / m) for p, m in zip(row, q, strict=True) if p > 0) for row in channel]
        )
        lower, upper = r @ kl, kl.max()
        r = r * np.exp(kl)
        r /= r.sum()
    return lower / np.log(2), upper / np.log(2)


def closed_form_capacity(low, high, digits=80):
    """Capacity in bits between two logits, by the textbook form in `digits` decimal digits."""
    with localcontext() as context:
        context.prec = digits
        a, b = (1 / (1 + (-Decimal(end)).exp()) for end in (low, high))
        entropy_a, entropy_b = (-p * p.ln() - (1 - p) * (1 - p).ln() for p in (a, b))
        slope = -(entropy_b - entropy_a) / (b - a)
        start = -entropy_a - a * slope
        return (start.exp() + (start + slope).exp()).ln() / Decimal(2).ln()


def ambiguity_on_a_grid(reference, pool, deviation, weights):
    """Share of rows with a model at least `deviation` away; predictions are whole numbers of grid steps."""
    rows = range(len(reference))
    hit = [any(abs(int(model[i]) - int(reference[i])) >= deviation for model in pool) for i in rows]
    return share(hit, weights)


def discrepancy_on_a_grid(reference, pool, deviation, weights):
    """Largest share of rows on which one model is at least `deviation` away."""
    rows = range(len(reference))
    return max(
        share([abs(int(model[i]) - int(reference[i])) >= deviation for i in rows], weights) for model in pool
    )


def share(hit, weights):
    """Weight of the rows that are hit over the weight of all, as a fraction."""
    return sum((Fraction(w) for w, h in zip(weights, hit, strict=True) if h), Fraction()) / sum(
        Fraction(w) for w in weights
    )


def pairs_that_differ(decisions):
    """Share of unordered pairs of models with different decisions, for each row of (models, rows)."""
    pairs = list(combinations(range(len(decisions)), 2))
    return np.array(
        [sum(row[i] != row[j] for i, j in pairs) / len(pairs) for row in np.asarray(decisions).T.tolist()]
    )
