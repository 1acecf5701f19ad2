"""Models that were found and sets that were refuted: what a search over sets of conditions has learned."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riskstats._validation import Floats
from riskstats.multiplicity.discrepancy_colouring import bits
from riskstats.multiplicity.discrepancy_literals import Conditions
from riskstats.multiplicity.literals import Booleans

__all__ = ["Models", "Nogoods"]

_NEAR = 1e-9
_WORD = 64


class Models:
    """Members of the level set, the heaviest of them, and which conditions each meets.

    theta : (p,) the heaviest. best : its exact weight. places : the conditions it meets. met_by_some : (N,)
    which conditions some member meets.
    """

    def __init__(self, conditions: Conditions, theta: Floats, most: int = 1 << 14) -> None:
        """`theta` stands for the heaviest until a member is offered."""
        self.conditions, self.theta, self._most = conditions, theta, most
        self.best, self.places = 0, np.zeros(0, dtype=np.int64)
        heaviest = max(conditions.weights, default=1)
        least = np.finfo(np.float64).tiny
        self.share = np.array([max(weight / heaviest, least) for weight in conditions.weights])
        self.covers = np.zeros((0, len(conditions)), dtype=bool)
        self.met_by_some = np.zeros(len(conditions), dtype=bool)

    def offer(self, theta: Floats) -> Booleans:
        """Take in members (k, p) and return what they meet, (k, N)."""
        met = self.conditions.met_by(theta)
        sums = met @ self.share
        for place in np.flatnonzero(sums >= max(sums.max(initial=0.0), self._sum) * (1.0 - _NEAR)):
            self._consider(theta[place], met[place])
        self.met_by_some |= met.any(axis=0)
        self._keep(met)
        return met

    @property
    def _sum(self) -> float:
        return float(self.share[self.places].sum())

    def _consider(self, theta: Floats, met: Booleans) -> None:
        places = np.flatnonzero(met)
        _, first = np.unique(self.conditions.row[places], return_index=True)
        weight = self.conditions.weight_of(places[first])
        if weight > self.best:
            self.theta, self.best, self.places = theta.copy(), weight, places

    def _keep(self, met: Booleans) -> None:
        """Remember distinct sets that were met together, the latest up to a number."""
        several = met[met.sum(axis=1) > 1]
        if len(several):
            joined = np.concatenate([self.covers, np.unique(several, axis=0)])
            self.covers = joined[-self._most :]

    def meets(self, taken: tuple[int, ...]) -> bool:
        """Whether some model meets all of `taken`."""
        covers = self.covers
        for place in taken:
            covers = covers[covers[:, place]]
        return len(covers) > 0 or (len(taken) == 1 and bool(self.met_by_some[taken[0]]))

    def together(self, taken: tuple[int, ...], candidates: int) -> dict[int, int]:
        """For each candidate, those that some model meets together with it and `taken`."""
        covers = self.covers
        for place in taken:
            covers = covers[covers[:, place]]
        places = list(bits(candidates))
        part = covers[:, places].astype(np.float32)
        found = np.zeros((len(places), len(self.share)), dtype=bool)
        found[:, places] = part.T @ part > 0.5
        packed = np.packbits(found, axis=1, bitorder="little")
        return {
            place: int.from_bytes(row.tobytes(), "little") for place, row in zip(places, packed, strict=True)
        }


class Nogoods:
    """Sets of conditions that no member of the level set meets; every set that holds one is refuted too."""

    def __init__(self, size: int) -> None:
        self._words = max(1, -(-size // _WORD))
        self._known: set[int] = set()
        self._packed = np.zeros((256, self._words), dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._known)

    def add(self, mask: int) -> None:
        """Remember a refuted set."""
        if mask in self._known:
            return
        if len(self._known) == len(self._packed):
            self._packed = np.concatenate([self._packed, np.zeros_like(self._packed)])
        self._packed[len(self._known)] = self._pack(mask)
        self._known.add(mask)

    def _pack(self, mask: int) -> npt.NDArray[np.uint64]:
        return np.frombuffer(mask.to_bytes(8 * self._words, "little"), dtype=np.uint64)

    def left_by(self, taken: int, candidates: int) -> list[list[int]]:
        """What refuted sets ask of the candidates where `taken` is met: lists of one or two of them that
        cannot be added. An empty list says that `taken` is itself refuted."""
        packed = self._packed[: len(self._known)]
        outside = ~self._pack(taken | candidates)
        here = np.zeros(len(packed), dtype=np.uint64)
        for word, bad in enumerate(outside):
            here |= packed[:, word] & bad
        rest = packed[here == 0] & ~self._pack(taken)
        few = np.bitwise_count(rest).sum(axis=1) <= 2
        return [list(bits(int.from_bytes(row.tobytes(), "little"))) for row in np.unique(rest[few], axis=0)]
