"""The furthest point of a level set in a direction: Newton's method on its optimality conditions.

    maximise q'theta subject to F(theta) <= limit    <=>    grad F(theta) = t q,  F(theta) = limit,  t > 0

With G and H the gradient and Hessian of F and R = G - t q, a step is

    dt = (limit - F + G'H^-1 R) / (G'H^-1 q)            dtheta = H^-1 q dt - H^-1 R

The start is the answer for the quadratic model at the minimiser, exact for squared loss. A step is
shortened so that no margin moves by more than 2, and t never loses more than nine tenths.

The kernel is written for one direction (p,) and takes any number of them along leading axes; with JAX
arrays it compiles for a CPU or a GPU. Nothing here is a certificate: `certificate` recomputes both ends
from the answer.
"""

from __future__ import annotations

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
    def _inverse_hessian(self) -> Floats:
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

    def start(self, directions: Floats, rise: float) -> Lanes:
        """The quadratic model's answer where F may rise by `rise` above the minimum."""
        scaled = directions / self.scale
        along = scaled @ self._inverse_hessian
        length = np.sqrt(np.maximum((scaled * along).sum(axis=-1), np.finfo(float).tiny))
        radius = np.sqrt(2.0 * max(rise, 0.0))
        theta = self.baseline.theta + along / self.scale * (radius / length)[:, None]
        return Lanes(directions, theta, radius / length, np.full(len(length), np.inf))

    def run(self, lanes: Lanes, limit: float, *, tolerance: float, max_iter: int, device: str) -> Lanes:
        """Iterate until the predicted error of a lane is at most `tolerance` before its last step.

        `device` "numpy" drops finished lanes; "jax" compiles one loop that masks them.
        """
        run = self._run_compiled if device == "jax" else self._run_numpy
        return run(lanes, limit, tolerance, max_iter)

    def _run_numpy(self, lanes: Lanes, limit: float, tolerance: float, max_iter: int) -> Lanes:
        data = _Data(self.design, self.problem.target, self.problem.weight, self.ridge, self._table)
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
                going = error[active] > tolerance
                going &= np.isfinite(theta[active]).all(axis=1)
                active, margins = active[going], margins[going]
                if len(active) == 0:
                    break
        return Lanes(lanes.directions, theta / self.scale, t, error)

    def _run_compiled(self, lanes: Lanes, limit: float, tolerance: float, max_iter: int) -> Lanes:
        compiled = _compiled(self.problem.loss)
        bucket = 1 << (len(lanes.t) - 1).bit_length()
        q = pad_to(lanes.directions / self.scale, bucket, value=0.0)
        theta = pad_to(lanes.theta * self.scale, bucket)
        t = pad_to(lanes.t, bucket, value=1.0)
        before = compiled.compile_seconds
        limits = np.array([limit, tolerance, float(max_iter)])
        answer = compiled(self._on_device, limits, q, theta, t)
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
    solved = xp.linalg.solve(hessian, xp.stack([q, residual], axis=-1))
    along, back = solved[..., 0], solved[..., 1]
    shortfall = limit - objective
    dt = (shortfall + (gradient * back).sum(axis=-1)) / (gradient * along).sum(axis=-1)
    move = along * dt[..., None] - back
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

    def one(arrays: tuple[Any, ...], limits: Any, q: Any, theta: Any, t: Any) -> tuple[Any, Any, Any]:
        import jax.numpy as jnp

        design, target, weight, ridge, *table = arrays
        data = _Data(design, target, weight, ridge, table[0] if table else None)
        limit, tolerance, most = limits

        def going(state: tuple[Any, ...]) -> Any:
            _, _, _, error, count = state
            return (error > tolerance) & (count < most)

        def step(state: tuple[Any, ...]) -> tuple[Any, ...]:
            theta, t, margins, _, count = state
            return (*newton_step(loss, data, limit, q, theta, t, margins), count + 1)

        started = (theta, t, data.design @ theta, jnp.inf * t, 0)
        theta, t, _, error, _ = while_loop(going, step, started, jnp)
        return theta, t, error

    def many(arrays: tuple[Any, ...], limits: Any, q: Any, theta: Any, t: Any) -> tuple[Any, Any, Any]:
        import jax

        return jax.vmap(one, in_axes=(None, None, 0, 0, 0))(arrays, limits, q, theta, t)

    return Compiled(many)
