"""Tables to learn from: what they hold, and that the planted truth is really there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from riskstats.datasets import Dataset, load_breast_cancer, load_csv, planted_scores
from riskstats.exceptions import InvalidInput


@pytest.fixture(scope="module")
def cancer() -> Dataset:
    return load_breast_cancer()


def test_breast_cancer_is_about_malignant_tumours(cancer: Dataset) -> None:
    from sklearn.datasets import load_breast_cancer as bundled

    original = bundled(as_frame=True)
    assert cancer.X.names == tuple(original.data.columns)
    assert np.array_equal(cancer.X.values(), original.data.to_numpy())
    assert np.array_equal(cancer.y, 1 - original.target)
    assert cancer.y.sum() == 212
    assert cancer.outcome == "diagnosis = malignant"
    worse = cancer.X.column("mean radius")
    assert worse[cancer.y == 1].mean() > worse[cancer.y == 0].mean()


def test_to_frame_puts_the_outcome_last(cancer: Dataset) -> None:
    frame = cancer.to_frame()
    assert frame.shape == (569, 31)
    assert frame.columns[-1] == "diagnosis"
    assert list(frame["diagnosis"]) == cancer.labels
    assert np.array_equal(frame["worst area"], cancer.X.column("worst area"))


def test_split_is_stratified_and_repeatable(cancer: Dataset) -> None:
    train, test = cancer.split(0.3, random_state=4)
    assert test.row is not None
    assert train.row is not None
    assert np.array_equal(np.sort(np.concatenate([train.row, test.row])), np.arange(569))
    assert np.all(np.diff(test.row) > 0)
    assert (test.y.sum(), (1 - test.y).sum()) == (round(0.3 * 212), round(0.3 * 357))
    assert np.array_equal(test.X.values(), cancer.X.values()[test.row])
    assert np.array_equal(cancer.split(0.3, random_state=4)[1].row, test.row)
    assert not np.array_equal(cancer.split(0.3, random_state=5)[1].row, test.row)


def test_parts_of_parts_know_their_rows(cancer: Dataset) -> None:
    part = cancer.take(np.arange(100, 200)).take(np.array([5, 7]))
    assert part.row is not None
    assert part.row.tolist() == [105, 107]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, np.nan])
def test_bad_share(cancer: Dataset, share: float) -> None:
    with pytest.raises(InvalidInput, match="test_share"):
        cancer.split(share)


TEXT = "id,age,job,died,w\n1,30,clerk,no,1\n2,40,driver,yes,2\n3,50,,no,0.5\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "data.csv"
    file.write_text(TEXT)
    return file


def test_load_csv(path: Path) -> None:
    data = load_csv(path, target="died", drop=["id"], weight="w")
    assert data.X.names == ("age", "job")
    assert data.X.column("job").tolist() == ["clerk", "driver", None]
    assert data.y.tolist() == [0, 1, 0]
    assert data.classes == ("no", "yes")
    assert data.sample_weight is not None
    assert data.sample_weight.tolist() == [1, 2, 0.5]
    assert data.outcome == "died = yes"
    assert data.take(np.array([1])).sample_weight.tolist() == [2]  # type: ignore[union-attr]


def test_load_csv_with_a_class_of_choice(path: Path) -> None:
    data = load_csv(path, target="died", positive="no", features=["job", "age"])
    assert data.X.names == ("job", "age")
    assert data.y.tolist() == [1, 0, 1]
    assert data.outcome == "died = no"


def test_numbers_as_classes_print_as_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,0\n2,1\n")
    assert load_csv(tmp_path / "a.csv", target="y").outcome == "y = 1"
    assert load_csv(tmp_path / "a.csv", target="y", positive="0").classes == (1, 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "dead"}, "'dead'"),
        ({"target": "died", "features": ["agee"]}, "'agee'"),
        ({"target": "died", "drop": ["agee"]}, "'agee'"),
        ({"target": "died", "weight": "weight"}, "'weight'"),
        ({"target": "died", "weight": "job"}, "job"),
        ({"target": "died", "features": ["age", "died"]}, "cannot be a feature"),
        ({"target": "died", "features": []}, "No feature column"),
        ({"target": "died", "positive": "maybe"}, "'maybe'"),
        ({"target": "age"}, "3 classes"),
        ({"target": "job"}, "missing"),
    ],
)
def test_load_csv_refuses(path: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        load_csv(path, **options)  # type: ignore[arg-type]


def test_planted_scores_hold_the_truth() -> None:
    """The mean of (y - risk), weighted by any feature, is within four standard errors of zero."""
    data = planted_scores(20_000, 6, n_nonzero=3, levels=5, multiplier=2.5, random_state=3)
    truth = data.planted
    assert truth is not None
    assert len(truth.points) == 3
    assert set(np.unique(data.X.values())) == set(range(5))
    total = truth.intercept + sum(points * data.X.column(name) for name, points in truth.points.items())
    risk = 1 / (1 + np.exp(-total / truth.multiplier))
    for feature in (np.ones(20_000), *data.X.columns):
        error = feature * (data.y - risk)
        assert abs(error.sum()) < 4 * np.sqrt((feature**2 * risk * (1 - risk)).sum())


def test_planted_scores_repeat() -> None:
    first, second, third = (planted_scores(50, random_state=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.X.values(), second.X.values())
    assert np.array_equal(first.y, second.y)
    assert first.planted == second.planted
    assert not np.array_equal(first.X.values(), third.X.values())


@pytest.mark.parametrize(
    "options",
    [
        {"n_rows": 1},
        {"n_features": 0},
        {"n_nonzero": -1},
        {"n_nonzero": 11},
        {"levels": 1},
        {"max_points": 0},
        {"multiplier": 0},
        {"n_rows": 2.5},
    ],
)
def test_planted_scores_refuse(options: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        planted_scores(**options)  # type: ignore[arg-type]
