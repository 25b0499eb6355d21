import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_tsrec.features import CalendarFeatures

PLAIN = ["minute", "hour", "dayofweek", "day", "dayofyear", "month", "quarter", "year"]
FLAGS = ["is_weekend", "is_month_start", "is_month_end"]


def frame(times):
    return pd.DataFrame({"x": 0.0}, index=pd.Index(times, name="t"))


@given(st.lists(st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2100-01-01")), min_size=1))
@settings(max_examples=50)
def test_equals_the_datetime_of_python(times):
    out = CalendarFeatures([*PLAIN, "week", *FLAGS]).fit_transform(frame(pd.DatetimeIndex(times)))
    for t, row in zip(times, out):
        stamp = pd.Timestamp(t)
        expected = [getattr(stamp, name) for name in PLAIN] + [t.isocalendar()[1]]
        flags = [t.weekday() >= 5, t.day == 1, (t + pd.Timedelta("1D")).day == 1]
        np.testing.assert_array_equal(row, expected + flags)


def test_cycles_close():
    days = pd.DatetimeIndex(["2020-12-31 23:59", "2021-01-01", "2015-12-31", "2016-02-01"])
    table = CalendarFeatures([*PLAIN, "week"], cyclical=True).set_output(transform="pandas")
    out = table.fit_transform(frame(days))
    assert "t__year" in out
    angle = {
        name: np.mod(np.arctan2(out[f"t__{name}_sin"], out[f"t__{name}_cos"]) / (2 * np.pi), 1)
        for name in ("minute", "hour", "dayofyear", "day", "week", "month")
    }
    expected = {
        "minute": [59 / 60, 0, 0, 0],
        "hour": [23 / 24, 0, 0, 0],
        "dayofyear": [365 / 366, 0, 364 / 365, 31 / 366],
        "day": [30 / 31, 0, 30 / 31, 0],
        "week": [52 / 53, 52 / 53, 52 / 53, 4 / 52],
        "month": [11 / 12, 0, 11 / 12, 1 / 12],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(angle[name], values, atol=1e-9, err_msg=name)


def test_zones_periods_and_numbers_are_wall_clocks():
    calendar = CalendarFeatures(["hour", "day", "month"])
    zoned = pd.DatetimeIndex(["2024-06-30 22:30"], tz="UTC").tz_convert("Europe/Berlin")
    assert calendar.fit_transform(frame(zoned)).tolist() == [[0, 1, 7]]
    periods = pd.PeriodIndex(["2024-02"], freq="M")
    assert calendar.fit_transform(frame(periods)).tolist() == [[0, 1, 2]]
    calendar.set_params(time=0)
    assert calendar.fit_transform([[0.1], [31.5]]).tolist() == [[2, 1, 1], [12, 1, 2]]
    calendar.set_params(unit="h")
    assert calendar.fit_transform([[25]]).tolist() == [[1, 2, 1]]


def test_own_holidays():
    days = pd.DatetimeIndex(["2024-01-01", "2024-01-03", "2024-01-05", "2024-01-08"])
    names = ["is_holiday", "days_to_holiday", "days_since_holiday"]
    out = CalendarFeatures(names, holidays=["2024-01-07", "2024-01-03"]).fit_transform(frame(days))
    nan = np.nan
    np.testing.assert_array_equal(out, [[0, 2, nan], [1, 0, 0], [0, 2, 2], [0, nan, 1]])


def test_holidays_of_a_country():
    days = pd.DatetimeIndex(["2023-12-24", "2023-12-31", "2024-05-01"])
    names = ["is_holiday", "days_to_holiday", "days_since_holiday"]
    out = CalendarFeatures(names, holidays="DE").fit_transform(frame(days))
    assert out.tolist() == [[0, 1, 82], [0, 1, 5], [1, 0, 0]]
    epiphany = frame(pd.DatetimeIndex(["2024-01-06"]))
    assert CalendarFeatures("is_holiday", holidays="DE-BY").fit_transform(epiphany) == 1
    assert CalendarFeatures("is_holiday", holidays="DE-BE").fit_transform(epiphany) == 0


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ImportError, match="pip install holidays"):
        CalendarFeatures("is_holiday", holidays="DE").fit(frame(pd.DatetimeIndex(["2024"])))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"features": "moon"}, "features holds 'moon'"),
        ({"features": []}, "is empty"),
        ({"features": ["day", "day"]}, "repeats"),
        ({"features": "is_holiday"}, "needs holidays="),
        ({"features": "is_holiday", "holidays": "Atlantis"}, "Atlantis is not known"),
        ({"features": "is_holiday", "holidays": [None]}, "missing date"),
        ({"unit": "W"}, "unit"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        CalendarFeatures(**params).fit(frame(pd.DatetimeIndex(["2024-01-01"])))


def test_a_wrong_unit_is_named():
    with pytest.raises(ValueError, match="unit='D'"):
        CalendarFeatures(time=0).fit([[1.7e9]])
