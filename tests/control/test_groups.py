import json

import numpy as np
import pytest

from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.betting import Betting
from riskstats.bounds.clopper_pearson import ClopperPearson
from riskstats.bounds.dkw import DKW
from riskstats.bounds.empirical_bernstein import EmpiricalBernstein
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev
from riskstats.bounds.sample import Sample
from riskstats.control.groups import group_bounds
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from tests.theorems.laws import too_many

DELTA = 1 - 0.95


@pytest.fixture
def data(rng):
    groups = rng.choice(["a", "b", "c"], size=400, p=[0.6, 0.3, 0.1])
    return rng.beta(2, 8, 400) + 0.1 * (groups == "b"), groups


@pytest.mark.parametrize("measure", [Mean(), CVaR(0.8), ValueAtRisk(0.5), Gini()], ids=str)
def test_every_group_has_a_share_of_the_error(data, measure):
    losses, groups = data
    report = group_bounds(losses, groups, measure, DKW())
    for name in "abc":
        sample = Sample(losses[groups == name][np.newaxis], (0.0, 1.0))
        assert report.upper[name] == DKW().upper(sample, measure, DELTA / 3)[0]
        assert report.estimates[name] == measure(losses[groups == name])
        assert report.n_units[name] == sample.n_units
    assert report.max_upper == max(report.upper.values())


def test_gap_and_ratio_rest_on_twice_as_many_bounds(data):
    losses, groups = 0.5 + 0.5 * data[0], data[1]
    report = group_bounds(losses, groups, bound=Hoeffding())
    samples = {name: Sample(losses[groups == name][np.newaxis], (0.0, 1.0)) for name in "abc"}
    upper = {name: Hoeffding().upper(each, Mean(), DELTA / 6)[0] for name, each in samples.items()}
    lower = {name: Hoeffding().lower(each, Mean(), DELTA / 6)[0] for name, each in samples.items()}
    pairs = [(g, h) for g in "abc" for h in "abc" if g != h]
    assert report.gap_upper == pytest.approx(max(upper[g] - lower[h] for g, h in pairs), rel=1e-12)
    assert report.ratio_upper == pytest.approx(max(upper[g] / lower[h] for g, h in pairs), rel=1e-12)


def coverage(rng, repetitions, sizes, rates):
    """Repetitions in which some group bound fails: (jointly, each at the full error, gap, ratio)."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    truth = np.array(rates)
    failed = np.zeros(4, dtype=int)
    for _ in range(repetitions):
        losses = (rng.random(len(groups)) < truth[groups]) * 1.0
        report = group_bounds(losses, groups, binary=True)
        alone = [
            ClopperPearson().upper(Sample(losses[groups == g][np.newaxis], (0.0, 1.0)), Mean(), DELTA)[0]
            for g in range(len(sizes))
        ]
        failed += [
            (np.array(list(report.upper.values())) < truth).any(),
            (np.array(alone) < truth).any(),
            report.gap_upper < truth.max() - truth.min(),
            report.ratio_upper < truth.max() / truth.min(),
        ]
    return failed


def test_groups_are_covered_together(rng):
    repetitions = 600
    jointly, alone, gap, ratio = coverage(
        rng, repetitions, [300, 150, 100, 200, 250, 120], [0.3] * 3 + [0.4] * 3
    )
    assert not too_many(int(jointly), repetitions, DELTA)
    assert not too_many(int(gap), repetitions, DELTA)
    assert not too_many(int(ratio), repetitions, DELTA)
    assert too_many(int(alone), repetitions, DELTA)  # groups each at delta are not bounded together


def test_empty_and_tiny_groups_are_not_left_out(data):
    losses, groups = data
    report = group_bounds(losses, groups, names=["a", "b", "c", "d"])
    assert report.upper["d"] == report.max_upper == 1.0
    assert report.n_units["d"] == 0
    assert np.isnan(report.estimates["d"])
    assert report.ratio_upper == np.inf
    assert any(
        "Group 'd' is empty: its bound is the largest possible value, 1." in note for note in report.notes
    )
    one = group_bounds([0.1, 0.2, 0.3], ["a", "a", "b"], bound=EmpiricalBernstein())
    assert one.upper["b"] == 1.0
    assert any("Group 'b' has 1 units, which say no more" in note for note in one.notes)


def test_categories_of_a_frame_count_as_groups(data):
    pd = pytest.importorskip("pandas")
    losses, groups = data
    categories = pd.Categorical(groups, categories=["a", "b", "c", "d"])
    for labels in (categories, pd.Series(categories)):
        report = group_bounds(losses, labels)
        assert list(report.upper) == ["a", "b", "c", "d"]
        assert report.upper["d"] == 1.0


def test_one_group_is_a_plain_bound(data):
    losses, _ = data
    report = group_bounds(losses, np.zeros(400))
    assert report.upper["0.0"] == Betting()(losses).value
    assert (report.gap_upper, report.ratio_upper) == (0.0, 1.0)
    assert "differ" not in report.summary()


def test_every_group_takes_its_own_bound(rng):
    losses = rng.random(2600) ** 2
    groups = np.where(np.arange(2600) < 2200, "large", "small")
    report = group_bounds(losses, groups, CVaR(0.9))
    assert report.bound == f"{RockafellarUryasev()}, {BerkJones(levels=(0.9, 1.0))}"
    assert report.gap_upper < 1.0
    betting = group_bounds(losses, groups, CVaR(0.9), RockafellarUryasev())
    assert betting.gap_upper == pytest.approx(max(betting.upper.values()), abs=0.05)  # no lower bound but 0


def test_clusters_within_groups(data):
    losses, groups = data
    cluster = np.arange(400) // 4
    report = group_bounds(losses, groups, cluster=cluster)
    assert report.n_units["a"] == len(np.unique(cluster[groups == "a"]))


def test_scale_and_measures_of_inequality(data):
    losses, groups = data
    plain = group_bounds(losses, groups)
    moved = group_bounds(10 * losses - 5, groups, support=(-5, 5))
    assert moved.gap_upper == pytest.approx(10 * plain.gap_upper, rel=1e-9)
    assert moved.ratio_upper == np.inf
    empty = group_bounds(10 * losses, groups, Gini(), support=(0, 10), names=["a", "b", "c", "d"])
    assert empty.upper["d"] == 1.0


def test_words_and_data(data):
    losses, groups = data
    report = group_bounds(losses, groups)
    lines = str(report).splitlines()
    assert lines[0].startswith(
        f"With 95 % confidence Mean is at most {report.max_upper:.6g} in every one of 3 groups"
    )
    assert "as a statement of its own" in lines[4]
    assert json.loads(json.dumps(report.to_dict()))["n_units"] == report.n_units


def test_frame(data):
    pytest.importorskip("pandas")
    frame = group_bounds(*data).to_frame()
    assert list(frame.columns) == ["group", "n_units", "estimate", "upper"]
    assert len(frame) == 3


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"bound": "betting"}, InvalidInput, "`bound` must be a bound"),
        ({"groups": ["a"]}, InvalidInput, "`groups` must be one label per loss, 3"),
        ({"groups": ["a", None, "b"]}, InvalidInput, "`groups` has 1 missing labels"),
        ({"names": ["a"]}, InvalidInput, "`names` lacks the groups 'b'"),
        ({"names": ["a", "a", "b"]}, InvalidInput, "`names` must be different names"),
        ({"measure": "mean"}, InvalidInput, "`measure` must be a risk measure"),
        ({"measure": CVaR(0.5), "bound": Hoeffding()}, IncompatibleBound, "`Hoeffding` bounds a mean"),
        ({"cluster": [1]}, InvalidInput, "`cluster` must be one label per loss"),
    ],
)
def test_messages(arguments, error, message):
    with pytest.raises(error, match=message):
        group_bounds([0.1, 0.2, 0.3], **{"groups": ["a", "b", "b"], **arguments})


def test_the_picture_shows_every_group_and_names_the_empty_ones(rng):
    losses, groups = rng.random(60), np.repeat(["a", "b"], 30)
    axes = group_bounds(losses, groups, names=["a", "b", "c"]).plot().axes[0]
    assert sorted(label.get_text() for label in axes.get_yticklabels()) == ["a (n = 30)", "b (n = 30)"]
    assert axes.get_xlabel() == "loss; without units, and without a bound: c"
    assert group_bounds(losses, groups).plot().axes[0].get_xlabel() == "loss"
