"""Runs parts of MAPIE on samples in a .npy file and prints JSON. Runs in MAPIE's own environment.

Called by `control_mapie.py` as `python peer_mapie.py p-values FILE LIMIT REPEATS` or
`python peer_mapie.py wsr FILE LIMIT DELTA`; the file holds (samples, units) losses in [0, 1]. Needs Python
3.9 or newer, NumPy and mapie 1.6. Seconds are without imports and reading.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from importlib import metadata
from typing import Any

GRID = 10
"""Values of the bound on either side of the limit that `wsr` chooses from."""


def p_values(methods: Any, np: Any, losses: Any, limit: float, repeats: int) -> dict[str, Any]:
    """Hoeffding-Bentkus p-values of every sample, means included in the time."""
    seconds: list[float] = []
    for _ in range(repeats):
        started = time.perf_counter()
        means = losses.mean(axis=1)
        found = methods.compute_hoeffding_bentkus_p_value(means, losses.shape[1], limit)
        seconds.append(time.perf_counter() - started)
    return {"seconds": statistics.median(seconds), "p_values": found[:, 0].tolist()}


def wsr(methods: Any, np: Any, losses: Any, limit: float, delta: float) -> dict[str, Any]:
    """Number of samples whose RCPS `wsr` bound is at most `limit`, which lies on the grid of the bound."""
    grid = np.concatenate([np.linspace(0.0, limit, GRID + 1)[1:], np.linspace(limit, 1.0, GRID + 1)[1:]])
    size, refused = len(grid), 0
    for start in range(0, len(losses) - size + 1, size):
        risks = np.ascontiguousarray(losses[start : start + size].T)
        _, bounds = methods.get_r_hat_plus(risks, grid, "rcps", "wsr", delta, 0.25)
        refused += int((bounds <= limit).sum())
    return {"refused": refused, "samples": len(losses) // size * size}


def main(what: str, path: str, limit: float, more: float) -> int:
    """Print an answer with the version of mapie; exit code 3 where it cannot be imported."""
    try:
        import importlib

        import numpy as np

        methods = importlib.import_module("mapie.risk_control.methods")
    except ImportError as error:
        print(error, file=sys.stderr)
        return 3
    losses = np.load(path).astype(float)
    if what == "wsr":
        answer = wsr(methods, np, losses, limit, more)
    else:
        answer = p_values(methods, np, losses, limit, int(more))
    print(json.dumps({**answer, "version": metadata.version("mapie")}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
