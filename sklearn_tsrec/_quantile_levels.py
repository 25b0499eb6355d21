"""Levels of quantiles and coverage of intervals, checked."""

import numpy as np

from sklearn_tsrec._times import show


def check_levels(quantiles, name="quantiles"):
    """Return levels of quantiles as an array; raise if one does not lie between 0 and 1."""
    levels = np.asarray(quantiles, dtype=float)
    if levels.ndim != 1 or not len(levels) or not ((levels > 0) & (levels < 1)).all():
        raise ValueError(
            f"{name}={show(quantiles)} must be levels between 0 and 1, such as [0.1, 0.9]."
        )
    return levels


def check_coverage(coverage):
    """Raise if a coverage does not lie between 0 and 1."""
    if not 0 < coverage < 1:
        raise ValueError(f"coverage={coverage!r} must lie between 0 and 1.")


def missed_share(coverage):
    """Return the share of values beyond an interval: 0.05 for 0.95, not 0.050000000000000044."""
    return round(1 - coverage, 12)
