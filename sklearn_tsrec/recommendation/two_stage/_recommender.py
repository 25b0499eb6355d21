from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from sklearn_tsrec._keys import KeyedMixin
from sklearn_tsrec._sklearn import BaseComposition, HasMethods, Interval, fit_context, num_samples
from sklearn_tsrec._times import Times, show
from sklearn_tsrec._typing import ArrayLike, Columns, Estimator, Key, Seed, Table
from sklearn_tsrec.recommendation._item_knn import ItemKNNClassifier
from sklearn_tsrec.recommendation._items import check_items, sort_items
from sklearn_tsrec.recommendation._lists import ListMaker, check_group_names, check_k
from sklearn_tsrec.recommendation._log import Clock, Events
from sklearn_tsrec.recommendation._personal_frequency import PersonalFrequencyClassifier
from sklearn_tsrec.recommendation._sequence_recommender import SequenceRecommender
from sklearn_tsrec.recommendation.two_stage._features import GROUPS, read_attributes
from sklearn_tsrec.recommendation.two_stage._ranking import (
    default_ranker,
    learn,
    list_candidates,
    rows_at_origins,
)
from sklearn_tsrec.recommendation.two_stage._rows import RowMaker

_BLOCK = 4096  # lists whose candidates are held in memory together


class TwoStageRecommender(KeyedMixin, ClassifierMixin, BaseComposition):
    """Let several recommenders propose items, and a ranker put them in order.

    The first stage is a list of recommenders: the best items of each of them, together, are the
    candidates of a series at a time. The second stage is any classifier or regressor that is given
    one row for each candidate, with the scores and ranks of the first stage and what the log holds
    of the series and the item. It learns at *origins*, times in the past, which candidates the
    series interacted with in the period after the origin.

    Nothing of that period is seen: the recommenders whose scores the rows of an origin hold are
    fitted to the events strictly before it, and so is all that the features count. For
    :meth:`predict` and :meth:`recommend` they are fitted to all events.

    A ranker that is no better than its best recommender is left out: it is tried on the last
    ``horizon`` of the log, trained at origins before it, and ``fallback_`` is what is used instead.

    Parameters
    ----------
    retrievers : list of (str, recommender), default=None
        The recommenders, with names. A :class:`SequenceRecommender` is handed the log as it is
        held; its ``group``, ``time`` and ``freq`` are set for it. Any other that has ``fit`` and
        ``recommend`` is given tables of positions in ``groups_`` and times, as columns ``series``
        and ``time`` if it has a parameter ``group``, else in the index. Parameters are reached by
        name: ``knn__estimator__decay``. None is popularity, personal frequency and item-kNN.
    ranker : classifier or regressor, default=None
        Learns whether a candidate is a hit (1) or not (0). A ranker whose ``fit`` takes ``group``,
        such as ``lightgbm.LGBMRanker``, is given the number of candidates of each list. It must
        take NaN. None is a small :class:`~sklearn.ensemble.HistGradientBoostingClassifier`.
    horizon : str, float or None, default=None
        Length of the period after an origin that counts: a duration such as ``"30D"``, or a number
        in the unit of numeric times. None is a fifth of the time that training spans.
    n_origins : int, default=1
        Times that the ranker learns at, a horizon apart, the latest a horizon before the end.
    n_candidates : int or list of int, default=50
        How many items each recommender may propose; a list has one number for each.
    n_negatives : int or None, default=None
        Candidates of each series at an origin that are no hits and are kept, drawn at random; None
        keeps all.
    features : list of str or None, default=None
        Groups of features, see Notes. None is ``"scores"``, ``"personal"``, ``"context"`` and
        those for which something is given.
    half_lives : list of str or float, default=None
        Ages at which an event counts half, in the features that count recent events; None is
        1/8, 1/2 and 2 times the horizon.
    item_features : DataFrame or None, default=None
        What is known of items (index): text and categories, such as a brand, or numbers.
    columns : list of str or int or None, default=None
        Numeric columns of X that describe events, such as a price or a discount.
    demand : WindowForecaster or None, default=None
        Forecasts the number of events of each item, in quarters of the horizon; None does not.
    fallback : bool, default=True
        Whether to try the ranker, and to leave it out where it is not better.
    exclude_seen : bool, default=False
        Whether items that a series interacted with before are neither learned nor recommended.
    group : str, int, list of these or None, default=None
        Column(s) that name the series; None reads the index: all levels before the last.
    time : str, int or None, default=None
        Column of the time; None reads the last level of the index.
    random_state : int, RandomState instance or None, default=0
        Seed of the order of items with equal scores, of negatives and of the default ranker.
    verbose : int, default=0
        Whether to show progress.

    Attributes
    ----------
    classes_ : array of shape (n_items,)
        The items that can be recommended, sorted.
    fallback_ : str or None
        The name of the recommender whose order is used in place of the ranker's; None if the
        ranker is used.
    feature_names_ : list of str
        What the ranker is given; empty if it is not used.
    groups_ : Index
        The series seen in training.
    freq_ : None
        Events have no calendar.
    items_ : array of shape (n_items,)
        The same as ``classes_``, as in :class:`SequenceRecommender`.
    inner_scores_ : dict of str to float
        NDCG@10 of each recommender and of ``"ranker"`` in the last horizon of training; empty if
        the log is too short, or with ``fallback=False``.
    ranker_ : estimator or None
        The fitted ranker.
    retrievers_ : list of (str, recommender)
        The recommenders, fitted to all events.

    See Also
    --------
    SequenceRecommender : One recommender.

    Notes
    -----
    Groups of features, all out of events before the time of the list. Counts, rates and
    probabilities are logarithms, in which effects add up: a linear ranker beside trees is often the
    better half of a :class:`~sklearn.ensemble.VotingClassifier`.

    - ``"scores"``: score and rank that each recommender gives;
    - ``"personal"``: how often and how recently the series interacted with the item, in counts,
      shares, and in intervals between purchases, and the rate that is expected of it: its
      popularity, updated by the series' own count the more, the more series differ in it [3]_;
    - ``"item"``: how popular the item is, and how often it is repeated;
    - ``"trend"``: how its popularity changes;
    - ``"context"``: how active the series is;
    - ``"attributes"``: what the series has of the same kind, from ``item_features``, and the rate
      that is expected of the item as one of its kinds, within each other from the widest on;
    - ``"columns"``: level and recent change of ``columns``, and the level the series is used to;
    - ``"demand"``: the forecast of ``demand``.

    References
    ----------
    .. [1] P. Covington, J. Adams and E. Sargin (2016), "Deep neural networks for YouTube
       recommendations", RecSys.
    .. [2] C. J. C. Burges (2010), "From RankNet to LambdaRank to LambdaMART: an overview",
       Microsoft Research.
    .. [3] A. S. C. Ehrenberg (1959), "The pattern of consumer purchases", Applied Statistics 8(1).

    Examples
    --------
    >>> from sklearn_tsrec import as_panel
    >>> from sklearn_tsrec.datasets import make_events
    >>> from sklearn_tsrec.recommendation import TwoStageRecommender
    >>> events = make_events(200, 40, 3000, repeat=0.7, random_state=0)
    >>> X, y = as_panel(events, group="user", time="time", target="item")
    >>> recommender = TwoStageRecommender(n_candidates=20).fit(X, y)
    >>> print(recommender.fallback_)
    None
    >>> {name: round(ndcg, 2) for name, ndcg in recommender.inner_scores_.items()}
    {'popular': 0.47, 'personal': 0.67, 'similar': 0.76, 'ranker': 0.8}
    >>> recommender.recommend([0], k=3)[["user", "rank", "item"]]
       user  rank  item
    0     0     1     5
    1     0     2    15
    2     0     3     2
    """

    _is_log = True  # a basket has many items
    _parameter_constraints: ClassVar[dict] = {
        "retrievers": [list, None],
        "ranker": [HasMethods(["fit", "predict"]), None],
        "horizon": [str, Interval(Real, 0, None, closed="neither"), None],
        "n_origins": [Interval(Integral, 1, None, closed="left")],
        "n_candidates": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "n_negatives": [Interval(Integral, 1, None, closed="left"), None],
        "features": [list, tuple, None],
        "half_lives": [list, tuple, None],
        "item_features": [HasMethods(["reindex"]), None],
        "columns": [str, Integral, list, tuple, None],
        "demand": [HasMethods(["fit", "predict"]), None],
        "fallback": ["boolean"],
        "exclude_seen": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        **KeyedMixin._key_constraints,
    }
    freq = None  # a log of events has no calendar
    classes_: np.ndarray
    groups_: pd.Index

    def __init__(
        self,
        retrievers: list[tuple[str, Estimator]] | None = None,
        ranker: Estimator | None = None,
        *,
        horizon: str | float | None = None,
        n_origins: int = 1,
        n_candidates: int | Sequence[int] = 50,
        n_negatives: int | None = None,
        features: Sequence[str] | None = None,
        half_lives: Sequence[str | float] | None = None,
        item_features: pd.DataFrame | None = None,
        columns: Columns = None,
        demand: Estimator | None = None,
        fallback: bool = True,
        exclude_seen: bool = False,
        group: Columns = None,
        time: Key | None = None,
        random_state: Seed = 0,
        verbose: int = 0,
    ):
        self.retrievers = retrievers
        self.ranker = ranker
        self.horizon = horizon
        self.n_origins = n_origins
        self.n_candidates = n_candidates
        self.n_negatives = n_negatives
        self.features = features
        self.half_lives = half_lives
        self.item_features = item_features
        self.columns = columns
        self.demand = demand
        self.fallback = fallback
        self.exclude_seen = exclude_seen
        self.group = group
        self.time = time
        self.random_state = random_state
        self.verbose = verbose

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, those of the recommenders by their names.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return those of the recommenders and the ranker as well.

        Returns
        -------
        params : dict
        """
        return self._get_params("retrievers", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also by ``<name of a recommender>__<parameter>``.

        Parameters
        ----------
        **params : dict
            Names and values.

        Returns
        -------
        self
        """
        return self._set_params("retrievers", **params)

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Fit the recommenders, and the ranker to their candidates at origins in the past.

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
            If keys or items are missing, a parameter does not fit the clock or the log, or with
            ``fallback=False`` the log is too short for an origin.
        """
        rng = check_random_state(self.random_state)
        rows = self._rows = self._read_rows(X, y)
        self._tie_order = rng.permutation(len(self.classes_))
        self._lists = ListMaker(self.groups_, self._group_names, self.classes_, self._tie_order)
        retrievers = self._read_retrievers()
        self._quotas = self._read_quotas(len(retrievers))
        latest = rows.times.max()
        dates = self._clock[0] == "datetime"  # whose clock counts whole microseconds
        self._now = latest + 1 if dates else np.nextafter(latest, np.inf)
        settings = np.argsort(self._tie_order), self._quotas, self.exclude_seen
        n_origins = self.n_origins + self.fallback
        origins = rows_at_origins(rows, retrievers, self._now, n_origins, settings, self.verbose)
        ranker = default_ranker(rng) if self.ranker is None else self.ranker
        names = [name for name, _ in retrievers]
        self.ranker_, self.fallback_, self.inner_scores_ = learn(
            ranker, origins, self.n_origins, self.n_negatives, names, self.fallback, rng
        )
        made = [] if self.ranker_ is None else [one.names for one in origins if one is not None]
        self.feature_names_ = made[0] if made else []
        self._fitted = rows.fit(retrievers, np.inf)
        self.retrievers_ = list(zip(names, self._fitted[0].fitted))
        return self

    def _read_rows(self, X, y):
        """Read the log and what is known of its events and items, ready to make rows of."""
        X = self._check_table(X, reset=True)
        items = check_items(y, num_samples(X), type(self).__name__)
        keys = self._fit_keys(X)
        check_group_names(self._group_names)
        self.classes_, codes = sort_items(items)
        self.items_ = self.classes_
        self._origin = keys.times.values.min()
        times = self._to_clock(keys.times)[keys.place]
        clock, dates = Clock(*self._clock), self._clock[0] == "datetime"
        unit = times.max() / 5 or 1.0
        if self.horizon is not None:
            unit = float(clock.length(self.horizon, "horizon"))
        half_lives = [unit / 8, unit / 2, 2 * unit]
        if self.half_lives is not None:
            half_lives = sorted(clock.length(h, "half_lives") for h in self.half_lives)
            if not half_lives or not half_lives[0] > 0:
                raise ValueError(f"half_lives={self.half_lives!r} must be positive lengths.")
        attributes, columns = read_attributes(self.item_features, self.classes_), {}
        if self.columns is not None:
            values, names = self._select_columns(X, self.columns)
            columns = dict(zip(names, values.astype(np.float64).T))
        groups = self.features
        if groups is None:
            given = {"attributes": attributes, "columns": columns, "demand": self.demand}
            named = (name for name, what in given.items() if what)
            groups = ["scores", "personal", "context", *named]
        if not len(groups) or not set(groups) <= set(GROUPS):
            raise ValueError(f"features={show(groups)} must name some of {', '.join(GROUPS)}.")
        # Recommenders know series by their positions. Dates stay dates for them, in UTC.
        clock = Clock("datetime", whole=True) if dates else Clock("number")
        ticks = keys.ticks if dates else clock.ticks(Times("number", times))
        series = pd.RangeIndex(len(self.groups_))
        return RowMaker(
            Events(keys.codes, ticks, codes, series, self.classes_, clock),
            times,
            unit=unit,
            half_lives=np.array(half_lives, dtype=np.float64),
            groups=groups,
            attributes=attributes,
            columns=columns,
            demand=self.demand,
            origin=self._origin if dates else None,
        )

    def _read_retrievers(self):
        """Return the first stage with its names; raise if it is none."""
        retrievers = self.retrievers
        if retrievers is None:
            popular, personal = DummyClassifier(strategy="prior"), PersonalFrequencyClassifier(50.0)
            return [
                ("popular", SequenceRecommender(popular, window=1)),
                ("personal", SequenceRecommender(personal, window=200)),
                ("similar", SequenceRecommender(ItemKNNClassifier(), window=50)),
            ]
        if not retrievers or not all(
            isinstance(pair, tuple) and len(pair) == 2 and hasattr(pair[1], "recommend")
            for pair in retrievers
        ):
            raise ValueError(
                f"retrievers={show(retrievers)} must be a list of (name, recommender), such as "
                "[('knn', SequenceRecommender())]."
            )
        self._validate_names([name for name, _ in retrievers])
        return retrievers

    def _read_quotas(self, n_retrievers):
        """Return how many items each recommender may propose."""
        if isinstance(self.n_candidates, (int, np.integer)):
            return [self.n_candidates] * n_retrievers
        quotas = [check_k(quota, "n_candidates") for quota in self.n_candidates]
        if len(quotas) != n_retrievers:
            raise ValueError(
                f"n_candidates has {len(quotas)} number(s), but there are {n_retrievers} "
                "retrievers: give one number for each, or one for all."
            )
        return quotas

    def _to_clock(self, times):
        """Return times as floats that start at 0."""
        return (times.values - self._origin).astype(np.float64)

    def _best(self, series, clock, k, exclude_seen, columns=None):
        """Return the best items of each key and their scores."""
        k = min(check_k(k), len(self.classes_) if columns is None else columns.shape[1])
        best = np.full((len(series), k), -1)
        scores = np.full((len(series), k), np.nan)
        quotas = [max(quota, k) for quota in self._quotas]
        tie = np.argsort(self._tie_order)
        judge = self.ranker_ if self.fallback_ is None else self.fallback_
        for first in tqdm(range(0, len(series), _BLOCK), disable=not self.verbose):
            part = slice(first, first + _BLOCK)
            own = columns if columns is None or len(columns) == 1 else columns[part]
            how = tie, quotas, exclude_seen, own
            row, rank, item, score = list_candidates(
                self._rows, self._fitted, judge, series[part], clock[part], k, *how
            )
            best[first + row, rank - 1], scores[first + row, rank - 1] = item, score
        return best, scores

    def predict(self, X: Table) -> np.ndarray:
        """Return the best item of each row, given the training events before it.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Keyed rows. Their own items are not known: only training events before them count.

        Returns
        -------
        array of shape (n_samples,)
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        keys = self._read_keys(X)
        clock = self._to_clock(keys.times)[keys.place]
        best, _ = self._best(keys.codes, clock, 1, False)
        return self.classes_[best[:, 0]]

    def recommend(
        self,
        X: Table = None,
        k: int = 10,
        *,
        exclude_seen: bool | None = None,
        candidates: Any = None,
        at: Any = None,
    ) -> pd.DataFrame:
        """Return the k best items of each series, as a long table.

        Parameters
        ----------
        X : table, list of labels or None, default=None
            Who to recommend to: the series in a keyed table, or their labels (tuples where several
            columns name a series). None is every series of the training table. A series is listed
            once.
        k : int, default=10
            Length of the lists. A series with fewer items to choose from is given a shorter list.
        exclude_seen : bool or None, default=None
            Whether to leave out the items that the series interacted with before; None is the
            parameter.
        candidates : list of items, DataFrame or None, default=None
            The only items to recommend, as in :meth:`SequenceRecommender.recommend`; None is what
            the recommenders propose.
        at : time or None, default=None
            Only training events before this time count; None uses all of them. What was learned
            stays what it is.

        Returns
        -------
        pandas.DataFrame
            The column(s) that name the series, ``rank`` (1 is best), ``item``, ``score`` (of the
            ranker, or of the recommender named by ``fallback_``) and ``source``: ``"history"``, or
            ``"popularity"`` for a series without an event.
        """
        check_is_fitted(self)
        groups = self._lists.series(X, self.group, self.time)
        columns = self._lists.columns(candidates, groups)
        codes = self.groups_.get_indexer(groups)
        now = self._now if at is None else self._to_clock(Clock(*self._clock).read(at))[0]
        series = np.where(codes < 0, len(self.groups_), codes)  # one without events
        clock = np.full(len(series), now)
        exclude_seen = self.exclude_seen if exclude_seen is None else exclude_seen
        best, scores = self._best(series, clock, k, exclude_seen, columns)
        return self._lists.table(groups, best, scores, self._rows.has_past(series, clock))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # the columns of X say when, and not what
        return tags
