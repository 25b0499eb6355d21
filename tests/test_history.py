"""The memory gives every value at its key, and nothing else."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import KeyedMixin, Keys
from sklearn_tsrec._times import Times, read_times


class Keyed(KeyedMixin, BaseEstimator):
    """The least that reads keys."""

    def __init__(self, group=None, time=None, freq="infer"):
        self.group = group
        self.time = time
        self.freq = freq


@st.composite
def tables(draw, max_series=4, max_time=15, repeats=False):
    """Draw rows (series, time) in any order, without repeats or with them."""
    key = st.tuples(st.integers(0, max_series - 1), st.integers(0, max_time))
    rows = draw(st.lists(key, min_size=2, max_size=40, unique=not repeats))
    return np.array(rows)


def panel(rows, values):
    """Make an indexed panel of rows (series, time)."""
    index = pd.MultiIndex.from_arrays(
        [[f"s{g}" for g in rows[:, 0]], rows[:, 1]], names=["series", "time"]
    )
    return pd.DataFrame({"v": values}, index=index)


@settings(max_examples=60)
@given(rows=tables(), data=st.data())
def test_lookups_equal_a_dictionary(rows, data):
    values = np.arange(len(rows), dtype=float)
    keyed = Keyed(freq=1)
    history = History.build(keyed._fit_keys(panel(rows, values)), values)
    truth = {(g, t): v for (g, t), v in zip(map(tuple, rows), values)}
    asked = data.draw(tables())
    keys = keyed._read_keys(panel(asked, np.zeros(len(asked))))
    for offset in (-3, -1, 0, 2):
        want = [truth.get((g, t + offset), np.nan) for g, t in asked]
        np.testing.assert_array_equal(history.lookup(keys.codes, keys.ticks + offset), want)
    offsets = [-4, -2, -1, 0, 1]
    want = [[truth.get((g, t + o), np.nan) for o in offsets] for g, t in asked]
    np.testing.assert_array_equal(history.windows(keys.codes, keys.ticks, offsets), want)


@settings(max_examples=60)
@given(old=tables(), new=tables(max_series=6))
def test_overlay_and_append_equal_a_dictionary(old, new):
    keyed = Keyed(freq=1)
    old_values, new_values = np.arange(len(old)) + 100.0, np.arange(len(new)) + 500.0
    history = History.build(keyed._fit_keys(panel(old, old_values)), old_values)
    keys = keyed._read_keys(panel(new, new_values))
    remembered = dict(zip(map(tuple, old), old_values))
    given_rows = dict(zip(map(tuple, new), new_values))
    pool, order, place = history.overlay(keys, new_values[:, np.newaxis])
    np.testing.assert_array_equal(pool.values[place, 0], new_values[order])
    for g, t in remembered | given_rows:
        code = keyed._read_keys(panel(np.array([[g, t]]), [0.0])).codes
        is_new_series = code[0] == history.n_series
        if is_new_series or not (new[:, 0] == g).any():
            continue
        want = given_rows.get((g, t), remembered.get((g, t)))
        tick = keyed._frequency.ticks(read_times(np.array([t])))
        assert pool.lookup(code, tick)[0] == want
    targets, order, place = history.overlay(keys)
    known = [remembered.get(tuple(row), np.nan) for row in new[order]]
    np.testing.assert_array_equal(targets.values[place, 0], known)
    np.testing.assert_array_equal(targets.unknown[place], np.isnan(known))
    longer = history.append(keys, new_values)
    assert len(longer.ticks) == len(remembered | given_rows)
    np.testing.assert_array_equal(longer.lookup(keys.codes, keys.ticks), new_values)


@settings(max_examples=40)
@given(rows=tables(repeats=True), seed=st.integers(0, 100))
def test_event_logs_do_not_depend_on_the_order_of_rows(rows, seed):
    values = np.random.default_rng(seed).integers(0, 5, len(rows)).astype(float)
    shuffle = np.random.default_rng(seed).permutation(len(rows))
    keyed = Keyed(freq=None)
    one = History.build(keyed._fit_keys(panel(rows, values)), values)
    two = History.build(keyed._fit_keys(panel(rows[shuffle], values)), values[shuffle])
    np.testing.assert_array_equal(one.ticks, two.ticks)
    np.testing.assert_array_equal(one.values, two.values)
    np.testing.assert_array_equal(one.starts, two.starts)


def test_a_history_without_rows_of_a_series():
    keyed = Keyed(freq=1)
    rows = np.array([[0, 0], [0, 1]])
    history = History.build(keyed._fit_keys(panel(rows, [1.0, 2.0])), np.array([1.0, 2.0]))
    keys = keyed._read_keys(panel(np.array([[3, 0], [3, 1]]), [0.0, 0.0]))
    assert keys.codes.tolist() == [1, 1]
    assert np.isnan(history.lookup(keys.codes, keys.ticks)).all()
    assert history.last_ticks().tolist() == [1]


def test_float32_stays_float32():
    keyed = Keyed(freq=1)
    values = np.array([1, 2], dtype=np.float32)
    history = History.build(keyed._fit_keys(panel(np.array([[0, 0], [0, 1]]), values)), values)
    assert history.values.dtype == np.float32
    assert history.windows([0], [1], [-1, 0]).dtype == np.float32


def test_float_clock_of_events_reads_whole_numbers_too():
    keyed = Keyed(time=0, freq=None)
    fitted = keyed._fit_keys(np.array([[0.5, 1], [2.0, 1]]))
    read = keyed._read_keys(np.array([[2.0, 1], [1.0, 1]]))
    assert read.ticks[0] == fitted.ticks[1]
    assert fitted.ticks[0] < read.ticks[1] < fitted.ticks[1]


def test_whole_clock_beyond_float_precision():
    keyed = Keyed(time=0, freq=None)
    big = 2**60
    table = pd.DataFrame({"t": [big, big + 1]})
    assert np.diff(keyed._fit_keys(table).ticks).tolist() == [1]
    with pytest.raises(ValueError, match="fractions here"):
        keyed._read_keys(pd.DataFrame({"t": [0.5]}))


def test_find_on_a_clock_of_floats_that_is_wider_than_integers():
    ticks = Times("number", np.linspace(-3.0, 3.0, 200)).sortable(integers=False)
    keys = Keys(np.zeros(200, dtype=np.int64), ticks, 1, 1)
    history = History.build(keys, np.arange(200.0))
    np.testing.assert_array_equal(history.find(keys.codes, ticks), np.arange(200))
    np.testing.assert_array_equal(history.find(keys.codes[:1], ticks[:1] + 1), [-1])
