"""Correcting a judge by human labels: on a random subset of the items, or on the flagged ones only."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstats._random import generator
from riskstats._samples import warn_of_assumption
from riskstats._validation import Floats, Integers
from riskstats.control.judge import judge_corrected_bound
from riskstats.evaluations.clustering import ratio, t_quantile, unit_sums
from riskstats.evaluations.known_errors import ErrorRate, by_precision
from riskstats.evaluations.rate_methods import RateSample, binary_losses, needs_binary
from riskstats.exceptions import IncompatibleBound, InvalidInput

__all__ = ["corrected_by_labels", "labels_of", "verified_flagged"]

FEW = 10  # disagreements below which the error of the correction is not well known
FAR = 6.0  # standard errors between the judge on labelled and on other items that are no chance


def labels_of(human: Any, judge: Floats, verified: str | None) -> Floats:
    """(n,) human labels in [0, 1], NaN where there is none."""
    try:
        labels = np.asarray(human, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"`human` must be numbers, NaN where an item has no label; {error}.") from error
    if labels.shape != judge.shape:
        raise InvalidInput(
            f"`human` must be one label per item, NaN where there is none: ({len(judge)},); got shape "
            f"{labels.shape}."
        )
    known = ~np.isnan(labels)
    if not known.any():
        raise InvalidInput("`human` has no label at all: every value is NaN. Label some items.")
    if (labels[known] < 0).any() or (labels[known] > 1).any():
        wrong = labels[known][(labels[known] < 0) | (labels[known] > 1)][0]
        raise InvalidInput(f"`human` must lie in support (0, 1); got {wrong:g}. Rescale the labels.")
    _covers(known, judge, verified)
    return labels


def _covers(known: Any, judge: Floats, verified: str | None) -> None:
    """`InvalidInput` where the labelled items are not those that were declared."""
    unflagged = judge == 0
    if verified == "flagged":
        if (extra := known & unflagged).any():
            raise InvalidInput(
                f"`verified='flagged'`, and {int(extra.sum())} items without a flag have a label, first "
                f"at row {int(extra.argmax())}. For a random subset pass verified='random'."
            )
        return
    if verified is None and binary_losses(judge) and unflagged.any() and not (known & unflagged).any():
        raise InvalidInput(
            "`human_label` covers only flagged items: the corrected rate is a lower bound. Pass "
            "`verified='flagged'`."
        )


def verified_flagged(
    labels: Floats, share: RateSample, sensitivity: ErrorRate | None, delta: float
) -> dict[str, Any]:
    """Flagged and confirmed: a lower bound of the true rate, unless the sensitivity is known.

    Where every flagged item was looked at, it is the share of items with a confirmed flag. Where only a
    random part of them was, it is the flagged share times the precision in that part.
    """
    needs_binary(share.losses, "judge")
    flagged, known = share.losses == 1, ~np.isnan(labels)
    if not flagged.any():
        raise InvalidInput("`verified='flagged'`, and the judge flags no item. Use `rate_interval`.")
    found: dict[str, Any]
    if known[flagged].all():
        confirmed = np.where(flagged, np.nan_to_num(labels), 0.0)
        plain = share.codes is None and binary_losses(confirmed)
        part = RateSample(confirmed, share.codes, None, "clopper-pearson" if plain else "betting", share.seed)
        found = by_precision(part, ErrorRate(1.0), sensitivity, delta, kind="flagged items verified")
    else:
        seen = labels[known]
        codes = None if share.codes is None else share.codes[known]
        plain = codes is None and binary_losses(seen)
        part = RateSample(seen, codes, None, "clopper-pearson" if plain else "betting", share.seed)
        found = by_precision(
            share,
            ErrorRate(part.estimate, len(seen)),
            sensitivity,
            delta,
            kind="flagged items verified",
            precision_limits=lambda each: (part.lower(each), part.upper(each)),
        )
        found["notes"] = (
            (
                f"{int(known.sum())} of {int(flagged.sum())} flagged items have a label, taken as a random "
                "part of them."
            ),
        )
    return found | {"n_labelled": int(known.sum())}


def corrected_by_labels(
    labels: Floats, judge: Floats, codes: Integers | None, method: str, delta: float, seed: int
) -> dict[str, Any]:
    """`mean f + mean(y - f over the labelled)` with limits."""
    known = ~np.isnan(labels)
    _not_chosen(judge, known, codes)
    errors = labels[known] - judge[known]
    value = float(judge.mean() + errors.mean())
    if method == "betting":
        lower, upper = _guaranteed(labels, judge, codes, delta, seed)
        notes: tuple[str, ...] = ()
    else:
        lower, upper = _student(value, errors, judge, known, codes, delta)
        notes = _few(errors)
    estimate = min(max(value, 0.0), 1.0)
    return {
        "estimate": estimate,
        "lower": min(max(lower, 0.0), estimate),
        "upper": max(min(upper, 1.0), estimate),
        "kind": "human labels",
        "is_lower_bound": False,
        "method": method,
        "guaranteed": method == "betting",
        "n_labelled": int(known.sum()),
        "notes": notes,
    }


def _few(errors: Floats) -> tuple[str, ...]:
    wrong = int(np.count_nonzero(errors))
    if wrong >= FEW:
        return ()
    return (
        (
            f"Judge and human differ on {wrong} labelled items only: the stated confidence may not be "
            "reached. Use method='betting', which holds at every n."
        ),
    )


def _student(
    value: float, errors: Floats, judge: Floats, known: Any, codes: Integers | None, delta: float
) -> tuple[float, float]:
    """Limits by the linear form of the estimate, summed over the units."""
    linear = (judge - judge.mean()) / len(judge)
    linear[known] += (errors - errors.mean()) / len(errors)
    parts = unit_sums(linear, codes)
    labelled = int(known.sum()) if codes is None else len(np.unique(codes[known]))
    if labelled < 2:
        raise InvalidInput(
            f"`human` labels lie in {labelled} unit; two or more are needed for an error. Label more items."
        )
    error = np.sqrt(len(parts) / (len(parts) - 1.0) * np.dot(parts, parts))
    reach = t_quantile(labelled, delta / 2) * float(error)
    return value - reach, value + reach


def _guaranteed(
    labels: Floats, judge: Floats, codes: Integers | None, delta: float, seed: int
) -> tuple[float, float]:
    """Two one-sided bounds by bets, the lower one by reflection."""
    if codes is not None:
        raise IncompatibleBound(
            "`betting` with human labels has no statement with `cluster`. Use method='difference', or one "
            "item per cluster."
        )
    order = generator(seed).permutation(np.lexsort((judge, labels)))
    y, f = labels[order], judge[order]
    known = ~np.isnan(y)
    if known.all():
        raise InvalidInput(
            "every item has a human label: use `rate_interval` on them; the judge adds nothing."
        )
    sure = 1.0 - delta / 2
    ends = [
        judge_corrected_bound(human, own, rest, confidence_level=sure).value
        for human, own, rest in (
            (y[known], f[known], f[~known]),
            (1.0 - y[known], 1.0 - f[known], 1.0 - f[~known]),
        )
    ]
    return 1.0 - ends[1], ends[0]


def _not_chosen(judge: Floats, known: Any, codes: Integers | None) -> None:
    """`AssumptionWarning` where the judge rates labelled items far from the others: they were chosen."""
    if known.all() or known.sum() < 2 or (~known).sum() < 2:
        return
    parts = [
        ratio(judge[rows], None if codes is None else np.unique(codes[rows], return_inverse=True)[1])
        for rows in (known, ~known)
    ]
    error = float(np.hypot(parts[0].error, parts[1].error))
    gap = parts[0].value - parts[1].value
    if abs(gap) > FAR * error and abs(gap) > 1e-12:
        warn_of_assumption(
            f"the judge rates labelled items {parts[0].value:.3g} and the others {parts[1].value:.3g} on "
            "average: labels do not look like a random subset, and the corrected rate assumes one."
        )
