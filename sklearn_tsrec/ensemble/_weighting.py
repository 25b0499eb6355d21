"""Weights of members on the simplex, learned from their errors on the same rows."""

import numpy as np
from scipy.optimize import nnls

from sklearn_tsrec.ensemble._combine import fill_with_mean

_STEPS = 1000  # of the EM algorithm at most
_SMALLEST = 1e-3  # size of errors in a row, to that of most
_ROUNDS = 100  # of greedy selection: weights are multiples of 1 / 100


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
        How many rows the weights count that a cell is drawn to, and those over all rows equal ones.

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
        # As many rows as shrinkage says, in which all members err independently and alike.
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
        picks[np.argmin(2 * gram @ picks + diagonal)] += 1
    return picks / _ROUNDS


def likelihood_weights(likely, shrinkage):
    """Return the weights under which what happened was likeliest, drawn to equal ones.

    Each row is shared out among the members by how likely each made it; a member's weight is its
    share of all rows, and of as many rows shared equally as shrinkage says. Repeated, that climbs
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
