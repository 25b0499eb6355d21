"""Claim: acting on uplift is worth more than acting on the outcome, and a log shows how much.

Simulated logs of offers with known effects: offers go more often to those who buy anyway, and help
some and annoy others. The uplift policy offers where the predicted uplift is positive; the outcome
policy offers to the same number of people, those with the highest predicted outcome. Their true
values are known. Each log's second half then estimates the value of the uplift policy, and the
table counts how often the 95 % interval holds its true value among 200,000 other people.

    python benchmarks/bench_uplift.py [--runs 200]

The tables are also written to benchmarks/results/uplift.csv and uplift_coverage.csv.
"""

import argparse
import os
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from sklearn_tsrec.causal import UpliftRecommender
from sklearn_tsrec.metrics import policy_value


def simulate(n, seed):
    """Return a log, its outcomes, and the true outcomes without and with the offer."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    chance = 0.15 + 0.7 / (1 + np.exp(-x[:, 0] - 0.5 * x[:, 1]))
    offer = (rng.random(n) < chance).astype(int)
    without = 2 + 1.5 * x[:, 0] + 0.5 * x[:, 2]
    effect = 0.3 * x[:, 3] - 0.4 * x[:, 0] + 0.1
    y = without + offer * effect + rng.normal(size=n)
    X = pd.DataFrame(x, columns=[f"x{j}" for j in range(5)]).assign(offer=offer, chance=chance)
    return X, y, np.column_stack([without, without + effect])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=200)
    options = parser.parse_args()
    X_all, _, truth_all = simulate(200_000, 10**6)
    values, covered = [], []
    features = [f"x{j}" for j in range(5)]
    for seed in range(options.runs):
        X, y, truth = simulate(4_000, seed)
        half = len(y) // 2
        train, test = X.iloc[:half], X.iloc[half:]
        model = UpliftRecommender(treatment="offer", propensity="chance", clip=0.0)
        uplift = model.fit(train, y[:half]).predict(test)
        policy = uplift > 0
        arms = [
            LinearRegression().fit(
                train.loc[train["offer"] == arm, features], y[:half][train["offer"] == arm]
            )
            for arm in (0, 1)
        ]
        outcomes = np.column_stack([arm.predict(test[features]) for arm in arms])
        outcome = LinearRegression().fit(train[features], y[:half]).predict(test[features])
        by_outcome = np.argsort(np.argsort(-outcome)) < policy.sum()
        rows = np.arange(len(test))
        true = truth[half:]
        values.append(
            {
                "nobody": true[:, 0].mean(), "everybody": true[:, 1].mean(),
                "outcome policy": true[rows, by_outcome.astype(int)].mean(),
                "uplift policy": true[rows, policy.astype(int)].mean(),
                "best possible": true.max(axis=1).mean(),
            }
        )  # fmt: skip
        chosen = (model.predict(X_all) > 0).astype(int)
        target = truth_all[np.arange(len(chosen)), chosen].mean()
        for kind in ("ips", "snips", "dr"):
            found = policy_value(
                y[half:], policy, test["offer"], test["chance"], kind=kind, outcomes=outcomes,
                n_bootstraps=400, random_state=seed,
            )  # fmt: skip
            covered.append(
                {
                    "kind": kind,
                    "holds the truth": found["lower"] <= target <= found["upper"],
                    "width": found["upper"] - found["lower"],
                    "n_effective": found["n_effective"],
                }
            )
    values = pd.DataFrame(values)
    table = pd.DataFrame({"value": values.mean(), "se": values.sem()})
    gain = values["uplift policy"] - values["outcome policy"]
    print(table.round(4).to_string())
    print(f"uplift less outcome policy: {gain.mean():.4f} ± {gain.sem():.4f}\n")
    coverage = pd.DataFrame(covered).groupby("kind", sort=False).mean()
    print(coverage.round(3).to_string())
    results = Path(__file__).parent / "results"
    table.round(4).to_csv(results / "uplift.csv", index_label="policy")
    coverage.round(4).to_csv(results / "uplift_coverage.csv")


if __name__ == "__main__":
    main()
