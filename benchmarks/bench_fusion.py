"""Claim: the fusion of forecasters is as good as the best of them, which nobody knows beforehand.

Twelve panels, yearly to hourly; steps are counted from the end of each series. Members: seasonal
naive, Theta and ETS (AutoTheta and AutoETS of statsforecast, one model a series), a linear model
and two LightGBM on windows, one of which learns from scaled series and one from their logarithms,
the checkpoint as it is and fine-tuned. Those that learn from many series learn from all of a panel,
at most 400; forecasts are compared on at most 100. Members are fitted at cuts a horizon apart. The
transforms of the linear model and of the LightGBM are chosen before the earliest cut. The last
block is the test, and in long panels of few series the blocks before it as well; the stack learns
weights from the blocks before each. Errors are MASE over that of the seasonal naive forecast.

Every rule was chosen with ``--cut dev``, where the block before all test blocks plays the test,
and nothing of the test is read. AutoGluon-TS (a venv of its own) is given the compared series of
panels with one test block, and fuses its seasonal naive, AutoETS, dynamic Theta and two LightGBM.

    python benchmarks/bench_fusion.py --data ../shared/data/forecast --peers PYTHON --keep FOLDER
        [--autogluon PYTHON] [--panels NAME ...] [--cut dev]

--keep stores the forecasts of each member for each panel, so that a long run can be taken up again;
delete ``*.net.parquet`` and ``*.tuned net.parquet`` after a new checkpoint. The table is also
written to benchmarks/results/fusion.csv.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

# name: period, horizon, window of the regressors, most values of a series, test blocks, folds
PANELS = {
    "m1_yearly": (1, 6, 6, 200, 1, 2),
    "tourism_yearly": (1, 4, 4, 200, 1, 2),
    "m1_quarterly": (4, 8, 8, 200, 1, 2),
    "tourism_quarterly": (4, 8, 12, 200, 1, 3),
    "australia_tourism": (4, 8, 12, 200, 1, 3),
    "m1_monthly": (12, 18, 24, 300, 1, 2),
    "tourism_monthly": (12, 24, 36, 400, 1, 3),
    "aus_retail": (12, 12, 36, 240, 1, 3),
    "m4_weekly": (52, 13, 26, 300, 1, 3),
    "walmart_store_sales": (52, 8, 13, 200, 1, 2),
    "us_births_states": (7, 14, 28, 400, 3, 3),
    "etth1": (24, 24, 48, 600, 5, 3),
}
N_LEARN = 400
N_SERIES = 100
N_SEEN = 30  # on whose ends rules were once compared: left out where there are others enough
KEYS = {"group": "unique_id", "time": "step"}
PEERS = ("Theta", "ETS")
MEMBERS = (
    "naive", "Theta", "ETS", "linear", "LightGBM", "LightGBM log", "net", "tuned net"
)  # fmt: skip
SETTINGS = {
    "fusion": {},
    "mean": {"weights": "equal"},
    "median": {"weights": "median"},
    "nnls": {"weights": "nnls"},
    "greedy": {"weights": "greedy"},
    "online": {"weights": "online"},
    "per horizon": {"per": "horizon"},
    "per series": {"per": "group"},
}


def n_cuts(panel):
    """Return how many blocks are forecast: those of the test, that of ``--cut dev``, and folds."""
    *_, blocks, folds = PANELS[panel]
    return blocks + 1 + folds


def read(folder, panel):
    """Return the series of a panel, with steps that count to their ends, and those to compare."""
    _, horizon, _, most, *_ = PANELS[panel]
    table = pd.read_parquet(folder / f"{panel}.parquet", columns=["unique_id", "ds", "y"])
    table = table.dropna(subset="y").sort_values(["unique_id", "ds"], kind="stable")
    table["unique_id"] = table["unique_id"].astype(str)
    length = table.groupby("unique_id").size()
    names = length.index[length >= 2 * horizon + 4]
    names = names[np.random.default_rng(0).permutation(len(names))]
    compared = names[N_SEEN:] if len(names) >= N_SEEN + N_SERIES else names
    table = table[table["unique_id"].isin(names[:N_LEARN])]
    table["step"] = -table.groupby("unique_id").cumcount(ascending=False) - 1
    table = table.loc[table["step"] >= -most, ["unique_id", "step", "y"]]
    return table.reset_index(drop=True), compared[:N_SERIES]


def parts(table, horizon, cut):
    """Return the rows before a cut, and those of the horizon after it."""
    end = -(cut + 1) * horizon
    after = (table["step"] >= end) & (table["step"] < end + horizon)
    train = table[table["step"] < end]
    return train, table[after & table["unique_id"].isin(train["unique_id"])]


def tuned(forecaster, grid, early, period, horizon):
    """Return a forecaster with the transforms that are best before all cuts."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import GridSearchCV

    from sklearn_tsrec import PanelTimeSeriesSplit
    from sklearn_tsrec.metrics import mase_scorer

    search = GridSearchCV(
        TransformedTargetRegressor(forecaster, check_inverse=False),
        [{"regressor__target_transform": [names], "transformer": [how]} for names, how in grid],
        scoring=mase_scorer(period=period),
        cv=PanelTimeSeriesSplit(1, horizon=horizon, freq=1, **KEYS),
        refit=False,
    )
    try:
        best = search.fit(early, early["y"].to_numpy()).cv_results_["rank_test_score"].argmin()
    except ValueError:  # too short for a choice before all cuts
        best = 0
    names, how = grid[best]
    print("  ", "log" if how else "", names, flush=True)
    return search.estimator.set_params(regressor__target_transform=names, transformer=how)


def member(name, panel, early):
    """Return a member of ours; what is to be chosen is chosen on rows before all cuts."""
    import torch
    from lightgbm import LGBMRegressor
    from sklearn.linear_model import Ridge

    from sklearn_tsrec import PatchTransformerRegressor, WindowForecaster

    torch.set_num_threads(1)
    period, horizon, window, *_ = PANELS[panel]
    shared = {"columns": [], "freq": 1, **KEYS}
    if name.endswith("net"):
        longest = int(early.groupby("unique_id").size().max())
        how = {"finetune": "lora", "random_state": 0} if name == "tuned net" else {}
        return WindowForecaster(
            PatchTransformerRegressor(period=period, **how),
            window=min(512, longest - horizon), horizon=horizon, **shared,
        )  # fmt: skip
    boosted = LGBMRegressor(
        objective="l1", n_estimators=150, learning_rate=0.1, num_leaves=8, min_child_samples=20,
        colsample_bytree=0.5, num_threads=1, random_state=0, verbose=-1,
    )  # fmt: skip
    learner = Ridge() if name == "linear" else boosted
    scaled = [(["last", "scale"], None)]
    logs = [(["last"], signed_log())]
    if period > 1:
        scaled = [(["last_season", "scale"], None), (["seasonal", "scale"], None), *scaled]
        logs = [(["last_season"], signed_log()), *logs]
    grid = {"linear": scaled + logs, "LightGBM": scaled, "LightGBM log": logs}[name]
    forecaster = WindowForecaster(learner, window=window, period=period, **shared)
    return tuned(forecaster, grid, early, period, horizon)


def signed_log():
    """Return the logarithm of sizes, with their sign."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(
        lambda y: np.sign(y) * np.log1p(np.abs(y)), lambda z: np.sign(z) * np.expm1(np.abs(z))
    )


def naive(train, test, period):
    """Return the last season, repeated."""
    past = {name: rows["y"].to_numpy() for name, rows in train.groupby("unique_id")}
    first = test.groupby("unique_id")["step"].transform("min")
    out = []
    for name, ahead in zip(test["unique_id"], test["step"] - first):
        values = past[name]
        season = min(period, len(values))
        out.append(values[len(values) - season + ahead % season])
    return np.array(out)


def serve(path, period, horizon):
    """Put the forecasts of statsforecast in the place of the histories."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS, AutoTheta, SeasonalNaive

    tool = StatsForecast(
        [AutoTheta(period, alias="Theta"), AutoETS(period, alias="ETS")],
        freq=1, n_jobs=1, fallback_model=SeasonalNaive(period, alias="naive"),
    )  # fmt: skip
    train = pd.read_parquet(path)
    tool.forecast(df=train, h=horizon, id_col="unique_id", time_col="step").to_parquet(path)


def serve_autogluon(path, period, horizon):
    """Put the forecasts of the weighted ensemble of AutoGluon in the place of the histories."""
    from autogluon.timeseries import TimeSeriesDataFrame, TimeSeriesPredictor

    # Its daily steps stand for steps of any length: it takes no numbers for times.
    table = pd.read_parquet(path).astype({"unique_id": str})
    table["step"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(table["step"], unit="D")
    names = {"id_column": "unique_id", "timestamp_column": "step"}
    season = {"seasonal_period": period}
    models = {
        "SeasonalNaive": season, "AutoETS": season, "DynamicOptimizedTheta": season,
        "RecursiveTabular": {}, "DirectTabular": {},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        predictor = TimeSeriesPredictor(
            prediction_length=horizon, freq="D", target="y", eval_metric="MASE", path=folder,
            eval_metric_seasonal_period=period, verbosity=0,
        )  # fmt: skip
        data = TimeSeriesDataFrame.from_data_frame(table, **names)
        predictor.fit(data, hyperparameters=models, num_val_windows=2)
        found = predictor.predict(data)["mean"].rename("AutoGluon").reset_index()
    found["step"] = (found["timestamp"] - pd.Timestamp("2020-01-01")).dt.days
    found = found.rename(columns={"item_id": "unique_id"})
    found[["unique_id", "step", "AutoGluon"]].to_parquet(path)


def served(table, panel, python, tool):
    """Return the forecasts of another tool, in a process and with a Python of its own."""
    period, horizon, *_ = PANELS[panel]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        table.to_parquet(path)
        what = [tool, path, str(period), str(horizon)]
        subprocess.run([python, __file__, "--data", folder, "--serve", *what], check=True)
        return pd.read_parquet(path)


def peers_of(table, compared, panel, python):
    """Return the forecasts of statsforecast at all cuts, in one process."""
    horizon = PANELS[panel][1]
    table = table[table["unique_id"].isin(compared)]
    trains = {cut: parts(table, horizon, cut)[0] for cut in range(n_cuts(panel))}
    all_cuts = pd.concat([t.assign(unique_id=f"{c}|" + t["unique_id"]) for c, t in trains.items()])
    found = served(all_cuts, panel, python, "statsforecast")
    found[["cut", "unique_id"]] = found.pop("unique_id").str.split("|", n=1, expand=True)
    return found.astype({"cut": int})


def autogluon_of(panel, options):
    """Return the MASE of AutoGluon on panels of one test block, else NaN."""
    period, horizon, *_, blocks, _ = PANELS[panel]
    path = options.keep / f"{panel}.AutoGluon.parquet"
    if options.cut == "dev" or blocks > 1 or not (options.autogluon or path.exists()):
        return np.nan
    table, compared = read(options.data, panel)
    past, test = parts(table[table["unique_id"].isin(compared)], horizon, 0)
    if not path.exists():
        served(past, panel, options.autogluon, "autogluon").to_parquet(path)
    test = test.merge(pd.read_parquet(path), on=["unique_id", "step"], how="left")
    test["naive"] = naive(past, test, period)
    return scaled_errors(test, past, period, ["AutoGluon"])["AutoGluon"].mean()


def forecasts(panel, options):
    """Return the forecast of each member for each row after each cut, from the store if there."""
    period, horizon, *_ = PANELS[panel]
    table, compared = read(options.data, panel)
    cuts = [parts(table, horizon, cut) for cut in range(n_cuts(panel))]
    tests = [test[test["unique_id"].isin(compared)] for _, test in cuts]
    rows = pd.concat([test.assign(cut=c) for c, test in enumerate(tests)], ignore_index=True)
    options.keep.mkdir(exist_ok=True, parents=True)
    path = options.keep / f"{panel}.peers.parquet"
    if not path.exists():
        peers_of(table, compared, panel, options.peers).to_parquet(path)
    rows = rows.merge(pd.read_parquet(path), on=["unique_id", "step", "cut"], how="left")
    rows["naive"] = np.concatenate(
        [naive(train, test, period) for (train, _), test in zip(cuts, tests)]
    )
    for name in set(MEMBERS) - {"naive", *PEERS}:
        path = options.keep / f"{panel}.{name}.parquet"
        if not path.exists():
            start, found = time.process_time(), []
            model = member(name, panel, cuts[-1][0])
            for cut, ((train, _), test) in enumerate(zip(cuts, tests)):
                try:
                    model.fit(train, train["y"].to_numpy())
                    found.append(model.predict(test))
                except ValueError as error:  # too few rows to learn from: a member that fails
                    print(f"  {name} at cut {cut}: {error}"[:160], flush=True)
                    found.append(np.full(len(test), np.nan))
            pd.DataFrame({name: np.concatenate(found)}).to_parquet(path)
            print(f"  {name}: {time.process_time() - start:.1f} CPU s", flush=True)
        rows[name] = pd.read_parquet(path)[name]
    return rows


class Stored(RegressorMixin, BaseEstimator):
    """A member whose forecasts are read from the store, those of the cut it is fitted at."""

    def __init__(self, column=None):
        self.column = column

    def fit(self, X, y):
        self.end_ = X["step"].max() + 1
        return self

    def predict(self, X):
        # Rows before the first cut were never forecast, and nobody asks for them here.
        return X[self.column].to_numpy()


def scaled_errors(rows, past, period, columns):
    """Return the MASE of each series and column; where a member has no forecast, the naive one."""
    scale = past.groupby("unique_id")["y"].agg(lambda y: y.diff(period).abs().mean())
    found = rows[columns].apply(lambda column: column.fillna(rows["naive"]))
    error = found.sub(rows["y"], axis=0).abs().groupby(rows["unique_id"]).mean()
    return error.div(scale[scale > 0], axis=0).dropna(how="all")


def fuse(panel, table, block, options):
    """Return the errors of members and of ways to fuse them in one block, and what was used."""
    from sklearn_tsrec import PanelTimeSeriesSplit
    from sklearn_tsrec.ensemble import TemporalStackingRegressor

    period, horizon, *_, n_folds = PANELS[panel]
    values, compared = read(options.data, panel)
    past, _ = parts(values[values["unique_id"].isin(compared)], horizon, block)
    test = table[table["cut"] == block].copy()
    folds = [table[table["cut"] == block + 1 + fold] for fold in range(n_folds)]
    held = pd.concat([scaled_errors(rows, past, period, list(MEMBERS)) for rows in folds])
    chosen = held.mean().idxmin()
    train = past.merge(pd.concat(folds)[["unique_id", "step", *MEMBERS]], how="left")
    members = [(name, Stored(name)) for name in MEMBERS]
    cv = PanelTimeSeriesSplit(n_folds, horizon=horizon)
    for name, settings in SETTINGS.items():
        stack = TemporalStackingRegressor(members, cv=cv, **settings, freq=1, **KEYS)
        begin = time.process_time()
        stack.fit(train.drop(columns="y"), train["y"].to_numpy())
        test[name] = stack.predict(test[["unique_id", "step", *MEMBERS]])
        if name == "fusion":
            spent, weights = time.process_time() - begin, stack.weights_["all"].round(2).to_dict()
    result = scaled_errors(test, past, period, [*MEMBERS, *SETTINGS]).mean()
    print(f"  chosen {chosen}, {weights}, stack {spent:.2f} s", flush=True)
    return {**result, "chosen": result[chosen], "chosen_name": chosen, "stack_s": spent}


def compare(panel, options):
    """Return the row of a panel: means over the blocks that are forecast."""
    *_, blocks, _ = PANELS[panel]
    asked = [blocks] if options.cut == "dev" else range(blocks)
    table = forecasts(panel, options)
    found = pd.DataFrame([fuse(panel, table, block, options) for block in asked])
    names = found.pop("chosen_name")
    row = found.mean()
    best = row[list(MEMBERS)].idxmin()
    row["AutoGluon"] = autogluon_of(panel, options)
    about = {"best_name": best, "chosen_name": ", ".join(names.unique()), "blocks": len(found)}
    return {"panel": panel, "best": row[best], **row, **about}


def report(table):
    """Print errors over those of the best member in hindsight, and what is claimed."""
    beside = table.columns.intersection(["AutoGluon"])
    ratio = table[[*MEMBERS, "chosen", *SETTINGS, *beside]].div(table["best"], axis=0)
    ratio.index = table["panel"]
    print(ratio.round(3).to_string())
    print("geometric mean:", np.exp(np.log(ratio).mean()).round(4).to_dict())
    for name in SETTINGS:
        gain = 1 - np.exp(np.log(table[name] / table["chosen"]).mean())
        wins = int((table[name] < table["chosen"]).sum())
        near = int((ratio[name] <= 1.01).sum())
        print(
            f"  {name:12} {100 * gain:+.1f} % over the chosen member, better on {wins} of "
            f"{len(table)}; within 1 % of the best in hindsight on {near}, at worst "
            f"{ratio[name].max():.3f}"
        )


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--peers", help="a Python with statsforecast")
    parser.add_argument("--keep", type=Path, help="folder for the forecasts of the members")
    parser.add_argument("--panels", nargs="+", choices=PANELS, default=list(PANELS))
    parser.add_argument("--cut", choices=["test", "dev"], default="test")
    parser.add_argument("--autogluon", help="a Python with autogluon.timeseries")
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        tool, path, period, horizon = options.serve
        tool = {"statsforecast": serve, "autogluon": serve_autogluon}[tool]
        return tool(path, int(period), int(horizon))
    rows = []
    for panel in options.panels:
        print(panel, flush=True)
        rows.append(compare(panel, options))
    table = pd.DataFrame(rows).dropna(axis=1, how="all")
    report(table)
    if options.cut == "test":
        results = Path(__file__).parent / "results" / "fusion.csv"
        table.round(4).to_csv(results, index=False)


if __name__ == "__main__":
    sys.exit(main())
