"""How a window forecaster remembers, learns and looks up; the public class is its face."""

import warnings

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._history import NEVER, History
from sklearn_tsrec._keys import KeyedMixin, Keys, key_frame, read_groups
from sklearn_tsrec._steps_ahead import start_where_asked
from sklearn_tsrec._table import as_list, check_target, column_position, frame_columns, is_frame
from sklearn_tsrec._times import show
from sklearn_tsrec.forecasting._recursion import Paths, forecast_paths
from sklearn_tsrec.forecasting._regress import predict_quantiles
from sklearn_tsrec.forecasting._steps import event_steps, place_events
from sklearn_tsrec.forecasting._transforms import fill_missing


class WindowBase(KeyedMixin, BaseEstimator):
    """Base of :class:`WindowForecaster`.

    ``_rows`` is the memory on the clock of steps: the target, then the known-ahead, the past and
    the static columns. ``target_history_`` has the same rows on the clock of the data.
    """

    # ---- memory

    def _fit_columns(self, X):
        """Learn which columns play which role."""
        roles = {
            "past_columns": as_list(self.past_columns),
            "static_columns": as_list(self.static_columns),
        }
        taken = dict.fromkeys(self._key_columns(X), "a key")
        if self.columns is not None:
            roles = {"columns": as_list(self.columns), **roles}
        for role, columns in roles.items():
            for column in columns:
                position = column_position(X, column, role)
                both = taken.get(position) == "in columns" and role == "past_columns"
                if position in taken and not both:
                    raise ValueError(
                        f"{role}={show(getattr(self, role))} names column {column!r}, which is "
                        f"{taken[position]} already: give each column one role."
                    )
                taken[position] = f"in {role}"
        if self.columns is None:
            names = frame_columns(X) if is_frame(X) else range(X.shape[1])
            roles["columns"] = [c for p, c in enumerate(names) if p not in taken]
        self._columns = [roles[r] for r in ("columns", "past_columns", "static_columns")]
        self._names = [self._select_columns(X[:1], columns)[1] for columns in self._columns]

    def _read_columns(self, X):
        """Return the columns in use."""
        return self._select_columns(X, [c for role in self._columns for c in role])[0]

    def _read_rows(self, X, y):
        """Return the target and the columns in use."""
        values = self._read_columns(X)
        y = check_target(y, X.shape[0], estimator=self)
        dtype = np.result_type(y, values) if values.shape[1] else y.dtype
        out = np.empty((len(y), 1 + values.shape[1]), dtype=dtype, order="F")
        out[:, 0] = y
        out[:, 1:] = values
        return out

    def _remember(self, history):
        """Remember rows, and where the known targets of each series end."""
        self._check_static(history)
        self.target_history_ = History(history.starts, history.ticks, history.values[:, :1])
        steps = moments = history.ticks
        if self.frequency_ is None:
            steps, moments = event_steps(history)
        self._moments = moments
        self._rows = History(history.starts, steps, history.values)
        self._codes = history.codes
        known = np.flatnonzero(~np.isnan(history.values[:, 0]))
        self._last = np.full(history.n_series, NEVER)
        self._last[self._codes[known]] = steps[known]  # ascending: the latest stays

    def _check_static(self, history):
        """Raise if a static column changes in a series."""
        filled = np.flatnonzero(np.diff(history.starts))
        first = history.starts[filled]
        for name, column in zip(self._names[2][::-1], history.values.T[::-1]):
            changes = np.fmin.reduceat(column, first) != np.fmax.reduceat(column, first)
            changes &= ~np.isnan(np.fmin.reduceat(column, first))
            if changes.any():
                series = self.groups_[filled[changes.argmax()]]
                raise ValueError(
                    f"static_columns: {name!r} changes in series {show(series)}. Name it in "
                    "columns= (known ahead) or past_columns= (observed) instead."
                )

    # ---- learning

    def _learn_rows(self, new=None):
        """Return the table and the targets that the regressor learns from.

        With the keys of ``new`` rows only those windows that these are a target of.
        """
        design, rows = self._design, self._rows
        horizon = design.horizon
        usable = ~np.isnan(rows.values[:, 0])
        if new is not None:
            usable &= self._have_targets(new)
        if not self._allow_nan:
            first = rows.ticks[rows.starts[:-1].clip(max=len(rows.ticks) - 1)]
            usable &= self._moments - first[self._codes] >= design.reach
        codes, steps, moments = self._codes[usable], rows.ticks[usable], self._moments[usable]
        raw = rows.windows(codes, moments, design.chain.offsets)
        window, states = design.chain.window(raw)
        targets = rows.windows(codes, steps, np.arange(horizon))
        targets = design.chain.target(targets, states)
        n_known, n_past, _ = map(len, self._names)
        known = self._stack(rows, codes, steps, np.arange(horizon), range(1, 1 + n_known))
        past = self._stack(
            rows, codes, moments, -design.lags, range(1 + n_known, 1 + n_known + n_past)
        )
        static = rows.values[usable, 1 + n_known + n_past :]
        table = design.fill(window, past, known, static)
        complete = ~np.isnan(targets).any(axis=1)
        holes = 0
        if not self._allow_nan:
            whole = ~np.isnan(table).any(axis=1)
            holes = int((complete & ~whole).sum())
            complete &= whole
        if not complete.all():
            table, targets, codes = table[complete], targets[complete], codes[complete]
        if new is not None:
            return self._with_names(table), targets
        self._report_skipped(codes, holes)
        return self._with_names(table), targets

    def _have_targets(self, keys):
        """Tell which remembered rows begin a horizon that holds one of some rows."""
        history, rows = self.target_history_, self._rows
        at = history.find(keys.codes, keys.ticks)
        marks = np.full((len(rows.ticks), 1), np.nan)
        marks[at] = 1.0
        if self.frequency_ is None:  # events at one time are all given, or none is
            marks = marks[rows.starts[self._codes] + self._moments]
        marked = History(rows.starts, rows.ticks, marks)
        ahead = marked.windows(self._codes, rows.ticks, np.arange(self._design.horizon))
        return ~np.isnan(ahead).all(axis=1)

    def _report_skipped(self, codes, holes):
        """Say which series and rows are not learned from; raise if none is left."""
        learned = np.zeros(len(self.groups_), dtype=bool)
        learned[codes] = True
        reach = f"window and target_transform look back {self._design.reach} step(s)"
        if not learned.any():
            raise ValueError(
                f"found no whole window to learn from in n_samples={len(self._codes)} row(s): "
                f"{reach}, and horizon={self.horizon} known target(s) must follow. Use a smaller "
                "window or horizon, or a regressor that takes NaN."
            )
        short = int((~learned).sum())
        if short or holes:
            first = f", first {show(self.groups_[~learned][0])}" if short else ""
            advice = "" if self._allow_nan else " A regressor that takes NaN needs no whole window."
            warnings.warn(
                f"not learned from: {short} of {len(learned)} series, too short{first}, and "
                f"{holes} row(s) with missing values in their window or columns. The {reach}, and "
                f"horizon={self.horizon} known target(s) must follow.{advice}",
                UserWarning,
                stacklevel=5,
            )

    @staticmethod
    def _stack(history, codes, steps, offsets, columns):
        """Return windows of several columns, of shape (n, n_columns, n_offsets)."""
        out = np.empty((len(codes), len(columns), len(offsets)), dtype=history.values.dtype)
        for j, column in enumerate(columns):
            out[:, j] = history.windows(codes, steps, offsets, column)
        return out

    # ---- forecasting

    def _forecast(self, X, levels=None):
        """Return the forecast of each row, and its quantiles or None."""
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        keys = self._read_unique_keys(X)
        values = self._read_columns(X).astype(self._rows.values.dtype, copy=False)
        if self.frequency_ is None:
            steps, placed = place_events(self.target_history_, keys)
        else:
            steps, placed = keys.ticks, slice(None)
        last, without = self._last_known(X, keys, steps)
        pool = self._pool_known(keys, steps, values, placed)
        moments = X, keys.codes, steps, values, pool
        out = np.full(len(steps), self._level, dtype=self._rows.values.dtype)
        spread = None if levels is None else np.full((len(steps), len(levels)), self._level)
        asked = np.ones(len(steps), dtype=bool) if self._allow_nan else ~without
        future = steps > last[keys.codes]
        for rows, forecast in (
            (np.flatnonzero(asked & ~future), self._fitted_values),
            (np.flatnonzero(asked & future), self._future_values),
        ):
            if len(rows):
                out[rows], quantiles = forecast(*moments, rows, last, levels)
                if levels is not None:
                    spread[rows] = quantiles
        return out, spread

    def _read_unique_keys(self, X):
        """Return the keys of a table; raise if one repeats, except in event logs."""
        keys = self._read_keys(X)
        if self.frequency_ is not None:
            repeated, at = keys.repeated()
            if repeated:
                row = key_frame(X, self.group, self.time)[0].iloc[at]
                where = ", ".join(f"{k}={show(v)}" for k, v in row.items())
                raise ValueError(f"(group, time) repeats, first for {where}: keep one row.")
        return keys

    def _last_known(self, X, keys, steps):
        """Return the step of the last known target of each series, and which rows have none.

        Without any, forecasts start at the first step asked for.
        """
        last = np.full(keys.n_series, NEVER)
        last[: len(self._last)] = self._last
        without = last[keys.codes] == NEVER
        if without.any():
            if not self._allow_nan:
                series = np.unique(keys.codes[without])
                warnings.warn(
                    f"{len(series)} series have no known target, first "
                    f"{self._name_series(X, series[0])}: they are forecast by the mean of the "
                    "training targets. Give them a history with update(X, y), or use a regressor "
                    "that takes NaN.",
                    UserWarning,
                    stacklevel=4,
                )
            last = start_where_asked(last, keys.codes, steps)
        return last, without

    def _pool_known(self, keys, steps, values, placed):
        """Return the known-ahead columns of the series asked for, given rows over remembered."""
        rows, n_known = self._rows, len(self._names[0])
        remembered = History(rows.starts, rows.ticks, rows.values[:, 1 : 1 + n_known])
        if not n_known:
            return remembered
        given = Keys(keys.codes[placed], steps[placed], keys.n_series, keys.n_known)
        return remembered.overlay_known(given, values[placed, :n_known])

    def _fitted_values(self, X, codes, steps, values, pool, rows, last, levels):
        """Return one-step forecasts from the true values before each row."""
        design = self._design
        codes, steps, values = codes[rows], steps[rows], values[rows]
        n_known, n_past, _ = map(len, self._names)
        known = np.empty((len(rows), n_known, design.horizon), dtype=values.dtype)
        known[:, :, 0] = values[:, :n_known]
        known[:, :, 1:] = self._stack(
            pool, codes, steps, np.arange(1, design.horizon), range(n_known)
        )
        known = self._complete_known(X, known, codes, steps, np.ones(len(rows), dtype=np.int64))
        past = self._past_windows(codes, steps, -design.lags)
        if not self._allow_nan:
            past = self._fill_past(past)
        static = self._complete_static(X, values[:, n_known + n_past :], codes)
        raw = self._rows.windows(codes, steps, design.chain.offsets)
        window, states = design.complete(raw, self._level, self._allow_nan)
        table = design.fill(window, past, known, static)
        forecast, quantiles = self._regress(table, states, levels)
        return forecast[:, 0], None if levels is None else quantiles[:, 0]

    def _future_values(self, X, codes, steps, values, pool, rows, last, levels):
        """Return forecasts after the last known targets."""
        design = self._design
        n_known, n_past, _ = map(len, self._names)
        codes, steps, values = codes[rows], steps[rows], values[rows]
        ahead = steps - last[codes]
        series, first_row, slot = np.unique(codes, return_index=True, return_inverse=True)
        most = np.zeros(len(series), dtype=np.int64)
        np.maximum.at(most, slot, ahead)
        if values.shape[1] > n_known + n_past:
            by_step = np.lexsort((steps, codes))
            first_row = by_step[np.searchsorted(codes[by_step], series)]
        order = np.argsort(-most, kind="stable")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        series, most, first_row, slot = series[order], most[order], first_row[order], place[slot]
        n_steps = -(-int(most[0]) // design.horizon) * design.horizon
        start = last[series] + 1
        known = self._stack(pool, series, start, np.arange(n_steps), range(n_known))
        static = values[first_row, n_known + n_past :]
        paths = Paths(
            ahead=most,
            target=self._rows.windows(series, start, np.arange(-design.reach, 0)),
            past=self._past_windows(series, start, np.arange(-int(design.lags[0]), 0)),
            past_known=self._past_known(),
            known=self._complete_known(X, known, series, start, most),
            static=self._complete_static(X, static, series),
        )
        forecasts, spread = forecast_paths(
            design,
            lambda table, states: self._regress(table, states, levels),
            paths,
            level=self._level,
            allow_nan=self._allow_nan,
            fill_past=self._fill_past,
            n_quantiles=0 if levels is None else len(levels),
            verbose=self.verbose,
        )
        spread = None if levels is None else spread[slot, ahead - 1]
        return forecasts[slot, ahead - 1], spread

    def _regress(self, table, states, levels):
        """Return forecasts of shape (n, horizon), and their quantiles or None."""
        horizon, table = self.horizon, self._with_names(table)
        forecast = np.asarray(self.estimator_.predict(table)).reshape(len(table), horizon)
        quantiles = None
        if levels is not None:
            quantiles = predict_quantiles(self.estimator_, table, horizon, levels)
        return self._design.chain.inverse(forecast, states, quantiles)

    def _with_names(self, table):
        """Return the table, with the names of its columns for a regressor that reads them."""
        if not getattr(self.estimator, "reads_window_names", False):
            return table
        return pd.DataFrame(table, columns=self.window_feature_names_)

    def _past_windows(self, codes, steps, offsets):
        """Return windows of the past columns, of shape (n, n_past, n_offsets)."""
        first = 1 + len(self._names[0])
        columns = range(first, first + len(self._names[1]))
        return self._stack(self._rows, codes, steps, offsets, columns)

    def _past_known(self):
        """Return, for each past column, its place among the known-ahead ones; -1 if it has none."""
        known, past, _ = self._names
        return [known.index(name) if name in known else -1 for name in past]

    def _fill_past(self, past):
        """Return windows of past columns without holes."""
        out = np.empty_like(past)
        for j, level in enumerate(self._past_levels):
            out[:, j] = fill_missing(np.ascontiguousarray(past[:, j]), level)
        return out

    def _complete_known(self, X, known, codes, start, needed):
        """Return known-ahead columns for a regressor; raise if it needs one that is missing.

        Steps after the ``needed`` ones only fill up a block: the last value stands in for them.
        """
        if self._allow_nan or not np.isnan(known).any():
            return known
        missing = np.isnan(known) & (np.arange(known.shape[2]) < needed[:, None, None])
        if missing.any():
            i, j, h = np.argwhere(missing)[0]
            time = f"step {start[i] + h}"
            if self.frequency_ is not None:
                time = f"time {self.frequency_.times([start[i] + h])[0]}"
            raise ValueError(
                f"column {self._names[0][j]!r} is known ahead, but missing in series "
                f"{self._name_series(X, codes[i])} at {time}, up to which a forecast is wanted: "
                "give a row with its value (a gap of a splitter leaves such rows out; backtest "
                "gives them), or use a regressor that takes NaN, such as "
                "HistGradientBoostingRegressor or a pipeline with SimpleImputer."
            )
        flat = fill_missing(known.reshape(-1, known.shape[2]), np.nan)
        return flat.reshape(known.shape)

    def _complete_static(self, X, static, codes):
        """Return static columns; raise if the regressor needs one that is missing."""
        if not self._allow_nan and np.isnan(static).any():
            i, j = np.argwhere(np.isnan(static))[0]
            raise ValueError(
                f"static column {self._names[2][j]!r} is missing in series "
                f"{self._name_series(X, codes[i])}: give its value, or use a regressor that takes "
                "NaN, such as HistGradientBoostingRegressor or a pipeline with SimpleImputer."
            )
        return static

    def _name_series(self, X, code):
        """Return the label of a series, remembered or new, for an error."""
        if code < len(self.groups_):
            return show(self.groups_[code])
        _, groups = read_groups(X, self.group, self.time)
        new = groups[self.groups_.get_indexer(groups) < 0]
        return show(new[code - len(self.groups_)])
