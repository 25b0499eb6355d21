"""Windows against a dictionary."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_tsrec.forecasting import make_windows


@settings(max_examples=40)
@given(
    keys=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 12)), min_size=2, max_size=25, unique=True
    ),
    window=st.integers(1, 4),
    horizon=st.integers(1, 3),
)
def test_make_windows_equals_a_dictionary(keys, window, horizon):
    table = pd.DataFrame(keys, columns=["g", "t"])
    y = np.arange(len(table)) * 1.5
    known = dict(zip(keys, y))
    windows, targets, found = make_windows(
        table, y, window=window, horizon=horizon, group="g", time="t", freq=1
    )
    for (g, t), past, future in zip(keys, windows, targets):
        want = [known.get((g, s), np.nan) for s in range(t - window, t)]
        np.testing.assert_array_equal(past, want)
        want = [known.get((g, s), np.nan) for s in range(t, t + horizon)]
        np.testing.assert_array_equal(future, want)
    assert found.equals(table)


def test_make_windows_of_events():
    table = pd.DataFrame({"g": [0, 0, 1, 0], "t": [5, 50, 7, 51]})
    windows, targets, _ = make_windows(
        table, [1.0, 2, 3, 4], window=2, group="g", time="t", freq=None
    )
    np.testing.assert_array_equal(
        windows, [[np.nan, np.nan], [np.nan, 1], [np.nan, np.nan], [1, 2]]
    )
    np.testing.assert_array_equal(targets[:, 0], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="window=0 holds 0"):
        make_windows(table, [1.0, 2, 3, 4], window=0, group="g", time="t")


@settings(max_examples=40)
@given(
    keys=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=1, max_size=20),
    lags=st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True),
)
def test_windows_of_events_equal_a_slow_reference(keys, lags):
    table = pd.DataFrame(keys, columns=["g", "t"])
    y = np.random.default_rng(0).permutation(len(table)) * 1.0
    windows, targets, _ = make_windows(table, y, window=lags, group="g", time="t", freq=None)
    np.testing.assert_array_equal(targets[:, 0], y)
    for (g, t), window in zip(keys, windows):
        # Events of one time are in the order of their values.
        before = sorted((s, v) for (h, s), v in zip(keys, y) if h == g and s < t)
        want = [before[-lag][1] if lag <= len(before) else np.nan for lag in sorted(lags)[::-1]]
        np.testing.assert_array_equal(window, want)
