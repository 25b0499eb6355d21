"""Meta-estimators that forecast with any scikit-learn regressor, and simple statistical models."""

from sklearn_tsrec.forecasting._conformal_forecaster import ConformalForecaster
from sklearn_tsrec.forecasting._croston import CrostonRegressor
from sklearn_tsrec.forecasting._drift import DriftRegressor
from sklearn_tsrec.forecasting._make_windows import make_windows
from sklearn_tsrec.forecasting._reconciled_forecaster import ReconciledForecaster
from sklearn_tsrec.forecasting._seasonal_naive import SeasonalNaiveRegressor
from sklearn_tsrec.forecasting._window_forecaster import WindowForecaster

__all__ = [
    "ConformalForecaster",
    "CrostonRegressor",
    "DriftRegressor",
    "ReconciledForecaster",
    "SeasonalNaiveRegressor",
    "WindowForecaster",
    "make_windows",
]
