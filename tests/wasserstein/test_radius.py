"""Radii: what they cover, what they scale with, and what stands where a number is expected."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize, minimize_scalar

from riskstats.distribution import Distribution
from riskstats.exceptions import AssumptionWarning, InvalidInput
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.estimators import WassersteinLinearRegression
from riskstats.wasserstein.makarov import makarov_bounds
from riskstats.wasserstein.radius import (
    Radius,
    _line_costs,
    _nodes,
    _pareto_by_moments,
    _smooth_law,
    bootstrap_radius,
    observed_shift_radius,
)
from riskstats.wasserstein.radius_sources import _logistic, _quadratic, _ranked, _squared, profile_radius

LAWS = {"normal": stats.norm(), "t4": stats.t(4), "lognormal": stats.lognorm(1)}


def distance_to_law(sample, law, m=40):
    """W_1 of a sample to a law with known quantiles."""
    (u, rest), weights = _nodes(len(sample), m)
    quantiles = np.where(u < 0.5, law.ppf(u), law.isf(rest))
    return float((np.abs(np.sort(sample)[:, np.newaxis] - quantiles) * weights).sum())


def assert_covers(law, n, simulations, seed):
    rng, hits = np.random.default_rng(seed), 0
    for _ in range(simulations):
        sample = law.rvs(n, random_state=rng)
        radius = bootstrap_radius(sample, n_resamples=150, random_state=rng)
        hits += distance_to_law(sample, law) <= radius.value
    assert hits >= stats.binom.ppf(1e-3, simulations, 0.94), f"{hits} of {simulations}"


# by resampling


@pytest.mark.filterwarnings("ignore::riskstats.exceptions.AssumptionWarning")
@pytest.mark.parametrize("name", LAWS)
def test_the_ball_holds_the_law(name):
    assert_covers(LAWS[name], 100, 80, 11)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::riskstats.exceptions.AssumptionWarning")
@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("name", LAWS)
def test_the_ball_holds_the_law_at_length(name, n):
    assert_covers(LAWS[name], n, 2000 if n == 100 else 500, 12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_shifted_and_stretched_rows_stretch_the_radius(order):
    x = np.random.default_rng(0).normal(size=80)
    one = bootstrap_radius(x, order=order, n_resamples=200, random_state=4)
    other = bootstrap_radius(3.0 * x - 7.0, order=order, n_resamples=200, random_state=4)
    assert other.value == pytest.approx(3.0 * one.value, rel=1e-9)


def test_the_radius_grows_with_order_and_confidence_and_shrinks_with_rows():
    x = np.random.default_rng(1).normal(size=400)

    def radius(rows, **settings):
        return bootstrap_radius(rows, n_resamples=400, random_state=5, **settings).value

    assert radius(x) < radius(x, order=2)
    assert radius(x, confidence_level=0.5) < radius(x, confidence_level=0.9) < radius(x)
    assert 1.5 < radius(x[:100]) / radius(x) < 3.0


def test_the_same_seed_gives_the_same_radius():
    x = np.random.default_rng(2).exponential(size=60)
    first, second = (bootstrap_radius(x, n_resamples=150, random_state=3) for _ in range(2))
    assert first.to_dict() == second.to_dict()


def test_weights_count_by_their_ratios_and_set_the_effective_size():
    x = np.random.default_rng(3).normal(size=60)
    settings = {"n_resamples": 150, "random_state": 1}
    plain = bootstrap_radius(x, **settings)
    assert bootstrap_radius(x, weights=np.full(60, 7.0), **settings).value == pytest.approx(plain.value)
    padded = bootstrap_radius(np.append(x, 1e6), weights=np.append(np.ones(60), 0.0), **settings)
    assert padded.value == pytest.approx(plain.value)
    weighted = bootstrap_radius(x, weights=np.repeat([1.0, 3.0], 30), **settings)
    assert weighted.n == 48
    assert bootstrap_radius(Distribution(x), **settings).value == pytest.approx(plain.value)


def test_constant_and_two_valued_rows():
    assert bootstrap_radius(np.full(30, 2.0), n_resamples=200, random_state=0).value == 0.0
    coin = bootstrap_radius(np.repeat([0.0, 1.0], 50), n_resamples=200, random_state=0)
    assert 0.08 < coin.value < 0.15  # 1.96 sd of a mean of 100 coins is 0.098


@pytest.mark.parametrize("shape", [-0.4, 0.0, 0.5])
def test_moments_find_the_pareto_law(shape):
    u = (np.arange(200_000) + 0.5) / 200_000
    excesses = stats.genpareto(shape, scale=2.0).isf(u)
    found, mean = _pareto_by_moments(excesses, np.full(len(u), 1.0 / len(u)))
    assert found == pytest.approx(shape, abs=5e-3)
    assert mean == pytest.approx(2.0 / (1.0 - shape), rel=1e-2)


def test_the_smooth_law_has_increasing_quantiles_and_the_mean_of_its_rows():
    x = np.random.default_rng(4).lognormal(size=200)
    law = _smooth_law(x, np.full(200, 1 / 200), 200, 1.0)
    (u, rest), weights = _nodes(200, 100)
    q = law.quantile(u, rest)
    assert (np.diff(q.ravel()) >= 0).all()
    assert np.allclose(weights.sum(), 1.0)
    assert (q * weights).sum() == pytest.approx(x.mean(), rel=0.02)


@pytest.mark.parametrize("order", [1, 2])
def test_costs_of_resamples_agree_with_dense_quadrature(order):
    x = np.random.default_rng(5).normal(size=50)
    law = _smooth_law(x, np.full(50, 0.02), 50, order)
    found = np.concatenate(list(_line_costs(law, 50, 3, order, np.random.default_rng(6))))
    gaps = np.random.default_rng(6).standard_exponential((3, 51)).cumsum(axis=1)
    (u, rest), weights = _nodes(50, 4000)
    for cost, sums in zip(found, gaps, strict=True):
        places = sums[:-1] / sums[-1]
        rows = law.quantile(places, 1.0 - places)
        dense = (np.abs(rows[:, np.newaxis] - law.quantile(u, rest)) ** order * weights).sum()
        assert cost == pytest.approx(dense, rel=0.02)


def test_vectors_are_resampled_with_a_warning():
    rows = np.random.default_rng(7).normal(size=(40, 2))
    with pytest.warns(AssumptionWarning, match="too small"):
        radius = bootstrap_radius(rows, n_resamples=60, random_state=0)
    assert 0.3 < radius.value < 1.0
    assert radius.details["resamples"] == 60
    with pytest.warns(AssumptionWarning):
        longer = bootstrap_radius(2.0 * rows, n_resamples=60, random_state=0)
    assert longer.value == pytest.approx(2.0 * radius.value)


def test_a_tail_too_heavy_for_the_order_is_told():
    x = stats.genpareto(1.5).isf((np.arange(300) + 0.5) / 300)
    with pytest.warns(AssumptionWarning, match="upper tail of `sample` looks too heavy for order 1"):
        assert np.isfinite(bootstrap_radius(x, n_resamples=50, random_state=0).value)


@pytest.mark.parametrize(
    ("sample", "settings", "told"),
    [
        (np.arange(9.0), {}, "effective size of 9 rows"),
        (np.arange(90.0), {"n_resamples": 10}, "too few"),
        (np.arange(90.0), {"confidence_level": 95}, "confidence_level"),
        (np.arange(90.0), {"order": 0.5}, "order"),
        ([1.0, np.nan], {}, "`sample` has 1 atoms that are not finite"),
        (np.zeros((501, 2)), {}, "501 vectors"),
        (np.zeros((20, 2)), {"weights": np.arange(20)}, "`weights` go with numbers"),
        (np.arange(90.0), {"random_state": "a"}, "random_state"),
    ],
)
def test_bootstrap_refuses(sample, settings, told):
    with pytest.raises(InvalidInput, match=told):
        bootstrap_radius(sample, **settings)


# an observed shift


@pytest.mark.parametrize("order", [1, 2, 3])
def test_an_observed_shift_is_the_distance_of_the_samples(order):
    x = np.random.default_rng(8).normal(size=50)
    assert observed_shift_radius(x, x + 0.7, order=order).value == pytest.approx(0.7)
    split = Distribution([0.0, 1.0], [3, 1])
    assert observed_shift_radius(split, np.zeros(3), order=order).value == pytest.approx(0.25 ** (1 / order))


@pytest.mark.parametrize("norm", [1, 2, np.inf])
def test_an_observed_shift_of_vectors(norm):
    rows = np.random.default_rng(9).normal(size=(30, 2))
    move = np.array([0.3, 0.4])
    far = observed_shift_radius(rows, rows + move, cost=norm)
    assert far.value == pytest.approx(np.linalg.norm(move, ord=norm))
    assert observed_shift_radius(rows, rows[:20]).value > 0
    ball = WassersteinBall(rows, radius=1.0, cost=norm)
    assert observed_shift_radius(ball, rows + move, cost=norm).value == pytest.approx(far.value)


def test_observed_shift_refuses():
    with pytest.raises(InvalidInput, match="rows of 2 numbers and `target` of 1"):
        observed_shift_radius(np.zeros((3, 2)), np.zeros(3))
    with pytest.raises(InvalidInput, match="`target`"):
        observed_shift_radius(np.zeros(3), [np.inf])
    with pytest.raises(InvalidInput, match="too large"):
        observed_shift_radius(np.zeros((600, 2)), np.zeros((601, 2)))


# a radius where a number is expected


def test_a_radius_stands_for_its_value():
    radius = Radius(0.25, 2.0, "given", 0.9, 12, {"draws": 3})
    assert float(radius) == 0.25
    assert WassersteinBall([0.0, 1.0], radius=radius, order=2).budget == pytest.approx(0.0625)
    assert WassersteinBall([0.0, 1.0], radius=radius).radius == 0.25
    assert makarov_bounds([0.0, 1.0], [0.0, 2.0], 0.5, radius=radius).total_radius == 0.25
    pair = makarov_bounds([0.0, 1.0], [0.0, 2.0], 0.5, radius=(radius, 0.1))
    assert pair.total_radius == pytest.approx(0.35)
    X, y = np.arange(6.0)[:, np.newaxis], np.array([0.0, 1, 3, 2, 5, 4])
    assert WassersteinLinearRegression(radius=radius).fit(X, y).radius_ == 0.25
    assert "12" in str(radius)
    assert "90 %" in str(radius)
    assert "draws" in str(radius)
    assert radius.to_dict()["details"] == {"draws": 3}


def test_a_radius_of_a_smaller_order_or_as_a_budget_is_refused():
    radius = Radius(0.25, 1.0, "given", None, 12)
    with pytest.raises(InvalidInput, match="distance of order 1 and the ball has order 2"):
        WassersteinBall([0.0, 1.0], radius=radius, order=2)
    with pytest.raises(InvalidInput, match="budget"):
        WassersteinBall([0.0, 1.0], budget=radius)


# robust profile


def data(rng, n, noise=1.0):
    X = rng.normal(size=(n, 2)) @ np.array([[1.0, 0.5], [0.0, 1.0]])
    return X, X @ [1.0, -0.5] + noise * rng.normal(size=n)


def exact_profile(X, y, b):
    """``inf W_2^2 : E x (x.b - y) = 0`` by its dual, whose inner infimum is a quadratic."""
    n, d = X.shape
    xx, xy, yy = X.T @ X / n, X.T @ y / n, y @ y / n

    def negative(xi):
        inverse = np.linalg.inv(np.eye(d) + (np.outer(xi, b) + np.outer(b, xi)) / 2)
        if np.linalg.eigvalsh(inverse)[0] <= 0:
            return np.inf
        return np.trace(inverse @ xx) - np.trace(xx) + xi @ inverse @ xy + yy * (xi @ inverse @ xi) / 4

    return -minimize(negative, np.zeros(d), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9}).fun


def assert_profile_covers(n, simulations, seed):
    rng, hits = np.random.default_rng(seed), 0
    for _ in range(simulations):
        X, y = data(rng, n)
        radius = profile_radius(X, y, fit_intercept=False, n_draws=400, random_state=rng)
        hits += exact_profile(X, y, np.array([1.0, -0.5])) <= radius.value**2
    low, high = stats.binom.ppf([1e-3, 1 - 1e-3], simulations, 0.945)
    assert low <= hits <= high, f"{hits} of {simulations}"


def test_the_ball_holds_a_law_with_the_true_slopes():
    assert_profile_covers(400, 60, 21)


@pytest.mark.slow
def test_the_ball_holds_a_law_with_the_true_slopes_at_length():
    assert_profile_covers(1000, 2000, 22)


def test_the_logistic_profile_of_one_column():
    """The limit formula against the exact dual, with the inner infimum on a grid."""
    rng = np.random.default_rng(23)
    x = rng.normal(size=2000)
    y = (rng.random(2000) < 1 / (1 + np.exp(-1.5 * x))).astype(float)
    moves = _logistic(x[:, np.newaxis], y, False)
    b = float(moves.slopes[0]) + 0.02  # a slope that the rows do not have
    s = 1 / (1 + np.exp(-b * x)) - y
    steps = np.linspace(-0.08, 0.08, 401)
    there = x[:, np.newaxis] + steps
    h = (1 / (1 + np.exp(-b * there)) - y[:, np.newaxis]) * there

    def negative(xi):
        return -float((steps**2 + xi * h).min(axis=1).mean())

    exact = -minimize_scalar(negative, bounds=(-0.1, 0.1), method="bounded").fun
    at = moves._replace(slope=s, slopes=np.array([b]))
    linear = _quadratic(np.array([[np.mean(s * x)]]), at.penalty)[0]
    assert linear == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize(("norm", "dual"), [(1, np.inf), (np.inf, 1)])
@pytest.mark.parametrize("fit", [_squared, _logistic])
def test_other_norms_are_bounded_within_a_percent(norm, dual, fit):
    rng = np.random.default_rng(24)
    X, y = data(rng, 200)
    moves = fit(X, y if fit is _squared else (y > 0).astype(float), True)
    angles = np.linspace(0.0, np.pi, 2001)
    xi = np.column_stack([np.cos(angles), np.sin(angles)])
    moved = moves.slope[:, np.newaxis] * xi[:, np.newaxis, :]
    moved = moved + ((xi @ moves.centred.T) * moves.curvature)[:, :, np.newaxis] * moves.slopes
    penalty = (np.linalg.norm(moved, ord=dual, axis=2) ** 2).mean(axis=1)
    h = rng.normal(size=(9, 2))
    exact = ((h @ xi.T) ** 2 / penalty).max(axis=1)
    each = np.array([_ranked(row[np.newaxis], moves, norm, 0) for row in h])
    assert (each >= exact * (1 - 1e-6)).all()
    assert (each <= exact * 1.0101).all()
    ranked = _ranked(h, moves, norm, 6)
    assert np.sort(exact)[6] * (1 - 1e-6) <= ranked <= np.sort(exact)[6] * 1.0101


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_the_profile_ignores_where_the_origin_is(loss):
    X, y = data(np.random.default_rng(25), 300)
    target, moved = (y, y + 5.0) if loss == "squared" else (y > 0, y > 0)
    one = profile_radius(X, target, loss=loss, random_state=1)
    other = profile_radius(X + np.array([3.0, -40.0]), moved, loss=loss, random_state=1)
    assert other.value == pytest.approx(one.value, rel=1e-5)
    assert one.order == 2
    assert one.confidence_level == 0.95


def test_the_profile_shrinks_with_the_root_of_n_and_the_lasso_norm_needs_least():
    X, y = data(np.random.default_rng(26), 1600)
    large, small = (profile_radius(X[:n], y[:n], random_state=2).value for n in (1600, 400))
    assert small / large == pytest.approx(2.0, rel=0.2)
    settings = {"n_draws": 400, "random_state": 2}
    one, two, most = (profile_radius(X[:300], y[:300], norm=p, **settings).value for p in (1, 2, np.inf))
    assert most < two < one


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"X": np.zeros(5)}, "shape"),
        ({"X": np.full((20, 2), np.nan)}, "20 rows"),
        ({"X": np.ones((20, 1))}, "column 0 is constant"),
        ({"X": np.repeat(np.arange(20.0)[:, np.newaxis], 2, axis=1)}, "dependent"),
        ({"X": np.eye(3)}, "3 rows for 3 columns"),
        ({"y": np.arange(19.0)}, "inconsistent"),
        ({"y": np.full(20, 2.0)}, "without error"),
        ({"y": np.arange(20), "loss": "logistic"}, "two"),
        ({"loss": "hinge"}, "loss"),
        ({"norm": 3}, "norm"),
        ({"n_draws": 5}, "too few"),
        ({"fit_intercept": 1.5}, "fit_intercept"),
    ],
)
def test_profile_refuses(change, told):
    rng = np.random.default_rng(27)
    given = {"X": rng.normal(size=(20, 2)), "y": rng.normal(size=20)} | change
    if "X" in change and np.ndim(change["X"]) == 2:
        given["y"] = rng.normal(size=len(change["X"]))
    with pytest.raises(InvalidInput, match=told):
        profile_radius(given.pop("X"), given.pop("y"), **given)
