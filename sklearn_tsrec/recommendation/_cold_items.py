"""Items that no training event has: their scores are those of the items that are most like them."""

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from sklearn_tsrec._item_table import item_matrix, standardized
from sklearn_tsrec.recommendation._items import sort_items

_NEAREST = 10


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
