from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import MetaEstimatorMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import KeyedMixin
from sklearn_tsrec._quantile_levels import check_coverage, check_levels
from sklearn_tsrec._sklearn import HasMethods, Interval, fit_context
from sklearn_tsrec.forecasting._design import WindowDesign
from sklearn_tsrec.forecasting._make_windows import check_lags
from sklearn_tsrec.forecasting._regress import (
    fit_regressor,
    gives_quantiles,
    make_regressor,
    takes_nan,
)
from sklearn_tsrec.forecasting._window_base import WindowBase


def _has_quantiles(forecaster):
    """Tell whether the regressor forecasts quantiles."""
    return gives_quantiles(getattr(forecaster, "estimator_", forecaster.estimator))


def _learns_on(forecaster):
    """Tell whether the regressor can learn on from more windows."""
    return hasattr(getattr(forecaster, "estimator_", forecaster.estimator), "partial_fit")


class WindowForecaster(MetaEstimatorMixin, RegressorMixin, WindowBase):
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
        differences in units of their own size. A window always holds as many values as ``window``
        says; with differences it reaches as much further back.
    period : int, default=None
        Steps per season of ``"seasonal"`` and ``"last_season"``.
    columns : str, int, list of these or None, default=None
        Columns known ahead, such as prices and holidays: the regressor sees their values at the
        times forecast. None takes all columns of X that are neither keys nor named below, for X
        says what is known about a moment; ``[]`` takes none.
    past_columns : str, int, list of these or None, default=None
        Columns that are only observed as time passes, such as weather: the regressor sees their
        windows, and those of the rows given to ``predict`` are never looked at. In later blocks
        they stay at their last known value. A column also named in ``columns`` is known ahead and
        has a window; in later blocks that holds its known values.
    static_columns : str, int, list of these or None, default=None
        Columns that say what a series is, and never change in it.
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
    from it; with any other the mean training target is the forecast, and a warning says so.

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
        verbose=0,
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
    def fit(self, X, y):
        """Remember the training table and fit the regressor to its windows.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            One row for each moment of each series, in any order.
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
        self._fit_memory(X, y)
        table, targets = self._learn_rows()
        estimator = make_regressor(self.estimator, self.horizon)
        self.estimator_ = fit_regressor(estimator, table, targets, self._design.names)
        return self

    def _fit_memory(self, X, y):
        """Do all of ``fit`` but the regressor: learn keys and columns, and remember the rows."""
        lags = check_lags(self.window)
        X = self._check_table(X, reset=True)
        keys = self._fit_keys(X)
        self._fit_columns(X)
        values = self._read_rows(X, y)
        if np.isnan(values[:, 0]).all():
            raise ValueError("y has no known value, all of it is missing: nothing can be learned.")
        self._remember(History.build(keys, values))
        self._level = np.nanmean(values[:, 0])
        n_known, n_past = len(self._names[0]), len(self._names[1])
        self._past_levels = [
            np.nan if np.isnan(column).all() else np.nanmean(column)
            for column in values.T[1 + n_known : 1 + n_known + n_past]
        ]
        self._design = WindowDesign(
            lags, self.horizon, self.target_transform, self.period, *self._names
        )
        self.window_feature_names_ = self._design.names
        self._allow_nan = takes_nan(self.estimator)

    def update(self, X, y):
        """Remember more rows without fitting the regressor again.

        Forecasts then start after the last target remembered of each series.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Rows of known or new series; those of remembered moments replace what was remembered.
        y : array-like of shape (n,)
            Their target; NaN marks a missing value.

        Returns
        -------
        self : object
        """
        self._update_memory(X, y)
        return self

    def _update_memory(self, X, y):
        """Remember more rows, and return their keys."""
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        keys = self._read_unique_keys(X)
        values = self._read_rows(X, y)
        self._meet(X)
        rows = History(self.target_history_.starts, self.target_history_.ticks, self._rows.values)
        self._remember(rows.append(keys, values))
        return keys

    @available_if(_learns_on)
    def partial_fit(self, X, y):
        """Remember more rows and learn from them, where the regressor has ``partial_fit``.

        It learns from the windows whose targets are among the rows given, at least in part.
        Forecasts then start after the last target remembered of each series.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Rows of known or new series; those of remembered moments replace what was remembered.
        y : array-like of shape (n,)
            Their target; NaN marks a missing value.

        Returns
        -------
        self : object
        """
        if not hasattr(self, "estimator_"):
            return self.fit(X, y)
        table, targets = self._learn_rows(self._update_memory(X, y))
        if len(table):
            self.estimator_.partial_fit(table, targets if self.horizon > 1 else targets[:, 0])
        return self

    def predict(self, X):
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
    def predict_quantiles(self, X, quantiles):
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
    def predict_interval(self, X, coverage=0.9):
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

    def _takes_nan(self):
        return takes_nan(self.estimator)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # the columns of X need not say anything of y
        return tags
