"""Slow twins of the bounds of a sum: exact rational arithmetic from the definitions, and linear programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

Law = list[tuple[Fraction, Fraction]]
"""(value, probability) in increasing order of the values."""


def law(values: Sequence[float], weights: Sequence[float] | None = None, factor: float = 1) -> Law:
    """The law of ``factor * Y``; floats are read as the decimals they print."""
    masses = [Fraction(1)] * len(values) if weights is None else [Fraction(str(w)) for w in weights]
    total = sum(masses)
    scale = Fraction(str(factor))
    return sorted((scale * Fraction(str(x)), m / total) for x, m in zip(values, masses, strict=True) if m > 0)


def reflected(one: Law) -> Law:
    return sorted((-x, m) for x, m in one)


def _steps(one: Law) -> list[Fraction]:
    ends, total = [], Fraction(0)
    for _, mass in one:
        total += mass
        ends.append(total)
    return ends


def _value(one: Law, ends: list[Fraction], u: Fraction) -> Fraction:
    return next(x for (x, _), end in zip(one, ends, strict=True) if u < end)


def pieces(first: Law, second: Law, q: Fraction) -> list[tuple[Fraction, Fraction]]:
    """(length, Q1(u) + Q2(q - u)) between all points where either changes."""
    ends = _steps(first), _steps(second)
    marks = {Fraction(0), q}
    marks |= {c for c in ends[0] if c < q} | {q - c for c in ends[1] if c < q}
    ordered = sorted(marks)
    found = []
    for low, high in pairwise(ordered):
        middle = (low + high) / 2
        s = _value(first, ends[0], middle) + _value(second, ends[1], q - middle)
        found.append((high - low, s))
    return found


def transport(first: Law, second: Law, z: Fraction, q: Fraction, order: int) -> Fraction:
    """T_z(q)."""
    return sum(
        (length * max(s - z, Fraction(0)) ** order for length, s in pieces(first, second, q)), Fraction(0)
    )


def _knots(first: Law, second: Law) -> list[Fraction]:
    one, two = [Fraction(0), *_steps(first)], [Fraction(0), *_steps(second)]
    return sorted({a + b for a in one for b in two if a + b <= 1})


def largest_cdf(first: Law, second: Law, z: Fraction, radius: Fraction, order: int) -> Fraction:
    """sup { q : T_z(q) <= R^p }, scanned over all sums of cumulative weights; T is linear between two."""
    budget, last, before = radius**order, Fraction(0), Fraction(0)
    for q in _knots(first, second)[1:]:
        here = transport(first, second, z, q, order)
        if here > budget:
            return last + (q - last) * (budget - before) / (here - before)
        last, before = q, here
    return last


def smallest_cdf(first: Law, second: Law, z: Fraction, radius: Fraction, order: int) -> Fraction:
    """inf P(S <= z): strict at radius 0."""
    one, two = reflected(first), reflected(second)
    if radius > 0:
        return 1 - largest_cdf(one, two, -z, radius, order)
    last = Fraction(0)
    for q in _knots(one, two)[1:]:
        if any(s >= -z for _, s in pieces(one, two, q)):
            break
        last = q
    return 1 - last


def smallest_quantile(first: Law, second: Law, level: Fraction, radius: Fraction) -> Fraction:
    """The first z with T_z(level) <= R at order 1, exactly."""
    laid = sorted(pieces(first, second, level), key=lambda piece: -piece[1])
    mass = spent = Fraction(0)
    for k, (length, s) in enumerate(laid):
        mass += length
        spent += length * s
        z = (spent - radius) / mass
        if radius == 0:
            return s
        if k + 1 == len(laid) or z >= laid[k + 1][1]:
            return z
    raise AssertionError


# Linear programs


def aggregate_program(
    first: np.ndarray, a: np.ndarray, second: np.ndarray, b: np.ndarray, z: float, radius: float, order: float
) -> float:
    """sup P(S <= z): mass x_ij of every pair, at cost (s_ij - z)_+^p, within R^p."""
    n, m = len(first), len(second)
    cost = np.maximum(np.add.outer(first, second) - z, 0.0).ravel() ** order
    cells = np.arange(n * m)
    rows = coo_array((np.ones(n * m), (cells // m, cells)), shape=(n, n * m))
    columns = coo_array((np.ones(n * m), (cells % m, cells)), shape=(m, n * m))
    budget = coo_array(cost[np.newaxis])
    answer = linprog(
        -np.ones(n * m),
        A_ub=vstack([rows, columns, budget]).tocsr(),
        b_ub=np.concatenate([a, b, [radius**order]]),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return float(-answer.fun)


def marginal_program(
    weights: Sequence[np.ndarray],
    costs: Sequence[np.ndarray],
    budgets: Sequence[float],
    event: np.ndarray,
    sign: float,
) -> float:
    """Largest (sign 1) or smallest (sign -1) probability of an event over two balls on finite supports.

    weights : two (n_j,). costs : two (n_j, s_j). event : (s_1, s_2) of 0 and 1. A joint law on the supports,
    with one transport plan for each marginal.
    """
    (n1, s1), (n2, s2) = costs[0].shape, costs[1].shape
    sizes = s1 * s2, n1 * s1, n2 * s2
    joint, plan1, plan2 = (slice(sum(sizes[:k]), sum(sizes[: k + 1])) for k in range(3))
    size = sum(sizes)
    equal = np.zeros((n1 + n2 + s1 + s2, size))
    right = np.concatenate([weights[0], weights[1], np.zeros(s1 + s2)])
    equal[:n1, plan1] = np.repeat(np.eye(n1), s1, axis=1)
    equal[n1 : n1 + n2, plan2] = np.repeat(np.eye(n2), s2, axis=1)
    equal[n1 + n2 : n1 + n2 + s1, plan1] = np.tile(np.eye(s1), n1)
    equal[n1 + n2 : n1 + n2 + s1, joint] = -np.repeat(np.eye(s1), s2, axis=1)
    equal[n1 + n2 + s1 :, plan2] = np.tile(np.eye(s2), n2)
    equal[n1 + n2 + s1 :, joint] = -np.tile(np.eye(s2), s1)
    within = np.zeros((2, size))
    within[0, plan1], within[1, plan2] = costs[0].ravel(), costs[1].ravel()
    gain = np.zeros(size)
    gain[joint] = event.ravel()
    answer = linprog(-sign * gain, A_ub=within, b_ub=budgets, A_eq=equal, b_eq=right, method="highs")
    return float(-sign * answer.fun)


def sampled_laws(
    rng: np.random.Generator,
    samples: Sequence[np.ndarray],
    weights: Sequence[np.ndarray],
    radii: Sequence[float],
    order: float,
    pull: Callable[[np.ndarray], np.ndarray],
    size: int = 400,
) -> tuple[np.ndarray, np.ndarray]:
    """((size, d) rows, (size,) weights) of a random law whose marginals lie within the radii.

    Rows are draws of a random coupling with exact marginals; each coordinate then moves by what `pull` says,
    scaled so that its transport is the radius.
    """
    n = size
    rows, moves = [], pull(rng.normal(size=(n, len(samples))))
    for sample, mass in zip(samples, weights, strict=True):
        order_of = np.argsort(sample)
        ends = np.cumsum(mass[order_of]) / mass.sum()
        levels = (rng.permutation(n) + 0.5) / n
        rows.append(sample[order_of][np.minimum(np.searchsorted(ends, levels), len(sample) - 1)])
    drawn = np.column_stack(rows).astype(float)
    for j, radius in enumerate(radii):
        paid = np.mean(np.abs(moves[:, j]) ** order) ** (1 / order)
        moves[:, j] *= radius / paid if paid > 0 else 0.0
    return drawn + moves, np.full(n, 1.0 / n)
