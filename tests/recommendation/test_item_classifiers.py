import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from sklearn_tsrec.recommendation import ItemKNNClassifier, PersonalFrequencyClassifier

NAN = np.nan
WINDOWS = st_numpy.arrays(
    float, st.tuples(st.integers(1, 8), st.just(3)), elements=st.sampled_from([NAN, 0, 1, 2, 2.5])
)


@settings(max_examples=50, deadline=None)
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


@settings(max_examples=50, deadline=None)
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


@pytest.mark.parametrize("model", [ItemKNNClassifier(), PersonalFrequencyClassifier()])
def test_empty_windows_give_the_popularity(model):
    X, y = [[NAN, NAN], [1, 2], [2, NAN]], [1, 1, 2]
    model.fit(X, y, [1, 1, 6])
    np.testing.assert_allclose(model.predict_proba([[NAN, NAN], [77, -1]]), [[0.25, 0.75]] * 2)
    empty = model.fit([[NAN]], [3])
    np.testing.assert_array_equal(empty.predict_proba([[NAN], [3]]), [[1], [1]])


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
    ],
)
def test_bad_parameters(model, name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        model.fit([[1.0]], [1])


@pytest.mark.parametrize("model", [ItemKNNClassifier(), PersonalFrequencyClassifier()])
def test_bad_data(model):
    with pytest.raises(ValueError, match="contains infinity"):
        model.fit([[np.inf]], [1])
    with pytest.raises(ValueError, match="must contain at least one non-zero"):
        model.fit([[1.0]], [1], sample_weight=[0.0])
    with pytest.raises(ValueError, match="Negative values"):
        model.fit([[1.0]], [1], sample_weight=[-1.0])
