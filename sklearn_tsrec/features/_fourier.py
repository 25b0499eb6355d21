"""FourierFeatures: seasons as smooth waves of the clock."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import pandas as pd

from sklearn_tsrec._frequency import check_regular
from sklearn_tsrec._times import parse_duration, show
from sklearn_tsrec._typing import Freq, Key
from sklearn_tsrec.features._clock_features import ClockFeatures


class FourierFeatures(ClockFeatures):
    """Sines and cosines of the time, for any period.

    A period P with ``order=k`` gives ``sin(2 pi j t / P)`` and ``cos(2 pi j t / P)`` for j = 1 … k.
    The time t counts from a fixed epoch and not from the first row, so that the phase is the same
    in training and test tables and in every fold.

    Parameters
    ----------
    periods : float, str or list of these
        Periods in steps of ``freq``, such as 7 or 365.25 with daily data, or durations such as
        ``"365.25D"``, which are read on the wall clock whatever the frequency. With ``freq=None``
        and times that are numbers, periods are in the unit of these numbers.
    order : int or list of int, default=1
        Number of harmonics, for all periods or for each.
    time : str, int or None, default=None
        Column (or position) that holds the time. None reads the last level of the index.
    freq : str, number or None, default="infer"
        Length of a step, such as ``"D"`` or ``"15min"``. None reads the clock itself.

    Attributes
    ----------
    freq_ : str, number or None
        The length of a step.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X has names that are strings.

    Raises
    ------
    ValueError
        If a period is not positive, an order is below 1 or above half a period of whole steps,
        or the times do not fit the frequency.

    See Also
    --------
    CalendarFeatures : Hours, weekdays, months and holidays.

    References
    ----------
    Harvey, A. C. and Shephard, N. (1993). Structural time series models. Handbook of Statistics
    11, 261-302.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.features import FourierFeatures
    >>> days = pd.date_range("2024-01-01", periods=4, name="date")
    >>> X = pd.DataFrame({"price": 1.0}, index=days)
    >>> fourier = FourierFeatures([4, "365.25D"]).set_output(transform="pandas")
    >>> fourier.fit_transform(X).round(2) + 0.0
                date__sin4_1  date__cos4_1  date__sin365.25D_1  date__cos365.25D_1
    date
    2024-01-01          -1.0           0.0               -0.01                 1.0
    2024-01-02           0.0           1.0                0.01                 1.0
    2024-01-03           1.0           0.0                0.03                 1.0
    2024-01-04           0.0          -1.0                0.04                 1.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "periods": [Real, str, "array-like"],
        "order": [Integral, "array-like"],
        "time": [str, Integral, None],
        "freq": [str, Real, None],
    }

    def __init__(
        self,
        periods: float | str | Sequence,
        order: int | Sequence[int] = 1,
        *,
        time: Key | None = None,
        freq: Freq = "infer",
    ):
        self.periods = periods
        self.order = order
        self.time = time
        self.freq = freq

    def _learn_clock(self, X):
        """Learn the frequency, and check the periods against it."""
        times, ticks, _ = self._fit_clock(X)
        if self.freq == "infer" and times.kind != "period":
            check_regular(self._frequency, np.zeros_like(ticks), np.sort(ticks))
        periods = [self.periods] if isinstance(self.periods, (str, Real)) else list(self.periods)
        orders = [self.order] * len(periods) if isinstance(self.order, Integral) else self.order
        orders = list(orders)
        if len(orders) != len(periods) or not periods:
            raise ValueError(
                f"order={self.order!r} does not fit periods={self.periods!r}: give at least one "
                "period, and one order for all of them or one for each."
            )
        self._terms = []
        for period, order in zip(periods, orders):
            label = period if isinstance(period, str) else f"{period:g}"
            length = self._length(period, times.kind)
            most = np.inf if isinstance(period, str) or self.freq is None else length / 2
            if not isinstance(order, Integral) or not 1 <= order <= most:
                raise ValueError(
                    f"order {order!r} of period {label} is not a whole number from 1 to half the "
                    "period: steps show no faster wave."
                )
            self._terms.append((label, length, order, isinstance(period, str)))
        labels = [term[0] for term in self._terms]
        if len(set(labels)) < len(labels):
            raise ValueError(f"periods={self.periods!r} repeat a period: give each once.")

    def _length(self, period, kind):
        """Return a period as a number: microseconds for durations, else steps."""
        if isinstance(period, str):
            if kind == "number":
                raise ValueError(
                    f"period {show(period)} is a duration, but the times are plain numbers: give "
                    "a number, or use datetimes."
                )
            return parse_duration(period, "periods")
        if not isinstance(period, Real) or not 0 < period < np.inf:
            raise ValueError(f"periods holds {period!r}: a period is a positive number.")
        if self.freq is None and kind != "number":
            raise ValueError(
                f"period {period!r} has no unit: with freq=None and {kind}s give a duration such "
                "as '7D', or give freq."
            )
        return period

    def _feature_names(self):
        """Return the names of the features, without that of the time."""
        return [
            f"{wave}{label}_{j}"
            for label, _, order, _ in self._terms
            for j in range(1, order + 1)
            for wave in ("sin", "cos")
        ]

    def _compute(self, times, ticks):
        """Return the features of distinct times."""
        steps = ticks if self._frequency is not None else times.values
        out = []
        for _, length, order, duration in self._terms:
            # The remainder first: angles of large times would lose their digits.
            turn = np.mod(_microseconds(times) if duration else steps, length) / length
            for j in range(1, order + 1):
                angle = 2 * np.pi * np.mod(j * turn, 1.0)
                out += [np.sin(angle), np.cos(angle)]
        return np.column_stack(out)


def _microseconds(times):
    """Return microseconds on the wall clock; a period of time counts from its start."""
    if times.kind == "period":
        periods = pd.PeriodIndex.from_ordinals(times.values, freq=times.zone)
        return periods.start_time.as_unit("us").asi8
    return times.wall()
