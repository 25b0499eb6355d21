"""Items with the time after them, as one code: what nets of item sequences read."""

import numpy as np
import pandas as pd

N_GAPS = 17  # no gap known, none at all, and fifteen powers of two around the usual one
_MIDDLE = 9


def usual_gap(gaps):
    """Return the median of the gaps that are not 0, the unit of buckets."""
    gaps = gaps[gaps > 0]
    return float(np.median(gaps)) if len(gaps) else 1.0


def time_gaps(X, ages):
    """Return the time from each item of a window to the next one, or to the time of the row.

    It is known at that time, and windows that overlap agree on it.

    Parameters
    ----------
    X : array of shape (n, L)
        Windows of items, the oldest first; NaN for no item.
    ages : array of shape (n, L)
        How long before the time of the row each item was.

    Returns
    -------
    array of shape (n, L)
        NaN where there is no item.

    Raises
    ------
    ValueError
        If an item has no age, or one that the item before it does not exceed.
    """
    ages = np.where(np.isnan(X), np.nan, ages)
    later = pd.DataFrame(ages).bfill(axis=1).shift(-1, axis=1, fill_value=0).fillna(0).to_numpy()
    gaps = ages - later
    wrong = ~np.isnan(X) & ~(gaps >= 0)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"row {row} has an item with an age of {ages[row, column]:g} before one with an age of "
            f"{later[row, column]:g}: ages must be numbers of at least 0 that do not rise from "
            "item to item, in gap__lag2, gap__lag1 as in item__lag2, item__lag1."
        )
    return gaps


def gap_buckets(gaps, unit):
    """Return the bucket, from 1 to ``N_GAPS`` - 1, of each gap; 0 where it is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.floor(np.log2(gaps / unit) + 0.5)
    bucket = np.clip(np.where(gaps > 0, power, 0) + _MIDDLE, 2, N_GAPS - 1)
    return np.where(np.isnan(gaps), 0, np.where(gaps > 0, bucket, 1)).astype(np.int64)
