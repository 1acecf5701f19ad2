"""Did the forecast of value at risk and expected shortfall hold?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, finite_vector, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.distribution import TIE
from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.tail.acerbi_szekely import first_statistic, second_statistic
from riskstats.tail.backtest_report import BacktestReport, BacktestTest
from riskstats.tail.coverage_tests import chi_squared_tail, exact_kupiec, independence, kupiec, transitions
from riskstats.tail.e_process import e_values, log_wealth, mixed_stakes
from riskstats.tail.forecasts import Forecasts, checked_forecasts
from riskstats.tail.inputs import checked_array
from riskstats.tail.provenance import provenance
from riskstats.tail.scoring import fissler_ziegel

__all__ = ["Sampler", "expected_shortfall_backtest"]

Sampler: TypeAlias = Callable[[np.random.Generator, int], npt.ArrayLike]
"""(generator, m) -> (m, T) losses drawn from the forecaster's law of each period."""

NAMES = {
    "kupiec": "Kupiec, number of hits",
    "independence": "Christoffersen, independence of hits",
    "conditional_coverage": "Conditional coverage",
    "z1": "Acerbi-Szekely Z1",
    "z2": "Acerbi-Szekely Z2",
}
DEGREES = {"kupiec": 1, "independence": 1, "conditional_coverage": 2}
NOT_SIMULATED = "its p-value needs the forecaster's law: pass `sampler`."


def expected_shortfall_backtest(
    losses: Any,
    value_at_risk: Any,
    expected_shortfall: Any,
    level: float,
    *,
    confidence_level: float = 0.95,
    stake: Any = None,
    sampler: Sampler | None = None,
    n_simulations: int = 1000,
    random_state: RandomState = None,
) -> BacktestReport:
    """Tests of forecasts (v_t, es_t) against losses x_t, in the order of time.

    Numbers of hits (Kupiec), their order (Christoffersen), the size of the tail (Acerbi-Szekely), and a bet
    against the forecasts that may be looked at and stopped at any time (e-process): use it for the drift of
    one model between releases.

    Parameters
    ----------
    losses : (T,) in the order of time, larger is worse.
    value_at_risk, expected_shortfall : (T,) or one number each, made before the loss; es > v.
    level : share not in the tail.
    confidence_level : of the alarm of the e-process.
    stake : lambda of the e-process: one number in [0, 1], or (T,) numbers that each depend on earlier losses
        only; None mixes seven constant stakes by what they have earned.
    sampler : `sampler(rng, m)` gives (m, T) losses from the forecaster's law; with it p-values are simulated.
    n_simulations : m.
    random_state : of the sampler.

    `InvalidInput`: NaN or infinite values, es <= v, a stake outside [0, 1], a sampler of another shape.
    Losses tied with the value at risk make hits rarer than 1 - level: all tests but the e-process then need
    the sampler, and the report says so.
    """
    series = finite_vector(losses, "losses")
    given = checked_forecasts(series, value_at_risk, expected_shortfall, level)
    confidence = checked_confidence(confidence_level)
    draws, rng = whole_number(n_simulations, "n_simulations", low=1), generator(random_state)
    simulated = None if sampler is None else _simulated(given, sampler, draws, rng)
    e = e_values(given)
    stakes = mixed_stakes(e, given.mass) if stake is None else _stakes(stake, len(e))
    return _report(given, simulated, e, stakes, float(level), confidence, random_state)


def _report(
    given: Forecasts,
    simulated: Forecasts | None,
    e: Floats,
    stakes: Floats,
    level: float,
    confidence: float,
    random_state: RandomState,
) -> BacktestReport:
    hits, wealth = given.losses > given.value_at_risk, log_wealth(e, stakes)
    crossed = np.flatnonzero(wealth >= -math.log(1.0 - confidence))
    steps = transitions(hits).tolist()
    positive = bool((given.expected_shortfall > 0).all())
    status = Status.REFUTED if len(crossed) else Status.UNDECIDED
    return BacktestReport(
        level=level,
        confidence_level=confidence,
        n_periods=len(e),
        hits=int(hits.sum()),
        expected_hits=given.mass * len(e),
        transitions=(tuple(steps[0]), tuple(steps[1])),
        **_tests(given, simulated),
        mean_e_value=float(e.mean()),
        log_wealth=wealth,
        stakes=stakes,
        alarm=int(crossed[0]) if len(crossed) else None,
        anytime_p_value=math.exp(min(0.0, -float(wealth.max()))),
        fissler_ziegel=float(fissler_ziegel(given).mean()) if positive else None,
        status=status,
        notes=_notes(given, simulated),
        provenance=provenance(*given[:3], level=level, random_state=random_state, status=status),
    )


def _tests(given: Forecasts, simulated: Forecasts | None) -> dict[str, BacktestTest]:
    """Each test with the p-values that it has; the Z are small, the others large, where the model fails."""
    found, tests = _statistics(given), {}
    under = {} if simulated is None else _statistics(simulated)
    for key, name in NAMES.items():
        value, sign = float(found[key]), -1.0 if key in ("z1", "z2") else 1.0
        if math.isnan(value):
            tests[key] = BacktestTest(name, None, reason=_missing(given, key))
            continue
        tests[key] = BacktestTest(
            name,
            value,
            p_value=chi_squared_tail(value, DEGREES[key]) if key in DEGREES else None,
            exact_p_value=_simulated_p_value(value, under[key], sign) if under else None,
            reason="" if under or key in DEGREES else NOT_SIMULATED,
        )
    if simulated is None:
        tests["kupiec"] = _with_binomial(tests["kupiec"], given)
    return tests


def _with_binomial(test: BacktestTest, given: Forecasts) -> BacktestTest:
    hits, periods = int((given.losses > given.value_at_risk).sum()), len(given.losses)
    return BacktestTest(test.name, test.statistic, test.p_value, exact_kupiec(hits, periods, given.mass))


def _statistics(given: Forecasts) -> dict[str, Floats]:
    """The five statistics of losses (T,) or (m, T); NaN where one does not exist."""
    x, v, es, mass = given
    hits, periods = x > v, x.shape[-1]
    number = kupiec(hits.sum(axis=-1).astype(np.float64), periods, mass)
    order = independence(transitions(hits)) if periods > 1 else np.full(number.shape, np.nan)
    undefined = np.full(number.shape, np.nan)
    positive = bool((es > 0).all())
    return {
        "kupiec": number,
        "independence": order,
        "conditional_coverage": number + order,
        "z1": first_statistic(x, v, es) if positive else undefined,
        "z2": second_statistic(x, v, es, mass) if positive else undefined,
    }


def _missing(given: Forecasts, key: str) -> str:
    if key not in ("z1", "z2"):
        return "one period has no transitions."
    if (given.expected_shortfall <= 0).any():
        return "some `expected_shortfall` is not positive; add one constant to losses and forecasts."
    return "no loss exceeds the value at risk."


def _simulated_p_value(value: float, under: Floats, sign: float) -> float:
    """`(1 + #{at least as bad}) / (1 + m)` over simulations where the statistic exists."""
    known = under[~np.isnan(under)]
    worse = sign * known >= sign * value - 1e-12 * max(1.0, abs(value))
    return float(1 + worse.sum()) / (1 + len(known))


def _simulated(given: Forecasts, sampler: Sampler, draws: int, rng: np.random.Generator) -> Forecasts:
    drawn = checked_array(sampler(rng, draws), "sampler(rng, m)")
    if drawn.shape != (draws, len(given.losses)):
        raise InvalidInput(
            f"`sampler(rng, m)` must give shape (m, T) = {(draws, len(given.losses))}; got {drawn.shape}."
        )
    return given._replace(losses=drawn)


def _stakes(stake: Any, periods: int) -> Floats:
    stakes = checked_array(stake, "stake")
    if stakes.shape not in ((), (periods,)):
        raise InvalidInput(f"`stake` must be a number or {periods} of them; got shape {stakes.shape}.")
    if stakes.min() < 0 or stakes.max() > 1:
        raise InvalidInput(f"`stake` must be in [0, 1]; got {stakes.min():g} to {stakes.max():g}.")
    return np.array(np.broadcast_to(stakes, periods))


def _notes(given: Forecasts, simulated: Forecasts | None) -> tuple[str, ...]:
    x, v = given.losses, given.value_at_risk
    tied = int((np.abs(x - v) <= TIE * np.maximum(np.abs(x), np.abs(v))).sum())
    notes = []
    if tied:
        notes.append(
            f"{tied} losses are tied with the value at risk: a right model then has fewer hits than "
            "expected. The e-process holds; read the other tests "
            + ("by their simulated p-values." if simulated is not None else "only with a `sampler`.")
        )
    if simulated is None and given.mass * len(x) < 10:
        notes.append("Fewer than 10 hits expected: chi-squared p-values are rough. Pass `sampler`.")
    return tuple(notes)
