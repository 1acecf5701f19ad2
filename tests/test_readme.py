"""What README.md and CONTRIBUTING.md tell people to run does run, as written.

Python blocks run in order in one namespace; the block of shell lines marked ``run`` runs in bash. The two
commands for a fresh machine are run by `.ci/run`; here their form is held.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from riskstats.scores.scorecard import ScoreCard

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^(?:<!-- ([\w-]+) -->\n)?( *)```(\w+)\n(.*?)^\2```$", re.MULTILINE | re.DOTALL)
COMMANDS = {
    "demo-command": "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/riskstats demo\n",
    "test-command": ".venv/bin/pip install '.[test]' && .venv/bin/python -m pytest\n",
}


@dataclass(frozen=True)
class Block:
    mark: str | None
    language: str
    text: str
    line: int


def blocks(name: str, language: str | None = None) -> list[Block]:
    """The fenced blocks of a document, with the marker comment before each and its first line."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = [
        Block(hit[1], hit[3], dedent(hit[4]), text.count("\n", 0, hit.start(4)) + 1)
        for hit in BLOCK.finditer(text)
    ]
    assert 2 * len(found) == sum(line.lstrip().startswith("```") for line in text.splitlines())
    return [block for block in found if language in (None, block.language)]


def run_python(name: str) -> dict:
    """Run the Python blocks of a document in one namespace, and return it; tracebacks name its lines."""
    names: dict = {"__name__": "__main__"}
    for block in blocks(name, "python"):
        exec(compile("\n" * (block.line - 1) + block.text, str(ROOT / name), "exec"), names)
    return names


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder in which the demonstration and then the shell lines ran, and what came of the latter."""
    folder = tmp_path_factory.mktemp("readme")
    (command,) = (block.text for block in blocks("README.md", "sh") if block.mark == "run")
    programs = folder / "programs"
    programs.mkdir()
    program = programs / "riskstats"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m riskstats "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "MPLBACKEND": "Agg",
    }
    demo = bash("riskstats demo --quiet", folder, environment)
    assert (demo.returncode, demo.stderr) == (0, "")
    return folder, bash(command, folder, environment)


def bash(command: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run shell lines up to the first that fails."""
    words = ["bash", "-euc", command]
    return subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=200, check=False
    )


def test_the_commands_for_a_fresh_machine():
    marked = {block.mark: block.text for block in blocks("README.md", "sh") if block.mark != "run"}
    assert marked == COMMANDS


def test_every_block_is_of_a_kind_that_is_tested():
    assert {block.language for block in blocks("README.md")} == {"python", "sh", "text"}


def test_python_of_the_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_python("README.md")
    shown = capsys.readouterr().out
    for words in ("proven optimal", "Verdict: optimal", "AUC 0.", "age >= 65 years"):
        assert words in shown
    assert {path.name for path in tmp_path.iterdir()} == {
        "card.html",
        "card.json",
        "card.png",
        "card.proof.npz",
    }


@pytest.mark.skipif(shutil.which("bash") is None, reason="the shell lines are for bash")
def test_shell_lines_of_the_readme(shell):
    folder, done = shell
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "not the training data: exit code 2"
    assert "Verdict: optimal" in lines
    header = next(line for line in lines if line.startswith("mean radius,"))
    assert ",diagnosis,score,risk,points: " in header
    assert len((folder / "scored.csv").read_text().splitlines()) == 172
    assert (folder / "card.html").stat().st_size > 1000
    assert (folder / "card.proof.npz").is_file()


@pytest.mark.skipif(shutil.which("bash") is None, reason="the shell lines are for bash")
def test_the_card_of_the_readme_is_that_of_the_demonstration(shell):
    """Same objective; and same words, but for the formula, unless another card is equally good."""
    (printed,) = (block.text for block in blocks("README.md") if block.mark == "demo-card")
    card = ScoreCard.load(shell[0] / "riskstats-demo" / "card.json")
    assert f"objective {card.certificate.objective:.6f}, lower bound" in printed
    if all(f"  {rule.label} " in printed for rule, _ in card.lines):
        assert without_formula(printed) == without_formula(card.text())


def without_formula(text: str) -> list[str]:
    """The lines of a card but the one with the multiplier, whose last digit depends on the machine."""
    return [line.rstrip() for line in text.strip().splitlines() if not line.startswith("risk = ")]


def test_python_of_the_guide_for_contributors(monkeypatch, capsys):
    """The golden objectives are found, and the solver that it shows is one: an answer, no false bound."""
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.chdir(ROOT)
    names = run_python("CONTRIBUTING.md")
    assert capsys.readouterr().out.count("the same, OPTIMAL") == len(names["golden"]["planted"]["cases"])
    problem = names["load"]("planted_binary").problem(3)
    shown, best = names["solve"](problem), names["bnb"].solve(problem)
    assert problem.admits(shown.coefficients)
    assert shown.bound <= best.value < shown.value == problem.objective(shown.coefficients, shown.scale)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []
