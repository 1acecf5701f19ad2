"""The tail of a table that does not fit in memory: one small tail for each part, merged in any order.

Where dask is installed the parts are read and merged side by side by `dask.delayed`; without it they are read
one after the other in plain chunks. Both give the same bits, because merging is exact.

    python examples/merge_tails.py [number of rows]
"""

from __future__ import annotations

import functools
import importlib.util
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from riskstats.tail import MergeableTail

LEVEL, CAPACITY, ROWS_OF_A_PART = 0.95, 1000, 50_000


def write_parts(folder: Path, n_rows: int) -> list[Path]:
    """Harm scores 0, .25, .5, .75, 1 and whole-number weights, one file for each part of the table."""
    rng = np.random.default_rng(0)
    parts = []
    for first in range(0, n_rows, ROWS_OF_A_PART):
        rows = min(ROWS_OF_A_PART, n_rows - first)
        harm = rng.choice([0, 0.25, 0.5, 0.75, 1], size=rows, p=[0.86, 0.08, 0.035, 0.02, 0.005])
        parts.append(folder / f"part-{len(parts):05d}.npz")
        np.savez(parts[-1], harm=harm, weight=rng.integers(1, 10, rows))
    return parts


def tail_of(part: Path) -> MergeableTail:
    """Reads one part; a tail of at most 1000 distinct losses is all that stays in memory."""
    with np.load(part) as table:
        return MergeableTail(CAPACITY).update(table["harm"], table["weight"])


def merged_by_dask(parts: list[Path]) -> MergeableTail:
    """Pairs of tails, then pairs of pairs: no worker holds more than two tails."""
    import dask

    tails = [dask.delayed(tail_of)(part) for part in parts]
    while len(tails) > 1:
        pairs = [dask.delayed(MergeableTail.merge)(*tails[i : i + 2]) for i in range(0, len(tails) - 1, 2)]
        tails = pairs + tails[2 * len(pairs) :]
    return tails[0].compute(scheduler="threads")


def merged_in_chunks(parts: list[Path]) -> MergeableTail:
    """One part after the other."""
    return functools.reduce(MergeableTail.merge, map(tail_of, parts))


def main(n_rows: int) -> None:
    with_dask = importlib.util.find_spec("dask") is not None
    with tempfile.TemporaryDirectory() as folder:
        parts = write_parts(Path(folder), n_rows)
        tail = merged_by_dask(parts) if with_dask else merged_in_chunks(parts)
        backwards = merged_in_chunks(parts[::-1])
    print("merged by dask" if with_dask else "dask is not installed: merged in plain chunks")
    print(tail)
    print(f"value at risk {tail.value_at_risk(LEVEL):g}, CVaR {tail.cvar(LEVEL):.6f} at level {LEVEL:g}")

    stored = json.dumps(tail.to_dict())
    same = stored == json.dumps(backwards.to_dict())
    print(
        f"{len(parts)} parts, {len(stored)} bytes to store the tail; merged backwards it is the same: {same}"
    )
    if not same:
        raise SystemExit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
