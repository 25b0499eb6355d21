"""Long tables of recommendations and of what happened, as integer codes."""

import numbers
from typing import NamedTuple

import numpy as np
import pandas as pd

from sklearn_tsrec._keys import factorize_levels, sorted_groups

_LIST_COLUMNS = ("rank", "item", "score", "source")  # what recommend() adds to the group columns


class Events(NamedTuple):
    """Events as codes: the series and the item of each row."""

    series: np.ndarray  # position of the series of each row in labels
    item: np.ndarray  # position of its item in items
    labels: pd.Index  # the series, sorted
    items: pd.Index  # the items, in order of appearance

    def pairs(self):
        """Return the distinct pairs of series and item, as numbers ``series * n_items + item``."""
        return pd.unique(self.series * np.int64(len(self.items)) + self.item)


class Lists(NamedTuple):
    """Lists as codes: the series, the rank and the item of each row."""

    series: np.ndarray
    item: np.ndarray
    labels: pd.Index
    items: pd.Index
    rank: np.ndarray  # 1 is best

    def mean(self, value):
        """Return the mean of a value per row within each list; NaN where there is none."""
        total = np.bincount(self.series, value, minlength=len(self.labels))
        length = np.bincount(self.series, minlength=len(self.labels))
        return np.where(length > 0, total / np.maximum(length, 1), np.nan)

    def of_series(self, labels):
        """Return the lists of the series in an index, numbered as they are there."""
        series = labels.get_indexer(self.labels)[self.series]
        kept = series >= 0
        if not kept.any():
            raise ValueError(
                f"No group of y_pred occurs in y_true: is {list(labels.names)} of the same type "
                "and meaning in both?"
            )
        return Lists(series[kept], self.item[kept], labels, self.items, self.rank[kept])


class Hits(NamedTuple):
    """The recommended items that were relevant, sorted by series and rank."""

    series: np.ndarray  # code of the series of each hit
    rank: np.ndarray  # its rank, 1 is best
    n_relevant: np.ndarray  # relevant items of each series
    labels: pd.Index  # the series

    def total(self, gain):
        """Sum a gain per hit within each series."""
        # bincount forgets the type of its weights when there is no hit at all.
        return np.bincount(self.series, gain, minlength=len(self.labels)).astype(np.float64)

    def average(self, value, average):
        """Return the value of each series, or their mean."""
        return average_series(value, self.labels, average)


def average_series(value, labels, average):
    """Return the value of each series, or their mean."""
    if average not in ("series", None):
        raise ValueError(f"average must be 'series' or None, got {average!r}.")
    return float(value.mean()) if average == "series" else pd.Series(value, labels)


def read_lists(y_pred, k):
    """Return the first k places of long lists as codes, and the names of the group columns."""
    if isinstance(k, bool) or not isinstance(k, numbers.Integral) or k < 1:
        raise ValueError(f"k must be an integer of at least 1, got {k!r}.")
    if not isinstance(y_pred, pd.DataFrame) or not {"rank", "item"} <= set(y_pred.columns):
        raise TypeError(
            "y_pred must be a DataFrame with group columns, 'rank' (1 is best) and 'item', as "
            "recommend() returns it."
        )
    names = [name for name in y_pred.columns if name not in _LIST_COLUMNS]
    if not names:
        raise ValueError(f"y_pred has no group column beside {', '.join(_LIST_COLUMNS)}.")
    if not len(y_pred):
        raise ValueError("y_pred is empty: there is no list to score.")
    if y_pred[[*names, "rank", "item"]].isna().any(axis=None):
        raise ValueError("y_pred has missing groups, ranks or items.")
    rank = y_pred["rank"].to_numpy()
    if rank.dtype.kind not in "iu" or rank.min() < 1:
        raise ValueError("The ranks in y_pred must be integers that start at 1 for the best item.")
    if rank.max() > k:
        y_pred, rank = y_pred[rank <= k], rank[rank <= k]
    series, labels = _code_series([pd.Index(y_pred[name]) for name in names], names)
    item, items = pd.factorize(y_pred["item"])
    return Lists(series, item, labels, pd.Index(items), rank), names


def read_events(y, names, argument):
    """Return events, given as a table (group, item) or as keyed items, as codes."""
    index = getattr(y, "index", None)
    if isinstance(y, pd.Series) and set(names) <= set(index.names):
        item = y
        if isinstance(index, pd.MultiIndex):
            numbers = [index.names.index(name) for name in names]
            keys = [(index.levels[n], index.codes[n]) for n in numbers]
        else:
            keys = [index]
    elif isinstance(y, pd.DataFrame) and {*names, "item"} <= set(y.columns):
        item, keys = y["item"], [pd.Index(y[name]) for name in names]
    else:
        raise TypeError(
            f"{argument} must be a DataFrame with the columns {[*names, 'item']} (the groups are "
            "named by y_pred), or a Series of items with these groups as index levels, as "
            "as_panel() returns it."
        )
    if not len(item):
        raise ValueError(f"{argument} is empty: there is no event to learn or score from.")
    code, items = pd.factorize(item)
    try:
        series, labels = _code_series(keys, names)
    except ValueError:
        series = np.array([-1])
    if code.min() < 0 or series.min() < 0:
        raise ValueError(f"{argument} has missing groups or items: leave such events out.")
    return Events(series, code, labels, pd.Index(items))


def _code_series(keys, names):
    """Return the code of the series of each row, and the sorted series.

    Keys are indexes of labels, or pairs of the levels and codes of a MultiIndex.
    """
    keys = [key if isinstance(key, tuple) else pd.factorize(key)[::-1] for key in keys]
    levels, codes = [pd.Index(level) for level, _ in keys], [code for _, code in keys]
    codes, labels = factorize_levels(levels, codes)
    labels, codes = sorted_groups(labels, codes)
    return codes, labels.set_names(names)


def find_hits(y_true, y_pred, k):
    """Match the first k recommendations of every series with its relevant items."""
    lists, names = read_lists(y_pred, k)
    true = read_events(y_true, names, "y_true")
    return match(lists.of_series(true.labels), true, k)


def match(lists, true, k):
    """Return which of the recommended items happened; both number the same series."""
    n_items = np.int64(len(true.items))
    relevant = true.pairs()
    n_relevant = np.bincount(relevant // n_items, minlength=len(true.labels))
    place = lists.series * np.int64(k) + lists.rank - 1
    if np.bincount(place).max() > 1:
        raise ValueError("y_pred has two items of equal rank in one group.")
    item = true.items.get_indexer(lists.items)[lists.item]
    could = item >= 0
    place, pair = place[could], (lists.series * n_items + item)[could]
    hit = pd.Index(relevant).get_indexer(pair) >= 0
    place, pair = place[hit], pair[hit]
    order = np.argsort(place)
    # An item that is listed twice is found once, at its better rank.
    order = order[~pd.Series(pair[order]).duplicated().to_numpy()]
    return Hits(place[order] // k, place[order] % k + 1, n_relevant, true.labels)


def popularity(train):
    """Return the number of series that bought each item."""
    return np.bincount(train.pairs() % len(train.items), minlength=len(train.items))
