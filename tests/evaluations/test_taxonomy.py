"""Taxonomies: acyclic, and a roll-up that conserves counts whatever the graph and the labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstats.evaluations.roll_up import UNMAPPED, roll_up
from riskstats.evaluations.table import OutcomeTable
from riskstats.evaluations.taxonomy import Edge, Taxonomy, category_shares
from riskstats.exceptions import InvalidInput
from tests.evaluations.outcomes import rows


@st.composite
def graphs(draw):
    """A random acyclic graph, and cells of one to three of its nodes with or without shares."""
    n = draw(st.integers(2, 12))
    edges = []
    for child in range(1, n):
        parents = draw(st.lists(st.integers(0, child - 1), unique=True, max_size=3))
        edges += [
            Edge(
                f"n{child}",
                f"n{p}",
                draw(st.floats(0.1, 5)),
                draw(st.sampled_from(["exact", "close", "broad"])),
            )
            for p in parents
        ]
    tree = Taxonomy(tuple(edges), tuple(f"n{i}" for i in range(n)))
    cells = []
    for _ in range(draw(st.integers(1, 20))):
        nodes = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=3, unique=True))
        shares = draw(st.booleans())
        cells.append("; ".join(f"n{i}={draw(st.floats(0.1, 1))}" if shares else f"n{i}" for i in nodes))
    return tree, cells


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_counts_are_conserved_at_every_level(graph):
    tree, cells = graph
    found = roll_up(cells, tree)
    for level in range(1, tree.depth + 1):
        assert sum(rate.n for rate in found.at(level)) == pytest.approx(len(cells))
        assert all(tree.levels[rate.node] <= level for rate in found.at(level))
        assert all(-1e-12 <= rate.approximate <= 1 + 1e-12 for rate in found.at(level))
    assert {rate.node for rate in found.at(1)} <= set(tree.roots)


@settings(max_examples=40, deadline=None)
@given(graphs(), st.integers(0, 2**32 - 1))
def test_a_node_counts_what_walks_up_to_it(graph, seed):
    """The mass of a root equals that of random walks up, taken in expectation by recursion."""
    tree, cells = graph
    del seed

    def reach(node, root):
        if node == root:
            return 1.0
        above = tree.parents.get(node, [])
        total = sum(edge.weight for edge in above)
        return sum(edge.weight / total * reach(edge.parent, root) for edge in above)

    counted = {rate.node: rate.n for rate in roll_up(cells, tree).at(1)}
    for root in tree.roots:
        expected = sum(
            share * reach(node, root) for cell in cells for node, share in category_shares(cell).items()
        )
        assert counted.get(root, 0.0) == pytest.approx(expected, abs=1e-9)


def table(categories, losses, **more):
    columns = rows(len(categories)) | {"category": categories, "loss": losses, **more}
    return OutcomeTable.from_frame(columns)


def test_rates_of_a_tree_of_paths():
    found = roll_up(table(["a/x", "a/y", "b", "a/x"], [1.0, 0.0, 1.0, 0.0]))
    top = {rate.node: (rate.n, rate.loss, rate.rate) for rate in found.at(1)}
    assert top == {"a": (3.0, 1.0, pytest.approx(1 / 3)), "b": (1.0, 1.0, 1.0)}
    second = {rate.node: rate.n for rate in found.at(2)}
    assert second == {"b": 1.0, "a/x": 2.0, "a/y": 1.0}
    assert found.mapped == 1.0
    assert "100.0% mapped, 0.0% not" in found.summary()
    assert roll_up(table(["a/x"], [1.0]), level=1).rates[0].node == "a"


def test_several_labels_share_an_outcome_and_missing_losses_bound_the_rate():
    found = roll_up(table(["a; b", "a=0.25; b=0.75", "a"], [1.0, 0.0, None], status=["ok", "ok", "ungraded"]))
    rates = {rate.node: rate for rate in found.at(1)}
    assert rates["a"].n == pytest.approx(1.75)
    assert rates["a"].missing == pytest.approx(1.0)
    assert rates["a"].rate == pytest.approx(0.5 / 0.75)
    assert rates["a"].rate_best == pytest.approx(0.5 / 1.75)
    assert rates["a"].rate_worst == pytest.approx(1.5 / 1.75)
    assert rates["b"].rate == pytest.approx(0.5 / 1.25)


def test_weights_of_prompts_enter_the_rate_and_not_the_count():
    found = roll_up(table(["a", "a"], [1.0, 0.0], weight=[3.0, 1.0])).at(1)[0]
    assert (found.n, found.loss, found.rate) == (2.0, 1.0, 0.75)


def test_several_parents_and_approximate_matches():
    tree = Taxonomy.of({"x": {"a": 0.7, "b": {"weight": 0.3, "match": "close"}}, "y": "a"})
    found = {rate.node: rate for rate in roll_up(["x", "y"], tree).at(1)}
    assert found["a"].n == pytest.approx(1.7)
    assert found["b"].n == pytest.approx(0.3)
    assert (found["a"].approximate, found["b"].approximate) == (0.0, pytest.approx(1.0))


def test_unknown_categories_are_refused_or_shown():
    tree = Taxonomy.of({"L1/x": "L1"})
    outcomes = table(["L1/x", "L2/z", "L2/z", ""], [1.0, 0.0, 1.0, 1.0])
    with pytest.raises(InvalidInput, match=r"category `L2/z` is in no root of the taxonomy \(2 rows\)"):
        roll_up(outcomes, tree)
    found = roll_up(outcomes, tree, unmapped="keep")
    assert found.unmapped == pytest.approx(0.75)
    kept = {rate.node: rate.n for rate in found.at(1)}
    assert kept == {"L1": 1.0, UNMAPPED: 3.0}
    assert found.to_frame()["n"].sum() == pytest.approx(8.0)


def test_views_of_the_same_items():
    views = {"policy": Taxonomy.of({"x": "p", "y": "p"}), "region": Taxonomy.of({"x": "r1", "y": "r2"})}
    found = roll_up(table(["x", "y"], [1.0, 0.0]), views)
    assert [len(found[view].at(1)) for view in views] == [1, 2]


def test_bad_taxonomies():
    with pytest.raises(InvalidInput, match=r"cyclic: b -> c -> a -> b\. Remove"):
        Taxonomy.of({"a": "b", "b": "c", "c": "a"})
    with pytest.raises(InvalidInput, match="two edges from 'a' to 'b'"):
        Taxonomy((Edge("a", "b"), Edge("a", "b")))
    with pytest.raises(InvalidInput, match="must be one of 'exact', 'close', 'broad', 'narrow'; got 'same'"):
        Taxonomy.of({"a": {"b": "same"}})
    with pytest.raises(InvalidInput, match=r"weight of 'a' to 'b'"):
        Taxonomy.of({"a": {"b": -1}})
    with pytest.raises(InvalidInput, match="no nodes"):
        Taxonomy(())
    with pytest.raises(InvalidInput, match="gives some shares and not others"):
        category_shares("a=0.5; b")
    with pytest.raises(InvalidInput, match="`level` must be an integer from 1 to 2"):
        roll_up(["a"], Taxonomy.of({"a": "b"}), level=3)


def test_files(tmp_path):
    (tmp_path / "policy.json").write_text(
        '{"x": {"a": 1, "b": {"weight": 3, "match": "close"}}, "root": null}'
    )
    (tmp_path / "policy.csv").write_text("node,parent,weight,match\nx,a,1,\nx,b,3,close\nroot,,,\n")
    known = Taxonomy.read(tmp_path / "policy.json")
    assert known == Taxonomy.read(tmp_path / "policy.csv")
    assert known.name == "policy"
    assert set(known.roots) == {"a", "b", "root"}
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(InvalidInput, match="an object"):
        Taxonomy.read(tmp_path / "list.json")


def test_names_may_hold_an_equals_sign():
    assert category_shares("f(x)=y") == {"f(x)=y": 1.0}
    assert category_shares("") == {}


def test_large_taxonomies_are_fast(rng):
    """314 leaves, 20,000 outcomes: one pass over the rows."""
    leaves = [f"L1-{i % 16}/L2-{i % 45}/L3-{i}" for i in range(314)]
    found = roll_up(rng.choice(leaves, 20_000).tolist())
    assert sum(rate.n for rate in found.at(3)) == pytest.approx(20_000)
    assert np.isclose(sum(rate.n for rate in found.at(1)), 20_000)
