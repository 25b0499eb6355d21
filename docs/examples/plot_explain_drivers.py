"""
Importance, Shapley values and effects are three answers
========================================================

A model may lean on what only moves with the target. In a world whose drivers are known, see what
three ways to look at it say.
"""

# %%
# Two series drive the target; one stands for a driver, two are moved by the target, one is noise.
# The model is given their lag 1 and no past of the target.
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

from sklearn_tsrec import CausalFeatureSelector, LagFeatures
from sklearn_tsrec.datasets import make_causal_series
from sklearn_tsrec.inspection import CausalEffectsDisplay, ExplanationDisplay, explain

series = make_causal_series(
    1200, 6, n_drivers=2, n_proxies=1, n_children=2, max_lag=1, noise=0.5, random_state=3
)
lags = LagFeatures([1]).set_output(transform="pandas")
X, y = lags.fit_transform(series.data).iloc[3:], series.target.iloc[3:]
train, test = slice(0, 900), slice(900, None)
model = RandomForestRegressor(50, min_samples_leaf=5, random_state=0).fit(X[train], y[train])

# %%
# Importance and Shapley values say what the *model* uses: the children of the target, too.
importance = permutation_importance(model, X[test], y[test], n_repeats=5, random_state=0)
found = explain(model, X[test])
answers = pd.DataFrame(
    {
        "role": series.role,
        "importance": pd.Series(importance.importances_mean, [c.split("__")[0] for c in X]),
        "mean |Shapley|": found.by_driver().abs().mean(),
    }
)
answers.round(2).sort_values("importance", ascending=False)

# %%
# The causal selector asks what still matters once all else, and the past of the target, is
# held fixed.
past = LagFeatures([1, 2], target=True).set_output(transform="pandas")
with_past = X.join(past.fit_transform(series.data, series.target).iloc[3:])
selector = CausalFeatureSelector().fit(with_past[train], y[train])
answers.assign(pvalue=selector.pvalues_.round(3)).round(2)

# %%
# Side by side: by which driver the forecasts move, and what one unit of each driver does.
_, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
ExplanationDisplay.from_predictions(found, ax=axes[0])
axes[0].set_title("what the model uses")
CausalEffectsDisplay.from_estimator(selector, ax=axes[1])
axes[1].set_title("what moves the target")
plt.show()
