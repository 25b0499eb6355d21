"""Quantiles from errors of earlier forecasts, for forecasters that have none of their own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sklearn_tsrec._typing import ArrayLike, Table
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit, backtest

_N_ORIGINS = 20


def series_scale(target):
    """Return the mean absolute change of each series, as a Series by label or a number."""
    if not isinstance(target.index, pd.MultiIndex):
        change = target.diff().abs().mean()
        return change if change > 0 else 1.0
    levels = list(range(target.index.nlevels - 1))
    change = target.groupby(level=levels).diff().abs().groupby(level=levels).mean()
    return change.where(change > 0, change.mean() if change.mean() > 0 else 1.0)


def measure_errors(model: Any, table: Table, target: ArrayLike, n_steps: int):
    """Return the scaled errors of each step ahead, out of sample.

    Parameters
    ----------
    model : estimator
        Unfitted forecaster.
    table : DataFrame of shape (n, p)
    target : Series of shape (n,)
        Rows to learn from and to forecast.
    n_steps : int
        Steps ahead.

    Returns
    -------
    list of array
        The errors of one step, two steps, …
    """
    n_times = target.index.get_level_values(-1).nunique()
    n_origins = min(_N_ORIGINS, (n_times - n_steps) // 3)
    if n_origins < 1:
        raise ValueError(
            f"{n_times} times are too few to measure errors {n_steps} step(s) ahead: give more "
            "data, or an estimator that has predict_quantiles."
        )
    cv = PanelTimeSeriesSplit(n_origins, horizon=n_steps, step=1)
    refit = not hasattr(model, "update")
    table = backtest(model, table, target, cv=cv, refit=refit, verbose=0)
    error = (table["y_true"] - table["y_pred"]).to_numpy()
    error = error / _scale_of(series_scale(target), table)
    known = ~np.isnan(error)
    return [error[known & (table["step"] == step).to_numpy()] for step in range(1, n_steps + 1)]


def _scale_of(scale, table):
    """Return the scale of the series of each row of a backtest."""
    if not isinstance(scale, pd.Series):
        return scale
    keys = table.iloc[:, : scale.index.nlevels]
    labels = keys.iloc[:, 0] if keys.shape[1] == 1 else pd.MultiIndex.from_frame(keys)
    return scale.reindex(labels).to_numpy()


def spread_errors(
    errors: ArrayLike, target: ArrayLike, index: ArrayLike, steps: ArrayLike, alpha: Sequence[float]
) -> np.ndarray:
    """Return quantiles of the error at each row.

    Parameters
    ----------
    errors : list of array
        Scaled errors of each step ahead.
    target : Series
        Targets that the scales are made of.
    index : Index of shape (m,)
        Rows to forecast.
    steps : int array of shape (m,)
        How far ahead they are.
    alpha : list of float
        Levels.

    Returns
    -------
    array of shape (m, len(alpha))
    """
    quantiles = np.array([np.quantile(error, alpha) for error in errors])
    scale = series_scale(target)
    if isinstance(scale, pd.Series):
        scale = scale.reindex(index.droplevel(-1)).fillna(scale.mean()).to_numpy()[:, np.newaxis]
    return quantiles[steps - 1] * scale
