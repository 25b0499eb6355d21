import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._keys import key_frame
from sklearn_tsrec._table import check_target
from sklearn_tsrec.inspection._style import color_of, date_axis, ink, pyplot, quiet

_MOST = 30  # series whose weights can be told apart


class EnsembleDisplay:
    """What a stack of regressors is made of, and how its members err beside it.

    Above are the weights of the members: one for all rows, by step ahead or by series, or, where
    they are learned online, over time. Below is the mean absolute error of each member and of the
    stack over the times of some rows.

    Make it with :meth:`from_estimator`.

    Parameters
    ----------
    weights : DataFrame of shape (n_members, n_cells) or None
        The weights, as in ``weights_`` of the stack.
    errors : DataFrame of shape (n_times, n_members + 1)
        Mean absolute errors by time: of the members, and of the stack in the column ``"stack"``.
    weights_over_time : DataFrame of shape (n_times, n_members), default=None
        The weights after each time, as in ``weights_over_time_``, drawn instead of ``weights``.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The picture.
    axes_ : list of matplotlib Axes
        Those of the weights, where there are any, and of the errors.
    lines_ : list of Line2D
        The errors of the members, and of the stack at last.

    See Also
    --------
    sklearn_tsrec.ensemble.TemporalStackingRegressor : The stack.
    BacktestDisplay : Errors by step and cutoff, with standard errors.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from sklearn_tsrec.ensemble import TemporalStackingRegressor
    >>> from sklearn_tsrec.forecasting import DriftRegressor, SeasonalNaiveRegressor
    >>> from sklearn_tsrec.inspection import EnsembleDisplay
    >>> X = pd.DataFrame(index=pd.date_range("2024-01-01", periods=10))
    >>> y = pd.Series(range(10), X.index)
    >>> members = [("last", SeasonalNaiveRegressor()), ("drift", DriftRegressor())]
    >>> stack = TemporalStackingRegressor(members, weights="nnls").fit(X[:8], y[:8])
    >>> display = EnsembleDisplay.from_estimator(stack, X[8:], y[8:])
    >>> display.errors.round(1).to_dict("list")
    {'last': [1.0, 2.0], 'drift': [0.0, 0.0], 'stack': [0.0, 0.0]}
    """

    def __init__(self, weights, errors, weights_over_time=None):
        self.weights = weights
        self.errors = errors
        self.weights_over_time = weights_over_time

    @classmethod
    def from_estimator(cls, estimator, X, y, *, axes=None):
        """Forecast some rows with a fitted stack and its members, and draw.

        Parameters
        ----------
        estimator : TemporalStackingRegressor
            A fitted stack.
        X : table of shape (n_rows, n_columns)
            Keyed rows that the stack was not fitted to.
        y : array-like of shape (n_rows,)
            Their target; rows with NaN are left out.
        axes : sequence of matplotlib Axes, default=None
            Where to draw: the weights, if there are any, then the errors. None makes a figure.

        Returns
        -------
        display : EnsembleDisplay
            The display, drawn.
        """
        if not hasattr(estimator, "estimators") or not hasattr(estimator, "transform"):
            raise TypeError(
                f"{type(estimator).__name__} is no stack: give a TemporalStackingRegressor."
            )
        check_is_fitted(estimator)
        names = list(estimator.named_estimators_)
        y = check_target(y, X.shape[0], estimator=estimator)
        time = key_frame(X, estimator.group, estimator.time)[0].iloc[:, -1]
        members = np.asarray(estimator.transform(X))[:, : len(names)]
        forecasts = np.column_stack([members, estimator.predict(X)])
        off = pd.DataFrame(np.abs(forecasts - y[:, np.newaxis]), columns=[*names, "stack"])
        errors = off[~np.isnan(y)].groupby(time[~np.isnan(y)]).mean()
        if not len(errors):
            raise ValueError("all truths are missing in these rows: there is no error to show.")
        over_time = estimator.weights_over_time_ if estimator.weights == "online" else None
        return cls(estimator.weights_, errors, over_time).plot(axes=axes)

    def plot(self, *, axes=None):
        """Draw the display.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, default=None
            Where to draw: the weights, if there are any, then the errors. None makes a figure.

        Returns
        -------
        display : EnsembleDisplay
            The display itself.
        """
        n_axes = 1 if self.weights is None else 2
        if axes is None:
            height = 2.9 * n_axes
            _, axes = pyplot().subplots(n_axes, 1, figsize=(6.4, height), layout="constrained")
        self.axes_ = list(np.ravel(axes))
        if len(self.axes_) != n_axes:
            raise ValueError(f"axes has {len(self.axes_)} Axes, but {n_axes} are needed.")
        self.figure_ = self.axes_[0].figure
        if self.weights_over_time is not None:
            self._draw_weights_over_time(self.axes_[0])
        elif self.weights is not None:
            self._draw_weights(self.axes_[0])
        self._draw_errors(self.axes_[-1])
        return self

    def _draw_weights(self, ax):
        """Draw weights: bars of members, areas over steps, or shares of series."""
        weights = self.weights
        colors = [color_of(number) for number in range(len(weights))]
        if weights.shape[1] == 1:
            ax.barh(weights.index[::-1], weights.iloc[::-1, 0], color=colors[::-1], height=0.6)
            ax.set_xlabel("weight")
            quiet(ax)
            return
        steps = weights.columns.name == "step"
        shown = weights if steps else weights.iloc[:, :_MOST]
        labels = [str(label) for label in shown.columns]
        x = np.arange(len(labels)) if not steps else shown.columns.to_numpy()
        floor = np.zeros(len(x))
        for color, (name, row) in zip(colors, shown.iterrows()):
            ax.bar(x, row, bottom=floor, color=color, width=0.85, label=name)
            floor += row.to_numpy()
        ax.set_ylim(0, 1)
        ax.set_ylabel("weight")
        ax.set_xlabel("steps ahead" if steps else "series")
        if steps and len(x) <= 12:
            ax.set_xticks(x)
        if not steps:
            if shown.shape[1] < weights.shape[1]:
                ax.set_xlabel(f"series (the first {_MOST} of {weights.shape[1]})")
            ax.set_xticks(x, labels, rotation=60 if max(map(len, labels)) > 3 else 0)
        quiet(ax)

    def _draw_weights_over_time(self, ax):
        """Draw weights as areas over time."""
        weights = self.weights_over_time
        x = _place(weights.index)
        colors = [color_of(number) for number in range(weights.shape[1])]
        ax.stackplot(x, weights.to_numpy().T, colors=colors, labels=weights.columns, lw=0)
        ax.set_ylim(0, 1)
        ax.margins(x=0)
        ax.set_ylabel("weight")
        quiet(ax)
        date_axis(ax, x)

    def _draw_errors(self, ax):
        """Draw the errors of members and of the stack over time."""
        x = _place(self.errors.index)
        few = {"marker": "o", "ms": 4} if len(x) <= 24 else {}
        self.lines_ = []
        for number, name in enumerate(self.errors.columns[:-1]):
            self.lines_ += ax.plot(
                x, self.errors[name], color=color_of(number), lw=1.3, label=name, **few
            )
        self.lines_ += ax.plot(x, self.errors["stack"], color=ink(ax), lw=2.4, label="stack", **few)
        ax.set_ylim(bottom=0)
        ax.set_ylabel("mean absolute error")
        quiet(ax)
        date_axis(ax, x)
        ax.legend(frameon=False, ncols=min(4, len(self.lines_)), fontsize="small")


def _place(times):
    """Return times as matplotlib places them."""
    return times.to_timestamp() if isinstance(times, pd.PeriodIndex) else times
