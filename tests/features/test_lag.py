"""Lags are values at exact earlier times, and never of the future."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline, make_union

from sklearn_tsrec.features import LagFeatures
from tests.features.reference import panels


def truth(frame):
    """Return the values of a panel by key."""
    return dict(zip(frame.index, frame["v"]))


def regular(n_series=3, n_times=30, seed=0):
    """Return a panel without holes."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=n_times)
    index = pd.MultiIndex.from_product(
        [[f"s{g}" for g in range(n_series)], days], names=["series", "date"]
    )
    X = pd.DataFrame({"price": rng.normal(size=len(index))}, index=index)
    return X, pd.Series(rng.normal(size=len(index)), index=index, name="sales")


@settings(max_examples=80)
@given(train=panels(), test=panels(max_series=4))
def test_equals_a_dictionary_of_times(train, test):
    lags = [0, 1, 2, 5]
    known = truth(train)
    fitted = LagFeatures(lags, freq=1).fit(train)
    want = [[known.get((g, t - k), np.nan) for k in lags] for g, t in train.index]
    np.testing.assert_array_equal(fitted.transform(train), want)
    np.testing.assert_array_equal(LagFeatures(lags, freq=1).fit_transform(train), want)
    both = known | truth(test)
    want = [[both.get((g, t - k), np.nan) for k in lags] for g, t in test.index]
    np.testing.assert_array_equal(fitted.transform(test), want)


@settings(max_examples=80)
@given(train=panels(), test=panels(max_series=4))
def test_target_lags_know_training_targets_only(train, test):
    lags = [1, 3]
    fitted = LagFeatures(lags, target=True, freq=1).fit(train, train["v"])
    known = truth(train)
    want = [[known.get((g, t - k), np.nan) for k in lags] for g, t in test.index]
    np.testing.assert_array_equal(fitted.transform(test), want)


@settings(max_examples=80)
@given(frame=panels(repeats=True, max_time=8), target=st.booleans())
def test_event_lags_count_events_of_earlier_moments(frame, target):
    lags = [1, 2, 3]
    got = LagFeatures(lags, target=target, freq=None).fit_transform(frame, frame["v"])
    again = LagFeatures(lags, target=target, freq=None).fit(frame, frame["v"]).transform(frame)
    np.testing.assert_array_equal(got, again)
    for (g, t), row in zip(frame.index, got):
        past = sorted(
            (u, -1 if np.isnan(v) else 0, v)
            for (s, u), v in zip(frame.index, frame["v"])
            if s == g and u < t
        )
        past_times = [u for u, _, _ in past]
        for k, value in zip(lags, row):
            if len(past) < k:
                assert np.isnan(value)
                continue
            at = past_times[-k]
            same = [v for u, _, v in past if u == at]
            assert any(v == value or (np.isnan(v) and np.isnan(value)) for v in same)


def test_unknown_events_of_a_test_table_are_missing():
    train = pd.DataFrame({"t": [1.5, 2.5]})
    fitted = LagFeatures([1, 2], target=True, time="t", freq=None).fit(train, [10.0, 20.0])
    got = fitted.transform(pd.DataFrame({"t": [4.5, 3.5, 2.5]}))
    np.testing.assert_array_equal(got, [[np.nan, 20], [20, 10], [10, np.nan]])


def test_a_gap_between_training_and_test_gives_nan_and_lags_pass_over_it():
    X, y = regular(n_series=1, n_times=20)
    fitted = LagFeatures([1, 5], target=True).fit(X[:12], y[:12])
    got = fitted.transform(X[15:18])
    np.testing.assert_array_equal(got, [[np.nan, y.iloc[10]], [np.nan, y.iloc[11]], [np.nan] * 2])


@settings(max_examples=60)
@given(frame=panels(), pool=st.sampled_from(["all", "kind", "series"]))
def test_pools_are_means_over_series_at_a_time(frame, pool):
    kinds = {"s0": 1.0, "s1": 2.0, "s2": 1.0}
    frame = frame.assign(kind=frame.index.get_level_values(0).map(kinds).astype(float))
    names = {"all": lambda g: 0, "kind": kinds.get, "series": lambda g: g}
    lags = [0, 2]
    pooled = LagFeatures(lags, columns="v", pool=pool, freq=1)
    got = pooled.fit_transform(frame)
    want = []
    for g, t in frame.index:
        row = []
        for k in lags:
            same = [
                v
                for (s, u), v in zip(frame.index, frame["v"])
                if names[pool](s) == names[pool](g) and u == t - k and not np.isnan(v)
            ]
            row.append(np.mean(same) if same else np.nan)
        want.append(row)
    np.testing.assert_allclose(got, want, atol=1e-12)
    np.testing.assert_array_equal(pooled.transform(frame), got)
    part = frame.iloc[::2]
    np.testing.assert_array_equal(pooled.transform(part), got[::2])
    target = LagFeatures([2], target=True, pool=pool, freq=1).fit(frame, frame["v"])
    np.testing.assert_array_equal(target.transform(part), got[::2, 1:])


def test_pooled_events_are_all_events_of_earlier_moments():
    log = pd.DataFrame({"user": ["a", "b", "a", "c"], "item": ["x", "x", "x", "y"]})
    log["t"] = [1, 2, 2, 5]
    log["paid"] = [1.0, 2.0, 3.0, 4.0]
    lag = LagFeatures([1, 2], columns="paid", pool="item", group="user", time="t", freq=None)
    got = lag.fit_transform(log)
    np.testing.assert_array_equal(got, [[np.nan] * 2, [1, np.nan], [1, np.nan], [np.nan] * 2])


def test_float32_stays_and_mixes_to_float64():
    X, y = regular()
    small = X.astype(np.float32)
    assert LagFeatures(1).fit_transform(small).dtype == np.float32
    assert LagFeatures(1, target=True).fit_transform(small, y.astype(np.float32)).dtype == (
        np.float32
    )
    mixed = LagFeatures(1, target=True, columns="price").fit(small, y)
    assert mixed.transform(small).dtype == np.float64
    table = pl.from_pandas(small.reset_index())
    for target in (pl.Series(y.astype(np.float32)), pa.chunked_array([y.astype(np.float32)])):
        lag = LagFeatures(1, columns=["price"], target=True, group="series", time="date")
        assert lag.fit_transform(table, target).dtype == np.float32


def test_memory_does_not_change_with_the_callers_y():
    X, y = regular(n_series=1)
    values = y.to_numpy(copy=True)
    fitted = LagFeatures(1, target=True).fit(X, values)
    before = fitted.transform(X)
    values[:] = 0
    np.testing.assert_array_equal(fitted.transform(X), before)


def test_names():
    X, y = regular()
    fitted = LagFeatures([1, 7], target=True, columns=["price"]).fit(X, y)
    names = ["y__lag1", "y__lag7", "price__lag1", "price__lag7"]
    assert list(fitted.get_feature_names_out()) == names
    array = LagFeatures([1], time=0, freq=None).fit([[1.0, 2.0], [2.0, 3.0]])
    assert list(array.get_feature_names_out()) == ["x1__lag1"]
    assert list(array.get_feature_names_out(["t", "price"])) == ["price__lag1"]
    with pytest.raises(ValueError, match="length equal to number of features"):
        array.get_feature_names_out(["t"])
    with pytest.raises(ValueError, match="not equal to feature_names_in_"):
        fitted.get_feature_names_out(["cost"])


def test_in_scikit_learn(tmp_path):
    X, y = regular()
    union = make_union(LagFeatures([7], target=True, horizon=7), LagFeatures([0, 1]))
    table = union.set_output(transform="pandas").fit_transform(X, y)
    assert table.index.equals(X.index)
    np.testing.assert_array_equal(
        table["lagfeatures-1__y__lag7"].dropna(), y.groupby("series").shift(7).dropna()
    )
    columns = ColumnTransformer([("lag", LagFeatures([1]), ["price"])])
    np.testing.assert_array_equal(
        columns.fit_transform(X)[:, 0], X.groupby("series")["price"].shift(1)
    )
    model = make_pipeline(LagFeatures(target=True), HistGradientBoostingRegressor(max_iter=3))
    search = GridSearchCV(
        model, {"lagfeatures__lags": [[1], [1, 2]]}, cv=TimeSeriesSplit(2), n_jobs=2
    )
    search.fit(X.swaplevel().sort_index().swaplevel(), y.swaplevel().sort_index().swaplevel())
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    copy = pickle.loads(pickle.dumps(union))
    np.testing.assert_array_equal(copy.transform(X), table)


def test_polars_in_and_out():
    import polars

    X, _ = regular()
    table = polars.from_pandas(X.reset_index())
    lag = LagFeatures([1], group="series", time="date").set_output(transform="polars")
    got = lag.fit_transform(table)
    assert isinstance(got, polars.DataFrame)
    np.testing.assert_array_equal(
        got["price__lag1"].to_numpy(), X.groupby("series")["price"].shift(1)
    )


def test_arrow_tables_and_text_that_is_missing():
    import pyarrow as pa

    X, _ = regular()
    table = pa.Table.from_pandas(X.reset_index())
    lag = LagFeatures([1], group="series", time="date").fit(table)
    np.testing.assert_array_equal(lag.transform(table)[:, 0], X.groupby("series")["price"].shift(1))
    assert lag.groups_.tolist() == ["s0", "s1", "s2"]
    holes = pa.table({"g": ["a", None], "t": [1, 2], "v": [1.0, 2.0]})
    with pytest.raises(ValueError, match="group is missing in row 1"):
        LagFeatures([1], group="g", time="t", freq=1).fit(holes)


def test_long_series_with_holes_and_few_rows_asked_for():
    rng = np.random.default_rng(0)
    days = pd.date_range("2000-01-01", periods=6000)
    series = pd.Series(rng.normal(size=6000), index=days.rename("date"))
    X = pd.DataFrame({"v": series})[rng.random(6000) < 0.999]
    lags = [1, 365, 2000]
    want = pd.concat([X["v"].reindex(days).shift(k) for k in lags], axis=1).loc[X.index]
    fitted = LagFeatures(lags).fit(X)
    rows = rng.permutation(len(X))[:200]
    np.testing.assert_array_equal(LagFeatures(lags).fit_transform(X), want)
    np.testing.assert_array_equal(fitted.transform(X.iloc[rows]), want.iloc[rows])


def test_single_rows_and_long_names():
    frame = pd.DataFrame({"v": [1.0], "g": ["x" * 1_000_000], "t": [1]})
    lag = LagFeatures([0, 1], columns="v", group="g", time="t", freq=1)
    np.testing.assert_array_equal(lag.fit_transform(frame), [[1, np.nan]])
    with pytest.raises(ValueError, match=r"group=.{1,80}\(1000000 characters\).*repeats|repeats.*"):
        lag.fit(pd.concat([frame, frame]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lags": -1}, "lags holds -1"),
        ({"lags": []}, "is empty"),
        ({"lags": [1, 1]}, "holds 1 twice"),
        ({"lags": [1.5]}, "lags holds 1.5"),
        ({"lags": 3, "target": True, "horizon": 7}, "lag 3 of the target lies below horizon=7"),
        ({"lags": 0, "target": True, "horizon": 0}, "lag 0 of the target"),
        ({"horizon": -1}, "horizon"),
        ({"columns": "cost"}, "unknown column 'cost'"),
        ({"columns": ["price", "price"]}, "two features would be called 'price'"),
        ({"pool": "cost"}, "unknown column 'cost'"),
        ({"freq": "W-MON"}, "not on the grid"),
    ],
)
def test_bad_parameters(change, message):
    X, y = regular()
    with pytest.raises(ValueError, match=message):
        LagFeatures(**change).fit(X, y)


def test_bad_tables():
    X, y = regular()
    with pytest.raises(NotFittedError):
        LagFeatures().transform(X)
    with pytest.raises(ValueError, match="0 sample"):
        LagFeatures().fit(X[:0])
    with pytest.raises(ValueError, match="repeats"):
        LagFeatures().fit(pd.concat([X, X[:1]]))
    with pytest.raises(ValueError, match="infinity"):
        LagFeatures().fit(X.replace(X.iloc[3, 0], np.inf))
    with pytest.raises(ValueError, match="infinity"):
        LagFeatures(target=True).fit(X, y.replace(y.iloc[3], np.inf))
    with pytest.raises(ValueError, match="requires y"):
        LagFeatures(target=True).fit(X)
    with pytest.raises(ValueError, match="could not convert|numeric"):
        LagFeatures(target=True).fit(X, ["a"] * len(X))
    with pytest.raises(ValueError, match="inconsistent"):
        LagFeatures(target=True).fit(X, y[1:])
    with pytest.raises(ValueError, match="numbers are needed"):
        LagFeatures().fit(X.assign(kind="a"))
    with pytest.raises(ValueError, match="all of them keys"):
        LagFeatures(group="g", time="t", freq=1).fit(pd.DataFrame({"g": [1], "t": [1]}))
    missing = X.reset_index().astype({"date": object})
    missing.loc[2, "date"] = pd.NaT
    with pytest.raises(ValueError, match="missing .NaT or NaN. in row 2"):
        LagFeatures(group="series", time="date").fit(missing)
