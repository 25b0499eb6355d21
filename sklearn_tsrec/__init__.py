"""Time-series forecasting and recommendation as ordinary scikit-learn estimators."""

import importlib
import sys
from typing import TYPE_CHECKING

from sklearn_tsrec._extras import is_missing
from sklearn_tsrec._version import __version__

if TYPE_CHECKING:  # what is resolved on first use below, for editors and static checkers
    from sklearn_tsrec import (
        causal as causal,
    )
    from sklearn_tsrec import (
        datasets as datasets,
    )
    from sklearn_tsrec import (
        ensemble as ensemble,
    )
    from sklearn_tsrec import (
        feature_selection as feature_selection,
    )
    from sklearn_tsrec import (
        features as features,
    )
    from sklearn_tsrec import (
        forecasting as forecasting,
    )
    from sklearn_tsrec import (
        inspection as inspection,
    )
    from sklearn_tsrec import (
        metrics as metrics,
    )
    from sklearn_tsrec import (
        model_selection as model_selection,
    )
    from sklearn_tsrec import (
        monitoring as monitoring,
    )
    from sklearn_tsrec import (
        neural as neural,
    )
    from sklearn_tsrec import (
        preprocessing as preprocessing,
    )
    from sklearn_tsrec import (
        recommendation as recommendation,
    )
    from sklearn_tsrec import (
        sktime as sktime,
    )
    from sklearn_tsrec import (
        utils as utils,
    )
    from sklearn_tsrec._panel import as_panel
    from sklearn_tsrec.ensemble import TemporalStackingClassifier, TemporalStackingRegressor
    from sklearn_tsrec.feature_selection import CausalFeatureSelector
    from sklearn_tsrec.features import FourierFeatures, LagFeatures, WindowFeatures
    from sklearn_tsrec.forecasting import ConformalForecaster, WindowForecaster
    from sklearn_tsrec.model_selection import PanelTimeSeriesSplit
    from sklearn_tsrec.neural import PatchTransformerRegressor, SASRecClassifier
    from sklearn_tsrec.recommendation import SequenceRecommender, TwoStageRecommender
    from sklearn_tsrec.sktime import SktimeRegressor, SktimeTransformer, TsrecForecaster

__all__ = [
    "CausalFeatureSelector",
    "ConformalForecaster",
    "FourierFeatures",
    "LagFeatures",
    "PanelTimeSeriesSplit",
    "PatchTransformerRegressor",
    "SASRecClassifier",
    "SequenceRecommender",
    "SktimeRegressor",
    "SktimeTransformer",
    "TemporalStackingClassifier",
    "TemporalStackingRegressor",
    "TsrecForecaster",
    "TwoStageRecommender",
    "WindowFeatures",
    "WindowForecaster",
    "__version__",
    "as_panel",
]

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
    "monitoring",
    "neural",
    "preprocessing",
    "recommendation",
    "sktime",
    "utils",
)

if not TYPE_CHECKING:  # names whose extra is not installed are no attributes, and not offered
    __all__ = [name for name in __all__ if not is_missing(_ROOM_OF.get(name))]


def __getattr__(name):
    room = _ROOM_OF.get(name, name)
    if room not in _ROOMS and name not in _ROOM_OF:
        raise AttributeError(f"module 'sklearn_tsrec' has no attribute {name!r}")
    if is_missing(room):
        try:
            importlib.import_module(f"sklearn_tsrec.{room}")
        except ImportError as error:
            # ``from sklearn_tsrec import NAME`` asks through importlib, and learns how to install
            # it; whoever else asks, such as hasattr and help, learns that there is no such name.
            if sys._getframe(1).f_globals.get("__name__") in _IMPORTERS:
                raise
            raise AttributeError(f"sklearn_tsrec.{name} is not there: {error}") from error
    module = importlib.import_module(f"sklearn_tsrec.{room}")
    return module if name == room else getattr(module, name)


_IMPORTERS = ("importlib._bootstrap", "_frozen_importlib")


def __dir__():
    names = [*globals(), *_ROOM_OF, *_ROOMS]
    return sorted(name for name in names if not is_missing(_ROOM_OF.get(name, name)))
