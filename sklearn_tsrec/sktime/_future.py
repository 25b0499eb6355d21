"""Rows of a table that ask for forecasts: every series at every time of a horizon."""

import numpy as np
import pandas as pd

from sklearn_tsrec._keys import read_groups, sorted_groups
from sklearn_tsrec._times import read_times, show
from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.forecasting._regress import takes_nan


def reads_keys(estimator):
    """Tell whether an estimator, or a part of it, reads series and times itself."""
    names = estimator.get_params() if hasattr(estimator, "get_params") else ()
    return any(name == "time" or name.endswith("__time") for name in names)


def sees_through_gaps(estimator):
    """Tell whether known-ahead columns may be missing at steps before the one asked for."""
    if isinstance(estimator, WindowForecaster):
        estimator = estimator.estimator
    elif reads_keys(estimator):
        return False
    return hasattr(estimator, "__sklearn_tags__") and takes_nan(estimator)


def list_series(index):
    """Return the labels of the series of an index, sorted; None for a single one."""
    return span_series(index)[0]


def span_series(index):
    """Return the labels of series as above, their earliest first time and earliest last time."""
    if not isinstance(index, pd.MultiIndex):
        return None, index.min(), index.max()
    codes, groups = read_groups(pd.DataFrame(index=index), None, None)
    times = index.levels[-1]
    order = times.argsort()
    rank = np.empty(len(times), dtype=np.int64)
    rank[order] = np.arange(len(times))
    rank = rank[index.codes[-1]]
    last = np.full(len(groups), -1)
    np.maximum.at(last, codes, rank)
    return sorted_groups(groups, codes)[0], times[order[rank.min()]], times[order[last.min()]]


def cross(series, times, names):
    """Return an index of all series at all times, series by series."""
    if series is None:
        return times.rename(names[0])
    n, h = len(series), len(times)
    levels, codes = [series], [np.arange(n)]
    if isinstance(series, pd.MultiIndex):
        levels, codes = series.levels, series.codes
    order = np.argsort(times)
    return pd.MultiIndex(
        levels=[*levels, times[order]],
        codes=[*(np.repeat(code, h) for code in codes), np.tile(np.argsort(order), n)],
        names=names,
    )


def shift_times(frequency, cutoff, steps):
    """Return the times some steps after the only time of an index."""
    return frequency.times(frequency.ticks(read_times(cutoff))[0] + np.asarray(steps))


def count_steps(frequency, cutoff, times):
    """Return how many steps after the only time of an index some times lie."""
    return frequency.ticks(read_times(times)) - frequency.ticks(read_times(cutoff))[0]


def check_series_known(X, series):
    """Raise if a table of future rows lacks a series."""
    given = list_series(X.index)
    missing = series[given.get_indexer(series) < 0]
    if len(missing):
        raise ValueError(
            f"X has no rows of {len(missing)} of the {len(series)} series that were fitted, first "
            f"{show(missing[0])}: give what is known ahead of every series."
        )
