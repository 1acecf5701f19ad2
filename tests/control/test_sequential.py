"""Decisions at any time: errors over all stopping times, and that cutting the stream changes nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from riskstats.bounds.betting_sequence import BettingSequence
from riskstats.bounds.empirical_bernstein_sequence import EmpiricalBernsteinSequence
from riskstats.control.sequential import SequentialCertifier
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.measures.mean import Mean
from riskstats.measures.value_at_risk import ValueAtRisk
from riskstats.results import Status

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "control.json").read_text(encoding="utf-8"))


def golden_sample(n):
    return ((np.arange(1, n + 1) * 0.6180339887) % 1.0) ** 2


def too_many(failures, repetitions, delta):
    """Whether so many failures have probability below 1e-6 where each has at most delta."""
    return binom.sf(failures - 1, repetitions, delta) < 1e-6


LAWS = {
    "rare": (0.02, lambda rng, n: (rng.random(n) < 0.02).astype(float)),
    "coin": (0.3, lambda rng, n: (rng.random(n) < 0.3).astype(float)),
    "smooth": (0.2, lambda rng, n: rng.beta(2, 8, n)),
    "constant": (0.4, lambda rng, n: np.full(n, 0.4)),
    "martingale": (0.5, lambda rng, n: martingale(rng, n)),
}


def martingale(rng, n):
    """Mean 1/2 given the past, with a spread that depends on the loss before."""
    signs = rng.choice([-1.0, 1.0], n)
    return 0.5 + signs * np.where(np.append(False, signs[:-1] > 0), 0.5, 0.05)


def errors(law, n, paths, seed):
    """How often a mean equal to the limit is ever certified, ever refuted, and ever outside the bounds."""
    truth, draw = LAWS[law]
    rng = np.random.default_rng(seed)
    wrong = np.zeros(4, dtype=int)
    start = SequentialCertifier(risk_limit=truth, confidence_level=0.9)
    for _ in range(paths):
        end = start.update(draw(rng, n))
        within, beyond = (
            wealth.crossed_at is not None for wealth in (end.evidence.within, end.evidence.beyond)
        )
        wrong += [within, beyond, end.upper < truth - 1e-12, end.lower > truth + 1e-12]
    return wrong


@pytest.mark.parametrize("law", LAWS)
def test_errors_over_all_stopping_times(law):
    for failures in errors(law, 4000, 400, seed=1):
        assert not too_many(failures, 400, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_errors_over_all_stopping_times_in_full(law):
    for failures in errors(law, 100_000, 2000, seed=2):
        assert not too_many(failures, 2000, 0.1)


def test_a_stream_cut_in_any_way_decides_at_the_same_unit(rng):
    losses = rng.random(1500) ** 2 * 0.9
    for limit, status in (
        (0.38, Status.CERTIFIED),
        (0.22, Status.REFUTED),
        (0.33, Status.UNDECIDED),
    ):
        whole = SequentialCertifier(risk_limit=limit).update(losses)
        assert whole.status is status
        one_by_one = SequentialCertifier(risk_limit=limit)
        seen = []
        for loss in losses:
            one_by_one = one_by_one.update(loss)
            seen.append(one_by_one.status)
        resumed = SequentialCertifier(risk_limit=limit)
        for part in np.array_split(losses, [1, 7, 8, 300, 301, 999]):
            resumed = SequentialCertifier.from_dict(json.loads(json.dumps(resumed.update(part).to_dict())))
        assert whole == one_by_one == resumed
        decided = [k for k, each in enumerate(seen, start=1) if each is not Status.UNDECIDED]
        assert (decided[0] if decided else None) == whole.decided_at
        assert all(each is status for each in seen[len(seen) - len(decided) :])


def test_the_test_is_that_of_the_betting_sequence(rng):
    losses = rng.beta(2, 8, 700)
    end = SequentialCertifier(risk_limit=0.25).update(losses)
    bound, delta = BettingSequence(), 1 - 0.95
    assert end.p_value == pytest.approx(bound.mean_p_value(losses[None], 0.25, delta)[0], rel=1e-9)
    reflected = bound.mean_p_value(1 - losses[None], 0.75, delta)[0]
    assert end.futility_p_value == pytest.approx(reflected, rel=1e-9)
    first = np.flatnonzero(bound.running(losses[: end.decided_at], delta) <= 0.25)[0] + 1
    assert end.decided_at == first


@pytest.mark.parametrize("n", [1, 2, 50, 1000])
def test_bounds_are_the_closed_form(n):
    losses, delta = golden_sample(n), 1 - 0.95
    end = SequentialCertifier(risk_limit=0.5).update(losses)
    bound = EmpiricalBernsteinSequence()
    assert end.upper == pytest.approx(bound.mean_upper(losses[None], delta)[0], abs=1e-12)
    assert end.lower == pytest.approx(1 - bound.mean_upper(1 - losses[None], delta)[0], abs=1e-12)


@pytest.mark.parametrize(
    "record", [each for each in GOLDEN["values"] if each.get("method") == "empirical_bernstein_anytime"]
)
def test_golden_values(record):
    certifier = SequentialCertifier(risk_limit=0.5, confidence_level=1 - record["delta"])
    assert certifier.update(golden_sample(record["n"])).upper == pytest.approx(record["value"], abs=1e-10)


def test_power(rng):
    """A mean of .1 against .2 is certified within a few hundred units, .3 refuted as soon."""
    for truth, status in ((0.1, Status.CERTIFIED), (0.3, Status.REFUTED)):
        ends = [SequentialCertifier(risk_limit=0.2).update(rng.random(900) < truth).status for _ in range(40)]
        assert ends.count(status) >= 38


def test_a_quantile_is_a_share_above_the_limit(rng):
    losses = rng.exponential(size=800)
    end = SequentialCertifier(risk_limit=3.0, measure=ValueAtRisk(0.9), support=(0.0, float("inf"))).update(
        losses
    )
    share = SequentialCertifier(risk_limit=1.0 - 0.9).update(losses > 3.0)
    assert end.status is Status.CERTIFIED
    assert (end.decided_at, end.p_value, end.upper) == (share.decided_at, share.p_value, share.upper)
    assert end.estimate == pytest.approx((losses > 3.0).mean())
    assert SequentialCertifier.from_dict(json.loads(json.dumps(end.to_dict()))) == end
    assert "ValueAtRisk(0.9" in str(end)
    assert "P(loss > 3)" in str(end)
    low = SequentialCertifier(risk_limit=1.5, measure=ValueAtRisk(0.9), support=(0.0, float("inf")))
    assert low.update(losses).status is Status.REFUTED


def test_support_scales(rng):
    losses = rng.random(400)
    unit = SequentialCertifier(risk_limit=0.6).update(losses)
    wide = SequentialCertifier(risk_limit=7.0, support=(-5.0, 15.0)).update(20 * losses - 5)
    assert wide.decided_at == unit.decided_at
    assert wide.upper == pytest.approx(20 * unit.upper - 5)
    assert wide.lower == pytest.approx(20 * unit.lower - 5)
    assert wide.estimate == pytest.approx(20 * unit.estimate - 5)


def test_a_decision_stays(rng):
    good = SequentialCertifier(risk_limit=0.3).update(np.zeros(100))
    assert good.status is Status.CERTIFIED
    later = good.update(np.ones(2000))
    assert later.status is Status.CERTIFIED
    assert later.decided_at == good.decided_at
    assert later.n_units == 2100
    assert later.p_value == good.p_value
    assert "may have changed" in str(later)


def test_updates_leave_the_old_one_as_it_was():
    start = SequentialCertifier(risk_limit=0.3)
    start.update(np.zeros(100))
    assert start.n_units == 0
    assert start.status is Status.UNDECIDED
    assert (start.p_value, start.upper, start.lower) == (1.0, 1.0, 0.0)
    assert np.isnan(start.estimate)
    assert "UNDECIDED after 0 units" in str(start)


def test_without_futility_nothing_is_refuted():
    end = SequentialCertifier(risk_limit=0.3, futility=False).update(np.ones(500))
    assert end.status is Status.UNDECIDED
    assert end.futility_p_value is None
    assert SequentialCertifier.from_dict(end.to_dict()) == end


def test_answers_print_and_export():
    end = SequentialCertifier(risk_limit=0.3).update(np.zeros(100))
    assert str(end).startswith(f"CERTIFIED after {end.decided_at} of 100 units: Mean")
    assert "is at most 0.3, with 95 % confidence" in str(end)
    assert end.to_frame().loc[0, "status"] == "CERTIFIED"


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([0.1, np.nan], r"`losses` contains 1 NaN, first at 1"),
        (np.nan, r"`losses` contains 1 NaN"),
        ([0.1, 1.7], r"`losses` must lie in support \(0, 1\); got max 1.7"),
        ([], r"`losses` is empty"),
        ("0.3", r"`losses` must be numbers"),
        (None, r"`losses`"),
        ([[0.1], [0.2]], r"`losses` must be one sample"),
    ],
)
def test_losses_that_cannot_be_used(losses, message):
    with pytest.raises(InvalidInput, match=message):
        SequentialCertifier(risk_limit=0.3).update(losses)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"risk_limit": 1.0}, r"`risk_limit` must lie inside support \(0, 1\); got 1"),
        ({"risk_limit": 0.0}, r"`risk_limit` must lie inside support"),
        ({"risk_limit": np.nan}, r"`risk_limit` must be a finite number"),
        ({"risk_limit": 0.1, "confidence_level": 0.05}, r"Did you mean 0.95"),
        ({"risk_limit": 0.1, "support": (1, 0)}, r"`support`"),
        ({"risk_limit": 0.1, "measure": ValueAtRisk(0.0)}, r"`level` must be in \(0, 1\)"),
    ],
)
def test_parameters_that_cannot_be_used(parameters, message):
    with pytest.raises(InvalidInput, match=message):
        SequentialCertifier(**parameters)


def test_measures_without_a_statement_at_all_times():
    with pytest.raises(IncompatibleBound, match=r"`SequentialCertifier` has no statement .* `CVaR\(0.9\)`"):
        SequentialCertifier(risk_limit=0.1, measure=CVaR(0.9))
    with pytest.raises(IncompatibleBound, match="needs bounded losses"):
        SequentialCertifier(risk_limit=0.1, support=(0, np.inf))
    with pytest.raises(TypeError):
        SequentialCertifier(0.1)
    assert SequentialCertifier(risk_limit=0.1, measure=Mean()) == SequentialCertifier(risk_limit=0.1)


def damaged(change):
    data = SequentialCertifier(risk_limit=0.3).update([0.1, 0.2]).to_dict()
    change(data)
    return data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("evidence"), "lacks 'evidence'"),
        (lambda d: d.pop("digest"), "lacks 'digest'"),
        (lambda d: d.update(schema=2), "has schema 2; this version reads 1"),
        (lambda d: d.pop("schema"), "has schema None"),
        (lambda d: d.update(risk_limit=0.4), "changed or damaged"),
        (lambda d: d.update(support=[0, 2]), "changed or damaged"),
        (lambda d: d["evidence"]["within"].update(peak=9.0), "changed or damaged"),
        (lambda d: d["evidence"]["within"].update(peak=float("nan")), "changed or damaged"),
        (lambda d: d["evidence"].update(within=None), "changed or damaged"),
        (lambda d: d.update(measure=object()), "changed or damaged"),
    ],
)
def test_damaged_dictionaries_are_refused(change, message):
    with pytest.raises(InvalidInput, match=message):
        SequentialCertifier.from_dict(damaged(change))


def test_only_dictionaries_are_read():
    with pytest.raises(InvalidInput, match="is a dictionary; got list"):
        SequentialCertifier.from_dict([])
