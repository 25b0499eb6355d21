from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

from sklearn_tsrec._keys import key_frame, read_groups
from sklearn_tsrec._sklearn import num_samples, safe_indexing
from sklearn_tsrec._table import check_target
from sklearn_tsrec.model_selection._drift_monitor import DriftMonitor
from sklearn_tsrec.model_selection._fold_watcher import FoldWatcher
from sklearn_tsrec.model_selection._folds import rows_to_ask, show_rows, split_in_time
from sklearn_tsrec.model_selection._positions import step_positions


def backtest(estimator, X, y, *, cv, refit=True, quantiles=None, n_jobs=None, verbose=1):
    """Forecast the test rows of every fold, as it would have gone, in one tidy table.

    Across a gap of the splitter, forecasters such as :class:`~sklearn_tsrec.WindowForecaster` are
    also shown what is known ahead at the times in between; features of the past are not.

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
        ``time`` and ``freq`` say where the keys are.
    refit : bool, int, "on-drift" or DriftMonitor, default=True
        ``True`` fits in every fold, ``False`` only in the first, ``n`` in every n-th. In between
        the estimator keeps what it learned and only remembers the rows that are new in training,
        through its ``update(X, y)``. A :class:`DriftMonitor` is shown each fold once its truth is
        in training: the columns of X and, for each time, the mean error over series in units of
        their mean absolute change; it decides when to fit. The first errors say what is usual.
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
        watcher = FoldWatcher(monitor, X, y, series, position, group, time)
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

    With a watcher, fit again where it says so.
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
            show_rows([model], *rows, "forecasting without a fit", "use refit=True")
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
