"""Samples of lm_eval (0.4): one line per document and filter, with the results file beside them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import quoted
from riskstats.evaluations.readers.log_file import LogFile
from riskstats.evaluations.readers.rows import Asked, Rows, Undeclared, needed, number_of, same_total
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.exceptions import InvalidInput

__all__ = ["read", "recognises"]

NAME = "lm_eval"
_FILE = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.:-]+)$")


def recognises(first: Any) -> bool:
    """Whether the first line is of such a file."""
    return isinstance(first, dict) and {"doc_id", "resps"} <= set(first)


class _Results(NamedTuple):
    """What the results file says of a task."""

    model: str
    version: str
    task: str
    means: Mapping[str, Any]
    higher_is_better: Mapping[str, Any]
    averaged: frozenset[str]
    documents: int | None


def read(log: LogFile, asked: Asked) -> OutcomeTable:
    """A row per document and metric of one filter."""
    results = _results(log, asked)
    rows = Rows(log, NAME, asked)
    filters: dict[str, None] = {}
    scales: dict[str, Scale] = {}
    values: dict[str, list[float]] = {}
    documents = 0
    lines = log.objects(keep_partial=asked.keep_partial)
    for line, sample in lines:
        place = f"{log.label}, line {line}"
        own = str(sample.get("filter", "none"))
        filters[own] = None
        if asked.filter not in (None, own):
            continue
        _one_filter(filters, asked, log)
        documents += 1
        for metric in needed(sample, "metrics", place):
            if asked.wants(metric):
                if metric not in scales:
                    scales[metric] = _scale(metric, results, log, asked)
                score = number_of(needed(sample, metric, place), asked.values, f"{place}, metric `{metric}`")
                values.setdefault(metric, []).append(math.nan if score is None else score)
                _add(rows, line, sample, metric, scales[metric], score, results)
    if asked.filter is not None and asked.filter not in filters:
        raise InvalidInput(f"{log.label} has no filter '{asked.filter}'; it has {quoted(filters)}.")
    partial = _check(log, asked, results, values, documents, next(iter(filters), "none"), lines.cut)
    return rows.table(results.version, partial=partial)


def _one_filter(filters: Mapping[str, Any], asked: Asked, log: LogFile) -> None:
    if asked.filter is None and len(filters) > 1:
        raise InvalidInput(
            f"{log.label} has a line for each of the filters {quoted(filters)}. Pass `filter=` with "
            "one of them."
        )


def _add(
    rows: Rows,
    line: int,
    sample: Mapping[str, Any],
    metric: str,
    scale: Scale,
    score: float | None,
    of: _Results,
) -> None:
    rows.add(
        line,
        prompt=f"{of.task}/{needed(sample, 'doc_id', f'{rows.log.label}, line {line}')}",
        score=score,
        scale=scale,
        model=of.model,
        record=sample,
        text={"dimension": metric, "category": of.task},
    )


def _results(log: LogFile, asked: Asked) -> _Results:
    name = log.path.name.partition(".jsonl")[0]
    found = _FILE.match(name)
    task = found["task"] if found else name.removeprefix("samples_")
    whole = (log.beside(f"results_{found['date']}.json") if found else None) or {}
    model = asked.model or whole.get("model_name") or (whole.get("config") or {}).get("model_args")
    if not isinstance(model, str):
        raise InvalidInput(
            f"{log.label} does not name the model, and there is no results file beside it. Pass `model=`."
        )
    metrics = (whole.get("configs") or {}).get(task, {}).get("metric_list") or ()
    return _Results(
        model=model,
        version=str(whole.get("lm_eval_version") or ""),
        task=task,
        means=(whole.get("results") or {}).get(task, {}),
        higher_is_better=(whole.get("higher_is_better") or {}).get(task, {}),
        averaged=frozenset(m["metric"] for m in metrics if m.get("aggregation") == "mean"),
        documents=((whole.get("n-samples") or {}).get(task) or {}).get("effective"),
    )


def _scale(metric: str, results: _Results, log: LogFile, asked: Asked) -> Scale:
    """The declared scale, which must not contradict the direction in the results file."""
    scale = asked.scale_of(metric, said=f"lm_eval metric `{metric}`", label=log.label)
    higher = results.higher_is_better.get(metric)
    declared = asked.check_direction and not isinstance(scale, Undeclared)
    if declared and isinstance(higher, bool) and higher == (scale.worse == "high"):
        raise InvalidInput(
            f"{log.label}: the results file says that {'higher' if higher else 'lower'} is better for "
            f"`{metric}`, but the declared scale says {scale.worse} is worse. Correct `scale`, or pass "
            "`check_direction=False` where good performance is the harm."
        )
    return scale


def _check(
    log: LogFile,
    asked: Asked,
    results: _Results,
    values: Mapping[str, list[float]],
    documents: int,
    first: str,
    cut: str | None,
) -> bool:
    """Whether documents are missing; the means of the results file against the lines."""
    short = results.documents is not None and documents < results.documents
    if cut or short:
        if not asked.keep_partial:
            raise InvalidInput(
                f"{log.label} has {documents} of {results.documents} documents: it was cut short. Pass "
                "`partial='keep'` to read what there is."
            )
        return True
    if results.documents is not None:
        same_total(documents, results.documents, f"{log.label}: number of documents")
    for metric, scores in values.items():
        told = results.means.get(f"{metric},{asked.filter or first}")
        if told is not None and metric in results.averaged and not np.isnan(scores).any():
            same_total(float(np.mean(scores)), told, f"{log.label}: mean of `{metric}`", 1e-9)
    return False
