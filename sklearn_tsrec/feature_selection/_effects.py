"""Effects of chosen columns, by EconML."""

import warnings

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import clone
from sklearn.linear_model import Ridge

from sklearn_tsrec._extras import require
from sklearn_tsrec.feature_selection._robust import effect_covariance
from sklearn_tsrec.feature_selection._waves import SlowWaves, centre

_EFFECT, _ENDS = ["effect", "std_error", "pvalue", "lowest", "highest"], ["lower", "upper"]


def linear_dml(T, y, W, folds, nuisance=None):
    """Fit EconML's LinearDML and return its effects and the residuals that they come from.

    Parameters
    ----------
    T : array of shape (n, k)
        Treatments.
    y : array of shape (n,)
        Target.
    W : array of shape (n, m)
        Controls.
    folds : list of (train, test)
        Time-ordered and purged. EconML would shuffle the rows if it made its own.
    nuisance : regressor, default=None
        Predicts y and T from W; None is ``Ridge(1.0)``.

    Returns
    -------
    effect : array of shape (k,)
    treated : array of shape (n, k)
        Residuals of the treatments.
    target : array of shape (n,)
        Residuals of y.
    """
    LinearDML = require("econml.dml", "causal").LinearDML
    nuisance = Ridge(1.0) if nuisance is None else nuisance
    model = LinearDML(model_y=clone(nuisance), model_t=clone(nuisance), cv=folds, random_state=0)
    T_fit = T[:, 0] if T.shape[1] == 1 else T
    with warnings.catch_warnings():
        # Of its own covariance, which is not used.
        warnings.filterwarnings("ignore", "Co-variance matrix is underdetermined")
        model.fit(y, T_fit, W=W if W.shape[1] else None, cache_values=True, inference=None)
    target, treated = model.residuals_[:2]
    effect = np.ravel(model.const_marginal_effect())
    return effect, np.asarray(treated).reshape(len(y), -1), np.ravel(target)


def effect_table(names, T, y, W, series, folds, cov_type, alpha, nuisance=None):
    """Return effects with errors that allow for dependence over time, one row for each treatment.

    Returns
    -------
    effects : DataFrame of shape (k, 5)
        ``effect``, ``std_error`` and ``pvalue``, and the range of the treatment.
    intervals : DataFrame of shape (k, 2)
        ``lower`` and ``upper``, at level 1 - alpha.
    covariance : DataFrame of shape (k, k)
        Of the errors of the effects.
    freedom : int
        Degrees of freedom of the t distribution that the intervals come from.
    """
    index = pd.Index(names, name="feature", dtype=object)
    if not len(names):
        empty = pd.DataFrame(index=index, columns=_EFFECT + _ENDS, dtype=float)
        return empty[_EFFECT], empty[_ENDS], pd.DataFrame(index=index, columns=index), 1
    lowest, highest = T.min(axis=0), T.max(axis=0)
    T, y, W, n_absorbed = still(T, y, W, series, nuisance)
    effect, treated, target = linear_dml(T, y, W, folds, nuisance)
    covariance = effect_covariance(effect, treated, target, series, cov_type)
    covariance *= len(y) / max(len(y) - T.shape[1] - W.shape[1] - n_absorbed, 1)
    freedom = series[-1] if cov_type == "cluster" else len(y) - T.shape[1] - n_absorbed
    freedom = max(int(freedom), 1)
    error = np.sqrt(np.maximum(np.diag(covariance), 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        pvalue = 2 * stats.t.sf(np.abs(effect / error), freedom)
    width = stats.t.isf(alpha / 2, freedom) * error
    ends = [effect - width, effect + width]
    values = np.column_stack([effect, error, pvalue, lowest, highest, *ends])
    table = pd.DataFrame(values, index=index, columns=_EFFECT + _ENDS)
    covariance = pd.DataFrame(covariance, index=index, columns=index)
    return table[_EFFECT], table[_ENDS], covariance, freedom


def still(T, y, W, series, nuisance):
    """Take levels and slow movements out; return also how many degrees of freedom that took.

    Nuisance models of the user's own may read controls in any way, so that these keep their shape.
    """
    waves = SlowWaves(series)
    T, y = centre(T, series, waves), centre(y, series, waves)
    W = centre(W, series, waves if nuisance is None else None)
    return T, y, W, series[-1] + 1 + waves.number
