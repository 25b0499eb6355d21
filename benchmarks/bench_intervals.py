"""Claim: intervals of 90 % hold 90 %, and score better than those of other split conformal tools.

Twelve panels, yearly to hourly, at most --series series each. All tools make intervals around the
same forecast, the seasonal naive one, for the last window of each series and, in panels of less
than ten series, for the --origins windows before. Every tool sees the same history of at most
--history values. MAPIE is given all series of a panel in units of their own mean absolute change,
and the last window before the test to calibrate on, as its manual says; sktime's ConformalIntervals
fits each series by itself, on its last 40 cutoffs. Settings of ours were compared on the window
before those (--cut earlier) and are the defaults since.

Figures: the share of values held, the interval score in units of the mean absolute change, its
ratio to ours, and CPU seconds.

A second table: coverage in steps 50 to 150 after the noise of a series grew fourfold, or its level
and dependence changed, step after step.

    python benchmarks/bench_intervals.py --data ../shared/data/forecast
        [--series N] [--origins N] [--history N] [--cut test|earlier] [--keep FOLDER] [--show]

MAPIE is imported from where Python finds it: pip install mapie. --keep stores what is done and goes
on from there. Tables go to benchmarks/results/intervals.csv and intervals_shift.csv.
"""

import argparse
import json
import os
import time
import warnings
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

from sklearn_tsrec import ConformalForecaster, PanelTimeSeriesSplit, WindowForecaster

# name: period, horizon
PANELS = {
    "m1_yearly": (1, 6),
    "tourism_yearly": (1, 4),
    "m1_quarterly": (4, 8),
    "tourism_quarterly": (4, 8),
    "australia_tourism": (4, 8),
    "m1_monthly": (12, 12),
    "tourism_monthly": (12, 12),
    "aus_retail": (12, 12),
    "m4_weekly": (52, 13),
    "us_births_states": (7, 14),
    "etth1": (24, 24),
    "isone_load": (24, 24),
}
RESULTS = Path(__file__).parent / "results"
COVERAGE = 0.9


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


def naive(period):
    """Return the seasonal naive forecast."""
    last = DummyRegressor(strategy="constant", constant=0.0)
    return WindowForecaster(last, window=[period], target_transform="last")


def ours(y, ahead, period, horizon, **settings):
    """Return lower and upper ends of rows ahead."""
    X = pd.DataFrame(index=y.index)
    n_folds = settings.pop("n_folds", 8)
    step = max(1, horizon // settings.pop("overlap", 1))
    longest = y.groupby(level=0).size().max()
    n_folds = min(n_folds, (longest - horizon - 2 * period) // step + 1)
    if y.index.get_level_values(0).nunique() == 1:
        n_folds = max(n_folds, 12)  # 9 errors a step are what 90 % need
    cv = PanelTimeSeriesSplit(n_folds, horizon=horizon, step=step)
    model = ConformalForecaster(naive(period), cv=cv, **settings)
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


def mapie(y, ahead, period, horizon):
    """Return the same of MAPIE, whose one set of scores is of series in units of their changes."""
    from mapie.regression import SplitConformalRegressor

    unit = y.groupby(level=0).apply(lambda s: s.diff().abs().mean())
    unit = unit.replace(0, unit[unit > 0].min())
    y = y / unit.reindex(y.index.get_level_values(0)).to_numpy()
    step = y.index.get_level_values(1)
    late = step > step.max() - horizon
    X = pd.DataFrame(index=y.index)
    base = naive(period).fit(X[~late], y[~late])
    known = np.isin(y.index.get_level_values(0)[late], base.groups_)
    truth = y[late][known].to_numpy()
    before = base.predict(X[late][known])
    # the forecast is that of the newest history, as for all
    after = base.update(X[late], y[late]).predict(pd.DataFrame(index=ahead))
    rows = np.arange(len(before) + len(after))[:, np.newaxis]
    base = Given(np.concatenate([before, after])).fit(rows, rows[:, 0])
    split = SplitConformalRegressor(base, confidence_level=COVERAGE, prefit=True)
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


TOOLS = {"ours": ours, "MAPIE": mapie, "sktime": sktime}  # the slowest last
SETTINGS = {
    "cross, 8 folds": {},
    "cross, 4 folds": {"n_folds": 4},
    "16 folds that overlap": {"n_folds": 16, "overlap": 2},
    "split": {"method": "split"},
    "scale=difference": {"scale": "difference"},
    "per=None": {"per": None},
    "asymmetric": {"symmetric": False},
    "asymmetric, per=None": {"symmetric": False, "per": None},
}


def evaluate(tool, y, period, horizon, origins, skipped, **settings):
    """Return coverage, interval score and CPU seconds of a tool over windows at the end."""
    held, score, seconds = [], [], 0.0
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
        known = ~np.isnan(low)
        value = truth.to_numpy()
        miss = np.maximum(low - value, 0) + np.maximum(value - high, 0)
        held.append(((low <= value) & (value <= high))[known])
        score.append((((high - low) + 2 / (1 - COVERAGE) * miss) / unit)[known])
    held, score = np.concatenate(held), np.concatenate(score)
    return {
        "rows": len(held),
        "coverage": float(held.mean()),
        "score": float(score.mean()),
        "cpu": seconds,
    }


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


def recovery(keep):
    """Return coverage before a shift, in the 50 steps after it and in the 100 after these."""
    rows = []
    for kind in ("noise", "level and dependence"):
        for method in ("adaptive", "split"):
            found = keep.get(f"shift {kind} {method}")
            if found is None:
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
                found = [
                    float(part.mean()) for part in (held[:, :50], held[:, 50:100], held[:, 100:])
                ]
                keep[f"shift {kind} {method}"] = found
            rows.append([kind, method, *found])
    names = ["shift", "method", "before", "first 50 steps", "steps 51 to 150"]
    return pd.DataFrame(rows, columns=names)


class Keep(dict):
    """Results that are written to a file as they come."""

    def __init__(self, folder, name):
        self.path = Path(folder) / name if folder else None
        if self.path is not None and self.path.exists():
            self.update(json.loads(self.path.read_text()))

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--series", type=int, default=30)
    parser.add_argument("--origins", type=int, default=5)
    parser.add_argument("--history", type=int, default=400)
    parser.add_argument("--cut", choices=["test", "earlier"], default="test")
    parser.add_argument("--keep", default=None)
    parser.add_argument("--show", action="store_true", help="only write tables of what is kept")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    earlier = options.cut == "earlier"
    tools = {f"ours: {k}": (ours, v) for k, v in SETTINGS.items()}
    if not earlier:
        tools = {name: (tool, {}) for name, tool in TOOLS.items()}
    keep = Keep(options.keep, f"{options.cut}.json")
    for name, (tool, settings) in tools.items():
        for panel, (period, horizon) in PANELS.items():
            key = f"{panel} {name}"
            if key not in keep and not options.show:
                windows = 2 * options.origins * horizon
                path = options.data / f"{panel}.parquet"
                y = read(path, options.series, options.history, windows)
                few = y.index.get_level_values(0).nunique() < 10
                origins = options.origins if few else 1
                skipped = origins if earlier else 0
                keep[key] = evaluate(tool, y, period, horizon, origins, skipped, **settings)
                print(key, keep[key], flush=True)
    shift = None if earlier or options.show else recovery(keep)
    done = [(p, t, keep.get(f"{p} {t}")) for p in PANELS for t in tools]
    rows = [[panel, tool, *found.values()] for panel, tool, found in done if found]
    table = pd.DataFrame(rows, columns=["panel", "tool", "rows", "coverage", "score", "cpu s"])
    first = next(iter(tools))
    base = table[table["tool"] == first].set_index("panel")["score"]
    table.insert(5, "score over ours", table["score"] / base.reindex(table["panel"]).to_numpy())
    mean = table.groupby("tool", sort=False).agg(
        rows=("rows", "sum"),
        coverage=("coverage", "mean"),
        lowest=("coverage", "min"),
        highest=("coverage", "max"),
        ratio=("score over ours", lambda s: np.exp(np.log(s).mean())),
        cpu=("cpu s", "sum"),
    )
    print(table.round(3).to_string(index=False))
    print(mean.round(3).to_string())
    if earlier:
        return
    last = pd.DataFrame(
        {
            "panel": "all (means, geometric for ratios)",
            "tool": mean.index,
            "rows": mean["rows"],
            "coverage": mean["coverage"],
            "score": np.nan,
            "score over ours": mean["ratio"],
            "cpu s": mean["cpu"],
        }
    )
    RESULTS.mkdir(exist_ok=True)
    table = pd.concat([table, last], ignore_index=True)
    table.round(3).to_csv(RESULTS / "intervals.csv", index=False)
    if shift is not None:
        print(shift.round(3).to_string(index=False))
        shift.round(3).to_csv(RESULTS / "intervals_shift.csv", index=False)


if __name__ == "__main__":
    main()
