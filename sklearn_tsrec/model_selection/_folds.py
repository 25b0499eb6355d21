"""Folds of a keyed table for meta-estimators: whose keys they read, and which rows a model gets."""

import copy
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import check_cv

from sklearn_tsrec._parts import has_memory, walks_ahead
from sklearn_tsrec.model_selection._panel_split import PanelTimeSeriesSplit


@dataclass
class Fold:
    """A fold of rows in time.

    Attributes
    ----------
    train, test : int arrays
        Rows to fit on, and rows to forecast.
    between : int array
        Rows of a gap, which hold what is known ahead on the way to the test rows.
    """

    train: np.ndarray
    test: np.ndarray
    between: np.ndarray


def with_keys(estimator, keys):
    """Return a clone that reads the given keys, wherever a part of it reads keys."""
    estimator = clone(estimator)
    for part in [estimator, *estimator.get_params(deep=True).values()]:
        if not hasattr(part, "get_params") or isinstance(part, type):
            continue
        known = part.get_params(deep=False)
        if "time" in known:
            part.set_params(**{name: key for name, key in keys.items() if name in known})
    return estimator


def read_folds(cv, X, y, codes, ticks, keys, *, n_splits=3):
    """Return the folds of a splitter, which must each test rows later than their training rows.

    Parameters
    ----------
    cv : int, splitter, iterable or None
        None (``n_splits``) and an integer are a :class:`PanelTimeSeriesSplit` of one step.
    X, y : table and array
        What is split.
    codes, ticks : int64 arrays
        Series and time of the rows.
    keys : dict
        ``group``, ``time`` and ``freq``, which are set for the splitter as well.
    n_splits : int, default=3
        Number of folds of None.

    Returns
    -------
    list of Fold
    """
    if cv is None or isinstance(cv, Integral):
        cv = PanelTimeSeriesSplit(n_splits if cv is None else cv)
    cv = copy.copy(check_cv(cv))
    for name, key in keys.items():
        if hasattr(cv, name):
            setattr(cv, name, key)
    folds = list(split_in_time(cv, X, y, codes, ticks))
    if not folds:
        raise ValueError(f"cv={cv!r} yields no fold: give a splitter with at least one.")
    return folds


def split_in_time(cv, X, y, codes, ticks):
    """Yield the folds of a splitter; raise where one tests rows that are not later than training.

    ``codes`` and ``ticks`` are the series and the time of each row.
    """
    for number, (train, test) in enumerate(cv.split(X, y)):
        train, test = np.asarray(train), np.asarray(test)
        newest = ticks[train].max()
        if ticks[test].min() <= newest:
            raise ValueError(
                f"fold {number} of {type(cv).__name__} trains on rows that are not older than its "
                "test rows: use PanelTimeSeriesSplit, which cuts at times."
            )
        between = (ticks > newest) & (ticks < ticks[test].max()) & np.isin(codes, codes[test])
        between[test] = False
        yield Fold(train, test, np.flatnonzero(between))


def rows_to_ask(model, fold):
    """Return the rows to give to ``predict``: those of the test, then those on the way there.

    The latter are for models that walk ahead from the last target and read what is known ahead.
    """
    if len(fold.between) and walks_ahead(model):
        return np.concatenate([fold.test, fold.between])
    return fold.test


def update_all(estimators, X, y, why, way_out="fit again, to all rows"):
    """Let fitted estimators remember rows without fitting them again."""
    for estimator in estimators:
        if not hasattr(estimator, "update") and has_memory(estimator):
            raise ValueError(
                f"{type(estimator).__name__} looks back on the training table but has no "
                f"update(X, y) for newer rows, which {why} needs: {way_out}."
            )
    for estimator in estimators:
        if hasattr(estimator, "update"):
            estimator.update(X, y)
