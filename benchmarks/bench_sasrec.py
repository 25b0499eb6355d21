"""SASRec here and in RecTools: CPU time of an epoch and NDCG@10 after a global cut in time.

Goal: SASRecClassifier at least as good at no more than half of the CPU time of an epoch. Both have
the same sizes and windows. An epoch of RecTools reads the last window of each user, ours all;
its time here includes what fit does once (windows, sequences).

    python benchmarks/bench_sasrec.py --data FOLDER --peers PYTHON
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

SIZES = {"width": 64, "depth": 2, "heads": 2}


def load(folder, name):
    """Return the events before and after the time of nine tenths of them."""
    table = pd.read_csv(folder / name / "interactions.csv.gz")
    table = table.rename(columns={"user_id": "user", "item_id": "item", "timestamp": "time"})
    table["time"] = pd.to_datetime(
        table["time"], unit="s" if table["time"].dtype.kind in "if" else None
    )
    table = table.sort_values("time", kind="stable")[["user", "item", "time"]]
    cut = table["time"].iloc[int(0.9 * len(table))]
    return table[table["time"] < cut], table[table["time"] >= cut]


def ndcg(lists, test, seen, k=10):
    """Return the mean over users with known and new items; lists has user, rank and item."""
    wanted = test.drop_duplicates(["user", "item"])
    known = seen[["user", "item"]].drop_duplicates().assign(old=True)
    wanted = wanted.merge(known, how="left")
    wanted = wanted[wanted["old"].isna() & wanted["user"].isin(seen["user"])]
    hits = lists.merge(wanted[["user", "item"]])
    gain = (1 / np.log2(hits["rank"] + 1)).groupby(hits["user"]).sum()
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    count = wanted.groupby("user").size().clip(upper=k)
    return float((gain.reindex(count.index).fillna(0) / ideal[count - 1]).mean())


def ours(train, test, epochs, loss):
    """Fit and recommend here."""
    from sklearn_tsrec import SASRecClassifier, SequenceRecommender, as_panel

    X, y = as_panel(train, group="user", time="time", target="item")
    classifier = SASRecClassifier(
        **SIZES,
        loss=loss,
        max_epochs=epochs,
        validation_fraction=0.0,
        batch_size=128,
        random_state=0,
    )
    recommender = SequenceRecommender(classifier, window=50, random_state=0, freq=None)
    begin = time.process_time()
    recommender.fit(X, y)
    cost = time.process_time() - begin
    users = [user for user in train["user"].unique() if user in set(test["user"])]
    return cost, recommender.recommend(users, k=10, exclude_seen=True)


def theirs(train, test, epochs):
    """Fit and recommend with RecTools."""
    from rectools.dataset import Dataset
    from rectools.models import SASRecModel

    data = Dataset.construct(
        train.rename(columns={"user": "user_id", "item": "item_id", "time": "datetime"}).assign(
            weight=1.0
        )
    )
    model = SASRecModel(
        n_factors=SIZES["width"],
        n_blocks=SIZES["depth"],
        n_heads=SIZES["heads"],
        session_max_len=50,
        epochs=epochs,
        batch_size=128,
        loss="softmax",
        verbose=0,
        dataloader_num_workers=0,
        train_min_user_interactions=2,
    )
    begin = time.process_time()
    model.fit(data)
    cost = time.process_time() - begin
    users = [user for user in train["user"].unique() if user in set(test["user"])]
    lists = model.recommend(users, data, k=10, filter_viewed=True, on_unsupported_targets="ignore")
    return cost, lists.rename(columns={"user_id": "user", "item_id": "item"})


def main():
    """Print a row for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peers", default=None, help="a Python with RecTools")
    parser.add_argument("--name", default="ml-latest-small")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--models", nargs="*", default=["softmax", "sampled", "gbce", "rectools"])
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    train, test = load(options.data, options.name)
    for model in options.models:
        if model == "rectools" and options.peers:
            command = [
                options.peers,
                __file__,
                "--data",
                str(options.data),
                "--models",
                "rectools",
                "--name",
                options.name,
                "--epochs",
                str(options.epochs),
            ]
            subprocess.run(command, check=True, stdout=sys.stdout)
            continue
        if model == "rectools":
            cost, lists = theirs(train, test, options.epochs)
        else:
            cost, lists = ours(train, test, options.epochs, model)
        print(
            f"{options.name} {model}: {cost / options.epochs:.2f} CPU-s an epoch, "
            f"NDCG@10 {ndcg(lists, test, train):.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
