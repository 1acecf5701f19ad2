"""`profile_models`: one report from an array, a dict, a table and the command line; bad input says so."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskstats import cli
from riskstats.cli.profile import LIMITS as WORDS
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.results import Status
from riskstats.tail.judge_noise import judge_noise_sensitivity
from riskstats.tail.limits import BootstrapT, SplitBetting
from riskstats.tail.models import LIMITS, profile_models
from riskstats.tail.models_report import ModelsReport
from riskstats.tail.profile import risk_profile
from riskstats.tail.ranking import compare_models
from riskstats.tail.repeats import repeated_tail
from riskstats.tail.union import union_risk

MODELS = ("alpha", "beta")
DIMENSIONS = ("toxicity", "bias", "privacy")
N = 90
PROMPTS = tuple(f"p{i}" for i in range(N))
WEIGHTS = 1.0 + np.arange(N) % 3
GROUPS = np.where(np.arange(N) % 4 == 0, "de", "en")
AXES = ("model", "prompt", "dimension", "epoch", "judge")
NAMES = {"models": MODELS, "prompts": PROMPTS, "dimensions": DIMENSIONS}


def scores_of(*more: int, seed: int = 5) -> np.ndarray:
    """(2, N, 3, *more), many of them 0."""
    rng, shape = np.random.default_rng(seed), (len(MODELS), N, len(DIMENSIONS), *more)
    return (rng.beta(0.5, 4, shape) * (rng.random(shape) < 0.6)).round(3)


def table_of(array: np.ndarray, **labels: Any) -> dict[str, list[Any]]:
    """Long columns, one row per score; labels are per prompt."""
    names = (MODELS, PROMPTS, DIMENSIONS, *(range(size) for size in array.shape[3:]))
    places = list(np.ndindex(array.shape))
    columns = {axis: [names[k][place[k]] for place in places] for k, axis in enumerate(AXES[: array.ndim])}
    columns |= {label: [values[place[1]].item() for place in places] for label, values in labels.items()}
    return {**columns, "score": array.ravel().tolist()}


def content_of(report: ModelsReport) -> dict[str, Any]:
    """As it comes back from JSON."""
    return json.loads(json.dumps(report.to_dict()))


def profiled(scores: Any, **asked: Any) -> ModelsReport:
    return profile_models(scores, **{"random_state": 0, **asked})


def told_by_the_command(
    table: dict[str, list[Any]], folder: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> dict[str, Any]:
    path = folder / "log.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    code = cli.main(["profile", str(path), "--json", *options])
    assert code == (3 if "--risk-limit" in options else 0)
    return json.loads(capsys.readouterr().out)


CASES: dict[str, tuple[tuple[int, ...], dict[str, Any], tuple[str, ...]]] = {
    "plain": ((), {}, ()),
    "attempts": ((3,), {"estimand": "attempt"}, ("--estimand", "attempt")),
    "true risk": (
        (4,),
        {"estimand": "prompt_risk", "level": 0.9},
        ("--estimand", "prompt_risk", "--level", "0.9"),
    ),
    "epochs and judges": (
        (2, 3),
        {"estimand": "epoch_mean", "pooling": "max", "clip": 1e-3, "risk_limit": 0.2},
        ("--estimand", "epoch_mean", "--pooling", "max", "--clip", "1e-3", "--risk-limit", "0.2"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_array_dict_table_and_command_agree(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, asked, options = CASES[case]
    array, labels = scores_of(*more), {"weight": WEIGHTS, "group": GROUPS}
    known = {"prompts": PROMPTS, "dimensions": DIMENSIONS, "sample_weight": WEIGHTS, "groups": GROUPS}
    found = content_of(profiled(array, models=MODELS, **known, **asked))
    assert found == content_of(profiled(dict(zip(MODELS, array, strict=True)), **known, **asked))
    table = table_of(array, **labels)
    assert found == content_of(profiled(table, **asked))
    told = told_by_the_command(table, tmp_path, capsys, *options)
    assert told == {name: found[name] for name in told}
    assert set(found) - set(told) == {"unit", "status"}


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("form", ["long", "wide"])
def test_frames(library: str, form: str) -> None:
    module = pytest.importorskip(library)
    array = scores_of()
    if form == "long":
        table: dict[str, Any] = {**table_of(array), "note": [None] * array.size}
    else:
        table = {"model": np.repeat(MODELS, N).tolist(), "prompt": [*PROMPTS, *PROMPTS]}
        table |= {name: array[:, :, k].ravel().tolist() for k, name in enumerate(DIMENSIONS)}
    frame = module.table(table) if library == "pyarrow" else module.DataFrame(table)
    assert content_of(profiled(frame)) == content_of(profiled(array, **NAMES))


def test_frames_name_the_dimensions_of_a_model() -> None:
    pd = pytest.importorskip("pandas")
    array = scores_of()
    frames = {name: pd.DataFrame(each, columns=DIMENSIONS) for name, each in zip(MODELS, array, strict=True)}
    assert content_of(profiled(frames, prompts=PROMPTS)) == content_of(profiled(array, **NAMES))


def test_columns_of_other_names() -> None:
    table = table_of(scores_of())
    renamed = {"id" if name == "prompt" else name: cells for name, cells in table.items()}
    assert content_of(profiled(renamed, columns={"prompt": "id"})) == content_of(profiled(table))


def test_rows_of_a_table_in_any_order() -> None:
    table = table_of(scores_of())
    order = np.random.default_rng(0).permutation(len(table["score"]))
    shuffled = {name: [cells[i] for i in order] for name, cells in table.items()}
    assert profiled(shuffled)["beta"].cvar == pytest.approx(profiled(table)["beta"].cvar, abs=1e-12)


def test_the_parts_are_those_of_the_library() -> None:
    array = scores_of(2, 3)
    report = profiled(array, estimand="prompt_risk", level=0.9, limit=SplitBetting(), **NAMES)
    pooled = np.sqrt(np.square(array).mean(axis=4))
    alone = risk_profile(pooled[1].mean(axis=2), level=0.9, limit=SplitBetting(), random_state=0)
    assert report["beta"].cvar == pytest.approx(alone.cvar, abs=1e-12)
    assert report["beta"].interval.upper == pytest.approx(alone.interval.upper, abs=1e-12)  # type: ignore[union-attr]
    unions = {name: union_risk(pooled[i].mean(axis=2)) for i, name in enumerate(MODELS)}
    compared = compare_models(unions, 0.9, support=(0, 1), random_state=0)
    assert report.comparison is not None
    assert report.comparison.pairs[0].p_value == pytest.approx(compared.pairs[0].p_value)
    repeated = repeated_tail(
        union_risk(pooled[0].transpose(0, 2, 1)), 0.9, estimand="prompt_risk", random_state=0
    )
    assert report.repeats["alpha"].value == pytest.approx(repeated.value, abs=1e-9)
    judged = union_risk(array[0].mean(axis=2).transpose(0, 2, 1))
    noise = judge_noise_sensitivity(judged, 0.9, random_state=0)
    assert report.judge_noise["alpha"].sd == pytest.approx(noise.sd)


def test_one_model_is_not_compared() -> None:
    report = profiled(scores_of()[:1])
    assert report.comparison is None
    assert report.notes == ()
    assert list(report.profiles) == ["0"]
    assert report["0"].attribution.parts[0].names == ("d1", "d2", "d3")


def test_a_table_of_one_model_without_a_name() -> None:
    table = {"prompt": list(PROMPTS), "score": scores_of()[0, :, 0].tolist()}
    assert list(profiled(table).profiles) == ["model"]


def test_prompts_that_differ() -> None:
    array = scores_of()
    some = {"alpha": array[0], "beta": array[1, 1:]}
    ids = {"alpha": PROMPTS, "beta": PROMPTS[1:]}
    weights = dict(zip(PROMPTS, WEIGHTS, strict=True))
    report = profiled(some, prompts=ids, on="intersection", sample_weight=weights)
    assert report.comparison is not None
    assert report.comparison.dropped == 1
    kept = profiled(array[:, 1:], models=MODELS, sample_weight=WEIGHTS[1:])
    assert report["beta"].cvar == pytest.approx(kept["beta"].cvar)
    with pytest.raises(InvalidInput, match=r"model beta lacks 1 prompts .* `on='intersection'`"):
        profiled(some, prompts=ids)
    with pytest.raises(InvalidInput, match=r"nothing says which are the same. Pass `prompts="):
        profiled(some)
    with pytest.raises(InvalidInput, match=r"pass `sample_weight` as \{prompt: value\}"):
        profiled(some, prompts=ids, sample_weight=WEIGHTS)
    with pytest.raises(InvalidInput, match=r"`prompts` lacks the model 'beta'"):
        profiled(some, prompts={"alpha": PROMPTS})


def test_status() -> None:
    array = scores_of()
    upper = {name: each.interval.upper for name, each in profiled(array, **NAMES).profiles.items()}  # type: ignore[union-attr]
    low, high = sorted(upper.values())
    assert low < high
    between = profiled(array, risk_limit=(low + high) / 2, **NAMES)
    assert between.status == Status.ABOVE_LIMIT
    assert between.above((low + high) / 2) == [max(upper, key=upper.__getitem__)]
    assert profiled(array, risk_limit=high).status == Status.WITHIN_LIMIT
    assert profiled(array).status == Status.BOUND
    assert profiled(array, limit=None).status == Status.NO_BOUND


def test_limits_by_word_and_by_method() -> None:
    assert LIMITS == WORDS
    array = scores_of()
    assert content_of(profiled(array)) == content_of(profiled(array, limit=BootstrapT()))
    assert profiled(array, limit="berk-jones")["0"].interval.guaranteed  # type: ignore[union-attr]


def test_summary_frame_and_plot() -> None:
    pytest.importorskip("pandas")
    report = profiled(scores_of(), groups=GROUPS, **NAMES)
    assert report.comparison is not None
    text = report.summary()
    assert text == str(report)
    assert text.startswith(report.comparison.summary())
    assert "Model beta\nRisk profile at level 0.95" in text
    assert text.endswith("use `riskstats certify`.")
    frame = report.to_frame()
    assert set(frame.part) == {"scale", "dimension", "group"}
    pieces = frame[(frame.model == "beta") & (frame.part == "dimension")].contribution
    assert pieces.sum() == pytest.approx(report["beta"].cvar, abs=1e-12)
    assert report.plot().axes
    assert profiled(scores_of()[:1]).plot().axes


def test_attempts_are_named_in_the_summary() -> None:
    assert "Model alpha, by attempts" in profiled(scores_of(2), estimand="attempt", **NAMES).summary()


def test_an_assumed_judge_noise() -> None:
    report = profiled(scores_of(), judge_sd=0.1, **NAMES)
    assert not report.judge_noise["beta"].estimated


# Bad input


def changed(array: np.ndarray, value: float) -> np.ndarray:
    copy = array.copy()
    copy[1, 4, 2] = value
    return copy


BAD: dict[str, tuple[Callable[[], Any], dict[str, Any], str]] = {
    "one axis too few": (lambda: scores_of()[0], {}, r"shape \(models, prompts.*got shape \(90, 3\)"),
    "one axis too many": (lambda: scores_of(2, 2, 2), {}, r"got shape \(2, 90, 3, 2, 2, 2\)"),
    "a vector": (lambda: {"a": np.zeros(5)}, {}, r"shape \(prompts, .*one called 'prompt'"),
    "text": (lambda: [[["high"]]], {}, "must be an array of numbers"),
    "NaN": (lambda: changed(scores_of(), np.nan), {}, r"`scores\['1'\]` has 1 NaN at rows 4"),
    "above 1": (lambda: changed(scores_of(), 1.5), {}, r"must lie in support \(0, 1\); got max 1.5"),
    "below 0": (lambda: changed(scores_of(), -0.1), {}, r"got min -0.1"),
    "a score of 1": (lambda: changed(scores_of(), 1.0), {}, "log-risk is infinite for 1 score"),
    "no models": (dict, {}, "holds no model"),
    "no prompts": (lambda: np.zeros((2, 0, 3)), {}, r"`scores\['0'\]` is empty"),
    "epochs": (lambda: scores_of(2), {}, "each prompt has 2 epochs.*`estimand=` 'attempt'"),
    "judges": (lambda: scores_of(1, 2), {"judge_sd": 0.1}, "2 judges show their noise.*`judge_sd`"),
    "judge sd": (scores_of, {"judge_sd": -1}, "`judge_sd`"),
    "names": (scores_of, {"models": ["a", "a"]}, "`models` must be 2 different names"),
    "named twice": (lambda: {"a": scores_of()[0]}, {"models": ["b"]}, "names the models itself"),
    "ids": (scores_of, {"prompts": ["p"] * N}, "`prompts` must be 90 different ids, none missing"),
    "missing ids": (scores_of, {"prompts": [None, *range(1, N)]}, "none missing"),
    "dimensions": (scores_of, {"dimensions": ["a"]}, "`dimensions` must be 3 different names"),
    "shapes": (lambda: {"a": np.zeros((5, 2)), "b": np.zeros((5, 3))}, {}, "must share dimensions"),
    "weights": (scores_of, {"sample_weight": [1.0]}, "1 values for 90 rows"),
    "weights by prompt": (scores_of, {"sample_weight": {"0": 1.0}}, "`sample_weight` lacks 89 prompts"),
    "groups": (scores_of, {"groups": ["en"]}, "`groups` must be one label for each of 90 rows"),
    "columns": (scores_of, {"columns": {"score": "s"}}, "`columns` belongs to a table"),
    "estimand": (scores_of, {"estimand": "mean"}, "`estimand` must be one of"),
    "pooling": (scores_of, {"pooling": "min"}, "`pooling` must be one of"),
    "limit": (scores_of, {"limit": "brown"}, "`limit` must be one of"),
    "level": (scores_of, {"level": 95, "limit": "berk-jones"}, "Write 0.95"),
    "confidence": (scores_of, {"confidence_level": 0.05}, "Did you mean 0.95"),
    "on": (scores_of, {"on": "union"}, "`on` must be one of"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arrays(case: str) -> None:
    make, asked, message = BAD[case]
    with pytest.raises(InvalidInput, match=message):
        profiled(make(), **asked)


def edited(change: Callable[[list[list[Any]]], Any]) -> dict[str, list[Any]]:
    """A long table whose rows were changed."""
    table = table_of(scores_of(), weight=WEIGHTS, group=GROUPS)
    rows = [list(row) for row in zip(*table.values(), strict=True)]
    change(rows)
    return dict(zip(table, map(list, zip(*rows, strict=True)), strict=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.append(r[4]), "row 540: a second score for model 'alpha', prompt 'p1', dim.* 'bias'"),
        (lambda r: r.pop(4), "ragged: 1 scores are missing, first for model 'alpha', prompt 'p1'"),
        (lambda r: r[4].__setitem__(-1, np.nan), "1 missing score in row 4, column 'score'"),
        (lambda r: r[4].__setitem__(-1, 1.7), "row 4, column 'score': 1.7 lies outside"),
        (lambda r: r[4].__setitem__(1, None), "row 4, column 'prompt': the prompt has no name"),
        (lambda r: r[4].__setitem__(3, 9.0), "prompt 'p1' has weight 9, and before 2"),
        (lambda r: r[4].__setitem__(4, "de"), "prompt 'p1' has group 'de', and before 'en'"),
    ],
)
def test_bad_tables(change: Callable[[list[list[Any]]], Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        profiled(edited(change))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"models": MODELS}, r"`models` belongs to arrays.*`columns=\{'model': ...\}`"),
        ({"sample_weight": WEIGHTS}, r"`columns=\{'weight': ...\}`"),
        ({"columns": {"prompts": "prompt"}}, "`columns` must be {role: column}"),
        ({"columns": {"prompt": "id"}}, "no column 'id'"),
        ({"dimensions": ["nope"]}, "no column 'nope'"),
    ],
)
def test_bad_names_of_a_table(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        profiled(table_of(scores_of()), **asked)


@pytest.mark.parametrize(
    ("more", "asked"), [((2,), {"estimand": "attempt"}), ((), {"sample_weight": WEIGHTS})]
)
def test_guaranteed_limits_refuse_clusters_and_weights(more: tuple[int, ...], asked: dict[str, Any]) -> None:
    with pytest.raises(IncompatibleBound):
        profiled(scores_of(*more), limit="split-betting", **asked)
