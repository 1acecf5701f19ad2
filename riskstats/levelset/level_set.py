"""A level set of a convex loss, and the certified ends of any direction over it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from riskstats._jit import one_blas_thread, resolve_device
from riskstats._validation import Floats
from riskstats.exceptions import NotConverged
from riskstats.levelset import path
from riskstats.levelset.baseline import Baseline
from riskstats.levelset.boundedness import coefficient_reach
from riskstats.levelset.certificate import (
    EPS,
    Tangents,
    centred_margins,
    dual_below,
    intercept_excess,
    objective_above,
    outer_end,
)
from riskstats.levelset.problem import ConvexProblem
from riskstats.levelset.support import Lanes, SupportKernel

__all__ = ["LevelSet", "Support", "better"]

_LANES = (32, 256)
_MARGINS = 1 << 15
"""Lanes in a chunk, fewest and most, and numbers in its margins: what a cache holds."""
_FIRST_STEPS = 12
_MORE_STEPS = 25
_TIGHTNESS = (0.1, 1e-3, 1e-6)
"""How closely the path of multipliers meets the limit before the direct iteration is tried again."""
_BLUR = 5.0
_NEGLIGIBLE = 0.02
_CLOSE = 1e-3
_SQUARED_ERROR = 0.01
_NEWTON_PULLS = 6
_PULLS = 50


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

    @classmethod
    def joined(cls, parts: Sequence[Support]) -> Support:
        """The directions of several answers, one after the other."""
        return cls(*(np.concatenate(column) for column in zip(*map(_columns, parts), strict=True)))


@dataclass(frozen=True, eq=False)
class LevelSet:
    """``{theta : F(theta) <= min F + rise}``.

    Attributes
    ----------
    problem, baseline : the objective and its minimiser.
    inner_limit, outer_limit : the limit on F from below and above, as far as min F is known: members are
        sought under the first, bounds hold up to the second.
    device : "auto", "numpy", "cpu" or "gpu".

    `NotConverged`: min F is not known well enough to show one member.
    """

    problem: ConvexProblem
    baseline: Baseline
    inner_limit: float
    outer_limit: float
    device: str = "auto"
    _kernel: dict[str, SupportKernel] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.baseline.above <= self.inner_limit:
            raise NotConverged(
                f"The best loss is only known within {self.baseline.gap:.2g}, and the limit is "
                f"{self.inner_limit - self.baseline.below:.2g} above it: no model is surely inside. "
                "Raise `epsilon`, scale `X` or lower `C`."
            )

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

    def within(self, larger: LevelSet) -> None:
        """Take over the bound of the coefficients of a larger set of the same problem."""
        if larger.outer_limit >= self.outer_limit and larger.problem is self.problem:
            self.__dict__["reach"] = larger.reach

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
        lanes = self._solved(np.concatenate([unit, -unit]), 1e-9, 30, "numpy")
        outer = self._certified(lanes, reach, 1e-9).outer
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
    ) -> Support:
        """``max q'theta`` over the set for every row q of `directions` (k, p).

        Directions run in chunks. Those whose gap stays above `gap_tolerance` get more steps, then the
        slower search along the path of multipliers (`path`), until `max_iter` or `time_limit` seconds.
        """
        deadline = time.perf_counter() + time_limit
        parts = []
        with one_blas_thread():
            for rows in self.chunks(len(directions)):
                steps = min(max_iter, _FIRST_STEPS)
                lanes = self._solved(directions[rows], gap_tolerance, steps, self.library)
                parts.append(self.refined(lanes, gap_tolerance, max_iter, deadline))
        return Support.joined(parts)

    def chunks(self, k: int) -> Iterator[slice]:
        """Slices of k lanes that are solved together."""
        chunk = _LANES[1] if self.library == "jax" else _MARGINS // self.problem.n
        chunk = min(max(chunk, _LANES[0]), _LANES[1])
        yield from (slice(first, first + chunk) for first in range(0, max(k, 1), chunk))

    def refined(self, lanes: Lanes, gap_tolerance: float, max_iter: int, deadline: float) -> Support:
        """Certify the lanes as they are, and search on where a gap is wide."""
        best = self.certified(lanes, gap_tolerance)
        if len(self.wide(best, lanes, gap_tolerance)) == 0 or max_iter <= _FIRST_STEPS:
            return best
        for search in (self._again, self._longer):
            wide = self.wide(best, lanes, gap_tolerance)
            near = wide[np.isfinite(lanes.error[wide])]
            if len(near):
                found = search(lanes.take(near), gap_tolerance, max_iter)
                best = self._tried(best, near, found, gap_tolerance)
        walk = self.kernel.start(lanes.directions, self.outer_limit - self.baseline.above)
        walk.theta[:] = self.baseline.theta
        for tightness in _TIGHTNESS:
            still = self.wide(best, lanes, gap_tolerance)
            if len(still) == 0 or time.perf_counter() > deadline:
                break
            walked = path.along_multipliers(self, walk.take(still), tightness, max_iter, deadline)
            walk.theta[still], walk.t[still] = walked.theta, walked.t
            best = self._tried(best, still, walked, gap_tolerance)
            best = self._tried(best, still, self._longer(walked, gap_tolerance, max_iter), gap_tolerance)
        return best

    def certified(self, lanes: Lanes, gap_tolerance: float) -> Support:
        """Both ends from the lanes as they are."""
        return self._certified(lanes, self.reach, gap_tolerance)

    def wide(self, best: Support, lanes: Lanes, gap_tolerance: float) -> Any:
        """Lanes whose gap can still fall: it is above the tolerance, and above what rounding leaves. Without
        a bound of the set only lanes that went astray are worth more steps."""
        if not np.isfinite(self.reach).all():
            return np.flatnonzero(~np.isfinite(lanes.error))
        size = (np.abs(lanes.directions) * np.abs(best.theta)).sum(axis=1)
        floor = (self.outer_limit - self.inner_limit) / best.t + 4.0 * (self.problem.p + 4) * EPS * size
        return np.flatnonzero(best.gap > np.maximum(gap_tolerance, 2.0 * floor))

    def _tried(self, best: Support, places: Any, lanes: Lanes, gap_tolerance: float) -> Support:
        return better(best, places, self._certified(lanes, self.reach, gap_tolerance))

    @cached_property
    def library(self) -> str:
        """The library that iterates: "numpy" or "jax"."""
        return "numpy" if resolve_device(self.device) in ("numpy", "adaptive") else "jax"

    def _solved(self, directions: Floats, gap_tolerance: float, max_iter: int, library: str) -> Lanes:
        rise = self.outer_limit - self.baseline.above
        lanes = self.kernel.start(directions, rise, order=3 if library == "numpy" else 1)
        enough = self.enough(lanes, gap_tolerance)
        return self.kernel.run(lanes, self.aim, tolerance=enough, max_iter=max_iter, device=library)

    def enough(self, lanes: Lanes, gap_tolerance: float = 1e-9) -> Floats:
        """An error before the last step that leaves less than the tolerance after it: a step squares the
        error, relative to the length of the set along q, which is near ``2 rise / t``."""
        length = 2.0 * (self.outer_limit - self.baseline.above) / lanes.t
        return np.asarray(np.sqrt(_SQUARED_ERROR * gap_tolerance * length))

    def _again(self, lanes: Lanes, gap_tolerance: float, max_iter: int) -> Lanes:
        """At least one more step."""
        return self.kernel.run(
            lanes,
            self.aim,
            tolerance=self.enough(lanes, gap_tolerance),
            max_iter=min(max_iter, _MORE_STEPS),
            device="numpy",
        )

    def _longer(self, lanes: Lanes, gap_tolerance: float, max_iter: int) -> Lanes:
        """More steps, to the exact limit."""
        return self.kernel.run(
            lanes,
            self.inner_limit,
            tolerance=0.01 * gap_tolerance,
            max_iter=min(max_iter, _MORE_STEPS),
            device="numpy",
        )

    @cached_property
    def aim(self) -> float:
        """The loss that members are sought at: below the limit by what rounding is charged, so that they
        need not be moved."""
        return self._aimed(self.problem)

    @cached_property
    def _precise_aim(self) -> float:
        return self._aimed(self.problem.precise)

    def _aimed(self, problem: ConvexProblem) -> float:
        theta = self.baseline.theta
        charge = 1.5 * float(objective_above(problem, theta) - float(problem.objective(theta)))
        return self.inner_limit - min(charge, 0.5 * (self.inner_limit - self.baseline.above))

    def _certified(self, lanes: Lanes, reach: Floats, gap_tolerance: float) -> Support:
        """Both ends from the points and multipliers of the lanes, nothing else trusted; in longer numbers
        where rounding alone may keep the ends apart."""
        best, blur = self._ends(self.problem, lanes, reach, gap_tolerance)
        blurred = np.flatnonzero((best.gap > gap_tolerance) & (best.gap <= _BLUR * blur))
        if len(blurred):
            longer, _ = self._ends(self.problem.precise, lanes.take(blurred), reach, gap_tolerance)
            best = better(best, blurred, longer)
        return best

    def _ends(
        self, problem: ConvexProblem, lanes: Lanes, reach: Floats, gap_tolerance: float
    ) -> tuple[Support, Floats]:
        """The ends, and how far rounding may keep them apart."""
        q = lanes.directions
        sound = np.isfinite(lanes.theta).all(axis=1) & np.isfinite(lanes.t) & (lanes.t > 0)
        theta = np.where(sound[:, None], lanes.theta, self.baseline.theta)
        t = np.where(sound, lanes.t, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            margins = theta @ problem.design.T
            tangents = Tangents.at(problem, margins)
            t = self._balancing(problem, tangents, q, t)
            pull = t.astype(margins.dtype)[:, None] * q
            dual = dual_below(problem, margins, pull, reach, tangents)
            outer = outer_end(self.outer_limit, dual, t)
            excess = np.abs(intercept_excess(problem, tangents, pull)) * reach[0]
            far = np.flatnonzero(~(excess <= _NEGLIGIBLE * gap_tolerance * t))
            if problem.intercept and len(far):
                centred = dual_below(
                    problem, centred_margins(problem, margins[far], pull[far]), pull[far], reach
                )
                outer[far] = np.fmin(outer[far], outer_end(self.outer_limit, centred, t[far]))
                dual.slack[far] = np.fmin(dual.slack[far], centred.slack)
            member = self._pulled(problem, theta, margins, tangents)
        size = (problem.p + 4) * EPS * (np.abs(q) * np.abs(member)).sum(axis=1)
        inner = (q * member).sum(axis=1) - size
        outer = np.where(sound, np.maximum(outer, inner), np.inf)
        blur = (self.inner_limit - self.aim + dual.slack) / t
        return Support(inner, np.where(q.any(axis=1), outer, 0.0), member, t), blur

    def _balancing(self, problem: ConvexProblem, tangents: Tangents, q: Floats, t: Floats) -> Floats:
        """The multipliers that balance the slopes on the intercept, where they are close to t: any t > 0
        gives a bound, and that of an optimum balances."""
        if not problem.intercept:
            return t
        with np.errstate(divide="ignore", invalid="ignore"):
            balanced = np.asarray(tangents.slope @ problem.weight / q[:, 0], dtype=np.float64)
            return np.where(np.abs(balanced - t) <= _CLOSE * t, balanced, t)

    def pulled_inside(
        self, theta: Floats, margins: Floats | None = None, problem: ConvexProblem | None = None
    ) -> Floats:
        """Points moved along the ray to the minimiser until F is certainly within the limit, (k, p).

        A point far outside comes near to the boundary, not on it. margins : (k, n), of `theta`, where known.
        """
        problem = problem or self.problem
        with np.errstate(over="ignore", invalid="ignore"):
            margins = theta @ problem.design.T if margins is None else margins
            return self._pulled(problem, theta, margins, Tangents.at(problem, margins))

    def _pulled(self, problem: ConvexProblem, theta: Floats, margins: Floats, tangents: Tangents) -> Floats:
        """Newton steps along the ray, which end outside by less and less, then chords, which end inside."""
        best, limit = self.baseline.theta, self.inner_limit
        value = np.asarray(objective_above(problem, theta, margins, tangents))
        member = np.array(theta)
        outside = np.flatnonzero(~(value <= limit))
        margins, tangents = margins[outside], tangents.take(outside)
        for attempt in range(_PULLS):
            if len(outside) == 0:
                return member
            excess, ray = value[outside], member[outside] - best
            if attempt < _NEWTON_PULLS:
                aim = self.aim if problem is self.problem else self._precise_aim
                part = 1.0 - (excess - aim) / self._rise_along(problem, margins, tangents, ray)
            else:
                shrink = 1.0 - min(0.5, 1e-15 * 8.0 ** (attempt - _NEWTON_PULLS))
                part = (limit - self.baseline.above) / (excess - self.baseline.above) * shrink
            part = np.where(np.isfinite(part), np.clip(part, 0.0, 1.0), 0.0)
            member[outside] = best + part[:, None] * ray
            margins = member[outside] @ problem.design.T
            tangents = Tangents.at(problem, margins)
            value[outside] = objective_above(problem, member[outside], margins, tangents)
            still = ~(value[outside] <= limit)
            outside, margins, tangents = outside[still], margins[still], tangents.take(still)
        member[outside] = best
        return member

    def _rise_along(self, problem: ConvexProblem, margins: Floats, tangents: Tangents, ray: Floats) -> Floats:
        """Slope of F at the end of a ray from the minimiser, per length of the ray."""
        best = self.baseline.theta
        swing = margins - problem.design @ best
        penalty = (problem.ridge * (best + ray) * ray).sum(axis=1)
        return np.asarray((tangents.slope * swing) @ problem.weight + penalty, dtype=np.float64)


def better(best: Support, places: Any, found: Support) -> Support:
    """`best` with the better of either end at `places`: the two ends need not come from one point."""
    inner, outer, theta, t = (array.copy() for array in _columns(best))
    higher = found.inner > best.inner[places]
    inner[places[higher]], theta[places[higher]] = found.inner[higher], found.theta[higher]
    lower = found.outer < best.outer[places]
    outer[places[lower]], t[places[lower]] = found.outer[lower], found.t[lower]
    return Support(inner, outer, theta, t)


def _columns(part: Support) -> tuple[Any, ...]:
    return part.inner, part.outer, part.theta, part.t
