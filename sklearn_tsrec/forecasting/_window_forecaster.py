import warnings
from collections.abc import Sequence
from copy import copy
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._keys import KeyedMixin, key_frame, read_groups
from sklearn_tsrec._quantile_levels import check_coverage, check_levels
from sklearn_tsrec._sklearn import HasMethods, Interval, fit_context
from sklearn_tsrec._table import check_target
from sklearn_tsrec._times import show
from sklearn_tsrec._typing import ArrayLike, Columns, Estimator, Freq, Key, Table
from sklearn_tsrec.forecasting._design import ForecastWindows, WindowDesign, read_roles
from sklearn_tsrec.forecasting._make_windows import check_lags
from sklearn_tsrec.forecasting._regress import (
    fit_regressor,
    gives_quantiles,
    make_regressor,
    predict_quantiles,
    takes_nan,
)
from sklearn_tsrec.forecasting._window_memory import WindowMemory


def _has_quantiles(forecaster):
    """Return whether the regressor forecasts quantiles."""
    return gives_quantiles(getattr(forecaster, "estimator_", forecaster.estimator))


def _continues_training(forecaster):
    """Return whether the regressor can continue training on more windows."""
    return hasattr(getattr(forecaster, "estimator_", forecaster.estimator), "partial_fit")


class WindowForecaster(MetaEstimatorMixin, RegressorMixin, KeyedMixin, BaseEstimator):
    """Forecast with any regressor on windows of the past, one model for all series.

    The regressor is given, for each time of each series, the window of the last values before it,
    and learns the value at it (``horizon=1``) or the values from it on. Times further ahead are
    forecast from forecasts, block after block.

    Parameters
    ----------
    estimator : regressor, default=None
        Any scikit-learn regressor, pipelines included. None is ``Ridge()``. One that knows a
        single output is fitted once for each step of the horizon.
    window : int or list of int, default=12
        The number of last values that the regressor sees, or the lags of those it sees. Steps are
        counted in time, so that a hole in the data is a missing value in the window.
    horizon : int, default=1
        The number of steps forecast at once; 1 is the recursive forecast.
    target_transform : str, list of str or None, default=None
        How the target is made relative to its own window, before the regressor and back after it:

        - ``"last"`` subtracts the newest value of the window;
        - ``"last_season"`` subtracts from each target the newest known value that lies whole
          periods before it, and from the window the newest of these: the regressor learns seasonal
          differences and yet sees levels;
        - ``"scale"`` divides by the mean absolute value of the window (1 where that is 0);
        - ``"difference"`` takes differences from one step to the next;
        - ``"seasonal"`` takes differences from one ``period`` to the next.

        Several are applied in the order given: ``["seasonal", "scale"]`` learns seasonal
        differences in units of their own size. A window always holds ``window`` values; with
        differences it reaches as much further back.
    period : int, default=None
        Steps per season of ``"seasonal"`` and ``"last_season"``.
    columns : str, int, list of these or None, default=None
        Columns known ahead, such as prices and holidays: the regressor sees their values at the
        times forecast. None takes all columns of X that are neither keys nor named below, for X
        holds what is known about a row; ``[]`` takes none.
    past_columns : str, int, list of these or None, default=None
        Columns that are only observed as time passes, such as weather: the regressor sees their
        windows, and those of the rows given to ``predict`` are never looked at. In later blocks
        they stay at their last known value. A column also named in ``columns`` is known ahead and
        has a window; in later blocks that holds its known values.
    static_columns : str, int, list of these or None, default=None
        Columns that describe a series, and never change in it.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step, such as ``"D"`` or ``"15min"``. None counts events; events of a series at
        one time never see each other, and future ones at one time are one step, with the mean of
        their columns.
    verbose : int, default=0
        Whether to show the progress of recursive forecasts.

    Attributes
    ----------
    estimator_ : regressor
        The fitted regressor; a :class:`~sklearn.multioutput.MultiOutputRegressor` around it where
        it had to be fitted for each step.
    window_feature_names_ : list of str
        What the columns given to the regressor hold: ``y__lag7`` is the target 7 steps before
        the first time forecast, ``promo__lag0`` a known-ahead column at that time and
        ``promo__ahead1`` one step later.
    target_history_ : History
        The targets remembered, by series and time.
    groups_ : Index
        The series remembered.
    freq_ : str, number or None
        The length of a step.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if X has names that are strings.

    See Also
    --------
    make_windows : The windows and targets alone.
    sklearn_tsrec.model_selection.PanelTimeSeriesSplit : Folds for ``GridSearchCV``.
    sklearn_tsrec.features.WindowStatistics : Statistics of windows, in a pipeline as estimator.

    Notes
    -----
    *What is missing.* Targets may be NaN. A regressor that takes NaN (its tag ``allow_nan``) learns
    from windows with holes and from those that reach beyond the first value. Any other learns from
    complete rows only; when it forecasts from a window with holes, the value before each hole
    stands in, or the value after it, or the mean training target where the window is empty. The
    same stands in, for all regressors, for a value that ``target_transform`` refers to.

    *Series without any known target* have an empty window. A regressor that takes NaN forecasts
    from it; with any other the mean training target is the forecast, with a warning.

    *Known-ahead columns* must be given for every time up to the last one forecast: a regressor
    that takes NaN sees NaN where they are not, any other raises. In the rest of a block, which
    nobody asked for, the last value stands in.

    References
    ----------
    .. [1] P. Montero-Manso and R. J. Hyndman (2021), "Principles and algorithms for forecasting
       groups of time series: locality and globality", International Journal of Forecasting 37(4).
    .. [2] S. Ben Taieb, G. Bontempi, A. Atiya and A. Sorjamaa (2012), "A review and comparison of
       strategies for multi-step ahead time series forecasting", Expert Systems with Applications
       39(8).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_tsrec import WindowForecaster
    >>> days = pd.date_range("2024-01-01", periods=12)
    >>> X = pd.DataFrame(index=days)
    >>> forecaster = WindowForecaster(LinearRegression(), window=3, target_transform="last")
    >>> forecaster = forecaster.fit(X[:9], [1, 2, 4, 1, 2, 4, 1, 2, 4])
    >>> forecaster.predict(X[9:]).round(3)
    array([1., 2., 4.])
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "window": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "target_transform": [str, list, tuple, None],
        "period": [Interval(Integral, 1, None, closed="left"), None],
        "columns": [str, Integral, list, tuple, None],
        "past_columns": [str, Integral, list, tuple, None],
        "static_columns": [str, Integral, list, tuple, None],
        "freq": [str, Real, None],
        "verbose": ["verbose"],
        **KeyedMixin._key_constraints,
    }

    def __init__(
        self,
        estimator: Estimator = None,
        *,
        window: int | Sequence[int] = 12,
        horizon: int = 1,
        target_transform: str | Sequence[str] | None = None,
        period: int | None = None,
        columns: Columns = None,
        past_columns: Columns = None,
        static_columns: Columns = None,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
        verbose: int = 0,
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
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Remember the training table and fit the regressor to its windows.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            One row for each time of each series, in any order.
        y : array-like of shape (n,)
            The target; NaN marks a missing value.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there is nothing to learn from, keys are missing or repeat, or a column is unknown.
        """
        self._remember(X, y)
        table, targets, learned, n_holes = self._memory.training_windows()
        self._report_skipped(learned, n_holes)
        estimator = make_regressor(self.estimator, self.horizon)
        table = self._with_names(table)
        self.estimator_ = fit_regressor(estimator, table, targets, self.window_feature_names_)
        return self

    def remember(self, X: Table, y: ArrayLike) -> Self:
        """Remember other rows in place of all others, without fitting the regressor again.

        A regressor that was fitted to some series then forecasts others.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Rows as in :meth:`fit`, of any series, with the columns that the regressor knows.
        y : array-like of shape (n,)
            Their target; NaN marks a missing value.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the columns are not those of ``fit``.
        """
        check_is_fitted(self)
        other = copy(self)  # what is refused leaves this forecaster as it was
        other._remember(X, y)
        if other.window_feature_names_ != self.window_feature_names_:
            raise ValueError(
                f"the regressor was fitted to the columns {show(self.window_feature_names_)}, but "
                f"these rows give {show(other.window_feature_names_)}: give the same columns to "
                "both."
            )
        vars(self).update(vars(other))
        return self

    def _remember(self, X, y):
        """Do all of ``fit`` but the regressor: learn keys and columns, and remember the rows."""
        lags = check_lags(self.window)
        X = self._check_table(X, reset=True)
        keys = self._fit_keys(X)
        self._columns = read_roles(
            X, self._key_columns(X), self.columns, self.past_columns, self.static_columns
        )
        names = [self._select_columns(X[:1], columns)[1] for columns in self._columns]
        values = self._read_rows(X, y)
        if np.isnan(values[:, 0]).all():
            raise ValueError("y has no known value, all of it is missing: nothing can be learned.")
        design = WindowDesign(lags, self.horizon, self.target_transform, self.period, *names)
        self._hold(
            WindowMemory(
                design,
                keys,
                values,
                calendar=self._frequency is not None,
                allow_nan=takes_nan(self.estimator),
            )
        )
        self.window_feature_names_ = design.names

    def update(self, X: Table, y: ArrayLike) -> Self:
        """Remember more rows without fitting the regressor again.

        Forecasts then start after the last target remembered of each series.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Rows of known or new series; those of remembered keys replace what was remembered.
        y : array-like of shape (n,)
            Their target; NaN marks a missing value.

        Returns
        -------
        self : object
        """
        self._append(X, y)
        return self

    def _append(self, X, y):
        """Remember more rows, and return their keys."""
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        keys = self._read_unique_keys(X)
        values = self._read_rows(X, y)
        self._meet(X)
        self._hold(self._memory.append(keys, values))
        return keys

    def _hold(self, memory):
        """Hold a memory; raise if a static column changes in a series."""
        changing = memory.changing_static()
        if changing is not None:
            name, code = changing
            raise ValueError(
                f"static_columns: {name!r} changes in series {show(self.groups_[code])}. Name it "
                "in columns= (known ahead) or past_columns= (observed) instead."
            )
        self._memory = memory
        self.target_history_ = memory.targets

    @available_if(_continues_training)
    def partial_fit(self, X: Table, y: ArrayLike) -> Self:
        """Remember more rows and learn from them, where the regressor has ``partial_fit``.

        It learns from the windows whose targets are among the rows given, at least in part.
        Forecasts then start after the last target remembered of each series.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Rows of known or new series; those of remembered keys replace what was remembered.
        y : array-like of shape (n,)
            Their target; NaN marks a missing value.

        Returns
        -------
        self : object
        """
        if not hasattr(self, "estimator_"):
            return self.fit(X, y)
        keys = self._append(X, y)
        table, targets, _, _ = self._memory.training_windows(keys)
        if len(table):
            targets = targets if self.horizon > 1 else targets[:, 0]
            self.estimator_.partial_fit(self._with_names(table), targets)
        return self

    def predict(self, X: Table) -> np.ndarray:
        """Return the forecast of each row.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Any mix of rows, in any order. Rows after the last known target of their series are
            forecast from there; all others from the values before them, one step ahead.

        Returns
        -------
        array of shape (m,)
        """
        return self._forecast(X)[0]

    @available_if(_has_quantiles)
    def predict_quantiles(self, X: Table, quantiles: ArrayLike) -> np.ndarray:
        """Return quantiles of each row, where the regressor has ``predict_quantiles``.

        Beyond the first block they are those of the last block, given the point forecasts before.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows as in :meth:`predict`.
        quantiles : array-like of shape (q,)
            Levels between 0 and 1.

        Returns
        -------
        array of shape (m, q)
        """
        return self._forecast(X, check_levels(quantiles))[1]

    @available_if(_has_quantiles)
    def predict_interval(self, X: Table, coverage: float = 0.9) -> np.ndarray:
        """Return the central interval of each row, where the regressor has ``predict_quantiles``.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows as in :meth:`predict`.
        coverage : float, default=0.9
            Share of targets that the interval shall hold.

        Returns
        -------
        array of shape (m, 2)
            Lower and upper ends.
        """
        check_coverage(coverage)
        return self.predict_quantiles(X, [(1 - coverage) / 2, (1 + coverage) / 2])

    def training_windows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what the regressor learns from, given all rows remembered.

        Returns
        -------
        table : array of shape (n, n_features)
            One row for each window; ``window_feature_names_`` names the columns.
        targets : array of shape (n, horizon)
            The values after it, relative to it as ``target_transform`` makes them.
        """
        check_is_fitted(self)
        return self._memory.training_windows()[:2]

    def forecast_windows(self, X: Table) -> tuple[list[ForecastWindows], np.ndarray]:
        """Return what the regressor is given to forecast rows.

        Rows further ahead than the horizon are forecast from a window that holds forecasts.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows as in :meth:`predict`.

        Returns
        -------
        blocks : list of ForecastWindows
            Each has a ``table`` of shape (n, n_features), and ``to_target`` that turns outputs of
            the regressor, of shape (n, horizon), to units of the target.
        place : int64 array of shape (m,)
            Which of the outputs of all blocks, flattened one after the other, is the forecast of a
            row; -1 where it is the mean of the training targets, as in a series without any.
        """
        blocks = []

        def regress(table, states):
            blocks.append(ForecastWindows(table.copy(), states, self._memory.design))
            return self._regress(table, states)

        n_rows, parts = self._parts(X)
        place = np.full(n_rows, -1)
        n_outputs, horizon = 0, self.horizon
        for rows, origins, slot, ahead in parts:
            done = len(blocks)
            origins.forecast(regress)
            sizes = [len(block.table) * horizon for block in blocks[done:]]
            first = n_outputs + np.cumsum([0, *sizes])
            block, step = np.divmod(ahead - 1, horizon)
            place[rows] = first[block] + slot * horizon + step
            n_outputs = first[-1]
        return blocks, place

    # ---- columns

    def _read_columns(self, X):
        """Return the columns in use."""
        return self._select_columns(X, [c for role in self._columns for c in role])[0]

    def _read_rows(self, X, y):
        """Return the target and the columns in use."""
        values = self._read_columns(X)
        y = check_target(y, X.shape[0], estimator=self)
        dtype = np.result_type(y, values) if values.shape[1] else y.dtype
        out = np.empty((len(y), 1 + values.shape[1]), dtype=dtype, order="F")
        out[:, 0] = y
        out[:, 1:] = values
        return out

    def _read_unique_keys(self, X):
        """Return the keys of a table; raise if one repeats, except in event logs."""
        keys = self._read_keys(X)
        if self._frequency is not None:
            n_repeated, at = keys.repeated()
            if n_repeated:
                row = key_frame(X, self.group, self.time)[0].iloc[at]
                where = ", ".join(f"{k}={show(v)}" for k, v in row.items())
                raise ValueError(f"(group, time) repeats, first for {where}: keep one row.")
        return keys

    # ---- learning

    def _report_skipped(self, learned, n_holes):
        """Warn of series and rows that are not learned from; raise if none is left."""
        memory = self._memory
        reach = f"window and target_transform look back {memory.design.reach} step(s)"
        if not learned.any():
            raise ValueError(
                f"found no whole window to learn from in n_samples={len(memory.rows.ticks)} row(s):"
                f" {reach}, and horizon={self.horizon} known target(s) must follow. Use a smaller "
                "window or horizon, or a regressor that takes NaN."
            )
        short = int((~learned).sum())
        if short or n_holes:
            first = f", first {show(self.groups_[~learned][0])}" if short else ""
            advice = (
                "" if memory.allow_nan else " A regressor that takes NaN needs no whole window."
            )
            warnings.warn(
                f"not learned from: {short} of {len(learned)} series, too short{first}, and "
                f"{n_holes} row(s) with missing values in their window or columns. The {reach}, "
                f"and horizon={self.horizon} known target(s) must follow.{advice}",
                UserWarning,
                stacklevel=4,
            )

    # ---- forecasting

    def _forecast(self, X, levels=None) -> tuple[np.ndarray, Any]:
        """Return the forecast of each row, and its quantiles or None."""
        n_rows, parts = self._parts(X)
        memory = self._memory
        out = np.full(n_rows, memory.level, dtype=memory.rows.values.dtype)
        spread = None if levels is None else np.full((n_rows, len(levels)), memory.level)
        for rows, origins, slot, ahead in parts:
            forecasts, quantiles = origins.forecast(
                lambda table, states: self._regress(table, states, levels),
                n_quantiles=0 if levels is None else len(levels),
                verbose=self.verbose,
            )
            out[rows] = forecasts[slot, ahead - 1]
            if levels is not None:
                spread[rows] = quantiles[slot, ahead - 1]
        return out, spread

    def _parts(self, X):
        """Return the number of rows, and those that are forecast together with their origins."""
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        keys = self._read_unique_keys(X)
        questions = self._memory.ask(keys, self._read_columns(X))
        if questions.unknown.any() and not self._memory.allow_nan:
            series = np.unique(keys.codes[questions.unknown])
            warnings.warn(
                f"{len(series)} series have no known target, first "
                f"{self._name_series(X, series[0])}: they are forecast by the mean of the "
                "training targets. Give them a history with update(X, y), or use a regressor "
                "that takes NaN.",
                UserWarning,
                stacklevel=4,
            )
        parts = questions.parts()
        for _, origins, _, _ in parts:
            self._check_complete(X, origins)
        return len(questions), parts

    def _check_complete(self, X, origins):
        """Raise if a column is missing where the regressor needs it."""
        design = self._memory.design
        missing = origins.missing_known()
        if missing is not None:
            i, j, h = missing
            time = f"step {origins.start[i] + h}"
            if self._frequency is not None:
                time = f"time {self._frequency.times([origins.start[i] + h])[0]}"
            raise ValueError(
                f"column {design.known[j]!r} is known ahead, but missing in series "
                f"{self._name_series(X, origins.codes[i])} at {time}, up to which a forecast is "
                "wanted: give a row with its value (a gap of a splitter leaves such rows out; "
                "backtest gives them), or use a regressor that takes NaN, such as "
                "HistGradientBoostingRegressor or a pipeline with SimpleImputer."
            )
        missing = origins.missing_static()
        if missing is not None:
            i, j = missing
            raise ValueError(
                f"static column {design.static[j]!r} is missing in series "
                f"{self._name_series(X, origins.codes[i])}: give its value, or use a regressor "
                "that takes NaN, such as HistGradientBoostingRegressor or a pipeline with "
                "SimpleImputer."
            )

    def _regress(self, table, states, levels=None):
        """Return forecasts of shape (n, horizon), and their quantiles or None."""
        horizon, table = self.horizon, self._with_names(table)
        forecast = np.asarray(self.estimator_.predict(table)).reshape(len(table), horizon)
        quantiles = None
        if levels is not None:
            quantiles = predict_quantiles(self.estimator_, table, horizon, levels)
        return self._memory.design.chain.inverse(forecast, states, quantiles)

    def _with_names(self, table):
        """Return the table, with the names of its columns for a regressor that reads them."""
        if not getattr(self.estimator, "reads_window_names", False):
            return table
        return pd.DataFrame(table, columns=self.window_feature_names_)

    def _name_series(self, X, code):
        """Return the label of a series, remembered or new, for an error."""
        if code < len(self.groups_):
            return show(self.groups_[code])
        _, groups = read_groups(X, self.group, self.time)
        new = groups[self.groups_.get_indexer(groups) < 0]
        return show(new[code - len(self.groups_)])

    def _takes_nan(self):
        return takes_nan(self.estimator)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # y need not depend on the columns of X
        return tags
