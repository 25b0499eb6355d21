from numbers import Integral

import numpy as np
import pandas as pd

from sklearn_tsrec._typing import ArrayLike
from sklearn_tsrec.metrics._series import aggregate, check_pair, name_some, series_codes


def mean_absolute_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Mean absolute error, over rows or per series.

    ``mean(|y - f|)``, in the unit of ``y``. Over rows it equals
    :func:`sklearn.metrics.mean_absolute_error`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples,)
        Forecasts of the same rows.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row; several key columns as a MultiIndex or DataFrame.
    average : {"samples", "series"} or None, default="samples"
        ``"samples"`` averages over all rows, ``"series"`` is the mean of the values of the
        series, ``None`` returns the value of each series.

    Returns
    -------
    float or Series
        The error; a Series indexed by series when ``average=None``.

    See Also
    --------
    mean_absolute_scaled_error : The same free of the unit of each series.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import mean_absolute_error
    >>> mean_absolute_error([1, 2, 9], [1, 4, 5])
    2.0
    >>> mean_absolute_error([1, 2, 9], [1, 4, 5], groups=["a", "a", "b"], average=None)
    a    1.0
    b    4.0
    dtype: float64
    """
    y_true, y_pred = check_pair(y_true, y_pred)
    return aggregate(np.abs(y_true - y_pred), groups=groups, average=average)


def root_mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Root mean squared error, over rows or per series.

    ``sqrt(mean((y - f)²))``, in the unit of ``y``. Over rows it equals
    :func:`sklearn.metrics.root_mean_squared_error`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples,)
        Forecasts of the same rows.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The error; a Series indexed by series when ``average=None``.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import root_mean_squared_error
    >>> root_mean_squared_error([1, 2], [4, 6])
    3.5355339059327378
    """
    y_true, y_pred = check_pair(y_true, y_pred)
    return aggregate((y_true - y_pred) ** 2, groups=groups, average=average, root=True)


def mean_absolute_percentage_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Mean absolute percentage error, as a fraction.

    ``mean(|y - f| / |y|)``. Where scikit-learn's metric of this name divides a zero truth by a
    tiny number, this one refuses: such rows would decide the whole result.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite and not zero.
    y_pred : array-like of shape (n_samples,)
        Forecasts of the same rows.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The error, 0.1 for ten percent; a Series indexed by series when ``average=None``.

    Raises
    ------
    ValueError
        If a truth is zero.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import mean_absolute_percentage_error
    >>> mean_absolute_percentage_error([10, 20], [15, 20])
    0.25
    """
    y_true, y_pred = check_pair(y_true, y_pred)
    zero = y_true == 0
    if zero.any():
        raise ValueError(
            f"mean_absolute_percentage_error is not defined where y_true is 0 ({zero.sum()} rows). "
            "Use weighted_absolute_percentage_error or mean_absolute_scaled_error."
        )
    return aggregate(np.abs(1 - y_pred / y_true), groups=groups, average=average)


def symmetric_mean_absolute_percentage_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Symmetric mean absolute percentage error, as a fraction between 0 and 2.

    ``mean(2 |y - f| / (|y| + |f|))``; a row whose truth and forecast are both zero has error 0.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples,)
        Forecasts of the same rows.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The error; a Series indexed by series when ``average=None``.

    References
    ----------
    .. [1] S. Makridakis and M. Hibon (2000), "The M3-Competition: results, conclusions and
       implications", International Journal of Forecasting 16(4).

    Examples
    --------
    >>> from sklearn_tsrec.metrics import symmetric_mean_absolute_percentage_error
    >>> symmetric_mean_absolute_percentage_error([10, 0], [30, 0])
    0.5
    """
    y_true, y_pred = check_pair(y_true, y_pred)
    size = np.abs(y_true) + np.abs(y_pred)
    loss = 2 * np.abs(y_true - y_pred) / np.where(size == 0, 1, size)
    return aggregate(loss, groups=groups, average=average)


def weighted_absolute_percentage_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Weighted absolute percentage error: total error over total size, as a fraction.

    ``sum(|y - f|) / sum(|y|)``, also known as ND. Unlike MAPE it is defined when some truths
    are zero.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples,)
        Forecasts of the same rows.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        One ratio over all rows, mean of the ratios of the series, or one ratio per series.

    Returns
    -------
    float or Series
        The error; a Series indexed by series when ``average=None``.

    Raises
    ------
    ValueError
        If all truths, or all truths of one series that is averaged by itself, are zero.

    References
    ----------
    .. [1] S. Kolassa and W. Schütz (2007), "Advantages of the MAD/Mean ratio over the MAPE",
       Foresight 6.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import weighted_absolute_percentage_error
    >>> weighted_absolute_percentage_error([10, 0, 30], [12, 1, 29])
    0.1
    """
    y_true, y_pred = check_pair(y_true, y_pred)
    loss = np.abs(y_true - y_pred)
    return aggregate(loss, groups=groups, average=average, weight=np.abs(y_true))


def mean_absolute_scaled_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    scale: float | ArrayLike,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Mean absolute scaled error (MASE).

    ``mean(|y - f| / s)`` with ``s`` the mean absolute error that the seasonal naive forecast
    makes inside the training data of the series: 1 is as good as that, below 1 is better.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples,)
        Forecasts of the same rows.
    scale : float, Series or array-like of shape (n_samples,)
        ``s``, from *training* data, see :func:`seasonal_naive_scale`: one number, a Series
        indexed by the labels in ``groups``, or a number per row.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The error; a Series indexed by series when ``average=None``.

    Raises
    ------
    ValueError
        If a series has no scale, or scale zero (it was constant in training).

    References
    ----------
    .. [1] R. J. Hyndman and A. B. Koehler (2006), "Another look at measures of forecast
       accuracy", International Journal of Forecasting 22(4).

    Examples
    --------
    >>> from sklearn_tsrec.metrics import mean_absolute_scaled_error, seasonal_naive_scale
    >>> scale = seasonal_naive_scale([1, 3, 2, 10, 30, 20], groups=list("aaabbb"), period=1)
    >>> mean_absolute_scaled_error([2, 30], [5, 15], scale=scale, groups=["a", "b"])
    1.5
    """
    y_true, y_pred = check_pair(y_true, y_pred)
    loss = np.abs(y_true - y_pred) / _scale_of_rows(scale, groups, len(y_true))
    return aggregate(loss, groups=groups, average=average)


def root_mean_squared_scaled_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    scale: float | ArrayLike,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Root mean squared scaled error (RMSSE).

    ``sqrt(mean(((y - f) / s)²))`` with ``s`` the root mean squared error that the seasonal
    naive forecast makes inside the training data of the series.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples,)
        Forecasts of the same rows.
    scale : float, Series or array-like of shape (n_samples,)
        ``s`` in the unit of ``y``, from :func:`seasonal_naive_scale` with ``squared=True``: one
        number, a Series indexed by the labels in ``groups``, or a number per row.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The error; a Series indexed by series when ``average=None``.

    Raises
    ------
    ValueError
        If a series has no scale, or scale zero (it was constant in training).

    References
    ----------
    .. [1] S. Makridakis, E. Spiliotis and V. Assimakopoulos (2022), "M5 accuracy competition:
       results, findings, and conclusions", International Journal of Forecasting 38(4).

    Examples
    --------
    >>> from sklearn_tsrec.metrics import root_mean_squared_scaled_error, seasonal_naive_scale
    >>> scale = seasonal_naive_scale([1, 3, 1, 3], period=1, squared=True)
    >>> root_mean_squared_scaled_error([1, 3], [2, 2], scale=scale)
    0.5
    """
    y_true, y_pred = check_pair(y_true, y_pred)
    loss = ((y_true - y_pred) / _scale_of_rows(scale, groups, len(y_true))) ** 2
    return aggregate(loss, groups=groups, average=average, root=True)


def seasonal_naive_scale(
    y: ArrayLike,
    *,
    groups: ArrayLike | pd.DataFrame | None = None,
    period: int = 1,
    time: ArrayLike | None = None,
    squared: bool = False,
) -> float | pd.Series:
    """Error of the seasonal naive forecast inside the training data, the scale of MASE and RMSSE.

    ``mean(|y_t - y_{t-period}|)`` of each series, or the root of the mean square.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Training values, one row per step and series. Missing values are NaN; pairs with a missing
        member are left out.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row; ``None`` is one series.
    period : int, default=1
        Steps per season; 1 is the plain naive forecast.
    time : array-like of shape (n_samples,), default=None
        Sorts the rows of each series; ``None`` takes them in the given order.
    squared : bool, default=False
        Root mean squared instead of mean absolute difference, for RMSSE.

    Returns
    -------
    float or Series
        The scale in the unit of ``y``, a Series by series when ``groups`` is given. NaN for a
        series without a pair of values one period apart, 0 for one that repeats itself.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import seasonal_naive_scale
    >>> seasonal_naive_scale([1, 3, 2, 5, 5, 5], groups=list("aaabbb"))
    a    1.5
    b    0.0
    dtype: float64
    """
    period = check_period(period)
    y = np.asarray(y, dtype=np.float64)
    if y.ndim != 1 or not len(y):
        raise ValueError(f"y must have shape (n_samples,) with n_samples > 0, got {y.shape}.")
    codes, labels = series_codes(np.zeros(len(y)) if groups is None else groups, len(y))
    if time is None:
        order = np.argsort(codes, kind="stable")
    else:
        time = np.asarray(time)
        if time.shape != y.shape:
            raise ValueError(f"time has shape {time.shape} and y has shape {y.shape}.")
        order = np.lexsort((time, codes))
    codes, y = codes[order], y[order]
    difference = y[period:] - y[:-period]
    used = (codes[period:] == codes[:-period]) & ~np.isnan(difference)
    scale = mean_difference(difference[used], codes[period:][used], len(labels), squared)
    return float(scale[0]) if groups is None else pd.Series(scale, labels)


def check_period(period):
    """Return a number of steps per season, checked."""
    if isinstance(period, bool) or not isinstance(period, Integral) or period < 1:
        raise ValueError(f"period must be an integer of at least 1, got {period!r}.")
    return int(period)


def mean_difference(difference, codes, n_series, squared):
    """Mean absolute or root mean squared difference of each series, NaN where there is none."""
    size = difference**2 if squared else np.abs(difference)
    count = np.bincount(codes, minlength=n_series)
    mean = np.full(n_series, np.nan)
    np.divide(np.bincount(codes, size, minlength=n_series), count, out=mean, where=count > 0)
    return np.sqrt(mean) if squared else mean


def _scale_of_rows(scale, groups, n_samples):
    """Return the scale of every row, checked to be positive."""
    if isinstance(scale, pd.Series):
        if groups is None:
            raise ValueError(
                "scale is a Series by series: give groups=, the label of the series of each row, "
                "or pass one number per row as an array."
            )
        codes, labels = series_codes(groups, n_samples)
        if not scale.index.is_unique:
            raise ValueError("scale names a series twice: its index must be unique.")
        per_series = scale.reindex(labels).to_numpy(dtype=np.float64)
        bad = ~(np.isfinite(per_series) & (per_series > 0))
        if bad.any():
            raise ValueError(
                f"{bad.sum()} series have no positive scale ({name_some(labels, bad)}): they are "
                "constant, too short or absent in training. Leave them out, or give them another "
                "scale, for example scale.replace(0, np.nan).fillna(scale.mean())."
            )
        return per_series[codes]
    scale = np.asarray(scale, dtype=np.float64)
    if scale.shape not in ((), (n_samples,)):
        raise ValueError(f"scale has shape {scale.shape} for {n_samples} rows.")
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise ValueError("scale must be positive and finite everywhere.")
    return scale
