"""The pool of a fitted card: the estimator's own problem, predictions from raw rows, groups, files."""

import json
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from riskstats.datasets import load_breast_cancer
from riskstats.exceptions import CertificateError, InvalidInput, StoppedEarly
from riskstats.scores import CardPool, Pool, RiskScoreClassifier
from riskstats.scores.pool import PoolStatus
from tests.reference.enumeration import Cards
from tests.reference.pool import every_card_within


def rows(n: int = 90, seed: int = 3):
    """Three columns of small whole numbers and an outcome that follows two of them."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(0, 2, n), rng.integers(0, 3, n), rng.integers(0, 2, n)]).astype(float)
    y = (rng.random(n) < 1 / (1 + np.exp(-(2 * X[:, 0] - X[:, 1])))).astype(int)
    return X, y


def twin_members(X, y, weight, request: Pool, **problem) -> tuple[set, set]:
    """The cards that must be in the pool, and those that may: the edge is 1e-8 wide."""
    cards = Cards(X, y, weight, **{"max_features": 3, "penalty": 1e-6, "multipliers": (1.0, 1.0), **problem})
    twin = every_card_within(cards, request.epsilon, request.epsilon_kind)
    limit = request.limit(min(twin.values()))
    return tuple({card for card, value in twin.items() if value <= limit + edge} for edge in (0.0, 1e-8))


def members(pool: CardPool) -> set[tuple[int, ...]]:
    return set(map(tuple, np.column_stack([pool.intercepts, pool.coefficients]).tolist()))


CASES = {
    "plain": ({"multiplier": 1}, {}),
    "free multiplier": (
        {"multiplier_range": (0.8, 1.5), "max_features": 2},
        {"multipliers": (0.8, 1.5), "max_features": 2},
    ),
    "few features": ({"multiplier": 1, "max_features": 1}, {"max_features": 1}),
    "penalty": (
        {"multiplier": 2.3, "coefficient_penalty": 0.02},
        {"penalty": 0.02, "multipliers": (2.3, 2.3)},
    ),
    "signs": ({"multiplier": 1, "sign": {"x0": 1, "x1": -1}}, {"lower": [0, -2, -2], "upper": [2, 0, 2]}),
    "ranges": (
        {"multiplier": 1, "feature_ranges": {"x1": (-4, 0), "x2": (0, 0)}},
        {"lower": [-2, -4, 0], "upper": [2, 0, 0]},
    ),
    "intercepts": ({"multiplier": 1, "intercept_range": (-1, 0)}, {"intercept": (-1, 0)}),
    "class weights": ({"multiplier": 1, "class_weight": {0: 1.0, 1: 3.0}}, {}),
}  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_pool_of_a_fit_is_the_enumeration(case, weighted):
    parameters, problem = CASES[case]
    X, y = rows()
    weight = np.random.default_rng(1).integers(0, 4, len(y)).astype(float) if weighted else np.ones(len(y))
    request = Pool(0.03)
    model = RiskScoreClassifier(
        **{
            "max_features": 3,
            "coefficient_range": (-2, 2),
            "binning": None,
            "time_limit": None,
            "pool": request,
            **parameters,
        }
    ).fit(X, y, sample_weight=weight if weighted else None)
    factors = np.array([1.0, 3.0])[y] if case == "class weights" else 1.0
    box = {
        "lower": np.array(problem.get("lower", [-2] * 3)),
        "upper": np.array(problem.get("upper", [2] * 3)),
    }
    surely, maybe = twin_members(X, y, weight * factors, request, **{**problem, **box})
    pool = model.pool_
    assert pool.complete
    assert surely <= members(pool) <= maybe
    assert pool.best_loss == pytest.approx(model.certificate_.objective, abs=1e-12)
    assert (int(model.intercept_[0]), *model.coef_[0].tolist()) in members(pool)


def test_without_a_request_there_is_no_pool():
    X, y = rows()
    assert RiskScoreClassifier(max_features=1, multiplier=1).fit(X, y).pool_ is None


@pytest.fixture(scope="module")
def tumours():
    """Real data, binned, with the pool of a card."""
    data = load_breast_cancer()
    kept = data.X.names[:4]
    table = data.X.select(kept)
    model = RiskScoreClassifier(
        max_features=2, multiplier=1, coefficient_range=(-3, 3), pool=Pool(0.05), time_limit=None
    ).fit(table, data.y)
    return table, data.y, model


def test_real_data(tumours):
    table, y, model = tumours
    pool = model.pool_
    assert pool.complete
    assert pool.status is PoolStatus.COMPLETE
    assert len(pool) > 3
    assert pool.loss_limit == pytest.approx(1.05 * model.certificate_.objective, abs=1e-8)
    assert pool.losses[0] == pytest.approx(model.certificate_.objective, abs=1e-12)
    assert pool.losses.max() <= pool.loss_limit
    assert np.all(np.count_nonzero(pool.coefficients, axis=1) <= 2)
    risks = pool.predictions(table)
    assert risks.shape == (len(pool), len(y))
    log_loss = -np.log(np.where(y == 1, risks, 1 - risks)).mean(axis=1)
    objective = log_loss + 1e-6 * np.count_nonzero(pool.coefficients, axis=1)
    np.testing.assert_allclose(objective, pool.losses, rtol=0, atol=1e-12)


def test_cards_predict_what_the_pool_predicts(tumours):
    table, _, model = tumours
    pool = model.pool_
    risks, logits = pool.predictions(table), pool.logits(table)
    assert len(pool.cards) == len(pool)
    for place, card in enumerate(pool.cards):
        np.testing.assert_allclose(card.predict_proba(table)[:, 1], risks[place], rtol=0, atol=1e-14)
        np.testing.assert_allclose(card.decision_function(table), logits[place], rtol=0, atol=1e-12)
    assert pool[0].lines == model.scorecard_.lines
    np.testing.assert_array_equal(risks[0], model.predict_proba(table)[:, 1])


def test_rows_are_read_by_name_and_by_position(tumours):
    table, _, model = tumours
    pool = model.pool_
    expected = pool.predictions(table)
    frame = pd.DataFrame(dict(zip(table.names, table.columns, strict=True)))
    np.testing.assert_array_equal(pool.predictions(frame[frame.columns[::-1]]), expected)
    np.testing.assert_array_equal(pool.predictions(frame.to_numpy()), expected)
    with pytest.raises(InvalidInput, match="features"):
        pool.predictions(frame.to_numpy()[:, :3])
    with pytest.raises(InvalidInput, match="lacks the column"):
        pool.predictions({"height": [1.0, 2.0]})


def test_missing_values_and_categories_are_coded_as_in_training():
    rng = np.random.default_rng(5)
    age, job = rng.integers(20, 80, 80).astype(float), rng.choice(["clerk", "driver", "nurse"], 80)
    age[::9] = np.nan
    X = pd.DataFrame({"age": age, "job": job, "noise": rng.choice(["a", "b"], 80)})
    y = np.where(rng.random(80) < 1 / (1 + np.exp(-(np.nan_to_num(age, nan=50) - 50) / 8)), "ill", "well")
    model = RiskScoreClassifier(max_features=2, coefficient_range=(-2, 2), multiplier=1, pool=Pool(0.03)).fit(
        X, y
    )
    pool = model.pool_
    assert pool.classes == ("ill", "well")
    new = pd.DataFrame({"age": [np.nan, 33.0], "job": ["driver", "nurse"], "noise": ["a", "b"]})
    expected = [card.predict_proba(new)[:, 1] for card in pool.cards]
    np.testing.assert_allclose(pool.predictions(new), expected, rtol=0, atol=1e-14)


def test_duplicated_columns_stay_and_are_grouped():
    X, y = rows()
    X = np.column_stack([X, X[:, 0]])
    parameters = {
        "max_features": 2,
        "coefficient_range": (-2, 2),
        "binning": None,
        "time_limit": None,
        "multiplier": 1,
    }
    pool = RiskScoreClassifier(**parameters, pool=Pool(0.02)).fit(X, y).pool_
    assert pool.complete
    swapped = {(b[0], b[4], b[2], b[3], b[1]) for b in members(pool)}
    assert swapped == members(pool)
    assert len(pool.groups) < len(pool)
    risks = pool.predictions(X)
    for group in pool.groups:
        np.testing.assert_allclose(risks[group], risks[group[:1]].repeat(len(group), axis=0), atol=1e-12)
    assert sorted(np.concatenate(pool.groups).tolist()) == list(range(len(pool)))
    assert len(np.unique(risks.round(9), axis=0)) == len(pool.groups)


def test_multiples_of_a_card_are_one_group():
    X, y = rows()
    parameters = {"max_features": 2, "coefficient_range": (-4, 4), "binning": None, "time_limit": None}
    pool = RiskScoreClassifier(**parameters, multiplier_range=(0.5, 4.0), pool=Pool(0.0)).fit(X, y).pool_
    assert len(pool) > 1
    assert len(pool.groups) == 1
    assert np.allclose(
        pool.intercepts / pool.multipliers, pool.intercepts[0] / pool.multipliers[0], atol=1e-8
    )


# early ends


def test_a_full_pool_warns_and_says_so():
    X, y = rows()
    parameters = {
        "max_features": 2,
        "coefficient_range": (-2, 2),
        "binning": None,
        "time_limit": None,
        "multiplier": 1,
    }
    with pytest.warns(StoppedEarly, match="More than 4 cards belong to the pool"):
        pool = RiskScoreClassifier(**parameters, pool=Pool(0.3, max_cards=4)).fit(X, y).pool_
    assert len(pool) == 4
    assert not pool.complete
    assert pool.status == "MAX_CARDS"
    assert "not complete: there are more" in pool.summary()
    whole = RiskScoreClassifier(**parameters, pool=Pool(0.3)).fit(X, y).pool_
    np.testing.assert_allclose(pool.losses, whole.losses[:4], rtol=0, atol=1e-12)


def test_a_stopped_fit_and_pool_say_so():
    data = load_breast_cancer()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = RiskScoreClassifier(time_limit=0.3, pool=Pool(0.05)).fit(data.X, data.y)
    told = [str(each.message) for each in caught if each.category is StoppedEarly]
    assert any(text.startswith("The pool stopped after") for text in told)
    pool = model.pool_
    assert not pool.complete
    assert pool.status == "TIME_LIMIT"
    assert pool.proven_limit < pool.loss_limit
    assert "not complete: the search was stopped" in pool.summary()
    assert pool.to_dict()["complete"] is False


def test_a_fit_that_ends_at_its_gap_is_completed_by_its_pool(monkeypatch):
    """The pool is around the best card there is, not around the one that the fit stopped at."""
    from riskstats.scores import bnb
    from tests.scores.test_enumeration import empty_card

    X, y = rows()
    parameters = {
        "coefficient_range": (-3, 3),
        "binning": None,
        "time_limit": None,
        "multiplier": 1,
        "pool": Pool(0.05),
    }
    whole = RiskScoreClassifier(**parameters).fit(X, y)
    monkeypatch.setattr(bnb, "heuristic_card", empty_card)
    monkeypatch.setattr(bnb._Search, "_look_for_card", lambda *_: None)
    with pytest.warns(StoppedEarly, match="better than the fitted one"):
        early = RiskScoreClassifier(**parameters, gap=0.9).fit(X, y)
    assert early.certificate_.gap > 0.1
    assert early.pool_.complete
    assert early.pool_.best_loss == pytest.approx(whole.certificate_.objective, abs=1e-12)
    assert members(early.pool_) == members(whole.pool_)


@pytest.mark.parametrize("solver", ["scip", "beam"])
def test_every_solver_can_have_a_pool(solver):
    X, y = rows()
    parameters = {
        "coefficient_range": (-2, 2),
        "binning": None,
        "time_limit": None,
        "multiplier": 1,
        "pool": Pool(0.05),
    }
    pools = [RiskScoreClassifier(**parameters, solver=name).fit(X, y).pool_ for name in ("bnb", solver)]
    assert all(pool.complete for pool in pools)
    assert members(pools[0]) == members(pools[1])


@pytest.mark.parametrize("pool", [0.01, "all", {"epsilon": 0.1}, True])
def test_a_request_of_another_type_is_refused_before_the_fit(pool):
    with pytest.raises(InvalidInput, match=r"`pool` must be a Pool, such as Pool\(0.01\), or None"):
        RiskScoreClassifier(pool=pool).fit(*rows())


# as an estimator


def test_same_data_same_pool():
    X, y = rows()
    model = RiskScoreClassifier(
        max_features=2, coefficient_range=(-2, 2), multiplier_range=(1, 2), pool=Pool(0.03), time_limit=None
    )
    first, second = clone(model).fit(X, y).pool_, clone(model).fit(X[::-1], y[::-1]).pool_
    for name in ("coefficients", "intercepts", "group"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_allclose(first.multipliers, second.multipliers, rtol=1e-9)
    again = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(again.losses, first.losses)
    with pytest.raises(ValueError, match="read-only"):
        first.losses[0] = 0.0


def test_the_request_is_on_the_card():
    X, y = rows()
    card = RiskScoreClassifier(max_features=1, multiplier=1, pool=Pool(0.01, 50)).fit(X, y).scorecard_
    expected = {"epsilon": 0.01, "max_cards": 50, "epsilon_kind": "relative"}
    assert card.provenance["parameters"]["pool"] == expected


@pytest.mark.filterwarnings("ignore:The data are separable")
@pytest.mark.filterwarnings("ignore:One point on")
@pytest.mark.filterwarnings("ignore:More than 20 cards")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [RiskScoreClassifier(max_features=1, coefficient_range=(-1, 1), multiplier=1.0, pool=Pool(0.01, 20))]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


# words and files


def test_a_pool_in_words_and_as_a_frame(tumours):
    pool = tumours[2].pool_
    text = pool.summary()
    assert text.startswith(f"{len(pool)} cards within 5 % of the best objective {pool.best_loss:.6f}")
    assert "complete: proven to be every such card" in text
    assert f"{len(pool.groups)} different predictions" in text
    frame = pool.to_frame()
    assert len(frame) == len(pool)
    np.testing.assert_array_equal(frame["loss"], pool.losses)
    used = [rule.label for rule, _ in pool[0].lines]
    assert [frame.loc[0, label] for label in used] == [points for _, points in pool[0].lines]


def test_a_file_gives_the_same_pool_and_the_same_predictions(tumours, tmp_path):
    table, _, model = tumours
    pool = model.pool_
    pool.save(tmp_path / "card.pool.json")
    again = CardPool.load(tmp_path / "card.pool.json")
    assert again.to_dict() == pool.to_dict()
    np.testing.assert_array_equal(again.predictions(table), pool.predictions(table))
    assert again.data_hash == model.certificate_.data_hash
    assert again.complete
    assert CardPool.from_dict(json.loads(json.dumps(pool.to_dict()))).to_dict() == pool.to_dict()


@pytest.fixture
def saved(tumours, tmp_path):
    path = tmp_path / "card.pool.json"
    tumours[2].pool_.save(path)
    return path


def changed(path, **head):
    path.write_text(json.dumps({**json.loads(path.read_text()), **head}))


def test_files_that_are_no_pool_are_refused(saved, tumours, tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        CardPool.load(tmp_path / "nothing.json")
    tumours[2].scorecard_.save(tmp_path / "card.json")
    with pytest.raises(
        CertificateError, match=r"is not a pool of cards: its schema is 'riskstats.scorecard'"
    ):
        CardPool.load(tmp_path / "card.json")
    text = saved.read_text()
    saved.write_text(text[: len(text) // 2])
    with pytest.raises(CertificateError, match="cut off or no JSON"):
        CardPool.load(saved)
    saved.write_text("[1, 2]")
    with pytest.raises(CertificateError, match="holds a JSON list, expected a pool of cards"):
        CardPool.load(saved)


def test_files_of_another_version_are_refused(saved):
    changed(saved, schema_version=2)
    with pytest.raises(CertificateError, match="Upgrade riskstats"):
        CardPool.load(saved)
    changed(saved, schema_version="1")
    with pytest.raises(CertificateError, match="expected a whole number from 1"):
        CardPool.load(saved)


@pytest.mark.parametrize(
    ("name", "value"), [("status", "COMPLETE"), ("loss_limit", 9.0), ("data_hash", "0"), ("complete", True)]
)
def test_edited_files_are_refused(saved, name, value):
    body = json.loads(saved.read_text())["pool"]
    body[name] = value if body[name] != value else "other"
    changed(saved, pool=body)
    with pytest.raises(CertificateError, match="edited or damaged"):
        CardPool.load(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"losses": [0.1]}, "needs arrays of the shapes"),
        ({"losses": "none"}, "must be finite numbers"),
        ({"coefficients": [[0.5]]}, "must be whole numbers"),
        ({"best_loss": 9.0}, "must lie between best_loss"),
        ({"status": "DONE"}, "DONE"),
        ({"complete": False}, "two things"),
        ({"colour": "blue"}, "a pool has the fields"),
        ({"coding": {}}, "cannot be read"),
    ],
)
def test_dictionaries_that_make_no_sense_are_refused(tumours, changes, message):
    content = {**tumours[2].pool_.to_dict(), **changes}
    with pytest.raises(CertificateError, match=message):
        CardPool.from_dict(content)
