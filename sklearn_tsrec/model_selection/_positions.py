"""Places of rows in time, in whole steps."""

import numpy as np

from sklearn_tsrec._frequency import check_regular, make_frequency
from sklearn_tsrec._keys import Keys, _read_clock, _read_groups, _sorted


def step_positions(X, group, time, freq):
    """Return the place of every row in steps of the calendar, or among the distinct times.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        Keyed table.
    group, time : str, int, list of these or None
        Keys, as every keyed estimator takes them.
    freq : "infer", str, number or None
        The calendar; None counts distinct times.

    Returns
    -------
    positions : int64 array of shape (n,)
    frequency : Frequency or None
    """
    times, inverse = _read_clock(X, time)
    order = np.argsort(times.values, kind="stable")
    if freq is None:
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        return rank[inverse], None
    frequency = make_frequency(freq, times.take(order))
    ticks = frequency.ticks(times)[inverse]
    if freq == "infer" and times.kind != "period":
        codes, labels = _read_groups(X, group, time)
        check_regular(frequency, *_sorted(Keys(codes, ticks, len(labels), len(labels))))
    return ticks, frequency
