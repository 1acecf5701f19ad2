"""How much weight can fit together, from conflicts of pairs alone: colours.

Sets of conditions are whole numbers, bit i for condition i. `compatible[i]` are the conditions that may be
met together with i. Conditions of one colour are pairwise in conflict, so at most one of them is met and a
colour adds its largest weight: the sum over the colours bounds the weight of every set without a conflict.

Source of the search that uses it: Tomita and Seki, "An efficient branch-and-bound algorithm for finding a
maximum clique" (2003); the bits: San Segundo, Rodriguez-Losada and Jimenez (2011).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

__all__ = ["bits", "colour_bound", "coloured", "mask_of"]


def bits(mask: int) -> Iterator[int]:
    """Positions of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def mask_of(places: Sequence[int]) -> int:
    """The set of some positions."""
    mask = 0
    for place in places:
        mask |= 1 << place
    return mask


def coloured(
    candidates: int, compatible: Mapping[int, int], weights: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """(condition, bound) in the order of colours: bound is at least the weight of any set without a conflict
    among the conditions up to and including this one."""
    total = 0
    while candidates:
        colour, left = 0, candidates
        largest = 0
        while left:
            low = left & -left
            place = low.bit_length() - 1
            largest = max(largest, weights[place])
            yield place, total + largest
            colour |= low
            left &= ~(compatible[place] | low)
        total += largest
        candidates &= ~colour


def colour_bound(candidates: int, compatible: Mapping[int, int], weights: Sequence[int]) -> int:
    """At least the weight of any set of candidates without a conflict."""
    bound = 0
    for _, up_to_here in coloured(candidates, compatible, weights):
        bound = up_to_here
    return bound
