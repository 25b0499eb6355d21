"""Claim: time and memory per row do not grow with the number of series.

LagFeatures and WindowFeatures (23 float64 columns of the target, as in ``bench_features.py``) on
panels of 100 steps. Each size runs in a process of its own, on one thread: CPU time is the median
of five calls after one that is not counted, memory the peak during a call less what was resident
before it. The sizes alternate over the rounds. Each result is kept for one call more, so that no
call reuses its memory; and as much memory is touched and given back before each call, because on a
virtual machine the very first touch of a page costs more than all the arithmetic. About 4 ms of a
call are the same for every size: they show at 1,000 series.

    python benchmarks/bench_scaling.py
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

SIZES = [1_000, 3_000, 10_000, 30_000, 100_000]
N_STEPS = 100


def measure(n_series):
    """Time the two transformers on one size and print the median per row."""
    import numpy as np
    import pandas as pd

    from sklearn_tsrec.features import LagFeatures, WindowFeatures

    index = pd.MultiIndex.from_product(
        [np.arange(n_series), pd.date_range("2020-01-01", periods=N_STEPS)], names=["series", "day"]
    )
    y = pd.Series(10 + np.random.default_rng(0).normal(size=len(index)), index=index)
    X = pd.DataFrame(index=index)
    parts = [
        LagFeatures([*range(1, 15), 28], target=True),
        WindowFeatures([7, 28], ["mean", "std", "min", "max"], target=True),
    ]
    seconds, peaks = [], []
    kept = None
    for _ in range(6):
        gc.collect()
        np.ones(max(50 * len(X), 10**7)).sum()
        before = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        start = time.process_time()
        out = [part.set_output(transform="pandas").fit_transform(X, y) for part in parts]
        seconds.append(time.process_time() - start)
        peaks.append(_memory("VmHWM") - before)
        kept = out  # noqa: F841
    print(json.dumps([median(seconds[1:]) / len(X), median(peaks[1:]) / len(X)]))


def _memory(field):
    """Return a line of this process's memory status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.size:
        measure(options.size)
        return
    results = {size: [] for size in SIZES}
    for _ in range(options.rounds):
        for size in SIZES:
            command = [sys.executable, __file__, "--size", str(size)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            results[size].append(json.loads(done.stdout))
    print(f"{'series':>10}{'rows':>14}{'ns per row':>12}{'bytes per row':>15}")
    for size, runs in results.items():
        nanoseconds = 1e9 * median(r[0] for r in runs)
        memory = median(r[1] for r in runs)
        print(f"{size:10,}{size * N_STEPS:14,}{nanoseconds:12.0f}{memory:15.0f}")


if __name__ == "__main__":
    main()
