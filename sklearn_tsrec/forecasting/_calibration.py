"""Past errors of a forecaster, and what follows of them: scales, bounds, levels and paths."""

import numpy as np
import pandas as pd

from sklearn_tsrec._scans import is_new
from sklearn_tsrec._steps_ahead import mean_changes

_TINY = 1e-9  # levels such as 1 - 0.9 are not exact
_PRIOR_FOLDS = 2.0  # how many folds what other series suggest counts for
_MOST = 10.0  # by how much a series may differ from what they suggest


class Calibration:
    """Past forecasts with their truth, and the bounds and paths that are made of their errors.

    Parameters
    ----------
    quantiles : array of shape (n_quantiles,) or None
        Levels of the quantiles that errors are errors of; None are errors of the forecast.
    per, symmetric, scale, learning_rate : object
        As in :class:`ConformalForecaster`.

    Attributes
    ----------
    table : DataFrame
        One row for each past forecast, the oldest first: ``code`` and ``tick`` of its key,
        ``fold``, ``step``, ``difference`` (the mean absolute change of the series before it),
        ``y_true``, ``y_pred``, the quantiles (named by :func:`quantile_name`), ``scale`` and
        whatever else names it.
    """

    def __init__(self, quantiles, *, per, symmetric, scale, learning_rate):
        self.quantiles = quantiles
        self.bases = ["y_pred"] if quantiles is None else [quantile_name(q) for q in quantiles]
        self.per = per
        self.symmetric = symmetric
        self.scale = scale
        self.learning_rate = learning_rate

    # ---- learning

    def fit(self, table):
        """Learn from the forecasts of folds, which have no ``scale`` yet.

        Returns
        -------
        self
        """
        self._learn_scales(table)
        table["scale"] = self._scales.before_fold(
            *(table[name].to_numpy() for name in ("code", "fold", "difference"))
        )
        if self.scale == "error":
            # Before the oldest fold no error was known: its scores measure a guess, not a scale.
            learned = table["fold"] > table["fold"].min()
            table = table[learned | ~learned.any()].reset_index(drop=True)
        self._keep(table)
        self._capacity = self._scores.counts
        self._stream = []
        return self

    def adapt(self, table):
        """Score forecasts of new rows, and put them in the place of the oldest of their cells."""
        table = table.iloc[np.argsort(table["tick"].to_numpy(), kind="stable")]
        codes, ticks, cells = table["code"].to_numpy(), table["tick"].to_numpy(), self._cells(table)
        table = table.assign(scale=self.scales(codes, table["difference"].to_numpy()))
        known = self._scores.count(cells) > 0
        pvalues = self._scores.pvalues(cells, self._score(table))
        self._stream.append((ticks[known], self._streams(codes)[known], pvalues[known]))
        table = pd.concat([self.table, table], ignore_index=True)
        cells = self._cells(table)
        capacity = np.full(cells.max() + 1, self._capacity.max())
        known = self._capacity > 0
        capacity[: len(known)][known] = self._capacity[known]
        self._keep(table[newest(cells, capacity)].reset_index(drop=True))

    def learn_scales(self):
        """Learn the scale of each series again, from all errors held."""
        self._learn_scales(self.table)

    def _learn_scales(self, table):
        """Learn the scale of each series from its errors."""
        sizes = (table["y_true"] - table["y_pred"]).abs().to_numpy()
        codes, folds, differences = (
            table[name].to_numpy() for name in ("code", "fold", "difference")
        )
        self._scales = SeriesScales(self.scale, codes, folds, sizes, differences)

    def _keep(self, table):
        """Keep past forecasts, and their scores sorted in cells."""
        self.table = table
        self._scores = CellScores(self._cells(table), self._score(table))

    def _score(self, table):
        """Return the scores of past forecasts, one column a kind.

        With ``symmetric`` a kind is a pair of forecasts, the outermost first, else a side of one:
        first below each of them, then above.
        """
        off = table[["y_true"]].to_numpy() - table[self.bases].to_numpy()
        off = off / table[["scale"]].to_numpy()
        if not self.symmetric:
            return np.hstack([-off, off])
        half = -(-off.shape[1] // 2)
        return np.maximum(-off[:, :half], off[:, ::-1][:, :half])

    def _cells(self, table):
        """Return the cell of past forecasts."""
        return self._cells_of(table["code"].to_numpy(), table["step"].to_numpy())

    def _cells_of(self, codes, steps):
        """Return the cell of rows: those with errors of their own."""
        if self.per is None:
            return np.zeros(len(codes), dtype=np.int64)
        return steps - 1 if self.per == "horizon" else codes

    def _streams(self, codes):
        """Return what has a level of its own: each series with ``per="group"``, else all."""
        return codes if self.per == "group" else np.zeros(len(codes), dtype=np.int64)

    # ---- new rows

    def scales(self, codes, differences):
        """Return the unit of errors of each row; NaN where it is not known."""
        return self._scales.of_series(codes, differences)

    def count(self, codes, steps):
        """Return how many errors there are for each row."""
        return self._scores.count(self._cells_of(codes, steps))

    def needed(self, level):
        """Return how many errors a quantile needs."""
        return rows_needed(self._kind(level)[2])

    def quantiles_of(self, base, codes, steps, scale, levels):
        """Return quantiles of rows.

        Parameters
        ----------
        base : array of shape (m, n_bases)
            What the forecaster gives: its quantiles, or its forecast.
        codes, steps : int64 arrays of shape (m,)
            Series and steps ahead.
        scale : array of shape (m,)
            The unit of errors.
        levels : array of shape (q,)
            Levels of quantiles.

        Returns
        -------
        array of shape (m, q)
        """
        cells, streams = self._cells_of(codes, steps), self._streams(codes)
        out = np.empty((len(base), len(levels)))
        for j, level in enumerate(levels):
            column, kind, missed, sign = self._kind(level)
            adapted = self._adapted(streams, kind, missed)
            reach = self._scores.bound(cells, kind, adapted)
            out[:, j] = base[:, column] + sign * scale * reach
        order = np.argsort(levels, kind="stable")
        out[:, order] = np.sort(out, axis=1)
        return out

    def _kind(self, level):
        """Return how a quantile is made.

        Returns
        -------
        column : int
            Which forecast it starts from.
        kind : int
            Which scores show how far it lies from there.
        missed : float
            The share of scores that lie beyond.
        sign : int
            Whether it lies below or above.
        """
        levels = np.array([0.5]) if self.quantiles is None else self.quantiles
        n, tail = len(levels), min(level, 1 - level)
        sign = 0 if self.symmetric and level == 0.5 else -1 if level < 0.5 else 1
        if not self.symmetric:
            column = int(np.abs(levels - level).argmin())
            return column, column + (n if sign > 0 else 0), tail, sign
        pair = int(np.abs(levels[: -(-n // 2)] - tail).argmin())
        return pair if sign < 0 else n - 1 - pair, pair, 2 * tail, sign

    def _adapted(self, streams, kind, missed):
        """Return the rate of misses to ask for in each stream, so that ``missed`` is kept."""
        if not self._stream:
            return np.full(len(streams), missed)
        ticks, seen, pvalues = (np.concatenate(part) for part in zip(*self._stream))
        # each update is later than those before it, whatever the ticks of its series
        batch = np.repeat(np.arange(len(self._stream)), [len(part[0]) for part in self._stream])
        times = np.cumsum(is_new(batch, ticks))
        n_streams = max(int(streams.max()), int(seen.max(initial=0))) + 1
        rates = adapt_level(pvalues[:, kind], times, seen, n_streams, missed, self.learning_rate)
        return rates[streams]

    def paths(self, steps):
        """Return the paths of errors that are whole at the steps asked for.

        Returns
        -------
        ErrorPaths
        """
        table = self.table
        unit = self.path_units(table[self.bases].to_numpy(), table["scale"].to_numpy())
        errors = (table["y_true"] - table["y_pred"]).to_numpy() / unit
        about = [table[name].to_numpy() for name in ("fold", "code", "step")]
        return ErrorPaths(*about, errors, np.unique(steps), by_series=self.per == "group")

    def path_units(self, base, scale):
        """Return the unit of errors in paths: where quantiles are wide apart, errors are large."""
        if self.quantiles is None:
            return scale
        spread = base[:, -1] - base[:, 0]
        return np.where(spread > 0, spread, scale)


def quantile_name(level):
    """Return the name of the column of a quantile."""
    return f"q{level:g}"


def mean_differences(history):
    """Return the mean absolute change of each series; NaN where no two targets are known.

    A series that never changes takes the smallest of the others.
    """
    mean = mean_changes(history)
    return np.where(mean == 0, mean[mean > 0].min(initial=np.inf), mean).clip(max=_top(mean))


def _top(mean):
    """Return the largest mean; 1 where no series ever changes."""
    return np.nanmax(mean) if (mean > 0).any() else 1.0


class SeriesScales:
    """Scales of series, learned from their errors in folds.

    With ``kind="error"`` it is what the differences of a series suggest, given how mean absolute
    errors compare with differences in most series, times the geometric mean over folds, newer ones
    counting for more, of how its own compare, shrunk to 1.

    Parameters
    ----------
    kind : {"error", "difference"} or None
        What the unit is.
    codes, folds : int64 arrays of shape (n,)
        The series and the fold of each error.
    sizes : array of shape (n,)
        Absolute errors.
    differences : array of shape (n,)
        Mean absolute difference in the series before each.
    """

    def __init__(self, kind, codes, folds, sizes, differences):
        self.kind = kind
        if kind != "error":
            return
        usable = ~np.isnan(differences)
        codes, ratio = codes[usable], sizes[usable] / differences[usable]
        self._folds, folds = np.unique(folds[usable], return_inverse=True)
        shape = len(self._folds), int(codes.max(initial=-1)) + 1
        cells = folds * shape[1] + codes
        count = np.bincount(cells, minlength=shape[0] * shape[1])
        mean = np.full(len(count), np.nan)
        total = np.bincount(cells, ratio, minlength=len(count))
        np.divide(total, count, out=mean, where=count > 0)
        self._usual = float(np.median(mean[count > 0])) if len(codes) else 1.0
        self._usual = self._usual or 1.0  # where most errors are 0
        # A series that had just begun may be off by orders of magnitude: that is not its unit.
        mean = np.clip(mean / self._usual, 1 / _MOST, _MOST)
        self._logs = np.log(mean).reshape(shape)

    def of_series(self, codes, differences):
        """Return the scale of each row in the unit of the target; NaN where it is not known."""
        if self.kind != "error":
            return np.ones(len(codes)) if self.kind is None else differences
        return self._mix(self._logs, codes, differences)

    def before_fold(self, codes, folds, differences):
        """Return the scale of each row as the folds before its own have it.

        So scores compare errors with what was known before them, as new ones will.
        """
        if self.kind != "error":
            return self.of_series(codes, differences)
        out = np.empty(len(codes))
        for fold in np.unique(folds):
            rows = folds == fold
            earlier = self._logs[: np.searchsorted(self._folds, fold)]
            out[rows] = self._mix(earlier, codes[rows], differences[rows])
        return out

    def _mix(self, logs, codes, differences):
        """Return scales from some of the folds."""
        newer = np.arange(1, len(logs) + 1)[:, np.newaxis] / max(len(logs), 1)
        weights = newer * ~np.isnan(logs)
        own = (weights * np.nan_to_num(logs)).sum(axis=0) / (weights.sum(axis=0) + _PRIOR_FOLDS)
        own = np.append(own, 0.0)  # of series not seen
        return self._usual * differences * np.exp(own[np.minimum(codes, len(own) - 1)])


def rows_needed(missed):
    """Return how many scores a bound needs that new scores exceed with probability ``missed``."""
    return int(np.ceil(1 / missed - _TINY)) - 1


class CellScores:
    """Scores of several kinds in cells: the errors that new ones of the same cell will be like.

    Parameters
    ----------
    cells : int64 array of shape (n,)
        The cell of each row.
    scores : array of shape (n, n_kinds)
        Scores of each row.
    """

    def __init__(self, cells, scores):
        self.counts = np.bincount(cells)
        self._starts = np.concatenate([[0], np.cumsum(self.counts)])
        self._sorted = np.column_stack([column[np.lexsort((column, cells))] for column in scores.T])

    def count(self, cells):
        """Return how many rows the given cells hold."""
        inside = (cells >= 0) & (cells < len(self.counts))
        return np.where(inside, self.counts[np.where(inside, cells, 0)], 0)

    def bound(self, cells, kind, missed):
        """Return the score that a new one in each cell exceeds with probability ``missed``.

        It is the k-th smallest of n, ``k = ceil((n + 1) (1 - missed))``, and the largest where k is
        more than n.

        Parameters
        ----------
        cells : int64 array of shape (m,)
            Cells that hold rows.
        kind : int
            Which kind of score.
        missed : float or array of shape (m,)
            The probability.

        Returns
        -------
        array of shape (m,)
        """
        n = self.counts[cells]
        k = np.ceil((n + 1) * (1 - missed) - _TINY)
        k = np.clip(k, 1, n).astype(np.int64)
        return self._sorted[self._starts[cells] + k - 1, kind]

    def pvalues(self, cells, scores):
        """Return the share of scores that are at least as large, the new one among them.

        A bound of level ``missed`` is exceeded just where the share is at most ``missed``. It is 1
        in a cell without rows.
        """
        out = np.ones(scores.shape)
        for cell in np.unique(cells):
            rows = np.flatnonzero(cells == cell)
            if not self.count(np.array([cell]))[0]:
                continue
            held = self._sorted[self._starts[cell] : self._starts[cell + 1]]
            for kind, column in enumerate(held.T):
                smaller = np.searchsorted(column, scores[rows, kind], side="left")
                out[rows, kind] = (1 + len(column) - smaller) / (1 + len(column))
        return out


def newest(cells, capacity):
    """Return which rows, the oldest first, are among the newest ``capacity`` of their cell."""
    order = np.argsort(cells, kind="stable")
    count = np.bincount(cells, minlength=len(capacity))
    keep = np.empty(len(cells), dtype=bool)
    keep[order] = np.cumsum(count)[cells[order]] - np.arange(len(order)) <= capacity[cells[order]]
    return keep


def adapt_level(pvalues, times, streams, n_streams, missed, rate):
    """Return the level at which each stream of new scores has been exceeded ``missed`` of the time.

    Parameters
    ----------
    pvalues : array of shape (n,)
        Of new scores, the oldest first.
    times : int64 array of shape (n,), ascending
        When they came. Those of one time count as their mean.
    streams : int64 array of shape (n,)
        The stream of each; every stream has a level of its own.
    n_streams : int
        Number of streams.
    missed : float
        The level wanted.
    rate : float
        How far a miss moves the level.

    Returns
    -------
    array of shape (n_streams,)
    """
    level = np.full(n_streams, float(missed))
    edges = np.flatnonzero(np.diff(times)) + 1
    for p, s in zip(np.split(pvalues, edges), np.split(streams, edges)):
        count = np.bincount(s, minlength=n_streams)
        exceeded = np.bincount(s, p <= level[s] + _TINY, minlength=n_streams)
        seen = count > 0
        level[seen] += rate * (missed - exceeded[seen] / count[seen])
    return level


class ErrorPaths:
    """Whole paths of past errors, from which paths of new ones are drawn.

    Parameters
    ----------
    folds, codes, steps : int64 arrays of shape (n,)
        The fold, the series and the steps ahead of each error.
    errors : array of shape (n,)
        Errors in units of their series.
    asked : int64 array, ascending
        The steps at which a path must have errors.
    by_series : bool
        Whether a series takes errors of its own only.

    Attributes
    ----------
    folds, codes : int64 arrays of shape (n_paths,)
        The fold and the series of each path, sorted by fold.
    errors : array of shape (n_paths, n_steps)
        Errors at the steps 1, 2, …
    """

    def __init__(self, folds, codes, steps, errors, asked, *, by_series):
        table = pd.Series(errors, index=[folds, codes, steps])
        table = table[~table.index.duplicated()].unstack()  # events may share a time
        table = table.reindex(columns=np.arange(1, int(steps.max()) + 1))
        paths = table.to_numpy()
        whole = np.zeros(len(paths), dtype=bool)
        if asked[-1] <= paths.shape[1]:
            whole = ~np.isnan(paths[:, asked - 1]).any(axis=1)
        labels = table.index.to_frame().to_numpy(dtype=np.int64)[whole]
        self.folds, self.codes, self.errors = labels[:, 0], labels[:, 1], paths[whole]
        self.by_series = by_series

    def lacking(self, series):
        """Return which series have no path to draw from."""
        if self.by_series:
            return ~np.isin(series, self.codes)
        return np.full(len(series), not len(self.codes))

    def draw(self, codes, steps, n_draws, rng):
        """Return errors of rows, in units of their series.

        In one draw all series take errors of one fold, so that what moved them together then does
        so again.

        Parameters
        ----------
        codes, steps : int64 arrays of shape (m,)
            The series and the steps ahead of each row.
        n_draws : int
            Number of draws.
        rng : RandomState

        Returns
        -------
        array of shape (m, n_draws)
        """
        series, slot = np.unique(codes, return_inverse=True)
        drawn = self._choose(series, n_draws, rng)
        return self.errors[drawn[slot], (steps - 1)[:, np.newaxis]]

    def _choose(self, series, n_draws, rng):
        """Return which path each series takes in each draw."""
        folds, first, count = np.unique(self.folds, return_index=True, return_counts=True)
        if self.by_series:
            choices = [np.flatnonzero(self.codes == code) for code in series]
            # the same random number for all: series with paths in all folds take the same fold
            u = rng.random_sample(n_draws)
            return np.array([own[(u * len(own)).astype(np.int64)] for own in choices])
        # folds with more whole paths are drawn more often, so that every path is as likely
        fold = rng.choice(len(folds), size=n_draws, p=count / count.sum())
        u = rng.random_sample((len(series), n_draws))
        return first[fold] + (u * count[fold]).astype(np.int64)
