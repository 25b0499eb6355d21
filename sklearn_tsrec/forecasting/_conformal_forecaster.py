from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import MetaEstimatorMixin, RegressorMixin
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._keys import KeyedMixin
from sklearn_tsrec._quantile_levels import check_coverage, check_levels
from sklearn_tsrec._sklearn import HasMethods, Interval, StrOptions, fit_context
from sklearn_tsrec._table import check_target
from sklearn_tsrec.forecasting._conformal_base import ConformalBase
from sklearn_tsrec.forecasting._window_forecaster import WindowForecaster


class ConformalForecaster(MetaEstimatorMixin, RegressorMixin, ConformalBase):
    """Give any forecaster intervals that hold as often as they say, and sample paths.

    The forecaster is tried on the folds of a splitter in time. Intervals are as wide as its errors
    there have been, by conformal prediction [1]_: of n errors the k-th largest is taken, with
    ``k = ceil((n + 1) coverage)``, which is right for any n where errors are exchangeable.

    Parameters
    ----------
    estimator : regressor, default=None
        Any regressor on keyed tables, such as :class:`~sklearn_tsrec.WindowForecaster` or a
        pipeline that begins with our features. Its ``group``, ``time`` and ``freq`` are set for it.
        None is ``WindowForecaster()``.
    method : {"cross", "split", "adaptive"}, default="cross"
        How errors are made.

        - ``"split"`` fits once, to the rows before the first test fold, and shows the forecaster
          the others through its ``update`` [2]_. The forecaster that is used is the one whose
          errors are known.
        - ``"cross"`` fits in every fold, and then to all rows: one fit more than there are folds
          [3]_. It learns from the newest rows and, with more rows in each fit, tends to be a little
          wider than needed.
        - ``"adaptive"`` does the same, and learns on by :meth:`update`: new errors take the place
          of the oldest, and the level moves with each miss so that coverage returns after a change
          of any kind [4]_.
    cv : int, splitter, iterable or None, default=None
        The folds. Each must test rows later than those it trains on. An integer is the number of
        splits of a :class:`~sklearn_tsrec.PanelTimeSeriesSplit` of one step, None is ten; give
        one with the ``horizon`` that will be forecast. Its keys are set for it.
    per : {"horizon", "group"} or None, default="horizon"
        What has errors of its own (Mondrian cells [5]_): each step ahead, each series, or nothing.
        Coverage then holds in each of them, and each needs rows enough.
    symmetric : bool, default=True
        Whether intervals reach equally far up and down. If not, each tail is as wide as errors to
        its own side have been: for errors that are skewed, but it needs twice the rows.
    conformity : {"auto", "residual", "quantile"}, default="auto"
        What the errors are errors of: ``"residual"`` of the forecast, or ``"quantile"`` of the
        quantiles that the forecaster gives itself, which keep their shape and are made wider or
        narrower [6]_. ``"auto"`` takes quantiles where there is ``predict_quantiles``.
    levels : list of float, default=(0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
        The quantiles asked of the forecaster with ``conformity="quantile"``. Any other level is
        made from the nearest of them.
    scale : {"error", "difference"} or None, default="error"
        The unit of errors, so that series of any size share one set of them: the mean absolute
        error of the series in the folds before (their geometric mean, newer ones counting for more,
        drawn to what its differences suggest), which uses up the oldest fold; the mean absolute
        difference from one value to the next; or the unit of the target.
    learning_rate : float, default=0.05
        How far a miss moves the level with ``method="adaptive"``.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step, such as ``"D"``. None counts events.
    n_jobs : int, default=None
        Number of jobs; each fits in a fold.
    verbose : int, default=0
        Whether to show the progress of fits.

    Attributes
    ----------
    estimator_ : regressor
        The fitted forecaster.
    calibration_ : DataFrame
        What the intervals are made from: keys, ``fold``, ``step``, ``y_true``, ``y_pred``, the
        quantiles in use such as ``q0.9``, and ``scale``, of each row that a fold tested.
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
    sklearn_tsrec.model_selection.PanelTimeSeriesSplit : The folds.
    sklearn_tsrec.metrics.interval_score : Measures intervals.

    Notes
    -----
    *What is promised.* Errors of a series in time are never quite exchangeable: coverage is exact
    where the future is like the folds, and only ``"adaptive"`` makes up for a change, over time and
    on average. With ``"cross"`` the errors are those of forecasters fitted to fewer rows.

    *Steps* are counted from the last known target of a series. Rows of the training table count as
    one step ahead, and their interval is too narrow where the forecaster has learned them.

    *The level that adapts* is moved by ``learning_rate * (miss rate wanted - share missed)`` at
    each time, over all series or, with ``per="group"``, in each. Show ``update`` as many steps at
    once as will be forecast, or the errors of later steps are never seen. Where the level would ask
    for more than the largest error, the largest is taken.

    *Quantiles never cross*: where those of the forecaster do, they are sorted [7]_.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman and G. Shafer (2005), "Algorithmic Learning in a Random World",
       Springer.
    .. [2] J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman (2018),
       "Distribution-free predictive inference for regression", Journal of the American Statistical
       Association 113(523).
    .. [3] V. Vovk (2015), "Cross-conformal predictors", Annals of Mathematics and Artificial
       Intelligence 74.
    .. [4] I. Gibbs and E. Candès (2021), "Adaptive conformal inference under distribution shift",
       NeurIPS.
    .. [5] V. Vovk (2012), "Conditional validity of inductive conformal predictors", ACML.
    .. [6] Y. Romano, E. Patterson and E. Candès (2019), "Conformalized quantile regression",
       NeurIPS.
    .. [7] V. Chernozhukov, I. Fernández-Val and A. Galichon (2010), "Quantile and probability
       curves without crossing", Econometrica 78(3).
    .. [8] M. Clark, S. Gangopadhyay, L. Hay, B. Rajagopalan and R. Wilby (2004), "The Schaake
       shuffle: a method for reconstructing space-time variability in forecasted precipitation and
       temperature fields", Journal of Hydrometeorology 5(1).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec import ConformalForecaster, PanelTimeSeriesSplit, WindowForecaster
    >>> X = pd.DataFrame(index=pd.date_range("2024-01-01", periods=40, name="day"))
    >>> y = [1.0, 3.0, 2.0, 4.0] * 10
    >>> model = ConformalForecaster(
    ...     WindowForecaster(window=1), cv=PanelTimeSeriesSplit(9, horizon=2), scale=None
    ... ).fit(X[:38], y[:38])
    >>> model.predict_interval(X[38:], coverage=0.9).round(1)
    array([[1.7, 2.5],
           [1.5, 4. ]])
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "method": [StrOptions({"cross", "split", "adaptive"})],
        "cv": ["cv_object"],
        "per": [StrOptions({"horizon", "group"}), None],
        "symmetric": ["boolean"],
        "conformity": [StrOptions({"auto", "residual", "quantile"})],
        "levels": ["array-like"],
        "scale": [StrOptions({"error", "difference"}), None],
        "learning_rate": [Interval(Real, 0, 1, closed="right")],
        "freq": [str, Real, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        **KeyedMixin._key_constraints,
    }

    def __init__(
        self,
        estimator=None,
        *,
        method="cross",
        cv=None,
        per="horizon",
        symmetric=True,
        conformity="auto",
        levels=(0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95),
        scale="error",
        learning_rate=0.05,
        group=None,
        time=None,
        freq="infer",
        n_jobs=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.method = method
        self.cv = cv
        self.per = per
        self.symmetric = symmetric
        self.conformity = conformity
        self.levels = levels
        self.scale = scale
        self.learning_rate = learning_rate
        self.group = group
        self.time = time
        self.freq = freq
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Forecast the folds, keep the errors, and fit the forecaster.

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
            If the table has fewer times than the folds need, no fold has a known target, or
            ``levels`` are no levels.
        """
        levels = self._check_base_levels()
        X = self._check_table(X, reset=True)
        keys = self._fit_keys(X)
        y = check_target(y, X.shape[0], estimator=self)
        estimator = WindowForecaster() if self.estimator is None else self.estimator
        self._calibrate(estimator, X, y.astype(np.float64, copy=False), keys, levels)
        return self

    def update(self, X, y):
        """Show newer rows, without fitting again.

        With ``method="adaptive"`` they are forecast first, so that intervals learn from the errors.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Rows of known or new series; those of remembered moments replace what was remembered.
        y : array-like of shape (n,)
            Their target; NaN marks a missing value.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the forecaster looks back on the training table, but has no ``update``.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        y = check_target(y, X.shape[0], estimator=self).astype(np.float64, copy=False)
        self._show(X, y)
        return self

    def predict(self, X):
        """Return the forecast of each row.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows as the forecaster takes them.

        Returns
        -------
        array of shape (m,)
        """
        check_is_fitted(self)
        self._check_table(X, reset=False)
        return np.asarray(self.estimator_.predict(X))

    def predict_quantiles(self, X, quantiles):
        """Return quantiles of each row.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows as in :meth:`predict`.
        quantiles : array-like of shape (q,)
            Levels between 0 and 1.

        Returns
        -------
        array of shape (m, q)

        Raises
        ------
        ValueError
            If there are too few errors for a level, or none for the step or the series of a row.
        """
        check_is_fitted(self)
        levels = check_levels(quantiles)
        X = self._check_table(X, reset=False)
        return self._quantiles(X, levels)

    def predict_interval(self, X, coverage=0.9):
        """Return an interval for each row.

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

        Raises
        ------
        ValueError
            If there are too few errors for the coverage, or none for the step or the series of a
            row.
        """
        check_coverage(coverage)
        return self.predict_quantiles(X, [(1 - coverage) / 2, (1 + coverage) / 2])

    def predict_paths(self, X, n_paths=100, random_state=None):
        """Return ways that the rows could go, drawn with their dependence from step to step.

        To the forecasts of a series whole paths of errors are added that some series really had
        in some fold, as the Schaake shuffle does. In one draw all series take errors of
        the same fold, so that shocks common to them stay common.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows as in :meth:`predict`.
        n_paths : int, default=100
            Number of paths.
        random_state : int, RandomState instance or None, default=None
            Which errors are drawn.

        Returns
        -------
        array of shape (m, n_paths)
            Each column is one path through all rows.

        Raises
        ------
        ValueError
            If there is no whole path of errors for the steps of the rows.
        """
        check_is_fitted(self)
        if not isinstance(n_paths, Integral) or isinstance(n_paths, bool) or n_paths < 1:
            raise ValueError(f"n_paths must be an integer of at least 1, got {n_paths!r}.")
        X = self._check_table(X, reset=False)
        return self._paths(X, int(n_paths), check_random_state(random_state))

    def _takes_nan(self):
        estimator = WindowForecaster() if self.estimator is None else self.estimator
        return get_tags(estimator).input_tags.allow_nan

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # the columns of X need not say anything of y
        return tags
