from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from sklearn_tsrec.recommendation import KnowledgeGraphFeatures

FACTS = [
    ("tea", "is", "drink"),
    ("coffee", "is", "drink"),
    ("milk", "is", "drink"),
    ("milk", "from", "farm"),
    ("eggs", "from", "farm"),
    ("farm", "in", "kent"),
    ("tea", "is", "drink"),
]
ITEMS = pd.DataFrame({"price": 1.0, "item": ["tea", "milk", "kent", "salt"]})


def features(facts=FACTS, **params):
    graph = KnowledgeGraphFeatures(facts, item="item", **params).set_output(transform="pandas")
    return graph.fit_transform(ITEMS).set_index(ITEMS["item"]), graph


def test_facts_and_hops_are_counted_by_hand():
    table, graph = features()
    assert graph.relations_.tolist() == ["from", "in", "is"]
    counts = table[["from__count", "in__count", "is__count", "hop2__count"]]
    # tea - drink - {coffee, milk}; milk - drink, farm - {tea, coffee, eggs, kent}.
    expected = [[0, 0, 1, 2], [1, 0, 1, 4], [0, 1, 0, 2], [0, 0, 0, 0]]
    np.testing.assert_array_equal(counts, expected)
    assert "hop2__count" not in features(hops=1)[0]


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_coordinates_keep_the_inner_products_of_a_slow_reference(hops):
    _, graph = features(hops=hops, n_components=100)
    names = graph.entities_.tolist()
    facts = sorted(set(FACTS))
    said = {name: {} for name in names}
    for head, relation, tail in facts:
        said[head][relation, "to", tail] = 1
        said[tail][relation, "of", head] = 1
    columns = sorted({c for row in said.values() for c in row})
    B = np.array([[float(c in said[name]) for c in columns] for name in names])
    B *= np.log1p(len(names) / B.sum(axis=0))
    B /= np.linalg.norm(B, axis=1, keepdims=True)
    near = np.array(
        [[float(any({a, b} == {h, t} for h, _, t in facts)) for b in names] for a in names]
    )
    step = near / near.sum(axis=1, keepdims=True)
    total = sum(0.5**hop * np.linalg.matrix_power(step, hop) @ B for hop in range(hops))
    E = graph.embedding_
    np.testing.assert_allclose(E @ E.T, total @ total.T, atol=1e-9)


def test_items_with_facts_in_common_are_near():
    _, graph = features(n_components=3)
    near = pd.DataFrame(
        cosine_similarity(graph.embedding_), index=graph.entities_, columns=graph.entities_
    )
    assert near.loc["tea", "coffee"] > 0.99
    assert near.loc["tea", "coffee"] > near.loc["tea", "milk"] > near.loc["tea", "eggs"]


def test_unknown_items_are_zero_and_arrays_and_numbers_work():
    table, _ = features()
    assert (table.loc["salt"] == 0).all()
    facts = np.array([[1, 0, 7], [2, 0, 7], [3, 1, 7]])
    graph = KnowledgeGraphFeatures(facts, n_components=2).fit(np.array([[1.0], [9.0]]))
    out = graph.transform(np.array([[1.0], [9.0]]))
    assert out[0, 0] == 1
    assert (out[1] == 0).all()
    assert graph.get_feature_names_out().tolist() == [
        "0__count", "1__count", "hop2__count", "graph0", "graph1"
    ]  # fmt: skip


@given(st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_order_of_facts_changes_no_bit(random):
    table, graph = features()
    facts = list(FACTS)
    random.shuffle(facts)
    other, same = features(facts)
    pd.testing.assert_frame_equal(other, table, check_exact=True)
    assert same.entities_.tolist() == graph.entities_.tolist() == sorted(graph.entities_)


def test_graphs_with_a_symmetry_have_coordinates_of_their_own():
    """Items of a kind, and the three kinds, can be swapped for each other."""
    close = partial(np.testing.assert_allclose, atol=2e-10)
    facts = [(f"item{j:02}", "is", f"kind{j % 3}") for j in range(12)]
    apart = KnowledgeGraphFeatures(facts, n_components=3).fit([["item00"]])
    E = pd.DataFrame(apart.embedding_, apart.entities_)
    for j in range(12):  # no kind has to do with another one
        close(E.loc[f"item{j:02}"], E.loc["item00", 0] * np.eye(3)[j % 3])

    facts += [(f"kind{j}", "in", "world") for j in range(3)]
    with pytest.warns(UserWarning, match="n_components=2 would part .*: 1 are kept"):
        one = KnowledgeGraphFeatures(facts, n_components=2).fit([["item00"]])
    graph = KnowledgeGraphFeatures(facts, n_components=3).fit([["item00"]])
    close(one.embedding_, graph.embedding_[:, :1])
    E = pd.DataFrame(graph.embedding_, graph.entities_)
    close(*np.linalg.norm(E, axis=0)[1:])
    # Of equals the first decides: the second coordinate is its own, and the third the next one's.
    assert E.loc["item00", 1] > 0.5
    close(E.loc[["item00", "item03"], 2], 0)
    close(E.loc["item03"], E.loc["item00"])
    close(E.loc[["item01", "item02"], 1], -E.loc["item00", 1] / 2)
    assert E.loc["item01", 2] > 0.4
    close(E.loc["item02", 2], -E.loc["item01", 2])
    again = KnowledgeGraphFeatures(facts[::-1], n_components=3).fit([["item00"]])
    np.testing.assert_array_equal(again.embedding_, graph.embedding_)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (None, "triples=None: give the facts"),
        ([("a", "b")], r"triples has shape \(1, 2\)"),
        ([], r"triples has shape \(0, 0\)"),
        ([("a", "is", None)], "misses a part of the fact in row 0"),
    ],
)
def test_bad_triples(facts, message):
    with pytest.raises(ValueError, match=message):
        features(facts)


def test_bad_parameters():
    with pytest.raises(ValueError, match="unknown column 'thing'"):
        KnowledgeGraphFeatures(FACTS, item="thing").fit(ITEMS)
    with pytest.raises(ValueError, match="The 'hops' parameter"):
        KnowledgeGraphFeatures(FACTS, hops=0).fit(ITEMS)
