import numbers

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_tsrec._ties import settle
from sklearn_tsrec._typing import ArrayLike
from sklearn_tsrec.metrics._series import check_pair, series_codes


def top_k_spread(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike | pd.DataFrame,
    k: int,
    series: ArrayLike | pd.DataFrame | None = None,
    cost_bps: float = 0.0,
    average: str | None = "series",
) -> float | pd.Series:
    """Mean truth of the k best scored series less that of the k worst, at each date, after costs.

    It is the return of a portfolio that is long the k highest scores and short the k lowest, with
    equal weights and as much money on each side, and that is formed anew at each date.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True values, usually simple returns, finite.
    y_pred : array-like of shape (n_samples,)
        Scores of the same rows. Equal scores at the end of a side share the places that are left.
    groups : array-like of shape (n_samples,), Index or DataFrame
        The date of each row; dates are sorted.
    k : int
        Number of series on each side.
    series : array-like of shape (n_samples,), Index or DataFrame, default=None
        What each row is a value of; costs need it.
    cost_bps : float, default=0.0
        Cost of trading, in basis points (1 / 10,000) of what is traded. Traded is, at each date,
        the sum over series of the change of their weights; at the first date, all of them.
    average : {"series"} or None, default="series"
        ``"series"`` is the mean over dates, ``None`` returns the value of each date.

    Returns
    -------
    float or Series
        In the unit of ``y_true``. A date with fewer than 2 k series cannot be scored: it is NaN,
        and left out of the mean.

    Raises
    ------
    ValueError
        If no date has 2 k series, or costs are asked for without ``series``.

    See Also
    --------
    rank_information_coefficient : The whole ranking at each date.

    References
    ----------
    .. [1] N. Jegadeesh and S. Titman (1993), "Returns to buying winners and selling losers:
       implications for stock market efficiency", Journal of Finance 48(1).

    Examples
    --------
    >>> from sklearn_tsrec.metrics import top_k_spread
    >>> dates, assets = ["mon"] * 3 + ["tue"] * 3, ["a", "b", "c"] * 2
    >>> returns, scores = [0.03, 0.01, 0.0, 0.0, 0.02, 0.01], [3, 2, 1, 1, 2, 3]
    >>> top_k_spread(returns, scores, groups=dates, k=1, average=None).round(4)
    mon    0.03
    tue    0.01
    dtype: float64
    >>> net = top_k_spread(returns, scores, groups=dates, k=1, series=assets, cost_bps=10)
    >>> round(net, 4)
    0.017
    """
    if average not in ("series", None):
        raise ValueError(f"average must be 'series' or None, got {average!r}.")
    y_true, y_pred = check_pair(y_true, y_pred)
    dates, labels = series_codes(groups, len(y_true))
    weights = long_short_weights(y_pred, dates, check_side(k))
    value = np.bincount(dates, weights * y_true)
    value[~enough_series(dates, k)] = np.nan
    if cost_bps:
        if series is None:
            raise ValueError(
                f"cost_bps={cost_bps!r} needs series=, what each row is a value of, to see what is "
                "traded."
            )
        codes, _ = series_codes(series, len(y_true))
        value -= cost_bps / 10_000 * traded(weights, dates, codes)
    return float(np.nanmean(value)) if average == "series" else pd.Series(value, labels)


def check_side(k, name="k"):
    """Return the number of series on a side; raise if it is none."""
    if isinstance(k, bool) or not isinstance(k, numbers.Integral) or k < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {k!r}.")
    return int(k)


def enough_series(dates, k):
    """Return for each date whether it has series for both sides; raise if none has."""
    enough = np.bincount(dates) >= 2 * k
    if not enough.any():
        raise ValueError(
            f"no date has {2 * k} series, but k={k} wants as many on each side: lower k."
        )
    return enough


def top_weights(score, dates, k):
    """Return equal weights of the k largest scores of each date; equal scores share places."""
    score = settle(score)
    order = np.lexsort((-score, dates))
    date, ordered = dates[order], score[order]
    new = np.r_[True, (np.diff(date) != 0) | (np.diff(ordered) != 0)]
    run = np.cumsum(new) - 1  # rows of one date with one score
    length = np.bincount(run)
    place = np.flatnonzero(new) - np.searchsorted(date, date[new])
    each = np.clip(k - place, 0, length) / (length * k)
    weights = np.empty(len(score))
    weights[order] = each[run]
    return weights


def long_short_weights(score, dates, k):
    """Return weights of both sides; none at a date with too few series."""
    weights = top_weights(score, dates, k) - top_weights(-score, dates, k)
    return np.where(enough_series(dates, k)[dates], weights, 0.0)


def traded(weights, dates, series):
    """Return how much is traded at each date, as a multiple of the money on one side."""
    held = sparse.csr_array((weights, (dates, series)))
    before = sparse.vstack([sparse.csr_array((1, held.shape[1])), held[:-1]])
    return abs(held - before).sum(axis=1)
