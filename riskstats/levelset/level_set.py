"""A level set of a convex loss, and the certified ends of any direction over it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from riskstats._jit import one_blas_thread, resolve_device
from riskstats._validation import Floats
from riskstats.levelset import path
from riskstats.levelset.baseline import Baseline
from riskstats.levelset.boundedness import coefficient_reach
from riskstats.levelset.certificate import (
    EPS,
    centred_margins,
    dual_below,
    objective_above,
    outer_end,
)
from riskstats.levelset.problem import ConvexProblem
from riskstats.levelset.support import Lanes, SupportKernel

__all__ = ["LevelSet", "Support"]

_LANES = 256
_MARGINS = 1 << 22
_FIRST_LOOK = 1e-6
_BLUR = 1e6


@dataclass(frozen=True, eq=False)
class Support:
    """``max q'theta`` over a level set, for k directions, from both sides.

    inner : (k,) attained, up to rounding that is already taken off, by `theta` (k, p), a member of the set.
    outer : (k,) no member exceeds it; `inf` where nothing is certified. t : (k,) multipliers.
    """

    inner: Floats
    outer: Floats
    theta: Floats
    t: Floats

    @property
    def gap(self) -> Floats:
        """outer - inner, (k,), never negative."""
        return np.maximum(self.outer - self.inner, 0.0)


@dataclass(frozen=True, eq=False)
class LevelSet:
    """``{theta : F(theta) <= min F + rise}``.

    Attributes
    ----------
    problem, baseline : the objective and its minimiser.
    inner_limit, outer_limit : the limit on F from below and above, as far as min F is known: members are
        sought under the first, bounds hold up to the second.
    device : "auto", "numpy", "cpu" or "gpu".
    """

    problem: ConvexProblem
    baseline: Baseline
    inner_limit: float
    outer_limit: float
    device: str = "auto"
    _kernel: dict[str, SupportKernel] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def near_optimal(
        cls,
        problem: ConvexProblem,
        baseline: Baseline,
        epsilon: float,
        *,
        relative: bool,
        device: str = "auto",
    ) -> LevelSet:
        """F <= (1 + epsilon) min F, or min F + epsilon, with both limits rounded to the safe side."""

        def limit(best: float) -> float:
            return (1.0 + epsilon) * best if relative else best + epsilon

        low, high = limit(baseline.below), limit(baseline.above)
        return cls(problem, baseline, low - 4.0 * EPS * abs(low), high + 4.0 * EPS * abs(high), device)

    @property
    def kernel(self) -> SupportKernel:
        """The kernel, built once and shared by level sets of the same problem."""
        if "it" not in self._kernel:
            self._kernel["it"] = SupportKernel(self.problem, self.baseline)
        return self._kernel["it"]

    def at(self, epsilon: float, *, relative: bool) -> LevelSet:
        """The level set of another epsilon over the same minimiser."""
        other = LevelSet.near_optimal(
            self.problem, self.baseline, epsilon, relative=relative, device=self.device
        )
        object.__setattr__(other, "_kernel", self._kernel)
        return other

    @cached_property
    def reach(self) -> Floats:
        """(p,) bounds of |theta_j| on the set for coefficients without penalty; 0 elsewhere.

        A first bound comes from `coefficient_reach`. With it the ends of the coefficient itself are
        certified, and those are the bound that is kept.
        """
        problem = self.problem
        reach = coefficient_reach(problem, self.baseline.theta, self.baseline.below, self.outer_limit)
        free = np.flatnonzero(problem.ridge == 0.0)
        if len(free) == 0 or not np.isfinite(reach[free]).all():
            return reach
        unit = np.eye(problem.p)[free]
        outer = self._certified(self._solved(np.concatenate([unit, -unit]), 1e-9, 30, "numpy"), reach).outer
        reach[free] = np.minimum(
            reach[free], np.maximum(np.abs(outer[: len(free)]), np.abs(outer[len(free) :]))
        )
        return reach

    def support(
        self,
        directions: Floats,
        *,
        gap_tolerance: float = 1e-9,
        max_iter: int = 100,
        time_limit: float = np.inf,
        start: Floats | None = None,
    ) -> Support:
        """``max q'theta`` over the set for every row q of `directions` (k, p).

        Directions run in chunks. Those whose gap stays above `gap_tolerance` get more steps, then the
        slower search along the path of multipliers (`path`), until `max_iter` or `time_limit` seconds.
        """
        deadline = time.perf_counter() + time_limit
        chunk = max(1, min(_LANES, _MARGINS // self.problem.n))
        parts = []
        with one_blas_thread():
            for first in range(0, len(directions), chunk):
                rows = slice(first, first + chunk)
                parts.append(self._chunk(directions[rows], gap_tolerance, max_iter, deadline))
        return Support(*(np.concatenate(column) for column in zip(*map(_columns, parts), strict=True)))

    def _chunk(self, directions: Floats, gap_tolerance: float, max_iter: int, deadline: float) -> Support:
        lanes = self._solved(directions, gap_tolerance, min(max_iter, 12), self._library)
        best = self._certified(lanes, self.reach, gap_tolerance)
        for attempt in (self._longer, self._along_path):
            wide = np.flatnonzero(best.gap > gap_tolerance)
            if len(wide) == 0 or time.perf_counter() > deadline or max_iter <= 12:
                break
            found = attempt(lanes.take(wide), gap_tolerance, max_iter, deadline)
            best = _better(best, wide, self._certified(found, self.reach, gap_tolerance))
        return best

    @property
    def _library(self) -> str:
        return "numpy" if resolve_device(self.device) in ("numpy", "adaptive") else "jax"

    def _solved(self, directions: Floats, gap_tolerance: float, max_iter: int, library: str) -> Lanes:
        lanes = self.kernel.start(directions, self.outer_limit - self.baseline.above)
        return self.kernel.run(
            lanes, self.inner_limit, tolerance=_FIRST_LOOK, max_iter=max_iter, device=library
        )

    def _longer(self, lanes: Lanes, gap_tolerance: float, max_iter: int, deadline: float) -> Lanes:
        """More steps, from the start again where a lane was lost."""
        start = self.kernel.start(lanes.directions, self.outer_limit - self.baseline.above)
        sound = np.isfinite(lanes.theta).all(axis=1) & np.isfinite(lanes.error)
        theta = np.where(sound[:, None], lanes.theta, start.theta)
        t = np.where(sound, lanes.t, start.t)
        again = Lanes(lanes.directions, theta, t, lanes.error)
        return self.kernel.run(
            again, self.inner_limit, tolerance=0.01 * gap_tolerance, max_iter=max_iter, device="numpy"
        )

    def _along_path(self, lanes: Lanes, gap_tolerance: float, max_iter: int, deadline: float) -> Lanes:
        """The path of multipliers, then the direct iteration again from where it ended."""
        near = path.along_multipliers(self, lanes, gap_tolerance, max_iter, deadline)
        return self._longer(near, gap_tolerance, max_iter, deadline)

    def _certified(self, lanes: Lanes, reach: Floats, gap_tolerance: float = np.inf) -> Support:
        """Both ends from the points and multipliers of the lanes, nothing else trusted; in longer numbers
        where rounding alone may keep the ends apart."""
        best = self._ends(self.problem, lanes, reach)
        blurred = np.flatnonzero((best.gap > gap_tolerance) & (best.gap <= _BLUR * gap_tolerance))
        if len(blurred):
            best = _better(best, blurred, self._ends(self.problem.precise, lanes.take(blurred), reach))
        return best

    def _ends(self, problem: ConvexProblem, lanes: Lanes, reach: Floats) -> Support:
        q = lanes.directions
        sound = np.isfinite(lanes.theta).all(axis=1) & np.isfinite(lanes.t) & (lanes.t > 0)
        theta = np.where(sound[:, None], lanes.theta, self.baseline.theta)
        t = np.where(sound, lanes.t, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            margins = theta @ problem.design.T
            pull = t.astype(margins.dtype)[:, None] * q
            dual = dual_below(problem, centred_margins(problem, margins, pull), pull, reach)
            outer = np.where(sound, outer_end(self.outer_limit, dual, t), np.inf)
            member = self.pulled_inside(theta, margins, problem)
        size = (problem.p + 4) * EPS * (np.abs(q) * np.abs(member)).sum(axis=1)
        inner = (q * member).sum(axis=1) - size
        nothing = ~q.any(axis=1)
        return Support(inner, np.where(nothing, 0.0, np.maximum(outer, inner)), member, t)

    def pulled_inside(
        self, theta: Floats, margins: Floats | None = None, problem: ConvexProblem | None = None
    ) -> Floats:
        """Points moved along the ray to the minimiser until F is certainly within the limit, (k, p)."""
        best, problem = self.baseline.theta, problem or self.problem
        value = np.asarray(objective_above(problem, theta, margins))
        member = np.array(theta)
        outside = ~(value <= self.inner_limit)
        shrink = 1.0
        for attempt in range(50):
            if not outside.any():
                return member
            room = self.inner_limit - self.baseline.above
            part = np.clip(room / (value[outside] - self.baseline.above), 0.0, 1.0) * shrink
            part = np.where(np.isfinite(part), part, 0.0)
            moved = best + part[:, None] * (member[outside] - best)
            member[outside] = moved
            value[outside] = objective_above(problem, moved)
            outside = ~(value <= self.inner_limit)
            shrink = 1.0 - min(0.5, 1e-15 * 8.0**attempt)
        member[outside] = best
        return member


def _columns(part: Support) -> tuple[Any, ...]:
    return part.inner, part.outer, part.theta, part.t


def _better(best: Support, places: Any, found: Support) -> Support:
    """`best` with the better of either end at `places`: the two ends need not come from one point."""
    inner, outer, theta, t = (array.copy() for array in _columns(best))
    higher = places[found.inner > inner[places]]
    inner[higher] = found.inner[found.inner > best.inner[places]]
    theta[higher] = found.theta[found.inner > best.inner[places]]
    lower = found.outer < best.outer[places]
    outer[places[lower]], t[places[lower]] = found.outer[lower], found.t[lower]
    return Support(inner, outer, theta, t)
