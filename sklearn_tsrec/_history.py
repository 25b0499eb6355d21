"""The one memory: rows of a table, sorted by series and tick, looked up by key."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from sklearn_tsrec._keys import Keys
from sklearn_tsrec._scans import count_gaps, is_new, series_starts

NEVER = np.iinfo(np.int64).min  # the tick of what did not happen


@dataclass(frozen=True)
class History:
    """Values of rows sorted by series and tick.

    Attributes
    ----------
    starts : int64 array of shape (n_series + 1,)
        Series ``s`` has the rows ``starts[s]:starts[s + 1]``.
    ticks : int64 array of shape (n,)
        The tick of each row, ascending in a series. In event logs ticks may repeat.
    values : float array of shape (n, c), in column order
        What is remembered.
    unknown : bool array of shape (n,) or None
        Rows whose values nobody can know yet: rows laid over a history of targets.
    """

    starts: np.ndarray
    ticks: np.ndarray
    values: np.ndarray
    unknown: np.ndarray | None = None

    @classmethod
    def build(cls, keys, values):
        """Sort values by their keys.

        Parameters
        ----------
        keys : Keys
            Keys of the rows.
        values : float array of shape (n,) or (n, c)
            Values of the rows.

        Returns
        -------
        History
        """
        history, _ = cls.sort(keys, values)
        return history

    @classmethod
    def sort(cls, keys, values):
        """Return the history of a table, and its row numbers in that order (None: as they are)."""
        values = values[:, np.newaxis] if values.ndim == 1 else values
        order = keys.order
        codes, ticks = keys.codes, keys.ticks
        if order is not None:
            codes, ticks = codes[order], ticks[order]
        if count_gaps(codes, ticks)[0]:
            # Events at one time have no order of their own: that of their values makes the
            # result independent of the order of the rows.
            order = np.lexsort((*values.T[::-1], keys.ticks, keys.codes))
        starts = series_starts(codes, keys.n_series)
        if order is None:
            return cls(starts, ticks, np.asfortranarray(values)), None
        return cls(starts, ticks, _take_rows(values, order)), order

    @property
    def n_series(self):
        """Number of series."""
        return len(self.starts) - 1

    @property
    def codes(self):
        """The series of each row."""
        return np.repeat(np.arange(self.n_series), np.diff(self.starts))

    def last_ticks(self):
        """Return the last tick of every series; ``NEVER`` for a series without rows."""
        last = np.full(self.n_series, NEVER)
        has_rows = self.starts[1:] > self.starts[:-1]
        last[has_rows] = self.ticks[self.starts[1:][has_rows] - 1]
        return last

    def find(self, codes, ticks):
        """Return the position of each key (its first event), or -1 where there is no such row."""
        return _find(self.starts, self.ticks, codes, np.asarray(ticks, dtype=np.int64))

    def lookup(self, codes, ticks, column=0):
        """Return the value of one column at each key, or NaN where there is no such row."""
        return self.windows(codes, ticks, [0], column)[:, 0]

    def windows(self, codes, ticks, offsets, column=0):
        """Return values at ``tick + offset`` for each key and offset, NaN where there are none.

        Parameters
        ----------
        codes, ticks : int64 arrays of shape (m,)
            Rows to compute something for.
        offsets : int64 array of shape (w,), ascending
            Steps from the row; ``[-2, -1, 0]`` is the window of the last three values.
        column : int
            The column to read.

        Returns
        -------
        array of shape (m, w)
        """
        return _windows(
            self.starts,
            self.ticks,
            np.ascontiguousarray(self.values[:, column]),
            np.asarray(codes, dtype=np.int64),
            np.asarray(ticks, dtype=np.int64),
            np.asarray(offsets, dtype=np.int64),
        )

    def overlay(self, keys, values=None):
        """Lay the rows of a table over this history.

        The rows given are those to compute something for. With ``values`` they replace what is
        remembered at the same keys (a table of features: the caller knows them best). Without,
        remembered values stay and new rows are NaN and ``unknown`` (targets).

        Parameters
        ----------
        keys : Keys
            Keys of the given rows.
        values : float array of shape (m, c) or None
            Values of the given rows.

        Returns
        -------
        pool : History
            The series that have given rows, remembered and given rows together.
        order : int64 array of shape (m,)
            The given rows, sorted by series and tick.
        place : int64 array of shape (m,)
            ``pool`` position of ``order[i]``; ascending. In event logs, rows at one time may
            share the position of the first event of that time.
        """
        target = values is None
        if target:
            values = np.full((len(keys.codes), self.values.shape[1]), np.nan, self.values.dtype)
        given, order = self.sort(keys, values)
        order = np.arange(len(given.ticks)) if order is None else order
        starts, source, place = self._merge(given, keep_old=target, keep_all=False)
        ticks, values = self._join(given, source)
        return History(starts, ticks, values, source >= 0 if target else None), order, place

    def append(self, keys, values):
        """Return a history that also remembers the given rows; given values replace old ones."""
        given, _ = self.sort(keys, values)
        starts, source, _ = self._merge(given, keep_old=False, keep_all=True)
        return History(starts, *self._join(given, source))

    def merged(self):
        """Return a history with one row a key: the mean of the known values of its rows."""
        new = is_new(self.codes, self.ticks)
        if new.all():
            return self
        first = np.flatnonzero(new)
        known = ~np.isnan(self.values)
        total = np.add.reduceat(np.where(known, self.values, 0), first, axis=0, dtype=float)
        count = np.add.reduceat(known, first, axis=0, dtype=float)
        mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
        return History(
            np.searchsorted(first, self.starts),
            self.ticks[first],
            np.asfortranarray(mean.astype(self.values.dtype)),
        )

    def overlay_known(self, keys, values):
        """Return the series of some keys with given values over the remembered ones.

        Rows given for one key are merged first.
        """
        given = History.build(keys, values).merged()
        merged = Keys(given.codes, given.ticks, keys.n_series, keys.n_known)
        return self.overlay(merged, given.values)[0]

    def _merge(self, given, *, keep_old, keep_all):
        """Merge with another history; see ``_merge_sorted``."""
        starts = np.full(given.n_series + 1, len(self.ticks), dtype=np.int64)
        starts[: len(self.starts)] = self.starts
        return _merge_sorted(starts, self.ticks, given.starts, given.ticks, keep_old, keep_all)

    def _join(self, given, source):
        """Return ticks and values of merged rows."""
        position = np.where(source < 0, ~source, source + len(self.ticks))
        ticks = np.concatenate([self.ticks, given.ticks])[position]
        values = np.concatenate([self.values, given.values])
        return ticks, _take_rows(values, position)


def _take_rows(values, order):
    """Return rows in column order without a row-major copy in between."""
    out = np.empty((len(order), values.shape[1]), dtype=values.dtype, order="F")
    for j in range(values.shape[1]):
        out[:, j] = values[order, j]
    return out


@njit(cache=True)
def _find(starts, ticks, codes, wanted):
    """Find keys: by direct offset where a series has no holes, else by binary search."""
    n_series = len(starts) - 1
    out = np.full(len(wanted), -1, dtype=np.int64)
    for i in range(len(wanted)):
        code = codes[i]
        if code < 0 or code >= n_series:
            continue
        low, high = starts[code], starts[code + 1]
        if low == high:
            continue
        if wanted[i] < ticks[low] or wanted[i] > ticks[high - 1]:
            continue
        # Clocks of floats are wider than int64: only unsigned numbers hold every distance on them.
        offset = np.uint64(wanted[i]) - np.uint64(ticks[low])
        gapless = False
        at = low
        if offset < np.uint64(high - low):
            at = low + np.int64(offset)
            gapless = ticks[at] == wanted[i]
        # Ticks of event logs repeat: the first event of a time stands for it.
        if not gapless or (at > low and ticks[at - 1] == wanted[i]):
            at = low + np.searchsorted(ticks[low:high], wanted[i])
        if ticks[at] == wanted[i]:
            out[i] = at
    return out


@njit(cache=True)
def _windows(starts, ticks, values, codes, asked, offsets):
    """Gather values at tick + offset, walking back through each series."""
    n_series, n_offsets = len(starts) - 1, len(offsets)
    out = np.full((len(asked), n_offsets), np.nan, dtype=values.dtype)
    for i in range(len(asked)):
        code = codes[i]
        if code < 0 or code >= n_series or starts[code] == starts[code + 1]:
            continue
        low, high = starts[code], starts[code + 1]
        first = ticks[low]
        if ticks[high - 1] - first == high - 1 - low:
            for j in range(n_offsets):
                at = low + asked[i] + offsets[j] - first
                if low <= at < high:
                    out[i, j] = values[at]
            continue
        at = low + np.searchsorted(ticks[low:high], asked[i] + offsets[0])
        for j in range(n_offsets):
            wanted = asked[i] + offsets[j]
            while at < high and ticks[at] < wanted:
                at += 1
            if at < high and ticks[at] == wanted:
                out[i, j] = values[at]
    return out


@njit(cache=True)
def _merge_sorted(starts, ticks, new_starts, new_ticks, keep_old, keep_all):
    """Merge two sorted tables, series by series.

    Returns the starts of the result, the source of each of its rows (``~i`` for row i of the old
    table, ``i`` for row i of the new one) and the place of each new row. Series without new rows
    are left out unless ``keep_all``. At equal keys the old rows stay (``keep_old``) or give way.
    """
    n_series = len(new_starts) - 1
    size = len(new_ticks)
    for s in range(n_series):
        if keep_all or new_starts[s + 1] > new_starts[s]:
            size += starts[s + 1] - starts[s]
    source = np.empty(size, dtype=np.int64)
    place = np.empty(len(new_ticks), dtype=np.int64)
    out_starts = np.zeros(n_series + 1, dtype=np.int64)
    n = 0
    for s in range(n_series):
        a, a_end = starts[s], starts[s + 1]
        b, b_end = new_starts[s], new_starts[s + 1]
        if b == b_end and not keep_all:
            a = a_end
        while a < a_end or b < b_end:
            if b == b_end or (a < a_end and ticks[a] < new_ticks[b]):
                source[n] = ~a
                a += 1
                n += 1
            elif a == a_end or ticks[a] > new_ticks[b]:
                place[b] = n
                source[n] = b
                b += 1
                n += 1
            else:
                tick = ticks[a]
                first = n
                while a < a_end and ticks[a] == tick:
                    if keep_old:
                        source[n] = ~a
                        n += 1
                    a += 1
                while b < b_end and new_ticks[b] == tick:
                    if keep_old:
                        place[b] = first
                    else:
                        place[b] = n
                        source[n] = b
                        n += 1
                    b += 1
        out_starts[s + 1] = n
    return out_starts, source[:n], place
