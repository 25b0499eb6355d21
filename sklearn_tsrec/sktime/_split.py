from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from sklearn_tsrec._keys import key_frame, read_clock, read_groups, sorted_groups
from sklearn_tsrec._typing import Columns, Key, Table


class SktimeSplit(BaseCrossValidator):
    """Split a keyed table with a splitter of sktime, as ``cv=`` in scikit-learn.

    Parameters
    ----------
    splitter : sktime splitter
        Any splitter, such as ``ExpandingWindowSplitter``.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.

    See Also
    --------
    TsrecSplitter : The way back.
    sklearn_tsrec.PanelTimeSeriesSplit : Cuts all series at the same time.

    Notes
    -----
    Most splitters of sktime count the rows of each series on its own. Where series begin at
    different times they are then cut at different times, and the training rows of one are later
    than the test rows of another: :class:`~sklearn_tsrec.PanelTimeSeriesSplit` never does that.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktime.split import ExpandingWindowSplitter
    >>> from sklearn_tsrec.sktime import SktimeSplit
    >>> X = pd.DataFrame({"shop": ["a", "b"] * 3, "day": pd.date_range("2024-01-01", periods=3)
    ...                   .repeat(2)})
    >>> cv = SktimeSplit(ExpandingWindowSplitter(initial_window=1), group="shop", time="day")
    >>> for train, test in cv.split(X):
    ...     print(train, test)
    [0 1] [2 3]
    [0 1 2 3] [4 5]
    """

    def __init__(self, splitter: Any, *, group: Columns = None, time: Key | None = None):
        self.splitter = splitter
        self.group = group
        self.time = time

    def get_n_splits(self, X: Table, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            Keyed table.
        y, groups : object
            Not used, present for the protocol of scikit-learn.

        Returns
        -------
        int
        """
        # sktime's own count is too large on panels: it takes their rows for those of one series.
        return len(list(self.splitter.split(self._sorted_index(X)[0])))

    def split(self, X: Table, y: Any = None, groups: Any = None):
        """Yield the row numbers of training and test of each fold.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            Keyed table, rows in any order.
        y, groups : object
            Not used, present for the protocol of scikit-learn.

        Yields
        ------
        train, test : int arrays, ascending
        """
        index, order = self._sorted_index(X)
        for train, test in self.splitter.split(index):
            yield np.sort(order[train]), np.sort(order[test])

    def _sorted_index(self, X):
        """Return the keys in the order of series and time, and the rows they belong to."""
        codes, groups = read_groups(X, self.group, self.time)
        groups, codes = sorted_groups(groups, codes)
        times, inverse = read_clock(X, self.time)
        order = np.lexsort((times.values[inverse], codes))
        when = pd.Index(key_frame(X, self.group, self.time)[0].iloc[order, -1], name="time")
        if len(groups) == 1:
            return when, order
        return pd.MultiIndex.from_arrays([codes[order], when], names=["series", "time"]), order
