"""Displays: look at forecasts, splits and backtests."""

from sklearn_tsrec.inspection._backtest import BacktestDisplay
from sklearn_tsrec.inspection._causal_effects import CausalEffectsDisplay
from sklearn_tsrec.inspection._causal_graph import CausalGraphDisplay
from sklearn_tsrec.inspection._forecast import ForecastDisplay
from sklearn_tsrec.inspection._recommendation import RecommendationDisplay
from sklearn_tsrec.inspection._split import SplitDisplay

__all__ = [
    "BacktestDisplay",
    "CausalEffectsDisplay",
    "CausalGraphDisplay",
    "ForecastDisplay",
    "RecommendationDisplay",
    "SplitDisplay",
]
