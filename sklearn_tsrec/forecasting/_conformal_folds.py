"""Forecasts of the rows that folds test, and the forecaster to use afterwards."""

import numpy as np
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed
from tqdm import tqdm

from sklearn_tsrec._sklearn import safe_indexing
from sklearn_tsrec.model_selection._folds import rows_to_ask, show_rows


def base_forecasts(model, X, levels):
    """Return the forecast of each row and, with levels, its quantiles, side by side."""
    forecast = np.asarray(model.predict(X), dtype=np.float64).reshape(-1, 1)
    if levels is None:
        return forecast
    quantiles = np.asarray(model.predict_quantiles(X, levels), dtype=np.float64)
    return np.hstack([forecast, np.sort(quantiles, axis=1)])


def forecast_folds(estimator, X, y, folds, *, once, conformity, levels, n_jobs, verbose):
    """Forecast the test rows of each fold.

    Parameters
    ----------
    estimator : estimator
        Unfitted.
    X, y : table and array
        All rows.
    folds : list of Fold
        The folds.
    once : bool
        Whether to fit once, to the training rows of the first fold, and then only show rows.
    conformity : {"auto", "residual", "quantile"}
        Whether to ask for quantiles.
    levels : array of shape (n_levels,)
        Their levels.
    n_jobs, verbose : int
        As in the forecaster.

    Returns
    -------
    forecasts : list of array of shape (n_rows, 1) or (n_rows, 1 + n_levels)
        What :func:`base_forecasts` returns, for each fold.
    model : estimator
        The forecaster that knows all rows.
    """
    if once:
        return _show_folds(estimator, X, y, folds, conformity, levels, verbose)
    jobs = [delayed(_fit_fold)(clone(estimator), X, y, fold, conformity, levels) for fold in folds]
    jobs.append(delayed(_fit)(clone(estimator), X, y, None))
    done = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    *forecasts, model = tqdm(done, total=len(jobs), desc="calibrate", disable=not verbose)
    return forecasts, model


def _show_folds(estimator, X, y, folds, conformity, levels, verbose):
    """Fit to the training rows of the first fold; show the others before each forecast."""
    model, seen, forecasts = None, None, []
    for fold in tqdm(folds, desc="calibrate", disable=not verbose):
        if model is None:
            seen = fold.train
            model = _fit(clone(estimator), X, y, seen)
        else:
            _show(model, X, y, np.setdiff1d(fold.train, seen))
            seen = np.union1d(seen, fold.train)
        forecasts.append(_forecast(model, X, fold, conformity, levels))
    _show(model, X, y, np.setdiff1d(np.arange(len(y)), seen))
    return forecasts, model


def _show(model, X, y, rows):
    """Show rows to a fitted model."""
    if len(rows):
        show_rows([model], safe_indexing(X, rows), y[rows], "method='split'")


def _fit(model, X, y, rows):
    """Fit to some rows; None are all."""
    return model.fit(X, y) if rows is None else model.fit(safe_indexing(X, rows), y[rows])


def _fit_fold(model, X, y, fold, conformity, levels):
    """Fit to the training rows of a fold and forecast its test rows."""
    return _forecast(_fit(model, X, y, fold.train), X, fold, conformity, levels)


def _forecast(model, X, fold, conformity, levels):
    """Forecast the test rows of a fold."""
    rows = safe_indexing(X, rows_to_ask(model, fold))
    asked = levels if uses_quantiles(model, conformity) else None
    return base_forecasts(model, rows, asked)[: len(fold.test)]


def uses_quantiles(model, conformity):
    """Tell whether errors are those of quantiles; raise if they should be and there are none."""
    has = hasattr(model, "predict_quantiles")
    if conformity == "quantile" and not has:
        raise ValueError(
            f"conformity='quantile' needs a forecaster that forecasts quantiles, but "
            f"{type(model).__name__} has no predict_quantiles: use conformity='residual'."
        )
    return has and conformity != "residual"
