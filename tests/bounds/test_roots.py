import numpy as np
import pytest

from riskstats._jit import Compiled
from riskstats.bounds.roots import TOLERANCE, rising_root

FUNCTIONS = {
    "line": lambda x, r, xp: 2.0 * (x - r),
    "cube": lambda x, r, xp: (x - r) ** 3,
    "flat then steep": lambda x, r, xp: xp.expm1(200.0 * (x - r)),
    "step": lambda x, r, xp: xp.where(x >= r, 1.0, -1.0),
    "minus infinity": lambda x, r, xp: xp.where(x < 0.5 * r, -xp.inf, x - r),
    "corner": lambda x, r, xp: xp.where(x < r, 0.1, 1e3) * (x - r),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("guess", [-1.0, 0.0, 0.3, 1.0, 7.0])
def test_the_level_is_reached_and_nearly_missed(name, guess):
    roots = np.array([1e-9, 0.2, 0.5, 0.999, 1.0])
    calls = []

    def function(x):
        calls.append(x)
        return FUNCTIONS[name](x, roots, np) + 3.0

    answer = rising_root(function, 3.0, np.full(5, guess), np.full(5, 5.0))
    assert (function(answer) >= 3.0).all()
    flat = 1e-5 if name == "cube" else 2 * TOLERANCE  # a cube is level to the last bit around its root
    assert (np.abs(answer - roots) <= flat).all()
    assert len(calls) < 120


def test_a_level_that_is_never_reached_costs_nothing():
    calls = []

    def function(x):
        calls.append(x)
        return x

    answer = rising_root(function, 3.0, np.array([0.4]), np.array([1.0]))
    assert answer[0] == 1.0
    assert len(calls) <= 4


def test_compiled():
    import jax.numpy as jnp

    roots = np.linspace(0.01, 0.99, 9)
    solve = Compiled(
        lambda r: rising_root(
            lambda x: jnp.log(x / r), 0.0, jnp.full(9, 0.5), jnp.full(9, 2.0), low=1e-9, xp=jnp
        )
    )
    np.testing.assert_allclose(solve(roots), roots, rtol=0, atol=2e-13)
