"""Claim: 100,000 users × top-10 are evaluated in every respect in less than one CPU second.

Lists, 5 test events and 20 training events for each user, 20,000 items with a long tail. CPU time
is ``time.process_time``, the median of five calls after one that is not counted, each tool in a
process of its own on one thread, from tables already in memory. RecTools is asked for the same
figures, as far as it has them (no standard errors, no Gini index; coverage as a count), from the
tables that it wants; its intra-list diversity gets the distances of items by one label.

    python benchmarks/bench_evaluation.py [--peer PYTHON]

``--peer`` names a Python that has RecTools.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

K, N_ITEMS = 10, 20_000
RESULTS = Path(__file__).parent / "results" / "evaluation.csv"


def tables(n_users, text):
    """Return lists, test events, training events and the label of each item."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, N_ITEMS + 1) ** 0.8
    share /= share.sum()
    users, items = np.arange(n_users), np.arange(N_ITEMS)
    if text:
        users, items = (np.array([f"{x:08d}" for x in labels]) for labels in (users, items))

    def draw(each, **columns):
        code = rng.choice(N_ITEMS, n_users * each, p=share)
        code += np.tile(np.arange(each), n_users) * 997  # hardly any item twice in a list
        columns = {"user": np.repeat(users, each), "item": items[code % N_ITEMS]} | columns
        return pd.DataFrame(columns)

    rank = np.tile(np.arange(1, K + 1), n_users)
    lists = draw(K, rank=rank, score=1 / rank)
    label = pd.DataFrame({"label": rng.integers(0, 50, N_ITEMS).astype(str)}, index=items)
    return lists, draw(5), draw(20), label


def ours(lists, test, train, label, features):
    """Return a call that measures all there is."""
    from sklearn_tsrec.metrics import evaluate_recommender

    test, train = (t.assign(time=0).set_index(["user", "time"])["item"] for t in (test, train))
    X = test.to_frame()[[]]
    options = {"item_features": label, "attribute": "label"} if features else {}
    return lambda: evaluate_recommender(lists, X, test, y_train=train, k=K, **options)


def rectools(lists, test, train, label, features):
    """Return a call that measures what RecTools has."""
    from rectools import metrics as m
    from rectools.metrics.distances import PairwiseHammingDistanceCalculator

    names = {"user": "user_id", "item": "item_id"}
    lists, test, train = (t.rename(columns=names) for t in (lists, test, train))
    wanted = {
        "ndcg": m.NDCG(K, divide_by_achievable=True), "recall": m.Recall(K), "map": m.MAP(K),
        "precision": m.Precision(K),
        "mrr": m.MRR(K), "hit_rate": m.HitRate(K), "coverage": m.CatalogCoverage(K),
        "novelty": m.MeanInvUserFreq(K), "popularity": m.AvgRecPopularity(K),
    }  # fmt: skip
    if features:
        distance = PairwiseHammingDistanceCalculator(label.astype(float))
        wanted["diversity"] = m.IntraListDiversity(K, distance)
    catalog = label.index.to_numpy()
    return lambda: m.calc_metrics(wanted, lists, test, train, catalog=catalog)


TOOLS = {"ours": ours, "RecTools": rectools}


def serve(tool, n_users, text, features):
    """Print the CPU seconds of five calls and what the last one found."""
    call = TOOLS[tool](*tables(n_users, text), features)
    call()
    seconds = []
    for _ in range(5):
        start = time.process_time()
        found = call()
        seconds.append(time.process_time() - start)
    if tool == "ours":
        found = found.set_index("metric")["value"]
    print(json.dumps({"seconds": median(seconds), "ndcg": found["ndcg"]}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer", help="a Python with RecTools installed")
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        tool, *numbers = arguments.serve
        return serve(tool, *map(int, numbers))
    rows = []
    for n_users, text in ((10_000, 0), (100_000, 0), (100_000, 1)):
        for features in (0, 1):
            for tool in TOOLS if arguments.peer else ["ours"]:
                python = sys.executable if tool == "ours" else arguments.peer
                case = [tool, str(n_users), str(text), str(features)]
                done = subprocess.run(
                    [python, __file__, "--serve", *case], capture_output=True, text=True, check=True
                )
                found = json.loads(done.stdout.splitlines()[-1])
                labels = "text" if text else "integers"
                rows.append([tool, n_users, labels, "yes" if features else "no", *found.values()])
    import pandas as pd

    columns = ["tool", "users", "labels", "item features", "CPU seconds", "NDCG@10"]
    table = pd.DataFrame(rows, columns=columns).round(4)
    print(table.to_string(index=False))
    RESULTS.parent.mkdir(exist_ok=True)
    table.to_csv(RESULTS, index=False)
    return None


if __name__ == "__main__":
    main()
