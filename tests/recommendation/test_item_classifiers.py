import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from scipy import sparse
from sklearn.base import clone

from sklearn_tsrec.recommendation import (
    EASEClassifier,
    ItemKNNClassifier,
    MarkovClassifier,
    PersonalFrequencyClassifier,
)

NAN = np.nan
LEARNERS = [
    EASEClassifier(2.0, decay=0.7),
    EASEClassifier(2.0, target="next", decay=0.7),
    ItemKNNClassifier(2, decay=0.7),
    MarkovClassifier(order=2),
    PersonalFrequencyClassifier(),
]
WINDOWS = st_numpy.arrays(
    float, st.tuples(st.integers(1, 8), st.just(3)), elements=st.sampled_from([NAN, 0, 1, 2, 2.5])
)


@settings(max_examples=50)
@given(WINDOWS, st.randoms(use_true_random=False), st.floats(0.1, 5))
def test_personal_frequency_counts(X, random, smoothing):
    y = np.array([random.randrange(3) for _ in X])
    weight = np.array([random.uniform(0.1, 2) for _ in X])
    model = PersonalFrequencyClassifier(smoothing).fit(X, y, weight)
    proba = model.predict_proba(X)
    for window, given_proba in zip(X, proba, strict=True):
        known = [item for item in window if item in set(y)]
        for item, p in zip(model.classes_, given_proba, strict=True):
            popularity = weight[y == item].sum() / weight.sum()
            expected = (known.count(item) + smoothing * popularity) / (len(known) + smoothing)
            assert p == pytest.approx(expected)


def weight_in(window, item, decay):
    """Return the weight of the latest place of an item in a window."""
    ages = [age for age, other in enumerate(window[::-1]) if other == item]
    return decay ** ages[0] if ages else 0.0


@settings(max_examples=50)
@given(
    WINDOWS,
    st.randoms(use_true_random=False),
    st.floats(0.1, 1),
    st.floats(0, 3),
    st.none() | st.floats(0, 1),
    st.floats(0.01, 1),
)
def test_item_knn_is_a_cosine(X, random, decay, shrinkage, self_similarity, smoothing):
    y = np.array([random.randrange(3) for _ in X])
    weight = np.array([random.uniform(0.1, 2) for _ in X])
    model = ItemKNNClassifier(
        decay=decay, shrinkage=shrinkage, self_similarity=self_similarity, smoothing=smoothing
    )
    proba = model.fit(X, y, weight).predict_proba(X)
    prior = np.array([weight[y == i].sum() for i in model.classes_]) / weight.sum()
    for window, given_proba in zip(X, proba, strict=True):
        score = np.zeros(len(model.classes_))
        for age, item in enumerate(window[::-1]):
            if np.isnan(item):
                continue
            recency = np.array([weight_in(row, item, decay) for row in X])
            for c, label in enumerate(model.classes_):
                next_ = y == label
                norm = np.sqrt((weight * recency**2).sum() * weight[next_].sum()) + shrinkage
                similarity = (weight * recency)[next_].sum() / norm
                if self_similarity is not None and item == label:
                    similarity = self_similarity
                score[c] += decay**age * similarity
        if score.sum():
            expected = (1 - smoothing) * score / score.sum() + smoothing * prior
        else:
            expected = prior
        np.testing.assert_allclose(given_proba, expected, atol=1e-12)


def test_neighbors_are_the_most_similar_ones_of_each_item():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 8, (200, 4)).astype(float), rng.integers(0, 8, 200)
    full = ItemKNNClassifier().fit(X, y).similarity_.toarray()
    for n in (1, 3, 8):
        near = ItemKNNClassifier(n).fit(X, y).similarity_.toarray()
        assert ((near > 0).sum(axis=0) == n).all()
        np.testing.assert_array_equal(np.sort(near, axis=0)[-n:], np.sort(full, axis=0)[-n:])


def test_decay_prefers_what_follows_the_latest_item():
    X, y = [[NAN, 1], [NAN, 2]] * 2, [3, 4] * 2
    model = ItemKNNClassifier(decay=0.5).fit(X, y)
    assert model.predict([[1, 2], [2, 1]]).tolist() == [4, 3]
    proba = model.predict_proba([[1, 2]])
    np.testing.assert_allclose(proba, [[0.99 / 3 + 0.005, 0.99 * 2 / 3 + 0.005]])


def test_long_windows_with_steep_decay_stay_finite():
    X = np.full((2, 400), NAN)
    X[:, 0], X[:, 200] = 1, 2
    proba = ItemKNNClassifier(decay=0.1).fit(X, [3, 4]).predict_proba(X)
    np.testing.assert_allclose(proba, 0.5)


@pytest.mark.parametrize("model", LEARNERS)
def test_empty_windows_give_the_popularity(model):
    X, y = [[NAN, NAN], [1, 2], [2, NAN]], [1, 1, 2]
    model.fit(X, y, [1, 1, 6])
    unknown = np.array([[NAN, NAN], [77, -1]])
    np.testing.assert_allclose(model._score(unknown), [[0.25, 0.75]] * 2)
    empty = model.fit([[NAN]], [3])
    assert empty.predict([[NAN], [3]]).tolist() == [3, 3]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (PersonalFrequencyClassifier(0), "smoothing"),
        (ItemKNNClassifier(0), "n_neighbors"),
        (ItemKNNClassifier(decay=0), "decay"),
        (ItemKNNClassifier(decay=1.1), "decay"),
        (ItemKNNClassifier(shrinkage=-1), "shrinkage"),
        (ItemKNNClassifier(self_similarity=-1), "self_similarity"),
        (ItemKNNClassifier(smoothing=0), "smoothing"),
        (EASEClassifier(0), "regularization"),
        (EASEClassifier(target="all"), "target"),
        (EASEClassifier(decay=0), "decay"),
    ],
)
def test_bad_parameters(model, name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        model.fit([[1.0]], [1])


@pytest.mark.parametrize("model", LEARNERS)
@pytest.mark.parametrize("labels", [float, str])
def test_new_rows_add_to_the_old_ones(model, labels):
    rng = np.random.default_rng(0)
    X = rng.choice([NAN, 0, 1, 2, 3, 4], (60, 4))
    y, weight = np.r_[rng.integers(2, 4, 20), rng.integers(0, 6, 40)], rng.uniform(0.1, 2, 60)
    X[:20][X[:20] < 2] = NAN  # the first rows know neither all items nor all classes
    y = y.astype(labels)
    whole = model.fit(X, y, weight)._score(X)
    parts = clone(model)
    for rows in (slice(0, 20), slice(20, 45), slice(45, 60)):
        parts.partial_fit(X[rows], y[rows], sample_weight=weight[rows])
    np.testing.assert_array_equal(parts.classes_, model.classes_)
    np.testing.assert_allclose(parts._score(X), whole, atol=1e-12)
    np.testing.assert_allclose(parts.class_prior_, model.class_prior_)


@pytest.mark.parametrize("model", LEARNERS)
def test_blocks_do_not_change_what_is_learned(monkeypatch, model):
    rng = np.random.default_rng(0)
    X, y = rng.choice([NAN, 0, 1, 2, 3, 4], (60, 4)), np.r_[[2] * 20, rng.integers(0, 6, 40)]
    whole = model.fit(X, y)._score(X)
    monkeypatch.setattr("sklearn_tsrec.recommendation._window_classifier._BLOCK", 13)
    np.testing.assert_allclose(clone(model).fit(X, y)._score(X), whole, atol=1e-12)


@pytest.mark.parametrize("model", LEARNERS)
def test_classes_may_be_told_before_they_are_seen(model):
    model = clone(model).partial_fit([[1.0, 2.0]], [2], classes=[1, 2, 3])
    assert model.classes_.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(model.class_prior_, [0, 1, 0])
    assert model.partial_fit([[NAN, 2.0]], [4]).classes_.tolist() == [1, 2, 3, 4]
    assert model._score(np.array([[1.0, 2.0]])).shape == (1, 4)


@pytest.mark.parametrize("model", [m for m in LEARNERS if not isinstance(m, MarkovClassifier)])
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix])
def test_sparse_rows_weigh_items_without_an_order(model, kind):
    rng = np.random.default_rng(0)
    rows = (rng.random((40, 6)) < 0.3) * 1.0
    y = rng.integers(0, 6, 40)
    windows = np.full((40, 6), NAN)
    for window, row in zip(windows, rows):
        items = np.flatnonzero(row)
        window[6 - len(items) :] = items
    plain = clone(model)
    if "decay" in model.get_params():
        plain.set_params(decay=1.0)
    expected = plain.fit(windows, y)._score(windows)
    given_rows = kind(rows)
    score = plain.fit(given_rows, y)._score(*plain._read(given_rows))
    np.testing.assert_allclose(score, expected, atol=1e-12)
    heavy = kind(np.array([[3.0, 1, 0, 0, 0, 0]]))
    if isinstance(model, PersonalFrequencyClassifier):
        expected = (np.array([3, 1, 0, 0, 0, 0]) + plain.class_prior_) / 5
        np.testing.assert_allclose(plain.predict_proba(heavy), [expected])
    with pytest.raises(ValueError, match="weights of items must be numbers of at least 0"):
        plain.fit(kind(-rows), y)


@pytest.mark.parametrize("n_neighbors", [None, 3])
def test_sparse_and_dense_scores_of_neighbors_are_the_same(n_neighbors):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 40, (300, 4)).astype(float), rng.integers(0, 40, 300)
    model = ItemKNNClassifier(n_neighbors, decay=0.9).fit(X, y)
    asked = np.vstack([X[:20], [[NAN] * 4, [77, NAN, NAN, NAN]]])
    own, base = model._sparse_score(asked)
    scores = own.toarray() + base[:, np.newaxis] * model.class_prior_
    np.testing.assert_allclose(model.predict_proba(asked), scores, atol=1e-14)


@pytest.mark.parametrize("model", [ItemKNNClassifier(), PersonalFrequencyClassifier()])
def test_bad_data(model):
    with pytest.raises(ValueError, match="contains infinity"):
        model.fit([[np.inf]], [1])
    with pytest.raises(ValueError, match="must contain at least one non-zero"):
        model.fit([[1.0]], [1], sample_weight=[0.0])
    with pytest.raises(ValueError, match="Negative values"):
        model.fit([[1.0]], [1], sample_weight=[-1.0])
