"""Provenance: the same data have the same hash, other data another one."""

import json

import numpy as np

import riskstats
from riskstats.results import Status
from riskstats.tail.provenance import input_hash, provenance


def test_the_hash_is_that_of_the_values():
    base = input_hash([0.5, 1.0, 0.0], ["a", "b", "c"], None)
    assert input_hash(np.array([0.5, 1.0, -0.0]), np.array(["a", "b", "c"]), None) == base
    assert input_hash(np.array([0.5, 1.0, 0.0], dtype=np.float32), ("a", "b", "c"), None) == base
    others = [
        input_hash([0.5, 1.0, 0.0], ["a", "b", "d"], None),
        input_hash([0.5, 1.0, 1e-300], ["a", "b", "c"], None),
        input_hash([[0.5, 1.0, 0.0]], ["a", "b", "c"], None),
        input_hash([0.5, 1.0, 0.0], ["a", "b", "c"]),
        input_hash([0.5, 1.0, 0.0], None, ["a", "b", "c"]),
    ]
    assert len({base, *others}) == 6
    assert len(base) == 16


def test_settings_and_seed():
    found = provenance([1.0], level=0.95, random_state=np.int64(7), clip=0.1, status=Status.BOUND)
    assert (found.version, found.seed, found.clip, found.pooling) == (riskstats.__version__, 7, 0.1, None)
    assert json.loads(json.dumps(found.to_dict()))["status"] == "BOUND"
    assert provenance([1.0], level=0.95, random_state=np.random.default_rng(7)).seed is None
    assert provenance([1.0], level=0.95, random_state=True).seed is None
