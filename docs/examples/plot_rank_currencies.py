"""
Rank currencies, and do not believe it at once
==============================================

At each month we rank currencies by the return that is forecast for them, and ask what a portfolio
would have earned. The first answer is far too good, and a gap in the splitter shows why.
"""

# %%
# The target is what a dollar in a currency gains over the month. Venezuela and the peg of Hong Kong
# are left out, as is the time before the euro.
import matplotlib.pyplot as plt
from sklearn.linear_model import Ridge

from sklearn_tsrec import PanelTimeSeriesSplit, WindowForecaster, as_panel
from sklearn_tsrec.datasets import load_fx_monthly
from sklearn_tsrec.metrics import evaluate_ranker, rank_information_coefficient
from sklearn_tsrec.model_selection import backtest
from sklearn_tsrec.recommendation import ForecastRanker

rates = load_fx_monthly().frame
rates = rates[~rates["country"].isin(["Venezuela", "Hong Kong"])]
rates["gain"] = rates.groupby("country")["rate"].transform(lambda rate: rate.shift() / rate - 1)
rates = rates[rates["month"] >= "1999-02-01"].drop(columns="rate")
X, y = as_panel(rates, group="country", time="month", target="gain")

# %%
# A ranker is a forecaster whose forecasts are put in order at each date.
ranker = ForecastRanker(WindowForecaster(Ridge(alpha=0.01), window=12))
ranker.fit(X, y)
this_month = X[X.index.get_level_values("month") == "2026-06-01"]
ranker.recommend(this_month, k=3)

# %%
# That was fitted to the very month. To know what it is worth, forecast each of the last 15 years'
# months from what was known at the end of the month before, with a new fit every two years; and
# once more with a gap: from what was known a month earlier.
tables = {
    gap: backtest(
        ranker, X, y, cv=PanelTimeSeriesSplit(180, horizon=1, gap=gap), refit=24, verbose=0
    )
    for gap in (0, 1)
}
rows = tables[0].set_index(["country", "month"])
figures = evaluate_ranker(
    {f"gap {gap}": table["y_pred"] for gap, table in tables.items()},
    rows[[]], rows["y_true"], k=3, cost_bps=10, reference="gap 1",
)  # fmt: skip
figures.set_index(["metric", "model"]).round(4)

# %%
# A rank correlation of 0.2 at every month would be a fortune, and it is gone with the gap. These
# rates are *averages* over a month. Changes of averages follow each other even where changes of
# rates are pure chance (Working 1960), with a correlation of 1/4; nobody can trade at an average.
# With a gap of one month the averages share no day, and nothing is left.
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for gap, color in ((0, "tab:orange"), (1, "tab:blue")):
    table = tables[gap]
    ic = rank_information_coefficient(
        table["y_true"], table["y_pred"], groups=table["month"], average=None
    )
    ax.plot(ic.index, ic.cumsum(), color=color, label=f"gap of {gap} months")
ax.axhline(0, color="0.6", lw=0.8)
ax.set_ylabel("rank IC, summed over months")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)

# %%
# H. Working (1960), "Note on the correlation of first differences of averages in a random chain",
# Econometrica 28(4).
