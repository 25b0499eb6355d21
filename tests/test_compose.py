"""Pipelines of features on a panel, inside everything that scikit-learn composes and tunes with.

In the panel the promotion of a day adds and that of the day before takes away, where that day has a
row. A linear model is exact with both lags and the week, and only if lags are of time: rows are
shuffled, series start on different days, and one has a hole.
"""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import FeatureUnion, make_pipeline

from sklearn_tsrec.features import FourierFeatures, LagFeatures, WindowFeatures
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit

CV = PanelTimeSeriesSplit(3, horizon=7)
RIGHT, WRONG = [0, 1], [0, 2]


def make_panel():
    """Return the shuffled panel."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=60, name="day")
    index = pd.MultiIndex.from_product([list("abc"), days], names=["shop", "day"])
    index = index.drop([("a", day) for day in days[:9]] + [("b", day) for day in days[44:48]])
    X = pd.DataFrame({"promo": rng.integers(0, 2, len(index)) * 1.0, "price": 1.0}, index)
    before = index.set_levels(index.levels[1] + pd.Timedelta(days=1), level="day")
    before = pd.Series(X["promo"].to_numpy(), before).reindex(index, fill_value=0)
    week = np.sin(2 * np.pi * index.get_level_values("day").dayofweek / 7)
    y = 20 + 3 * X["promo"] - 2 * before + 5 * week
    order = rng.permutation(len(index))
    return X.iloc[order], y.iloc[order].rename("sold")


X, Y = make_panel()
UNION = FeatureUnion([("promo", LagFeatures(WRONG)), ("week", FourierFeatures([7], order=1))])
ZERO = SimpleImputer(strategy="constant", fill_value=0.0)
PIPE = make_pipeline(UNION, ZERO, LinearRegression())
GRID = {"featureunion__promo__lags": [WRONG, RIGHT]}
SCORING = {"scoring": "neg_max_error", "cv": CV, "error_score": "raise"}
EXACT = 1e-9


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(PIPE, GRID, n_jobs=2, **SCORING),
        RandomizedSearchCV(PIPE, GRID, n_iter=2, random_state=0, **SCORING),
    ],
    ids=lambda search: type(search).__name__,
)
def test_searches_find_the_lags_and_are_exact(search):
    [(train, test)] = PanelTimeSeriesSplit(1, horizon=7).split(X)
    search.fit(X.iloc[train], Y.iloc[train])
    assert search.best_params_ == {"featureunion__promo__lags": RIGHT}
    assert search.best_score_ > -EXACT
    assert search.cv_results_["mean_test_score"].min() < -1
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_allclose(again.predict(X.iloc[test]), Y.iloc[test])


def test_a_halving_search_with_growing_models():
    model = make_pipeline(UNION, HistGradientBoostingRegressor(min_samples_leaf=5))
    search = HalvingGridSearchCV(
        model, GRID, factor=2, n_jobs=2, min_resources=10, max_resources=40,
        resource="histgradientboostingregressor__max_iter", random_state=0,
        **SCORING | {"scoring": "neg_mean_absolute_error"},
    ).fit(X, Y)  # fmt: skip
    assert search.n_resources_ == [10, 20]
    assert search.best_params_["featureunion__promo__lags"] == RIGHT
    assert search.best_score_ > -1


def test_cross_validation_equals_a_plain_loop():
    pipe = make_pipeline(
        FeatureUnion(
            [
                ("lags", LagFeatures([7, 8], target=True, horizon=7)),
                ("windows", WindowFeatures([3, 14], target=True, horizon=7)),
            ]
        ),
        HistGradientBoostingRegressor(max_iter=5, random_state=0),
    )
    scores = cross_validate(pipe, X, Y, n_jobs=2, **SCORING)
    for score, (train, test) in zip(scores["test_score"], CV.split(X)):
        in_order = X.iloc[train].sort_index()
        model = clone(pipe).fit(in_order, Y[in_order.index])
        assert score == pytest.approx(-np.abs(model.predict(X.iloc[test]) - Y.iloc[test]).max())


def test_a_column_transformer_is_tuned():
    columns = ColumnTransformer(
        [
            ("promo", LagFeatures(WRONG), ["promo"]),
            ("week", FourierFeatures([7], order=1), ["price"]),
            ("price", "passthrough", ["price"]),
        ]
    )
    search = GridSearchCV(
        make_pipeline(columns, ZERO, LinearRegression()),
        {"columntransformer__promo__lags": [WRONG, RIGHT]},
        **SCORING,
    ).fit(X, Y)
    assert search.best_params_ == {"columntransformer__promo__lags": RIGHT}
    assert search.best_score_ > -EXACT
    names = columns.fit(X, Y).get_feature_names_out()
    assert list(names[:2]) == ["promo__promo__lag0", "promo__promo__lag2"]


def test_a_transformed_target_is_tuned():
    grown = np.exp(Y / 10)
    model = TransformedTargetRegressor(PIPE, func=np.log, inverse_func=np.exp)
    search = GridSearchCV(model, {f"regressor__{k}": v for k, v in GRID.items()}, **SCORING)
    search.fit(X, grown)
    assert search.best_params_ == {"regressor__featureunion__promo__lags": RIGHT}
    assert search.best_score_ > -EXACT
    lagged = make_pipeline(LagFeatures([7], target=True, horizon=7), ZERO, LinearRegression())
    model = TransformedTargetRegressor(lagged, func=np.log, inverse_func=np.exp).fit(X, grown)
    np.testing.assert_allclose(model.predict(X), np.exp(lagged.fit(X, Y / 10).predict(X)))


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_output_containers_change_no_number(container):
    plain = clone(PIPE).set_params(featureunion__promo__lags=RIGHT)
    framed = clone(plain).set_output(transform=container)
    search = GridSearchCV(framed, GRID, **SCORING).fit(X, Y)
    assert search.best_score_ > -EXACT
    np.testing.assert_allclose(search.predict(X), plain.fit(X, Y).predict(X))
    table = search.best_estimator_[:-1].transform(X)
    assert isinstance(table, pd.DataFrame if container == "pandas" else pl.DataFrame)
    lags = [f"promo__{column}__lag{lag}" for column in ("promo", "price") for lag in RIGHT]
    assert list(table.columns) == [*lags, "week__day__sin7_1", "week__day__cos7_1"]
    if container == "pandas":
        assert table.index.equals(X.index)
