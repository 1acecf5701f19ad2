"""Rules: the features of a score card, each one a sentence that a person can check by hand.

A rule reads one column of a table. ``Value`` gives the number itself; every other rule gives 1 or 0. A rule
is 0 for missing values and for special codes, unless it is about them. The number that a label prints is the
number that the rule uses: it parses back to the same float.

A column is float64 with NaN for missing, or an object array of ``str`` with None for missing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from riskstats._validation import missing, number
from riskstats.exceptions import InvalidInput

__all__ = ["AtLeast", "Between", "Equals", "Missing", "Other", "Rule", "Value", "number_text"]


def number_text(value: float) -> str:
    """Return the shortest text that parses back to ``value``: 45 for 45.0, 0.136 for 0.136."""
    whole = float(value).is_integer() and abs(value) < 1e15
    return str(int(value)) if whole else repr(float(value))


@dataclass(frozen=True)
class Rule(ABC):
    """One sentence about one column: `Value`, `AtLeast`, `Between`, `Missing`, `Equals` or `Other`."""

    column: str
    kind: ClassVar[str] = ""

    def __post_init__(self) -> None:
        _require_text(self.column, "column")
        if not self.column:
            raise InvalidInput("a rule needs the name of its column; got an empty name.")

    @abstractmethod
    def evaluate(self, values: np.ndarray) -> np.ndarray:
        """Return the rule's number for each value of the column, shape (n,), float64.

        Raises `InvalidInput` when the column holds text and the rule needs numbers, or the reverse.
        """

    @property
    @abstractmethod
    def label(self) -> str:
        """The sentence on the card, for example ``age >= 45 years``."""

    @property
    def binary(self) -> bool:
        """True when the rule is either met (1) or not met (0)."""
        return True

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` restores an equal rule."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return {"kind": self.kind, **plain}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Rule:
        """Restore a rule from `to_dict`. Raises `InvalidInput` for an unknown kind or wrong fields."""
        if not isinstance(data, Mapping):
            raise InvalidInput(f"a rule must be a mapping with a 'kind'; got {type(data).__name__}.")
        rule_class = _rule_class(data.get("kind"))
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        del values["kind"]
        _require_fields(rule_class, values)
        return rule_class(**values)


@dataclass(frozen=True)
class Value(Rule):
    """The number itself, so that points are per unit: for 0/1 columns and small whole numbers.

    A missing value has no number: `evaluate` refuses it, unless ``zero_if_missing`` says that it counts 0.
    Codes in ``special`` count 0.
    """

    unit: str = ""
    zero_if_missing: bool = False
    special: tuple[float, ...] = ()
    kind: ClassVar[str] = "value"

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_text(self.unit, "unit")
        if not isinstance(self.zero_if_missing, bool):
            raise InvalidInput(f"zero_if_missing must be true or false; got {self.zero_if_missing!r}.")
        _set(self, "special", _codes(self.special))

    @property
    def binary(self) -> bool:
        return False

    @property
    def label(self) -> str:
        zeros = [number_text(code) for code in self.special] + ["missing"] * self.zero_if_missing
        notes = [self.unit] * bool(self.unit) + ["0 if " + " or ".join(zeros)] * bool(zeros)
        return f"{self.column} ({'; '.join(notes)})" if notes else self.column

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        numbers = _numbers(values, self.column).copy()
        absent = np.isnan(numbers)
        if absent.any() and not self.zero_if_missing:
            raise InvalidInput(
                f"column '{self.column}' misses {absent.sum()} values, first at row {absent.argmax()}; "
                "its rule needs a number. Fill them in, or fit with missing values in the training table."
            )
        numbers[absent | _among(numbers, self.special)] = 0.0
        return numbers


@dataclass(frozen=True)
class AtLeast(Rule):
    """1 when ``value >= edge``."""

    edge: float
    unit: str = ""
    special: tuple[float, ...] = ()
    kind: ClassVar[str] = "at_least"

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_text(self.unit, "unit")
        _set(self, "edge", _finite(self.edge, "edge"))
        _set(self, "special", _codes(self.special))

    @property
    def label(self) -> str:
        return _interval_label(self.column, self.edge, None, self.unit, self.special)

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        return _inside(_numbers(values, self.column), self.edge, None, self.special)


@dataclass(frozen=True)
class Between(Rule):
    """1 when ``low <= value < high``; one of the two ends may be None (open)."""

    low: float | None
    high: float | None
    unit: str = ""
    special: tuple[float, ...] = ()
    kind: ClassVar[str] = "between"

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_text(self.unit, "unit")
        for name in ("low", "high"):
            end = getattr(self, name)
            _set(self, name, None if end is None else _finite(end, name))
        _set(self, "special", _codes(self.special))
        _require_interval(self.low, self.high, self.column)

    @property
    def label(self) -> str:
        return _interval_label(self.column, self.low, self.high, self.unit, self.special)

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        return _inside(_numbers(values, self.column), self.low, self.high, self.special)


@dataclass(frozen=True)
class Missing(Rule):
    """1 when the value is missing."""

    kind: ClassVar[str] = "missing"

    @property
    def label(self) -> str:
        return f"{self.column} missing"

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        return missing(values).astype(np.float64)


@dataclass(frozen=True)
class Equals(Rule):
    """1 for one category (``value`` is text) or one special code (``value`` is a number)."""

    value: str | float
    kind: ClassVar[str] = "equals"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.value, str):
            _set(self, "value", _finite(self.value, "value"))

    @property
    def label(self) -> str:
        text = _category_text(self.value) if isinstance(self.value, str) else number_text(self.value)
        return f"{self.column} = {text}"

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        if isinstance(self.value, str):
            return (_categories(values, self.column) == self.value).astype(np.float64)
        return (_numbers(values, self.column) == self.value).astype(np.float64)


@dataclass(frozen=True)
class Other(Rule):
    """1 for a category that is not among ``known``."""

    known: tuple[str, ...]
    kind: ClassVar[str] = "other"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.known, tuple) or not all(isinstance(name, str) for name in self.known):
            raise InvalidInput(f"known must be a tuple of category names; got {self.known!r}.")
        if not self.known or len(set(self.known)) < len(self.known):
            raise InvalidInput(f"known must hold one or more different categories; got {self.known!r}.")

    @property
    def label(self) -> str:
        return f"{self.column} other than {', '.join(_category_text(name) for name in self.known)}"

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        known = {*self.known, None}
        outside = (value not in known for value in _categories(values, self.column).tolist())
        return np.fromiter(outside, dtype=np.float64, count=len(values))


KINDS: dict[str, type[Rule]] = {
    rule_class.kind: rule_class for rule_class in (Value, AtLeast, Between, Missing, Equals, Other)
}


def _set(rule: Rule, name: str, value: object) -> None:
    object.__setattr__(rule, name, value)


def _require_text(value: object, name: str) -> None:
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be text; got {value!r}.")


def _finite(value: object, name: str) -> float:
    """Return ``value`` as a finite float, with -0.0 as 0.0."""
    return number(value, name) + 0.0


def _codes(special: object) -> tuple[float, ...]:
    if not isinstance(special, tuple):
        raise InvalidInput(f"special must be a tuple of numbers; got {special!r}.")
    return tuple(sorted({_finite(code, "a special code") for code in special}))


def _require_interval(low: float | None, high: float | None, column: str) -> None:
    if low is None and high is None:
        raise InvalidInput(f"an interval of '{column}' needs at least one end; got None and None.")
    if low is not None and high is not None and low >= high:
        raise InvalidInput(f"an interval of '{column}' needs low < high; got {low!r} and {high!r}.")


def _rule_class(kind: object) -> type[Rule]:
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidInput(f"unknown kind of rule {kind!r}; expected one of {', '.join(KINDS)}.")
    return KINDS[kind]


def _require_fields(rule_class: type[Rule], values: Mapping[str, Any]) -> None:
    expected = [field.name for field in fields(rule_class)]
    if set(values) != set(expected):
        got = ", ".join(map(str, values)) or "none"
        raise InvalidInput(
            f"a rule of kind '{rule_class.kind}' needs the fields {', '.join(expected)}; got {got}."
        )


def _numbers(values: np.ndarray, column: str) -> np.ndarray:
    if values.dtype != object:
        return np.asarray(values, dtype=np.float64)
    present = ~missing(values)
    if present.any():
        row = int(present.argmax())
        raise InvalidInput(f"column '{column}' needs numbers; got text, first {values[row]!r} at row {row}.")
    return np.full(len(values), np.nan)


def _categories(values: np.ndarray, column: str) -> np.ndarray:
    if values.dtype == object:
        return values
    present = ~np.isnan(values)
    if present.any():
        row = int(present.argmax())
        raise InvalidInput(
            f"column '{column}' needs text categories; got numbers, first {number_text(values[row])} "
            f"at row {row}. Pass the column as text."
        )
    return np.full(len(values), None, dtype=object)


def _among(numbers: np.ndarray, codes: tuple[float, ...]) -> np.ndarray:
    found = np.zeros(len(numbers), dtype=bool)
    for code in codes:
        found |= numbers == code
    return found


def _inside(
    numbers: np.ndarray, low: float | None, high: float | None, special: tuple[float, ...]
) -> np.ndarray:
    inside = ~np.isnan(numbers)
    if low is not None:
        inside &= numbers >= low
    if high is not None:
        inside &= numbers < high
    return (inside & ~_among(numbers, special)).astype(np.float64)


def _interval_label(
    column: str, low: float | None, high: float | None, unit: str, special: tuple[float, ...]
) -> str:
    """Print the interval, its unit, and the special codes inside it, which do not count."""
    if low is not None and high is not None:
        text = f"{number_text(low)} <= {column} < {number_text(high)}"
    elif low is not None:
        text = f"{column} >= {number_text(low)}"
    else:
        text = f"{column} < {number_text(high)}"  # type: ignore[arg-type]
    codes = np.asarray(special)
    inside = codes[_inside(codes, low, high, ()) == 1] if special else codes
    but = f" (not {' or '.join(number_text(code) for code in inside)})" if len(inside) else ""
    return text + (f" {unit}" if unit else "") + but


def _category_text(value: str) -> str:
    """Quote a category that a sentence would blur: empty, padded, or with a comma or a line break."""
    plain = value == value.strip() and value.isprintable() and value != "" and "," not in value
    return value if plain else repr(value)
