"""Transforms that make a target relative to its own window, and back.

The *offset* of a value counts from the first step to forecast: windows have offsets -1, -2, …, and
targets 0 … horizon - 1. Each class holds one formula and its inverse.
"""

from numbers import Integral

import numpy as np
from numba import njit

from sklearn_tsrec._table import as_list
from sklearn_tsrec._times import show

NAMES = ("last", "last_season", "scale", "difference", "seasonal")


class _Transform:
    """A formula and its inverse.

    ``window`` returns the transformed window and what the inverse needs to know of it, ``target``
    transformed targets, and ``inverse`` forecasts of targets from those of transformed targets.
    """

    def prepare(self, offsets, horizon):
        """Return the offsets that are needed to give those asked for."""
        return offsets

    def inverse_quantiles(self, quantiles, state, shift):
        """Return quantiles; ``shift`` is by how much the point forecast moved."""
        return quantiles + shift[:, :, np.newaxis]


class _LastValue(_Transform):
    """y - a, where a is the newest known value of the window."""

    def window(self, values):
        state = _newest(values)
        return values - state, state

    def target(self, targets, state):
        return targets - state

    def inverse(self, forecast, state):
        return forecast + state


class _Scale(_Transform):
    """y / s, where s is the mean absolute value of the window; 1 where that is 0."""

    def window(self, values):
        state = _mean_absolute(values)
        return values / state, state

    def target(self, targets, state):
        return targets / state

    def inverse(self, forecast, state):
        return forecast * state

    def inverse_quantiles(self, quantiles, state, shift):
        return quantiles * state[:, :, np.newaxis]


class _Difference(_Transform):
    """y(t) - y(t - period); the inverse adds forecasts up within the horizon."""

    def __init__(self, period):
        self.period = period

    def prepare(self, offsets, horizon):
        references = np.arange(min(self.period, horizon)) - self.period
        before = offsets - self.period
        needed = np.unique(np.concatenate([offsets, before, references]))
        self._now, self._before, self._references = (
            _as_slice(np.searchsorted(needed, wanted)) for wanted in (offsets, before, references)
        )
        return needed

    def window(self, values):
        return values[:, self._now] - values[:, self._before], values[:, self._references]

    def target(self, targets, state):
        return targets - np.hstack([state, targets])[:, : targets.shape[1]]

    def inverse(self, forecast, state):
        path = np.hstack([state, forecast])
        for h in range(forecast.shape[1]):
            # The references are the first columns: forecast h has the place of h + period.
            path[:, state.shape[1] + h] += path[:, h]
        return path[:, state.shape[1] :]


class _LastSeason(_Transform):
    """y(t) - y(t - period) for targets; the window is relative to the newest of these references.

    So the regressor learns seasonal differences, and yet sees levels. Targets more than a period
    ahead have the same references as those a period before them.
    """

    def __init__(self, period):
        self.period = period

    def prepare(self, offsets, horizon):
        references = np.arange(min(self.period, horizon)) - self.period
        needed = np.union1d(offsets, references)
        self._now, self._references = (
            _as_slice(np.searchsorted(needed, wanted)) for wanted in (offsets, references)
        )
        return needed

    def window(self, values):
        state = values[:, self._references]
        return values[:, self._now] - _newest(np.ascontiguousarray(state)), state

    def target(self, targets, state):
        return targets - self._repeat(state, targets.shape[1])

    def inverse(self, forecast, state):
        return forecast + self._repeat(state, forecast.shape[1])

    @staticmethod
    def _repeat(state, horizon):
        """Return the reference of each target."""
        return state[:, np.arange(horizon) % state.shape[1]]


class TransformChain:
    """Transforms one after the other.

    Parameters
    ----------
    transform : str, list of str or None
        Names of the transforms, in the order of their application.
    period : int or None
        Steps per season.
    offsets : int array, ascending
        Offsets of the transformed window.
    horizon : int
        Number of targets.

    Attributes
    ----------
    offsets : int array, ascending
        Offsets of the values that :meth:`window` wants.
    """

    def __init__(self, transform, period, offsets, horizon):
        self._parts = [_make(name, period) for name in as_list(transform)]
        for part in reversed(self._parts):
            offsets = part.prepare(offsets, horizon)
        self.offsets = offsets

    def window(self, values):
        """Return transformed windows and a list of states."""
        states = []
        for part in self._parts:
            values, state = part.window(values)
            states.append(state)
        return values, states

    def target(self, targets, states):
        """Return transformed targets of shape (n, horizon)."""
        for part, state in zip(self._parts, states):
            targets = part.target(targets, state)
        return targets

    def inverse(self, forecast, states, quantiles=None):
        """Return forecasts of shape (n, horizon), and quantiles (n, horizon, n_quantiles)."""
        for part, state in zip(reversed(self._parts), reversed(states)):
            inner, forecast = forecast, part.inverse(forecast, state)
            if quantiles is not None:
                quantiles = part.inverse_quantiles(quantiles, state, forecast - inner)
        return forecast, quantiles


def _make(name, period):
    """Return the transform of a name."""
    if name == "last":
        return _LastValue()
    if name == "scale":
        return _Scale()
    if name == "difference":
        return _Difference(1)
    if name not in ("last_season", "seasonal"):
        raise ValueError(
            f"target_transform={show(name)!r} is not known: use None, "
            f"{', '.join(map(repr, NAMES))}, or a list of these."
        )
    if not isinstance(period, Integral):
        raise ValueError(
            f"target_transform={name!r} needs period=, the number of steps per season, such as 12 "
            f"for monthly data; got {period!r}."
        )
    return (_Difference if name == "seasonal" else _LastSeason)(int(period))


def _as_slice(positions):
    """Return consecutive positions as a slice, which copies nothing; others as they are."""
    if len(positions) and (np.diff(positions) == 1).all():
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions


@njit(cache=True)
def _newest(values):
    """Return the newest known value of each window, NaN where there is none."""
    out = np.full((values.shape[0], 1), np.nan, dtype=values.dtype)
    for i in range(values.shape[0]):
        for j in range(values.shape[1] - 1, -1, -1):
            if not np.isnan(values[i, j]):
                out[i, 0] = values[i, j]
                break
    return out


@njit(cache=True)
def _mean_absolute(values):
    """Return the mean absolute known value of each window: 1 for 0, NaN if none is known."""
    out = np.full((values.shape[0], 1), np.nan, dtype=values.dtype)
    for i in range(values.shape[0]):
        total, count = 0.0, 0
        for j in range(values.shape[1]):
            if not np.isnan(values[i, j]):
                total += abs(values[i, j])
                count += 1
        if count:
            out[i, 0] = total / count if total > 0 else 1.0
    return out


@njit(cache=True)
def fill_missing(values, level):
    """Return windows without holes: the value before, else the one after, else a level."""
    out = values.copy()
    for i in range(values.shape[0]):
        known = level
        for j in range(values.shape[1]):
            if not np.isnan(values[i, j]):
                known = values[i, j]
                break
        for j in range(values.shape[1]):
            if np.isnan(out[i, j]):
                out[i, j] = known
            known = out[i, j]
    return out
