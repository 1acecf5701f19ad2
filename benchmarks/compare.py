"""riskstats beside FasterRisk in one run: `python -m benchmarks.compare --peer-python PATH [options]`.

PATH is the Python of an environment that has fasterrisk (it pins old versions of NumPy and scikit-learn, so
it cannot live beside riskstats). Both programs get the same CSV file, one thread, and run in turn. The loss
of FasterRisk's cards is recomputed here. Without PATH, or without fasterrisk there, nothing is compared and
the program says so.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scores_cases as cases
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

__all__ = ["PeerMissing", "main", "peer_fit"]


class PeerMissing(RuntimeError):
    """The other program cannot be run; the message says why and what to do."""


@dataclass(frozen=True)
class PeerCard:
    """Best card of the other program, with the median seconds of its fits."""

    multiplier: float
    points: np.ndarray
    loss: float
    seconds: float
    cpu_seconds: float
    version: str

    def logits(self, X: np.ndarray) -> np.ndarray:
        """Return the log-odds of rows."""
        return np.asarray((self.points[0] + X @ self.points[1:]) / self.multiplier)


def peer_fit(python: str | None, sample: Sample, max_features: int, repeats: int = 1) -> PeerCard:
    """Fit FasterRisk in its own environment. Raises `PeerMissing` where that cannot be done."""
    if not python or not Path(python).is_file():
        raise PeerMissing(
            f"FasterRisk is not compared: --peer-python is {python or 'not given'}"
            f"{', and there is no such file' if python else ''}. Make an environment of an older Python with "
            "`pip install fasterrisk==0.1.10` and pass its python."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.csv"
        write_csv(path, sample)
        command = [python, str(HERE / "peer_fasterrisk.py"), str(path), str(max_features), str(repeats)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PeerMissing(f"FasterRisk is not compared: '{python}' could not run it ({reason}).")
    return _best(json.loads(done.stdout.strip().splitlines()[-1]), sample)


def write_csv(path: Path, sample: Sample) -> None:
    """Write a sample as a file of the data folder: the label first; numbers read back as they were."""
    header = ",".join(["label", *(f"x{j}" for j in range(sample.X.shape[1]))])
    values = np.column_stack([sample.y, sample.X])
    np.savetxt(path, values, delimiter=",", header=header, comments="", fmt="%.17g")


def _best(answer: dict[str, Any], sample: Sample) -> PeerCard:
    cards = [
        PeerCard(
            card["multiplier"],
            np.array([card["intercept"], *card["coefficients"]]),
            0.0,
            statistics.median(answer["seconds"]),
            statistics.median(answer["cpu_seconds"]),
            answer["version"],
        )
        for card in answer["cards"]
    ]
    rated = [replace(card, loss=cases.log_loss(card.logits(sample.X), sample.y)) for card in cards]
    return min(rated, key=lambda card: card.loss)


# ---- comparisons


def fits(options: argparse.Namespace, samples: Sequence[Sample]) -> Table:
    """Loss and seconds on the training rows."""
    rows = []
    for sample in samples:
        peer = peer_fit(options.peer_python, sample, options.max_features, options.repeats)
        row: dict[str, Any] = {
            "set": sample.name,
            "peer": f"FasterRisk {peer.version}",
            "peer_loss": peer.loss,
            "peer_multiplier": peer.multiplier,
            "peer_seconds": peer.seconds,
            "peer_cpu_seconds": peer.cpu_seconds,
        }
        for name, how in _searches(options, peer).items():
            found = in_own_process(cases.search, sample, how)
            row |= {f"{name}_{key}": value for key, value in found.items()}
            row[f"{name}_ratio"] = found["seconds"] / peer.seconds
            row[f"{name}_change"] = found["loss"] / peer.loss - 1.0
            row[f"{name}_target"] = _target(sample.name, options.max_features, name)
        rows.append(row)
        _say(row)
    return Table(f"compare-{options.max_features}", _FITS, rows, _FITS_NOTE)


def _searches(options: argparse.Namespace, peer: PeerCard) -> dict[str, Search]:
    """Return the searches by name: m = 1, a range that holds the peer's multiplier, that multiplier, beam."""
    low, high = options.multiplier_range
    wide = (min(low, peer.multiplier), max(high, peer.multiplier))
    base = Search(options.max_features, time_limit=options.time_limit, repeats=options.repeats)
    return {
        "fixed": base,
        "certified": replace(base, multipliers=wide),
        "own": replace(base, multipliers=(peer.multiplier, peer.multiplier)),
        "beam": replace(base, multipliers=wide, engine="beam"),
    }


def _target(name: str, max_features: int, search: str) -> float | None:
    """Return the largest ratio of seconds that the project accepts, where it has set one."""
    card = recorded()["cards"].get(name, {}).get(str(max_features), {})
    ratio: float | None = card.get("target", {}).get(search)
    return ratio


def _at_most(ratio: float) -> str:
    return f"<= {ratio:g}"


_FITS = (
    Column("set", "set"),
    Column("FasterRisk loss", "peer_loss", ".6f"),
    Column("its m", "peer_multiplier", ".4g"),
    Column("its s", "peer_seconds", ".2f"),
    Column("m = 1", "fixed_gap", gap_text),
    Column("s ratio", "fixed_ratio", ".2f"),
    Column("aim", "fixed_target", _at_most),
    Column("range of m", "certified_gap", gap_text),
    Column("loss", "certified_change", change),
    Column("s ratio", "certified_ratio", ".2f"),
    Column("aim", "certified_target", _at_most),
    Column("FasterRisk's m", "own_gap", gap_text),
    Column("loss", "own_change", change),
    Column("s ratio", "own_ratio", ".2f"),
    Column("beam loss", "beam_change", change),
    Column("s ratio", "beam_ratio", ".2f"),
)
_FITS_NOTE = (
    "Ratios are riskstats' seconds over FasterRisk's, compilation left out; losses are relative to "
    "FasterRisk's (below 0: better). The range of m is 1 to 20, widened where needed to hold FasterRisk's m. "
    "At m = 1 FasterRisk solves another problem, so only the time is compared."
)


def repeated_rows(options: argparse.Namespace, samples: Sequence[Sample]) -> Table:
    """Seconds of a whole fit at m = 1 as rows are repeated."""
    rows = []
    for sample in samples:
        for times in options.times:
            peer = peer_fit(
                options.peer_python, sample.repeated(times), options.max_features, options.repeats
            )
            how = Search(options.max_features, time_limit=options.time_limit)
            found = in_own_process(cases.fit_repeated_rows, sample, times, how)
            rows.append({**found, "peer_seconds": peer.seconds, "ratio": found["fit_seconds"] / peer.seconds})
            _say(rows[-1])
    return Table("compare-rows", _ROWS, rows)


_ROWS = (
    Column("set", "set"),
    Column("rows", "rows", ","),
    Column("distinct", "distinct", ","),
    Column("FasterRisk s", "peer_seconds", ".2f"),
    Column("riskstats, proof at m = 1, s", "fit_seconds", ".2f"),
    Column("ratio", "ratio", ".3f"),
)


def held_out(options: argparse.Namespace, samples: Sequence[Sample]) -> Table:
    """Mean loss on the test rows of the same folds."""
    rows = []
    for sample in samples:
        row: dict[str, Any] = {"set": sample.name}
        for name, multipliers in (("fixed", (1.0, 1.0)), ("certified", tuple(options.multiplier_range))):
            how = Search(options.max_features, multipliers, time_limit=options.time_limit)
            found = in_own_process(cases.held_out, sample, how, options.folds, options.seed)
            row |= {f"{name}_loss": found["test_loss"], f"{name}_folds": found["fold_losses"]}
            row[f"{name}_proven"] = f"{found['proven_folds']}/{found['folds']}"
        row["peer_folds"] = [
            _peer_test_loss(options, sample, train, test)
            for train, test in cases.folds_of(sample, options.folds, options.seed)
        ]
        row["peer_loss"] = float(np.mean(row["peer_folds"]))
        row["wins"] = sum(
            mine < theirs for mine, theirs in zip(row["certified_folds"], row["peer_folds"], strict=True)
        )
        rows.append(row)
        _say(row)
    return Table("compare-heldout", _HELD_OUT, rows)


def _peer_test_loss(
    options: argparse.Namespace, sample: Sample, train: np.ndarray, test: np.ndarray
) -> float:
    peer = peer_fit(options.peer_python, sample.take(train), options.max_features)
    return cases.log_loss(peer.logits(sample.X[test]), sample.y[test])


_HELD_OUT = (
    Column("set", "set"),
    Column("riskstats, m = 1", "fixed_loss", ".4f"),
    Column("proven folds", "fixed_proven"),
    Column("riskstats, certified m", "certified_loss", ".4f"),
    Column("proven folds", "certified_proven"),
    Column("FasterRisk", "peer_loss", ".4f"),
    Column("folds won by certified m", "wins"),
)


# ---- command line


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, or say why not."""
    options = _parser().parse_args(arguments)
    one_thread()
    samples = available(options.sets, options.data)
    try:
        tables = [comparison(options, samples) for comparison in _wanted(options)]
    except PeerMissing as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return 0
    for table in tables:
        print(f"## {table.name}\n\n{table.markdown()}\n")
    kept = {"max_features", "multiplier_range", "time_limit", "repeats", "times", "folds", "seed"}
    write_json(options.output, tables, {key: value for key, value in vars(options).items() if key in kept})
    if options.update_readme:
        update_readme(HERE / "README.md", tables)
    return 0


def _wanted(options: argparse.Namespace) -> list[Any]:
    return {"fits": [fits], "rows": [repeated_rows], "heldout": [held_out]}[options.what]


def _say(row: dict[str, Any]) -> None:
    wanted = ("loss", "seconds", "ratio", "gap", "wins")
    told = [f"{key} {value:.6g}" for key, value in row.items() if key.rpartition("_")[2] in wanted]
    print(f"{row['set']}: {', '.join(told)}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    add = parser.add_argument
    add("what", nargs="?", choices=("fits", "rows", "heldout"), default="fits")
    add("--peer-python", metavar="PATH", help="python of an environment with fasterrisk")
    add("--sets", nargs="+", choices=NAMES, default=list(LITERATURE), metavar="SET")
    add("--data", metavar="DIR", help="folder of the data files; else $RISKSTATS_BENCHMARK_DATA")
    add("--max-features", type=int, default=5, metavar="K")
    add("--multiplier-range", nargs=2, type=float, default=[1.0, 20.0], metavar=("LOW", "HIGH"))
    add("--time-limit", type=float, default=60.0, metavar="SECONDS", help="per search of riskstats")
    add("--repeats", type=int, default=1, help="fits of each program, of which the median counts")
    add("--times", nargs="+", type=int, default=[1, 100], metavar="N", help="for rows: copies of every row")
    add("--folds", type=int, default=5, help="for heldout")
    add("--seed", type=int, default=0, help="for heldout: the draw of the folds")
    add("--output", type=Path, default=HERE / "results", metavar="DIR", help="folder of the JSON files")
    add("--update-readme", action="store_true", help="write the table into benchmarks/README.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
