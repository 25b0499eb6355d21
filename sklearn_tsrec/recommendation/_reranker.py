from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.preprocessing import normalize
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._item_table import item_labels, item_matrix
from sklearn_tsrec._keys import read_groups
from sklearn_tsrec._sklearn import HasMethods, Interval, fit_context
from sklearn_tsrec._table import is_frame
from sklearn_tsrec._typing import ArrayLike, Estimator, Seed, Table
from sklearn_tsrec.recommendation._lists import check_k
from sklearn_tsrec.recommendation._rerank import choose
from sklearn_tsrec.recommendation._sequence_recommender import SequenceRecommender


def _recommender_has(name):
    """Return whether the recommender has a method."""

    def check(reranker):
        fitted = getattr(reranker, "recommender_", reranker.recommender)
        return hasattr(SequenceRecommender() if fitted is None else fitted, name)

    return check


class ReRanker(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Re-rank the lists of any recommender: diverse, fair to groups of items, less popular.

    The recommender gives each series candidates. Their scores become relevances, from 0 for its
    last candidate to 1 for its first. A list is filled from the top; each place takes the candidate
    of the largest::

        (1 - diversity) * (relevance - popularity_penalty * popularity + price of its group)
            - diversity * similarity to the most similar item above

    Parameters
    ----------
    recommender : recommender, default=None
        Any of ours; None is :class:`SequenceRecommender`.
    n_candidates : int, default=100
        How many items the recommender gives each series to choose from.
    item_features : DataFrame of shape (n_items, n_columns), default=None
        What describes each item, with the items as index; all items of the training table must be
        there. Numbers are taken as they are, the labels of other columns become columns of 0 and 1.
        The cosine of two rows is the similarity of two items.
    attribute : str, default=None
        The column of ``item_features`` that groups items: a category, a brand, a maker.
    diversity : float, default=0.0
        Weight of dissimilarity over relevance, from 0 to 1: maximal marginal relevance [1]_, where
        it is called 1 - λ. It needs ``item_features``.
    max_per_attribute : int or None, default=None
        How many items of one group a list may hold. Where no candidate is left, lists end early.
    min_exposure_ratio : float, default=0.0
        Lower bound, from 0 to 1, of :func:`~sklearn_tsrec.metrics.exposure_ratio` over all lists of
        a call: exposure of an item of the least shown group over that of the most shown one [2]_.
        A group that is behind has a price that rises with what it is behind [3]_, so that those
        lists give way that lose little by it.
    popularity_penalty : float, default=0.0
        What the most popular item loses against the least popular, in relevance [4]_. Popularity is
        the rank of an item by the training series that interacted with it, from 0 to 1.
    random_state : int, RandomState instance or None, default=0
        Draws the order in which lists are filled where ``min_exposure_ratio`` binds them.

    Attributes
    ----------
    recommender_ : recommender
        The fitted recommender.
    classes_ : array of shape (n_classes,)
        The items in training, the columns of :meth:`predict_proba`.
    items_ : array of shape (n_items,)
        The items that can be recommended; a recommender that knows items by their features also
        has those without a training event.
    popularity_ : array of shape (n_items,)
        Their popularity ranks, 0 to 1.
    n_features_in_ : int
        Number of columns seen in ``fit``.

    See Also
    --------
    sklearn_tsrec.inspection.RecommendationDisplay : What re-ranking costs and gains.
    sklearn_tsrec.metrics.evaluate_recommender : The figures.

    References
    ----------
    .. [1] J. Carbonell and J. Goldstein (1998), "The use of MMR, diversity-based reranking for
       reordering documents and producing summaries", SIGIR.
    .. [2] A. Singh and T. Joachims (2018), "Fairness of exposure in rankings", KDD.
    .. [3] M. Morik, A. Singh, J. Hong and T. Joachims (2020), "Controlling fairness and bias in
       dynamic learning-to-rank", SIGIR.
    .. [4] H. Abdollahpouri, R. Burke and B. Mobasher (2019), "Managing popularity bias in
       recommender systems with personalized re-ranking", FLAIRS.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec import as_panel
    >>> from sklearn_tsrec.recommendation import ReRanker, SequenceRecommender
    >>> bought = pd.DataFrame({"user": [1, 1, 2, 2, 3, 3, 3], "day": [1, 2, 1, 2, 1, 2, 3],
    ...     "item": ["tea", "mate", "tea", "mate", "tea", "mate", "milk"]})
    >>> kind = pd.DataFrame({"kind": ["leaf", "leaf", "dairy"]}, index=["tea", "mate", "milk"])
    >>> X, y = as_panel(bought, group="user", time="day", target="item")
    >>> reranker = ReRanker(SequenceRecommender(), item_features=kind, attribute="kind",
    ...                     max_per_attribute=1).fit(X, y)
    >>> reranker.recommender_.recommend([1], k=2)[["user", "rank", "item"]]
       user  rank  item
    0     1     1  milk
    1     1     2  mate
    >>> reranker.recommend(["new"], k=2)[["user", "rank", "item"]]
      user  rank  item
    0  new     1   tea
    1  new     2  milk
    """

    _parameter_constraints: ClassVar[dict] = {
        "recommender": [HasMethods(["fit", "recommend"]), None],
        "n_candidates": [Interval(Integral, 1, None, closed="left")],
        "item_features": [pd.DataFrame, None],
        "attribute": [str, None],
        "diversity": [Interval(Real, 0, 1, closed="both")],
        "max_per_attribute": [Interval(Integral, 1, None, closed="left"), None],
        "min_exposure_ratio": [Interval(Real, 0, 1, closed="both")],
        "popularity_penalty": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        recommender: Estimator | None = None,
        *,
        n_candidates: int = 100,
        item_features: pd.DataFrame | None = None,
        attribute: str | None = None,
        diversity: float = 0.0,
        max_per_attribute: int | None = None,
        min_exposure_ratio: float = 0.0,
        popularity_penalty: float = 0.0,
        random_state: Seed = 0,
    ):
        self.recommender = recommender
        self.n_candidates = n_candidates
        self.item_features = item_features
        self.attribute = attribute
        self.diversity = diversity
        self.max_per_attribute = max_per_attribute
        self.min_exposure_ratio = min_exposure_ratio
        self.popularity_penalty = popularity_penalty
        self.random_state = random_state

    @property
    def group(self):
        """Column(s) that name the series, as the recommender reads them."""
        return getattr(self.recommender, "group", None)

    @property
    def time(self):
        """Column of the time, as the recommender reads it."""
        return getattr(self.recommender, "time", None)

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Fit the recommender, and learn what re-ranking must know of the items.

        Parameters
        ----------
        X : DataFrame or array of shape (n_events, n_columns)
            Keyed events, as the recommender takes them.
        y : array of shape (n_events,)
            The item of each event.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If ``item_features`` or ``attribute`` are needed and missing, or lack an item.
        """
        self._check_needs()
        inner = SequenceRecommender() if self.recommender is None else clone(self.recommender)
        self.recommender_ = inner.fit(X, y)
        self.classes_ = inner.classes_
        self.items_ = getattr(inner, "items_", inner.classes_)
        self.n_features_in_ = inner.n_features_in_
        if hasattr(inner, "feature_names_in_"):
            self.feature_names_in_ = inner.feature_names_in_
        n_items = len(self.items_)
        keyed = X if is_frame(X) else np.asarray(X)
        series, _ = read_groups(keyed, self.group, self.time)
        item = pd.Index(self.items_).get_indexer(pd.Index(np.asarray(y).ravel()))
        n_series = np.bincount(
            pd.unique(series * np.int64(n_items) + item) % n_items, minlength=n_items
        )
        self.popularity_ = (rankdata(n_series) - 1) / max(n_items - 1, 1)
        self._features = sparse.csr_array((n_items, 0))
        if self.diversity > 0:
            self._features = normalize(item_matrix(self.item_features, self.items_))
        self._group, n_groups = np.zeros(n_items, dtype=np.int64), 1
        if self.attribute is not None:
            self._group, labels = item_labels(self.item_features, self.items_, self.attribute)
            self._group, n_groups = self._group.astype(np.int64), len(labels)
        self._size = np.bincount(self._group, minlength=n_groups)
        return self

    def _check_needs(self):
        """Raise if what is asked for needs a table of items, or a column of it."""
        for name in ("max_per_attribute", "min_exposure_ratio"):
            if getattr(self, name) and self.attribute is None:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} needs attribute=, the column of item_features "
                    "that groups items."
                )
        for name in ("diversity", "attribute"):
            if getattr(self, name) and self.item_features is None:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} needs item_features=, a table with the items "
                    "as index."
                )

    def recommend(self, X: Table = None, k: int = 10, **options: Any) -> pd.DataFrame:
        """Return the re-ranked list of each series, as a long table.

        Parameters
        ----------
        X : table, list of labels or None, default=None
            Who to recommend to, as the recommender takes it.
        k : int, default=10
            Length of the lists.
        **options : dict
            What else the ``recommend`` of the recommender takes, such as ``exclude_seen``.

        Returns
        -------
        pandas.DataFrame
            What the recommender returns, with the rows chosen and ranked anew. ``score`` is still
            that of the recommender.

        Raises
        ------
        ValueError
            If no lists out of these candidates have ``min_exposure_ratio``.
        """
        check_is_fitted(self)
        k = check_k(k)
        table = self.recommender_.recommend(X, k=max(k, self.n_candidates), **options)
        if table.empty:
            return table
        rank = table["rank"].to_numpy()
        row = np.cumsum(rank == 1) - 1
        shape = row[-1] + 1, rank.max()
        items = np.full(shape, -1, dtype=np.int64)
        items[row, rank - 1] = pd.Index(self.items_).get_indexer(table["item"])
        relevance = np.full(shape, np.nan)
        relevance[row, rank - 1] = table["score"]
        relevance = _stretch(relevance) - self.popularity_penalty * self.popularity_[items]
        most = items.shape[1] if self.max_per_attribute is None else self.max_per_attribute
        chosen, ratio = choose(
            items, relevance, k, self._features, self.diversity, self._group, self._size, most,
            self.min_exposure_ratio, check_random_state(self.random_state),
        )  # fmt: skip
        if ratio < self.min_exposure_ratio:
            raise ValueError(
                f"min_exposure_ratio={self.min_exposure_ratio!r} cannot be reached with "
                f"{self.n_candidates} candidates for each of {len(items)} series: the best is "
                f"{ratio:.3f}. Raise n_candidates or lower the bound."
            )
        start = np.flatnonzero(rank == 1)
        row, place = np.nonzero(chosen >= 0)
        lists = table.iloc[start[row] + chosen[row, place]].reset_index(drop=True)
        lists["rank"] = place + 1
        return lists

    def predict(self, X: Table) -> np.ndarray:
        """Return the best next item of each row, as the recommender does.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Keyed rows.

        Returns
        -------
        array of shape (n_samples,)
            Re-ranking concerns lists only: see :meth:`recommend`.
        """
        check_is_fitted(self)
        return self.recommender_.predict(X)

    @available_if(_recommender_has("predict_proba"))
    def predict_proba(self, X: Table) -> np.ndarray:
        """Return the probability of each item for each row, as the recommender does.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Keyed rows.

        Returns
        -------
        array of shape (n_samples, n_items)
        """
        check_is_fitted(self)
        return self.recommender_.predict_proba(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = SequenceRecommender() if self.recommender is None else self.recommender
        tags.input_tags = get_tags(inner).input_tags
        tags.classifier_tags.poor_score = True  # the columns of X say when, and not what
        return tags


def _stretch(scores):
    """Return the scores of each list from 0 (the last) to 1 (the first); 1 where all are equal."""
    low, high = np.nanmin(scores, axis=1), np.nanmax(scores, axis=1)
    width = np.where(high > low, high - low, 1)
    return 1 - (high[:, np.newaxis] - scores) / width[:, np.newaxis]
