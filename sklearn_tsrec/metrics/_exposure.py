import numpy as np
import pandas as pd

from sklearn_tsrec._item_table import item_labels, item_rows
from sklearn_tsrec._typing import ArrayLike
from sklearn_tsrec.metrics._lists import read_lists


def exposure_ratio(y_pred: pd.DataFrame, *, attribute: ArrayLike, k: int = 10) -> float:
    """Exposure of an item of the least shown group over that of the most shown group.

    Items are grouped by a label, such as their brand or maker. A place in a list is worth
    ``1 / log2(1 + rank)`` of exposure; the exposure of a group is the sum over all lists, divided
    by the number of its items in the catalogue.

    Parameters
    ----------
    y_pred : DataFrame
        A long table as ``recommend()`` returns it: group columns, ``rank`` and ``item``.
    attribute : Series of shape (n_items,)
        The label of each item of the catalogue, with the items as index.
    k : int, default=10
        Length of the lists.

    Returns
    -------
    float
        1 when the items of all groups are shown equally, 0 when a group is never shown.

    Raises
    ------
    ValueError
        If a recommended item has no label.

    References
    ----------
    .. [1] A. Singh and T. Joachims (2018), "Fairness of exposure in rankings", KDD.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import exposure_ratio
    >>> lists = pd.DataFrame({"user": [1, 1, 2, 2], "rank": [1, 2, 1, 2],
    ...                       "item": ["tea", "rice", "tea", "milk"]})
    >>> brand = pd.Series({"tea": "a", "milk": "b", "rice": "b"})
    >>> round(exposure_ratio(lists, attribute=brand, k=2), 3)
    0.315
    """
    lists, _ = read_lists(y_pred, k)
    group, labels = item_labels(attribute, attribute.index, None, "attribute")
    size = np.bincount(group, minlength=len(labels))
    group = group[item_rows(attribute, lists.items, "attribute")]
    shown = np.bincount(group[lists.item], place_values(lists.rank), minlength=len(labels)) / size
    return float(shown.min() / shown.max())


def place_values(rank):
    """Return what a place in a list is worth."""
    return 1 / np.log2(1.0 + rank)
