from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import rankdata
from sklearn.preprocessing import normalize
from sklearn.utils import check_array

from sklearn_tsrec._typing import ArrayLike
from sklearn_tsrec.metrics._lists import average_series, popularity, read_events, read_lists


def catalog_coverage(y_pred: pd.DataFrame, *, items: ArrayLike, k: int = 10) -> float:
    """Share of the catalogue that is recommended to anyone.

    Parameters
    ----------
    y_pred : DataFrame
        A long table as ``recommend()`` returns it: group columns, ``rank`` and ``item``.
    items : array-like of shape (n_items,)
        The catalogue, such as ``recommender.classes_``.
    k : int, default=10
        Length of the lists.

    Returns
    -------
    float
        Between 0 and 1.

    References
    ----------
    .. [1] M. Ge, C. Delgado-Battenfeld and D. Jannach (2010), "Beyond accuracy: evaluating
       recommender systems by coverage and serendipity", RecSys.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import catalog_coverage
    >>> lists = pd.DataFrame({"user": [1, 1, 2, 2], "rank": [1, 2, 1, 2],
    ...                       "item": ["tea", "eggs", "tea", "rice"]})
    >>> catalog_coverage(lists, items=["tea", "eggs", "rice", "milk"], k=2)
    0.75
    """
    return float((_shown(y_pred, items, k) > 0).mean())


def gini_index(y_pred: pd.DataFrame, *, items: ArrayLike, k: int = 10) -> float:
    """Gini index of how often each item of the catalogue is recommended.

    0 when all items are recommended equally often; ``1 - 1/n_items`` when only one is.

    Parameters
    ----------
    y_pred : DataFrame
        A long table as ``recommend()`` returns it: group columns, ``rank`` and ``item``.
    items : array-like of shape (n_items,)
        The catalogue, such as ``recommender.classes_``.
    k : int, default=10
        Length of the lists.

    Returns
    -------
    float
        Between 0 and 1.

    References
    ----------
    .. [1] D. Fleder and K. Hosanagar (2009), "Blockbuster culture's next rise or fall: the
       impact of recommender systems on sales diversity", Management Science 55(5).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import gini_index
    >>> lists = pd.DataFrame({"user": [1, 2], "rank": [1, 1], "item": ["tea", "tea"]})
    >>> gini_index(lists, items=["tea", "eggs", "rice", "milk"], k=1)
    0.75
    """
    count = _shown(y_pred, items, k)
    return float(gini_weights(count) @ count / (len(count) * count.sum()))


def novelty(
    y_pred: pd.DataFrame,
    *,
    y_train: pd.DataFrame | ArrayLike,
    k: int = 10,
    average: str | None = "series",
) -> float | pd.Series:
    """Mean self-information of the recommended items, in bits.

    ``-log2(p)`` with ``p`` the share of training groups that bought the item; one that nobody
    bought counts as if one group had bought it.

    Parameters
    ----------
    y_pred : DataFrame
        A long table as ``recommend()`` returns it: group columns, ``rank`` and ``item``.
    y_train : DataFrame or Series
        Training events: a table with the group columns and ``item``, or items keyed by an index.
    k : int, default=10
        Length of the lists.
    average : {"series"} or None, default="series"
        Mean over the lists, or one value per list.

    Returns
    -------
    float or Series
        The higher, the less known; a Series indexed by group when ``average=None``.

    References
    ----------
    .. [1] T. Zhou, Z. Kuscsik, J.-G. Liu, M. Medo, J. R. Wakeling and Y.-C. Zhang (2010),
       "Solving the apparent diversity-accuracy dilemma of recommender systems", PNAS 107(10).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import novelty
    >>> bought = pd.DataFrame({"user": [1, 2, 2], "item": ["tea", "tea", "rice"]})
    >>> lists = pd.DataFrame({"user": [1, 1], "rank": [1, 2], "item": ["tea", "rice"]})
    >>> novelty(lists, y_train=bought, k=2)
    0.5
    """
    lists, names = read_lists(y_pred, k)
    train = read_events(y_train, names, "y_train")
    bits = self_information(train, popularity(train), lists.items)
    return average_series(lists.mean(bits[lists.item]), lists.labels, average)


def mean_popularity_percentile(
    y_pred: pd.DataFrame,
    *,
    y_train: pd.DataFrame | ArrayLike,
    k: int = 10,
    average: str | None = "series",
) -> float | pd.Series:
    """Mean popularity rank of the recommended items, as a fraction of the training catalogue.

    0 is the least and 1 the most popular item; equally popular items share their mean rank; an
    item that nobody bought counts as 0.

    Parameters
    ----------
    y_pred : DataFrame
        A long table as ``recommend()`` returns it: group columns, ``rank`` and ``item``.
    y_train : DataFrame or Series
        Training events: a table with the group columns and ``item``, or items keyed by an index.
        An item is as popular as the number of groups that bought it.
    k : int, default=10
        Length of the lists.
    average : {"series"} or None, default="series"
        Mean over the lists, or one value per list.

    Returns
    -------
    float or Series
        Between 0 and 1; a Series indexed by group when ``average=None``.

    References
    ----------
    .. [1] H. Abdollahpouri, M. Mansoury, R. Burke and B. Mobasher (2019), "The unfairness of
       popularity bias in recommendation", RMSE workshop at RecSys.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import mean_popularity_percentile
    >>> bought = pd.DataFrame({"user": [1, 2, 2], "item": ["tea", "tea", "rice"]})
    >>> lists = pd.DataFrame({"user": [1, 1], "rank": [1, 2], "item": ["tea", "rice"]})
    >>> mean_popularity_percentile(lists, y_train=bought, k=2)
    0.5
    """
    lists, names = read_lists(y_pred, k)
    train = read_events(y_train, names, "y_train")
    value = popularity_percentile(train, popularity(train), lists.items)
    return average_series(lists.mean(value[lists.item]), lists.labels, average)


def intra_list_diversity(
    y_pred: pd.DataFrame,
    *,
    items: ArrayLike,
    features: Any,
    k: int = 10,
    average: str | None = "series",
) -> float | pd.Series:
    """Mean cosine distance between the items of each list.

    ``mean over pairs of (1 - cos)``; a list with one item has diversity 0, an item without any
    feature is at distance 1 from all others.

    Parameters
    ----------
    y_pred : DataFrame
        A long table as ``recommend()`` returns it: group columns, ``rank`` and ``item``.
    items : array-like of shape (n_items,)
        The items that the rows of ``features`` describe.
    features : array-like or sparse matrix of shape (n_items, n_features)
        What describes an item: one-hot categories, an embedding, its buyers.
    k : int, default=10
        Length of the lists.
    average : {"series"} or None, default="series"
        Mean over the lists, or one value per list.

    Returns
    -------
    float or Series
        Between 0 and 1 for features that are not negative; a Series indexed by group when
        ``average=None``.

    References
    ----------
    .. [1] C.-N. Ziegler, S. M. McNee, J. A. Konstan and G. Lausen (2005), "Improving
       recommendation lists through topic diversification", WWW.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import intra_list_diversity
    >>> lists = pd.DataFrame({"user": [1, 1, 2, 2], "rank": [1, 2, 1, 2],
    ...                       "item": ["tea", "milk", "tea", "coffee"]})
    >>> intra_list_diversity(lists, items=["tea", "coffee", "milk"],
    ...                      features=[[1, 0], [1, 0], [0, 1]], k=2, average=None)
    user
    1    1.0
    2    0.0
    dtype: float64
    """
    lists, _ = read_lists(y_pred, k)
    features = check_array(features, accept_sparse="csr", dtype=np.float64, input_name="features")
    if features.shape[0] != len(items):
        raise ValueError(f"features has {features.shape[0]} rows for {len(items)} items.")
    value = diversity(lists, features[_positions(lists.items, items)])
    return average_series(value, lists.labels, average)


def gini_weights(count):
    """Return what one more recommendation of an item adds to ``gini * n_items * n_shown``."""
    return 2 * rankdata(count) - len(count) - 1


def self_information(train, count, items):
    """Return the bits of each item: minus the binary log of the share that bought it."""
    place = train.items.get_indexer(items)
    return np.log2(len(train.labels) / np.where(place >= 0, count[place], 1))


def popularity_percentile(train, count, items):
    """Return the popularity rank of each item as a fraction of the training catalogue."""
    percentile = (rankdata(count) - 1) / max(len(count) - 1, 1)
    place = train.items.get_indexer(items)
    return np.where(place >= 0, percentile[place], 0.0)


def diversity(lists, features):
    """Return the mean cosine distance within each list; features describe ``lists.items``."""
    shape = len(lists.labels), len(lists.items)
    ones = np.ones(len(lists.series))
    member = sparse.csr_matrix((ones, (lists.series, lists.item)), shape=shape)
    unit = normalize(features)
    # The squared length of the sum of unit vectors holds every pair twice, and each vector once.
    total, once = member @ unit, member @ _square_rows(unit)
    length = np.bincount(lists.series, minlength=len(lists.labels))
    pairs = length * (length - 1) / 2
    similar = (_square_rows(total) - once) / 2
    return np.where(pairs > 0, 1 - similar / np.maximum(pairs, 1), 0)


def _square_rows(matrix):
    """Squared length of the rows of a dense or sparse matrix."""
    square = matrix.multiply(matrix) if sparse.issparse(matrix) else matrix**2
    return np.asarray(square.sum(axis=1)).ravel()


def _positions(recommended, items):
    """Return the position in the catalogue of each recommended item."""
    items = pd.Index(np.asarray(items))
    if not items.is_unique:
        raise ValueError("items names an item twice: the catalogue must be unique.")
    codes = items.get_indexer(recommended)
    if (codes < 0).any():
        unknown = recommended[codes < 0][:3].tolist()
        raise ValueError(f"y_pred recommends items that items does not name, such as {unknown}.")
    return codes


def _shown(y_pred, items, k):
    """Return how often each item of the catalogue is recommended."""
    lists, _ = read_lists(y_pred, k)
    return np.bincount(_positions(lists.items, items)[lists.item], minlength=len(items))
