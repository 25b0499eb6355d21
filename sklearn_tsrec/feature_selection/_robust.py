"""Covariances of sums of scores that depend on each other over time or within a series."""

import numpy as np

_FEW_SERIES = 20  # below, a covariance of sums over series is too noisy


def default_cov_type(series):
    """Return "cluster" if there are enough series for it, and "hac" otherwise."""
    return "hac" if series[-1] + 1 < _FEW_SERIES else "cluster"


def stretches(series, number):
    """Return which of some contiguous stretches of equal length of its series each row is in."""
    counts = np.bincount(series)
    place = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place * number // counts[series]


def effect_covariance(effect, treated, target, series, cov_type):
    """Return the covariance of the slopes of residuals of the target on those of treatments."""
    scores = treated * (target - treated @ effect)[:, None]
    bread = np.linalg.pinv(treated.T @ treated, hermitian=True)
    return bread @ score_covariance(scores, series, cov_type) @ bread


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
    pairs = None if series[0] == series[-1] else np.flatnonzero(series[1:] == series[:-1])
    scores, longer = _prewhiten(scores, pairs)
    covariance = scores.T @ scores
    bandwidth = _bandwidth(scores, pairs)
    for lag in range(1, bandwidth + 1):
        late = scores[lag:]
        if pairs is not None:
            late = late * (series[lag:] == series[:-lag])[:, None]
        cross = late.T @ scores[:-lag]
        covariance += (1 - lag / (bandwidth + 1)) * (cross + cross.T)
    return covariance * np.outer(longer, longer)


def _prewhiten(scores, pairs):
    """Return scores without their first-order autoregression, and what it does to long sums."""
    rho = np.clip(_autocorrelation(scores, pairs), -0.8, 0.97)
    rho = np.where(np.abs(rho) * np.sqrt(len(scores)) > 2, rho, 0)  # noise is left alone
    if not rho.any():
        return scores, np.ones(len(rho))
    white = scores * np.sqrt(1 - rho**2)
    if pairs is None:
        white[1:] = scores[1:] - rho * scores[:-1]
    else:
        white[pairs + 1] = scores[pairs + 1] - rho * scores[pairs]
    return white, 1 / (1 - rho)


def _autocorrelation(scores, pairs):
    """Return the first autocorrelation of each column, within series."""
    late, early = _neighbours(scores, pairs)
    power = np.einsum("ij,ij->j", early, early)
    return np.einsum("ij,ij->j", early, late) / np.maximum(power, np.finfo(float).tiny)


def _neighbours(scores, pairs):
    """Return rows and the rows before them, in the same series."""
    if pairs is None:
        return scores[1:], scores[:-1]
    return scores[pairs + 1], scores[pairs]


def _bandwidth(scores, pairs):
    """Return the number of lags that the scores' own autocorrelation calls for."""
    n = len(scores)
    late, early = _neighbours(scores, pairs)
    if len(late) < 2:
        return 0
    rho = np.clip(_autocorrelation(scores, pairs), -0.97, 0.97)
    left = late - rho * early
    variance = np.einsum("ij,ij->j", left, left) / len(left)
    above = (4 * rho**2 * variance**2 / ((1 - rho) ** 6 * (1 + rho) ** 2)).sum()
    below = np.maximum((variance**2 / (1 - rho) ** 4).sum(), np.finfo(float).tiny)
    return int(min(1.1447 * (above / below * n) ** (1 / 3), n**0.5, n - 1))
