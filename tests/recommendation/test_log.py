"""The log of events: sorted, appended to and cut at times, against slow references."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_tsrec._frequency import make_frequency
from sklearn_tsrec._times import read_times
from sklearn_tsrec.recommendation._log import Clock, EventLog, Events

NUMBERS = Clock("number")
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(0, 4)), min_size=1, max_size=30
)


def events_of(rows, n_series=4):
    series, day, item = np.array(rows, dtype=np.int64).T
    ticks = NUMBERS.ticks(read_times(day))
    return Events(series, ticks, item, pd.RangeIndex(n_series), np.arange(5), NUMBERS)


def before(rows, series, day):
    return [(d, i) for s, d, i in rows if s == series and d < day]


@settings(max_examples=60)
@given(ROWS, st.integers(0, 7), st.integers(1, 5))
def test_spans_hold_what_came_before_and_windows_the_last_of_it(rows, day, width):
    log = EventLog.build(events_of(rows), seed=3)
    series = np.arange(-1, 5)
    spans = log.spans(series, NUMBERS.ticks(read_times(np.full(6, day))))
    windows, ages = log.windows(spans, width), log.ages(spans, width)
    items, of = log.items_in(spans)
    for row, one in enumerate(series):
        past = before(rows, one, day)
        assert sorted(items[of == row]) == sorted(i for _, i in past)
        assert spans.known[row] == bool(past)
        held = [(day - a, i) for a, i in zip(ages[row], windows[row]) if not np.isnan(i)]
        assert len(held) == min(width, len(past))
        assert [d for d, _ in held] == sorted(d for d, _ in past)[len(past) - len(held) :]
        assert {*held} <= {*past}
    everything = log.spans(series)
    assert everything.times[0] == max(d for _, d, _ in rows)
    assert len(log.items_in(everything)[0]) == len(rows)


@settings(max_examples=60)
@given(ROWS, st.integers(0, 30), st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_that_of_calls_matters(rows, cut, random):
    whole = EventLog.build(events_of(rows), seed=1)
    shuffled = random.sample(rows, len(rows))
    grown = EventLog.build(events_of(shuffled), seed=1)
    cut = min(cut, len(rows) - 1)
    first = rows[: cut or 1]
    parts = EventLog.build(events_of(first), seed=1)
    if rows[len(first) :]:
        parts = parts.append(events_of(rows[len(first) :]))
    for log in (grown, parts):
        for name in ("starts", "tick", "item", "time", "series"):
            np.testing.assert_array_equal(getattr(log, name), getattr(whole, name))


@settings(max_examples=60)
@given(ROWS, st.integers(1, 6))
def test_events_that_are_taken_bring_only_their_own_series_and_items(rows, day):
    rows = [(0, 0, 0), *rows]
    events = events_of(rows)
    some = np.array([d < day for _, d, _ in rows])
    part = events.take(some)
    early = [row for row in rows if row[1] < day]
    assert list(part.groups) == sorted({s for s, *_ in early})
    assert list(part.items) == sorted({i for *_, i in early})
    assert list(zip(part.groups[part.series], part.items[part.item])) == [
        (s, i) for s, _, i in early
    ]
    np.testing.assert_array_equal(NUMBERS.numbers(part.tick), [d for _, d, _ in early])


@pytest.mark.parametrize(
    ("times", "freq", "numbers"),
    [
        ([3, 1, 2], None, [3, 1, 2]),
        ([-0.5, 1.25], None, [-0.5, 1.25]),
        ([2**60, 2**60 + 512], None, [2.0**60, 2.0**60 + 512]),
        (pd.to_datetime(["1970-01-02 00:00", "1970-01-03 12:00"]), None, [1, 2.5]),
        (pd.to_datetime(["1970-01-02"]).tz_localize("Asia/Tokyo"), None, [1 - 9 / 24]),
        (pd.period_range("1970-03", periods=2, freq="M"), None, [2, 3]),
        (pd.date_range("1970-01-02", periods=2), "D", [1, 2]),
    ],
)
def test_ticks_are_numbers_again(times, freq, numbers):
    read = read_times(pd.Index(times))
    frequency = None if freq is None else make_frequency(freq, read)
    clock = Clock(read.kind, read.zone, freq is None and read.needs_integers(), frequency)
    ticks = clock.ticks(read)
    assert ticks.dtype == np.int64
    got = clock.numbers(ticks)
    np.testing.assert_array_equal(got - got[0], np.array(numbers) - numbers[0])
    if freq is None:
        np.testing.assert_allclose(got, numbers, rtol=0, atol=1e-12)
    one = clock.read(times[0])
    np.testing.assert_array_equal(clock.ticks(one), ticks[:1])


def test_half_lives_on_a_clock():
    assert Clock("datetime", None, True).half_life("36h") == 1.5
    assert NUMBERS.half_life(3.0) == 3.0
    daily = make_frequency("D", read_times(pd.date_range("2024-01-01", periods=3)))
    assert Clock("datetime", None, False, daily).half_life("7D") == 7
    assert Clock("datetime", None, False, daily).half_life(2) == 2
    with pytest.raises(ValueError, match="half_life=7D does not fit times that are numbers"):
        NUMBERS.half_life("7D")
