import numpy as np
import pytest

from riskstats.bounds.api import upper_bound
from riskstats.bounds.betting import Betting
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.sample import Sample
from riskstats.control.judge import judge_corrected_bound
from riskstats.exceptions import AssumptionWarning, IncompatibleBound, InvalidInput
from riskstats.measures.mean import Mean
from tests.theorems.laws import too_many


def scored(rng, n, quality):
    """(human 0/1 losses of mean .2, judge): a calibrated judge, or one with a constant or a wrong sign."""
    if quality == "good":
        judge = rng.beta(0.04, 0.16, n)
        return (rng.random(n) < judge) * 1.0, judge
    human = (rng.random(n) < 0.2) * 1.0
    return human, {"blind": np.full(n, 0.05), "inverted": 1.0 - human}[quality]


def both(rng, quality, labels=300, items=5300, **options):
    """(labels only, split, one bound)"""
    human, judge = scored(rng, items, quality)
    drawn = rng.random(items) < labels / items
    return (
        upper_bound(human[:labels], bound=Betting()).value,
        judge_corrected_bound(human[:labels], judge[:labels], judge[labels:], **options).value,
        judge_corrected_bound(
            human[drawn], judge[drawn], judge[~drawn], label_probability=labels / items, **options
        ).value,
    )


def test_good_judge_is_worth_many_labels(rng):
    labels_only, split, one = np.mean([both(rng, "good") for _ in range(200)], axis=0)
    assert labels_only == pytest.approx(0.251, abs=0.01)
    assert split == pytest.approx(0.239, abs=0.006)
    assert one == pytest.approx(0.226, abs=0.006)


@pytest.mark.parametrize("quality", ["good", "blind", "inverted"])
def test_no_judge_breaks_the_bound(rng, quality):
    repetitions = 300
    values = np.array([both(rng, quality, labels=60, items=500) for _ in range(repetitions)])
    for column in values.T[1:]:
        assert not too_many(int((column < 0.2).sum()), repetitions, 0.05)


def test_split_is_the_sum_of_two_bounds(rng):
    human, judge = scored(rng, 800, "good")
    found = judge_corrected_bound(human[:100], judge[:100], judge[100:], share=0.3)
    scores = Betting().upper(Sample(judge[np.newaxis, 100:], (0.0, 1.0)), Mean(), 0.3 * (1 - 0.95))[0]
    errors = (human - judge)[np.newaxis, :100]
    correction = Betting().upper(Sample(errors, (-1.0, 1.0)), Mean(), 0.7 * (1 - 0.95))[0]
    assert found.value == pytest.approx(scores + correction, rel=1e-12)
    assert found.estimate == pytest.approx(judge[100:].mean() + errors.mean())
    assert found.notes[0] == "100 items with a human label, 700 without."
    assert "judge must be frozen" in found.notes[1]


def test_one_bound_is_on_the_weighted_sum(rng):
    human, judge = scored(rng, 500, "good")
    options = {"label_probability": 0.25, "bound": Hoeffding()}
    found = judge_corrected_bound(human[:120], judge[:120], judge[120:], **options)
    z = np.concatenate([judge[:120] + (human - judge)[:120] / 0.25, judge[120:]])
    assert found.estimate == pytest.approx(z.mean())
    assert found.value == pytest.approx(min(z.mean() + 7 * np.sqrt(np.log(20) / 1000), 1.0))
    assert found.n_units == 500


def test_all_labelled_is_a_plain_bound(rng):
    human, judge = scored(rng, 200, "good")
    found = judge_corrected_bound(
        human[:199], judge[:199], judge[199:], label_probability=1.0, bound=Hoeffding()
    )
    assert found.value == pytest.approx(np.append(human[:199], judge[199]).mean() + np.sqrt(np.log(20) / 400))


def test_order_is_random_and_on_record(rng):
    human, judge = scored(rng, 1000, "good")
    arguments = (human[:100], judge[:100], judge[100:])
    values = {
        state: judge_corrected_bound(*arguments, label_probability=0.1, random_state=state).value
        for state in (0, 1)
    }
    assert values[0] == judge_corrected_bound(*arguments, label_probability=0.1).value
    assert values[0] != values[1]


@pytest.mark.parametrize("options", [{}, {"label_probability": 0.2}])
def test_scale(rng, options):
    human, judge = scored(rng, 600, "good")
    plain = judge_corrected_bound(human[:120], judge[:120], judge[120:], **options)
    moved = judge_corrected_bound(
        *(1 + 4 * each for each in (human[:120], judge[:120], judge[120:])), support=(1, 5), **options
    )
    assert moved.value == pytest.approx(1 + 4 * plain.value, rel=1e-9)


def test_bound_stays_in_the_support():
    assert judge_corrected_bound([1.0], [0.0], [0.5]).value == 1.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"bound": "betting"}, InvalidInput, "`bound` must be a bound"),
        ({"judge": [0.1]}, InvalidInput, "`human` and `judge` must hold the same items; got 2 and 1"),
        ({"share": 1.0}, InvalidInput, "`share` must be in"),
        ({"label_probability": 0.0}, InvalidInput, "Without labels nothing is known"),
        (
            {"label_probability": 20},
            InvalidInput,
            r"`label_probability` must be in \[0, 1\]; got 20. Write 0.2",
        ),
        ({"support": (0, np.inf)}, IncompatibleBound, "a judge needs bounded losses"),
        ({"judge_unlabelled": [0.1, 3.0]}, InvalidInput, "`judge_unlabelled` must lie in support"),
        ({"judge_unlabelled": []}, InvalidInput, "`judge_unlabelled` is empty"),
    ],
)
def test_messages(arguments, error, message):
    given = {"human": [0.0, 1.0], "judge": [0.1, 0.9], "judge_unlabelled": [0.2, 0.3], **arguments}
    with pytest.raises(error, match=message):
        judge_corrected_bound(**given)


def test_labels_in_the_order_of_their_losses_are_told(rng):
    human = np.sort(rng.random(200))
    with pytest.warns(AssumptionWarning, match="rise along the rows"):
        judge_corrected_bound(human, np.full(200, 0.5), rng.random(500))
