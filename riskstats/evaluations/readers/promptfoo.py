"""Output of promptfoo: results of test cases, high scores pass."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from riskstats.evaluations.readers.log_file import LogFile
from riskstats.evaluations.readers.rows import ABSENT, Asked, Rows, dig, needed, number_of, same_total
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.exceptions import InvalidInput

__all__ = ["read", "recognises"]

NAME = "promptfoo"
SCORE = "score"
SCALE = Scale(0.0, 1.0, "low", "promptfoo score")
FAILED = 2
"""`failureReason` of a test case that ended by an error, and not by a verdict."""


def recognises(first: Any) -> bool:
    """Whether a JSON file is such an output."""
    return isinstance(first, dict) and isinstance(dig(first, "results.results"), list)


def read(log: LogFile, asked: Asked) -> OutcomeTable:
    """A row per provider, test case and repeat; named scores only where `scale` names them."""
    document = log.document()
    results = needed(needed(document, "results", log.label), "results", f"{log.label}, results")
    rows, ids = Rows(log, NAME, asked, "result"), _Ids()
    known = {name for result in results for name in result.get("namedScores") or ()}
    for place, result in enumerate(results):
        said = f"{log.label}, result {place}"
        provider = needed(result, "provider", said)
        model = asked.model or (needed(provider, "id", said) if isinstance(provider, dict) else provider)
        prompt, epoch = ids.of(result, model, said)
        for name, value in _scores(result, asked, known, said):
            scale = _scale(name, log, asked)
            status = _status(result)
            if asked.check_direction:
                _agree(result, name, value, status, scale, said)
            rows.add(
                place,
                prompt=prompt,
                score=number_of(value, asked.values, f"{said}, `{name}`"),
                scale=scale,
                model=model,
                epoch=epoch,
                status=status,
                record=result,
                text={
                    "dimension": "" if name == SCORE else name,
                    "strategy": _metadata(result, "strategyId"),
                    "category": _metadata(result, "pluginId"),
                },
            )
    _check(log, document["results"], results)
    version = dig(document, "metadata.promptfooVersion")
    return rows.table(version if isinstance(version, str) else "", conditions=("strategy",))


class _Ids:
    """Ids of test cases and numbers of repeats: a repeat has the same prompt and the same case again."""

    def __init__(self) -> None:
        self.first: dict[str, str] = {}
        self.seen: dict[tuple[str, str], int] = defaultdict(int)

    def of(self, result: Mapping[str, Any], model: str, said: str) -> tuple[str, int]:
        """(prompt id, epoch)."""
        prompt, test = needed(result, "promptId", said), needed(result, "testIdx", said)
        case = {"vars": result.get("vars"), "case": result.get("testCase") or test}
        key = f"{prompt}{json.dumps(case, sort_keys=True)}"
        name = self.first.setdefault(key, f"{str(prompt)[:12]}/{test}")
        self.seen[model, key] += 1
        return name, self.seen[model, key]


def _scores(result: Mapping[str, Any], asked: Asked, known: set[str], said: str) -> Iterator[tuple[str, Any]]:
    """The score, and the named scores that `scale` names."""
    if asked.wants(SCORE):
        yield SCORE, needed(result, SCORE, said)
    if isinstance(asked.scale, Mapping):
        named = result.get("namedScores") or {}
        for name in asked.scale:
            if name != SCORE and name in known:
                yield name, named.get(name)


def _scale(name: str, log: LogFile, asked: Asked) -> Scale:
    fixed = SCALE if name == SCORE else None
    return asked.scale_of(name, said=f"promptfoo score `{name}`", fixed=fixed, label=log.label)


def _metadata(result: Mapping[str, Any], key: str) -> str:
    for path in (f"metadata.{key}", f"testCase.metadata.{key}"):
        found = dig(result, path)
        if found is not ABSENT and found:
            return str(found)
    return ""


def _status(result: Mapping[str, Any]) -> str:
    """Error for a failed call; ungraded where the grader failed, or nobody graded a pass with score 0."""
    grading = result.get("gradingResult")
    if result.get("failureReason") == FAILED or (result.get("error") and not grading):
        return "error"
    parts = [grading or {}, *((grading or {}).get("componentResults") or [])]
    if any((part.get("metadata") or {}).get("graderError") for part in parts if part):
        return "ungraded"
    return "ungraded" if not grading and result.get("success") and not result.get("score") else ""


def _agree(result: Mapping[str, Any], name: str, value: Any, status: str, scale: Scale, said: str) -> None:
    """The worst score is no success, and the best one no failure."""
    success = result.get("success")
    if name != SCORE or status or not isinstance(success, bool) or not isinstance(value, (int, float)):
        return
    worst, best = (scale.high, scale.low) if scale.worse == "high" else (scale.low, scale.high)
    if value == (worst if success else best):
        raise InvalidInput(
            f"{said}: success={success} at score {value:g}, but the scale says that {scale.worse} "
            "is worse. The two "
            "contradict each other: correct the log, or leave the result out."
        )


def _check(log: LogFile, whole: Mapping[str, Any], results: list[Mapping[str, Any]]) -> None:
    stats = whole.get("stats")
    if not isinstance(stats, Mapping):
        return
    failed = sum(result.get("failureReason") == FAILED for result in results)
    passed = sum(bool(result.get("success")) for result in results)
    found = {"successes": passed, "errors": failed, "failures": len(results) - passed - failed}
    for name, count in found.items():
        if name in stats:
            same_total(count, stats[name], f"{log.label}: `stats.{name}`")
