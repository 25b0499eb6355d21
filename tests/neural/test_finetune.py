import numpy as np
import pytest
import torch

from sklearn_tsrec.neural._finetune import (
    FINETUNE,
    AdaLoRALinear,
    AdapterLinear,
    LoRALinear,
    RankBudget,
    adapt,
    blend,
    count_parameters,
    learned,
    learning,
    set_dropout,
)
from sklearn_tsrec.neural.forecasting._checkpoint import save_checkpoint
from sklearn_tsrec.neural.forecasting._training import TunedForecaster


@pytest.fixture
def path(net, tmp_path):
    return save_checkpoint(net, tmp_path)


@pytest.mark.parametrize("kind", [LoRALinear, AdaLoRALinear, AdapterLinear])
def test_an_added_module_begins_as_nothing_and_learns(kind):
    base = torch.nn.Linear(6, 4)
    layer, x = kind(base, 3), torch.randn(5, 6)
    torch.testing.assert_close(layer(x), base(x))
    optimizer = torch.optim.SGD(set(layer.parameters()) - set(base.parameters()), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (layer(x) - 1).square().mean().backward()
        optimizer.step()
    assert (layer(x) - 1).square().mean() < 0.97 * (base(x) - 1).square().mean()


@pytest.mark.parametrize("finetune", [mode for mode in FINETUNE if mode != "prefix"])
def test_every_way_begins_with_the_checkpoint(net, path, finetune):
    x, period = torch.randn(3, 64), torch.tensor([1, 4, 12])
    start = TunedForecaster(path, "none").net.forecast(x, period, 9)
    tuned = TunedForecaster(path, finetune, rank=2).net
    torch.testing.assert_close(tuned.forecast(x, period, 9), start)


def test_what_learns_is_what_the_way_says(path):
    def learns(finetune, **options):
        module = TunedForecaster(path, finetune, **options)
        return {name.removeprefix("net.").split(".")[0] for name in learning(module)}

    assert learns("none") == set()
    assert learns("head") == {"norm", "head"}
    assert learns("prefix") == {"norm", "head", "prefix"}
    module = TunedForecaster(path, "last")
    assert {n.split(".")[2] for n in learning(module) if ".blocks." in n} == {"1"}
    module = TunedForecaster(path, "lora")
    added = {name.split(".")[-1] for name in learning(module) if ".blocks." in name}
    assert added == {"down", "up"}
    assert all(w.requires_grad for w in TunedForecaster(path, "full").parameters())


def test_shares_of_learning_weights_follow_their_sizes(path):
    head = count_parameters(TunedForecaster(path, "head"))
    few, many = (count_parameters(TunedForecaster(path, "lora", rank=r))[0] for r in (1, 4))
    assert many - head[0] == 4 * (few - head[0])
    assert few > head[0]
    assert count_parameters(TunedForecaster(path, "full"))[0] == head[1]


def test_an_unknown_way_is_refused(net):
    with pytest.raises(ValueError, match="finetune='all' must be one of none, head"):
        adapt(net, "all")


def test_dropout_is_set_everywhere(net):
    set_dropout(net, 0.3)
    assert {block.dropout.p for block in net.blocks} == {0.3}


def test_ranks_that_matter_least_are_dropped():
    torch.manual_seed(0)
    net = torch.nn.Sequential(*(AdaLoRALinear(torch.nn.Linear(8, 8), 4) for _ in range(2)))
    net[0].base.requires_grad_(False)
    x = torch.randn(64, 8)
    # Only the last layer can reach this target, which has rank 1.
    target = net(x).detach() + x[:, :1] * torch.arange(8)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    budget = RankBudget(net, 100, share=0.5)
    for _ in range(100):
        optimizer.zero_grad()
        (net(x) - target).square().mean().backward()
        optimizer.step()
        budget.update()
    kept = [int((layer.size != 0).sum()) for layer in net]
    assert sum(kept) == 4
    assert np.isfinite(net(x).detach()).all()


def test_skewness_is_zero_for_orthogonal_factors():
    layer = AdaLoRALinear(torch.nn.Linear(4, 4), 2)
    with torch.no_grad():
        layer.right.copy_(torch.eye(2, 4))
        layer.left.copy_(torch.eye(4, 2))
    assert layer.skewness() == 0


def test_a_blend_is_part_of_the_way(path):
    net = TunedForecaster(path, "lora", rank=2)
    start = learned(net)
    with torch.no_grad():
        for w in learning(net).values():
            w.add_(torch.randn_like(w))
    end = learned(net)
    blend(net, start, 0.25)
    now = dict(learning(net))
    name = "net.head.skip.weight"
    torch.testing.assert_close(now[name], start[name] + (end[name] - start[name]) / 4)
    up, down = (f"net.blocks.0.expand.{part}" for part in ("up", "down"))
    torch.testing.assert_close(now[up], end[up] / 4)
    torch.testing.assert_close(now[down], end[down])
