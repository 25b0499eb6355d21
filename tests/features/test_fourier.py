import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_tsrec.features import FourierFeatures


def frame(times):
    return pd.DataFrame({"x": 0.0}, index=pd.Index(times, name="t"))


@given(st.integers(0, 3000), st.integers(1, 400), st.sampled_from([7, 30.4375, 365.25]))
@settings(max_examples=30)
def test_phase_is_the_same_in_every_table(start, length, period):
    days = pd.date_range("2015-01-01", periods=3500)
    whole = FourierFeatures(period, order=2).fit_transform(frame(days))
    part = slice(start, start + length)
    fitted = FourierFeatures(period, order=2, freq="D").fit(frame(days[part]))
    np.testing.assert_allclose(fitted.transform(frame(days)), whole, atol=1e-12)
    angle = 2 * np.pi * np.arange(3500) / period
    shift = np.arctan2(whole[0, 0], whole[0, 1])
    np.testing.assert_allclose(whole[:, 0], np.sin(angle + shift), atol=1e-9)
    np.testing.assert_allclose(whole[:, 3], np.cos(2 * (angle + shift)), atol=1e-9)


def test_steps_and_durations_agree_on_a_fixed_grid():
    times = pd.date_range("2024-01-01", periods=200, freq="h")
    steps = FourierFeatures([24, 168], [3, 2]).fit_transform(frame(times))
    spans = FourierFeatures(["24h", "7D"], [3, 2], freq=None).fit_transform(frame(times))
    np.testing.assert_allclose(spans, steps, atol=1e-9)


def test_months_and_periods():
    months = pd.date_range("2020-01-01", periods=24, freq="MS")
    out = FourierFeatures(12).fit_transform(frame(months))
    np.testing.assert_allclose(out[:12, 0], np.sin(2 * np.pi * np.arange(12) / 12), atol=1e-12)
    periods = FourierFeatures([12, "365.25D"]).fit_transform(frame(months.to_period("M")))
    np.testing.assert_allclose(periods[:, :2], out, atol=1e-12)
    stamps = FourierFeatures("365.25D").fit_transform(frame(months))
    np.testing.assert_allclose(periods[:, 2:], stamps, atol=1e-12)


def test_a_zone_is_read_on_its_wall_clock():
    times = pd.date_range("2024-03-30", periods=96, freq="h", tz="Europe/Berlin")
    out = FourierFeatures("24h").fit_transform(frame(times))
    hour = times.hour.to_numpy()
    np.testing.assert_allclose(out[:, 0], np.sin(2 * np.pi * hour / 24), atol=1e-9)


def test_numeric_clock_keeps_its_unit():
    X = np.array([[0.5], [1e12 + 0.5], [-3.0]])
    out = FourierFeatures(2, time=0, freq=None).fit_transform(X)
    np.testing.assert_allclose(out, [[1, 0], [1, 0], [0, -1]], atol=1e-9)


def test_names_carry_time_period_and_order():
    features = FourierFeatures([7, "30D"], [2, 1]).fit(frame(pd.date_range("2024", periods=9)))
    names = ["t__sin7_1", "t__cos7_1", "t__sin7_2", "t__cos7_2", "t__sin30D_1", "t__cos30D_1"]
    assert features.get_feature_names_out().tolist() == names


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"periods": 0}, "periods holds 0"),
        ({"periods": "soon"}, "periods='?soon'? is not a duration|periods=soon is not a duration"),
        ({"periods": [7, 7]}, "repeat a period"),
        ({"periods": []}, "give at least one period"),
        ({"periods": [7], "order": [1, 2]}, r"order=\[1, 2\]"),
        ({"periods": 7, "order": 4}, "order 4 of period 7"),
        ({"periods": 7, "order": 0}, "order 0 of period 7"),
        ({"periods": 7, "freq": None}, "period 7 has no unit"),
        ({"periods": 7, "freq": "W-SUN"}, "not on the grid"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        FourierFeatures(**params).fit(frame(pd.date_range("2024-01-01", periods=9)))


def test_a_duration_needs_dates():
    with pytest.raises(ValueError, match="period 7D is a duration"):
        FourierFeatures("7D", time=0).fit(np.arange(9.0)[:, np.newaxis])


def test_an_array_needs_a_clock():
    with pytest.raises(ValueError, match="give time="):
        FourierFeatures(7).fit(np.zeros((3, 1)))
