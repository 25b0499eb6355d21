import numpy as np
import pytest
from scipy import sparse

from sklearn_tsrec.recommendation import _coordinates
from sklearn_tsrec.recommendation._coordinates import principal_coordinates

CIRCLE = sparse.csr_array(np.eye(8) + 0.5 * np.roll(np.eye(8), 1, axis=1))


@pytest.mark.parametrize("shape", [(12, 7), (7, 12)])
def test_coordinates_are_those_of_a_decomposition(shape):
    A = np.random.default_rng(0).standard_normal(shape)
    U, s, _ = np.linalg.svd(A, full_matrices=False)
    found, cut = principal_coordinates(sparse.csr_array(A), 5)
    assert not cut
    np.testing.assert_allclose(np.abs(found), np.abs(U * s)[:, :5], atol=1e-12)
    largest = np.abs(found).argmax(axis=0)
    assert (found[largest, range(5)] > 0).all()


def test_equal_singular_values_are_turned_to_the_largest_rows_first():
    # Three rows of length 2 at right angles, and a fourth between two of them.
    A = np.zeros((4, 5))
    A[[0, 1, 2], [0, 1, 2]] = 2
    A[3, 3] = 2
    found, _ = principal_coordinates(sparse.csr_array(A), 5)
    np.testing.assert_allclose(found, 2 * np.eye(4), atol=1e-15)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    found, _ = principal_coordinates(sparse.csr_array(A @ turn), 5)
    np.testing.assert_allclose(found, 2 * np.eye(4), atol=1e-14)


def test_a_circle_has_the_same_coordinates_however_its_columns_are_turned():
    A = CIRCLE.toarray()
    values = np.linalg.svd(A)[1]
    np.testing.assert_allclose(values[1:7:2], values[2:7:2])  # three pairs of equal ones
    expected, cut = principal_coordinates(CIRCLE, 8)
    assert not cut
    np.testing.assert_allclose(expected @ expected.T, A @ A.T, atol=1e-14)
    rng = np.random.default_rng(1)
    for _ in range(5):
        turn = np.linalg.qr(rng.standard_normal((8, 8)))[0]
        noise = 1e-14 * rng.standard_normal((8, 8))
        found, _ = principal_coordinates(sparse.csr_array(A @ turn + noise), 8)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_equal_singular_values_are_kept_or_left_out_together():
    whole = principal_coordinates(CIRCLE, 8)[0]
    for n, kept in enumerate([1, 1, 3, 3, 5, 5, 7, 8], start=1):
        found, cut = principal_coordinates(CIRCLE, n)
        assert (found.shape[1], cut) == (kept, kept < n)
        np.testing.assert_allclose(found, whole[:, :kept], atol=1e-14)
    found, cut = principal_coordinates(sparse.csr_array(np.eye(4)), 3)
    assert found.shape == (4, 0)
    assert cut


def test_coordinates_of_nothing_are_left_out():
    A = np.random.default_rng(0).standard_normal((9, 2)) @ np.ones((2, 6))
    found, cut = principal_coordinates(sparse.csr_array(A), 4)
    assert found.shape == (9, 1)
    assert not cut


@pytest.mark.parametrize("shape", [(90, 140), (140, 90)])
def test_large_matrices_have_the_coordinates_that_small_ones_have(monkeypatch, shape):
    rng = np.random.default_rng(0)
    U = np.linalg.qr(rng.standard_normal((shape[0], 60)))[0]
    V = np.linalg.qr(rng.standard_normal((shape[1], 60)))[0]
    values = np.r_[3, 2, 2, 2, 1.5, 1.5, np.linspace(1.4, 0.1, 54)]
    A = sparse.csr_array((U * values) @ V.T)
    expected, _ = principal_coordinates(A, 7)
    monkeypatch.setattr(_coordinates, "_DENSE", 0)
    found, cut = principal_coordinates(A, 7)
    assert not cut
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert principal_coordinates(A, 3)[0].shape[1] == 1
