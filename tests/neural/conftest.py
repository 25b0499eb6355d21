import pytest
import torch

from sklearn_tsrec.neural import PatchTransformer, PatchTransformerConfig


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def config():
    return PatchTransformerConfig(
        context=64, patch=4, block=16, width=16, depth=2, heads=2, feedforward=24
    )


@pytest.fixture
def untrained(config):
    return PatchTransformer(config)


@pytest.fixture
def net(untrained):
    """A net whose forecasts are not the seasonal naive ones."""
    for layer in (untrained.head.out, untrained.head.skip):
        torch.nn.init.normal_(layer.weight, std=0.1)
    return untrained
