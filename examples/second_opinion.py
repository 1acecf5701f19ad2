"""Whose decision hangs on the model that was picked: a list for a second opinion.

A model is fitted on some tumours and asked about new ones. Those that models of nearly the same quality
decide either way go on a list, with what two of these models say; all others are decided.

Run it with: python examples/second_opinion.py [FILE]
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from riskstats import RashomonSet
from riskstats.datasets import load_breast_cancer
from riskstats.multiplicity import MultiplicityReport


def write_list(report: MultiplicityReport, ids: np.ndarray, path: Path) -> None:
    """One line for each patient whose decision is open, the widest range first."""
    rows = report.abstain.rows
    widest = rows[np.argsort(-report.prediction_range.width[rows])]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["patient", "baseline", "one model", "another model"])
        for row in widest.tolist():
            pair = report.abstain.witnesses(row)
            told = (pair["baseline"], pair["lower"]["prediction"], pair["upper"]["prediction"])
            table.writerow([int(ids[row]), *(f"{each:.3f}" for each in told)])
    print(f"Saved in {path}, widest first:")
    print("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:4]))


def errors(wrong: np.ndarray, rows: np.ndarray) -> str:
    """How often the best model is wrong on some rows."""
    return f"{wrong[rows].sum()} errors in {rows.sum()}"


def main(path: Path) -> None:
    train, new = load_breast_cancer().split(0.3, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0))
    near = RashomonSet(model, epsilon=0.01).fit(train.X.values(), train.y)
    report = near.report(new.X.values(), deviations=(0.1, 0.3), time_limit=5)
    print(report.summary(), "\n")

    write_list(report, new.row, path)

    open_decision = np.zeros(new.n_rows, dtype=bool)
    open_decision[report.abstain.rows] = True
    wrong = near.predict(new.X.values()) != new.y
    print(f"Decided alike by all models near the best: {errors(wrong, ~open_decision)}")
    print(f"For a second opinion: {errors(wrong, open_decision)}")

    signs = near.coefficient_range()
    either = (signs.lower[1:] < 0) & (signs.upper[1:] > 0)
    print(f"Coefficients whose sign hangs on the model: {either.sum()} of {len(either)}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "second-opinion.csv"))
