"""Times tail measures of other packages and prints seconds and values as JSON. Runs in their environment.

Called by `tail.py` as `python peer_tail.py TASK FILE REPEATS`; FILE is an `.npz` of arrays. Needs NumPy and,
by task, skfolio, empyrical-reloaded, pyextremes or SciPy. Losses are negated to returns outside the clock;
one thread.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np

Answer = dict[str, Any]


def clocked(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the least seconds of so many calls, and the answer."""
    seconds, answer = [], None
    for _ in range(repeats):
        start = time.perf_counter()
        answer = function()
        seconds.append(time.perf_counter() - start)
    return min(seconds), answer


def skfolio_cvar(data: Any, repeats: int) -> Answer:
    """CVaR of one sample, weighted where there are weights."""
    from skfolio.measures import cvar

    returns, level = -data["losses"], float(data["level"])
    weights = data.get("weights")
    seconds, value = clocked(lambda: cvar(returns, level, sample_weight=weights), repeats)
    return {"seconds": seconds, "values": float(value), "package": "skfolio"}


def skfolio_evar(data: Any, repeats: int) -> Answer:
    """EVaR of one sample."""
    from skfolio.measures import evar

    returns, level = -data["losses"], float(data["level"])
    seconds, value = clocked(lambda: evar(returns, level), repeats)
    return {"seconds": seconds, "values": float(value), "package": "skfolio"}


def scipy_expectile(data: Any, repeats: int) -> Answer:
    """Expectile of one sample."""
    from scipy.stats import expectile

    losses, level = data["losses"], float(data["level"])
    seconds, value = clocked(lambda: expectile(losses, level), repeats)
    return {"seconds": seconds, "values": float(value), "package": "scipy"}


def skfolio_matrix(data: Any, repeats: int) -> Answer:
    """A bootstrap of all series at once: one call for each resample of the rows."""
    from skfolio.measures import cvar

    level = float(data["level"])
    return _bootstrap(data, repeats, lambda rows: cvar(rows, level), "skfolio")


def skfolio_loop(data: Any, repeats: int) -> Answer:
    """A bootstrap with one call for each resample and series."""
    from skfolio.measures import cvar

    level = float(data["level"])
    return _bootstrap(data, repeats, lambda rows: [cvar(x, level) for x in rows.T], "skfolio")


def empyrical_loop(data: Any, repeats: int) -> Answer:
    """A bootstrap with one call for each resample and series."""
    from empyrical import conditional_value_at_risk as cvar

    cutoff = 1.0 - float(data["level"])
    wanted = "empyrical-reloaded"
    return _bootstrap(data, repeats, lambda rows: [-cvar(x, cutoff) for x in rows.T], wanted)


def pyextremes_return_value(data: Any, repeats: int) -> Answer:
    """A return value with its interval from resamples: a generalised Pareto fit above a threshold.

    Losses become one an hour, none of them merged into clusters. Above 50 new resamples the package starts
    processes; asked for 50 more at a time it stays in one.
    """
    import pandas as pd
    from pyextremes import EVA

    losses, period = data["losses"], 1.0 / (1.0 - float(data["level"]))
    series = pd.Series(losses, index=pd.date_range("2000-01-01", periods=len(losses), freq="h"))

    def run() -> float:
        model = EVA(series)
        model.get_extremes("POT", threshold=float(data["threshold"]), r="30min")
        model.fit_model("MLE", distribution="genpareto")
        for count in range(50, int(data["resamples"]) + 50, 50):
            found = model.get_return_value(period, "1h", alpha=0.95, n_samples=count)
        return float(found[0])

    seconds, value = clocked(run, repeats)
    return {"seconds": seconds, "values": value, "package": "pyextremes"}


def _bootstrap(data: Any, repeats: int, function: Callable[[Any], Any], package: str) -> Answer:
    """Draw rows, measure, and rank the models within each of the series."""
    returns = np.ascontiguousarray(-data["losses"].T)
    n, resamples, models = len(returns), int(data["resamples"]), int(data["models"])

    def run() -> Any:
        rng = np.random.default_rng(1)
        drawn = [function(returns[rng.integers(0, n, n)]) for _ in range(resamples)]
        values = np.asarray(drawn).reshape(resamples, models, -1)
        return values, values.argsort(axis=1).argsort(axis=1)

    seconds, (values, _) = clocked(run, repeats)
    return {"seconds": seconds, "values": values.mean(axis=0).ravel().tolist(), "package": package}


TASKS = {
    each.__name__: each
    for each in (
        skfolio_cvar,
        skfolio_evar,
        scipy_expectile,
        skfolio_matrix,
        skfolio_loop,
        empyrical_loop,
        pyextremes_return_value,
    )
}


def main(task: str, path: str, repeats: int) -> int:
    """Print seconds, values and version; exit code 3 where the package cannot be imported."""
    with np.load(path) as data:
        try:
            answer = TASKS[task](dict(data), repeats)
        except ImportError as error:
            print(error, file=sys.stderr)
            return 3
    print(json.dumps({**answer, "version": metadata.version(answer["package"])}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
