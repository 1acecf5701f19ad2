"""Verification of a card: true claims hold, every false one is named, other data are refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import riskstats
from riskstats._validation import as_table
from riskstats.exceptions import CertificateError, InvalidInput
from riskstats.results import Status
from riskstats.scores import bnb
from riskstats.scores.binning import Binning
from riskstats.scores.certificate import Certificate
from riskstats.scores.coding import raw_coding
from riskstats.scores.compression import data_hash
from riskstats.scores.problem import TOLERANCE, IntegerScoreProblem, SolveOptions
from riskstats.scores.proof import Proof
from riskstats.scores.rules import AtLeast
from riskstats.scores.scorecard import ScoreCard
from riskstats.scores.verify import verify_certificate

SIDES = ("negative", "positive")


def sample(seed: int = 0, n: int = 120):
    """A table of numbers, text and missing values with a 0/1 outcome."""
    rng = np.random.default_rng(seed)
    age, dose = rng.integers(20, 80, n).astype(float), np.round(rng.gamma(2, 2, n), 1)
    dose[rng.random(n) < 0.1] = np.nan
    job = rng.choice(["clerk", "guard", "baker"], n).astype(object)
    risk = 1 / (1 + np.exp(-(0.06 * (age - 50) + (job == "guard") - 0.5 * np.isnan(dose))))
    return {"age": age, "dose": dose, "job": job}, (rng.random(n) < risk).astype(int)


def counts(seed: int = 0, n: int = 100):
    """A bare array of small whole numbers."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (n, 4)).astype(float)
    return X, (rng.random(n) < 1 / (1 + np.exp(1.5 - X @ [1, -1, 1, 0]))).astype(int)


def fitted(
    X, y, weight=None, *, multipliers=(1.0, 1.0), factors=None, intercept=None, max_nodes=None, **problem
):
    """A card with its certificate, and its proof, as the estimator makes them."""
    table = as_table(X)
    binned = any(column.dtype == object or np.isnan(column).any() for column in table.columns)
    coding = Binning(max_bins=3).fit(table, y, weight) if binned else raw_coding(table)
    rows, d = coding.transform(table), len(coding.rules)
    scaled = (np.ones(len(y)) if weight is None else weight) * np.array(factors or (1.0, 1.0))[y]
    problem = {"max_features": 2, "penalty": 1e-4, **problem}
    stated = IntegerScoreProblem.from_data(
        rows, y, scaled, lower=np.full(d, -3), upper=np.full(d, 3), multiplier_range=multipliers,
        intercept=intercept, **problem,
    )  # fmt: skip
    found = bnb.solve(stated, SolveOptions(device="numpy", max_nodes=max_nodes))
    more = {
        "data_hash": data_hash(stated.rows, stated.positive, stated.negative),
        "class_weight": dict(zip(SIDES, factors or (1.0, 1.0), strict=True)),
        "intercept_range": "auto" if intercept is None else "given",
    }
    proof = Proof({**found.proof.header, **more, "coding": coding.to_dict()}, found.proof.arrays)
    claim = Certificate(
        objective=found.value, loss=found.loss, lower_bound=found.bound, status=found.status, kind="proof",
        engine="bnb", nodes=found.nodes, seconds=0.0, compile_seconds=0.0, tolerance=TOLERANCE,
        problem={**stated.to_dict(), **more}, data_hash=more["data_hash"], proof_hash=proof.digest(),
    )  # fmt: skip
    return card_of(found, coding, table, claim), proof


def card_of(found, coding, table, claim) -> ScoreCard:
    points = [int(value) for value in found.coefficients]
    lines = tuple((rule, value) for rule, value in zip(coding.rules, points[1:], strict=True) if value)
    used = {rule.column for rule, _ in lines}
    return ScoreCard(
        outcome="y = 1", classes=(0, 1), lines=lines, input_names=table.names, named=table.named,
        columns=tuple(column for column in coding.columns if column.column in used), intercept=points[0],
        multiplier=1.0 / found.scale, certificate=claim,
    )  # fmt: skip


def failed(found) -> list[str]:
    return [name for name, passed, _ in found.checks if passed is False]


WEIGHT = np.random.default_rng(5).integers(0, 4, 120).astype(float)
CASES = {
    "numbers": lambda: (*counts(), None, {}),
    "penalty": lambda: (*counts(1), None, {"penalty": 0.1}),
    "free multiplier": lambda: (*counts(2), None, {"multipliers": (0.7, 4.0)}),
    "given intercept": lambda: (*counts(3), None, {"intercept": (-3, 3), "multipliers": (1.7, 1.7)}),
    "binned": lambda: (*sample(), None, {}),
    "weights": lambda: (*sample(1), WEIGHT, {}),
    "class weights": lambda: (*sample(2), WEIGHT, {"factors": (0.4, 2.0), "multipliers": (1.0, 3.0)}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_true_certificate_holds(case, tmp_path):
    X, y, weight, options = CASES[case]()
    card, proof = fitted(X, y, weight, **options)
    found = verify_certificate(card, X, y, weight, proof)
    assert found.ok, failed(found)
    assert found.verdict == "optimal"
    assert found.gap <= 1e-8
    assert found.objective == pytest.approx(card.certificate.objective, abs=1e-14)
    assert found.records == len(proof)
    card.save(tmp_path / "card.json")
    proof.save(tmp_path / "proof.npz")
    read = verify_certificate(tmp_path / "card.json", X, y, weight, str(tmp_path / "proof.npz"))
    assert read.checks == found.checks


def test_a_search_that_stopped_early_is_verified_up_to_its_gap():
    X, y = sample(3, n=200)
    card, proof = fitted(X, y, max_nodes=2, max_features=3)
    assert card.certificate.status is Status.TIME_LIMIT
    found = verify_certificate(card, X, y, proof=proof)
    assert found.ok
    assert found.verdict.startswith("gap ")
    assert found.lower_bound >= card.certificate.lower_bound - 1e-12
    assert found.gap <= card.certificate.gap + 1e-12
    claim = replace(card.certificate, status=Status.OPTIMAL)
    false = verify_certificate(replace(card, certificate=claim), X, y, proof=proof)
    assert failed(false) == ["the claimed lower bound is proven"]
    assert false.verdict == "refuted"


def test_results_speak():
    X, y = counts()
    card, proof = fitted(X, y)
    found = verify_certificate(card, X, y, proof=proof)
    text = found.summary()
    assert text.startswith("Verdict: optimal")
    assert all(name in text for name, _, _ in found.checks)
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["ok"] is True
    assert content["checks"][0] == {
        "name": found.checks[0].name,
        "passed": True,
        "detail": found.checks[0].detail,
    }
    bare = verify_certificate(card, X, y).to_dict()
    assert bare["lower_bound"] is None
    json.dumps(bare, allow_nan=False)


# ---- the data


def test_order_and_repetition_of_rows_do_not_matter():
    X, y = counts()
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    card, proof = fitted(X, y, weight.astype(float))
    order = np.random.default_rng(1).permutation(len(y))
    assert verify_certificate(card, X[order], y[order], 7.0 * weight[order], proof).ok
    assert verify_certificate(card, np.repeat(X, weight, axis=0), np.repeat(y, weight), None, proof).ok


def test_columns_are_read_by_name_and_arrays_by_position():
    X, y = sample()
    card, proof = fitted(X, y)
    mixed = {name: X[name] for name in ("job", "age", "dose")} | {"other": np.zeros(len(y))}
    assert verify_certificate(card, mixed, y, proof=proof).ok
    numbers, z = counts()
    bare, proof = fitted(numbers, z)
    assert not bare.named
    named = dict(zip("abcd", numbers.T, strict=True))
    assert verify_certificate(bare, named, z, proof=proof).ok


def one_label(X, y, weight):
    return X, np.where(np.arange(len(y)) == 7, 1 - y, y), weight


def one_value(X, y, weight):
    X = X.copy()
    X[3, 0] += 1
    return X, y, weight


def one_weight(X, y, weight):
    return X, y, np.where(np.arange(len(y)) == 5, 2.0, 1.0)


def no_last_row(X, y, weight):
    return X[:-1], y[:-1], weight


@pytest.mark.parametrize("change", [one_label, one_value, one_weight, no_last_row])
def test_other_data_are_refused(change):
    X, y = counts()
    card, proof = fitted(X, y)
    with pytest.raises(CertificateError, match=r"made for data .* Nothing was verified"):
        verify_certificate(card, *change(X, y, None), proof)
    silent = replace(card, certificate=replace(card.certificate, data_hash=""))
    unhashed = Proof({**proof.header, "data_hash": None}, proof.arrays)
    found = verify_certificate(silent, *change(X, y, None), unhashed)
    assert "the objective is as claimed" in failed(found)
    assert found.verdict == "refuted"


def test_data_that_the_card_cannot_read_are_bad_input():
    X, y = counts()
    card, proof = fitted(X, y)
    for wrong in ((X[:, :2], y, None), (X, y[:-1], None), (X, y + 1, None), (X, y, -np.ones(len(y)))):
        with pytest.raises(InvalidInput):
            verify_certificate(card, *wrong, proof)


# ---- the claims


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"objective": -1e-6}, "the objective is as claimed"),
        ({"objective": 1e-11}, "the objective is as claimed"),
        ({"loss": -1e-6}, "the loss is as claimed"),
        ({"lower_bound": 1e-6}, "the claimed lower bound is proven"),
        ({"proof_hash": "0" * 64}, "the proof is the certificate's"),
        ({"problem": {"max_features": 3}}, "the proof is about the certificate's problem"),
    ],
)
def test_a_false_claim_is_named(change, name):
    X, y = counts()
    card, proof = fitted(X, y)
    old = {key: getattr(card.certificate, key) for key in change}
    new = {key: old[key] + value if isinstance(value, float) else value for key, value in change.items()}
    found = verify_certificate(replace(card, certificate=replace(card.certificate, **new)), X, y, proof=proof)
    assert failed(found) == [name]
    assert found.verdict == "refuted"
    assert not found.ok


def test_another_card_is_refuted():
    X, y = counts()
    card, proof = fitted(X, y, multipliers=(0.5, 2.0))
    first, points = card.lines[0]
    for other in (
        replace(card, intercept=card.intercept + 1),
        replace(card, multiplier=1.001 * card.multiplier),
        replace(card, multiplier=3.0),
        replace(card, lines=((first, points % 3 + 1), *card.lines[1:])),
        replace(card, lines=((first, 40), *card.lines[1:])),
        replace(card, lines=card.lines[1:], columns=card.columns[1:]),
    ):
        found = verify_certificate(other, X, y, proof=proof)
        assert "the objective is as claimed" in failed(found)
        honest = replace(
            card.certificate, objective=found.objective, loss=found.loss, lower_bound=found.objective
        )
        claims = failed(verify_certificate(replace(other, certificate=honest), X, y, proof=proof))
        assert "the claimed lower bound is proven" in claims or "the card belongs to the problem" in claims


def test_a_line_that_is_no_column_of_the_proof_is_refused():
    X, y = sample()
    card, proof = fitted(X, y)
    foreign = replace(card.coding(card.lines[0][0].column), rules=(AtLeast("age", 33.3),))
    other = replace(
        card, lines=((AtLeast("age", 33.3), 1),), columns=(replace(foreign, column="age", kind="numeric"),)
    )
    with pytest.raises(CertificateError, match=r"age >= 33.3"):
        verify_certificate(other, X, y, proof=proof)


# ---- the proof


def test_without_a_proof_nothing_is_false_and_nothing_proven():
    X, y, weight, options = CASES["class weights"]()
    card, _ = fitted(X, y, weight, **options)
    found = verify_certificate(card, X, y, weight)
    assert failed(found) == []
    assert not found.ok
    assert found.verdict == "unproven"
    assert found.objective == pytest.approx(card.certificate.objective, abs=1e-14)
    lower = replace(card, certificate=replace(card.certificate, objective=found.objective - 1e-6))
    assert verify_certificate(lower, X, y, weight).verdict == "refuted"


def test_plain_columns_are_told_apart_without_a_proof():
    X, y = counts()
    card, _ = fitted(X, y)
    assert verify_certificate(card, X, y).checks[0].passed is True
    assert verify_certificate(card, *one_label(X, y, None)).checks[0].passed is None
    binned, z = sample()
    assert verify_certificate(fitted(binned, z)[0], binned, z).checks[0].passed is None


def test_a_card_without_a_certificate():
    X, y = counts()
    card, proof = fitted(X, y)
    bare = replace(card, certificate=None)
    alone = verify_certificate(bare, X, y)
    assert (alone.verdict, alone.ok, alone.gap) == ("unproven", False, np.inf)
    proven = verify_certificate(bare, X, y, proof=proof)
    assert (proven.verdict, proven.ok, failed(proven)) == ("optimal", False, [])


def test_the_proof_of_another_problem_is_refuted():
    X, y = counts()
    card, _ = fitted(X, y, max_features=2)
    _, other = fitted(X, y, max_features=1)
    found = verify_certificate(card, X, y, proof=other)
    assert {"the proof is the certificate's", "the proof is about the certificate's problem"} <= set(
        failed(found)
    )
    assert found.verdict == "refuted"


@pytest.mark.parametrize(
    "name", ["parent", "branch", "column", "value", "lower", "upper", "role", "point", "spacing"]
)
def test_a_changed_proof_is_refuted(name):
    """Any change is seen by the hash; without the hash no change makes a wrong bound pass."""
    X, y = sample()
    card, proof = fitted(X, y, max_features=2)
    best = card.certificate.objective
    loose = replace(card, certificate=replace(card.certificate, proof_hash=None))
    rng = np.random.default_rng(0)
    for _ in range(6):
        arrays = {key: array.copy() for key, array in proof.arrays.items()}
        place = tuple(int(rng.integers(size)) for size in arrays[name].shape)
        arrays[name][place] += 1
        changed = Proof(proof.header, arrays)
        try:
            assert failed(verify_certificate(card, X, y, proof=changed))
            assert verify_certificate(loose, X, y, proof=changed).lower_bound <= best + 1e-12
        except CertificateError as error:
            assert "proof" in str(error)  # noqa: PT017


def test_damaged_files_are_refused(tmp_path):
    X, y = counts()
    card, proof = fitted(X, y)
    arrays = {**proof.arrays, "point": np.full_like(proof.arrays["point"], np.nan)}
    with pytest.raises(CertificateError, match="point"):
        verify_certificate(card, X, y, proof=Proof(proof.header, arrays))
    with pytest.raises(CertificateError, match="class_weight"):
        verify_certificate(card, X, y, proof=Proof({**proof.header, "class_weight": [1, 2]}, proof.arrays))
    with pytest.raises(CertificateError, match="columns"):
        verify_certificate(
            card, X, y, proof=Proof({**proof.header, "lower": [0], "upper": [1]}, proof.arrays)
        )
    (tmp_path / "proof.npz").write_bytes(b"not a proof")
    for path in ("proof.npz", "none.npz"):
        with pytest.raises(CertificateError, match=path):
            verify_certificate(card, X, y, proof=tmp_path / path)
    with pytest.raises(InvalidInput):
        verify_certificate(tmp_path / "none.json", X, y)


def test_the_estimator_makes_verifiable_cards():
    classifier = pytest.importorskip("riskstats.scores.estimator").RiskScoreClassifier
    columns, y = sample(4)
    X = pytest.importorskip("pandas").DataFrame(columns)
    labels = np.where(y == 1, "sick", "well")
    model = classifier(max_features=2, class_weight="balanced", device="numpy", multiplier_range=(1.0, 4.0))
    model.fit(X, labels, sample_weight=WEIGHT)
    found = verify_certificate(model.scorecard_, X, labels, WEIGHT, model.proof_)
    assert found.ok, failed(found)
    assert found.verdict == "optimal"


def test_numpy_is_enough(tmp_path):
    X, y = counts()
    card, proof = fitted(X, y)
    card.save(tmp_path / "card.json")
    proof.save(tmp_path / "proof.npz")
    np.savez(tmp_path / "data.npz", X=X, y=y)
    code = (
        "import sys, numpy as np; from riskstats.scores.verify import verify_certificate\n"
        "data = np.load('data.npz')\n"
        "print(verify_certificate('card.json', data['X'], data['y'], proof='proof.npz').verdict)\n"
        "print(sorted({'jax', 'sklearn', 'scipy', 'pandas', 'cvxpy', 'pyscipopt'} & set(sys.modules)))"
    )
    root = str(Path(riskstats.__file__).parents[1])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    options = {
        "cwd": tmp_path,
        "env": {**os.environ, "PYTHONPATH": path},
        "capture_output": True,
        "text": True,
    }
    done = subprocess.run([sys.executable, "-c", code], check=True, **options)
    assert done.stdout.split("\n")[:2] == ["optimal", "[]"]
