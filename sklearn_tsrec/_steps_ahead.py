"""How far ahead rows are, and the unit of each series."""

import numpy as np

from sklearn_tsrec._history import NEVER
from sklearn_tsrec._scans import is_new


def last_known(codes, ticks, y, n_series):
    """Return the tick of the last known target of each series; ``NEVER`` without one."""
    last = np.full(n_series, NEVER)
    known = ~np.isnan(y)
    np.maximum.at(last, codes[known], ticks[known])
    return last


def start_where_asked(last, codes, ticks):
    """Return last ticks in which a series without one ends before the first row asked for."""
    without = last[codes] == NEVER
    if not without.any():
        return last
    first = np.full(len(last), np.iinfo(np.int64).max)
    np.minimum.at(first, codes[without], ticks[without])
    return np.where(last == NEVER, first - 1, last)


def steps_ahead(last, codes, ticks, calendar):
    """Return how many steps rows lie after the last known target of their series, at least 1.

    Without a calendar, steps are the distinct times asked for. So they are, on any clock, from the
    first time asked for on in a series without a known target. Rows that are not after the last
    known target are one step ahead of the values before them.
    """
    n_series = max(len(last), codes.max(initial=-1) + 1)
    last = np.append(last, np.full(n_series - len(last), NEVER))
    last = start_where_asked(last, codes, ticks)
    if calendar:
        return np.maximum(ticks - last[codes], 1)
    steps = np.ones(len(codes), dtype=np.int64)
    rows = np.flatnonzero(ticks > last[codes])
    rows = rows[np.lexsort((ticks[rows], codes[rows]))]
    series, at = codes[rows], ticks[rows]
    starts = is_new(series)
    count = np.cumsum(is_new(series, at))
    steps[rows] = count - np.maximum.accumulate(np.where(starts, count - 1, 0))
    return steps


def mean_changes(history):
    """Return the mean absolute difference between neighbouring known targets of each series.

    NaN where no two are known.
    """
    codes = history.codes
    y = history.values[:, 0]
    known = ~np.isnan(y)
    codes, change = codes[known], np.abs(np.diff(y[known]))
    same = codes[1:] == codes[:-1]
    count = np.bincount(codes[1:][same], minlength=history.n_series)
    total = np.bincount(codes[1:][same], change[same], minlength=history.n_series)
    mean = np.full(history.n_series, np.nan)
    return np.divide(total, count, out=mean, where=count > 0)


def naive_scales(history):
    """Return the mean absolute change of each series, the unit of its errors.

    A series without a change takes the mean of the others, as in a scaled score.
    """
    scale = mean_changes(history)
    usable = scale > 0
    return np.where(usable, scale, scale[usable].mean() if usable.any() else 1.0)
