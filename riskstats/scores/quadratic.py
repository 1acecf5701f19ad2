"""Convex quadratic programs over the hull of a node, by a primal-dual interior point method.

    minimise  c'x + x'Hx / 2 + C0 sum_{j free} (u_j + v_j)      over  x = origin + P u - Q v,
              u, v >= 0,  u_j + v_j <= 1,  sum_{j free} (u_j + v_j) <= slots

For a free column (zero allowed) origin = 0, P = upper and Q = -lower, so u + v is the share of its range in use: the
convex hull of "at most `slots` free columns are nonzero". Any other column has origin = lower, P = upper - lower,
Q = 0. A column with P = Q = 0 is fixed and takes no part.

Every step solves one system with I + D^(1/2) H D^(1/2), which is well conditioned whatever the scaling, plus a rank-one
term for the shared limit. Method: Mehrotra's predictor and corrector; see Nocedal and Wright, Numerical Optimization
(2nd ed.), section 16.6. Written for one program: NumPy runs it as it stands, JAX compiles and batches it.
"""

from __future__ import annotations

from typing import NamedTuple

from riskstats._jit import namespace, while_loop
from riskstats.scores._types import Array

__all__ = ["Hull", "minimise_quadratic"]


class Hull(NamedTuple):
    """The convex hull of a node; arrays have one entry per column, `slots` is how many free columns may be used."""

    origin: Array
    up: Array
    down: Array
    free: Array
    slots: Array


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


def minimise_quadratic(H: Array, c: Array, hull: Hull, penalty: Array, tolerance: Array) -> Array:
    """Return x within about `tolerance` of the least objective; always inside the hull."""
    xp = namespace(H)

    def unfinished(state: _State) -> Array:
        return (_complementarity(xp, state) > tolerance) & (state.step < _ITERATIONS)

    def advance(state: _State) -> _State:
        return _advance(xp, state, H, c, hull, penalty)

    return while_loop(unfinished, advance, _start(xp, H, c, hull, penalty), xp).x


def _complementarity(xp: Array, state: _State) -> Array:
    """Return the duality gap of a state whose dual residual is zero."""
    pairs = state.u @ state.dual_u + state.v @ state.dual_v + state.s @ state.dual_s
    return pairs + state.room * state.dual_room


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
    u, v, s, room = state.u, state.v, state.s, state.room
    P, Q, free = hull.up, hull.down, hull.free
    a, b, w, kappa = state.dual_u / u, state.dual_v / v, state.dual_s / s, state.dual_room / room
    det = a * b + w * (a + b)
    D = (P * P * (b + w) + 2.0 * P * Q * w + Q * Q * (a + w)) / det
    root = xp.sqrt(D)
    inverse = xp.where(D > 0, 1.0 / xp.where(D > 0, root, 1.0), 0.0)
    matrix = H * (root[:, None] * root[None, :]) + xp.eye(len(c), dtype=H.dtype)
    lean = free * (P * b - Q * a) / det
    gradient = c + H @ state.x
    up = -P * gradient - free * penalty
    down = Q * gradient - free * penalty
    factor = xp.linalg.inv(matrix)

    def inner(vector: Array) -> Array:
        return root * (factor @ (inverse * vector))

    lean_x = inner(lean)
    lean_y = H @ lean_x
    stiffness = 1.0 + kappa * (xp.sum(free * (a + b) / det) - lean @ lean_y)

    def direction(tu: Array, tv: Array, ts: Array, tr: Array) -> tuple[Array, ...]:
        """Solve for targets u dual_u = tu and so on; s and room follow u and v."""
        right_u = up - free * tr / room - ts / s + tu / u
        right_v = down - free * tr / room - ts / s + tv / v
        e = (P * ((b + w) * right_u - w * right_v) - Q * ((a + w) * right_v - w * right_u)) / det
        first = inner(e)
        first_y = H @ first
        used = (xp.sum(free * (b * right_u + a * right_v) / det) - lean @ first_y) / stiffness
        dx = first - kappa * used * lean_x
        y = first_y - kappa * used * lean_y
        gu, gv = right_u - P * y - free * kappa * used, right_v + Q * y - free * kappa * used
        du, dv = ((b + w) * gu - w * gv) / det, ((a + w) * gv - w * gu) / det
        ds, droom = -(du + dv), -used
        return (
            du, dv, ds, droom,
            tu / u - state.dual_u - a * du,
            tv / v - state.dual_v - b * dv,
            ts / s - state.dual_s - w * ds,
            tr / room - state.dual_room - kappa * droom,
            dx,
        )  # fmt: skip

    current = (u, v, s, room, state.dual_u, state.dual_v, state.dual_s, state.dual_room)
    pairs = 3 * len(c) + 1
    mean = _complementarity(xp, state) / pairs
    zero = xp.zeros_like(u)
    plan = direction(zero, zero, zero, xp.zeros_like(room))
    length = _longest(xp, current, plan)
    ahead = _State(*(value + length * move for value, move in zip(current, plan, strict=False)), state.x, state.step)
    target = mean * (_complementarity(xp, ahead) / pairs / mean) ** 3
    plan = direction(
        target - plan[0] * plan[4], target - plan[1] * plan[5], target - plan[2] * plan[6], target - plan[3] * plan[7]
    )
    length = xp.minimum(1.0, _TO_BOUNDARY * _longest(xp, current, plan))
    moved = [value + length * move for value, move in zip(current, plan, strict=False)]
    return _State(*moved, state.x + length * plan[8], state.step + 1)


def _longest(xp: Array, current: tuple[Array, ...], plan: tuple[Array, ...]) -> Array:
    """Return the longest step, at most 1 / _TO_BOUNDARY, that keeps every variable and multiplier nonnegative."""
    value = xp.hstack(current)
    move = xp.hstack(plan[:8])
    shrink = xp.max(-move / value)
    return 1.0 / xp.maximum(shrink, _TO_BOUNDARY)
