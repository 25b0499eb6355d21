"""How scorers work: greater is better, and rows without a truth are left out."""

import numpy as np
import pandas as pd

from sklearn_tsrec._keys import key_frame
from sklearn_tsrec._parts import fitted_parts
from sklearn_tsrec._sklearn import num_samples
from sklearn_tsrec._table import check_target
from sklearn_tsrec.metrics._forecast import mean_difference, root_mean_squared_scaled_error


class _Scorer:
    """A callable ``(estimator, X, y)`` that shows how it was made."""

    def __init__(self, name, metric, **options):
        self.name = name
        self.metric = metric
        self.options = options

    def __repr__(self):
        options = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
        return f"{self.name}({options})"


class ForecastScorer(_Scorer):
    """Minus the loss of ``predict`` on the rows that have a truth."""

    def __call__(self, estimator, X, y):
        y = check_target(y, num_samples(X), estimator=estimator)
        known = ~np.isnan(y)
        if not known.any():
            raise ValueError("all truths are missing in these rows: there is nothing to score.")
        y_pred = np.asarray(self._predict(estimator, X))
        return -self.metric(y[known], y_pred[known], **self._arguments(estimator, X, known))

    def _predict(self, estimator, X):
        """Return the forecasts to score."""
        return estimator.predict(X)

    def _arguments(self, estimator, X, known):
        """Return the keyword arguments of the metric."""
        return self.options


class RankScorer(_Scorer):
    """A metric of how ``predict`` ranks the series at each time, on the rows that have a truth."""

    def __call__(self, estimator, X, y):
        y = check_target(y, num_samples(X), estimator=estimator)
        known = ~np.isnan(y)
        if not known.any():
            raise ValueError("all truths are missing in these rows: there is nothing to score.")
        keys, _ = key_frame(X, getattr(estimator, "group", None), getattr(estimator, "time", None))
        y_pred = np.asarray(estimator.predict(X))
        return self.metric(y[known], y_pred[known], groups=keys.iloc[known, -1], **self.options)


class QuantileScorer(ForecastScorer):
    """Minus the loss of ``predict_quantiles``."""

    def _predict(self, estimator, X):
        return estimator.predict_quantiles(X, self.options["quantiles"])


class ScaledScorer(ForecastScorer):
    """Minus a scaled loss, with the scale of the estimator's own training target."""

    def _arguments(self, estimator, X, known):
        holder, to_unit_of_y = _find_target_history(estimator)
        squared = self.metric is root_mean_squared_scaled_error
        keys = holder._read_keys(X)
        scale = np.full(keys.n_series, np.nan)
        trained = _training_scale(holder, to_unit_of_y, self.options["period"], squared)
        scale[: len(trained)] = trained
        usable = np.isfinite(scale) & (scale > 0)
        if not usable.any():
            raise ValueError(
                f"no series varies from one period of {self.options['period']} to the next in "
                "training, so there is no scale: use a shorter period, or wape_scorer."
            )
        scale = np.where(usable, scale, scale[usable].mean())
        codes = keys.codes[known]
        return {"scale": scale[codes], "groups": codes, "average": "series"}


class RankingScorer(_Scorer):
    """A ranking metric of the lists that the estimator recommends to the groups in X."""

    def __call__(self, estimator, X, y):
        keys, names = key_frame(X, estimator.group, estimator.time)
        happened = keys[names].assign(item=pd.Series(np.asarray(y)))
        lists = estimator.recommend(X, k=self.options["k"])
        return self.metric(happened[happened["item"].notna()], lists, **self.options)


def _find_target_history(estimator):
    """Return the first part that remembers the training target, and how to read its unit."""
    for part, to_unit_of_y in fitted_parts(estimator):
        if getattr(part, "target_history_", None) is not None:
            return part, to_unit_of_y
    raise ValueError(
        "a scaled score needs the training target, but nothing in this "
        f"{type(estimator).__name__} remembers it: use an estimator that looks back on the target "
        "(WindowForecaster, or LagFeatures(..., target=True) in a pipeline), or wape_scorer."
    )


def _training_scale(holder, to_unit_of_y, period, squared):
    """Return the seasonal naive error of each series in training, NaN where there is no pair."""
    history = holder.target_history_
    codes = history.codes
    ticks, values = history.ticks, to_unit_of_y(np.asarray(history.values[:, 0], dtype=float))
    if holder.freq_ is None:  # events have no calendar: a period is so many events
        before = np.arange(len(codes)) - period
        before[(before < 0) | (codes != codes[before])] = -1
    else:
        before = history.find(codes, ticks - period)
    difference = values - values[before]
    used = (before >= 0) & ~np.isnan(difference)
    return mean_difference(difference[used], codes[used], history.n_series, squared)
