"""The front door of risk control: certify candidates against one limit, or against several at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats._samples import candidate_names, checked_support, loss_matrix
from riskstats._validation import Floats, choice, number, quoted
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.base import Bound
from riskstats.bounds.choose import recommend
from riskstats.bounds.multiple_testing import (
    FixedSequence,
    Procedure,
    design_delta,
    fixed_sequence,
    holm,
    procedure_name,
    sequential_graphical,
)
from riskstats.bounds.notes import SCOPE
from riskstats.bounds.row_order import takes_rows_in_order, warn_of_trend
from riskstats.bounds.sample import Sample
from riskstats.bounds.units import unit_losses
from riskstats.control.pairing import checked_bound, checked_measure
from riskstats.control.result import CertifiedRisk, CertifiedSet
from riskstats.control.selection import checked_objective, selected_candidate
from riskstats.exceptions import InvalidInput
from riskstats.measures.base import RiskMeasure, evaluated
from riskstats.results import Status

__all__ = ["Requirement", "certify", "certify_jointly"]


@dataclass(frozen=True, eq=False)
class Requirement:
    """One risk that every candidate must keep.

    Parameters
    ----------
    losses : (m, n) candidates x units, or a frame or dict with one column per candidate.
    measure : what is limited. risk_limit : the limit.
    bound : the method; None takes `recommend`.
    support : (lowest, highest) possible loss.
    binary : whether losses are 0 or 1; bool losses are.
    cluster : (n,) labels of what was sampled independently; losses are averaged in each first.
    name : what the losses measure, for the answer. Of several requirements with the same measure, those
        without a name are called "requirement 1", "requirement 2", ... by their place.
    """

    losses: Any
    measure: RiskMeasure
    risk_limit: float
    bound: Bound | None = None
    support: tuple[float, float] = (0.0, 1.0)
    binary: bool = False
    cluster: Any = None
    name: str = ""


def certify(
    losses: Any,
    measure: RiskMeasure | None = None,
    *,
    risk_limit: float,
    bound: Bound | None = None,
    procedure: Procedure = holm,
    confidence_level: float = 0.95,
    support: tuple[float, float] = (0.0, 1.0),
    binary: bool = False,
    cluster: Any = None,
    objective: Any = None,
    names: Any = None,
    device: str = "auto",
) -> CertifiedSet:
    """Candidates whose risk is within the limit: with probability `confidence_level` all of them are.

    Parameters
    ----------
    losses : (m, n) candidates x units, all scored on the same units, or a frame or dict with one column per
        candidate; (n,) is one candidate. Larger is worse, in `support`.
    measure : what is limited; None is the mean.
    risk_limit : in the units of the losses. Risks equal to it count as within.
    bound : the method of the p-values; None takes `recommend(measure, n, binary=...)`.
    procedure : `holm`, `bonferroni`, `fixed_sequence(order=...)`, `sequential_graphical(...)`, or a callable
        `(p_values, confidence_level) -> indices` of your own that keeps the error over the whole family.
    support, binary, cluster : as in `upper_bound`; `cluster` labels the units, for all candidates.
    objective : (m,) numbers to minimise among the certified; None takes the estimates.
    names : of the candidates.
    device : "auto", "numpy", "cpu" or "gpu", for bounds that have a choice; others ignore it.

    Choosing among the certified after looking is covered. Choosing the measure, the limit, the bound or the
    candidates after looking at these losses is not.

    Raises
    ------
    InvalidInput : NaN, losses outside the support, repeated unit ids, a limit that is not finite.
    IncompatibleBound : a bound without a statement for this measure.
    """
    requirement = Requirement(losses, checked_measure(measure), risk_limit, bound, support, binary, cluster)
    delta = 1.0 - checked_confidence(confidence_level)
    case = _case(requirement, device)
    test = _checked_procedure(procedure)
    risk = _evidence(case, test, delta, statements=case.sample.n_candidates)
    return _result((risk,), (case,), test, confidence_level, objective, names)


def certify_jointly(
    requirements: Sequence[Requirement],
    *,
    procedure: Procedure = holm,
    confidence_level: float = 0.95,
    objective: Any = None,
    names: Any = None,
    device: str = "auto",
) -> CertifiedSet:
    """Candidates that keep every one of several limits: with probability `confidence_level` all of them do.

    The p-value of a candidate is the largest over its risks, a test of "at least one limit is exceeded":
    several risks cost no share of the error. Requirements may differ in their units, and in the number of
    units, but not in their candidates. The upper bounds of k risks of m candidates are at `delta / (k m)`
    each, so that all of them hold together.

    Parameters
    ----------
    requirements : one `Requirement` per risk; the first is what `estimates`, `upper_bounds` and the default
        objective of the answer are about, `risks` has all of them.

    Other arguments and errors as in `certify`.
    """
    wanted = _requirements(requirements)
    delta = 1.0 - checked_confidence(confidence_level)
    cases = tuple(_case(requirement, device) for requirement in wanted)
    _same_candidates(cases)
    test = _checked_procedure(procedure)
    statements = len(cases) * cases[0].sample.n_candidates
    labels = _risk_names(wanted, cases)
    risks = tuple(
        _evidence(case, test, delta, statements, name) for case, name in zip(cases, labels, strict=True)
    )
    return _result(risks, cases, test, confidence_level, objective, names)


@dataclass(frozen=True, eq=False)
class _Case:
    """A requirement that passed the gate."""

    sample: Sample
    measure: RiskMeasure
    bound: Bound
    risk_limit: float
    names: tuple[str, ...] | None
    clustered: bool


def _case(requirement: Requirement, device: str) -> _Case:
    support = checked_support(requirement.support)
    limit = number(requirement.risk_limit, "risk_limit")
    clustered, losses = requirement.cluster is not None, requirement.losses
    if clustered and hasattr(losses, "reset_index"):
        losses = losses.reset_index(drop=True)
    matrix, boolean, names = loss_matrix(losses, support)
    if clustered:
        sample = Sample(unit_losses(matrix, requirement.cluster)[1], support)
    else:
        sample = Sample(matrix, support, boolean or requirement.binary)
    measure, bound = checked_measure(requirement.measure), checked_bound(requirement.bound)
    if bound is None:
        bound = recommend(measure, sample.n_units, binary=sample.binary, bounded=sample.bounded)
    return _Case(sample, measure, _placed(bound, device), limit, names, clustered)


def _placed(bound: Bound, device: str) -> Bound:
    """The bound on the device asked for, where it has a choice."""
    choice(device, ("auto", "numpy", "cpu", "gpu"), "device")
    if device == "auto" or not hasattr(bound, "device"):
        return bound
    return dataclasses.replace(bound, device=device)  # type: ignore[type-var]


def _checked_procedure(procedure: Any) -> Procedure:
    if procedure is fixed_sequence:
        fixed_sequence(order=None)
    if procedure is sequential_graphical:
        raise InvalidInput("`sequential_graphical` needs `weights=` and `transitions=`; call it with them.")
    if not callable(procedure):
        raise InvalidInput(f"`procedure` must be a multiple test such as `holm`; got {procedure!r}.")
    return procedure


def _requirements(requirements: Any) -> tuple[Requirement, ...]:
    wanted = tuple(requirements) if isinstance(requirements, Sequence) else ()
    wrong = next((each for each in wanted if not isinstance(each, Requirement)), None)
    if not wanted or wrong is not None:
        got = repr(requirements) if not wanted else type(wrong).__name__
        raise InvalidInput(f"`requirements` must be a list of `Requirement`; got {got}.")
    return wanted


def _same_candidates(cases: Sequence[_Case]) -> None:
    counts = [case.sample.n_candidates for case in cases]
    if len(set(counts)) > 1:
        raise InvalidInput(f"every requirement must score the same candidates; got {counts} of them.")
    named = list(dict.fromkeys(case.names for case in cases if case.names is not None))
    if len(named) > 1:
        raise InvalidInput(
            f"every requirement must name the same candidates in the same order; got {quoted(named[0])} and "
            f"{quoted(named[1])}."
        )


def _risk_names(wanted: Sequence[Requirement], cases: Sequence[_Case]) -> list[str]:
    """The given names; of unnamed requirements with the same measure, their places."""
    what = [(str(case.measure), each.name) for each, case in zip(wanted, cases, strict=True)]
    for measure, name in what:
        if name and what.count((measure, name)) > 1:
            raise InvalidInput(f"two requirements are on {measure} of {name!r}; give each its own `name`.")
    return [
        name or (f"requirement {k}" if what.count((measure, name)) > 1 else "")
        for k, (measure, name) in enumerate(what, start=1)
    ]


def _evidence(
    case: _Case, procedure: Procedure, delta: float, statements: int, name: str = ""
) -> CertifiedRisk:
    """p-values at the error of the test, estimates, and upper bounds at `delta / statements`."""
    sample, measure, bound = case.sample, case.measure, case.bound
    bound.check(sample, measure)
    warn_of_trend(sample, bound)
    design = design_delta(procedure, delta, sample.n_candidates)
    return CertifiedRisk(
        measure=str(measure),
        bound=str(bound),
        risk_limit=case.risk_limit,
        p_values=bound.p_value(sample, measure, case.risk_limit, design),
        estimates=np.atleast_1d(evaluated(measure, sample.values)),
        upper_bounds=bound.upper(sample, measure, delta / statements),
        n_units=sample.n_units,
        support=sample.support,
        name=name,
    )


def _result(
    risks: tuple[CertifiedRisk, ...],
    cases: tuple[_Case, ...],
    procedure: Procedure,
    confidence_level: float,
    objective: Any,
    names: Any,
) -> CertifiedSet:
    first = risks[0]
    p_values: Floats = np.max([risk.p_values for risk in risks], axis=0)
    certified = _rejected(procedure, p_values, confidence_level)
    own = next((case.names for case in cases if case.names is not None), None)
    return CertifiedSet(
        certified=certified,
        selected=selected_candidate(certified, checked_objective(objective, first.estimates)),
        p_values=p_values,
        upper_bounds=first.upper_bounds,
        estimates=first.estimates,
        risk_limit=first.risk_limit,
        procedure=procedure_name(procedure),
        measure=first.measure,
        bound=first.bound,
        confidence_level=confidence_level,
        n_units=first.n_units,
        support=first.support,
        names=candidate_names(names, own, len(p_values)),
        status=Status.CERTIFIED if certified else Status.NOT_CERTIFIED,
        notes=_notes(cases, procedure),
        risks=risks if len(risks) > 1 else (),
        unit="clusters" if all(case.clustered for case in cases) else "units",
    )


def _rejected(procedure: Procedure, p_values: Floats, confidence_level: float) -> tuple[int, ...]:
    """Sorted indices; a procedure of the caller's own may return them in any order."""
    indices = np.asarray(procedure(p_values, confidence_level))
    if indices.size == 0:
        return ()
    if (
        indices.dtype.kind not in "iu"
        or indices.ndim != 1
        or not 0 <= indices.min() <= indices.max() < len(p_values)
    ):
        raise InvalidInput(
            f"`procedure` must return indices of candidates, from 0 to {len(p_values) - 1}; got {indices!r}."
        )
    return tuple(sorted(set(indices.tolist())))


def _notes(cases: Sequence[_Case], procedure: Procedure) -> tuple[str, ...]:
    notes = [note for case in cases for note in _limit_notes(case)]
    if any(takes_rows_in_order(case.bound) for case in cases):
        notes.append("The bound takes units in the order of the data, which must not depend on the losses.")
    if isinstance(procedure, FixedSequence):
        notes.append(
            "The order of the fixed sequence must not depend on these losses: fix it in advance, or on other "
            "data."
        )
    return tuple(dict.fromkeys([*notes, SCOPE]))


def _limit_notes(case: _Case) -> list[str]:
    low, high = case.sample.support
    if case.risk_limit >= high and case.measure.equivariant:
        return [
            f"The limit {case.risk_limit:g} is not below the largest possible loss, {high:g}: trivially met."
        ]
    if case.risk_limit < low and case.measure.equivariant:
        return [
            f"The limit {case.risk_limit:g} is below the smallest possible loss, {low:g}: it cannot be met."
        ]
    return []
