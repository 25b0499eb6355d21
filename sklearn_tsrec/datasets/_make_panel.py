from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state, check_scalar

from sklearn_tsrec._typing import Freq, Seed


def make_panel(
    n_series: int = 10,
    n_times: int = 100,
    *,
    freq: Freq = "D",
    start: str = "2024-01-01",
    period: float | Sequence[float] = 7,
    amplitude: float = 1.0,
    trend: float = 0.0,
    effects: Sequence[float] = (1.0,),
    noise: float = 0.1,
    missing: float = 0.0,
    ragged: float = 0.0,
    random_state: Seed = None,
):
    """Make a panel of series with known level, trend, seasons and effects of covariates.

    The target of series s at step t is ::

        level[s] + trend * t + sum of seasonal waves + X[s, t] @ effects + noise * e[s, t]

    with levels drawn from N(10, 3²), covariates and e from N(0, 1), and for each period one sine
    wave whose phase differs between series.

    Parameters
    ----------
    n_series : int, default=10
        Number of series.
    n_times : int, default=100
        Number of steps of the calendar.
    freq : str, default="D"
        Calendar frequency, as in :func:`pandas.date_range`.
    start : str, default="2024-01-01"
        First time of the calendar.
    period : float or list of float, default=7
        Length(s) of the seasons in steps. An empty list means no season.
    amplitude : float, default=1.0
        Height of each seasonal wave.
    trend : float, default=0.0
        Growth in each step.
    effects : list of float, default=(1.0,)
        Effect of each covariate on the target. 0 makes a covariate that does not matter; an empty
        list makes a table without columns.
    noise : float, default=0.1
        Standard deviation of the noise.
    missing : float, default=0.0
        Share of the targets that are set to NaN, drawn at random. Their rows stay.
    ragged : float, default=0.0
        Largest share of the calendar by which a series starts late, drawn uniformly for each. All
        series end together.
    random_state : int, RandomState instance or None, default=None
        Seed of all draws.

    Returns
    -------
    X : pandas.DataFrame of shape (n_rows, n_effects)
        Covariates ``x0``, ``x1``, …, with an index of (series, time), sorted.
    y : pandas.Series of shape (n_rows,)
        Target, with the same index.

    Raises
    ------
    ValueError
        If a number is out of its range.

    See Also
    --------
    make_events : Events of users with tastes.

    Examples
    --------
    >>> from sklearn_tsrec.datasets import make_panel
    >>> X, y = make_panel(2, 3, effects=(0.5, 0), random_state=0)
    >>> X.round(2)
                         x0    x1
    series time
    0      2024-01-01  1.87 -0.98
           2024-01-02  0.95 -0.15
           2024-01-03 -0.10  0.41
    1      2024-01-01  0.14  1.45
           2024-01-02  0.76  0.12
           2024-01-03  0.44  0.33
    """
    check_scalar(n_series, "n_series", Integral, min_val=1)
    check_scalar(n_times, "n_times", Integral, min_val=1)
    check_scalar(amplitude, "amplitude", Real, min_val=0)
    check_scalar(noise, "noise", Real, min_val=0)
    check_scalar(missing, "missing", Real, min_val=0, max_val=1, include_boundaries="left")
    check_scalar(ragged, "ragged", Real, min_val=0, max_val=1, include_boundaries="left")
    rng = check_random_state(random_state)
    periods = np.atleast_1d(np.asarray(period, dtype=float))
    if (periods <= 0).any():
        raise ValueError(f"period={period!r} must hold lengths above 0.")
    effects = np.asarray(effects, dtype=float)
    shape = (n_series, n_times)
    step = np.arange(n_times)

    level = rng.normal(10.0, 3.0, size=(n_series, 1))
    phase = rng.uniform(0.0, 2 * np.pi, size=(n_series, 1, len(periods)))
    waves = amplitude * np.sin(2 * np.pi * step[None, :, None] / periods + phase).sum(axis=2)
    X = rng.standard_normal((*shape, len(effects)))
    y = level + trend * step + waves + X @ effects + noise * rng.standard_normal(shape)
    y[rng.random_sample(shape) < missing] = np.nan
    late = (rng.random_sample(n_series) * ragged * n_times).astype(int)
    kept = (step >= late[:, None]).ravel()

    times = pd.date_range(start, periods=n_times, freq=freq)
    index = pd.MultiIndex.from_product([range(n_series), times], names=["series", "time"])[kept]
    columns = [f"x{j}" for j in range(len(effects))]
    X = pd.DataFrame(
        X.reshape(n_series * n_times, len(effects))[kept], index=index, columns=columns
    )
    return X, pd.Series(y.ravel()[kept], index=index, name="y")
