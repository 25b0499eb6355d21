"""Claim: one global LightGBM, tuned on training data alone, beats the usual ways to use it.

Official hold-outs of the tourism and M1 competitions; mean over series of the MASE, scaled by the
seasonal naive error in training. Transform, window and regularisation are chosen by GridSearchCV
with PanelTimeSeriesSplit on the training part alone; the hold-out is read once, at the end. Series
of these competitions end at different times: steps are counted from the end of each, so that all
series are cut alike. "mean of four" averages four such forecasters, the best of each transform in
the same search: one forecaster picked from few folds is a noisy choice.

How the grid was chosen: on earlier cuts of the training parts, a horizon and up to a year before
their ends, of these three sets and of M1 quarterly and Australian tourism. There a logarithm and
"last_season" (levels seen, seasonal differences learned) led on most sets, absolute errors led
squared ones, windows of three or four seasons led shorter ones, and neither bagging nor extra trees
led plain small trees. The grid is the same for the three tasks. Other grids, and what they gave on
the hold-outs, stand in benchmarks/results/accuracy_attempts.md.

The peers are mlforecast and skforecast with a LightGBM, untuned, on as many lags as two seasons
hold: mlforecast on raw lags and on seasonal differences scaled by series, skforecast on series that
it scales. AutoTheta of statsforecast, one model a series, is context.

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
from functools import partial
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


def search(period, horizon):
    """Return the search for transform, window and regularisation in training."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import GridSearchCV
    from sklearn.preprocessing import FunctionTransformer

    from sklearn_tsrec.forecasting import WindowForecaster
    from sklearn_tsrec.metrics import mase_scorer
    from sklearn_tsrec.model_selection import PanelTimeSeriesSplit

    lightgbm = model(
        objective="l1", n_estimators=150, learning_rate=0.1, min_child_samples=50,
        colsample_bytree=0.5,
    )  # fmt: skip
    forecaster = WindowForecaster(lightgbm, period=period, columns=[], freq=1, **KEYS)
    sizes = {
        "regressor__window": [3 * period, 4 * period],
        "regressor__estimator__num_leaves": [8, 24],
    }
    log = FunctionTransformer(np.log1p, np.expm1)
    grid = [
        sizes | {"transformer": [transformer], "regressor__target_transform": [transform]}
        for transformer, transform in (
            (log, ["last_season"]),
            (log, ["last"]),
            (None, ["last_season", "scale"]),
            (None, ["seasonal", "scale"]),
        )
    ]
    return GridSearchCV(
        TransformedTargetRegressor(forecaster, check_inverse=False),
        grid,
        scoring=mase_scorer(period=period),
        cv=PanelTimeSeriesSplit(3, horizon=horizon, step=period // 2, freq=1, **KEYS),
    )


def describe(params):
    """Return what was chosen, in words."""
    log = [] if params["transformer"] is None else ["log"]
    return (
        f"{' '.join(log + params['regressor__target_transform'])}, window "
        f"{params['regressor__window']}, {params['regressor__estimator__num_leaves']} leaves"
    )


def ours(train, test, period, horizon):
    """Return forecasts, and what was chosen, of the best forecaster and of the mean of four."""
    from sklearn.base import clone
    from sklearn.ensemble import VotingRegressor

    y = train["y"].to_numpy()
    tuned = search(period, horizon).fit(train, y)
    table = pd.DataFrame(tuned.cv_results_)
    table["transform"] = [describe(params).split(",")[0] for params in table["params"]]
    best = table.loc[table.groupby("transform")["mean_test_score"].idxmax()]
    print(best[["transform", "mean_test_score"]].to_string(index=False), flush=True)
    members = [
        (params["transform"], clone(tuned.estimator).set_params(**params["params"]))
        for _, params in best.iterrows()
    ]
    mean = VotingRegressor(members).fit(train, y)
    return {
        "ours, tuned in training": (tuned.predict(test), describe(tuned.best_params_)),
        "ours, mean of four": (mean.predict(test), "; ".join(map(describe, best["params"]))),
    }


def mlforecast(train, horizon, period, scaled):
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


def skforecast(train, horizon, period):
    """Return forecasts of skforecast, on series that it scales."""
    from skforecast.recursive import ForecasterRecursiveMultiSeries
    from sklearn.preprocessing import StandardScaler

    # It takes integer times that end together only as a range, which starts at 0.
    first = train["step"].min()
    series = {
        name: pd.Series(rows["y"].to_numpy(), pd.RangeIndex(rows["step"].min() - first, -first))
        for name, rows in train.groupby("unique_id")
    }
    tool = ForecasterRecursiveMultiSeries(
        model(), lags=2 * period, transformer_series=StandardScaler(), dropna_from_series=True
    )
    tool.fit(series, suppress_warnings=True)
    table = tool.predict(horizon, suppress_warnings=True).reset_index(names="step")
    table["step"] += first
    return table.rename(columns={"level": "unique_id", "pred": "y_pred"})


def theta(train, horizon, period):
    """Return forecasts of statsforecast's AutoTheta, fitted to each series."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoTheta

    tool = StatsForecast([AutoTheta(season_length=period, alias="y_pred")], freq=1)
    return tool.forecast(df=train, h=horizon, id_col="unique_id", time_col="step")


PEERS = {
    "mlforecast, raw lags": partial(mlforecast, scaled=False),
    "mlforecast, scaled": partial(mlforecast, scaled=True),
    "skforecast, scaled": skforecast,
    "AutoTheta": theta,
}


def mase(train, test, forecast, period):
    """Return the mean over series of the mean absolute scaled error, and its standard error."""
    train, test = train.set_index(["unique_id", "step"])["y"], test.set_index(["unique_id", "step"])
    naive = train.groupby(level=0).diff(period).abs().groupby(level=0).mean()
    error = (test["y"] - forecast).abs().groupby(level=0).mean()
    scaled = (error / naive)[naive > 0]
    return scaled.mean(), scaled.std() / np.sqrt(len(scaled))


def rows_of(task, data, peers):
    """Return the rows of a task's table, printing each as it comes."""
    period, horizon = TASKS[task]
    train, test = read(data / f"{task}.parquet")
    index = pd.MultiIndex.from_frame(test[["unique_id", "step"]])
    rows = []

    def report(name, forecast, chosen=None):
        value, error = mase(train, test, forecast, period)
        print(f"  {name:26}{value:8.3f} ± {error:.3f}  {chosen or ''}", flush=True)
        row = {"task": task, "tool": name, "mase": value, "se": error, "chosen": chosen}
        rows.append(row)

    print(f"\n{task}: {train['unique_id'].nunique()} series, {horizon} steps", flush=True)
    last = train.set_index(["unique_id", "step"])["y"]
    season = [(g, s % period - period) for g, s in index]
    report("seasonal naive", pd.Series(last.reindex(season).to_numpy(), index))
    start = time.process_time()
    for name, (values, chosen) in ours(train, test, period, horizon).items():
        report(name, pd.Series(values, index), chosen)
    print(f"  ours took {time.process_time() - start:.0f} CPU s", flush=True)
    for name in PEERS if peers else ():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "train.parquet"
            train[["unique_id", "step", "y"]].to_parquet(path)
            command = [peers, __file__, "--data", folder, "--serve", path]
            subprocess.run([*command, str(horizon), str(period), name], check=True)
            table = pd.read_parquet(path)
        report(name, table.set_index(["unique_id", "step"])["y_pred"])
    return rows


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--peers", help="a Python with mlforecast, skforecast and statsforecast")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), help="which")
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        path, horizon, period, name = options.serve
        train = pd.read_parquet(path)
        PEERS[name](train, int(horizon), int(period)).to_parquet(path)
        return
    results = Path(__file__).parent / "results" / "accuracy.csv"
    results.parent.mkdir(exist_ok=True)
    for task in options.tasks:
        table = pd.DataFrame(rows_of(task, options.data, options.peers)).round(4)
        if results.exists():  # keep the other tasks, so that a long run can be taken up again
            old = pd.read_csv(results)
            table = pd.concat([old[old["task"] != task], table])
        table.to_csv(results, index=False)


if __name__ == "__main__":
    sys.exit(main())
