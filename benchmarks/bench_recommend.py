"""How well does each item model foresee what comes next?

NDCG@10 and its standard error over users, full catalogue, every test event relevant, items learned
from training only. Events at one time are in a seeded pseudo-random order. Parameters are chosen
on an inner split of the training events, made by the same rule as the outer one.

    python benchmarks/bench_recommend.py ../shared/data/recommend

"vs popularity" is the mean difference of the same users and its standard error.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import ParameterGrid

from sklearn_tsrec import SequenceRecommender, as_panel
from sklearn_tsrec.metrics import ndcg_at_k
from sklearn_tsrec.model_selection import LeaveLastOut
from sklearn_tsrec.recommendation import ItemKNNClassifier, PersonalFrequencyClassifier

K = 10
POPULAR = DummyClassifier(strategy="prior")
MODELS = {
    "popularity": (POPULAR, {"window": [1]}),
    "time-decayed popularity": (
        POPULAR,
        {"window": [1], "half_life": ["7D", "30D", "90D", "360D"]},
    ),
    "personal frequency": (
        PersonalFrequencyClassifier(),
        {"window": [20, 50, 200], "estimator__smoothing": [1, 10, 50, 100, 200]},
    ),
    "item-kNN": (
        ItemKNNClassifier(),
        {
            "window": [20, 50, 200],
            "estimator__n_neighbors": [100, None],
            "estimator__shrinkage": [0, 50],
            "estimator__self_similarity": [None, 0.2, 0.4, 1],
        },
    ),
    "recency-weighted kNN": (
        ItemKNNClassifier(),
        {
            "window": [50],
            "estimator__decay": [0.8, 0.9, 0.95, 0.98],
            "estimator__shrinkage": [0, 50, 200],
            "estimator__self_similarity": [None, 0.2, 0.4],
        },
    ),
}


def cut_at_share(X, share):
    """Return the rows before and after a share of the duration of a log."""
    times = X.index.get_level_values(-1)
    cut = times.min() + share * (times.max() - times.min())
    return np.flatnonzero(times < cut), np.flatnonzero(times >= cut)


def leave_last(X, share):
    """Return all rows but the last of each user, and the last ones."""
    return next(LeaveLastOut().split(X))


def read_categories(folder):
    """Return the product categories that households of completejourney bought."""
    folder = folder / "completejourney"
    events = pd.read_csv(folder / "interactions.csv.gz")
    items = pd.read_csv(folder / "items.csv.gz").set_index("item_id")
    events["item"] = events["item_id"].map(items["product_category"])
    return events.dropna(subset="item")


def read_movies(folder):
    """Return the films that users of MovieLens rated."""
    events = pd.read_csv(folder / "ml-latest-small" / "interactions.csv.gz")
    return events.rename(columns={"item_id": "item"})


TASKS = {
    "categories, repeats": (read_categories, cut_at_share, False),
    "categories, unseen": (read_categories, cut_at_share, True),
    "ml-latest-small, last": (read_movies, leave_last, True),
}


def unseen_events(y_train, y_test):
    """Return the test events of items that their user did not have in training."""
    pairs = pd.MultiIndex.from_arrays([y_test.index.get_level_values(0), y_test])
    old = pd.MultiIndex.from_arrays([y_train.index.get_level_values(0), y_train])
    return y_test[~pairs.isin(old)]


def score(recommender, X, y, split, exclude_seen):
    """Return the NDCG of each user, and the CPU seconds of fitting and recommending."""
    train, test = split
    y_test = unseen_events(y.iloc[train], y.iloc[test]) if exclude_seen else y.iloc[test]
    start = time.process_time()
    recommender.fit(X.iloc[train], y.iloc[train])
    fitted = time.process_time()
    users = y_test.index.get_level_values(0).unique()
    lists = recommender.recommend(users, K, exclude_seen=exclude_seen)
    done = time.process_time()
    ndcg = ndcg_at_k(y_test, lists, k=K, average=None)
    return ndcg, (fitted - start, done - fitted, len(users))


def main(folder):
    rows = []
    for task, (read, split, exclude_seen) in TASKS.items():
        events = read(Path(folder))
        events["time"] = pd.to_datetime(events["timestamp"], unit="s")
        X, y = as_panel(events[["user_id", "time", "item"]], "user_id", "time", "item")
        train, test = split(X, 0.8)
        inner = tuple(train[part] for part in split(X.iloc[train], 0.8))
        for model, (estimator, grid) in MODELS.items():
            recommender = SequenceRecommender(estimator)
            if exclude_seen:  # what was there before is never listed, so all of these are equal
                grid = {k: v for k, v in grid.items() if not k.endswith("self_similarity")}
            tried = [
                (score(recommender.set_params(**p), X, y, inner, exclude_seen)[0].mean(), i)
                for i, p in enumerate(ParameterGrid(grid))
            ]
            chosen = ParameterGrid(grid)[max(tried)[1]]
            ndcg, (fit, ranked, n_users) = score(
                recommender.set_params(**chosen), X, y, (train, test), exclude_seen
            )
            if model == "popularity":
                popularity = ndcg
            gain = ndcg - popularity
            short = ", ".join(f"{name.split('__')[-1]}={v}" for name, v in chosen.items())
            rows.append(
                {
                    "task": task,
                    "model": model,
                    "NDCG@10": f"{ndcg.mean():.4f} ± {ndcg.sem():.4f}",
                    "vs popularity": f"{gain.mean():+.4f} ± {gain.sem():.4f}",
                    "users": n_users,
                    "fit CPU s": round(fit, 2),
                    "users per CPU s": round(n_users / ranked),
                    "chosen": short,
                }
            )
            print(f"{task}: {model} done", file=sys.stderr, flush=True)
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main(sys.argv[1])
