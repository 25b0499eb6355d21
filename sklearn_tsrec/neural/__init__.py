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
from sklearn_tsrec.neural.gru import GRUClassifier
from sklearn_tsrec.neural.model import PatchTransformer, quantile_loss
from sklearn_tsrec.neural.pretrain import pretrain
from sklearn_tsrec.neural.recipe import PretrainRecipe
from sklearn_tsrec.neural.regressor import PatchTransformerRegressor
from sklearn_tsrec.neural.sasrec import SASRecClassifier
from sklearn_tsrec.neural.windows import BatchedWindowDataset

__all__ = [
    "BatchedWindowDataset",
    "GRUClassifier",
    "PatchTransformer",
    "PatchTransformerConfig",
    "PatchTransformerRegressor",
    "PretrainRecipe",
    "SASRecClassifier",
    "load_card",
    "load_checkpoint",
    "pretrain",
    "quantile_loss",
    "save_checkpoint",
]
