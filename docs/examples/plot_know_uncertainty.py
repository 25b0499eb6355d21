"""
Know what you do not know
=========================

How far may a forecast be off, and is it still as good as it was? Intervals from errors on folds in
time, sample paths, and a monitor that says when to fit again.
"""

# %%
# Weekly demand of the forty largest grocery categories. The last eight weeks are the future.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from sklearn_tsrec import ConformalForecaster, PanelTimeSeriesSplit, WindowForecaster, as_panel
from sklearn_tsrec.datasets import load_complete_journey
from sklearn_tsrec.inspection import DriftDisplay, ForecastDisplay
from sklearn_tsrec.metrics import interval_coverage, interval_score
from sklearn_tsrec.model_selection import backtest
from sklearn_tsrec.monitoring import DriftMonitor

demand = load_complete_journey().demand
large = demand.groupby("category")["demand"].sum().nlargest(40).index
demand = demand[demand["category"].isin(large)]
X, y = as_panel(demand, group="category", time="week", target="demand")
[(train, test)] = PanelTimeSeriesSplit(1, horizon=8).split(X)

# %%
# Three folds of eight weeks say how far the forecasts of each step ahead are off. All categories
# share their errors, each in units of its own.
model = ConformalForecaster(
    WindowForecaster(Ridge(), window=8), cv=PanelTimeSeriesSplit(3, horizon=8)
).fit(X.iloc[train], y.iloc[train])
ForecastDisplay.from_estimator(
    model, X.iloc[test], y, coverage=[0.5, 0.9], n_history=30, max_series=3
)

# %%
# Share of the truth that intervals of 90 % hold in those weeks, and their score, beside intervals
# that do not know that some categories are larger than others:
rows = []
for scale in ("error", None):
    interval = model.set_params(scale=scale).fit(X.iloc[train], y.iloc[train])
    interval = interval.predict_interval(X.iloc[test], 0.9)
    held, score = interval_coverage(y.iloc[test], interval), interval_score(y.iloc[test], interval)
    rows.append({"scale": str(scale), "held": held, "interval score": score})
print(pd.DataFrame(rows).round(2).to_string(index=False))

# %%
# Sample paths are whole futures. What they add up to over eight weeks is what an order has to
# cover:
model.set_params(scale="error").fit(X.iloc[train], y.iloc[train])
ForecastDisplay.from_estimator(
    model, X.iloc[test], y, n_paths=20, random_state=0, n_history=30, max_series=3
)
paths = model.predict_paths(X.iloc[test], n_paths=500, random_state=0)
total = pd.DataFrame(paths, X.index[test]).groupby("category").sum()
order = total.quantile([0.5, 0.95], axis=1).T.assign(actual=y.iloc[test].groupby("category").sum())
print(order.head().round(0).to_string())

# %%
# A monitor learns which errors are usual, and sees when they are no longer. Here is a daily series
# that turns: what drove it up drives it down.
rng = np.random.default_rng(0)
days = pd.date_range("2023-01-01", periods=180, name="day")
driver = pd.DataFrame({"driver": rng.normal(size=180)}, days)
sales = np.where(np.arange(180) < 100, 1.0, -3.0) * driver["driver"] + 0.3 * rng.normal(size=180)
cv = PanelTimeSeriesSplit(120, max_train=40)
forecaster = WindowForecaster(Ridge(), window=1)
tables = {
    str(refit): backtest(forecaster, driver, sales, cv=cv, refit=refit, verbose=0)
    for refit in (True, False, "on-drift")
}
for refit, table in tables.items():
    off = (table["y_true"] - table["y_pred"]).abs()[70:].mean()
    fits = table["refit"].sum() if "refit" in table else {"True": 120, "False": 1}[refit]
    print(f"refit={refit}: mean absolute error {off:.2f} after the change, {fits} fits")

# %%
# What the monitor sees of a forecaster that is never fitted again, in updates of ten days; the
# series turns with the fifth.
error = (tables["False"]["y_true"] - tables["False"]["y_pred"]).to_numpy()
monitor = DriftMonitor().fit(driver[:60])
for start in range(0, 120, 10):
    monitor.update(driver[60 + start : 70 + start], error[start : start + 10])
print(monitor.report_[["kind", "drifted", "since"]].to_string())
DriftDisplay.from_estimator(monitor)
plt.show()
