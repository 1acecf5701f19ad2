"""What the theory says of every measure."""

import numpy as np
import pytest

from riskstats.distribution import Distribution
from riskstats.envelope import Rows
from riskstats.measures.base import RiskMeasure, evaluated
from riskstats.measures.cvar import CVaR, cvar
from riskstats.measures.entropic import Entropic, entropic_risk
from riskstats.measures.evar import EVaR, evar
from riskstats.measures.mean import mean
from riskstats.measures.value_at_risk import ValueAtRisk
from tests.measures.cases import ALL, COHERENT, MONOTONE, rational_cases

named = {"ids": str}


def samples(rng, cases=15):
    """Non-negative losses with ties, n from 1."""
    for _ in range(cases):
        n = int(rng.integers(1, 40))
        yield np.round(rng.gamma(0.7, size=n), int(rng.integers(1, 4)))


@pytest.mark.parametrize("measure", COHERENT, **named)
def test_flag_of_coherent_measures(measure):
    assert measure.coherent
    assert measure.equivariant
    assert not measure.two_sided


@pytest.mark.parametrize("measure", [m for m in ALL if m not in COHERENT], **named)
def test_flag_of_other_measures(measure):
    assert not measure.coherent


@pytest.mark.parametrize("measure", [m for m in ALL if m.equivariant], **named)
def test_translation_and_scaling(measure, rng):
    for x in samples(rng):
        assert measure(3.0 + 2.5 * x) == pytest.approx(3.0 + 2.5 * measure(x), rel=0, abs=1e-12)


def test_entropic_risk_moves_with_the_losses_but_does_not_scale(rng):
    for x in samples(rng):
        assert Entropic(2.0)(1 + x) == pytest.approx(1 + Entropic(2.0)(x), rel=0, abs=1e-13)
        assert Entropic(2.0)(3 * x) == pytest.approx(3 * Entropic(6.0)(x), rel=0, abs=1e-12)
    assert Entropic(2.0)([0, 3]) > 3 * Entropic(2.0)([0, 1]) + 0.1
    assert not Entropic(2.0).equivariant


@pytest.mark.parametrize("measure", [m for m in ALL if m not in MONOTONE], **named)
def test_inequality_does_not_depend_on_the_unit(measure, rng):
    for x in samples(rng):
        assert measure(2.5 * x) == pytest.approx(measure(x), rel=0, abs=1e-13)
        assert 0 <= measure(x) <= 1
    assert not measure.equivariant
    assert measure.two_sided


@pytest.mark.parametrize("measure", MONOTONE, **named)
def test_monotone(measure, rng):
    for x in samples(rng):
        more = x + rng.gamma(0.3, size=len(x)) * (rng.random(len(x)) < 0.5)
        assert measure(more) >= measure(x) - 1e-13


@pytest.mark.parametrize("measure", COHERENT, **named)
def test_coherent_measures_are_subadditive(measure, rng):
    for x in samples(rng, 40):
        y = rng.permutation(x) + rng.gamma(0.5, size=len(x))
        assert measure(x + y) <= measure(x) + measure(y) + 1e-12


def test_quantiles_and_convex_distortions_are_not_subadditive():
    x, y = np.repeat([1.0, 0.0], [4, 96]), np.repeat([0.0, 1.0], [96, 4])
    for measure in MONOTONE:
        if measure in (ValueAtRisk(0.75), ValueAtRisk(0.75, "upper")) or "Interval(0.2" in str(measure):
            wide = np.repeat([1.0, 0.0], [20, 80])
            assert measure(wide + wide[::-1]) > measure(wide) + measure(wide[::-1]), measure
    assert cvar(x + y, 0.95) <= cvar(x, 0.95) + cvar(y, 0.95)


@pytest.mark.parametrize("level", [0.0, 1e-9, 0.3, 0.5, 0.9, 0.95, 0.999, 1 - 1e-12])
def test_order_of_the_tail_measures(level, rng):
    for x in samples(rng):
        chain = [mean(x), cvar(x, level), evar(x, level), x.max()]
        assert (np.diff(chain) >= -1e-12).all(), (level, chain)
        assert evar(x, level) <= x.max()


@pytest.mark.parametrize("measure", ALL, **named)
def test_rows_duplicates_and_empty_weights(measure, rng):
    for x in samples(rng):
        value, scale = measure(x), 1e-14 * max(1.0, x.max())
        order = rng.permutation(len(x))
        w = rng.integers(0, 3, len(x))
        w[0] += 1
        assert measure(x[order]) == pytest.approx(value, rel=0, abs=scale)
        assert measure(np.append(x, x)) == pytest.approx(value, rel=0, abs=10 * scale)
        weighted = measure(x, w)
        assert measure(np.repeat(x, w)) == pytest.approx(weighted, rel=0, abs=10 * scale)
        assert measure(x[order], 0.3 * w[order]) == pytest.approx(weighted, rel=0, abs=scale)
        assert measure(np.append(x, 99.0), np.append(w, 0)) == weighted
        assert measure(Distribution(x, w)) == weighted


@pytest.mark.parametrize("measure", ALL, **named)
def test_a_matrix_is_a_loop_over_its_rows(measure, rng):
    x = np.round(rng.gamma(2, size=(7, 83)), 2)
    w = rng.random(83)
    rows = evaluated(measure, x)
    np.testing.assert_allclose(rows, [measure(row) for row in x], rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(rows, [measure.of(Distribution(row)) for row in x], rtol=3e-14, atol=0)
    np.testing.assert_array_equal(measure(x, w), [measure(row, w) for row in x])
    assert rows.shape == (7,)
    assert isinstance(measure(x[0]), float)


@pytest.mark.parametrize("n", [1, 2, 9, 10, 100])
@pytest.mark.parametrize("measure", ALL, **named)
def test_unweighted_is_equal_weights(measure, n, rng):
    x = rng.gamma(2, size=n)
    assert measure(x) == pytest.approx(measure(x, np.full(n, 0.7)), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("measure", ALL, **named)
@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e-300, 5e-324, 1e299])
def test_constants(measure, value):
    for x in ([value], [value] * 3, np.full(100, value)):
        want = value if measure in MONOTONE else 0.0
        assert measure(x) == pytest.approx(want, rel=1e-13, abs=1e-15 if want == 0 else 0)


@pytest.mark.parametrize("measure", ALL, **named)
@pytest.mark.parametrize("pair", [(0.0, 5e-324), (1e-300, 1.0), (0.0, 1e300), (1.0, 1 + 3e-12)])
def test_two_losses_of_any_size_give_a_number_between_them(measure, pair):
    low, high = pair if measure in MONOTONE else (0.0, 1.0)
    for x in (pair, [*pair, pair[1]], [pair[0]] * 50 + [pair[1]]):
        value = measure(np.array(x))
        assert np.isfinite(value)
        assert low - 1e-15 * high <= value <= high * (1 + 1e-15)


@pytest.mark.parametrize("measure", MONOTONE, **named)
def test_a_band_sees_the_same_measure(measure, rng):
    """`of_rows`, also with atoms without mass and with the smallest ones cut away."""
    for _ in range(20):
        k = int(rng.integers(2, 30))
        atoms = np.sort(np.round(rng.random((3, k)), 2), axis=1)
        cumulative = np.sort(np.round(rng.random(k), 1))
        cumulative[-1] = 1.0
        if isinstance(measure, ValueAtRisk) and np.isclose(cumulative, measure.level).any():
            continue
        laws = [Distribution.from_cumulative(row, cumulative) for row in atoms]
        want = [measure.of(law) for law in laws]
        got = measure.of_rows(Rows(atoms, cumulative))
        if not (isinstance(measure, ValueAtRisk) and measure.level == 0):
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)
        first = measure.first_atom(cumulative)
        cut = measure.of_rows(Rows(atoms[:, first:], cumulative[first:]))
        np.testing.assert_allclose(cut, got, rtol=1e-13, atol=1e-15)
        np.testing.assert_array_equal(measure.upper_rows(Rows(atoms, cumulative), None), got)
        np.testing.assert_array_equal(measure.lower_rows(None, Rows(atoms, cumulative)), got)


@pytest.mark.parametrize("measure", MONOTONE, **named)
def test_mass_at_infinity_counts_only_where_it_is_seen(measure):
    rows = Rows(np.array([[0.1, 0.5, np.inf]]), np.array([0.4, 0.8, 1.0]))
    value = measure.of_rows(rows)[0]
    if measure.levels[1] <= 0.8:
        assert value <= 0.5
    else:
        assert value == np.inf


def test_minimisation_and_dual_agree_with_the_sorted_form(rng):
    from scipy.optimize import linprog

    from tests.reference import measures as exact

    for case in rational_cases(rng, 40):
        want = exact.cvar(case.atoms, case.level, case.counts)
        assert exact.cvar_by_minimum(case.atoms, case.level, case.counts) == want
        p = case.weights / case.weights.sum()
        dual = linprog(
            -case.losses,
            A_eq=np.ones((1, len(p))),
            b_eq=[1.0],
            bounds=np.column_stack([0 * p, p / (1 - float(case.level))]),
        )
        assert -dual.fun == pytest.approx(CVaR(float(case.level))(case.losses, case.weights), abs=1e-8)


def test_levels_near_one_reach_the_largest_loss(rng):
    x = rng.random(50)
    for measure in (CVaR(1 - 1e-12), EVaR(1 - 1e-12), ValueAtRisk(1 - 1e-12)):
        assert measure(x) == x.max()
    assert entropic_risk(x, 1e9) == pytest.approx(x.max(), abs=1e-8)


@pytest.mark.parametrize("measure", ALL, **named)
def test_measures_are_values(measure):
    assert measure == measure.__class__(**{name: getattr(measure, name) for name in shown(measure)})
    assert hash(measure) == hash(measure)
    assert isinstance(measure, RiskMeasure)
    assert str(measure).startswith(type(measure).__name__)


def shown(measure):
    return [
        name
        for name, field in measure.__dataclass_fields__.items()
        if field.init and field.repr and not str(field.type).startswith("ClassVar")
    ]
