"""Covariances of sums of scores that depend on each other over time or within a series."""

import numpy as np


def score_covariance(scores, series, cov_type):
    """Return the covariance of the sum of scores.

    Parameters
    ----------
    scores : array of shape (n, k)
        One row for each observation, sorted by series and time.
    series : int array of shape (n,)
        Ascending code of the series of each row.
    cov_type : {"hac", "cluster"}
        Newey and West's [1]_ sum over lags, within series, of scores prewhitened as Andrews and
        Monahan [2]_ do, with the bandwidth of Andrews [3]_; or the sum of squares of each series'
        own sum [4]_.

    Returns
    -------
    array of shape (k, k)

    References
    ----------
    .. [1] W. Newey and K. West (1987), "A simple, positive semi-definite, heteroskedasticity and
       autocorrelation consistent covariance matrix", Econometrica 55(3).
    .. [2] D. Andrews and J. Monahan (1992), "An improved heteroskedasticity and autocorrelation
       consistent covariance matrix estimator", Econometrica 60(4).
    .. [3] D. Andrews (1991), "Heteroskedasticity and autocorrelation consistent covariance matrix
       estimation", Econometrica 59(3): the rule for the Bartlett kernel from first-order
       autoregressions.
    .. [4] M. Arellano (1987), "Computing robust standard errors for within-groups estimators",
       Oxford Bulletin of Economics and Statistics 49(4).
    """
    if cov_type == "cluster":
        first = np.flatnonzero(np.r_[True, series[1:] != series[:-1]])
        sums = np.add.reduceat(scores, first, axis=0)
        return len(first) / max(len(first) - 1, 1) * sums.T @ sums
    scores, longer = _prewhiten(scores, series)
    covariance = scores.T @ scores
    bandwidth = _bandwidth(scores, series)
    for lag in range(1, bandwidth + 1):
        late = scores[lag:] * (series[lag:] == series[:-lag])[:, None]
        cross = late.T @ scores[:-lag]
        covariance += (1 - lag / (bandwidth + 1)) * (cross + cross.T)
    return covariance * np.outer(longer, longer)


def _prewhiten(scores, series):
    """Return scores without their first-order autoregression, and what it does to long sums."""
    same = np.r_[False, series[1:] == series[:-1]]
    late, early = scores[same], scores[np.flatnonzero(same) - 1]
    power = np.maximum((early**2).sum(axis=0), np.finfo(float).tiny)
    rho = np.clip((early * late).sum(axis=0) / power, -0.8, 0.97)
    rho = np.where(np.abs(rho) * np.sqrt(len(scores)) > 2, rho, 0)  # noise is left alone
    white = scores * np.sqrt(1 - rho**2)
    white[same] = late - rho * early
    return white, 1 / (1 - rho)


def _bandwidth(scores, series):
    """Return the number of lags that the scores' own autocorrelation calls for."""
    n = len(scores)
    late, early = scores[1:], scores[:-1]
    same = series[1:] == series[:-1]
    if not same.all():
        late, early = late[same], early[same]
    if len(late) < 2:
        return 0
    power = np.maximum((early**2).sum(axis=0), np.finfo(float).tiny)
    rho = np.clip((early * late).sum(axis=0) / power, -0.97, 0.97)
    variance = ((late - rho * early) ** 2).mean(axis=0)
    above = (4 * rho**2 * variance**2 / ((1 - rho) ** 6 * (1 + rho) ** 2)).sum()
    below = np.maximum((variance**2 / (1 - rho) ** 4).sum(), np.finfo(float).tiny)
    return int(min(1.1447 * (above / below * n) ** (1 / 3), n**0.5, n - 1))
