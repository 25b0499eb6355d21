from numbers import Real
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator

from sklearn_tsrec._sklearn import Interval
from sklearn_tsrec.recommendation._window_classifier import (
    PartialFitMixin,
    ProbabilityMixin,
    WindowClassifier,
    grow,
)

_LEAST_OCTAVE = -10  # ages are binned by half octaves, from a thousandth of their unit …
_MOST_AGES = 51  # … to 2 ** 15 of it, 90 years of days
_MOST_RATIO = 10  # an age of 1/32 to 32 of the interval


class PersonalFrequencyClassifier(
    PartialFitMixin, ProbabilityMixin, WindowClassifier, BaseEstimator
):
    """Expect the items that fill the window, as often as they occur in it.

    The probability of an item is ``(count in the window + smoothing * popularity) / (items in the
    window + smoothing)``: what a Dirichlet prior, centred on the popularity, makes of the window.
    Without a known item in the window it is the popularity.

    Two options read the ages of the items, as ``SequenceRecommender(gaps=True)`` gives them. With
    a ``half_life`` an item counts less the older it is. With ``repurchase`` the count of an item
    is multiplied by how much more often than usual things come again at its age, as a share of the
    typical interval between repeats of that item: less right after it, more when it is due. Try
    both before you trust them: on a year of groceries neither was better than the plain count.

    Parameters
    ----------
    smoothing : float, default=1.0
        Weight of the popularity, in events: with as many items in the window as that, it counts
        as much as they do.
    half_life : float or None, default=None
        Age at which an item counts half, in the unit of the ages: days for datetimes. None counts
        all alike.
    repurchase : float or None, default=None
        Weight of the interval that is usual for all items in that of each, in repeats; None does
        without intervals.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The items that can be recommended.
    class_count_ : array of shape (n_classes,)
        The weight of the training rows of each item.
    class_prior_ : array of shape (n_classes,)
        Popularity: the weighted share of each item in the training targets.
    interval_ : array of shape (n_classes,)
        Typical age (geometric mean) of an item when it comes again. Only with ``repurchase``.
    n_features_in_ : int
        Length of the windows.

    See Also
    --------
    ItemKNNClassifier : Also expects items that are like those in the window.
    SequenceRecommender : Makes the windows out of a log of events.

    References
    ----------
    .. [1] C. Zhai and J. Lafferty (2004), "A study of smoothing methods for language models applied
       to information retrieval", ACM Transactions on Information Systems 22(2).
    .. [2] R. Bhagat, S. Muralidharan, A. Lobzhanidze and S. Vishwanath (2018), "Buy it again:
       modeling repeat purchase recommendations", KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.recommendation import PersonalFrequencyClassifier
    >>> windows = [[np.nan, 1], [1, 1], [1, 2], [np.nan, np.nan]]
    >>> classifier = PersonalFrequencyClassifier().fit(windows, [1, 2, 1, 2])
    >>> classifier.predict_proba([[1, 1], [np.nan, np.nan]]).round(3)
    array([[0.833, 0.167],
           [0.5  , 0.5  ]])
    """

    _parameter_constraints: ClassVar[dict] = {
        "smoothing": [Interval(Real, 0, None, closed="neither")],
        "half_life": [Interval(Real, 0, None, closed="neither"), None],
        "repurchase": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        smoothing: float = 1.0,
        *,
        half_life: float | None = None,
        repurchase: float | None = None,
    ):
        self.smoothing = smoothing
        self.half_life = half_life
        self.repurchase = repurchase

    def _count(self, X, gaps, codes, weight, old, fresh):
        """Add up at which ages of an item it came again next, and at which it did not."""
        if self.half_life is not None or self.repurchase is not None:
            self._check_gaps(X, gaps)
        if self.repurchase is None:
            return
        items = self._items_in(X) if fresh else np.union1d(self._items, self._items_in(X))
        row, item, gap = self._cells(X, gaps, items)
        latest = ~pd.Series(row * np.int64(len(items)) + item).duplicated(keep="last")
        row, item, age = row[latest], item[latest], _age_bin(gap[latest])
        came = weight[row] * (self._positions(items, self.classes_)[item] == codes[row])
        shape = len(items), _MOST_AGES
        sums = [sparse.csr_array((w, (item, age)), shape=shape) for w in (came, weight[row])]
        if not fresh:
            place, ages = np.searchsorted(items, self._items), np.arange(_MOST_AGES)
            sums = [new + grow(known, place, ages, shape) for new, known in zip(sums, self._ages)]
        self._items, self._ages = items, sums

    def _finish(self):
        """Learn the interval of each item, and how likely repeats are at each share of it."""
        if self.repurchase is None:
            return
        came, there = self._ages
        n_came, sum_age = np.asarray(came.sum(axis=1)), came @ np.arange(_MOST_AGES)
        usual = sum_age.sum() / max(n_came.sum(), np.finfo(float).tiny)
        interval = (sum_age + self.repurchase * usual) / (n_came + self.repurchase)
        curve = []
        for counts in (came, there):
            cell = counts.tocoo()
            ratio = _ratio_bin(cell.coords[1], interval[cell.coords[0]])
            curve.append(np.bincount(ratio, cell.data, minlength=2 * _MOST_RATIO + 1))
        rate = (came.sum() + 1) / (there.sum() + 1)
        # One repeat in as many chances as it takes on average: few rows give a ratio near 1.
        self._curve = (curve[0] + 1) / (curve[1] + 1 / rate) / rate
        self._interval = np.full(len(self.classes_), usual)
        place = self._positions(self._items, self.classes_)
        self._interval[place[place >= 0]] = interval[place >= 0]
        self.interval_ = _age_of(self._interval)

    def _sparse_score(self, X, gaps=None):
        """Return the shares of the items in the window, and the weight of the popularity."""
        if self.half_life is None and self.repurchase is None:
            own = self._memberships(X, self.classes_, 1.0, once=False)
        else:
            self._check_gaps(X, gaps)
            row, item, gap = self._cells(X, gaps, self.classes_)
            value = np.ones(len(gap))
            if self.half_life is not None:
                value = 0.5 ** (gap / self.half_life)
            if self.repurchase is not None:
                key, cell = np.unique(row * len(self.classes_) + item, return_inverse=True)
                latest = np.full(len(key), np.inf)
                np.minimum.at(latest, cell, gap)
                value *= self._curve[_ratio_bin(_age_bin(latest[cell]), self._interval[item])]
            own = sparse.csr_array((value, (row, item)), shape=(len(X), len(self.classes_)))
        total = np.asarray(own.sum(axis=1)) + self.smoothing
        own.data /= np.repeat(total, np.diff(own.indptr))
        return own, self.smoothing / total

    def _cells(self, X, gaps, items):
        """Return the row, the item and the age of each place of a window that has such an item."""
        item = self._positions(X, items)
        row, column = np.nonzero(item >= 0)
        return row, item[row, column], gaps[row, column]

    def _check_gaps(self, X, gaps):
        """Raise if the age of an item is not known."""
        if gaps is None:
            raise ValueError(
                "half_life and repurchase need the age of each item, in columns gap__lag1, … "
                "beside item__lag1, …: use SequenceRecommender(gaps=True)."
            )
        wrong = ~np.isnan(X) & ~(gaps >= 0)
        if wrong.any():
            row = int(wrong.any(axis=1).argmax())
            raise ValueError(
                f"row {row} has an item with an age of {gaps[row][wrong[row]][0]:g}: ages must be "
                "at least 0."
            )


def _age_bin(age):
    """Return the number of half octaves of an age, above the smallest bin."""
    octave = np.log2(np.maximum(age, 2.0**_LEAST_OCTAVE)) - _LEAST_OCTAVE
    return np.minimum(np.rint(2 * octave).astype(np.int64), _MOST_AGES - 1)


def _age_of(number):
    """Return the age of a number of half octaves."""
    return 2.0 ** (number / 2 + _LEAST_OCTAVE)


def _ratio_bin(age, interval):
    """Return the number of half octaves of an age over an interval, from 0 up."""
    ratio = np.rint(age - interval).astype(np.int64)
    return np.clip(ratio, -_MOST_RATIO, _MOST_RATIO) + _MOST_RATIO
