from typing import ClassVar

import numpy as np
from numba import njit

from sklearn_tsrec._typing import Columns, Freq, Key
from sklearn_tsrec.forecasting._series_regressor import SeriesRegressor


class DriftRegressor(SeriesRegressor):
    """Forecast along the line from the first known value to the last.

    Parameters
    ----------
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step, such as ``"D"``. None counts events.

    Attributes
    ----------
    target_history_ : History
        The targets remembered, by series and time.
    groups_ : Index
        The series remembered.
    freq_ : str, number or None
        The length of a step.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if X has names that are strings.

    See Also
    --------
    SeasonalNaiveRegressor : Repeats the last season.

    References
    ----------
    .. [1] R. J. Hyndman and G. Athanasopoulos (2021), "Forecasting: Principles and Practice", 3rd
       edition, OTexts, section 5.2.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.forecasting import DriftRegressor
    >>> X = pd.DataFrame(index=pd.date_range("2024-01-01", periods=6))
    >>> DriftRegressor().fit(X[:4], [1.0, 5.0, 2.0, 4.0]).predict(X[4:])
    array([5., 6.])
    """

    _parameter_constraints: ClassVar[dict] = {**SeriesRegressor._series_constraints}

    def __init__(self, *, group: Columns = None, time: Key | None = None, freq: Freq = "infer"):
        self.group = group
        self.time = time
        self.freq = freq

    def _pass(self, starts, steps, values):
        """Return the forecast of each step."""
        return _go_on(starts, steps, values)


@njit(cache=True)
def _go_on(starts, steps, values):
    """Go on along the line from the first known value to the newest."""
    out = np.full(len(values), np.nan)
    for s in range(len(starts) - 1):
        first = last = -1
        for i in range(starts[s], starts[s + 1]):
            if last >= 0:
                slope = 0.0
                if last > first:
                    slope = (values[last] - values[first]) / (steps[last] - steps[first])
                out[i] = values[last] + slope * (steps[i] - steps[last])
            if not np.isnan(values[i]):
                first = i if first < 0 else first
                last = i
    return out
