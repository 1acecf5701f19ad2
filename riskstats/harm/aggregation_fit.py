"""Maximum likelihood of the aggregation: L-BFGS from several starts, then in the box, and its profile.

Through sigmoids a weight of 0 or 1 lies at infinity, so each start is continued with the weights themselves
in [0, 1], where a bound is reached exactly. The profile of a weight is the best likelihood with it held
fixed; its interval holds the values at which twice the loss of log-likelihood is within the quantile of
chi-square, which is conservative for a true weight on a bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from riskstats._validation import Floats
from riskstats.harm.aggregation_kernels import Evaluate, Layout, bounded, evaluator, through_sigmoids
from riskstats.harm.aggregation_tree import Cells

__all__ = ["AggregationFit", "fit_parameters", "profile_interval"]

AT_BOUND = 1e-6
_BETTER, _WIDTH, _LOOSE, _SAME = 1e-6, 1e-3, 1e-6, 1e-7
_SMALLEST_SCALE, _LARGEST = 1e-3, 1e3


class AggregationFit(NamedTuple):
    """Parameters, negative log-likelihood, those of every start, evaluations."""

    parameters: Floats
    loss: float
    start_losses: Floats
    n_evaluations: int


def fit_parameters(
    layout: Layout,
    cells: Cells,
    target: Floats,
    weight: Floats,
    *,
    n_starts: int,
    max_iter: int,
    rng: np.random.Generator,
) -> AggregationFit:
    """The best of at most `n_starts` starts, until it is found again; the first has every weight 1/2."""
    boxed = evaluator(layout, cells, target, weight)
    free = through_sigmoids(layout, boxed)
    size, calls = len(layout.names), 0
    found: list[tuple[Floats, float]] = []
    for start in range(n_starts):
        first = np.zeros(size) if start == 0 else rng.normal(0.0, 1.5, size)
        point, _, used = _minimised(free, first, [(-12.0, 12.0)] * size, max_iter, _LOOSE)
        parameters, loss, more = inside_box(layout, boxed, bounded(layout, point), max_iter)
        found.append((parameters, loss))
        calls += used + more
        if _found_again([loss for _, loss in found]):
            break
    best = min(found, key=lambda pair: pair[1])
    return AggregationFit(best[0], best[1], np.array([loss for _, loss in found]), calls)


def _found_again(losses: list[float]) -> bool:
    """Whether two starts ended at the smallest loss."""
    least = min(losses)
    return sum(loss <= least + _SAME * max(1.0, abs(least)) for loss in losses) > 1


def box(layout: Layout) -> list[tuple[float, float]]:
    """The bounds of every parameter."""
    ends = [(0.0, 1.0)] * layout.bounded
    ends += [(_SMALLEST_SCALE, _LARGEST)] * layout.scale
    return ends + [(-_LARGEST, _LARGEST)] * layout.intercept


def inside_box(
    layout: Layout,
    boxed: Evaluate,
    start: Floats,
    max_iter: int,
    held: tuple[int, float] | None = None,
) -> tuple[Floats, float, int]:
    """(parameters, loss, evaluations) from a start, with one parameter held."""
    ends = box(layout)
    first = np.clip(start, [low for low, _ in ends], [high for _, high in ends])
    if held is not None:
        ends[held[0]] = (held[1], held[1])
        first[held[0]] = held[1]
    return _minimised(boxed, first, ends, max_iter)


def _minimised(
    evaluate: Evaluate, start: Floats, ends: list[tuple[float, float]], max_iter: int, ftol: float = 1e-13
) -> tuple[Floats, float, int]:
    from scipy.optimize import minimize

    options = {"maxiter": max_iter, "maxfun": 20 * max_iter, "ftol": ftol, "gtol": 1e-8, "maxcor": 20}
    found = minimize(evaluate, start, jac=True, method="L-BFGS-B", bounds=ends, options=options)
    return np.asarray(found.x), float(found.fun), int(found.nfev)


class _Profile:
    """The deviance of one parameter held at a value, and the best point met on the way."""

    def __init__(self, layout: Layout, boxed: Evaluate, fit: AggregationFit, place: int, max_iter: int):
        self._layout, self._boxed, self._fit, self._place = layout, boxed, fit, place
        self._max_iter = max_iter
        self.best = fit.parameters, fit.loss

    def __call__(self, value: float) -> float:
        """Twice the loss of log-likelihood at this value, from the fit, moved off its bounds."""
        start = self._fit.parameters.copy()
        inner = slice(0, self._layout.bounded)
        start[inner] = np.clip(start[inner], 0.02, 0.98)
        held = self._place, value
        parameters, loss, _ = inside_box(self._layout, self._boxed, start, self._max_iter, held)
        if loss < self.best[1] - _BETTER:
            self.best = parameters, loss
        return 2.0 * (loss - self._fit.loss)


def profile_interval(
    layout: Layout,
    boxed: Evaluate,
    fit: AggregationFit,
    place: int,
    confidence_level: float,
    max_iter: int,
) -> tuple[float, float, tuple[Floats, float]]:
    """(lower, upper, best point met) of one parameter; the point beats the fit where that was not best."""
    from scipy.stats import chi2

    room = float(chi2.ppf(confidence_level, 1))
    deviance = _Profile(layout, boxed, fit, place, max_iter)
    value, ends = float(fit.parameters[place]), box(layout)[place]
    lower = _edge(deviance, value, ends[0], room)
    return lower, _edge(deviance, value, ends[1], room), deviance.best


def _edge(deviance: _Profile, inside: float, end: float, room: float) -> float:
    """Where the deviance passes `room` between a value inside and an end; the end where it does not."""
    if abs(end - inside) <= AT_BOUND or deviance(end) <= room:
        return end
    while abs(end - inside) > _WIDTH * max(1.0, abs(inside)):
        middle = 0.5 * (inside + end)
        inside, end = (middle, end) if deviance(middle) <= room else (inside, middle)
    return end
