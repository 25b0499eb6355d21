"""How much the past of one series says about it, item by item."""

import numpy as np

from sklearn_tsrec.recommendation._past_counts import PastCounts


class Habits:
    """How far shares of items differ from series to series, by pairs of events.

    A series that had an item n times in N events is expected to have it at the rate
    ``(s * p + n) / (s + N)``, with p its popularity: the posterior mean of a Dirichlet or gamma
    distribution over the series whose strength is s. The more often two events of one series (at
    two times) are of one item, beyond what its popularity makes likely, the smaller its s. An item
    that few had is near the s of all items together: one pair more would count as much as that.

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
