"""
Lags look the past up by time, not by row
=========================================

A lag is an offset on the calendar. Where a day is missing, a lag that counts rows slides to another
day without a word. Here it stays where it is.
"""

# %%
# A shop is closed on Sundays, and nobody writes rows for them.
import matplotlib.pyplot as plt
import pandas as pd

from sklearn_tsrec import LagFeatures
from sklearn_tsrec.datasets import make_panel

X, y = make_panel(n_series=1, n_times=70, amplitude=4, noise=0.3, random_state=0)
is_open = X.index.get_level_values("time").dayofweek != 6
X, y = X[is_open], y[is_open]

# %%
# Seven *days* back is the same day of the week. Seven *rows* back is eight days back: another one.
lags = LagFeatures([1, 7], target=True).set_output(transform="pandas").fit_transform(X, y)
by_time, by_row = lags["y__lag7"], y.shift(7)
pd.DataFrame({"y": y, "7 days back": by_time, "7 rows back": by_row}).tail(4).round(2)

# %%
# What each of them says of the target:
fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharex=True, sharey=True, layout="constrained")
for ax, past, title in zip(axes, [by_time, by_row], ["7 days back", "7 rows back"]):
    ax.scatter(past, y, s=18)
    ax.set(title=f"{title}: correlation {y.corr(past):.2f}", xlabel="value of the past")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("today")

# %%
# On Mondays "one day back" is a Sunday without a value, so it is NaN and not Saturday's.
lags["y__lag1"].tail(8).round(2)
