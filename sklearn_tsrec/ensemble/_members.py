"""The members of a stack, and what they say out of fold."""

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_memory
from tqdm import tqdm

from sklearn_tsrec._sklearn import safe_indexing
from sklearn_tsrec.model_selection._folds import rows_to_ask, show_rows


def run_members(members, X, y, folds, *, method, refit, memory, n_jobs, verbose):
    """Return what each member says out of fold, and the members fitted for good.

    Parameters
    ----------
    members : list of estimator
        Unfitted; they are fitted as they are.
    X, y : table and array
        All training rows.
    folds : list of Fold
        The folds.
    method : str
        What to call for a forecast, ``"predict"`` or ``"predict_proba"``.
    refit : bool
        Whether members are fitted again to all rows, or those of the last fold shown the others.
    memory : Memory, str or None
        Where fits are kept. They are found again by the content of the rows.
    n_jobs, verbose : int
        As in the stack.

    Returns
    -------
    forecasts : list of list
        For each fold, what ``forecast`` returns of each member.
    fitted : list of estimator
    """
    memory = check_memory(memory)
    forecast_fold = memory.cache(_forecast_fold, ignore=["X", "y", "fold"])
    fit_whole = memory.cache(_fit_whole, ignore=["X", "y"])
    caches = memory.location is not None
    jobs, last = [], len(folds) - 1
    for number, fold in enumerate(folds):
        content = _content(X, y, fold) if caches else None
        keep = not refit and number == last
        jobs += [
            delayed(forecast_fold)(clone(member), content, X, y, fold, method, keep)
            for member in members
        ]
    if refit:
        content = joblib.hash((X, y)) if caches else None
        jobs += [delayed(fit_whole)(clone(member), content, X, y) for member in members]
    done = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    done = list(tqdm(done, total=len(jobs), desc="members", disable=not verbose))
    n = len(members)
    parts = [done[n * number : n * (number + 1)] for number in range(len(folds))]
    forecasts = [[part[0] for part in fold] for fold in parts]
    if refit:
        return forecasts, done[n * len(folds) :]
    fitted = [part[1] for part in parts[-1]]
    rest = np.setdiff1d(np.arange(len(y)), folds[-1].train)
    show_rows(fitted, safe_indexing(X, rest), y[rest], "refit=False")
    return forecasts, fitted


def _content(X, y, fold):
    """Return a hash of all that a fold shows to a member."""
    rows = [fold.train, fold.test, fold.between]
    return joblib.hash([y[fold.train], *(safe_indexing(X, part) for part in rows)])


def _fit_whole(member, content, X, y):
    """Fit a member to all rows."""
    return member.fit(X, y)


def _forecast_fold(member, content, X, y, fold, method, keep):
    """Fit a member to the training rows of a fold; return its forecast of the test rows.

    The fitted member comes along if it is to be kept.
    """
    member.fit(safe_indexing(X, fold.train), y[fold.train])
    forecast = call(member, method, safe_indexing(X, rows_to_ask(member, fold)))
    n = len(fold.test)
    forecast = forecast[:n] if method == "predict" else (forecast[0][:n], forecast[1])
    return forecast, member if keep else None


def call(member, method, X):
    """Return the forecast of a fitted member, NaN where it has none.

    Probabilities come with the classes that they are of.
    """
    forecast = np.array(getattr(member, method)(X), dtype=np.float64)
    if method == "predict":
        forecast = forecast.reshape(len(forecast))
    forecast[~np.isfinite(forecast)] = np.nan
    return forecast if method == "predict" else (forecast, member.classes_)
