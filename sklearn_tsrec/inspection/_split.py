import numpy as np
import pandas as pd

from sklearn_tsrec._keys import key_frame
from sklearn_tsrec.inspection._style import SOFT, TEST, date_axis, pyplot, quiet


class SplitDisplay:
    """The folds of a splitter over time: what is trained on, what is tested, and the gap between.

    Make it with :meth:`from_splitter`.

    Bars are to scale. Those of the test are slimmer, so that times that are in both are seen.

    Parameters
    ----------
    times : Index of shape (n_times,)
        The distinct times of the table, ascending.
    folds : list of (ndarray, ndarray)
        Positions in ``times`` of the training times and of the test times of each fold.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The picture.
    ax_ : matplotlib Axes
        Its axes: one row for each fold, the first one on top.
    bars_ : list of (PolyCollection, PolyCollection)
        The bars of training and of test of each fold.

    See Also
    --------
    sklearn_tsrec.model_selection.PanelTimeSeriesSplit : The splitter for panels.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import pandas as pd
    >>> from sklearn_tsrec.inspection import SplitDisplay
    >>> from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
    >>> X = pd.DataFrame(index=pd.date_range("2024-01-01", periods=10, name="day"))
    >>> display = SplitDisplay.from_splitter(PanelTimeSeriesSplit(3, horizon=2, gap=1), X)
    >>> [(len(train), len(test)) for train, test in display.folds]
    [(3, 2), (5, 2), (7, 2)]
    """

    def __init__(self, times, folds):
        self.times = times
        self.folds = folds

    @classmethod
    def from_splitter(cls, cv, X, y=None, *, ax=None):
        """Split a table and draw the folds.

        Parameters
        ----------
        cv : splitter
            Any splitter; its ``group`` and ``time``, if it has them, name the keys.
        X : table of shape (n_rows, n_columns)
            Keyed rows.
        y : array-like, default=None
            Given to the splitter.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : SplitDisplay
            The display, drawn.
        """
        keys, _ = key_frame(X, getattr(cv, "group", None), getattr(cv, "time", None))
        times = pd.Index(keys.iloc[:, -1])
        if isinstance(times, pd.PeriodIndex):
            times = times.to_timestamp()
        elif isinstance(times, pd.DatetimeIndex):
            times = times.tz_localize(None)
        distinct = times.unique().sort_values()
        position = distinct.get_indexer(times)
        folds = [
            (np.unique(position[train]), np.unique(position[test]))
            for train, test in cv.split(X, y)
        ]
        return cls(distinct, folds).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : SplitDisplay
            The display itself.
        """
        plt = pyplot()
        if ax is None:
            size = (7.5, 1.0 + 0.38 * len(self.folds))
            _, ax = plt.subplots(figsize=size, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        edges = self._edges()
        self.bars_ = []
        for number, (train, test) in enumerate(self.folds):
            bars = [
                ax.broken_barh(_runs(part, edges), (number - height / 2, height), color=color, lw=0)
                for part, height, color in ((train, 0.7, SOFT), (test, 0.4, TEST))
            ]
            self.bars_.append(tuple(bars))
        ax.set_yticks(range(len(self.folds)), [f"fold {n}" for n in range(len(self.folds))])
        ax.set(xlim=(edges[0], edges[-1]), ylim=(len(self.folds) - 0.5, -0.5))
        place = {"loc": "lower left", "bbox_to_anchor": (0, 1)}
        ax.legend(self.bars_[0], ["train", "test"], frameon=False, ncols=2, **place)
        quiet(ax)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        if isinstance(self.times, pd.DatetimeIndex):
            ax.xaxis_date()
        date_axis(ax, self.times)
        return self

    def _edges(self):
        """Return where each of the times begins on the axis, and where the last one ends."""
        if isinstance(self.times, pd.DatetimeIndex):
            from matplotlib.dates import date2num

            starts = date2num(self.times.to_numpy())
        else:
            starts = np.asarray(self.times, dtype=float)
        length = np.median(np.diff(starts)) if len(starts) > 1 else 1.0
        return np.append(starts, starts[-1] + length)


def _runs(positions, edges):
    """Return the start and the length of each run of neighbouring positions."""
    parts = np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1)
    return [(edges[part[0]], edges[part[-1] + 1] - edges[part[0]]) for part in parts if len(part)]
