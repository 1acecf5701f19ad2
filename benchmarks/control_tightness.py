"""How far bounds lie above the truth, and how often below it: seeded samples of laws whose risk is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy import special, stats

from benchmarks.recording import spend
from riskstats.bounds.base import Bound
from riskstats.bounds.bentkus import Bentkus
from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.betting import Betting
from riskstats.bounds.chernoff import Chernoff
from riskstats.bounds.clopper_pearson import ClopperPearson
from riskstats.bounds.dkw import DKW
from riskstats.bounds.empirical_bernstein import EmpiricalBernstein
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.hoeffding_bentkus import HoeffdingBentkus
from riskstats.bounds.kolmogorov_smirnov import KolmogorovSmirnov
from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev
from riskstats.bounds.sample import Sample
from riskstats.measures.base import RiskMeasure
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean

__all__ = ["CVAR_CASES", "LAWS", "MEAN_CASES", "Case", "Law", "tightness"]

DELTA = 0.05
DOUBT = 1e-6
"""Below this probability of so many failures, a bound that holds is ruled out."""
BLOCK = 2_000_000
"""Losses drawn at a time."""


@dataclass(frozen=True)
class Law:
    """A law on [0, 1]: `draw(rng, shape)`, its mean, and `tail(level)`, its CVaR."""

    name: str
    draw: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
    mean: float
    tail: Callable[[float], float]

    def truth(self, measure: RiskMeasure) -> float:
        """The mean or CVaR."""
        return self.tail(measure.level) if isinstance(measure, CVaR) else self.mean


def bernoulli(p: float) -> Law:
    """0 or 1."""
    return Law(
        f"Bernoulli({p:g})",
        lambda rng, shape: (rng.random(shape) < p).astype(float),
        p,
        lambda level: min(1.0, p / (1.0 - level)),
    )


def square() -> Law:
    """U^2: `CVaR = (1 - level^3) / (3 (1 - level))`."""
    return Law(
        "U^2",
        lambda rng, shape: rng.random(shape) ** 2,
        1 / 3,
        lambda level: (1.0 - level**3) / (3.0 * (1.0 - level)),
    )


def beta(a: float, b: float, share: float = 1.0) -> Law:
    """Beta(a, b) with probability `share`, else 0."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        losses = rng.beta(a, b, shape)
        return losses if share == 1.0 else np.where(rng.random(shape) < share, losses, 0.0)

    def tail(level: float) -> float:
        above = min(1.0, (1.0 - level) / share)
        v = special.betainccinv(a, b, above)
        return float(share * a / (a + b) * special.betaincc(a + 1, b, v) / (1.0 - level))

    name = f"Beta({a:g}, {b:g})"
    return Law(name if share == 1.0 else f"{share:g} {name}", draw, share * a / (a + b), tail)


def four_factors() -> Law:
    """`1 - prod of four (1 - .9 z)`, z in {0, .25, .5, .75, 1} with chances .86, .08, .035, .02, .005."""
    values, chances = np.array([0.0, 0.25, 0.5, 0.75, 1.0]), np.array([0.86, 0.08, 0.035, 0.02, 0.005])
    every = np.array(list(product(range(5), repeat=4)))
    atoms = 1.0 - (1.0 - 0.9 * values[every]).prod(axis=1)
    mass = chances[every].prod(axis=1)
    order = np.argsort(atoms)
    atoms, cumulative = atoms[order], np.concatenate([[0.0], np.cumsum(mass[order])])

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        drawn = rng.choice(values, (*shape, 4), p=chances)
        return np.asarray(1.0 - (1.0 - 0.9 * drawn).prod(axis=-1))

    def tail(level: float) -> float:
        return float(np.diff(np.maximum(cumulative - level, 0.0)) @ atoms / (1.0 - level))

    return Law("1 - prod of four (1 - .9 z)", draw, tail(0.0), tail)


LAWS: Mapping[str, Law] = {
    "square": square(),
    "A": beta(0.8, 6.0, 0.4),
    "B": four_factors(),
    "C": bernoulli(0.03),
    "beta": beta(2.0, 8.0),
    "rare": bernoulli(0.02),
}

# ---- what is compared


@dataclass(frozen=True)
class Case:
    """A law, a size, a measure, and the bounds to compare by name.

    `accepted` is the most that this project accepts as the mean of `judged`'s bounds.
    """

    law: str
    n: int
    measure: RiskMeasure
    bounds: Mapping[str, Bound]
    judged: str = ""
    accepted: float | None = None

    @property
    def truth(self) -> float:
        """The risk that is bounded."""
        return LAWS[self.law].truth(self.measure)


def _cvar_bounds(level: float, known: float) -> dict[str, Bound]:
    """The bounds on CVaR; `known` is the true quantile, which only a simulation can know."""
    tenths = tuple(np.linspace(0.5, 0.95, 10).tolist())
    return {
        "DKW": DKW(),
        "Kolmogorov-Smirnov": KolmogorovSmirnov(),
        "Berk-Jones": BerkJones(),
        "Berk-Jones on the tail": BerkJones(levels=(level, 1.0)),
        "split": RockafellarUryasev("split"),
        "mixture of 10 in [.5, .95]": RockafellarUryasev("mixture", grid=tenths),
        "mixture of 20 in [0, 1)": RockafellarUryasev("mixture"),
        "predictable": RockafellarUryasev("predictable"),
        "threshold at the true quantile": RockafellarUryasev(known),
    }


def _mean_bounds(binary: bool) -> dict[str, Bound]:
    exact: dict[str, Bound] = {"Clopper-Pearson": ClopperPearson()} if binary else {}
    return exact | {
        "Hoeffding": Hoeffding(),
        "Chernoff": Chernoff(),
        "Bentkus": Bentkus(),
        "Hoeffding-Bentkus": HoeffdingBentkus(),
        "empirical Bernstein": EmpiricalBernstein(),
        "Betting": Betting(device="numpy"),
        "Berk-Jones": BerkJones(),
    }


TAIL = "Berk-Jones on the tail"
CVAR_CASES = (
    Case("square", 1000, CVaR(0.9), _cvar_bounds(0.9, 0.81), "predictable", 0.9335),
    Case("square", 5000, CVaR(0.9), _cvar_bounds(0.9, 0.81), "predictable", 0.9160),
    Case("A", 901, CVaR(0.95), _cvar_bounds(0.95, 0.255), TAIL, LAWS["A"].tail(0.95) + 0.12),
    Case("B", 901, CVaR(0.95), _cvar_bounds(0.95, 0.6975), TAIL, LAWS["B"].tail(0.95) + 0.07),
    Case("C", 901, CVaR(0.95), _cvar_bounds(0.95, 0.0), TAIL, LAWS["C"].tail(0.95) + 0.32),
)
MEAN_CASES = (
    Case("rare", 500, Mean(), _mean_bounds(binary=True)),
    Case("beta", 500, Mean(), _mean_bounds(binary=False)),
)

# ---- measuring


def tightness(case: Case, repetitions: int, seed: int = 0) -> list[dict[str, Any]]:
    """One row per bound: mean bound and excess with its standard error, and the share of samples covered."""
    law, rng = LAWS[case.law], np.random.default_rng(seed)
    values: dict[str, list[np.ndarray]] = {name: [] for name in case.bounds}
    seconds = dict.fromkeys(case.bounds, 0.0)
    for rows in _parts(repetitions, case.n):
        losses = law.draw(rng, (rows, case.n))
        for name, bound in case.bounds.items():
            sample = Sample(losses, (0.0, 1.0), binary=isinstance(bound, ClopperPearson))
            spent = spend(bound.upper, sample, case.measure, DELTA)
            values[name].append(spent.answer)
            seconds[name] += spent.seconds
    return [_row(case, name, np.concatenate(values[name]), seconds[name]) for name in case.bounds]


def _parts(repetitions: int, n: int) -> list[int]:
    size = max(1, BLOCK // n)
    return [min(size, repetitions - start) for start in range(0, repetitions, size)]


def _row(case: Case, name: str, bounds: np.ndarray, seconds: float) -> dict[str, Any]:
    truth, repetitions = case.truth, len(bounds)
    failures = int((bounds < truth).sum())
    return {
        "law": LAWS[case.law].name,
        "n": case.n,
        "measure": str(case.measure),
        "truth": truth,
        "bound": name,
        "mean_bound": float(bounds.mean()),
        "excess": float(bounds.mean() - truth),
        "standard_error": float(bounds.std(ddof=1) / math.sqrt(repetitions)),
        "accepted": case.accepted if name == case.judged else None,
        "failures": failures,
        "repetitions": repetitions,
        "covered": 1.0 - failures / repetitions,
        "holds": bool(stats.binom.sf(failures - 1, repetitions, DELTA) >= DOUBT),
        "seconds": seconds,
    }
