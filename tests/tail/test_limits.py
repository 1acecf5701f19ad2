"""Limits for CVaR: golden values, the guard, the support, weights and clusters, and what is refused."""

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest

from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.betting import Betting
from riskstats.bounds.brown import Brown
from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev
from riskstats.bounds.sample import Sample
from riskstats.bounds.split_bound import SplitBound
from riskstats.bounds.thomas_learned_miller import ThomasLearnedMiller
from riskstats.exceptions import AssumptionWarning, IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR, cvar
from riskstats.results import Status
from riskstats.tail.limit_methods import studentised_ends
from riskstats.tail.limits import Asymptotic, BootstrapT, SplitBetting, cvar_interval
from tests.tail.goldens import LIMITS, golden_losses
from tests.tail.populations import LEVEL, A

UNIT = (0.0, 1.0)
GUARANTEED = [
    SplitBetting(),
    RockafellarUryasev(),
    BerkJones(levels=(LEVEL, 1.0)),
    Brown(),
    ThomasLearnedMiller(),
    SplitBound((BerkJones(levels=(LEVEL, 1.0)), RockafellarUryasev("split"))),
]
APPROXIMATE = [Asymptotic(), BootstrapT()]


@pytest.fixture
def losses(rng):
    return A.draw(rng, 1, 901)[0]


# ---- values


@pytest.mark.parametrize("golden", LIMITS, ids=lambda golden: f"{golden['sample']}, {golden['delta']}")
def test_golden_asymptotic_limits(golden):
    found = {
        side: cvar_interval(
            golden_losses(golden["sample"]),
            golden["alpha"],
            1 - golden["delta"],
            limit=Asymptotic(),
            side=side,
        )
        for side in ("upper", "lower")
    }
    assert found["upper"].estimate == pytest.approx(golden["cvar"], abs=1e-10)
    assert found["upper"].value_at_risk == pytest.approx(golden["var"], abs=1e-10)
    assert found["upper"].standard_error == pytest.approx(golden["asym_se"], abs=1e-10)
    assert found["upper"].upper == pytest.approx(golden["asym_upper"], abs=1e-10)
    assert found["lower"].lower == pytest.approx(golden["asym_lower"], abs=1e-10)


@pytest.mark.parametrize("golden", LIMITS, ids=lambda golden: f"{golden['sample']}, {golden['delta']}")
@pytest.mark.parametrize(("limit", "key"), [(Brown(), "brown"), (ThomasLearnedMiller(), "tlm")])
def test_golden_guaranteed_limits(golden, limit, key):
    x, confidence = golden_losses(golden["sample"]), 1 - golden["delta"]
    upper = cvar_interval(x, golden["alpha"], confidence, limit=limit, support=UNIT)
    lower = cvar_interval(x, golden["alpha"], confidence, limit=limit, support=UNIT, side="lower")
    assert upper.upper == pytest.approx(min(golden[f"{key}_upper"], 1.0), abs=1e-10)
    assert lower.lower == pytest.approx(max(golden[f"{key}_lower"], 0.0), abs=1e-10)


def test_the_studentised_quantile_by_hand():
    """R = 19 and error 0.1: the second smallest and the second largest of T*."""
    errors = np.full(19, 0.5)
    t = np.array([3.0, -2.0, 1.0, *np.linspace(-1, 0.9, 16)])
    found = studentised_ends(2.0, 0.1, 2.0 + t * errors, errors, 0.1, ("lower", "upper"))
    assert found.upper == pytest.approx(2.0 + 1.0 * 0.1)
    assert found.lower == pytest.approx(2.0 - 1.0 * 0.1)
    assert found.degenerate_share == 0
    assert not found.warnings


def test_flat_resamples_count_as_the_worst_on_both_sides():
    cvars, errors = 2.0 + np.linspace(-1, 1, 19), np.full(19, 1.0)
    errors[9] = 0.0
    found = studentised_ends(2.0, 0.1, cvars, errors, 0.1, ("lower", "upper"))
    assert found.upper == pytest.approx(2.1)
    assert found.lower == pytest.approx(1.9)
    errors[8] = 0.0
    found = studentised_ends(2.0, 0.1, cvars, errors, 0.1, ("upper",))
    assert found.upper == math.inf
    assert found.lower == -math.inf
    assert found.degenerate_share == pytest.approx(2 / 19)
    assert found.warnings == (
        "10.5 % of the resamples have a tail of one atom: the upper limit is the end of the support.",
    )


def test_two_sides_share_the_error(losses):
    for limit in (Asymptotic(), BerkJones(levels=(LEVEL, 1.0)), ThomasLearnedMiller(), Brown()):
        both = cvar_interval(losses, LEVEL, 0.9, limit=limit, side="two-sided", support=UNIT)
        upper = cvar_interval(losses, LEVEL, 0.95, limit=limit, support=UNIT)
        lower = cvar_interval(losses, LEVEL, 0.95, limit=limit, side="lower", support=UNIT)
        assert (both.lower, both.upper) == pytest.approx((lower.lower, upper.upper), abs=1e-12)
        assert upper.lower is None
        assert lower.upper is None


def test_the_asymptotic_reach_is_a_normal_quantile(losses):
    found = cvar_interval(losses, LEVEL, 0.99, limit=Asymptotic())
    expected = found.estimate + NormalDist().inv_cdf(0.99) * found.standard_error
    assert found.upper == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("limit", GUARANTEED, ids=str)
def test_a_bound_is_a_limit_as_it_stands(losses, limit):
    found = cvar_interval(losses, LEVEL, limit=limit, support=UNIT, random_state=3)
    bound = limit
    if isinstance(limit, SplitBetting):
        from riskstats._random import seed

        bound = RockafellarUryasev("split", random_state=seed(3))
    assert found.upper == bound.upper(Sample(losses[np.newaxis], UNIT), CVaR(LEVEL), 1 - 0.95)[0]
    assert found.guaranteed
    assert found.standard_error is None
    assert found.upper >= found.estimate


def test_confidence_widens_every_limit(losses):
    for limit in [*GUARANTEED, *APPROXIMATE]:
        uppers = [
            cvar_interval(losses, LEVEL, confidence, limit=limit, support=UNIT, random_state=1).upper
            for confidence in (0.6, 0.9, 0.99)
        ]
        assert uppers == sorted(uppers)
        assert uppers[0] < uppers[-1] or uppers[0] == 1.0


# ---- the sample


def test_integer_state_repeats_and_is_recorded(losses):
    one, other = (cvar_interval(losses, LEVEL, random_state=4) for _ in range(2))
    assert one == other
    assert one.provenance.seed == 4
    assert one.upper != cvar_interval(losses, LEVEL, random_state=5).upper


@pytest.mark.parametrize("limit", APPROXIMATE, ids=str)
def test_constant_and_zero_weights_change_nothing(losses, limit):
    plain = cvar_interval(losses, LEVEL, limit=limit, random_state=1, side="two-sided")
    padded = cvar_interval(
        np.append(losses, [1.0, 1.0]),
        LEVEL,
        limit=limit,
        random_state=1,
        side="two-sided",
        sample_weight=np.append(np.full(901, 3.0), [0, 0]),
        cluster=np.arange(903),
    )
    assert (padded.lower, padded.upper, padded.n) == (plain.lower, plain.upper, 901)


def test_a_cluster_repeated_is_one_unit(losses):
    """Every loss twice in its cluster says no more than once."""
    once = cvar_interval(losses, LEVEL, limit=Asymptotic())
    twice = cvar_interval(np.repeat(losses, 2), LEVEL, limit=Asymptotic(), cluster=np.repeat(range(901), 2))
    assert twice.standard_error == pytest.approx(once.standard_error, rel=1e-12)
    assert (twice.n, twice.n_units) == (1802, 901)
    blind = cvar_interval(np.repeat(losses, 2), LEVEL, limit=Asymptotic())
    assert blind.standard_error < 0.75 * once.standard_error


def test_order_of_rows_is_nothing_to_the_approximate_estimate(losses, rng):
    mixed = rng.permutation(losses)
    one, other = (cvar_interval(x, LEVEL, limit=Asymptotic()) for x in (losses, mixed))
    assert one.upper == pytest.approx(other.upper, abs=1e-14)


@pytest.mark.parametrize("limit", [*GUARANTEED, *APPROXIMATE], ids=str)
@pytest.mark.parametrize("x", [[0.3], [0.0, 1.0], [0.5] * 40, [0.0] * 30 + [1.0]], ids=len)
@pytest.mark.filterwarnings("ignore::riskstats.exceptions.AssumptionWarning")
def test_every_sample_gives_a_limit_in_the_support(limit, x):
    for level in (0.0, 0.5, 0.95, 0.999):
        try:
            found = cvar_interval(x, level, limit=limit, support=UNIT, random_state=1)
        except IncompatibleBound:
            continue
        assert found.estimate - 1e-12 <= found.upper <= 1.0
        assert found.status is Status.BOUND


@pytest.mark.parametrize("limit", APPROXIMATE, ids=str)
def test_a_flat_tail_has_no_limit_but_the_support(limit):
    with pytest.warns(AssumptionWarning, match="one atom"):
        found = cvar_interval([0.2] * 30, LEVEL, limit=limit, side="two-sided", support=(0.0, 0.7))
    assert (found.lower, found.upper) == (0.0, 0.7)
    with pytest.warns(AssumptionWarning, match="one atom"):
        found = cvar_interval([0.2] * 30, LEVEL, limit=limit)
    assert found.upper == math.inf
    assert found.status is Status.NO_BOUND
    assert "no limit with 95 % confidence" in found.summary()


def test_limits_are_cut_to_the_support():
    x = np.repeat([0.0, 1.0], [970, 30])
    found = cvar_interval(x, LEVEL, 0.999, limit=Asymptotic(), side="two-sided", support=(0.0, 1.0))
    free = cvar_interval(x, LEVEL, 0.999, limit=Asymptotic(), side="two-sided")
    assert found.upper == min(free.upper, 1.0)
    assert found.lower == max(free.lower, 0.0)
    saturated = np.repeat([0.0, 1.0], [950, 50])
    with pytest.warns(AssumptionWarning, match=r"the upper limit is the end of the support"):
        assert cvar_interval(saturated, LEVEL, support=UNIT, random_state=1).upper == 1.0


def test_the_summary_says_what_it_rests_on(losses):
    found = cvar_interval(losses, LEVEL, support=UNIT, random_state=1)
    assert str(found) == found.summary()
    for part in (
        "CVaR at level 0.95 is at most 0.",
        "(BootstrapT(resamples=999), approximate)",
        "(lower); n = 901, n_tail = 45.05, n_eff = ",
        "support (0, 1)",
    ):
        assert part in found.summary()
    assert found.to_dict()["provenance"]["limit"] == "BootstrapT(resamples=999)"
    assert len(found.to_frame()) == 1


# ---- refusals


@pytest.mark.parametrize("limit", GUARANTEED, ids=str)
def test_guaranteed_limits_refuse_weights_and_clusters(losses, limit):
    weights = np.linspace(1, 2, 901)
    for given in ({"sample_weight": weights}, {"cluster": np.arange(901) // 3}):
        with pytest.raises(IncompatibleBound, match=r"has no statement with `(sample_weight|cluster)`"):
            cvar_interval(losses, LEVEL, limit=limit, support=UNIT, **given)
    cvar_interval(losses, LEVEL, limit=limit, support=UNIT, sample_weight=np.full(901, 2.0))


def test_messages_name_what_came_and_what_to_do(losses):
    cases = [
        ({"level": 95}, r"`level` must lie in \[0, 1\); got 95\. Write 0\.95\."),
        ({"level": 1.0}, r"got 1\.0\. The worst loss is `losses\.max\(\)`"),
        ({"confidence_level": 0.05}, r"got 0\.05\. Did you mean 0\.95\?"),
        (
            {"support": (0, 0.1)},
            r"`losses` must lie in support \(0, 0\.1\); got max 0\.\d+\. Rescale, or pass",
        ),
        (
            {"limit": SplitBetting()},
            r"`SplitBetting` needs a finite `support`; got None\. Pass `support=\(0, 1\)`",
        ),
        (
            {"limit": Brown(), "support": (0, math.inf)},
            r"`Brown` needs a finite `support`; got \(0\.0, inf\)",
        ),
        ({"limit": "bootstrap"}, r"`limit` must be a limit such as `BootstrapT\(\)`"),
        ({"side": "both"}, r"`side` must be one of 'upper', 'lower', 'two-sided'"),
        ({"limit": BootstrapT(18)}, r"`resamples` must be at least 19 for a limit with error 0\.05; got 18"),
        ({"sample_weight": np.full(901, -0.2)}, r"must be >= 0 with a positive sum; got min -0\.2"),
        ({"sample_weight": np.zeros(901)}, r"`sample_weight` .* zero in every row"),
        ({"cluster": [1, 2]}, r"`cluster` must be one label per loss, 901 of them"),
    ]
    for given, message in cases:
        arguments = {"level": LEVEL, **given}
        with pytest.raises(InvalidInput, match=message):
            cvar_interval(losses, **arguments)
    holes = losses.copy()
    holes[[4, 17, 900]] = np.nan
    with pytest.raises(InvalidInput, match=r"`losses` has 3 NaN at rows 4, 17, 900\. Drop them or model"):
        cvar_interval(holes, LEVEL)
    with pytest.raises(InvalidInput, match="one sample"):
        cvar_interval(np.ones((2, 3)), LEVEL)
    with pytest.raises(InvalidInput, match="`losses` is empty"):
        cvar_interval([], LEVEL)


def test_a_bound_without_cvar_or_without_the_side_is_refused(losses):
    with pytest.raises(IncompatibleBound, match="`Betting`"):
        cvar_interval(losses, LEVEL, limit=Betting(), support=UNIT)
    for limit, side in itertools.product([SplitBetting(), RockafellarUryasev()], ["lower", "two-sided"]):
        with pytest.raises(IncompatibleBound, match="from above only"):
            cvar_interval(losses, LEVEL, limit=limit, side=side, support=UNIT)


def test_any_support_serves(losses):
    """Limits move with the unit of the losses."""
    for limit in [*GUARANTEED, *APPROXIMATE]:
        plain = cvar_interval(losses, LEVEL, limit=limit, support=UNIT, random_state=1)
        moved = cvar_interval(5 * losses - 2, LEVEL, limit=limit, support=(-2.0, 3.0), random_state=1)
        assert moved.estimate == pytest.approx(cvar(5 * losses - 2, LEVEL), abs=1e-12)
        assert moved.upper == pytest.approx(5 * plain.upper - 2, abs=1e-9)
