"""The benchmarks run, on tiny problems and in this process; nothing here looks at a clock."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from benchmarks import compare, problems, recording, scores, scores_kernels
from riskstats.scores import bnb
from riskstats.scores.problem import SolveOptions

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "benchmarks" / "README.md"
GOLDEN = json.loads((Path(__file__).parent / "golden" / "scores.json").read_text(encoding="utf-8"))
TABLES = [
    *("proof-5", "proof-10", "rows", "kernels", "candidates", "devices", "verify", "heldout"),
    *("kernels-gpu", "candidates-gpu"),
    *("compare-5", "compare-10", "compare-rows", "compare-heldout"),
]


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """Leave thread settings and the data folder of the surrounding process as they were."""
    for name in ("XLA_FLAGS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    with threadpool_limits():
        yield


def run(tmp_path, *arguments):
    """Run a benchmark in this process and return the rows of its JSON file."""
    name = arguments[0]
    common = ["--in-process", "--device", "numpy", "--time-limit", "20", "--output", str(tmp_path)]
    assert scores.main([*arguments, *common]) == 0
    record = json.loads((tmp_path / f"{'proof-2' if name == 'proof' else name}.json").read_text())
    assert record["benchmark"].startswith(name)
    assert {"date", "machine", "threads", "numpy", "jax", "pyscipopt"} <= record["provenance"].keys()
    return record["rows"]


# ---- problems


@pytest.mark.parametrize("name", problems.PLANTED)
def test_planted_problems_are_always_the_same(name):
    sample, again = problems.load(name), problems.load(name)
    assert np.array_equal(sample.X, again.X)
    assert np.array_equal(sample.y, again.y)
    assert set(np.unique(sample.y)) == {0, 1}


@pytest.mark.parametrize("case", GOLDEN["planted"]["cases"], ids=lambda case: case["generator"])
def test_planted_problems_are_those_of_the_golden_file(case):
    sample = problems.load(case["generator"])
    assert sample.X.shape == (case["n"], case["d"])
    assert sample.X.sum() == pytest.approx(case["check"]["sum_X"], abs=1e-9)
    assert sample.y.sum() == case["check"]["positives"]
    problem = sample.problem(case["max_features"], penalty=case["coefficient_penalty"])
    card = np.array([case["fixed"]["intercept"], *case["fixed"]["coefficient_vector"]])
    scale = 1.0 / case["fixed"]["multiplier"]
    assert problem.objective(card, scale) == pytest.approx(case["fixed"]["objective"], abs=1e-12)


def test_bc30_is_built_from_scikit_learn():
    sample = problems.load("bc30")
    assert sample.X.shape == (569, 30)
    assert set(np.unique(sample.X)) == {0.0, 1.0}
    assert sample.y.mean() == pytest.approx(0.627, abs=5e-4)


def test_the_file_of_bc30_holds_what_is_built():
    folder = problems.data_folder()
    if folder is None or not (folder / "bc30_data.csv").is_file():
        pytest.skip("no data folder with bc30_data.csv")
    file, built = problems.load_file(folder / "bc30_data.csv", "bc30"), problems.load("bc30")
    assert np.array_equal(file.X, built.X)
    assert np.array_equal(file.y, built.y)


@pytest.mark.parametrize("case", GOLDEN["fixed_multiplier"], ids=lambda case: case["data"])
def test_sets_of_the_literature_are_read(case):
    try:
        sample = problems.load(case["data"])
    except problems.DataMissing as reason:
        pytest.skip(str(reason))
    card = np.array([case["intercept"], *case["coefficient_vector"]])
    loss = sample.problem(case["max_features"]).loss(card, 1.0 / case["multiplier"])
    assert loss == pytest.approx(case["loss"], abs=1e-12)


def test_absent_data_are_named_and_skipped(tmp_path, monkeypatch):
    monkeypatch.setenv(problems.FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(problems.DataMissing, match=r"adult_data\.csv.*--data DIR"):
        problems.load("adult")
    said: list[str] = []
    kept = problems.available(["adult", "planted_real"], None, said.append)
    assert [sample.name for sample in kept] == ["planted_real"]
    assert len(said) == 1
    assert said[0].startswith("skipped: problem 'adult' needs")


def test_a_data_folder_is_read(tmp_path):
    sample = problems.load("planted_integer")
    compare.write_csv(tmp_path / "mammo_data.csv", sample)
    read = problems.load("mammo", tmp_path)
    assert np.array_equal(read.X, sample.X)
    assert np.array_equal(read.y, sample.y)


def test_an_unknown_problem_is_refused():
    with pytest.raises(ValueError, match="no problem 'iris'"):
        problems.load("iris")


def test_repeated_rows_are_the_same_problem():
    sample = problems.load("planted_real")
    once, thrice = sample.problem(2), sample.repeated(3).problem(2)
    assert np.array_equal(once.rows, thrice.rows)
    assert np.allclose(once.weight, thrice.weight, rtol=1e-12)


# ---- benchmarks


def test_proof(tmp_path, capsys):
    rows = run(tmp_path, "proof", "--sets", "planted_binary", "--max-features", "2")
    assert [(row["engine"], row["multiplier_range"]) for row in rows] == [
        ("bnb", "1"), ("scip", "1"), ("bnb", "1 to 20"),
    ]  # fmt: skip
    assert all(row["status"] == "OPTIMAL" and row["gap"] == 0 for row in rows)
    assert rows[0]["objective"] == pytest.approx(rows[1]["objective"], abs=1e-9)
    assert rows[2]["objective"] <= rows[0]["objective"] + 1e-9
    assert "| planted_binary | 1 | bnb |" in capsys.readouterr().out


def test_rows(tmp_path):
    rows = run(tmp_path, "rows", "--sets", "planted_binary", "--times", "1", "3", "--max-features", "1")
    assert [row["rows"] for row in rows] == [400, 1200]
    assert rows[0]["distinct"] == rows[1]["distinct"]
    assert rows[0]["loss"] == pytest.approx(rows[1]["loss"], abs=1e-9)


def test_devices_agree(tmp_path):
    rows = run(
        tmp_path, "devices", "--sets", "planted_real", "--max-features", "1", "--devices", "numpy", "auto"
    )
    assert [row["device"] for row in rows] == ["numpy", "auto"]
    assert np.ptp([row["objective"] for row in rows]) <= 1e-9


def test_verify(tmp_path):
    rows = run(tmp_path, "verify", "--sets", "planted_real", "--max-features", "1")
    assert [(row["verdict"], row["ok"]) for row in rows] == [("optimal", True)] * 2


def test_heldout(tmp_path):
    (row,) = run(tmp_path, "heldout", "--sets", "planted_binary", "--max-features", "1", "--folds", "2")
    assert row["fixed"]["proven_folds"] == row["certified"]["proven_folds"] == 2
    assert 0.0 < row["certified"]["test_loss"] < np.log(2.0)


def test_kernels(tmp_path, monkeypatch):
    monkeypatch.setattr(scores_kernels, "SMALL", ((32, 6),))
    monkeypatch.setattr(scores_kernels, "CANDIDATES", ((50, 4, 20),))
    monkeypatch.setitem(scores._BATCHES, "cpu", (1,))
    monkeypatch.setenv(problems.FOLDER_VARIABLE, str(tmp_path))
    rows = run(tmp_path, "kernels", "--sets", "adult", "--nodes", "3", "--least", "1e-9")
    assert [(row["set"], row["relaxation"]) for row in rows] == [
        ("generated", "smooth"), ("generated", "lattice"),
    ]  # fmt: skip
    assert all(row["numpy_us"] > 0 and row["jax_us_1"] > 0 for row in rows)
    assert all(row["crossed"] == 0 for row in rows)
    (losses,) = json.loads((tmp_path / "candidates.json").read_text())["rows"]
    assert losses["difference"] < 1e-12


def test_every_bound_of_the_kernel_nodes_holds():
    problem = scores_kernels.small_problem(32, 6)
    best = bnb.solve(problem, SolveOptions(device="numpy", keep_proof=False))
    assert best.proven
    nodes = scores_kernels.random_nodes(problem, best.value, 20)
    assert len({node.lower.tobytes() + node.upper.tobytes() for node in nodes}) > 5
    holding = [
        node
        for node in nodes
        if np.all((node.lower <= best.coefficients) & (best.coefficients <= node.upper))
    ]
    relaxer = scores_kernels.relaxer_for(problem, SolveOptions(device="numpy"), lattice=False)
    assert holding
    assert all(line.bound <= best.value + 1e-9 for line in relaxer.relax(holding, best.value + 1.0))


# ---- the other program

FAKE = """
import numpy as np

class RiskScoreOptimizer:
    def __init__(self, X, y, k):
        assert set(np.unique(y)) == {-1.0, 1.0}
        self.width = X.shape[1]

    def optimize(self):
        pass

    def get_models(self):
        points = np.zeros((2, self.width))
        points[1, 0] = 5.0
        return np.array([2.0, 1.0]), np.array([1.0, 0.0]), points
"""


@pytest.fixture
def fake_peer(tmp_path, monkeypatch):
    """A package named fasterrisk that answers with two fixed cards; its Python is this one."""
    package = tmp_path / "peer" / "fasterrisk"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "fasterrisk.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    return sys.executable


def test_the_best_card_of_the_peer_is_read_and_rated(fake_peer):
    sample = problems.load("planted_binary")
    card = compare.peer_fit(fake_peer, sample, 2)
    losses = [
        np.mean(np.logaddexp(0.0, np.where(sample.y == 1, -z, z)))
        for z in (np.full(400, 0.5), 5.0 * sample.X[:, 0])
    ]
    assert card.loss == pytest.approx(min(losses), abs=1e-12)
    assert card.seconds >= 0


def test_fits_are_compared(fake_peer, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compare, "in_own_process", lambda function, *arguments: function(*arguments))
    common = ["--peer-python", fake_peer, "--sets", "planted_binary", "--max-features", "2"]
    assert compare.main(["fits", *common, "--output", str(tmp_path)]) == 0
    (row,) = json.loads((tmp_path / "compare-2.json").read_text())["rows"]
    assert row["certified_loss"] < row["peer_loss"]
    assert row["certified_gap"] == row["own_gap"] == 0
    assert "| planted_binary |" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["rows", "heldout"])
def test_other_comparisons_run(what, fake_peer, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "in_own_process", lambda function, *arguments: function(*arguments))
    common = ["--peer-python", fake_peer, "--sets", "planted_binary", "--max-features", "1"]
    small = ["--times", "1", "2", "--folds", "2", "--output", str(tmp_path)]
    assert compare.main([what, *common, *small]) == 0
    rows = json.loads((tmp_path / f"compare-{what}.json").read_text())["rows"]
    assert len(rows) == (2 if what == "rows" else 1)


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        (None, "is not given"),
        ("/no/such/python", "there is no such file"),
        (sys.executable, "could not run it"),
    ],
)
def test_an_absent_peer_is_told_and_skipped(python, reason, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    given = [] if python is None else ["--peer-python", python]
    assert compare.main([*given, "--sets", "planted_binary", "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert said.startswith("skipped: FasterRisk is not compared")
    assert reason in said


# ---- tables


def test_a_table_goes_between_its_markers(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("before\n<!-- table: t -->\nold\n<!-- end: t -->\nafter\n")
    columns = (recording.Column("a", "a"), recording.Column("b", "b", ".2f"))
    table = recording.Table("t", columns, [{"a": "x", "b": 0.125}, {"a": "y"}])
    for _ in range(2):
        recording.update_readme(path, [table])
    text = path.read_text()
    assert text.startswith("before\n<!-- table: t -->\n*20")
    assert text.endswith("| a | b |\n| --- | --- |\n| x | 0.12 |\n| y |  |\n<!-- end: t -->\nafter\n")
    assert "old" not in text
    with pytest.raises(ValueError, match="lacks the markers"):
        recording.update_readme(path, [recording.Table("u", columns, [])])


def test_the_readme_has_every_table_and_names_no_folder_of_a_machine():
    text = README.read_text(encoding="utf-8")
    for name in TABLES:
        assert text.count(f"<!-- table: {name} -->") == text.count(f"<!-- end: {name} -->") == 1
    for path in (ROOT / "benchmarks").rglob("*.*"):
        if path.suffix in {".py", ".md", ".json"}:
            assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text(encoding="utf-8")), path.name


def test_the_recorded_figures_cover_the_sets():
    known = recording.recorded()
    assert set(known["cards"]) == set(problems.LITERATURE)
    assert set(known["heldout"]) - {"note"} == set(problems.LITERATURE)
    for cards in known["cards"].values():
        assert set(cards["5"]) == {"fasterrisk", "riskslim", "target"}


def test_the_machine_is_told_without_its_name():
    told = recording.machine()
    assert re.match(r"\d+ cores?, \S", told)
    assert os.uname().nodename not in told
