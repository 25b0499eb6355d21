"""
Recommend what a household buys next
====================================

A row is a receipt line: a household at a time. What it bought is the target, and any classifier on
windows of earlier items can be asked for the next ones.
"""

# %%
# Keys move into the index once. We recommend categories; a few lines have none.
import matplotlib.pyplot as plt
from sklearn.dummy import DummyClassifier

from sklearn_tsrec import PanelTimeSeriesSplit, SequenceRecommender, as_panel
from sklearn_tsrec.datasets import load_complete_journey
from sklearn_tsrec.metrics import ndcg_scorer
from sklearn_tsrec.recommendation import ItemKNNClassifier, PersonalFrequencyClassifier

lines = load_complete_journey().transactions[["household", "time", "category"]].dropna()
X, y = as_panel(lines, group="household", time="time", target="category")
y.head()

# %%
# One cut in time for all households: the last four weeks are the test, so that nobody learns from
# what others did later.
[(train, test)] = PanelTimeSeriesSplit(1, horizon="28D").split(X)

# %%
# Three recommenders, which differ in the classifier alone. Popularity is scikit-learn's own
# classifier that ignores its input.
recommenders = {
    "popularity": SequenceRecommender(DummyClassifier(strategy="prior"), window=1),
    "own frequency": SequenceRecommender(PersonalFrequencyClassifier(smoothing=50)),
    "item-kNN": SequenceRecommender(ItemKNNClassifier()),
}
score = ndcg_scorer(k=10)
ndcg = {
    name: score(recommender.fit(X.iloc[train], y.iloc[train]), X.iloc[test], y.iloc[test])
    for name, recommender in recommenders.items()
}

# %%
# NDCG over the full catalogue of categories: what stands high in the list counts more. Nothing was
# tuned here; :class:`~sklearn.model_selection.GridSearchCV` would do it with the same splitter.
fig, ax = plt.subplots(figsize=(7, 2.4), layout="constrained")
bars = ax.barh(list(ndcg), list(ndcg.values()), color="tab:blue")
ax.bar_label(bars, fmt="%.3f", padding=3)
ax.set(xlabel="NDCG@10, last four weeks", xlim=(0, 1.15 * max(ndcg.values())))
ax.spines[["top", "right"]].set_visible(False)

# %%
# The lists themselves are long tables, ready to be joined with anything. A household that was
# never seen is given what is popular.
household = X.index[0][0]
recommenders["item-kNN"].recommend([household, -1], k=3)
