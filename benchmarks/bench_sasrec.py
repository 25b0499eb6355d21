"""SASRec here and in RecTools: CPU time of an epoch and NDCG@10 after a global cut in time.

Goal: SASRecClassifier at least as good at no more than half of the CPU time of an epoch, and no
worse if half of the epochs pretrain it. All have the same sizes, windows and at most ten epochs;
ours are fewer if the latest windows say so, as by default. An epoch of RecTools reads the last
window of each user, ours all; the time of an epoch includes its share of what fit does once
(windows, sequences). Groceries may repeat in lists, films may not.

    python benchmarks/bench_sasrec.py --data FOLDER --peers PYTHON --out sasrec.csv
"""

import argparse
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd

SIZES = {"width": 64, "depth": 2, "heads": 2}
OURS = ("softmax", "sampled", "gbce", "sampled, gaps", "sampled, pretrained")
REPEATS = {"ml-latest-small": False, "completejourney": True}


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


def ndcg(lists, test, seen, repeats, k=10):
    """Return the mean over known users who want anything; lists has user, rank and item."""
    wanted = test.drop_duplicates(["user", "item"])
    wanted = wanted[wanted["user"].isin(seen["user"])]
    if not repeats:
        known = seen[["user", "item"]].drop_duplicates().assign(old=True)
        wanted = wanted.merge(known, how="left")
        wanted = wanted[wanted["old"].isna()]
    hits = lists.merge(wanted[["user", "item"]])
    gain = (1 / np.log2(hits["rank"] + 1)).groupby(hits["user"]).sum()
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    count = wanted.groupby("user").size().clip(upper=k)
    return float((gain.reindex(count.index).fillna(0) / ideal[count - 1]).mean())


def ours(train, test, epochs, model, seed, repeats):
    """Fit and recommend here."""
    from sklearn_tsrec import SASRecClassifier, SequenceRecommender, as_panel

    X, y = as_panel(train, group="user", time="time", target="item")
    loss, _, more = model.partition(", ")
    half = {"pretrain": "next", "pretrain_epochs": epochs // 2, "max_epochs": epochs - epochs // 2}
    classifier = SASRecClassifier(
        **SIZES,
        **(half if more == "pretrained" else {"max_epochs": epochs}),
        loss=loss,
        batch_size=128,
        random_state=seed,
    )
    recommender = SequenceRecommender(classifier, window=50, gaps=more == "gaps", random_state=seed)
    begin = time.process_time()
    recommender.fit(X, y)
    epochs = len(recommender.estimator_.validation_losses_) - 1
    if more == "pretrained":
        epochs += half["pretrain_epochs"]
    cost = (time.process_time() - begin) / epochs
    users = [user for user in train["user"].unique() if user in set(test["user"])]
    return cost, recommender.recommend(users, k=10, exclude_seen=not repeats)


def theirs(train, test, epochs, seed, repeats):
    """Fit and recommend with RecTools."""
    import torch
    from rectools.dataset import Dataset
    from rectools.models import SASRecModel

    torch.manual_seed(seed)
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
    cost = (time.process_time() - begin) / epochs
    users = [user for user in train["user"].unique() if user in set(test["user"])]
    lists = model.recommend(
        users, data, k=10, filter_viewed=not repeats, on_unsupported_targets="ignore"
    )
    return cost, lists.rename(columns={"user_id": "user", "item_id": "item"})


def measure(options, model):
    """Print and keep the figures of one model."""
    import torch

    torch.set_num_threads(1)
    train, test = load(options.data, options.name)
    repeats = REPEATS[options.name]
    for seed in range(options.seeds):
        if model == "rectools":
            cost, lists = theirs(train, test, options.epochs, seed, repeats)
        else:
            cost, lists = ours(train, test, options.epochs, model, seed, repeats)
        quality = ndcg(lists, test, train, repeats)
        row = [options.name, model, seed, round(cost, 3), round(quality, 4)]
        print(*row, sep="\t", flush=True)
        if options.out:
            columns = ["data", "model", "seed", "cpu_seconds_an_epoch", "ndcg10"]
            table = pd.DataFrame([row], columns=columns)
            table.to_csv(options.out, mode="a", header=not options.out.exists(), index=False)


def main():
    """Print a row for each model and seed; RecTools runs in a Python of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peers", default=None, help="a Python with RecTools")
    parser.add_argument("--name", default="ml-latest-small", choices=list(REPEATS))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--models", nargs="*", default=[*OURS, "rectools"])
    parser.add_argument("--out", type=Path, default=None, help="a CSV file to add rows to")
    options = parser.parse_args()
    for model in options.models:
        if model == "rectools" and options.peers:
            words = [f"--{name}={getattr(options, name)}" for name in ("data", "name", "epochs")]
            words += [f"--seeds={options.seeds}", "--models=rectools"]
            words += [f"--out={options.out}"] if options.out else []
            subprocess.run([options.peers, __file__, *words], check=True)
        else:
            measure(options, model)


if __name__ == "__main__":
    main()
