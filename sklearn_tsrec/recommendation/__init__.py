"""Meta-estimators and classifiers that recommend items."""
