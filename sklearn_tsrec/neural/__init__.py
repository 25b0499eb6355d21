"""Pretrained neural forecasters, the synthetic series they learn from, and their checkpoints.

Needs the extra ``neural`` (torch, skorch and safetensors).
"""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError(
        "sklearn_tsrec.neural needs torch: pip install 'sklearn-tsrec[neural]'."
    ) from error

from sklearn_tsrec.neural.checkpoint import load_card, load_checkpoint, save_checkpoint
from sklearn_tsrec.neural.config import PatchTransformerConfig
from sklearn_tsrec.neural.model import PatchTransformer, quantile_loss

__all__ = [
    "PatchTransformer",
    "PatchTransformerConfig",
    "load_card",
    "load_checkpoint",
    "quantile_loss",
    "save_checkpoint",
]
