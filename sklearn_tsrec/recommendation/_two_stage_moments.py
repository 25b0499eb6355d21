"""The first stage: what recommenders propose at a moment, as rows of candidates."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone


class Candidates(NamedTuple):
    """Candidates of some moments, one a row, those of one moment together and in order."""

    moment: np.ndarray  # number of the moment of each row
    item: np.ndarray  # position of the item in classes_
    scores: np.ndarray  # of shape (n_rows, n_retrievers); NaN where a retriever does not know it


class Retrievers:
    """Recommenders that were fitted on the same events.

    Parameters
    ----------
    retrievers : list of (str, recommender)
        What is fitted: clones are.
    table : DataFrame
        The events: columns ``series``, ``time`` and ``item`` (positions in ``labels``).
    labels : array of shape (n_items,)
        The items. Recommenders see these, so that they find what they know of them.
    """

    def __init__(self, retrievers, table, labels):
        self.names = [name for name, _ in retrievers]
        self.fitted = [
            clone(recommender)
            .set_params(group="series", time="time", freq=None)
            .fit(table[["series", "time"]], labels[table["item"]])
            for _, recommender in retrievers
        ]
        places = pd.Index(labels)
        self._items = [places.get_indexer(recommender.items_) for recommender in self.fitted]
        self._labels = labels

    def propose(self, moments, quotas, exclude_seen, extra=None):
        """Return the best items of each retriever at each moment, together, with all scores.

        Parameters
        ----------
        moments : DataFrame
            Columns ``series`` and ``time``.
        quotas : list of int
            How many items each retriever may propose.
        exclude_seen : bool
            Whether they leave out what the series had before.
        extra : int64 array of shape (1 or n_moments, m) or None
            More items, -1 for none.

        Returns
        -------
        Candidates
        """
        proposed = [] if extra is None else [np.broadcast_to(extra, (len(moments), extra.shape[1]))]
        for recommender, own, quota in zip(self.fitted, self._items, quotas):
            place, _ = recommender.top_items(moments, quota, exclude_seen=exclude_seen)
            proposed.append(np.where(place < 0, -1, own[place]))
        items = np.sort(np.concatenate(proposed, axis=1), axis=1)
        items[:, 1:][items[:, 1:] == items[:, :-1]] = -1
        moment, column = np.nonzero(items >= 0)
        scores = np.full((len(moment), len(self.fitted)), np.nan)
        for j, (recommender, own) in enumerate(zip(self.fitted, self._items)):
            place = np.full(len(self._labels) + 1, -1)
            place[own[own >= 0]] = np.flatnonzero(own >= 0)
            # The last place is that of no item, which -1 finds.
            scores[:, j] = recommender.score_items(moments, place[items])[moment, column]
        return Candidates(moment, items[moment, column], scores)


def rank_in_moment(moment, scores, tie):
    """Return the rank of each row in its moment, 1 for the largest score; NaN comes last."""
    order = np.lexsort((tie, -scores, moment))  # lexsort puts NaN last
    place = np.arange(len(moment))
    first = np.maximum.accumulate(np.where(np.diff(moment[order], prepend=-1) != 0, place, 0))
    rank = np.empty(len(moment), dtype=np.int64)
    rank[order] = place - first + 1
    return rank
