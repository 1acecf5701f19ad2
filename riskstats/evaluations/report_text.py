"""A report in words, part by part in the order of reading, and as rows of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from riskstats.evaluations.proportions import Rate
from riskstats.evaluations.report_result import COLUMNS, EvaluationReport, Findings
from riskstats.results import as_percent

if TYPE_CHECKING:
    from riskstats.evaluations.paired import PairedComparison
    from riskstats.tail.models_report import ModelsReport
    from riskstats.tail.result import RiskProfile

__all__ = ["report_rows", "report_text"]

MOST = 20  # categories of one rate, or pairs of one outcome, that are written out
CASES = {"all": "", "best": " (missing losses at 0)", "worst": " (missing losses at 1)"}


def report_text(report: EvaluationReport) -> str:
    """The whole report."""
    parts = [_head(report), _missing(report)]
    for case, findings in report.cases.items():
        parts += _rates(findings, CASES[case], report)
    parts += [
        f"Comparisons, {outcome}\n{_pairs(found)}"
        for outcome, found in report.comparisons.items()
        if found.pairs
    ]
    for case, findings in report.cases.items():
        parts += _others(findings, CASES[case])
    parts += [_left_out(report), _gates(report), _origin(report), *_notes(report)]
    return "\n".join(part for part in parts if part)


def _head(report: EvaluationReport) -> str:
    shape = f"{len(report.models)} model{'s' * (len(report.models) > 1)}, {report.n_prompts} prompts"
    sure = as_percent(report.confidence_level)
    first = [f"Warning: {' '.join(report.warnings)}"] if report.warnings else []
    what = "a part of an evaluation" if report.origin.partial else "an evaluation"
    return "\n".join([*first, f"Report on {what}: {report.n} outcomes of {shape}; {sure} confidence."])


def _missing(report: EvaluationReport) -> str:
    told = replace(report.missingness, warning=None).summary()
    done = {
        "drop": f"  {report.dropped} of them are left out",
        "interval": "  they stand at 0 and at 1 below",
    }
    extra = done.get(report.missing) if report.missingness.missing else None
    return f"Missingness: {told}" + (f"\n{extra}" if extra else "")


# Rates


def _rates(findings: Findings, case: str, report: EvaluationReport) -> Iterator[str]:
    for outcome, models in findings.rates.items():
        methods = dict.fromkeys(f"{r.overall.method}{_kind(r.overall)}" for r in models.values())
        yield f"Rates, {outcome}{case} ({', '.join(methods)}; each alone, categories all at once)"
        for model, found in models.items():
            yield f"  {model}: {found.overall.summary().removeprefix('all: ')}"
            yield from _categories(found.categories)


def _kind(rate: Rate) -> str:
    return "" if rate.guaranteed else ", approximate"


def _categories(rates: tuple[Rate, ...]) -> Iterator[str]:
    shown = sorted(sorted(rates, key=lambda rate: -rate.upper)[:MOST], key=lambda rate: rate.name)
    for rate in shown:
        yield f"    {rate.summary()}"
    if len(rates) > len(shown):
        yield f"    ... and {len(rates) - len(shown)} categories with smaller upper limits"


def _pairs(found: PairedComparison) -> str:
    order = sorted(found.pairs, key=lambda pair: (found.p_adjusted(pair), -abs(pair.difference)))
    kept = set(map(id, order[:MOST]))
    text = replace(found, pairs=tuple(pair for pair in found.pairs if id(pair) in kept), notes=()).summary()
    whole = found.summary().partition("\n")[0]
    rest = len(found.pairs) - len(kept)
    lines = [whole, *text.split("\n")[1:], *([f"... and {rest} pairs with larger p-values"] if rest else [])]
    return "\n".join(f"  {line}" for line in lines)


# Other parts


def _others(findings: Findings, case: str) -> Iterator[str]:
    yield from _listed("Behind the flags of the judge", findings.corrected, case)
    for stage, report in findings.tails.items():
        yield f"Tail{f', {stage}' if stage else ''}{case}: mean beside CVaR"
        yield from (f"  {line}" for line in _tail(report))
    yield from _listed("Contrast pairs", findings.contrasts, case)
    yield from _listed("Levels", findings.ordinals, case)
    yield from _listed("Traces", findings.traces, case)
    yield from _listed("Expected harm", findings.harms, case)
    yield from _listed("Grade", findings.grades, case)
    for outcome, zones in findings.zones.items():
        yield f"Zones, {outcome}{case}"
        yield from (f"  {model}: {each.summary()}" for model, each in zones.items())


def _listed(title: str, found: Mapping[str, Mapping[str, Any]], case: str) -> Iterator[str]:
    for outcome, models in found.items():
        for model, each in models.items():
            yield f"{title}, {outcome}, {model}{case}"
            yield from (f"  {line}" for line in _quiet(each).summary().split("\n"))


def _quiet(found: Any) -> Any:
    """The same without its notes, which stand once at the end."""
    return replace(found, notes=()) if getattr(found, "notes", ()) else found


def _tail(report: ModelsReport) -> Iterator[str]:
    for model, profile in report.profiles.items():
        yield _profile_line(model, profile, report.unit)
    if report.comparison is not None:
        best = ", ".join(report.comparison.confidence_set)
        yield f"smallest CVaR: {best} may be the best, on {report.comparison.n} common {report.unit}"
    yield from (each.summary() for each in report.judge_noise.values())


def _profile_line(model: str, profile: RiskProfile, unit: str) -> str:
    scale, interval = profile.union, profile.union.interval
    of = f"{len(profile.marginals.names)} dimensions, any" if len(profile.marginals.names) > 1 else "loss"
    upper, how = getattr(interval, "upper", None), getattr(interval, "limit", "")
    limit = "no limit" if upper is None else f"at most {upper:.4g} ({how.partition('(')[0]})"
    units = getattr(interval, "n_units", profile.n)
    clusters = "" if units == profile.n else f" in {units} clusters"
    return (
        f"{model}: {of}: mean {scale.mean:.4g}, CVaR at level {profile.level:g} {scale.cvar:.4g}, {limit}; "
        f"n_tail = {profile.n_tail:.4g} of {profile.n} {unit}{clusters}"
    )


def _left_out(report: EvaluationReport) -> str:
    told = [
        f"  {part}{CASES[case]}: {why}"
        for case, findings in report.cases.items()
        for part, why in findings.left_out.items()
    ]
    return "\n".join(["Left out:", *told]) if told else ""


def _gates(report: EvaluationReport) -> str:
    if not report.gates:
        return ""
    lines = [f"Gates: {report.status}. {report.status.sentence}", *(f"  {gate}" for gate in report.gates)]
    return "\n".join([*lines, *_partial_gates(report)])


def _partial_gates(report: EvaluationReport) -> Iterable[str]:
    if report.origin.partial and not report.failed:
        return ("  The log is not whole, so that no gate is shown to be kept by the evaluation.",)
    return ()


def _origin(report: EvaluationReport) -> str:
    origin = report.origin
    lines = [f"Origin: riskstats {origin.version}, table {origin.input_hash}, seed {origin.seed}"]
    lines += [f"  {source}" for source in origin.sources]
    lines += [f"  scale of {name or 'the losses'}: {scale}" for name, scale in origin.scales.items()]
    return "\n".join(lines)


def _notes(report: EvaluationReport) -> Iterator[str]:
    """What must be known besides, each note once."""
    found = [note for each in report.comparisons.values() for note in each.notes]
    for findings in report.cases.values():
        parts: list[Mapping[str, Mapping[str, Any]]] = [findings.rates, findings.corrected]
        parts += [findings.contrasts, findings.ordinals, findings.traces, findings.harms]
        found += [note for part in parts for _, _, each in _each(part) for note in each.notes]
        tails = findings.tails.values()
        found += [f"Tail: {note}" for each in tails for note in (*each.common_notes(), *each.notes)]
    yield from dict.fromkeys((*report.notes, *found))


# Rows


def report_rows(report: EvaluationReport) -> Iterator[dict[str, Any]]:
    """One dictionary per number, in the order of the text."""
    for case, findings in report.cases.items():
        for row in _finding_rows(findings):
            yield _row(case=case, **row)
    apart = "told apart" if len(report.cases) == 1 else "told apart at these ends"
    for outcome, found in report.comparisons.items():
        for pair in found.pairs:
            yield _row(
                case="all" if len(report.cases) == 1 else "extremes",
                part="comparison",
                outcome=outcome,
                name=f"{pair.first} - {pair.second}",
                estimate=pair.difference,
                lower=pair.lower,
                upper=pair.upper,
                n=pair.n,
                n_units=pair.n_units,
                method=found.test,
                confidence_level=found.confidence_level,
                p_value=pair.p_value,
                p_adjusted=found.p_adjusted(pair),
                verdict=apart if pair in found.separated else None,
            )
    for gate in report.gates:
        told = "kept" if gate.kept else "not kept"
        yield _row(part="gate", outcome=gate.outcome, model=gate.model, name=gate.what, verdict=told)


def _row(**known: Any) -> dict[str, Any]:
    return {name: known.get(name) for name in COLUMNS}


def _rate_row(part: str, outcome: str, model: str, rate: Rate) -> dict[str, Any]:
    names = ("name", "estimate", "lower", "upper", "n", "n_units", "events", "method", "guaranteed")
    given = {name: getattr(rate, name) for name in (*names, "confidence_level")}
    return {"part": part, "outcome": outcome, "model": model, **given}


def _each(found: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    for outcome, models in found.items():
        for model, each in models.items():
            yield outcome, model, each


def _finding_rows(findings: Findings) -> Iterator[dict[str, Any]]:
    for outcome, model, report in _each(findings.rates):
        yield _rate_row("rate", outcome, model, report.overall)
        for rate in report.categories:
            yield _rate_row("category", outcome, model, rate)
    for outcome, model, each in _each(findings.corrected):
        yield _numbers("corrected rate", outcome, model, each.kind, each) | {
            "n": each.n,
            "method": each.method,
        }
    for stage, tails in findings.tails.items():
        yield from _tail_rows(stage, tails)
    for outcome, model, each in _each(findings.contrasts):
        for rate in (each.sensitivity, each.false_alarm, each.pair_accuracy):
            yield _rate_row("contrast", outcome, model, rate)
    for outcome, model, each in _each(findings.ordinals):
        for rate in each.at_least:
            yield _rate_row("level", outcome, model, rate)
    for outcome, model, each in _each(findings.traces):
        for rate in (each.maximum, each.mean, each.ever_unsafe):
            yield _rate_row("trace", outcome, model, rate)
    yield from _harm_rows(findings)
    for outcome, model, each in _each(findings.zones):
        yield _numbers("zone", outcome, model, "rate", each) | {"verdict": each.verdict}


def _numbers(part: str, outcome: str, model: str, name: str, found: Any) -> dict[str, Any]:
    ends = {"estimate": found.estimate, "lower": found.lower, "upper": found.upper}
    return {"part": part, "outcome": outcome, "model": model, "name": name, **ends}


def _tail_rows(stage: str, tails: ModelsReport) -> Iterator[dict[str, Any]]:
    for model, profile in tails.profiles.items():
        interval = profile.union.interval
        for name in ("mean", "value_at_risk", "cvar"):
            row: dict[str, Any] = {
                "part": "tail",
                "outcome": stage,
                "model": model,
                "name": name,
                "n": profile.n,
            }
            row["estimate"] = getattr(profile.union, name)
            if name == "cvar" and interval is not None:
                row |= {name: getattr(interval, name, None) for name in ("upper", "n_units", "guaranteed")}
                row["method"] = getattr(interval, "limit", None)
                row["confidence_level"] = getattr(interval, "confidence_level", None)
            yield row


def _harm_rows(findings: Findings) -> Iterator[dict[str, Any]]:
    for outcome, model, each in _each(findings.harms):
        yield _numbers("harm", outcome, model, "expected harm", each.expected_harm) | {"n": each.n}
        yield _numbers("harm", outcome, model, "cvar of severity x success", each.tail) | {"n": each.n}
    for outcome, model, graded in _each(findings.grades):
        yield {
            "part": "grade",
            "outcome": outcome,
            "model": model,
            "name": graded.scale.name,
            "estimate": graded.rate,
            "lower": graded.interval[0],
            "upper": graded.interval[1],
            "n": graded.total,
            "events": graded.unsafe,
            "verdict": f"{graded.grade}; reachable {', '.join(graded.reachable)}",
        }
