"""A lasso that leaves few enough groups to be tested together."""

import warnings

import numpy as np
from scipy import linalg, stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso


def screen_groups(gram, cross, power, n, groups, controls, max_columns):
    """Return which groups a lasso keeps, from cross products alone.

    Controls are taken out of everything first and are not penalised. The penalty needs no
    cross-validation: it is just above what pure noise would reach [1]_, here times 0.55, because a
    test follows and a cause that is lost here is lost for good.

    Parameters
    ----------
    gram : array of shape (p, p)
        Cross products of centred columns.
    cross : array of shape (p,)
        Their cross products with the centred target.
    power : float
        Sum of squares of the centred target.
    n : int
        Number of rows.
    groups : list of int array
        Columns of each group.
    controls : int array
        Columns that are always kept.
    max_columns : int
        Most columns to keep; at least the strongest group stays.

    Returns
    -------
    bool array of shape (n_groups,)

    References
    ----------
    .. [1] A. Belloni, D. Chen, V. Chernozhukov and C. Hansen (2012), "Sparse models and methods for
       optimal instruments", Econometrica 80(6).
    """
    candidates = np.concatenate(groups)
    G, c = gram[np.ix_(candidates, candidates)], cross[candidates]
    if len(controls):
        own = gram[np.ix_(controls, controls)]
        both = np.column_stack([gram[np.ix_(controls, candidates)], cross[controls]])
        out = np.linalg.pinv(own, hermitian=True) @ both
        G = G - gram[np.ix_(controls, candidates)].T @ out[:, :-1]
        c = c - gram[np.ix_(controls, candidates)].T @ out[:, -1]
        power = power - cross[controls] @ out[:, -1]
    before = np.diag(gram)[candidates]
    left = np.diag(G) > 1e-7 * np.maximum(before, 1e-300)  # the rest is what the controls hold
    size = np.sqrt(np.where(left, np.diag(G), 1.0) / n)
    G = G / np.outer(size, size) * np.outer(left, left)
    c = np.where(left, c / size, 0.0)
    # A square root of the cross products stands for the data: the lasso is the same.
    p = len(c)
    G[np.diag_indices(p)] += 1e-6 * n
    root = linalg.cholesky(G)
    target = linalg.solve_triangular(root, c, trans="T")
    spread = np.sqrt(max(power, 0.0) / n)
    if not spread > 1e-12:
        return np.zeros(len(groups), dtype=bool)  # the controls say all there is to say
    for _ in range(2):
        penalty = 0.55 * spread * stats.norm.isf(0.1 / (2 * p)) / np.sqrt(n)
        lasso = Lasso(penalty * n / p, fit_intercept=False, max_iter=5000, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # rough is good enough to screen
            coef = lasso.fit(root, target).coef_
        error = max(power - 2 * c @ coef + coef @ G @ coef, 0.0)
        spread = np.sqrt(error / max(n - np.count_nonzero(coef), 1))
    ends = np.cumsum([len(g) for g in groups])
    score = np.array([np.abs(part).max() for part in np.split(coef, ends[:-1])])
    kept = np.zeros(len(groups), dtype=bool)
    used = 0
    for g in np.argsort(-score, kind="stable"):
        used += len(groups[g])
        if score[g] <= 0 or (used > max_columns and kept.any()):
            break
        kept[g] = True
    return kept
