"""Score a CSV file in pieces through Python and through the command line: the totals are equal.

Run it with: python examples/batch_scoring.py [ROWS]
"""

import csv
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from riskstats import RiskScoreClassifier, ScoreCard
from riskstats.datasets import planted_scores

CHUNK = 5_000


def train(path: Path) -> ScoreCard:
    """A card learned from a small table of known truth, saved as a file."""
    data = planted_scores(1_000, 8, n_nonzero=3, levels=4, multiplier=2.0, random_state=0)
    card = RiskScoreClassifier(max_features=3).fit(data.X, data.y).scorecard_
    card.save(path)
    return card


def write_rows(path: Path, n_rows: int) -> None:
    """New rows with an identifier, which scoring passes on untouched."""
    rng = np.random.default_rng(1)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *(f"x{j}" for j in range(8))])
        writer.writerows([f"case-{i}", *rng.integers(0, 4, 8)] for i in range(n_rows))


def score_in_python(card: ScoreCard, path: Path) -> Iterator[np.ndarray]:
    """Totals, a chunk at a time, so that memory does not grow with the file."""
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        while chunk := list(islice(rows, CHUNK)):
            table = {name: [float(row[name]) for row in chunk] for name in card.input_names}
            yield card.predict_score(table)


def score_on_the_command_line(card: Path, rows: Path) -> list[dict[str, str]]:
    """The rows of a CSV with the columns `score` and `risk` added, from standard input to standard output."""
    command = [sys.executable, "-m", "riskstats", "score", str(card), "-"]
    with rows.open("rb") as file:
        done = subprocess.run(command, stdin=file, stdout=subprocess.PIPE, text=True, check=True)
    return list(csv.DictReader(done.stdout.splitlines()))


def main(n_rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        card, rows = Path(folder) / "card.json", Path(folder) / "new.csv"
        write_rows(rows, n_rows)
        in_python = np.concatenate(list(score_in_python(train(card), rows)))
        scored = score_on_the_command_line(card, rows)
    for row in scored[:3]:
        print(f"{row['id']}: total {row['score']}, risk {float(row['risk']):.3f}")

    equal = [int(row["score"]) for row in scored] == in_python.tolist()
    print(f"{len(scored)} rows on the command line, {len(in_python)} in Python; totals equal: {equal}")
    if not equal:
        raise SystemExit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
