"""The risk profile of one model."""

import json
import warnings

import numpy as np
import pytest

from riskstats.exceptions import AssumptionWarning, InvalidInput
from riskstats.measures.cvar import cvar
from riskstats.results import Status
from riskstats.tail.limits import Asymptotic, BootstrapT, SplitBetting, cvar_interval
from riskstats.tail.profile import risk_profile
from riskstats.tail.union import log_risk, union_risk


def scores_of(rng, n=901, k=4, top=0.9):
    return top * rng.choice([0, 0.25, 0.5, 0.75, 1], p=[0.86, 0.08, 0.035, 0.02, 0.005], size=(n, k))


def test_the_numbers_of_both_scales(rng):
    scores, weights = scores_of(rng), rng.integers(0, 3, 901)
    found = risk_profile(scores, sample_weight=weights, risk_limit=0.675)
    for scale, losses in ((found.union, union_risk(scores)), (found.log_risk, log_risk(scores))):
        assert scale.mean == pytest.approx(np.average(losses, weights=weights))
        assert scale.variance == pytest.approx(np.average((losses - scale.mean) ** 2, weights=weights))
        assert scale.sd == pytest.approx(scale.variance**0.5)
        assert scale.cvar == pytest.approx(cvar(losses, 0.95, sample_weight=weights), rel=1e-12)
        assert scale.ratios["cvar_over_mean"] == pytest.approx(scale.cvar / scale.mean)
        assert scale.ratios["cvar_over_value_at_risk"] == pytest.approx(scale.cvar / scale.value_at_risk)
        assert scale.ratios["excess_over_sd"] == pytest.approx((scale.cvar - scale.mean) / scale.sd)
        assert scale.undefined == {}
    above = union_risk(scores) > 0.675 * (1 + 1e-12)
    assert found.exposure == pytest.approx(np.average(above, weights=weights))
    assert (found.cvar, found.mean, found.value_at_risk) == (
        found.union.cvar,
        found.union.mean,
        found.union.value_at_risk,
    )
    assert (found.n, found.side) == (np.count_nonzero(weights), "lower")
    assert found.n_tail == pytest.approx(0.05 * found.n)


def test_attributions_sum_to_the_cvar_of_their_scale(rng):
    kinds, groups = rng.choice(list("xyz"), 901), rng.choice(["old", "young"], 901)
    found = risk_profile(scores_of(rng), category=kinds, groups={"age": groups}, prompts=np.arange(901) + 5)
    for attribution, scale in ((found.attribution, found.union), (found.log_attribution, found.log_risk)):
        assert [part.by for part in attribution.parts] == ["dimension", "age", "category", "prompt"]
        for part in attribution.parts:
            assert part.values.sum() == pytest.approx(scale.cvar, rel=0, abs=1e-12)
            assert (part.lower <= part.values).all()
            assert (part.values <= part.upper).all()
    assert [each.by for each in found.groups] == ["age", "category"]


def test_marginal_tails_and_diversification(rng):
    scores = scores_of(rng)
    found = risk_profile(scores, level=0.9).marginals
    np.testing.assert_allclose(found.cvar, cvar(scores.T, 0.9))
    np.testing.assert_allclose(found.log_cvar, cvar(-np.log1p(-scores.T), 0.9))
    assert 0 < found.diversification < 1
    same = np.repeat(scores[:, :1], 3, axis=1)
    assert risk_profile(same).marginals.diversification == pytest.approx(1.0)


def test_frechet_bounds_of_four_independent_dimensions():
    rng = np.random.default_rng(1)
    found = risk_profile(rng.beta(0.3, 3, size=(200_000, 4)))
    assert found.frechet.cvar_lower == pytest.approx(0.690, abs=0.004)
    assert found.cvar == pytest.approx(0.793, abs=0.004)
    assert found.frechet.cvar_upper == pytest.approx(0.979, abs=0.004)
    assert found.frechet.mean_lower <= found.mean <= found.frechet.mean_upper


def test_clip_and_its_audit(rng):
    scores = scores_of(rng, top=1.0)
    with pytest.raises(
        InvalidInput, match=r"log-risk is infinite for \d+ scores equal to 1. Pass `clip=` or"
    ):
        risk_profile(scores)
    with pytest.warns(AssumptionWarning, match="the tail of log-risk touches the clip"):
        found = risk_profile(scores, clip=0.01)
    assert found.clip.n_scores == (scores == 1).sum()
    assert found.provenance.clip == 0.01
    assert found.log_risk.cvar == pytest.approx(cvar(log_risk(scores, clip=0.01), 0.95))
    assert found.union.cvar <= 1 - 0.01**4 + 1e-12
    assert "clip = 0.01 changed" in found.summary()
    assert found.frechet.cvar_lower <= found.cvar <= found.frechet.cvar_upper
    plain = risk_profile(scores, log_scale=False)
    assert (plain.log_risk, plain.log_attribution, plain.clip, plain.marginals.log_cvar) == (None,) * 4
    assert plain.cvar == pytest.approx(cvar(union_risk(scores), 0.95))
    json.dumps(plain.to_dict(), allow_nan=False)


def test_a_clip_below_the_tail_is_silent(rng):
    scores = np.concatenate([np.full(10, 0.95), scores_of(rng, top=0.8, k=1)[:, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = risk_profile(scores, clip=0.1, sample_weight=np.r_[np.zeros(10), np.ones(901)])
    assert (found.clip.n_scores, found.clip.touches_tail) == (0, False)


def test_a_score_of_1_without_weight_does_not_count(rng):
    scores = np.vstack([scores_of(rng), np.ones((2, 4))])
    found = risk_profile(scores, sample_weight=np.r_[np.ones(901), 0, 0])
    base = risk_profile(scores[:-2])
    assert found.log_risk.cvar == pytest.approx(base.log_risk.cvar, rel=1e-14)
    np.testing.assert_allclose(found.marginals.log_cvar, base.marginals.log_cvar)
    assert found.n == 901


def test_order_repetition_and_padding_change_nothing(rng):
    scores, weights = scores_of(rng, n=200), rng.integers(0, 3, 200)
    kinds = rng.choice(list("ab"), 200)
    base = risk_profile(scores, sample_weight=weights, category=kinds, risk_limit=0.3)
    rows = rng.permutation(np.repeat(np.arange(200), weights))
    other = risk_profile(scores[rows], category=kinds[rows], risk_limit=0.3)
    for scale, its in ((base.union, other.union), (base.log_risk, other.log_risk)):
        for name in ("mean", "sd", "variance", "value_at_risk", "cvar", "tied_share"):
            assert getattr(its, name) == pytest.approx(getattr(scale, name), rel=1e-12), name
    np.testing.assert_allclose(
        other.attribution["dimension"].values, base.attribution["dimension"].values, atol=1e-13
    )
    np.testing.assert_allclose(
        other.attribution["dimension"].upper, base.attribution["dimension"].upper, atol=1e-13
    )
    np.testing.assert_allclose(other.groups[0].cvar, base.groups[0].cvar, atol=1e-13)
    assert other.exposure == pytest.approx(base.exposure)


def test_undefined_ratios_are_none_with_a_reason():
    found = risk_profile(np.zeros((30, 2)), groups=["a", "b"] * 15)
    assert found.union.ratios == dict.fromkeys(found.union.ratios)
    assert found.union.undefined == {
        "cvar_over_mean": "the mean is 0",
        "cvar_over_value_at_risk": "the value at risk is 0",
        "excess_over_sd": "all losses are equal",
    }
    assert found.marginals.diversification is None
    assert "CVaR / mean undefined (the mean is 0)" in found.summary()
    constant = risk_profile(np.full((7, 3), 0.1))
    assert (constant.union.sd, constant.union.ratios["excess_over_sd"]) == (0.0, None)
    assert constant.union.ratios["cvar_over_mean"] == 1.0


@pytest.mark.parametrize("level", [0.0, 0.3, 0.95, 1 - 1e-9])
@pytest.mark.parametrize("n", [1, 2, 19])
@pytest.mark.parametrize("kind", ["zeros", "ones", "mixed"])
def test_every_level_and_size_gives_numbers(level, n, kind):
    scores = {"zeros": np.zeros((n, 2)), "ones": np.ones((n, 2)), "mixed": np.eye(n, 2) * 0.7}[kind]
    found = risk_profile(scores, level=level, log_scale=kind != "ones", groups=["a"] * n, risk_limit=0.5)
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.frechet.cvar_lower <= found.cvar + 1e-12 <= found.frechet.cvar_upper + 2e-12
    assert found.summary()


def test_judges_are_pooled_by_a_named_rule(rng):
    scores = rng.random((40, 3, 5)) * 0.9
    found = risk_profile(scores, judge_axis=-1)
    want = risk_profile(np.sqrt((scores**2).mean(axis=-1)))
    assert found.cvar == pytest.approx(want.cvar)
    assert (found.pooling, found.provenance.pooling, want.pooling) == ("rms", "rms", None)
    assert risk_profile(scores, judge_axis=2, pooling="max").cvar > found.cvar
    with pytest.raises(
        InvalidInput, match=r"prompts x dimensions; got shape \(40, 3, 5\). Name the axis of judges"
    ):
        risk_profile(scores)
    with pytest.raises(InvalidInput, match="`pooling` must be one of"):
        risk_profile(scores, judge_axis=-1, pooling="mode")


def test_other_supports_are_mapped_to_the_unit_interval(rng):
    scores = rng.integers(1, 5, (60, 3)).astype(float)
    found = risk_profile(scores, support=(1, 5), judge_axis=None)
    assert found.cvar == pytest.approx(risk_profile((scores - 1) / 4).cvar)
    judged = risk_profile(np.stack([scores, scores], axis=2), support=(1, 5), judge_axis=2)
    assert judged.cvar == pytest.approx(found.cvar)


def test_limits_and_verdicts(rng):
    scores = scores_of(rng)
    given = {"limit": Asymptotic(), "random_state": 3}
    found = risk_profile(scores, **given)
    want = cvar_interval(union_risk(scores), 0.95, 0.95, limit=Asymptotic(), support=(0, 1))
    assert found.interval.upper == want.upper
    assert found.log_risk.interval.upper > found.log_risk.cvar
    assert (found.status, risk_profile(scores).status) == (Status.BOUND, Status.NO_BOUND)
    assert risk_profile(scores, risk_limit=want.upper, **given).status is Status.WITHIN_LIMIT
    assert risk_profile(scores, risk_limit=want.upper - 1e-9, **given).status is Status.ABOVE_LIMIT
    assert found.provenance.limit == "Asymptotic()"
    assert found.provenance.seed == 3
    assert "is at most" in found.summary()


def test_a_guaranteed_limit_of_log_risk_needs_a_clip(rng):
    scores = scores_of(rng, n=300)
    found = risk_profile(scores, limit=SplitBetting(), random_state=0)
    assert found.cvar < found.interval.upper < 1
    assert found.log_risk.interval is None
    assert "Log-risk without a clip has no largest value" in found.notes[-1]
    with pytest.warns(AssumptionWarning, match="touches the clip"):
        clipped = risk_profile(scores, limit=SplitBetting(), random_state=0, clip=0.5)
    assert clipped.log_risk.cvar < clipped.log_risk.interval.upper < -4 * np.log(0.5)


def test_equal_means_and_tails_that_differ_twofold_are_separated():
    """11 models x 901 prompts x 4 dimensions; the last model has its harm in few prompts."""
    rng = np.random.default_rng(5)
    steady = rng.uniform(0.0, 0.1, size=(10, 901, 4))
    rare = np.zeros((901, 4))
    rare[rng.permutation(901)[:60]] = rng.choice([0.5, 0.6, 0.7], size=(60, 4))
    models = np.concatenate([steady, rare[np.newaxis]])
    target = union_risk(models[-1]).mean()
    models[:-1] *= _factor(models[:-1], target)[:, np.newaxis, np.newaxis]
    profiles = [risk_profile(model, limit=BootstrapT(), random_state=1) for model in models]
    means = [each.mean for each in profiles]
    np.testing.assert_allclose(means, target, rtol=1e-6)
    lower = cvar_interval(
        union_risk(models[-1]), 0.95, limit=BootstrapT(), side="lower", random_state=1
    ).lower
    for each in profiles[:-1]:
        assert profiles[-1].cvar / each.cvar > 2
        assert lower > each.interval.upper


def _factor(models, target):
    """Per model, the factor of its scores that gives the target mean of the union."""
    low, high = np.zeros(len(models)), np.full(len(models), 10.0)
    for _ in range(60):
        middle = (low + high) / 2
        means = union_risk(np.minimum(models * middle[:, None, None], 1.0)).mean(axis=1)
        low, high = np.where(means < target, middle, low), np.where(means < target, high, middle)
    return low


def test_frames_and_results_in_words(rng):
    import pandas as pd

    frame = pd.DataFrame(scores_of(rng, n=100), columns=["bias", "privacy", "harm", "law"])
    found = risk_profile(frame, category=pd.Series(rng.choice(list("xy"), 100)), risk_limit=0.5)
    assert found.marginals.names == ("bias", "privacy", "harm", "law")
    text = found.summary()
    for piece in (
        "n = 100",
        "n_tail = 5",
        "Without independence",
        "By category",
        "bias",
        "Share of prompts above",
    ):
        assert piece in text
    assert str(found) == text
    table = found.to_frame()
    assert table["scale"].tolist() == ["union", "log-risk"]
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["union"]["cvar"] == found.cvar
    assert told["provenance"]["input_hash"] == found.provenance.input_hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 95}, r"`level` must lie in \[0, 1\); got 95. Write 0.95."),
        ({"scores": [[0.1, 1.7]] * 3}, r"`scores` must lie in support \(0, 1\); got max 1.7. Rescale"),
        ({"scores": [[0.1, -0.7]] * 3}, r"`scores` must lie in support \(0, 1\); got min -0.7. Rescale"),
        (
            {"scores": [[0.1, np.nan], [np.nan, 0], [0, 0]]},
            "`scores` has 2 NaN at rows 0, 1. Drop them or model",
        ),
        ({"scores": np.zeros((0, 2))}, "empty"),
        ({"confidence_level": 0.05}, "Did you mean 0.95"),
        ({"clip": 2}, "`clip` must be in"),
        ({"clip": 0.1, "log_scale": False}, "`clip` belongs to log-risk"),
        ({"support": (0, np.inf)}, "`support` must be finite"),
        ({"groups": ["a", "b"]}, "`groups` must be one label for each of 3 rows"),
        ({"category": ["a", None, "b"]}, "`category` has 1 missing labels, first at row 1"),
        ({"sample_weight": [1, 1, -0.2]}, "`sample_weight` must be >= 0"),
        ({"sample_weight": [0, 0, 0]}, "zero in every row"),
        ({"risk_limit": "high"}, "`risk_limit` must be a finite number"),
        ({"degrees_of_freedom": 0}, "degrees_of_freedom"),
        ({"prompts": ["p"]}, "`prompts` must be one id"),
        ({"dimensions": ["a"]}, "`dimensions` must be 2 different names"),
        ({"limit": "bootstrap"}, "`limit` must be a limit such as"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(InvalidInput, match=message):
        risk_profile(**{"scores": [[0.1, 0.2], [0.0, 0.5], [0.3, 0.0]], **change})


def test_the_support_of_the_scores_is_part_of_the_answer():
    scores = np.array([[0.0, 4.0], [2.0, 0.0]])
    found = risk_profile(scores, level=0.5, support=(0, 4), log_scale=False)
    assert found.support == (0, 4)
    assert "support (0, 4)" in found.summary().splitlines()[0]
