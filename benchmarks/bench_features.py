"""Claim: lags and window statistics cost less here than in any peer, in time and in memory.

The task: lags 1–14 and 28 plus mean, std, min and max over 7 and 28 steps (23 columns), all of the
target one step before its row, from a long daily panel. Every tool runs in a process of its own,
on one thread, from a table that is already in memory in the tool's own form, to its usual output.
CPU time is that of the process and of all processes it starts (sktime's default is to work in
several): the median over repetitions, after a call on five series that is not counted (it
compiles). Results are kept, so that no call reuses the memory of the one before;
and before each call as much memory is touched and given back, because on a virtual machine the very
first touch of a page costs more than all the arithmetic and hits tools at random. The rounds of the
tools alternate, so that a loaded machine slows all of them alike. Extra memory is the peak of
resident memory during the call, less what was resident before it, over the bytes of input and
output: the highest of the repetitions, since later ones may find memory that earlier ones left
behind. It is that of the tool's own process: what sktime's helpers need comes on top. The three
slow peers are timed once; feature-engine gets 1,000 series at most, since it handles each by
itself. "Ours is" compares like with like: key columns of pandas or polars with a peer that reads
those, the panel with the others.

    python benchmarks/bench_features.py [--peers PYTHON] [--quick]

``--peers`` names a Python that has mlforecast, skforecast, feature-engine and sktime. Without
``--quick`` the table is also written to benchmarks/results/features.csv.
"""

import argparse
import contextlib
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}

LAGS = [*range(1, 15), 28]
WINDOWS = [7, 28]
STATISTICS = ["mean", "std", "min", "max"]


def ours(frame, *, union=False, columns=False, polars=False):
    """Return the calls of the two transformers, summed, or of their union."""
    from sklearn.pipeline import make_union

    from sklearn_tsrec.features import LagFeatures, WindowFeatures

    keys = {"group": "unique_id", "time": "ds"} if columns or polars else {}
    if not keys:
        frame = frame.set_index(["unique_id", "ds"])
    if polars:
        import polars as pl

        frame = pl.from_pandas(frame)
    y = frame["y"]
    X = frame.drop("y") if polars else frame.drop(columns="y")
    parts = [
        LagFeatures(LAGS, target=True, **keys),
        WindowFeatures(WINDOWS, STATISTICS, target=True, **keys),
    ]
    output = "polars" if polars else "pandas"
    if union:
        parts = [make_union(*parts, verbose_feature_names_out=False)]
    parts = [part.set_output(transform=output) for part in parts]
    return lambda: [part.fit_transform(X, y) for part in parts]


def mlforecast(frame, *, polars=False):
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMax, RollingMean, RollingMin, RollingStd

    if polars:
        import polars as pl

        frame = pl.from_pandas(frame)
    rolling = [f(w) for w in WINDOWS for f in (RollingMean, RollingStd, RollingMin, RollingMax)]

    def call():
        model = MLForecast(
            models=[],
            freq="1d" if polars else "D",
            lags=LAGS,
            lag_transforms={1: rolling},
            num_threads=1,
        )
        return [model.preprocess(frame, static_features=[], dropna=False)]

    return call


def skforecast(frame):
    from skforecast.preprocessing import RollingFeatures
    from skforecast.recursive import ForecasterRecursiveMultiSeries
    from sklearn.linear_model import LinearRegression

    wide = frame.pivot(index="ds", columns="unique_id", values="y").asfreq("D")
    names = [s for _ in WINDOWS for s in STATISTICS]
    sizes = [w for w in WINDOWS for _ in STATISTICS]
    model = ForecasterRecursiveMultiSeries(
        estimator=LinearRegression(),
        lags=LAGS,
        window_features=RollingFeatures(stats=names, window_sizes=sizes),
        encoding=None,
        transformer_series=None,
    )
    return lambda: [model.create_train_X_y(series=wide)[0]]


def sktime(frame):
    from sktime.transformations.series.summarize import WindowSummarizer

    y = frame.set_index(["unique_id", "ds"])[["y"]]
    features = {"lag": LAGS} | {s: [[1, w] for w in WINDOWS] for s in STATISTICS}
    return lambda: [WindowSummarizer(lag_feature=features).fit_transform(y)]


def feature_engine(frame):
    import pandas as pd
    from feature_engine.timeseries.forecasting import LagFeatures, WindowFeatures
    from sklearn.pipeline import make_pipeline

    groups = [g.set_index("ds")[["y"]] for _, g in frame.groupby("unique_id")]

    def call():
        parts = []
        for group in groups:
            pipeline = make_pipeline(
                LagFeatures(variables=["y"], periods=LAGS),
                WindowFeatures(variables=["y"], window=WINDOWS, functions=STATISTICS, periods=1),
            )
            parts.append(pipeline.fit_transform(group))
        return [pd.concat(parts)]

    return call


PANEL, COLUMNS = "ours, panel (index) → pandas", "ours, key columns → pandas"
UNION, POLARS = "ours, FeatureUnion → pandas", "ours, polars → polars"
SMALL = "ours, polars, float32"
# name: (maker, options, float32, which of ours a peer is compared with, most series if it is slow)
TOOLS = {
    PANEL: (ours, {}, False, None, None),
    COLUMNS: (ours, {"columns": True}, False, None, None),
    UNION: (ours, {"union": True}, False, None, None),
    POLARS: (ours, {"polars": True}, False, None, None),
    SMALL: (ours, {"polars": True}, True, None, None),
    "mlforecast, pandas": (mlforecast, {}, False, COLUMNS, None),
    "mlforecast, polars": (mlforecast, {"polars": True}, False, POLARS, None),
    "mlforecast, polars, float32": (mlforecast, {"polars": True}, True, SMALL, None),
    "skforecast": (skforecast, {}, False, PANEL, 10_000),
    "sktime WindowSummarizer": (sktime, {}, False, PANEL, 10_000),
    "feature-engine, by group": (feature_engine, {}, False, PANEL, 1_000),
}


def serve(name, path):
    """Run one tool in this process: each line of input asks for one timed call."""
    import warnings

    import numpy as np
    import pandas as pd

    warnings.simplefilter("ignore")
    maker, options, small, _, limit = TOOLS[name]
    frame = pd.read_parquet(path)
    frame["y"] = frame["y"].astype("float32" if small else "float64")
    series = frame["unique_id"].unique()
    maker(frame[frame["unique_id"].isin(series[:5])], **options)()
    if limit and limit < len(series):
        frame = frame[frame["unique_id"].isin(series[:limit])].reset_index(drop=True)
    n_rows, n_in = len(frame), 8 * 3 * len(frame)
    call = maker(frame, **options)
    del frame
    kept = []  # results stay, as a user keeps them: no call may reuse the memory of the last one
    for _ in sys.stdin:
        gc.collect()
        np.ones(250_000_000).sum()
        before = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        start = _cpu_seconds()
        out = call()
        seconds = _cpu_seconds() - start
        peak = _memory("VmHWM") - before
        n_out = n_rows * 23 * (4 if small else 8)
        kept.append(out)
        answer = {"rate": n_rows / seconds, "memory": peak / (n_in + n_out)}
        print(json.dumps(answer), flush=True)


def _cpu_seconds():
    """Return the CPU time of this process and of all that it started, ended or alive."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.process_time() + ended.ru_utime + ended.ru_stime
    for pid in _started(os.getpid()):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            seconds += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return seconds


def _started(pid):
    """Return the processes that a process started and that are alive, theirs included."""
    children = [
        int(child)
        for tasks in Path(f"/proc/{pid}/task").glob("*/children")
        for child in tasks.read_text().split()
    ]
    return children + [process for child in children for process in _started(child)]


def _memory(field):
    """Return a line of this process's memory status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def compare(n_series, n_steps, peers, rounds):
    """Return the table of one size."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [[f"s{i:06d}" for i in range(n_series)], pd.date_range("2020-01-01", periods=n_steps)],
        names=["unique_id", "ds"],
    )
    frame = pd.DataFrame({"y": 10 + rng.normal(size=len(index))}, index=index).reset_index()
    names = [n for n, (*_, rival, _) in TOOLS.items() if peers or not rival]
    results = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panel.parquet"
        frame.to_parquet(path)
        del frame, index
        for turn in range(rounds):
            for name in names:
                *_, rival, limit = TOOLS[name]
                if limit and turn:
                    continue
                command = [peers if rival else sys.executable, __file__, "--serve", name]
                done = subprocess.run(
                    [*command, "--data", path], input="\n\n\n" if not limit else "\n",
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                if done.returncode:
                    print(f"{name}: {done.stderr.strip().splitlines()[-1]}")
                    continue
                results[name] += [json.loads(line) for line in done.stdout.splitlines()]
    results = {name: runs for name, runs in results.items() if runs}
    rates = {name: median(r["rate"] for r in runs) for name, runs in results.items()}
    return pd.DataFrame(
        [
            {
                "panel": f"{n_series:,} × {n_steps:,}",
                "tool": name,
                "million rows per CPU second": f"{rate / 1e6:.3g}",
                "ours is": _times(rates[rival] / rate) if (rival := TOOLS[name][3]) else "",
                "extra memory": f"{max(r['memory'] for r in results[name]):.2f} ×",
            }
            for name, rate in rates.items()
        ]
    )


def _times(ratio):
    """Return a ratio with three digits."""
    return f"{float(f'{ratio:.3g}'):,g} ×"


def first_call():
    """Print what the first call after import costs beyond later ones, with compiled code cached."""
    code = (
        "import time, numpy as np, pandas as pd\n"
        "from sklearn_tsrec.features import LagFeatures, WindowFeatures\n"
        "X = pd.DataFrame({'v': np.arange(50.)}, index=pd.date_range('2024', periods=50))\n"
        "def call():\n"
        "    t = time.process_time()\n"
        "    LagFeatures([1]).fit_transform(X); WindowFeatures(7).fit_transform(X)\n"
        "    return time.process_time() - t\n"
        "print(call() - call())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(4)
    ]
    seconds = median(float(run.stdout) for run in runs[1:])
    print(f"\nfirst call after import, compiled code cached: {seconds:.2f} CPU seconds more")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peers", help="a Python with the peers installed")
    parser.add_argument("--quick", action="store_true", help="small panels, one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.data)
        return
    sizes = [(100, 200)] if options.quick else [(1_000, 1_000), (10_000, 200)]
    rounds = 1 if options.quick else options.rounds
    tables = [compare(*size, options.peers, rounds) for size in sizes]
    import pandas as pd

    table = pd.concat(tables)
    print(table.to_string(index=False))
    if not options.quick:
        table.to_csv(Path(__file__).parent / "results" / "features.csv", index=False)
    first_call()


if __name__ == "__main__":
    main()
