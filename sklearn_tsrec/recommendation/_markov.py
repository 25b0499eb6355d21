from numbers import Real
from typing import ClassVar

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from sklearn_tsrec._sklearn import Interval, Options
from sklearn_tsrec.recommendation._window_classifier import (
    PartialFitMixin,
    ProbabilityMixin,
    WindowClassifier,
    grow,
)


class MarkovClassifier(PartialFitMixin, ProbabilityMixin, WindowClassifier, BaseEstimator):
    """Expect what most often came right after the last one or two items of the window.

    With n(a, i) the (weighted) rows in which item i comes right after item a, and n(a) the sum of
    them, the first order backs off from item a to popularity::

        p(i | a) = (n(a, i) + smoothing * popularity(i)) / (n(a) + smoothing)

    and the second order, with counts after the pair of a and then b, backs off to the first::

        p(i | a, b) = (n(a, b, i) + smoothing * p(i | b)) / (n(a, b) + smoothing)

    What was never seen has counts of 0, so that the shorter memory answers alone.

    Parameters
    ----------
    order : {1, 2}, default=1
        How many items are remembered.
    smoothing : float, default=10.0
        Weight of the shorter memory, in rows.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The items that can be recommended.
    class_count_ : array of shape (n_classes,)
        The weight of the training rows of each item.
    class_prior_ : array of shape (n_classes,)
        Popularity: the weighted share of each item in the training targets.
    contexts_ : list of arrays of shape (n_contexts, 1) and, of order 2, (n_contexts, 2)
        The items and pairs that something came after.
    transitions_ : list of sparse arrays of shape (n_contexts, n_classes)
        How often each item came after each of them.
    n_features_in_ : int
        Length of the windows.

    See Also
    --------
    ItemKNNClassifier : Looks at the whole window.
    SequenceRecommender : Makes the windows out of a log of events.

    References
    ----------
    .. [1] D. J. C. MacKay and L. C. Bauman Peto (1995), "A hierarchical Dirichlet language model",
       Natural Language Engineering 1(3).
    .. [2] S. Rendle, C. Freudenthaler and L. Schmidt-Thieme (2010), "Factorizing personalized
       Markov chains for next-basket recommendation", WWW.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.recommendation import MarkovClassifier
    >>> windows = [[np.nan, 1], [2, 1], [np.nan, 1], [np.nan, 2]]
    >>> classifier = MarkovClassifier(order=2, smoothing=1.0).fit(windows, [3, 4, 3, 1])
    >>> classifier.predict_proba([[np.nan, 1], [2, 1]]).round(3)
    array([[0.062, 0.625, 0.312],
           [0.031, 0.312, 0.656]])
    """

    _parameter_constraints: ClassVar[dict] = {
        "order": [Options(int, {1, 2})],
        "smoothing": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, order: int = 1, *, smoothing: float = 10.0):
        self.order = order
        self.smoothing = smoothing

    def _count(self, X, gaps, codes, weight, old, fresh):
        """Add up what comes after which items and pairs."""
        contexts, transitions = [], []
        for length, recent in enumerate(self._memories(X), start=1):
            rows = np.flatnonzero(~np.isnan(recent[:, 0]))
            known = np.empty((0, length)) if fresh else self.contexts_[length - 1]
            context, place = np.unique(
                np.concatenate([known, recent[rows]]), axis=0, return_inverse=True
            )
            place = place.reshape(-1)
            shape = len(context), len(self.classes_)
            cells = weight[rows], (place[len(known) :], codes[rows])
            count = sparse.coo_array(cells, shape=shape).tocsr()
            if not fresh:
                count = count + grow(self.transitions_[length - 1], place[: len(known)], old, shape)
            contexts.append(context)
            transitions.append(count)
        self.contexts_, self.transitions_ = contexts, transitions

    def _finish(self):
        """Add up the counts of each context, and number the contexts to find them again."""
        self._totals = [np.asarray(count.sum(axis=1)) for count in self.transitions_]
        self._items = np.unique(np.concatenate([context.ravel() for context in self.contexts_]))
        self._keys = [self._key(context) for context in self.contexts_]

    def _key(self, memories):
        """Return one number for each row of items, in the order of the rows; -1 if one is new."""
        place = self._positions(memories, self._items)
        key = np.zeros(len(memories), dtype=np.int64)
        for column in place.T:
            key = key * len(self._items) + column
        return np.where((place < 0).any(axis=1), -1, key)

    def _memories(self, X):
        """Return the last item and, of order 2, the last two of each window; NaN if it has less."""
        filled = ~np.isnan(X)
        # The place of the last item, and of the last but one: windows may have holes.
        after = np.cumsum(filled[:, ::-1], axis=1)[:, ::-1]
        memories = []
        for length in range(1, self.order + 1):
            recent = np.full((len(X), length), np.nan)
            for back in range(length):
                has = (filled & (after == back + 1)).any(axis=1) & (after[:, 0] >= length)
                column = (filled & (after == back + 1)).argmax(axis=1)
                recent[has, length - 1 - back] = X[has, column[has]]
            memories.append(recent)
        return memories

    def _sparse_score(self, X, gaps=None):
        """Return what the counts of each memory make likely, and the weight of the popularity."""
        own = sparse.csr_array((len(X), len(self.classes_)))
        base = np.ones(len(X))
        for recent, known, count, total in zip(
            self._memories(X), self._keys, self.transitions_, self._totals
        ):
            key = self._key(recent)
            place = np.searchsorted(known, key)
            there = (key >= 0) & (place < len(known))
            there[there] = known[place[there]] == key[there]
            rows = np.flatnonzero(there)
            seen = np.zeros(len(X))
            seen[rows] = total[place[rows]]
            left = self.smoothing / (seen + self.smoothing)
            pick = sparse.csr_array(
                (1 / (seen[rows] + self.smoothing), (rows, place[rows])),
                shape=(len(X), len(known)),
            )
            own = own * left[:, np.newaxis] + pick @ count
            base *= left
        return sparse.csr_array(own), base

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False  # sparse rows have no order
        return tags
