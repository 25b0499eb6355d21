"""Quantiles at any level, from those at a few."""

import numpy as np
from scipy.stats import norm

from sklearn_tsrec._quantile_levels import check_levels


def at_levels(found, known, wanted):
    """Return quantiles at the wanted levels, from those at known ones.

    Between known levels they are interpolated, and beyond them continued, as those of a normal
    would be.

    Parameters
    ----------
    found : array of shape (..., n_known)
        Quantiles at the known levels.
    known : sequence of float of shape (n_known,)
        Ascending levels; 0.5 is one of them.
    wanted : array-like of shape (q,)
        Levels between 0 and 1.

    Returns
    -------
    array of shape (..., q)

    Raises
    ------
    ValueError
        If wanted is not a list of levels.
    """
    levels = check_levels(wanted)
    if len(known) == 1:
        return np.repeat(found, len(levels), axis=-1)
    middle = found[..., [list(known).index(0.5)]]
    known, wanted = norm.ppf(known), norm.ppf(levels)
    left = np.clip(np.searchsorted(known, wanted) - 1, 0, len(known) - 2)
    inside = np.clip(wanted, known[0], known[-1])
    part = (inside - known[left]) / (known[left + 1] - known[left])
    out = found[..., left] + part * (found[..., left + 1] - found[..., left])
    # Tails: the distance to the median grows as that of a normal.
    with np.errstate(divide="ignore", invalid="ignore"):
        stretch = np.where(inside != wanted, wanted / inside, 1.0)
    return middle + (out - middle) * stretch
