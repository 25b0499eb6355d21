"""The seasons that windows may have, and which of them each one follows."""

import numpy as np
import torch

from sklearn_tsrec._ties import settle
from sklearn_tsrec.neural.forecasting._units import from_scaled

_MOST_WINDOWS = 512  # windows read; the mean over them is sharp enough
_LEAST = 0.1  # mean autocorrelation of a season; below that there is none
_N_ERRORS = 3.5  # standard errors that a season stands out, for it is the best of many lags
_WEEKS = {24: 168, 48: 336}  # of days of hours and of half-hours
_NEARLY = 0.85  # of the best autocorrelation: the shortest such period is the season

_N_ORIGINS = 7  # in the window, from which the net forecasts what is known
_SHARE = 3  # these lie in the last third of the window
_LEAST_LOSS = 1e-6  # in standard deviations: no period is infinitely better than another
_POWER = 3.0  # of the loss, by which weights fall; on hourly series 2 to 5 were alike


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
    if not given or not all(isinstance(p, (int, np.integer)) and p >= 1 for p in given):
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
    correlation, height = settle(correlation), settle(height)
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


@torch.no_grad()
def season_weights(net, window, periods, horizon):
    """Return the weight (B, C) of the forecasts with each of C periods.

    The net forecasts known values from some origins in the last third of the window. The weight of
    a period is its loss there to the power of −3, and 0 if the window, before those origins, does
    not hold it once. Where nothing can be judged the first period has all the weight.

    Parameters
    ----------
    net : PatchTransformer
        The net.
    window : tensor of shape (B, L)
        Windows; NaN where a value is missing or before the series begins.
    periods : long tensor of shape (B, C)
        Steps in the candidate seasons.
    horizon : int
        Steps that will be forecast.

    Returns
    -------
    weights : tensor of shape (B, C)
        They sum to 1.

    References
    ----------
    Bates & Granger (1969), "The combination of forecasts": weights that fall with past errors.
    """
    patch = net.config.patch
    window = torch.nn.functional.pad(window, (-window.shape[1] % patch, 0), value=torch.nan)
    length = window.shape[1]
    weights = torch.zeros(periods.shape, dtype=window.dtype, device=window.device)
    weights[:, 0] = 1
    # The same origins whatever windows share a batch; those that no window reaches are left out.
    furthest = max(net.config.context // (_SHARE * patch), 1)
    n_ahead = min(-(-min(horizon, net.config.block) // patch), furthest)
    n_origins = min(_N_ORIGINS, furthest - n_ahead + 1)
    origins = [int(origin) for origin in np.linspace(n_ahead, furthest, n_origins)]
    origins = [origin for origin in origins if _SHARE * patch * origin <= length]
    if not origins:
        return weights
    back = patch * torch.tensor(origins, device=window.device)

    span = length - torch.isfinite(window).byte().argmax(1)
    valid = _SHARE * back <= span[:, None]
    before = span - torch.where(valid, back, 0).amax(1)
    ahead = torch.arange(min(horizon, n_ahead * patch), device=window.device)
    target = window[:, (length - back)[:, None] + ahead]
    known = torch.isfinite(target) & valid[..., None]
    judged = known.flatten(1).any(1)
    target = torch.where(known, target, 0)[..., None]
    valid[:, 0] |= ~judged  # the net needs one
    losses = []
    for period in periods.T:
        output = net(window, period, n_ahead, origins, valid)
        quantiles = output.quantiles[:, :, : len(ahead)].sort(-1).values.to(window.dtype)
        location, scale = output.location[..., None, None], output.scale[..., None, None]
        error = (target - from_scaled(quantiles, location, scale)) / scale
        loss = torch.maximum(net.levels * error, (net.levels - 1) * error).mean(-1)
        losses.append((loss * known).sum((1, 2)).clamp(min=_LEAST_LOSS))
    losses = torch.stack(losses, 1)
    found = (losses.amin(1, keepdim=True) / losses) ** _POWER * (periods <= before[:, None])
    total = found.sum(1, keepdim=True)
    return torch.where(judged[:, None] & (total > 0), found / total.clamp(min=1e-30), weights)
