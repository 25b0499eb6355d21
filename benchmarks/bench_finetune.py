"""Claim: fine-tuning on a small panel helps in the median, and hardly ever harms or forgets.

Ten panels of at most 30 series; the last values of each series are forecast. Every way to fine-tune
starts with the checkpoint and has the defaults of PatchTransformerRegressor; "scratch" is the same
net, new, with three times the steps and all windows. Errors are mean MASE over that of the seasonal
naive forecast. "forgets" is the error of the tuned net on four unrelated panels over that of the
checkpoint there (geometric mean). CPU seconds are those of fit and forecast.

    python benchmarks/bench_finetune.py --data ../shared/data/forecast [--checkpoint NAME_OR_PATH]
        [--cut N] [--panels ...] [--ways ...]

The protocol was chosen with --cut 1, which takes the values of the test away and forecasts those
before them. Finished panels are read from benchmarks/results/finetune.csv when the checkpoint and
the cut are the same: delete the file to start afresh. About 10 CPU minutes.
"""

import argparse
import os
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np
import pandas as pd
import torch

from sklearn_tsrec import PatchTransformerRegressor, WindowForecaster
from sklearn_tsrec.neural import load_checkpoint

PANELS = {  # name -> (period, horizon, most values of a series)
    "tourism_yearly": (1, 4, 400),
    "tourism_quarterly": (4, 8, 400),
    "tourism_monthly": (12, 24, 400),
    "m1_quarterly": (4, 8, 400),
    "m1_monthly": (12, 18, 400),
    "aus_retail": (12, 18, 400),
    "walmart_store_sales": (52, 8, 400),
    "australia_tourism": (4, 8, 400),
    "us_births_states": (7, 28, 600),
    "m4_weekly": (52, 13, 600),
}
UNRELATED = {
    "m1_yearly": (1, 6, 400),
    "fx_monthly": (12, 12, 400),
    "eia_fuel_price_weekly": (52, 13, 600),
    "etth1": (24, 48, 1200),
}
WAYS = ["none", "head", "last", "lora", "adalora", "adapter", "prefix", "full", "scratch"]
N_SERIES, WINDOW = 30, 256
RESULTS = Path(__file__).parent / "results" / "finetune.csv"


def load(folder, name, shape, cut=0):
    """Return series of a panel, oldest first, drawn by a fixed seed, without the last cuts."""
    table = pd.read_parquet(folder / f"{name}.parquet", columns=["unique_id", "ds", "y"])
    table = table.sort_values(["unique_id", "ds"], kind="stable")
    period, horizon, most = shape
    series = [part["y"].to_numpy(float)[-most:] for _, part in table.groupby("unique_id")]
    series = [v for v in series if len(v) > max(4 * horizon, 10) and np.isfinite(v).all()]
    rows = np.random.default_rng(0).permutation(len(series))[:N_SERIES]
    series = [series[row][: len(series[row]) - cut * horizon] for row in rows]
    return [v for v in series if len(v) > max(2 * horizon, period + horizon, 8)]


def table_of(series, first):
    """Return keys of series whose times begin at a step."""
    parts = [
        pd.MultiIndex.from_product([[s], np.arange(first[s], first[s] + len(v))])
        for s, v in enumerate(series)
    ]
    index = parts[0].append(parts[1:])
    return pd.DataFrame(index=index.set_names(["series", "step"]))


def mase(series, forecasts, period, horizon):
    """Return the mean absolute scaled error of the last values."""
    errors = []
    for values, forecast in zip(series, forecasts):
        past, actual = values[:-horizon], values[-horizon:]
        scale = np.abs(past[period:] - past[:-period]).mean()
        if scale > 0:
            errors.append(np.abs(actual - forecast).mean() / scale)
    return float(np.mean(errors))


def zero_shot(net, series, period, horizon):
    """Return the error of a net as it is."""
    context = np.full((len(series), net.config.context), np.nan)
    for row, values in zip(context, series):
        past = values[:-horizon][-len(row) :]
        row[len(row) - len(past) :] = past
    found = net.forecast(torch.from_numpy(context), torch.full((len(series),), period), horizon)
    return mase(series, found[..., net.config.quantiles.index(0.5)].numpy(), period, horizon)


def tune(way, checkpoint, series, period, horizon):
    """Return a fitted forecaster, its forecasts of the last values, and the CPU seconds."""
    params = {"finetune": way, "period": period, "random_state": 0}
    if way == "scratch":
        params |= {"finetune": "full", "max_epochs": 30, "n_recent": None, "patience": 8}
        checkpoint = None
    past = [values[:-horizon] for values in series]
    window = min(WINDOW, max(map(len, past)) - horizon)
    model = WindowForecaster(
        PatchTransformerRegressor(checkpoint, **params), window=window, horizon=horizon, freq=1
    )
    begin = time.process_time()
    model.fit(table_of(past, [0] * len(past)), np.concatenate(past))
    ahead = table_of([np.zeros(horizon)] * len(past), [len(v) for v in past])
    found = model.predict(ahead).reshape(len(past), horizon)
    return model.estimator_, found, time.process_time() - begin


def measure(name, options, unrelated):
    """Return the rows of one panel."""
    period, horizon, _ = PANELS[name]
    series = load(options.data, name, PANELS[name], options.cut)
    naive = [np.resize(v[-horizon - period : -horizon], horizon) for v in series]
    naive = mase(series, naive, period, horizon)
    rows = []
    for way in options.ways:
        fitted, found, seconds = tune(way, options.checkpoint, series, period, horizon)
        losses = fitted.validation_losses_
        others = [
            zero_shot(fitted.module_.net, *task) / before for *task, before in unrelated.values()
        ]
        row = {"checkpoint": options.checkpoint, "cut": options.cut, "panel": name, "way": way}
        row |= {"n_series": len(series), "error": mase(series, found, period, horizon) / naive}
        row |= {"forgets": float(np.exp(np.log(others).mean())), "cpu_s": seconds}
        row |= {"share": fitted.n_trainable_ / fitted.n_parameters_, "epoch": fitted.best_epoch_}
        row["validation"] = losses[fitted.best_epoch_] / losses[0] if losses else 1.0
        rows.append(row)
        print(f"{name:22}{way:9}" + " ".join(
            f"{key} {row[key]:.3f}" for key in ("error", "forgets", "cpu_s", "share", "validation")
        ), flush=True)  # fmt: skip
    return rows


def main():
    """Measure what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--checkpoint", default="tsrec-small")
    parser.add_argument("--cut", type=int, default=0, help="development cut; 0 is the test")
    parser.add_argument("--panels", nargs="*", default=list(PANELS))
    parser.add_argument("--ways", nargs="*", default=WAYS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    net = load_checkpoint(options.checkpoint)
    unrelated = {}
    for name, shape in UNRELATED.items():
        task = (load(options.data, name, shape), *shape[:2])
        unrelated[name] = (*task, zero_shot(net, *task))
    done = pd.read_csv(options.out) if options.out.exists() else pd.DataFrame()
    for name in options.panels:
        if len(done):
            same = (done["checkpoint"] == options.checkpoint) & (done["cut"] == options.cut)
            if set(options.ways) <= set(done.loc[same & (done["panel"] == name), "way"]):
                continue
        done = pd.concat([done, pd.DataFrame(measure(name, options, unrelated))])
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
