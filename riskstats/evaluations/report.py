"""`evaluation_report`: an outcome table as the statement that is signed."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from riskstats import __version__
from riskstats._random import RandomState, seed
from riskstats._validation import choice, number, quoted, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats._validation import level as checked_level
from riskstats.evaluations.factor import Factor
from riskstats.evaluations.report_findings import findings_of, noted, pairs_of
from riskstats.evaluations.report_gates import (
    checked_requirements,
    gates_of,
    lines_of,
    reference_of,
    status_of,
)
from riskstats.evaluations.report_parts import Asked
from riskstats.evaluations.report_result import EvaluationReport, Findings, Gate, Origin
from riskstats.evaluations.report_rows import cells_of, in_order, labels_of
from riskstats.evaluations.table import MISSING, OutcomeTable
from riskstats.evaluations.taxonomy import Taxonomy
from riskstats.exceptions import InvalidInput
from riskstats.harm.grades import AILUMINATE_1_0, GradeScale
from riskstats.tail.models import named_limit
from riskstats.tail.pooling import POOLING_RULES
from riskstats.tail.provenance import input_hash
from riskstats.tail.repeats import ESTIMANDS

__all__ = ["PARTS", "evaluation_report"]

PARTS = ("rates", "comparisons", "judge", "tail", "contrast", "ordinal", "traces", "harm")
JUDGE = ("sensitivity", "specificity", "precision", "verified", "method")
HARM = ("levels", "severity_scale", "scale_id", "limit", "tail_limit", "side")
ALONE = "Every statement holds alone at the stated confidence, but for what is said to hold at once."


def evaluation_report(
    table: OutcomeTable,
    *,
    level: float = 0.95,
    confidence_level: float = 0.95,
    missing: Literal["raise", "drop", "interval"] = "raise",
    taxonomy: Taxonomy | None = None,
    category_level: int = 1,
    unmapped: Literal["raise", "keep"] = "raise",
    multiplicity: Literal["holm", "max-t"] | None = "holm",
    judge: Mapping[str, Any] | None = None,
    limit: Any = "bootstrap-t",
    estimand: str = "attempt",
    pooling: str = "rms",
    cost_map: Any = "linear",
    harm: Mapping[str, Any] | None = None,
    reference: Any = None,
    grade_scale: GradeScale = AILUMINATE_1_0,
    required_grade: str | None = None,
    zones: Any = None,
    required_zone: str | None = None,
    risk_limit: float | None = None,
    parts: Sequence[str] | None = None,
    resamples: int = 1999,
    random_state: RandomState = 0,
) -> EvaluationReport:
    """The whole report on a table of outcomes, the same for every order of its rows.

    In this order: what is missing; rates of every model in every outcome (a dimension, at a stage) and by
    category; all pairs of models on common prompts; rates behind the flags of judges; mean and CVaR; contrast
    pairs, levels, traces and expected harm where the table has their columns; grades and zones where a
    reference and lines are given; origin. A part that cannot be computed is listed with the reason.

    Parameters
    ----------
    table : the outcomes.
    level : share not in the tail, in [0, 1). confidence_level : of every statement.
    missing : "raise", "drop", or "interval": everything with missing losses at 0, and at 1.
    taxonomy, category_level, unmapped : which nodes categories are seen from; None takes their paths. An
        outcome with several categories counts in each.
    multiplicity : of pairs, as in `paired_comparison`; outcomes share the error (Bonferroni).
    judge : what is known of the judge: sensitivity, specificity, precision, verified, method of
        `judge_corrected_rate`. A column `human_label` is used without it.
    limit, estimand, pooling : of the tail, as in `profile_models`; estimand is of epochs.
    cost_map, harm : of `expected_harm`, with its further arguments.
    reference : of grades: models of the table, (unsafe, total) of another system, or several of these.
    grade_scale : the cuts. required_grade : a gate: no worse grade is reachable.
    zones : (yellow, red) of rates, fixed in advance, or {outcome: (yellow, red)}. required_zone : a gate,
        "green" or "yellow": no worse zone is reached by the upper limit.
    risk_limit : a gate: the upper limit of CVaR at `level` is at most this. With level=0 it is of the mean.
    parts : of `PARTS`, those to compute; None is all.
    resamples : of comparisons. random_state : of all draws; the integer that was used is in `origin.seed`.

    Raises
    ------
    InvalidInput : missing losses with `missing="raise"`; human labels on flagged answers only; a category in
        no root of the taxonomy; requirements without lines, reference or tail.
    IncompatibleBound : a required grade of answers that are not independent.
    """
    tail = (level, confidence_level, limit, estimand, pooling, risk_limit)
    asked = _asked(table, *tail, cost_map, harm, judge, resamples, random_state)
    checked_requirements(required_zone, required_grade, zones, reference)
    choice(missing, MISSING, "missing")
    if multiplicity is not None:
        choice(multiplicity, ("holm", "max-t"), "multiplicity")
    chosen = _chosen(parts)
    ordered = in_order(table)
    source = reference_of(reference, ordered.models)
    labels = (
        whole_number(category_level, "category_level", low=1),
        choice(unmapped, ("raise", "keep"), "unmapped"),
    )
    told: list[str] = []
    with noted(told):
        tables = ordered.imputations(missing)
        cells = {case: cells_of(each) for case, each in tables.items()}
        first = next(iter(cells.values()))
        lines = lines_of(zones, list(first))
        nodes = labels_of(next(iter(tables.values())), taxonomy, *labels)
        cases = {
            case: findings_of(
                each,
                cells[case],
                nodes,
                lines,
                source,
                grade_scale,
                required_grade is not None,
                chosen,
                asked,
                told,
            )
            for case, each in tables.items()
        }
        worst = cases.get("all") or cases["worst"]
        pairs = (
            pairs_of(tables, first, multiplicity, asked, worst.left_out) if "comparisons" in chosen else {}
        )
    gates = tuple(gates_of(worst, asked.risk_limit, required_zone, required_grade))
    return _report(table, ordered, tables, cases, pairs, gates, missing, asked, told)


def _report(
    table: OutcomeTable,
    ordered: OutcomeTable,
    tables: Mapping[str, OutcomeTable],
    cases: dict[str, Findings],
    pairs: dict[str, Any],
    gates: tuple[Gate, ...],
    missing: str,
    asked: Asked,
    told: Sequence[str],
) -> EvaluationReport:
    return EvaluationReport(
        missingness=ordered.missingness(),
        cases=cases,
        comparisons=pairs,
        gates=gates,
        n=len(table),
        models=ordered.models,
        n_prompts=len(ordered.prompts),
        level=asked.level,
        confidence_level=asked.confidence_level,
        missing=missing,
        dropped=len(table) - len(next(iter(tables.values()))),
        status=status_of(gates, table.partial),
        origin=_origin(ordered, missing, asked),
        notes=tuple(dict.fromkeys((*told, *_mix(ordered), ALONE))),
    )


def _asked(
    table: OutcomeTable,
    level: float,
    confidence_level: float,
    limit: Any,
    estimand: str,
    pooling: str,
    risk_limit: float | None,
    cost_map: Any,
    harm: Mapping[str, Any] | None,
    judge: Mapping[str, Any] | None,
    resamples: int,
    random_state: RandomState,
) -> Asked:
    share = checked_level(level)
    levels = table["ordinal"]
    fixed = isinstance(random_state, numbers.Integral) and not isinstance(random_state, bool)
    drawn = seed(random_state)
    return Asked(
        level=share,
        confidence_level=checked_confidence(confidence_level),
        limit=named_limit(limit, share),
        estimand=choice(estimand, ESTIMANDS, "estimand"),
        pooling=choice(pooling, POOLING_RULES, "pooling"),
        risk_limit=None if risk_limit is None else number(risk_limit, "risk_limit"),
        cost_map=cost_map,
        harm=_known(harm, HARM, "harm"),
        judge=_known(judge, JUDGE, "judge"),
        resamples=whole_number(resamples, "resamples", low=1),
        seed=int(random_state) if fixed else drawn,  # type: ignore[arg-type]
        n_levels=2 if np.isnan(levels).all() else max(2, int(np.nanmax(levels))),
    )


def _known(given: Mapping[str, Any] | None, names: Sequence[str], what: str) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise InvalidInput(f"`{what}` must be {{argument: value}}; got {given!r}.")
    unknown = [name for name in given or {} if name not in names]
    if unknown:
        raise InvalidInput(f"`{what}` has {quoted(unknown)}; it may have {quoted(names)}.")
    return dict(given or {})


def _chosen(parts: Sequence[str] | None) -> tuple[str, ...]:
    if parts is None:
        return PARTS
    named = (parts,) if isinstance(parts, str) else tuple(parts)
    return tuple(choice(part, PARTS, "parts") for part in named)


# Origin


def _mix(table: OutcomeTable) -> Iterator[str]:
    names = [name for name in table.conditions if len(table.factor(name).words) > 1]
    if names:
        yield (
            f"Rates are over the mix of {', '.join(names)} in the table; `factor_effects` takes it apart. In "
            "comparisons a prompt is a prompt under one condition."
        )


def _origin(table: OutcomeTable, missing: str, asked: Asked) -> Origin:
    scales, dimensions = table.factor("scale_id"), table.factor("dimension")
    pairs = np.unique(dimensions.codes * len(scales.words) + scales.codes).tolist()
    named = {dimensions.words[p // len(scales.words)]: scales.words[p % len(scales.words)] for p in pairs}
    return Origin(
        version=__version__,
        input_hash=input_hash(*_hashed(table)),
        sources=tuple(word for word in table.factor("source").words if word),
        scales={name: scale for name, scale in named.items() if scale},
        partial=table.partial,
        seed=asked.seed,
        settings={
            "level": asked.level,
            "confidence_level": asked.confidence_level,
            "missing": missing,
            "limit": str(asked.limit),
            "estimand": asked.estimand,
            "pooling": asked.pooling,
            "cost_map": str(asked.cost_map),
            "risk_limit": asked.risk_limit,
        },
    )


def _hashed(table: OutcomeTable) -> Iterator[Any]:
    for name in sorted(table.columns):
        column = table.columns[name]
        yield name
        yield from ((list(column.words), column.codes) if isinstance(column, Factor) else (column,))
