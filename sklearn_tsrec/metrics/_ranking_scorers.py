from sklearn_tsrec.metrics._ranking import (
    hit_rate_at_k,
    mean_average_precision_at_k,
    mean_reciprocal_rank_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)
from sklearn_tsrec.metrics._scoring import RankingScorer


def ndcg_scorer(*, k: int = 10):
    """Make a scorer of the NDCG of recommended lists.

    Each group in X is given one list, ranked with what ``fit`` knew; every test event of the
    group is relevant. What else holds is said at :func:`ndcg_at_k`.

    Parameters
    ----------
    k : int, default=10
        Length of the lists.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``, for an estimator with
        ``recommend``.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import ndcg_scorer
    >>> ndcg_scorer(k=5)
    ndcg_scorer(k=5)
    """
    return RankingScorer("ndcg_scorer", ndcg_at_k, k=k)


def recall_scorer(*, k: int = 10):
    """Make a scorer of the recall of recommended lists, see :func:`ndcg_scorer`.

    Parameters
    ----------
    k : int, default=10
        Length of the lists.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import recall_scorer
    >>> recall_scorer(k=5)
    recall_scorer(k=5)
    """
    return RankingScorer("recall_scorer", recall_at_k, k=k)


def precision_scorer(*, k: int = 10):
    """Make a scorer of the precision of recommended lists, see :func:`ndcg_scorer`.

    Parameters
    ----------
    k : int, default=10
        Length of the lists.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import precision_scorer
    >>> precision_scorer(k=5)
    precision_scorer(k=5)
    """
    return RankingScorer("precision_scorer", precision_at_k, k=k)


def map_scorer(*, k: int = 10):
    """Make a scorer of the mean average precision of lists, see :func:`ndcg_scorer`.

    Parameters
    ----------
    k : int, default=10
        Length of the lists.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import map_scorer
    >>> map_scorer(k=5)
    map_scorer(k=5)
    """
    return RankingScorer("map_scorer", mean_average_precision_at_k, k=k)


def mrr_scorer(*, k: int = 10):
    """Make a scorer of the mean reciprocal rank of lists, see :func:`ndcg_scorer`.

    Parameters
    ----------
    k : int, default=10
        Length of the lists.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import mrr_scorer
    >>> mrr_scorer(k=5)
    mrr_scorer(k=5)
    """
    return RankingScorer("mrr_scorer", mean_reciprocal_rank_at_k, k=k)


def hit_rate_scorer(*, k: int = 10):
    """Make a scorer of the hit rate of recommended lists, see :func:`ndcg_scorer`.

    Parameters
    ----------
    k : int, default=10
        Length of the lists.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import hit_rate_scorer
    >>> hit_rate_scorer(k=5)
    hit_rate_scorer(k=5)
    """
    return RankingScorer("hit_rate_scorer", hit_rate_at_k, k=k)
