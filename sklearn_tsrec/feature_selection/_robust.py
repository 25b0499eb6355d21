"""Covariances of sums of scores that depend on each other over time or within a series."""

import numpy as np

from sklearn_tsrec._scans import is_new

_FEW_SERIES = 20  # below, a covariance of sums over series is too noisy


def default_cov_type(series, widest=1, asked="auto"):
    """Return which errors a test of up to ``widest`` columns at once has.

    Clusters give as many degrees of freedom as there are series, less one: without twice as many as
    columns, a test by clusters finds next to nothing, and without as many there is none.
    """
    n_series = int(series[-1]) + 1
    if asked == "cluster" and n_series <= max(widest, 1):
        raise ValueError(
            f"cov_type='cluster' needs more series than the largest driver has columns (with their "
            f"squares and one-sided copies {widest}), found {n_series}: use 'hac'."
        )
    if asked != "auto":
        return asked
    return "cluster" if n_series >= _FEW_SERIES and n_series > 2 * widest else "hac"


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
    """Return the covariance of the sum of scores of shape (n, k), see :func:`block_covariances`."""
    return block_covariances(lambda: [scores], [slice(None)], series, cov_type)[0]


def block_covariances(blocks, groups, series, cov_type):
    """Return the covariance of the sum of scores of each group.

    Parameters
    ----------
    blocks : callable
        Returns an iterable of the scores, of shape (n, k), in blocks of consecutive rows, sorted by
        series and time. It is called up to three times.
    groups : list of int array
        The columns of each group.
    series : int array of shape (n,)
        Ascending code of the series of each row.
    cov_type : {"hac", "cluster"}
        Newey and West's [1]_ sum over lags, within series, of scores prewhitened as Andrews and
        Monahan [2]_ do, with the bandwidth of Andrews [3]_; or the sum of squares of each series'
        own sum [4]_.

    Returns
    -------
    list of arrays

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
        sums = _sums_by_series(blocks(), series)
        n = len(sums)
        return [n / max(n - 1, 1) * sums[:, g].T @ sums[:, g] for g in groups]
    n = len(series)
    late_early, early_early, _, n_pairs = _neighbours(blocks(), series)
    rho = late_early / np.maximum(early_early, np.finfo(float).tiny)
    rho = np.clip(rho, -0.8, 0.97)
    rho = np.where(np.abs(rho) * np.sqrt(n) > 2, rho, 0)  # noise is left alone

    def white():
        return _prewhiten(blocks(), rho, series)

    stats = _neighbours(white(), series)[:3] if n_pairs > 1 else None
    widths = [_bandwidth(stats, g, n, n_pairs) for g in groups]
    covariances = _bartlett(white(), groups, widths, series)
    longer = 1 / (1 - rho)  # what the autoregression does to long sums
    return [c * np.outer(longer[g], longer[g]) for c, g in zip(covariances, groups)]


def _sums_by_series(blocks, series):
    """Return the sum of the scores of each series."""
    code = np.cumsum(is_new(series)) - 1
    sums, first = None, 0
    for scores in blocks:
        own = code[first : first + len(scores)]
        first += len(scores)
        start = np.flatnonzero(is_new(own))
        if sums is None:
            sums = np.zeros((code[-1] + 1, scores.shape[1]))
        sums[own[start]] += np.add.reduceat(scores, start, axis=0)
    return sums


def _with_rows_before(blocks, series, number):
    """Yield blocks after up to a number of rows before them, how many, and the rows' series."""
    before, first = None, 0
    for scores in blocks:
        joint = scores if before is None else np.concatenate([before, scores])
        n_before = len(joint) - len(scores)
        yield joint, n_before, series[first - n_before : first + len(scores)]
        first += len(scores)
        before = joint[max(len(joint) - number, 0) :]


def _neighbours(blocks, series):
    """Return sums over rows and the rows before them, in the same series, for each column.

    They are those of late times early, early squared and late squared, and how many there are.
    """
    sums, n_pairs = 0.0, 0
    for joint, _, code in _with_rows_before(blocks, series, 1):
        late, early = joint[1:], joint[:-1]
        if code[0] != code[-1]:
            same = ~is_new(code)[1:]
            late, early = late[same], early[same]
        n_pairs += len(late)
        sums = sums + np.stack(
            [np.einsum("ij,ij->j", a, b) for a, b in ((late, early), (early, early), (late, late))]
        )
    return *sums, n_pairs


def _prewhiten(blocks, rho, series):
    """Yield scores without their first-order autoregression."""
    if not rho.any():
        yield from blocks
        return
    for joint, n_before, code in _with_rows_before(blocks, series, 1):
        white = joint * np.sqrt(1 - rho**2)  # right for the first row of a series
        if code[0] == code[-1]:
            white[1:] = joint[1:] - rho * joint[:-1]
        else:
            late = np.flatnonzero(~is_new(code))
            white[late] = joint[late] - rho * joint[late - 1]
        yield white[n_before:]


def _bandwidth(stats, group, n, n_pairs):
    """Return the number of lags that the scores' own autocorrelation calls for."""
    if stats is None:
        return 0
    cross, early, late = (m[group] for m in stats)
    rho = np.clip(cross / np.maximum(early, np.finfo(float).tiny), -0.97, 0.97)
    variance = (late - 2 * rho * cross + rho**2 * early) / n_pairs
    above = (4 * rho**2 * variance**2 / ((1 - rho) ** 6 * (1 + rho) ** 2)).sum()
    below = np.maximum((variance**2 / (1 - rho) ** 4).sum(), np.finfo(float).tiny)
    return int(min(1.1447 * (above / below * n) ** (1 / 3), n**0.5, n - 1))


def _bartlett(blocks, groups, widths, series):
    """Return the weighted sum of cross products over lags within series, for each group."""
    most = max(widths, default=0)
    out = [0.0] * len(groups)
    for joint, n_before, code in _with_rows_before(blocks, series, most):
        same = None
        if code[0] != code[-1]:
            same = [code[lag:] == code[: len(code) - lag] for lag in range(most + 1)]
        for i, (group, width) in enumerate(zip(groups, widths)):
            own = joint[:, group]
            past = np.zeros_like(own)
            for lag in range(1, min(width, len(own) - 1) + 1):
                early = own[:-lag]
                early = early if same is None else early * same[lag][:, None]
                past[lag:] += (1 - lag / (width + 1)) * early
            now = own[n_before:]
            cross = now.T @ past[n_before:]
            out[i] = out[i] + now.T @ now + cross + cross.T
    return out
