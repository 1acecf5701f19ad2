"""A certified risk score for breast cancer: fit, verify, judge on rows kept aside, save card and picture.

Run it with: python examples/breast_cancer_card.py [FOLDER]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from riskstats import Binning, RiskScoreClassifier, ScoreCard, verify_certificate
from riskstats.datasets import Dataset, load_breast_cancer
from riskstats.scores.evaluation import evaluate
from riskstats.scores.proof import Proof


def tumours() -> tuple[Dataset, Dataset]:
    """Training and test rows with the ten "worst" measurements of each tumour."""
    data = load_breast_cancer()
    worst = [name for name in data.X.names if name.startswith("worst ")]
    return data.select(worst).split(0.3, random_state=0)


def fit(train: Dataset) -> RiskScoreClassifier:
    """At most four lines, at most three ranges per measurement, the multiplier chosen with proof."""
    model = RiskScoreClassifier(max_features=4, binning=Binning(max_bins=3))
    return model.fit(train.X, train.labels)


def save(card: ScoreCard, proof: Proof, folder: Path) -> None:
    """The card to load, to read and to hang up, and its proof."""
    folder.mkdir(parents=True, exist_ok=True)
    card.save(folder / "card.json")
    proof.save(folder / "card.proof.npz")
    (folder / "card.html").write_text(card.html(), encoding="utf-8")
    card.plot().savefig(folder / "card.png", dpi=120)
    print("Saved in", folder, "-", ", ".join(sorted(path.name for path in folder.glob("card.*"))))


def main(folder: Path) -> None:
    train, test = tumours()
    model = fit(train)
    card = replace(model.scorecard_, outcome=train.outcome)  # says "diagnosis" in place of "y"
    print(card)
    print(model.certificate_.summary(), "\n")

    found = verify_certificate(card, train.X, train.labels, proof=model.proof_)
    print(f"Checked again without the solver: {found.verdict}, {len(found.checks)} checks, ok: {found.ok}\n")

    print(f"On {test.n_rows} rows that the card never saw:")
    risk = card.predict_proba(test.X)[:, 1]
    print(evaluate(test.y, risk, base_rate=float(train.y.mean())).summary(), "\n")

    save(card, model.proof_, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "breast-cancer-card"))
