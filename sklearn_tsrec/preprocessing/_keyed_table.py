"""What the transformers of keyed tables share."""

from typing import Any, Self

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._history import NEVER, History
from sklearn_tsrec._keys import KeyedMixin
from sklearn_tsrec._scans import is_new
from sklearn_tsrec._sklearn import fit_context, get_output_config
from sklearn_tsrec._table import as_list, column_position, is_frame
from sklearn_tsrec._typing import Table


class KeyedTableTransformer(KeyedMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Base class: the same table with new values in some columns, keys untouched.

    A frame gives a frame of its kind and an array an array: the keys must survive for the next
    step.
    """

    def _values(self, X):
        """Return the columns to work on as float64."""
        return self._select_columns(X, self.columns)[0].astype(np.float64, copy=False)

    def _replace(self, X, values):
        """Return a copy of X with new values in the columns to work on."""
        if self.columns is None:
            keys = self._key_columns(X)
            positions = [j for j in range(X.shape[1]) if j not in keys]
        else:
            positions = [column_position(X, c, "columns") for c in as_list(self.columns)]
        if isinstance(X, pd.DataFrame):
            X = X.copy()
            for j, position in enumerate(positions):
                X.isetitem(position, values[:, j])
            return X
        if is_frame(X):
            frame = nw.from_native(X, eager_only=True)
            names = [frame.columns[position] for position in positions]
            new = [
                nw.new_series(
                    name, np.ascontiguousarray(values[:, j]), backend=frame.implementation
                )
                for j, name in enumerate(names)
            ]
            return frame.with_columns(*new).to_native()
        X = X.copy()
        X[:, positions] = values
        return X

    def _output(self, table):
        """Return a transformed table, in pandas where ``set_output`` asks for it.

        scikit-learn would make columns of objects from polars, and fail on arrow.
        """
        if get_output_config("transform", self)["dense"] == "pandas" and is_frame(table):
            return nw.from_native(table, eager_only=True).to_pandas()
        return table

    def _takes_nan(self):
        return True


class PastTransformer(KeyedTableTransformer):
    """Base class of what compares each value with others of its series."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: Any = None) -> Self:
        """Remember the training table by key.

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
        self._check_parameters()
        keys = self._fit_keys(X)
        self._history = History.build(keys, self._values(X))
        return self

    def transform(self, X: Table):
        """Return the table with new values; the training table is remembered as the past.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Keyed table. Its values replace remembered ones at the same keys.

        Returns
        -------
        X_out : table of the kind of X, of shape (n, p)
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        pool, order, place = self._history.overlay(self._read_keys(X), self._values(X))
        clock = pool.ticks if self._frequency is not None else _count_times(pool)
        last = np.full(pool.n_series, NEVER)
        last[: self._history.n_series] = self._history.last_ticks()
        values = np.empty((len(order), pool.values.shape[1]))
        for j in range(values.shape[1]):
            column = np.ascontiguousarray(pool.values[:, j])
            values[order, j] = self._compute(pool, clock, column, last)[place]
        return self._output(self._replace(X, values))


def _count_times(pool):
    """Return the number of each row's time in its series: the clock of event logs."""
    return np.cumsum(is_new(pool.codes, pool.ticks))
