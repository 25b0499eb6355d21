"""Forecasts of each series from its own past alone, by one pass over it."""

from numbers import Real
from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import KeyedMixin
from sklearn_tsrec._sklearn import fit_context
from sklearn_tsrec._table import check_target
from sklearn_tsrec._typing import ArrayLike, Table


class SeriesRegressor(KeyedMixin, RegressorMixin, BaseEstimator):
    """Base of statistical members: they forecast each series from its own past.

    A pass over a series forecasts each step from the known values before it. Steps without a known
    value teach nothing, so that the forecast of a step far ahead is that of the pass after them.
    """

    _series_constraints: ClassVar[dict] = {
        "freq": [str, Real, None],
        **KeyedMixin._key_constraints,
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Remember the target of each series.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            One row for each time of each series, in any order. Only its keys are read.
        y : array-like of shape (n,)
            The target; NaN marks a missing value.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If no target is known, or keys are missing or repeat.
        """
        X = self._check_table(X, reset=True)
        keys = self._fit_keys(X)
        y = self._check_values(check_target(y, X.shape[0], estimator=self))
        if np.isnan(y).all():
            raise ValueError("y has no known value, all of it is missing: nothing can be learned.")
        self._level = np.nanmean(y)
        self.target_history_ = History.build(keys, y)
        return self

    def _check_values(self, y):
        """Return the target; raise if the method cannot take its values."""
        return y

    def update(self, X: Table, y: ArrayLike) -> Self:
        """Remember more rows; forecasts then start after the last target of each series.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Rows of known or new series; those of remembered keys replace what was remembered.
        y : array-like of shape (n,)
            Their target; NaN marks a missing value.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        keys = self._read_keys(X)
        y = self._check_values(check_target(y, X.shape[0], estimator=self))
        self._meet(X)
        self.target_history_ = self.target_history_.append(keys, y)
        return self

    def predict(self, X: Table) -> np.ndarray:
        """Return the forecast of each row from the known values of its series before it.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Any mix of rows, in any order.

        Returns
        -------
        array of shape (m,)
            Rows up to the first known target of their series have the mean training target, and
            those of a series without any have NaN.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        keys = self._read_keys(X)
        pool, order, place = self.target_history_.overlay(keys)
        rows = pool.merged()
        codes = pool.codes
        values = np.ascontiguousarray(rows.values[:, 0], dtype=np.float64)
        known = ~np.isnan(values)
        steps = rows.ticks
        if self._frequency is None:  # without a calendar, each time is a step
            steps = np.arange(len(steps)) - np.repeat(rows.starts[:-1], np.diff(rows.starts))
        forecast = self._pass(rows.starts, steps, values)
        forecast[np.isnan(forecast)] = self._level
        of_series = rows.codes
        forecast[np.bincount(of_series, known, minlength=rows.n_series)[of_series] == 0] = np.nan
        out = np.empty(len(order))
        at = rows.find(codes[place], pool.ticks[place])
        out[order] = forecast[at]
        return out

    def _takes_nan(self):
        return True  # columns are not read

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags
