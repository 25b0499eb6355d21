"""The rows of a ranker: candidates of moments, and what is known of them."""

import numpy as np
import pandas as pd

from sklearn_tsrec.recommendation._two_stage_demand import forecast_demand
from sklearn_tsrec.recommendation._two_stage_features import EventFeatures
from sklearn_tsrec.recommendation._two_stage_moments import Retrievers, rank_in_moment


class RowMaker:
    """The log of events, and all that makes rows of it.

    Parameters
    ----------
    series, items : int64 arrays of shape (n,)
        The series and the item of each event.
    times : float64 array of shape (n,)
        When it happened, from 0.
    unit : float
        Length of the period to be foreseen.
    half_lives : float64 array
        Ages at which an event counts half.
    groups : tuple of str
        The groups of features.
    labels : array of shape (n_items,)
        The items.
    attributes, columns : dict of str to array
        What is known of each item and of each event.
    demand : WindowForecaster or None
        It forecasts how often each item will be had.
    origin : int or None
        The date of time 0, in microseconds; None where times are plain numbers.
    """

    def __init__(
        self,
        series,
        items,
        times,
        *,
        unit,
        half_lives,
        groups,
        labels,
        attributes,
        columns,
        demand,
        origin,
    ):
        self.series, self.items, self.times = series, items, times
        self.unit, self.groups, self.labels = unit, groups, labels
        self.n_items = len(labels)
        self.demand, self._origin = demand, origin
        self._features = EventFeatures(
            series,
            items,
            times,
            half_lives,
            unit,
            groups=groups,
            n_items=self.n_items,
            attributes=attributes,
            columns=columns,
        )

    def _dates(self, times):
        """Return times as recommenders shall see them: dates again, if they were."""
        if self._origin is None:
            return times
        return (times.astype(np.int64) + self._origin).view("M8[us]")

    def had_events(self, series, times):
        """Tell which series had events before some moments."""
        return self._features.had_events(series, times)

    def fit(self, retrievers, start):
        """Fit recommenders, and the forecaster of demand, to the events before a moment."""
        past = self.times < start
        start = min(start, self.times.max())
        table = {"series": self.series, "time": self._dates(self.times), "item": self.items}
        fitted = Retrievers(retrievers, pd.DataFrame(table)[past], self.labels)
        demand = {}
        if self.demand is not None and "demand" in self.groups:
            of = self.items[past], self.times[past], start, self.unit, self.n_items
            demand = forecast_demand(self.demand, *of)
        return fitted, demand

    def outcomes(self, start, exclude_seen):
        """Return the series that had something in the period from a moment on, and the pairs.

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
        """Return the candidates of some moments and their features.

        Parameters
        ----------
        fitted : tuple
            What :meth:`fit` returned.
        series, times : arrays of shape (m,)
            The moments.
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
        moments = pd.DataFrame({"series": series, "time": self._dates(times)})
        rows = retrievers.propose(moments, quotas, exclude_seen, extra)
        features = {}
        if "scores" in self.groups:
            for name, model, score in zip(retrievers.names, retrievers.fitted, rows.scores.T):
                with np.errstate(divide="ignore"):
                    chance = hasattr(model, "predict_proba")
                    features[f"{name}__score"] = np.log(score) if chance else score
                rank = rank_in_moment(rows.moment, score, tie[rows.item])
                features[f"{name}__rank"] = np.log(rank)
        features |= self._features.build(series[rows.moment], times[rows.moment], rows.item)
        features |= {name: values[rows.item] for name, values in demand.items()}
        return rows, features


def as_matrix(features, n_rows):
    """Return features as one float32 array; what is not finite is missing."""
    table = np.empty((n_rows, len(features)), dtype=np.float32)
    for j, values in enumerate(features.values()):
        table[:, j] = values
    table[~np.isfinite(table)] = np.nan
    return table
