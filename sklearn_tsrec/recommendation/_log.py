"""The log of events: which series, when, and of which item; and what came before a time."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numba import njit

from sklearn_tsrec._frequency import Frequency
from sklearn_tsrec._keys import Keys
from sklearn_tsrec._scans import count_gaps, series_starts
from sklearn_tsrec._times import Times, parse_duration, read_times, show

_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True)
class Clock:
    """How the times of a log become ticks, and ticks become numbers that can be subtracted.

    Attributes
    ----------
    kind : {"datetime", "period", "number"}
        What times are.
    zone : tzinfo, str or None
        The time zone of datetimes, the frequency of periods.
    whole : bool
        Whether only int64 holds the times exactly; ticks are then the times themselves.
    frequency : Frequency or None
        The calendar that counts ticks; None takes any times.
    """

    kind: str
    zone: object = None
    whole: bool = False
    frequency: Frequency | None = None

    def ticks(self, times, name="time"):
        """Return the tick of each of some :class:`Times`."""
        if self.frequency is None:
            return times.sortable(self.whole)
        return self.frequency.ticks(times, name)

    def numbers(self, ticks):
        """Return ticks as floats: days for datetimes, else the times or steps of the calendar."""
        if self.frequency is not None:
            return ticks.astype(np.float64)
        values = ticks if self.whole else Times.unsortable(ticks)
        return values / (_DAY if self.kind == "datetime" else 1.0)

    def times(self, ticks):
        """Return ticks as a column of times, where there is no calendar: dates without a zone."""
        if self.kind == "datetime":
            return ticks.view("M8[us]")
        return ticks if self.whole else Times.unsortable(ticks)

    def read(self, at):
        """Return one time as :class:`Times`, read as training times were."""
        at = pd.Timestamp(at) if isinstance(at, str) and self.kind == "datetime" else at
        return read_times(pd.Index([at]), "at").like(self.kind, self.zone, name="at")

    def length(self, length, name):
        """Return a length of time, such as ``"30D"``, in the unit of the times as they are held."""
        if isinstance(length, str) != (self.kind == "datetime"):
            raise ValueError(
                f"{name}={show(length)} does not fit times that are {self.kind}s: give a duration "
                "such as '30D' for datetimes, and a number in their unit for all others."
            )
        return parse_duration(length, name) if isinstance(length, str) else length

    def half_life(self, half_life):
        """Return a half-life in the unit of :meth:`numbers`."""
        if self.frequency is not None:
            if isinstance(half_life, str):
                return self.frequency.steps(half_life, "half_life")
            return half_life
        length = self.length(half_life, "half_life")
        return length / _DAY if self.kind == "datetime" else length


@dataclass(frozen=True)
class Events:
    """Events in the order of a table, which was read once.

    Attributes
    ----------
    series : int64 array of shape (n,)
        The series of each event: a position in ``groups``.
    tick : int64 array of shape (n,)
        When it happened, on the clock.
    item : int64 array of shape (n,)
        Its item: a position in ``items``.
    groups : Index of shape (n_series,)
        The labels of the series.
    items : array of shape (n_items,)
        The labels of the items.
    clock : Clock
    """

    series: np.ndarray
    tick: np.ndarray
    item: np.ndarray
    groups: pd.Index
    items: np.ndarray
    clock: Clock

    def __len__(self):
        return len(self.tick)

    def take(self, rows):
        """Return some of the events, with no series and no item but theirs."""
        present, series = np.unique(self.series[rows], return_inverse=True)
        met, item = np.unique(self.item[rows], return_inverse=True)
        return replace(
            self,
            series=series,
            tick=self.tick[rows],
            item=item,
            groups=self.groups[present],
            items=self.items[met],
        )


@dataclass(frozen=True)
class Spans:
    """What came before some times: events of the log, the times themselves, and their context.

    Attributes
    ----------
    first, end : int64 arrays of shape (n,)
        The events before each time are the rows ``first:end`` of the log.
    times : float array of shape (n,)
        The times, as ``Clock.numbers`` counts them.
    context : DataFrame of shape (n, n_columns) or None
        What is known of each row beside its keys.
    """

    first: np.ndarray
    end: np.ndarray
    times: np.ndarray
    context: pd.DataFrame | None = None

    def __len__(self):
        return len(self.first)

    @property
    def known(self):
        """Whether there is an event before each time."""
        return self.end > self.first

    def take(self, rows):
        """Return some of the spans: a slice or a mask."""
        context = None if self.context is None else self.context.iloc[rows]
        return Spans(self.first[rows], self.end[rows], self.times[rows], context)


@dataclass(frozen=True)
class EventLog:
    """What a recommender remembers: events sorted by series and time.

    Events of a series at one time have no order of their own. The order of the rows may be that of
    the truth, and that of the labels favours some items, so a hash of series, time, item and seed
    decides.

    Attributes
    ----------
    starts : int64 array of shape (n_series + 1,)
        Series ``s`` has the events ``starts[s]:starts[s + 1]``.
    tick : int64 array of shape (n,)
        When each event happened, ascending in a series.
    item : int64 array of shape (n,)
        The item of each event.
    clock : Clock
    seed : int
        Decides the order of events at one time.
    """

    starts: np.ndarray
    tick: np.ndarray
    item: np.ndarray
    clock: Clock
    seed: int

    @classmethod
    def build(cls, events, seed):
        """Sort events by series and time, those at one time in a pseudo-random order."""
        n_series, tick, item = len(events.groups), events.tick, events.item
        keys = Keys(events.series, tick, n_series, n_series)
        series, ticks = keys.sorted()
        order = keys.order
        if count_gaps(series, ticks)[0]:
            order = np.lexsort((item, _ties(events, seed), tick, events.series))
        item = item if order is None else item[order]
        return cls(series_starts(series, n_series), ticks, item, events.clock, seed)

    def append(self, events):
        """Return a log with more events, of known and new series."""
        series = np.append(self.series, events.series)
        tick, item = np.append(self.tick, events.tick), np.append(self.item, events.item)
        return self.build(replace(events, series=series, tick=tick, item=item), self.seed)

    @property
    def series(self):
        """The series of each event."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    @cached_property
    def time(self):
        """When each event happened, as ``Clock.numbers`` counts it."""
        return self.clock.numbers(self.tick)

    @property
    def latest(self):
        """The time of the latest event, as ``Clock.numbers`` counts it."""
        return self.clock.numbers(self.tick.max(keepdims=True))[0]

    def spans(self, series, ticks=None, context=None):
        """Return the events of each series before each tick.

        Parameters
        ----------
        series : int64 array of shape (m,)
            Those that the log does not know have no events.
        ticks : int64 array of shape (m,) or None
            None is after all events; their time is that of the latest event.
        context : DataFrame of shape (m, n_columns) or None
            What is known beside the keys.

        Returns
        -------
        Spans
        """
        known = (series >= 0) & (series < len(self.starts) - 1)
        at = np.where(known, series, 0)
        first, end = self.starts[at], self.starts[at + 1]
        end = np.where(known, end, first)
        if ticks is None:
            return Spans(first, end, np.full(len(series), self.latest), context)
        end = _ends_before(self.tick, first, end, ticks)
        return Spans(first, end, self.clock.numbers(ticks), context)

    def windows(self, spans, width):
        """Return the last ``width`` items of each span, the oldest first, NaN where there is none.

        Returns
        -------
        float array of shape (len(spans), width)
        """
        return _windows(self.item, spans.first, spans.end, width)

    def ages(self, spans, width):
        """Return how old each item of the windows is at the time of its span."""
        then = _windows(self.time, spans.first, spans.end, width)
        return spans.times[:, np.newaxis] - then

    def items_in(self, spans):
        """Return all items of some spans, and the number of the span each belongs to."""
        length = spans.end - spans.first
        span = np.repeat(np.arange(len(spans)), length)
        inside = np.arange(len(span)) - np.repeat(np.cumsum(length) - length, length)
        return self.item[spans.first[span] + inside], span


def _ties(events, seed):
    """Return pseudo-random numbers that decide the order of events at one time."""
    tie = np.full(len(events), np.uint64(seed))
    for part in (events.series, events.tick, events.item):
        tie = _scramble(tie ^ part.astype(np.int64).view(np.uint64))
    return tie >> np.uint64(11)


def _scramble(bits):
    """Return well mixed bits: the finalizer of the SplitMix64 generator."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@njit(cache=True)
def _ends_before(ticks, first, end, before):
    """Return the end of the rows of ``first:end`` whose tick is before another one."""
    out = np.empty(len(first), dtype=np.int64)
    for i in range(len(first)):
        out[i] = first[i] + np.searchsorted(ticks[first[i] : end[i]], before[i])
    return out


@njit(cache=True)
def _windows(values, first, end, width):
    """Copy the last values of each span to the right end of a row."""
    out = np.full((len(first), width), np.nan)
    for row in range(len(first)):
        start = max(first[row], end[row] - width)
        for at in range(start, end[row]):
            out[row, width - (end[row] - at)] = values[at]
    return out
