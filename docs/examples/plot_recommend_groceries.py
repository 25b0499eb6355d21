"""
Recommend what a household buys next
====================================

A row is a receipt line: a household at a time. What it bought is the target, and any classifier on
windows of earlier items can be asked for the next ones.
"""

# %%
# Keys move into the index once. We recommend categories; a few lines have none.
from sklearn.dummy import DummyClassifier

from sklearn_tsrec import PanelTimeSeriesSplit, SequenceRecommender, as_panel
from sklearn_tsrec.datasets import load_complete_journey
from sklearn_tsrec.inspection import RecommendationDisplay
from sklearn_tsrec.recommendation import ItemKNNClassifier, PersonalFrequencyClassifier

lines = load_complete_journey().transactions[["household", "time", "category"]].dropna()
X, y = as_panel(lines, group="household", time="time", target="category")
y.head()

# %%
# One cut in time for all households: the last four weeks are the test, so that nobody learns from
# what others did later.
[(train, test)] = PanelTimeSeriesSplit(1, horizon="28D").split(X)
X_train, y_train, X_test, y_test = X.iloc[train], y.iloc[train], X.iloc[test], y.iloc[test]

# %%
# Three recommenders, which differ in the classifier alone. Popularity is scikit-learn's own
# classifier that ignores its input.
recommenders = {
    "popularity": SequenceRecommender(DummyClassifier(strategy="prior"), window=1),
    "own frequency": SequenceRecommender(PersonalFrequencyClassifier(smoothing=50)),
    "item-kNN": SequenceRecommender(ItemKNNClassifier()),
}
for recommender in recommenders.values():
    recommender.fit(X_train, y_train)

# %%
# Being right is not all: popularity is right rather often, with the same ten categories for
# everybody. Error bars are one standard error over households, and the dotted line is the
# reference of the paired tests. Nothing was tuned here;
# :class:`~sklearn.model_selection.GridSearchCV` would do it with the same splitter and
# :func:`~sklearn_tsrec.metrics.ndcg_scorer`.
display = RecommendationDisplay.from_estimator(
    recommenders, X_test, y_test, y_train=y_train, k=10, reference="popularity"
)

# %%
# The figures are a table: is what the household itself does any better than what all do?
figures = display.evaluation
figures[figures["metric"].isin(["ndcg", "recall", "coverage", "cold_users", "cold_items"])].round(4)

# %%
# One household: its list on top, what it bought before and what it bought later. Categories below
# the list were bought later too, or often before.
household = y_train.groupby("household").size().sort_values().index[-120]
display.plot_series(household, model="own frequency")

# %%
# The lists themselves are long tables, ready to be joined with anything. A household that was
# never seen is given what is popular, as the column ``source`` shows.
recommenders["item-kNN"].recommend([household, -1], k=3)
