"""Calendar ticks are exact, inferred only from regular times, and turn back into times."""

import numpy as np
import pandas as pd
import pytest

from sklearn_tsrec._frequency import make_frequency
from sklearn_tsrec._times import parse_duration, read_times

CALENDAR = [
    "us", "ms", "s", "30s", "min", "15min", "h", "2h", "D", "2D", "W-SUN", "W-MON", "2W-TUE", "B",
    "MS", "ME", "2MS", "QS-JAN", "QE-DEC", "QS-FEB", "QE-NOV", "2QS-APR", "YS-JAN", "YE-DEC",
    "YS-APR", "2YS-JAN",
]  # fmt: skip


@pytest.mark.parametrize("zone", [None, "Europe/Paris", "UTC"])
@pytest.mark.parametrize("freq", CALENDAR)
def test_calendar_frequencies_are_inferred_and_inverted(freq, zone):
    index = pd.date_range("2021-02-01", periods=40, freq=freq, tz=zone)
    grid = make_frequency("infer", read_times(index))
    ticks = grid.ticks(read_times(index))
    np.testing.assert_array_equal(np.diff(ticks), 1)
    assert grid.times(ticks).equals(index.as_unit("us"))
    again = make_frequency(grid.name, read_times(index))
    np.testing.assert_array_equal(again.ticks(read_times(index)), ticks)


@pytest.mark.parametrize("freq", ["h", "D", "W-MON", "M", "2M", "Q-DEC", "Y-DEC"])
def test_periods_carry_their_own_frequency(freq):
    index = pd.period_range("2021-03-01", periods=10, freq=freq)
    grid = make_frequency("infer", read_times(index))
    ticks = grid.ticks(read_times(index))
    np.testing.assert_array_equal(np.diff(ticks), 1)
    assert grid.times(ticks).equals(index)
    assert grid.name == freq


def test_holes_count_as_steps():
    index = pd.DatetimeIndex(["2024-01-31", "2024-02-29", "2024-05-31", "2024-06-30"])
    grid = make_frequency("infer", read_times(index))
    assert grid.name == "ME"
    np.testing.assert_array_equal(np.diff(grid.ticks(read_times(index))), [1, 3, 1])


def test_days_keep_their_length_across_daylight_saving():
    index = pd.date_range("2024-03-29", periods=5, freq="D", tz="Europe/Paris")
    grid = make_frequency("infer", read_times(index))
    np.testing.assert_array_equal(np.diff(grid.ticks(read_times(index))), 1)


def test_plain_periods_take_any_day():
    index = pd.DatetimeIndex(["2024-01-15", "2024-02-03", "2024-04-30"])
    grid = make_frequency("M", read_times(index))
    np.testing.assert_array_equal(np.diff(grid.ticks(read_times(index))), [1, 2])
    grid = make_frequency("Q", read_times(index))
    np.testing.assert_array_equal(np.diff(grid.ticks(read_times(index))), [0, 1])


def test_business_days_skip_weekends():
    index = pd.DatetimeIndex(["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-10"])
    grid = make_frequency("infer", read_times(index))
    assert grid.name == "B"
    np.testing.assert_array_equal(np.diff(grid.ticks(read_times(index))), [1, 1, 2])


@pytest.mark.parametrize(
    ("values", "step"), [([3, 5, 11], 2), ([0.0, 0.5, 2.0], 0.5), ([10.0, 20.0], 10)]
)
def test_numbers(values, step):
    times = read_times(np.array(values))
    grid = make_frequency("infer", times)
    assert grid.name == step
    np.testing.assert_allclose(grid.times(grid.ticks(times)), values)


@pytest.mark.parametrize(
    ("freq", "dates", "message"),
    [
        (
            "W-MON",
            ["2024-01-02"],
            r"2024-01-02 .* is not on the grid of freq='W-MON' \(it is a TUE\)",
        ),
        ("MS", ["2024-01-01", "2024-02-02"], "2024-02-02 .* is not on the grid"),
        ("B", ["2024-01-05", "2024-01-06"], "2024-01-06 .* is not on the grid"),
        ("2h", ["2024-01-01 00:00", "2024-01-01 03:00"], "03:00:00 is not on the grid"),
        ("QS-JAN", ["2024-02-01"], "not on the grid"),
        ("fortnight", ["2024-01-01"], "freq='fortnight' is not a known frequency"),
        ("W-XYZ", ["2024-01-01"], "not a known frequency"),
        (7, ["2024-01-01"], "freq=7 is a number, but time holds datetimes"),
        ("infer", ["2024-01-01"], "needs at least two distinct times"),
    ],
)
def test_times_off_the_grid_are_named(freq, dates, message):
    times = read_times(pd.DatetimeIndex(dates))
    with pytest.raises(ValueError, match=message):
        make_frequency(freq, times).ticks(times)


def test_numeric_times_off_the_grid():
    times = read_times(np.array([0, 2, 3]))
    with pytest.raises(ValueError, match="time 3 is not on the grid of freq=2"):
        make_frequency(2, times).ticks(times)
    with pytest.raises(ValueError, match="calendar frequency, but time holds plain numbers"):
        make_frequency("D", times)


def test_durations_in_steps():
    days = pd.date_range("2024-01-01", periods=3, freq="D")
    assert make_frequency("D", read_times(days)).steps("7D") == 7
    assert make_frequency("B", read_times(days)).steps("7D") == 5
    months = pd.period_range("2024-01", periods=3, freq="M")
    assert make_frequency("infer", read_times(months)).steps("365.2425D") == pytest.approx(12)
    assert parse_duration("36h") == 36 * 3600 * 1_000_000
    for wrong in ["seven", "-1D", "0D"]:
        with pytest.raises(ValueError, match="duration"):
            parse_duration(wrong)


def test_reading_times_refuses_what_is_no_time():
    with pytest.raises(TypeError, match=r"text such as '2024-01-01': convert it with pandas"):
        read_times(pd.Index(["2024-01-01"], dtype=object))
    with pytest.raises(TypeError, match="convert"):
        read_times(pd.Series(["2024-01-01"], dtype="str"))
    with pytest.raises(ValueError, match="missing .* in row 1"):
        read_times(pd.DatetimeIndex(["2024-01-01", None]))
    with pytest.raises(ValueError, match="missing .* in row 0"):
        read_times(np.array([np.nan, 1.0]))
    with pytest.raises(ValueError, match="infinite in row 1"):
        read_times(np.array([0.5, np.inf]))
    mixed = pd.Series(
        [pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-01", tz="Asia/Tokyo")],
        dtype=object,
    )
    with pytest.raises(ValueError, match="mixes time zones"):
        read_times(mixed)
    with pytest.raises(ValueError, match="finer than a microsecond"):
        read_times(pd.DatetimeIndex(["2024-01-01 00:00:00.000000001"]))


def test_floats_sort_as_integers():
    values = np.array([-np.inf, -2.5, -0.0, 0.0, 1e-300, 3.25, 1e300])[1:]
    ticks = read_times(values).sortable(False)
    assert (np.diff(ticks) >= 0).all()
    assert ticks[1] == ticks[2]
