"""The statistics of a drift monitor: two samples of a feature, and charts of errors over time."""

import numpy as np
from scipy.stats import ks_2samp, norm

_BINS = 10


def compare_samples(reference, new):
    """Return how a feature differs from before.

    Parameters
    ----------
    reference, new : array of shape (n,)
        Known values.

    Returns
    -------
    p_value : float
        Of the two-sample Kolmogorov-Smirnov test.
    stability : float
        Population stability index over the tenths of the reference.
    outside : float
        Share of new values beyond the range of the reference.
    """
    p_value = ks_2samp(reference, new).pvalue
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, _BINS + 1)[1:-1]))
    shares = []
    for sample in (reference, new):
        count = np.bincount(np.searchsorted(edges, sample, side="left"), minlength=len(edges) + 1)
        shares.append((count + 0.5) / (len(sample) + 0.5 * len(count)))  # no share is 0
    old, now = shares
    stability = float(((now - old) * np.log(now / old)).sum())
    outside = float(((new < reference.min()) | (new > reference.max())).mean())
    return float(p_value), stability, outside


def normal_scores(reference, new):
    """Return new values as normal deviates, by their ranks in the reference.

    Values that are no less usual than those of the reference are about standard normal, however
    heavy its tails are.
    """
    reference = np.sort(reference)
    n = len(reference)
    rank = (np.searchsorted(reference, new, "left") + np.searchsorted(reference, new, "right")) / 2
    return norm.ppf((rank + 0.5) / (n + 1))


def shift_gain(scores):
    """Return the log likelihood ratio of a normal mean that moved up by one deviation."""
    return scores - 0.5


def rate_gain(missed, rate, other):
    """Return the log likelihood ratio of another rate of misses."""
    return np.where(missed, np.log(other / rate), np.log((1 - other) / (1 - rate)))


def cusum(gains, start=0.0):
    """Return the cumulative sums of gains that never fall below 0."""
    out = np.empty(len(gains))
    value = start
    for i, gain in enumerate(gains):
        value = max(0.0, value + gain)
        out[i] = value
    return out
