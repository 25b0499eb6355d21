"""
Forecast with any regressor
===========================

:class:`~sklearn_tsrec.forecasting.WindowForecaster` turns a keyed table into windows of the past,
fits a regressor of your choice to them and gives one forecast for each row of a later table.
"""

# %%
# Hourly hires of bicycles. Whether a day is a working day is known ahead; the weather is not, so it
# stays out. One series needs no ``group``. We end with an ordinary week of October: a storm and
# holidays come later.
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from sklearn_tsrec import PanelTimeSeriesSplit, WindowForecaster, as_panel
from sklearn_tsrec.datasets import load_bike_sharing
from sklearn_tsrec.metrics import mean_absolute_error

bikes = load_bike_sharing().frame[["time", "workingday", "hires"]]
bikes = bikes[bikes["time"].between("2012-05-01", "2012-10-21 23:00")]
X, y = as_panel(bikes, time="time", target="hires")

# %%
# The last week is the test. The window holds the last day and the same hours one week back and
# around it; forecasts become the window of the next step, as ``horizon=1`` says.
[(train, test)] = PanelTimeSeriesSplit(1, horizon=7 * 24).split(X)
window = [*range(1, 25), 167, 168, 169]
forecasters = {
    "Ridge": WindowForecaster(Ridge(), window=window),
    "boosted trees": WindowForecaster(HistGradientBoostingRegressor(random_state=0), window=window),
}
forecasts = pd.DataFrame({"hires": y.iloc[test]})
for name, forecaster in forecasters.items():
    forecasts[name] = forecaster.fit(X.iloc[train], y.iloc[train]).predict(X.iloc[test])
forecasts["one week ago"] = y.shift(168).iloc[test]  # the hours are complete: rows are steps

# %%
# Mean absolute errors of the week, in hires an hour:
errors = {
    name: mean_absolute_error(forecasts["hires"], forecasts[name])
    for name in forecasts.columns.drop("hires")
}
pd.Series(errors).round(1)

# %%
# And what they look like:
fig, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
ax.plot(y.iloc[train].tail(72), color="0.6", label="training")
ax.plot(forecasts["hires"], color="black", label="hires")
ax.plot(forecasts["boosted trees"], color="tab:orange", label="boosted trees")
ax.plot(forecasts["Ridge"], color="tab:blue", label="Ridge", linewidth=1)
ax.set(ylabel="hires an hour", ylim=(0, 1250))
ax.xaxis.set_major_formatter(
    plt.matplotlib.dates.ConciseDateFormatter(ax.xaxis.get_major_locator())
)
ax.legend(ncols=4, frameon=False, loc="upper right")
ax.spines[["top", "right"]].set_visible(False)
