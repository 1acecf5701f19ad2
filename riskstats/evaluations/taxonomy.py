"""Taxonomies that the user supplies, and the roll-up of outcomes to their nodes, which conserves counts.

A taxonomy is an acyclic graph: an edge sends the outcomes of a category to a node above it, with a weight
where there are several, and says how well the two match. No taxonomy is shipped.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from riskstats._record_files import PathLike, shown
from riskstats._tables import read_table
from riskstats._validation import Floats, positive_number, quoted
from riskstats.evaluations.factor import as_word
from riskstats.exceptions import InvalidInput

__all__ = ["MATCHES", "Edge", "Taxonomy", "category_shares"]

MATCHES = ("exact", "close", "broad", "narrow")
"""Of a category to the node above: the same, nearly the same, the node is broader, the node is narrower."""
APPROXIMATE = ("close", "narrow")


@dataclass(frozen=True)
class Edge:
    """One step up: outcomes of `child` count at `parent`, with `weight` among the parents of the child."""

    child: str
    parent: str
    weight: float = 1.0
    match: str = "broad"


@dataclass(frozen=True)
class Taxonomy:
    """An acyclic graph of categories.

    Attributes
    ----------
    edges : one per step; weights are shared out among the parents of a child.
    isolated : further nodes, such as roots that nothing points to yet.
    name : what the view is called, such as the policy it stands for.

    Raises
    ------
    InvalidInput : a cycle, the same edge twice, a weight that is not > 0, an unknown match type, no node.
    """

    edges: tuple[Edge, ...]
    isolated: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        counts = Counter((edge.child, edge.parent) for edge in self.edges)
        twice = [pair for pair, count in counts.items() if count > 1]
        if twice:
            child, parent = twice[0]
            raise InvalidInput(f"the taxonomy has two edges from '{child}' to '{parent}'. Keep one.")
        for edge in self.edges:
            positive_number(edge.weight, f"weight of '{edge.child}' to '{edge.parent}'")
            if edge.match not in MATCHES:
                raise InvalidInput(
                    f"the match of '{edge.child}' to '{edge.parent}' must be one of {quoted(MATCHES)}; got "
                    f"{edge.match!r}."
                )
        if not self.nodes:
            raise InvalidInput("the taxonomy has no nodes. Give it at least one edge.")

    # Making

    @classmethod
    def of(cls, parents: Mapping[str, Any], *, name: str = "") -> Taxonomy:
        """From {child: parent}, {child: [parents]} or {child: {parent: weight, or {"weight", "match"}}}.

        A node without parents is a root: {root: None}, or only named as a parent.
        """
        edges: list[Edge] = []
        for child, above in parents.items():
            edges += _edges(as_word(child), above)
        isolated = tuple(as_word(child) for child, above in parents.items() if not above)
        return cls(tuple(edges), isolated, name)

    @classmethod
    def of_paths(cls, categories: Iterable[str], *, name: str = "paths") -> Taxonomy:
        """The tree that paths such as "L1/L2/L3" spell out; categories as an outcome table holds them."""
        parents: dict[str, str | None] = {}
        for category in categories:
            for path in category_shares(category):
                parts = path.split("/")
                for depth in range(1, len(parts) + 1):
                    parents["/".join(parts[:depth])] = "/".join(parts[: depth - 1]) or None
        return cls.of(parents, name=name)

    @classmethod
    def read(cls, path: PathLike, *, name: str | None = None) -> Taxonomy:
        """From `.json`, an object as in `of`; or CSV with columns node, parent and, if known, weight, match.

        A row of the CSV without a parent is a root.
        """
        given = os.fspath(path)
        called = Path(given).stem if name is None else name
        if given.endswith(".json"):
            return cls.of(_json(given), name=called)
        table = read_table(path)
        rows = [table.column(column) for column in ("node", "parent")]
        n = table.n_rows
        weight = table.column("weight") if "weight" in table else np.ones(n)
        match = table.column("match") if "match" in table else np.full(n, None, dtype=object)
        edges, isolated = [], []
        for child, parent, share, kind in zip(*rows, weight, match, strict=True):
            if as_word(parent):
                known = 1.0 if as_word(share) == "" else float(share)
                edges.append(Edge(as_word(child), as_word(parent), known, as_word(kind) or "broad"))
            else:
                isolated.append(as_word(child))
        return cls(tuple(edges), tuple(isolated), called)

    # Structure

    @cached_property
    def parents(self) -> dict[str, list[Edge]]:
        """The edges up from every node that has some."""
        above: dict[str, list[Edge]] = {}
        for edge in self.edges:
            above.setdefault(edge.child, []).append(edge)
        return above

    @cached_property
    def levels(self) -> dict[str, int]:
        """The level of every node: 1 for a root, else one more than the deepest of its parents."""
        names = dict.fromkeys(
            [*self.isolated, *(n for edge in self.edges for n in (edge.parent, edge.child))]
        )
        found: dict[str, int] = {}
        for name in names:
            self._settle(name, found)
        return found

    def _settle(self, start: str, found: dict[str, int]) -> None:
        """Find the level of a node and of all above it, without recursion; `InvalidInput` for a cycle."""
        path = [start]
        while path:
            node = path[-1]
            above = [edge.parent for edge in self.parents.get(node, ())]
            ahead = next((parent for parent in above if parent not in found), None)
            if ahead is None:
                found[node] = 1 + max((found[parent] for parent in above), default=0)
                path.pop()
            elif ahead in path:
                cycle = " -> ".join([*path[path.index(ahead) :], ahead])
                raise InvalidInput(f"the taxonomy is cyclic: {cycle}. Remove one of these edges.")
            else:
                path.append(ahead)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes by level, roots first."""
        return tuple(sorted(self.levels, key=self.levels.__getitem__))

    @property
    def roots(self) -> tuple[str, ...]:
        """The nodes without parents."""
        return tuple(node for node, level in self.levels.items() if level == 1)

    @property
    def depth(self) -> int:
        """The largest level."""
        return max(self.levels.values())

    def flow(self, entry: Floats, level: int) -> tuple[Floats, Floats]:
        """Mass (nodes, ...) pushed up to nodes of at most `level`, and what came by a loose match."""
        at = {node: position for position, node in enumerate(self.nodes)}
        mass, loose = entry.copy(), np.zeros_like(entry)
        for node in reversed(self.nodes):
            if self.levels[node] <= level:
                break
            edges, child = self.parents[node], at[node]
            total = sum(edge.weight for edge in edges)
            for edge in edges:
                share, parent = edge.weight / total, at[edge.parent]
                mass[parent] += share * mass[child]
                loose[parent] += share * (mass if edge.match in APPROXIMATE else loose)[child]
            mass[child] = loose[child] = 0.0
        return mass, loose


def category_shares(category: str) -> dict[str, float]:
    """The shares of the categories in a cell, which sum to 1: "a; b" is half each, "a=0.7; b=0.3" as it says.

    Empty for an empty cell; `InvalidInput` where some have a share and others none.
    """
    parts = [part.strip() for part in category.split(";") if part.strip()]
    read = [_share(part) for part in parts]
    given = [share for _, share in read if share is not None]
    if given and len(given) < len(read):
        raise InvalidInput(f"category {category!r} gives some shares and not others. Give all, or none.")
    shares: dict[str, float] = {}
    for path, share in read:
        shares[path] = shares.get(path, 0.0) + (1.0 if share is None else share)
    total = sum(shares.values())
    if parts and not total > 0:
        raise InvalidInput(f"the shares of category {category!r} must be > 0 in sum.")
    return {path: share / total for path, share in shares.items()}


def _share(part: str) -> tuple[str, float | None]:
    """ "a/b=0.7" as ("a/b", 0.7); an equals sign before anything else belongs to the name."""
    path, sign, number = part.rpartition("=")
    if not sign:
        return part, None
    try:
        share = float(number)
    except ValueError:
        return part, None
    if not 0 <= share < np.inf:
        raise InvalidInput(f"the share of category {part!r} must be >= 0.")
    return path.strip(), share


def _edges(child: str, above: Any) -> list[Edge]:
    if not above:
        return []
    if isinstance(above, str):
        return [Edge(child, as_word(above))]
    if isinstance(above, Mapping):
        return [_edge(child, as_word(parent), told) for parent, told in above.items()]
    if isinstance(above, (list, tuple)):
        return [Edge(child, as_word(parent)) for parent in above]
    raise InvalidInput(f"the parents of '{child}' must be a name, a list or an object; got {shown(above)}.")


def _edge(child: str, parent: str, told: Any) -> Edge:
    if isinstance(told, Mapping):
        return Edge(child, parent, float(told.get("weight", 1.0)), str(told.get("match", "broad")))
    if isinstance(told, str):
        return Edge(child, parent, match=told)
    return Edge(child, parent, positive_number(told, f"weight of '{child}' to '{parent}'"))


def _json(path: str) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror or error}. Check the path.") from error
    except ValueError as error:
        raise InvalidInput(f"{path} is no JSON ({error}). Write {{child: parent, ...}}.") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{path} holds {shown(found)}; an object {{child: parent, ...}} is needed.")
    return found
