"""Repeated attempts: three estimands, the order of the three estimates of one of them, and its bias."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import special

from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import cvar
from riskstats.tail import repeats
from riskstats.tail.repeats import repeated_tail

TRUTH = 0.4392  # CVaR at 0.95 of Beta(.15, 2.85)


def failures(n: int, epochs: int, seed: int, a: float = 0.15, b: float = 2.85) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.random((n, epochs)) < rng.beta(a, b, n)[:, np.newaxis]


def test_the_truth_is_what_it_is():
    v = special.betaincinv(0.15, 2.85, 0.95)
    assert 0.05 * special.betaincc(1.15, 2.85, v) / 0.05 == pytest.approx(TRUTH, abs=1e-4)


def test_attempt_is_the_tail_of_all_attempts():
    scores = failures(80, 5, 0)
    found = repeated_tail(scores, 0.9, estimand="attempt")
    assert found.value == pytest.approx(cvar(scores.astype(float).ravel(), 0.9), abs=1e-12)
    assert (found.n_prompts, found.n_epochs, found.n_tail) == (80, 5, pytest.approx(40.0))
    assert found.plug_in is None
    assert found.law is None


def test_epoch_mean_is_the_tail_of_means():
    scores = failures(80, 5, 0)
    found = repeated_tail(scores, 0.9, estimand="epoch_mean")
    assert found.value == found.plug_in == pytest.approx(cvar(scores.mean(axis=1), 0.9), abs=1e-12)


def test_weights_are_repetitions():
    scores, weights = failures(60, 4, 1), np.random.default_rng(0).integers(0, 3, 60)
    rows = np.repeat(np.arange(60), weights)
    for estimand in ("attempt", "epoch_mean"):
        one = repeated_tail(scores, 0.9, estimand=estimand, sample_weight=weights)
        assert one.value == pytest.approx(
            repeated_tail(scores[rows], 0.9, estimand=estimand).value, abs=1e-12
        )


def test_zero_weight_prompts_do_not_exist():
    scores = failures(100, 6, 2)
    more = np.vstack([scores, np.ones((5, 6))])
    weights = np.append(np.ones(100), np.zeros(5))
    asked = {"estimand": "prompt_risk", "n_resamples": 2, "random_state": 0}
    one, other = repeated_tail(scores, 0.9, **asked), repeated_tail(more, 0.9, sample_weight=weights, **asked)
    assert one.debiased == other.debiased
    assert one.split == other.split


def test_debiased_stands_between_and_is_the_value():
    found = repeated_tail(failures(901, 10, 3), 0.95, estimand="prompt_risk", n_resamples=5, random_state=0)
    assert found.split < found.debiased < found.plug_in
    assert found.value == found.debiased
    assert found.trials == 10
    assert not found.graded
    lines = found.summary().splitlines()
    places = [
        next(i for i, line in enumerate(lines) if word in line) for word in ("plug-in", "de-bi", "split")
    ]
    assert places == sorted(places)


def test_mixture_has_no_randomness():
    scores = failures(200, 5, 4)
    values = {
        repeated_tail(scores, 0.9, estimand="prompt_risk", n_resamples=2, random_state=s).debiased
        for s in (0, 1)
    }
    assert len(values) == 1


def test_integer_seed_repeats():
    scores = failures(100, 5, 5)
    one, other = (
        repeated_tail(scores, 0.9, estimand="prompt_risk", n_resamples=5, random_state=7) for _ in range(2)
    )
    assert (one.split, one.standard_error) == (other.split, other.standard_error)


def bias(draw, truth: float, epochs: int, repetitions: int) -> np.ndarray:
    """Relative bias of plug-in, de-biased and split over samples of 901 prompts, less luck of the draw."""
    errors = []
    for seed in range(repetitions):
        rng = np.random.default_rng(seed)
        risks = draw(rng, 901)
        scores = (rng.random((901, epochs)) < risks[:, np.newaxis]).astype(float)
        sample = repeats._Epochs(scores, np.ones(901))
        seen = repeats._means(sample)
        estimates = (
            cvar(seen.means, 0.95),
            repeats._law(seen, np.ones(901))[0].cvar(0.95),
            repeats._honest_split(sample, 0.95, 2, rng),
        )
        errors.append(np.array(estimates) / truth - cvar(risks, 0.95) / truth)
    return np.mean(errors, axis=0)


def test_bias_at_ten_epochs_is_within_three_per_cent():
    plug_in, debiased, split = bias(lambda rng, n: rng.beta(0.15, 2.85, n), TRUTH, 10, 60)
    assert abs(debiased) <= 0.03
    assert plug_in > 0.08
    assert split < -0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "truth", "within"),
    [
        (lambda rng, n: rng.beta(2.0, 18.0, n), 0.2731, 0.05),
        (lambda rng, n: np.where(rng.random(n) < 0.9, 0.0, rng.random(n)), 0.75, 0.03),
        (lambda rng, n: np.where(rng.random(n) < 0.9, 0.05, 0.6), 0.6, 0.07),
        (lambda rng, n: special.expit(-3.5 + 1.5 * rng.standard_normal(n)), 0.4032, 0.03),
    ],
)
def test_bias_under_other_laws(draw, truth, within):
    plug_in, debiased, _ = bias(draw, truth, 10, 200)
    assert abs(debiased) <= within
    assert abs(debiased) < abs(plug_in)


@pytest.mark.slow
def test_standard_error_is_the_spread_over_samples():
    values, errors = [], []
    for seed in range(120):
        seen = repeats._means(repeats._Epochs(failures(901, 10, seed).astype(float), np.ones(901)))
        values.append(repeats._law(seen, np.ones(901))[0].cvar(0.95))
        if seed < 12:
            errors.append(repeats._standard_error(seen, 0.95, 60, np.random.default_rng(seed)))
    assert np.mean(errors) / np.std(values) == pytest.approx(1.0, abs=0.25)


def test_graded_scores_count_as_more_attempts():
    rng = np.random.default_rng(0)
    risks = rng.beta(0.5, 3.0, 901)
    likert = rng.binomial(4, risks[:, np.newaxis], (901, 10)) / 4
    found = repeated_tail(likert, 0.95, estimand="prompt_risk", n_resamples=2, random_state=0)
    assert found.graded
    assert found.trials == pytest.approx(40, abs=5)
    assert found.split < found.debiased < found.plug_in
    assert found.debiased == pytest.approx(cvar(risks, 0.95), rel=0.05)
    assert any("approximate" in note for note in found.notes)


def test_graded_scores_without_noise_need_no_correction():
    scores = np.repeat(np.linspace(0.0, 0.9, 50)[:, np.newaxis], 4, axis=1)
    found = repeated_tail(scores, 0.9, estimand="prompt_risk", n_resamples=2)
    assert found.trials == repeats.MOST_TRIALS
    assert found.value == pytest.approx(found.plug_in, abs=1e-9)


def test_counts_keep_the_mean_of_graded_scores():
    rng = np.random.default_rng(1)
    scores = rng.random((40, 3))
    seen = repeats._means(repeats._Epochs(scores, np.ones(40)))
    table = repeats._counts(seen, np.ones(40), 17)
    assert table.sum() == pytest.approx(40.0)
    assert table @ np.arange(18) / 17 == pytest.approx(seen.means.sum())


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_no_variation_is_certain(value):
    found = repeated_tail(np.full((30, 3), value), 0.95, estimand="prompt_risk", n_resamples=2)
    assert [found.value, found.plug_in, found.split] == pytest.approx([value] * 3, abs=1e-12)


def test_tiny_samples_give_numbers():
    for n, epochs in ((1, 2), (2, 2), (3, 7)):
        for level in (0.0, 0.5, 0.95):
            found = repeated_tail(failures(n, epochs, 0), level, estimand="prompt_risk", n_resamples=3)
            assert np.isfinite([found.value, found.plug_in, found.split, found.standard_error]).all()


def test_reduced_means_are_refused_unless_asked_for():
    means = failures(50, 4, 0).mean(axis=1)
    with pytest.raises(InvalidInput, match=r"needs every epoch.*too high.*reduce='mean'"):
        repeated_tail(means, 0.9, estimand="prompt_risk")
    found = repeated_tail(means, 0.9, estimand="prompt_risk", reduce="mean")
    assert found.value == found.plug_in == pytest.approx(cvar(means, 0.9))
    assert any("too high" in note for note in found.notes)


@pytest.mark.parametrize("shape", [(50,), (50, 1)])
def test_one_epoch_is_refused_for_prompt_risk(shape):
    scores = failures(50, 1, 0).reshape(shape)
    with pytest.raises(InvalidInput, match=r"needs 2 or more epochs for each prompt; got 1.*luck"):
        repeated_tail(scores, 0.9, estimand="prompt_risk")
    assert repeated_tail(scores, 0.9, estimand="attempt").n_epochs == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"level": 95}, r"`level` must lie in \[0, 1\); got 95. Write 0.95."),
        ({"estimand": "prompt"}, "`estimand` must be one of 'attempt', 'prompt_risk', 'epoch_mean'"),
        ({"scores": [[0.0, np.nan]]}, "`scores` has 1 NaN at rows 0"),
        ({"scores": [[0.0, 1.7]]}, r"must lie in support \(0, 1\); got max 1.7"),
        ({"scores": []}, "`scores` is empty"),
        ({"scores": np.zeros((2, 2, 2))}, r"shape \(prompts, epochs\); got \(2, 2, 2\)"),
        ({"sample_weight": [-1.0, 1.0]}, "`sample_weight` must be >= 0"),
        ({"reduce": "max"}, "`reduce` must be one of 'mean'"),
        ({"n_splits": 0}, "`n_splits` must be an integer >= 1"),
    ],
)
def test_bad_input_is_named(changes, message):
    given = {"scores": [[0, 1], [0, 0]], "level": 0.9, "estimand": "prompt_risk", **changes}
    with pytest.raises(InvalidInput, match=message):
        repeated_tail(given.pop("scores"), given.pop("level"), **given)


def test_result_exports():
    found = repeated_tail(failures(40, 3, 0), 0.9, estimand="prompt_risk", n_resamples=2, random_state=0)
    content = json.loads(json.dumps(found.to_dict()))
    assert content["provenance"]["estimand"] == "prompt_risk"
    assert content["provenance"]["seed"] == 0
    assert list(found.to_frame()["estimate"]) == ["plug_in", "debiased", "split"]
    assert "leave a bias" in str(found)


@pytest.mark.parametrize("unit", [1e-320, 1e-200, 1e300])
def test_only_the_ratios_of_weights_count(rng, unit):
    scores = (rng.random((20, 4)) < 0.3) * 1.0
    given = {"estimand": "prompt_risk", "n_resamples": 2, "random_state": 1}
    found = repeated_tail(scores, 0.5, **given)
    scaled = repeated_tail(scores, 0.5, sample_weight=np.full(20, unit), **given)
    assert scaled.value == pytest.approx(found.value, rel=1e-9)
    assert scaled.standard_error == pytest.approx(found.standard_error, rel=1e-9)
