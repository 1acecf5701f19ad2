"""The command as a whole: help, versions, exit codes, messages."""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import riskstats
from riskstats.cli import main
from riskstats.cli._running import guarded
from riskstats.cli._wording import as_options, in_options
from riskstats.exceptions import IncompatibleBound, Infeasible, InvalidInput, NotConverged, Unavailable

HEAVY = ("numpy", "scipy", "sklearn", "jax", "cvxpy", "pyscipopt", "pandas", "matplotlib", "rich", "pyarrow")


def test_help_is_fast_and_light(environment: dict[str, str]) -> None:
    """The parser of every command, without one heavy import; the least of three starts takes under 0.3 s of
    the processor, which a busy machine does not change."""
    program = (
        "import sys, time; from riskstats.cli import main; code = main(['--help']); "
        "print(code, time.process_time(), *sys.modules)"
    )
    seconds = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True
        )
        *text, last = done.stdout.decode().splitlines()
        code, spent, *modules = last.split()
        seconds.append(float(spent))
    assert code == "0"
    assert set(HEAVY).isdisjoint(modules)
    assert min(seconds) < 0.3
    assert all(
        any(f"{line} ".startswith(f"    {name} ") for line in text)
        for name in (
            "demo",
            "fit",
            "score",
            "card",
            "verify",
            "bound",
            "certify",
            "profile",
            "multiplicity",
            "worst-case",
            "harm",
            "grade",
        )
    )


@pytest.mark.parametrize(
    "command",
    [
        "demo",
        "fit",
        "score",
        "card",
        "verify",
        "bound",
        "certify",
        "profile",
        "multiplicity",
        "worst-case",
        "harm",
        "grade",
    ],
)
def test_each_command_explains_itself(run: Callable[..., Any], command: str) -> None:
    result = run(command, "--help")
    assert result.code == 0
    assert result.err == ""
    assert result.out.startswith(f"usage: riskstats {command}")
    assert "example" in result.out


def test_version(process: Callable[..., Any]) -> None:
    assert process("--version").stdout.decode() == f"riskstats {riskstats.__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "riskstats: error: the following arguments are required: COMMAND"),
        (["fly"], "riskstats: error: argument COMMAND: invalid choice: 'fly'"),
        (["fit"], "riskstats fit: error: the following arguments are required: data.csv, --target"),
        (["fit", "a.csv", "--target"], "riskstats fit: error: argument --target: expected one argument"),
        (
            ["fit", "a.csv", "--target", "y", "--sign", "age=up"],
            "argument --sign: expected NAME=+1; got 'age=up'",
        ),
        (["fit", "a.csv", "--target", "y", "--feature-range", "a=3"], "expected NAME=LOW:HIGH; got 'a=3'"),
        (["fit", "a.csv", "--target", "y", "--max-features", "-1"], "expected a whole number >= 1; got '-1'"),
        (["fit", "a.csv", "--target", "y", "--gap", "5"], "expected a number from 0 to 1; got '5'"),
        (["fit", "a.csv", "--target", "y", "--time-limit", "nan"], "expected a number >= 0; got 'nan'"),
        (
            ["fit", "a.csv", "--target", "y", "--points", "-5", "x"],
            "argument --points: invalid int value: 'x'",
        ),
        (
            ["fit", "a.csv", "--target", "y", "--engine", "cplex"],
            "argument --engine: invalid choice: 'cplex'",
        ),
        (["fit", "a.csv", "--target", "y", "--proof", "p", "--no-proof"], "not allowed with argument"),
        (["card", "card.json", "--format", "docx"], "argument --format: invalid choice: 'docx'"),
    ],
)
def test_bad_usage_is_one_line(run: Callable[..., Any], words: list[str], message: str) -> None:
    result = run(*words)
    assert result.code == 2
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert message in result.err
    assert result.err.startswith("riskstats")


def test_a_process_exits_with_the_code(process: Callable[..., Any]) -> None:
    done = process("score", "none.json", "none.csv")
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.startswith(b"riskstats score: error: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InvalidInput("two\n  lines"), 2, "test: error: two lines\n"),
        (IncompatibleBound("a with b"), 2, "test: error: a with b\n"),
        (Infeasible("nothing fits"), 1, "test: error: nothing fits\n"),
        (NotConverged("no"), 1, "test: error: no\n"),
        (Unavailable("needs x"), 1, "test: error: needs x\n"),
        (KeyboardInterrupt(), 130, "test: interrupted\n"),
        (FileNotFoundError(2, "No such file", "a.csv"), 2, "test: error: a.csv: No such file.\n"),
        (OSError(28, "No space left", "a.csv"), 1, "test: error: a.csv: No space left.\n"),
    ],
)
def test_exceptions_become_codes(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    def fail(_: argparse.Namespace) -> int:
        raise error

    assert guarded("test", fail, argparse.Namespace()) == code
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("`multiplier` must be > 0; got 0.", "--multiplier must be > 0; got 0."),
        ("Use `multiplier='search'` or `solver='bnb'`.", "Use --multiplier search or --engine bnb."),
        ("Raise `time_limit`, or `gap=0.1`.", "Raise --time-limit, or --gap 0.1."),
        (
            "Pass `binning=Binning()`: missing becomes a bin.",
            "Leave out --no-binning: missing becomes a bin.",
        ),
        ("`died` holds 1 class (no).", "`died` holds 1 class (no)."),
        ("Use `Betting`, or pass `support=(low, high)`.", "Use --bound betting, or pass --support LOW:HIGH."),
        ("`BerkJones(levels=(0.9, 1.0))` is not `CVaR(0.9)`.", "--bound berk-jones is not `CVaR(0.9)`."),
        ("`fixed_sequence` needs `order=`.", "--procedure fixed-sequence needs --order."),
        ("larger is worse. Pass `1 - auc`.", "larger is worse. Give a column of 1 - auc."),
    ],
)
def test_messages_name_options(message: str, said: str) -> None:
    assert as_options(message) == said
    with pytest.raises(InvalidInput) as caught, in_options():
        raise InvalidInput(message)
    assert str(caught.value) == said


def test_a_defect_is_not_hidden() -> None:
    def fail(_: argparse.Namespace) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guarded("test", fail, argparse.Namespace())


@pytest.mark.parametrize("quiet", [False, True])
def test_warnings_and_log_lines_go_to_stderr(capsys: pytest.CaptureFixture[str], quiet: bool) -> None:
    def talk(_: argparse.Namespace) -> int:
        warnings.warn("look\nhere", UserWarning, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.getLogger("riskstats.part").info("working")
        return 0

    assert guarded("test", talk, argparse.Namespace(quiet=quiet)) == 0
    assert capsys.readouterr().err == ("" if quiet else "test: warning: look here\ntest: working\n")
    assert logging.getLogger("riskstats").handlers == []


def test_main_reads_the_arguments_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["riskstats", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("riskstats ")


def test_module_is_the_command() -> None:
    assert (Path(riskstats.__file__).parent / "__main__.py").exists()
