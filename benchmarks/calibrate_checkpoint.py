"""Calibrate the intervals of a checkpoint on series of M1 and ETTh1, before their test values.

The groups are those on which recipes were compared (bench_zero_shot.py); windows end one or more
horizons before the values that are reported there.

    python benchmarks/calibrate_checkpoint.py --data ../shared/data/forecast --checkpoint FOLDER
        --out FILE.safetensors
"""

import argparse
from pathlib import Path

import bench_zero_shot as zero_shot
import numpy as np
import torch

from sklearn_tsrec.neural import calibrate, load_card, load_checkpoint, save_checkpoint

HORIZON = 24  # most steps looked at; shorter ones end in NaN


def tasks_of(folder):
    """Return windows, targets and periods of equal weight for each group."""
    windows, targets, periods = [], [], []
    for group in sorted(zero_shot.CHOSEN_ON):
        period, horizon, *_ = zero_shot.GROUPS[group]
        parts = zero_shot.read(folder / f"{group}.parquet", horizon, 20, 144, 140, 6000)
        for past, future in parts:
            ahead = min(len(future), HORIZON)
            before = past[-1200:] if horizon is None else past[: -20 * 144]
            if len(before) < ahead + 8:
                continue
            window, target = np.full(512, np.nan), np.full(HORIZON, np.nan)
            seen = before[:-ahead][-512:]
            window[512 - len(seen) :], target[:ahead] = seen, before[-ahead:]
            windows.append(window)
            targets.append(target)
            periods.append(period)
    return np.array(windows), np.array(targets), np.array(periods)


def main():
    """Calibrate, and say by how much intervals are widened."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    net = calibrate(load_checkpoint(options.checkpoint), *tasks_of(options.data))
    begin, slope = net.calibration
    for n_seen in (15, 40, 80, 200, 512):
        factor = np.clip(np.exp(begin + slope * np.log(n_seen)), 0.7, 2.0)
        print(f"{n_seen:4} values: intervals times {factor:.2f}")
    said = {"series": "M1 and ETTh1, before their test values", "a, b": net.calibration}
    save_checkpoint(net, options.out, load_card(options.checkpoint) | {"calibration": said})


if __name__ == "__main__":
    main()
