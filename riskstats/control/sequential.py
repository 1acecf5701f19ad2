"""Certify, or refute, while the losses come in: look after every unit and stop at will."""

from __future__ import annotations

import hashlib
import json
import math
import numbers
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from riskstats._samples import Support, checked_support, loss_vector
from riskstats._validation import Floats, number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.betting_kernels import Moments, accumulated, moments
from riskstats.bounds.betting_sequence import BettingWealth
from riskstats.bounds.empirical_bernstein_sequence import bound_of_process, process_terms
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.base import RiskMeasure
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.results import Result, Status, as_percent, plain

__all__ = ["SequentialCertifier"]

SCHEMA = 1
BLOCK = 2**12  # losses at a time: temporaries stay in the cache
MEASURES = {"Mean": Mean, "ValueAtRisk": ValueAtRisk}


@dataclass(frozen=True)
class RunningUpper:
    """The bound of `EmpiricalBernsteinSequence` after some units, in memory that does not grow.

    count, total, deviation : as in `BettingWealth`. gained : sum of `y = 1 - x`. staked, won, paid : sums of
    `s`, `s y` and `(y - ybar)^2 psi(s)`. value : the bound, in [0, 1].
    """

    delta: float
    count: int = 0
    total: float = 0.0
    deviation: float = 0.0
    gained: float = 0.0
    staked: float = 0.0
    won: float = 0.0
    paid: float = 0.0
    value: float = 1.0

    def update(self, losses: Floats) -> RunningUpper:
        """The state after more losses (k,) in [0, 1], the same to the last bit however they are cut."""
        counts = self.count + np.arange(1.0, len(losses) + 1.0)
        variance, after = moments(losses, Moments(self.count, self.total, self.deviation), np)
        gained = accumulated(1.0 - losses, self.gained, np)
        terms = process_terms(losses, counts, variance, np.append(self.gained, gained[:-1]), self.delta)
        before = (self.staked, self.won, self.paid)
        staked, won, paid = (accumulated(each, sums, np) for each, sums in zip(terms, before, strict=True))
        lowest = float(bound_of_process(staked, won, paid, self.delta).min())
        return replace(
            self,
            count=int(after.count),
            total=float(after.total),
            deviation=float(after.deviation),
            gained=float(gained[-1]),
            staked=float(staked[-1]),
            won=float(won[-1]),
            paid=float(paid[-1]),
            value=max(min(self.value, lowest), 0.0),
        )


@dataclass(frozen=True)
class Evidence:
    """What the losses so far say, on the scale (0, 1).

    within : wealth against `mean >= limit`. beyond : wealth against `mean <= limit`, None if not asked for.
    upper : bound on the mean. lower : bound on 1 - mean.
    """

    within: BettingWealth
    beyond: BettingWealth | None
    upper: RunningUpper
    lower: RunningUpper

    @classmethod
    def start(cls, limit: float, delta: float, *, futility: bool) -> Evidence:
        """Before the first loss."""
        beyond = BettingWealth(1.0 - limit, delta) if futility else None
        return cls(BettingWealth(limit, delta), beyond, RunningUpper(delta), RunningUpper(delta))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evidence:
        beyond = data["beyond"]
        return cls(
            BettingWealth(**data["within"]),
            None if beyond is None else BettingWealth(**beyond),
            RunningUpper(**data["upper"]),
            RunningUpper(**data["lower"]),
        )

    def update(self, losses: Floats) -> Evidence:
        """After more losses (k,) in [0, 1]."""
        reflected = 1.0 - losses
        return Evidence(
            self.within.update(losses),
            None if self.beyond is None else self.beyond.update(reflected),
            self.upper.update(losses),
            self.lower.update(reflected),
        )


@dataclass(frozen=True, kw_only=True)
class SequentialCertifier(Result):
    """A test of `risk <= risk_limit` that may be looked at after every unit and stopped at any time.

        certifier = SequentialCertifier(risk_limit=0.1)
        certifier = certifier.update(losses)          # a new object; the old one is as it was

    CERTIFIED: a bettor against `risk >= risk_limit` reached 1 / delta. REFUTED: so did a bettor against
    `risk <= risk_limit`, on the reflected losses. Each claim is wrong with probability at most delta,
    whenever one stops; both together 2 delta. The first claim stays; later units move the p-value and the
    bounds only.

    Parameters
    ----------
    risk_limit : inside the support, in the units of the losses.
    confidence_level : 1 - delta.
    support : (lowest, highest) possible loss; the highest may be inf for a quantile.
    futility : whether to test the other side too, so that a bad candidate can be dropped early.
    measure : None or `Mean()`; or `ValueAtRisk(level)`, tested as `P(loss > risk_limit) <= 1 - level`.
    evidence : the state; left to `update` and `from_dict`.

    Only bounds that hold at all times enter. Units need a constant conditional mean, not independence; they
    must come in an order that does not look at their losses. One by one, in batches, or after `to_dict` and
    `from_dict`, the same losses in the same order decide at the same unit, to the last bit.

    `InvalidInput`: a limit outside the support, NaN, losses outside the support, a damaged dictionary.
    `IncompatibleBound`: any other measure. Source: the stakes of `BettingSequence`.
    """

    risk_limit: float
    confidence_level: float = 0.95
    support: Support = (0.0, 1.0)
    futility: bool = True
    measure: RiskMeasure | None = None
    evidence: Evidence | None = None

    def __post_init__(self) -> None:
        delta = 1.0 - checked_confidence(self.confidence_level)
        support, limit = checked_support(self.support), number(self.risk_limit, "risk_limit")
        measure = Mean() if self.measure is None else self.measure
        self._set(risk_limit=limit, support=support, futility=bool(self.futility), measure=measure)
        scaled = self._scaled_limit()
        if self.evidence is None:
            self._set(evidence=Evidence.start(scaled, delta, futility=self.futility))

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _scaled_limit(self) -> float:
        """The limit of the mean that is tested, on (0, 1)."""
        low, high = self.support
        if isinstance(self.measure, ValueAtRisk):
            if self.measure.level > 0:
                return 1.0 - self.measure.level
            raise InvalidInput("`level` must be in (0, 1) to test a quantile; got 0.")
        if not isinstance(self.measure, Mean):
            raise IncompatibleBound(
                f"`SequentialCertifier` has no statement at all times for `{self.measure}`; it takes "
                "`Mean()` or `ValueAtRisk(level)`."
            )
        if math.isinf(high):
            raise IncompatibleBound(
                f"`SequentialCertifier` needs bounded losses for a mean; got support ({low:g}, inf)."
            )
        if not low < self.risk_limit < high:
            raise InvalidInput(
                f"`risk_limit` must lie inside support ({low:g}, {high:g}); got {self.risk_limit:g}. "
                "At its ends there is nothing to test."
            )
        return (self.risk_limit - low) / (high - low)

    # ---- losses

    def update(self, losses: Any) -> SequentialCertifier:
        """The certifier after one more loss, or more of them (k,) in the order in which they came."""
        vector, _ = loss_vector([losses] if isinstance(losses, numbers.Real) else losses, self.support)
        evidence = self._evidence
        for start in range(0, len(vector), BLOCK):
            evidence = evidence.update(self._scaled(vector[start : start + BLOCK]))
        return replace(self, evidence=evidence)

    def _scaled(self, losses: Floats) -> Floats:
        if isinstance(self.measure, ValueAtRisk):
            return (losses > self.risk_limit).astype(np.float64)
        low, high = self.support
        return losses if (low, high) == (0.0, 1.0) else (losses - low) / (high - low)

    def _from_scale(self, value: float) -> float:
        if isinstance(self.measure, ValueAtRisk):
            return value
        low, high = self.support
        return low + (high - low) * value

    # ---- answers

    @property
    def _evidence(self) -> Evidence:
        assert self.evidence is not None
        return self.evidence

    @property
    def n_units(self) -> int:
        """Units seen."""
        return self._evidence.within.count

    @property
    def status(self) -> Status:
        """CERTIFIED, REFUTED, or UNDECIDED; the claim that came first."""
        within, beyond = self._crossings()
        if within is None and beyond is None:
            return Status.UNDECIDED
        first = within is not None and (beyond is None or within < beyond)
        return Status.CERTIFIED if first else Status.REFUTED

    @property
    def decided_at(self) -> int | None:
        """Units after which the claim was reached; None while UNDECIDED."""
        return min((unit for unit in self._crossings() if unit is not None), default=None)

    def _crossings(self) -> tuple[int | None, int | None]:
        beyond = self._evidence.beyond
        return self._evidence.within.crossed_at, None if beyond is None else beyond.crossed_at

    @property
    def p_value(self) -> float:
        """p-value of `risk >= risk_limit`, valid whenever one stops."""
        return self._evidence.within.p_value

    @property
    def futility_p_value(self) -> float | None:
        """p-value of `risk <= risk_limit`, valid whenever one stops; None without `futility`."""
        beyond = self._evidence.beyond
        return None if beyond is None else beyond.p_value

    @property
    def estimate(self) -> float:
        """Mean of the losses so far, or for a quantile their share above the limit; nan before the first."""
        within = self._evidence.within
        return self._from_scale(within.total / within.count) if within.count else math.nan

    @property
    def upper(self) -> float:
        """Upper bound at all times at once: on the mean, or for a quantile on `P(loss > risk_limit)`.

        `EmpiricalBernsteinSequence`, in closed form. It is a statement of its own, and a little wider than
        the test: CERTIFIED may come before it falls below the limit.
        """
        return self._from_scale(self._evidence.upper.value)

    @property
    def lower(self) -> float:
        """Lower bound at all times at once, as `upper`."""
        return self._from_scale(1.0 - self._evidence.lower.value)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know besides."""
        shared = (
            "Valid whenever one stops, for units that came in an order that does not look at their losses."
        )
        if None in self._crossings():
            return (shared,)
        return (shared, "Both sides of the limit were reached: the risk may have changed on the way.")

    def summary(self) -> str:
        """Where the test stands, the p-value, the bounds, and the notes."""
        sure = as_percent(self.confidence_level)
        of = f"P(loss > {self.risk_limit:g})" if isinstance(self.measure, ValueAtRisk) else "Mean"
        line = (
            f"p-value {self.p_value:.3g}. {of}: estimate {self.estimate:.4g}, between {self.lower:.4g} and "
            f"{self.upper:.4g}, each end with {sure} confidence."
        )
        return "\n".join([f"{self._claim()}, with {sure} confidence.", line, *self.notes])

    def _claim(self) -> str:
        if self.status is Status.UNDECIDED:
            limit = f"the limit {self.risk_limit:g}"
            return f"UNDECIDED after {self.n_units} units: neither side of {limit} is shown"
        relation = "at most" if self.status is Status.CERTIFIED else "above"
        return (
            f"{self.status} after {self.decided_at} of {self.n_units} units: {self.measure} is {relation} "
            f"{self.risk_limit:g}"
        )

    def __str__(self) -> str:
        return self.summary()

    # ---- storing

    def to_dict(self) -> dict[str, Any]:
        """Settings, state and answers in plain Python types; `from_dict` reads it back, also through JSON."""
        measure = {"name": type(self.measure).__name__, **asdict(self.measure)}  # type: ignore[call-overload]
        stored = {
            "schema": SCHEMA,
            "risk_limit": self.risk_limit,
            "confidence_level": self.confidence_level,
            "support": list(self.support),
            "futility": self.futility,
            "measure": measure,
            "evidence": asdict(self._evidence),
        }
        answers = ("status", "n_units", "decided_at", "p_value", "estimate", "lower", "upper")
        shown = {name: plain(getattr(self, name)) for name in answers}
        return {**stored, "digest": _digest(stored), **shown}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SequentialCertifier:
        """The certifier that `to_dict` stored; `InvalidInput` where the dictionary is damaged."""
        if not isinstance(data, Mapping):
            raise InvalidInput(f"a stored `SequentialCertifier` is a dictionary; got {type(data).__name__}.")
        if data.get("schema") != SCHEMA:
            raise InvalidInput(
                f"the stored `SequentialCertifier` has schema {data.get('schema')!r}; this version reads "
                f"{SCHEMA}."
            )
        names = ("schema", "risk_limit", "confidence_level", "support", "futility", "measure", "evidence")
        if absent := [name for name in (*names, "digest") if name not in data]:
            raise InvalidInput(
                f"the stored `SequentialCertifier` lacks {absent[0]!r}. Restore the whole of it."
            )
        if data["digest"] != _digest({name: data[name] for name in names}):
            raise InvalidInput("the stored `SequentialCertifier` was changed or damaged: its digest differs.")
        kind, *parameters = dict(data["measure"]).items()
        return cls(
            risk_limit=data["risk_limit"],
            confidence_level=data["confidence_level"],
            support=tuple(data["support"]),
            futility=data["futility"],
            measure=MEASURES[kind[1]](**dict(parameters)),
            evidence=Evidence.from_dict(data["evidence"]),
        )


def _digest(stored: Mapping[str, Any]) -> str:
    """The first 16 digits of the hash of the settings and the state, written as JSON."""
    try:
        text = json.dumps(plain(stored), sort_keys=True)
    except (TypeError, ValueError):
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
