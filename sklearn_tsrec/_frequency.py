"""Calendar ticks: what time a row has, as an exact integer on a regular grid."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sklearn_tsrec._scans import count_gaps
from sklearn_tsrec._times import parse_duration

_MICROSECONDS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "D": 86_400_000_000,
}
_DAY = _MICROSECONDS["D"]
_MONTHS = {"M": 1, "MS": 1, "ME": 1, "Q": 3, "QS": 3, "QE": 3, "Y": 12, "YS": 12, "YE": 12}
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONTH_NAMES = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_MEAN_MONTH = 30.436875 * _DAY
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


@dataclass(frozen=True)
class Frequency:
    """A regular grid of times: position ``(base(time) - phase) / step`` is the tick.

    ``base`` counts microseconds (``kind="fixed"``), months (``"month"``), working days
    (``"business"``), period ordinals (``"period"``) or plain numbers (``"number"``).
    """

    name: object
    kind: str
    step: float
    phase: float = 0
    day: str | None = None
    clock: int = 0
    zone: object = None

    def ticks(self, times, name="time"):
        """Return the tick of every time; raise if one is not on the grid."""
        base, on_grid = self._base(times)
        offset = base - self.phase
        if self.step == 1 and base.dtype.kind == "i":
            tick = offset.astype(np.int64, copy=False)
        else:
            tick = np.rint(offset / self.step) if base.dtype.kind == "f" else offset // self.step
            tick = tick.astype(np.int64)
            if base.dtype.kind == "f":
                close = np.abs(offset - tick * self.step) <= 1e-6 * self.step
            else:
                close = tick * self.step == offset
            if self.kind != "month" or self.day:  # "Q" and "Y" periods hold any month in them
                on_grid = close if on_grid is None else on_grid & close
        if on_grid is not None and not on_grid.all():
            first = int(np.argmin(on_grid))
            raise ValueError(
                f"{name} {times.format(first)} is not on the grid of freq={self.name!r}"
                f"{self._hint(times, first)}. Give the frequency the data have, move "
                "the time onto the grid, or use freq=None to count events instead of time steps."
            )
        return tick

    def _base(self, times):
        """Return positions before scaling, and which of them are valid (None: all)."""
        if self.kind in ("number", "period"):
            return times.values, None
        if self.kind == "fixed":
            return (times.wall() if self.step % _DAY == 0 else times.values), None
        wall = times.wall()
        day, clock = np.divmod(wall, _DAY)
        on_grid = clock == self.clock
        if self.kind == "business":
            week, weekday = np.divmod(day + _EPOCH_WEEKDAY, 7)
            return week * 5 + weekday, on_grid & (weekday < 5)
        month, start, end = _months(day)
        if self.day == "start":
            return month, on_grid & start
        if self.day == "end":
            return month, on_grid & end
        return month, None  # "M", "Q" and "Y" take any day of the period

    def _hint(self, times, row):
        """Say the weekday where a weekly grid is missed: nearly always a wrong anchor."""
        if self.kind == "fixed" and self.step % (7 * _DAY) == 0:
            weekday = _WEEKDAYS[int(times.wall()[row] // _DAY + _EPOCH_WEEKDAY) % 7]
            return f" (it is a {weekday})"
        return ""

    def times(self, ticks):
        """Return the times of some ticks, as an index."""
        base = np.asarray(ticks, dtype=np.int64) * self.step + self.phase
        if self.kind == "number":
            return pd.Index(base)
        if self.kind == "period":
            return pd.PeriodIndex.from_ordinals(base, freq=self.zone)
        if self.kind == "fixed":
            micros = base
        elif self.kind == "business":
            week, weekday = np.divmod(base, 5)
            micros = (week * 7 + weekday - _EPOCH_WEEKDAY) * _DAY + self.clock
        else:
            months = base + (1 if self.day == "end" else 0)
            day = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
            micros = (day - (1 if self.day == "end" else 0)) * _DAY + self.clock
        index = pd.DatetimeIndex(micros.view("M8[us]"))
        if self.zone is None:
            return index
        if self.kind == "fixed" and self.step % _DAY:
            return index.tz_localize("UTC").tz_convert(self.zone)
        return index.tz_localize(self.zone)

    def steps(self, duration, name="duration"):
        """Return how many steps a duration lasts (a float): ``"7D"`` is 7.0 for daily data."""
        if self.kind == "number":
            raise ValueError(
                f"{name}={duration!r} is a duration, but the times are plain numbers: give a "
                "number of steps, or use datetimes."
            )
        if self.kind == "period":
            one = pd.Period(ordinal=0, freq=self.zone)
            step = (one.end_time - one.start_time).round("s") / pd.Timedelta(microseconds=1)
            step = {"M": 1, "Q": 3, "Y": 12}.get(self.zone.lstrip("0123456789")[:1], 0) * (
                _MEAN_MONTH * self.step
            ) or step
        elif self.kind == "month":
            step = _MEAN_MONTH * self.step
        else:
            step = self.step * (_DAY * 7 / 5 if self.kind == "business" else 1)
        return parse_duration(duration, name) / step


def _months(day):
    """Return month numbers of days since 1970, and which days start and end a month."""
    days = day.astype("M8[D]")
    month = days.astype("M8[M]")
    number = month.astype(np.int64)
    start = month.astype("M8[D]") == days
    end = (month + 1).astype("M8[D]") - 1 == days
    return number, start, end


def make_frequency(freq, times, name="time"):
    """Return the grid that ``freq`` names, with the phase that the training times have.

    Parameters
    ----------
    freq : str, int, float
        A pandas offset such as ``"D"``, ``"2h"`` or ``"W-MON"``, the length of a step for
        numeric times, or ``"infer"``.
    times : Times
        The distinct training times, ascending.

    Returns
    -------
    Frequency
    """
    if times.kind == "period":
        own = pd.Period(ordinal=0, freq=times.zone)
        if freq != "infer" and pd.Period(ordinal=0, freq=freq).freq != own.freq:
            raise ValueError(
                f"freq={freq!r} is not the frequency of the periods, {times.zone!r}: use .asfreq "
                "to change them, or freq='infer'."
            )
        step = own.freq.n
        return Frequency(times.zone, "period", step, int(times.values[0]) % step, zone=times.zone)
    if freq == "infer":
        return _infer(times, name)
    if times.kind == "number":
        if isinstance(freq, str):
            raise ValueError(
                f"freq={freq!r} is a calendar frequency, but {name} holds plain numbers: give the "
                "length of one step, freq=None, or datetimes."
            )
        step = int(freq) if float(freq).is_integer() else float(freq)
        return Frequency(step, "number", step, (times.values[0] % step).item())
    if not isinstance(freq, str):
        raise ValueError(
            f"freq={freq!r} is a number, but {name} holds datetimes: give an offset such as 'D', "
            "'W-MON', 'MS' or '15min'."
        )
    return _parse(freq, times)


def _infer(times, name):
    """Return the coarsest grid that holds all times."""
    if times.kind == "number":
        return _infer_number(times, name)
    wall = times.wall()
    day, clock = np.divmod(wall, _DAY)
    grid = None
    if (clock == clock[0]).all():
        month, start, end = _months(day)
        for rule, holds in (("start", start), ("end", end)):
            if holds.all() and (step := _common_step(month)):
                anchor = MONTH_NAMES[int(month[0]) % 12]
                suffix = "S" if rule == "start" else "E"
                unit, n = next(
                    (unit, step // months)
                    for unit, months in (("Y", 12), ("Q", 3), ("M", 1))
                    if step % months == 0
                )
                # A quarter is named by any of its months: pandas takes the first or the last one.
                if unit == "Q" and n == 1:
                    anchor = MONTH_NAMES[int(month[0]) % 3 + (0 if rule == "start" else 9)]
                label = f"{n if n > 1 else ''}{unit}{suffix}{'' if unit == 'M' else '-' + anchor}"
                grid = Frequency(
                    label, "month", step, int(month[0]) % step, rule, int(clock[0]), times.zone
                )
                break
    if grid is None:
        step = _common_step(wall)
        if step % _DAY:
            step = _common_step(times.values)
        if not step:
            raise ValueError(
                f"freq='infer' needs at least two distinct times, but {name} is always "
                f"{times.format(0)}: give freq, for example freq='D', or freq=None for event logs."
            )
        grid = _fixed(step, wall if step % _DAY == 0 else times.values, times.zone)
        weekdays = (day + _EPOCH_WEEKDAY) % 7
        if step == _DAY and (weekdays < 5).all() and (np.diff(day) == 3).any():
            grid = Frequency("B", "business", 1, clock=int(clock[0]), zone=times.zone)
    return grid


def _fixed(step, base, zone):
    """Return a grid of fixed steps, named by the largest unit that divides it."""
    phase = int(base[0] % step)
    if step % (7 * _DAY) == 0:
        n, unit = step // (7 * _DAY), f"W-{_WEEKDAYS[(phase // _DAY + _EPOCH_WEEKDAY) % 7]}"
    else:
        unit, size = next(
            (unit, size) for unit, size in reversed(_MICROSECONDS.items()) if step % size == 0
        )
        n = step // size
    return Frequency(f"{n if n > 1 else ''}{unit}", "fixed", step, phase, zone=zone)


def _common_step(base):
    """Return the greatest common divisor of all differences between integers, or 0."""
    return int(np.gcd.reduce(base - base[0]))


def _infer_number(times, name):
    """Return the grid of numeric times."""
    base = times.values
    gaps = np.diff(base)
    step = _common_step(base) if base.dtype.kind == "i" else gaps.min(initial=np.inf).item()
    if not 0 < step < np.inf:
        raise ValueError(
            f"freq='infer' needs at least two distinct times, but {name} is always "
            f"{times.format(0)}: give freq, for example freq=1, or freq=None for event logs."
        )
    return Frequency(step, "number", step, (base[0] % step).item())


def check_regular(frequency, codes, ticks, name="time"):
    """Raise if the commonest gap is not one step: then the inferred grid is an accident.

    ``codes`` and ``ticks`` are sorted by series and tick.
    """
    _, ones, pairs = count_gaps(codes, ticks)
    if 2 * ones >= pairs:
        return  # most gaps are one step: nearly always, and quick to see
    gaps = np.diff(ticks)[codes[1:] == codes[:-1]]
    counts = np.bincount(np.clip(gaps[gaps > 0], 0, 1024))
    if counts.size and counts.argmax() != 1:
        commonest = int(counts.argmax())
        more = " or more" if commonest == 1024 else ""
        raise ValueError(
            f"{name} is irregular: all times fit freq={frequency.name!r}, but the commonest gap is "
            f"{commonest}{more} such steps. Give freq={frequency.name!r} if these steps are meant, "
            "a coarser freq, or freq=None to count events instead of time steps."
        )


def _parse(freq, times):
    """Return the grid of a pandas offset string."""
    match = re.fullmatch(r"\s*(\d*)\s*([A-Za-z]+)(?:-([A-Za-z]{3}))?\s*", freq)
    n, unit, anchor = match.groups() if match else ("", "", None)
    n = int(n or 1)
    anchor = anchor and anchor.upper()
    wall = times.wall()
    clock = int(wall[0] % _DAY)
    known = unit in _MICROSECONDS or unit in _MONTHS or unit in ("B", "W")
    fits = anchor is None or anchor in (_WEEKDAYS if unit == "W" else MONTH_NAMES)
    if not known or not fits or n < 1 or (anchor and unit in ("B", "M", "MS", "ME")):
        raise ValueError(
            f"freq={freq!r} is not a known frequency: use D, W-MON … W-SUN, MS, ME, QS, QE, YS, "
            "YE, B, h, min, s, ms or us, with a whole number in front for multiples ('15min')."
        )
    label = f"{n if n > 1 else ''}{unit}{'-' + anchor if anchor else ''}"
    if unit in _MICROSECONDS:
        step = n * _MICROSECONDS[unit]
        base = wall if step % _DAY == 0 else times.values
        return Frequency(label, "fixed", step, int(base[0] % step), zone=times.zone)
    if unit == "W":
        weekday = _WEEKDAYS.index(anchor or "SUN")
        days = int(wall[0] // _DAY)
        # For several weeks the first time says which week; for one week this is the anchor alone.
        days += (weekday - (days + _EPOCH_WEEKDAY)) % 7
        step = 7 * n * _DAY
        return Frequency(label, "fixed", step, (days * _DAY + clock) % step, zone=times.zone)
    if unit == "B":
        first = Frequency(label, "business", 1, clock=clock, zone=times.zone)
        phase = int(first.ticks(times.take(slice(0, 1)))[0]) % n
        return replace(first, step=n, phase=phase)
    step = n * _MONTHS[unit]
    day = {"S": "start", "E": "end"}.get(unit[1:])
    first = Frequency(label, "month", 1, day=day, clock=clock, zone=times.zone)
    # QS-FEB starts in February; QE-DEC, and the plain period Q-DEC, end in December.
    months = MONTH_NAMES.index(anchor) if anchor else (0 if day == "start" else 11)
    months += day is None
    if n > 1:  # the first time says which of several years or quarters it is
        months += (
            (int(first.ticks(times.take(slice(0, 1)))[0]) - months) // _MONTHS[unit] * _MONTHS[unit]
        )
    return replace(first, step=step, phase=months % step)
