"""What a forecaster expects of the demand of items in the period after a moment."""

import numpy as np
import pandas as pd
from sklearn.base import clone

_STEPS = 4  # steps of the period that is forecast


def forecast_demand(forecaster, items, times, start, unit, n_items):
    """Return the features that say how much each item will be in demand after a moment.

    Parameters
    ----------
    forecaster : WindowForecaster
        It is cloned, and fitted to the events of each item in each quarter of the period.
    items : int64 array of shape (n,)
        The item of each event before the moment.
    times : float64 array of shape (n,)
        When it happened.
    start : float
        The moment.
    unit : float
        Length of the period to forecast.
    n_items : int
        Number of items.

    Returns
    -------
    dict of str to float array of shape (n_items,)
        ``demand``, the share of the forecast events, and ``demand_change``, the logarithm of it
        over the share of the past.
    """
    step = np.floor((times - start) * (_STEPS / unit)).astype(np.int64)
    step = np.minimum(step, -1)  # rounding must put no past event into the first step ahead
    n_past = max(int(-step.min(initial=-1)), 2)
    counts = np.zeros((n_items, n_past))
    np.add.at(counts, (items, n_past + step), 1)
    keys = pd.MultiIndex.from_product([np.arange(n_items), np.arange(n_past)])
    forecaster = clone(forecaster).set_params(group=None, time=None, freq=1)
    forecaster.fit(pd.DataFrame(index=keys), counts.ravel())
    ahead = pd.MultiIndex.from_product([np.arange(n_items), n_past + np.arange(_STEPS)])
    expected = forecaster.predict(pd.DataFrame(index=ahead)).reshape(n_items, _STEPS)
    expected = np.maximum(expected, 0).sum(axis=1)
    # Half an event keeps the share of an item that nobody had apart from 0.
    share = (expected + 0.5) / (expected + 0.5).sum()
    past = (counts.sum(axis=1) + 0.5) / (counts.sum() + 0.5 * n_items)
    return {"demand": share, "demand_change": np.log(share / past)}
