"""One series of a keyed table at a time, in containers that sktime takes."""

import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd

_DAY = 86_400_000_000


@contextmanager
def no_memory_warning():
    """Hide what sktime 1.2 says, at every new object, of a default that it will change."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*The default of config", category=FutureWarning)
        yield


def time_index(frequency, first, n):
    """Return the times of ``n`` steps from ``first`` on, as regular as sktime wants them.

    Events and numeric times are numbers of steps. A time zone is left out, for local days of 23 or
    25 hours are no regular grid.
    """
    if frequency is None or frequency.kind == "number":
        return pd.RangeIndex(first, first + n)
    times = frequency.times(np.arange(first, first + n))
    if frequency.kind == "period":
        return times
    if times.tz is not None:
        if frequency.kind == "fixed" and frequency.step % _DAY:
            times = times.tz_convert("UTC")
        times = times.tz_localize(None)
    if frequency.kind == "month" and frequency.day is None:  # any day of the month is meant
        return times.to_period(frequency.name)
    times.freq = frequency.name
    return times


def fit_series(forecaster, y, X, horizon):
    """Return a forecaster fitted to one series; None if the series has no known target."""
    if y is None:
        return None
    with no_memory_warning():
        forecaster = forecaster.clone()
        fh = None if horizon is None else np.arange(1, horizon + 1)
        return forecaster.fit(y, X=X, fh=fh)


def forecast_series(forecaster, steps, X, levels):
    """Return forecasts, or quantiles, of steps relative to the last known target.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted.
    steps : int array of shape (m,), ascending
        All above 0 or none of them; those it cannot forecast are NaN.
    X : DataFrame of shape (m, p) or None
        The columns known ahead at these steps.
    levels : list of float or None
        Levels of quantiles.

    Returns
    -------
    array of shape (m, 1) or (m, n_levels)
    """
    out = np.full((len(steps), 1 if levels is None else len(levels)), np.nan)
    if steps[0] <= 0 and not fits_values(forecaster, levels):
        return out
    with no_memory_warning():
        if levels is None:
            forecast = forecaster.predict(fh=steps, X=X)
        else:
            forecast = forecaster.predict_quantiles(fh=steps, X=X, alpha=levels)
    out[:] = forecast.to_numpy(dtype=np.float64).reshape(out.shape)
    return out


def fits_values(forecaster, levels):
    """Tell whether a forecaster gives fitted values of the series it was fitted to."""
    if forecaster.get_tag("requires-fh-in-fit"):
        return False
    tags = ["capability:insample"] + ([] if levels is None else ["capability:pred_int:insample"])
    return all(forecaster.get_tag(tag) for tag in tags)
