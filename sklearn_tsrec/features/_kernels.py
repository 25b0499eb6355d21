"""Compiled loops of the features: one pass over values sorted by series and tick.

Arguments that every kernel shares: ``starts``, ``ticks`` and ``values`` are a ``History`` (one
column of it). ``place`` holds the ascending positions of the rows asked for and ``order`` their row
numbers; both empty means all rows, as they stand. ``out`` has shape (features, rows).
"""

import numpy as np
from numba import njit

BLOCK = 1024  # rows worked on at a time: what they read and half-made results stay in the cache

MEAN, SUM, STD, MIN, MAX, COUNT, NONZERO_SHARE, SLOPE, SKEW = range(9)


@njit(cache=True)
def next_series(place, high, row, n_rows):
    """Return the end of the rows asked for that lie before position ``high``."""
    if len(place) == 0:
        return high
    while row < n_rows and place[row] < high:
        row += 1
    return row


@njit(cache=True)
def calendar_lags(starts, ticks, values, place, order, lags, out):
    """Fill the values at ``tick - lag``; NaN where the series has no such tick."""
    everything = len(place) == 0
    n_rows = out.shape[1]
    end = 0
    for s in range(len(starts) - 1):
        low, high = starts[s], starts[s + 1]
        begin, end = end, next_series(place, high, end, n_rows)
        gapless = high > low and ticks[high - 1] - ticks[low] == high - 1 - low
        for a in range(begin, end, BLOCK):
            b = min(a + BLOCK, end)
            for j in range(len(lags)):
                lag = lags[j]
                if gapless and everything:
                    head = min(max(low + lag, a), b)
                    out[j, a:head] = np.nan
                    out[j, head:b] = values[head - lag : b - lag]
                elif gapless:
                    for i in range(a, b):
                        at = place[i] - lag
                        out[j, order[i]] = values[at] if at >= low else np.nan
                else:
                    p = a if everything else place[a]
                    at = low + np.searchsorted(ticks[low : p + 1], ticks[p] - lag)
                    for i in range(a, b):
                        p = i if everything else place[i]
                        wanted = ticks[p] - lag
                        while ticks[at] < wanted:
                            at += 1
                        row = i if everything else order[i]
                        out[j, row] = values[at] if ticks[at] == wanted else np.nan


@njit(cache=True)
def event_lags(starts, ticks, values, place, order, lags, out):
    """Fill the values ``lag`` events before each row; lag 0 is the row's own value."""
    everything = len(place) == 0
    n_rows = out.shape[1]
    end = 0
    for s in range(len(starts) - 1):
        low, high = starts[s], starts[s + 1]
        begin, end = end, next_series(place, high, end, n_rows)
        first = low
        for i in range(begin, end):
            p = i if everything else place[i]
            row = i if everything else order[i]
            while ticks[first] < ticks[p]:
                first += 1
            for j in range(len(lags)):
                at = first - lags[j] if lags[j] else p
                out[j, row] = values[at] if at >= low else np.nan


@njit(cache=True)
def calendar_ranges(starts, ticks, unknown, place, n_known, last, shift, width, lo, hi):
    """Find the positions that hold the ticks of each window.

    A window ends ``shift`` ticks before its row and has ``width`` ticks (0: all of the past).
    A window that nobody can know is marked by -1: of a series from ``n_known`` up, one that ends
    after the tick ``last``, or one that holds an ``unknown`` row.
    """
    everything = len(place) == 0
    n_rows = len(lo)
    end = 0
    for s in range(len(starts) - 1):
        low, high = starts[s], starts[s + 1]
        begin, end = end, next_series(place, high, end, n_rows)
        a = b = low
        latest_unknown = -1
        for i in range(begin, end):
            tick = ticks[i if everything else place[i]] - shift
            while b < high and ticks[b] <= tick:
                if len(unknown) and unknown[b]:
                    latest_unknown = b
                b += 1
            while width and a < b and ticks[a] <= tick - width:
                a += 1
            known = s < n_known and tick <= last and latest_unknown < a
            lo[i] = a if known else -1
            hi[i] = b if known else -1


@njit(cache=True)
def event_ranges(starts, ticks, unknown, place, n_known, shift, width, span, lo, hi):
    """Find the positions of the events of each window.

    A window leaves out the row's own time and the ``shift - 1`` events before it, and holds at
    most ``width`` events (0: any number) no older than ``span`` (negative: any age). Windows that
    nobody can know are marked by -1, as in ``calendar_ranges``.
    """
    everything = len(place) == 0
    n_rows = len(lo)
    end = 0
    for s in range(len(starts) - 1):
        low, high = starts[s], starts[s + 1]
        begin, end = end, next_series(place, high, end, n_rows)
        a = first = scanned = low
        latest_unknown = -1
        for i in range(begin, end):
            tick = ticks[i if everything else place[i]]
            while ticks[first] < tick:
                first += 1
            b = max(first - shift + 1, low)
            while scanned < b:
                if len(unknown) and unknown[scanned]:
                    latest_unknown = scanned
                scanned += 1
            if width:
                a = max(a, b - width)
            while span >= 0 and a < b and ticks[a] < tick - span:
                a += 1
            known = s < n_known and latest_unknown < a
            lo[i] = min(a, b) if known else -1
            hi[i] = b if known else -1


@njit(cache=True)
def _single(x, u):
    """Return the statistics of one value at coordinate u; of none if it is missing."""
    if x == x:
        return 1.0, x, x, 0.0, 0.0, x, x, 0.0 if x == 0.0 else 1.0, u, 0.0, 0.0
    return 0.0, 0.0, 0.0, 0.0, 0.0, np.inf, -np.inf, 0.0, 0.0, 0.0, 0.0


@njit(cache=True)
def _merge(p, q):
    """Merge statistics of two sets: count, sum, mean, central sums, extremes, sums of times."""
    if p[0] == 0.0:
        return q
    if q[0] == 0.0:
        return p
    n = p[0] + q[0]
    d = q[2] - p[2]
    share = q[0] / n
    both = p[0] * share
    m3 = p[4] + q[4] + d * d * d * both * (p[0] - q[0]) / n
    m3 += 3.0 * d * (p[0] * q[3] - q[0] * p[3]) / n
    du = q[8] - p[8]
    return (
        n,
        p[1] + q[1],
        p[2] + d * share,
        p[3] + q[3] + d * d * both,
        m3,
        min(p[5], q[5]),
        max(p[6], q[6]),
        p[7] + q[7],
        p[8] + du * share,
        p[9] + q[9] + du * du * both,
        p[10] + q[10] + d * du * both,
    )


@njit(cache=True)
def _statistic(kind, m):
    """Return one statistic of merged statistics; NaN where it is not defined."""
    n = m[0]
    if kind == COUNT:
        return n
    if n == 0.0:
        return np.nan
    if kind == MEAN:
        return m[2]
    if kind == SUM:
        return m[1]
    if kind == STD:
        return np.sqrt(m[3] / (n - 1.0)) if n > 1.0 else np.nan
    if kind == MIN:
        return m[5]
    if kind == MAX:
        return m[6]
    if kind == NONZERO_SHARE:
        return m[7] / n
    if kind == SLOPE:
        return m[10] / m[9] if m[9] > 0.0 else np.nan
    if n < 3.0 or m[3] == 0.0:
        return np.nan
    return np.sqrt(n * (n - 1.0)) / (n - 2.0) * np.sqrt(n) * m[4] / m[3] ** 1.5


@njit(cache=True)
def range_statistics(values, clock, lo, hi, order, min_samples, kinds, rows, out):
    """Fill statistics that follow from merged statistics, for windows that only move ahead.

    ``rows[j]`` is the row of ``out`` for statistic j.

    Two stacks (suffixes of an older part, one running total of a newer part) never subtract, so
    what left the window leaves no rounding error behind; each value is merged three times.
    """
    empty = _single(np.nan, 0.0)
    old = np.empty((64, len(empty)))
    base = middle = top = 0  # old[k] holds base + k … middle, recent holds middle … top
    recent = empty
    for i in range(len(lo)):
        row = order[i] if len(order) else i
        a, b = lo[i], hi[i]
        if a < 0:
            for j in range(len(kinds)):
                out[rows[j], row] = np.nan
            continue
        if a >= middle:
            if b - a > len(old):
                old = np.empty((2 * (b - a), len(empty)))
            total = empty
            for at in range(b - 1, a - 1, -1):
                total = _merge(_single(np.float64(values[at]), clock[at]), total)
                for k in range(len(empty)):
                    old[at - a, k] = total[k]
            base, middle, top, recent = a, b, b, empty
        while top < b:
            recent = _merge(recent, _single(np.float64(values[top]), clock[top]))
            top += 1
        m = recent
        if a < middle:
            o = old[a - base]
            m = _merge((o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7], o[8], o[9], o[10]), recent)
        for j in range(len(kinds)):
            enough = kinds[j] == COUNT or m[0] >= min_samples
            out[rows[j], row] = _statistic(kinds[j], m) if enough else np.nan


@njit(cache=True)
def range_quantiles(starts, values, place, lo, hi, order, min_samples, levels, rows, out):
    """Fill quantiles (linear interpolation) from a Fenwick tree over the ranks of a series."""
    n_rows = len(lo)
    end = 0
    for s in range(len(starts) - 1):
        low, high = starts[s], starts[s + 1]
        begin, end = end, next_series(place, high, end, n_rows)
        if begin == end:
            continue
        by_rank = np.argsort(values[low:high], kind="mergesort")
        size = high - low
        rank = np.empty(size, dtype=np.int64)
        rank[by_rank] = np.arange(1, size + 1)
        tree = np.zeros(size + 1, dtype=np.int64)
        top_bit = 1
        while top_bit * 2 <= size:
            top_bit *= 2
        n = 0
        a = b = low
        for i in range(begin, end):
            row = order[i] if len(order) else i
            while b < hi[i]:
                n += _count_in_tree(tree, rank[b - low], values[b], 1)
                b += 1
            while a < lo[i]:
                n -= _count_in_tree(tree, rank[a - low], values[a], -1)
                a += 1
            for j in range(len(levels)):
                if lo[i] < 0 or n < max(min_samples, 1):
                    out[rows[j], row] = np.nan
                    continue
                place_in = (n - 1) * levels[j]
                k = int(place_in)
                value = np.float64(values[low + by_rank[_find_in_tree(tree, top_bit, k)]])
                if place_in > k:
                    upper = values[low + by_rank[_find_in_tree(tree, top_bit, k + 1)]]
                    value += (place_in - k) * (upper - value)
                out[rows[j], row] = value


@njit(cache=True)
def _count_in_tree(tree, rank, value, step):
    """Add a value to the tree or take it out; return 1 if it counts, 0 if it is missing."""
    if value != value:
        return 0
    while rank < len(tree):
        tree[rank] += step
        rank += rank & -rank
    return 1


@njit(cache=True)
def _find_in_tree(tree, top_bit, k):
    """Return the rank (from 0) of the k-th smallest value (from 0) in the tree."""
    at = 0
    bit = top_bit
    while bit:
        if at + bit < len(tree) and tree[at + bit] <= k:
            at += bit
            k -= tree[at]
        bit >>= 1
    return at


@njit(cache=True)
def range_decayed_mean(values, clock, lo, hi, order, half_life, min_samples, out):
    """Fill exponentially weighted means of all values of a range, the latest weighing most."""
    series = top = -1
    n = weight = total = latest = 0.0
    for i in range(len(lo)):
        row = order[i] if len(order) else i
        if lo[i] >= 0 and lo[i] != series:
            series = top = lo[i]
            n = weight = total = latest = 0.0
        while lo[i] >= 0 and top < hi[i]:
            x = np.float64(values[top])
            if x == x:
                keep = 0.5 ** ((clock[top] - latest) / half_life) if n else 0.0
                total = total * keep + x
                weight = weight * keep + 1.0
                latest = clock[top]
                n += 1.0
            top += 1
        out[row] = total / weight if lo[i] >= 0 and n >= max(min_samples, 1) else np.nan


@njit(cache=True)
def range_ages(values, clock, place, lo, hi, order, nonzero, out):
    """Fill the time since the last value of a range (since the last one that is not zero)."""
    latest = -1
    top = 0
    for i in range(len(lo)):
        row = order[i] if len(order) else i
        top = max(top, lo[i])
        while top < hi[i]:
            x = values[top]
            if x == x and (x != 0 or not nonzero):
                latest = top
            top += 1
        now = clock[place[i] if len(place) else i]
        out[row] = now - clock[latest] if lo[i] >= 0 and latest >= lo[i] else np.nan


@njit(cache=True)
def whole_windows(starts, ticks, values, place, order, shift, widths, kinds, rows, out):
    """Fill statistics of windows in which every tick must be there and known: the fast path.

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
                        _merge_squares(
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
                _merge_squares(
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
def _merge_squares(into, into_squares, here, here_squares, there, there_squares, a, b):
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
