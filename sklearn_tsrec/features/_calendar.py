"""CalendarFeatures: hours, weekdays, months and holidays."""

from collections.abc import Sequence
from numbers import Integral
from typing import ClassVar

import numpy as np
import pandas as pd

from sklearn_tsrec._extras import require
from sklearn_tsrec._keys import read_clock, read_time_name
from sklearn_tsrec._sklearn import StrOptions
from sklearn_tsrec._times import show
from sklearn_tsrec._typing import Key
from sklearn_tsrec.features._clock_features import ClockFeatures

_UNITS = {"us", "ms", "s", "min", "h", "D"}
CYCLES = ("minute", "hour", "dayofweek", "day", "dayofyear", "week", "month", "quarter")
FLAGS = ("year", "is_weekend", "is_month_start", "is_month_end")
HOLIDAYS = ("is_holiday", "days_to_holiday", "days_since_holiday")


class CalendarFeatures(ClockFeatures):
    """What the calendar says of each row's time.

    Parameters
    ----------
    features : str or list of str, default=("dayofweek", "day", "month")
        ``"minute"``, ``"hour"``, ``"dayofweek"`` (Monday is 0), ``"day"``, ``"dayofyear"``,
        ``"week"`` (ISO 8601), ``"month"``, ``"quarter"``, ``"year"``, ``"is_weekend"``,
        ``"is_month_start"``, ``"is_month_end"``; with ``holidays`` also ``"is_holiday"``,
        ``"days_to_holiday"`` and ``"days_since_holiday"`` (both 0 on a holiday).
    cyclical : bool, default=False
        Whether what comes round again is returned as sine and cosine, so that December is next to
        January. Days of months and years and weeks use the length of their own month or year.
    holidays : str, list of dates or None, default=None
        A country such as ``"DE"``, or with a subdivision ``"US-CA"``, whose holidays the package
        ``holidays`` knows; or dates of your own. Before the first and after the last of these
        dates, days since and to a holiday are NaN.
    unit : {"D", "h", "min", "s", "ms", "us"}, default="D"
        Unit of times that are numbers, which count from 1970-01-01 00:00. Fractions are kept to
        the microsecond. Ignored for datetimes and periods.
    time : str, int or None, default=None
        Column (or position) that holds the time. None reads the last level of the index.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X has names that are strings.

    Raises
    ------
    ValueError
        If a feature or country is unknown, or a feature needs ``holidays``.
    ImportError
        If ``holidays`` names a country and the package is not installed.

    See Also
    --------
    FourierFeatures : Seasons of any period as smooth waves.

    Notes
    -----
    Times with a time zone are read on their wall clock, periods at their start.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.features import CalendarFeatures
    >>> days = pd.to_datetime(["2024-02-29", "2024-03-02"]).rename("date")
    >>> X = pd.DataFrame({"price": 1.0}, index=days)
    >>> calendar = CalendarFeatures(["dayofweek", "month", "is_month_end"])
    >>> calendar.set_output(transform="pandas").fit_transform(X)
                date__dayofweek  date__month  date__is_month_end
    date
    2024-02-29              3.0          2.0                 1.0
    2024-03-02              5.0          3.0                 0.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "features": [str, "array-like"],
        "cyclical": ["boolean"],
        "holidays": [str, "array-like", None],
        "unit": [StrOptions(_UNITS)],
        "time": [str, Integral, None],
    }

    def __init__(
        self,
        features: str | Sequence[str] = ("dayofweek", "day", "month"),
        *,
        cyclical: bool = False,
        holidays: str | Sequence | None = None,
        unit: str = "D",
        time: Key | None = None,
    ):
        self.features = features
        self.cyclical = cyclical
        self.holidays = holidays
        self.unit = unit
        self.time = time

    def _learn_clock(self, X):
        """Learn what kind of time there is, and check the features."""
        times, _ = read_clock(X, self.time)
        self._time_name = read_time_name(X, self.time)
        self._clock = times.kind, times.zone
        self._stamps(times)
        self._features = [self.features] if isinstance(self.features, str) else list(self.features)
        if not self._features or len(set(self._features)) < len(self._features):
            raise ValueError(f"features={self.features!r} is empty or repeats a feature.")
        for feature in self._features:
            if feature not in (*CYCLES, *FLAGS, *HOLIDAYS):
                known = ", ".join((*CYCLES, *FLAGS, *HOLIDAYS))
                raise ValueError(f"features holds {feature!r}: known are {known}.")
            if feature in HOLIDAYS and self.holidays is None:
                raise ValueError(
                    f"feature {feature!r} needs holidays=, a country such as 'DE' or dates."
                )
        if self.holidays is not None:
            _holiday_days(self.holidays, [2000])  # raises for an unknown country or a wrong date

    def _read_ticks(self, X):
        """Return distinct times, and each row's place among them; there are no ticks."""
        times, inverse = read_clock(X, self.time)
        return times.like(*self._clock), None, inverse

    def _feature_names(self):
        """Return the names of the features, without that of the time."""
        names = []
        for feature in self._features:
            waves = self.cyclical and feature in CYCLES
            names += [f"{feature}_sin", f"{feature}_cos"] if waves else [feature]
        return names

    def _stamps(self, times):
        """Return times as datetimes without a zone, on the wall clock."""
        if times.kind == "period":
            return pd.PeriodIndex.from_ordinals(times.values, freq=times.zone).start_time
        if times.kind == "datetime":
            return pd.DatetimeIndex(times.wall().view("M8[us]"))
        micros = times.values.astype(np.float64) * (
            pd.Timedelta(1, self.unit) // pd.Timedelta(1, "us")
        )
        low, high = np.array(["0002-01-01", "9998-12-31"], dtype="M8[us]").astype(np.int64)
        inside = (micros >= low) & (micros <= high)
        if not inside.all():
            raise ValueError(
                f"time {times.format(int(np.argmin(inside)))} as unit={self.unit!r} since "
                "1970-01-01 lies outside the years 2 to 9998: give the unit the numbers have."
            )
        # Rounded, so that 0.1 days are 2 h 24 min and not a microsecond less.
        return pd.DatetimeIndex(np.rint(micros).astype(np.int64).view("M8[us]"))

    def _compute(self, times, ticks):
        """Return the features of distinct times."""
        stamps = self._stamps(times)
        out = []
        for feature in self._features:
            if feature in HOLIDAYS:
                out.append(_holiday_feature(feature, self.holidays, stamps))
                continue
            values = _calendar_feature(feature, stamps)
            if self.cyclical and feature in CYCLES:
                angle = 2 * np.pi * _turn(feature, values, stamps)
                out += [np.sin(angle), np.cos(angle)]
            else:
                out.append(values)
        return np.column_stack(out).astype(np.float64)


def _calendar_feature(feature, stamps):
    """Return one feature of datetimes, as numbers."""
    if feature == "week":
        return stamps.isocalendar()["week"].to_numpy(dtype=np.float64)
    if feature == "is_weekend":
        return np.asarray(stamps.dayofweek >= 5, dtype=np.float64)
    return np.asarray(getattr(stamps, feature), dtype=np.float64)


def _turn(feature, values, stamps):
    """Return how much of its cycle a feature has gone through, from 0 up to 1."""
    if feature == "week":
        years, place = np.unique(stamps.isocalendar()["year"], return_inverse=True)
        # 28 December always lies in the last week of its ISO year.
        last = [pd.Timestamp(int(year), 12, 28).isocalendar().week for year in years]
        return (values - 1) / np.array(last)[place]
    match feature:
        case "minute":
            return values / 60
        case "hour":
            return values / 24
        case "dayofweek":
            return values / 7
        case "day":
            return (values - 1) / np.asarray(stamps.days_in_month)
        case "dayofyear":
            return (values - 1) / (365 + np.asarray(stamps.is_leap_year))
        case "month":
            return (values - 1) / 12
    return (values - 1) / 4


def _holiday_feature(feature, holidays, stamps):
    """Return a feature of the distance to holidays, in days."""
    days = stamps.to_numpy().astype("M8[D]").astype(np.int64)
    years = np.unique(stamps.year)
    # A country may have no holiday for most of a year: look a whole year ahead and back.
    years = np.unique(np.concatenate([years - 1, years, years + 1])).tolist()
    dates = _holiday_days(holidays, years)
    after = np.searchsorted(dates, days)
    before = np.searchsorted(dates, days, side="right") - 1
    padded = np.concatenate([[np.nan], dates, [np.nan]])
    match feature:
        case "is_holiday":
            return np.isin(days, dates)
        case "days_to_holiday":
            return padded[after + 1] - days
    return days - padded[before + 1]


def _holiday_days(holidays, years):
    """Return the days of holidays since 1970, ascending."""
    if not isinstance(holidays, str):
        dates = pd.DatetimeIndex(pd.to_datetime(list(holidays))).tz_localize(None)
        if dates.hasnans:
            raise ValueError("holidays holds a missing date: leave it out.")
        return np.unique(dates.to_numpy().astype("M8[D]").astype(np.int64))
    country, _, subdivision = holidays.partition("-")
    calendars = require("holidays")
    try:
        dates = calendars.country_holidays(country, subdiv=subdivision or None, years=years)
    except NotImplementedError as error:
        raise ValueError(
            f"holidays={show(holidays)} is not known to the package holidays: give a country code "
            "such as 'DE', with a subdivision 'US-CA', or a list of dates."
        ) from error
    return np.unique(np.array(list(dates), dtype="M8[D]").astype(np.int64))
