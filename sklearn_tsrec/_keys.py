"""Keys: which series a row belongs to, and when it happens."""

from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

from sklearn_tsrec._frequency import check_regular, make_frequency
from sklearn_tsrec._scans import ascends, count_gaps, is_new
from sklearn_tsrec._table import (
    as_list,
    column_position,
    column_values,
    is_frame,
    number_labels,
    select_columns,
)
from sklearn_tsrec._times import Times, read_times, show
from sklearn_tsrec._typing import Columns, Freq, Key


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
    times : Times or None
        The distinct times of the table, where the keys were read from one.
    place : int64 array of shape (n,) or None
        The place of each row's time in ``times``.
    """

    codes: np.ndarray
    ticks: np.ndarray
    n_series: int
    n_known: int
    times: Times | None = None
    place: np.ndarray | None = None

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

    def sorted(self):
        """Return codes and ticks sorted by series and tick."""
        if self.order is None:
            return self.codes, self.ticks
        return self.codes[self.order], self.ticks[self.order]

    def repeated(self):
        """Return which rows have the key of another one before them, and the first such row.

        Returns
        -------
        n_repeated : int
        row : int
            A row whose key comes again; meaningless if none does.
        """
        codes, ticks = self.sorted()
        if not count_gaps(codes, ticks)[0]:
            return 0, -1
        again = ~is_new(codes, ticks)
        where = int(again.argmax()) - 1
        return int(again.sum()), where if self.order is None else int(self.order[where])


class KeyedMixin:
    """Mixin for estimators with ``group``, ``time`` and (mostly) ``freq`` parameters.

    ``_fit_keys`` learns ``groups_``, ``freq_`` and ``_frequency``; ``_read_keys`` applies them.
    A class whose rows are events, several of which may share a key, sets ``_is_log``; one that
    takes missing values in columns says so by ``_takes_nan``.
    """

    group: Columns
    time: Key | None
    freq: Freq
    groups_: pd.Index
    freq_: str | None

    _is_log = False

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
        codes, groups = read_groups(X, self.group, self.time)
        self.groups_, codes = sorted_groups(groups, codes)
        self._group_names = read_group_names(X, self.group, self.time)
        keys = Keys(codes, ticks[inverse], len(groups), len(groups), times, inverse)
        if self._frequency is not None:
            if not self._is_log:
                self._check_unique(keys)
            if self.freq == "infer" and times.kind != "period":
                check_regular(self._frequency, *keys.sorted())
        return keys

    def _fit_clock(self, X):
        """Learn the frequency; return distinct times, their ticks, and each row's place in them."""
        times, inverse = read_clock(X, self.time)
        if self.freq is None:
            self._whole_clock = times.needs_integers()
            self._frequency, self.freq_ = None, None
            ticks = times.sortable(self._whole_clock)
        else:
            ascending = times.take(np.argsort(times.values, kind="stable"))
            self._frequency = make_frequency(self.freq, ascending)
            self.freq_ = self._frequency.name
            ticks = self._frequency.ticks(times)
        self._time_name = read_time_name(X, self.time)
        self._clock = times.kind, times.zone
        return times, ticks, inverse

    def _read_ticks(self, X):
        """Return distinct times, their ticks on the training clock, and each row's place."""
        times, inverse = read_clock(X, self.time)
        times = times.like(*self._clock)
        if self._frequency is None:
            return times, times.sortable(self._whole_clock), inverse
        return times, self._frequency.ticks(times), inverse

    def _check_unique(self, keys):
        """Raise if a (group, time) repeats: a calendar has one row for each tick of a series."""
        n_repeated, row = keys.repeated()
        if n_repeated:
            group = f"group={show(self.groups_[keys.codes[row]])}, " if keys.n_known > 1 else ""
            raise ValueError(
                f"(group, time) repeats, first for {group}"
                f"time={keys.times.format(keys.place[row])}: {n_repeated} row(s) too many. Name "
                "the series with group=, aggregate the rows, or use freq=None for event logs."
            )

    def _meet(self, X):
        """Append the series of a table that were not met before to ``groups_``."""
        _, groups = read_groups(X, self.group, self.time)
        self.groups_ = self.groups_.append(groups[self.groups_.get_indexer(groups) < 0])

    def _read_keys(self, X):
        """Return the keys of a table in the terms of the training table."""
        codes, groups = read_groups(X, self.group, self.time)
        known = self.groups_.get_indexer(groups)
        n_known = len(self.groups_)
        new = known < 0
        known[new] = n_known + np.arange(new.sum())
        times, ticks, inverse = self._read_ticks(X)
        codes = known.astype(np.int64)[codes]
        return Keys(codes, ticks[inverse], n_known + int(new.sum()), n_known, times, inverse)

    def _key_columns(self, X):
        """Return the positions of the key columns of X."""
        return [column_position(X, key) for key in [*as_list(self.group), *as_list(self.time)]]

    def _select_columns(self, X, columns, parameter="columns"):
        """Return chosen columns (None: all but the keys) as numbers, with their names."""
        skip = self._key_columns(X)
        return select_columns(X, columns, skip=skip, parameter=parameter)

    def _takes_nan(self):
        """Return whether columns may hold missing values."""
        return False

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Values may be missing, keys may not: with keys in columns not every cell may be NaN.
        tags.input_tags.allow_nan = self.time is None and self._takes_nan()
        return tags


def read_groups(X, group, time):
    """Return the code of each row's group, and the distinct groups as an index."""
    index = getattr(X, "index", None)
    if group is None:
        if time is not None or not isinstance(index, pd.MultiIndex):
            return np.zeros(X.shape[0], dtype=np.int64), pd.RangeIndex(1)
        return factorize_levels(index.levels[:-1], index.codes[:-1])
    columns = [number_labels(X, column_position(X, key, "group")) for key in as_list(group)]
    if not columns:
        raise ValueError("group=[] names no column: give a column, several, or None.")
    codes, labels = zip(*columns)
    if len(columns) > 1:
        return factorize_levels(labels, codes)
    _check_no_missing(codes[0] < 0)
    return codes[0], labels[0]


def factorize_levels(levels, codes):
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


def sorted_groups(groups, codes):
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


def read_clock(X, time):
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


def read_group_names(X, group, time):
    """Return the names of the group levels, for tables that name series."""
    if group is not None:
        return [key if isinstance(key, str) else f"x{key}" for key in as_list(group)]
    index = getattr(X, "index", None)
    if time is None and isinstance(index, pd.MultiIndex):
        return [
            str(n) if n is not None else f"group{i or ''}" for i, n in enumerate(index.names[:-1])
        ]
    return []


def read_time_name(X, time):
    """Return the name of the time key."""
    if time is not None:
        return time if isinstance(time, str) else f"x{time}"
    name = X.index.names[-1]
    return "time" if name is None else str(name)


def key_frame(X, group, time):
    """Return the labels of the keys of each row, without changing them.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        Keyed table.
    group, time : str, int, list of these or None
        Keys, as every keyed estimator takes them.

    Returns
    -------
    keys : DataFrame of shape (n, n_levels + 1)
        Group columns, then the time column, with row numbers as index.
    group_names : list of str
        The names of the group columns.
    """
    group_names = read_group_names(X, group, time)
    if group is None:
        parts = [X.index.get_level_values(level) for level in range(len(group_names))]
    else:
        parts = [column_values(X, column_position(X, key, "group")) for key in as_list(group)]
    if time is None:
        parts.append(X.index.get_level_values(-1))
    else:
        parts.append(column_values(X, column_position(X, time, "time")))
    names = [*group_names, read_time_name(X, time)]
    columns = [part.array if hasattr(part, "array") else np.asarray(part) for part in parts]
    return pd.DataFrame(dict(zip(names, columns))), group_names


def row_order(X, n_rows):
    """Return the series of each row, and the rows sorted by series and time.

    Keys survive our transformers in the index of a DataFrame. Other tables are one series in the
    order given.

    Parameters
    ----------
    X : DataFrame or anything
        Features.
    n_rows : int
        Their number of rows.

    Returns
    -------
    series : int64 array of shape (n_rows,)
    order : int64 array of shape (n_rows,)
    """
    index = getattr(X, "index", None)
    if not isinstance(index, (pd.MultiIndex, pd.DatetimeIndex, pd.PeriodIndex)):
        return np.zeros(n_rows, dtype=np.int64), np.arange(n_rows)
    series, _ = read_groups(X, None, None)
    times, inverse = read_clock(X, None)
    rank = np.empty(len(times.values), dtype=np.int64)
    rank[np.argsort(times.values, kind="stable")] = np.arange(len(rank))
    return series, np.lexsort((rank[inverse], series))
