"""Lists of items as recommenders read and write them: who gets one, out of what, and the table."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd

from sklearn_tsrec._keys import read_groups
from sklearn_tsrec._table import is_frame
from sklearn_tsrec._times import show

_COLUMNS = ("rank", "item", "score", "source")


def check_group_names(names):
    """Raise if a group column could not stand beside the columns of a list."""
    taken = [name for name in names if name in _COLUMNS]
    if taken:
        raise ValueError(
            f"group column {taken[0]!r} has the name of a column of the lists that recommend() "
            f"returns ({', '.join(_COLUMNS)}): rename it."
        )


def check_k(k, name="k"):
    """Return the length of a list; raise if it is none."""
    if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {k!r}.")
    return int(k)


@dataclass(frozen=True)
class ListMaker:
    """Who is given a list, out of what, and the table of it.

    Attributes
    ----------
    groups : Index
        The series of training, to which lists are made where none are asked for.
    names : list of str
        The names of the group columns.
    items : array of shape (n_items,)
        What can be listed.
    tie_order : int64 array of shape (n_items,)
        All items, in the order that breaks ties.
    """

    groups: pd.Index
    names: list
    items: np.ndarray
    tie_order: np.ndarray

    def series(self, X, group, time):
        """Return the distinct series to recommend to, in the order given."""
        if X is None:
            return self.groups
        if is_frame(X) or getattr(X, "ndim", 1) == 2:
            codes, labels = read_groups(X, group, time)
            return labels[pd.unique(codes)]
        if isinstance(X, str) or not hasattr(X, "__len__"):
            raise TypeError(
                f"X={show(X)} is neither a table nor a list of series: give [{show(X)}] for one."
            )
        listed = X if isinstance(X, pd.Index) else list(X)
        several = len(self.names) > 1
        labels = pd.MultiIndex.from_tuples(listed) if several else pd.Index(listed)
        if labels.to_frame().isna().any(axis=None):
            raise ValueError("X has missing labels of series: name every series.")
        return labels.unique()

    def columns(self, candidates, series):
        """Return the positions of the candidates in ``items``, in the order that breaks ties.

        Returns
        -------
        int64 array of shape (1, m), or (len(series), m) filled up with -1; None for all items
        """
        if candidates is None:
            return None
        table = isinstance(candidates, pd.DataFrame)
        if table and not {*self.names, "item"} <= set(candidates.columns):
            raise ValueError(
                f"candidates has the columns {list(candidates.columns)}, but a table of candidates "
                f"needs {[*self.names, 'item']}."
            )
        items = pd.Index(candidates["item"] if table else list(candidates))
        wanted = pd.Index(self.items).get_indexer(items)
        if (wanted < 0).any():
            unknown = items[wanted < 0].unique()
            raise ValueError(
                f"candidates has {len(unknown)} item(s) that training never saw, such as "
                f"{', '.join(show(item) for item in unknown[:5])}: leave them out."
            )
        if not len(wanted):
            raise ValueError(
                "candidates is empty: give at least one item, or None for all of them."
            )
        if not table or not self.names:
            return self.tie_order[np.isin(self.tie_order, wanted)][np.newaxis]
        keys = [candidates[name] for name in self.names]
        labels = pd.Index(keys[0]) if len(keys) == 1 else pd.MultiIndex.from_arrays(keys)
        row = series.get_indexer(labels)
        rank = np.argsort(self.tie_order)
        pairs = np.unique(np.column_stack([row, rank[wanted]])[row >= 0], axis=0)
        start = np.searchsorted(pairs[:, 0], pairs[:, 0])
        place = np.arange(len(pairs)) - start
        columns = np.full((len(series), place.max(initial=0) + 1), -1)
        columns[pairs[:, 0], place] = self.tie_order[pairs[:, 1]]
        return columns

    def table(self, series, best, scores, known):
        """Return lists of items as a long table: series, rank, item, score and source."""
        row, place = np.nonzero(best >= 0)
        listed = series[row]
        table = pd.DataFrame(
            {name: listed.get_level_values(i) for i, name in enumerate(self.names)},
            index=pd.RangeIndex(len(row)),
        )
        table["rank"] = place + 1
        table["item"] = self.items[best[row, place]]
        table["score"] = scores[row, place]
        table["source"] = pd.Index(["popularity", "history"]).take(known[row].astype(int))
        return table
