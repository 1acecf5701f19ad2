"""Missingness as a count: which outcomes have no loss, for which model and which judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats.evaluations.factor import Factor
from riskstats.evaluations.table_columns import STATUSES
from riskstats.results import Result, frame

if TYPE_CHECKING:
    import pandas as pd

    from riskstats.evaluations.table import OutcomeTable

__all__ = ["Missingness", "missingness"]


@dataclass(frozen=True)
class Missingness(Result):
    """Counts of outcomes by status.

    Attributes
    ----------
    n : rows of the table.
    missing : rows without a loss (error or ungraded).
    by_status : {status: rows}.
    by_model, by_judge : {model or judge: {status: rows}}.
    warning : said first in a report where compared models lack different shares of their losses; else None.
    """

    n: int
    missing: int
    by_status: dict[str, int]
    by_model: dict[str, dict[str, int]]
    by_judge: dict[str, dict[str, int]]
    warning: str | None

    def counted(self) -> str:
        """The counts by status in words, such as "12 error, 3 ungraded"."""
        return ", ".join(f"{count} {status}" for status, count in self.by_status.items() if status != "ok")

    def summary(self) -> str:
        """The warning first, then a line per model and per judge."""
        first = [] if self.warning is None else [f"Warning: {self.warning}"]
        head = f"{self.missing} of {self.n} outcomes have no loss" + (
            f" ({self.counted()})" if self.counted() else ""
        )
        lines = [
            f"  {word} {name or '(none named)'}: {', '.join(f'{n} {status}' for status, n in counts.items())}"
            for word, known in (("model", self.by_model), ("judge", self.by_judge))
            for name, counts in known.items()
        ]
        return "\n".join([*first, head, *lines])

    def to_frame(self) -> pd.DataFrame:
        """A row per model and per judge with its counts."""
        rows: list[dict[str, Any]] = [
            {"of": word, "name": name, **{status: counts.get(status, 0) for status in STATUSES}}
            for word, known in (("model", self.by_model), ("judge", self.by_judge))
            for name, counts in known.items()
        ]
        return frame(rows)


def missingness(table: OutcomeTable) -> Missingness:
    """The counts of a table; a warning where models lack different shares of their losses."""
    status = table.factor("status")
    absent = np.isnan(table["loss"])
    return Missingness(
        n=len(table),
        missing=int(absent.sum()),
        by_status=_counts(status.codes, status.words),
        by_model=_by(table.factor("model"), status),
        by_judge=_by(table.factor("judge"), status),
        warning=_warning(table.factor("model"), absent),
    )


def _counts(codes: np.ndarray, words: tuple[str, ...]) -> dict[str, int]:
    found = dict(zip(words, np.bincount(codes, minlength=len(words)).tolist(), strict=True))
    return {word: found[word] for word in STATUSES if found.get(word)}


def _by(factor: Factor, status: Factor) -> dict[str, dict[str, int]]:
    return {
        word: _counts(status.codes[factor.codes == code], status.words)
        for code, word in enumerate(factor.words)
    }


def _warning(models: Factor, absent: np.ndarray) -> str | None:
    rows = np.bincount(models.codes)
    lost = np.bincount(models.codes, weights=absent)
    shares = lost / rows
    if len(shares) < 2 or shares.max() == shares.min():
        return None
    low, high = int(shares.argmin()), int(shares.argmax())
    return (
        f"unequal missingness: {models.words[high]} lacks {shares[high]:.3g} of its losses, "
        f"{models.words[low]} "
        f"{shares[low]:.3g}. A comparison that drops them compares different prompts: see missing='interval'."
    )
