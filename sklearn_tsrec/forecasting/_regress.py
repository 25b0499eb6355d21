"""The inner regressor: any scikit-learn regressor, for one step or for several at once."""

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags


def make_regressor(estimator, horizon):
    """Return an unfitted regressor of ``horizon`` steps."""
    estimator = Ridge() if estimator is None else clone(estimator)
    if horizon > 1 and not get_tags(estimator).target_tags.multi_output:
        return MultiOutputRegressor(estimator)
    return estimator


def takes_nan(estimator):
    """Tell whether a regressor takes missing values; a pipeline does up to its imputer."""
    if estimator is None:
        return False
    if not isinstance(estimator, Pipeline):
        return get_tags(estimator).input_tags.allow_nan
    for _, step in estimator.steps:
        if step is None or step == "passthrough":
            continue
        if not get_tags(step).input_tags.allow_nan:
            return False
        if type(step).__module__.startswith("sklearn.impute"):
            return True
    return True


def gives_quantiles(estimator):
    """Tell whether a regressor, fitted or not, forecasts quantiles."""
    if isinstance(estimator, MultiOutputRegressor):
        estimator = estimator.estimator
    return hasattr(estimator, "predict_quantiles")


def predict_quantiles(estimator, table, horizon, quantiles):
    """Return quantiles of shape (n, horizon, n_quantiles)."""
    if isinstance(estimator, MultiOutputRegressor):
        parts = [part.predict_quantiles(table, quantiles) for part in estimator.estimators_]
        return np.stack(parts, axis=1)
    out = np.asarray(estimator.predict_quantiles(table, quantiles))
    return out.reshape(len(table), horizon, len(quantiles))
