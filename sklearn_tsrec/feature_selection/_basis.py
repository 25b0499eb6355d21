"""Columns in a small basis: straight, squared and one-sided, without levels and slow movements."""

from itertools import pairwise

import numpy as np
from scipy.linalg.blas import dsyrk

from sklearn_tsrec._scans import is_new
from sklearn_tsrec.feature_selection._waves import centre

_STRAIGHT, _SQUARE, _ONE_SIDED = range(3)
_CELLS = 1 << 18  # cells of a block of rows that are expanded at once


class Basis:
    """Expand columns of complete rows, block by block, so that no large copy is ever made.

    Parameters
    ----------
    X : array of shape (n, p)
        Complete rows, sorted by series and time.
    targets : array of shape (n, t)
        One or more targets of these rows.
    series : int array of shape (n,)
        Ascending code of the series of each row; columns are centred within series.
    waves : SlowWaves
        What else is taken out.
    curved : bool
        Whether columns get a square and a one-sided copy beside the straight one.

    Attributes
    ----------
    source : int array of shape (k,)
        The column that each expanded column is made of; constant columns have none.
    targets : array of shape (n, t)
        The targets, centred and without slow waves.
    gram : array of shape (k, k)
        Cross products of the expanded columns, centred and without slow waves.
    cross : array of shape (k, t)
        Their cross products with the targets.
    """

    def __init__(self, X, targets, series, waves, *, curved):
        self.X = X
        self.series = series
        self.waves = waves
        self.targets = centre(targets, series, waves)
        self.mean = X.mean(axis=0)
        self.scale = self._spread()
        straight = np.flatnonzero(self.scale > 1e-10 * np.maximum(np.abs(self.mean), 1e-300))
        self.source = np.tile(straight, 3 if curved else 1)
        self.kind = np.repeat(range(3 if curved else 1), len(straight))
        self._all = np.arange(len(self.source))
        self._add_up()

    @property
    def n_absorbed(self):
        """How many degrees of freedom centring took."""
        return int(self.series[-1]) + 1 + self.waves.number

    def blocks(self, n_columns):
        """Yield slices of rows that so many columns of are small."""
        size = max(_CELLS // max(n_columns + self.waves.number, 1), 1)
        for first in range(0, len(self.X), size):
            yield slice(first, min(first + size, len(self.X)))

    def centred(self, block, columns):
        """Return some rows of some expanded columns, centred within series."""
        out = self._rows(block, columns)
        if len(self.means) == 1:
            out -= self.means[0, columns]
        else:
            out -= self.means[:, columns][self.series[block]]
        if self.waves.number:
            out -= self.waves.rows(block.start, block.stop) @ self.slow[:, columns]
        return out

    def design(self, groups, controls, target=0):
        """Return controls and groups beside each other, see :class:`Design`."""
        return Design(self, groups, controls, target)

    def _spread(self):
        """Return the standard deviation of each column of X."""
        power = np.zeros(self.X.shape[1])
        for block in self.blocks(self.X.shape[1]):
            away = self.X[block] - self.mean
            power += np.einsum("ij,ij->j", away, away)
        return np.sqrt(power / len(self.X))

    def _rows(self, block, columns):
        """Return some rows of some expanded columns, in column order, not yet centred."""
        source, kind = self.source[columns], self.kind[columns]
        used, place = np.unique(source, return_inverse=True)
        values = np.ascontiguousarray(self.X[block, used].T)
        values -= self.mean[used][:, None]
        values /= self.scale[used][:, None]
        out = np.empty((len(source), values.shape[1]))
        for j, (k, of) in enumerate(zip(place, kind)):
            if of == _STRAIGHT:
                out[j] = values[k]
            elif of == _SQUARE:
                np.clip(values[k], -2.5, 2.5, out=out[j])
                np.square(out[j], out=out[j])
            else:
                np.maximum(values[k], 0, out=out[j])
        return out.T

    def _add_up(self):
        """Add up means, cross products and what slow waves say, block by block."""
        k = len(self.source)
        counts = np.bincount(self.series)[:, None]
        self.means = np.zeros((len(counts), k))
        if len(counts) > 1:  # levels may be far apart: take them out before anything is squared
            for block in self.blocks(k):
                _add_by_series(self.means, self.series[block], self._rows(block, self._all))
            self.means /= counts
        self.slow = np.zeros((self.waves.number, k))
        self.cross = np.zeros((k, self.targets.shape[1]))
        gram = np.zeros((k, k), order="F")
        sums = np.zeros((len(counts), k))
        for block in self.blocks(k):
            part = self._rows(block, self._all)
            if len(counts) > 1:
                part -= self.means[self.series[block]]
            else:
                sums[0] += part.sum(axis=0)
            if k:
                gram = dsyrk(1.0, part, 1.0, gram, trans=1, overwrite_c=1)
            self.cross += part.T @ self.targets[block]
            if self.waves.number:
                self.slow += self.waves.rows(block.start, block.stop).T @ part
        gram = np.triu(gram) + np.triu(gram, 1).T
        self.gram = gram - (sums / counts).T @ sums - self.slow.T @ self.slow
        self.means += sums / counts


class Design:
    """Controls and groups of expanded columns beside each other, by blocks of rows.

    The columns of a group span what its own do, at right angles and with mean square 1: what is
    collinear within a group does no harm.

    Parameters
    ----------
    basis : Basis
        The expanded columns.
    groups : list of int array
        Expanded columns of each group.
    controls : int array
        Expanded columns that are controlled for.
    target : int
        Which of the targets.

    Attributes
    ----------
    gram : array of shape (q, q)
    cross : array of shape (q,)
    y : array of shape (n,)
    groups : list of int array
        The columns of each group among the q.
    """

    def __init__(self, basis, groups, controls, target):
        self.basis = basis
        self.y = basis.targets[:, target]
        self._columns = np.concatenate([controls, *groups]).astype(int)
        n = len(self.y)
        turns = [_orthonormal(basis.gram[np.ix_(g, g)] / n) for g in groups]
        ends = np.cumsum([len(controls), *(turn.shape[1] for turn in turns)])
        self.groups = [np.arange(low, high) for low, high in pairwise(ends)]
        self._turn = np.zeros((len(self._columns), ends[-1]))
        self._turn[: len(controls), : len(controls)] = np.eye(len(controls))
        row = len(controls)
        for turn, own in zip(turns, self.groups):
            self._turn[row : row + len(turn), own] = turn
            row += len(turn)
        turn = self._turn
        self.gram = turn.T @ basis.gram[np.ix_(self._columns, self._columns)] @ turn
        self.cross = turn.T @ basis.cross[self._columns, target]

    def blocks(self):
        """Yield slices of rows, and these rows."""
        for block in self.basis.blocks(len(self._columns)):
            yield block, self.basis.centred(block, self._columns) @ self._turn

    def whole(self):
        """Return all rows."""
        return np.concatenate([rows for _, rows in self.blocks()])


def _add_by_series(out, series, values):
    """Add each row of values to the row of its series."""
    start = np.flatnonzero(is_new(series))
    out[series[start]] += np.add.reduceat(values, start, axis=0)


def _orthonormal(gram):
    """Return what turns columns with these mean products into orthonormal ones."""
    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-9 * max(values[-1], np.finfo(float).tiny)
    return vectors[:, kept] / np.sqrt(values[kept])
