"""Claim: a ranker over several recommenders foresees more than the best of them alone.

NDCG@10 over the full catalogue, every test event relevant, items learned from training only. Test
events of ``completejourney`` are the last fifth of the time, those of ``ml-latest-small`` the last
event of each user. Events at one time, and items with equal scores, are in a seeded pseudo-random
order; each user's figure is the mean over the seeds. Parameters of the single recommenders are
searched on an inner split of the training events made by the same rule; the ranker has one setting
for all tasks, the mean of a linear and a tree ranker, picked by hand among trials on the inner
splits with repeats. The test events are read at the end.

    python benchmarks/bench_recommend.py DATA [--peers PYTHON] [--task NAME] [--quick]

"vs best single" is the mean difference to the single recommender of ours that is best on the test
(not the one that is best on the inner split: that would be easier to beat), with its standard
error over users. ``--peers`` names a Python that has RecTools, for its SASRec; its number of epochs
is chosen on the inner split. Without ``--quick`` rows are also written to
benchmarks/results/recommend.csv, replacing those of the same task.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

import numpy as np
import pandas as pd

K, SEEDS = 10, (0, 1)
EPOCHS = [3, 10]
RESULTS = Path(__file__).parent / "results" / "recommend.csv"


def cut_at_share(X, share):
    """Return the rows before and after a share of the duration of a log."""
    times = X.index.get_level_values(-1)
    cut = times.min() + share * (times.max() - times.min())
    return np.flatnonzero(times < cut), np.flatnonzero(times >= cut)


def leave_last(X, share):
    """Return all rows but the last of each user, and the last ones."""
    from sklearn_tsrec.model_selection import LeaveLastOut

    return next(LeaveLastOut().split(X))


def read_groceries(folder, item):
    """Return what households of completejourney bought, and what is known of the items."""
    folder = folder / "completejourney"
    events = pd.read_csv(folder / "interactions.csv.gz")
    items = pd.read_csv(folder / "items.csv.gz").set_index("item_id")
    events["price"] = events["sales_value"] / events["quantity"].clip(lower=1)
    events["discount"] = events["retail_disc"] / (events["sales_value"] + events["retail_disc"])
    events["discount"] = events["discount"].where(np.isfinite(events["discount"]), 0.0)
    if item == "product_category":
        events["item"] = events["item_id"].map(items["product_category"])
        department = items.groupby("product_category")["department"].agg(lambda d: d.mode()[0])
        return events.dropna(subset="item"), department.to_frame()
    kinds = ["department", "product_category", "product_type", "manufacturer_id"]
    known = items[kinds].notna()
    return events.rename(columns={"item_id": "item"}), items[kinds].astype(str).where(known)


def read_movies(folder, item):
    """Return the films that users of MovieLens rated."""
    events = pd.read_csv(folder / "ml-latest-small" / "interactions.csv.gz")
    return events.rename(columns={"item_id": "item"}), None


TASKS = {
    "categories, repeats": (read_groceries, "product_category", cut_at_share, False),
    "products, repeats": (read_groceries, "item_id", cut_at_share, False),
    "categories, unseen": (read_groceries, "product_category", cut_at_share, True),
    "products, unseen": (read_groceries, "item_id", cut_at_share, True),
    "films, last": (read_movies, None, leave_last, True),
}


def singles(n_items, unseen):
    """Return the single recommenders with the parameters to choose from."""
    from sklearn.dummy import DummyClassifier

    from sklearn_tsrec.recommendation import (
        ALSClassifier,
        EASEClassifier,
        ItemKNNClassifier,
        PersonalFrequencyClassifier,
    )

    shrinkage = [0, 50] if n_items < 1000 else [50, 500]
    # What was there before is never listed among the unseen: there these are all equal.
    repeats = [None] if unseen else [None, 0.4]
    models = {
        "popularity": (DummyClassifier(strategy="prior"), {"window": [1]}),
        "decayed popularity": (
            DummyClassifier(strategy="prior"),
            {"window": [1], "half_life": ["30D", "90D", "360D"]},
        ),
        "personal frequency": (
            PersonalFrequencyClassifier(),
            {"window": [200], "estimator__smoothing": [50, 100, 200]},
        ),
        "item-kNN": (
            ItemKNNClassifier(),
            {
                "window": [200],
                "estimator__shrinkage": shrinkage,
                "estimator__self_similarity": repeats,
            },
        ),
        "recency-weighted kNN": (
            ItemKNNClassifier(),
            {
                "window": [50],
                "estimator__decay": [0.8, 0.95],
                "estimator__shrinkage": shrinkage,
                "estimator__self_similarity": repeats,
            },
        ),
        "ALS (implicit)": (
            ALSClassifier(regularization=10.0),
            {"window": [200], "estimator__factors": [16, 64]},
        ),
    }
    if n_items < 10_000:  # the inverse of a matrix of items by items
        models["EASE"] = (
            EASEClassifier(),
            {
                "window": [200],
                "estimator__l2": [300.0, 3000.0],
                "estimator__target": ["set"] if unseen else ["set", "next"],
            },
        )
    return models


def two_stage(chosen, item_features, unseen):
    """Return the ranker over the chosen single recommenders."""
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import VotingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from sklearn_tsrec.recommendation import TwoStageRecommender

    linear = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(C=0.01))
    trees = LGBMClassifier(
        n_estimators=150,
        learning_rate=0.05,
        num_leaves=7,
        min_child_samples=100,
        colsample_bytree=0.3,
        subsample=0.5,
        subsample_freq=1,
        reg_lambda=10,
        max_bin=63,
        n_jobs=1,
        verbose=-1,
    )
    ranker = VotingClassifier([("linear", linear), ("trees", trees)], voting="soft")
    leave_out = {"popularity", "ALS (implicit)"} | ({"personal frequency"} if unseen else set())
    members = [(name, model) for name, model in chosen.items() if name not in leave_out]
    return TwoStageRecommender(
        members, ranker, n_moments=2, features=FEATURES, item_features=item_features
    )


FEATURES = ["scores", "personal", "item", "trend", "context", "attributes"]
ABLATION = {
    "without personal history": {
        "without": {"personal", "attributes"},
        "members": {"personal frequency"},
    },
    "without item-item": {"members": {"item-kNN", "recency-weighted kNN", "EASE"}},
    "without kinds of items": {"without": {"attributes"}},
    "without context": {"without": {"context"}},
    "without item and trend": {"without": {"item", "trend"}},
    "with price and discount": {"columns": ["price", "discount"]},
    "with demand forecast": {"demand": True},
}


def unseen_events(y_train, y_test):
    """Return the test events of items that their user did not have in training."""
    pairs = pd.MultiIndex.from_arrays([y_test.index.get_level_values(0), y_test])
    old = pd.MultiIndex.from_arrays([y_train.index.get_level_values(0), y_train])
    return y_test[~pairs.isin(old)]


def score(recommender, X, y, split, unseen):
    """Return the NDCG of each user, and the CPU seconds of fitting and recommending."""
    from sklearn_tsrec.metrics import ndcg_at_k

    train, test = split
    y_test = unseen_events(y.iloc[train], y.iloc[test]) if unseen else y.iloc[test]
    start = time.process_time()
    recommender.fit(X.iloc[train], y.iloc[train])
    fitted = time.process_time()
    users = y_test.index.get_level_values(0).unique()
    lists = recommender.recommend(users, K, exclude_seen=unseen)
    done = time.process_time()
    ndcg = ndcg_at_k(y_test, lists, k=K, average=None)
    return ndcg, fitted - start, done - fitted


def seeded(recommender, seed):
    """Return a clone in which all that is random is drawn by a seed."""
    from sklearn.base import clone

    recommender = clone(recommender)
    known = [name for name in recommender.get_params() if name.split("__")[-1] == "random_state"]
    return recommender.set_params(**dict.fromkeys(known, seed))


def choose(recommender, grid, X, y, inner, unseen):
    """Return the recommender with the parameters that are best on the inner split."""
    from sklearn.base import clone
    from sklearn.model_selection import ParameterGrid

    tried = list(ParameterGrid(grid))
    if len(tried) == 1:
        return clone(recommender).set_params(**tried[0]), tried[0]
    scores = [
        score(clone(recommender).set_params(**p), X, y, inner, unseen)[0].mean() for p in tried
    ]
    best = tried[int(np.argmax(scores))]
    return clone(recommender).set_params(**best), best


def sasrec(peers, X, y, splits, unseen):
    """Return the NDCG of each user by the SASRec of RecTools, at the best number of epochs."""
    from sklearn_tsrec.metrics import ndcg_at_k

    found = {}
    for name, (train, test), epochs in (("inner", splits[0], EPOCHS), ("outer", splits[1], None)):
        y_test = unseen_events(y.iloc[train], y.iloc[test]) if unseen else y.iloc[test]
        epochs = [found["best"]] if epochs is None else epochs
        with tempfile.TemporaryDirectory() as folder:
            log = y.iloc[train].rename("item").reset_index()
            log.columns = ["user", "time", "item"]
            log.to_csv(Path(folder) / "train.csv", index=False)
            users = y_test.index.get_level_values(0).unique()
            pd.DataFrame({"user": users}).to_csv(Path(folder) / "users.csv", index=False)
            command = [peers, __file__, folder, "--serve", ",".join(map(str, epochs))]
            subprocess.run([*command, *(["--unseen"] if unseen else [])], check=True)
            lists = pd.read_csv(Path(folder) / "lists.csv", keep_default_na=False)
        group = y_test.index.names[0]
        scores = {}
        for epoch, table in lists.rename(columns={"user": group}).groupby("epoch"):
            table = table.drop(columns="epoch")
            scores[epoch] = ndcg_at_k(y_test, table, k=K, average=None)
        if name == "inner":
            found["best"] = int(max(scores, key=lambda epoch: scores[epoch].mean()))
        else:
            found["ndcg"] = scores[found["best"]]
    return found["ndcg"], {"epochs": found["best"]}


def serve(folder, epochs, unseen):
    """Fit the SASRec of RecTools (in a Python of its own) and write its lists."""
    import torch
    from rectools import Columns
    from rectools.dataset import Dataset
    from rectools.models import SASRecModel

    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = Path(folder)
    log = pd.read_csv(folder / "train.csv", parse_dates=["time"], keep_default_na=False)
    log = log.sort_values("time", kind="stable")
    log.columns = [Columns.User, Columns.Datetime, Columns.Item]
    log[Columns.Weight] = 1.0
    data = Dataset.construct(log)
    users = pd.read_csv(folder / "users.csv")["user"]
    users = users[users.isin(log[Columns.User])].to_numpy()
    parts = []
    for epoch in epochs:
        model = SASRecModel(n_factors=64, session_max_len=50, n_blocks=2, n_heads=2, epochs=epoch)
        model.fit(data)
        lists = model.recommend(users, data, k=K, filter_viewed=unseen)
        lists = lists.rename(columns={Columns.User: "user", Columns.Item: "item"})
        parts.append(lists[["user", "item", "rank"]].assign(epoch=epoch))
    pd.concat(parts).to_csv(folder / "lists.csv", index=False)


def run(task, folder, peers, ablate):
    """Yield the row of each model of one task."""
    from sklearn.base import clone

    from sklearn_tsrec import WindowForecaster, as_panel

    read, item, split, unseen = TASKS[task]
    events, item_features = read(folder, item)
    events["time"] = pd.to_datetime(events["timestamp"], unit="s")
    columns = [c for c in ("price", "discount") if c in events]
    X, y = as_panel(events[["user_id", "time", "item", *columns]], "user_id", "time", "item")
    outer = split(X, 0.8)
    inner = tuple(outer[0][part] for part in split(X.iloc[outer[0]], 0.8))
    done, chosen = {}, {}

    def test(name, recommender, parameters):
        runs = [score(seeded(recommender, seed), X, y, outer, unseen) for seed in SEEDS]
        ndcg = sum(run[0] for run in runs) / len(runs)
        done[name] = (ndcg, *np.mean([run[1:] for run in runs], axis=0), parameters)
        print(f"{task}: {name} {ndcg.mean():.4f}", file=sys.stderr, flush=True)

    from sklearn_tsrec import SequenceRecommender

    for name, (estimator, grid) in singles(y.nunique(), unseen).items():
        start = SequenceRecommender(estimator)
        chosen[name], parameters = choose(start, grid, X, y, inner, unseen)
        test(name, chosen[name], parameters)
    best = max(done, key=lambda name: done[name][0].mean())
    if split is cut_at_share:
        model = two_stage(chosen, item_features, unseen).set_params(exclude_seen=unseen)
        test("two-stage ranker", model, {})
        for name, change in ABLATION.items() if ablate else ():
            other = clone(model).set_params(fallback=False)
            change = dict(change)
            without = change.pop("members", set())
            if without:
                change["retrievers"] = [pair for pair in model.retrievers if pair[0] not in without]
            left_out = change.pop("without", set())
            change["features"] = [name for name in FEATURES if name not in left_out]
            if "columns" in change:
                change["features"].append("columns")
            if change.get("demand"):
                change["demand"] = WindowForecaster(window=4)
                change["features"].append("demand")
            test(f"two-stage {name}", other.set_params(**change), {})
    if peers:
        ndcg, parameters = sasrec(peers, X, y, (inner, outer), unseen)
        done["SASRec (RecTools)"] = (ndcg, np.nan, np.nan, parameters)
    for name, (ndcg, fit, listed, parameters) in done.items():
        against = "two-stage ranker" if name.startswith("two-stage with") else best
        gain = ndcg - done[against][0].reindex(ndcg.index)
        yield {
            "task": task,
            "model": name,
            "NDCG@10": round(ndcg.mean(), 4),
            "SE": round(ndcg.sem(), 4),
            "compared with": against,
            "difference": round(gain.mean(), 4),
            "its SE": round(gain.sem(), 4),
            "users": len(ndcg),
            "fit CPU s": round(fit, 2),
            "users per CPU s": round(len(ndcg) / listed) if listed > 0 else np.nan,
            "chosen": ", ".join(f"{key.split('__')[-1]}={v}" for key, v in parameters.items()),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="folder of the data sets")
    parser.add_argument("--peers", help="a Python with RecTools")
    parser.add_argument("--task", choices=TASKS, help="one task alone")
    parser.add_argument("--no-ablation", action="store_true")
    parser.add_argument("--quick", action="store_true", help="write no results")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--unseen", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.data, [int(epoch) for epoch in given.serve.split(",")], given.unseen)
        return
    for task in [given.task] if given.task else TASKS:
        table = pd.DataFrame(run(task, Path(given.data), given.peers, not given.no_ablation))
        print(table.to_string(index=False))
        if not given.quick:
            if RESULTS.exists():
                old = pd.read_csv(RESULTS)
                table = pd.concat([old[old["task"] != task], table])
            table.to_csv(RESULTS, index=False)


if __name__ == "__main__":
    main()
