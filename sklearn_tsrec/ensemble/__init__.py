"""Fuse forecasters: stacking in time, and weights that learn."""

from sklearn_tsrec.ensemble._regressor import TemporalStackingRegressor

__all__ = ["TemporalStackingRegressor"]
