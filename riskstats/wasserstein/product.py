"""The product of two outcomes without limits, of which one is fixed.

``E y1 y2`` is linear in the other: with the worst coupling of the references it gains ``r ||y2||_{p*}``, by
moves in the ratio ``|y2|^(p* - 1)``; for p = 1 where |y2| is largest.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from riskstats.wasserstein.asked import Asked
from riskstats.wasserstein.coupled import comonotone
from riskstats.wasserstein.easier import easier_case
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.sorted_route import sorted_case
from riskstats.wasserstein.verified import Proposal, verified

__all__ = ["product_case"]


def product_case(asked: Asked) -> WorstCase:
    """The worst case of ``E y1 y2`` on the line."""
    if not any(asked.moving) or (all(asked.moving) and asked.order == 2):
        return sorted_case(asked)
    if all(asked.moving):
        return easier_case(asked)
    return _one_fixed(asked, int(asked.moving[1]))


def _one_fixed(asked: Asked, mover: int) -> WorstCase:
    ball, p = asked.balls[mover], asked.order
    values = [each.points[:, 0] for each in asked.balls]
    mass, places = comonotone(values, [each.weights for each in asked.balls], (1, asked.sign))
    v = [value[places[:, j]] for j, value in enumerate(values)]
    fixed, reference = v[1 - mover], float(mass @ (v[0] * v[1]))
    size = np.abs(fixed)
    top = float(size.max())
    if p == 1 or top == 0:
        shape, norm = (size == top).astype(np.float64), top
        step = ball.radius / float(mass @ shape)
    else:
        q = p / (p - 1.0)
        norm = top * float(mass @ (size / top) ** q) ** (1.0 / q)
        shape, step = (size / norm) ** (q - 1.0), ball.radius
    moves = asked.sign * np.sign(fixed) * shape * step
    ends = [value[:, np.newaxis] for value in v]
    ends[mover] = ends[mover] + moves[:, np.newaxis]
    kappa = [math.inf, math.inf]
    kappa[mover] = norm * ball.radius ** (1.0 - p) / p
    upper = asked.sign * reference + ball.radius * norm
    found = Proposal(mass, places, (ends[0], ends[1]), upper, "closed form", tuple(kappa))
    return verified(asked, replace(found, reference=asked.sign * reference))
