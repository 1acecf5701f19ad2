"""What a card says, in words and numbers, shared by every rendering."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from riskstats.scores.risk_table import RiskBand, RiskTable
from riskstats.scores.rules import AtLeast, Rule, Value, number_text

if TYPE_CHECKING:
    from riskstats.scores.scorecard import ScoreCard

__all__ = [
    "PointLine",
    "bands",
    "certificate_line",
    "clean",
    "count",
    "formula",
    "gap_percent",
    "level",
    "notes",
    "percent",
    "point_lines",
    "pool_note",
    "proof",
    "size",
    "title",
    "total_text",
]

MOST_TOTALS = 25  # more distinct totals than this are pooled into ranges
POOLED_LINES = 18
NAMED_UNSEEN = 4


@dataclass(frozen=True)
class PointLine:
    """One printed line of points: +2 for a rule that holds, or points per unit of a counted column."""

    label: str
    points: int
    unit: str | None

    @property
    def text(self) -> str:
        """The points in full: ``+2`` or ``x 3 points per unit``."""
        if self.unit is None:
            return f"{self.points:+d}"
        noun = "point" if abs(self.points) == 1 else "points"
        return f"x {self.points} {noun} per {self.unit}"

    @property
    def short(self) -> str:
        """The points where room is scarce: ``+2`` or ``+3 per unit``."""
        return f"{self.points:+d}" + (f" per {self.unit}" if self.unit else "")


def point_lines(card: ScoreCard) -> tuple[PointLine, ...]:
    """Return the lines to print: columns by their highest points; rules of one column stay together."""
    by_column: dict[str, list[tuple[Rule, int]]] = {}
    for rule, points in card.lines:
        by_column.setdefault(rule.column, []).append((rule, points))
    groups = sorted(by_column.values(), key=lambda group: -max(points for _, points in group))
    return tuple(
        PointLine(clean(rule.label), points, _unit(card, rule)) for group in groups for rule, points in group
    )


def _unit(card: ScoreCard, rule: Rule) -> str | None:
    """Return the unit that a column is counted in; None for what holds or not, as a column of 0 and 1."""
    if not isinstance(rule, Value):
        return None
    low, high = card.coding(rule.column).value_range or (0.0, math.inf)
    yes_or_no = card.whole and low >= 0 and high <= 1 and not rule.unit
    return None if yes_or_no else clean(rule.unit) or "unit"


def clean(text: str) -> str:
    """Return `text` on one line: line breaks and tabs become spaces, other control characters a mark."""
    spaced = " ".join(str(text).split()) if any(char in "\n\r\t\v\f" for char in str(text)) else str(text)
    return "".join(
        char if char.isprintable() or char == " " else "\N{REPLACEMENT CHARACTER}" for char in spaced
    )


def title(card: ScoreCard) -> str:
    """Return what the risk is about."""
    return f"Risk of {clean(card.outcome)}"


def size(card: ScoreCard) -> str:
    """Return how much of the table the card reads, such as "5 of 36 features"."""
    used, lines = len(card.columns), len(card.lines)
    return f"{used} of {plural(len(card.input_names), 'feature')}" + (
        f" in {plural(lines, 'line')}" if lines > used else ""
    )


def plural(number: int, noun: str) -> str:
    """Return "1 line" or "2 lines"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def formula(card: ScoreCard) -> str:
    """Return the risk as a formula in the total, with the numbers of this card (multiplier to 6 digits)."""
    lift = card.intercept
    scaled = card.multiplier != 1.0
    inner = "-total" if lift == 0 else f"{-lift} - total"
    inner = f"({inner}) / {card.multiplier:.6g}" if scaled and lift != 0 else inner
    inner = f"{inner} / {card.multiplier:.6g}" if scaled and lift == 0 else inner
    return f"risk = 1 / (1 + exp({inner}))"


def proof(card: ScoreCard) -> str:
    """Return how good the card is known to be, in a few words."""
    certificate: Any = card.certificate
    if certificate is None:
        return "no certificate"
    if certificate.status == "OPTIMAL":
        return "optimal by the solver's bound" if certificate.kind == "solver bound" else "proven optimal"
    gap = float(certificate.gap)
    if not math.isfinite(gap) or certificate.kind == "none":
        return "found by search, nothing proven"
    return f"within {gap_percent(gap)} of the best possible"


def gap_percent(gap: float) -> str:
    """Return a relative gap in percent, never rounded to 0 unless it is."""
    digits = 1 if gap >= 0.001 else 2
    share = math.ceil(gap * 100 * 10**digits - 1e-9) / 10**digits
    return f"{share:.{digits}f} %" if gap else "0 %"


def certificate_line(card: ScoreCard) -> str:
    """Return objective, bound and gap in one line; empty without a certificate."""
    certificate: Any = card.certificate
    if certificate is None:
        return ""
    bound = float(certificate.lower_bound)
    known = (
        f"lower bound {bound:.6f}, gap {gap_percent(float(certificate.gap))}"
        if math.isfinite(bound) and certificate.kind != "none"
        else "no lower bound"
    )
    return f"objective {float(certificate.objective):.6f}, {known}"


def bands(card: ScoreCard) -> tuple[RiskBand, ...]:
    """Return the lines of the risk table to print; many totals are pooled into ranges."""
    table = card.table
    if table is None:
        return ()
    return table.bands(POOLED_LINES if len(table) > MOST_TOTALS else None)


def total_text(band: RiskBand, joint: str = "..") -> str:
    """Return the total of a band, or its range such as ``-12..-9``."""
    first = number_text(round(band.first, 6))
    return f"{first}{joint}{number_text(round(band.last, 6))}" if band.pooled else first


def percent(share: float) -> str:
    """Return a share in percent with one decimal; a share that is not 0 or 1 is never printed as such."""
    if 0 < share < 0.0005:
        return "<0.1"
    if 0.9995 <= share < 1:
        return ">99.9"
    return f"{100 * share:.1f}"


def count(number: float) -> str:
    """Return rows, or a sum of weights: a whole number, or three or more significant digits."""
    if number == round(number) or number >= 1000:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.3g}"


def level(confidence_level: float) -> str:
    """Return a confidence level such as "95 %"."""
    return f"{100 * confidence_level:.6g} %"


def notes(card: ScoreCard) -> tuple[str, ...]:
    """Return what belongs under the card: class of the risk, data, ranges, rows at 1/2, unseen totals."""
    found = [_class_note(card), _sum_note(card), _weights_note(card), *_data_notes(card)]
    found += [_half_note(card), _unseen_note(card), _range_note(card)]
    return tuple(note for note in found if note)


def _class_note(card: ScoreCard) -> str:
    negative, positive = (clean(repr(label)) for label in card.classes)
    above = f"predict says {positive} above total {-card.intercept}, else {negative}"
    return f"The risk is that of class {positive}; {above}."


def _sum_note(card: ScoreCard) -> str:
    thresholds = [rule.column for rule, _ in card.lines if isinstance(rule, AtLeast)]
    return "Lines about one column add up." if len(set(thresholds)) < len(thresholds) else ""


def _weights_note(card: ScoreCard) -> str:
    parameters = card.provenance.get("parameters", {})
    if not isinstance(parameters, Mapping) or parameters.get("class_weight") is None:
        return ""
    return "Fitted with class weights: the risk is that of a population so weighted, not of these rows."


def _data_notes(card: ScoreCard) -> list[str]:
    table = card.table
    if table is None:
        return ["No risk table: nothing is recorded about observed rates."]
    rows, events = count(float(table.n.sum())), count(float(table.events.sum()))
    about = f"Table: {clean(table.data)}, n = {rows}, {events} of them {clean(card.outcome)}"
    found = [f"{about}; exact {level(table.confidence_level)} intervals (Clopper-Pearson)."]
    if table.weighted:
        found.append(
            f"n and observed are weighted; the intervals are about the {table.n_rows:,} rows themselves."
        )
    if len(table) > MOST_TOTALS:
        found.append(pool_note(table))
    return found


def pool_note(table: RiskTable) -> str:
    """Return what a table of pooled totals shows."""
    pooled = f"The {len(table)} totals are pooled into ranges"
    return f"{pooled}; risk is the mean over their rows, the formula is exact."


def _half_note(card: ScoreCard) -> str:
    if card.table is None:
        return ""
    tie = -card.intercept
    band = card.table.at(tie)
    if band is None:
        return f"No row sits exactly at risk 1/2 (total {tie})."
    share = percent(band.n / float(card.table.n.sum()))
    verb = "row ({} %) sits" if band.n == 1 else "rows ({} %) sit"
    where = f"{count(band.n)} {verb.format(share)} exactly at risk 1/2, total {tie}"
    return f"{where}: predicted {clean(repr(card.classes[0]))}."


def _unseen_note(card: ScoreCard) -> str:
    possible = None if card.table is None else card.possible_totals()
    if card.table is None or possible is None:
        return ""
    seen = set(card.table.total.tolist())
    unseen = [total for total in possible.tolist() if total not in seen]
    if not unseen:
        return ""
    if len(unseen) > NAMED_UNSEEN:
        where = f"{len(unseen)} possible totals between {unseen[0]} and {unseen[-1]}"
        return f"{where} have no row; the formula gives their risk."
    return "Possible, but without a row: " + _listed(card, unseen) + "."


def _range_note(card: ScoreCard) -> str:
    certificate: Any = card.certificate
    low, high = (getattr(certificate, "problem", None) or {}).get("multiplier_range", (0.0, 0.0))
    ends = [end for end in (low, high) if low < high and math.isclose(card.multiplier, end, rel_tol=1e-9)]
    if not ends:
        return ""
    return f"The multiplier is at the end of its range ({low:g} to {high:g}): a wider range may fit better."


def _listed(card: ScoreCard, totals: Sequence[int]) -> str:
    return ", ".join(f"total {total} (risk {percent(float(card.risk(total)))} %)" for total in totals)
