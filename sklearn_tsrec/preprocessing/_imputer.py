"""SeriesImputer: fill the missing values of each series."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from sklearn_tsrec._keys import KeyedMixin
from sklearn_tsrec._sklearn import Interval, StrOptions
from sklearn_tsrec._typing import Columns, Freq, Key
from sklearn_tsrec.preprocessing._keyed_table import PastTransformer
from sklearn_tsrec.preprocessing._past import fill_gaps, fill_seasonal


class SeriesImputer(PastTransformer):
    """Fill missing values from the same series, by exact time.

    No row is added: a hole in time stays one, but counts as so many steps. What has no value to be
    filled from, such as the head of a series, stays NaN.

    Parameters
    ----------
    method : {"forward", "seasonal", "linear"}, default="forward"
        ``"forward"`` takes the last value before. ``"seasonal"`` takes the last value a whole
        number of periods before. Both look at the past only. ``"linear"`` draws a line from the
        last value to the next one, weighted by time; see Notes for what it may see.
    period : int or None, default=None
        Length of the season in steps (distinct times with ``freq=None``), for ``"seasonal"``.
    limit : int or None, default=None
        How many steps away the values used may be at most; for ``"seasonal"``, how many periods.
        None means any number.
    columns : str, int, list of these or None, default=None
        Columns to fill. None means all but the keys.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step. None counts distinct times; events at one time never fill each other.

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
        If ``method="seasonal"`` has no period, another method has one, or keys or columns are
        not valid.

    See Also
    --------
    OutlierClipper : ``action="mark"`` makes outliers missing.

    Notes
    -----
    ``"linear"`` uses a later value only where that value is no later than the last training row
    of its series. Rows after it are filled forward: no test row is filled from itself or from a
    later one. But within the training table a filled value knows the next one; do not use it
    before features that must not see the future of a training row.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.preprocessing import SeriesImputer
    >>> days = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-04", "2024-01-05"])
    >>> X = pd.DataFrame({"price": [1.0, None, 4.0, None]}, index=days.rename("date"))
    >>> SeriesImputer("linear").fit_transform(X)
                price
    date
    2024-01-01    1.0
    2024-01-02    2.0
    2024-01-04    4.0
    2024-01-05    4.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "method": [StrOptions({"forward", "seasonal", "linear"})],
        "period": [Interval(Integral, 1, None, closed="left"), None],
        "limit": [Interval(Integral, 1, None, closed="left"), None],
        "columns": [str, Integral, "array-like", None],
        **KeyedMixin._key_constraints,
        "freq": [str, Real, None],
    }

    def __init__(
        self,
        method: str = "forward",
        *,
        period: int | None = None,
        limit: int | None = None,
        columns: Columns = None,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
    ):
        self.method = method
        self.period = period
        self.limit = limit
        self.columns = columns
        self.group = group
        self.time = time
        self.freq = freq

    def _check_parameters(self):
        """Raise if the period does not belong to the method."""
        if (self.method == "seasonal") != (self.period is not None):
            raise ValueError(
                f"period={self.period!r} does not fit method={self.method!r}: give a period with "
                "method='seasonal', and with no other."
            )

    def _compute(self, pool, clock, values, last):
        """Return one column of the pool, filled."""
        out = np.empty(len(values))
        limit = np.iinfo(np.int64).max if self.limit is None else self.limit
        if self.method == "seasonal":
            fill_seasonal(pool.starts, clock, values, self.period, limit, out)
        else:
            linear = self.method == "linear"
            fill_gaps(pool.starts, clock, pool.ticks, values, last, linear, limit, out)
        return out
