"""Weights that learn as truth arrives: exponentially weighted experts with a fixed share."""

import numpy as np
from numba import njit

from sklearn_tsrec._scans import is_new
from sklearn_tsrec.ensemble._weighting import shrink


class OnlineWeights:
    """Weights of members in cells, and over all of them, updated time after time.

    After a time with losses l, weights w become proportional to ``w ** (new / old) * exp(-new l)``
    with the learning rate ``sqrt(8 log(n_members) / (t + 1)) / B`` after t times, where B is the
    largest difference of losses so far; a share of all weight is then dealt out equally. A member
    without a forecast is given the loss of the mean.

    Parameters
    ----------
    n_members, n_cells : int
        Numbers of members and cells.
    share : float
        The share dealt out equally at each time.
    """

    def __init__(self, n_members, n_cells, share):
        self.share = share
        self.weights = np.full((n_cells + 1, n_members), 1 / n_members)
        self.times = np.zeros(n_cells + 1, dtype=np.int64)
        self.rows = np.zeros(n_cells + 1, dtype=np.int64)
        self._range = np.zeros(n_cells + 1)

    def learn(self, losses, moments, cells):
        """Learn from the losses of rows.

        Parameters
        ----------
        losses : array of shape (n, n_members)
            Losses of members; NaN where there is no forecast.
        moments : int64 array of shape (n,)
            Numbers that order the rows in time.
        cells : int64 array of shape (n,)
            The cell of each row; -1 for none, whose rows count for all cells together only.

        Returns
        -------
        array of shape (n_moments, n_members)
            The weights over all cells after each moment, in their order.
        """
        n_cells = len(self.times) - 1
        last = np.full(len(cells), n_cells)
        paths = []
        for cell in (last,) if n_cells == 1 else (last, cells):
            rows = np.flatnonzero(cell >= 0)
            order = rows[np.lexsort((cell[rows], moments[rows]))]
            at, where = moments[order], cell[order]
            new = is_new(at, where)
            mean = _mean_by_run(losses[order], np.flatnonzero(new))
            path = _step(mean, where[new], self.weights, self.times, self._range, self.share)
            paths.append(path)
            self.rows += np.bincount(where, minlength=n_cells + 1)
        if n_cells == 1:
            for state in (self.weights, self.times, self.rows, self._range):
                state[0] = state[1]
        return paths[0]

    def shrunk(self, shrinkage):
        """Return the weights over all cells, and those of each drawn to them."""
        pooled, n_rows = self.weights[-1], self.rows[:-1, np.newaxis]
        return pooled, shrink(self.weights[:-1], n_rows, pooled, shrinkage)


def _mean_by_run(losses, first):
    """Return the mean of the known losses in runs of rows; NaN where there is none."""
    if not len(first):
        return losses
    known = ~np.isnan(losses)
    total = np.add.reduceat(np.where(known, losses, 0), first, axis=0)
    count = np.add.reduceat(known, first, axis=0, dtype=np.int64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@njit(cache=True)
def _step(losses, cells, weights, times, ranges, share):
    """Update the weights of cells by losses in the order of time; return those after each."""
    n_members = weights.shape[1]
    path = np.ones((len(cells), n_members))
    if n_members == 1:
        return path
    for i in range(len(cells)):
        c = cells[i]
        low, high, total, mass = np.inf, -np.inf, 0.0, 0.0
        for k in range(n_members):
            if not np.isnan(losses[i, k]):
                low, high = min(low, losses[i, k]), max(high, losses[i, k])
                total += weights[c, k] * losses[i, k]
                mass += weights[c, k]
        old = _rate(n_members, times[c], ranges[c])
        times[c] += 1
        ranges[c] = max(ranges[c], high - low)
        if ranges[c] == 0:
            path[i] = weights[c]
            continue
        new = _rate(n_members, times[c], ranges[c])
        power = new / old if old > 0 else 1.0
        mean = total / mass if mass > 0 else (low + high) / 2
        best = -np.inf
        for k in range(n_members):
            loss = mean if np.isnan(losses[i, k]) else losses[i, k]
            weights[c, k] = power * np.log(max(weights[c, k], 1e-300)) - new * loss
            best = max(best, weights[c, k])
        total = 0.0
        for k in range(n_members):
            weights[c, k] = np.exp(weights[c, k] - best)
            total += weights[c, k]
        for k in range(n_members):
            weights[c, k] = (1 - share) * weights[c, k] / total + share / n_members
        path[i] = weights[c]
    return path


@njit(cache=True)
def _rate(n_members, times, width):
    """Return the learning rate after some times; 0 before losses first differ."""
    if width == 0:
        return 0.0
    return np.sqrt(8 * np.log(n_members) / (times + 1)) / width
