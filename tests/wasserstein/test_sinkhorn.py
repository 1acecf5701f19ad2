"""Annealed Sinkhorn: what it finds is enclosed, verified, near exact transport, and never called proven."""

import dataclasses

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from riskstats.exceptions import InvalidInput
from riskstats.results import Status
from riskstats.wasserstein import pairs, sinkhorn
from riskstats.wasserstein.aggregate import reduced
from riskstats.wasserstein.api import worst_case_expectation
from riskstats.wasserstein.asked import asked_of
from riskstats.wasserstein.ball import MarginalBalls, WassersteinBall
from riskstats.wasserstein.functional import Aggregate
from riskstats.wasserstein.inner_kernels import lazy_pairs
from riskstats.wasserstein.joint import Maximum
from riskstats.wasserstein.pair_suprema import BoxPairs, SumPairs
from riskstats.wasserstein.pairs import MANY, SINKHORN, box_case
from riskstats.wasserstein.shapes import AtMost, Between, Square
from riskstats.wasserstein.sinkhorn import annealed_potential, drawn_coupling, solve_sinkhorn
from riskstats.wasserstein.transforms import coupling_bound

EXACT_GAP = 1e-7


def balls(n, m, order=2.0, weighted=False, seed=5):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=n), rng.standard_t(4, size=m)
    return MarginalBalls(
        WassersteinBall(first, radius=0.03, order=order, weights=rng.random(n) if weighted else None),
        WassersteinBall(second, radius=0.05, order=order),
    )


def lazy(f, n=100, m=100, prices=(4.0,), weighted=False):
    """(question, matrix at some prices)."""
    asked = asked_of(f, balls(n, m, weighted=weighted), "upper", None, 1e-6, None)
    question = SumPairs(reduced(asked), f.g, 1) if isinstance(f, Aggregate) else BoxPairs(asked)
    return question, lazy_pairs(question).at(np.array(prices))


def encloses(found, exact, gap):
    """A certified enclosure of the exact value, with a law inside the balls, no wider than `gap`."""
    assert found.status is Status.GAP
    assert SINKHORN in found.route
    assert found.lower <= exact.upper + 1e-9
    assert exact.lower <= found.upper + 1e-9
    assert found.upper - found.lower <= gap * (1.0 + abs(found.value))
    law = found.worst_case_distribution
    assert (law.costs <= np.array(found.budget) + 2e-9).all()
    assert law.weights.sum() == pytest.approx(1.0, abs=1e-9)


MODEL, EVENT = balls(100, 100), Aggregate(Between(-0.2, 0.3))


@pytest.fixture(scope="module")
def truth():
    return worst_case_expectation(EVENT, MODEL, gap=EXACT_GAP)


# against exact transport


def test_an_interval_of_a_sum_by_request(truth):
    assert truth.route == "assignment"
    encloses(worst_case_expectation(EVENT, MODEL, device="cpu"), truth, 6e-3)


def test_largest_of_two_is_as_close_as_its_entropy_lets_it():
    model = balls(100, 100)
    exact = worst_case_expectation(Maximum(0.5), model, gap=EXACT_GAP)
    asked = asked_of(Maximum(0.5), model, "upper", None, 1e-6, None, "cpu")
    encloses(box_case(asked), exact, 4e-4)


def test_unequal_weights_and_numbers_of_atoms_in_intervals():
    model = balls(60, 90, weighted=True)
    f, support = Aggregate(AtMost(-0.2), (1.0, 0.5)), (-8.0, 8.0)
    exact = worst_case_expectation(f, model, support=support, gap=EXACT_GAP)
    assert exact.route == "column generation"
    encloses(worst_case_expectation(f, model, support=support, device="cpu"), exact, 2e-3)


def test_squared_distance():
    f, model = Aggregate(Square(), (1, -1)), balls(100, 100)
    exact = worst_case_expectation(f, model, gap=EXACT_GAP)
    question, _ = lazy(f)
    found = solve_sinkhorn(question, start=np.array([20.0]), gap=1e-6, time_limit=np.inf)
    assert found.status is Status.GAP
    assert found.enclosure.lower <= exact.upper + 1e-9
    assert exact.lower <= found.enclosure.upper + 1e-9
    assert found.enclosure.gap <= 1e-4 * (1.0 + exact.value)


@pytest.mark.slow
@pytest.mark.parametrize("n", [500, 1000])
@pytest.mark.parametrize(
    ("f", "start", "gap"),
    [
        (Aggregate(Square(), (1, -1)), (20.0,), 9e-5),
        (Maximum(0.5), (2.0, 2.0), 4e-4),
        (Aggregate(Between(-0.3, 0.4)), (20.0,), 6e-3),
    ],
    ids=["squared distance", "max-call", "indicator"],
)
def test_gaps_by_size(f, start, gap, n):
    exact = worst_case_expectation(f, balls(n, n), gap=EXACT_GAP)
    question, _ = lazy(f, n, n)
    found = solve_sinkhorn(question, start=np.array(start), gap=1e-6, time_limit=np.inf).enclosure
    assert found.lower - 1e-9 <= exact.upper
    assert exact.lower <= found.upper + 1e-9
    assert found.gap <= gap * (1.0 + exact.value)


@pytest.mark.slow
def test_many_atoms_start_from_few(monkeypatch):
    f, n = Aggregate(Between(-0.3, 0.4)), 1000
    exact = worst_case_expectation(f, balls(n, n), gap=EXACT_GAP)
    monkeypatch.setattr(sinkhorn, "COARSE", 250)
    sizes = []
    honest = sinkhorn.annealed_potential
    monkeypatch.setattr(
        sinkhorn,
        "annealed_potential",
        lambda matrix, *a, **k: (sizes.append(matrix.shape), honest(matrix, *a, **k))[1],
    )
    found = worst_case_expectation(f, balls(n, n), device="cpu")
    encloses(found, exact, 1e-3)
    assert sizes[0] == (250, 250)
    assert sizes[-1] == (n, n)


# kernels


def test_sweeps_are_one_source_for_numpy_and_jax(monkeypatch):
    monkeypatch.setattr(sinkhorn, "SWEEPS", 3)
    question, matrix = lazy(EVENT, 31, 23, weighted=True)
    a, b, scales = question.first, question.second, np.array([0.1, 0.01])
    found = [
        annealed_potential(matrix, a, b, scales, device=device, precision=np.float64)
        for device in ("numpy", "cpu")
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12, atol=1e-12)
    small = annealed_potential(matrix, a, b, scales, device="cpu")
    np.testing.assert_allclose(small, found[0], atol=1e-4)
    plans = [drawn_coupling(matrix, a, b, found[0], 0.01, device=device) for device in ("numpy", "cpu")]
    for mine, theirs in zip(*plans, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


def test_potentials_of_one_scale_solve_the_entropic_problem():
    question, matrix = lazy(EVENT, 30, 25, weighted=True)
    a, b, M, s = question.first, question.second, matrix.block(slice(None)), 0.2
    psi = annealed_potential(matrix, a, b, np.full(10, s), device="cpu", precision=np.float64)
    phi = s * np.log((b * np.exp((M - psi) / s)).sum(axis=1))
    plan = a[:, np.newaxis] * b * np.exp((M - phi[:, np.newaxis] - psi) / s)
    np.testing.assert_allclose(plan.sum(axis=0), b, atol=1e-9)
    np.testing.assert_allclose(plan.sum(axis=1), a, atol=1e-9)


@pytest.mark.parametrize("psi", ["zero", "noise", "huge"])
def test_draws_are_a_coupling_whatever_the_potential(psi):
    question, matrix = lazy(EVENT, 40, 27, weighted=True)
    potential = {"zero": 0.0, "noise": 1.0, "huge": 1e8}[psi] * np.random.default_rng(0).normal(size=27)
    mass, i, j = drawn_coupling(matrix, question.first, question.second, potential, 0.01)
    assert np.abs(np.bincount(i, mass, 40) - question.first).sum() < 1e-12
    assert np.abs(np.bincount(j, mass, 27) - question.second).sum() < 1e-12
    assert len(mass) <= 16 * 40 + 27


# dispatch


def test_exact_transport_is_the_default_without_an_accelerator(monkeypatch):
    def never(*args, **named):
        raise AssertionError("Sinkhorn was asked for")

    monkeypatch.setattr(pairs, "solve_sinkhorn", never)
    for device in ("auto", "numpy"):
        found = worst_case_expectation(EVENT, balls(50, 50), device=device)
        assert found.status is Status.OPTIMAL


@pytest.mark.parametrize(
    ("there", "atoms", "wanted"), [(True, MANY, "gpu"), (True, MANY - 1, "numpy"), (False, MANY, "numpy")]
)
def test_an_accelerator_anneals_from_ten_thousand_atoms_on(there, atoms, wanted, monkeypatch):
    monkeypatch.setattr(pairs, "resolve_device", lambda device: "gpu" if there else "adaptive")
    assert pairs._sweeps_on("auto", atoms) == wanted


def test_an_unknown_device_is_refused():
    with pytest.raises(InvalidInput, match="device"):
        worst_case_expectation(Maximum(), balls(5, 5), device="tpu")


# faults


FAULTS = {
    "NaN": lambda psi: np.where(np.arange(len(psi)) % 5 == 0, np.nan, psi),
    "all NaN": lambda psi: np.nan * psi,
    "inf": lambda psi: psi + np.inf,
    "zero": lambda psi: 0.0 * psi,
    "float16": lambda psi: psi.astype(np.float16).astype(np.float64),
    "swapped": lambda psi: psi[::-1].copy(),
    "negative": lambda psi: -psi,
    "noise": lambda psi: psi + np.random.default_rng(1).normal(size=len(psi)),
}


def survives(model, f, exact):
    """An enclosure of the truth with a law of the set, or an answer that claims nothing."""
    from riskstats.exceptions import NotConverged

    try:
        with np.errstate(all="ignore"):
            found = worst_case_expectation(f, model, device="cpu", time_limit=3.0)
    except NotConverged:
        return True
    if found.status is Status.NONFINITE:
        return found.worst_case_distribution is None
    proven = found.status in (Status.GAP, Status.TIME_LIMIT)
    inside = (found.worst_case_distribution.costs <= np.array(found.budget) + 2e-9).all()
    return proven and inside and found.lower <= exact.upper + 1e-9 and exact.lower <= found.upper + 1e-9


@pytest.mark.parametrize("fault", list(FAULTS))
def test_potentials_that_lie_are_caught(fault, truth, monkeypatch):
    honest = sinkhorn.annealed_potential
    monkeypatch.setattr(sinkhorn, "annealed_potential", lambda *a, **k: FAULTS[fault](honest(*a, **k)))
    assert survives(MODEL, EVENT, truth)


def test_stale_potentials_are_caught(truth, monkeypatch):
    honest, first = sinkhorn.annealed_potential, []

    def stale(*args, **named):
        first.append(honest(*args, **named))
        return first[0]

    monkeypatch.setattr(sinkhorn, "annealed_potential", stale)
    assert survives(MODEL, EVENT, truth)


COUPLINGS = {
    "zero": lambda mass, i, j: (0.0 * mass, i, j),
    "NaN": lambda mass, i, j: (np.nan * mass, i, j),
    "half of the mass": lambda mass, i, j: (0.5 * mass, i, j),
    "one column": lambda mass, i, j: (mass, i, np.zeros_like(j)),
    "swapped marginals": lambda mass, i, j: (mass, np.argsort(i) % 100, j),
    "negative": lambda mass, i, j: (np.where(np.arange(len(mass)) == 0, -mass, mass), i, j),
}


@pytest.mark.parametrize("fault", list(COUPLINGS))
def test_couplings_that_lie_are_caught(fault, truth, monkeypatch):
    honest = sinkhorn.drawn_coupling
    monkeypatch.setattr(sinkhorn, "drawn_coupling", lambda *a, **k: COUPLINGS[fault](*honest(*a, **k)))
    assert survives(MODEL, EVENT, truth)


def test_a_device_that_lies_about_the_bound_is_corrected_in_numpy(truth, monkeypatch):
    honest = sinkhorn.coupling_bound

    def lying(matrix, a, b, psi, device="numpy"):
        return honest(matrix, a, b, psi, device) - (0.05 if device != "numpy" else 0.0)

    monkeypatch.setattr(sinkhorn, "coupling_bound", lying)
    assert survives(MODEL, EVENT, truth)


def test_single_precision_certifies_as_well_as_double():
    question, matrix = lazy(EVENT)
    a, b = question.first, question.second
    M = matrix.block(slice(None))
    i, j = linear_sum_assignment(M, maximize=True)
    scales = np.array(sinkhorn.SCALES[4:]) * np.ptp(M)
    bounds = [
        coupling_bound(matrix, a, b, annealed_potential(matrix, a, b, scales, device="cpu", precision=kind))
        for kind in (np.float32, np.float64)
    ]
    assert min(bounds) >= M[i, j].mean()
    assert bounds[0] == pytest.approx(bounds[1], abs=2e-4)


def test_columns_that_claim_more_than_they_have_are_caught(truth, monkeypatch):
    honest = SumPairs.columns

    def better(self, first, second, prices):
        found = honest(self, first, second, prices)
        return dataclasses.replace(found, value=found.value + 0.2)

    monkeypatch.setattr(SumPairs, "columns", better)
    assert survives(MODEL, EVENT, truth)
