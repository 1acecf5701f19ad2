"""What README.md and CONTRIBUTING.md tell people to run does run, as written.

Python blocks run in order in one namespace; the blocks of shell lines marked ``run`` run in bash, beside the
files that the Python blocks marked ``losses`` and ``grades`` write. The two commands for a fresh machine are
run by `.ci/run`; here their form is held.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from riskstats import RashomonSet
from riskstats.bounds import BerkJones, Bound, Sample, upper_bound
from riskstats.exceptions import InvalidInput
from riskstats.measures import Mean, RiskMeasure
from riskstats.scores.scorecard import ScoreCard

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^(?:<!-- ([\w-]+) -->\n)?( *)```(\w+)\n(.*?)^\2```$", re.MULTILINE | re.DOTALL)
WRITERS = ["losses", "grades", "outcomes"]
COMMANDS = {
    "demo-command": "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/riskstats demo\n",
    "test-command": ".venv/bin/pip install '.[test]' && .venv/bin/python -m pytest -n auto\n",
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
    command = "".join(block.text for block in blocks("README.md", "sh") if block.mark == "run")
    write_data(folder)
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


def write_data(folder: Path) -> None:
    """Run the Python blocks that write data, each by itself, in the folder of the shell lines."""
    writing = [block for block in blocks("README.md", "python") if block.mark is not None]
    assert [block.mark for block in writing] == WRITERS
    with contextlib.chdir(folder):
        for block in writing:
            exec(block.text, {})


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
    for words in ("proven optimal", "Verdict: optimal", "AUC 0.", "age >= 65 years", "bold steps\n"):
        assert words in shown
    assert "1 of 4 candidates certified: with 95 % confidence" in shown
    assert "Risk profile at level 0.95: n = 901 prompts, n_tail = 45.05" in shown
    assert "3 models on the same 901 prompts" in shown
    assert "largest value 0.780189 within transport distance 0.01" in shown
    assert "follows up to a total radius of" in shown
    assert "Report on an evaluation: 1600 outcomes of 2 models, 800 prompts" in shown
    assert "new does no more harm than old" in shown or "depends on the map" in shown
    assert "Predictive multiplicity of 171 rows: exact" in shown
    assert "models decide 5.26 % of the rows either way (9 rows)" in shown
    assert re.search(r"CERTIFIED after \d+ of \d+ units", shown)
    assert {path.name for path in tmp_path.iterdir()} == {
        "card.html",
        "card.json",
        "card.png",
        "card.proof.npz",
        "grades.csv",
        "losses.csv",
        "outcomes.csv",
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
def test_shell_lines_about_losses(shell):
    folder, done = shell
    assert "1 of 4 candidates certified" in done.stdout
    assert "not all means are shown to keep the limit: exit code 3" in done.stdout
    rows = (folder / "certified.csv").read_text().splitlines()
    assert [row for row in rows if ",yes,yes" in row] == [row for row in rows if row.startswith("steps,")]
    assert (folder / "band.png").stat().st_size > 1000


@pytest.mark.skipif(shutil.which("bash") is None, reason="the shell lines are for bash")
def test_shell_lines_about_tails(shell):
    folder, done = shell
    for name in ("calm", "keen", "bold"):
        assert f"Model {name}: 901 prompts, n_tail = 45.05 at level 0.95" in done.stdout
    assert "a limit is above 0.5: exit code 3" in done.stdout
    assert "not shown to keep --risk-limit 0.5" in done.stderr
    rows = (folder / "profile.csv").read_text().splitlines()
    assert len(rows) == 1 + 3 * (1 + 3)
    assert (folder / "models.png").stat().st_size > 1000


@pytest.mark.skipif(shutil.which("bash") is None, reason="the shell lines are for bash")
def test_the_card_of_the_readme_is_that_of_the_demonstration(shell):
    """Same objective; and same words, but for the formula, unless another card is equally good."""
    (printed,) = (block.text for block in blocks("README.md") if block.mark == "demo-card")
    card = ScoreCard.load(shell[0] / "riskstats-demo" / "card.json")
    assert f"objective {card.certificate.objective:.6f}, lower bound" in printed
    if all(f"  {rule.label} " in printed for rule, _ in card.lines):
        assert without_formula(printed) == without_formula(card.text())


@pytest.mark.skipif(shutil.which("bash") is None, reason="the shell lines are for bash")
def test_shell_lines_about_models(shell):
    folder, done = shell
    assert "Predictive multiplicity of 398 rows: exact" in done.stdout
    assert "small.json is the best of them" in done.stdout
    assert "some decisions hang on the card: exit code 3" in done.stdout
    assert "not shown to keep --share-limit 0" in done.stderr
    rows = (folder / "rows.csv").read_text().splitlines()
    assert len(rows) == 1 + 398
    assert rows[0].startswith("row,baseline,lower,upper,width,kind,")
    assert (folder / "ranges.png").stat().st_size > 1000
    assert (folder / "small.pool.json").is_file()


@pytest.mark.skipif(shutil.which("bash") is None, reason="the shell lines are for bash")
def test_shell_lines_about_worst_cases(shell):
    folder, done = shell
    assert "largest value" in done.stdout
    assert "the worst case is above 0.5: exit code 3" in done.stdout
    assert (folder / "shift.png").stat().st_size > 1000


@pytest.mark.skipif(shutil.which("bash") is None, reason="the shell lines are for bash")
def test_shell_lines_about_evaluations(shell):
    folder, done = shell
    assert "Report on an evaluation: 1600 outcomes of 2 models, 800 prompts" in done.stdout
    assert "the limit of a model's harm is above 0.1: exit code 3" in done.stdout
    assert "Good (not certain at 95 %)" in done.stdout
    assert (folder / "rates.png").stat().st_size > 1000
    assert (folder / "report.csv").read_text().count("\n") > 10


def without_formula(text: str) -> list[str]:
    """The lines of a card but the one with the multiplier, whose last digit depends on the machine."""
    return [line.rstrip() for line in text.strip().splitlines() if not line.startswith("risk = ")]


def test_python_of_the_guide_for_contributors(monkeypatch, capsys):
    """The golden objectives are found, and what it shows is what it says: a solver, a bound, a measure, a
    class of models."""
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.chdir(ROOT)
    names = run_python("CONTRIBUTING.md")
    assert capsys.readouterr().out.count("the same, OPTIMAL") == len(names["golden"]["planted"]["cases"])
    problem = names["load"]("planted_binary").problem(3)
    shown, best = names["solve"](problem), names["bnb"].solve(problem)
    assert problem.admits(shown.coefficients)
    assert shown.bound <= best.value < shown.value == problem.objective(shown.coefficients, shown.scale)
    check_bound(names["Cantelli"](), np.random.default_rng(0))
    check_measure(names["RootMeanSquare"](), np.random.default_rng(0))
    check_pool(names["Stumps"], np.random.default_rng(0))


def check_bound(bound: Bound, rng: np.random.Generator) -> None:
    """It misses as rarely as it says, and its p-value is the same statement."""
    sample = Sample((rng.random((2000, 50)) < 0.3) * 1.0, (0.0, 1.0))
    upper = bound.upper(sample, Mean(), 0.1)
    assert (upper < 0.3).mean() <= 0.1
    assert (bound.lower(sample, Mean(), 0.1) > 0.3).mean() <= 0.1
    assert ((bound.p_value(sample, Mean(), 0.5, 0.1) <= 0.1) == (upper <= 0.5)).all()
    assert 0.1 < (upper <= 0.5).mean() < 0.9


def check_measure(measure: RiskMeasure, rng: np.random.Generator) -> None:
    """Its value is the formula, a band bounds it, and it is refused where it has no meaning."""
    losses = rng.random((300, 100))
    assert measure(losses[0]) == pytest.approx(np.sqrt(np.mean(losses[0] ** 2)))
    upper = BerkJones().upper(Sample(losses, (0.0, 1.0)), measure, 0.1)
    assert (upper > measure(losses)).all()
    assert (upper < np.sqrt(1 / 3)).mean() <= 0.1
    with pytest.raises(InvalidInput, match="needs losses >= 0"):
        upper_bound(losses[0], measure, support=(-1.0, 1.0))


def check_pool(stumps: Any, rng: np.random.Generator) -> None:
    """Its losses are those of its predictions, and its ranges those of the members, for any rows."""
    X, y = rng.integers(0, 5, (60, 3)).astype(float), (rng.random(60) < 0.4).astype(int)
    pool, new = stumps.of(X, y), rng.integers(0, 5, (20, 3)).astype(float)
    of_label = np.where(y == 1, pool.predictions(X), 1 - pool.predictions(X))
    np.testing.assert_allclose(pool.losses, -np.log(of_label).mean(axis=1), rtol=1e-14)
    found = RashomonSet(pool, epsilon=0.05).fit(X, y).viable_prediction_range(new)
    members = pool.predictions(new)[pool.losses <= 1.05 * pool.losses.min()]
    assert 1 < len(members) < len(pool.losses)
    assert (found.kind == "exact").all()
    np.testing.assert_allclose(found.lower, members.min(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.upper, members.max(axis=0), rtol=1e-12)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []
