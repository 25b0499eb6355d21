from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._history import NEVER, History
from sklearn_tsrec._keys import key_frame
from sklearn_tsrec._quantile_levels import check_levels
from sklearn_tsrec._sklearn import HasMethods, StrOptions, fit_context
from sklearn_tsrec._steps_ahead import last_known, naive_scales
from sklearn_tsrec._table import check_target
from sklearn_tsrec._typing import ArrayLike, Columns, Estimator, Freq, Key, Table
from sklearn_tsrec.ensemble._base import TemporalStackingBase
from sklearn_tsrec.ensemble._combiners import (
    FinalEstimator,
    ForecastRows,
    Median,
    OnlineMean,
    WeightedMean,
    warn_of_none,
)
from sklearn_tsrec.model_selection._folds import update_all


def _is_online(stack):
    """Return whether the weights learn as truth arrives."""
    return stack.weights == "online"


def _gives_quantiles(stack):
    """Return whether there is a weighted mean, and all members forecast quantiles."""
    members = getattr(stack, "estimators_", None)
    if members is None:
        members = [member for _, member in stack.estimators if not isinstance(member, str)]
    return stack.final_estimator is None and all(hasattr(m, "predict_quantiles") for m in members)


class TemporalStackingRegressor(RegressorMixin, TemporalStackingBase):
    """Fuse several forecasters by what they forecast in time, out of fold.

    The members forecast the test rows of a splitter in time, each time fitted to the rows before;
    from these forecasts and the truth it is learned how to put them together. Then the members are
    fitted to all rows. Rows that no fold tests are not used to put them together, so that splitters
    in time, which never test the first rows, are right here.

    Parameters
    ----------
    estimators : list of (str, regressor)
        The members, with names: any regressors on keyed tables, such as
        :class:`~sklearn_tsrec.WindowForecaster` and pipelines that begin with our features. Their
        ``group``, ``time`` and ``freq`` are set for them. Parameters are reached by name,
        ``linear__window``, and a member set to ``"drop"`` is left out.
    final_estimator : regressor, default=None
        Learns the target from the forecasts of the members. None is a weighted mean,
        see ``weights``, ``per``, ``shrinkage`` and ``share``.
    cv : int, splitter, iterable or None, default=None
        The folds. Each must test rows later than those it trains on. An integer is the number of
        splits of a :class:`~sklearn_tsrec.PanelTimeSeriesSplit` of one step, None is three; give
        one with the ``horizon`` that will be forecast. Its keys are set for it.
    weights : str or None, default=None
        How the weights of the mean are found. All of them are at least 0 and sum to 1.

        - ``"equal"`` does not learn them;
        - ``"median"`` takes the median of the members and has no weights;
        - ``"nnls"`` makes the sum of squared errors least [1]_;
        - ``"ridge"``, which None is as well, does so shrunk to equal weights [2]_, and divides
          the squares of each row by the mean absolute error of the members in it, so that they
          count much like absolute errors;
        - ``"greedy"`` picks one member after another, each to make the mean of all picks best [3]_;
        - ``"online"`` gives weight by past losses, time after time, and goes on by
          :meth:`partial_fit` [4]_ [5]_.
    per : {"horizon", "group"} or None, default=None
        What has weights of its own: each step ahead, or each series. They are shrunk to those over
        all rows, the more, the fewer rows they are learned from.
    shrinkage : float, default=100
        How strongly: the number of rows that the weights over all rows count for.
    share : float, default=0.01
        Share of all weight that ``"online"`` deals out equally after each time, so that a member
        which becomes the best later is found soon. 0 are exponential weights, which expect the same
        member to be the best all the time.
    passthrough : bool, default=False
        Whether ``final_estimator`` also sees the columns of X that are no keys.
    refit : bool, default=True
        Whether members are fitted again, to all rows. If not, those of the last fold stay and are
        only given the other rows, by their ``update``.
    memory : str, joblib.Memory or None, default=None
        Where fits of members are kept. They are found again by the content of the member and the
        rows, so that a search over ``final_estimator`` or ``weights`` fits no member twice.
    n_jobs : int, default=None
        Number of jobs; each fits a member in a fold.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step, such as ``"D"``. None counts events.
    verbose : int, default=0
        Whether to show the progress of fits.

    Attributes
    ----------
    estimators_ : list of regressor
        The fitted members that were not dropped.
    member_names_ : list of str
        Their names.
    named_estimators_ : Bunch
        The fitted members by name.
    final_estimator_ : regressor or None
        The fitted final estimator.
    weights_ : DataFrame of shape (n_members, n_cells) or None
        The weights of members; with ``per``, a column for each step ahead or series. Steps beyond
        the last are weighed like it. None where there are none.
    pooled_weights_ : Series of shape (n_members,) or None
        The weights over all rows, which series not seen in ``fit`` have.
    weights_over_time_ : DataFrame of shape (n_times, n_members)
        With ``weights="online"``, the weights over all rows after each time they learned from.
    out_of_fold_ : DataFrame
        Keys, ``fold``, ``cutoff``, ``step``, ``y_true`` and the forecast of each member, of all
        rows that a fold tests.
    failures_ : DataFrame
        Which member gave no forecast (NaN or infinite) in which fold, for which series, and for how
        many rows.
    groups_ : Index
        The series remembered.
    freq_ : str, number or None
        The length of a step.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if X has names that are strings.

    See Also
    --------
    sklearn.ensemble.StackingRegressor : For rows without a time; it refuses splitters in time.
    sklearn_tsrec.model_selection.PanelTimeSeriesSplit : The folds.

    Notes
    -----
    *Units.* The forecasts of large series must not decide the weights of small ones. Errors are
    divided by the mean absolute difference between neighbouring targets of the series (series
    without a difference take the mean of the others), and so are the target and the forecasts that
    a ``final_estimator`` learns from and is given.

    *Members that fail.* Where a member gives no forecast, the weights of the others are scaled up
    to 1; a ``final_estimator`` is given the mean of the others instead. A member without a single
    out-of-fold forecast has no weight. Where no member has a forecast, the result is NaN, with a
    warning.

    *Steps ahead* are counted from the last known target of the series, across a gap as well. Rows
    of the training table are one step ahead: members give their fitted values for them.

    *Regret.* With ``weights="online"``, absolute losses that differ by at most B, and ``share=0``,
    the mean loss over t times exceeds that of the best of K members by at most
    ``B (sqrt(2 log(K) / t) + sqrt(log(K) / 8) / t)``, whatever the series do ([4]_, theorem 2.3).

    References
    ----------
    .. [1] L. Breiman (1996), "Stacked regressions", Machine Learning 24.
    .. [2] F. X. Diebold and P. Pauly (1990), "The use of prior information in forecast
       combination", International Journal of Forecasting 6(4).
    .. [3] R. Caruana, A. Niculescu-Mizil, G. Crew and A. Ksikes (2004), "Ensemble selection from
       libraries of models", ICML.
    .. [4] N. Cesa-Bianchi and G. Lugosi (2006), "Prediction, Learning, and Games", Cambridge
       University Press, chapters 2 and 5.
    .. [5] M. Herbster and M. K. Warmuth (1998), "Tracking the best expert", Machine Learning 32.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec import PanelTimeSeriesSplit, WindowForecaster
    >>> from sklearn_tsrec.ensemble import TemporalStackingRegressor
    >>> X = pd.DataFrame(index=pd.date_range("2024-01-01", periods=40, name="day"))
    >>> y = [1.0, 2.0, 4.0, 2.5] * 10
    >>> stack = TemporalStackingRegressor(
    ...     [("season", WindowForecaster(window=[4])), ("last", WindowForecaster(window=1))],
    ...     cv=PanelTimeSeriesSplit(2, horizon=4), weights="nnls",
    ... ).fit(X[:36], y[:36])
    >>> stack.weights_
            all
    season  1.0
    last    0.0
    >>> stack.predict(X[36:]).round(1)
    array([1. , 2. , 4. , 2.5])
    """

    _parameter_constraints: ClassVar[dict] = {
        "final_estimator": [HasMethods(["fit", "predict"]), None],
        "weights": [
            StrOptions({"equal", "median", "nnls", "ridge", "greedy", "online"}),
            None,
        ],
        **TemporalStackingBase._stack_constraints,
    }

    def __init__(
        self,
        estimators: list,
        final_estimator: Estimator = None,
        *,
        cv: Any = None,
        weights: str | None = None,
        per: str | None = None,
        shrinkage: float = 100.0,
        share: float = 0.01,
        passthrough: bool = False,
        refit: bool = True,
        memory: Any = None,
        n_jobs: int | None = None,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
        verbose: int = 0,
    ):
        self.estimators = estimators
        self.final_estimator = final_estimator
        self.cv = cv
        self.weights = weights
        self.per = per
        self.shrinkage = shrinkage
        self.share = share
        self.passthrough = passthrough
        self.refit = refit
        self.memory = memory
        self.n_jobs = n_jobs
        self.group = group
        self.time = time
        self.freq = freq
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Forecast out of fold, learn how to put forecasts together, and fit the members.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            One row for each time of each series, in any order.
        y : array-like of shape (n,)
            The target; NaN marks a missing value, where the members take it.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no member, a name is taken, the table is shorter than the folds, a fold
            tests rows that are not later than its training rows, or there is nothing to learn from.
        """
        self._check_final()
        X = self._check_table(X, reset=True)
        y = check_target(y, X.shape[0], estimator=self)
        keys = self._fit_keys(X)
        rows, forecasts = self._fit_members(X, y, keys, "predict")
        self._remember(History.build(keys, y))
        forecasts = np.concatenate([np.column_stack(fold) for fold in forecasts])
        self.out_of_fold_ = self.out_of_fold_.assign(**dict(zip(self.member_names_, forecasts.T)))
        self._report_failures(np.isnan(forecasts))
        usable = ~np.isnan(y[rows]) & ~np.isnan(forecasts).all(axis=1)
        if not usable.any():
            raise ValueError(
                "no out-of-fold row has both a known target and a forecast of some member: there "
                "is nothing to learn from. Use other folds or members."
            )
        steps = self.out_of_fold_["step"].to_numpy()
        self._set_cells(steps)
        rows, steps, forecasts = rows[usable], steps[usable], forecasts[usable]
        codes, columns = keys.codes[rows], self._passed(X)
        self._combiner = self._make_combiner()
        members = ForecastRows(
            forecasts[:, :, np.newaxis],
            self._cells(codes, steps),
            columns if columns is None else columns[rows],
            self._units(codes),
            keys.ticks[rows],
        )
        self._combiner.learn(members, y[rows])
        self._publish(self._combiner)
        if self.weights == "online":
            self.weights_over_time_ = self._path(X, rows, members.ticks)
        columns = self._select_columns(X[:1], None)[1] if self.passthrough else []
        prefix = type(self).__name__.lower()
        self._names_out = [*(f"{prefix}_{name}" for name in self.member_names_), *columns]
        return self

    def _remember(self, history):
        """Remember targets, and with them where series end and what their unit is."""
        self._targets = history
        y = history.values[:, 0]
        self._last = last_known(history.codes, history.ticks, y, history.n_series)
        self._scales = naive_scales(history)

    def _units(self, codes):
        """Return the unit of the series of each row; unseen ones have the mean of the others."""
        known = codes < len(self._scales)
        return np.where(known, self._scales[np.where(known, codes, 0)], self._scales.mean())

    def _make_combiner(self):
        """Return what puts forecasts together."""
        n_cells = len(self._cell_labels)
        if self.final_estimator is not None:
            return FinalEstimator(self.final_estimator)
        if self.weights == "median":
            return Median()
        if self.weights == "online":
            return OnlineMean(n_cells, self.shrinkage, self.share)
        method = "ridge" if self.weights is None else self.weights
        return WeightedMean(method, n_cells, self.shrinkage)

    def _path(self, X, rows, ticks):
        """Return the weights after each time that was learned from last."""
        times = key_frame(X, self.group, self.time)[0].iloc[rows, -1]
        times = times.iloc[np.unique(ticks, return_index=True)[1]]
        return pd.DataFrame(self._combiner.path, pd.Index(times), columns=self.member_names_)

    def _rows(self, X, forecasts):
        """Return rows with forecasts of shape (m, n_members, q)."""
        keys = self._read_keys(X)
        return ForecastRows(
            forecasts,
            self._read_cells(keys),
            self._passed(X),
            self._units(keys.codes),
            keys.ticks,
        )

    def update(self, X: Table, y: ArrayLike) -> Self:
        """Remember more rows, in the stack and in its members, without learning from them.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Rows of known or new series.
        y : array-like of shape (n,)
            Their target; NaN marks a missing value.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a member looks back on its training table and has no ``update``.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        y = check_target(y, X.shape[0], estimator=self)
        update_all(self.estimators_, X, y, "update")
        keys = self._read_keys(X)
        self._meet(X)
        self._remember(self._targets.append(keys, y))
        return self

    @available_if(_is_online)
    def partial_fit(self, X: Table, y: ArrayLike) -> Self:
        """Learn weights from new truth, and remember it, with ``weights="online"``.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Rows, of which those after the last known target of their series teach: members know
            the truth of others already. A stack that is not fitted yet is.
        y : array-like of shape (n,)
            Their target; NaN marks a missing value.

        Returns
        -------
        self
        """
        if not hasattr(self, "estimators_"):
            return self.fit(X, y)
        X = self._check_table(X, reset=False)
        y = check_target(y, X.shape[0], estimator=self)
        keys = self._read_keys(X)
        last = np.append(self._last, np.full(keys.n_series - len(self._last), NEVER))
        forecasts = np.column_stack(self._ask("predict", X))
        usable = ~np.isnan(forecasts).all(axis=1) & ~np.isnan(y)
        usable &= keys.ticks > last[keys.codes]
        if usable.any():
            rows = self._rows(X, forecasts[:, :, np.newaxis]).take(usable)
            self._combiner.learn(rows, y[usable])
            self._publish(self._combiner)
            path = self._path(X, np.flatnonzero(usable), rows.ticks)
            self.weights_over_time_ = pd.concat([self.weights_over_time_, path])
        return self.update(X, y)

    def predict(self, X: Table) -> np.ndarray:
        """Return the forecast of each row.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Any mix of rows, in any order.

        Returns
        -------
        array of shape (m,)
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        forecasts = np.column_stack(self._ask("predict", X))
        warn_of_none(forecasts)
        return self._combiner.combine(self._rows(X, forecasts[:, :, np.newaxis]))[:, 0]

    @available_if(_gives_quantiles)
    def predict_quantiles(self, X: Table, quantiles: ArrayLike) -> np.ndarray:
        """Return quantiles of each row: the weighted mean of those of the members.

        To average quantiles keeps the shape of the members' distributions, which a mixture of them
        would make wider.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows as in :meth:`predict`.
        quantiles : array-like of shape (q,)
            Levels between 0 and 1.

        Returns
        -------
        array of shape (m, q)
        """
        check_is_fitted(self)
        check_levels(quantiles)
        X = self._check_table(X, reset=False)
        parts = [np.asarray(m.predict_quantiles(X, quantiles)) for m in self.estimators_]
        forecasts = np.stack(parts, axis=1).astype(np.float64)
        return self._combiner.combine(self._rows(X, forecasts))

    def transform(self, X: Table) -> np.ndarray:
        """Return the forecast of each member.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows as in :meth:`predict`.

        Returns
        -------
        array of shape (m, n_members)
            With ``passthrough``, the columns of X that are no keys come after them.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        columns = [self._passed(X)] if self.passthrough else []
        return np.column_stack([*self._ask("predict", X), *columns])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # y need not depend on the columns of X
        return tags
