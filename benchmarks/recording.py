"""What a measurement is written down with: machine and versions, one thread, a process of its own, tables."""

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import riskstats
from riskstats.results import plain

__all__ = [
    "Column",
    "Spent",
    "Table",
    "change",
    "gap_text",
    "in_own_process",
    "one_thread",
    "provenance",
    "recorded",
    "repeat",
    "spend",
    "start_jax",
    "update_readme",
    "write_json",
]

HERE = Path(__file__).resolve().parent
T = TypeVar("T")
_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_XLA = "--xla_cpu_multi_thread_eigen=false"
_PACKAGES = ("numpy", "scipy", "scikit-learn", "jax", "pyscipopt")


# ---- conditions


def one_thread() -> None:
    """Keep BLAS and XLA on one thread in this process and the ones it starts.

    To be called before NumPy's BLAS or JAX do any work.
    """
    from threadpoolctl import threadpool_limits

    os.environ.update(_THREADS)
    flags = os.environ.get("XLA_FLAGS", "")
    if _XLA not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_XLA}".strip()
    threadpool_limits(limits=1)


def in_own_process(function: Callable[..., T], *arguments: Any) -> T:
    """Return function(*arguments) from a fresh process: nothing is compiled or cached there yet."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=one_thread) as pool:
        return pool.submit(function, *arguments).result()


def start_jax() -> None:
    """Import and start JAX, so that no measurement pays for it."""
    import jax

    from riskstats._jit import double_precision

    with double_precision():
        jax.jit(lambda x: x + 1.0)(0.0).block_until_ready()


def provenance() -> dict[str, Any]:
    """Return when, on what and with which versions something was measured."""
    return {
        "riskstats": riskstats.__version__,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "threads": 1,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
    }


def machine() -> str:
    """Return cores and processor in words, such as "2 cores, AMD EPYC"."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return f"{cores} core{'' if cores == 1 else 's'}, {_processor()}"


def _processor() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def recorded() -> dict[str, Any]:
    """Return the recorded figures of other programs."""
    known: dict[str, Any] = json.loads((HERE / "recorded.json").read_text(encoding="utf-8"))
    return known


# ---- time


class Spent(NamedTuple):
    """An answer with the seconds on the clock and of the processor that it took."""

    answer: Any
    seconds: float
    cpu_seconds: float


def spend(function: Callable[..., Any], *arguments: Any) -> Spent:
    """Call and time a function."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = function(*arguments)
    return Spent(answer, time.perf_counter() - wall, time.process_time() - cpu)


def repeat(function: Callable[[], Any], at_least: float) -> float:
    """Return the median seconds of a call, over calls that take `at_least` seconds together."""
    seconds: list[float] = []
    while sum(seconds) < at_least:
        seconds.append(spend(function).seconds)
    return statistics.median(seconds)


# ---- tables


class Column(NamedTuple):
    """Title, key in the rows, and how a value is written: a format such as ".3f", or a function."""

    title: str
    key: str
    form: str | Callable[[Any], str] = ""

    def cell(self, row: Mapping[str, Any]) -> str:
        """Return the text of a cell; empty where the row has no value."""
        value = row.get(self.key)
        if value is None:
            return ""
        return self.form(value) if callable(self.form) else format(value, self.form)


def change(share: float) -> str:
    """Return a relative change in per cent with its sign, and no sign where it rounds to 0."""
    return f"{100 * share:+.2f} %" if abs(share) >= 5e-5 else "0"


def gap_text(gap: float) -> str:
    """Return a relative gap in words."""
    return "proven" if gap == 0 else f"{100 * gap:.2g} %"


@dataclass(frozen=True)
class Table:
    """Rows of raw values (for the JSON file), and the columns that are shown."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    note: str = ""

    def markdown(self) -> str:
        """Return the table in Markdown, the note below it."""
        lines = [[column.title for column in self.columns], ["---"] * len(self.columns)]
        lines += [[column.cell(row) for column in self.columns] for row in self.rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{text}\n\n{self.note}" if self.note else text


def write_json(folder: Path, tables: Iterable[Table], options: Mapping[str, Any]) -> list[Path]:
    """Write each table's rows with provenance and options to folder/NAME.json and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for table in tables:
        record = {
            "benchmark": table.name,
            "provenance": provenance(),
            "options": dict(options),
            "rows": table.rows,
        }
        path = folder / f"{table.name}.json"
        path.write_text(json.dumps(plain(record), indent=1, allow_nan=True) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def update_readme(path: Path, tables: Iterable[Table]) -> None:
    """Put each table, with date and machine, between its markers.

    The markers are `<!-- table: NAME -->` and `<!-- end: NAME -->`; a missing pair raises `ValueError`.
    """
    text = path.read_text(encoding="utf-8")
    for table in tables:
        start, end = f"<!-- table: {table.name} -->", f"<!-- end: {table.name} -->"
        head, opened, rest = text.partition(start)
        _, closed, tail = rest.partition(end)
        if not (opened and closed):
            raise ValueError(f"{path.name} lacks the markers {start} and {end}. Add them where it belongs.")
        text = f"{head}{start}\n{_conditions()}\n\n{table.markdown()}\n{end}{tail}"
    path.write_text(text, encoding="utf-8")


def _conditions() -> str:
    known = provenance()
    versions = ", ".join(f"{name} {known[name]}" for name in ("python", *_PACKAGES) if known[name])
    return f"*{known['date']}, {known['machine']}, one thread; riskstats {known['riskstats']}, {versions}.*"
