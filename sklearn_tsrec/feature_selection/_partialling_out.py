"""Partialling out: the effect of each group of columns beside all others, in closed form."""

from itertools import pairwise

import numpy as np
from scipy import linalg, stats

from sklearn_tsrec._scans import is_new
from sklearn_tsrec.feature_selection._robust import block_covariances

_HELD = 1 << 22  # cells of scores that are kept rather than made again
_COLLINEAR = (
    1e-7  # share of a column's variance that the others leave, below which they hold it all
)


def grouped_wald(design, groups, cov_type, n_absorbed):
    """Test every group of columns given all others, from one factorisation.

    With O the inverse of ``A'A``, the effects of group g are ``(O A'y)[g]`` and their scores the
    columns g of ``A O``, times the residuals: by the theorem of Frisch, Waugh and Lovell [1]_ the
    same as a regression of y on what is left of g once all other columns are taken out of both.

    Parameters
    ----------
    design : Design
        Centred columns of similar size, and the target.
    groups : list of int array
        Columns of each group to test; the others are controls.
    cov_type : {"hac", "cluster"}
        See :func:`~sklearn_tsrec.feature_selection._robust.block_covariances`. Residuals are
        enlarged by their leverage, as HC3 [2]_.
    n_absorbed : int
        Degrees of freedom that centring took.

    Returns
    -------
    pvalues : array of shape (n_groups,)
        Of the F approximation by Hotelling's T².
    strength : array of shape (n_groups,)
        Share of the variance of y that leaves with the group.
    collinear : bool array of shape (n_groups,)
        Groups that the other columns can stand for.

    References
    ----------
    .. [1] R. Frisch and F. Waugh (1933), "Partial time regressions as compared with individual
       trends", Econometrica 1(4); M. Lovell (1963), JASA 58(304).
    .. [2] J. MacKinnon and H. White (1985), "Some heteroskedasticity-consistent covariance matrix
       estimators with improved finite sample properties", Journal of Econometrics 29(3).
    """
    y, series = design.y, design.basis.series
    n, p = len(y), len(design.gram)
    gram = design.gram.copy()
    gram[np.diag_indices(p)] += 1e-9 * n
    inverse = invert(gram)
    effect = inverse @ design.cross
    tested = np.concatenate(groups)

    def scores():
        for block, rows in design.blocks():
            influence = rows @ inverse
            leverage = np.einsum("ij,ij->i", influence, rows) + n_absorbed / n
            residual = (y[block] - rows @ effect) / (1 - np.clip(leverage, 0, 0.99))
            yield influence[:, tested] * residual[:, None]

    blocks = scores
    if n * len(tested) <= _HELD:
        held = list(scores())
        blocks = lambda: held  # noqa: E731
    ends = np.cumsum([0, *map(len, groups)])
    places = [slice(a, b) for a, b in pairwise(ends)]
    covariances = block_covariances(blocks, places, series, cov_type)
    freedom = series[-1] if cov_type == "cluster" else n - p - n_absorbed
    pvalues, strength, collinear = np.ones(len(groups)), np.zeros(len(groups)), []
    total = max(y @ y, np.finfo(float).tiny)
    for i, (columns, covariance) in enumerate(zip(groups, covariances)):
        own = inverse[np.ix_(columns, columns)]
        left = 1 / np.diag(own) / np.maximum(np.diag(gram)[columns], np.finfo(float).tiny)
        collinear.append(bool(left.min() < _COLLINEAR))
        b = effect[columns]
        strength[i] = b @ np.linalg.solve(own, b) / total
        pvalues[i] = hotelling(b, covariance, freedom)
    return pvalues, strength, np.array(collinear, dtype=bool)


def hotelling(effect, covariance, freedom):
    """Return the p-value of "all effects are 0", by Hotelling's T² with estimated covariance."""
    k = len(effect)
    if freedom < k:
        return 1.0  # too few to estimate anything
    statistic = effect @ np.linalg.pinv(covariance, hermitian=True) @ effect
    return float(stats.f.sf(statistic * (freedom - k + 1) / (freedom * k), k, freedom - k + 1))


def crossfit_effects(X, y, folds, groups=None, alpha=1.0):
    """Return cross-fitted effects of groups of columns given all others, by ridge, in closed form.

    What EconML's ``LinearDML`` gives with ``Ridge(alpha)`` for both nuisances and the same folds,
    one fit for each group; here one factorisation a fold serves all groups. With O the inverse of
    ``A'A + alpha I`` on the training rows, the residuals of group g on a test row v are
    ``(v O)[g] O[g, g]⁻¹``, and those of y are ``y - v b + residuals of g @ b[g]``.

    Parameters
    ----------
    X : array of shape (n, p)
    y : array of shape (n,)
    folds : list of (train, test)
        Row numbers.
    groups : list of int array, default=None
        None takes each column by itself.
    alpha : float, default=1.0
        Ridge penalty of the nuisances.

    Returns
    -------
    effects : list of arrays
        One for each group.
    residuals : list of (array of shape (m, k), array of shape (m,))
        Of each group and of y, for the test rows in order.

    References
    ----------
    .. [1] V. Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and
       structural parameters", The Econometrics Journal 21(1).
    """
    groups = [np.array([j]) for j in range(X.shape[1])] if groups is None else groups
    tested = np.concatenate([test for _, test in folds])
    of_groups = [np.empty((len(tested), len(g))) for g in groups]
    of_target = [np.empty(len(tested)) for _ in groups]
    start = 0
    for train, test in folds:
        rows = slice(start, start + len(test))
        start += len(test)
        mean, level = X[train].mean(axis=0), y[train].mean()
        A = X[train] - mean
        gram = A.T @ A
        gram[np.diag_indices(len(gram))] += alpha
        inverse = invert(gram)
        b = inverse @ (A.T @ (y[train] - level))
        B = X[test] - mean
        residual = y[test] - level - B @ b
        influence = B @ inverse
        for g, treated, target in zip(groups, of_groups, of_target):
            treated[rows] = np.linalg.solve(inverse[np.ix_(g, g)].T, influence[:, g].T).T
            target[rows] = residual + treated[rows] @ b[g]
    order = np.argsort(tested, kind="stable")
    residuals = [(t[order], r[order]) for t, r in zip(of_groups, of_target)]
    return [np.linalg.lstsq(t, r, rcond=None)[0] for t, r in residuals], residuals


def contiguous_folds(series, n_folds, purge):
    """Return folds of contiguous rows of each series, with a purge around the tested ones.

    A series with fewer rows than folds stays whole, in one of them.

    Parameters
    ----------
    series : int array of shape (n,)
        Ascending code of the series of each row.
    n_folds : int
        Number of folds.
    purge : int
        Rows on both sides of the tested ones that are not trained on: their lags overlap.

    Returns
    -------
    list of (train, test)
    """
    first = np.flatnonzero(is_new(series))
    length = np.diff(np.r_[first, len(series)])
    start, size = np.repeat(first, length), np.repeat(length, length)
    row = np.arange(len(series))
    place = row - start
    folds = []
    for k in range(n_folds):
        low, high = size * k // n_folds, size * (k + 1) // n_folds
        test = (place >= low) & (place < high)
        near = (place >= low - purge) & (place < high + purge)
        test = np.where(size < n_folds, series % n_folds == k, test)
        near = np.where(size < n_folds, test, near)
        if near.all() or not test.any():
            raise ValueError(
                f"{len(series)} complete row(s) in {len(length)} series (n_samples={len(series)}) "
                f"are too few for {n_folds} folds with a purge of {purge} row(s) between them."
            )
        folds.append((row[~near], row[test]))
    return folds


def benjamini_hochberg(pvalues, alpha):
    """Return which hypotheses are rejected at a false discovery rate.

    References
    ----------
    .. [1] Y. Benjamini and Y. Hochberg (1995), "Controlling the false discovery rate", Journal of
       the Royal Statistical Society B 57(1).
    """
    m = len(pvalues)
    order = np.argsort(pvalues, kind="stable")
    below = np.flatnonzero(pvalues[order] <= alpha * np.arange(1, m + 1) / m)
    rejected = np.zeros(m, dtype=bool)
    if len(below):
        rejected[order[: below[-1] + 1]] = True
    return rejected


def invert(gram):
    """Return the inverse of a positive definite matrix."""
    factor, info = linalg.lapack.dpotrf(gram, lower=True)
    if not info:
        inverse, info = linalg.lapack.dpotri(factor, lower=True)
    if info:
        return np.linalg.pinv(gram, hermitian=True)
    lower = np.tril(inverse, -1)
    return lower + lower.T + np.diag(np.diag(inverse))
