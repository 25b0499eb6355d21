from typing import Any

import numpy as np
import pandas as pd
from sktime.split.base import BaseSplitter

from sklearn_tsrec._times import show
from sklearn_tsrec._typing import ArrayLike
from sklearn_tsrec.model_selection import PanelTimeSeriesSplit


class TsrecSplitter(BaseSplitter):
    """Split with a splitter of this package in sktime's ``evaluate`` and searches.

    Parameters
    ----------
    cv : PanelTimeSeriesSplit
        Cuts all series at the same times. Its ``horizon`` and ``gap``, numbers of steps, are the
        forecasting horizon.

    See Also
    --------
    SktimeSplit : The way back.

    Raises
    ------
    ValueError
        If ``horizon`` or ``gap`` is not a number of steps.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec import PanelTimeSeriesSplit
    >>> from sklearn_tsrec.sktime import TsrecSplitter
    >>> y = pd.Series(range(6))
    >>> splitter = TsrecSplitter(PanelTimeSeriesSplit(2, horizon=2))
    >>> splitter.fh
    array([1, 2])
    >>> for train, test in splitter.split(y):
    ...     print(train, test)
    [0 1] [2 3]
    [0 1 2 3] [4 5]
    """

    _tags = {  # noqa: RUF012
        "authors": ["sklearn-tsrec developers"],
        "maintainers": ["sklearn-tsrec developers"],
        "split_hierarchical": True,
        "split_series_uses": "iloc",
    }

    def __init__(self, cv: Any):
        self.cv = cv
        super().__init__()

    def _fh(self):
        """Return the steps from the last time of training to those of the test."""
        for name in ("horizon", "gap"):
            length = getattr(self.cv, name, None)
            if not isinstance(length, (int, np.integer)):
                raise ValueError(
                    f"cv={show(self.cv)} has {name}={show(length)}: sktime counts the steps of "
                    "its forecasting horizon, so give a PanelTimeSeriesSplit with integers."
                )
        return self.cv.gap + np.arange(1, self.cv.horizon + 1)

    def _split(self, y):
        """Yield the row numbers of training and test."""
        yield from self.cv.split(pd.DataFrame(index=y))

    def get_n_splits(self, y: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        y : object
            Not used.

        Returns
        -------
        int
        """
        return self.cv.get_n_splits()

    def get_cutoffs(self, y: ArrayLike | pd.DataFrame):
        """Return the row of the last time in training, for each fold.

        Parameters
        ----------
        y : Series, DataFrame or Index
            Series or panel.

        Returns
        -------
        int array of shape (n_splits,)
        """
        index = self._coerce_to_index(y)
        times = index.get_level_values(-1)
        return np.array([train[times[train].argmax()] for train, _ in self.split(index)])

    @classmethod
    def get_test_params(cls, parameter_set: str = "default"):
        """Return parameters of instances to test.

        Parameters
        ----------
        parameter_set : str, default="default"
            Not used: there is one set.

        Returns
        -------
        list of dict
        """
        return [
            {"cv": PanelTimeSeriesSplit(2)},
            {"cv": PanelTimeSeriesSplit(1, horizon=2, gap=1)},
        ]
