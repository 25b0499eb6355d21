"""How a conformal forecaster keeps errors and uses them; the public class is its face."""

import warnings

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import KeyedMixin, Keys, key_frame, read_groups
from sklearn_tsrec._quantile_levels import check_levels
from sklearn_tsrec._steps_ahead import last_known, steps_ahead
from sklearn_tsrec._times import show
from sklearn_tsrec.forecasting._conformal_folds import base_forecasts, forecast_folds
from sklearn_tsrec.forecasting._conformal_paths import draw_paths, error_paths
from sklearn_tsrec.forecasting._conformal_scale import SeriesScales, mean_differences
from sklearn_tsrec.forecasting._conformal_scores import (
    CellScores,
    adapt_level,
    newest,
    rows_needed,
)
from sklearn_tsrec.model_selection._folds import read_folds, show_rows, with_keys


class ConformalBase(KeyedMixin, BaseEstimator):
    """Base of :class:`ConformalForecaster`.

    ``calibration_`` holds past forecasts, the oldest first, and ``_codes`` the series of each.
    ``_scores`` are the sorted scores of these, ``_stream`` how new ones compared with them.
    """

    def _check_base_levels(self):
        """Return the levels to ask of the forecaster."""
        levels = check_levels(self.levels, "levels")
        mirrored = np.allclose(levels + levels[::-1], 1)
        if (np.diff(levels) <= 0).any() or (self.symmetric and not mirrored):
            raise ValueError(
                f"levels={show(self.levels)} must ascend"
                + (" and, with symmetric=True, mirror each other." if self.symmetric else ".")
            )
        return levels

    # ---- learning

    def _calibrate(self, estimator, X, y, keys, levels):
        """Forecast the folds, score the errors and fit the forecaster."""
        if X.shape[0] == 1:
            raise ValueError("X has n_samples=1 row, of which nothing can be held out.")
        names = {"group": self.group, "time": self.time, "freq": self.freq}
        folds = read_folds(self.cv, X, y, keys.codes, keys.ticks, names, n_splits=10)
        forecasts, self.estimator_ = forecast_folds(
            with_keys(estimator, names),
            X,
            y,
            folds,
            once=self.method == "split",
            conformity=self.conformity,
            levels=levels,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self._levels = levels if forecasts[0].shape[1] > 1 else None
        parts = []
        for number, (fold, forecast) in enumerate(zip(folds, forecasts)):
            past = _take(keys, fold.train)
            self._remember(History.build(past, y[fold.train]))
            parts.append(self._describe(X, y, keys, fold.test, forecast, number))
        table = pd.concat(parts, ignore_index=True)
        table = table[self._usable(table)].reset_index(drop=True)
        if not len(table):
            raise ValueError(
                "no row that the folds test has a known target, a forecast and, before it, two "
                "known targets of its series: there is no error to learn from."
            )
        self._remember(History.build(keys, y))
        self._learn_scales(table)
        table["scale"] = self._scales.before_fold(
            *(table[name].to_numpy() for name in ("code", "fold", "difference"))
        )
        if self.scale == "error":
            # Before the oldest fold no error was known: its scores tell of a guess, not of a scale.
            learned = table["fold"] > table["fold"].min()
            table = table[learned | ~learned.any()].reset_index(drop=True)
        self._keep(table)
        self._capacity = self._scores.counts
        self._stream = []
        self._n_folds = len(folds)

    def _remember(self, history):
        """Remember targets, and where the known ones of each series end."""
        self._history = history
        codes = history.codes
        self._last = last_known(codes, history.ticks, history.values[:, 0], history.n_series)
        self._difference = np.append(mean_differences(history), np.nan)

    def _describe(self, X, y, keys, rows, forecast, fold):
        """Return what is known of forecasts of some rows: keys, step, truth, forecasts."""
        labels, _ = key_frame(X, self.group, self.time)
        names = ["y_pred"] if self._levels is None else ["y_pred", *map(_name, self._levels)]
        codes, ticks = keys.codes[rows], keys.ticks[rows]
        about = {
            "fold": fold,
            "step": steps_ahead(self._last, codes, ticks, self.frequency_ is not None),
            "y_true": y[rows],
            **dict(zip(names, forecast.T)),
            "code": codes,
            "tick": ticks,
            "difference": self._difference[np.minimum(codes, len(self._difference) - 1)],
        }
        return labels.iloc[rows].assign(**about)

    def _usable(self, table):
        """Tell which forecasts have an error; warn of those that are missing."""
        known = table["y_true"].notna()
        missing = known & ~np.isfinite(table[self._bases()]).all(axis=1)
        if missing.any():
            warnings.warn(
                f"{type(self.estimator_).__name__} gave no forecast for {int(missing.sum())} of "
                f"{len(table)} rows to learn errors from: intervals are made from the others.",
                UserWarning,
                stacklevel=4,
            )
        scaled = table["difference"].notna() | (self.scale is None)
        return known & ~missing & scaled

    def _learn_scales(self, table):
        """Learn the scale of each series from its errors."""
        sizes = (table["y_true"] - table["y_pred"]).abs().to_numpy()
        about = [table[name].to_numpy() for name in ("code", "fold", "difference")]
        self._scales = SeriesScales(self.scale, *about[:2], sizes, about[2])

    def _keep(self, table):
        """Keep past forecasts, and their scores sorted in cells."""
        self._table = table
        self._scores = CellScores(self._cells_of(table), self._score(table))
        self.calibration_ = table.drop(columns=["code", "tick", "difference"])

    def _bases(self):
        """Return the names of the forecasts that errors are errors of."""
        return ["y_pred"] if self._levels is None else [_name(level) for level in self._levels]

    def _score(self, table):
        """Return the scores of past forecasts, one column a kind.

        With ``symmetric`` a kind is a pair of forecasts, the outermost first, else a side of one:
        first below each of them, then above.
        """
        off = (table[["y_true"]].to_numpy() - table[self._bases()].to_numpy()) / table[
            ["scale"]
        ].to_numpy()
        if not self.symmetric:
            return np.hstack([-off, off])
        half = -(-off.shape[1] // 2)
        return np.maximum(-off[:, :half], off[:, ::-1][:, :half])

    def _cells(self, codes, steps):
        """Return the cell of rows."""
        if self.per is None:
            return np.zeros(len(codes), dtype=np.int64)
        return steps - 1 if self.per == "horizon" else codes

    def _cells_of(self, table):
        """Return the cell of past forecasts."""
        return self._cells(table["code"].to_numpy(), table["step"].to_numpy())

    # ---- learning on

    def _show(self, X, y):
        """Show rows; with ``adaptive``, forecast those that are new first."""
        keys = self._read_keys(X)
        if self.method == "adaptive":
            self._adapt(X, y, keys)
        show_rows([self.estimator_], X, y, "update")
        self._meet(X)
        self._remember(self._history.append(keys, y[:, np.newaxis]))
        if self.method == "adaptive":
            self._learn_scales(self._table)

    def _adapt(self, X, y, keys):
        """Score forecasts of new rows, and put them in the place of the oldest of their cells."""
        last = np.append(self._last, np.full(keys.n_series, np.iinfo(np.int64).max))
        rows = np.flatnonzero((keys.ticks > last[keys.codes]) & ~np.isnan(y))
        if not len(rows):
            return
        forecast = base_forecasts(self.estimator_, X, self._levels)[rows]
        table = self._describe(X, y, keys, rows, forecast, self._n_folds)
        table = table[self._usable(table)]
        table["scale"] = self._scales.of_series(
            table["code"].to_numpy(), table["difference"].to_numpy()
        )
        if not len(table):
            return
        table = table.iloc[np.argsort(table["tick"].to_numpy(), kind="stable")]
        codes, cells = table["code"].to_numpy(), self._cells_of(table)
        known = self._scores.count(cells) > 0
        streams = codes if self.per == "group" else np.zeros(len(codes), dtype=np.int64)
        p = self._scores.p_values(cells, self._score(table))
        self._stream.append((table["tick"].to_numpy()[known], streams[known], p[known]))
        self._n_folds += 1
        table = pd.concat([self._table, table], ignore_index=True)
        cells = self._cells_of(table)
        capacity = np.full(cells.max() + 1, self._capacity.max())
        known = self._capacity > 0
        capacity[: len(known)][known] = self._capacity[known]
        self._keep(table[newest(cells, capacity)].reset_index(drop=True))

    def _level(self, streams, kind, alpha):
        """Return the level of misses to ask for in each stream, so that ``alpha`` is kept."""
        if not self._stream:
            return np.full(len(streams), alpha)
        moments, seen, p = (np.concatenate(part) for part in zip(*self._stream))
        # each update is later than those before it, whatever the ticks of its series
        batch = np.repeat(np.arange(len(self._stream)), [len(part[0]) for part in self._stream])
        new = np.append(False, (np.diff(batch) != 0) | (np.diff(moments) != 0))
        n_streams = max(int(streams.max()), int(seen.max(initial=0))) + 1
        level = adapt_level(p[:, kind], np.cumsum(new), seen, n_streams, alpha, self.learning_rate)
        return level[streams]

    # ---- forecasting

    def _place(self, X):
        """Return the series, the step, the cell and the scale of each row."""
        keys = self._read_keys(X)
        codes = keys.codes
        steps = steps_ahead(self._last, codes, keys.ticks, self.frequency_ is not None)
        difference = self._difference[np.minimum(codes, len(self._difference) - 1)]
        scale = self._scales.of_series(codes, difference)
        if np.isnan(scale).any():
            raise ValueError(
                f"series {self._name(X, codes[np.isnan(scale).argmax()])} has fewer than two known "
                "targets, so the size of its errors is not known: show them by update(X, y), or "
                "use scale=None."
            )
        cells = self._cells(codes, steps)
        return codes, steps, cells, scale

    def _name(self, X, code):
        """Return the label of a series, remembered or new, for an error."""
        if code < len(self.groups_):
            return show(self.groups_[code])
        _, groups = read_groups(X, self.group, self.time)
        new = groups[self.groups_.get_indexer(groups) < 0]
        return show(new[code - len(self.groups_)])

    def _check_cells(self, X, codes, steps, cells, needed, level):
        """Raise if some row has no errors, or fewer than its level needs."""
        count = self._scores.count(cells)
        if count.min() >= needed:
            return
        row = int(count.argmin())
        what = {
            None: "all rows together",
            "horizon": f"step {steps[row]}",
            "group": f"series {self._name(X, codes[row])}",
        }[self.per]
        way_out = "give cv more folds, ask for a lower coverage"
        if self.per == "horizon" and not count[row]:
            way_out = f"give cv a PanelTimeSeriesSplit with horizon={steps[row]}"
        if not self.symmetric:
            way_out += ", use symmetric=True"
        if self.per is not None:
            way_out += ", or per=None, which puts all errors together"
        raise ValueError(
            f"the level {level:g} needs errors of at least {needed} rows, but {what} has "
            f"{count[row]}: {way_out}."
        )

    def _quantiles(self, X, levels):
        """Return quantiles of each row."""
        base = base_forecasts(self.estimator_, X, self._levels)
        base = base[:, :1] if self._levels is None else base[:, 1:]
        codes, steps, cells, scale = self._place(X)
        out = np.empty((len(base), len(levels)))
        streams = codes if self.per == "group" else np.zeros(len(codes), dtype=np.int64)
        for j, level in enumerate(levels):
            column, kind, alpha, sign = self._kind(level)
            self._check_cells(X, codes, steps, cells, rows_needed(alpha), level)
            adapted = self._level(streams, kind, alpha)
            reach = self._scores.bound(cells, kind, adapted)
            out[:, j] = base[:, column] + sign * scale * reach
        order = np.argsort(levels, kind="stable")
        out[:, order] = np.sort(out, axis=1)
        return out

    def _kind(self, level):
        """Return which forecast a level starts from, which scores say how far, and where to."""
        levels = np.array([0.5]) if self._levels is None else self._levels
        n, tail = len(levels), min(level, 1 - level)
        sign = 0 if self.symmetric and level == 0.5 else -1 if level < 0.5 else 1
        if not self.symmetric:
            column = int(np.abs(levels - level).argmin())
            return column, column + (n if sign > 0 else 0), tail, sign
        pair = int(np.abs(levels[: -(-n // 2)] - tail).argmin())
        return pair if sign < 0 else n - 1 - pair, pair, 2 * tail, sign

    def _paths(self, X, n_paths, rng):
        """Return sample paths."""
        base = base_forecasts(self.estimator_, X, self._levels)
        codes, steps, _, scale = self._place(X)
        table = self._table
        past_unit, unit = table["scale"].to_numpy(), scale
        if self._levels is not None:  # where quantiles are wide apart, errors are large
            past_unit = _spread(table[self._bases()].to_numpy(), past_unit)
            unit = _spread(base[:, 1:], unit)
        errors = (table["y_true"] - table["y_pred"]).to_numpy() / past_unit
        about = [table[name].to_numpy() for name in ("fold", "code", "step")]
        folds, owners, paths = error_paths(*about, errors)
        asked = np.unique(steps)
        whole = np.zeros(len(paths), dtype=bool)
        if asked[-1] <= paths.shape[1]:
            whole = ~np.isnan(paths[:, asked - 1]).any(axis=1)
        series, slot = np.unique(codes, return_inverse=True)
        own = self.per == "group"
        lacks = ~np.isin(series, owners[whole]) if own else np.full(len(series), not whole.any())
        if lacks.any():
            who = f"series {self._name(X, series[lacks.argmax()])}" if own else "no series"
            raise ValueError(
                f"{who} has {'no' if own else 'a'} whole path of errors for the steps "
                f"{show(asked.tolist())}: give cv a PanelTimeSeriesSplit with horizon={asked[-1]} "
                "or more" + (", or use per='horizon', where series share errors." if own else ".")
            )
        drawn = draw_paths(folds[whole], owners[whole], series, own, n_paths, rng)
        errors = paths[whole][drawn[slot], (steps - 1)[:, np.newaxis]]
        return base[:, :1] + unit[:, np.newaxis] * errors


def _take(keys, rows):
    """Return the keys of some rows."""
    return Keys(keys.codes[rows], keys.ticks[rows], keys.n_series, keys.n_known)


def _name(level):
    """Return the name of the column of a quantile."""
    return f"q{level:g}"


def _spread(quantiles, otherwise):
    """Return how far quantiles reach, and something else where they do not."""
    spread = quantiles[:, -1] - quantiles[:, 0]
    return np.where(spread > 0, spread, otherwise)
