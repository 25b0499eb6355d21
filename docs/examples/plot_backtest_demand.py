"""
Look before you trust a score
=============================

Where are the folds, how does the error grow with the steps ahead, and what do the forecasts look
like? Three displays answer.
"""

# %%
# Weekly demand of grocery categories. We keep the six biggest.
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_tsrec import PanelTimeSeriesSplit, WindowForecaster, as_panel
from sklearn_tsrec.datasets import load_complete_journey
from sklearn_tsrec.inspection import BacktestDisplay, ForecastDisplay, SplitDisplay
from sklearn_tsrec.model_selection import backtest

demand = load_complete_journey().demand
biggest = demand.groupby("category")["demand"].sum().nlargest(6).index
X, y = as_panel(
    demand[demand["category"].isin(biggest)], group="category", time="week", target="demand"
)

# %%
# The data of the last two weeks shall not be there yet when a forecast is made: a gap of two.
cv = PanelTimeSeriesSplit(5, horizon=4, gap=2)
SplitDisplay.from_splitter(cv, X)

# %%
# A backtest forecasts every fold as it would have gone, across the gap and with the prices known
# ahead, and keeps each forecast in one row.
ridge = make_pipeline(StandardScaler(), Ridge(10))
models = {
    "last 4 weeks": WindowForecaster(ridge, window=4, target_transform="scale"),
    "last 13 weeks": WindowForecaster(ridge, window=13, target_transform="scale"),
}
tables = {name: backtest(model, X, y, cv=cv, verbose=0) for name, model in models.items()}
tables["last 13 weeks"].head(4)

# %%
# Mean absolute errors by steps ahead, with standard errors over the categories. The first step is
# the third week after the cutoff, because of the gap.
BacktestDisplay.from_predictions(tables)

# %%
# One number for each model:
pd.Series({name: (t["y_true"] - t["y_pred"]).abs().mean() for name, t in tables.items()}).round(1)

# %%
# The last fold, as pictures of both models:
last = {
    name: t[t["fold"] == 4].set_index(["category", "week"])["y_pred"] for name, t in tables.items()
}
ForecastDisplay.from_predictions(y, last, n_history=26)
