"""Robust welfare of a treatment rule: the worst mean outcome when both arms and the covariates may shift.

Of a rule that treats where x is in A, over laws of (Y1, Y0, X) whose arms lie in two balls that share X,

    RW(A) = inf E [ Y1 1{X in A} + Y0 1{X not in A} ]

The inner infimum of a pair of rows sends both to one covariate value x' and lowers the outcome that the rule
picks there:

    min( min over x' in A of      y1 - e(l1) + w (l1 ||x1 - x'||^p + l0 ||x0 - x'||^p),
         min over x' not in A of  y0 - e(l0) + w (l1 ||x1 - x'||^p + l0 ||x0 - x'||^p) )

so where covariates are cheap to move, a rule is judged on rows that it was not shown. x' ranges over the
admissible values.

Source: Fan, Park and Xu, "Quantifying Distributional Model Risk in Marginal Problems via Optimal Transport".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, time_limit
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, Status, frame
from riskstats.wasserstein.ball import OverlappingBalls
from riskstats.wasserstein.certificate import Columns
from riskstats.wasserstein.cost import scaled_costs
from riskstats.wasserstein.displacement import linear_gain
from riskstats.wasserstein.overlap_finite import TwoArms, covariate_costs, covariate_values
from riskstats.wasserstein.program import solve_program
from riskstats.wasserstein.result import WorstCase
from riskstats.wasserstein.worst_law import worst_case_of

__all__ = ["RuleRanking", "WelfareSupremum", "rank_rules", "robust_welfare"]

Rule = Callable[[Any], Any]


def robust_welfare(
    rule: Rule,
    model: OverlappingBalls,
    *,
    admissible: npt.ArrayLike | None = None,
    gap: float = 1e-6,
    time_limit: float | None = None,
) -> WorstCase:
    """The smallest mean outcome of a rule over the set, outcomes on the whole line.

    Parameters
    ----------
    rule : function of covariates (U, k) -> (U,) True where it treats.
    model : `OverlappingBalls`.
    admissible : (U, k) values that covariates may take; None is those of either arm.
    gap : of the enclosure, relative to 1 + |value|.

    `InvalidInput` where the rule does not answer True or False. A set without laws answers `INFEASIBLE`.
    """
    values = _admissible(model, admissible)
    treats = _decisions(rule, values)
    question = WelfareSupremum(model, values, treats)
    found = solve_program(question, gap=gap, time_limit=_seconds(time_limit))
    return worst_case_of(
        found,
        model,
        question="welfare of the rule",
        direction="lower",
        route="column generation over covariates",
        reference=_reference_welfare(rule, model),
    )


def rank_rules(
    rules: Mapping[str, Rule],
    model: OverlappingBalls,
    *,
    admissible: npt.ArrayLike | None = None,
    gap: float = 1e-6,
) -> RuleRanking:
    """The rules by robust welfare, largest first, beside their welfare at the reference.

    rules : {name: rule}. Enclosures that overlap are not told apart: `ties` names the rules that may be best.
    """
    if not isinstance(rules, Mapping) or not rules:
        raise InvalidInput(f"`rules` must be a dict of named rules; got {type(rules).__name__}.")
    cases = {
        str(name): robust_welfare(rule, model, admissible=admissible, gap=gap) for name, rule in rules.items()
    }
    order = sorted(cases, key=lambda name: -np.nan_to_num(cases[name].value, nan=-np.inf))
    return RuleRanking(tuple(order), tuple(cases[name] for name in order))


@dataclass(frozen=True, eq=False)
class RuleRanking(Result):
    """Rules by robust welfare, largest first.

    names : of the rules. cases : the `WorstCase` of each.
    """

    names: tuple[str, ...]
    cases: tuple[WorstCase, ...]

    @property
    def ties(self) -> tuple[str, ...]:
        """The rules whose certified interval reaches that of the first."""
        best = self.cases[0].lower
        return tuple(name for name, case in zip(self.names, self.cases, strict=True) if case.upper >= best)

    def to_frame(self) -> Any:
        """One row per rule."""
        return frame(
            [
                {
                    "rule": name,
                    "robust_welfare": case.value,
                    "reference_welfare": case.reference_value,
                    "status": case.status.value,
                }
                for name, case in zip(self.names, self.cases, strict=True)
            ]
        )

    def summary(self) -> str:
        """A table of the rules."""
        if self.cases[0].status is Status.INFEASIBLE:
            return self.cases[0].summary()
        width = max(len(name) for name in self.names)
        lines = [f"{'rule':<{width}}  robust welfare  at the reference"]
        for name, case in zip(self.names, self.cases, strict=True):
            reference = "" if case.reference_value is None else f"{case.reference_value:.6g}"
            lines.append(f"{name:<{width}}  {case.value:>14.6g}  {reference:>16}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


@dataclass(frozen=True, eq=False)
class WelfareSupremum(TwoArms):
    """The inner supremum of minus the welfare.

    values : (U, k) admissible covariates. treats : (U,) the decisions of the rule.
    """

    balls: OverlappingBalls
    values: Floats
    treats: np.ndarray
    exact: bool = True

    @cached_property
    def recession(self) -> Floats:
        """For order 1 an outcome that the rule may pick falls by 1 per unit of cost, however far. It may pick
        one where rows of both arms can go: those of a ball of budget 0 stay."""
        if self.balls.order > 1.0:
            return np.zeros(2)
        first, second = (np.isfinite(cost).any(axis=0) for cost in self._costs)
        open_to = first & second
        picked = np.array([(open_to & self.treats).any(), (open_to & ~self.treats).any()])
        return np.where(picked & (self.budget > 0), 1.0, 0.0)

    @cached_property
    def safe(self) -> Floats:
        """Above the recession; 1 is finite for any order."""
        return self.recession + 1.0

    @cached_property
    def _costs(self) -> tuple[Floats, Floats]:
        """(n, U) and (m, U); a ball of budget 0 moves nowhere."""
        found = []
        for x, budget in zip(self.balls.covariates, self.budget, strict=True):
            cost = covariate_costs(self.balls, x, self.values)
            found.append(cost if budget > 0 else np.where(cost > 0, np.inf, 0.0))
        return found[0], found[1]

    def at(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """The best covariate value of every pair, and the fall of the outcome that is picked there."""
        moves = [
            linear_gain(float(l) if budget > 0 else np.inf, self.balls.order)
            for l, budget in zip(multiplier, self.budget, strict=True)  # noqa: E741
        ]
        return self._search(multiplier, moves, -1.0)

    def cheapest(self, multiplier: Floats) -> tuple[Floats, Columns]:
        """The nearest common covariate value of every pair."""
        values, columns = self._search(multiplier, [(0.0, 0.0), (0.0, 0.0)], 0.0)
        return -values, columns

    def _search(
        self, multiplier: Floats, moves: list[tuple[float, float]], sign: float
    ) -> tuple[Floats, Columns]:
        y1, y0 = self.balls.outcomes
        n, m = len(y1), len(y0)
        values, place = np.full((n, m), -np.inf), np.zeros((n, m), dtype=np.int64)
        x1, x0 = (scaled_costs(l, c) for l, c in zip(multiplier, self._costs, strict=True))  # noqa: E741
        for u, treat in enumerate(self.treats):
            picked = sign * (y1[:, None] if treat else y0[None, :]) + moves[0 if treat else 1][0]
            moved = x1[:, u][:, None] + x0[:, u][None, :]
            total = np.where(np.isinf(moved), -np.inf, picked - np.where(np.isinf(moved), 0.0, moved))
            better = total > values
            values = np.where(better, total, values)
            place[better] = u
        return values, self._columns(place.ravel(), [move[1] for move in moves], n, m)

    def _columns(self, u: np.ndarray, steps: list[float], n: int, m: int) -> Columns:
        i, j = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
        treat = self.treats[u]
        y1, y0 = self.balls.outcomes
        p = self.balls.order
        falls = np.where(treat, steps[0], 0.0), np.where(treat, 0.0, steps[1])
        y1, y0 = y1[i] - falls[0], y0[j] - falls[1]
        costs = np.stack([self._costs[0][i, u] + falls[0] ** p, self._costs[1][j, u] + falls[1] ** p], axis=1)
        x = self.values[u]
        targets = (np.column_stack([y1, x]), np.column_stack([y0, x]))
        return Columns(i, j, targets, -np.where(treat, y1, y0), costs)


def _admissible(model: OverlappingBalls, values: npt.ArrayLike | None) -> Floats:
    if not isinstance(model, OverlappingBalls):
        raise InvalidInput(f"a rule needs covariates: pass `OverlappingBalls`; got {type(model).__name__}.")
    if values is None:
        return np.unique(np.concatenate(model.covariates), axis=0)
    return covariate_values(values, model, "admissible")


def _decisions(rule: Rule, values: Floats) -> np.ndarray:
    if not callable(rule):
        raise InvalidInput(f"a rule maps covariates (U, k) to True or False; got {rule!r}.")
    answer = np.asarray(rule(values))
    if answer.dtype != bool or answer.shape not in ((len(values),), ()):
        raise InvalidInput(
            f"a rule maps covariates to True or False, one for each of {len(values)} rows; got "
            f"{answer.dtype} "
            f"of shape {answer.shape}, first {answer.ravel()[:1]!r}."
        )
    return np.broadcast_to(answer, (len(values),)).copy()


def _reference_welfare(rule: Rule, model: OverlappingBalls) -> float | None:
    """Welfare with each arm's own covariates: defined where their marginals agree as the arms say."""
    first, second = model.covariates
    y1, y0 = model.outcomes
    treat1, treat0 = _decisions(rule, first), _decisions(rule, second)
    return float(model.treated.weights @ (y1 * treat1) + model.control.weights @ (y0 * ~treat0))


def _seconds(limit: float | None) -> float:
    return time_limit(limit)
