"""Whether an effect is the same in every regime."""

import numpy as np

from sklearn_tsrec.feature_selection._partialling_out import _inverse, hotelling
from sklearn_tsrec.feature_selection._robust import effect_covariance


def heterogeneity(design, regime):
    """Return the p-value of "the effects are the same in all regimes" for every group.

    Each group is partialled out of the rest over all rows; what is left gives an effect and a
    covariance for each regime, and Cochran's Q [1]_ says whether they differ.

    Parameters
    ----------
    design : Design
        Centred columns of the groups and their controls, and the target.
    regime : int array of shape (n,)
        The regime of each row.

    Returns
    -------
    array of shape (n_groups,)

    References
    ----------
    .. [1] W. Cochran (1954), "The combination of estimates from different experiments",
       Biometrics 10(1).
    """
    y, groups, series, rows = design.y, design.groups, design.basis.series, design.whole()
    n, p = rows.shape
    gram = design.gram.copy()
    gram[np.diag_indices(p)] += 1e-9 * n
    inverse = _inverse(gram)
    effect = inverse @ design.cross
    influence = rows @ inverse
    residual = y - rows @ effect
    pvalues = np.ones(len(groups))
    for i, columns in enumerate(groups):
        own = np.linalg.pinv(inverse[np.ix_(columns, columns)], hermitian=True)
        treated = influence[:, columns] @ own
        target = residual + treated @ effect[columns]
        effects, precisions, smallest = [], [], n
        for value in np.unique(regime):
            within = regime == value
            T, r = treated[within], target[within]
            theta, *_ = np.linalg.lstsq(T, r, rcond=None)
            covariance = effect_covariance(theta, T, r, series[within], "hac")
            effects.append(theta)
            precisions.append(np.linalg.pinv(covariance, hermitian=True))
            smallest = min(smallest, int(within.sum()) - len(columns))
        weight = np.linalg.pinv(sum(precisions), hermitian=True)
        pooled = weight @ sum(w @ t for w, t in zip(precisions, effects))
        away = np.concatenate([t - pooled for t in effects])
        k = len(columns) * (len(effects) - 1)
        q = sum(a @ w @ a for a, w in zip(np.split(away, len(effects)), precisions))
        pvalues[i] = (
            hotelling(np.r_[np.sqrt(q), np.zeros(k - 1)], np.eye(k), smallest * len(effects))
            if k
            else 1.0
        )
    return pvalues
