"""Neural networks: pretrained forecasters, classifiers of the next item, and pretraining.

Each has a room of its own (``forecasting``, ``items``, ``pretraining``); all public names are here,
and the families of synthetic series in ``sklearn_tsrec.neural.synthetic``. Needs the extra
``neural`` (torch, skorch, safetensors and PyYAML).
"""

# ruff: noqa: E402  what is missing is named before anything needs it
from sklearn_tsrec._extras import require_extra

require_extra("neural")

from sklearn_tsrec.neural import synthetic as synthetic
from sklearn_tsrec.neural.forecasting._calibration import calibrate
from sklearn_tsrec.neural.forecasting._checkpoint import load_card, load_checkpoint, save_checkpoint
from sklearn_tsrec.neural.forecasting._chronos import ChronosRegressor
from sklearn_tsrec.neural.forecasting._config import PatchTransformerConfig
from sklearn_tsrec.neural.forecasting._model import PatchTransformer
from sklearn_tsrec.neural.forecasting._regressor import PatchTransformerRegressor
from sklearn_tsrec.neural.items._gru import GRUClassifier
from sklearn_tsrec.neural.items._sasrec import SASRecClassifier
from sklearn_tsrec.neural.pretraining._pretrain import pretrain
from sklearn_tsrec.neural.pretraining._recipe import PretrainRecipe

__all__ = [
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
    "save_checkpoint",
]
