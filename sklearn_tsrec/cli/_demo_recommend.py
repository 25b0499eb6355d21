"""The second half of the demo: recommend what a household will buy."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV
from tqdm import tqdm

from sklearn_tsrec import as_panel
from sklearn_tsrec.metrics import hit_rate_at_k, ndcg_at_k, ndcg_scorer, paired_test, recall_at_k
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
from sklearn_tsrec.recommendation import (
    ItemKNNClassifier,
    PersonalFrequencyClassifier,
    SequenceRecommender,
)

K = 10
CUT = 0.8  # share of the time that is known; the rest is to be foreseen
_METRICS = {"NDCG@10": ndcg_at_k, "recall@10": recall_at_k, "hit rate@10": hit_rate_at_k}


@dataclass(frozen=True)
class Choices:
    """What the second half found."""

    accuracy: pd.DataFrame  # model → each metric and its standard error over households
    lists: pd.DataFrame  # household, rank, item, score, source, from all events of the year
    events: pd.Series  # categories bought, keyed by household and time
    best: str  # the model that made the lists: the best one before the cut
    chosen: dict  # model → parameters that its search chose
    gain: object  # paired test of the best model against popularity, in NDCG
    n_households: int  # that bought something after the cut
    n_new: int  # of these, how many had not bought anything before
    cut: pd.Timestamp


def recommend_categories(transactions, verbose=0):
    """Tune before the cut, recommend at the cut, and measure on what was bought after it."""
    events = transactions.dropna(subset="category")[["household", "time", "category"]]
    X, y = as_panel(events, group="household", time="time", target="category")
    time = X.index.get_level_values("time")
    cut = time.min() + CUT * (time.max() - time.min())
    past = time <= cut
    happened = y[~past]
    households = happened.index.unique("household")

    searches, values = {}, {}
    for name, search in tqdm(_searches(time.max() - cut).items(), disable=not verbose):
        searches[name] = search.fit(X[past], y[past])
        lists = search.best_estimator_.recommend(households, k=K)
        values[name] = {
            m: score(happened, lists, k=K, average=None) for m, score in _METRICS.items()
        }
    best = max(searches, key=lambda name: searches[name].best_score_)
    ndcg = {name: value["NDCG@10"] for name, value in values.items()}
    everyone = clone(searches[best].best_estimator_).fit(X, y)
    return Choices(
        accuracy=pd.DataFrame({name: _summary(v) for name, v in values.items()}).T,
        lists=everyone.recommend(X.index.unique("household"), k=K),
        events=y,
        best=best,
        chosen={name: search.best_params_ for name, search in searches.items()},
        gain=paired_test(ndcg[best], ndcg["popularity"], random_state=0),
        n_households=len(households),
        n_new=len(households.difference(y[past].index.unique("household"))),
        cut=cut,
    )


def _searches(ahead):
    """Return a search for each model, all on one inner cut that looks ahead as far as we will."""
    options = {"scoring": ndcg_scorer(k=K), "error_score": "raise"}
    options["cv"] = PanelTimeSeriesSplit(1, horizon=f"{ahead.days}D", freq=None)
    habits = {"window": [50, 200], "estimator__smoothing": [10, 30, 100, 300]}
    neighbours = {
        "window": [20, 100],
        "estimator__decay": [0.9, 0.97, 1.0],
        "estimator__shrinkage": [0, 10],
        "estimator__self_similarity": [None, 1.0],
    }
    grids = {
        "popularity": (DummyClassifier(), {}),
        "decayed popularity": (DummyClassifier(), {"half_life": ["30D", "60D", "120D", "240D"]}),
        "personal frequency": (PersonalFrequencyClassifier(), habits),
        "item-kNN": (ItemKNNClassifier(), neighbours),
    }
    return {
        name: GridSearchCV(SequenceRecommender(classifier), grid, **options)
        for name, (classifier, grid) in grids.items()
    }


def _summary(values):
    """Return the mean over households and its standard error, for each metric."""
    row = {}
    for metric, value in values.items():
        row[metric] = value.mean()
        row[f"{metric} SE"] = value.std() / np.sqrt(len(value))
    return row
