"""Claim: a net that has seen no real series forecasts them better than AutoTheta and AutoETS.

Ten groups: M1 and tourism (yearly, quarterly, monthly, official hold-outs), weekly series of M4
(official hold-out), ETTh1 (7 channels, 20 rolling origins, 48 hours), bike rentals (28 origins, a
day) and births by state (4 weeks). Every tool gets the same history, at most the last --history
values, and the same season; with hourly series the net also tries a week, and finds out in the past
of each window how far to trust it. Figures are errors over those of the seasonal naive forecast: of
the mean MASE, and of the weighted quantile loss (levels 0.1 … 0.9); and the share of values inside
the 80 % interval. Recipes of the net were compared on M1 and ETTh1 only; "reported" is the
geometric mean of the six other groups, "all" that of all ten.

    python benchmarks/bench_zero_shot.py --data ../shared/data/forecast [--peers PYTHON]
        [--series N] [--history N] [--checkpoint NAME_OR_PATH ...] [--keep FOLDER] [--out CSV]

--series takes a random sample of at most N series a group. --keep stores the forecasts of the peers
and reads them the next time. The table is also written to --out, benchmarks/results/zero_shot.csv.
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

LEVELS = np.arange(1, 10) / 10
# name: period, horizon, rolling origins, steps between origins; no horizon: the official hold-out.
GROUPS = {
    "m1_yearly": (1, None, 1, 0),
    "m1_quarterly": (4, None, 1, 0),
    "m1_monthly": (12, None, 1, 0),
    "tourism_yearly": (1, None, 1, 0),
    "tourism_quarterly": (4, None, 1, 0),
    "tourism_monthly": (12, None, 1, 0),
    "m4_weekly": (52, None, 1, 0),
    "etth1": (24, 48, 20, 144),
    "bike_sharing": (24, 24, 28, 37),
    "us_births_states": (7, 28, 1, 0),
}
LONGER = {24: 168}  # a second season, which the peers cannot take
CHOSEN_ON = {"m1_yearly", "m1_quarterly", "m1_monthly", "etth1"}
PEERS = ("AutoTheta", "AutoETS")


def read(path, horizon, origins, step, most, history):
    """Return a list of histories and future values."""
    table = pd.read_parquet(path).sort_values(["unique_id", "ds"], kind="stable")
    tasks = []
    for _, series in table.groupby("unique_id"):
        y = series["y"].to_numpy(float)
        if horizon is None:
            test = series["is_test"].to_numpy(bool)
            cuts = [(y[~test], y[test])]
        else:
            ends = [len(y) - horizon - origin * step for origin in range(origins)]
            cuts = [(y[:end], y[end : end + horizon]) for end in ends]
        tasks += [(past[-history:], future) for past, future in cuts]
    if most and len(tasks) > most:
        rows = np.random.default_rng(0).choice(len(tasks), most, replace=False)
        tasks = [tasks[row] for row in sorted(rows)]
    return tasks


def naive(tasks, period):
    """Return the last season, repeated."""
    out = []
    for past, future in tasks:
        season = period if len(past) >= period else 1
        point = np.resize(past[-season:], len(future))
        out.append(np.repeat(point[:, None], len(LEVELS), 1))
    return out


def ours(tasks, period, net):
    """Return the quantiles of the net."""
    import torch

    horizon = max(len(future) for _, future in tasks)
    context = np.full((len(tasks), net.config.context), np.nan)
    for row, (past, _) in enumerate(tasks):
        past = past[-net.config.context :]
        context[row, len(context[row]) - len(past) :] = past
    periods = [period, LONGER[period]] if period in LONGER else [period]
    periods = torch.tensor(periods).expand(len(tasks), -1)
    quantiles = net.forecast(torch.from_numpy(context), periods, horizon).numpy()
    return [values[: len(future)] for values, (_, future) in zip(quantiles, tasks)]


def serve(path, model, period, horizon):
    """Put the quantiles of a peer in the place of the histories."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS, AutoTheta, SeasonalNaive

    maker = {"AutoTheta": AutoTheta, "AutoETS": AutoETS}[model]
    tool = StatsForecast(
        [maker(season_length=period, alias="y")], freq=1, n_jobs=1,
        fallback_model=SeasonalNaive(season_length=period, alias="y"),
    )  # fmt: skip
    table = tool.forecast(df=pd.read_parquet(path), h=horizon, level=[20, 40, 60, 80])
    low = [f"y-lo-{level}" for level in (80, 60, 40, 20)]
    high = [f"y-hi-{level}" for level in (20, 40, 60, 80)]
    table = table.sort_values(["unique_id", "ds"])
    table[["unique_id", *low, "y", *high]].to_parquet(path)


def peer(tasks, period, python, model):
    """Return the quantiles of a peer, and the CPU seconds that they took."""
    horizon = max(len(future) for _, future in tasks)
    rows = [
        pd.DataFrame({"unique_id": row, "ds": np.arange(len(past)), "y": past})
        for row, (past, _) in enumerate(tasks)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        pd.concat(rows).to_parquet(path)
        before = os.times()
        command = [python, __file__, "--data", folder, "--serve", path, model]
        subprocess.run([*command, str(period), str(horizon)], check=True)
        after = os.times()
        table = pd.read_parquet(path)
    seconds = after.children_user + after.children_system
    seconds -= before.children_user + before.children_system
    values = table.drop(columns="unique_id").to_numpy().reshape(len(tasks), horizon, len(LEVELS))
    values = np.sort(values, -1)
    return [block[: len(future)] for block, (_, future) in zip(values, tasks)], seconds


def measure(tasks, forecasts, period):
    """Return mean MASE, weighted quantile loss and the share inside the 80 % interval."""
    mases, losses, inside, total = [], 0.0, [], 0.0
    for (past, future), quantiles in zip(tasks, forecasts):
        season = period if len(past) > period else 1
        scale = np.abs(past[season:] - past[:-season]).mean()
        error = future[:, None] - quantiles
        if scale > 0:
            mases.append(np.abs(error[:, 4]).mean() / scale)
        losses += 2 * np.maximum(LEVELS * error, (LEVELS - 1) * error).mean(1).sum()
        total += np.abs(future).sum()
        inside.append(((future >= quantiles[:, 0]) & (future <= quantiles[:, -1])).mean())
    return np.mean(mases), losses / total, np.mean(inside)


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--peers", help="a Python with statsforecast installed")
    parser.add_argument("--series", type=int, help="most series of a group (all)")
    parser.add_argument("--history", type=int, default=2048, help="most past values (%(default)s)")
    parser.add_argument("--checkpoint", nargs="+", default=["tsrec-small"], help="of our nets")
    parser.add_argument("--keep", type=Path, help="folder for the forecasts of the peers")
    results = Path(__file__).parent / "results" / "zero_shot.csv"
    parser.add_argument("--out", type=Path, default=results, help="where the table is written")
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        path, model, period, horizon = options.serve
        return serve(path, model, int(period), int(horizon))

    import torch

    from sklearn_tsrec.neural import load_checkpoint

    torch.set_num_threads(1)
    nets = {name: load_checkpoint(name) for name in options.checkpoint}
    rows = []
    for group, (period, horizon, origins, step) in GROUPS.items():
        file = options.data / f"{group}.parquet"
        tasks = read(file, horizon, origins, step, options.series, options.history)
        base = measure(tasks, naive(tasks, period), period)
        results = {}
        for name, net in nets.items():
            begin = time.process_time()
            forecasts = ours(tasks, period, net)
            results[name] = (forecasts, time.process_time() - begin)
        for model in PEERS if options.peers else ():
            kept = (
                options.keep
                and options.keep / f"{group}-{model}-{options.series}-{options.history}.pkl"
            )
            if kept and kept.exists():
                results[model] = pd.read_pickle(kept)
                continue
            results[model] = peer(tasks, period, options.peers, model)
            if kept:
                options.keep.mkdir(parents=True, exist_ok=True)
                pd.to_pickle(results[model], kept)
        for name, (forecasts, seconds) in results.items():
            mase, loss, inside = measure(tasks, forecasts, period)
            row = {"group": group, "tool": name, "windows": len(tasks), "mase": mase}
            row |= {"mase_ratio": mase / base[0], "wql_ratio": loss / base[1]}
            rows.append(row | {"inside_80": inside, "cpu_s": seconds})
            print(
                f"{group:18}{name:28}{len(tasks):5} windows  MASE {mase:.3f}"
                f"  ratio {mase / base[0]:.3f}  quantile loss {loss / base[1]:.3f}"
                f"  in 80 % {inside:.2f}  {seconds:.1f} CPU s",
                flush=True,
            )
    table, summary = pd.DataFrame(rows), []
    for name, where in {
        "all": table["group"].notna(),
        "chosen on": table["group"].isin(CHOSEN_ON),
        "reported": ~table["group"].isin(CHOSEN_ON),
    }.items():
        for tool, part in table[where].groupby("tool", sort=False):
            row = {"group": name, "tool": tool, "windows": part["windows"].sum()}
            row |= {key: np.exp(np.log(part[key]).mean()) for key in ("mase_ratio", "wql_ratio")}
            row |= {"inside_80": part["inside_80"].mean(), "cpu_s": part["cpu_s"].sum()}
            summary.append(row)
            print(
                f"{name:18}{tool:28}{row['windows']:5} windows  ratio {row['mase_ratio']:.4f}"
                f"  quantile loss {row['wql_ratio']:.4f}  in 80 % {row['inside_80']:.3f}"
                f"  {row['cpu_s']:.1f} CPU s"
            )
    table = pd.concat([table, pd.DataFrame(summary)], ignore_index=True)
    table.round(4).to_csv(options.out, index=False)


if __name__ == "__main__":
    sys.exit(main())
