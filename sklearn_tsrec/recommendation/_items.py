"""Items: labels of any type, validated and numbered."""

import numpy as np
import pandas as pd
from sklearn.utils.validation import assert_all_finite, column_or_1d


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
