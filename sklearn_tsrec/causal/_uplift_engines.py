"""EconML's learners of uplift, with propensities that are known already."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from sklearn_tsrec._extras import require

_TREES = 200


class _Given(ClassifierMixin, BaseEstimator):
    """A propensity model that reads the propensity from its last column."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return (np.asarray(X)[:, -1] > 0.5).astype(int)

    def predict_proba(self, X):
        chance = np.asarray(X)[:, -1]
        return np.column_stack([1 - chance, chance])


def fit_engine(engine, base, features, treatment, y, chance, folds, seed):
    """Return a fitted EconML estimator of the uplift.

    Parameters
    ----------
    engine : {"linear-dr", "forest"}
        ``LinearDRLearner`` or ``CausalForestDML``.
    base : regressor
        Learns outcomes and doses.
    features : array of shape (n, p)
    treatment : array of shape (n,)
        Whether a row was treated, or its dose.
    y : array of shape (n,)
        Outcomes.
    chance : array of shape (n,) or None
        Propensities; None for doses.
    folds : list of (train, test)
        For the models of outcomes and doses.
    seed : int
    """
    dml = require("econml.dr" if engine == "linear-dr" else "econml.dml", "causal")
    given = None if chance is None else chance[:, None]
    if engine == "linear-dr":
        model = dml.LinearDRLearner(
            model_propensity=_Given(), model_regression=clone(base), cv=folds, random_state=seed
        )
    else:
        model = dml.CausalForestDML(
            model_y=clone(base), model_t=clone(base) if chance is None else _Given(), cv=folds,
            discrete_treatment=chance is not None, n_estimators=_TREES, min_samples_leaf=10,
            n_jobs=1, random_state=seed,
        )  # fmt: skip
    treatment = treatment if chance is None else treatment.astype(int)
    return model.fit(y, treatment, X=features, W=given)
