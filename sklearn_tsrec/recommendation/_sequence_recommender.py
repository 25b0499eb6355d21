from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import check_array, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from sklearn_tsrec._keys import KeyedMixin, read_groups
from sklearn_tsrec._sklearn import (
    HasMethods,
    Interval,
    fit_context,
    num_samples,
)
from sklearn_tsrec._table import is_frame
from sklearn_tsrec._ties import settle
from sklearn_tsrec._typing import ArrayLike, Columns, Estimator, Freq, Key, Seed, Table
from sklearn_tsrec.recommendation._item_knn import ItemKNNClassifier
from sklearn_tsrec.recommendation._item_scores import ItemScores
from sklearn_tsrec.recommendation._items import add_items, check_items, find_cold_items
from sklearn_tsrec.recommendation._lists import ListMaker, check_group_names
from sklearn_tsrec.recommendation._log import Clock, EventLog, Events
from sklearn_tsrec.recommendation._windows import join_windows, read_context


def _gives_probabilities(recommender):
    """Return whether the classifier gives probabilities."""
    return recommender.estimator is None or hasattr(recommender.estimator, "predict_proba")


def _continues(recommender):
    """Return whether the classifier has ``partial_fit``."""
    return recommender.estimator is None or hasattr(recommender.estimator, "partial_fit")


class SequenceRecommender(KeyedMixin, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Recommend the next items of each series with any classifier on windows of items.

    A row is an event: a user at a time, with the item as target. The classifier is given, for each
    event, the window of the last items of the same series *strictly before* its time, and learns
    the item. Events at one time (baskets) never see each other.

    Windows hold the position of each item in ``classes_``, the oldest first, with NaN in front when
    there are fewer items than places. The classifier must take NaN: ours and
    :class:`~sklearn.ensemble.HistGradientBoostingClassifier` do; a
    :class:`~sklearn.preprocessing.OneHotEncoder` in front makes others take it too. The classifier
    is asked only where the window has an item: a series that was never seen, or has no event before
    the time of the row, is given the popularity of the items (recent, with a ``half_life``).

    With ``gaps`` or ``columns`` the classifier is given a DataFrame: the window in ``item__lag3``,
    ``item__lag2``, ``item__lag1``, the age of each in ``gap__lag3``, …, and the context under its
    own names, so that a :class:`~sklearn.compose.ColumnTransformer` can select them. Our item
    classifiers find their columns by these names and leave the others alone.

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
    gaps : bool, default=False
        Whether the classifier is also given the age of each item at the time of the row: in days
        for datetimes, else in the unit of the times or in steps of ``freq``.
    columns : str, int, list of these or None, default=None
        Columns of X that are known of a row beforehand, such as the hour or the store, to be
        given to the classifier as they are.
    item_features : DataFrame or None, default=None
        What is known of items (index): text or categories, such as a brand, and numbers, such as a
        price, for all items of training and for others. These others can be recommended too: the
        score of an item that training does not have is the mean of those of the ten items that are
        most like it. Neural classifiers also learn from them.
    exclude_seen : bool, default=False
        Whether :meth:`recommend` leaves out the items that a series interacted with before. False
        is right for repeats, as in groceries.
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
    classes_ : array of shape (n_classes,)
        The items of training, sorted; those that :meth:`partial_fit` met come after them.
    estimator_ : classifier
        The fitted classifier.
    groups_ : Index
        The series seen in training.
    freq_ : str, number or None
        The calendar; None where events are counted, as here by default.
    items_ : array of shape (n_items,)
        The items that can be recommended: ``classes_`` and, sorted after them, those that only
        ``item_features`` knows.
    popularity_ : array of shape (n_classes,)
        Share of each item in the training events, weighted as they are: what an empty window gets.
    scores_ : ItemScores
        Scores of all items after any span of the log, of which lists are made.
    n_features_in_ : int
        Number of columns of X in ``fit``. Those that no parameter names are not used.

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
      user  rank  item  score      source
    0  cat     1  milk  0.735     history
    1  cat     2   tea  0.265     history
    2  dan     1   tea  0.667  popularity
    3  dan     2  milk  0.333  popularity
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [
            HasMethods(["fit", "predict_proba"]),
            HasMethods(["fit", "decision_function"]),
            None,
        ],
        "window": [Interval(Integral, 1, None, closed="left")],
        "half_life": [str, Interval(Real, 0, None, closed="neither"), None],
        "gaps": ["boolean"],
        "columns": [str, Integral, list, tuple, None],
        "item_features": [pd.DataFrame, None],
        "exclude_seen": ["boolean"],
        "freq": [str, Interval(Real, 0, None, closed="neither"), None],
        "random_state": ["random_state"],
        **KeyedMixin._key_constraints,
    }
    _is_log = True  # a basket has many items at one time, on a calendar too
    classes_: np.ndarray
    groups_: pd.Index

    def __init__(
        self,
        estimator: Estimator | None = None,
        *,
        window: int = 50,
        half_life: str | float | None = None,
        gaps: bool = False,
        columns: Columns = None,
        item_features: pd.DataFrame | None = None,
        exclude_seen: bool = False,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = None,
        random_state: Seed = 0,
    ):
        self.estimator = estimator
        self.window = window
        self.half_life = half_life
        self.gaps = gaps
        self.columns = columns
        self.item_features = item_features
        self.exclude_seen = exclude_seen
        self.group = group
        self.time = time
        self.freq = freq
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: ArrayLike) -> Self:
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
            If items or keys are missing, ``half_life`` does not fit the clock or the classifier, or
            a group column has the name of a column of :meth:`recommend`.
        """
        events, context = self._read_events(X, y, (), fresh=True)
        return self._learn(events, context, fresh=True, grown=False)

    @fit_context(prefer_skip_nested_validation=False)
    def fit_log(self, events: Events) -> Self:
        """Fit to events that were read already, as :class:`TwoStageRecommender` hands them over.

        Parameters
        ----------
        events : Events
            A table would hold their series and times in columns of the names ``group`` and
            ``time``, and no calendar (``freq=None``).

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If ``columns`` are wanted, which events do not have.
        """
        if self.columns is not None:
            raise ValueError(
                f"columns={self.columns!r} needs a table, but events that were read already have "
                "no columns beside their keys: use columns=None."
            )
        self.feature_names_in_ = np.array([self.group, self.time], dtype=object)
        self.n_features_in_ = 2
        self.groups_, self._group_names, self._time_name = events.groups, [self.group], self.time
        self._clock, self._whole_clock = (events.clock.kind, events.clock.zone), events.clock.whole
        self._frequency, self.freq_, self.classes_ = None, None, events.items
        return self._learn(events, fresh=True, grown=False)

    @available_if(_continues)
    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X: Table, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Continue training: remember more events, and learn from their windows.

        The windows of the new events reach into those known before. Given events in the order of
        time, a classifier that adds up counts, as ours do, is what ``fit`` on all events would have
        made of it; with a ``half_life`` too, but for a common factor: weights stay relative to the
        latest time of the first call. An event that comes late joins the history of its series, but
        the windows learned before do not change.

        Parameters
        ----------
        X : DataFrame or array of shape (n_events, n_columns)
            Keyed events of known or new series, in any order.
        y : array of shape (n_events,)
            The item of each event. New items join ``classes_``.
        classes : array, default=None
            More items that can be recommended, though no event has them yet.

        Returns
        -------
        self
        """
        fresh, more = (
            not hasattr(self, "estimator_"),
            () if classes is None else np.asarray(classes),
        )
        events, context = self._read_events(X, y, more, fresh=fresh)
        return self._learn(events, context, fresh=fresh, grown=not fresh or len(more) > 0)

    def _read_events(self, X, y, more, *, fresh):
        """Return the events of a table, and the context of each or None."""
        X = self._check_table(X, reset=fresh)
        items = check_items(y, num_samples(X), type(self).__name__)
        keys = self._fit_keys(X) if fresh else self._read_keys(X)
        check_group_names(self._group_names)
        self.classes_, codes = add_items(None if fresh else self.classes_, items, more)
        if fresh:
            whole = self.freq is None and self._whole_clock
            clock = Clock(*self._clock, whole, self._frequency)
        else:
            clock = self._log.clock
            self._meet(X)
        events = Events(keys.codes, keys.ticks, codes, self.groups_, self.classes_, clock)
        return events, read_context(X, self.columns)

    def _learn(self, events, context=None, *, fresh, grown):
        """Remember events, and let the classifier learn from their windows."""
        rng = check_random_state(self.random_state)
        seed = rng.randint(np.iinfo(np.int32).max)
        self._log = EventLog.build(events, seed) if fresh else self._log.append(events)
        spans = self._log.spans(events.series, events.tick, context)
        classes = self.items_ = self.classes_
        cold_weights = None
        if self.item_features is not None:
            cold, cold_weights = find_cold_items(self.item_features, classes)
            self.items_ = np.append(classes, cold) if len(cold) else classes
        tie_order = rng.permutation(len(self.items_))
        past = join_windows(self._log, spans, self.window, gaps=self.gaps)
        if fresh:
            self._latest = spans.times.max()
            self.estimator_ = (
                ItemKNNClassifier() if self.estimator is None else clone(self.estimator)
            )
        params = {}
        if self.item_features is not None and has_fit_parameter(self.estimator_, "item_features"):
            known = self.item_features.loc[classes]
            params["item_features"] = known.set_axis(np.arange(len(known)), axis=0)
        weight = None
        if self.half_life is not None:
            if not has_fit_parameter(self.estimator_, "sample_weight"):
                raise ValueError(
                    f"half_life={self.half_life!r} weighs events, but {self.estimator_!r} takes no "
                    "sample_weight in fit: use half_life=None or another classifier."
                )
            age = (self._latest - spans.times) / events.clock.half_life(self.half_life)
            weight = params["sample_weight"] = 0.5**age
        count = np.bincount(events.item, weight, minlength=len(classes)).astype(np.float64)
        if not fresh:
            count[: len(self._item_weight)] += self._item_weight
        self._item_weight, self.popularity_ = count, count / count.sum()
        if grown:
            classes = np.arange(len(classes))
            self.estimator_.partial_fit(past, events.item, classes=classes, **params)
        else:
            self.estimator_.fit(past, events.item, **params)
        self._lists = ListMaker(self.groups_, self._group_names, self.items_, tie_order)
        self.scores_ = ItemScores(
            self.estimator_,
            self._log,
            self.popularity_,
            tie_order,
            window=self.window,
            gaps=self.gaps,
            cold_weights=cold_weights,
        )
        return self

    def _read_spans(self, X):
        """Return the past of each row of a table."""
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        keys = self._read_keys(X)
        return self._log.spans(keys.codes, keys.ticks, read_context(X, self.columns))

    def predict(self, X: Table) -> np.ndarray:
        """Return the best next item of each row, given the training events before it.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Keyed rows. Their own items are not known: only training events fill the windows.

        Returns
        -------
        array of shape (n_samples,)
            Of items with equal scores the one first in ``classes_``. ``exclude_seen`` has no
            effect.
        """
        spans = self._read_spans(X)
        best = np.empty(len(spans), dtype=np.int64)
        for rows, scores in self.scores_.blocks(spans):
            best[rows] = settle(scores).argmax(axis=1)
        return self.classes_[best]

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Table) -> np.ndarray:
        """Return the probability of each item for each row, as a dense array.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Keyed rows.

        Returns
        -------
        array of shape (n_samples, n_items)
            With many items use :meth:`recommend`, which never holds all of it.
        """
        spans = self._read_spans(X)
        proba = np.empty((len(spans), len(self.classes_)))
        for rows, scores in self.scores_.blocks(spans):
            proba[rows] = scores
        return proba

    def recommend(
        self,
        X: Table = None,
        k: int = 10,
        *,
        exclude_seen: bool | None = None,
        candidates: Any = None,
        at: Any = None,
    ) -> pd.DataFrame:
        """Return the k best next items of each series, as a long table.

        Parameters
        ----------
        X : table, list of labels or None, default=None
            Who to recommend to: the series in a keyed table, or their labels (tuples where several
            columns name a series). None is every series of the training table. A series is listed
            once. With ``columns``, a table: of several rows of a series the earliest counts.
        k : int, default=10
            Length of the lists. A series with fewer items to choose from is given a shorter list.
        exclude_seen : bool or None, default=None
            Whether to leave out the items that the series interacted with before; None is the
            parameter.
        candidates : list of items, DataFrame or None, default=None
            The only items to recommend: one list for all series, or a table with the group columns
            and ``item``, as this method returns it, with the candidates of each series. A series
            without a row there is given no list. None is all of ``items_``.
        at : time or None, default=None
            Only training events before this time fill the windows, and their ages are counted up to
            it; None uses all of them, and the latest training time. The classifier stays what it
            is.

        Returns
        -------
        pandas.DataFrame
            The column(s) that name the series, ``rank`` (1 is best), ``item``, ``score`` (the
            probability, or the decision function) and ``source``: ``"history"``, or
            ``"popularity"`` for a series without an event. Items with equal scores are in a random
            order drawn by ``random_state``, the same for all series.

        Raises
        ------
        ValueError
            If k is no integer of at least 1, or a candidate is not known.
        """
        check_is_fitted(self)
        series = self._lists.series(X, self.group, self.time)
        columns = self._lists.columns(candidates, series)
        codes, clock = self.groups_.get_indexer(series), self._log.clock
        ticks = None
        if at is not None:
            ticks = np.full(len(codes), clock.ticks(clock.read(at), "at")[0])
        spans = self._log.spans(codes, ticks, self._listed_context(X, series))
        exclude_seen = self.exclude_seen if exclude_seen is None else exclude_seen
        best, scores = self.scores_.top(spans, k, exclude_seen=exclude_seen, columns=columns)
        return self._lists.table(series, best, scores, spans.known)

    def _listed_context(self, X, series):
        """Return the context of each listed series: that of the earliest of its rows."""
        if self.columns is None:
            return None
        if not (is_frame(X) or getattr(X, "ndim", 1) == 2):
            raise ValueError(
                f"columns={self.columns!r} names what is known beforehand: give recommend() a "
                "table with the keys and these columns, not labels of series."
            )
        codes, labels = read_groups(X, self.group, self.time)
        _, ticks, place = self._read_ticks(X)
        order = np.argsort(ticks[place], kind="stable")
        _, row = np.unique(series.get_indexer(labels)[codes[order]], return_index=True)
        return read_context(X, self.columns).iloc[order[row]]

    def score_items(self, X: Table, items: ArrayLike) -> np.ndarray:
        """Return the scores of given items after the past of each row.

        Each row sees only the training events of its series strictly before it. The classifier
        stays what it is: for scores that could have been known at a time, ``fit`` must have been
        given no later event.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Keyed rows: series and times.
        items : int array of shape (n_samples, m)
            Positions in ``items_`` of the items to score in each row; -1 for no item.

        Returns
        -------
        float array of shape (n_samples, m)
            Probabilities or, of a classifier without, the decision function. NaN for no item.
        """
        spans = self._read_spans(X)
        places = check_array(items, dtype=np.int64, input_name="items")
        if len(places) != len(spans):
            raise ValueError(
                f"items has {len(places)} rows, but X has {len(spans)}: give one each."
            )
        low, high = places.min(), places.max()
        if low < -1 or high >= len(self.items_):
            raise ValueError(
                f"items holds positions from {low} to {high}, but they must be from -1 (no item) "
                f"to {len(self.items_) - 1}: positions in items_."
            )
        return self.scores_.of(spans, places)

    def top_items(
        self, X: Table, k: int = 10, *, exclude_seen: bool | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the k best items after the past of each row and their scores, as arrays.

        What :meth:`recommend` lists, for times of one's own: each row sees only the training events
        of its series strictly before it.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Keyed rows: series and times; a series may have several.
        k : int, default=10
            Length of the lists.
        exclude_seen : bool or None, default=None
            Whether to leave out the items that the series interacted with before; None is the
            parameter.

        Returns
        -------
        items : int array of shape (n_samples, min(k, n_items))
            Positions in ``items_``, the best first; -1 where no item is left.
        scores : float array of shape (n_samples, min(k, n_items))
            Their scores; NaN where no item is left.
        """
        exclude_seen = self.exclude_seen if exclude_seen is None else exclude_seen
        return self.scores_.top(self._read_spans(X), k, exclude_seen=exclude_seen)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # the columns of X say when, and not what
        return tags
