"""Attack matrices: a truth of rank 1, uniform p under independence, prediction without the cell."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import kstest

from riskstats.evaluations.attacks import attack_matrix
from riskstats.exceptions import InvalidInput
from tests.theorems.laws import too_many


def rank_one(rng, noise=0.02, systems=14, attacks=8):
    strength, reach = rng.random(systems), rng.uniform(0.3, 1.0, attacks)
    matrix = np.outer(strength, reach) + noise * rng.standard_normal((systems, attacks))
    return np.clip(matrix, 0, 1), strength, reach


def test_rank_one_is_found(rng):
    matrix, strength, reach = rank_one(rng)
    found = attack_matrix(matrix, permutations=199)
    assert found.dimensions == 1
    assert found.p_value == 1 / 200
    assert found.explained[0] > 0.95
    assert np.corrcoef(found.scores[:, 0], strength)[0, 1] > 0.99
    assert found.loadings[:, 0] == pytest.approx(reach / np.linalg.norm(reach), abs=0.05)
    assert found.skill.min() > 0.9


def test_exact_rank_one_is_predicted_exactly(rng):
    matrix, *_ = rank_one(rng, noise=0.0)
    found = attack_matrix(matrix, permutations=19)
    assert found.predicted == pytest.approx(matrix, abs=1e-9)
    assert found.explained == pytest.approx([1.0, *[0.0] * 7], abs=1e-12)


def test_independence_gives_uniform_p(rng):
    p = [attack_matrix(rng.random((8, 5)), permutations=99, random_state=rng).p_value for _ in range(150)]
    assert kstest(np.array(p) - rng.random(150) / 100, "uniform").pvalue > 1e-4
    assert not too_many(int((np.array(p) <= 0.05).sum()), 150, 0.05)


def test_independent_attacks_tell_nothing(rng):
    found = attack_matrix(rng.random((30, 6)), permutations=99)
    assert found.dimensions == 0
    assert found.skill.max() < 0.3


def test_prediction_does_not_see_its_cell(rng):
    matrix, *_ = rank_one(rng, noise=0.1)
    one = attack_matrix(matrix, permutations=19)
    changed = matrix.copy()
    changed[3, 2] = 1.0 - changed[3, 2]
    other = attack_matrix(changed, permutations=19)
    assert other.predicted[3, 2] == one.predicted[3, 2]
    assert (other.predicted[3] != one.predicted[3]).any()


def test_decomposition_gives_the_matrix_back(rng):
    matrix = rng.random((7, 5))
    found = attack_matrix(matrix, permutations=19)
    assert found.means + found.scores @ found.loadings.T == pytest.approx(matrix)
    assert found.explained.sum() == pytest.approx(1.0)


def test_names(rng):
    import pandas as pd

    table = pd.DataFrame(rng.random((5, 3)), columns=["gcg", "pair", "tap"])
    assert attack_matrix(table, permutations=9).attacks == ("gcg", "pair", "tap")
    plain = attack_matrix(table.to_numpy(), permutations=9)
    assert plain.attacks == ("a1", "a2", "a3")
    assert plain.systems[0] == "s1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rates": np.full((3, 3), 0.5)}, "four systems and three attacks"),
        ({"rates": np.full((5, 4), 2.0)}, "must lie in support"),
        ({"rates": np.full((5, 4), np.nan)}, "NaN"),
        ({"rates": np.full((5, 4), 0.5)}, "no variation to look at"),
        ({"rank": 4}, "`rank` must be an integer from 1 to 3"),
        ({"systems": ["a", "b"]}, "`systems` must be 5 different names"),
        ({"attacks": ["a"]}, "`attacks` must be 4 different names"),
    ],
)
def test_messages(rng, change, message):
    with pytest.raises(InvalidInput, match=message):
        attack_matrix(**({"rates": rng.random((5, 4))} | change))


def test_exports(rng):
    found = attack_matrix(rng.random((6, 4)), permutations=9)
    assert json.loads(json.dumps(found.to_dict()))["rank"] == 1
    assert len(found.to_frame()) == 4
    assert "6 systems x 4 attacks" in str(found)
