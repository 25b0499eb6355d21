import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from sklearn_tsrec.recommendation import EASEClassifier

NAN = np.nan
WINDOWS = st_numpy.arrays(
    float, st.tuples(st.integers(1, 8), st.just(3)), elements=st.sampled_from([NAN, 0, 1, 2, 7])
)


def weights_of(X, items, decay):
    """Return how much each item weighs in each window: its latest place counts."""
    return np.array(
        [[max((decay**a for a, j in enumerate(w[::-1]) if j == i), default=0) for i in items]
         for w in X]
    )  # fmt: skip


@settings(max_examples=40)
@given(WINDOWS, st.randoms(use_true_random=False), st.floats(0.1, 1), st.floats(0.1, 50))
def test_set_regresses_each_item_on_all_others(X, random, decay, l2):
    y = np.array([random.randrange(4) for _ in X])
    weight = np.array([random.uniform(0.1, 2) for _ in X])
    model = EASEClassifier(l2, decay=decay).fit(X, y, weight)
    items = sorted({*X[~np.isnan(X)], *y})
    np.testing.assert_array_equal(model.items_, items)
    W = weights_of(X, items, decay)
    S = np.maximum(W, y[:, np.newaxis] == items) * np.sqrt(weight)[:, np.newaxis]
    for column, label in enumerate(model.classes_):
        others = [j for j, item in enumerate(items) if item != label]
        A, target = S[:, others], S[:, items.index(label)]
        expected = np.zeros(len(items))
        expected[others] = np.linalg.solve(A.T @ A + l2 * np.eye(len(others)), A.T @ target)
        np.testing.assert_allclose(model.weights_[:, column], expected, atol=1e-9)
    scores = model._score(X)
    some = ~np.isnan(X).all(axis=1)
    np.testing.assert_allclose(scores[some], W[some] @ model.weights_, atol=1e-12)
    np.testing.assert_allclose(scores[~some], np.tile(model.class_prior_, ((~some).sum(), 1)))


@settings(max_examples=40)
@given(WINDOWS, st.randoms(use_true_random=False), st.floats(0.1, 1), st.floats(0.1, 50))
def test_next_regresses_the_next_item_on_the_window(X, random, decay, l2):
    y = np.array([random.randrange(4) for _ in X])
    weight = np.array([random.uniform(0.1, 2) for _ in X])
    model = EASEClassifier(l2, target="next", decay=decay).fit(X, y, weight)
    W = weights_of(X, model.items_, decay)
    N = (y[:, np.newaxis] == model.classes_).astype(float)
    left = W.T @ (weight[:, np.newaxis] * W) + l2 * np.eye(len(model.items_))
    right = W.T @ (weight[:, np.newaxis] * N)
    np.testing.assert_allclose(model.weights_, np.linalg.solve(left, right), atol=1e-10)


@pytest.mark.parametrize("target", ["set", "next"])
@pytest.mark.parametrize("labels", [np.arange(6), np.array(list("abcdef"))])
def test_rows_without_weight_and_repeated_rows_give_the_same_bits(target, labels):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 40, (60, 4)).astype(float), labels[rng.integers(0, 6, 60)]
    weight = rng.integers(0, 4, 60)
    weight[y == labels[5]] = 0
    order = rng.permutation(60)
    once = EASEClassifier(3.0, target=target).fit(X[order], y[order], weight[order])
    repeated = EASEClassifier(3.0, target=target).fit(X.repeat(weight, 0), y.repeat(weight))
    kept = np.isin(once.classes_, repeated.classes_)
    assert kept.sum() == 5
    assert len(repeated.items_) < len(once.items_)
    score = once.decision_function(X)
    np.testing.assert_array_equal(score[:, kept], repeated.decision_function(X))
    assert (score[:, ~kept] == 0).all()


@pytest.mark.parametrize("target", ["set", "next"])
def test_items_that_are_no_numbers_are_apart_from_those_in_windows(target):
    X, y = np.array([[NAN, 1], [1, 2], [NAN, 1], [NAN, 2]]), ["a", "b", "a", "a"]
    model = EASEClassifier(0.1, target=target).fit(X, y)
    assert model.weights_.shape == (2, 2)
    assert model.predict([[NAN, 1]]) == ["a"]
    S = np.column_stack([weights_of(X, [1, 2], 1), [[1, 0], [0, 1], [1, 0], [1, 0]]])
    W, N = S[:, :2], S[:, 2:]
    if target == "set":
        P = np.linalg.inv(S.T @ S + 0.1 * np.eye(4))
        expected = (-P / np.diag(P))[:2, 2:]
    else:
        expected = np.linalg.solve(W.T @ W + 0.1 * np.eye(2), W.T @ N)
    np.testing.assert_allclose(model.weights_, expected)


def test_large_matrices_are_mirrored_whole():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 150, (900, 3)).astype(float), np.arange(900) % 150
    model = EASEClassifier(5.0).fit(X, y)
    P = np.linalg.inv(model.gram_ + 5 * np.eye(150))
    expected = -P / np.diag(P)
    expected[np.diag_indices(150)] = 0
    np.testing.assert_allclose(model.weights_, expected, atol=1e-12)


def test_next_learns_repeats_and_order_and_set_does_neither():
    X, y = [[NAN, 1], [NAN, 2]] * 5, [1, 3] * 5
    assert EASEClassifier(1.0, target="next").fit(X, y).predict([[NAN, 1]]) == [1]
    assert EASEClassifier(1.0).fit(X, y).weights_[0, 0] == 0
    backwards = [[NAN, 3]]
    assert EASEClassifier(1.0).fit(X, y).decision_function(backwards)[0] == 0
    X, y = [[NAN, 1], [NAN, 2], [NAN, 3]], [2, 3, 4]
    both = EASEClassifier(1.0).fit(X, y)._score(np.array([[NAN, 2.0]]))[0]
    assert both[both.argmax()] == pytest.approx(both[np.flatnonzero(both > 0)].max())
    ahead = EASEClassifier(1.0, target="next").fit(X, y)._score(np.array([[NAN, 2.0]]))[0]
    assert ahead.argmax() == 1
    assert ahead[0] == 0


def test_two_classes_are_told_apart_by_the_difference_of_their_scores():
    model = EASEClassifier(1.0).fit([[NAN, 1], [NAN, 2]], [3, 4])
    scores = model._score(np.array([[NAN, 1], [NAN, 2]]))
    np.testing.assert_array_equal(
        model.decision_function([[NAN, 1], [NAN, 2]]), scores[:, 1] - scores[:, 0]
    )
