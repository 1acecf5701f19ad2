"""Check a score card's certificate against its data and proof, without the search that made them.

Nothing is taken on trust but the data: the loss is added up again, the card is held against the problem that
the proof states, and the proof's tree is walked from the root (see `recheck_tree`). NumPy is enough for it.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from riskstats._validation import Table, as_table, non_negative_number, sample_weights
from riskstats.exceptions import CertificateError, InvalidInput
from riskstats.results import Result, Status, relative_gap
from riskstats.scores._types import FloatArray, IntArray
from riskstats.scores.card_rows import positive_rows, used_table
from riskstats.scores.coding import Coding
from riskstats.scores.compression import data_hash
from riskstats.scores.proof import Proof
from riskstats.scores.recheck import Recheck, recheck
from riskstats.scores.recheck_bounds import Sample
from riskstats.scores.recheck_tree import TOLERANCE, Check
from riskstats.scores.rules import Rule, Value
from riskstats.scores.scorecard import ScoreCard

__all__ = ["Verification", "verify_certificate"]

_SAME = 1e-12
_MARKS = {True: "ok", False: "FAILED", None: "not checked"}


@dataclass(frozen=True)
class Verification(Result):
    """The checks of a certificate, and the verdict.

    Attributes
    ----------
    verdict : "optimal", "gap 1.2 %" (proven up to this gap), "unproven" (nothing is false, nothing is proven)
        or "refuted".
    objective, loss : recomputed, in nats; the objective is NaN where no penalty is stated.
    lower_bound : verified for the objective of every card of the problem; `-inf` where nothing is proven.
    records : number of records in the proof.
    checks : (name, passed, detail) each; passed is None where there was nothing to check.
    seconds : time taken.
    """

    verdict: str
    objective: float
    loss: float
    lower_bound: float
    records: int
    checks: tuple[Check, ...]
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every claim was checked and holds."""
        return all(check.passed for check in self.checks)

    @property
    def gap(self) -> float:
        """Verified relative gap; `inf` where nothing is proven."""
        return math.inf if math.isnan(self.objective) else relative_gap(self.objective, self.lower_bound)

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, `ok` and `gap`; None stands for numbers that are not finite."""
        values = {**super().to_dict(), "ok": self.ok, "gap": self.gap}
        values["checks"] = [check._asdict() for check in self.checks]
        return {name: None if _not_finite(value) else value for name, value in values.items()}

    def summary(self) -> str:
        """The verdict, then one line per check."""
        bound = f"{self.lower_bound:.9f}" if math.isfinite(self.lower_bound) else "none"
        told = f"loss {self.loss:.9f}, objective {self.objective:.9f}, verified lower bound {bound}"
        lines = [f"  {_MARKS[check.passed]:<11}  {check.name}: {check.detail}" for check in self.checks]
        return "\n".join([f"Verdict: {self.verdict}", f"  {told}, {self.records} records", *lines])


def verify_certificate(
    card: ScoreCard | str | os.PathLike[str],
    X: Any,
    y: Any,
    sample_weight: Any = None,
    proof: Proof | str | os.PathLike[str] | None = None,
) -> Verification:
    """Check everything that the certificate of a card claims; see `Verification`.

    Parameters
    ----------
    card : the card, or the path of its file.
    X, y, sample_weight : the data the card was trained on, as given to `fit`. The order of rows does not
        matter, nor does a common factor of the weights.
    proof : the proof, or the path of its file. Without it the loss is still checked, optimality is not.

    Raises `CertificateError` if the data are not those of the certificate or a file is damaged, and
    `InvalidInput` for data that the card cannot read. A false claim does not raise: its check says so.

    The time is that of one gradient per record: rows x columns x records operations.
    """
    started = time.perf_counter()
    card = card if isinstance(card, ScoreCard) else ScoreCard.load(Path(card))
    if proof is not None and not isinstance(proof, Proof):
        proof = Proof.load(proof)
    case = _Case.read(card, X, y, sample_weight, proof)
    checks = case.identity_checks()
    found = case.recheck()
    checks += [*case.card_checks(found), *found.checks, case.bound_check(found)]
    return Verification(
        _verdict(found, checks),
        found.objective,
        found.loss,
        found.lower_bound,
        found.records,
        tuple(checks),
        time.perf_counter() - started,
    )


@dataclass(frozen=True)
class _Case:
    """A card with its data, coded and weighted, and what is claimed about it."""

    card: ScoreCard
    claim: Any
    proof: Proof | None
    header: Mapping[str, Any]
    rows: FloatArray | None
    coefficients: IntArray
    totals: FloatArray
    positive: FloatArray
    negative: FloatArray

    @classmethod
    def read(cls, card: ScoreCard, X: Any, y: Any, sample_weight: Any, proof: Proof | None) -> _Case:
        totals = np.asarray(card.predict_score(X), dtype=np.float64)
        is_positive = positive_rows(y, card.classes, len(totals))
        weight = sample_weights(sample_weight, len(totals))
        header = proof.header if proof is not None else getattr(card.certificate, "problem", None) or {}
        factors = _class_weights(header)
        positive, negative = (
            weight * is_positive * factors["positive"],
            weight * ~is_positive * factors["negative"],
        )
        if proof is None:
            rows, coefficients = _plain_columns(card, X), np.array([card.intercept])
        else:
            rows, rules = _coded(card, X, header)
            coefficients = _coefficients(card, rules)
        return cls(card, card.certificate, proof, header, rows, coefficients, totals, positive, negative)

    def identity_checks(self) -> list[Check]:
        """Data, problem and proof are those of the certificate; other data raise."""
        checks = [self._data_check()]
        if self.claim is None:
            told = "it has none; only the proof speaks for it"
            checks.append(Check("the card has a certificate", None, told))
        if self.proof is None or self.claim is None:
            return checks
        stated = getattr(self.claim, "problem", None) or {}
        other = [
            name for name in stated if name in self.header and _json(stated[name]) != _json(self.header[name])
        ]
        told = f"other {', '.join(sorted(other))}" if other else "the same problem"
        checks.append(Check("the proof is about the certificate's problem", not other, told))
        wanted = getattr(self.claim, "proof_hash", None)
        if wanted:
            found = self.proof.digest()
            checks.append(Check("the proof is the certificate's", found == wanted, f"hash {found[:12]}"))
        return checks

    def _data_check(self) -> Check:
        name = "the data are those of the certificate"
        wanted = {
            str(value)
            for value in (getattr(self.claim, "data_hash", None), self.header.get("data_hash"))
            if value
        }
        if not wanted or self.rows is None:
            return Check(
                name, None, "no hash to compare with" if not wanted else "the coding is in the proof"
            )
        weight = self.positive + self.negative
        total = weight[weight > 0].sum()  # shares as `fit` forms them, so that they round alike
        found = data_hash(self.rows, self.positive / total, self.negative / total)
        if wanted != {found} and self.proof is None:
            return Check(name, None, "other data, or coded as only the proof says")
        if wanted != {found}:
            raise CertificateError(
                f"The certificate was made for data {min(wanted - {found})[:12]}...; these are "
                f"{found[:12]}.... Nothing was verified. Pass the training data with their weights, and the "
                "proof of this card."
            )
        return Check(name, True, f"hash {found[:12]}, {len(self.totals)} rows")

    def recheck(self) -> Recheck:
        """Return what the proof shows; without one, the loss alone."""
        scale = 1.0 / self.card.multiplier
        if self.proof is not None and self.rows is not None:
            weights = self.positive, self.negative
            return recheck(self.header, self.proof.arrays, self.rows, *weights, self.coefficients, scale)
        loss = self._loss()
        penalty = self.header.get("penalty")
        objective = math.nan if penalty is None else loss + float(penalty) * len(self.card.lines)
        return Recheck(objective, loss, -math.inf, 0, ())

    def _loss(self) -> float:
        """Mean logistic loss of the card's own totals, row by row."""
        sample = Sample.of(self.totals[:, None], self.positive, self.negative)
        return sample.loss(np.array([self.card.intercept, 1]), 1.0 / self.card.multiplier)

    def card_checks(self, found: Recheck) -> list[Check]:
        """The card gives the totals of the coded columns, and its loss and objective are as claimed."""
        checks, loss = [], self._loss()
        if self.proof is not None and self.rows is not None:
            coded = self.rows @ self.coefficients[1:].astype(np.float64)
            off = float(np.abs(coded - self.totals).max(initial=0.0))
            limit = 1e-9 * (1.0 + float(np.abs(coded).max(initial=0.0)))
            told = f"they differ by {off:.3g}"
            checks.append(Check("the card gives the totals of the coded columns", off <= limit, told))
        size = float(np.abs(self.totals + self.card.intercept).mean()) / self.card.multiplier
        allowed = _SAME * (1.0 + size)
        checks.append(_equal("the loss is the card's own", loss, found.loss, allowed))
        for name in ("loss", "objective"):
            claimed, value = getattr(self.claim, name, None), getattr(found, name)
            if claimed is not None and not math.isnan(value):
                checks.append(_equal(f"the {name} is as claimed", float(claimed), value, allowed))
        return checks

    def bound_check(self, found: Recheck) -> Check:
        """The proof reaches the claimed lower bound; a claim of optimality needs the objective itself."""
        name = "the claimed lower bound is proven"
        claimed = float(getattr(self.claim, "lower_bound", -math.inf))
        optimal = getattr(self.claim, "status", None) == Status.OPTIMAL
        wanted = max(claimed, found.objective) if optimal else claimed
        if self.proof is None:
            return Check(name, None, "no proof was given")
        if wanted == -math.inf:
            return Check(name, None, f"none is claimed; the proof shows {found.lower_bound:.9f}")
        told = f"claimed {wanted:.9f}, verified {found.lower_bound:.9f}"
        return Check(name, found.lower_bound >= wanted - TOLERANCE, told)


def _verdict(found: Recheck, checks: list[Check]) -> str:
    if any(check.passed is False for check in checks):
        return "refuted"
    if not math.isfinite(found.lower_bound):
        return "unproven"
    if found.lower_bound >= found.objective - TOLERANCE:
        return "optimal"
    return f"gap {100 * relative_gap(found.objective, found.lower_bound):.2g} %"


def _not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _equal(name: str, claimed: float, found: float, allowed: float) -> Check:
    return Check(
        name, abs(claimed - found) <= allowed, f"{found:.12f}, difference {abs(claimed - found):.1e}"
    )


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _class_weights(header: Mapping[str, Any]) -> dict[str, float]:
    """Return the factor of each class that the problem states; 1 where it states none."""
    stated = header.get("class_weight") or {}
    if not isinstance(stated, Mapping) or not set(stated) <= {"negative", "positive"}:
        raise CertificateError(
            f"the proof's class_weight must name 'negative' and 'positive'; got {stated!r}."
        )
    return {
        side: non_negative_number(stated.get(side, 1.0), f"class_weight[{side!r}]")
        for side in ("negative", "positive")
    }


def _coded(card: ScoreCard, X: Any, header: Mapping[str, Any]) -> tuple[FloatArray, tuple[Rule, ...]]:
    """Return all coded columns of X with their rules; where no coding is stated, the columns as they are."""
    names = card.input_names
    if header.get("coding") is None:
        return used_table(X, names, names, card.named).values(), tuple(Value(name) for name in names)
    coding = Coding.from_dict(header["coding"])
    used = tuple(column for column in coding.columns if column.rules)
    if not used:
        return np.zeros((as_table(X).n_rows, 0)), ()
    read = used_table(X, [column.column for column in used], names, card.named)
    table = Table(
        tuple(column.column for column in used), read.columns
    )  # read by position, named as in training
    return Coding(used).transform(table), coding.rules


def _plain_columns(card: ScoreCard, X: Any) -> FloatArray | None:
    """Return the columns of X as they are, None where they are no numbers."""
    try:
        columns = used_table(X, card.input_names, card.input_names, card.named).values()
    except InvalidInput:
        return None
    return None if np.isnan(columns).any() else columns


def _coefficients(card: ScoreCard, rules: tuple[Rule, ...]) -> IntArray:
    """Return intercept and points of every coded column; `CertificateError` if a line is none of them."""
    place = {rule: number for number, rule in enumerate(rules, start=1)}
    coefficients = np.zeros(1 + len(rules), dtype=np.int64)
    coefficients[0] = card.intercept
    for rule, points in card.lines:
        if rule not in place:
            raise CertificateError(
                f"the card's line '{rule.label}' is not a column of the proof. Pass the card's own proof."
            )
        coefficients[place[rule]] += points
    return coefficients
