from numbers import Real
from typing import ClassVar

import numpy as np
from numba import njit

from sklearn_tsrec._sklearn import Interval, StrOptions
from sklearn_tsrec._typing import Columns, Freq, Key
from sklearn_tsrec.forecasting._series_regressor import SeriesRegressor

_VARIANTS = {"classic": 0, "sba": 1, "tsb": 2}


class CrostonRegressor(SeriesRegressor):
    """Forecast intermittent demand: its mean per step, out of how large and how frequent it is.

    The size of demand and the time between demands are smoothed exponentially, each by itself. The
    forecast is the same for all steps ahead.

    Parameters
    ----------
    variant : {"classic", "sba", "tsb"}, default="sba"
        - ``"classic"`` is size over interval, both updated when there is demand [1]_;
        - ``"sba"`` takes off the bias that this ratio has, a share of
          ``smoothing_interval / 2`` [2]_;
        - ``"tsb"`` is size times the probability of demand, which is updated at each step and so
          falls while there is none: for what may have become obsolete [3]_.
    smoothing_level : float, default=0.1
        Weight of a new size.
    smoothing_interval : float, default=0.1
        Weight of a new interval or, with ``"tsb"``, of a new step with or without demand.
    group, time : str, int, list of these or None, default=None
        Columns (or positions) that hold the keys. None reads the index of a DataFrame: the last
        level is the time, those before it name the series.
    freq : str, number or None, default="infer"
        Length of a step, such as ``"D"``. None counts events.

    Attributes
    ----------
    target_history_ : History
        The targets remembered, by series and time.
    groups_ : Index
        The series remembered.
    freq_ : str, number or None
        The length of a step.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if X has names that are strings.

    Notes
    -----
    The first demand and the steps up to it are where smoothing starts. Steps without a known target
    are left out: the time between demands is counted in steps that were observed. A series without
    demand so far is forecast to have none.

    References
    ----------
    .. [1] J. D. Croston (1972), "Forecasting and stock control for intermittent demands",
       Operational Research Quarterly 23(3).
    .. [2] A. A. Syntetos and J. E. Boylan (2005), "The accuracy of intermittent demand estimates",
       International Journal of Forecasting 21(2).
    .. [3] R. H. Teunter, A. A. Syntetos and M. Z. Babai (2011), "Intermittent demand: linking
       forecasting to inventory obsolescence", European Journal of Operational Research 214(3).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_tsrec.forecasting import CrostonRegressor
    >>> X = pd.DataFrame(index=pd.date_range("2024-01-01", periods=8))
    >>> demand = [0.0, 0.0, 6.0, 0.0, 0.0, 6.0]
    >>> CrostonRegressor("classic").fit(X[:6], demand).predict(X[6:])
    array([2., 2.])
    >>> CrostonRegressor("sba").fit(X[:6], demand).predict(X[6:])
    array([1.9, 1.9])
    """

    _parameter_constraints: ClassVar[dict] = {
        "variant": [StrOptions(set(_VARIANTS))],
        "smoothing_level": [Interval(Real, 0, 1, closed="right")],
        "smoothing_interval": [Interval(Real, 0, 1, closed="right")],
        **SeriesRegressor._series_constraints,
    }

    def __init__(
        self,
        variant: str = "sba",
        *,
        smoothing_level: float = 0.1,
        smoothing_interval: float = 0.1,
        group: Columns = None,
        time: Key | None = None,
        freq: Freq = "infer",
    ):
        self.variant = variant
        self.smoothing_level = smoothing_level
        self.smoothing_interval = smoothing_interval
        self.group = group
        self.time = time
        self.freq = freq

    def _check_values(self, y):
        """Return the target; demand is not negative."""
        if (y < 0).any():
            row = int((y < 0).argmax())
            raise ValueError(
                f"Negative values in data: y is {y[row]:g} in row {row}, but demand is at least 0. "
                "Set returns to 0, or use another regressor."
            )
        return y

    def _pass(self, starts, steps, values):
        """Return the forecast of each step."""
        weights = self.smoothing_level, self.smoothing_interval
        return _smooth(starts, values, _VARIANTS[self.variant], *weights)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags


@njit(cache=True)
def _smooth(starts, values, variant, level_weight, interval_weight):
    """Smooth the size of demand, and the time between demands or their probability."""
    out = np.full(len(values), np.nan)
    for s in range(len(starts) - 1):
        size, interval, chance, waited, seen = 0.0, 1.0, 0.0, 0, False
        for i in range(starts[s], starts[s + 1]):
            if seen:
                if variant == 2:
                    out[i] = chance * size
                else:
                    out[i] = size / interval * (1 - interval_weight / 2 if variant == 1 else 1.0)
            if np.isnan(values[i]):
                continue
            seen = True
            waited += 1
            if size == 0 and values[i] > 0:
                size, interval, chance = values[i], float(waited), 1 / waited
                waited = 0
            elif values[i] > 0:
                size += level_weight * (values[i] - size)
                interval += interval_weight * (waited - interval)
                chance += interval_weight * (1 - chance)
                waited = 0
            else:
                chance -= interval_weight * chance
    return out
