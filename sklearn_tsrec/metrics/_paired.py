from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.utils import check_random_state

from sklearn_tsrec._typing import ArrayLike, Seed
from sklearn_tsrec.metrics._series import aggregate, check_rows

_BLOCK = 2_000_000  # draws held in memory at a time


@dataclass(frozen=True)
class PairedTestResult:
    """Comparison of two models on the same series, see :func:`paired_test`.

    Attributes
    ----------
    mean_a, mean_b : float
        Mean of each model over the series.
    difference : float
        ``mean_a - mean_b``.
    std_error : float
        Standard error of the difference.
    pvalue : float
        Two-sided p-value of the paired t-test.
    interval : tuple of (float, float)
        Bootstrap interval of the difference.
    n_series : int
        Number of series compared.
    """

    mean_a: float
    mean_b: float
    difference: float
    std_error: float
    pvalue: float
    interval: tuple
    n_series: int


def paired_test(
    a: ArrayLike,
    b: ArrayLike,
    *,
    groups: ArrayLike | pd.DataFrame | None = None,
    coverage: float = 0.95,
    n_bootstraps: int = 2000,
    random_state: Seed = 0,
):
    """Test whether two models differ, series by series (or user by user).

    Rows of one series are not independent, so series are the units: the difference of each
    series is tested against 0 with a paired t-test, and series are drawn with replacement for
    the interval.

    Parameters
    ----------
    a, b : array-like of shape (n_samples,)
        Metric of the two models for the same series, such as what a metric returns with
        ``average=None``; two Series are matched by index. With ``groups``, losses of the same
        rows, averaged within each series first.
    groups : array-like of shape (n_samples,), Index or DataFrame, default=None
        The series of each row; ``None`` says that each row is one series.
    coverage : float, default=0.95
        Probability with which the bootstrap interval holds the difference.
    n_bootstraps : int, default=2000
        Number of bootstrap samples.
    random_state : int, RandomState instance or None, default=0
        Seed of the bootstrap.

    Returns
    -------
    PairedTestResult
        Means, difference, standard error, p-value and interval.

    References
    ----------
    .. [1] B. Efron and R. J. Tibshirani (1993), "An Introduction to the Bootstrap", Chapman &
       Hall.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import paired_test
    >>> result = paired_test([0.5, 0.7, 0.6, 0.9], [0.4, 0.5, 0.5, 0.7], random_state=0)
    >>> round(result.difference, 3), round(result.std_error, 3), round(result.pvalue, 3)
    (0.15, 0.029, 0.014)
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie strictly between 0 and 1, got {coverage!r}.")
    if isinstance(n_bootstraps, bool) or int(n_bootstraps) != n_bootstraps or n_bootstraps < 1:
        raise ValueError(f"n_bootstraps must be an integer of at least 1, got {n_bootstraps!r}.")
    if isinstance(a, pd.Series) and isinstance(b, pd.Series):
        if not (
            a.index.is_unique
            and b.index.is_unique
            and a.index.sort_values().equals(b.index.sort_values())
        ):
            raise ValueError("a and b must be indexed by the same series, each once.")
        b = b.reindex(a.index)
    a, b = check_rows(a, name="a"), check_rows(b, name="b")
    if len(a) != len(b):
        raise ValueError(f"a has {len(a)} rows and b has {len(b)}: they must be paired.")
    if groups is not None:
        a = aggregate(a, groups=groups, average=None).to_numpy()
        b = aggregate(b, groups=groups, average=None).to_numpy()
    if len(a) < 2:
        raise ValueError("A paired test needs at least two series.")
    difference = a - b
    mean, error, pvalue = t_test(difference)
    half = (1 - coverage) / 2
    draws = _bootstrap_means(difference, n_bootstraps, check_random_state(random_state))
    low, high = np.quantile(draws, [half, 1 - half])
    return PairedTestResult(
        mean_a=float(a.mean()),
        mean_b=float(b.mean()),
        difference=float(mean),
        std_error=float(error),
        pvalue=float(pvalue),
        interval=(float(low), float(high)),
        n_series=len(a),
    )


def t_test(values, overlap=1):
    """Return the mean of values, its standard error, and the p-value of a mean of 0.

    NaN is left out. With ``overlap`` the values are in order, and each shares some of what it
    measures with the ``overlap - 1`` before it.
    """
    known = ~np.isnan(values)
    n = int(known.sum())
    if n < 2:
        return float(values[known][0]) if n else np.nan, np.nan, np.nan
    mean = values[known].mean()
    off = np.where(known, values - mean, 0.0)
    alone = total = off @ off
    for lag in range(1, min(overlap, len(off))):
        total += 2 * (off[lag:] @ off[:-lag])
    # A sum with equal weights can turn out too small, even negative, by chance; overlap adds.
    error = np.sqrt(max(total, alone) / (n * (n - 1)))
    pvalue = 2 * stats.t.sf(abs(mean) / error, n - 1) if error else float(mean == 0)
    return mean, error, pvalue


def _bootstrap_means(values, n_bootstraps, rng):
    """Means of samples drawn with replacement, a block of samples at a time."""
    per_block = max(_BLOCK // len(values), 1)
    blocks = []
    for start in range(0, n_bootstraps, per_block):
        size = (min(per_block, n_bootstraps - start), len(values))
        blocks.append(values[rng.randint(len(values), size=size)].mean(axis=1))
    return np.concatenate(blocks)
