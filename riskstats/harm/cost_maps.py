"""Maps from the cost of acting on an answer to the likelihood that it is acted upon: decreasing and positive.

Costs are ordered levels 1 (easiest) to K. The literature fixes no closed form, so that a map is a choice and
is named in every result; `riskstats.harm.map_sets` ranges over all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from riskstats._validation import Floats, finite_vector, number, positive_number
from riskstats.exceptions import InvalidInput
from riskstats.losses import sigmoid

__all__ = [
    "CostMap",
    "Exponential",
    "Linear",
    "Logistic",
    "Reciprocal",
    "Tabulated",
    "cost_map_of",
    "likelihoods",
]


@dataclass(frozen=True)
class CostMap(ABC):
    """The likelihood f(c) > 0 that an answer of cost c = 1, ..., K is acted upon, decreasing in c."""

    word: ClassVar[str] = ""

    @abstractmethod
    def values(self, levels: int) -> Floats:
        """(K,) f(1), ..., f(K)."""

    def __str__(self) -> str:
        """The name with its parameters, such as "logistic(center=3, scale=1)"."""
        given = ", ".join(f"{item.name}={getattr(self, item.name):g}" for item in fields(self) if item.repr)
        return f"{self.word}({given})" if given else self.word


@dataclass(frozen=True)
class Linear(CostMap):
    """`f(c) = (K + 1 - c) / K`, from 1 to 1 / K."""

    word: ClassVar[str] = "linear"

    def values(self, levels: int) -> Floats:
        return (levels + 1.0 - _costs(levels)) / levels


@dataclass(frozen=True)
class Reciprocal(CostMap):
    """`f(c) = 1 / c`."""

    word: ClassVar[str] = "reciprocal"

    def values(self, levels: int) -> Floats:
        return 1.0 / _costs(levels)


@dataclass(frozen=True)
class Exponential(CostMap):
    """`f(c) = exp(-rate (c - 1))`, `rate > 0`."""

    word: ClassVar[str] = "exponential"

    rate: float = 1.0

    def __post_init__(self) -> None:
        positive_number(self.rate, "rate")

    def values(self, levels: int) -> Floats:
        return np.exp(-self.rate * (_costs(levels) - 1.0))


@dataclass(frozen=True)
class Logistic(CostMap):
    """`f(c) = 1 / (1 + exp((c - center) / scale))`, `scale > 0`; f(1) is below 1."""

    word: ClassVar[str] = "logistic"

    center: float = 3.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        number(self.center, "center")
        positive_number(self.scale, "scale")

    def values(self, levels: int) -> Floats:
        found: Floats = sigmoid((self.center - _costs(levels)) / self.scale)
        return found


@dataclass(frozen=True)
class Tabulated(CostMap):
    """The likelihoods of the K levels one by one."""

    word: ClassVar[str] = "tabulated"

    table: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", tuple(finite_vector(self.table, "cost_map").tolist()))

    def values(self, levels: int) -> Floats:
        if len(self.table) != levels:
            raise InvalidInput(
                f"`cost_map` has {len(self.table)} likelihoods for {levels} cost levels. Give one per level."
            )
        return np.array(self.table)

    def __str__(self) -> str:
        return f"{self.word}({', '.join(f'{value:g}' for value in self.table)})"


def _costs(levels: int) -> Floats:
    return np.arange(1.0, levels + 1.0)


_WORDS: dict[str, type[CostMap]] = {kind.word: kind for kind in (Linear, Reciprocal, Exponential, Logistic)}


def cost_map_of(given: Any, levels: int) -> CostMap:
    """A map from what a user has: a `CostMap`, a word, K likelihoods, or a function of one cost.

    Words are "linear", "reciprocal", "exponential" and "logistic", with parameters after colons, as in
    "logistic:3:1". A function is called with 1, ..., K. `InvalidInput`: anything else.
    """
    if isinstance(given, CostMap):
        return given
    if isinstance(given, str):
        return _from_word(given)
    if callable(given):
        return Tabulated(_called(given, levels))
    if given is None or np.ndim(given) != 1:
        raise InvalidInput(
            f"`cost_map` must be a map such as `Linear()`, a word, one likelihood per level or a function; "
            f"got {given!r}."
        )
    return Tabulated(given)


def _called(function: Callable[[int], Any], levels: int) -> tuple[float, ...]:
    try:
        return tuple(float(function(cost)) for cost in range(1, levels + 1))
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"`cost_map` must return one number for each cost 1, ..., {levels}; {error}."
        ) from error


def _from_word(text: str) -> CostMap:
    name, *words = text.strip().lower().split(":")
    if name not in _WORDS:
        raise InvalidInput(f"`cost_map` must be one of {', '.join(_WORDS)}; got {text!r}.")
    kind = _WORDS[name]
    if len(words) > len(fields(kind)):
        raise InvalidInput(f"`cost_map` {name} takes {len(fields(kind))} numbers; got {text!r}.")
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        raise InvalidInput(f"`cost_map` {text!r}: what follows a colon must be a number.") from None
    return kind(*numbers)


def likelihoods(cost_map: CostMap, levels: int) -> Floats:
    """(K,) f(1), ..., f(K); `InvalidInput` where they rise or are not positive."""
    found = finite_vector(cost_map.values(levels), "cost_map")
    if len(found) != levels:
        raise InvalidInput(f"`cost_map` gave {len(found)} likelihoods for {levels} cost levels.")
    rises = np.flatnonzero(np.diff(found) > 0)
    if len(rises):
        c = int(rises[0]) + 1
        told = f"f({c})={found[c - 1]:g} < f({c + 1})={found[c]:g}"
    elif found[-1] <= 0:
        c = int((found <= 0).argmax()) + 1
        told = f"f({c})={found[c - 1]:g}"
    else:
        return found
    raise InvalidInput(f"`cost_map` must be decreasing and > 0; got {told}.")
