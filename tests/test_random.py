import numpy as np
import pytest

from riskstats._random import generator, jax_key, seed
from riskstats.exceptions import InvalidInput


@pytest.mark.parametrize("make", [lambda: 7, lambda: np.int32(7), lambda: np.random.RandomState(7)])
def test_same_state_same_stream(make):
    np.testing.assert_array_equal(generator(make()).random(5), generator(make()).random(5))


def test_none_is_fresh_and_a_generator_advances():
    assert generator(None).random() != generator(None).random()
    source = np.random.default_rng(3)
    assert generator(source) is source
    assert seed(source) != seed(source)


def test_a_random_state_advances():
    state = np.random.RandomState(5)
    assert generator(state).random() != generator(state).random()


def test_keys_repeat():
    import jax

    first, second = (jax.random.normal(jax_key(11), (3,)) for _ in range(2))
    np.testing.assert_array_equal(np.asarray(first), np.asarray(second))


@pytest.mark.parametrize("wrong", [-1, 0.5, "0", True])
def test_other_states_are_refused(wrong):
    with pytest.raises(InvalidInput, match="`random_state` must be"):
        generator(wrong)
