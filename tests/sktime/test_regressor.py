"""SktimeRegressor: what sktime forecasts, on keyed tables."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sktime.forecasting.ardl import ARDL
from sktime.forecasting.compose import DirectReductionForecaster, make_reduction
from sktime.forecasting.exp_smoothing import ExponentialSmoothing
from sktime.forecasting.fbprophet import Prophet
from sktime.forecasting.naive import NaiveForecaster
from sktime.forecasting.theta import ThetaForecaster
from sktime.forecasting.trend import PolynomialTrendForecaster, TrendForecaster

from sklearn_tsrec import PanelTimeSeriesSplit, WindowForecaster
from sklearn_tsrec.datasets import make_panel
from sklearn_tsrec.ensemble import TemporalStackingRegressor
from sklearn_tsrec.model_selection import backtest
from sklearn_tsrec.sktime import SktimeRegressor, TsrecForecaster


def panel(cut=34, **options):
    """Return a panel of the past and one of the future, rows in no order."""
    X, y = make_panel(3, 40, random_state=0, **options)
    keep = np.random.default_rng(0).permutation(len(X))
    X, y = X.iloc[keep], y.iloc[keep]
    times = X.index.get_level_values(-1)
    past = times < times.unique().sort_values()[cut]
    return X[past], y[past], X[~past], y[~past]


@pytest.mark.parametrize(
    "forecaster",
    [NaiveForecaster(sp=4), ThetaForecaster(sp=7), ExponentialSmoothing(trend="add")],
    ids=lambda f: type(f).__name__,
)
@pytest.mark.parametrize("freq", ["D", "MS", "QE-FEB", "YS-APR", "2MS", "h", "B"])
def test_forecasts_are_those_of_sktime_series_by_series(forecaster, freq):
    X, y, X_next, _ = panel(freq=freq)
    regressor = SktimeRegressor(forecaster).fit(X[[]], y)
    forecast = pd.Series(regressor.predict(X_next[[]]), X_next.index).sort_index()
    fitted = pd.Series(regressor.predict(X[[]]), X.index).sort_index()
    for series in range(3):
        one = y.xs(series).sort_index().reset_index(drop=True)
        theirs = forecaster.clone().fit(one)
        want = theirs.predict(fh=np.arange(1, 7))
        np.testing.assert_allclose(forecast[series], want, rtol=1e-8)
        np.testing.assert_allclose(
            fitted[series], theirs.predict(fh=np.arange(-33, 1)), rtol=1e-8, equal_nan=True
        )


def test_columns_known_ahead_and_their_holes():
    X, y, X_next, _ = panel(noise=0, period=[])
    reduction = make_reduction(LinearRegression(), window_length=2, strategy="recursive")
    regressor = SktimeRegressor(reduction).fit(X, y)
    last = X_next[X_next.index.get_level_values(-1) == X_next.index.get_level_values(-1).max()]
    with pytest.raises(ValueError, match="Input X contains NaN"):  # said by its regression
        regressor.predict(last)
    with pytest.raises(ValueError, match="column 'x0' is missing in series 0 at 2024-02-04"):
        SktimeRegressor(ARDL(lags=1)).fit(X, y).predict(last)
    forecast = pd.Series(regressor.predict(X_next), X_next.index)
    for series in range(3):
        one = y.xs(series).sort_index().asfreq("D")
        table, ahead = (t.xs(series).sort_index().asfreq("D") for t in (X, X_next))
        want = reduction.clone().fit(one, X=table).predict(fh=range(1, 7), X=ahead)
        np.testing.assert_allclose(forecast[series].sort_index(), want)


def test_quantiles_where_sktime_gives_them():
    X, y, X_next, _ = panel()
    regressor = SktimeRegressor(NaiveForecaster()).fit(X[[]], y)
    quantiles = regressor.predict_quantiles(X_next[[]], [0.1, 0.5, 0.9])
    row = X_next.index[0]
    one = NaiveForecaster().fit(y.xs(row[0]).sort_index().asfreq("D"))
    want = one.predict_quantiles(fh=range(1, 7), alpha=[0.1, 0.5, 0.9]).loc[row[1]]
    np.testing.assert_allclose(quantiles[0], want)
    assert not hasattr(SktimeRegressor(TrendForecaster()), "predict_quantiles")
    with pytest.raises(ValueError, match=r"quantiles=\[1.5\]"):
        regressor.predict_quantiles(X_next[[]], [1.5])


def test_nested_parameters_are_searched():
    X, y, *_ = panel(trend=1.0, noise=0.0, period=[], effects=())
    search = GridSearchCV(
        SktimeRegressor(PolynomialTrendForecaster()),
        {"forecaster__degree": [0, 1], "forecaster__regressor": [LinearRegression()]},
        cv=PanelTimeSeriesSplit(2, horizon=3),
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_["forecaster__degree"] == 1
    again = clone(search.best_estimator_).set_params(forecaster__degree=0)
    assert again.forecaster.degree == 0
    assert search.best_estimator_.forecaster.degree == 1


def test_series_are_fitted_in_parallel():
    X, y, X_next, _ = panel()
    one = SktimeRegressor(ThetaForecaster(sp=7)).fit(X, y)
    with parallel_config("threading"):
        two = SktimeRegressor(ThetaForecaster(sp=7), n_jobs=2).fit(X, y)
        np.testing.assert_array_equal(one.predict(X_next), two.predict(X_next))


def test_forecasters_that_must_know_the_horizon():
    X, y, X_next, _ = panel(effects=())
    direct = DirectReductionForecaster(LinearRegression(), window_length=3)
    with pytest.raises(ValueError, match="DirectReductionForecaster needs to know.*horizon="):
        SktimeRegressor(direct).fit(X, y)
    regressor = SktimeRegressor(direct, horizon=6).fit(X, y)
    forecast = pd.Series(regressor.predict(X_next), X_next.index)
    one = y.xs(1).sort_index().asfreq("D")
    want = direct.clone().fit(one, fh=range(1, 7)).predict()
    np.testing.assert_allclose(forecast[1].sort_index(), want)
    assert np.isnan(regressor.predict(X)).all()
    with pytest.raises(ValueError, match="lies 6 steps ahead.*horizon=4"):
        SktimeRegressor(direct, horizon=4).fit(X, y).predict(X_next)


def test_the_rest_of_a_fixed_horizon_needs_no_columns():
    X, y, X_next, _ = panel()
    direct = SktimeRegressor(DirectReductionForecaster(LinearRegression(), 3), horizon=6)
    first = X_next[X_next.index.get_level_values(-1) == X_next.index.get_level_values(-1).min()]
    direct.fit(X, y)
    whole = pd.Series(direct.predict(X_next), X_next.index)
    np.testing.assert_allclose(direct.predict(first), whole[first.index])


def test_holes_reach_only_forecasters_that_take_them():
    X, y, X_next, _ = panel(effects=())
    y = y.sort_index()
    X = X.reindex(y.index)
    y.iloc[5] = np.nan
    with pytest.raises(ValueError, match="the target is missing in series 0 at 2024-01-06"):
        SktimeRegressor(TrendForecaster()).fit(X, y)
    regressor = SktimeRegressor(NaiveForecaster(strategy="mean")).fit(
        X.drop(X.index[3]), y.drop(y.index[3])
    )
    forecast = pd.Series(regressor.predict(X_next), X_next.index)
    np.testing.assert_allclose(forecast[0], y[0].drop(y[0].index[3]).mean())


def test_forecasts_start_after_the_last_known_target():
    X, y, X_next, _ = panel(effects=())
    late = y.where(y.index.get_level_values(-1) < pd.Timestamp("2024-02-01"))
    forecaster = NaiveForecaster(strategy="drift")
    regressor = SktimeRegressor(forecaster).fit(X, late)
    forecast = pd.Series(regressor.predict(X_next), X_next.index)[2].sort_index()
    want = forecaster.clone().fit(late.xs(2).dropna().sort_index().asfreq("D"))
    np.testing.assert_allclose(forecast, want.predict(fh=range(4, 10)))


def test_unknown_series_get_the_mean_and_a_warning():
    X, y, X_next, _ = panel(effects=())
    old = X.index.get_level_values(0) < 2
    regressor = SktimeRegressor().fit(X[old], y[old])
    with pytest.warns(UserWarning, match="1 series have no known target in fit, first 2"):
        forecast = regressor.predict(X_next)
    new = X_next.index.get_level_values(0) == 2
    np.testing.assert_allclose(forecast[new], y[old].mean())


def test_events_are_counted():
    X = pd.DataFrame({"t": [0.5, 3.0, 3.1, 9.0]})
    regressor = SktimeRegressor(TrendForecaster(), time="t", freq=None).fit(X, [1, 2, 3, 4])
    np.testing.assert_allclose(regressor.predict(pd.DataFrame({"t": [20.0, 10.0, 9.0]})), [6, 5, 4])


def test_time_zones_and_keys_in_columns():
    X, y, X_next, _ = panel(effects=())
    plain = SktimeRegressor(ThetaForecaster(sp=7)).fit(X, y).predict(X_next)
    for freq_zone in ("Europe/Berlin", "UTC"):
        tables = [t.index.to_frame(index=False) for t in (X, X_next)]
        for table in tables:
            table["time"] = table["time"].dt.tz_localize(freq_zone)
        regressor = SktimeRegressor(ThetaForecaster(sp=7), group="series", time="time")
        np.testing.assert_allclose(regressor.fit(tables[0], y).predict(tables[1]), plain)


def test_backtests_walk_across_gaps():
    X, y, *_ = panel()
    cv = PanelTimeSeriesSplit(2, horizon=2, gap=2)
    table = backtest(SktimeRegressor(NaiveForecaster()), X, y, cv=cv, verbose=0)
    cutoff = table["cutoff"].iloc[0]
    assert (
        table.loc[table["fold"] == 0, "y_pred"].to_numpy()[:1] == y[table["series"][0]][cutoff]
    ).all()
    with pytest.raises(ValueError, match="refit=True"):
        backtest(SktimeRegressor(), X, y, cv=cv, refit=False, verbose=0)


def test_columns_for_a_forecaster_that_does_not_look():
    X, y, *_ = panel()
    with pytest.raises(ValueError, match=r"columns=x0, but NaiveForecaster does not look"):
        SktimeRegressor(NaiveForecaster(), columns="x0").fit(X, y)


@pytest.mark.filterwarnings("ignore:.*prophet.*:UserWarning")
def test_a_missing_package_is_named():
    X, y, *_ = panel()
    with pytest.raises(ImportError, match="prophet"):
        SktimeRegressor(Prophet()).fit(X, y)


def test_stacks_of_their_members_and_ours():
    X, y, X_next, _ = panel(effects=())
    members = [
        ("theirs", SktimeRegressor(NaiveForecaster(sp=7))),
        ("trend", SktimeRegressor(TrendForecaster())),
        ("ours", WindowForecaster(LinearRegression(), window=7)),
    ]
    cv = PanelTimeSeriesSplit(2, horizon=3)
    stack = TemporalStackingRegressor(members, cv=cv, weights="nnls").fit(X, y)
    weights = stack.weights_.iloc[:, 0]
    assert weights.sum() == pytest.approx(1)
    assert weights["ours"] > 0.9  # it knows the season, and averages the noise out
    forecasts = np.column_stack([member.fit(X, y).predict(X_next) for _, member in members])
    np.testing.assert_allclose(stack.predict(X_next), forecasts @ weights)
    only = TsrecForecaster(stack).fit(y.sort_index().to_frame()).predict(fh=range(1, 7))
    np.testing.assert_allclose(only["y"], stack.predict(only[[]]))
