"""Fits robust linear models with the package `dro`, in its own environment; prints seconds and answers.

Called by `wasserstein_estimators.py` as `python peer_dro.py TASK FILE`; TASK is logistic, svm, lad or ols and
FILE an `.npz` with X, y (labels -1 and +1), radius and norm. Clarabel solves; one thread.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import metadata

import numpy as np


def main(task: str, path: str) -> None:
    """Fit once and print seconds, slopes, intercept and objective."""
    from dro.linear_model.wasserstein_dro import WassersteinDRO

    with np.load(path) as data:
        X, y, radius, norm = data["X"], data["y"], float(data["radius"]), float(data["norm"])
    model = WassersteinDRO(input_dim=X.shape[1], model_type=task, solver="CLARABEL")
    model.update({"eps": radius**2 if task == "ols" else radius, "p": norm})
    wall, processor = time.perf_counter(), time.process_time()
    answer = model.fit(X, y)
    spent = time.perf_counter() - wall, time.process_time() - processor
    print(
        json.dumps(
            {
                "seconds": spent[0],
                "cpu_seconds": spent[1],
                "slopes": list(answer["theta"]),
                "intercept": float(np.ravel(answer["b"])[0]),
                "version": metadata.version("dro"),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
