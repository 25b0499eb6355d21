"""A regressor on windows, or any forecaster of ours, as a forecaster of sktime."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.tree import DecisionTreeRegressor
from sktime.forecasting.base import BaseForecaster

from sklearn_tsrec._extras import require
from sklearn_tsrec._keys import read_groups, sorted_groups
from sklearn_tsrec._parts import fitted_parts, walks_ahead
from sklearn_tsrec._times import read_times, show
from sklearn_tsrec._typing import Freq
from sklearn_tsrec.ensemble import TemporalStackingRegressor
from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.forecasting._regress import takes_nan
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
from sklearn_tsrec.sktime._errors import measure_errors, spread_errors
from sklearn_tsrec.sktime._series import latest_time

_PANELS = ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"]


class TsrecForecaster(BaseForecaster):
    """Forecast with any regressor, or any forecaster of this package, inside sktime.

    Series, panels and hierarchies are all learned by one model, so that a forecaster of many
    series is fitted once and not series by series.

    Parameters
    ----------
    estimator : regressor or keyed forecaster, default=None
        Any scikit-learn regressor: it is fitted to windows of the past by a
        :class:`~sklearn_tsrec.WindowForecaster` with the parameters below. Or an estimator that
        reads series and times itself, such as a ``WindowForecaster`` with all of its parameters,
        a stack or a search around one, or a pipeline of features and a regressor: it is used as it
        is. None is ``Ridge()``.
    window : int or list of int, default=12
        The number of last values that the regressor sees, or the lags of those it sees.
    horizon : int, default=1
        The number of steps forecast at once; 1 is the recursive forecast.
    target_transform : str, list of str or None, default=None
        How the target is made relative to its own window.
    period : int, default=None
        Steps per season, for some ``target_transform``.
    freq : str or number, default="infer"
        Length of a step, such as ``"D"`` or ``"15min"``.

    Attributes
    ----------
    forecaster_ : estimator
        The fitted forecaster.
    pretrained_ : estimator
        The forecaster that ``pretrain`` fitted.

    See Also
    --------
    SktimeRegressor : The way back: an sktime forecaster as a scikit-learn regressor.
    sklearn_tsrec.WindowForecaster : What forecasts.

    Notes
    -----
    *Horizons* may be relative or absolute, in the future or in the past; in the past the forecast
    is the fitted value, one step ahead. They count from ``cutoff``, the last time of all series:
    a series that ends earlier is forecast further ahead.

    *Exogenous columns* are known ahead: ``predict`` needs them at every step up to the last one
    forecast, of every series. A regressor that takes NaN sees NaN where there is none.

    *Quantiles* are those of the estimator if it has ``predict_quantiles``. If not, they are the
    point forecast plus quantiles of errors, made when they are first asked for: a copy is fitted
    without the latest times, forecasts them from several origins, and its errors are kept for each
    step ahead, in units of the mean absolute change of their series. A
    :class:`~sklearn_tsrec.ConformalForecaster` as the estimator promises more.

    *Other series than those learned from*: ``pretrain`` with the many, ``fit`` with the new ones,
    which are then only remembered. Their times need not be of the same kind.

    ``update`` remembers new rows. With ``update_params=True`` an estimator that has
    ``partial_fit`` learns from those later than all it has seen, and one without ``update`` is
    fitted again to all rows.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from sktime.datasets import load_airline
    >>> from sklearn_tsrec.sktime import TsrecForecaster
    >>> y = load_airline()
    >>> forecaster = TsrecForecaster(
    ...     LinearRegression(), window=13, target_transform=["seasonal", "scale"], period=12)
    >>> forecaster.fit(y).predict(fh=[1, 2, 3]).round(1)
    Period
    1961-01    459.8
    1961-02    433.8
    1961-03    476.1
    Freq: M, Name: Number of airline passengers, dtype: float64
    """

    _tags = {  # noqa: RUF012
        "authors": ["sklearn-tsrec developers"],
        "maintainers": ["sklearn-tsrec developers"],
        "capability:multivariate": False,
        "capability:exogenous": True,
        "capability:insample": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": True,
        "capability:missing_values": True,
        "capability:non_contiguous_X": False,
        "capability:categorical_in_X": False,
        "capability:update": True,
        "capability:pretrain": True,
        "y_inner_mtype": _PANELS,
        "X_inner_mtype": _PANELS,
        "requires-fh-in-fit": False,
        "X-y-must-have-same-index": False,
    }
    # What was seen is in the memory of the forecaster already.
    _config = {"remember_data": False}  # noqa: RUF012

    def __init__(
        self,
        estimator: Any = None,
        *,
        window: int | Sequence[int] = 12,
        horizon: int = 1,
        target_transform: str | Sequence[str] | None = None,
        period: int | None = None,
        freq: Freq = "infer",
    ):
        self.estimator = estimator
        self.window = window
        self.horizon = horizon
        self.target_transform = target_transform
        self.period = period
        self.freq = freq
        super().__init__()
        self._y = self._X = None  # filled after set_config(remember_data=True)
        if sees_through_gaps(estimator):
            self.set_tags(**{"capability:non_contiguous_X": True})

    # ---- shortcuts

    @classmethod
    def pretrained(cls, *, window: int = 64, horizon: int = 12, **params):
        """Return the pretrained net, which needs no training.

        Parameters
        ----------
        window : int, default=64
            The number of last values that it sees; some series must be longer. More is better.
        horizon : int, default=12
            The number of steps forecast at once.
        **params
            Of :class:`~sklearn_tsrec.PatchTransformerRegressor`, such as ``period=7``.

        Returns
        -------
        TsrecForecaster
        """
        from sklearn_tsrec.neural import PatchTransformerRegressor  # torch only where it is wanted

        return cls(PatchTransformerRegressor(**params), window=window, horizon=horizon)

    @classmethod
    def lightgbm(cls, period: int | None = None, **params):
        """Return boosted trees on seasonal differences.

        Parameters
        ----------
        period : int, default=None
            Steps per season; None for no season.
        **params
            Of ``LGBMRegressor``.

        Returns
        -------
        TsrecForecaster

        Raises
        ------
        ImportError
            If LightGBM is not installed.
        """
        return cls(boosting(params), **seasonal_window(period))

    @classmethod
    def stack(cls, period: int | None = None, horizon: int = 1):
        """Return a linear model, boosted trees and the last season, weighed out of fold.

        Parameters
        ----------
        period : int, default=None
            Steps per season; None for no season.
        horizon : int, default=1
            Steps ahead for which the weights are learned.

        Returns
        -------
        TsrecForecaster
        """
        return cls(season_stack(period, horizon))

    # ---- fitting

    def _make_forecaster(self):
        """Return the unfitted forecaster."""
        own = self.get_params(deep=False)
        del own["estimator"]
        if not reads_keys(self.estimator):
            return WindowForecaster(self.estimator, **own)
        defaults = type(self).get_param_defaults()
        for name, value in own.items():
            if value != defaults[name]:
                raise ValueError(
                    f"{name}={show(value)} is given, but {type(self.estimator).__name__} makes "
                    f"windows of its own: set its {name}, or give the regressor alone."
                )
        return clone(self.estimator)

    def _set_cutoff_from_y(self, y):
        """Set the cutoff as sktime does, without asking each series for it."""
        if isinstance(y, pd.DataFrame) and isinstance(y.index, pd.MultiIndex) and len(y):
            self._set_cutoff(latest_time(y.index))
        else:
            super()._set_cutoff_from_y(y)

    def _fit(self, y, X, fh):
        """Fit the forecaster; after ``pretrain`` only remember the rows."""
        self._columns = None if X is None else list(X.columns)
        table, target = tabulate(y, X, self._columns)
        if hasattr(self, "pretrained_"):
            self.forecaster_ = move_memory(self.pretrained_, table, target)
        else:
            self.forecaster_ = self._make_forecaster().fit(table, target)
        self._series, self._start, self._settled = span_series(y.index)
        self._names = list(y.index.names)
        self._learned = self._cutoff[0]
        # Rows are only kept for what the memory of the forecaster does not serve.
        keep = not hasattr(self.forecaster_, "predict_quantiles")
        keep |= not hasattr(self.forecaster_, "update")
        self._seen = (table, target) if keep else None
        self._errors = {}
        return self

    def _pretrain(self, y, X=None, fh=None):
        """Learn from series that need not be those to forecast."""
        self._columns = None if X is None else list(X.columns)
        if y.shape[1] > 1:  # every column is a series
            names = [None, *y.index.names]
            X = None if X is None else pd.concat(dict.fromkeys(y.columns, X), names=names)
            y = pd.concat({c: y[[c]].set_axis(["y"], axis=1) for c in y.columns}, names=names)
        table, target = tabulate(y, X, self._columns)
        if hasattr(getattr(self, "pretrained_", None), "partial_fit"):
            self.pretrained_.partial_fit(table, target)
        else:
            self.pretrained_ = self._make_forecaster().fit(table, target)
        return self

    def _update(self, y, X=None, update_params=True):
        """Remember new rows, and learn from them if asked to."""
        table, target = tabulate(y, X, self._columns)
        model = self.forecaster_
        if self._seen is not None:
            self._seen = tuple(put_rows(old, new) for old, new in zip(self._seen, (table, target)))
        if hasattr(model, "update"):
            model.update(table, target)
            new = table.index.get_level_values(-1) > self._learned
            if update_params and new.any() and hasattr(model, "partial_fit"):
                model.partial_fit(table[new], target[new])
                self._learned = max(self._learned, self._cutoff[0])
        elif update_params:
            model.fit(*self._seen)
        else:
            raise ValueError(
                f"{type(model).__name__} has no update(X, y) to be shown newer rows without "
                "learning from them: use update_params=True."
            )
        series, _, settled = span_series(y.index)
        if series is None or self._series.isin(series).all():
            self._settled = settled
        if series is not None:
            self._series = self._series.union(series)
        return self

    # ---- forecasting

    def _predict(self, fh, X):
        """Return point forecasts."""
        index, rows = self._ask(fh, X)
        forecast = self.forecaster_.predict(rows)[: len(index)]
        return pd.DataFrame(forecast, index=index, columns=self._get_varnames())

    def _predict_quantiles(self, fh, X, alpha):
        """Return quantile forecasts."""
        index, rows = self._ask(fh, X)
        if hasattr(self.forecaster_, "predict_quantiles"):
            quantiles = np.asarray(self.forecaster_.predict_quantiles(rows, alpha))[: len(index)]
        else:
            forecast = self.forecaster_.predict(rows)[: len(index)]
            quantiles = forecast[:, np.newaxis] + self._spread(fh, index, alpha)
        columns = self._get_columns(method="predict_quantiles", alpha=alpha)
        return pd.DataFrame(quantiles, index=index, columns=columns)

    def _spread(self, fh, index, alpha):
        """Return quantiles of the error at each row of an index."""
        steps = count_steps(self._frequency(), self._cutoff, self._times(fh)).clip(min=1)
        n_steps = int(steps.max())
        if hasattr(self, "pretrained_"):
            raise ValueError(
                "after pretrain no errors of the forecaster are known: give an estimator that has "
                "predict_quantiles."
            )
        if n_steps not in self._errors:
            self._errors[n_steps] = measure_errors(self._make_forecaster(), *self._seen, n_steps)
        steps = np.tile(steps, len(index) // len(steps))
        return spread_errors(self._errors[n_steps], self._seen[1], index, steps, alpha)

    def _times(self, fh):
        """Return the times of a horizon."""
        if fh.is_relative and isinstance(self._cutoff, pd.DatetimeIndex) and fh.freq is None:
            times = shift_times(self._frequency(), self._cutoff, fh.to_pandas())
            return times.as_unit(self._cutoff.unit)
        return fh.to_absolute_index(self._cutoff)

    def _frequency(self):
        """Return the calendar that the forecaster learned."""
        for part, _ in fitted_parts(self.forecaster_):
            if getattr(part, "_frequency", None) is not None:
                return part._frequency
        raise ValueError(
            "freq=None counts events, so there is no calendar to count the steps of fh in: give "
            "the length of a step, or an absolute fh."
        )

    def _ask(self, fh, X):
        """Return the index of the forecasts, and the rows to give to the forecaster.

        The first rows are those of the index. Others say what is known at the times in between.
        """
        times = self._times(fh)
        if times.min() < self._start:
            raise ValueError(
                f"fh asks for {times.min()}, but the data begin at {self._start}: there is nothing "
                "before to forecast it from."
            )
        index = cross(self._series, times, self._names)
        if self._columns is None:
            return index, pd.DataFrame(index=index)
        if X is None:
            raise ValueError(
                f"X is missing: the columns {show(self._columns)} were given to fit, so predict "
                "needs them up to the last time forecast."
            )
        if self._series is not None:
            check_series_known(X, self._series)
        rows = X[self._columns].reindex(index)
        if not walks_ahead(self.forecaster_):
            return index, rows
        when = X.index.get_level_values(-1)
        between = X[self._columns][(when > self._settled) & (when < times.max())]
        between = between[~between.index.isin(index)]
        if self._series is not None:
            between = between[between.index.droplevel(-1).isin(self._series)]
        return index, pd.concat([rows, between]) if len(between) else rows

    @classmethod
    def get_test_params(cls, parameter_set: str = "default"):
        """Return parameters of instances to test.

        Parameters
        ----------
        parameter_set : str, default="default"
            Not used: there is one set.

        Returns
        -------
        list of dict
        """
        online = SGDRegressor(random_state=0)
        return [
            {"window": 3},
            {"estimator": DecisionTreeRegressor(random_state=0), "window": 2, "horizon": 2},
            {"estimator": WindowForecaster(online, window=2, target_transform=["last", "scale"])},
            {"estimator": LinearRegression(), "window": [1, 3], "target_transform": "difference"},
        ]


def seasonal_window(period):
    """Return a window of three seasons, and how targets are made relative to it."""
    if period is None or period == 1:
        return {"window": 12, "target_transform": ["last", "scale"]}
    return {"window": 3 * period, "target_transform": ["last_season", "scale"], "period": period}


def boosting(params):
    """Return a LightGBM regressor that grows small trees slowly."""
    defaults = {"n_estimators": 200, "learning_rate": 0.05, "num_leaves": 15, "verbosity": -1}
    return require("lightgbm").LGBMRegressor(**defaults | params)


def season_stack(period, horizon):
    """Return a stack of a linear model, boosted trees and the last season."""
    how = seasonal_window(period)
    steps = period or 1
    naive = WindowForecaster(
        DummyRegressor(strategy="constant", constant=0.0),
        window=steps,
        target_transform="seasonal",
        period=steps,
        columns=[],
    )
    return TemporalStackingRegressor(
        [
            ("linear", WindowForecaster(Ridge(), **how)),
            ("boosting", WindowForecaster(HistGradientBoostingRegressor(random_state=0), **how)),
            ("last_season", naive),
        ],
        cv=PanelTimeSeriesSplit(3, horizon=horizon),
    )


def tabulate(y, X, columns):
    """Return the keyed table and the target of some rows; raise unless X has columns as in fit."""
    if (X is None) != (columns is None):
        given, other = ("no X", "X") if X is None else ("X", "no X")
        raise ValueError(
            f"{given} is given here, but {other} in fit: give the same exogenous columns to all "
            "methods, or to none."
        )
    if X is None:
        table = pd.DataFrame(index=y.index)
    else:
        table = X if X.index.equals(y.index) else X.reindex(y.index)
    return table, y.iloc[:, 0]


def move_memory(pretrained, table, target):
    """Return a forecaster that has learned elsewhere, with a memory of these rows."""
    model = deepcopy(pretrained)
    if isinstance(model, WindowForecaster):
        return model.remember(table, target)
    if not hasattr(model, "update"):
        raise ValueError(
            f"{type(model).__name__} has no update(X, y), so it cannot be shown other series after "
            "pretrain: use a WindowForecaster, or fit without pretrain."
        )
    return model.update(table, target)


def put_rows(old, new):
    """Return rows with new ones, which replace those of the same key."""
    return pd.concat([old[~old.index.isin(new.index)], new]).sort_index()


def reads_keys(estimator):
    """Return whether an estimator, or a part of it, reads series and times itself."""
    names = estimator.get_params() if hasattr(estimator, "get_params") else ()
    return any(name == "time" or name.endswith("__time") for name in names)


def sees_through_gaps(estimator):
    """Return whether known-ahead columns may be missing at steps before the one asked for."""
    if isinstance(estimator, WindowForecaster):
        estimator = estimator.estimator
    elif reads_keys(estimator):
        return False
    return hasattr(estimator, "__sklearn_tags__") and takes_nan(estimator)


def list_series(index):
    """Return the labels of the series of an index, sorted; None for a single one."""
    return span_series(index)[0]


def span_series(index):
    """Return the labels of series as above, their earliest first time and earliest last time."""
    if not isinstance(index, pd.MultiIndex):
        return None, index.min(), index.max()
    codes, groups = read_groups(pd.DataFrame(index=index), None, None)
    times = index.levels[-1]
    order = times.argsort()
    rank = np.empty(len(times), dtype=np.int64)
    rank[order] = np.arange(len(times))
    rank = rank[index.codes[-1]]
    last = np.full(len(groups), -1)
    np.maximum.at(last, codes, rank)
    return sorted_groups(groups, codes)[0], times[order[rank.min()]], times[order[last.min()]]


def cross(series, times, names):
    """Return an index of all series at all times, series by series."""
    if series is None:
        return times.rename(names[0])
    n, h = len(series), len(times)
    levels, codes = [series], [np.arange(n)]
    if isinstance(series, pd.MultiIndex):
        levels, codes = series.levels, series.codes
    order = np.argsort(times)
    return pd.MultiIndex(
        levels=[*levels, times[order]],
        codes=[*(np.repeat(code, h) for code in codes), np.tile(np.argsort(order), n)],
        names=names,
    )


def shift_times(frequency, cutoff, steps):
    """Return the times some steps after the only time of an index."""
    return frequency.times(frequency.ticks(read_times(cutoff))[0] + np.asarray(steps))


def count_steps(frequency, cutoff, times):
    """Return how many steps after the only time of an index some times lie."""
    return frequency.ticks(read_times(times)) - frequency.ticks(read_times(cutoff))[0]


def check_series_known(X, series):
    """Raise if a table of future rows lacks a series."""
    given = list_series(X.index)
    missing = series[given.get_indexer(series) < 0]
    if len(missing):
        raise ValueError(
            f"X has no rows of {len(missing)} of the {len(series)} series that were fitted, first "
            f"{show(missing[0])}: give what is known ahead of every series."
        )
