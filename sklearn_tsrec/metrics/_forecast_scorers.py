from collections.abc import Sequence

from sklearn_tsrec.metrics._financial import rank_information_coefficient
from sklearn_tsrec.metrics._forecast import (
    check_period,
    mean_absolute_scaled_error,
    root_mean_squared_scaled_error,
    symmetric_mean_absolute_percentage_error,
    weighted_absolute_percentage_error,
)
from sklearn_tsrec.metrics._probabilistic import mean_pinball_loss, weighted_quantile_loss
from sklearn_tsrec.metrics._scoring import ForecastScorer, QuantileScorer, RankScorer, ScaledScorer


def mase_scorer(*, period: int):
    """Make a scorer of minus the mean absolute scaled error.

    The scale of each series comes from the training target that the fitted estimator remembers.
    The score is the mean over series. A series without a scale of its own (never seen, too short
    or constant in training) takes the mean scale of the others; rows without a truth are left out.

    Parameters
    ----------
    period : int
        Steps per season of the seasonal naive forecast; 1 for the plain naive forecast.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``.

    See Also
    --------
    mean_absolute_scaled_error : The metric.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import mase_scorer
    >>> mase_scorer(period=12)
    mase_scorer(period=12)
    """
    return ScaledScorer("mase_scorer", mean_absolute_scaled_error, period=check_period(period))


def rmsse_scorer(*, period: int):
    """Make a scorer of minus the root mean squared scaled error, the mean over series.

    Parameters
    ----------
    period : int
        Steps per season of the seasonal naive forecast; 1 for the plain naive forecast.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``.

    See Also
    --------
    mase_scorer : Where the scale comes from.
    root_mean_squared_scaled_error : The metric.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import rmsse_scorer
    >>> rmsse_scorer(period=7)
    rmsse_scorer(period=7)
    """
    return ScaledScorer("rmsse_scorer", root_mean_squared_scaled_error, period=check_period(period))


def wape_scorer():
    """Make a scorer of minus the weighted absolute percentage error over all rows with a truth.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn_tsrec.metrics import wape_scorer
    >>> model = DummyRegressor().fit([[0], [0]], [10, 30])
    >>> wape_scorer()(model, [[0], [0], [0]], [15, 25, np.nan])
    -0.25
    """
    return ForecastScorer("wape_scorer", weighted_absolute_percentage_error)


def smape_scorer():
    """Make a scorer of minus the symmetric mean absolute percentage error over rows with a truth.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn_tsrec.metrics import smape_scorer
    >>> model = DummyRegressor().fit([[0], [0]], [10, 30])
    >>> smape_scorer()(model, [[0], [0]], [20, 60])
    -0.5
    """
    return ForecastScorer("smape_scorer", symmetric_mean_absolute_percentage_error)


def pinball_scorer(*, alpha: float):
    """Make a scorer of minus the pinball loss of ``predict``, for a model of one quantile.

    Parameters
    ----------
    alpha : float
        Level of the quantile that ``predict`` forecasts, between 0 and 1.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn_tsrec.metrics import pinball_scorer
    >>> model = DummyRegressor(strategy="constant", constant=10.0).fit([[0]], [0])
    >>> pinball_scorer(alpha=0.75)(model, [[0]], [12])
    -1.5
    """
    return ForecastScorer("pinball_scorer", mean_pinball_loss, alpha=alpha)


def wql_scorer(*, quantiles: Sequence = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)):
    """Make a scorer of minus the weighted quantile loss of ``predict_quantiles``.

    Parameters
    ----------
    quantiles : tuple of float, default=(0.1, 0.2, ..., 0.9)
        The levels to ask for, increasing.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``.

    See Also
    --------
    weighted_quantile_loss : The metric.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import wql_scorer
    >>> wql_scorer(quantiles=(0.1, 0.5, 0.9))
    wql_scorer(quantiles=(0.1, 0.5, 0.9))
    """
    return QuantileScorer("wql_scorer", weighted_quantile_loss, quantiles=quantiles)


def rank_ic_scorer():
    """Make a scorer of the mean rank information coefficient over the times of the rows.

    The series of each time are ranked by ``predict``; a larger value is to mean a larger truth.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, to be given as ``scoring=``, for any regressor on keyed tables.

    See Also
    --------
    rank_information_coefficient : The metric.

    Examples
    --------
    >>> from sklearn_tsrec.metrics import rank_ic_scorer
    >>> rank_ic_scorer()
    rank_ic_scorer()
    """
    return RankScorer("rank_ic_scorer", rank_information_coefficient)
