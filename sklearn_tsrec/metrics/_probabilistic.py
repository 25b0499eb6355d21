import numpy as np
import pandas as pd

from sklearn_tsrec._typing import ArrayLike
from sklearn_tsrec.metrics._series import aggregate, check_pair


def mean_pinball_loss(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    alpha: float = 0.5,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Mean pinball loss of one forecast quantile.

    ``mean(max(alpha (y - q), (alpha - 1) (y - q)))``, in the unit of ``y``. Over rows it equals
    :func:`sklearn.metrics.mean_pinball_loss`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples,)
        Forecast quantiles of level ``alpha``.
    alpha : float, default=0.5
        Level of the quantile, between 0 and 1.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The loss; a Series indexed by series when ``average=None``.

    References
    ----------
    .. [1] R. Koenker and G. Bassett (1978), "Regression quantiles", Econometrica 46(1).

    Examples
    --------
    >>> from sklearn_tsrec.metrics import mean_pinball_loss
    >>> mean_pinball_loss([10, 10], [8, 12], alpha=0.9)
    1.0
    """
    y_true, y_pred = check_pair(y_true, y_pred)
    level = _check_levels([alpha], "alpha")
    loss = _pinball(y_true, y_pred[:, None], level)[:, 0]
    return aggregate(loss, groups=groups, average=average)


def weighted_quantile_loss(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    quantiles: ArrayLike,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Weighted quantile loss (WQL): total pinball loss over total size.

    ``2 sum(pinball) / (n_quantiles sum(|y|))``, the sum over rows and levels. With the median
    alone it is :func:`weighted_absolute_percentage_error`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples, n_quantiles)
        Forecast quantiles, one column per level.
    quantiles : array-like of shape (n_quantiles,)
        The levels, increasing, between 0 and 1.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        One ratio over all rows, mean of the ratios of the series, or one ratio per series.

    Returns
    -------
    float or Series
        The loss; a Series indexed by series when ``average=None``.

    References
    ----------
    .. [1] Y. Park, D. Maddix, F.-X. Aubet, K. Kan, J. Gasthaus and Y. Wang (2022), "Learning
       quantile functions without quantile crossing for distribution-free time series
       forecasting", AISTATS.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import weighted_quantile_loss
    >>> weighted_quantile_loss([10, 20], [[8, 10, 14], [15, 20, 25]], quantiles=[0.1, 0.5, 0.9])
    0.03555555555555555
    """
    levels = _check_levels(quantiles, "quantiles")
    y_true, y_pred = check_pair(y_true, y_pred, n_columns=len(levels))
    loss = 2 * _pinball(y_true, y_pred, levels).mean(axis=1)
    return aggregate(loss, groups=groups, average=average, weight=np.abs(y_true))


def continuous_ranked_probability_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    quantiles: ArrayLike,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Continuous ranked probability score (CRPS) of a forecast given by quantiles.

    ``2 ∫ pinball(level) d level`` over the levels 0 to 1, in the unit of ``y``. Each quantile
    stands for the levels nearest to its own, so this is the exact score of the distribution that
    has these quantiles as steps. With one quantile it is the mean absolute error.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples, n_quantiles)
        Forecast quantiles, one column per level; crossing quantiles are sorted.
    quantiles : array-like of shape (n_quantiles,)
        The levels, increasing, between 0 and 1. They need not be evenly spaced.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The score; a Series indexed by series when ``average=None``.

    See Also
    --------
    weighted_quantile_loss : Plain mean over the levels, relative to the size of the truth.

    References
    ----------
    .. [1] T. Gneiting and A. E. Raftery (2007), "Strictly proper scoring rules, prediction, and
       estimation", Journal of the American Statistical Association 102(477).

    Examples
    --------
    >>> from sklearn_tsrec.metrics import continuous_ranked_probability_score
    >>> continuous_ranked_probability_score([3], [[1, 2, 3, 4]], quantiles=[0.125, 0.375, 0.625,
    ...                                                                     0.875])
    0.375
    """
    levels = _check_levels(quantiles, "quantiles")
    y_true, y_pred = check_pair(y_true, y_pred, n_columns=len(levels))
    edges = np.concatenate([[0], (levels[1:] + levels[:-1]) / 2, [1]])
    # Pinball loss is linear in the level, so the midpoint rule is exact within each step.
    middle = (edges[1:] + edges[:-1]) / 2
    loss = 2 * _pinball(y_true, np.sort(y_pred, axis=1), middle) @ np.diff(edges)
    return aggregate(loss, groups=groups, average=average)


def interval_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    coverage: float = 0.9,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Interval score (Winkler): width plus a fine for each miss.

    ``mean((u - l) + 2/a (l - y)⁺ + 2/a (y - u)⁺)`` with ``a = 1 - coverage``, in the unit of
    ``y``. It is smallest for the interval between the quantiles ``a/2`` and ``1 - a/2``.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples, 2)
        Lower and upper bounds.
    coverage : float, default=0.9
        Share of truths that the interval is meant to hold, strictly between 0 and 1.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The score; a Series indexed by series when ``average=None``.

    References
    ----------
    .. [1] R. L. Winkler (1972), "A decision-theoretic approach to interval estimation", Journal
       of the American Statistical Association 67(337).

    Examples
    --------
    >>> from sklearn_tsrec.metrics import interval_score
    >>> interval_score([5, 12], [[0, 10], [0, 10]], coverage=0.8)
    20.0
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie strictly between 0 and 1, got {coverage!r}.")
    y_true, lower, upper = _check_interval(y_true, y_pred)
    miss = np.maximum(lower - y_true, 0) + np.maximum(y_true - upper, 0)
    loss = (upper - lower) + 2 / (1 - coverage) * miss
    return aggregate(loss, groups=groups, average=average)


def interval_coverage(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Share of truths inside their interval, bounds included.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples, 2)
        Lower and upper bounds.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The share, to compare with the nominal coverage; a Series indexed by series when
        ``average=None``.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import interval_coverage
    >>> interval_coverage([5, 12], [[0, 10], [0, 10]])
    0.5
    """
    y_true, lower, upper = _check_interval(y_true, y_pred)
    inside = ((lower <= y_true) & (y_true <= upper)).astype(np.float64)
    return aggregate(inside, groups=groups, average=average)


def _pinball(y_true, y_pred, levels):
    """Pinball loss of every row (rows) and level (columns)."""
    error = y_true[:, None] - y_pred
    return np.maximum(levels * error, (levels - 1) * error)


def _check_levels(levels, name):
    """Return quantile levels, checked to increase between 0 and 1."""
    levels = np.asarray(levels, dtype=np.float64)
    if levels.ndim != 1 or not len(levels):
        raise ValueError(f"{name} must be a list of levels, got {levels!r}.")
    if not ((levels > 0).all() and (levels < 1).all() and (np.diff(levels) > 0).all()):
        raise ValueError(
            f"{name} must increase and lie strictly between 0 and 1, got {levels.tolist()}."
        )
    return levels


def _check_interval(y_true, y_pred):
    """Return truths, lower and upper bounds."""
    y_true, y_pred = check_pair(y_true, y_pred, n_columns=2)
    lower, upper = y_pred.T
    if (lower > upper).any():
        raise ValueError(
            f"y_pred has {(lower > upper).sum()} rows whose lower bound exceeds the upper one; "
            "its columns are lower and upper, in this order."
        )
    return y_true, lower, upper
