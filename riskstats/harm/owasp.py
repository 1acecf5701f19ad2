"""The OWASP risk rating with what its factors leave open: reachable severities and their probabilities.

Likelihood is the mean of eight factors, impact the mean of four, all from 0 to 9; a mean below 3 is low,
below 6 medium, otherwise high, and a matrix of nine cells names the severity. A factor may be a point, a
range or a triangle. The range of a mean is the mean of the ranges, so the reachable severities are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, quoted, whole_number
from riskstats.exceptions import InvalidInput
from riskstats.harm.grade_scale import exact_fraction
from riskstats.results import Result, frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = [
    "BUSINESS",
    "LEVELS",
    "LIKELIHOOD",
    "MATRIX",
    "SEVERITIES",
    "TECHNICAL",
    "OwaspRating",
    "StakeholderRating",
    "owasp_rating",
]

LIKELIHOOD = (
    *("skill", "motive", "opportunity", "size"),
    *("ease of discovery", "ease of exploit", "awareness", "intrusion detection"),
)
TECHNICAL = ("confidentiality", "integrity", "availability", "accountability")
BUSINESS = ("financial damage", "reputation damage", "non-compliance", "privacy violation")
LEVELS = ("low", "medium", "high")
SEVERITIES = ("Note", "Low", "Medium", "High", "Critical")
MATRIX = {
    ("low", "low"): "Note",
    ("low", "medium"): "Low",
    ("low", "high"): "Medium",
    ("medium", "low"): "Low",
    ("medium", "medium"): "Medium",
    ("medium", "high"): "High",
    ("high", "low"): "Medium",
    ("high", "medium"): "High",
    ("high", "high"): "Critical",
}
CAVEAT = (
    "The factors are ordinal: their mean treats a step from 1 to 2 like one from 8 to 9, which nothing shows."
)
_CUTS = (3, 6)
_EVERYONE = "all"


@dataclass(frozen=True)
class StakeholderRating(Result):
    """The rating of one stakeholder.

    Attributes
    ----------
    name, impact_kind : of the stakeholder, and "business" or "technical".
    likelihood, impact : means at the points, the modes of triangles and the middles of ranges.
    likelihood_level, impact_level, severity : at these means.
    likelihood_range, impact_range : smallest and largest mean.
    reachable : severities of some choice of every factor in its range, from Note to Critical.
    probabilities : P(severity), factors independent, uniform in a range.
    moved_by_one : factors whose change by one, within 0 to 9, moves the severity, and to which.
    """

    name: str
    impact_kind: str
    likelihood: float
    impact: float
    likelihood_level: str
    impact_level: str
    severity: str
    likelihood_range: tuple[float, float]
    impact_range: tuple[float, float]
    reachable: tuple[str, ...]
    probabilities: dict[str, float]
    moved_by_one: dict[str, tuple[str, ...]]

    def summary(self) -> str:
        """Means, levels, severity, what else is reachable, and what a change by one would do."""
        shares = ", ".join(f"{name} {share:.3g}" for name, share in self.probabilities.items() if share > 0)
        moved = ", ".join(f"{name} ({' or '.join(to)})" for name, to in self.moved_by_one.items())
        lines = [
            f"{self.name}: {self.severity}",
            f"  likelihood {_mean(self.likelihood, self.likelihood_range)}: {self.likelihood_level}",
            f"  {self.impact_kind} impact {_mean(self.impact, self.impact_range)}: {self.impact_level}",
            f"  reachable: {', '.join(self.reachable)}; P(severity): {shares}",
            f"  moved by one step of: {moved or 'no single factor'}",
        ]
        return "\n".join(lines)


def _mean(value: float, ends: tuple[float, float]) -> str:
    return f"{value:.4g}" if ends[0] == ends[1] else f"{value:.4g} ({ends[0]:.4g} to {ends[1]:.4g})"


@dataclass(frozen=True)
class OwaspRating(Result):
    """The OWASP risk rating of every stakeholder.

    Attributes
    ----------
    stakeholders : one `StakeholderRating` each.
    n_draws : behind every probability, whose standard error is at most 1 / (2 sqrt(n_draws)).
    caveat : ordinal numbers are averaged.
    """

    stakeholders: tuple[StakeholderRating, ...]
    n_draws: int
    caveat: str = CAVEAT

    def __getitem__(self, name: str) -> StakeholderRating:
        """The rating of the stakeholder with this name; "all" where none was named."""
        for each in self.stakeholders:
            if each.name == name:
                return each
        raise KeyError(f"{name!r}; the stakeholders are {quoted(each.name for each in self.stakeholders)}")

    @property
    def severity(self) -> str:
        """The worst severity of a stakeholder."""
        return max((each.severity for each in self.stakeholders), key=SEVERITIES.index)

    def summary(self) -> str:
        """The worst severity, each stakeholder, and the caveat."""
        head = f"OWASP risk rating: {self.severity}"
        if len(self.stakeholders) > 1:
            head += f" (worst of {len(self.stakeholders)} stakeholders)"
        return "\n".join([head, *(each.summary() for each in self.stakeholders), self.caveat])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per stakeholder."""
        return frame([each.to_dict() for each in self.stakeholders])

    def plot(self, ax: Any = None) -> Figure:
        """The matrix with the range of every stakeholder in it."""
        from riskstats.plotting_grades import plot_owasp

        return plot_owasp(self, ax)


class _Factor(NamedTuple):
    """A factor in exact numbers: its range, its point or mode, and whether it is a triangle."""

    low: Fraction
    mode: Fraction
    high: Fraction
    triangle: bool

    def draws(self, rng: np.random.Generator, n: int) -> Floats:
        low, mode, high = float(self.low), float(self.mode), float(self.high)
        if low == high:
            return np.full(n, low)
        return rng.triangular(low, mode, high, n) if self.triangle else rng.uniform(low, high, n)


def owasp_rating(
    likelihood: Any,
    technical: Any = None,
    business: Any = None,
    *,
    n_draws: int = 20_000,
    random_state: RandomState = 0,
) -> OwaspRating:
    """Rate a risk by the OWASP method, with the severities that the factors leave open.

    Parameters
    ----------
    likelihood : 8 factors in the order of `LIKELIHOOD`, or by these names.
    technical, business : 4 factors each, in the order of `TECHNICAL` and `BUSINESS`, or by name. Business
        impact counts where it is given.
    Each of the three may also be {stakeholder: factors}; what is given once holds for every stakeholder.
    A factor is a number in 0..9, a range (low, high), or a triangle (low, mode, high).
    n_draws, random_state : of the simulation behind P(severity).

    Likelihood and impact are means, < 3 low, < 6 medium, else high, compared in exact decimals; `MATRIX`
    names the severity. `InvalidInput`: a wrong number of factors, factors outside 0..9 or out of order, no
    impact, a stakeholder without likelihood or impact.
    Source: OWASP Risk Rating Methodology.
    """
    draws = whole_number(n_draws, "n_draws", low=1)
    likelihoods = _by_stakeholder(likelihood, LIKELIHOOD, "likelihood")
    technicals = _by_stakeholder(technical, TECHNICAL, "technical")
    businesses = _by_stakeholder(business, BUSINESS, "business")
    if not (technicals or businesses):
        raise InvalidInput("an impact is needed: pass 4 `technical` factors, 4 `business` factors or both.")
    rng = generator(random_state)
    named = {name for given in (likelihoods, technicals, businesses) for name in given} - {_EVERYONE}
    order = [name for given in (likelihoods, technicals, businesses) for name in given if name in named]
    found = []
    for name in dict.fromkeys(order) if named else [_EVERYONE]:
        own = _of(likelihoods, name)
        impact, kind = _of(businesses, name), "business"
        if impact is None:
            impact, kind = _of(technicals, name), "technical"
        if own is None or impact is None:
            missing = "likelihood" if own is None else "impact"
            raise InvalidInput(f"stakeholder '{name}' has no {missing}. Give it one, or one for all.")
        found.append(_rated(name, kind, own, impact, draws, rng))
    return OwaspRating(tuple(found), draws)


def _of(given: dict[str, dict[str, _Factor]], name: str) -> dict[str, _Factor] | None:
    return given.get(name, given.get(_EVERYONE))


def _rated(
    name: str,
    kind: str,
    likelihood: dict[str, _Factor],
    impact: dict[str, _Factor],
    n: int,
    rng: np.random.Generator,
) -> StakeholderRating:
    levels = tuple(_reachable_levels(factors) for factors in (likelihood, impact))
    reachable = {MATRIX[below, across] for across in levels[0] for below in levels[1]}
    means = [_points(factors) for factors in (likelihood, impact)]
    return StakeholderRating(
        name=name,
        impact_kind=kind,
        likelihood=float(means[0]),
        impact=float(means[1]),
        likelihood_level=level(means[0]),
        impact_level=level(means[1]),
        severity=MATRIX[level(means[1]), level(means[0])],
        likelihood_range=_range(likelihood),
        impact_range=_range(impact),
        reachable=tuple(each for each in SEVERITIES if each in reachable),
        probabilities=_probabilities(likelihood, impact, n, rng),
        moved_by_one=_moved(likelihood, impact),
    )


def level(mean: Fraction) -> str:
    """The level of an exact mean: < 3 low, < 6 medium, else high."""
    return LEVELS[(mean >= _CUTS[0]) + (mean >= _CUTS[1])]


def _points(factors: Mapping[str, _Factor]) -> Fraction:
    return sum((factor.mode for factor in factors.values()), Fraction(0)) / len(factors)


def _ends(factors: Mapping[str, _Factor]) -> tuple[Fraction, Fraction]:
    low = sum((factor.low for factor in factors.values()), Fraction(0))
    high = sum((factor.high for factor in factors.values()), Fraction(0))
    return low / len(factors), high / len(factors)


def _range(factors: Mapping[str, _Factor]) -> tuple[float, float]:
    low, high = _ends(factors)
    return float(low), float(high)


def _reachable_levels(factors: Mapping[str, _Factor]) -> tuple[str, ...]:
    """Levels between those of the smallest and the largest mean: every mean between is reached."""
    first, last = (LEVELS.index(level(end)) for end in _ends(factors))
    return LEVELS[first : last + 1]


def _probabilities(
    likelihood: Mapping[str, _Factor], impact: Mapping[str, _Factor], n: int, rng: np.random.Generator
) -> dict[str, float]:
    codes = [_level_codes(factors, n, rng) for factors in (likelihood, impact)]
    names = np.array([[SEVERITIES.index(MATRIX[below, across]) for across in LEVELS] for below in LEVELS])
    counts = np.bincount(names[codes[1], codes[0]], minlength=len(SEVERITIES))
    return dict(zip(SEVERITIES, (counts / n).tolist(), strict=True))


def _level_codes(factors: Mapping[str, _Factor], n: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) positions of drawn levels; without uncertainty the exact one."""
    low, high = _ends(factors)
    if low == high:
        return np.full(n, LEVELS.index(level(low)))
    means = sum(factor.draws(rng, n) for factor in factors.values()) / len(factors)
    return np.digitize(means, _CUTS)


def _moved(likelihood: dict[str, _Factor], impact: dict[str, _Factor]) -> dict[str, tuple[str, ...]]:
    """Factors by name, with the severities that a change of their point by one leads to."""
    start = MATRIX[level(_points(impact)), level(_points(likelihood))]
    moved: dict[str, tuple[str, ...]] = {}
    for of_likelihood, factors in ((True, likelihood), (False, impact)):
        for name, factor in factors.items():
            reached = []
            for step in (-1, 1):
                shifted = factor.mode + step
                if 0 <= shifted <= 9:
                    changed = {**factors, name: factor._replace(mode=shifted)}
                    pair = (changed, impact) if of_likelihood else (likelihood, changed)
                    reached.append(MATRIX[level(_points(pair[1])), level(_points(pair[0]))])
            if away := tuple(each for each in reached if each != start):
                moved[name] = away
    return moved


# Gates


def _by_stakeholder(given: Any, names: Sequence[str], what: str) -> dict[str, dict[str, _Factor]]:
    """{stakeholder: {factor name: factor}}; what holds for all is under `_EVERYONE`, nothing is {}."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        if not given:
            raise InvalidInput(f"`{what}` is empty; it needs {len(names)} factors in 0..9.")
        if not any(str(key) in names for key in given):
            return {str(key): _factors(value, names, f"{what}['{key}']") for key, value in given.items()}
    return {_EVERYONE: _factors(given, names, what)}


def _factors(given: Any, names: Sequence[str], what: str) -> dict[str, _Factor]:
    if isinstance(given, Mapping):
        unknown = [str(key) for key in given if key not in names]
        absent = [name for name in names if name not in given]
        if unknown or absent:
            told = f"unknown {quoted(unknown)}" if unknown else f"missing {quoted(absent)}"
            raise InvalidInput(f"{what} needs the factors {quoted(names)}; {told}.")
        given = [given[name] for name in names]
    if isinstance(given, (str, bytes)) or not hasattr(given, "__len__") or len(given) != len(names):
        got = len(given) if hasattr(given, "__len__") and not isinstance(given, (str, bytes)) else repr(given)
        raise InvalidInput(f"{what} needs {len(names)} factors in 0..9; got {got}.")
    return {name: _factor(value, f"{what} '{name}'") for name, value in zip(names, given, strict=True)}


def _factor(value: Any, what: str) -> _Factor:
    parts = list(value) if isinstance(value, (tuple, list, np.ndarray)) and np.ndim(value) else [value]
    if not 1 <= len(parts) <= 3:
        raise InvalidInput(f"{what} must be a number, (low, high) or (low, mode, high); got {value!r}.")
    numbers = [exact_fraction(part, what) for part in parts]
    if numbers != sorted(numbers) or numbers[0] < 0 or numbers[-1] > 9:
        raise InvalidInput(f"{what} must lie in 0..9, in ascending order; got {value!r}.")
    middle = numbers[1] if len(numbers) == 3 else (numbers[0] + numbers[-1]) / 2
    return _Factor(numbers[0], middle, numbers[-1], len(numbers) == 3)
