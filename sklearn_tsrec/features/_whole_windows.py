"""The fast path of window statistics: windows in which every tick must be there.

Arguments are those of ``_kernels``.
"""

import numpy as np
from numba import njit

from sklearn_tsrec.features._kernels import BLOCK, MAX, MEAN, MIN, STD, SUM, next_series


@njit(cache=True)
def whole_windows(starts, ticks, values, place, order, shift, widths, kinds, rows, out):
    """Fill statistics of windows in which every tick must be there and known.

    ``rows[k, j]`` is the row of ``out`` for window k and statistic j: sum, mean, std, min or max.
    """
    everything = len(place) == 0
    n_rows = out.shape[1]
    reach = shift + widths.max()
    block = max(BLOCK, reach)
    power = np.empty((5, 2, block + reach + 1))
    result = np.empty((5, len(widths), block + reach + 1))
    wanted = np.array([STD in kinds, MIN in kinds, MAX in kinds])
    end = 0
    for s in range(len(starts) - 1):
        low, high = starts[s], starts[s + 1]
        begin, end = end, next_series(place, high, end, n_rows)
        a = begin
        while a < end:
            p = a if everything else place[a]
            b = a + 1
            if everything:
                b = min(a + block, end)
            else:
                while b < end and place[b] - p < block:
                    b += 1
            first = low
            if ticks[p] - ticks[low] >= reach:
                first += np.searchsorted(ticks[low:p], ticks[p] - reach + 1)
            last = b if everything else place[b - 1] + 1
            gapless = ticks[last - 1] - ticks[first] == last - 1 - first
            run = first
            while run < last:
                stop = last if gapless else run + 1
                while stop < last and ticks[stop] == ticks[stop - 1] + 1:
                    stop += 1
                _trailing(values[run:stop], widths, wanted, power, result, run - first)
                run = stop
            at = 0
            if not gapless:
                for i in range(a, b):
                    p = i if everything else place[i]
                    row = i if everything else order[i]
                    while ticks[first + at] < ticks[p] - shift:
                        at += 1
                    found = ticks[first + at] == ticks[p] - shift
                    for k in range(len(widths)):
                        for j in range(len(kinds)):
                            value = _whole(kinds[j], widths[k], result, k, at)
                            out[rows[k, j], row] = value if found else np.nan
            else:
                for k in range(len(widths)):
                    for j in range(len(kinds)):
                        into = out[rows[k, j]]
                        if everything:
                            at = a - first - shift
                            _whole_column(kinds[j], widths[k], result, k, at, into[a:b])
                            continue
                        for i in range(a, b):
                            at = place[i] - first - shift
                            value = _whole(kinds[j], widths[k], result, k, max(at, 0))
                            into[order[i]] = value if at >= 0 else np.nan
            a = b


@njit(cache=True)
def _whole(kind, width, result, k, at):
    """Return one statistic of the window k that ends at a position."""
    total = result[0, k, at]
    if kind == SUM:
        return total
    if kind == MEAN:
        return total / width
    if kind == STD:
        return np.sqrt(result[2, k, at] / (width - 1)) if width > 1 else np.nan
    if total != total:  # minima and maxima do not pass NaN on
        return np.nan
    return result[3 if kind == MIN else 4, k, at]


@njit(cache=True)
def _whole_column(kind, width, result, k, at, into):
    """Fill one statistic of consecutive windows, the first of which ends at a position."""
    head = min(max(-at, 0), len(into))
    into[:head] = np.nan
    into = into[head:]
    n = len(into)
    at += head
    sums = result[0, k][at : at + n]
    if kind == SUM:
        for i in range(n):
            into[i] = sums[i]
    elif kind == MEAN:
        for i in range(n):
            into[i] = sums[i] / width
    elif kind == STD:
        squares = result[2, k][at : at + n]
        share = 1.0 / (width - 1) if width > 1 else np.nan
        for i in range(n):
            into[i] = np.sqrt(squares[i] * share)
    else:
        extremes = result[3 if kind == MIN else 4, k][at : at + n]
        for i in range(n):
            into[i] = extremes[i] if sums[i] == sums[i] else np.nan


@njit(cache=True)
def _trailing(x, widths, wanted, power, result, at):
    """Aggregate the trailing windows of values without gaps, into ``result`` from ``at`` on.

    Aggregates of 1, 2, 4, … values are doubled, and each width is put together from those of its
    binary digits: a few additions of whole arrays, and no value is ever subtracted. The first axis
    of ``power`` and ``result`` holds sum, mean, sum of squared deviations, minimum and maximum.

    The loops run over slices, with no index but their own: only then do they become vector code.
    """
    n = len(x)
    std, low, high = wanted
    for q in range(5):
        into = power[q, 0]
        for i in range(n):
            into[i] = 0.0 if q == 2 else x[i]
    top = widths.max()
    k, side = 1, 0
    while k <= top:
        sums, means, squares = power[0, side], power[1, side], power[2, side]
        lows, highs = power[3, side], power[4, side]
        for w in range(len(widths)):
            width = widths[w]
            a = width & (k - 1)  # how many values the smaller digits cover
            begin = a + k - 1
            if width & k and begin < n:
                r_sums = result[0, w][at + begin : at + n]
                r_means = result[1, w][at + begin : at + n]
                r_squares = result[2, w][at + begin : at + n]
                if a:
                    _add(r_sums, r_sums, sums[k - 1 : n - a])
                    if std:
                        _merge(
                            r_means,
                            r_squares,
                            r_means,
                            r_squares,
                            means[k - 1 : n - a],
                            squares[k - 1 : n - a],
                            a,
                            k,
                        )
                else:
                    r_sums[:] = sums[begin:n]
                    if std:
                        r_means[:] = means[begin:n]
                        r_squares[:] = squares[begin:n]
            if k <= width < 2 * k and width <= n:
                here, there = slice(width - 1, n), slice(k - 1, n - width + k)
                if low:
                    _least(result[3, w][at + width - 1 : at + n], lows[here], lows[there])
                if high:
                    _most(result[4, w][at + width - 1 : at + n], highs[here], highs[there])
        if 2 * k <= min(top, n):
            into = slice(2 * k - 1, n)
            there = slice(k - 1, n - k)
            _add(power[0, 1 - side][into], sums[into], sums[there])
            if std:
                _merge(
                    power[1, 1 - side][into],
                    power[2, 1 - side][into],
                    means[into],
                    squares[into],
                    means[there],
                    squares[there],
                    k,
                    k,
                )
            if low:
                _least(power[3, 1 - side][into], lows[into], lows[there])
            if high:
                _most(power[4, 1 - side][into], highs[into], highs[there])
            side = 1 - side
        elif 2 * k > n:
            break
        k *= 2
    for w in range(len(widths)):
        head = at + min(widths[w] - 1, n)
        result[0, w, at:head] = np.nan
        result[2, w, at:head] = np.nan


@njit(cache=True)
def _add(into, here, there):
    """Add the sums of adjacent windows."""
    for i in range(len(into)):
        into[i] = here[i] + there[i]


@njit(cache=True)
def _merge(into, into_squares, here, here_squares, there, there_squares, a, b):
    """Merge the means and squares of adjacent windows of a and b values."""
    share, both = b / (a + b), a * b / (a + b)
    for i in range(len(into)):
        mean = here[i]
        d = there[i] - mean
        into_squares[i] = here_squares[i] + there_squares[i] + d * d * both
        into[i] = mean + d * share


@njit(cache=True)
def _least(into, here, there):
    """Take the smaller minimum of two windows."""
    for i in range(len(into)):
        into[i] = here[i] if here[i] < there[i] else there[i]


@njit(cache=True)
def _most(into, here, there):
    """Take the larger maximum of two windows."""
    for i in range(len(into)):
        into[i] = here[i] if here[i] > there[i] else there[i]
