import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec.inspection._style import color_of, date_axis, ink, pyplot, quiet


class ForecastDisplay:
    """Forecasts of several series beside what happened, in small multiples.

    Make it with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    y_true : Series
        What is known, with an index of (group …, time) or of time alone.
    y_pred : Series or dict of Series
        Forecasts, with an index of the same kind; several by the name of the model.
    interval : DataFrame of two columns or list of these, default=None
        Lower and upper bounds, with the index of ``y_pred``, or of its first forecasts. Several
        make a fan.
    paths : DataFrame, default=None
        Sample paths, one column each, with the index of ``y_pred``, or of its first forecasts.
    max_series : int, default=6
        How many series to show: the first ones that have forecasts.
    n_history : int, default=None
        How many known values before the first forecast to show; None shows all.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The picture.
    axes_ : ndarray of matplotlib Axes
        One for each series.
    history_lines_ : list of Line2D
        What is known of each series, where anything is.
    lines_ : list of Line2D
        The forecasts of each series, model by model.
    fill_between_ : list of PolyCollection
        The intervals of each series, if there are any.
    path_lines_ : list of Line2D
        The sample paths of each series, if there are any.

    See Also
    --------
    BacktestDisplay : Errors by step or by cutoff.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from sklearn_tsrec.inspection import ForecastDisplay
    >>> days = pd.date_range("2024-01-01", periods=6, name="day")
    >>> known = pd.Series([1.0, 2, 3, 4, 5, 6], days)
    >>> display = ForecastDisplay.from_predictions(known, known[4:] + 0.5)
    >>> len(display.axes_)
    1
    """

    def __init__(self, y_true, y_pred, *, interval=None, paths=None, max_series=6, n_history=None):
        self.y_true = y_true
        self.y_pred = y_pred
        self.interval = interval
        self.paths = paths
        self.max_series = max_series
        self.n_history = n_history

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        coverage=None,
        n_paths=0,
        random_state=0,
        max_series=6,
        n_history=None,
        axes=None,
    ):
        """Forecast the rows of X and draw them.

        Parameters
        ----------
        estimator : estimator
            A fitted regressor on keyed tables, such as :class:`~sklearn_tsrec.WindowForecaster`.
        X : DataFrame
            Rows to forecast, with keys in the index.
        y : Series
            Known values, with an index of the same kind: history, and the truth where it is known.
        coverage : float or list of float, default=None
            Coverage of an interval to draw, if the estimator has ``predict_interval``; several make
            a fan.
        n_paths : int, default=0
            Number of sample paths to draw, if the estimator has ``predict_paths``.
        random_state : int, RandomState instance or None, default=0
            Which paths are drawn.
        max_series, n_history : int or None
            As in the class.
        axes : array of matplotlib Axes, default=None
            Where to draw: one for each series. None makes a figure.

        Returns
        -------
        display : ForecastDisplay
            The display, drawn.
        """
        check_is_fitted(estimator)
        if not isinstance(X, pd.DataFrame) or not isinstance(y, pd.Series):
            raise TypeError(
                "X must be a DataFrame and y a Series with keys in the index: use as_panel, or "
                f"from_predictions; got {type(X).__name__} and {type(y).__name__}."
            )
        y_pred = pd.Series(np.asarray(estimator.predict(X)), X.index)
        interval = paths = None
        if coverage is not None:
            interval = [
                pd.DataFrame(estimator.predict_interval(X, level), X.index)
                for level in np.sort(np.atleast_1d(coverage))[::-1]
            ]
        if n_paths:
            paths = estimator.predict_paths(X, n_paths=n_paths, random_state=random_state)
            paths = pd.DataFrame(paths, X.index)
        return cls.from_predictions(
            y,
            y_pred,
            interval=interval,
            paths=paths,
            max_series=max_series,
            n_history=n_history,
            axes=axes,
        )

    @classmethod
    def from_predictions(
        cls, y_true, y_pred, *, interval=None, paths=None, max_series=6, n_history=None, axes=None
    ):
        """Draw forecasts that are already there.

        Parameters
        ----------
        y_true, y_pred, interval, paths, max_series, n_history
            As in the class.
        axes : array of matplotlib Axes, default=None
            Where to draw: one for each series. None makes a figure.

        Returns
        -------
        display : ForecastDisplay
            The display, drawn.
        """
        forecasts = _by_name(y_pred)
        if not forecasts:
            raise ValueError("y_pred is empty: give at least one model's forecasts.")
        given = {"y_true": y_true} | {
            f"y_pred[{name!r}]" if isinstance(y_pred, dict) else "y_pred": forecast
            for name, forecast in forecasts.items()
        }
        for name, values in given.items():
            if not isinstance(values, pd.Series):
                raise TypeError(f"{name} must be a pandas Series with keys in the index.")
            if name != "y_true" and not len(values):
                raise ValueError(f"{name} is empty: there is no forecast to draw.")
            if values.index.nlevels != y_true.index.nlevels:
                raise ValueError(
                    f"y_true has {y_true.index.nlevels} levels of keys, but {name} "
                    f"{values.index.nlevels}: give both the same index levels."
                )
        first = next(iter(forecasts.values()))
        for name, tables in (("interval", _as_list(interval)), ("paths", _as_list(paths))):
            if not all(isinstance(t, pd.DataFrame) and t.index.equals(first.index) for t in tables):
                raise ValueError(f"{name} must be a DataFrame with the index of y_pred.")
        if max_series < 1:
            raise ValueError(f"max_series must be at least 1, got {max_series!r}.")
        if n_history is not None and n_history < 0:
            raise ValueError(f"n_history must be at least 0 or None, got {n_history!r}.")
        display = cls(
            y_true,
            y_pred,
            interval=interval,
            paths=paths,
            max_series=max_series,
            n_history=n_history,
        )
        return display.plot(axes=axes)

    def plot(self, *, axes=None, n_columns=3):
        """Draw the display.

        Parameters
        ----------
        axes : array of matplotlib Axes, default=None
            Where to draw: one for each series. None makes a figure.
        n_columns : int, default=3
            How many series stand side by side in a new figure.

        Returns
        -------
        display : ForecastDisplay
            The display itself.
        """
        plt = pyplot()
        forecasts = {name: dict(_by_series(y)) for name, y in _by_name(self.y_pred).items()}
        series = list(next(iter(forecasts.values())))[: self.max_series]
        own_figure = axes is None
        if own_figure:
            columns = min(n_columns, len(series))
            rows = -(-len(series) // columns)
            _, grid = plt.subplots(
                rows, columns, squeeze=False, layout="constrained",
                figsize=(1.6 + 3.4 * columns, 0.7 + 2.1 * rows),
            )  # fmt: skip
            for ax in grid.flat[len(series) :]:
                ax.set_visible(False)
            axes = grid.flat[: len(series)]
        self.axes_ = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
        if len(self.axes_) < len(series):
            raise ValueError(
                f"axes has {len(self.axes_)} axes for {len(series)} series: give one for each, or "
                "lower max_series."
            )
        self.figure_ = self.axes_[0].figure
        known = dict(_by_series(self.y_true))
        fan = [dict(_by_series(bounds)) for bounds in _as_list(self.interval)]
        paths = dict(_by_series(self.paths)) if self.paths is not None else {}
        self.history_lines_, self.lines_, self.fill_between_ = [], [], []
        self.path_lines_ = []
        for ax, name in zip(self.axes_, series):
            own = {model: parts.get(name) for model, parts in forecasts.items()}
            bounds = [part[name] for part in fan if name in part]
            self._draw(ax, name, known.get(name), own, bounds, paths.get(name))
        handles = self.axes_[0].get_legend_handles_labels()
        if own_figure:  # above the series, where it hides nothing
            self.figure_.legend(*handles, loc="outside upper right", ncols=4, frameon=False)
        else:
            self.axes_[0].legend(*handles, frameon=False)
        return self

    def _draw(self, ax, name, known, forecasts, fan, paths):
        """Draw one series."""
        first = next(iter(forecasts.values()))
        if known is not None:
            if self.n_history is not None:
                start = known.index.searchsorted(first.index[0])
                known = known.iloc[max(start - self.n_history, 0) :]
            self.history_lines_ += ax.plot(
                _x(known), known.to_numpy(), color=ink(ax), lw=1.1, label="actual"
            )
        for bounds in fan:  # one over the other: the middle is the darkest
            low, high = bounds.iloc[:, 0], bounds.iloc[:, 1]
            self.fill_between_.append(
                ax.fill_between(_x(bounds), low, high, color=color_of(0), alpha=0.18, lw=0)
            )
        if paths is not None:
            self.path_lines_ += ax.plot(
                _x(paths), paths.to_numpy(), color=color_of(0), lw=0.7, alpha=0.4
            )
        for number, (model, forecast) in enumerate(forecasts.items()):
            if forecast is None:
                continue
            self.lines_ += ax.plot(
                _x(forecast), forecast.to_numpy(), color=color_of(number), lw=2, label=model
            )
        if name is not None:
            ax.set_title(name, fontsize="medium", loc="left")
        quiet(ax)
        date_axis(ax, _x(first))


def _as_list(tables):
    """Return none, one or several tables as a list."""
    if tables is None:
        return []
    return list(tables) if isinstance(tables, (list, tuple)) else [tables]


def _by_name(y_pred):
    """Return the forecasts of each model by its name."""
    return y_pred if isinstance(y_pred, dict) else {"forecast": y_pred}


def _by_series(values):
    """Yield the name and the values in time order of each series."""
    values = values.sort_index()
    if values.index.nlevels == 1:
        yield None, values
        return
    levels = list(range(values.index.nlevels - 1))
    keys = levels if len(levels) > 1 else 0  # pandas 2 warns of a list of one
    for name, part in values.groupby(level=keys, sort=True, dropna=False):
        label = " · ".join(str(n) for n in (name if isinstance(name, tuple) else (name,)))
        yield label, part.droplevel(levels)


def _x(values):
    """Return times as matplotlib draws them."""
    index = values.index
    return index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
