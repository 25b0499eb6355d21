"""Sample paths from whole paths of past errors."""

import numpy as np
import pandas as pd


def error_paths(origins, codes, steps, errors):
    """Lay errors out by the moment they were forecast from.

    Parameters
    ----------
    origins, codes, steps : int64 arrays of shape (n,)
        The fold, the series and the steps ahead of each error.
    errors : array of shape (n,)
        Errors in units of their series.

    Returns
    -------
    origins, codes : int64 arrays of shape (n_paths,)
        Of each path, sorted.
    paths : array of shape (n_paths, n_steps)
        Errors at the steps 1, 2, …; NaN where there are none.
    """
    table = pd.Series(errors, index=[origins, codes, steps])
    table = table[~table.index.duplicated()].unstack()  # events may share a moment
    table = table.reindex(columns=np.arange(1, int(steps.max()) + 1))
    labels = table.index.to_frame().to_numpy(dtype=np.int64)
    return labels[:, 0], labels[:, 1], table.to_numpy()


def draw_paths(origins, codes, asked, by_series, n_draws, rng):
    """Draw a path of errors for each series and draw.

    In one draw all series take errors of one fold, so that what moved them together then does so
    again.

    Parameters
    ----------
    origins, codes : int64 arrays of shape (n_paths,)
        The fold and the series of each whole path of errors, sorted by fold.
    asked : int64 array of shape (m,)
        The series to draw for.
    by_series : bool
        Whether a series takes errors of its own only.
    n_draws : int
        Number of draws.
    rng : RandomState

    Returns
    -------
    int64 array of shape (m, n_draws)
        Which path each takes.
    """
    folds, first, count = np.unique(origins, return_index=True, return_counts=True)
    if by_series:
        choices = [np.flatnonzero(codes == code) for code in asked]
        # the same random number for all series: those with paths in all folds take the same fold
        u = rng.random_sample(n_draws)
        return np.array([own[(u * len(own)).astype(np.int64)] for own in choices])
    # folds with more whole paths are drawn more often, so that every path is as likely
    fold = rng.choice(len(folds), size=n_draws, p=count / count.sum())
    u = rng.random_sample((len(asked), n_draws))
    return first[fold] + (u * count[fold]).astype(np.int64)
