import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_tsrec._ties import exceeds, margin, settle
from sklearn_tsrec.recommendation._item_scores import top_k, top_k_of_sparse

NOISE = 1e-15


def test_what_differs_by_rounding_is_equal_and_what_differs_by_more_is_not():
    sums = np.array([0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1])
    assert sums[0] != sums[1]
    assert len(np.unique(settle(sums))) == 1
    assert len(np.unique(settle([1, 1 + 1e-9]))) == 2
    # Differences of large parts are rounding; small numbers among themselves are not.
    np.testing.assert_array_equal(settle([[1.0, 3e-17, -2e-17]]), [[1, 0, 0]])
    assert settle([3e-17, 2e-17]).argmax() == 0
    assert settle([1.0, 1e-9, 1.001e-9])[2] > settle([1.0, 1e-9, 1.001e-9])[1]


def test_what_is_no_number_stays():
    np.testing.assert_array_equal(
        settle([np.nan, np.inf, -np.inf, 0.0, -2.0]), [np.nan, np.inf, -np.inf, 0, -2]
    )
    assert settle(np.empty((3, 0))).shape == (3, 0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
def test_settled_numbers_are_near_and_settled(values):
    settled = settle(values)
    largest = np.abs(values).max()
    np.testing.assert_allclose(settled, values, rtol=2.0**-32, atol=largest * 2.0**-42 + 1e-300)
    np.testing.assert_array_equal(settle(settled), settled)


def test_scores_exceed_one_another_by_more_than_rounding():
    assert exceeds(1.001, 1.0, margin(2.0))
    assert not exceeds(1.0 + 1e-15, 1.0, margin(1.0))
    assert not exceeds(1e-16, 0.0, margin(1.0))
    assert exceeds(1e-16, 0.0, 0.0)
    assert exceeds(0.0, -np.inf, margin(1.0))
    assert not exceeds(np.nan, 0.0, margin(1.0))


@pytest.mark.parametrize("seed", range(5))
def test_lists_do_not_turn_with_rounding(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(-2, 4, (40, 12)) / 7.0
    columns = rng.permutation(12)[np.newaxis]
    expected = top_k(scores, columns, 5)[0]
    noisy = scores * (1 + NOISE * rng.standard_normal(scores.shape)) + NOISE * rng.random((40, 12))
    np.testing.assert_array_equal(top_k(noisy, columns, 5)[0], expected)


@pytest.mark.parametrize("seed", range(5))
def test_lists_of_sparse_scores_do_not_turn_with_rounding(seed):
    rng = np.random.default_rng(seed)
    prior = rng.integers(1, 4, 12) / 28.0
    own = rng.integers(0, 3, (40, 12)) / 7.0
    rank = rng.permutation(12)
    columns = np.argsort(rank)

    def lists(noise):
        shaken = prior * (1 + noise * rng.standard_normal(12))
        popular = columns[np.argsort(-settle(shaken)[columns], kind="stable")]
        parts = own * (1 + noise * rng.standard_normal(own.shape))
        indices = np.tile(np.arange(12), 40)
        return top_k_of_sparse(
            np.arange(41) * 12, indices, parts.ravel(), np.full(40, 0.5), shaken, popular, rank,
            np.zeros(41, dtype=np.int64), np.empty(0, dtype=np.int64), 5,
        )[0]  # fmt: skip

    expected = lists(0.0)
    slow = np.array(
        [columns[np.argsort(-settle(s)[columns], kind="stable")] for s in own + prior / 2]
    )
    np.testing.assert_array_equal(expected, slow[:, :5])
    for _ in range(3):
        np.testing.assert_array_equal(lists(NOISE), expected)
