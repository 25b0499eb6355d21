"""Features of the past: on keyed tables, and on rows that are windows."""

from sklearn_tsrec.features._autoregressive import AutoregressiveFeatures
from sklearn_tsrec.features._calendar import CalendarFeatures
from sklearn_tsrec.features._fourier import FourierFeatures
from sklearn_tsrec.features._lag import LagFeatures
from sklearn_tsrec.features._spectral import SpectralFeatures
from sklearn_tsrec.features._window import WindowFeatures
from sklearn_tsrec.features._window_statistics import WindowStatistics

__all__ = [
    "AutoregressiveFeatures",
    "CalendarFeatures",
    "FourierFeatures",
    "LagFeatures",
    "SpectralFeatures",
    "WindowFeatures",
    "WindowStatistics",
]
