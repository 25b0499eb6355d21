"""WindowForecaster against a slow, obvious reference, and its rules one by one."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
from tests.forecasting.reference import OldestValue, SumOfAll, make_panel, split


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(3, 12), min_size=1, max_size=3),
    window=st.integers(1, 3),
    horizon=st.integers(1, 3),
    n_test=st.integers(1, 7),
    seed=st.integers(0, 1000),
)
def test_forecasts_equal_a_slow_reference(lengths, window, horizon, n_test, seed):
    rng = np.random.default_rng(seed)
    rows, future, want = [], [], []
    for g, length in enumerate(lengths):
        values = rng.normal(size=length).round(2).tolist()
        rows += [(g, t, v) for t, v in enumerate(values)]
        for _ in range(0, n_test, horizon):
            first = values[-window] if len(values) >= window else np.nan
            values += [first + h for h in range(horizon)]
        future += [(g, length + s) for s in range(n_test)]
        want += values[length : length + n_test]
    train = pd.DataFrame(rows, columns=["g", "t", "y"]).sample(frac=1, random_state=seed)
    test = pd.DataFrame(future, columns=["g", "t"])
    shuffle = rng.permutation(len(test))
    forecaster = WindowForecaster(
        OldestValue(), window=window, horizon=horizon, group="g", time="t", freq=1
    )
    assume(max(lengths) >= window + horizon)
    forecaster.fit(train[["g", "t"]], train["y"])
    actual = forecaster.predict(test.iloc[shuffle])
    np.testing.assert_allclose(actual, np.array(want)[shuffle])


@pytest.mark.parametrize("horizon", [1, 3, 8])
@pytest.mark.parametrize(
    ("target_transform", "expected"),
    [
        ("last", lambda history, h: history[-1]),
        (["scale", "last"], lambda history, h: history[-1]),
        ("difference", lambda history, h: history[-1]),
        ("seasonal", lambda history, h: history[len(history) - 7 + (h % 7)]),
        (["seasonal", "scale"], lambda history, h: history[len(history) - 7 + (h % 7)]),
        ("last_season", lambda history, h: history[len(history) - 7 + (h % 7)]),
    ],
)
def test_zero_after_a_transform_is_the_naive_forecast(horizon, target_transform, expected):
    X, y = make_panel()
    X_train, X_test, y_train, _ = split(X, y, 10)
    zero = DummyRegressor(strategy="constant", constant=0 if horizon == 1 else np.zeros(horizon))
    forecaster = WindowForecaster(
        zero, window=7, horizon=horizon, target_transform=target_transform, period=7
    ).fit(X_train, y_train)
    got = pd.Series(forecaster.predict(X_test), X_test.index).sort_index()
    for store, forecast in got.groupby("store"):
        history = y_train.sort_index().loc[store].to_numpy()
        want = [expected(history, h) for h in range(len(forecast))]
        np.testing.assert_allclose(forecast, want)


@pytest.mark.parametrize(
    "target_transform", ["last", "last_season", "scale", "difference", "seasonal"]
)
@pytest.mark.parametrize("horizon", [1, 4])
def test_transforms_are_undone_exactly(target_transform, horizon):
    X, y = make_panel()
    memory = KNeighborsRegressor(n_neighbors=1)
    forecaster = WindowForecaster(
        memory, window=5, horizon=horizon, target_transform=target_transform, period=3
    ).fit(X, y)
    fitted = pd.Series(forecaster.predict(X), X.index).sort_index()
    truth = y.sort_index()
    late = truth.groupby("store").cumcount() >= 8
    early = truth[::-1].groupby("store").cumcount()[::-1] >= horizon
    np.testing.assert_allclose(fitted[late & early], truth[late & early])


def test_a_season_and_a_known_promotion_are_learned():
    X, y = make_panel()
    X_train, X_test, y_train, y_test = split(X, y)
    for horizon in (1, 3, 6):
        forecaster = WindowForecaster(LinearRegression(), window=7, horizon=horizon)
        error = np.abs(forecaster.fit(X_train, y_train).predict(X_test) - y_test)
        assert error.mean() < 0.6
    blind = WindowForecaster(LinearRegression(), window=7, columns=[]).fit(X_train, y_train)
    assert np.abs(blind.predict(X_test) - y_test).mean() > 0.6


def test_lags_names_and_columns_of_the_estimator():
    X, y = make_panel(n_series=1, n_times=12)
    X = X.assign(sold=y + 100, size=5.0)
    forecaster = WindowForecaster(
        OldestValue(), window=[1, 3], horizon=2, past_columns="sold", static_columns=["size"]
    ).fit(X, y)
    assert forecaster.window_feature_names_ == [
        "y__lag3", "y__lag1", "sold__lag3", "sold__lag1", "promo__lag0", "promo__ahead1", "size",
    ]  # fmt: skip
    values, table = y.sort_index().to_numpy(), forecaster.estimator_.X_
    promo = X.sort_index()["promo"].to_numpy()
    row = 6
    want = [values[3], values[5], values[3] + 100, values[5] + 100, promo[6], promo[7], 5.0]
    np.testing.assert_allclose(table[row], want)
    np.testing.assert_allclose(forecaster.estimator_.y_[row], values[6:8])


def test_values_of_past_columns_in_rows_to_predict_are_never_read():
    X, y = make_panel()
    X = X.assign(sold=y * 2)
    X_train, X_test, y_train, _ = split(X, y)
    forecaster = WindowForecaster(Ridge(), window=5, past_columns="sold").fit(X_train, y_train)
    other = X_test.assign(sold=np.random.default_rng(1).normal(size=len(X_test)))
    np.testing.assert_array_equal(forecaster.predict(X_test), forecaster.predict(other))


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("target_transform", [None, "last", ["difference", "scale"]])
@settings(max_examples=8)
@given(cut=st.integers(8, 24), seed=st.integers(0, 100))
def test_later_targets_and_observations_change_no_earlier_row(target_transform, horizon, cut, seed):
    rng = np.random.default_rng(seed)
    X, y = make_panel(n_series=2, n_times=25, seed=seed)
    X = X.assign(seen=rng.normal(size=len(X)))
    late = X.index.get_level_values("day") >= pd.Timestamp("2024-01-01") + pd.Timedelta(days=cut)
    forecaster = WindowForecaster(
        SumOfAll(), window=3, horizon=horizon, target_transform=target_transform,
        columns="promo", past_columns="seen",
    )  # fmt: skip
    other = X.assign(seen=X["seen"].where(~late, rng.normal(size=len(X))))
    changed = forecaster.fit(other, y.where(~late, rng.normal(size=len(y)))).predict(X[~late])
    # All that comes before the first five days is empty: there the mean target stands in.
    whole = X[~late].index.get_level_values("day") >= "2024-01-06"
    np.testing.assert_array_equal(changed[whole], forecaster.fit(X, y).predict(X[~late])[whole])


def test_known_columns_of_later_blocks_do_not_matter_to_earlier_ones():
    X, y = make_panel()
    X_train, X_test, y_train, _ = split(X, y, 9)
    forecaster = WindowForecaster(Ridge(), window=5, horizon=3).fit(X_train, y_train)
    days = X_test.index.get_level_values("day")
    late = days >= days.min() + pd.Timedelta(days=3)
    other = X_test.copy()
    other.loc[late, "promo"] = 9.0
    one, two = forecaster.predict(X_test), forecaster.predict(other)
    np.testing.assert_array_equal(one[~late], two[~late])
    assert (one[late] != two[late]).all()


def test_training_and_future_rows_together_and_alone():
    X, y = make_panel()
    X_train, X_test, y_train, _ = split(X, y)
    forecaster = WindowForecaster(Ridge(), window=5).fit(X_train, y_train)
    both = forecaster.predict(pd.concat([X_test, X_train]))
    np.testing.assert_allclose(both[: len(X_test)], forecaster.predict(X_test))
    np.testing.assert_allclose(both[len(X_test) :], forecaster.predict(X_train))
    single = forecaster.predict(X_train.iloc[[3]])
    np.testing.assert_allclose(single, forecaster.predict(X_train)[3])


def test_missing_targets_move_the_origin_and_leave_holes():
    X, y = make_panel(n_series=1, n_times=20)
    X, y = X.sort_index()[[]], y.sort_index().copy()
    y.iloc[-2:] = np.nan
    y.iloc[10] = np.nan
    last = WindowForecaster(OldestValue(), window=1).fit(X, y)
    np.testing.assert_allclose(last.predict(X.iloc[-2:]), [y.iloc[-3]] * 2)
    assert not np.isin(10, np.flatnonzero(last.estimator_.y_ == y.iloc[10]))
    fitted = last.predict(X)
    assert np.isnan(fitted[[0, 11]]).all()  # this regressor takes NaN, and says what it was given
    np.testing.assert_allclose(fitted[1:10], y.iloc[:9])
    one = DecisionTreeRegressor(max_depth=1, random_state=0)
    assert np.isfinite(WindowForecaster(one, window=1).fit(X, y).predict(X)).all()
    with pytest.warns(UserWarning, match=r"0 of 1 series, too short, and 1 row\(s\) with missing"):
        ridge = WindowForecaster(Ridge(), window=1).fit(X, y)
    mean = ridge.estimator_.predict([[y.mean()]])[0]
    assert ridge.predict(X)[0] == pytest.approx(mean)
    assert ridge.predict(X)[11] == pytest.approx(mean)


def test_series_without_history_get_the_mean_and_a_warning_until_they_are_updated():
    X, y = make_panel()
    X_train, X_test, y_train, _ = split(X, y)
    forecaster = WindowForecaster(Ridge(), window=2, columns=[]).fit(X_train, y_train)
    new = X_test.rename({"a": "new", "b": "newer"}, level=0).drop("c", level=0)
    with pytest.warns(UserWarning, match="2 series have no known target, first new"):
        forecast = forecaster.predict(new)
    np.testing.assert_allclose(forecast, y_train.mean())
    past = X_train.rename({"a": "new", "b": "newer"}, level=0).drop("c", level=0)
    values = y_train.rename({"a": "new", "b": "newer"}, level=0).drop("c", level=0)
    forecaster.update(past, values)
    same = forecaster.predict(X_test.drop("c", level=0))
    np.testing.assert_allclose(forecaster.predict(new), same)


def test_a_regressor_that_takes_nan_forecasts_new_series_from_an_empty_window():
    X, y = make_panel()
    X_train, X_test, y_train, _ = split(X, y)
    tree = DecisionTreeRegressor(min_samples_leaf=3, random_state=0)
    forecaster = WindowForecaster(tree, window=2).fit(X_train, y_train)
    new = X_test.rename({"a": "new"}, level=0).loc[["new"]].sort_index()
    first = forecaster.estimator_.predict([[np.nan, np.nan, new["promo"].iloc[0]]])[0]
    second = forecaster.estimator_.predict([[np.nan, first, new["promo"].iloc[1]]])[0]
    np.testing.assert_allclose(forecaster.predict(new)[:2], [first, second])


def test_update_equals_a_longer_history():
    X, y = make_panel()
    X_train, X_test, y_train, y_test = split(X, y)
    forecaster = WindowForecaster(OldestValue(), window=3, columns=[]).fit(X_train, y_train)
    longer = clone(forecaster).fit(X, y)
    future = X_test.rename(lambda day: day + pd.Timedelta(days=6), level="day")
    forecaster.update(X_test, y_test)
    np.testing.assert_allclose(forecaster.predict(future), longer.predict(future))


def test_short_series_and_holes_are_counted_when_nan_is_not_accepted():
    X, y = make_panel(n_times=30)
    short = X.index.get_level_values("store") == "b"
    days = X.index.get_level_values("day")
    keep = ~short | (days >= days.max() - pd.Timedelta(days=2))
    y = y.copy()
    y[("a", pd.Timestamp("2024-01-20"))] = np.nan
    with pytest.warns(UserWarning, match=r"1 of 3 series, too short, first b, and 4 row\(s\)"):
        WindowForecaster(Ridge(), window=4).fit(X[keep], y[keep])
    WindowForecaster(DecisionTreeRegressor(), window=4).fit(X[keep], y[keep])


def test_holes_in_future_rows():
    X, y = make_panel()
    X_train, X_test, y_train, _ = split(X, y)
    late = X_test[X_test.index.get_level_values("day") > X_test.index[0][1].replace(day=6, month=2)]
    blind = WindowForecaster(Ridge(), window=4, columns=[]).fit(X_train, y_train)
    whole = pd.Series(blind.predict(X_test), X_test.index)
    np.testing.assert_allclose(blind.predict(late), whole[late.index])
    knowing = WindowForecaster(Ridge(), window=4).fit(X_train, y_train)
    with pytest.raises(
        ValueError,
        match="column 'promo' is known ahead, but missing in series a at time 2024-02-04",
    ):
        knowing.predict(late)


def test_events_are_counted_without_a_frequency():
    log = pd.DataFrame({"team": list("xxxxyyyy"), "t": [1, 4, 5, 9, 2, 3, 30, 31]})
    goals = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    forecaster = WindowForecaster(OldestValue(), window=2, group="team", time="t", freq=None).fit(
        log, goals
    )
    future = pd.DataFrame({"team": ["x", "y", "x"], "t": [100, 32, 50]})
    np.testing.assert_allclose(forecaster.predict(future), [4, 7, 3])
    tied = pd.concat([log, log.tail(1)])
    again = clone(forecaster).fit(tied, np.append(goals, 10.0))
    np.testing.assert_allclose(again.predict(future.assign(t=[200, 201, 202])), [3, 8, 4])
    np.testing.assert_allclose(again.predict(tied.tail(2)), [6, 6])  # never see each other


def test_quantiles_and_intervals_come_from_the_estimator():
    X, y = make_panel()
    X_train, X_test, y_train, _ = split(X, y)
    forecaster = WindowForecaster(OldestValue(), window=3, horizon=2, columns=[])
    forecaster.fit(X_train, y_train)
    point = forecaster.predict(X_test)
    quantiles = forecaster.predict_quantiles(X_test, [0.25, 0.75])
    np.testing.assert_allclose(quantiles, point[:, np.newaxis] + [0.25, 0.75])
    np.testing.assert_allclose(
        forecaster.predict_interval(X_test, 0.8), point[:, np.newaxis] + [0.1, 0.9]
    )
    assert not hasattr(WindowForecaster(Ridge()), "predict_quantiles")
    with pytest.raises(ValueError, match=r"coverage=1.5 must lie between 0 and 1"):
        forecaster.predict_interval(X_test, 1.5)


def test_pandas_polars_and_arrays_agree():
    X, y = make_panel()
    X_train, X_test, y_train, _ = split(X, y)
    want = WindowForecaster(Ridge(), window=5).fit(X_train, y_train).predict(X_test)
    keys = {"group": "store", "time": "day"}
    for convert in (lambda f: f.reset_index(), lambda f: pl.from_pandas(f.reset_index())):
        model = WindowForecaster(Ridge(), window=5, **keys).fit(convert(X_train), y_train)
        np.testing.assert_allclose(model.predict(convert(X_test)), want)


def test_model_selection_and_meta_estimators():
    X, y = make_panel()
    cv = PanelTimeSeriesSplit(2, horizon=5)
    pipe = make_pipeline(FunctionTransformer(), StandardScaler(), Ridge())
    forecaster = WindowForecaster(pipe, window=7)
    grid = {"window": [3, 7], "target_transform": [None, "last", ["last", "scale"]]}
    search = GridSearchCV(
        forecaster, grid, cv=cv, n_jobs=2, scoring="neg_mean_absolute_error", error_score="raise"
    ).fit(X, y)
    assert search.best_params_["window"] == 7
    assert search.best_score_ > -0.6
    for other in (
        RandomizedSearchCV(forecaster, {"estimator__ridge__alpha": [1, 10]}, n_iter=2, cv=cv),
        HalvingGridSearchCV(
            forecaster, {"estimator__ridge__alpha": [1, 10]}, cv=cv,
            resource="estimator__ridge__max_iter", max_resources=20, min_resources=10,
        ),
    ):  # fmt: skip
        assert other.fit(X, y).best_score_ > 0.5
    scores = cross_validate(forecaster, X, y, cv=cv, error_score="raise")
    assert (scores["test_score"] > 0.5).all()
    logged = TransformedTargetRegressor(forecaster, func=np.log, inverse_func=np.exp)
    assert logged.fit(X, y).score(X, y) > 0.5
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


def test_series_on_a_scale_of_their_own_forecast_like_the_others():
    X, y = make_panel(n_series=2)
    big = y.where(y.index.get_level_values("store") == "a", y * 1000)
    X_train, X_test, y_train, _ = split(X[[]], big)
    scaled = WindowForecaster(Ridge(), window=7, target_transform="scale").fit(X_train, y_train)
    forecast = pd.Series(scaled.predict(X_test), X_test.index).sort_index()
    assert (forecast["b"] / 1000 - forecast["a"]).abs().max() < 4


def test_a_constant_series():
    X, y = make_panel(n_series=1)
    for target_transform in (None, "last", "scale", "difference", ["last", "scale"]):
        forecaster = WindowForecaster(
            Ridge(), window=3, columns=[], target_transform=target_transform
        ).fit(X, y * 0 + 5)
        np.testing.assert_allclose(forecaster.predict(X), 5.0)


def test_a_column_may_be_known_ahead_and_have_a_window():
    index = pd.date_range("2024-01-01", periods=40, name="day")
    promo = pd.Series(np.random.default_rng(0).integers(0, 2, 40) * 1.0, index, name="promo")
    y = (5 + 2 * promo - promo.shift(1, fill_value=0)).rename("y")  # the pull-forward effect
    X = promo.to_frame()
    both = WindowForecaster(LinearRegression(), window=2, columns="promo", past_columns="promo")
    assert both.fit(X[:30], y[:30]).window_feature_names_[2:] == [
        "promo__lag2", "promo__lag1", "promo__lag0",
    ]  # fmt: skip
    np.testing.assert_allclose(both.predict(X[30:]), y[30:])


@pytest.mark.parametrize("horizon", [1, 3])
def test_forecasts_are_outputs_of_the_windows_given_to_the_regressor(horizon):
    X, y = make_panel(3, 30)
    X_train, _, y_train, _ = split(X, y)
    model = WindowForecaster(window=4, horizon=horizon, target_transform=["last", "scale"])
    model.fit(X_train, y_train)
    ask = X.sample(frac=1, random_state=0)
    blocks, place = model.forecast_windows(ask)
    outputs = [
        block.to_target(model.estimator_.predict(block.table).reshape(-1, horizon)).ravel()
        for block in blocks
    ]
    np.testing.assert_array_equal(np.concatenate(outputs)[place], model.predict(ask))
    table, targets = model.training_windows()
    again = clone(model.estimator_).fit(table, targets if horizon > 1 else targets[:, 0])
    np.testing.assert_array_equal(again.predict(table), model.estimator_.predict(table))


def test_a_forecaster_remembers_other_series_and_keeps_its_regressor():
    X, y = make_panel(3, 30)
    model = WindowForecaster(LinearRegression(), window=3).fit(X, y)
    regressor = model.estimator_
    other = X.rename(index=str.upper, level=0)
    model.remember(other, 2 * y)
    assert model.estimator_ is regressor
    np.testing.assert_array_equal(model.target_history_.values[:, 0], 2 * y.sort_index())
    with pytest.raises(ValueError, match="the regressor was fitted to the columns"):
        model.remember(other.assign(more=1.0), y)
    # What is refused changes nothing: neither columns nor rows.
    assert model.n_features_in_ == other.shape[1]
    np.testing.assert_array_equal(model.target_history_.values[:, 0], 2 * y.sort_index())
    assert np.isfinite(model.predict(other)).all()
