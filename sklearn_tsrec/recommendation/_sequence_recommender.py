from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, _fit_context, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, check_is_fitted, has_fit_parameter

from sklearn_tsrec._keys import KeyedMixin, _read_clock, _read_groups
from sklearn_tsrec._table import is_frame
from sklearn_tsrec._times import parse_duration, read_times, show
from sklearn_tsrec.recommendation._events import (
    event_spans,
    event_windows,
    remember_events,
    span_items,
    top_k,
)
from sklearn_tsrec.recommendation._item_knn import ItemKNNClassifier
from sklearn_tsrec.recommendation._items import check_items, sort_items

_CELLS = 1 << 20  # scores held at once; blocks that stay in the cache are the fastest


def _gives_probabilities(recommender):
    """Tell whether the classifier gives probabilities."""
    return recommender.estimator is None or hasattr(recommender.estimator, "predict_proba")


class SequenceRecommender(KeyedMixin, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Recommend the next items of each series with any classifier on windows of items.

    A row is an event: a user at a time, with the item as target. The classifier is given, for each
    event, the window of the last items of the same series *strictly before* its time, and learns
    the item. Events at one time (baskets) never see each other.

    Windows hold the position of each item in ``classes_``, the oldest first, with NaN in front when
    there are fewer items than places. The classifier must take NaN: ours and
    :class:`~sklearn.ensemble.HistGradientBoostingClassifier` do; a
    :class:`~sklearn.preprocessing.OneHotEncoder` in front lends it to others. To a series never
    seen before it says what it makes of an empty window.

    Events of a series at one time have no order of their own: a pseudo-random one, drawn by
    ``random_state``, decides which come last in a window, so that neither the order of the rows
    nor that of the labels matters.

    Parameters
    ----------
    estimator : classifier, default=None
        Any scikit-learn classifier with ``predict_proba`` or ``decision_function``; None is
        :class:`ItemKNNClassifier`. ``DummyClassifier(strategy="prior")`` recommends what is
        popular and, with a ``half_life``, what has been popular lately.
    window : int, default=50
        Number of items in a window.
    half_life : str or float, default=None
        Age at which an event weighs half as much in training as one at the latest training time:
        a duration such as ``"30D"``, or a number in the unit of numeric times, or in steps of
        ``freq``. None weighs all events alike.
    exclude_seen : bool, default=False
        Whether :meth:`recommend` leaves out what a series had before. Say False where repeats are
        right, as in groceries.
    group : str, int, list of these or None, default=None
        Column(s) that name the series; None reads the index: all levels before the last.
    time : str, int or None, default=None
        Column of the time; None reads the last level of the index.
    freq : str, number or None, default=None
        Calendar that all times must lie on. None takes any times, as logs of events have them.
    random_state : int, RandomState instance or None, default=0
        Seed of the order of events at one time and of items with equal scores.

    Attributes
    ----------
    classes_ : array of shape (n_items,)
        The items that can be recommended, sorted.
    estimator_ : classifier
        The fitted classifier.
    groups_ : Index
        The series seen in training.
    n_features_in_ : int
        Number of columns of X in ``fit``. Columns beside the keys are not used.

    See Also
    --------
    ItemKNNClassifier : Items similar to those in the window.
    PersonalFrequencyClassifier : Items that the window is full of.
    sklearn_tsrec.metrics.ndcg_scorer : Scores lists in GridSearchCV.

    References
    ----------
    .. [1] M. Quadrana, P. Cremonesi and D. Jannach (2018), "Sequence-aware recommender systems",
       ACM Computing Surveys 51(4).
    .. [2] Y. Ji, A. Sun, J. Zhang and C. Li (2020), "A re-visit of the popularity baseline in
       recommender systems", SIGIR.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec import SequenceRecommender
    >>> events = pd.DataFrame({
    ...     "user": ["ann", "ann", "ann", "bob", "bob", "cat"],
    ...     "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-05",
    ...                            "2024-01-01", "2024-01-03", "2024-01-04"]),
    ...     "item": ["tea", "milk", "tea", "tea", "milk", "tea"]})
    >>> recommender = SequenceRecommender(window=3, group="user", time="day")
    >>> recommender = recommender.fit(events[["user", "day"]], events["item"])
    >>> recommender.recommend(["cat", "dan"], k=2).round(3)
      user  rank  item  score
    0  cat     1  milk  0.735
    1  cat     2   tea  0.265
    2  dan     1   tea  0.667
    3  dan     2  milk  0.333
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [
            HasMethods(["fit", "predict_proba"]),
            HasMethods(["fit", "decision_function"]),
            None,
        ],
        "window": [Interval(Integral, 1, None, closed="left")],
        "half_life": [str, Interval(Real, 0, None, closed="neither"), None],
        "exclude_seen": ["boolean"],
        "freq": [str, Interval(Real, 0, None, closed="neither"), None],
        "random_state": ["random_state"],
        **KeyedMixin._key_constraints,
    }

    def __init__(
        self,
        estimator=None,
        *,
        window=50,
        half_life=None,
        exclude_seen=False,
        group=None,
        time=None,
        freq=None,
        random_state=0,
    ):
        self.estimator = estimator
        self.window = window
        self.half_life = half_life
        self.exclude_seen = exclude_seen
        self.group = group
        self.time = time
        self.freq = freq
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Remember the events and fit the classifier to their windows.

        Parameters
        ----------
        X : DataFrame or array of shape (n_events, n_columns)
            Keyed events, in any order.
        y : array of shape (n_events,)
            The item of each event: text, integers or categories.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If items or keys are missing, or ``half_life`` does not fit the clock or the classifier.
        """
        X = self._check_table(X, reset=True)
        items = check_items(y, _num_samples(X), type(self).__name__)
        keys = self._fit_keys(X)
        self.classes_, codes = sort_items(items)
        rng = check_random_state(self.random_state)
        self.history_ = remember_events(keys, codes, rng.randint(np.iinfo(np.int32).max))
        self._tie_order = rng.permutation(len(self.classes_))
        windows = self._windows(keys.codes, keys.ticks)
        self.estimator_ = ItemKNNClassifier() if self.estimator is None else clone(self.estimator)
        if self.half_life is None:
            self.estimator_.fit(windows, codes)
        else:
            if not has_fit_parameter(self.estimator_, "sample_weight"):
                raise ValueError(
                    f"half_life={self.half_life!r} weighs events, but {self.estimator_!r} takes no "
                    "sample_weight in fit: use half_life=None or another classifier."
                )
            weight = 0.5 ** self._half_lives(X, keys.ticks)
            self.estimator_.fit(windows, codes, sample_weight=weight)
        return self

    def _check_unique(self, keys, times, inverse):
        """Let moments repeat, also on a calendar: a basket has many items."""

    def _half_lives(self, X, ticks):
        """Return the age of each event, in half-lives, at the latest training time."""
        half_life = self.half_life
        if self.frequency_ is not None:
            if isinstance(half_life, str):
                half_life = self.frequency_.steps(half_life, "half_life")
            return (ticks.max() - ticks) / half_life
        times, inverse = _read_clock(X, self.time)
        if isinstance(half_life, str) != (times.kind == "datetime"):
            raise ValueError(
                f"half_life={show(half_life)} does not fit times that are {times.kind}s: give a "
                "duration such as '30D' for datetimes, and a number in their unit for all others."
            )
        if isinstance(half_life, str):
            half_life = parse_duration(half_life, "half_life")
        return ((times.values.max() - times.values) / half_life)[inverse]

    def _windows(self, codes, ticks):
        """Return the windows of some moments; ``ticks=None`` is after all events."""
        return event_windows(self.history_, *event_spans(self.history_, codes, ticks), self.window)

    def _score(self, windows):
        """Return what the classifier makes of some windows, a column for each item."""
        if hasattr(self.estimator_, "predict_proba"):
            return self.estimator_.predict_proba(windows)
        scores = self.estimator_.decision_function(windows)
        return np.column_stack([-scores, scores]) if scores.ndim == 1 else scores

    def _blocks(self, n_rows):
        """Yield slices of rows whose scores fit into memory together."""
        size = max(_CELLS // len(self.classes_), 1)
        for first in range(0, n_rows, size):
            yield slice(first, first + size)

    def _read_moments(self, X):
        """Return the series and tick of each row of a table."""
        check_is_fitted(self)
        keys = self._read_keys(self._check_table(X, reset=False))
        return keys.codes, keys.ticks

    def predict(self, X):
        """Return the best next item at each moment, given the training events before it.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Keyed moments. Their own items are not known: only training events fill the windows.

        Returns
        -------
        array of shape (n_samples,)
            Of items with equal scores the one first in ``classes_``. ``exclude_seen`` says nothing
            here.
        """
        codes, ticks = self._read_moments(X)
        best = np.empty(len(codes), dtype=np.int64)
        for rows in self._blocks(len(codes)):
            best[rows] = self._score(self._windows(codes[rows], ticks[rows])).argmax(axis=1)
        return self.classes_[best]

    @available_if(_gives_probabilities)
    def predict_proba(self, X):
        """Return the probability of each item at each moment, as a dense array.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Keyed moments.

        Returns
        -------
        array of shape (n_samples, n_items)
            With many items use :meth:`recommend`, which never holds all of it.
        """
        codes, ticks = self._read_moments(X)
        proba = np.empty((len(codes), len(self.classes_)))
        for rows in self._blocks(len(codes)):
            proba[rows] = self._score(self._windows(codes[rows], ticks[rows]))
        return proba

    def recommend(self, X=None, k=10, *, exclude_seen=None, candidates=None, at=None):
        """Return the k best next items of each series, as a long table.

        Parameters
        ----------
        X : table, list of labels or None, default=None
            Who to recommend to: the series in a keyed table, or their labels (tuples where several
            columns name a series). None is every series of the training table. A series is listed
            once; one never seen in training is given what an empty window is.
        k : int, default=10
            Length of the lists.
        exclude_seen : bool or None, default=None
            Whether to leave out what the series had before; None does as the parameter says. A
            series that then has fewer than k items left is given a shorter list.
        candidates : list of items or None, default=None
            The only items to recommend; None is all of ``classes_``.
        at : time or None, default=None
            Only training events before this time fill the windows; None uses all of them. The
            classifier stays what it is.

        Returns
        -------
        pandas.DataFrame
            The column(s) that name the series, ``rank`` (1 is best), ``item`` and ``score`` (the
            probability, or the decision function). Items with equal scores are in a random order
            drawn by ``random_state``, the same for all series.

        Raises
        ------
        ValueError
            If k is no integer between 1 and the number of items, or a candidate is not known.
        """
        check_is_fitted(self)
        groups = self._read_listed(X)
        codes = self.groups_.get_indexer(groups)
        columns = self._candidate_columns(candidates)
        _check_k(k, len(columns))
        exclude_seen = self.exclude_seen if exclude_seen is None else exclude_seen
        ticks = None if at is None else np.full(len(codes), self._read_moment(at))
        first, end = event_spans(self.history_, codes, ticks)
        place = np.full(len(self.classes_), -1)
        place[columns] = np.arange(len(columns))
        best = np.empty((len(codes), k), dtype=np.int64)
        best_scores = np.empty((len(codes), k))
        for rows in self._blocks(len(codes)):
            windows = event_windows(self.history_, first[rows], end[rows], self.window)
            scores = np.take(self._score(windows), columns, axis=1)
            if exclude_seen:
                seen, series = span_items(self.history_, first[rows], end[rows])
                listed = place[seen] >= 0
                scores[series[listed], place[seen[listed]]] = np.nan
            best[rows] = top_k(scores, k)
            best_scores[rows] = np.take_along_axis(scores, best[rows], axis=1)
        found = best.ravel() >= 0
        series = np.repeat(np.arange(len(codes)), k)[found]
        listed = groups[series]
        names = {name: listed.get_level_values(i) for i, name in enumerate(self.group_names_)}
        table = pd.DataFrame(names, index=pd.RangeIndex(len(series)))
        table["rank"] = np.tile(np.arange(1, k + 1), len(codes))[found]
        table["item"] = self.classes_[columns[best.ravel()[found]]]
        table["score"] = best_scores.ravel()[found]
        return table

    def _read_listed(self, X):
        """Return the distinct series to recommend to, in the order given."""
        if X is None:
            return self.groups_
        if is_frame(X) or getattr(X, "ndim", 1) == 2:
            codes, labels = _read_groups(X, self.group, self.time)
            return labels[pd.unique(codes)]
        if isinstance(X, str) or not hasattr(X, "__len__"):
            raise TypeError(
                f"X={show(X)} is neither a table nor a list of series: give [{show(X)}] for one."
            )
        listed = X if isinstance(X, pd.Index) else list(X)
        labels = (
            pd.MultiIndex.from_tuples(listed) if len(self.group_names_) > 1 else pd.Index(listed)
        )
        if labels.to_frame().isna().any(axis=None):
            raise ValueError("X has missing labels of series: name every series.")
        return labels.unique()

    def _read_moment(self, at):
        """Return one time as a tick."""
        at = pd.Timestamp(at) if isinstance(at, str) and self._clock[0] == "datetime" else at
        times = read_times(pd.Index([at]), "at").like(*self._clock, name="at")
        if self.frequency_ is None:
            return times.sortable(self._whole_clock)[0]
        return self.frequency_.ticks(times, "at")[0]

    def _candidate_columns(self, candidates):
        """Return the positions of the candidates in ``classes_``, in the order that breaks ties."""
        if candidates is None:
            return self._tie_order
        wanted = pd.Index(self.classes_).get_indexer(pd.Index(list(candidates)))
        if (wanted < 0).any():
            unknown = [show(c) for c, place in zip(candidates, wanted) if place < 0]
            raise ValueError(
                f"candidates has {len(unknown)} item(s) that training never saw, such as "
                f"{', '.join(unknown[:5])}: leave them out."
            )
        return self._tie_order[np.isin(self._tie_order, wanted)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # the columns of X say when, and not what
        return tags


def _check_k(k, n_items):
    """Raise if k is no possible length of a list."""
    if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
        raise ValueError(f"k must be an integer of at least 1, got {k!r}.")
    if k > n_items:
        raise ValueError(
            f"k={k} is more than the {n_items} item(s) to choose from: use a smaller k."
        )
