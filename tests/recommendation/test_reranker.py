import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import linprog
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from sklearn_tsrec import PanelTimeSeriesSplit, as_panel
from sklearn_tsrec.metrics import (
    evaluate_recommender,
    exposure_ratio,
    intra_list_diversity,
    mean_popularity_percentile,
    ndcg_scorer,
)
from sklearn_tsrec.recommendation import (
    ItemKNNClassifier,
    PersonalFrequencyClassifier,
    ReRanker,
    SequenceRecommender,
)
from sklearn_tsrec.recommendation._rerank import choose, place_values

ITEMS = [f"i{j:02d}" for j in range(20)]
K = 5


@pytest.fixture(scope="module")
def log():
    """Forty users and twenty items, the first ones popular; makers A (12 items), B (6), C (2)."""
    rng = np.random.default_rng(0)
    taste = rng.dirichlet(4 / np.arange(1.0, 21), 40)
    rows = [(u, d, ITEMS[rng.choice(20, p=taste[u])]) for u in range(40) for d in range(25)]
    rows += [(0, 30 + j, item) for j, item in enumerate(ITEMS)]
    X, y = as_panel(
        pd.DataFrame(rows, columns=["user", "day", "item"]),
        group="user", time="day", target="item",
    )  # fmt: skip
    features = pd.DataFrame(
        {
            "maker": ["A"] * 12 + ["B"] * 6 + ["C"] * 2,
            "kind": rng.choice(list("xyz"), 20),
            "size": rng.random(20),
        },
        index=ITEMS,
    )
    return X, y, features.sample(frac=1, random_state=0)


RECOMMENDER = SequenceRecommender(PersonalFrequencyClassifier(2.0))


def rerank(log, **options):
    X, y, features = log
    options = {"item_features": features, "attribute": "maker"} | options
    return ReRanker(RECOMMENDER, **options).fit(X, y)


def slow_list(scores, items, features, popularity, k, diversity, penalty, most):
    """Fill one list, place after place."""
    span = max(scores) - min(scores)
    relevance = [1 - (max(scores) - s) / span if span else 1.0 for s in scores]
    numbers = pd.get_dummies(features[["maker", "kind"]]).astype(float).join(features["size"])
    unit = numbers.div(np.sqrt((numbers**2).sum(axis=1)), axis=0)
    chosen = []
    while len(chosen) < k:
        best = None
        for item, value in zip(items, relevance):
            same = [c for c in chosen if features.maker[c] == features.maker[item]]
            if item in chosen or len(same) >= most:
                continue
            value = (1 - diversity) * (value - penalty * popularity[item])
            if chosen:
                value -= diversity * max(unit.loc[item] @ unit.loc[c] for c in chosen)
            if best is None or value > best[0]:
                best = value, item
        if best is None:
            return chosen
        chosen.append(best[1])
    return chosen


@pytest.mark.parametrize(
    ("diversity", "penalty", "most"),
    [(0.0, 0.0, 2), (0.4, 0.0, None), (1.0, 0.0, None), (0.0, 0.7, None), (0.3, 0.5, 1)],
)
def test_lists_equal_a_slow_greedy_reference(log, diversity, penalty, most):
    _, y, features = log
    reranker = rerank(
        log, diversity=diversity, popularity_penalty=penalty, max_per_attribute=most,
        n_candidates=12,
    )  # fmt: skip
    had = y.groupby(y).apply(lambda part: part.index.get_level_values("user").nunique())
    popularity = (had.rank() - 1) / (len(had) - 1)
    candidates = reranker.recommender_.recommend(k=12)
    lists = reranker.recommend(k=K)
    for user, part in candidates[candidates["user"] < 12].groupby("user"):
        expected = slow_list(
            part["score"].tolist(), part["item"].tolist(), features, popularity, K, diversity,
            penalty, most or K,
        )  # fmt: skip
        got = lists[lists["user"] == user]
        assert got["item"].tolist() == expected
        assert got["rank"].tolist() == list(range(1, len(expected) + 1))
        scores = part.set_index("item")["score"]
        np.testing.assert_array_equal(got["score"], scores[got["item"]])


def test_nothing_asked_is_nothing_changed(log):
    X, y, _ = log
    plain = RECOMMENDER.fit(X, y)
    reranker = ReRanker(RECOMMENDER).fit(X, y)
    pd.testing.assert_frame_equal(reranker.recommend(k=K), plain.recommend(k=K))
    pd.testing.assert_frame_equal(
        reranker.recommend([3, 99], k=30, exclude_seen=True),
        plain.recommend([3, 99], k=30, exclude_seen=True),
    )
    np.testing.assert_array_equal(reranker.predict(X), plain.predict(X))
    np.testing.assert_array_equal(reranker.predict_proba(X[:9]), plain.predict_proba(X[:9]))


def test_each_part_moves_its_own_figure(log):
    _, y, features = log
    plain = rerank(log).recommend(k=K)
    diverse = rerank(log, diversity=0.5).recommend(k=K)
    numbers = pd.get_dummies(features[["maker", "kind"]]).astype(float).join(features["size"])
    describe = {"items": features.index, "features": numbers.to_numpy(), "k": K}
    assert intra_list_diversity(diverse, **describe) > intra_list_diversity(plain, **describe) + 0.1
    niche = rerank(log, popularity_penalty=0.5).recommend(k=K)
    known = {"y_train": y, "k": K}
    assert (
        mean_popularity_percentile(niche, **known)
        < mean_popularity_percentile(plain, **known) - 0.1
    )


@pytest.mark.parametrize("bound", [0.3, 0.6, 0.9])
def test_the_exposure_bound_holds(log, bound):
    _, _, features = log
    maker = features["maker"]
    assert exposure_ratio(rerank(log).recommend(k=K), attribute=maker, k=K) < 0.3
    lists = rerank(log, min_exposure_ratio=bound).recommend(k=K)
    assert bound <= exposure_ratio(lists, attribute=maker, k=K) < bound + 0.08
    assert not lists.duplicated(["user", "item"]).any()


def test_equal_lists_take_turns_to_be_fair(log):
    X, y, features = log
    popular = SequenceRecommender(DummyClassifier(strategy="prior"), window=1)
    reranker = ReRanker(
        popular, item_features=features, attribute="maker", min_exposure_ratio=0.8
    ).fit(X, y)
    lists = reranker.recommend(k=K)
    assert exposure_ratio(lists, attribute=features["maker"], k=K) >= 0.8
    assert lists.groupby("user")["item"].agg(tuple).nunique() > 1
    pd.testing.assert_frame_equal(lists, reranker.recommend(k=K))


def test_fair_lists_lose_little_more_than_the_best_fair_lists():
    """The best mixture of lists under the bound is a linear program (Singh and Joachims 2018)."""
    rng = np.random.default_rng(1)
    n, m, k, bound = 120, 6, 3, 0.95
    items = np.tile(np.arange(m), (n, 1))
    value = rng.random((n, m)) * np.array([1, 1, 1, 0.8, 0.4, 0.3])
    group, size = np.array([0, 0, 0, 1, 1, 2]), np.array([3, 2, 1])
    given = sparse.csr_array((m, 0)), 0.0, group, size, k
    chosen, ratio = choose(items, value, k, *given, bound, np.random.RandomState(0))
    worth = place_values(k)
    utility = (np.take_along_axis(value, chosen, axis=1) * worth).sum()
    assert ratio >= bound

    # Variables: the share of list l that has item i at place r; last, the largest exposure.
    gain = (value[:, :, None] * worth).ravel()
    label = np.broadcast_to(group[None, :, None], (n, m, k)).ravel()
    place = np.broadcast_to(worth, (n, m, k)).ravel()
    each = np.array([np.where(label == g, place / size[g], 0) for g in range(3)])
    cell = np.arange(n * m * k).reshape(n, m, k)
    item_once = sparse.lil_array((n * m, n * m * k + 1))
    for row, cells in enumerate(cell.reshape(-1, k)):
        item_once[row, cells] = 1
    place_filled = sparse.lil_array((n * k, n * m * k + 1))
    for row, cells in enumerate(cell.transpose(0, 2, 1).reshape(-1, m)):
        place_filled[row, cells] = 1
    bounds = np.vstack([np.c_[each, -np.ones(3)], np.c_[-each, np.full(3, bound)]])
    solution = linprog(
        -np.append(gain, 0),
        sparse.vstack([sparse.csr_array(bounds), item_once]), np.r_[np.zeros(6), np.ones(n * m)],
        place_filled, np.ones(n * k),
    )  # fmt: skip
    unfair = (np.sort(value, axis=1)[:, : m - k - 1 : -1] * worth).sum()
    cost = unfair + solution.fun
    assert cost > 0.05 * unfair
    assert cost <= unfair - utility < 1.15 * cost


def test_grid_search_over_diversity(log):
    X, y, features = log
    early = X.index.get_level_values("day") < 25
    X, y = X[early], y[early]
    search = GridSearchCV(
        ReRanker(SequenceRecommender(ItemKNNClassifier()), item_features=features),
        {"diversity": [0.0, 1.0], "recommender__window": [3, 10]},
        scoring=ndcg_scorer(k=K),
        cv=PanelTimeSeriesSplit(1, horizon=8, freq=None),
    ).fit(X, y)
    assert search.best_params_["diversity"] == 0.0
    table = evaluate_recommender(search.best_estimator_, X, y, y_train=y, k=K)
    assert table["value"].notna().all()


def test_keys_in_columns(log):
    X, y, features = log
    options = {"item_features": features, "attribute": "maker", "max_per_attribute": 2}
    inner = SequenceRecommender(PersonalFrequencyClassifier(2.0), group="user", time="day")
    columns = ReRanker(inner, **options).fit(X.index.to_frame(index=False), y.to_numpy())
    expected = ReRanker(RECOMMENDER, **options).fit(X, y).recommend(k=K)
    pd.testing.assert_frame_equal(columns.recommend(k=K), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"diversity": 1.5}, "'diversity' parameter"),
        ({"diversity": 0.5, "item_features": None, "attribute": None}, "needs item_features="),
        ({"max_per_attribute": 1, "attribute": None}, "max_per_attribute=1 needs attribute="),
        ({"min_exposure_ratio": 0.5, "attribute": None}, "min_exposure_ratio=0.5 needs attribute="),
        ({"attribute": "color"}, "attribute='color' is no column of item_features"),
    ],
)
def test_bad_parameters_are_named(log, options, message):
    with pytest.raises(ValueError, match=message):
        rerank(log, **options)


def test_an_exposure_that_cannot_be_reached_raises(log):
    _, _, features = log
    with pytest.raises(ValueError, match="item_features lacks 1 of 20 items, such as i07"):
        rerank(log, item_features=features.drop(index="i07"))
    with pytest.raises(ValueError, match="k must be an integer"):
        rerank(log).recommend(k=0)
    reranker = rerank(log, min_exposure_ratio=0.9, n_candidates=K)
    with pytest.raises(
        ValueError, match=r"cannot be reached with 5 candidates .* Raise n_candidates"
    ):
        reranker.recommend(k=K)


def test_items_that_training_never_had(log):
    X, y, features = log
    more = pd.concat([features, features.loc[["i00"]].rename({"i00": "new"})])
    inner = SequenceRecommender(ItemKNNClassifier(), item_features=more)
    reranker = ReRanker(
        inner, item_features=more, attribute="maker", diversity=0.2, n_candidates=21
    ).fit(X, y)
    assert reranker.predict_proba(X[:3]).shape == (3, len(reranker.classes_))
    assert set(reranker.items_) - set(reranker.classes_) == {"new"}
    assert "new" in set(reranker.recommend(k=21)["item"])
