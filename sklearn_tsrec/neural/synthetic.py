"""Synthetic series to learn forecasting from: families, and their mixture."""

from sklearn_tsrec.neural.pretraining._synthetic._calendar import CalendarSeries
from sklearn_tsrec.neural.pretraining._synthetic._counts import CountSeries
from sklearn_tsrec.neural.pretraining._synthetic._effects import add_effects
from sklearn_tsrec.neural.pretraining._synthetic._gaussian_process import GaussianProcessSeries
from sklearn_tsrec.neural.pretraining._synthetic._mixture import SyntheticMixture
from sklearn_tsrec.neural.pretraining._synthetic._mixup import MixupSeries
from sklearn_tsrec.neural.pretraining._synthetic._regimes import RegimeSeries
from sklearn_tsrec.neural.pretraining._synthetic._sarima import SarimaSeries
from sklearn_tsrec.neural.pretraining._synthetic._state_space import StateSpaceSeries
from sklearn_tsrec.neural.pretraining._synthetic._structural import StructuralSeries
from sklearn_tsrec.neural.pretraining._synthetic._trend import TrendSeries

__all__ = [
    "CalendarSeries",
    "CountSeries",
    "GaussianProcessSeries",
    "MixupSeries",
    "RegimeSeries",
    "SarimaSeries",
    "StateSpaceSeries",
    "StructuralSeries",
    "SyntheticMixture",
    "TrendSeries",
    "add_effects",
]
