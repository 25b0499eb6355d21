"""What features of the time alone share."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._keys import KeyedMixin
from sklearn_tsrec._sklearn import fit_context
from sklearn_tsrec._typing import ArrayLike, Table


class ClockFeatures(KeyedMixin, TransformerMixin, BaseEstimator):
    """Base class: features of a row's time, whatever its series and its values."""

    group = None

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: Any = None) -> Self:
        """Learn what kind of time the table has.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Keyed table.
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        X = self._check_table(X, reset=True)
        self._learn_clock(X)
        self._features_out = [f"{self._time_name}__{name}" for name in self._feature_names()]
        return self

    def transform(self, X: Table) -> Table:
        """Compute the features of each row's time.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Keyed table.

        Returns
        -------
        X_out : array of shape (n, n_features_out)
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        times, ticks, inverse = self._read_ticks(X)
        return self._compute(times, ticks)[inverse]

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the features: the name of the time, ``__``, the feature.

        Parameters
        ----------
        input_features : None
            Ignored: the features depend on the time only.

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        return np.array(self._features_out, dtype=object)

    def _takes_nan(self):
        return True
