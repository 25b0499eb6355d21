"""TsrecForecaster: the same numbers as in scikit-learn, and sktime's interface around them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sktime.base import load
from sktime.forecasting.base import ForecastingHorizon
from sktime.forecasting.naive import NaiveForecaster

from sklearn_tsrec import (
    ConformalForecaster,
    LagFeatures,
    PanelTimeSeriesSplit,
    WindowForecaster,
)
from sklearn_tsrec.datasets import make_panel
from sklearn_tsrec.sktime import TsrecForecaster


def panel(n_series=3, n_times=40, cut=34, **options):
    """Return y and X of the past and of the future, as sktime wants them."""
    X, y = make_panel(n_series, n_times, random_state=0, **options)
    times = X.index.get_level_values(-1)
    past = times < times.unique().sort_values()[cut]
    y = y.to_frame()
    return y[past], y[~past], X[past], X[~past]


# ---- the same forecasts in both worlds


@pytest.mark.parametrize(
    "freq", ["h", "15min", "D", "B", "W-MON", "MS", "ME", "QS-JAN", "QE-DEC", "YS-JAN"]
)
@pytest.mark.parametrize("horizon", [1, 4])
def test_forecasts_are_those_of_the_window_forecaster(freq, horizon):
    y, _, X, X_next = panel(freq=freq, ragged=0.2, cut=-6)
    plain = WindowForecaster(
        Ridge(), window=5, horizon=horizon, target_transform="scale", freq=freq
    ).fit(X, y["y"])
    forecaster = TsrecForecaster(
        Ridge(), window=5, horizon=horizon, target_transform="scale", freq=freq
    )
    forecast = forecaster.fit(y, X=X).predict(fh=range(1, 7), X=X_next)
    assert forecast.index.equals(X_next.index)
    np.testing.assert_allclose(forecast["y"], plain.predict(X_next), rtol=1e-8)
    periods = TsrecForecaster(Ridge(), window=5, horizon=horizon, target_transform="scale")
    if freq not in ("B", "15min"):
        as_period = [table.copy() for table in (y, X, X_next)]
        for table in as_period:
            levels = [table.index.levels[0], table.index.levels[1].to_period()]
            table.index = table.index.set_levels(levels)
        again = periods.fit(as_period[0], X=as_period[1]).predict(range(1, 7), X=as_period[2])
        np.testing.assert_allclose(again["y"], forecast["y"], rtol=1e-8)


def test_a_window_forecaster_and_its_parts_are_the_same():
    y, _, X, X_next = panel()
    parts = TsrecForecaster(Ridge(), window=[1, 7], target_transform="last")
    whole = TsrecForecaster(WindowForecaster(Ridge(), window=[1, 7], target_transform="last"))
    one, two = (f.fit(y, X=X).predict(fh=[1, 2, 3], X=X_next) for f in (parts, whole))
    pd.testing.assert_frame_equal(one, two)
    assert whole.get_params()["estimator__estimator__alpha"] == 1.0


def test_searches_and_pipelines_of_features_are_used_as_they_are():
    y, _, X, X_next = panel()
    search = GridSearchCV(
        WindowForecaster(window=3), {"window": [2, 7]}, cv=PanelTimeSeriesSplit(2, horizon=3)
    )
    forecast = TsrecForecaster(search).fit(y, X=X).predict(fh=[1, 2], X=X_next)
    plain = search.fit(X, y["y"]).predict(X_next)
    np.testing.assert_allclose(forecast["y"], plain.reshape(3, 6)[:, :2].ravel())
    pipe = make_pipeline(
        LagFeatures([7], target=True, horizon=7), HistGradientBoostingRegressor(max_iter=2)
    )
    forecast = TsrecForecaster(pipe).fit(y, X=X).predict(fh=[2, 5], X=X_next)
    plain = pipe.fit(X, y["y"]).predict(X_next).reshape(3, 6)
    np.testing.assert_allclose(forecast["y"], plain[:, [1, 4]].ravel())


def test_hierarchies_are_one_model():
    y, y_next, *_ = panel(4)
    for table in (y, y_next):
        store = table.index.get_level_values(0)
        arrays = ["r" + (store // 2).astype(str), store, table.index.get_level_values(1)]
        table.index = pd.MultiIndex.from_arrays(arrays, names=["region", "store", "day"])
    forecast = TsrecForecaster(Ridge(), window=7).fit(y).predict(fh=range(1, 7))
    assert forecast.index.equals(y_next.index)
    plain = WindowForecaster(Ridge(), window=7).fit(y[[]], y["y"])
    np.testing.assert_allclose(forecast["y"], plain.predict(y_next[[]]))


# ---- horizons


def test_all_kinds_of_horizons_agree():
    y = panel(1)[0].xs(0)["y"]
    forecaster = TsrecForecaster(Ridge(), window=3).fit(y)
    relative = forecaster.predict(fh=[-2, 0, 2])
    dates = y.index[-1] + pd.to_timedelta([-2, 0, 2], "D")
    pd.testing.assert_series_equal(forecaster.predict(fh=pd.DatetimeIndex(dates)), relative)
    deltas = ForecastingHorizon(pd.to_timedelta([-2, 0, 2], "D"), freq="D")
    np.testing.assert_array_equal(forecaster.predict(fh=deltas), relative)
    plain = WindowForecaster(Ridge(), window=3).fit(y.to_frame()[[]], y)
    np.testing.assert_allclose(relative, plain.predict(pd.DataFrame(index=dates)))


def test_steps_count_from_the_last_time_of_all_series():
    y, *_ = panel(2)
    short = y.drop(y.xs(1, drop_level=False).index[-3:])
    forecast = TsrecForecaster(Ridge(), window=3).fit(short).predict(fh=[1])
    last = y.index.get_level_values(-1).max()
    assert list(forecast.index) == [(s, last + pd.Timedelta("1D")) for s in (0, 1)]
    plain = WindowForecaster(Ridge(), window=3).fit(short[[]], short["y"])
    np.testing.assert_allclose(forecast["y"], plain.predict(forecast[[]]))


def test_a_calendar_with_holes():
    y = panel(1)[0].xs(0)["y"].drop(pd.Timestamp("2024-01-20"))
    y.index.freq = None
    forecast = TsrecForecaster(HistGradientBoostingRegressor(), window=3).fit(y).predict(fh=[1, 3])
    assert list(forecast.index) == list(y.index[-1] + pd.to_timedelta([1, 3], "D"))


# ---- exogenous columns


def test_columns_may_have_gaps_for_a_regressor_that_takes_nan():
    y, _, X, X_next = panel()
    forecaster = TsrecForecaster(HistGradientBoostingRegressor(max_iter=3), window=3)
    assert forecaster.get_tag("capability:non_contiguous_X")
    some = X_next.groupby(level=0, group_keys=False).nth([1, 4])
    forecast = forecaster.fit(y, X=X.drop(X.index[5])).predict(fh=[2, 5], X=some)
    gaps = X.copy()
    gaps.iloc[5] = np.nan
    plain = WindowForecaster(HistGradientBoostingRegressor(max_iter=3), window=3)
    np.testing.assert_allclose(forecast["y"], plain.fit(gaps, y["y"]).predict(some))
    assert not TsrecForecaster(Ridge()).get_tag("capability:non_contiguous_X")


def test_steps_in_between_see_what_is_known_of_them():
    y, _, X, X_next = panel(noise=0)
    forecaster = TsrecForecaster(LinearRegression(), window=8).fit(y, X=X)
    whole = forecaster.predict(fh=range(1, 7), X=X_next)["y"]
    last = forecaster.predict(fh=[6], X=X_next)["y"]
    np.testing.assert_allclose(last, whole.to_numpy().reshape(3, 6)[:, 5])
    everything = forecaster.predict(fh=[6], X=pd.concat([X, X_next]).sort_index())["y"]
    np.testing.assert_allclose(everything, last)


# ---- uncertainty


class Spread(RegressorMixin, BaseEstimator):
    """A regressor with quantiles: the last value, and its multiples."""

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.asarray(X)[:, -1]

    def predict_quantiles(self, X, quantiles):
        return np.asarray(X)[:, -1:] * np.asarray(quantiles)


def test_quantiles_are_those_of_the_estimator():
    y = pd.Series(np.arange(10.0), name="sales")
    forecaster = TsrecForecaster(Spread(), window=2).fit(y)
    quantiles = forecaster.predict_quantiles(fh=[1, 2], alpha=[0.2, 0.5])
    assert list(quantiles.columns) == [("sales", 0.2), ("sales", 0.5)]
    np.testing.assert_allclose(quantiles, [[1.8, 4.5], [1.8, 4.5]])
    interval = forecaster.predict_interval(fh=[1], coverage=0.6)
    np.testing.assert_allclose(interval, [[1.8, 7.2]])
    from scipy.stats import norm

    np.testing.assert_allclose(
        forecaster.predict_var(fh=[1]), [[(4.5 / (2 * norm.ppf(0.75))) ** 2]]
    )


def test_intervals_hold_about_as_many_targets_as_they_say():
    y, y_next, X, X_next = panel(40, 90, cut=84, noise=1.0)
    forecaster = TsrecForecaster(LinearRegression(), window=7).fit(y, X=X)
    low, high = forecaster.predict_interval(range(1, 7), X=X_next, coverage=0.8).to_numpy().T
    covered = ((low <= y_next["y"]) & (y_next["y"] <= high)).mean()
    assert 0.74 < covered < 0.86
    again = forecaster.predict_interval(range(1, 7), X=X_next, coverage=0.8)
    np.testing.assert_array_equal(again.to_numpy().T[0], low)


def test_conformal_forecasters_bring_their_own():
    y, y_next, X, X_next = panel(10, 60, cut=54)
    conformal = ConformalForecaster(
        WindowForecaster(LinearRegression(), window=7), cv=PanelTimeSeriesSplit(6, horizon=3)
    )
    forecaster = TsrecForecaster(conformal).fit(y, X=X)
    want = conformal.fit(X, y["y"])
    quantiles = forecaster.predict_quantiles(fh=range(1, 4), X=X_next, alpha=[0.1, 0.9])
    rows = X_next.loc[quantiles.index]
    np.testing.assert_allclose(quantiles, want.predict_quantiles(rows, [0.1, 0.9]))
    forecaster.update(y_next.loc[rows.index], X=rows)
    want.update(rows, y_next.loc[rows.index, "y"])
    late = X_next.drop(rows.index)
    np.testing.assert_allclose(
        forecaster.predict(fh=range(1, 4), X=late)["y"], want.predict(late), rtol=1e-8
    )


def test_intervals_widen_with_the_scale_of_a_series():
    y, *_ = panel(2)
    y.loc[1] = (y.loc[0] * 10).to_numpy()
    interval = TsrecForecaster(Ridge(), window=3, target_transform="scale").fit(y)
    width = interval.predict_interval(fh=[1, 2]).diff(axis=1).iloc[:, 1].to_numpy()
    np.testing.assert_allclose(width[2:], 10 * width[:2], rtol=1e-6)


# ---- update, pretrain, save


def test_update_remembers_and_learns_where_it_can():
    y, y_next, X, X_next = panel()
    forecaster = TsrecForecaster(Ridge(), window=3).fit(y, X=X)
    early, late = (X_next.groupby(level=0, group_keys=False).nth(s) for s in (slice(3), [3]))
    forecaster.update(y_next.loc[early.index], X=early)
    plain = WindowForecaster(Ridge(), window=3).fit(X, y["y"])
    plain.update(early, y_next.loc[early.index, "y"])
    np.testing.assert_allclose(forecaster.predict(fh=1, X=late)["y"], plain.predict(late))

    online = TsrecForecaster(SGDRegressor(random_state=0), window=3, target_transform="scale")
    frozen = online.clone().fit(y).update(y_next, update_params=False)
    learned = online.clone().fit(y).update(y_next)
    start = frozen.forecaster_.estimator_.coef_
    assert (learned.forecaster_.estimator_.coef_ != start).any()
    coef = learned.forecaster_.estimator_.coef_.copy()
    learned.update(y_next)  # the same rows again teach nothing new
    np.testing.assert_array_equal(learned.forecaster_.estimator_.coef_, coef)


def test_update_fits_again_what_cannot_be_shown_rows():
    y, y_next, X, X_next = panel()
    pipe = make_pipeline(LagFeatures([7], target=True, horizon=7), HistGradientBoostingRegressor())
    forecaster = TsrecForecaster(pipe).fit(y, X=X)
    with pytest.raises(ValueError, match=r"Pipeline has no update.*update_params=True"):
        forecaster.update(y_next, X=X_next, update_params=False)
    forecaster.update(y_next, X=X_next)
    rows = X_next.groupby(level=0, group_keys=False).nth([5])
    whole = pipe.fit(pd.concat([X, X_next]), pd.concat([y, y_next])["y"])
    np.testing.assert_allclose(forecaster.predict(fh=[0], X=rows)["y"], whole.predict(rows))


def test_pretrained_weights_forecast_other_series_on_another_calendar():
    y, *_ = panel(5)
    forecaster = TsrecForecaster(Ridge(), window=3, target_transform="scale").pretrain(y)
    coef = forecaster.pretrained_.estimator_.coef_.copy()
    months = pd.Series(
        [3.0, 5.0, 4.0, 6.0], pd.period_range("2024-01", periods=4, freq="M"), name="new"
    )
    forecast = forecaster.fit(months).predict(fh=[1, 2])
    np.testing.assert_array_equal(forecaster.forecaster_.estimator_.coef_, coef)
    window = np.array([[5.0, 4.0, 6.0]]) / 5
    np.testing.assert_allclose(
        forecast.iloc[0], 5 * forecaster.pretrained_.estimator_.predict(window)[0]
    )
    assert forecast.name == "new"
    with pytest.raises(ValueError, match="after pretrain no errors"):
        forecaster.predict_interval(fh=1)


def test_pretraining_again_goes_on_where_the_regressor_can():
    y, *_ = panel(4)
    online = TsrecForecaster(SGDRegressor(random_state=0), window=3, target_transform="scale")
    coef = online.pretrain(y).pretrained_.estimator_.coef_.copy()
    steps = online.pretrained_.estimator_.t_
    online.pretrain(y)
    assert online.pretrained_.estimator_.t_ > steps
    assert (online.pretrained_.estimator_.coef_ != coef).any()


def test_save_and_load(tmp_path):
    y = pd.Series(np.arange(20.0) % 5)
    forecaster = TsrecForecaster(Ridge(), window=5).fit(y)
    forecaster.save(tmp_path / "forecaster")
    again = load(tmp_path / "forecaster.zip")
    pd.testing.assert_series_equal(again.predict(fh=[1, 2]), forecaster.predict(fh=[1, 2]))


# ---- shortcuts


@pytest.mark.parametrize(
    "forecaster",
    [
        TsrecForecaster.pretrained(window=14, horizon=3, period=7),
        TsrecForecaster.lightgbm(7, n_estimators=20),
        TsrecForecaster.stack(7, horizon=3),
    ],
    ids=["pretrained", "lightgbm", "stack"],
)
def test_shortcuts_forecast_seasons_better_than_the_last_value(forecaster):
    y, y_next, *_ = panel(2, 60, cut=54, effects=(), noise=0.1)
    forecast = forecaster.fit(y).predict(fh=range(1, 7))
    naive = NaiveForecaster().fit(y).predict(fh=range(1, 7))
    assert np.abs(forecast - y_next).mean()["y"] < np.abs(naive - y_next).mean()["y"] / 3


def test_shortcuts_without_a_season():
    assert TsrecForecaster.lightgbm().target_transform == ["last", "scale"]
    assert TsrecForecaster.lightgbm(num_leaves=3).estimator.num_leaves == 3
    names = [name for name, _ in TsrecForecaster.stack().estimator.estimators]
    assert names == ["linear", "boosting", "last_season"]


# ---- bad input


def test_horizons_before_the_data_raise():
    forecaster = TsrecForecaster(window=2).fit(pd.Series(np.arange(9.0)))
    with pytest.raises(ValueError, match="fh asks for -1, but the data begin at 0"):
        forecaster.predict(fh=[-9, 1])


def test_irregular_times_and_unsupported_indexes_raise():
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(np.arange(1, 12) ** 2), "h")
    with pytest.raises(ValueError, match="irregular.*Give freq='h'"):
        TsrecForecaster(window=2).fit(pd.Series(np.arange(11.0), times))
    with pytest.raises(TypeError, match="index"):
        TsrecForecaster(window=2).fit(pd.Series(np.arange(3.0), list("abc")))


def test_columns_of_the_future_must_be_there():
    y, y_next, X, X_next = panel()
    forecaster = TsrecForecaster(Ridge(), window=3).fit(y, X=X)
    with pytest.raises(ValueError, match=r"X is missing: the columns \['x0'\]"):
        forecaster.predict(fh=[1])
    with pytest.raises(ValueError, match="no rows of 1 of the 3 series that were fitted, first 2"):
        forecaster.predict(fh=[1], X=X_next.drop(2))
    with pytest.raises(ValueError, match="'x0' is known ahead, but missing in series 0"):
        forecaster.predict(fh=[7], X=X_next)
    with pytest.raises(ValueError, match="no X is given here, but X in fit"):
        forecaster.update(y_next)
    with pytest.raises(ValueError, match="X is given here, but no X in fit"):
        TsrecForecaster(Ridge(), window=3).fit(y).update(y_next, X=X_next)


def test_windows_are_set_in_one_place():
    y, *_ = panel()
    forecaster = TsrecForecaster(WindowForecaster(window=5), horizon=3)
    with pytest.raises(ValueError, match="horizon=3 is given, but WindowForecaster makes windows"):
        forecaster.fit(y)


def test_pretraining_and_fitting_need_the_same_columns():
    y, _, X, _ = panel()
    forecaster = TsrecForecaster(Ridge(), window=3).pretrain(y, X=X)
    with pytest.raises(ValueError, match="the regressor was fitted to the columns"):
        forecaster.fit(y)


def test_too_few_times_for_errors():
    forecaster = TsrecForecaster(Ridge(), window=1).fit(pd.Series([1.0, 2, 3, 4]))
    with pytest.raises(ValueError, match="4 times are too few"):
        forecaster.predict_interval(fh=[1, 2])
