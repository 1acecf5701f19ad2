"""Logs of inspect_ai (0.3): `.eval` archives by their summaries, and `.json`."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import Floats
from riskstats.evaluations.factor import Factor
from riskstats.evaluations.readers.archive import Member, unpacked
from riskstats.evaluations.readers.log_file import LogFile
from riskstats.evaluations.readers.rows import (
    ABSENT,
    Asked,
    Source,
    dig,
    needed,
    number_of,
    outcome_table,
    same_total,
)
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.evaluations.table_columns import STATUSES, repeated
from riskstats.exceptions import InvalidInput

__all__ = ["read", "recognises"]

NAME = "inspect_ai"
LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0}
REFUSAL = "N"
_SHORTENED = ("...", "(> 1k)")
_OK, _REFUSED, _ERROR, _UNGRADED = range(len(STATUSES))


def recognises(first: Any) -> bool:
    """Whether the start of a JSON file is such a log; archives are recognised by their members."""
    return isinstance(first, dict) and {"eval", "version", "status"} <= set(first)


def read(log: LogFile, asked: Asked) -> OutcomeTable:
    """A row per sample, epoch and score; a score that is a dict has a row per key."""
    content = _archive(log) if log.zipped else _document(log)
    partial = content.problem is not None
    if partial and not asked.keep_partial:
        raise InvalidInput(
            f"{log.label}: {content.problem}. Finish the run, or pass `partial='keep'` to read what there is."
        )
    samples = _Samples.of(content, log, asked)
    scores = [_graded(samples, score) for score in _scores(content, log, asked)]
    if not partial:
        _check_totals(content, samples, scores)
    version = dig(content.eval, "packages.inspect_ai")
    source = Source(log, NAME, version if isinstance(version, str) else "", "sample", partial)
    return outcome_table(source, asked, *_columns(samples, scores, content))


class _Content(NamedTuple):
    """A log in memory: `eval` of the header, results, one record per sample, and what is not whole in it."""

    eval: Mapping[str, Any]
    results: Mapping[str, Any]
    samples: list[dict[str, Any]]
    problem: str | None
    archive: _Archive | None = None


class _Score(NamedTuple):
    """A score: the scorer, the key of a dict or None, its dimension, its scale, the value of each sample."""

    scorer: str
    key: str | None
    dimension: str
    scale: Scale
    values: list[Any]


# Archives


class _Archive(NamedTuple):
    """Members of an archive as JSON."""

    log: LogFile

    @property
    def members(self) -> Mapping[str, Member]:
        """The members by name."""
        return self.log.members

    def json(self, name: str) -> Any:
        """A member; `InvalidInput` names it where it is damaged or missing."""
        if name not in self.members:
            raise InvalidInput(
                f"{self.log.label} has no member '{name}'. The layout is not one that is known here."
            )
        try:
            return json.loads(unpacked(self.log.path, self.members[name], self.log.label))
        except InvalidInput:
            raise
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            raise InvalidInput(
                f"{self.log.label}, member '{name}': damaged ({error}). Copy it again."
            ) from error


def _archive(log: LogFile) -> _Content:
    archive = _Archive(log)
    if "header.json" not in archive.members:
        if "_journal/start.json" not in archive.members:
            raise InvalidInput(
                f"{log.label} has neither 'header.json' nor '_journal/start.json': no inspect log."
            )
        start = archive.json("_journal/start.json")
        journal = sorted(
            (name for name in archive.members if name.startswith("_journal/summaries/")),
            key=lambda name: (len(name), name),
        )
        samples = _once(sample for name in journal for sample in archive.json(name))
        return _Content(start["eval"], {}, samples, "the run has not finished (no header)", archive)
    header = archive.json("header.json")
    samples = _once(archive.json("summaries.json"))
    return _content(header, samples, log, archive)


def _once(samples: Iterable[Any]) -> list[dict[str, Any]]:
    """The last record of every sample and epoch."""
    return list({(sample.get("id"), sample.get("epoch")): sample for sample in samples}.values())


def _document(log: LogFile) -> _Content:
    document = log.document()
    return _content(document, list(needed(document, "samples", log.label)), log, None)


def _content(
    header: Mapping[str, Any], samples: list[dict[str, Any]], log: LogFile, archive: _Archive | None
) -> _Content:
    status = needed(header, "status", f"{log.label}, header")
    problem = None if status == "success" else f"the run ended with status '{status}'"
    if header.get("invalidated"):
        problem = "the run was invalidated"
    spec = needed(header, "eval", f"{log.label}, header")
    return _Content(spec, header.get("results") or {}, samples, problem, archive)


# Scores


def _scores(content: _Content, log: LogFile, asked: Asked) -> list[_Score]:
    """Every score that some sample has, in order of appearance, with its declared scale."""
    held = [sample.get("scores") or {} for sample in content.samples]
    scores = []
    for scorer in dict.fromkeys(scorer for own in held for scorer in own):
        values = _values(scorer, held, content.samples, log)
        for key in _keys(values):
            dimension = scorer if key is None else f"{scorer}.{key}"
            if asked.wants(dimension, scorer):
                scale = asked.scale_of(dimension, scorer, said=f"inspect scorer `{scorer}`", label=log.label)
                scores.append(_Score(scorer, key, dimension, scale, _at_key(values, key)))
    return scores


def _values(
    scorer: str, held: list[Mapping[str, Any]], samples: list[dict[str, Any]], log: LogFile
) -> list[Any]:
    """The value that a scorer gave to each sample, None where it gave none."""
    entries = [own.get(scorer) for own in held]
    bad = next((i for i, entry in enumerate(entries) if entry is not None and "value" not in entry), None)
    if bad is not None:
        needed(entries[bad], "value", f"{log.label}, sample {_said(samples[bad])}, scorer '{scorer}'")
    return [None if entry is None else entry["value"] for entry in entries]


def _keys(values: list[Any]) -> list[str | None]:
    """The keys of values that are dicts, and None where some value is no dict."""
    dicts = dict.fromkeys(tuple(value) for value in values if type(value) is dict)
    keys: dict[str | None, None] = dict.fromkeys(key for each in dicts for key in each)
    plain = any(value is not None and type(value) is not dict for value in values)
    return [*keys, *([None] if plain or not keys else [])]


def _at_key(values: list[Any], key: str | None) -> list[Any]:
    if key is None:
        return [None if type(value) is dict else value for value in values]
    return [value.get(key) if type(value) is dict else None for value in values]


def _said(sample: Mapping[str, Any]) -> str:
    return f"{sample.get('id')} epoch {sample.get('epoch')}"


class _Told(Sequence[str]):
    """Where each row stands, in words that are made when a message needs them."""

    def __init__(self, prompts: Factor, epochs: np.ndarray, times: int = 1) -> None:
        self.prompts, self.epochs, self.times = prompts, epochs, times

    def __len__(self) -> int:
        return len(self.epochs) * self.times

    def __getitem__(self, row: Any) -> Any:
        at = row % len(self.epochs)
        return f"{self.prompts.words[self.prompts.codes[at]]} epoch {self.epochs[at]}"


class _Samples(NamedTuple):
    """What is known of every sample: ids, epochs, places in messages, why it has no loss, further columns."""

    log: LogFile
    asked: Asked
    prompts: Factor
    epochs: np.ndarray
    places: _Told
    failed: np.ndarray
    extra: dict[str, list[Any]]

    @classmethod
    def of(cls, content: _Content, log: LogFile, asked: Asked) -> _Samples:
        """Read them from the summaries, and from the samples where a summary shortens a column."""
        samples = content.samples
        for sample in samples:
            if "id" not in sample or "epoch" not in sample:
                needed(sample, "epoch" if "id" in sample else "id", f"{log.label}, sample {sample.get('id')}")
        failed = [_ERROR if s.get("error") else _UNGRADED if s.get("limit") else _OK for s in samples]
        cells = {name: [dig(s, path) for s in samples] for name, path in asked.paths.items()}
        prompts = Factor.of([sample["id"] for sample in samples])
        epochs = np.array([sample["epoch"] for sample in samples], dtype=np.int64)
        return cls(
            log=log,
            asked=asked,
            prompts=prompts,
            epochs=epochs,
            places=_Told(prompts, epochs),
            failed=np.array(failed, dtype=np.int64),
            extra={name: _whole(own, asked.paths[name], content) for name, own in cells.items()},
        )

    def error(self, sample: int, score: _Score) -> str:
        """Where a score stands."""
        return f"{self.log.label}, sample {self.places[sample]}, scorer `{score.dimension}`"


class _Graded(NamedTuple):
    """A score with its numbers as the log has them, its losses and the codes of the status of each sample."""

    score: _Score
    numbers: Floats
    losses: Floats
    status: np.ndarray


def _graded(samples: _Samples, score: _Score) -> _Graded:
    numbers = _numbers(samples, score)
    losses = score.scale.losses(numbers, where=lambda at: samples.error(at, score))
    status = samples.failed.copy()
    if REFUSAL in score.values and REFUSAL not in samples.asked.values:
        refused = np.array([value == REFUSAL for value in score.values]) & (status == _OK)
        losses[refused], status[refused] = _refused(samples, score, int(refused.argmax())), _REFUSED
    losses[(status == _ERROR) | (status == _UNGRADED)] = math.nan
    status[(status == _OK) & np.isnan(losses)] = _UNGRADED
    return _Graded(score, numbers, losses, status)


def _numbers(samples: _Samples, score: _Score) -> Floats:
    """Scores as numbers, NaN where there is none; a refusal is NaN too."""
    values = score.values
    if set(map(type, values)) <= {float, int, bool, type(None)}:
        return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    known = {REFUSAL: math.nan, **LETTERS, **samples.asked.values}
    numbers = [number_of(value, known, samples.error(at, score)) for at, value in enumerate(values)]
    return np.array([math.nan if number is None else number for number in numbers])


def _refused(samples: _Samples, score: _Score, at: int) -> float:
    """The loss that the caller gave to refusals."""
    if samples.asked.refusal_loss is None:
        raise InvalidInput(
            f"{samples.error(at, score)} says N, no answer. Pass `refusal_loss=0` where a refusal harms "
            "nobody, or 1 where it fails the task."
        )
    return samples.asked.refusal_loss


def _whole(cells: list[Any], path: str, content: _Content) -> list[Any]:
    """The cells of a column, from the samples themselves where the summaries shorten them."""
    if content.archive is None:
        return cells
    for at, cell in enumerate(cells):
        if isinstance(cell, str) and cell.endswith(_SHORTENED):
            sample = content.samples[at]
            full = content.archive.json(f"samples/{sample['id']}_epoch_{sample['epoch']}.json")
            cells[at] = dig(full, path)
    return cells


def _columns(
    samples: _Samples, scores: list[_Graded], content: _Content
) -> tuple[dict[str, Any], _Told, list[str]]:
    """(columns of every sample under every score, their places, columns without a field)."""
    k, n = len(scores), len(samples.places)
    prompts = samples.prompts
    codes = np.concatenate([s.status for s in scores]) if scores else np.empty(0, dtype=np.int64)
    given: dict[str, Any] = {
        "model": samples.asked.model or needed(content.eval, "model", f"{samples.log.label}, field 'eval'"),
        "prompt_id": Factor(prompts.words, np.tile(prompts.codes, k)),
        "epoch": np.tile(samples.epochs, k),
        "dimension": Factor.repeated([s.score.dimension for s in scores], n),
        "scale_id": Factor.repeated([s.score.scale.name for s in scores], n),
        "loss": np.concatenate([s.losses for s in scores]) if scores else np.empty(0),
        "status": Factor(STATUSES, codes).take(slice(None)),
    }
    for name, cells in samples.extra.items():
        given[name] = repeated(name, [None if cell is ABSENT else cell for cell in cells], k)
    absent = [name for name, cells in samples.extra.items() if all(cell is ABSENT for cell in cells)]
    return given, _Told(prompts, samples.epochs, k), absent


# Totals


def _check_totals(content: _Content, samples: _Samples, scores: list[_Graded]) -> None:
    """The number of samples, of those without error, and the means that the tool wrote."""
    results, label = content.results, samples.log.label
    if "total_samples" in results:
        same_total(len(content.samples), results["total_samples"], f"{label}: `total_samples`")
    if "completed_samples" in results:
        done = int((samples.failed != _ERROR).sum())
        same_total(done, results["completed_samples"], f"{label}: `completed_samples`")
    reducers = content.eval.get("config", {}).get("epochs_reducer") or ["mean"]
    if reducers != ["mean"]:
        return
    told = {
        (each.get("scorer"), each.get("name")): each.get("metrics") or {}
        for each in results.get("scores", ())
    }
    for graded in scores:
        score, seen = graded.score, ~np.isnan(graded.numbers)
        metric = told.get((score.scorer, score.key or score.scorer), {}).get("mean")
        if metric is not None and seen.any() and not (graded.status == _REFUSED).any():
            same_total(_mean(samples, graded), metric["value"], f"{label}: mean of `{score.dimension}`", 1e-9)


def _mean(samples: _Samples, graded: _Graded) -> float:
    """The mean over samples of the mean over epochs, as the tool takes it."""
    seen = ~np.isnan(graded.numbers)
    codes = samples.prompts.codes[seen]
    counts = np.bincount(codes)
    sums = np.bincount(codes, weights=graded.numbers[seen])
    return float(np.mean(sums[counts > 0] / counts[counts > 0]))
