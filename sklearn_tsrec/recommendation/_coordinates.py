"""Principal coordinates of the rows of a matrix, in a form that rounding cannot turn."""

from itertools import pairwise

import numpy as np
from scipy.linalg import eigh, qr

_DENSE = 1500  # up to this many rows or columns, all coordinates are computed at once: 1 s
_EQUAL = 1e-6  # singular values closer than this, as a share of the largest, count as equal
_RESIDUAL = 1e-12  # of eigenvalues, as a share of the largest
_MORE = 8  # columns by which a block of the iteration is wider than what is asked for


def principal_coordinates(matrix, n):
    """Return the first principal coordinates of the rows of a sparse matrix.

    They are ``U * s`` of its singular value decomposition, which leaves open the signs of columns
    and, where singular values are equal, any turn of their space. Here they are those of a pivoted
    orthogonalisation: the row that is largest in the space of equal singular values has the first
    of its coordinates, positive, and no other; of what is left of all rows the largest has the
    second, and so on. Of rows that are equally large the first one counts. Coordinates of singular
    values 0 are left out.

    Parameters
    ----------
    matrix : csr_array of shape (n_rows, n_columns)
    n : int
        How many coordinates at most. A space of equal singular values is never parted.

    Returns
    -------
    coordinates : array of shape (n_rows, n_coordinates)
    cut : bool
        Whether coordinates among the first ``n`` are left out, as those that have the same
        singular value are beyond.
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    short = matrix if wide else matrix.T
    size = short.shape[0]
    n_found = min(n + 1, size)  # one more shows whether the last one has equals
    if size <= _DENSE:
        gram = (short @ short.T).toarray()
        values, vectors = eigh(gram, subset_by_index=[size - n_found, size - 1])
    else:
        values, vectors = _largest(short, n_found)
    values, vectors = np.sqrt(np.maximum(values[::-1], 0)), vectors[:, ::-1]
    coordinates = vectors * values if wide else matrix @ vectors
    known = int((values > _EQUAL * values[0]).sum())
    bounds = np.flatnonzero(values[:-1] - values[1:] > _EQUAL * values[0]) + 1
    bounds = [0, *bounds[bounds < known], known]
    cut = known > n
    if cut:
        bounds = bounds[:-1]
        cut = bounds[-1] < n
    spaces = [coordinates[:, a:b] for a, b in pairwise(bounds)]
    return np.hstack([np.zeros((matrix.shape[0], 0)), *map(_turn, spaces)]), cut


def first_largest(values, tolerance):
    """Return the place of the first value that is as large as the largest, but for rounding."""
    return int((values >= values.max() * (1 - tolerance)).argmax())


def _turn(space):
    """Return the coordinates of rows in one space, turned as its largest rows want it."""
    space, turned = space.copy(), np.empty_like(space)
    for j in range(space.shape[1]):
        size = np.linalg.norm(space, axis=1)
        pivot = first_largest(size, _EQUAL)
        axis = space[pivot] / size[pivot]
        turned[:, j] = space @ axis
        space -= np.outer(turned[:, j], axis)
    return turned


def _largest(matrix, n):
    """Return the n largest eigenvalues of ``matrix @ matrix.T``, ascending, and their vectors.

    Block Lanczos, with all that came before kept orthogonal: unlike an iteration from one vector it
    finds all of several equal eigenvalues.
    """
    size = matrix.shape[0]
    block = np.random.default_rng(0).standard_normal((size, n + _MORE))
    basis = image = np.zeros((size, 0))
    while True:
        for _ in range(2):  # once is not enough where little is left
            block = qr(block - basis @ (basis.T @ block), mode="economic")[0]
        basis = np.hstack([basis, block])
        block = matrix @ (matrix.T @ block)
        image = np.hstack([image, block])
        values, turn = eigh(basis.T @ image)
        values, turn = values[-n:], turn[:, -n:]
        vectors = basis @ turn
        residual = np.linalg.norm(image @ turn - vectors * values, axis=0)
        if residual.max() <= _RESIDUAL * values[-1] or basis.shape[1] + block.shape[1] > size:
            return values, vectors
