from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import Keys, key_frame, read_groups
from sklearn_tsrec._sklearn import num_samples, safe_indexing
from sklearn_tsrec._steps_ahead import naive_scales
from sklearn_tsrec._table import as_list, check_target, column_position, select_columns
from sklearn_tsrec._typing import ArrayLike, Estimator, Table
from sklearn_tsrec.model_selection._folds import rows_to_ask, split_in_time, update_all
from sklearn_tsrec.model_selection._positions import step_positions
from sklearn_tsrec.monitoring import DriftMonitor


def backtest(
    estimator: Estimator,
    X: Table,
    y: ArrayLike,
    *,
    cv: Any,
    refit: Any = True,
    quantiles: ArrayLike | None = None,
    n_jobs: int | None = None,
    verbose: int = 1,
) -> pd.DataFrame:
    """Forecast the test rows of every fold, as it would have gone, in one tidy table.

    Across a gap of the splitter, forecasters such as :class:`~sklearn_tsrec.WindowForecaster` are
    also given what is known ahead at the times in between; features of the past are not.

    Parameters
    ----------
    estimator : estimator
        Any regressor or pipeline that takes the keyed table. It is cloned.
    X : DataFrame or array of shape (n_samples, n_features)
        Keyed table, rows in any order.
    y : array-like of shape (n_samples,)
        Target. Test rows without a truth are forecast too, and keep NaN as ``y_true``.
    cv : splitter
        Yields training and test rows, such as :class:`PanelTimeSeriesSplit`; its ``group``,
        ``time`` and ``freq`` name the keys.
    refit : bool, int, "on-drift" or DriftMonitor, default=True
        ``True`` fits in every fold, ``False`` only in the first, ``n`` in every n-th. In between
        the estimator keeps what it learned and only remembers the rows that are new in training,
        through its ``update(X, y)``. A :class:`~sklearn_tsrec.monitoring.DriftMonitor` is
        shown each fold once its truth is
        in training: the columns of X and, for each time, the mean error over series in units of
        their mean absolute change; it decides when to fit. The first errors are the reference.
        ``"on-drift"`` is one that watches errors alone.
    quantiles : list of float, default=None
        Levels of quantiles to forecast as well, for estimators with ``predict_quantiles``.
    n_jobs : int, default=None
        Number of jobs; folds between two fits stay together.
    verbose : int, default=1
        0 hides the progress bar.

    Returns
    -------
    DataFrame
        One row per forecast, fold by fold in the row order of ``X``: group columns, time,
        ``fold``, ``cutoff`` (the last time in training), ``step`` (steps ahead of the cutoff;
        with ``freq=None`` distinct times ahead), ``y_true``, ``y_pred`` and columns such as
        ``q0.9``. With a monitor also ``refit``, whether the fold began with a fit.

    Raises
    ------
    ValueError
        If a fold tests rows that are not later than all of its training rows, or if an estimator
        that remembers rows cannot be updated between fits.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn_tsrec.model_selection import PanelTimeSeriesSplit, backtest
    >>> X = pd.DataFrame({"price": 1.0}, pd.date_range("2024-01-01", periods=5, name="day"))
    >>> backtest(DummyRegressor(), X, [1, 3, 5, 7, 9], cv=PanelTimeSeriesSplit(2), verbose=0)
             day  fold     cutoff  step  y_true  y_pred
    0 2024-01-04     0 2024-01-03     1     7.0     3.0
    1 2024-01-05     1 2024-01-04     1     9.0     4.0
    """
    monitor = DriftMonitor(watch=("errors",)) if refit == "on-drift" else refit
    on_drift = isinstance(monitor, DriftMonitor)
    if not on_drift and (
        not isinstance(refit, Integral) or (not isinstance(refit, bool) and refit < 1)
    ):
        raise ValueError(
            "refit must be a bool or an integer of at least 1, 'on-drift' or a DriftMonitor, got "
            f"{refit!r}."
        )
    y = check_target(y, num_samples(X), estimator=estimator)
    cv = check_cv(cv)
    group, time = getattr(cv, "group", None), getattr(cv, "time", None)
    position, _ = step_positions(X, group, time, getattr(cv, "freq", "infer"))
    series, _ = read_groups(X, group, time)
    folds = list(split_in_time(cv, X, y, series, position))
    per_fit = len(folds) if on_drift or refit is False else int(refit)
    watcher = None
    if on_drift:
        watcher = _FoldWatcher(monitor, X, y, series, position, group, time)
    blocks = [folds[start : start + per_fit] for start in range(0, len(folds), per_fit)]
    parallel = Parallel(n_jobs=n_jobs, return_as="generator")
    done = parallel(
        delayed(_forecast_block)(estimator, X, y, block, quantiles, watcher) for block in blocks
    )
    progress = tqdm(done, total=len(blocks), desc="backtest", disable=not verbose)
    forecasts = [forecast for block in progress for forecast in block]

    keys, _ = key_frame(X, group, time)
    parts = []
    for number, (fold, forecast) in enumerate(zip(folds, forecasts)):
        test, newest = fold.test, fold.train[position[fold.train].argmax()]
        about = {
            "fold": number,
            "cutoff": keys.iloc[newest, -1],
            "step": position[test] - position[newest],
            "y_true": y[test],
        }
        parts.append(keys.iloc[test].assign(**about, **forecast))
    return pd.concat(parts, ignore_index=True)


def _forecast_block(estimator, X, y, folds, quantiles, watcher):
    """Fit on the first fold, then forecast all folds, remembering new training rows.

    With a watcher, fit again where it asks for it.
    """
    forecasts = []
    model, seen = None, None
    for fold in folds:
        train, test = fold.train, fold.test
        fits = model is None or (watcher is not None and watcher.asks_for_fit(train))
        if fits:
            seen = train
            model = clone(estimator).fit(safe_indexing(X, train), y[train])
        else:
            new = np.setdiff1d(train, seen)
            seen = np.union1d(train, seen)
            rows = safe_indexing(X, new), y[new]
            update_all([model], *rows, "forecasting without a fit", "use refit=True")
        X_ahead = safe_indexing(X, rows_to_ask(model, fold))
        n = len(test)
        forecast = {"y_pred": np.asarray(model.predict(X_ahead), dtype=np.float64)[:n]}
        if quantiles is not None:
            values = np.asarray(model.predict_quantiles(X_ahead, quantiles))[:n]
            forecast |= {f"q{level:g}": values[:, j] for j, level in enumerate(quantiles)}
        if watcher is not None:
            if fits:
                watcher.start(train)
            watcher.remember(test, forecast)
            forecast["refit"] = fits
        forecasts.append(forecast)
    return forecasts


class _FoldWatcher:
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
        """Show the forecasts whose truth is now in training; return whether to fit again."""
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
