"""
Forecast football results, and rank the teams
=============================================

A row is a team in a match, the target its goals. How many a team will score depends on what it
scored lately *and* on what its opponent let in: the past of one series, and the past of all rows
that share an opponent.
"""

# %%
# Matches are events, at no fixed distance: ``freq=None``. Known before a match are the opponent and
# the venue. ``opponent_goals`` are not, but those of earlier matches are.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import skellam
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder

from sklearn_tsrec import WindowFeatures, as_panel
from sklearn_tsrec.datasets import load_international_football
from sklearn_tsrec.metrics import ranked_probability_score

frame = load_international_football().frame.query("date >= '1990'")
X, y = as_panel(frame, group="team", time="date", target="goals")
X.loc["Scotland"].tail(3)

# %%
# Attack and defence of the team, and with ``pool="opponent"`` what all teams scored against this
# opponent and let in from it: means of all the past in which a match of 5, or of 25 matches ago
# counts half.
strengths = [
    WindowFeatures(half_life, "ewm", freq=None, pool=pool, **what)
    for half_life in (5, 25)
    for pool in (None, "opponent")
    for what in ({"target": True}, {"columns": "opponent_goals"})
]
venue = make_column_transformer((OneHotEncoder(), ["venue"]))
model = make_pipeline(
    make_union(*strengths, venue),
    HistGradientBoostingRegressor(loss="poisson", max_leaf_nodes=7, random_state=0),
)

# %%
# Features look back only, so those of the whole table may be made at once: no row sees its own
# match or a later one. The trees learn from the matches before 2018, the others are forecast.
features = model[0].fit_transform(X, y)
date = X.index.get_level_values("date")
train, test = date < "2018", date >= "2018"
trees = model[-1].fit(features[train], y[train])
expected = X[test].assign(expected=trees.predict(features[test]))

# %%
# Two teams make a match. Goals taken for Poisson, their difference follows Skellam's distribution.
# It is compared with the shares of wins, draws and defeats before 2018.
matches = load_international_football().matches.query("date >= '1990'")
outcome = np.sign(matches["home_score"] - matches["away_score"])
shares = {
    neutral: outcome[(matches["date"] < "2018") & (matches["neutral"] == neutral)]
    .value_counts(normalize=True)
    .sort_index()
    for neutral in (False, True)
}
later = matches[matches["date"] >= "2018"]
by_team = expected.set_index("opponent", append=True)["expected"]
goals = [
    by_team.loc[pd.MultiIndex.from_frame(later[[side, "date", other]])].to_numpy()
    for side, other in (("home_team", "away_team"), ("away_team", "home_team"))
]
forecasts = {
    "expected goals": np.column_stack(
        [skellam.cdf(-1, *goals), skellam.pmf(0, *goals), skellam.sf(0, *goals)]
    ),
    "shares": np.array([shares[neutral] for neutral in later["neutral"]]),
}
truth = outcome[later.index]
pd.Series(
    {name: ranked_probability_score(truth, values) for name, values in forecasts.items()}
).round(4)

# %%
# Do they win as often as was said?
fig, ax = plt.subplots(figsize=(4.5, 4), layout="constrained")
for column, (label, color) in enumerate(
    [("away wins", "tab:orange"), ("draw", "0.6"), ("home wins", "tab:blue")]
):
    said = forecasts["expected goals"][:, column]
    bins = np.digitize(said, np.arange(0.1, 1, 0.1))
    table = pd.DataFrame({"said": said, "happened": truth.to_numpy() == column - 1})
    means = table.groupby(bins).mean()[table.groupby(bins).size() >= 50]
    ax.plot(means["said"], means["happened"], "o-", color=color, label=label)
ax.plot([0, 1], [0, 1], color="0.8", zorder=0)
ax.set(xlabel="probability that was forecast", ylabel="share that happened")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)

# %%
# A ranking: everybody against everybody on neutral ground, the day after the last match. Rows that
# were not in the table have a past as well.
last = X.index.get_level_values("date").max()
recent = X[X.index.get_level_values("date") > last - pd.Timedelta("1460D")]
teams = recent.index.get_level_values("team").value_counts()
teams = teams.index[teams >= 40]
pairs = pd.MultiIndex.from_product([teams, teams], names=["team", "opponent"]).to_frame(index=False)
pairs = pairs[pairs["team"] != pairs["opponent"]]
pairs = pairs.assign(date=last + pd.Timedelta("1D"), venue="neutral").set_index(["team", "date"])
X_pairs = pairs.reindex(columns=X.columns)  # tournament and goals are not known, nor asked for
pairs["goals"] = model.fit(X, y).predict(X_pairs)
pairs = pairs.reset_index().pivot(index="team", columns="opponent", values="goals")
points = 3 * skellam.sf(0, pairs, pairs.T) + skellam.pmf(0, pairs, pairs.T)
ranking = pd.Series(np.nanmean(points, axis=1), pairs.index).nlargest(12)
ranking.round(2)

# %%
# What this ranking does not know is whom a team scored against: who meets weak teams, as in Asia,
# stands too high.
best = pairs.loc[ranking.index, ranking.index]
fig, ax = plt.subplots(figsize=(6.5, 5.5), layout="constrained")
image = ax.imshow(best, cmap="Blues")
ax.set_xticks(range(len(best)), best.columns, rotation=60, ha="right")
ax.set_yticks(range(len(best)), best.index)
ax.set(xlabel="against", title="Goals expected on neutral ground")
fig.colorbar(image, shrink=0.7)
