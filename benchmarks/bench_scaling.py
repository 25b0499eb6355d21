"""Claim: time and memory per row do not grow with the number of series.

Panels of 100 steps. *Features* are LagFeatures and WindowFeatures, 23 float64 columns of the target
as in ``bench_features.py``; the *forecaster* fits a linear regression on windows of 14 and then
forecasts 7 steps, recursively. Each size runs in processes of its own, on one thread. CPU time is
the median of five timings after one that is not counted; each makes as many calls as it takes to
handle a million rows. Memory is the peak during one call less what was resident before it, in a
process that gives freed memory back at once. The sizes alternate over the rounds. As much memory is
touched and given back before each timing, because on a virtual machine the very first touch of a
page costs more than all the arithmetic.

    python benchmarks/bench_scaling.py

The table is also written to benchmarks/results/scaling.csv.
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
N_STEPS, N_AHEAD = 100, 7


def make_tasks(n_series):
    """Return the number of rows, and a call for each task."""
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    from sklearn_tsrec.features import LagFeatures, WindowFeatures
    from sklearn_tsrec.forecasting import WindowForecaster

    days = pd.date_range("2020-01-01", periods=N_STEPS + N_AHEAD)
    index = pd.MultiIndex.from_product([np.arange(n_series), days], names=["series", "day"])
    late = np.tile(np.arange(len(days)) >= N_STEPS, n_series)
    y = pd.Series(10 + np.random.default_rng(0).normal(size=(~late).sum()), index=index[~late])
    X, X_ahead = pd.DataFrame(index=index[~late]), pd.DataFrame(index=index[late])
    parts = [
        LagFeatures([*range(1, 15), 28], target=True),
        WindowFeatures([7, 28], ["mean", "std", "min", "max"], target=True),
    ]
    parts = [part.set_output(transform="pandas") for part in parts]
    forecaster = WindowForecaster(LinearRegression(), window=14)
    return len(X), {
        "features": lambda: [part.fit_transform(X, y) for part in parts],
        "forecaster": lambda: forecaster.fit(X, y).predict(X_ahead),
    }


def measure_time(n_series):
    """Print the CPU time of each task in nanoseconds per row."""
    import numpy as np

    n_rows, tasks = make_tasks(n_series)
    calls = max(1_000_000 // n_rows, 1)
    answer = {}
    for task, call in tasks.items():
        seconds = []
        for _ in range(6):
            gc.collect()
            np.ones(max(50 * n_rows, 10**7)).sum()
            start = time.process_time()
            for _ in range(calls):
                call()
            seconds.append((time.process_time() - start) / calls)
        answer[f"{task}, ns per row"] = 1e9 * median(seconds[1:]) / n_rows
    print(json.dumps(answer))


def measure_memory(n_series):
    """Print the peak memory of each task in bytes per row."""
    for call in make_tasks(10)[1].values():
        call()  # loads what is compiled
    n_rows, tasks = make_tasks(n_series)
    answer = {}
    for task, call in tasks.items():
        gc.collect()
        before = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        out = call()
        answer[f"{task}, bytes per row"] = (_memory("VmHWM") - before) / n_rows
        del out
    print(json.dumps(answer))


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
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.size:
        (measure_memory if options.memory else measure_time)(options.size)
        return
    runs = []
    for turn in range(options.rounds):
        for size in SIZES:
            run = {"series": size}
            for extra, environment in (
                ([], {}),
                (["--memory"], {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}),
            ):
                command = [sys.executable, __file__, "--size", str(size), *extra]
                done = subprocess.run(
                    command, capture_output=True, text=True, check=True,
                    env=os.environ | environment,
                )  # fmt: skip
                run |= json.loads(done.stdout)
            runs.append(run)
        print(f"round {turn + 1} of {options.rounds} done", flush=True)
    import pandas as pd

    table = pd.DataFrame(runs).groupby("series").median().round().astype(int)
    table.to_csv(Path(__file__).parent / "results" / "scaling.csv")
    print(table.to_string())


if __name__ == "__main__":
    main()
