import numpy as np
import pytest
import torch

from sklearn_tsrec.neural import calibrate, load_checkpoint, save_checkpoint


def walks(n=400, spread=1.6, seed=0):
    """Random walks, and values around the last of each."""
    rng = np.random.default_rng(seed)
    windows = rng.normal(0, 1, (n, 32)).cumsum(axis=1)
    return windows, windows[:, -1:] + rng.normal(0, spread, (n, 8))


def inside(net, windows, targets):
    found = net.forecast(torch.from_numpy(windows), torch.ones(len(windows)).long(), 8).numpy()
    return ((targets >= found[..., 0]) & (targets <= found[..., -1])).mean()


def test_intervals_that_are_too_narrow_are_widened_and_medians_stay(untrained, tmp_path):
    windows, targets = walks()
    period = np.ones(len(windows), dtype=int)
    before = inside(untrained, windows, targets)
    median = untrained.forecast(torch.from_numpy(windows), torch.from_numpy(period), 8)[..., 4]
    net = calibrate(untrained, windows, targets, period)
    fresh = walks(seed=1)
    assert before < 0.65
    assert 0.74 < inside(net, *fresh) < 0.86
    again = net.forecast(torch.from_numpy(windows), torch.from_numpy(period), 8)
    torch.testing.assert_close(again[..., 4], median)

    loaded = load_checkpoint(save_checkpoint(net, tmp_path))
    assert loaded.calibration == net.calibration
    assert inside(loaded, *fresh) == pytest.approx(inside(net, *fresh), abs=0.01)


def test_what_harms_the_other_half_is_not_kept(untrained):
    windows, targets = walks(spread=3.0)
    targets[1::2] = windows[1::2, -1:]  # the half that judges never moves
    net = calibrate(untrained, windows, targets, np.ones(len(windows), dtype=int))
    assert net.calibration == (0.0, 0.0)


def test_too_few_windows_are_refused(untrained):
    with pytest.raises(ValueError, match="windows has 3 rows with values before and after: 20"):
        calibrate(untrained, np.zeros((3, 8)), np.zeros((3, 2)), [1, 1, 1])
