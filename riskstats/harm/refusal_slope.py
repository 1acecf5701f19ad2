"""How refusal rises with cost at the same severity: a logistic slope, its limits, and separation.

A maximum of the likelihood need not exist. A direction theta with `(2 y - 1) x.theta >= 0` on every prompt
is one along which the likelihood never falls. Where such a direction moves the slope, in one sense, the slope
has no finite estimate (`separated`) but still a finite limit on one side; where in both, it says nothing.
Where these directions leave the slope alone, the prompts that they separate, such as a severity at which
everything is refused, say nothing of it and are left out.

The limits are all b with `2 (max l - l(b)) <= ratio chi^2_1`. With clusters, or weights that differ, the
likelihood ratio is scaled by the sandwich variance over that of the model.

Sources: Albert and Anderson (1984), On the existence of maximum likelihood estimates in logistic regression
models; Chandler and Bate (2007), Inference for clustered data using the independence loglikelihood.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats, Integers
from riskstats.exceptions import NotConverged
from riskstats.losses import sigmoid, softplus_curvature
from riskstats.losses import softplus as _softplus
from riskstats.results import Result, as_percent

__all__ = ["RefusalSlope", "Refusals", "nuisance_of", "refusal_slope"]

STEPS = 200
FURTHEST = 1e3  # a limit of the slope beyond this is infinite
MOVES = 1e-7  # of a direction with entries up to 1


@dataclass(frozen=True)
class RefusalSlope(Result):
    """The change of the log odds of refusal per level of cost.

    Attributes
    ----------
    slope : estimate; None where there is none. lower, upper : likelihood-ratio limits, infinite where open.
    status : "estimated"; "separated", the estimate is infinite; "not identified", no severity has both
        answers at two costs; "constant", everything or nothing is refused; "graded", refusals are not 0 or 1.
    adjusted_for : "nothing", "severity levels" or "linear severity".
    confidence_level : of the limits together. design_effect : the scale of the likelihood ratio; 1 for
        independent prompts that count the same; None where it cannot be estimated.
    n_informative : prompts that say something of the slope.
    """

    slope: float | None
    lower: float
    upper: float
    status: str
    adjusted_for: str
    confidence_level: float
    design_effect: float | None
    n_informative: int

    def summary(self) -> str:
        """The slope in one sentence, or why there is none."""
        by = "" if self.adjusted_for == "nothing" else f" adjusted for {self.adjusted_for}"
        sure, limits = as_percent(self.confidence_level), f"{self.lower:.3g} to {self.upper:.3g}"
        if self.status == "estimated":
            return f"Slope of refusal on cost{by} {self.slope:.4g} ({limits}, {sure})."
        if self.status == "separated":
            return (
                f"Slope of refusal on cost{by}: separated, cost and what it is adjusted for tell refused "
                f"from answered prompts, so that no finite estimate exists ({limits}, {sure})."
            )
        why = {
            "not identified": "no severity has both refused and answered prompts at different costs",
            "constant": "every prompt is refused, or none",
            "graded": "refusals are graded, not 0 or 1",
        }
        return f"Slope of refusal on cost{by}: {self.status}, {why[self.status]}."

    def __str__(self) -> str:
        return self.summary()


@dataclass(frozen=True, eq=False)
class Refusals:
    """n prompts: refused (n,) 0 or 1, cost (n,) positions, nuisance (n, p) columns.

    weights : (n,) > 0 of mean 1. codes : (n,) of clusters, or None.
    """

    refused: Floats
    cost: Floats
    nuisance: Floats
    weights: Floats
    codes: Integers | None = None

    @property
    def design(self) -> Floats:
        return np.column_stack([self.nuisance, self.cost])

    def rows(self, kept: npt.NDArray[np.bool_]) -> Refusals:
        codes = None if self.codes is None else self.codes[kept]
        return Refusals(self.refused[kept], self.cost[kept], self.nuisance[kept], self.weights[kept], codes)


def refusal_slope(data: Refusals, adjusted_for: str, confidence_level: float) -> RefusalSlope:
    """The slope of cost beside the nuisance columns, with its limits and status."""
    found = _Answer(adjusted_for, confidence_level)
    if len(np.unique(data.refused)) < 2:
        return found.without("constant")
    cells = _cells(data)
    rising, falling = _direction(cells, 1.0), _direction(cells, -1.0)
    if rising is not None and falling is not None:
        return found.without("not identified")
    apart = rising if rising is not None else falling
    idle = _separated(cells, fixed_slope=True)
    if idle.any():
        kept = ~idle[cells.inverse]
        data = data.rows(kept)
        cells = _cells(data)
    if apart is not None:
        return _open(cells, data, found, 1.0 if rising is not None else -1.0)
    return _closed(cells, data, found)


@dataclass(frozen=True)
class _Answer:
    adjusted_for: str
    confidence_level: float

    def without(self, status: str) -> RefusalSlope:
        return self.make(None, -math.inf, math.inf, status, None, 0)

    def make(
        self, slope: float | None, lower: float, upper: float, status: str, effect: float | None, n: int
    ) -> RefusalSlope:
        return RefusalSlope(slope, lower, upper, status, self.adjusted_for, self.confidence_level, effect, n)

    @property
    def reach(self) -> float:
        from scipy.special import chdtri

        return float(chdtri(1.0, 1.0 - self.confidence_level))


# cells: prompts of the same cost and nuisance


@dataclass(frozen=True, eq=False)
class _Cells:
    """design (m, p + 1), cost last; refused, answered (m,) weights; inverse (n,) cell of each row."""

    design: Floats
    refused: Floats
    answered: Floats
    inverse: Integers

    @property
    def total(self) -> Floats:
        return self.refused + self.answered

    def signed(self) -> Floats:
        """(r, p + 1) `(2 y - 1) x` of every cell and answer that occurs."""
        return np.vstack([self.design[self.refused > 0], -self.design[self.answered > 0]])


def _cells(data: Refusals) -> _Cells:
    design, inverse = np.unique(data.design, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    total = np.bincount(inverse, data.weights, len(design))
    refused = np.bincount(inverse, data.weights * data.refused, len(design))
    answered = np.bincount(inverse, data.weights * (1.0 - data.refused), len(design))
    tiny = 1e-12 * total
    return _Cells(
        design, np.where(refused <= tiny, 0.0, refused), np.where(answered <= tiny, 0.0, answered), inverse
    )


def _direction(cells: _Cells, sign: float) -> Floats | None:
    """A direction along which the likelihood never falls and the slope moves by `sign`, or None."""
    from scipy.optimize import linprog

    rows = cells.signed()
    goal = np.zeros(rows.shape[1])
    goal[-1] = -sign
    found = linprog(goal, -rows, np.zeros(len(rows)), bounds=(-1.0, 1.0), method="highs")
    if found.status != 0:
        raise NotConverged(f"the search for a separating direction did not end: {found.message}")
    return np.asarray(found.x) if -found.fun > MOVES else None


def _separated(cells: _Cells, *, fixed_slope: bool) -> npt.NDArray[np.bool_]:
    """(m,) cells strictly separated by some direction, with the slope fixed or free: their part of the
    likelihood goes to its supremum."""
    from scipy.optimize import linprog

    rows = cells.signed()
    size, count = rows.shape[1], len(rows)
    goal = np.append(np.zeros(size), -np.ones(count))  # the largest sum of margins, each at most 1
    margins = np.hstack([-rows, np.eye(count)])
    ends = [(-1e3, 1e3)] * (size - 1) + [(0.0, 0.0) if fixed_slope else (-1e3, 1e3)] + [(0.0, 1.0)] * count
    found = linprog(goal, margins, np.zeros(count), bounds=ends, method="highs")
    if found.status != 0:
        raise NotConverged(f"the search for separated prompts did not end: {found.message}")
    strict = np.asarray(found.x[size:]) > 0.5
    refused = np.flatnonzero(cells.refused > 0)
    answered = np.flatnonzero(cells.answered > 0)
    apart = np.zeros(len(cells.design), dtype=bool)
    apart[np.concatenate([refused, answered])[strict]] = True
    return apart


# likelihood


def _fit(design: Floats, refused: Floats, answered: Floats, offset: Floats) -> tuple[float, Floats]:
    """(largest log-likelihood, coefficients) of a logistic model whose maximum exists, by damped Newton."""
    basis = _independent(design)
    x, total = design[:, basis], refused + answered

    def value(theta: Floats) -> float:
        z = x @ theta + offset
        return -float(refused @ _softplus(-z) + answered @ _softplus(z))

    theta = np.zeros(x.shape[1])
    best = value(theta)
    for _ in range(STEPS if x.shape[1] else 0):
        z = x @ theta + offset
        slope = x.T @ (refused - total * sigmoid(z))
        bend = (x * (total * softplus_curvature(z))[:, np.newaxis]).T @ x
        move = np.linalg.lstsq(bend, slope, rcond=None)[0]
        if not slope @ move > 1e-20 * max(1.0, abs(best)):
            break
        theta, best, moved = _damped(value, theta, move, best)
        if not moved:
            break
    coefficients = np.zeros(design.shape[1])
    coefficients[basis] = theta
    return best, coefficients


def _damped(
    value: Callable[[Floats], float], theta: Floats, move: Floats, best: float
) -> tuple[Floats, float, bool]:
    """The longest of the halved steps that does not lower the likelihood."""
    for half in range(40):
        tried = theta + move * 0.5**half
        now = value(tried)
        if now >= best:
            return tried, now, now > best
    return theta, best, False


def _independent(design: Floats) -> Integers:
    """Columns that span all of them; cost is among them where no others span it."""
    from scipy.linalg import qr

    if design.shape[1] == 0:
        return np.zeros(0, dtype=np.int64)
    _, r, order = qr(design, mode="economic", pivoting=True)
    size = np.abs(np.diagonal(r))
    rank = int((size > 1e-10 * max(float(size[0]), 1e-300)).sum()) if len(size) else 0
    return np.sort(order[:rank])


def _profile(cells: _Cells, slope: float) -> float:
    """The largest log-likelihood at a slope."""
    return _fit(cells.design[:, :-1], cells.refused, cells.answered, slope * cells.design[:, -1])[0]


def _closed(cells: _Cells, data: Refusals, found: _Answer) -> RefusalSlope:
    """A slope with a finite estimate."""
    best, theta = _fit(cells.design, cells.refused, cells.answered, np.zeros(len(cells.design)))
    slope, n = float(theta[-1]), len(data.refused)
    effect = _design_effect(data, theta)
    limits = [_limit(cells, best, slope, sign, found.reach * effect) for sign in (-1.0, 1.0)]
    return found.make(slope, limits[0], limits[1], "estimated", effect, n)


def _open(cells: _Cells, data: Refusals, found: _Answer, sign: float) -> RefusalSlope:
    """A slope whose estimate is infinite: a limit on the other side, for independent prompts."""
    plain = data.codes is None and bool((data.weights == data.weights[0]).all())
    ends = [-math.inf, math.inf]
    if plain:
        apart = _separated(cells, fixed_slope=False)
        rest = ~apart
        best = 0.0
        if rest.any():
            none = np.zeros(int(rest.sum()))
            best = _fit(cells.design[rest], cells.refused[rest], cells.answered[rest], none)[0]
        ends[0 if sign > 0 else 1] = _limit(cells, best, sign * 2.0, -sign, found.reach)
    effect = 1.0 if plain else None
    return found.make(None, ends[0], ends[1], "separated", effect, len(data.refused))


def _limit(cells: _Cells, best: float, start: float, sign: float, reach: float) -> float:
    """The slope on one side of `start` at which twice the loss of likelihood is `reach`."""
    from scipy.optimize import brentq

    def loss(slope: float) -> float:
        return 2.0 * (best - _profile(cells, slope)) - reach

    near, step = start, 0.25
    while loss(near) > 0:  # a start where the loss is already too large lies on the other side
        near -= sign * step
        step *= 2.0
        if abs(near) > FURTHEST:
            return -sign * math.inf
    far, step = near + sign * 0.25, 0.5
    while loss(far) < 0:
        far += sign * step
        step *= 2.0
        if abs(far) > FURTHEST:
            return sign * math.inf
    return float(brentq(loss, near, far, xtol=1e-10))


def _design_effect(data: Refusals, theta: Floats) -> float:
    """The sandwich variance of the slope over that of the model; 1 for independent prompts of one weight."""
    equal = bool((data.weights == data.weights[0]).all())
    if data.codes is None and equal:
        return 1.0
    basis = _independent(data.design)
    x = data.design[:, basis]
    z = data.design @ theta
    bend = (x * (data.weights * softplus_curvature(z))[:, np.newaxis]).T @ x
    scores = x * (data.weights * (data.refused - sigmoid(z)))[:, np.newaxis]
    if data.codes is not None:
        unit = np.unique(data.codes, return_inverse=True)[1].reshape(-1)
        sums = np.zeros((int(unit.max()) + 1, x.shape[1]))
        np.add.at(sums, unit, scores)
        scores = sums
    inverse = np.linalg.pinv(bend)
    spread = inverse @ (scores.T @ scores) @ inverse * _small(len(scores))
    return float(spread[-1, -1] / inverse[-1, -1])


def _small(units: int) -> float:
    return units / (units - 1.0) if units > 1 else 1.0


def nuisance_of(severity: Floats | None, how: str, n: int) -> tuple[Any, str]:
    """((n, p) columns that stand for severity, what they adjust for)."""
    if severity is None or (severity == severity[0]).all():
        return np.ones((n, 1)), "nothing"
    if how == "linear":
        return np.column_stack([np.ones(n), severity]), "linear severity"
    values = np.unique(severity)
    return (severity[:, np.newaxis] == values).astype(np.float64), "severity levels"
