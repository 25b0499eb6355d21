"""
Tune features and model together
================================

Lags, windows and waves are transformers. In a pipeline they are tuned like everything else, and
folds that are cut at times keep the search honest.
"""

# %%
# Hourly hires of bicycles, one day ahead. By the last hour of that day the newest hires known are
# 24 hours old: ``horizon=24`` sees to it that no feature looks at younger ones. Whether a day is a
# working day is known ahead.
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline

from sklearn_tsrec import (
    FourierFeatures,
    LagFeatures,
    PanelTimeSeriesSplit,
    WindowFeatures,
    as_panel,
)
from sklearn_tsrec.datasets import load_bike_sharing
from sklearn_tsrec.inspection import ForecastDisplay
from sklearn_tsrec.model_selection import backtest

bikes = load_bike_sharing().frame[["time", "workingday", "hires"]]
bikes = bikes[bikes["time"].between("2012-07-01", "2012-10-21 23:00")]
X, y = as_panel(bikes, time="time", target="hires")

features = FeatureUnion(
    [
        ("day", LagFeatures([0])),
        ("lags", LagFeatures([24], target=True, horizon=24)),
        ("mean", WindowFeatures([24], "mean", target=True, horizon=24)),
        ("clock", FourierFeatures([24], order=3)),
    ],
    verbose_feature_names_out=False,
).set_output(transform="pandas")
model = make_pipeline(
    features, HistGradientBoostingRegressor(max_iter=40, min_samples_leaf=10, random_state=0)
)

# %%
# What the model would see of a late hour:
features.fit(X, y).transform(X).tail(1).T.round(2)

# %%
# The last week is put aside. Each of the seven days before it is forecast from what was known the
# evening before, by every combination of lags and waves.
[(train, test)] = PanelTimeSeriesSplit(1, horizon=7 * 24).split(X)
search = GridSearchCV(
    model,
    {
        "featureunion__lags__lags": [[24], [24, 168], [24, 48, 72, 168, 336]],
        "featureunion__clock__periods": [[24], [24, 168]],
    },
    cv=PanelTimeSeriesSplit(7, horizon=24),
    scoring="neg_mean_absolute_error",
).fit(X.iloc[train], y.iloc[train])

# %%
# Mean absolute errors, with standard errors over the seven days. Days differ more than candidates:
# the search picks one, and the bars say how far to believe it.
table = pd.DataFrame(search.cv_results_)
table["lags"] = table["param_featureunion__lags__lags"].astype(str)
table["waves"] = table["param_featureunion__clock__periods"].astype(str)
table["error"], table["se"] = -table["mean_test_score"], table["std_test_score"] / 6**0.5
errors, se = (table.pivot(index="lags", columns="waves", values=v) for v in ("error", "se"))
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
errors.plot.barh(ax=ax, xerr=se, xlabel="mean absolute error, hires an hour", ylabel="lags (hours)")
ax.legend(title="waves (hours)", frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
ax.spines[["top", "right"]].set_visible(False)

# %%
# The choice, day by day over the week that no search saw, beside the same hour a week ago:
week = backtest(
    search.best_estimator_, X, y, cv=PanelTimeSeriesSplit(7, horizon=24), verbose=0
).set_index("time")
forecasts = {"chosen": week["y_pred"], "a week ago": y.shift(168).iloc[test]}
display = ForecastDisplay.from_predictions(y, forecasts, n_history=48)
display.figure_.set_size_inches(9, 3.4)

# %%
# Its mean absolute errors, in hires an hour:
pd.DataFrame(forecasts).sub(y.iloc[test], axis=0).abs().mean().round(1)
