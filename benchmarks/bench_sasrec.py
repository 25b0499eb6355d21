"""Claim: SASRec here ranks the next item at least as well as RecTools', in half of its CPU time.

Events before a cut in time train; at most 20 events of each user after it are forecast, one by one,
each from all that the user did before (also after the cut). NDCG@10 over the full catalogue, the
mean over users. Films that a user has rated are not listed again; groceries (product categories)
may be. All nets have the same sizes, windows of 50 and ten epochs, half of which pretrain where
"next" or "masked" is said; none holds anything out. An epoch of RecTools reads the last 50 events
of each user, ours all windows; its time includes its share of what fit does once.

"half-life": events count by their age, as RecTools' loss weighs interactions and as
``SequenceRecommender(half_life=)`` does. Learning rates, half-lives, the kind of pretraining
and how many epochs were chosen on earlier cuts (``--cuts 0.5`` of the films, ``--cuts 0.7`` of the
groceries): what is predicted there is before the cuts of the report.

    python benchmarks/bench_sasrec.py --data FOLDER --peers PYTHON --keep FOLDER [--out sasrec.csv]

Gains are over the first of ``--models``, with their standard errors over users. ``--keep`` holds
the users' figures of each run; what is there is not run again.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd

SIZES = {"width": 64, "depth": 2, "heads": 2}
WINDOW, EPOCHS, BATCH, MOST = 50, 10, 128, 20
DATA = {  # our loss, whether lists may hold what was there before, and the cuts of the report
    "ml-latest-small": ("sampled", False, (0.8, 0.9)),
    "completejourney": ("softmax", True, (0.9,)),
}
# Name: lr, half-life, and what is more.
MODELS = {
    "rectools": (1e-3, None, {}),
    "rectools, lr 3e-3": (3e-3, None, {}),
    "rectools, half-life": (1e-3, "360D", {}),
    "rectools, lr 3e-3, half-life": (3e-3, "360D", {}),
    "popularity": (None, None, {}),
    "popularity, half-life": (None, "360D", {}),
    "plain": (1e-3, None, {}),
    "lr 3e-3": (3e-3, None, {}),
    "half-life": (3e-3, "360D", {}),
    "half-life, gaps": (3e-3, "360D", {"gaps": True}),
    "half-life, next": (3e-3, "360D", {"pretrain": "next"}),
    "half-life, masked": (3e-3, "360D", {"pretrain": "masked"}),
}


def load(folder, name):
    """Return the events, the earliest first."""
    folder = folder / name
    table = pd.read_csv(folder / "interactions.csv.gz")
    table = table.rename(columns={"user_id": "user", "item_id": "item", "timestamp": "time"})
    if name == "completejourney":
        items = pd.read_csv(folder / "items.csv.gz").set_index("item_id")
        table["item"] = table["item"].map(items["product_category"])
    table["time"] = pd.to_datetime(table["time"], unit="s")
    table = table.dropna(subset="item").sort_values("time", kind="stable")
    return table[["user", "item", "time"]].reset_index(drop=True)


def split(table, share):
    """Return the events before a cut, and those of the next tenth of all."""
    cut = table["time"].iloc[int(share * len(table))]
    end = table["time"].iloc[min(int((share + 0.1) * len(table)), len(table) - 1)]
    train, test = table[table["time"] < cut], table[table["time"].between(cut, end)]
    return train, test[test["item"].isin(train["item"])]


def choose(train, test):
    """Return the events to predict: those with a past, evenly spaced, at most MOST of a user."""
    first = pd.concat([train, test]).groupby("user")["time"].min()
    test = test[test["time"] > test["user"].map(first)]
    place, count = test.groupby("user").cumcount(), test.groupby("user")["item"].transform("size")
    step = np.maximum(count / MOST, 1)
    return test[(place // step) != ((place - 1) // step)].reset_index(drop=True)


def pasts(train, test, asked):
    """Return what came before each asked event, as events of a user of its own."""
    events = pd.concat([train, test])
    asked = asked.reset_index(names="asked")[["asked", "user", "time"]]
    events = events.merge(asked.rename(columns={"time": "now"}), on="user")
    return events[events["time"] < events["now"]]


def weights(train, half_life):
    """Return how much each event counts."""
    if half_life is None:
        return 1.0
    return 0.5 ** ((train["time"].max() - train["time"]) / pd.Timedelta(half_life))


def ours(train, test, asked, seed, loss, repeats, lr, half_life, more):
    """Return CPU seconds, epochs and the rank of each asked event, by our net."""
    from sklearn.frozen import FrozenEstimator

    from sklearn_tsrec import SASRecClassifier, SequenceRecommender, as_panel

    keys = {"group": "user", "time": "time", "target": "item"}
    more = dict(more)
    gaps = more.pop("gaps", False)
    n_before = EPOCHS // 2 if more else 0
    classifier = SASRecClassifier(
        **SIZES, **more, pretrain_epochs=max(n_before, 1), max_epochs=EPOCHS - n_before,
        validation_fraction=0, batch_size=BATCH, loss=loss, learning_rate=lr, random_state=seed,
    )  # fmt: skip
    begin = time.process_time()
    fitted = SequenceRecommender(
        classifier, window=WINDOW, gaps=gaps, half_life=half_life, random_state=seed
    ).fit(*as_panel(train, **keys))
    seconds = time.process_time() - begin
    # It learns no more, but is updated with what happened since.
    served = SequenceRecommender(
        FrozenEstimator(fitted.estimator_), window=WINDOW, gaps=gaps, random_state=seed
    ).fit(*as_panel(pd.concat([train, test]), **keys))
    scores = served.predict_proba(asked.set_index(["user", "time"])[[]])
    place = pd.Index(served.classes_)
    if not repeats:
        past = pasts(train, test, asked)
        scores[past["asked"], place.get_indexer(past["item"])] = -1
    own = scores[np.arange(len(asked)), place.get_indexer(asked["item"])]
    return seconds, EPOCHS, 1 + (scores > own[:, None]).sum(axis=1)


def theirs(train, test, asked, seed, loss, repeats, lr, half_life, more):
    """Return the same of RecTools."""
    import torch
    from rectools.dataset import Dataset
    from rectools.models import SASRecModel

    names = {"user": "user_id", "item": "item_id", "time": "datetime"}
    torch.manual_seed(seed)
    model = SASRecModel(
        n_factors=SIZES["width"], n_blocks=SIZES["depth"], n_heads=SIZES["heads"],
        session_max_len=WINDOW, epochs=EPOCHS, batch_size=BATCH, loss="softmax", lr=lr, verbose=0,
        dataloader_num_workers=0, train_min_user_interactions=2,
    )  # fmt: skip
    begin = time.process_time()
    model.fit(
        Dataset.construct(train.rename(columns=names).assign(weight=weights(train, half_life)))
    )
    seconds = time.process_time() - begin
    past = pasts(train, test, asked)[["asked", "item", "time"]].rename(columns={"asked": "user"})
    past = past[past["item"].isin(train["item"])]
    served = Dataset.construct(past.rename(columns=names).assign(weight=1.0))
    lists = model.recommend(
        past["user"].unique(), served, k=10, filter_viewed=not repeats,
        on_unsupported_targets="ignore",
    )  # fmt: skip
    hits = asked["item"].reset_index(name="item_id").rename(columns={"index": "user_id"})
    hits = hits.merge(lists, how="left")
    return seconds, EPOCHS, hits["rank"].fillna(np.inf).to_numpy()


def popular(train, test, asked, seed, loss, repeats, lr, half_life, more):
    """Return the same of popularity, which needs no net."""
    begin = time.process_time()
    share = pd.Series(weights(train, half_life), train.index).groupby(train["item"]).sum()
    seconds = time.process_time() - begin
    scores = np.tile(share.to_numpy(), (len(asked), 1))
    if not repeats:
        past = pasts(train, test, asked)
        past = past[past["item"].isin(share.index)]
        scores[past["asked"], share.index.get_indexer(past["item"])] = -1
    own = scores[np.arange(len(asked)), share.index.get_indexer(asked["item"])]
    return seconds, 1, 1 + (scores > own[:, None]).sum(axis=1)


def measure(options, name, model, cut, seed):
    """Return the cost and the users' figures of one run, from the folder if they are there."""
    path = options.keep / f"{name} {model} {cut} {seed}.json"
    if not path.exists():
        if model.startswith("rectools") and options.peers:
            words = [f"--data={options.data}", f"--keep={options.keep}", f"--models={model}"]
            words += [f"--names={name}", f"--cuts={cut}", f"--seeds={seed}"]
            subprocess.run([options.peers, __file__, *words], check=True)
            return json.loads(path.read_text())
        import torch

        torch.set_num_threads(1)
        train, test = split(load(options.data, name), cut)
        asked = choose(train, test)
        tool = {"rectools": theirs, "popularity": popular}.get(model.partition(",")[0], ours)
        seconds, epochs, rank = tool(train, test, asked, seed, *DATA[name][:2], *MODELS[model])
        gain = np.where(rank <= 10, 1 / np.log2(rank + 1.0), 0)
        users = pd.Series(gain).groupby(asked["user"].to_numpy()).mean()
        row = {"seconds": seconds, "epochs": epochs}
        path.write_text(json.dumps(row | {"users": {str(k): v for k, v in users.items()}}))
    return json.loads(path.read_text())


def main():
    """Run what is asked for, and print a row for each model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peers", help="a Python with RecTools")
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--names", nargs="*", default=list(DATA))
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--cuts", nargs="*", type=float, help="shares of the events")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--out", type=Path, help="a CSV file to add rows to")
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in options.names:
        figures, first = {}, None
        for model in options.models:
            runs = {
                (cut, seed): measure(options, name, model, cut, seed)
                for cut in options.cuts or DATA[name][2]
                for seed in options.seeds
            }
            users = pd.DataFrame(
                {key: pd.Series(run["users"]) for key, run in runs.items()}
            ).rename_axis(columns=["cut", "seed"])
            # A user after a cut is one unit: seeds are averaged.
            figures[model] = users.stack("cut", future_stack=True).dropna().mean(axis=1)
            first = first or model
            gain = figures[model] - figures[first]
            error = (
                (gain - gain.mean()).groupby(level=0).sum()
            )  # a user may be there after each cut
            cost = sum(run["seconds"] for run in runs.values())
            by_seed = users.mean().groupby("seed").mean()
            rows.append(
                {
                    "data": name,
                    "model": model,
                    "users": len(figures[model]),
                    "ndcg10": round(figures[model].mean(), 4),
                    "by_seed": " ".join(f"{value:.4f}" for value in by_seed),
                    "beside": first,
                    "gain": round(gain.mean(), 4),
                    "se": round(float((error**2).sum() ** 0.5) / len(gain), 4),
                    "cpu_s_an_epoch": round(cost / sum(run["epochs"] for run in runs.values()), 2),
                    "cpu_s": round(cost / len(runs), 1),
                }
            )
            print(*rows[-1].values(), sep="\t", flush=True)
    if options.out:
        new = not options.out.exists()
        pd.DataFrame(rows).to_csv(options.out, mode="a", header=new, index=False)


if __name__ == "__main__":
    main()
