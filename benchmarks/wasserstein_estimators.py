"""Robust linear models beside other solvers: `python -m benchmarks.wasserstein_estimators [PART] [options]`.

PART peers: one fit of each loss by riskstats and by the package `dro` with Clarabel (`--peer-python PATH`,
the Python of an environment with it; without it the same program is written in cvxpy and given to Clarabel
here). Every row says how far the slopes are apart and whose objective is lower. PART rows: the time of a
logistic fit as rows are added. One thread; ratios are of processor seconds, which a busy machine changes
least.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recording import HERE, Column, Table, one_thread, spend, update_readme, write_json

__all__ = ["main", "peers", "problem", "rows"]

RADIUS = 0.02
TASKS = {"logistic": "logistic", "hinge": "svm", "lad": "lad", "ols": "ols"}


def problem(loss: str, n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(X, y): normal columns, labels of a logistic model, or numbers with heavy-tailed noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    score = X @ rng.normal(size=d) * (2.0 / np.sqrt(d)) + 0.3
    if loss in ("lad", "ols"):
        return X, score + rng.standard_t(3, size=n)
    return X, np.where(rng.random(n) < 1.0 / (1.0 + np.exp(-score)), 1.0, -1.0)


def estimator(loss: str, radius: float = RADIUS) -> Any:
    """The estimator of a loss."""
    from riskstats.wasserstein import estimators

    kinds = {
        "logistic": estimators.WassersteinLogisticRegression,
        "hinge": estimators.WassersteinHingeClassifier,
        "lad": estimators.WassersteinLADRegression,
        "ols": estimators.WassersteinLinearRegression,
    }
    return kinds[loss](radius=radius)


def peer_fit(python: str | None, loss: str, X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Seconds, slopes and intercept of `dro`, or of the same program in cvxpy."""
    if python is None:
        return _conic(loss, X, y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        np.savez(path, X=X, y=y, radius=RADIUS, norm=2.0)
        command = [python, str(HERE / "peer_dro.py"), TASKS[loss], str(path)]
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, **limits}
        )
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return {**answer, "peer": f"dro {answer['version']}"}


def _conic(loss: str, X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    import cvxpy as cp

    n, d = X.shape
    b, c = cp.Variable(d), cp.Variable()
    m = X @ b + c
    mean = {
        "logistic": lambda: cp.sum(cp.logistic(-cp.multiply(y, m))) / n,
        "hinge": lambda: cp.sum(cp.pos(1 - cp.multiply(y, m))) / n,
        "lad": lambda: cp.sum(cp.abs(y - m)) / n,
        "ols": lambda: cp.norm(y - m) / np.sqrt(n),
    }[loss]()
    program = cp.Problem(cp.Minimize(mean + RADIUS * cp.norm(b)))
    spent = spend(lambda: program.solve(solver="CLARABEL"))
    return {
        "seconds": spent.seconds,
        "cpu_seconds": spent.cpu_seconds,
        "slopes": b.value.tolist(),
        "intercept": float(c.value),
        "peer": f"cvxpy {cp.__version__}",
    }


def peers(python: str | None, n: int, d: int, repeats: int) -> list[dict[str, Any]]:
    """One row per loss; the objective of the peer's slopes is evaluated by the same exact formula as ours."""
    table = []
    for loss in TASKS:
        X, y = problem(loss, n, d)
        estimator(loss).fit(X[:100], y[:100])  # imports are done before a clock starts
        spent = [spend(lambda loss=loss, X=X, y=y: estimator(loss).fit(X, y)) for _ in range(repeats)]
        model = spent[0].answer
        other = peer_fit(python, loss, X, y)
        theirs = estimator(loss).fit(X, y)
        shape = model.coef_.shape
        theirs.coef_, theirs.intercept_ = np.reshape(other["slopes"], shape), other["intercept"]
        seconds = statistics.median(each.cpu_seconds for each in spent)
        table.append(
            {
                "loss": loss,
                "n": n,
                "d": d,
                "seconds": seconds,
                "gap": model.duality_gap_ / model.objective_,
                "peer": other["peer"],
                "peer_seconds": other["cpu_seconds"],
                "ratio": other["cpu_seconds"] / seconds,
                "slopes_apart": float(np.abs(model.coef_ - theirs.coef_).max()),
                "peer_excess": theirs.worst_case_risk(X, y) / model.objective_ - 1.0,
            }
        )
        assert model.duality_gap_ <= 1e-8 * model.objective_
    return table


def rows(sizes: Sequence[int], d: int, repeats: int) -> list[dict[str, Any]]:
    """Seconds of the logistic fit by the number of rows, and the ratio to the fewest."""
    table: list[dict[str, Any]] = []
    for n in sizes:
        X, y = problem("logistic", n, d)
        times = repeats if n <= 100_000 else 1
        spent = [spend(lambda X=X, y=y: estimator("logistic").fit(X, y)) for _ in range(times)]
        seconds = statistics.median(each.cpu_seconds for each in spent)
        model = spent[0].answer
        assert model.duality_gap_ <= 1e-8 * model.objective_
        first = table[0]["seconds"] if table else seconds
        table.append({"n": n, "d": d, "seconds": seconds, "ratio": seconds / first, "steps": model.n_iter_})
    return table


_PEERS = (
    Column("loss", "loss"),
    Column("n", "n"),
    Column("d", "d"),
    Column("s", "seconds", ".3f"),
    Column("certified gap", "gap", ".1e"),
    Column("peer", "peer"),
    Column("peer s", "peer_seconds", ".2f"),
    Column("times faster", "ratio", ".0f"),
    Column("slopes apart", "slopes_apart", ".1e"),
    Column("peer's excess", "peer_excess", ".1e"),
)
_ROWS = (
    Column("n", "n"),
    Column("d", "d"),
    Column("s", "seconds", ".3f"),
    Column("ratio", "ratio", ".1f"),
    Column("steps on all rows", "steps"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables and write them."""
    parser = argparse.ArgumentParser(prog="benchmarks.wasserstein_estimators", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("all", "peers", "rows"), default="all")
    parser.add_argument("--peer-python", help="Python of an environment with the package dro")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--output", type=Path, default=Path("results"))
    parser.add_argument("--update-readme", action="store_true", help="put the tables into README.md")
    options = parser.parse_args(arguments)
    one_thread()
    tables = []
    if options.part in ("all", "peers"):
        found = peers(options.peer_python, 300 if options.quick else 10_000, 20, options.repeats)
        tables.append(Table("wasserstein-estimators-peers", _PEERS, found))
    if options.part in ("all", "rows"):
        sizes = (1_000, 2_000) if options.quick else (10_000, 100_000, 1_000_000)
        tables.append(Table("wasserstein-estimators-rows", _ROWS, rows(sizes, 50, options.repeats)))
    for table in tables:
        print(table.markdown(), "\n")
    write_json(options.output, tables, {key: str(value) for key, value in vars(options).items()})
    if options.update_readme:
        update_readme(HERE / "README.md", tables)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
