"""Weights of members on the simplex, learned from their errors: at once, or as truth arrives."""

import numpy as np
from numba import njit
from scipy.optimize import nnls

from sklearn_tsrec._scans import is_new
from sklearn_tsrec._ties import settle

_STEPS = 1000  # of the EM algorithm at most
_SMALLEST = 1e-3  # size of errors in a row, to that of most
_ROUNDS = 100  # of greedy selection: weights are multiples of 1 / 100


def fill_with_mean(values):
    """Return values in which the mean of those known in a row stands for the others."""
    known = ~np.isnan(values)
    if known.all():
        return values
    mean = np.where(known, values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, values, mean[:, np.newaxis])


def learn_weights(method, errors, cells, n_cells, shrinkage):
    """Return the weights of members over all rows, and those in each cell.

    Parameters
    ----------
    method : {"equal", "nnls", "ridge", "greedy", "logloss", "brier"}
        How weights are learned, see :class:`TemporalStackingRegressor` and
        :class:`TemporalStackingClassifier`. For ``"logloss"`` the errors are in truth the
        probabilities of what happened.
    errors : array of shape (n, n_members)
        Errors of the members in a common unit; NaN where a member gave no forecast. Every row has
        at least one that is known.
    cells : int64 array of shape (n,)
        The cell of each row: its step, its series.
    n_cells : int
        Number of cells.
    shrinkage : float
        How many rows the weights count for that a cell is shrunk to, and equal ones for those over
        all rows.

    Returns
    -------
    pooled : array of shape (n_members,)
    weights : array of shape (n_cells, n_members)
    """
    known = ~np.isnan(errors)
    errors = fill_with_mean(errors)
    seen = known.any(axis=0)
    pooled = _solve(method, errors, seen, shrinkage)
    weights = np.tile(pooled, (n_cells, 1))
    if n_cells > 1 and method != "equal":
        order = np.argsort(cells, kind="stable")
        ends = np.searchsorted(cells[order], np.arange(n_cells + 1))
        for cell in np.flatnonzero(np.diff(ends)):
            rows = order[ends[cell] : ends[cell + 1]]
            own = _solve(method, errors[rows], known[rows].any(axis=0), shrinkage)
            weights[cell] = shrink(own, len(rows), pooled, shrinkage)
    return pooled, weights


def shrink(own, n_rows, pooled, shrinkage):
    """Return weights between own ones, learned from some rows, and pooled ones."""
    share = n_rows / np.maximum(n_rows + shrinkage, 1e-300)
    return share * own + (1 - share) * pooled


def _solve(method, errors, seen, shrinkage):
    """Return weights for the rows given; members never seen have none."""
    weights = np.zeros(len(seen))
    n, n_seen = len(errors), int(seen.sum())
    largest = np.abs(errors[:, seen]).max()
    if method == "equal" or not largest > 0:
        weights[seen] = 1 / n_seen
        return weights
    errors = errors / largest  # weights have no unit, and squares of tiny or huge errors no digits
    if method == "ridge":  # squares over sizes: few large errors must not decide
        size = np.abs(errors[:, seen]).mean(axis=1, keepdims=True)
        errors = errors / np.sqrt(np.maximum(size, _SMALLEST * size.mean()))
    gram = errors[:, seen].T @ errors[:, seen]
    if method == "greedy":
        weights[seen] = greedy_weights(gram)
    elif method == "logloss":
        weights[seen] = likelihood_weights(errors[:, seen], shrinkage)
    else:
        # As many rows as shrinkage counts, in which all members err independently and alike.
        ridge = 0.0 if method == "nnls" else shrinkage * np.trace(gram) / (n * n_seen)
        weights[seen] = simplex_weights(gram + ridge * np.eye(n_seen))
    return weights


def simplex_weights(gram):
    """Return the weights w that minimise w' G w among those that are at least 0 and sum to 1.

    Without the sum the minimum of u' G u / 2 - sum(u) over u >= 0 is a multiple of it, and that is
    a problem of non-negative least squares.
    """
    n = len(gram)
    # The tolerance of the solver is made for numbers of about 1. Members that are alike share a
    # weight: a trace of a ridge chooses among equal solutions.
    factor = np.linalg.cholesky(gram * (n / np.trace(gram)) + 1e-9 * np.eye(n))
    solution = nnls(factor.T, np.linalg.solve(factor, np.ones(n)))[0]
    return solution / solution.sum()


def greedy_weights(gram):
    """Return shares of members picked one after another, each to make the mean of all picks best.

    Members can be picked again; of equally good ones the first is.
    """
    picks = np.zeros(len(gram))
    diagonal = np.diag(gram)
    for _ in range(_ROUNDS):
        picks[np.argmin(settle(2 * gram @ picks + diagonal))] += 1
    return picks / _ROUNDS


def likelihood_weights(likely, shrinkage):
    """Return the weights under which what happened was likeliest, shrunk to equal ones.

    Each row is shared out among the members by how likely each made it; a member's weight is its
    share of all rows, and of ``shrinkage`` rows shared equally. Repeated, that climbs
    to the maximum: the EM algorithm of a mixture.

    Parameters
    ----------
    likely : array of shape (n, n_members)
        Probability that each member gave to what happened.
    shrinkage : float
        Rows that equal weights count for.

    Returns
    -------
    array of shape (n_members,)
    """
    n_members = likely.shape[1]
    likely = likely[likely.any(axis=1)]
    weights = np.full(n_members, 1 / n_members)
    for _ in range(_STEPS if len(likely) else 0):
        old = weights
        # A weight may fall to 0, and with it all that a row has.
        mixed = np.maximum(likely @ weights, np.finfo(float).tiny)
        shares = weights * (likely / mixed[:, np.newaxis]).sum(axis=0)
        weights = shares + shrinkage / n_members
        weights /= weights.sum()
        if np.abs(weights - old).max() < 1e-6:
            break
    return weights


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

    def learn(self, losses, ticks, cells):
        """Learn from the losses of rows.

        Parameters
        ----------
        losses : array of shape (n, n_members)
            Losses of members; NaN where there is no forecast.
        ticks : int64 array of shape (n,)
            Numbers that order the rows in time.
        cells : int64 array of shape (n,)
            The cell of each row; -1 for none, whose rows count for all cells together only.

        Returns
        -------
        array of shape (n_times, n_members)
            The weights over all cells after each time, in their order.
        """
        n_cells = len(self.times) - 1
        last = np.full(len(cells), n_cells)
        paths = []
        for cell in (last,) if n_cells == 1 else (last, cells):
            rows = np.flatnonzero(cell >= 0)
            order = rows[np.lexsort((cell[rows], ticks[rows]))]
            at, where = ticks[order], cell[order]
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
        """Return the weights over all cells, and those of each shrunk to them."""
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
