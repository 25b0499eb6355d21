"""A regressor whose forecasts are plain to see, and a panel."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin


class OldestValue(RegressorMixin, BaseEstimator):
    """Forecast the oldest value of the window, plus 0, 1, 2 … for each step: easy to predict."""

    def fit(self, X, y):
        self.n_steps_ = 1 if np.ndim(y) == 1 else y.shape[1]
        self.X_, self.y_ = X, y
        return self

    def predict(self, X):
        out = X[:, :1] + np.arange(self.n_steps_)
        return out[:, 0] if self.n_steps_ == 1 else out

    def predict_quantiles(self, X, quantiles):
        return self.predict(X).reshape(len(X), -1, 1) + np.asarray(quantiles)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = True
        return tags


class SumOfAll(OldestValue):
    """Forecast the sum of all that is seen, whatever was learned: nothing seen stays hidden."""

    def predict(self, X):
        out = np.nansum(X, axis=1)[:, np.newaxis] + np.arange(self.n_steps_)
        return out[:, 0] if self.n_steps_ == 1 else out


def make_panel(n_series=3, n_times=40, seed=0):
    """Return a shuffled panel: X with a promotion, y with a weekly season and its effect."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=n_times, freq="D")
    index = pd.MultiIndex.from_product([list("abcdef"[:n_series]), days], names=["store", "day"])
    X = pd.DataFrame({"promo": rng.integers(0, 2, len(index)) * 1.0}, index=index)
    season = np.tile(np.sin(2 * np.pi * np.arange(n_times) / 7), n_series)
    y = pd.Series(10 + 3 * season + 2 * X["promo"] + rng.normal(0, 0.05, len(index)), name="y")
    shuffle = rng.permutation(len(index))
    return X.iloc[shuffle], y.iloc[shuffle]


def split(X, y, n_test=6):
    """Cut the last days off."""
    days = X.index.get_level_values("day")
    past = days <= days.max() - pd.Timedelta(days=n_test)
    return X[past], X[~past], y[past], y[~past]
