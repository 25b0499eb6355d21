import dataclasses

import numpy as np
import pytest
import torch

from sklearn_tsrec.neural._finetune import learned
from sklearn_tsrec.neural.forecasting._covariates import Layout
from sklearn_tsrec.neural.forecasting._training import TunedForecaster, WindowReader
from sklearn_tsrec.neural.forecasting._tuner import Reservoir, Tuner, Tuning

SIZES = {
    "context": 16, "patch": 4, "block": 4, "width": 8, "depth": 1, "heads": 1, "feedforward": 8,
}  # fmt: skip
TUNING = Tuning(
    finetune="head",
    learning_rate=0.02,
    max_epochs=2,
    batch_size=16,
    validation_fraction=0.0,
    refit=False,
    n_recent=None,
    patience=None,
    weight_decay=0.0,
    blend=1.0,
    anchor=0.0,
    augment=None,
    adversarial=0.0,
    n_replay=0,
    consolidation=0.0,
    net_params=None,
    verbose=0,
)


@pytest.fixture
def data():
    values = np.random.default_rng(0).normal(size=(30, 20)).cumsum(axis=1)
    return values[:, :16], values[:, 16:]


def make(anchored=False):
    torch.manual_seed(0)
    module = TunedForecaster(finetune="head", sizes=SIZES)
    reader = WindowReader(Layout(None, 16, "head"), (1,), 16, module.net.config)
    return Tuner(module, reader, np.random.RandomState(0), anchored=anchored)


def tuned(data, calls=1, anchored=False, **params):
    """Return the tuner and its weights after some calls."""
    tuner = make(anchored)
    for _ in range(calls):
        tuner.learn(data[0], *data, dataclasses.replace(TUNING, **params))
    return tuner, torch.cat([w.ravel() for w in learned(tuner.module).values()])


def test_it_goes_the_share_of_the_way_that_is_asked(data):
    start = tuned(data, calls=0)[1]
    whole, third = tuned(data)[1], tuned(data, blend=0.3)[1]
    assert (whole - start).abs().max() > 1e-2
    torch.testing.assert_close(third, start + 0.3 * (whole - start))


def test_the_same_chance_gives_the_same_weights_and_later_calls_have_their_own(data):
    assert torch.equal(tuned(data, calls=2)[1], tuned(data, calls=2)[1])
    tuner, once = tuned(data)
    again = make()
    again.rng.randint(2)  # another place in the stream
    again.learn(data[0], *data, TUNING)
    other = torch.cat([w.ravel() for w in learned(again.module).values()])
    assert not torch.equal(once, other)
    assert tuner.rng.randint(10**9) != np.random.RandomState(0).randint(10**9)


def test_weights_are_pulled_to_the_start_of_the_first_call(data):
    start = tuned(data, calls=0)[1]
    free = (tuned(data, calls=3, anchored=True)[1] - start).norm()
    held = (tuned(data, calls=3, anchored=True, anchor=100.0)[1] - start).norm()
    assert held < 0.5 * free
    assert torch.equal(tuned(data, anchored=True)[1], tuned(data)[1])  # a pull of no strength


def test_fisher_information_adds_up_over_calls(data):
    once = tuned(data, consolidation=1.0)[0].fisher
    twice = tuned(data, consolidation=1.0, calls=2)[0].fisher
    assert set(once) == set(learned(make().module))
    assert all((twice[name] >= 0).all() for name in twice)
    assert sum(w.sum() for w in twice.values()) > 1.2 * sum(w.sum() for w in once.values())
    assert tuned(data)[0].fisher is None


def test_what_trained_keeps_no_copy_of_weights_and_the_epoch_is_the_last(data):
    tuner = make(anchored=True)
    net, epoch, losses = tuner.learn(data[0], *data, dataclasses.replace(TUNING, anchor=1.0))
    assert (epoch, losses, net.penalties) == (2, [], ())
    assert net.module_ is tuner.module


def test_the_memory_holds_windows_that_were_trained_on_with_their_targets(data):
    windows, targets = data[0].copy(), data[1]
    windows[3] = np.nan  # teaches nothing
    tuner = make()
    tuner.learn(windows, windows, targets, dataclasses.replace(TUNING, n_replay=50))
    np.testing.assert_array_equal(tuner.memory.windows, np.delete(windows, 3, axis=0))
    np.testing.assert_array_equal(tuner.memory.targets, np.delete(targets, 3, axis=0))


def test_old_windows_weigh_as_much_as_new_ones(data):
    tuner = make()
    tuner.memory.add(data[0][:5], data[1][:5], 5)
    new, held = (data[0][5:25], data[1][5:25]), (data[0][25:], data[1][25:])
    train, held, codes = tuner._with_memory(new, held, np.arange(5))
    assert train.weight[:20].sum() == pytest.approx(1)
    assert train.weight[20:].sum() == pytest.approx(1)
    np.testing.assert_array_equal(held[0], np.concatenate([data[0][25:], data[0][:5]]))
    np.testing.assert_array_equal(codes, [0, 1, 2, 3, 4, -1, -2, -3, -4, -5])


def test_a_reservoir_is_a_fair_sample_of_all_windows():
    windows = np.arange(60.0)[:, np.newaxis]
    counts = np.zeros(60)
    for seed in range(400):
        reservoir = Reservoir(np.random.RandomState(seed))
        assert len(reservoir) == 0
        for batch in np.split(windows, 3):
            reservoir.add(batch, -batch, 12)
        assert len(reservoir) == 12
        np.testing.assert_array_equal(reservoir.targets, -reservoir.windows)
        counts[reservoir.windows[:, 0].astype(int)] += 1
    # Each is kept 400 · 12 / 60 = 80 times, with a standard deviation of 8.
    assert counts.min() > 80 - 4 * 8
    assert counts.max() < 80 + 4 * 8
    assert abs(counts[:20].mean() - counts[40:].mean()) < 8
