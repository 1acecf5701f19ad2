"""The report: its order, what is never left unsaid, gates, and what may not change it."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import riskstats
from riskstats.evaluations.contrast import contrast_pairs
from riskstats.evaluations.paired import paired_comparison
from riskstats.evaluations.rates import rate_interval
from riskstats.evaluations.readers.log import read_log
from riskstats.evaluations.report import PARTS, evaluation_report
from riskstats.evaluations.report_rows import complete_prompts, in_order
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.evaluations.taxonomy import Taxonomy
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.results import Status
from tests.evaluations.logs import garak
from tests.evaluations.shapes import crossed, flips, names, of_prompts

MODELS = ("m0", "m1", "m2")


def columns_of(seed=0, prompts=60, *, epochs=1, judges=("",), dimensions=("",), binary=True, **more):
    """Columns of three models with chances .1, .3 and .5, and the codes of their rows."""
    columns, at = crossed(
        model=MODELS,
        prompt_id=names("q", prompts),
        epoch=list(range(1, epochs + 1)),
        judge=list(judges),
        dimension=list(dimensions),
        **more,
    )
    chance = np.array([0.1, 0.3, 0.5])[at["model"]]
    if binary:
        columns["loss"] = flips(seed, chance)
    else:
        columns["loss"] = np.random.default_rng(seed).beta(10 * chance, 10 - 10 * chance).clip(0.001, 0.999)
    columns["category"] = of_prompts([f"c{i % 3}/x{i % 6}" for i in range(prompts)], at["prompt_id"])
    return columns, at


def simple(seed=0, **options):
    return OutcomeTable.of(columns_of(seed, **options)[0])


@functools.cache
def rich():
    """A table with every column that a part of the report is about."""
    columns, at = columns_of(1, 40, judges=("a", "b"), dimensions=("bias", "harm"))
    rng = np.random.default_rng(2)
    human = np.where(rng.random(len(at["model"])) < 0.3, columns["loss"], np.nan)
    return OutcomeTable.of(
        {
            **columns,
            "human_label": human,
            "pair_id": of_prompts([f"p{i // 2}" for i in range(40)], at["prompt_id"]),
            "twin": of_prompts(["unsafe", "safe"] * 20, at["prompt_id"]),
            "severity": 1.0 + at["prompt_id"] % 5,
            "cost": 1.0 + at["prompt_id"] % 4,
            "ordinal": 1.0 + 2 * columns["loss"],
            "cluster": of_prompts([f"t{i // 4}" for i in range(40)], at["prompt_id"]),
            "source": "tool 1.0; run.json; sha256:0123456789abcdef",
        }
    )


def with_missing(table, rows, status="error"):
    """The same with some losses taken away."""
    loss, told = table.loss.copy(), np.array(["ok"] * len(table), dtype=object)
    loss[rows], told[rows] = np.nan, status
    return OutcomeTable.of({**table.columns, "loss": loss, "status": told.tolist()})


def shuffled(table, seed):
    order = np.random.default_rng(seed).permutation(len(table))
    return OutcomeTable.of({name: table[name][order] for name in table.columns})


# Order and content


def test_parts_come_in_the_order_of_reading():
    text = evaluation_report(
        rich(), zones=(0.2, 0.6), reference=None, risk_limit=1.0, required_zone="yellow"
    ).summary()
    heads = [
        "Report on an evaluation: 480 outcomes of 3 models, 40 prompts",
        "Missingness: 0 of 480",
        "Rates, bias (betting",
        "Comparisons, bias",
        "Behind the flags of the judge, bias, m0",
        "Tail: mean beside CVaR",
        "Contrast pairs, bias, m0",
        "Levels, bias, m0",
        "Expected harm, bias, m0",
        "Zones, bias",
        "Gates: ",
        "Origin: riskstats",
        "  tool 1.0; run.json; sha256:0123456789abcdef",
    ]
    places = [text.find(head) for head in heads]
    assert -1 not in places
    assert places == sorted(places)


def test_numbers_are_those_of_their_functions():
    table = simple()
    report = evaluation_report(table)
    for model in MODELS:
        own = table.select(model=model)
        tops = [word.partition("/")[0] for word in own.category]
        alone = rate_interval(own.loss, category=tops, binary=True)
        assert report.rate(model) == alone.overall
        assert report.findings.rates["loss"][model].categories == alone.categories
        np.testing.assert_allclose(report.findings.tails[""][model].union.mean, own.loss.mean())
    pairs = paired_comparison(table.unit_losses(), on="intersection", multiplicity="holm")
    assert report.comparisons["loss"].pairs == pairs.pairs
    assert "clopper-pearson" in report.summary()
    assert all(f"{pair.n} prompts" in report.summary() for pair in pairs.pairs)


def test_repeats_are_no_more_units_and_reach_the_tail_as_attempts():
    report = evaluation_report(simple(epochs=3, binary=False))
    assert {report.rate(model).n_units for model in MODELS} == {60}
    assert report.rate("m0").method == "betting"
    tails = report.findings.tails[""]
    assert tails.unit == "attempts"
    assert tails["m0"].n == 180, "epochs are not averaged before a tail"
    assert report.comparisons["loss"].pairs[0].n == 60


def test_every_part_alone():
    table = rich()
    whole = evaluation_report(table, parts=("contrast", "harm"))
    names_ = ("rates", "corrected", "tails", "contrasts", "ordinals", "traces", "harms")
    for part, name in zip((p for p in PARTS if p != "comparisons"), names_, strict=True):
        alone = evaluation_report(table, parts=(part,), limit="asymptotic")
        found = [each for each in names_ if getattr(alone.findings, each)]
        assert found == ([] if part == "traces" else [name])
        assert not alone.comparisons
    assert whole.findings.harms["harm"]["m1"].value > 0
    twins = table.select(model="m0", dimension="bias", judge="a")
    pairs = [twins.loss[twins.factor("twin").mask([side])] for side in ("unsafe", "safe")]
    alone = contrast_pairs(*pairs)
    both = whole.findings.contrasts["bias"]["m0"]
    assert both.n_pairs == 2 * alone.n_pairs
    assert both.sensitivity.n_units == 10


def test_json_frame_and_picture():
    report = evaluation_report(rich(), zones={"bias": (0.2, 0.6)}, required_zone="yellow", level=0.5)
    content = json.loads(json.dumps(report.to_dict()))
    assert content["status"] == report.status
    assert set(content["cases"]["all"]["zones"]) == {"bias"}
    frame = report.to_frame()
    assert {"rate", "category", "comparison", "tail", "zone", "gate", "harm"} <= set(frame["part"])
    rate = frame[(frame.part == "rate") & (frame.model == "m1") & (frame.outcome == "bias")].iloc[0]
    assert rate.estimate == report.rate("m1", "bias").estimate
    axes = report.plot().axes[0]
    drawn = [label.get_text() for label in axes.get_yticklabels()]
    assert drawn == [f"{m}, {d}" for d in ("bias", "harm") for m in MODELS]


# What may not change it


def test_the_order_of_rows_changes_nothing():
    table = rich()
    options = {"zones": (0.2, 0.6), "required_zone": "yellow", "level": 0.8}
    first, other = (evaluation_report(each, **options) for each in (table, shuffled(table, 0)))
    assert json.dumps(other.to_dict()) == json.dumps(first.to_dict())
    assert other.summary() == first.summary()


def test_a_flipped_scale_flips_every_conclusion_and_nothing_else():
    columns, _ = columns_of(3, prompts=120)
    scores = {**columns, "loss": 4 * columns["loss"] + 1}
    high, low = (
        evaluation_report(
            OutcomeTable.from_frame(
                {name: getattr(c, "values", c) for name, c in scores.items()}, scale=Scale(1, 5, worse=worse)
            ),
            level=0.0,
            zones=(0.2, 0.4),
            required_zone="yellow",
        )
        for worse in ("high", "low")
    )
    for model in MODELS:
        one, other = (r.findings.rates["loss"][model] for r in (high, low))
        for a, b in zip((one.overall, *one.categories), (other.overall, *other.categories), strict=True):
            np.testing.assert_allclose(
                [a.estimate, a.lower, a.upper], [1 - b.estimate, 1 - b.upper, 1 - b.lower]
            )
            assert (a.name, a.n, a.method) == (b.name, b.n, b.method)
        means = [r.findings.tails[""][model].union.mean for r in (high, low)]
        np.testing.assert_allclose(sum(means), 1.0)
    for a, b in zip(high.comparisons["loss"].pairs, low.comparisons["loss"].pairs, strict=True):
        np.testing.assert_allclose(a.difference, -b.difference)
        assert (a.only_first, a.only_second, a.p_value, a.p_holm) == (
            b.only_second,
            b.only_first,
            b.p_value,
            b.p_holm,
        )
        np.testing.assert_allclose([a.lower, a.upper], [-b.upper, -b.lower], atol=0.02)
    assert [gate.kept for gate in high.gates] == [True, True, False]
    assert [gate.kept for gate in low.gates] == [False, False, False]
    assert high.missingness == low.missingness
    assert (high.n, high.models, high.n_prompts) == (low.n, low.models, low.n_prompts)
    assert high.origin.input_hash != low.origin.input_hash
    assert high.origin.scales == {"": "1..5, high is worse"}


def test_a_judge_dropped_at_random_moves_estimates_within_their_intervals():
    columns, at = columns_of(4, prompts=150, judges=("a", "b", "c", "d"), binary=False)
    noise = np.random.default_rng(5).normal(0, 0.05, len(at["judge"]))
    table = OutcomeTable.of({**columns, "loss": np.clip(columns["loss"] + noise, 0.001, 0.999)})
    whole = evaluation_report(table, level=0.8, pooling="mean")
    for judge in np.random.default_rng(6).permutation(["a", "b", "c", "d"])[:1]:
        fewer = evaluation_report(
            table.select(judge=[j for j in "abcd" if j != judge]), level=0.8, pooling="mean"
        )
        for model in MODELS:
            before, after = whole.rate(model), fewer.rate(model)
            assert before.lower <= after.estimate <= before.upper
            tail = whole.findings.tails[""][model].union
            assert fewer.findings.tails[""][model].union.cvar <= tail.interval.upper + 0.05
        for a, b in zip(whole.comparisons["loss"].pairs, fewer.comparisons["loss"].pairs, strict=True):
            assert a.lower <= b.difference <= a.upper
        assert whole.missingness.by_judge.keys() - fewer.missingness.by_judge.keys() == {str(judge)}


def test_a_seed_repeats_and_is_on_record():
    table = simple(binary=False)
    first = evaluation_report(table, random_state=None)
    again = evaluation_report(table, random_state=first.origin.seed)
    assert again.summary() == first.summary()
    assert evaluation_report(table, random_state=7).origin.seed == 7


# Missingness


def test_missing_losses_are_refused_with_the_remedy():
    table = with_missing(simple(), [0, 1, 2])
    with pytest.raises(InvalidInput, match=r"3 of 180 losses are missing .*`missing='drop'`, or 'interval'"):
        evaluation_report(table)


@pytest.mark.parametrize("missing", ["drop", "interval"])
def test_unequal_missingness_is_said_first(missing):
    table = with_missing(simple(), np.arange(5, 60, 7))
    text = evaluation_report(table, missing=missing).summary()
    assert text.startswith("Warning: Unequal missingness: m0 lacks 0.133 of its losses, m1 0.")
    even = with_missing(simple(), [0, 60, 120])
    assert evaluation_report(even, missing=missing).summary().startswith("Report on an evaluation")


def test_dropped_rows_are_counted_and_pairs_use_common_prompts():
    table = with_missing(simple(), np.arange(0, 60, 10))
    report = evaluation_report(table, missing="drop")
    assert report.dropped == 6
    assert report.rate("m0").n == 54
    pairs = {(p.first, p.second): p.n for p in report.comparisons["loss"].pairs}
    assert pairs == {("m0", "m1"): 54, ("m0", "m2"): 54, ("m1", "m2"): 60}
    assert "leaves out" not in report.summary(), "a dropped row is missing, not an incomplete prompt"
    assert report.findings.tails[""].comparison.n == 54


def test_an_interval_has_every_missing_loss_at_both_ends():
    whole = simple()
    rows = np.arange(0, 180, 9)
    table = with_missing(whole, rows, "ungraded")
    report = evaluation_report(table, missing="interval", zones=(0.2, 0.9), required_zone="yellow", level=0.0)
    assert set(report.cases) == {"best", "worst"}
    truth = evaluation_report(whole, level=0.0)
    for model in MODELS:
        best, worst = (report.cases[case].rates["loss"][model].overall for case in ("best", "worst"))
        assert best.estimate <= truth.rate(model).estimate <= worst.estimate
        np.testing.assert_allclose(
            worst.estimate - best.estimate, np.isnan(table.select(model=model).loss).mean()
        )
    assert report.rate("m0") == report.cases["worst"].rates["loss"]["m0"].overall, "gates look at the worst"
    pairs = {(p.first, p.second): p for p in report.comparisons["loss"].pairs}
    assert len(pairs) == 6
    plain = {(p.first, p.second): p.difference for p in truth.comparisons["loss"].pairs}
    for (one, other), difference in plain.items():
        low = pairs[f"{one} at best", f"{other} at worst"].difference
        high = -pairs[f"{other} at best", f"{one} at worst"].difference
        assert low <= difference <= high
    assert "missing losses at 1" in report.summary()


def test_pairs_at_both_ends_share_the_error_of_the_comparisons_that_are_shown():
    table = with_missing(simple(3, prompts=80), [0, 90, 170], "error")
    report = evaluation_report(table, missing="interval", parts=("comparisons",))
    found = report.comparisons["loss"]
    assert found.names == MODELS
    assert "3 systems in pairs, 6 comparisons at once" in found.summary()
    smallest = min(found.pairs, key=lambda pair: pair.p_value)
    np.testing.assert_allclose(smallest.p_holm, min(1.0, 6 * smallest.p_value))
    ends = {(p.first.split()[0], p.second.split()[0]): p for p in found.pairs if p in found.separated}
    sure = [
        f"{a} - {b}"
        for a, b in (("m0", "m1"), ("m0", "m2"), ("m1", "m2"))
        if {(a, b), (b, a)} <= set(ends) and ends[a, b].difference * ends[b, a].difference < 0
    ]
    assert "m0 - m2" in sure
    assert f"opposite signs: {', '.join(sure)}." in found.notes[0]
    verdicts = {row["verdict"] for row in report.rows() if row["part"] == "comparison"}
    assert "told apart at these ends" in verdicts
    assert "told apart" not in verdicts


def test_prompts_that_are_not_complete_leave_the_tail_and_are_counted():
    table = simple(epochs=2, binary=False)
    ragged = table.take(np.arange(len(table)) != 3)
    report = evaluation_report(ragged)
    assert "The tail leaves out 1 prompts" in report.summary()
    assert report.findings.tails[""]["m0"].n == 59 * 2
    left, lost = complete_prompts(in_order(ragged))
    assert (len(left), lost) == (len(table) - 2, 1)


# Half-read logs


def test_a_log_that_is_not_whole_is_never_reported_as_whole(tmp_path):
    verdicts = {"probe.A": {"det.X": [[0.0]] * 40}}
    path = garak.write(tmp_path, verdicts, finished=False)
    with pytest.warns(UserWarning, match="is not whole"):
        table = read_log(path, partial="keep")
    report = evaluation_report(table, zones=(0.3, 0.6), required_zone="yellow", level=0.0)
    text = report.summary()
    assert text.startswith("Warning: PARTIAL: a log is not whole")
    assert "Report on a part of an evaluation" in text
    assert "sha256:" in text
    assert "(partial)" in text
    assert all(gate.kept for gate in report.gates)
    assert report.status is Status.UNDECIDED
    assert "no gate is shown to be kept" in text
    assert "PARTIAL" in report.plot().axes[0].get_title(loc="left")


# Gates


def test_gates_decide_the_status():
    table = simple(prompts=200)
    assert evaluation_report(table).status is Status.BOUND
    kept = evaluation_report(table, level=0.0, risk_limit=0.7)
    assert kept.status is Status.WITHIN_LIMIT
    assert kept.failed == ()
    above = evaluation_report(table, level=0.0, risk_limit=0.3)
    assert above.status is Status.ABOVE_LIMIT
    assert [gate.model for gate in above.failed] == ["m1", "m2"]
    assert "NOT kept" in above.summary()


def test_zone_gates_go_by_the_worst_zone_that_is_reached():
    table = simple(prompts=200)
    zones = {"zones": (0.2, 0.4), "parts": ("rates",)}
    green = evaluation_report(table, required_zone="green", **zones)
    yellow = evaluation_report(table, required_zone="yellow", **zones)
    assert [gate.kept for gate in green.gates] == [True, False, False]
    assert [gate.kept for gate in yellow.gates] == [True, True, False]
    assert evaluation_report(table, **zones).gates == (), "lines alone are no gate"


def test_grade_gates_go_by_every_reachable_grade():
    table = simple(prompts=200)
    given = {"reference": [(120, 400), "m1"], "parts": ("rates",)}
    good = evaluation_report(table, required_grade="Good", **given)
    assert list(good.findings.grades["loss"]) == ["m0", "m2"]
    assert good.findings.grades["loss"]["m0"].n_references == 2
    assert [gate.kept for gate in good.gates] == [True, False]
    assert "Fair" in good.failed[0].told


def test_a_risk_limit_without_a_tail_is_refused():
    columns, _ = columns_of(attack=["a", "b"])
    table = OutcomeTable.of(columns, conditions=("attack",))
    report = evaluation_report(table)
    assert "`attack` has 2 values" in report.findings.left_out["tail"]
    assert "Left out:" in report.summary()
    assert "Rates are over the mix of attack" in report.summary()
    with pytest.raises(InvalidInput, match="`risk_limit` is about the tail, which could not be computed"):
        evaluation_report(table, risk_limit=0.5)


# Judges, weights, categories


def test_labels_on_flagged_items_only_are_refused_without_a_word():
    columns, _ = columns_of()
    labels = np.where(columns["loss"] == 1, 1.0, np.nan)
    table = OutcomeTable.of({**columns, "human_label": labels})
    with pytest.raises(InvalidInput, match="`human_label` covers only flagged items"):
        evaluation_report(table)
    report = evaluation_report(table, judge={"verified": "flagged"})
    assert all(each.is_lower_bound for each in report.findings.corrected["loss"].values())


def test_known_error_rates_correct_without_labels():
    report = evaluation_report(simple(), judge={"sensitivity": 0.9, "specificity": 0.95}, parts=("judge",))
    found = report.findings.corrected["loss"]["m2"]
    np.testing.assert_allclose(found.estimate, (found.raw - 0.05) / 0.85)
    with pytest.raises(InvalidInput, match="sensitivity"):
        evaluation_report(simple(), judge={"sensitivity": 0.3, "specificity": 0.5})


@pytest.mark.parametrize(("binary", "method"), [(True, "wilson"), (False, "bootstrap-t")])
def test_weights_are_the_mix_that_rates_are_about(binary, method):
    columns, at = columns_of(8, prompts=120, binary=binary)
    weight = np.where(at["prompt_id"] % 2 == 0, 3.0, 1.0)
    report = evaluation_report(OutcomeTable.of({**columns, "weight": weight}))
    for m, model in enumerate(MODELS):
        rows, rate = at["model"] == m, report.rate(model)
        expected = np.average(columns["loss"][rows], weights=weight[rows])
        np.testing.assert_allclose(rate.estimate, expected)
        assert rate.lower < expected < rate.upper
        assert rate.method == method
        assert not rate.guaranteed
    assert "approximate" in report.summary()


def test_categories_follow_the_taxonomy():
    table = simple()
    tree = Taxonomy.of(
        {f"c{i}/x{j}": "even" if i == 0 else ["odd", "even"] for i in range(3) for j in range(6)}
    )
    rates = evaluation_report(table, taxonomy=tree, parts=("rates",)).findings.rates["loss"]["m0"].categories
    assert {rate.name: rate.n for rate in rates} == {"even": 60, "odd": 40}
    fine = (
        evaluation_report(table, category_level=2, parts=("rates",)).findings.rates["loss"]["m0"].categories
    )
    assert [rate.n for rate in fine] == [10] * 6
    part = Taxonomy.of({"c0/x0": "known"})
    with pytest.raises(InvalidInput, match=r"is in no root of the taxonomy .*`unmapped='keep'`"):
        evaluation_report(table, taxonomy=part)
    kept = evaluation_report(table, taxonomy=part, unmapped="keep", parts=("rates",))
    assert {r.name: r.n for r in kept.findings.rates["loss"]["m0"].categories} == {
        "(unmapped)": 50,
        "known": 10,
    }


def test_outcomes_share_the_error_of_comparisons():
    report = evaluation_report(simple(dimensions=("a", "b", "c", "d")), parts=("comparisons",))
    assert len(report.comparisons) == 4
    for found in report.comparisons.values():
        np.testing.assert_allclose(found.confidence_level, 1 - 0.05 / 4)


def test_pairs_that_lost_a_twin_are_left_out():
    columns, at = columns_of()
    columns |= {
        "pair_id": of_prompts([f"p{i // 2}" for i in range(60)], at["prompt_id"]),
        "twin": of_prompts(["unsafe", "safe"] * 30, at["prompt_id"]),
    }
    table = with_missing(OutcomeTable.of(columns), [0, 3])
    found = evaluation_report(table, missing="drop", parts=("contrast",)).findings.contrasts["loss"]
    assert [each.n_pairs for each in found.values()] == [28, 30, 30]


def test_traces_have_a_tail_of_their_worst_place():
    columns, _ = columns_of(prompts=40, binary=False, chunk=[1, 2, 3])
    table = OutcomeTable.of(columns)
    report = evaluation_report(table, level=0.0)
    trace = report.findings.traces["loss"]["m1"]
    assert len(trace.items) == 40
    np.testing.assert_allclose(report.findings.tails[""]["m1"].union.mean, trace.maximum.estimate)
    both = OutcomeTable.of({**columns, "turn": np.full(len(table), 4)})
    assert evaluation_report(both, parts=("traces",)).findings.traces["loss"]["m1"].n_chunks == 120


def test_clusters_reach_the_limit_of_the_tail():
    columns, at = columns_of(9, prompts=120, binary=False)
    shift = np.random.default_rng(10).normal(0, 0.2, 12)[at["prompt_id"] // 10]
    columns["loss"] = np.clip(columns["loss"] + shift, 0.001, 0.999)
    cluster = of_prompts([f"t{i // 10}" if i < 110 else "" for i in range(120)], at["prompt_id"])
    alone, together = (
        evaluation_report(OutcomeTable.of({**columns, **more}), parts=("tail",), level=0.5)
        for more in ({}, {"cluster": cluster})
    )
    for model in MODELS:
        one, other = (r.findings.tails[""][model].union.interval for r in (alone, together))
        assert (one.n_units, other.n_units) == (120, 11 + 10)
        assert other.upper - other.estimate > 1.2 * (one.upper - one.estimate)
    assert "of 120 prompts in 21 clusters" in together.summary()
    assert together.findings.tails[""].comparison.n_units == 21


# Bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parts": ("rates", "magic")}, "`parts`"),
        ({"judge": {"recall": 0.9}}, "`judge` has 'recall'"),
        ({"harm": {"colour": 1}}, "`harm` has 'colour'"),
        ({"zones": (0.4, 0.2)}, "yellow < red"),
        ({"zones": {"bias": (0.1, 0.2)}}, "`zones` names 'bias', which is no outcome"),
        ({"required_zone": "green"}, "`required_zone` needs `zones`"),
        ({"required_grade": "Good"}, "`required_grade` needs `reference`"),
        ({"reference": "m9"}, "no model is called 'm9'"),
        ({"reference": list(MODELS)}, "every model is a reference"),
        ({"reference": (0.5, 10)}, "`reference` must be models"),
        ({"level": 95}, "level"),
        ({"missing": "ignore"}, "missing"),
    ],
)
def test_bad_requests_are_refused(options, message):
    with pytest.raises(InvalidInput, match=message):
        evaluation_report(simple(), **options)


def test_models_without_a_common_prompt_are_not_compared_but_reported():
    table = OutcomeTable.of(
        {"model": ["a"] * 20 + ["b"] * 20, "prompt_id": names("q", 40), "loss": [0, 1] * 20}
    )
    report = evaluation_report(table)
    assert report.comparisons == {}
    assert "no two models share a prompt" in report.findings.left_out["comparisons"]
    assert report.rate("b").n == 20
    with pytest.raises(InvalidInput, match="multiplicity"):
        evaluation_report(table, multiplicity="none")


def test_notes_about_the_tail_say_so():
    report = evaluation_report(simple(3, prompts=80), parts=("comparisons", "tail"))
    assert report.comparisons["loss"].separated
    blind = [line for line in report.summary().split("\n") if "they are not told apart" in line]
    assert blind
    assert all(line.startswith("Tail: ") for line in blind), "the rates are told apart"


def test_grades_of_repeats_and_of_fractions_are_refused():
    required = {"reference": (10, 100), "required_grade": "Good"}
    with pytest.raises(IncompatibleBound, match="180 outcomes of 'm0' come from 60 prompts"):
        evaluation_report(simple(epochs=3), **required)
    with pytest.raises(InvalidInput, match="have fractions"):
        evaluation_report(simple(binary=False), **required)


def test_grades_that_nobody_requires_are_left_out_with_the_reason():
    report = evaluation_report(simple(epochs=3), reference=(10, 100), parts=("rates",))
    assert "loss: a grade counts independent answers" in report.findings.left_out["grades"]
    assert report.findings.grades == {}
    assert report.rate("m0").n == 180
    assert "Left out:\n  grades: loss" in report.summary()


# The bar


TIMED = """
import sys, time
from riskstats.evaluations.readers.log import read_log
from riskstats.evaluations.report import evaluation_report
from riskstats.evaluations.scale import Scale

def once():
    start = time.process_time()
    table = read_log(sys.argv[1], scale=Scale(0, 1, worse="high"), columns={"category": "metadata.category"})
    text = evaluation_report(table).summary()
    return time.process_time() - start, len(table), text

found = [once() for _ in range(3)]
assert found[0][1] == 901 * 3 * 4
assert "harm.toxicity" in found[0][2]
heavy = [name for name in ("pandas", "jax", "matplotlib", "sklearn", "cvxpy") if name in sys.modules]
print(min(seconds for seconds, _, _ in found), heavy)
"""


@pytest.mark.slow
def test_from_file_to_report_within_a_second_and_without_pandas(tmp_path):
    from benchmarks.evaluations import write_inspect_log

    path = write_inspect_log(tmp_path / "log.eval", 901, 3)
    root = Path(riskstats.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", TIMED, str(path)], capture_output=True, text=True, check=True, cwd=root
    )
    seconds, _, heavy = done.stdout.strip().partition(" ")
    assert heavy == "[]"
    assert float(seconds) <= 1.0
