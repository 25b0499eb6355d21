"""What LagFeatures and WindowFeatures share: remembered rows, and where rows stand among them."""

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import KeyedMixin, Keys, factorize_levels, read_groups
from sklearn_tsrec._scans import is_new
from sklearn_tsrec._sklearn import Interval, fit_context
from sklearn_tsrec._table import as_list, check_target, column_position, frame_columns, is_frame
from sklearn_tsrec._times import show
from sklearn_tsrec._typing import ArrayLike, Table

_NO_ROWS = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Block:
    """Rows to compute features for, and the history they stand in.

    Attributes
    ----------
    history : History
        Remembered and given rows together.
    order, place : int64 arrays
        Row numbers and ascending positions of the rows asked for; both empty for all rows as they
        stand in the history.
    n_known : int
        Series from this number up have no past that anybody knows.
    last : int
        After this tick nothing is known.
    n_rows : int
        Number of rows asked for.
    inverse : int64 array or None
        For pooled features: the time of each row of the table.
    """

    history: History
    order: np.ndarray
    place: np.ndarray
    n_known: int
    last: int
    n_rows: int
    inverse: np.ndarray | None = None

    @property
    def unknown(self):
        """Which rows of the history hold a value that nobody knows; empty if none does."""
        unknown = self.history.unknown
        return np.empty(0, dtype=bool) if unknown is None else unknown


class PastFeatures(KeyedMixin, TransformerMixin, BaseEstimator):
    """Base of transformers that look up the past of a target and of columns by key."""

    _parameter_constraints: ClassVar[dict] = {
        "columns": [str, Integral, list, tuple, None],
        "target": ["boolean"],
        "horizon": [Interval(Integral, 0, None, closed="left")],
        "pool": [str, Integral, list, tuple, None],
        "freq": [str, Real, None],
        **KeyedMixin._key_constraints,
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: ArrayLike | None = None) -> Self:
        """Remember the training table, and the target if ``target=True``.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            One row for each time of each series, in any order.
        y : array-like of shape (n,), default=None
            The target. Only read when ``target=True``; NaN marks a missing value.

        Returns
        -------
        self : object
        """
        self._learn(X, y)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Table, y: ArrayLike | None = None) -> Table:
        """Remember the training table and return its features; faster than one after the other.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            One row for each time of each series, in any order.
        y : array-like of shape (n,), default=None
            The target. Only read when ``target=True``.

        Returns
        -------
        array of shape (n, n_features_out)
        """
        X, keys, order = self._learn(X, y)
        if self.pool is not None:
            return self._transform(X, keys)
        n_rows = len(keys.codes)
        rows = _NO_ROWS if order is None else order
        place = _NO_ROWS if order is None else np.arange(n_rows)
        blocks = [
            Block(memory, rows, place, keys.n_series, self._end(k), n_rows)
            for k, memory in enumerate(self._memories)
        ]
        return self._fill(blocks, n_rows)

    def transform(self, X: Table) -> Table:
        """Return the features of a table.

        Columns of the given rows lie over those remembered; targets are the training targets.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows of any series and time, in any order.

        Returns
        -------
        array of shape (m, n_features_out)
            NaN where the past is missing or cannot be known.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        return self._transform(X, self._read_keys(X))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the features.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X, where they had none in ``fit``.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        names = self._names
        if input_features is not None:
            given = list(input_features)
            if len(given) != self.n_features_in_:
                raise ValueError(
                    "input_features should have length equal to number of features "
                    f"({self.n_features_in_}), got {len(given)}."
                )
            known = getattr(self, "feature_names_in_", None)
            if known is not None and given != list(known):
                raise ValueError("input_features is not equal to feature_names_in_")
            names = [*names[: int(self.target)], *(str(given[j]) for j in self._positions)]
        return np.array([f"{n}__{s}" for n in names for s in self._suffixes()], dtype=object)

    def _takes_nan(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.target
        tags.transformer_tags.preserves_dtype = [] if self.target else ["float64", "float32"]
        return tags

    def _learn(self, X, y):
        """Remember a table; return it, its keys, and the order of its rows in memory."""
        X = self._check_table(X, reset=True)
        keys = self._fit_keys(X)
        self._check_parameters()
        tables = []
        self._names, self._positions = [], []
        if self.target:
            # A copy: the memory must not change when the caller's y does.
            target = check_target(y, len(keys.codes), estimator=self).copy()
            tables.append(target[:, np.newaxis])
            self._names.append("y")
        if self.columns is not None or not self.target:
            values, names, self._positions = self._read_columns(X)
            tables.append(values)
            self._names += names
        self._check_names()
        # One dtype for all: float32 only where all that is read is float32.
        dtype = np.result_type(*tables)
        tables = [t.astype(dtype, copy=False) for t in tables]
        self._last = int(keys.ticks.max())
        if self.pool is None:
            sorted_tables = [History.sort(keys, t) for t in tables]
            self._memories = [history for history, _ in sorted_tables]
            return X, keys, sorted_tables[0][1]
        codes = self._fit_pool(X)
        self._memories = []
        if self.target:
            n_pools = len(self._pools)
            pooled = Keys(codes, keys.ticks, n_pools, n_pools)
            self._memories.append(self._pooled(pooled, tables[0]))
        if len(tables) > self.target:
            self._rows = replace(keys, times=None, place=None), codes, tables[-1]
        return X, keys, None

    def _check_names(self):
        """Raise if two features would have one name."""
        if len(set(self._names)) < len(self._names):
            twice = next(n for n in self._names if self._names.count(n) > 1)
            raise ValueError(
                f"two features would be called {twice!r}: name each of columns= once, and rename "
                "a column 'y' that stands beside the target."
            )

    def _read_columns(self, X):
        """Return the columns to look up, with their names and positions."""
        skip = [*self._key_columns(X), *self._pool_positions(X)]
        if self.columns is None:
            positions = [j for j in range(X.shape[1]) if j not in skip]
            # Names stand for positions in frames, where a number may itself be a name.
            columns = [frame_columns(X)[j] for j in positions] if is_frame(X) else positions
        else:
            columns = as_list(self.columns)
            positions = [column_position(X, c, "columns") for c in columns]
        if not positions:
            raise ValueError(
                f"no column is left to look up: X has {X.shape[1]} feature(s), all of them keys. "
                "Give target=True for features of y, or add columns."
            )
        values, names = self._select_columns(X, columns)
        return values, names, positions

    def _end(self, memory):
        """Return the tick after which a memory knows nothing: the training end for targets."""
        is_target = self.target and memory == 0
        return self._last if is_target and self._frequency is not None else np.iinfo(np.int64).max

    def _transform(self, X, keys):
        """Return the features of a table whose keys are read."""
        blocks = []
        n_rows = len(keys.codes)
        pools = None if self.pool is None else self._read_pool(X)
        if self.target:
            if pools is None:
                memory, order, place = self._memories[0].overlay(keys)
                blocks.append(Block(memory, order, place, keys.n_known, self._end(0), n_rows))
            else:
                blocks.append(self._pooled_target(keys, pools))
        if self._positions:
            values = self._read_columns(X)[0]
            if pools is None:
                history = self._memories[-1]
                values = values.astype(history.values.dtype, copy=False)
                memory, order, place = history.overlay(keys, values)
                blocks.append(Block(memory, order, place, keys.n_series, self._end(-1), n_rows))
            else:
                blocks.append(self._pooled_columns(keys, pools, values))
        return self._fill(blocks, n_rows)

    def _fill(self, blocks, n_rows):
        """Return the features of all blocks of rows, in column order."""
        per_column = len(self._suffixes())
        out = np.empty((per_column * len(self._names), n_rows), blocks[0].history.values.dtype)
        j = 0
        for block in blocks:
            for column in range(block.history.values.shape[1]):
                part = out[j : j + per_column]
                if block.inverse is None:
                    self._compute(block, column, part)
                else:
                    small = np.empty((per_column, block.n_rows), dtype=out.dtype)
                    self._compute(block, column, small)
                    np.take(small, block.inverse, axis=1, out=part)
                j += per_column
        return out.T

    # ---- pools: the past of several series taken together

    def _fit_pool(self, X):
        """Learn the pools; return the pool of each row."""
        codes, self._pools = self._pool_groups(X)
        return codes

    def _read_pool(self, X):
        """Return the pool of each row, in terms of the training table."""
        codes, pools = self._pool_groups(X)
        known = np.asarray(self._pools.get_indexer(pools), dtype=np.int64)
        new = known < 0
        known[new] = len(self._pools) + np.arange(new.sum())
        return known[codes]

    def _pool_groups(self, X):
        """Return the pool of each row, and the distinct pools."""
        if isinstance(self.pool, str) and self.pool == "all":
            return read_groups(np.empty((X.shape[0], 0)), None, 0)
        levels = list(getattr(getattr(X, "index", None), "names", []))
        if self.time is None and all(c in levels for c in as_list(self.pool)):
            at = [levels.index(c) for c in as_list(self.pool)]
            index = X.index
            return factorize_levels([index.levels[k] for k in at], [index.codes[k] for k in at])
        return read_groups(X, self.pool, self.time)

    def _pool_positions(self, X):
        """Return the positions of columns that name pools."""
        if self.pool is None or self.pool == "all":
            return []
        levels = getattr(getattr(X, "index", None), "names", [])
        return [column_position(X, c, "pool") for c in as_list(self.pool) if c not in levels]

    def _pooled(self, keys, values):
        """Return the history of pools: in a calendar the mean at each tick, in logs all events."""
        history = History.build(keys, values)
        return history if self._frequency is None else history.merged()

    def _pooled_target(self, keys, pools):
        """Return the distinct times of pools over the remembered targets."""
        n_pools = max(len(self._pools), int(pools.max()) + 1)
        codes, ticks, inverse = _distinct(pools, keys.ticks, n_pools)
        asked = Keys(codes, ticks, n_pools, len(self._pools))
        memory, order, place = self._memories[0].overlay(asked)
        return Block(memory, order, place, len(self._pools), self._end(0), len(codes), inverse)

    def _pooled_columns(self, keys, pools, values):
        """Return the distinct times of pools over remembered columns and those given."""
        past, past_pools, past_values = self._rows
        given = History.build(keys, np.empty((len(keys.codes), 0)))
        kept = given.find(past.codes, past.ticks) < 0
        all_codes = np.concatenate([past_pools[kept], pools])
        all_ticks = np.concatenate([past.ticks[kept], keys.ticks])
        all_values = np.concatenate([past_values[kept], values.astype(past_values.dtype)])
        n_pools = max(len(self._pools), int(pools.max()) + 1)
        memory = self._pooled(Keys(all_codes, all_ticks, n_pools, n_pools), all_values)
        codes, ticks, inverse = _distinct(pools, keys.ticks, n_pools)
        place = memory.find(codes, ticks)
        order = np.arange(len(codes))
        return Block(memory, order, place, n_pools, self._end(-1), len(codes), inverse)


def _distinct(codes, ticks, n_series):
    """Return distinct keys in order, and the number of each row's key among them."""
    order = Keys(codes, ticks, n_series, n_series).order
    order = np.arange(len(codes)) if order is None else order
    codes, ticks = codes[order], ticks[order]
    changes = is_new(codes, ticks)
    inverse = np.empty(len(order), dtype=np.int64)
    inverse[order] = np.cumsum(changes) - 1
    return codes[changes], ticks[changes], inverse


def as_sequence(value, name):
    """Return a parameter, one value or several, as a list; raise if it repeats or is empty."""
    values = list(value) if isinstance(value, (list, tuple, range, np.ndarray)) else [value]
    if not values:
        raise ValueError(f"{name}={show(value)} is empty: give at least one.")
    seen = set()
    for v in values:
        if v in seen:
            raise ValueError(f"{name}={show(value)} holds {v!r} twice: give each once.")
        seen.add(v)
    return values
