"""Benchmarks of risk control: `python -m benchmarks.control NAME [options]` from the root of the repository.

Prints Markdown tables, writes the raw figures with their provenance as JSON, and with `--update-readme` puts
the tables into benchmarks/README.md. One thread throughout; every case runs in a process of its own. `all`
runs everything, `--quick` small sizes, `--full` the O(n^2) recursion to its end at n = 100,000 (minutes).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import control_cases as cases
from benchmarks import control_mapie as mapie
from benchmarks import control_tightness as tight
from benchmarks.compare import PeerMissing
from benchmarks.recording import (
    HERE,
    Column,
    Table,
    in_own_process,
    one_thread,
    update_readme,
    write_json,
)
from riskstats._jit import accelerator_present

__all__ = ["SIZES", "Sizes", "main"]


@dataclass(frozen=True)
class Sizes:
    """What is run: numbers of units, pairs (candidates, units), repetitions."""

    crossings: tuple[int, ...] = (5000, 20_000, 100_000)
    calibrations: tuple[int, ...] = (1000, 5000, 100_000, 1_000_000)
    plain_up_to: int = 5000
    averages: tuple[tuple[int, int], ...] = ((1000, 5000), (100, 100_000))
    betting: tuple[tuple[int, int], ...] = ((50, 20_000), (20, 100_000))
    whole: tuple[int, int, int] = (1000, 5000, 50)
    large: tuple[int, int] = (1000, 100_000)
    mapie: tuple[int, int] = (1000, 5000)
    errors: int = 20_000
    repetitions: int = 2000
    repeats: int = 5


SIZES = {
    "usual": Sizes(),
    "quick": Sizes(
        crossings=(1000, 5000),
        calibrations=(1000, 10_000),
        plain_up_to=1000,
        averages=((200, 5000), (10, 100_000)),
        betting=((8, 20_000), (3, 100_000)),
        whole=(200, 5000, 5),
        large=(50, 100_000),
        mapie=(100, 5000),
        errors=2000,
        repetitions=200,
        repeats=3,
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark, or all."""
    options = _parser().parse_args(arguments)
    one_thread()
    _check_threads()
    if options.device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    elif not _own(options, accelerator_present):
        print(
            "--device gpu needs an accelerator, and JAX sees none here. Install riskstats[cuda13] on a "
            "machine that has one, or leave the option out.",
            file=sys.stderr,
        )
        return 2
    tables = [table for measure in options.measures for table in measure(options)]
    for table in tables:
        print(f"## {table.name}\n\n{table.markdown()}\n")
    kept = {key: value for key, value in vars(options).items() if key not in _NO_RECORD}
    for path in write_json(options.output, tables, kept):
        print(f"wrote {path.name}", file=sys.stderr)
    if options.update_readme:
        update_readme(HERE / "README.md", tables)
    return 0


def _check_threads() -> None:
    """`RuntimeError` where a library of this process still has more than one thread."""
    from threadpoolctl import threadpool_info

    several = [pool["user_api"] for pool in threadpool_info() if pool["num_threads"] > 1]
    if several:
        raise RuntimeError(f"one thread was asked for, but {', '.join(several)} has more.")


def _at_least(bar: float) -> str:
    return f">= {bar:g}"


def _at_most(bar: float) -> str:
    return f"<= {bar:g}"


def _parts(share: float) -> str:
    """A share as 1/k."""
    return f"1/{1 / share:,.0f}"


# ---- crossing probabilities and calibration


def crossing(options: argparse.Namespace) -> list[Table]:
    """One crossing probability of a Berk-Jones boundary against the O(n^2) recursion."""
    rows = _run(options, cases.crossings, _sizes(options).crossings, options.full)
    for row in rows:
        row["bar"] = _CROSSING_BARS.get(row["n"])
        row["how"] = "whole" if row["recursion_measured"] else "400 rows of n, scaled"
    return [Table("control-crossing", _CROSSING, rows, _CROSSING_NOTE)]


_CROSSING_BARS = {5000: 5.0, 20_000: 30.0, 100_000: 200.0}
_CROSSING = (
    Column("n", "n", ",d"),
    Column("recursion s", "sweep", ".3g"),
    Column("recursion run", "how"),
    Column("boundary given, s", "given", ".2g"),
    Column("ratio", "given_ratio", ",.0f"),
    Column("level given, cold, s", "cold", ".2g"),
    Column("ratio", "cold_ratio", ",.0f"),
    Column("level given, again, s", "again", ".2g"),
    Column("ratio", "again_ratio", ",.0f"),
    Column("bar", "bar", _at_least),
    Column("differ by, relative", "difference", ".0e"),
)
_CROSSING_NOTE = (
    "*Boundary given*: `crossing_probability`, any boundary. *Level given*: `crossing_of_level`, as a "
    "calibration calls it; *again*: with its panels laid out. Where the recursion did not run to its end, "
    "the difference is that of these two."
)


def calibration(options: argparse.Namespace) -> list[Table]:
    """Whole calibrations of Berk-Jones bands, cold and remembered."""
    sizes = _sizes(options)
    rows = _run(options, cases.calibrations, sizes.calibrations, sizes.plain_up_to)
    for row in rows:
        row |= {"bar": _CALIBRATION_BARS.get(row["n"]), "top_bar": 3.0 if row["n"] == 1000 else None}
    return [Table("control-calibration", _CALIBRATION, rows, _CALIBRATION_NOTE)]


_CALIBRATION_BARS = {1000: 3.0, 5000: 40.0}
_CALIBRATION = (
    Column("n", "n", ",d"),
    Column("plain ms", "cold_plain", ",.0f"),
    Column("cold ms", "cold", ".3g"),
    Column("ratio", "cold_ratio", ",.0f"),
    Column("bar", "bar", _at_least),
    Column("levels (.9, 1): plain ms", "top_plain", ",.0f"),
    Column("cold ms", "top", ".3g"),
    Column("ratio", "top_ratio", ",.0f"),
    Column("bar", "top_bar", _at_least),
    Column("c differs by", "cold_difference", ".0e"),
    Column("from disk ms", "disk", ".2g"),
    Column("from memory / cold (bar 1/50)", "memory_share", _parts),
    Column("cold / cold at n/10 (bar 20)", "growth", ".1f"),
    Column("cold / one recursion (bar 1/60)", "recursion_share", _parts),
)
_CALIBRATION_NOTE = (
    "delta = .05. *Plain*: Brent's method on the recursion, and for (.9, 1) bisection over the first rank. "
    "*Cold*: nothing in memory or on disk. Levels are found from below, by some 2e-11."
)


# ---- many candidates


def averages(options: argparse.Namespace) -> list[Table]:
    """CVaR of many candidates against a loop over them."""
    sizes = _sizes(options)
    rows = [
        row | {"bar": 5.0 if row["what"] == "bound" else None}
        for shape in sizes.averages
        for row in _run(options, cases.averages, *shape, sizes.repeats, options.device)
    ]
    return [Table(_named("control-cvar", options), _AVERAGES, rows, _AVERAGES_NOTE)]


_AVERAGES = (
    Column("candidates", "candidates", ",d"),
    Column("units", "units", ",d"),
    Column("CVaR.9", "what"),
    Column("plain loop s", "plain_seconds", ".3f"),
    Column("batch s", "seconds", ".3f"),
    Column("ratio", "ratio", ".1f"),
    Column("bar", "bar", _at_least),
    Column("differ by, relative", "difference", ".0e"),
    Column("compile s", "compile_seconds", ".2f"),
)
_AVERAGES_NOTE = "The loop sorts every row and multiplies; the band is calibrated beforehand for both."


def betting(options: argparse.Namespace) -> list[Table]:
    """Betting p-values and bounds of many candidates against a loop over them."""
    sizes = _sizes(options)
    rows = [
        row | {"bar": _betting_bar(row)}
        for shape in sizes.betting
        for device in ("numpy", options.device)
        for row in _run(options, cases.betting, *shape, sizes.repeats, device)
    ]
    return [Table(_named("control-betting", options), _BETTING, rows, _BETTING_NOTE)]


def _betting_bar(row: Mapping[str, Any]) -> float | None:
    """For NumPy, which the package takes on a CPU."""
    if row["device"] != "numpy":
        return None
    return {"bounds": 1.0, "p-values": None}.get(row["what"], 5.0)


_BETTING = (
    Column("candidates", "candidates", ",d"),
    Column("units", "units", ",d"),
    Column("what", "what"),
    Column("batch on", "device", lambda device: "NumPy" if device == "numpy" else f"{device}, compiled"),
    Column("plain loop s", "plain_seconds", ".3f"),
    Column("batch s", "seconds", ".3f"),
    Column("ratio", "ratio", ".1f"),
    Column("bar", "bar", _at_least),
    Column("compile s", "compile_seconds", ".2f"),
    Column("differ by", "difference", ".0e"),
)
_BETTING_NOTE = (
    "The loop handles one candidate with NumPy over its units; bounds by Brent's method. *Decisions*: "
    "whether the mean is within a limit needs p-values alone, where a loop that asks for bounds solves for "
    "each; the difference is then the number of decisions that differ. Compile seconds are of both kernels."
)


def whole(options: argparse.Namespace) -> list[Table]:
    """Five measures of many candidates with p-values, joint bounds and Holm."""
    rows = _run(options, cases.whole, *_sizes(options).whole)
    m, n, looped = _sizes(options).whole
    note = (
        f"{m:,} candidates x {n:,} units, delta = .05, calibration included. Loops ran on {looped} "
        f"candidates and are scaled by {m / looped:g}: *calls* calls the same bounds of the package for one "
        "candidate after the other, *plain* is code from the formulas with roots by Brent's method, which "
        "takes the edges and crossing probabilities of bands from the package."
    )
    return [Table(_named("control-whole", options), _WHOLE, rows, note)]


_WHOLE = (
    Column("measure", "measure"),
    Column("limit", "limit", "g"),
    Column("bound", "bound"),
    Column("certified", "certified"),
    Column("s", "seconds", ".2f"),
    Column("goal s", "goal", _at_most),
    Column("calls s", "calls_seconds", ".1f"),
    Column("ratio", "calls_ratio", ".1f"),
    Column("plain s", "loop_seconds", ".1f"),
    Column("ratio", "loop_ratio", ".1f"),
    Column("bar", "bar", _at_least),
    Column("p-values differ by", "p_difference", ".0e"),
    Column("bounds and estimates differ by", "difference", ".0e"),
)


def large(options: argparse.Namespace) -> list[Table]:
    """Time and peak memory on a large matrix of losses."""
    rows = _run(options, cases.large, *_sizes(options).large)
    return [Table("control-memory", _LARGE, rows, _LARGE_NOTE)]


_LARGE = (
    Column("candidates", "candidates", ",d"),
    Column("units", "units", ",d"),
    Column("measure", "measure"),
    Column("bound", "bound"),
    Column("certified", "certified"),
    Column("s", "seconds", ".1f"),
    Column("goal s", "seconds_goal", _at_most),
    Column("losses GiB", "losses_gib", ".2f"),
    Column("peak GiB before", "before_gib", ".2f"),
    Column("peak GiB", "peak_gib", ".2f"),
    Column("goal GiB", "gib_goal", _at_most),
)
_LARGE_NOTE = (
    "`certify` with Holm: estimates, p-values and joint bounds. Peak resident memory of a process of its "
    "own, with Python, NumPy, SciPy and the losses."
)


# ---- tightness


def tightness(options: argparse.Namespace) -> list[Table]:
    """How far bounds lie above the truth, and how often below."""
    return [
        _tightness(options, "control-cvar-bounds", tight.CVAR_CASES, _CVAR_NOTE),
        _tightness(options, "control-mean-bounds", tight.MEAN_CASES, _MEAN_NOTE),
    ]


def _tightness(options: argparse.Namespace, name: str, some: Sequence[tight.Case], first: str) -> Table:
    """One row per bound, one column per case."""
    repetitions = options.repetitions or _sizes(options).repetitions
    rows: dict[str, dict[str, Any]] = {}
    columns = [Column("bound", "bound")]
    for case in some:
        key = f"{case.law}-{case.n}"
        law = tight.LAWS[case.law].name
        columns.append(Column(f"{case.measure} of {law}, n = {case.n:,}", key, _tight_cell))
        rows.setdefault("truth", {"bound": "*truth*"})[key] = {"truth": case.truth}
        for row in _run(options, tight.tightness, case, repetitions, options.seed):
            rows.setdefault(row["bound"], {"bound": row["bound"]})[key] = row
    note = f"{first} Mean of {repetitions:,} bounds, (its standard error), the share of samples covered."
    return Table(name, columns, list(rows.values()), f"{note} {_COVERED_NOTE}")


def _tight_cell(row: Mapping[str, Any]) -> str:
    if "bound" not in row:
        return f"*{row['truth']:.4f}*"
    accepted = "" if row["accepted"] is None else f" <= {row['accepted']:.4f} accepted"
    verdict = "" if row["holds"] else " TOO FEW"
    spread = f"({row['standard_error']:.4f})"
    return f"{row['mean_bound']:.4f} {spread}{accepted}, {row['covered']:.3f}{verdict}"


_CVAR_NOTE = (
    "95 % upper bounds on CVaR. *Split*, *mixture*, *predictable* and the last row are `RockafellarUryasev`; "
    "the last one has its threshold at the true quantile, which nobody knows: it shows what is left to gain."
)
_MEAN_NOTE = "95 % upper bounds on the mean."
_COVERED_NOTE = "A share below .95 that chance does not explain (1e-6) would be marked."


# ---- MAPIE


def compare_mapie(options: argparse.Namespace) -> list[Table]:
    """MAPIE's Hoeffding-Bentkus p-values, and the error of its betting bound (needs --peer-python)."""
    sizes, python = _sizes(options), options.peer_python
    try:
        return [
            mapie.times(python, *sizes.mapie, sizes.repeats, options.seed),
            mapie.errors(python, sizes.errors, options.seed),
        ]
    except PeerMissing as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return []


# ---- running


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = SIZES["quick" if options.quick else "usual"]
    return replace(sizes, repeats=options.repeats) if options.repeats else sizes


def _named(name: str, options: argparse.Namespace) -> str:
    return name if options.device == "cpu" else f"{name}-gpu"


def _own(options: argparse.Namespace, function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments) if options.in_process else in_own_process(function, *arguments)


def _run(options: argparse.Namespace, function: Callable[..., Any], *arguments: Any) -> list[dict[str, Any]]:
    """Measure one case and say how far it is."""
    found: list[dict[str, Any]] = _own(options, function, *arguments)
    for row in found:
        print(f"{function.__name__}: {_line(row)}", file=sys.stderr, flush=True)
    return found


def _line(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{k} {v:.6g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())


# ---- command line

_NO_RECORD = ("measures", "output", "update_readme", "in_process", "peer_python")
_BENCHMARKS: dict[str, Callable[[argparse.Namespace], list[Table]]] = {
    "crossing": crossing,
    "calibration": calibration,
    "cvar": averages,
    "betting": betting,
    "whole": whole,
    "memory": large,
    "tightness": tightness,
    "mapie": compare_mapie,
}
_ON_DEVICES = ("cvar", "betting", "whole")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.control", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="NAME")
    for name, measure in _BENCHMARKS.items():
        command = commands.add_parser(name, help=measure.__doc__)
        command.set_defaults(measures=[measure])
        _common(command, gpu=name in _ON_DEVICES)
    every = commands.add_parser("all", help="All of them, one after the other.")
    every.set_defaults(measures=list(_BENCHMARKS.values()))
    _common(every, gpu=False)
    return parser


def _common(command: argparse.ArgumentParser, gpu: bool) -> None:
    add = command.add_argument
    size = command.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small sizes: to see that it runs")
    size.add_argument(
        "--full", action="store_true", help="run the O(n^2) recursion to its end at every n: minutes"
    )
    add("--device", choices=("cpu", "gpu") if gpu else ("cpu",), default="cpu")
    add("--repeats", type=int, help="runs per case, of which the median counts; slow ones run once")
    add("--repetitions", type=int, metavar="N", help="samples per law, for tightness")
    add("--seed", type=int, default=0, help="for tightness and mapie")
    add("--peer-python", metavar="PATH", help="python of an environment with mapie, for mapie")
    add("--output", type=Path, default=HERE / "results", metavar="DIR", help="folder of the JSON files")
    add("--update-readme", action="store_true", help="write the tables into benchmarks/README.md")
    add("--in-process", action="store_true", help="no process per case: for tests and profilers")


if __name__ == "__main__":
    sys.exit(main())
