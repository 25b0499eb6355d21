import warnings
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, _fit_context, clone
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import KeyedMixin, _read_groups
from sklearn_tsrec._table import as_list, check_target, column_position
from sklearn_tsrec._times import show
from sklearn_tsrec.forecasting._timeline import count_moments, last_known_steps
from sklearn_tsrec.forecasting._transforms import fill_windows, last_known, make_transforms


def _inner_has(method):
    """Check that the inner estimator has a method, before fit and after it."""

    def check(self):
        return hasattr(getattr(self, "estimator_", self.estimator), method)

    return check


class WindowForecaster(KeyedMixin, MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Forecast keyed series with any scikit-learn regressor on windows of the past.

    A row of X is a moment of a series, and ``y`` its value. ``fit`` turns every moment into a row
    of the last values before it, over all series, and fits the estimator to them. ``predict``
    gives one number per row: for rows later than the training table a forecast, for rows of the
    training table their one-step fitted value.

    Parameters
    ----------
    estimator : regressor, default=None
        Any scikit-learn regressor or pipeline of one, cloned before it is fitted. None means
        ``Ridge()``.
    window : int or list of int, default=12
        How far the estimator looks back: the last so many values, or the lags to use. In steps of
        ``freq``.
    horizon : int, default=1
        How many steps the estimator forecasts at once. 1 forecasts recursively: forecasts become
        the window of the next step. A longer horizon forecasts directly; an estimator with one
        output is then fitted once for each step. Rows further ahead are forecast in blocks.
    target_transform : str or list of str, default=None
        How to make the target relative to its own window: ``"last"`` subtracts its last value,
        ``"scale"`` divides by its mean absolute value, ``"difference"`` takes differences, and
        ``"seasonal"`` differences to the value one ``period`` before. Several are applied in the
        given order, and undone in the reverse one.
    period : int, default=None
        Length of a season in steps, for ``"seasonal"``.
    columns : str, int, list of these or None, default=None
        Columns known ahead: their values at the times that are forecast are features. None takes
        all columns that are neither keys nor named below: X says what is known about a moment.
    past_columns : str, int, list of these or None, default=None
        Columns only observed up to now: features are windows of their past. Their values in rows
        to predict are never read.
    static_columns : str, int, list of these or None, default=None
        Columns that describe the series: the value of the row itself is a feature.
    group, time : str, int, list of str or None, default=None
        Columns that hold the keys. None reads the index: its last level is the time, the levels
        before it are the group.
    freq : "infer", str, float or None, default="infer"
        Frequency of the steps; None counts events, and averages events of one moment.

    Attributes
    ----------
    estimator_ : regressor
        The fitted estimator.
    target_history_ : History
        The training target by key.
    groups_ : Index
        The series seen in ``fit`` and ``update``.
    freq_ : str, float or None
        The frequency in use.
    window_feature_names_ : list of str
        What the columns of the estimator's input are: ``y__lag2``, ``promo__ahead0``, …
    n_features_in_ : int
        Number of columns of the table in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where the table has names.

    Raises
    ------
    ValueError
        If keys repeat or do not fit the frequency, if no training row has a whole window, or if a
        column known ahead is missing where a forecast needs it.

    Notes
    -----
    An estimator that accepts NaN (by its tag ``allow_nan``) learns from windows with missing
    values. For any other, training rows with missing values are skipped, and counted in a warning;
    in ``predict`` missing window values are filled by the last known one, and heads by the first.
    A moment with no known value in its window, such as the first of a series, is forecast by the
    mean of the training targets.

    References
    ----------
    .. [1] Ben Taieb, S., Bontempi, G., Atiya, A. F. & Sorjamaa, A. (2012). A review and comparison
       of strategies for multi-step ahead time series forecasting. Expert Systems with
       Applications 39(8), 7067-7083.
    .. [2] Montero-Manso, P. & Hyndman, R. J. (2021). Principles and algorithms for forecasting
       groups of time series: Locality and globality. International Journal of Forecasting 37(4).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_tsrec.forecasting import WindowForecaster
    >>> days = pd.date_range("2024-01-01", periods=12, name="day")
    >>> X, y = pd.DataFrame(index=days), np.arange(12) % 3 + np.arange(12)
    >>> forecaster = WindowForecaster(LinearRegression(), window=4).fit(X[:9], y[:9])
    >>> forecaster.predict(X[9:]).round(6)
    array([ 9., 11., 13.])
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "window": [Interval(Integral, 1, None, closed="left"), list, tuple, np.ndarray],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "target_transform": [str, list, tuple, None],
        "period": [Interval(Integral, 1, None, closed="left"), None],
        "columns": [str, Integral, list, tuple, None],
        "past_columns": [str, Integral, list, tuple, None],
        "static_columns": [str, Integral, list, tuple, None],
        **KeyedMixin._key_constraints,
        "freq": [str, Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        window=12,
        horizon=1,
        target_transform=None,
        period=None,
        columns=None,
        past_columns=None,
        static_columns=None,
        group=None,
        time=None,
        freq="infer",
    ):
        self.estimator = estimator
        self.window = window
        self.horizon = horizon
        self.target_transform = target_transform
        self.period = period
        self.columns = columns
        self.past_columns = past_columns
        self.static_columns = static_columns
        self.group = group
        self.time = time
        self.freq = freq

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Fit the estimator to all windows of all series, and remember the table.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            Keyed rows, in any order.
        y : array-like of shape (n_rows,)
            The target. NaN marks a missing one.

        Returns
        -------
        self : WindowForecaster
            The fitted forecaster.
        """
        self._lags = self._check_lags()
        self._transforms = make_transforms(self.target_transform, self.period)
        X = self._check_table(X, reset=True)
        if getattr(y, "ndim", 1) == 2:
            y = column_or_1d(y, warn=True)
        y = check_target(y, _num_samples(X), estimator=self)
        keys = self._fit_keys(X)
        self._remember(keys, y, *self._read_columns(X))
        if not np.isfinite(y).any():
            raise ValueError("y holds no known target: all of it is missing.")
        self._mean = np.nanmean(y)

        estimator = Ridge() if self.estimator is None else clone(self.estimator)
        self._takes_nan = _takes_nan(estimator)
        if self.horizon > 1 and not get_tags(estimator).target_tags.multi_output:
            estimator = MultiOutputRegressor(estimator)
        target, past, known = self.target_history_, self._past, self._known
        if self.freq_ is None:
            target, past, known = (count_moments(h)[0] for h in (target, past, known))
        codes = np.repeat(np.arange(target.n_series), np.diff(target.starts))
        steps = target.ticks
        targets = target.windows(codes, steps, np.arange(self.horizon))
        rows = np.flatnonzero(~np.isnan(targets).any(axis=1))
        codes, steps, targets = codes[rows], steps[rows], targets[rows]
        windows = target.windows(codes, steps, self._offsets())
        features, targets, _ = self._features(
            windows, targets, *self._covariates(past, known, codes, steps)
        )
        self._set_names()
        rows = self._usable(target, codes, steps, windows, features, targets)
        target_rows = targets[rows] if self.horizon > 1 else targets[rows, 0]
        self.estimator_ = estimator.fit(features[rows], target_rows)
        return self

    def update(self, X, y):
        """Remember newer rows, without fitting the estimator again.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            Keyed rows; they replace remembered ones with the same keys, and may bring new series.
        y : array-like of shape (n_rows,)
            The target.

        Returns
        -------
        self : WindowForecaster
            The forecaster, which now looks back on these rows too.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        y = check_target(y, _num_samples(X), estimator=self)
        keys = self._read_keys(X)
        if keys.n_series > keys.n_known:
            labels = _read_groups(X, self.group, self.time)[1]
            self.groups_ = self.groups_.append(labels[self.groups_.get_indexer(labels) < 0])
        past, known = self._read_columns(X)
        self.target_history_ = self.target_history_.append(keys, y)
        self._past = self._past.append(keys, past)
        self._known = self._known.append(keys, known)
        return self

    def predict(self, X):
        """Forecast the target of each row.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            Keyed rows: future ones, training ones, or both, in any order.

        Returns
        -------
        y_pred : ndarray of shape (n_rows,)
            Forecasts; for rows of the training table one-step fitted values.
        """
        return self._forecast(X)[0]

    @available_if(_inner_has("predict_quantiles"))
    def predict_quantiles(self, X, quantiles=(0.1, 0.5, 0.9)):
        """Forecast quantiles of the target of each row.

        Beyond the first block of ``horizon`` steps they are conditional on the point forecasts of
        the blocks before.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            Keyed rows.
        quantiles : list of float, default=(0.1, 0.5, 0.9)
            Levels between 0 and 1.

        Returns
        -------
        y_quantiles : ndarray of shape (n_rows, n_quantiles)
            A column for each level.
        """
        return self._forecast(X, list(quantiles))[1]

    @available_if(_inner_has("predict_quantiles"))
    def predict_interval(self, X, coverage=0.9):
        """Forecast a central interval of the target of each row.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            Keyed rows.
        coverage : float, default=0.9
            The share of targets that should lie inside, between 0 and 1.

        Returns
        -------
        interval : ndarray of shape (n_rows, 2)
            Lower and upper bound.
        """
        if not 0 < coverage < 1:
            raise ValueError(f"coverage={coverage!r} must lie between 0 and 1.")
        return self.predict_quantiles(X, [(1 - coverage) / 2, (1 + coverage) / 2])

    def _check_lags(self):
        """Return the lags in use, longest first."""
        lags = np.arange(1, self.window + 1) if isinstance(self.window, Integral) else self.window
        lags = np.asarray(lags)
        if lags.ndim != 1 or not len(lags) or lags.dtype.kind != "i" or lags.min() < 1:
            raise ValueError(
                f"window={self.window!r} must be a length or a list of lags, whole numbers from 1 "
                "up."
            )
        return np.unique(lags)[::-1]

    def _offsets(self):
        """Return the offsets of a whole window, with what the transforms need beyond its start."""
        extra = sum(transform.extra for transform in self._transforms)
        return np.arange(-int(self._lags[0]) - extra, 0)

    def _read_columns(self, X):
        """Return the values of past columns, and of those known ahead with the static ones."""
        keys = self._key_columns(X)
        self._past_names, self._known_names, self._static_names = [], [], []
        past, static = as_list(self.past_columns), as_list(self.static_columns)
        named = {column_position(X, c) for c in [*past, *static]}
        if self.columns is None:
            known = [j for j in range(X.shape[1]) if j not in {*keys, *named}]
        else:
            known = [column_position(X, c, "columns") for c in as_list(self.columns)]
        values, names = [], []
        for chosen, parameter in ((past, "past_columns"), (known, "columns"), (static, "static")):
            positions = [column_position(X, c, parameter) for c in chosen]
            part, part_names = self._select_columns(X, positions, parameter)
            values.append(part)
            names.append(part_names)
        self._past_names, self._known_names, self._static_names = names
        return values[0], np.concatenate(values[1:], axis=1)

    def _remember(self, keys, y, past, known):
        """Keep the training table by key."""
        self.target_history_ = History.build(keys, y)
        self._past = History.build(keys, past)
        self._known = History.build(keys, known)

    def _observed(self, past, codes, steps):
        """Return whole windows of the columns that are only observed up to now."""
        offsets = np.arange(-self._lags[0], 0)
        windows = [past.windows(codes, steps, offsets, j) for j in range(len(self._past_names))]
        return windows if self._takes_nan else [fill_windows(values) for values in windows]

    def _ahead(self, known, codes, steps):
        """Return the columns known ahead for the steps to forecast, and the static ones."""
        n_ahead, n_static = len(self._known_names), len(self._static_names)
        ahead = [known.windows(codes, steps, np.arange(self.horizon), j) for j in range(n_ahead)]
        return ahead + [known.windows(codes, steps, [0], n_ahead + j) for j in range(n_static)]

    def _covariates(self, past, known, codes, steps):
        """Return the columns of the estimator's input that do not come from the target."""
        blocks = [past.windows(codes, steps, -self._lags, j) for j in range(len(self._past_names))]
        return blocks, self._ahead(known, codes, steps)

    def _set_names(self):
        """Name the columns of the estimator's input."""
        drivers = ["y", *self._past_names]
        names = [f"{driver}__lag{lag}" for driver in drivers for lag in self._lags]
        names += [f"{name}__ahead{h}" for name in self._known_names for h in range(self.horizon)]
        self.window_feature_names_ = names + self._static_names

    def _features(self, windows, targets, past, ahead):
        """Return the estimator's input and the targets, transformed, and what undoes that."""
        states = []
        for transform in self._transforms:
            windows, targets, state = transform.forward(windows, targets)
            states.append(state)
        lagged = windows[:, windows.shape[1] - self._lags]
        features = np.concatenate([lagged, *past, *ahead], axis=1) if past or ahead else lagged
        return features, targets, states

    def _usable(self, history, codes, steps, windows, features, targets):
        """Return the training rows to learn from; warn of those that are skipped."""
        cold = np.isnan(last_known(windows)) | np.isnan(targets).any(axis=1)
        incomplete = np.isnan(features).any(axis=1) & (not self._takes_nan)
        rows = np.flatnonzero(~cold & ~incomplete)
        if not len(rows):
            raise ValueError(
                f"found no whole window to learn from in {len(self.target_history_.ticks)} "
                f"sample(s): window and target_transform look back {len(self._offsets())} steps, "
                f"and horizon={self.horizon} steps must follow. Use a shorter window or horizon, "
                "or an estimator that accepts NaN."
            )
        empty = np.isnan(features[rows]).all(axis=0)
        if empty.any():
            raise ValueError(
                f"{self.window_feature_names_[int(empty.argmax())]} is missing in all training "
                "rows: the window is longer than every series, or the column is empty. Use a "
                "shorter window, or leave the column out."
            )
        # The head of a series never has a whole window; anything else that is skipped is said.
        old = steps - history.ticks[history.starts[codes]] >= windows.shape[1]
        holes = int((incomplete & ~cold & old).sum())
        n_series = len(np.unique(codes))
        short = n_series - len(np.unique(codes[rows]))
        if not self._takes_nan and (holes or short):
            warnings.warn(
                f"not learned from: {short} of {n_series} series, too short for a whole window, "
                f"and {holes} rows with missing values in their window or columns. An estimator "
                "that accepts NaN learns from all of them.",
                stacklevel=4,
            )
        return rows

    def _forecast(self, X, quantiles=None):
        """Return point forecasts of each row, and quantiles if they are asked for."""
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        keys = self._read_keys(X)
        target, past, known, steps = self._timeline(keys, self._read_columns(X)[1])
        last = last_known_steps(target, keys.n_series)
        point = np.full(len(steps), self._mean)
        spread = None if quantiles is None else np.full((len(steps), len(quantiles)), self._mean)
        self._warn_unseen(keys, last, X)
        ahead = steps - last[keys.codes]
        seen = last[keys.codes] > np.iinfo(np.int64).min // 2
        fitted = np.flatnonzero(seen & (ahead <= 0))
        if len(fitted):
            windows = target.windows(keys.codes[fitted], steps[fitted], self._offsets())
            covariates = self._covariates(past, known, keys.codes[fitted], steps[fitted])
            values, ranges = self._ask(windows, *covariates, quantiles, X, fitted)
            point[fitted] = values[:, 0]
            if quantiles is not None:
                spread[fitted] = ranges[:, 0]
        future = np.flatnonzero(seen & (ahead > 0))
        if len(future):
            self._forecast_blocks(
                target, past, known, last, keys.codes, ahead, future, point, spread, quantiles, X
            )
        return point, spread

    def _forecast_blocks(
        self, target, past, known, last, codes, ahead, rows, point, spread, quantiles, X
    ):
        """Forecast rows behind the training table, block by block over all series at once."""
        need = np.zeros(len(last), dtype=np.int64)
        np.maximum.at(need, codes[rows], ahead[rows])
        # Series that reach furthest come first, so that those still running are always a slice.
        series = np.argsort(-need, kind="stable")[: np.count_nonzero(need)]
        place = np.empty(len(last), dtype=np.int64)
        place[series] = np.arange(len(series))
        block = (ahead[rows] - 1) // self.horizon
        by_block = np.argsort(block, kind="stable")
        ends = np.searchsorted(block[by_block], np.arange(block.max() + 2))
        width = len(self._offsets())
        path = np.empty((len(series), width + (int(block.max()) + 1) * self.horizon))
        path[:, :width] = target.windows(series, last[series] + 1, self._offsets())
        observed = self._observed(past, series, last[series] + 1)
        for number in range(int(block.max()) + 1):
            start = number * self.horizon
            running = series[: np.count_nonzero(need > start)]
            moments = last[running] + 1 + start
            # Behind the last known moment observed columns stay at their last value.
            column = np.minimum(self._lags[0] - self._lags + start, self._lags[0] - 1)
            blocks = [values[: len(running), column] for values in observed]
            covariates = blocks, self._ahead(known, running, moments)
            windows = path[: len(running), start : start + width]
            values, ranges = self._ask(windows, *covariates, quantiles, X, running)
            path[: len(running), start + width : start + width + self.horizon] = values
            asked = rows[by_block[ends[number] : ends[number + 1]]]
            step = ahead[asked] - 1 - start
            point[asked] = values[place[codes[asked]], step]
            if quantiles is not None:
                spread[asked] = ranges[place[codes[asked]], step]

    def _timeline(self, keys, known_values):
        """Return histories in steps with the given rows laid over them, and the rows' steps."""
        known, order, place = self._known.overlay(keys, known_values)
        if self.freq_ is not None:
            return self.target_history_, self._past, known, keys.ticks
        target, order, place = self.target_history_.overlay(keys)
        target, moment = count_moments(target)
        past, _ = count_moments(self._past.overlay(keys)[0])
        known, _ = count_moments(known)
        steps = np.empty_like(keys.ticks)
        steps[order] = target.ticks[moment[place]]
        return target, past, known, steps

    def _ask(self, windows, past, ahead, quantiles, X, rows):
        """Ask the estimator for the targets behind some windows, in the unit of the target."""
        cold = np.isnan(windows).all(axis=1)
        if not self._takes_nan:
            windows = fill_windows(windows)
            past = [fill_windows(part) for part in past]
            ahead = [fill_windows(part) for part in ahead]
        empty = np.empty((len(windows), 0))
        features, _, states = self._features(windows, empty, past, ahead)
        usable = ~cold
        if not self._takes_nan:
            missing = np.isnan(features[usable]).any(axis=1)
            if missing.any():
                names = np.array(self.window_feature_names_)
                column = names[np.isnan(features[usable]).any(axis=0)][0]
                raise ValueError(
                    f"{column} is missing for {int(missing.sum())} of {len(missing)} forecasts, "
                    "and the estimator takes no NaN: give X a row with this column for every step "
                    "from the end of the training table on, or use an estimator that accepts NaN."
                )
        values = np.full((len(windows), self.horizon), self._mean)
        ranges = None
        if usable.any():
            asked = np.asarray(self.estimator_.predict(features[usable]), dtype=np.float64)
            values[usable] = self._undo(
                asked.reshape(-1, self.horizon), [state[usable] for state in states]
            )
        if quantiles is not None:
            ranges = np.full((len(windows), self.horizon, len(quantiles)), self._mean)
            if usable.any():
                asked = np.asarray(self.estimator_.predict_quantiles(features[usable], quantiles))
                asked = asked.reshape(-1, self.horizon, len(quantiles))
                for j in range(len(quantiles)):
                    ranges[usable, :, j] = self._undo(
                        asked[:, :, j].copy(), [state[usable] for state in states]
                    )
        return values, ranges

    def _undo(self, targets, states):
        """Return targets in their own unit."""
        for transform, state in zip(reversed(self._transforms), reversed(states)):
            targets = transform.inverse(targets, state)
        return targets

    def _warn_unseen(self, keys, last, X):
        """Warn of series without any known target: they get the mean of the training targets."""
        cold = last[np.unique(keys.codes)] <= np.iinfo(np.int64).min // 2
        if cold.any():
            code = np.unique(keys.codes)[cold][0]
            labels = _read_groups(X, self.group, self.time)[1]
            new = labels[self.groups_.get_indexer(labels) < 0]
            first = self.groups_[code] if code < keys.n_known else new[code - keys.n_known]
            warnings.warn(
                f"{int(cold.sum())} series have no known target, first {show(first)}: they are "
                "forecast by the mean of the training targets. Give them a history with "
                "update(X, y).",
                stacklevel=4,
            )


def _takes_nan(estimator):
    """Tell whether an estimator learns from rows with missing values."""
    if not isinstance(estimator, Pipeline):
        return get_tags(estimator).input_tags.allow_nan
    for _, step in estimator.steps:
        if step is None or step == "passthrough":
            continue
        if not get_tags(step).input_tags.allow_nan:
            return False
        if type(step).__module__.startswith("sklearn.impute"):
            return True
    return True
