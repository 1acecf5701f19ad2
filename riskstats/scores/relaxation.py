"""The continuous relaxation of a node, and the best minorant met on the way.

    minimise  f(lambda) + C0 sum_{j free} z_j   over the hull of the node (see `quadratic`),   lambda = t b

Newton's method on f, each model minimised over the hull, steps halved until the objective falls. Every point visited
gives a valid lower bound by its minorant (see `minorant`), and the best one is returned: the relaxation may be solved
carelessly. It stops when the bound reaches the cutoff, when it is close enough to the relaxation's value to be of no
more use, or after `_NEWTON_STEPS`.

With integer features and a fixed scale t every score is a multiple of t times an integer, so softplus may be replaced
by its chord interpolant on that lattice: no card changes its loss, and fractional points pay more. The interpolant's
kinks are rounded off within a window that shrinks from step to step; the bound uses the exact lines.

`relax` is written for one node. NumPy runs it as it stands; `relaxers_jax` compiles it for many nodes at once.
"""

from __future__ import annotations

from typing import NamedTuple

from riskstats._jit import namespace, while_loop
from riskstats.losses import binary_entropy, chord_support, sigmoid, softplus, softplus_curvature
from riskstats.scores._types import Array
from riskstats.scores.compression import ScoreData
from riskstats.scores.minorant import minorant_bound
from riskstats.scores.quadratic import Hull, minimise_quadratic

__all__ = ["NodeProblem", "Relaxed", "minorant_at", "relax"]

_NEWTON_STEPS = 14
_CLOSE_ENOUGH = .3
_CLOSE_ENOUGH_ON_LATTICE = .4


class NodeProblem(NamedTuple):
    """A node: integer box, free columns (1.0 where 0 is allowed and counted), slots, penalty, scales, cutoff, start."""

    lower: Array
    upper: Array
    free: Array
    slots: Array
    penalty: Array
    offset: Array
    first_scale: Array
    last_scale: Array
    cutoff: Array
    start: Array


class Relaxed(NamedTuple):
    """Best lower bound over the node with the line that proves it, and the last point with its relaxed objective."""

    bound: Array
    constant: Array
    gradient: Array
    point: Array
    window: Array
    value: Array
    last: Array
    steps: Array


def node_hull(node: NodeProblem) -> Hull:
    """Return the hull of lambda = t b over the node's box and scales."""
    xp = namespace(node.lower)
    low = xp.minimum(node.lower * node.first_scale, node.lower * node.last_scale)
    high = xp.maximum(node.upper * node.first_scale, node.upper * node.last_scale)
    is_free = node.free > 0
    return Hull(
        xp.where(is_free, 0.0, low), xp.where(is_free, high, high - low), xp.where(is_free, -low, 0.0), node.free, node.slots
    )


def used_share(point: Array, hull: Hull) -> Array:
    """Return the sum over free columns of the share of their range that is in use."""
    xp = namespace(point)
    up = point / xp.where(hull.up > 0, hull.up, 1.0)
    down = -point / xp.where(hull.down > 0, hull.down, 1.0)
    return xp.sum(hull.free * xp.where(point > 0, up, down))


def into_hull(point: Array, hull: Hull) -> Array:
    """Return a point of the hull near `point`: clipped to the box, free columns shrunk until they fit the slots."""
    xp = namespace(point)
    point = xp.clip(point, hull.origin - hull.down, hull.origin + hull.up)
    share = used_share(point, hull)
    return xp.where(hull.free > 0, point * xp.minimum(1.0, hull.slots / xp.maximum(share, 1e-12)), point)


def row_terms(scores: Array, spacing: Array | None, window: Array) -> tuple[Array, ...]:
    """Return (value, slope, curvature, intercept) per row: of softplus, or of its interpolant if `spacing` is given."""
    if spacing is not None:
        return chord_support(scores, spacing, window)
    return softplus(scores), sigmoid(scores), softplus_curvature(scores), binary_entropy(scores)


def minorant_at(data: ScoreData, point: Array, spacing: Array | None = None, window: Array = 0.5) -> tuple[Array, ...]:
    """Return (value, gradient, curvature per row, constant) of f at `point`; f >= constant + gradient . lambda."""
    value, slope, curvature, intercept = row_terms(data.design @ point, spacing, window)
    gradient = (data.weight * slope) @ data.design - data.target
    value = data.weight @ value - data.target @ point
    return value, gradient, data.weight * curvature, data.weight @ intercept


def _bound(node: NodeProblem, constant: Array, gradient: Array) -> Array:
    xp = namespace(gradient)
    rest = (node.lower, node.upper, node.free, node.slots, node.penalty)
    first = minorant_bound(constant, gradient, *rest, node.first_scale)
    return xp.minimum(first, minorant_bound(constant, gradient, *rest, node.last_scale))


class _Search(NamedTuple):
    best: Relaxed
    point: Array
    value: Array
    gradient: Array
    curvature: Array


def relax(data: ScoreData, node: NodeProblem, spacing: Array | None = None) -> Relaxed:
    """Solve the relaxation of one node; `spacing` replaces softplus by its interpolant on that lattice."""
    xp = namespace(data.design)
    hull = node_hull(node)
    closeness = _CLOSE_ENOUGH if spacing is None else _CLOSE_ENOUGH_ON_LATTICE

    def window(step: Array) -> Array:
        return xp.asarray(0.0) if spacing is None else spacing * xp.where(step < 3, 0.5, xp.where(step < 6, 0.2, xp.where(step < 9, 0.08, 0.03)))

    def visit(point: Array, best: Relaxed | None, step: Array) -> _Search:
        value, gradient, curvature, constant = minorant_at(data, point, spacing, window(step))
        constant = constant + node.offset
        value = value + node.offset + node.penalty * used_share(point, hull)
        bound = _bound(node, constant, gradient)
        found = Relaxed(bound, constant, gradient, point, window(step), value, point, step)
        if best is not None:
            better = bound > best.bound
            found = Relaxed(
                *(xp.where(better, new, old) for new, old in zip(found[:5], best[:5], strict=True)), value, point, step
            )
        return _Search(found, point, value, gradient, curvature)

    def unfinished(search: _Search) -> Array:
        best = search.best
        close = search.value - best.bound <= xp.maximum(1e-10, closeness * (node.cutoff - best.bound))
        return (best.bound < node.cutoff) & (best.steps < _NEWTON_STEPS) & ~close

    def advance(search: _Search) -> _Search:
        step = search.best.steps + 1
        H = (data.design * search.curvature[:, None]).T @ data.design
        H = H + xp.eye(len(node.lower), dtype=H.dtype) * 1e-10
        precision = xp.clip(0.02 * (search.value - search.best.bound), 1e-10, 1e-3 * 0.1**step)
        aim = minimise_quadratic(H, search.gradient - H @ search.point, hull, node.penalty, precision)
        move = aim - search.point

        def objective(length: Array) -> Array:
            point = search.point + length * move
            value = data.weight @ row_terms(data.design @ point, spacing, window(step))[0] - data.target @ point
            return value + node.offset + node.penalty * used_share(point, hull)

        start = search.value if spacing is None else objective(0.0)

        def too_long(state: tuple[Array, Array]) -> Array:
            return (state[1] > start) & (state[0] > 1e-3)

        def halve(state: tuple[Array, Array]) -> tuple[Array, Array]:
            return state[0] * 0.5, objective(state[0] * 0.5)

        length, _ = while_loop(too_long, halve, (xp.asarray(1.0), objective(1.0)), xp)
        return visit(search.point + length * move, search.best, step)

    first = visit(into_hull(node.start, hull), None, xp.asarray(0))
    return while_loop(unfinished, advance, first, xp).best
