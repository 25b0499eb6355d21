"""The test of every driver given all others: screen, then partial out."""

import warnings

import numpy as np
from scipy import linalg, stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso

from sklearn_tsrec._ties import settle
from sklearn_tsrec.feature_selection._effects import linear_dml
from sklearn_tsrec.feature_selection._partialling_out import grouped_wald, hotelling
from sklearn_tsrec.feature_selection._robust import effect_covariance


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
    for g in np.argsort(-settle(score), kind="stable"):
        used += len(groups[g])
        if score[g] <= 0 or (used > max_columns and kept.any()):
            break
        kept[g] = True
    return kept


def driver_tests(basis, groups, controls, cov_type, screen, *, target=0, folds=None, nuisance=None):
    """Return p-values, strengths, and which drivers are collinear with the rest.

    Parameters
    ----------
    basis : Basis
        The expanded columns and the targets.
    groups : list of int array
        Expanded columns of each driver; one without any cannot be tested.
    controls : int array
        Expanded columns that are controlled for.
    cov_type : {"hac", "cluster"}
        Errors of the test.
    screen : bool
        Whether a lasso leaves out drivers first.
    target : int
        Which of the targets.
    folds : list of (train, test) or None
        Given, EconML's LinearDML tests each driver, cross-fitted on them.
    nuisance : regressor or None
        For EconML.

    Returns
    -------
    pvalues, strength, collinear : arrays of shape (n_drivers,)
    """
    pvalues, strength = np.ones(len(groups)), np.zeros(len(groups))
    collinear = np.zeros(len(groups), dtype=bool)
    entered = np.flatnonzero([len(columns) > 0 for columns in groups])
    if screen and len(entered):
        y = basis.targets[:, target]
        # More columns than a tenth of the rows would cost the test its power.
        most = max(len(y) // 10 - len(controls), 1)
        candidates = [groups[i] for i in entered]
        stats = basis.gram, basis.cross[:, target], y @ y, len(y)
        entered = entered[screen_groups(*stats, candidates, controls, most)]
    if not len(entered):
        return pvalues, strength, collinear
    used = len(controls) + sum(len(groups[i]) for i in entered) + basis.n_absorbed
    if not screen and used >= len(basis.X):
        raise ValueError(
            f"screen=False tests all drivers at once: {len(basis.X)} complete rows are too few for "
            f"their {used} columns (with squares, one-sided copies and what centring takes). Use "
            "screen=True, fewer columns or nonlinear=False."
        )
    design = basis.design([groups[i] for i in entered], controls, target)
    pvalues[entered], strength[entered], collinear[entered] = grouped_wald(
        design, design.groups, cov_type, basis.n_absorbed
    )
    if folds is not None:
        series, y, whole = basis.series, design.y, design.whole()
        freedom = (
            series[-1] if cov_type == "cluster" else len(y) - whole.shape[1] - basis.n_absorbed
        )
        for i, own in zip(entered, design.groups):
            others = np.delete(whole, own, axis=1)
            effect, treated, left = linear_dml(whole[:, own], y, others, folds, nuisance)
            covariance = effect_covariance(effect, treated, left, series, cov_type)
            pvalues[i] = hotelling(effect, covariance, freedom)
    return pvalues, strength, collinear
