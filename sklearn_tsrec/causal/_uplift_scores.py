"""What each row of a log says of the uplift, by models that have not seen it."""

import numpy as np
from sklearn.base import clone


def robust_scores(features, treated, y, chance, folds, base):
    """Return the doubly robust score of each row."""
    outcome = np.empty((len(y), 2))
    for train, test in folds:
        for arm in (0, 1):
            rows = train[treated[train] == arm]
            if len(rows) < 2:
                raise ValueError(
                    f"the treatment has {int((treated == arm).sum())} row(s) that were "
                    f"{'treated' if arm else 'not treated'}: too few for models of {len(folds)} "
                    "folds. Give more rows, or a smaller n_folds."
                )
            outcome[test, arm] = clone(base).fit(features[rows], y[rows]).predict(features[test])
    own = np.where(treated, outcome[:, 1], outcome[:, 0])
    weight = (treated - chance) / (chance * (1 - chance))
    return outcome[:, 1] - outcome[:, 0] + weight * (y - own)


def dose_scores(features, dose, y, folds, base):
    """Return what one unit did in each row, how much that counts, and scores of the mean effect."""
    dose = dose - _out_of_fold(base, features, dose, folds)
    left = y - _out_of_fold(base, features, y, folds)
    effect = dose @ left / max(dose @ dose, 1e-300)
    score = effect + dose * (left - effect * dose) / max((dose**2).mean(), 1e-300)
    return left / np.where(np.abs(dose) > 1e-8, dose, 1e-8), dose**2, score


def _out_of_fold(base, features, y, folds):
    """Return predictions by models that have not seen the row."""
    out = np.empty(len(y))
    for train, test in folds:
        out[test] = clone(base).fit(features[train], y[train]).predict(features[test])
    return out
