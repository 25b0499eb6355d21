"""SeriesScaler: bring every series to one scale."""

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._keys import KeyedMixin, read_groups, sorted_groups
from sklearn_tsrec._sklearn import StrOptions, fit_context
from sklearn_tsrec._typing import Columns, Key, Table
from sklearn_tsrec.preprocessing._keyed_table import KeyedTableTransformer


class SeriesScaler(KeyedTableTransformer):
    """Scale each series by its own training values.

    Parameters
    ----------
    method : {"standard", "robust", "minmax"}, default="standard"
        What to subtract and divide by: mean and standard deviation (divided by n); median and
        interquartile range; minimum and range.
    columns : str, int, list of these or None, default=None
        Columns to scale. None means all but the keys.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series. The time only says what not to scale.

    Attributes
    ----------
    groups_ : Index
        The series seen in ``fit``.
    center_, scale_ : arrays of shape (n_series + 1, n_columns)
        What is subtracted from and divides each series; the last row is for series never seen,
        from all training rows together. Equal values have scale 1.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if X has names that are strings.

    Raises
    ------
    ValueError
        If a parameter, a key or a column is not valid.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : One scale for all rows.

    Notes
    -----
    Missing values are left out and stay missing. A column of a series without any value is scaled
    as series never seen are. A training row is scaled with the whole training table, as by
    scikit-learn's scalers.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.preprocessing import SeriesScaler
    >>> X = pd.DataFrame({
    ...     "store": ["a", "b", "a", "b"],
    ...     "day": [1, 1, 2, 2],
    ...     "sales": [1.0, 100.0, 3.0, 300.0],
    ... })
    >>> scaler = SeriesScaler("minmax", group="store", time="day")
    >>> scaler.fit_transform(X)
      store  day  sales
    0     a    1    0.0
    1     b    1    0.0
    2     a    2    1.0
    3     b    2    1.0
    >>> scaler.inverse_transform(scaler.transform(X)).equals(X)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "method": [StrOptions({"standard", "robust", "minmax"})],
        "columns": [str, Integral, "array-like", None],
        **KeyedMixin._key_constraints,
    }

    def __init__(
        self,
        method: str = "standard",
        *,
        columns: Columns = None,
        group: Columns = None,
        time: Key | None = None,
    ):
        self.method = method
        self.columns = columns
        self.group = group
        self.time = time

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Table, y: Any = None) -> Self:
        """Learn the scale of each series.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Keyed table.
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        X = self._check_table(X, reset=True)
        codes, groups = read_groups(X, self.group, self.time)
        self.groups_, codes = sorted_groups(groups, codes)
        values = pd.DataFrame(self._values(X))
        own = self._learn(values.groupby(codes))
        pooled = self._learn(values.groupby(np.zeros(len(codes))))
        self.center_, self.scale_ = (
            np.vstack([np.where(np.isnan(one), rest, one), rest]) for one, rest in zip(own, pooled)
        )
        # A column without any value at all stays as it is: missing.
        self.center_ = np.nan_to_num(self.center_)
        self.scale_[np.isnan(self.scale_)] = 1.0
        return self

    def _learn(self, series):
        """Return the center and the scale of each series, NaN without values."""
        low, high = series.min().to_numpy(), series.max().to_numpy()
        if self.method == "standard":
            center, scale = series.mean().to_numpy(), series.std(ddof=0).to_numpy()
        elif self.method == "robust":
            center = series.median().to_numpy()
            scale = series.quantile(0.75).to_numpy() - series.quantile(0.25).to_numpy()
        else:
            center, scale = low, high - low
        # Rounding in the mean of equal values must not look like variation.
        return np.where(low == high, low, center), np.where(
            (low == high) | (scale == 0), 1.0, scale
        )

    def transform(self, X: Table):
        """Scale a table.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Keyed table.

        Returns
        -------
        X_out : table of the kind of X, of shape (n, p)
        """
        X, rows = self._rows(X)
        values = (self._values(X) - self.center_[rows]) / self.scale_[rows]
        return self._output(self._replace(X, values))

    def inverse_transform(self, X: Table):
        """Undo the scaling of a table.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Keyed table of scaled values.

        Returns
        -------
        X_out : table of the kind of X, of shape (n, p)
        """
        X, rows = self._rows(X)
        return self._replace(X, self._values(X) * self.scale_[rows] + self.center_[rows])

    def _rows(self, X):
        """Return the checked table, and the row of the scales that belongs to each of its rows."""
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        codes, groups = read_groups(X, self.group, self.time)
        return X, self.groups_.get_indexer(groups)[codes]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.group is None  # the time is not read
        return tags
