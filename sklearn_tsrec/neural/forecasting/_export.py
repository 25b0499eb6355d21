"""A fitted regressor as an ONNX graph: forecasts without torch."""

import logging
import tempfile
import warnings
from pathlib import Path

import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sklearn_tsrec._extras import require


class ExportMixin:
    """Mixin of :class:`PatchTransformerRegressor`: the net as a file that other runtimes read."""

    def export_onnx(self, path, *, int8=False):
        """Write the fitted net to an ONNX file.

        Its input ``windows`` (n, L), double, is what ``predict`` takes, NaN where missing; its
        output ``quantiles`` (n, horizon, n_levels), double, are the levels of the net, 0.1 … 0.9
        for the checkpoints that ship. Period and horizon are those of the fit.

        Parameters
        ----------
        path : str or Path
            The file, such as ``"forecaster.onnx"``.
        int8 : bool, default=False
            Whether weights of linear layers are stored, and multiplied, as 8-bit integers, with
            a scale for each output. The file is then about a third as large (1.5 for 3.8 MB);
            quantiles move, in the mean, by less than a hundredth of the width of the 80 % interval.

        Returns
        -------
        path : Path
            The file.

        Raises
        ------
        ValueError
            If the horizon is longer than one block of the net: a roll-out is no single graph.

        Examples
        --------
        >>> import numpy as np, onnxruntime, tempfile
        >>> from sklearn_tsrec.neural import PatchTransformerRegressor
        >>> weeks = np.tile([1.0, 2, 3, 4, 5, 6, 0], 4)[np.newaxis]
        >>> regressor = PatchTransformerRegressor(period=7).fit(weeks, [[1.0, 2, 3]])
        >>> path = regressor.export_onnx(tempfile.mkdtemp() + "/small.onnx")
        >>> session = onnxruntime.InferenceSession(path)
        >>> (quantiles,) = session.run(None, {"windows": weeks})
        >>> bool(np.allclose(quantiles[..., 4], regressor.predict(weeks), atol=1e-4))
        True
        """
        check_is_fitted(self)
        require("onnxscript", "onnx")
        net = self.module_.net
        if self.horizon_ > net.config.block:
            raise ValueError(
                f"horizon={self.horizon_} is longer than a block of the net, {net.config.block}: "
                f"export a regressor of at most {net.config.block} steps, and append its forecasts "
                "to the windows for those after them."
            )
        path, device = Path(path), net.levels.device
        graph = _Graph(net.cpu(), self.periods_, self.level_, self._reader.n_read).eval()
        # One row would be taken for a constant.
        windows = torch.zeros(2, self.n_features_in_, dtype=torch.float64)
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
                quantization = require("onnxruntime.quantization", "onnx")
                root = logging.getLogger()
                level = root.level
                root.setLevel(logging.ERROR)  # it advises, through the root logger, on other nets
                try:
                    # Signed weights times unsigned inputs overflow 16 bits on CPUs with AVX2 alone,
                    # and forecasts would differ from machine to machine.
                    unsigned = quantization.QuantType.QUInt8
                    quantization.quantize_dynamic(
                        whole, path, weight_type=unsigned, per_channel=True
                    )
                finally:
                    root.setLevel(level)
        net.to(device)
        return path


class _Graph(nn.Module):
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
