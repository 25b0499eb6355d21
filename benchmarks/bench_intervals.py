"""Claim: intervals of 90 % hold 90 %, and score better than those of other split conformal tools.

Twelve panels, yearly to hourly, at most --series series each. All tools make intervals around the
same forecast, for the last windows of each series, more of them where histories are long and series
few. The forecast is the seasonal naive one, that of a LightGBM on windows, or that of the
checkpoint as it is. Every tool sees the same history of at most --history values. MAPIE is given
all series of a panel in units of their own mean absolute change, and the last window before the
test to calibrate on, as its manual says; sktime's ConformalIntervals fits each series by
itself, on its last 40 cutoffs, which takes so long that it is given 20 series of yearly and
quarterly panels, and the naive forecast; it is compared with ours on the rows of these. Ours
has tails of their own and puts steps together (``symmetric=False, per=None``), which was best on
windows before those (--cut earlier); "defaults" has neither.

Figures: the share of values held, the interval score in units of the mean absolute change, its
ratio to ours, and CPU seconds.

A second table: coverage in steps 50 to 150 after the noise of a series grew fourfold, or its level
and dependence changed, step after step.

    python benchmarks/bench_intervals.py --data ../shared/data/forecast
        [--series N] [--history N] [--cut test|earlier] [--keep FOLDER]
        [--tools NAME ...]

MAPIE is imported from where Python finds it: pip install mapie. --keep stores what is done and goes
on from there. Tables go to intervals.csv, intervals_mean.csv and intervals_shift.csv of
benchmarks/results.
"""

import argparse
import os
import time
import warnings
from functools import partial
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

from sklearn_tsrec import ConformalForecaster, PanelTimeSeriesSplit, WindowForecaster

# name: period, horizon, windows at the end that are forecast
PANELS = {
    "m1_yearly": (1, 6, 1),
    "tourism_yearly": (1, 4, 2),
    "m1_quarterly": (4, 8, 2),
    "tourism_quarterly": (4, 8, 3),
    "australia_tourism": (4, 8, 3),
    "m1_monthly": (12, 12, 2),
    "tourism_monthly": (12, 12, 3),
    "aus_retail": (12, 12, 3),
    "m4_weekly": (52, 13, 3),
    "us_births_states": (7, 14, 3),
    "etth1": (24, 24, 5),
    "isone_load": (24, 24, 10),
}
RESULTS = Path(__file__).parent / "results"
COVERAGE = 0.9
SKTIME_SERIES = 20


def read(path, most, history, n_last):
    """Return the last values of a sample of series, all ending at step 0."""
    table = pd.read_parquet(path, columns=["unique_id", "ds", "y"]).dropna()
    names = np.sort(table["unique_id"].unique())
    if len(names) > most:
        names = np.sort(np.random.default_rng(0).choice(names, most, replace=False))
    parts = {}
    for name, part in table[table["unique_id"].isin(names)].groupby("unique_id"):
        y = part.sort_values("ds")["y"].to_numpy(float)[-history - n_last :]
        parts[name] = pd.Series(y, np.arange(1 - len(y), 1))
    return pd.concat(parts, names=["series", "step"])


def base(name, period, horizon):
    """Return the forecaster of a name."""
    if name == "naive":
        last = DummyRegressor(strategy="constant", constant=0.0)
        return WindowForecaster(last, window=[period], target_transform="last")
    if name == "LightGBM":
        from lightgbm import LGBMRegressor

        trees = LGBMRegressor(
            objective="l1", n_estimators=100, num_leaves=8, num_threads=1, random_state=0,
            verbose=-1,
        )  # fmt: skip
        window = max(4, 2 * period if period <= 24 else period // 2)
        return WindowForecaster(trees, window=window, target_transform=["last", "scale"])
    from sklearn_tsrec import PatchTransformerRegressor

    net = PatchTransformerRegressor(period=period)
    return WindowForecaster(net, window=256, horizon=horizon)


def ours(y, ahead, period, horizon, forecast, n_folds=8, **settings):
    """Return lower and upper ends of rows ahead."""
    X = pd.DataFrame(index=y.index)
    longest = y.groupby(level=0).size().max()
    n_folds = min(n_folds, (longest - 2 * horizon - 2 * period) // horizon + 1)
    if y.index.get_level_values(0).nunique() == 1:
        n_folds = max(n_folds, 12)  # few errors in each
    cv = PanelTimeSeriesSplit(n_folds, horizon=horizon)
    settings = {"symmetric": False, "per": None} | settings
    model = ConformalForecaster(base(forecast, period, horizon), cv=cv, **settings)
    return model.fit(X, y).predict_interval(pd.DataFrame(index=ahead), COVERAGE)


class Given(RegressorMixin, BaseEstimator):
    """Forecasts that are there already, by row number: MAPIE tries estimators on rows of zeros."""

    def __init__(self, forecasts):
        self.forecasts = forecasts

    def fit(self, X, y):
        self.n_features_in_ = 1
        return self

    def predict(self, X):
        return self.forecasts[np.asarray(X)[:, 0].astype(int)]


def mapie(y, ahead, period, horizon, forecast):
    """Return the same of MAPIE, whose one set of scores is of series in units of their changes."""
    from mapie.regression import SplitConformalRegressor

    unit = y.groupby(level=0).apply(lambda s: s.diff().abs().mean())
    unit = unit.replace(0, unit[unit > 0].min())
    y = y / unit.reindex(y.index.get_level_values(0)).to_numpy()
    step = y.index.get_level_values(1)
    late = step > step.max() - horizon
    X = pd.DataFrame(index=y.index)
    model = base(forecast, period, horizon).fit(X[~late], y[~late])
    known = np.isin(y.index.get_level_values(0)[late], model.groups_)
    truth = y[late][known].to_numpy()
    before = model.predict(X[late][known])
    # the forecast is that of the newest history, as for all
    after = model.update(X[late], y[late]).predict(pd.DataFrame(index=ahead))
    rows = np.arange(len(before) + len(after))[:, np.newaxis]
    model = Given(np.concatenate([before, after])).fit(rows, rows[:, 0])
    split = SplitConformalRegressor(model, confidence_level=COVERAGE, prefit=True)
    split.conformalize(rows[: len(before)], truth)
    _, ends = split.predict_interval(rows[len(before) :])
    return ends[:, :, 0] * unit.reindex(ahead.get_level_values(0)).to_numpy()[:, np.newaxis]


def sktime(y, ahead, period, horizon):
    """Return the same of sktime, series by series."""
    from sktime.forecasting.conformal import ConformalIntervals
    from sktime.forecasting.naive import NaiveForecaster

    out = pd.DataFrame(np.nan, ahead, ["low", "high"])
    for name, part in y.groupby(level=0):
        values = pd.Series(part.to_numpy(), pd.RangeIndex(len(part)))
        first = max(len(values) - 40 - horizon, min(period + 1, len(values) - 2), 2)
        model = ConformalIntervals(
            NaiveForecaster(sp=period), method="conformal", initial_window=first
        )
        try:
            model.fit(values, fh=np.arange(1, horizon + 1))
            ends = model.predict_interval(coverage=COVERAGE).to_numpy()
        except Exception:  # too few cutoffs: no interval
            continue
        out.loc[[name], ["low", "high"]] = ends
    return out.to_numpy()


TOOLS = {
    "naive: ours": (ours, {"forecast": "naive"}),
    "naive: defaults": (ours, {"forecast": "naive", "symmetric": True, "per": "horizon"}),
    "naive: MAPIE": (mapie, {"forecast": "naive"}),
    "naive: sktime": (sktime, {}),
    "LightGBM: ours": (ours, {"forecast": "LightGBM"}),
    "LightGBM: MAPIE": (mapie, {"forecast": "LightGBM"}),
    "net: ours": (ours, {"forecast": "net"}),
    "net: MAPIE": (mapie, {"forecast": "net"}),
}


def evaluate(tool, y, period, horizon, origins, skipped, **settings):
    """Return what intervals hold and score, row by row, over windows at the end."""
    parts, seconds = [], 0.0
    step = y.index.get_level_values(1)
    for origin in range(origins):
        end = -(origin + skipped) * horizon
        past, test = step <= end - horizon, (step > end - horizon) & (step <= end)
        history = y[past]
        usable = history.groupby(level=0).size()
        usable = usable.index[usable >= 2 * period + 2]
        history = history[history.index.isin(usable, level=0)]
        truth = y[test]
        truth = truth[truth.index.isin(usable, level=0)]
        start = time.process_time()
        ends = tool(history, truth.index, period, horizon, **settings)
        seconds += time.process_time() - start
        unit = history.groupby(level=0).apply(lambda s: s.diff().abs().mean())
        unit = unit.replace(0, unit[unit > 0].min())
        unit = unit.reindex(truth.index.get_level_values(0)).to_numpy()
        low, high = ends.T
        value = truth.to_numpy()
        miss = np.maximum(low - value, 0) + np.maximum(value - high, 0)
        score = ((high - low) + 2 / (1 - COVERAGE) * miss) / unit
        found = {"held": (low <= value) & (value <= high), "score": score}
        parts.append(pd.DataFrame(found, truth.index)[~np.isnan(low)])
    return pd.concat(parts).assign(cpu=seconds)


def shifted(kind, seed, n=400, at=200):
    """Return a series that changes at some step."""
    rng = np.random.default_rng(seed)
    after = np.arange(n) >= at
    y = np.zeros(n)
    for t in range(1, n):
        if kind == "noise":
            y[t] = 0.5 * y[t - 1] + rng.normal() * (4 if after[t] else 1)
        else:
            y[t] = (-0.6 if after[t] else 0.8) * y[t - 1] + rng.normal() + 10 * after[t]
    return y


def recovery():
    """Return coverage before a shift, in the 50 steps after it and in the 100 after these."""
    rows = []
    for kind in ("noise", "level and dependence"):
        for method in ("adaptive", "split"):
            held = []
            for seed in range(3):
                y = shifted(kind, seed)
                X = pd.DataFrame(index=pd.RangeIndex(len(y), name="step"))
                model = ConformalForecaster(
                    WindowForecaster(Ridge(), window=2), method=method, cv=60, scale=None
                ).fit(X[:150], y[:150])
                for t in range(150, 350):
                    low, high = model.predict_interval(X[t : t + 1], COVERAGE)[0]
                    held.append(low <= y[t] <= high)
                    model.update(X[t : t + 1], y[t : t + 1])
            held = np.array(held).reshape(3, 200)
            about = [part.mean() for part in (held[:, :50], held[:, 50:100], held[:, 100:])]
            rows.append([kind, method, *about])
    names = ["shift", "method", "before", "first 50 steps", "steps 51 to 150"]
    return pd.DataFrame(rows, columns=names)


def kept(path, make):
    """Return the table of a file, made and written first where there is none."""
    if path is not None and path.exists():
        return pd.read_parquet(path)
    table = make()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(path)
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--series", type=int, default=60)
    parser.add_argument("--history", type=int, default=400)
    parser.add_argument("--cut", choices=["test", "earlier"], default="test")
    parser.add_argument("--keep", default=None, type=Path)
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows, scores = [], {}
    for name in options.tools:
        tool, settings = TOOLS[name]
        for panel, (period, horizon, origins) in PANELS.items():
            if tool is sktime and period > 4:
                continue  # hours
            path = options.data / f"{panel}.parquet"
            windows = 2 * origins * horizon
            most = SKTIME_SERIES if tool is sktime else options.series
            y = read(path, options.series, options.history, windows)
            y = y[y.index.isin(y.index.unique(0)[:most], level=0)]
            skipped = origins if options.cut == "earlier" else 0
            job = partial(evaluate, tool, y, period, horizon, origins, skipped, **settings)
            file = f"{options.cut} {panel} {name}.parquet"
            found = kept(options.keep and options.keep / file, job)
            scores[panel, name] = found["score"]
            own = scores.get((panel, name.partition(":")[0] + ": ours"), found["score"])
            ratio = found["score"].mean() / own[own.index.isin(found.index)].mean()
            about = [len(found), found["held"].mean(), found["score"].mean(), ratio]
            rows.append([panel, name, *about, found["cpu"].iloc[0]])
            print(*rows[-1], flush=True)
    names = ["panel", "tool", "rows", "coverage", "score", "score over ours", "cpu s"]
    table = pd.DataFrame(rows, columns=names)
    mean = table.groupby("tool", sort=False).agg(
        panels=("panel", "size"),
        rows=("rows", "sum"),
        coverage=("coverage", "mean"),
        lowest=("coverage", "min"),
        highest=("coverage", "max"),
        ratio=("score over ours", lambda s: np.exp(np.log(s).mean())),
        cpu=("cpu s", "sum"),
    )
    print(table.round(3).to_string(index=False))
    print(mean.round(3).to_string())
    if options.cut == "earlier":
        return
    RESULTS.mkdir(exist_ok=True)
    table.round(3).to_csv(RESULTS / "intervals.csv", index=False)
    mean.round(3).to_csv(RESULTS / "intervals_mean.csv")
    shift = kept(options.keep and options.keep / "shift.parquet", recovery)
    print(shift.round(3).to_string(index=False))
    shift.round(3).to_csv(RESULTS / "intervals_shift.csv", index=False)


if __name__ == "__main__":
    main()
