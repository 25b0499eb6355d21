from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_tsrec import metrics

rng = np.random.default_rng(0)
ITEMS = np.array([f"i{j}" for j in range(12)])
LISTS = pd.DataFrame(
    [
        (u, r, ITEMS[j])
        for u in range(9)
        for r, j in enumerate(rng.choice(10, rng.integers(1, 6), replace=False), 1)
    ],
    columns=["user", "rank", "item"],
).sample(frac=1, random_state=0)
TRAIN = pd.DataFrame({"user": rng.integers(0, 6, 40), "item": ITEMS[rng.integers(0, 8, 40)]})
TOP = LISTS[LISTS["rank"] <= 3]


def test_coverage_and_gini_equal_loops():
    count = np.array([(TOP.item == item).sum() for item in ITEMS])
    coverage = metrics.catalog_coverage(LISTS, items=ITEMS, k=3)
    assert coverage == pytest.approx(np.mean(count > 0))
    gini = np.abs(count[:, None] - count).sum() / (2 * len(count) ** 2 * count.mean())
    assert metrics.gini_index(LISTS, items=ITEMS, k=3) == pytest.approx(gini)


def test_novelty_and_popularity_equal_loops():
    had = TRAIN.groupby("item").user.nunique()
    bits = [-np.log2(had.get(item, 1) / TRAIN.user.nunique()) for item in TOP.item]
    expected = pd.Series(bits).groupby(TOP.user.to_numpy()).mean()
    got = metrics.novelty(LISTS, y_train=TRAIN, k=3, average=None)
    pd.testing.assert_series_equal(got, expected, check_names=False)
    rank = {
        item: (sum(had < n) + 0.5 * (sum(had == n) - 1)) / (len(had) - 1) for item, n in had.items()
    }
    expected = (
        pd.Series([rank.get(i, 0.0) for i in TOP.item]).groupby(TOP.user.to_numpy()).mean().mean()
    )
    got = metrics.mean_popularity_percentile(LISTS, y_train=TRAIN, k=3)
    assert got == pytest.approx(expected)


@pytest.mark.parametrize("as_matrix", [np.asarray, sparse.csr_matrix])
def test_diversity_equals_a_loop_over_pairs(as_matrix):
    features = rng.random((12, 4)) * (rng.random((12, 4)) < 0.6)
    features[3] = 0

    def cosine(i, j):
        a, b = features[i], features[j]
        size = np.linalg.norm(a) * np.linalg.norm(b)
        return a @ b / size if size else 0.0

    expected = {}
    for user, top in TOP.groupby("user"):
        pairs = list(combinations([list(ITEMS).index(i) for i in top.item], 2))
        expected[user] = np.mean([1 - cosine(*p) for p in pairs]) if pairs else 0.0
    got = metrics.intra_list_diversity(
        LISTS, items=ITEMS, features=as_matrix(features), k=3, average=None
    )
    assert got.to_dict() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.catalog_coverage(LISTS, items=["i0"]), "does not name"),
        (lambda: metrics.gini_index(LISTS, items=["i0", "i0"]), "names an item twice"),
        (
            lambda: metrics.intra_list_diversity(LISTS, items=ITEMS, features=np.ones((3, 2))),
            "3 rows for 12 items",
        ),
        (lambda: metrics.novelty(LISTS, y_train=TRAIN[:0]), "y_train is empty"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
