"""What a regressor sees: one row for each origin, with the window and all that is known."""

import numpy as np

from sklearn_tsrec.forecasting._transforms import TransformChain, fill_missing


class WindowDesign:
    """The columns of the regressor's table.

    They are the window of the target, the windows of past columns, the known-ahead columns at
    each step of the horizon, and the static columns.

    Parameters
    ----------
    lags : int array, descending
        Steps back from the first step to forecast.
    horizon : int
        Steps forecast at once.
    transform, period : str, list or None; int or None
        How the target is made relative to its window.
    known, past, static : list of str
        Names of the covariates.
    """

    def __init__(self, lags, horizon, transform, period, known, past, static):
        self.lags = lags
        self.horizon = horizon
        self.chain = TransformChain(transform, period, -lags, horizon)
        self.n_known, self.n_past, self.n_static = len(known), len(past), len(static)
        steps = ["lag0", *(f"ahead{h}" for h in range(1, horizon))]
        self.names = [
            *(f"{name}__lag{lag}" for name in ["y", *past] for lag in lags),
            *(f"{name}__{step}" for name in known for step in steps),
            *static,
        ]

    @property
    def reach(self):
        """How many steps back the oldest value lies that is needed."""
        return int(-self.chain.offsets[0])

    def fill(self, window, past, known, static):
        """Return the table.

        Parameters
        ----------
        window : array of shape (n, n_lags)
            Transformed windows of the target.
        past : array of shape (n, n_past, n_lags)
        known : array of shape (n, n_known, horizon)
        static : array of shape (n, n_static)

        Returns
        -------
        array of shape (n, n_features)
        """
        if len(self.names) == window.shape[1]:
            return np.ascontiguousarray(window)
        n = len(window)
        out = np.empty((n, len(self.names)), dtype=window.dtype)
        a = window.shape[1]
        b = a + self.n_past * len(self.lags)
        c = b + self.n_known * self.horizon
        out[:, :a] = window
        out[:, a:b] = past.reshape(n, b - a)
        out[:, b:c] = known.reshape(n, c - b)
        out[:, c:] = static
        return out

    def complete(self, raw, level, allow_nan):
        """Return transformed windows for prediction, and the states of the inverse.

        A forecast must not be missing because its reference is: where the window has no value that
        a transform refers to, the nearest known one stands in, earlier ones first.
        """
        if not np.isnan(raw).any():
            return self.chain.window(raw)
        window, states = self.chain.window(fill_missing(raw, level))
        if not allow_nan:
            return window, states
        window, own = self.chain.window(raw)
        return window, [np.where(np.isnan(a), b, a) for a, b in zip(own, states)]
