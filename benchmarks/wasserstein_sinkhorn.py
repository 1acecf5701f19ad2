"""Annealed Sinkhorn without a matrix: `python -m benchmarks.wasserstein_sinkhorn [--n N] [--device D]`.

The worst probability that a sum of two outcomes falls into an interval, order 2: nothing but transport over
pairs of atoms answers it. Sinkhorn at n atoms on a device stands beside exact transport on the CPU at fewer,
whose time is scaled by n^2, the least by which it grows. The certificate is computed on the CPU in float64,
and its seconds are counted. Compilation is counted apart.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recording import HERE, Column, Table, spend, start_jax, update_readme, write_json

__all__ = ["accelerator_row", "main", "problem"]

RADIUS = 0.05
CPU, ACCELERATOR, EXACT = 20_000, 100_000, 5_000


def problem(n: int, seed: int = 5) -> tuple[Any, Any]:
    """(an interval of the sum, balls around n normal outcomes and n of a t law)."""
    from riskstats.wasserstein import MarginalBalls, WassersteinBall
    from riskstats.wasserstein.functional import Aggregate
    from riskstats.wasserstein.shapes import Between

    rng = np.random.default_rng(seed)
    samples = rng.normal(size=n), rng.standard_t(4, size=n)
    balls = (WassersteinBall(sample, radius=RADIUS, order=2) for sample in samples)
    return Aggregate(Between(-0.3, 0.4)), MarginalBalls(*balls)


@contextlib.contextmanager
def compilations() -> Iterator[list[float]]:
    """The seconds of every compilation inside the block."""
    import jax

    seconds: list[float] = []

    def listen(event: str, duration: float, **named: Any) -> None:
        if event.endswith("backend_compile_duration"):
            seconds.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield seconds
    jax.monitoring.unregister_event_duration_listener(listen)


def accelerator_row(n: int | None = None, device: str = "cpu", exact: int = EXACT) -> dict[str, Any]:
    """Seconds and certified gap of Sinkhorn at n atoms, and the seconds of exact transport scaled to n.

    n : None is 20,000 on "cpu" and 100,000 on "gpu".
    """
    from riskstats.wasserstein.api import worst_case_expectation

    start_jax()
    atoms = n or (ACCELERATOR if device == "gpu" else CPU)
    f, model = problem(exact)
    proven = spend(lambda: worst_case_expectation(f, model, gap=1e-3, device="numpy"))
    f, model = problem(atoms)
    with compilations() as compiled:
        found = spend(lambda: worst_case_expectation(f, model, device=device))
    answer, scaled = found.answer, proven.seconds * (atoms / exact) ** 2
    seconds = found.seconds - sum(compiled)
    assert answer.lower <= answer.upper
    return {
        "n": atoms,
        "device": device,
        "lower": answer.lower,
        "upper": answer.upper,
        "gap": answer.duality_gap / (1.0 + abs(answer.value)),
        "rows": len(answer.worst_case_distribution.weights),
        "seconds": seconds,
        "compile_seconds": sum(compiled),
        "exact_n": exact,
        "exact_seconds": proven.seconds,
        "exact_value": proven.answer.value,
        "scaled_seconds": scaled,
        "ratio": scaled / seconds,
    }


_ROWS = (
    Column("n", "n"),
    Column("device", "device"),
    Column("upper", "upper", ".6f"),
    Column("certified gap", "gap", ".1e"),
    Column("s", "seconds", ".1f"),
    Column("compilation s", "compile_seconds", ".1f"),
    Column("exact at", "exact_n"),
    Column("its s", "exact_seconds", ".1f"),
    Column("scaled by n^2", "scaled_seconds", ".0f"),
    Column("times faster", "ratio", ".1f"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(prog="benchmarks.wasserstein_sinkhorn", description=__doc__)
    parser.add_argument("--n", type=int, help="atoms of each reference")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--exact", type=int, default=EXACT, help="atoms for exact transport")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--output", type=Path, default=Path("results"))
    parser.add_argument("--update-readme", action="store_true", help="put the table into README.md")
    options = parser.parse_args(arguments)
    n, exact = (1_200, 600) if options.quick else (options.n, options.exact)
    table = Table("wasserstein-sinkhorn", _ROWS, [accelerator_row(n, options.device, exact)])
    print(table.markdown())
    write_json(options.output, [table], {key: str(value) for key, value in vars(options).items()})
    if options.update_readme:
        update_readme(HERE / "README.md", [table])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
