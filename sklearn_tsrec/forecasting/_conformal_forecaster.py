import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import KeyedMixin, key_frame, read_groups
from sklearn_tsrec._keys import Keys as RowKeys
from sklearn_tsrec._quantile_levels import check_coverage, check_levels
from sklearn_tsrec._sklearn import HasMethods, Interval, StrOptions, fit_context, safe_indexing
from sklearn_tsrec._steps_ahead import last_known, steps_ahead
from sklearn_tsrec._table import check_target
from sklearn_tsrec._times import show
from sklearn_tsrec._typing import ArrayLike, Columns, Estimator, Freq, Key, Seed, Table
from sklearn_tsrec.forecasting._calibration import Calibration, mean_differences
from sklearn_tsrec.forecasting._window_forecaster import WindowForecaster
from sklearn_tsrec.model_selection._folds import read_folds, rows_to_ask, update_all, with_keys


class ConformalForecaster(MetaEstimatorMixin, RegressorMixin, KeyedMixin, BaseEstimator):
    """Give any forecaster intervals with the coverage asked for, and sample paths.

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

        - ``"split"`` fits once, to the rows before the first test fold, and gives the forecaster
          the others by its ``update`` [2]_. The forecaster that is used is the one whose
          errors are known.
        - ``"cross"`` fits in every fold, and then to all rows: one fit more than there are folds
          [3]_. It learns from the newest rows and, with more rows in each fit, tends to be a little
          wider than needed.
        - ``"adaptive"`` does the same, and goes on by :meth:`update`: new errors take the place of
          the oldest, and the level moves with each miss so that coverage returns after a change
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
    quantiles : list of float, default=(0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
        The quantiles asked of the forecaster with ``conformity="quantile"``. Any other level is
        made from the nearest of them.
    scale : {"error", "difference"} or None, default="error"
        The unit of errors, so that series of any size share one set of them: the mean absolute
        error of the series in the folds before (their geometric mean, newer ones counting for more,
        shrunk to what its differences suggest), which uses up the oldest fold; the mean absolute
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
    each time, over all series or, with ``per="group"``, in each. Give ``update`` as many steps at
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
        "quantiles": ["array-like"],
        "scale": [StrOptions({"error", "difference"}), None],
        "learning_rate": [Interval(Real, 0, 1, closed="right")],
        "freq": [str, Real, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        **KeyedMixin._key_constraints,
    }

    def __init__(
        self,
        estimator: Estimator = None,
        *,
        method: str = "cross",
        cv: Any = None,
        per: str | None = "horizon",
        symmetric: bool = True,
        conformity: str = "auto",
        quantiles: ArrayLike = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95),
        scale: str | None = "error",
        learning_rate: float = 0.05,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
        n_jobs: int | None = None,
        verbose: int = 0,
    ):
        self.estimator = estimator
        self.method = method
        self.cv = cv
        self.per = per
        self.symmetric = symmetric
        self.conformity = conformity
        self.quantiles = quantiles
        self.scale = scale
        self.learning_rate = learning_rate
        self.group = group
        self.time = time
        self.freq = freq
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Forecast the folds, keep the errors, and fit the forecaster.

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
            If the table has fewer times than the folds need, no fold has a known target, or
            ``quantiles`` are no levels.
        """
        levels = self._check_quantiles()
        X = self._check_table(X, reset=True)
        keys = self._fit_keys(X)
        y = check_target(y, X.shape[0], estimator=self)
        estimator = WindowForecaster() if self.estimator is None else self.estimator
        self._calibrate(estimator, X, y.astype(np.float64, copy=False), keys, levels)
        return self

    def update(self, X: Table, y: ArrayLike) -> Self:
        """Remember newer rows, without fitting again.

        With ``method="adaptive"`` they are forecast first, so that intervals learn from the errors.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Rows of known or new series; those of remembered keys replace what was remembered.
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
        keys = self._read_keys(X)
        if self.method == "adaptive":
            self._adapt(X, y, keys)
        update_all([self.estimator_], X, y, "update")
        self._meet(X)
        self._remember(self._history.append(keys, y[:, np.newaxis]))
        if self.method == "adaptive":
            self._calibration.learn_scales()
        return self

    def predict(self, X: Table) -> np.ndarray:
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

    def predict_quantiles(self, X: Table, quantiles: ArrayLike) -> np.ndarray:
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
        base = base_forecasts(self.estimator_, X, self._calibration.quantiles)
        base = base[:, :1] if self._calibration.quantiles is None else base[:, 1:]
        codes, steps, scale = self._place(X)
        for level in levels:
            self._check_count(X, codes, steps, level)
        return self._calibration.quantiles_of(base, codes, steps, scale, levels)

    def predict_interval(self, X: Table, coverage: float = 0.9) -> np.ndarray:
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

    def predict_paths(self, X: Table, n_paths: int = 100, random_state: Seed = 0) -> np.ndarray:
        """Return ways that the rows could go, drawn with their dependence from step to step.

        To the forecasts of a series, whole paths of errors are added that some series had in some
        fold, as the Schaake shuffle does. In one draw all series take errors of
        the same fold, so that shocks common to them stay common.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows as in :meth:`predict`.
        n_paths : int, default=100
            Number of paths.
        random_state : int, RandomState instance or None, default=0
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
        calibration, rng = self._calibration, check_random_state(random_state)
        base = base_forecasts(self.estimator_, X, calibration.quantiles)
        codes, steps, scale = self._place(X)
        paths = calibration.paths(steps)
        self._check_paths(X, codes, steps, paths)
        unit = calibration.path_units(base[:, 1:], scale)
        errors = paths.draw(codes, steps, int(n_paths), rng)
        return base[:, :1] + unit[:, np.newaxis] * errors

    def _check_quantiles(self):
        """Return the levels to ask of the forecaster."""
        levels = check_levels(self.quantiles)
        mirrored = np.allclose(levels + levels[::-1], 1)
        if (np.diff(levels) <= 0).any() or (self.symmetric and not mirrored):
            raise ValueError(
                f"quantiles={show(self.quantiles)} must ascend"
                + (" and, with symmetric=True, mirror each other." if self.symmetric else ".")
            )
        return levels

    # ---- learning

    def _calibrate(self, estimator, X, y, keys, levels):
        """Forecast the folds, score the errors and fit the forecaster."""
        if X.shape[0] == 1:
            raise ValueError("X has n_samples=1 row, of which nothing can be held out.")
        names = {"group": self.group, "time": self.time, "freq": self.freq}
        folds = read_folds(self.cv, X, y, keys.codes, keys.ticks, names, n_splits=10)
        forecasts, self.estimator_ = forecast_folds(
            with_keys(estimator, names),
            X,
            y,
            folds,
            once=self.method == "split",
            conformity=self.conformity,
            levels=levels,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self._calibration = Calibration(
            levels if forecasts[0].shape[1] > 1 else None,
            per=self.per,
            symmetric=self.symmetric,
            scale=self.scale,
            learning_rate=self.learning_rate,
        )
        parts = []
        for number, (fold, forecast) in enumerate(zip(folds, forecasts)):
            train = fold.train
            past = RowKeys(keys.codes[train], keys.ticks[train], keys.n_series, keys.n_known)
            self._remember(History.build(past, y[train]))
            parts.append(self._describe(X, y, keys, fold.test, forecast, number))
        table = pd.concat(parts, ignore_index=True)
        table = table[self._usable(table)].reset_index(drop=True)
        if not len(table):
            raise ValueError(
                "no row that the folds test has a known target, a forecast and, before it, two "
                "known targets of its series: there is no error to learn from."
            )
        self._remember(History.build(keys, y))
        self._calibration.fit(table)
        self._n_folds = len(folds)
        self._publish()

    def _remember(self, history):
        """Remember targets, and where the known ones of each series end."""
        self._history = history
        y = history.values[:, 0]
        self._last = last_known(history.codes, history.ticks, y, history.n_series)
        self._difference = np.append(mean_differences(history), np.nan)

    def _describe(self, X, y, keys, rows, forecast, fold):
        """Return what is known of forecasts of some rows: keys, step, truth, forecasts."""
        labels, _ = key_frame(X, self.group, self.time)
        codes, ticks = keys.codes[rows], keys.ticks[rows]
        bases = self._calibration.bases
        names = bases if bases == ["y_pred"] else ["y_pred", *bases]
        about = {
            "fold": fold,
            "step": steps_ahead(self._last, codes, ticks, self._frequency is not None),
            "y_true": y[rows],
            **dict(zip(names, forecast.T)),
            "code": codes,
            "tick": ticks,
            "difference": self._differences(codes),
        }
        return labels.iloc[rows].assign(**about)

    def _differences(self, codes):
        """Return the mean absolute change of the series of rows; NaN where it is not known."""
        return self._difference[np.minimum(codes, len(self._difference) - 1)]

    def _usable(self, table):
        """Return which forecasts have an error; warn of those that are missing."""
        known = table["y_true"].notna()
        missing = known & ~np.isfinite(table[self._calibration.bases]).all(axis=1)
        if missing.any():
            warnings.warn(
                f"{type(self.estimator_).__name__} gave no forecast for {int(missing.sum())} of "
                f"{len(table)} rows to learn errors from: intervals are made from the others.",
                UserWarning,
                stacklevel=4,
            )
        scaled = table["difference"].notna() | (self.scale is None)
        return known & ~missing & scaled

    def _publish(self):
        """Set the public table of past forecasts."""
        table = self._calibration.table
        self.calibration_ = table.drop(columns=["code", "tick", "difference"])

    def _adapt(self, X, y, keys):
        """Forecast new rows, and learn from the errors."""
        last = np.append(self._last, np.full(keys.n_series, np.iinfo(np.int64).max))
        rows = np.flatnonzero((keys.ticks > last[keys.codes]) & ~np.isnan(y))
        if not len(rows):
            return
        forecast = base_forecasts(self.estimator_, X, self._calibration.quantiles)[rows]
        table = self._describe(X, y, keys, rows, forecast, self._n_folds)
        table = table[self._usable(table)]
        if len(table):
            self._calibration.adapt(table)
            self._n_folds += 1
            self._publish()

    # ---- forecasting

    def _place(self, X):
        """Return the series, the step and the scale of each row."""
        keys = self._read_keys(X)
        codes = keys.codes
        steps = steps_ahead(self._last, codes, keys.ticks, self._frequency is not None)
        scale = self._calibration.scales(codes, self._differences(codes))
        if np.isnan(scale).any():
            raise ValueError(
                f"series {self._name(X, codes[np.isnan(scale).argmax()])} has fewer than two known "
                "targets, so the size of its errors is not known: give them by update(X, y), or "
                "use scale=None."
            )
        return codes, steps, scale

    def _name(self, X, code):
        """Return the label of a series, remembered or new, for an error."""
        if code < len(self.groups_):
            return show(self.groups_[code])
        _, groups = read_groups(X, self.group, self.time)
        new = groups[self.groups_.get_indexer(groups) < 0]
        return show(new[code - len(self.groups_)])

    def _check_count(self, X, codes, steps, level):
        """Raise if some row has no errors, or fewer than a level needs."""
        count, needed = self._calibration.count(codes, steps), self._calibration.needed(level)
        if count.min() >= needed:
            return
        row = int(count.argmin())
        what = {
            None: "all rows together",
            "horizon": f"step {steps[row]}",
            "group": f"series {self._name(X, codes[row])}",
        }[self.per]
        way_out = "give cv more folds, ask for a lower coverage"
        if self.per == "horizon" and not count[row]:
            way_out = f"give cv a PanelTimeSeriesSplit with horizon={steps[row]}"
        if not self.symmetric:
            way_out += ", use symmetric=True"
        if self.per is not None:
            way_out += ", or per=None, which puts all errors together"
        raise ValueError(
            f"the level {level:g} needs errors of at least {needed} rows, but {what} has "
            f"{count[row]}: {way_out}."
        )

    def _check_paths(self, X, codes, steps, paths):
        """Raise if some row has no path of errors to draw from."""
        series, asked = np.unique(codes), np.unique(steps)
        lacking = paths.lacking(series)
        if lacking.any():
            own = self.per == "group"
            who = f"series {self._name(X, series[lacking.argmax()])}" if own else "no series"
            raise ValueError(
                f"{who} has {'no' if own else 'a'} whole path of errors for the steps "
                f"{show(asked.tolist())}: give cv a PanelTimeSeriesSplit with horizon={asked[-1]} "
                "or more" + (", or use per='horizon', where series share errors." if own else ".")
            )

    def _takes_nan(self):
        estimator = WindowForecaster() if self.estimator is None else self.estimator
        return get_tags(estimator).input_tags.allow_nan

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # y need not depend on the columns of X
        return tags


def base_forecasts(model, X, levels):
    """Return the forecast of each row and, with levels, its quantiles, side by side."""
    forecast = np.asarray(model.predict(X), dtype=np.float64).reshape(-1, 1)
    if levels is None:
        return forecast
    quantiles = np.asarray(model.predict_quantiles(X, levels), dtype=np.float64)
    return np.hstack([forecast, np.sort(quantiles, axis=1)])


def forecast_folds(estimator, X, y, folds, *, once, conformity, levels, n_jobs, verbose):
    """Forecast the test rows of each fold.

    Parameters
    ----------
    estimator : estimator
        Unfitted.
    X, y : table and array
        All rows.
    folds : list of Fold
        The folds.
    once : bool
        Whether to fit once, to the training rows of the first fold, and then only update.
    conformity : {"auto", "residual", "quantile"}
        Whether to ask for quantiles.
    levels : array of shape (n_levels,)
        Their levels.
    n_jobs, verbose : int
        As in the forecaster.

    Returns
    -------
    forecasts : list of array of shape (n_rows, 1) or (n_rows, 1 + n_levels)
        What :func:`base_forecasts` returns, for each fold.
    model : estimator
        The forecaster that knows all rows.
    """
    if once:
        return _update_folds(estimator, X, y, folds, conformity, levels, verbose)
    jobs = [delayed(_fit_fold)(clone(estimator), X, y, fold, conformity, levels) for fold in folds]
    jobs.append(delayed(_fit)(clone(estimator), X, y, None))
    done = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    *forecasts, model = tqdm(done, total=len(jobs), desc="calibrate", disable=not verbose)
    return forecasts, model


def _update_folds(estimator, X, y, folds, conformity, levels, verbose):
    """Fit to the training rows of the first fold; update with the others before each forecast."""
    model, seen, forecasts = None, None, []
    for fold in tqdm(folds, desc="calibrate", disable=not verbose):
        if model is None:
            seen = fold.train
            model = _fit(clone(estimator), X, y, seen)
        else:
            _update(model, X, y, np.setdiff1d(fold.train, seen))
            seen = np.union1d(seen, fold.train)
        forecasts.append(_forecast(model, X, fold, conformity, levels))
    _update(model, X, y, np.setdiff1d(np.arange(len(y)), seen))
    return forecasts, model


def _update(model, X, y, rows):
    """Update a fitted model."""
    if len(rows):
        update_all([model], safe_indexing(X, rows), y[rows], "method='split'")


def _fit(model, X, y, rows):
    """Fit to some rows; None are all."""
    return model.fit(X, y) if rows is None else model.fit(safe_indexing(X, rows), y[rows])


def _fit_fold(model, X, y, fold, conformity, levels):
    """Fit to the training rows of a fold and forecast its test rows."""
    return _forecast(_fit(model, X, y, fold.train), X, fold, conformity, levels)


def _forecast(model, X, fold, conformity, levels):
    """Forecast the test rows of a fold."""
    rows = safe_indexing(X, rows_to_ask(model, fold))
    asked = levels if uses_quantiles(model, conformity) else None
    return base_forecasts(model, rows, asked)[: len(fold.test)]


def uses_quantiles(model, conformity):
    """Return whether errors are those of quantiles; raise if they should be and there are none."""
    has = hasattr(model, "predict_quantiles")
    if conformity == "quantile" and not has:
        raise ValueError(
            f"conformity='quantile' needs a forecaster that forecasts quantiles, but "
            f"{type(model).__name__} has no predict_quantiles: use conformity='residual'."
        )
    return has and conformity != "residual"
