import numpy as np
import pandas as pd

from sklearn_tsrec.inspection._style import color_of, date_axis, pyplot, quiet
from sklearn_tsrec.model_selection import backtest

_COLUMNS = ("fold", "cutoff", "step", "y_true", "y_pred")


class BacktestDisplay:
    """How far backtested forecasts were off, by steps ahead or by cutoff, with standard errors.

    Make it with :meth:`from_estimator` or :meth:`from_predictions`.

    Errors of one series are alike, so the standard errors count series, not rows [1]_: they say how
    far the mean would be off with other series of the same kind, at the same times. A single
    series has none, and no band.

    Parameters
    ----------
    errors : dict of DataFrame
        For each model the mean absolute error (``mean``) and its standard error over series
        (``std_error``), by step or cutoff.
    by : {"step", "cutoff"}
        What the errors are grouped by.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The picture.
    ax_ : matplotlib Axes
        Its axes.
    lines_ : list of Line2D
        The mean errors of each model.
    fill_between_ : list of PolyCollection
        The mean plus and minus one standard error of each model.

    See Also
    --------
    sklearn_tsrec.model_selection.backtest : Makes the table.

    References
    ----------
    .. [1] W. G. Cochran (1977), "Sampling Techniques", 3rd edition, Wiley, chapter 9A: means of
       clusters of unequal size.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn_tsrec.inspection import BacktestDisplay
    >>> from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
    >>> X = pd.DataFrame({"a": 0.0}, index=pd.date_range("2024-01-01", periods=8, name="day"))
    >>> display = BacktestDisplay.from_estimator(
    ...     DummyRegressor(), X, range(8), cv=PanelTimeSeriesSplit(2, horizon=2)
    ... )
    >>> display.errors["DummyRegressor"]["mean"].tolist()
    [3.0, 4.0]
    """

    def __init__(self, errors, by):
        self.errors = errors
        self.by = by

    @classmethod
    def from_estimator(cls, estimator, X, y, *, cv, by="step", ax=None):
        """Backtest an estimator and draw its errors.

        Parameters
        ----------
        estimator : estimator
            Any regressor on keyed tables.
        X : table of shape (n_rows, n_columns)
            Keyed rows.
        y : array-like of shape (n_rows,)
            The target.
        cv : splitter
            Such as :class:`~sklearn_tsrec.model_selection.PanelTimeSeriesSplit`.
        by : {"step", "cutoff"}, default="step"
            What to group the errors by.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : BacktestDisplay
            The display, drawn.
        """
        table = backtest(estimator, X, y, cv=cv, verbose=0)
        return cls.from_predictions({type(estimator).__name__: table}, by=by, ax=ax)

    @classmethod
    def from_predictions(cls, tables, *, by="step", ax=None):
        """Draw the errors of backtests that are already there.

        Parameters
        ----------
        tables : DataFrame or dict of DataFrame
            Tables as :func:`~sklearn_tsrec.model_selection.backtest` returns them, by the name of
            the model. Rows without a truth are left out.
        by : {"step", "cutoff"}, default="step"
            What to group the errors by.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : BacktestDisplay
            The display, drawn.
        """
        if by not in ("step", "cutoff"):
            raise ValueError(f"by={by!r} must be 'step' or 'cutoff'.")
        tables = tables if isinstance(tables, dict) else {"model": tables}
        if not tables:
            raise ValueError("tables is empty: give at least one table that backtest returned.")
        errors = {}
        for name, table in tables.items():
            missing = [column for column in _COLUMNS if column not in table]
            if missing:
                raise ValueError(
                    f"the table of {name!r} lacks the columns {missing}: give what backtest "
                    "returns."
                )
            errors[name] = _mean_errors(table, by)
        return cls(errors, by).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : BacktestDisplay
            The display itself.
        """
        plt = pyplot()
        if ax is None:
            _, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_, self.fill_between_ = [], []
        for number, (name, error) in enumerate(self.errors.items()):
            color = color_of(number)
            x = error.index
            x = x.to_timestamp() if isinstance(x, pd.PeriodIndex) else x
            self.lines_ += ax.plot(
                x, error["mean"], color=color, marker="o", ms=4, lw=1.8, label=name
            )
            low, high = error["mean"] - error["std_error"], error["mean"] + error["std_error"]
            self.fill_between_.append(ax.fill_between(x, low, high, color=color, alpha=0.15, lw=0))
        ax.set_ylim(bottom=0)
        ax.set_ylabel("mean absolute error")
        ax.set_xlabel("steps ahead" if self.by == "step" else "cutoff")
        quiet(ax)
        if self.by == "step":
            steps = np.unique(np.concatenate([error.index for error in self.errors.values()]))
            if len(steps) <= 12:
                ax.set_xticks(steps)
        date_axis(ax, x)
        if len(self.errors) > 1:
            ax.legend(frameon=False)
        return self


def _mean_errors(table, by):
    """Return the mean absolute error by step or cutoff, and its standard error over series."""
    names = list(table.columns[: table.columns.get_loc("fold")])[:-1]  # the last one is the time
    series = table.groupby(names, dropna=False).ngroup() if names else 0
    off = (table["y_true"] - table["y_pred"]).abs().rename("off")
    parts = off.to_frame().assign(by=table[by], series=series).dropna(subset="off")
    parts = parts.groupby(["by", "series"])["off"].agg(["sum", "count"])
    total = parts.groupby(level="by").sum()
    mean = (total["sum"] / total["count"]).rename_axis(by)
    apart = parts["sum"] - parts["count"] * mean.reindex(parts.index, level="by")
    n_series = parts.groupby(level="by").size()
    factor = n_series / (n_series - 1).where(n_series > 1)
    se = np.sqrt(factor * (apart**2).groupby(level="by").sum()) / total["count"]
    return pd.DataFrame({"mean": mean, "std_error": se})
