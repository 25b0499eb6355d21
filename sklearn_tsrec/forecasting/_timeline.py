"""Timelines: histories whose ticks are steps, also where steps are events."""

import numpy as np

from sklearn_tsrec._history import History


def count_moments(history):
    """Return an event log as steps: the distinct moments of each series count 0, 1, 2 and so on.

    Events of one moment are averaged, missing values aside.

    Parameters
    ----------
    history : History
        Rows in time order; ticks may repeat.

    Returns
    -------
    steps : History
        One row per moment.
    moment : int64 array of shape (n,)
        The row of ``steps`` that each row of ``history`` belongs to.
    """
    n = len(history.ticks)
    first = np.ones(n, dtype=bool)
    first[1:] = history.ticks[1:] != history.ticks[:-1]
    first[history.starts[:-1][history.starts[:-1] < n]] = True
    moment = np.cumsum(first) - 1
    begin = np.flatnonzero(first)
    starts = np.concatenate([moment, [len(begin)]])[history.starts] if n else history.starts
    values = history.values
    if len(begin) < n:
        known = ~np.isnan(values)
        total = np.add.reduceat(np.where(known, values, 0.0), begin, axis=0)
        count = np.add.reduceat(known.astype(np.float64), begin, axis=0)
        values = np.full(total.shape, np.nan, order="F")
        np.divide(total, count, out=values, where=count > 0)
    codes = np.repeat(np.arange(history.n_series), np.diff(starts))
    ticks = np.arange(len(begin)) - starts[codes]
    return History(starts, ticks, values), moment


def last_known_steps(history, n_series):
    """Return the last step of each series whose value is known; a very early one if none is."""
    last = np.full(n_series, np.iinfo(np.int64).min // 2)
    codes = np.repeat(np.arange(history.n_series), np.diff(history.starts))
    known = ~np.isnan(history.values[:, 0])
    # Rows ascend in time, so the last assignment of each series wins.
    last[codes[known]] = history.ticks[known]
    return last
