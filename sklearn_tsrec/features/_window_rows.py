"""What the transformers of rows that are windows share."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_tsrec._sklearn import fit_context
from sklearn_tsrec._typing import ArrayLike, Table


class WindowRows(TransformerMixin, BaseEstimator):
    """Base class: each row of X is a window, oldest value first, NaN where a value is missing."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: Any = None) -> Self:
        """Learn the length of the windows.

        Parameters
        ----------
        X : array-like of shape (n_windows, length)
            Windows, oldest value first; NaN marks missing values and padding.
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        self._features_out = self._check_features(X.shape[1])
        return self

    def transform(self, X: Table) -> Table:
        """Compute the features of each window.

        Parameters
        ----------
        X : array-like of shape (n_windows, length)
            Windows, oldest value first; NaN marks missing values and padding.

        Returns
        -------
        X_out : array of shape (n_windows, n_features_out)
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._compute(X)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the features: ``x__``, the feature, and the length of the window.

        Parameters
        ----------
        input_features : None
            Ignored: a feature is of a whole window, not of one column.

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        return np.array(self._features_out, dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def feature_name(feature, length):
    """Return the name of a feature of a window: ``x__mean28``, ``x__q10_28``."""
    return f"x__{feature}{'_' if feature[-1].isdigit() else ''}{length}"


def fill_inside(X):
    """Fill holes between two values linearly; return that, and which positions lie between."""
    present = ~np.isnan(X)
    at = np.arange(X.shape[1])
    before = np.maximum.accumulate(np.where(present, at, -1), axis=1)
    after = np.where(present, at, X.shape[1])[:, ::-1]
    after = np.minimum.accumulate(after, axis=1)[:, ::-1]
    inside = (before >= 0) & (after < X.shape[1])
    low, high = np.where(inside, before, 0), np.where(inside, after, 0)
    left, right = np.take_along_axis(X, low, axis=1), np.take_along_axis(X, high, axis=1)
    share = (at - low) / np.maximum(high - low, 1)
    return np.where(inside, left + share * (right - left), np.nan), inside
