"""Claim: a ranker over several recommenders predicts more than the best of them alone.

NDCG@10 over the full catalogue. Test events of ``completejourney`` are the last fifth of the time,
those of ``ml-latest-small`` the last event of each user. Events at one time, and items with equal
scores, are in a seeded pseudo-random order; each user's figure is the mean over the seeds.
Parameters of the single recommenders are searched on an inner split of the training events made by
the same rule; the ranker has one setting for all tasks, the mean of a linear and two tree rankers,
picked by hand among trials on the inner splits with repeats. The test events are read at the end.

    python benchmarks/bench_recommend.py DATA [--peers PYTHON] [--task NAME] [--quick]

All users and all that they had count: users without a past, and items that training did not have,
which nobody can list, are misses. "known" leaves these out: it counts users with a past and items
of training, as the figures did that the rankers were meant to beat (popularity has the same 0.234
on categories and 0.057 on products under that rule, and 0.233 and 0.052 under the stricter one).

"difference" is the mean paired difference to the single recommender of ours that was best on the
inner split, "to best on test" to the one that is best on the test, which is harder to beat; both
with their standard errors over users. The ablation leaves out, or adds, a group of features or of
recommenders, and compares with the linear ranker alone.

``--peers`` names a Python that has RecTools, for its SASRec (one seed); its number of epochs is
chosen on the inner split where two can be afforded. Without ``--quick`` rows are also written to
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
# Numbers of epochs of RecTools' SASRec to choose from: as many as 2 CPU minutes a task allow.
EPOCHS = {
    "categories, repeats": [3, 10],
    "products, repeats": [2],
    "films, last": [5],
}
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
                "estimator__regularization": [300.0, 3000.0] if n_items < 3000 else [300.0],
                "estimator__target": ["set"] if unseen else ["set", "next"],
            },
        )
    return models


def two_stage(chosen, item_features, unseen):
    """Return the ranker over the chosen single recommenders."""
    from lightgbm import LGBMClassifier
    from sklearn.base import clone
    from sklearn.ensemble import VotingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from sklearn_tsrec.recommendation import TwoStageRecommender

    linear = make_pipeline(
        SimpleImputer(keep_empty_features=True), StandardScaler(), LogisticRegression(C=0.01)
    )
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
    # Two forests of other seeds and halves of the rows: less noise of their seeds.
    others = clone(trees).set_params(subsample=0.4)
    ranker = VotingClassifier(
        [("linear", linear), ("trees", trees), ("others", others)],
        voting="soft",
        weights=[2, 1, 1],
    )
    leave_out = {"popularity", "ALS (implicit)"} | ({"personal frequency"} if unseen else set())
    members = [(name, model) for name, model in chosen.items() if name not in leave_out]
    return TwoStageRecommender(
        members, ranker, n_origins=2, features=FEATURES, item_features=item_features
    )


FEATURES = ["scores", "personal", "item", "trend", "context", "attributes"]
# Done with the linear half of the ranker, which has no noise of seeds.
ABLATION = {
    "linear": {},
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


class Test:
    """Events to predict, and what lists of recommendations are worth there."""

    def __init__(self, y_train, y_test, unseen):
        users, past = y_test.index.get_level_values(0), y_train.index.get_level_values(0)
        if unseen:
            pairs, old = (pd.MultiIndex.from_arrays(p) for p in ([users, y_test], [past, y_train]))
            y_test = y_test[~pairs.isin(old)]
            users = y_test.index.get_level_values(0)
        self.y, self.users = y_test, users.unique()
        self.known = y_test[users.isin(past) & y_test.isin(y_train.unique())]

    def measure(self, lists):
        """Return the NDCG of each user: of all, and of those with a past, known items alone."""
        from sklearn_tsrec.metrics import ndcg_at_k

        of_known = lists[lists.iloc[:, 0].isin(self.known.index.get_level_values(0))]
        pairs = (self.y, lists), (self.known, of_known)
        return [ndcg_at_k(happened, table, k=K, average=None) for happened, table in pairs]


def score(recommender, X, y, split, unseen):
    """Return what lists are worth, and the CPU seconds of fitting and of recommending."""
    train, test = split
    happened = Test(y.iloc[train], y.iloc[test], unseen)
    start = time.process_time()
    recommender.fit(X.iloc[train], y.iloc[train])
    fitted = time.process_time()
    lists = recommender.recommend(happened.users, K, exclude_seen=unseen)
    done = time.process_time()
    return happened.measure(lists), fitted - start, done - fitted


def seeded(recommender, seed):
    """Return a clone in which all that is random is drawn by a seed."""
    from sklearn.base import clone

    recommender = clone(recommender)
    known = [name for name in recommender.get_params() if name.split("__")[-1] == "random_state"]
    return recommender.set_params(**dict.fromkeys(known, seed))


def choose(recommender, grid, X, y, inner, unseen):
    """Return the recommender and the parameters that are best on the inner split, and how good."""
    from sklearn.base import clone
    from sklearn.model_selection import ParameterGrid

    tried = [clone(recommender).set_params(**parameters) for parameters in ParameterGrid(grid)]
    scores = [score(clone(one), X, y, inner, unseen)[0][0].mean() for one in tried]
    best = int(np.argmax(scores))
    return tried[best], ParameterGrid(grid)[best], scores[best]


def sasrec(peers, X, y, splits, unseen, epochs):
    """Return what the lists of RecTools' SASRec are worth at the best number of epochs."""
    tried = epochs
    for train, test in splits if len(epochs) > 1 else splits[1:]:
        happened = Test(y.iloc[train], y.iloc[test], unseen)
        with tempfile.TemporaryDirectory() as folder:
            log = y.iloc[train].rename("item").reset_index()
            log.columns = ["user", "time", "item"]
            log.to_csv(Path(folder) / "train.csv", index=False)
            pd.DataFrame({"user": happened.users}).to_csv(Path(folder) / "users.csv", index=False)
            command = [peers, __file__, folder, "--serve", ",".join(map(str, tried))]
            subprocess.run([*command, *(["--unseen"] if unseen else [])], check=True)
            lists = pd.read_csv(Path(folder) / "lists.csv", keep_default_na=False)
        lists = lists.rename(columns={"user": y.index.names[0]})
        values = {
            epoch: happened.measure(table.drop(columns="epoch"))
            for epoch, table in lists.groupby("epoch")
        }
        tried = [max(values, key=lambda epoch: values[epoch][0].mean())]
    return values[tried[0]], {"epochs": tried[0]}


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
        # It does not know users whose only item was no one else's.
        how = {"filter_viewed": unseen, "on_unsupported_targets": "ignore"}
        lists = model.recommend(users, data, k=K, **how)
        lists = lists.rename(columns={Columns.User: "user", Columns.Item: "item"})
        parts.append(lists[["user", "item", "rank"]].assign(epoch=epoch))
    pd.concat(parts).to_csv(folder / "lists.csv", index=False)


def run(task, folder, peers, ablate):
    """Yield the row of each model of one task."""
    from sklearn.base import clone

    from sklearn_tsrec import SequenceRecommender, WindowForecaster, as_panel

    read, item, split, unseen = TASKS[task]
    events, item_features = read(folder, item)
    events["time"] = pd.to_datetime(events["timestamp"], unit="s")
    columns = [c for c in ("price", "discount") if c in events]
    X, y = as_panel(events[["user_id", "time", "item", *columns]], "user_id", "time", "item")
    outer = split(X, 0.8)
    inner = tuple(outer[0][part] for part in split(X.iloc[outer[0]], 0.8))
    done, chosen, inside = {}, {}, {}

    def test(name, recommender, parameters):
        runs = [score(seeded(recommender, seed), X, y, outer, unseen) for seed in SEEDS]
        values = [sum(of_seeds) / len(runs) for of_seeds in zip(*(run[0] for run in runs))]
        done[name] = (values, *np.mean([run[1:] for run in runs], axis=0), parameters)
        said = [f"{task}: {name} {values[0].mean():.4f}, known {values[1].mean():.4f}"]
        for other in dict.fromkeys([single, best]) if name.startswith("two-stage") else ():
            found = gains(values, done[other][0])
            said += [f"{other} {gain.mean():+.4f} ± {gain.sem():.4f}" for gain in found]
        print("; ".join(said), file=sys.stderr, flush=True)

    for name, (estimator, grid) in singles(y.nunique(), unseen).items():
        start = SequenceRecommender(estimator)
        chosen[name], parameters, inside[name] = choose(start, grid, X, y, inner, unseen)
        test(name, chosen[name], parameters)
    single = max(inside, key=inside.get)
    best = max(done, key=lambda name: done[name][0][0].mean())
    if split is cut_at_share:
        model = two_stage(chosen, item_features, unseen).set_params(exclude_seen=unseen)
        test("two-stage ranker", model, {})
        for name, change in ABLATION.items() if ablate else ():
            other = clone(model).set_params(fallback=False, ranker=model.ranker.estimators[0][1])
            change = dict(change)
            without = change.pop("members", set())
            if without:
                change["retrievers"] = [pair for pair in model.retrievers if pair[0] not in without]
            left_out = change.pop("without", set())
            change["features"] = [group for group in FEATURES if group not in left_out]
            if "columns" in change:
                change["features"].append("columns")
            if change.get("demand"):
                change["demand"] = WindowForecaster(window=4)
                change["features"].append("demand")
            test(f"two-stage {name}", other.set_params(**change), {})
    if peers and task in EPOCHS:
        values, parameters = sasrec(peers, X, y, (inner, outer), unseen, EPOCHS[task])
        done["SASRec (RecTools)"] = (values, np.nan, np.nan, parameters)
    yield from rows(task, done, single, best)


def gains(values, others):
    """Return the paired differences to another model: of all, and of known users and items."""
    return [ours - theirs for ours, theirs in zip(values, others)]


def rows(task, done, single, best):
    """Yield the row of each model, given what its lists are worth to each user."""
    for name, (values, fit, listed, parameters) in done.items():
        against = "two-stage linear" if name.startswith("two-stage with") else single
        ndcg, known = values
        gain, gain_known = gains(values, done[against][0])
        to_best, _ = gains(values, done[best][0])
        yield {
            "task": task,
            "model": name,
            "NDCG@10": round(ndcg.mean(), 4),
            "SE": round(ndcg.sem(), 4),
            "compared with": against,
            "difference": round(gain.mean(), 4),
            "its SE": round(gain.sem(), 4),
            "to best on test": round(to_best.mean(), 4),
            "SE of that": round(to_best.sem(), 4),
            "known": round(known.mean(), 4),
            "difference, known": round(gain_known.mean(), 4),
            "its SE, known": round(gain_known.sem(), 4),
            "users": len(ndcg),
            "users, known": len(known),
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
