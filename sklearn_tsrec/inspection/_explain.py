import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._extras import require
from sklearn_tsrec._typing import Estimator, Seed, Table
from sklearn_tsrec.feature_selection._drivers import read_driver
from sklearn_tsrec.forecasting import WindowForecaster

_N_BACKGROUND = 100  # rows that stand for what is usual
_ROUNDS = 10  # permutations of the columns, there and back, where nothing faster fits


@dataclass(frozen=True)
class Explanation:
    """What each feature adds to each prediction, as Shapley values.

    Parameters
    ----------
    values : DataFrame of shape (n_samples, n_features)
        The Shapley value of each feature in each row, in units of the target.
    base : Series of shape (n_samples,)
        What is predicted if nothing is known of the features. Base and values of a row sum to its
        prediction. With a ``target_transform``, it stands where the row's window puts it.
    """

    values: pd.DataFrame
    base: pd.Series

    def by_driver(self) -> pd.DataFrame:
        """Return the values added up over all features made of one driver.

        Returns
        -------
        DataFrame of shape (n_samples, n_drivers)
        """
        drivers = [read_driver(name).name for name in self.values.columns]
        return self.values.T.groupby(np.array(drivers, dtype=object), sort=False).sum().T

    def importance(self) -> pd.DataFrame:
        """Return the mean absolute value of each feature by driver and lag.

        Returns
        -------
        DataFrame of shape (n_drivers, n_terms)
            Drivers in order of what all their features together do; the columns are lags and other
            terms as in the names of features, NaN where a driver has none.
        """
        parts = [(read_driver(name).name, _term(name)) for name in self.values.columns]
        index = pd.MultiIndex.from_tuples(parts, names=["driver", "term"])
        size = pd.Series(self.values.abs().mean().to_numpy(), index)
        table = size.groupby(level=[0, 1], sort=False).sum().unstack("term")
        order = self.by_driver().abs().mean().sort_values(ascending=False, kind="stable").index
        terms = sorted(table.columns, key=_order)
        return table.loc[order, terms].rename_axis(index="driver", columns="term")


def explain(
    model: Estimator, X: Table, *, background: pd.DataFrame | None = None, random_state: Seed = 0
) -> Explanation:
    """Compute what each feature adds to each prediction of a fitted model, as Shapley values.

    Trees are explained exactly [2]_, linear models by their coefficients, and all other models by
    permutations of their features [1]_, by the package ``shap``.

    Parameters
    ----------
    model : fitted regressor
        A pipeline of features and a regressor, a :class:`~sklearn_tsrec.WindowForecaster`, any
        regressor on named columns, or a search over one of these.
    X : DataFrame of shape (n_samples, n_columns)
        Rows to explain, as ``predict`` takes them.
    background : DataFrame or None, default=None
        Rows, as in X, that stand for what is usual: a hundred of them, drawn at random, are what
        linear and other models are compared with. None takes X, or what a forecaster remembers.
        Trees know what they were trained on.
    random_state : int, RandomState instance or None, default=0
        Seed of the draw and of the permutations.

    Returns
    -------
    explanation : Explanation
        Values of features, which with the base sum to the prediction, also added up by driver.

    Raises
    ------
    ValueError
        If the model predicts several targets, or a series to forecast has no known target.
    ImportError
        If shap is not installed.

    See Also
    --------
    ExplanationDisplay : Draws it.
    sklearn_tsrec.causal.estimate_effect : What happens if a driver is *moved*.

    Notes
    -----
    Shapley values show what the *model* does with its features. They are no effects: a model may
    lean on what only moves with the target.

    References
    ----------
    .. [1] S. Lundberg and S.-I. Lee (2017), "A unified approach to interpreting model predictions",
       NeurIPS.
    .. [2] S. Lundberg et al. (2020), "From local explanations to global understanding with
       explainable AI for trees", Nature Machine Intelligence 2.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_tsrec.inspection import explain
    >>> X = pd.DataFrame({"price__lag0": [1.0, 2, 3], "price__lag1": [0.0, 1, 1], "rain": 0.0})
    >>> model = LinearRegression().fit(X, [2.0, 5.0, 7.0])
    >>> explain(model, X).by_driver().round(2)
       price  rain
    0  -2.67   0.0
    1   0.33   0.0
    2   2.33   0.0
    """
    model = getattr(model, "best_estimator_", model)
    check_is_fitted(model)
    if not isinstance(X, pd.DataFrame) or not isinstance(background, (pd.DataFrame, type(None))):
        raise TypeError(
            f"X and background must be DataFrames, got {type(X).__name__} and "
            f"{type(background).__name__}."
        )
    rng = check_random_state(random_state)
    if isinstance(model, WindowForecaster):
        values, base, names = _explain_forecaster(model, X, background, rng)
    else:
        values, base, names = _explain_regressor(model, X, background, rng)
    return Explanation(
        pd.DataFrame(values, index=X.index, columns=names), pd.Series(base, X.index, name="base")
    )


def _explain_regressor(model, X, background, rng):
    """Return values, base and names of the features of a pipeline or a plain regressor."""
    table, usual, names = X, X if background is None else background, X.columns
    if isinstance(model, Pipeline) and len(model) > 1:
        features, model = model[:-1], model[-1]
        table, usual = features.transform(table), features.transform(usual)
        names = getattr(table, "columns", None)
        if names is None:
            names = features.get_feature_names_out()
    values, base = _shapley(model, table, _draw(usual, rng), rng)
    if values.shape[2] > 1:
        raise ValueError(
            f"{type(model).__name__} predicts {values.shape[2]} targets: explain a model for each."
        )
    return values[:, :, 0], base[:, 0], list(map(str, names))


def _explain_forecaster(model, X, background, rng):
    """Return values, base and names of what a forecaster's regressor sees.

    A row that is forecast from forecasts is explained by the window that its block sees.
    """
    blocks, place = model.forecast_windows(X)
    if (place < 0).any():
        raise ValueError(
            f"{int((place < 0).sum())} row(s) of X are of series without any known target: "
            "their forecast is the mean of all targets, and nothing explains it."
        )
    if background is not None:
        usual = np.concatenate([block.table for block in model.forecast_windows(background)[0]])
    else:
        usual = model.training_windows()[0]
    usual = _draw(usual, rng)
    parts, bases = [], []
    for block in blocks:
        values, base = _shapley(model.estimator_, block.table, usual, rng)
        # The way back to units of the target is affine: what a value does is a difference.
        origin = block.to_target(base).copy()
        moved = [block.to_target(base + values[:, j]) - origin for j in range(values.shape[1])]
        parts.append(np.stack(moved, axis=2).reshape(origin.size, -1))
        bases.append(origin.reshape(-1))
    values, base = np.concatenate(parts)[place], np.concatenate(bases)[place]
    return values, base, list(model.window_feature_names_)


def _draw(table, rng):
    """Return some rows, in the order they have."""
    if len(table) <= _N_BACKGROUND:
        return table
    rows = np.sort(rng.choice(len(table), _N_BACKGROUND, replace=False))
    return table.iloc[rows] if isinstance(table, pd.DataFrame) else table[rows]


def _shapley(model, table, usual, rng):
    """Return Shapley values of shape (n, p, n_outputs), and the base of shape (n, n_outputs)."""
    if isinstance(model, MultiOutputRegressor):
        parts = [_shapley(one, table, usual, rng) for one in model.estimators_]
        return tuple(np.concatenate(arrays, axis=-1) for arrays in zip(*parts))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # of shap's colours
        shap = require("shap", "causal")
    rows = np.asarray(table, dtype=float)
    masker = shap.maskers.Independent(np.asarray(usual, dtype=float), max_samples=_N_BACKGROUND)
    if shap.explainers.Tree.supports_model_with_masker(model, None):
        explainer = shap.TreeExplainer(model)
        values, base = explainer.shap_values(rows), explainer.expected_value
    elif shap.explainers.Linear.supports_model_with_masker(model, masker):
        explainer = shap.LinearExplainer(model, masker)
        values, base = explainer.shap_values(rows), explainer.expected_value
    else:
        columns = table.columns if isinstance(table, pd.DataFrame) else None

        def predict(values):
            values = values if columns is None else pd.DataFrame(values, columns=columns)
            return np.asarray(model.predict(values), dtype=float)

        seed = int(rng.randint(2**31 - 1))
        explainer = shap.PermutationExplainer(predict, masker, seed=seed)
        found = explainer(rows, max_evals=_ROUNDS * (2 * rows.shape[1] + 1), silent=True)
        values, base = found.values, found.base_values
    n = len(rows)
    values = np.asarray(values, dtype=float).reshape(n, rows.shape[1], -1)
    base = np.asarray(base, dtype=float).reshape(-1, values.shape[2])
    return values, np.broadcast_to(base, (n, values.shape[2]))


def _term(name):
    """Return what a feature is of its driver: the end of its name, or nothing."""
    _, mark, last = str(name).rpartition("__")
    return last if mark and read_driver(name).name != last else "value"


def _order(term):
    """Return where a term stands: known ahead, then lags from the latest on, then all others."""
    for place, (start, sign) in enumerate((("ahead", -1), ("lag", 1))):
        if term.startswith(start) and term[len(start) :].isdigit():
            return place, sign * int(term[len(start) :]), ""
    return (0, 1, "") if term == "value" else (2, 0, term)
