"""Forecasts of members put together: a combiner learns how from rows with a truth.

Each has ``learn(rows, truth)`` and ``combine(rows)``, where rows are :class:`ForecastRows` or
:class:`ProbabilityRows`.
"""

import warnings
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from sklearn.base import clone

from sklearn_tsrec.ensemble._weights import OnlineWeights, fill_with_mean, learn_weights

# ---- rows


@dataclass(frozen=True)
class _Rows:
    """What members forecast for some rows.

    Attributes
    ----------
    forecasts : array of shape (n, n_members, q)
        Numbers that each member gives; a member with a NaN among them gives none.
    cells : int64 array of shape (n,)
        What has weights of its own; -1 for none of these.
    columns : array of shape (n, p) or None
        What a final estimator sees as well.
    """

    forecasts: np.ndarray
    cells: np.ndarray
    columns: np.ndarray | None = None

    def take(self, rows):
        """Return some of the rows."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(**{k: self._take(k, part, rows) for k, part in parts.items()})

    def _take(self, name, part, rows):
        """Return some rows of an attribute."""
        return part if part is None else part[rows]


@dataclass(frozen=True)
class ForecastRows(_Rows):
    """Numbers that members forecast: one for each row, or quantiles.

    Attributes
    ----------
    unit : array of shape (n,)
        The unit of the series of each row.
    ticks : int64 array of shape (n,)
        When it is.
    """

    unit: np.ndarray | None = None
    ticks: np.ndarray | None = None

    def errors(self, truth, method):
        """Return errors of shape (n, n_members), their cells, and how many belong to one row."""
        errors = (self.forecasts[:, :, 0] - truth[:, np.newaxis]) / self.unit[:, np.newaxis]
        return errors, self.cells, 1

    def normalized(self, combined):
        """Return combined forecasts as they are."""
        return combined

    def table(self):
        """Return what a final estimator sees."""
        table = fill_with_mean(self.forecasts[:, :, 0]) / self.unit[:, np.newaxis]
        return table if self.columns is None else np.column_stack([table, self.columns])

    def target(self, truth):
        """Return what a final estimator learns."""
        return truth / self.unit

    def answer(self, final):
        """Return forecasts of a final estimator, of shape (n, 1)."""
        forecast = np.asarray(final.predict(self.table()), dtype=np.float64)
        return forecast.reshape(-1, 1) * self.unit[:, np.newaxis]


@dataclass(frozen=True)
class ProbabilityRows(_Rows):
    """Probabilities that members give to classes; the truth is the number of a class.

    Attributes
    ----------
    classes : array of shape (n_classes,)
        The classes.
    """

    classes: np.ndarray | None = None

    def _take(self, name, part, rows):
        return part if name == "classes" else super()._take(name, part, rows)

    def errors(self, truth, method):
        """Return errors of shape (n, n_members), their cells, and how many belong to one row.

        For methods of likelihood these are the probabilities of what happened.
        """
        if method in ("equal", "logloss"):
            return self.forecasts[np.arange(len(truth)), :, truth], self.cells, 1
        n_members, n_classes = self.forecasts.shape[1:]
        happened = truth[:, np.newaxis] == np.arange(n_classes)
        errors = self.forecasts - happened[:, np.newaxis]
        errors = errors.transpose(0, 2, 1).reshape(-1, n_members)
        return errors, np.repeat(self.cells, n_classes), n_classes

    def normalized(self, combined):
        """Return combined probabilities that sum to 1."""
        return combined / combined.sum(axis=1, keepdims=True)

    def table(self):
        """Return what a final estimator sees."""
        first = 1 if len(self.classes) == 2 else 0  # of two, one gives the other
        n, _, n_classes = self.forecasts.shape
        parts = [fill_with_mean(self.forecasts[:, :, c]) for c in range(n_classes)]
        table = np.stack(parts, axis=2)[:, :, first:].reshape(n, -1)
        return table if self.columns is None else np.column_stack([table, self.columns])

    def target(self, truth):
        """Return what a final estimator learns."""
        return self.classes[truth]

    def answer(self, final):
        """Return probabilities of a final estimator, of shape (n, n_classes)."""
        return align(final.predict_proba(self.table()), final.classes_, self.classes)


def align(proba, of, classes):
    """Return probabilities of some classes as those of all classes."""
    out = np.zeros((len(proba), len(classes)))
    out[:, pd.Index(classes).get_indexer(of)] = proba
    out[np.isnan(out).any(axis=1)] = np.nan
    return out


# ---- combiners


class _Mean:
    """A mean with weights in each cell, and those over all cells for rows of none."""

    pooled, weights = None, None

    def combine(self, rows):
        """Return the weighted mean of the members in each row."""
        table = np.vstack([self.weights, self.pooled])
        return weighted_mean(rows.forecasts, table[rows.cells])


class WeightedMean(_Mean):
    """A mean by weights that are learned at once.

    Parameters
    ----------
    method : str
        See :func:`learn_weights`.
    n_cells : int
        Number of cells.
    shrinkage : float
        How many rows the weights over all cells count for.

    Attributes
    ----------
    pooled : array of shape (n_members,)
        Weights over all rows.
    weights : array of shape (n_cells, n_members)
        Those in each cell.
    """

    def __init__(self, method, n_cells, shrinkage):
        self.method = method
        self.n_cells = n_cells
        self.shrinkage = shrinkage

    def learn(self, rows, truth):
        """Learn weights from rows and their truth."""
        errors, cells, n_errors = rows.errors(truth, self.method)
        shrinkage = self.shrinkage * n_errors
        self.pooled, self.weights = learn_weights(
            self.method, errors, cells, self.n_cells, shrinkage
        )


class OnlineMean(_Mean):
    """A mean by weights that are learned time after time; ``learn`` goes on.

    Parameters
    ----------
    n_cells : int
        Number of cells.
    shrinkage : float
        How many rows the weights over all cells count for.
    share : float
        Share of all weight dealt out equally after each time.

    Attributes
    ----------
    pooled, weights : array
        As those of :class:`WeightedMean`.
    path : array of shape (n_times, n_members)
        Weights over all rows after each time that was learned from last.
    """

    def __init__(self, n_cells, shrinkage, share):
        self.n_cells = n_cells
        self.shrinkage = shrinkage
        self.share = share
        self._online = None

    def learn(self, rows, truth):
        """Learn weights from rows and their truth, in the order of time."""
        errors = np.abs(rows.errors(truth, "online")[0])
        if self._online is None:
            self._online = OnlineWeights(errors.shape[1], self.n_cells, self.share)
        self.path = self._online.learn(errors, rows.ticks, rows.cells)
        self.pooled, self.weights = self._online.shrunk(self.shrinkage)


class Median:
    """The median, which learns nothing."""

    def learn(self, rows, truth):
        """Learn nothing."""

    def combine(self, rows):
        """Return the median of the members in each row."""
        return rows.normalized(median(rows.forecasts))


class FinalEstimator:
    """Any estimator that learns from what members forecast.

    Parameters
    ----------
    estimator : estimator
        Unfitted.
    """

    def __init__(self, estimator):
        self.estimator = clone(estimator)

    def learn(self, rows, truth):
        """Fit the estimator to rows and their truth."""
        self.estimator.fit(rows.table(), rows.target(truth))

    def combine(self, rows):
        """Return its forecast of each row; NaN where no member has one."""
        known = ~np.isnan(rows.forecasts[:, :, 0]).all(axis=1)
        out = np.full((len(known), rows.forecasts.shape[2]), np.nan)
        if known.any():
            out[known] = rows.take(known).answer(self.estimator)
        return out


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
