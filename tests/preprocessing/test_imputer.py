import pickle

import numpy as np
import pandas as pd
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_tsrec.preprocessing import SeriesImputer
from tests.preprocessing.tables import DAYS, grid, panels, polars_of

NAN = np.nan


def slow(pool, row, method, limit, period, last):
    """The value of one missing cell."""
    series, time = row
    x = grid(pool, series)
    now = DAYS.get_loc(time)
    if method == "seasonal":
        past = [x[now - k * period] for k in range(1, limit + 1) if now >= k * period]
        return next((v for v in past if not np.isnan(v)), NAN)
    past = [d for d in range(now) if not np.isnan(x[d])]
    if not past or now - past[-1] > limit:
        return NAN
    start = past[-1]
    later = [d for d in range(now + 1, len(DAYS)) if not np.isnan(x[d])]
    if method == "linear" and later and DAYS[later[0]] <= last.get(series, DAYS[0]):
        if later[0] - now > limit:
            return NAN
        return np.interp(now, [start, later[0]], [x[start], x[later[0]]])
    return x[start]


@given(
    panels(),
    panels(),
    st.sampled_from(["forward", "seasonal", "linear"]),
    st.integers(1, 15),
    st.integers(1, 4),
)
@settings(max_examples=120)
def test_equals_a_slow_reference(train, test, method, limit, period):
    period = period if method == "seasonal" else None
    imputer = SeriesImputer(method, period=period, limit=limit, freq="D").fit(train)
    pool = pd.concat([test, train])
    pool = pool[~pool.index.duplicated()]
    last = {s: t.index.get_level_values("t").max() for s, t in train.groupby(level="s")}
    out = imputer.transform(test)
    assert out.index.equals(test.index)
    expected = [
        slow(pool, row, method, limit, period, last) if np.isnan(value) else value
        for row, value in test["x"].items()
    ]
    np.testing.assert_allclose(out["x"], expected)


@given(panels(), st.integers(1, 13), st.sampled_from(["forward", "seasonal", "linear"]))
@settings(max_examples=60)
def test_no_test_row_sees_itself_or_later_rows(panel, cut, method):
    times = panel.index.get_level_values("t")
    train, test = panel[times < DAYS[cut]], panel[times >= DAYS[cut]]
    if not len(train):
        return
    period = 2 if method == "seasonal" else None
    imputer = SeriesImputer(method, period=period, freq="D").fit(train)
    for row in range(len(test)):
        now = test.index[row][1]
        late = test.index.get_level_values("t") >= now
        other = test.copy()
        other.loc[late & test["x"].notna().to_numpy(), "x"] += 100
        other.iloc[row] = blank = NAN
        one = test.copy()
        one.iloc[row] = blank
        np.testing.assert_array_equal(
            imputer.transform(other).iloc[row], imputer.transform(one).iloc[row]
        )


def test_events_of_one_moment_do_not_fill_each_other():
    X = np.array([[0, 1.0], [1, NAN], [1, 5.0], [7, NAN], [7, NAN]])
    out = SeriesImputer(time=0, freq=None).fit_transform(X)
    np.testing.assert_array_equal(out[:, 1], [1, 1, 5, 5, 5])
    out = SeriesImputer("seasonal", period=2, time=0, freq=None).fit_transform(X)
    np.testing.assert_array_equal(out[:, 1], [1, NAN, 5, 1, 1])


def test_keys_pass_through_in_every_container():
    X = pd.DataFrame({"s": ["a", "b", "a"], "t": DAYS[:3], "x": [1.0, 2.0, NAN], "z": ["u"] * 3})
    imputer = SeriesImputer(columns="x", group="s", time="t", freq="D")
    expected = X.assign(x=[1.0, 2.0, 1.0])
    pd.testing.assert_frame_equal(imputer.fit_transform(X), expected)
    out = imputer.fit_transform(polars_of(X.set_index(["s", "t"])))
    assert isinstance(out, polars.DataFrame)
    assert out["x"].to_list() == [1, 2, 1]
    assert out["s"].to_list() == ["a", "b", "a"]
    framed = pickle.loads(pickle.dumps(imputer.set_output(transform="pandas").fit(X)))
    pd.testing.assert_frame_equal(framed.transform(X), expected)
    assert X["x"].isna().sum() == 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"method": "seasonal"}, "period=None does not fit"),
        ({"period": 7}, "period=7 does not fit"),
        ({"method": "mean"}, "method"),
        ({"limit": 0}, "limit"),
        ({"columns": "y"}, "unknown column 'y'"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        SeriesImputer(**params).fit(pd.DataFrame({"x": range(14)}, index=DAYS))


def test_bad_tables():
    with pytest.raises(ValueError, match="column 'x' has dtype"):
        SeriesImputer().fit(pd.DataFrame({"x": ["a", "b"]}, index=DAYS[:2]))
    with pytest.raises(ValueError, match="infinity"):
        SeriesImputer().fit(pd.DataFrame({"x": [1, np.inf]}, index=DAYS[:2]))
    with pytest.raises(ValueError, match="repeats"):
        SeriesImputer(freq="D").fit(pd.DataFrame({"x": [1.0, 2.0]}, index=DAYS[[0, 0]]))
    with pytest.raises(ValueError, match="give time="):
        SeriesImputer().fit(np.zeros((3, 2)))
