import collections
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_tsrec import (
    PanelTimeSeriesSplit,
    SequenceRecommender,
    WindowForecaster,
    _keys,
    as_panel,
)
from sklearn_tsrec.datasets import make_events
from sklearn_tsrec.metrics import ndcg_scorer
from sklearn_tsrec.recommendation import (
    ItemKNNClassifier,
    PersonalFrequencyClassifier,
    ReRanker,
    TwoStageRecommender,
)
from sklearn_tsrec.recommendation.two_stage._features import nest
from sklearn_tsrec.recommendation.two_stage._ranking import rows_at_origin

ALL = ["scores", "personal", "item", "trend", "context", "attributes", "columns", "demand"]
RETRIEVERS = [
    ("popular", SequenceRecommender(DummyClassifier(strategy="prior"), window=1)),
    ("own", SequenceRecommender(PersonalFrequencyClassifier(), window=20)),
]


def linear():
    """Return a fast ranker."""
    return make_pipeline(
        FunctionTransformer(np.nan_to_num), StandardScaler(), LogisticRegression(C=0.1)
    )


class Spy(RegressorMixin, BaseEstimator):
    """A ranker that keeps what it is given and scores rows by their first column."""

    def fit(self, X, y, group=None):
        self.X_, self.y_, self.group_ = X, y, group
        return self

    def predict(self, X):
        return X[:, 0]


class Wrong(ClassifierMixin, BaseEstimator):
    """A ranker that thinks the opposite of the first retriever."""

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        return self

    def decision_function(self, X):
        return -X[:, 0]

    def predict(self, X):
        return (X[:, 0] < 0).astype(int)


def log(rows):
    events = pd.DataFrame(rows, columns=["user", "day", "item"])
    return events[["user", "day"]], events["item"]


def keyed(ranker=None, **params):
    params = {"group": "user", "time": "day"} | params
    return TwoStageRecommender(RETRIEVERS, linear() if ranker is None else ranker, **params)


@pytest.fixture(scope="module")
def events():
    return make_events(60, 15, 900, repeat=0.6, random_state=0)


@pytest.fixture(scope="module")
def panel(events):
    return as_panel(events, group="user", time="time", target="item")


ROWS = st.lists(
    st.tuples(
        st.integers(0, 4), st.integers(0, 9), st.sampled_from("abcd"), st.floats(-2, 2, width=16)
    ),
    min_size=8,
    max_size=30,
)


def training_rows(rows, start):
    """Return the training rows at one origin, with every group of features."""
    table = pd.DataFrame(rows, columns=["user", "day", "item", "price"])
    X, y = table.drop(columns="item"), table["item"]
    recommender = TwoStageRecommender(
        RETRIEVERS,
        group="user",
        time="day",
        horizon=3,
        half_lives=[1, 4],
        features=ALL,
        columns=["price"],
        demand=WindowForecaster(window=1),
        item_features=pd.DataFrame(
            {"kind": ["x", "x", "y", None], "size": [1.0, 2.0, np.nan, 4.0]}, list("abcd")
        ),
    )
    maker = recommender._read_rows(X, y)
    tie = np.arange(len(recommender.classes_))
    return rows_at_origin(maker, RETRIEVERS, start, tie, [4, 4], False), maker.series


@settings(max_examples=40)
@given(ROWS, st.integers(2, 8), st.randoms(use_true_random=False))
def test_events_from_an_origin_on_change_no_feature_at_it(rows, start, random):
    # All items and users exist before, so that codes stay what they are; the same users have
    # something afterwards, so that the rows are of the same series.
    fixed = [(u, 0, "abcd"[u % 4], 0.0) for u in range(5)] + [(u, 9, "a", 0.0) for u in range(5)]
    fixed += [(u, start, "a", 0.0) for u in range(5)]
    other = [
        row if row[1] < start else (row[0], random.randrange(start, 10), random.choice("abcd"), 1.0)
        for row in rows
    ]
    other = [row for row in other if row[1] < start or random.random() < 0.7]
    one, _ = training_rows(rows + fixed, start)
    two, _ = training_rows(other + fixed, start)
    assert one.names == two.names
    assert {name.split("__")[-1] for name in one.names} >= {"rate", "demand", "share", "now"}
    np.testing.assert_array_equal(one.table, two.table)
    np.testing.assert_array_equal(one.scores, two.scores)


@settings(max_examples=40)
@given(ROWS, st.integers(2, 8))
def test_hits_are_the_items_of_each_series_in_the_period(rows, start):
    rows = [*rows, (0, 0, "a", 0.0), (1, start, "a", 0.0)]
    made, codes = training_rows(rows, start)
    inside = [(c, i) for c, (_, d, i, _) in zip(codes, rows) if start <= d < start + 3]
    happened = [{i for c, i in inside if c == series} for series in sorted({c for c, _ in inside})]
    np.testing.assert_array_equal(made.n_relevant, [len(items) for items in happened])
    known = {i for _, d, i, _ in rows if d < start}
    hits = np.bincount(made.key, made.hit, minlength=len(happened))
    np.testing.assert_array_equal(hits, [len(items & known) for items in happened])


def test_features_of_one_candidate():
    rows = [("a", 0, "tea"), ("a", 2, "tea"), ("b", 1, "milk"), ("a", 3, "milk"), ("b", 9, "tea")]
    rows += [("a", 6, "tea")]
    spy = keyed(Spy(), horizon=4, fallback=False, half_lives=[2], features=["personal", "context"])
    X, y = log(rows)
    spy = spy.fit(X, y)
    start = spy._now - 4
    names = dict(zip(spy.feature_names_, spy.ranker_.X_.T))
    # Of a and b only those who had something from day 5 on are there: both. Of each: milk, tea.
    np.testing.assert_array_equal(spy.ranker_.y_, [0, 1, 0, 1])
    np.testing.assert_allclose(names["n"], np.log([2, 3, 2, 1]), rtol=1e-6)
    np.testing.assert_allclose(names["share"], [1 / 3, 2 / 3, 1, 0])
    np.testing.assert_allclose(
        names["age"], [(start - 3) / 4, (start - 2) / 4, (start - 1) / 4, np.nan]
    )
    np.testing.assert_allclose(names["gap"], [np.nan, 0.5, np.nan, np.nan])
    np.testing.assert_allclose(names["due"][1], (start - 2) / 2)
    recent = 0.5 ** ((start - 2) / 2) * (1 + 0.5)
    np.testing.assert_allclose(names["recent0"][1], np.log1p(recent), rtol=1e-6)
    np.testing.assert_allclose(names["events"], np.log([4, 4, 2, 2]), rtol=1e-6)


def test_rate_is_smoothed_less_for_items_that_some_have_again_and_again():
    rows = [(u, d, "same") for u in range(5) for d in range(0, 20, 2)]
    rows += [(u, d, f"any{(u * 7 + d) % 10}") for u in range(5, 25) for d in range(20)]
    spy = keyed(Spy(), horizon=1, fallback=False, features=["personal"], n_candidates=50)
    spy.fit(*log(rows))
    rate = spy.ranker_.X_[:, spy.feature_names_.index("rate")]
    n = spy.ranker_.X_[:, 0]
    assert rate.argmax() == n.argmax()
    assert np.isfinite(rate).all()


def test_kinds_are_nested_from_the_widest_to_the_narrowest():
    brand, kind = np.array([0, 1, 0, 2, -1]), np.array([0, 0, 1, 1, 0])
    (first, wide), (second, narrow) = nest({"brand": brand, "kind": kind}, 5)
    assert (first, second) == ("kind", "brand")
    np.testing.assert_array_equal(wide, [0, 0, 1, 1, 0])
    np.testing.assert_array_equal(narrow, [1, 2, 3, 4, 0])


def test_rate_of_an_item_is_that_of_its_kind_updated_by_its_own():
    rows = [(u, d, "xy"[u % 2] + str((u + d) % 3)) for u in range(6) for d in range(9)]
    kinds = pd.DataFrame({"kind": ["x"] * 3 + ["y"] * 3}, [f"{k}{n}" for k in "xy" for n in "012"])
    spy = keyed(Spy(), horizon=3, fallback=False, n_candidates=6, item_features=kinds)
    spy.fit(*log(rows))
    rate = spy.ranker_.X_[:, spy.feature_names_.index("kind__rate")].reshape(6, 6)
    # Every series has one kind alone, so all items of that kind are before all of the other.
    own = np.arange(6)[:, np.newaxis] % 2 == np.repeat([0, 1], 3)
    assert (rate[own].reshape(6, 3).min(axis=1) > rate[~own].reshape(6, 3).max(axis=1)).all()
    np.testing.assert_allclose(np.exp(rate).sum(axis=1), 1, atol=0.1)


def test_lists_are_those_of_the_protocol(panel):
    X, y = panel
    model = TwoStageRecommender(RETRIEVERS, linear()).fit(X, y)
    table = model.recommend([3, 999, 3], 4)
    assert list(table.columns) == ["user", "rank", "item", "score", "source"]
    assert table["user"].tolist() == [3] * 4 + [999] * 4
    assert table["source"].tolist() == ["history"] * 4 + ["popularity"] * 4
    assert table["rank"].tolist() == [1, 2, 3, 4] * 2
    assert (np.diff(table["score"].to_numpy()[:4]) <= 0).all()
    assert not table[["user", "item"]].duplicated().any()
    everything = model.recommend(k=15)
    assert len(everything) == 15 * len(model.groups_)
    best = everything[everything["rank"] == 1]["item"]
    last = X.groupby(level=0, sort=True).tail(1)
    moments = pd.DataFrame(
        index=pd.MultiIndex.from_arrays(
            [model.groups_, [X.index.levels[-1].max() + pd.Timedelta("1us")] * len(model.groups_)],
            names=X.index.names,
        )
    )
    assert len(last) == len(moments)
    np.testing.assert_array_equal(model.predict(moments), best)


def test_what_was_seen_is_left_out_on_demand(panel):
    X, y = panel
    model = TwoStageRecommender(RETRIEVERS, linear(), exclude_seen=True).fit(X, y)
    table = model.recommend(k=15)
    pairs = pd.MultiIndex.from_frame(table[["user", "item"]])
    had = pd.MultiIndex.from_arrays([X.index.get_level_values(0), y])
    assert not pairs.isin(had).any()
    every = len(model.groups_) * len(model.classes_)
    assert len(pairs) + len(had.unique()) == every
    assert len(model.recommend(k=15, exclude_seen=False)) == every


def test_given_candidates_are_ranked_as_among_all(panel):
    X, y = panel
    model = TwoStageRecommender(RETRIEVERS, linear(), n_candidates=3).fit(X, y)
    everything = model.recommend(k=15)
    some = model.recommend(k=5, candidates=[1, 4, 7, 14, 9])
    expected = everything[everything["item"].isin([1, 4, 7, 14, 9])]
    assert len(some) == len(expected)
    own = pd.DataFrame({"user": [0, 0, 5], "item": [3, 8, 2]})
    table = model.recommend([0, 5], k=2, candidates=own)
    assert set(zip(table["user"], table["item"])) == {(0, 3), (0, 8), (5, 2)}
    with pytest.raises(ValueError, match="training never saw, such as 99"):
        model.recommend(candidates=[99])


def test_at_hides_later_events():
    rows = [("a", d, "old") for d in range(5)] + [("b", d, "new") for d in range(10)]
    rows += [("a", d, "new") for d in range(5, 10)]
    model = TwoStageRecommender(RETRIEVERS[1:], group="user", time="day").fit(*log(rows))
    assert model.recommend(["a"], 1, at=5)["item"].tolist() == ["old"]
    assert model.recommend(["b"], 1, at=5)["item"].tolist() == ["new"]
    assert model.recommend(["b"], 1, at=0)["source"].tolist() == ["popularity"]


def test_a_ranker_that_is_no_better_is_left_out(panel):
    X, y = panel
    model = TwoStageRecommender(RETRIEVERS, Wrong()).fit(X, y)
    assert model.fallback_ == "own"
    assert model.ranker_ is None
    assert model.feature_names_ == []
    assert model.inner_scores_["own"] > model.inner_scores_["popular"]
    assert model.inner_scores_["own"] > model.inner_scores_["ranker"]
    alone = clone(RETRIEVERS[1][1]).fit(X, y).recommend(k=5)
    np.testing.assert_allclose(model.recommend(k=5)["score"], alone["score"])
    kept = TwoStageRecommender(RETRIEVERS, Wrong(), fallback=False).fit(X, y)
    assert kept.fallback_ is None
    assert kept.inner_scores_ == {}
    good = TwoStageRecommender(RETRIEVERS[:1], linear()).fit(X, y)
    assert good.fallback_ is None
    assert good.inner_scores_["ranker"] > good.inner_scores_["popular"]


def test_a_log_too_short_falls_back_or_raises():
    X, y = log([("a", 1, "tea"), ("b", 1, "milk")])
    assert keyed().fit(X, y).fallback_ == "popular"
    with pytest.raises(ValueError, match="no origin to learn a ranker at"):
        keyed(fallback=False).fit(X, y)


def test_a_last_period_of_repeats_alone_leaves_earlier_origins_to_learn_at():
    rows = [(u, d, f"i{u + d}") for u in range(8) for d in range(10)]
    rows += [(u, 14, f"i{u + 9}") for u in range(8)]
    spy = keyed(Spy(), horizon=4, n_origins=2, fallback=False, exclude_seen=True).fit(*log(rows))
    assert spy.feature_names_[0] == "popular__score"
    assert spy.ranker_.X_.shape[1] == len(spy.feature_names_)


@pytest.mark.parametrize("n_negatives", [None, 1, 3])
def test_negatives_are_some_of_the_candidates(panel, n_negatives):
    X, y = panel
    fit = {"fallback": False, "n_negatives": n_negatives, "n_candidates": 6}
    spy = TwoStageRecommender(RETRIEVERS, Spy(), **fit).fit(X, y).ranker_
    every = TwoStageRecommender(RETRIEVERS, Spy(), **fit | {"n_negatives": None}).fit(X, y).ranker_
    assert spy.group_.sum() == len(spy.y_) == len(spy.X_)
    assert spy.y_.sum() == every.y_.sum()
    ends = np.cumsum(spy.group_)[:-1]
    for hits, every_hits in zip(
        np.split(spy.y_, ends), np.split(every.y_, np.cumsum(every.group_)[:-1]), strict=True
    ):
        negatives = (every_hits == 0).sum()
        assert (
            (hits == 0).sum() == negatives if n_negatives is None else min(negatives, n_negatives)
        )
        assert hits.sum() == every_hits.sum()
    assert {tuple(row) for row in np.nan_to_num(spy.X_)} <= {
        tuple(row) for row in np.nan_to_num(every.X_)
    }


def test_origins_lie_a_horizon_apart(panel):
    X, y = panel
    sizes = [
        TwoStageRecommender(RETRIEVERS, Spy(), horizon="10D", n_origins=n, fallback=False)
        .fit(X, y)
        .ranker_.group_.size
        for n in (1, 2, 3)
    ]
    days = (X.index.get_level_values(1).max() - X.index.get_level_values(1)) / pd.Timedelta("10D")
    series = X.index.get_level_values(0)
    counts = [series[(days < n) & (days >= n - 1)].nunique() for n in (1, 2, 3)]
    np.testing.assert_array_equal(sizes, np.cumsum(counts))


def test_lambdarank(panel):
    lightgbm = pytest.importorskip("lightgbm")
    X, y = panel
    ranker = lightgbm.LGBMRanker(
        n_estimators=20, num_leaves=4, min_child_samples=5, verbose=-1, n_jobs=1, random_state=0
    )
    model = TwoStageRecommender(RETRIEVERS, ranker).fit(X, y)
    assert model.inner_scores_["ranker"] > model.inner_scores_["popular"]


def test_one_grid_search_over_retrievers_ranker_window_and_half_life(panel):
    X, y = panel
    grid = {
        "own": [RETRIEVERS[1][1], SequenceRecommender(ItemKNNClassifier())],
        "own__window": [5, 20],
        "popular__half_life": ["5D", None],
        "ranker__logisticregression__C": [0.01, 1.0],
    }
    model = TwoStageRecommender(RETRIEVERS, linear(), fallback=False, horizon="20D")
    cv = PanelTimeSeriesSplit(1, horizon="15D")
    search = GridSearchCV(model, grid, scoring=ndcg_scorer(k=5), cv=cv, error_score="raise")
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    assert set(search.best_params_) == set(grid)
    assert len(np.unique(scores)) > 8  # of sixteen: every parameter reaches the lists
    assert np.isfinite(scores).all()


def test_retrievers_that_know_items_without_events_may_propose(panel):
    X, y = panel
    table = pd.DataFrame({"size": np.arange(18.0)}, np.arange(18))  # three more than y has
    wide = SequenceRecommender(item_features=table, window=20)
    model = TwoStageRecommender([*RETRIEVERS, ("wide", wide)], linear(), n_candidates=18)
    model.fit(X, y)
    assert len(model.retrievers_[-1][1].items_) == 18
    lists = model.recommend(k=18)
    assert set(lists["item"]) == set(range(15))
    assert lists["score"].notna().all()


def test_parameters_of_retrievers_are_reached_by_name():
    model = TwoStageRecommender([(name, clone(of)) for name, of in RETRIEVERS])
    model.set_params(own__estimator__smoothing=7.0, popular=SequenceRecommender(window=3))
    assert model.get_params()["own__estimator__smoothing"] == 7.0
    assert model.retrievers[0][1].window == 3
    assert "own" not in TwoStageRecommender().get_params()


def test_what_is_known_of_items_and_events_helps(events):
    rng = np.random.default_rng(0)
    # Users stay with one kind, and never have the same item again: only the kind tells.
    n = 40
    kind = np.repeat(["x", "y", "z"], 20)
    rows = [
        (user, day, int(item))
        for user in range(n)
        for day, item in enumerate(rng.permutation(np.flatnonzero(kind == "xyz"[user % 3])))
    ]
    X, y = log(rows)
    retrievers = RETRIEVERS[:1]
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    plain = TwoStageRecommender(
        retrievers, tree, group="user", time="day", exclude_seen=True, n_candidates=60, horizon=4
    )
    told = clone(plain).set_params(item_features=pd.DataFrame({"kind": kind}))
    scores = {
        name: m.fit(X, y).inner_scores_["ranker"] for name, m in {"p": plain, "t": told}.items()
    }
    assert scores["t"] > 0.9 > scores["p"]


def test_columns_and_demand_are_features(panel):
    X, y = panel
    X = X.assign(price=np.arange(len(X)) % 7 * 1.0)
    model = TwoStageRecommender(
        RETRIEVERS,
        Spy(),
        columns="price",
        demand=WindowForecaster(window=2),
        half_lives=["3D", "30D"],
        fallback=False,
    ).fit(X, y)
    assert model.feature_names_[-5:] == [
        "price__level",
        "price__now",
        "price__own",
        "demand",
        "demand_change",
    ]
    assert np.isfinite(model.ranker_.X_[:, [-5, -4, -2, -1]]).all()
    # Every item has the same demand, up to noise, where all choose alike at any time.
    changes = model.ranker_.X_[:, -1]
    assert abs(np.median(changes)) < 1.0


def test_items_that_retrievers_do_not_know_yet():
    rows = [(u, d, "abc"[(u + d) % 3]) for u in range(6) for d in range(10)]
    rows += [(u, 9, "new") for u in range(6)] + [(u, 8, "late") for u in range(3)]
    model = keyed(horizon=2, fallback=False).fit(*log(rows))
    table = model.recommend(k=5)
    assert set(table["item"]) == {"a", "b", "c", "new", "late"}
    assert np.isfinite(table["score"]).all()
    early = model.recommend(candidates=["new"], at=4)
    assert early["item"].tolist() == ["new"] * 6


@pytest.mark.parametrize(
    "items", [np.array(["u", "v", "w"]), np.array([5, 7, 9]), pd.Categorical(["k", "l", "m"])]
)
def test_any_kind_of_item(items):
    rows = [(u, d) for u in range(8) for d in range(10)]
    X = pd.DataFrame(rows, columns=["user", "day"])
    y = pd.Series(items).take([(u * d) % 3 for u, d in rows]).reset_index(drop=True)
    table = keyed().fit(X, y).recommend(k=3)
    assert set(table["item"]) == set(items)


@pytest.mark.parametrize(
    "clock",
    [
        np.arange(10),
        np.arange(10) / 2,
        pd.date_range("2024-01-01", periods=10, tz="Asia/Tokyo"),
        pd.period_range("2024-01", periods=10, freq="M"),
    ],
)
def test_any_clock(clock):
    rows = [(u, d, "abc"[(u + d) % 3]) for u in range(8) for d in range(10)]
    X, y = log(rows)
    expected = keyed(fallback=False).fit(X, y).recommend(k=3)
    actual = keyed(fallback=False).fit(X.assign(day=clock[X["day"]]), y).recommend(k=3)
    pd.testing.assert_frame_equal(actual, expected, check_exact=False, rtol=1e-4)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"retrievers": []}, "must be a list of .name, recommender."),
        ({"retrievers": [("knn", ItemKNNClassifier())]}, "must be a list of .name, recommender."),
        ({"retrievers": RETRIEVERS[:1] * 2}, "Names provided are not unique"),
        ({"n_candidates": [1, 2, 3]}, "has 3 number.s., but there are 2 retrievers"),
        ({"n_candidates": [1, -2]}, "n_candidates must be an integer of at least 1, got -2"),
        ({"n_candidates": 0}, "The 'n_candidates' parameter"),
        ({"horizon": "7D"}, "horizon=7D does not fit times that are numbers"),
        ({"horizon": -1}, "The 'horizon' parameter"),
        ({"half_lives": []}, "half_lives=.. must be positive"),
        ({"half_lives": [-1.0]}, "half_lives=.-1.0. must be positive"),
        ({"features": ["prices"]}, "must name some of scores, personal"),
        ({"features": []}, "must name some of scores, personal"),
        ({"item_features": pd.DataFrame({"kind": [1]}, ["none"])}, "knows none of the items"),
        ({"item_features": pd.DataFrame({"kind": [1, 2]}, ["a", "a"])}, "index holds each item"),
        ({"columns": "price"}, "unknown column 'price'"),
    ],
)
def test_bad_parameters(params, message):
    X, y = log([(u, d, "abc"[(u + d) % 3]) for u in range(4) for d in range(5)])
    with pytest.raises(ValueError, match=message):
        keyed().set_params(**params).fit(X, y)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (["a", None, "b", "a"], ValueError, "y has no item in row 1"),
        ([1.0, np.nan, 2.0, 1.0], ValueError, "y contains NaN"),
        ([0.5, 1.2, 2.0, 1.0], ValueError, "Unknown label type"),
        (["a", 1, "b", "a"], TypeError, "y mixes items of types"),
        (["a", "b"], ValueError, "inconsistent numbers of samples"),
        (None, ValueError, "requires y"),
    ],
)
def test_bad_items(y, error, message):
    X = pd.DataFrame({"user": [1, 1, 2, 2], "day": [1, 2, 3, 4]})
    with pytest.raises(error, match=message):
        keyed().fit(X, y if y is None else pd.Series(y))


def test_duplicated_events_count_twice_and_in_any_order():
    rows = [(u, d, "abc"[(u + d) % 3]) for u in range(6) for d in range(10)]
    once, twice = keyed(fallback=False).fit(*log(rows)), keyed(fallback=False)
    twice.fit(*log(rows + rows[::2]))
    turned = keyed(fallback=False).fit(*log((rows + rows[::2])[::-1]))
    pd.testing.assert_frame_equal(twice.recommend(), turned.recommend())
    share = pd.Series([item for *_, item in rows + rows[::2]]).value_counts(normalize=True)
    lists = twice.retrievers_[0][1].recommend(["new"]).set_index("item")["score"]
    np.testing.assert_allclose(lists, share[lists.index])
    assert not np.allclose(once.recommend()["score"], twice.recommend()["score"])


def test_scorers_count_items_and_series_that_training_never_met_as_misses(panel):
    X, y = panel
    model = TwoStageRecommender(RETRIEVERS, linear()).fit(X, y)
    times = [X.index.levels[1].max() + pd.Timedelta("1D")] * 3
    index = pd.MultiIndex.from_arrays([[0, 1, 777], times], names=X.index.names)
    later = pd.DataFrame(index=index)
    first = model.recommend([0], 1)["item"].to_numpy()[0]
    assert ndcg_scorer(k=5)(model, later, [99, 98, 97]) == 0
    assert ndcg_scorer(k=5)(model, later, [first, 98, 97]) == pytest.approx(1 / 3)


def test_bad_questions(panel):
    model = TwoStageRecommender(RETRIEVERS, linear()).fit(*panel)
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got -3"):
        model.recommend(k=-3)
    with pytest.raises(TypeError, match="neither a table nor a list of series"):
        model.recommend("ann")
    assert (model.recommend(k=99).groupby("user").size() == 15).all()


class Buyers(ClassifierMixin, BaseEstimator):
    """A recommender of one's own, that knows ``fit`` and ``recommend`` alone."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        series = X.index.get_level_values("series")
        self.counts_ = pd.crosstab(np.asarray(series), np.asarray(y))
        return self

    def recommend(self, X=None, k=10):
        lists = []
        for series in X.index.get_level_values("series").unique():
            counts = (
                self.counts_.loc[series] if series in self.counts_.index else self.counts_.sum()
            )
            best = counts.sort_values(ascending=False, kind="stable")[:k]
            lists.append(
                pd.DataFrame(
                    {"series": series, "rank": np.arange(len(best)) + 1, "item": best.index,
                     "score": best.to_numpy()}
                )
            )  # fmt: skip
        return pd.concat(lists, ignore_index=True)


@pytest.mark.parametrize("exclude_seen", [False, True])
@pytest.mark.parametrize("dates", [False, True])
def test_recommenders_of_ones_own_need_fit_and_recommend_alone(exclude_seen, dates):
    # Users have few items again and again, or each item once, one day after the next user.
    rows = [
        (u, d, u + d if exclude_seen else (u + d // 2) % 5) for u in range(8) for d in range(20)
    ]
    X, y = log(rows)
    if dates:
        X["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(X["day"], "D")
    model = TwoStageRecommender(
        [("counts", Buyers()), ("reranked", ReRanker())],
        Spy(),
        n_candidates=20 if exclude_seen else 3,
        fallback=False,
        exclude_seen=exclude_seen,
        features=["scores"],
        group="user",
        time="day",
    ).fit(X, y)
    lists = model.recommend(k=2)
    assert lists.groupby("user").size().eq(2).all()
    counts = model.retrievers_[0][1].counts_
    own = counts.to_numpy()[lists["user"], counts.columns.get_indexer(lists["item"])]
    np.testing.assert_array_equal(own == 0, exclude_seen)
    np.testing.assert_array_equal(lists["score"], own)
    if not exclude_seen:
        assert lists["item"].to_numpy()[-2] == model.predict(X[-1:])[0]


def count_readings(monkeypatch, run):
    """Return how many tables are checked, and how many clocks and groups are read, in a call."""
    found = collections.Counter()

    def counted(name, function):
        def call(*args, **kwargs):
            found[name] += 1
            return function(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(
            _keys.KeyedMixin, "_check_table", counted("tables", _keys.KeyedMixin._check_table)
        )
        for module in [name for name in sys.modules if name.startswith("sklearn_tsrec")]:
            for name, what in (("read_times", "clocks"), ("read_groups", "groups")):
                if hasattr(sys.modules[module], name):
                    function = getattr(sys.modules[module], name)
                    patch.setattr(sys.modules[module], name, counted(what, function))
        run()
    return found


def test_a_log_is_read_once(monkeypatch, panel):
    X, y = panel
    for model in (TwoStageRecommender(), SequenceRecommender()):
        read = count_readings(monkeypatch, lambda one=model: one.fit(X, y))
        assert read == {"tables": 1, "clocks": 1, "groups": 1}
        for who in (None, [1, 2], X):
            read = count_readings(monkeypatch, lambda one=model, who=who: one.recommend(who))
            assert read["tables"] == read["clocks"] == 0
            assert read["groups"] <= 1
        when = X.index.levels[1][50]
        read = count_readings(monkeypatch, lambda one=model, at=when: one.recommend(at=at))
        assert read == {"clocks": 1}
        read = count_readings(monkeypatch, lambda one=model: one.predict(X))
        assert read == {"tables": 1, "clocks": 1, "groups": 1}
