"""Features that drive the target, and not those that merely move with it."""

from sklearn_tsrec.feature_selection._causal_feature_selector import CausalFeatureSelector

__all__ = ["CausalFeatureSelector"]
