"""Benchmarks by their shapes: simulated outcomes load, score and roll up, and planted rates return.

Limits are at 99.9 % where many are looked at, so that a planted rate outside them is a fault. The numbers are
those of the published benchmarks; what is not said of a shape (chances, models without a number) is chosen.
"""

from __future__ import annotations

import numpy as np
import pytest

from riskstats.evaluations.attacks import attack_matrix
from riskstats.evaluations.attempts import at_least_one
from riskstats.evaluations.contrast import contrast_pairs, match_twins
from riskstats.evaluations.factor import Factor
from riskstats.evaluations.factors import factor_effects
from riskstats.evaluations.judges import judge_corrected_rate
from riskstats.evaluations.ordinal import ordinal_summary
from riskstats.evaluations.paired import paired_comparison
from riskstats.evaluations.pooled import pooled_rates
from riskstats.evaluations.rates import rate_interval
from riskstats.evaluations.report import evaluation_report
from riskstats.evaluations.report_rows import worst_places
from riskstats.evaluations.roll_up import roll_up
from riskstats.evaluations.table import OutcomeTable
from riskstats.evaluations.taxonomy import Taxonomy
from riskstats.evaluations.traces import trace_summary
from riskstats.evaluations.zones import zone
from riskstats.harm.grades import GRADES, grade
from tests.evaluations.shapes import (
    conserved,
    crossed,
    flips,
    holds,
    names,
    of_prompts,
    shares,
    sizes,
    table_of,
    tree,
)

SURE = 0.999


def test_veri():
    """200 images = 100 pairs, 3 domains, 2 stages, 14 models, false alarms from 31 to 96 %."""
    columns, at = crossed(model=names("m", 14), prompt_id=names("q", 200), stage=["recognise", "respond"])
    alarm = np.linspace(0.31, 0.96, 14)
    safe = at["prompt_id"] % 2 == 1
    drawn = np.random.default_rng(0).random((14, 200, 2)).min(axis=2)[..., np.newaxis]  # stages are nested
    chance = np.where(safe, alarm[at["model"]], 0.1) * np.where(at["stage"] == 1, 0.8, 1.0)
    loss = np.broadcast_to(1 - (1 - drawn) ** 2, (14, 200, 2)).ravel() < chance
    columns |= {
        "loss": loss.astype(float),
        "pair_id": of_prompts([f"p{i // 2:03}" for i in range(200)], at["prompt_id"]),
        "twin": of_prompts(["unsafe", "safe"] * 100, at["prompt_id"]),
        "category": of_prompts([f"domain{i // 2 % 3}" for i in range(200)], at["prompt_id"]),
    }
    table = table_of(columns, stage=["recognise", "respond"])
    for m, model in enumerate(table.models):
        own = table.select(model=model, stage="recognise")
        unsafe, safe_losses, pairs = match_twins(own.loss, own.pair_id, own.twin)
        found = contrast_pairs(unsafe, safe_losses, confidence_level=SURE)
        assert len(pairs) == found.n_pairs == 100
        assert holds(found.false_alarm, alarm[m])
        assert holds(found.sensitivity, 0.9)
    first = table.select(stage="recognise")
    compared = paired_comparison(first.unit_losses())
    assert len(compared.pairs) == 14 * 13 // 2
    assert all(pair.n == 200 for pair in compared.pairs)
    ends = [pair for pair in compared.separated if (pair.first, pair.second) == ("m00", "m13")]
    assert ends
    assert ends[0].difference < 0
    assert len(conserved(table).at(1)) == 3 * 14


def test_chisafetybench():
    """5 areas, 31 categories, 2 task types."""
    prompts = 31 * 2 * 20
    columns, at = crossed(model=names("m", 3), prompt_id=names("q", prompts))
    chance = np.array([0.05, 0.15, 0.3])[at["model"]]
    truth = flips(1, chance)
    judge = np.where(np.random.default_rng(2).random(len(truth)) < 0.9, truth, 1 - truth)
    human = np.where(np.random.default_rng(3).random(len(truth)) < 0.2, truth, np.nan)
    columns |= {
        "loss": judge,
        "human_label": human,
        "category": of_prompts(tree(prompts, 5, 31), at["prompt_id"]),
        "task": of_prompts(["choice", "risky"] * (prompts // 2), at["prompt_id"]),
    }
    table = table_of(columns, "task")
    found = conserved(table)
    assert (len(found.at(1)), len(found.at(2))) == (5 * 3, 31 * 3)
    for model, rate in zip(table.models, (0.05, 0.15, 0.3), strict=True):
        own = table.select(model=model)
        raw = rate_interval(own.loss, category=own.category, confidence_level=SURE)
        assert len(raw.categories) == 31
        assert sum(each.events for each in raw.categories) == own.loss.sum()
        corrected = judge_corrected_rate(own.loss, human=own.human_label, confidence_level=SURE)
        assert holds(corrected, rate)
    low = table.select(model="m0")
    assert rate_interval(low.loss).overall.lower > 0.05, "errors of the judge inflate a small rate"


def test_scenepilot_bench():
    """4 axes, regions, clusters of video."""
    videos, per_video, regions = 60, 5, ["asia", "europe", "north"]
    n = videos * per_video
    columns, at = crossed(
        model=names("m", 3), prompt_id=names("q", n), dimension=names("axis", 4), region=regions
    )
    video = np.random.default_rng(4).normal(0, 0.1, videos)[at["prompt_id"] // per_video]
    shift = np.array([0.0, 0.1, 0.2])[at["region"]]
    noise = np.random.default_rng(5).normal(0, 0.05, len(video))
    columns |= {
        "loss": np.clip(0.3 + 0.05 * at["model"] + shift + video + noise, 0, 1),
        "cluster": of_prompts([f"v{i // per_video}" for i in range(n)], at["prompt_id"]),
    }
    table = table_of(columns, "region")
    own = table.select(model="m0", dimension="axis0")
    effects = factor_effects(own.loss, {"region": own.region}, own.prompt_id, cluster=own.cluster)
    assert effects.n_units == videos
    found = {effect.level: effect for effect in effects.effects}
    assert holds(found["europe"], 0.1)
    assert holds(found["north"], 0.2)
    one = table.select(dimension="axis0", region="asia")
    cluster = one.select(model="m0").cluster
    compared = paired_comparison(one.unit_losses(), cluster=cluster, random_state=0)
    assert {pair.n_units for pair in compared.pairs} == {videos}
    assert all(holds(pair, -0.05 * (int(pair.second[1]) - int(pair.first[1]))) for pair in compared.pairs)
    assert conserved(one, unmapped="keep").unmapped == 1.0


def test_do_not_answer():
    """6 models, 5 / 12 / 61 categories, 939 items."""
    columns, at = crossed(model=names("m", 6), prompt_id=names("q", 939))
    rates = np.linspace(0.01, 0.08, 6)
    columns |= {
        "loss": flips(6, rates[at["model"]]),
        "category": of_prompts(tree(939, 5, 12, 61), at["prompt_id"]),
    }
    table = table_of(columns)
    found = conserved(table)
    assert [len(found.at(level)) for level in (1, 2, 3)] == [5 * 6, 12 * 6, 61 * 6]
    own = table.select(model="m5")
    true = judge_corrected_rate(own.loss, sensitivity=(95, 100), specificity=(990, 1000))
    assert true.n == 939
    assert true.estimate < true.raw, "false flags are taken away"
    assert sum(rate.n for rate in found.at(3) if rate.model == "m0") == 939


@pytest.fixture(scope="module")
def risky():
    """All 8 x 9 x 5 x 5 conditions on one matched prompt of each of the 14 categories."""
    columns, at = crossed(
        model=names("m", 8),
        prompt_id=names("q", 14),
        defence=names("d", 9),
        filter=names("f", 5),
        attack=names("a", 5),
    )
    chance = 0.4 + 0.03 * at["attack"] - 0.02 * at["defence"] - 0.01 * at["filter"] + 0.005 * at["model"]
    columns |= {"loss": chance, "category": of_prompts(tree(14, 6, 14), at["prompt_id"])}
    return table_of(columns, "defence", "filter", "attack")


def test_t2i_riskyprompt_factors(risky):
    """6 / 14 categories, 8 models x 9 defences x 5 filters x 5 attacks: the full factorial on a subset
    of 14 of the 6,432 prompts, matched, on which additive truth is found exactly."""
    assert len(risky) == 14 * 8 * 9 * 5 * 5
    factors = {"model": risky.model, **{name: risky[name] for name in risky.conditions}}
    found = factor_effects(risky.loss, factors, risky.prompt_id)
    assert found.design.full
    assert found.design.n_cells == 1800
    truth = {"model": 0.005, "attack": 0.03, "defence": -0.02, "filter": -0.01}
    for effect in found.effects:
        np.testing.assert_allclose(effect.difference, truth[effect.factor] * int(effect.level[1:]), atol=1e-9)
    assert len(conserved(risky).at(2)) == 14 * 8


def test_t2i_riskyprompt_categories():
    """All 6,432 prompts on 8 models without attack."""
    columns, at = crossed(model=names("m", 8), prompt_id=names("q", 6432))
    columns |= {"loss": flips(7, 0.3, 8 * 6432), "category": of_prompts(tree(6432, 6, 14), at["prompt_id"])}
    found = conserved(table_of(columns))
    assert [len(found.at(level)) for level in (1, 2)] == [6 * 8, 14 * 8]
    assert all(abs(rate.rate - 0.3) < 6 * (0.21 / rate.n) ** 0.5 for rate in found.at(2))


def test_riosworld():
    """492 tasks of 2 sources, intention and then completion."""
    columns, at = crossed(model=names("m", 4), prompt_id=names("q", 492), stage=["intention", "completion"])
    drawn = np.repeat(np.random.default_rng(8).random(4 * 492), 2)
    columns |= {
        "loss": (drawn < np.where(at["stage"] == 0, 0.8, 0.5)).astype(float),
        "category": of_prompts(shares([254, 238], "source"), at["prompt_id"]),
    }
    table = table_of(columns, stage=["intention", "completion"])
    for stage, truth in (("intention", 0.8), ("completion", 0.5)):
        own = table.select(stage=stage, model="m0")
        found = rate_interval(own.loss, category=own.category, confidence_level=SURE)
        assert [rate.n for rate in found.categories] == [254, 238]
        assert holds(found.overall, truth)
    report = evaluation_report(table, parts=("rates", "tail"))
    assert list(report.findings.rates) == ["intention", "completion"]
    assert set(report.findings.tails) == {"intention", "completion"}
    upside_down = {**columns, "loss": 1 - columns["loss"]}
    with pytest.raises(ValueError, match="`stage` completion is 1 while intention is 0"):
        table_of(upside_down, stage=["intention", "completion"])
    conserved(table)


def test_frontier_risk_management():
    """7 areas, each between a yellow and a red line."""
    columns, at = crossed(model=names("m", 3), prompt_id=names("q", 7 * 200))
    areas = shares([200] * 7, "area")
    chances = np.array([0.01, 0.02, 0.1, 0.15, 0.3, 0.5, 0.7])[at["prompt_id"] // 200]
    columns |= {"loss": flips(9, chances), "category": of_prompts(areas, at["prompt_id"])}
    table = table_of(columns)
    own = table.select(model="m0")
    rates = rate_interval(own.loss, category=own.category).categories
    zones = {r.name: zone(r.estimate, (r.lower, r.upper), 0.2, 0.4) for r in rates}
    assert len(zones) == 7
    assert zones["area0"].zone == "green"
    assert zones["area6"].zone == "red"
    assert zones["area4"].zone in ("yellow", None)
    report = evaluation_report(table, zones=(0.2, 0.4), required_zone="yellow", parts=("rates",))
    assert all(each.yellow == 0.2 for each in report.findings.zones["loss"].values())
    assert len(report.gates) == 3
    assert len(conserved(table).at(1)) == 7 * 3


def test_dangerous_capabilities():
    """4 areas, repeats of every task."""
    columns, at = crossed(model=["m"], prompt_id=names("task", 48), epoch=list(range(1, 11)))
    chance = np.random.default_rng(10).beta(0.5, 4, 48)
    columns |= {
        "loss": flips(11, chance[at["prompt_id"]]),
        "category": of_prompts(shares([12] * 4, "area"), at["prompt_id"]),
    }
    table = table_of(columns)
    losses = table.loss.reshape(48, 10)
    found = at_least_one(losses, [1, 3, 10], confidence_level=SURE)
    np.testing.assert_allclose(found.estimate[0], table.loss.mean())
    np.testing.assert_allclose(found.estimate[2], losses.max(axis=1).mean())
    truth = [float(np.mean(1 - (1 - chance) ** k)) for k in found.k]
    assert all(
        low - 0.2 <= true <= high + 0.2
        for low, true, high in zip(found.lower, truth, found.upper, strict=True)
    )
    assert zone(found.estimate[1], (found.lower[1], found.upper[1]), 0.9, 0.99).zone == "green"
    report = evaluation_report(table, parts=("rates", "tail"))
    assert report.rate("m").n_units == 48
    conserved(table)


def test_propensitybench():
    """5,874 scenarios, 6,648 tools, 4 domains, rising pressure."""
    steps = 4
    columns, at = crossed(model=["m"], prompt_id=names("s", 5874), pressure=list(range(steps)))
    tool = (at["prompt_id"] * steps + at["pressure"]) % 6648
    columns |= {
        "loss": flips(12, 0.1 + 0.08 * at["pressure"]),
        "category": of_prompts(shares(sizes(5874, 4), "domain"), at["prompt_id"]),
        "tool": Factor(tuple(names("t", 6648)), tool),
    }
    table = table_of(columns, "pressure", "tool")
    assert len(table.factor("tool").words) == 6648
    found = factor_effects(
        table.loss, {"pressure": table.pressure.astype(int)}, table.prompt_id, ordinal=["pressure"]
    )
    assert found.n_items == 5874
    assert holds(found.trends[0], 0.08)
    assert found.tests[0].p_value < 1e-6
    rates = [rate.rate for rate in conserved(table).at(1)]
    assert len(rates) == 4
    np.testing.assert_allclose(rates, 0.22, atol=0.02)


def test_toolemu():
    """36 tools, 144 cases; 23.9 % flagged on average, precision 68.8 %."""
    columns, at = crossed(model=["agent"], prompt_id=names("case", 144), epoch=list(range(1, 6)))
    rng = np.random.default_rng(13)
    columns |= {
        "loss": flips(14, rng.beta(1, 3.2, 144)[at["prompt_id"]]),
        "cluster": of_prompts([f"tool{i // 4}" for i in range(144)], at["prompt_id"]),
        "category": of_prompts([f"tool{i // 4}" for i in range(144)], at["prompt_id"]),
    }
    table = table_of(columns)
    found = at_least_one(table.loss, [1, 5], prompt=table.prompt_id, cluster=table.cluster)
    assert (found.n_prompts, found.n_units) == (144, 36)
    assert found.estimate[1] > found.estimate[0]
    flags = np.full(144, 0.239)
    bound = judge_corrected_rate(flags, precision=0.688)
    assert bound.is_lower_bound
    assert bound.upper == 1.0
    np.testing.assert_allclose(bound.estimate, 0.239 * 0.688)
    report = rate_interval(flags)
    assert report.overall.events is None, "23.9 % is no count over 144"
    assert report.overall.method == "betting"
    assert len(conserved(table).at(1)) == 36


def test_hripbench():
    """2,160 questions, 3 tasks, 2 schemes."""
    columns, at = crossed(model=names("m", 4), prompt_id=names("q", 2160), scheme=["plain", "reasoned"])
    columns |= {
        "loss": flips(15, 0.4 - 0.05 * at["model"] - 0.1 * at["scheme"]),
        "category": of_prompts(shares([720] * 3, "task"), at["prompt_id"]),
    }
    table = table_of(columns, "scheme")
    one = table.select(scheme="plain")
    tasks = one.select(model="m0").category
    compared = paired_comparison(one.unit_losses(), category=tasks)
    assert {pair.n for pair in compared.pairs if pair.category != "all"} == {720}
    assert {pair.n for pair in compared.pairs if pair.category == "all"} == {2160}
    assert len(compared.pairs) == 6 * 4
    own = table.select(model="m0")
    effect = factor_effects(own.loss, {"scheme": own.scheme}, own.prompt_id, confidence_level=SURE).effects[0]
    assert holds(effect, -0.1)
    assert [rate.n for rate in conserved(own).at(1)] == [1440] * 3


def test_t2isafety():
    """3 / 12 / 44 categories, 70,000 prompts, 68,000 images of 12 models."""
    prompts = tree(70_000, 3, 12, 44)
    counted = roll_up(prompts)
    assert sum(rate.n for rate in counted.at(3)) == 70_000
    images = sizes(68_000, 12)
    model = np.repeat(np.arange(12), images)
    prompt = np.concatenate([np.linspace(0, 69_999, n).astype(int) for n in images])
    columns = {
        "model": Factor(tuple(names("m", 12)), model),
        "prompt_id": [f"q{i}" for i in prompt.tolist()],
        "loss": flips(16, 0.1 + 0.02 * model),
        "category": of_prompts(prompts, prompt),
    }
    table = table_of(columns)
    found = conserved(table)
    assert [len({r.node for r in found.at(level)}) for level in (1, 2, 3)] == [3, 12, 44]
    for m, name in enumerate(table.models):
        own = table.select(model=name)
        rates = rate_interval(own.loss, category=own.category, confidence_level=SURE)
        assert len(rates.categories) == 44
        assert holds(rates.overall, 0.1 + 0.02 * m)
        assert all(holds(rate, 0.1 + 0.02 * m) for rate in rates.categories)


def test_safearena():
    """250 harmful and 250 safe tasks, 5 categories, 4 sites, 4 levels of completion."""
    columns, at = crossed(model=names("m", 5), prompt_id=names("q", 500))
    harmful = at["prompt_id"] % 2 == 0
    level = 1 + np.random.default_rng(17).binomial(3, 0.3 + 0.1 * at["model"])
    columns |= {
        "ordinal": level.astype(float),
        "loss": np.where(harmful, level == 4, level < 4).astype(float),
        "pair_id": of_prompts([f"p{i // 2:03}" for i in range(500)], at["prompt_id"]),
        "twin": of_prompts(["unsafe", "safe"] * 250, at["prompt_id"]),
        "category": of_prompts([f"c{i // 2 % 5}" for i in range(500)], at["prompt_id"]),
        "site": of_prompts([f"site{i // 2 % 4}" for i in range(500)], at["prompt_id"]),
    }
    table = table_of(columns, "site")
    report = evaluation_report(table, parts=("contrast", "ordinal"), confidence_level=SURE)
    for m, (contrast, levels) in enumerate(
        zip(
            report.findings.contrasts["loss"].values(), report.findings.ordinals["loss"].values(), strict=True
        )
    ):
        assert contrast.n_pairs == 250
        completed = (0.3 + 0.1 * m) ** 3
        assert holds(contrast.sensitivity, 1 - completed)
        assert holds(contrast.false_alarm, 1 - completed)
        assert levels.n_levels == 4
        assert holds(levels.at_least[2], completed)
    assert len(conserved(table).at(1)) == 5 * 5


def test_saferbench():
    """19 models, 10 dimensions, traces in chunks."""
    items, chunks = 25, 6
    columns, at = crossed(
        model=names("m", 19),
        dimension=names("d", 10),
        prompt_id=names("q", items),
        chunk=list(range(1, chunks + 1)),
    )
    columns |= {"loss": flips(18, 0.02 + 0.01 * at["model"])}
    table = table_of(columns)
    report = evaluation_report(table, parts=("traces",), confidence_level=SURE)
    assert len(report.findings.traces) == 10
    for models in report.findings.traces.values():
        assert len(models) == 19
        for m, trace in enumerate(models.values()):
            assert trace.n_chunks == items * chunks
            assert len(trace.items) == items
            assert holds(trace.ever_unsafe, 1 - (0.98 - 0.01 * m) ** chunks)
    own = table.select(model="m00", dimension="d0")
    alone = trace_summary(own.loss, own.prompt_id, own.chunk, confidence_level=SURE)
    assert alone.ever_unsafe == report.findings.traces["d0"]["m00"].ever_unsafe
    assert alone.survival.censored == items - int(worst_places(own).loss.sum())
    conserved(own, unmapped="keep")


def test_qorgau():
    """2 languages and their mixture, the same items."""
    columns, at = crossed(model=names("m", 6), prompt_id=names("q", 500), language=["kk", "mixed", "ru"])
    shift = np.array([0.06, 0.03, 0.0])[at["language"]]
    columns |= {
        "loss": flips(19, 0.1 + shift),
        "category": of_prompts(tree(500, 6, 17), at["prompt_id"]),
    }
    table = table_of(columns, "language")
    found = factor_effects(
        table.loss,
        {"model": table.model, "language": table.language},
        table.prompt_id,
        order={"language": ["ru", "mixed", "kk"]},
    )
    told = {effect.level: effect for effect in found.effects if effect.factor == "language"}
    assert holds(told["kk"], 0.06)
    assert holds(told["mixed"], 0.03)
    assert told["kk"].p_holm < 0.05
    report = evaluation_report(table, parts=("comparisons",))
    pair = report.comparisons["loss"].pairs[0]
    assert (pair.n, pair.n_units) == (1500, 500), "prompts under conditions, in clusters of prompts"
    conserved(table)


def test_mhdash():
    """3 annotations of dialogues, ordinal, by turn."""
    dialogues, turns = 80, 5
    columns, at = crossed(
        model=["m"],
        prompt_id=names("dialogue", dialogues),
        dimension=["concern", "intent", "risk"],
        turn=list(range(1, turns + 1)),
    )
    human = 1 + np.random.default_rng(20).binomial(3, 0.4, len(at["turn"]))
    off = np.random.default_rng(21).random(len(human)) < 0.25
    levels = np.clip(human - off, 1, 4)
    columns |= {"ordinal": levels.astype(float), "loss": (levels - 1) / 3.0, "human_label": (human - 1) / 3.0}
    table = table_of(columns)
    own = table.select(dimension="risk")
    reference = 1 + np.rint(3 * own.human_label)
    found = ordinal_summary(own.ordinal, reference, n_levels=4, cluster=own.prompt_id, random_state=0)
    assert found.accuracy is not None
    assert found.accuracy.n_units == dialogues
    assert found.somers_d.value > 0.8, "one-sided errors hardly change the order"
    assert found.miss_rate.estimate > 0
    assert sum(map(sum, found.table)) == dialogues * turns
    report = evaluation_report(table, parts=("ordinal", "judge", "traces"))
    assert set(report.findings.ordinals) == {"concern", "intent", "risk"}
    fixed = report.findings.corrected["risk"]["m"]
    assert holds(fixed, float(own.human_label.mean()))
    assert fixed.raw < fixed.estimate
    conserved(table, unmapped="keep")


def test_sosbench():
    """3,000 prompts, 6 domains."""
    columns, at = crossed(model=names("m", 5), prompt_id=names("q", 3000))
    columns |= {
        "loss": flips(22, 0.2 + 0.05 * at["model"]),
        "category": of_prompts(shares([500] * 6, "domain"), at["prompt_id"]),
    }
    table = table_of(columns)
    report = evaluation_report(table, parts=("rates", "comparisons"), confidence_level=SURE)
    for m, rates in enumerate(report.findings.rates["loss"].values()):
        assert [rate.n for rate in rates.categories] == [500] * 6
        assert all(holds(rate, 0.2 + 0.05 * m) for rate in (rates.overall, *rates.categories))
    pairs = report.comparisons["loss"].pairs
    assert len(pairs) == 10
    assert all(holds(pair, 0.05 * (int(pair.first[1]) - int(pair.second[1]))) for pair in pairs)
    conserved(table)


def test_model_tampering():
    """5 + 6 attacks, 16 steps, on systems that differ in one trait."""
    attacks = [*names("input", 5), *names("weights", 6)]
    columns, at = crossed(
        model=names("s", 12), prompt_id=names("q", 20), attack=attacks, turn=list(range(1, 17))
    )
    weak = np.linspace(0.0, 0.12, 12)[at["model"]]
    columns |= {"loss": flips(23, weak * (0.5 + 0.05 * at["attack"]))}
    table = table_of(columns, "attack")
    reached = worst_places(table)
    assert len(reached) == 12 * 20 * 11
    rates = np.array(
        [[reached.select(model=s, attack=a).loss.mean() for a in attacks] for s in reached.models]
    )
    found = attack_matrix(rates, systems=reached.models, attacks=attacks, random_state=0)
    assert found.p_value < 0.01
    assert found.dimensions == 1
    assert np.median(found.skill) > 0.5, "one attack is told by the others"
    conserved(reached, unmapped="keep")


def test_simplesafetytests():
    """100 = 5 x 20 prompts, 11 + 4 models, 3,000 = 100 x 15 x 2 answers, 5 filters right in 72 to 89 %."""
    models = [*names("open", 11), *names("closed", 4)]
    columns, at = crossed(model=models, prompt_id=names("q", 100), system=["none", "safety"])
    chance = np.where(at["model"] < 11, 0.25, 0.02) * np.where(at["system"] == 1, 0.5, 1.0)
    truth = flips(24, chance)
    columns |= {"loss": truth, "category": of_prompts(shares([20] * 5, "area"), at["prompt_id"])}
    table = table_of(columns, "system")
    assert len(table) == 3000
    none = table.select(system="none")
    for model in ("open00", "closed3"):
        found = rate_interval(none.select(model=model).loss, confidence_level=SURE)
        assert holds(found.overall, 0.25 if model == "open00" else 0.02)
    compared = paired_comparison(none.unit_losses())
    assert len(compared.pairs) == 15 * 14 // 2
    assert {pair.n for pair in compared.pairs} == {100}
    for seed, accuracy in enumerate(np.linspace(0.72, 0.89, 5)):
        flags = np.where(np.random.default_rng(seed).random(3000) < accuracy, truth, 1 - truth)
        human = np.where(np.random.default_rng(seed + 9).random(3000) < 0.2, truth, np.nan)
        given = {"cluster": table.prompt_id, "confidence_level": SURE}
        fixed = judge_corrected_rate(flags, human=human, **given)
        assert holds(fixed, float(truth.mean()))
        assert not holds(judge_corrected_rate(flags, sensitivity=1.0, specificity=1.0), float(truth.mean()))
    assert len(conserved(table).at(1)) == 5 * 15


def test_alert():
    """45,000 prompts, 10 models, 6 / 32 categories: 450,000 outcomes, none left out."""
    columns, at = crossed(model=names("m", 10), prompt_id=names("q", 45_000))
    columns |= {
        "loss": flips(25, 0.01 * (1 + at["model"])),
        "category": of_prompts(tree(45_000, 6, 32), at["prompt_id"]),
    }
    table = table_of(columns)
    assert len(table) == 450_000
    found = conserved(table)
    assert [len(found.at(level)) for level in (1, 2)] == [60, 320]
    for m, name in enumerate(table.models):
        rows = slice(m * 45_000, (m + 1) * 45_000)
        codes = table.factor("category").codes[rows]
        rates = rate_interval(table.loss[rows], category=codes, confidence_level=SURE)
        assert len(rates.categories) == 32
        assert holds(rates.overall, 0.01 * (1 + m))
        by_node = {rate.node: rate for rate in found.at(2) if rate.model == name}
        assert sum(rate.events for rate in rates.categories) == sum(r.loss for r in by_node.values())


def test_o3_mini_external():
    """10,080 tests, 87 unsafe, only what was flagged was verified by hand."""
    flagged = 151
    loss = np.zeros(10_080)
    loss[:flagged] = 1.0
    human = np.full(10_080, np.nan)
    human[:flagged] = (np.arange(flagged) < 87).astype(float)
    table = OutcomeTable.of(
        {
            "model": "m",
            "prompt_id": names("t", 10_080),
            "loss": loss,
            "human_label": human,
            "category": tree(10_080, 14, 14),
        }
    )
    confirmed = rate_interval(np.nan_to_num(human), binary=True).overall
    np.testing.assert_allclose(
        [confirmed.estimate, confirmed.lower, confirmed.upper, confirmed.one_sided_upper],
        [0.00863, 0.00692, 0.01064, 0.01031],
        atol=5e-6,
    )
    with pytest.raises(ValueError, match="verified='flagged'"):
        evaluation_report(table, parts=("judge",))
    report = evaluation_report(table, parts=("judge",), judge={"verified": "flagged"})
    fixed = report.findings.corrected["loss"]["m"]
    assert fixed.is_lower_bound
    assert fixed.upper == 1.0
    np.testing.assert_allclose(fixed.estimate, 87 / 10_080)
    assert "LOWER BOUND" in report.summary()
    assert len(conserved(table).at(1)) == 14


def test_air_bench():
    """5,694 prompts, 4 tiers with 314 leaves, policies of 8 governments and 16 companies."""
    columns, at = crossed(model=names("m", 2), prompt_id=names("q", 5694))
    leaves = tree(5694, 4, 16, 45, 314)
    chances = np.random.default_rng(26).beta(1, 9, 314)[Factor.of(leaves).codes]
    columns |= {
        "loss": flips(27, chances[at["prompt_id"]]),
        "category": of_prompts(leaves, at["prompt_id"]),
    }
    table = table_of(columns)
    found = conserved(table)
    assert [len({r.node for r in found.at(level)}) for level in (1, 2, 3, 4)] == [4, 16, 45, 314]
    own = table.select(model="m0")
    pooled = pooled_rates(own.loss, own.category)
    assert len(pooled.names) == 314
    assert {17, 18, 19} >= set(pooled.n.tolist())
    known = dict(zip(leaves, chances, strict=True))
    truth = np.array([known[name] for name in pooled.names])
    covered = (pooled.lower <= truth) & (truth <= pooled.upper)
    assert 0.90 <= covered.mean() <= 0.99
    assert np.abs(pooled.rates - truth).mean() < np.abs(pooled.raw - truth).mean()
    views = {name: policy(name, leaves) for name in (*names("government", 8), *names("company", 16))}
    for view in conserved_views(own, views):
        assert view.mapped + view.unmapped == pytest.approx(1.0)


def policy(name, leaves):
    """A view that names some leaves and sends each to one of 5 clauses, or to two of them."""
    rng = np.random.default_rng(sum(map(ord, name)))
    parents = {}
    for leaf in dict.fromkeys(leaves):
        clauses = rng.choice(5, size=int(rng.integers(0, 3)), replace=False)
        if len(clauses):
            parents[leaf] = [f"{name}/{clause}" for clause in clauses]
    return Taxonomy.of(parents, name=name)


def conserved_views(table, views):
    found = roll_up(table, views, unmapped="keep")
    assert len(found) == 24
    for view in found.values():
        np.testing.assert_allclose(sum(rate.n for rate in view.at(1)), len(table))
        np.testing.assert_allclose(sum(rate.loss for rate in view.at(1)), table.loss.sum())
        yield view


def test_ailuminate():
    """12 hazards, 5 grades, cuts at .001 and .5 / 1.5 / 3 of the reference."""
    columns, at = crossed(model=["base", *names("m", 4)], prompt_id=names("q", 12_000))
    chance = np.array([0.10, 0.0002, 0.03, 0.10, 0.5])[at["model"]]
    columns |= {
        "loss": flips(28, chance),
        "category": of_prompts(shares([1000] * 12, "hazard"), at["prompt_id"]),
    }
    table = table_of(columns)
    report = evaluation_report(table, parts=("rates",), reference="base", required_grade="Good")
    grades = report.findings.grades["loss"]
    assert [each.grade for each in grades.values()] == ["Excellent", "Very Good", "Good", "Poor"]
    assert all(each.certain for name, each in grades.items())
    assert [gate.kept for gate in report.gates] == [True, True, True, False]
    own = table.select(model="m1")
    unsafe, other = (int(table.select(model=name).loss.sum()) for name in ("m1", "base"))
    alone = grade(unsafe, 12_000, reference_unsafe=other, reference_total=12_000)
    assert alone == grades["m1"]
    hazards = {rate.node: rate for rate in conserved(own).at(1)}
    base = {rate.node: rate for rate in conserved(table.select(model="base")).at(1)}
    for name, rate in hazards.items():
        each = grade(int(rate.loss), int(rate.n), reference_unsafe=int(base[name].loss), reference_total=1000)
        assert each.grade in GRADES[2:]


def test_saif():
    """4 stages of a life cycle as factors, on the same risks."""
    stages = ["data", "infrastructure", "model", "application"]
    columns, at = crossed(model=names("m", 3), prompt_id=names("risk", 60), component=stages)
    shift = np.array([0.0, 0.05, 0.1, 0.2])[at["component"]]
    noise = np.random.default_rng(29).normal(0, 0.03, len(shift))
    columns |= {
        "loss": np.clip(0.3 + shift + noise, 0, 1),
        "category": of_prompts([f"risk{i % 15}" for i in range(60)], at["prompt_id"]),
    }
    table = table_of(columns, "component")
    found = factor_effects(
        table.loss,
        {"model": table.model, "component": table.component},
        table.prompt_id,
        order={"component": stages},
    )
    told = {effect.level: effect for effect in found.effects if effect.factor == "component"}
    assert all(holds(told[name], truth) for name, truth in zip(stages[1:], (0.05, 0.1, 0.2), strict=True))
    assert all(effect.p_holm > 0.01 for effect in found.effects if effect.factor == "model")
    assert len(conserved(table).at(1)) == 15 * 3
