"""A column of text as codes into its distinct words, so that every string is looked at once."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from riskstats.exceptions import InvalidInput

__all__ = ["Codes", "Factor", "as_word", "dense", "joint_codes"]

Codes = npt.NDArray[np.int64]
_LARGEST = 2**62


@dataclass(frozen=True, eq=False)
class Factor:
    """A column of text.

    Attributes
    ----------
    words : the distinct words that occur; from the lowest to the highest level where `ordered`.
    codes : position of each row's word, (n,).
    ordered : whether the order of the words means something.
    """

    words: tuple[str, ...]
    codes: Codes
    ordered: bool = False

    @classmethod
    def of(cls, cells: Iterable[Any], convert: Callable[[Any], str] | None = None) -> Factor:
        """The words of hashable cells, in order of appearance; each distinct cell is converted once."""
        known: dict[Any, int] = defaultdict(itertools.count().__next__)
        codes = np.fromiter(map(known.__getitem__, cells), dtype=np.int64)
        words = [(convert or as_word)(cell) for cell in known]
        return cls._merged(words, codes)

    @classmethod
    def _merged(cls, words: Sequence[str], codes: Codes) -> Factor:
        """One code per word, where several cells became the same word."""
        known: dict[str, int] = {}
        places = np.array([known.setdefault(word, len(known)) for word in words], dtype=np.int64)
        return cls(tuple(known), codes if len(known) == len(words) else places[codes])

    @classmethod
    def constant(cls, word: str, n: int) -> Factor:
        """One word in all n rows."""
        return cls((word,), np.zeros(n, dtype=np.int64))

    @classmethod
    def repeated(cls, words: Sequence[str], n: int) -> Factor:
        """Each word in n rows, one after the other."""
        return cls._merged(words, np.repeat(np.arange(len(words)), n))

    @classmethod
    def concatenated(cls, parts: Sequence[Factor], name: str) -> Factor:
        """The rows of all parts; ordered parts must agree on the order."""
        ordered = any(part.ordered for part in parts)
        known: dict[str, int] = {}
        places = [[known.setdefault(word, len(known)) for word in part.words] for part in parts]
        if ordered and any(place != sorted(place) for place in places):
            told = "; ".join(", ".join(part.words) for part in parts)
            raise InvalidInput(
                f"the tables order `{name}` differently ({told}). Read all of them with the same `orders=`."
            )
        codes = [
            np.array(place, dtype=np.int64)[part.codes] for place, part in zip(places, parts, strict=True)
        ]
        return cls(tuple(known), np.concatenate(codes), ordered)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def values(self) -> np.ndarray:
        """The words of the rows, (n,) of `str` objects."""
        words = np.empty(len(self.words), dtype=object)
        words[:] = self.words
        return words[self.codes]

    def take(self, rows: Any) -> Factor:
        """The rows of `rows`, with the words that still occur."""
        codes = self.codes[rows]
        seen = np.bincount(codes, minlength=len(self.words)) > 0
        if seen.all():
            return Factor(self.words, codes, self.ordered)
        places = np.cumsum(seen) - 1
        words = tuple(word for word, kept in zip(self.words, seen, strict=True) if kept)
        return Factor(words, places[codes], self.ordered)

    def mask(self, words: Iterable[str]) -> np.ndarray:
        """Which rows hold one of `words`."""
        wanted = set(words)
        return np.array([word in wanted for word in self.words], dtype=bool)[self.codes]

    def in_order(self, order: Sequence[str], name: str) -> Factor:
        """The column with its words in `order`, which must name every one of them."""
        missing = [word for word in self.words if word not in order]
        if missing:
            raise InvalidInput(
                f"`orders` of `{name}` lacks {missing[0]!r}; it has {', '.join(map(repr, order))}. "
                "Name every "
                "level, the lowest first."
            )
        present = [word for word in dict.fromkeys(order) if word in self.words]
        places = np.array([present.index(word) for word in self.words], dtype=np.int64)
        return Factor(tuple(present), places[self.codes], True)


def as_word(cell: Any) -> str:
    """A cell as text without blanks around it; integers keep every digit, missing is empty."""
    if cell is None:
        return ""
    if isinstance(cell, (float, np.floating)):
        return "" if np.isnan(cell) else str(int(cell)) if float(cell).is_integer() else repr(float(cell))
    if isinstance(cell, (bool, np.bool_)):
        return "true" if cell else "false"
    return str(cell).strip()


def joint_codes(parts: Sequence[tuple[Codes, int]], n: int) -> tuple[Codes, int]:
    """One code per combination of codes, and how many there may be; parts are (codes (n,), size)."""
    total, size = np.zeros(n, dtype=np.int64), 1
    for codes, count in parts:
        if count <= 1:
            continue
        if size * count > _LARGEST:
            total, size = dense(total)
        total, size = total * count + codes, size * count
    return total, size


def dense(codes: npt.ArrayLike) -> tuple[Codes, int]:
    """Codes 0, 1, ... in the order of the values, and how many values there are."""
    found, places = np.unique(codes, return_inverse=True)
    return places.reshape(-1).astype(np.int64), len(found)
