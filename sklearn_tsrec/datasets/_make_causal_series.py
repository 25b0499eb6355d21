from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from sklearn.utils import Bunch, check_random_state, check_scalar

from sklearn_tsrec._typing import Seed

_SHAPES = {
    "linear": lambda x: x,
    "square": lambda x: np.clip(x, -2.5, 2.5) ** 2 - 1,
    "relu": lambda x: 1.7 * np.maximum(x, 0),
}
_BURN_IN = 200


def make_causal_series(
    n_samples: int = 1000,
    n_series: int = 20,
    *,
    n_drivers: int = 5,
    n_proxies: int = 5,
    n_children: int = 3,
    n_confounded: int = 0,
    shapes: Sequence = ("linear",),
    max_lag: int = 2,
    autocorrelation: float = 0.6,
    noise_autocorrelation: float = 0.0,
    noise: float = 1.0,
    n_regimes: int = 1,
    shift_at: int | None = None,
    random_state: Seed = None,
):
    """Make a target, the series that drive it, and series that only move with it.

    The target is ::

        y[t] = 0.4 * y[t - 1] + sum over drivers of effect * shape(x[t - lag]) + hidden[t] + e[t]

    and the candidate series, all first-order autoregressive with variance about 1, are

    * *drivers*, which cause the target at one lag each; the first driver also raises the second, so
      that it is an observed confounder of it;
    * *proxies*, a driver plus noise: correlated with the target, and not a cause;
    * *children*, the target plus noise: effects and no causes;
    * *confounded* series, which share a hidden cause with the target that no table can show;
    * *noise*, everything else.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of steps.
    n_series : int, default=20
        Number of candidate series.
    n_drivers, n_proxies, n_children, n_confounded : int, default=5, 5, 3, 0
        Number of series of each kind; all others are noise.
    shapes : list of {"linear", "square", "relu"}, default=("linear",)
        Shapes of the effects, in turn over the drivers.
    max_lag : int, default=2
        The lag of each driver is drawn from 1 … ``max_lag``.
    autocorrelation : float, default=0.6
        Of all candidate series' own innovations, in (-1, 1).
    noise_autocorrelation : float, default=0.0
        Of the noise e of the target, in (-1, 1).
    noise : float, default=1.0
        Standard deviation of e.
    n_regimes : int, default=1
        Number of contiguous regimes of equal length. In each of them the links that are not causal
        have a strength of their own, and the effects of the drivers stay.
    shift_at : int or None, default=None
        Step from which on all links that are not causal have the opposite sign: the world shifts,
        and only causes still hold.
    random_state : int, RandomState instance or None, default=None
        Seed of all draws.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data``, DataFrame of shape (n_samples, n_series), indexed by day: columns ``s0``, ``s1``,
        … in random order of kind; ``target``, the Series ``y``; ``role``, a Series that says what
        each column is; ``effects``, a DataFrame with the ``lag``, ``shape`` and ``effect`` of each
        driver; ``regime``, array of the regime of each row.

    Raises
    ------
    ValueError
        If a number is out of its range, or there are more kinds than series.

    See Also
    --------
    sklearn_tsrec.feature_selection.CausalFeatureSelector : Finds the drivers.

    References
    ----------
    .. [1] J. Peters, D. Janzing and B. Schölkopf (2017), "Elements of Causal Inference", MIT
       Press, chapter 10.

    Examples
    --------
    >>> from sklearn_tsrec.datasets import make_causal_series
    >>> series = make_causal_series(500, 8, n_drivers=2, n_proxies=1, n_children=1, random_state=0)
    >>> series.role.value_counts()
    role
    noise     4
    driver    2
    proxy     1
    child     1
    Name: count, dtype: int64
    >>> series.effects
        lag   shape    effect
    s3    1  linear  0.686076
    s1    2  linear  0.641105
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=2)
    check_scalar(max_lag, "max_lag", Integral, min_val=1)
    check_scalar(n_regimes, "n_regimes", Integral, min_val=1)
    check_scalar(noise, "noise", Real, min_val=0)
    kinds = {
        "driver": n_drivers,
        "proxy": n_proxies,
        "child": n_children,
        "confounded": n_confounded,
    }
    for kind, number in kinds.items():
        check_scalar(number, f"number of {kind} series", Integral, min_val=0)
    rest = n_series - sum(kinds.values())
    if rest < 0:
        raise ValueError(
            f"n_series={n_series} is fewer than the {sum(kinds.values())} series asked for by kind."
        )
    for name, value in (
        ("autocorrelation", autocorrelation),
        ("noise_autocorrelation", noise_autocorrelation),
    ):
        check_scalar(value, name, Real, min_val=-1, max_val=1, include_boundaries="neither")
    unknown = [shape for shape in shapes if shape not in _SHAPES]
    if unknown or not len(shapes):
        raise ValueError(f"shapes={shapes!r} must hold some of {', '.join(_SHAPES)}.")
    if n_proxies and not n_drivers:
        raise ValueError(f"n_proxies={n_proxies} needs drivers to stand for, and n_drivers=0.")

    rng = check_random_state(random_state)
    lag = rng.randint(1, max_lag + 1, n_drivers)
    effect = rng.uniform(0.4, 0.8, n_drivers) * rng.choice([-1, 1], n_drivers)
    shape = [shapes[i % len(shapes)] for i in range(n_drivers)]
    link = rng.uniform(0.8, 1.2, (n_regimes, n_proxies + n_children + n_confounded))
    column = rng.permutation(n_series)

    length = n_samples + _BURN_IN
    step = np.arange(length) - _BURN_IN
    regime = np.clip(step * n_regimes // n_samples, 0, n_regimes - 1)
    strength = link[regime] if n_regimes > 1 else np.ones((length, link.shape[1]))
    if shift_at is not None:
        strength = np.where(step[:, None] >= shift_at, -strength, strength)

    own = _autoregressive(rng, (length, n_series), autocorrelation)
    drivers = own[:, :n_drivers]
    if n_drivers > 1:
        drivers[:, 1] = 0.8 * drivers[:, 1] + 0.6 * _before(drivers[:, 0], 1)
    hidden = _autoregressive(rng, (length, n_confounded), autocorrelation)
    e = noise * _autoregressive(rng, (length, 1), noise_autocorrelation)[:, 0]
    drive = sum(
        (b * _SHAPES[s](_before(x, k)) for b, s, x, k in zip(effect, shape, drivers.T, lag)),
        np.zeros(length),
    )
    for u in hidden.T:
        drive = drive + 0.5 * _before(u, 1)
    y = lfilter([1.0], [1.0, -0.4], drive + e)

    parts = [drivers]
    strengths = np.split(strength, np.cumsum([n_proxies, n_children]), axis=1)
    noises = np.split(own[:, n_drivers:], np.cumsum([n_proxies, n_children, n_confounded]), axis=1)
    for i in range(n_proxies):
        source = drivers[:, i % n_drivers]
        parts.append(0.8 * strengths[0][:, i] * source + 0.6 * noises[0][:, i])
    scaled = (y - y.mean()) / max(y.std(), 1e-12)
    for i in range(n_children):
        parts.append(0.8 * strengths[1][:, i] * scaled + 0.6 * noises[1][:, i])
    for i in range(n_confounded):
        parts.append(0.8 * strengths[2][:, i] * hidden[:, i] + 0.6 * noises[2][:, i])
    table = np.column_stack([*parts, noises[3]])[_BURN_IN:]

    names = [f"s{i}" for i in column]
    role = np.repeat([*kinds, "noise"], [*kinds.values(), rest])
    order = np.argsort(column)
    index = pd.date_range("2020-01-01", periods=n_samples, name="time")
    return Bunch(
        data=pd.DataFrame(table[:, order], index=index, columns=[names[i] for i in order]),
        target=pd.Series(y[_BURN_IN:], index=index, name="y"),
        role=pd.Series(role[order], index=[names[i] for i in order], name="role"),
        effects=pd.DataFrame(
            {"lag": lag, "shape": shape, "effect": effect}, index=names[:n_drivers]
        ),
        regime=regime[_BURN_IN:],
    )


def _autoregressive(rng, shape, autocorrelation):
    """Return first-order autoregressive series of variance 1, a column each."""
    e = rng.standard_normal(shape) * np.sqrt(1 - autocorrelation**2)
    return lfilter([1.0], [1.0, -autocorrelation], e, axis=0)


def _before(x, lag):
    """Return a series some steps earlier; before its start it is 0."""
    return np.concatenate([np.zeros(lag), x[:-lag]])
