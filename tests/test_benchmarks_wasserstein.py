"""The benchmarks of worst cases run at a small size; both sides of each answer the same question."""

import json

import pytest

from benchmarks import wasserstein, wasserstein_cases


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(wasserstein, "in_own_process", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(wasserstein, "one_thread", lambda: None)


@pytest.mark.usefixtures("small")
def test_every_benchmark_writes_its_table(tmp_path, capsys):
    names = ["program", "sorting", "coupling", "covariates"]
    assert wasserstein.main([*names, "--quick", "--repeats", "1", "--output", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    rows = {}
    for name in names:
        rows[name] = json.loads((tmp_path / f"wasserstein-{name}.json").read_text())["rows"]
        assert f"## wasserstein-{name}" in told
    assert all(row["difference"] <= 1e-12 for row in rows["program"])
    assert all(row["error"] <= 1e-8 for row in rows["sorting"])
    assert rows["coupling"][0]["difference"] <= 2e-6
    assert rows["covariates"][0]["gap"] <= 1e-4
    assert rows["covariates"][0]["difference"] <= 2e-4


def test_worst_sums_are_enclosed():
    found = wasserstein_cases.worst_sum("uniform", 3, 200, 0.0, False)
    assert found["lower"] <= 3.0 * 0.975 + 1e-9
    assert 0.0 <= found["gap"] <= 0.01
