"""Convex quadratic programs over the hull of a node, by a primal-dual interior point method.

    minimise  c'x + x'Hx / 2 + C0 sum_{j free} (u_j + v_j)      over  x = origin + P u - Q v,
              u, v >= 0,  u_j + v_j <= 1,  sum_{j free} (u_j + v_j) <= slots

For a free column (zero allowed) origin = 0, P = upper and Q = -lower, so u + v is the share of its range in
use: the convex hull of "at most `slots` free columns are nonzero". Any other column has origin = lower, P =
upper - lower, Q = 0. A column with P = Q = 0 is fixed and takes no part.

Every step solves one system with I + D^(1/2) H D^(1/2), which is well conditioned whatever the scaling,
plus a rank-one term for the shared limit. Method: Mehrotra's predictor and corrector; see Nocedal and
Wright, Numerical Optimization (2nd ed.), section 16.6. Written for one program: NumPy runs it as it stands,
JAX compiles and batches it.
"""

from __future__ import annotations

from typing import NamedTuple

from riskstats._jit import namespace, while_loop
from riskstats.scores._types import Array

__all__ = ["Hull", "into_hull", "minimise_quadratic", "used_share"]


class Hull(NamedTuple):
    """The convex hull of a node; arrays have one entry per column, `slots` is how many free columns may be
    used."""

    origin: Array
    up: Array
    down: Array
    free: Array
    slots: Array


def used_share(point: Array, hull: Hull) -> Array:
    """Return the sum over free columns of the share of their range that is in use."""
    xp = namespace(point)
    up = point / xp.where(hull.up > 0, hull.up, 1.0)
    down = -point / xp.where(hull.down > 0, hull.down, 1.0)
    return xp.sum(hull.free * xp.where(point > 0, up, down))


def into_hull(point: Array, hull: Hull) -> Array:
    """Return a point of the hull near `point`: clipped to the box, free columns shrunk until they fit the
    slots."""
    xp = namespace(point)
    point = xp.clip(point, hull.origin - hull.down, hull.origin + hull.up)
    share = used_share(point, hull)
    return xp.where(hull.free > 0, point * xp.minimum(1.0, hull.slots / xp.maximum(share, 1e-12)), point)


class _State(NamedTuple):
    u: Array
    v: Array
    s: Array
    room: Array
    dual_u: Array
    dual_v: Array
    dual_s: Array
    dual_room: Array
    x: Array
    step: Array


_ITERATIONS = 40
_TO_BOUNDARY = 0.99
_ROUNDING = 1e-7


def minimise_quadratic(H: Array, c: Array, hull: Hull, penalty: Array, tolerance: Array) -> Array:
    """Return x within about `tolerance` of the least objective; always inside the hull."""
    xp = namespace(H)

    def unfinished(state: _State) -> Array:
        going = (_complementarity(xp, state) > tolerance) & (state.step < _ITERATIONS)
        return going & (_drift(xp, state, hull) <= _ROUNDING)

    def advance(state: _State) -> _State:
        return _advance(xp, state, H, c, hull, penalty)

    end = while_loop(unfinished, advance, _start(xp, H, c, hull, penalty), xp)
    return into_hull(end.x, hull)  # x may drift from u and v where H is nearly singular


def _complementarity(xp: Array, state: _State) -> Array:
    """Return the duality gap of a state whose dual residual is zero."""
    pairs = state.u @ state.dual_u + state.v @ state.dual_v + state.s @ state.dual_s
    return pairs + state.room * state.dual_room


def _drift(xp: Array, state: _State, hull: Hull) -> Array:
    """Return how far x has come from u and v by rounding, as a share of the widest column.

    It grows a hundredfold a step once H is nearly singular for what is left to gain; further steps would
    only lose.
    """
    apart = xp.max(xp.abs(state.x - (hull.origin + hull.up * state.u - hull.down * state.v)))
    return apart / xp.maximum(xp.max(hull.up + hull.down), 1e-300)


def _start(xp: Array, H: Array, c: Array, hull: Hull, penalty: Array) -> _State:
    count = xp.maximum(xp.sum(hull.free), 1.0)
    share = xp.where(hull.free > 0, xp.minimum(0.25, 0.4 * hull.slots / count), 0.25)
    u = v = share
    x = hull.origin + hull.up * u - hull.down * v
    slope = xp.abs(c + H @ x)
    level = xp.maximum(xp.max(slope * (hull.up + hull.down)), 1e-6)
    room = xp.maximum(hull.slots - xp.sum(hull.free * (u + v)), 0.1)
    dual = xp.full_like(u, 0.3 * level)
    return _State(u, v, 1.0 - u - v, room, dual, dual, dual, 0.3 * level, x, xp.asarray(0))


def _advance(xp: Array, state: _State, H: Array, c: Array, hull: Hull, penalty: Array) -> _State:
    """Take a predictor step to see how far the gap can fall, then one corrected step towards that gap."""
    system = _System(xp, state, H, c, hull, penalty)
    current, pairs = state[:8], 3 * len(c) + 1
    zero = xp.zeros_like(state.u)
    plan = system.direction(zero, zero, zero, xp.zeros_like(state.room))
    length = _longest(xp, current, plan)
    moved = [value + length * move for value, move in zip(current, plan, strict=False)]
    mean = _complementarity(xp, state) / pairs
    ahead = _complementarity(xp, _State._make([*moved, state.x, state.step])) / pairs
    target = mean * (ahead / mean) ** 3
    plan = system.direction(*(target - plan[i] * plan[i + 4] for i in range(4)))
    length = xp.minimum(1.0, _TO_BOUNDARY * _longest(xp, current, plan))
    moved = [value + length * move for value, move in zip(current, plan, strict=False)]
    return _State._make([*moved, state.x + length * plan[8], state.step + 1])


class _System:
    """The linearised optimality conditions at a state, reduced to one symmetric matrix and factored.

    Per column, (du, dv) solves K (du, dv) = right - (P, -Q) y - free kappa used, with K = [[a + w, w], [w,
    b + w]], y = H dx and used = sum of du + dv over free columns. Eliminating du and dv leaves dx + D y = e
    - kappa used lean.
    """

    def __init__(self, xp: Array, state: _State, H: Array, c: Array, hull: Hull, penalty: Array) -> None:
        self.xp, self.state, self.H, self.hull = xp, state, H, hull
        P, Q, free = hull.up, hull.down, hull.free
        a, b, w = state.dual_u / state.u, state.dual_v / state.v, state.dual_s / state.s
        self.a, self.b, self.w, self.kappa = a, b, w, state.dual_room / state.room
        self.det = a * b + w * (a + b)
        D = (P * P * (b + w) + 2.0 * P * Q * w + Q * Q * (a + w)) / self.det
        self.root = xp.sqrt(D)
        self.inverse_root = xp.where(D > 0, 1.0 / xp.where(D > 0, self.root, 1.0), 0.0)
        scaled = H * (self.root[:, None] * self.root[None, :])
        self.factor = xp.linalg.inv(scaled + xp.eye(len(c), dtype=H.dtype))
        gradient = c + H @ state.x
        self.pull_u, self.pull_v = -P * gradient - free * penalty, Q * gradient - free * penalty
        self.lean = free * (P * b - Q * a) / self.det
        self.lean_x = self.solve(self.lean)
        self.lean_y = H @ self.lean_x
        self.stiffness = 1.0 + self.kappa * (xp.sum(free * (a + b) / self.det) - self.lean @ self.lean_y)

    def solve(self, right: Array) -> Array:
        """Return x with x + D H x = right."""
        return self.root * (self.factor @ (self.inverse_root * right))

    def direction(self, tu: Array, tv: Array, ts: Array, tr: Array) -> tuple[Array, ...]:
        """Return the moves of all variables, multipliers and x for targets u dual_u = tu and so on."""
        state, hull, a, b, w = self.state, self.hull, self.a, self.b, self.w
        shared = hull.free * tr / state.room + ts / state.s
        right_u = self.pull_u - shared + tu / state.u
        right_v = self.pull_v - shared + tv / state.v
        e_u, e_v = self._unmix(right_u, right_v)
        first = self.solve(hull.up * e_u - hull.down * e_v)
        first_y = self.H @ first
        used = (self.xp.sum(hull.free * (e_u + e_v)) - self.lean @ first_y) / self.stiffness
        y = first_y - self.kappa * used * self.lean_y
        share = hull.free * self.kappa * used
        du, dv = self._unmix(right_u - hull.up * y - share, right_v + hull.down * y - share)
        ds, droom = -(du + dv), -used
        dual_u, dual_v = tu / state.u - state.dual_u - a * du, tv / state.v - state.dual_v - b * dv
        dual_s = ts / state.s - state.dual_s - w * ds
        dual_room = tr / state.room - state.dual_room - self.kappa * droom
        dx = first - self.kappa * used * self.lean_x
        return du, dv, ds, droom, dual_u, dual_v, dual_s, dual_room, dx

    def _unmix(self, right_u: Array, right_v: Array) -> tuple[Array, Array]:
        """Return K^-1 (right_u, right_v), column by column."""
        du = ((self.b + self.w) * right_u - self.w * right_v) / self.det
        return du, ((self.a + self.w) * right_v - self.w * right_u) / self.det


def _longest(xp: Array, current: tuple[Array, ...], plan: tuple[Array, ...]) -> Array:
    """Return the longest step, at most 1 / _TO_BOUNDARY, that keeps every variable and multiplier
    nonnegative."""
    value = xp.hstack(current)
    move = xp.hstack(plan[:8])
    shrink = xp.max(-move / value)
    return 1.0 / xp.maximum(shrink, _TO_BOUNDARY)
