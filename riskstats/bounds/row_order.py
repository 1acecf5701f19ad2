"""Bounds that take units in the order of the rows, and a warning where that order looks at the losses."""

from __future__ import annotations

import math

import numpy as np

from riskstats._samples import warn_of_assumption
from riskstats._validation import Floats
from riskstats.bounds.base import Bound
from riskstats.bounds.sample import Sample

__all__ = ["takes_rows_in_order", "warn_of_trend"]

STEEP = 6.0  # standard deviations; shuffled rows come so far about once in 10^9


def takes_rows_in_order(bound: Bound) -> bool:
    """Whether the answer depends on the order of the units."""
    from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev

    if parts := getattr(bound, "bounds", ()):
        return any(map(takes_rows_in_order, parts))
    needs = bound.requires
    return needs.anytime or not needs.independent or isinstance(bound, RockafellarUryasev)


def warn_of_trend(sample: Sample, bound: Bound) -> None:
    """`AssumptionWarning` where losses rise or fall along the rows and the bound takes them in that order.

    Sorted losses, or rows sorted by class or difficulty, void a bound by betting. Shuffled rows have a
    correlation of about `1 / sqrt(n - 1)` with their place; six times as much is no chance.
    """
    if not takes_rows_in_order(bound):
        return
    slopes = np.concatenate([_correlations(part.values) for _, part in sample.blocks()])
    worst = int(np.abs(slopes).argmax())
    if abs(slopes[worst]) * math.sqrt(max(sample.n_units - 1, 0)) <= STEEP:
        return
    which = f" of candidate {worst}" if sample.n_candidates > 1 else ""
    warn_of_assumption(
        f"`losses`{which} {'rise' if slopes[worst] > 0 else 'fall'} along the rows (correlation "
        f"{slopes[worst]:.2g}); `{bound}` takes units in the order of the rows, which must not depend on the "
        "losses. Shuffle the rows once with a fixed seed."
    )


def _correlations(values: Floats) -> Floats:
    """(m,) correlation of the losses (m, n) with their place; 0 where they do not vary."""
    n = values.shape[1]
    place = np.arange(n) - 0.5 * (n - 1)
    first = values[:, :1]
    sums = values.sum(axis=1) - n * first[:, 0]
    squares = np.array([np.dot(row - row[0], row - row[0]) for row in values])
    spread = np.maximum(squares - sums**2 / n, 0.0) * np.dot(place, place)
    varied = spread > 1e-12 * squares * np.dot(place, place)
    along = np.where(varied, values @ place, 0.0)
    return along / np.sqrt(np.where(varied, spread, 1.0))
