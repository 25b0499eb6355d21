"""Target transforms: make a target relative to its own window, and back.

Each class has two formulas. ``forward`` takes windows (oldest value first) and the targets that
follow them, and returns both transformed, with what ``inverse`` needs to undo it. Missing values
are NaN and stay NaN.
"""

import numpy as np


class Last:
    """Subtract the last known value of the window."""

    extra = 0

    def forward(self, windows, targets):
        base = last_known(windows)[:, np.newaxis]
        return windows - base, targets - base, base

    def inverse(self, targets, base):
        return targets + base


class Scale:
    """Divide by the mean absolute value of the window; a window of zeros is left as it is.

    The scaling of DeepAR: Salinas, D., Flunkert, V., Gasthaus, J. & Januschowski, T. (2020).
    International Journal of Forecasting 36(3).
    """

    extra = 0

    def forward(self, windows, targets):
        known = np.isfinite(windows)
        size = np.where(known, np.abs(windows), 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        scale = np.where(size > 0, size, 1.0)[:, np.newaxis]
        return windows / scale, targets / scale, scale

    def inverse(self, targets, scale):
        return targets * scale


class Difference:
    """Take differences of neighbours, so that a trend becomes a level."""

    extra = 1

    def forward(self, windows, targets):
        base = last_known(windows)[:, np.newaxis]
        steps = np.diff(targets, axis=1, prepend=base) if targets.shape[1] else targets
        return np.diff(windows, axis=1), steps, base

    def inverse(self, targets, base):
        return np.cumsum(targets, axis=1) + base


class Seasonal:
    """Take differences to the value one period before.

    Where that value is missing, the last known one of the window stands in for it.
    """

    def __init__(self, period):
        self.period = period
        self.extra = period

    def forward(self, windows, targets):
        period = self.period
        season = windows[:, -period:]
        season = np.where(np.isnan(season), last_known(windows)[:, np.newaxis], season)
        before = np.concatenate([season, targets], axis=1)[:, : targets.shape[1]]
        return windows[:, period:] - windows[:, :-period], targets - before, season

    def inverse(self, targets, season):
        path = np.concatenate([season, targets], axis=1)
        for start in range(self.period, path.shape[1], self.period):
            block = path[:, start : start + self.period]
            block += path[:, start - self.period : start - self.period + block.shape[1]]
        return path[:, self.period :]


def make_transforms(names, period):
    """Return the transforms of some names, in the order in which they are applied."""
    names = [names] if names is None or isinstance(names, str) else list(names)
    made = []
    for name in names:
        if name is None:
            continue
        if name == "seasonal":
            if period is None:
                raise ValueError(
                    "target_transform='seasonal' needs period=, the number of steps in it."
                )
            made.append(Seasonal(period))
        elif name in _BY_NAME:
            made.append(_BY_NAME[name]())
        else:
            raise ValueError(
                f"target_transform={name!r} is not known: use None, 'last', 'scale', 'difference', "
                "'seasonal', or a list of these."
            )
    return made


_BY_NAME = {"last": Last, "scale": Scale, "difference": Difference}


def last_known(windows):
    """Return the last value of each window that is not missing, or NaN."""
    known = ~np.isnan(windows)
    back = known[:, ::-1].argmax(axis=1)
    return windows[np.arange(len(windows)), windows.shape[1] - 1 - back]


def fill_windows(windows):
    """Fill missing values by the last known one before, and heads by the first known one."""
    known = ~np.isnan(windows)
    if known.all():
        return windows
    position = np.where(known, np.arange(windows.shape[1]), -1)
    position = np.maximum.accumulate(position, axis=1)
    position = np.where(position < 0, known.argmax(axis=1)[:, np.newaxis], position)
    return np.take_along_axis(windows, position, axis=1)
