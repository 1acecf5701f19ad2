"""The furthest point of a level set in a direction: Newton's method on its optimality conditions.

    maximise q'theta subject to F(theta) <= limit    <=>    grad F(theta) = t q,  F(theta) = limit,  t > 0

With G and H the gradient and Hessian of F and R = G - t q, a step is

    dt = (limit - F + G'H^-1 R) / (G'H^-1 q)            dtheta = H^-1 q dt - H^-1 R

With that, F passes the limit by half of ``dtheta'H dtheta``, which is known, and dt is lowered by as much
where this is a small correction. A step is shortened so that no margin moves by more than 2, and t never
loses more than nine tenths.

The start follows the curve ``theta(t) = argmin F - t q'theta`` by its derivatives at the minimiser: with one
of them it is the answer for the quadratic model, exact for squared loss; with three it errs by r^4, r the
root of twice the rise.

The kernel is written for one direction (p,) and takes any number of them along leading axes; with JAX
arrays it compiles for a CPU or a GPU. Nothing here is a certificate: `certificate` recomputes both ends
from the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from riskstats._jit import Compiled, namespace, pad_to, while_loop
from riskstats._validation import Floats
from riskstats.levelset.baseline import Baseline
from riskstats.levelset.problem import ConvexProblem
from riskstats.levelset.smooth_losses import SmoothLoss

__all__ = ["Lanes", "SupportKernel"]

_TABLE_NUMBERS = 1 << 26
"""Numbers in the largest table of column products that is kept (512 MiB)."""
_LONGEST_MOVE = 2.0
_LARGEST_LOSS_OF_T = 0.1
_LARGEST_CORRECTION = 0.1
_TRUSTED_SERIES = 0.5


@dataclass(frozen=True, eq=False)
class Lanes:
    """Directions q (k, p) with a point theta (k, p) and multiplier t (k,) each; `error` (k,) is the distance
    to the optimum, in units of q'theta, as predicted before the last step."""

    directions: Floats
    theta: Floats
    t: Floats
    error: Floats

    def take(self, places: Any) -> Lanes:
        """The lanes at `places`."""
        return Lanes(self.directions[places], self.theta[places], self.t[places], self.error[places])

    @classmethod
    def joined(cls, parts: Sequence[Lanes]) -> Lanes:
        """Lanes one after the other."""
        columns = zip(*((part.directions, part.theta, part.t, part.error) for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


class SupportKernel:
    """The iteration for one problem. Columns are scaled by powers of two, which is exact, so that the
    Hessians are well scaled; directions and answers are in the caller's columns."""

    def __init__(self, problem: ConvexProblem, baseline: Baseline) -> None:
        self.problem, self.baseline = problem, baseline
        rms = np.where(problem.column_rms > 0, problem.column_rms, 1.0)
        self.scale = np.exp2(np.round(np.log2(rms)))
        self.design = problem.design / self.scale
        self.ridge = problem.ridge / self.scale**2
        self.device = "numpy"
        self.compile_seconds = 0.0

    @cached_property
    def inverse_hessian(self) -> Floats:
        """H^-1 at the minimiser, in scaled columns; a pseudo-inverse where it is singular to rounding."""
        hessian = self.baseline.hessian / (self.scale * self.scale[:, None])
        return np.linalg.pinv(hessian, rcond=1e-15, hermitian=True)

    @cached_property
    def _table(self) -> Floats | None:
        """Products of every pair of columns, (n, p (p + 1) / 2), or None where that is too large."""
        p = self.problem.p
        if self.problem.n * p * (p + 1) // 2 > _TABLE_NUMBERS:
            return None
        left, right = np.tril_indices(p)
        return np.asarray(self.design[:, left] * self.design[:, right])

    def hessians(self, margins: Floats) -> Floats:
        """The Hessian of F in scaled columns, (..., n) -> (..., p, p)."""
        _, _, curvature = self.problem.loss.terms(margins, self.problem.target)
        return self.gram(curvature * self.problem.weight)

    def gram(self, weight: Floats) -> Floats:
        """``sum_i weight_i x_i x_i'`` and the penalty, in scaled columns, (..., n) -> (..., p, p)."""
        return np.asarray(_gram(self.data, weight))

    @staticmethod
    def solve(hessian: Floats, sides: Floats) -> Floats:
        """H^-1 of the columns of `sides`, (k, p, p) and (k, p, m)."""
        return np.asarray(_solve(hessian, sides))

    def start(self, directions: Floats, rise: float, *, order: int = 1) -> Lanes:
        """A first answer where F may rise by `rise` above the minimum, from one or three derivatives."""
        scaled = directions / self.scale
        along = self.first(scaled)
        length = np.sqrt(np.maximum((scaled * along).sum(axis=-1), np.finfo(float).tiny))
        t = np.sqrt(2.0 * max(rise, 0.0)) / length
        move = along * t[:, None]
        if order > 1:
            t, move = self._further(scaled, along, t)
        theta = self.baseline.theta + move / self.scale
        return Lanes(directions, theta, t, np.full(len(length), np.inf))

    def _further(self, q: Floats, first: Floats, t: Floats) -> tuple[Floats, Floats]:
        """t and theta - minimiser by the series to third order; to first order where it does not settle."""
        with np.errstate(all="ignore"):
            second, third = self.curve(first)
            a, b, c = ((q * part).sum(axis=-1) for part in (first, second, third))
            beta, gamma = 2.0 * b * t / (3.0 * a), c * t * t / (4.0 * a)
            change = -0.5 * beta + 0.625 * beta * beta - 0.5 * gamma
            settled = np.abs(beta) + np.abs(gamma) <= _TRUSTED_SERIES
            t = np.where(settled, t * (1.0 + change), t)
            step = t[:, None]
            bend = step * step * (0.5 * second + step * third / 6.0)
            settled &= np.isfinite(bend).all(axis=1)
            return t, step * first + np.where(settled[:, None], bend, 0.0)

    def first(self, q: Floats) -> Floats:
        """First derivative of ``argmin F - t q'theta`` at t = 0, in scaled columns."""
        return np.asarray(q @ self.inverse_hessian)

    def curve(self, first: Floats) -> tuple[Floats, Floats]:
        """Second and third derivative of ``argmin F - t q'theta`` at t = 0, from the first, in scaled
        columns."""
        cubic, quartic = self._bends
        swing = first @ self.design.T
        second = -((swing * swing * cubic) @ self.design) @ self.inverse_hessian
        both = 3.0 * (second @ self.design.T) * cubic + swing * swing * quartic
        return second, -((swing * both) @ self.design) @ self.inverse_hessian

    def derivatives(self, lanes: Lanes) -> tuple[Floats, Floats, Floats, Floats]:
        """theta (k, p), t (k,), and the first and second derivative of (theta, t) in the limit, (k, p + 1),
        at lanes that are optimal."""
        problem, q, t = self.problem, lanes.directions / self.scale, lanes.t[:, None]
        margins = lanes.theta @ problem.design.T
        with np.errstate(all="ignore"):
            hessian = self.hessians(margins)
            along = self.solve(hessian, q[:, :, None])[:, :, 0]
            length = (q * along).sum(axis=1)[:, None]
            t_once = 1.0 / (t * length)
            once = along * t_once
            cubic, _ = problem.loss.bends(margins, problem.target)
            force = ((once @ self.design.T) ** 2 * cubic * problem.weight) @ self.design
            t_twice = (along * force).sum(axis=1)[:, None] / length - t_once * t_once / t
            twice = along * t_twice - self.solve(hessian, force[:, :, None])[:, :, 0]
        return (
            lanes.theta,
            lanes.t,
            np.column_stack([once / self.scale, t_once]),
            np.column_stack([twice / self.scale, t_twice]),
        )

    @cached_property
    def _bends(self) -> tuple[Floats, Floats]:
        """Third and fourth derivative of the loss at the minimiser, times the weights."""
        margins = self.problem.design @ self.baseline.theta
        cubic, quartic = self.problem.loss.bends(margins, self.problem.target)
        return cubic * self.problem.weight, quartic * self.problem.weight

    @cached_property
    def data(self) -> Any:
        """The arrays that `newton_step` reads."""
        return _Data(self.design, self.problem.target, self.problem.weight, self.ridge, self._table)

    def run(self, lanes: Lanes, limit: float, *, tolerance: Any, max_iter: int, device: str) -> Lanes:
        """Iterate until the predicted error of a lane is at most `tolerance`, a number or one for each lane,
        before its last step.

        `device` "numpy" drops finished lanes; "jax" compiles one loop that masks them.
        """
        run = self._run_compiled if device == "jax" else self._run_numpy
        return run(lanes, limit, np.broadcast_to(tolerance, lanes.t.shape), max_iter)

    def _run_numpy(self, lanes: Lanes, limit: float, tolerance: Floats, max_iter: int) -> Lanes:
        data = self.data
        theta, t = lanes.theta * self.scale, lanes.t.copy()
        error = np.full(len(t), np.inf)
        q = lanes.directions / self.scale
        margins = theta @ self.design.T
        active = np.arange(len(t))
        with np.errstate(all="ignore"):
            for _ in range(max_iter):
                moved = newton_step(
                    self.problem.loss, data, limit, q[active], theta[active], t[active], margins
                )
                theta[active], t[active], margins, error[active] = moved
                going = error[active] > tolerance[active]
                going &= np.isfinite(theta[active]).all(axis=1)
                active, margins = active[going], margins[going]
                if len(active) == 0:
                    break
        return Lanes(lanes.directions, theta / self.scale, t, error)

    def _run_compiled(self, lanes: Lanes, limit: float, tolerance: Floats, max_iter: int) -> Lanes:
        loss: Any = self.problem.loss
        compiled = _compiled(loss)
        bucket = 1 << (len(lanes.t) - 1).bit_length()
        q = pad_to(lanes.directions / self.scale, bucket, value=0.0)
        theta = pad_to(lanes.theta * self.scale, bucket)
        t = pad_to(lanes.t, bucket, value=1.0)
        before = compiled.compile_seconds
        enough = pad_to(tolerance, bucket, value=np.inf)
        limits = np.array([limit, float(max_iter)])
        answer = compiled(self._on_device, limits, q, theta, t, enough)
        self.compile_seconds += compiled.compile_seconds - before
        theta, t, error = (array[: len(lanes.t)] for array in answer)
        return Lanes(lanes.directions, theta / self.scale, t, error)

    @cached_property
    def _on_device(self) -> tuple[Any, ...]:
        """The data as JAX arrays, rows padded with weight zero so that few shapes are compiled."""
        rows = self.problem.n if self.problem.n < 256 else -(-self.problem.n // 256) * 256
        arrays = [
            pad_to(self.design, rows),
            pad_to(self.problem.target, rows, value=1.0),
            pad_to(self.problem.weight, rows),
            self.ridge,
        ]
        if self._table is not None:
            arrays.append(pad_to(self._table, rows))
        return tuple(Compiled.put(arrays))


@dataclass(frozen=True, eq=False)
class _Data:
    """Arrays of one library that the kernel reads."""

    design: Any
    target: Any
    weight: Any
    ridge: Any
    table: Any


def newton_step(
    loss: SmoothLoss, data: _Data, limit: Any, q: Any, theta: Any, t: Any, margins: Any
) -> tuple[Any, Any, Any, Any]:
    """One damped step from (theta, t): the new theta, t, margins, and the error predicted before the step.

    q, theta (..., p), t (...), margins (..., n) = theta @ design.T.
    """
    xp = namespace(theta)
    value, slope, curvature = loss.terms(margins, data.target)
    objective = value @ data.weight + 0.5 * (data.ridge * theta * theta).sum(axis=-1)
    gradient = (slope * data.weight) @ data.design + data.ridge * theta
    hessian = _gram(data, curvature * data.weight)
    residual = gradient - t[..., None] * q
    solved = _solve(hessian, xp.stack([q, residual], axis=-1))
    along, back = solved[..., 0], solved[..., 1]
    shortfall = limit - objective
    steepness = (gradient * along).sum(axis=-1)
    dt = (shortfall + (gradient * back).sum(axis=-1)) / steepness
    move = along * dt[..., None] - back
    bend = 0.5 * (move * (q * dt[..., None] - residual)).sum(axis=-1) / steepness
    bend = xp.where(xp.abs(bend) <= _LARGEST_CORRECTION * t, bend, 0.0)
    dt = dt - bend
    move = move - along * bend[..., None]
    swing = move @ data.design.T
    longest = xp.abs(swing).max(axis=-1)
    factor = xp.minimum(1.0, _LONGEST_MOVE / xp.maximum(longest, 1e-300))
    error = (xp.abs(shortfall) + 0.5 * xp.abs((residual * back).sum(axis=-1))) / t
    return (
        theta + move * factor[..., None],
        xp.maximum(t + factor * dt, _LARGEST_LOSS_OF_T * t),
        margins + swing * factor[..., None],
        xp.where(factor < 1.0, xp.inf, error),
    )


def _solve(hessian: Any, sides: Any) -> Any:
    """H^-1 of the columns of `sides`; where NumPy finds a lane singular, all get a ridge of one rounding."""
    xp = namespace(hessian)
    try:
        return xp.linalg.solve(hessian, sides)
    except np.linalg.LinAlgError:
        size = np.einsum("...ii->...i", hessian).max(axis=-1)[..., None, None]
        return np.linalg.solve(hessian + (1e-15 * size + 1e-300) * np.eye(hessian.shape[-1]), sides)


def _gram(data: _Data, weight: Any) -> Any:
    """``sum_i weight_i x_i x_i' + diag(ridge)``, (..., n) -> (..., p, p)."""
    xp = namespace(weight)
    p = data.design.shape[1]
    if data.table is not None:
        packed = weight @ data.table
        gram = packed[..., _places(p)]
    elif xp is np and weight.ndim > 1:
        gram = np.stack([(data.design.T * lane) @ data.design for lane in weight])
    else:
        gram = (data.design.T * weight[..., None, :]) @ data.design
    return gram + xp.diag(data.ridge)


@lru_cache(maxsize=64)
def _places(p: int) -> np.ndarray:
    """Where entry (i, j) of a symmetric matrix stands in its packed lower triangle."""
    places = np.empty((p, p), dtype=np.int64)
    left, right = np.tril_indices(p)
    places[left, right] = places[right, left] = np.arange(len(left))
    return places


@lru_cache(maxsize=8)
def _compiled(loss: Any) -> Compiled:
    """The whole iteration for a batch of directions: the one-direction kernel, mapped over them."""

    def one(
        arrays: tuple[Any, ...], limits: Any, q: Any, theta: Any, t: Any, tolerance: Any
    ) -> tuple[Any, Any, Any]:
        import jax.numpy as jnp

        design, target, weight, ridge, *table = arrays
        data = _Data(design, target, weight, ridge, table[0] if table else None)
        limit, most = limits

        def going(state: tuple[Any, ...]) -> Any:
            _, _, _, error, count = state
            return (error > tolerance) & (count < most)

        def step(state: tuple[Any, ...]) -> tuple[Any, ...]:
            theta, t, margins, _, count = state
            return (*newton_step(loss, data, limit, q, theta, t, margins), count + 1)

        started = (theta, t, data.design @ theta, jnp.inf * t, 0)
        theta, t, _, error, _ = while_loop(going, step, started, jnp)
        return theta, t, error

    def many(arrays: tuple[Any, ...], limits: Any, *lanes: Any) -> Any:
        import jax

        return jax.vmap(one, in_axes=(None, None, 0, 0, 0, 0))(arrays, limits, *lanes)

    return Compiled(many)
