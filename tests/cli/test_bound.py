"""`riskstats bound`: the numbers of the library, read from every format, said in one line where bad."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from riskstats.bounds.api import lower_bound, upper_bound
from riskstats.bounds.clopper_pearson import ClopperPearson
from riskstats.bounds.dkw import DKW
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.measures.cvar import CVaR
from riskstats.measures.value_at_risk import ValueAtRisk

NAMES = ("base", "short", "judge")
MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


@pytest.fixture
def losses() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {name: rng.beta(2, 5 + 4 * i, 60).round(3) for i, name in enumerate(NAMES)}


@pytest.fixture
def wide(losses: dict[str, np.ndarray], tmp_path: Path) -> Path:
    """Sixty units q0, q1, ... in fifteen groups, and three candidates."""
    path = tmp_path / "losses.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "group", *NAMES])
        for i, row in enumerate(zip(*losses.values(), strict=True)):
            writer.writerow([f"q{i}", f"g{i // 4}", *row])
    return path


@pytest.fixture
def ids() -> tuple[str, ...]:
    return ("--unit", "id", "--cluster", "group")


def only(out: str) -> dict[str, Any]:
    (bound,) = json.loads(out)["bounds"]
    return bound


def test_one_column_in_words(run: Callable[..., Any], losses: dict[str, np.ndarray], wide: Path) -> None:
    result = run("bound", wide, "--columns", "judge", "--bound", "hoeffding")
    expected = upper_bound(losses["judge"], None, Hoeffding())
    assert result.code == 0
    assert result.err == ""
    assert result.out == f"{wide}, judge:\n{expected.summary()}\n"


@pytest.mark.parametrize("side", ["upper", "lower"])
def test_json_has_the_numbers_of_the_library(
    run: Callable[..., Any], losses: dict[str, np.ndarray], wide: Path, side: str
) -> None:
    result = run(
        "bound", wide, "--column", "short", "--measure", "cvar:0.8", "--bound", "dkw",
        "--confidence-level", "0.9", "--side", side, "--support=-1:2", "--json",
    )  # fmt: skip
    door = upper_bound if side == "upper" else lower_bound
    expected = door(losses["short"], CVaR(0.8), DKW(), confidence_level=0.9, support=(-1.0, 2.0))
    found = only(result.out)
    assert result.code == 0
    assert found == json.loads(json.dumps({"candidate": "short", **expected.to_dict()}))


def test_the_default_method_is_that_of_the_library(
    run: Callable[..., Any], losses: dict[str, np.ndarray], wide: Path
) -> None:
    for word, measure in {"mean": None, "cvar:0.8": CVaR(0.8), "var:0.5": ValueAtRisk(0.5)}.items():
        found = only(run("bound", wide, "--columns", "short", "--measure", word, "--json").out)
        expected = upper_bound(losses["short"], measure)
        assert (found["value"], found["bound"]) == (expected.value, expected.bound)


def test_many_columns_hold_one_at_a_time(run: Callable[..., Any], wide: Path) -> None:
    words = ("bound", wide, "--columns", "judge,base", "--columns", "short", "--bound", "hoeffding")
    result = run(*words)
    lines = result.out.splitlines()
    assert lines[1].split() == ["candidate", "estimate", "at", "most"]
    assert [line.split()[0] for line in lines[2:5]] == ["judge", "base", "short"]
    assert "holds alone" in result.out
    assert "riskstats certify" in result.out
    content = json.loads(run(*words, "--json").out)
    assert [bound["candidate"] for bound in content["bounds"]] == ["judge", "base", "short"]
    assert content["joint"] is False


def test_the_limit_is_a_gate(run: Callable[..., Any], wide: Path) -> None:
    words = ("bound", wide, "--columns", "base,judge", "--bound", "hoeffding")
    assert run(*words, "--risk-limit", "0.99").code == 0
    result = run(*words, "--risk-limit", "0.2")
    assert result.code == 3
    assert "holds alone" in result.out
    assert result.err == "riskstats bound: 'base' and 1 more are not shown to keep --risk-limit 0.2\n"


def test_a_limit_equal_to_the_bound_is_kept(
    run: Callable[..., Any], losses: dict[str, np.ndarray], wide: Path
) -> None:
    value = upper_bound(losses["base"], None, Hoeffding()).value
    words = ("bound", wide, "--columns", "base", "--bound", "hoeffding", "--risk-limit")
    assert run(*words, repr(value)).code == 0
    assert run(*words, repr(np.nextafter(value, 0.0).item())).code == 3


def test_no_bound_is_null_in_json(run: Callable[..., Any], wide: Path) -> None:
    words = (
        "bound", wide, "--columns", "base", "--measure", "cvar:0.8", "--bound", "dkw", "--support", "0:inf"
    )  # fmt: skip
    found = only(run(*words, "--json").out)
    assert found["value"] is None
    assert found["support"] == [0.0, None]
    assert found["status"] == "NO_BOUND"
    assert run(*words).code == 0
    assert "no bound at 95 % confidence" in run(*words).out
    assert run(*words, "--risk-limit", "5").code == 3


def test_quantiles_without_a_top(run: Callable[..., Any], losses: dict[str, np.ndarray], wide: Path) -> None:
    words = ("bound", wide, "--columns", "base", "--measure", "var:0.5", "--bound", "dkw", "--json")
    expected = upper_bound(losses["base"], ValueAtRisk(0.5), DKW()).value
    assert only(run(*words, "--support", "0:inf").out)["value"] == expected


def test_clusters_count_once(
    run: Callable[..., Any], losses: dict[str, np.ndarray], wide: Path, ids: tuple[str, ...]
) -> None:
    found = only(run("bound", wide, *ids, "--columns", "base", "--bound", "hoeffding", "--json").out)
    expected = upper_bound(losses["base"].reshape(15, 4).mean(axis=1), None, Hoeffding())
    assert found["n_units"] == 15
    assert found["value"] == pytest.approx(expected.value)


def test_binary_losses(run: Callable[..., Any]) -> None:
    """Declared by --binary or by true and false; the numbers 0 and 1 alone declare nothing."""
    Path("numbers.csv").write_text("fail\n" + "0\n" * 18 + "1\n" * 2)
    Path("words.csv").write_text("fail\n" + "false\n" * 18 + "True\n" * 2)
    expected = upper_bound([0] * 18 + [1] * 2, None, ClopperPearson(), binary=True).value
    assert only(run("bound", "numbers.csv", "--binary", "--json").out)["value"] == expected
    assert only(run("bound", "words.csv", "--json").out)["value"] == expected
    assert only(run("bound", "numbers.csv", "--json").out)["bound"] != "ClopperPearson"
    joined = ("bound", "words.csv", "--json", "--support=-1:1", "--bound", "hoeffding")
    assert only(run(*joined).out)["bound"] == "Hoeffding"


def test_a_name_with_a_comma(run: Callable[..., Any]) -> None:
    Path("a.csv").write_text('"gpt, cold",b\n0.1,0.2\n0.3,0.4\n')
    result = run("bound", "a.csv", "--columns", '"gpt, cold"', "--bound", "hoeffding")
    assert result.out.startswith("a.csv, gpt, cold:\n")


def test_names_of_gains_warn(run: Callable[..., Any]) -> None:
    Path("a.csv").write_text("accuracy\n0.5\n0.6\n")
    result = run("bound", "a.csv", "--bound", "hoeffding")
    assert result.code == 0
    assert result.err.startswith("riskstats bound: warning: `losses` are named 'accuracy'")
    assert "Give a column of 1 - accuracy" in result.err
    Path("b.csv").write_text("m,q,correct\na,1,0.5\na,2,0.25\n")
    words = ("bound", "b.csv", "--candidate", "m", "--unit", "q", "--loss", "correct", "--bound", "hoeffding")
    assert "'correct'" in run(*words).err
    assert run(*words, "--quiet").err == ""


# pictures


@pytest.mark.parametrize("kind", sorted(MAGIC))
def test_pictures(run: Callable[..., Any], wide: Path, kind: str) -> None:
    words = ("bound", wide, "--columns", "base", "--bound", "dkw", "--measure", "gini", "--plot", f"a.{kind}")
    assert run(*words).code == 0
    assert Path(f"a.{kind}").read_bytes().startswith(MAGIC[kind])


@pytest.mark.parametrize(
    "words",
    [
        ("--columns", "base", "--bound", "hoeffding"),
        ("--columns", "base", "--bound", "dkw", "--side", "lower"),
        ("--columns", "base", "--bound", "dkw", "--cluster", "group"),
        ("--columns", "base,short", "--bound", "dkw"),
    ],
)
def test_every_kind_of_statement_has_a_picture(
    run: Callable[..., Any], wide: Path, words: tuple[str, ...]
) -> None:
    assert run("bound", wide, *words, "--plot", "a.png").code == 0
    assert Path("a.png").read_bytes().startswith(MAGIC["png"])


# bad input


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "column 'id' holds no losses but 'q0' in line 2. If it holds the ids of units, pass --unit id"),
        (("--unit", "key"), "no column 'key'"),
        (("--columns", "nope"), "no column 'nope'"),
        (("--columns", "base", "--measure", "cvar:90"), "got 90.0. Write 0.9"),
        (("--columns", "base", "--measure", "cvarr:0.9"), "Did you mean 'cvar:0.9'?"),
        (("--columns", "base", "--bound", "bets"), "--bound 'bets' is none of hoeffding"),
        (
            ("--columns", "base", "--measure", "cvar:0.9", "--bound", "hoeffding"),
            "--bound hoeffding bounds a mean",
        ),
        (("--columns", "base", "--bound", "clopper-pearson"), "Use --bound betting."),
        (("--columns", "base", "--bound", "order-statistics"), "`Mean` has no single level"),
        (("--columns", "base", "--confidence-level", "0.05"), "--confidence-level must be in"),
        (("--columns", "base", "--confidence-level", "95"), "Write 0.95."),
        (("--columns", "base", "--support", "0:0.2"), "Rescale, or pass --support"),
        (("--columns", "base", "--support", "1:0"), "--support must be (lowest, highest)"),
        (("--columns", "base", "--support", "0:inf", "--bound", "hoeffding"), "Pass --support LOW:HIGH"),
        (
            ("--columns", "base", "--side", "lower", "--risk-limit", "0.1"),
            "--risk-limit needs an upper bound",
        ),
        (("--columns", "base", "--risk-limit", "nan"), "--risk-limit must be a number"),
        (("--candidate", "id", "--loss", "base"), "--candidate, --unit and --loss"),
        (("--unit", "group", "--columns", "base"), "Pass --reduce mean (or max) or pass --cluster."),
        (("--columns", "base", "--reduce", "max"), "name the ids with --unit"),
        (("--columns", "base", "--plot", "a.jpg"), "none of .png, .svg, .pdf"),
        (("--columns", "base", "--plot", "nowhere/a.png"), "no folder"),
    ],
)
def test_bad_input(bad: Callable[..., str], wide: Path, words: tuple[str, ...], said: str) -> None:
    assert said in bad("bound", wide, *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--support", "0"), "argument --support: expected LOW:HIGH, such as 0:1 or 0:inf; got '0'"),
        (("--support", "-1:1"), "one that begins with - is written --support=VALUE"),
        (("--risk-limit", "low"), "argument --risk-limit: invalid float value: 'low'"),
        (("--side", "both"), "argument --side: invalid choice: 'both'"),
    ],
)
def test_bad_usage(run: Callable[..., Any], words: tuple[str, ...], said: str) -> None:
    result = run("bound", "losses.csv", *words)
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["is empty"]),
        ("a\n0.1\n\n0.2\n", ["1 missing loss in line 3"]),
        ("a\n0.1\nx\n", ["line 3, column 'a'", "'x' is not a number"]),
        ("a\n0.1\n1.5\n", ["line 3, column 'a': 1.5 lies outside"]),
        ("a\n0.1\ninf\n", ["line 3", "infinite"]),
    ],
)
def test_bad_tables(bad: Callable[..., str], content: str, words: list[str]) -> None:
    Path("losses.csv").write_text(content)
    message = bad("bound", "losses.csv")
    assert "losses.csv" in message
    for word in words:
        assert word in message


# behaviour that needs a process of its own


def test_standard_input(process: Callable[..., subprocess.CompletedProcess[bytes]], wide: Path) -> None:
    done = process("bound", "-", "--columns", "base", "--bound", "hoeffding", stdin=wide.read_bytes())
    assert done.returncode == 0
    assert done.stderr == b""
    assert done.stdout.startswith(b"standard input, base:\n")


def test_a_reader_that_leaves_is_no_error(wide: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    words = [
        sys.executable,
        "-m",
        "riskstats",
        "bound",
        str(wide),
        "--columns",
        "base",
        "--bound",
        "hoeffding",
    ]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 141
