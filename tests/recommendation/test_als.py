import sys

import numpy as np
import pytest

from sklearn_tsrec import SequenceRecommender, as_panel
from sklearn_tsrec.datasets import make_events
from sklearn_tsrec.recommendation import ALSClassifier

NAN = np.nan


def test_windows_are_scored_by_the_least_squares_of_their_items():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 6, (60, 3)).astype(float), rng.integers(0, 6, 60)
    model = ALSClassifier(4, confidence=3.0, decay=0.5, regularization=0.1).fit(X, y)
    Y = model.item_factors_
    assert Y.shape == (6, 4)
    confidence, wanted = np.ones(6), np.zeros(6)
    confidence[[2, 1, 5]] += 3.0 * np.array([0.25, 0.5, 1.0])
    wanted[[2, 1, 5]] = 1
    left = Y.T @ (confidence[:, np.newaxis] * Y) + 0.1 * np.eye(4)
    user = np.linalg.solve(left, Y.T @ (confidence * wanted))
    np.testing.assert_allclose(model.decision_function([[2, 1, 5]]), [Y @ user], rtol=1e-9)
    np.testing.assert_array_equal(
        model.decision_function([[NAN] * 3, [77, -1, NAN]]), [model.class_prior_] * 2
    )


def test_factors_solve_their_side_of_the_least_squares():
    X, y = [[NAN, 1], [1, 2], [2, 3], [3, 1], [NAN, 2]] * 4, [2, 3, 1, 2, 1] * 4
    model = ALSClassifier(2, confidence=5.0, max_iter=200, regularization=0.1).fit(X, y)
    Y, R = model.item_factors_, np.zeros((20, 3))
    for row, (window, label) in enumerate(zip(X, y)):
        R[row, [int(i) - 1 for i in [*window, label] if not np.isnan(i)]] = 1
    C = 1 + 5 * R
    U = np.array([np.linalg.solve(Y.T @ (c[:, None] * Y) + 0.1 * np.eye(2), Y.T @ (c * r))
                  for c, r in zip(C, R)])  # fmt: skip
    for item in range(3):
        c, r = C[:, item], R[:, item]
        expected = np.linalg.solve(U.T @ (c[:, None] * U) + 0.1 * np.eye(2), U.T @ (c * r))
        np.testing.assert_allclose(Y[item], expected, rtol=2e-3, atol=2e-3)


def test_same_seed_same_lists():
    events = make_events(20, 12, 300, random_state=0)
    X, y = as_panel(events, "user", "time", "item")
    model = SequenceRecommender(ALSClassifier(4), window=5)
    one, two = (model.fit(X, y).recommend(k=5) for _ in range(2))
    assert one.equals(two)
    other = model.set_params(estimator__random_state=1).fit(X, y).recommend(k=5)
    assert not one["score"].equals(other["score"])


def loss(model, X, y):
    """Return what alternating least squares make small, at the best factors of the rows."""
    Y, total = model.item_factors_, 0.1 * (model.item_factors_**2).sum()
    for window, label in zip(X, y):
        r = np.isin(model.classes_, [*window, label]).astype(float)
        c = 1 + 5 * r
        u = np.linalg.solve(Y.T @ (c[:, None] * Y) + 0.1 * np.eye(Y.shape[1]), Y.T @ (c * r))
        total += (c * (r - Y @ u) ** 2).sum() + 0.1 * (u**2).sum()
    return total


def test_it_goes_on_from_known_factors_and_rows_with_new_ones():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 80)  # two kinds of rows, of even and of odd items
    X = (2 * rng.integers(0, 4, (80, 3)) + kind[:, None]).astype(float)
    y = 2 * rng.integers(0, 4, 80) + kind
    old = (X < 6).all(axis=1) & (y < 6)  # the others hold items that are new
    params = {"n_components": 2, "confidence": 5.0, "regularization": 0.1, "max_iter": 30}
    model = ALSClassifier(**params).partial_fit(X[old], y[old])
    np.testing.assert_array_equal(model.classes_, range(6))
    np.testing.assert_array_equal(
        model.item_factors_, ALSClassifier(**params).fit(X[old], y[old]).item_factors_
    )
    model.set_params(max_iter=3).partial_fit(X[~old], y[~old], classes=[99])
    np.testing.assert_array_equal(model.classes_, [*range(8), 99])
    np.testing.assert_array_equal(model.class_count_[:8], np.bincount(y))
    rows = np.vstack([X[old], X[~old]]), np.append(y[old], y[~old])
    whole = ALSClassifier(**params).fit(*rows)
    assert loss(model, *rows) < 1.02 * loss(whole, *rows)
    few = ALSClassifier(**params | {"max_iter": 1}).fit(*rows)
    assert loss(model, *rows) < loss(few, *rows)  # it need not begin again
    assert set(model.predict([[1.0, 3.0, 5.0]])) <= {1, 3, 5, 7}
    assert np.abs(model.item_factors_[8]).max() < 1e-3  # nobody had it


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "implicit.cpu.als", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-tsrec\[als\]'"):
        ALSClassifier().fit([[1.0]], [1])
