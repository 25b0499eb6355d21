"""Forecasts of members put together, where some of them may be missing."""

import warnings

import numpy as np


def weighted_mean(forecasts, weights):
    """Return the mean of forecasts by weights that are scaled up where some are missing.

    Parameters
    ----------
    forecasts : array of shape (n, n_members, q)
        Numbers of each row that each member gives; a member with a NaN among them gives none.
    weights : array of shape (n, n_members)
        Weights on the simplex.

    Returns
    -------
    array of shape (n, q)
        NaN where no member gives a forecast.
    """
    known = ~np.isnan(forecasts).any(axis=2)
    weights = np.where(known, weights, 0)
    total = weights.sum(axis=1, keepdims=True)
    # Where only members without weight have a forecast, these count alike.
    weights = np.where(total > 0, weights, known)
    total = weights.sum(axis=1, keepdims=True)
    filled = np.where(known[:, :, np.newaxis], forecasts, 0)
    out = np.einsum("ik,ikq->iq", weights, filled)
    return np.divide(out, total, out=np.full_like(out, np.nan), where=total > 0)


def median(forecasts):
    """Return the median of the forecasts of each row that are known; see ``weighted_mean``."""
    out = np.full(forecasts.shape[::2], np.nan)
    some = ~np.isnan(forecasts).all(axis=1).any(axis=1)
    out[some] = np.nanmedian(forecasts[some], axis=1)
    return out


def fill_with_mean(values):
    """Return values in which the mean of those known in a row stands for the others."""
    known = ~np.isnan(values)
    if known.all():
        return values
    mean = np.where(known, values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, values, mean[:, np.newaxis])


def warn_of_none(forecasts):
    """Warn of rows for which no member has a forecast, and return which they are."""
    none = np.isnan(forecasts).all(axis=1)
    if none.any():
        warnings.warn(
            f"no member has a forecast for {int(none.sum())} row(s), first row "
            f"{int(none.argmax())}: NaN is returned for them. Add a member that always has one.",
            UserWarning,
            stacklevel=3,
        )
    return none
