from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted
from sktime.transformations.lag import Lag
from tqdm import tqdm

from sklearn_tsrec._history import History
from sklearn_tsrec._keys import KeyedMixin
from sklearn_tsrec._sklearn import HasMethods, check_feature_names_in, fit_context
from sklearn_tsrec._times import show
from sklearn_tsrec._typing import ArrayLike, Columns, Freq, Key, Table
from sklearn_tsrec.sktime._series import is_per_series, time_index, transform_series


class SktimeTransformer(KeyedMixin, MetaEstimatorMixin, TransformerMixin, BaseEstimator):
    """Make features with any sktime transformer of series, and keep the rows of the table.

    Each series has a transformer of its own.

    Parameters
    ----------
    transformer : sktime transformer, default=None
        Series to series, such as ``Differencer()``: a row gets the values at its time. Or series
        to features, such as ``SummaryTransformer()``: all rows of a series get the same. It is
        cloned for each series. None is ``Lag(1)``. Its parameters are reached by names such as
        ``transformer__lags``.
    columns : str, int, list of these or None, default=None
        Columns to transform. None takes all that are not keys.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step, such as ``"D"`` or ``"15min"``. None counts events.
    n_jobs : int, default=None
        Series that are transformed at once.
    verbose : int, default=0
        Whether to show progress.

    Attributes
    ----------
    transformers_ : list of sktime transformer
        The fitted transformer of each series in ``groups_``.
    groups_ : Index
        The series.
    freq_ : str, number or None
        The length of a step.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if X has names that are strings.

    See Also
    --------
    SktimeRegressor : Forecasters of sktime.
    sklearn_tsrec.LagFeatures, sklearn_tsrec.WindowFeatures : Quicker, and never look ahead.

    Notes
    -----
    *What is guaranteed*: transformers are fitted to the training table alone, and never see a
    target. ``transform`` gives them each series whole, remembered rows and given rows together, so
    the first test rows see the end of training.

    *What is not*: that a row is made of its past. A smoother, a decomposition or a summary looks
    at rows of the same call that are later, and a training row at all of training. Use these for
    columns that are known ahead, or call ``transform`` for one time after the other.

    A transformer that takes no missing values raises at a hole of a series. Series not seen in
    ``fit`` are NaN.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktime.transformations.difference import Differencer
    >>> from sklearn_tsrec.sktime import SktimeTransformer
    >>> days = pd.date_range("2024-01-01", periods=3)
    >>> index = pd.MultiIndex.from_product([["a", "b"], days], names=["store", "day"])
    >>> X = pd.DataFrame({"price": [1.0, 2, 4, 9, 9, 8]}, index)
    >>> transformer = SktimeTransformer(Differencer()).set_output(transform="pandas")
    >>> transformer.fit_transform(X)
                      price
    store day
    a     2024-01-01    0.0
          2024-01-02    1.0
          2024-01-03    2.0
    b     2024-01-01    0.0
          2024-01-02    0.0
          2024-01-03   -1.0
    """

    _parameter_constraints: ClassVar[dict] = {
        "transformer": [HasMethods(["fit", "transform", "get_tag", "clone"]), None],
        "columns": [str, Integral, list, tuple, None],
        "freq": [str, Real, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        **KeyedMixin._key_constraints,
    }

    def __init__(
        self,
        transformer: Any = None,
        *,
        columns: Columns = None,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
        n_jobs: int | None = None,
        verbose: int = 0,
    ):
        self.transformer = transformer
        self.columns = columns
        self.group = group
        self.time = time
        self.freq = freq
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: Any = None) -> Self:
        """Fit a transformer to each series.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            One row for each time of each series, in any order.
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a key is missing or repeats, or the transformer cannot take the data.
        ImportError
            If the transformer needs a package that is not installed.
        """
        X = self._check_table(X, reset=True)
        transformer = Lag(1) if self.transformer is None else self.transformer
        self._per_series = is_per_series(transformer)
        keys = self._fit_keys(X)
        values, self._names = self._select_columns(X, self.columns)
        if not self._names:
            raise ValueError(
                f"there is no column to transform: columns={show(self.columns)}, and X has "
                f"n_features={X.shape[1]}, keys included."
            )
        self._history = History.build(keys, values)
        tasks = []
        for code in range(len(self.groups_)):
            table = self._table(self._history, code, transformer)[0]
            tasks.append(delayed(transform_series)(transformer.clone(), table, fit=True))
        done = self._run(tasks, "fit")
        self.transformers_ = [fitted for fitted, _ in done]
        self._names_out = np.array([str(name) for name in done[0][1].columns], dtype=object)
        return self

    def transform(self, X: Table) -> Table:
        """Return the features of each row.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Any mix of rows, in any order. They replace remembered rows of the same keys.

        Returns
        -------
        array of shape (m, n_features)
            NaN where the transformer gives no value at the time of a row.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        keys = self._read_keys(X)
        values = self._select_columns(X, self.columns)[0]
        pool, order, place = self._history.overlay(keys, values)
        series = keys.codes[order]
        bounds = np.flatnonzero(np.diff(series, prepend=-1, append=keys.n_series))
        tasks, wanted = [], []
        for low, high in pairwise(bounds):
            code = series[low]
            if code < keys.n_known:
                table, first = self._table(pool, code, self.transformers_[code])
                tasks.append(delayed(transform_series)(self.transformers_[code], table))
                at = place[low:high]
                steps = pool.ticks[at] if self._frequency is not None else at - pool.starts[code]
                wanted.append((order[low:high], table.index[steps - first]))
        out = np.full((len(order), len(self._names_out)), np.nan)
        for (rows, times), (_, features) in zip(wanted, self._run(tasks, "transform")):
            if not self._per_series:
                features = features.reindex(times)
            out[rows] = features.to_numpy(dtype=np.float64)
        return out

    def _run(self, tasks, what):
        """Run tasks in parallel, with progress."""
        done = Parallel(n_jobs=self.n_jobs, return_as="generator")(tasks)
        return list(tqdm(done, total=len(tasks), desc=what, disable=not self.verbose))

    def _table(self, history, code, transformer):
        """Return one series at every step from its first row to its last, and the first step."""
        low, high = history.starts[code : code + 2]
        if self._frequency is None:
            first, values = 0, history.values[low:high]
        else:
            first, last = history.ticks[[low, high - 1]]
            values = np.column_stack(
                [
                    history.windows([code], [first], np.arange(last - first + 1), column)[0]
                    for column in range(history.values.shape[1])
                ]
            )
        index = time_index(self._frequency, first, len(values))
        if np.isnan(values).any() and not transformer.get_tag("capability:missing_values"):
            i, j = np.argwhere(np.isnan(values))[0]
            raise ValueError(
                f"column {self._names[j]!r} is missing in series {show(self.groups_[code])} at "
                f"{index[i]}, and {type(transformer).__name__} takes no missing values: fill it "
                "first, for example with SeriesImputer, or with sktime's Imputer in front of it."
            )
        return pd.DataFrame(values, index, self._names), first

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names that the transformer gives its features.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Only to be checked against the names seen in ``fit``.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features)
        return self._names_out

    def _takes_nan(self):
        return self.transformer is None or bool(
            self.transformer.get_tag("capability:missing_values")
        )
