"""A cheap judge on many items, corrected by people on a few of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._samples import Support, checked_support, loss_vector
from riskstats._validation import Floats, probability
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.base import Bound
from riskstats.bounds.result import RiskBound
from riskstats.bounds.row_order import warn_of_trend
from riskstats.bounds.sample import Sample
from riskstats.control.pairing import checked_bound
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.mean import Mean

__all__ = ["judge_corrected_bound"]

SCOPE = "The judge must be frozen, and items must be drawn for labelling without regard to their content."


def judge_corrected_bound(
    human: Any,
    judge: Any,
    judge_unlabelled: Any,
    *,
    share: float = 0.2,
    label_probability: float | None = None,
    bound: Bound | None = None,
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
    random_state: RandomState = 0,
) -> RiskBound:
    """Upper bound on the mean human loss, from few human labels and many scores of a judge.

    With human loss y and judge score f, `E y = E f + E(y - f)`. The bound is valid however bad the judge is;
    a good one makes `y - f` small, and the bound tight. Two ways to label:

    - a fixed number of items, drawn at random: `U_f(share delta) + U_(y-f)((1 - share) delta)`, the first on
      the unlabelled items in the support (a, b), the second on the labelled ones in (a - b, b - a);
    - every item independently with a known probability p (`label_probability`): one bound at delta on
      `z = f + xi (y - f) / p`, xi = 1 if labelled, in `(a - w, b + w)` with `w = (1/p - 1)(b - a)`; its mean
      is E y, and labelled and unlabelled items enter together. Usually tighter.

    Parameters
    ----------
    human, judge : (k,) human losses and judge scores of the labelled items, in the same order.
    judge_unlabelled : (n,) judge scores of the items without a label.
    share : of the error that the first of two bounds takes; unused with `label_probability`.
    label_probability : in (0, 1], the same for every item and chosen in advance, not the observed share.
    bound : a bound on means; None is `Betting`.
    random_state : with `label_probability`, the order in which items enter; fix it in advance.
    """
    ends, delta = checked_support(support), 1.0 - checked_confidence(confidence_level)
    if math.isinf(ends[1]):
        raise IncompatibleBound(f"a judge needs bounded losses; got support ({ends[0]:g}, inf).")
    y, f = loss_vector(human, ends, name="human")[0], loss_vector(judge, ends, name="judge")[0]
    rest = loss_vector(judge_unlabelled, ends, name="judge_unlabelled")[0]
    if len(y) != len(f):
        raise InvalidInput(f"`human` and `judge` must hold the same items; got {len(y)} and {len(f)}.")
    method = checked_bound(bound) or _betting()
    case = _Case(y, f, rest, ends, method)
    if label_probability is None:
        value, estimate = case.split(probability(share, "share"), delta)
    else:
        chance = probability(label_probability, "label_probability", closed=True)
        value, estimate = case.together(_positive(chance), delta, random_state)
    form = "split" if label_probability is None else f"labelled with probability {label_probability:g}"
    return RiskBound(
        value=min(max(value, ends[0]), ends[1]),
        estimate=estimate,
        side="upper",
        measure=str(Mean()),
        bound=f"{method}, judge corrected, {form}",
        confidence_level=confidence_level,
        n_units=len(y) + len(rest),
        support=ends,
        notes=(f"{len(y)} items with a human label, {len(rest)} without.", SCOPE),
    )


@dataclass(frozen=True, eq=False)
class _Case:
    human: Floats
    judge: Floats
    rest: Floats
    support: Support
    method: Bound

    def split(self, share: float, delta: float) -> tuple[float, float]:
        """(bound, estimate) from two samples."""
        low, high = self.support
        errors = np.clip(self.human - self.judge, low - high, high - low)
        scores = self._upper(self.rest, self.support, share * delta)
        correction = self._upper(errors, (low - high, high - low), (1.0 - share) * delta)
        return scores + correction, float(self.rest.mean() + errors.mean())

    def together(self, chance: float, delta: float, random_state: RandomState) -> tuple[float, float]:
        """(bound, estimate) from one sample; its random order makes the items exchangeable again."""
        low, high = self.support
        margin = (1.0 / chance - 1.0) * (high - low)
        labelled = self.judge + (self.human - self.judge) / chance
        mixed = generator(random_state).permutation(np.concatenate([labelled, self.rest]))
        ends = (low - margin, high + margin)
        return self._upper(np.clip(mixed, *ends), ends, delta), float(mixed.mean())

    def _upper(self, values: Floats, support: Support, delta: float) -> float:
        sample = Sample(values[np.newaxis], support)
        warn_of_trend(sample, self.method)
        return float(self.method.upper(sample, Mean(), delta)[0])


def _betting() -> Bound:
    from riskstats.bounds.betting import Betting

    return Betting()


def _positive(chance: float) -> float:
    if chance == 0.0:
        raise InvalidInput("`label_probability` must be in (0, 1]; got 0. Without labels nothing is known.")
    return chance
