"""What every reader shares: what was asked for, and rows gathered one by one into an outcome table."""

from __future__ import annotations

import itertools
import math
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from riskstats._record_files import shown
from riskstats._validation import Floats, quoted
from riskstats.evaluations.factor import Factor, as_word
from riskstats.evaluations.readers.log_file import LogFile
from riskstats.evaluations.scale import Scale, declare
from riskstats.evaluations.table import OutcomeTable
from riskstats.evaluations.table_columns import COLUMNS, Places
from riskstats.exceptions import InvalidInput

__all__ = [
    "ABSENT",
    "Asked",
    "Rows",
    "Source",
    "Undeclared",
    "dig",
    "needed",
    "number_of",
    "outcome_table",
    "same_total",
]

ABSENT = object()
"""What `dig` finds where there is nothing."""


class Undeclared(Scale):
    """Stands for the scale that a score lacks; refuses its scores, and names the range that they show."""

    def __init__(self, said: str) -> None:
        super().__init__(0.0, 1.0, "high", said)

    def losses(self, scores: Any, *, where: Callable[[int], str] | None = None) -> Floats:
        raise InvalidInput(f"{self.name} declares no direction. {declare(scores)}")


@dataclass(frozen=True)
class Asked:
    """What the caller of `read_log` wants, in the words of `read_log`."""

    scale: Scale | Mapping[str, Scale] | None = None
    model: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    refusal_loss: float | None = None
    keep_partial: bool = False
    check_direction: bool = True
    filter: str | None = None
    behaviors: Any = None
    used: set[str] = field(default_factory=set)

    @property
    def paths(self) -> dict[str, str]:
        """{column or condition: field} of everything that the caller names."""
        return {**self.columns, **self.conditions}

    def wants(self, *names: str) -> bool:
        """Whether a score of one of these names is read: all of them, or those that `scale` names."""
        return not isinstance(self.scale, Mapping) or any(name in self.scale for name in names)

    def scale_of(self, *names: str, said: str, fixed: Scale | None = None, label: str = "") -> Scale:
        """The declared scale of a score called by any of `names`; `said` is how messages call it.

        `fixed` is the scale that the tool documents: it need not be declared, and is checked where it is.
        Without any the scale is `Undeclared`, which refuses the scores once they are known.
        """
        own = self.scale
        if isinstance(own, Mapping):
            name = next((name for name in names if name in own), None)
            own = None if name is None else own[name]
            self.used.update(() if name is None else (name,))
        if own is None and fixed is None:
            return Undeclared(said)
        if own is not None and fixed is not None and own.worse != fixed.worse and self.check_direction:
            raise InvalidInput(
                f"{label}: {said} is documented with {fixed.worse} as the worse end, but the declared scale "
                f"says {own.worse} is worse. Correct `scale`, or leave it out."
            )
        scale = own or fixed
        assert scale is not None
        return scale

    def unknown(self) -> list[str]:
        """Scores that `scale` names and that the log does not have."""
        return [n for n in self.scale if n not in self.used] if isinstance(self.scale, Mapping) else []


_NUMBERED = ("line", "instance", "result", "test case")
"""Records whose places are numbers."""


class Rows:
    """Gathers outcomes, one call of `add` each; text is held once per distinct word."""

    def __init__(self, log: LogFile, tool: str, asked: Asked, word: str = "line") -> None:
        self.log, self.tool, self.asked, self.word = log, tool, asked, word
        self.places: Any = array("q") if word in _NUMBERED else []
        self.extra = asked.paths
        self.seen = dict.fromkeys(self.extra, False)
        self.text: dict[str, dict[Any, int]] = defaultdict(lambda: defaultdict(itertools.count().__next__))
        self.codes: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self.scores, self.epochs = array("d"), array("q")
        self.scales: dict[Scale, int] = {}
        self.cells: dict[str, list[Any]] = {name: [] for name in self.extra}

    def add(
        self,
        place: Any,
        *,
        prompt: Any,
        score: float | None,
        scale: Scale,
        model: Any,
        epoch: int = 1,
        status: str = "",
        record: Mapping[str, Any] | None = None,
        text: Mapping[str, Any] | None = None,
    ) -> None:
        """One outcome; `score` None has no loss, and `text` fills columns and conditions by name."""
        graded = score is not None and not math.isnan(score) and status not in ("error", "ungraded")
        self.scores.append(float(score) if graded and score is not None else math.nan)
        self.scales.setdefault(scale, len(self.scales))
        self.epochs.append(epoch)
        self.places.append(place)
        words = {
            "model": model,
            "prompt_id": prompt,
            "status": status or ("ok" if graded else "ungraded"),
            "scale_id": scale,
            **(text or {}),
        }
        for name, word in words.items():
            self.codes[name].append(self.text[name][word])
        for name, path in self.extra.items():
            value = dig(record or {}, path)
            self.seen[name] |= value is not ABSENT
            self.cells[name].append(None if value is ABSENT else value)

    def _losses(self) -> Floats:
        """The losses of the scores, each by its own scale."""
        scores, losses = np.frombuffer(self.scores, dtype=np.float64), np.empty(len(self.scores))
        codes = np.frombuffer(self.codes["scale_id"], dtype=np.int64)
        for scale, code in self.scales.items():
            rows = np.flatnonzero(codes == code)
            losses[rows] = scale.losses(scores[rows], where=self._where(rows))
        return losses

    def _where(self, rows: np.ndarray) -> Callable[[int], str]:
        return lambda at: f"{self.log.label}, {self.word} {self.places[rows[at]]}, score"

    def table(
        self, version: str = "", *, partial: bool = False, conditions: tuple[str, ...] = ()
    ) -> OutcomeTable:
        """The table of everything that was added; `conditions` are the text columns of the tool's own."""
        given: dict[str, Any] = {
            "loss": self._losses(),
            "epoch": np.frombuffer(self.epochs, dtype=np.int64),
        }
        for name, known in self.text.items():
            words = [word.name for word in self.scales] if name == "scale_id" else known
            given[name] = _factor(words, self.codes[name])
        given |= self.cells
        absent = [name for name, seen in self.seen.items() if not seen]
        source = Source(self.log, self.tool, version, self.word, partial)
        return outcome_table(source, self.asked, given, self.places, absent, conditions)


class Source(NamedTuple):
    """Where a table comes from: file, tool and version, what counts its records, whether it is a part."""

    log: LogFile
    tool: str
    version: str
    word: str
    partial: bool


def outcome_table(
    source: Source,
    asked: Asked,
    given: dict[str, Any],
    places: Sequence[Any],
    absent: Sequence[str] = (),
    conditions: tuple[str, ...] = (),
) -> OutcomeTable:
    """The table of columns; `absent` are columns that were asked for and that no record has a field for."""
    log, word = source.log, source.word
    if asked.unknown():
        raise InvalidInput(f"{log.label} has no score {quoted(asked.unknown())}. Check the names in `scale`.")
    if not len(places):
        raise InvalidInput(
            f"{log.label} holds no scores that were asked for. Check `scale`, and that the run was graded."
        )
    if absent:
        fields = quoted(asked.paths[name] for name in absent)
        raise InvalidInput(
            f"{log.label} has no field {fields} in any {word}. Check `columns` and `conditions`."
        )
    tool = " ".join(filter(None, [source.tool, source.version]))
    told = f"{tool}; {log.path.name}; sha256:{log.sha256}{' (partial)' if source.partial else ''}"
    own = tuple(name for name in conditions if name in given and given[name].words != ("",))
    named = tuple(dict.fromkeys([*own, *asked.conditions]))
    kept = {name: cells for name, cells in given.items() if name in COLUMNS or name in named}
    return OutcomeTable.of({**kept, "source": told}, conditions=named, places=Places(log.label, word, places))


def _factor(known: Iterable[Any], codes: array[int]) -> Factor:
    words = Factor.of(known)
    return Factor(words.words, words.codes[np.frombuffer(codes, dtype=np.int64)])


def dig(record: Any, path: str) -> Any:
    """The value at a dotted path, such as "metadata.category"; a mark of absence where there is none."""
    if isinstance(record, dict):
        if path in record:
            return record[path]
        head, _, rest = path.partition(".")
        while rest:
            if head in record:
                return dig(record[head], rest)
            more, _, rest = rest.partition(".")
            head = f"{head}.{more}"
    return ABSENT


def needed(record: Any, field: str, place: str) -> Any:
    """A field that the layout of the tool must have; `InvalidInput` names it and where it is missing."""
    if not isinstance(record, Mapping) or field not in record:
        raise InvalidInput(
            f"{place}: there is no field '{field}'. The layout is not one that this reader knows; "
            "the fields are "
            f"{quoted(record) if isinstance(record, Mapping) else shown(record)}."
        )
    return record[field]


def number_of(value: Any, values: Mapping[str, float], said: str) -> float | None:
    """A score as a number, None where there is none; words through `values`."""
    if value is None:
        return None
    if isinstance(value, str):
        if value in values:
            return float(values[value])
        raise InvalidInput(
            f"{said}: the score {value!r} is no number. Pass `values={{{value!r}: ...}}` with a "
            "number on the scale."
        )
    if isinstance(value, (bool, int, float)):
        return float(value)
    raise InvalidInput(
        f"{said}: the score {shown(value)} is no number. Choose another score with `scale={{...}}`."
    )


def same_total(found: float, told: Any, said: str, tolerance: float = 0.0) -> None:
    """`InvalidInput` where a total of the tool itself is not that of the rows that were read."""
    if not isinstance(told, (int, float)) or abs(found - told) > tolerance * max(1.0, abs(told)):
        raise InvalidInput(
            f"{said} is {told} in the log, but the rows give {as_word(found)}. The log is not "
            "whole, or its layout is "
            "not the one that this reader knows."
        )
