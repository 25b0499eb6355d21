"""Times of rows as numbers: read once, whatever a table holds them in."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd


def show(value):
    """Return a short text of a value for an error message, however long the value is."""
    plain = isinstance(value, (str, np.integer, pd.Timestamp, pd.Period))
    text = str(value) if plain else repr(value)
    return text if len(text) <= 60 else f"{text[:50]}… ({len(text)} characters)"


@dataclass(frozen=True)
class Times:
    """Times of rows, as numbers, with what is needed to read them as dates again.

    ``values`` are microseconds since 1970 (``kind="datetime"``, in UTC when there is a time
    zone), ordinals (``"period"``), or plain integers or floats (``"number"``).
    """

    kind: str
    values: np.ndarray
    zone: object = None

    def take(self, positions):
        """Return the times at some positions."""
        return replace(self, values=self.values[positions])

    def wall(self):
        """Return microseconds on the local wall clock."""
        if self.zone is None or self.kind != "datetime":
            return self.values
        local = pd.DatetimeIndex(self.values.view("M8[us]")).tz_localize("UTC")
        return local.tz_convert(self.zone).tz_localize(None).as_unit("us").asi8

    def like(self, kind, zone, name="time"):
        """Return these times read as training times were; raise if they cannot be compared."""
        if self.kind != kind:
            raise TypeError(
                f"{name} holds {self.kind}s here, but {kind}s in fit: use one kind of time."
            )
        if kind == "period" and self.zone != zone:
            raise ValueError(
                f"{name} holds periods of {self.zone!r} here, but of {zone!r} in fit: use .asfreq."
            )
        if (self.zone is None) != (zone is None):
            raise ValueError(
                f"{name} has time zone {self.zone} here, but {zone} in fit: use tz_localize or "
                "tz_convert to make them one."
            )
        return replace(self, zone=zone)

    def needs_integers(self):
        """Return whether only int64 holds these times exactly."""
        if self.kind != "number":
            return True
        return self.values.dtype.kind == "i" and bool((np.abs(self.values) > 2**53).any())

    def sortable(self, integers):
        """Return int64 numbers in the order of the times: the clock of event logs."""
        if integers:
            if self.values.dtype.kind != "i":
                raise ValueError(
                    "time has fractions here, but in fit whole numbers beyond 2**53: use one unit."
                )
            return self.values
        # Flipping the magnitude bits of negative floats makes their bit patterns order like them.
        bits = (self.values.astype(np.float64) + 0.0).view(np.int64)
        return bits ^ ((bits >> 63) & np.int64(0x7FFFFFFFFFFFFFFF))

    @staticmethod
    def unsortable(ticks):
        """Return the floats whose ``sortable`` numbers these are."""
        return (ticks ^ ((ticks >> 63) & np.int64(0x7FFFFFFFFFFFFFFF))).view(np.float64)

    def format(self, position):
        """Return the time at a position as a person writes it."""
        value = self.values[position]
        if self.kind == "datetime":
            stamp = pd.Timestamp(int(value), unit="us", tz="UTC" if self.zone else None)
            return str(stamp.tz_convert(self.zone) if self.zone else stamp)
        if self.kind == "period":
            return str(pd.Period(ordinal=int(value), freq=self.zone))
        return f"{value:g}"


def read_times(values, name="time"):
    """Read a column, an index level or an array of times.

    Parameters
    ----------
    values : Index, Series or array of shape (n,)
        Datetimes (with or without a time zone), periods, integers or floats.
    name : str
        What to call the key in errors.

    Returns
    -------
    Times
    """
    if not isinstance(values, (pd.Index, pd.Series, pd.api.extensions.ExtensionArray)):
        values = np.asarray(values)
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        values = pd.Index(values.astype(dtype.categories.dtype))
        dtype = values.dtype
    if dtype.kind == "O" and not isinstance(dtype, pd.PeriodDtype):
        values = _read_objects(values, name)
        dtype = values.dtype
    missing = np.asarray(pd.isna(values))
    if missing.any():
        raise ValueError(
            f"{name} is missing (NaT or NaN) in row {int(missing.argmax())} and in "
            f"{int(missing.sum())} row(s) in all: a row without a time belongs nowhere. Drop these "
            "rows or give them a time."
        )
    if isinstance(dtype, pd.PeriodDtype):
        return Times("period", pd.PeriodIndex(values).asi8, dtype.name[len("period[") : -1])
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind == "M":
        return _read_datetimes(pd.DatetimeIndex(values, copy=False), name)
    if pd.api.types.is_bool_dtype(dtype) or not pd.api.types.is_numeric_dtype(dtype):
        raise TypeError(
            f"{name} has dtype {dtype}: a time is a datetime, a period, an integer or a float. "
            "Convert text with pandas.to_datetime."
        )
    numbers = np.asarray(values)
    if numbers.dtype.kind not in "iuf":
        numbers = pd.array(values).to_numpy(dtype=np.float64)
    if numbers.dtype.kind == "f":
        numbers = numbers.astype(np.float64, copy=False)
        if not np.isfinite(numbers).all():
            row = int(np.argmin(np.isfinite(numbers)))
            raise ValueError(f"{name} is infinite in row {row}: give every row a finite time.")
        if (np.abs(numbers) < 2.0**53).all() and (numbers == np.rint(numbers)).all():
            numbers = numbers.astype(np.int64)
        return Times("number", numbers)
    return Times("number", numbers.astype(np.int64, copy=False))


def _read_objects(values, name):
    """Turn Python datetimes, periods and numbers held as objects into a typed index."""
    values = pd.Index(np.asarray(values, dtype=object))
    present = values[~pd.isna(values)]
    if any(isinstance(v, str) for v in present[:1000]):
        raise TypeError(
            f"{name} holds text such as {show(present[0])!r}: convert it with pandas.to_datetime."
        )
    if len(present) and all(isinstance(v, pd.Period) for v in present):
        try:
            return pd.PeriodIndex(values)
        except ValueError as error:
            raise ValueError(f"{name} mixes periods of several frequencies.") from error
    if len({str(getattr(v, "tzinfo", None)) for v in present}) > 1:
        raise ValueError(
            f"{name} mixes time zones: convert all of it to one zone, for example with "
            "pandas.to_datetime(..., utc=True)."
        )
    inferred = values.infer_objects()
    if inferred.dtype.kind == "O":
        try:
            inferred = pd.DatetimeIndex(values)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{name} holds objects such as {show(values[0])} that are no times: convert them "
                "with pandas.to_datetime."
            ) from error
    return inferred


def _read_datetimes(index, name):
    """Read datetimes as whole microseconds, in UTC when they have a time zone."""
    stamps = index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
    micros = stamps.asi8 if stamps.unit == "us" else stamps.as_unit("us").asi8
    if index.unit == "ns" and (stamps.asi8 % 1000).any():
        row = int(((stamps.asi8 % 1000) != 0).argmax())
        raise ValueError(
            f"{name} has parts finer than a microsecond, first in row {row} "
            f"({index[row]}): round it with .dt.round('us')."
        )
    return Times("datetime", micros, index.tz)


def parse_duration(duration, name="duration"):
    """Return a duration such as ``"7D"`` or ``"365.25D"`` in microseconds."""
    try:
        micros = pd.Timedelta(duration) / pd.Timedelta(microseconds=1)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{name}={show(duration)} is not a duration: write a number and a unit, for example "
            "'7D', '36h' or '15min'."
        ) from error
    if not micros > 0:
        raise ValueError(f"{name}={show(duration)} must be longer than nothing.")
    return micros
