"""
A workflow of sktime, with ours beside its own
==============================================

sktime searches and evaluates; one of our forecasters competes with three of sktime's. Then the way
back: a forecaster of sktime in scikit-learn.
"""

# %%
# Weekly demand of the six biggest grocery categories, the price known ahead.
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.linear_model import Ridge
from sktime.forecasting.exp_smoothing import ExponentialSmoothing
from sktime.forecasting.model_evaluation import evaluate
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.forecasting.naive import NaiveForecaster
from sktime.forecasting.theta import ThetaForecaster
from sktime.performance_metrics.forecasting import MeanAbsoluteError

from sklearn_tsrec import PanelTimeSeriesSplit, as_panel
from sklearn_tsrec.datasets import load_complete_journey
from sklearn_tsrec.model_selection import backtest
from sklearn_tsrec.sktime import SktimeRegressor, TsrecForecaster, TsrecSplitter

demand = load_complete_journey().demand
biggest = demand.groupby("category")["demand"].sum().nlargest(6).index
X, y = as_panel(
    demand[demand["category"].isin(biggest)], group="category", time="week", target="demand"
)
X, y = X[["price"]], y.to_frame()

# %%
# sktime's search chooses the window, on folds that end eight weeks before the data do. All six
# series are one model, fitted once for each fold and setting.
weeks = y.index.get_level_values("week")
past = weeks <= weeks.unique().sort_values()[-9]
search = ForecastingGridSearchCV(
    TsrecForecaster(Ridge(), target_transform="scale"),
    TsrecSplitter(PanelTimeSeriesSplit(3, horizon=4)),
    {"window": [4, 8, 13], "estimator__alpha": [0.1, 1.0]},
    scoring=MeanAbsoluteError(),
    backend=None,
)
search.fit(y[past], X=X[past])
pd.Series(search.best_params_)

# %%
# Two last folds of four weeks for everybody. sktime fits a forecaster of its own to each series,
# and ours once to all of them. On few series without much of a pattern, smoothing each is ahead.
folds = TsrecSplitter(PanelTimeSeriesSplit(2, horizon=4))
rivals = {
    "last value": NaiveForecaster(),
    "Theta": ThetaForecaster(deseasonalize=False),
    "exponential smoothing": ExponentialSmoothing(),
    "ridge on windows": search.best_forecaster_.clone(),
}
errors = {
    name: evaluate(forecaster, folds, y, X=X, scoring=MeanAbsoluteError())
    for name, forecaster in rivals.items()
}
pd.Series({name: e["test_MeanAbsoluteError"].mean() for name, e in errors.items()}).round(1)

# %%
# Forecasts of the last four weeks with intervals of 80 %. The ridge has no quantiles: they come
# from its errors on earlier weeks.
train, test = list(folds.split(y))[-1]
ridge = rivals["ridge on windows"].fit(y.iloc[train], X=X.iloc[train])
forecast = ridge.predict(fh=range(1, 5), X=X.iloc[test])["demand"]
interval = ridge.predict_interval(fh=range(1, 5), X=X.iloc[test], coverage=0.8)

fig, axes = plt.subplots(2, 3, figsize=(10, 4.6), sharex=True, layout="constrained")
for ax, category in zip(axes.flat, biggest):
    actual = y.loc[category, "demand"].iloc[-26:]
    ax.plot(actual.index, actual, color="0.35", label="actual")
    low, high = interval.loc[category].to_numpy().T
    ahead = forecast.loc[category]
    ax.fill_between(ahead.index, low, high, alpha=0.25, linewidth=0, label="80 %")
    ax.plot(ahead.index, ahead, marker=".", label="forecast")
    ax.set_title(category.capitalize(), fontsize=10)
    ax.tick_params(axis="x", rotation=30)
axes[0, 0].set_ylabel("units a week")
fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
plt.show()

# %%
# The way back: sktime's forecasters on our table, in our backtest, beside anything of
# scikit-learn's. The numbers are those of above.
theta = backtest(SktimeRegressor(rivals["Theta"]), X, y["demand"], cv=folds.cv, verbose=0)
round((theta["y_true"] - theta["y_pred"]).abs().mean(), 1)
