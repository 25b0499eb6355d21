import dataclasses
import json

import pytest
import torch
from accelerate.state import AcceleratorState

from sklearn_tsrec.cli import main
from sklearn_tsrec.neural import (
    PatchTransformer,
    PatchTransformerConfig,
    PretrainRecipe,
    load_card,
    load_checkpoint,
    pretrain,
)
from sklearn_tsrec.neural.pretraining._pretrain import validation_loss

CONFIG = PatchTransformerConfig(
    context=32, patch=8, block=16, width=16, depth=1, heads=2, feedforward=16
)


@pytest.fixture
def recipe():
    return PretrainRecipe(
        CONFIG, {"trend": 1}, n_windows=64 * 40, batch_size=64, lengths={16: 1, 32: 1},
        learning_rate=1e-2, warm_up=320, averaging=4, smoothing=0.5, n_series=100, series_length=64,
        refill=100,
    )  # fmt: skip


def read_log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_recipe_survives_yaml_and_json(recipe, tmp_path):
    path = tmp_path / "recipe.yaml"
    recipe.write(path)
    assert PretrainRecipe.read(path) == recipe
    assert "learning_rate: 0.01\n" in path.read_text()
    path.write_text(json.dumps(recipe.to_dict()))
    assert PretrainRecipe.read(path) == recipe
    path.write_text("learning_rate: 2e-3  # without a point\nlengths: {64: 1}\n")
    assert PretrainRecipe.read(path) == PretrainRecipe(learning_rate=2e-3, lengths={64: 1})


def test_a_bad_recipe_is_named(recipe, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("- 1\n- 2\n")
    with pytest.raises(ValueError, match=r"must hold names and values, got \[1, 2\]"):
        PretrainRecipe.read(path)
    path.write_text("lengths: {64")
    with pytest.raises(ValueError, match=r"recipe.yaml' is no YAML"):
        PretrainRecipe.read(path)
    with pytest.raises(ValueError, match=r"does not know: \['colour'\]"):
        PretrainRecipe.from_dict({"colour": 1})
    with pytest.raises(ValueError, match="series_length=64 must be 80 or more"):
        dataclasses.replace(recipe, lengths={64: 1})


def test_pretraining_beats_seasonal_naive_on_series_it_has_not_seen(recipe, tmp_path):
    net = pretrain(recipe, tmp_path, n_processes=1, verbose=0)
    untrained = validation_loss(PatchTransformer(CONFIG), recipe)
    assert validation_loss(net, recipe) < 0.97 * untrained
    card = load_card(tmp_path)
    assert card["windows"] == 64 * 40
    assert card["annealed"]
    assert PretrainRecipe.from_dict(card["recipe"]) == recipe
    assert card["validation"][card["weights"]] == min(card["validation"].values())


def test_a_seed_decides_the_weights(recipe, tmp_path):
    recipe = dataclasses.replace(recipe, n_windows=64 * 5)
    first = pretrain(recipe, tmp_path / "a", n_processes=1, verbose=0)
    again = pretrain(recipe, tmp_path / "b", n_processes=1, verbose=0)
    other = dataclasses.replace(recipe, random_state=1)
    other = pretrain(other, tmp_path / "c", n_processes=1, verbose=0)
    for (name, weight), same in zip(first.state_dict().items(), again.state_dict().values()):
        assert torch.equal(weight, same), name
    assert not torch.equal(first.head.out.weight, other.head.out.weight)


def test_a_stopped_run_goes_on_where_it_was(recipe, tmp_path):
    # No time at all: it ends at the first averaging.
    pretrain(recipe, tmp_path, minutes=1e-9, n_processes=1, verbose=0)
    stopped = read_log(tmp_path)[-1]
    assert stopped["windows"] == 64 * 4
    assert not load_card(tmp_path)["annealed"]
    pretrain(None, tmp_path, minutes=1e-9, resume=True, n_processes=1, verbose=0)
    later = read_log(tmp_path)[-1]
    assert later["windows"] == 64 * 8
    assert later["cpu_seconds"] >= stopped["cpu_seconds"]
    pretrain(None, tmp_path, resume=True, n_processes=1, verbose=0)
    assert load_card(tmp_path)["windows"] == 64 * 40
    assert read_log(tmp_path)[-1]["rate"] < 2e-2 * recipe.learning_rate
    assert PretrainRecipe.read(tmp_path / "recipe.yaml") == recipe


def test_an_annealed_copy_ends_at_rate_zero_before_the_last_window(recipe, tmp_path):
    recipe = dataclasses.replace(recipe, n_windows=10**9)
    pretrain(recipe, tmp_path, minutes=0.01, n_processes=1, verbose=0)
    assert read_log(tmp_path)[-1]["rate"] > 0.5 * recipe.learning_rate
    pretrain(None, tmp_path, minutes=0.01, resume=True, anneal=True, n_processes=1, verbose=0)
    assert read_log(tmp_path)[-1]["rate"] == 0
    assert load_card(tmp_path)["annealed"]


@pytest.mark.slow  # two processes import torch anew
def test_processes_that_average_their_weights_make_one_net(recipe, tmp_path):
    recipe = dataclasses.replace(recipe, n_windows=64 * 16)
    net = pretrain(recipe, tmp_path, n_processes=2, verbose=0)
    assert load_card(tmp_path)["windows"] == 64 * 16
    assert validation_loss(net, recipe) < validation_loss(PatchTransformer(CONFIG), recipe)


def test_series_can_be_made_by_other_processes(recipe, tmp_path):
    recipe = dataclasses.replace(recipe, n_windows=64 * 5, refill=800)
    made = pretrain(recipe, tmp_path / "a", n_processes=1, n_workers=1, verbose=0)
    alone = pretrain(recipe, tmp_path / "b", n_processes=1, verbose=0)
    torch.testing.assert_close(made.state_dict(), alone.state_dict())


def test_each_row_of_the_log_is_logged(recipe, tmp_path):
    logged = []
    recipe = dataclasses.replace(recipe, n_windows=64 * 5)
    pretrain(recipe, tmp_path, n_processes=1, on_log=logged.append, verbose=0)
    assert logged == read_log(tmp_path)
    assert [row["windows"] for row in logged] == [64 * 5]


@pytest.fixture
def launched(monkeypatch):
    """What `accelerate launch` sets for a process."""

    def launch(precision):
        monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", precision)
        monkeypatch.setenv("ACCELERATE_USE_CPU", "yes")

    yield launch
    AcceleratorState._reset_state(reset_partial_state=True)


def test_accelerate_takes_the_same_steps(recipe, tmp_path, launched):
    recipe = dataclasses.replace(recipe, n_windows=64 * 10)
    alone = pretrain(recipe, tmp_path / "a", n_processes=1, verbose=0)
    launched("no")
    same = pretrain(recipe, tmp_path / "b", device="accelerate", verbose=0)
    torch.testing.assert_close(same.state_dict(), alone.state_dict())
    with pytest.raises(ValueError, match="n_processes=2 is set by accelerate launch"):
        pretrain(recipe, tmp_path / "b", device="accelerate", n_processes=2)
    pretrain(None, tmp_path / "b", resume=True, device="accelerate", verbose=0)


def test_accelerate_decides_the_precision(recipe, tmp_path, launched):
    recipe = dataclasses.replace(recipe, n_windows=64 * 10)
    alone = pretrain(recipe, tmp_path / "a", n_processes=1, verbose=0)
    launched("bf16")
    net = pretrain(recipe, tmp_path / "b", device="accelerate", verbose=0)
    assert not torch.equal(net.head.out.weight, alone.head.out.weight)
    torch.testing.assert_close(
        validation_loss(net, recipe), validation_loss(alone, recipe), rtol=0.02, atol=0
    )


def test_bad_input_is_named(recipe, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"has no state.pt to resume from"):
        pretrain(recipe, tmp_path, resume=True)
    with pytest.raises(ValueError, match="anneal=True needs resume=True"):
        pretrain(recipe, tmp_path, anneal=True)
    with pytest.raises(ValueError, match="device must be .* 'cuda' or 'accelerate', got 'tpu'"):
        pretrain(recipe, tmp_path, device="tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="device='cuda' is not there"):
        pretrain(recipe, tmp_path, device="cuda")
    (tmp_path / "state.pt").touch()
    recipe.write(tmp_path / "recipe.yaml")
    wider = dataclasses.replace(recipe, config=dataclasses.replace(CONFIG, width=32))
    with pytest.raises(ValueError, match="recipe has a net of other sizes"):
        pretrain(wider, tmp_path, resume=True)


def test_the_command_pretrains(recipe, tmp_path, capsys):
    recipe = dataclasses.replace(recipe, n_windows=64 * 5)
    recipe.write(tmp_path / "recipe.yaml")
    out = tmp_path / "net"
    arguments = ["pretrain", "--out", str(out), "--recipe", str(tmp_path / "recipe.yaml")]
    assert main([*arguments, "--processes", "1"]) == 0
    assert "320 windows" in capsys.readouterr().err
    assert load_checkpoint(out).config == CONFIG
    assert main(["pretrain", "--out", str(tmp_path / "none"), "--resume"]) == 1
    assert "has no state.pt" in capsys.readouterr().err
