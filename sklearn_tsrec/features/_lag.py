"""LagFeatures: values of earlier times."""

from collections.abc import Sequence
from numbers import Integral
from typing import ClassVar

import numpy as np

from sklearn_tsrec._typing import Columns, Freq, Key
from sklearn_tsrec.features import _kernels
from sklearn_tsrec.features._past import PastFeatures, as_sequence


class LagFeatures(PastFeatures):
    """Values of the target or of columns a number of steps earlier, looked up by exact time.

    A lag is an offset in time, never a count of rows: a hole in the data gives NaN. Only event
    logs (``freq=None``) count events; there, events of one series at one time never see each
    other. ``transform`` reaches back into the training table, and no row sees a later one.

    Parameters
    ----------
    lags : int or list of int, default=1
        Steps back; events back with ``freq=None``. 0 is the row's own value: right for columns
        that are known ahead. For columns that are only observed as time passes give lags of at
        least the horizon.
    columns : str, int or list of these, default=None
        Columns to look up. None means all but the keys, or none with ``target=True``.
    target : bool, default=False
        Whether to look up the target ``y``, which only ``fit`` sees.
    horizon : int, default=1
        How many steps ahead the target is to be forecast: a lag of the target below it raises.
    pool : "all", str, int or list of these, default=None
        Look up the past of several series together: of all, or of those that share the value of
        these columns (or index levels). In a calendar that is their mean at each time, in an
        event log all their events.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step, such as ``"D"`` or ``"15min"``. None counts events.

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
        If a lag is negative, repeats, or of the target lies below the horizon; if keys are
        missing, repeat or lie off the grid of ``freq``; if a column is unknown or not numeric.

    See Also
    --------
    WindowFeatures : Statistics of the values in windows of the past.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec import as_panel
    >>> from sklearn_tsrec.features import LagFeatures
    >>> df = pd.DataFrame({
    ...     "store": ["a"] * 4,
    ...     "date": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-05"]),
    ...     "sales": [5.0, 6.0, 7.0, 8.0],
    ... })
    >>> X, y = as_panel(df, group="store", time="date", target="sales")
    >>> LagFeatures([1, 2], target=True).set_output(transform="pandas").fit_transform(X, y)
                      y__lag1  y__lag2
    store date
    a     2024-01-01      NaN      NaN
          2024-01-02      5.0      NaN
          2024-01-03      6.0      5.0
          2024-01-05      NaN      7.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "lags": [Integral, "array-like"],
        **PastFeatures._parameter_constraints,
    }

    def __init__(
        self,
        lags: int | Sequence[int] = 1,
        *,
        columns: Columns = None,
        target: bool = False,
        horizon: int = 1,
        pool: Columns = None,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
    ):
        self.lags = lags
        self.columns = columns
        self.target = target
        self.horizon = horizon
        self.pool = pool
        self.group = group
        self.time = time
        self.freq = freq

    def _check_parameters(self):
        """Learn the lags; raise if one looks into the future."""
        lags = as_sequence(self.lags, "lags")
        for lag in lags:
            if not isinstance(lag, Integral) or isinstance(lag, bool) or lag < 0:
                raise ValueError(
                    f"lags holds {lag!r}: a lag is a whole number of steps back, 0 or more."
                )
            if self.target and lag < max(self.horizon, 1):
                raise ValueError(
                    f"lag {lag} of the target lies below horizon={self.horizon}: it is not known "
                    "when the forecast is made. Give lags of at least the horizon (and at least 1)."
                )
            if lag == 0 and self.pool is not None and self.freq is None:
                raise ValueError(
                    "lag 0 of a pooled event log has no single value: give lags of at least 1."
                )
        self._lags = np.array(lags, dtype=np.int64)

    def _suffixes(self):
        """Return what the names of a column's features end in."""
        return [f"lag{lag}" for lag in self._lags]

    def _compute(self, block, column, out):
        """Fill the lags of one column."""
        lags = _kernels.event_lags if self._frequency is None else _kernels.calendar_lags
        history = block.history
        values = history.values[:, column]
        lags(history.starts, history.ticks, values, block.place, block.order, self._lags, out)
