"""Time-series forecasting and recommendation as ordinary scikit-learn estimators."""

import importlib

from sklearn_tsrec._version import __version__

# Attributes are resolved on first use, so that ``import sklearn_tsrec`` stays light: a program that
# only splits a panel never pays for numba, and nobody pays for torch, econml or sktime unasked.
_ROOM_OF = {
    "CausalFeatureSelector": "feature_selection",
    "ConformalForecaster": "forecasting",
    "FourierFeatures": "features",
    "LagFeatures": "features",
    "PanelTimeSeriesSplit": "model_selection",
    "PatchTransformerRegressor": "neural",
    "SASRecClassifier": "neural",
    "SequenceRecommender": "recommendation",
    "SktimeRegressor": "sktime",
    "SktimeTransformer": "sktime",
    "TemporalStackingClassifier": "ensemble",
    "TemporalStackingRegressor": "ensemble",
    "TsrecForecaster": "sktime",
    "TwoStageRecommender": "recommendation",
    "WindowFeatures": "features",
    "WindowForecaster": "forecasting",
    "as_panel": "_panel",
}

_ROOMS = (
    "causal",
    "datasets",
    "ensemble",
    "feature_selection",
    "features",
    "forecasting",
    "inspection",
    "metrics",
    "model_selection",
    "neural",
    "preprocessing",
    "recommendation",
    "sktime",
    "utils",
)

__all__ = ["__version__", *sorted(_ROOM_OF)]


def __getattr__(name):
    if name in _ROOM_OF:
        return getattr(importlib.import_module(f"sklearn_tsrec.{_ROOM_OF[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"sklearn_tsrec.{name}")
    raise AttributeError(f"module 'sklearn_tsrec' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_ROOM_OF, *_ROOMS])
