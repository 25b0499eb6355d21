"""A net as an ONNX graph: forecasts without torch."""

import logging
import tempfile
import warnings
from pathlib import Path

import torch
from torch import nn

from sklearn_tsrec._extras import require


def write_onnx(net, reader, level, path, *, int8=False):
    """Write a net to an ONNX file; see :meth:`PatchTransformerRegressor.export_onnx`.

    Parameters
    ----------
    net : PatchTransformer
        The net.
    reader : WindowReader
        How it reads windows.
    level : array of shape (horizon,)
        Forecasts of a window without any value.
    path : str or Path
        The file.
    int8 : bool, default=False
        Whether weights of linear layers are 8-bit integers.

    Returns
    -------
    path : Path
        The file.
    """
    require("onnxscript", "onnx")
    if reader.layout.n_features:
        raise ValueError(
            "an ONNX graph reads windows alone, and this regressor has covariates: export one "
            "that was fitted without them."
        )
    if len(level) > net.config.block:
        raise ValueError(
            f"horizon={len(level)} is longer than a block of the net, {net.config.block}: "
            f"export a regressor of at most {net.config.block} steps, and append its forecasts "
            "to the windows for those after them."
        )
    path, device = Path(path), net.levels.device
    graph = Graph(net.cpu(), reader.periods, level, reader.n_read).eval()
    # One row would be taken for a constant.
    windows = torch.zeros(2, reader.layout.n_window, dtype=torch.float64)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = Path(folder) / "whole.onnx" if int8 else path
        torch.onnx.export(
            graph,
            (windows,),
            whole,
            input_names=["windows"],
            output_names=["quantiles"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        if int8:
            quantize(whole, path)
    net.to(device)
    return path


def quantize(whole, path):
    """Write an ONNX graph again, with weights of linear layers as 8-bit integers.

    They are unsigned: signed weights times unsigned inputs overflow 16 bits on CPUs with AVX2
    alone, and forecasts would differ from machine to machine.
    """
    quantization = require("onnxruntime.quantization", "onnx")
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)  # it advises, through the root logger, on other nets
    try:
        unsigned = quantization.QuantType.QUInt8
        quantization.quantize_dynamic(whole, path, weight_type=unsigned, per_channel=True)
    finally:
        root.setLevel(before)


class Graph(nn.Module):
    """What is exported: windows → quantiles of one block.

    Parameters
    ----------
    net : PatchTransformer
        The net.
    periods : tuple of int
        Steps in the candidate seasons.
    level : array of shape (horizon,)
        Forecasts of a window without any value.
    n_read : int
        How many of the last values of a window are read.
    """

    periods: torch.Tensor
    level: torch.Tensor

    def __init__(self, net, periods, level, n_read):
        super().__init__()
        self.net = net
        self.n_read = n_read
        self.register_buffer("periods", torch.tensor([periods]))
        self.register_buffer("level", torch.from_numpy(level)[None, :, None])

    def forward(self, windows):
        """Return the quantiles (n, horizon, n_levels)."""
        context = windows[:, -self.n_read :]
        periods = self.periods.expand(windows.shape[0], -1)
        net = self.net
        quantiles = net.from_seasons(net.one_block, context, periods, self.level.shape[1])
        n_seen = torch.isfinite(context).sum(1)
        quantiles = self.net.widen(quantiles, n_seen)
        return torch.where(n_seen[:, None, None] > 0, quantiles, self.level)
