"""WindowFeatures: statistics of windows of the past."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

import numpy as np

from sklearn_tsrec._sklearn import Interval
from sklearn_tsrec._times import Times, parse_duration, show
from sklearn_tsrec._typing import Columns, Freq, Key
from sklearn_tsrec.features import _kernels
from sklearn_tsrec.features._kernels import whole_windows
from sklearn_tsrec.features._past import PastFeatures, as_sequence

_KINDS = {
    "mean": _kernels.MEAN,
    "sum": _kernels.SUM,
    "std": _kernels.STD,
    "min": _kernels.MIN,
    "max": _kernels.MAX,
    "count": _kernels.COUNT,
    "nonzero_share": _kernels.NONZERO_SHARE,
    "slope": _kernels.SLOPE,
    "skew": _kernels.SKEW,
}
_WHOLE = ("mean", "sum", "std", "min", "max")
_AGES = ("recency", "time_since")
_DAY = 86_400_000_000


@dataclass(frozen=True)
class _Window:
    """A window: its label in names, and how many steps or how much time it lasts (0: all)."""

    label: str
    steps: int = 0
    span: int = -1

    def suffix(self, statistic):
        """Return what the name of a statistic of this window ends in."""
        if self.label == "expanding":
            return f"expanding_{statistic}"
        return f"{statistic}{'_' if statistic[-1].isdigit() else ''}{self.label}"


class WindowFeatures(PastFeatures):
    """Statistics of the values of the target or of columns in windows of the past.

    A window of w steps ends ``horizon`` steps before its row: it holds the values at the times
    ``t - horizon - w + 1 … t - horizon``. Windows are calendar time, never a count of rows. In
    event logs (``freq=None``) a window of w holds the w events before the row's time and
    ``"30D"`` those of the 30 days before it (the first instant included); events of one
    series at one time never see each other.

    Parameters
    ----------
    windows : int, str, None or list of these, default=7
        Steps (events with ``freq=None``); durations such as ``"30D"``; ``"expanding"`` or None for
        all of the past.
    statistics : str or list of str, default=("mean", "std")
        ``"mean"``, ``"sum"``, ``"std"`` (divided by n - 1), ``"min"``, ``"max"``, ``"median"``,
        quantiles such as ``"q10"`` (linear interpolation), ``"count"`` (of values that are there),
        ``"nonzero_share"``, ``"slope"`` (least squares, per step, per event or, in windows that are
        durations of a log, per day), ``"skew"`` (adjusted as in [1]_), ``"ewm"`` (mean of all the
        past, weighted by one half for each window of age), ``"time_since"`` (the last value that is
        not zero) and ``"recency"`` (the last value), both in steps, or in days for datetimes of a
        log.
    columns : str, int or list of these, default=None
        Columns to look up. None means all but the keys, or none with ``target=True``.
    target : bool, default=False
        Whether to look up the target ``y``, which only ``fit`` sees.
    horizon : int, default=1
        Steps (events with ``freq=None``) between a row and the end of its windows. 0 lets the row's
        own value in: only for columns that are known ahead, never for the target.
    min_samples : int, default=None
        Values that a window needs; fewer give NaN. None needs all of a window given as a number,
        and one value of durations, of all the past and of ``"ewm"``. ``"count"``, ``"time_since"``
        and ``"recency"`` need none. A window of the target that reaches times after the training
        table, or rows that were not in it, is NaN in any case.
    pool : "all", str, int or list of these, default=None
        Look up the past of several series together: of all, or of those that share the value of
        these columns (or index levels). In a calendar that is their mean at each time, in an
        event log all their events.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step, such as ``"D"`` or ``"15min"``. None counts events.

    Attributes
    ----------
    groups_ : Index
        The series seen in ``fit``.
    freq_ : str, number or None
        The length of a step.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X has names that are strings.

    Raises
    ------
    ValueError
        If a window or a statistic is unknown or repeats, or one of the target would end less than
        one step before its row; if keys are missing, repeat or lie off the grid of ``freq``; if a
        column is unknown or not numeric.

    See Also
    --------
    LagFeatures : Single values of the past.

    References
    ----------
    .. [1] D. N. Joanes and C. A. Gill, "Comparing measures of sample skewness and kurtosis",
       The Statistician 47 (1998): the measure G1.
    .. [2] T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for computing the sample
       variance", The American Statistician 37 (1983): how statistics are merged.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec import as_panel
    >>> from sklearn_tsrec.features import WindowFeatures
    >>> df = pd.DataFrame({
    ...     "store": ["a"] * 4,
    ...     "date": pd.date_range("2024-01-01", periods=4),
    ...     "sales": [5.0, 6.0, 7.0, 9.0],
    ... })
    >>> X, y = as_panel(df, group="store", time="date", target="sales")
    >>> windows = WindowFeatures([2, "expanding"], ["mean", "max"], target=True)
    >>> windows.set_output(transform="pandas").fit_transform(X, y)
                      y__mean2  y__max2  y__expanding_mean  y__expanding_max
    store date
    a     2024-01-01       NaN      NaN                NaN               NaN
          2024-01-02       NaN      NaN                5.0               5.0
          2024-01-03       5.5      6.0                5.5               6.0
          2024-01-04       6.5      7.0                6.0               7.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "windows": [Integral, str, "array-like", None],
        "statistics": [str, "array-like"],
        "min_samples": [Interval(Integral, 1, None, closed="left"), None],
        **PastFeatures._parameter_constraints,
    }

    def __init__(
        self,
        windows: int | str | Sequence | None = 7,
        statistics: str | Sequence[str] = ("mean", "std"),
        *,
        columns: Columns = None,
        target: bool = False,
        horizon: int = 1,
        min_samples: int | None = None,
        pool: Columns = None,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
    ):
        self.windows = windows
        self.statistics = statistics
        self.columns = columns
        self.target = target
        self.horizon = horizon
        self.min_samples = min_samples
        self.pool = pool
        self.group = group
        self.time = time
        self.freq = freq

    def _check_parameters(self):
        """Learn the windows and statistics; raise if one is unknown or looks into the future."""
        if self.target and self.horizon < 1:
            raise ValueError(
                f"horizon={self.horizon} would let the target into its own features: "
                "give 1 or more."
            )
        if self.horizon < 1 and self._frequency is None:
            raise ValueError(
                "horizon=0 in an event log: events at one time never see each other. Give 1 or "
                "more; the row's own value is LagFeatures(lags=0)."
            )
        self._statistics = as_sequence(self.statistics, "statistics")
        self._levels = {}
        for statistic in self._statistics:
            level = _quantile(statistic)
            if level is not None:
                self._levels[statistic] = level
            elif statistic not in (*_KINDS, *_AGES, "ewm"):
                raise ValueError(
                    f"unknown statistic {show(statistic)!r}: choose from {', '.join(_KINDS)}, "
                    "median, quantiles such as 'q10', ewm, time_since and recency."
                )
        self._windows = [self._window(w) for w in as_sequence(self.windows, "windows")]
        labels = [w.label for w in self._windows]
        if len(set(labels)) < len(labels):
            raise ValueError(f"windows={show(self.windows)} holds one window twice.")
        for window in self._windows:
            if window.label == "expanding" and "ewm" in self._statistics:
                raise ValueError(
                    "statistic 'ewm' needs a window as its half-life: give it in an estimator "
                    "of its own, without 'expanding'."
                )
            if self.min_samples is not None and 0 < window.steps < self.min_samples:
                raise ValueError(
                    f"min_samples={self.min_samples} is more than a window of {window.label} holds."
                )

    def _window(self, window):
        """Read one window."""
        if window is None or window == "expanding":
            return _Window("expanding")
        if isinstance(window, Integral) and not isinstance(window, bool):
            if window < 1:
                raise ValueError(f"windows holds {window}: a window has one step or more.")
            return _Window(str(window), int(window))
        if not isinstance(window, str):
            raise ValueError(
                f"windows holds {show(window)}: give whole numbers of steps, durations such as "
                "'30D', or 'expanding'."
            )
        if self._frequency is None:
            if self._clock[0] != "datetime":
                raise ValueError(
                    f"window {window!r} is a duration, but the times are no datetimes: give a "
                    "number of events, or convert the times."
                )
            return _Window(window, span=round(parse_duration(window, "window")))
        steps = self._frequency.steps(window, "window")
        if abs(steps - round(steps)) > 1e-6 or round(steps) < 1:
            raise ValueError(
                f"window {window!r} is {steps:g} steps of freq={self.freq_!r}: give whole steps."
            )
        return _Window(window, round(steps))

    def _suffixes(self):
        """Return what the names of a column's features end in."""
        return [w.suffix(s) for w in self._windows for s in self._statistics]

    def _needed(self, window):
        """Return how many values a window needs."""
        if self.min_samples is not None:
            return self.min_samples
        return window.steps if window.label == str(window.steps) else 1

    def _compute(self, block, column, out):
        """Fill the statistics of all windows of one column."""
        values = block.history.values[:, column]
        n = len(self._statistics)
        whole = [k for k, window in enumerate(self._windows) if self._is_whole(window)]
        kinds = [s for s in self._statistics if s in _WHOLE] if whole else []
        if kinds:
            h = block.history
            at = [self._statistics.index(s) for s in kinds]
            whole_windows(
                h.starts,
                h.ticks,
                values,
                block.place,
                block.order,
                self.horizon,
                np.array([self._windows[k].steps for k in whole]),
                np.array([_KINDS[s] for s in kinds]),
                n * np.array(whole)[:, np.newaxis] + at,
                out,
            )
        for k, window in enumerate(self._windows):
            done = kinds if k in whole else []
            left = [s for s in self._statistics if s not in done]
            if left:
                self._statistics_of(window, left, block, values, out[k * n : (k + 1) * n])

    def _is_whole(self, window):
        """Return whether a window counts only if each of its steps has a value."""
        return self._frequency is not None and self._needed(window) == window.steps

    def _statistics_of(self, window, statistics, block, values, out):
        """Fill some statistics of one window."""
        clock = self._read_clock_of(block.history.ticks)
        lo, hi = self._ranges(block, window)
        order, place = block.order, block.place
        needed = self._needed(window)
        counted = self._frequency is None and window.span < 0
        along = np.arange(len(clock), dtype=float) if counted else clock
        kinds = [s for s in statistics if s in _KINDS]
        if kinds:
            codes = np.array([_KINDS[s] for s in kinds])
            rows = np.array([self._statistics.index(s) for s in kinds])
            _kernels.range_statistics(values, along, lo, hi, order, needed, codes, rows, out)
        if self._levels:
            levels = np.array(list(self._levels.values()))
            rows = np.array([self._statistics.index(s) for s in self._levels])
            starts = block.history.starts
            _kernels.range_quantiles(
                starts, values, place, lo, hi, order, needed, levels, rows, out
            )
        for age in _AGES:
            if age in statistics:
                row = out[self._statistics.index(age)]
                _kernels.range_ages(values, clock, place, lo, hi, order, age == "time_since", row)
        if "ewm" in statistics:
            lo, hi = self._ranges(block, _Window("expanding"))
            half_life = float(window.steps) if window.steps else window.span / _DAY
            row = out[self._statistics.index("ewm")]
            least = self.min_samples or 1
            _kernels.range_decayed_mean(values, along, lo, hi, order, half_life, least, row)

    def _ranges(self, block, window):
        """Return the first position and the end of each row's window in the history."""
        lo, hi = np.empty(block.n_rows, np.int64), np.empty(block.n_rows, np.int64)
        h = block.history
        asked = h.starts, h.ticks, block.unknown, block.place, block.n_known
        if self._frequency is None:
            _kernels.event_ranges(*asked, self.horizon, window.steps, window.span, lo, hi)
        else:
            _kernels.calendar_ranges(*asked, block.last, self.horizon, window.steps, lo, hi)
        return lo, hi

    def _read_clock_of(self, ticks):
        """Return ticks as time: steps of a calendar, days of datetimes, else numbers."""
        if self._frequency is not None or self._whole_clock:
            return ticks / (_DAY if self._frequency is None and self._clock[0] == "datetime" else 1)
        return Times.unsortable(ticks)


def _quantile(statistic):
    """Return the level of a quantile such as "median" or "q2.5"; None for other statistics."""
    if statistic == "median":
        return 0.5
    match = re.fullmatch(r"q(\d{1,2}(?:\.\d+)?)", statistic) if isinstance(statistic, str) else None
    level = float(match[1]) / 100 if match else 0.0
    return level if level > 0 else None
