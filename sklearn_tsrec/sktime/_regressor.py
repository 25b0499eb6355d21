import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted
from sktime.forecasting.naive import NaiveForecaster
from tqdm import tqdm

from sklearn_tsrec._history import NEVER, History
from sklearn_tsrec._keys import KeyedMixin, Keys, read_groups
from sklearn_tsrec._quantile_levels import check_levels
from sklearn_tsrec._sklearn import HasMethods, Interval, fit_context
from sklearn_tsrec._table import as_list, check_target
from sklearn_tsrec._times import show
from sklearn_tsrec._typing import ArrayLike, Columns, Freq, Key, Table
from sklearn_tsrec.forecasting._steps import place_events
from sklearn_tsrec.sktime._series import (
    fit_series,
    forecast_series,
    no_memory_warning,
    time_index,
)


def _has_quantiles(regressor):
    """Return whether the sktime forecaster gives quantiles."""
    forecaster = regressor.forecaster
    return forecaster is not None and bool(forecaster.get_tag("capability:pred_int"))


class SktimeRegressor(KeyedMixin, MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Forecast with any sktime forecaster, as a scikit-learn regressor on a keyed table.

    Each series has a forecaster of its own. To learn one model of all series, use
    :class:`~sklearn_tsrec.WindowForecaster`.

    Parameters
    ----------
    forecaster : sktime forecaster, default=None
        Any forecaster; it is cloned for each series. None is ``NaiveForecaster()``, the last
        value. Its parameters are reached by names such as ``forecaster__sp``.
    horizon : int, default=None
        Steps ahead that the forecaster is given in ``fit``. Only some forecasters need it, and
        these forecast no further.
    columns : str, int, list of these or None, default=None
        Columns known ahead. None takes all columns of X that are not keys if the forecaster looks
        at exogenous columns at all; ``[]`` takes none.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step, such as ``"D"`` or ``"15min"``. None counts events.
    n_jobs : int, default=None
        Series that are fitted and forecast at once.
    verbose : int, default=0
        Whether to show progress.

    Attributes
    ----------
    forecasters_ : list of sktime forecaster or None
        The fitted forecaster of each series in ``groups_``; None where no target is known.
    groups_ : Index
        The series.
    freq_ : str, number or None
        The length of a step.
    target_history_ : History
        The targets remembered, by series and time.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if X has names that are strings.

    See Also
    --------
    TsrecForecaster : The way back: our forecasters in sktime.
    sklearn_tsrec.WindowForecaster : One model of all series.

    Notes
    -----
    ``predict`` forecasts rows after the last known target of their series, and gives all others
    their fitted value, or NaN where the forecaster has none. The forecaster is given every step
    from the first known target to the last; one that takes no missing values raises at a hole.
    Datetimes lose their time zone.

    Series without any known target, or not seen in ``fit``, get the mean training target, with a
    warning.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktime.forecasting.trend import TrendForecaster
    >>> from sklearn_tsrec.sktime import SktimeRegressor
    >>> days = pd.date_range("2024-01-01", periods=4)
    >>> X = pd.DataFrame(index=pd.MultiIndex.from_product([["a", "b"], days]))
    >>> past = X.index.get_level_values(1) < days[3]
    >>> regressor = SktimeRegressor(TrendForecaster()).fit(X[past], [1, 2, 3, 5, 5, 5])
    >>> regressor.predict(X[~past]).round(3)
    array([4., 5.])
    """

    _parameter_constraints: ClassVar[dict] = {
        "forecaster": [HasMethods(["fit", "predict", "get_tag", "clone"]), None],
        "horizon": [Interval(Integral, 1, None, closed="left"), None],
        "columns": [str, Integral, list, tuple, None],
        "freq": [str, Real, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        **KeyedMixin._key_constraints,
    }

    def __init__(
        self,
        forecaster: Any = None,
        *,
        horizon: int | None = None,
        columns: Columns = None,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
        n_jobs: int | None = None,
        verbose: int = 0,
    ):
        self.forecaster = forecaster
        self.horizon = horizon
        self.columns = columns
        self.group = group
        self.time = time
        self.freq = freq
        self.n_jobs = n_jobs
        self.verbose = verbose

    # ---- fitting

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Fit a forecaster to each series.

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
            If a key is missing or repeats, or the forecaster cannot take the data.
        ImportError
            If the forecaster needs a package that is not installed.
        """
        X = self._check_table(X, reset=True)
        forecaster = self._check_forecaster()
        keys = self._fit_keys(X)
        columns = self.columns
        if not forecaster.get_tag("capability:exogenous"):
            if as_list(columns):
                raise ValueError(
                    f"columns={show(columns)}, but {type(forecaster).__name__} does not look at "
                    "exogenous columns: use columns=None."
                )
            columns = []
        values, self._names = self._select_columns(X, columns)
        self._columns = columns
        y = check_target(y, X.shape[0], estimator=self)
        history = History.build(keys, np.column_stack([y, values]))
        self.target_history_ = History(history.starts, history.ticks, history.values[:, :1])
        steps = history.ticks
        if self._frequency is None:
            steps = np.arange(len(steps)) - np.repeat(history.starts[:-1], np.diff(history.starts))
        self._rows = History(history.starts, steps, history.values)
        self._level = np.nan if np.isnan(y).all() else np.nanmean(y)
        if np.isnan(self._level):
            raise ValueError("y has no known value, all of it is missing: nothing can be learned.")
        self._first = np.full(history.n_series, NEVER)
        self._last = np.full(history.n_series, NEVER)
        tables = [self._series(code, forecaster) for code in range(history.n_series)]
        tasks = (delayed(fit_series)(forecaster, *table, self.horizon) for table in tables)
        self.forecasters_ = self._run(tasks, len(tables), "fit")
        return self

    def _check_forecaster(self):
        """Return the forecaster to clone; raise if it cannot be fitted as it is."""
        with no_memory_warning():
            forecaster = NaiveForecaster() if self.forecaster is None else self.forecaster
        if forecaster.get_tag("requires-fh-in-fit") and self.horizon is None:
            raise ValueError(
                f"{type(forecaster).__name__} needs to know in fit how far to forecast: give "
                "horizon=, the largest number of steps ahead."
            )
        return forecaster

    def _series(self, code, forecaster):
        """Return the target and columns of one series, from its first to its last known target."""
        rows, history = self._rows, slice(*self._rows.starts[code : code + 2])
        known = np.flatnonzero(~np.isnan(rows.values[history, 0]))
        if not len(known):
            return None, None
        first, last = rows.ticks[history][known[[0, -1]]]
        self._first[code], self._last[code] = first, last
        index = time_index(self._frequency, first, last - first + 1)
        table = np.column_stack(
            [
                rows.windows([code], [first], np.arange(len(index)), column)[0]
                for column in range(rows.values.shape[1])
            ]
        )
        if np.isnan(table).any() and not forecaster.get_tag("capability:missing_values"):
            i, j = np.argwhere(np.isnan(table))[0]
            what = "the target" if j == 0 else f"column {self._names[j - 1]!r}"
            raise ValueError(
                f"{what} is missing in series {show(self.groups_[code])} at {index[i]}, and "
                f"{type(forecaster).__name__} takes no missing values: fill it first, for example "
                "with SeriesImputer, or with sktime's Imputer in front of the forecaster."
            )
        y = pd.Series(table[:, 0], index, name="y")
        return y, pd.DataFrame(table[:, 1:], index, self._names) if self._names else None

    def _run(self, tasks, n_tasks, what):
        """Run tasks in parallel, with progress."""
        done = Parallel(n_jobs=self.n_jobs, return_as="generator")(tasks)
        return list(tqdm(done, total=n_tasks, desc=what, disable=not self.verbose))

    # ---- forecasting

    def predict(self, X: Table) -> np.ndarray:
        """Return the forecast of each row.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Any mix of rows, in any order.

        Returns
        -------
        array of shape (m,)
            NaN for rows of the past where the forecaster has no fitted values.
        """
        return self._forecast(X, None)[:, 0]

    @available_if(_has_quantiles)
    def predict_quantiles(self, X: Table, quantiles: ArrayLike) -> np.ndarray:
        """Return quantiles of each row, where the forecaster gives them.

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
        return self._forecast(X, check_levels(quantiles).tolist())

    def _forecast(self, X, levels):
        """Return forecasts or quantiles, of shape (m, 1) or (m, n_levels)."""
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        keys = self._read_keys(X)
        if self._frequency is None:
            steps, new = place_events(self.target_history_, keys)
        else:
            steps, new = keys.ticks, slice(None)
        out = np.full((len(steps), 1 if levels is None else len(levels)), self._level)
        last = np.append(self._last, np.full(keys.n_series - keys.n_known, NEVER))
        self._warn_of_unknown(X, keys.codes[last[keys.codes] == NEVER])
        pool = self._pool_columns(X, keys, steps, new)
        tasks, rows = [], []
        by_series = np.argsort(keys.codes, kind="stable")
        bounds = np.flatnonzero(np.diff(keys.codes[by_series])) + 1
        for at in np.split(by_series, bounds):
            code = keys.codes[at[0]]
            if last[code] == NEVER:
                continue
            ahead = steps[at] - last[code]
            for part in (at[ahead > 0], at[ahead <= 0]):
                if len(part):
                    tasks.append(self._ask(code, steps[part], pool, levels))
                    rows.append(part)
        done = self._run((delayed(_answer)(*task) for task in tasks), len(tasks), "forecast")
        for part, forecast in zip(rows, done):
            out[part] = forecast
        return out

    def _warn_of_unknown(self, X, codes):
        """Say which series cannot be forecast."""
        series = np.unique(codes)
        if len(series):
            labels = self.groups_
            if series[0] >= len(labels):
                _, groups = read_groups(X, self.group, self.time)
                labels = groups[self.groups_.get_indexer(groups) < 0]
                series = series - len(self.groups_)
            warnings.warn(
                f"{len(series)} series have no known target in fit, first "
                f"{show(labels[series[0]])}: their forecast is the mean of the training targets.",
                UserWarning,
                stacklevel=4,
            )

    def _pool_columns(self, X, keys, steps, new):
        """Return the known-ahead columns, those given over those remembered."""
        rows = self._rows
        remembered = History(rows.starts, rows.ticks, rows.values[:, 1:])
        if not self._names:
            return remembered
        values = self._select_columns(X, self._columns)[0]
        given = Keys(keys.codes[new], steps[new], keys.n_series, keys.n_known)
        return remembered.overlay_known(given, values[new])

    def _ask(self, code, steps, pool, levels):
        """Return what to ask the forecaster of one series, and where the answers belong."""
        forecaster, last = self.forecasters_[code], self._last[code]
        ahead = steps - last
        outside = ahead < self._first[code] - last
        if ahead[0] > 0:
            asked = int(ahead.max())
            fixed = forecaster.get_tag("requires-fh-in-fit")
            if fixed and asked > self.horizon:
                raise ValueError(
                    f"a row of series {show(self.groups_[code])} lies {asked} steps ahead, but "
                    f"{type(forecaster).__name__} was fitted for horizon={self.horizon}."
                )
            wanted = np.arange(1, (self.horizon if fixed else asked) + 1)
        else:
            asked = 0
            wanted = np.unique(ahead[~outside])
        table = None
        if self._names and len(wanted):
            table = self._known_columns(forecaster, code, wanted, asked, pool)
        at = np.searchsorted(wanted, ahead)
        return forecaster, wanted, table, levels, np.where(outside, -1, at)

    def _known_columns(self, forecaster, code, wanted, asked, pool):
        """Return the columns of a series at some steps; raise if one is missing."""
        last = self._last[code]
        index = time_index(self._frequency, last + wanted[0], wanted[-1] - wanted[0] + 1)
        index = index[wanted - wanted[0]]
        table = pd.DataFrame(
            {
                name: pool.windows([code], [last], wanted, j)[0]
                for j, name in enumerate(self._names)
            },
            index,
        )
        if asked:  # in the rest of the horizon, which nobody asked for, the last value stands in
            table.iloc[asked:] = table.ffill().iloc[asked:]
        missing = table.isna().to_numpy()
        if missing.any() and not forecaster.get_tag("capability:missing_values"):
            i, j = np.argwhere(missing)[0]
            raise ValueError(
                f"column {self._names[j]!r} is missing in series {show(self.groups_[code])} at "
                f"{index[i]}, up to which a forecast is wanted: give a row with its value."
            )
        return table

    def _takes_nan(self):
        return self.forecaster is not None and bool(
            self.forecaster.get_tag("capability:missing_values")
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # the columns of X need not say anything of y
        return tags


def _answer(forecaster, wanted, table, levels, at):
    """Return the forecasts of the rows of one series."""
    width = 1 if levels is None else len(levels)
    answers = np.full((len(at), width), np.nan)
    inside = at >= 0
    if inside.any():
        answers[inside] = forecast_series(forecaster, wanted, table, levels)[at[inside]]
    return answers
