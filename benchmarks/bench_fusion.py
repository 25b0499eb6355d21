"""Claim: the fusion of forecasters is as good as the best of them, which nobody knows beforehand.

Eleven panels, yearly to hourly, at most 30 series each; steps are counted from the end of each
series. Members: seasonal naive, Theta and ETS (AutoTheta and AutoETS of statsforecast, one model a
series), a linear model and a LightGBM on windows, the checkpoint as it is and fine-tuned. Each is
fitted at four cuts, a horizon apart; the last horizon is the test. Transforms and window of the
LightGBM are chosen before the earliest cut. The stack learns weights from the two blocks before
the test. Errors are MASE over that of the seasonal naive forecast.

How the default weights were chosen: with ``--cut 1``, where the last block of training plays the
test and nothing of the test is read; errors differ by one per cent for a shrinkage from 30 to 300.
The test (``--cut 0``) was read once, with that default. AutoGluon-TS needs pandas 2 and a venv of
its own, and was not run.

    python benchmarks/bench_fusion.py --data ../shared/data/forecast --peers PYTHON --keep FOLDER
        [--panels NAME ...] [--cut 0]

--keep stores the forecasts of the members, so that a long run can be taken up again. The table is
also written to benchmarks/results/fusion.csv.
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

# name: period, horizon, window of the regressors, most values of a series
PANELS = {
    "m1_yearly": (1, 6, 6, 200),
    "tourism_yearly": (1, 4, 4, 200),
    "m1_quarterly": (4, 8, 8, 200),
    "tourism_quarterly": (4, 8, 12, 200),
    "australia_tourism": (4, 8, 12, 200),
    "m1_monthly": (12, 18, 24, 300),
    "tourism_monthly": (12, 24, 36, 400),
    "aus_retail": (12, 12, 36, 240),
    "m4_weekly": (52, 13, 26, 300),
    "walmart_store_sales": (52, 8, 13, 200),
    "etth1": (24, 24, 48, 600),
}
N_SERIES = 30
N_CUTS = 4
N_FOLDS = 2
KEYS = {"group": "unique_id", "time": "step"}
PEERS = ("Theta", "ETS")
MEMBERS = ("naive", "Theta", "ETS", "linear", "LightGBM", "net", "tuned net")
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


def read(folder, panel):
    """Return a sample of the series of a panel, with steps that count to the end of each."""
    _, horizon, _, most = PANELS[panel]
    table = pd.read_parquet(folder / f"{panel}.parquet", columns=["unique_id", "ds", "y"])
    table = table.dropna(subset="y").sort_values(["unique_id", "ds"], kind="stable")
    table["unique_id"] = table["unique_id"].astype(str)
    length = table.groupby("unique_id").size()
    names = length.index[length >= 2 * horizon + 4]
    rows = np.random.default_rng(0).permutation(len(names))[:N_SERIES]
    table = table[table["unique_id"].isin(names[np.sort(rows)])]
    table["step"] = -table.groupby("unique_id").cumcount(ascending=False) - 1
    return table.loc[table["step"] >= -most, ["unique_id", "step", "y"]].reset_index(drop=True)


def parts(table, horizon, cut):
    """Return the rows before a cut, and those of the horizon after it."""
    end = -(cut + 1) * horizon
    after = (table["step"] >= end) & (table["step"] < end + horizon)
    train = table[table["step"] < end]
    return train, table[after & table["unique_id"].isin(train["unique_id"])]


def models(panel, early):
    """Return our members; the LightGBM is chosen on rows before all cuts."""
    import torch
    from lightgbm import LGBMRegressor
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV

    from sklearn_tsrec import PanelTimeSeriesSplit, PatchTransformerRegressor, WindowForecaster
    from sklearn_tsrec.metrics import mase_scorer

    torch.set_num_threads(1)
    period, horizon, window, _ = PANELS[panel]
    shared = {"columns": [], "freq": 1, **KEYS}
    last = "last_season" if period > 1 else "last"
    boosted = LGBMRegressor(
        objective="l1", n_estimators=150, learning_rate=0.1, num_leaves=8, min_child_samples=20,
        colsample_bytree=0.5, num_threads=1, random_state=0, verbose=-1,
    )  # fmt: skip
    forecaster = WindowForecaster(boosted, window=window, period=period, **shared)
    search = GridSearchCV(
        TransformedTargetRegressor(forecaster, check_inverse=False),
        [
            {"regressor__target_transform": [["last"]], "transformer": [signed_log()]},
            {"regressor__target_transform": [[last, "scale"], ["last", "scale"]]},
        ],
        scoring=mase_scorer(period=period),
        cv=PanelTimeSeriesSplit(1, horizon=horizon, freq=1, **KEYS),
    )
    try:
        best = search.fit(early, early["y"].to_numpy()).best_params_
    except ValueError:  # too short for a choice before all cuts
        best = {"regressor__target_transform": ["last", "scale"]}
    print(f"  LightGBM: {best}", flush=True)
    line = WindowForecaster(
        Ridge(), window=window, period=period, target_transform=[last, "scale"], **shared
    )
    longest = int(early.groupby("unique_id").size().max())
    net = {"window": min(512, longest - horizon), "horizon": horizon, **shared}
    return {
        "linear": line,
        "LightGBM": search.estimator.set_params(**best),
        "net": WindowForecaster(PatchTransformerRegressor(period=period), **net),
        "tuned net": WindowForecaster(
            PatchTransformerRegressor(period=period, finetune="lora", random_state=0), **net
        ),
    }


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


def peers_of(train, period, horizon, python):
    """Return the table of forecasts of statsforecast."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        train.to_parquet(path)
        command = [python, __file__, "--data", folder, "--serve", path, str(period), str(horizon)]
        subprocess.run(command, check=True)
        return pd.read_parquet(path)


def forecasts(panel, options):
    """Return the forecast of each member for each row after each cut, from the store if there."""
    path = options.keep / f"{panel}.parquet"
    if path.exists():
        return pd.read_parquet(path)
    period, horizon, _, _ = PANELS[panel]
    table = read(options.data, panel)
    members = models(panel, parts(table, horizon, N_CUTS - 1)[0])
    spent = dict.fromkeys(["naive", "peers", *members], 0.0)
    out = []
    for cut in range(N_CUTS):
        train, test = parts(table, horizon, cut)
        found = test.assign(cut=cut, naive=naive(train, test, period))
        start = os.times()
        peers = peers_of(train, period, horizon, options.peers)
        end = os.times()
        spent["peers"] += end.children_user - start.children_user
        found = found.merge(peers, on=["unique_id", "step"], how="left")
        for name, member in members.items():
            begin = time.process_time()
            try:
                member.fit(train, train["y"].to_numpy())
                found[name] = member.predict(test)
            except ValueError as error:  # too few rows to learn from: a member that fails
                print(f"  {name} at cut {cut}: {error}"[:160], flush=True)
                found[name] = np.nan
            spent[name] += time.process_time() - begin
        out.append(found)
    print("  CPU s:", {name: round(value, 1) for name, value in spent.items()}, flush=True)
    out = pd.concat(out, ignore_index=True)
    options.keep.mkdir(exist_ok=True, parents=True)
    out.to_parquet(path)
    return out


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


def fuse(panel, table, options):
    """Return the errors of members and of ways to fuse them, and the seconds of the stack."""
    from sklearn_tsrec import PanelTimeSeriesSplit
    from sklearn_tsrec.ensemble import TemporalStackingRegressor

    period, horizon, _, _ = PANELS[panel]
    values = read(options.data, panel)
    train, test = parts(values, horizon, options.cut)
    stored = table[["unique_id", "step", *MEMBERS]]
    train = train.merge(stored, on=["unique_id", "step"], how="left")
    test = table[table["cut"] == options.cut]
    members = [(name, Stored(name)) for name in MEMBERS]
    cv = PanelTimeSeriesSplit(N_FOLDS, horizon=horizon)
    result, spent, weights = {}, 0.0, None
    past = {name: rows["y"].to_numpy() for name, rows in train.groupby("unique_id")}

    def mase(forecast):
        error = (test["y"] - forecast).abs().groupby(test["unique_id"]).mean()
        scale = pd.Series({n: np.abs(v[period:] - v[:-period]).mean() for n, v in past.items()})
        scaled = (error / scale)[scale > 0]
        return scaled.mean()

    for name in MEMBERS:
        result[name] = mase(test[name].fillna(test["naive"]))
    held = []
    for cut in range(options.cut + 1, options.cut + 1 + N_FOLDS):
        rows = table[table["cut"] == cut]
        scale = train.groupby("unique_id")["y"].agg(lambda v: v.diff(period).abs().mean())
        scale = rows["unique_id"].map(scale).to_numpy()
        off = rows[list(MEMBERS)].sub(rows["y"], axis=0).abs().div(scale, axis=0)
        held.append(off[scale > 0].fillna(off["naive"].mean()))
    chosen = pd.concat(held).mean().idxmin()
    result["chosen"] = result[chosen]
    for name, settings in SETTINGS.items():
        stack = TemporalStackingRegressor(members, cv=cv, **settings, freq=1, **KEYS)
        begin = time.process_time()
        stack.fit(train.drop(columns="y"), train["y"].to_numpy())
        forecast = stack.predict(test[["unique_id", "step", *MEMBERS]])
        if name == "fusion":
            spent, weights = time.process_time() - begin, stack.weights_["all"].round(2).to_dict()
        result[name] = mase(forecast)
    best = min(MEMBERS, key=result.get)
    print(f"  best {best}, chosen {chosen}, {weights}, stack {spent:.2f} s", flush=True)
    return {"panel": panel, "best": result[best], **result, "best_name": best,
            "chosen_name": chosen, "stack_s": spent}  # fmt: skip


def report(table, settings):
    """Print errors over those of the best member in hindsight, and what is claimed."""
    ratio = table[["naive", *MEMBERS[1:], "chosen", *settings]].div(table["best"], axis=0)
    ratio.index = table["panel"]
    print(ratio.round(3).to_string())
    mean = np.exp(np.log(ratio).mean())
    print("geometric mean:", mean.round(4).to_dict())
    for name in settings:
        gain = 1 - np.exp(np.log(table[name] / table["chosen"]).mean())
        wins = int((table[name] < table["chosen"]).sum())
        worst = float((table[name] / table["best"]).max())
        print(
            f"  {name:24} {100 * gain:+.1f} % over the chosen member, better on {wins} of "
            f"{len(table)}, at worst {worst:.3f} of the best in hindsight"
        )


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--peers", help="a Python with statsforecast")
    parser.add_argument("--keep", type=Path, help="folder for the forecasts of the members")
    parser.add_argument("--panels", nargs="+", choices=PANELS, default=list(PANELS))
    parser.add_argument("--cut", type=int, default=0, help="0 is the test, 1 the block before it")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        path, period, horizon = options.serve
        return serve(path, int(period), int(horizon))
    rows = []
    for panel in options.panels:
        print(panel, flush=True)
        rows.append(fuse(panel, forecasts(panel, options), options))
    table = pd.DataFrame(rows)
    report(table, list(SETTINGS))
    if options.cut == 0:
        results = Path(__file__).parent / "results" / "fusion.csv"
        table.round(4).to_csv(results, index=False)


if __name__ == "__main__":
    sys.exit(main())
