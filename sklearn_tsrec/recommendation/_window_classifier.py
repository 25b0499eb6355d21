"""What classifiers that read windows of items have in common."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_is_fitted,
    check_X_y,
    validate_data,
)

from sklearn_tsrec._sklearn import fit_context
from sklearn_tsrec._ties import settle
from sklearn_tsrec._typing import ArrayLike
from sklearn_tsrec.recommendation._items import check_item_type
from sklearn_tsrec.recommendation._windows import split_windows

_BLOCK = 1 << 17  # rows learned from at once
_FEW = 1000  # items; to look at all of them is fast


class WindowClassifier(ClassifierMixin):
    """Mixin of classifiers that read which items are in a window: numbers, NaN for no item.

    A sparse row says how much each item weighs, without an order: column j is the item j. What is
    learned from rows is a sum over them, which ``_count`` adds to and ``_finish`` concludes from;
    ``_score`` returns a score of each class.
    """

    _score: Callable

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from windows and the items after them.

        Parameters
        ----------
        X : array of shape (n_samples, window) or sparse array of shape (n_samples, n_items)
            Windows of items, the oldest first, NaN for no item; or how much each item weighs in
            the past of each row, where column j stands for item j.
        y : array of shape (n_samples,)
            The item after each window. Items of windows are known by having the same number.
        sample_weight : array of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self
        """
        return self._learn(X, y, sample_weight, fresh=True)

    def _learn(self, X, y, sample_weight=None, *, more=(), fresh) -> Self:
        """Validate training rows, meet their items, count them and conclude."""
        X, gaps, y = self._validate(X, y, reset=fresh)
        check_item_type(y)
        weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        if not weight.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
        classes = np.union1d(y, more) if len(more) else np.unique(y)
        old = np.arange(0)
        if fresh:
            self.classes_, self.class_count_ = classes, np.zeros(len(classes))
        else:
            classes = np.union1d(self.classes_, classes)
            old = np.searchsorted(classes, self.classes_)
            count = np.zeros(len(classes))
            count[old] = self.class_count_
            self.classes_, self.class_count_ = classes, count
        codes = np.searchsorted(self.classes_, y)
        self.class_count_ += np.bincount(codes, weight, minlength=len(classes))
        self.class_prior_ = self.class_count_ / self.class_count_.sum()
        # Sums are added up in blocks, which keeps what they are made of small.
        size = _BLOCK if isinstance(self, PartialFitMixin) else max(len(codes), 1)
        for start in range(0, len(codes), size):
            rows = slice(start, start + size)
            ages = None if gaps is None else gaps[rows]
            self._count(X[rows], ages, codes[rows], weight[rows], old, fresh and start == 0)
            old = np.arange(len(self.classes_))
        self._finish()
        return self

    def _count(self, X, gaps, codes, weight, old, fresh):
        """Add up what rows hold beyond how popular items are; ``old`` places the old classes."""

    def _finish(self):
        """Conclude from what was added up."""

    def _validate(self, X, y: Any = "no_validation", *, reset) -> tuple[Any, Any, Any]:
        """Return validated windows (or sparse rows), gaps (None where there are none) and y."""
        accept = "csr" if self.__sklearn_tags__().input_tags.sparse else False
        checks = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}
        score = isinstance(y, str)  # as in validate_data, where it means that there is no y
        blocks, gaps = split_windows(X), None
        if blocks is None:
            X = validate_data(self, X, y, reset=reset, accept_sparse=accept, **checks)
        else:
            validate_data(self, X, y, reset=reset, skip_check_array=True)
            if blocks[1] is not None:
                gaps = check_array(X[blocks[1]], **checks)
            window = X[blocks[0]]
            X = check_array(window, **checks) if score else check_X_y(window, y, **checks)
        X, y = (X, None) if score else X
        if sparse.issparse(X) and not (X.data >= 0).all():
            raise ValueError(
                f"X is sparse and holds {X.data[~(X.data >= 0)][0]:g}: the weights of items must "
                "be numbers of at least 0."
            )
        return X, gaps, y

    def _read(self, X):
        """Return the windows (or sparse rows) and gaps to score."""
        check_is_fitted(self)
        return self._validate(X, reset=False)[:2]

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the item that is expected next.

        Parameters
        ----------
        X : array of shape (n_samples, window) or sparse array of shape (n_samples, n_items)
            Windows of items, the oldest first.

        Returns
        -------
        array of shape (n_samples,)
        """
        best = settle(self._score(*self._read(X))).argmax(axis=1)
        return self.classes_[best]

    def _positions(self, X, items):
        """Return the position of each cell among some sorted items, -1 for no such item."""
        if items.dtype.kind not in "biuf":  # numbers in a window name none of these
            return np.full(X.shape, -1)
        items = items.astype(np.float64)
        if len(items) and (items == np.arange(len(items))).all():  # positions already
            there = (X >= 0) & (len(items) > X) & (np.trunc(X) == X)
            return np.where(there, X, -1).astype(np.int64)
        place = np.searchsorted(items, X)
        there = place < len(items)
        there[there] = items[place[there]] == X[there]
        return np.where(there, place, -1)

    @staticmethod
    def _items_in(X):
        """Return the distinct items in some rows, as numbers."""
        if sparse.issparse(X):
            return np.unique(X.indices[X.data > 0]).astype(np.float64)
        return np.unique(X[~np.isnan(X)])

    def _memberships(self, X, items, decay, *, once) -> Any:
        """Return how much each item weighs in each row.

        The latest place of a window weighs 1 and each other ``decay`` times the place after it. An
        item in several places weighs what they do together or, if ``once``, what the latest does.

        Returns
        -------
        csr_array of shape (len(X), len(items))
        """
        shape = len(items), X.shape[0]
        if sparse.issparse(X):
            place = self._positions(np.arange(X.shape[1], dtype=np.float64), items)
            cell = X.tocoo()
            row, item, weight = cell.row, place[cell.col], cell.data
            known = (item >= 0) & (weight > 0)
            row, item, weight = row[known], item[known], weight[known]
        else:
            place = self._positions(X, items)
            row, column = np.nonzero(place >= 0)
            item = place[row, column]
            weight = (float(decay) ** np.arange(X.shape[1] - 1, -1, -1))[column]
            if once:
                latest = ~pd.Series(row * np.int64(len(items)) + item).duplicated(keep="last")
                row, item, weight = row[latest], item[latest], weight[latest]
        return sparse.csr_array((weight, (row, item)), shape=shape[::-1])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        # Only which items are in a window matters, not how large their numbers are.
        tags.classifier_tags.poor_score = True
        return tags


class ProbabilityMixin:
    """Mixin of window classifiers whose scores are probabilities.

    They are ``own + base * class_prior_``, with ``own`` sparse: what the window itself makes
    likely, and how much is left to popularity.
    """

    classes_: np.ndarray
    class_prior_: np.ndarray
    _read: Callable
    _sparse_score: Callable

    def prefers_sparse(self) -> bool:
        """Return whether few items have a probability of their own, beside their popularity.

        Returns
        -------
        bool
            Then :meth:`sparse_proba` is the faster form of :meth:`predict_proba`.
        """
        return len(self.classes_) > _FEW

    def sparse_proba(self, X: ArrayLike) -> tuple[sparse.csr_array, np.ndarray]:
        """Return what :meth:`predict_proba` is the sum of: own probabilities, and popularity.

        Parameters
        ----------
        X : array of shape (n_samples, window) or sparse array of shape (n_samples, n_items)
            Windows of items, the oldest first.

        Returns
        -------
        own : csr_array of shape (n_samples, n_classes)
            What the window itself makes likely.
        base : float array of shape (n_samples,)
            The share of ``class_prior_`` that is to be added.
        """
        return self._sparse_score(*self._read(X))

    def _score(self, X, gaps=None):
        """Return the probability of each item after each row."""
        own, base = self._sparse_score(X, gaps)
        return own.toarray() + base[:, np.newaxis] * self.class_prior_

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability that each item is the next one.

        Parameters
        ----------
        X : array of shape (n_samples, window) or sparse array of shape (n_samples, n_items)
            Windows of items, the oldest first. NaN and items that ``fit`` did not see do nothing.

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        return self._score(*self._read(X))


class DecisionMixin:
    """Mixin of window classifiers whose scores are no probabilities."""

    _read: Callable
    _score: Callable

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return how much each item is expected next.

        Parameters
        ----------
        X : array of shape (n_samples, window) or sparse array of shape (n_samples, n_items)
            Windows of items, the oldest first. NaN and items that ``fit`` did not see do nothing.

        Returns
        -------
        array of shape (n_samples, n_classes)
            With two classes, as scikit-learn has it, of shape (n_samples,): the second score less
            the first.
        """
        scores = self._score(*self._read(X))
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores


class PartialFitMixin:
    """Mixin of window classifiers that learn more from new rows."""

    _learn: Callable

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn more, from new windows and the items after them.

        Parameters
        ----------
        X : array of shape (n_samples, window) or sparse array of shape (n_samples, n_items)
            New rows, as in ``fit``.
        y : array of shape (n_samples,)
            The item after each window. New items join ``classes_``.
        classes : array, default=None
            More items that can be recommended, though no row has them yet.
        sample_weight : array of shape (n_samples,), default=None
            Weights of the rows, in the unit of those of earlier calls.

        Returns
        -------
        self
            What ``fit`` on all rows together would have given.
        """
        more = () if classes is None else classes
        return self._learn(X, y, sample_weight, more=more, fresh=not hasattr(self, "classes_"))


def grow(matrix, rows, columns, shape):
    """Return a sparse matrix of a larger shape, with its old rows and columns where they are now.

    ``rows[i]`` and ``columns[j]`` are the new places of row i and column j, ascending.
    """
    if matrix.shape == shape:
        return matrix
    cell = matrix.tocoo()
    return sparse.csr_array((cell.data, (rows[cell.row], columns[cell.col])), shape=shape)
