"""Windows hold the values of exact past times; their statistics are right to the last digits."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline, make_union

from sklearn_tsrec.features import LagFeatures, WindowFeatures
from tests.features.reference import NEEDS_NONE, panels, statistic
from tests.features.test_lag import regular

ALL = [
    "mean", "sum", "std", "min", "max", "median", "q10", "q97.5", "count", "nonzero_share", "slope",
    "skew", "time_since", "recency",
]  # fmt: skip


def by_series(frame):
    """Return ascending times and values of each series."""
    return {
        g: (np.array([t for _, t in part.index]), part["v"].to_numpy())
        for g, part in frame.sort_index(kind="stable").groupby(level=0)
    }


def expected(rows, known, window, statistics, horizon, needed, last=np.inf, unknown=()):
    """Return statistics of calendar windows, value by value."""
    out = []
    for g, t in rows:
        end = t - horizon
        times, values = known.get(g, (np.array([], int), np.array([])))
        begin = -np.inf if window is None else end - window
        inside = (times > begin) & (times <= end)
        n = (~np.isnan(values[inside])).sum()
        hidden = end > last or g not in known
        hidden |= any(s == g and begin < u <= end for s, u in unknown)
        row = []
        for name in statistics:
            enough = name in NEEDS_NONE or n >= needed
            value = statistic(name, times[inside], values[inside], t)
            row.append(value if enough and not hidden else np.nan)
        out.append(row)
    return np.array(out, dtype=float)


@settings(max_examples=100)
@given(
    frame=panels(),
    window=st.sampled_from([1, 2, 3, 5, None]),
    horizon=st.integers(0, 3),
    min_samples=st.sampled_from([None, 1]),
)
def test_equals_a_slow_reference(frame, window, horizon, min_samples):
    needed = min_samples or window or 1
    want = expected(frame.index, by_series(frame), window, ALL, horizon, needed)
    features = WindowFeatures(window, ALL, horizon=horizon, min_samples=min_samples, freq=1)
    got = features.fit_transform(frame)
    np.testing.assert_allclose(got, want, atol=1e-9)
    np.testing.assert_allclose(features.transform(frame), got, atol=1e-12)
    np.testing.assert_allclose(features.transform(frame.iloc[::2]), got[::2], atol=1e-12)


@settings(max_examples=100)
@given(
    train=panels(),
    test=panels(max_series=4, max_time=20),
    window=st.sampled_from([1, 2, 4, None]),
    horizon=st.integers(1, 3),
    min_samples=st.sampled_from([None, 1]),
)
def test_target_windows_of_a_test_table(train, test, window, horizon, min_samples):
    needed = min_samples or window or 1
    known = by_series(train)
    unknown = [key for key in test.index if key not in train.index]
    last = max(t for _, t in train.index)
    want = expected(test.index, known, window, ALL, horizon, needed, last, unknown)
    features = WindowFeatures(
        window, ALL, target=True, horizon=horizon, min_samples=min_samples, freq=1
    )
    got = features.fit(train, train["v"]).transform(test)
    np.testing.assert_allclose(got, want, atol=1e-9)


@settings(max_examples=60)
@given(frame=panels(), data=st.data(), horizon=st.integers(1, 3), target=st.booleans())
def test_later_values_change_nothing(frame, data, horizon, target):
    statistics = [*ALL, "ewm"]
    features = make_union(
        WindowFeatures([2, 4], statistics, target=target, horizon=horizon, freq=1, min_samples=1),
        LagFeatures([horizon, horizon + 2], target=target, horizon=horizon, freq=1),
    )
    before = features.fit_transform(frame, frame["v"])
    at = data.draw(st.integers(0, len(frame) - 1))
    _, time = frame.index[at]
    other = frame.copy()
    changed = other.index.get_level_values(1) > time - horizon
    other.loc[changed, "v"] = data.draw(st.sampled_from([1e6, -3.5, np.nan]))
    after = features.fit_transform(other, other["v"])
    np.testing.assert_allclose(after[at], before[at], atol=1e-9)


@settings(max_examples=80)
@given(frame=panels(repeats=True, max_time=10), window=st.sampled_from([1, 3, "3D", None]))
def test_event_windows_see_earlier_moments_only(frame, window):
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame.index.get_level_values(1), unit="D")
    log = frame.set_axis([frame.index.get_level_values(0), days], axis=0)
    statistics = [s for s in ALL if s != "slope"]
    features = WindowFeatures(window, statistics, freq=None, min_samples=1)
    got = features.fit_transform(log)
    np.testing.assert_allclose(features.transform(log), got, atol=1e-12)
    for (g, t), row in zip(frame.index, got):
        past = frame[(frame.index.get_level_values(0) == g)].reset_index()
        past = past[past["time"] < t].sort_values(["time", "v"], na_position="last")
        if window == "3D":
            past = past[past["time"] >= t - 3]
        elif window:
            past = past.tail(window)
            if past["time"].min() in set(frame.loc[g].index[frame.loc[g].index.duplicated()]):
                continue  # which of the events of one time belong is a matter of convention
        times, values = past["time"].to_numpy(), past["v"].to_numpy()
        want = [statistic(s, times, values, t) for s in statistics]
        np.testing.assert_allclose(row, want, atol=1e-9)


@settings(max_examples=40)
@given(frame=panels(), half_life=st.integers(1, 5))
def test_exponential_weights(frame, half_life):
    got = WindowFeatures(half_life, "ewm", freq=1).fit_transform(frame)[:, 0]
    known = by_series(frame)
    for (g, t), value in zip(frame.index, got):
        times, values = known[g]
        past = times < t
        want = statistic("ewm", times[past], values[past], t, half_life)
        np.testing.assert_allclose(value, want, atol=1e-12)


def test_fast_and_general_paths_agree():
    rng = np.random.default_rng(0)
    X, _ = regular(n_series=7, n_times=90)
    X.iloc[rng.integers(0, len(X), 30), 0] = np.nan
    X = X[rng.random(len(X)) < 0.97]
    statistics = ["mean", "sum", "std", "min", "max"]
    windows = [1, 2, 3, 7, 16, 28, 31]
    fast = WindowFeatures(windows, statistics, horizon=2).fit_transform(X)
    for k, window in enumerate(windows):
        slow = WindowFeatures(window, [*statistics, "skew"], horizon=2, min_samples=window)
        np.testing.assert_allclose(
            fast[:, 5 * k : 5 * k + 5], slow.fit_transform(X)[:, :5], rtol=1e-12, atol=1e-13
        )
        assert np.isfinite(fast[:, 5 * k]).any()


@pytest.mark.parametrize("holes", [0, 0.002])
@pytest.mark.parametrize("window", [5, 300, 2500])
def test_long_series_with_holes_and_few_rows_asked_for(window, holes):
    rng = np.random.default_rng(0)
    days = pd.date_range("2000-01-01", periods=7000)
    values = pd.Series(rng.normal(size=7000), index=days.rename("date"))
    X = pd.DataFrame({"v": values})[rng.random(7000) >= holes]
    past = X["v"].reindex(days).rolling(window)
    want = past.agg(["mean", "std", "min", "max"]).shift(3).loc[X.index]
    features = WindowFeatures(window, ["mean", "std", "min", "max"], horizon=3)
    np.testing.assert_allclose(features.fit_transform(X), want, rtol=1e-9, atol=1e-12)
    rows = rng.permutation(len(X))[:200]
    np.testing.assert_allclose(
        features.transform(X.iloc[rows]), want.iloc[rows], rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("window", [3, 7, 28, 100])
@pytest.mark.parametrize("min_samples", [None, 2])
def test_large_levels_keep_their_digits(window, min_samples):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=3000)
    values = 1e9 + noise
    values[500] = 1e15  # gone from the windows, it must be gone from their sums
    days = pd.date_range("2000-01-01", periods=3000, name="date")
    X = pd.DataFrame({"v": values}, index=days)
    features = WindowFeatures(window, ["mean", "std", "slope"], min_samples=min_samples)
    got = features.fit_transform(X)
    clean = slice(500 + window + 1, None)
    held = pd.Series(values - 1e9)[501:].rolling(window)
    want = np.column_stack([held.mean(), held.std()])[window - 1 : -1]
    np.testing.assert_allclose(got[clean, 0], 1e9 + want[:, 0], rtol=2e-15)
    np.testing.assert_allclose(got[clean, 1], want[:, 1], rtol=1e-6)


def test_constant_series():
    days = pd.date_range("2024-01-01", periods=20, name="date")
    X = pd.DataFrame({"v": 0.1}, index=days)
    got = WindowFeatures(7, ["mean", "std", "slope", "skew"]).fit_transform(X)[7:]
    np.testing.assert_allclose(got[:, 0], 0.1, rtol=1e-15)
    np.testing.assert_array_equal(got[:, 1], 0)
    np.testing.assert_array_equal(got[:, 2], 0)
    assert np.isnan(got[:, 3]).all()


def test_pooled_windows():
    X, y = regular(n_series=4, n_times=20)
    pooled = WindowFeatures(3, ["mean", "max"], target=True, pool="all")
    got = pooled.fit_transform(X, y)
    daily = y.groupby("date").mean()
    want = daily.rolling(3).agg(["mean", "max"]).shift(1).loc[X.index.get_level_values(1)]
    np.testing.assert_allclose(got, want, atol=1e-12)
    log = pd.DataFrame({"item": list("xxyxx"), "user": list("abcab"), "paid": 1.0})
    log["t"] = pd.to_datetime(
        ["2024-01-01", "2024-01-03", "2024-01-03", "2024-01-03", "2024-01-20"]
    )
    trend = WindowFeatures(["7D"], "count", columns="paid", pool="item", group="user", time="t",
                           freq=None)  # fmt: skip
    np.testing.assert_array_equal(trend.fit_transform(log)[:, 0], [0, 1, 0, 1, 0])


def test_names_and_durations_of_a_calendar():
    X, y = regular()
    features = WindowFeatures(
        [7, "14D", "expanding"], ["mean", "q10"], target=True, columns="price"
    ).fit(X, y)
    assert list(features.get_feature_names_out()) == [
        f"{c}__{s}"
        for c in ("y", "price")
        for s in ("mean7", "q10_7", "mean14D", "q10_14D", "expanding_mean", "expanding_q10")
    ]
    steps = WindowFeatures(14, "mean", target=True, min_samples=1).fit_transform(X, y)
    np.testing.assert_array_equal(features.transform(X)[:, 2], steps[:, 0])


def test_in_scikit_learn():
    X, y = regular()
    model = make_pipeline(WindowFeatures(target=True), SimpleImputer(), LinearRegression())
    search = GridSearchCV(
        model, {"windowfeatures__windows": [3, [2, 5]]}, cv=TimeSeriesSplit(2), n_jobs=2
    )
    rows = np.argsort(X.index.get_level_values(1), kind="stable")
    search.fit(X.iloc[rows], y.iloc[rows])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"windows": 0}, "windows holds 0"),
        ({"windows": [7, 7]}, "holds 7 twice"),
        ({"windows": [None, "expanding"]}, "one window twice"),
        ({"windows": 2.5}, "windows"),
        ({"windows": "soon"}, "not a duration"),
        ({"windows": "36h"}, "1.5 steps of freq='D'"),
        ({"windows": "7D", "freq": None, "time": "t"}, "no datetimes"),
        ({"statistics": "mode"}, "unknown statistic 'mode'"),
        ({"statistics": "q0"}, "unknown statistic 'q0'"),
        ({"statistics": []}, "is empty"),
        ({"statistics": "ewm", "windows": None}, "half-life"),
        ({"min_samples": 8}, "min_samples=8 is more"),
        ({"min_samples": 0}, "min_samples"),
        ({"horizon": 0, "target": True}, "horizon=0 would let the target"),
        ({"horizon": 0, "freq": None}, "horizon=0 in an event log"),
    ],
)
def test_bad_parameters(change, message):
    X, y = regular()
    X["t"] = np.arange(len(X))
    with pytest.raises(ValueError, match=message):
        WindowFeatures(**change).fit(X, y)


def test_mixed_time_zones_and_empty_tables():
    stamps = [pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-02", tz="Asia/Tokyo")]
    with pytest.raises(ValueError, match="mixes time zones"):
        WindowFeatures(time="t").fit(pd.DataFrame({"t": pd.Series(stamps, dtype=object), "v": 1.0}))
    with pytest.raises(ValueError, match="0 sample"):
        WindowFeatures().fit(pd.DataFrame({"v": []}))
    one = pd.DataFrame({"v": [3.0]}, index=pd.DatetimeIndex(["2024-01-01"], name="date"))
    got = WindowFeatures([1, None], ["mean", "count"], freq="D").fit_transform(one)
    np.testing.assert_array_equal(got, [[np.nan, 0, np.nan, 0]])
