"""The units in which the net reads a window: scaled values, and values of the same phase."""

import torch

_LARGEST = 6.0  # of scaled values; asinh(200 standard deviations)
_FEWEST_PAIRS = 3  # seasonal differences that measure a season; with fewer, steps do
_SEASON_RANGE = (0.02, 2.0)  # of the season's size, in scaled units: no division by nothing


def location_and_scale(values, seen):
    """Return mean and standard deviation (B, 1) of what is seen; a constant has a small scale."""
    count = seen.sum(1, keepdim=True).clamp(min=1)
    location = (values * seen).sum(1, keepdim=True) / count
    scale = (((values - location) * seen).square().sum(1, keepdim=True) / count).sqrt()
    varies = scale > 1e-6 * (location.abs() + 1e-6)
    return location, torch.where(varies, scale, location.abs().clamp(min=1e-3) * 0.1 + 1e-6)


def to_scaled(values, location, scale):
    """Return values in units that the net knows: standardised, long tails compressed by arcsinh."""
    standard = (values - location) / scale
    # asinh, as it is spelt where a runtime knows none of doubles.
    inner = (standard.abs() + (standard.square() + 1).sqrt()).log()
    return (standard.sign() * inner).clamp(-_LARGEST, _LARGEST)


def from_scaled(scaled, location, scale):
    """Return values in the units of the input."""
    inner = scaled.clamp(-_LARGEST - 2, _LARGEST + 2)
    return location + scale * (inner.exp() - (-inner).exp()) / 2


def seasonal_differences(scaled, seen, period):
    """Return z_t − z_{t−period} (B, L), 0 where one of the two is missing, and where both are."""
    position = torch.arange(scaled.shape[1], device=scaled.device)
    earlier = position - period.clamp(min=1)[:, None]
    index = earlier.clamp(min=0)
    both = (earlier >= 0) & seen & seen.gather(1, index)
    return (scaled - scaled.gather(1, index)) * both, both


def season_size(scaled, seen, period, ends):
    """Return the mean absolute seasonal difference before each of the ends, (B, K)."""

    def sums(period):
        difference, both = seasonal_differences(scaled, seen, period)
        last = [end - 1 for end in ends]
        return difference.abs().cumsum(1)[:, last], both.cumsum(1)[:, last]

    total, pairs = sums(period)
    step_total, steps = sums(torch.ones_like(period))
    size = torch.where(
        pairs >= _FEWEST_PAIRS, total / pairs.clamp(min=1), step_total / steps.clamp(min=1)
    )
    return size.clamp(*_SEASON_RANGE)


def last_seen(scaled, seen, ends):
    """Return the last value seen before each of the ends, (B, K); 0, the mean, if none is."""
    position = torch.arange(scaled.shape[1], device=scaled.device)
    latest = torch.where(seen, position, -1)
    latest = torch.stack([latest[:, :end].amax(1) for end in ends], 1)
    return scaled.gather(1, latest.clamp(min=0)) * (latest >= 0)


def same_phase(scaled, seen, period, end, horizon, n_lags):
    """Return values (B, horizon, n_lags) of the last seasons at each step's phase, and if seen.

    The first of the last axis is the latest season that ended before ``end``.
    """
    ahead = torch.arange(1, horizon + 1, device=scaled.device)[:, None]
    lag = torch.arange(n_lags, device=scaled.device)
    period = period.clamp(min=1)[:, None, None]
    index = end - 1 + ahead - period * ((ahead + period - 1) // period) - lag * period
    inside = index >= 0
    flat = index.clamp(min=0).flatten(1)
    known = inside & seen.gather(1, flat).view_as(index)
    return scaled.gather(1, flat).view_as(index) * known, known
