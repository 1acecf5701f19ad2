"""AUC, calibration and log loss against scikit-learn, brute force, closed forms, and their own promises."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import beta, binom, norm

from riskstats.exceptions import InvalidInput
from riskstats.scores.evaluation import auc_interval, calibration, evaluate


def sample(n: int, seed: int, levels: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes that follow their risks exactly; with `levels`, risks with many ties."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-0.5, 1.5, n)
    if levels is not None:
        logits = np.round(logits * levels / 6) * 6 / levels
    risk = 1 / (1 + np.exp(-logits))
    return (rng.random(n) < risk).astype(int), risk


def auc_by_pairs(y: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """AUC and DeLong's standard error from every pair of rows (the slow twin)."""
    positive, negative = score[y == 1], score[y == 0]
    wins = (positive[:, None] > negative) + (positive[:, None] == negative) / 2
    variance = wins.mean(axis=1).var(ddof=1) / len(positive) + wins.mean(axis=0).var(ddof=1) / len(negative)
    return float(wins.mean()), float(np.sqrt(variance))


@pytest.mark.parametrize("levels", [None, 6, 2])
@pytest.mark.parametrize("seed", range(5))
def test_auc_is_the_share_of_pairs(seed: int, levels: int | None) -> None:
    from sklearn.metrics import roc_auc_score

    y, risk = sample(80, seed, levels)
    found = auc_interval(y, risk)
    auc, error = auc_by_pairs(y, risk)
    assert found.auc == pytest.approx(roc_auc_score(y, risk), abs=1e-12)
    assert found.auc == pytest.approx(auc, abs=1e-12)
    half = norm.ppf(0.975) * error / (auc * (1 - auc))
    centre = np.log(auc / (1 - auc))
    expected = 1 / (1 + np.exp(-(centre - half))), 1 / (1 + np.exp(-(centre + half)))
    assert (found.lower, found.upper) == pytest.approx(expected, rel=1e-10)
    assert (found.method, found.n_positive, found.n_negative) == ("delong", y.sum(), (1 - y).sum())


@pytest.mark.parametrize("seed", range(5))
def test_newcombe_solves_its_equation(seed: int) -> None:
    y, risk = sample(60, seed)
    found = auc_interval(y, risk, method="newcombe", confidence_level=0.9)
    m, n = found.n_positive, found.n_negative
    spread = (m + n) / 2 - 1
    for end in (found.lower, found.upper):
        variance = end * (1 - end) * (1 + spread * (1 - end) / (2 - end) + spread * end / (1 + end)) / (m * n)
        assert abs(end - found.auc) == pytest.approx(norm.ppf(0.95) * np.sqrt(variance), rel=1e-6)
    assert found.lower < found.auc < found.upper


def test_the_two_methods_agree_on_large_samples() -> None:
    y, risk = sample(4000, 3)
    first, second = auc_interval(y, risk), auc_interval(y, risk, method="newcombe")
    assert (first.lower, first.upper) == pytest.approx((second.lower, second.upper), abs=0.003)


@pytest.mark.parametrize(
    ("score", "auc"), [([0, 1, 2, 3, 4, 5], 1.0), ([5, 4, 3, 2, 1, 0], 0.0), ([1] * 6, 0.5)]
)
def test_an_interval_never_has_width_zero(score: list[int], auc: float) -> None:
    found = auc_interval([0, 0, 0, 1, 1, 1], score)
    assert found.auc == auc
    assert found.method == "newcombe"
    assert 0 <= found.lower <= auc <= found.upper <= 1
    assert found.upper - found.lower > 0.3


def test_a_class_of_one_row() -> None:
    found = auc_interval([0, 0, 0, 1], [1, 2, 3, 2.5])
    assert found.method == "newcombe"
    assert found.lower < found.auc == 2 / 3 < found.upper


@pytest.mark.parametrize("method", ["delong", "newcombe"])
def test_intervals_of_the_auc_cover(method: str) -> None:
    """600 samples of two normal classes, AUC 0.9: the hits agree with a coverage of 0.92 to 0.985."""
    rng = np.random.default_rng(7)
    distance = np.sqrt(2) * norm.ppf(0.9)
    y = np.repeat([0, 1], 40)
    hits = 0
    for _ in range(600):
        found = auc_interval(y, rng.normal(size=80) + distance * y, method=method)
        hits += found.lower <= 0.9 <= found.upper
    assert hits >= binom.ppf(1e-6, 600, 0.92)
    assert hits <= binom.ppf(1 - 1e-6, 600, 0.985)


@pytest.mark.parametrize("seed", range(4))
def test_calibration_coefficients_equal_scikit_learn(seed: int) -> None:
    from sklearn.linear_model import LogisticRegression

    y, risk = sample(300, seed)
    logits = np.log(risk / (1 - risk))
    reference = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    reference.fit(logits[:, None], y)
    found = calibration(y, risk)
    assert found.slope is not None
    assert found.intercept is not None
    assert found.slope.value == pytest.approx(reference.coef_[0, 0], rel=1e-6)
    assert found.intercept.value == pytest.approx(reference.intercept_[0], rel=1e-6, abs=1e-8)
    fitted = 1 / (1 + np.exp(-(found.intercept.value + found.slope.value * logits)))
    information = np.linalg.inv(
        sum(p * (1 - p) * np.outer((1, z), (1, z)) for p, z in zip(fitted, logits, strict=True))
    )
    half = norm.ppf(0.975) * np.sqrt(np.diag(information))
    assert found.intercept.upper - found.intercept.value == pytest.approx(half[0], rel=1e-6)
    assert found.slope.value - found.slope.lower == pytest.approx(half[1], rel=1e-6)


def test_calibration_in_the_large_balances_the_events() -> None:
    y, risk = sample(300, 9)
    found = calibration(y, np.clip(risk * 0.7, 0, 1)).in_the_large
    logits = np.log(risk * 0.7 / (1 - risk * 0.7))
    shifted = 1 / (1 + np.exp(-(logits + found.value)))
    assert shifted.sum() == pytest.approx(y.sum(), rel=1e-10)
    assert found.upper - found.value == pytest.approx(
        norm.ppf(0.975) / np.sqrt((shifted * (1 - shifted)).sum()), rel=1e-8
    )
    assert found.lower > 0


def test_true_risks_are_calibrated() -> None:
    y, risk = sample(20_000, 4)
    found = calibration(y, risk, confidence_level=0.9999)
    assert found.slope is not None
    assert found.slope.lower < 1 < found.slope.upper
    assert found.in_the_large.lower < 0 < found.in_the_large.upper
    assert all(group.lower < group.predicted < group.upper for group in found.groups)
    assert "too" not in found.summary()
    distorted = calibration(y, risk**2 / (risk**2 + (1 - risk) ** 2), confidence_level=0.9999)
    assert distorted.slope is not None
    assert distorted.slope.value == pytest.approx(found.slope.value / 2, rel=1e-6)
    assert "too extreme" in distorted.summary()
    cautious = calibration(y, np.sqrt(risk) / (np.sqrt(risk) + np.sqrt(1 - risk)))
    assert "too cautious" in cautious.summary()


def test_groups_are_the_distinct_risks_where_these_are_few() -> None:
    y, risk = sample(200, 2, levels=6)
    found = calibration(y, risk, groups=50)
    assert [group.predicted for group in found.groups] == pytest.approx(np.unique(risk))
    for group in found.groups:
        rows = np.isclose(risk, group.predicted)
        assert (group.n, group.events) == (rows.sum(), y[rows].sum())
        lower = beta.ppf(0.025, group.events, group.n - group.events + 1) if group.events else 0.0
        upper = beta.ppf(0.975, group.events + 1, group.n - group.events) if group.events < group.n else 1.0
        assert (group.lower, group.upper) == pytest.approx((lower, upper), rel=1e-9)


@pytest.mark.parametrize("groups", [1, 2, 5, 10, 200])
@pytest.mark.parametrize("levels", [None, 40])
def test_groups_partition_the_rows(groups: int, levels: int | None) -> None:
    y, risk = sample(200, 2, levels)
    found = calibration(y, risk, groups=groups).groups
    assert len(found) <= groups
    assert sum(group.n for group in found) == 200
    assert sum(group.events for group in found) == y.sum()
    assert sum(group.predicted * group.n for group in found) == pytest.approx(risk.sum())
    assert all(low.highest < high.lowest for low, high in pairwise(found))
    if levels is None and groups < 200:
        assert {group.n for group in found} == {200 // groups}


@pytest.mark.parametrize(
    ("y", "risk"),
    [([0, 0, 1, 1], [0.1, 0.2, 0.2, 0.9]), ([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.9]), ([0, 1, 0, 1], [0.5] * 4)],
)
def test_slope_is_none_where_it_does_not_exist(y: list[int], risk: list[float]) -> None:
    found = calibration(y, risk)
    assert found.slope is None
    assert found.intercept is None
    assert np.isfinite(found.in_the_large.value)
    assert "do not exist" in found.summary()


def test_certain_risks_give_finite_numbers() -> None:
    found = evaluate([0, 1, 1, 0, 1], [0.0, 1.0, 0.7, 1.0, 0.0])
    assert np.isfinite([found.log_loss, found.calibration.in_the_large.value]).all()
    assert found.log_loss > 10


def test_evaluation_equals_scikit_learn() -> None:
    from sklearn.metrics import brier_score_loss, log_loss

    y, risk = sample(150, 8)
    found = evaluate(y, risk, base_rate=0.4)
    assert found.log_loss == pytest.approx(log_loss(y, risk), rel=1e-12)
    assert found.base_rate_log_loss == pytest.approx(log_loss(y, np.full(150, 0.4)), rel=1e-12)
    assert found.brier == pytest.approx(brier_score_loss(y, risk), rel=1e-12)
    assert found.auc == auc_interval(y, risk)
    assert found.calibration == calibration(y, risk)
    assert evaluate(y, risk).base_rate == y.mean()


def test_results_speak() -> None:
    y, risk = sample(150, 8)
    found = evaluate(y, risk)
    assert f"AUC {found.auc.auc:.3f} (95 % interval" in found.summary()
    assert f"log loss {found.log_loss:.4f}" in found.summary()
    assert found.to_dict()["auc"]["n_positive"] == y.sum()
    frame = found.calibration.to_frame()
    assert frame["n"].sum() == 150
    assert list(frame["events"]) == [group.events for group in found.calibration.groups]
    assert "predicted" in found.calibration.groups[0].summary()


@pytest.mark.parametrize("judge", [auc_interval, calibration, evaluate])
@pytest.mark.parametrize(
    ("y", "risk", "words"),
    [
        ([0, 1], [0.5, 0.5, 0.5], "number"),
        ([1, 1], [0.5, 0.5], "1 class"),
        ([0, 1, 2], [0.5, 0.5, 0.5], "3 classes"),
        ([0, 1], [0.5, np.nan], "NaN"),
        ([0, 1], [0.5, np.inf], "infinite"),
        ([0, np.nan], [0.5, 0.1], "missing"),
    ],
)
def test_bad_input(judge: Callable[..., object], y: list[float], risk: list[float], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        judge(y, risk)


def test_bad_options() -> None:
    with pytest.raises(InvalidInput, match=r"\[0, 1\]"):
        calibration([0, 1], [0.5, 1.2])
    with pytest.raises(InvalidInput, match="groups"):
        calibration([0, 1], [0.5, 0.2], groups=0)
    with pytest.raises(InvalidInput, match="method"):
        auc_interval([0, 1], [0.5, 0.2], method="wald")
    with pytest.raises(InvalidInput, match="confidence_level"):
        auc_interval([0, 1], [0.5, 0.2], confidence_level=95)
    with pytest.raises(InvalidInput, match="base_rate"):
        evaluate([0, 1], [0.5, 0.2], base_rate=0.0)
