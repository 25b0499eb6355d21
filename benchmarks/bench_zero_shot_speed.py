"""Claim: zero-shot forecasts of 500 series a CPU second, in memory that does not grow with them.

Windows of 512 values, 48 steps ahead, one thread. Beside it, if given, fracast (a public wheel
with weights; `pip install --no-deps --target FOLDER fracast`), on 20 series of the same table. The
two take turns, five times, and the least time of each counts: other work on the machine slows both.

    python benchmarks/bench_zero_shot_speed.py [--fracast FOLDER]
"""

import argparse
import os
import resource
import sys
import time

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np
import torch

from sklearn_tsrec import PatchTransformerRegressor


def make(n):
    """Return windows with a day in them."""
    rng = np.random.default_rng(0)
    season = 10 * np.sin(2 * np.pi * np.arange(512) / 24)
    return 100 + season + 0.2 * rng.normal(0, 1, (n, 512)).cumsum(axis=1)


def peak():
    """Return the most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds(forecast, windows, **params):
    """Return the CPU seconds that forecasts take."""
    begin = time.process_time()
    forecast(windows, **params)
    return time.process_time() - begin


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fracast", help="folder in which fracast was installed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    regressor = PatchTransformerRegressor(period=24, horizon=48).fit(make(4), np.zeros(4))
    regressor.predict(make(300))
    print(f"{'tool':16}{'series':>8}{'ms a series':>14}{'series a CPU s':>16}{'peak MB':>10}")
    for n in (1000, 2000, 4000):
        windows = make(n)
        held = 3 * windows.nbytes / 2**20  # the table, its copy as context, and what makes it
        ours = seconds(regressor.predict, windows) / n
        print(f"{'tsrec-small':16}{n:8}{ours * 1e3:14.2f}{1 / ours:16.0f}{peak() - held:10.0f}")
    if options.fracast:
        sys.path.append(options.fracast)
        from fracast import FracastModel

        model, windows, few = FracastModel.from_pretrained(), make(1000), make(20)
        ours, theirs = [], []
        for _ in range(5):
            ours.append(seconds(regressor.predict, windows) / len(windows))
            theirs.append(seconds(model.forecast_batch, few, horizon=48) / len(few))
        ours, theirs = min(ours), min(theirs)
        print(f"{'tsrec-small':16}{1000:8}{ours * 1e3:14.2f}{1 / ours:16.0f}")
        print(f"{'fracast':16}{20:8}{theirs * 1e3:14.2f}{1 / theirs:16.0f}")
        print(f"fracast takes {theirs / ours:.0f} times as long")


if __name__ == "__main__":
    main()
