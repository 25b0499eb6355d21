"""Features of the past: on keyed tables, and on rows that are windows."""

from sklearn_tsrec.features._lag import LagFeatures
from sklearn_tsrec.features._window import WindowFeatures

__all__ = ["LagFeatures", "WindowFeatures"]
