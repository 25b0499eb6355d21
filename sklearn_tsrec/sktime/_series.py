"""One series of a keyed table at a time, in containers that sktime takes."""

import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from sklearn_tsrec._frequency import MONTH_NAMES
from sklearn_tsrec._typing import Table

# sktime shifts times by steps, which pandas 2 gets wrong in any unit but its own.
_UNIT = pd.date_range("2000-01-01", periods=1).unit
_DAY = 86_400_000_000
_PERIODS = {1: "M", 3: "Q", 12: "Y"}  # by their months


@contextmanager
def no_memory_warning():
    """Hide what sktime 1.2 says, at every new object, of a default that it will change."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*The default of config", category=FutureWarning)
        yield


def time_index(frequency, first, n):
    """Return the times of ``n`` steps from ``first`` on, as regular as sktime wants them.

    Events, numeric times and what sktime cannot measure (working days, every second month) are
    numbers of steps; months, quarters and years are periods. A time zone is left out, for local
    days of 23 or 25 hours are no regular grid.
    """
    if frequency is None or frequency.kind in ("number", "business"):
        return pd.RangeIndex(first, first + n)
    ticks = np.arange(first, first + n)
    if frequency.kind == "month":
        if frequency.step not in _PERIODS:
            return pd.RangeIndex(first, first + n)
        return _month_periods(frequency, ticks)
    times = frequency.times(ticks)
    if frequency.kind == "period":
        return times
    if times.tz is not None:
        if frequency.kind == "fixed" and frequency.step % _DAY:
            times = times.tz_convert("UTC")
        times = times.tz_localize(None)
    times = times.as_unit(_UNIT)
    times.freq = frequency.name
    return times


def latest_time(index):
    """Return the latest time of a panel as an index of one, with the frequency of its times."""
    times, codes = index.levels[-1], index.codes[-1]
    latest = times[[codes.max() if times.is_monotonic_increasing else codes[times[codes].argmax()]]]
    if getattr(times, "freq", None) is not None and latest.freq != times.freq:
        latest.freq = times.freq
    return latest


def _month_periods(frequency, ticks):
    """Return months, quarters or years as periods: sktime knows few names of their datetimes."""
    last = ticks * frequency.step + frequency.phase
    if frequency.day != "end":
        last = last + frequency.step - 1
    months = pd.PeriodIndex.from_ordinals(last, freq="M")
    if frequency.step == 1:
        return months
    return months.asfreq(f"{_PERIODS[frequency.step]}-{MONTH_NAMES[last[0] % 12]}")


def fit_series(forecaster, y, X, horizon):
    """Return a forecaster fitted to one series; None if the series has no known target."""
    if y is None:
        return None
    with no_memory_warning():
        forecaster = forecaster.clone()
        fh = None if horizon is None else np.arange(1, horizon + 1)
        return forecaster.fit(y, X=X, fh=fh)


def forecast_series(
    forecaster: Any, steps: Any, X: Table, levels: Sequence[float] | None
) -> np.ndarray:
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
    """Return whether a forecaster gives fitted values of the series it was fitted to."""
    if forecaster.get_tag("requires-fh-in-fit"):
        return False
    tags = ["capability:insample"] + ([] if levels is None else ["capability:pred_int:insample"])
    return all(forecaster.get_tag(tag) for tag in tags)


def transform_series(transformer, table, *, fit=False):
    """Return a transformer, fitted first if asked to, and the features it makes of one series."""
    with no_memory_warning():
        if fit:
            transformer.fit(table)
        return transformer, pd.DataFrame(transformer.transform(table))


def is_per_series(transformer):
    """Return whether features belong to a whole series, not to its times; raise if to neither."""
    kind = transformer.get_tag("scitype:transform-output")
    if kind not in ("Series", "Primitives"):
        raise ValueError(
            f"{type(transformer).__name__} makes several series of one ({kind}), which belong to "
            "no row: give a transformer of series to series or of series to features."
        )
    return kind == "Primitives"
