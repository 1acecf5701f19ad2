"""The measurements on score learning, one function each: a named sample in, a dict of figures out.

Each can run in a process of its own (`recording.in_own_process`). Imports and the start of JAX are done
before a clock starts; compilation is told apart from run time.
"""

from __future__ import annotations

import statistics
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.problems import PENALTY, Sample, load
from benchmarks.recording import Spent, spend, start_jax
from riskstats.losses import softplus
from riskstats.scores import beam, bnb, scip
from riskstats.scores._types import IntArray
from riskstats.scores.compression import compress
from riskstats.scores.estimator import RiskScoreClassifier
from riskstats.scores.problem import IntegerScoreProblem, ScoreSolution, SolveOptions
from riskstats.scores.verify import verify_certificate

__all__ = [
    "Search",
    "fit_and_verify",
    "fit_repeated_rows",
    "folds_of",
    "held_out",
    "log_loss",
    "search",
    "solve",
]

_ENGINES = {"bnb": bnb.solve, "scip": scip.solve, "beam": beam.solve}


@dataclass(frozen=True)
class Search:
    """What is searched for: size of the card, range of multipliers, engine, limits."""

    max_features: int = 5
    multipliers: tuple[float, float] = (1.0, 1.0)
    engine: str = "bnb"
    time_limit: float = 60.0
    device: str = "auto"
    repeats: int = 1

    @property
    def fixed(self) -> bool:
        """Whether the multiplier is given."""
        return self.multipliers[0] == self.multipliers[1]

    @property
    def range(self) -> str:
        """The multipliers in words."""
        first, last = self.multipliers
        return f"{first:g}" if self.fixed else f"{first:g} to {last:g}"

    def classifier(self) -> RiskScoreClassifier:
        """Return the estimator that runs this search on the columns as they are."""
        return RiskScoreClassifier(
            self.max_features,
            coefficient_penalty=PENALTY,
            multiplier=self.multipliers[0] if self.fixed else "certified",
            multiplier_range=self.multipliers,
            binning=None,
            solver=self.engine,
            time_limit=self.time_limit,
            device=self.device,
        )


def search(sample: Sample, how: Search) -> dict[str, Any]:
    """Search for the best card of a sample: what was found and proven, and the time, median of the repeats.

    `seconds` are without `compile_seconds`; `cpu_seconds` are with them.
    """
    _get_ready(how)
    problem = sample.problem(how.max_features, how.multipliers)
    runs = [spend(solve, problem, how) for _ in range(how.repeats)]
    solution: ScoreSolution = runs[0].answer
    return {
        "set": sample.name,
        "max_features": how.max_features,
        "multiplier_range": how.range,
        "engine": how.engine,
        "device": how.device,
        **_answer(solution),
        "seconds": statistics.median(_run_seconds(run) for run in runs),
        "cpu_seconds": statistics.median(run.cpu_seconds for run in runs),
        "compile_seconds": max(run.answer.compile_seconds for run in runs),
        "repeats": how.repeats,
    }


def solve(problem: IntegerScoreProblem, how: Search) -> ScoreSolution:
    """Run the engine."""
    return _ENGINES[how.engine](problem, SolveOptions(time_limit=how.time_limit, device=how.device))


def _run_seconds(run: Spent) -> float:
    return float(run.seconds - run.answer.compile_seconds)


def _answer(solution: ScoreSolution) -> dict[str, Any]:
    return {
        "status": solution.status.value,
        "objective": solution.value,
        "loss": solution.loss,
        "multiplier": solution.multiplier,
        "bound": solution.bound,
        "gap": 0.0 if solution.proven else solution.gap,
        "nodes": solution.nodes,
        "coefficients": solution.coefficients.tolist(),
    }


def _get_ready(how: Search) -> None:
    """Load what the engine loads, and start JAX where it may be called for."""
    if how.engine == "bnb" and how.device != "numpy":
        start_jax()
    tiny = load("planted_binary").problem(1)
    _ENGINES[how.engine](tiny, SolveOptions(device="numpy", time_limit=5.0))


def fit_repeated_rows(sample: Sample, times: int, how: Search) -> dict[str, Any]:
    """Fit a card to the rows of a sample repeated `times` times: seconds of compression, search and all of
    `fit`."""
    _get_ready(how)
    rows = sample.repeated(times)
    y = rows.y.astype(np.float64)
    packed = spend(compress, rows.X, y, 1.0 - y)
    model = how.classifier()
    fitted = spend(_quietly_fit, model, rows)
    found = model.certificate_
    return {
        "set": sample.name,
        "times": times,
        "rows": len(y),
        "distinct": len(packed.answer[0]),
        "status": found.status.value,
        "loss": found.loss,
        "compression_seconds": packed.seconds,
        "search_seconds": found.seconds - found.compile_seconds,
        "compile_seconds": found.compile_seconds,
        "fit_seconds": fitted.seconds - found.compile_seconds,
        "cpu_seconds": fitted.cpu_seconds,
    }


def fit_and_verify(sample: Sample, how: Search) -> dict[str, Any]:
    """Fit a card with its proof, then check the certificate against the data as a stranger would."""
    _get_ready(how)
    model = how.classifier()
    _quietly_fit(model, sample)
    found = model.certificate_
    checked = spend(verify_certificate, model.scorecard_, sample.X, sample.y, sample.weight, model.proof_)
    proof_seconds = found.seconds - found.compile_seconds
    return {
        "set": sample.name,
        "max_features": how.max_features,
        "multiplier_range": how.range,
        "claimed": "optimal" if found.optimal else f"gap {100 * found.gap:.2g} %",
        "verdict": checked.answer.verdict,
        "ok": checked.answer.ok,
        "records": checked.answer.records,
        "proof_seconds": proof_seconds,
        "verify_seconds": checked.seconds,
        "verify_cpu_seconds": checked.cpu_seconds,
        "share": checked.seconds / proof_seconds,
    }


def held_out(sample: Sample, how: Search, folds: int = 5, seed: int = 0) -> dict[str, Any]:
    """Return the mean log loss of cards on rows they were not fitted to, over seeded stratified folds."""
    started = time.perf_counter()
    losses, gaps = [], []
    for train, test in folds_of(sample, folds, seed):
        model = how.classifier()
        _quietly_fit(model, sample.take(train))
        gaps.append(model.certificate_.gap)
        losses.append(log_loss(model.decision_function(sample.X[test]), sample.y[test]))
    return {
        "set": sample.name,
        "multiplier_range": how.range,
        "test_loss": float(np.mean(losses)),
        "fold_losses": losses,
        "proven_folds": sum(gap == 0.0 for gap in gaps),
        "folds": folds,
        "largest_gap": max(gaps),
        "seconds": time.perf_counter() - started,
    }


def folds_of(sample: Sample, folds: int, seed: int) -> list[tuple[IntArray, IntArray]]:
    """Return (training rows, test rows) of seeded stratified folds."""
    from sklearn.model_selection import StratifiedKFold

    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return list(splitter.split(sample.X, sample.y))


def log_loss(logits: np.ndarray, y: np.ndarray) -> float:
    """Return the mean logistic loss of logits, in nats per row."""
    return float(np.mean(softplus(np.where(y == 1, -logits, logits))))


def _quietly_fit(model: RiskScoreClassifier, sample: Sample) -> None:
    """Fit without the warnings on large steps and time limits: the figures say both."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.fit(sample.X, sample.y, sample.weight)
