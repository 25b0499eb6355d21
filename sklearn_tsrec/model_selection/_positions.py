"""Places of rows in time, in whole steps."""

import numpy as np

from sklearn_tsrec._frequency import check_regular, make_frequency
from sklearn_tsrec._keys import Keys, read_clock, read_groups


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
    times, inverse = read_clock(X, time)
    order = np.argsort(times.values, kind="stable")
    if freq is None:
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        return rank[inverse], None
    frequency = make_frequency(freq, times.take(order))
    ticks = frequency.ticks(times)[inverse]
    if freq == "infer" and times.kind != "period":
        codes, labels = read_groups(X, group, time)
        check_regular(frequency, *Keys(codes, ticks, len(labels), len(labels)).sorted())
    return ticks, frequency
