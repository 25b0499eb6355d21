"""Long tables of recommendations and of what happened, as integer codes."""

import numbers
from typing import NamedTuple

import numpy as np
import pandas as pd

from sklearn_tsrec.metrics._series import series_codes

_LIST_COLUMNS = ("rank", "item", "score", "source")  # what recommend() adds to the group columns


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


def top_lists(y_pred, k):
    """Return the rows of ranks 1 to k and the names of the group columns."""
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
    return y_pred[rank <= k], names


def item_table(y, names, argument):
    """Return the table (group, item) of events given as such a table or as keyed items."""
    if isinstance(y, pd.Series):
        y = y.rename("item").reset_index()
    if not isinstance(y, pd.DataFrame) or not {*names, "item"} <= set(y.columns):
        raise TypeError(
            f"{argument} must be a DataFrame with the columns {[*names, 'item']} (the groups are "
            "named by y_pred), or a Series of items with these groups as index levels, as "
            "as_panel() returns it."
        )
    y = y[[*names, "item"]]
    if not len(y):
        raise ValueError(f"{argument} is empty: there is no event to learn or score from.")
    if y.isna().any(axis=None):
        raise ValueError(f"{argument} has missing groups or items: leave such events out.")
    return y


def group_index(table, names):
    """Return the group columns of a table as an index."""
    return pd.Index(table[names[0]]) if len(names) == 1 else pd.MultiIndex.from_frame(table[names])


def find_hits(y_true, y_pred, k):
    """Match the first k recommendations of every series with its relevant items."""
    top, names = top_lists(y_pred, k)
    true = item_table(y_true, names, "y_true")
    codes, labels = series_codes(true[names], len(true))
    item_codes, items = pd.factorize(true["item"])
    relevant = pd.unique(codes * np.int64(len(items)) + item_codes)
    n_relevant = np.bincount(relevant // len(items), minlength=len(labels))

    series = labels.get_indexer(group_index(top, names))
    known = series >= 0
    if not known.any():
        raise ValueError(
            f"No group of y_pred occurs in y_true: is {names} of the same type and meaning in both?"
        )
    place = series[known] * np.int64(k) + top["rank"].to_numpy()[known] - 1
    if np.bincount(place).max() > 1:
        raise ValueError("y_pred has two items of equal rank in one group.")
    item = pd.Index(items).get_indexer(top["item"])[known]
    pair = series[known] * np.int64(len(items)) + item
    hit = (item >= 0) & pd.Series(pair).isin(relevant).to_numpy()
    place, pair = place[hit], pair[hit]
    order = np.argsort(place)
    # An item that is listed twice is found once, at its better rank.
    order = order[~pd.Series(pair[order]).duplicated().to_numpy()]
    return Hits(place[order] // k, place[order] % k + 1, n_relevant, labels)


def popularity(y_train, names):
    """Return for each item the number of series that had it, and the number of series."""
    train = item_table(y_train, names, "y_train")
    codes, labels = series_codes(train[names], len(train))
    item_codes, items = pd.factorize(train["item"])
    pairs = pd.unique(codes * np.int64(len(items)) + item_codes)
    return pd.Series(np.bincount(pairs % len(items)), pd.Index(items)), len(labels)
