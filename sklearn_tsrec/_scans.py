"""Passes over sorted keys, compiled where numpy would need several with an array after each."""

import numpy as np
from numba import njit


@njit(cache=True)
def ascends(codes, ticks):
    """Return whether rows are sorted by series and tick."""
    for i in range(1, len(codes)):
        if codes[i] < codes[i - 1] or (codes[i] == codes[i - 1] and ticks[i] < ticks[i - 1]):
            return False
    return True


@njit(cache=True)
def count_gaps(codes, ticks):
    """Return how many gaps in a series are of 0 and of 1 step, and how many there are in all."""
    zeros = ones = pairs = 0
    for i in range(1, len(codes)):
        if codes[i] == codes[i - 1]:
            gap = ticks[i] - ticks[i - 1]
            zeros += gap == 0
            ones += gap == 1
            pairs += 1
    return zeros, ones, pairs


@njit(cache=True)
def series_starts(codes, n_series):
    """Return where each series begins in sorted codes, and where the last one ends."""
    starts = np.zeros(n_series + 1, dtype=np.int64)
    for i in range(len(codes)):
        starts[codes[i] + 1] = i + 1
    for s in range(n_series):
        starts[s + 1] = max(starts[s + 1], starts[s])
    return starts


def is_new(first, *others):
    """Return which rows differ from the row before them in one of some arrays: where runs begin."""
    new = np.ones(len(first), dtype=bool)
    new[1:] = first[1:] != first[:-1]
    for part in others:
        new[1:] |= part[1:] != part[:-1]
    return new
