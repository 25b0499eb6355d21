"""Windows that are longer than every series."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

from sklearn_tsrec import PatchTransformerRegressor, WindowForecaster


def short(n=30):
    days = pd.date_range("2024-01-01", periods=n, name="day")
    y = pd.Series(10.0 + np.arange(n) % 7, index=days)
    future = pd.date_range(days[-1], periods=8, name="day")[1:]
    return pd.DataFrame(index=days), y, pd.DataFrame(index=future)


def test_a_pretrained_net_reads_what_there_is():
    X, y, future = short()
    net = PatchTransformerRegressor(period=7)
    long = WindowForecaster(net, window=256, horizon=7).fit(X, y).predict(future)
    np.testing.assert_allclose(long, 10 + (30 + np.arange(7)) % 7, atol=0.5)
    own = WindowForecaster(net, window=23, horizon=7).fit(X, y).predict(future)
    np.testing.assert_allclose(long, own, atol=0.5)


def test_a_tree_takes_a_lag_that_no_series_has():
    X, y, future = short()
    tree = DecisionTreeRegressor(random_state=0)
    forecast = WindowForecaster(tree, window=40).fit(X, y).predict(future)
    assert ((forecast >= 10) & (forecast <= 16)).all()


class Stumbling(RandomForestRegressor):
    def fit(self, X, y, sample_weight=None):
        if np.isnan(np.asarray(X)).all(axis=0).any():
            raise IndexError("index 0 is out of bounds")
        return super().fit(X, y)


def test_a_regressor_that_stumbles_over_it_says_which():
    X, y, _ = short()
    with pytest.raises(ValueError, match="y__lag40 is missing in all rows to learn from, and Stum"):
        WindowForecaster(Stumbling(n_estimators=2), window=40).fit(X, y)
