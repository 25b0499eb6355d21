"""Pretrained neural forecasters, the synthetic series they learn from, and their checkpoints.

Needs the extra ``neural`` (torch, skorch, safetensors and PyYAML).
"""

# ruff: noqa: E402  what is missing is said before anything needs it
from sklearn_tsrec._extras import require

require("torch", "neural")
require("skorch", "neural")
require("safetensors", "neural")
require("yaml", "neural")

from sklearn_tsrec.neural.calibration import calibrate
from sklearn_tsrec.neural.checkpoint import load_card, load_checkpoint, save_checkpoint
from sklearn_tsrec.neural.chronos import ChronosRegressor
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
    "ChronosRegressor",
    "GRUClassifier",
    "PatchTransformer",
    "PatchTransformerConfig",
    "PatchTransformerRegressor",
    "PretrainRecipe",
    "SASRecClassifier",
    "calibrate",
    "load_card",
    "load_checkpoint",
    "pretrain",
    "quantile_loss",
    "save_checkpoint",
]
