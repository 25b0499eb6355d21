"""
What diverse, fair and less popular lists cost
==============================================

The best list for the next receipt may hold ten kinds of snacks.
:class:`~sklearn_tsrec.recommendation.ReRanker` chooses again out of a hundred candidates of any
recommender, and the display shows what that costs.
"""

# %%
# Categories belong to departments: that is all we describe of them.
from sklearn_tsrec import PanelTimeSeriesSplit, SequenceRecommender, as_panel
from sklearn_tsrec.datasets import load_complete_journey
from sklearn_tsrec.inspection import RecommendationDisplay
from sklearn_tsrec.recommendation import PersonalFrequencyClassifier, ReRanker

journey = load_complete_journey()
large = ["GROCERY", "DRUG GM", "PRODUCE", "MEAT", "MEAT-PCKGD", "DELI", "PASTRY"]
departments = journey.products.groupby("category")[["department"]].agg(lambda d: d.mode().iloc[0])
departments["department"] = departments["department"].where(
    departments["department"].isin(large), "OTHER"
)
lines = journey.transactions[["household", "time", "category"]].dropna()
X, y = as_panel(lines, group="household", time="time", target="category")
[(train, test)] = PanelTimeSeriesSplit(1, horizon="28D").split(X)
X_train, y_train, X_test, y_test = X.iloc[train], y.iloc[train], X.iloc[test], y.iloc[test]

# %%
# One recommender, re-ranked in four ways, each more and more. Any of them may be combined in one
# re-ranker, and tuned with it.
plain = SequenceRecommender(PersonalFrequencyClassifier(smoothing=50))
about = {"item_features": departments, "attribute": "department"}
settings = {
    "diversity": [0.05, 0.1, 0.2],
    "max_per_attribute": [5, 3, 2],
    "min_exposure_ratio": [0.1, 0.3, 0.6],
    "popularity_penalty": [0.1, 0.3, 0.6],
}
recommenders = {"as it is": plain}
curves = {}
for name, values in settings.items():
    curves[name] = ["as it is"]
    for value in values:
        recommenders[f"{name} {value}"] = ReRanker(plain, **about, **{name: value})
        curves[name].append(f"{name} {value}")
for recommender in recommenders.values():
    recommender.fit(X_train, y_train)

# %%
# First the metrics side by side, then accuracy against the mean distance of the items in a list.
# A little more diversity is nearly free; three or two items of a department are not.
display = RecommendationDisplay.from_estimator(
    recommenders, X_test, y_test, y_train=y_train, reference="as it is", **about,
    metrics=["ndcg", "diversity", "coverage", "exposure_ratio"],
)  # fmt: skip
display.plot_tradeoff("diversity", curves=curves)

# %%
# Accuracy against coverage: a small penalty on popularity shows more of the catalogue at little
# cost.
display.plot_tradeoff("coverage", curves=curves)

# %%
# Exposure: every category of the least shown department gets at least so much of what one of the
# most shown department gets. The bound holds for all lists of a call together.
display.plot_tradeoff("exposure_ratio", curves={name: curves[name] for name in settings})

# %%
# The paired tests show which of these costs is more than chance.
figures = display.evaluation
figures[figures["metric"] == "ndcg"].set_index("model").round(4)
