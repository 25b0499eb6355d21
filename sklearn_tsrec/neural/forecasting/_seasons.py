"""Which of several seasons a window follows: told by how well its own past was forecast."""

import numpy as np
import torch

from sklearn_tsrec.neural.forecasting._units import from_scaled

_N_ORIGINS = 7  # moments of the past from which the net forecasts again
_SHARE = 3  # these lie in the last third of the window
_LEAST_LOSS = 1e-6  # in standard deviations: no period is infinitely better than another
_POWER = 3.0  # of the loss, by which weights fall; on hourly series 2 to 5 were alike


@torch.no_grad()
def season_weights(net, window, periods, horizon):
    """Return the weight (B, C) of the forecasts with each of C periods.

    The net forecasts known values from some moments of the last third of the window. The weight of
    a period is its loss there to the power of −3, and 0 if the window, before those moments, does
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
    # The same moments whatever windows share a batch; those that no window reaches are left out.
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
