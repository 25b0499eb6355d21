from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._keys import key_frame
from sklearn_tsrec._sklearn import HasMethods, StrOptions, fit_context, num_samples, safe_indexing
from sklearn_tsrec._steps_ahead import last_known
from sklearn_tsrec._ties import settle
from sklearn_tsrec._typing import ArrayLike, Columns, Estimator, Freq, Key, Table
from sklearn_tsrec.ensemble._base import TemporalStackingBase
from sklearn_tsrec.ensemble._combiners import (
    FinalEstimator,
    Median,
    ProbabilityRows,
    WeightedMean,
    align,
    warn_of_none,
)
from sklearn_tsrec.recommendation._items import check_items, sort_items
from sklearn_tsrec.recommendation._lists import check_k


class TemporalStackingClassifier(ClassifierMixin, TemporalStackingBase):
    """Fuse several classifiers or recommenders by what they forecast in time, out of fold.

    The members give each class a probability in the test rows of a splitter in time, each time
    fitted to the rows before; from that and the truth it is learned how to put their probabilities
    together. Then the members are fitted to all rows. A recommender is a classifier whose classes
    are items.

    Parameters
    ----------
    estimators : list of (str, classifier)
        The members, with names: any classifiers with ``predict_proba`` on keyed tables, such as
        :class:`~sklearn_tsrec.SequenceRecommender` and pipelines that begin with our features.
        Their ``group``, ``time`` and ``freq`` are set for them. Parameters are reached by name,
        ``knn__window``, and a member set to ``"drop"`` is left out.
    final_estimator : classifier, default=None
        Learns the class from the probabilities that members give. None is a weighted mean of them,
        see ``weights``, ``per`` and ``shrinkage``.
    cv : int, splitter, iterable or None, default=None
        The folds. Each must test rows later than those it trains on. An integer is the number of
        splits of a :class:`~sklearn_tsrec.PanelTimeSeriesSplit` of one step, None is three. Its
        keys are set for it.
    weights : str or None, default=None
        How the weights of the mean are found. All of them are at least 0 and sum to 1.

        - ``"equal"`` does not learn them;
        - ``"median"`` takes the median of the members and has no weights;
        - ``"logloss"``, which None is as well, makes the classes that happened likeliest [1]_;
        - ``"brier"`` makes the Brier score least [2]_;
        - ``"greedy"`` picks one member after another, each to make the Brier score of the mean of
          all picks best [3]_.
    per : {"horizon", "group"} or None, default=None
        What has weights of its own: each step ahead, or each series. They are shrunk to those over
        all rows, the more, the fewer rows they are learned from.
    shrinkage : float, default=100
        How strongly: the number of rows that the weights over all rows count for. These are shrunk
        to equal ones, but for ``"greedy"``.
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
        Length of a step, such as ``"D"``. None counts events, as logs of events need it.
    verbose : int, default=0
        Whether to show the progress of fits.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The classes of training, sorted.
    estimators_ : list of classifier
        The fitted members that were not dropped.
    member_names_ : list of str
        Their names.
    named_estimators_ : Bunch
        The fitted members by name.
    final_estimator_ : classifier or None
        The fitted final estimator.
    weights_ : DataFrame of shape (n_members, n_cells) or None
        The weights of members; with ``per``, a column for each step ahead or series.
    pooled_weights_ : Series of shape (n_members,) or None
        The weights over all rows, which series not seen in ``fit`` have.
    out_of_fold_ : DataFrame
        Keys, ``fold``, ``cutoff``, ``step``, ``y_true`` and the probability that each member gives
        the true class, of all rows that a fold tests.
    failures_ : DataFrame
        Which member gave no probabilities (NaN) in which fold, for which series, and for how many
        rows.
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
    TemporalStackingRegressor : Forecasters.
    sklearn_tsrec.recommendation.TwoStageRecommender : Ranks what recommenders propose, by features.

    Notes
    -----
    A member that does not know a class yet gives it no probability. Probabilities of all classes
    are held for all out-of-fold rows at once: with very many items, give short folds.

    References
    ----------
    .. [1] S. Hora and E. Kardeş (2015), "Calibration, sharpness and the weighting of experts in a
       linear opinion pool", Annals of Operations Research 229.
    .. [2] L. Breiman (1996), "Stacked regressions", Machine Learning 24.
    .. [3] R. Caruana, A. Niculescu-Mizil, G. Crew and A. Ksikes (2004), "Ensemble selection from
       libraries of models", ICML.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_tsrec.ensemble import TemporalStackingClassifier
    >>> X = pd.DataFrame({"rain": [0.0, 1.0] * 20}, pd.date_range("2024-01-01", periods=40))
    >>> stack = TemporalStackingClassifier(
    ...     [("any", DummyClassifier()), ("rain", LogisticRegression())], cv=10, shrinkage=1
    ... ).fit(X, ["dry", "wet"] * 20)
    >>> stack.weights_.round(2)
           all
    any   0.11
    rain  0.89
    >>> stack.predict(X[:3])
    array(['dry', 'wet', 'dry'], dtype='<U3')
    """

    _is_log = True  # a basket has many items
    _parameter_constraints: ClassVar[dict] = {
        "final_estimator": [HasMethods(["fit", "predict_proba"]), None],
        "weights": [StrOptions({"equal", "median", "logloss", "brier", "greedy", "online"}), None],
        **{k: v for k, v in TemporalStackingBase._stack_constraints.items() if k != "share"},
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
        """Ask members out of fold, learn how to put probabilities together, and fit the members.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            One row for each time of each series, or one for each event, in any order.
        y : array-like of shape (n,)
            The class, or the item.

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
        if self.weights == "online":
            raise ValueError(
                "weights='online' learns from errors of numbers, which classes have none of: use "
                "weights='logloss' and fit again as truth arrives, or a TemporalStackingRegressor."
            )
        X = self._check_table(X, reset=True)
        y = check_items(y, num_samples(X), type(self).__name__)
        check_classification_targets(y)
        self.classes_, truth = sort_items(y)
        keys = self._fit_keys(X)
        rows, forecasts = self._fit_members(X, y, keys, "predict_proba")
        self._last = last_known(keys.codes, keys.ticks, np.zeros(len(y)), keys.n_series)
        proba = np.concatenate([self._stack(fold) for fold in forecasts])
        truth = truth[rows]
        of_truth = proba[np.arange(len(rows)), :, truth]
        self.out_of_fold_ = self.out_of_fold_.assign(**dict(zip(self.member_names_, of_truth.T)))
        self._report_failures(np.isnan(of_truth))
        usable = ~np.isnan(of_truth).all(axis=1)
        if not usable.any():
            raise ValueError(
                "no out-of-fold row has probabilities of some member: there is nothing to learn "
                "from. Use other folds or members."
            )
        steps = self.out_of_fold_["step"].to_numpy()
        self._set_cells(steps)
        rows, truth, proba = rows[usable], truth[usable], proba[usable]
        columns = self._passed(X)
        members = ProbabilityRows(
            proba,
            self._cells(keys.codes[rows], steps[usable]),
            columns if columns is None else columns[rows],
            self.classes_,
        )
        self._combiner = self._make_combiner()
        self._combiner.learn(members, truth)
        self._publish(self._combiner)
        prefix, columns = type(self).__name__.lower(), []
        if self.passthrough:
            columns = self._select_columns(X[:1], None)[1]
        classes = range(1 if len(self.classes_) == 2 else 0, len(self.classes_))
        names = [f"{prefix}_{name}{c}" for name in self.member_names_ for c in classes]
        self._names_out = [*names, *columns]
        return self

    def _make_combiner(self):
        """Return what puts probabilities together."""
        if self.final_estimator is not None:
            return FinalEstimator(self.final_estimator)
        if self.weights == "median":
            return Median()
        method = "logloss" if self.weights is None else self.weights
        return WeightedMean(method, len(self._cell_labels), self.shrinkage)

    def _stack(self, parts):
        """Return probabilities of members, of shape (m, n_members, n_classes)."""
        return np.stack([align(*part, self.classes_) for part in parts], axis=1)

    def _rows(self, X):
        """Return rows with the probabilities that members give them."""
        proba = self._stack(self._ask("predict_proba", X))
        cells = self._read_cells(self._read_keys(X))
        return ProbabilityRows(proba, cells, self._passed(X), self.classes_)

    def predict_proba(self, X: Table) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Any mix of rows, in any order.

        Returns
        -------
        array of shape (m, n_classes)
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        rows = self._rows(X)
        warn_of_none(rows.forecasts[:, :, 0])
        return self._combiner.combine(rows)

    def predict(self, X: Table) -> np.ndarray:
        """Return the likeliest class of each row.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Any mix of rows, in any order.

        Returns
        -------
        array of shape (m,)
            Where no member has probabilities, the first of ``classes_``.
        """
        proba = self.predict_proba(X)
        return np.asarray(self.classes_)[
            settle(np.where(np.isnan(proba), -1, proba)).argmax(axis=1)
        ]

    def recommend(self, X: Table = None, k: int = 10) -> pd.DataFrame:
        """Return the k likeliest classes of each series, as a long table.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Keyed rows, which are needed: members read them. Of several rows of a series the
            earliest counts.
        k : int, default=10
            Length of the lists.

        Returns
        -------
        pandas.DataFrame
            The column(s) that name the series, ``rank`` (1 is best), ``item`` and ``score``, the
            probability. Of equal scores the item first in ``classes_`` is ahead.
        """
        check_is_fitted(self)
        k = min(check_k(k), len(self.classes_))
        labels, names = key_frame(X, self.group, self.time)
        order = labels.iloc[:, -1].argsort(kind="stable")
        first = labels.iloc[order].drop_duplicates(names or None).index
        first = np.sort(first[:1] if not names else first)
        proba = self.predict_proba(safe_indexing(X, first))
        best = np.argsort(-settle(proba), axis=1, kind="stable")[:, :k]
        table = labels.iloc[np.repeat(first, k)][names].reset_index(drop=True)
        return table.assign(
            rank=np.tile(np.arange(1, k + 1), len(first)),
            item=self.classes_[best.ravel()],
            score=np.take_along_axis(proba, best, axis=1).ravel(),
        )

    def transform(self, X: Table) -> np.ndarray:
        """Return the probabilities that each member gives.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Rows as in :meth:`predict`.

        Returns
        -------
        array of shape (m, n_members * n_classes)
            Member by member; of two classes the second only, which gives the first. With
            ``passthrough``, the columns of X that are no keys come after them.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        return self._rows(X).table()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # y need not depend on the columns of X
        return tags
