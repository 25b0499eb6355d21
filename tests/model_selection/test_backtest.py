"""backtest says what would have been forecast, and when."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from sklearn_tsrec.features import LagFeatures
from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit, backtest
from sklearn_tsrec.monitoring import DriftMonitor


@pytest.fixture
def panel():
    """Two series with a trend each, rows in no order."""
    days = pd.date_range("2024-01-01", periods=20, name="day")
    index = pd.MultiIndex.from_product([["a", "b"], days], names=["shop", "day"])
    y = pd.Series(np.tile(np.arange(20.0), 2) + np.repeat([0, 100], 20), index)
    X = pd.DataFrame({"promo": 0.0}, index)
    shuffle = np.random.default_rng(0).permutation(len(index))
    return X.iloc[shuffle], y.iloc[shuffle]


def naive():
    """Return the last value, for ever."""
    return WindowForecaster(
        DummyRegressor(strategy="constant", constant=0), window=1, target_transform="last"
    )


def test_every_forecast_names_its_series_time_cutoff_and_step(panel):
    X, y = panel
    table = backtest(naive(), X, y, cv=PanelTimeSeriesSplit(3, horizon=2), verbose=0)
    assert list(table) == ["shop", "day", "fold", "cutoff", "step", "y_true", "y_pred"]
    assert len(table) == 3 * 2 * 2
    np.testing.assert_array_equal(table["y_true"] - table["y_pred"], table["step"])
    np.testing.assert_array_equal((table["day"] - table["cutoff"]).dt.days, table["step"])
    truth = y[list(zip(table["shop"], table["day"]))]
    np.testing.assert_array_equal(table["y_true"], truth)
    assert sorted(table["cutoff"].dt.day.unique()) == [14, 16, 18]


def test_without_a_new_fit_the_history_still_grows(panel):
    X, y = panel
    cv = PanelTimeSeriesSplit(4, horizon=2)
    every = backtest(naive(), X, y, cv=cv, verbose=0)
    for refit in (False, 2):
        pd.testing.assert_frame_equal(backtest(naive(), X, y, cv=cv, refit=refit, verbose=0), every)


def across_gaps(model, X, y):
    """Backtest over gaps of three days, on calendars with a promotion that adds five."""
    cv = PanelTimeSeriesSplit(3, horizon=2, gap=3)
    return backtest(model, X, y, cv=cv, verbose=0), cv


def promoted(panel):
    """Return the panel with promotions and their effect in the target."""
    X, y = panel
    X = X.assign(promo=np.random.default_rng(1).integers(0, 2, len(X)) * 1.0)
    return X, y + 5 * X["promo"]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        lambda model: TransformedTargetRegressor(model, func=np.negative, inverse_func=np.negative),
        lambda model: GridSearchCV(
            model, {"window": [1]}, cv=PanelTimeSeriesSplit(2), error_score="raise"
        ),
    ],
)
def test_what_is_known_ahead_in_a_gap_is_used(panel, wrap):
    X, y = promoted(panel)
    exact = WindowForecaster(
        LinearRegression(), window=1, columns=["promo"], past_columns=["promo"]
    )
    table, _ = across_gaps(wrap(exact), X, y)
    np.testing.assert_allclose(table["y_pred"], table["y_true"])
    assert sorted(table["step"].unique()) == [4, 5]
    table, _ = across_gaps(naive(), X, y)
    lasting = y[list(zip(table["shop"], table["cutoff"]))]
    np.testing.assert_array_equal(table["y_pred"], lasting)


def test_a_row_missing_in_a_gap_is_named_if_its_series_is_asked_for(panel):
    X, y = promoted(panel)
    ridge = WindowForecaster(Ridge(), window=1)
    day = X.index.get_level_values("day").day
    of_b = X.index.get_level_values("shop") == "b"
    hole = of_b & (day == 14)
    with pytest.raises(ValueError, match="'promo' is known ahead, but missing in series b at time"):
        across_gaps(ridge, X[~hole], y[~hole])
    end = of_b & (day >= 14)
    table, _ = across_gaps(ridge, X[~end], y[~end])
    assert table["shop"].tolist() == ["a"] * 6
    assert table["y_pred"].notna().all()


def test_features_of_the_past_do_not_see_a_gap(panel):
    X, y = promoted(panel)
    pipe = make_pipeline(LagFeatures([0, 1]), SimpleImputer(), Ridge())
    table, cv = across_gaps(pipe, X, y)
    train, test = next(cv.split(X))
    alone = pipe.fit(X.iloc[train], y.iloc[train]).predict(X.iloc[test])
    np.testing.assert_array_equal(table.loc[table["fold"] == 0, "y_pred"], alone)


def test_jobs_and_missing_truths_change_nothing_else(panel):
    X, y = panel
    cv = PanelTimeSeriesSplit(3, horizon=2)
    one = backtest(Ridge(), X, y, cv=cv, verbose=0)
    two = backtest(Ridge(), X, y, cv=cv, verbose=0, n_jobs=2)
    pd.testing.assert_frame_equal(one, two)
    gone = y.copy()
    gone[("a", pd.Timestamp("2024-01-20"))] = np.nan
    table = backtest(naive(), X, gone, cv=cv, verbose=0)
    assert table["y_true"].isna().sum() == 1
    assert table["y_pred"].notna().all()


def test_an_estimator_that_cannot_be_updated_must_be_fitted_again(panel):
    X, y = panel
    pipe = make_pipeline(LagFeatures([0, 1]), DummyRegressor())
    cv = PanelTimeSeriesSplit(2, horizon=2)
    with pytest.raises(ValueError, match=r"no update\(X, y\).*use refit=True"):
        backtest(pipe, X, y, cv=cv, refit=False, verbose=0)
    assert len(backtest(pipe, X, y, cv=cv, verbose=0)) == 8


def test_what_leaks_is_refused(panel):
    X, y = panel
    with pytest.raises(ValueError, match="trains on rows that are not older than its test rows"):
        backtest(Ridge(), X, y, cv=KFold(3), verbose=0)
    with pytest.raises(ValueError, match="refit must be a bool or an integer"):
        backtest(Ridge(), X, y, cv=PanelTimeSeriesSplit(2), refit=0, verbose=0)


def regime(seed=0, n=180, at=100):
    """Return a series whose dependence on its input turns at some time."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=n)}, pd.date_range("2024-01-01", periods=n, name="day"))
    slope = np.where(np.arange(n) < at, 1.0, -3.0)
    return X, slope * X["a"].to_numpy() + 0.3 * rng.normal(size=n)


def test_backtest_fits_again_when_errors_drift():
    X, y = regime()
    cv = PanelTimeSeriesSplit(120, max_train=40)
    model = WindowForecaster(Ridge(), window=1)
    table = backtest(model, X, y, cv=cv, refit="on-drift", verbose=0)
    fits = table.loc[table["refit"], "fold"].tolist()
    assert fits[0] == 0
    assert 40 < fits[1] <= 60  # the change comes with fold 40
    assert len(fits) < 20  # until most of what is learned from is new
    never = backtest(model, X, y, cv=cv, refit=False, verbose=0)
    off = (table["y_true"] - table["y_pred"]).abs()[80:]
    assert off.mean() < 0.5 * (never["y_true"] - never["y_pred"]).abs()[80:].mean()
    assert list(never) == [name for name in table if name != "refit"]


def test_backtest_takes_a_monitor_and_shows_it_inputs():
    X, y = regime(at=1000)
    X["a"] += np.where(np.arange(180) < 100, 0, 5.0)
    keyed = X.reset_index()
    for table, keys in ((X, {}), (keyed, {"time": "day"})):
        cv = PanelTimeSeriesSplit(14, horizon=10, **keys)
        model = WindowForecaster(Ridge(), window=1, **keys)
        monitor = DriftMonitor(watch=["inputs"])
        done = backtest(model, table, y, cv=cv, refit=monitor, verbose=0)
        assert done.groupby("fold")["refit"].first().to_numpy().nonzero()[0].tolist()[:2] == [0, 7]
        assert not hasattr(monitor, "report_")
    with pytest.raises(ValueError, match="'on-drift' or a DriftMonitor, got 'sometimes'"):
        backtest(model, table, y, cv=cv, refit="sometimes", verbose=0)
