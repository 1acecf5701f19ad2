"""A profile in the words and the few tables that a committee reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from riskstats.cli._losses import aligned
from riskstats.results import as_percent
from riskstats.tail.result import RiskProfile, ScaleProfile

__all__ = ["profile_text"]

_MOST_ROWS = 12
_RANGE = "range at the tie"
_RATIOS = {
    "cvar_over_mean": "CVaR / mean",
    "cvar_over_value_at_risk": "CVaR / value at risk",
    "excess_over_sd": "(CVaR - mean) / sd",
}


def profile_text(profile: RiskProfile, name: str, unit: str) -> str:
    """The profile of a model whose rows are `unit`, such as prompts."""
    tail = f"n_tail = {profile.n_tail:.4g} at level {profile.level:g}"
    worst = f"the tail is the worst {100 * (1.0 - profile.level):.6g} %"
    lines = [
        f"Model {name}: {profile.n} {unit}, {tail} ({worst})",
        *_scale(profile.union, "risk that anything goes wrong"),
        *_limit_line(profile, unit),
        *_frechet(profile),
        *(_scale(profile.log_risk, "log-risk") if profile.log_risk is not None else []),
        *([f"  {profile.clip.summary()}"] if profile.clip is not None else []),
        *_tables(profile),
        *_worst(profile, unit),
    ]
    return "\n".join(lines)


def _scale(scale: ScaleProfile, words: str) -> Iterator[str]:
    """One scale: CVaR with its limit, then what it stands beside."""
    yield f"  {words}: CVaR {scale.cvar:.4g}{_limit(scale.interval)}"
    low, high = scale.value_at_risk, scale.value_at_risk_upper
    side = f"{low:.4g} (both sides)" if low == high else f"{low:.4g} (lower), {high:.4g} (upper)"
    yield f"    value at risk {side}, mean {scale.mean:.4g}, sd {scale.sd:.4g}"
    ratios = [_ratio(scale, name, words) for name, words in _RATIOS.items()]
    yield f"    {', '.join(ratios)}"
    tied = f"{100 * scale.tied_share:.3g} % of the tail tied at the value at risk"
    yield f"    n_eff = {scale.n_eff:.4g}, {tied}"


def _limit(interval: Any) -> str:
    upper = getattr(interval, "upper", None)
    if upper is None:
        return ", no limit"
    kind = "guaranteed" if interval.guaranteed else "approximate"
    sure = as_percent(interval.confidence_level)
    return f", at most {upper:.4g} with {sure} confidence ({interval.limit}, {kind})"


def _ratio(scale: ScaleProfile, name: str, words: str) -> str:
    value = scale.ratios[name]
    return f"{words} undefined ({scale.undefined[name]})" if value is None else f"{words} {value:.4g}"


def _limit_line(profile: RiskProfile, unit: str) -> list[str]:
    """The risk limit, and the share of units beyond it."""
    if profile.risk_limit is None:
        return []
    upper = getattr(profile.interval, "upper", None)
    kept = upper is not None and upper <= profile.risk_limit
    verdict = "shown to be kept" if kept else "NOT shown to be kept"
    share = f"{100 * float(profile.exposure or 0.0):.3g} % of the {unit}"
    return [f"  risk limit {profile.risk_limit:g} on CVaR: {verdict}; {share} have a risk above it"]


def _frechet(profile: RiskProfile) -> list[str]:
    """The range of CVaR when nothing is known of how the dimensions depend; none for a single one."""
    if len(profile.marginals.names) == 1:
        return []
    low, high = profile.frechet.cvar_lower, profile.frechet.cvar_upper
    return [f"  without independence, however the dimensions hang together: CVaR {low:.4g} to {high:.4g}"]


def _tables(profile: RiskProfile) -> Iterator[str]:
    """What the tail is made of, by dimension and by every kind of label."""
    part = profile.attribution.parts[0]
    if len(part.names) > 1:
        alone = dict(zip(part.names, profile.marginals.cvar.tolist(), strict=True))
        rows = [[*row, f"{alone[row[0]]:.4g}"] for row in _piece_rows(part, profile.cvar)]
        yield _table(["dimension", "part of CVaR", "share", _RANGE, "CVaR alone"], rows)
    for group in profile.groups:
        yield _table(*_group_table(profile, group))
        ratio = "undefined" if group.ratio is None else f"{group.ratio:.4g}"
        few = "" if group.ranked.all() else " (without those in brackets, whose n_tail is below 1)"
        yield f"  largest / smallest CVaR by {group.by}: {ratio}{few}"


def _piece_rows(part: Any, total: float) -> list[list[str]]:
    """Name, part, share and range of each piece, the largest first."""
    rows = sorted(part.rows(total), key=lambda row: -row["value"])
    return [
        [
            row["name"],
            f"{row['value']:.4g}",
            "" if row["share"] is None else f"{100 * row['share']:.1f} %",
            f"{row['lower']:.4g} to {row['upper']:.4g}" if row["upper"] - row["lower"] > 1e-9 else "",
        ]
        for row in rows
    ]


def _group_table(profile: RiskProfile, group: Any) -> tuple[list[str], list[list[str]]]:
    pieces = {row[0]: row[1:] for row in _piece_rows(profile.attribution[group.by], profile.cvar)}
    rows = [
        [
            name,
            *pieces[name],
            f"{group.cvar[i]:.4g}" if group.ranked[i] else f"({group.cvar[i]:.4g})",
            f"{group.n[i]}",
            f"{group.n_tail[i]:.3g}",
        ]
        for i, name in enumerate(group.names)
    ]
    return [group.by, "part of CVaR", "share", _RANGE, "CVaR alone", "n", "n_tail"], rows


def _table(head: list[str], rows: list[list[str]]) -> str:
    """Columns of text; that of ranges only where there is one."""
    kept = [j for j, title in enumerate(head) if title != _RANGE or any(row[j] for row in rows)]
    text = aligned([head[j] for j in kept], [[row[j] for j in kept] for row in rows[:_MOST_ROWS]])
    rest = len(rows) - _MOST_ROWS
    lines = [*text.splitlines(), *([f"and {rest} more"] if rest > 0 else [])]
    return "\n".join(f"  {line}" for line in lines)


def _worst(profile: RiskProfile, unit: str) -> list[str]:
    """The units that weigh most in the tail."""
    part = profile.attribution["prompt"]
    rows = sorted(part.rows(profile.cvar), key=lambda row: -row["value"])[:5]
    named = ", ".join(f"{row['name']} ({row['value']:.3g})" for row in rows if row["value"] > 0)
    return [f"  {unit} with the largest parts of CVaR: {named}"] if named else []
