import json
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest

from riskstats.bounds.base import MeanBound
from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.betting import Betting
from riskstats.bounds.choose import recommend
from riskstats.bounds.clopper_pearson import ClopperPearson
from riskstats.bounds.dkw import DKW
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.hoeffding_bentkus import HoeffdingBentkus
from riskstats.bounds.multiple_testing import bonferroni, fixed_sequence, holm, sequential_graphical
from riskstats.bounds.order_statistics import OrderStatisticBand
from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev
from riskstats.bounds.sample import Sample
from riskstats.bounds.split_bound import SplitBound
from riskstats.control.api import Requirement, certify, certify_jointly
from riskstats.control.selection import pareto_order
from riskstats.exceptions import AssumptionWarning, IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.gini import Gini
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.measures.var_interval import VaRInterval
from riskstats.results import Status
from tests.theorems.laws import too_many

DELTA = 1 - 0.95
LABELS = [f"q{i}" for i in range(300)]
MEASURES = [Mean(), ValueAtRisk(0.8), CVaR(0.8), VaRInterval(0.2, 0.8), Gini()]


@pytest.fixture
def losses(rng):
    """12 candidates on 300 shared units, from better to worse."""
    shared = rng.random(300)
    shift = np.linspace(0.0, 0.5, 12)[:, np.newaxis]
    return np.clip(0.5 * shared**2 + shift + 0.05 * rng.standard_normal((12, 300)), 0.0, 1.0)


@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_answer_is_what_bound_and_procedure_say(losses, measure):
    limit = 0.5
    found = certify(losses, measure, risk_limit=limit, bound=DKW())
    sample = Sample(losses, (0.0, 1.0))
    p = DKW().p_value(sample, measure, limit, DELTA / 12)
    np.testing.assert_array_equal(found.p_values, p)
    np.testing.assert_array_equal(found.upper_bounds, DKW().upper(sample, measure, DELTA / 12))
    np.testing.assert_array_equal(found.estimates, measure(losses))
    assert found.certified == tuple(holm(p))
    assert found.selected == min(found.certified, key=lambda j: found.estimates[j], default=None)
    assert (found.measure, found.bound) == (str(measure), str(DKW()))
    assert (found.n_units, found.procedure, found.confidence_level) == (300, "holm", 0.95)


@pytest.mark.parametrize("measure", MEASURES, ids=str)
@pytest.mark.parametrize("limit", [0.35, 0.45, 0.7])
def test_bonferroni_certifies_where_the_upper_bound_keeps_the_limit(losses, measure, limit):
    for bound in (DKW(), recommend(measure, 300)):
        found = certify(losses, measure, risk_limit=limit, bound=bound, procedure=bonferroni)
        assert found.certified == tuple(np.flatnonzero(found.upper_bounds <= limit))


def test_sequence_tests_at_the_full_error(losses):
    limit = float(Betting().upper(Sample(losses[:1], (0.0, 1.0)), Mean(), DELTA)[0]) + 1e-9
    found = certify(losses, risk_limit=limit, procedure=fixed_sequence(order=[0, 1]))
    assert found.certified == (0,)
    assert certify(losses, risk_limit=limit).certified == ()


@pytest.mark.parametrize("procedure", [holm, bonferroni, fixed_sequence(order=[0])])
def test_one_candidate_is_the_plain_test(rng, procedure):
    sample = 0.3 * rng.random(80)
    value = Hoeffding()(sample).value
    for limit, certified in ((value + 1e-9, (0,)), (value - 1e-9, ())):
        assert (
            certify(sample, risk_limit=limit, bound=Hoeffding(), procedure=procedure).certified == certified
        )


@pytest.mark.parametrize(
    ("measure", "n", "binary", "bound"),
    [
        (None, 40, False, Betting()),
        (Mean(), 40, True, ClopperPearson()),
        (ValueAtRisk(0.9), 40, False, OrderStatisticBand(0.9)),
        (CVaR(0.9), 100, False, BerkJones(levels=(0.9, 1.0))),
        (CVaR(0.9), 2000, False, RockafellarUryasev()),
        (Gini(), 40, False, BerkJones()),
    ],
)
def test_bound_by_default(rng, measure, n, binary, bound):
    values = (rng.random((2, n)) < 0.2) * 1.0
    assert certify(values, measure, risk_limit=0.5, binary=binary).bound == str(bound)


def test_booleans_are_binary(rng):
    values = rng.random((2, 50)) < 0.1
    assert certify(values, risk_limit=0.5).bound == str(ClopperPearson())


# selection


def test_selection_is_among_certified_only(losses):
    """The smallest objective of all belongs to a candidate that is not certified."""
    cost = np.arange(12.0)[::-1]
    found = certify(losses, risk_limit=0.4, objective=cost)
    assert found.selected in found.certified
    assert found.selected != int(np.argmin(cost))
    assert cost[found.selected] == cost[list(found.certified)].min()


def test_smallest_estimate_may_be_uncertified():
    """A candidate with the smallest risk in the sample, tested last in a sequence that stopped before."""
    values = np.array([np.full(200, 0.2), np.full(200, 0.9), np.zeros(200)])
    found = certify(values, risk_limit=0.5, procedure=fixed_sequence(order=[0, 1, 2]))
    assert (found.certified, found.selected) == ((0,), 0)
    assert int(np.argmin(found.estimates)) == 2


def test_nothing_certified(losses):
    found = certify(losses, risk_limit=0.05)
    assert (found.certified, found.selected, found.selected_name) == ((), None, None)
    assert found.status is Status.NOT_CERTIFIED
    assert found.summary().startswith(
        "None of 12 candidates is certified to keep Mean at most 0.05 with 95 %"
    )


def test_pareto_testing_reaches_further_than_holm(rng):
    """Half of the units order 200 candidates; dominated ones cost nothing."""
    saved = []
    for _ in range(10):
        quality, cost = rng.random(200), rng.random(200)
        risk = 0.05 + 0.5 * (1 - cost) + 0.3 * quality
        values = (rng.random((200, 600)) < risk[:, np.newaxis]) * 1.0
        first, second = values[:, :300], values[:, 300:]
        order = pareto_order(np.column_stack([first.mean(axis=1), cost]))
        assert len(order) < 60
        sequence = fixed_sequence(order=order)
        found = certify(second, risk_limit=0.3, procedure=sequence, objective=cost, binary=True)
        plain = certify(second, risk_limit=0.3, objective=cost, binary=True)
        assert set(found.certified) <= set(order)
        saved.append(cost[plain.selected] - cost[found.selected])
    assert np.mean(saved) > 0.01


# several risks


def test_p_value_of_several_risks_is_the_largest(losses, rng):
    cost = rng.random((12, 50)) * np.linspace(1.0, 0.1, 12)[:, np.newaxis] * 2
    wanted = [
        Requirement(losses, CVaR(0.8), 0.8, bound=DKW()),
        Requirement(cost, Mean(), 2.0, bound=Hoeffding(), support=(0.0, 4.0)),
    ]
    found = certify_jointly(wanted)
    alone = [
        certify(losses, CVaR(0.8), risk_limit=0.8, bound=DKW()),
        certify(cost, risk_limit=2.0, bound=Hoeffding(), support=(0.0, 4.0)),
    ]
    np.testing.assert_array_equal(found.p_values, np.maximum(*(each.p_values for each in alone)))
    assert found.certified == tuple(holm(found.p_values))
    assert set(found.certified) <= set(alone[0].certified) & set(alone[1].certified)
    assert found.certified
    assert [risk.n_units for risk in found.risks] == [300, 50]
    np.testing.assert_array_equal(found.estimates, found.risks[0].estimates)
    pays = Hoeffding().upper(Sample(cost, (0.0, 4.0)), Mean(), DELTA / 24)
    np.testing.assert_allclose(found.risks[1].upper_bounds, pays, rtol=1e-13)
    text = found.summary()
    assert "CVaR(0.8) at most 0.8 and Mean at most 2" in text
    assert "300 units and 50 units" in text
    assert "The 24 upper bounds hold together" in text


def test_requirements_on_one_measure_are_told_apart(losses):
    wanted = [Requirement(losses, Mean(), 0.4), Requirement(losses / 2, Mean(), 0.3)]
    assert "keeps Mean of requirement 1 at most 0.4 and Mean of requirement 2 at most 0.3 (" in str(
        certify_jointly(wanted)
    )
    named = [replace(wanted[0], name="toxicity"), replace(wanted[1], name="length")]
    found = certify_jointly(named)
    assert "keeps Mean of toxicity at most 0.4 and Mean of length at most 0.3 (" in found.summary()
    assert [risk["name"] for risk in found.to_dict()["risks"]] == ["toxicity", "length"]
    assert [risk.name for risk in certify_jointly([wanted[0], named[1]]).risks] == ["", "length"]
    with pytest.raises(InvalidInput, match="two requirements are on Mean of 'length'; give each its own"):
        certify_jointly([named[1], named[1]])


def test_one_requirement_is_certify(losses):
    found, plain = certify_jointly([Requirement(losses, Mean(), 0.4)]), certify(losses, risk_limit=0.4)
    assert found.to_dict() == plain.to_dict()


# peers


def test_reported_bounds_hold_for_all_prompts_at_once(rng):
    """50 equal prompts: the bound of whichever is chosen fails in at most delta of the samples."""
    m, n, repetitions = 50, 200, 200
    missed = plain = 0
    for _ in range(repetitions):
        values = (rng.random((m, n)) < 0.3) * 1.0
        found = certify(values, risk_limit=0.35, bound=HoeffdingBentkus())
        missed += found.upper_bounds.min() < 0.3
        plain += HoeffdingBentkus().upper(Sample(values, (0.0, 1.0)), Mean(), DELTA).min() < 0.3
    assert not too_many(int(missed), repetitions, DELTA)
    assert plain / repetitions > 0.5  # with delta not divided


# units, names, scales


def test_clusters_are_the_units(losses):
    labels = np.repeat(np.arange(60), 5)
    found = certify(losses, risk_limit=0.4, cluster=labels)
    reduced = certify(losses.reshape(12, 60, 5).mean(axis=2), risk_limit=0.4)
    np.testing.assert_allclose(found.p_values, reduced.p_values, rtol=1e-9)
    assert found.n_units == 60
    assert "60 clusters" in found.summary()
    one_each = certify(losses > 0.5, risk_limit=0.9, cluster=labels)
    assert one_each.bound == str(Betting())


def test_frames_name_the_candidates(losses):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(losses[:3].T, columns=["short", "long", "chain"], index=LABELS)
    found = certify(frame, risk_limit=0.4)
    assert found.names == ("short", "long", "chain")
    assert found.selected_name == "short"
    assert found.certified_names == tuple(found.names[i] for i in found.certified)
    repeated = frame.set_axis(["q17"] * 2 + LABELS[2:], axis=0)
    with pytest.raises(InvalidInput, match=r"unit id 'q17' appears 3 times.*`unit_losses\(losses, unit\)`"):
        certify(repeated, risk_limit=0.4)
    assert certify(repeated, risk_limit=0.4, cluster=repeated.index).n_units == 298


def test_dictionary_and_own_names(losses):
    found = certify({"a": losses[0], "b": losses[1]}, risk_limit=0.4)
    assert found.names == ("a", "b")
    assert certify(losses[:2], risk_limit=0.4, names=["x", "y"]).names == ("x", "y")
    assert certify(losses[:2], risk_limit=0.4).names == ("0", "1")


@pytest.mark.parametrize("measure", [Mean(), ValueAtRisk(0.8), CVaR(0.8)], ids=str)
def test_scale_of_the_losses(losses, measure):
    plain = certify(losses, measure, risk_limit=0.45)
    moved = certify(3 + 2 * losses, measure, risk_limit=3 + 2 * 0.45, support=(3.0, 5.0))
    assert moved.certified == plain.certified
    np.testing.assert_allclose(moved.p_values, plain.p_values, rtol=1e-6)
    np.testing.assert_allclose(moved.upper_bounds, 3 + 2 * plain.upper_bounds, rtol=1e-9)


def test_unbounded_losses_and_a_quantile(rng):
    values = rng.exponential(size=(3, 200)) * np.array([[1.0], [1.5], [9.0]])
    found = certify(values, ValueAtRisk(0.8), risk_limit=6.0, support=(0.0, np.inf))
    assert found.certified == (0, 1)


def test_a_baseline_contest_is_certify_on_differences(rng):
    items = rng.random(400)
    baseline = np.clip(items + 0.1, 0, 1)
    values = np.clip(items + np.array([[-0.1], [0.05], [0.1], [0.2]]) + 0.02 * rng.random((4, 400)), 0, 1)
    found = certify(values - baseline, risk_limit=0.0, support=(-1.0, 1.0))
    assert found.certified == (0, 1)


def test_limit_at_the_top_or_below_the_bottom(losses):
    found = certify(losses, risk_limit=1.0)
    assert found.certified == tuple(range(12))
    assert any("trivially met" in note for note in found.notes)
    below = certify(losses, risk_limit=-0.1)
    assert below.certified == ()
    assert any("cannot be met" in note for note in below.notes)


# device


@dataclass(frozen=True)
class Placed(MeanBound):
    device: str = "auto"

    def mean_upper(self, losses, delta):
        return np.full(len(losses), {"auto": 0.1, "cpu": 0.2}[self.device])

    def mean_p_value(self, losses, risk_limit, delta):
        return np.ones(len(losses))


def test_device_is_passed_to_bounds_that_have_one(losses):
    assert certify(losses, risk_limit=0.4, bound=Placed()).upper_bounds[0] == 0.1
    assert certify(losses, risk_limit=0.4, bound=Placed(), device="cpu").upper_bounds[0] == 0.2
    certify(losses, risk_limit=0.4, bound=DKW(), device="cpu")


def test_devices_agree(losses):
    pytest.importorskip("jax")
    plain = certify(losses, risk_limit=0.4, device="numpy")
    compiled = certify(losses, risk_limit=0.4, device="cpu")
    np.testing.assert_allclose(compiled.p_values, plain.p_values, rtol=1e-10)
    np.testing.assert_allclose(compiled.upper_bounds, plain.upper_bounds, atol=1e-12)


# words


def test_summary_states_the_guarantee(losses):
    found = certify(losses, risk_limit=0.4)
    first = found.summary().splitlines()[0]
    assert first == (
        f"{len(found.certified)} of 12 candidates certified: with 95 % confidence every one of them keeps "
        "Mean at most 0.4 (holm over 12 candidates, Betting, 300 units), and choosing among them after "
        "looking is covered."
    )
    assert str(found) == found.summary()
    assert f"Selected: '{found.selected}', estimate" in found.summary()
    assert "does not cover errors of a judge" in found.summary()


def test_summary_of_holm_says_that_bounds_may_exceed_the_limit():
    values = np.concatenate([np.zeros((9, 30)), np.full((1, 30), 0.1)])
    limit = 0.38
    found = certify(values, risk_limit=limit, bound=Hoeffding())
    assert found.upper_bounds[9] > limit
    assert 9 in found.certified
    assert "may exceed the limit, as that of 1 does here" in found.summary()
    assert "may exceed" not in certify(values, risk_limit=limit, procedure=bonferroni).summary()


def test_order_is_noted_where_it_matters(losses):
    def noted(**kwargs):
        return any("order of the data" in note for note in certify(losses, risk_limit=0.6, **kwargs).notes)

    assert noted()
    assert not noted(bound=Hoeffding())
    assert not noted(measure=CVaR(0.8), bound=DKW())
    assert noted(measure=CVaR(0.8), bound=RockafellarUryasev())
    assert noted(bound=SplitBound((Hoeffding(), Betting())))
    assert not noted(bound=SplitBound((Hoeffding(), DKW())))
    sequence = certify(losses, risk_limit=0.6, procedure=fixed_sequence(order=range(12)))
    assert any("order of the fixed sequence must not depend on these" in note for note in sequence.notes)


def test_losses_that_rise_along_the_rows_are_noticed(losses):
    """Sorted losses certify a mean of .5 at .3: a bound by betting needs an order that looks at no loss."""
    rising = np.sort(losses[0])
    with pytest.warns(AssumptionWarning, match=r"`losses` rise along the rows .* Shuffle the rows") as caught:
        assert certify(rising, risk_limit=0.9 * rising.mean()).certified
    assert caught[0].filename == __file__
    with pytest.warns(AssumptionWarning, match="`losses` of candidate 1 fall along the rows"):
        certify(np.array([losses[0], rising[::-1]]), risk_limit=0.4)
    with pytest.warns(AssumptionWarning, match="rise along the rows"):
        certify_jointly([Requirement(np.sort(losses), CVaR(0.8), 0.5, RockafellarUryasev())])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        certify(rising, risk_limit=0.4, bound=DKW())
        certify(np.repeat([0.3], 100), risk_limit=0.4)


def test_order_of_units_matters_only_where_it_is_noted(losses, rng):
    shuffled = losses[:, rng.permutation(300)]
    for bound in (Hoeffding(), DKW()):
        a, b = (certify(each, risk_limit=0.4, bound=bound).p_values for each in (losses, shuffled))
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_answer_is_plain_data(losses):
    found = certify_jointly([Requirement(losses, Mean(), 0.4), Requirement(losses, CVaR(0.8), 0.7)])
    data = found.to_dict()
    assert json.loads(json.dumps(data)) == data
    assert data["certified"] == list(found.certified)
    assert data["status"] == "CERTIFIED"
    assert len(data["risks"]) == 2
    assert data["certified_names"] == list(found.certified_names) == list(map(str, found.certified))
    assert data["selected_name"] == found.selected_name


def test_frame_has_one_row_per_candidate(losses):
    pytest.importorskip("pandas")
    found = certify(losses, risk_limit=0.4)
    frame = found.to_frame()
    assert list(frame.columns) == ["name", "estimate", "p_value", "upper_bound", "certified", "selected"]
    assert tuple(np.flatnonzero(frame["certified"])) == found.certified
    assert frame.index[frame["selected"]].tolist() == [found.selected]


def test_plot(losses):
    import matplotlib.pyplot as plt

    figure = certify(losses, risk_limit=0.4).plot()
    assert figure.axes
    plt.close(figure)


def test_answers_are_frozen(losses):
    found = certify(losses, risk_limit=0.4)
    with pytest.raises(AttributeError):
        found.selected = 3
    with pytest.raises(ValueError, match="read-only"):
        found.p_values[0] = 0.0
    assert replace(found, unit="prompts").unit == "prompts"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"risk_limit": np.nan}, InvalidInput, "`risk_limit` must be a finite number"),
        ({"risk_limit": "x"}, InvalidInput, "`risk_limit` must be a finite number"),
        ({"confidence_level": 0.05}, InvalidInput, r"`confidence_level` must be in .*Did you mean 0\.95"),
        ({"measure": "cvar"}, InvalidInput, "`measure` must be a risk measure"),
        ({"bound": "betting"}, InvalidInput, "`bound` must be a bound"),
        ({"measure": CVaR(0.9), "bound": Hoeffding()}, IncompatibleBound, "`Hoeffding` bounds a mean"),
        ({"bound": ClopperPearson()}, InvalidInput, "`ClopperPearson` needs losses 0 or 1.*Use `Betting`"),
        (
            {"procedure": fixed_sequence},
            InvalidInput,
            r"`fixed_sequence` needs `order=` chosen without these losses; got None\.",
        ),
        ({"procedure": sequential_graphical}, InvalidInput, "needs `weights=` and `transitions=`"),
        ({"procedure": "holm"}, InvalidInput, "`procedure` must be a multiple test"),
        ({"procedure": lambda p, level: np.array([99])}, InvalidInput, "must return indices of candidates"),
        ({"procedure": lambda p, level: p < 0.1}, InvalidInput, "must return indices of candidates"),
        ({"objective": [1.0]}, InvalidInput, "`objective` has 1 values for 12 candidates"),
        ({"objective": [np.nan] * 12}, InvalidInput, "`objective` has 12 NaN"),
        ({"names": ["a"]}, InvalidInput, "`names` has 1 names for 12 candidates"),
        ({"support": (0.0, 0.5)}, InvalidInput, r"`losses` must lie in support \(0, 0\.5\); got max"),
        ({"cluster": [1, 2]}, InvalidInput, "one label per loss, 300"),
        ({"device": "tpu"}, InvalidInput, "`device` must be one of"),
    ],
)
def test_messages(losses, arguments, error, message):
    with pytest.raises(error, match=message):
        certify(losses, **{"risk_limit": 0.4, **arguments})


def test_messages_of_losses(losses):
    missing = losses.copy()
    missing[0, 17] = missing[2, 3] = np.nan
    with pytest.raises(InvalidInput, match=r"`losses` contains 2 NaN, first at \(0, 17\)"):
        certify(missing, risk_limit=0.4)
    with pytest.warns(AssumptionWarning, match=r"shape \(300, 12\): 300 candidates x 12 units"):
        certify(losses.T, risk_limit=0.4)
    with pytest.warns(AssumptionWarning, match="larger must be worse"):
        certify({"accuracy": losses[0]}, risk_limit=0.4)


@pytest.mark.parametrize(
    ("requirements", "message"),
    [
        ([], "must be a list of `Requirement`"),
        (None, "must be a list of `Requirement`"),
        ([np.zeros((2, 3))], "must be a list of `Requirement`; got ndarray"),
        (
            [Requirement(np.zeros((2, 3)), Mean(), 0.5), Requirement(np.zeros((3, 3)), Mean(), 0.5)],
            r"must score the same candidates; got \[2, 3\]",
        ),
        (
            [Requirement({"a": [0.1]}, Mean(), 0.5), Requirement({"b": [0.1]}, Mean(), 0.5)],
            "must name the same candidates in the same order; got 'a' and 'b'",
        ),
        ([Requirement(np.zeros((2, 3)), Mean(), np.inf)], "`risk_limit` must be a finite number"),
    ],
)
def test_messages_of_several_risks(requirements, message):
    with pytest.raises(InvalidInput, match=message):
        certify_jointly(requirements)


def test_no_warning_without_a_reason(losses):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        certify(losses, risk_limit=0.4)
