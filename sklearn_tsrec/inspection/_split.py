import numpy as np
import pandas as pd

from sklearn_tsrec._key_frame import key_frame
from sklearn_tsrec.inspection._style import SOFT, TEST, date_axis, pyplot, quiet


class SplitDisplay:
    """The folds of a splitter over time: what is trained on, what is tested, and the gap between.

    Make it with :meth:`from_splitter`.

    Parameters
    ----------
    folds : list of (Index, Index)
        The distinct training times and the distinct test times of each fold.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The picture.
    ax_ : matplotlib Axes
        Its axes: one row for each fold, the first one on top.

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

    def __init__(self, folds):
        self.folds = folds

    @classmethod
    def from_splitter(cls, cv, X, y=None, *, ax=None):
        """Split a table and draw the folds.

        Parameters
        ----------
        cv : splitter
            Any splitter; its ``group`` and ``time``, if it has them, say where the keys are.
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
        folds = [
            (times[train].unique().sort_values(), times[test].unique().sort_values())
            for train, test in cv.split(X, y)
        ]
        return cls(folds).plot(ax=ax)

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
        times = self.folds[0][0]
        for number, (train, test) in enumerate(self.folds):
            for part, color, label in ((train, SOFT, "train"), (test, TEST, "test")):
                ax.plot(
                    part, np.full(len(part), number), ls="", marker="s", ms=5, color=color,
                    label=label if number == 0 else None,
                )  # fmt: skip
        ax.set_yticks(range(len(self.folds)), [f"fold {n}" for n in range(len(self.folds))])
        ax.set_ylim(len(self.folds) - 0.5, -0.5)
        ax.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
        quiet(ax)
        ax.spines["left"].set_visible(False)
        date_axis(ax, times)
        return self
