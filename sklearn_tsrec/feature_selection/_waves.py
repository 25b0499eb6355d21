"""Levels and slow movements of series, and how they are taken out."""

import numpy as np

from sklearn_tsrec._scans import is_new

_LONG = 100  # rows: shorter series have nothing slow to spare
_ROWS = 4096  # of waves that are made at once
_HELD = 1 << 20  # cells of waves that are kept rather than made again


class SlowWaves:
    """Cosines that are slower than anything a series can tell much about, at right angles.

    Series that wander, as random walks do, seem to move together [1]_. What they share is slow:
    half waves up to the number n^(1/3), as smooth trends of any shape [2]_, take most of it out.
    Many series average it out, and have none.

    Parameters
    ----------
    series : int array of shape (n,)
        Ascending code of the series of each row.

    Attributes
    ----------
    number : int
        How many there are.

    References
    ----------
    .. [1] C. Granger and P. Newbold (1974), "Spurious regressions in econometrics", Journal of
       Econometrics 2(2).
    .. [2] U. Müller and M. Watson (2008), "Testing models of low-frequency variability",
       Econometrica 76(5).
    """

    def __init__(self, series):
        n = len(series)
        self.number = int(n ** (1 / 3)) if series[0] == series[-1] and n >= _LONG else 0
        self._pace = np.pi * np.arange(1, self.number + 1) / n
        self._size = np.sqrt(2 / n)
        self._held = None
        angle = (np.arange(min(n, _ROWS)) + 0.5)[:, None] * self._pace
        self._cos, self._sin = np.cos(angle), np.sin(angle)
        self._held = self.rows(0, n) if n * self.number <= _HELD else None

    def rows(self, first, last):
        """Return some rows of the waves, those of ``first`` up to ``last``."""
        if self._held is not None:
            return self._held[first:last]
        out = np.empty((last - first, self.number))
        for start in range(first, last, _ROWS):
            size = min(_ROWS, last - start)
            turn = start * self._pace  # cos(a + b) = cos a cos b - sin a sin b
            part = self._cos[:size] * np.cos(turn) - self._sin[:size] * np.sin(turn)
            out[start - first : start - first + size] = self._size * part
        return out

    def without(self, values):
        """Return values of shape (n,) or (n, k) without what the waves can say."""
        if not self.number:
            return values
        starts = range(0, len(values), _ROWS)
        ends = [min(start + _ROWS, len(values)) for start in starts]
        coef = sum(self.rows(a, b).T @ values[a:b] for a, b in zip(starts, ends))
        out = np.empty_like(values)
        for a, b in zip(starts, ends):
            out[a:b] = values[a:b] - self.rows(a, b) @ coef
        return out


def centre(values, series, waves=None):
    """Subtract from each row the mean of its series, and what waves take out."""
    counts = np.bincount(series)
    if len(counts) == 1:
        values = values - values.mean(axis=0)
        return values if waves is None else waves.without(values)
    start = np.flatnonzero(is_new(series))
    means = np.add.reduceat(values, start, axis=0) / counts.reshape(-1, *[1] * (values.ndim - 1))
    return values - means[series]
