"""
Drivers survive a shift, and what only moves along does not
===========================================================

Five series drive the target. Others stand for them, or are moved by the target, or are noise. Then
the world shifts: every link that is not causal turns round.
"""

# %%
# The series, and what each of them is. The links turn round after 1,500 steps.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LassoCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from sklearn_tsrec import CausalFeatureSelector, LagFeatures
from sklearn_tsrec.causal import CausalGraph, causal_forecast
from sklearn_tsrec.datasets import make_causal_series
from sklearn_tsrec.inspection import CausalEffectsDisplay, CausalGraphDisplay, ForecastDisplay

series = make_causal_series(2500, 20, shift_at=1500, random_state=0)
series.role.value_counts()

# %%
# Lags of everything, and of the target.
lags = make_union(
    LagFeatures([1, 2]), LagFeatures([1, 2, 3], target=True), verbose_feature_names_out=False
).set_output(transform="pandas")
X = lags.fit_transform(series.data, series.target).iloc[3:]
y = series.target.iloc[3:]
train, test = slice(0, 1490), slice(1500, None)

# %%
# What a lasso keeps, and what the causal selector keeps. Both see the training rows alone.
lasso = make_pipeline(StandardScaler(), LassoCV(cv=5)).fit(X[train], y[train])
selector = CausalFeatureSelector().fit(X[train], y[train])
kept = {
    "lasso": X.columns[np.abs(lasso[-1].coef_) > 1e-8],
    "causal selector": selector.get_feature_names_out(),
}
roles = {
    name: series.role.reindex({c.split("__")[0] for c in columns} - {"y"}).value_counts()
    for name, columns in kept.items()
}
pd.DataFrame(roles).fillna(0).astype(int)

# %%
# A tree on each, before and after the shift.
errors = {}
for name, columns in kept.items():
    tree = DecisionTreeRegressor(min_samples_leaf=20, random_state=0)
    tree.fit(X[columns][train], y[train])
    errors[name] = [
        np.abs(tree.predict(X[columns][part]) - y[part]).mean() for part in (train, test)
    ]
pd.DataFrame(errors, index=["training", "after the shift"]).round(2)

# %%
# What one unit of each kept column does, with 95 % intervals. The true effects are in
# ``series.effects``.
CausalEffectsDisplay.from_estimator(selector)
series.effects.round(2)

# %%
# The graph of everything the target is linked to.
linked = series.role[series.role != "noise"].index[:8]
table = series.data[linked].assign(target=series.target).iloc[:1500]
CausalGraphDisplay.from_estimator(CausalGraph(fdr=0.01).fit(table))

# %%
# What if a driver were one unit higher for the next eight steps? The effect sets in with its lag
# and builds up, for the target remembers. Only this driver is planned; of all others, eight steps
# ahead, lags from 8 up are known.
steps, driver = 8, series.effects.index[0]
others = list(series.data.columns.drop(driver))
model = make_pipeline(
    make_union(
        LagFeatures(range(1, 8), columns=driver),
        LagFeatures([8, 9], columns=others),
        LagFeatures([8, 9], target=True, horizon=steps),
        verbose_feature_names_out=False,
    ),
    CausalFeatureSelector(horizon=steps, known_ahead=[driver]),
    DecisionTreeRegressor(min_samples_leaf=40, random_state=0),
).set_output(transform="pandas")
past, future = slice(0, 1400), slice(1400, 1400 + steps)
model.fit(series.data[past], series.target[past])
what_if = causal_forecast(model, series.data[future], {driver: lambda planned: planned + 1})
what_if[["baseline", "effect", "effect_lower", "effect_upper"]].round(2)

# %%
# The interval of the forecast is that of the effect, for the tree has none of its own. What is no
# cause, or not known ahead, is refused.
ForecastDisplay.from_predictions(
    series.target[past],
    {f"{driver} + 1": what_if["forecast"], "as planned": what_if["baseline"]},
    interval=what_if[["lower", "upper"]],
    n_history=30,
)
plt.show()
