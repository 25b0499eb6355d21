import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sklearn_tsrec.neural.pretraining._windows import BatchedWindowDataset


def make(series, **options):
    settings = {
        "patch": 4, "n_future_patches": 2, "lengths": {16: 1}, "batch_size": 300, "n_origins": 3,
        "holes": 0.0, "unknown": 0.0, "random_state": 0,
    }  # fmt: skip
    period = options.pop("period", np.arange(1, len(series) + 1))
    return BatchedWindowDataset(series, period, **(settings | options))


@pytest.fixture
def series():
    """Three series whose values show which series and time they are of."""
    return [1000.0 * row + np.arange(size) for row, size in enumerate((17, 40, 90), 1)]


def test_a_target_follows_its_origin(series):
    batch = make(series).draw()
    assert batch.origins[0] == 0
    assert len(batch.origins) == 3
    for origin, target in zip(batch.origins, batch.target.unbind(1)):
        # The values after an origin are as far from the end of the window as their times are.
        assert torch.equal(target[:, 0], batch.context[:, -1] + 1 - 4 * origin)
        assert torch.equal(target.diff(dim=1), torch.ones(300, 7))


def test_windows_come_from_all_times_of_all_series(series):
    batch = make(series, batch_size=3000).draw()
    row = batch.context[:, -1] // 1000
    assert set(row.tolist()) == {1, 2, 3}
    assert torch.equal(batch.period, row.long())
    for number, size in ((1, 17), (2, 40), (3, 90)):
        last = batch.context[row == number, -1] - 1000 * number
        # All 8 targets lie within the series, and a window may begin before it.
        assert last.max() == size - 8 - 1
        assert last.min() == min(16, size - 8) - 1


def test_what_is_before_a_series_is_missing_and_its_origins_do_not_count(series):
    batch = make(series[:1]).draw()
    known = torch.isfinite(batch.context)
    assert (known.sum(1) <= 9).all()
    assert (known.int().diff(dim=1) >= 0).all()
    for origin, valid in zip(batch.origins, batch.valid.unbind(1)):
        assert valid.all() if origin == 0 else not (valid & (known.sum(1) - 4 * origin < 8)).any()


def test_lengths_are_log_uniform(series):
    long = [np.arange(2000.0)]
    known = torch.isfinite(make(long, lengths={512: 1}, batch_size=4000).draw().context).sum(1)
    assert known.min() < 40
    assert 0.4 < (known > 200).float().mean() < 0.75


def test_holes_and_hidden_periods_have_their_share():
    batch = make(
        [np.arange(500.0)], lengths={64: 1}, batch_size=6000, holes=0.5, unknown=0.2
    ).draw()
    known = torch.isfinite(batch.context)
    first = known.byte().argmax(1)
    holes = (~known & (torch.arange(64) > first[:, None])).any(1)
    assert 0.3 < holes.float().mean() < 0.5
    assert 0.17 < (batch.period == 0).float().mean() < 0.23


def test_series_are_replaced_in_place(series):
    windows = make(series)
    flat = windows.values.data_ptr()
    windows.replace([1], [np.full(40, -1.0)], [30])
    batch = windows.draw()
    assert windows.values.data_ptr() == flat
    assert set(batch.period.tolist()) == {1, 3, 30}
    assert (batch.context[batch.period == 30].nan_to_num(-1) == -1).all()


def test_a_seed_decides_all_batches_of_a_loader(series):
    def read(seed):
        loader = DataLoader(make(series, n_batches=3, random_state=seed), batch_size=None)
        return [batch.context for batch in loader]

    first, again, other = read(1), read(1), read(2)
    assert len(first) == 3
    assert all(torch.equal(a.nan_to_num(0), b.nan_to_num(0)) for a, b in zip(first, again))
    assert not torch.equal(first[0].nan_to_num(0), other[0].nan_to_num(0))


def test_bad_input_is_named(series):
    with pytest.raises(ValueError, match=r"lengths must be multiples of patch=4, got \[18\]"):
        make(series, lengths={18: 1})
    with pytest.raises(ValueError, match="longest has 17 values, and 48 are needed"):
        make(series[:1], n_future_patches=10)
