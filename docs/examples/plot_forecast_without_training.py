"""
Forecast without training
=========================

``PatchTransformerRegressor`` was trained beforehand, on synthetic series. Here it meets the weekly
demand of groceries for the first time, and forecasts at once what the next weeks may bring.
"""

# %%
# A year of each category. Four times, four weeks are forecast from all that came before.
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.linear_model import Ridge

from sklearn_tsrec import (
    PanelTimeSeriesSplit,
    PatchTransformerRegressor,
    WindowForecaster,
    as_panel,
)
from sklearn_tsrec.datasets import load_complete_journey
from sklearn_tsrec.metrics import mean_absolute_error
from sklearn_tsrec.model_selection import backtest

demand = load_complete_journey().demand[["category", "week", "demand"]]
X, y = as_panel(demand, group="category", time="week", target="demand")
folds = PanelTimeSeriesSplit(4, horizon=4)

# %%
# ``fit`` learns nothing from the demand: it remembers it. Beside it stand a ridge regression, which
# does learn, and the last value. Errors are in units a week.
net = WindowForecaster(PatchTransformerRegressor(period=None), window=26, horizon=4)
ridge = WindowForecaster(Ridge(), window=13, target_transform="scale", horizon=4)
table = backtest(net, X, y, cv=folds, quantiles=[0.1, 0.9], verbose=0)
learned = backtest(ridge, X, y, cv=folds, verbose=0)
last = table.set_index(["category", "cutoff"]).index.map(y)
errors = {
    "no training": mean_absolute_error(table["y_true"], table["y_pred"]),
    "ridge": mean_absolute_error(learned["y_true"], learned["y_pred"]),
    "last value": mean_absolute_error(table["y_true"], last),
}
pd.Series(errors, name="mean absolute error").round(1)

# %%
# With the forecast come quantiles: the shade should hold four of five values.
inside = table["y_true"].between(table["q0.1"], table["q0.9"]).mean()
print(f"inside: {inside:.2f}")
names = y.groupby("category").mean().nlargest(3).index
fig, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
for ax, name in zip(axes, names):
    ax.plot(y.loc[name][-30:], color="0.3", lw=1)
    for _, fold in table[table["category"] == name].groupby("fold"):
        ax.fill_between(
            fold["week"], fold["q0.1"], fold["q0.9"], color="tab:blue", alpha=0.25, lw=0
        )
        ax.plot(fold["week"], fold["y_pred"], color="tab:blue", lw=1.6)
    ax.set_title(name.lower(), fontsize=9)
    ax.tick_params(axis="x", labelrotation=30, labelsize=7)
axes[0].set_ylabel("units a week")
plt.show()
