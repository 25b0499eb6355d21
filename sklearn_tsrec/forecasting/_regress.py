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


def fit_regressor(estimator, table, targets, names):
    """Fit a regressor to targets of shape (n, horizon); name a column that it cannot do without.

    Most that take missing values take a column without any other too, such as a lag beyond the
    length of every series; some stumble over it.
    """
    try:
        return estimator.fit(table, targets if targets.shape[1] > 1 else targets[:, 0])
    except (ValueError, IndexError) as error:
        empty = np.isnan(np.asarray(table, dtype=float)).all(axis=0)
        if not empty.any():
            raise
        raise ValueError(
            f"{names[int(empty.argmax())]} is missing in all rows to learn from, and "
            f"{type(estimator).__name__} did not take it: the window is longer than every series, "
            "or the column is empty. Use a smaller window, or leave the column out."
        ) from error


def takes_nan(estimator):
    """Return whether a regressor takes missing values; a pipeline does up to its imputer."""
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
    """Return whether a regressor, fitted or not, forecasts quantiles."""
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
