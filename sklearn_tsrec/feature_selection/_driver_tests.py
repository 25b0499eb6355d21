"""The test of every driver given all others: screen, then partial out."""

import numpy as np

from sklearn_tsrec.feature_selection._effects import linear_dml
from sklearn_tsrec.feature_selection._partialling_out import grouped_wald, hotelling
from sklearn_tsrec.feature_selection._robust import effect_covariance
from sklearn_tsrec.feature_selection._screen import screen_groups


def driver_tests(basis, groups, controls, cov_type, screen, *, target=0, folds=None, nuisance=None):
    """Return p-values, strengths, and which drivers are collinear with the rest.

    Parameters
    ----------
    basis : Basis
        The expanded columns and the targets.
    groups : list of int array
        Expanded columns of each driver; one without any cannot be tested.
    controls : int array
        Expanded columns that are controlled for.
    cov_type : {"hac", "cluster"}
        Errors of the test.
    screen : bool
        Whether a lasso leaves out drivers first.
    target : int
        Which of the targets.
    folds : list of (train, test) or None
        Given, EconML's LinearDML tests each driver, cross-fitted on them.
    nuisance : regressor or None
        For EconML.

    Returns
    -------
    pvalues, strength, collinear : arrays of shape (n_drivers,)
    """
    pvalues, strength = np.ones(len(groups)), np.zeros(len(groups))
    collinear = np.zeros(len(groups), dtype=bool)
    entered = np.flatnonzero([len(columns) > 0 for columns in groups])
    if screen and len(entered):
        y = basis.targets[:, target]
        # More columns than a tenth of the rows would cost the test its power.
        most = max(len(y) // 10 - len(controls), 1)
        candidates = [groups[i] for i in entered]
        moments = basis.gram, basis.cross[:, target], y @ y, len(y)
        entered = entered[screen_groups(*moments, candidates, controls, most)]
    if not len(entered):
        return pvalues, strength, collinear
    used = len(controls) + sum(len(groups[i]) for i in entered) + basis.n_absorbed
    if not screen and used >= len(basis.X):
        raise ValueError(
            f"screen=False tests all drivers at once: {len(basis.X)} complete rows are too few for "
            f"their {used} columns (with squares, one-sided copies and what centring takes). Use "
            "screen=True, fewer columns or nonlinear=False."
        )
    design = basis.design([groups[i] for i in entered], controls, target)
    pvalues[entered], strength[entered], collinear[entered] = grouped_wald(
        design, design.groups, cov_type, basis.n_absorbed
    )
    if folds is not None:
        series, y, whole = basis.series, design.y, design.whole()
        freedom = (
            series[-1] if cov_type == "cluster" else len(y) - whole.shape[1] - basis.n_absorbed
        )
        for i, own in zip(entered, design.groups):
            others = np.delete(whole, own, axis=1)
            effect, treated, left = linear_dml(whole[:, own], y, others, folds, nuisance)
            covariance = effect_covariance(effect, treated, left, series, cov_type)
            pvalues[i] = hotelling(effect, covariance, freedom)
    return pvalues, strength, collinear
