from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import Interval

from sklearn_tsrec.recommendation._window_classifier import WindowClassifier


class PersonalFrequencyClassifier(WindowClassifier, BaseEstimator):
    """Expect the items that fill the window, as often as they occur in it.

    The probability of an item is ``(count in the window + smoothing * popularity) / (items in the
    window + smoothing)``: what a Dirichlet prior, centred on the popularity, makes of the window.
    Without a known item in the window it is the popularity.

    Parameters
    ----------
    smoothing : float, default=1.0
        Weight of the popularity, in events: with as many items in the window as that, it counts
        as much as they do.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The items that can be recommended.
    class_prior_ : array of shape (n_classes,)
        Popularity: the weighted share of each item in the training targets.
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
    }

    def __init__(self, smoothing=1.0):
        self.smoothing = smoothing

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Count how popular the items are.

        Parameters
        ----------
        X : array of shape (n_samples, window)
            Windows of items, the oldest first; NaN stands for no item.
        y : array of shape (n_samples,)
            The item after each window. Items of windows are known by having the same number.
        sample_weight : array of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self
        """
        self._fit_prior(X, y, sample_weight)
        return self

    def _score(self, X):
        items = self._positions(X, self.classes_)
        row, column = np.nonzero(items >= 0)
        proba = np.tile(self.smoothing * self.class_prior_, (len(X), 1))
        np.add.at(proba, (row, items[row, column]), 1.0)
        proba /= (np.bincount(row, minlength=len(X)) + self.smoothing)[:, np.newaxis]
        return proba
