from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numba import njit
from scipy import sparse
from sklearn.base import BaseEstimator

from sklearn_tsrec._sklearn import Interval
from sklearn_tsrec.recommendation._products import fast_form, sum_rows
from sklearn_tsrec.recommendation._window_classifier import (
    PartialFitMixin,
    ProbabilityMixin,
    WindowClassifier,
    grow,
)


class ItemKNNClassifier(PartialFitMixin, ProbabilityMixin, WindowClassifier, BaseEstimator):
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
        Shrinks similarities that few rows support towards 0; in (weighted) rows.
    self_similarity : float or None, default=None
        Similarity of an item to itself, which is how likely repeats are; None learns it like any
        other. The plain cosine between items has 1.
    smoothing : float, default=0.01
        Share of the popularity in the result. It ranks the items that nothing in the window is
        similar to, and is the whole answer for a window without a known item.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The items that can be recommended.
    class_count_ : array of shape (n_classes,)
        The weight of the training rows of each item.
    class_prior_ : array of shape (n_classes,)
        Popularity: the weighted share of each item in the training targets.
    cooccurrence_ : sparse array of shape (n_items, n_classes)
        The sums of weights in windows before each next item.
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

    cooccurrence_: Any
    similarity_: Any
    n_features_in_: int

    _parameter_constraints: ClassVar[dict] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
        "decay": [Interval(Real, 0, 1, closed="right")],
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "self_similarity": [Interval(Real, 0, None, closed="left"), None],
        "smoothing": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(
        self,
        n_neighbors: int | None = None,
        *,
        decay: float = 1.0,
        shrinkage: float = 0.0,
        self_similarity: float | None = None,
        smoothing: float = 0.01,
    ):
        self.n_neighbors = n_neighbors
        self.decay = decay
        self.shrinkage = shrinkage
        self.self_similarity = self_similarity
        self.smoothing = smoothing

    def _count(self, X, gaps, codes, weight, old, fresh):
        """Add up how often which item is in a window before which."""
        items = self._items_in(X) if fresh else np.union1d(self.items_, self._items_in(X))
        # An item that fills two places of a window is in it once, at its latest place.
        present = self._memberships(X, items, self.decay, once=True)
        rows = np.arange(len(codes))
        shape = len(items), len(self.classes_)
        following = sparse.csr_array((weight, (rows, codes)), shape=(len(codes), shape[1]))
        together = sparse.csr_array(present.T @ following)
        norm = present.power(2).T @ weight
        if not fresh:
            place = np.searchsorted(items, self.items_)
            together = together + grow(self.cooccurrence_, place, old, shape)
            norm[place] += self._norm
        self.items_, self.cooccurrence_, self._norm = items, together, norm

    def _finish(self):
        """Make similarities of the counts."""
        count = self.cooccurrence_
        norm = np.sqrt(self._norm), np.sqrt(self.class_count_)
        row = np.repeat(np.arange(len(self.items_), dtype=np.int32), np.diff(count.indptr))
        similarity = norm[0][row]
        similarity *= norm[1][count.indices]
        similarity += self.shrinkage
        some = (count.data > 0) & (norm[0][row] > 0)  # far places can weigh 0 in floats
        same = self._positions(self.items_, self.classes_)
        if self.self_similarity is not None:
            some &= same[row] != count.indices
        similarity = np.divide(count.data, similarity, out=similarity, where=some)
        similarity[~some] = 0
        del row, some
        indices, indptr = count.indices.copy(), count.indptr.copy()
        matrix = sparse.csr_array((similarity, indices, indptr), shape=count.shape)
        matrix.eliminate_zeros()
        if self.self_similarity is not None:
            own = np.flatnonzero(same >= 0)
            value = np.full(len(own), float(self.self_similarity))
            matrix = matrix + sparse.csr_array((value, (own, same[own])), shape=count.shape)
        if self.n_neighbors is not None:
            matrix = sparse.csc_array(matrix)
            _keep_largest(matrix.indptr, matrix.data, self.n_neighbors)
            matrix.eliminate_zeros()
        self.similarity_ = sparse.csr_array(matrix)
        self._similarity = fast_form(self.similarity_)

    def prefers_sparse(self) -> bool:
        """Return whether a window has few neighbors among all items.

        Returns
        -------
        bool
            Then :meth:`sparse_proba` is the faster form of :meth:`predict_proba`.
        """
        neighbors = self.similarity_.nnz / max(len(self.items_), 1) * self.n_features_in_
        return super().prefers_sparse() and neighbors < 0.1 * len(self.classes_)

    def _score(self, X, gaps=None):
        """Return the probability of each item after each row."""
        weights = self._memberships(X, self.items_, self.decay, once=False)
        proba = sum_rows(weights, self._similarity)
        scale, base = self._shares(proba.sum(axis=1))
        proba *= scale[:, np.newaxis]
        proba += base[:, np.newaxis] * self.class_prior_
        return proba

    def _sparse_score(self, X, gaps=None):
        """Return the same as a sparse part and the weight of the popularity."""
        own = self._memberships(X, self.items_, self.decay, once=False) @ self.similarity_
        scale, base = self._shares(np.asarray(own.sum(axis=1)))
        own.data *= np.repeat(scale, np.diff(own.indptr))
        return own, base

    def _shares(self, total):
        """Return the factor that makes similarities probabilities, and what popularity is left."""
        some = total > 0
        scale = (1 - self.smoothing) / np.where(some, total, 1)
        return scale, np.where(some, self.smoothing, 1.0)


@njit(cache=True)
def _keep_largest(indptr, data, n):
    """Set all but the n largest values of each column to 0; of equal ones the first are kept."""
    for column in range(len(indptr) - 1):
        values = data[indptr[column] : indptr[column + 1]]
        if len(values) > n:
            values[np.argsort(-values, kind="mergesort")[n:]] = 0
