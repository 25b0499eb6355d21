"""The series and time order of rows of features, where an index still tells them."""

import numpy as np
import pandas as pd

from sklearn_tsrec._keys import _read_clock, _read_groups


def row_order(X, n_rows):
    """Return the series of each row, and the rows sorted by series and time.

    Keys survive our transformers in the index of a DataFrame. Other tables are one series in the
    order given.

    Parameters
    ----------
    X : DataFrame or anything
        Features.
    n_rows : int
        Their number of rows.

    Returns
    -------
    series : int64 array of shape (n_rows,)
    order : int64 array of shape (n_rows,)
    """
    index = getattr(X, "index", None)
    if not isinstance(index, (pd.MultiIndex, pd.DatetimeIndex, pd.PeriodIndex)):
        return np.zeros(n_rows, dtype=np.int64), np.arange(n_rows)
    series, _ = _read_groups(X, None, None)
    times, inverse = _read_clock(X, None)
    rank = np.empty(len(times.values), dtype=np.int64)
    rank[np.argsort(times.values, kind="stable")] = np.arange(len(rank))
    return series, np.lexsort((rank[inverse], series))
