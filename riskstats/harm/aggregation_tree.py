"""Harm-benefit trees at the gate: who is touched by which actions, with which effects, checked node by node.

A tree is what a model or a person wrote about one prompt, a list of stakeholders (or its JSON text):

    [{"stakeholder": "the user",
      "harms":    [{"action": "Economic Harm",
                    "effects": [{"effect": "Property", "extent": "minor", "likelihood": "low",
                                 "immediacy": true}]}],
      "benefits": [{"action": "learns to budget", "effects": [...]}]}]

Either list may be left out or empty. Actions of harms and all effects name a category, alone or within longer
text; actions of benefits are free text. `immediacy` is true, false, 1, 0, "immediate" or "downstream".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import Floats, Integers, quoted
from riskstats.exceptions import InvalidInput

__all__ = [
    "ACTIONS",
    "EFFECTS",
    "EXTENTS",
    "KINDS",
    "LIKELIHOODS",
    "Cells",
    "Effect",
    "cells_of",
    "read_trees",
]

ACTIONS = (
    *("Security Risks", "Operational Misuses", "Violence & Extremism", "Hate/Toxicity", "Sexual Content"),
    *("Child Harm", "Self-harm", "Political Usage", "Economic Harm", "Deception", "Manipulation"),
    *("Defamation", "Fundamental Rights", "Discrimination/Bias", "Privacy", "Criminal Activities"),
)
EFFECTS = ("Physical", "Psychological", "Social", "Property", "Liberty", "Collective", "Ecological")
EXTENTS = ("minor", "significant", "substantial", "major")
LIKELIHOODS = ("low", "medium", "high")
KINDS = ("harms", "benefits")
_IMMEDIACY = {"immediate": 1, "downstream": 0, "true": 1, "false": 0, "1": 1, "0": 0}
_STAKEHOLDER, _ACTION = ("stakeholder", "harms", "benefits"), ("action", "effects")
_EFFECT = ("effect", "extent", "likelihood", "immediacy")


class Effect(NamedTuple):
    """One effect: where it is, what it says, and the positions of its categories.

    benefit : 0 for a harm, 1 for a benefit. action : -1 for a benefit.
    """

    path: str
    stakeholder: str
    action_text: str
    benefit: int
    action: int
    effect: int
    extent: int
    likelihood: int
    immediate: int


class Cells(NamedTuple):
    """Distinct kinds of effects, and how often each prompt has them, padded with count 0.

    kinds : (u, 6) benefit, action, effect, extent, likelihood, immediate.
    counts, places : (n, m) numbers of effects and positions in `kinds`.
    """

    kinds: Integers
    counts: Floats
    places: Integers


def read_trees(trees: Any, actions: Sequence[str], effects: Sequence[str]) -> list[list[Effect]]:
    """The effects of every prompt; `InvalidInput` names the node that is missing, unknown or misspelt."""
    if isinstance(trees, (str, bytes, Mapping)) or not hasattr(trees, "__len__"):
        raise InvalidInput(
            f"a list of trees is needed, one per prompt; got {type(trees).__name__}. Put a single tree in []."
        )
    if len(trees) == 0:
        raise InvalidInput("the list of trees is empty; at least one prompt is needed.")
    reader = _Reader(tuple(actions), tuple(effects))
    return [list(reader.prompt(tree, f"trees[{i}]")) for i, tree in enumerate(trees)]


class _Reader(NamedTuple):
    actions: tuple[str, ...]
    effects: tuple[str, ...]

    def prompt(self, tree: Any, path: str) -> Iterator[Effect]:
        if isinstance(tree, (str, bytes)):
            try:
                tree = json.loads(tree)
            except json.JSONDecodeError as error:
                raise InvalidInput(f"{path} is not JSON: {error}.") from error
        for i, entry in enumerate(_sequence(tree, path, "stakeholders")):
            here = f"{path}[{i}]"
            fields = _fields(entry, here, _STAKEHOLDER, optional=KINDS)
            name = _text(fields["stakeholder"], f"{here}.stakeholder")
            for benefit, kind in enumerate(KINDS):
                yield from self._actions(fields.get(kind) or (), f"{here}.{kind}", name, benefit)

    def _actions(self, entries: Any, path: str, stakeholder: str, benefit: int) -> Iterator[Effect]:
        for i, entry in enumerate(_sequence(entries, path, "actions")):
            here = f"{path}[{i}]"
            fields = _fields(entry, here, _ACTION)
            text = _text(fields["action"], f"{here}.action")
            action = -1 if benefit else _category(text, self.actions, f"{here}.action")
            for k, effect in enumerate(_sequence(fields["effects"], f"{here}.effects", "effects")):
                yield self._effect(effect, f"{here}.effects[{k}]", stakeholder, text, benefit, action)

    def _effect(
        self, entry: Any, path: str, stakeholder: str, text: str, benefit: int, action: int
    ) -> Effect:
        fields = _fields(entry, path, _EFFECT)
        return Effect(
            path=path,
            stakeholder=stakeholder,
            action_text=text,
            benefit=benefit,
            action=action,
            effect=_category(_text(fields["effect"], f"{path}.effect"), self.effects, f"{path}.effect"),
            extent=_word(fields["extent"], EXTENTS, f"{path}.extent"),
            likelihood=_word(fields["likelihood"], LIKELIHOODS, f"{path}.likelihood"),
            immediate=_immediacy(fields["immediacy"], f"{path}.immediacy"),
        )


def cells_of(
    prompts: Sequence[Sequence[Effect]], keep: Callable[[Effect], bool], *, by_effect: bool = True
) -> Cells:
    """The distinct kinds among the effects to keep, and the padded counts of each prompt.

    by_effect : False puts every effect in the first category, where they all weigh the same.
    """
    rows = [
        [(each if by_effect else each._replace(effect=0))[3:] for each in prompt if keep(each)]
        for prompt in prompts
    ]
    every = sorted({kind for row in rows for kind in row}) or [(0, 0, 0, 0, 0, 0)]
    position = {kind: place for place, kind in enumerate(every)}
    tables = [_tally(position[kind] for kind in row) for row in rows]
    width = max(1, *(len(table) for table in tables))
    places, counts = np.zeros((len(rows), width), dtype=np.int64), np.zeros((len(rows), width))
    for i, table in enumerate(tables):
        places[i, : len(table)] = list(table)
        counts[i, : len(table)] = list(table.values())
    return Cells(np.array(every, dtype=np.int64), counts, places)


def _tally(places: Iterable[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for place in places:
        found[place] = found.get(place, 0) + 1
    return found


# Nodes


def _sequence(value: Any, path: str, what: str) -> Sequence[Any]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
        raise InvalidInput(f"{path} must be a list of {what}; got {_shown(value)}.")
    return value


def _fields(entry: Any, path: str, names: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping):
        raise InvalidInput(f"{path} must hold the fields {quoted(names)}; got {_shown(entry)}.")
    unknown = [str(key) for key in entry if key not in names]
    absent = [name for name in names if name not in entry and name not in optional]
    if unknown:
        raise InvalidInput(
            f"{path} has the unknown field '{unknown[0]}'{_near(unknown[0], names)}; "
            f"it may hold {quoted(names)}."
        )
    if absent:
        raise InvalidInput(f"{path} lacks {quoted(absent)}; an effect that is not rated has no default.")
    return entry


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{path} must be text; got {_shown(value)}.")
    return value.strip()


def _category(text: str, names: tuple[str, ...], path: str) -> int:
    """The position of the one name that equals the text, or that it contains."""
    found = _places(text.casefold(), names)
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput(f"{path} names {quoted(names[k] for k in found)} at once: {text!r}. Name one.")
    raise InvalidInput(
        f"{path} is {text!r}, no known category{_near(text, names)}; expected {quoted(names, 16)}."
    )


@lru_cache(maxsize=4096)
def _places(text: str, names: tuple[str, ...]) -> tuple[int, ...]:
    folded = [name.casefold() for name in names]
    equal = tuple(place for place, name in enumerate(folded) if name == text)
    return equal or tuple(place for place, name in enumerate(folded) if name in text)


def _word(value: Any, words: Sequence[str], path: str) -> int:
    if isinstance(value, str) and value.strip().casefold() in words:
        return words.index(value.strip().casefold())
    raise InvalidInput(
        f"{path} must be one of {quoted(words)}; got {_shown(value)}{_near(str(value), words)}."
    )


def _immediacy(value: Any, path: str) -> int:
    word = str(value).strip().casefold()
    if isinstance(value, (bool, int, str, np.bool_, np.integer)) and word in _IMMEDIACY:
        return _IMMEDIACY[word]
    raise InvalidInput(f"{path} must be true, false, 1 or 0; got {_shown(value)}.")


def _near(text: str, names: Sequence[str]) -> str:
    close = get_close_matches(text, names, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
