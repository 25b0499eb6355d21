"""What a regressor sees: one row for each origin, with the window and all that is known."""

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from sklearn_tsrec._table import as_list, column_position, frame_columns, is_frame
from sklearn_tsrec._times import show
from sklearn_tsrec.forecasting._transforms import TransformChain, fill_missing


def read_roles(X, keys, columns, past_columns, static_columns):
    """Return which columns of a table are known ahead, which are observed and which are static.

    Parameters
    ----------
    X : DataFrame or array of shape (n, p)
        A table.
    keys : list of int
        Positions of its keys.
    columns, past_columns, static_columns : str, int, list of these or None
        As in :class:`WindowForecaster`.

    Returns
    -------
    list of three lists
    """
    roles = {"past_columns": past_columns, "static_columns": static_columns}
    if columns is not None:
        roles = {"columns": columns, **roles}
    taken = dict.fromkeys(keys, "a key")
    for role, given in roles.items():
        for column in as_list(given):
            position = column_position(X, column, role)
            both = taken.get(position) == "in columns" and role == "past_columns"
            if position in taken and not both:
                raise ValueError(
                    f"{role}={show(given)} names column {column!r}, which is {taken[position]} "
                    "already: give each column one role."
                )
            taken[position] = f"in {role}"
    if columns is None:
        names = frame_columns(X) if is_frame(X) else range(X.shape[1])
        columns = [name for position, name in enumerate(names) if position not in taken]
    return [as_list(role) for role in (columns, past_columns, static_columns)]


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
        self.known, self.past, self.static = known, past, static
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
        b = a + len(self.past) * len(self.lags)
        c = b + len(self.known) * self.horizon
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


@dataclass(frozen=True)
class ForecastWindows:
    """What a regressor is given at once, and the way from its outputs to forecasts.

    Attributes
    ----------
    table : array of shape (n, n_features)
        Windows and all that is known, one row for each origin.
    """

    table: np.ndarray
    _states: list
    _design: WindowDesign

    def to_target(self, outputs):
        """Return forecasts in units of the target.

        Parameters
        ----------
        outputs : array of shape (n, horizon)
            Outputs of the regressor.

        Returns
        -------
        array of shape (n, horizon)
        """
        return self._design.chain.inverse(outputs, self._states)[0]


@dataclass
class Origins:
    """Where forecasts start, with what is known there; those with the most steps ahead first.

    Attributes
    ----------
    design : WindowDesign
        The columns of the regressor.
    codes, start : int64 arrays of shape (m,)
        The series and the first step to forecast.
    ahead : int64 array of shape (m,), descending
        How many steps to forecast.
    target : array of shape (m, n_target)
        Values of the target before the first step; those of the first window are at ``window``.
    window, lags : slice or int array
        Where the first window is in ``target``, and in ``past``.
    past : array of shape (m, n_past, n_values)
        Values of the past columns before the first step, as the regressor sees them.
    past_last : array of shape (m, n_past)
        The last value of each of them, which stands in for the steps after it.
    past_known : list of int
        The place of each past column among the known-ahead ones; -1 if it has none.
    known : array of shape (m, n_known, n_steps)
        The known-ahead columns at the steps to forecast.
    static : array of shape (m, n_static)
        The static columns.
    level : float
        What stands for the target where nothing is known.
    allow_nan : bool
        Whether the regressor takes NaN.
    """

    design: WindowDesign
    codes: np.ndarray
    start: np.ndarray
    ahead: np.ndarray
    target: np.ndarray
    window: slice | np.ndarray
    lags: slice | np.ndarray
    past: np.ndarray
    past_last: np.ndarray
    past_known: list
    known: np.ndarray
    static: np.ndarray
    level: float
    allow_nan: bool

    def missing_known(self):
        """Return (origin, column, step) of a known-ahead value that is needed but missing, or None.

        Steps after those to forecast only fill up a block: the last value stands in for them.
        """
        if self.allow_nan or not np.isnan(self.known).any():
            return None
        needed = np.arange(self.known.shape[2]) < self.ahead[:, None, None]
        missing = np.argwhere(np.isnan(self.known) & needed)
        return tuple(missing[0]) if len(missing) else None

    def missing_static(self):
        """Return (origin, column) of a static value that is needed but missing, or None."""
        if self.allow_nan:
            return None
        missing = np.argwhere(np.isnan(self.static))
        return tuple(missing[0]) if len(missing) else None

    def forecast(self, regress, *, n_quantiles=0, verbose=0):
        """Forecast all origins, each block of the horizon from the forecasts of those before it.

        Parameters
        ----------
        regress : callable
            Takes the table and states of the transforms; returns forecasts of shape (n, horizon)
            and quantiles of shape (n, horizon, n_quantiles) or None.
        n_quantiles : int
            Number of quantiles.
        verbose : int
            Whether to show progress.

        Returns
        -------
        forecasts : array of shape (m, n_steps)
        quantiles : array of shape (m, n_steps, n_quantiles) or None
        """
        design, horizon = self.design, self.design.horizon
        n_blocks = -(-int(self.ahead[0]) // horizon)
        m, n_steps, n_before = len(self.ahead), n_blocks * horizon, self.target.shape[1]
        values = np.empty((m, n_before + n_steps), dtype=self.target.dtype)
        values[:, :n_before] = self.target
        known = self._filled_known()
        past = np.concatenate([self.past, self._past_ahead(known, n_steps)], axis=2)
        spread = np.empty((m, n_steps, n_quantiles)) if n_quantiles else None
        for block in tqdm(range(n_blocks), desc="forecast", disable=not verbose):
            first = block * horizon
            n = int(np.searchsorted(-self.ahead, -first))
            raw = values[:n, _move(self.window, first)]
            window, states = design.complete(raw, self.level, self.allow_nan)
            now = known[:n, :, first : first + horizon]
            table = design.fill(window, past[:n, :, _move(self.lags, first)], now, self.static[:n])
            forecast, quantiles = regress(table, states)
            values[:n, n_before + first : n_before + first + horizon] = forecast
            if n_quantiles:
                spread[:n, first : first + horizon] = quantiles
        return values[:, n_before:], spread

    def _filled_known(self):
        """Return known-ahead columns as the regressor takes them."""
        if self.allow_nan or not np.isnan(self.known).any():
            return self.known
        flat = fill_missing(self.known.reshape(-1, self.known.shape[2]), np.nan)
        return flat.reshape(self.known.shape)

    def _past_ahead(self, known, n_steps):
        """Return what follows past columns: known values, else the last one."""
        after = np.repeat(self.past_last[:, :, np.newaxis], n_steps, axis=2)
        for j, place in enumerate(self.past_known):
            if place >= 0:
                after[:, j] = known[:, place]
        return after


def _move(at, steps):
    """Return positions some steps later."""
    if isinstance(at, slice):
        return slice(at.start + steps, at.stop + steps)
    return at + steps
