import warnings
from numbers import Integral
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_tsrec._sklearn import Interval, fit_context
from sklearn_tsrec._table import column_position, is_frame
from sklearn_tsrec.recommendation._coordinates import principal_coordinates


class KnowledgeGraphFeatures(TransformerMixin, BaseEstimator):
    """Features of items out of a graph of facts about them.

    A fact is a triple such as ``("tea", "is", "drink")``: head, relation and tail. Each item is
    described by how many facts it has of each relation, by how many others it reaches in two hops,
    and by coordinates in which items are near that share facts, or have neighbours that do.

    The coordinates are a truncated singular value decomposition of a matrix with a row for each
    entity (head or tail) and a column for each thing that can be said of one ("is … drink",
    "… is tea"), where rare facts weigh more; what is said of neighbours in up to ``hops - 1`` hops
    is added with half the weight for each hop. An item without facts is 0 in all columns.

    They depend on the facts alone: not on their order, and not on the machine. See Notes.

    Parameters
    ----------
    triples : array or DataFrame of shape (n_facts, 3), default=None
        Heads, relations and tails; equal facts count once. It must be given.
    item : int or str, default=0
        Column of X that holds the items.
    hops : int, default=2
        How far to look. 1 takes the facts about an item alone.
    n_components : int, default=16
        Number of coordinates, at most: as many as entities and things to say differ in.

    Attributes
    ----------
    embedding_ : array of shape (n_entities, n_coordinates)
        The coordinates of each entity.
    entities_ : Index
        The heads and tails, sorted as text.
    relations_ : Index
        The relations, sorted.
    n_features_in_ : int
        Number of columns of X in ``fit``.

    Raises
    ------
    ValueError
        If ``triples`` are missing or are no triples.

    Warns
    -----
    UserWarning
        If ``n_components`` would part coordinates of equal singular values.

    See Also
    --------
    SequenceRecommender : Takes such features as ``item_features``.
    TwoStageRecommender : The same, for its ranker.

    Notes
    -----
    A decomposition leaves the sign of each coordinate open, and where singular values are equal (as
    those of graphs with a symmetry are) any turn of their coordinates. Here the entity that is
    largest in such coordinates is positive in the first of them and 0 in the others; the one that
    is largest in what is left decides about the second, and so on; among equally large ones, which
    a symmetry of the graph turns into each other, the first in ``entities_``. Singular values count
    as equal if they differ by less than 1e-6 of the largest. Coordinates of equal singular values
    are kept or left out together. All are rounded to ten decimals.

    References
    ----------
    .. [1] H. Wang, F. Zhang, J. Wang, M. Zhao, W. Li, X. Xie and M. Guo (2018), "RippleNet:
       propagating user preferences on the knowledge graph for recommender systems", CIKM.
    .. [2] G. Golub and R. Underwood (1977), "The block Lanczos method for computing eigenvalues",
       Mathematical Software III.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.recommendation import KnowledgeGraphFeatures
    >>> triples = [("tea", "is", "drink"), ("milk", "is", "drink"), ("milk", "from", "farm"),
    ...            ("eggs", "from", "farm")]
    >>> items = pd.DataFrame({"item": ["tea", "milk", "salt"]}, index=["tea", "milk", "salt"])
    >>> graph = KnowledgeGraphFeatures(triples, n_components=2).set_output(transform="pandas")
    >>> graph.fit_transform(items).round(2) + 0.0
          from__count  is__count  hop2__count  graph0  graph1
    tea           0.0        1.0          1.0    0.78   -0.73
    milk          1.0        1.0          2.0    1.02    0.00
    salt          0.0        0.0          0.0    0.00    0.00
    """

    _parameter_constraints: ClassVar[dict] = {
        "triples": ["array-like", None],
        "item": [Integral, str],
        "hops": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, triples=None, *, item=0, hops=2, n_components=16):
        self.triples = triples
        self.item = item
        self.hops = hops
        self.n_components = n_components

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the coordinates of all entities.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            A table with a column of items. The graph does not depend on it.
        y : None
            Not used.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If ``triples`` are missing or are no triples.
        """
        self._read_items(X, reset=True)
        head, relation, tail = self._read_triples()
        size = len(self.entities_)
        self._counts = sparse.csr_array(
            (np.ones(2 * len(head)), (np.r_[head, tail], np.r_[relation, relation])),
            shape=(size, len(self.relations_)),
        )
        edges = sparse.csr_array((np.ones(len(head)), (head, tail)), shape=(size, size))
        near = ((edges + edges.T) > 0).astype(np.float64)
        near.setdiag(0)
        near.eliminate_zeros()
        self._hop2 = _count_second_hop(near) if self.hops > 1 else None
        self.embedding_ = self._embed(head, relation, tail, near)
        return self

    def _read_triples(self):
        """Learn entities and relations; return the facts as numbers, each once."""
        if self.triples is None:
            raise ValueError("triples=None: give the facts, rows of (head, relation, tail).")
        facts = pd.DataFrame(self.triples)
        if facts.shape[1] != 3 or not len(facts):
            raise ValueError(
                f"triples has shape {facts.shape}, but must have rows of (head, relation, tail)."
            )
        missing = facts.isna().any(axis=1).to_numpy()
        if missing.any():
            raise ValueError(f"triples misses a part of the fact in row {int(missing.argmax())}.")
        facts = facts.astype(object).drop_duplicates()
        codes, entities = pd.factorize(np.r_[facts.iloc[:, 0], facts.iloc[:, 2]])
        order = np.array(sorted(range(len(entities)), key=lambda one: str(entities[one])))
        codes, entities = np.argsort(order)[codes], entities[order]
        relation, relations = pd.factorize(facts.iloc[:, 1].astype(str), sort=True)
        self.entities_, self.relations_ = pd.Index(entities, dtype=object), pd.Index(relations)
        return codes[: len(facts)], relation, codes[len(facts) :]

    def _embed(self, head, relation, tail, near):
        """Return the coordinates of the entities."""
        size, n_relations = len(self.entities_), len(self.relations_)
        # "is drink" is said of heads, and "… is tea" of tails: two columns for each pair.
        said = np.r_[relation * size + tail, (n_relations + relation) * size + head]
        _, column = np.unique(said, return_inverse=True)
        rarity = np.log1p(size / np.bincount(column))
        facts = sparse.csr_array((rarity[column], (np.r_[head, tail], column)))
        facts = normalize(facts)
        step = normalize(near, norm="l1")
        total = reached = facts
        for hop in range(1, self.hops):
            reached = step @ reached
            total = total + 0.5**hop * reached
        coordinates, cut = principal_coordinates(total, self.n_components)
        if cut:
            warnings.warn(
                f"n_components={self.n_components} would part coordinates of equal singular "
                f"values: {coordinates.shape[1]} are kept. A larger n_components keeps more.",
                stacklevel=3,
            )
        # Rows are about 1 long. Trees would split what only rounding tells apart.
        return np.round(coordinates, 10) + 0.0

    def _read_items(self, X, *, reset):
        """Return the items of a table."""
        frame = is_frame(X)
        position = column_position(X, self.item, "item") if frame else self.item
        X = validate_data(self, X, reset=reset, dtype=None)
        if not frame:
            position = column_position(X, self.item, "item")
        return X[:, position]

    def transform(self, X):
        """Return the features of the items in a table.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            A table with a column of items.

        Returns
        -------
        array of shape (n_samples, n_features_out)
        """
        check_is_fitted(self)
        place = self.entities_.get_indexer(pd.Index(self._read_items(X, reset=False), dtype=object))
        parts = [self._counts.toarray(), self.embedding_]
        if self._hop2 is not None:
            parts.insert(1, self._hop2[:, np.newaxis])
        features = np.hstack(parts)[place]
        features[place < 0] = 0
        return features

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : None
            Not used.

        Returns
        -------
        array of str
        """
        check_is_fitted(self)
        names = [f"{relation}__count" for relation in self.relations_]
        names += ["hop2__count"] * (self._hop2 is not None)
        return np.array(names + [f"graph{i}" for i in range(self.embedding_.shape[1])], object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags


def _count_second_hop(near):
    """Return how many entities each reaches in two hops and not in one."""
    two = ((near @ near) > 0).astype(np.float64)
    two.setdiag(0)
    return np.asarray((two - two.multiply(near)).sum(axis=1)).ravel()
