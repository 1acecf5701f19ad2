"""Score cards for the tests of their file and their renderings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from riskstats.scores.coding import ColumnCoding
from riskstats.scores.rules import AtLeast, Equals, Missing, Other, Value
from riskstats.scores.scorecard import ScoreCard


@dataclass(frozen=True)
class Claim:
    """What a rendering reads of a certificate."""

    objective: float = 0.512345
    lower_bound: float = 0.5
    gap: float = 0.0241
    status: str = "TIME_LIMIT"
    kind: str = "proof"

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def mixed_card(**changes: Any) -> ScoreCard:
    """Age in bins with missing values, a job with other categories, a count, and a yes-or-no column."""
    age = (AtLeast("age", 45.0, "years"), AtLeast("age", 60.0, "years"), Missing("age"))
    job = (Equals("job", "clerk"), Other("job", ("clerk", "boss")))
    columns = (
        ColumnCoding("age", "numeric", age, unit="years", missing=True, value_range=(18.0, 90.0)),
        ColumnCoding("job", "categorical", job, categories=("clerk", "boss"), other=True),
        ColumnCoding("count", "numeric", (Value("count"),), value_range=(0.0, 4.0)),
        ColumnCoding("smoker", "numeric", (Value("smoker"),), value_range=(0.0, 1.0)),
    )
    lines = (
        (age[0], 2),
        (age[1], 1),
        (age[2], -1),
        (job[0], 3),
        (job[1], -2),
        (Value("count"), 1),
        (Value("smoker"), 2),
    )
    names = ("id", "age", "job", "count", "smoker")
    return replace(ScoreCard("died", (0, 1), lines, columns, names, -4, 1.7), **changes)


def mixed_rows(n: int = 60, seed: int = 0) -> dict[str, Any]:
    """Columns for `mixed_card`, with missing ages and unseen jobs."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n).astype(float)
    age[::7] = np.nan
    return {
        "count": rng.integers(0, 5, n),
        "job": rng.choice(["clerk", "boss", "pilot"], n).tolist(),
        "age": age,
        "smoker": rng.random(n) < 0.3,
        "when": np.full(n, "2020-01-01", dtype="datetime64[D]"),
    }


def by_hand(rows: dict[str, Any]) -> np.ndarray:
    """The total of `mixed_card`, one row at a time."""
    totals = []
    for age, job, count, smoker in zip(rows["age"], rows["job"], rows["count"], rows["smoker"], strict=True):
        points = -1 if np.isnan(age) else 2 * (age >= 45) + (age >= 60)
        totals.append(points + {"clerk": 3, "boss": 0}.get(job, -2) + count + 2 * smoker)
    return np.array(totals)


def with_table(card: ScoreCard, n: int = 300, seed: int = 0, **changes: Any) -> ScoreCard:
    """The card with the risk table of random rows."""
    rows = mixed_rows(n, seed)
    labels = np.random.default_rng(seed).random(n) < card.risk(card.predict_score(rows))
    y = np.where(labels, card.classes[1], card.classes[0])
    return replace(card, table=card.risk_table(rows, y, data="training rows"), **changes)


def counted_card(names: tuple[str, ...], high: int = 10, points: int = 1, rows: int = 500) -> ScoreCard:
    """A card of columns counted per unit, with its table: up to `high` times the number of columns totals."""
    rng = np.random.default_rng(len(names))
    columns = tuple(
        ColumnCoding(name, "numeric", (Value(name),), value_range=(0.0, float(high))) for name in names
    )
    lines = tuple((Value(name), points) for name in names)
    card = ScoreCard("y = 1", ("no", "yes"), lines, columns, names, -high * len(names) // 2, 3.5)
    table = {name: rng.integers(0, high + 1, rows) for name in names}
    y = np.where(rng.random(rows) < card.risk(card.predict_score(table)), "yes", "no")
    return replace(card, table=card.risk_table(table, y, data="training rows"))
