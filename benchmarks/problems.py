"""The problems that benchmarks and tests share: named samples, each always the same.

Six sets of the literature on risk scores. Five are files `NAME_data.csv` or `NAME_data.csv.gz` in a data
folder: a header, the label (0/1) in the first column, numeric features in the others. `bc30` is built from
scikit-learn's bundled breast cancer data. The planted samples are drawn by seeded generators.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from riskstats.scores.problem import IntegerScoreProblem

__all__ = [
    "LITERATURE",
    "NAMES",
    "PLANTED",
    "DataMissing",
    "Sample",
    "available",
    "data_folder",
    "load",
    "load_file",
]

FOLDER_VARIABLE = "RISKSTATS_BENCHMARK_DATA"
ROOT = Path(__file__).resolve().parent.parent

PENALTY = 1e-6
"""Penalty of a feature, in nats, in every benchmark: it only prefers the smaller of equally good cards."""


class DataMissing(LookupError):
    """The file of a problem is not there; the message says where it was looked for and what to do."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Features (n, d), labels 0/1 (n,), the names of the features, and weights (n,) or None."""

    name: str
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    features: tuple[str, ...]
    weight: NDArray[np.float64] | None = None

    def problem(
        self,
        max_features: int = 5,
        multiplier_range: tuple[float, float] = (1.0, 1.0),
        *,
        penalty: float = PENALTY,
        points: int = 5,
    ) -> IntegerScoreProblem:
        """Return the search for a card with at most `max_features` features and points -points..points."""
        box = np.full(self.X.shape[1], points)
        return IntegerScoreProblem.from_data(
            self.X,
            self.y,
            self.weight,
            lower=-box,
            upper=box,
            max_features=max_features,
            penalty=penalty,
            multiplier_range=multiplier_range,
        )

    def repeated(self, times: int) -> Sample:
        """Return the sample with every row `times` times, one copy of the whole after another."""
        if times == 1:
            return self
        weight = None if self.weight is None else np.tile(self.weight, times)
        return Sample(
            f"{self.name} x{times}",
            np.tile(self.X, (times, 1)),
            np.tile(self.y, times),
            self.features,
            weight,
        )

    def take(self, index: NDArray[np.int64]) -> Sample:
        """Return the rows `index`."""
        weight = None if self.weight is None else self.weight[index]
        return Sample(self.name, self.X[index], self.y[index], self.features, weight)


def data_folder(given: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the folder of the data files: as given, else $RISKSTATS_BENCHMARK_DATA, else ../shared/data.

    The last is relative to the root of the repository; None if nothing was named and it does not exist.
    """
    named = given or os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    default = ROOT.parent / "shared" / "data"
    return default if default.is_dir() else None


def load(name: str, folder: str | os.PathLike[str] | None = None) -> Sample:
    """Return the sample `name`, one of `NAMES`. Raises `DataMissing` where its file is absent."""
    if name in _BUILT:
        return _BUILT[name]()
    if name not in _FILES:
        raise ValueError(f"There is no problem {name!r}. Known: {', '.join(NAMES)}.")
    return load_file(_file(name, data_folder(folder)), name)


def available(
    names: Iterable[str],
    folder: str | os.PathLike[str] | None = None,
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
) -> list[Sample]:
    """Return the samples whose data are there, and say which are skipped and why."""
    samples = []
    for name in names:
        try:
            samples.append(load(name, folder))
        except DataMissing as reason:
            say(f"skipped: {reason}")
    return samples


@lru_cache(maxsize=8)
def load_file(path: Path, name: str) -> Sample:
    """Return the sample in a CSV file, plain or gzipped: the label first, then the features."""
    values = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    header = np.loadtxt(path, delimiter=",", max_rows=1, dtype=str)
    return Sample(name, values[:, 1:].copy(), values[:, 0].astype(np.int64), tuple(map(str, header[1:])))


def _file(name: str, folder: Path | None) -> Path:
    wanted = f"{name}_data.csv"
    if folder is None:
        where = "no data folder was named"
    else:
        for path in (folder / wanted, folder / f"{wanted}.gz"):
            if path.is_file():
                return path
        where = f"it is not in the folder '{folder}'"
    raise DataMissing(
        f"problem '{name}' needs {wanted} (or .gz), and {where}. "
        f"Pass --data DIR or set {FOLDER_VARIABLE}; `bc30` and the planted problems need no file."
    )


def _bc30() -> Sample:
    """Diagnostic breast cancer data of scikit-learn, each feature coded 1 above its median; 1 = benign."""
    from sklearn.datasets import load_breast_cancer

    bundled = load_breast_cancer()
    X = (bundled.data > np.median(bundled.data, axis=0)).astype(np.float64)
    return Sample("bc30", X, bundled.target.astype(np.int64), tuple(map(str, bundled.feature_names)))


def _planted_binary() -> Sample:
    """400 rows of 10 yes/no features, six of them in the card that made the labels."""
    rng = np.random.RandomState(11)
    X = (rng.rand(400, 10) < np.linspace(0.2, 0.8, 10)).astype(float)
    return _drawn("planted_binary", rng, X, -1 + X @ [0, 2, -3, 0, 1, 0, 4, 0, -1, 0])


def _planted_integer() -> Sample:
    """500 rows of 8 features in 0..4, multiplier 2.5."""
    rng = np.random.RandomState(12)
    X = rng.randint(0, 5, (500, 8)).astype(float)
    return _drawn("planted_integer", rng, X, (-9 + X @ [3, 0, -2, 0, 1, 0, 0, 4]) / 2.5)


def _planted_real() -> Sample:
    """300 rows of 6 real features, weights 1..3, multiplier 1.5."""
    rng = np.random.RandomState(13)
    X = np.round(rng.randn(300, 6), 2)
    sample = _drawn("planted_real", rng, X, (1 + X @ [2, -1, 0, 0, 3, 0]) / 1.5)
    weight = rng.randint(1, 4, 300).astype(float)
    return Sample(sample.name, sample.X, sample.y, sample.features, weight)


def _planted_wide() -> Sample:
    """2000 rows of 60 yes/no features, five of them in the card; columns come in correlated pairs."""
    rng = np.random.RandomState(14)
    half = (rng.rand(2000, 30) < np.linspace(0.1, 0.6, 30)).astype(float)
    X = np.column_stack([half, np.abs(half - (rng.rand(2000, 30) < 0.15))])
    truth = np.zeros(60)
    truth[[2, 9, 17, 35, 51]] = 3, -2, 2, 1, -3
    return _drawn("planted_wide", rng, X, X @ truth)


def _drawn(
    name: str, rng: np.random.RandomState, X: NDArray[np.float64], logits: NDArray[np.float64]
) -> Sample:
    y = (rng.rand(len(X)) < 1.0 / (1.0 + np.exp(-logits))).astype(np.int64)
    return Sample(name, X, y, tuple(f"x{j}" for j in range(X.shape[1])))


_FILES = ("breastcancer", "mammo", "adult", "mushroom", "spambase")
_BUILT: dict[str, Callable[[], Sample]] = {
    "bc30": _bc30,
    "planted_binary": _planted_binary,
    "planted_integer": _planted_integer,
    "planted_real": _planted_real,
    "planted_wide": _planted_wide,
}
LITERATURE = ("breastcancer", "mammo", "bc30", "adult", "mushroom", "spambase")
PLANTED = ("planted_binary", "planted_integer", "planted_real", "planted_wide")
NAMES = LITERATURE + PLANTED
