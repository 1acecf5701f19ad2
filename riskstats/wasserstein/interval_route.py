"""One ball of numbers in an interval: a search in the multiplier, with inner suprema inside the interval."""

from __future__ import annotations

import numpy as np

from riskstats.wasserstein.aggregate import lifted, reduced
from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.functional import Aggregate
from riskstats.wasserstein.line import line_worst
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.verified import Proposal, verified

__all__ = ["interval_case"]


def interval_case(asked: Asked) -> WorstCase:
    """The worst case of a function of one number on an interval that some law of the ball lives on."""
    function, whole, ball = asked.functional, reduced(asked), asked.balls[0]
    assert isinstance(function, Aggregate)
    factor = float(whole.vectors[0][0])
    ends = sorted(factor * end for end in asked.box[0])
    places = np.arange(len(ball.weights))[:, np.newaxis]
    sums = whole.sums(places)
    found = line_worst(
        function.g,
        asked.sign,
        sums,
        ball.weights,
        whole.radius,
        whole.order,
        within=(ends[0], ends[1]),
        gap=asked.gap,
    )
    proposal = lifted(asked, whole, found, places, sums, "one ball in an interval")
    targets = tuple(np.clip(target, *asked.box[0]) for target in proposal.targets)
    rest = (proposal.multiplier, proposal.attained)
    return verified(
        asked, Proposal(proposal.weights, proposal.sources, targets, proposal.upper, proposal.route, *rest)
    )
