import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec.inspection._style import SOFT, TEST, color_of, pyplot, quiet


class DriftDisplay:
    """The charts of a drift monitor over its updates, each beside the value that is an alarm.

    Make it with :meth:`from_estimator`.

    Parameters
    ----------
    history : DataFrame
        Statistics over time, as ``DriftMonitor.history_`` holds them.
    report : DataFrame
        The thresholds, as ``DriftMonitor.report_`` holds them.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The picture.
    axes_ : ndarray of matplotlib Axes
        One for each kind of chart.
    lines_ : list of Line2D
        The statistics of each chart.

    See Also
    --------
    sklearn_tsrec.monitoring.DriftMonitor : What is drawn.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from sklearn_tsrec.inspection import DriftDisplay
    >>> from sklearn_tsrec.monitoring import DriftMonitor
    >>> rng = np.random.default_rng(0)
    >>> monitor = DriftMonitor().fit(rng.normal(size=(99, 1)), rng.normal(size=99))
    >>> display = DriftDisplay.from_estimator(monitor.update(y=rng.normal(1, size=30)))
    >>> [line.get_label() for line in display.lines_]
    ['errors up', 'errors down', 'errors larger']
    """

    def __init__(self, history, report):
        self.history = history
        self.report = report

    @classmethod
    def from_estimator(cls, monitor, *, axes=None):
        """Draw what a monitor has seen.

        Parameters
        ----------
        monitor : DriftMonitor
            Fitted, and updated at least once.
        axes : array of matplotlib Axes, default=None
            Where to draw: one for each kind. None makes a figure.

        Returns
        -------
        display : DriftDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If nothing was compared yet.
        """
        check_is_fitted(monitor)
        if not len(monitor.history_):
            raise ValueError(
                "the monitor has compared nothing yet: call update with new inputs, or with errors "
                "beyond the first n_reference."
            )
        return cls(monitor.history_, monitor.report_).plot(axes=axes)

    def plot(self, *, axes=None):
        """Draw the display.

        Parameters
        ----------
        axes : array of matplotlib Axes, default=None
            Where to draw: one for each kind. None makes a figure.

        Returns
        -------
        display : DriftDisplay
            The display itself.
        """
        plt = pyplot()
        seen = self.report[self.report.index.isin(self.history["chart"])]
        kinds = list(dict.fromkeys(seen["kind"]))
        if axes is None:
            _, axes = plt.subplots(
                len(kinds), 1, squeeze=False, layout="constrained",
                figsize=(7, 0.6 + 2.0 * len(kinds)),
            )  # fmt: skip
        self.axes_ = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
        if len(self.axes_) < len(kinds):
            raise ValueError(f"axes has {len(self.axes_)} axes for {kinds}: give one for each.")
        self.figure_ = self.axes_[0].figure
        self.lines_ = []
        for ax, kind in zip(self.axes_, kinds):
            charts = seen[seen["kind"] == kind]
            for number, name in enumerate(charts.index):
                values = self.history.loc[self.history["chart"] == name, "statistic"]
                x = np.arange(1, len(values) + 1)
                color = color_of(number if number == 0 else number + 1)  # the alarm has its own
                self.lines_ += ax.plot(
                    x, values.to_numpy(), color=color, lw=1.6, label=name,
                    marker="o" if len(values) < 30 else None, ms=3,
                )  # fmt: skip
            ax.axhline(charts["threshold"].iloc[0], color=TEST, lw=1, ls="--")
            ax.axhline(0, color=SOFT, lw=0.6)
            ax.set_title(kind, fontsize="medium", loc="left")
            ax.set_xlabel("updates" if kind == "inputs" else "observations")
            ax.set_ylabel("stability index" if kind == "inputs" else "evidence (CUSUM)")
            ax.legend(frameon=False, fontsize="small", loc="upper left")
            quiet(ax)
        return self
