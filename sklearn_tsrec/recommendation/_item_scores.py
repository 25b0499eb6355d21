"""Scores of items after the past of a series: what every list of a recommender is made of."""

import numpy as np
from numba import njit

from sklearn_tsrec._ties import exceeds, margin, settle
from sklearn_tsrec.recommendation._lists import check_k
from sklearn_tsrec.recommendation._windows import join_windows

_CELLS = 1 << 20  # scores held at once; blocks that stay in the cache are the fastest
_ROWS = 128  # rows at once, where few items of many have a score of their own


class ItemScores:
    """Scores of all items after some events of a log, by a classifier that reads windows of them.

    Parameters
    ----------
    estimator : classifier
        Fitted. Where it has ``sparse_proba``, and ``prefers_sparse`` returns True, only the
        probabilities that differ from a share of the popularity are computed.
    log : EventLog
        The events that windows are made of.
    popularity : array of shape (n_classes,)
        The scores after no event.
    tie_order : int64 array of shape (n_items,)
        All items; of equal scores the one that comes earlier here is listed first.
    window : int
        Number of items in a window.
    gaps : bool
        Whether the classifier is also given how old they are.
    cold_weights : sparse array of shape (n_classes, n_items - n_classes) or None
        What the scores of items without an event are made of.
    """

    def __init__(self, estimator, log, popularity, tie_order, *, window, gaps, cold_weights=None):
        self.estimator, self.log, self.popularity = estimator, log, popularity
        self.tie_order, self.window, self.gaps = tie_order, window, gaps
        self.cold_weights = cold_weights

    def blocks(self, spans):
        """Yield slices of spans whose scores fit into memory together, and those of each class."""
        size = max(_CELLS // len(self.tie_order), 1)
        for start in range(0, len(spans), size):
            rows = slice(start, start + size)
            yield rows, self._score(spans.take(rows))

    def of(self, spans, items):
        """Return the scores of given items after each span; NaN for no item.

        Parameters
        ----------
        spans : Spans
        items : int64 array of shape (len(spans), m)
            Positions; -1 for no item.

        Returns
        -------
        float array of shape (len(spans), m)
        """
        chosen = np.empty(items.shape)
        for rows, scores in self.blocks(spans):
            chosen[rows] = np.take_along_axis(self._with_cold(scores), items[rows], axis=1)
        chosen[items < 0] = np.nan
        return chosen

    def top(self, spans, k, *, exclude_seen, columns=None):
        """Return the k best items after each span and their scores.

        Parameters
        ----------
        spans : Spans
        k : int
        exclude_seen : bool
            Whether to leave out the items in each span.
        columns : int64 array of shape (1, m) or (len(spans), m) or None
            The items to choose from, for all spans or for each; -1 for none. None is all.

        Returns
        -------
        items : int64 array of shape (len(spans), min(k, m))
            The best first; -1 where no item is left.
        scores : float array of shape (len(spans), min(k, m))
            NaN where no item is left.
        """
        columns = self.tie_order[np.newaxis] if columns is None else columns
        k = min(check_k(k), columns.shape[1])
        if self._is_sparse() and len(columns) == 1:
            return self._top_of_sparse(spans, k, exclude_seen, columns[0])
        best = np.empty((len(spans), k), dtype=np.int64)
        best_scores = np.empty((len(spans), k))
        for rows, scores in self.blocks(spans):
            scores = self._with_cold(scores)
            if exclude_seen:
                seen, span = self.log.items_in(spans.take(rows))
                scores[span, seen] = np.nan
            own = columns[rows] if len(columns) > 1 else columns
            best[rows], best_scores[rows] = top_k(scores, own, k)
        return best, best_scores

    def _score(self, spans):
        """Return a score of each class after each span."""
        scores = np.empty((len(spans), len(self.popularity)))
        known = spans.known
        scores[~known] = self.popularity
        if known.any():
            past = self._past(spans.take(known))
            if hasattr(self.estimator, "predict_proba"):
                scores[known] = self.estimator.predict_proba(past)
            else:
                given = self.estimator.decision_function(past)
                scores[known] = np.column_stack([-given, given]) if given.ndim == 1 else given
        return scores

    def _past(self, spans):
        """Return what the classifier is given."""
        return join_windows(self.log, spans, self.window, gaps=self.gaps)

    def _with_cold(self, scores):
        """Return scores with those of the items that training did not have beside them."""
        if self.cold_weights is None or not self.cold_weights.shape[1]:
            return scores
        return np.hstack([scores, scores @ self.cold_weights])

    def _is_sparse(self):
        """Return whether to compute only what differs from the popularity."""
        if len(self.tie_order) > len(self.popularity):
            return False
        return hasattr(self.estimator, "sparse_proba") and self.estimator.prefers_sparse()

    def _top_of_sparse(self, spans, k, exclude_seen, columns):
        """Return the best columns where all but few items are as good as they are popular."""
        best = np.empty((len(spans), k), dtype=np.int64)
        best_scores = np.empty((len(spans), k))
        rank = np.full(len(self.popularity), -1)
        rank[columns] = np.arange(len(columns))
        popular = columns[np.argsort(-settle(self.popularity[columns]), kind="stable")]
        for start in range(0, len(spans), _ROWS):
            rows = slice(start, start + _ROWS)
            block = spans.take(rows)
            own, base = self.estimator.sparse_proba(self._past(block))
            seen, starts = np.empty(0, dtype=np.int64), np.zeros(len(block) + 1, dtype=np.int64)
            if exclude_seen:
                seen, span = self.log.items_in(block)
                starts = np.searchsorted(span, np.arange(len(block) + 1))
            best[rows], best_scores[rows] = top_k_of_sparse(
                own.indptr, own.indices, own.data, base, self.popularity, popular, rank, starts,
                seen, k,
            )  # fmt: skip
        return best, best_scores


@njit(cache=True)
def top_k(scores, columns, k):
    """Return the k columns with the largest scores of each row, the largest first, and the scores.

    Parameters
    ----------
    scores : float array of shape (n, n_columns)
        NaN is never chosen.
    columns : int64 array of shape (1, m) or (n, m)
        The columns to choose from, for all rows or for each; -1 for none. Of scores that are equal
        but for rounding the one that comes earlier here is first.
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
        own = columns[row if len(columns) == n_rows else 0]
        largest = 0.0
        for column in own:
            if column >= 0 and abs(scores[row, column]) > largest:
                largest = abs(scores[row, column])
        least = margin(largest)
        for column in own:
            if column < 0:
                continue
            score = scores[row, column]
            if np.isnan(score):
                continue
            if found == k and not exceeds(score, best_scores[row, k - 1], least):
                continue
            place = min(found, k - 1)
            while place > 0 and exceeds(score, best_scores[row, place - 1], least):
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
        Of scores that are equal but for rounding the one with the lower rank is first; -1 of a
        column not to choose.
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
            if found == k and exceeds(best_scores[row, k - 1], data[at] + most, 0.0):
                continue
            column = indices[at]
            if rank[column] >= 0 and done[column] != row:
                done[column] = row
                score = data[at] + base[row] * prior[column]
                found = _insert(best[row], best_scores[row], found, column, score, rank)
        for column in popular:
            score = base[row] * prior[column]
            if found == k and exceeds(best_scores[row, k - 1], score, 0.0):
                break
            if done[column] != row:
                found = _insert(best[row], best_scores[row], found, column, score, rank)
    return best, best_scores


@njit(cache=True)
def _insert(best, best_scores, found, column, score, rank):
    """Insert a column into a list that is sorted by score and rank; return its new length."""
    place = found
    # Probabilities are sums of parts of one sign: rounding is in proportion to each.
    while place > 0 and (
        exceeds(score, best_scores[place - 1], 0.0)
        or (
            rank[best[place - 1]] > rank[column] and not exceeds(best_scores[place - 1], score, 0.0)
        )
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
