"""Items: labels of any type, validated and numbered; and those that no event has."""

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import assert_all_finite, column_or_1d

from sklearn_tsrec._item_table import item_matrix, standardized

_NEAREST = 10  # items of training that the scores of another one are the mean of


def check_item_type(items):
    """Raise if items are measured and not named.

    scikit-learn's own check would warn of every log in which most items are rare.
    """
    if items.dtype.kind == "f" and (items != np.trunc(items)).any():
        raise ValueError(
            "Unknown label type: continuous. Items are text, integers or categories, but y has "
            f"fractions, first in row {int((items != np.trunc(items)).argmax())}."
        )


def check_items(y, n_rows, name):
    """Return the items of events as an array; raise if one is missing or there are too few."""
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None: give items.")
    if hasattr(y, "to_numpy"):
        y = y.to_numpy()
    items = column_or_1d(y, warn=True)
    if items.dtype.kind == "f":
        assert_all_finite(items, input_name="y")
    missing = pd.isna(items)
    if missing.any():
        raise ValueError(
            f"y has no item in row {int(missing.argmax())} and in {int(missing.sum())} row(s) in "
            "all: leave such events out."
        )
    if len(items) != n_rows:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: [{n_rows}, {len(items)}]"
        )
    check_item_type(items)
    return items


def sort_items(items):
    """Return the sorted distinct items and the position of each item among them."""
    codes, distinct = pd.factorize(items)
    distinct = np.asarray(distinct)
    try:
        order = np.argsort(distinct, kind="stable")
    except TypeError as error:
        kinds = sorted({type(item).__name__ for item in distinct})
        raise TypeError(f"y mixes items of types {', '.join(kinds)}: use one type.") from error
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return distinct[order], place[codes]


def add_items(known, items, more):
    """Return known items with new ones, sorted, after them, and the position of each item.

    Parameters
    ----------
    known : array of shape (n_known,) or None
        Items that have their positions.
    items : array of shape (n,)
        Items of events.
    more : array-like
        Items without an event.
    """
    met, codes = sort_items(items)
    found = met
    if len(more):
        more = check_items(np.asarray(more), len(more), "classes")
        found, _ = sort_items(np.append(met.astype(object), more.astype(object)))
        found = found.astype(np.result_type(met, more))
    if known is None:
        place = pd.Index(found).get_indexer(met)
        return found, place[codes]
    new = found[pd.Index(known).get_indexer(found) < 0]
    classes = known
    if len(new):
        sort_items(np.array([known[0], new[0]], dtype=object))  # raises if of two types
        classes = np.append(known, new)
    return classes, pd.Index(classes).get_indexer(met)[codes]


def find_cold_items(item_features, classes):
    """Return the items of a table that training does not have, and what their scores are made of.

    Text and categories are 0 or 1 for each label, numbers are in standard deviations; the
    distance is Euclidean.

    Parameters
    ----------
    item_features : DataFrame of shape (n_items, n_columns)
        With the items as index. It must hold all of ``classes``.
    classes : array of shape (n_classes,)
        The items of training.

    Returns
    -------
    cold : array of shape (n_cold,)
        Sorted.
    weights : csr_array of shape (n_classes, n_cold)
        Each column is the mean of the nearest items of training.
    """
    table = standardized(item_features)
    warm = item_matrix(table, classes)  # raises if it lacks some of them
    rest = table.index.difference(pd.Index(classes), sort=False)
    cold, _ = sort_items(rest.to_numpy())
    if not len(cold):
        return cold, sparse.csr_array((len(classes), 0))
    both = item_matrix(table, np.append(classes.astype(object), cold.astype(object)))
    warm, new = both[: len(classes)], both[len(classes) :]
    k = min(_NEAREST, len(classes))
    nearest = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(warm)
    return cold, sparse.csr_array(nearest.kneighbors_graph(new).T) / k
