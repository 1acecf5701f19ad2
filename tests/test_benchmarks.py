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

from benchmarks import (
    compare,
    control,
    control_cases,
    control_tightness,
    plain_loops,
    problems,
    recording,
    scores,
    scores_kernels,
)
from riskstats.scores import bnb
from riskstats.scores.problem import SolveOptions

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "benchmarks" / "README.md"
GOLDEN = json.loads((Path(__file__).parent / "golden" / "scores.json").read_text(encoding="utf-8"))
TABLES = [
    *("proof-5", "proof-10", "rows", "kernels", "candidates", "devices", "verify", "heldout"),
    *("kernels-gpu", "candidates-gpu"),
    *("compare-5", "compare-10", "compare-rows", "compare-heldout"),
    *(f"control-{name}" for name in ("crossing", "calibration", "cvar", "betting", "whole", "memory")),
    *(f"control-{name}-gpu" for name in ("cvar", "betting", "whole")),
    *(f"control-{name}" for name in ("cvar-bounds", "mean-bounds", "mapie", "mapie-error")),
    *(f"tail-{name}" for name in ("cvar", "measures", "bootstrap", "kernels", "extremes", "coverage")),
]


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """Leave thread settings and the data folder of the surrounding process as they were."""
    for name in ("JAX_PLATFORMS", "XLA_FLAGS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
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


# ---- risk control

TINY = control.Sizes(
    crossings=(300,),
    calibrations=(60, 600),
    plain_up_to=60,
    averages=((7, 300), (3, 2000)),
    betting=((4, 500),),
    whole=(9, 2000, 3),
    large=(4, 2500),
    mapie=(12, 400),
    errors=100,
    repetitions=40,
    repeats=1,
)


@pytest.fixture
def control_rows(tmp_path, monkeypatch):
    """A function that runs one benchmark of risk control, tiny, and returns the rows of its tables."""
    monkeypatch.setitem(control.SIZES, "quick", TINY)

    def rows(name, *tables, more=()):
        common = ["--quick", "--in-process", "--output", str(tmp_path)]
        assert control.main([name, *common, *more]) == 0
        return [json.loads((tmp_path / f"control-{table}.json").read_text())["rows"] for table in tables]

    return rows


def test_crossing_probabilities_are_those_of_the_recursion(control_rows):
    ((row,),) = control_rows("crossing", "crossing")
    assert row["difference"] < 1e-12
    assert row["recursion_measured"]


def test_the_recursion_can_be_run_to_its_end(monkeypatch):
    monkeypatch.setattr(control_cases.control_crossing, "_WHOLE_SWEEP", 100)
    (sampled,) = control_cases.crossings((500,))
    (whole,) = control_cases.crossings((500,), whole=True)
    assert (sampled["recursion_measured"], whole["recursion_measured"]) == (False, True)
    assert whole["difference"] < 1e-12
    assert whole["cold_ratio"] == pytest.approx(whole["sweep"] / whole["cold"])


def test_calibrated_levels_are_those_of_root_finding(control_rows, monkeypatch):
    monkeypatch.setenv("RISKSTATS_CACHE_DIR", "off")
    ((small, large),) = control_rows("calibration", "calibration")
    assert max(small["cold_difference"], small["top_difference"], large["top_difference"]) < 1e-9
    assert small["same_ranks"]
    assert large["same_ranks"]
    assert "cold_plain" not in large
    assert large["growth"] > 0
    assert os.environ["RISKSTATS_CACHE_DIR"] == "off"


def test_averages_are_those_of_the_loop(control_rows):
    (rows,) = control_rows("cvar", "cvar")
    assert [(row["units"], row["what"]) for row in rows] == [
        (300, "bound"), (300, "estimate"), (2000, "bound"), (2000, "estimate"),
    ]  # fmt: skip
    assert all(row["difference"] < 1e-13 for row in rows)


def test_bets_are_those_of_the_loop(control_rows):
    (rows,) = control_rows("betting", "betting")
    assert [row["device"] for row in rows] == ["numpy"] * 3 + ["cpu"] * 3
    assert all(row["difference"] < 1e-10 for row in rows)


def test_the_whole_is_that_of_both_loops(control_rows, capsys):
    (rows,) = control_rows("whole", "whole")
    *parts, total = rows
    assert [row["bound"] for row in parts] == [
        "Betting", "OrderStatisticBand", "RockafellarUryasev", "BerkJones", "BerkJones",
    ]  # fmt: skip
    for row in parts:
        assert row["holm_agrees"]
        assert row["calls_difference"] < 1e-8
        assert row["difference"] < 1e-10
        assert row["p_difference"] < 1e-8
    assert 0 < sum(row["certified"] for row in parts) < 5 * 9
    assert total["seconds"] == pytest.approx(sum(row["seconds"] for row in parts))
    assert "| all |" in capsys.readouterr().out


def test_memory_is_measured(control_rows):
    ((cvar, var, both),) = control_rows("memory", "memory")
    assert (cvar["bound"], var["bound"]) == ("RockafellarUryasev", "OrderStatisticBand")
    assert both["peak_gib"] >= cvar["peak_gib"] >= cvar["losses_gib"] > 0


@pytest.mark.parametrize("name", control_tightness.LAWS)
def test_the_truth_of_a_law_is_that_of_its_samples(name):
    law = control_tightness.LAWS[name]
    losses = np.sort(law.draw(np.random.default_rng(5), (1, 400_000))[0])
    assert law.mean == pytest.approx(losses.mean(), abs=5 * losses.std() / 400_000**0.5)
    assert law.tail(0.0) == pytest.approx(law.mean, abs=1e-12)
    for level in (0.9, 0.95):
        assert law.tail(level) == pytest.approx(losses[int(level * 400_000) :].mean(), abs=0.006)


def test_bounds_hold_and_are_told_apart(control_rows, monkeypatch, capsys):
    monkeypatch.setattr(control_tightness, "CVAR_CASES", control_tightness.CVAR_CASES[:1])
    monkeypatch.setattr(control_tightness, "MEAN_CASES", control_tightness.MEAN_CASES[:1])
    tails, means = control_rows("tightness", "cvar-bounds", "mean-bounds")
    tails = {row["bound"]: row["square-1000"] for row in tails}
    means = {row["bound"]: row["rare-500"] for row in means}
    assert all(row["holds"] for name, row in [*tails.items(), *means.items()] if name != "*truth*")
    assert tails["Berk-Jones on the tail"]["excess"] < tails["DKW"]["excess"]
    assert means["Clopper-Pearson"]["excess"] < means["Hoeffding"]["excess"]
    assert "*0.9033*" in capsys.readouterr().out


def test_a_bound_that_fails_is_told(monkeypatch):
    case = control_tightness.MEAN_CASES[1]
    wrong = np.full(100, case.truth) - 0.001
    row = control_tightness._row(case, "Betting", wrong, 0.0)
    assert not row["holds"]
    assert control._tight_cell(row).endswith("TOO FEW")


def test_the_plain_loop_refuses_what_holm_refuses():
    assert plain_loops.holm([0.04, 0.001, 0.02, 0.9], 0.05) == [1]
    assert plain_loops.holm([0.012, 0.001, 0.02, 0.03], 0.05) == [0, 1, 2, 3]


def test_an_absent_accelerator_is_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(control, "accelerator_present", lambda: False)
    asked = ["betting", "--device", "gpu", "--in-process", "--output", str(tmp_path)]
    assert control.main(asked) == 2
    assert "JAX sees none here" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


FAKE_MAPIE = """
import numpy as np

def compute_hoeffding_bentkus_p_value(r_hat, n_obs, alpha):
    return np.exp(-2 * n_obs * np.maximum(alpha - r_hat, 0) ** 2)[:, np.newaxis]

def get_r_hat_plus(risks, lambdas, method, bound, delta, sigma_init):
    assert (risks.shape[1], method, bound) == (len(lambdas), "rcps", "wsr")
    return risks.mean(axis=0), np.full(len(lambdas), lambdas[9])
"""


@pytest.fixture
def fake_mapie(tmp_path, monkeypatch):
    """A package named mapie whose bound always fails; its Python is this one."""
    package = tmp_path / "peer" / "mapie" / "risk_control"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").write_text("")
    (package / "methods.py").write_text(FAKE_MAPIE)
    told = tmp_path / "peer" / "mapie-1.6.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: mapie\nVersion: 1.6.0\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "peer"))
    return sys.executable


def test_mapie_is_compared(fake_mapie, control_rows):
    times, errors = control_rows("mapie", "mapie", "mapie-error", more=["--peer-python", fake_mapie])
    assert [row["losses"] for row in times] == ["0 or 1", "continuous"]
    assert all(row["apart"] > 0 for row in times)
    assert [(row["peer_error"], row["samples"]) for row in errors] == [(1.0, 100)] * 4
    assert all(row["error"] < 0.3 for row in errors)


@pytest.mark.parametrize(("python", "reason"), [(None, "not given"), ("/no/such/python", "no such file")])
def test_an_absent_mapie_is_told_and_skipped(python, reason, control_rows, capsys):
    control_rows("mapie", more=[] if python is None else ["--peer-python", python])
    said = capsys.readouterr().err
    assert said.startswith("skipped: MAPIE is not compared")
    assert reason in said


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
