"""What a window forecaster remembers, and the windows that are looked up in it."""

from copy import copy

import numpy as np

from sklearn_tsrec._history import NEVER, History
from sklearn_tsrec._keys import Keys
from sklearn_tsrec._steps_ahead import start_where_asked
from sklearn_tsrec.forecasting._design import Origins
from sklearn_tsrec.forecasting._steps import event_steps, place_events
from sklearn_tsrec.forecasting._transforms import fill_missing


class WindowMemory:
    """Rows by series and step: the target, then the known-ahead, the past and the static columns.

    Parameters
    ----------
    design : WindowDesign
        The columns of the regressor.
    keys : Keys
        Keys of the rows.
    values : array of shape (n, 1 + n_columns)
        The target and the columns.
    calendar : bool
        Whether steps are ticks; if not, events are counted.
    allow_nan : bool
        Whether the regressor takes NaN, so that windows may have holes.

    Attributes
    ----------
    targets : History
        The targets, on the clock of the data.
    rows : History
        All columns, on the clock of steps.
    level : float
        The mean of the first targets, which stands in where nothing is known.
    """

    def __init__(self, design, keys, values, *, calendar, allow_nan):
        self.design = design
        self.calendar = calendar
        self.allow_nan = allow_nan
        self.level = np.nanmean(values[:, 0])
        self._n_known, self._n_past = len(design.known), len(design.past)
        self._past_levels = [
            np.nan if np.isnan(column).all() else np.nanmean(column)
            for column in values.T[1 + self._n_known : 1 + self._n_known + self._n_past]
        ]
        self._hold(History.build(keys, values))

    def append(self, keys, values):
        """Return a memory with more rows; those of remembered keys replace what was remembered."""
        rows = History(self.targets.starts, self.targets.ticks, self.rows.values)
        memory = copy(self)
        memory._hold(rows.append(keys, values))
        return memory

    def _hold(self, history):
        """Hold rows, and note where the known targets of each series end."""
        self.targets = History(history.starts, history.ticks, history.values[:, :1])
        steps = before = history.ticks
        if not self.calendar:
            steps, before = event_steps(history)
        self.rows = History(history.starts, steps, history.values)
        self._before = before  # the windows of a row end before this step
        self._codes = history.codes
        known = np.flatnonzero(~np.isnan(history.values[:, 0]))
        self._last = np.full(history.n_series, NEVER)
        self._last[self._codes[known]] = steps[known]  # ascending: the latest stays

    def changing_static(self):
        """Return (column, series) of a static column that changes in a series, or None."""
        rows, n_static = self.rows, len(self.design.static)
        filled = np.flatnonzero(np.diff(rows.starts))
        first = rows.starts[filled]
        for j in range(-1, -1 - n_static, -1):
            column = rows.values[:, j]
            changes = np.fmin.reduceat(column, first) != np.fmax.reduceat(column, first)
            changes &= ~np.isnan(np.fmin.reduceat(column, first))
            if changes.any():
                return self.design.static[j], int(filled[changes.argmax()])
        return None

    # ---- learning

    def training_windows(self, new=None):
        """Return what the regressor learns from.

        Parameters
        ----------
        new : Keys or None
            Keys of remembered rows; only windows that these are a target of are returned.

        Returns
        -------
        table : array of shape (n, n_features)
        targets : array of shape (n, horizon)
        learned : bool array of shape (n_series,)
            Which series have a window.
        n_holes : int
            How many windows are left out because a value in them is missing.
        """
        design, rows = self.design, self.rows
        horizon = design.horizon
        usable = ~np.isnan(rows.values[:, 0])
        if new is not None:
            usable &= self._have_targets(new)
        if not self.allow_nan:
            first = rows.ticks[rows.starts[:-1].clip(max=len(rows.ticks) - 1)]
            usable &= self._before - first[self._codes] >= design.reach
        codes, steps, before = self._codes[usable], rows.ticks[usable], self._before[usable]
        raw = rows.windows(codes, before, design.chain.offsets)
        window, states = design.chain.window(raw)
        targets = rows.windows(codes, steps, np.arange(horizon))
        targets = design.chain.target(targets, states)
        known = _stack(rows, codes, steps, np.arange(horizon), range(1, 1 + self._n_known))
        past = self._past_windows(codes, before, -design.lags)
        static = rows.values[usable, 1 + self._n_known + self._n_past :]
        table = design.fill(window, past, known, static)
        complete = ~np.isnan(targets).any(axis=1)
        n_holes = 0
        if not self.allow_nan:
            whole = ~np.isnan(table).any(axis=1)
            n_holes = int((complete & ~whole).sum())
            complete &= whole
        if not complete.all():
            table, targets, codes = table[complete], targets[complete], codes[complete]
        learned = np.zeros(rows.n_series, dtype=bool)
        learned[codes] = True
        return table, targets, learned, n_holes

    def _have_targets(self, keys):
        """Return which rows begin a horizon that holds one of the given keys."""
        rows = self.rows
        marks = np.full((len(rows.ticks), 1), np.nan)
        marks[self.targets.find(keys.codes, keys.ticks)] = 1.0
        if not self.calendar:  # events at one time are all given, or none is
            marks = marks[rows.starts[self._codes] + self._before]
        marked = History(rows.starts, rows.ticks, marks)
        ahead = marked.windows(self._codes, rows.ticks, np.arange(self.design.horizon))
        return ~np.isnan(ahead).all(axis=1)

    # ---- forecasting

    def ask(self, keys, values):
        """Return the rows of a table as questions.

        Parameters
        ----------
        keys : Keys
            Keys of the rows.
        values : array of shape (n, n_columns)
            The known-ahead, the past (which are not read) and the static columns.

        Returns
        -------
        Questions
        """
        return Questions(self, keys, values.astype(self.rows.values.dtype, copy=False))

    def last_steps(self, n_series):
        """Return the step of the last known target of each series; NEVER without one."""
        last = np.full(n_series, NEVER)
        last[: len(self._last)] = self._last
        return last

    def origins(self, codes, start, ahead, known, static, *, path):
        """Return origins of forecasts, with the windows before them.

        With ``path``, the windows hold all steps that forecasts of later blocks look back to.
        """
        design = self.design
        offsets, lags = design.chain.offsets, design.lags
        window, at_lags = slice(0, len(offsets)), slice(0, len(lags))
        if path:
            if len(offsets) < design.reach:
                window = design.reach + offsets
            at_lags = lags[0] - lags
            offsets, lags = np.arange(-design.reach, 0), np.arange(lags[0], 0, -1)
        past = self._past_windows(codes, start, -lags)
        filled = past
        if path or not self.allow_nan:
            filled = np.empty_like(past)
            for j, level in enumerate(self._past_levels):
                filled[:, j] = fill_missing(np.ascontiguousarray(past[:, j]), level)
        places = {name: place for place, name in enumerate(design.known)}
        return Origins(
            design=design,
            codes=codes,
            start=start,
            ahead=ahead,
            target=self.rows.windows(codes, start, offsets),
            window=window,
            lags=at_lags,
            past=past if self.allow_nan else filled,
            past_last=filled[:, :, -1],
            past_known=[places.get(name, -1) for name in design.past],
            known=known,
            static=static,
            level=self.level,
            allow_nan=self.allow_nan,
        )

    def _past_windows(self, codes, steps, offsets):
        """Return windows of the past columns, of shape (n, n_past, n_offsets)."""
        first = 1 + self._n_known
        return _stack(self.rows, codes, steps, offsets, range(first, first + self._n_past))

    def known_ahead(self, keys, steps, values, placed):
        """Return the known-ahead columns of the series asked for, given rows over remembered."""
        rows, n_known = self.rows, self._n_known
        remembered = History(rows.starts, rows.ticks, rows.values[:, 1 : 1 + n_known])
        if not n_known:
            return remembered
        given = Keys(keys.codes[placed], steps[placed], keys.n_series, keys.n_known)
        return remembered.overlay_known(given, values[placed, :n_known])


class Questions:
    """Rows to forecast, on the clock of steps.

    Rows after the last known target of their series are forecast from there; all others from the
    values before them, one step ahead. In series without a known target, forecasts start at the
    first step asked for.

    Parameters
    ----------
    memory : WindowMemory
        What is known of the past.
    keys : Keys
        Keys of the rows.
    values : array of shape (n, n_columns)
        Their columns.

    Attributes
    ----------
    unknown : bool array of shape (n,)
        Rows of series without a known target.
    """

    def __init__(self, memory, keys, values):
        steps, placed = keys.ticks, slice(None)
        if not memory.calendar:
            steps, placed = place_events(memory.targets, keys)
        self._memory, self._codes, self._steps, self._values = memory, keys.codes, steps, values
        last = memory.last_steps(keys.n_series)
        self.unknown = last[keys.codes] == NEVER
        self._last = start_where_asked(last, keys.codes, steps)
        self._known = memory.known_ahead(keys, steps, values, placed)

    def __len__(self):
        return len(self._codes)

    def parts(self):
        """Return the rows that are forecast together.

        Rows of series without a known target are left out if the regressor takes no NaN.

        Returns
        -------
        list of (rows, origins, slot, ahead)
            Row numbers, the :class:`Origins`, and for each row the number of its origin and how
            many steps after it the row lies, from 1 on.
        """
        asked = np.ones(len(self), dtype=bool) if self._memory.allow_nan else ~self.unknown
        future = self._steps > self._last[self._codes]
        parts = []
        for wanted, gather in ((asked & ~future, self._fitted), (asked & future, self._future)):
            rows = np.flatnonzero(wanted)
            if len(rows):
                parts.append((rows, *gather(rows)))
        return parts

    def _fitted(self, rows):
        """Return the origins of one-step forecasts from the true values before each row."""
        codes, steps, values = self._codes[rows], self._steps[rows], self._values[rows]
        n_known, horizon = self._known.values.shape[1], self._memory.design.horizon
        known = np.empty((len(rows), n_known, horizon), dtype=values.dtype)
        known[:, :, 0] = values[:, :n_known]
        known[:, :, 1:] = _stack(self._known, codes, steps, np.arange(1, horizon), range(n_known))
        ahead = np.ones(len(rows), dtype=np.int64)
        static = self._static(rows)
        origins = self._memory.origins(codes, steps, ahead, known, static, path=False)
        return origins, np.arange(len(rows)), ahead

    def _future(self, rows):
        """Return the ends of series, from which rows after them are forecast."""
        codes, steps = self._codes[rows], self._steps[rows]
        ahead = steps - self._last[codes]
        series, first_row, slot = np.unique(codes, return_index=True, return_inverse=True)
        most = np.zeros(len(series), dtype=np.int64)
        np.maximum.at(most, slot, ahead)
        if self._memory.design.static:  # those of the earliest row
            by_step = np.lexsort((steps, codes))
            first_row = by_step[np.searchsorted(codes[by_step], series)]
        order = np.argsort(-most, kind="stable")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        series, most, first_row, slot = series[order], most[order], first_row[order], place[slot]
        horizon = self._memory.design.horizon
        n_steps = -(-int(most[0]) // horizon) * horizon
        start = self._last[series] + 1
        n_known = self._known.values.shape[1]
        known = _stack(self._known, series, start, np.arange(n_steps), range(n_known))
        static = self._static(rows[first_row])
        origins = self._memory.origins(series, start, most, known, static, path=True)
        return origins, slot, ahead

    def _static(self, rows):
        """Return the static columns of rows."""
        design = self._memory.design
        return self._values[rows, len(design.known) + len(design.past) :]


def _stack(history, codes, steps, offsets, columns):
    """Return windows of several columns, of shape (n, n_columns, n_offsets)."""
    out = np.empty((len(codes), len(columns), len(offsets)), dtype=history.values.dtype)
    for j, column in enumerate(columns):
        out[:, j] = history.windows(codes, steps, offsets, column)
    return out
