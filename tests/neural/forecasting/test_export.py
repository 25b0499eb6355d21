import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch

from sklearn_tsrec.neural import PatchTransformerRegressor, save_checkpoint
from sklearn_tsrec.neural.forecasting._export import Graph, quantize


def fitted(net, folder, period):
    """Return a regressor and windows with holes, without values, and flat."""
    rng = np.random.default_rng(0)
    t = np.arange(55)
    values = 1e4 + 8 * np.sin(2 * np.pi * t / 12) + rng.normal(0, 1, (30, 55)).cumsum(1)
    windows = values[:, :48].copy()
    windows[0, :20] = np.nan
    windows[1, 30:40] = np.nan
    windows[2] = np.nan
    windows[3] = 5.0
    regressor = PatchTransformerRegressor(save_checkpoint(net, folder), period=period)
    return regressor.fit(windows, values[:, 48:]), windows


def run(path, windows):
    session = onnxruntime.InferenceSession(path)
    return session.run(None, {"windows": windows})[0]


@pytest.mark.parametrize("period", [12, [6, 9]])
def test_what_is_exported_computes_what_the_regressor_does(net, tmp_path, period):
    regressor, windows = fitted(net, tmp_path, period)
    reader, net = regressor._reader, regressor.module_.net
    with torch.no_grad():
        graph = Graph(net, reader.periods, regressor.level_, reader.n_read)
        found = graph(torch.from_numpy(windows))
    expected = regressor.predict_quantiles(windows, net.config.quantiles)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-4)


def test_products_in_integers_are_as_exact_as_their_steps(tmp_path):
    """Weights of one sign and inputs near their bound: signed bytes would overflow 16 bits."""
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.5, 1, (64, 8)).astype(np.float32) * 2.0 ** np.arange(8, dtype=np.float32)
    value = onnx.helper.make_tensor_value_info
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["windows", "w"], ["y"])], "product",
        [value("windows", kind, [None, 64])], [value("y", kind, [None, 8])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    onnx.save(model, tmp_path / "whole.onnx")
    quantize(tmp_path / "whole.onnx", tmp_path / "small.onnx")
    stored = onnx.load(tmp_path / "small.onnx").graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in stored.initializer}
    assert stored["w_quantized"].dtype == np.uint8
    np.testing.assert_allclose(stored["w_scale"], weight.max(axis=0) / 255, rtol=1e-6)
    X = rng.uniform(0.9, 1, (20, 64)).astype(np.float32)
    # Half a step of each weight, and half a step of each input.
    most = 64 * (stored["w_scale"] / 2 + X.max() / 255 / 2 * weight.max(axis=0))
    assert (np.abs(run(tmp_path / "small.onnx", X) - X @ weight) <= most).all()


@pytest.mark.slow
def test_graphs_forecast_any_number_of_windows_and_in_integers_nearly_the_same(net, tmp_path):
    regressor, windows = fitted(net, tmp_path, 12)
    path = regressor.export_onnx(tmp_path / "net.onnx")
    expected = regressor.predict_quantiles(windows, regressor.module_.net.config.quantiles)
    whole = run(path, windows)
    np.testing.assert_allclose(whole, expected, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(run(path, windows[:1]), expected[:1], rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(regressor.predict(windows), expected[..., 4])  # it still works
    small = run(regressor.export_onnx(tmp_path / "net8.onnx", int8=True), windows)
    error = np.abs(small - whole).mean() / (whole[..., -1] - whole[..., 0]).mean()
    assert 0 < error < 0.005
    np.testing.assert_allclose(small[2], whole[2])  # no value: the mean target


@pytest.mark.slow
def test_graphs_weigh_seasons_as_the_regressor_does(net, tmp_path):
    regressor, windows = fitted(net, tmp_path, [6, 9])
    expected = regressor.predict_quantiles(windows, regressor.module_.net.config.quantiles)
    path = regressor.export_onnx(tmp_path / "net.onnx")
    np.testing.assert_allclose(run(path, windows), expected, rtol=1e-6, atol=1e-4)


def test_a_roll_out_is_no_graph(net, tmp_path):
    windows = np.arange(40.0)[np.newaxis]
    regressor = PatchTransformerRegressor(save_checkpoint(net, tmp_path), horizon=17, period=1)
    regressor.fit(windows, [1.0])
    with pytest.raises(ValueError, match=r"horizon=17 is longer than a block of the net, 16"):
        regressor.export_onnx(tmp_path / "net.onnx")


def test_covariates_are_no_part_of_a_graph(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        rng.normal(size=(8, 9)), columns=[*(f"y__lag{lag}" for lag in range(8, 0, -1)), "p__lag0"]
    )
    sizes = {"context": 8, "patch": 4, "block": 4, "width": 8, "depth": 1, "heads": 1}
    regressor = PatchTransformerRegressor(
        None, finetune="head", max_epochs=1, net_params={"module__sizes": sizes}
    ).fit(table, rng.normal(size=8))
    with pytest.raises(ValueError, match="reads windows alone, and this regressor has covariates"):
        regressor.export_onnx(tmp_path / "net.onnx")
