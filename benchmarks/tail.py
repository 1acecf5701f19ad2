"""Tail measures beside other packages in one run: `python -m benchmarks.tail [NAME ...] [options]`.

NAME is cvar (large samples), measures (EVaR, expectile), bootstrap (paired resamples of many series),
extremes (generalised Pareto fits), kernels (NumPy against compiled code, with the time of compilation apart)
or coverage (limits for CVaR). Pass `--peer-python PATH`, the Python of an environment with skfolio,
empyrical-reloaded, pyextremes and SciPy, to have their seconds beside; without it the columns of peers stay
empty. One thread; both sides read the same arrays, and the least of the repeated seconds counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import recording, tail_cases
from benchmarks.recording import HERE, Column, Table, in_own_process, one_thread, update_readme, write_json

__all__ = ["PeerMissing", "main", "peer"]

LEVEL = 0.95


class PeerMissing(RuntimeError):
    """Another package cannot be run; the message says why and what to do."""


def peer(python: str | None, task: str, arrays: dict[str, Any], repeats: int) -> dict[str, Any]:
    """Run a task of `peer_tail.py` in its environment. Raises `PeerMissing` where that cannot be done."""
    if not python or not Path(python).is_file():
        raise PeerMissing(
            f"--peer-python is {python or 'not given'}{', and there is no such file' if python else ''}. "
            "Make an environment with `pip install skfolio empyrical-reloaded pyextremes scipy` and pass its "
            "python."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        np.savez(path, **arrays)
        command = [python, str(HERE / "peer_tail.py"), task, str(path), str(repeats)]
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, **limits}
        )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PeerMissing(f"{task}: '{python}' could not run it ({reason}).")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _beside(
    options: argparse.Namespace, row: dict[str, Any], task: str, arrays: dict[str, Any], values: Any
) -> dict[str, Any]:
    """The row with the peer's seconds, the ratio and how far the answers are apart, if it can be run."""
    try:
        other = peer(options.peer_python, task, arrays, options.repeats)
    except PeerMissing as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return {**row, "peer": task.replace("_", " ")}
    difference = float(np.abs(np.asarray(other["values"]) - np.asarray(values)).max())
    found = {
        **row,
        "peer": f"{task.replace('_', ' ')} {other['version']}",
        "peer_seconds": other["seconds"],
        "ratio": other["seconds"] / row["seconds"],
        "difference": difference,
    }
    print(f"{row['case']}: {found['ratio']:.1f}x", file=sys.stderr, flush=True)
    return found


_COLUMNS = (
    Column("case", "case"),
    Column("riskstats s", "seconds", ".4g"),
    Column("peer", "peer"),
    Column("peer s", "peer_seconds", ".4g"),
    Column("ratio", "ratio", ".1f"),
    Column("aim", "aim", lambda ratio: f">= {ratio:g}"),
    Column("answers differ by", "difference", ".0e"),
)


# ---- benchmarks


def large_samples(options: argparse.Namespace) -> Table:
    """CVaR of one large sample, plain and weighted."""
    rows = []
    for weighted, aim in ((False, 8), (True, 20)):
        arrays = tail_cases.sample(options.n, weighted)
        found = in_own_process(tail_cases.cvar_of, options.n, weighted, options.repeats)
        kind = "weighted" if weighted else "unweighted"
        row = {"case": f"{kind} CVaR, n = {options.n:,}", "seconds": found["seconds"], "aim": aim}
        rows.append(_beside(options, row, "skfolio_cvar", arrays, found["values"]))
    return Table("tail-cvar", _COLUMNS, rows)


def measures(options: argparse.Namespace) -> Table:
    """EVaR and expectile of one sample."""
    n = max(options.n // 10, 1)
    arrays = tail_cases.sample(n, False)
    rows = []
    for name, task in (("evar", "skfolio_evar"), ("expectile", "scipy_expectile")):
        found = in_own_process(tail_cases.measure_of, name, n, options.repeats)
        row = {"case": f"{name}, n = {n:,}", "seconds": found["seconds"], "aim": 1}
        rows.append(_beside(options, row, task, arrays, found["values"]))
    return Table("tail-measures", _COLUMNS, rows)


def bootstrap(options: argparse.Namespace) -> Table:
    """Paired resamples of 11 models x 5 series on 901 prompts, counts and ranks included."""
    arrays = tail_cases.profiles() | {"resamples": options.resamples}
    found = in_own_process(tail_cases.bootstrap, options.resamples, options.repeats)
    case = f"{options.resamples} resamples x 901 prompts x 11 models x 5 series"
    rows = [
        _beside(
            options,
            {"case": case, "seconds": found["seconds"], "aim": aim},
            task,
            arrays,
            found["values"],
        )
        for task, aim in (("skfolio_matrix", 30), ("skfolio_loop", 80), ("empyrical_loop", 60))
    ]
    note = (
        "Draws, counts and ranks are inside the clock on both sides. Answers are means over the resamples: "
        "they differ by rounding, and empyrical's by its rule for the tail."
    )
    return Table("tail-bootstrap", _COLUMNS, rows, note)


def extremes(options: argparse.Namespace) -> Table:
    """A return level beyond the data with its interval from resamples, by a generalised Pareto fit."""
    n, resamples = min(options.n, 10_000), min(options.resamples, 200)
    arrays = tail_cases.threshold_sample(n, resamples)
    found = in_own_process(tail_cases.return_level, n, resamples, options.repeats)
    case = f"level 0.999 of {n:,} losses, {n // 20} above the threshold, {resamples} resamples"
    row = {"case": case, "seconds": found["seconds"], "aim": 10}
    note = "The peer is kept in one process. It counts one loss less among the periods."
    rows = [_beside(options, row, "pyextremes_return_value", arrays, found["values"])]
    return Table("tail-extremes", _COLUMNS, rows, note)


def kernels(options: argparse.Namespace) -> Table:
    """The bootstrap kernel in NumPy and compiled, on the same counts; compilation apart."""
    rows = [
        in_own_process(tail_cases.kernel, device, precision, options.resamples, options.repeats)
        for device, precision in tail_cases.kernel_choices()
    ]
    columns = (
        Column("kernel", "device"),
        Column("precision", "precision"),
        Column("s", "seconds", ".4g"),
        Column("resamples a second", "rate", ",.0f"),
        Column("compile s", "compile_seconds", ".2f"),
        Column("differs from NumPy by", "difference", ".0e"),
    )
    return Table(
        "tail-kernels", columns, rows, "55 series of 901 losses; counts are drawn outside the clock."
    )


def coverage(options: argparse.Namespace) -> Table:
    """Coverage and mean excess of upper limits, level and confidence 0.95, three populations, n = 901."""
    rows = [in_own_process(tail_cases.coverage, limit, options.samples) for limit in tail_cases.limit_names()]
    columns = (
        Column("limit", "limit"),
        *(Column(f"coverage {law}", f"coverage_{law}", ".3f") for law in "ABC"),
        *(Column(f"mean excess {law}", f"excess_{law}", ".3f") for law in "ABC"),
        Column("ms a sample", "milliseconds", ".2f"),
    )
    note = f"{options.samples} samples each; a coverage has a standard error of about 0.22 / sqrt(samples)."
    return Table("tail-coverage", columns, rows, note)


_BENCHMARKS: dict[str, Callable[[argparse.Namespace], Table]] = {
    "cvar": large_samples,
    "measures": measures,
    "bootstrap": bootstrap,
    "extremes": extremes,
    "kernels": kernels,
    "coverage": coverage,
}


# ---- command line


_BESIDE_PEERS = ("cvar", "measures", "bootstrap", "extremes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are named, or the first four."""
    options = _parser().parse_args(arguments)
    one_thread()
    tables = [_BENCHMARKS[name](options) for name in options.what or _BESIDE_PEERS]
    for table in tables:
        print(f"## {table.name}\n\n{table.markdown()}\n")
    kept = {"n", "resamples", "samples", "repeats"}
    write_json(options.output, tables, {key: value for key, value in vars(options).items() if key in kept})
    if options.update_readme:
        update_readme(recording.HERE / "README.md", tables)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tail",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "what",
        nargs="*",
        choices=[*_BENCHMARKS, []],
        default=[],
        metavar="NAME",
    )
    add("--peer-python", metavar="PATH", help="python of an environment with the other packages")
    add("--n", type=int, default=10_000_000, help="losses of the large samples; a tenth of it for `measures`")
    add("--resamples", type=int, default=1000)
    add("--samples", type=int, default=2000, help="samples per population of `coverage`")
    add("--repeats", type=int, default=3, help="runs per case, of which the fastest counts")
    add("--output", type=Path, default=HERE / "results", metavar="DIR", help="folder of the JSON files")
    add("--update-readme", action="store_true", help="write the tables into benchmarks/README.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
