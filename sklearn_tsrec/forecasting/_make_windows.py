from collections.abc import Sequence
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import KeyedMixin, key_frame
from sklearn_tsrec._table import check_target
from sklearn_tsrec._times import show
from sklearn_tsrec._typing import ArrayLike, Columns, Freq, Key, Table
from sklearn_tsrec.forecasting._steps import event_steps


class _Reader(KeyedMixin, BaseEstimator):
    """Keys of a table, read for a function."""

    def __init__(self, group, time, freq):
        self.group = group
        self.time = time
        self.freq = freq


def make_windows(
    X: Table,
    y: ArrayLike,
    *,
    window: int | Sequence[int],
    horizon: int = 1,
    group: Columns = None,
    time: Key | None = None,
    freq: Freq = "infer",
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Return, for each row, the window of the targets before it and the targets from it on.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        One row for each time of each series, in any order. Only its keys are read.
    y : array-like of shape (n,)
        The target; NaN marks a missing value.
    window : int or list of int
        The number of last values, or the lags of values.
    horizon : int, default=1
        The number of targets.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step. None counts events; events at one time never see each other.

    Returns
    -------
    windows : array of shape (n, n_lags)
        The oldest value first; NaN where there is none.
    targets : array of shape (n, horizon)
        The target of the row, and of the steps after it; NaN where there is none.
    keys : DataFrame of shape (n, n_levels + 1)
        The keys of the rows: series and time.

    Raises
    ------
    ValueError
        If a lag or the horizon is not a positive integer, or the keys are bad.

    See Also
    --------
    WindowForecaster : Forecasts with any regressor on such windows.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.forecasting import make_windows
    >>> X = pd.DataFrame(index=pd.date_range("2024-01-01", periods=4))
    >>> windows, targets, keys = make_windows(X, [1, 2, 3, 4], window=2)
    >>> windows
    array([[nan, nan],
           [nan,  1.],
           [ 1.,  2.],
           [ 2.,  3.]])
    >>> targets.ravel()
    array([1., 2., 3., 4.])
    """
    lags = check_lags(window)
    if not isinstance(horizon, Integral) or isinstance(horizon, bool) or horizon < 1:
        raise ValueError(f"horizon must be an integer of at least 1, got {horizon!r}.")
    reader = _Reader(group, time, freq)
    X = reader._check_table(X, reset=True)
    keys = reader._fit_keys(X)
    y = check_target(y, len(keys.codes), estimator=reader)
    history, order = History.sort(keys, y)
    codes = keys.codes if order is None else keys.codes[order]
    steps = before = history.ticks
    if reader._frequency is None:
        steps, before = event_steps(history)
        history = History(history.starts, steps, history.values)
    windows = history.windows(codes, before, -lags)
    targets = history.windows(codes, steps, np.arange(horizon))
    if order is not None:
        row = np.argsort(order)
        windows, targets = windows[row], targets[row]
    return windows, targets, key_frame(X, group, time)[0]


def check_lags(window):
    """Return the lags of a window, the longest first; raise if one is not a positive integer."""
    lags = list(window) if np.ndim(window) == 1 else [window]
    for lag in lags:
        if not isinstance(lag, Integral) or isinstance(lag, bool) or lag < 1:
            raise ValueError(
                f"window={show(window)} holds {lag!r}: a window is a number of values or a list of "
                "lags, each a positive integer."
            )
    if not lags or len(set(lags)) < len(lags):
        raise ValueError(f"window={show(window)} must name at least one lag, and each once.")
    if np.ndim(window) == 0:
        return np.arange(window, 0, -1)
    return np.sort(np.array(lags, dtype=np.int64))[::-1]
