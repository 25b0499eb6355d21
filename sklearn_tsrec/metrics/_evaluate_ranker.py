from typing import Any

import numpy as np
import pandas as pd

from sklearn_tsrec._keys import key_frame
from sklearn_tsrec._sklearn import num_samples
from sklearn_tsrec._table import check_target
from sklearn_tsrec._typing import ArrayLike, Table
from sklearn_tsrec.metrics._evaluate_recommender import named_models, summary_table
from sklearn_tsrec.metrics._financial import rank_information_coefficient
from sklearn_tsrec.metrics._series import check_rows, series_codes
from sklearn_tsrec.metrics._top_k_spread import (
    check_side,
    enough_series,
    long_short_weights,
    top_weights,
    traded,
)


def evaluate_ranker(
    ranker: Any,
    X: Table,
    y: ArrayLike,
    *,
    k: int,
    cost_bps: float = 0.0,
    overlap: int = 1,
    reference: str | None = None,
) -> pd.DataFrame:
    """Measure how well series are ranked at each date, with errors and paired tests over dates.

    Parameters
    ----------
    ranker : regressor, array-like, or dict of these
        What to evaluate: fitted regressors on keyed tables, such as
        :class:`~sklearn_tsrec.recommendation.ForecastRanker`, or scores of the rows of X, such as
        those of a backtest; several by name. A larger score is better, unless the regressor has
        ``direction="low"``.
    X : table of shape (n_rows, n_columns)
        Keyed rows: a series at a date. For scores without a regressor, the keys are in the index.
    y : array-like of shape (n_rows,)
        What happened, usually simple returns. Rows without a truth are left out.
    k : int
        How many series are chosen at each date.
    cost_bps : float, default=0.0
        Cost of trading, in basis points of what is traded.
    overlap : int, default=1
        How many dates a truth spans: 3 for the return over the next three months at each month.
        Errors then count that neighbouring dates share what happened [3]_, and are never less than
        those of independent dates. 1 takes dates as independent.
    reference : str, default=None
        The name of the model that all others are compared with, date by date.

    Returns
    -------
    DataFrame
        One row for each model and metric, with the columns

        model, metric : str
            ``rank_ic`` is the :func:`rank_information_coefficient` and ``rank_ir`` its mean over
            its standard deviation; ``top_excess`` what the k best scored series had beyond the mean
            of all; ``spread`` the :func:`top_k_spread`; ``traded`` what is traded for it, as a
            multiple of the money on one side, and ``net_spread`` what is left after costs. With
            ``direction="low"`` what is gained is that y is small: signs are turned around. Of the
            model ``"data"``: the number of ``dates`` and ``series``.
        value : float
            The mean over dates, per date: of monthly returns, per month.
        std_error : float
            Its standard error over dates, see ``overlap``.
        n : int
            How many dates could be scored.
        difference, difference_std_error, pvalue : float
            Only with a ``reference``: the value minus that of the reference over the dates of both,
            its standard error, and the two-sided p-value of the paired t-test.

    See Also
    --------
    rank_ic_scorer : For ``GridSearchCV``.
    evaluate_recommender : The same of recommended lists.

    References
    ----------
    .. [1] R. C. Grinold and R. N. Kahn (2000), "Active Portfolio Management", McGraw-Hill.
    .. [2] N. Jegadeesh and S. Titman (1993), "Returns to buying winners and selling losers:
       implications for stock market efficiency", Journal of Finance 48(1).
    .. [3] L. P. Hansen and R. J. Hodrick (1980), "Forward exchange rates as optimal predictors of
       future spot rates: an econometric analysis", Journal of Political Economy 88(5).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.metrics import evaluate_ranker
    >>> index = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2]], names=["asset", "day"])
    >>> X = pd.DataFrame(index=index)
    >>> returns = [0.03, 0.00, 0.01, 0.02, 0.00, 0.01]
    >>> table = evaluate_ranker([3, 1, 2, 2, 1, 3], X, returns, k=1, cost_bps=10)
    >>> table.drop(columns="model").set_index("metric").rename_axis(None).round(4)
                 value  std_error  n
    rank_ic     0.7500     0.2500  2
    rank_ir     2.1213     0.7071  2
    top_excess  0.0083     0.0083  2
    spread      0.0200     0.0100  2
    traded      3.0000     1.0000  2
    net_spread  0.0170     0.0110  2
    dates       2.0000        NaN  2
    series      3.0000        NaN  2
    """
    k, overlap = check_side(k), check_side(overlap, "overlap")
    models = named_models(ranker, "scores", (np.ndarray, pd.Series, list))
    if reference is not None and reference not in models:
        raise ValueError(f"reference={reference!r} is none of the models {list(models)}.")
    keyed = next((m for m in models.values() if hasattr(m, "predict")), None)
    y = check_target(y, num_samples(X), estimator=keyed)
    known = ~np.isnan(y)
    if not known.any():
        raise ValueError("all truths are missing in these rows: there is nothing to evaluate.")
    keys, names = key_frame(X, getattr(keyed, "group", None), getattr(keyed, "time", None))
    if not names:
        raise ValueError(
            "X names no series, so there is nothing to rank at a date: move the keys into the "
            "index with as_panel(X, group=..., time=...)."
        )
    keys = keys[known]
    dates, labels = series_codes(keys.iloc[:, -1], len(keys))
    series, series_labels = series_codes(keys[names], len(keys))
    parts = {}
    for name, model in models.items():
        score = model.predict(X) if hasattr(model, "predict") else model
        score = check_rows(np.asarray(score), name=f"the scores of {name!r}")
        if len(score) != len(known):
            raise ValueError(f"{name!r} has {len(score)} scores for {len(known)} rows of X.")
        sign = -1 if getattr(model, "direction", "high") == "low" else 1
        parts[name] = _measure(sign * y[known], sign * score[known], dates, series, k, cost_bps)
    counts = {"dates": len(labels), "series": len(series_labels)}
    table = summary_table(parts, counts, len(labels), reference, overlap)
    table.attrs = {"k": k, "cost_bps": cost_bps, "reference": reference}
    return table


def _measure(y_true, score, dates, series, k, cost_bps):
    """Return each metric as an array over dates."""
    ic = rank_information_coefficient(y_true, score, groups=dates, average=None).to_numpy()
    weights = long_short_weights(score, dates, k)
    excess = np.bincount(dates, top_weights(score, dates, k) * y_true)
    excess -= np.bincount(dates, y_true) / np.bincount(dates)
    spread, moved = np.bincount(dates, weights * y_true), traded(weights, dates, series)
    scored = enough_series(dates, k)
    parts = {
        "top_excess": excess,
        "spread": spread,
        "traded": moved,
        "net_spread": spread - cost_bps / 10_000 * moved,
    }
    parts = {name: np.where(scored, value, np.nan) for name, value in parts.items()}
    return {"rank_ic": ic, "rank_ir": _ratio(ic), **parts}


def _ratio(value):
    """Return pseudo-values of the mean over the standard deviation, by the jackknife to order 1."""
    mean, deviation = np.nanmean(value), np.nanstd(value, ddof=1)
    if not deviation > 0:
        return np.full(len(value), np.nan)
    z, n = (value - mean) / deviation, (~np.isnan(value)).sum()
    return mean / deviation * (1 - (n / (n - 1) * z**2 - 1) / 2) + z
