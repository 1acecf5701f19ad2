"""What the answers of `riskstats worst-case` share: sizes of balls, curves, sampling error, rows."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from riskstats.cli import _losses as losses
from riskstats.exceptions import InvalidInput
from riskstats.results import as_percent, plain
from riskstats.wasserstein.inference import ConfidenceBounds
from riskstats.wasserstein.result import WorstCase, worded
from riskstats.wasserstein.sensitivity import Question, SensitivityCurve, sensitivity_curve

__all__ = [
    "HEAD",
    "Row",
    "case_content",
    "curve_of",
    "curve_rows",
    "curve_table",
    "row_of",
    "sampling",
    "sizes_of",
]

HEAD = ("quantity", "point", "total_radius", "side", "value", "status")

Row = tuple[str, str, float, str, Any, str]


def sizes_of(args: argparse.Namespace, d: int) -> list[dict[str, float]]:
    """The radius or budget of each ball, with the order."""
    name, given = ("radius", args.radius) if args.radius is not None else ("budget", args.budget)
    if len(given) not in (1, d):
        what = "one number" if d == 1 else f"one number for all, or {d}"
        raise InvalidInput(f"`{name}` must be {what}; got {len(given)}.")
    return [{name: value, "order": args.order} for value in (given * d if len(given) == 1 else given)]


def curve_of(args: argparse.Namespace, ask: Callable[[Any], Any], model: Any) -> SensitivityCurve | None:
    """The answer at every radius of --radii, None without it."""
    return None if args.radii is None else sensitivity_curve(Question(ask, model), args.radii)


def sampling(limits: ConfidenceBounds, what: str) -> str:
    """The limits of one pair of bounds in a line; apart from model risk."""
    return (
        f"  sampling error    {as_percent(limits.confidence_level)} limits of {what}: "
        f"{limits.lower_limit[0]:.6g} to {limits.upper_limit[0]:.6g} ({limits.method})"
    )


def curve_table(curve: SensitivityCurve) -> str:
    """Every radius of the curve, with the change of the value for a unit of radius."""
    title = {"lower": "smallest", "upper": "largest"}
    head = ["total radius", *(cell for side in curve.sides for cell in (title[side], "per unit"))]
    columns = [(curve.side(side), curve.slopes(side)) for side in curve.sides]
    rows = [
        [
            f"{radius:.6g}",
            *(cell for cases, slopes in columns for cell in (_shown(cases[k]), _slope(slopes[k]))),
        ]
        for k, radius in enumerate(curve.radii)
    ]
    table = losses.aligned(head, rows)
    return "\n".join([f"{curve.question} as the radius grows", *(f"  {line}" for line in table.splitlines())])


def _shown(case: WorstCase) -> str:
    value = worded(case.value, case.status)
    return value if isinstance(value, str) else f"{case.value:.6g}"


def _slope(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"


def case_content(case: WorstCase) -> dict[str, Any]:
    """A worst case as JSON; its law, which may have as many rows as the file, by its size and costs."""
    content = replace(case, worst_case_distribution=None).to_dict()
    law = case.worst_case_distribution
    content["worst_case_distribution"] = (
        None if law is None else {"atoms": len(law), "costs": plain(law.costs)}
    )
    return content


def row_of(case: WorstCase) -> Row:
    """A worst case as a row of the table."""
    total = float(sum(case.radius))
    return case.question, "", total, case.direction, worded(case.value, case.status), case.status.value


def curve_rows(curve: SensitivityCurve | None) -> Iterator[Row]:
    """Every side of a curve as rows; none where there is no curve."""
    if curve is not None:
        for side in curve.sides:
            yield from map(row_of, curve.side(side))
