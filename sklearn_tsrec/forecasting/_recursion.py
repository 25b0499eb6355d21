"""Forecasts of many series at once, block after block."""

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm


@dataclass
class Paths:
    """Series to forecast, those with the most steps ahead first.

    Attributes
    ----------
    ahead : int64 array of shape (m,), descending
        Steps to forecast.
    target : array of shape (m, reach)
        The last values of the target.
    past : array of shape (m, n_past, max lag)
        The last values of the past columns.
    past_known : list of int
        The place of each past column among the known-ahead ones; -1 if it has none.
    known : array of shape (m, n_known, n_steps)
        The known-ahead columns at the steps to forecast.
    static : array of shape (m, n_static)
        The static columns.
    """

    ahead: np.ndarray
    target: np.ndarray
    past: np.ndarray
    past_known: list
    known: np.ndarray
    static: np.ndarray


def forecast_paths(
    design, regress, paths, *, level, allow_nan, fill_past, n_quantiles=0, verbose=0
):
    """Forecast all series, each block from the forecasts of those before it.

    Parameters
    ----------
    design : WindowDesign
        The columns of the regressor.
    regress : callable
        Takes the table and states of the transforms; returns forecasts of shape (m, horizon) and
        quantiles of shape (m, horizon, n_quantiles) or None.
    paths : Paths
        What is known.
    level : float
        What stands for the target where nothing is known.
    allow_nan : bool
        Whether the regressor takes NaN.
    fill_past : callable
        Returns windows of past columns without holes.
    n_quantiles : int
        Number of quantiles.
    verbose : int
        Whether to show progress.

    Returns
    -------
    forecasts : array of shape (m, n_steps)
    quantiles : array of shape (m, n_steps, n_quantiles) or None
    """
    horizon, reach = design.horizon, design.reach
    n_blocks = -(-int(paths.ahead[0]) // horizon)
    m, n_steps = len(paths.ahead), n_blocks * horizon
    values = np.empty((m, reach + n_steps), dtype=paths.target.dtype)
    values[:, :reach] = paths.target
    past = _continue(paths, fill_past(paths.past), n_steps, allow_nan)
    spread = np.empty((m, n_steps, n_quantiles)) if n_quantiles else None
    whole = len(design.chain.offsets) == reach
    at_past = past.shape[2] - n_steps - design.lags
    for block in tqdm(range(n_blocks), desc="forecast", disable=not verbose):
        first = block * horizon
        n = int(np.searchsorted(-paths.ahead, -first))
        if whole:
            raw = values[:n, first : first + reach]
        else:
            raw = values[:n, first + reach + design.chain.offsets]
        window, states = design.complete(raw, level, allow_nan)
        known = paths.known[:n, :, first : first + horizon]
        table = design.fill(window, past[:n, :, at_past + first], known, paths.static[:n])
        forecast, quantiles = regress(table, states)
        values[:n, reach + first : reach + first + horizon] = forecast
        if n_quantiles:
            spread[:n, first : first + horizon] = quantiles
    return values[:, reach:], spread


def _continue(paths, filled, n_steps, allow_nan):
    """Return past columns with what follows them: known values, else the last known one."""
    after = np.repeat(filled[:, :, -1:], n_steps, axis=2)
    for j, place in enumerate(paths.past_known):
        if place >= 0:
            after[:, j] = paths.known[:, place]
    return np.concatenate([paths.past if allow_nan else filled, after], axis=2)
