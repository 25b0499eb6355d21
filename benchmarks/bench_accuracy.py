"""Claim: one global LightGBM, tuned on training data alone, beats the usual ways to use it.

Official hold-outs of the tourism and M1 competitions; mean over series of the MASE, scaled by the
seasonal naive error in training. Transform, window and regularisation are chosen by GridSearchCV
with PanelTimeSeriesSplit on the training part alone; the hold-out is read once, at the end. Series
of these competitions end at different times: steps are counted from the end of each, so that all
series are cut alike. "mean of four" averages four such forecasters, and only their sizes are
searched: one forecaster picked from few folds is a noisy choice. The peers are mlforecast with the
same LightGBM, on raw lags and on seasonal differences scaled by series.

    python benchmarks/bench_accuracy.py --data ../shared/data/forecast [--peers PYTHON]

The table is also written to benchmarks/results/accuracy.csv.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}

import numpy as np
import pandas as pd

# file: period, horizon
TASKS = {"tourism_monthly": (12, 24), "tourism_quarterly": (4, 8), "m1_monthly": (12, 18)}
KEYS = {"group": "unique_id", "time": "step"}


def model(**options):
    """Return the LightGBM that all tools fit."""
    from lightgbm import LGBMRegressor

    options = {"n_estimators": 300, "learning_rate": 0.03} | options
    return LGBMRegressor(num_threads=1, random_state=0, verbose=-1, **options)


def read(path):
    """Return training and test rows with a step that counts to the end of training."""
    table = pd.read_parquet(path).sort_values(["unique_id", "ds"], kind="stable")
    table["is_test"] = table["is_test"].astype(bool)
    length = (~table["is_test"]).groupby(table["unique_id"]).transform("sum")
    table["step"] = table.groupby("unique_id").cumcount() - length
    table["unique_id"] = table["unique_id"].astype(str)
    table = table[["unique_id", "step", "y", "is_test"]].reset_index(drop=True)
    return table[~table["is_test"]], table[table["is_test"]]


def ours(train, test, period, horizon):
    """Return forecasts of the forecaster that GridSearchCV chooses, and what it chose."""
    from sklearn.model_selection import GridSearchCV

    from sklearn_tsrec.forecasting import WindowForecaster
    from sklearn_tsrec.metrics import mase_scorer
    from sklearn_tsrec.model_selection import PanelTimeSeriesSplit

    forecaster = WindowForecaster(model(), period=period, columns=[], freq=1, **KEYS)
    grid = {
        "target_transform": [["seasonal", "scale"], ["scale", "last"]],
        "window": [period, 2 * period],
        "estimator__objective": ["l1", "l2"],
        "estimator__num_leaves": [8, 31],
    }
    cv = PanelTimeSeriesSplit(2, horizon=horizon, freq=1, **KEYS)
    search = GridSearchCV(forecaster, grid, scoring=mase_scorer(period=period), cv=cv)
    search.fit(train, train["y"].to_numpy())
    return search.predict(test), search.best_params_


def ours_mean(train, test, period, horizon):
    """Return forecasts of the mean of four forecasters, of sizes that GridSearchCV chooses.

    The four make the target relative to its last season or its last value, with and without a
    logarithm around; they were chosen in training as well.
    """
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import VotingRegressor
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    from sklearn_tsrec.forecasting import WindowForecaster
    from sklearn_tsrec.metrics import mase_scorer
    from sklearn_tsrec.model_selection import PanelTimeSeriesSplit

    def four(window, leaves):
        lightgbm = model(
            objective="l1", learning_rate=0.05, num_leaves=leaves, min_child_samples=50,
            colsample_bytree=0.5,
        )  # fmt: skip
        members = []
        for transform in (["seasonal", "scale"], ["last", "scale"]):
            forecaster = WindowForecaster(
                lightgbm, window=window, target_transform=transform, period=period, columns=[],
                freq=1, **KEYS,
            )  # fmt: skip
            for log in ({}, {"func": np.log1p, "inverse_func": np.expm1}):
                member = TransformedTargetRegressor(forecaster, check_inverse=False, **log)
                members.append((f"{transform[0]} {len(members)}", member))
        return VotingRegressor(members)

    sizes = [(seasons * period, leaves) for seasons in (2, 3) for leaves in (8, 24)]
    candidates = [four(*size) for size in sizes]
    cv = PanelTimeSeriesSplit(2, horizon=horizon, step=period // 2, freq=1, **KEYS)
    search = GridSearchCV(
        Pipeline([("model", candidates[0])]),
        {"model": candidates},
        scoring=mase_scorer(period=period),
        cv=cv,
    )
    search.fit(train, train["y"].to_numpy())
    window, leaves = sizes[search.best_index_]
    return search.predict(test), {"window": window, "num_leaves": leaves}


def peer(train, horizon, period, scaled):
    """Return forecasts of mlforecast, on raw lags or on scaled seasonal differences."""
    from mlforecast import MLForecast
    from mlforecast.target_transforms import Differences, LocalStandardScaler

    transforms = [Differences([period]), LocalStandardScaler()] if scaled else None
    tool = MLForecast(
        models={"y_pred": model()}, freq=1, lags=range(1, 2 * period + 1),
        target_transforms=transforms, num_threads=1,
    )  # fmt: skip
    tool.fit(train, id_col="unique_id", time_col="step", static_features=[])
    return tool.predict(horizon)


def mase(train, test, forecast, period):
    """Return the mean over series of the mean absolute scaled error, and its standard error."""
    train, test = train.set_index(["unique_id", "step"])["y"], test.set_index(["unique_id", "step"])
    naive = train.groupby(level=0).diff(period).abs().groupby(level=0).mean()
    error = (test["y"] - forecast).abs().groupby(level=0).mean()
    scaled = (error / naive)[naive > 0]
    return scaled.mean(), scaled.std() / np.sqrt(len(scaled))


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--peers", help="a Python with mlforecast installed")
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        path, horizon, period, scaled = options.serve
        train = pd.read_parquet(path)
        peer(train, int(horizon), int(period), scaled == "1").to_parquet(path)
        return
    rows = []
    for task, (period, horizon) in TASKS.items():
        train, test = read(options.data / f"{task}.parquet")
        index = pd.MultiIndex.from_frame(test[["unique_id", "step"]])
        last = train.set_index(["unique_id", "step"])["y"]
        season = [(g, s % period - period) for g, s in index]
        forecasts = {"seasonal naive": pd.Series(last.reindex(season).to_numpy(), index)}
        for name, scaled in (("mlforecast, raw lags", "0"), ("mlforecast, scaled", "1")):
            if options.peers:
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "train.parquet"
                    train[["unique_id", "step", "y"]].to_parquet(path)
                    command = [options.peers, __file__, "--data", folder, "--serve", path]
                    subprocess.run([*command, str(horizon), str(period), scaled], check=True)
                    table = pd.read_parquet(path)
                forecasts[name] = table.set_index(["unique_id", "step"])["y_pred"]
        chosen = {}
        for name, tune in (("tuned in training", ours), ("mean of four", ours_mean)):
            start = time.process_time()
            values, chosen[f"ours, {name}"] = tune(train, test, period, horizon)
            seconds = time.process_time() - start
            print(f"{name}: {chosen[f'ours, {name}']} in {seconds:.0f} CPU s", flush=True)
            forecasts[f"ours, {name}"] = pd.Series(values, index)
        print(f"\n{task}: {train['unique_id'].nunique()} series, {horizon} steps")
        for name, forecast in forecasts.items():
            value, error = mase(train, test, forecast, period)
            print(f"  {name:26}{value:8.3f} ± {error:.3f}", flush=True)
            row = {"task": task, "tool": name, "mase": value, "se": error}
            rows.append(row | {"chosen": str(chosen[name]) if name in chosen else None})
        results = Path(__file__).parent / "results"
        results.mkdir(exist_ok=True)
        pd.DataFrame(rows).round(4).to_csv(results / "accuracy.csv", index=False)


if __name__ == "__main__":
    sys.exit(main())
