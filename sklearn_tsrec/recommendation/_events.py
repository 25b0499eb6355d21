"""Logs of events: windows of the items before a moment, and the best items of a row of scores."""

import numpy as np
from numba import njit

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import Keys


def remember_events(keys, items, times, seed):
    """Sort the events by series and time, those of one moment in a pseudo-random order.

    The columns of the history are a random number, the item and the time of each event.

    Events at one time have no order of their own. The order of the rows may be that of the truth,
    and that of the labels favours some items, so a hash of series, time, item and seed decides.
    """
    return History.build(keys, _event_values(keys, items, times, seed))


def add_events(history, keys, items, times, seed):
    """Return a history with more events of known and new series."""
    codes = history.codes
    codes, ticks = np.append(codes, keys.codes), np.append(history.ticks, keys.ticks)
    both = Keys(codes, ticks, keys.n_series, keys.n_series)
    return History.build(both, np.vstack([history.values, _event_values(keys, items, times, seed)]))


def _event_values(keys, items, times, seed):
    """Return what is remembered of events."""
    tie = np.full(len(items), np.uint64(seed))
    for part in (keys.codes, keys.ticks, items):
        tie = _scramble(tie ^ part.astype(np.int64).view(np.uint64))
    return np.column_stack([tie >> np.uint64(11), items, times])


def _scramble(bits):
    """Return well mixed bits: the finalizer of the SplitMix64 generator."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def event_spans(history, codes, ticks=None):
    """Return where the events of each series start and where those before each tick end.

    Parameters
    ----------
    history : History
        The events.
    codes : int64 array of shape (m,)
        Series; those that the history does not know have no events.
    ticks : int64 array of shape (m,) or None
        Moments; None is after all events.

    Returns
    -------
    first, end : int64 arrays of shape (m,)
    """
    known = (codes >= 0) & (codes < history.n_series)
    series = np.where(known, codes, 0)
    first, end = history.starts[series], history.starts[series + 1]
    end = np.where(known, end, first)
    if ticks is not None:
        end = _ends_before(history.ticks, first, end, np.asarray(ticks, dtype=np.int64))
    return first, end


@njit(cache=True)
def _ends_before(ticks, first, end, moments):
    """Return the end of the rows of ``first:end`` whose tick is before the moment."""
    out = np.empty(len(first), dtype=np.int64)
    for i in range(len(first)):
        out[i] = first[i] + np.searchsorted(ticks[first[i] : end[i]], moments[i])
    return out


def event_windows(history, first, end, width, column=1):
    """Return the last ``width`` items of each span, the oldest first, NaN in front of the first.

    ``column=2`` are their times.

    Returns
    -------
    float array of shape (len(first), width)
    """
    return _windows(history.values[:, column], first, end, width)


@njit(cache=True)
def _windows(values, first, end, width):
    """Copy the last values of each span to the right end of a row."""
    out = np.full((len(first), width), np.nan)
    for row in range(len(first)):
        start = max(first[row], end[row] - width)
        for at in range(start, end[row]):
            out[row, width - (end[row] - at)] = values[at]
    return out


def span_items(history, first, end):
    """Return all items of some spans, and the number of the span each belongs to."""
    length = end - first
    span = np.repeat(np.arange(len(first)), length)
    inside = np.arange(len(span)) - np.repeat(np.cumsum(length) - length, length)
    return history.values[first[span] + inside, 1].astype(np.int64), span


@njit(cache=True)
def top_k(scores, columns, k):
    """Return the k columns with the largest scores of each row, the largest first, and the scores.

    Parameters
    ----------
    scores : float array of shape (n, n_columns)
        NaN is never chosen.
    columns : int64 array of shape (1, m) or (n, m)
        The columns to choose from, for all rows or for each; -1 for none. Of equal scores the one
        that comes earlier here is first.
    k : int
        How many to choose; where fewer are left, the rest of the row is -1 and NaN.

    Returns
    -------
    best : int64 array of shape (n, k)
    best_scores : array of shape (n, k)
    """
    n_rows = len(scores)
    best = np.full((n_rows, k), -1, dtype=np.int64)
    best_scores = np.full((n_rows, k), np.nan, dtype=scores.dtype)
    for row in range(n_rows):
        found = 0
        for column in columns[row if len(columns) == n_rows else 0]:
            if column < 0:
                continue
            score = scores[row, column]
            if np.isnan(score) or (found == k and score <= best_scores[row, k - 1]):
                continue
            place = min(found, k - 1)
            while place > 0 and best_scores[row, place - 1] < score:
                best[row, place] = best[row, place - 1]
                best_scores[row, place] = best_scores[row, place - 1]
                place -= 1
            best[row, place] = column
            best_scores[row, place] = score
            found = min(found + 1, k)
    return best, best_scores


@njit(cache=True)
def top_k_of_sparse(indptr, indices, data, base, prior, popular, rank, seen_starts, seen, k):
    """Return the k columns with the largest scores of each row, as ``top_k``.

    The scores are a sparse part and, for all columns, a share of what they are popular for.

    Parameters
    ----------
    indptr, indices, data : arrays
        The sparse part, by row; no column occurs twice in a row.
    base : float array of shape (n,)
        The share of each row.
    prior : float array of shape (n_columns,)
        Popularity.
    popular : int64 array of shape (m,)
        The columns to choose from, the most popular first.
    rank : int64 array of shape (n_columns,)
        Of equal scores the one with the lower rank is first; -1 of a column not to choose.
    seen_starts : int64 array of shape (n + 1,)
        Row i has seen the columns ``seen[seen_starts[i]:seen_starts[i + 1]]``: leave them out.
    seen : int64 array
    k : int

    Returns
    -------
    best : int64 array of shape (n, k)
    best_scores : float array of shape (n, k)
    """
    n_rows = len(base)
    best = np.full((n_rows, k), -1, dtype=np.int64)
    best_scores = np.full((n_rows, k), np.nan)
    done = np.full(len(prior), -1, dtype=np.int64)  # the last row that needed the column no more
    for row in range(n_rows):
        for at in range(seen_starts[row], seen_starts[row + 1]):
            done[seen[at]] = row
        found = 0
        most = base[row] * prior[popular[0]]
        for at in range(indptr[row], indptr[row + 1]):
            # What would be too little with the most popular item's share needs no second look,
            # here and below, where it would have its share alone.
            if found == k and data[at] + most < best_scores[row, k - 1]:
                continue
            column = indices[at]
            if rank[column] >= 0 and done[column] != row:
                done[column] = row
                score = data[at] + base[row] * prior[column]
                found = _insert(best[row], best_scores[row], found, column, score, rank)
        for column in popular:
            score = base[row] * prior[column]
            if found == k and score < best_scores[row, k - 1]:
                break
            if done[column] != row:
                found = _insert(best[row], best_scores[row], found, column, score, rank)
    return best, best_scores


@njit(cache=True)
def _insert(best, best_scores, found, column, score, rank):
    """Insert a column into a list that is sorted by score and rank; return its new length."""
    place = found
    while place > 0 and (
        best_scores[place - 1] < score
        or (best_scores[place - 1] == score and rank[best[place - 1]] > rank[column])
    ):
        place -= 1
    if place == len(best):
        return found
    for later in range(min(found, len(best) - 1), place, -1):
        best[later] = best[later - 1]
        best_scores[later] = best_scores[later - 1]
    best[place] = column
    best_scores[place] = score
    return min(found + 1, len(best))
