"""
Fine-tune cheaply, and learn what a price does
==============================================

A checkpoint has seen no price. Fine-tuning a few of its weights, for some seconds, lets it see one.
"""

# %%
# Forty products of which the weekly sales depend on a price that is known ahead. Each has its own
# level and season; the effect of the price is the same for all.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_tsrec import PatchTransformerRegressor, WindowForecaster
from sklearn_tsrec.metrics import mean_absolute_error

rng = np.random.default_rng(0)
weeks = pd.date_range("2022-01-02", periods=140, freq="W")
index = pd.MultiIndex.from_product([range(40), weeks], names=["product", "week"])
price = 1 - 0.3 * (rng.random(len(index)) < 0.15)
level = np.repeat(rng.uniform(20, 60, 40), 140)
season = np.tile(8 * np.sin(2 * np.pi * np.arange(140) / 13), 40)
X = pd.DataFrame({"price": price}, index=index)
y = pd.Series(level + season + 60 * (1 - price) + rng.normal(0, 3, len(index)), index=index)
past = index.get_level_values("week") < weeks[-8]

# %%
# Without fine-tuning columns are refused, so the first forecaster takes none. The others learn:
# ``"prefix"`` and ``"lora"`` the series alone, and ``"lora"`` once more with the price, ahead and
# in the past.
with_price = {"columns": ["price"], "past_columns": ["price"]}
tries = {
    "none": ("none", {"columns": []}),
    "prefix": ("prefix", {"columns": []}),
    "lora": ("lora", {"columns": []}),
    "lora, price": ("lora", with_price),
}
table, forecasts = [], {}
for name, (finetune, columns) in tries.items():
    net = PatchTransformerRegressor(finetune=finetune, period=13, random_state=0)
    model = WindowForecaster(net, window=104, horizon=8, **columns).fit(X[past], y[past])
    forecasts[name] = pd.Series(model.predict(X[~past]), index=y[~past].index)
    fitted = model.estimator_
    table.append(
        {
            "finetune": name,
            "error": mean_absolute_error(y[~past], forecasts[name]),
            "weights that learn": f"{fitted.n_trainable_ / fitted.n_parameters_:.1%}",
        }
    )
pd.DataFrame(table).round(2)

# %%
# One product: the dips of the price are sales that no past can forecast.
fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
product = (X[~past]["price"] < 1).groupby("product").sum().idxmax()
one = y.loc[product]
ax.plot(one[-40:], color="0.3", lw=1.2, label="sales")
ax.plot(forecasts["none"].loc[product], color="tab:orange", label="no fine-tuning")
ax.plot(forecasts["lora, price"].loc[product], color="tab:blue", label="LoRA and the price")
ax.axvline(weeks[-8], color="0.7", lw=0.8)
ax.set(ylabel="sales a week")
ax.legend(ncols=3, loc="upper left")
ax.margins(y=0.2)
plt.show()
