"""Fits FasterRisk to a CSV file and prints its cards as JSON. Runs in FasterRisk's own environment.

Called by `compare.py` as `python peer_fasterrisk.py FILE FEATURES REPEATS`; needs Python 3.8 or newer,
NumPy and fasterrisk. Seconds are of `optimize` and `get_models`, without imports and reading.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from importlib import metadata
from typing import Any


def fit(optimizer_class: Any, X: Any, y: Any, features: int) -> tuple[float, float, Any]:
    """Return seconds and processor seconds of a fit, and its (multipliers, intercepts, coefficients)."""
    started, spent = time.perf_counter(), time.process_time()
    optimizer = optimizer_class(X=X, y=y, k=features)
    optimizer.optimize()
    cards = optimizer.get_models()
    return time.perf_counter() - started, time.process_time() - spent, cards


def main(path: str, features: int, repeats: int) -> int:
    """Print seconds, cards and version; exit code 3 where fasterrisk cannot be imported."""
    try:
        import numpy as np

        optimizer_class = importlib.import_module("fasterrisk.fasterrisk").RiskScoreOptimizer
    except ImportError as error:
        print(error, file=sys.stderr)
        return 3
    values = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    X, y = values[:, 1:].copy(), 2.0 * values[:, 0] - 1.0
    runs = [fit(optimizer_class, X, y, features) for _ in range(repeats)]
    cards = [
        {"multiplier": float(m), "intercept": float(b), "coefficients": [float(c) for c in points]}
        for m, b, points in zip(*runs[0][2])  # noqa: B905 (Python before 3.10 has no strict)
    ]
    answer = {"seconds": [run[0] for run in runs], "cpu_seconds": [run[1] for run in runs], "cards": cards}
    print(json.dumps({**answer, "version": version()}))
    return 0


def version() -> str:
    """Return the version of fasterrisk."""
    try:
        return metadata.version("fasterrisk")
    except metadata.PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
