"""Mixtures of forecasts that are given by quantiles."""

import torch


def mixture_quantiles(branches, shares, levels):
    """Return quantiles of a mixture of forecasts that are given by quantiles.

    Parameters
    ----------
    branches : tensor of shape (B, H, n_branches, n_quantiles)
        Quantiles of each forecast.
    shares : tensor of shape (n_branches,)
        Share of each in the mixture; they add up to 1.
    levels : tensor of shape (n_quantiles,)
        The levels, the same going in and coming out.

    Returns
    -------
    quantiles : tensor of shape (B, H, n_quantiles)
        Quantiles of the mixture.
    """
    if len(levels) == 1:
        return branches[..., 0] @ shares.to(branches)[:, None]
    # A quantile stands for the probability half-way to its neighbours; what lies beyond the first
    # and the last is put where a normal has it.
    edges = torch.cat([levels[:1] / 2, levels[:-1].lerp(levels[1:], 0.5), (1 + levels[-1:]) / 2])
    mass = torch.cat([edges[:1], edges.diff(), 1 - edges[-1:]])
    normal = torch.erfinv(2 * torch.cat([edges[:1] / 2, levels, (1 + edges[-1:]) / 2]) - 1)
    stretch = (normal[[0, -1]] - normal[[1, -2]]) / (normal[[2, -3]] - normal[[1, -2]])
    first, last = branches[..., :1], branches[..., -1:]
    first = first + stretch[0] * (branches[..., 1:2] - first)
    last = last + stretch[1] * (branches[..., -2:-1] - last)
    values, order = torch.cat([first, branches, last], -1).flatten(2).sort(-1)
    mass = (shares.to(branches)[:, None] * mass).flatten()[order]
    below = mass.cumsum(-1) - mass / 2
    wanted = levels.expand(*below.shape[:-1], -1).contiguous()
    right = torch.searchsorted(below, wanted).clamp(1, below.shape[-1] - 1)
    low, high = below.gather(-1, right - 1), below.gather(-1, right)
    part = ((wanted - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
    return values.gather(-1, right - 1).lerp(values.gather(-1, right), part)
