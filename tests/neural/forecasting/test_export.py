import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest

from sklearn_tsrec.neural import PatchTransformerRegressor, save_checkpoint


@pytest.fixture
def fitted(net, tmp_path):
    rng = np.random.default_rng(0)
    t = np.arange(52)
    values = 1e4 + 8 * np.sin(2 * np.pi * t / 12) + rng.normal(0, 1, (30, 52)).cumsum(1)
    windows = values[:, :45].copy()
    windows[0, :20] = np.nan
    windows[1, 30:40] = np.nan
    windows[2] = np.nan
    windows[3] = 5.0
    regressor = PatchTransformerRegressor(save_checkpoint(net, tmp_path), period=12)
    return regressor.fit(windows, values[:, 45:]), windows


def run(path, windows):
    session = onnxruntime.InferenceSession(path)
    return session.run(None, {"windows": windows})[0]


def test_the_graph_says_what_the_regressor_does_for_any_number_of_windows(fitted, tmp_path):
    regressor, windows = fitted
    path = regressor.export_onnx(tmp_path / "net.onnx")
    levels = regressor.module_.net.config.quantiles
    expected = regressor.predict_quantiles(windows, levels)
    np.testing.assert_allclose(run(path, windows), expected, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(run(path, windows[:1]), expected[:1], rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(regressor.predict(windows), expected[..., 4])  # it still works


def test_integer_weights_change_forecasts_by_little(fitted, tmp_path):
    regressor, windows = fitted
    whole = run(regressor.export_onnx(tmp_path / "net.onnx"), windows)
    small = run(regressor.export_onnx(tmp_path / "net8.onnx", int8=True), windows)
    spread = (whole[..., -1] - whole[..., 0]).mean()
    error = np.abs(small - whole).mean() / spread
    assert 0 < error < 0.005
    np.testing.assert_allclose(small[2], whole[2])  # no value: the mean target


def test_integer_weights_are_unsigned_and_scaled_by_column(fitted, tmp_path):
    regressor, _ = fitted
    graph = onnx.load(regressor.export_onnx(tmp_path / "net8.onnx", int8=True)).graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    products = [node for node in graph.node if node.op_type == "MatMulInteger"]
    assert len(products) > 10
    for product in products:
        weight = stored[product.input[1]]
        scale = stored[product.input[1].replace("_quantized", "_scale")]
        assert weight.dtype == np.uint8
        assert scale.shape == (weight.shape[1],)


def test_a_roll_out_is_no_graph(net, tmp_path):
    windows = np.arange(40.0)[np.newaxis]
    regressor = PatchTransformerRegressor(save_checkpoint(net, tmp_path), horizon=17, period=1)
    regressor.fit(windows, [1.0])
    with pytest.raises(ValueError, match=r"horizon=17 is longer than a block of the net, 16"):
        regressor.export_onnx(tmp_path / "net.onnx")


def test_the_graph_weighs_seasons_as_the_regressor_does(net, tmp_path):
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(56) * np.pi / 3) + rng.normal(0, 0.3, (20, 56))
    windows = values[:, :48].copy()
    windows[0, :30] = np.nan
    regressor = PatchTransformerRegressor(save_checkpoint(net, tmp_path), period=[6, 9])
    regressor.fit(windows, values[:, 48:])
    expected = regressor.predict_quantiles(windows, regressor.module_.net.config.quantiles)
    path = regressor.export_onnx(tmp_path / "net.onnx")
    np.testing.assert_allclose(run(path, windows), expected, rtol=1e-6, atol=1e-4)


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
