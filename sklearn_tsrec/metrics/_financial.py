import numpy as np
import pandas as pd

from sklearn_tsrec._ties import settle
from sklearn_tsrec._typing import ArrayLike
from sklearn_tsrec.metrics._series import aggregate, check_pair, check_rows, series_codes


def directional_accuracy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    reference: float | ArrayLike = 0.0,
    groups: ArrayLike | pd.DataFrame | None = None,
    average: str | None = "samples",
) -> float | pd.Series:
    """Share of rows whose forecast moves the same way as the truth.

    ``mean(sign(y - r) == sign(f - r))``; no move counts as right only if both do not move.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, finite: leave rows without a truth out first.
    y_pred : array-like of shape (n_samples,)
        Forecasts of the same rows.
    reference : float or array-like of shape (n_samples,), default=0.0
        ``r``, from where the move is counted: 0 when ``y`` is a return or a change, the last
        known value of each row when ``y`` is a level.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row.
    average : {"samples", "series"} or None, default="samples"
        Over all rows, mean of the values of the series, or one value per series.

    Returns
    -------
    float or Series
        The share; a Series indexed by series when ``average=None``.

    References
    ----------
    .. [1] M. H. Pesaran and A. Timmermann (1992), "A simple nonparametric test of predictive
       performance", Journal of Business & Economic Statistics 10(4).

    Examples
    --------
    >>> from sklearn_tsrec.metrics import directional_accuracy
    >>> directional_accuracy([0.1, -0.2, 0.3, 0.1], [0.5, 0.1, 0.2, 0.1])
    0.75
    """
    y_true, y_pred = check_pair(y_true, y_pred)
    reference = np.asarray(reference, dtype=np.float64)
    if reference.ndim:
        reference = check_rows(reference, name="reference")
    if reference.shape not in ((), y_true.shape):
        raise ValueError(f"reference has shape {reference.shape} for {len(y_true)} rows.")
    hit = np.sign(y_true - reference) == np.sign(y_pred - reference)
    return aggregate(hit.astype(np.float64), groups=groups, average=average)


def rank_information_coefficient(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike | pd.DataFrame,
    average: str | None = "series",
) -> float | pd.Series:
    """Rank information coefficient: Spearman correlation across the series at each date.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, usually returns, finite.
    y_pred : array-like of shape (n_samples,)
        Scores of the same rows; only their order within a date matters.
    groups : array-like of shape (n_samples,), Index or DataFrame
        The date of each row: the rows of one date are ranked against each other. Ties share
        their mean rank.
    average : {"series"} or None, default="series"
        ``"series"`` is the mean over dates, ``None`` returns the value of each date.

    Returns
    -------
    float or Series
        The coefficient, between -1 and 1. A date with fewer than two different truths cannot be
        scored: it is NaN, and left out of the mean. Equal scores for a whole date rank nothing:
        they count as 0.

    Raises
    ------
    ValueError
        If no date can be scored.

    References
    ----------
    .. [1] R. C. Grinold and R. N. Kahn (2000), "Active Portfolio Management", McGraw-Hill.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import rank_information_coefficient
    >>> dates = ["mon", "mon", "mon", "tue", "tue"]
    >>> rank_information_coefficient([1, 2, 3, 2, 1], [1, 3, 2, 9, 5], groups=dates, average=None)
    mon    0.5
    tue    1.0
    dtype: float64
    """
    if average not in ("series", None):
        raise ValueError(f"average must be 'series' or None, got {average!r}.")
    y_true, y_pred = check_pair(y_true, y_pred)
    codes, labels = series_codes(groups, len(y_true))
    true, pred = (_centred_ranks(values, codes) for values in (y_true, y_pred))
    spread_true, spread_pred = np.bincount(codes, true**2), np.bincount(codes, pred**2)
    size = np.sqrt(spread_true * spread_pred)
    value = np.bincount(codes, true * pred) / np.where(size == 0, 1, size)
    value[spread_true == 0] = np.nan
    if np.isnan(value).all():
        raise ValueError("No group has two different truths, so nothing can be ranked.")
    return float(np.nanmean(value)) if average == "series" else pd.Series(value, labels)


def rank_information_ratio(
    y_true: ArrayLike, y_pred: ArrayLike, *, groups: ArrayLike | pd.DataFrame
) -> float:
    """Mean of the rank information coefficient over its standard deviation (Sharpe-like).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, usually returns, finite.
    y_pred : array-like of shape (n_samples,)
        Scores of the same rows.
    groups : array-like of shape (n_samples,), Index or DataFrame
        The date of each row.

    Returns
    -------
    float
        ``mean(IC) / std(IC)`` over the dates that can be scored, with ``n - 1`` in the standard
        deviation. It is per date: multiply by ``sqrt(dates per year)`` for a yearly figure.

    Raises
    ------
    ValueError
        If fewer than two dates can be scored or the coefficient never varies.

    See Also
    --------
    rank_information_coefficient : The coefficient of each date.

    References
    ----------
    .. [1] R. C. Grinold and R. N. Kahn (2000), "Active Portfolio Management", McGraw-Hill.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import rank_information_ratio
    >>> dates = ["mon", "mon", "mon", "tue", "tue"]
    >>> rank_information_ratio([1, 2, 3, 2, 1], [1, 3, 2, 9, 5], groups=dates)
    2.1213203435596424
    """
    value = rank_information_coefficient(y_true, y_pred, groups=groups, average=None).dropna()
    deviation = value.std()
    if not deviation > 0:
        raise ValueError(
            f"The ratio needs at least two dates with different coefficients, got {len(value)} "
            "dates without a spread."
        )
    return float(value.mean() / deviation)


def _centred_ranks(values, codes):
    """Ranks within each group minus their mean."""
    ranks = pd.Series(settle(values)).groupby(codes).rank().to_numpy()
    return ranks - (np.bincount(codes)[codes] + 1) / 2
