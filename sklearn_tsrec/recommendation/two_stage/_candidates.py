"""The first stage: what recommenders propose for a series at a time, as rows of candidates."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone

from sklearn_tsrec._scans import is_new
from sklearn_tsrec._ties import settle


class Candidates(NamedTuple):
    """Candidates of some keys (series and times), one a row, those of one key together."""

    key: np.ndarray  # number of the key of each row
    item: np.ndarray  # position of the item in classes_
    scores: np.ndarray  # of shape (n_rows, n_retrievers); NaN where a retriever does not know it


class Retrievers:
    """Recommenders that were fitted to the same events.

    Parameters
    ----------
    retrievers : list of (str, recommender)
        What is fitted: clones are.
    events : Events
        Some of the log. Recommenders see the labels of its items, so that they find what they know
        of them.
    items : array of shape (n_items,)
        All items of the log.
    """

    def __init__(self, retrievers, events, items):
        self.names = [name for name, _ in retrievers]
        self._members = [
            (LogRetriever if hasattr(recommender, "fit_log") else ListRetriever)(
                recommender, events, items
            )
            for _, recommender in retrievers
        ]
        self.fitted = [member.recommender for member in self._members]

    def propose(self, series, ticks, quotas, exclude_seen, extra=None):
        """Return the best items of each retriever for each key, together, with all scores.

        Parameters
        ----------
        series, ticks : int64 arrays of shape (n_keys,)
            Labels of series and times, as ``Events`` has them.
        quotas : list of int
            How many items each retriever may propose.
        exclude_seen : bool
            Whether they leave out the items of events before the time.
        extra : int64 array of shape (1 or n_keys, m) or None
            More items, -1 for none.

        Returns
        -------
        Candidates
        """
        proposed = [] if extra is None else [np.broadcast_to(extra, (len(series), extra.shape[1]))]
        asked = [member.ask(series, ticks) for member in self._members]
        for member, keys, quota in zip(self._members, asked, quotas):
            proposed.append(member.top(keys, quota, exclude_seen))
        items = np.sort(np.concatenate(proposed, axis=1), axis=1)
        items[:, 1:][items[:, 1:] == items[:, :-1]] = -1
        key, column = np.nonzero(items >= 0)
        scores = np.full((len(key), len(self._members)), np.nan)
        for j, (member, keys) in enumerate(zip(self._members, asked)):
            scores[:, j] = member.score(keys, items)[key, column]
        return Candidates(key, items[key, column], scores)


class LogRetriever:
    """A recommender that takes the events as they are, and looks its log up at any time."""

    def __init__(self, recommender, events, items):
        recommender = clone(recommender).set_params(group="series", time="time", freq=None)
        self.recommender = recommender.fit_log(events)
        self._item = pd.Index(items).get_indexer(recommender.items_)  # -1 where the log has none
        self._place = np.full(len(items) + 1, -1)  # the last place is that of no item: -1 finds it
        self._place[self._item[self._item >= 0]] = np.flatnonzero(self._item >= 0)

    def ask(self, series, ticks):
        """Return the past of each series before each tick."""
        codes = self.recommender.groups_.get_indexer(series)
        return self.recommender.scores_.log.spans(codes, ticks)

    def top(self, spans, k, exclude_seen):
        """Return the k best items of each row, -1 for none."""
        place, _ = self.recommender.scores_.top(spans, k, exclude_seen=exclude_seen)
        return np.where(place < 0, -1, self._item[place])

    def score(self, spans, items):
        """Return the score of each item, NaN where there is none."""
        return self.recommender.scores_.of(spans, self._place[items])


class ListRetriever:
    """A recommender that knows ``fit`` and ``recommend`` alone: it is given tables.

    Its lists are what it recommends after all events that it was fitted to, whatever the tick, and
    items that are not in them have no score. Those that a series has in these events are seen.
    """

    def __init__(self, recommender, events, items):
        recommender = clone(recommender)
        keys = {"group": "series", "time": "time", "freq": None}
        own = {name: value for name, value in keys.items() if name in recommender.get_params()}
        self._in_index, self._clock, self._items = "group" not in own, events.clock, pd.Index(items)
        series = events.groups[events.series]
        X = self._table(series, events.tick)
        self.recommender = recommender.set_params(**own).fit(X, events.items[events.item])
        item = self._items.get_indexer(events.items)[events.item]
        self._seen = np.unique(series * len(items) + item)

    def _table(self, series, ticks):
        """Return keys as a table, in the columns that the recommender reads, or in the index."""
        table = pd.DataFrame({"series": series, "time": self._clock.times(ticks)})
        return table.set_index(["series", "time"]) if self._in_index else table

    def ask(self, series, ticks):
        """Return the distinct series, the row of each among them, and a table of them."""
        distinct, first, row = np.unique(series, return_index=True, return_inverse=True)
        return distinct, row, self._table(distinct, ticks[first])

    def top(self, asked, k, exclude_seen):
        """Return the k best items of each row, -1 for none."""
        distinct, row, _ = asked
        of, rank, item, _ = self._lists(asked, len(self._items) if exclude_seen else k)
        if exclude_seen:
            new = ~np.isin(distinct[of] * len(self._items) + item, self._seen)
            of, item = of[new], item[new]
            rank = rank_in_key(of, -rank[new], item)
        best = np.full((len(distinct), k), -1)
        best[of[rank <= k], rank[rank <= k] - 1] = item[rank <= k]
        return best[row]

    def score(self, asked, items):
        """Return the score of each item, NaN where it is not in a list."""
        _, row, _ = asked
        of, _, item, score = self._lists(asked, len(self._items))
        pairs = pd.Index(of * len(self._items) + item)
        found = pairs.get_indexer((row[:, np.newaxis] * len(self._items) + items).ravel())
        score = np.append(score, np.nan)[found].reshape(items.shape)
        return np.where(items < 0, np.nan, score)

    def _lists(self, asked, k):
        """Return series (by number), rank, item and score of each listed item."""
        distinct, _, table = asked
        lists = self.recommender.recommend(table, k=min(k, len(self._items)))
        of = pd.Index(distinct).get_indexer(lists["series"])
        item = self._items.get_indexer(lists["item"])
        return of, lists["rank"].to_numpy(), item, lists["score"].to_numpy(dtype=np.float64)


def rank_in_key(key, scores, tie):
    """Return the rank of each row in its key, 1 for the largest score; NaN comes last."""
    order = np.lexsort((tie, -settle(scores), key))  # lexsort puts NaN last
    place = np.arange(len(key))
    first = np.maximum.accumulate(np.where(is_new(key[order]), place, 0))
    rank = np.empty(len(key), dtype=np.int64)
    rank[order] = place - first + 1
    return rank
