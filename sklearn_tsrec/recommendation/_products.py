"""Sums of the rows of a matrix, as many for each sample as its window has items."""

import numpy as np
from numba import njit
from scipy import sparse

_MOST_CELLS = 1 << 24  # the largest matrix kept dense: 128 MB
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
