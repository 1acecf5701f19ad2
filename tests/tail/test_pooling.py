"""Pooling of judges."""

import json
from pathlib import Path

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.tail.pooling import POOLING_RULES, pool_judges

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tail.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("record", GOLDEN["judge_pooling"], ids=lambda record: str(record["scores"]))
@pytest.mark.parametrize("rule", POOLING_RULES)
def test_reference_values(record, rule):
    assert pool_judges(record["scores"], rule) == pytest.approx(record[rule], rel=0, abs=1e-10)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_every_batch_rank_and_axis(rng, shape):
    scores = rng.random(shape)
    want = np.sqrt((scores**2).sum(axis=-1) / 3)
    np.testing.assert_allclose(pool_judges(scores), want, rtol=1e-14)
    np.testing.assert_allclose(pool_judges(np.moveaxis(scores, -1, 0), axis=0), want, rtol=1e-14)


def test_order_of_rules(rng):
    scores = rng.random((50, 5))
    pooled = {rule: pool_judges(scores, rule) for rule in POOLING_RULES}
    assert (pooled["mean"] <= pooled["rms"]).all()
    assert (pooled["rms"] <= pooled["max"]).all()
    assert (pooled["median"] <= pooled["max"]).all()
    assert all((each >= 0).all() and (each <= 1).all() for each in pooled.values())


def test_bad_input():
    with pytest.raises(InvalidInput, match="`pooling` must be one of 'rms', 'mean', 'median', 'max'"):
        pool_judges([0.1], "mode")
    with pytest.raises(InvalidInput, match="has 1 NaN at rows 0"):
        pool_judges([[0.1, np.nan]])
    with pytest.raises(InvalidInput, match="no axis 2 of judges"):
        pool_judges([[0.1, 0.2]], axis=2)
