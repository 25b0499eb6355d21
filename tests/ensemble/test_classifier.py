"""TemporalStackingClassifier fuses what members say of classes out of fold, in time."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from sklearn_tsrec.datasets import make_events
from sklearn_tsrec.ensemble import TemporalStackingClassifier
from sklearn_tsrec.ensemble._weights import likelihood_weights
from sklearn_tsrec.metrics import ndcg_scorer
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
from sklearn_tsrec.recommendation import (
    ItemKNNClassifier,
    PersonalFrequencyClassifier,
    SequenceRecommender,
)

CV = PanelTimeSeriesSplit(3, horizon=5)


class Column(ClassifierMixin, BaseEstimator):
    """Says that "b" has the probability in a column."""

    def __init__(self, column="p", silent=None):
        self.column = column
        self.silent = silent

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        p = X[self.column].to_numpy().copy()
        if self.silent is not None:
            p[X.index.get_level_values(0) == self.silent] = np.nan
        return np.column_stack([1 - p, p])


def panel():
    """Return events of two series, with a good and a bad probability of what happens."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [["x", "y"], pd.date_range("2024-01-01", periods=60)], names=["shop", "day"]
    )
    p = rng.uniform(0.05, 0.95, len(index))
    y = np.where(rng.random(len(index)) < p, "b", "a")
    return pd.DataFrame({"p": p, "noise": rng.uniform(0.05, 0.95, len(index))}, index), y


def stack(members=None, *args, **options):
    """Return a stack of a good and a bad member."""
    members = [("good", Column()), ("bad", Column("noise"))] if members is None else members
    return TemporalStackingClassifier(members, *args, **{"cv": CV} | options)


def test_weights_make_the_score_of_out_of_fold_rows_best():
    X, y = panel()
    loss = {
        "logloss": lambda table, p: -np.log(p).mean(),
        "brier": lambda table, p: ((1 - p) ** 2).mean(),
    }
    for method, score in loss.items():
        fitted = stack(weights=method, shrinkage=0).fit(X, y)
        table = fitted.out_of_fold_
        shares = np.linspace(0, 1, 1001)
        scores = [score(table, w * table["good"] + (1 - w) * table["bad"]) for w in shares]
        best = shares[np.argmin(scores)]
        assert fitted.weights_.loc["good", "all"] == pytest.approx(best, abs=2e-3)
    proba = stack().fit(X, y).predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert log_loss(y, proba) < log_loss(y, X["noise"])
    assert brier_score_loss(y == "b", proba[:, 1]) < brier_score_loss(y == "b", X["noise"])


def test_shrinkage_draws_to_equal_weights():
    X, y = panel()
    for method in ("logloss", "brier"):
        good = [
            stack(weights=method, shrinkage=s).fit(X, y).weights_.loc["good", "all"]
            for s in (0, 100, 1e9)
        ]
        assert good[0] > good[1] > good[2]
        assert good[2] == pytest.approx(0.5, abs=1e-4)


def test_equal_median_and_greedy():
    X, y = panel()
    members = [("good", Column()), ("bad", Column("noise")), ("any", DummyClassifier())]
    equal = stack(members, weights="equal").fit(X, y).predict_proba(X)[:, 1]
    share = (y == "b").mean()
    np.testing.assert_allclose(equal, (X["p"] + X["noise"] + share) / 3)
    middle = stack(members, weights="median").fit(X, y).predict_proba(X)[:, 1]
    columns = np.column_stack([X["p"], X["noise"], np.full(len(X), share)])
    np.testing.assert_allclose(middle, np.median(columns, axis=1))
    assert stack(members, weights="greedy").fit(X, y).weights_["all"].idxmax() == "good"


def test_every_series_can_have_weights_of_its_own():
    X, y = panel()
    swap = X.index.get_level_values(0) == "y"
    X = X.assign(p=np.where(swap, X["noise"], X["p"]), noise=np.where(swap, X["p"], X["noise"]))
    weights = stack(per="group", shrinkage=1).fit(X, y).weights_
    assert weights.loc["good", "x"] > 0.8
    assert weights.loc["bad", "y"] > 0.8


def test_a_member_that_fails_on_a_series_is_reported():
    X, y = panel()
    members = [("good", Column(silent="x")), ("bad", Column("noise"))]
    with pytest.warns(UserWarning, match="first 'good' in fold 0"):
        fitted = stack(members).fit(X, y)
    assert fitted.failures_["n_rows"].tolist() == [5, 5, 5]
    in_x = X.index.get_level_values(0) == "x"
    np.testing.assert_allclose(fitted.predict_proba(X)[in_x, 1], X["noise"][in_x])


def test_a_class_that_a_fold_does_not_know_has_no_probability():
    X, y = panel()
    late = X.index.get_level_values(1) >= "2024-02-27"
    y = np.where(late, "c", y)
    fitted = stack([("any", DummyClassifier()), ("one", DummyClassifier(strategy="uniform"))])
    table = fitted.fit(X, y).out_of_fold_
    assert (table.loc[table["y_true"] == "c", ["any", "one"]].to_numpy() == 0).all()
    assert fitted.predict_proba(X).shape == (len(X), 3)


def test_a_final_estimator_can_take_the_place_of_weights():
    X, y = panel()
    fitted = stack(None, LogisticRegression(), passthrough=True).fit(X, y)
    assert fitted.final_estimator_.n_features_in_ == 4
    names = [f"temporalstackingclassifier_{name}1" for name in ("good", "bad")]
    assert fitted.get_feature_names_out().tolist() == [*names, "p", "noise"]
    np.testing.assert_allclose(fitted.transform(X), X[["p", "noise", "p", "noise"]])
    assert log_loss(y, fitted.predict_proba(X)) < log_loss(y, X["noise"])


def test_test_classes_change_neither_out_of_fold_rows_nor_weights():
    X, y = panel()
    late = X.index.get_level_values(1) >= "2024-02-25"
    one = stack().fit(X[~late], y[~late])
    other = np.where(late, "a", y)
    two = stack().fit(X[~late], other[~late])
    pd.testing.assert_frame_equal(one.weights_, two.weights_)
    # Within training: what happens in the last fold changes nothing that members say of it.
    cut = one.out_of_fold_["cutoff"].max()
    other = np.where(X.index.get_level_values(1) > cut, "a", y)
    members = [("any", DummyClassifier()), ("line", LogisticRegression())]
    say = []
    for target in (y, other):
        fitted = stack(members).fit(X[~late], target[~late])
        table = fitted.out_of_fold_
        p = table[["any", "line"]]
        is_a = np.tile(table[["y_true"]].to_numpy() == "a", 2)
        say.append(p.where(is_a, 1 - p).to_numpy())
    np.testing.assert_allclose(*say)


def test_recommenders_are_members_and_lists_come_from_their_scores():
    events = make_events(60, 20, 1500, repeat=0.7, random_state=0)
    X, y = events[["user", "time"]], events["item"]
    members = [
        ("personal", SequenceRecommender(PersonalFrequencyClassifier(50.0), window=50)),
        ("similar", SequenceRecommender(ItemKNNClassifier(), window=10)),
    ]
    keys = {"group": "user", "time": "time", "freq": None}
    cv = PanelTimeSeriesSplit(2, horizon=100)
    fitted = stack(members, cv=cv, **keys).fit(X, y)
    assert fitted.weights_["all"].sum() == pytest.approx(1)
    table = fitted.recommend(X[:50], k=3)
    users = X["user"][:50].nunique()
    assert table.columns.tolist() == ["user", "rank", "item", "score"]
    assert len(table) == 3 * users
    first = X[:50].sort_values("time", kind="stable").drop_duplicates("user")
    best = pd.Series(fitted.predict(first), first["user"])
    top = table[table["rank"] == 1].set_index("user")["item"]
    assert (top == best[top.index]).all()
    assert 0 < ndcg_scorer(k=10)(fitted, X[-100:], y[-100:]) < 1


def test_likelihood_weights_are_the_maximum():
    rng = np.random.default_rng(0)
    likely = rng.uniform(0.01, 1, (200, 3)) * [1, 0.7, 0.4]
    weights = likelihood_weights(likely, 0.0)
    best = np.log(likely @ weights).mean()
    others = np.vstack([np.eye(3), rng.dirichlet(np.ones(3), 500)])
    assert (np.log(others @ likely.T).mean(axis=1) <= best + 1e-6).all()
    np.testing.assert_allclose(likelihood_weights(np.zeros((5, 2)), 0.0), 0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "nnls"}, "'weights' parameter"),
        ({"weights": "online"}, "use weights='logloss' and fit again"),
        ({"passthrough": True}, "final_estimator, but it is None"),
        ({"members": [("a", "drop")]}, "all members of estimators are 'drop'"),
    ],
)
def test_bad_parameters_are_named(options, message):
    X, y = panel()
    with pytest.raises(ValueError, match=message):
        stack(**options).fit(X, y)
