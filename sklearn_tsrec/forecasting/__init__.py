"""Meta-estimators that forecast with any scikit-learn regressor."""

from sklearn_tsrec.forecasting._make_windows import make_windows
from sklearn_tsrec.forecasting._window_forecaster import WindowForecaster

__all__ = ["WindowForecaster", "make_windows"]
