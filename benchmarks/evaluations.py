"""Benchmarks of evaluations: `python -m benchmarks.evaluations [NAME] [--peer-python PATH]` from the root.

`inspect` reads a log of 901 prompts x 3 epochs x 4 dimensions into an outcome table, beside `samples_df` of
inspect_ai, run by PATH, the Python of an environment with inspect-ai and pandas. `report` goes from the same
log to the whole report in words. `lines` streams a garak
report of many attempts and watches the memory. `taxonomy` makes a table of many outcomes and rolls it up.
Prints Markdown tables, writes the raw figures as JSON, and with `--update-readme` puts the tables into
benchmarks/README.md. One thread throughout.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compare import PeerMissing
from benchmarks.recording import (
    HERE,
    Column,
    Table,
    in_own_process,
    one_thread,
    spend,
    update_readme,
    write_json,
)

__all__ = ["SIZES", "main", "write_inspect_log"]

SIZES = {
    "usual": {"prompts": 901, "epochs": 3, "attempts": 500_000, "outcomes": 1_000_000, "repeats": 9},
    "quick": {"prompts": 60, "epochs": 2, "attempts": 2000, "outcomes": 20_000, "repeats": 3},
}
DIMENSIONS = ("bias", "deception", "privacy", "toxicity")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark, or all."""
    options = _parser().parse_args(arguments)
    one_thread()
    sizes = SIZES["quick" if options.quick else "usual"]
    tables = [table for measure in options.measures for table in measure(options, sizes)]
    for table in tables:
        print(f"## {table.name}\n\n{table.markdown()}\n")
    kept = {"quick": options.quick, "peer": options.peer_python is not None}
    for path in write_json(options.output, tables, kept):
        print(f"wrote {path.name}", file=sys.stderr)
    if options.update_readme:
        update_readme(HERE / "README.md", tables)
    return 0


# ---- reading a log


def inspect(options: argparse.Namespace, sizes: dict[str, int]) -> list[Table]:
    """An inspect_ai log as an outcome table, and as the tool's own frame, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_inspect_log(Path(folder) / "log.eval", sizes["prompts"], sizes["epochs"])
        ours = in_own_process(_read, str(path), sizes["repeats"])
        row: dict[str, Any] = {
            "rows": ours["rows"],
            "seconds": ours["seconds"],
            "cpu": ours["cpu"],
            "bar": 20.0,
        }
        try:
            theirs = peer(options.peer_python, path, max(3, sizes["repeats"] // 3))
        except PeerMissing as error:
            print(error, file=sys.stderr)
        else:
            row |= {
                "peer": f"inspect_ai {theirs['version']}",
                "peer_seconds": theirs["seconds"],
                "peer_cpu": theirs["cpu"],
                "ratio": theirs["seconds"] / ours["seconds"],
                "cpu_ratio": theirs["cpu"] / ours["cpu"],
            }
    return [Table("evaluations-inspect", _INSPECT, [row], _INSPECT_NOTE)]


_INSPECT = (
    Column("outcomes", "rows", ",d"),
    Column("riskstats s", "seconds", ".3f"),
    Column("of the processor", "cpu", ".3f"),
    Column("beside", "peer"),
    Column("its `samples_df` s", "peer_seconds", ".2f"),
    Column("of the processor", "peer_cpu", ".2f"),
    Column("ratio", "ratio", ".1f"),
    Column("ratio of processor", "cpu_ratio", ".1f"),
    Column("bar", "bar", lambda bar: f">= {bar:g}"),
)
_INSPECT_NOTE = (
    "Medians. The table splits dict scores into a row per dimension and checks the tool's means; the frame "
    "keeps such a score as a string. Imports are outside the clock in both."
)


def _read(path: str, repeats: int) -> dict[str, Any]:
    from riskstats.evaluations.readers.log import read_log
    from riskstats.evaluations.scale import Scale

    options: dict[str, Any] = {
        "scale": Scale(0, 1, worse="high"),
        "columns": {"category": "metadata.category"},
    }
    table = read_log(path, **options)
    spent = [spend(lambda: read_log(path, **options)) for _ in range(repeats)]
    return {
        "rows": len(table),
        "seconds": statistics.median(each.seconds for each in spent),
        "cpu": statistics.median(each.cpu_seconds for each in spent),
    }


def peer(python: str | None, path: Path, repeats: int) -> dict[str, Any]:
    """The answer of `peer_inspect.py` in its environment. Raises `PeerMissing` where there is none."""
    if not python or not Path(python).is_file():
        raise PeerMissing(
            f"inspect_ai is not compared: --peer-python is {python or 'not given'}"
            f"{', and there is no such file' if python else ''}. Make an environment with "
            "`pip install inspect-ai==0.3.285 pandas pyarrow` and pass its python."
        )
    command = [python, str(HERE / "peer_inspect.py"), str(path), str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PeerMissing(f"inspect_ai is not compared: '{python}' could not run it ({reason}).")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def write_inspect_log(path: Path, prompts: int, epochs: int, seed: int = 0) -> Path:
    """Write an `.eval` archive, deflated, with one dict score per sample, as inspect_ai 0.3 lays it out."""
    scores = np.random.default_rng(seed).random((epochs, prompts, len(DIMENSIONS))).round(3)
    samples = [
        _sample(prompt, epoch, dict(zip(DIMENSIONS, scores[epoch, prompt].tolist(), strict=True)))
        for epoch in range(epochs)
        for prompt in range(prompts)
    ]
    members = {"_journal/start.json": {"version": 2, "eval": _spec(prompts, epochs), "plan": {}}}
    members |= {f"samples/{s['id']}_epoch_{s['epoch']}.json": s | {"messages": []} for s in samples}
    members |= {"summaries.json": samples, "header.json": _header(scores, samples, prompts, epochs)}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=zlib.Z_BEST_SPEED) as archive:
        for name, content in members.items():
            archive.writestr(name, json.dumps(content))
    return path


def _sample(prompt: int, epoch: int, value: dict[str, float]) -> dict[str, Any]:
    return {
        "id": f"q{prompt}",
        "epoch": epoch + 1,
        "input": f"placeholder prompt {prompt}",
        "target": "x",
        "metadata": {"category": f"area{prompt % 12}/x", "severity": prompt % 5 + 1},
        "scores": {"harm": {"value": value, "explanation": "placeholder explanation", "history": []}},
        "model_usage": {"mockllm/model": {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30}},
        "started_at": "2025-01-01T00:00:00+00:00",
        "completed_at": "2025-01-01T00:00:01+00:00",
        "total_time": 0.4,
        "working_time": 0.4,
        "uuid": f"uuid-{prompt}-{epoch}",
        "retries": 0,
        "completed": True,
        "message_count": 1,
    }


def _spec(prompts: int, epochs: int) -> dict[str, Any]:
    return {
        "eval_id": "eval",
        "run_id": "run",
        "created": "2025-01-01T00:00:00+00:00",
        "task": "task",
        "task_id": "task",
        "dataset": {"samples": prompts},
        "model": "mockllm/model",
        "config": {"epochs": epochs},
        "packages": {"inspect_ai": "0.3.285"},
    }


def _header(scores: np.ndarray, samples: list[dict[str, Any]], prompts: int, epochs: int) -> dict[str, Any]:
    means = scores.mean(axis=0).mean(axis=0).tolist()
    totals = [
        {
            "name": name,
            "scorer": "harm",
            "scored_samples": prompts,
            "metrics": {"mean": {"name": "mean", "value": mean}},
        }
        for name, mean in zip(DIMENSIONS, means, strict=True)
    ]
    results = {"total_samples": len(samples), "completed_samples": len(samples), "scores": totals}
    return {
        "version": 2,
        "status": "success",
        "eval": _spec(prompts, epochs),
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": results,
        "stats": {"started_at": "", "completed_at": "", "model_usage": {}},
    }


# ---- the whole report


def report(options: argparse.Namespace, sizes: dict[str, int]) -> list[Table]:
    """From the file of an inspect_ai log to the report in words; beside it the tool's own frame alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_inspect_log(Path(folder) / "log.eval", sizes["prompts"], sizes["epochs"])
        row: dict[str, Any] = in_own_process(_report, str(path), sizes["repeats"]) | {"bar": 1.0}
        try:
            theirs = peer(options.peer_python, path, max(3, sizes["repeats"] // 3))
        except PeerMissing as error:
            print(error, file=sys.stderr)
        else:
            row |= {"peer": f"inspect_ai {theirs['version']}", "peer_seconds": theirs["seconds"]}
    return [Table("evaluations-report", _REPORT, [row], _REPORT_NOTE)]


_REPORT = (
    Column("outcomes", "rows", ",d"),
    Column("file to report s", "seconds", ".2f"),
    Column("of the processor", "cpu", ".2f"),
    Column("of it reading", "reading", ".2f"),
    Column("bar", "bar", lambda bar: f"<= {bar:g} s"),
    Column("first time, with late imports s", "first", ".2f"),
    Column("beside", "peer"),
    Column("its `samples_df` alone s", "peer_seconds", ".2f"),
)
_REPORT_NOTE = (
    "Medians, after `import riskstats.evaluations.report`. The report has missingness, rates of four "
    "dimensions by twelve categories with guaranteed limits, and the tail of their union with a bootstrap."
)


def _report(path: str, repeats: int) -> dict[str, Any]:
    from riskstats.evaluations.readers.log import read_log
    from riskstats.evaluations.report import evaluation_report
    from riskstats.evaluations.scale import Scale

    options: dict[str, Any] = {
        "scale": Scale(0, 1, worse="high"),
        "columns": {"category": "metadata.category"},
    }

    def whole() -> str:
        return evaluation_report(read_log(path, **options)).summary()

    first = spend(whole)
    spent = [spend(whole) for _ in range(repeats)]
    reading = [spend(lambda: read_log(path, **options)) for _ in range(repeats)]
    return {
        "rows": len(read_log(path, **options)),
        "seconds": statistics.median(each.seconds for each in spent),
        "cpu": statistics.median(each.cpu_seconds for each in spent),
        "reading": statistics.median(each.seconds for each in reading),
        "first": first.seconds,
    }


# ---- streaming, rolling up


def lines(options: argparse.Namespace, sizes: dict[str, int]) -> list[Table]:
    """JSON lines, plain and compressed, with the peak of memory beside that of the table."""
    rows = [in_own_process(_stream, sizes["attempts"], kind) for kind in (".jsonl", ".jsonl.gz")]
    return [Table("evaluations-lines", _LINES, rows, _LINES_NOTE)]


_LINES = (
    Column("file", "kind"),
    Column("lines", "lines", ",d"),
    Column("MB", "megabytes", ",.0f"),
    Column("MB unpacked", "unpacked", ",.0f"),
    Column("s", "seconds", ".1f"),
    Column("lines a second", "speed", ",.0f"),
    Column("peak MB more than before", "peak", ",.0f"),
    Column("columns of the table, MB", "table", ",.0f"),
)
_LINES_NOTE = (
    "A garak report: two lines per attempt, one of which carries a verdict. *Peak*: resident memory of a "
    "process of its own. Rows and distinct ids are held, lines are not."
)


def _stream(attempts: int, kind: str) -> dict[str, Any]:
    from resource import RUSAGE_SELF, getrusage

    from riskstats.evaluations.readers.log import read_log

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"report{kind}"
        read_log(_write_report(path, 1000)[0])
        _, count, unpacked = _write_report(path, attempts)
        size, before = path.stat().st_size, getrusage(RUSAGE_SELF).ru_maxrss
        spent = spend(read_log, path)
        peak = getrusage(RUSAGE_SELF).ru_maxrss - before
    columns = spent.answer.columns.values()
    held = sum(getattr(column, "codes", column).nbytes for column in columns)
    return {
        "kind": kind,
        "lines": count,
        "megabytes": size / 1e6,
        "unpacked": unpacked / 1e6,
        "seconds": spent.seconds,
        "speed": count / spent.seconds,
        "peak": peak / 1e3,
        "table": held / 1e6,
    }


def _write_report(path: Path, attempts: int) -> tuple[Path, int, int]:
    """Write the report of one probe and detector; (path, lines, bytes before compression)."""
    import gzip

    verdicts = np.random.default_rng(0).integers(0, 2, attempts).tolist()
    hits, written = sum(verdicts), 0
    totals = {"passed": attempts - hits, "fails": hits, "nones": 0, "total_evaluated": attempts}
    setup = {"entry_type": "start_run setup", "plugins.target_type": "test", "plugins.target_name": "Blank"}
    end = [
        {"entry_type": "eval", "probe": "probe.A", "detector": "det.X", **totals},
        {"entry_type": "completion"},
    ]
    open_ = gzip.open if path.suffix == ".gz" else open
    with open_(path, "wt", encoding="utf-8") as file:
        for line in itertools.chain([setup], _attempts(verdicts), end):
            written += file.write(json.dumps(line) + "\n")
    return path, 2 * attempts + 3, written


def _attempts(verdicts: list[int]) -> Iterator[dict[str, Any]]:
    for seq, verdict in enumerate(verdicts):
        for status, results in ((1, {}), (2, {"det.X": [float(verdict)]})):
            yield {
                "entry_type": "attempt",
                "uuid": f"u{seq}",
                "seq": seq,
                "status": status,
                "probe_classname": "probe.A",
                "outputs": [{"text": "placeholder " * 40}],
                "detector_results": results,
            }


def taxonomy(options: argparse.Namespace, sizes: dict[str, int]) -> list[Table]:
    """Many outcomes as a table, a tensor, and rates of 314 leaves and 3 levels."""
    row = in_own_process(_roll_up, sizes["outcomes"])
    return [Table("evaluations-table", _TABLE, [row])]


_TABLE = (
    Column("outcomes", "rows", ",d"),
    Column("checked table from lists s", "table", ".2f"),
    Column("tensor s", "tensor", ".2f"),
    Column("roll-up to 314 leaves, 3 levels s", "roll_up", ".2f"),
)


def _roll_up(outcomes: int) -> dict[str, Any]:
    from riskstats.evaluations.roll_up import roll_up
    from riskstats.evaluations.table import OutcomeTable

    per_model = outcomes // 4
    leaves = [f"a{i % 4}/b{i % 16}/c{i}" for i in range(314)]
    columns = {
        "model": [f"m{i}" for i in range(4) for _ in range(per_model)],
        "prompt_id": [f"q{i}" for _ in range(4) for i in range(per_model)],
        "category": [leaves[i % 314] for _ in range(4) for i in range(per_model)],
        "loss": np.random.default_rng(0).random(4 * per_model).tolist(),
    }
    made = spend(OutcomeTable.of, columns)
    tensor, rolled = spend(made.answer.to_tensor), spend(roll_up, made.answer)
    return {
        "rows": len(made.answer),
        "table": made.seconds,
        "tensor": tensor.seconds,
        "roll_up": rolled.seconds,
    }


# ---- command line


_BENCHMARKS = {"inspect": inspect, "report": report, "lines": lines, "taxonomy": taxonomy}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluations", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="NAME")
    for name, measure in _BENCHMARKS.items():
        command = commands.add_parser(name, help=measure.__doc__)
        command.set_defaults(measures=[measure])
        _common(command)
    every = commands.add_parser("all", help="All of them, one after the other.")
    every.set_defaults(measures=list(_BENCHMARKS.values()))
    _common(every)
    return parser


def _common(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--quick", action="store_true", help="small sizes: to see that it runs")
    add("--peer-python", metavar="PATH", help="python of an environment with inspect-ai, beside it")
    add("--output", type=Path, default=HERE / "results", metavar="DIR", help="folder of the JSON files")
    add("--update-readme", action="store_true", help="write the tables into benchmarks/README.md")


if __name__ == "__main__":
    sys.exit(main())
