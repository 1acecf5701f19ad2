"""Numbers with units, categories, a special code and missing values, in fit, on the card and in scoring.

Run it with: python examples/binning_and_missing_values.py
The table is drawn at random, with a seed; `visits` holds the true effects.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstats import Binning, InvalidInput, RiskScoreClassifier

DECLINED = -9


def visits(n: int, seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """Visits to an emergency room and whether the person came back within 30 days."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 95, n).astype(float)
    sugar = rng.normal(110, 30, n).round()
    earlier = rng.integers(0, 5, n).astype(float)
    arrival = rng.choice(["walked in", "ambulance", "referred", "transferred"], n, p=[0.6, 0.25, 0.12, 0.03])
    logit = -3.4 + 0.9 * (age >= 65) + 0.7 * (sugar >= 130) + 0.4 * earlier + 1.1 * (arrival == "ambulance")
    unknown, declined = rng.random(n) < 0.15, rng.random(n) < 0.1
    logit += 0.8 * unknown
    came_back = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "yes", "no")
    sugar[unknown], earlier[declined] = np.nan, DECLINED
    return {"age": age, "sugar": sugar, "earlier visits": earlier, "arrival": arrival}, came_back


def main() -> None:
    X, y = visits(1500, seed=4)
    binning = Binning(
        max_bins=3,
        edges={"age": [40, 65]},  # the clinic's own age groups; the other edges come from the data
        units={"age": "years", "sugar": "mg/dL"},
        special_values={"earlier visits": [DECLINED]},
    )
    model = RiskScoreClassifier(max_features=5, binning=binning, sign={"age": 1, "sugar": 1})
    card = model.fit(X, y).scorecard_
    print("What a line of the card can be:", "; ".join(model.features_), "\n")
    print(card)
    print(model.certificate_.summary(), "\n")

    new = {
        "age": [70, 30, 52],
        "sugar": [None, 150, 100],
        "earlier visits": [2, DECLINED, 0],
        "arrival": ["ambulance", "walked in", "helicopter"],
    }
    print("New rows. A missing sugar, a declined answer and a new way to arrive have their own places:")
    risks = card.predict_proba(new)[:, 1]
    for total, risk, points in zip(card.predict_score(new), risks, card.contributions(new), strict=True):
        why = [f"{rule.label}: {gain:+d}" for (rule, _), gain in zip(card.lines, points, strict=True) if gain]
        print(f"  total {total}, risk {risk:.0%} ({'; '.join(why) or 'no points'})")

    print("\nNo row of the training table misses the age, so a row without it is refused:")
    try:
        card.predict_score({**new, "age": [70, None, 52]})
    except InvalidInput as error:
        print(" ", error)


if __name__ == "__main__":
    main()
