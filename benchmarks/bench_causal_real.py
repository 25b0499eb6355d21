"""Claim: on real data with planted decoys the drivers are kept, and at most one decoy is.

Hourly bike hires, from the data set in the package, and the electricity load of New England
(``--data``, a folder with isone_load.parquet). Each has its own weather, and twelve decoys beside
it: three random walks, three weather series from another time of the year, three noisy copies of
the weather, and three noisy copies of the target one step ago, which the target moves and not the
other way round. All selectors see the same table: lags 0 and 1 of the weather and of the decoys,
lags of the target (1, 2, 3, 24, 25, 168 and 169 hours), and waves of the day and the week. LightGBM
then learns from what each kept, on the first 80 % of the hours, and is tested on the rest.

    python benchmarks/bench_causal_real.py [--data ../shared/data/forecast]

The table is also written to benchmarks/results/causal_real.csv.
"""

import argparse
import os
import warnings
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import numpy as np
import pandas as pd
from sklearn.linear_model import LassoCV
from sklearn.preprocessing import StandardScaler

from sklearn_tsrec.datasets import load_bike_sharing
from sklearn_tsrec.feature_selection import CausalFeatureSelector
from sklearn_tsrec.features import FourierFeatures, LagFeatures


def bikes():
    """Return the weather and the hires, the latest year, and which columns must be kept."""
    frame = load_bike_sharing().frame
    frame = frame.assign(time=pd.to_datetime(frame["time"])).set_index("time")
    frame = frame[~frame.index.duplicated()].asfreq("h").iloc[-8760:]
    weather = frame[["temperature", "humidity", "windspeed"]]
    return weather.ffill(), frame["hires"].ffill(), {"temperature", "humidity"}


def load(folder):
    """Return temperatures and the load of New England, the latest year."""
    frame = pd.read_parquet(folder / "isone_load.parquet").set_index("ds").sort_index().iloc[-8760:]
    weather = frame[["dry_bulb", "dew_point"]].rename(columns={"dry_bulb": "temperature"})
    return weather.astype(float).ffill(), frame["y"].ffill(), {"temperature"}


def with_decoys(weather, y, seed):
    """Return the weather and twelve decoys."""
    rng = np.random.default_rng(seed)
    n, names = len(y), list(weather.columns)
    out = weather.copy()
    for k in range(3):
        own = weather[names[k % len(names)]].to_numpy()
        out[f"walk{k}"] = np.cumsum(rng.normal(size=n))
        out[f"elsewhere{k}"] = np.roll(own, n // 4 + 500 * k)
        out[f"copy{k}"] = own + own.std() * rng.normal(size=n)
        out[f"child{k}"] = y.shift(1).bfill().to_numpy() + 0.3 * y.std() * rng.normal(size=n)
    return out


def table_of(columns, y):
    """Return the features of all columns, of the target and of the calendar."""
    parts = [
        LagFeatures([0, 1]).set_output(transform="pandas").fit_transform(columns),
        LagFeatures([1, 2, 3, 24, 25, 168, 169], target=True)
        .set_output(transform="pandas")
        .fit_transform(columns, y),
        FourierFeatures([24, 168], order=8).set_output(transform="pandas").fit_transform(columns),
    ]
    return pd.concat(parts, axis=1).iloc[169:], y.iloc[169:]


def lasso(X, y):
    return np.abs(LassoCV(cv=5).fit(StandardScaler().fit_transform(X), y).coef_) > 1e-8


def error(support, X, y, cut):
    """Return LightGBM's mean absolute error on the later hours."""
    from lightgbm import LGBMRegressor

    model = LGBMRegressor(
        n_estimators=300, learning_rate=0.05, num_threads=1, verbose=-1, random_state=0
    )
    X = X.loc[:, support].to_numpy()
    return np.abs(model.fit(X[:cut], y[:cut]).predict(X[cut:]) - y[cut:]).mean()


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of isone_load.parquet")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    tasks = {"bike hires": bikes()}
    if options.data:
        tasks["load of New England"] = load(options.data)
    methods = {
        "all columns": lambda X, y: np.ones(X.shape[1], dtype=bool),
        "LassoCV": lasso,
        "CausalFeatureSelector": lambda X, y: CausalFeatureSelector().fit(X, y).get_support(),
    }
    rows = []
    for task, (weather, y, must) in tasks.items():
        for seed in range(options.seeds):
            X, target = table_of(with_decoys(weather, y, seed), y)
            cut, values = int(0.8 * len(X)), target.to_numpy(dtype=float)
            drivers = np.array([name.split("__")[0] for name in X.columns])
            for name, method in methods.items():
                support = method(X.iloc[:cut], target.iloc[:cut])
                kept = set(drivers[support])
                decoys = kept - set(weather.columns) - {"y", X.index.name}
                rows.append(
                    {
                        "task": task, "method": name,
                        "drivers kept": f"{len(kept & must)} of {len(must)}",
                        "decoys kept (of 12)": len(decoys), "columns": int(support.sum()),
                        "LightGBM MAE": error(support, X, values, cut), "seed": seed,
                        "which": " ".join(sorted(decoys)),
                    }
                )  # fmt: skip
    table = pd.DataFrame(rows)
    print(table.round(2).to_string(index=False))
    results = Path(__file__).parent / "results"
    table.drop(columns="which").round(3).to_csv(results / "causal_real.csv", index=False)


if __name__ == "__main__":
    main()
