"""Calibrate the intervals of a checkpoint on real series that no report shows.

Panels outside the report (bench_zero_shot.py), and of its own panels what lies before the values
that are forecast there; at most 60 windows of each.

    python benchmarks/calibrate_checkpoint.py --data ../shared/data/forecast --checkpoint FOLDER
        --out FILE.safetensors
"""

import argparse
from pathlib import Path

import bench_zero_shot as zero_shot
import numpy as np
import pandas as pd
import torch

from sklearn_tsrec.neural import calibrate, load_card, load_checkpoint, save_checkpoint

PANELS = {  # name: period, horizon
    "m1_yearly": (1, 6),
    "m1_quarterly": (4, 8),
    "m1_monthly": (12, 18),
    "tourism_yearly": (1, 4),
    "tourism_quarterly": (4, 8),
    "tourism_monthly": (12, 24),
    "m4_weekly": (52, 13),
    "etth1": (24, 24),
    "bike_sharing": (24, 24),
    "us_births_states": (7, 28),
    "aus_retail": (12, 18),
    "walmart_store_sales": (52, 8),
    "australia_tourism": (4, 8),
    "fx_monthly": (12, 12),
    "fred_monthly": (12, 12),
    "eia_fuel_price_weekly": (52, 13),
    "covid_deaths": (7, 14),
    "bicimad_users": (7, 28),
    "isone_load": (24, 24),
    "pedestrian_melbourne": (24, 24),
    "solar_hourly_au": (24, 24),
}
LONGEST, N_WINDOWS = 512, 60


def windows_of(folder, name, rng):
    """Return pairs of a history and the values after it."""
    period, horizon = PANELS[name]
    table = pd.read_parquet(folder / f"{name}.parquet").sort_values(["unique_id", "ds"])
    _, ahead, origins, step = zero_shot.GROUPS.get(name, (period, 0, 1, 0))
    series = []
    for _, part in table.groupby("unique_id"):
        y = part["y"].to_numpy(float)
        if ahead is None:
            y = y[~part["is_test"].to_numpy(bool)]
        else:
            y = y[: len(y) - ahead - (origins - 1) * step]
        series.append(y)
    n_cuts = -(-N_WINDOWS // len(series))
    found = []
    for y in series:
        end = len(y) - horizon
        for _ in range(n_cuts):
            if end < max(6, period):
                break
            past, future = y[max(end - LONGEST, 0) : end], y[end : end + horizon]
            if np.isfinite(future).all() and np.isfinite(past).mean() > 0.7 and np.nanstd(past) > 0:
                found.append((past, future))
            end -= horizon + int(rng.integers(3 * horizon))
    rows = rng.permutation(len(found))[:N_WINDOWS]
    return [found[row] for row in rows]


def main():
    """Calibrate, and say by how much intervals are widened."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng, pairs, periods = np.random.default_rng(0), [], []
    for name, (period, _) in PANELS.items():
        more = windows_of(options.data, name, rng)
        pairs += more
        periods += [period] * len(more)
    windows = np.full((len(pairs), LONGEST), np.nan)
    targets = np.full((len(pairs), max(horizon for _, horizon in PANELS.values())), np.nan)
    for window, target, (past, future) in zip(windows, targets, pairs):
        window[LONGEST - len(past) :], target[: len(future)] = past, future
    order = rng.permutation(len(pairs))
    net = load_checkpoint(options.checkpoint)
    calibrate(net, windows[order], targets[order], np.array(periods)[order])
    begin, slope = net.calibration
    print(f"{len(pairs)} windows, a = {begin:.3f}, b = {slope:.3f}")
    for n_seen in (10, 40, 150, 512):
        factor = np.clip(np.exp(begin + slope * np.log(n_seen)), 0.7, 2.0)
        print(f"{n_seen:4} values: intervals times {factor:.2f}")
    said = {"series": f"{len(pairs)} real windows outside the report", "a, b": net.calibration}
    save_checkpoint(net, options.out, load_card(options.checkpoint) | {"calibration": said})


if __name__ == "__main__":
    main()
