"""Level sets by slow and independent means: many digits, exact rows, root finding, interior points.

Problems are any object with `design`, `target`, `sample_weight`, `penalty`, `ridge`, `loss.name`.
"""

from fractions import Fraction

import mpmath
import numpy as np
from scipy.optimize import brentq, minimize

LONG = np.longdouble


# In 64 bits of mantissa where the platform has them


def long_terms(problem, theta):
    """F (k,), gradient (k, p), weighted curvatures and slopes (k, n) at theta (k, p), in long doubles."""
    design, target = problem.design.astype(LONG), problem.target.astype(LONG)
    weight = problem.sample_weight.astype(LONG)
    weight = weight / weight.sum()
    theta = np.asarray(theta, dtype=LONG)
    margins = theta @ design.T
    if problem.loss.name == "squared loss":
        value, slope, curvature = (margins - target) ** 2 / 2, margins - target, np.ones_like(margins)
    else:
        z = -target * margins
        small = np.exp(-np.abs(z))
        value = np.maximum(z, 0) + np.log1p(small)
        slope = -target * np.where(z >= 0, 1 / (1 + small), small / (1 + small))
        curvature = small / (1 + small) ** 2
    ridge = problem.ridge.astype(LONG)
    objective = value @ weight + (ridge * theta * theta).sum(axis=-1) / 2
    gradient = (slope * weight) @ design + ridge * theta
    return objective, gradient, curvature * weight, slope


def hessians(problem, curvature):
    """(k, p, p) in float64: directions need no more."""
    design = problem.design
    gram = np.einsum("ki,ia,ib->kab", curvature.astype(float), design, design)
    return gram + np.diag(problem.ridge)


def scaled_solve(hessian, sides):
    """H^-1 sides with columns scaled to unit diagonal; a singular H gets a tiny ridge."""
    scale = 1 / np.sqrt(np.maximum(np.einsum("kaa->ka", hessian), 1e-300))
    scaled = hessian * scale[:, :, None] * scale[:, None, :]
    unit = np.eye(hessian.shape[-1])
    scaled = np.where(np.isfinite(scaled).all(axis=(1, 2))[:, None, None], scaled, unit)
    try:
        solved = np.linalg.solve(scaled, scale[:, :, None] * sides)
    except np.linalg.LinAlgError:
        solved = np.linalg.solve(scaled + 1e-13 * unit, scale[:, :, None] * sides)
    return scale[:, :, None] * solved


def long_minimum(problem, theta, steps=3):
    """(least F found, its theta) in long doubles from a point near the minimiser."""
    theta = np.asarray(theta, dtype=LONG)[None]
    best, at = np.inf, theta[0]
    for _ in range(steps):
        objective, gradient, curvature, _ = long_terms(problem, theta)
        if objective[0] < best:
            best, at = objective[0], theta[0]
        step = scaled_solve(hessians(problem, curvature), gradient.astype(float)[:, :, None])[:, :, 0]
        theta = theta - step
    return best, at


def long_support(problem, limit, directions, theta, t, steps=4):
    """KKT points polished in long doubles: (q'theta, residual of F = limit, relative size of the rest)."""
    theta, t, q = theta.astype(LONG), t.astype(LONG), directions.astype(LONG)
    with np.errstate(all="ignore"):
        for _ in range(steps):
            objective, gradient, curvature, _ = long_terms(problem, theta)
            residual = gradient - t[:, None] * q
            sides = np.stack([directions, residual.astype(float)], axis=2)
            solved = scaled_solve(hessians(problem, curvature), sides)
            along, back = solved[:, :, 0], solved[:, :, 1]
            dt = (limit - objective + (gradient * back).sum(axis=1)) / (gradient * along).sum(axis=1)
            theta, t = theta + along * dt[:, None] - back, t + dt
        objective, gradient, _, _ = long_terms(problem, theta)
        rest = np.abs(gradient - t[:, None] * q).max(axis=1) / np.abs(gradient).max(axis=1)
    return (q * theta).sum(axis=1), objective - limit, np.where(t > 0, rest, np.inf)


# In 50 digits


def exact_objective(problem, theta):
    """F in 50 digits at theta, stored floats taken as they are (or numbers of mpmath)."""
    return exact_derivatives(problem, theta)[0]


def as_mpf(value):
    """A float, a long double (as two floats) or a number of mpmath, exactly."""
    if isinstance(value, np.longdouble):
        high = float(value)
        return mpmath.mpf(high) + mpmath.mpf(float(value - LONG(high)))
    return mpmath.mpf(value)


def exact_minimum(problem, theta, steps=12):
    """min F in 50 digits from a point near the minimiser: gradients in 50 digits, directions in floats, until
    the predicted fall is below 1e-38 of F."""
    with mpmath.workdps(50):
        theta = [as_mpf(value) for value in theta]
        hessian = hessians(problem, long_terms(problem, np.array([[float(b) for b in theta]]))[2])
        best = mpmath.inf
        for _ in range(steps):
            value, gradient = exact_derivatives(problem, theta)
            best = min(best, value)
            size = max(abs(g) for g in gradient)
            if size == 0:
                break
            unit = np.array([[[float(g / size)] for g in gradient]])
            step = [size * float(s) for s in scaled_solve(hessian, unit)[0, :, 0]]
            if abs(mpmath.fsum(g * s for g, s in zip(gradient, step, strict=True))) < best * mpmath.mpf(
                "1e-38"
            ):
                break
            theta = [b - s for b, s in zip(theta, step, strict=True)]
        return best


def exact_derivatives(problem, theta):
    """F and its gradient in 50 digits."""
    with mpmath.workdps(50):
        theta = [as_mpf(value) for value in theta]
        ridge = [mpmath.mpf(float(r)) for r in problem.ridge]
        gradient = [mpmath.mpf(0)] * len(theta)
        total = value = mpmath.mpf(0)
        for row, y, s in zip(problem.design.tolist(), problem.target, problem.sample_weight, strict=True):
            if s == 0:
                continue
            margin, y, s = mpmath.fdot(row, theta), float(y), float(s)
            if problem.loss.name == "squared loss":
                loss, slope = (margin - y) ** 2 / 2, margin - y
            else:
                small = mpmath.exp(-y * margin)
                loss, slope = mpmath.log1p(small), -y * small / (1 + small)
            total, value = total + s, value + s * loss
            gradient = [g + s * slope * x for g, x in zip(gradient, row, strict=True)]
        gradient = [g / total + r * b for g, r, b in zip(gradient, ridge, theta, strict=True)]
        return value / total + mpmath.fsum(r * b * b for r, b in zip(ridge, theta, strict=True)) / 2, gradient


def exact_product(q, theta):
    """q'theta of stored floats, a fraction."""
    return sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(q, theta, strict=True))


# By root finding


def support_by_roots(problem, limit, q, theta):
    """max q'theta over {F <= limit} with the intercept eliminated, q_0 = 1 or -1: F is minimised with
    q'theta = c by a trust region method of SciPy, and the root of that minimum in c is bracketed."""
    design, target, ridge = problem.design, problem.target, problem.penalty
    weight = problem.sample_weight / problem.sample_weight.sum()
    rows = design[:, 1:] - q[1:] / q[0]
    state = {"w": np.array(theta[1:], dtype=float)}

    def least(c):
        offset = c / q[0]

        def margins(w):
            return target * (rows @ w + offset)

        def value(w):
            return weight @ np.logaddexp(0, -margins(w)) + ridge / 2 * w @ w

        def gradient(w):
            slope = -target / (1 + np.exp(margins(w)))
            return rows.T @ (weight * slope) + ridge * w

        def hessian(w):
            s = 1 / (1 + np.exp(margins(w)))
            return (rows.T * (weight * s * (1 - s))) @ rows + ridge * np.eye(len(w))

        answer = minimize(
            value, state["w"], jac=gradient, hess=hessian, method="trust-exact", options={"gtol": 1e-10}
        )
        state["w"] = answer.x
        return answer.fun - limit

    low, width = float(q @ theta), 1.0
    while least(low + width) < 0:
        width *= 2
    return brentq(least, low, low + width, xtol=1e-12, rtol=1e-14)
