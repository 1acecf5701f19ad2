"""Decision thresholds with a guarantee: a limit on missed tumours, and a limit on the worst costs.

Run it with: python examples/certified_thresholds.py
Breast cancer data of scikit-learn. The limits are examples; in use, write yours down before you look. Each of
the two guarantees is 95 % sure, and both together 90 %.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from riskstats import CVaR, Infeasible, RiskController
from riskstats.bounds import fixed_sequence

COSTS = {"false_negative": 5, "false_positive": 1}  # a miss is as bad as five false alarms
THRESHOLDS = np.arange(1, 20) / 20


def tumours() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows to learn and certify on, rows never used, and their labels; the risk is that of "malignant"."""
    X, y = load_breast_cancer(return_X_y=True)
    return tuple(train_test_split(X, np.where(y == 0, "malignant", "benign"), test_size=0.3, random_state=0))


def by_recall(limit: float) -> RiskController:
    """At most `limit` of the tumours missed, as few false alarms as that allows.

    A higher threshold misses more. So the thresholds are tested from low to high, each at the full error,
    until one fails: an order that is known without the data.
    """
    return RiskController(
        make_pipeline(StandardScaler(), LogisticRegression()),
        loss="false_negative",
        risk_limit=limit,
        thresholds=THRESHOLDS,
        procedure=fixed_sequence(order=range(len(THRESHOLDS))),
        random_state=0,
    )


def by_cost(limit: float) -> RiskController:
    """Mean cost of the most costly fifth of the patients at most `limit`, with as few errors as possible."""
    return RiskController(
        make_pipeline(StandardScaler(), LogisticRegression()),
        loss=COSTS,
        measure=CVaR(0.8),
        risk_limit=limit,
        thresholds=np.arange(1, 10) / 10,
        random_state=0,
    )


def judge(model: RiskController, X: np.ndarray, y: np.ndarray) -> None:
    """Errors and costs on rows that had no part in learning, certifying or selecting."""
    called, ill = model.predict(X) == "malignant", y == "malignant"
    missed, alarms = ill & ~called, called & ~ill
    cost = COSTS["false_negative"] * missed + COSTS["false_positive"] * alarms
    print(f"On {len(y)} rows never used: {missed.sum()} of {ill.sum()} tumours missed,", end=" ")
    print(f"{alarms.sum()} false alarms among {(~ill).sum()} others,", end=" ")
    print(f"mean cost of the worst fifth {CVaR(0.8)(cost):.2f}.\n")


def main() -> None:
    X, X_new, y, y_new = tumours()
    for question, model in (
        ("Miss at most 10 % of the tumours", by_recall(0.1)),
        ("Mean cost of the worst fifth at most 2.5", by_cost(2.5)),
    ):
        model.fit(X, y)
        print(f"{question}: malignant where the probability is above {model.threshold_:g}.")
        print(model.certified_set_.summary())
        judge(model, X_new, y_new)

    print("A limit that so few tumours cannot show to be kept:")
    try:
        by_recall(0.05).fit(X, y).predict(X_new)
    except Infeasible as error:
        print(" ", error)


if __name__ == "__main__":
    main()
