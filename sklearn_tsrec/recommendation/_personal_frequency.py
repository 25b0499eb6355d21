from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from sklearn_tsrec.recommendation._window_classifier import (
    PartialFitMixin,
    ProbabilityMixin,
    WindowClassifier,
)


class PersonalFrequencyClassifier(
    PartialFitMixin, ProbabilityMixin, WindowClassifier, BaseEstimator
):
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
    class_count_ : array of shape (n_classes,)
        The weight of the training rows of each item.
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

    def _sparse_score(self, X):
        """Return the shares of the items in the window, and the weight of the popularity."""
        own = self._memberships(X, self.classes_, 1.0, once=False)
        total = np.asarray(own.sum(axis=1)) + self.smoothing
        own.data /= np.repeat(total, np.diff(own.indptr))
        return own, self.smoothing / total
