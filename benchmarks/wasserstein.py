"""Worst cases in one run: `python -m benchmarks.wasserstein [NAME ...] [options]`.

NAME is program (one Makarov bound beside the full linear program), sorting (many, and a sorted call, beside
sorting the samples), coupling (the best of two calls beside the same search over POT), sums (worst value at
risk beside the package rearrangement-algorithm), covariates (balls that share covariates beside HiGHS) or
accelerator (annealed Sinkhorn over pairs that are never stored, beside exact transport). One thread; ratios
are of processor seconds, which a busy machine changes least. POT and rearrangement-algorithm answer where
they are installed. The estimators have a front of their own, `benchmarks.wasserstein_estimators`.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import recording
from benchmarks import wasserstein_cases as cases
from benchmarks.recording import Column, Table, in_own_process, one_thread, update_readme, write_json

__all__ = ["main"]


def program(options: argparse.Namespace) -> Table:
    """One point, order 2, against the full program in HiGHS."""
    sizes = (20, 40) if options.quick else (50, 100, 200)
    rows = [in_own_process(cases.makarov_beside_program, n) for n in sizes]
    columns = (
        Column("n", "n"),
        Column("search us", "kernel_us", ".3g"),
        Column("public function us", "public_us", ".3g"),
        Column("program s", "program", ".3g"),
        Column("times faster, search", "ratio", ".2g"),
        Column("times faster, public", "public_ratio", ".2g"),
        Column("differ by", "difference", ".1e"),
    )
    return Table("wasserstein-program", columns, rows, "The aim is 1e5 and 1e-12 at n = 200.")


def sorting(options: argparse.Namespace) -> Table:
    """Bounds and a call on samples beside sorting them."""
    small = options.quick
    rows = [
        in_own_process(cases.makarov_beside_sorting, 10_000 if small else 1_000_000, 1, options.repeats),
        in_own_process(cases.makarov_beside_sorting, 1_000 if small else 100_000, 101, options.repeats),
        in_own_process(cases.sorted_call, 1_000 if small else 100_000, options.repeats),
    ]
    columns = (
        Column("case", "case"),
        Column("s", "seconds", ".3g"),
        Column("sorting both s", "sorting", ".3g"),
        Column("ratio", "ratio", ".2f"),
        Column("aim", "aim", lambda ratio: f"<= {ratio:g}"),
        Column("error or certified gap", "error", ".1e"),
    )
    note = "The first two are searches in samples that are sorted; the call sorts them itself."
    return Table("wasserstein-sorting", columns, rows, note)


def coupling(options: argparse.Namespace) -> Table:
    """The best of two calls, gap 1e-6."""
    row = in_own_process(cases.best_of_two, 300 if options.quick else 2000, _installed("ot"))
    columns = (
        Column("n", "n"),
        Column("s", "seconds", ".3g"),
        Column("certified gap", "gap", ".1e"),
        Column("over assignments s", "assignment", ".3g"),
        Column("they differ by", "difference", ".1e"),
        Column("over POT s", "pot", ".3g"),
        Column("gap reached", "pot_gap", ".1e"),
        Column("ratio", "ratio", ".3f"),
        Column("assignments' ratio", "assignment_ratio", ".2f"),
    )
    return Table("wasserstein-coupling", columns, [row], "The aim is a ratio <= 0.4.")


def sums(options: argparse.Namespace) -> Table:
    """Worst value at risk of sums of 3 and 8."""
    n = 1000 if options.quick else 20_000
    peer = _installed("rearrangement_algorithm")
    rows = []
    for law in ("uniform", "normal", "lognormal", "Pareto(2)"):
        for d in (3, 8):
            for radius in (0.0, 0.1):
                rows.append(in_own_process(cases.worst_sum, law, d, n, radius, peer))
                print(f"{law} {d} {radius}: gap {rows[-1]['gap']:.1e}", file=sys.stderr, flush=True)
    columns = (
        Column("law", "law"),
        Column("d", "d"),
        Column("R", "radius", "g"),
        Column("s", "seconds", ".3g"),
        Column("at least", "lower", ".6g"),
        Column("at most", "upper", ".6g"),
        Column("certified gap", "gap", ".1e"),
        Column("rearrangement-algorithm s", "peer", ".3g"),
        Column("its value", "peer_value", ".6g"),
        Column("ratio", "ratio", ".2f"),
    )
    note = (
        f"n = {n:,}, level .95. The aim is a gap <= 1 % in at most the other's time, which certifies nothing."
    )
    return Table("wasserstein-sums", columns, rows, note)


def covariates(options: argparse.Namespace) -> Table:
    """Two arms that share covariates, gap 1e-4."""
    sizes = (
        [(30, 20, 2, True)]
        if options.quick
        else [
            (100, 100, 3, True),
            (200, 200, 3, True),
            (500, 500, 3, options.full),
            (500, 350, 3, False),
        ]
    )
    rows = [in_own_process(cases.shared_covariates, *size) for size in sizes]
    columns = (
        Column("case", "case"),
        Column("s", "seconds", ".3g"),
        Column("certified gap", "gap", ".1e"),
        Column("route", "route"),
        Column("HiGHS, one multiplier s", "program", ".3g"),
        Column("times faster", "ratio", ".1f"),
        Column("differ by", "difference", ".1e"),
    )
    note = (
        "The aim is a gap of 1e-4 at 500 + 500. HiGHS solves one transport, at the multiplier found here; "
        "a search for it solves many."
    )
    return Table("wasserstein-covariates", columns, rows, note)


_BENCHMARKS: dict[str, Callable[[argparse.Namespace], Table]] = {
    "program": program,
    "sorting": sorting,
    "coupling": coupling,
    "sums": sums,
    "covariates": covariates,
}


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are named, or all."""
    options = _parser().parse_args(arguments)
    one_thread()
    tables = [_BENCHMARKS[name](options) for name in options.what or _BENCHMARKS]
    for table in tables:
        print(f"## {table.name}\n\n{table.markdown()}\n")
    write_json(options.output, tables, {key: str(value) for key, value in vars(options).items()})
    if options.update_readme:
        update_readme(recording.HERE / "README.md", tables)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.wasserstein",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("what", nargs="*", choices=[*_BENCHMARKS, []], default=[], metavar="NAME")
    add("--repeats", type=int, default=7)
    add("--quick", action="store_true", help="small sizes, to see that it runs")
    add("--full", action="store_true", help="HiGHS at 500 + 500 too, minutes")
    add("--output", type=Path, default=Path("results"))
    add("--update-readme", action="store_true", help="put the tables into benchmarks/README.md")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
