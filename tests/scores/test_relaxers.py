"""The three ways to solve a search's relaxations lead to the same proven card."""

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput
from riskstats.scores import bnb, relaxers
from riskstats.scores.problem import IntegerScoreProblem, SolveOptions
from riskstats.scores.recheck import recheck
from riskstats.scores.relaxers_jax import JaxRelaxer


def planted(multipliers=(1.0, 1.0), d=9):
    rng = np.random.default_rng(5)
    X = (rng.random((250, d)) < np.linspace(0.2, 0.8, d)).astype(float)
    logit = X[:, :4] @ [2, -3, 1, 2] - 1
    y = (rng.random(250) < 1 / (1 + np.exp(-logit))).astype(int)
    box = np.full(d, 5)
    return IntegerScoreProblem.from_data(
        X, y, lower=-box, upper=box, max_features=4, penalty=1e-6, multiplier_range=multipliers
    )


def in_batches(batch):
    def relaxer_for(problem, options, lattice):
        relaxer = JaxRelaxer(problem, problem.scale_range[0] * problem.step if lattice else 0.0, "gpu")
        relaxer.batch = batch
        return relaxer

    return relaxer_for


@pytest.mark.parametrize("multipliers", [(1.0, 1.0), (1.0, 8.0)])
@pytest.mark.parametrize("lattice", [False, True])
def test_batches_of_nodes_prove_the_same_card(monkeypatch, multipliers, lattice):
    """The path of an accelerator, run on whatever device there is: many nodes that share the root's rows."""
    problem = planted(multipliers)
    one = bnb.solve(problem, SolveOptions(device="numpy", lattice=lattice))
    monkeypatch.setattr(bnb, "relaxer_for", in_batches(16))
    many = bnb.solve(problem, SolveOptions(lattice=lattice))
    assert many.proven
    assert many.value == pytest.approx(one.value, abs=1e-9)
    checked = recheck(
        many.proof.header,
        many.proof.arrays,
        problem.rows,
        problem.positive,
        problem.negative,
        many.coefficients,
        many.scale,
    )
    assert checked.sound
    assert checked.lower_bound >= many.value - 1e-9


def test_compiling_starts_at_a_number_of_nodes_and_changes_no_answer(monkeypatch):
    problem = planted((1.0, 8.0))
    plain = bnb.solve(problem, SolveOptions(device="numpy"))
    compiled = []
    monkeypatch.setattr(relaxers, "_NODES_BEFORE_COMPILING", 5)
    monkeypatch.setattr(
        relaxers, "_jax_relaxer", lambda *stated: compiled.append(JaxRelaxer(*stated)) or compiled[-1]
    )
    switched = bnb.solve(problem, SolveOptions(device="auto"))
    assert switched.value == pytest.approx(plain.value, abs=1e-9)
    assert len(compiled) == 1
    assert plain.compile_seconds == 0


@pytest.mark.parametrize(
    ("shape", "padded"), [((1, 1), (64, 8)), ((65, 9), (256, 16)), ((449, 32), (1024, 32))]
)
def test_shapes_are_padded_to_few_sizes(shape, padded):
    assert relaxers.padded_shape(*shape) == padded


def test_an_accelerator_that_is_not_there_is_refused():
    from riskstats._jit import accelerator_present

    if accelerator_present():
        pytest.skip("an accelerator is there")
    with pytest.raises(InvalidInput, match="JAX sees no accelerator"):
        bnb.solve(planted(), SolveOptions(device="gpu"))
