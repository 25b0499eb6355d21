import numpy as np
import pytest
import torch

from sklearn_tsrec.neural import PatchTransformer, PatchTransformerConfig
from sklearn_tsrec.neural._layers import rotation_angles
from sklearn_tsrec.neural.forecasting._model import mixture_quantiles, quantile_loss

NAN = float("nan")


def windows(n=6, length=64, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(10, 3, (n, length))).float()


@pytest.mark.parametrize("period", [1, 5, 12])
def test_an_untrained_net_is_seasonal_naive(untrained, period):
    x = windows()
    median = untrained.forecast(x, torch.full((6,), period), 15)[..., 4]
    expected = x[:, -period:].repeat(1, 15)[:, :15]
    torch.testing.assert_close(median, expected, rtol=1e-5, atol=1e-5)


def test_an_unknown_period_repeats_the_last_value(untrained):
    x = windows()
    median = untrained.forecast(x, torch.zeros(6, dtype=torch.long), 3)[..., 4]
    torch.testing.assert_close(median, x[:, -1:].expand(6, 3), rtol=1e-5, atol=1e-5)


def test_a_missing_phase_is_read_one_season_earlier_and_a_missing_end_before_it(untrained):
    x = windows(2)
    x[0, -2] = NAN
    x[1, -1] = NAN
    median = untrained.forecast(x, torch.tensor([4, 1]), 4)[..., 4]
    torch.testing.assert_close(median[0], x[0, [-4, -3, -6, -1]], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(median[1], x[1, [-2] * 4], rtol=1e-5, atol=1e-5)


def test_quantiles_ascend_at_any_horizon(net):
    quantiles = net.forecast(windows(), torch.tensor([0, 1, 4, 7, 12, 60]), 50)
    assert quantiles.shape == (6, 50, 9)
    assert (quantiles.diff(dim=-1) >= 0).all()


def test_a_roll_out_begins_with_the_first_block(net):
    x, period = windows(), torch.full((6,), 4)
    torch.testing.assert_close(net.forecast(x, period, 50)[:, :16], net.forecast(x, period, 16))


def test_quantiles_of_a_random_walk_spread_in_a_roll_out(untrained):
    x = (windows() - 10).cumsum(1)
    period = torch.ones(6, dtype=torch.long)
    spread = untrained.forecast(x, period, 32).diff(dim=-1).sum(-1)
    assert (spread[:, 16:] > 1.1 * spread[:, :16]).all()


def test_padding_and_batches_do_not_matter(net):
    x, period = windows(8, 37), torch.tensor([0, 1, 4, 7, 12, 30, 4, 4])
    x[3, :20] = NAN
    x[5, :9] = NAN
    padded = torch.cat([torch.full((8, 100), NAN), x], 1)
    together = net.forecast(padded, period, 9)
    for row in range(8):
        alone = net.forecast(x[row : row + 1], period[row : row + 1], 9)[0]
        torch.testing.assert_close(together[row], alone, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(net.forecast(padded, period, 9, batch_size=3), together)


def test_memory_is_that_of_a_batch_whatever_the_number_of_windows(net):
    sizes = []
    net.blocks[0].register_forward_hook(lambda block, given, made: sizes.append(len(given[0])))
    net.forecast(torch.randn(50, 64), torch.full((50,), 4), 8, batch_size=16)
    assert sizes == [16, 16, 16, 2]


def test_the_last_block_makes_only_what_is_read(net):
    tokens, allowed = torch.randn(2, 7, 16), torch.ones(2, 1, 7, 7, dtype=torch.bool).tril()
    rotation = rotation_angles(torch.arange(7.0), 8)
    block = net.blocks[0]
    found = block(tokens, torch.where(allowed, 0.0, -torch.inf), rotation, n_last=3)
    torch.testing.assert_close(found, block(tokens, allowed, rotation)[:, -3:])


def test_forecasts_move_with_the_units(net):
    x, period = windows().double(), torch.full((6,), 7)
    moved = net.forecast(1e5 + 40 * x, period, 9)
    torch.testing.assert_close(moved, 1e5 + 40 * net.forecast(x, period, 9), rtol=1e-6, atol=2e-2)


def test_only_the_last_context_is_read(net):
    x, period = windows(6, 64), torch.full((6,), 7)
    longer = torch.cat([torch.full((6, 40), 1e6), x], 1)
    torch.testing.assert_close(net.forecast(longer, period, 9), net.forecast(x, period, 9))


def test_a_window_without_values_has_no_forecast_and_harms_no_other(net):
    x, period = windows(3), torch.full((3,), 7)
    expected = net.forecast(x, period, 20)
    x[1] = NAN
    found = net.forecast(x, period, 20)
    assert found[1].isnan().all()
    torch.testing.assert_close(found[[0, 2]], expected[[0, 2]], rtol=1e-4, atol=1e-4)


def test_a_constant_stays(untrained):
    x = torch.tensor([[5.0] * 20, [0.0] * 20])
    quantiles = untrained.forecast(x, torch.tensor([1, 7]), 4)
    torch.testing.assert_close(quantiles[..., 4], torch.tensor([[5.0] * 4, [0.0] * 4]))
    assert (quantiles[..., -1] - quantiles[..., 0]).max() < 0.1


def test_a_single_value_has_a_forecast(net):
    assert net.forecast(torch.tensor([[3.0]]), torch.tensor([12]), 20).isfinite().all()


def test_an_origin_sees_nothing_after_it(net):
    x, period = windows(6, 48), torch.full((6,), 7)
    late = net(x, period, 2, origins=(0, 3))
    valid = torch.ones(6, 2, dtype=torch.bool)
    changed = x.clone()
    changed[:, 36:] = 50.0
    torch.testing.assert_close(
        net(changed, period, 2, origins=(0, 3), valid=valid).quantiles[:, 1], late.quantiles[:, 1]
    )


def test_an_origin_says_what_a_window_that_ends_there_says(net):
    x, period = windows(6, 48), torch.full((6,), 7)
    both = net(x, period, 2, origins=(0, 3))
    alone = net(x[:, :36], period, 2)
    torch.testing.assert_close(both.quantiles[:, 1], alone.quantiles[:, 0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(both.scale, alone.scale)


def test_the_scale_is_that_before_the_earliest_origin_that_counts(net):
    x, period = windows(2, 48), torch.full((2,), 7)
    valid = torch.tensor([[True, False], [True, True]])
    output = net(x, period, 1, origins=(0, 3), valid=valid)
    torch.testing.assert_close(output.scale[0], x[0].std(correction=0)[None])
    torch.testing.assert_close(output.scale[1], x[1, :36].std(correction=0)[None])


def test_the_loss_of_an_untrained_net_is_that_of_seasonal_naive():
    net = PatchTransformer(
        PatchTransformerConfig(
            context=16, patch=4, block=4, width=8, depth=1, heads=1, quantiles=[0.5]
        )
    )
    x = windows(1, 16)
    period = torch.tensor([4])
    target = windows(1, 4, seed=1)[:, None]
    output = net(x, period)
    scaled = torch.asinh((torch.cat([x[0, -4:], target[0, 0]]) - x.mean()) / x.std(correction=0))
    season = torch.asinh((x - x.mean()) / x.std(correction=0))
    season = (season[0, 4:] - season[0, :-4]).abs().mean()
    expected = (scaled[4:] - scaled[:4]).abs().mean() / season.sqrt()
    torch.testing.assert_close(quantile_loss(output, target, net.levels), expected)


def test_unknown_targets_and_origins_that_do_not_count_have_no_loss(net):
    x, period = windows(2, 48), torch.full((2,), 7)
    valid = torch.tensor([[True, False], [True, True]])
    output = net(x, period, 1, origins=(0, 3), valid=valid)
    target = windows(4, 4, seed=2).view(2, 2, 4)
    loss = quantile_loss(output, target, net.levels, valid)
    target[0, 1] = 1e9
    assert quantile_loss(output, target, net.levels, valid) == loss
    target[1, 1, 2:] = NAN
    assert quantile_loss(output, target, net.levels, valid).isfinite()


def test_a_prefix_is_seen_by_all_tokens(net):
    x, period = windows(2, 48), torch.full((2,), 7)
    before = net.forecast(x, period, 8)
    net.prefix = torch.nn.Parameter(torch.randn(3, 16))
    after = net.forecast(x, period, 8)
    assert ((after - before).abs().amax((1, 2)) > 1e-4).all()


def test_training_learns_what_seasonal_naive_cannot(config):
    rng = np.random.default_rng(0)
    slope = torch.from_numpy(rng.normal(size=(64, 1))).float()
    lines = slope * torch.arange(40) + torch.from_numpy(rng.normal(0, 0.1, (64, 40))).float()
    x, y, period = lines[:, :32], lines[:, None, 32:], torch.ones(64, dtype=torch.long)
    net = PatchTransformer(config)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    losses = []
    for _ in range(40):
        loss = quantile_loss(net(x, period, 2), y, net.levels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.4 * losses[0]


def test_a_window_that_is_no_multiple_of_a_patch_is_refused(net):
    with pytest.raises(ValueError, match="context must be a multiple of patch=4 long, got 30"):
        net(windows(1, 30), torch.tensor([1]))


def test_a_mixture_of_equals_is_the_same_and_of_normals_has_the_variance_of_both():
    levels = torch.arange(1, 10) / 10
    normal = 2**0.5 * torch.erfinv(2 * levels - 1)
    shares = torch.tensor([0.3, 0.4, 0.3])
    found = mixture_quantiles(normal.expand(1, 1, 3, 9), shares, levels)[0, 0]
    torch.testing.assert_close(found, normal)
    # Nodes whose shares give a standard normal its variance, each with a unit normal around it.
    share = 1 / (2 * normal[-1] ** 2)
    shares = torch.stack([share, 1 - 2 * share, share])
    found = mixture_quantiles((normal + normal[[0, 4, 8], None])[None, None], shares, levels)[0, 0]
    torch.testing.assert_close(found, 2**0.5 * normal, rtol=0, atol=0.1)
