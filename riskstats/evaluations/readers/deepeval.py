"""Test runs of deepeval (4.3): metrics of test cases, with thresholds that check the declared direction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from riskstats.evaluations.readers.log_file import LogFile
from riskstats.evaluations.readers.rows import Asked, Rows, Undeclared, needed, number_of, same_total
from riskstats.evaluations.scale import Scale
from riskstats.evaluations.table import OutcomeTable
from riskstats.exceptions import InvalidInput

__all__ = ["read", "recognises"]

NAME = "deepeval"
_LISTS = ("testCases", "conversationalTestCases")
_WRAPPED = "testRunData"


def recognises(first: Any) -> bool:
    """Whether a JSON file is such a test run."""
    return isinstance(first, dict) and ("testCases" in first or _WRAPPED in first)


def read(log: LogFile, asked: Asked) -> OutcomeTable:
    """A row per test case and metric; the evaluation model is the judge."""
    document = log.document()
    document = document.get(_WRAPPED, document)
    if asked.model is None:
        raise InvalidInput(
            f"{log.label}: a deepeval run does not name the model under test (`evaluationModel` is "
            "the judge). Pass "
            "`model=`."
        )
    needed(document, "testCases", log.label)
    cases = [case for name in _LISTS for case in document.get(name) or ()]
    partial = _unfinished(log, document, cases, asked)
    rows = Rows(log, NAME, asked, "test case")
    twice = {name for name, count in Counter(case.get("name") for case in cases).items() if count > 1}
    for place, case in enumerate(cases):
        name = needed(case, "name", f"{log.label}, test case {place}")
        prompt = f"{name}#{case.get('order', place)}" if name in twice else name
        for metric in case.get("metricsData") or ():
            _add(rows, place, prompt, case, metric)
    return rows.table(partial=partial)


def _unfinished(log: LogFile, document: Mapping[str, Any], cases: list[Any], asked: Asked) -> bool:
    """Whether the run has no totals yet; where it has, they must be those of the test cases."""
    told = [document.get(name) for name in ("testPassed", "testFailed")]
    if all(count is None for count in told):
        if not asked.keep_partial:
            raise InvalidInput(
                f"{log.label} has neither 'testPassed' nor 'testFailed': the run has not finished. Pass "
                "`partial='keep'` to read what there is."
            )
        return True
    passed = sum(case.get("success") is True for case in cases)
    same_total(passed, told[0] or 0, f"{log.label}: `testPassed`")
    same_total(len(cases) - passed, told[1] or 0, f"{log.label}: `testFailed`")
    return False


def _add(rows: Rows, place: int, prompt: str, case: Mapping[str, Any], metric: Mapping[str, Any]) -> None:
    log, asked = rows.log, rows.asked
    name = str(needed(metric, "name", f"{log.label}, test case {place}, metricsData"))
    if not asked.wants(name):
        return
    scale = asked.scale_of(name, said=f"deepeval metric `{name}`", label=log.label)
    score = number_of(metric.get("score"), asked.values, f"{log.label}, test case {place}, `{name}`")
    status = "error" if metric.get("error") else ""
    if score is not None and not status and asked.check_direction:
        _agree(metric, name, score, scale, log.path.name)
    rows.add(
        place,
        prompt=prompt,
        score=score,
        scale=scale,
        model=asked.model,
        status=status,
        record={**case, "metric": metric},
        text={"dimension": name, "judge": str(metric.get("evaluationModel") or "")},
    )


def _agree(metric: Mapping[str, Any], name: str, score: float, scale: Scale, file: str) -> None:
    """A success on the bad side of the threshold, or a failure on the good one, contradicts the scale."""
    success, threshold = metric.get("success"), metric.get("threshold")
    if isinstance(scale, Undeclared):
        return
    if not isinstance(success, bool) or not isinstance(threshold, (int, float)) or score == threshold:
        return
    above = score > threshold
    good = above if scale.worse == "low" else not above
    if success != good:
        sign = ">" if above else "<"
        raise InvalidInput(
            f"`{name}` in {file}: success={success} at score {score:g} {sign} threshold "
            f"{threshold:g}, but the "
            f"declared scale says {scale.worse} is worse. Correct `scale`, or the log."
        )
