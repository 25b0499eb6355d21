import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._quantile_levels import check_coverage, missed_share
from sklearn_tsrec._typing import Estimator
from sklearn_tsrec.feature_selection import CausalFeatureSelector
from sklearn_tsrec.feature_selection._drivers import read_driver


def causal_forecast(
    model: Estimator,
    X_future: pd.DataFrame,
    intervention: Mapping[str, Any],
    *,
    causes: Estimator = None,
    coverage: float = 0.95,
) -> pd.DataFrame:
    """Forecast what happens if drivers are set to something else than planned.

    The baseline is the model's own forecast of the rows as they are. On top comes, row by row, what
    the intervention changes: the effects that the causal selector estimated [1]_, times the change
    of the driver's features. A driver that is set from some day on acts through its lags and
    windows on the days after.

    Parameters
    ----------
    model : fitted regressor
        Forecasts the rows of ``X_future``.
    X_future : DataFrame of shape (n_samples, n_columns)
        Rows to forecast, with what is planned for each.
    intervention : dict of str to number, array or callable
        For each driver, what it is set to, as a column of ``X_future``: one number for all rows, a
        number for each row, or a function of the planned column, such as ``lambda x: x + 0.1``.
    causes : fitted Pipeline or None, default=None
        Features and, as last step, the :class:`~sklearn_tsrec.CausalFeatureSelector` that knows
        the effects. None finds both in ``model``, a pipeline (or a search over one).
    coverage : float, default=0.95
        Intervals hold with this probability.

    Returns
    -------
    table : DataFrame of shape (n_samples, 7)
        Row by row as ``X_future``: ``baseline``; ``effect`` of the intervention, with
        ``effect_lower`` and ``effect_upper``; ``forecast``, the sum of both; ``lower`` and
        ``upper``, the model's own ``predict_interval`` moved by the effect and widened by its
        error. A model without one has its baseline taken as certain: its ends are those of the
        effect alone.

    Raises
    ------
    ValueError
        If a column is unknown, is not known ahead, or was not found to be a cause; if the features
        of the driver are missing; if rows lie so far ahead that the intervention would act on them
        through the target in between, or something else may stand there.

    Warns
    -----
    UserWarning
        If a driver is set to what it never was in training.

    See Also
    --------
    sklearn_tsrec.inspection.ForecastDisplay : Draws baseline and forecast beside each other.

    Notes
    -----
    All other columns stay as planned. What the intervention moves on its way, such as the visitors
    that a discount draws, must be part of the intervention, or be left out of the features. Effects
    are straight lines fitted to the range of the driver in training: beyond it they are a guess.

    References
    ----------
    .. [1] V. Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and
       structural parameters", The Econometrics Journal 21(1).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_tsrec import CausalFeatureSelector, LagFeatures
    >>> from sklearn_tsrec.causal import causal_forecast
    >>> rng = np.random.default_rng(0)
    >>> days = pd.date_range("2024-01-01", periods=400)
    >>> X = pd.DataFrame({"discount": rng.uniform(0, 0.3, 400)}, index=days)
    >>> y = 10 + 5 * X["discount"] + 0.1 * rng.normal(size=400)
    >>> model = make_pipeline(
    ...     LagFeatures(0), CausalFeatureSelector(), LinearRegression()
    ... ).set_output(transform="pandas").fit(X[:398], y[:398])
    >>> causal_forecast(model, X[398:].assign(discount=0.1), {"discount": 0.2}).round(1)[
    ...     ["baseline", "effect", "forecast"]]
                baseline  effect  forecast
    2025-02-02      10.5     0.5      11.0
    2025-02-03      10.5     0.5      11.0
    """
    check_coverage(coverage)
    if not isinstance(X_future, pd.DataFrame):
        raise TypeError(
            f"X_future must be a DataFrame with named columns, got {type(X_future).__name__}."
        )
    if not isinstance(intervention, Mapping) or not intervention:
        raise ValueError(
            f"intervention={intervention!r} must be a dict of columns and what they are set to, "
            "such as {'discount': 0.2}."
        )
    model = getattr(model, "best_estimator_", model)
    features, selector = _find_selector(model if causes is None else causes)
    _check_between(selector)
    planned = _features(features, X_future, selector)
    _check_past_of_target(planned, selector)
    changed = X_future
    for column, value in intervention.items():
        one = X_future.assign(**{column: _new_values(X_future, column, value)})
        moves = _features(features, one, selector) - planned
        _check_causal(moves, column, selector)
        changed = changed.assign(**{column: one[column]})
    effects = selector.effects_["effect"]
    changed = _features(features, changed, selector)
    moves = (changed - planned)[effects.index].to_numpy(dtype=float)
    _warn_outside(changed[effects.index], moves != 0, selector)

    effect = moves @ effects.to_numpy()
    covariance = selector.effects_covariance_.to_numpy(dtype=float)
    error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", moves, covariance, moves), 0))
    width = stats.t.isf(missed_share(coverage) / 2, selector.effects_dof_) * error
    baseline = np.asarray(model.predict(X_future), dtype=float)
    below = above = np.zeros(len(baseline))
    own = _own_interval(model, X_future, coverage)
    if own is not None:
        below, above = baseline - own[:, 0], own[:, 1] - baseline
    forecast = baseline + effect
    return pd.DataFrame(
        {
            "baseline": baseline,
            "effect": effect,
            "effect_lower": effect - width,
            "effect_upper": effect + width,
            "forecast": forecast,
            # The error of the effect comes from the past, that of the forecast from the future.
            "lower": forecast - np.hypot(below, width),
            "upper": forecast + np.hypot(above, width),
        },
        index=X_future.index,
    )


def _find_selector(pipeline):
    """Return the features before the selector in a fitted pipeline, and the selector."""
    steps = pipeline.steps if isinstance(pipeline, Pipeline) else []
    places = [i for i, (_, step) in enumerate(steps) if isinstance(step, CausalFeatureSelector)]
    if not places:
        raise ValueError(
            f"{type(pipeline).__name__} is no pipeline with a CausalFeatureSelector: it is not "
            "known what is a cause. Give causes=, a fitted make_pipeline(features, "
            "CausalFeatureSelector())."
        )
    selector = steps[places[0]][1]
    check_is_fitted(selector)
    if not hasattr(selector, "effects_"):
        raise ValueError("the selector estimated no effects: fit it with effects=True.")
    return steps[: places[0]], selector


def _features(steps, X, selector):
    """Return the features that the selector sees, named."""
    for _, step in steps:
        if step is not None and step != "passthrough":
            X = step.transform(X)
    if not isinstance(X, pd.DataFrame) or not hasattr(selector, "feature_names_in_"):
        raise ValueError(
            "the selector sees features without names, which belong to no column: call "
            "set_output(transform='pandas') on the pipeline before fit."
        )
    return X.astype(float)


def _new_values(X, column, value):
    """Return what a column is set to, or raise."""
    if column not in X.columns:
        raise ValueError(
            f"intervention names {column!r}, which is no column of X_future: the columns are "
            f"{', '.join(map(str, X.columns))}."
        )
    value = value(X[column]) if callable(value) else value
    try:
        values = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"intervention sets {column!r} to {value!r}, which is no number."
        ) from None
    if values.shape not in ((), (len(X),)):
        raise ValueError(
            f"intervention sets {column!r} to values of shape {values.shape}: give one number, or "
            f"one for each of the {len(X)} rows."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"intervention sets {column!r} to NaN or infinity in some row.")
    return np.broadcast_to(values, len(X))


def _check_causal(moves, column, selector):
    """Raise unless all features that a column moves are known causes."""
    own = [name for name in moves if read_driver(name).name == column or name == column]
    moved = [name for name in moves if (moves[name] != 0).any()]  # NaN too
    if not own and not moves.loc[:, moved].notna().any(axis=None):
        raise ValueError(
            f"no feature is made of {column!r}: the drivers are "
            f"{', '.join(map(str, selector.drivers_.unique()))}."
        )
    for name in dict.fromkeys([*own, *(m for m in moved if moves[m].notna().any())]):
        driver = selector.drivers_[name]
        if selector.horizon is not None and not {driver, name, column} & set(selector.known_ahead):
            raise ValueError(
                f"{column!r} is not known ahead, so nobody can set it: if it is planned, fit "
                f"CausalFeatureSelector(known_ahead=[{column!r}])."
            )
        if driver not in selector.pvalues_.index:
            raise ValueError(
                f"{column!r} is always kept, without a test (always_keep), and so not known to be "
                "a cause."
            )
        if name not in selector.effects_.index:
            kept = selector.support_[list(selector.drivers_.index).index(name)]
            reason = "never varied in training" if kept else "was not found to be a cause"
            raise ValueError(
                f"{column!r} {reason} (feature {name!r}, p-value "
                f"{selector.pvalues_[driver]:.3g}): the data do not show what setting it would do. "
                f"Causes are {', '.join(sorted(set(selector.graph_['driver']))) or 'none'}."
            )
        if selector.fallback_:
            raise ValueError(
                f"{column!r} was not found to be a cause (p-value "
                f"{selector.pvalues_[driver]:.3g}): it was kept only so that there is a feature."
            )
        missing = int(moves[name].isna().sum())
        if missing:
            raise ValueError(
                f"feature {name!r} is missing in {missing} row(s) of X_future: give rows that "
                "follow the training rows without holes."
            )


def _check_between(selector):
    """Raise if what the target moves may stand between the intervention and the target.

    With lags of the target from m up, newer values of a series that is not planned depend on
    the targets in between, and take away what the intervention does through them.
    """
    read = {name: read_driver(name) for name in selector.drivers_.index}
    past = [d.lag for d in read.values() if d.kind == "past" and d.name == "y" and d.lag]
    newest = min(past, default=0)
    for name in selector.effects_.index:
        driver, known = read[name], {name, read[name].name, selector.drivers_[name]}
        if driver.lag is None or driver.lag >= newest or known & set(selector.known_ahead):
            continue
        raise ValueError(
            f"feature {name!r} is newer than the target's newest lag, {newest}: if the target "
            f"moves {driver.name!r}, it hides what the intervention does. Use its lags from "
            f"{newest} up, or, if it is planned, CausalFeatureSelector(known_ahead="
            f"[{driver.name!r}])."
        )


def _check_past_of_target(planned, selector):
    """Raise where the target in between, which the intervention moves too, is not known."""
    tested = selector.drivers_.isin(selector.pvalues_.index).to_numpy()
    for name in selector.drivers_.index[~tested]:
        driver = read_driver(name)
        missing = planned[name].isna()
        if driver.name == "y" and driver.kind == "past" and missing.any():
            raise ValueError(
                f"feature {name!r} is missing in {int(missing.sum())} row(s) of X_future, first "
                f"{planned.index[missing][0]}: the intervention would act there through targets "
                "that are not known yet. Forecast fewer steps, or use lags of the target from the "
                "horizon up."
            )


def _warn_outside(features, moved, selector):
    """Warn of features that the intervention moves to where they never were in training."""
    low, high = selector.effects_["lowest"], selector.effects_["highest"]
    outside = ((features < low) | (features > high)).to_numpy() & moved
    if outside.any():
        name = features.columns[outside.any(axis=0).argmax()]
        warnings.warn(
            f"the intervention moves {name!r} out of its range in training, "
            f"{low[name]:.6g} to {high[name]:.6g}: there its effect is a guess.",
            UserWarning,
            stacklevel=3,
        )


def _own_interval(model, X, coverage):
    """Return the model's own interval, or None if it gives none."""
    if isinstance(model, Pipeline):
        if not hasattr(model[-1], "predict_interval"):
            return None
        X, model = model[:-1].transform(X), model[-1]
    if not hasattr(model, "predict_interval"):
        return None
    return np.asarray(model.predict_interval(X, coverage), dtype=float)
