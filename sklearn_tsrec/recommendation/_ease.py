from numbers import Real
from typing import ClassVar

import numpy as np
from scipy import sparse
from scipy.linalg import lapack
from sklearn.base import BaseEstimator

from sklearn_tsrec._sklearn import Interval, StrOptions
from sklearn_tsrec.recommendation._products import add_gram, mirror, sum_rows
from sklearn_tsrec.recommendation._window_classifier import (
    DecisionMixin,
    PartialFitMixin,
    WindowClassifier,
    grow,
)


class EASEClassifier(PartialFitMixin, DecisionMixin, WindowClassifier, BaseEstimator):
    """Expect items by a linear model of which items go together, learned in closed form.

    Each row is a vector w of how much each item weighs in its window: 1 at the latest place, and
    ``decay`` times as much at each place before. A matrix B of weights holds what it makes likely:
    the scores are ``w @ B``.

    ``target="set"`` is EASE [1]_: the window and the next item together are one set s, and B is
    the ridge regression of each item of s on all others, ``min ||S - S B||² + λ ||B||²`` with a
    diagonal of zeros. It finds what goes with a window, in any order.
    ``target="next"`` regresses the next item n alone on the window [2]_,
    ``min ||N - W B||² + λ ||B||²``: it minds the order, and learns how likely repeats are. It is
    the better one where people buy again.

    Scores are no probabilities: they can be below 0, and do not sum to 1. A window without a known
    item gets the popularity.

    Parameters
    ----------
    regularization : float, default=1000.0
        Strength λ of the ridge, in rows. It must grow with the number of rows and the length of the
        windows; try powers of 10.
    target : {"set", "next"}, default="set"
        What is regressed on what.
    decay : float, default=1.0
        Weight of each place of the window over that of the place after it; 1 weighs all alike.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The items that can be recommended.
    class_count_ : array of shape (n_classes,)
        The weight of the training rows of each item.
    class_prior_ : array of shape (n_classes,)
        Popularity: the weighted share of each item in the training targets.
    gram_ : array of shape (n_nodes, n_nodes)
        What the regression is made of: how often items are together. The nodes are ``items_``
        and, where items are no numbers, ``classes_`` after them.
    items_ : array of shape (n_items,)
        The items in training windows and, where they are numbers, the classes.
    n_features_in_ : int
        Length of the windows.
    weights_ : array of shape (n_items, n_classes)
        The matrix B.

    See Also
    --------
    ItemKNNClassifier : Cosines in place of a regression; sparse, for any number of items.
    SequenceRecommender : Makes the windows out of a log of events.

    Notes
    -----
    The solution takes memory for three dense matrices of items by items, and time by the cube: 1 s
    of a core for 3,000 items, 40 s for 10,000.

    References
    ----------
    .. [1] H. Steck (2019), "Embarrassingly shallow autoencoders for sparse data", WWW.
    .. [2] M. Choi, J. Kim, J. Lee, H. Shim and J. Lee (2021), "Session-aware linear item-item
       models for session-based recommendation", WWW.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.recommendation import EASEClassifier
    >>> windows = [[np.nan, 1], [1, 2], [np.nan, 1], [np.nan, 3]]
    >>> classifier = EASEClassifier(1.0).fit(windows, [2, 3, 2, 4])
    >>> classifier.predict([[np.nan, 1], [1, 3], [3, np.nan]])
    array([2, 2, 4])
    >>> EASEClassifier(1.0, target="next").fit(windows, [2, 3, 2, 4]).predict([[1, 2]])
    array([3])
    """

    _parameter_constraints: ClassVar[dict] = {
        "regularization": [Interval(Real, 0, None, closed="neither")],
        "target": [StrOptions({"set", "next"})],
        "decay": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(self, regularization: float = 1000.0, *, target: str = "set", decay: float = 1.0):
        self.regularization = regularization
        self.target = target
        self.decay = decay

    def _count(self, X, gaps, codes, weight, old, fresh):
        """Add up which items are together."""
        numbers = self.classes_.dtype.kind in "biuf"
        items = self._items_in(X)
        if numbers:
            items = np.union1d(items, self.classes_.astype(np.float64))
        if not fresh:
            items = np.union1d(items, self.items_)
        place = (
            np.searchsorted(items, self.classes_)
            if numbers
            else len(items) + np.arange(len(self.classes_))
        )
        n_nodes = len(items) + (0 if numbers else len(self.classes_))
        shape = len(codes), n_nodes
        window = self._memberships(X, items, self.decay, once=True)
        window.resize(shape)
        rows = np.arange(len(codes))
        after = sparse.csr_array((np.ones(len(codes)), (rows, place[codes])), shape=shape)
        if self.target == "set":
            window = window.maximum(after)
        gram, following = np.zeros((n_nodes, n_nodes)), None
        if self.target == "next":
            following = sparse.csr_array((window * weight[:, np.newaxis]).T @ after)
        if not fresh:
            where = np.searchsorted(items, self.items_)
            if not numbers:
                where = np.append(where, len(items) + old)
            gram[np.ix_(where, where)] = self.gram_
            if following is not None:
                following = following + grow(self._following, where, where, following.shape)
        window.sort_indices()
        add_gram(window.indptr, window.indices, window.data, weight, gram)
        self.items_, self._class_place = items, place
        self.gram_, self._following = gram, following

    def _finish(self):
        """Regress, by one Cholesky factor of the Gram matrix.

        What only rows without weight hold stays out of it: weights of 0 and rows left out give the
        same bits, whatever blocks the linear algebra works in.
        """
        mirror(self.gram_)
        n_items = len(self.items_)
        known = np.diag(self.gram_) > 0
        met, chosen = known[:n_items], self.class_count_ > 0
        self._met = met.astype(np.float64)
        self.weights_ = np.zeros((n_items, len(self.classes_)))
        if not met.any():
            return
        gram = self.gram_[np.ix_(known, known)]
        gram[np.diag_indices(len(gram))] += self.regularization
        # LAPACK reads columns first, which is the transpose, whose upper part is our lower one.
        factor, _ = lapack.dpotrf(gram.T, lower=False, overwrite_a=True)
        if self.target == "set":
            inverse = lapack.dpotri(factor, lower=False, overwrite_c=True)[0].T
            mirror(inverse)
            solved = np.divide(inverse, -np.diag(inverse), out=inverse)
            solved[np.diag_indices(len(solved))] = 0
            position = np.cumsum(known) - 1
            solved = solved[np.ix_(position[:n_items][met], position[self._class_place[chosen]])]
        else:
            following = self._following[known][:, self._class_place[chosen]].toarray()
            solved = lapack.dpotrs(factor, following, lower=False, overwrite_b=True)[0]
        self.weights_[np.ix_(met, chosen)] = solved

    def _score(self, X, gaps=None):
        """Return the score of each item after each row."""
        window = self._memberships(X, self.items_, self.decay, once=True)
        scores = sum_rows(window, self.weights_)
        scores[window @ self._met == 0] = self.class_prior_
        return scores
