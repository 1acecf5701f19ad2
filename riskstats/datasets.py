"""Tables to learn from: real data bundled with scikit-learn, your own file, seeded tables of known truth."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskstats._random import RandomState, generator
from riskstats._tables import read_table
from riskstats._validation import (
    Table,
    binary_target,
    positive_number,
    probability,
    sample_weights,
    whole_number,
)
from riskstats.exceptions import InvalidInput
from riskstats.losses import sigmoid

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "PlantedScore", "load_breast_cancer", "load_csv", "planted_scores"]


@dataclass(frozen=True)
class PlantedScore:
    """The truth behind a generated table: risk = 1 / (1 + exp(-(intercept + points . x) / multiplier))."""

    points: dict[str, int]
    intercept: int
    multiplier: float


@dataclass(frozen=True)
class Dataset:
    """A table of features with a two-class outcome.

    Attributes
    ----------
    X : Table
        Named columns; every `fit`, `predict` and `score` of this package takes it as it is.
    y : int array of shape (n,)
        1 where the outcome is `classes[1]`, else 0.
    classes : tuple
        (negative, positive): what 0 and 1 stand for.
    target : str
        Name of the outcome.
    sample_weight : array of shape (n,) or None
    units : dict
        Unit of a column, where it is known.
    row : int array of shape (n,)
        Place of each row in the whole table (0-based), kept by `take`.
    description : str
    planted : PlantedScore or None
        The true score of a generated table.
    """

    X: Table
    y: NDArray[np.int64]
    classes: tuple[Any, Any]
    target: str
    sample_weight: NDArray[np.float64] | None = None
    units: dict[str, str] = field(default_factory=dict)
    row: NDArray[np.int64] | None = None
    description: str = ""
    planted: PlantedScore | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def outcome(self) -> str:
        """What a risk learned here is the risk of, e.g. ``diagnosis = malignant``."""
        return f"{self.target} = {label_text(self.classes[1])}"

    @property
    def labels(self) -> list[Any]:
        """The outcome of each row as its class."""
        return [self.classes[int(value)] for value in self.y]

    def take(self, index: NDArray[Any]) -> Dataset:
        """The rows `index`, in that order."""
        row = np.arange(self.n_rows) if self.row is None else self.row
        weight = None if self.sample_weight is None else self.sample_weight[index]
        return replace(self, X=self.X.take(index), y=self.y[index], sample_weight=weight, row=row[index])

    def select(self, names: Sequence[str]) -> Dataset:
        """The features `names`, in that order."""
        return replace(self, X=self.X.select(names))

    def split(self, test_share: float = 0.25, *, random_state: RandomState = None) -> tuple[Dataset, Dataset]:
        """Training and test rows, drawn at random within each class (stratified), in their original order.

        Each class gives round(test_share * its rows) rows, at least one and not all, to the test part.
        """
        share = probability(test_share, "test_share")
        rng = generator(random_state)
        test = np.zeros(self.n_rows, dtype=bool)
        for value in (0, 1):
            test[_draw(np.flatnonzero(self.y == value), share, rng)] = True
        return self.take(np.flatnonzero(~test)), self.take(np.flatnonzero(test))

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame of the features and, last, the outcome."""
        from riskstats.results import frame

        columns = {**dict(zip(self.X.names, self.X.columns, strict=True)), self.target: self.labels}
        names = list(columns)
        return frame([dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)])


def load_breast_cancer() -> Dataset:
    """Return the Wisconsin diagnostic breast cancer data: 569 tumours, 30 measurements of their cell nuclei.

    Fine-needle aspirates of breast masses, digitised; ten features of the nuclei (radius, texture, perimeter,
    area, smoothness, compactness, concavity, concave points, symmetry, fractal dimension), each as mean,
    standard error and worst (mean of the three largest) of a picture. The outcome is ``diagnosis =
    malignant`` (212 of 569). In scikit-learn's copy, target 0 means malignant; here 1 does. The source gives
    no units: lengths and areas are in those of the digitised pictures.

    Source: W. N. Street, W. H. Wolberg, O. L. Mangasarian, "Nuclear feature extraction for breast tumor
    diagnosis", SPIE 1905 (1993), as bundled with scikit-learn.
    """
    from sklearn.datasets import load_breast_cancer as bundled

    data = bundled()
    names = tuple(str(name) for name in data.feature_names)
    return Dataset(
        X=Table(names, tuple(np.array(column, dtype=np.float64) for column in data.data.T)),
        y=(data.target == list(data.target_names).index("malignant")).astype(np.int64),
        classes=("benign", "malignant"),
        target="diagnosis",
        description="Wisconsin diagnostic breast cancer data, bundled with scikit-learn",
    )


def load_csv(
    path: str | os.PathLike[str],
    *,
    target: str,
    positive: Any = None,
    features: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    weight: str | None = None,
) -> Dataset:
    """Read a table with a two-class outcome from CSV, TSV or Parquet.

    Parameters
    ----------
    path : path or "-"
        A file with a header line (``.csv``, ``.csv.gz``, ``.tsv``, ``.parquet``); "-" is CSV on stdin.
    target : str
        Column of the outcome.
    positive : optional
        The value of `target` that the risk is about. Default: the larger of the two.
    features : sequence of str, optional
        Columns to keep, in this order. Default: all but `target`, `weight` and `drop`.
    weight : str, optional
        Column of row weights.

    Raises
    ------
    InvalidInput
        The file cannot be read, a column is not there, or the outcome has not two classes.
    """
    table = read_table(path)
    return dataset_from(table, target=target, positive=positive, features=features, drop=drop, weight=weight)


def dataset_from(
    table: Table,
    *,
    target: str,
    positive: Any = None,
    features: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    weight: str | None = None,
) -> Dataset:
    """Split a table that was read into features, outcome and weights; arguments as in `load_csv`."""
    y, classes = binary_target(table.column(target), positive=positive, name=target)
    weights = sample_weights(table.column(weight), table.n_rows, name=weight) if weight else None
    kept = _feature_names(table, {target, weight}, features, drop)
    return Dataset(
        X=table.select(kept),
        y=np.asarray(y, dtype=np.int64),
        classes=(_whole(classes[0]), _whole(classes[1])),
        target=target,
        sample_weight=weights,
    )


def planted_scores(
    n_rows: int = 1000,
    n_features: int = 10,
    *,
    n_nonzero: int = 4,
    max_points: int = 4,
    levels: int = 2,
    multiplier: float = 1.0,
    random_state: RandomState = None,
) -> Dataset:
    """Draw a table whose outcome follows a known integer score.

    Feature j is uniform on 0, ..., levels - 1 (`levels=2`: yes or no). `n_nonzero` features, chosen at
    random, get points from -max_points..max_points without 0; the others get none. The intercept is the whole
    number nearest to minus the mean total, so that about half of the rows have the outcome; y is 1 with
    probability 1 / (1 + exp(-(intercept + points . x) / multiplier)). The truth is in ``planted`` of the
    answer."""
    _check_sizes(n_rows, n_features, n_nonzero, max_points, levels)
    scale = positive_number(multiplier, "multiplier")
    rng = generator(random_state)
    values = rng.integers(0, levels, (n_rows, n_features)).astype(np.float64)
    points = _draw_points(n_features, n_nonzero, max_points, rng)
    intercept = -round(float(points.sum()) * (levels - 1) / 2)
    y = rng.random(n_rows) < sigmoid((intercept + values @ points) / scale)
    names = tuple(f"x{j}" for j in range(n_features))
    truth = {name: int(point) for name, point in zip(names, points, strict=True) if point}
    return Dataset(
        X=Table(names, tuple(values.T.copy())),
        y=y.astype(np.int64),
        classes=(0, 1),
        target="y",
        description=f"planted integer score, {n_nonzero} of {n_features} features",
        planted=PlantedScore(truth, intercept, scale),
    )


def label_text(label: Any) -> str:
    """A class as text: whole numbers without a decimal point."""
    return str(_whole(label))


def _whole(label: Any) -> Any:
    """A class read as float64 back as the whole number that the file holds."""
    value = label.item() if isinstance(label, np.generic) else label
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _draw(rows: NDArray[Any], share: float, rng: np.random.Generator) -> NDArray[Any]:
    count = min(max(round(share * rows.size), 1), rows.size - 1)
    return rng.permutation(rows)[:count]


def _feature_names(
    table: Table, taken: set[str | None], features: Sequence[str] | None, drop: Sequence[str]
) -> list[str]:
    clash = [name for name in features or () if name in taken]
    if clash:
        raise InvalidInput(
            f"Column {clash[0]!r} is the outcome or the weight, so it cannot be a feature too."
        )
    table.select(drop)
    names = list(features) if features is not None else [name for name in table.names if name not in taken]
    kept = [name for name in names if name not in drop]
    if not kept:
        raise InvalidInput("No feature column is left. Keep at least one beside the outcome and the weight.")
    return kept


def _draw_points(
    n_features: int, n_nonzero: int, max_points: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    points = np.zeros(n_features, dtype=np.int64)
    chosen = rng.permutation(n_features)[:n_nonzero]
    points[chosen] = rng.integers(1, max_points + 1, n_nonzero) * rng.choice((-1, 1), n_nonzero)
    return points


def _check_sizes(n_rows: int, n_features: int, n_nonzero: int, max_points: int, levels: int) -> None:
    least = {"n_rows": (n_rows, 2), "n_features": (n_features, 1), "n_nonzero": (n_nonzero, 0)}
    least |= {"max_points": (max_points, 1), "levels": (levels, 2)}
    for name, (value, smallest) in least.items():
        whole_number(value, name, low=smallest)
    if n_nonzero > n_features:
        raise InvalidInput(f"`n_nonzero` is {n_nonzero} but there are {n_features} features. Lower it.")
