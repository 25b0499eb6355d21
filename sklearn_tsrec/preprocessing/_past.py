"""Compiled loops over one column sorted by series and clock."""

import numpy as np
from numba import njit


@njit(cache=True)
def fill_gaps(starts, clock, ticks, values, last, linear, limit, out):
    """Fill missing values by the latest one before, or on the line to the next known one.

    Only values up to the tick ``last`` of a series may serve as the next one. Events of one
    time never see each other.
    """
    for s in range(len(starts) - 1):
        before = -1  # the last value at an earlier time
        current = newest = -1
        after = starts[s]
        for i in range(starts[s], starts[s + 1]):
            if current < 0 or clock[i] != clock[current]:
                before = newest if newest >= 0 else before
                current = i
            if values[i] == values[i]:
                out[i] = values[i]
                newest = i
                continue
            out[i] = np.nan
            if before < 0 or clock[i] - clock[before] > limit:
                continue
            out[i] = values[before]
            if not linear:
                continue
            after = max(after, i)
            while after < starts[s + 1] and (
                values[after] != values[after] or clock[after] == clock[i]
            ):
                after += 1
            if after < starts[s + 1] and ticks[after] <= last[s]:
                if clock[after] - clock[i] > limit:
                    out[i] = np.nan
                else:
                    share = (clock[i] - clock[before]) / (clock[after] - clock[before])
                    out[i] += share * (values[after] - values[before])


@njit(cache=True)
def fill_seasonal(starts, clock, values, period, limit, out):
    """Fill missing values by the latest value a whole number of periods before."""
    for s in range(len(starts) - 1):
        low = starts[s]
        for i in range(low, starts[s + 1]):
            out[i] = values[i]
            wanted = clock[i] - period
            n = 1
            while out[i] != out[i] and n <= limit and wanted >= clock[low]:
                at = low + np.searchsorted(clock[low:i], wanted)
                while at < i and clock[at] == wanted:  # the last event of that time
                    if values[at] == values[at]:
                        out[i] = values[at]
                    at += 1
                wanted -= period
                n += 1


@njit(cache=True)
def past_bounds(starts, clock, values, window, min_samples, hampel, threshold, low, high):
    """Fill the range in which the values of the window before each row lie; NaN if unknown."""
    for s in range(len(starts) - 1):
        a = b = starts[s]
        for i in range(starts[s], starts[s + 1]):
            while clock[b] < clock[i]:
                b += 1
            while clock[a] < clock[i] - window:
                a += 1
            past = values[a:b]
            past = past[past == past]
            low[i] = high[i] = np.nan
            if len(past) < min_samples:
                continue
            if hampel:
                middle = np.median(past)
                spread = 1.4826 * np.median(np.abs(past - middle))
                bottom = top = middle
            else:
                bottom, top = np.percentile(past, 25), np.percentile(past, 75)
                spread = top - bottom
            if spread > 0:
                low[i] = bottom - threshold * spread
                high[i] = top + threshold * spread
