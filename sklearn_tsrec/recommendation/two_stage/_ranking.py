"""The second stage: a ranker that learns at past origins, and is tried before it is used."""

from typing import NamedTuple

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.validation import has_fit_parameter
from tqdm import tqdm

from sklearn_tsrec.recommendation.two_stage._candidates import rank_in_key
from sklearn_tsrec.recommendation.two_stage._rows import as_matrix

_K = 10  # places of a list that count when a ranker is tried


class TrainingRows(NamedTuple):
    """The candidates at one origin, and which of them are hits: in the period after it."""

    key: np.ndarray  # number of the series of each row
    scores: np.ndarray  # of shape (n_rows, n_retrievers)
    tie: np.ndarray  # the order of rows with equal scores
    table: np.ndarray  # of shape (n_rows, n_features)
    hit: np.ndarray  # whether the series has the item of the row in the period
    n_relevant: np.ndarray  # items that each series has in it, candidates or not
    names: list  # of the features


def rows_at_origins(rows, retrievers, now, n_origins, settings, verbose):
    """Return training rows at origins that lie a period apart, the latest first."""
    steps = tqdm(range(1, n_origins + 1), desc="origins", disable=not verbose)
    return [rows_at_origin(rows, retrievers, now - step * rows.unit, *settings) for step in steps]


def rows_at_origin(rows, retrievers, start, tie, quotas, exclude_seen):
    """Return the rows at one origin of every series with an outcome; None if there is none.

    Everything in them but ``hit`` and ``n_relevant`` is known from events before ``start``.
    """
    series, pairs = rows.outcomes(start, exclude_seen)
    if start <= 0 or not len(series):
        return None
    fitted = rows.fit(retrievers, start)
    times = np.full(len(series), start)
    found, features = rows.make(fitted, series, times, tie, quotas, exclude_seen)
    return TrainingRows(
        found.key,
        found.scores,
        tie[found.item],
        as_matrix(features, len(found.item)),
        np.isin(found.key * rows.n_items + found.item, pairs),
        np.bincount(pairs // rows.n_items, minlength=len(series)),
        list(features),
    )


def learn(ranker, origins, n_origins, n_negatives, names, fallback, rng):
    """Try a ranker at the latest origin, and fit it to all if it is better than its candidates.

    Parameters
    ----------
    ranker : estimator
        It is cloned.
    origins : list of TrainingRows or None
        The latest first. With ``fallback`` there is one more than are learned from in the end.
    n_origins : int
        How many to learn from.
    n_negatives : int or None
        How many rows without a hit are kept of each series.
    names : list of str
        The recommenders.
    fallback : bool
        Whether to try it.
    rng : RandomState

    Returns
    -------
    ranker : estimator or None
    fallback : str or None
        The recommender that is better.
    scores : dict of str to float
        NDCG of each recommender and of the ranker at the latest origin.
    """
    latest, earlier = origins[0], [rows for rows in origins[1:] if rows is not None]
    scores, best = {}, None
    if fallback:
        best = names[0]
        if latest is not None:
            scores = {name: mean_ndcg(latest, score) for name, score in zip(names, latest.scores.T)}
            best = max(scores, key=lambda name: scores[name])
            tried = fit_ranker(ranker, earlier[:n_origins], n_negatives, rng)
            if tried is not None:
                scores["ranker"] = mean_ndcg(latest, score_rows(tried, latest.table))
                best = best if scores["ranker"] <= scores[best] else None
    if best is not None:
        return None, best, scores
    learned = [rows for rows in origins[:n_origins] if rows is not None]
    fitted = fit_ranker(ranker, learned, n_negatives, rng)
    if fitted is None:
        raise ValueError(
            "there is no origin to learn a ranker at: it needs events before it, and in the period "
            "after it candidates that are hits and some that are not. Use a shorter horizon, more "
            "candidates, or fallback=True."
        )
    return fitted, None, scores


def default_ranker(rng):
    """Return a ranker with few leaves: what is to be learned is mostly smooth."""
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=150,
        max_leaf_nodes=7,
        min_samples_leaf=100,
        l2_regularization=10.0,
        max_features=0.3,
        random_state=rng.randint(np.iinfo(np.int32).max),
    )


def fit_ranker(ranker, origins, n_negatives, rng):
    """Return a ranker fitted to the rows at some origins; None if they cannot teach it anything."""
    parts = []
    for rows in origins:
        keep = np.arange(len(rows.hit))
        if n_negatives is not None:
            # Hits come first, and then the others in a random order.
            drawn = rank_in_key(rows.key, rows.hit + rng.random_sample(len(keep)), keep)
            n_hits = np.bincount(rows.key, rows.hit, minlength=len(rows.n_relevant))
            keep = keep[drawn <= n_hits[rows.key] + n_negatives]
        sizes = np.bincount(rows.key[keep])
        parts.append((rows.table[keep], rows.hit[keep], sizes[sizes > 0]))
    if not parts:
        return None
    table, hit, sizes = (np.concatenate(part) for part in zip(*parts))
    if hit.all() or not hit.any():
        return None
    groups = {"group": sizes} if has_fit_parameter(ranker, "group") else {}
    return clone(ranker).fit(table, hit.astype(np.int64), **groups)


def score_rows(ranker, table):
    """Return what a fitted ranker makes of some rows."""
    if is_classifier(ranker) and hasattr(ranker, "predict_proba"):
        return ranker.predict_proba(table)[:, 1]
    if is_classifier(ranker):
        return ranker.decision_function(table)
    return np.asarray(ranker.predict(table), dtype=np.float64)


def list_candidates(rows, fitted, judge, series, times, k, tie, quotas, exclude_seen, own):
    """Return the k best candidates of each key, as the ranker or a recommender sees them.

    Parameters
    ----------
    rows : RowMaker
    fitted : tuple
        What ``rows.fit`` returned.
    judge : estimator or str
        The fitted ranker, or the name of a recommender whose scores count in its place.
    series, times : arrays of shape (m,)
        The keys.
    k : int
    tie, quotas, exclude_seen
        As in ``RowMaker.make``.
    own : int64 array of shape (1 or m, n_own) or None
        The only items to list, -1 for none.

    Returns
    -------
    key, rank, item : int64 arrays
        Rank 1 is best.
    score : float array
    """
    found, features = rows.make(fitted, series, times, tie, quotas, exclude_seen, own)
    if isinstance(judge, str):
        score = found.scores[:, fitted[0].names.index(judge)].copy()
    else:
        score = score_rows(judge, as_matrix(features, len(found.item)))
    if own is not None:
        first = np.arange(len(series))[:, np.newaxis] * rows.n_items
        pairs = (first + own)[np.broadcast_to(own >= 0, (len(series), own.shape[1]))]
        score[~np.isin(found.key * rows.n_items + found.item, pairs)] = np.nan
    rank = rank_in_key(found.key, score, tie[found.item])
    listed = np.flatnonzero((rank <= k) & ~np.isnan(score))
    return found.key[listed], rank[listed], found.item[listed], score[listed]


def mean_ndcg(rows, scores):
    """Return the mean NDCG of the lists that some scores make of the candidates at an origin."""
    rank = rank_in_key(rows.key, scores, rows.tie)
    counted = rows.hit & (rank <= _K)
    gain = 1 / np.log2(rank[counted] + 1)
    gain = np.bincount(rows.key[counted], gain, minlength=len(rows.n_relevant))
    ideal = np.cumsum(1 / np.log2(np.arange(2, _K + 2)))[np.minimum(rows.n_relevant, _K) - 1]
    return float((gain / ideal).mean())
