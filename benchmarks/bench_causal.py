"""Claim: the causal selector finds the drivers, survives a shift, and costs no more than a lasso.

Series with known drivers come from ``make_causal_series``; features are their lags 1 and 2 and
three lags of the target. Each method chooses on training rows; LightGBM is then fitted to what it
chose and tested on later rows of the same world, and on rows where every link that is not causal
has the opposite sign. Errors are mean squared, over those of LightGBM on the choice of LassoCV. CPU
time is that of the choice. Slow peers choose in small tables only; PCMCI needs tigramite.

    python benchmarks/bench_causal.py [--seeds 10] [--quick] [--part choice] [--only "PCMCI"]

Tables are also written to benchmarks/results/causal*.csv; ``--only`` leaves the rows of all other
methods there as they are.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import numpy as np
import pandas as pd
from sklearn.linear_model import LassoCV
from sklearn.preprocessing import StandardScaler

from sklearn_tsrec.datasets import make_causal_series
from sklearn_tsrec.feature_selection import CausalFeatureSelector
from sklearn_tsrec.feature_selection._partialling_out import benjamini_hochberg

LAGS, TARGET_LAGS, N_TEST = (1, 2), (1, 2, 3), 1000
RESULTS = Path(__file__).parent / "results"


def world(n, d, hidden, seed):
    """Return the series of one run, and the tables of training, test and shifted rows."""
    small = d <= 20
    series = make_causal_series(
        n + 2 * N_TEST + 3, d, n_proxies=5 if small else 14, n_children=3 if small else 8,
        n_confounded=hidden * (2 if small else 4), noise_autocorrelation=0.6 * (seed % 2),
        shapes=("linear",) if seed % 4 < 2 else ("linear", "square", "relu"),
        shift_at=n + N_TEST + 3, random_state=seed,
    )  # fmt: skip
    parts = {f"{c}__lag{k}": series.data[c].shift(k) for c in series.data for k in LAGS}
    parts |= {f"y__lag{k}": series.target.shift(k) for k in TARGET_LAGS}
    X, y = pd.DataFrame(parts).iloc[3:], series.target.iloc[3:]
    cuts = [slice(0, n), slice(n, n + N_TEST), slice(n + N_TEST, None)]
    return series, [(X.iloc[cut], y.iloc[cut]) for cut in cuts]


def lasso(X, y, one_se=False):
    """Return the columns that LassoCV gives a weight."""
    Z = StandardScaler().fit_transform(X)
    model = LassoCV(cv=5).fit(Z, y)
    if one_se:
        error = model.mse_path_.mean(axis=1)
        se = model.mse_path_.std(axis=1) / np.sqrt(model.mse_path_.shape[1])
        best = error.argmin()
        alpha = model.alphas_[np.flatnonzero(error <= error[best] + se[best])[0]]
        from sklearn.linear_model import Lasso

        model = Lasso(alpha).fit(Z, y)
    return np.abs(model.coef_) > 1e-8


def mutual_information(X, y):
    """Return the tenth of the columns with most mutual information."""
    from sklearn.feature_selection import mutual_info_regression

    score = mutual_info_regression(X, y, random_state=0)
    return score >= np.quantile(score, 0.85)


def rfecv(X, y):
    """Return the columns that recursive elimination by LightGBM keeps."""
    from lightgbm import LGBMRegressor
    from sklearn.feature_selection import RFECV
    from sklearn.model_selection import TimeSeriesSplit

    model = LGBMRegressor(n_estimators=50, num_leaves=8, num_threads=1, verbose=-1)
    return RFECV(model, step=0.2, cv=TimeSeriesSplit(3)).fit(X, y).support_


def econml_each(X, y):
    """Return the columns whose effect EconML's LinearDML finds, a fit for each, at 5 %."""
    from econml.dml import LinearDML
    from sklearn.linear_model import Ridge

    Z = StandardScaler().fit_transform(X)
    edges = np.linspace(0, len(Z), 4).astype(int)
    row = np.arange(len(Z))
    folds = [
        (row[(row < a - 4) | (row >= b + 4)], row[a:b])
        for a, b in zip(edges[:-1], edges[1:])  # noqa: RUF007
    ]
    kept = []
    for j in range(Z.shape[1]):
        model = LinearDML(model_y=Ridge(1.0), model_t=Ridge(1.0), cv=folds, random_state=0)
        model.fit(y.to_numpy(), Z[:, j], W=np.delete(Z, j, axis=1))
        kept.append(np.ravel(model.const_marginal_effect_inference().pvalue())[0] < 0.05)
    return np.array(kept)


def pcmci(X, y):
    """Return the columns that PCMCI with partial correlations links to the target."""
    from tigramite.data_processing import DataFrame
    from tigramite.independence_tests.parcorr import ParCorr
    from tigramite.pcmci import PCMCI

    names = [c.split("__")[0] for c in X if c.endswith("__lag1") and c != "y__lag1"]
    now = X[[f"{name}__lag1" for name in names]].to_numpy()[1:]  # lag 1 of the next row
    table = DataFrame(np.column_stack([now, y.to_numpy()[:-1]]))
    search = PCMCI(dataframe=table, cond_ind_test=ParCorr(), verbosity=0)
    found = search.run_pcmci(tau_min=1, tau_max=max(LAGS), pc_alpha=0.05)["p_matrix"][:-1, -1, 1:]
    kept = benjamini_hochberg(found.ravel(), 0.05).reshape(found.shape).any(axis=1)
    drivers = {name for name, is_kept in zip(names, kept) if is_kept} | {"y"}
    return np.array([c.split("__")[0] in drivers for c in X])


def ours(X, y, effects=False):
    return CausalFeatureSelector(effects=effects).fit(X, y).get_support()


def everything(X, y):
    return np.ones(X.shape[1], dtype=bool)


METHODS = {
    "LassoCV": (lasso, np.inf),
    "Lasso, 1 SE": (lambda X, y: lasso(X, y, one_se=True), np.inf),
    "all columns": (everything, np.inf),
    "mutual information": (mutual_information, 100_000),
    "RFECV, LightGBM": (rfecv, 100_000),
    "EconML LinearDML, each": (econml_each, 100_000),
    "PCMCI": (pcmci, 40_000),
    "CausalFeatureSelector": (ours, np.inf),
    "the same with effects": (lambda X, y: ours(X, y, effects=True), np.inf),
}


def test_error(support, train, *tests):
    """Return LightGBM's squared error on each test, learned from some columns."""
    from lightgbm import LGBMRegressor

    model = LGBMRegressor(
        n_estimators=150, learning_rate=0.05, num_leaves=15, num_threads=1, verbose=-1,
        random_state=0,
    )  # fmt: skip
    X, y = train
    model.fit(X.loc[:, support].to_numpy(), y)
    return [np.mean((y - model.predict(X.loc[:, support].to_numpy())) ** 2) for X, y in tests]


def ridge_error(support, train, test):
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
    model.fit(train[0].loc[:, support], train[1])
    return np.mean((test[1] - model.predict(test[0].loc[:, support])) ** 2)


def run(n, d, hidden, seed, only=None):
    """Return one row for each method in one world."""
    series, (train, same, shifted) = world(n, d, hidden, seed)
    drivers = set(series.effects.index)
    names = np.array([c.split("__")[0] for c in train[0].columns])
    rows, base = [], None
    for name, (method, most_cells) in METHODS.items():
        # LassoCV comes first and is always run: errors are relative to it.
        if (only and name not in [*only, "LassoCV"]) or n * d > most_cells:
            continue
        start = time.process_time()
        support = np.asarray(method(*train))
        seconds = time.process_time() - start
        kept = set(names[support]) - {"y"}
        hits = len(kept & drivers)
        role = series.role[list(kept)]
        errors = [*test_error(support, train, same, shifted), ridge_error(support, train, same)]
        base = errors if base is None else base
        rows.append(
            {
                "method": name, "hidden": hidden, "d": d, "n": n, "seed": seed,
                "f1": 2 * hits / (len(kept) + len(drivers)),
                "recall": hits / len(drivers),
                "noise": int((role == "noise").sum()),
                "proxies": int((role == "proxy").sum()),
                "children": int((role == "child").sum()),
                "confounded": int((role == "confounded").sum()),
                "lightgbm_same": errors[0] / base[0],
                "lightgbm_shifted": errors[1] / base[1],
                "ridge_same": errors[2] / base[2],
                "cpu_s": seconds,
            }
        )  # fmt: skip
    return rows


def calibration(n, n_runs, lags):
    """Return how often a true null is rejected at 5 %, and how often 95 % intervals hold.

    Six AR(0.9) columns, of which one drives the target beside AR(0.6) noise, with three lags of the
    target and one of the driver among the controls (as the selector is meant to be used), or bare.
    """
    from scipy.signal import lfilter

    rejected, covered = [], []
    for seed in range(n_runs):
        rng = np.random.default_rng(seed)
        x = lfilter([1.0], [1.0, -0.9], rng.standard_normal((n + 100, 6)), axis=0)[100:]
        noise = lfilter([1.0], [1.0, -0.6], rng.standard_normal(n + 100))[100:]
        X = pd.DataFrame(x, columns=[f"x{j}" for j in range(6)])
        y = 0.5 * X["x0"] + noise
        if lags:
            X = X.assign(**{f"y__lag{k}": y.shift(k) for k in (1, 2, 3)}, x0__lag1=X["x0"].shift(1))
        selector = CausalFeatureSelector(screen=False).fit(X, y)
        rejected += list(selector.pvalues_.drop("x0") < 0.05)
        if "x0" in selector.conf_int_.index:
            low, high = selector.conf_int_.loc["x0"]
            covered.append(low <= 0.5 <= high)
    row = {"n": n, "target lags among the controls": lags}
    return row | {"null rejections": np.mean(rejected), "coverage": np.mean(covered)}


def closed_form(n, d):
    """Return how far the closed form is from EconML, a fit for each column, and how much faster."""
    from econml.dml import LinearDML
    from sklearn.linear_model import Ridge

    from sklearn_tsrec.feature_selection._partialling_out import contiguous_folds, crossfit_effects

    _, ((X, y), *_) = world(n, d, 0, 0)
    Z, y = StandardScaler().fit_transform(X), y.to_numpy()
    folds = contiguous_folds(np.zeros(n, dtype=int), 3, 4)
    ours = []
    for _ in range(5):
        start = time.process_time()
        effects = np.concatenate(crossfit_effects(Z, y, folds)[0])
        ours.append(time.process_time() - start)
    start = time.process_time()
    theirs = []
    for j in range(Z.shape[1]):
        model = LinearDML(model_y=Ridge(1.0), model_t=Ridge(1.0), cv=folds, random_state=0)
        model.fit(y, Z[:, j], W=np.delete(Z, j, axis=1), inference=None)
        theirs.append(float(np.ravel(model.const_marginal_effect())[0]))
    seconds = time.process_time() - start
    apart = np.abs(effects - theirs).max()
    return {"n": n, "d": d, "difference": apart, "times faster": seconds / np.median(ours)}


def large(n, d, n_series):
    """Return CPU seconds and memory of a fit without effects, beyond the table and one copy."""
    names = [f"s{j}__lag{k}" for j in range(d) for k in LAGS]
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((n, len(names))), columns=names)
    y = X.to_numpy()[:, :5] @ [0.3, -0.3, 0.2, 0.4, -0.2] + rng.standard_normal(n)
    if n_series > 1:
        X.index = pd.MultiIndex.from_product([range(n_series), range(n // n_series)])
    ours(X[:2000], y[:2000])
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before, start = memory("VmRSS"), time.process_time()
    ours(X, y)
    extra = (memory("VmHWM") - before) // 1000
    return {
        "n": n, "d": d, "series": n_series, "cpu_s": round(time.process_time() - start, 2),
        "table_mb": round(X.to_numpy().nbytes / 1e6), "extra_mb": extra,
    }  # fmt: skip


def memory(kind):
    """Return what Linux says of this process' memory, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(kind)).split()[1])


def choices(sizes, seeds, only):
    """Print and write what each method chose."""
    path, rows = RESULTS / "causal.csv", []
    keys = ["hidden", "d", "n", "method"]
    for hidden in (0, 1):
        for d in (20, 100):
            for n in sizes:
                for seed in range(seeds):
                    rows += run(n, d, hidden, seed, only)
                print(f"hidden={hidden} d={d} n={n} done", flush=True)
                mean = pd.DataFrame(rows).drop(columns="seed").groupby(keys, sort=False).mean()
                if only:  # the rows of all others stay
                    mean = mean[mean.index.get_level_values("method").isin(only)]
                    old = pd.read_csv(path, index_col=keys)
                    mean = pd.concat([old.drop(mean.index, errors="ignore"), mean])
                    order = {name: i for i, name in enumerate(METHODS)}
                    mean = mean.sort_index(
                        key=lambda level: level.map(order) if level.name == "method" else level
                    )
                mean.round(4).to_csv(path)
    print(mean.round(3).to_string())
    print(mean.groupby(["hidden", "method"], sort=False).mean().round(3).to_string())


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="two seeds and small tables")
    parts = ("choice", "calibration", "closed-form", "large")
    parser.add_argument("--part", choices=parts, help="one of the tables alone")
    parser.add_argument("--only", help="names of methods, with commas between them")
    options = parser.parse_args()
    wanted = [options.part] if options.part else parts
    sizes = [500, 2_000] if options.quick else [500, 2_000, 10_000]
    RESULTS.mkdir(exist_ok=True)
    pd.set_option("display.width", 200, "display.max_columns", 30)
    if "choice" in wanted:
        only = options.only.split(",") if options.only else None
        choices(sizes, 2 if options.quick else options.seeds, only)
    tables = {
        "calibration": lambda: [
            calibration(n, 40 if options.quick else 200, lags)
            for n in sizes[:2]
            for lags in (True, False)
        ],
        "closed-form": lambda: [closed_form(2_000, d) for d in (20, 100)],
        "large": lambda: [
            large(*shape)
            for shape in ((1_000_000, 20, 1), (1_000_000, 20, 1000), (100_000, 100, 1))
        ],
    }
    for part in tables.keys() & set(wanted):
        table = pd.DataFrame(tables[part]())
        table.to_csv(RESULTS / f"causal_{part.replace('-', '_')}.csv", index=False)
        print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
