"""Steps: the clock of windows. Ticks of a calendar, or numbers of events without one."""

import numpy as np
from numba import njit

from sklearn_tsrec._keys import Keys
from sklearn_tsrec._scans import is_new


def event_steps(history):
    """Return the number of each event in its series, and that of the first event at its time.

    Events at one time never see each other: what is before the first is before all of them.
    """
    series = history.codes
    step = np.arange(len(series)) - history.starts[series]
    first = np.where(is_new(series, history.ticks), np.arange(len(series)), 0)
    return step, np.maximum.accumulate(first) - history.starts[series]


def place_events(history, keys):
    """Return the step of each row among remembered events, and whether it is after all of them.

    A row has the step of the first event that is not before it. Rows after all events of
    their series follow them, one step for each distinct time.
    """
    before = _count_before(history.starts, history.ticks, keys.codes, keys.ticks)
    n_events = np.zeros(keys.n_series, dtype=np.int64)
    n_events[: history.n_series] = np.diff(history.starts)
    new = before == n_events[keys.codes]
    rows = np.flatnonzero(new)
    if len(rows):
        codes, ticks = keys.codes[rows], keys.ticks[rows]
        order = Keys(codes, ticks, keys.n_series, keys.n_known).order
        order = np.arange(len(rows)) if order is None else order
        codes, ticks = codes[order], ticks[order]
        rank = np.cumsum(is_new(codes, ticks)) - 1
        rank -= np.maximum.accumulate(np.where(is_new(codes), rank, 0))
        before[rows[order]] += rank
    return before, new


@njit(cache=True)
def _count_before(starts, ticks, codes, wanted):
    """Count the rows of each series before a tick."""
    count = np.zeros(len(codes), dtype=np.int64)
    for i in range(len(codes)):
        if codes[i] < len(starts) - 1:
            low, high = starts[codes[i]], starts[codes[i] + 1]
            count[i] = np.searchsorted(ticks[low:high], wanted[i])
    return count
