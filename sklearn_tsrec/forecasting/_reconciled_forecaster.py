from numbers import Real
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._keys import KeyedMixin, key_frame, read_groups
from sklearn_tsrec._sklearn import HasMethods, StrOptions, fit_context
from sklearn_tsrec._table import check_target
from sklearn_tsrec._times import show
from sklearn_tsrec._typing import ArrayLike, Columns, Estimator, Freq, Key, Table
from sklearn_tsrec.forecasting._window_forecaster import WindowForecaster
from sklearn_tsrec.model_selection._folds import update_all, with_keys

_NAMES = ["node", "time"]


class ReconciledForecaster(MetaEstimatorMixin, RegressorMixin, KeyedMixin, BaseEstimator):
    """Forecast series and their sums, such that the forecasts add up.

    The levels of the group are the hierarchy: with series named by (state, region) there are
    regions, states and the total. One forecaster learns from all of these series; then its
    forecasts are moved as little as possible so that those of the parts sum to that of the whole.

    Parameters
    ----------
    estimator : regressor, default=None
        Any regressor on keyed tables. It is given a table with an index of (node, time), and its
        keys are set for that. None is ``WindowForecaster()``.
    reconcile : {"mint", "ols", "bottom-up"}, default="mint"
        - ``"bottom-up"`` forecasts the bottom series and sums them;
        - ``"ols"`` takes the closest sums to all forecasts, each series counting the same [1]_;
        - ``"mint"`` takes those of least variance, given the covariance of the errors that the
          fitted forecaster makes in the later half of training, shrunk to its diagonal [2]_.
    columns : {"mean", "sum"}, default="mean"
        How the columns of X are put together for a sum of series.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys, the widest group first. None reads the index of a
        DataFrame: the last level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step, such as ``"D"``. None counts events.

    Attributes
    ----------
    estimator_ : regressor
        The fitted forecaster of all nodes.
    nodes_ : Index
        The nodes, from the total to the bottom series. A level that is the same as one below it
        is left out.
    sum_matrix_ : array of shape (n_nodes, n_bottom)
        Which bottom series each node sums.
    weights_ : array of shape (n_bottom, n_nodes)
        What makes the bottom forecasts of those of all nodes.
    groups_ : Index
        The bottom series.
    freq_ : str, number or None
        The length of a step.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if X has names that are strings.

    See Also
    --------
    ConformalForecaster : Gives it intervals.

    Notes
    -----
    A series without a row at a time adds nothing to the sums of that time; a target that is NaN
    makes them NaN. At times for which not all series are asked for, forecasts are summed as they
    are, for it is not known what the others add to a whole.

    References
    ----------
    .. [1] R. J. Hyndman, R. A. Ahmed, G. Athanasopoulos and H. L. Shang (2011), "Optimal
       combination forecasts for hierarchical time series", Computational Statistics & Data
       Analysis 55(9).
    .. [2] S. L. Wickramasuriya, G. Athanasopoulos and R. J. Hyndman (2019), "Optimal forecast
       reconciliation for hierarchical and grouped time series through trace minimization", Journal
       of the American Statistical Association 114(526).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.forecasting import ReconciledForecaster, WindowForecaster
    >>> days = pd.date_range("2024-01-01", periods=9)
    >>> index = pd.MultiIndex.from_product([["a", "b"], days], names=["shop", "day"])
    >>> X, y = pd.DataFrame(index=index), [1, 2, 3] * 3 + [4, 3, 2] * 3
    >>> past = X.index.get_level_values("day") < days[8]
    >>> model = ReconciledForecaster(WindowForecaster(window=3), reconcile="ols")
    >>> model = model.fit(X[past], [value for value, known in zip(y, past) if known])
    >>> model.predict_sums(X[~past]).round(1)
    node   time
    total  2024-01-09    5.0
    a      2024-01-09    2.9
    b      2024-01-09    2.1
    dtype: float64
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "reconcile": [StrOptions({"mint", "ols", "bottom-up"})],
        "columns": [StrOptions({"mean", "sum"})],
        "freq": [str, Real, None],
        **KeyedMixin._key_constraints,
    }

    def __init__(
        self,
        estimator: Estimator = None,
        *,
        reconcile: str = "mint",
        columns: str = "mean",
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
    ):
        self.estimator = estimator
        self.reconcile = reconcile
        self.columns = columns
        self.group = group
        self.time = time
        self.freq = freq

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Fit the forecaster to all nodes, and learn how to make them add up.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            One row for each time of each bottom series, in any order.
        y : array-like of shape (n,)
            The target of the bottom series; NaN marks a missing value.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the errors in training are too few to learn their covariance from.
        """
        X = self._check_table(X, reset=True)
        keys = self._fit_keys(X)
        y = check_target(y, X.shape[0], estimator=self).astype(np.float64, copy=False)
        self._fit_nodes()
        table, target = self._sum_rows(X, keys.codes, y)
        estimator = WindowForecaster() if self.estimator is None else self.estimator
        estimator = with_keys(estimator, {"group": None, "time": None, "freq": self.freq})
        self.estimator_ = estimator.fit(table, target)
        n_bottom = len(self.groups_)
        if self.reconcile == "bottom-up" or not self._n_upper:
            self.weights_ = np.eye(len(self.nodes_))[-n_bottom:]
        elif self.reconcile == "ols":
            self.weights_ = bottom_weights(self.sum_matrix_)
        else:
            covariance = shrunken_covariance(self._training_errors(table, target))
            self.weights_ = bottom_weights(self.sum_matrix_, covariance)
        return self

    def update(self, X: Table, y: ArrayLike) -> Self:
        """Remember more rows without fitting again, where the forecaster can.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Rows of the bottom series.
        y : array-like of shape (n,)
            Their target.

        Returns
        -------
        self : object
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        y = check_target(y, X.shape[0], estimator=self).astype(np.float64, copy=False)
        update_all([self.estimator_], *self._sum_rows(X, self._read_codes(X), y), "update")
        return self

    def predict(self, X: Table) -> np.ndarray:
        """Return the reconciled forecast of each row.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows of bottom series, in any order.

        Returns
        -------
        array of shape (m,)

        Raises
        ------
        ValueError
            If a series was not in the training table, so that it is not known what it adds to.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        codes = self._read_codes(X)
        if not self._n_upper:
            return np.asarray(self.estimator_.predict(self._sum_rows(X, codes)))
        bottom, times = self._reconcile(X, codes)
        return bottom[times.get_indexer(self._times(X)), codes]

    def predict_sums(self, X: Table) -> pd.Series:
        """Return the reconciled forecasts of all nodes.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows of bottom series, in any order.

        Returns
        -------
        Series
            Forecasts with an index of (node, time), from the total to the bottom. The forecast of a
            node is the sum of those of its series that have a row.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        bottom, times = self._reconcile(X, self._read_codes(X))
        known = ~np.isnan(bottom)
        sums = np.where(known, bottom, 0) @ self.sum_matrix_.T
        asked = (known @ self.sum_matrix_.T > 0).T.ravel()
        index = pd.MultiIndex.from_product([self.nodes_, times], names=_NAMES)
        return pd.Series(sums.T.ravel(), index)[asked]

    # ---- the hierarchy

    def _fit_nodes(self):
        """Learn the nodes and which series they sum."""
        labels = self.groups_.to_frame(index=False)
        n_bottom = len(labels)
        names, parents = [], []
        for depth in range(labels.shape[1]):
            code = np.zeros(n_bottom, dtype=np.int64)
            if depth:
                code = labels.groupby(list(labels.columns[:depth])).ngroup().to_numpy()
            n_nodes = int(code.max()) + 1
            if n_nodes == n_bottom or (parents and n_nodes == len(np.unique(parents[-1]))):
                continue
            parents.append(code + len(names))
            first = np.unique(code, return_index=True)[1]
            names += [_label(labels.iloc[row, :depth]) for row in first]
        self._n_upper = len(names)
        names += [_label(labels.iloc[row]) for row in range(n_bottom)]
        self.nodes_ = pd.Index(names, dtype=object, name="node")
        if not self.nodes_.is_unique:
            again = self.nodes_[self.nodes_.duplicated()][0]
            raise ValueError(
                f"two nodes of the hierarchy are called {again!r}: rename the groups so that their "
                "labels differ."
            )
        parents = np.array(parents, dtype=np.int64).reshape(-1, n_bottom)
        self._levels = [*parents, self._n_upper + np.arange(n_bottom)]
        self.sum_matrix_ = sum_matrix(parents, self._n_upper)

    def _sum_rows(self, X, codes, y=None):
        """Return the table of all nodes, with an index of (node, time), and its target."""
        values, names = self._select_columns(X, None)
        table, times = pd.DataFrame(values, columns=names), self._times(X)
        if not self._n_upper:  # events may share a time
            table = table.set_axis(pd.MultiIndex.from_arrays([self.nodes_[codes], times]))
            return table if y is None else (table, y)
        nodes = np.concatenate([level[codes] for level in self._levels])
        rows = np.tile(np.arange(len(codes)), len(self._levels))
        by = [nodes, times.take(rows)]
        grouped = table.take(rows).groupby(by)
        size = grouped.size()
        index = pd.MultiIndex.from_arrays(
            [self.nodes_.take(size.index.get_level_values(0)), size.index.get_level_values(1)],
            names=_NAMES,
        )
        summed = getattr(grouped, self.columns)() if names else pd.DataFrame(index=size.index)
        summed = summed.set_axis(index)
        if y is None:
            return summed
        y = pd.Series(y[rows]).groupby(by)
        return summed, y.sum().where(y.count() == size).to_numpy()

    def _training_errors(self, table, target):
        """Return errors of all nodes at the later half of the times with all of them."""
        errors = pd.Series(target - np.asarray(self.estimator_.predict(table)), table.index)
        errors = errors.unstack(0).reindex(columns=self.nodes_).dropna().to_numpy()
        if len(errors) < 4:
            raise ValueError(
                f"reconcile='mint' learns a covariance from errors of all {len(self.nodes_)} nodes "
                f"at the same times, but there are {len(errors)} such times and at least 4 are "
                "needed: use reconcile='ols'."
            )
        return errors[len(errors) // 2 :]

    def _reconcile(self, X, codes):
        """Return reconciled forecasts of shape (n_times, n_bottom), NaN without a row, and times.

        At times without all series the forecasts stay as they are.
        """
        table = self._sum_rows(X, codes)
        base = pd.Series(np.asarray(self.estimator_.predict(table)), table.index)
        base = base.unstack(0).reindex(columns=self.nodes_)
        out = base.to_numpy()[:, self._n_upper :].copy()
        whole = ~base.isna().any(axis=1).to_numpy()
        out[whole] = base.to_numpy()[whole] @ self.weights_.T
        return out, base.index

    def _times(self, X):
        """Return the time of each row."""
        return pd.Index(key_frame(X, self.group, self.time)[0].iloc[:, -1])

    def _read_codes(self, X):
        """Return the series of each row; raise if one is not known."""
        codes, groups = read_groups(X, self.group, self.time)
        known = self.groups_.get_indexer(groups)
        if (known < 0).any():
            raise ValueError(
                f"series {show(groups[known.argmin()])} was not in the training table, so it is "
                "not known what it adds to: fit again with it."
            )
        return known[codes]

    def _takes_nan(self):
        estimator = WindowForecaster() if self.estimator is None else self.estimator
        return get_tags(estimator).input_tags.allow_nan

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # y need not depend on the columns of X
        return tags


def _label(levels):
    """Return the name of a node."""
    return " / ".join(str(level) for level in levels) or "total"


def sum_matrix(parents, n_nodes):
    """Return which bottom series each node sums, bottom series last.

    Parameters
    ----------
    parents : int64 array of shape (n_levels, n_bottom)
        For each level above the bottom, the node of each bottom series.
    n_nodes : int
        Number of nodes above the bottom.

    Returns
    -------
    array of shape (n_nodes + n_bottom, n_bottom)
    """
    n_bottom = parents.shape[1]
    sums = np.zeros((n_nodes + n_bottom, n_bottom))
    for level in parents:
        sums[level, np.arange(n_bottom)] = 1
    sums[n_nodes:] = np.eye(n_bottom)
    return sums


def shrunken_covariance(errors):
    """Return the covariance of errors, shrunk to its diagonal.

    How strongly is estimated from how sure the correlations are.

    Parameters
    ----------
    errors : array of shape (n_times, n_nodes)

    Returns
    -------
    array of shape (n_nodes, n_nodes)

    References
    ----------
    .. [1] J. Schäfer and K. Strimmer (2005), "A shrinkage approach to large-scale covariance matrix
       estimation and implications for functional genomics", Statistical Applications in Genetics
       and Molecular Biology 4(1).
    """
    n = len(errors)
    scale = np.sqrt((errors**2).mean(axis=0))
    unit = errors / np.where(scale > 0, scale, 1)
    correlation = unit.T @ unit / n
    # variance of each mean of products
    unsure = ((unit**2).T @ unit**2 / n - correlation**2) / max(n - 1, 1)
    np.fill_diagonal(unsure, 0)
    off = correlation - np.diag(np.diag(correlation))
    size = (off**2).sum()
    shrink = float(np.clip(unsure.sum() / size, 0, 1)) if size else 1.0
    covariance = correlation * (1 - shrink)
    np.fill_diagonal(covariance, np.diag(correlation))
    # a series that was never off must not make the matrix singular
    floor = 1e-6 * scale.max(initial=0) or 1.0
    scale = np.maximum(scale, floor)
    np.fill_diagonal(covariance, np.maximum(np.diag(covariance), 1.0))
    return covariance * np.outer(scale, scale)


def bottom_weights(sums, covariance=None):
    """Return what makes bottom forecasts of all base forecasts, such that their sums are coherent.

    ``(S' W^-1 S)^-1 S' W^-1``, the generalised least squares fit of the bottom series.

    Parameters
    ----------
    sums : array of shape (n_nodes, n_bottom)
        The sum matrix.
    covariance : array of shape (n_nodes, n_nodes), default=None
        Of the base errors; None is that of equal, independent errors.

    Returns
    -------
    array of shape (n_bottom, n_nodes)
    """
    weighted = sums if covariance is None else np.linalg.solve(covariance, sums)
    return np.linalg.solve(weighted.T @ sums, weighted.T)
