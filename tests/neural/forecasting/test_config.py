import json

import pytest

from sklearn_tsrec.neural import PatchTransformerConfig


def test_a_config_survives_json():
    config = PatchTransformerConfig(width=64, quantiles=[0.25, 0.5, 0.75], dropout=0.1)
    again = PatchTransformerConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert again.quantiles == (0.25, 0.5, 0.75)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"depth": 0}, "depth must be an integer of 1 or more, got 0"),
        ({"width": 32.0}, "width must be an integer"),
        ({"context": 100}, "context must be a multiple of patch=16, got 100"),
        ({"block": 20}, "block must be a multiple of patch=16, got 20"),
        ({"width": 36}, "width must be a multiple of 2 \\* heads = 8, got 36"),
        ({"quantiles": (0.5, 0.1)}, "must ascend"),
        ({"quantiles": (0.0, 0.5)}, "must ascend"),
        ({"quantiles": (0.1, 0.9)}, "must contain 0.5"),
        ({"dropout": 1.0}, "dropout must be in"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        PatchTransformerConfig(**sizes)


def test_a_config_of_another_net_is_refused():
    with pytest.raises(ValueError, match=r"does not know: \['n_experts'\]"):
        PatchTransformerConfig.from_dict({"n_experts": 8})
