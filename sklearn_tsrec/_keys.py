"""Keys: which series a row belongs to, and when it happens."""

from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

from sklearn_tsrec._frequency import check_regular, make_frequency
from sklearn_tsrec._scans import ascends, count_gaps
from sklearn_tsrec._table import (
    as_list,
    column_position,
    column_values,
    is_frame,
    number_labels,
    select_columns,
)
from sklearn_tsrec._times import Times, read_times, show


@dataclass(frozen=True)
class Keys:
    """The keys of a table's rows, as integers.

    Attributes
    ----------
    codes : int64 array of shape (n,)
        The series of each row. Series not seen in ``fit`` have codes from ``n_known`` up.
    ticks : int64 array of shape (n,)
        The time of each row: steps of the frequency, or (``freq=None``) numbers in time order.
    n_series : int
        Number of series, those not seen in ``fit`` included.
    n_known : int
        Number of series seen in ``fit``.
    """

    codes: np.ndarray
    ticks: np.ndarray
    n_series: int
    n_known: int

    @cached_property
    def order(self):
        """Row numbers sorted by series and tick, stably; None if the rows are sorted."""
        codes, ticks = self.codes, self.ticks
        if ascends(codes, ticks):
            return None
        low, high = int(ticks.min()), int(ticks.max())
        if (high - low + 1) * self.n_series < 2**62:
            return np.argsort(codes * (high - low + 1) + (ticks - low), kind="stable")
        return np.lexsort((ticks, codes))


class KeyedMixin:
    """Mixin for estimators with ``group``, ``time`` and (mostly) ``freq`` parameters.

    ``_fit_keys`` learns ``groups_``, ``freq_`` and ``frequency_``; ``_read_keys`` applies them.
    """

    _key_constraints: ClassVar[dict] = {
        "group": [str, Integral, list, tuple, None],
        "time": [str, Integral, None],
    }

    def _check_table(self, X, *, reset):
        """Validate X as scikit-learn does, but keep a frame a frame: keys need not be numbers."""
        if not is_frame(X):
            return validate_data(
                self,
                X,
                reset=reset,
                dtype=[np.float64, np.float32],
                ensure_all_finite="allow-nan",
            )
        if X.shape[0] == 0:
            raise ValueError(
                f"Found array with 0 sample(s) (shape={tuple(X.shape)}) while a minimum of 1 is "
                f"required by {type(self).__name__}."
            )
        validate_data(self, X, reset=reset, skip_check_array=True)
        return X

    def _fit_keys(self, X):
        """Learn the series and the frequency from a training table, and return its keys.

        No (group, time) may repeat, except in event logs (``freq=None``).
        """
        times, ticks, inverse = self._fit_clock(X)
        codes, groups = _read_groups(X, self.group, self.time)
        self.groups_, codes = _sorted_groups(groups, codes)
        self.group_names_ = _group_names(X, self.group, self.time)
        keys = Keys(codes, ticks[inverse], len(groups), len(groups))
        if self.frequency_ is not None:
            self._check_unique(keys, times, inverse)
            if self.freq == "infer" and times.kind != "period":
                check_regular(self.frequency_, *_sorted(keys))
        return keys

    def _fit_clock(self, X):
        """Learn the frequency; return distinct times, their ticks, and each row's place in them."""
        times, inverse = _read_clock(X, self.time)
        if self.freq is None:
            self._whole_clock = times.needs_integers()
            self.frequency_, self.freq_ = None, None
            ticks = times.sortable(self._whole_clock)
        else:
            ascending = times.take(np.argsort(times.values, kind="stable"))
            self.frequency_ = make_frequency(self.freq, ascending)
            self.freq_ = self.frequency_.name
            ticks = self.frequency_.ticks(times)
        self.time_name_ = _time_name(X, self.time)
        self._clock = times.kind, times.zone
        return times, ticks, inverse

    def _read_ticks(self, X):
        """Return distinct times, their ticks on the training clock, and each row's place."""
        times, inverse = _read_clock(X, self.time)
        times = times.like(*self._clock)
        if self.frequency_ is None:
            return times, times.sortable(self._whole_clock), inverse
        return times, self.frequency_.ticks(times), inverse

    def _check_unique(self, keys, times, inverse):
        """Raise if a (group, time) repeats: a moment of a series happens once."""
        codes, ticks = _sorted(keys)
        if count_gaps(codes, ticks)[0]:
            repeated = (codes[1:] == codes[:-1]) & (ticks[1:] == ticks[:-1])
            where = int(repeated.argmax())
            row = where if keys.order is None else int(keys.order[where])
            group = f"group={show(self.groups_[codes[where]])}, " if keys.n_known > 1 else ""
            raise ValueError(
                f"(group, time) repeats, first for {group}time={times.format(inverse[row])}: "
                f"{int(repeated.sum())} row(s) too many. Name the series with group=, aggregate "
                "the rows, or use freq=None for event logs."
            )

    def _read_keys(self, X):
        """Return the keys of a table in the terms of the training table."""
        codes, groups = _read_groups(X, self.group, self.time)
        known = self.groups_.get_indexer(groups)
        n_known = len(self.groups_)
        new = known < 0
        known[new] = n_known + np.arange(new.sum())
        _, ticks, inverse = self._read_ticks(X)
        codes = known.astype(np.int64)[codes]
        return Keys(codes, ticks[inverse], n_known + int(new.sum()), n_known)

    def _key_columns(self, X):
        """Return the positions of the key columns of X."""
        return [column_position(X, key) for key in [*as_list(self.group), *as_list(self.time)]]

    def _select_columns(self, X, columns, parameter="columns"):
        """Return chosen columns (None: all but the keys) as numbers, with their names."""
        skip = self._key_columns(X)
        return select_columns(X, columns, skip=skip, parameter=parameter)


def _read_groups(X, group, time):
    """Return the code of each row's group, and the distinct groups as an index."""
    index = getattr(X, "index", None)
    if group is None:
        if time is not None or not isinstance(index, pd.MultiIndex):
            return np.zeros(X.shape[0], dtype=np.int64), pd.RangeIndex(1)
        return _factorize_levels(index.levels[:-1], index.codes[:-1])
    columns = [number_labels(X, column_position(X, key, "group")) for key in as_list(group)]
    if not columns:
        raise ValueError("group=[] names no column: give a column, several, or None.")
    codes, labels = zip(*columns)
    if len(columns) > 1:
        return _factorize_levels(labels, codes)
    _check_no_missing(codes[0] < 0)
    return codes[0], labels[0]


def _factorize_levels(levels, codes):
    """Return codes and distinct groups of a MultiIndex, without building its labels row by row."""
    code = np.zeros(len(codes[0]), dtype=np.int64)
    for level, level_codes in zip(levels, codes):
        _check_no_missing(np.asarray(level_codes) < 0)
        code = code * len(level) + level_codes
    code, first = _compact(code)
    parts = [level.take(level_codes[first]) for level, level_codes in zip(levels, codes)]
    parts = [pd.Index(p.to_numpy()) if isinstance(p, pd.CategoricalIndex) else p for p in parts]
    return code, parts[0] if len(parts) == 1 else pd.MultiIndex.from_arrays(parts)


def _compact(code):
    """Renumber codes to 0 … m - 1, and return a row of each."""
    size = int(code.max(initial=-1)) + 1
    if size > 4 * len(code) + 1024:
        _, row, code = np.unique(code, return_index=True, return_inverse=True)
        return code, row
    row = np.full(size, -1, dtype=np.int64)
    row[code] = np.arange(len(code))
    used = np.flatnonzero(row >= 0)
    if len(used) == size:
        return code, row
    number = np.zeros(size, dtype=np.int64)
    number[used] = np.arange(len(used))
    return number[code], row[used]


def _check_no_missing(missing):
    """Raise if a group label is missing."""
    if missing.any():
        raise ValueError(
            f"group is missing in row {int(missing.argmax())} and in {int(missing.sum())} row(s) "
            "in all: a row without a series belongs nowhere. Drop these rows or name their series."
        )


def _sorted_groups(groups, codes):
    """Sort the groups, where they can be sorted, so that the order of rows does not matter."""
    try:
        order = groups.argsort()
    except TypeError:  # labels of several types: their order of appearance stands
        return groups, codes
    if (np.diff(order) == 1).all():
        return groups, codes
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return groups[order], rank[codes]


def _read_clock(X, time):
    """Return the distinct times, and the position of each row's time among them."""
    if not X.shape[0]:
        raise ValueError("X has 0 samples: give a table with at least one row.")
    if time is not None:
        times = read_times(column_values(X, column_position(X, time, "time")))
        inverse, distinct = pd.factorize(times.values)
        return Times(times.kind, distinct, times.zone), inverse
    index = getattr(X, "index", None)
    if not isinstance(X, pd.DataFrame) or index is None:
        raise ValueError(
            "X has no index to read times from: give time=, the position (array) or name (frame) "
            "of the column that holds them."
        )
    if isinstance(index, pd.MultiIndex):
        level, inverse = index.levels[-1], np.asarray(index.codes[-1])
        if (inverse < 0).any():
            read_times(index.get_level_values(-1))  # raises, naming the row
        inverse, first = _compact(inverse)
        return read_times(level.take(index.codes[-1][first])), inverse
    if index.dtype.kind in "iu" and index.name is None:
        dates = [c for c in X.columns if X[c].dtype.kind == "M"]
        if dates:
            raise ValueError(
                f"the index of X is a plain row number, while column {dates[0]!r} holds dates: "
                f"give time={dates[0]!r} (and group=), or move the keys into the index with "
                "as_panel."
            )
    times = read_times(index)
    inverse, distinct = pd.factorize(times.values)
    return Times(times.kind, distinct, times.zone), inverse


def _sorted(keys):
    """Return codes and ticks sorted by series and tick."""
    if keys.order is None:
        return keys.codes, keys.ticks
    return keys.codes[keys.order], keys.ticks[keys.order]


def _group_names(X, group, time):
    """Return the names of the group levels, for tables that name series."""
    if group is not None:
        return [key if isinstance(key, str) else f"x{key}" for key in as_list(group)]
    index = getattr(X, "index", None)
    if time is None and isinstance(index, pd.MultiIndex):
        return [
            str(n) if n is not None else f"group{i or ''}" for i, n in enumerate(index.names[:-1])
        ]
    return []


def _time_name(X, time):
    """Return the name of the time key."""
    if time is not None:
        return time if isinstance(time, str) else f"x{time}"
    name = X.index.names[-1]
    return "time" if name is None else str(name)
