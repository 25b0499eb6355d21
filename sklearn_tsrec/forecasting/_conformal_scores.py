"""Scores in cells, their finite-sample quantiles, and levels that adapt."""

import numpy as np

_TINY = 1e-9  # levels such as 1 - 0.9 are not exact


def rows_needed(alpha):
    """Return how many scores a bound needs that new scores exceed with probability ``alpha``."""
    return int(np.ceil(1 / alpha - _TINY)) - 1


class CellScores:
    """Scores of several kinds in cells: the errors that new ones of the same cell will be like.

    Parameters
    ----------
    cells : int64 array of shape (n,)
        The cell of each row.
    scores : array of shape (n, n_kinds)
        Scores of each row.
    """

    def __init__(self, cells, scores):
        self.counts = np.bincount(cells)
        self._starts = np.concatenate([[0], np.cumsum(self.counts)])
        self._sorted = np.column_stack([column[np.lexsort((column, cells))] for column in scores.T])

    def count(self, cells):
        """Return how many rows the given cells hold."""
        inside = (cells >= 0) & (cells < len(self.counts))
        return np.where(inside, self.counts[np.where(inside, cells, 0)], 0)

    def bound(self, cells, kind, alpha):
        """Return the score that a new one in each cell exceeds with probability ``alpha``.

        It is the k-th smallest of n, ``k = ceil((n + 1) (1 - alpha))``, and the largest where k is
        more than n.

        Parameters
        ----------
        cells : int64 array of shape (m,)
            Cells that hold rows.
        kind : int
            Which kind of score.
        alpha : float or array of shape (m,)
            The probability.

        Returns
        -------
        array of shape (m,)
        """
        n = self.counts[cells]
        k = np.ceil((n + 1) * (1 - alpha) - _TINY)
        k = np.clip(k, 1, n).astype(np.int64)
        return self._sorted[self._starts[cells] + k - 1, kind]

    def p_values(self, cells, scores):
        """Return the share of scores that are at least as large, the new one among them.

        A bound of level ``alpha`` is exceeded just where the share is at most ``alpha``. It is 1 in
        a cell without rows.
        """
        out = np.ones(scores.shape)
        for cell in np.unique(cells):
            rows = np.flatnonzero(cells == cell)
            if not self.count(np.array([cell]))[0]:
                continue
            held = self._sorted[self._starts[cell] : self._starts[cell + 1]]
            for kind, column in enumerate(held.T):
                smaller = np.searchsorted(column, scores[rows, kind], side="left")
                out[rows, kind] = (1 + len(column) - smaller) / (1 + len(column))
        return out


def newest(cells, capacity):
    """Return which rows, the oldest first, are among the newest ``capacity`` of their cell."""
    order = np.argsort(cells, kind="stable")
    count = np.bincount(cells, minlength=len(capacity))
    keep = np.empty(len(cells), dtype=bool)
    keep[order] = np.cumsum(count)[cells[order]] - np.arange(len(order)) <= capacity[cells[order]]
    return keep


def adapt_level(p_values, moments, streams, n_streams, alpha, rate):
    """Return the level at which each stream of new scores has been exceeded ``alpha`` of the time.

    Parameters
    ----------
    p_values : array of shape (n,)
        Of new scores, the oldest first.
    moments : int64 array of shape (n,), ascending
        When they came. Those of one moment count as their mean.
    streams : int64 array of shape (n,)
        The stream of each; every stream has a level of its own.
    n_streams : int
        Number of streams.
    alpha : float
        The level wanted.
    rate : float
        How far a miss moves the level.

    Returns
    -------
    array of shape (n_streams,)
    """
    level = np.full(n_streams, float(alpha))
    edges = np.flatnonzero(np.diff(moments)) + 1
    for p, s in zip(np.split(p_values, edges), np.split(streams, edges)):
        count = np.bincount(s, minlength=n_streams)
        missed = np.bincount(s, p <= level[s] + _TINY, minlength=n_streams)
        seen = count > 0
        level[seen] += rate * (alpha - missed[seen] / count[seen])
    return level
