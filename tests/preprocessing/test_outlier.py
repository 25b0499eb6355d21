import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_tsrec.preprocessing import OutlierClipper
from tests.preprocessing.tables import DAYS, grid, panels, polars_of


def slow(pool, row, value, method, window, threshold, action):
    """What becomes of one cell."""
    now = DAYS.get_loc(row[1])
    past = pd.Series(grid(pool, row[0])[max(now - window, 0) : now]).dropna()
    if len(past) < 3:
        return value
    if method == "hampel":
        low = high = past.median()
        spread = 1.4826 * (past - low).abs().median()
    else:
        low, high = past.quantile(0.25), past.quantile(0.75)
        spread = high - low
    low, high = low - threshold * spread, high + threshold * spread
    if spread == 0 or not (value < low or value > high):
        return value
    return np.nan if action == "mark" else min(max(value, low), high)


@given(
    panels(values=(np.nan, 0.0, 1.0, 2.0, 5.0, 40.0, -9.0)),
    panels(values=(np.nan, 0.0, 1.0, 2.0, 5.0, 40.0, -9.0)),
    st.sampled_from(["hampel", "iqr"]),
    st.integers(3, 14),
    st.sampled_from(["mark", "replace"]),
    st.sampled_from([0.7, 3.0]),
)
@settings(max_examples=120)
def test_equals_a_slow_reference(train, test, method, window, action, threshold):
    settings = {"window": window, "threshold": threshold, "action": action}
    clipper = OutlierClipper(method, min_samples=3, freq="D", **settings).fit(train)
    pool = pd.concat([test, train])
    pool = pool[~pool.index.duplicated()]
    expected = [
        slow(pool, row, value, method, window, threshold, action)
        for row, value in test["x"].items()
    ]
    np.testing.assert_allclose(clipper.transform(test)["x"], expected)


@given(panels(values=(0.0, 1.0, 2.0, 5.0, 40.0)), st.integers(0, 13))
@settings(max_examples=40)
def test_later_values_do_not_matter(panel, cut):
    late = panel.index.get_level_values("t") > DAYS[cut]
    other = panel.copy()
    other.loc[late, "x"] = 1000.0
    clipper = OutlierClipper(window=8, min_samples=3, freq="D")
    one, two = clipper.fit_transform(panel), clipper.fit_transform(other)
    pd.testing.assert_frame_equal(one[~late], two[~late])


def test_events_of_one_moment_do_not_judge_each_other():
    X = np.array([[0, 1.0], [1, 2.0], [2, 3.0], [3, 90.0], [3, 91.0]])
    out = OutlierClipper(action="mark", min_samples=3, time=0, freq=None).fit_transform(X)
    np.testing.assert_array_equal(out[:, 1], [1, 2, 3, np.nan, np.nan])


def test_equal_values_say_nothing():
    X = pd.DataFrame({"x": [0.0] * 13 + [50.0]}, index=DAYS)
    pd.testing.assert_frame_equal(OutlierClipper().fit_transform(X), X)


def test_polars_gives_the_same():
    X = pd.DataFrame({"x": [*range(13), 500.0]}, index=DAYS.rename("t"))
    out = OutlierClipper(time="t").fit_transform(polars_of(X))
    np.testing.assert_array_equal(out["x"], OutlierClipper().fit_transform(X)["x"])
    assert out["x"][-1] == pytest.approx(6 + 3 * 1.4826 * 3)


@pytest.mark.parametrize(
    "params",
    [
        {"method": "sigma"},
        {"window": 0},
        {"threshold": 0},
        {"action": "drop"},
        {"min_samples": 0},
        {"window": 4, "min_samples": 5},
    ],
)
def test_bad_parameters(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        OutlierClipper(**params).fit(pd.DataFrame({"x": range(14)}, index=DAYS))
