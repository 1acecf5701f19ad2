"""`riskstats certify`: the choice of the library, as text, table, JSON and picture."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.multiple_testing import bonferroni, fixed_sequence, holm
from riskstats.control.api import certify

NAMES = ("base", "long", "cot", "judge")
SETTING = ("--bound", "hoeffding", "--risk-limit", "0.3")


@pytest.fixture
def losses() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    return {name: rng.beta(2, shape, 300).round(3) for name, shape in zip(NAMES, (4, 6, 9, 14), strict=True)}


@pytest.fixture
def wide(losses: dict[str, np.ndarray], tmp_path: Path) -> Path:
    path = tmp_path / "losses.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *NAMES])
        writer.writerows([f"q{i}", *row] for i, row in enumerate(zip(*losses.values(), strict=True)))
    return path


@pytest.fixture
def long(losses: dict[str, np.ndarray], tmp_path: Path) -> Path:
    path = tmp_path / "long.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["prompt", "question", "loss"])
        for name, values in losses.items():
            writer.writerows([name, f"q{i}", value] for i, value in enumerate(values))
    return path


def matrix(losses: dict[str, np.ndarray]) -> np.ndarray:
    return np.array(list(losses.values()))


def test_json_has_the_answer_of_the_library(
    run: Callable[..., Any], losses: dict[str, np.ndarray], wide: Path, long: Path
) -> None:
    expected = certify(matrix(losses), bound=Hoeffding(), risk_limit=0.3, names=NAMES)
    assert 0 < len(expected.certified) < 4
    result = run("certify", wide, "--unit", "id", *SETTING, "--json")
    assert result.code == 0
    assert result.err == ""
    assert json.loads(result.out) == json.loads(json.dumps(expected.to_dict()))
    roles = ("--candidate", "prompt", "--unit", "question", "--loss", "loss")
    assert run("certify", long, *roles, *SETTING, "--json").out == result.out


def test_text_is_the_table_and_the_summary(
    run: Callable[..., Any], losses: dict[str, np.ndarray], wide: Path
) -> None:
    expected = certify(matrix(losses), bound=Hoeffding(), risk_limit=0.3, names=NAMES)
    table, summary = run("certify", wide, "--unit", "id", *SETTING).out.split("\n\n")
    head, *rows = (line.split() for line in table.splitlines())
    assert head == ["candidate", "estimate", "p-value", "joint", "bound", "certified"]
    assert [row[0] for row in rows] == [NAMES[i] for i in np.argsort(expected.estimates)]
    assert rows[0][-1] == "selected"
    assert rows[-1][-1] == "no"
    assert summary == expected.summary() + "\n"


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_the_table_as_a_file(
    run: Callable[..., Any], losses: dict[str, np.ndarray], wide: Path, suffix: str
) -> None:
    """Rows in the order of the file, numbers that read back exactly."""
    expected = certify(matrix(losses), bound=Hoeffding(), risk_limit=0.3, names=NAMES)
    assert run("certify", wide, "--unit", "id", *SETTING, "-o", f"table{suffix}").code == 0
    text = Path(f"table{suffix}").read_text()
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t" if suffix == ".tsv" else ","))
    assert [row["candidate"] for row in rows] == list(NAMES)
    for field in ("estimate", "p_value", "upper_bound"):
        assert [float(row[field]) for row in rows] == getattr(expected, f"{field}s").tolist()
    assert [i for i, row in enumerate(rows) if row["certified"] == "yes"] == list(expected.certified)
    assert [i for i, row in enumerate(rows) if row["selected"] == "yes"] == [expected.selected]
    if suffix == ".csv":
        assert run("certify", wide, "--unit", "id", *SETTING, "-o", "-").out == text


def test_procedures(run: Callable[..., Any], losses: dict[str, np.ndarray], wide: Path) -> None:
    procedures = {
        ("--procedure", "bonferroni"): bonferroni,
        ("--procedure", "holm"): holm,
        ("--procedure", "fixed-sequence", "--order", "judge, long", "--order", "cot"): fixed_sequence(
            order=[3, 1, 2]
        ),
        ("--procedure", "fixed-sequence", "--order", "judge,cot", "--starts", "2"): fixed_sequence(
            order=[3, 2], starts=2
        ),
    }
    for words, procedure in procedures.items():
        expected = certify(
            matrix(losses), bound=Hoeffding(), risk_limit=0.24, procedure=procedure, names=NAMES
        )
        words = ("--unit", "id", "--bound", "hoeffding", "--risk-limit", "0.24", *words, "--json")
        found = json.loads(run("certify", wide, *words).out)
        assert found == json.loads(json.dumps(expected.to_dict()))


def test_several_losses_of_one_unit(
    run: Callable[..., Any], losses: dict[str, np.ndarray], long: Path
) -> None:
    """Two generations on every question: their mean, or the worse."""
    rows = long.read_text().splitlines()
    Path("twice.csv").write_text(
        "\n".join([*rows, *(row.rpartition(",")[0] + ",0" for row in rows[1:])]) + "\n"
    )
    words = (
        "certify",
        "twice.csv",
        "--candidate",
        "prompt",
        "--unit",
        "question",
        "--loss",
        "loss",
        *SETTING,
    )
    mean = json.loads(run(*words, "--reduce", "mean", "--json").out)
    worst = json.loads(run(*words, "--reduce", "max", "--json").out)
    assert mean["estimates"] == pytest.approx(matrix(losses).mean(axis=1) / 2)
    assert worst["estimates"] == pytest.approx(matrix(losses).mean(axis=1))
    assert mean["n_units"] == worst["n_units"] == 300


def test_clusters(run: Callable[..., Any], losses: dict[str, np.ndarray], wide: Path) -> None:
    rows = wide.read_text().splitlines()
    Path("c.csv").write_text(
        "\n".join([rows[0] + ",g", *(f"{row},{i // 3}" for i, row in enumerate(rows[1:]))])
    )
    found = json.loads(run("certify", "c.csv", "--unit", "id", "--cluster", "g", *SETTING, "--json").out)
    expected = certify(
        matrix(losses), bound=Hoeffding(), risk_limit=0.3, cluster=np.arange(300) // 3, names=NAMES
    )
    assert found == json.loads(json.dumps(expected.to_dict()))


def test_nothing_certified_exits_3(run: Callable[..., Any], wide: Path) -> None:
    words = ("certify", wide, "--unit", "id", "--bound", "hoeffding", "--risk-limit", "0.05")
    result = run(*words, "-o", "table.csv", "--plot", "plot.png")
    assert result.code == 3
    assert result.err == "riskstats certify: none of 4 candidates is certified to keep --risk-limit 0.05\n"
    assert "yes" not in Path("table.csv").read_text()
    assert Path("plot.png").read_bytes().startswith(b"\x89PNG")
    content = json.loads(run(*words, "--json").out)
    assert content["status"] == "NOT_CERTIFIED"
    assert content["selected"] is None
    assert "the candidate is not certified" in run(*words, "--columns", "cot").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "If it holds the ids of units, pass --unit id"),
        (("--unit", "id", "--procedure", "fixed-sequence"), "needs --order chosen without these losses"),
        (("--unit", "id", "--procedure", "fixed-sequence", "--order", "cot,x"), "--order names 'x'"),
        (("--unit", "id", "--procedure", "fixed-sequence", "--order", "cot,cot"), "more than once"),
        (("--unit", "id", "--order", "cot"), "--order goes with --procedure fixed-sequence"),
        (("--unit", "id", "--starts", "2"), "--starts goes with --procedure fixed-sequence"),
        (("--unit", "id", "--measure", "cvar:0.9"), "--bound hoeffding bounds a mean"),
        (("--unit", "id", "-o", "a.xlsx"), "neither .csv nor .tsv"),
        (("--unit", "id", "-o", "nowhere/a.csv"), "no folder"),
        (("--unit", "id", "-o", "-", "--json"), "both write to standard output"),
        (("--unit", "id", "--plot", "a.bmp"), "none of .png, .svg, .pdf"),
        (("--unit", "id", "--confidence-level", "0.1"), "Did you mean 0.9?"),
    ],
)
def test_bad_input(bad: Callable[..., str], wide: Path, words: tuple[str, ...], said: str) -> None:
    assert said in bad("certify", wide, *SETTING, *words)


def test_bad_limits(bad: Callable[..., str], run: Callable[..., Any], wide: Path) -> None:
    words = ("certify", wide, "--unit", "id", "--bound", "hoeffding")
    assert "--risk-limit must be a finite number" in bad(*words, "--risk-limit", "nan")
    result = run(*words)
    assert result.code == 2
    assert "the following arguments are required: --risk-limit" in result.err


def test_ragged_and_repeated_tables(bad: Callable[..., str], long: Path) -> None:
    words = ("--candidate", "prompt", "--unit", "question", "--loss", "loss", *SETTING)
    rows = long.read_text().splitlines()
    Path("ragged.csv").write_text("\n".join(rows[:-2]) + "\n")
    message = bad("certify", "ragged.csv", *words)
    assert "ragged: 2 of 1200 pairs" in message
    assert "first ('judge', 'q298'), ('judge', 'q299')" in message
    Path("twice.csv").write_text("\n".join([*rows, rows[1]]) + "\n")
    message = bad("certify", "twice.csv", *words)
    assert "unit id 'q0' appears 2 times for candidate 'base'" in message
    assert "Pass --reduce mean (or max)" in message


def test_names_from_files_cannot_move_the_terminal(run: Callable[..., Any]) -> None:
    Path("a.jsonl").write_text(json.dumps({"red\x1b[31m\n": 0.1, "文": 0.2}) + "\n")
    out = run("certify", "a.jsonl", *SETTING).out
    table = out.split("\n\n")[0].splitlines()
    assert "\x1b" not in "".join(table)
    assert len(table) == 3


# behaviour that needs a process of its own


def test_standard_input_to_standard_output(
    process: Callable[..., subprocess.CompletedProcess[bytes]], wide: Path
) -> None:
    done = process("certify", "-", "--unit", "id", *SETTING, "-o", "-", stdin=wide.read_bytes())
    assert done.returncode == 0
    assert done.stderr == b""
    assert done.stdout.splitlines()[0] == b"candidate,estimate,p_value,upper_bound,certified,selected"


def test_a_reader_that_leaves_is_no_error(wide: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    words = [sys.executable, "-m", "riskstats", "certify", str(wide), "--unit", "id", *SETTING]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 141
