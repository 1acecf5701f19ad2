"""Readers: row counts, direction, missingness, the tool's own totals, half logs, round trips."""

import gzip
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest

from riskstats.evaluations.readers.log import read_log
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.exceptions import AssumptionWarning, InvalidInput, Unavailable
from tests.evaluations.logs import garak, inspect_ai, others

HIGH, LOW = Scale(0, 1, worse="high"), Scale(0, 1, worse="low")
VERDICTS = {"probe.A": {"det.X": [[1.0, 0.0], [0.2, None]], "det.Y": [[0.0, 0.0], [0.9, 0.1]]}}


def losses(table, **wanted):
    return table.select(**wanted).loss if wanted else table.loss


# inspect_ai


def test_inspect_has_a_row_per_prompt_epoch_and_key(tmp_path):
    scores = inspect_ai.scores_of(0)
    path = inspect_ai.write(tmp_path, inspect_ai.summaries(scores))
    table = read_log(path, scale=HIGH, columns={"category": "metadata.category"})
    assert len(table) == 6 * 2 * 2
    assert table.dimensions == ("harm.bias", "harm.toxicity")
    assert table.models == ("mockllm/model",)
    for (prompt, epoch), value in scores.items():
        for key, score in value.items():
            assert losses(table, prompt_id=prompt, epoch=epoch, dimension=f"harm.{key}") == [score]
    assert set(table.category) == {"area0/x", "area1/x", "area2/x"}
    assert set(table.scale_id) == {HIGH.name}
    assert table.source[0].startswith(f"inspect_ai {inspect_ai.VERSION}; run.eval; sha256:")


def test_inspect_archives_of_every_kind_give_the_same_table(tmp_path):
    samples = inspect_ai.summaries(inspect_ai.scores_of(1), failed=[("q1", 2)])
    plain = read_log(inspect_ai.write(tmp_path, samples), scale=HIGH)
    whole = read_log(inspect_ai.write_json(tmp_path, samples), scale=HIGH)
    np.testing.assert_array_equal(plain.loss, whole.loss)
    pytest.importorskip("zstandard")
    packed = read_log(inspect_ai.write(tmp_path, samples, name="z.eval", zstd=True), scale=HIGH)
    np.testing.assert_array_equal(plain.loss, packed.loss)


def test_inspect_flipped_scale_flips_losses_and_nothing_else(tmp_path):
    path = inspect_ai.write(tmp_path, inspect_ai.summaries(inspect_ai.scores_of(2), failed=[("q0", 1)]))
    high, low = (read_log(path, scale=scale) for scale in (HIGH, LOW))
    np.testing.assert_allclose(high.loss + low.loss, np.where(np.isnan(high.loss), np.nan, 1.0))
    for name in ("model", "prompt_id", "epoch", "dimension", "status"):
        np.testing.assert_array_equal(high[name], low[name])


def test_inspect_errors_and_limits_are_rows_without_a_loss(tmp_path):
    samples = inspect_ai.summaries(inspect_ai.scores_of(3), failed=[("q1", 1)], limited=[("q2", 2)])
    table = read_log(inspect_ai.write(tmp_path, samples), scale=HIGH)
    assert table.missingness().by_status == {"ok": 20, "error": 2, "ungraded": 2}
    assert set(losses(table, status="ok") >= 0) == {True}
    assert np.isnan(losses(table, prompt_id="q1", epoch=1)).all()


def test_inspect_letters_and_refusals(tmp_path):
    letters = {(f"q{i}", 1): letter for i, letter in enumerate("CPIN")}
    path = inspect_ai.write(tmp_path, inspect_ai.summaries(letters))
    with pytest.raises(InvalidInput, match=r"sample q3 epoch 1, scorer `harm` says N.*refusal_loss=0"):
        read_log(path, scale=LOW)
    table = read_log(path, scale=LOW, refusal_loss=0)
    np.testing.assert_array_equal(table.loss, [0.0, 0.5, 1.0, 0.0])
    assert table.status.tolist() == ["ok", "ok", "ok", "refused"]
    other = inspect_ai.write(tmp_path, inspect_ai.summaries({("q0", 1): "maybe"}), name="w.eval")
    with pytest.raises(InvalidInput, match=r"'maybe' is no number.*values="):
        read_log(other, scale=LOW)
    assert read_log(other, scale=LOW, values={"maybe": 0.25}).loss == [0.75]


def test_inspect_declares_no_direction(tmp_path):
    path = inspect_ai.write(tmp_path, inspect_ai.summaries(inspect_ai.scores_of(4)))
    with pytest.raises(
        InvalidInput, match=r"inspect scorer `harm` declares no direction\. Pass `scale=Scale"
    ):
        read_log(path)
    one = read_log(path, scale={"harm.bias": HIGH})
    assert one.dimensions == ("harm.bias",)


def test_the_remedy_for_a_missing_direction_names_the_range_of_the_scores(tmp_path):
    graded = {(f"q{i}", 1): score for i, score in enumerate((2, 5, 3, None))}
    path = inspect_ai.write(tmp_path, inspect_ai.summaries(graded))
    with pytest.raises(InvalidInput, match=r"Scale\(2, 5, worse='high'\)`, or 'low'.*from 2 to 5"):
        read_log(path)
    graded = {(f"q{i}", 1): 7 for i in range(3)}
    path = inspect_ai.write(tmp_path, inspect_ai.summaries(graded), name="same.eval")
    with pytest.raises(InvalidInput, match=r"Scale\(0, 7, worse='high'\)`.*from 7 to 7"):
        read_log(path)


def test_inspect_long_metadata_comes_from_the_samples(tmp_path):
    samples = inspect_ai.summaries(inspect_ai.scores_of(5), metadata={"template": "..."})
    path = inspect_ai.write(tmp_path, samples, whole={"template": "t" * 1500})
    table = read_log(path, scale=HIGH, columns={"cluster": "metadata.template"})
    assert set(table.cluster) == {"t" * 1500}


def test_inspect_non_ascii_ids_and_numbers_as_ids(tmp_path):
    scores = {("übung-日本", 1): {"a": 0.5}, (7, 1): {"a": 0.25}}
    table = read_log(inspect_ai.write(tmp_path, inspect_ai.summaries(scores)), scale=HIGH)
    assert table.prompts == ("übung-日本", "7")


def test_inspect_half_logs_are_refused_or_marked(tmp_path):
    samples = inspect_ai.summaries(inspect_ai.scores_of(6))
    open_log = inspect_ai.write(tmp_path, samples, finished=False)
    with pytest.raises(InvalidInput, match="has not finished"):
        read_log(open_log, scale=HIGH)
    with pytest.warns(AssumptionWarning, match="not whole"):
        table = read_log(open_log, scale=HIGH, partial="keep")
    assert table.partial
    assert len(table) == 24
    cancelled = inspect_ai.write(tmp_path, samples, name="c.eval", status="cancelled")
    with pytest.raises(InvalidInput, match="status 'cancelled'"):
        read_log(cancelled, scale=HIGH)
    cut = tmp_path / "cut.eval"
    cut.write_bytes(open_log.read_bytes()[:-100])
    with pytest.raises(InvalidInput, match="cut short"):
        read_log(cut, scale=HIGH)


def test_inspect_totals_of_the_tool_are_reproduced(tmp_path):
    samples = inspect_ai.summaries(inspect_ai.scores_of(7))
    document = json.loads(inspect_ai.write_json(tmp_path, samples).read_text("utf-8"))
    document["results"]["scores"][0]["metrics"]["mean"]["value"] += 0.01
    (tmp_path / "other.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(InvalidInput, match=r"mean of `harm\.bias` is .* in the log, but the rows give"):
        read_log(tmp_path / "other.json", scale=HIGH)
    document["samples"].pop()
    (tmp_path / "short.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(InvalidInput, match="`total_samples` is 12"):
        read_log(tmp_path / "short.json", scale=HIGH)


def test_zstd_names_its_extra(tmp_path, monkeypatch):
    pytest.importorskip("zstandard")
    path = garak.write(tmp_path, VERDICTS, zstd=True)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(Unavailable, match=r"riskstats\[logs\]"):
        read_log(path)


# garak


def test_garak_has_a_row_per_output_and_detector(tmp_path):
    table = read_log(garak.write(tmp_path, VERDICTS))
    assert len(table) == 8
    assert table.judges == ("det.X", "det.Y")
    assert table.models == ("test.Blank",)
    assert table.prompts == ("probe.A/0", "probe.A/1")
    np.testing.assert_array_equal(losses(table, judge="det.X"), [1.0, 0.0, 0.2, np.nan])
    assert table.missingness().by_judge == {"det.X": {"ok": 3, "ungraded": 1}, "det.Y": {"ok": 4}}
    assert set(table.category) == {"probe/A"}


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz"])
def test_garak_refuses_totals_that_differ(tmp_path, name):
    path = garak.write(tmp_path, VERDICTS, wrong=1, name=name)
    with pytest.raises(InvalidInput, match=r"line 7: `passed` of probe\.A, det\.X is 3 in the log.*give 2"):
        read_log(path)


def test_garak_half_reports(tmp_path):
    path = garak.write(tmp_path, VERDICTS, finished=False)
    with pytest.raises(InvalidInput, match="no `completion` entry"):
        read_log(path)
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(garak.write(tmp_path, VERDICTS).read_bytes()[:-20])
    with pytest.raises(InvalidInput, match=r"line 9: no JSON object.*last line: the file was cut short"):
        read_log(cut)
    with pytest.warns(AssumptionWarning):
        assert len(read_log(cut, partial="keep")) == 8


def test_a_bad_line_in_the_middle_is_reported_even_where_parts_are_kept(tmp_path):
    lines = garak.write(tmp_path, VERDICTS).read_text("utf-8").splitlines()
    lines[4] = lines[4][:-9]
    path = tmp_path / "bad.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    for partial in ("refuse", "keep"):
        with pytest.raises(InvalidInput, match="line 5: no JSON object"):
            read_log(path, partial=partial)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_compressed_stream_that_ends_too_early_is_refused(tmp_path, kind):
    if kind == "zstd":
        pytest.importorskip("zstandard")
    path = garak.write(tmp_path, VERDICTS, zstd=kind == "zstd", name="r.gz" if kind == "gzip" else "r.zst")
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(InvalidInput, match="ends in the middle"):
        read_log(path, "garak")


def test_garak_verdicts_cannot_be_turned_round(tmp_path):
    with pytest.raises(InvalidInput, match="documented with high as the worse end"):
        read_log(garak.write(tmp_path, VERDICTS), scale=LOW)


# lm_eval


def test_lm_eval_reads_one_filter_and_checks_the_mean(tmp_path):
    values = [0.0, 1.0, 0.25]
    path = others.lm_eval(tmp_path, values, filters=("strict", "flexible"))
    with pytest.raises(InvalidInput, match=r"filters 'strict', 'flexible'\. Pass `filter=`"):
        read_log(path, scale=HIGH)
    table = read_log(path, scale=HIGH, filter="flexible", columns={"group": "doc.topic"})
    np.testing.assert_array_equal(table.loss, values)
    assert table.prompts == ("safety/0", "safety/1", "safety/2")
    assert table.models == ("placeholder/model",)
    assert table.group.tolist() == ["t0", "t1", "t0"]


def test_lm_eval_direction_model_and_missing_documents(tmp_path):
    path = others.lm_eval(tmp_path, [0.0, 1.0, None])
    with pytest.raises(
        InvalidInput, match="lower is better for `harm`, but the declared scale says low is worse"
    ):
        read_log(path, scale=LOW)
    assert read_log(path, scale=HIGH).status.tolist() == ["ok", "ok", "ungraded"]
    turned = read_log(path, scale=LOW, check_direction=False)
    np.testing.assert_array_equal(turned.loss, 1 - read_log(path, scale=HIGH).loss)
    short = others.lm_eval(tmp_path, [0.0, 1.0], documents=3)
    with pytest.raises(InvalidInput, match="2 of 3 documents"):
        read_log(short, scale=HIGH)
    (tmp_path / "bare").mkdir()
    bare = others.lm_eval(tmp_path / "bare", [0.0], results=False)
    with pytest.raises(InvalidInput, match=r"does not name the model.*`model=`"):
        read_log(bare, scale=HIGH)
    assert read_log(bare, scale=HIGH, model="m").models == ("m",)
    with pytest.raises(InvalidInput, match="no score 'acc'"):
        read_log(bare, scale={"acc": LOW}, model="m")


# HELM


def test_helm_keeps_judges_apart_and_failed_judges_as_rows(tmp_path):
    scores = [{"gpt": 1.0, "llama": 0.5}, {"gpt": 0.0, "llama": None}, {"gpt": 0.25, "llama": 1.0}]
    table = read_log(others.helm(tmp_path, scores))
    assert table.judges == ("gpt", "llama")
    np.testing.assert_array_equal(losses(table, judge="gpt"), [0.0, 1.0, 0.75])
    np.testing.assert_array_equal(losses(table, judge="llama"), [0.5, np.nan, 0.0])
    assert table.missingness().by_judge["llama"] == {"ok": 2, "ungraded": 1}
    assert set(table.category) == {"test/toxic"}
    with pytest.raises(InvalidInput, match="documented with low as the worse end"):
        read_log(tmp_path / "per_instance_stats.json", scale=HIGH)


def test_helm_trials_perturbations_and_totals(tmp_path):
    path = others.helm(tmp_path, [{"gpt": 1.0}, {"gpt": 0.5}], trials=2, perturbed=[0])
    table = read_log(path)
    assert table.epochs == (1, 2)
    assert table.conditions == ("perturbation",)
    assert len(table.select(perturbation="typos, perturbed")) == 2
    others.dump(tmp_path / "stats.json", [{"name": others.helm_name("safety_score"), "mean": 0.9}])
    with pytest.raises(InvalidInput, match=r"mean `safety_score` of stats\.json is 0\.9"):
        read_log(path)
    (tmp_path / "run_spec.json").unlink()
    with pytest.raises(InvalidInput, match=r"'run_spec\.json' beside it"):
        read_log(path)


# HarmBench


def test_harmbench_labels_behaviors_and_file_name(tmp_path):
    labels = {"b-é": [1, 0, 1], "b2": [0, -1, 0]}
    path = others.harmbench(tmp_path, labels, behaviors=True)
    table = read_log(path, behaviors=tmp_path / "behaviors.csv")
    assert table.models == ("model-a",)
    np.testing.assert_array_equal(table.loss, [1, 0, 1, 0, np.nan, 0])
    assert table.category.tolist() == ["contextual/area0"] * 3 + ["standard/area1"] * 3
    by_behavior = [np.nanmean(losses(table, prompt_id=b)) for b in table.prompts]
    assert np.mean(by_behavior) == pytest.approx(np.mean([2 / 3, 0.0]))
    with pytest.raises(InvalidInput, match="no field 'label'"):
        read_log(others.dump(tmp_path / "c.json", {"b": [{"test_case": "placeholder", "generation": "x"}]}))


# modelbench


def test_modelbench_safe_fractions_failures_and_hazards(tmp_path):
    safe = {
        "t1": {"p1": 1.0, "p2": 0.0, "p3": "sut exception"},
        "t2": {"p4": 0.5, "p5": "annotator exception"},
    }
    table = read_log(others.modelbench(tmp_path, safe))
    np.testing.assert_array_equal(table.loss, [0.0, 1.0, np.nan, 0.5, np.nan])
    assert table.status.tolist() == ["ok", "ok", "error", "ok", "ungraded"]
    assert table.category.tolist() == ["hazard-t1"] * 3 + ["hazard-t2"] * 2
    assert table.models == ("sut-a",)


def test_modelbench_reproduces_hazard_scores_and_refuses_half_journals(tmp_path):
    safe = {"t1": {"p1": 1.0, "p2": 0.0}}
    with pytest.raises(InvalidInput, match=r"`score` of hazard-t1 is 0.9"):
        read_log(others.modelbench(tmp_path, safe, score=0.9))
    with pytest.raises(InvalidInput, match="no 'finished run'"):
        read_log(others.modelbench(tmp_path, safe, finished=False))


def test_modelbench_journal_in_zstd(tmp_path):
    pytest.importorskip("zstandard")
    plain = others.modelbench(tmp_path, {"t1": {"p1": 1.0, "p2": 0.0}})
    packed = tmp_path / "journal.jsonl.zst"
    packed.write_bytes(inspect_ai.packed(plain.read_bytes()))
    np.testing.assert_array_equal(read_log(packed).loss, read_log(plain).loss)


# promptfoo


def test_promptfoo_scores_errors_graders_and_repeats(tmp_path):
    results = [
        {"test": 0, "score": 1},
        {"test": 1, "score": 0, "success": False, "case": "same"},
        {"test": 2, "score": 1, "case": "same"},
        {"test": 3, "score": 0, "success": False, "error": "placeholder", "grading": False},
        {"test": 4, "score": 0, "success": False, "grader_error": True},
        {"test": 5, "score": 0, "success": True, "grading": False},
    ]
    for result in results[1:3]:
        result["test"] = 1 + 2 * (result["score"] == 1)
    table = read_log(others.promptfoo(tmp_path, results))
    np.testing.assert_array_equal(table.loss, [0, 1, 0, np.nan, np.nan, np.nan])
    assert table.status.tolist() == ["ok", "ok", "ok", "error", "ungraded", "ungraded"]
    assert table.epoch.tolist() == [1, 1, 2, 1, 1, 1]
    assert table.prompt_id[1] == table.prompt_id[2]
    assert set(table.strategy) == {"basic"}


def test_promptfoo_contradictions_and_named_scores(tmp_path):
    path = others.promptfoo(tmp_path, [{"test": 0, "score": 1, "success": False}])
    with pytest.raises(InvalidInput, match="success=False at score 1"):
        read_log(path)
    path = others.promptfoo(tmp_path, [{"test": 0, "score": 1}])
    named = read_log(path, scale={"tone": HIGH})
    assert named.dimensions == ("tone",)
    assert named.loss == [0.25]
    with pytest.raises(InvalidInput, match="no score 'tune'"):
        read_log(path, scale={"tone": HIGH, "tune": HIGH})


# deepeval


def test_deepeval_metrics_judges_and_errors(tmp_path):
    path = others.deepeval(tmp_path, [{"Toxicity": (0.9, True)}, {"Toxicity": (None, False)}])
    with pytest.raises(InvalidInput, match="does not name the model under test"):
        read_log(path, scale=LOW)
    table = read_log(path, scale=LOW, model="m")
    assert table.judges == ("judge-1",)
    assert table.models == ("m",)
    assert table.loss[0] == pytest.approx(0.1)
    assert table.status.tolist() == ["ok", "error"]


def test_deepeval_thresholds_check_the_declared_direction(tmp_path):
    path = others.deepeval(tmp_path, [{"Toxicity": (0.1, True)}])
    with pytest.raises(
        InvalidInput, match=r"`Toxicity` in run\.json: success=True at score 0\.1 < threshold 0\.5"
    ):
        read_log(path, scale=LOW, model="m")
    assert read_log(path, scale=HIGH, model="m").loss == [0.1]


def test_deepeval_unfinished_runs_and_totals(tmp_path):
    cases = [{"Bias": (1.0, True)}, {"Bias": (0.0, False)}]
    path = others.deepeval(tmp_path, cases, finished=False, wrapped=True)
    with pytest.raises(InvalidInput, match="has not finished"):
        read_log(path, scale=LOW, model="m")
    whole = json.loads(others.deepeval(tmp_path, cases).read_text("utf-8"))
    others.dump(tmp_path / "w.json", {**whole, "testPassed": 2})
    with pytest.raises(InvalidInput, match="`testPassed` is 2 in the log, but the rows give 1"):
        read_log(tmp_path / "w.json", scale=LOW, model="m")


# every format


def logs(folder):
    """(path, options) of one log per tool."""
    for name in ("i", "l", "h", "b", "m", "p", "d", "g"):
        (folder / name).mkdir()
    samples = inspect_ai.summaries(inspect_ai.scores_of(8), failed=[("q1", 1)])
    yield inspect_ai.write(folder / "i", samples), {"scale": HIGH}
    yield others.lm_eval(folder / "l", [0.1, None, 1.0]), {"scale": HIGH}
    yield others.helm(folder / "h", [{"a": 1.0, "b": None}, {"a": 0.1, "b": 0.3}]), {}
    yield others.harmbench(folder / "b", {"é": [1, 0], "b": [-1]}), {}
    yield others.modelbench(folder / "m", {"t": {"p": 1.0, "q": "sut exception"}}), {}
    yield others.promptfoo(folder / "p", [{"test": 0, "score": 1}, {"test": 1, "score": 0}]), {}
    yield (
        others.deepeval(folder / "d", [{"Bias": (0.9, True)}, {"Bias": (None, False)}]),
        {
            "scale": LOW,
            "model": "m",
        },
    )
    yield garak.write(folder / "g", VERDICTS), {}


def test_every_table_survives_a_round_trip_of_every_kind_of_file(tmp_path):
    for path, options in logs(tmp_path):
        table = read_log(path, **options)
        assert 0 <= np.nanmin(table.loss) <= np.nanmax(table.loss) <= 1
        for suffix in (".csv", ".jsonl.gz", ".parquet"):
            copy = tmp_path / f"copy{suffix}"
            table.write(copy)
            assert OutcomeTable.read(copy) == table, (path, suffix)


def test_a_flipped_scale_flips_the_losses_of_every_tool_and_nothing_else(tmp_path):
    for path, options in logs(tmp_path):
        table = read_log(path, **options)
        scale = options.get("scale") or (
            LOW if "per_instance" in path.name or path.parent.name in "mp" else HIGH
        )
        flipped = read_log(path, **{**options, "scale": scale.flipped, "check_direction": False})
        np.testing.assert_allclose(flipped.loss, 1 - table.loss, atol=1e-15)
        for name in ("model", "prompt_id", "epoch", "judge", "dimension", "status"):
            np.testing.assert_array_equal(flipped[name], table[name])


def test_a_format_is_recognised_by_content_whatever_the_name(tmp_path):
    for path, options in logs(tmp_path):
        if path.name.startswith(("samples", "per_instance", "model-a")):
            continue
        other = path.with_name("log.bin")
        other.write_bytes(path.read_bytes())
        np.testing.assert_array_equal(read_log(other, **options).loss, read_log(path, **options).loss)


def test_unknown_logs_say_what_they_hold(tmp_path):
    path = others.dump(tmp_path / "x.json", {"a": 1})
    with pytest.raises(InvalidInput, match=r"log of no tool that is known here \('a'\)"):
        read_log(path)
    with pytest.raises(InvalidInput, match="cannot read"):
        read_log(tmp_path / "absent.eval")
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with pytest.raises(InvalidInput, match="is empty"):
        read_log(tmp_path / "empty.jsonl")
    cut = others.dump(tmp_path / "cut.json", {"testCases": [{"name": "x"}]})
    cut.write_bytes(cut.read_bytes()[:-4])
    with pytest.raises(InvalidInput, match="not whole JSON"):
        read_log(cut)
    with pytest.raises(InvalidInput, match=r"no field 'metadata.nothing' in any sample"):
        read_log(
            inspect_ai.write(tmp_path, inspect_ai.summaries(inspect_ai.scores_of(9))),
            scale=HIGH,
            columns={"group": "metadata.nothing"},
        )


def test_scores_outside_the_declared_scale_name_the_sample(tmp_path):
    path = inspect_ai.write(tmp_path, inspect_ai.summaries({("q0", 1): {"a": 3.0}}))
    with pytest.raises(InvalidInput, match=r"sample q0 epoch 1.*3 lies outside \[0, 1\]"):
        read_log(path, scale=HIGH)
    assert read_log(path, scale=Scale(1, 5, worse="high")).loss == [0.5]


def test_lines_stream_in_constant_memory(tmp_path):
    """The peak of many long lines is a small part of their size."""
    import tracemalloc

    path = tmp_path / "long.jsonl.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        for doc in range(4000):
            line = {"doc_id": doc, "resps": [["x" * 5000]], "filter": "f", "metrics": ["m"], "m": 0.5}
            file.write(json.dumps(line) + "\n")
    tracemalloc.start()
    table = read_log(path, scale=HIGH, model="m")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(table) == 4000
    assert peak < 8e6, peak


def test_reading_is_silent(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path, options in logs(tmp_path):
            read_log(path, **options)


def test_reading_loads_no_pandas(tmp_path):
    path = inspect_ai.write(tmp_path, inspect_ai.summaries(inspect_ai.scores_of(0)))
    code = (
        "import sys\n"
        "from riskstats.evaluations.readers.log import read_log\n"
        "from riskstats.evaluations.scale import Scale\n"
        f"assert len(read_log({str(path)!r}, scale=Scale(0, 1, worse='high'))) == 24\n"
        "assert not {'pandas', 'polars', 'pyarrow', 'jax', 'cvxpy', 'sklearn'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_benchmarks_run(tmp_path, capsys):
    from benchmarks.evaluations import main

    assert main(["all", "--quick", "--output", str(tmp_path)]) == 0
    assert "evaluations-inspect" in capsys.readouterr().out
    assert len(list(tmp_path.glob("*.json"))) == 3
