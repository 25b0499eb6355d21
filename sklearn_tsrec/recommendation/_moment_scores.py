"""Scores of items at moments: what every list of a recommender is made of."""

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec.recommendation._events import span_items, top_k, top_k_of_sparse
from sklearn_tsrec.recommendation._lists import check_k
from sklearn_tsrec.recommendation._past import moments_of, read_past

_CELLS = 1 << 20  # scores held at once; blocks that stay in the cache are the fastest
_ROWS = 128  # moments at once, where few items of many have a score of their own


class MomentScores:
    """Mixin of recommenders that ask a classifier for the scores of all items at a moment."""

    def _score(self, moments):
        """Return a score of each item at each moment."""
        scores = np.empty((len(moments), len(self.classes_)))
        known = moments.end > moments.first
        scores[~known] = self.popularity_
        if known.any():
            past = read_past(self, moments.take(known))
            if hasattr(self.estimator_, "predict_proba"):
                scores[known] = self.estimator_.predict_proba(past)
            else:
                given = self.estimator_.decision_function(past)
                scores[known] = np.column_stack([-given, given]) if given.ndim == 1 else given
        return scores

    def _blocks(self, moments):
        """Yield slices of moments whose scores fit into memory together, and these scores."""
        size = max(_CELLS // len(self.items_), 1)
        for start in range(0, len(moments), size):
            rows = slice(start, start + size)
            yield rows, self._score(moments.take(rows))

    def _with_cold(self, scores):
        """Return scores with those of the items that training did not have beside them."""
        if len(self.items_) == len(self.classes_):
            return scores
        return np.hstack([scores, scores @ self._cold_weights])

    def _read_moments(self, X):
        """Return the moments that are the rows of a table."""
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        return moments_of(self, X, self._read_keys(X))

    def score_items(self, X, items):
        """Return the scores of given items at given moments.

        Each moment sees only the training events of its series strictly before it. The classifier
        stays what it is: for scores that could have been known at a moment, ``fit`` must have been
        given no later event.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Keyed moments.
        items : int array of shape (n_samples, m)
            Positions in ``items_`` of the items to score at each moment; -1 for no item.

        Returns
        -------
        float array of shape (n_samples, m)
            Probabilities or, of a classifier without, the decision function. NaN for no item.
        """
        moments = self._read_moments(X)
        items = check_array(items, dtype=np.int64, input_name="items")
        if len(items) != len(moments):
            raise ValueError(
                f"items has {len(items)} rows, but X has {len(moments)}: give one each."
            )
        if items.min() < -1 or items.max() >= len(self.items_):
            raise ValueError(
                f"items holds positions from {items.min()} to {items.max()}, but they must be from "
                f"-1 (no item) to {len(self.items_) - 1}: positions in items_."
            )
        chosen = np.empty(items.shape)
        for rows, scores in self._blocks(moments):
            chosen[rows] = np.take_along_axis(self._with_cold(scores), items[rows], axis=1)
        chosen[items < 0] = np.nan
        return chosen

    def top_items(self, X, k=10, *, exclude_seen=None):
        """Return the k best items at each moment and their scores, as arrays.

        What :meth:`recommend` lists, for moments of one's own: each sees only the training events
        of its series strictly before it.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            Keyed moments; a series may have several.
        k : int, default=10
            Length of the lists.
        exclude_seen : bool or None, default=None
            Whether to leave out what the series had before the moment; None does as the parameter
            says.

        Returns
        -------
        items : int array of shape (n_samples, min(k, n_items))
            Positions in ``items_``, the best first; -1 where no item is left.
        scores : float array of shape (n_samples, min(k, n_items))
            Their scores; NaN where no item is left.
        """
        moments = self._read_moments(X)
        return self._top(moments, k, exclude_seen, self._tie_order[np.newaxis])

    def _top(self, moments, k, exclude_seen, columns):
        """Return the best of the candidate columns (one row for all spans, or one each)."""
        k = min(check_k(k), columns.shape[1])
        exclude_seen = self.exclude_seen if exclude_seen is None else exclude_seen
        best = np.empty((len(moments), k), dtype=np.int64)
        best_scores = np.empty((len(moments), k))
        sparse = hasattr(self.estimator_, "_is_sparse") and self.estimator_._is_sparse()
        if sparse and len(columns) == 1 and len(self.items_) == len(self.classes_):
            return self._top_of_sparse(moments, best, best_scores, exclude_seen, columns[0])
        for rows, scores in self._blocks(moments):
            scores = self._with_cold(scores)
            if exclude_seen:
                seen, span = span_items(self.history_, moments.first[rows], moments.end[rows])
                scores[span, seen] = np.nan
            own = columns[rows] if len(columns) > 1 else columns
            best[rows], best_scores[rows] = top_k(scores, own, k)
        return best, best_scores

    def _top_of_sparse(self, moments, best, best_scores, exclude_seen, columns):
        """Fill in the best columns where all but few items are as good as they are popular."""
        prior = self.popularity_
        rank = np.full(len(prior), -1)
        rank[columns] = np.arange(len(columns))
        popular = columns[np.argsort(-prior[columns], kind="stable")]
        for start in range(0, len(moments), _ROWS):
            rows = slice(start, start + _ROWS)
            block = moments.take(rows)
            own, base = self.estimator_._sparse_score(
                *self.estimator_._read(read_past(self, block))
            )
            seen, starts = np.empty(0, dtype=np.int64), np.zeros(len(block) + 1, dtype=np.int64)
            if exclude_seen:
                seen, span = span_items(self.history_, block.first, block.end)
                starts = np.searchsorted(span, np.arange(len(block) + 1))
            best[rows], best_scores[rows] = top_k_of_sparse(
                own.indptr, own.indices, own.data, base, prior, popular, rank, starts, seen,
                best.shape[1],
            )  # fmt: skip
        return best, best_scores
