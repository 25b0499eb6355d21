"""What a two-stage recommender is given, read and checked."""

from numbers import Integral

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier

from sklearn_tsrec._times import show
from sklearn_tsrec.recommendation._item_knn import ItemKNNClassifier
from sklearn_tsrec.recommendation._lists import check_k
from sklearn_tsrec.recommendation._log import Clock
from sklearn_tsrec.recommendation._personal_frequency import PersonalFrequencyClassifier
from sklearn_tsrec.recommendation._sequence_recommender import SequenceRecommender
from sklearn_tsrec.recommendation._two_stage_rows import RowMaker

_GROUPS = ("scores", "personal", "item", "trend", "context", "attributes", "columns", "demand")


def read_retrievers(recommender):
    """Return the first stage with its names; raise if it is none."""
    retrievers = recommender.retrievers
    if retrievers is None:
        popular, personal = DummyClassifier(strategy="prior"), PersonalFrequencyClassifier(50.0)
        return [
            ("popular", SequenceRecommender(popular, window=1)),
            ("personal", SequenceRecommender(personal, window=200)),
            ("similar", SequenceRecommender(ItemKNNClassifier(), window=50)),
        ]
    if not retrievers or not all(
        isinstance(pair, tuple) and len(pair) == 2 and hasattr(pair[1], "score_items")
        for pair in retrievers
    ):
        raise ValueError(
            f"retrievers={show(retrievers)} must be a list of (name, recommender), such as "
            "[('knn', SequenceRecommender())]."
        )
    recommender._validate_names([name for name, _ in retrievers])
    return retrievers


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


def read_quotas(n_candidates, n_retrievers):
    """Return how many items each recommender may propose."""
    if isinstance(n_candidates, Integral):
        return [n_candidates] * n_retrievers
    quotas = [check_k(quota, "n_candidates") for quota in n_candidates]
    if len(quotas) != n_retrievers:
        raise ValueError(
            f"n_candidates has {len(quotas)} number(s), but there are {n_retrievers} retrievers: "
            "give one number for each, or one for all."
        )
    return quotas


def read_log(recommender, X, series, items, clock):
    """Return the log, with what is known of its events and items, ready to make rows of.

    ``series`` and ``items`` are codes, ``clock`` is the time since the first event.
    """
    clock_of, kind = Clock(*recommender._clock), recommender._clock[0]
    unit = clock.max() / 5 or 1.0
    if recommender.horizon is not None:
        unit = float(clock_of.length(recommender.horizon, "horizon"))
    half_lives = [unit / 8, unit / 2, 2 * unit]
    if recommender.half_lives is not None:
        half_lives = sorted(clock_of.length(h, "half_lives") for h in recommender.half_lives)
        if not half_lives or not half_lives[0] > 0:
            raise ValueError(f"half_lives={recommender.half_lives!r} must be positive lengths.")
    attributes = _read_attributes(recommender.item_features, recommender.classes_)
    columns = {}
    if recommender.columns is not None:
        values, names = recommender._select_columns(X, recommender.columns)
        columns = dict(zip(names, values.astype(np.float64).T))
    groups = recommender.features
    if groups is None:
        given = {"attributes": attributes, "columns": columns, "demand": recommender.demand}
        groups = ["scores", "personal", "context", *(name for name, what in given.items() if what)]
    if not len(groups) or not set(groups) <= set(_GROUPS):
        raise ValueError(f"features={show(groups)} must name some of {', '.join(_GROUPS)}.")
    return RowMaker(
        series,
        items,
        clock,
        unit=unit,
        half_lives=np.array(half_lives, dtype=np.float64),
        groups=groups,
        labels=recommender.classes_,
        attributes=attributes,
        columns=columns,
        demand=recommender.demand,
        origin=recommender._origin if kind == "datetime" else None,
    )


def _read_attributes(item_features, items):
    """Return what is known of each item: codes of text and categories, and numbers."""
    if item_features is None:
        return {}
    if not isinstance(item_features, pd.DataFrame) or not item_features.index.is_unique:
        raise ValueError(
            "item_features must be a DataFrame whose index holds each item once, got "
            f"{show(item_features)}."
        )
    table = item_features.reindex(pd.Index(items))
    if table.isna().all(axis=None):
        raise ValueError(
            "item_features knows none of the items in y: is its index of the same type as y?"
        )
    found = {}
    for name, column in table.items():
        if is_numeric_dtype(column.dtype) and not is_bool_dtype(column.dtype):
            found[str(name)] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            found[str(name)] = pd.factorize(column)[0].astype(np.int64)
    return found
