"""Meta-estimators that forecast with any scikit-learn regressor."""

from sklearn_tsrec.forecasting._conformal_forecaster import ConformalForecaster
from sklearn_tsrec.forecasting._make_windows import make_windows
from sklearn_tsrec.forecasting._reconciled_forecaster import ReconciledForecaster
from sklearn_tsrec.forecasting._window_forecaster import WindowForecaster

__all__ = ["ConformalForecaster", "ReconciledForecaster", "WindowForecaster", "make_windows"]
