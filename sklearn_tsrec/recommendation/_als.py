from numbers import Integral, Real
from typing import ClassVar, Self

import numpy as np
from numba import njit
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_limits

from sklearn_tsrec._extras import require
from sklearn_tsrec._sklearn import Interval, fit_context
from sklearn_tsrec._typing import ArrayLike, Seed
from sklearn_tsrec.recommendation._window_classifier import (
    DecisionMixin,
    WindowClassifier,
    grow,
)


class ALSClassifier(DecisionMixin, WindowClassifier, BaseEstimator):
    """Expect items whose factors are near those of the window, by alternating least squares.

    The window and the next item of each row are one set of items, which is factorised into rows and
    items by the package `implicit`: ``pip install 'sklearn-tsrec[als]'``. The squared error of an
    item that is there counts ``1 + confidence * weight`` times, that of one that is not once. A
    window is scored by the factors that explain it best, so that no row needs to have been there in
    training.

    Scores are no probabilities. A window without a known item gets the popularity.

    Parameters
    ----------
    n_components : int, default=64
        Number of factors.
    regularization : float, default=0.01
        Strength of the ridge on the factors.
    confidence : float, default=1.0
        How much more an item that is there counts than one that is not.
    decay : float, default=1.0
        Weight of each place of the window over that of the place after it; 1 weighs all alike.
    max_iter : int, default=15
        How often both sides are solved.
    random_state : int, RandomState instance or None, default=0
        Seed of the first factors.
    verbose : int, default=0
        Whether to show the progress.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The items that can be recommended.
    class_count_ : array of shape (n_classes,)
        The weight of the training rows of each item.
    class_prior_ : array of shape (n_classes,)
        Popularity: the weighted share of each item in the training targets.
    item_factors_ : array of shape (n_classes, n_components)
        The factors of the items.
    n_features_in_ : int
        Length of the windows.
    n_iter_ : int
        How often both sides were solved: ``max_iter`` times.

    Raises
    ------
    ImportError
        In ``fit``, if `implicit` is not installed.

    See Also
    --------
    EASEClassifier : A linear model of items by items.
    SequenceRecommender : Makes the windows out of a log of events.

    References
    ----------
    .. [1] Y. Hu, Y. Koren and C. Volinsky (2008), "Collaborative filtering for implicit feedback
       datasets", ICDM.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.recommendation import ALSClassifier
    >>> windows = [[np.nan, 1], [np.nan, 2], [np.nan, 3], [np.nan, 4]]
    >>> classifier = ALSClassifier(n_components=2, confidence=40.0).fit(windows, [2, 1, 4, 3])
    >>> classifier.decision_function([[np.nan, 1], [np.nan, 4]]).round(1) + 0.0
    array([[1., 1., 0., 0.],
           [0., 0., 1., 1.]])
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "regularization": [Interval(Real, 0, None, closed="left")],
        "confidence": [Interval(Real, 0, None, closed="neither")],
        "decay": [Interval(Real, 0, 1, closed="right")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components: int = 64,
        *,
        regularization: float = 0.01,
        confidence: float = 1.0,
        decay: float = 1.0,
        max_iter: int = 15,
        random_state: Seed = 0,
        verbose: int = 0,
    ):
        self.n_components = n_components
        self.regularization = regularization
        self.confidence = confidence
        self.decay = decay
        self.max_iter = max_iter
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Factorise windows and the items after them.

        Parameters
        ----------
        X : array of shape (n_samples, window) or sparse array of shape (n_samples, n_items)
            Windows of items, the oldest first, NaN for no item; or how much each item weighs in
            the past of each row, where column j stands for item j.
        y : array of shape (n_samples,)
            The item after each window. Items of windows are known by having the same number.

        Returns
        -------
        self
        """
        return self._learn(X, y, fresh=True)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Continue from the factors as they are, with new rows beside those known.

        All rows are remembered, as a sparse matrix.

        Parameters
        ----------
        X : array of shape (n_samples, window) or sparse array of shape (n_samples, n_items)
            New rows, as in ``fit``.
        y : array of shape (n_samples,)
            The item after each window. New items join ``classes_``.
        classes : array, default=None
            More items that can be recommended, though no row has them yet.

        Returns
        -------
        self
        """
        more = () if classes is None else classes
        return self._learn(X, y, more=more, fresh=not hasattr(self, "classes_"))

    def _count(self, X, gaps, codes, weight, old, fresh):
        """Remember rows: sets of the items in the window and the one after it."""
        shape = len(codes), len(self.classes_)
        after = sparse.csr_array((np.ones(len(codes)), (np.arange(len(codes)), codes)), shape=shape)
        rows = self._memberships(X, self.classes_, self.decay, once=True).maximum(after)
        self._start = None
        if not fresh:
            n_known = self._rows.shape[0]
            known = grow(self._rows, np.arange(n_known), old, (n_known, len(self.classes_)))
            rows = sparse.csr_array(sparse.vstack([known, rows]))
            self._start = old, self.item_factors_
        self._rows = rows

    def _finish(self):
        """Factorise rows and items, from random factors or from those that are known."""
        rows = sparse.csr_matrix(self._rows, dtype=np.float64)
        rows.data = 1 + self.confidence * rows.data
        rng = check_random_state(self.random_state)
        with threadpool_limits(1, user_api="blas"):  # its own threads are the faster ones
            model = require("implicit.cpu.als", "als").AlternatingLeastSquares(
                factors=self.n_components,
                regularization=self.regularization,
                alpha=1.0,  # it has no part in its confidence of 1 for what is not there
                iterations=self.max_iter,
                # Alternation amplifies rounding: in single precision, machines differ by 1e-3.
                dtype=np.float64,
                num_threads=1,
                random_state=rng.randint(np.iinfo(np.int32).max),
            )
            if self._start is not None:
                old, factors = self._start
                start = 0.01 * rng.random_sample((rows.shape[1], self.n_components))
                start[old] = factors
                model.item_factors = start
            model.fit(rows, show_progress=bool(self.verbose))
        self.item_factors_ = np.asarray(model.item_factors)
        self.n_iter_ = self.max_iter

    def _score(self, X, gaps=None):
        """Return the score of each item after each row."""
        window = self._memberships(X, self.classes_, self.decay, once=True)
        gram = self.item_factors_.T @ self.item_factors_
        # Without a ridge, more factors than items would have no one answer.
        gram[np.diag_indices(len(gram))] += max(self.regularization, 1e-9)
        by_row = window.indptr, window.indices, self.confidence * window.data
        users = _fold_in(*by_row, self.item_factors_, gram)
        scores = users @ self.item_factors_.T
        scores[np.diff(window.indptr) == 0] = self.class_prior_
        return scores


@njit(cache=True)
def _fold_in(indptr, indices, confidence, factors, gram):
    """Return the factors of rows, given those of the items: the least squares of one side."""
    users = np.zeros((len(indptr) - 1, factors.shape[1]))
    for row in range(len(users)):
        if indptr[row] == indptr[row + 1]:
            continue
        left, right = gram.copy(), np.zeros(factors.shape[1])
        for at in range(indptr[row], indptr[row + 1]):
            factor = factors[indices[at]]
            right += (1 + confidence[at]) * factor
            for a in range(len(factor)):
                left[a] += confidence[at] * factor[a] * factor
        users[row] = np.linalg.solve(left, right)
    return users
