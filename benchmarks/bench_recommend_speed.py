"""How fast are lists, how fast is EASE fitted, and how much memory do many items take?

    OMP_NUM_THREADS=1 python benchmarks/bench_recommend_speed.py [--peer PYTHON]

Top-10 lists of 1,650 items for 10,000 users with 60 events each; EASE with a thread beside the
plain ``numpy.linalg.inv`` of the same Gram matrix; a million items, 10,000 users with 50 events
each, in a process of its own, whose largest memory is read from the system. RecTools' EASE is timed
in the Python that is given, on the same events. CPU seconds, the best of five (lists) or three
(fits). The table goes to results/recommend_speed.csv.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

RESULTS = Path(__file__).parent / "results" / "recommend_speed.csv"
N_USERS, N_EVENTS, N_ITEMS, K = 10_000, 60, 1650, 10

RECTOOLS = """
import sys, time
import numpy as np, pandas as pd
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import EASEModel
events = pd.read_csv(sys.argv[1])
frame = pd.DataFrame({Columns.User: events["user"], Columns.Item: events["item"],
                      Columns.Weight: 1.0, Columns.Datetime: pd.to_datetime(events["time"])})
dataset = Dataset.construct(frame)
def best(f, n):
    seconds = []
    for _ in range(n):
        start = time.process_time(); f(); seconds.append(time.process_time() - start)
    return min(seconds)
fit = best(lambda: EASEModel(1000.0).fit(dataset), 3)
model = EASEModel(1000.0).fit(dataset)
users = frame[Columns.User].unique()
lists = best(lambda: model.recommend(users, dataset, k=10, filter_viewed=False), 3)
print(fit, lists)
"""


def make_log(n_users, n_events, n_items, seed=0):
    """Return events of users with a taste of their own, out of items of a Zipf-like popularity."""
    rng = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, n_items + 1) ** 0.7
    draw = np.searchsorted(np.cumsum(popularity / popularity.sum()), rng.random(n_users * n_events))
    user = np.repeat(np.arange(n_users), n_events)
    near = (user * 7919 + rng.integers(0, max(n_items // 20, 1), len(user))) % n_items
    item = np.where(rng.random(len(user)) < 0.5, near, np.minimum(draw, n_items - 1))
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        rng.integers(0, 86400 * 365, len(user)), "s"
    )
    return pd.DataFrame({"user": user, "time": when, "item": item})


def best_time(function, n):
    """Return the shortest CPU time of some calls."""
    seconds = []
    for _ in range(n):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return min(seconds)


def time_lists(events):
    """Return the users per CPU second of each model."""
    from sklearn_tsrec import SequenceRecommender, as_panel
    from sklearn_tsrec.recommendation import (
        EASEClassifier,
        ItemKNNClassifier,
        MarkovClassifier,
        PersonalFrequencyClassifier,
    )

    X, y = as_panel(events, "user", "time", "item")
    models = {
        "item-kNN, all neighbours": ItemKNNClassifier(decay=0.95),
        "item-kNN, 100 neighbours": ItemKNNClassifier(100, decay=0.95),
        "EASE": EASEClassifier(decay=0.95),
        "personal frequency": PersonalFrequencyClassifier(),
        "Markov, order 2": MarkovClassifier(order=2),
    }
    for name, model in models.items():
        recommender = SequenceRecommender(model).fit(X, y)
        recommender.recommend(range(100), K)  # compiles
        seconds = best_time(lambda r=recommender: r.recommend(k=K), 5)
        yield f"lists: {name}", "users per CPU s", N_USERS / seconds


def time_ease(n_items, n_rows=20_000):
    """Return the CPU time of fitting EASE, and of an inverse of its Gram matrix."""
    from scipy import sparse

    from sklearn_tsrec.recommendation import EASEClassifier

    rng = np.random.default_rng(0)
    rows = sparse.random_array((n_rows, n_items), density=20 / n_items, rng=rng, format="csr")
    rows.data[:] = 1
    y = np.arange(n_rows) % n_items
    for target in ("set", "next"):
        model = EASEClassifier(500.0, target=target)
        fit = best_time(lambda m=model: m.fit(rows, y), 3)
        gram = model.gram_ + 500 * np.eye(n_items)
        inverse = best_time(lambda g=gram: np.linalg.inv(g), 3)
        name = f"EASE fit, {n_items:,} items, target={target!r}"
        yield name, "CPU s", fit
        yield f"{name}: numpy inverse alone", "CPU s", inverse
        yield f"{name}: ratio", "fit / inverse", fit / inverse


def many_items():
    """Recommend one million items to 10,000 users; print CPU times and the peak memory in GB."""
    from sklearn_tsrec import SequenceRecommender, as_panel
    from sklearn_tsrec.recommendation import ItemKNNClassifier

    events = make_log(10_000, 50, 1_000_000)
    rest = np.setdiff1d(np.arange(1_000_000), events["item"])
    more = pd.DataFrame({"user": -1, "time": events["time"].iloc[0], "item": rest})
    X, y = as_panel(pd.concat([events, more]), "user", "time", "item")
    start = time.process_time()
    recommender = SequenceRecommender(ItemKNNClassifier(100)).fit(X, y)
    fitted = time.process_time()
    peak_fit = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    recommender.recommend(range(10), K)  # compiles
    ready = time.process_time()
    lists = recommender.recommend(range(10_000), K)
    done = time.process_time()
    assert len(lists) == 10_000 * K
    assert len(recommender.classes_) == 1_000_000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(fitted - start, done - ready, peak_fit, peak)


def run(command):
    """Run another Python and return the numbers that it prints last."""
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(number) for number in out.split("\n")[-2].split()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", help="a Python that has RecTools")
    parser.add_argument("--many-items", action="store_true", help="run that part alone")
    arguments = parser.parse_args()
    if arguments.many_items:
        return many_items()
    events = make_log(N_USERS, N_EVENTS, N_ITEMS)
    rows = list(time_lists(events))
    for n_items in (N_ITEMS, 4000):
        rows += time_ease(n_items)
    if arguments.peer:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "events.csv"
            events.to_csv(path, index=False)
            fit, lists = run([arguments.peer, "-c", RECTOOLS, str(path)])
        rows.append(("lists: EASE of RecTools", "users per CPU s", N_USERS / lists))
        rows.append(("EASE fit of RecTools, these events", "CPU s", fit))
    fit, lists, peak_fit, peak = run([sys.executable, __file__, "--many-items"])
    rows.append(("1,000,000 items: item-kNN fit", "CPU s", fit))
    rows.append(("1,000,000 items: lists", "users per CPU s", 10_000 / lists))
    rows.append(("1,000,000 items: peak memory of the fit, all in", "GB", peak_fit))
    rows.append(("1,000,000 items: peak memory with the lists", "GB", peak))
    table = pd.DataFrame(rows, columns=["what", "unit", "value"])
    table["value"] = table["value"].map(lambda v: f"{v:,.0f}" if v >= 100 else f"{v:.3g}")
    RESULTS.parent.mkdir(exist_ok=True)
    table.to_csv(RESULTS, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
