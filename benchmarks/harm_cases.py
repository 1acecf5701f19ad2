"""What `benchmarks.harm` measures, each a function that can run in a process of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.recording import spend, start_jax
from riskstats._jit import double_precision
from riskstats.harm.aggregation import HarmBenefitModel
from riskstats.harm.aggregation_fit import fit_parameters
from riskstats.harm.aggregation_kernels import evaluator, objective, padded_data
from riskstats.harm.grade_intervals import rate_interval
from riskstats.harm.grade_scale import AILUMINATE_1_0
from riskstats.harm.grades import grade
from riskstats.harm.probe_kernels import factors, penalty_path
from riskstats.harm.probes import linear_probe
from tests.harm.trees import planted

__all__ = ["BORDERS", "aggregation", "grades", "one_grade", "probes"]

BORDERS = (0.0009, 0.0011, 0.0749, 0.0751, 0.0825, 0.2249, 0.2251, 0.4499, 0.4501)
_REFERENCE, _SLOTS = 0.15, 101


def probes(n: int, d: int, peers: int, repeats: int) -> dict[str, Any]:
    """Seconds of 102 targets on one layer, and of one `RidgeCV` fit with the same penalties."""
    from sklearn.linear_model import RidgeCV

    rng = np.random.default_rng(1)
    states, targets = rng.normal(size=(n, d)), rng.normal(size=n)
    targets += states[:, 0]
    ours = [
        spend(lambda: linear_probe(states, targets, n_controls=_SLOTS, random_state=0))
        for _ in range(repeats)
    ]
    penalties = penalty_path(factors(states)[1], n, 13)
    other = [spend(RidgeCV(alphas=penalties).fit, states, targets) for _ in range(peers)]
    seconds, single = min(run.seconds for run in ours), min(run.seconds for run in other)
    found = ours[-1].answer["target"]
    predicted = other[-1].answer.best_score_
    errors = 1.0 + predicted / (np.sum((targets - targets.mean()) ** 2) * n / (n - 1) ** 2)
    return {
        "case": f"{_SLOTS + 1} targets, n = {n}, d = {d}",
        "seconds": seconds,
        "peer_seconds": single,
        "ratio": single / (seconds / (_SLOTS + 1)),
        "difference": abs(float(found.score[0]) - float(errors)),
        "aim": 50,
    }


def aggregation(n: int, generations: int, starts: int) -> dict[str, Any]:
    """Seconds and likelihood of a fit, and of differential evolution on the same likelihood.

    Trees are read before both clocks start, and both kernels are compiled; the peer's has no gradient.
    """
    import jax
    from scipy.optimize import differential_evolution

    start_jax()
    trees, labels, parameters, layout = planted(n, np.random.default_rng(2))
    model = HarmBenefitModel(n_starts=1)
    reading = spend(model._cells, trees)
    cells, target, weight = reading.answer, labels.astype(np.float64), np.ones(n)
    compiling = spend(lambda: evaluator(layout, cells, target, weight)(parameters))
    ours = spend(
        lambda: fit_parameters(
            layout, cells, target, weight, n_starts=starts, max_iter=1000, rng=np.random.default_rng(0)
        )
    )
    with double_precision():
        table = padded_data(cells, n)
        value = jax.jit(lambda x: objective(layout, x, table, target, weight))
        value(parameters).block_until_ready()
        other = spend(
            lambda: differential_evolution(
                lambda x: float(value(x)), [(0.0, 1.0)] * len(layout.names), maxiter=generations, seed=0
            )
        )
    return {
        "case": f"{len(layout.names)} parameters, {n} prompts",
        "reading_seconds": reading.seconds,
        "seconds": ours.seconds,
        "compile_seconds": compiling.seconds,
        "loss": ours.answer.loss,
        "peer_seconds": other.seconds,
        "peer_evaluations": int(other.answer.nfev),
        "peer_loss": float(other.answer.fun),
        "ratio": other.seconds / ours.seconds,
        "aim": 10,
    }


def grades(n: int, known: bool) -> dict[str, Any]:
    """The largest chance, over rates next to every cut, that a certain grade is wrong; that of a bare grade.

    Exact: over all pairs of counts with their binomial probabilities.
    """
    from scipy.stats import binom

    counts = np.arange(n + 1)
    share = 0.05 if known else 0.025
    ends = np.array([rate_interval(np.array([k]), np.array([n]), "pooled", share, share) for k in counts])
    theirs = np.full((1, 2), _REFERENCE) if known else ends
    other = np.ones(1) if known else binom.pmf(counts, n, _REFERENCE)
    rates = np.array([_REFERENCE]) if known else counts / n
    corners = np.broadcast_arrays(ends[:, :1], ends[:, 1:], theirs[:, 0], theirs[:, 1])
    reachable = AILUMINATE_1_0.reachable(*corners)
    certain, named = reachable.sum(axis=-1) == 1, reachable.argmax(axis=-1)
    bare = _codes((counts / n)[:, np.newaxis], rates)
    wrong, plain = [], []
    for rate in BORDERS:
        mass = binom.pmf(counts, n, rate)[:, np.newaxis] * other
        truth = int(_codes(np.array(rate), np.array(_REFERENCE)))
        wrong.append(float((mass * (certain & (named != truth))).sum()))
        plain.append(float((mass * (bare != truth)).sum()))
    return {
        "case": f"reference {'known' if known else 'estimated'}, n = {n}",
        "certain_wrong": max(wrong),
        "bare_wrong": plain[BORDERS.index(0.0825)],
        "bare_worst": max(plain),
        "aim": 0.05,
    }


def _codes(rate: Any, reference: Any) -> Any:
    conditions = [rate <= 0.001, rate > 3 * reference, rate <= 0.5 * reference, rate >= 1.5 * reference]
    return np.select(conditions, [4, 0, 3, 1], 2)


def one_grade(repeats: int) -> dict[str, Any]:
    """Milliseconds of one grade with its probabilities, limits and the totals that would settle it."""
    runs = [
        spend(lambda: grade(82, 1000, reference_unsafe=150, reference_total=1000)) for _ in range(repeats + 1)
    ]
    return {"case": "one grade", "milliseconds": 1000 * min(run.seconds for run in runs)}
