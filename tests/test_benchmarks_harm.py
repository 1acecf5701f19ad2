"""The harm benchmarks run at a small size, and both sides answer the same question."""

import json

import pytest

from benchmarks import harm, harm_cases


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(harm, "in_own_process", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(harm, "one_thread", lambda: None)


@pytest.mark.usefixtures("small")
def test_every_benchmark_writes_its_table(tmp_path, capsys):
    sizes = ["--n", "60", "--d", "80", "--prompts", "60", "--generations", "1", "--starts", "1"]
    assert harm.main([*sizes, "--items", "60", "--repeats", "1", "--output", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    for name in ("probes", "aggregation", "grades"):
        assert json.loads((tmp_path / f"harm-{name}.json").read_text())["rows"]
        assert f"## harm-{name}" in told


def test_both_sides_answer_the_same_question():
    row = harm_cases.probes(60, 80, 1, 1)
    assert row["difference"] < 1e-9
    assert harm_cases.grades(200, True)["certain_wrong"] <= 0.05
