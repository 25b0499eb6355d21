import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from sklearn_tsrec import LagFeatures, PanelTimeSeriesSplit, WindowForecaster
from sklearn_tsrec.datasets import make_panel
from sklearn_tsrec.features import CalendarFeatures, WindowFeatures
from sklearn_tsrec.inspection import ExplanationDisplay, explain


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def panel():
    X, y = make_panel(3, 60, effects=(1.0, 0.0), random_state=0)
    last = X.index.get_level_values(-1) > X.index.get_level_values(-1).unique()[52]
    return X[~last], y[~last], X[last]


def _adds_up(explanation, model, X):
    total = explanation.base + explanation.values.sum(axis=1)
    assert_allclose(total, model.predict(X), rtol=1e-9, atol=1e-8)


def _features():
    return make_union(
        LagFeatures([0, 1], columns=["x0", "x1"]),
        LagFeatures([7], target=True, horizon=7),
        WindowFeatures(7, "mean", target=True, horizon=7),
        CalendarFeatures("dayofweek", cyclical=True),
    )


@pytest.mark.parametrize("output", ["default", "pandas"])
@pytest.mark.parametrize(
    "last", [HistGradientBoostingRegressor(max_iter=5), RandomForestRegressor(5, random_state=0)]
)
def test_trees_in_a_pipeline_add_up(panel, last, output):
    X, y, X_future = panel
    model = make_pipeline(_features(), last).set_output(transform=output).fit(X, y)
    found = explain(model, X_future)
    _adds_up(found, model, X_future)
    assert found.values.index.equals(X_future.index)
    assert list(found.by_driver()) == ["x0", "x1", "y", "time"]
    table = found.importance()
    assert set(table.columns) >= {"lag0", "lag1", "lag7", "mean7", "dayofweek_sin"}
    lags = found.values[[c for c in found.values if "x0__lag0" in c]]
    assert_allclose(table.loc["x0", "lag0"], lags.abs().mean().iloc[0])
    assert np.isnan(table.loc["x0", "lag7"])


def test_a_linear_model_is_explained_by_its_coefficients(panel):
    X, y, _ = panel
    model = LinearRegression().fit(X, y)
    found = explain(model, X[:50], background=X[:80])
    _adds_up(found, model, X[:50])
    assert_allclose(found.values, (X[:50] - X[:80].mean()) * model.coef_, atol=1e-9)


@pytest.mark.parametrize("last", [KNeighborsRegressor(5), make_pipeline(StandardScaler(), Ridge())])
def test_any_other_model_adds_up_and_a_seed_fixes_it(panel, last):
    X, y, X_future = panel
    model = last.fit(X, y)
    found = explain(model, X_future[:3], background=X)
    _adds_up(found, model, X_future[:3])
    again = explain(model, X_future[:3], background=X)
    pd.testing.assert_frame_equal(found.values, again.values)
    assert found.by_driver()["x0"].abs().mean() > found.by_driver()["x1"].abs().mean()


@pytest.mark.parametrize("transform", [None, "last", "scale", ["seasonal", "scale"], "last_season"])
@pytest.mark.parametrize("horizon", [1, 4])
def test_forecasts_add_up_in_units_of_the_target(panel, horizon, transform):
    X, y, X_future = panel
    model = WindowForecaster(
        Ridge(), window=3, horizon=horizon, target_transform=transform, period=7, columns=["x0"],
        past_columns=["x1"],
    ).fit(X, y)  # fmt: skip
    rows = pd.concat([X_future.sample(frac=1, random_state=0), X[20:24]])
    found = explain(model, rows)
    _adds_up(found, model, rows)
    assert list(found.values) == model.window_feature_names_
    drivers = found.by_driver()
    assert list(drivers) == ["y", "x1", "x0"]
    if horizon > 1:
        assert list(found.importance())[:4] == ["ahead3", "ahead2", "ahead1", "lag0"]


def test_a_forecaster_with_trees_and_a_search(panel):
    X, y, X_future = panel
    forest = RandomForestRegressor(3, max_depth=4, random_state=0)
    search = GridSearchCV(
        WindowForecaster(forest, horizon=2, columns=["x0"]),
        {"window": [3, 5]},
        cv=PanelTimeSeriesSplit(2, horizon=7),
    ).fit(X, y)
    found = explain(search, X_future)
    _adds_up(found, search, X_future)
    with_background = explain(search, X_future[:2], background=X[-20:])
    _adds_up(with_background, search, X_future[:2])


def test_what_cannot_be_explained_raises(panel):
    X, y, X_future = panel
    model = WindowForecaster(Ridge(), window=3, columns=["x0"]).fit(X, y)
    new = X_future.rename(index={X_future.index[0][0]: "new"}, level=0)
    with pytest.warns(UserWarning, match="no known target"), pytest.raises(ValueError) as error:
        explain(model, new)
    assert "without any known target" in str(error.value)
    both = LinearRegression().fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="predicts 2 targets"):
        explain(both, X)
    with pytest.raises(TypeError, match="must be DataFrames, got ndarray"):
        explain(both, X.to_numpy())


def test_the_display_shows_drivers_by_lag(panel):
    X, y, X_future = panel
    forest = RandomForestRegressor(5, random_state=0)
    model = make_pipeline(_features(), forest).fit(X, y)
    display = ExplanationDisplay.from_estimator(model, X_future, max_drivers=2)
    table = display.explanation.importance()
    assert_allclose(display.image_.get_array()[0].compressed(), table.iloc[0].dropna())
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert [label.split()[0] for label in labels] == list(table.index[:2])
    drawn = ExplanationDisplay.from_predictions(display.explanation, ax=plt.figure().subplots())
    assert drawn.image_.get_array().shape[0] == 4
    with pytest.raises(ValueError, match="max_drivers must be at least 1"):
        ExplanationDisplay.from_predictions(display.explanation, max_drivers=0)
    with pytest.raises(TypeError, match="must come from explain"):
        ExplanationDisplay.from_predictions(table)
