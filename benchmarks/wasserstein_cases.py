"""The cases of `benchmarks.wasserstein`: what is asked, what answers beside it, and what must hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.recording import repeat, spend

__all__ = [
    "best_of_two",
    "makarov_beside_program",
    "makarov_beside_sorting",
    "shared_covariates",
    "sorted_call",
    "worst_sum",
]

RADIUS = 0.1


# ---- distributionally robust Makarov bounds


def makarov_beside_program(n: int) -> dict[str, Any]:
    """``sup P(Y1 + Y2 <= -1)``, order 2, by its kernel, by the public function and by the full program."""
    from riskstats.wasserstein import makarov_bounds
    from riskstats.wasserstein.step_quantiles import step_law
    from riskstats.wasserstein.sum_quantiles import StepSum

    first, second = np.random.default_rng(0).normal(size=(2, n))
    total, at = StepSum(step_law(first), step_law(second)), np.array([-1.0])
    kernel = repeat(lambda: total.shares(at, RADIUS, 2.0), 0.2)
    public = repeat(lambda: makarov_bounds(first, second, at, radius=RADIUS, order=2), 0.2)
    program = spend(_full_program, first, second, -1.0, RADIUS**2)
    difference = abs(float(total.shares(at, RADIUS, 2.0)[0]) - program.answer)
    return {
        "n": n,
        "kernel_us": 1e6 * kernel,
        "public_us": 1e6 * public,
        "program": program.seconds,
        "ratio": program.seconds / kernel,
        "public_ratio": program.seconds / public,
        "difference": difference,
    }


def _full_program(first: np.ndarray, second: np.ndarray, point: float, budget: float) -> float:
    """The linear program with two variables a pair of atoms: it stays, or it moves to the point."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array, hstack, vstack

    n, m = len(first), len(second)
    cells = np.arange(n * m)
    cost = np.maximum(np.add.outer(first, second) - point, 0.0).ravel() ** 2
    ones = np.ones(n * m)
    rows = coo_array((ones, (cells // m, cells)), shape=(n, n * m))
    columns = coo_array((ones, (cells % m, cells)), shape=(m, n * m))
    answer = linprog(
        np.concatenate([np.zeros(n * m), -ones]),
        A_ub=coo_array(np.concatenate([np.zeros(n * m), cost])[np.newaxis]).tocsr(),
        b_ub=[budget],
        A_eq=vstack([hstack([rows, rows]), hstack([columns, columns])]).tocsr(),
        b_eq=np.concatenate([np.full(n, 1.0 / n), np.full(m, 1.0 / m)]),
        method="highs",
    )
    return -float(answer.fun)


def makarov_beside_sorting(n: int, points: int, repeats: int) -> dict[str, Any]:
    """Bounds at some points beside sorting both samples; one point is the upper bound alone."""
    from riskstats.wasserstein.step_quantiles import step_law
    from riskstats.wasserstein.sum_quantiles import StepSum

    first, second = np.random.default_rng(1).normal(size=(2, n))
    sorting = _median(lambda: (np.sort(first), np.sort(second)), repeats)
    laws = step_law(first), step_law(second)
    at = np.linspace(-4.0, 4.0, points) if points > 1 else np.array([-1.0])

    def search() -> Any:
        total = StepSum(*laws)
        return total.shares(at, RADIUS, 2.0) if points == 1 else total.cdf_bounds(at, RADIUS, 2.0)

    seconds = _median(search, repeats)
    upper = search() if points == 1 else search()[1]
    excess = [
        _reached(StepSum(*laws), z, q)
        for z, q in zip(at[:: max(points // 7, 1)], upper[:: max(points // 7, 1)], strict=True)
    ]
    return {
        "case": f"{points} point{'' if points == 1 else 's, both bounds'}, n = {n:,}",
        "seconds": seconds,
        "sorting": sorting,
        "ratio": seconds / sorting,
        "aim": 1 if points == 1 else 100,
        "error": max(excess),
    }


def _reached(total: Any, point: float, q: float) -> float:
    """How far ``T_z(q)^(1/p)`` is from R; 0 where q is 1 and there is room."""
    distance = total.distance(point, q, 2.0) if q > 0 else RADIUS
    return abs(distance - RADIUS) if q < 1 else max(distance - RADIUS, 0.0)


# ---- couplings


def best_of_two(n: int, pot: bool) -> dict[str, Any]:
    """``E max(Y1 - .5, Y2 - .5, 0)``, order 2, on the samples on which a public solver stops with nothing.

    The public function takes the sorted coupling that is known to be worst; "assignment" and "POT" are
    the same bundle over an exact solver that knows nothing of it.
    """
    from riskstats.wasserstein import MarginalBalls, WassersteinBall, worst_case_expectation
    from riskstats.wasserstein.joint import Maximum

    rng = np.random.default_rng(5)
    for size in (200, 500, 1000, n):
        v1, v2 = np.sort(rng.standard_normal(size)), np.sort(rng.standard_t(4, size))
    model = MarginalBalls(WassersteinBall(v1, radius=0.1, order=2), WassersteinBall(v2, radius=0.3, order=2))
    known = spend(lambda: worst_case_expectation(Maximum(0.5), model))
    matched = spend(_by_assignment, model)
    row = {
        "n": n,
        "seconds": known.cpu_seconds,
        "gap": known.answer.duality_gap / (1.0 + abs(known.answer.value)),
        "assignment": matched.cpu_seconds,
        "difference": abs(known.answer.value - matched.answer.upper),
    }
    if pot:
        other = spend(_by_pot, model)
        row |= {
            "pot": other.cpu_seconds,
            "pot_gap": (other.answer.upper - other.answer.lower) / (1.0 + abs(other.answer.upper)),
            "ratio": known.cpu_seconds / other.cpu_seconds,
            "assignment_ratio": matched.cpu_seconds / other.cpu_seconds,
        }
    return row


def _pairs(model: Any) -> Any:
    from riskstats.wasserstein.asked import asked_of
    from riskstats.wasserstein.joint import Maximum
    from riskstats.wasserstein.pair_suprema import BoxPairs

    return BoxPairs(asked_of(Maximum(0.5), model, "upper", None, 1e-6, None))


def _by_assignment(model: Any) -> Any:
    from riskstats.wasserstein.assignment import solve_assignment

    return solve_assignment(_pairs(model), start=np.ones(2), gap=1e-6, time_limit=math.inf).enclosure


def _by_pot(model: Any) -> Any:
    """The bundle over `ot.emd`; its potentials are made feasible before they bound anything."""
    import warnings

    import ot

    from riskstats.wasserstein.bundle import Cut, bundled
    from riskstats.wasserstein.certificate import dual_value

    question = _pairs(model)
    n = len(question.first)
    rows = np.arange(n)

    def solve(prices: np.ndarray) -> Cut:
        values = question.values(prices)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plan, log = ot.emd(question.first, question.second, -values, numItermax=10_000_000, log=True)
        i, j = np.nonzero(plan)
        columns, mass = question.columns(i, j, prices), plan[i, j]
        upper = dual_value(question, prices, values, -log["v"])
        if abs(mass.sum() - 1.0) > 1e-9:
            return Cut(upper, np.nan, np.full(2, np.inf), None)
        return Cut(upper, float(mass @ columns.value), mass @ columns.costs, None)

    stay = question.columns(rows, rows, None)
    still = Cut(np.inf, float(stay.value.mean()), stay.costs.mean(axis=0), None)
    return bundled(solve, question.budget, np.ones(2), still, rays=[], gap=0.5e-6)


def sorted_call(n: int, repeats: int) -> dict[str, Any]:
    """``E (Y1 + Y2 - 1)_+``, order 2, to a gap of 1e-8, beside sorting both samples."""
    from riskstats.wasserstein import Aggregate, Call, MarginalBalls, WassersteinBall, worst_case_expectation

    first, second = np.random.default_rng(2).normal(size=(2, n))
    model = MarginalBalls(
        WassersteinBall(first, radius=RADIUS, order=2), WassersteinBall(second, radius=RADIUS, order=2)
    )
    sorting = _median(lambda: (np.sort(first), np.sort(second)), repeats)
    seconds = _median(lambda: worst_case_expectation(Aggregate(Call(1.0), (1, 1)), model, gap=1e-8), repeats)
    found = worst_case_expectation(Aggregate(Call(1.0), (1, 1)), model, gap=1e-8)
    return {
        "case": f"sorted call, n = {n:,}",
        "seconds": seconds,
        "sorting": sorting,
        "ratio": seconds / sorting,
        "aim": 8,
        "error": found.duality_gap / (1.0 + abs(found.value)),
    }


# ---- worst sums


def worst_sum(law: str, d: int, n: int, radius: float, peer: bool) -> dict[str, Any]:
    """Worst value at risk of a sum of d equal laws, level .95, beside a rearrangement of the same tails."""
    from scipy import stats

    from riskstats.wasserstein import sum_value_at_risk_bounds

    frozen = {
        "uniform": stats.uniform(),
        "normal": stats.norm(),
        "lognormal": stats.lognorm(1.0),
        "Pareto(2)": stats.pareto(2),
    }[law]
    sample = frozen.ppf((np.arange(n) + 0.5) / n)
    spent = spend(lambda: sum_value_at_risk_bounds(*[sample] * d, level=0.95, radius=radius).upper)
    found = spent.answer
    row = {
        "law": law,
        "d": d,
        "radius": radius,
        "seconds": spent.cpu_seconds,
        "lower": found.lower,
        "upper": found.upper,
        "gap": found.duality_gap / abs(found.value),
    }
    if peer and radius == 0:
        tail = sample[sample >= np.quantile(sample, 0.95, method="inverted_cdf")]
        other = spend(_rearranged, tail, d)
        row |= {
            "peer": other.cpu_seconds,
            "peer_value": other.answer,
            "ratio": spent.cpu_seconds / other.cpu_seconds,
        }
    return row


def _rearranged(tail: np.ndarray, d: int) -> float:
    import rearrangement_algorithm

    matrix = np.column_stack([np.random.default_rng(k).permutation(tail) for k in range(d)])
    done = rearrangement_algorithm.basic_rearrange(
        matrix, tol=1e-9, tol_type="relative", lookback=d, max_ra=0, optim_func=min, cost_func=np.sum
    )
    return float(done.sum(axis=1).min())


# ---- shared covariates


def shared_covariates(n: int, m: int, dimension: int, program: bool) -> dict[str, Any]:
    """``E (Y1 - Y0 - 1)_+``, order 2, over arms of n and m rows; beside the program with a column per pair.

    The other program is the dual one in HiGHS at the multiplier that was found: transport over all pairs.
    """
    from riskstats.wasserstein import Aggregate, Call, worst_case_expectation

    model = _two_arms(n, m, dimension)
    asked = Aggregate(Call(1.0), (1, -1))
    spent = spend(lambda: worst_case_expectation(asked, model, gap=1e-4))
    found = spent.answer
    row = {
        "case": f"{n} + {m}, {dimension} covariates",
        "seconds": spent.cpu_seconds,
        "gap": found.duality_gap / (1.0 + abs(found.value)),
        "route": found.route,
        "status": str(found.status),
    }
    if program:
        other = spend(_one_transport, model, found)
        row |= {
            "program": other.cpu_seconds,
            "ratio": other.cpu_seconds / spent.cpu_seconds,
            "difference": abs(other.answer - found.upper),
        }
    return row


def _two_arms(n: int, m: int, dimension: int) -> Any:
    from riskstats.wasserstein import OverlappingBalls, WassersteinBall
    from riskstats.wasserstein.distance import transport_cost

    rng = np.random.default_rng(0)
    x1, x0 = rng.normal(size=(n, dimension)), rng.normal(size=(m, dimension)) + 0.1
    y1, y0 = x1[:, 0] + 0.5 + rng.normal(size=n), x0[:, 0] + rng.normal(size=m)
    even = np.full(n, 1.0 / n), np.full(m, 1.0 / m)
    needed = math.sqrt(transport_cost(x1, even[0], x0, even[1], order=2.0, norm=2))
    treated, control = (
        WassersteinBall(np.column_stack([y, x]), radius=0.65 * needed, order=2)
        for y, x in ((y1, x1), (y0, x0))
    )
    return OverlappingBalls(treated, control)


def _one_transport(model: Any, found: Any) -> float:
    """The dual value at one multiplier, by HiGHS over all pairs: a search for the multiplier asks many."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array, vstack

    from riskstats.wasserstein.overlap import OverlapSupremum
    from riskstats.wasserstein.overlap_difference import SharedPairs
    from riskstats.wasserstein.shapes import Call

    pairs = SharedPairs(OverlapSupremum(model, Call(1.0), (1.0, -1.0), 1))
    total = sum(model.radius)
    kappa = np.array([found.multiplier[0] * (model.radius[0] / total)])
    values = pairs.values(kappa)
    n, m = values.shape
    cells, ones = np.arange(n * m), np.ones(n * m)
    rows = coo_array((ones, (cells // m, cells)), shape=(n, n * m))
    columns = coo_array((ones, (cells % m, cells)), shape=(m, n * m))
    answer = linprog(
        -values.ravel(),
        A_eq=vstack([rows, columns]).tocsr(),
        b_eq=np.concatenate([pairs.first, pairs.second]),
        method="highs",
    )
    return float(kappa[0] * pairs.budget[0]) - float(answer.fun)


def _median(function: Callable[[], Any], repeats: int) -> float:
    """Median processor seconds of some calls."""
    return float(np.median([spend(function).cpu_seconds for _ in range(repeats)]))
