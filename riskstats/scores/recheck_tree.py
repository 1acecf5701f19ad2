"""The tree of a proof, walked again from the raw data: no code in common with the search, NumPy alone.

A record of the tree is a set of cards (box, roles, scales) that was cut down and then split or closed. The
set that it starts from follows from its parent's split, so four things can be wrong; each is looked at:

* a piece of a split is missing, or a record claims more than its piece;
* cards were dropped: every dropped value, role and scale needs a bound from the line at the record's point;
* a closed record needs the bound of its line, or of an ancestor's, over the set it started from;
* a single card is evaluated at the best scale of its interval.

Every card of the problem is in one dropped or closed set, so the least of these bounds holds for all cards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from riskstats.exceptions import CertificateError
from riskstats.scores._types import BoolArray, FloatArray, IntArray
from riskstats.scores.recheck_bounds import (
    EPS,
    FREE,
    IN,
    INTERCEPT,
    OUT,
    Bounds,
    CardSets,
    Lines,
    Sample,
    least_over_scales,
    lines_at,
)

__all__ = ["ENDINGS", "TOLERANCE", "Check", "Statement", "Tree", "Walked", "walk"]

TOLERANCE = 1e-9
"""A set of cards is closed by a bound within this many nats of the objective."""

ENDINGS = ("closed", "single", "open", "again", "feature", "integer", "scale")
_CLOSED, _SINGLE, _OPEN, _AGAIN, _FEATURE, _INTEGER, _SCALE = range(7)
_PIECES = np.array([0, 0, 0, 1, 3, 2, 2])
_MOST_PIECES = 3
_LARGEST = 2.0**53

_RECORD_BLOCK = 2048
_CELLS = 2_000_000
_MAKE_AGAIN = "Write it again with `fit`."


class Check(NamedTuple):
    """One claim: whether it holds (None: nothing to check), and what was found."""

    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True)
class Statement:
    """The problem of a proof: integer box with the intercept first, limit, penalty, range of t = 1/m."""

    lower: FloatArray
    upper: FloatArray
    max_features: int
    penalty: float
    scales: tuple[float, float]

    @classmethod
    def read(cls, header: Mapping[str, Any], columns: int) -> Statement:
        """Return the problem of a proof's header on `columns` features; `CertificateError` if damaged."""
        try:
            lower, upper = (np.array(header[name], dtype=np.float64) for name in ("lower", "upper"))
            low, high = (float(end) for end in header["multiplier_range"])
            limit, penalty = int(header["max_features"]), float(header["penalty"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CertificateError(
                f"the proof does not state its problem: {error!r}. {_MAKE_AGAIN}"
            ) from error
        if lower.shape != (1 + columns,) or upper.shape != lower.shape:
            raise CertificateError(
                f"the proof is about {lower.size - 1} coded columns; the data have {columns}. "
                "Pass the table that the card was trained on."
            )
        box = np.concatenate([lower, upper])
        if not (
            np.array_equal(box, np.rint(box)) and np.abs(box).max() <= _LARGEST and (lower <= upper).all()
        ):
            raise CertificateError(f"the proof's box is no box of whole numbers. {_MAKE_AGAIN}")
        if not (0 < low <= high < math.inf and limit >= 0 and 0 <= penalty < math.inf):
            raise CertificateError(
                f"the proof's multiplier range, limit or penalty is impossible. {_MAKE_AGAIN}"
            )
        return cls(lower, upper, limit, penalty, (1.0 / high, 1.0 / low))

    def pieces(self, count: int) -> FloatArray:
        """Return the ends of `count` pieces of the range of scales, of equal ratio."""
        edges = np.geomspace(*self.scales, count + 1)
        edges[0], edges[-1] = self.scales
        return edges


@dataclass(frozen=True)
class Tree:
    """The records of a proof, checked for form: shapes, finite numbers, indices in range, parents first."""

    left: CardSets
    parent: IntArray
    branch: IntArray
    ending: IntArray
    column: IntArray
    value: FloatArray
    point: FloatArray
    spacing: FloatArray
    window: FloatArray

    def __len__(self) -> int:
        return len(self.parent)

    @classmethod
    def read(cls, arrays: Mapping[str, Any], columns: int) -> Tree:
        """Return the tree in a proof's arrays, on `columns` features; `CertificateError` if it is damaged."""
        count = np.size(arrays.get("parent", ()))
        if count == 0:
            raise CertificateError(f"the proof has no records. {_MAKE_AGAIN}")
        flat, wide = (count,), (count, 1 + columns)
        indices = {
            name: _numbers(arrays, name, flat, whole=True)
            for name in ("parent", "branch", "ending", "column")
        }
        box = [_numbers(arrays, name, wide, whole=True) for name in ("lower", "upper", "role")]
        scales = _numbers(arrays, "scales", (count, 2))
        left = CardSets(box[0], box[1], box[2], scales[:, 0], scales[:, 1])
        _require_form(left, **indices, columns=columns)
        point = _numbers(arrays, "point", wide)
        value, spacing, window = (_numbers(arrays, name, flat) for name in ("value", "spacing", "window"))
        whole = {name: index.astype(np.int64) for name, index in indices.items()}
        return cls(left, **whole, value=value, point=point, spacing=spacing, window=window)

    def pieces(self, limit: int, parents: IntArray, branches: IntArray) -> tuple[CardSets, BoolArray]:
        """Return the given pieces of the given records' splits, and which of them hold no card."""
        lower, upper, role, first, last = (array[parents].copy() for array in self.left)
        kind, value, column = self.ending[parents], self.value[parents], np.maximum(self.column[parents], 0)
        low, high = lower[np.arange(len(parents)), column], upper[np.arange(len(parents)), column]

        def narrow(split: int, branch: int, new_low: FloatArray, new_high: FloatArray) -> IntArray:
            at = np.flatnonzero((kind == split) & (branches == branch))
            lower[at, column[at]], upper[at, column[at]] = new_low[at], new_high[at]
            return at

        for branch, ends in enumerate(
            ((low * 0, high * 0), (np.maximum(low, 1), high), (low, np.minimum(high, -1)))
        ):
            at = narrow(_FEATURE, branch, *ends)
            role[at, column[at]] = IN if branch else OUT
        narrow(_INTEGER, 0, low, np.minimum(high, value))
        narrow(_INTEGER, 1, np.maximum(low, value + 1.0), high)
        first = np.where((kind == _SCALE) & (branches == 1), value, first)
        last = np.where((kind == _SCALE) & (branches == 0), value, last)
        return CardSets(lower, upper, role, first, last).settled(limit)


class Walked(NamedTuple):
    """What a tree proves: a lower bound on every card's objective, and the checks in words."""

    lower_bound: float
    checks: list[Check]


def walk(statement: Statement, sample: Sample, tree: Tree, objective: float) -> Walked:
    """Return the bound that a tree proves, and whether it leaves out no card that could beat `objective`."""
    walker = _Walk(statement, sample, tree)
    checks: list[Check] = []
    for form in (walker.roots_cover, walker.splits_possible, walker.splits_cover, walker.records_inside):
        checks.append(form())
        if not checks[-1].passed:
            return Walked(-math.inf, checks)
    dropped, ended = walker.bounds(objective)
    checks += [walker.lattice(), *_reached(tree.ending, dropped, ended, objective - TOLERANCE)]
    return Walked(float(min(dropped.min(), ended.min())), checks)


class _Walk:
    """The set that each record starts from, and the bounds of what it drops and closes."""

    def __init__(self, statement: Statement, sample: Sample, tree: Tree) -> None:
        self.sample, self.tree = sample, tree
        self.roots = np.flatnonzero(tree.parent < 0)
        self.statement = _with_scales_of(statement, tree.left.take(self.roots))

    def roots_cover(self) -> Check:
        """The roots are the pieces of the range of scales, each there once."""
        count = len(self.roots)
        passed = count > 0 and np.array_equal(np.sort(self.tree.branch[self.roots]), np.arange(count))
        return Check("the roots cover the problem", passed, f"{count} pieces of the range of scales")

    def splits_possible(self) -> Check:
        """Free columns are split by sign, others at a whole number, scales inside their interval."""
        tree, record = self.tree, np.arange(len(self.tree))
        role = tree.left.role[record, np.maximum(tree.column, 0)]
        feature = (tree.column >= 1) & (role == FREE)
        integer = (tree.column >= 0) & np.isin(role, (IN, INTERCEPT)) & (tree.value == np.rint(tree.value))
        scale = (tree.left.first <= tree.value) & (tree.value <= tree.left.last)
        single = (tree.left.lower == tree.left.upper).all(axis=1)
        kinds = [tree.ending == kind for kind in (_FEATURE, _INTEGER, _SCALE, _SINGLE)]
        return _none_wrong(
            "records end as they can", ~np.select(kinds, [feature, integer, scale, single], True)
        )

    def splits_cover(self) -> Check:
        """Each piece of a split that holds a card is there once."""
        tree = self.tree
        expected = np.zeros((len(tree), _MOST_PIECES), dtype=np.int64)
        for block in _blocks(len(tree)):
            for branch in range(_MOST_PIECES):
                parents = block[_PIECES[tree.ending[block]] > branch]
                _, empty = tree.pieces(self.statement.max_features, parents, np.full(len(parents), branch))
                expected[parents, branch] = ~empty
        found = np.zeros_like(expected)
        below = tree.parent >= 0
        np.add.at(found, (tree.parent[below], tree.branch[below]), 1)
        return _none_wrong("every piece of a split is there once", (found != expected).any(axis=1))

    def records_inside(self) -> Check:
        """What is left of a record lies in the set that it started from; roles changed from free only."""
        wrong = np.zeros(len(self.tree), dtype=bool)
        for block, start in self.starts():
            left = self.tree.left.take(block)
            inside = (left.lower >= start.lower) & (left.upper <= start.upper)
            inside &= (left.role == start.role) | ((start.role == FREE) & np.isin(left.role, (OUT, IN)))
            scales = (left.first >= start.first) & (left.last <= start.last)
            wrong[block] = ~(inside.all(axis=1) & scales)
        return _none_wrong("records stay inside their piece", wrong)

    def starts(self) -> Iterator[tuple[IntArray, CardSets]]:
        """Yield blocks of records with the sets that they start from."""
        for block in _blocks(len(self.tree)):
            parent = np.maximum(self.tree.parent[block], 0)
            start, _ = self.tree.pieces(self.statement.max_features, parent, self.tree.branch[block])
            rooted = np.flatnonzero(self.tree.parent[block] < 0)
            if len(rooted):
                for array, values in zip(start, self._root_sets(block[rooted]), strict=True):
                    array[rooted] = values
            yield block, start

    def _root_sets(self, roots: IntArray) -> CardSets:
        """Return the problem's box at each root's piece of the scales, no less wide than the root says."""
        problem, left = self.statement, self.tree.left.take(roots)
        role = np.where((problem.lower > 0) | (problem.upper < 0), IN, FREE).astype(np.float64)
        role[0] = INTERCEPT
        edges, piece = problem.pieces(len(self.roots)), self.tree.branch[roots]
        first = np.minimum(edges[piece], np.maximum(left.first, edges[0]))
        last = np.maximum(edges[piece + 1], np.minimum(left.last, edges[-1]))
        wide = [np.repeat(row[None], len(roots), axis=0) for row in (problem.lower, problem.upper, role)]
        return CardSets(wide[0], wide[1], wide[2], first, last).settled(problem.max_features)[0]

    def lattice(self) -> Check:
        """Lattice lines need integer features and the one fixed scale as their spacing."""
        name, used = "lattice lines are allowed", self.tree.spacing != 0
        if not used.any():
            return Check(name, True, "tangents only")
        if self._lattice_allowed()[used].all():
            return Check(name, True, f"integer features, spacing {self.statement.scales[0]:.6g}")
        return Check(name, False, "they need integer features and a fixed scale, which is their spacing")

    def _lattice_allowed(self) -> BoolArray:
        first, last = self.statement.scales
        if first != last or not self.sample.whole:
            return np.zeros(len(self.tree), dtype=bool)
        return np.abs(self.tree.spacing - first) <= 4 * EPS * first

    def bounds(self, objective: float) -> tuple[FloatArray, FloatArray]:
        """Return, per record, the bound of what it drops, and of its set if it ends there (else inf)."""
        tree, lines = self.tree, self._lines()
        whole, dropped = np.empty(len(tree)), np.empty(len(tree))
        for block, start in self.starts():
            own = self._bounds_of(lines.take(block), start)
            above = self._bounds_of(lines.take(np.maximum(tree.parent[block], 0)), start)
            rooted = tree.parent[block] < 0
            inherited = np.where(rooted, 0.0, above.least())
            whole[block] = np.maximum(0.0, np.maximum(own.least(), inherited))  # no loss is negative
            dropped[block] = own.dropped(tree.left.take(block))
        for record, parent in enumerate(tree.parent):  # parents come first
            whole[record] = whole[record] if parent < 0 else max(whole[record], whole[parent])
        dropped = np.where(np.isin(tree.ending, (_CLOSED, _OPEN)), np.inf, np.maximum(dropped, whole))
        ended = np.where(_PIECES[tree.ending] == 0, whole, np.inf)
        doubtful = np.flatnonzero((tree.ending == _SINGLE) & (whole < objective))
        ended[doubtful] = np.maximum(whole[doubtful], self._single_cards(doubtful))
        return dropped, ended

    def _lines(self) -> Lines:
        tree = self.tree
        spacing = np.where(self._lattice_allowed(), self.statement.scales[0], 0.0)
        parts = [lines_at(self.sample, tree.point[b], spacing[b], tree.window[b]) for b in _blocks(len(tree))]
        return Lines(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _bounds_of(self, lines: Lines, sets: CardSets) -> Bounds:
        return Bounds(lines, sets, self.sample, self.statement.max_features, self.statement.penalty)

    def _single_cards(self, records: IntArray) -> FloatArray:
        """Return the least objective of the one card of each record over its scales."""
        left = self.tree.left.take(records)
        answer = self.statement.penalty * np.count_nonzero(left.lower[:, 1:], axis=1)
        step = max(1, _CELLS // len(self.sample.design))
        for part in (slice(start, start + step) for start in range(0, len(records), step)):
            answer[part] += least_over_scales(
                self.sample, left.lower[part], left.first[part], left.last[part]
            )
        return answer


def _reached(ending: IntArray, dropped: FloatArray, ended: FloatArray, target: float) -> Iterator[Check]:
    """Whether what was dropped and closed reaches the target; open records only say how far they are."""
    groups = {
        "what was dropped reaches the objective": dropped,
        "closed records reach the objective": np.where(ending == _CLOSED, ended, np.inf),
        "single cards are no better": np.where(ending == _SINGLE, ended, np.inf),
        "records left open": np.where(ending == _OPEN, ended, np.inf),
    }
    for name, bounds in groups.items():
        count, record = int(np.count_nonzero(bounds < np.inf)), int(np.argmin(bounds))
        told = f"{count} records, least bound {bounds[record]:.9f} at record {record}" if count else "none"
        below = int(np.count_nonzero(bounds < target))
        failed = below > 0 and name != "records left open"
        yield Check(name, not failed, f"{below} of {told}" if failed else told)


def _none_wrong(name: str, wrong: BoolArray) -> Check:
    count = int(np.count_nonzero(wrong))
    told = f"{count} do not, first record {int(wrong.argmax())}" if count else f"{len(wrong)} records"
    return Check(name, count == 0, told)


def _with_scales_of(statement: Statement, roots: CardSets) -> Statement:
    """Take over the roots' ends of the scales where they differ from the statement's by rounding alone."""
    found = roots.first.min(initial=np.inf), roots.last.max(initial=0.0)
    ends = [
        float(mine) if abs(mine - stated) <= 4 * EPS * stated else stated
        for mine, stated in zip(found, statement.scales, strict=True)
    ]
    return replace(statement, scales=(ends[0], ends[1]))


def _blocks(count: int) -> list[IntArray]:
    return [np.arange(start, min(start + _RECORD_BLOCK, count)) for start in range(0, count, _RECORD_BLOCK)]


def _numbers(
    arrays: Mapping[str, Any], name: str, shape: tuple[int, ...], *, whole: bool = False
) -> FloatArray:
    """Return an array of a proof as finite float64 of the given shape, whole numbers if so asked."""
    array = np.asarray(arrays.get(name))
    if array.dtype.kind not in "iuf" or array.shape != shape:
        got = f"{array.dtype} of shape {array.shape}" if name in arrays else "nothing"
        raise CertificateError(
            f"the proof's array '{name}' must be numbers of shape {shape}; got {got}. {_MAKE_AGAIN}"
        )
    numbers = array.astype(np.float64)
    if not np.isfinite(numbers).all() or (whole and not np.array_equal(numbers, np.rint(numbers))):
        kind = "whole" if whole else "finite"
        raise CertificateError(
            f"the proof's array '{name}' holds a value that is not a {kind} number. {_MAKE_AGAIN}"
        )
    return numbers


def _require_form(
    left: CardSets,
    parent: FloatArray,
    branch: FloatArray,
    ending: FloatArray,
    column: FloatArray,
    columns: int,
) -> None:
    """`CertificateError` for indices out of range, records before their parents, and impossible sets."""
    role = left.role
    around_0, only_0 = (left.lower <= 0) & (left.upper >= 0), (left.lower == 0) & (left.upper == 0)
    box = (left.lower <= left.upper) & (np.abs(left.lower) <= _LARGEST) & (np.abs(left.upper) <= _LARGEST)
    box &= np.where(role == OUT, only_0, np.where(role == FREE, around_0, True))
    intercept = (role == INTERCEPT) == (np.arange(1 + columns) == 0)
    faults = {
        "a parent that does not come before it": (parent < -1) | (parent >= np.arange(len(parent))),
        "a branch that does not exist": (branch < 0) | ((parent >= 0) & (branch >= _MOST_PIECES)),
        "an unknown ending": (ending < 0) | (ending >= len(ENDINGS)),
        "a column out of range": (column < -1) | (column > columns),
        "an unknown role": np.any((role < OUT) | (role > INTERCEPT) | ~intercept, axis=1),
        "an impossible box": np.any(~box, axis=1),
        "an impossible interval of scales": ~((left.first > 0) & (left.first <= left.last)),
    }
    for what, wrong in faults.items():
        if wrong.any():
            raise CertificateError(f"record {int(wrong.argmax())} of the proof has {what}. {_MAKE_AGAIN}")
