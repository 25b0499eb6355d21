"""Fuse forecasters, classifiers and recommenders: stacking in time, and weights that learn."""

from sklearn_tsrec.ensemble._classifier import TemporalStackingClassifier
from sklearn_tsrec.ensemble._regressor import TemporalStackingRegressor

__all__ = ["TemporalStackingClassifier", "TemporalStackingRegressor"]
