"""The patch transformer: a window and a period in, nine quantiles of each step out."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from sklearn_tsrec.neural._layers import ResidualMLP, TransformerBlock, rotation_angles
from sklearn_tsrec.neural.forecasting._config import PatchTransformerConfig
from sklearn_tsrec.neural.forecasting._seasons import season_weights
from sklearn_tsrec.neural.forecasting._units import (
    from_scaled,
    last_seen,
    location_and_scale,
    same_phase,
    season_size,
    seasonal_differences,
    to_scaled,
)

_N_SUMMARIES = 5  # numbers that describe the whole window to a future token
_CLIP = 8.0  # of differences in units of the season's size
CALIBRATION_RANGE = (0.7, 2.0)  # of the factor by which intervals are widened
_FIRST_SPREAD = 1.2  # of an untrained net, in standard normal quantiles times the season's size


class ScaledQuantiles(NamedTuple):
    """What the net forecasts, in scaled units.

    ``quantiles`` (B, K, H, Q) for K origins; ``location`` and ``scale`` (B, 1) of the window;
    ``season`` (B, K), the mean absolute seasonal difference before each origin.
    """

    quantiles: torch.Tensor
    location: torch.Tensor
    scale: torch.Tensor
    season: torch.Tensor


class PatchTransformer(nn.Module):
    """A small transformer that forecasts any series from a window of its past.

    Values are standardised, compressed by arcsinh and cut into patches. A token of the future sees
    the values of its own phase in the last seasons, and the head only corrects the latest of
    them: an untrained net *is* the seasonal naive forecast. Tokens look at the past alone, so one
    window teaches forecasts from several origins at once.

    Parameters
    ----------
    config : PatchTransformerConfig
        The sizes.

    Attributes
    ----------
    patch_embedding, lag_embedding : ResidualMLP
        Past patches, and same-phase values of the future, → tokens.
    step_embedding : tensor of shape (block / patch, width)
        What is added to the tokens of the first, second, … patch ahead.
    period_embedding, summary_embedding : Linear
        Period, and the window as a whole, → what is added to past and to future tokens.
    blocks : ModuleList of TransformerBlock
        The blocks; the attention projections are their ``attention.qkv`` and ``attention.out``.
    norm, head : LayerNorm, ResidualMLP
        Last normalisation, and token → quantiles of the steps of a patch.
    calibration : tuple of two float
        a and b of :func:`~sklearn_tsrec.neural.calibrate`; zeros change nothing.
    prefix : tensor of shape (n, width) or None
        Learned tokens that all others may look at; None unless fine-tuning puts them there.

    References
    ----------
    Nie et al. (2023), "A time series is worth 64 words: long-term forecasting with transformers".

    Examples
    --------
    >>> import torch
    >>> from sklearn_tsrec.neural import PatchTransformer, PatchTransformerConfig
    >>> net = PatchTransformer(PatchTransformerConfig(width=32, depth=1))
    >>> week = torch.tensor([[1.0, 2, 3, 4, 5, 6, 0] * 4])
    >>> net.forecast(week, torch.tensor([7]), 3)[0, :, 4]
    tensor([1., 2., 3.])
    """

    levels: torch.Tensor
    calibration: tuple[float, float]
    prefix: nn.Parameter | None

    def __init__(self, config: PatchTransformerConfig):
        super().__init__()
        self.config = config
        width, patch, n_levels = config.width, config.patch, len(config.quantiles)
        self.patch_embedding = ResidualMLP(3 * patch, width, width)
        self.lag_embedding = ResidualMLP((2 * config.n_lags + 1) * patch, width, width)
        self.step_embedding = nn.Parameter(torch.randn(config.block // patch, width) * 0.02)
        self.period_embedding = nn.Linear(2, width)
        self.summary_embedding = nn.Linear(_N_SUMMARIES, width)
        self.blocks = nn.ModuleList(
            TransformerBlock(width, config.heads, config.feedforward, config.dropout)
            for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = ResidualMLP(width, width, patch * n_levels)
        self.register_parameter("prefix", None)
        self.calibration = (0.0, 0.0)
        levels = torch.tensor(config.quantiles, dtype=torch.float64)
        self.register_buffer("levels", levels.float(), persistent=False)
        for layer in (self.head.out, self.head.skip):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        spread = math.sqrt(2) * torch.erfinv(2 * levels - 1) * _FIRST_SPREAD
        with torch.no_grad():
            self.head.out.bias.copy_(spread.float().repeat(patch))

    def forward(
        self,
        context: torch.Tensor,
        period: torch.Tensor,
        n_future_patches: int | None = None,
        origins: Sequence[int] = (0,),
        valid: torch.Tensor | None = None,
    ) -> ScaledQuantiles:
        """Return the quantiles of the patches that follow each origin.

        Parameters
        ----------
        context : float tensor of shape (B, L)
            Windows, oldest first; NaN where a value is missing or before the series begins. L is a
            multiple of ``config.patch``.
        period : long tensor of shape (B,)
            Steps in a season; 1 for no season, 0 for not known.
        n_future_patches : int, default=None
            Patches to forecast; None is ``config.block / config.patch``.
        origins : sequence of int, default=(0,)
            Where forecasts begin, in patches before the end of the window. Each sees nothing after
            it.
        valid : bool tensor of shape (B, len(origins)), default=None
            The origins that count for a window: its scale is that of the values before the
            earliest of them. None means all.

        Returns
        -------
        output : ScaledQuantiles
            Quantiles in scaled units, and the units.
        """
        config = self.config
        n_rows, length = context.shape
        if length % config.patch:
            raise ValueError(
                f"context must be a multiple of patch={config.patch} long, got {length}; pad it "
                "with NaN on the left."
            )
        n_past = length // config.patch
        n_future = n_future_patches or config.block // config.patch
        ends = [length - config.patch * origin for origin in origins]

        seen = torch.isfinite(context)
        values = torch.where(seen, context, 0)
        steps = torch.tensor(ends, device=context.device)
        earliest = torch.where(valid, steps, length).amin(1) if valid is not None else steps.min()
        before = torch.arange(length, device=context.device) < earliest.reshape(-1, 1)
        location, scale = location_and_scale(values, seen & before)
        scaled = (to_scaled(values, location, scale) * seen).float()

        season = season_size(scaled, seen, period, ends)
        future, naive = self._future_tokens(scaled, seen, period, ends, season, n_future)
        first = torch.where(valid, steps, length).argmin(1) if valid is not None else steps.argmin()
        past = self._past_tokens(
            scaled, seen, period, season.gather(1, first.expand(n_rows)[:, None])
        )
        tokens = torch.cat([past, future.flatten(1, 2)], 1)
        allowed, positions = self._structure(seen, n_past, origins, n_future)
        if self.prefix is not None:
            n_prefix = len(self.prefix)
            tokens = torch.cat([self.prefix.expand(n_rows, -1, -1), tokens], 1)
            allowed = nn.functional.pad(allowed, (n_prefix, 0, n_prefix, 0), value=True)
            positions = nn.functional.pad(positions, (n_prefix, 0))
        rotation = rotation_angles(positions, config.width // config.heads, config.heads)
        allowed = torch.where(allowed, 0.0, -torch.inf)[:, None]
        for block in self.blocks[:-1]:
            tokens = block(tokens, allowed, rotation)
        # Nobody reads what the past becomes in the last block.
        tokens = self.blocks[-1](tokens, allowed, rotation, len(origins) * n_future)
        correction = self.head(self.norm(tokens))
        correction = correction.view(n_rows, len(origins), n_future * config.patch, -1)
        quantiles = naive + season[:, :, None, None] * correction
        return ScaledQuantiles(quantiles, location, scale, season)

    def _past_tokens(self, scaled, seen, period, season):
        """Return a token (B, N, width) for each patch of the window."""
        shape = (scaled.shape[0], -1, self.config.patch)
        difference, _ = seasonal_differences(scaled, seen, period)
        difference = (difference / season).clamp(-_CLIP, _CLIP)
        channels = [scaled.view(shape), seen.float().view(shape), difference.view(shape)]
        tokens = self.patch_embedding(torch.cat(channels, -1))
        return tokens + self.period_embedding(_describe_period(period))[:, None]

    def _future_tokens(self, scaled, seen, period, ends, season, n_future):
        """Return tokens (B, K, n_future, width) of the future, and the naive path (B, K, H, 1)."""
        config = self.config
        horizon = n_future * config.patch
        latest = last_seen(scaled, seen, ends)
        count = seen.cumsum(1)[:, [end - 1 for end in ends]].float()
        tokens, paths = [], []
        for origin, end in enumerate(ends):
            lags, known = same_phase(scaled, seen, period, end, horizon, config.n_lags)
            last = latest[:, origin, None, None]
            newest = lags.gather(-1, known.byte().argmax(-1, keepdim=True))
            naive = torch.where(known.any(-1, keepdim=True), newest, last)
            unit = season[:, origin, None, None]
            older = ((lags[..., 1:] - naive) / unit).clamp(-_CLIP, _CLIP) * known[..., 1:]
            level = ((last - naive) / unit).clamp(-_CLIP, _CLIP)
            parts = torch.cat([naive, older, level, known.float()], -1)
            tokens.append(parts.view(scaled.shape[0], n_future, -1))
            paths.append(naive)
        steps = period.clamp(min=1).float()[:, None]
        summaries = [
            count.clamp(min=1).log() / 4,
            (count / steps).clamp(max=64).log1p() / 4,
            season.log() / 2,
        ]
        described = _describe_period(period)[:, None].expand(-1, len(ends), -1)
        summary = torch.cat([described, torch.stack(summaries, -1)], -1)
        tokens = self.lag_embedding(torch.stack(tokens, 1))
        tokens = (
            tokens + self.step_embedding[:n_future] + self.summary_embedding(summary)[:, :, None]
        )
        return tokens, torch.stack(paths, 1)

    def _structure(self, seen, n_past, origins, n_future):
        """Return who may look at whom, (B, N, N), and the position of each token, (N,)."""
        device = seen.device
        start = torch.tensor([n_past - origin for origin in origins], device=device)
        group = torch.arange(len(origins) * n_future, device=device) // n_future
        group = torch.cat([torch.full((n_past,), -1, device=device), group])
        ahead = torch.arange(n_future, device=device)
        positions = torch.cat(
            [torch.arange(n_past, device=device), (start[:, None] + ahead).ravel()]
        )
        is_past = group < 0
        limit = torch.where(is_past, positions + 1, start[group.clamp(min=0)])
        to_past = is_past[None] & (positions[None] < limit[:, None])
        to_own = ~is_past[None] & (group[None] == group[:, None])
        to_own = to_own & (positions[None] <= positions[:, None])
        holds = seen.view(seen.shape[0], n_past, -1).any(-1)
        holds = nn.functional.pad(holds, (0, len(group) - n_past), value=True)
        itself = torch.eye(len(group), dtype=torch.bool, device=device)
        return ((to_past | to_own)[None] & holds[:, None]) | itself, positions.float()

    @torch.no_grad()
    def forecast(
        self,
        context: torch.Tensor,
        period: torch.Tensor,
        horizon: int,
        batch_size: int = 64,
        shift: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return quantiles of the next steps of each window.

        Horizons beyond ``config.block`` are rolled out: the lowest, the middle and the highest
        quantile path are appended to the window, and the forecasts that follow are mixed.

        Parameters
        ----------
        context : float tensor of shape (B, L)
            Windows, oldest first; NaN where a value is missing or before the series begins. The
            last ``config.context`` values are read.
        period : long tensor of shape (B,) or (B, C)
            Steps in a season; 1 for no season, 0 for not known. Of several candidates the
            quantiles are averaged, with ``season_weights``.
        horizon : int
            Steps to forecast.
        batch_size : int, default=64
            Windows in one pass. Memory grows with it, and not with B; more do not fit the cache of
            a CPU.
        shift : tensor of shape (B, horizon), default=None
            What is added to the quantiles of each step, in units of the season's size.

        Returns
        -------
        quantiles : tensor of shape (B, horizon, n_quantiles)
            Ascending quantiles, in the units of the input. NaN for a window without any value.

        References
        ----------
        Chernozhukov, Fernández-Val & Galichon (2010), "Quantile and probability curves without
        crossing": the quantiles of a step are put in order.
        """
        training = self.training
        self.eval()
        context = context[:, -self.config.context :]
        seen = torch.isfinite(context)
        # Windows that begin together share a batch: it is only as long as the longest of them.
        begin = torch.where(seen.any(1), seen.byte().argmax(1), context.shape[1])
        quantiles = context.new_full((len(context), horizon, len(self.levels)), torch.nan)
        for rows in begin.argsort(stable=True).split(batch_size):
            rows = rows[begin[rows] < context.shape[1]]
            if len(rows):
                window = context[rows, int(begin[rows].min()) :]
                moved = None if shift is None else shift[rows]
                quantiles[rows] = self.from_seasons(
                    self._roll_out, window, period[rows], horizon, moved
                )
        self.train(training)
        return self.widen(quantiles, seen.sum(1))

    def from_seasons(self, forecast, window, period, horizon, shift=None):
        """Return the forecasts of one batch, averaged where periods are several."""
        period = period.view(period.shape[0], -1)
        parts = [forecast(window, season, horizon, shift) for season in period.unbind(1)]
        if len(parts) == 1:
            return parts[0]
        weights = season_weights(self, window, period, horizon)
        return (torch.stack(parts, -1) * weights[:, None, None].to(window.dtype)).sum(-1)

    def widen(self, quantiles, n_seen):
        """Return calibrated quantiles (B, H, n_quantiles) of windows with so many values (B,)."""
        if not any(self.calibration):
            return quantiles
        begin, slope = self.calibration
        factor = (begin + slope * n_seen.clamp(min=1).to(quantiles).log()).exp()
        middle = quantiles[..., [self.config.quantiles.index(0.5)]]
        return middle + factor[:, None, None].clamp(*CALIBRATION_RANGE) * (quantiles - middle)

    def _roll_out(self, window, period, horizon, shift=None):
        """Forecast one batch, block after block."""
        found = self.one_block(window, period, horizon, shift)
        done = [found]
        n_rows, n_levels = len(window), len(self.levels)
        paths, shares = self._paths()
        if horizon > self.config.block:
            window = window.repeat_interleave(len(paths), 0)
            period = period.repeat_interleave(len(paths))
            shift = None if shift is None else shift.repeat_interleave(len(paths), 0)
        while (left := horizon - sum(block.shape[1] for block in done)) > 0:
            window = torch.cat([window, found[..., paths].mT.flatten(0, 1)], 1)
            later = None if shift is None else shift[:, -left:]
            branches = self.one_block(window[:, -self.config.context :], period, left, later)
            branches = branches.view(n_rows, len(paths), -1, n_levels).transpose(1, 2)
            found = mixture_quantiles(branches, shares, self.levels.to(branches))
            done.append(found)
        return torch.cat(done, 1)

    def _paths(self):
        """Return the levels that are rolled out, and the share of each.

        The lowest, the middle and the highest, with the shares that give a normal its variance.
        """
        levels = self.levels.double()
        middle = self.config.quantiles.index(0.5)
        outer = min(middle, len(levels) - 1 - middle)
        if outer == 0:
            return [middle], levels.new_ones(1)
        share = 0.25 / torch.erfinv(2 * levels[middle + outer] - 1) ** 2
        share = share.clamp(max=0.5)
        shares = torch.stack([share, 1 - 2 * share, share])
        return [middle - outer, middle, middle + outer], shares

    def one_block(self, window, period, horizon, shift=None):
        """Return ascending quantiles of the next steps, at most a block of them."""
        patch = self.config.patch
        horizon = min(horizon, self.config.block)
        window = nn.functional.pad(window, (-window.shape[1] % patch, 0), value=torch.nan)
        output = self(window, period, -(-horizon // patch))
        scaled = output.quantiles[:, 0, :horizon]
        if shift is not None:
            scaled = scaled + (output.season * shift[:, :horizon])[..., None]
        scaled = scaled.sort(-1).values.to(window.dtype)
        return from_scaled(scaled, output.location[..., None], output.scale[..., None])


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


def quantile_loss(output, target, levels, valid=None):
    """Return the mean quantile loss of forecasts, each weighed by its season's size ** −1/2.

    Parameters
    ----------
    output : ScaledQuantiles
        What a :class:`PatchTransformer` returned.
    target : tensor of shape (B, K, H)
        True values after each origin, in the units of the window. NaN where not known.
    levels : tensor of shape (n_quantiles,)
        The levels, ``net.levels``.
    valid : bool tensor of shape (B, K), default=None
        The origins that count. None means all.

    Returns
    -------
    loss : scalar tensor
        The mean over all known values of the origins that count.
    """
    loss, known = _losses(output, target, levels, valid)
    return loss.sum() / known.sum().clamp(min=1)


def row_losses(output, target, levels):
    """Return the loss (B,) of each row, as :func:`quantile_loss` has it."""
    loss, known = _losses(output, target, levels)
    return loss.sum((1, 2)) / known.sum((1, 2)).clamp(min=1)


def _losses(output, target, levels, valid=None):
    """Return the losses (B, K, H) of forecasts, 0 where not known, and where they are known."""
    known = torch.isfinite(target)
    if valid is not None:
        known = known & valid[..., None]
    target = torch.where(known, target, 0)
    scaled = to_scaled(target, output.location[..., None], output.scale[..., None]).float()
    error = scaled[..., None] - output.quantiles[:, :, : target.shape[-1]]
    loss = 2 * torch.maximum(levels * error, (levels - 1) * error).mean(-1)
    return loss * output.season.clamp(min=0.05).rsqrt()[..., None] * known, known


def _describe_period(period):
    """Return two numbers (B, 2) of a period: its logarithm, and whether it is none or unknown."""
    kind = torch.where(period == 0, -1.0, (period == 1).float())
    return torch.stack([period.clamp(min=1).float().log() / 4, kind], -1)
