"""Products of windows: with a matrix, as sums of its rows, and with themselves."""

import numpy as np
from numba import njit
from scipy import sparse

_MOST_CELLS = 1 << 24  # the largest matrix kept dense: 128 MB
_TILE = 64  # rows and columns that are copied together: they stay in the cache
_DENSE_FROM = 0.2  # share of cells from which a dense matrix is the faster one


def fast_form(matrix):
    """Return a sparse matrix dense where sums of its rows are faster then."""
    rows, columns = matrix.shape
    full = matrix.nnz > _DENSE_FROM * rows * columns and rows * columns <= _MOST_CELLS
    return matrix.toarray() if full else matrix


def sum_rows(weights, matrix):
    """Return the product of sparse weights and a dense or sparse matrix, as a dense array.

    Parameters
    ----------
    weights : csr_array of shape (n, m)
    matrix : array or csr_array of shape (m, p)

    Returns
    -------
    array of shape (n, p)
    """
    out = np.zeros((weights.shape[0], matrix.shape[1]))
    by_row = weights.indptr, weights.indices, weights.data
    if sparse.issparse(matrix):
        _sum_sparse(*by_row, matrix.indptr, matrix.indices, matrix.data, out)
    else:
        _sum_dense(*by_row, matrix, out)
    return out


@njit(cache=True)
def add_gram(indptr, indices, data, weight, out):
    """Add the products of all pairs of cells of each sparse row to ``out``, below its diagonal.

    The indices of a row must be sorted. A product of sparse matrices would count the pairs first,
    and sort them.
    """
    for row in range(len(weight)):
        for one in range(indptr[row], indptr[row + 1]):
            factor, total = weight[row] * data[one], out[indices[one]]
            for other in range(indptr[row], one + 1):
                total[indices[other]] += factor * data[other]


@njit(cache=True)
def mirror(matrix):
    """Copy the part of a matrix below its diagonal above it, a tile at a time."""
    size = len(matrix)
    for first in range(0, size, _TILE):
        for other in range(first, size, _TILE):
            for column in range(first, min(first + _TILE, size)):
                for row in range(max(other, column + 1), min(other + _TILE, size)):
                    matrix[column, row] = matrix[row, column]


@njit(cache=True)
def _sum_dense(indptr, indices, data, matrix, out):
    """Add up rows of a dense matrix."""
    for row in range(len(out)):
        total = out[row]
        for at in range(indptr[row], indptr[row + 1]):
            weight, added = data[at], matrix[indices[at]]
            for column in range(len(total)):
                total[column] += weight * added[column]


@njit(cache=True)
def _sum_sparse(indptr, indices, data, m_indptr, m_indices, m_data, out):
    """Add up rows of a sparse matrix."""
    for row in range(len(out)):
        total = out[row]
        for at in range(indptr[row], indptr[row + 1]):
            weight, item = data[at], indices[at]
            for cell in range(m_indptr[item], m_indptr[item + 1]):
                total[m_indices[cell]] += weight * m_data[cell]
