from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import pandas as pd
from numba import njit
from scipy import sparse
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import Interval

from sklearn_tsrec.recommendation._window_classifier import WindowClassifier


class ItemKNNClassifier(WindowClassifier, BaseEstimator):
    """Expect items that are often next when items like those in the window came before.

    Each place of a window has a weight: 1 for the latest, and ``decay`` times that of the place
    after it for all others. With w the weight of the latest place of item j in the window (0 if it
    has none) and n = 1 if item i comes next (else 0), the similarity of j and i is the cosine of w
    and n over the training rows::

        similarity(j, i) = sum(w * n) / (sqrt(sum(w ** 2) * sum(n)) + shrinkage)

    An item scores the sum, over the places of the window, of weight times similarity. Scores are
    made to sum to 1.

    Parameters
    ----------
    n_neighbors : int or None, default=None
        How many most similar items in windows each next item keeps; None keeps all.
    decay : float, default=1.0
        Weight of each place of the window over that of the place after it; 1 weighs all alike.
    shrinkage : float, default=0.0
        Draws similarities that few rows support towards 0; in (weighted) rows.
    self_similarity : float or None, default=None
        Similarity of an item to itself, which says how likely repeats are; None learns it like any
        other. The plain cosine between items has 1.
    smoothing : float, default=0.01
        Share of the popularity in the result. It ranks the items that nothing in the window is
        similar to, and is the whole answer for a window without a known item.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The items that can be recommended.
    class_prior_ : array of shape (n_classes,)
        Popularity: the weighted share of each item in the training targets.
    items_ : array of shape (n_items,)
        The items in training windows.
    similarity_ : sparse array of shape (n_items, n_classes)
        Similarities of items in windows and next items.
    n_features_in_ : int
        Length of the windows.

    See Also
    --------
    PersonalFrequencyClassifier : Expects only items that are in the window.
    SequenceRecommender : Makes the windows out of a log of events.

    References
    ----------
    .. [1] B. Sarwar, G. Karypis, J. Konstan and J. Riedl (2001), "Item-based collaborative
       filtering recommendation algorithms", WWW.
    .. [2] M. Deshpande and G. Karypis (2004), "Item-based top-N recommendation algorithms", ACM
       Transactions on Information Systems 22(1).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.recommendation import ItemKNNClassifier
    >>> windows = [[np.nan, 1], [1, 2], [np.nan, 1], [np.nan, 3]]
    >>> classifier = ItemKNNClassifier().fit(windows, [2, 3, 2, 4])
    >>> classifier.predict([[np.nan, 1], [1, 3], [3, np.nan]])
    array([2, 4, 4])
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
        "decay": [Interval(Real, 0, 1, closed="right")],
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "self_similarity": [Interval(Real, 0, None, closed="left"), None],
        "smoothing": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(
        self, n_neighbors=None, *, decay=1.0, shrinkage=0.0, self_similarity=None, smoothing=0.01
    ):
        self.n_neighbors = n_neighbors
        self.decay = decay
        self.shrinkage = shrinkage
        self.self_similarity = self_similarity
        self.smoothing = smoothing

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Learn which items follow which.

        Parameters
        ----------
        X : array of shape (n_samples, window)
            Windows of items, the oldest first; NaN stands for no item.
        y : array of shape (n_samples,)
            The item after each window.
        sample_weight : array of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self
        """
        X, codes, weight = self._fit_prior(X, y, sample_weight)
        self.items_ = np.unique(X[~np.isnan(X)])
        items = self._positions(X, self.items_)
        row, column = np.nonzero(items >= 0)
        # An item that fills two places of a window is in it once, at its latest place.
        cell = pd.Series(row * len(self.items_) + items[row, column])
        latest = ~cell.duplicated(keep="last").to_numpy()
        row, column = row[latest], column[latest]
        shape = len(X), len(self.items_)
        recency = self._place_weights(X.shape[1])[column]
        present = sparse.csr_array((recency, (row, items[row, column])), shape=shape)
        rows = np.arange(len(X))
        following = sparse.csr_array((weight, (rows, codes)), shape=(len(X), len(self.classes_)))
        together = (present.T @ following).tocoo()
        norm = np.sqrt(present.power(2).T @ weight), np.sqrt(np.bincount(codes, weight))
        j, i = together.coords
        same = self._positions(self.items_, self.classes_)
        counted = (together.data > 0) & (norm[0][j] > 0)  # far places can weigh 0 in floats
        if self.self_similarity is not None:
            counted &= same[j] != i
        j, i, count = j[counted], i[counted], together.data[counted]
        similarity = count / (norm[0][j] * norm[1][i] + self.shrinkage)
        if self.self_similarity is not None:
            own = np.flatnonzero(same >= 0)
            j, i = np.append(j, own), np.append(i, same[own])
            similarity = np.append(similarity, np.full(len(own), float(self.self_similarity)))
        if self.n_neighbors is not None:
            order = np.lexsort((j, -similarity, i))
            first = np.searchsorted(i[order], i[order])
            near = order[np.arange(len(order)) - first < self.n_neighbors]
            j, i, similarity = j[near], i[near], similarity[near]
        self.similarity_ = sparse.csr_array((similarity, (j, i)), shape=together.shape)
        return self

    def _place_weights(self, width):
        """Return how much each place of a window counts, the latest last."""
        return float(self.decay) ** np.arange(width - 1, -1, -1)

    def _score(self, X):
        items = self._positions(X, self.items_)
        weights = self._place_weights(X.shape[1])
        proba = np.zeros((len(X), len(self.classes_)))
        matrix = self.similarity_
        _add_similar(matrix.indptr, matrix.indices, matrix.data, items, weights, proba)
        total = proba.sum(axis=1, keepdims=True)
        proba *= (1 - self.smoothing) / np.where(total > 0, total, 1)
        proba += np.where(total > 0, self.smoothing, 1) * self.class_prior_
        return proba


@njit(cache=True)
def _add_similar(indptr, indices, data, items, weights, out):
    """Add to each row of ``out`` the similarities to the items of its window."""
    for row in range(items.shape[0]):
        for place in range(items.shape[1]):
            item = items[row, place]
            if item >= 0:
                for at in range(indptr[item], indptr[item + 1]):
                    out[row, indices[at]] += weights[place] * data[at]
