"""AutoregressiveFeatures: how rows that are windows depend on their own past."""

from numbers import Integral
from typing import ClassVar

import numpy as np

from sklearn_tsrec._sklearn import Interval, StrOptions
from sklearn_tsrec.features._window_rows import WindowRows, feature_name, fill_inside


class AutoregressiveFeatures(WindowRows):
    """Coefficients of an autoregression fitted to each window, and its one-step forecast.

    The model of a window is ``x[t] = c + a1 x[t - 1] + … + ap x[t - p]``. All windows are fitted
    at once.

    Parameters
    ----------
    order : int, default=2
        Number p of coefficients.
    method : {"burg", "ols"}, default="burg"
        Burg's recursion [1]_ on the window less its mean, which always gives a stable model; or
        least squares with a constant [2]_, which can also follow an explosive one.

    Attributes
    ----------
    n_features_in_ : int
        Length of the windows.

    See Also
    --------
    SpectralFeatures : What oscillates in a window.

    Notes
    -----
    Holes between two values are filled linearly, and padding before the first value is left out.
    A window of equal values has zero coefficients and that value as its forecast. A window with
    fewer than ``2 * order + 1`` steps from its first value on, or without its newest value, gives
    NaN.

    References
    ----------
    .. [1] Burg, J. P. (1975). Maximum entropy spectral analysis. PhD thesis, Stanford University.
    .. [2] Mann, H. B. and Wald, A. (1943). On the statistical treatment of linear stochastic
       difference equations. Econometrica 11(3/4), 173-220.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_tsrec.features import AutoregressiveFeatures
    >>> windows = np.array([0.5 ** np.arange(6.0), np.full(6, 3.0)])
    >>> features = AutoregressiveFeatures(order=1, method="ols").set_output(transform="pandas")
    >>> features.fit_transform(windows).round(6)
       x__ar1_6  x__ar_forecast6
    0       0.5         0.015625
    1       0.0         3.000000
    """

    _parameter_constraints: ClassVar[dict] = {
        "order": [Interval(Integral, 1, None, closed="left")],
        "method": [StrOptions({"burg", "ols"})],
    }

    def __init__(self, order: int = 2, *, method: str = "burg"):
        self.order = order
        self.method = method

    def _check_features(self, length):
        """Return the names of the features."""
        names = [f"ar{i + 1}" for i in range(self.order)] + ["ar_forecast"]
        return [feature_name(name, length) for name in names]

    def _compute(self, X):
        """Return the coefficients and the forecast of all windows."""
        length = X.shape[1]
        out = np.full((len(X), self.order + 1), np.nan)
        filled, inside = fill_inside(X)
        usable = inside[:, -1] & (inside.sum(axis=1) >= 2 * self.order + 1)
        filled, inside = filled[usable], inside[usable]
        if not len(filled):
            return out
        start = np.argmax(inside, axis=1)
        centre = filled[:, -1:]  # close to all values: differences from it lose no digits
        values = np.where(inside, filled - centre, 0.0)
        scale = np.abs(values).max(axis=1, keepdims=True)
        flat = scale == 0
        scale[flat] = 1.0
        fit = _burg if self.method == "burg" else _least_squares
        coefficients, constant = fit(values / scale, start, self.order)
        latest = values[:, length - 1 : length - 1 - self.order : -1] / scale
        forecast = (constant + (coefficients * latest).sum(axis=1))[:, np.newaxis]
        out[usable] = np.where(
            np.hstack([np.repeat(flat, self.order, axis=1), np.zeros_like(flat)]),
            0.0,
            np.hstack([coefficients, centre + scale * forecast]),
        )
        return out


def _burg(X, start, order):
    """Return coefficients and constants by Burg's recursion, for all rows at once."""
    at = np.arange(X.shape[1])
    inside = at >= start[:, np.newaxis]
    mean = X.sum(axis=1) / inside.sum(axis=1)
    forward = np.where(inside, X - mean[:, np.newaxis], 0.0)
    backward = forward.copy()
    coefficients = np.zeros((len(X), order))
    for m in range(order):
        valid = at[1:] > start[:, np.newaxis] + m
        f = np.where(valid, forward[:, 1:], 0.0)
        b = np.where(valid, backward[:, :-1], 0.0)
        energy = (f**2 + b**2).sum(axis=1)
        # What is already predicted perfectly leaves nothing to reflect.
        k = np.where(energy > 0, 2 * (f * b).sum(axis=1) / np.where(energy > 0, energy, 1.0), 0.0)
        k = k[:, np.newaxis]
        coefficients[:, : m + 1] = np.hstack(
            [coefficients[:, :m] - k * coefficients[:, :m][:, ::-1], k]
        )
        forward[:, 1:], backward[:, 1:] = f - k * b, b - k * f
    return coefficients, mean * (1 - coefficients.sum(axis=1))


def _least_squares(X, start, order):
    """Return coefficients and constants by least squares, for all rows at once."""
    length = X.shape[1]
    valid = np.arange(order, length) >= start[:, np.newaxis] + order
    n = valid.sum(axis=1)
    parts, means = [], []
    for lag in range(order + 1):
        part = X[:, order - lag : length - lag]
        mean = (part * valid).sum(axis=1) / n
        parts.append(np.where(valid, part - mean[:, np.newaxis], 0.0))
        means.append(mean)
    gram = np.empty((len(X), order, order))
    product = np.empty((len(X), order, 1))
    for i in range(order):
        product[:, i, 0] = (parts[i + 1] * parts[0]).sum(axis=1)
        for j in range(i + 1):
            gram[:, i, j] = gram[:, j, i] = (parts[i + 1] * parts[j + 1]).sum(axis=1)
    # The pseudo-inverse takes the smallest coefficients where several fit equally well.
    coefficients = (np.linalg.pinv(gram, rcond=1e-12, hermitian=True) @ product)[:, :, 0]
    constant = means[0] - (coefficients * np.column_stack(means[1:])).sum(axis=1)
    return coefficients, constant
