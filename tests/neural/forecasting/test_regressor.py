import os
import pickle
import subprocess
import sys
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import TensorBoard

from sklearn_tsrec import PatchTransformerRegressor, WindowForecaster
from sklearn_tsrec.datasets import make_panel
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
from sklearn_tsrec.neural import save_checkpoint

SIZES = {
    "context": 64,
    "patch": 4,
    "block": 8,
    "width": 16,
    "depth": 2,
    "heads": 2,
    "feedforward": 24,
}
TUNED = ["head", "last", "lora", "adalora", "adapter", "prefix", "full"]


def series(n=4, length=70, seed=0, slope=1.0):
    """Seasonal series with a trend, which a seasonal naive forecast misses."""
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    phase = rng.integers(0, 12, (n, 1))
    return 50 + slope * t + 8 * np.sin(2 * np.pi * (t + phase) / 12) + rng.normal(0, 1, (n, length))


def windows(values, length=36, horizon=6):
    cut = np.lib.stride_tricks.sliding_window_view(values, length + horizon, axis=1)
    cut = cut.reshape(-1, length + horizon)
    return cut[:, :length], cut[:, length:]


@pytest.fixture
def path(net, tmp_path):
    return save_checkpoint(net, tmp_path)


def small(checkpoint=None, **params):
    params = {
        "random_state": 0,
        "max_epochs": 2,
        "learning_rate": 1e-2,
        "net_params": {"module__sizes": SIZES, "iterator_train__n_batches": 10},
    } | params
    return PatchTransformerRegressor(checkpoint, **params)


def error(regressor, X, y):
    return np.abs(regressor.predict(X) - y).mean()


def test_without_training_it_forecasts_what_the_checkpoint_does(net, path):
    X, y = windows(series())
    regressor = PatchTransformerRegressor(path).fit(X, y)
    period = torch.full((len(X),), 12)
    net.half()
    expected = net.float().forecast(torch.from_numpy(X.copy()), period, 6)
    np.testing.assert_allclose(regressor.predict(X), expected[..., 4], rtol=1e-6)
    assert regressor.periods_ == (12,)
    assert regressor.n_trainable_ == 0
    assert regressor.net_ is None


def test_what_it_learns_from_does_not_matter_without_training(path):
    X, y = windows(series())
    one = PatchTransformerRegressor(path, period=12).fit(X[:5], y[:5])
    other = PatchTransformerRegressor(path, period=12).fit(X[5:], -y[5:])
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


@pytest.mark.parametrize("finetune", TUNED)
def test_every_way_learns_the_trend(finetune):
    X, y = windows(series())
    start = small().fit(X, y)
    tuned = small(finetune=finetune).fit(X, y)
    assert error(tuned, X, y) < 0.9 * error(start, X, y)
    assert tuned.best_epoch_ > 0
    assert tuned.validation_losses_[tuned.best_epoch_] == min(tuned.validation_losses_)
    assert tuned.n_trainable_ <= tuned.n_parameters_


@pytest.mark.parametrize("finetune", TUNED)
def test_the_start_is_kept_where_training_harms(finetune, path):
    X, y = windows(series())
    start = PatchTransformerRegressor(path).fit(X, y)
    tuned = PatchTransformerRegressor(
        path, finetune=finetune, learning_rate=5.0, max_epochs=2, random_state=0
    ).fit(X, y)
    assert tuned.best_epoch_ == 0
    np.testing.assert_allclose(tuned.predict(X), start.predict(X), rtol=1e-6)


def test_training_stops_part_of_the_way_from_a_checkpoint(path):
    X, y = windows(series())

    def weight(**params):
        return small(path, net_params={}, **params).fit(X, y).module_.net.head.skip.weight.detach()

    start, whole, half = (
        weight(),
        weight(finetune="head", blend=1.0, validation_fraction=0),
        weight(finetune="head", blend=0.5, validation_fraction=0),
    )
    assert not torch.equal(start, whole)
    torch.testing.assert_close(half, (start + whole) / 2)


def test_without_validation_the_last_epoch_is_kept():
    X, y = windows(series())
    tuned = small(finetune="head", validation_fraction=0.0, max_epochs=2).fit(X, y)
    assert tuned.best_epoch_ == 2
    assert tuned.validation_losses_ == []


@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.2},
        {"weight_decay": 0.5},
        {"anchor": 1.0},
        {"adversarial": 0.1},
        {"augment": "jitter"},
        {"augment": "scale"},
        {"augment": ["warp", "mixup"]},
    ],
)
def test_regularisers_change_what_is_learned_and_it_still_learns(params):
    X, y = windows(series())
    X = X.copy()
    X[::3, 5:9] = np.nan
    start = error(small().fit(X, y), X, y)
    plain = small(finetune="full").fit(X, y)
    other = small(finetune="full", **params).fit(X, y)
    assert not np.allclose(plain.predict(X), other.predict(X))
    assert error(other, X, y) < 0.95 * start


def test_a_strong_anchor_holds_the_weights():
    X, y = windows(series())
    start = small().fit(X, y).module_.net.head.skip.weight
    moved = [
        (
            small(finetune="full", anchor=a, validation_fraction=0)
            .fit(X, y)
            .module_.net.head.skip.weight
            - start
        )
        .norm()
        .item()
        for a in (0.0, 100.0)
    ]
    assert moved[1] < 0.5 * moved[0]


def test_same_seed_same_result_and_no_touch_of_global_randomness():
    X, y = windows(series())
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one = small(finetune="lora", dropout=0.1).fit(X, y)
    torch.testing.assert_close(torch.rand(3), expected)
    two = small(finetune="lora", dropout=0.1).fit(X, y)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    three = small(finetune="lora", dropout=0.1, random_state=1).fit(X, y)
    assert not np.array_equal(one.predict(X), three.predict(X))


def test_a_pickle_of_an_adapted_net_forecasts_the_same():
    X, y = windows(series())
    regressor = small(finetune="adalora").fit(X, y)
    again = pickle.loads(pickle.dumps(regressor))
    np.testing.assert_array_equal(again.predict(X[:4]), regressor.predict(X[:4]))


@pytest.mark.slow  # a process that imports torch anew
def test_it_is_pickled_to_another_process(tmp_path):
    X, y = windows(series())
    regressor = small(finetune="adalora").fit(X, y)
    np.save(tmp_path / "X.npy", X[:4])
    (tmp_path / "r.pkl").write_bytes(pickle.dumps(regressor))
    code = (
        "import pickle, sys, numpy as np; folder = sys.argv[1]; "
        "r = pickle.load(open(folder + '/r.pkl', 'rb')); "
        "np.save(folder + '/p.npy', r.predict(np.load(folder + '/X.npy')))"
    )
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), regressor.predict(X[:4]), rtol=1e-6)


def test_quantiles_ascend_and_go_on_beyond_the_levels(path):
    X, y = windows(series())
    regressor = PatchTransformerRegressor(path).fit(X, y)
    levels = [0.01, 0.1, 0.25, 0.5, 0.9, 0.99]
    quantiles = regressor.predict_quantiles(X, levels)
    assert quantiles.shape == (len(X), 6, 6)
    assert (np.diff(quantiles) >= 0).all()
    np.testing.assert_allclose(quantiles[..., 3], regressor.predict(X))
    own = regressor._forecast(X)
    np.testing.assert_allclose(quantiles[..., [1, 4]], own[..., [0, 8]])
    upper, median = quantiles[..., 4], quantiles[..., 3]
    np.testing.assert_allclose(
        quantiles[..., 5] - median, (upper - median) * 2.3263479 / 1.2815516, rtol=1e-6
    )
    with pytest.raises(ValueError, match="must be levels between 0 and 1"):
        regressor.predict_quantiles(X, [0.0, 0.5])


def test_one_step_has_one_column():
    X, y = windows(series(), horizon=1)
    regressor = small().fit(X, y[:, 0])
    assert regressor.predict(X).shape == (len(X),)
    assert regressor.predict_quantiles(X, [0.1, 0.9]).shape == (len(X), 2)
    np.testing.assert_allclose(regressor.predict(X), X[:, -12], rtol=1e-5)


def test_holes_are_read_over_and_an_empty_window_has_the_mean():
    X, y = windows(series())
    X = X.copy()
    X[0, -12:-6] = np.nan  # the seasonal naive forecast is that of the season before
    X[1] = np.nan
    regressor = small().fit(X, y)
    found = regressor.predict(X[:2])
    np.testing.assert_allclose(found[0], X[0, -24:-18], rtol=1e-5)
    np.testing.assert_allclose(found[1], y.mean(axis=0))


def test_windows_that_are_constant_or_shorter_than_a_patch_have_forecasts():
    X = np.array([[5.0, 5.0], [7.0, 7.0], [2.0, 2.0]])
    regressor = small(finetune="head").fit(X, X)
    np.testing.assert_allclose(regressor.predict(X), X, atol=0.05)


def test_zero_shot_forecasts_any_horizon(path):
    X, y = windows(series())
    regressor = PatchTransformerRegressor(path, horizon=20).fit(X, y[:, 0])
    assert regressor.predict(X).shape == (len(X), 20)


def test_long_horizons_learn_their_first_block():
    X, y = windows(series(), horizon=12)
    tuned = small(finetune="full").fit(X, y)
    assert error(tuned, X, y) < error(small().fit(X, y), X, y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"checkpoint": "tsrec-giant"}, "neither a checkpoint of the package"),
        ({"device": "cuda:7"}, "device='cuda:7' is not there"),
        ({"device": "abacus"}, "device='abacus' is not there"),
        ({"horizon": 7, "finetune": "head"}, "horizon=7 is not the number of columns of y, 6"),
        ({"augment": ["blur"], "finetune": "head"}, r"augment has \['blur'\]"),
        ({"finetune": "some"}, "The 'finetune' parameter"),
    ],
)
def test_bad_parameters_are_refused(params, message):
    X, y = windows(series())
    with pytest.raises(ValueError, match=message):
        small(**{"checkpoint": None, "max_epochs": 1} | params).fit(X, y)


def test_bad_windows_are_refused():
    X, y = windows(series())
    with pytest.raises(ValueError, match="all windows are NaN"):
        small().fit(np.full_like(X, np.nan), y)
    with pytest.raises(ValueError, match="infinity"):
        small().fit(np.where(X.mean() < X, np.inf, X), y)
    with pytest.raises(ValueError, match="NaN"):
        small().fit(X, np.where(y > y.mean(), np.nan, y))
    with pytest.raises(ValueError, match="features"):
        small().fit(X, y).predict(X[:, 1:])


def test_a_grid_search_tunes_it_in_a_forecaster_and_in_a_pipeline():
    X, y = make_panel(3, 60, period=12, effects=(), random_state=0)
    inner = small(max_epochs=1)
    search = GridSearchCV(
        WindowForecaster(inner, window=24, horizon=6),
        {
            "estimator__finetune": ["none", "lora"],
            "estimator__learning_rate": [1e-3],
            "estimator__net_params": [{"module__sizes": SIZES, "module__rank": 2}],
        },
        cv=PanelTimeSeriesSplit(2, horizon=6),
        error_score="raise",
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    pipe = make_pipeline(FunctionTransformer(), clone(inner))
    rows, targets = windows(series(3))
    search = GridSearchCV(
        pipe, {"patchtransformerregressor__finetune": ["none", "head"]}, cv=2, error_score="raise"
    ).fit(rows, targets)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_forecaster_gives_the_forecasts_and_quantiles_of_its_windows():
    values = series(3)
    index = pd.MultiIndex.from_product([list("abc"), pd.date_range("2020", periods=70, freq="D")])
    X = pd.DataFrame(index=index)
    forecaster = WindowForecaster(small(), window=36, horizon=6).fit(X, values.ravel())
    ahead = pd.MultiIndex.from_product(
        [list("abc"), pd.date_range("2020", periods=76, freq="D")[70:]]
    )
    ahead = pd.DataFrame(index=ahead)
    expected = values[:, -12:-6].ravel()  # period 12, found in the windows
    np.testing.assert_allclose(forecaster.predict(ahead), expected, rtol=1e-5)
    interval = forecaster.predict_interval(ahead, coverage=0.8)
    assert ((interval[:, 0] < expected) & (expected < interval[:, 1])).all()


def regimes():
    """Windows of series that rise, and of series that fall."""
    rise, fall = series(4, slope=1.0), 150 - series(4, seed=1, slope=1.0)
    return windows(rise), windows(fall)


def forgetting(**params):
    """Return by which share the error on the first regime rises when the second is learned."""
    (X, y), (new_X, new_y) = regimes()
    regressor = small(
        finetune="full", max_epochs=4, patience=None, batch_size=32, period=12, **params
    ).fit(X, y)
    before, unknown = error(regressor, X, y), error(regressor, new_X, new_y)
    regressor.partial_fit(new_X, new_y)
    assert error(regressor, new_X, new_y) < 0.5 * unknown
    return error(regressor, X, y) / before - 1


@pytest.fixture(scope="module")
def forgotten():
    torch.set_num_threads(1)
    return forgetting()


def test_replay_keeps_what_was_learned_and_without_it_is_forgotten(forgotten):
    assert forgetting(n_replay=100) <= 0.05
    assert forgotten > 1


def test_consolidation_forgets_less(forgotten):
    assert forgetting(consolidation=1e4) < 0.5 * forgotten


def test_partial_fit_begins_as_fit_and_needs_as_many_steps():
    X, y = windows(series())
    first = small(finetune="head").partial_fit(X, y)
    np.testing.assert_array_equal(first.predict(X), small(finetune="head").fit(X, y).predict(X))
    with pytest.raises(ValueError, match="y has 2 columns, but fit was given 6 steps"):
        first.partial_fit(X, y[:, :2])


def test_unlabelled_windows_teach_what_they_show():
    X, y = windows(series())
    start = small().fit(X, y)
    regressor = small(finetune="full", horizon=6, period=12, max_epochs=5).pretrain_on(X)
    assert regressor.n_features_in_ == X.shape[1]
    assert error(regressor, X, y) < 0.9 * error(start, X, y)
    regressor.pretrain_on(X).partial_fit(X, y)
    with pytest.raises(ValueError, match="pretrain_on needs horizon="):
        small(finetune="full").pretrain_on(X)
    with pytest.raises(ValueError, match="learns nothing"):
        small(horizon=6).pretrain_on(X)
    with pytest.raises(ValueError, match="no window with a value before its last horizon=6"):
        small(finetune="full", horizon=6).pretrain_on(X[:, :6])


def test_the_windows_forecast_least_surely_are_asked_for():
    rng = np.random.default_rng(0)
    t = np.arange(36)
    sure = 50 + 8 * np.sin(2 * np.pi * t / 12) + rng.normal(0, 0.1, (5, 36))
    unsure = 50 + rng.normal(0, 8, (3, 36))
    X = np.concatenate([sure, unsure, np.full((1, 36), np.nan)])
    regressor = small(period=12).fit(X, np.zeros((9, 3)))
    assert set(regressor.active_query(X, 3)) == {5, 6, 7}
    assert regressor.active_query(5 + 1000 * X, 9)[-1] == 8
    with pytest.raises(ValueError, match="n=0 must be an integer"):
        regressor.active_query(X, 0)


def test_callbacks_of_skorch_see_the_losses_of_every_epoch():
    class Writer:
        """As much of a SummaryWriter as skorch's TensorBoard callback needs."""

        rows: ClassVar[list] = []

        def add_scalar(self, tag, scalar_value, global_step):
            self.rows.append((tag, global_step, scalar_value))

    X, y = windows(series())
    params = {"module__sizes": SIZES, "callbacks": [TensorBoard(Writer(), close_after_train=False)]}
    tuned = small(finetune="head", max_epochs=3, net_params=params).fit(X, y)
    found = [value for tag, _, value in Writer.rows if tag == "Loss/valid_loss"]
    np.testing.assert_allclose(found, tuned.validation_losses_[1:], rtol=1e-6)
    assert [step for tag, step, _ in Writer.rows if tag == "Loss/train_loss"] == [1, 2, 3]
