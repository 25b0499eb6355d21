"""Claims: 100 times sktime's own global reduction in CPU time, and an adapter that costs little.

Two tasks on 1,000 daily series of 200 steps, 7 steps ahead, one thread.

*reduction*: sktime's ``make_reduction(pooling="global")`` with ``WindowSummarizer``, beside
``TsrecForecaster``, with the same features (lags 1, 2 and 7, mean and standard deviation of the
last 7 values) and the same model (least squares). Forecasts must be equal: the largest difference
is printed.

*adapter*: ``TsrecForecaster`` beside the ``WindowForecaster`` in it, called as it is in
scikit-learn, with LightGBM of 100 trees and with least squares. The overhead is the share by which
fit and predict take longer through sktime, most of it sktime's own checks of its input.

Each tool runs in a process of its own, after a small call that is not counted. CPU time includes
child processes.

    python benchmarks/bench_sktime.py [--series N] [--rounds N]

The table is also written to benchmarks/results/sktime.csv.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from statistics import median

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

HERE = Path(__file__).parent
N_STEPS, HORIZON, WINDOW = 200, 7, 7


def series(n_series, n_steps=N_STEPS):
    """Return the panel."""
    from sklearn_tsrec.datasets import make_panel

    return make_panel(n_series, n_steps, effects=(), noise=1.0, random_state=0)[1].to_frame()


def three_lags(windows):
    """Return lags 1, 2 and 7."""
    return windows[:, [-1, -2, 0]]


def summaries():
    """Return least squares on lags, mean and standard deviation of windows."""
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import FunctionTransformer

    from sklearn_tsrec.features import WindowStatistics

    features = make_union(FunctionTransformer(three_lags), WindowStatistics(["mean", "std"]))
    return make_pipeline(features, LinearRegression())


def boosting():
    """Return a LightGBM."""
    from lightgbm import LGBMRegressor

    return LGBMRegressor(n_estimators=100, n_jobs=1, deterministic=True, verbose=-1)


def in_sktime(forecaster):
    """Return a function that fits and forecasts as in sktime."""
    return lambda y: forecaster.clone().fit(y).predict(fh=range(1, HORIZON + 1))


def sktime_reduction():
    """Return sktime's global reduction."""
    from sklearn.linear_model import LinearRegression
    from sktime.forecasting.compose import make_reduction
    from sktime.transformations.summarize import WindowSummarizer

    lags = {"lag": [1, 2, 7], "mean": [[1, WINDOW]], "std": [[1, WINDOW]]}
    return in_sktime(
        make_reduction(
            LinearRegression(),
            transformers=[WindowSummarizer(lag_feature=lags, n_jobs=1)],
            window_length=None,
            strategy="recursive",
            pooling="global",
        )
    )


def adapter(model):
    """Return our forecaster in sktime."""
    from sklearn_tsrec.sktime import TsrecForecaster

    return in_sktime(TsrecForecaster(model, window=WINDOW))


def alone(model):
    """Return the same forecaster in scikit-learn."""
    import pandas as pd
    from sklearn.base import clone

    from sklearn_tsrec import WindowForecaster

    def run(y):
        last = y.index.levels[1][-1]
        days = pd.date_range(last, periods=HORIZON + 1)[1:]
        index = pd.MultiIndex.from_product([y.index.levels[0], days], names=y.index.names)
        forecaster = clone(WindowForecaster(model, window=WINDOW)).fit(y[[]], y["y"])
        future = pd.DataFrame(index=index)
        return pd.DataFrame({"y": forecaster.predict(future)}, index)

    return run


TOOLS = {
    "make_reduction": sktime_reduction,
    "TsrecForecaster": lambda: adapter(summaries()),
    "WindowForecaster": lambda: alone(summaries()),
    "TsrecForecaster (LightGBM)": lambda: adapter(boosting()),
    "WindowForecaster (LightGBM)": lambda: alone(boosting()),
}
PAIRS = [
    ("reduction", "make_reduction", "TsrecForecaster"),
    ("adapter", "TsrecForecaster", "WindowForecaster"),
    ("adapter, LightGBM", "TsrecForecaster (LightGBM)", "WindowForecaster (LightGBM)"),
]


def cpu_seconds():
    """Return the CPU time of this process and of its children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def run_tool(name, n_series, rounds, out):
    """Run one tool in this process, and keep its forecasts."""
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    run, y = TOOLS[name](), series(n_series)
    run(series(2, 30))
    seconds = []
    for _ in range(rounds):
        start = cpu_seconds()
        forecast = run(y)
        seconds.append(cpu_seconds() - start)
    forecast.to_pickle(out)
    print(json.dumps(seconds))


def measure(name, n_series, rounds, folder):
    """Return the CPU time of a tool, run in a process of its own, and its forecasts."""
    import pandas as pd

    out = Path(folder) / f"{name}.pickle"
    arguments = ["--tool", name, "--out", str(out), "--series", str(n_series)]
    command = [sys.executable, __file__, *arguments, "--rounds", str(rounds)]
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return median(json.loads(done.stdout.splitlines()[-1])), pd.read_pickle(out)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tool")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    if arguments.tool:
        run_tool(arguments.tool, arguments.series, arguments.rounds, arguments.out)
        return
    import pandas as pd

    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in TOOLS:
            rounds = 1 if name == "make_reduction" else arguments.rounds
            results[name] = measure(name, arguments.series, rounds, folder)
            print(f"{name:32}{results[name][0]:10.3f} CPU-s", flush=True)
    rows = []
    for task, one, two in PAIRS:
        (slow, expected), (quick, forecast) = results[one], results[two]
        gap = float((expected["y"] - forecast["y"].reindex(expected.index)).abs().max())
        row = {"task": task, "series": arguments.series, "one": one, "two": two}
        rows.append(row | {"cpu_one": slow, "cpu_two": quick, "ratio": slow / quick, "gap": gap})
    table = pd.DataFrame(rows).round({"cpu_one": 3, "cpu_two": 3, "ratio": 3})
    table.to_csv(HERE / "results" / "sktime.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    main()
