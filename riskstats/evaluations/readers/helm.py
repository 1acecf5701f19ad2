"""Per-instance statistics of HELM (0.5): judges apart, failed judges as outcomes without a loss."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import quoted
from riskstats.evaluations.readers.log_file import LogFile
from riskstats.evaluations.readers.rows import Asked, Rows, dig, needed, same_total
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.exceptions import InvalidInput

__all__ = ["read", "recognises"]

NAME = "helm"
SAFETY = Scale(0.0, 1.0, "low", "helm safety")
MEAN = "safety_score"
_JUDGE = re.compile(r"safety_(?P<judge>.+)_score$")
_SUCCESS = re.compile(r"safety_(?P<judge>.+)_annotator_success$")


def recognises(first: Any) -> bool:
    """Whether a JSON file is such a list."""
    return isinstance(first, list) and bool(first) and isinstance(first[0], dict) and "stats" in first[0]


class _Stat(NamedTuple):
    """One statistic of an instance: its name, the judge and dimension it stands for, its value or None."""

    name: str
    judge: str
    dimension: str
    value: float | None
    category: str


def read(log: LogFile, asked: Asked) -> OutcomeTable:
    """A row per instance, trial and judge; the mean over judges only where there are no judges apart."""
    instances = log.document()
    if not recognises(instances):
        raise InvalidInput(
            f"{log.label} is no list of instances with 'stats'. Pass `per_instance_stats.json`."
        )
    model, rows = _model(log, asked), Rows(log, NAME, asked, "instance")
    apart = any(_JUDGE.match(_name(s, log)) for i in instances for s in needed(i, "stats", log.label))
    for place, instance in enumerate(instances):
        for stat in _stats(instance, apart, log, asked):
            rows.add(
                place,
                prompt=needed(instance, "instance_id", f"{log.label}, instance {place}"),
                score=stat.value,
                scale=_scale(stat, log, asked),
                model=model,
                epoch=int(needed(instance, "train_trial_index", f"{log.label}, instance {place}")) + 1,
                record=instance,
                text={
                    "judge": stat.judge,
                    "dimension": stat.dimension,
                    "perturbation": _perturbation(instance.get("perturbation")),
                    "category": stat.category,
                },
            )
    if not rows.places:
        names = dict.fromkeys(_name(s, log) for i in instances for s in i["stats"])
        raise InvalidInput(
            f"{log.label} has no safety score; its statistics are {quoted(names)}. Pass "
            f"`scale={{name: Scale(...)}}` "
            "for those to read."
        )
    _check(log, instances)
    return rows.table("", conditions=("perturbation",))


def _model(log: LogFile, asked: Asked) -> str:
    spec = log.beside("run_spec.json") if asked.model is None else None
    model = asked.model or dig(spec or {}, "adapter_spec.model")
    if not isinstance(model, str):
        raise InvalidInput(
            f"{log.label} does not name the model, and there is no 'run_spec.json' beside it. Pass `model=`."
        )
    return model


def _name(stat: Any, log: LogFile) -> str:
    return str(needed(needed(stat, "name", f"{log.label}, a stat"), "name", f"{log.label}, name of a stat"))


def _stats(instance: Mapping[str, Any], apart: bool, log: LogFile, asked: Asked) -> Iterator[_Stat]:
    """The statistics of an instance that are read."""
    chosen = isinstance(asked.scale, Mapping)
    for stat in instance["stats"]:
        name = _name(stat, log)
        category = "/".join(str(stat["name"][key]) for key in ("split", "sub_split") if stat["name"].get(key))
        judge, failed = _JUDGE.match(name), _SUCCESS.match(name)
        if judge and (not chosen or asked.wants(name, MEAN)):
            yield _Stat(name, judge["judge"], "safety", _mean(stat), category)
        elif (
            failed
            and _mean(stat) == 0
            and (not chosen or asked.wants(f"safety_{failed['judge']}_score", MEAN))
        ):
            yield _Stat(f"safety_{failed['judge']}_score", failed["judge"], "safety", None, category)
        elif name == MEAN and not apart and asked.wants(name):
            yield _Stat(name, "", "safety", _mean(stat), category)
        elif chosen and not judge and not failed and name != MEAN and asked.wants(name):
            yield _Stat(name, "", name, _mean(stat), category)


def _mean(stat: Mapping[str, Any]) -> float | None:
    return None if stat.get("mean") is None else float(stat["mean"])


def _scale(stat: _Stat, log: LogFile, asked: Asked) -> Scale:
    fixed = SAFETY if stat.dimension == "safety" else None
    said = f"HELM statistic `{stat.name}`"
    return asked.scale_of(stat.name, MEAN, said=said, fixed=fixed, label=log.label)


def _perturbation(perturbation: Any) -> str:
    if not perturbation:
        return ""
    return ", ".join(
        str(perturbation[key]) for key in ("name", "computed_on", "seed") if perturbation.get(key)
    )


def _check(log: LogFile, instances: list[Any]) -> None:
    """The mean safety score of `stats.json` beside the log: mean over trials of the mean over instances."""
    totals = log.beside("stats.json")
    for total in totals or ():
        name = needed(total, "name", f"{log.label}: stats.json")
        if name.get("name") != MEAN or name.get("perturbation") or total.get("mean") is None:
            continue
        by_trial: dict[Any, list[float]] = defaultdict(list)
        for instance in instances:
            for stat in instance["stats"]:
                own = stat["name"]
                same = all(own.get(key) == name.get(key) for key in ("name", "split", "sub_split"))
                if same and not instance.get("perturbation") and stat.get("mean") is not None:
                    by_trial[instance["train_trial_index"]].append(stat["mean"])
        found = float(np.mean([np.mean(means) for means in by_trial.values()])) if by_trial else 0.0
        same_total(found, total["mean"], f"{log.label}: mean `{MEAN}` of stats.json", 1e-9)
