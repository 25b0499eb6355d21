import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_tsrec import PanelTimeSeriesSplit, SequenceRecommender, as_panel
from sklearn_tsrec.datasets import make_events
from sklearn_tsrec.metrics import ndcg_scorer
from sklearn_tsrec.recommendation import (
    ItemKNNClassifier,
    MarkovClassifier,
    PersonalFrequencyClassifier,
    ReRanker,
)

NAN = np.nan


class Spy(ClassifierMixin, BaseEstimator):
    """A classifier that keeps what it is given and finds all items equally likely."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.X_, self.y_, self.sample_weight_ = X, y, sample_weight
        return self

    def predict_proba(self, X):
        self.asked_ = X
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def log(rows):
    """Return keyed events given as (user, day, item)."""
    events = pd.DataFrame(rows, columns=["user", "day", "item"])
    return events[["user", "day"]], events["item"]


def fitted(rows, estimator=None, **params):
    params = {"group": "user", "time": "day", "window": 3} | params
    return SequenceRecommender(estimator, **params).fit(*log(rows))


def lists(table):
    """Return the items recommended to each user, the best first."""
    return table.groupby("user", sort=False)["item"].agg(list).to_dict()


SHOP = [
    ("ann", 1, "tea"),
    ("ann", 2, "milk"),
    ("ann", 5, "tea"),
    ("bob", 1, "tea"),
    ("bob", 3, "milk"),
    ("cat", 4, "rice"),
]
EVENTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 5), st.sampled_from("abcd")),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60)
@given(EVENTS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_windows_hold_the_last_earlier_items(rows, window, random):
    spy = fitted(rows, Spy(), window=window).estimator_
    names = np.append(sorted({item for *_, item in rows}), "")
    seen = names[np.where(np.isnan(spy.X_), -1, spy.X_).astype(int)]
    for (user, day, item), given_window, label in zip(rows, seen, spy.y_, strict=True):
        assert names[label] == item
        earlier = sorted((d, i) for u, d, i in rows if u == user and d < day)
        length = min(window, len(earlier))
        assert (given_window[: window - length] == "").all()
        # Which events of the oldest day in the window are in it, and in which order, is drawn.
        days = [d for d, _ in earlier][len(earlier) - length :]
        items = list(given_window[window - length :])
        for d in set(days):
            held = sorted(i for i, of in zip(items, days) if of == d)
            everything = [i for e, i in earlier if e == d]
            if len(held) == len(everything):
                assert held == everything
            else:
                assert d == days[0]
                assert all(held.count(i) <= everything.count(i) for i in held)
    # The order of the rows does not matter.
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = fitted([rows[i] for i in order], Spy(), window=window).estimator_
    np.testing.assert_array_equal(shuffled.X_, spy.X_[order])


@settings(max_examples=30)
@given(EVENTS, st.integers(0, 5))
def test_later_items_change_no_earlier_window(rows, cut):
    rows = [*rows, *((9, 9, item) for item in "abcd")]  # so that all items stay known
    turned = [(u, d, i if d < cut or u == 9 else "dcba"["abcd".index(i)]) for u, d, i in rows]
    early = [d <= cut for _, d, _ in rows]
    one, two = fitted(rows, Spy()).estimator_, fitted(turned, Spy()).estimator_
    np.testing.assert_array_equal(one.X_[early], two.X_[early])


def test_rows_of_predict_look_at_training_events_before_them():
    model = fitted(SHOP, Spy())
    moments = pd.DataFrame({"user": ["ann", "ann", "ann", "new"], "day": [1, 5, 9, 9]})
    model.predict(moments)
    milk, tea, nan = 0.0, 2.0, np.nan
    # Where there is no event before, the classifier is not asked.
    expected = [[nan, tea, milk], [tea, milk, tea]]
    np.testing.assert_array_equal(model.estimator_.asked_, expected)


DAYS = pd.Timestamp("2024-01-01") + pd.to_timedelta([0, 1, 4, 0, 2, 3], unit="D")


@pytest.mark.parametrize(
    ("clock", "freq", "scale"),
    [(None, None, 1), (DAYS, None, 1), (DAYS, "D", 1), (DAYS.tz_localize("Asia/Tokyo"), None, 1),
     (DAYS.to_period("D"), None, 1), ([d * 0.5 for d in (1, 2, 5, 1, 3, 4)], None, 0.5)],
)  # fmt: skip
def test_gaps_are_ages_at_the_moment(clock, freq, scale):
    rows = [(u, d if clock is None else clock[i], j) for i, (u, d, j) in enumerate(SHOP)]
    model = fitted(rows, Spy(), gaps=True, freq=freq)
    X = model.estimator_.X_
    lags = ["lag3", "lag2", "lag1"]
    assert list(X.columns) == [f"item__{lag}" for lag in lags] + [f"gap__{lag}" for lag in lags]
    np.testing.assert_array_equal(X.to_numpy()[2], [NAN, 2, 0, NAN, 4 * scale, 3 * scale])
    model.recommend(["bob"], 1)  # at the latest training time
    np.testing.assert_allclose(
        model.estimator_.asked_.to_numpy(), [[NAN, 2, 0, NAN, 4 * scale, 2 * scale]]
    )
    model.recommend(["bob"], 1, at=rows[2][1])
    np.testing.assert_allclose(model.estimator_.asked_["gap__lag1"], [2 * scale])
    moment = pd.DataFrame({"user": ["ann"], "day": [rows[2][1]]})
    model.predict(moment)
    np.testing.assert_array_equal(model.estimator_.asked_.to_numpy(), X.to_numpy()[[2]])


def test_context_columns_stand_beside_the_window():
    X, y = log(SHOP)
    X = X.assign(shop=list("xyxyxy"), hour=[9, 10, 11, 12, 13, 14], other=0)
    model = SequenceRecommender(Spy(), window=2, columns=["hour", "shop"], group="user", time="day")
    model.fit(X, y)
    given_table = model.estimator_.X_
    assert list(given_table.columns) == ["item__lag2", "item__lag1", "hour", "shop"]
    assert given_table["shop"].tolist() == list("xyxyxy")
    np.testing.assert_array_equal(given_table["hour"], X["hour"])
    # Of several rows of a series the earliest is the moment of its list.
    late = pd.DataFrame(
        {"user": ["bob", "ann", "bob", "new"], "day": [9, 8, 7, 7], "shop": list("abcd"),
         "hour": [1, 2, 3, 4], "other": 0}
    )  # fmt: skip
    table = model.recommend(late, 1)
    assert table["user"].tolist() == ["bob", "ann", "new"]
    assert model.estimator_.asked_["shop"].tolist() == ["c", "b"]
    model.predict(late)
    assert model.estimator_.asked_["hour"].tolist() == [1, 2, 3]
    for listed in (None, ["ann"]):
        with pytest.raises(ValueError, match="give recommend\\(\\) a table with the keys"):
            model.recommend(listed, 1)
    with pytest.raises(ValueError, match="unknown column 'minute'"):
        SequenceRecommender(columns="minute", group="user", time="day").fit(X, y)
    array = np.array([[0, 1, 5.0], [0, 2, 6], [0, 3, 7]])
    model = SequenceRecommender(Spy(), window=1, columns=2, group=0, time=1).fit(array, [1, 2, 1])
    assert model.estimator_.X_["x2"].tolist() == [5, 6, 7]


def test_a_column_transformer_reads_windows_and_context():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"user": rng.integers(0, 20, 400), "day": rng.permutation(400)})
    X["shop"] = rng.choice(["a", "b"], 400)
    y = np.where(X["shop"] == "a", "apple", "bread")
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["shop", "item__lag1"]),
        ("passthrough", ["gap__lag1"]),
    )
    classifier = make_pipeline(encode, SimpleImputer(), LogisticRegression(max_iter=1000))
    model = SequenceRecommender(
        classifier, window=1, gaps=True, columns="shop", group="user", time="day"
    ).fit(X, y)
    ask = pd.DataFrame({"user": [0, 1], "day": [500, 500], "shop": ["a", "b"]})
    assert model.recommend(ask, 1)["item"].tolist() == ["apple", "bread"]
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("classifier", [ItemKNNClassifier(), PersonalFrequencyClassifier()])
def test_item_classifiers_leave_context_alone(classifier):
    X, y = log(SHOP)
    plain = SequenceRecommender(classifier, group="user", time="day").fit(X, y)
    X = X.assign(shop="x")
    model = clone(plain).set_params(gaps=True, columns=["shop"]).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X[["user", "day"]]))


def test_order_in_a_basket_is_drawn_and_not_that_of_labels_or_rows():
    rows = [(user, 1, item) for user in range(200) for item in ("a", "b")]
    last = {}
    for seed in (0, 1):
        model = fitted(rows, Spy(), window=1, random_state=seed)
        model.recommend(range(200), 1)
        last[seed] = model.estimator_.asked_[:, 0]
        assert 70 < last[seed].sum() < 130
    assert (last[0] != last[1]).any()


def test_prior_with_half_life_is_decayed_popularity():
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta([0, 0, 10, 20], unit="D")
    rows = list(zip("abab", day, ["old", "old", "mid", "new"]))
    model = fitted(rows, DummyClassifier(strategy="prior"), half_life="10D")
    table = model.recommend(["a"], 3)
    assert table["item"].tolist() == ["new", "mid", "old"] or table["item"][0] == "new"
    score = dict(zip(table["item"], table["score"]))
    assert score == pytest.approx({"new": 0.5, "mid": 0.25, "old": 0.25})


@pytest.mark.parametrize(
    ("clock", "half_life", "freq"),
    [
        ([0, 1, 2], 1, None),
        ([0.0, 0.5, 1.0], 0.5, None),
        ([0, 1, 2], 1, 1),
        (pd.date_range("2024-01-01", periods=3), "1D", None),
        (pd.date_range("2024-01-01", periods=3), "24h", "D"),
        (pd.date_range("2024-01-01", periods=3), 1, "D"),
        (pd.date_range("2024-01-01", periods=3, tz="Asia/Tokyo"), "1D", None),
        (pd.period_range("2024-01", periods=3, freq="M"), 1, None),
    ],
)
def test_half_life_on_every_clock(clock, half_life, freq):
    rows = [("u", t, item) for t, item in zip(clock, "abc")]
    model = fitted(rows, Spy(), half_life=half_life, freq=freq)
    np.testing.assert_allclose(model.estimator_.sample_weight_, [0.25, 0.5, 1])


def test_baskets_are_allowed_on_a_calendar():
    rows = [("u", day, item) for day in pd.date_range("2024-01-01", periods=3) for item in "ab"]
    assert fitted(rows, freq="D").recommend(["u"], 2)["item"].nunique() == 2


def test_recommend_returns_a_long_table_in_the_order_given():
    model = fitted(SHOP, PersonalFrequencyClassifier())
    table = model.recommend(["cat", "ann", "cat"], 2)
    assert list(table.columns) == ["user", "rank", "item", "score", "source"]
    assert table["user"].tolist() == ["cat", "cat", "ann", "ann"]
    assert table["rank"].tolist() == [1, 2, 1, 2]
    assert table["item"].tolist() == ["rice", "tea", "tea", "milk"]
    # cat had one rice; popularity is milk 2/6, rice 1/6, tea 3/6.
    assert table["score"][0] == pytest.approx((1 + 1 / 6) / 2)
    assert model.recommend(k=1)["user"].tolist() == ["ann", "bob", "cat"]


def test_recommend_agrees_with_predict_proba_after_all_events():
    events = make_events(20, 12, 300, random_state=0)
    X, y = as_panel(events, "user", "time", "item")
    model = SequenceRecommender(window=5).fit(X, y)
    late = X.index.get_level_values(1).max() + pd.Timedelta("1D")
    moments = pd.DataFrame(
        index=pd.MultiIndex.from_product([range(20), [late]], names=X.index.names)
    )
    proba = model.predict_proba(moments)
    table = model.recommend(X, 12)
    full = table.pivot(index="user", columns="item", values="score").to_numpy()
    np.testing.assert_array_equal(full, proba)
    np.testing.assert_array_equal(
        table[table["rank"] == 1].sort_values("user")["item"], model.predict(moments)
    )


def test_blocks_do_not_change_the_result(monkeypatch):
    events = make_events(20, 12, 300, random_state=0)
    X, y = as_panel(events, "user", "time", "item")
    model = SequenceRecommender(window=5, exclude_seen=True).fit(X, y)
    whole, proba, best = model.recommend(X, 5), model.predict_proba(X), model.predict(X)
    monkeypatch.setattr("sklearn_tsrec.recommendation._item_scores._CELLS", 40)
    pd.testing.assert_frame_equal(model.recommend(X, 5), whole)
    np.testing.assert_array_equal(model.predict_proba(X), proba)
    np.testing.assert_array_equal(model.predict(X), best)


def test_exclude_seen_looks_beyond_the_window():
    rows = [*SHOP, ("dan", 1, "oats")]
    model = fitted(rows, PersonalFrequencyClassifier(), window=1, exclude_seen=True)
    found = lists(model.recommend(["ann", "dan", "new"], 4))
    assert set(found["ann"]) == {"rice", "oats"}
    assert found["dan"] == ["tea", "milk", "rice"]
    assert len(found["new"]) == 4
    assert len(lists(model.recommend(["ann"], 4, exclude_seen=False))["ann"]) == 4


def test_candidates_are_the_only_items():
    model = fitted(SHOP, PersonalFrequencyClassifier())
    assert lists(model.recommend(["ann"], 2, candidates=["rice", "milk"])) == {
        "ann": ["milk", "rice"]
    }
    seen = model.recommend(["ann"], 2, candidates=["rice", "milk"], exclude_seen=True)
    assert lists(seen) == {"ann": ["rice"]}


def test_every_series_may_have_candidates_of_its_own():
    model = fitted(SHOP, PersonalFrequencyClassifier())
    table = pd.DataFrame(
        [("bob", "rice"), ("ann", "rice"), ("ann", "milk"), ("new", "tea"), ("ann", "rice")],
        columns=["user", "item"],
    )
    found = lists(model.recommend(["ann", "new", "cat", "bob"], 2, candidates=table))
    assert found == {"ann": ["milk", "rice"], "new": ["tea"], "bob": ["rice"]}
    seen = model.recommend(["ann", "bob"], 2, candidates=table, exclude_seen=True)
    assert lists(seen) == {"ann": ["rice"], "bob": ["rice"]}
    again = model.recommend(["ann"], 3, candidates=model.recommend(k=3))
    pd.testing.assert_frame_equal(again, model.recommend(["ann"], 3))
    two = SequenceRecommender(PersonalFrequencyClassifier(), group=["shop", "user"], time="day")
    X = pd.DataFrame({"shop": [1, 1, 2], "user": ["a", "b", "a"], "day": [1, 1, 2]})
    two.fit(X, ["x", "y", "z"])
    table = pd.DataFrame({"shop": [2, 1], "user": ["a", "a"], "item": ["y", "z"]})
    assert two.recommend(k=3, candidates=table)["item"].tolist() == ["z", "y"]


def test_lists_are_as_long_as_there_are_items():
    model = fitted(SHOP, PersonalFrequencyClassifier())
    assert model.recommend(["ann", "new"], 10)["rank"].tolist() == [1, 2, 3, 1, 2, 3]
    assert lists(model.recommend(["ann"], 10, candidates=["tea"])) == {"ann": ["tea"]}
    everything = [("u", 1, "a"), ("u", 2, "b"), ("v", 1, "a")]
    table = fitted(everything).recommend(["u", "v"], 5, exclude_seen=True)
    assert lists(table) == {"v": ["b"]}
    X, y = log(everything)
    assert ndcg_scorer(k=10)(fitted(everything), X, y) > 0


@pytest.mark.parametrize("half_life", [None, 2])
def test_without_a_history_popularity_decides_and_is_said_to(half_life):
    class Contrary(Spy):
        def predict_proba(self, X):
            return np.tile([0.0, 0.0, 1.0], (len(X), 1))

    rows = [("ann", 1, "tea"), ("ann", 1, "tea"), ("bob", 5, "milk"), ("cat", 4, "milk")]
    model = fitted([*rows, ("cat", 5, "zwieback")], Contrary(), half_life=half_life)
    table = model.recommend(["new", "cat"], 3)
    assert table["source"].tolist() == ["popularity"] * 3 + ["history"] * 3
    weight = pd.Series([0.25, 0.25, 1, 0.5**0.5, 1] if half_life else [1.0] * 5)
    share = (
        weight.groupby(["tea", "tea", "milk", "milk", "zwieback"]).sum() / weight.sum()
    ).to_dict()
    new = table[table["user"] == "new"]
    assert dict(zip(new["item"], new["score"])) == pytest.approx(share)
    assert dict(zip(model.classes_, model.popularity_)) == pytest.approx(share)
    assert table.loc[3, "item"] == "zwieback"
    # A known series has no history either before its first event.
    early = model.recommend(["cat", "bob"], 1, at=4.5)
    assert early["source"].tolist() == ["history", "popularity"]
    proba = model.predict_proba(pd.DataFrame({"user": ["bob", "bob"], "day": [5, 6]}))
    np.testing.assert_allclose(proba, [model.popularity_, [0, 0, 1]])


@pytest.mark.parametrize("name", ["rank", "item", "score", "source"])
def test_group_columns_named_like_those_of_a_list_raise(name):
    X = pd.DataFrame({name: [1, 2], "day": [1, 2]})
    with pytest.raises(ValueError, match=f"group column '{name}' has the name"):
        SequenceRecommender(group=name, time="day").fit(X, ["a", "b"])


def test_duplicated_events_count_twice_and_in_any_order():
    rows = [("u", 1, "a"), ("u", 1, "a"), ("u", 1, "b"), ("u", 2, "b"), ("v", 3, "b")]
    spy = fitted(rows, Spy(), window=4).estimator_
    assert np.sort(spy.X_[3]).tolist()[:3] == [0, 0, 1]
    model = fitted(rows, PersonalFrequencyClassifier())
    turned = fitted(rows[::-1], PersonalFrequencyClassifier())
    pd.testing.assert_frame_equal(model.recommend(), turned.recommend())


def test_scores_of_given_items_at_given_moments():
    model = fitted(SHOP, PersonalFrequencyClassifier())
    X = pd.DataFrame({"user": ["ann", "new", "ann"], "day": [5, 2, 9]})
    proba = model.predict_proba(X)
    scores = model.score_items(X, [[2, 0], [1, -1], [-1, -1]])
    np.testing.assert_array_equal(
        scores, [[proba[0, 2], proba[0, 0]], [proba[1, 1], NAN], [NAN, NAN]]
    )
    for items, message in (
        ([[0]], "items has 1 rows, but X has 3"),
        ([[3]] * 3, "positions from 3 to 3"),
        ([[-2]] * 3, "positions from -2"),
    ):
        with pytest.raises(ValueError, match=message):
            model.score_items(X, items)


def test_top_items_at_given_moments():
    model = fitted(SHOP, PersonalFrequencyClassifier())
    X = pd.DataFrame({"user": ["ann", "new", "ann"], "day": [5, 2, 9]})
    items, scores = model.top_items(X, 5)
    proba = model.predict_proba(X)
    np.testing.assert_array_equal(scores, -np.sort(-proba, axis=1))
    np.testing.assert_array_equal(np.take_along_axis(proba, items, axis=1), scores)
    items, scores = model.top_items(X, 2, exclude_seen=True)
    assert items[[0, 2]].tolist() == [[1, -1], [1, -1]]
    assert np.isnan(scores[[0, 2], 1]).all()


def test_at_forgets_later_events():
    model = fitted(SHOP, Spy())
    model.recommend(["ann"], 1, at=5)
    np.testing.assert_array_equal(model.estimator_.asked_, [[np.nan, 2, 0]])
    assert lists(model.recommend(["bob"], 3, at=3, exclude_seen=True))["bob"].count("tea") == 0
    stamped = [(u, pd.Timestamp("2024-01-01") + pd.Timedelta(days=d), i) for u, d, i in SHOP]
    model = fitted(stamped, Spy())
    for at in ("2024-01-06", pd.Timestamp("2024-01-06")):
        model.recommend(["ann"], 1, at=at)
        np.testing.assert_array_equal(model.estimator_.asked_, [[np.nan, 2, 0]])


def test_ties_are_in_one_seeded_order():
    rows = [("u", day, item) for day, item in enumerate("abcdefgh")]
    found = [lists(fitted(rows, Spy(), random_state=s).recommend(["u", "v"], 8)) for s in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert found[0]["u"] == found[0]["v"] != sorted(found[0]["u"])
    short = lists(fitted(rows, Spy(), random_state=0).recommend(["u"], 3))
    assert short["u"] == found[0]["u"][:3]
    assert lists(fitted(rows[::-1], Spy(), random_state=0).recommend(["u", "v"], 8)) == found[0]


@pytest.mark.parametrize(
    "items",
    [
        pd.Series(["b", "a", "b", "c"]),
        pd.Series(["b", "a", "b", "c"], dtype="str"),
        pd.Series(["b", "a", "b", "c"], dtype="category"),
        np.array([7, 3, 7, 9]),
        np.array(["b", "a", "b", "c"]),
        ["b", "a", "b", "c"],
    ],
)
def test_any_labels_of_items(items):
    X = pd.DataFrame({"user": [1, 1, 2, 2], "day": [1, 2, 1, 2]})
    model = SequenceRecommender(group="user", time="day").fit(X, items)
    assert list(model.classes_) == sorted(set(items))
    assert set(model.recommend([1], 3)["item"]) == set(items)
    assert set(model.predict(X)) <= set(items)


def test_series_named_by_several_columns():
    X = pd.DataFrame({"shop": [1, 1, 2], "user": ["a", "b", "a"], "day": [1, 1, 2]})
    model = SequenceRecommender(
        PersonalFrequencyClassifier(), group=["shop", "user"], time="day"
    ).fit(X, ["x", "y", "z"])
    table = model.recommend([(1, "b"), (2, "a"), (3, "a")], 1)
    assert list(table.columns) == ["shop", "user", "rank", "item", "score", "source"]
    assert table["shop"].tolist() == [1, 2, 3]
    assert table["item"].tolist()[:2] == ["y", "z"]


def test_one_series_needs_no_group():
    model = SequenceRecommender(PersonalFrequencyClassifier(), time=0)
    table = model.fit(np.arange(4.0).reshape(-1, 1), [5, 6, 6, 6]).recommend(k=2)
    assert list(table.columns) == ["rank", "item", "score", "source"]
    assert table["item"].tolist() == [6, 5]


def test_rare_items_raise_no_warning():
    rows = [("u", day, f"item {day}") for day in range(40)]
    assert len(fitted(rows).recommend(["u"], 40)) == 40


def test_one_event_and_one_item():
    model = fitted([("u", 1, "a")])
    assert model.recommend(["u", "v"], 1)["item"].tolist() == ["a", "a"]
    assert model.predict(pd.DataFrame({"user": ["u"], "day": [2]})).tolist() == ["a"]


@pytest.mark.parametrize(
    "estimator",
    [
        ItemKNNClassifier(),
        PersonalFrequencyClassifier(),
        DummyClassifier(strategy="prior"),
        HistGradientBoostingClassifier(max_iter=2),
        make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()),
        make_pipeline(OneHotEncoder(handle_unknown="ignore"), KNeighborsClassifier(3)),
        make_pipeline(OneHotEncoder(handle_unknown="ignore"), RidgeClassifier()),
    ],
)
@pytest.mark.parametrize("n_items", [2, 6])
def test_any_classifier(estimator, n_items):
    events = make_events(10, n_items, 100, random_state=0)
    X, y = as_panel(events, "user", "time", "item")
    model = SequenceRecommender(estimator, window=3).fit(X, y)
    table = model.recommend([*range(10), "new"], 2)
    assert table.groupby("user")["item"].nunique().eq(2).all()
    assert hasattr(model, "predict_proba") == hasattr(estimator, "predict_proba")
    copy = pickle.loads(pickle.dumps(model))
    pd.testing.assert_frame_equal(copy.recommend([*range(10), "new"], 2), table)
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_grid_search_over_window_half_life_and_classifier():
    events = make_events(30, 15, 900, repeat=0.6, random_state=0)
    X, y = as_panel(events, "user", "time", "item")
    search = GridSearchCV(
        SequenceRecommender(PersonalFrequencyClassifier()),
        {"window": [1, 30], "half_life": [None, "30D"], "estimator__smoothing": [1, 1e6]},
        scoring=ndcg_scorer(k=5),
        cv=PanelTimeSeriesSplit(2, horizon="14D"),
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    # Users repeat themselves: their own history beats popularity, and the longer one the shorter.
    assert search.best_params_["window"] == 30
    assert search.best_params_["estimator__smoothing"] == 1
    assert search.best_estimator_.recommend(X, 5).groupby("user").size().eq(5).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"k": 0}, ValueError, "k must be an integer of at least 1, got 0"),
        ({"k": -1}, ValueError, "got -1"),
        ({"k": 1.5}, ValueError, "got 1.5"),
        ({"k": True}, ValueError, "got True"),
        ({"candidates": []}, ValueError, "candidates is empty"),
        ({"candidates": pd.DataFrame({"item": ["tea"]})}, ValueError, r"needs \['user', 'item'\]"),
        ({"candidates": ["tea", "gold"], "k": 1}, ValueError, "never saw, such as gold"),
        ({"X": "ann"}, TypeError, r"give \[ann\] for one"),
        ({"X": 3}, TypeError, r"give \[3\] for one"),
        ({"X": ["ann", None], "k": 1}, ValueError, "missing labels"),
        ({"at": "2024-01-01", "k": 1}, TypeError, "at holds text"),
    ],
)
def test_bad_lists(arguments, error, message):
    with pytest.raises(error, match=message):
        fitted(SHOP).recommend(**{"X": ["ann"]} | arguments)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"half_life": 0}, ValueError, "'half_life' parameter"),
        ({"half_life": -1.0}, ValueError, "'half_life' parameter"),
        ({"half_life": "-3D"}, ValueError, "does not fit times that are numbers"),
        ({"half_life": "3D"}, ValueError, "give a duration such as '30D' for datetimes"),
        ({"window": 0}, ValueError, "'window' parameter"),
        ({"exclude_seen": "yes"}, ValueError, "'exclude_seen' parameter"),
        ({"estimator": 3}, ValueError, "'estimator' parameter"),
        ({"group": "client"}, ValueError, "unknown column 'client'"),
        (
            {"estimator": KNeighborsClassifier(), "half_life": 1},
            ValueError,
            "takes no sample_weight",
        ),
    ],
)
def test_bad_parameters(params, error, message):
    with pytest.raises(error, match=message):
        fitted(SHOP, **params)


def test_bad_half_lives_of_dates():
    rows = [(u, pd.Timestamp("2024-01-01") + pd.Timedelta(days=d), i) for u, d, i in SHOP]
    for half_life, message in (("-3D", "longer than nothing"), ("soon", "not a duration")):
        with pytest.raises(ValueError, match=message):
            fitted(rows, half_life=half_life)
    with pytest.raises(ValueError, match="give a duration"):
        fitted(rows, half_life=3)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (["a", None, "b"], ValueError, "y has no item in row 1"),
        ([1.0, np.nan, 2.0], ValueError, "y contains NaN"),
        ([0.5, 1.2, 2.0], ValueError, "Unknown label type"),
        (["a", 1, "b"], TypeError, "y mixes items of types"),
        (["a", "b"], ValueError, "inconsistent numbers of samples"),
        (None, ValueError, "requires y"),
    ],
)
def test_bad_items(y, error, message):
    X = pd.DataFrame({"user": [1, 1, 2], "day": [1, 2, 3]})
    y = y if y is None else pd.Series(y)
    with pytest.raises(error, match=message):
        SequenceRecommender(group="user", time="day").fit(X, y)


def test_missing_keys_raise():
    with pytest.raises(ValueError, match="time is missing"):
        fitted([("u", None, "a"), ("u", 1.0, "a")])
    with pytest.raises(ValueError, match="group is missing"):
        fitted([(None, 1, "a"), ("u", 1, "a")])


@pytest.mark.parametrize(
    "classifier",
    [
        ItemKNNClassifier(3, decay=0.9),
        PersonalFrequencyClassifier(),
        PersonalFrequencyClassifier(repurchase=1.0, half_life=20.0),
        MarkovClassifier(order=2),
    ],
)
@pytest.mark.parametrize("exclude_seen", [False, True])
@pytest.mark.parametrize("candidates", [None, [3, 17, 18, 19, 40]])
def test_lists_of_many_items_are_those_of_few(monkeypatch, classifier, exclude_seen, candidates):
    events = make_events(20, 60, 300, random_state=0)
    X, y = as_panel(events, "user", "time", "item")
    y = y.rank(method="dense").astype(int)  # 1, 2, …
    model = SequenceRecommender(classifier, window=5, gaps=True).fit(X, y)
    listed = [*range(20), "new"]
    options = {"exclude_seen": exclude_seen, "candidates": candidates}
    dense = model.recommend(listed, 12, **options)
    monkeypatch.setattr(type(classifier), "prefers_sparse", lambda self: True)
    monkeypatch.setattr("sklearn_tsrec.recommendation._item_scores._ROWS", 7)
    sparse_lists = model.recommend(listed, 12, **options)
    pd.testing.assert_frame_equal(sparse_lists, dense, rtol=1e-12, atol=0)


SHELF = pd.DataFrame(
    {"kind": ["drink", "drink", "food", "drink", "food"], "price": [2.0, 1, 3, 2, 3]},
    index=["tea", "milk", "rice", "cocoa", "bread"],
)


def test_new_items_have_the_mean_score_of_those_like_them(monkeypatch):
    monkeypatch.setattr("sklearn_tsrec.recommendation._items._NEAREST", 1)
    model = fitted(SHOP, PersonalFrequencyClassifier(), item_features=SHELF)
    assert model.items_.tolist() == ["milk", "rice", "tea", "bread", "cocoa"]
    assert model.classes_.tolist() == ["milk", "rice", "tea"]
    table = model.recommend(["ann", "new"], 5).set_index(["user", "item"])["score"]
    for user in ("ann", "new"):  # cocoa costs what tea does, bread what rice does
        assert table[user, "cocoa"] == table[user, "tea"]
        assert table[user, "bread"] == table[user, "rice"]
    cold = model.recommend(["ann"], 2, candidates=["bread", "cocoa"], exclude_seen=True)
    assert cold["item"].tolist() == ["cocoa", "bread"]
    X = pd.DataFrame({"user": ["ann"], "day": [9]})
    assert model.predict_proba(X).shape == (1, 3)
    scores = model.score_items(X, [[2, 4, 3, 1]])
    assert scores[0, 0] == scores[0, 1] > scores[0, 2] == scores[0, 3]
    assert set(model.top_items(X, 5)[0][0]) == set(range(5))
    assert lists(model.recommend(["ann"], 5, exclude_seen=True))["ann"][0] == "cocoa"


def test_new_items_are_a_mean_of_several():
    model = fitted(SHOP, PersonalFrequencyClassifier(), item_features=SHELF)
    table = model.recommend(["ann"], 5).set_index("item")["score"]
    assert table["cocoa"] == pytest.approx(table[["tea", "milk", "rice"]].mean())


def test_a_table_of_known_items_changes_nothing():
    plain = fitted(SHOP, PersonalFrequencyClassifier()).recommend(k=5)
    known = fitted(SHOP, PersonalFrequencyClassifier(), item_features=SHELF[:3]).recommend(k=5)
    pd.testing.assert_frame_equal(plain, known)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (SHELF[1:], "item_features lacks 1 of 3 items, such as tea"),
        (SHELF.iloc[[0, 0, 1, 2]], "item_features describes tea twice"),
        (SHELF.assign(price=[1, 2, 3, np.nan, 1]), "column 'price' of item_features is missing"),
        (["tea"], "'item_features' parameter"),
    ],
)
def test_bad_item_features(table, message):
    with pytest.raises(ValueError, match=message):
        fitted(SHOP, item_features=table)


def test_re_ranking_knows_the_new_items_too():
    reranker = ReRanker(
        fitted(SHOP, item_features=SHELF),
        item_features=SHELF,
        attribute="kind",
        max_per_attribute=1,
    )
    X, y = log(SHOP)
    reranker.set_params(recommender__group="user", recommender__time="day").fit(X, y)
    options = {"candidates": ["bread", "cocoa"]}
    assert set(reranker.recommend(["ann"], 2, **options)["item"]) == {"bread", "cocoa"}
