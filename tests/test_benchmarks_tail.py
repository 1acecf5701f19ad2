"""The tail benchmarks run at a small size, with and without another package."""

import json
import sys

import numpy as np
import pytest

from benchmarks import tail, tail_cases


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(tail, "in_own_process", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(tail, "one_thread", lambda: None)


@pytest.mark.usefixtures("small")
def test_every_benchmark_writes_its_table(tmp_path, capsys):
    sizes = ["--n", "2000", "--resamples", "20", "--samples", "5", "--repeats", "1"]
    names = ["cvar", "measures", "bootstrap", "extremes", "kernels", "coverage"]
    assert tail.main([*names, *sizes, "--output", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "--peer-python is not given" in told.err
    for name in names:
        record = json.loads((tmp_path / f"tail-{name}.json").read_text())
        assert record["rows"]
        assert f"## tail-{name}" in told.out


def test_a_peer_that_cannot_run_is_named():
    with pytest.raises(tail.PeerMissing, match="there is no such file"):
        tail.peer("no/such/python", "skfolio_cvar", {}, 1)
    with pytest.raises(tail.PeerMissing, match="could not run it"):
        tail.peer(sys.executable, "no_such_task", {"losses": np.zeros(2)}, 1)


def test_both_sides_answer_the_same_question():
    """SciPy's expectile through the peer, which needs nothing that is not here."""
    arrays = tail_cases.sample(500, False)
    found = tail.peer(sys.executable, "scipy_expectile", arrays, 1)
    assert found["values"] == pytest.approx(tail_cases.measure_of("expectile", 500, 1)["values"], abs=1e-9)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_kernels_agree_on_the_benchmark(precision):
    row = tail_cases.kernel("cpu", precision, 20, 1)
    assert row["difference"] <= (1e-12 if precision == "float64" else 1e-6)
    assert row["compile_seconds"] > 0


@pytest.mark.usefixtures("small")
def test_without_a_name_the_benchmarks_beside_peers_run(tmp_path):
    sizes = ["--n", "2000", "--resamples", "20", "--samples", "5", "--repeats", "1"]
    assert tail.main([*sizes, "--output", str(tmp_path)]) == 0
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {f"tail-{name}.json" for name in ("cvar", "measures", "bootstrap", "extremes")}
