from numbers import Integral
from typing import ClassVar

import numpy as np
from numba import njit

from sklearn_tsrec._sklearn import Interval
from sklearn_tsrec._typing import Columns, Freq, Key
from sklearn_tsrec.forecasting._series_regressor import SeriesRegressor


class SeasonalNaiveRegressor(SeriesRegressor):
    """Forecast the last season again: each step has the newest known value of its season.

    Parameters
    ----------
    period : int, default=1
        Steps per season; 1 repeats the last value.
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
    DriftRegressor : Goes on along the line from the first value to the last.

    Notes
    -----
    Where the season has no known value yet, the newest known value stands in.

    References
    ----------
    .. [1] R. J. Hyndman and G. Athanasopoulos (2021), "Forecasting: Principles and Practice", 3rd
       edition, OTexts, section 5.2.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.forecasting import SeasonalNaiveRegressor
    >>> X = pd.DataFrame(index=pd.date_range("2024-01-01", periods=8))
    >>> naive = SeasonalNaiveRegressor(period=3).fit(X[:5], [1.0, 2.0, 3.0, 4.0, 5.0])
    >>> naive.predict(X[5:])
    array([3., 4., 5.])
    """

    _parameter_constraints: ClassVar[dict] = {
        "period": [Interval(Integral, 1, None, closed="left")],
        **SeriesRegressor._series_constraints,
    }

    def __init__(
        self,
        period: int | None = 1,
        *,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
    ):
        self.period = period
        self.group = group
        self.time = time
        self.freq = freq

    def _pass(self, starts, steps, values):
        """Return the forecast of each step."""
        return _repeat(starts, steps, values, self.period)


@njit(cache=True)
def _repeat(starts, steps, values, period):
    """Repeat the newest known value of each place in the season."""
    out = np.full(len(values), np.nan)
    season = np.empty(period)
    for s in range(len(starts) - 1):
        season[:] = np.nan
        newest = np.nan
        for i in range(starts[s], starts[s + 1]):
            place = steps[i] % period
            out[i] = newest if np.isnan(season[place]) else season[place]
            if not np.isnan(values[i]):
                season[place] = newest = values[i]
    return out
