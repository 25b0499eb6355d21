"""OutlierClipper: tame values that their own past makes unlikely."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_tsrec._keys import KeyedMixin
from sklearn_tsrec._sklearn import Interval, StrOptions
from sklearn_tsrec._typing import Columns, Freq, Key
from sklearn_tsrec.preprocessing._keyed_table import PastTransformer
from sklearn_tsrec.preprocessing._past import past_bounds


class OutlierClipper(PastTransformer):
    """Clip or mark values far outside the window of their own past.

    The window holds the steps ``t - window … t - 1`` of the same series, as they were observed: a
    lasting change of level is accepted once it fills half of the window.

    Parameters
    ----------
    method : {"hampel", "iqr"}, default="hampel"
        ``"hampel"``: median ± threshold × 1.4826 × median absolute deviation [1]_.
        ``"iqr"``: threshold × interquartile range beyond the quartiles [2]_.
    window : int, default=28
        Number of steps of the past (distinct times with ``freq=None``).
    threshold : float, default=3.0
        How many spreads away a value may be.
    action : {"replace", "mark"}, default="replace"
        Move an outlier to the nearest allowed value, or make it missing (NaN).
    min_samples : int, default=5
        With fewer values in its window a row stays as it is.
    columns : str, int, list of these or None, default=None
        Columns to look at. None means all but the keys.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step. None counts distinct times; events at one time never see each other.

    Attributes
    ----------
    groups_ : Index
        The series seen in ``fit``.
    freq_ : str, number or None
        The length of a step.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X has names that are strings.

    Raises
    ------
    ValueError
        If a parameter, a key or a column is not valid.

    See Also
    --------
    SeriesImputer : Fills what ``action="mark"`` leaves missing.

    Notes
    -----
    Where the spread of the window is zero nothing is an outlier: a series of mostly equal values,
    such as intermittent demand, does not measure how far a value may lie from them.

    References
    ----------
    .. [1] Hampel, F. R. (1974). The influence curve and its role in robust estimation. Journal of
       the American Statistical Association 69(346), 383-393.
    .. [2] Tukey, J. W. (1977). Exploratory Data Analysis. Addison-Wesley.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.preprocessing import OutlierClipper
    >>> days = pd.date_range("2024-01-01", periods=7, name="date")
    >>> X = pd.DataFrame({"sales": [1.0, 2, 3, 4, 5, 90, 4]}, index=days)
    >>> OutlierClipper(action="mark").fit_transform(X)["sales"].tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0, nan, 4.0]
    """

    _parameter_constraints: ClassVar[dict] = {
        "method": [StrOptions({"hampel", "iqr"})],
        "window": [Interval(Integral, 1, None, closed="left")],
        "threshold": [Interval(Real, 0, None, closed="neither")],
        "action": [StrOptions({"replace", "mark"})],
        "min_samples": [Interval(Integral, 1, None, closed="left")],
        "columns": [str, Integral, "array-like", None],
        **KeyedMixin._key_constraints,
        "freq": [str, Real, None],
    }

    def __init__(
        self,
        method: str = "hampel",
        *,
        window: int = 28,
        threshold: float = 3.0,
        action: str = "replace",
        min_samples: int = 5,
        columns: Columns = None,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
    ):
        self.method = method
        self.window = window
        self.threshold = threshold
        self.action = action
        self.min_samples = min_samples
        self.columns = columns
        self.group = group
        self.time = time
        self.freq = freq

    def _check_parameters(self):
        """Raise if a window can never hold enough values."""
        if self.freq is not None and self.min_samples > self.window:
            raise ValueError(
                f"min_samples={self.min_samples} is more than a window={self.window} can hold."
            )

    def _compute(self, pool, clock, values, last):
        """Return one column of the pool, without its outliers."""
        low, high = np.empty(len(values)), np.empty(len(values))
        past_bounds(
            pool.starts,
            clock,
            values,
            self.window,
            self.min_samples,
            self.method == "hampel",
            float(self.threshold),
            low,
            high,
        )
        outlier = (values < low) | (values > high)
        allowed = np.clip(values, low, high) if self.action == "replace" else np.nan
        return np.where(outlier, allowed, values)
