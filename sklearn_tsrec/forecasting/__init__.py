"""Meta-estimators that forecast with any scikit-learn regressor."""
