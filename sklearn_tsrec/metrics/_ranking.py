import numpy as np
import pandas as pd

from sklearn_tsrec._typing import ArrayLike
from sklearn_tsrec.metrics._lists import find_hits


def ndcg_at_k(
    y_true: pd.DataFrame | ArrayLike,
    y_pred: pd.DataFrame,
    *,
    k: int = 10,
    average: str | None = "series",
) -> float | pd.Series:
    """Normalised discounted cumulative gain of the first k recommendations.

    ``DCG / ideal DCG`` with ``DCG = sum over hits of 1 / log2(1 + rank)`` and the ideal of
    ``min(k, n_relevant)`` hits at the top.

    Parameters
    ----------
    y_true : DataFrame or Series
        The events to predict: a table with the group columns and ``item``, or items keyed by
        an index, as :func:`sklearn_tsrec.as_panel` returns them. All are relevant; an item that
        occurs twice counts once; items that training never saw count as misses.
    y_pred : DataFrame
        A long table as ``recommend()`` returns it: group columns, ``rank`` (1 is best) and
        ``item``. A group of ``y_true`` without a list scores 0; lists of other groups are not
        scored; an item listed twice is found once, at its better rank.
    k : int, default=10
        Length of the lists.
    average : {"series"} or None, default="series"
        Mean over the groups of ``y_true``, or one value per group.

    Returns
    -------
    float or Series
        Between 0 and 1; a Series indexed by group when ``average=None``.

    References
    ----------
    .. [1] K. Järvelin and J. Kekäläinen (2002), "Cumulated gain-based evaluation of IR
       techniques", ACM Transactions on Information Systems 20(4).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import ndcg_at_k
    >>> happened = pd.DataFrame({"user": [1, 1, 2], "item": ["tea", "milk", "rice"]})
    >>> lists = pd.DataFrame({"user": [1, 1, 2, 2], "rank": [1, 2, 1, 2],
    ...                       "item": ["tea", "eggs", "milk", "rice"]})
    >>> ndcg_at_k(happened, lists, k=2, average=None)
    user
    1    0.613147
    2    0.630930
    dtype: float64
    """
    hits = find_hits(y_true, y_pred, k)
    return hits.average(_ndcg(hits, k), average)


def recall_at_k(
    y_true: pd.DataFrame | ArrayLike,
    y_pred: pd.DataFrame,
    *,
    k: int = 10,
    average: str | None = "series",
) -> float | pd.Series:
    """Share of the relevant items that are among the first k recommendations.

    ``hits / n_relevant``: a group with more than k relevant items cannot reach 1.

    Parameters
    ----------
    y_true : DataFrame or Series
        The events to predict, as in :func:`ndcg_at_k`.
    y_pred : DataFrame
        The lists, as in :func:`ndcg_at_k`.
    k : int, default=10
        Length of the lists.
    average : {"series"} or None, default="series"
        Mean over the groups of ``y_true``, or one value per group.

    Returns
    -------
    float or Series
        Between 0 and 1; a Series indexed by group when ``average=None``.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import recall_at_k
    >>> happened = pd.DataFrame({"user": [1, 1, 2], "item": ["tea", "milk", "rice"]})
    >>> lists = pd.DataFrame({"user": [1, 1, 2, 2], "rank": [1, 2, 1, 2],
    ...                       "item": ["tea", "eggs", "milk", "rice"]})
    >>> recall_at_k(happened, lists, k=2)
    0.75
    """
    hits = find_hits(y_true, y_pred, k)
    return hits.average(_recall(hits, k), average)


def precision_at_k(
    y_true: pd.DataFrame | ArrayLike,
    y_pred: pd.DataFrame,
    *,
    k: int = 10,
    average: str | None = "series",
) -> float | pd.Series:
    """Share of the first k recommendations that are relevant.

    ``hits / k``, also for a list shorter than k: empty places are misses.

    Parameters
    ----------
    y_true : DataFrame or Series
        The events to predict, as in :func:`ndcg_at_k`.
    y_pred : DataFrame
        The lists, as in :func:`ndcg_at_k`.
    k : int, default=10
        Length of the lists.
    average : {"series"} or None, default="series"
        Mean over the groups of ``y_true``, or one value per group.

    Returns
    -------
    float or Series
        Between 0 and 1; a Series indexed by group when ``average=None``.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import precision_at_k
    >>> happened = pd.DataFrame({"user": [1, 1, 2], "item": ["tea", "milk", "rice"]})
    >>> lists = pd.DataFrame({"user": [1, 1, 2, 2], "rank": [1, 2, 1, 2],
    ...                       "item": ["tea", "eggs", "milk", "rice"]})
    >>> precision_at_k(happened, lists, k=2)
    0.5
    """
    hits = find_hits(y_true, y_pred, k)
    return hits.average(_precision(hits, k), average)


def mean_average_precision_at_k(
    y_true: pd.DataFrame | ArrayLike,
    y_pred: pd.DataFrame,
    *,
    k: int = 10,
    average: str | None = "series",
) -> float | pd.Series:
    """Mean average precision of the first k recommendations.

    For each group ``sum over hits of precision at its rank / min(k, n_relevant)``.

    Parameters
    ----------
    y_true : DataFrame or Series
        The events to predict, as in :func:`ndcg_at_k`.
    y_pred : DataFrame
        The lists, as in :func:`ndcg_at_k`.
    k : int, default=10
        Length of the lists.
    average : {"series"} or None, default="series"
        Mean over the groups of ``y_true``, or one value per group.

    Returns
    -------
    float or Series
        Between 0 and 1; a Series indexed by group when ``average=None``.

    References
    ----------
    .. [1] C. D. Manning, P. Raghavan and H. Schütze (2008), "Introduction to Information
       Retrieval", Cambridge University Press, chapter 8.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import mean_average_precision_at_k
    >>> happened = pd.DataFrame({"user": [1, 1, 2], "item": ["tea", "milk", "rice"]})
    >>> lists = pd.DataFrame({"user": [1, 1, 2, 2], "rank": [1, 2, 1, 2],
    ...                       "item": ["tea", "eggs", "milk", "rice"]})
    >>> mean_average_precision_at_k(happened, lists, k=2)
    0.5
    """
    hits = find_hits(y_true, y_pred, k)
    return hits.average(_average_precision(hits, k), average)


def mean_reciprocal_rank_at_k(
    y_true: pd.DataFrame | ArrayLike,
    y_pred: pd.DataFrame,
    *,
    k: int = 10,
    average: str | None = "series",
) -> float | pd.Series:
    """Mean of 1 / rank of the first hit among the first k recommendations, 0 without a hit.

    Parameters
    ----------
    y_true : DataFrame or Series
        The events to predict, as in :func:`ndcg_at_k`.
    y_pred : DataFrame
        The lists, as in :func:`ndcg_at_k`.
    k : int, default=10
        Length of the lists.
    average : {"series"} or None, default="series"
        Mean over the groups of ``y_true``, or one value per group.

    Returns
    -------
    float or Series
        Between 0 and 1; a Series indexed by group when ``average=None``.

    References
    ----------
    .. [1] E. M. Voorhees (1999), "The TREC-8 question answering track report", TREC.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import mean_reciprocal_rank_at_k
    >>> happened = pd.DataFrame({"user": [1, 1, 2], "item": ["tea", "milk", "rice"]})
    >>> lists = pd.DataFrame({"user": [1, 1, 2, 2], "rank": [1, 2, 1, 2],
    ...                       "item": ["tea", "eggs", "milk", "rice"]})
    >>> mean_reciprocal_rank_at_k(happened, lists, k=2)
    0.75
    """
    hits = find_hits(y_true, y_pred, k)
    return hits.average(_reciprocal_rank(hits, k), average)


def hit_rate_at_k(
    y_true: pd.DataFrame | ArrayLike,
    y_pred: pd.DataFrame,
    *,
    k: int = 10,
    average: str | None = "series",
) -> float | pd.Series:
    """Share of groups with at least one relevant item among the first k recommendations.

    Parameters
    ----------
    y_true : DataFrame or Series
        The events to predict, as in :func:`ndcg_at_k`.
    y_pred : DataFrame
        The lists, as in :func:`ndcg_at_k`.
    k : int, default=10
        Length of the lists.
    average : {"series"} or None, default="series"
        Mean over the groups of ``y_true``, or one value per group.

    Returns
    -------
    float or Series
        Between 0 and 1; a Series indexed by group when ``average=None``.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import hit_rate_at_k
    >>> happened = pd.DataFrame({"user": [1, 1, 2], "item": ["tea", "milk", "rice"]})
    >>> lists = pd.DataFrame({"user": [1, 2], "rank": [1, 1], "item": ["tea", "milk"]})
    >>> hit_rate_at_k(happened, lists, k=1)
    0.5
    """
    hits = find_hits(y_true, y_pred, k)
    return hits.average(_hit_rate(hits, k), average)


def _ndcg(hits, k):
    """Return the NDCG of each series."""
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))[np.minimum(hits.n_relevant, k) - 1]
    return hits.total(1 / np.log2(hits.rank + 1)) / ideal


def _recall(hits, k):
    """Return the recall of each series."""
    return hits.total(None) / hits.n_relevant


def _precision(hits, k):
    """Return the precision of each series."""
    return hits.total(None) / k


def _average_precision(hits, k):
    """Return the average precision of each series."""
    first = np.searchsorted(hits.series, hits.series)
    found = np.arange(len(hits.series)) - first + 1
    return hits.total(found / hits.rank) / np.minimum(hits.n_relevant, k)


def _reciprocal_rank(hits, k):
    """Return the reciprocal rank of the first hit of each series."""
    first = np.diff(hits.series, prepend=-1) > 0
    return hits.total(first / hits.rank)


def _hit_rate(hits, k):
    """Return whether each series has a hit."""
    return (hits.total(None) > 0).astype(np.float64)


#: What is measured of the lists of each series, by the name in tables.
ACCURACY = {
    "ndcg": _ndcg,
    "recall": _recall,
    "precision": _precision,
    "map": _average_precision,
    "mrr": _reciprocal_rank,
    "hit_rate": _hit_rate,
}
