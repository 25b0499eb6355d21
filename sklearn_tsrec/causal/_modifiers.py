"""Effects that differ with other columns, by EconML's causal forest."""

import warnings

import numpy as np
from scipy import stats
from sklearn.base import clone
from sklearn.linear_model import Ridge

from sklearn_tsrec._extras import require
from sklearn_tsrec.feature_selection._robust import effect_covariance

_TREES = 200


def effects_by_row(T, y, W, V, folds, series, cov_type, *, nuisance, alpha, seed):
    """Return the effect of each row with its interval, and the p-value of "all are the same".

    Of forests that have not seen a row, the p-value asks whether the effects that they predict
    differ as the true ones do: what is left of the target is regressed on what is left of the
    treatment, and on that times the predicted effect less its mean [1]_.

    Parameters
    ----------
    T, y : arrays of shape (n,)
        Treatment and target.
    W : array of shape (n, m)
        Controls.
    V : array of shape (n, k)
        What the effect may differ with.
    folds : list of (train, test)
        Time-ordered and purged.
    series : int array of shape (n,)
        Ascending code of the series of each row.
    cov_type : {"hac", "cluster"}
        Errors of the test.
    nuisance : regressor or None
        None is ``Ridge(1.0)``.
    alpha : float
        Intervals hold with probability 1 - alpha.
    seed : int
        Of the forests.

    Returns
    -------
    effects : array of shape (n, 3)
        Effect, lower and upper end.
    pvalue : float

    References
    ----------
    .. [1] V. Chernozhukov, M. Demirer, E. Duflo and I. Fernández-Val (2018), "Generic machine
       learning inference on heterogeneous treatment effects in randomized experiments", NBER
       24678: the best linear predictor; as a test of causal forests in the R package grf.
    """
    forest, (target, treated) = _forest(T, y, W, V, folds, nuisance, seed)
    lower, upper = forest.effect_interval(V, alpha=alpha)
    effects = np.column_stack([forest.effect(V), lower, upper])
    unseen = np.empty(len(y))
    for train, test in folds:
        # Two contiguous halves serve as the folds of what is left to train on.
        half = len(train) // 2
        rows = np.arange(len(train))
        inner = [(rows[half:], rows[:half]), (rows[:half], rows[half:])]
        own, _ = _forest(T[train], y[train], W[train], V[train], inner, nuisance, seed)
        unseen[test] = own.effect(V[test])
    away = unseen - unseen.mean()
    if not away.std() > 0:
        return effects, 1.0
    table = np.column_stack([treated, treated * away])
    slopes, *_ = np.linalg.lstsq(table, target, rcond=None)
    error = np.sqrt(effect_covariance(slopes, table, target, series, cov_type)[1, 1])
    freedom = series[-1] if cov_type == "cluster" else len(y) - 2
    return effects, float(stats.t.sf(slopes[1] / error, max(freedom, 1)))


def _forest(T, y, W, V, folds, nuisance, seed):
    """Return a fitted causal forest, and what is left of target and treatment."""
    CausalForestDML = require("econml.dml", "causal").CausalForestDML
    nuisance = Ridge(1.0) if nuisance is None else nuisance
    forest = CausalForestDML(
        model_y=clone(nuisance), model_t=clone(nuisance), cv=folds, n_estimators=_TREES,
        min_samples_leaf=10, n_jobs=1, random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Co-variance matrix is underdetermined")
        forest.fit(y, T, X=V, W=W if W.shape[1] else None, cache_values=True)
    target, treated = forest.residuals_[:2]
    return forest, (np.ravel(target), np.ravel(treated))
