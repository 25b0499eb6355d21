from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state

from sklearn_tsrec._keys import read_clock, read_groups
from sklearn_tsrec._typing import Columns, Key, Seed, Table


class LeaveLastOut(BaseCrossValidator):
    """One split: the last events of every series are the test, all others the training data.

    The split common in papers on sequential recommendation. Series end at different times, so
    training holds events that are younger than test events of other series: what is popular
    *then* leaks. :class:`PanelTimeSeriesSplit` with a duration as horizon does not leak.

    Parameters
    ----------
    n_last : int, default=1
        Events per series in the test. A series with no more events than that stays in training
        as a whole, as nothing of it would be left to learn from.
    group : str, int, list of these or None, default=None
        Column(s) that name the series; ``None`` reads the index: all levels before the last.
    time : str, int or None, default=None
        Column of the time; ``None`` reads the last level of the index.
    random_state : int or RandomState instance, default=0
        Events of a series at the same time have no order of their own: one is drawn, so that
        neither the order of rows nor that of item names decides what is last.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.model_selection import LeaveLastOut
    >>> X = pd.DataFrame({"user": ["a", "a", "b", "b", "b"], "time": [3, 1, 1, 2, 9]})
    >>> for train, test in LeaveLastOut(group="user", time="time").split(X):
    ...     print(train, test)
    [1 2 3] [0 4]
    """

    def __init__(
        self,
        n_last: int = 1,
        *,
        group: Columns = None,
        time: Key | None = None,
        random_state: Seed = 0,
    ):
        self.n_last = n_last
        self.group = group
        self.time = time
        self.random_state = random_state

    def get_n_splits(self, X: Table = None, y: Any = None, groups: Any = None) -> int:
        """Return 1.

        Parameters
        ----------
        X, y, groups : object
            Not used, present for the protocol of scikit-learn.

        Returns
        -------
        int
        """
        return 1

    def split(
        self, X: Table, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the row numbers of training and test, once.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            Keyed table of events.
        y : object
            Not used.
        groups : object
            Not used: series are named by ``group``.

        Yields
        ------
        train, test : int arrays, ascending
        """
        n_last = self.n_last
        if isinstance(n_last, bool) or not isinstance(n_last, Integral) or n_last < 1:
            raise ValueError(f"n_last must be an integer of at least 1, got {n_last!r}.")
        codes, _ = read_groups(X, self.group, self.time)
        times, inverse = read_clock(X, self.time)
        draw = check_random_state(self.random_state).permutation(len(codes))
        order = np.lexsort((draw, times.values[inverse], codes))
        count = np.bincount(codes)
        from_end = np.empty(len(codes), dtype=np.int64)
        from_end[order] = np.cumsum(count)[codes[order]] - np.arange(len(codes))
        in_test = (from_end <= n_last) & (count[codes] > n_last)
        if not in_test.any():
            raise ValueError(
                f"no series has more than n_last={n_last} events: there is nothing to test on."
            )
        yield np.flatnonzero(~in_test), np.flatnonzero(in_test)
