"""Main effects of factors on the same items: what an attack, a defence, a language or a prompt changes.

Every item has its own level of loss, which drops out: effects are differences within items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._samples import loss_vector
from riskstats._validation import Floats, Integers, same_length
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.multiple_testing import holm_adjusted
from riskstats.bounds.notes import SCOPE
from riskstats.bounds.units import unit_codes
from riskstats.evaluations.clustering import clusters_of_items, t_quantile
from riskstats.evaluations.design import Design, dependent_columns, design_matrix
from riskstats.evaluations.rate_methods import UNIT
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, as_percent, frame

if TYPE_CHECKING:
    import pandas as pd

ROUNDING = 1e-12  # of losses in [0, 1]

__all__ = ["Effect", "FactorEffects", "FactorTest", "factor_effects"]


@dataclass(frozen=True)
class Effect(Result):
    """What one level of a factor changes against the reference, or one step of an ordinal factor.

    Attributes
    ----------
    factor, level, reference : names; an ordinal trend has the level "per step" and no reference.
    difference : of the mean loss, on the same items and at the same levels of the other factors.
    lower, upper : limits that hold for all effects at once. standard_error : over the units.
    p_value, p_holm : two-sided, alone and for all effects.
    """

    factor: str
    level: str
    reference: str
    difference: float
    lower: float
    upper: float
    standard_error: float
    p_value: float
    p_holm: float


@dataclass(frozen=True)
class FactorTest(Result):
    """Whether a factor has any effect: F statistic, degrees of freedom, p-value; NaN with too few units."""

    factor: str
    statistic: float
    degrees: tuple[int, int]
    p_value: float


@dataclass(frozen=True, eq=False)
class FactorEffects(Result):
    """Main effects on matched items.

    Attributes
    ----------
    effects : of every level against its reference. trends : the slope per step of ordinal factors.
    tests : of every factor as a whole.
    means : {factor: {level: mean loss, at an even mix of the levels of the factor}}.
    design : of the rows. n, n_items, n_matched, n_units : rows, items, items seen under two conditions or
        more, units that were sampled independently.
    """

    effects: tuple[Effect, ...]
    trends: tuple[Effect, ...]
    tests: tuple[FactorTest, ...]
    means: dict[str, dict[str, float]]
    design: Design
    n: int
    n_items: int
    n_matched: int
    n_units: int
    confidence_level: float
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """Every effect with its interval, the trends, the tests and the design."""
        sure = as_percent(self.confidence_level)
        lines = [
            (
                f"Main effects on {self.n_matched} matched items ({self.n_units} units, {self.n} rows); "
                f"limits hold for all effects at once with {sure} confidence, approximate."
            )
        ]
        lines += [f"  {_effect_line(effect)}" for effect in (*self.effects, *self.trends)]
        lines += [f"  {test.factor} as a whole: p = {test.p_value:.3g}" for test in self.tests]
        return "\n".join([*lines, self.design.summary(), *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row for each effect and trend; needs the extra `frames`."""
        return frame([effect.to_dict() for effect in (*self.effects, *self.trends)])


def _effect_line(effect: Effect) -> str:
    against = f" against {effect.reference}" if effect.reference else ""
    return (
        f"{effect.factor} {effect.level}{against}: {effect.difference:+.4f} [{effect.lower:+.4f}, "
        f"{effect.upper:+.4f}], p = {effect.p_holm:.3g} ({effect.p_value:.3g} alone)"
    )


def factor_effects(
    losses: Any,
    factors: Any,
    item: Any,
    *,
    order: Mapping[str, Sequence[Any]] | None = None,
    ordinal: Sequence[str] = (),
    cluster: Any = None,
    confidence_level: float = 0.95,
) -> FactorEffects:
    """Main effects of factors, estimated within items.

    `loss = item + sum over factors of effect(level) + error`: least squares with a level of its own for every
    item, so that only items seen under two conditions or more say anything. On a full factorial it is the
    mean difference between cells that differ in one factor; on a fraction it adjusts for the other factors.
    Standard errors are those of sums of scores over the units, with Student's law at `units - 1` degrees of
    freedom: approximate, for any dependence within a unit. Interactions are averaged over, not modelled.

    Parameters
    ----------
    losses : (n,) in [0, 1]. factors : {factor: (n,) labels}, or a frame. item : (n,) labels of the prompts.
    order : {factor: levels in order}, the first is the reference; others are sorted.
    ordinal : factors whose levels are steps of equal size; each gets the slope `sum (s - mean s) effect(s) /
        sum (s - mean s)^2` over steps s = 0, 1, ..., which is the slope where the effect is linear.
    cluster : (n,) labels of items that were sampled together; None is every item.

    `InvalidInput`: a factor that does not vary within items, levels that cannot be told apart, fewer than two
    units, NaN, losses outside [0, 1].
    Source: Liang and Zeger (1986), Longitudinal data analysis using generalized linear models, for the
    standard errors.
    """
    delta = 1.0 - checked_confidence(confidence_level)
    vector, _ = loss_vector(losses, UNIT)
    design = design_matrix(factors, order=order)
    same_length(losses=vector, factors=design.matrix)
    unknown = [name for name in ordinal if name not in design.levels]
    if unknown:
        raise InvalidInput(f"`ordinal` names {unknown[0]!r}, which is no factor.")
    ids, items = unit_codes(item, len(vector), "item")
    clusters = clusters_of_items(cluster, items, ids)
    units = items if clusters is None else clusters[items]
    fit = _within(vector, design, items, units)
    answers = _Answers(design, fit, delta, tuple(ordinal))
    effects, trends = answers.effects()
    return FactorEffects(
        effects=effects,
        trends=trends,
        tests=answers.tests(),
        means=answers.means(vector),
        design=design,
        n=len(vector),
        n_items=len(ids),
        n_matched=fit.n_matched,
        n_units=fit.n_units,
        confidence_level=1.0 - delta,
        notes=(SCOPE,),
    )


@dataclass(frozen=True, eq=False)
class _Fit:
    """Coefficients (p,) with their covariance; units that say something; items seen more than once."""

    beta: Floats
    covariance: Floats
    n_units: int
    n_matched: int


def _within(losses: Floats, design: Design, items: Integers, units: Integers) -> _Fit:
    """Least squares of what is left of the losses after the mean of each item."""
    counts = np.bincount(items)
    y = losses - (np.bincount(items, losses) / counts)[items]
    means = np.column_stack([np.bincount(items, column) / counts for column in design.matrix.T])
    x = design.matrix - means[items]
    _estimable(x, design)
    beta = np.linalg.lstsq(x, y, rcond=None)[0].astype(np.float64)
    rows = np.flatnonzero(np.abs(x).max(axis=1) > 0)
    informative, codes = np.unique(units[rows], return_inverse=True)
    if len(informative) < 2:
        raise InvalidInput(
            f"only {len(informative)} unit is seen under two conditions; an error needs two. Add items."
        )
    residual = (y - x @ beta)[rows]
    scores = np.zeros((len(informative), x.shape[1]))
    np.add.at(scores, codes.reshape(-1), x[rows] * residual[:, np.newaxis])
    bread = np.linalg.inv(x.T @ x)
    factor = len(informative) / (len(informative) - 1.0)
    covariance = factor * bread @ (scores.T @ scores) @ bread
    return _Fit(beta, np.asarray(covariance), len(informative), len(np.unique(items[rows])))


def _estimable(x: Floats, design: Design) -> None:
    """`InvalidInput` where an effect cannot be found from differences within items."""
    dependent = dependent_columns(x)
    if not dependent:
        return
    name, level = design.columns[dependent[0]]
    if not np.abs(x[:, dependent[0]]).max() > 0:
        raise InvalidInput(
            f"factor {name!r} does not vary within items at level {level!r}: its effect on matched items is "
            "undefined. Run the same items under two levels, or drop the factor."
        )
    raise InvalidInput(
        f"level {level!r} of factor {name!r} is determined by the factors before it: their effects cannot "
        "be told apart. Drop one, or run the missing cells that `design_matrix` names."
    )


@dataclass(frozen=True, eq=False)
class _Answers:
    """Contrasts of a fit, with limits and p-values for all of them."""

    design: Design
    fit: _Fit
    delta: float
    ordinal: tuple[str, ...]

    def _columns(self, factor: str) -> list[int]:
        return [j for j, (name, _) in enumerate(self.design.columns) if name == factor]

    def effects(self) -> tuple[tuple[Effect, ...], tuple[Effect, ...]]:
        """Levels against references, and slopes."""
        p = len(self.design.columns)
        contrasts = np.vstack([np.eye(p), *(self._slope(factor) for factor in self.ordinal)])
        value = contrasts @ self.fit.beta
        variance = np.einsum("ij,jk,ik->i", contrasts, self.fit.covariance, contrasts)
        error = np.sqrt(np.maximum(variance, 0.0))
        reach = t_quantile(self.fit.n_units, self.delta / (2 * len(value))) * error
        alone = _two_sided(value, error, self.fit.n_units)
        adjusted = holm_adjusted(alone)
        names = [(name, level, self.design.levels[name][0]) for name, level in self.design.columns]
        names += [(factor, "per step", "") for factor in self.ordinal]
        rows = np.column_stack([value, value - reach, value + reach, error, alone, adjusted]).tolist()
        found = [Effect(*who, *row) for who, row in zip(names, rows, strict=True)]
        return tuple(found[:p]), tuple(found[p:])

    def _slope(self, factor: str) -> Floats:
        """(1, p) contrast of the slope per step; the reference has effect 0."""
        columns = self._columns(factor)
        steps = np.arange(len(columns) + 1) - len(columns) / 2.0
        contrast = np.zeros((1, len(self.design.columns)))
        contrast[0, columns] = steps[1:] / np.dot(steps, steps)
        return contrast

    def tests(self) -> tuple[FactorTest, ...]:
        return tuple(self._test(factor) for factor in self.design.levels)

    def _test(self, factor: str) -> FactorTest:
        """Hotelling's form of the Wald statistic: `(U - k) / (k (U - 1)) b' V^-1 b`, F(k, U - k)."""
        from scipy.special import fdtrc

        columns = self._columns(factor)
        k, units = len(columns), self.fit.n_units
        beta, covariance = self.fit.beta[columns], self.fit.covariance[np.ix_(columns, columns)]
        if units <= k or np.linalg.matrix_rank(covariance) < k:
            return FactorTest(factor, float("nan"), (k, max(units - k, 0)), float("nan"))
        wald = float(beta @ np.linalg.solve(covariance, beta))
        statistic = (units - k) / (k * (units - 1.0)) * wald
        return FactorTest(factor, statistic, (k, units - k), float(fdtrc(k, units - k, statistic)))

    def means(self, losses: Floats) -> dict[str, dict[str, float]]:
        """`mean loss + effect - mean effect of the rows`, at an even mix of the levels of all factors."""
        base = float(losses.mean() - (self.design.matrix @ self.fit.beta).mean())
        effects = {name: np.append(0.0, self.fit.beta[self._columns(name)]) for name in self.design.levels}
        even = base + sum(float(each.mean()) for each in effects.values())
        return {
            name: {
                level: float(even + effect - effects[name].mean())
                for level, effect in zip(levels, effects[name], strict=True)
            }
            for name, levels in self.design.levels.items()
        }


def _two_sided(value: Floats, error: Floats, units: int) -> Floats:
    """p-values by Student's law; without error 1 for no difference, 0 for one that is always the same."""
    from scipy.special import stdtr

    none = np.where(np.abs(value) <= ROUNDING, 0.0, np.inf)
    t = np.divide(np.abs(value), error, out=none, where=error > ROUNDING)
    return np.minimum(2.0 * stdtr(units - 1, -t), 1.0)
