from numbers import Real
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_tsrec._keys import key_frame, read_clock, read_groups, sorted_groups
from sklearn_tsrec._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
    safe_indexing,
)
from sklearn_tsrec._table import is_frame
from sklearn_tsrec._ties import settle
from sklearn_tsrec._typing import ArrayLike, Estimator, Table
from sklearn_tsrec.forecasting import WindowForecaster
from sklearn_tsrec.recommendation._lists import check_group_names, check_k


def _can_update(ranker):
    """Return whether the forecaster can be updated."""
    return ranker.forecaster is None or hasattr(ranker.forecaster, "update")


class ForecastRanker(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Rank series at each date by what is forecast for them: assets by return, items by demand.

    The target is what happens at a date and is not known before it, such as the return over the
    month that the row names. Any forecaster on keyed tables can be the inner one.

    Parameters
    ----------
    forecaster : regressor, default=None
        Any regressor on keyed tables; None is :class:`~sklearn_tsrec.WindowForecaster`.
    direction : {"high", "low"}, default="high"
        Whether high or low values are good.
    risk_aversion : float, default=0.0
        How many half-widths of its forecast interval a forecast is made worse by, so that of two
        series with equal forecasts the safer one is ahead. It needs a forecaster with
        ``predict_interval``.
    coverage : float, default=0.8
        Share of targets that the interval shall hold.

    Attributes
    ----------
    forecaster_ : regressor
        The fitted forecaster.
    n_features_in_ : int
        Number of columns seen in ``fit``.

    See Also
    --------
    sklearn_tsrec.metrics.evaluate_ranker : Rank IC, and top-k spread after costs.
    sklearn_tsrec.metrics.rank_ic_scorer : For ``GridSearchCV``.

    Notes
    -----
    Rows far ahead of the training table are forecast from forecasts. To rank at many dates, each by
    what was known the day before, use :func:`~sklearn_tsrec.model_selection.backtest`.

    References
    ----------
    .. [1] R. C. Grinold and R. N. Kahn (2000), "Active Portfolio Management", McGraw-Hill.
    .. [2] S. Gu, B. Kelly and D. Xiu (2020), "Empirical asset pricing via machine learning", Review
       of Financial Studies 33(5).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec import WindowForecaster, as_panel
    >>> from sklearn_tsrec.recommendation import ForecastRanker
    >>> sales = pd.DataFrame({"item": list("aaaabbbbcccc"), "week": [1, 2, 3, 4] * 3,
    ...                       "sold": [1, 2, 3, 4, 9, 7, 5, 3, 4, 4, 4, 4]})
    >>> X, y = as_panel(sales, group="item", time="week", target="sold")
    >>> known = X.index.get_level_values("week") < 4
    >>> forecaster = WindowForecaster(window=1, target_transform="last")
    >>> ranker = ForecastRanker(forecaster).fit(X[known], y[known])
    >>> ranker.recommend(X[~known], k=2).round(2)
       week  rank item  score
    0     4     1    b   4.67
    1     4     2    c   3.67
    """

    _parameter_constraints: ClassVar[dict] = {
        "forecaster": [HasMethods(["fit", "predict"]), None],
        "direction": [StrOptions({"high", "low"})],
        "risk_aversion": [Interval(Real, 0, None, closed="left")],
        "coverage": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        forecaster: Estimator | None = None,
        *,
        direction: str = "high",
        risk_aversion: float = 0.0,
        coverage: float = 0.8,
    ):
        self.forecaster = forecaster
        self.direction = direction
        self.risk_aversion = risk_aversion
        self.coverage = coverage

    @property
    def group(self):
        """Column(s) that name the series, as the forecaster reads them."""
        return getattr(self.forecaster, "group", None)

    @property
    def time(self):
        """Column of the time, as the forecaster reads it."""
        return getattr(self.forecaster, "time", None)

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Fit the forecaster.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Keyed rows, as the forecaster takes them.
        y : array-like of shape (n,)
            The value of each series at each date.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If ``risk_aversion`` is asked of a forecaster without intervals.
        """
        forecaster = WindowForecaster() if self.forecaster is None else clone(self.forecaster)
        self.forecaster_ = forecaster.fit(X, y)
        self._latest = self._latest_rows(X)
        if self.risk_aversion and not hasattr(self.forecaster_, "predict_interval"):
            raise ValueError(
                f"risk_aversion={self.risk_aversion!r} needs forecast intervals, but "
                f"{self.forecaster_!r} has no predict_interval: use a forecaster that has, or 0."
            )
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.forecaster_, name):
                setattr(self, name, getattr(self.forecaster_, name))
        return self

    @available_if(_can_update)
    def update(self, X: Table, y: ArrayLike) -> Self:
        """Remember more rows without fitting again, where the forecaster has ``update``.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Keyed rows.
        y : array-like of shape (n,)
            Their target.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        self.forecaster_.update(X, y)
        self._latest = self._latest_rows(X)
        return self

    def predict(self, X: Table) -> np.ndarray:
        """Return the value to rank each row by: the forecast, made worse by its risk.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p)
            Keyed rows.

        Returns
        -------
        array of shape (m,)
            In the unit of the target, whatever the ``direction``: forecast minus (``"high"``) or
            plus (``"low"``) ``risk_aversion`` half-widths of the interval.
        """
        check_is_fitted(self)
        value = np.asarray(self.forecaster_.predict(X))
        if self.risk_aversion:
            low, high = np.asarray(self.forecaster_.predict_interval(X, self.coverage)).T
            value = value - self._sign() * self.risk_aversion * (high - low) / 2
        return value

    def recommend(self, X: Table = None, k: int = 10) -> pd.DataFrame:
        """Return the best series at each date, as a long table.

        Parameters
        ----------
        X : DataFrame or array of shape (m, p), default=None
            Keyed rows: the series to choose from at each date. None is the latest date of the
            table that :meth:`fit` or :meth:`update` was given last.
        k : int, default=10
            Length of the lists. A date with fewer series has all of them.

        Returns
        -------
        pandas.DataFrame
            The time column, ``rank`` (1 is best), ``item`` (the label of the series, a tuple where
            several columns name it) and ``score``, which is what :meth:`predict` returns. Equal
            scores are in the order of the labels.

        Raises
        ------
        ValueError
            If X names no series, or k is no integer of at least 1.
        """
        check_is_fitted(self)
        k, X = check_k(k), self._latest if X is None else X
        score = self.predict(X)
        keys, names = key_frame(X, self.group, self.time)
        if not names:
            raise ValueError(
                "X names no series, so there is nothing to rank at a date: give group= to the "
                "forecaster, or move the keys into the index with as_panel."
            )
        time = keys.columns[-1]
        check_group_names([time])
        item = keys[names[0]]
        if len(names) > 1:
            item = pd.Series(list(keys[names].itertuples(index=False, name=None)))
        table = pd.DataFrame({time: keys[time], "rank": 0, "item": item, "score": score})
        series, labels = read_groups(X, self.group, self.time)
        _, series = sorted_groups(labels, series)
        date = pd.factorize(keys[time], sort=True)[0]
        order = np.lexsort((series, -self._sign() * settle(score), date))
        table = table.iloc[order].reset_index(drop=True)
        table["rank"] = table.groupby(time).cumcount() + 1
        return table[table["rank"] <= k].reset_index(drop=True)

    def _latest_rows(self, X):
        """Return the rows of a table at its latest date."""
        X = X if is_frame(X) else np.asarray(X)
        times, place = read_clock(X, self.time)
        return safe_indexing(X, np.flatnonzero(place == times.values.argmax()))

    def _sign(self):
        """Return 1 if high values are good, and -1 if low ones are."""
        return 1 if self.direction == "high" else -1

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = WindowForecaster() if self.forecaster is None else self.forecaster
        tags.input_tags = get_tags(inner).input_tags
        tags.regressor_tags.poor_score = True  # the columns of X need not hold anything of y
        return tags
