"""Probes, harm-benefit fits and grades: `python -m benchmarks.harm [NAME ...] [options]`.

NAME is probes (102 targets on one layer beside one `RidgeCV` fit each), aggregation (a harm-benefit fit
beside SciPy's differential evolution on the same compiled likelihood) or grades (how often a certain grade is
wrong, exactly). One thread; the least of the repeated seconds counts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import harm_cases
from benchmarks.recording import HERE, Column, Table, in_own_process, one_thread, update_readme, write_json

__all__ = ["main"]


def probes(options: argparse.Namespace) -> Table:
    """102 targets on one layer."""
    found = in_own_process(harm_cases.probes, options.n, options.d, options.peers, options.repeats)
    columns = (
        Column("case", "case"),
        Column("all targets s", "seconds", ".3g"),
        Column("one RidgeCV fit s", "peer_seconds", ".3g"),
        Column("per target, ratio", "ratio", ".0f"),
        Column("aim", "aim", lambda ratio: f">= {ratio:g}"),
        Column("scores differ by", "difference", ".0e"),
    )
    note = "Both choose among 13 penalties by leaving out each row; one target and 101 control tasks."
    return Table("harm-probes", columns, [found], note)


def aggregation(options: argparse.Namespace) -> Table:
    """A harm-benefit fit."""
    found = in_own_process(harm_cases.aggregation, options.prompts, options.generations, options.starts)
    columns = (
        Column("case", "case"),
        Column("fit s", "seconds", ".3g"),
        Column("compile s", "compile_seconds", ".2g"),
        Column("reading s", "reading_seconds", ".2g"),
        Column("-log likelihood", "loss", ".4f"),
        Column("differential evolution s", "peer_seconds", ".3g"),
        Column("its -log likelihood", "peer_loss", ".4f"),
        Column("ratio", "ratio", ".1f"),
        Column("aim", "aim", lambda ratio: f">= {ratio:g}"),
    )
    note = (
        f"At most {options.starts} starts of L-BFGS, until the best is found again; at most "
        f"{options.generations} generations of the peer with its own last descent. Both are given compiled "
        "likelihoods of trees read before."
    )
    return Table("harm-aggregation", columns, [found], note)


def grades(options: argparse.Namespace) -> Table:
    """How often a grade that is called certain at 95 % is wrong, beside a bare grade."""
    rows = [in_own_process(harm_cases.grades, options.items, known) for known in (True, False)]
    columns = (
        Column("case", "case"),
        Column("certain and wrong, worst of the borders", "certain_wrong", ".2%"),
        Column("aim", "aim", lambda share: f"<= {share:.0%}"),
        Column("bare grade wrong at u = 0.0825", "bare_wrong", ".1%"),
        Column("bare grade wrong, worst", "bare_worst", ".1%"),
    )
    took = in_own_process(harm_cases.one_grade, options.repeats)
    note = (
        f"Exact, over all pairs of counts; u next to every cut of the scale, reference 0.15. One grade takes "
        f"{took['milliseconds']:.0f} ms."
    )
    return Table("harm-grades", columns, rows, note)


_BENCHMARKS: dict[str, Callable[[argparse.Namespace], Table]] = {
    "probes": probes,
    "aggregation": aggregation,
    "grades": grades,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are named, or all."""
    options = _parser().parse_args(arguments)
    one_thread()
    tables = [_BENCHMARKS[name](options) for name in options.what or _BENCHMARKS]
    for table in tables:
        print(f"## {table.name}\n\n{table.markdown()}\n")
    kept = {"n", "d", "peers", "prompts", "generations", "starts", "items", "repeats"}
    write_json(options.output, tables, {key: value for key, value in vars(options).items() if key in kept})
    if options.update_readme:
        update_readme(HERE / "README.md", tables)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.harm",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("what", nargs="*", choices=[*_BENCHMARKS, []], default=[], metavar="NAME")
    add("--n", type=int, default=1500, help="rows of the layer")
    add("--d", type=int, default=2048, help="columns of the layer")
    add("--peers", type=int, default=3, help="RidgeCV fits that are timed")
    add("--prompts", type=int, default=1000, help="trees of the harm-benefit fit")
    add("--generations", type=int, default=300, help="most generations of differential evolution")
    add("--starts", type=int, default=5, help="starts of the fit")
    add("--items", type=int, default=1000, help="answers of the graded system and of its reference")
    add("--repeats", type=int, default=3, help="runs per case, of which the fastest counts")
    add("--output", type=Path, default=HERE / "results", metavar="DIR", help="folder of the JSON files")
    add("--update-readme", action="store_true", help="write the tables into benchmarks/README.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
