"""Displays: look at forecasts, splits, backtests, effects, and what a model does."""

from sklearn_tsrec.inspection._backtest import BacktestDisplay
from sklearn_tsrec.inspection._causal_effects import CausalEffectsDisplay
from sklearn_tsrec.inspection._causal_graph import CausalGraphDisplay
from sklearn_tsrec.inspection._drift import DriftDisplay
from sklearn_tsrec.inspection._ensemble import EnsembleDisplay
from sklearn_tsrec.inspection._explain import Explanation, explain
from sklearn_tsrec.inspection._explanation import ExplanationDisplay
from sklearn_tsrec.inspection._forecast import ForecastDisplay
from sklearn_tsrec.inspection._recommendation import RecommendationDisplay
from sklearn_tsrec.inspection._split import SplitDisplay

__all__ = [
    "BacktestDisplay",
    "CausalEffectsDisplay",
    "CausalGraphDisplay",
    "DriftDisplay",
    "EnsembleDisplay",
    "Explanation",
    "ExplanationDisplay",
    "ForecastDisplay",
    "RecommendationDisplay",
    "SplitDisplay",
    "explain",
]
