"""What a backtest shows to a drift monitor."""

import numpy as np
from sklearn.base import clone

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import Keys
from sklearn_tsrec._sklearn import safe_indexing
from sklearn_tsrec._steps_ahead import naive_scales
from sklearn_tsrec._table import as_list, column_position, select_columns


class FoldWatcher:
    """Shows a monitor the folds of a backtest as their truth becomes known.

    Parameters
    ----------
    monitor : DriftMonitor
        Unfitted.
    X, y : table and array
        All rows.
    series, position : int64 arrays of shape (n,)
        The series and the place in time of each row.
    group, time : str, int, list of these or None
        Keys, which are no inputs.
    """

    def __init__(self, monitor, X, y, series, position, group, time):
        self.monitor = clone(monitor)
        keys = [column_position(X, key) for key in [*as_list(group), *as_list(time)]]
        self._inputs = np.zeros((len(y), 1))
        if "inputs" in monitor.watch:
            self._inputs = select_columns(X, monitor.columns, skip=keys)[0]
            self.monitor.set_params(columns=None)
        self._y, self._series, self._position = y, series, position
        self._waiting = []

    def start(self, train):
        """Begin anew after a fit to some rows; what errors are usual stays."""
        usual = getattr(self.monitor, "reference_errors_", None)
        self.monitor.fit(safe_indexing(self._inputs, train), usual)
        n = int(self._series.max()) + 1
        keys = Keys(self._series[train], self._position[train], n, n)
        self._scale = naive_scales(History.build(keys, self._y[train]))[self._series]
        self._waiting = []

    def remember(self, test, forecast):
        """Remember a forecast until its truth is known."""
        self._waiting.append((test, forecast))

    def asks_for_fit(self, train):
        """Show the forecasts whose truth is now in training; tell whether to fit again."""
        later = []
        for test, forecast in self._waiting:
            if not np.isin(test, train).all():
                later.append((test, forecast))
                continue
            error = (self._y[test] - forecast["y_pred"]) / self._scale[test]
            self.monitor.update(
                self._inputs[test],
                self._by_time(test, error),
                covered=self._covered(test, forecast),
            )
        self._waiting = later
        return self.monitor.should_refit_

    def _by_time(self, rows, values):
        """Return the mean of known values at each time, the oldest first."""
        known = ~np.isnan(values)
        times, place = np.unique(self._position[rows][known], return_inverse=True)
        return np.bincount(place, values[known], minlength=len(times)) / np.bincount(place)

    def _covered(self, rows, forecast):
        """Return whether the interval of the wanted coverage held, if its quantiles are there."""
        coverage = self.monitor.coverage
        low, high = (f"q{level:.6g}" for level in ((1 - coverage) / 2, (1 + coverage) / 2))
        if low not in forecast or high not in forecast:
            return None
        y = self._y[rows]
        held = (forecast[low] <= y) & (y <= forecast[high])
        order = np.argsort(self._position[rows], kind="stable")
        return held[order][~np.isnan(y[order])]
