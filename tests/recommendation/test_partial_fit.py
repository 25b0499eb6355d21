"""SequenceRecommender.partial_fit: later events join, as if all were fitted at once."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import MultinomialNB

from sklearn_tsrec import SequenceRecommender, as_panel
from sklearn_tsrec.datasets import make_events
from sklearn_tsrec.recommendation import (
    EASEClassifier,
    ItemKNNClassifier,
    MarkovClassifier,
    PersonalFrequencyClassifier,
)


def scores_of(recommender, users, items):
    """Return the score of each item for each user, by their labels."""
    lists = recommender.recommend(users, k=len(items))
    return lists.pivot(index="user", columns="item", values="score").loc[users, items]


@pytest.fixture(scope="module")
def events():
    # One event at a time: the order in a basket is drawn by positions, which grow by calls.
    events = make_events(30, 12, 600, repeat=0.5, random_state=0)
    return events.drop_duplicates("time").sort_values("time")


@pytest.mark.parametrize(
    "classifier",
    [
        ItemKNNClassifier(),
        ItemKNNClassifier(decay=0.8, shrinkage=2.0),
        EASEClassifier(10.0),
        EASEClassifier(10.0, target="next"),
        MarkovClassifier(order=2),
        PersonalFrequencyClassifier(5.0),
        PersonalFrequencyClassifier(5.0, half_life=30.0, repurchase=3.0),
    ],
)
def test_learns_what_fit_on_all_events_learns(events, classifier):
    # The first part lacks items and users of the others.
    few = events[(events["item"] < 8) & (events["user"] < 20)].iloc[:150]
    rest = events[events["time"] > few["time"].max()]
    parts = few, rest.iloc[:100], rest.iloc[100:]
    gaps = getattr(classifier, "half_life", None) is not None
    grown = SequenceRecommender(classifier, window=6, gaps=gaps)
    for part in parts:
        X, y = as_panel(part, group="user", time="time", target="item")
        grown.partial_fit(X.sample(frac=1, random_state=0), y.sample(frac=1, random_state=0))
    X, y = as_panel(pd.concat(parts), group="user", time="time", target="item")
    whole = SequenceRecommender(classifier, window=6, gaps=gaps).fit(X, y)
    assert set(grown.classes_) == set(whole.classes_)
    assert set(grown.classes_) > set(few["item"])
    assert set(grown.groups_) == set(whole.groups_)
    users, items = list(whole.groups_), list(whole.classes_)
    np.testing.assert_allclose(
        scores_of(grown, users, items), scores_of(whole, users, items), rtol=1e-9, atol=1e-12
    )
    popular = pd.Series(grown.popularity_, grown.classes_)[items]
    np.testing.assert_allclose(popular, whole.popularity_)


@pytest.mark.parametrize("dates", [False, True])
def test_half_life_goes_on_from_the_first_call(dates):
    X = pd.DataFrame({"user": list("aababb"), "day": [0, 1, 1, 2, 3, 4]})
    half_life = 2
    if dates:
        X["day"], half_life = pd.Timestamp("2024-01-01") + pd.to_timedelta(X["day"], "D"), "2D"
    y = ["x", "y", "x", "z", "y", "z"]
    keys = {"group": "user", "time": "day"}
    grown = SequenceRecommender(half_life=half_life, **keys).partial_fit(X[:3], y[:3])
    grown.partial_fit(X[3:], y[3:])
    whole = SequenceRecommender(half_life=half_life, **keys).fit(X, y)
    np.testing.assert_allclose(grown.popularity_, whole.popularity_)
    count = whole.estimator_.class_count_ * 2 ** (3 / 2)  # the latest time moved by three days
    np.testing.assert_allclose(grown.estimator_.class_count_, count)


def test_later_events_fill_the_windows_of_known_and_new_series():
    X = pd.DataFrame({"user": ["a", "a", "b"], "day": [1, 2, 1]})
    recommender = SequenceRecommender(PersonalFrequencyClassifier(), group="user", time="day")
    recommender.partial_fit(X, ["milk", "tea", "tea"])
    # A basket may go on at the time it had, and what it holds then is not seen by it.
    more = pd.DataFrame({"user": ["a", "c", "b"], "day": [2, 2, 3]})
    recommender.partial_fit(more, ["bread", "bread", "jam"])
    assert list(recommender.groups_) == ["a", "b", "c"]
    assert list(recommender.classes_) == ["milk", "tea", "bread", "jam"]
    log = recommender.scores_.log
    items = [
        sorted(recommender.classes_[log.item[a:b]]) for a, b in zip(log.starts[:-1], log.starts[1:])
    ]
    assert items == [["bread", "milk", "tea"], ["jam", "tea"], ["bread"]]
    lists = recommender.recommend(["c", "d"], k=1)
    assert list(lists["source"]) == ["history", "popularity"]
    assert recommender.predict(pd.DataFrame({"user": ["c"], "day": [9]}))[0] == "bread"


def test_classes_can_be_recommended_before_any_event():
    X = pd.DataFrame({"user": ["a", "a"], "day": [1, 2]})
    recommender = SequenceRecommender(MarkovClassifier(), group="user", time="day")
    recommender.partial_fit(X, ["tea", "milk"], classes=["bread", "tea"])
    assert list(recommender.classes_) == ["bread", "milk", "tea"]
    np.testing.assert_array_equal(recommender.popularity_, [0, 0.5, 0.5])
    assert set(recommender.recommend(["a"], k=5)["item"]) == {"bread", "milk", "tea"}


def test_cold_items_become_known():
    X = pd.DataFrame({"user": ["a", "a", "b"], "day": [1, 2, 1]})
    table = pd.DataFrame({"kind": ["x", "x", "y"]}, index=["tea", "milk", "jam"])
    recommender = SequenceRecommender(item_features=table, group="user", time="day")
    recommender.partial_fit(X, ["tea", "tea", "tea"])
    assert list(recommender.items_) == ["tea", "jam", "milk"]
    recommender.partial_fit(pd.DataFrame({"user": ["b"], "day": [5]}), ["milk"])
    assert list(recommender.classes_) == ["tea", "milk"]
    assert list(recommender.items_) == ["tea", "milk", "jam"]
    assert len(recommender.recommend(["a"], k=5)) == 3


def test_late_events_join_the_history_and_change_no_window_learned():
    X = pd.DataFrame({"user": ["a", "a"], "day": [1, 5]})
    recommender = SequenceRecommender(MarkovClassifier(), group="user", time="day")
    recommender.fit(X, ["tea", "milk"])
    recommender.partial_fit(pd.DataFrame({"user": ["a"], "day": [3]}), ["jam"])
    log = recommender.scores_.log
    np.testing.assert_array_equal(recommender.classes_[log.item], ["tea", "jam", "milk"])
    np.testing.assert_array_equal(log.tick[1:] > log.tick[:-1], True)
    # Learned: tea -> milk, and, late, tea -> jam; jam -> milk was not seen.
    markov = MarkovClassifier().fit([[np.nan], [1], [1]], [1, 0, 2])
    at = pd.DataFrame({"user": ["a", "a"], "day": [2, 4]})
    np.testing.assert_allclose(recommender.predict_proba(at), markov.predict_proba([[1.0], [2.0]]))


def test_items_of_another_type_raise():
    X = pd.DataFrame({"user": ["a", "a"], "day": [1, 5]})
    recommender = SequenceRecommender(group="user", time="day").fit(X, [1, 2])
    with pytest.raises(TypeError, match="mixes items of types"):
        recommender.partial_fit(X.assign(day=[6, 7]), ["tea", "milk"])


def test_only_with_a_classifier_that_has_it():
    assert not hasattr(SequenceRecommender(DummyClassifier()), "partial_fit")
    assert hasattr(SequenceRecommender(MultinomialNB()), "partial_fit")
