"""What a ranker is given of a candidate: numbers out of the events before the time of its list."""

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from sklearn_tsrec._times import show
from sklearn_tsrec.recommendation.two_stage._past_counts import Habits, PastCounts

GROUPS = ("scores", "personal", "item", "trend", "context", "attributes", "columns", "demand")


class EventFeatures:
    """Features of (series, time, item) out of a log of events.

    Parameters
    ----------
    series, items : int64 arrays of shape (n,)
        The series and the item of each event.
    times : float64 array of shape (n,)
        When it happened.
    half_lives : float64 array
        Ages at which an event counts half, ascending.
    unit : float
        The unit of times in features: the length of the period to forecast.
    groups : list of str
        The groups of features to build.
    attributes : dict of str to array of shape (n_items,)
        What is known of each item: codes (integers, -1 for none) or numbers (NaN for none).
    columns : dict of str to float array of shape (n,)
        What is known of each event, such as its price.
    """

    def __init__(
        self, series, items, times, half_lives, unit, *, groups, n_items, attributes, columns
    ):
        self.half_lives, self.unit, self.groups, self.n_items = half_lives, unit, groups, n_items
        self._attributes = attributes if "attributes" in groups else {}
        pairs = series * n_items + items
        self._all = PastCounts(np.zeros_like(items), times, half_lives)
        self._series = PastCounts(series, times, half_lives)
        self._items = PastCounts(items, times, half_lives)
        self._pairs = PastCounts(pairs, times, half_lives)
        few = half_lives[:0]
        earlier = self._pairs.before(pairs, times)
        # Of the first events of a pair, which are at one time, only one makes a new user.
        new = np.flatnonzero(earlier.total == 0)
        new = new[~pd.Series(pairs[new]).duplicated().to_numpy()]
        self._users = PastCounts(items[new], times[new], few)
        self._gaps = _means(items, times, few, earlier.age)
        self._habits = Habits(series, items, times)
        self._kinds, self._levels = {}, {}
        for name, values in self._attributes.items():
            own = values[items]
            if values.dtype.kind == "f":
                self._levels[name] = _means(series, times, few, own)
            else:
                known = own >= 0
                parts = series[known], own[known], times[known]
                counts = PastCounts(_pair(*parts[:2], values), parts[2], half_lives)
                self._kinds[name] = counts
        self._nests = [
            (name, values, *_kind_counts(series, values, items, times))
            for name, values in nest(self._attributes, n_items)
        ]
        self._columns = {
            name: (_means(items, times, half_lives, values), _means(series, times, few, values))
            for name, values in (columns if "columns" in groups else {}).items()
        }

    def has_past(self, series, times):
        """Return which series have events before some times."""
        return self._series.before(series, times).total > 0

    def build(self, series, times, items):
        """Return a dict of features of some candidates, group by group."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._build(series, times, items)

    def _build(self, series, times, items):
        """Return the features, with NaN and infinity where there is nothing to divide by."""
        everything = self._all.before(np.zeros_like(items), times)
        user = self._series.before(series, times)
        item = self._items.before(items, times)
        pair = self._pairs.before(series * self.n_items + items, times)
        users = self._users.before(items, times)
        popularity = item.total / everything.total
        spans = range(len(self.half_lives))
        smoothing = self._habits.smoothing(items, times)
        made = {}
        if "personal" in self.groups:
            made["n"] = np.log1p(pair.total)
            made["share"] = pair.total / user.total
            for j in spans:
                made[f"recent{j}"] = np.log1p(pair.decayed[:, j])
            made["age"] = pair.age / self.unit
            made["gap"] = pair.gap / self.unit
            made["due"] = pair.age / _mean(self._gaps, items, times)
            made["rate"] = np.log(_rate(smoothing, popularity, pair, user))
        if "item" in self.groups:
            made["popularity"] = np.log(popularity)
            made["repeats"] = item.total / users.total
            made["item_age"] = item.age / self.unit
            for j in spans:
                made[f"popularity{j}"] = np.log(item.decayed[:, j] / everything.decayed[:, j])
        if "trend" in self.groups:
            share = item.decayed / everything.decayed
            for j in spans[1:]:
                made[f"trend{j}"] = np.log(share[:, j - 1] / share[:, j])
        if "context" in self.groups:
            made["events"] = np.log1p(user.total)
            made["quiet"] = user.age / self.unit
            made["pace"] = user.gap / self.unit
            for j in spans:
                made[f"active{j}"] = np.log1p(user.decayed[:, j])
        for name, values in self._attributes.items():
            made |= self._of_attribute(name, values[items], series, times, user)
        # From the widest kind to the narrowest, each is the prior of the next, and of the item.
        expected, wider = popularity * 0 + 1, everything.total
        for name, nested, kinds, pairs, habits in self._nests:
            values = nested[items]
            total = kinds.before(values, times).total
            mine = pairs.before(_pair(series, values, nested), times)
            expected = _rate(habits.smoothing(values, times), expected * total / wider, mine, user)
            wider = total
            rate = _rate(smoothing, expected * item.total / total, pair, user)
            made[f"{name}__rate"] = np.log(rate)
        for name, (of_items, of_series) in self._columns.items():
            now, usual = _mean(of_items, items, times), _mean(of_items, items, times, -1)
            made[f"{name}__level"] = usual
            made[f"{name}__now"] = now / usual
            made[f"{name}__own"] = usual - _mean(of_series, series, times)
        return made

    def _of_attribute(self, name, values, series, times, user):
        """Return what the series has of the same kind, or how far from its usual a number is."""
        if name in self._levels:
            own = _mean(self._levels[name], series, times)
            return {f"{name}__value": values, f"{name}__own": values - own}
        mine = self._kinds[name].before(_pair(series, values, self._attributes[name]), times)
        return {
            f"{name}__share": mine.total / user.total,
            f"{name}__recent": np.log1p(mine.decayed[:, 0]),
            f"{name}__long": np.log1p(mine.decayed[:, -1]),
            f"{name}__age": mine.age / self.unit,
        }


def read_attributes(item_features, items):
    """Return what is known of each item: codes of text and categories, and numbers."""
    if item_features is None:
        return {}
    if not isinstance(item_features, pd.DataFrame) or not item_features.index.is_unique:
        raise ValueError(
            "item_features must be a DataFrame whose index holds each item once, got "
            f"{show(item_features)}."
        )
    table = item_features.reindex(pd.Index(items))
    if table.isna().all(axis=None):
        raise ValueError(
            "item_features knows none of the items in y: is its index of the same type as y?"
        )
    found = {}
    for name, column in table.items():
        if is_numeric_dtype(column.dtype) and not is_bool_dtype(column.dtype):
            found[str(name)] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            found[str(name)] = pd.factorize(column)[0].astype(np.int64)
    return found


def nest(attributes, n_items):
    """Return kinds within kinds, the widest first: each code of one names that of the one before.

    Parameters
    ----------
    attributes : dict of str to array of shape (n_items,)
        Those that are codes count. What is not known is a kind of its own.
    n_items : int

    Returns
    -------
    list of (str, int64 array of shape (n_items,))
    """
    coded = [(name, values) for name, values in attributes.items() if values.dtype.kind != "f"]
    nested, within = [], np.zeros(n_items, dtype=np.int64)
    for name, values in sorted(coded, key=lambda pair: pair[1].max(initial=0)):
        _, within = np.unique(within * (values.max() + 2) + values + 1, return_inverse=True)
        nested.append((name, within))
    return nested


def _kind_counts(series, kinds, items, times):
    """Return the counts of kinds and of series with them, and how far series differ in them."""
    own, few = kinds[items], np.zeros(0)
    pairs = PastCounts(_pair(series, own, kinds), times, few)
    return PastCounts(own, times, few), pairs, Habits(series, own, times)


def _rate(smoothing, popularity, pair, user):
    """Return the expected share of something in a series: its popularity, updated by counts."""
    return (smoothing * popularity + pair.total) / (smoothing + user.total)


def _pair(series, values, attribute):
    """Return one number for a series and the value of an item; -1 where it has none."""
    return np.where(values < 0, -1, series * (attribute.max() + 1) + values)


def _means(codes, times, half_lives, values):
    """Return counts of weighted and of plain events, whose ratio is a mean."""
    known = ~np.isnan(values)
    codes, times, values = codes[known], times[known], values[known]
    return PastCounts(codes, times, half_lives, values), PastCounts(codes, times, half_lives)


def _mean(pair, codes, times, half_life=None):
    """Return a mean before some times."""
    weighted, plain = (counts.before(codes, times) for counts in pair)
    if half_life is None:
        return weighted.total / plain.total
    return weighted.decayed[:, half_life] / plain.decayed[:, half_life]
