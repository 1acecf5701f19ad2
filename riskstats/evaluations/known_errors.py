"""Correcting a flagged share for error rates that are known, exactly or from a validation study."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from riskstats._validation import probability, whole_number
from riskstats.evaluations.proportions import exact_limits
from riskstats.evaluations.rate_methods import RateSample
from riskstats.exceptions import InvalidInput

__all__ = ["ErrorRate", "by_error_rates", "by_precision", "error_rate"]


@dataclass(frozen=True)
class ErrorRate:
    """A rate of a judge: `value`, from `n` items of a validation study, or known exactly with n None."""

    value: float
    n: int | None = None

    def limits(self, delta: float) -> tuple[float, float]:
        """Exact limits, each wrong with probability at most delta."""
        if self.n is None:
            return self.value, self.value
        low, high = exact_limits(round(self.value * self.n), self.n, delta)
        return float(low), float(high)


def error_rate(given: Any, name: str) -> ErrorRate | None:
    """A number in [0, 1], or (correct, n)."""
    if given is None:
        return None
    if isinstance(given, (tuple, list)):
        if len(given) != 2:
            raise InvalidInput(f"`{name}` must be a number or (correct, n); got {given!r}.")
        n = whole_number(given[1], name, low=1)
        return ErrorRate(whole_number(given[0], name, low=0, high=n) / n, n)
    return ErrorRate(probability(given, name, closed=True))


def by_error_rates(
    share: RateSample, sensitivity: ErrorRate, specificity: ErrorRate, delta: float
) -> dict[str, Any]:
    """`(q + spec - 1) / (sens + spec - 1)` with limits; refuses a judge no better than chance."""
    total = sensitivity.value + specificity.value
    if total <= 1.0:
        raise InvalidInput(
            f"a judge with sensitivity {sensitivity.value:.4g} and specificity {specificity.value:.4g} is no "
            "better than chance (sum <= 1): its flags say nothing of the rate. Use human labels."
        )
    method = "lang-reiczigel" if share.method == "wilson" else f"box, {share.method}"
    limits = _lang_reiczigel if share.method == "wilson" else _box
    lower, upper = limits(share, sensitivity, specificity, delta)
    value = _corrected(share.estimate, sensitivity.value, specificity.value)
    estimate = min(max(value, 0.0), 1.0)
    return {
        "estimate": estimate,
        "lower": min(lower, estimate),
        "upper": max(upper, estimate),
        "kind": "error rates",
        "is_lower_bound": False,
        "method": method,
        "guaranteed": share.guaranteed,
        "n_labelled": 0,
        "notes": _cut(value, fits=(lower, upper) != (0.0, 1.0)),
    }


def _cut(value: float, *, fits: bool) -> tuple[str, ...]:
    if 0.0 <= value <= 1.0:
        return ()
    told = (
        f"The formula gave {value:.4g}, cut to [0, 1]: the judge flags less, or more, than its error rates "
        "allow. Check that they hold for these items."
    )
    return (told if fits else f"{told} No true rate fits them, so that the limits say nothing.",)


def _within(lower: float, upper: float) -> tuple[float, float]:
    """Limits cut to [0, 1]; where none of it lies between them, the error rates are wrong, and all of it."""
    if upper < 0.0 or lower > 1.0:
        return 0.0, 1.0
    return max(lower, 0.0), min(upper, 1.0)


def _corrected(flagged: float, sensitivity: float, specificity: float) -> float:
    return (flagged + specificity - 1.0) / (sensitivity + specificity - 1.0)


def _box(
    share: RateSample, sensitivity: ErrorRate, specificity: ErrorRate, delta: float
) -> tuple[float, float]:
    """The least and the largest corrected rate over limits that hold together.

    The corrected rate rises with q and with the specificity, and falls with the sensitivity, wherever it lies
    in [0, 1]; each side has half of the error, shared by the rates that are estimated.
    """
    each = delta / 2 / (1 + (sensitivity.n is not None) + (specificity.n is not None))
    (sens_low, sens_high), (spec_low, spec_high) = sensitivity.limits(each), specificity.limits(each)
    q_low, q_high = share.lower(each), share.upper(each)
    upper = 1.0 if q_high >= sens_low else _corrected(q_high, sens_low, spec_high)
    lower = 0.0 if q_low + spec_low <= 1.0 else _corrected(q_low, sens_high, spec_low)
    upper = 1.0 if sens_low + spec_high <= 1.0 else upper
    return _within(lower, upper)


def _lang_reiczigel(
    share: RateSample, sensitivity: ErrorRate, specificity: ErrorRate, delta: float
) -> tuple[float, float]:
    """Normal limits from rates moved towards 1/2, with a shift for the skew of the two error rates."""
    z, n = share.reach(delta / 2), share.effective_n
    if math.isinf(z):
        return 0.0, 1.0
    q, size = (n * share.estimate + z**2 / 2) / (n + z**2), n + z**2
    sens, sens_noise = _moved(sensitivity)
    spec, spec_noise = _moved(specificity)
    total = sens + spec - 1.0
    if total <= 0.0:
        return 0.0, 1.0
    rate = (q + spec - 1.0) / total
    shift = 2.0 * z**2 * (rate * sens_noise - (1.0 - rate) * spec_noise)
    variance = q * (1 - q) / size + rate**2 * sens_noise + (1.0 - rate) ** 2 * spec_noise
    reach = z * math.sqrt(variance) / total
    return _within(rate + shift - reach, rate + shift + reach)


def _moved(rate: ErrorRate) -> tuple[float, float]:
    """(rate with one success and one failure more, its variance)."""
    if rate.n is None:
        return rate.value, 0.0
    value = (rate.value * rate.n + 1.0) / (rate.n + 2.0)
    return value, value * (1.0 - value) / (rate.n + 2.0)


def by_precision(
    share: RateSample,
    precision: ErrorRate,
    sensitivity: ErrorRate | None,
    delta: float,
    *,
    kind: str = "precision",
    precision_limits: Any = None,
) -> dict[str, Any]:
    """`q precision`, a lower bound; with the sensitivity, `q precision / sensitivity`.

    precision_limits : function of an error that gives the limits of the precision; None takes exact ones.
    """
    limits_of = precision.limits if precision_limits is None else precision_limits
    estimated = 1 + (precision.n is not None) + (sensitivity is not None and sensitivity.n is not None)
    if sensitivity is None:
        each = delta / estimated
        lower, upper = share.lower(each) * limits_of(each)[0], 1.0
        estimate = share.estimate * precision.value
    else:
        each = delta / 2 / estimated
        sens_low, sens_high = sensitivity.limits(each)
        lower = _quotient(share.lower(each) * limits_of(each)[0], sens_high)
        upper = _quotient(share.upper(each) * limits_of(each)[1], sens_low)
        estimate = _quotient(share.estimate * precision.value, sensitivity.value)
        kind = "precision and sensitivity"
    return {
        "estimate": estimate,
        "lower": lower,
        "upper": upper,
        "kind": kind,
        "is_lower_bound": sensitivity is None,
        "method": share.method if estimated == 1 else f"box, {share.method}",
        "guaranteed": share.guaranteed,
        "n_labelled": 0,
    }


def _quotient(above: float, below: float) -> float:
    return 1.0 if below <= above else above / below
