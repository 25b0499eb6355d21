"""The rows of a ranker: candidates, and what is known of them before the time of their list."""

import numpy as np
import pandas as pd
from sklearn.base import clone

from sklearn_tsrec._times import Times
from sklearn_tsrec.recommendation.two_stage._candidates import Retrievers, rank_in_key
from sklearn_tsrec.recommendation.two_stage._features import EventFeatures

_STEPS = 4  # steps of the period that is forecast


class RowMaker:
    """The log of events, and all that makes rows of it.

    Parameters
    ----------
    events : Events
        The log; labels of series are their positions.
    times : float64 array of shape (n,)
        When each event happened, from 0 at the first one.
    unit : float
        Length of the period to forecast.
    half_lives : float64 array
        Ages at which an event counts half.
    groups : tuple of str
        The groups of features.
    attributes, columns : dict of str to array
        What is known of each item and of each event.
    demand : WindowForecaster or None
        It forecasts how many events each item will have.
    origin : int or None
        The date of time 0, in microseconds; None where times are plain numbers.
    """

    def __init__(
        self, events, times, *, unit, half_lives, groups, attributes, columns, demand, origin
    ):
        self.events, self.times = events, times
        self.series, self.items = events.series, events.item
        self.unit, self.groups = unit, groups
        self.n_items = len(events.items)
        self.demand, self._origin = demand, origin
        self._features = EventFeatures(
            events.series,
            events.item,
            times,
            half_lives,
            unit,
            groups=groups,
            n_items=self.n_items,
            attributes=attributes,
            columns=columns,
        )

    def _ticks(self, times):
        """Return times as ticks of the log."""
        if self._origin is None:
            return self.events.clock.ticks(Times("number", times))
        return times.astype(np.int64) + self._origin

    def has_past(self, series, times):
        """Return which series have events before some times."""
        return self._features.has_past(series, times)

    def fit(self, retrievers, start):
        """Fit recommenders, and the forecaster of demand, to the events before a time."""
        past = self.times < start
        start = min(start, self.times.max())
        fitted = Retrievers(retrievers, self.events.take(past), self.events.items)
        demand = {}
        if self.demand is not None and "demand" in self.groups:
            of = self.items[past], self.times[past], start, self.unit, self.n_items
            demand = forecast_demand(self.demand, *of)
        return fitted, demand

    def outcomes(self, start, exclude_seen):
        """Return the series with events in the period from a time on, and their pairs with items.

        Returns
        -------
        series : int64 array
            Distinct, ascending.
        pairs : int64 array
            ``number in series * n_items + item``, distinct, ascending.
        """
        inside = (self.times >= start) & (self.times < start + self.unit)
        pairs = np.unique(self.series[inside] * self.n_items + self.items[inside])
        if exclude_seen:
            past = self.times < start
            pairs = np.setdiff1d(pairs, self.series[past] * self.n_items + self.items[past])
        series, number = np.unique(pairs // self.n_items, return_inverse=True)
        return series, number * self.n_items + pairs % self.n_items

    def make(self, fitted, series, times, tie, quotas, exclude_seen, extra=None):
        """Return the candidates of some keys and their features.

        Parameters
        ----------
        fitted : tuple
            What :meth:`fit` returned.
        series, times : arrays of shape (m,)
            The keys.
        tie : int64 array of shape (n_items,)
            The order of items with equal scores.
        quotas, exclude_seen, extra
            As in ``Retrievers.propose``.

        Returns
        -------
        candidates : Candidates
        features : dict of str to array of shape (n_rows,)
        """
        retrievers, demand = fitted
        ticks = self._ticks(times)
        rows = retrievers.propose(series, ticks, quotas, exclude_seen, extra)
        features = {}
        if "scores" in self.groups:
            for name, model, score in zip(retrievers.names, retrievers.fitted, rows.scores.T):
                with np.errstate(divide="ignore"):
                    chance = hasattr(model, "predict_proba")
                    features[f"{name}__score"] = np.log(score) if chance else score
                rank = rank_in_key(rows.key, score, tie[rows.item])
                features[f"{name}__rank"] = np.log(rank)
        features |= self._features.build(series[rows.key], times[rows.key], rows.item)
        features |= {name: values[rows.item] for name, values in demand.items()}
        return rows, features


def as_matrix(features, n_rows):
    """Return features as one float32 array; what is not finite is missing."""
    table = np.empty((n_rows, len(features)), dtype=np.float32)
    for j, values in enumerate(features.values()):
        table[:, j] = values
    table[~np.isfinite(table)] = np.nan
    return table


def forecast_demand(forecaster, items, times, start, unit, n_items):
    """Return the features of how much each item will be in demand after a time.

    Parameters
    ----------
    forecaster : WindowForecaster
        It is cloned, and fitted to the events of each item in each quarter of the period.
    items : int64 array of shape (n,)
        The item of each event before the time.
    times : float64 array of shape (n,)
        When it happened.
    start : float
        The time.
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
    # Half an event keeps the share of an item without an event apart from 0.
    share = (expected + 0.5) / (expected + 0.5).sum()
    past = (counts.sum(axis=1) + 0.5) / (counts.sum() + 0.5 * n_items)
    return {"demand": share, "demand_change": np.log(share / past)}
