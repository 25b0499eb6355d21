"""Forecasts of parts sum to that of the whole."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from sklearn_tsrec.forecasting import ConformalForecaster, ReconciledForecaster, WindowForecaster
from sklearn_tsrec.forecasting._reconciled_forecaster import (
    bottom_weights,
    shrunken_covariance,
    sum_matrix,
)
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
from tests.forecasting.reference import OldestValue


def tree(n_times=60, seed=0, noise=3.0):
    """Return a table of (state, region, day): parts are noisy, their sums are smooth."""
    rng = np.random.default_rng(seed)
    regions = [("n", "x"), ("n", "y"), ("s", "x"), ("s", "z"), ("s", "w")]
    days = pd.date_range("2024-01-01", periods=n_times)
    noisy = noise * rng.normal(size=(5, n_times))
    noisy -= noisy.mean(axis=0)
    level = 20 + 5 * np.sin(2 * np.pi * np.arange(n_times) / 7)
    index = pd.MultiIndex.from_tuples([(*r, d) for r in regions for d in days])
    index = index.set_names(["state", "region", "day"])
    y = pd.Series((level + noisy).ravel(), index)
    X = pd.DataFrame({"promo": rng.integers(0, 2, len(index)) * 1.0}, index)
    shuffle = rng.permutation(len(index))
    return X.iloc[shuffle], y.iloc[shuffle]


def cut(X, y, n_test=7):
    days = X.index.get_level_values("day")
    past = days <= days.max() - pd.Timedelta(days=n_test)
    return X[past], X[~past], y[past], y[~past]


@pytest.mark.parametrize("reconcile", ["bottom-up", "ols", "mint"])
def test_sums_are_exact(reconcile):
    X, y = tree()
    X_past, X_next, y_past, _ = cut(X, y)
    model = ReconciledForecaster(WindowForecaster(Ridge(), window=7), reconcile=reconcile)
    model.fit(X_past, y_past)
    assert model.nodes_.tolist() == [
        "total", "n", "s", "n / x", "n / y", "s / w", "s / x", "s / z",
    ]  # fmt: skip
    sums = model.predict_sums(X_next).unstack()
    rows = pd.Series(model.predict(X_next), X_next.index)
    by_day = rows.groupby("day").sum().to_numpy()
    np.testing.assert_allclose(sums.loc["total"].to_numpy(), by_day, atol=1e-9)
    np.testing.assert_allclose(sums.loc["total"], sums.loc["n"] + sums.loc["s"], atol=1e-9)
    south = sums.loc[["s / w", "s / x", "s / z"]].sum()
    np.testing.assert_allclose(sums.loc["s"], south, atol=1e-9)
    np.testing.assert_allclose(sums.loc["n / x"], rows.sort_index()["n", "x"], atol=1e-9)


def test_weights_are_the_closed_forms():
    sums = sum_matrix(np.array([[0, 0]]), 1)
    assert sums.tolist() == [[1, 1], [1, 0], [0, 1]]
    # half of the gap between the total and the parts, in three equal shares
    expected = np.array([[1, 2, -1], [1, -1, 2]]) / 3
    np.testing.assert_allclose(bottom_weights(sums), expected)
    np.testing.assert_allclose(bottom_weights(sums) @ sums, np.eye(2), atol=1e-12)
    # a total that is never wrong decides the sum; parts share what is missing by their variance
    weights = bottom_weights(sums, np.diag([1e-9, 1.0, 3.0]))
    np.testing.assert_allclose(weights @ [10, 4, 2], [5, 5], atol=1e-6)


def test_covariance_is_shrunk_to_its_diagonal():
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(20, 30)) * np.linspace(1, 5, 30)
    covariance = shrunken_covariance(errors)
    np.testing.assert_allclose(np.diag(covariance), (errors**2).mean(axis=0))
    assert np.linalg.eigvalsh(covariance).min() > 0  # 20 times, 30 nodes
    plain = errors.T @ errors / 20
    off = ~np.eye(30, dtype=bool)
    assert np.abs(covariance[off]).mean() < 0.5 * np.abs(plain[off]).mean()
    same = np.outer(rng.normal(size=500), [1.0, 2.0]) + 0.01 * rng.normal(size=(500, 2))
    np.testing.assert_allclose(shrunken_covariance(same), same.T @ same / 500, rtol=1e-2)
    assert np.isfinite(np.linalg.inv(shrunken_covariance(np.zeros((10, 3))))).all()


def test_bottom_up_leaves_forecasts_as_they_are():
    X, y = tree()
    X_past, X_next, y_past, _ = cut(X, y)
    base = WindowForecaster(OldestValue(), window=[7])
    model = ReconciledForecaster(base, reconcile="bottom-up").fit(X_past, y_past)
    np.testing.assert_allclose(model.predict(X_next), base.fit(X_past, y_past).predict(X_next))


def test_times_without_all_series_are_not_moved():
    X, y = tree()
    X_past, X_next, y_past, _ = cut(X, y)
    model = ReconciledForecaster(WindowForecaster(OldestValue(), window=[7]), reconcile="ols")
    model.fit(X_past, y_past)
    some = X_next[X_next.index.get_level_values("state") == "n"]
    plain = ReconciledForecaster(
        WindowForecaster(OldestValue(), window=[7]), reconcile="bottom-up"
    ).fit(X_past, y_past)
    np.testing.assert_allclose(model.predict(some), plain.predict(some))
    assert set(model.predict_sums(some).index.get_level_values(0)) == {
        "total", "n", "n / x", "n / y",
    }  # fmt: skip


def test_it_is_updated_and_has_intervals():
    X, y = tree()
    X_past, X_next, y_past, y_next = cut(X, y)
    base = ReconciledForecaster(WindowForecaster(OldestValue(), window=1))
    days = X_next.index.get_level_values("day")
    first = days == days.min()
    model = base.fit(X_past, y_past).update(X_next[first], y_next[first])
    sums = model.predict_sums(X_next[~first])["total"]
    np.testing.assert_allclose(sums, y_next[first].sum(), atol=1e-9)
    conformal = ConformalForecaster(base, cv=PanelTimeSeriesSplit(3, horizon=7))
    low, high = conformal.fit(X_past, y_past).predict_interval(X_next).T
    assert ((low <= y_next) & (y_next <= high)).mean() > 0.7


def test_missing_targets_and_bad_input():
    X, y = tree(n_times=30)
    days = X.index.get_level_values("day")
    hole = y.where(~((days == days.min()) & (X.index.get_level_values("region") == "w")))
    model = ReconciledForecaster(WindowForecaster(OldestValue(), window=1), reconcile="ols")
    table, target = model.fit(X, hole)._sum_rows(X, model._read_codes(X), hole.to_numpy())
    known = pd.Series(target, table.index)
    first = known.xs(days.min(), level=1)
    assert first.index[first.isna()].tolist() == ["total", "s", "s / w"]
    with pytest.raises(ValueError, match="was not in the training table"):
        model.predict(X.rename({"w": "new"}, level="region"))
    with pytest.raises(ValueError, match="reconcile"):
        ReconciledForecaster(reconcile="top-down").fit(X, y)
    few = days <= days.min() + pd.Timedelta(days=2)
    with pytest.raises(ValueError, match="reconcile='mint' learns a covariance"):
        ReconciledForecaster(WindowForecaster(OldestValue(), window=1)).fit(X[few], y[few])
    same = X.rename({"n": "total"}, level="state")
    with pytest.raises(ValueError, match="two nodes of the hierarchy are called 'total'"):
        model.fit(same, y)
