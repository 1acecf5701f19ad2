"""How many units a certificate needs, and how small a limit a given number of units can certify.

0/1 losses with the exact binomial bound are planned exactly, everything else by simulation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._samples import Support, checked_support, loss_vector
from riskstats._validation import Floats, choice, number, probability, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.base import Bound
from riskstats.bounds.choose import recommend
from riskstats.bounds.sample import Sample
from riskstats.control.exact_planning import exact_detectable, exact_sizes
from riskstats.control.pairing import checked_bound, checked_measure
from riskstats.control.result import SampleSizePlan
from riskstats.exceptions import Infeasible, InvalidInput
from riskstats.measures.base import RiskMeasure
from riskstats.measures.mean import Mean

__all__ = ["SampleSizePlan", "detectable_risk", "sample_size"]

STEP = 1.03  # two simulated sizes that differ by less are one: within the 5 % of an answer
ELEMENTS = 2**22  # losses drawn at once
Model = Literal["pilot", "beta"]


def sample_size(
    *,
    pilot: Any,
    risk_limit: float,
    measure: RiskMeasure | None = None,
    bound: Bound | None = None,
    power: float = 0.8,
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
    binary: bool = False,
    n_candidates: int = 1,
    model: Model = "pilot",
    n_simulations: int = 1000,
    max_units: int = 100_000,
    random_state: RandomState = None,
) -> SampleSizePlan:
    """Units to measure so that a candidate is certified with probability `power`, if the assumed law is true.

    For 0/1 losses and `ClopperPearson` the answer is exact: certify iff `P(Bin(n, limit) <= S) <= delta`. Its
    power is a sawtooth in n, so `n_units` is the smallest n from which on it is kept for every larger n, and
    `first_reached` the smallest n that has it. Otherwise samples are simulated, and `n_units` is within 5 %
    of a size at which the simulated power is reached.

    Parameters
    ----------
    pilot : the assumed risk of 0/1 losses, one number; or (k,) losses from a pilot study.
    risk_limit : the limit to certify. The assumed risk must be below it.
    measure, bound : as in `certify`; `bound=None` takes `recommend` at every n.
    power : in (0, 1).
    n_candidates : candidates tested at once, each at `delta / n_candidates`, the first step of `holm`.
    model : simulate from the "pilot" itself, or from a "beta" law with its mean and variance; the pilot alone
        has no losses worse than those it has seen.
    n_simulations : samples of each size; they give the Monte Carlo error of the power.
    max_units : size at which simulation gives up with `Infeasible`.

    `InvalidInput` where the assumed risk is not below the limit. The units of a pilot that chose the limit or
    the size are no part of the certificate: measure new ones.
    """
    case = _case(pilot, measure, bound, confidence_level, support, binary, n_candidates, model)
    limit, target = number(risk_limit, "risk_limit"), probability(power, "power")
    if case.risk >= limit:
        raise InvalidInput(
            f"the assumed risk {case.risk:.4g} is not below `risk_limit` {limit:g}: no number of units "
            "certifies it. Raise `risk_limit`."
        )
    if case.exact:
        return case.exact_plan(limit, target)
    whole_number(max_units, "max_units", low=2)
    simulator = case.simulator(n_simulations, random_state)
    return case.simulated_plan(simulator, limit, target, max_units)


def detectable_risk(
    n: int,
    *,
    pilot: Any,
    measure: RiskMeasure | None = None,
    bound: Bound | None = None,
    power: float = 0.8,
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
    binary: bool = False,
    n_candidates: int = 1,
    model: Model = "pilot",
    n_simulations: int = 1000,
    random_state: RandomState = None,
) -> float:
    """The smallest `risk_limit` that n units certify with probability `power`, if the assumed law is true.

    It is the `power` quantile of the upper bound: exact for 0/1 losses and `ClopperPearson`, else simulated.
    Arguments as in `sample_size`.
    """
    size, target = whole_number(n, "n", low=1), probability(power, "power")
    case = _case(pilot, measure, bound, confidence_level, support, binary, n_candidates, model)
    if case.exact:
        return exact_detectable(size, case.risk, case.delta, target)
    return case.simulator(n_simulations, random_state).quantile(size, target)


def _case(
    pilot: Any,
    measure: RiskMeasure | None,
    bound: Bound | None,
    confidence_level: float,
    support: Any,
    binary: bool,
    n_candidates: int,
    model: Model,
) -> _Case:
    ends, error = checked_support(support), 1.0 - checked_confidence(confidence_level)
    choice(model, ("pilot", "beta"), "model")
    if np.ndim(pilot) == 0 and not hasattr(pilot, "__iter__"):
        rate = probability(pilot, "pilot", closed=True)
        losses, flags = np.array([1.0 - rate, rate]), True
    else:
        losses, flags = loss_vector(pilot, ends, name="pilot")
        rate = None
    count = whole_number(n_candidates, "n_candidates", low=1)
    return _Case(
        losses,
        rate,
        ends,
        binary or flags,
        checked_measure(measure),
        checked_bound(bound),
        error,
        count,
        model,
    )


@dataclass(frozen=True, eq=False)
class _Case:
    """An assumed law and a way to certify.

    losses : of the pilot; where `rate` is given, the law is Bernoulli(rate) and they are unused.
    error : 1 - confidence level, of all candidates together.
    """

    losses: Floats
    rate: float | None
    support: Support
    binary: bool
    measure: RiskMeasure
    method: Bound | None
    error: float
    n_candidates: int
    model: Model

    @property
    def delta(self) -> float:
        return self.error / self.n_candidates

    @property
    def risk(self) -> float:
        """The measure of the assumed law."""
        if self.rate is None:
            return float(self.measure(self.losses))
        from riskstats.distribution import Distribution

        return float(self.measure(Distribution(np.array([0.0, 1.0]), np.array([1.0 - self.rate, self.rate]))))

    @property
    def exact(self) -> bool:
        from riskstats.bounds.clopper_pearson import ClopperPearson

        exact_bound = self.method is None or isinstance(self.method, ClopperPearson)
        return self.binary and exact_bound and isinstance(self.measure, Mean)

    def bound(self, n: int) -> Bound:
        bounded = math.isfinite(self.support[1])
        return self.method or recommend(self.measure, n, binary=self.binary, bounded=bounded)

    def simulator(self, n_simulations: int, random_state: RandomState) -> _Simulator:
        repetitions = whole_number(n_simulations, "n_simulations", low=100)
        return _Simulator(self, _law(self), repetitions, int(generator(random_state).integers(2**31)))

    def exact_plan(self, limit: float, power: float) -> SampleSizePlan:
        if limit >= 1.0:
            return self._plan(1, 1, 1.0, power, limit, notes=("The limit is trivial: no loss exceeds it.",))
        first, kept, attained = exact_sizes(self.risk, limit, self.delta, power)
        return self._plan(kept, first, attained, power, limit)

    def simulated_plan(self, simulator: _Simulator, limit: float, power: float, most: int) -> SampleSizePlan:
        low, high = 0, 1
        while (reached := simulator.power(high, limit)) < power:
            if high >= most:
                raise Infeasible(
                    f"power {power:g} is not reached at `max_units` {most}: it is {reached:.3g} there. Raise "
                    "`max_units` or `risk_limit`."
                )
            low, high = high, min(2 * high, most)
        while high - low > 1 and high > STEP * low:
            middle = max(low + 1, round(math.sqrt(max(low, 1) * high)))
            attained = simulator.power(middle, limit)
            if attained >= power:
                high, reached = middle, attained
            else:
                low = middle
        deviation = math.sqrt(reached * (1.0 - reached) / simulator.repetitions)
        return self._plan(high, high, reached, power, limit, deviation, "simulation", _SIMULATED)

    def _plan(
        self,
        n: int,
        first: int,
        attained: float,
        power: float,
        limit: float,
        deviation: float = 0.0,
        method: str = "exact",
        notes: tuple[str, ...] = (),
    ) -> SampleSizePlan:
        return SampleSizePlan(
            n_units=n,
            first_reached=first,
            power=attained,
            target_power=power,
            risk=self.risk,
            risk_limit=limit,
            measure=str(self.measure),
            bound=str(self.bound(n)),
            confidence_level=1.0 - self.error,
            n_candidates=self.n_candidates,
            monte_carlo_error=deviation,
            method=method,
            notes=notes,
        )


_SIMULATED = ("The size is within 5 % of one at which the simulated power is reached.",)


@dataclass(frozen=True, eq=False)
class _Simulator:
    """Repeated samples of any size from one law; sample i of n units begins sample i of more."""

    case: _Case
    law: Any
    repetitions: int
    seed: int

    def power(self, n: int, limit: float) -> float:
        """Share of samples of n units that certify the limit."""
        bound, delta = self.case.bound(n), self.case.delta
        passed = [bound.p_value(part, self.case.measure, limit, delta) <= delta for part in self.samples(n)]
        return float(np.concatenate(passed).mean())

    def quantile(self, n: int, power: float) -> float:
        """The upper bound that at least this share of samples keep."""
        bound, delta = self.case.bound(n), self.case.delta
        values = np.concatenate([bound.upper(part, self.case.measure, delta) for part in self.samples(n)])
        return float(np.quantile(values, power, method="higher"))

    def samples(self, n: int) -> Iterator[Sample]:
        rows = max(1, ELEMENTS // n)
        for start in range(0, self.repetitions, rows):
            streams = range(start, min(start + rows, self.repetitions))
            values = np.array([self.law(np.random.default_rng((self.seed, i)), n) for i in streams])
            yield Sample(values, self.case.support, self.case.binary)


def _law(case: _Case) -> Any:
    """(generator, n) -> n losses."""
    if case.rate is not None:
        return lambda stream, n: (stream.random(n) < case.rate).astype(np.float64)
    if case.model == "pilot":
        return lambda stream, n: case.losses[stream.integers(len(case.losses), size=n)]
    first, second, (low, high) = _beta(case)
    return lambda stream, n: np.clip(low + (high - low) * stream.beta(first, second, n), low, high)


def _beta(case: _Case) -> tuple[float, float, Support]:
    """Parameters of the beta law on the support with the mean and variance of the pilot."""
    low, high = case.support
    if math.isinf(high):
        raise InvalidInput("`model='beta'` needs a finite `support`. Pass it, or `model='pilot'`.")
    scaled = (case.losses - low) / (high - low)
    mean, variance = float(scaled.mean()), float(scaled.var())
    if not 0 < variance < mean * (1.0 - mean):
        raise InvalidInput(
            f"no beta law has the mean {mean:.3g} and variance {variance:.3g} of `pilot`. "
            "Use `model='pilot'`."
        )
    total = mean * (1.0 - mean) / variance - 1.0
    return mean * total, (1.0 - mean) * total, case.support
