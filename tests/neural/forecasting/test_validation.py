import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_tsrec.neural.forecasting._validation import LatestGoodEpoch, split_rows


class Net:
    """As much of a skorch net as the choice looks at."""

    def __init__(self):
        self.module_ = torch.nn.Module()
        self.module_.w = torch.nn.Parameter(torch.zeros(2))
        self.module_.net = torch.nn.Module()
        self.module_.net.prefix = None
        self.history = []


def choose(losses, monkeypatch, patience=None):
    """Return the epoch that is kept, and its weights, for losses of each series and epoch."""
    choice = LatestGoodEpoch(object(), np.arange(len(losses[0])), patience=patience)
    left = [np.array(epoch, dtype=float) for epoch in losses]
    monkeypatch.setattr(LatestGoodEpoch, "_measure", lambda self, net: left.pop(0))
    net = Net()
    net.history = type("History", (list,), {"record": lambda self, name, value: None})()
    choice.on_train_begin(net)
    for _ in losses[1:]:
        net.module_.w.data += 1
        net.history.append(None)
        choice.on_epoch_end(net)
    choice.on_train_end(net)
    return choice.epoch_, net.module_.w[0].item()


def test_the_latest_epoch_within_a_standard_error_of_the_best_is_kept(monkeypatch):
    start, best = [1.0, 1.0, 1.0, 1.0], [0.9, 0.5, 0.9, 0.5]
    near, far = [0.8, 0.7, 0.8, 0.6], [0.95, 0.6, 0.99, 0.59]
    assert choose([start, best, near, far], monkeypatch) == (2, 2.0)


def test_the_start_is_kept_where_every_epoch_is_clearly_worse(monkeypatch):
    assert choose([[1.0, 1.0, 1.0], [1.2, 1.3, 1.2], [1.4, 1.3, 1.5]], monkeypatch) == (0, 0.0)


def test_with_one_series_the_least_loss_decides(monkeypatch):
    assert choose([[1.0], [0.8], [0.81]], monkeypatch) == (1, 1.0)


def test_patience_counts_from_the_epoch_to_keep(monkeypatch):
    worse = [[1.0, 1.0], [1.2, 1.3], [1.4, 1.3]]
    with pytest.raises(KeyboardInterrupt):
        choose(worse, monkeypatch, patience=2)


def windows(n_series, length, horizon, n=60):
    """Overlapping windows of random walks, and the values after each."""
    values = np.random.default_rng(0).normal(size=(n_series, n)).cumsum(axis=1)
    cut = np.lib.stride_tricks.sliding_window_view(values, length + horizon, axis=1)
    cut = cut.reshape(-1, length + horizon)
    return cut[:, :length], cut[:, length:]


def test_the_latest_windows_of_each_series_are_held_out():
    X, y = windows(3, 24, 4)  # 33 windows of each series
    train, valid, _ = split_rows(X, X, y, validation_fraction=0.25, n_recent=20)
    np.testing.assert_array_equal(
        valid, np.concatenate([np.arange(28, 33) + 33 * s for s in range(3)])
    )
    # Targets of 4 steps that end before the first one held out, of the last 20 windows.
    np.testing.assert_array_equal(
        train, np.concatenate([np.arange(13, 25) + 33 * s for s in range(3)])
    )


def test_an_index_holds_the_series_of_windows_in_any_order():
    X, y = windows(3, 24, 4)
    index = pd.MultiIndex.from_product([range(3), range(33)])
    shuffled = np.random.default_rng(0).permutation(len(X))
    frame = pd.DataFrame(X, index=index).iloc[shuffled]
    train, valid, _ = split_rows(
        frame, X[shuffled], y[shuffled], validation_fraction=0.25, n_recent=20
    )
    expected = split_rows(X, X, y, validation_fraction=0.25, n_recent=20)
    np.testing.assert_array_equal(np.sort(shuffled[train]), expected[0])
    np.testing.assert_array_equal(np.sort(shuffled[valid]), expected[1])


def test_rows_that_stand_for_themselves_are_in_time_order():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 3))
    train, valid, _ = split_rows(X, X, y, validation_fraction=0.25, n_recent="auto")
    np.testing.assert_array_equal(train, np.arange(30))
    np.testing.assert_array_equal(valid, np.arange(30, 40))
