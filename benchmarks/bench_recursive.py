"""Claim: a recursive forecast costs little beyond the model, and fitting costs no more than a peer.

The task: 1,000 daily series of 200 steps, lags 1 to 14 of the target, one LightGBM over all of
them, 28 steps ahead, one thread. Every tool runs in a process of its own, from a table in its own
form. CPU time is ``time.process_time``: the median over repetitions, after one call that is not
counted. Overhead per step is the time of ``predict`` less the time that the same fitted LightGBM
needs for the same 28 × 1,000 rows in that same process, over 28. All tools grow the same trees
from the same rows in the same order, so their forecasts must be equal; the largest difference to
ours is printed.

    python benchmarks/bench_recursive.py [--peers PYTHON] [--rounds N]

``--peers`` names a Python that has mlforecast and skforecast. The table is also written to
benchmarks/results/recursive.csv.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}

N_SERIES, N_STEPS, N_LAGS, HORIZON = 1_000, 200, 14, 28


def model():
    """Return the model that every tool fits."""
    from lightgbm import LGBMRegressor

    class WholeWindows(LGBMRegressor):
        """Says that it takes no NaN: ours then leaves out the heads of series, as the peers do."""

        def __sklearn_tags__(self):
            tags = super().__sklearn_tags__()
            tags.input_tags.allow_nan = False
            return tags

    return WholeWindows(n_estimators=100, num_threads=1, deterministic=True, verbose=-1)


def ours(frame):
    """Return calls of fit and predict, and the fitted LightGBM."""
    import pandas as pd

    from sklearn_tsrec.forecasting import WindowForecaster

    frame = frame.set_index(["unique_id", "ds"])
    last = frame.index.get_level_values("ds").max()
    days = pd.date_range(last + pd.Timedelta(days=1), periods=HORIZON)
    index = pd.MultiIndex.from_product([frame.index.levels[0], days], names=frame.index.names)
    X, future = frame[[]], pd.DataFrame(index=index)
    forecaster = WindowForecaster(model(), window=N_LAGS)
    return (
        lambda: forecaster.fit(X, frame["y"]),
        lambda: forecaster.predict(future),
        lambda: forecaster.estimator_,
    )


def mlforecast(frame):
    """Return calls of fit and predict, and the fitted LightGBM."""
    from mlforecast import MLForecast

    tool = MLForecast(models={"lgb": model()}, freq="D", lags=range(N_LAGS, 0, -1), num_threads=1)
    return (
        lambda: tool.fit(frame, static_features=[]),
        lambda: tool.predict(HORIZON)["lgb"].to_numpy(),
        lambda: tool.models_["lgb"],
    )


def skforecast(frame):
    """Return calls of fit and predict, and the fitted LightGBM."""
    from skforecast.recursive import ForecasterRecursiveMultiSeries

    wide = frame.pivot(index="ds", columns="unique_id", values="y").asfreq("D")
    tool = ForecasterRecursiveMultiSeries(
        estimator=model(), lags=N_LAGS, encoding=None, transformer_series=None
    )

    def predict():
        table = tool.predict(steps=HORIZON, suppress_warnings=True)
        return table.reset_index().sort_values(["level", "index"])["pred"].to_numpy()

    return lambda: tool.fit(series=wide, suppress_warnings=True), predict, lambda: tool.estimator


TOOLS = {"ours": ours, "mlforecast": mlforecast, "skforecast": skforecast}


def serve(name, folder):
    """Time one tool in this process and write its forecasts."""
    import numpy as np
    import pandas as pd

    warnings.simplefilter("ignore")
    frame = pd.read_parquet(folder / "panel.parquet")
    fit, predict, fitted = TOOLS[name](frame)
    fit()
    forecasts = np.asarray(predict())
    np.save(folder / f"{name}.npy", forecasts)
    # The rows that the model is really asked about, for the time that it needs by itself.
    known = frame["y"].to_numpy().reshape(N_SERIES, -1)[:, -N_LAGS:]
    path = np.concatenate([known, forecasts.reshape(N_SERIES, -1)], axis=1)
    asked = [np.ascontiguousarray(path[:, step : step + N_LAGS]) for step in range(HORIZON)]
    times = {"fit": [], "predict": [], "model": []}
    for _ in range(5):
        for call, kind in ((fit, "fit"), (predict, "predict")):
            start = time.process_time()
            call()
            times[kind].append(time.process_time() - start)
        start = time.process_time()
        for rows in asked:
            fitted().predict(rows)
        times["model"].append(time.process_time() - start)
    fit, whole, alone = (median(times[kind]) for kind in ("fit", "predict", "model"))
    print(json.dumps({"fit": fit, "overhead": (whole - alone) / HORIZON}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peers", help="a Python with the peers installed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, Path(options.data))
        return
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [
            [f"s{i:04d}" for i in range(N_SERIES)],
            pd.date_range("2020-01-01", periods=N_STEPS).as_unit("ns"),
        ],
        names=["unique_id", "ds"],
    )
    season = np.sin(2 * np.pi * np.arange(N_STEPS) / 7)
    level = rng.normal(10, 3, (N_SERIES, 1))
    y = level + season + rng.normal(0, 0.5, (N_SERIES, N_STEPS))
    results = {name: [] for name in TOOLS if name == "ours" or options.peers}
    with tempfile.TemporaryDirectory() as folder:
        frame = pd.DataFrame({"y": y.ravel()}, index=index).reset_index()
        frame.to_parquet(Path(folder) / "panel.parquet")
        for _ in range(options.rounds):
            for name in results:
                python = sys.executable if name == "ours" else options.peers
                done = subprocess.run(
                    [python, __file__, "--serve", name, "--data", folder],
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                if done.returncode:
                    print(f"{name}: {done.stderr.strip().splitlines()[-1]}")
                    continue
                results[name].append(json.loads(done.stdout.splitlines()[-1]))
        forecasts = {
            name: np.load(Path(folder) / f"{name}.npy") for name, runs in results.items() if runs
        }
    rows = [
        {
            "tool": name,
            "fit, CPU s": f"{median(run['fit'] for run in runs):.2f}",
            "overhead per step, ms": f"{1000 * median(run['overhead'] for run in runs):.2f}",
            "largest difference to ours": f"{abs(forecasts[name] - forecasts['ours']).max():.1e}",
        }
        for name, runs in results.items()
        if runs
    ]
    table = pd.DataFrame(rows)
    table.to_csv(Path(__file__).parent / "results" / "recursive.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
