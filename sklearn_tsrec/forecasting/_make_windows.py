import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _num_samples

from sklearn_tsrec._history import History
from sklearn_tsrec._key_frame import key_frame
from sklearn_tsrec._keys import KeyedMixin
from sklearn_tsrec._table import check_target
from sklearn_tsrec.forecasting._timeline import count_moments


def make_windows(X, y, *, window, horizon=1, group=None, time=None, freq="infer"):
    """Cut a keyed table into windows of the past and the targets that follow them.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        Keyed table; only its keys are read.
    y : array-like of shape (n,)
        Target. NaN marks a missing one.
    window : int
        Number of values before a moment, in steps of ``freq``.
    horizon : int, default=1
        Number of targets from the moment on.
    group, time : str, int, list of str or None, default=None
        Columns that hold the keys. None reads the index.
    freq : "infer", str, float or None, default="infer"
        Frequency of the steps; None counts events.

    Returns
    -------
    windows : ndarray of shape (n, window)
        For each row of X the last ``window`` values before its time, oldest first. Missing values
        and values before the start of the series are NaN.
    targets : ndarray of shape (n, horizon)
        The target at the time of the row and at the ``horizon - 1`` steps after it.
    moments : DataFrame of shape (n, n_levels + 1)
        The keys of the rows: series and time.

    Raises
    ------
    ValueError
        If ``window`` or ``horizon`` is below 1, or the keys are not valid.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.forecasting import make_windows
    >>> X = pd.DataFrame(index=pd.date_range("2024-01-01", periods=4, name="day"))
    >>> windows, targets, moments = make_windows(X, [1, 2, 3, 4], window=2, horizon=2)
    >>> windows
    array([[nan, nan],
           [nan,  1.],
           [ 1.,  2.],
           [ 2.,  3.]])
    >>> targets
    array([[ 1.,  2.],
           [ 2.,  3.],
           [ 3.,  4.],
           [ 4., nan]])
    """
    for name, value in (("window", window), ("horizon", horizon)):
        if value < 1:
            raise ValueError(f"{name}={value!r} must be at least 1.")
    reader = _KeyReader(group, time, freq)
    y = check_target(y, _num_samples(X), estimator=reader)
    keys = reader._fit_keys(X)
    history, order = History.sort(keys, y)
    codes, steps = keys.codes, keys.ticks
    if reader.freq_ is None:
        history, moment = count_moments(history)
        steps = np.empty_like(moment)
        steps[slice(None) if order is None else order] = history.ticks[moment]
    windows = history.windows(codes, steps, np.arange(-window, 0))
    targets = history.windows(codes, steps, np.arange(horizon))
    return windows, targets, key_frame(X, group, time)[0]


class _KeyReader(KeyedMixin, BaseEstimator):
    """Reads keys for a function, as an estimator would."""

    def __init__(self, group, time, freq):
        self.group = group
        self.time = time
        self.freq = freq
