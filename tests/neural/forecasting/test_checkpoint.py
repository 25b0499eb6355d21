import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from sklearn_tsrec.neural import load_card, load_checkpoint, save_checkpoint


def metadata_of(path):
    head = path.read_bytes()
    size = int.from_bytes(head[:8], "little")
    return json.loads(head[8 : 8 + size])["__metadata__"]


def test_a_checkpoint_gives_the_net_and_its_card_back(net, tmp_path):
    x, period = torch.randn(3, 64), torch.tensor([1, 4, 12])
    path = save_checkpoint(net, tmp_path / "small.safetensors", {"licence": "BSD-3-Clause"})
    again = load_checkpoint(path)
    assert again.config == net.config
    assert not again.training
    assert all(parameter.dtype == torch.float32 for parameter in again.parameters())
    torch.testing.assert_close(
        again.forecast(x, period, 20), net.forecast(x, period, 20), rtol=1e-2, atol=1e-2
    )
    assert load_card(path) == {"licence": "BSD-3-Clause"}
    assert path.stat().st_size < 2.2 * sum(p.numel() for p in net.parameters()) + 8000


def test_a_folder_holds_one_checkpoint(net, tmp_path):
    assert save_checkpoint(net, tmp_path / "new") == tmp_path / "new" / "model.safetensors"
    assert load_checkpoint(str(tmp_path / "new")).config == net.config


def test_a_changed_weight_is_noticed(net, tmp_path):
    path = save_checkpoint(net, tmp_path)
    tensors = load_file(path)
    tensors["norm.bias"] += 1
    save_file(tensors, path, metadata_of(path))
    with pytest.raises(ValueError, match="is damaged: its sha256"):
        load_checkpoint(path)


def test_a_changed_config_is_noticed(net, tmp_path):
    path = save_checkpoint(net, tmp_path)
    metadata = metadata_of(path)
    metadata["config"] = metadata["config"].replace('"depth": 2', '"depth": 1')
    save_file(load_file(path), path, metadata)
    with pytest.raises(ValueError, match="is damaged"):
        load_checkpoint(path)


def test_weights_of_other_shapes_are_refused(net, tmp_path):
    net.norm = torch.nn.LayerNorm(8)
    with pytest.raises(ValueError, match="weights for a net of other shapes"):
        load_checkpoint(save_checkpoint(net, tmp_path))


def test_other_files_are_refused(net, tmp_path):
    with pytest.raises(ValueError, match=r"neither a checkpoint of the package .* nor a"):
        load_checkpoint("tsrec-giant")
    torch.save(net.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(ValueError, match="never read: unpickling runs code"):
        load_checkpoint(tmp_path / "weights.pt")
    save_file({"a": torch.zeros(3)}, tmp_path / "other.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match="a safetensors file of something else"):
        load_checkpoint(tmp_path / "other.safetensors")


def test_weights_that_are_not_finite_are_not_saved(net, tmp_path):
    with torch.no_grad():
        net.norm.bias[0] = 1e9
    with pytest.raises(ValueError, match="'norm.bias' that are not finite"):
        save_checkpoint(net, tmp_path)
