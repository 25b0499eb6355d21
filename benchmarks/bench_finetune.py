"""Claim: fine-tuning on a small panel helps in the median, and hardly ever harms or forgets.

The panels are all those of the folder that have at least 20 series of regular times with at least
twelve horizons of history (the horizon that INDEX.csv names): eight. Of each, 40 series drawn by a
fixed seed, the last 1,500 values. A net is fine-tuned once, on what lies before the last four
horizons, and forecasts each of the four. Every way to fine-tune starts with the checkpoint and has
the defaults of PatchTransformerRegressor; "scratch" is the same net, new, with three times the
steps and all its weights; "untrained" that net before it learns. Errors are mean MASE over
that of the seasonal naive forecast. "forgets" is the error of the tuned net on four unrelated
panels over that of the checkpoint there (geometric mean). CPU seconds are those of fit.

    python benchmarks/bench_finetune.py --data ../shared/data/forecast [--checkpoint NAME_OR_PATH]
        [--cut 1] [--panels ...] [--ways ...]

The protocol was chosen with --cut 1, which takes the four horizons of the test away and forecasts
the four before them. Finished rows are read from benchmarks/results/finetune.csv when the
checkpoint and the cut are the same: delete the file to start afresh.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np
import pandas as pd
import torch

from sklearn_tsrec import PatchTransformerRegressor, WindowForecaster
from sklearn_tsrec.neural import load_checkpoint

PANELS = {  # name: period, horizon
    "tourism_quarterly": (4, 8),
    "tourism_monthly": (12, 24),
    "m4_weekly": (52, 13),
    "walmart_store_sales": (52, 8),
    "aus_retail": (12, 12),
    "us_births_states": (7, 28),
    "covid_deaths": (7, 14),
    "sp500_panel_a": (5, 5),
}
UNRELATED = {
    "m1_yearly": (1, 6),
    "fx_monthly": (12, 12),
    "eia_fuel_price_weekly": (52, 13),
    "etth1": (24, 48),
}
WAYS = ["none", "head", "last", "lora", "adalora", "adapter", "prefix", "full", "scratch"]
WAYS += ["untrained"]
N_SERIES, MOST, WINDOW, N_ORIGINS, LEAST_HORIZONS = 40, 1500, 256, 4, 12
RESULTS = Path(__file__).parent / "results" / "finetune.csv"


def load(folder, name, horizon, least=LEAST_HORIZONS, cut=0):
    """Return series of a panel, oldest first, without the last origins of the cuts."""
    table = pd.read_parquet(folder / f"{name}.parquet", columns=["unique_id", "ds", "y"])
    table = table.sort_values(["unique_id", "ds"], kind="stable")
    series = [part["y"].to_numpy(float) for _, part in table.groupby("unique_id")]
    series = [v for v in series if len(v) >= least * horizon and np.isfinite(v).all()]
    rows = np.random.default_rng(0).permutation(len(series))[:N_SERIES]
    series = [series[row] for row in rows]
    return [v[: len(v) - cut * N_ORIGINS * horizon][-MOST:] for v in series]


def tasks_of(series, horizon, n_origins):
    """Return histories (n, WINDOW), futures (n, horizon) and the series of each."""
    windows, futures, codes = [], [], []
    for code, values in enumerate(series):
        for origin in range(n_origins, 0, -1):
            end = len(values) - origin * horizon
            past = values[max(end - WINDOW, 0) : end]
            windows.append(np.r_[np.full(WINDOW - len(past), np.nan), past])
            futures.append(values[end : end + horizon])
            codes.append(code)
    return np.array(windows), np.array(futures), np.array(codes)


def mase(series, tasks, forecasts, period):
    """Return the mean absolute scaled error, by the scale before the first origin."""
    _, futures, codes = tasks
    n_held = futures.shape[1] * (np.bincount(codes)[0])
    pasts = [values[:-n_held] for values in series]
    scale = np.array([np.abs(past[period:] - past[:-period]).mean() for past in pasts])[codes]
    errors = np.abs(futures - forecasts).mean(1)
    return float((errors / scale)[scale > 0].mean())


def medians(net, windows, period, horizon):
    """Return the median forecasts of a net."""
    periods = torch.full((len(windows),), period)
    found = net.forecast(torch.from_numpy(windows), periods, horizon)
    return found[..., net.config.quantiles.index(0.5)].numpy()


def tune(way, checkpoint, series, period, horizon, more):
    """Return a fitted regressor, and the CPU seconds."""
    params = {"finetune": way, "period": period, "random_state": 0}
    if way == "scratch":
        params |= {"finetune": "full", "max_epochs": 30, "patience": 8, "batch_size": 32}
    if way == "untrained":
        params |= {"finetune": "none"}
    if way in ("scratch", "untrained"):
        checkpoint = None
    params |= more
    index = [pd.MultiIndex.from_product([[s], range(len(v))]) for s, v in enumerate(series)]
    keys = pd.DataFrame(index=index[0].append(index[1:]).set_names(["series", "step"]))
    window = min(WINDOW, max(map(len, series)) - horizon)
    model = WindowForecaster(
        PatchTransformerRegressor(checkpoint, **params), window=window, horizon=horizon, freq=1
    )
    begin = time.process_time()
    model.fit(keys, np.concatenate(series))
    return model.estimator_, time.process_time() - begin


def measure(name, way, options, unrelated):
    """Return the row of one way on one panel."""
    period, horizon = PANELS[name]
    series = load(options.data, name, horizon, cut=options.cut)
    tasks = tasks_of(series, horizon, N_ORIGINS)
    naive = np.array([np.resize(row[-period:], horizon) for row in tasks[0]])
    before = [values[: -N_ORIGINS * horizon] for values in series]
    fitted, seconds = tune(way, options.checkpoint, before, period, horizon, options.set)
    net, losses = fitted.module_.net, fitted.validation_losses_
    error = mase(series, tasks, medians(net, tasks[0], period, horizon), period)
    others = [
        mase(other, held, medians(net, held[0], *shape), shape[0]) / start
        for other, held, shape, start in unrelated
    ]
    row = {"checkpoint": options.checkpoint, "cut": options.cut, "panel": name, "way": way}
    row |= {"n_series": len(series), "error": error / mase(series, tasks, naive, period)}
    row |= {"forgets": float(np.exp(np.log(others).mean())), "cpu_s": seconds}
    row |= {"share": fitted.n_trainable_ / fitted.n_parameters_, "epoch": fitted.best_epoch_}
    row["validation"] = losses[fitted.best_epoch_] / losses[0] if losses else 1.0
    print(f"{name:22}{way:10}" + " ".join(
        f"{key} {row[key]:.3f}" for key in ("error", "forgets", "cpu_s", "share", "validation")
    ) + f" epoch {row['epoch']}", flush=True)  # fmt: skip
    return row


def main():
    """Measure what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--checkpoint", default="tsrec-small")
    parser.add_argument("--cut", type=int, default=0, help="development cut; 0 is the test")
    parser.add_argument("--panels", nargs="*", default=list(PANELS))
    parser.add_argument("--ways", nargs="*", default=WAYS)
    parser.add_argument("--set", type=json.loads, default={}, help="parameters, for development")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    net, unrelated = load_checkpoint(options.checkpoint), []
    for name, shape in UNRELATED.items():
        series = load(options.data, name, shape[1], least=3)
        tasks = tasks_of(series, shape[1], 1)
        start = mase(series, tasks, medians(net, tasks[0], *shape), shape[0])
        unrelated.append((series, tasks, shape, start))
    done = pd.read_csv(options.out) if options.out.exists() else pd.DataFrame()
    for name in options.panels:
        for way in options.ways:
            if len(done):
                same = (done["checkpoint"] == options.checkpoint) & (done["cut"] == options.cut)
                if (same & (done["panel"] == name) & (done["way"] == way)).any():
                    continue
            row = measure(name, way, options, unrelated)
            done = pd.concat([done, pd.DataFrame([row])], ignore_index=True)
            options.out.parent.mkdir(exist_ok=True)
            done.round(4).to_csv(options.out, index=False)
    same = (done["checkpoint"] == options.checkpoint) & (done["cut"] == options.cut)
    table = done[same & done["panel"].isin(options.panels)]
    errors = table.pivot(index="panel", columns="way", values="error")
    errors = errors.reindex(index=options.panels, columns=options.ways)
    print("\nError over that of seasonal naive\n", errors.round(3).to_string())
    ratio = errors.div(errors["none"], axis=0)
    by_way = table.groupby("way")
    summary = pd.DataFrame(
        {
            "median, over zero-shot": ratio.median(),
            "worst, over zero-shot": ratio.max(),
            "forgets": by_way["forgets"].mean(),
            "CPU seconds": by_way["cpu_s"].mean(),
            "trained": by_way["share"].mean(),
        }
    )
    if "scratch" in errors:
        summary["median, over scratch"] = errors.div(errors["scratch"], axis=0).median()
    print("\nAll panels\n", summary.reindex(options.ways).round(3).to_string())


if __name__ == "__main__":
    main()
