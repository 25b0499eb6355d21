import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_tsrec import PatchTransformerRegressor, WindowForecaster
from sklearn_tsrec.neural import save_checkpoint
from sklearn_tsrec.neural.forecasting._covariates import CovariateAdapter, Layout


def panel(n_series=6, length=90, seed=0):
    """Series that a known price drives, and chance hardly."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(n_series), range(length)], names=["store", "day"])
    price = rng.normal(0, 1, len(index)) + 10
    season = np.tile(5 * np.sin(2 * np.pi * np.arange(length) / 12), n_series)
    y = 50 + season - 4 * (price - 10) + rng.normal(0, 0.3, len(index))
    return pd.DataFrame({"price": price}, index=index), y


def forecaster(path, *, past=None, columns=("price",), **params):
    params = {"finetune": "head", "period": 12, "random_state": 0} | params
    return WindowForecaster(
        PatchTransformerRegressor(path, **params),
        window=48,
        horizon=6,
        freq=1,
        columns=list(columns),
        past_columns=past,
    )


@pytest.fixture
def path(net, tmp_path):
    return save_checkpoint(net, tmp_path)


@pytest.fixture(scope="module")
def cut():
    X, y = panel()
    past = X.index.get_level_values("day") < 84
    return X[past], y[past], X[~past], y[~past]


@pytest.mark.parametrize(
    ("past", "share"), [pytest.param(None, 0.7, marks=pytest.mark.slow), (["price"], 0.5)]
)
def test_a_known_price_halves_the_error_where_its_past_is_known_too(cut, past, share):
    X, y, X_ahead, y_ahead = cut
    zero = forecaster("tsrec-small", columns=[], finetune="none").fit(X, y).predict(X_ahead)
    tuned = forecaster("tsrec-small", past=past).fit(X, y)
    error, before = (np.abs(found - y_ahead).mean() for found in (tuned.predict(X_ahead), zero))
    assert error < share * before
    quantiles = tuned.predict_quantiles(X_ahead, [0.1, 0.5, 0.9])
    assert (np.diff(quantiles) >= 0).all()
    np.testing.assert_allclose(quantiles[:, 1], tuned.predict(X_ahead))


def test_an_adapter_that_learned_nothing_changes_no_forecast(path, cut):
    X, y, X_ahead, _ = cut
    zero = forecaster(path, columns=[], finetune="none").fit(X, y)
    still = {"optimizer__param_groups": [("*", {"lr": 0.0})]}
    tuned = forecaster(path, past=["price"], net_params=still).fit(X, y)
    np.testing.assert_array_equal(tuned.predict(X_ahead), zero.predict(X_ahead))


def test_later_blocks_see_their_own_covariates(path):
    X, y = panel()
    past = X.index.get_level_values("day") < 70
    tuned = forecaster(path).fit(X[past], y[past])
    ahead = X[~past]
    changed = ahead.copy()
    changed.loc[changed.index.get_level_values("day") == 85, "price"] += 1
    moved = tuned.predict(changed) - tuned.predict(ahead)
    day = ahead.index.get_level_values("day")
    assert (moved[day == 85] < -2).all()
    assert not moved[day < 85].any()


def test_missing_covariates_and_static_columns_are_read(path, cut):
    X, y, X_ahead, _ = (part.copy() for part in cut)
    X.iloc[3:9] = np.nan
    for table in (X, X_ahead):
        table["size"] = table.index.get_level_values("store").to_numpy() % 2.0
    tuned = WindowForecaster(
        PatchTransformerRegressor(path, finetune="lora", period=12, max_epochs=1, random_state=0),
        window=48, horizon=6, freq=1, columns=["price"], static_columns=["size"],
    ).fit(X, y)  # fmt: skip
    assert tuned.estimator_._layout.n_features == 2
    X_ahead["price"] = np.nan
    assert np.isfinite(tuned.predict(X_ahead)).all()


def test_covariates_without_fine_tuning_are_refused(path, cut):
    X, y, *_ = cut
    with pytest.raises(ValueError, match=r"covariates \['price'\].*columns=\[\].*'head'"):
        forecaster(path, finetune="none").fit(X, y)


def test_what_is_only_observed_is_refused(path, cut):
    X, y, *_ = cut
    with pytest.raises(ValueError, match=r"past_columns has \['price'\]"):
        forecaster(path, columns=[], past=["price"]).fit(X, y)


def test_a_window_with_gaps_is_refused(path, cut):
    X, y, *_ = cut
    model = WindowForecaster(PatchTransformerRegressor(path), window=[1, 2, 7], columns=[], freq=1)
    with pytest.raises(ValueError, match=r"lags \[7, 2, 1\].*consecutive"):
        model.fit(X, y)


def test_windows_alone_teach_nothing_of_covariates(path, cut):
    X, y, *_ = cut
    tuned = forecaster(path, max_epochs=1).fit(X, y).estimator_
    with pytest.raises(ValueError, match="pretrain_on reads windows alone"):
        tuned.pretrain_on(np.zeros((3, 48)))
    with pytest.raises(ValueError, match="augment='mixup'"):
        forecaster(path, augment="mixup").fit(X, y)


def test_features_tell_how_far_a_value_is_from_its_season_and_its_level():
    names = ["y__lag4", "y__lag3", "y__lag2", "y__lag1", *(f"c__lag{n}" for n in (4, 3, 2, 1))]
    names += ["c__lag0", "c__ahead1", "c__ahead2"]
    layout = Layout(names, len(names), "head")
    assert layout.n_window == 4
    assert layout.n_features == 3
    table = np.array([[0, 0, 0, 0, 1.0, 2, 3, 4, 10, 20, 30]])
    layout.learn_units(np.array([[0] * 8 + [-1, 0, 1], [0] * 8 + [-1, 0, 1]]), 3)
    size = np.sqrt(2 / 3)
    found = layout.features(table, period=2)[0].numpy() * size
    np.testing.assert_allclose(found[:, 0], [10, 20, 30], rtol=1e-6)
    np.testing.assert_allclose(found[:, 1], [10 - 3, 20 - 4, 30 - 3], rtol=1e-6)
    np.testing.assert_allclose(found[:, 2], [7.5, 17.5, 27.5], rtol=1e-6)


def test_a_new_adapter_adds_nothing():
    assert not CovariateAdapter(3)(torch.randn(4, 6, 3)).any()
