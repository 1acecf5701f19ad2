"""`riskstats demo`: the whole job on real data: a table, a card, its proof, and its quality on new rows."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstats.cli import _parser as kinds
from riskstats.cli._output import STDOUT, write_text
from riskstats.cli._running import DONE
from riskstats.cli.card import show
from riskstats.cli.fit import described, fit_card, proof_beside

if TYPE_CHECKING:
    from riskstats.datasets import Dataset
    from riskstats.scores.estimator import RiskScoreClassifier
    from riskstats.scores.scorecard import ScoreCard

HELP = "learn, prove and judge a card on real data"
DESCRIPTION = """\
Learn a score for breast cancer from measurements of cell nuclei (569 tumours, bundled with scikit-learn):
split the rows, fit a card on one part, prove that no better card exists, and judge it on the part that it
never saw. Takes less than half a minute."""
EPILOG = """\
example:
  riskstats demo --output my-first-card"""

_TEST_SHARE = 0.3
_LINES = 5
_BINS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add = parser.add_argument
    add(
        "--output",
        default="riskstats-demo",
        metavar="DIR",
        help="folder for the files (default riskstats-demo)",
    )
    add(
        "--time-limit",
        type=kinds.amount,
        default=15.0,
        metavar="S",
        help="seconds for the search (default 15)",
    )
    add("--seed", type=kinds.whole(0), default=0, metavar="N", help="seed of the split (default 0)")
    add("--quiet", action="store_true", help="no progress, no warnings")


def run(args: argparse.Namespace) -> int:
    """Run the demo."""
    from riskstats.datasets import load_breast_cancer

    folder = _folder(args.output)
    every = load_breast_cancer()
    data = every.select([name for name in every.X.names if name.startswith("mean ")])
    train, test = data.split(_TEST_SHARE, random_state=args.seed)
    _say(_opening(data, train, test))
    model = _model(args)
    card = fit_card(model, train)
    _say(described(card))
    _say(_on_new_rows(card, train, test))
    _save(folder, model, card, train, test)
    _say(_closing(folder, train.target))
    return DONE


def _folder(name: str) -> Path:
    folder = Path(name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _model(args: argparse.Namespace) -> RiskScoreClassifier:
    from riskstats.scores.binning import Binning
    from riskstats.scores.estimator import RiskScoreClassifier

    return RiskScoreClassifier(
        max_features=_LINES,
        binning=Binning(max_bins=_BINS, method="tree"),
        time_limit=args.time_limit,
        verbose=not args.quiet,
        random_state=args.seed,
    )


def _opening(data: Dataset, train: Dataset, test: Dataset) -> str:
    return (
        f"The data: {data.n_rows} breast tumours, {int(data.y.sum())} of them malignant, with "
        f"{len(data.X.names)} measurements each (means over the cell nuclei in a picture).\n"
        f"The job: a card of at most {_LINES} yes-or-no questions with whole points that gives the risk of "
        f"{data.outcome},\nand a proof of how close it is to the best such card. "
        f"Each measurement is cut into at most {_BINS} ranges.\n"
        f"Learning from {train.n_rows} rows; {test.n_rows} rows are kept aside to judge the card."
    )


def _on_new_rows(card: ScoreCard, train: Dataset, test: Dataset) -> str:
    from riskstats.scores.evaluation import evaluate

    risk = card.predict_proba(test.X)[:, 1]
    found = evaluate(test.y, risk, base_rate=float(train.y.mean()))
    return (
        f"On the {test.n_rows} rows that the card never saw:\n"
        "AUC: how often a malignant tumour scores above a benign one. Table: does the risk come true?\n"
        f"{_indented(found.summary())}"
    )


def _save(folder: Path, model: RiskScoreClassifier, card: ScoreCard, train: Dataset, test: Dataset) -> None:
    card_path = folder / "card.json"
    proof_path = proof_beside(card_path)
    if model.proof_ is not None and proof_path is not None:
        model.proof_.save(proof_path)
    show(card, "json", card_path)
    show(card, "html", folder / "card.html")
    show(card, "png", folder / "card.png")
    write_rows(folder / "train.csv", *_with_outcome(train))
    write_rows(folder / "test.csv", *_with_outcome(test))
    write_rows(folder / "scores.csv", ["row", "score", "risk", test.target], _scored(card, test))


def _with_outcome(data: Dataset) -> tuple[list[str], list[list[Any]]]:
    columns = [column.tolist() for column in data.X.columns]
    return [*data.X.names, data.target], [list(row) for row in zip(*columns, data.labels, strict=True)]


def _scored(card: ScoreCard, test: Dataset) -> list[list[Any]]:
    total = card.predict_score(test.X)
    places = range(test.n_rows) if test.row is None else test.row.tolist()
    return [
        list(row) for row in zip(places, total.tolist(), card.risk(total).tolist(), test.labels, strict=True)
    ]


def write_rows(path: Path, names: list[str], rows: list[list[Any]]) -> None:
    """Write a CSV whose numbers read back exactly."""
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    write_text(buffer.getvalue(), path)


def _closing(folder: Path, target: str) -> str:
    at = {
        name: shlex.quote(str(folder / name)) for name in ("card.json", "train.csv", "test.csv", "card.html")
    }
    return f"""\
Files in {folder}:
  card.json, card.proof.npz  the card and the proof that no other card is better by more than the stated gap
  card.html, card.png        the card to read and to put on a wall
  scores.csv                 the rows kept aside: score, risk and what was true
  train.csv, test.csv        the two parts of the data
Try next:
  riskstats verify {at["card.json"]} {at["train.csv"]} --target {target}
  riskstats score {at["card.json"]} {at["test.csv"]} | head
  riskstats card {at["card.json"]} --format markdown
  riskstats fit your.csv --target your_column -o your_card.json"""


def _say(text: str) -> None:
    write_text(text.rstrip("\n") + "\n\n", STDOUT)
    sys.stdout.flush()


def _indented(text: str) -> str:
    return "\n".join("  " + line for line in text.splitlines())
