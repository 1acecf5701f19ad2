"""`riskstats harm`: the numbers of the library from every form of table, and one line where one is bad."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.betting import Betting
from riskstats.harm import (
    Exponential,
    Logistic,
    Reciprocal,
    Tabulated,
    compare_harm,
    expected_harm,
    risk_calibration,
)
from riskstats.tail.limit_methods import Asymptotic, BootstrapT, SplitBetting

MODELS = ("alpha", "beta")
MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
N = 60


@pytest.fixture
def graded() -> dict[str, Any]:
    """Severity and cost of the prompts, and the success of two models."""
    rng = np.random.default_rng(11)
    cost = rng.integers(1, 6, N)
    shares = {"alpha": 0.15 + 0.02 * cost, "beta": 0.75 - 0.08 * cost}
    return {
        "severity": rng.integers(1, 6, N),
        "cost": cost,
        **{name: (rng.random(N) < share).astype(int) for name, share in shares.items()},
    }


def rows(graded: dict[str, Any], models: tuple[str, ...] = MODELS, **more: Callable[[int], Any]) -> list[Any]:
    return [
        {
            "model": name,
            "prompt": f"p{i}",
            "success": int(graded[name][i]),
            "severity": int(graded["severity"][i]),
            "cost": int(graded["cost"][i]),
            **{label: value(i) for label, value in more.items()},
        }
        for name in models
        for i in range(N)
    ]


def save(path: Path, table: list[dict[str, Any]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, table)))
    elif path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(table), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
    return path


@pytest.fixture
def models(graded: dict[str, Any], tmp_path: Path) -> Path:
    return save(tmp_path / "models.csv", rows(graded))


@pytest.fixture
def single(graded: dict[str, Any], tmp_path: Path) -> Path:
    return save(tmp_path / "single.csv", rows(graded, ("alpha",)))


@pytest.fixture
def stdin_of() -> Iterator[Callable[[Path], Any]]:
    """A file as standard input, closed at the end."""
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(path.open())


def expected(graded: dict[str, Any], name: str = "alpha", **asked: Any) -> Any:
    given = {"cost_map": "linear", "random_state": 0, "prompts": [f"p{i}" for i in range(N)], **asked}
    return expected_harm(graded[name], graded["severity"], graded["cost"], **given)


def told(run: Callable[..., Any], *argv: Any) -> dict[str, Any]:
    result = run("harm", *argv, "--json")
    assert result.code == 0
    return json.loads(result.out)


# Numbers


def test_expected_harm_and_cvar_stand_on_one_line(
    run: Callable[..., Any], graded: dict[str, Any], single: Path
) -> None:
    result, found = run("harm", single), expected(graded)
    assert result.code == 0
    assert result.err == ""
    (line,) = [line for line in result.out.splitlines() if line.startswith("Expected harm")]
    assert line == found.summary().splitlines()[0]
    for words in (
        f"Expected harm {found.value:.4g}, at most {found.expected_harm.upper:.4g}",
        f"CVaR of severity x success at level 0.95 {found.cvar:.4g}, at most {found.tail.upper:.4g}",
        f"n_tail = {found.n_tail:.4g}; worst: p",
    ):
        assert words in line
    assert result.out.startswith("Model alpha:\n")
    assert all(note in result.out for note in found.notes)


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet", "stdin"])
def test_every_form_gives_the_numbers_of_the_library(
    run: Callable[..., Any],
    graded: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stdin_of: Callable[[Path], Any],
    form: str,
) -> None:
    table = rows(graded)
    path: Path | str = tmp_path / f"again.{form}"
    if form == "stdin":
        monkeypatch.setattr("sys.stdin", stdin_of(save(tmp_path / "source.csv", table)))
        path = "-"
    elif form == "tsv":
        text = save(tmp_path / "source.csv", table).read_text().replace(",", "\t")
        Path(path).write_text(text)
    else:
        save(Path(path), table)
    content = told(run, path)
    for name in MODELS:
        assert content["reports"][name] == json.loads(json.dumps(expected(graded, name).to_dict()))


def test_several_models_are_compared_over_all_maps(
    run: Callable[..., Any], graded: dict[str, Any], models: Path
) -> None:
    success = {name: dict(zip([f"p{i}" for i in range(N)], graded[name], strict=True)) for name in MODELS}
    found = compare_harm(success, graded["severity"], graded["cost"], cost_map="linear", random_state=0)
    content = told(run, models)
    assert content["comparison"]["pairs"] == json.loads(json.dumps(found.to_dict()["pairs"]))
    text = run("harm", models).out
    assert text.startswith(found.summary().splitlines()[0])
    assert "for every decreasing map" in text
    assert text.index("2 models") < text.index("Model alpha:") < text.index("Model beta:")
    assert text.count("Each limit holds alone. The map") == 1


@pytest.mark.parametrize(
    ("word", "cost_map"),
    [
        ("reciprocal", Reciprocal()),
        ("exponential:0.5", Exponential(0.5)),
        ("logistic:2:0.7", Logistic(2.0, 0.7)),
        ("table:1,.8,.5,.2,.1", Tabulated((1.0, 0.8, 0.5, 0.2, 0.1))),
    ],
)
def test_cost_maps(
    run: Callable[..., Any], graded: dict[str, Any], single: Path, word: str, cost_map: Any
) -> None:
    report = told(run, single, "--cost-map", word)["reports"]["alpha"]
    found = expected(graded, cost_map=cost_map)
    assert report["cost_map"] == str(cost_map)
    assert report["expected_harm"]["estimate"] == found.value
    assert report["expected_harm"]["upper"] == found.expected_harm.upper
    assert report["tail"]["upper"] == found.tail.upper


@pytest.mark.parametrize(
    ("options", "limit", "tail_limit"),
    [
        (("bootstrap-t",), BootstrapT(), None),
        (("asymptotic",), Asymptotic(), None),
        (("split-betting",), Betting(), SplitBetting()),
        (("berk-jones",), BerkJones(), BerkJones(levels=(0.9, 1.0))),
        (("betting",), Betting(), BootstrapT()),
        (("betting", "--tail-limit", "split-betting"), Betting(), SplitBetting()),
    ],
)
def test_limits(
    run: Callable[..., Any],
    graded: dict[str, Any],
    single: Path,
    options: tuple[str, ...],
    limit: Any,
    tail_limit: Any,
) -> None:
    shared = ("--level", 0.9, "--confidence-level", 0.9, "--seed", 4)
    report = told(run, single, "--limit", *options, *shared)["reports"]["alpha"]
    found = expected(
        graded, level=0.9, confidence_level=0.9, random_state=4, limit=limit, tail_limit=tail_limit
    )
    assert report["expected_harm"]["upper"] == found.expected_harm.upper
    assert report["expected_harm"]["guaranteed"] == found.expected_harm.guaranteed
    assert report["tail"]["upper"] == found.tail.upper
    assert report["tail"]["guaranteed"] == found.tail.guaranteed


def test_refusals_losses_and_names_of_columns(
    run: Callable[..., Any], graded: dict[str, Any], tmp_path: Path
) -> None:
    table = rows(graded, ("alpha",))
    value = expected(graded).value
    named = [
        {
            "system": row["model"],
            "id": row["prompt"],
            "hurt": row["severity"],
            "effort": row["cost"],
            "no": 1 - row["success"],
            "bad": row["success"],
        }
        for row in table
    ]
    options = ("--model", "system", "--prompt", "id", "--severity", "hurt", "--cost", "effort")
    path = save(tmp_path / "named.csv", named)
    for more in (
        ("--refused", "no"),
        ("--loss", "bad"),
        ("--success", "bad"),
        ("--loss", "bad", "--refused", "no", "--calibration"),
    ):
        content = told(run, path, *options, *more)
        assert content["reports"]["alpha"]["expected_harm"]["estimate"] == pytest.approx(value, abs=1e-14)
    for name, cell in (("refused", lambda row: 1 - row["success"]), ("loss", lambda row: row["success"])):
        kept = [{**{k: v for k, v in row.items() if k != "success"}, name: cell(row)} for row in table]
        content = told(run, save(tmp_path / f"{name}.csv", kept))
        assert content["reports"]["alpha"]["expected_harm"]["estimate"] == pytest.approx(value, abs=1e-14)


def test_weights_and_clusters(run: Callable[..., Any], graded: dict[str, Any], tmp_path: Path) -> None:
    weight, cluster = np.arange(N) % 3, np.arange(N) // 4
    more = {"weight": lambda i: int(weight[i]), "cluster": lambda i: f"c{i // 4}"}
    path = save(tmp_path / "weighted.csv", rows(graded, **more))
    found = expected(graded, sample_weight=weight, cluster=cluster)
    content = told(run, path, "--calibration")
    assert content["reports"]["alpha"]["expected_harm"] == found.expected_harm.to_dict()
    assert content["reports"]["alpha"]["n_units"] == N // 4
    assert content["comparison"]["n_units"] == N // 4
    assert content["calibrations"]["beta"]["n_units"] == N // 4


def test_other_levels_and_scales(run: Callable[..., Any], graded: dict[str, Any], tmp_path: Path) -> None:
    words = ("trivial", "low", "mid", "high", "extreme")
    table = [
        {**row, "cost": words[row["cost"] - 1], "severity": 2 * row["severity"]}
        for row in rows(graded, ("alpha",))
    ]
    path = save(tmp_path / "words.csv", table)
    content = told(run, path, "--levels", ",".join(words), "--severity-scale", "0:10")
    report = content["reports"]["alpha"]
    assert [level["cost"] for level in report["levels"]] == list(words)
    assert report["severity_scale"] == [0, 10]
    assert report["expected_harm"]["estimate"] == pytest.approx(2 * expected(graded).value)
    tens = [{**row, "cost": 10 * row["cost"]} for row in rows(graded, ("alpha",))]
    numbers = told(run, save(tmp_path / "tens.csv", tens), "--levels", "10,20,30,40,50")
    assert numbers["reports"]["alpha"]["expected_harm"]["estimate"] == expected(graded).value


@pytest.mark.parametrize("where", ["option", "column"])
def test_a_half_sum_is_put_on_the_unit_scale(
    run: Callable[..., Any], graded: dict[str, Any], tmp_path: Path, where: str
) -> None:
    scale = "strongreject-half-sum"
    table = [{**row, "success": 3 * row["success"]} for row in rows(graded, ("alpha",))]
    options: tuple[str, ...] = ("--scale-id", scale)
    if where == "column":
        table, options = [{**row, "scale_id": scale} for row in table], ()
    report = told(run, save(tmp_path / "half.csv", table), *options)["reports"]["alpha"]
    assert report["scale_id"] == scale
    assert report["expected_harm"]["estimate"] == pytest.approx(0.5 * expected(graded).value)


def test_a_table_of_columns_alone(run: Callable[..., Any], graded: dict[str, Any], tmp_path: Path) -> None:
    table = [{key: row[key] for key in ("success", "severity", "cost")} for row in rows(graded, ("alpha",))]
    path = save(tmp_path / "bare.csv", table)
    result = run("harm", path)
    first = int(np.lexsort((graded["cost"], -graded["severity"] * graded["alpha"]))[0])
    assert result.out.startswith(f"{path}:\nExpected harm {expected(graded).value:.4g}")
    assert f"worst: line {first + 2} (severity 5" in result.out


# Calibration


def test_calibration_is_that_of_the_library(
    run: Callable[..., Any], graded: dict[str, Any], models: Path
) -> None:
    content = told(run, models, "--calibration")
    for name in MODELS:
        found = risk_calibration(1 - graded[name], graded["cost"], graded["severity"], random_state=0)
        assert content["calibrations"][name] == _plain(found.to_dict())
    text = run("harm", models, "--calibration").out
    assert text.count("tau-b") == 2
    assert "Slope of refusal on cost adjusted for severity levels" in text
    assert "cost 1:" in text


def _plain(value: Any) -> Any:
    """As JSON leaves it: null for what is no finite number."""
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def test_graded_success_has_refusals_of_its_own(
    run: Callable[..., Any], bad: Callable[..., str], graded: dict[str, Any], tmp_path: Path
) -> None:
    table = [{**row, "success": 0.3 * row["success"]} for row in rows(graded, ("alpha",))]
    path = save(tmp_path / "soft.csv", table)
    assert "Name the column of refusals with --refused" in bad("harm", path, "--calibration")
    save(path, [{**row, "no": int(row["success"] == 0)} for row in table])
    options = ("--success", "success", "--refused", "no", "--calibration")
    content = told(run, path, *options)
    found = risk_calibration(1 - graded["alpha"], graded["cost"], graded["severity"], random_state=0)
    assert content["calibrations"]["alpha"]["tau"] == found.tau.to_dict()
    assert content["reports"]["alpha"]["expected_harm"]["estimate"] == pytest.approx(
        0.3 * expected(graded).value
    )


# Gates, tables and pictures


def test_gate(run: Callable[..., Any], graded: dict[str, Any], single: Path, models: Path) -> None:
    upper = expected(graded).expected_harm.upper
    above = run("harm", single, "--risk-limit", upper - 1e-6)
    assert above.code == 3
    assert above.err == f"riskstats harm: 'alpha' is not shown to keep --risk-limit {upper - 1e-6:g}\n"
    assert "above the risk limit" in above.out
    assert run("harm", single, "--risk-limit", upper + 1e-6).code == 0
    several = run("harm", models, "--risk-limit", 0.01)
    assert several.code == 3
    assert "'alpha' and 1 more are not shown" in several.err


def test_table(run: Callable[..., Any], graded: dict[str, Any], models: Path) -> None:
    assert run("harm", models, "-o", "table.csv", "--calibration").code == 0
    with open("table.csv", newline="") as file:
        table = list(csv.DictReader(file))
    found = expected(graded, "beta")
    own = [row for row in table if row["model"] == "beta"]
    harm = next(row for row in own if row["quantity"] == "expected harm")
    assert float(harm["value"]) == found.value
    assert float(harm["upper"]) == found.expected_harm.upper
    parts = [float(row["value"]) for row in own if row["quantity"] == "part of expected harm"]
    assert sum(parts) == pytest.approx(found.value)
    cumulative = [row["value"] for row in own if row["quantity"] == "harm up to this cost"]
    assert list(map(float, cumulative)) == pytest.approx(found.cumulative)
    assert sum(row["quantity"] == "refused" for row in table) == 10
    pairs = [row for row in table if row["against"]]
    assert {(row["model"], row["against"]) for row in pairs} == {MODELS}
    assert [row["cost"] for row in pairs if row["quantity"] == "difference of harm up to this cost"] == [
        "1",
        "2",
        "3",
        "4",
        "5",
    ]
    assert run("harm", models, "-o", "-").out.startswith("model,against,quantity,cost,value,lower,upper,n\n")


@pytest.mark.parametrize("suffix", list(MAGIC))
def test_pictures(run: Callable[..., Any], single: Path, suffix: str) -> None:
    assert run("harm", single, "--plot", f"p.{suffix}").code == 0
    assert Path(f"p.{suffix}").read_bytes().startswith(MAGIC[suffix])


def test_kinds_of_pictures(run: Callable[..., Any], models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    for name in ("plot_harm_levels", "plot_harm_steps", "plot_refusals"):
        real = getattr(__import__("riskstats.plotting_harm", fromlist=[name]), name)

        def draw(*given: Any, _real: Any = real, _name: str = name) -> Any:
            drawn.append(_name)
            return _real(*given)

        monkeypatch.setattr(f"riskstats.plotting_harm.{name}", draw)
    monkeypatch.setattr("riskstats.cli.harm.write_picture", lambda figure, path: None)
    for words, which in (
        ((), ["plot_harm_steps"]),
        (("--plot-kind", "levels"), ["plot_harm_levels"] * 2),
        (("--calibration",), ["plot_refusals"] * 2),
        (("--calibration", "--plot-kind", "steps"), ["plot_harm_steps"]),
    ):
        drawn.clear()
        assert run("harm", models, *words, "--plot", "p.png").code == 0
        assert drawn == which


# Bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--cost-map", "quadratic"), "--cost-map must be linear, reciprocal, exponential:RATE"),
        (
            ("--cost-map", "table:1,.5,.6,.2,.1"),
            "--cost-map must be decreasing and > 0; got f(2)=0.5 < f(3)=0.6",
        ),
        (("--cost-map", "table:1,.5"), "--cost-map has 2 likelihoods for 5 cost levels"),
        (("--cost-map", "exponential:-1"), "RATE of --cost-map exponential must be a number > 0"),
        (("--cost-map", "logistic:1:0"), "SPREAD of --cost-map logistic must be a number > 0"),
        (("--level", "95"), "--level must lie in [0, 1); got 95.0. Write 0.95."),
        (("--confidence-level", "0.05"), "Did you mean 0.95?"),
        (("--limit", "bett"), "--limit 'bett' is none of bootstrap-t, asymptotic, split-betting, hoeffding"),
        (("--limit", "rockafellar-uryasev"), "expected harm, a mean, needs another"),
        (("--risk-limit", "nan"), "--risk-limit must be a finite number; got nan"),
        (("--severity-scale", "5:1"), "--severity-scale must be numbers 0 <= lowest < highest"),
        (("--severity", "nope"), "no column 'nope'; the columns are 'model', 'prompt'"),
        (("--success", "severity"), "column 'severity' must lie in [0, 1]; got max 5. That is the half-sum"),
        (("--refused", "severity"), "a refusal must lie in [0, 1], 1 a full refusal; got "),
        (("--scale-id", "mine"), "neither strongreject-unit nor strongreject-half-sum, nor a column"),
        (("--levels", "low,high"), "column 'cost' must be one of the levels low, high; got '"),
        (("--success", "success", "--refused", "severity"), "is for --calibration, which is not given"),
        (("--plot", "p.gif"), "the suffix of 'p.gif' is none of"),
        (("--plot-kind", "levels"), "--plot-kind goes with --plot FILE"),
        (("--plot", "p.png", "--plot-kind", "refusals"), "--plot-kind refusals needs --calibration"),
        (("--plot", "p.png", "--plot-kind", "steps"), "--plot-kind steps needs two models or more"),
        (("-o", "t.xls"), "neither .csv nor .tsv"),
        (("-o", "-", "--json"), "both write to standard output"),
    ],
)
def test_bad_options(bad: Callable[..., str], single: Path, options: tuple[str, ...], message: str) -> None:
    assert message in bad("harm", single, *options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[4].update(cost=0), "column 'cost' must lie in 1..5; got 0 at line 6. Pass --levels for"),
        (lambda t: t[4].update(cost=7) or t[9].update(cost=8), "got 7 at lines 6, 11. Pass --levels"),
        (lambda t: t[4].update(cost="low"), "line 6, column 'cost': 'low' is not a number"),
        (lambda t: t[4].update(cost=""), "column 'cost' is missing for 1 prompt, first at line 6"),
        (lambda t: t[4].update(severity=9), "column 'severity' must lie in [1, 5]; got 9 at line 6"),
        (
            lambda t: t[4].update(severity=""),
            "column 'severity' is missing for 1 prompt; expected harm has no",
        ),
        (lambda t: t[4].update(success=""), "column 'success' has 1 NaN at line 6"),
        (lambda t: t[4].update(success="yes!"), "line 6, column 'success': 'yes!' is not a number"),
        (lambda t: t[4].update(success=5), "column 'success' must lie in [0, 1]; got max 5"),
        (lambda t: t[4].update(weight=-1), "--weight must be >= 0"),
        (lambda t: t[4].update(prompt=""), "the prompt has no name"),
        (
            lambda t: t.append(dict(t[4])),
            "a second row for prompt 'p4' of model 'alpha'. Average its answers",
        ),
        (lambda t: t[N + 4].update(severity=6 - t[4]["severity"] or 1), "prompt 'p4' has severity "),
        (
            lambda t: t[N + 4].update(weight=9),
            "prompt 'p4' has weight 9, and before 1. A prompt has one weight",
        ),
        (
            lambda t: t[N + 4].update(scale_id="own"),
            "success on the scale 'own', and before on 'strongreject-unit'",
        ),
        (lambda t: t.pop(N + 4), "Pass --on intersection to use the 59"),
        (lambda t: [row.pop("prompt") for row in t], "has no column 'prompt'; the columns are"),
        (lambda t: [row.pop("severity") for row in t], "has no column 'severity'; the columns are"),
        (lambda t: [row.pop("success") for row in t], "Name it with --success, --loss or --refused"),
    ],
)
def test_bad_tables(
    bad: Callable[..., str],
    graded: dict[str, Any],
    tmp_path: Path,
    change: Callable[[Any], Any],
    message: str,
) -> None:
    graded["severity"][4] = 2
    more = {"weight": lambda i: 1, "scale_id": lambda i: "strongreject-unit"}
    table = rows(graded, **more)
    change(table)
    assert message in bad("harm", save(tmp_path / "bad.csv", table))


def test_lines_are_those_of_the_file_for_every_model(
    bad: Callable[..., str], graded: dict[str, Any], tmp_path: Path
) -> None:
    table = [
        row for pair in zip(rows(graded, ("alpha",)), rows(graded, ("beta",)), strict=True) for row in pair
    ]
    table[7]["success"] = ""
    assert "has 1 NaN at line 9" in bad("harm", save(tmp_path / "mixed.csv", table))


def test_guaranteed_limits_refuse_weights_and_clusters(
    bad: Callable[..., str], graded: dict[str, Any], tmp_path: Path
) -> None:
    path = save(tmp_path / "weighted.csv", rows(graded, weight=lambda i: 1 + i % 2))
    assert "--limit betting has no statement with --weight that differs between prompts" in bad(
        "harm", path, "--limit", "split-betting"
    )
    path = save(tmp_path / "clusters.csv", rows(graded, cluster=lambda i: i // 2))
    assert "Use --limit bootstrap-t." in bad("harm", path, "--limit", "betting")


def test_one_cost_level_cannot_be_calibrated(
    bad: Callable[..., str], graded: dict[str, Any], tmp_path: Path
) -> None:
    path = save(tmp_path / "three.csv", [{**row, "cost": 3} for row in rows(graded, ("alpha",))])
    assert "inverse risk calibration needs at least two cost levels; got only 3." in bad(
        "harm", path, "--calibration"
    )


def test_common_prompts_on_request(run: Callable[..., Any], graded: dict[str, Any], tmp_path: Path) -> None:
    table = [row for row in rows(graded) if row["model"] == "alpha" or row["prompt"] != "p7"]
    content = told(run, save(tmp_path / "less.csv", table), "--on", "intersection")
    assert content["comparison"]["dropped"] == 1
    assert content["comparison"]["n"] == content["reports"]["beta"]["n"] == N - 1
    assert content["reports"]["alpha"]["n"] == N


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from riskstats.cli import main\n"
        "assert main(['harm', '--help']) == 0\n"
        "assert not {'numpy', 'scipy', 'matplotlib', 'pandas', 'jax'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "exit codes: 0 done" in result.stdout
