import numpy as np
import pytest
import torch

from sklearn_tsrec.neural.forecasting._validation import LatestGoodEpoch


class Net:
    """As much of a skorch net as the choice looks at."""

    def __init__(self):
        self.module_ = type("Module", (), {})()
        self.module_.net = type("Net", (), {"prefix": None})()
        self.module_.learning = {"w": torch.zeros(2)}
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
        net.module_.learning["w"] += 1
        net.history.append(None)
        choice.on_epoch_end(net)
    choice.on_train_end(net)
    return choice.epoch_, net.module_.learning["w"][0].item()


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
