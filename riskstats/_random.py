"""Randomness: one argument, `random_state`, becomes a NumPy generator or a JAX key."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    import jax

RandomState: TypeAlias = "int | np.integer | np.random.Generator | np.random.RandomState | None"

__all__ = ["RandomState", "generator", "jax_key", "seed"]


def generator(random_state: RandomState = None) -> np.random.Generator:
    """A NumPy `Generator`.

    `None` is fresh entropy, an integer a fixed stream; a `Generator` is used as it is and advances;
    a `RandomState` gives the seed of a new stream and advances too.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**31, size=4))
    if random_state is None:
        return np.random.default_rng()
    if (
        isinstance(random_state, numbers.Integral)
        and not isinstance(random_state, bool)
        and random_state >= 0
    ):
        return np.random.default_rng(int(random_state))
    raise InvalidInput(
        "`random_state` must be None, an integer >= 0, a numpy Generator or a RandomState; "
        f"got {random_state!r}. Pass an integer to repeat a run."
    )


def seed(random_state: RandomState = None) -> int:
    """One integer in [0, 2**31) drawn from `random_state`, for libraries that take a seed."""
    return int(generator(random_state).integers(2**31))


def jax_key(random_state: RandomState = None) -> jax.Array:
    """A JAX key drawn from `random_state`; imports JAX."""
    import jax

    return jax.random.key(seed(random_state))
