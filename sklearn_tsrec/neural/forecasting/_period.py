"""The season that windows have in common."""

from numbers import Integral

import numpy as np

_MOST_WINDOWS = 512  # windows read; the mean over them is sharp enough
_LEAST = 0.1  # mean autocorrelation of a season; below that there is none
_N_ERRORS = 3.5  # standard errors that a season stands out, for it is the best of many lags
_WEEKS = {24: 168, 48: 336}  # of days of hours and of half-hours
_NEARLY = 0.85  # of the best autocorrelation: the shortest such period is the season


def candidate_periods(period, windows):
    """Return the seasons that windows may have, in steps; 1 for none.

    Parameters
    ----------
    period : int, list of int, "auto" or None
        What is known. ``"auto"`` is the season that windows show, and a week where that is a day: a
        week seldom shows in a mean autocorrelation, for most of its days are alike.
    windows : array of shape (n, L)
        Windows; NaN where missing.

    Returns
    -------
    periods : tuple of int

    Raises
    ------
    ValueError
        If a list is empty or holds anything but positive integers.
    """
    if period == "auto":
        found = find_period(windows)
        week = _WEEKS.get(found, np.inf)
        return (found, week) if week < windows.shape[1] else (found,)
    given = period if isinstance(period, list) else [period or 1]
    if not given or not all(isinstance(p, Integral) and p >= 1 for p in given):
        raise ValueError(f"period={period!r} must hold integers of at least 1, and one of them.")
    return tuple(int(p) for p in given)


def find_period(windows, most=None):
    """Return the number of steps in the season that windows have in common, or 1.

    The autocorrelation of each window is taken of its first differences, which have no trend, and
    the mean over windows is looked at: a season is a peak of it.

    Parameters
    ----------
    windows : array of shape (n, L)
        Windows; NaN where missing.
    most : int, default=None
        Longest period; None is a third of the window.

    Returns
    -------
    period : int
    """
    n, length = windows.shape
    if n > _MOST_WINDOWS:
        windows = windows[np.linspace(0, n - 1, _MOST_WINDOWS).astype(np.int64)]
    most = length // 3 if most is None else min(most, length // 2)
    if most < 2:
        return 1
    correlation, height, least = _mean_autocorrelation(windows.astype(np.float64), most + 1)
    inner = correlation[2 : most + 1]
    peak = (inner > correlation[1:most]) & (inner >= correlation[3 : most + 2])
    candidates = np.flatnonzero(peak & (height > least)[2 : most + 1]) + 2
    if not len(candidates):
        return 1
    height = height[candidates]
    return int(candidates[height >= _NEARLY * height.max()][0])


def _mean_autocorrelation(windows, most):
    """Return mean autocorrelations of first differences at lags 0 to ``most``, and their noise.

    The first is over all windows that know the lag at all, the second over those that hold three
    seasons of it, with 0 for all others: a few long windows must not decide for all.
    """
    change = np.diff(windows, axis=1)
    known = np.isfinite(change)
    count = known.sum(axis=1, keepdims=True)
    change = np.where(known, change, 0.0)
    change = np.where(known, change - change.sum(axis=1, keepdims=True) / count.clip(1), 0.0)
    size = np.sqrt((change**2).sum(axis=1, keepdims=True) / count.clip(1))
    # A single jump must not speak for its window.
    change = np.clip(change / np.where(size > 0, size, 1), -3, 3)
    n_fft = 1 << (change.shape[1] + most).bit_length()

    def products(values):
        power = np.abs(np.fft.rfft(values, n_fft)) ** 2
        return np.fft.irfft(power, n_fft)[:, : most + 1]

    total, pairs = products(change), np.round(products(known.astype(float)))
    ratio = total / np.maximum(total[:, :1], 1e-12) * pairs[:, :1] / np.maximum(pairs, 1)
    varies = total[:, :1] > 0
    known = (pairs >= 4) & varies
    shown = known & (pairs + 1 >= 2 * np.arange(most + 1))
    mean = np.where(known, ratio, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    height = np.where(shown, ratio, 0).sum(axis=0) / max(varies.sum(), 1)
    # Windows are neither independent nor the same: their noise falls as if the truth were between.
    n_shown = np.maximum(shown.sum(axis=0), 1)
    pairs = np.maximum(np.where(shown, pairs, 0).sum(axis=0) / n_shown, 1)
    return mean, height, np.maximum(_LEAST, _N_ERRORS / np.sqrt(pairs * np.sqrt(n_shown)))
