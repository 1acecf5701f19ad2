"""What `benchmarks.tail` measures, each a function that can run in a process of its own."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.recording import spend
from riskstats._jit import accelerator_present
from riskstats.bounds.base import Bound
from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.brown import Brown
from riskstats.bounds.rockafellar_uryasev import RockafellarUryasev
from riskstats.bounds.sample import Sample
from riskstats.bounds.thomas_learned_miller import ThomasLearnedMiller
from riskstats.exceptions import AssumptionWarning
from riskstats.measures.cvar import CVaR, cvar
from riskstats.measures.evar import evar
from riskstats.measures.expectile import expectile
from riskstats.tail import bootstrap_kernels, resampled_ranks
from riskstats.tail.bootstrap import Series, resample, resample_counts
from riskstats.tail.extremes import peaks_over_threshold
from riskstats.tail.limits import Asymptotic, BootstrapT, cvar_interval
from tests.tail.populations import POPULATIONS

__all__ = [
    "bootstrap",
    "coverage",
    "cvar_of",
    "kernel",
    "kernel_choices",
    "limit_names",
    "measure_of",
    "profiles",
    "return_level",
    "sample",
    "threshold_sample",
]

LEVEL = 0.95
MODELS, SERIES, PROMPTS = 11, 5, 901


def fastest(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the least seconds of so many calls, and the answer."""
    runs = [spend(function) for _ in range(repeats)]
    return min(run.seconds for run in runs), runs[-1].answer


# ---- measures


def sample(n: int, weighted: bool) -> dict[str, Any]:
    """Return continuous losses, and weights if wanted."""
    rng = np.random.default_rng(1)
    arrays = {"losses": rng.beta(0.8, 6.0, n), "level": LEVEL}
    return arrays | ({"weights": rng.random(n)} if weighted else {})


def cvar_of(n: int, weighted: bool, repeats: int) -> dict[str, Any]:
    """CVaR of a large sample through the front door, checks included."""
    arrays = sample(n, weighted)
    seconds, value = fastest(
        lambda: cvar(arrays["losses"], LEVEL, sample_weight=arrays.get("weights")), repeats
    )
    return {"seconds": seconds, "values": value}


def measure_of(name: str, n: int, repeats: int) -> dict[str, Any]:
    """EVaR or expectile of a sample through the front door."""
    losses, measure = sample(n, False)["losses"], {"evar": evar, "expectile": expectile}[name]
    seconds, value = fastest(lambda: measure(losses, LEVEL), repeats)
    return {"seconds": seconds, "values": value}


# ---- bootstrap


def profiles() -> dict[str, Any]:
    """Return ordinal harms in four dimensions and their union, for 11 models on the same prompts."""
    rng = np.random.default_rng(2)
    difficulty = rng.beta(0.5, 3.0, (1, 1, PROMPTS))
    harms = np.round(4 * np.clip(difficulty + 0.2 * rng.normal(size=(MODELS, 4, PROMPTS)), 0, 1)) / 4
    union = 1 - np.prod(1 - 0.9 * harms, axis=1, keepdims=True)
    losses = np.concatenate([harms, union], axis=1).reshape(MODELS * SERIES, PROMPTS)
    return {"losses": losses, "level": LEVEL, "models": MODELS}


def bootstrap(resamples: int, repeats: int) -> dict[str, Any]:
    """Sorting, counts, CVaR of every resample and the shares of ranks."""
    losses = profiles()["losses"]

    def run() -> Any:
        found = resample(Series(losses, LEVEL), resamples, np.random.default_rng(1))
        values = found.cvar.reshape(resamples, MODELS, SERIES)
        return values, [resampled_ranks.rank_shares(values[:, :, k]) for k in range(SERIES)]

    seconds, (values, _) = fastest(run, repeats)
    return {"seconds": seconds, "values": values.mean(axis=0).ravel()}


def kernel_choices() -> list[tuple[str, str]]:
    """Return (device, precision) of the kernels there are."""
    devices = ["numpy", "cpu", *(["gpu"] if accelerator_present() else [])]
    return [(device, precision) for device in devices for precision in ("float64", "float32")]


def kernel(device: str, precision: str, resamples: int, repeats: int) -> dict[str, Any]:
    """CVaR of every resample on given counts."""
    from riskstats.tail import bootstrap as module

    losses = profiles()["losses"]
    series = Series(losses.astype(precision), LEVEL)
    draws = series.draws(resample_counts(PROMPTS, resamples, np.random.default_rng(1)))
    exact = Series(losses, LEVEL)
    known = module._of_draws(exact, exact.draws(draws.counts), "none", "numpy").cvar
    module._of_draws(series, draws, "none", device)
    seconds, found = fastest(lambda: module._of_draws(series, draws, "none", device), repeats)
    return {
        "device": device if device != "gpu" else _device_name(),
        "precision": precision,
        "seconds": seconds,
        "rate": resamples / seconds,
        "compile_seconds": bootstrap_kernels.compiled_means.compile_seconds or None,
        "difference": float(np.abs(found.cvar - known).max()),
    }


def _device_name() -> str:
    import jax

    return str(jax.devices()[0].device_kind)


# ---- extremes


def threshold_sample(n: int, resamples: int) -> dict[str, Any]:
    """Return losses, a threshold with a twentieth of them above it, and a level far beyond."""
    losses = np.random.default_rng(4).beta(0.8, 6.0, n)
    threshold = float(np.quantile(losses, 0.95, method="lower"))
    return {"losses": losses, "threshold": threshold, "level": 0.999, "resamples": resamples}


def return_level(n: int, resamples: int, repeats: int) -> dict[str, Any]:
    """The value at risk of a generalised Pareto fit, its table of thresholds and intervals included."""
    arrays = threshold_sample(n, resamples)
    options = {"threshold": arrays["threshold"], "n_resamples": resamples, "random_state": 1}
    seconds, found = fastest(
        lambda: peaks_over_threshold(arrays["losses"], arrays["level"], **options), repeats
    )
    return {"seconds": seconds, "values": found.value_at_risk}


# ---- limits

_BOUNDS: dict[str, Bound] = {
    "Brown": Brown(),
    "Thomas-Learned-Miller": ThomasLearnedMiller(),
    "Berk-Jones on the tail": BerkJones(levels=(LEVEL, 1.0)),
    "split + betting": RockafellarUryasev("split"),
    "predictable betting": RockafellarUryasev(),
}
_LIMITS = {"asymptotic": Asymptotic(), "bootstrap-t": BootstrapT()}


def limit_names() -> list[str]:
    """Return the limits whose coverage is measured."""
    return [*_LIMITS, *_BOUNDS]


def coverage(name: str, samples: int) -> dict[str, Any]:
    """How often, and by how much on average, an upper limit is above the truth."""
    row: dict[str, Any] = {"limit": name}
    seconds = []
    for law in POPULATIONS:
        rng = np.random.default_rng(3)
        losses = law.draw(rng, samples, PROMPTS)
        start = time.perf_counter()
        found = _bounds(name, losses) if name in _BOUNDS else _limits(name, losses, rng)
        seconds.append((time.perf_counter() - start) / samples)
        row[f"coverage_{law.name}"] = float((found >= law.truth).mean())
        row[f"excess_{law.name}"] = float((found - law.truth).mean())
    return row | {"milliseconds": 1000 * statistics.mean(seconds)}


def _bounds(name: str, losses: np.ndarray) -> np.ndarray:
    return _BOUNDS[name].upper(Sample(losses, (0.0, 1.0)), CVaR(LEVEL), 0.05)


def _limits(name: str, losses: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)
        return np.array(
            [
                cvar_interval(row, LEVEL, limit=_LIMITS[name], support=(0.0, 1.0), random_state=rng).upper
                for row in losses
            ]
        )
