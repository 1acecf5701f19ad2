import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstats.bounds.multiple_testing import (
    bonferroni,
    design_delta,
    fixed_sequence,
    holm,
    procedure_name,
    sequential_graphical,
)
from riskstats.exceptions import InvalidInput

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "control.json").read_text(encoding="utf-8"))
REJECTED = [record for record in GOLDEN["values"] if record["quantity"] == "rejected"]
P = [0.0001, 0.3, 0.012, 0.004, 0.049, 0.0009, 0.2, 0.02, 0.0031, 0.7]

some_p_values = st.lists(
    st.one_of(st.floats(0, 1), st.floats(0, 0.02), st.sampled_from([0.0, 0.005, 0.05, 1.0])),
    min_size=1,
    max_size=12,
)


def plain_graph(p, weights, transitions, delta, rng):
    """The textbook update, loop by loop, rejecting in a random order."""
    m = len(p)
    w, g, open_ = list(weights), [list(row) for row in transitions], set(range(m))
    while ready := [j for j in sorted(open_) if w[j] > 0 and p[j] <= w[j] * delta]:
        j = ready[rng.integers(len(ready))]
        open_.discard(j)
        new = [[0.0] * m for _ in range(m)]
        for k in open_:
            w[k] += w[j] * g[j][k]
            for l in open_ - {k}:
                rest = 1 - g[k][j] * g[j][k]
                new[k][l] = (g[k][l] + g[k][j] * g[j][l]) / rest if rest > 0 else 0.0
        g, w[j] = new, 0.0
    return sorted(set(range(m)) - open_)


def random_graph(rng, m):
    transitions = rng.random((m, m)) * (rng.random((m, m)) < 0.6)
    np.fill_diagonal(transitions, 0.0)
    sums = np.maximum(transitions.sum(axis=1, keepdims=True), 1e-300)
    return rng.dirichlet(np.ones(m)), transitions / sums * rng.choice([1.0, 0.7], size=(m, 1))


def uniform_graph(m):
    return sequential_graphical(
        weights=np.full(m, 1 / m), transitions=(1 - np.eye(m)) / max(m - 1, 1) if m > 1 else np.zeros((1, 1))
    )


@pytest.mark.parametrize("record", REJECTED, ids=lambda record: record["method"])
def test_golden_rejections(record):
    m = len(record["p_values"])
    procedures = {"bonferroni": bonferroni, "holm": holm, "fixed_sequence": fixed_sequence(order=range(m))}
    found = procedures[record["method"]](record["p_values"], 1 - record["delta"])
    assert found.tolist() == record["value"]


@given(some_p_values, st.sampled_from([0.8, 0.95, 0.999]))
def test_holm_rejects_all_that_bonferroni_does(p, level):
    assert set(bonferroni(p, level)) <= set(holm(p, level))


def test_holm_rejects_more():
    assert bonferroni([0.02, 0.03]).tolist() == [0]
    assert holm([0.02, 0.03]).tolist() == [0, 1]


@given(some_p_values)
def test_holm_by_its_definition(p):
    rejected, left = [], sorted(range(len(p)), key=lambda j: (p[j], j))
    while left and p[left[0]] <= (1 - 0.95) / len(left):
        rejected.append(left.pop(0))
    assert holm(p).tolist() == sorted(rejected)


@given(some_p_values)
def test_graph_with_equal_shares_is_holm(p):
    p = [value * (1 + 1e-9) for value in p if value * (1 + 1e-9) <= 1] or [1.0]  # off the exact thresholds
    assert uniform_graph(len(p))(p).tolist() == holm(p).tolist()


@given(some_p_values, st.randoms())
def test_chain_is_a_fixed_sequence(p, random):
    m = len(p)
    order = list(range(m))
    random.shuffle(order)
    weights, transitions = np.zeros(m), np.zeros((m, m))
    weights[order[0]] = 1.0
    for this, following in itertools.pairwise(order):
        transitions[this, following] = 1.0
    chain = sequential_graphical(weights=weights, transitions=transitions)
    assert chain(p).tolist() == fixed_sequence(order=order)(p).tolist()


@pytest.mark.parametrize("m", [2, 3, 5, 8])
def test_order_of_rejections_does_not_matter(rng, m):
    sizes = set()
    for _ in range(60):
        weights, transitions = random_graph(rng, m)
        p = rng.random(m) ** 4 * 0.1
        found = sequential_graphical(weights=weights, transitions=transitions)(p).tolist()
        assert found == plain_graph(p, weights, transitions, 0.05, rng)
        shuffle = rng.permutation(m)
        moved = sequential_graphical(
            weights=weights[shuffle], transitions=transitions[np.ix_(shuffle, shuffle)]
        )(p[shuffle])
        assert sorted(shuffle[moved].tolist()) == found
        sizes.add(len(found))
    assert len(sizes) > 2


@pytest.mark.parametrize(
    "procedure", [bonferroni, holm, fixed_sequence(order=[0]), uniform_graph(1)], ids=procedure_name
)
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_one_candidate_is_the_plain_test(procedure, level):
    delta = 1 - level
    assert procedure([delta], level).tolist() == [0]
    assert procedure([delta * (1 + 1e-12)], level).tolist() == []


def test_starts_share_the_error():
    two = fixed_sequence(order=range(10), starts=2)
    assert two(P).tolist() == [0, 5]
    assert fixed_sequence(order=[4, 0, 3])(P).tolist() == [0, 3, 4]
    assert fixed_sequence(order=[4, 0, 3, 5], starts=2)(P).tolist() == [3, 5]  # .049 > .05 / 2
    assert two.first_level(0.05, 10) == 0.025


def test_sequence_leaves_out_what_its_order_leaves_out():
    assert fixed_sequence(order=[5])(P).tolist() == [5]


def test_ties_and_ends():
    assert holm([0.0, 0.0, 1.0]).tolist() == [0, 1]
    assert bonferroni(np.full(4, 0.0125)).tolist() == [0, 1, 2, 3]
    assert bonferroni(np.full(4, 0.0126)).tolist() == []


def test_first_threshold():
    assert design_delta(holm, 0.05, 10) == 0.005
    assert design_delta(uniform_graph(4), 0.05, 4) == 0.0125
    assert design_delta(fixed_sequence(order=[1, 0]), 0.05, 10) == 0.05
    assert design_delta(fixed_sequence(order=[1, 0], starts=2), 0.05, 10) == 0.025
    own = fixed_sequence(order=[0])
    assert design_delta(lambda p, level: own(p, level), 0.05, 5) == 0.01


def test_procedures_are_frozen_values():
    assert fixed_sequence(order=[1, 0]) == fixed_sequence(order=np.array([1, 0]))
    assert hash(uniform_graph(3)) == hash(uniform_graph(3))
    with pytest.raises(AttributeError):
        fixed_sequence(order=[0]).starts = 2
    assert procedure_name(holm) == "holm"
    assert procedure_name(fixed_sequence(order=[0, 1], starts=2)) == "fixed_sequence with 2 starts"


def test_shares_above_one_by_rounding_alone_are_scaled_back():
    weights = np.full(3, 1 / 3 + 1e-12)
    graph = sequential_graphical(weights=weights, transitions=np.zeros((3, 3)))
    assert sum(graph.weights) <= 1 + 1e-15


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fixed_sequence(),
            r"`fixed_sequence` needs `order=` chosen without these losses; got None\.",
        ),
        (lambda: fixed_sequence(order=[0, 1, 0]), "`order` names candidate 0 more than once"),
        (lambda: fixed_sequence(order=[]), "`order` is empty"),
        (lambda: fixed_sequence(order="abc"), "`order` must be indices"),
        (lambda: fixed_sequence(order=[0.5]), "`order` must be an integer"),
        (lambda: fixed_sequence(order=[-1]), "`order` must be an integer >= 0"),
        (lambda: fixed_sequence(order=[0, 1], starts=3), "`starts` must be at most the length"),
        (lambda: fixed_sequence(order=[0, 9])([0.1, 0.2]), "candidate 9; there are 2"),
        (
            lambda: sequential_graphical(
                weights=[0.5, 0.25, 0.25], transitions=[[0, 1, 0], [0, 0, 1], [0.9, 0.4, 0]]
            ),
            r"`transitions` row 2 sums to 1\.3, above 1\.",
        ),
        (
            lambda: sequential_graphical(weights=[0.7, 0.7], transitions=np.zeros((2, 2))),
            r"`weights` sums to 1\.4, above 1\.",
        ),
        (lambda: sequential_graphical(weights=[1.0], transitions=[[0.1]]), "zero diagonal"),
        (lambda: sequential_graphical(weights=[-0.1, 1], transitions=np.zeros((2, 2))), ">= 0; got -0.1"),
        (lambda: sequential_graphical(weights=[1.0], transitions=[[np.nan]]), "zero diagonal"),
        (lambda: sequential_graphical(weights=[1, 0], transitions=[[0, np.nan], [0, 0]]), "finite"),
        (lambda: sequential_graphical(weights=[1, 0], transitions=[[0]]), r"shape \(2, 2\)"),
        (lambda: sequential_graphical(weights=[1], transitions="x"), "matrix of numbers"),
        (lambda: uniform_graph(3)([0.1]), "3 hypotheses; got 1"),
        (lambda: holm([0.1, 1.2]), r"`p_values` must lie in \[0, 1\]; got 1\.2 at 1"),
        (lambda: holm([0.1, np.nan]), "`p_values` has 1 NaN"),
        (lambda: bonferroni([]), "`p_values` is empty"),
        (lambda: holm([0.1], 0.05), "Did you mean 0.95"),
    ],
)
def test_messages(call, message):
    with pytest.raises(InvalidInput, match=message):
        call()
