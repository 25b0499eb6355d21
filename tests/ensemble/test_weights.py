"""Weights lie on the simplex, are the best there, and learn online within the regret bound."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.optimize import minimize

from sklearn_tsrec.ensemble._weights import (
    OnlineWeights,
    greedy_weights,
    learn_weights,
    simplex_weights,
)

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8)
ERRORS = arrays(float, SHAPES, elements=st.floats(-1e6, 1e6))


@settings(max_examples=150)
@given(
    arrays(float, SHAPES, elements=st.floats(-1e300, 1e300)),
    st.sampled_from(["equal", "nnls", "ridge", "greedy"]),
    st.floats(0, 1e6),
)
def test_weights_lie_on_the_simplex(errors, method, shrinkage):
    cells = np.arange(len(errors)) % 3
    pooled, weights = learn_weights(method, errors, cells, 3, shrinkage)
    for rows in (pooled, weights):
        assert (rows >= 0).all()
        np.testing.assert_allclose(rows.sum(axis=-1), 1)


@settings(max_examples=100)
@given(ERRORS)
def test_no_other_weights_are_better(errors):
    gram = errors.T @ errors + np.eye(errors.shape[1])
    best = simplex_weights(gram)
    others = np.vstack([np.eye(len(gram)), np.random.default_rng(0).dirichlet(best + 0.1, 50)])
    rivals = ((others @ gram) * others).sum(axis=1)
    assert best @ gram @ best <= rivals.min() + 1e-9 * np.trace(gram)


def test_simplex_weights_are_those_of_a_general_solver():
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(50, 5)) * [1, 1.2, 2, 3, 5] + 0.5
    gram = errors.T @ errors
    general = minimize(
        lambda w: w @ gram @ w / 50,
        np.full(5, 0.2),
        bounds=[(0, 1)] * 5,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14},
    )
    np.testing.assert_allclose(simplex_weights(gram), general.x, atol=1e-6)


def test_few_large_errors_do_not_decide():
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(200, 2)) * [1, 3]
    errors[0] = 100, 10  # the better member misses one row by far
    cells = np.zeros(200, int)
    squares, _ = learn_weights("nnls", errors, cells, 1, 0.0)
    sizes, _ = learn_weights("ridge", errors, cells, 1, 0.0)
    without, _ = learn_weights("nnls", errors[1:], cells[1:], 1, 0.0)
    assert squares[0] < 0.3
    assert without[0] > 0.85
    assert sizes[0] > 0.65


def test_greedy_selection_comes_near_the_best_weights():
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(500, 4)) * [1, 1.5, 2, 9]
    gram = errors.T @ errors
    np.testing.assert_allclose(greedy_weights(gram), simplex_weights(gram), atol=0.02)


def test_online_weights_are_exponential_in_past_losses():
    losses = np.array([[0.0, 1.0], [0.2, 0.6], [1.0, 0.5]])
    online = OnlineWeights(2, 1, share=0.0)
    online.learn(losses, np.arange(3), np.zeros(3, dtype=int))
    rate = np.sqrt(8 * np.log(2) / 4)  # the losses differ by at most 1
    expected = np.exp(-rate * losses.sum(axis=0))
    np.testing.assert_allclose(online.weights[0], expected / expected.sum())


@settings(max_examples=100)
@given(
    arrays(
        float,
        array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=30).filter(lambda s: s[1] <= 6),
        elements=st.floats(0, 1),
    )
)
def test_regret_is_within_the_bound(losses):
    # The first time shows how large differences can be.
    losses = np.vstack([np.eye(1, losses.shape[1]), losses])
    n_times, n_members = losses.shape
    online = OnlineWeights(n_members, 1, share=0.0)
    suffered = 0.0
    for t in range(n_times):
        suffered += online.weights[0] @ losses[t]
        online.learn(losses[[t]], np.array([t]), np.array([0]))
    bound = np.sqrt(2 * n_times * np.log(n_members)) + np.sqrt(np.log(n_members) / 8)
    assert suffered - losses.sum(axis=0).min() <= bound + 1e-9


def test_a_share_finds_a_new_best_member_sooner():
    losses = np.repeat([[0.0, 1.0], [1.0, 0.0]], [200, 30], axis=0)
    second = []
    for share in (0.0, 0.05):
        online = OnlineWeights(2, 1, share)
        online.learn(losses, np.arange(230), np.zeros(230, dtype=int))
        second.append(online.weights[0, 1])
    assert second[0] < 0.01
    assert second[1] > 0.8


def test_learning_in_parts_is_learning_at_once():
    rng = np.random.default_rng(0)
    losses, cells = rng.random((60, 3)), np.tile([0, 1, -1], 20)
    losses[rng.random(losses.shape) < 0.1] = np.nan
    ticks = np.repeat(np.arange(10), 6)
    once, parts = OnlineWeights(3, 2, 0.1), OnlineWeights(3, 2, 0.1)
    once.learn(losses, ticks, cells)
    for part in (slice(0, 24), slice(24, 60)):
        parts.learn(losses[part], ticks[part], cells[part])
    np.testing.assert_allclose(parts.weights, once.weights)
    np.testing.assert_array_equal(once.rows, [20, 20, 60])


def test_a_member_that_slept_keeps_its_place():
    online = OnlineWeights(3, 1, share=0.0)
    online.learn(np.array([[0.0, 1.0, np.nan]]), np.array([0]), np.array([0]))
    assert online.weights[0, 0] > online.weights[0, 2] > online.weights[0, 1]
