"""The fast path of window statistics: windows in which every tick must be there.

Arguments are those of ``_kernels``.
"""

import numpy as np
from numba import njit

from sklearn_tsrec._kernels import BLOCK, MAX, MEAN, MIN, STD, SUM, next_series


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
                c, d = run - first, stop - first
                _trailing(values[run:stop], widths, wanted, power[:, :, c:d], result[:, :, c:d])
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
                            value = _whole(kinds[j], widths[k], result[:, k], at)
                            out[rows[k, j], row] = value if found else np.nan
            else:
                for k in range(len(widths)):
                    for j in range(len(kinds)):
                        into = out[rows[k, j]]
                        if everything:
                            _whole_column(
                                kinds[j], widths[k], result[:, k], a - first - shift, into[a:b]
                            )
                            continue
                        for i in range(a, b):
                            at = place[i] - first - shift
                            value = _whole(kinds[j], widths[k], result[:, k], max(at, 0))
                            into[order[i]] = value if at >= 0 else np.nan
            a = b


@njit(cache=True)
def _whole(kind, width, result, at):
    """Return one statistic of the window that ends at a position."""
    if kind == SUM:
        return result[0, at]
    if kind == MEAN:
        return result[0, at] / width
    if kind == STD:
        return np.sqrt(result[2, at] / (width - 1)) if width > 1 else np.nan
    if result[0, at] != result[0, at]:  # minima and maxima do not pass NaN on
        return np.nan
    return result[3 if kind == MIN else 4, at]


@njit(cache=True)
def _whole_column(kind, width, result, at, into):
    """Fill one statistic of consecutive windows, the first of which ends at a position."""
    head = min(max(-at, 0), len(into))
    n = len(into) - head
    into[:head] = np.nan
    into = into[head:]
    part = result[:, at + head : at + head + n]
    sums = part[0]
    if kind == SUM:
        for i in range(n):
            into[i] = sums[i]
    elif kind == MEAN:
        share = 1.0 / width
        for i in range(n):
            into[i] = sums[i] * share
    elif kind == STD:
        squares = part[2]
        share = 1.0 / (width - 1) if width > 1 else np.nan
        for i in range(n):
            into[i] = np.sqrt(squares[i] * share)
    else:
        extremes = part[3 if kind == MIN else 4]
        for i in range(n):
            into[i] = extremes[i] if sums[i] == sums[i] else np.nan


@njit(cache=True)
def _trailing(x, widths, wanted, power, result):
    """Aggregate the trailing windows of values without gaps.

    Aggregates of 1, 2, 4, … values are doubled, and each width is put together from those of its
    binary digits: a few additions of whole arrays, and no value is ever subtracted. The first axis
    of ``power`` and ``result`` holds sum, mean, sum of squared deviations, minimum and maximum.
    """
    n = len(x)
    std, low, high = wanted
    for q in range(5):
        for i in range(n):
            power[q, 0, i] = 0.0 if q == 2 else x[i]
    top = widths.max()
    k, side = 1, 0
    while k <= top:
        sums, means, squares = power[0, side], power[1, side], power[2, side]
        lows, highs = power[3, side], power[4, side]
        for w in range(len(widths)):
            width = widths[w]
            r_sums, r_means, r_squares = result[0, w], result[1, w], result[2, w]
            if width & k:
                a = width & (k - 1)  # how many values the smaller digits cover
                if a == 0:
                    r_sums[:n] = sums[:n]
                    if std:
                        r_means[:n] = means[:n]
                        r_squares[:n] = squares[:n]
                else:
                    _add(r_sums, sums, a, k, n)
                    if std:
                        _add_moments(r_means, r_squares, means, squares, a, k, n)
            if k <= width < 2 * k:
                if low:
                    _least(result[3, w], lows, width - k, width - 1, n)
                if high:
                    _most(result[4, w], highs, width - k, width - 1, n)
        if 2 * k <= top:
            other = power[:, 1 - side]
            for i in range(2 * k - 1, n):
                other[0, i] = sums[i] + sums[i - k]
            if std:
                _double_moments(other[1], other[2], means, squares, k, n)
            if low:
                _least(other[3], lows, k, 2 * k - 1, n)
            if high:
                _most(other[4], highs, k, 2 * k - 1, n)
            side = 1 - side
        k *= 2
    for w in range(len(widths)):
        head = min(widths[w] - 1, n)
        result[0, w, :head] = np.nan
        result[2, w, :head] = np.nan


@njit(cache=True)
def _add(r_sums, sums, a, k, n):
    """Add to windows of a values the k values before them."""
    for i in range(a + k - 1, n):
        r_sums[i] += sums[i - a]


@njit(cache=True)
def _add_moments(r_means, r_squares, means, squares, a, k, n):
    """Merge into moments of a values those of the k values before them."""
    share, both = k / (a + k), a * k / (a + k)
    for i in range(a + k - 1, n):
        d = means[i - a] - r_means[i]
        r_squares[i] += squares[i - a] + d * d * both
        r_means[i] += d * share


@njit(cache=True)
def _double_moments(out_means, out_squares, means, squares, k, n):
    """Merge the moments of k values and of the k values before them."""
    both = 0.5 * k
    for i in range(2 * k - 1, n):
        d = means[i] - means[i - k]
        out_squares[i] = squares[i] + squares[i - k] + d * d * both
        out_means[i] = means[i - k] + 0.5 * d


@njit(cache=True)
def _least(into, lows, back, begin, n):
    """Take the smaller of the aggregates here and some positions back."""
    for i in range(begin, n):
        here, there = lows[i], lows[i - back]
        into[i] = here if here < there else there


@njit(cache=True)
def _most(into, highs, back, begin, n):
    """Take the larger of the aggregates here and some positions back."""
    for i in range(begin, n):
        here, there = highs[i], highs[i - back]
        into[i] = here if here > there else there
