"""The range of a linear function, and of the ratio of two, over a bounded polyhedron, with its proof.

A linear end comes from a linear program. A ratio `a.x / b.x` with b.x >= 0 becomes one by y = t x with
b.y = 1. The value is recomputed at the point that the solver returns, the proof from its multipliers: with
multipliers z >= 0 of `A x <= b` and nu of `E x = e`, and l <= x <= u,

    c.x <= z.b + nu.e + sum_i max over [l_i, u_i] of (c - A'z - E'nu)_i x_i    for every x of the polyhedron.

For a ratio with value r this is used with c = a - r b: `a.x / b.x <= r + max(bound, 0) / min b.x`.

Source: Charnes and Cooper (1962), Programming with linear fractional functionals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import Floats
from riskstats.exceptions import Infeasible, NotConverged

__all__ = ["Extreme", "Polyhedron", "largest", "largest_ratio", "smallest", "smallest_ratio"]

TINY = 1e-12  # relative, what rounding leaves of zero


def _no_rows(width: int) -> tuple[Floats, Floats]:
    return np.zeros((0, width)), np.zeros(0)


@dataclass(frozen=True, eq=False)
class Polyhedron:
    """`{x : lower <= x <= upper, rows x <= limits, equations x = values}` with finite ends."""

    lower: Floats
    upper: Floats
    rows: Floats
    limits: Floats
    equations: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    values: Floats = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if self.equations.size == 0:
            object.__setattr__(self, "equations", _no_rows(len(self.lower))[0])

    @property
    def size(self) -> int:
        return len(self.lower)

    def violation(self, x: Floats) -> float:
        """By how much a point misses a constraint, at most."""
        over = [x - self.upper, self.lower - x, self.rows @ x - self.limits]
        off = np.abs(self.equations @ x - self.values)
        return float(max(0.0, *(part.max(initial=0.0) for part in (*over, off))))


class Extreme(NamedTuple):
    """One end: `value` at the point `at`, and `bound`, which no point passes. `at` is None where there is no
    such end: the value is inf, or nan where the ratio is 0 / 0 throughout."""

    value: float
    bound: float
    at: Floats | None
    violation: float = 0.0

    @property
    def gap(self) -> float:
        """`|bound - value|`, absolute."""
        return 0.0 if self.at is None or self.bound == self.value else abs(self.bound - self.value)


def largest(c: Floats, over: Polyhedron) -> Extreme:
    """The largest `c.x`. `Infeasible`: no point satisfies the constraints."""
    found = _solved(-c, over.rows, over.limits, over.equations, over.values, (over.lower, over.upper))
    x = np.clip(found.x, over.lower, over.upper)
    z, nu = np.maximum(-found.ineqlin.marginals, 0.0), -found.eqlin.marginals
    return Extreme(float(c @ x), max(_proof(c, over, z, nu), float(c @ x)), x, over.violation(x))


def smallest(c: Floats, over: Polyhedron) -> Extreme:
    """The smallest `c.x`."""
    return _negated(largest(-c, over))


def _negated(found: Extreme) -> Extreme:
    return found._replace(value=-found.value, bound=-found.bound)


def _proof(c: Floats, over: Polyhedron, z: Floats, nu: Floats) -> float:
    """What `c.x` cannot pass, from multipliers z >= 0 of the rows and nu of the equations."""
    rest = c - over.rows.T @ z - over.equations.T @ nu
    room = np.maximum(rest * over.lower, rest * over.upper).sum()
    return float(z @ over.limits + nu @ over.values + room)


def _solved(c: Floats, rows: Floats, limits: Floats, equations: Floats, values: Floats, ends: Any) -> Any:
    """The answer of a linear program that minimises `c.x`."""
    from scipy.optimize import linprog

    scale = float(np.abs(c).max(initial=0.0)) or 1.0
    found = linprog(
        c / scale,
        rows if len(rows) else None,
        limits if len(rows) else None,
        equations if len(equations) else None,
        values if len(equations) else None,
        np.column_stack(ends),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if found.status == 2:
        raise Infeasible("no point satisfies every constraint.")
    if found.status not in (0, 3):
        raise NotConverged(f"the linear program did not end: {found.message}")
    if found.status == 0:
        found.ineqlin.marginals = scale * found.ineqlin.marginals
        found.eqlin.marginals = scale * found.eqlin.marginals
    return found


# ratios


def largest_ratio(a: Floats, b: Floats, over: Polyhedron) -> Extreme:
    """The largest `a.x / b.x` where `b.x >= 0` throughout; 0 / 0 is left out, x / 0 is inf.

    value nan where every point has 0 / 0.
    """
    most, least = largest(b, over), smallest(b, over)
    scale = max(float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0)), 1e-300)
    if most.bound <= TINY * scale:
        top = largest(a, over).bound
        return Extreme(math.nan if top <= TINY * scale else math.inf, math.nan, None)
    found = _homogeneous(a, b, over)
    if found.status == 3:
        return Extreme(math.inf, math.inf, None)
    y, t = found.x[:-1], found.x[-1]
    x = np.clip(y / t, over.lower, over.upper)
    value = float(a @ x) / float(b @ x)
    rows = len(over.limits)
    z = np.maximum(-found.ineqlin.marginals[:rows], 0.0)
    nu = -found.eqlin.marginals[1:]
    excess = _proof(a - value * b, over, z, nu)
    excess = 0.0 if excess <= TINY * scale * max(1.0, abs(value)) else excess
    bound = (
        value if excess == 0.0 else value + excess / max(least.bound, 0.0) if least.bound > 0 else math.inf
    )
    return Extreme(value, bound, x, over.violation(x))


def smallest_ratio(a: Floats, b: Floats, over: Polyhedron) -> Extreme:
    """The smallest `a.x / b.x` for a.x >= 0 and b.x >= 0; inf where b.x is 0 throughout and a.x is not."""
    if largest(b, over).bound <= TINY * max(float(np.abs(b).max(initial=0.0)), 1e-300):
        return largest_ratio(a, b, over)
    return _negated(largest_ratio(-a, b, over))


def _homogeneous(a: Floats, b: Floats, over: Polyhedron) -> Any:
    """Maximise `a.y` over (y, t), t >= 0, y in t times the polyhedron, b.y = max |b|."""
    b = b / np.abs(b).max()
    eye = np.eye(over.size)
    rows = np.block(
        [
            [over.rows, -over.limits[:, np.newaxis]],
            [eye, -over.upper[:, np.newaxis]],
            [-eye, over.lower[:, np.newaxis]],
        ]
    )
    equations = np.block([[b[np.newaxis], np.zeros((1, 1))], [over.equations, -over.values[:, np.newaxis]]])
    values = np.append(1.0, np.zeros(len(over.values)))
    ends = np.append(np.full(over.size, -np.inf), 0.0), np.full(over.size + 1, np.inf)
    return _solved(np.append(-a, 0.0), rows, np.zeros(len(rows)), equations, values, ends)
