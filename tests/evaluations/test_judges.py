"""Judge-corrected rates: closed forms, refusals, coverage with clusters, any judge."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import beta

from riskstats.evaluations.judges import judge_corrected_rate
from riskstats.evaluations.proportions import proportion_interval
from riskstats.exceptions import AssumptionWarning, IncompatibleBound, InvalidInput
from tests.evaluations.clustered import clustered
from tests.theorems.laws import too_many


def flags(share, n=1000):
    return np.repeat([1.0, 0.0], [round(share * n), n - round(share * n)])


def judged(rng, human, sensitivity=0.85, specificity=0.9):
    chance = np.where(human == 1, sensitivity, 1 - specificity)
    return (rng.random(len(human)) < chance) * 1.0


def test_precision_alone_gives_a_lower_bound():
    found = judge_corrected_rate(flags(0.239), precision=0.688)
    assert round(found.estimate, 3) == 0.164
    assert found.is_lower_bound
    assert found.upper == 1.0
    assert found.lower == pytest.approx(proportion_interval(239, 1000, side="lower").lower * 0.688)
    assert "LOWER BOUND" in found.summary()
    counted = judge_corrected_rate(flags(0.239), precision=(688, 1000))
    assert counted.estimate == pytest.approx(found.estimate)
    assert counted.lower < found.lower


def test_averaged_flags_have_no_binomial_limits():
    """23.9 % of 144 cases is no count."""
    found = judge_corrected_rate(np.full(144, 0.239), precision=0.688)
    assert found.estimate == pytest.approx(0.239 * 0.688)
    assert found.method == "betting"


def test_precision_with_sensitivity():
    found = judge_corrected_rate(flags(0.24), precision=0.5, sensitivity=0.8)
    assert found.estimate == pytest.approx(0.15)
    assert not found.is_lower_bound
    assert found.lower < 0.15 < found.upper < 1


def test_known_error_rates_move_the_limits_as_the_estimate():
    found = judge_corrected_rate(flags(0.2), sensitivity=0.9, specificity=0.95)
    share = proportion_interval(200, 1000)
    assert found.estimate == pytest.approx((0.2 - 0.05) / 0.85)
    assert found.lower == pytest.approx((share.lower - 0.05) / 0.85)
    assert found.upper == pytest.approx((share.upper - 0.05) / 0.85)
    assert found.guaranteed


def test_error_of_the_error_rates_is_in_the_limits():
    exact = judge_corrected_rate(flags(0.2), sensitivity=0.9, specificity=0.95)
    wide = judge_corrected_rate(flags(0.2), sensitivity=(90, 100), specificity=(190, 200))
    narrow = judge_corrected_rate(
        flags(0.2), sensitivity=(90, 100), specificity=(190, 200), method="lang-reiczigel"
    )
    assert wide.estimate == pytest.approx(exact.estimate)
    assert wide.lower < narrow.lower < exact.lower
    assert exact.upper < narrow.upper < wide.upper
    assert not narrow.guaranteed


def test_box_holds_every_corner():
    """The limits are the ends over a grid of all rates in the joint box."""
    found = judge_corrected_rate(flags(0.2), sensitivity=(90, 100), specificity=(190, 200))
    each = 0.05 / 6

    def ends(k, n):
        return beta.ppf(each, k, n - k + 1), beta.isf(each, k + 1, n - k)

    q, sens, spec = (np.linspace(*ends(k, n), 15) for k, n in ((200, 1000), (90, 100), (190, 200)))
    q, sens, spec = np.meshgrid(q, sens, spec)
    rates = np.clip((q + spec - 1) / (sens + spec - 1), 0, 1)
    assert (found.lower, found.upper) == pytest.approx((rates.min(), rates.max()), rel=1e-9)


def test_a_judge_no_better_than_chance_is_refused():
    with pytest.raises(InvalidInput, match="no better than chance"):
        judge_corrected_rate(flags(0.2), sensitivity=0.3, specificity=0.7)


def test_estimates_are_cut_with_a_note():
    found = judge_corrected_rate(flags(0.01), sensitivity=0.9, specificity=0.9)
    assert found.estimate == found.lower == 0.0
    assert "cut to [0, 1]" in found.notes[0]


def test_only_flagged_items_verified():
    """87 confirmed of 200 flagged in 10,080: the share is a lower bound."""
    judge = flags(200 / 10_080, 10_080)
    human = np.where(judge == 1, np.arange(10_080) < 87, np.nan)
    with pytest.raises(InvalidInput, match=r"covers only flagged items: .* Pass `verified='flagged'`"):
        judge_corrected_rate(judge, human=human)
    found = judge_corrected_rate(judge, human=human, verified="flagged")
    assert found.is_lower_bound
    assert (found.estimate, found.upper) == (87 / 10_080, 1.0)
    assert found.lower == pytest.approx(proportion_interval(87, 10_080, side="lower").lower)
    assert found.n_labelled == 200
    part = np.where(np.arange(10_080) % 2 == 0, human, np.nan)
    half = judge_corrected_rate(judge, human=part, verified="flagged")
    assert half.estimate == pytest.approx(200 / 10_080 * 44 / 100)
    assert "100 of 200 flagged items have a label" in half.notes[0]


def test_flagged_labels_elsewhere_are_refused():
    with pytest.raises(InvalidInput, match="1 items without a flag have a label"):
        judge_corrected_rate([1, 0, 0], human=[1, 0, np.nan], verified="flagged")


def test_difference_estimator_by_hand(rng):
    human = (rng.random(400) < 0.2) * 1.0
    judge = judged(rng, human)
    known = rng.random(400) < 0.4
    found = judge_corrected_rate(judge, human=np.where(known, human, np.nan))
    errors = (human - judge)[known]
    assert found.estimate == pytest.approx(judge.mean() + errors.mean())
    assert found.n_labelled == known.sum()
    assert found.kind == "human labels"


def test_all_labelled_is_the_mean_of_the_labels(rng):
    """Then the judge drops out of the estimate and of its error."""
    human = (rng.random(300) < 0.3) * 1.0
    found = judge_corrected_rate(0.5 * human + 0.1, human=human)
    error = human.std(ddof=1) / np.sqrt(300)
    from scipy.stats import t

    assert found.estimate == pytest.approx(human.mean())
    assert found.upper - found.estimate == pytest.approx(t.isf(0.025, 299) * error)


def test_variances_cannot_simply_be_added(rng):
    """A judge that halves every loss and 80 % labelled: var f / N + var d / n alone is too small."""
    estimates, added = [], []
    for _ in range(2000):
        human = (rng.random(500) < 0.3) * 1.0
        judge, known = human / 2, rng.permutation(500) < 400
        errors = (human - judge)[known]
        estimates.append(judge.mean() + errors.mean())
        added.append(judge.var() / 500 + errors.var() / 400)
    assert np.var(estimates) > 1.5 * np.mean(added)
    found = judge_corrected_rate(judge, human=np.where(known, human, np.nan))
    error = (found.upper - found.lower) / 2 / 1.966
    assert error == pytest.approx(np.std(estimates), rel=0.08)


@pytest.mark.parametrize("quality", ["good", "blind", "inverted"])
def test_no_judge_biases_the_difference_estimator(rng, quality):
    wrong, centre = 0, []
    for _ in range(400):
        human = (rng.random(400) < 0.2) * 1.0
        judge = {"good": judged(rng, human), "blind": np.full(400, 0.9), "inverted": 1 - human}[quality]
        found = judge_corrected_rate(judge, human=np.where(rng.random(400) < 0.5, human, np.nan))
        wrong += not found.lower <= 0.2 <= found.upper
        centre.append(found.estimate)
    assert not too_many(wrong, 400, 0.06)
    assert np.mean(centre) == pytest.approx(0.2, abs=4 * np.std(centre) / 20)


def test_limits_hold_with_clusters(rng):
    """Box, Lang-Reiczigel and the difference estimator on 60 scenarios of 10, error rates from studies."""
    misses = {"box": 0, "lang-reiczigel": 0, "difference": 0}
    for _ in range(200):
        human, cluster = clustered(rng, 60, 10, 0.2, 0.15)
        judge = judged(rng, human)
        known = {
            "sensitivity": (int(rng.binomial(80, 0.85)), 80),
            "specificity": (int(rng.binomial(120, 0.9)), 120),
        }
        labels = {"human": np.where(rng.random(600) < 0.3, human, np.nan)}
        for method in misses:
            told = labels if method == "difference" else known
            found = judge_corrected_rate(judge, cluster=cluster, method=method, **told)
            misses[method] += not found.lower <= 0.2 <= found.upper
    assert not too_many(misses["box"], 200, 0.05)
    assert not too_many(misses["lang-reiczigel"], 200, 0.06)
    assert not too_many(misses["difference"], 200, 0.06)


def test_guaranteed_limits_by_bets(rng):
    human = (rng.random(600) < 0.2) * 1.0
    judge = judged(rng, human)
    labels = np.where(rng.random(600) < 0.4, human, np.nan)
    wide, plain = (judge_corrected_rate(judge, human=labels, method=method) for method in ("betting", None))
    assert wide.lower < plain.lower < plain.upper < wide.upper
    assert wide.guaranteed
    order = rng.permutation(600)
    moved = judge_corrected_rate(judge[order], human=labels[order], method="betting")
    assert (moved.lower, moved.upper) == pytest.approx((wide.lower, wide.upper))
    with pytest.raises(IncompatibleBound, match="has no statement with `cluster`"):
        judge_corrected_rate(judge, human=labels, method="betting", cluster=np.arange(600) // 2)


def test_few_disagreements_are_told():
    human, judge = np.tile([1.0, 0, 0, 0], 50), np.tile([1.0, 0, 0, 0], 50)
    human = np.where(np.arange(200) // 4 % 2 == 0, human, np.nan)
    found = judge_corrected_rate(judge, human=human, verified="random")
    assert "differ on 0 labelled items only" in found.notes[0]


def test_labels_that_do_not_look_random_warn(rng):
    judge = flags(0.3, 600)
    human = np.where((judge == 1) | (np.arange(600) % 20 == 0), judge, np.nan)
    with pytest.warns(AssumptionWarning, match="do not look like a random subset"):
        judge_corrected_rate(judge, human=human)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing is known of the judge's errors"),
        ({"sensitivity": 0.9}, "nothing is known of the judge's errors"),
        ({"verified": "flagged"}, "pass `human=` with them"),
        ({"human": [1, 0]}, "`human` must be one label per item"),
        ({"human": [np.nan] * 4}, "`human` has no label at all"),
        ({"human": [2, 0, 0, 0]}, "`human` must lie in support"),
        ({"human": [1, 0, 1, 0], "precision": 0.5}, "two corrections"),
        ({"sensitivity": 90, "specificity": 0.9}, r"`sensitivity` must be in \[0, 1\]; got 90. Write 0.9"),
        ({"sensitivity": (9, 8), "specificity": 0.9}, "`sensitivity` must be an integer from 0 to 8"),
        ({"sensitivity": 0.9, "specificity": 0.9, "method": "normal"}, "`method` must be one of"),
        (
            {"judge": [0.5, 0, 1, 1], "sensitivity": 0.9, "specificity": 0.9},
            "`judge` must be 0 or 1; got 0.5",
        ),
        ({"human": [1, np.nan, np.nan, np.nan], "verified": "random"}, "two or more are needed"),
        ({"human": [1, 0, 0, 1], "method": "betting"}, "every item has a human label"),
    ],
)
def test_messages(options, message):
    with pytest.raises(InvalidInput, match=message):
        judge_corrected_rate(**({"judge": [1.0, 0.0, 1.0, 0.0]} | options))


def test_exports():
    found = judge_corrected_rate(flags(0.2), precision=0.5)
    assert json.loads(json.dumps(found.to_dict()))["kind"] == "precision"
    assert found.to_frame()["is_lower_bound"].tolist() == [True]


@pytest.mark.parametrize(("flagged", "cut"), [(0.4, 0.0), (0.999, 1.0)])
@pytest.mark.parametrize("method", [None, "lang-reiczigel"])
def test_error_rates_that_no_rate_fits_leave_everything_open(flagged, cut, method):
    judge = np.arange(2000) < 2000 * flagged
    found = judge_corrected_rate(judge, sensitivity=0.95, specificity=0.3, method=method)
    assert found.estimate == cut
    assert (found.lower, found.upper) == (0.0, 1.0)
    assert "No true rate fits them" in found.summary()
