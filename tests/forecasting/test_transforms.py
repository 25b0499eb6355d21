"""Transforms by their formulas, and forecasts with them against a loop over dictionaries."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin

from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.forecasting._transforms import TransformChain, fill_missing

CHAINS = [
    None,
    "last",
    "scale",
    "difference",
    "seasonal",
    ["seasonal", "scale"],
    ["difference", "last", "scale"],
    ["difference", "seasonal"],
    ["scale", "seasonal"],
    "last_season",
    ["last_season", "scale"],
    ["difference", "last_season"],
]


class WeightedWindow(RegressorMixin, BaseEstimator):
    """Forecast step h as a fixed weighted sum of the window, plus h / 10."""

    def fit(self, X, y):
        self.n_steps_ = 1 if np.ndim(y) == 1 else y.shape[1]
        return self

    def predict(self, X):
        weights = 0.9 ** np.arange(X.shape[1], 0, -1) / X.shape[1]
        out = (X @ weights)[:, np.newaxis] + np.arange(self.n_steps_) / 10
        return out[:, 0] if self.n_steps_ == 1 else out

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def slow_forecast(values, lags, horizon, names, period, n_steps):
    """Forecast one series from its dictionary of values, block after block."""
    values = dict(enumerate(values))
    while n_steps > 0:
        now = len(values)
        series, undo = dict(values), []
        lowest = now - max(lags)
        names_left = list(names)
        while names_left:
            name = names_left.pop(0)
            back = sum({"difference": 1, "seasonal": period}.get(n, 0) for n in names_left)
            used = needed_lags(lags, names_left, period, horizon)
            window = [series[now - lag] for lag in sorted(used, reverse=True)]
            if name == "last":
                base = window[-1]
                undo.append(("add", base))
                series = {t: v - base for t, v in series.items()}
            elif name == "last_season":
                n_references = min(period, horizon)
                base = series[now - period + n_references - 1]
                undo.append(([series[now - period + h] for h in range(n_references)], None))
                series = {t: v - base for t, v in series.items()}
            elif name == "scale":
                size = np.mean(np.abs(window)) or 1.0
                undo.append(("times", size))
                series = {t: v / size for t, v in series.items()}
            else:
                step = 1 if name == "difference" else period
                undo.append((step, series))
                series = {t: v - series[t - step] for t, v in series.items() if t - step in series}
            assert min(series) <= lowest - back
        window = np.array([[series[now - lag] for lag in sorted(lags, reverse=True)]])
        regressor = WeightedWindow().fit(None, np.zeros((1, horizon)))
        path = list(np.ravel(regressor.predict(window)))
        for kind, state in reversed(undo):
            if kind == "add":
                path = [v + state for v in path]
            elif kind == "times":
                path = [v * state for v in path]
            elif isinstance(kind, list):
                path = [v + kind[h % len(kind)] for h, v in enumerate(path)]
            else:
                known = dict(state)
                for h, v in enumerate(path):
                    known[now + h] = v + known[now + h - kind]
                path = [known[now + h] for h in range(horizon)]
        for v in path:
            values[len(values)] = v
        n_steps -= horizon
    return values


def needed_lags(lags, names, period, horizon):
    """Return the lags that the transforms that follow need, those of their inverses included."""
    lags = set(lags)
    for name in reversed(names):
        step = {"difference": 1, "seasonal": period, "last_season": period}.get(name)
        if name in ("difference", "seasonal"):
            lags |= {lag + step for lag in lags}
        if step:
            lags |= {step - h for h in range(min(step, horizon))}
    return lags


@pytest.mark.parametrize("names", CHAINS)
@settings(max_examples=10)
@given(
    window=st.one_of(st.integers(1, 4), st.lists(st.integers(1, 5), min_size=1, unique=True)),
    horizon=st.integers(1, 4),
    n_steps=st.integers(1, 6),
    seed=st.integers(0, 100),
)
def test_forecasts_equal_a_loop(names, window, horizon, n_steps, seed):
    rng = np.random.default_rng(seed)
    period = 3
    lengths = [14, 17]
    series = [rng.normal(5, 2, n) for n in lengths]
    rows = [(g, t, v) for g, vs in enumerate(series) for t, v in enumerate(vs)]
    train = pd.DataFrame(rows, columns=["g", "t", "y"]).sample(frac=1, random_state=seed)
    future = pd.DataFrame(
        [(g, n + s) for g, n in enumerate(lengths) for s in range(n_steps)], columns=["g", "t"]
    )
    forecaster = WindowForecaster(
        WeightedWindow(), window=window, horizon=horizon, target_transform=names, period=period,
        group="g", time="t", freq=1,
    )  # fmt: skip
    got = forecaster.fit(train[["g", "t"]], train["y"]).predict(future)
    lags = range(1, window + 1) if isinstance(window, int) else window
    listed = [] if names is None else [names] if isinstance(names, str) else names
    want = []
    for values in series:
        path = slow_forecast(values, list(lags), horizon, listed, period, n_steps)
        want += [path[len(values) + s] for s in range(n_steps)]
    np.testing.assert_allclose(got, want)


@pytest.mark.parametrize("names", CHAINS)
@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_the_inverse_gives_the_targets_back(names, horizon):
    rng = np.random.default_rng(0)
    chain = TransformChain(names, 3, -np.arange(4, 0, -1), horizon)
    raw, targets = rng.normal(size=(6, len(chain.offsets))), rng.normal(size=(6, horizon))
    window, states = chain.window(raw)
    assert window.shape == (6, 4)
    back, quantiles = chain.inverse(
        chain.target(targets, states), states, chain.target(targets, states)[:, :, np.newaxis]
    )
    np.testing.assert_allclose(back, targets)
    np.testing.assert_allclose(quantiles[:, :, 0], targets)


def test_formulas():
    nan = np.nan
    raw = np.array([[1.0, 3.0, nan, -2.0]])
    window, states = TransformChain("last", None, np.arange(-4, 0), 2).window(raw)
    np.testing.assert_array_equal(window, [[3.0, 5.0, nan, 0.0]])
    window, states = TransformChain("scale", None, np.arange(-4, 0), 2).window(raw)
    np.testing.assert_array_equal(states[0], [[2.0]])
    np.testing.assert_array_equal(window, raw / 2)
    zeros = TransformChain("scale", None, np.arange(-4, 0), 2).window(np.zeros((1, 4)))
    np.testing.assert_array_equal(zeros[1][0], [[1.0]])
    chain = TransformChain("last_season", 2, np.array([-1]), 3)
    np.testing.assert_array_equal(chain.offsets, [-2, -1])
    window, states = chain.window(np.array([[6.0, -2.0], [1.0, nan]]))
    np.testing.assert_array_equal(window, [[0.0], [nan]])
    targets = np.array([[7.0, 8.0, 9.0], [2.0, 3.0, 4.0]])
    np.testing.assert_array_equal(
        chain.target(targets, states), [[1.0, 10.0, 3.0], [1.0, nan, 3.0]]
    )
    chain = TransformChain("seasonal", 2, np.array([-2, -1]), 3)
    np.testing.assert_array_equal(chain.offsets, [-4, -3, -2, -1])
    window, states = chain.window(np.array([[1.0, 3.0, 6.0, -2.0]]))
    np.testing.assert_array_equal(window, [[5.0, -5.0]])
    np.testing.assert_array_equal(
        chain.target(np.array([[7.0, 8.0, 9.0]]), states), [[1.0, 10.0, 2.0]]
    )


def test_missing_values_of_windows_are_filled_from_the_nearest_known_one():
    nan = np.nan
    raw = np.array([[nan, 1.0, nan, 2.0], [nan] * 4, [3.0, nan, nan, nan]])
    np.testing.assert_array_equal(
        fill_missing(raw, 9.0), [[1, 1, 1, 2], [9, 9, 9, 9], [3, 3, 3, 3]]
    )
