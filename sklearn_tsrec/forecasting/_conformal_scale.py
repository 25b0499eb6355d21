"""The unit of errors: what is usual in a series."""

import numpy as np

_PRIOR_FOLDS = 1.0  # how many folds the scale that other series suggest counts for


def mean_differences(history):
    """Return the mean absolute difference between neighbouring known targets of each series.

    A series that never changes takes the smallest of the others; NaN where no two are known.
    """
    codes = np.repeat(np.arange(history.n_series), np.diff(history.starts))
    y = history.values[:, 0]
    known = ~np.isnan(y)
    codes, y = codes[known], y[known]
    same = codes[1:] == codes[:-1]
    count = np.bincount(codes[1:][same], minlength=history.n_series)
    total = np.bincount(codes[1:][same], np.abs(np.diff(y))[same], minlength=history.n_series)
    mean = np.full(history.n_series, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return np.where(mean == 0, mean[mean > 0].min(initial=np.inf), mean).clip(max=_top(mean))


def _top(mean):
    """Return the largest mean; 1 where no series ever changes."""
    return np.nanmax(mean) if (mean > 0).any() else 1.0


class SeriesScales:
    """Scales of series, learned from their errors in folds.

    With ``kind="error"`` a series' mean absolute errors in the folds are averaged with one that its
    differences suggest, given how the two compare over all series.

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
        codes, sizes, differences = codes[usable], sizes[usable], differences[usable]
        _, folds = np.unique(folds[usable], return_inverse=True)
        total = differences.sum()
        self._ratio = sizes.sum() / total if total and sizes.any() else 1.0
        shape = int(folds.max(initial=-1)) + 1, int(codes.max(initial=-1)) + 1
        cells = folds * shape[1] + codes
        count = np.bincount(cells, minlength=shape[0] * shape[1])
        total = np.bincount(cells, sizes, minlength=shape[0] * shape[1])
        mean = np.divide(total, count, out=np.zeros(len(count)), where=count > 0)
        self._means = mean.reshape(shape)
        self._sum, self._n = self._means.sum(axis=0), (count.reshape(shape) > 0).sum(axis=0)

    def of_series(self, codes, differences):
        """Return the scale of each row in the unit of the target; NaN where it is not known."""
        return self._mix(codes, differences, 0.0, 0)

    def without_fold(self, codes, folds, differences):
        """Return the scale of each row as the other folds have it."""
        if self.kind != "error":
            return self._mix(codes, differences, 0.0, 0)
        usable = ~np.isnan(differences)
        _, place = np.unique(folds[usable], return_inverse=True)
        own = self._means[place, codes[usable]]
        out = np.full(len(codes), np.nan)
        out[usable] = self._mix(codes[usable], differences[usable], own, 1)
        return out

    def _mix(self, codes, differences, own_sum, own_n):
        """Return scales without some of what each series has."""
        if self.kind is None:
            return np.ones(len(codes))
        if self.kind == "difference":
            return differences
        inside = codes < len(self._sum)
        place = np.where(inside, codes, 0)
        total = np.where(inside, self._sum[place], 0.0) - own_sum
        n = np.where(inside, self._n[place], 0) - own_n
        prior = self._ratio * differences
        return (total.clip(min=0) + _PRIOR_FOLDS * prior) / (n + _PRIOR_FOLDS)
