"""Random laws with ties and zero weights, and one of every measure."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from riskstats.measures.atkinson import Atkinson
from riskstats.measures.cvar import CVaR
from riskstats.measures.distortion import Distortion
from riskstats.measures.dual_power import DualPower
from riskstats.measures.entropic import Entropic
from riskstats.measures.evar import EVaR
from riskstats.measures.expectile import Expectile
from riskstats.measures.exponential_distortion import ExponentialDistortion
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.proportional_hazard import ProportionalHazard
from riskstats.measures.spectral import Spectral
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.measures.var_interval import VaRInterval
from riskstats.measures.wang import Wang


def cubic(p):
    return p**3


COHERENT = [
    Mean(),
    CVaR(0.0),
    CVaR(0.5),
    CVaR(0.95),
    VaRInterval(0.3, 1.0),
    Spectral(cubic),
    Spectral.steps((0, 0.5, 0.9, 1), (0.2, 0.3, 0.5)),
    Distortion(np.sqrt),
    Wang(0.7),
    ProportionalHazard(2.5),
    DualPower(3),
    ExponentialDistortion(4.0),
    EVaR(0.0),
    EVaR(0.6),
    EVaR(0.95),
    Expectile(0.5),
    Expectile(0.9),
]
MONOTONE = [
    *COHERENT,
    ValueAtRisk(0.0),
    ValueAtRisk(0.75),
    ValueAtRisk(0.75, "upper"),
    VaRInterval(0.2, 0.7),
    Spectral.steps((0, 0.5, 1), (0.9, 0.1)),
    Distortion(np.square),
    Wang(-0.5),
    ProportionalHazard(0.5),
    DualPower(0.4),
    Entropic(0.0),
    Entropic(1.5),
    Expectile(0.2),
]
INEQUALITY = [Gini(), Gini(sharp=True), Atkinson(0.5), Atkinson(1.0), Atkinson(2.0)]
ALL = [*MONOTONE, *INEQUALITY]


class Case(NamedTuple):
    """The same sample as fractions and as floats."""

    atoms: list[Fraction]
    counts: list[Fraction]
    level: Fraction
    losses: np.ndarray
    weights: np.ndarray


def rational_cases(rng: np.random.Generator, cases: int, *, low: int = -9) -> Iterator[Case]:
    """n from 1 to 60, ties, zero weights, a common factor of the weights, levels that often hit a jump."""
    for _ in range(cases):
        n = int(rng.integers(1, 61))
        tops, bottoms = rng.integers(low, 10, n), rng.integers(1, 8, n)
        atoms = [Fraction(int(a), int(b)) for a, b in zip(tops, bottoms, strict=True)]
        counts = rng.integers(0, 4, n) if rng.random() < 0.7 else np.ones(n, dtype=int)
        counts[rng.integers(n)] += counts.sum() == 0
        q = int(counts.sum()) if rng.random() < 0.7 else int(rng.integers(1, 200))
        level = Fraction(int(rng.integers(0, q)), q)
        factor = float(rng.choice([1.0, 0.1, 1 / 3, 7e-5, 1e12]))
        yield Case(
            atoms, [Fraction(int(c)) for c in counts], level, np.array(atoms, dtype=float), factor * counts
        )
