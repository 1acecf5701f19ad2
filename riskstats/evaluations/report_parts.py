"""The parts of a report, each from the rows of one model and one outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import Floats, Integers
from riskstats.evaluations.contrast import ContrastPairs, contrast_pairs, match_twins
from riskstats.evaluations.factor import Factor, dense, joint_codes
from riskstats.evaluations.human_labels import labels_of as checked_labels
from riskstats.evaluations.judges import CorrectedRate, judge_corrected_rate
from riskstats.evaluations.ordinal import OrdinalSummary, ordinal_summary
from riskstats.evaluations.proportions import Rate
from riskstats.evaluations.rates import RateReport, rate_interval
from riskstats.evaluations.report_rows import Cell, Labels, complete_prompts, item_codes, worst_places
from riskstats.evaluations.table import OutcomeTable
from riskstats.evaluations.table_checks import codes_of
from riskstats.evaluations.table_uses import profile
from riskstats.evaluations.traces import TraceSummary, trace_summary
from riskstats.exceptions import InvalidInput
from riskstats.harm.harm_report import HarmReport
from riskstats.tail.limit_methods import BootstrapT
from riskstats.tail.limits import cvar_interval
from riskstats.tail.models_report import ModelsReport

__all__ = ["Asked", "Judged", "contrast", "corrected", "harm", "judged", "ordinal", "rates", "tail", "trace"]

RESAMPLES = 999  # of a weighted mean
COUNTED = "Losses that are all 0 or 1 are taken as counts."
WEIGHTED = "Losses have fractions and weights differ: limits by the studentised bootstrap, approximate."


class Asked(NamedTuple):
    """What a report was asked for, checked.

    seed : an integer, of every order and resample. n_levels : K of ordinal levels over the whole table.
    """

    level: float
    confidence_level: float
    limit: Any
    estimand: str
    pooling: str
    risk_limit: float | None
    cost_map: Any
    harm: Mapping[str, Any]
    judge: Mapping[str, Any]
    resamples: int
    seed: int
    n_levels: int


# Rates


def rates(cell: Cell, labels: Labels | None, asked: Asked) -> RateReport:
    """The mean loss of all rows, and of each category with limits that hold for all of them at once."""
    rows, names = labels.of(cell) if labels is not None else (np.arange(len(cell.rows)), None)
    if cell.weights is not None and not cell.binary:
        return _weighted_rates(cell, rows, names, asked)
    everyone = np.arange(len(cell.rows))
    if names is None or len(rows) == len(everyone):
        return _rate_report(cell, rows, names, asked)
    whole = _rate_report(cell, everyone, None, asked)
    return replace(whole, categories=_rate_report(cell, rows, names, asked).categories)


def _rate_report(cell: Cell, rows: Integers, names: Any, asked: Asked) -> RateReport:
    units = None if cell.units is None else cell.units[rows]
    found = rate_interval(
        cell.losses[rows],
        category=names,
        cluster=units,
        sample_weight=None if cell.weights is None else cell.weights[rows],
        method=None if cell.weights is None else "wilson",
        binary=cell.binary,
        confidence_level=asked.confidence_level,
        random_state=asked.seed,
    )
    return replace(found, notes=(COUNTED, *found.notes)) if cell.binary else found


def _weighted_rates(cell: Cell, rows: Integers, names: Any, asked: Asked) -> RateReport:
    delta = 1.0 - asked.confidence_level
    found = [] if names is None else sorted(set(names.tolist()))
    parts = []
    for name in found:
        own = rows[names == name]
        if cell.weights is not None and cell.weights[own].any():
            parts.append(_weighted_rate(name, cell, own, delta / len(found), asked.seed))
    overall = _weighted_rate("all", cell, np.arange(len(cell.rows)), delta, asked.seed)
    notes = (WEIGHTED, "With clusters the mean counts every row by its weight.")
    return RateReport(overall, tuple(parts), "two-sided", "bonferroni", 1.0 - delta, None, notes)


def _weighted_rate(name: str, cell: Cell, rows: Integers, delta: float, seed: int) -> Rate:
    """A weighted mean as the CVaR at level 0, with its bootstrap limits."""
    losses, units = cell.losses[rows], None if cell.units is None else cell.units[rows]
    method = BootstrapT(max(RESAMPLES, math.ceil(2.0 / delta)))
    told: dict[str, Any] = {
        "limit": method,
        "support": (0.0, 1.0),
        "sample_weight": None if cell.weights is None else cell.weights[rows],
        "cluster": units,
        "random_state": seed,
    }
    both = cvar_interval(losses, 0.0, 1.0 - delta, side="two-sided", **told)
    upper = cvar_interval(losses, 0.0, 1.0 - delta, side="upper", **told).upper
    assert both.lower is not None
    assert both.upper is not None
    assert upper is not None
    return Rate(
        name=name,
        estimate=both.estimate,
        lower=min(both.lower, both.estimate),
        upper=max(both.upper, both.estimate),
        one_sided_upper=max(upper, both.estimate),
        n=len(losses),
        n_units=both.n_units,
        events=None,
        method="bootstrap-t",
        guaranteed=False,
        confidence_level=1.0 - delta,
    )


# Judges


class Judged(NamedTuple):
    """Answers with the judges averaged: flags in [0, 1], human labels or None, units or None."""

    flags: Floats
    human: Floats | None
    units: Integers | None


def judged(cell: Cell, asked: Asked) -> Judged | None:
    """The answers of a cell, where something is known of the errors of their judges.

    `InvalidInput` where only flagged answers have a human label and `verified` does not say so.
    """
    human = cell.table["human_label"]
    if np.isnan(human).all() and not set(asked.judge) - {"verified", "method"}:
        return None
    codes, first = item_codes(cell.table, "judge")
    flags = np.clip(_means(codes, cell.losses), 0.0, 1.0)
    units = None if cell.units is None else cell.units[first]
    if np.isnan(human).all():
        return Judged(flags, None, units)
    labels = _means(codes, human)
    return Judged(flags, checked_labels(labels, flags, asked.judge.get("verified")), units)


def corrected(answers: Judged, asked: Asked) -> CorrectedRate:
    """The rate behind the flags."""
    return judge_corrected_rate(
        answers.flags,
        human=answers.human,
        cluster=answers.units,
        confidence_level=asked.confidence_level,
        random_state=asked.seed,
        **asked.judge,
    )


def _means(codes: Integers, values: Floats) -> Floats:
    """The mean of the values of each code, those that are missing left out; NaN where there are none."""
    known = ~np.isnan(values)
    size = int(codes.max()) + 1
    counts = np.bincount(codes[known], minlength=size)
    sums = np.bincount(codes[known], values[known], size)
    return np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)


# The tail


def tail(table: OutcomeTable, labels: Labels | None, asked: Asked) -> tuple[ModelsReport, tuple[str, ...]]:
    """(the tails of the models of one stage, notes); prompts that are not complete are left out."""
    for name in table.conditions:
        words = table.factor(name).words
        if len(words) > 1:
            raise InvalidInput(
                f"the tail is of one outcome for each prompt, and `{name}` has {len(words)} values. Choose "
                f"one with `select({name}=...)`."
            )
    traced = worst_places(_with_nodes(table, labels))
    whole, lost = complete_prompts(traced)
    report = profile(
        _labelled_once(whole),
        level=asked.level,
        confidence_level=asked.confidence_level,
        estimand=asked.estimand if len(whole.epochs) > 1 else None,
        pooling=asked.pooling,
        limit=asked.limit,
        risk_limit=asked.risk_limit,
        log_scale=False,
        on="intersection" if len(whole.models) > 1 else None,
        random_state=asked.seed,
    )
    told = [f"The tail leaves out {lost} prompts of models that lack a score of them."] if lost else []
    if traced is not table and len(traced) < len(table):
        told.append("The tail is of the worst place of every trace.")
    return report, tuple(told)


def _with_nodes(table: OutcomeTable, labels: Labels | None) -> OutcomeTable:
    """The table with the nodes of the report as its categories, where every row has one."""
    if labels is None or len(labels.rows) != len(table):
        return table
    return OutcomeTable(
        {**table.columns, "category": Factor.of(labels.names.tolist())}, table.conditions, table.places
    )


def _labelled_once(table: OutcomeTable) -> OutcomeTable:
    """The table without the labels that differ between rows of one prompt."""
    columns, prompts = dict(table.columns), codes_of(table, "prompt_id")
    for name in ("category", "group"):
        if name in columns:
            pairs = joint_codes([prompts, codes_of(table, name)], len(table))[0]
            if len(np.unique(pairs)) > prompts[1]:
                del columns[name]
    return OutcomeTable(columns, table.conditions, table.places)


# Contrast pairs, levels, traces, harm


def contrast(cell: Cell, asked: Asked) -> ContrastPairs | None:
    """Pairs of an unsafe item and its safe twin; None where the model has none."""
    table = cell.table
    sides = table.factor("twin").mask(["unsafe", "safe"]) & ~table.factor("pair_id").mask([""])
    if not sides.any():
        return None
    codes, _ = item_codes(table, "prompt_id")
    pair, size = codes_of(table, "pair_id")
    joint, _ = dense(joint_codes([(codes, int(codes.max()) + 1), (pair, size)], len(table))[0])
    both = np.bincount(joint[sides])[joint] == 2
    rows = np.flatnonzero(sides & both)
    if not len(rows):
        raise InvalidInput("no pair has a loss of both twins. Grade both, or leave out `pair_id`.")
    unsafe, safe, names = match_twins(table["loss"][rows], joint[rows], table["twin"][rows])
    first = rows[np.unique(joint[rows], return_index=True)[1]]
    assert len(first) == len(names)
    return contrast_pairs(
        unsafe,
        safe,
        cluster=_pair_units(table, pair)[first],
        confidence_level=asked.confidence_level,
        random_state=asked.seed,
    )


def _pair_units(table: OutcomeTable, pair: Integers) -> Integers:
    """The cluster of each row, or its pair where it has none."""
    clusters = table.factor("cluster")
    return np.where(clusters.mask([""]), len(clusters.words) + pair, clusters.codes)


def ordinal(cell: Cell, asked: Asked) -> OrdinalSummary | None:
    """Cumulative shares of the levels; None where no row has one."""
    levels = cell.table["ordinal"]
    known = ~np.isnan(levels)
    if not known.any():
        return None
    return ordinal_summary(
        levels[known],
        n_levels=asked.n_levels,
        cluster=None if cell.units is None else cell.units[known],
        confidence_level=asked.confidence_level,
        random_state=asked.seed,
    )


def trace(cell: Cell, asked: Asked) -> TraceSummary | None:
    """Worst and mean place, and time to the first unsafe one; None where there are no places."""
    table = cell.table
    if not {"turn", "chunk"} & set(table.columns):
        return None
    items, first = item_codes(table, "turn", "chunk")
    units = np.arange(len(table)) if cell.units is None else cell.units
    return trace_summary(
        cell.losses,
        items,
        _places(table, items),
        cluster=units[first][items],
        confidence_level=asked.confidence_level,
        random_state=asked.seed,
    )


def _places(table: OutcomeTable, items: Integers) -> Floats:
    """The number of each row in its trace: of the only column, or counted along turns and chunks."""
    named = [name for name in ("turn", "chunk") if name in table.columns]
    if len(named) == 1:
        return table[named[0]].astype(np.float64)
    order = np.lexsort((table["chunk"], table["turn"], items))
    counts = np.bincount(items)
    place = np.empty(len(items))
    place[order] = np.arange(len(items)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place + 1.0


def harm(cell: Cell, asked: Asked) -> HarmReport | None:
    """Expected harm beside CVaR of severity x success; None where no row has cost and severity."""
    table = cell.table
    if np.isnan(table["severity"]).all() or np.isnan(table["cost"]).all():
        return None
    given: dict[str, Any] = {"cluster": cell.units} if cell.units is not None else {}
    return table.expected_harm(
        cost_map=asked.cost_map,
        level=asked.level,
        confidence_level=asked.confidence_level,
        random_state=asked.seed,
        **{**given, **asked.harm},
    )
