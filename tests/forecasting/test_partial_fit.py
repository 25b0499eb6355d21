"""WindowForecaster.partial_fit: which windows the regressor learns on from."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge, SGDRegressor

from sklearn_tsrec.forecasting import WindowForecaster
from tests.forecasting.reference import make_panel


class Recorder(RegressorMixin, BaseEstimator):
    """Keeps the tables it is given."""

    def fit(self, X, y):
        self.seen_ = []
        return self.partial_fit(X, y)

    def partial_fit(self, X, y):
        self.seen_.append((X, y))
        return self

    def predict(self, X):
        return np.zeros(len(X))


def series(n=10, start=0):
    X = pd.DataFrame(index=pd.RangeIndex(start, start + n, name="t"))
    return X, np.arange(start, start + n, dtype=float)


def test_it_learns_from_the_new_rows_alone():
    forecaster = WindowForecaster(Recorder(), window=2).fit(*series(6))
    forecaster.partial_fit(*series(3, start=6))
    windows, targets = forecaster.estimator_.seen_[1]
    np.testing.assert_array_equal(windows, [[4, 5], [5, 6], [6, 7]])
    np.testing.assert_array_equal(targets, [6, 7, 8])


class Several(Recorder):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def test_a_horizon_is_learned_when_its_last_target_is_there():
    forecaster = WindowForecaster(Several(), window=1, horizon=3).fit(*series(6))
    forecaster.partial_fit(*series(1, start=6))
    windows, targets = forecaster.estimator_.seen_[1]
    np.testing.assert_array_equal(windows, [[3]])
    np.testing.assert_array_equal(targets, [[4, 5, 6]])


def test_new_series_that_are_too_short_are_remembered_and_not_learned():
    X, y = make_panel(n_series=2)
    forecaster = WindowForecaster(Recorder(), window=3).fit(X, y)
    new = pd.MultiIndex.from_product([["new"], X.loc["a"].index[-2:]], names=X.index.names)
    forecaster.partial_fit(pd.DataFrame(1.0, new, X.columns), [1.0, 2.0])
    assert len(forecaster.estimator_.seen_) == 1
    assert "new" in forecaster.groups_


def test_events_at_one_time_are_learned_together():
    X = pd.DataFrame({"t": [0, 1, 1, 2]})
    forecaster = WindowForecaster(Recorder(), window=1, time="t", freq=None)
    forecaster.fit(X, [0.0, 1.0, 2.0, 3.0])
    forecaster.partial_fit(pd.DataFrame({"t": [3, 3]}), [5.0, 4.0])
    windows, targets = forecaster.estimator_.seen_[1]
    np.testing.assert_array_equal(windows, [[3], [3]])
    np.testing.assert_array_equal(targets, [4, 5])


def test_unfitted_it_fits_and_without_partial_fit_there_is_none():
    X, y = make_panel(n_series=1)
    one = WindowForecaster(SGDRegressor(random_state=0), window=2).partial_fit(X, y)
    two = WindowForecaster(SGDRegressor(random_state=0), window=2).fit(X, y)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    assert not hasattr(WindowForecaster(Ridge()), "partial_fit")
    with pytest.raises(AttributeError):
        WindowForecaster().partial_fit(X, y)
