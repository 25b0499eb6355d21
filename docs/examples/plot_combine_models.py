"""
Combine models by what they forecast in the past
================================================

Which model is the best for these series? :class:`~sklearn_tsrec.ensemble.TemporalStackingRegressor`
does not choose: it weighs each by its forecasts of past blocks that it had not seen.
"""

# %%
# Weekly demand of grocery categories. The last four weeks stay out.
from sklearn.linear_model import Ridge

from sklearn_tsrec import (
    PanelTimeSeriesSplit,
    TemporalStackingRegressor,
    WindowForecaster,
    as_panel,
)
from sklearn_tsrec.datasets import load_complete_journey
from sklearn_tsrec.forecasting import DriftRegressor, SeasonalNaiveRegressor
from sklearn_tsrec.inspection import EnsembleDisplay

demand = load_complete_journey().demand
X, y = as_panel(demand, group="category", time="week", target="demand")
[(train, test)] = PanelTimeSeriesSplit(1, horizon=4).split(X)

# %%
# Two simple members, and linear models that see prices, with and without the level of the series.
# Four past blocks of four weeks say what each is worth at each step ahead.
members = [
    ("last value", SeasonalNaiveRegressor()),
    ("drift", DriftRegressor()),
    ("linear", WindowForecaster(Ridge(), window=13)),
    ("linear, scaled", WindowForecaster(Ridge(), window=13, target_transform="scale")),
]
stack = TemporalStackingRegressor(
    members, cv=PanelTimeSeriesSplit(4, horizon=4), per="horizon"
).fit(X.iloc[train], y.iloc[train])
stack.weights_.round(2)

# %%
# Above the weights, below the errors of members and stack in the four weeks that nobody saw.
EnsembleDisplay.from_estimator(stack, X.iloc[test], y.iloc[test])

# %%
# Weights can also learn as truth arrives: here they are shown week after week of the last quarter,
# and drawn over time. Members that were right lately gain weight, and nobody falls to nothing.
weeks = X.index.get_level_values("week")
live = sorted(weeks.unique())[-16:]
online = TemporalStackingRegressor(
    members, cv=PanelTimeSeriesSplit(4, horizon=4), weights="online", share=0.02
).fit(X[weeks < live[0]], y[weeks < live[0]])
for week in live[:-4]:
    online.partial_fit(X[weeks == week], y[weeks == week])
EnsembleDisplay.from_estimator(online, X.iloc[test], y.iloc[test])
