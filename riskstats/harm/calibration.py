"""Inverse risk calibration: does a model refuse most where acting on the answer is easiest?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, Integers, choice, finite_vector, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.notes import SCOPE
from riskstats.bounds.units import unit_codes
from riskstats.distribution import Distribution
from riskstats.exceptions import InvalidInput
from riskstats.harm.calibration_report import CalibrationReport, RankAssociation
from riskstats.harm.cost_maps import Linear, cost_map_of, likelihoods
from riskstats.harm.graded_prompts import (
    COST_LEVELS,
    SEVERITY_SCALE,
    GradedPrompts,
    Levels,
    graded_prompts,
)
from riskstats.harm.refusal_curve import RefusalRate, calibrated_refusals, refusal_rates
from riskstats.harm.refusal_rank import (
    auc_of_tables,
    resampled_tables,
    table_of,
    tau_b_of_tables,
)
from riskstats.harm.refusal_slope import Refusals, RefusalSlope, nuisance_of, refusal_slope
from riskstats.tail.limit_methods import checked_resamples
from riskstats.tail.provenance import provenance

__all__ = ["CalibrationReport", "risk_calibration"]

LINEAR = Linear()
MOST_GRADES = 200  # different refusals, of graded ones


def risk_calibration(
    refused: Any,
    cost: Any,
    severity: Any = None,
    *,
    sample_weight: npt.ArrayLike | None = None,
    cluster: Any = None,
    adjust: str = "levels",
    cost_map: Any = LINEAR,
    confidence_level: float = 0.95,
    levels: Levels = COST_LEVELS,
    severity_scale: tuple[float, float] = SEVERITY_SCALE,
    resamples: int = 999,
    random_state: RandomState = None,
) -> CalibrationReport:
    """How refusal goes with the cost of acting on the answer; positive is inverse calibration.

    tau-b of refusal and cost, and the chance that a refused prompt costs more than an answered one, with
    quantiles of (cluster) resamples; the slope of a logistic refusal on cost at the same severity, with
    likelihood-ratio limits; refusal per cost level with Wilson limits; the decreasing fit of refusal on cost
    with weights w s, and the expected harm that it would save.

    Parameters
    ----------
    refused : (n,) 0 or 1, or a share in [0, 1]; a slope needs 0 or 1.
    cost : (n,) one of `levels`, at least two of which occur.
    severity : (n,) on `severity_scale`; None adjusts for nothing and weighs every prompt the same.
    sample_weight : (n,) numbers >= 0. cluster : (n,) labels of what was sampled independently.
    adjust : severity as "levels", an indicator for each value, or "linear".
    cost_map : of the regret, as in `expected_harm`.
    confidence_level : of each interval alone. levels, severity_scale : as in `expected_harm`.
    resamples : R, at least `2 / (1 - confidence_level) - 1`. random_state : an integer repeats them.

    `InvalidInput`: refusals outside [0, 1], one cost level, values that are missing or off their scale.
    """
    values = _refusals(refused)
    delta = 1.0 - checked_confidence(confidence_level)
    checked_resamples(whole_number(resamples, "resamples", low=1), delta / 2)
    choice(adjust, ("levels", "linear"), "adjust")
    given: dict[str, Any] = {
        "sample_weight": sample_weight,
        "levels": levels,
        "severity_scale": severity_scale,
    }
    known = np.full(len(values), float(np.mean(severity_scale))) if severity is None else severity
    prompts = graded_prompts(known, cost, len(values), **given)
    likelihood = likelihoods(chosen := cost_map_of(cost_map, prompts.n_levels), prompts.n_levels)
    codes = None if cluster is None else unit_codes(cluster, len(values), "cluster")[1]
    data = _Data(values, prompts, codes, severity is not None)
    tau, auc, undecided = data.ranks(resamples, delta, generator(random_state))
    adjusted = data.slope(adjust, 1.0 - delta)
    varies = adjusted.adjusted_for != "nothing"
    return CalibrationReport(
        tau=tau,
        auc=auc,
        direction=_direction(tau),
        slope=adjusted,
        raw_slope=data.slope(None, 1.0 - delta) if varies else adjusted,
        severity_varies=varies,
        curve=refusal_rates(data.refused, data.cost, data.weights, data.codes, prompts.levels, 1.0 - delta),
        within=data.within(prompts.levels, 1.0 - delta) if severity is not None else (),
        calibrated=calibrated_refusals(data.refused, data.cost, data.weights, data.severity, likelihood),
        cost_map=str(chosen),
        levels=prompts.levels,
        confidence_level=1.0 - delta,
        n=len(data.refused),
        n_units=len(data.refused) if data.codes is None else int(data.codes.max()) + 1,
        resamples=resamples,
        provenance=provenance(
            *(values, prompts.cost, prompts.severity, prompts.weights, codes),
            level=0.0,
            random_state=random_state,
            limit="bootstrap",
        ),
        notes=(*data.notes(varies, undecided), SCOPE),
    )


def _refusals(refused: Any) -> Floats:
    values = finite_vector(refused, "refused")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 1:
        end = f"max {high:g}" if high > 1 else f"min {low:g}"
        raise InvalidInput(f"`refused` must lie in [0, 1], 1 a refusal; got {end}.")
    return values


def _direction(tau: RankAssociation) -> str:
    if tau.lower is not None and tau.lower > 0:
        return "inverse"
    return "calibrated" if tau.upper is not None and tau.upper < 0 else "undecided"


class _Data:
    """The prompts of positive weight; weights have mean 1."""

    def __init__(self, refused: Floats, prompts: GradedPrompts, codes: Integers | None, graded: bool) -> None:
        kept = prompts.weights > 0
        self.refused, self.cost = refused[kept], prompts.cost[kept]
        self.severity = prompts.severity[kept] if graded else np.ones(int(kept.sum()))
        self.weights = prompts.weights[kept] / prompts.weights[kept].mean()
        self.codes = None if codes is None else np.unique(codes[kept], return_inverse=True)[1].reshape(-1)
        self.levels, self.graded = prompts.n_levels, graded
        present = np.unique(self.cost)
        if len(present) < 2:
            raise InvalidInput(
                "inverse risk calibration needs at least two cost levels; got only "
                f"{prompts.levels[int(present[0])]}."
            )

    @property
    def binary(self) -> bool:
        return bool(np.isin(self.refused, (0.0, 1.0)).all())

    def ranks(
        self, resamples: int, delta: float, rng: np.random.Generator
    ) -> tuple[RankAssociation, RankAssociation, float]:
        """(tau-b, auc, share of resamples in which they are undefined)."""
        grades, rows = np.unique(self.refused, return_inverse=True)
        if len(grades) > MOST_GRADES:
            raise InvalidInput(
                f"`refused` has {len(grades)} different values; at most {MOST_GRADES} grades are ranked. "
                "Round them."
            )
        shape = (len(grades), self.levels)
        table = table_of(rows, self.cost, self.weights, shape)
        drawn = resampled_tables(rows, self.cost, self.weights, self.codes, shape, resamples, rng)
        tau = _association(tau_b_of_tables(table), tau_b_of_tables(drawn), delta)
        auc = _association(_auc(table, grades), _auc(drawn, grades), delta)
        return tau, auc, tau.undefined_share

    def slope(self, adjust: str | None, confidence_level: float) -> RefusalSlope:
        severity = self.severity if adjust is not None else None
        nuisance, what = nuisance_of(severity, adjust or "", len(self.refused))
        if not self.binary:
            return RefusalSlope(None, -np.inf, np.inf, "graded", what, confidence_level, None, 0)
        position = self.cost.astype(np.float64)
        data = Refusals(self.refused, position, nuisance, self.weights, self.codes)
        return refusal_slope(data, what, confidence_level)

    def within(self, levels: tuple[str, ...], confidence_level: float) -> tuple[RefusalRate, ...]:
        """Refusal per cost level within each severity."""
        rows: list[RefusalRate] = []
        for value in np.unique(self.severity).tolist():
            own = self.severity == value
            codes = None if self.codes is None else self.codes[own]
            rows += refusal_rates(
                self.refused[own],
                self.cost[own],
                self.weights[own],
                codes,
                levels,
                confidence_level,
                value,
            )
        return tuple(rows)

    def notes(self, varies: bool, undefined: float) -> tuple[str, ...]:
        told = []
        if self.graded and not varies:
            told.append("Severity does not vary: the adjusted slope is the raw one.")
        if not self.graded:
            told.append("No severity was given: nothing is adjusted for, and every prompt weighs the same.")
        if undefined > 0:
            told.append(f"{100 * undefined:.3g} % of the resamples refuse everything or nothing.")
        told.append("Each interval holds alone; those of ranks and rates are approximate.")
        return tuple(told)


def _auc(tables: Floats, grades: Floats) -> Floats:
    refused = (tables * grades[:, np.newaxis]).sum(axis=-2)
    return auc_of_tables(tables.sum(axis=-2) - refused, refused)


def _association(value: Floats, drawn: Floats, delta: float) -> RankAssociation:
    """Quantiles of the resamples that have a value, ranks to the outside."""
    known = drawn[~np.isnan(drawn)]
    undefined = 1.0 - len(known) / len(drawn)
    if np.isnan(value):
        return RankAssociation(None, None, None, undefined)
    if len(known) < 2.0 / delta - 1.0:
        return RankAssociation(float(value), None, None, undefined)
    law = Distribution(known, np.ones(len(known)))
    return RankAssociation(
        float(value), law.quantile(delta / 2), law.quantile(1.0 - delta / 2, "upper"), undefined
    )
