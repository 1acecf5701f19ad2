"""NumPy against compiled code for the two hot loops of score learning.

Node relaxations: the same random nodes go through the relaxers that a search uses. Candidate losses: the
losses of many coefficient vectors at once. Answers are compared, not only times.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.problems import load
from benchmarks.recording import repeat, start_jax
from riskstats._jit import accelerator_present
from riskstats.scores.beam import heuristic_card
from riskstats.scores.candidates import candidate_losses
from riskstats.scores.compression import ScoreData
from riskstats.scores.node import FREE, INTERCEPT, Node, Split, children, settled
from riskstats.scores.problem import IntegerScoreProblem, SolveOptions
from riskstats.scores.relaxers import Line, Relaxer, relaxer_for

__all__ = ["CANDIDATES", "SMALL", "candidates", "gpu_present", "relaxations", "small_problem"]

SMALL = ((32, 6), (32, 12), (128, 12), (128, 37), (512, 12), (512, 37))
"""Rows and columns, intercept included, of nodes deep in a search, where rows have been merged."""
CANDIDATES = ((500, 10, 1000), (8551, 37, 1000), (100_000, 37, 200))
"""Rows, columns and candidates."""
_LARGEST_BATCH = 4e9
"""Most bytes of rows x columns x nodes that a batch may hold at a time."""


def gpu_present() -> bool:
    """Whether JAX sees an accelerator; starts JAX, so it is asked in a process of its own."""
    return accelerator_present()


def small_problem(rows: int, columns: int) -> IntegerScoreProblem:
    """Return a problem with exactly these distinct rows and columns (intercept included) and random
    weights."""
    rng = np.random.default_rng(rows * 1000 + columns)
    X = rng.integers(0, 3, (rows, columns - 1)).astype(float)
    risk = 1.0 / (1.0 + np.exp(-(X - 1.0) @ rng.integers(-2, 3, columns - 1)))
    weight = rng.exponential(size=rows)
    weight /= weight.sum()
    box = np.array([40] + [5] * (columns - 1))
    return IntegerScoreProblem(X, weight * risk, weight * (1.0 - risk), -box, box, 5, 1e-6)


def relaxations(
    which: str | tuple[int, int],
    folder: str | None,
    device: str,
    batches: tuple[int, ...],
    nodes: int = 64,
    at_least: float = 0.5,
    lattice: bool = False,
) -> dict[str, Any]:
    """Time the relaxations of the same nodes in NumPy and, in batches, on a JAX device.

    `which` is a sample, whose root rows are used, or a (rows, columns) of `small_problem`; `lattice` takes
    the chord interpolant in place of the loss. Microseconds are per node. Answers are compared to NumPy's,
    see `_agreement`; the worst of all batches counts.
    """
    start_jax()
    problem = small_problem(*which) if isinstance(which, tuple) else load(which, folder).problem(5)
    name = "generated" if isinstance(which, tuple) else which
    cutoff = heuristic_card(problem).objective
    some = random_nodes(problem, cutoff, nodes)
    rows, columns = problem.design.shape
    figures: dict[str, Any] = {
        "set": name,
        "rows": rows,
        "columns": columns,
        "work": rows * columns**2,
        "device": device,
        "relaxation": "lattice" if lattice else "smooth",
        "nodes": nodes,
    }
    numpy = relaxer_for(problem, SolveOptions(device="numpy"), lattice)
    lines = numpy.relax(some, cutoff)
    figures["numpy_us"] = 1e6 * repeat(lambda: numpy.relax(some, cutoff), at_least) / nodes
    for batch in batches:
        if batch > nodes or rows * columns * batch * 8 > _LARGEST_BATCH:
            continue
        relaxer = relaxer_for(problem, SolveOptions(device=device), lattice)
        relaxer.batch = batch
        measured = _compiled(relaxer, some, cutoff, lines, at_least)
        figures |= {f"{key}_{batch}": value for key, value in measured.items()}
    if figures.get("jax_us_1"):
        saved = 1e-6 * (figures["numpy_us"] - figures["jax_us_1"])
        figures["repaid_after"] = round(figures["compile_seconds_1"] / saved) if saved > 0 else None
    for key, worst in (
        ("difference", max),
        ("median_difference", max),
        ("same_verdict", min),
        ("crossed", max),
    ):
        figures[key] = worst((figures[name] for name in figures if name.startswith(f"{key}_")), default=None)
    return figures


def has_lattice(which: str | tuple[int, int]) -> bool:
    """Whether the features are whole numbers, so that scores lie on a lattice."""
    return which not in ("spambase", "planted_real")


def _compiled(
    relaxer: Relaxer, nodes: list[Node], cutoff: float, expected: list[Line], at_least: float
) -> dict[str, float]:
    lines = _in_batches(relaxer, nodes, cutoff)
    seconds = repeat(lambda: _in_batches(relaxer, nodes, cutoff), at_least)
    return {
        "jax_us": 1e6 * seconds / len(nodes),
        "compile_seconds": relaxer.compile_seconds,
        **_agreement(lines, expected, cutoff),
    }


def _agreement(found: list[Line], expected: list[Line], cutoff: float) -> dict[str, float]:
    """Compare the bounds of two kernels on the same nodes, in nats.

    `difference` and `median_difference` of the bounds; `same_verdict`: share of nodes that both close or
    both leave open; `crossed`: nodes where a bound is above the value that the other kernel reached, which
    would prove it wrong.
    """
    pairs = list(zip(found, expected, strict=True))
    apart = [abs(a.bound - b.bound) for a, b in pairs]
    same = [(a.bound >= cutoff) == (b.bound >= cutoff) for a, b in pairs]
    crossed = [max(a.bound, b.bound) > min(a.value, b.value) + 1e-9 for a, b in pairs]
    return {
        "difference": max(apart),
        "median_difference": float(np.median(apart)),
        "same_verdict": float(np.mean(same)),
        "crossed": sum(crossed),
    }


def _in_batches(relaxer: Relaxer, nodes: list[Node], cutoff: float) -> list[Line]:
    size = relaxer.batch
    return [
        line
        for start in range(0, len(nodes), size)
        for line in relaxer.relax(nodes[start : start + size], cutoff)
    ]


def random_nodes(problem: IntegerScoreProblem, cutoff: float, count: int) -> list[Node]:
    """Return nodes at the ends of random dives of 0 to 4 splits from the root, started where the root's
    relaxation ended, as in a search."""
    rng = np.random.default_rng(7)
    role = np.full(len(problem.lower), FREE, dtype=np.int8)
    role[0] = INTERCEPT
    lower, upper = problem.lower.astype(float), problem.upper.astype(float)
    active, start = np.arange(len(lower)), np.zeros(len(lower))
    template = Node(lower, upper, role, problem.scale_range, 0.0, start, problem.data, active)
    root = settled(template, lower, upper, role, problem.max_features)
    assert root is not None
    line = relaxer_for(problem, SolveOptions(device="numpy"), lattice=False).relax([root], cutoff)[0]
    root = replace(root, point=line.last)
    return [_dive(problem, root, rng) for _ in range(count)]


def _dive(problem: IntegerScoreProblem, node: Node, rng: np.random.Generator) -> Node:
    for _ in range(rng.integers(0, 5)):
        free = np.flatnonzero(node.free)
        if not free.size:
            break
        pieces = children(node, Split("feature", int(rng.choice(free))), problem.max_features)
        node = pieces[rng.integers(len(pieces))]
    return node


def candidates(shape: tuple[int, int, int], device: str, at_least: float = 0.5) -> dict[str, Any]:
    """Time the losses of random cards on random rows, in NumPy and on a JAX device: nanoseconds a score."""
    rows, columns, count = shape
    rng = np.random.default_rng(11)
    design = np.column_stack([np.ones(rows), rng.random((rows, columns - 1)) < 0.4]).astype(float)
    weight = np.full(rows, 1.0 / rows)
    data = ScoreData(design, weight, (weight * (rng.random(rows) < 0.3)) @ design)
    points = rng.integers(-5, 6, (count, columns)).astype(float)
    some = points[: max(1, min(count, int(2e8 / rows)))]  # NumPy is timed on a part of a very large batch
    expected = candidate_losses(data, some, "numpy")
    numpy = repeat(lambda: candidate_losses(data, some, "numpy"), at_least)
    start_jax()
    first = repeat(lambda: candidate_losses(data, points, device), at_least=1e-9)
    compiled = repeat(lambda: candidate_losses(data, points, device), at_least)
    found = candidate_losses(data, points, device)[: len(some)]
    return {
        "rows": rows,
        "columns": columns,
        "candidates": count,
        "device": device,
        "numpy_ns": 1e9 * numpy / (rows * len(some)),
        "jax_ns": 1e9 * compiled / (rows * count),
        "compile_seconds": first - compiled,
        "difference": float(np.abs(found - expected).max()),
    }
