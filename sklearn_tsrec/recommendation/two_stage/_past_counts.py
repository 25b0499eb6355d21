"""What happened before a time, out of running sums over a log of events."""

from typing import NamedTuple

import numpy as np
from numba import njit


class Past(NamedTuple):
    """What happened to some codes strictly before some times; NaN where nothing did."""

    total: np.ndarray  # sum of the weights of the events, 0 where there is none
    decayed: np.ndarray  # of shape (m, n_half_lives): the same, older events weighing less
    age: np.ndarray  # time since the last event
    gap: np.ndarray  # mean time between events


class PastCounts:
    """Events by code and time, ready to be counted before any time.

    Every sum runs through time, so that what it gives at a time cannot depend on later events.

    Parameters
    ----------
    codes : int64 array of shape (n,)
        What each event is of, such as its series or its item.
    times : float64 array of shape (n,)
        When it happened.
    half_lives : float64 array of shape (n_half_lives,)
        Ages at which an event counts half.
    weights : float64 array of shape (n,) or None
        What each event counts; None counts 1. Events that weigh NaN are left out.
    """

    def __init__(self, codes, times, half_lives, weights=None):
        weights = np.ones(len(codes)) if weights is None else weights
        known = np.flatnonzero(~np.isnan(weights))
        order = known[np.lexsort((times[known], codes[known]))]
        self._keys, self._starts = np.unique(codes[order], return_index=True)
        self._starts = np.append(self._starts, len(order))
        self._times, self._half_lives = times[order], half_lives
        self._sums = _run(self._starts, self._times, half_lives, weights[order])

    def before(self, codes, times):
        """Return what happened to each code before each time, as a :class:`Past`."""
        out = np.empty((len(codes), len(self._half_lives) + 3))
        parts = self._keys, self._starts, self._times, self._sums, self._half_lives
        _look_up(*parts, codes, times, out)
        return Past(out[:, 0], out[:, 1:-2], out[:, -2], out[:, -1])


class Habits:
    """How far shares of items differ from series to series, by pairs of events.

    A series with an item in n of its N events is expected to have it at the rate
    ``(s * p + n) / (s + N)``, with p its popularity: the posterior mean of a Dirichlet or gamma
    distribution over the series whose strength is s. The more often two events of one series (at
    two times) are of one item, beyond what its popularity makes likely, the smaller its s. An item
    with few events is near the s of all items together: one pair more would count as much as that.

    Parameters
    ----------
    series, items : int64 arrays of shape (n,)
        The series and the item of each event.
    times : float64 array of shape (n,)
        When it happened.

    References
    ----------
    .. [1] A. S. C. Ehrenberg (1959), "The pattern of consumer purchases", Applied Statistics 8(1).
    """

    def __init__(self, series, items, times):
        none = np.zeros(0)
        everyone = np.zeros_like(items)
        pairs = series * (items.max(initial=0) + 1) + items

        def earlier(codes):
            return PastCounts(codes, times, none).before(codes, times).total

        repeats, of_items = earlier(pairs), earlier(items)
        self._events = PastCounts(everyone, times, none)
        self._items = PastCounts(items, times, none)
        self._all_pairs = PastCounts(everyone, times, none, earlier(series))
        self._all_repeats = PastCounts(everyone, times, none, repeats)
        self._repeats = PastCounts(items, times, none, repeats)
        self._alike = PastCounts(everyone, times, none, of_items)

    def smoothing(self, items, times):
        """Return s for each item before each time."""
        everyone = np.zeros_like(items)
        n = self._events.before(everyone, times).total
        popularity = self._items.before(items, times).total / n
        pairs = self._all_pairs.before(everyone, times).total
        by_chance = pairs * self._alike.before(everyone, times).total / (n * (n - 1) / 2)
        excess = self._all_repeats.before(everyone, times).total - by_chance
        of_all = pairs / np.fmax(excess, 1.0)
        excess = self._repeats.before(items, times).total - popularity**2 * pairs
        return (popularity * pairs + of_all) / (np.fmax(excess, 0.0) + 1.0)


@njit(cache=True)
def _run(starts, times, half_lives, weights):
    """Return the sum of the weights of each key up to each event, plain and decayed."""
    sums = np.empty((len(times), 1 + len(half_lives)))
    for key in range(len(starts) - 1):
        for at in range(starts[key], starts[key + 1]):
            sums[at] = weights[at]
            if at > starts[key]:
                sums[at, 0] += sums[at - 1, 0]
                for j in range(len(half_lives)):
                    keep = 0.5 ** ((times[at] - times[at - 1]) / half_lives[j])
                    sums[at, 1 + j] += keep * sums[at - 1, 1 + j]
    return sums


@njit(cache=True)
def _look_up(keys, starts, times, sums, half_lives, codes, when, out):
    """Fill in what happened to each code before each time."""
    for i in range(len(codes)):
        key = np.searchsorted(keys, codes[i])
        first = n = 0
        if key < len(keys) and keys[key] == codes[i]:
            first = starts[key]
            n = np.searchsorted(times[first : starts[key + 1]], when[i])
        if n == 0:
            out[i, :-2] = 0.0
            out[i, -2:] = np.nan
            continue
        last = first + n - 1
        age = when[i] - times[last]
        out[i, 0] = sums[last, 0]
        for j in range(len(half_lives)):
            out[i, 1 + j] = sums[last, 1 + j] * 0.5 ** (age / half_lives[j])
        out[i, -2] = age
        out[i, -1] = (times[last] - times[first]) / (n - 1) if n > 1 else np.nan
