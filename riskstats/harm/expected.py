"""Expected harm: severity weighted by how likely an answer is acted upon, beside the tail that this hides."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._random import RandomState
from riskstats._validation import Floats, Integers, choice, number
from riskstats._validation import confidence_level as checked_confidence
from riskstats._validation import level as checked_level
from riskstats.bounds.base import Bound
from riskstats.bounds.notes import SCOPE
from riskstats.bounds.units import unit_codes
from riskstats.exceptions import AssumptionWarning
from riskstats.harm.cost_maps import CostMap, cost_map_of, likelihoods
from riskstats.harm.dominance import level_harm
from riskstats.harm.graded_prompts import (
    COST_LEVELS,
    SEVERITY_SCALE,
    GradedPrompts,
    Levels,
    checked_success,
    graded_prompts,
)
from riskstats.harm.harm_report import CostLevelHarm, HarmReport, TailPrompt
from riskstats.harm.mean_limit import MeanLimit, mean_limit
from riskstats.measures.cvar import CVaR
from riskstats.tail.attribution import row_ids
from riskstats.tail.interval import CVaRInterval
from riskstats.tail.limits import cvar_interval
from riskstats.tail.provenance import provenance
from riskstats.tail.verdict import limit_status
from riskstats.tail.weights import TailWeights, weigh

__all__ = ["HarmReport", "expected_harm"]

LISTED = 50  # prompts of the tail that a report keeps
_SIDES = {"upper": ("upper",), "two-sided": ("lower", "upper")}


def expected_harm(
    success: Any,
    severity: Any,
    cost: Any,
    *,
    cost_map: Any,
    sample_weight: npt.ArrayLike | None = None,
    cluster: Any = None,
    level: float = 0.95,
    confidence_level: float = 0.95,
    limit: Any = None,
    tail_limit: Any = None,
    side: str = "upper",
    levels: Levels = COST_LEVELS,
    severity_scale: tuple[float, float] = SEVERITY_SCALE,
    scale_id: str | None = None,
    prompts: npt.ArrayLike | None = None,
    risk_limit: float | None = None,
    random_state: RandomState = None,
) -> HarmReport:
    """Expected harm of one model, and CVaR of severity x success beside it, each with its limit.

    `EH = sum w s f(c) a / sum w`; weighted attack success `sum w s f(c) a / sum w s f(c)`.

    Parameters
    ----------
    success : (n,) a in [0, 1], larger is worse: 1 - refused, a graded score, or a `GradedSuccess`.
    severity : (n,) s on `severity_scale`. cost : (n,) one of `levels`; a higher one is harder to act upon.
    cost_map : f, such as `Linear()`, "exponential:0.5", K likelihoods or a function; decreasing, positive.
    sample_weight : (n,) numbers >= 0, the mix that the harm is about. cluster : (n,) labels of what was
        sampled independently.
    level : share of prompts not in the tail, in [0, 1). confidence_level : of each limit alone.
    limit : for EH: `BootstrapT()` (the default, approximate), or a bound on a mean such as `Betting()`,
        which holds at every n for independent prompts that count the same, in an order that is drawn.
    tail_limit : for CVaR, as in `cvar_interval`; None is `limit` where that bounds CVaR too, else
        `BootstrapT()`.
    side : "upper", or "two-sided" at half the error each.
    levels : K, or the K levels with the easiest first.
    severity_scale : (lowest, highest) severity. EH lies in [0, highest f(1)].
    scale_id : of a success on a StrongREJECT scale. prompts : (n,) ids.
    risk_limit : EH that is acceptable, for a verdict by the upper limit.
    random_state : of the resamples, and of the order in which `Betting()` takes prompts (there None is 0).

    Raises
    ------
    InvalidInput : values that are missing or off their scale, a map that rises or is not positive.
    IncompatibleBound : weights that differ, or clusters, with a guaranteed limit.

    Warns `AssumptionWarning` where the harms show no error, so that the limit of EH is the end of its scale.
    Of CVaR, whose tail is often tied, the same is a note.
    """
    values, scale = checked_success(success, scale_id)
    given: dict[str, Any] = {
        "sample_weight": sample_weight,
        "levels": levels,
        "severity_scale": severity_scale,
    }
    graded = graded_prompts(severity, cost, len(values), **given)
    chosen = cost_map_of(cost_map, graded.n_levels)
    question = _Question(
        success=values,
        prompts=graded,
        likelihood=likelihoods(chosen, graded.n_levels),
        codes=None if cluster is None else unit_codes(cluster, len(values), "cluster")[1],
        level=checked_level(level),
        confidence_level=checked_confidence(confidence_level),
        side=choice(side, tuple(_SIDES), "side"),
        random_state=random_state,
    )
    allowed = None if risk_limit is None else number(risk_limit, "risk_limit")
    ids = row_ids(prompts, len(values))
    return _report(question, chosen, limit, tail_limit, ids, allowed, scale)


@dataclass(frozen=True, eq=False)
class _Question:
    """What was asked, after the gate."""

    success: Floats
    prompts: GradedPrompts
    likelihood: Floats
    codes: Integers | None
    level: float
    confidence_level: float
    side: str
    random_state: Any

    @property
    def burden(self) -> Floats:
        """(n,) s a."""
        return self.prompts.severity * self.success

    @property
    def potential(self) -> Floats:
        """(n,) s f(c)."""
        return self.prompts.severity * self.likelihood[self.prompts.cost]

    @property
    def top(self) -> float:
        """The largest possible s a."""
        return self.prompts.severity_scale[1]

    def expected(self, limit: Any) -> MeanLimit:
        ends = (0.0, self.top * float(self.likelihood[0]))
        return self._mean("expected harm", self.potential * self.success, self.prompts.weights, limit, ends)

    def attack_success(self) -> MeanLimit | None:
        """The mean of a under weights w s f; None where these are 0."""
        weights = self.prompts.weights * self.potential
        if not weights.any():
            return None
        return self._mean("weighted attack success", self.success, weights, None, (0.0, 1.0), warn=False)

    def _mean(
        self,
        what: str,
        values: Floats,
        weights: Floats,
        limit: Any,
        ends: tuple[float, float],
        warn: bool = True,
    ) -> MeanLimit:
        return mean_limit(
            what,
            values,
            weights,
            self.codes,
            limit,
            support=ends,
            confidence_level=self.confidence_level,
            sides=_SIDES[self.side],
            random_state=self.random_state,
            warn=warn,
        )

    def tail(self, limit: Any) -> CVaRInterval:
        """CVaR of s a. Graded severities tie, so that its limit is often the top: the report notes it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AssumptionWarning)
            return cvar_interval(
                self.burden,
                self.level,
                self.confidence_level,
                limit=limit,
                side=self.side,  # type: ignore[arg-type]
                support=(0.0, self.top),
                sample_weight=self.prompts.weights,
                cluster=self.codes,
                random_state=self.random_state,
            )


def _report(
    asked: _Question,
    cost_map: CostMap,
    limit: Any,
    tail_limit: Any,
    ids: Any,
    risk_limit: float | None,
    scale: str | None,
) -> HarmReport:
    prompts, harm = asked.prompts, asked.expected(limit)
    tail = asked.tail(_tail_limit(limit, tail_limit, asked.level))
    shares = weigh(asked.burden, prompts.weights, asked.level)
    burden = level_harm(prompts, asked.success)
    worst = _worst(asked, shares, ids)
    status = limit_status(harm, risk_limit)
    return HarmReport(
        expected_harm=harm,
        tail=tail,
        attack_success=asked.attack_success(),
        cost_map=str(cost_map),
        severity_scale=prompts.severity_scale,
        scale_id=scale,
        interval=(float(burden[0]), float(burden.sum())),
        levels=_levels(asked, burden),
        worst=worst[:LISTED],
        n_worst=len(worst),
        n=shares.n,
        n_tail=shares.n_tail,
        n_units=tail.n_units,
        level=asked.level,
        confidence_level=asked.confidence_level,
        risk_limit=risk_limit,
        status=status,
        provenance=provenance(
            asked.success,
            prompts.severity,
            prompts.cost,
            prompts.weights,
            asked.codes,
            level=asked.level,
            random_state=asked.random_state,
            limit=f"{harm.limit}; {tail.limit}",
            status=status,
        ),
        notes=_notes(asked, tail),
    )


def _tail_limit(limit: Any, tail_limit: Any, level: float) -> Any:
    """The limit of CVaR: the one that was named, or that of EH where it bounds CVaR too."""
    if tail_limit is None and isinstance(limit, Bound) and not limit.carries(CVaR(level)):
        return None
    return limit if tail_limit is None else tail_limit


def _levels(asked: _Question, burden: Floats) -> tuple[CostLevelHarm, ...]:
    prompts, present = asked.prompts, asked.prompts.weights > 0
    counts = np.bincount(prompts.cost[present], minlength=prompts.n_levels)
    share = prompts.by_level(prompts.shares)
    success = prompts.by_level(prompts.shares * asked.success)
    return tuple(
        CostLevelHarm(
            cost=name,
            likelihood=float(asked.likelihood[c]),
            n=int(counts[c]),
            share=float(share[c]),
            success=float(success[c] / share[c]) if counts[c] else None,
            burden=float(burden[c] / share[c]) if counts[c] else None,
            harm=float(asked.likelihood[c] * burden[c]),
            cumulative=float(burden[: c + 1].sum()),
        )
        for c, name in enumerate(prompts.levels)
    )


def _worst(asked: _Question, tail: TailWeights, ids: Any) -> tuple[TailPrompt, ...]:
    """The prompts of the tail that do harm: the largest s a first, and of these the easiest."""
    rows = np.flatnonzero((tail.weights > 0) & (asked.burden > 0))
    order = rows[np.lexsort((-tail.weights[rows], asked.prompts.cost[rows], -asked.burden[rows]))]
    return tuple(
        TailPrompt(
            prompt=str(ids[i]),
            severity=float(asked.prompts.severity[i]),
            cost=asked.prompts.levels[asked.prompts.cost[i]],
            success=float(asked.success[i]),
            burden=float(asked.burden[i]),
            tail_weight=float(tail.weights[i]),
            harm=float(asked.potential[i] * asked.success[i]),
        )
        for i in order
    )


def _notes(asked: _Question, tail: CVaRInterval) -> tuple[str, ...]:
    notes = [f"CVaR of severity x success: {told}" for told in tail.notes[:-2]]
    notes += ["Each limit holds alone. The map, the severities and the costs are taken as given."]
    first = float(asked.likelihood[0])
    if abs(first - 1.0) > 1e-12:
        notes.append(f"f(1) = {first:.4g}: divide the expected harm by it to compare maps with f(1) = 1.")
    return (*notes, SCOPE)
