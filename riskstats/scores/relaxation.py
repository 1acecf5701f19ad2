"""The continuous relaxation of a node, and the best minorant met on the way.

    minimise  f(lambda) + C0 sum_{j free} z_j   over the hull of the node (see `quadratic`),   lambda = t b

Newton's method on f, each model minimised over the hull, steps halved until the objective falls. Every
point visited gives a valid lower bound by its minorant (see `minorant`), and the best one is returned: the
relaxation may be solved carelessly. It stops when the bound reaches the cutoff, when it is close enough to
the relaxation's value to be of no more use, or after `_NEWTON_STEPS`.

With integer features and a fixed scale t every score is a multiple of t times an integer, so softplus may
be replaced by its chord interpolant on that lattice: no card changes its loss, and fractional points pay
more. The interpolant's kinks are rounded off within a window that shrinks from step to step; the bound uses
the exact lines.

`relax` is written for one node. NumPy runs it as it stands; `relaxers_jax` compiles it for many nodes at
once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from riskstats._jit import namespace, scattered, while_loop
from riskstats.losses import binary_entropy, chord_support, sigmoid, softplus, softplus_curvature
from riskstats.scores._types import Array
from riskstats.scores.compression import ScoreData
from riskstats.scores.minorant import minorant_bound
from riskstats.scores.quadratic import Hull, into_hull, minimise_quadratic, used_share

__all__ = ["NodeProblem", "Relaxed", "minorant_at", "relax"]

_NEWTON_STEPS = 14
_SHORTEST = 1e-3
_WORKING = 64


class NodeProblem(NamedTuple):
    """A node: integer box, free columns (1.0 where 0 is allowed and counted), slots, penalty, scales,
    cutoff, start."""

    lower: Array
    upper: Array
    free: Array
    slots: Array
    penalty: Array
    offset: Array
    first_scale: Array
    last_scale: Array
    cutoff: Array
    closeness: Array
    start: Array


class Relaxed(NamedTuple):
    """Best lower bound over the node with the line that proves it, and the last point with its relaxed
    objective."""

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
        xp.where(is_free, 0.0, low),
        xp.where(is_free, high, high - low),
        xp.where(is_free, -low, 0.0),
        node.free,
        node.slots,
    )


def row_terms(scores: Array, spacing: Array | None, window: Array) -> tuple[Array, ...]:
    """Return (value, slope, curvature, intercept) per row: of softplus, or of its interpolant if `spacing`
    is given."""
    if spacing is not None:
        return chord_support(scores, spacing, window)
    return softplus(scores), sigmoid(scores), softplus_curvature(scores), binary_entropy(scores)


def minorant_at(
    data: ScoreData, point: Array, spacing: Array | None = None, window: Array = 0.5
) -> tuple[Array, ...]:
    """Return (value, gradient, curvature per row, constant) of f at `point`; f >= constant + gradient .
    lambda."""
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
    """Where Newton's method stands: the best line so far, and the loss around the point."""

    best: Relaxed
    point: Array
    value: Array
    gradient: Array
    curvature: Array


def relax(data: ScoreData, node: NodeProblem, spacing: Array | None = None) -> Relaxed:
    """Solve the relaxation of one node; `spacing` replaces softplus by its interpolant on that lattice."""
    xp = namespace(data.design)
    method = _Newton(data, node, spacing, node_hull(node), xp)
    first = method.visit(into_hull(node.start, method.hull), None, xp.asarray(0))
    return while_loop(method.unfinished, method.advance, first, xp).best


@dataclass(frozen=True)
class _Newton:
    """Newton's method for one node."""

    data: ScoreData
    node: NodeProblem
    spacing: Array | None
    hull: Hull
    xp: Array

    def window(self, step: Array) -> Array:
        """Return how far from a kink of the interpolant it is rounded off."""
        if self.spacing is None:
            return self.xp.asarray(0.0)
        where = self.xp.where
        return self.spacing * where(step < 3, 0.5, where(step < 6, 0.2, where(step < 9, 0.08, 0.03)))

    def visit(self, point: Array, best: Relaxed | None, step: Array) -> _Search:
        """Take the line at a point and keep the better of it and the best so far."""
        node, window = self.node, self.window(step)
        value, gradient, curvature, constant = minorant_at(self.data, point, self.spacing, window)
        constant = constant + node.offset
        value = value + node.offset + node.penalty * used_share(point, self.hull)
        bound = _bound(node, constant, gradient)
        line = (bound, constant, gradient, point, window)
        if best is not None:
            better = bound > best.bound
            line = tuple(self.xp.where(better, new, old) for new, old in zip(line, best[:5], strict=True))
        return _Search(Relaxed(*line, value, point, step), point, value, gradient, curvature)

    def unfinished(self, search: _Search) -> Array:
        """Whether the node may still be closed, or its bound be of more use."""
        best, cutoff = search.best, self.node.cutoff
        close = search.value - best.bound <= self.xp.maximum(
            1e-10, self.node.closeness * (cutoff - best.bound)
        )
        return (best.bound < cutoff) & (best.steps < _NEWTON_STEPS) & ~close

    def advance(self, search: _Search) -> _Search:
        """Minimise the quadratic model over the hull and step towards its minimum."""
        xp, step = self.xp, search.best.steps + 1
        precision = xp.clip(0.02 * (search.value - search.best.bound), 1e-10, 1e-3 * 0.1**step)
        move = self.aim(search, precision) - search.point

        def objective(length: Array) -> Array:
            return self.objective(search.point + length * move, self.window(step))

        start = search.value if self.spacing is None else objective(0.0)
        length, reached = while_loop(
            lambda state: (state[1] > start) & (state[0] > _SHORTEST),
            lambda state: (state[0] * 0.5, objective(state[0] * 0.5)),
            (xp.asarray(1.0), objective(1.0)),
            xp,
        )
        length = xp.where(reached > start, 0.0, length)
        return self.visit(search.point + length * move, search.best, step)

    def objective(self, point: Array, window: Array) -> Array:
        """Return the relaxation's objective."""
        data, node = self.data, self.node
        value = data.weight @ row_terms(data.design @ point, self.spacing, window)[0] - data.target @ point
        return value + node.offset + node.penalty * used_share(point, self.hull)

    def aim(self, search: _Search, precision: Array) -> Array:
        """Return the minimum of the model: over all columns, or the promising ones of a wide table and 0
        elsewhere.

        Promising are columns that must or do take part, then those of largest gain in the minorant. The
        bound is over all columns in either case.
        """
        if len(search.point) <= 1.25 * _WORKING:
            return self._model_minimum(
                self.data.design, search.curvature, search.point, search.gradient, self.hull, precision
            )
        hull, chosen = self.hull, self._promising(search)
        part = Hull(hull.origin[chosen], hull.up[chosen], hull.down[chosen], hull.free[chosen], hull.slots)
        aim = self._model_minimum(
            self.data.design[:, chosen],
            search.curvature,
            search.point[chosen],
            search.gradient[chosen],
            part,
            precision,
        )
        return scattered(aim, chosen, search.point)

    def _promising(self, search: _Search) -> Array:
        xp, node, hull = self.xp, self.node, self.hull
        gain = node.last_scale * xp.minimum(search.gradient * node.lower, search.gradient * node.upper)
        in_use = xp.abs(search.point) > 1e-3 * (hull.up + hull.down)
        required = xp.where(hull.up > 0, -xp.inf, xp.inf)
        return xp.argsort(xp.where(node.free > 0, xp.where(in_use, -1e200, gain), required))[:_WORKING]

    def _model_minimum(
        self, design: Array, curvature: Array, point: Array, gradient: Array, hull: Hull, precision: Array
    ) -> Array:
        H = (design * curvature[:, None]).T @ design
        H = H + self.xp.eye(len(point), dtype=H.dtype) * 1e-10
        return minimise_quadratic(H, gradient - H @ point, hull, self.node.penalty, precision)
