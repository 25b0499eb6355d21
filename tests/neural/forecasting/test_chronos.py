import builtins
import sys

import numpy as np
import pytest
import torch
from chronos.chronos2 import Chronos2Model
from chronos.chronos2.config import Chronos2CoreConfig
from chronos.chronos_bolt import ChronosBoltModelForForecasting
from sklearn.base import clone
from transformers import T5Config

from sklearn_tsrec import WindowForecaster
from sklearn_tsrec.datasets import make_panel
from sklearn_tsrec.neural import ChronosRegressor

SIZES = {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 2}
LEVELS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
COMMON = {
    "context_length": 32,
    "input_patch_size": 4,
    "input_patch_stride": 4,
    "quantiles": LEVELS,
    "use_reg_token": True,
}


def save(folder, kind):
    """Write a tiny model of random weights."""
    torch.manual_seed(0)
    if kind == "bolt":
        config = T5Config(
            **SIZES, num_decoder_layers=1, chronos_config=COMMON | {"prediction_length": 8},
            chronos_pipeline_class="ChronosBoltPipeline", decoder_start_token_id=0,
            pad_token_id=0, reg_token_id=1, architectures=["ChronosBoltModelForForecasting"],
        )  # fmt: skip
        model = ChronosBoltModelForForecasting(config)
    else:
        own = {"output_patch_size": 4, "max_output_patches": 2, "time_encoding_scale": 32}
        config = Chronos2CoreConfig(
            **SIZES, chronos_config=COMMON | own, chronos_pipeline_class="Chronos2Pipeline",
            pad_token_id=0, reg_token_id=1, architectures=["Chronos2Model"],
        )  # fmt: skip
        model = Chronos2Model(config)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bolt(tmp_path_factory):
    return save(tmp_path_factory.mktemp("bolt"), "bolt")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return save(tmp_path_factory.mktemp("two"), "two")


def rows(n=12, length=20, horizon=4):
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (n, length + horizon)).cumsum(axis=1) + 50
    X = values[:, :length].copy()
    X[0, :9] = np.nan
    X[1, 12] = np.nan
    return X, values[:, length:]


@pytest.mark.parametrize("kind", ["bolt", "two"])
def test_it_says_what_the_model_does(kind, request):
    X, y = rows()
    regressor = ChronosRegressor(request.getfixturevalue(kind)).fit(X, y)
    series = [row[~np.isnan(row)] if i == 0 else row for i, row in enumerate(X)]
    expected, _ = regressor.pipeline_.predict_quantiles(
        [torch.from_numpy(row).float() for row in series], prediction_length=4
    )
    # Random weights do not put quantiles in order.
    expected = np.sort(np.stack([part.reshape(4, 9).numpy() for part in expected]), axis=-1)
    np.testing.assert_allclose(regressor.predict_quantiles(X, LEVELS), expected, rtol=1e-5)
    np.testing.assert_allclose(regressor.predict(X), expected[..., 4], rtol=1e-5)
    assert regressor.n_trainable_ == 0
    assert regressor.licence_ == "not stated"


@pytest.mark.parametrize("kind", ["bolt", "two"])
def test_any_horizon_and_a_window_without_values(kind, request):
    X, y = rows()
    X[2] = np.nan
    regressor = ChronosRegressor(request.getfixturevalue(kind), horizon=11).fit(X, y[:, 0])
    found = regressor.predict(X)
    assert found.shape == (12, 11)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[2], y[:, 0].mean())


@pytest.mark.parametrize("finetune", ["lora", "full"])
def test_it_is_fine_tuned_through_its_own_fit(finetune, two):
    X, y = rows()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    start = ChronosRegressor(two).fit(X, y)
    one = ChronosRegressor(two, finetune=finetune, learning_rate=1e-2, max_steps=5).fit(X, y)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    other = clone(one).fit(X, y)
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-6)
    assert not np.allclose(one.predict(X), start.predict(X))
    whole = start.n_parameters_
    if finetune == "full":
        assert one.n_trainable_ == whole
    else:  # LoRA really is LoRA: peft took part
        assert 0 < one.n_trainable_ < one.n_parameters_
        assert one.n_parameters_ == whole + one.n_trainable_


def test_lora_without_peft_is_refused_instead_of_training_everything(two, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "peft":
            raise ImportError("No module named 'peft'")
        return real(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.partition(".")[0] == "peft"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(builtins, "__import__", without)
    X, y = rows()
    with pytest.raises(ImportError, match=r"sklearn-tsrec\[chronos\]"):
        ChronosRegressor(two, finetune="lora").fit(X, y)


def test_bolt_cannot_be_fine_tuned(bolt):
    X, y = rows()
    with pytest.raises(ValueError, match="ChronosBoltPipeline, which cannot be fine-tuned"):
        ChronosRegressor(bolt, finetune="full").fit(X, y)


def test_the_licence_is_printed_and_a_non_commercial_one_warns(tmp_path, capsys):
    X, y = rows()
    folder = save(tmp_path / "nc", "bolt")
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\nA model.\n")
    with pytest.warns(UserWarning, match=r"cc-by-nc-4.0, which forbids commercial use"):
        ChronosRegressor(folder, verbose=1).fit(X, y)
    assert "licence cc-by-nc-4.0" in capsys.readouterr().out
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nA model.\n")
    assert ChronosRegressor(folder).fit(X, y).licence_ == "apache-2.0"
    assert capsys.readouterr().out == ""


def test_without_folder_and_network_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    X, y = rows()
    with pytest.raises(OSError, match=r"checkpoint='nobody/nothing' is no folder.*hf download"):
        ChronosRegressor("nobody/nothing").fit(X, y)
    with pytest.raises(OSError, match="is a folder without a Chronos model"):
        ChronosRegressor(tmp_path).fit(X, y)


def test_bad_input_is_named(bolt):
    X, y = rows()
    with pytest.raises(ValueError, match="X has no value"):
        ChronosRegressor(bolt).fit(np.full_like(X, np.nan), y)
    with pytest.raises(ValueError, match="horizon=9 is not the number of columns of y, 4"):
        ChronosRegressor(bolt, horizon=9, finetune="full").fit(X, y)
    with pytest.raises(ValueError, match="device='cuda:9' is not there"):
        ChronosRegressor(bolt, device="cuda:9").fit(X, y)


def test_it_forecasts_panels(bolt):
    X, y = make_panel(3, 40, random_state=0)
    days = X.index.get_level_values(-1)
    past = days.isin(days.unique()[:36])
    model = WindowForecaster(ChronosRegressor(bolt), window=20, horizon=4, columns=[])
    model.fit(X[past], y[past])
    low, middle, high = model.predict_quantiles(X[~past], [0.1, 0.5, 0.9]).T
    assert ((low <= middle) & (middle <= high)).all()
