"""Every way to fine-tune on small panels: error, cost, and what is forgotten elsewhere.

Claim: on panels of 20 to 60 series a fine-tuned checkpoint beats the same net trained from nothing
and the checkpoint as it is, while LoRA, head and adapter train at most 15 % of the weights.

    python benchmarks/bench_finetune.py --data FOLDER --checkpoint tsrec-small
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sklearn_tsrec import PatchTransformerRegressor, WindowForecaster

PANELS = {  # name -> (period, horizon, most values of a series)
    "tourism_monthly": (12, 24, 400),
    "m1_monthly": (12, 18, 400),
    "tourism_quarterly": (4, 8, 400),
    "aus_retail": (12, 18, 400),
    "walmart_store_sales": (52, 8, 400),
    "australia_tourism": (4, 8, 400),
    "us_births_states": (7, 28, 600),
    "m4_weekly": (52, 13, 600),
}
WAYS = ["none", "head", "last", "lora", "adalora", "adapter", "prefix", "full", "scratch"]
N_SERIES = 40


def load(folder, name):
    """Return series of a panel, oldest first, drawn by a fixed seed."""
    table = pd.read_parquet(folder / f"{name}.parquet", columns=["unique_id", "ds", "y"])
    _, horizon, most = PANELS[name]
    series = [
        part["y"].to_numpy(float)[-most:] for _, part in table.groupby("unique_id", sort=False)
    ]
    series = [v for v in series if len(v) > 4 * horizon and np.isfinite(v).all()]
    rows = np.random.default_rng(0).permutation(len(series))[:N_SERIES]
    return [series[row] for row in rows]


def table_of(series, first=0):
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


def forecast(regressor, series, horizon, window):
    """Fit on all but the last values, and forecast these."""
    past = [values[:-horizon] for values in series]
    forecaster = WindowForecaster(regressor, window=window, horizon=horizon, freq=1)
    forecaster.fit(table_of(past, [0] * len(past)), np.concatenate(past))
    ahead = table_of([np.zeros(horizon)] * len(past), [len(v) for v in past])
    return forecaster, forecaster.predict(ahead).reshape(len(past), horizon)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", default="tsrec-small")
    parser.add_argument("--panels", nargs="*", default=list(PANELS))
    parser.add_argument("--ways", nargs="*", default=WAYS)
    parser.add_argument("--set", nargs="*", default=[], help="name=value of the regressor")
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    torch.set_num_threads(1)
    given = {
        k: float(v) if "." in v or "e" in v else int(v)
        for k, v in (pair.split("=") for pair in options.set)
    }
    data = {name: load(options.data, name) for name in options.panels}
    rows = []
    for name, series in data.items():
        period, horizon, _ = PANELS[name]
        naive = mase(
            series,
            [np.resize(v[-horizon - period : -horizon], horizon) for v in series],
            period,
            horizon,
        )
        for way in options.ways:
            checkpoint = None if way == "scratch" else options.checkpoint
            params = {"max_epochs": 30, "patience": 6} if way == "scratch" else {}
            regressor = PatchTransformerRegressor(
                checkpoint,
                finetune="full" if way == "scratch" else way,
                period=period,
                random_state=0,
                **params | given,
            )
            begin = time.process_time()
            forecaster, found = forecast(
                regressor, series, horizon, min(512, max(map(len, series)) - 2 * horizon)
            )
            cost = time.process_time() - begin
            fitted = forecaster.estimator_
            rows.append(
                {
                    "panel": name,
                    "way": way,
                    "n_series": len(series),
                    "error": mase(series, found, period, horizon) / naive,
                    "epoch": fitted.best_epoch_,
                    "gain": 1
                    - fitted.validation_losses_[fitted.best_epoch_] / fitted.validation_losses_[0]
                    if fitted.validation_losses_
                    else 0.0,
                    "share": fitted.n_trainable_ / fitted.n_parameters_,
                    "cpu_s": cost,
                }
            )
            print(
                " ".join(f"{v:.4f}" if isinstance(v, float) else str(v) for v in rows[-1].values()),
                flush=True,
            )
    table = pd.DataFrame(rows)
    if options.out:
        table.to_csv(options.out, index=False)
    print(table.pivot(index="panel", columns="way", values="error")[options.ways].round(4))


if __name__ == "__main__":
    main()
