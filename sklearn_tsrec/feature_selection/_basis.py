"""Columns in a small basis: straight, squared and one-sided, without levels and slow movements."""

from itertools import pairwise

import numpy as np

_STRAIGHT, _SQUARE, _ONE_SIDED = range(3)
_LONG = 100  # rows: shorter series have nothing slow to spare
_CELLS = 1 << 21  # cells of a block of rows that are expanded at once


class Basis:
    """Expand columns of complete rows, block by block, so that no large copy is ever made.

    Parameters
    ----------
    X : array of shape (n, p)
        Complete rows, sorted by series and time.
    series : int array of shape (n,)
        Ascending code of the series of each row; columns are centred within series.
    waves : array of shape (n, m)
        What else is taken out, see :func:`slow_waves`.
    curved : bool array of shape (p,)
        Columns that get a square and a one-sided copy beside the straight one.
    """

    def __init__(self, X, series, waves, curved):
        self.X = X
        self.series = series
        self.waves = waves
        self.mean = X.mean(axis=0)
        self.scale = X.std(axis=0)
        straight = np.flatnonzero(self.scale > 1e-10 * np.maximum(np.abs(self.mean), 1e-300))
        bent = straight[curved[straight]]
        self.source = np.concatenate([straight, bent, bent])
        self.kind = np.repeat(
            [_STRAIGHT, _SQUARE, _ONE_SIDED], [len(straight), len(bent), len(bent)]
        )

    def rows(self, block, columns):
        """Return some rows of some expanded columns, not yet centred."""
        source = self.source[columns]
        out = np.empty((len(self.series[block]), len(columns)), order="F")
        for j, (k, kind) in enumerate(zip(source, self.kind[columns])):
            values = (self.X[block, k] - self.mean[k]) / self.scale[k]
            if kind == _SQUARE:
                values = np.clip(values, -2.5, 2.5) ** 2
            elif kind == _ONE_SIDED:
                values = np.maximum(values, 0)
            out[:, j] = values
        return out

    def all_rows(self, columns):
        """Return all rows of some expanded columns, centred within series."""
        return centre(self.rows(slice(None), columns), self.series, self.waves)

    def design(self, groups, controls):
        """Return controls and groups beside each other, and the columns of each group.

        The columns of a group span what its own do, at right angles and with mean square 1: what is
        collinear within a group does no harm.
        """
        blocks = [self.all_rows(controls)]
        blocks += [_orthonormal(self.all_rows(columns)) for columns in groups]
        ends = np.cumsum([block.shape[1] for block in blocks])
        return np.hstack(blocks), [np.arange(low, high) for low, high in pairwise(ends)]

    def moments(self, y):
        """Return the cross products of all expanded columns, and with a centred target."""
        columns = np.arange(len(self.source))
        size = max(_CELLS // max(len(columns), 1), 1)
        gram = np.zeros((len(columns), len(columns)))
        cross = np.zeros(len(columns))
        sums = np.zeros((self.series[-1] + 1, len(columns)))
        slow = np.zeros((self.waves.shape[1], len(columns)))
        for first in range(0, len(y), size):
            block = slice(first, first + size)
            part = self.rows(block, columns)
            gram += part.T @ part
            cross += part.T @ y[block]
            series = self.series[block]
            start = np.flatnonzero(np.r_[True, series[1:] != series[:-1]])
            sums[series[start]] += np.add.reduceat(part, start, axis=0)
            slow += self.waves[block].T @ part
        counts = np.bincount(self.series, minlength=len(sums))[:, None]
        return gram - (sums / counts).T @ sums - slow.T @ slow, cross


def slow_waves(series):
    """Return cosines that are slower than anything a series can tell much about, at right angles.

    Series that wander, as random walks do, seem to move together [1]_. What they share is slow:
    half waves up to the number n^(1/3), as smooth trends of any shape [2]_, take most of it out.
    Many series average it out, and have none.

    Parameters
    ----------
    series : int array of shape (n,)
        Ascending code of the series of each row.

    Returns
    -------
    array of shape (n, m)

    References
    ----------
    .. [1] C. Granger and P. Newbold (1974), "Spurious regressions in econometrics", Journal of
       Econometrics 2(2).
    .. [2] U. Müller and M. Watson (2008), "Testing models of low-frequency variability",
       Econometrica 76(5).
    """
    n = len(series)
    number = int(n ** (1 / 3)) if series[0] == series[-1] and n >= _LONG else 0
    angle = np.pi * (np.arange(n) + 0.5) / n
    return np.sqrt(2 / n) * np.cos(angle[:, None] * np.arange(1, number + 1))


def centre(values, series, waves=None):
    """Subtract from each row the mean of its series, and what waves take out."""
    counts = np.bincount(series)
    if len(counts) == 1:
        values = values - values.mean(axis=0)
        return values if waves is None else values - waves @ (waves.T @ values)
    start = np.flatnonzero(np.r_[True, series[1:] != series[:-1]])
    means = np.add.reduceat(values, start, axis=0) / counts.reshape(-1, *[1] * (values.ndim - 1))
    return values - means[series]


def _orthonormal(block):
    """Return columns at right angles that span a block."""
    values, vectors = np.linalg.eigh(block.T @ block / len(block))
    kept = values > 1e-9 * max(values[-1], np.finfo(float).tiny)
    return block @ (vectors[:, kept] / np.sqrt(values[kept]))
