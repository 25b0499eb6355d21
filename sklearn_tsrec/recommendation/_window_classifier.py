"""What classifiers that read windows of items have in common."""

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from sklearn_tsrec.recommendation._items import check_item_type


class WindowClassifier(ClassifierMixin):
    """Mixin of classifiers that read which items are in a window: numbers, NaN for no item."""

    def _fit_prior(self, X, y, sample_weight):
        """Validate training data; learn classes and popularity; return windows, codes, weights."""
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_item_type(y)
        weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        if not weight.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
        self.classes_, codes = np.unique(y, return_inverse=True)
        total = np.bincount(codes, weight)
        self.class_prior_ = total / total.sum()
        return X, codes, weight

    def predict_proba(self, X):
        """Return the probability that each item is the next one.

        Parameters
        ----------
        X : array of shape (n_samples, window)
            Windows of items, the oldest first. NaN and items that ``fit`` did not see say nothing.

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        return self._score(
            validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        )

    def predict(self, X):
        """Return the most probable next item.

        Parameters
        ----------
        X : array of shape (n_samples, window)
            Windows of items, the oldest first.

        Returns
        -------
        array of shape (n_samples,)
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    @staticmethod
    def _positions(X, items):
        """Return the position of each cell of the windows among some items, -1 for no such item."""
        if items.dtype.kind not in "biuf":  # numbers in a window name none of these
            return np.full(X.shape, -1)
        known = pd.Index(items.astype(np.float64))
        return known.get_indexer(X.ravel()).reshape(X.shape)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        # Only which items are in a window matters, not how large their numbers are.
        tags.classifier_tags.poor_score = True
        return tags
