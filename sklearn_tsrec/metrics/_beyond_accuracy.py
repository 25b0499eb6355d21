import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.preprocessing import normalize
from sklearn.utils import check_array

from sklearn_tsrec.metrics._lists import average_series, popularity, top_lists
from sklearn_tsrec.metrics._series import series_codes


def catalog_coverage(y_pred, *, items, k=10):
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
    return float((_exposure(y_pred, items, k) > 0).mean())


def gini_index(y_pred, *, items, k=10):
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
    count = np.sort(_exposure(y_pred, items, k))
    n_items = len(count)
    weight = 2 * np.arange(1, n_items + 1) - n_items - 1
    return float(weight @ count / (n_items * count.sum()))


def novelty(y_pred, *, y_train, k=10, average="series"):
    """Mean self-information of the recommended items, in bits.

    ``-log2(p)`` with ``p`` the share of training groups that had the item; an item that nobody
    had counts as if one group had had it.

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
    top, names = top_lists(y_pred, k)
    count, n_series = popularity(y_train, names)
    had = count.reindex(top["item"]).fillna(1).to_numpy()
    return _mean_over_lists(np.log2(n_series / had), top, names, average)


def mean_popularity_percentile(y_pred, *, y_train, k=10, average="series"):
    """Mean popularity rank of the recommended items, as a fraction of the training catalogue.

    0 is the least and 1 the most popular item; equally popular items share their mean rank; an
    item that nobody had counts as 0.

    Parameters
    ----------
    y_pred : DataFrame
        A long table as ``recommend()`` returns it: group columns, ``rank`` and ``item``.
    y_train : DataFrame or Series
        Training events: a table with the group columns and ``item``, or items keyed by an index.
        An item is as popular as the number of groups that had it.
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
    top, names = top_lists(y_pred, k)
    count, _ = popularity(y_train, names)
    percentile = (count.rank() - 1) / max(len(count) - 1, 1)
    value = percentile.reindex(top["item"]).fillna(0).to_numpy()
    return _mean_over_lists(value, top, names, average)


def intra_list_diversity(y_pred, *, items, features, k=10, average="series"):
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
    top, names = top_lists(y_pred, k)
    features = check_array(features, accept_sparse="csr", dtype=np.float64, input_name="features")
    item = _item_codes(top["item"], items)
    if features.shape[0] != len(items):
        raise ValueError(f"features has {features.shape[0]} rows for {len(items)} items.")
    codes, labels = series_codes(top[names], len(top))
    lists = sparse.csr_matrix((np.ones(len(top)), (codes, item)), shape=(len(labels), len(items)))
    unit = normalize(features)
    # The squared length of the sum of unit vectors holds every pair twice, and each vector once.
    total, once = lists @ unit, lists @ _square_rows(unit)
    length = np.bincount(codes)
    pairs = length * (length - 1) / 2
    similar = (_square_rows(total) - once) / 2
    value = np.where(pairs > 0, 1 - similar / np.maximum(pairs, 1), 0)
    return average_series(value, labels, average)


def _square_rows(matrix):
    """Squared length of the rows of a dense or sparse matrix."""
    square = matrix.multiply(matrix) if sparse.issparse(matrix) else matrix**2
    return np.asarray(square.sum(axis=1)).ravel()


def _mean_over_lists(value, top, names, average):
    """Mean of a value per recommendation within each list, then over lists."""
    codes, labels = series_codes(top[names], len(top))
    return average_series(np.bincount(codes, value) / np.bincount(codes), labels, average)


def _item_codes(recommended, items):
    """Position in the catalogue of each recommended item."""
    items = pd.Index(np.asarray(items))
    if not items.is_unique:
        raise ValueError("items names an item twice: the catalogue must be unique.")
    codes = items.get_indexer(recommended)
    if (codes < 0).any():
        unknown = recommended[codes < 0].unique()[:3].tolist()
        raise ValueError(f"y_pred recommends items that items does not name, such as {unknown}.")
    return codes


def _exposure(y_pred, items, k):
    """How often each item of the catalogue is recommended."""
    top, _ = top_lists(y_pred, k)
    return np.bincount(_item_codes(top["item"], items), minlength=len(items))
