"""The outcome table: its gates, its checks, missingness, round trips, and what it hands to other domains."""

import dataclasses

import numpy as np
import pytest

from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.exceptions import InvalidInput
from tests.evaluations.outcomes import grid, rows


def test_a_scale_maps_its_ends_and_flips():
    scale = Scale(1, 5, worse="high", id="half-sum")
    np.testing.assert_allclose(scale.losses([1, 2, 5, np.nan]), [0, 0.25, 1, np.nan])
    np.testing.assert_allclose(scale.losses([1.5]) + scale.flipped.losses([1.5]), [1.0])
    assert Scale(0, 1, worse="low").name == "0..1, low is worse"
    with pytest.raises(InvalidInput, match=r"lies outside \[1, 5\], the ends of scale 'half-sum'"):
        scale.losses([2, 6])
    for bad in ({"low": 1, "high": 1}, {"low": np.nan, "high": 1}, {"low": 0, "high": 1, "worse": "bad"}):
        with pytest.raises(InvalidInput):
            Scale(**{"worse": "high", **bad})


def test_columns_and_defaults():
    table = OutcomeTable.from_frame(rows(4))
    assert len(table) == 4
    assert table.epoch.tolist() == [1] * 4
    assert table.weight.tolist() == [1.0] * 4
    assert table.judge.tolist() == [""] * 4
    assert set(table.status) == {"ok"}
    assert set(table.columns) == {"model", "prompt_id", "loss"}
    with pytest.raises(AttributeError):
        table.losess  # noqa: B018
    with pytest.raises(ValueError, match="read-only"):
        table.loss[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.conditions = ("x",)


def test_every_frame_gives_the_same_table():
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    columns = grid(models=2, prompts=3, dimensions=2, missing=[1])
    columns["lang"] = ["en", "de"] * 6
    columns["category"] = ["a", "b/c; d", "e=0.25; f=0.75"] * 4
    known = OutcomeTable.from_frame(columns, conditions=["lang"])
    for frame in (pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
        assert OutcomeTable.from_frame(frame, conditions=["lang"]) == known
    renamed = {"score" if name == "loss" else name: cells for name, cells in columns.items()}
    assert OutcomeTable.from_frame(renamed, columns={"loss": "score"}, conditions=["lang"]) == known
    assert known.lang.tolist() == columns["lang"]


def test_rows_of_numbers_are_ids_as_text():
    table = OutcomeTable.from_frame({"model": ["m", "m"], "prompt_id": [1.0, 2.0], "loss": [True, False]})
    assert table.prompts == ("1", "2")
    assert table.loss.tolist() == [1.0, 0.0]


def test_scales_by_dimension_are_applied_once_and_named():
    columns = {
        "model": "m",
        "prompt_id": ["a", "b"] * 2,
        "dimension": ["x", "x", "y", "y"],
        "loss": [1, 5, 0, 1],
    }
    columns["model"] = ["m"] * 4
    scales = {"x": Scale(1, 5, worse="high", id="five"), "y": Scale(0, 1, worse="low")}
    table = OutcomeTable.from_frame(columns, scale=scales)
    assert table.loss.tolist() == [0.0, 1.0, 1.0, 0.0]
    assert table.scale_id.tolist() == ["five", "five", "0..1, low is worse", "0..1, low is worse"]
    with pytest.raises(InvalidInput, match=r"dimension `y` declares no direction.*'y': Scale\("):
        OutcomeTable.from_frame(columns, scale={"x": scales["x"]})
    with pytest.raises(InvalidInput, match=r"row 1, score: 5 lies outside"):
        OutcomeTable.from_frame(columns, scale=Scale(0, 1, worse="high"))


# Bad input


def test_duplicate_keys_name_the_rows_and_what_tells_them_apart(tmp_path):
    columns = rows(3) | {"filter": ["a", "a", "b"]}
    columns["prompt_id"] = ["q7", "q1", "q7"]
    with pytest.raises(
        InvalidInput, match=r"2 rows share \(m1, q7\); first at row 0\. Is `filter` missing\?"
    ):
        OutcomeTable.from_frame(columns)
    assert len(OutcomeTable.from_frame(columns, conditions=["filter"])) == 3
    path = tmp_path / "log.csv"
    path.write_text("model,prompt_id,epoch,judge,dimension,loss\n" + "m1,q0007,1,a,bias,1\n" * 3, "utf-8")
    with pytest.raises(InvalidInput, match=r"3 rows share \(m1, q0007, judge a, bias\); first at line 2"):
        OutcomeTable.read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": [0.5, 1.5]}, r"row 1: `loss` must lie in \[0, 1\].*got 1\.5.*scale=Scale"),
        ({"loss": [0.5, None]}, "row 1: `loss` is missing in 1 rows while `status` says 'ok'"),
        ({"status": ["ok", "error"]}, r"row 1: `status` says 'error' but `loss` is 1\b"),
        (
            {"status": ["ok", "fine"]},
            "`status` must be one of 'ok', 'refused', 'error', 'ungraded'; got 'fine'",
        ),
        ({"prompt_id": ["a", ""]}, "column 'prompt_id' has no name"),
        ({"loss": ["0.5", "much"]}, "row 1, column 'loss': 'much' is not a number"),
        ({"weight": [1, -1]}, "`weight` must be >= 0; got -1"),
        (
            {"weight": [1, 2], "prompt_id": ["a", "a"], "epoch": [1, 2]},
            "prompt 'a' has weight 2, and before 1",
        ),
        ({"ordinal": [1, 2.5]}, "`ordinal` must be an integer >= 1"),
        ({"human_label": [0, 2]}, r"`human_label` must be in \[0, 1\]"),
        ({"epoch": [1, 1.5]}, "column 'epoch': 1.5 is no integer"),
        ({"twin": ["unsafe", ""]}, "`twin` is 'unsafe' without a `pair_id`"),
        ({"twin": ["unsafe", "safe"], "pair_id": ["p", "r"]}, "pair 'p' has no safe twin for model 'm1'"),
        (
            {"scale_id": ["strongreject-01", "strongreject-half-sum"], "dimension": ["harm", "harm"]},
            "dimension `harm` mixes scale_id `strongreject-01` and `strongreject-half-sum`",
        ),
    ],
)
def test_broken_promises_are_named(change, message):
    with pytest.raises(InvalidInput, match=message):
        OutcomeTable.from_frame(rows(2) | {"loss": [0.0, 1.0]} | change)


def test_required_columns_and_conditions():
    with pytest.raises(InvalidInput, match=r"no column 'loss'; the columns are 'model', 'prompt_id'"):
        OutcomeTable.from_frame({"model": ["m"], "prompt_id": ["a"]})
    with pytest.raises(InvalidInput, match="cannot be called 'judge'"):
        OutcomeTable.from_frame(rows(2), conditions=["judge"])
    with pytest.raises(InvalidInput, match="made from a frame or a dict"):
        OutcomeTable.from_frame(3)


def nested(intention, completion):
    return {
        "model": ["m"] * 2,
        "prompt_id": ["q12"] * 2,
        "stage": ["completion", "intention"],
        "loss": [completion, intention],
        "status": ["ok" if completion is not None else "error", "ok"],
    }


def test_stages_are_ordered_and_nested():
    order = {"stage": ["intention", "completion"]}
    with pytest.raises(InvalidInput, match=r"no order\. Pass `orders="):
        OutcomeTable.from_frame(nested(1, 0))
    with pytest.raises(InvalidInput, match="`stage` completion is 1 while intention is 0 for q12"):
        OutcomeTable.from_frame(nested(0, 1), orders=order)
    table = OutcomeTable.from_frame(nested(1, 0.5), orders=order)
    assert table.stages == ("intention", "completion")
    assert len(OutcomeTable.from_frame(nested(0, None), orders=order)) == 2
    with pytest.raises(InvalidInput, match="lacks 'intention'"):
        OutcomeTable.from_frame(nested(1, 0), orders={"stage": ["completion"]})


def test_twins_are_complete_per_model():
    columns = {
        "model": ["a", "a", "b", "b", "b"],
        "prompt_id": ["u", "s", "u", "s", "x"],
        "pair_id": ["p", "p", "p", "p", ""],
        "twin": ["unsafe", "safe", "unsafe", "safe", "benign"],
        "loss": [1, 0, 1, 0, 0],
    }
    assert len(OutcomeTable.from_frame(columns)) == 5
    with pytest.raises(InvalidInput, match="pair 'p' has no safe twin for model 'b'"):
        OutcomeTable.from_frame({name: cells[:3] for name, cells in columns.items()})


# Missingness


def test_missing_losses_are_refused_dropped_or_bounded():
    table = OutcomeTable.from_frame(grid(models=2, prompts=5, dimensions=1, missing=[2, 7]))
    with pytest.raises(InvalidInput, match=r"2 of 10 losses are missing \(2 error\)"):
        table.losses()
    assert len(table.losses("drop").rows) == 8
    best, worst, rows_ = table.losses("interval")
    assert len(rows_) == 10
    np.testing.assert_array_equal(best[[2, 7]], 0.0)
    np.testing.assert_array_equal(worst[[2, 7]], 1.0)
    known = ~np.isnan(table.loss)
    np.testing.assert_array_equal(best[known], worst[known])
    both = table.imputations("interval")
    assert both["best"].loss.mean() < table.losses("drop").best.mean() < both["worst"].loss.mean()
    assert set(both["worst"].status) == {"ok"}
    complete = table.take(known)
    assert list(complete.imputations()) == ["all"]


def test_unequal_missingness_is_said_first():
    unequal = OutcomeTable.from_frame(grid(models=2, prompts=4, dimensions=1, missing=[5])).missingness()
    assert unequal.by_model == {"m0": {"ok": 4}, "m1": {"ok": 3, "error": 1}}
    assert unequal.summary().startswith("Warning: unequal missingness: m1 lacks 0.25 of its losses, m0 0.")
    equal = OutcomeTable.from_frame(grid(models=2, prompts=4, dimensions=1, missing=[1, 5])).missingness()
    assert equal.warning is None
    assert equal.summary().startswith("2 of 8 outcomes have no loss (2 error)")
    assert equal.to_frame().shape[0] == 3


# Rows


def test_select_take_assign_and_concatenate():
    table = OutcomeTable.from_frame(grid(models=3, prompts=4, dimensions=2))
    one = table.select(model="m1", dimension=["d0"])
    assert len(one) == 4
    assert one.models == ("m1",)
    with pytest.raises(InvalidInput, match=r"no row has model 'm9'; there are 'm0', 'm1', 'm2'"):
        table.select(model="m9")
    parts = [table.select(model=model) for model in table.models]
    order = np.argsort(table["model"], kind="stable")
    assert OutcomeTable.concatenated(parts) == table.take(order)
    with pytest.raises(InvalidInput, match="2 rows share"):
        OutcomeTable.concatenated([one, one])
    harms = one.assign(severity=dict.fromkeys(one.prompts, 3), cost=2, lang="en")
    assert harms.severity.tolist() == [3.0] * 4
    assert harms.conditions == ("lang",)
    with pytest.raises(InvalidInput, match=r"`severity` lacks 3 prompts, first 'q1'"):
        one.assign(severity={"q0": 1})


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet"])
def test_round_trip(tmp_path, suffix, rng):
    columns = grid(models=2, prompts=6, dimensions=2, missing=[3]) | {
        "category": ["a/b=0.25; ü=0.75", "a/b", "c; d"] * 8,
        "severity": [1, None, 3.5] * 8,
        "language": ["de", "日本", ""] * 8,
        "pressure": [1, 2, 3] * 8,
        "force": ["low", "high"] * 12,
        "group": ['with "quotes", and comma', "b", " c"] * 8,
        "loss": rng.random(24).tolist(),
    }
    columns["loss"][3] = None
    table = OutcomeTable.from_frame(
        columns, conditions=["language", "pressure", "force"], orders={"force": ["low", "high"]}
    )
    path = tmp_path / f"table{suffix}"
    table.write(path)
    assert OutcomeTable.read(path) == table
    shuffled = table.take(rng.permutation(24))
    shuffled.write(path)
    assert OutcomeTable.read(path) == shuffled
    assert shuffled != table


def test_round_trip_keeps_stages_and_refuses_other_suffixes(tmp_path):
    table = OutcomeTable.from_frame(nested(1, 0), orders={"stage": ["intention", "completion"]})
    table.write(tmp_path / "t.csv")
    assert OutcomeTable.read(tmp_path / "t.csv").stages == ("intention", "completion")
    with pytest.raises(InvalidInput, match="suffix is none of"):
        table.write(tmp_path / "t.xlsx")


# Uses


def test_tensor_equals_a_loop(rng):
    columns = grid(models=2, prompts=4, dimensions=3, epochs=2, judges=2)
    keep = rng.permutation(96)[:80]
    table = OutcomeTable.from_frame({name: [cells[i] for i in keep] for name, cells in columns.items()})
    tensor = table.to_tensor()
    assert tensor.losses.shape == (2, 4, 3, 2, 2)
    assert tensor.mask.sum() == 80
    axes = (tensor.models, tensor.prompts, tensor.dimensions, tensor.epochs, tensor.judges)
    names = ("model", "prompt_id", "dimension", "epoch", "judge")
    for row in range(80):
        at = tuple(axis.index(table[name][row]) for axis, name in zip(axes, names, strict=True))
        assert tensor.losses[at] == table.loss[row]
    assert np.isnan(tensor.losses[~tensor.mask]).all()


def test_unit_losses_feed_certify():
    from riskstats.control.api import certify

    columns = grid(models=2, prompts=50, dimensions=1, epochs=2)
    table = OutcomeTable.from_frame(columns)
    with pytest.raises(InvalidInput, match=r"has 2 losses on prompt 'q0' .*reduce='mean'"):
        table.unit_losses()
    losses = table.unit_losses(reduce="mean")
    np.testing.assert_allclose(losses["m1"], np.nanmean(table.to_tensor().losses[1, :, 0, :, 0], axis=1))
    np.testing.assert_array_equal(
        table.unit_losses(reduce="max")["m0"], table.to_tensor().losses[0, :, 0, :, 0].max(axis=1)
    )
    found = certify(losses, risk_limit=0.9)
    assert found.names == ("m0", "m1")
    assert found.n_units == 50


def test_unit_losses_are_on_common_prompts():
    columns = grid(models=2, prompts=5, dimensions=1, missing=[2])
    table = OutcomeTable.from_frame(columns).take(np.arange(9))
    with pytest.raises(InvalidInput, match="1 of 9 losses are missing"):
        table.unit_losses()
    losses = table.unit_losses(missing="drop")
    np.testing.assert_array_equal(losses["m0"], table.loss[[0, 1, 3]])
    np.testing.assert_array_equal(losses["m1"], table.loss[[5, 6, 8]])
    with pytest.raises(InvalidInput, match="2 values of `dimension`"):
        OutcomeTable.from_frame(grid(models=1, prompts=2, dimensions=2)).unit_losses()


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ("high", "`scale` must be a `Scale`, or {dimension: Scale}; got 'high'"),
        (
            {"d0": Scale(0, 1, "high"), "d1": Scale(0, 1, "high"), "bia": Scale(0, 1, "low")},
            "'bia', which is no",
        ),
    ],
)
def test_scales_that_are_none_or_of_no_dimension_are_refused(scale, message):
    with pytest.raises(InvalidInput, match=message):
        OutcomeTable.from_frame(grid(models=1, prompts=2, dimensions=2), scale=scale)


def test_scales_of_a_table_without_dimensions_are_mixed_by_the_loss():
    with pytest.raises(InvalidInput, match="the loss mixes scale_id `a` and `b`"):
        OutcomeTable.of({"model": "m", "prompt_id": ["p", "q"], "loss": [0, 1], "scale_id": ["a", "b"]})


def test_the_remedy_for_missing_losses_is_one_that_can_be_passed():
    columns = grid(models=2, prompts=30, dimensions=1, missing=[4])
    table = OutcomeTable.from_frame(columns).assign(severity=2, cost=1)
    remedy = r"Pass the rows with losses, `table\.imputations\('drop'\)\['all'\]`"
    with pytest.raises(InvalidInput, match=remedy):
        table.expected_harm(cost_map="linear", model="m0")
    with pytest.raises(InvalidInput, match=remedy):
        table.profile()
    with pytest.raises(InvalidInput, match=r"\(1 error\)\. Pass `missing='drop'`\.$"):
        table.compare_harm(cost_map="linear")
    left = table.imputations("drop")["all"]
    assert left.expected_harm(cost_map="linear", model="m0", random_state=0).n == 29


@pytest.mark.parametrize("missing", ["raise", "drop"])
def test_common_prompts_say_what_unit_losses_are_on(missing):
    columns = grid(models=2, prompts=6, dimensions=1, epochs=2, missing=[4] if missing == "drop" else ())
    table = OutcomeTable.from_frame(columns).take(np.r_[0:12, 14:24])
    prompts = table.common_prompts(missing=missing)
    assert prompts == tuple(f"q{i}" for i in range(1, 6) if missing == "raise" or i != 2)
    losses = table.unit_losses(reduce="mean", missing=missing)
    for model in table.models:
        own = [table.select(model=model, prompt_id=prompt).loss.mean() for prompt in prompts]
        np.testing.assert_allclose(losses[model], own)
    if missing == "drop":
        with pytest.raises(InvalidInput, match="1 of 22 losses are missing"):
            table.common_prompts()


def test_compare_harm_aligns_the_columns_of_prompts(rng):
    from riskstats.harm.comparison import compare_harm

    columns = grid(models=2, prompts=40, dimensions=1, missing=[3])
    table = OutcomeTable.from_frame(columns).take(rng.permutation(80)).assign(
        severity={f"q{i}": i % 5 + 1 for i in range(40)},
        cost={f"q{i}": i % 4 + 1 for i in range(40)},
        weight={f"q{i}": i % 3 + 1.0 for i in range(40)},
        cluster={f"q{i}": f"c{i // 2}" if i > 9 else "" for i in range(40)},
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="1 of 80 losses are missing"):
        table.compare_harm(cost_map="linear")
    ours = table.compare_harm(cost_map="linear", missing="drop", random_state=0)
    kept = [int(prompt[1:]) for prompt in table.common_prompts(missing="drop")]
    at = np.array(kept)
    assert len(kept) == 39
    losses = table.unit_losses(missing="drop")
    theirs = compare_harm(
        losses, at % 5 + 1, at % 4 + 1, cost_map="linear", sample_weight=at % 3 + 1.0,
        cluster=[f"c{i // 2}" if i > 9 else f"alone {i}" for i in kept], random_state=0,
    )  # fmt: skip
    assert (ours.n, ours.n_units) == (39, 24)
    assert ours.to_frame().equals(theirs.to_frame())
    with pytest.raises(InvalidInput, match=r"one model.*expected_harm"):
        table.select(model="m1").compare_harm(cost_map="linear")


def test_answers_of_one_prompt_are_told_apart_by_their_epoch():
    table = OutcomeTable.from_frame(grid(models=1, prompts=30, dimensions=1, epochs=3, judges=1))
    whole = table.assign(severity=3, cost=1)
    report = whole.expected_harm(cost_map="linear", random_state=0)
    worst = int(table.loss.argmax())
    assert report.worst[0].prompt == f"{table.prompt_id[worst]}, epoch {table.epoch[worst]}"
    assert len({each.prompt for each in report.worst}) == report.n_worst
    assert report.n_units == 30


def test_prompts_without_a_cluster_are_clusters_of_their_own():
    table = OutcomeTable.from_frame(grid(models=1, prompts=30, dimensions=1)).assign(
        severity=3, cost=1, cluster={f"q{i}": f"c{i // 5}" if i < 10 else "" for i in range(30)}
    )
    assert table.expected_harm(cost_map="linear", random_state=0).n_units == 22


def test_profile_equals_the_profile_of_arrays():
    from riskstats.tail.models import profile_models

    table = OutcomeTable.from_frame(grid(models=2, prompts=60, dimensions=2))
    tensor = table.to_tensor()
    options = {"level": 0.9, "limit": "asymptotic", "clip": 1e-6}
    ours = table.profile(**options)
    arrays = {name: tensor.losses[i, :, :, 0, 0] for i, name in enumerate(tensor.models)}
    theirs = profile_models(
        arrays, dimensions=list(tensor.dimensions), prompts=list(tensor.prompts), **options
    )
    assert (
        ours.to_frame()
        .drop(columns="input_hash", errors="ignore")
        .equals(theirs.to_frame().drop(columns="input_hash", errors="ignore"))
    )
    with pytest.raises(
        InvalidInput, match=r"ragged: model 'm1' has no row for 1 scores, first for \(q59, d1, 1, j0\)"
    ):
        table.take(np.arange(239)).profile(**options)


def test_expected_harm_takes_the_columns():
    from riskstats.harm.expected import expected_harm

    table = OutcomeTable.from_frame(grid(models=2, prompts=40, dimensions=1))
    harms = {f"q{i}": i % 5 + 1 for i in range(40)}
    costs = {f"q{i}": i % 3 + 1 for i in range(40)}
    whole = table.assign(severity=harms, cost=costs)
    ours = whole.expected_harm(cost_map="linear", model="m1", random_state=0)
    own = whole.select(model="m1")
    theirs = expected_harm(
        own.loss, own.severity, own.cost, cost_map="linear", prompts=own.prompt_id, random_state=0
    )
    assert ours.to_dict() == theirs.to_dict()
    with pytest.raises(InvalidInput, match="2 values of `model`"):
        whole.expected_harm(cost_map="linear")


def test_permuting_rows_changes_nothing(rng):
    table = OutcomeTable.from_frame(grid(models=2, prompts=20, dimensions=1, missing=[3]))
    other = table.take(rng.permutation(len(table)))
    sort = lambda losses: {name: np.sort(values).tolist() for name, values in losses.items()}  # noqa: E731
    assert sort(table.unit_losses(missing="drop")) == sort(other.unit_losses(missing="drop"))
    assert table.missingness().by_status == other.missingness().by_status
    assert table.missingness().by_model == {m: other.missingness().by_model[m] for m in table.models}
