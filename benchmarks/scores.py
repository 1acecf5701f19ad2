"""Benchmarks of score learning: `python -m benchmarks.scores NAME [options]` from the root of the repository.

Prints a Markdown table, writes the raw figures with their provenance as JSON, and with `--update-readme`
puts the table into benchmarks/README.md. One thread throughout; every case runs in a process of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import scores_cases as cases
from benchmarks import scores_kernels as kernels
from benchmarks.problems import LITERATURE, NAMES, Sample, available
from benchmarks.recording import (
    HERE,
    Column,
    Table,
    change,
    gap_text,
    in_own_process,
    one_thread,
    recorded,
    update_readme,
    write_json,
)
from benchmarks.scores_cases import Search

__all__ = ["main"]

_TIMES = (1, 10, 100)
_BATCHES = {"cpu": (1, 8, 64), "gpu": (1, 8, 64, 512, 1024)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark."""
    options = _parser().parse_args(arguments)
    one_thread()
    tables = options.measure(options)
    for table in tables:
        print(f"## {table.name}\n\n{table.markdown()}\n")
    publish(options, tables)
    return 0 if any(table.rows for table in tables) else 1


def publish(options: argparse.Namespace, tables: Sequence[Table]) -> None:
    """Write the JSON files and, if asked, the tables in the README."""
    kept = {key: value for key, value in vars(options).items() if key not in _NO_RECORD}
    for path in write_json(options.output, tables, kept):
        print(f"wrote {path.name}", file=sys.stderr)
    if options.update_readme:
        update_readme(HERE / "README.md", tables)


# ---- proof


def proof(options: argparse.Namespace) -> list[Table]:
    """Time to a proven best card, beside the recorded figures of FasterRisk and RiskSLIM."""
    tables = []
    for size in options.max_features:
        searches = [
            Search(size, multipliers, engine, options.time_limit, options.device, options.repeats)
            for multipliers in _ranges(options)
            for engine in options.engines
            if engine == "bnb" or multipliers[0] == multipliers[1]
        ]
        rows = [
            _beside_recorded(_run(options, cases.search, sample, how))
            for sample in _samples(options)
            for how in searches
        ]
        tables.append(Table(f"proof-{size}", _PROOF, rows, _PROOF_NOTE))
    return tables


_PROOF = (
    Column("set", "set"),
    Column("multiplier", "multiplier_range"),
    Column("engine", "engine"),
    Column("loss", "loss", ".6f"),
    Column("m", "multiplier", ".4g"),
    Column("bound", "bound", ".6f"),
    Column("gap", "gap", gap_text),
    Column("nodes", "nodes"),
    Column("s", "seconds", ".2f"),
    Column("compile s", "compile_seconds", ".2f"),
    Column("recorded beside it", "recorded"),
    Column("loss over that", "loss_change", change),
    Column("s / FasterRisk's recorded s", "shown_ratio"),
    Column("aim", "target", lambda ratio: f"<= {ratio:g}"),
)
_PROOF_NOTE = (
    "Beside a fixed multiplier of 1 stands RiskSLIM with CPLEX (loss, gap, s), beside a range of multipliers "
    "FasterRisk (loss, its multiplier, s): recorded figures, not of this run (`recorded.json`)."
)


def _beside_recorded(row: dict[str, Any]) -> dict[str, Any]:
    """Add the recorded figures to a row of `proof`."""
    known = recorded()["cards"].get(row["set"], {}).get(str(row["max_features"]))
    if known is None:
        return row
    fixed = row["multiplier_range"] == "1"
    peer = known["fasterrisk"]
    ratio = row["seconds"] / peer["seconds"][0]
    row |= {
        "ratio": ratio,
        "shown_ratio": f"{'' if row['gap'] == 0 else '> '}{ratio:.2f}",
        "target": known.get("target", {}).get("fixed" if fixed else "certified"),
    }
    if not fixed:
        low, high = peer["seconds"]
        seconds = f"{low:g}" if low == high else f"{low:g}-{high:g}"
        row["recorded"] = f"{peer['loss']:.6f} (m {peer['multiplier']:.2f}), {seconds} s"
        row["loss_change"] = row["loss"] / peer["loss"] - 1.0
    elif other := known.get("riskslim"):
        row["recorded"] = f"{other['loss']:.6f}, {100 * other['gap']:g} %, {other['seconds']:g} s"
        row["loss_change"] = row["loss"] / other["loss"] - 1.0
    return row


# ---- rows


def rows(options: argparse.Namespace) -> list[Table]:
    """Time as every row is repeated 1, 10 and 100 times."""
    how = Search(options.max_features[0], time_limit=options.time_limit, device=options.device)
    found: list[dict[str, Any]] = []
    for sample in _samples(options):
        for times in options.times:
            found.append(_run(options, cases.fit_repeated_rows, sample, times, how))
            same_set = [row for row in found if row["set"] == sample.name]
            found[-1]["growth"] = found[-1]["fit_seconds"] / same_set[0]["fit_seconds"]
    return [Table("rows", _ROWS, found)]


_ROWS = (
    Column("set", "set"),
    Column("rows", "rows", ","),
    Column("distinct", "distinct", ","),
    Column("loss", "loss", ".6f"),
    Column("status", "status"),
    Column("compression s", "compression_seconds", ".3f"),
    Column("search s", "search_seconds", ".2f"),
    Column("whole fit s", "fit_seconds", ".2f"),
    Column("fit / fit of x1", "growth", ".2f"),
)


# ---- kernels


def node_kernels(options: argparse.Namespace) -> list[Table]:
    """NumPy against compiled code, node relaxations and candidate losses."""
    names = [sample.name for sample in _samples(options)]
    shapes: list[str | tuple[int, int]] = [*kernels.SMALL, *names]
    devices = ["cpu"] + (["gpu"] if _own(options, kernels.gpu_present) else [])
    tables = []
    for device in devices:
        nodes = max(options.nodes, *(_BATCHES["gpu"] if device == "gpu" else (1,)))
        limits = (_BATCHES[device], nodes, options.least)
        found = [
            _run(options, kernels.relaxations, shape, options.data, device, *limits, lattice)
            for shape in shapes
            for lattice in (False, True)
            if not lattice or kernels.has_lattice(shape)
        ]
        losses = [
            _run(options, kernels.candidates, shape, device, options.least) for shape in kernels.CANDIDATES
        ]
        suffix = "" if device == "cpu" else "-gpu"
        tables.append(Table(f"kernels{suffix}", _kernel_columns(device), found, _KERNEL_NOTE))
        tables.append(Table(f"candidates{suffix}", _CANDIDATES, losses))
    return tables


def _kernel_columns(device: str) -> list[Column]:
    name = device.upper()
    return [
        Column("nodes of", "set"),
        Column("rows", "rows"),
        Column("columns", "columns"),
        Column("loss", "relaxation"),
        Column("NumPy µs", "numpy_us", ".0f"),
        *(
            Column(f"{name} vmap {batch} µs" if batch > 1 else f"{name} 1 µs", f"jax_us_{batch}", ".0f")
            for batch in _BATCHES[device]
        ),
        Column("compile s (1)", "compile_seconds_1", ".2f"),
        Column("nodes that repay it", "repaid_after"),
        Column("bounds differ by, median", "median_difference", ".0e"),
        Column("same verdict", "same_verdict", ".0%"),
        Column("crossed", "crossed"),
    ]


_KERNEL_NOTE = (
    "Microseconds per node, padding and transfer included; NumPy works on the rows as they are. An empty "
    '"nodes that repay it": never. A relaxation ends after a few steps, and padding changes the way '
    "there, so bounds differ. *Same verdict*: nodes that both kernels close or both leave open. *Crossed*: "
    "nodes where a bound is above the value that the other kernel reached; any would prove it wrong."
)
_CANDIDATES = (
    Column("rows", "rows", ","),
    Column("columns", "columns"),
    Column("cards", "candidates", ","),
    Column("NumPy ns a score", "numpy_ns", ".1f"),
    Column("compiled ns a score", "jax_ns", ".1f"),
    Column("compile s", "compile_seconds", ".2f"),
    Column("losses differ by", "difference", ".0e"),
)


# ---- devices


def devices(options: argparse.Namespace) -> list[Table]:
    """Time to the proof with NumPy, compiled code and the rule that chooses between them."""
    words = options.devices + (["gpu"] if _own(options, kernels.gpu_present) else [])
    found = [
        _run(
            options,
            cases.search,
            sample,
            Search(options.max_features[0], multipliers, "bnb", options.time_limit, word, options.repeats),
        )
        for sample in _samples(options)
        for multipliers in _ranges(options)
        for word in words
    ]
    return [Table("devices", _DEVICES, found)]


_DEVICES = (
    Column("set", "set"),
    Column("multiplier", "multiplier_range"),
    Column("device", "device"),
    Column("status", "status"),
    Column("objective", "objective", ".9f"),
    Column("nodes", "nodes"),
    Column("s", "seconds", ".2f"),
    Column("compile s", "compile_seconds", ".2f"),
)


# ---- verify


def verify(options: argparse.Namespace) -> list[Table]:
    """Time to check a certificate, beside the time to find it."""
    found = [
        _run(
            options,
            cases.fit_and_verify,
            sample,
            Search(options.max_features[0], multipliers, "bnb", options.time_limit, options.device),
        )
        for sample in _samples(options)
        for multipliers in _ranges(options)
    ]
    return [Table("verify", _VERIFY, found)]


_VERIFY = (
    Column("set", "set"),
    Column("multiplier", "multiplier_range"),
    Column("claimed", "claimed"),
    Column("verdict", "verdict"),
    Column("every check passed", "ok", lambda ok: "yes" if ok else "no"),
    Column("records", "records", ","),
    Column("proof s", "proof_seconds", ".2f"),
    Column("verify s", "verify_seconds", ".2f"),
    Column("verify / proof", "share", ".0%"),
)


# ---- held out


def held_out(options: argparse.Namespace) -> list[Table]:
    """Loss on rows that were not fitted to."""
    found = []
    known = recorded()["heldout"]
    for sample in _samples(options):
        row: dict[str, Any] = {"set": sample.name, **known.get(sample.name, {})}
        for multipliers in _ranges(options):
            how = Search(
                options.max_features[0], multipliers, time_limit=options.time_limit, device=options.device
            )
            row["fixed" if how.fixed else "certified"] = _run(
                options, cases.held_out, sample, how, options.folds, options.seed
            )
        found.append(row)
    note = "Mean test loss, in brackets the folds proven. FasterRisk and RiskSLIM: recorded, on other folds."
    return [Table("heldout", _HELD_OUT, found, note)]


def _with_proofs(result: dict[str, Any]) -> str:
    return f"{result['test_loss']:.4f} ({result['proven_folds']}/{result['folds']})"


_HELD_OUT = (
    Column("set", "set"),
    Column("riskstats, m = 1", "fixed", _with_proofs),
    Column("riskstats, certified m", "certified", _with_proofs),
    Column("FasterRisk", "fasterrisk", ".4f"),
    Column("FasterRisk, m = 1", "fasterrisk_fixed", ".4f"),
    Column("RiskSLIM, m = 1", "riskslim", ".4f"),
)


# ---- running


def _samples(options: argparse.Namespace) -> list[Sample]:
    return available(options.sets, options.data)


def _ranges(options: argparse.Namespace) -> list[tuple[float, float]]:
    low, high = options.multiplier_range
    return {"fixed": [(1.0, 1.0)], "certified": [(low, high)], "both": [(1.0, 1.0), (low, high)]}[
        options.multiplier
    ]


def _own(options: argparse.Namespace, function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments) if options.in_process else in_own_process(function, *arguments)


def _run(options: argparse.Namespace, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """Measure one case and say how far it is."""
    found: dict[str, Any] = _own(options, function, *arguments)
    told = {
        key: value
        for key, value in found.items()
        if not isinstance(value, list) and key not in ("max_features", "repeats", "folds")
    }
    line = ", ".join(
        f"{key} {value:.6g}" if isinstance(value, float) else f"{key} {value}" for key, value in told.items()
    )
    print(line, file=sys.stderr, flush=True)
    return found


# ---- command line

_NO_RECORD = ("measure", "data", "output", "update_readme", "in_process")
_BENCHMARKS: dict[str, tuple[Callable[[argparse.Namespace], list[Table]], dict[str, Any]]] = {
    "proof": (proof, {"multiplier": "both"}),
    "rows": (rows, {"sets": ["breastcancer", "mammo", "adult"]}),
    "kernels": (node_kernels, {}),
    "devices": (devices, {"multiplier": "fixed"}),
    "verify": (verify, {"multiplier": "both"}),
    "heldout": (held_out, {"multiplier": "both"}),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scores", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="NAME")
    for name, (measure, defaults) in _BENCHMARKS.items():
        command = commands.add_parser(name, help=measure.__doc__)
        _common(command)
        command.set_defaults(measure=measure, **defaults)
    commands.choices["proof"].add_argument(
        "--engines", nargs="+", choices=("bnb", "scip"), default=["bnb", "scip"]
    )
    commands.choices["rows"].add_argument("--times", nargs="+", type=int, default=list(_TIMES), metavar="N")
    commands.choices["kernels"].add_argument("--nodes", type=int, default=64)
    commands.choices["kernels"].add_argument("--least", type=float, default=0.5, metavar="SECONDS")
    commands.choices["devices"].add_argument(
        "--devices", nargs="+", choices=("numpy", "cpu", "auto"), default=["numpy", "cpu", "auto"]
    )
    commands.choices["heldout"].add_argument("--folds", type=int, default=5)
    commands.choices["heldout"].add_argument("--seed", type=int, default=0)
    return parser


def _common(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--sets", nargs="+", choices=NAMES, default=list(LITERATURE), metavar="SET")
    add("--data", metavar="DIR", help="folder of the data files; else $RISKSTATS_BENCHMARK_DATA")
    add("--max-features", nargs="+", type=int, default=[5], metavar="K")
    add("--multiplier", choices=("fixed", "certified", "both"), default="fixed")
    add("--multiplier-range", nargs=2, type=float, default=[1.0, 20.0], metavar=("LOW", "HIGH"))
    add("--time-limit", type=float, default=60.0, metavar="SECONDS", help="per search")
    add("--device", choices=("auto", "numpy", "cpu", "gpu"), default="auto")
    add("--repeats", type=int, default=1, help="runs per case, of which the median counts")
    add("--output", type=Path, default=HERE / "results", metavar="DIR", help="folder of the JSON files")
    add("--update-readme", action="store_true", help="write the tables into benchmarks/README.md")
    add("--in-process", action="store_true", help="no process per case: for tests and profilers")


if __name__ == "__main__":
    sys.exit(main())
