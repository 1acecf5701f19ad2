"""Ranges, paths, capacity and discrepancy in one run: `python -m benchmarks.multiplicity [NAME ...]`.

NAME is ranges (certified ranges beside the solvers of cvxpy), path (20 values of epsilon beside one),
capacity (the closed form beside the iteration of Blahut and Arimoto), discrepancy (the certified search
beside SCIP) or kernels (NumPy beside compiled code, with the time of compilation apart). One thread; both
sides read the same arrays. The solvers answer one direction at a time, compiled once, without the seconds of
the compilation; failed solves count their seconds, and the seconds of all directions are scaled from those
that were solved.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import multiplicity_cases as cases
from benchmarks import recording
from benchmarks.recording import HERE, Column, Table, in_own_process, one_thread, update_readme, write_json

__all__ = ["main"]


def ranges(options: argparse.Namespace) -> Table:
    """S1 to S3: every row of a small problem, some rows of a large one, beside conic solvers."""
    rows = []
    for name, n, d, asked, solved, solvers, aim in (
        ("small", options.n, 20, options.n, options.solved, ("ECOS", "CLARABEL", "SCS"), 300),
        ("large", 20 * options.n, 50, options.rows, 1, ("ECOS",), 1000),
    ):
        own = in_own_process(cases.certified_ranges, n, d, asked, options.repeats)
        case = f"{name}: n = {n:,}, d = {d}"
        for solver in solvers:
            other = in_own_process(cases.conic_ranges, n, d, solved, solver)
            rows.append(
                {
                    "case": case,
                    "seconds": 1e3 * own["seconds"] / (2 * asked),
                    "gap": own["gap"],
                    "peer": solver,
                    "peer_seconds": 1e3 * other["seconds"],
                    "ratio": other["seconds"] * 2 * asked / own["seconds"],
                    "aim": aim,
                    "solved": f"{other['solved']} of {other['asked']}",
                    "difference": other["difference"],
                }
            )
            print(f"{case}, {solver}: {rows[-1]['ratio']:.0f}x", file=sys.stderr, flush=True)
    columns = (
        Column("case", "case"),
        Column("riskstats ms / end", "seconds", ".3g"),
        Column("widest gap, logits", "gap", ".1e"),
        Column("solver", "peer"),
        Column("solver ms / end", "peer_seconds", ".4g"),
        Column("ratio", "ratio", ".0f"),
        Column("aim", "aim", lambda ratio: f">= {ratio:g}"),
        Column("solves that claim success", "solved"),
        Column("probabilities differ by", "difference", ".1e"),
    )
    return Table("multiplicity-ranges", columns, rows)


def path(options: argparse.Namespace) -> Table:
    """S4: 20 values of epsilon beside one, every one certified."""
    rows = [
        {"case": name, **in_own_process(cases.epsilon_path, name, options.n, options.repeats)}
        for name in ("random", "breast_cancer")
    ]
    columns = (
        Column("case", "case"),
        Column("one epsilon s", "one", ".3g"),
        Column("20 epsilons s", "many", ".3g"),
        Column("ratio", "ratio", ".1f"),
        Column("aim", "ratio", lambda _: "<= 5"),
        Column("widest gap, logits", "gap", ".1e"),
    )
    return Table("multiplicity-path", columns, rows)


def capacity(options: argparse.Namespace) -> Table:
    """S5: the capacity of 569 rows."""
    row = in_own_process(cases.capacities, options.iterations, options.repeats)
    columns = (
        Column("rows", "rows"),
        Column("closed form ms", "own_ms", ".3g"),
        Column("Blahut-Arimoto s", "other", ".3g"),
        Column("its gap, bits", "other_gap", ".1e"),
        Column("ratio", "ratio", ".0f"),
        Column("aim", "ratio", lambda _: ">= 1000"),
        Column("inside its bracket", "inside"),
    )
    return Table("multiplicity-capacity", columns, [row])


def discrepancy(options: argparse.Namespace) -> Table:
    """S6 and S7: the proof of a discrepancy on breast_cancer, beside SCIP; S8 with --long."""
    rows = []
    wanted = [(0.01, 0.2, "gradient cuts", 100), (0.05, 0.3, "conflict edges", 5)]
    for epsilon, deviation, formulation, aim in wanted:
        own = in_own_process(cases.proven_discrepancy, epsilon, deviation, options.time_limit)
        other = in_own_process(cases.scip_discrepancy, epsilon, deviation, formulation, options.time_limit)
        rows.append(
            {
                "case": f"epsilon {epsilon:g}, deviation {deviation:g}",
                **own,
                "peer": f"SCIP, {formulation}",
                "peer_seconds": other["seconds"],
                "peer_found": f"{other['value']:g} to {other['bound']:.4g}",
                "ratio": other["seconds"] / own["seconds"],
                "aim": aim,
            }
        )
        print(f"{rows[-1]['case']}: {rows[-1]['ratio']:.1f}x", file=sys.stderr, flush=True)
    if options.long:
        own = in_own_process(cases.proven_discrepancy, 0.01, 0.1, options.long)
        rows.append({"case": "epsilon 0.01, deviation 0.1", **own})
    columns = (
        Column("case", "case"),
        Column("rows of 569", "found"),
        Column("status", "status"),
        Column("riskstats s", "seconds", ".3g"),
        Column("other", "peer"),
        Column("other s", "peer_seconds", ".3g"),
        Column("its rows", "peer_found"),
        Column("ratio", "ratio", ".1f"),
        Column("aim", "aim", lambda ratio: f">= {ratio:g}"),
    )
    note = "The other program stops at its time limit; the ratio is then a lower bound."
    return Table("multiplicity-discrepancy", columns, rows, note)


def kernels(options: argparse.Namespace) -> Table:
    """The range kernel on NumPy and compiled, on this machine."""
    rows = []
    for n, d in ((options.n, 20), (20 * options.n, 50)):
        asked = options.n if d == 20 else options.rows
        plain = in_own_process(cases.kernel, n, d, asked, "numpy", options.repeats)
        compiled = in_own_process(cases.kernel, n, d, asked, options.device, options.repeats)
        rows.append(
            {
                "case": f"n = {n:,}, d = {d}, {2 * asked:,} ends",
                "numpy": plain["seconds"],
                "compiled": compiled["seconds"],
                "compile": compiled["compile_seconds"],
                "ratio": plain["seconds"] / compiled["seconds"],
                "gap": compiled["gap"],
                "device": compiled["device"],
            }
        )
    columns = (
        Column("case", "case"),
        Column("NumPy s", "numpy", ".3g"),
        Column("compiled s", "compiled", ".3g"),
        Column("compile s", "compile", ".3g"),
        Column("ratio", "ratio", ".2f"),
        Column("widest gap, logits", "gap", ".1e"),
        Column("device", "device"),
    )
    return Table("multiplicity-kernels", columns, rows)


_BENCHMARKS: dict[str, Callable[[argparse.Namespace], Table]] = {
    "ranges": ranges,
    "path": path,
    "capacity": capacity,
    "discrepancy": discrepancy,
    "kernels": kernels,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are named, or all."""
    options = _parser().parse_args(arguments)
    one_thread()
    tables = [_BENCHMARKS[name](options) for name in options.what or _BENCHMARKS]
    for table in tables:
        print(f"## {table.name}\n\n{table.markdown()}\n")
    kept = {"n", "rows", "solved", "iterations", "time_limit", "long", "repeats", "device"}
    write_json(options.output, tables, {key: value for key, value in vars(options).items() if key in kept})
    if options.update_readme:
        update_readme(recording.HERE / "README.md", tables)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.multiplicity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("what", nargs="*", choices=[*_BENCHMARKS, []], default=[], metavar="NAME")
    add("--n", type=int, default=1000, help="rows of the small problem; the large one has 20 times as many")
    add("--rows", type=int, default=20, help="rows of the large problem that are asked")
    add("--solved", type=int, default=8, help="rows of the small problem that each solver answers")
    add("--iterations", type=int, default=20_000, help="steps of the iteration of Blahut and Arimoto")
    add("--time-limit", type=float, default=60.0, help="seconds of either search for a discrepancy")
    add(
        "--long", type=float, default=0.0, help="seconds for the discrepancy at deviation .1; 0 leaves it out"
    )
    add("--device", default="cpu", help="device of the compiled kernel: cpu or gpu")
    add("--repeats", type=int, default=3, help="runs per case, of which the median counts")
    add("--output", type=Path, default=HERE / "results", metavar="DIR", help="folder of the JSON files")
    add("--update-readme", action="store_true", help="write the tables into benchmarks/README.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
