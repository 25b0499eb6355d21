"""The unit of errors: what is usual in a series."""

import numpy as np

from sklearn_tsrec._steps_ahead import mean_changes

_PRIOR_FOLDS = 2.0  # how many folds what other series suggest counts for
_MOST = 10.0  # by how much a series may differ from what they suggest


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
    counting for more, of how its own compare, drawn to 1.

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

        So scores tell how errors compare with what was known before them, as new ones will.
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
