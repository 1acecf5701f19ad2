"""The bootstrap by tail counts: NumPy kernel = compiled kernel = a loop over repeated rows."""

import numpy as np
import pytest

from riskstats._random import generator
from riskstats.measures.cvar import cvar
from riskstats.tail import bootstrap
from riskstats.tail.bootstrap import Series, point, resample, resample_counts
from tests.reference.tail_bootstrap import resample_by_rows

N, R = 60, 25
KINDS = ["plain", "weighted", "clustered", "weighted and clustered"]


def likert(rng, s, n=N):
    """Heavily tied losses with some continuous ones among them."""
    return np.where(rng.random((s, n)) < 0.7, rng.integers(0, 5, (s, n)) / 4, rng.random((s, n)))


def series(rng, kind, level, s=3, n=N):
    weights = rng.random(n) + 0.1 if "weighted" in kind else None
    unit = np.arange(n) % (n // 3) if "clustered" in kind else None
    return Series(likert(rng, s, n), level, weights, unit)


def naive(drawn, seed):
    counts = resample_counts(drawn.n_units, R, generator(seed))
    rows = [resample_by_rows(x, drawn.level, counts, drawn.weights, drawn.unit) for x in drawn.losses]
    return np.transpose(rows, (2, 1, 0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0.0, 0.5, 0.9, 0.95, 0.999])
def test_numpy_agrees_with_a_loop_over_rows(kind, level, rng):
    drawn = series(rng, kind, level)
    means, errors = naive(drawn, 3)
    found = resample(drawn, R, generator(3), errors="series")
    np.testing.assert_allclose(found.cvar, means, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.error, errors, rtol=0, atol=1e-12)
    assert ((found.error == 0) == (errors == 0)).all()
    np.testing.assert_allclose(resample(drawn, R, generator(3)).cvar, means, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("kind", "s"), [*((kind, 4) for kind in KINDS), ("plain", 1)])
def test_the_compiled_kernel_gives_the_same_answers(kind, s, rng, monkeypatch):
    """In chunks of resamples, the last one filled up."""
    monkeypatch.setattr(bootstrap, "DEVICE_BLOCK", 1500)
    drawn = series(rng, kind, 0.9, s)
    for errors in ("none", "series"):
        numpy, compiled = (
            resample(drawn, R, generator(3), errors=errors, device=device) for device in ("numpy", "cpu")
        )
        np.testing.assert_allclose(compiled.cvar, numpy.cvar, rtol=0, atol=1e-12)
        if errors == "series":
            np.testing.assert_allclose(compiled.error, numpy.error, rtol=0, atol=1e-12)
            assert ((compiled.error == 0) == (numpy.error == 0)).all()


def test_single_precision_holds_six_digits(rng):
    losses = likert(rng, 2, 400)
    exact = resample(Series(losses, 0.95), R, generator(3)).cvar
    single = Series(losses.astype(np.float32), 0.95)
    for device in ("numpy", "cpu"):
        found = resample(single, R, generator(3), device=device).cvar
        np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("kind", "device"), [*((kind, "numpy") for kind in KINDS), ("weighted", "cpu")])
def test_a_guess_that_is_too_small_is_doubled_until_it_reaches(kind, device, rng, monkeypatch):
    drawn = series(rng, kind, 0.8)
    wanted = resample(drawn, R, generator(3), errors="series")
    monkeypatch.setattr(Series, "start", property(lambda self: 9))
    found = resample(drawn, R, generator(3), errors="series", device=device)
    np.testing.assert_allclose(found.cvar, wanted.cvar, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.error, wanted.error, rtol=0, atol=1e-12)


def test_resamples_in_chunks_are_those_of_one_draw(rng, monkeypatch):
    drawn = series(rng, "weighted", 0.9)
    whole = resample(drawn, R, generator(3)).cvar
    monkeypatch.setattr(bootstrap, "BLOCK", 4 * N)
    monkeypatch.setattr(bootstrap, "CACHED", 3 * N)
    np.testing.assert_array_equal(resample(drawn, R, generator(3)).cvar, whole)


def test_counts_are_multinomial_in_small_integers():
    counts = resample_counts(40, 5000, np.random.default_rng(1))
    assert counts.dtype == np.int16
    assert (counts.sum(axis=0) == 40).all()
    assert abs(counts.mean(axis=1) - 1).max() < 0.08
    assert abs(counts.var() - (1 - 1 / 40)) < 0.02
    assert abs(np.cov(counts[0], counts[1])[0, 1] + 1 / 40) < 0.06
    assert resample_counts(2**15, 1, np.random.default_rng(1)).dtype == np.int32


def test_large_clusters_do_not_overflow_the_counts():
    """Thirty clusters of which one has 1500 rows: a resample may hold more rows than int16."""
    unit = np.append(np.zeros(1500, dtype=np.int64), np.arange(1, 30))
    losses = np.linspace(0, 1, 1529)[np.newaxis]
    drawn = Series(losses, 0.5, None, unit)
    counts = np.zeros((30, 1), np.int16)
    counts[0] = 30
    found = bootstrap._of_draws(drawn, drawn.draws(counts), "none", "numpy")
    assert found.cvar[0, 0] == pytest.approx(cvar(losses[0, :1500], 0.5), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0.0, 0.5, 0.95])
def test_the_sample_itself_is_a_resample(kind, level, rng):
    drawn = series(rng, kind, level)
    known = point(drawn)
    np.testing.assert_allclose(
        known.cvar[0], cvar(drawn.losses, level, sample_weight=drawn.weights), atol=1e-13
    )
    once = np.ones((drawn.n_units, 1), dtype=int)
    [(_, error)] = resample_by_rows(drawn.losses[0], level, once, drawn.weights, drawn.unit)
    assert known.error[0, 0] == pytest.approx(error, abs=1e-13)


def test_equal_weights_single_rows_and_zero_weights_change_nothing(rng):
    losses = likert(rng, 2)
    plain = Series.of(losses, 0.9, np.ones(N), None)
    assert plain.weights is None
    assert plain.unit is None
    padded = np.hstack([losses, rng.random((2, 5))])
    same = Series.of(padded, 0.9, np.append(np.full(N, 7.0), np.zeros(5)), np.arange(N + 5))
    assert same.weights is None
    assert same.unit is None
    np.testing.assert_array_equal(resample(plain, R, generator(3)).cvar, resample(same, R, generator(3)).cvar)


def test_doubled_rows_are_double_weights(rng):
    """On clusters, where the draw is the same: a row twice in its cluster, or once with weight two."""
    losses, unit = likert(rng, 1), np.arange(N) % 20
    twice = rng.integers(1, 3, N)
    doubled = Series(np.repeat(losses, twice, axis=1), 0.9, None, np.repeat(unit, twice))
    weighted = Series(losses, 0.9, twice.astype(float), unit)
    one, other = (resample(each, R, generator(3), errors="series") for each in (doubled, weighted))
    np.testing.assert_allclose(one.cvar, other.cvar, rtol=0, atol=1e-12)
    np.testing.assert_allclose(one.error, other.error, rtol=0, atol=1e-12)


@pytest.mark.parametrize("level", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("losses", [[0.3], [0.3, 0.3, 0.3], [0.0, 1.0]])
def test_every_n_gives_numbers(losses, level):
    found = resample(Series(np.array([losses]), level), R, generator(3), errors="series")
    assert np.isfinite(found.cvar).all()
    assert np.isfinite(found.error).all()
    assert (found.cvar >= min(losses)).all()
    assert (found.cvar <= max(losses)).all()
    if len(set(losses)) == 1:
        assert (found.error == 0).all()


def test_losses_of_either_sign_move_with_the_scale(rng):
    losses = rng.normal(size=(2, N))
    plain = resample(Series(losses, 0.9), R, generator(3), errors="series")
    moved = resample(Series(3 * losses - 100, 0.9), R, generator(3), errors="series")
    np.testing.assert_allclose(moved.cvar, 3 * plain.cvar - 100, rtol=0, atol=1e-11)
    np.testing.assert_allclose(moved.error, 3 * plain.error, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0.0, 0.5, 0.9])
def test_errors_of_differences_are_those_of_the_influences(kind, level, rng):
    """A difference that equals a series: against zero, and a series against its double."""
    single = series(rng, kind, level, s=1)
    losses = np.vstack([single.losses, np.zeros((1, N)), 2 * single.losses, single.losses])
    found = resample(Series(losses, level, single.weights, single.unit), R, generator(3), errors="pairs")
    (error,) = resample(single, R, generator(3), errors="series").error.T
    wanted = {
        (0, 1): error,
        (0, 2): error,
        (0, 3): 0 * error,
        (1, 2): 2 * error,
        (1, 3): error,
        (2, 3): error,
    }
    for column, expected in zip(found.pair_error.T, wanted.values(), strict=True):
        np.testing.assert_allclose(column, expected, rtol=1e-6, atol=1e-12)


def test_independent_series_add_their_variances(rng):
    losses = rng.random((2, 20_000))
    known = point(Series(losses, 0.9))
    assert known.pair_error[0, 0] == pytest.approx(np.hypot(*known.error[0]), rel=0.02)
