import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_tsrec import metrics


def slow_reference(relevant, recommended, k):
    """All metrics of one user, from a set and a list."""
    recommended = list(dict.fromkeys(recommended[:k]))
    hits = [i for i, item in enumerate(recommended, 1) if item in relevant]
    ideal = sum(1 / np.log2(i + 1) for i in range(1, min(k, len(relevant)) + 1))
    return {
        "ndcg_at_k": sum(1 / np.log2(i + 1) for i in hits) / ideal,
        "recall_at_k": len(hits) / len(relevant),
        "precision_at_k": len(hits) / k,
        "mean_average_precision_at_k": sum(n / i for n, i in enumerate(hits, 1))
        / min(k, len(relevant)),
        "mean_reciprocal_rank_at_k": 1 / hits[0] if hits else 0.0,
        "hit_rate_at_k": float(bool(hits)),
    }


@given(data=st.data(), k=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_equals_a_slow_reference_on_any_tables(data, k, seed):
    item = st.integers(0, 6)
    true = data.draw(
        st.dictionaries(st.integers(0, 5), st.lists(item, min_size=1, max_size=5), min_size=1)
    )
    lists = data.draw(st.dictionaries(st.integers(0, 7), st.lists(item, max_size=6, unique=True)))
    lists.setdefault(next(iter(true)), [0])
    if not lists[next(iter(true))]:
        lists[next(iter(true))] = [1]
    y_true = pd.DataFrame(
        [(u, i) for u, items in true.items() for i in items], columns=["user", "item"]
    ).sample(frac=1, random_state=seed)
    y_pred = pd.DataFrame(
        [(u, r, i) for u, items in lists.items() for r, i in enumerate(items, 1)],
        columns=["user", "rank", "item"],
    ).sample(frac=1, random_state=seed)
    expected = pd.DataFrame(
        {u: slow_reference(set(items), lists.get(u, []), k) for u, items in true.items()}
    ).T.sort_index()
    for name in expected:
        metric = getattr(metrics, name)
        got = metric(y_true, y_pred, k=k, average=None)
        pd.testing.assert_series_equal(got, expected[name], check_names=False)
        assert metric(y_true, y_pred, k=k) == pytest.approx(expected[name].mean())


def test_keyed_items_and_several_group_columns():
    index = pd.MultiIndex.from_tuples(
        [("x", 1, 10), ("x", 1, 11), ("y", 2, 10)], names=["shop", "user", "time"]
    )
    y_true = pd.Series(["tea", "rice", "milk"], index)
    y_pred = pd.DataFrame(
        {"shop": ["x", "y"], "user": [1, 2], "rank": [1, 1], "item": ["tea", "tea"], "score": 0.5}
    )
    got = metrics.recall_at_k(y_true, y_pred, k=3, average=None)
    assert got.to_dict() == {("x", 1): 0.5, ("y", 2): 0.0}


def test_an_item_listed_twice_is_found_once_at_its_better_rank():
    y_true = pd.DataFrame({"user": [1, 1], "item": ["tea", "rice"]})
    y_pred = pd.DataFrame({"user": 1, "rank": [3, 2, 1], "item": ["tea", "tea", "eggs"]})
    assert metrics.recall_at_k(y_true, y_pred, k=3) == 0.5
    assert metrics.mean_reciprocal_rank_at_k(y_true, y_pred, k=3) == 0.5


def test_unseen_items_and_users_without_list_count_as_zero():
    y_true = pd.DataFrame({"user": [1, 2], "item": ["new", "tea"]})
    y_pred = pd.DataFrame({"user": [1, 1], "rank": [1, 2], "item": ["tea", "rice"]})
    assert metrics.ndcg_at_k(y_true, y_pred, average=None).to_dict() == {1: 0.0, 2: 0.0}


TRUE = pd.DataFrame({"user": [1], "item": ["tea"]})
LISTS = pd.DataFrame({"user": [1], "rank": [1], "item": ["tea"]})


@pytest.mark.parametrize(
    ("y_true", "y_pred", "options", "message"),
    [
        (TRUE, LISTS, {"k": 0}, "k must be"),
        (TRUE, LISTS, {"k": True}, "k must be"),
        (TRUE, LISTS, {"average": "samples"}, "average must be"),
        (TRUE, LISTS.drop(columns="rank"), {}, "must be a DataFrame"),
        (TRUE, LISTS.drop(columns="user"), {}, "no group column"),
        (TRUE, LISTS[:0], {}, "y_pred is empty"),
        (TRUE, LISTS.assign(rank=0), {}, "start at 1"),
        (TRUE, LISTS.assign(rank=1.5), {}, "must be integers"),
        (TRUE, LISTS.assign(item=None), {}, "missing"),
        (TRUE, pd.concat([LISTS, LISTS]), {}, "equal rank"),
        (TRUE, LISTS.assign(user="one"), {}, "No group of y_pred occurs in y_true"),
        (TRUE.rename(columns={"user": "u"}), LISTS, {}, r"columns \['user', 'item'\]"),
        (TRUE[:0], LISTS, {}, "y_true is empty"),
        (TRUE.assign(item=None), LISTS, {}, "missing"),
    ],
)
def test_bad_input_is_named(y_true, y_pred, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        metrics.ndcg_at_k(y_true, y_pred, **options)
