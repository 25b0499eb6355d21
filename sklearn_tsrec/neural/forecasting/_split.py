"""Which rows of windows are the latest of their series: to learn from, and to validate on."""

import numpy as np
import pandas as pd

from sklearn_tsrec._keys import row_order

_MOST_VALIDATED = 256  # windows; more cost time and change no decision
_FEWEST_RECENT = 64  # windows of a series that count as recent, however short the horizon


def split_rows(X, windows, targets, *, validation_fraction, n_recent):
    """Return the rows to train on and the rows to validate on.

    Parameters
    ----------
    X : array or DataFrame
        The windows as they were given. An index of series and times is read.
    windows : array of shape (n, L)
        The same as an array. Without an index, a row whose window is that of the row above, moved
        on by its first target, is the next moment of the same series. If there is no such row,
        all rows are in time order and each stands for itself.
    targets : array of shape (n, H)
        The values after the windows.
    validation_fraction : float
        Share of the rows, the latest of each series, to validate on.
    n_recent : int, "auto" or None
        Number of rows of each series, the latest ones, that are used at all. None uses all;
        "auto" uses four times the horizon and at least 64.

    Returns
    -------
    train, valid : int arrays
        Rows. No target of the one is a target of the other.
    codes : int array of shape (n,)
        The series of each row.
    """
    n, horizon = targets.shape
    order = np.arange(n)
    keyed = isinstance(getattr(X, "index", None), (pd.MultiIndex, pd.DatetimeIndex, pd.PeriodIndex))
    if keyed:
        series, order = row_order(X, n)
        series = series[order]
    else:
        follows = follows_row_above(windows, targets[:, 0])
        keyed = follows.any()
        series = np.cumsum(~follows) if keyed else np.zeros(n, dtype=np.int64)
    _, first, sizes = np.unique(series, return_index=True, return_counts=True)
    count = np.repeat(sizes, sizes)
    age = count - 1 - (np.arange(n) - np.repeat(first, sizes))
    if keyed and n_recent is not None:
        most = max(4 * horizon, _FEWEST_RECENT) if n_recent == "auto" else n_recent
        count = np.minimum(count, most)
    n_valid = np.ceil(validation_fraction * count).astype(np.int64)
    n_valid[n_valid >= count] = 0
    gap = horizon - 1 if keyed else 0
    held = age < n_valid
    # A series too short to be cut is learned from as a whole.
    whole = keyed & (count <= n_valid + gap)
    train = order[whole | ((age >= np.where(n_valid, n_valid + gap, 0)) & (age < count))]
    valid = order[held & ~whole]
    if len(valid) > _MOST_VALIDATED:
        valid = valid[np.linspace(0, len(valid) - 1, _MOST_VALIDATED).astype(np.int64)]
    codes = np.empty(n, dtype=np.int64)
    codes[order] = series
    return train, valid, codes


def follows_row_above(windows, target):
    """Return whether the window of each row is that of the row above, moved on by its target."""
    follows = np.zeros(len(windows), dtype=bool)
    old, new = windows[:-1, 1:], windows[1:, :-1]
    same = (old == new) | (np.isnan(old) & np.isnan(new))
    follows[1:] = same.all(axis=1) & (windows[1:, -1] == target[:-1])
    return follows
