from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator

from sklearn_tsrec._keys import read_clock
from sklearn_tsrec._times import parse_duration, show
from sklearn_tsrec._typing import Columns, Freq, Key, Table
from sklearn_tsrec.model_selection._positions import step_positions

_DAY = 86_400_000_000


class PanelTimeSeriesSplit(BaseCrossValidator):
    """Forward-chaining splits of a panel, cut at times and not at row numbers.

    All series are cut at the same time, so that no test row, of whichever series, is older than
    a training row. Rows may come in any order and series may start, end and pause at any time.

    The last test window ends with the last time in the table and earlier ones lie ``step``
    earlier each. Fold by fold, with the window starting after ``cut``::

        train: cut - gap - max_train < time <= cut - gap     test: cut < time <= cut + horizon

    Lengths are integers or durations. Integers count steps of the calendar (``freq`` given or
    inferred, holes counted) or, with ``freq=None``, distinct times. Durations such as ``"14D"``
    are measured on the clock; with durations alone, times need no frequency at all, as in event
    logs.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 1.
    horizon : int or str, default=1
        Length of each test window.
    gap : int or str, default=0
        Time left out between training and test, such as the delay of the newest data.
    embargo : int or str, default=0
        Time after the test window of every earlier fold that is kept out of training.
    max_train : int, str or None, default=None
        Length of the training window; ``None`` trains on everything older.
    step : int, str or None, default=None
        Distance between the test windows; ``None`` is ``horizon``: windows that touch.
    group : str, int, list of these or None, default=None
        Column(s) that name the series; they only matter for inferring the frequency. ``None``
        reads the index: all levels before the last.
    time : str, int or None, default=None
        Column of the time; ``None`` reads the last level of the index. Arrays need a position.
    freq : "infer", str, number or None, default="infer"
        Calendar in which integers count; ``None`` counts distinct times.

    See Also
    --------
    LeaveLastOut : The last event of each series as test.
    backtest : Forecasts of all folds as one table.

    References
    ----------
    .. [1] L. J. Tashman (2000), "Out-of-sample tests of forecasting accuracy: an analysis and
       review", International Journal of Forecasting 16(4).
    .. [2] M. López de Prado (2018), "Advances in Financial Machine Learning", Wiley, chapter 7.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
    >>> X = pd.DataFrame({"shop": ["a", "b"] * 4, "day": pd.date_range("2024-01-01", periods=4)
    ...                   .repeat(2)})
    >>> for train, test in PanelTimeSeriesSplit(2, group="shop", time="day").split(X):
    ...     print(train, test)
    [0 1 2 3] [4 5]
    [0 1 2 3 4 5] [6 7]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        horizon: int | str = 1,
        gap: int | str = 0,
        embargo: int | str = 0,
        max_train: int | str | None = None,
        step: int | str | None = None,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
    ):
        self.n_splits = n_splits
        self.horizon = horizon
        self.gap = gap
        self.embargo = embargo
        self.max_train = max_train
        self.step = step
        self.group = group
        self.time = time
        self.freq = freq

    def get_n_splits(self, X: Table = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object
            Not used, present for the protocol of scikit-learn.

        Returns
        -------
        int
        """
        if not _is_integer(self.n_splits) or self.n_splits < 1:
            raise ValueError(f"n_splits must be an integer of at least 1, got {self.n_splits!r}.")
        return int(self.n_splits)

    def split(
        self, X: Table, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the row numbers of training and test of each fold, the earliest fold first.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            Keyed table.
        y : object
            Not used.
        groups : object
            Not used: series are named by ``group``.

        Yields
        ------
        train, test : int arrays, ascending
        """
        n_splits = self.get_n_splits()
        position, frequency, unit = self._positions(X)
        horizon = self._length("horizon", frequency, least=1)
        gap = self._length("gap", frequency)
        embargo = self._length("embargo", frequency)
        step = horizon if self.step is None else self._length("step", frequency, least=1)
        max_train = (
            None if self.max_train is None else self._length("max_train", frequency, least=1)
        )
        first, last = position.min(), position.max()
        cuts = last - horizon - step * np.arange(n_splits - 1, -1, -1)
        if cuts[0] - gap < first:
            raise ValueError(
                f"n_splits={n_splits}, horizon={self.horizon!r}, gap={self.gap!r} and step="
                f"{self.step!r} need {unit(last - cuts[0] + gap + 1)}, but the table has "
                f"{unit(last - first + 1)}: use fewer or shorter folds."
            )
        for fold, cut in enumerate(cuts):
            in_train = position <= cut - gap
            if max_train is not None:
                in_train &= position > cut - gap - max_train
            for earlier in cuts[:fold] if embargo else ():
                end = earlier + horizon
                in_train &= (position <= end) | (position > end + embargo)
            train = np.flatnonzero(in_train)
            test = np.flatnonzero((position > cut) & (position <= cut + horizon))
            for name, rows in (("training", train), ("test", test)):
                if not len(rows):
                    raise ValueError(
                        f"fold {fold} of {n_splits} has no {name} rows: the table has a hole "
                        "there. Use fewer folds, or a longer horizon or max_train."
                    )
            yield train, test

    def _positions(self, X):
        """Return the place in time of every row, its frequency and a way to write lengths."""
        times, inverse = read_clock(X, self.time)
        lengths = (self.horizon, self.gap, self.embargo, self.max_train, self.step)
        durations = [isinstance(length, str) for length in lengths if length not in (0, None)]
        if all(durations) and times.kind == "datetime":
            wall = times.wall()
            # Days of local time last 23 to 25 hours, so dates are measured on the wall clock.
            values = wall if (wall % _DAY == wall[0] % _DAY).all() else times.values
            return values[inverse], None, _write_duration
        # Periods carry their own frequency, so durations of them are whole steps.
        freq = "infer" if times.kind == "period" and any(durations) else self.freq
        if freq is None and any(durations):
            raise ValueError(
                "with freq=None, lengths are all durations on datetimes, or all integers that "
                f"count distinct times; got horizon={self.horizon!r}, gap={self.gap!r}, "
                f"embargo={self.embargo!r}, max_train={self.max_train!r}, step={self.step!r}."
            )
        position, frequency = step_positions(X, self.group, self.time, freq)
        if frequency is None:
            return position, None, lambda n: f"{n} distinct times"
        return position, frequency, lambda n: f"{n} steps of {frequency.name!r}"

    def _length(self, name, frequency, least=0):
        """Return a length as a number in the unit of the positions."""
        length = getattr(self, name)
        if isinstance(length, str):
            if frequency is None:
                return int(parse_duration(length, name))
            steps = frequency.steps(length, name)
            if abs(steps - round(steps)) > 1e-6 or round(steps) < 1:
                raise ValueError(
                    f"{name}={show(length)} is {steps:g} steps of freq={frequency.name!r}: give a "
                    "whole number of steps."
                )
            return round(steps)
        if not _is_integer(length) or length < least:
            raise ValueError(
                f"{name} must be an integer of at least {least} or a duration such as '14D', got "
                f"{length!r}."
            )
        return int(length)


def _is_integer(value):
    """Return whether a value is an integer and not a truth value."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _write_duration(micros):
    """Return a length in microseconds as a person writes it."""
    return f"{micros / _DAY:.6g} days"
