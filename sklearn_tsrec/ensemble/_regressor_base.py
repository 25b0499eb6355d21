"""How a stack of regressors learns and combines; the public class is its face."""

import numpy as np
import pandas as pd
from sklearn.base import clone

from sklearn_tsrec._keys import key_frame
from sklearn_tsrec._steps_ahead import last_known, naive_scales
from sklearn_tsrec.ensemble._base import TemporalStackingBase
from sklearn_tsrec.ensemble._combine import fill_with_mean, median, weighted_mean
from sklearn_tsrec.ensemble._online import OnlineWeights
from sklearn_tsrec.ensemble._weighting import learn_weights

_DEFAULT = "ridge"


class RegressorStackBase(TemporalStackingBase):
    """Base of :class:`TemporalStackingRegressor`."""

    def _remember(self, history):
        """Remember targets, and with them where series end and what their unit is."""
        self._targets = history
        codes = history.codes
        self._last = last_known(codes, history.ticks, history.values[:, 0], history.n_series)
        self._scales = naive_scales(history)

    def _learn(self, X, y, keys, rows, steps, forecasts):
        """Learn from out-of-fold rows how to put forecasts together."""
        self.final_estimator_ = self.weights_ = self.pooled_weights_ = None
        codes = keys.codes[rows]
        scale = self._scale(codes)
        if self.final_estimator is not None:
            columns = self._passed(X)
            columns = columns if columns is None else columns[rows]
            table = self._final_table(forecasts, scale, columns)
            self.final_estimator_ = clone(self.final_estimator).fit(table, y[rows] / scale)
            return
        errors = (forecasts - y[rows, np.newaxis]) / scale[:, np.newaxis]
        cells, n_cells = self._cells(codes, steps), len(self._cell_labels)
        if self.weights == "online":
            self._online = OnlineWeights(forecasts.shape[1], n_cells, self.share)
            self.weights_over_time_ = None
            self._learn_online(X, rows, np.abs(errors), keys.ticks[rows], cells)
        elif self.weights != "median":
            method = _DEFAULT if self.weights is None else self.weights
            self._set_weights(*learn_weights(method, errors, cells, n_cells, self.shrinkage))

    def _learn_online(self, X, rows, errors, ticks, cells):
        """Learn from errors in the order of time, and show what weights came of it."""
        path = self._online.learn(errors, ticks, cells)
        times = key_frame(X, self.group, self.time)[0].iloc[rows, -1]
        times = times.iloc[np.unique(ticks, return_index=True)[1]]
        new = pd.DataFrame(path, pd.Index(times), columns=self.member_names_)
        old = self.weights_over_time_
        self.weights_over_time_ = new if old is None else pd.concat([old, new])
        self._set_weights(*self._online.shrunk(self.shrinkage))

    def _scale(self, codes):
        """Return the unit of the series of each row; unseen ones have the mean of the others."""
        known = codes < len(self._scales)
        return np.where(known, self._scales[np.where(known, codes, 0)], self._scales.mean())

    def _passed(self, X):
        """Return the columns of X that the final estimator sees, or None."""
        return self._select_columns(X, None)[0] if self.passthrough else None

    def _final_table(self, forecasts, scale, columns):
        """Return what the final estimator sees."""
        table = fill_with_mean(forecasts) / scale[:, np.newaxis]
        return table if columns is None else np.column_stack([table, columns])

    def _combine(self, X, forecasts):
        """Return the weighted mean, or median, of forecasts of shape (m, n_members, q)."""
        if self.weights == "median":
            return median(forecasts)
        return weighted_mean(forecasts, self._row_weights(X))
