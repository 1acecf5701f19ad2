"""The benchmarks of evaluations run at a small size and say what they looked at."""

import json

import pytest

from benchmarks import evaluations


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(evaluations, "in_own_process", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(evaluations, "one_thread", lambda: None)


@pytest.mark.usefixtures("small")
def test_every_benchmark_writes_its_table(tmp_path, capsys):
    assert evaluations.main(["all", "--quick", "--output", str(tmp_path)]) == 0
    told = capsys.readouterr()
    rows = {}
    for name in ("inspect", "report", "lines", "table"):
        rows[name] = json.loads((tmp_path / f"evaluations-{name}.json").read_text())["rows"]
        assert f"## evaluations-{name}" in told.out
    assert rows["report"][0]["rows"] == rows["inspect"][0]["rows"] == 60 * 2 * 4
    assert rows["report"][0]["seconds"] > rows["report"][0]["reading"] > 0
    assert "inspect_ai is not compared" in told.err
