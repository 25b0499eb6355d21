"""Coherent forecasts: closed forms on the sums of a hierarchy."""

import numpy as np


def sum_matrix(parents, n_nodes):
    """Return which bottom series each node sums, bottom series last.

    Parameters
    ----------
    parents : int64 array of shape (n_levels, n_bottom)
        For each level above the bottom, the node of each bottom series.
    n_nodes : int
        Number of nodes above the bottom.

    Returns
    -------
    array of shape (n_nodes + n_bottom, n_bottom)
    """
    n_bottom = parents.shape[1]
    sums = np.zeros((n_nodes + n_bottom, n_bottom))
    for level in parents:
        sums[level, np.arange(n_bottom)] = 1
    sums[n_nodes:] = np.eye(n_bottom)
    return sums


def shrunken_covariance(errors):
    """Return the covariance of errors, shrunk to its diagonal.

    How strongly is estimated from how sure the correlations are.

    Parameters
    ----------
    errors : array of shape (n_times, n_nodes)

    Returns
    -------
    array of shape (n_nodes, n_nodes)

    References
    ----------
    .. [1] J. Schäfer and K. Strimmer (2005), "A shrinkage approach to large-scale covariance matrix
       estimation and implications for functional genomics", Statistical Applications in Genetics
       and Molecular Biology 4(1).
    """
    n = len(errors)
    scale = np.sqrt((errors**2).mean(axis=0))
    unit = errors / np.where(scale > 0, scale, 1)
    correlation = unit.T @ unit / n
    # variance of each mean of products
    unsure = ((unit**2).T @ unit**2 / n - correlation**2) / max(n - 1, 1)
    np.fill_diagonal(unsure, 0)
    off = correlation - np.diag(np.diag(correlation))
    size = (off**2).sum()
    shrink = float(np.clip(unsure.sum() / size, 0, 1)) if size else 1.0
    covariance = correlation * (1 - shrink)
    np.fill_diagonal(covariance, np.diag(correlation))
    # a series that was never off must not make the matrix singular
    floor = 1e-6 * scale.max(initial=0) or 1.0
    scale = np.maximum(scale, floor)
    np.fill_diagonal(covariance, np.maximum(np.diag(covariance), 1.0))
    return covariance * np.outer(scale, scale)


def bottom_weights(sums, covariance=None):
    """Return what makes bottom forecasts of all base forecasts, such that their sums are coherent.

    ``(S' W^-1 S)^-1 S' W^-1``, the generalised least squares fit of the bottom series.

    Parameters
    ----------
    sums : array of shape (n_nodes, n_bottom)
        The sum matrix.
    covariance : array of shape (n_nodes, n_nodes), default=None
        Of the base errors; None is that of equal, independent errors.

    Returns
    -------
    array of shape (n_bottom, n_nodes)
    """
    weighted = sums if covariance is None else np.linalg.solve(covariance, sums)
    return np.linalg.solve(weighted.T @ sums, weighted.T)
