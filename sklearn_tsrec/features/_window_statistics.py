"""WindowStatistics: statistics of rows that are windows."""

import re
from collections.abc import Sequence
from numbers import Integral
from typing import ClassVar

import numpy as np

from sklearn_tsrec.features._window_rows import WindowRows, feature_name

_STATISTICS = (
    "mean",
    "sum",
    "std",
    "min",
    "max",
    "median",
    "count",
    "nonzero_share",
    "slope",
    "skew",
    "last",
    "recency",
    "time_since",
)


class WindowStatistics(WindowRows):
    """Statistics of each row of a table whose rows are windows, oldest value first.

    Missing values (NaN) are left out of every statistic. The definitions are those of
    :class:`WindowFeatures` with ``horizon=1``.

    Parameters
    ----------
    statistics : str or list of str, default=("mean", "std")
        ``"mean"``; ``"sum"``; ``"std"`` (divided by n - 1); ``"min"``; ``"max"``; ``"median"``;
        quantiles such as ``"q10"`` or ``"q2.5"`` in percent (linear interpolation); ``"count"``
        of the values that are there; ``"nonzero_share"`` of these; ``"slope"`` (least squares,
        per step); ``"skew"`` (adjusted Fisher-Pearson coefficient [1]_); ``"last"`` (the newest
        value that is there); ``"recency"`` (steps since it, 1 if it ends the window);
        ``"time_since"`` (steps since the newest value that is not zero).
    sizes : int, list of int or None, default=None
        How many of the last values to use; None uses the whole window.

    Attributes
    ----------
    n_features_in_ : int
        Length of the windows.

    Raises
    ------
    ValueError
        If a statistic is unknown, or a size is not between 1 and the length of the windows.

    See Also
    --------
    WindowFeatures : The same statistics, looked up by key on a table of series.
    SpectralFeatures : What oscillates in a window.

    Notes
    -----
    Where a statistic is not defined it is NaN: everything but the count without values, ``std``
    and ``slope`` below two values, ``skew`` below three or where all are equal.

    References
    ----------
    .. [1] Joanes, D. N. and Gill, C. A. (1998). Comparing measures of sample skewness and
       kurtosis. The Statistician 47(1), 183-189.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.features import WindowStatistics
    >>> windows = np.array([[1.0, 2.0, 3.0, 4.0], [np.nan, 0.0, 5.0, 0.0]])
    >>> features = WindowStatistics(["mean", "slope", "time_since"], sizes=[2, 4])
    >>> features.set_output(transform="pandas").fit_transform(windows)
       x__mean2  x__slope2  x__time_since2  x__mean4  x__slope4  x__time_since4
    0       3.5        1.0             1.0  2.500000        1.0             1.0
    1       2.5       -5.0             2.0  1.666667        0.0             2.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "statistics": [str, "array-like"],
        "sizes": ["array-like", Integral, None],
    }

    def __init__(
        self,
        statistics: str | Sequence[str] = ("mean", "std"),
        *,
        sizes: int | Sequence[int] | None = None,
    ):
        self.statistics = statistics
        self.sizes = sizes

    def _check_features(self, length):
        """Learn statistics and sizes; return the names of the features."""
        statistics = [self.statistics] if isinstance(self.statistics, str) else self.statistics
        self._statistics = list(statistics)
        if not self._statistics:
            raise ValueError("statistics is empty: name at least one, such as 'mean'.")
        for statistic in self._statistics:
            if statistic not in _STATISTICS and _level(statistic) is None:
                raise ValueError(
                    f"statistics holds {statistic!r}: known are {', '.join(_STATISTICS)}, and "
                    "quantiles such as 'q10'."
                )
        self._sizes = [length] if self.sizes is None else np.ravel(self.sizes).tolist()
        for size in self._sizes:
            if size != int(size) or not 1 <= size <= length:
                raise ValueError(
                    f"sizes holds {size!r}: a size is a whole number from 1 to the length of the "
                    f"windows, {length}."
                )
        if not self._sizes:
            raise ValueError("sizes is empty: give at least one size, or None.")
        names = [feature_name(s, size) for size in self._sizes for s in self._statistics]
        if len(set(names)) < len(names):
            raise ValueError(
                f"statistics={self.statistics!r} and sizes={self.sizes!r} repeat a feature: give "
                "each once."
            )
        return names

    def _compute(self, X):
        """Return the statistics of all sizes side by side."""
        parts = [_statistics(X[:, X.shape[1] - size :], self._statistics) for size in self._sizes]
        return np.concatenate(parts, axis=1)


def _level(statistic):
    """Return the level of a quantile such as "q2.5"; None for anything else."""
    match = re.fullmatch(r"q(\d{1,2}(?:\.\d+)?)", statistic) if isinstance(statistic, str) else None
    return float(match[1]) / 100 if match else None


def _statistics(X, statistics):
    """Return some statistics of all windows, one column each."""
    present = ~np.isnan(X)
    n = present.sum(axis=1)
    some = np.where(n > 0, 1.0, np.nan)
    ordered = np.sort(X, axis=1)  # missing values come last
    low, high = ordered[:, 0], _at(ordered, np.maximum(n - 1, 0))
    total = np.where(present, X, 0.0).sum(axis=1) * some
    # Rounding in the mean of equal values must not look like variation.
    mean = np.where(low == high, low, total / n)
    deviation = np.where(present, X - mean[:, np.newaxis], 0.0)
    m2 = (deviation**2).sum(axis=1)
    out = np.empty((len(X), len(statistics)))
    for j, statistic in enumerate(statistics):
        out[:, j] = _one(statistic, X, present, n, some, ordered, total, mean, deviation, m2)
    return out


def _one(statistic, X, present, n, some, ordered, total, mean, deviation, m2):
    """Return one statistic of all windows."""
    level = 0.5 if statistic == "median" else _level(statistic)
    if level is not None:
        place = np.maximum(n - 1, 0) * level
        low = place.astype(int)
        value = _at(ordered, low)
        upper = _at(ordered, np.minimum(low + 1, np.maximum(n - 1, 0)))
        return value + (place - low) * (upper - value)
    match statistic:
        case "mean":
            return mean
        case "sum":
            return total
        case "count":
            return n
        case "min":
            return ordered[:, 0]
        case "max":
            return _at(ordered, np.maximum(n - 1, 0))
        case "std":
            return np.where(n > 1, np.sqrt(m2 / (n - 1)), np.nan)
        case "nonzero_share":
            return (present & (X != 0)).sum(axis=1) / n * some
        case "slope":
            at = np.arange(X.shape[1])
            centre = (present * at).sum(axis=1) / n
            spread = np.where(present, at - centre[:, np.newaxis], 0.0)
            return np.where(
                n > 1, (deviation * spread).sum(axis=1) / (spread**2).sum(axis=1), np.nan
            )
        case "skew":
            m3 = (deviation**3).sum(axis=1)
            factor = n * np.sqrt(n - 1.0) / (n - 2.0)
            return np.where((n > 2) & (m2 > 0), factor * m3 / m2**1.5, np.nan)
    age = _age(present & (X != 0) if statistic == "time_since" else present)
    if statistic == "last":
        return _at(X, X.shape[1] - np.where(np.isnan(age), 1, age).astype(int)) * some
    return age


def _age(mask):
    """Return the steps since the last true value, 1 for the end of the window; NaN if none."""
    return np.where(mask.any(axis=1), np.argmax(mask[:, ::-1], axis=1) + 1.0, np.nan)


def _at(X, positions):
    """Return one value of each row."""
    return X[np.arange(len(X)), positions]
