"""
Choose how to see a series, by cross-validation
===============================================

Should a regressor see a series as it is, relative to its last value, or in units of its own size?
In :class:`~sklearn_tsrec.forecasting.WindowForecaster` that is a parameter, so that
:class:`~sklearn.model_selection.GridSearchCV` answers it for the data at hand.
"""

# %%
# Weekly demand of grocery categories; price and discount are known ahead.
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from sklearn_tsrec import PanelTimeSeriesSplit, WindowForecaster, as_panel
from sklearn_tsrec.datasets import load_complete_journey

demand = load_complete_journey().demand
X, y = as_panel(demand, group="category", time="week", target="demand")

# %%
# Three folds of four weeks each, cut at the same week in all categories. The last four weeks stay
# out of the choice.
[(train, test)] = PanelTimeSeriesSplit(1, horizon=4).split(X)
search = GridSearchCV(
    WindowForecaster(Ridge()),
    {"target_transform": [None, "last", "scale"], "window": [4, 13]},
    cv=PanelTimeSeriesSplit(3, horizon=4),
    scoring="neg_mean_absolute_error",
).fit(X.iloc[train], y.iloc[train])
print(search.best_params_)

# %%
# Errors of all candidates on the folds, in units a week. On these data the longer window helps, and
# the series are best left as they are:
table = pd.DataFrame(search.cv_results_)
table["seen"] = table["param_target_transform"].fillna("as it is")
errors = -table.pivot(index="seen", columns="param_window", values="mean_test_score")
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
errors.plot.bar(ax=ax, rot=0, xlabel="target_transform", ylabel="mean absolute error")
ax.legend(title="window", frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
ax.spines[["top", "right"]].set_visible(False)

# %%
# The error of the choice on the four weeks that it never saw:
-search.score(X.iloc[test], y.iloc[test])
